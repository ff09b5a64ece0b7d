"""`glassgrad show`: text in the terminal, pages and pictures in files, and what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from view.page_parts import data_of

PROGRAM = """
import numpy as np

def product(W, x):
    return ((W @ x) ** 2).sum()

def nothing(x):
    x * 2

def branching(x):
    return x if x > 0 else -x

def infinite(x):
    return np.log(x - x).sum()

def huge(x):
    return (x[0] * 2.0).sum()

huge.example_inputs = lambda: (np.broadcast_to(np.float32(2.0), (100_000, 10_000)),)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def test_text_in_the_terminal(cli: Any) -> None:
    result = cli("show", "canon:cs231n.sigmoid_circuit")
    assert result.code == 0
    assert result.err == ""
    (line,) = (line for line in result.out.splitlines() if "negated = " in line)
    assert line.split() == "● negated = score * (−1) −1.00 −0.20 ∂score −1.00".split()
    assert "\x1b" not in result.out
    assert "−0.1966" in cli("show", "canon:cs231n.sigmoid_circuit", "--precision", 4).out


def test_colour_where_there_is_a_terminal(cli: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[34m" in cli("show", "canon:cs231n.sigmoid_circuit").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in cli("show", "canon:cs231n.sigmoid_circuit").out


def test_a_page(cli: Any, tmp_path: Path) -> None:
    result = cli("show", "canon:cs231n.sigmoid_circuit", "-o", "s.html", "--precision", 2)
    assert (result.code, result.out) == (0, "")
    assert "s.html is written" in result.err
    html = (tmp_path / "s.html").read_text("utf-8")
    for shown in ">−0.20<", ">0.39<", ">−0.39<", ">−0.59<", ">−0.53<", ">1.00<":
        assert shown in html
    assert [path.name for path in tmp_path.iterdir()] == ["s.html"]


def test_a_picture_and_a_text_file(cli: Any, tmp_path: Path) -> None:
    cli("show", "canon:cs231n.staged", "-o", "s.svg")
    assert (tmp_path / "s.svg").read_text("utf-8").startswith("<svg")
    cli("show", "canon:cs231n.staged", "-o", "s.txt")
    assert "invden" in (tmp_path / "s.txt").read_text("utf-8")


def test_levels(cli: Any, program: Path, tmp_path: Path) -> None:
    shapes = ["--args", "2x2,2"]
    few = cli("show", "net.py:product", *shapes).out
    many = cli("show", "net.py:product", *shapes, "--level", "numbers").out
    assert len(many.splitlines()) > len(few.splitlines())
    cli("show", "net.py:product", *shapes, "--level", "numbers", "-o", "p.html")
    data = data_of((tmp_path / "p.html").read_text("utf-8"))
    assert data["scenes"][data["first"]]["level"] == "numbers"


def test_the_backward_pass_as_nodes(cli: Any) -> None:
    result = cli("show", "canon:cs231n.product_of_sum", "--backward")
    assert result.code == 0
    assert "dq" in cli("show", "canon:cs231n.staged", "--backward").out or result.out
    plain = cli("show", "canon:cs231n.staged").out
    both = cli("show", "canon:cs231n.staged", "--backward").out
    assert len(both.splitlines()) > len(plain.splitlines())


def test_a_chosen_node(cli: Any, tmp_path: Path) -> None:
    cli("show", "canon:cs231n.sigmoid_circuit", "-o", "s.html", "--node", "power")
    assert data_of((tmp_path / "s.html").read_text("utf-8"))["select"] == "power"


def test_infinity_is_drawn_and_flagged(cli: Any, program: Path, tmp_path: Path) -> None:
    assert "−infinity" in cli("show", "net.py:infinite", "--args", "1").out
    assert cli("show", "net.py:infinite", "--args", "3", "-o", "s.svg").code == 0
    assert 'class="warn"' in (tmp_path / "s.svg").read_text("utf-8")


def test_a_billion_numbers_are_summarised(cli: Any, program: Path, tmp_path: Path) -> None:
    assert cli("show", "net.py:huge", "-o", "h.html").code == 0
    assert (tmp_path / "h.html").stat().st_size < 300_000


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("canon:cs231n.sigmoid_circut", 2, "cs231n.sigmoid_circuit"),
        ("canon:cs231n.sigmoid_circuit --level layer", 2, "`layers`"),
        ("canon:cs231n.sigmoid_circuit -o s.html --node powr", 2, "`power`"),
        ("canon:book.simple_net -o s.html --level layers --open softmx", 2, "softmax"),
        ("canon:cs231n.sigmoid_circuit -o nowhere/s.html", 1, "nowhere/s.html"),
        ("canon:cs231n.sigmoid_circuit -o s.png", 2, ".svg"),
        ("canon:cs231n.sigmoid_circuit --precision 99", 2, "--precision"),
        ("canon:cs231n.sigmoid_circuit --node w0", 2, "--node"),
        ("net.py:nothing --args 3", 1, "returned nothing"),
        ("net.py:branching --args scalar", 1, "np.where"),
        ("runs/nothing", 2, "runs/nothing"),
    ],
)
def test_what_is_refused(cli: Any, program: Path, words: str, code: int, says: str) -> None:
    result = cli("show", *words.split())
    assert (result.code, result.out) == (code, "")
    assert says in result.err
