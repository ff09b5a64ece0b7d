"""`glassgrad gradcheck`: runs, functions of the user's, and what it says of wrong ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import numpy as np
import helper_of_the_program
from glassgrad import custom_gradient

def smooth(W, x):
    return np.tanh(x @ W).sum()

def labelled(logits, labels):
    from glassgrad.nn import cross_entropy
    return cross_entropy(logits, labels)

@custom_gradient
def doubled(x):
    return 2 * x, lambda dout: 2.001 * dout

def wrong(x):
    return doubled(x).sum()

def failing(x):
    return x / nothing

def own(x):
    return (x ** 3).sum()

own.example_inputs = lambda: np.array([1.0, 2.0])

def example_inputs():
    return np.ones((4, 2)), np.full((3, 4), 0.1)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    (tmp_path / "helper_of_the_program.py").write_text("", encoding="utf-8")
    path = tmp_path / "net.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "words",
    [
        "net.py:smooth --args 4x2,3x4",
        "net.py:smooth --args 4x2,3x4 --order 2 --elements 4 --seed 3",
        "net.py:smooth",
        "net.py:own",
        "net.py:labelled --args 8x4,8:4",
    ],
)
def test_right_functions(cli: Any, program: Path, words: str) -> None:
    result = cli("gradcheck", *words.split())
    assert result.code == 0, result.err
    assert "all gradients agree" in result.out
    assert program.exists()


def test_a_wrong_gradient_is_1(cli: Any, program: Path) -> None:
    result = cli("gradcheck", f"{program}:wrong", "--args", "3")
    assert result.code == 1
    assert "GRADIENTS DIFFER" in result.out
    found = cli("gradcheck", "net.py:wrong", "--args", "3", "--json")
    assert found.code == 1
    assert found.json["ok"] is False


def test_a_failing_program_shows_its_own_lines(cli: Any, program: Path) -> None:
    result = cli("gradcheck", f"{program.name}:failing", "--args", "3")
    assert result.code == 1
    assert "NameError: name 'nothing' is not defined" in result.err
    assert "glassgrad/" not in result.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("net.py:smoth --args 3", "did you mean `smooth`?"),
        ("net.py", "no function of net.py is named"),
        ("none.py:f", "there is no file none.py"),
        ("net.py:smooth --args 3y", "--args: '3y' is no shape"),
        ("net.py:smooth --args 3:0", "--args: '3:0' is no shape"),
        ("net.py:smooth --order 3", "--order: 3 is outside"),
        ("nowhere", "there is no run nowhere"),
        ("", "there is no run in runs"),
    ],
)
def test_wrong_usage(cli: Any, program: Path, words: str, problem: str) -> None:
    result = cli("gradcheck", *words.split())
    assert result.code == 2
    assert problem in result.err
    assert program.exists()


def test_inputs_must_be_known(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("def f(x): return x\n", encoding="utf-8")
    result = cli("gradcheck", "f.py:f")
    assert result.code == 2
    assert "the inputs of f are not known" in result.err


def test_runs(cli: Any) -> None:
    cli("train", "moons", "--steps", "3", "--dropout", "0.2")
    assert "all gradients agree" in cli("gradcheck", "moons").out
    newest = cli("gradcheck")
    assert newest.code == 0
    assert "runs/moons" in newest.err
    refused = cli("gradcheck", "moons", "--args", "3")
    assert refused.code == 2
