"""`glassgrad source`: functions, worked examples, runs, styles, files, wrong usage."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import numpy as np

def loss(W1, b1, x):
    h = np.tanh(x @ W1 + b1)
    loss = (h ** 2).mean()
    return loss

def nothing(x):
    x * 2

def branching(x):
    return x if x.sum() > 0 else -x

def example_inputs():
    return np.ones((4, 2)), np.zeros(2), np.full((3, 4), 0.1)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def test_the_two_layer_net_reads_like_a_book(cli: Any, root: Path) -> None:
    """At most 30 lines of code for the value and all four gradients."""
    result = cli("source", f"{root}/examples/two_layer_net.py:loss", "--style", "plain")
    assert result.code == 0, result.err
    tree = ast.parse(result.out)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    tree.body = tree.body[1:]
    assert len(ast.unparse(tree).replace("\n\n", "\n").splitlines()) <= 30
    for line in (
        "rows = np.arange(n)",
        "log_y = log_softmax(a2) ",
        "loss = -log_y[rows, t].mean() ",
        "da2 = (p - onehot) / n ",
        "dW2 = z1.T @ da2 ",
        "db1 = da1.sum(axis=0) ",
        "return loss, dW1, db1, dW2, db2",
    ):
        assert line in result.out, line
    assert "add_at" not in result.out


def test_parameters_are_the_default(cli: Any, program: Path) -> None:
    out = cli("source", "net.py:loss").out
    assert "return loss, dW1, db1\n" in out
    assert "return loss, dx\n" in cli("source", "net.py:loss", "--wrt", "x").out
    assert program.exists()


def test_options(cli: Any, program: Path) -> None:
    bare = cli("source", "net.py:loss", "--no-comments").out
    assert "#" not in bare
    assert bare.startswith("import numpy as np\n")
    assert "sech_squared" not in bare
    assert "sech_squared" in cli("source", "net.py:loss", "--long").out
    assert "# (3, 2)" in cli("source", "net.py:loss", "--style", "steps").out
    assert "@" in cli("source", "net.py:loss", "--args", "5x2,2,7x5", "--detail", "open").out
    assert cli("source", "net.py:loss", "--json").json["name"] == "loss"
    assert program.exists()


def test_worked_examples(cli: Any) -> None:
    assert "invden = 1 / den" in cli("source", "canon:cs231n.staged").out
    assert "class Mul:" in cli("source", "canon:cs231n.sigmoid_circuit", "--style", "layers").out
    assert (
        "return E, dw1, dw2, dw3, dw4, dw5, dw6, dw7, dw8"
        in cli("source", "canon:mazur.training").out
    )
    assert "return loss, dW\n" in cli("source", "canon:cs231n.spiral_linear", "--wrt", "W").out


def test_runs(cli: Any, tmp_path: Path) -> None:
    cli("train", "moons", "--steps", "3", "--dropout", "0.2", "--optimizer", "momentum")
    layers = cli("source", "runs/moons", "--style", "layers")
    assert layers.code == 0, layers.err
    assert "class Affine:" in layers.out
    assert "class Network:" in layers.out
    written = cli("source", "runs/moons", "--style", "script", "-o", "script.py")
    assert written.code == 0, written.err
    assert written.out == ""
    assert "source written to script.py" in written.err
    command = [sys.executable, str(tmp_path / "script.py")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert "epoch   1   loss " in done.stdout


def test_a_function_as_a_script(cli: Any, program: Path) -> None:
    out = cli("source", "net.py:loss", "--style", "script").out
    assert "new_W1 = W1 - lr * dW1" in out
    assert 'if __name__ == "__main__":' in out
    assert program.exists()


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        ("net.py:los", 2, "did you mean `loss`?"),
        ("net.py:loss --style plane", 2, "did you mean `plain`?"),
        ("net.py:loss --detail all", 2, "unknown detail 'all'"),
        ("net.py:loss --wrt W9", 2, "unknown input 'W9'"),
        ("net.py:nothing --args 3", 1, "nothing: returned nothing"),
        ("net.py:branching --args 3", 1, "choose with np.where(condition, a, b)"),
        ("nowhere", 2, "there is no run nowhere"),
        ("canon:cs231n.stagged", 2, "cs231n.staged"),
        ("canon:conventions.kinks", 2, "is a measurement, not one graph"),
        ("net.py:loss -o no/such/folder/out.py", 1, "no/such/folder"),
        ("net.py:branching --args 3 -o out.py", 1, "a traced value has no bool()"),
    ],
)
def test_wrong_usage(cli: Any, program: Path, words: str, code: int, problem: str) -> None:
    result = cli("source", *words.split())
    assert result.code == code, result.err
    assert problem in result.err
    assert result.out == ""
    assert not (program.parent / "out.py").exists()


def test_help_in_both_languages(cli: Any) -> None:
    assert "--style" in cli("source", "--help").out
    assert "학습 스크립트" in cli("--lang", "ko", "source", "--help").out
