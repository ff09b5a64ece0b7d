"""`glassgrad show WHAT --native`: the reports of runs and functions, and what it refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from glassgrad.backends.chosen import VARIABLE
from glassgrad.backends.native import engine

PROGRAM = """
import numpy as np

def product(W, x):
    return ((W @ x) ** 2).sum()

def rows(x):
    return np.exp(x)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


@pytest.fixture
def without_llvmlite(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.delenv(VARIABLE, raising=False)  # what `pytest --backend` says "auto" is
    engine.problem.cache_clear()
    yield
    engine.problem.cache_clear()


def _reports(out: str) -> list[str]:
    return [line for line in out.splitlines() if line.startswith(("the ", "its "))]


@pytest.mark.usefixtures("program", "without_llvmlite")
def test_a_function_and_its_gradients(cli: Any) -> None:
    result = cli("show", "net.py:product", "--args", "3x4,4", "--native")
    assert result.code == 0
    assert _reports(result.out) == ["the function", "its gradients"]
    assert "t1 = W @ x" in result.out
    assert "dx = " in result.out
    assert "without times: " in result.err
    assert "llvmlite" in result.err
    assert "GFLOP/s" not in result.out


@pytest.mark.usefixtures("program", "without_llvmlite")
def test_a_function_without_gradients(cli: Any) -> None:
    result = cli("show", "net.py:rows", "--args", "3x4", "--native")
    assert _reports(result.out) == ["the function"]


@pytest.mark.usefixtures("without_llvmlite")
def test_a_run(cli: Any) -> None:
    """A run that NumPy trained has its native form all the same."""
    assert cli("train", "xor", "--steps", "2", "--name", "a", "--backend", "numpy").code == 0
    result = cli("show", "runs/a", "--native", "--json")
    found = result.json
    assert list(found) == ["name", "step", "forward"]
    step = found["step"]
    assert step["name"] == "train_step"
    equations = [e for k in step["kernels"] for p in k["parts"] for e in p["equations"]]
    assert any(e.startswith("new_layers_0_W = ") for e in equations)
    assert step["memory"]["shares"]
    assert step["memory"]["in_place"]
    assert found["forward"]["memory"]["in_place"] == []
    korean = cli("--lang", "ko", "show", "runs/a", "--native").out
    assert "학습 단계" in korean
    assert "순전파" in korean


@pytest.mark.usefixtures("without_llvmlite")
def test_the_step_of_mini_batches_gathers_them(cli: Any) -> None:
    words = ["--steps", "2", "--batch-size", "50", "--layers", "8", "--name", "a"]
    assert cli("train", "moons", *words).code == 0
    parts = [p for k in cli("show", "runs/a", "--native", "--json").json["step"]["kernels"]
             for p in k["parts"]]  # fmt: skip
    (first, *_) = [part for part in parts if part["form"] == "gather"]
    assert first["equations"][0].endswith("[order]")


@pytest.mark.usefixtures("without_llvmlite")
def test_a_run_whose_data_are_gone(cli: Any, flowers: Path) -> None:
    assert cli("train", flowers, "--target", "species", "--steps", "2", "--name", "a").code == 0
    flowers.unlink()
    result = cli("show", "runs/a", "--native")
    assert result.code == 0
    assert _reports(result.out) == ["the training step", "the forward pass"]
    assert "rows are drawn" in result.err


@pytest.mark.usefixtures("without_llvmlite")
def test_a_text_file(cli: Any, tmp_path: Path) -> None:
    result = cli("show", "canon:cs231n.staged", "--native", "-o", "s.txt")
    assert (result.code, result.out) == (0, "")
    assert (tmp_path / "s.txt").read_text("utf-8").startswith("the function\n")


def test_pages_are_refused(cli: Any) -> None:
    result = cli("show", "canon:cs231n.staged", "--native", "-o", "s.html")
    assert result.code == 2
    assert "the native report is text: -o FILE.txt" in result.err


def test_times_with_llvmlite(cli: Any) -> None:
    pytest.importorskip("llvmlite")
    result = cli("show", "canon:cs231n.sigmoid_circuit", "--native", "--json")
    assert result.err == ""
    found = json.loads(result.out)
    assert found["forward"]["seconds"] > 0
    assert found["gradients"]["kernels"][0]["parts"][0]["seconds"] >= 0
