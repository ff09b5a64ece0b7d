"""`glassgrad explain`: worked examples, functions, runs, updates, and how it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from glassgrad.io import read_checkpoint

PROGRAM = """
import numpy as np

def loss(x, W1, t):
    h = np.tanh(x @ W1)
    return ((h - t) ** 2).mean()
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


@pytest.fixture
def run(cli: Any) -> str:
    made = cli(
        "train", "xor", "--epochs", "3", "--layers", "4", "--seed", "0", "--optimizer", "momentum",
        "--lr", "0.1", "--name", "small", "--quiet",
    )  # fmt: skip
    assert made.code == 0, made.err
    return "runs/small"


# --- examples ----------------------------------------------------------------------------


def test_the_sigmoid_circuit(cli: Any) -> None:
    found = cli("explain", "canon:cs231n.sigmoid_circuit", "x1")
    assert found.code == 0
    assert "−0.5344 · 1 · 0.3679 · (−1) · 1 · 1 · (−3) = −0.5898" in found.out
    assert "If x1 grows by 0.01, f falls by about 0.0059." in found.out
    assert found.err == ""


def test_in_korean(cli: Any) -> None:
    found = cli("--lang", "ko", "explain", "canon:cs231n.sigmoid_circuit", "x1")
    assert "x1이 0.01만큼 커지면 f는 약 0.0059만큼 작아집니다." in found.out


def test_as_json_latex_and_html(cli: Any, tmp_path: Path) -> None:
    data = cli("explain", "canon:mazur.network", "w1", "--json", "--paths", "1").json
    assert data["gradient"] == pytest.approx(0.00043857, abs=1e-8)
    assert (data["paths"], len(data["listed"])) == (2, 1)
    latex = cli("explain", "canon:mazur.network", "w1", "--latex").out
    assert latex.startswith(r"\begin{aligned}")
    done = cli("explain", "canon:mazur.network", "w1", "--html", "-o", "page.html")
    assert (done.code, done.out) == (0, "")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    section = page[page.index("<section") : page.index("</section>") + len("</section>")]
    ElementTree.fromstring(section)


def test_one_result_in_between(cli: Any) -> None:
    found = cli("explain", "canon:mazur.network", "w1", "--of", "net_h1", "--precision", "3")
    assert found.out.startswith("∂net_h1/∂w1 = 0.050\n")


def test_the_update_of_mazur_s_network(cli: Any) -> None:
    one = cli("explain", "canon:mazur.network", "--update", "w1", "--lr", "0.5").out
    assert "0.14978072" in one
    assert "w5" not in one
    everything = cli("explain", "canon:mazur.network", "--update", "--lr", "0.5").out
    for digits in ("0.13849856", "−0.03809824", "0.00877135", "0.00995425", "0.35891648"):
        assert digits in everything
    data = cli("explain", "canon:mazur.network", "--update", "--lr", "0.5", "--json").json
    assert [layer["title"] for layer in data["layers"]] == ["output layer", "hidden layer"]


# --- functions and runs ------------------------------------------------------------------


def test_a_function_of_the_user_s(cli: Any, program: Path) -> None:
    found = cli("explain", f"{program}:loss", "W1[0,1]", "--args", "4x3,3x2,4x2")
    assert found.code == 0
    assert found.out.startswith("∂loss/∂W1[0, 1] = ")
    update = cli("explain", f"{program}:loss", "--update", "--args", "4x3,3x2,4x2")
    assert "learning rate 0.1" in update.out


def test_a_run(cli: Any, run: str) -> None:
    found = cli("explain", run, "W1[0,1]")
    assert found.code == 0, found.err
    assert found.out.startswith("∂loss/∂layers.0.W[0, 1] = ")
    update = cli("explain", run, "--update", "W1[0,1]")
    assert update.out.startswith("Momentum: v' = momentum · v + g;  p - lr · v', learning rate 0.1")
    data = cli("explain", run, "--update", "W1[0,1]", "--json").json
    (weight,) = data["layers"][-1]["weights"]
    assert weight["new"] == pytest.approx(weight["value"] + weight["change"], rel=1e-6)
    assert "state of the optimizer: after" in update.out
    refused = cli("explain", run, "--update", "x[0,0]")
    assert (refused.code, "no parameter" in refused.err) == (2, True)


def test_the_update_of_a_run_is_the_optimizer_s_next(cli: Any, run: str, tmp_path: Path) -> None:
    """Momentum: the velocity that the run left counts."""
    data = cli("explain", run, "--update", "W1[0,1]", "--json").json
    (weight,) = data["layers"][-1]["weights"]
    (last,) = (tmp_path / run / "checkpoint" / "last").glob("step-*[1-9]*")
    arrays, _ = read_checkpoint(last)
    velocity = float(arrays["optimizer.velocity.layers.0.W"][0, 1])
    expected = -0.1 * (0.9 * velocity + weight["gradient"])
    assert weight["change"] == pytest.approx(expected, rel=1e-4)


# --- refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["canon:cs231n.sigmoid_circuit", "x11"], "did you mean `x1`"),
        (["canon:cs231n.sigmoid_circuit"], "by which input?"),
        (["canon:cs231n.sigmoid_circut", "x1"], "sigmoid_circuit"),
        (["canon:cs231n.sigmoid_circuit", "x1", "--paths", "0"], "--paths"),
        (["canon:cs231n.sigmoid_circuit", "x1", "--precision", "x"], "--precision"),
        (["canon:cs231n.sigmoid_circuit", "x1", "--lr", "0.1"], "--lr is for --update"),
        (["canon:mazur.network", "--update", "--lr", "-1"], "--lr"),
        (["canon:mazur.network", "--update", "--of", "E"], "--update goes with"),
        (["canon:mazur.network", "w1", "--json", "--latex"], "exclude each other"),
        (["nowhere", "x"], "nowhere"),
    ],
)
def test_refused(cli: Any, words: list[str], message: str) -> None:
    found = cli("explain", *words)
    assert found.code == 2
    assert message in found.err
    assert found.out == ""


def test_a_place_that_cannot_be_written(cli: Any) -> None:
    found = cli("explain", "canon:mazur.network", "w1", "-o", "no/such/folder/x.txt")
    assert found.code != 0
    assert "FileAccessError" in found.err


def test_help_in_both_languages(cli: Any) -> None:
    assert "local derivatives" in cli("explain", "--help").out
    assert "국소적 미분" in cli("--lang", "ko", "explain", "--help").out
