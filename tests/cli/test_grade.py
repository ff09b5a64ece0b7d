"""`glassgrad grade`: the verdict as text and JSON, exit codes, and what it says of broken files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

REFERENCE = """
import numpy as np

def loss(W, b, x):
    y = x @ W + b
    loss = (y ** 2).mean()
    return loss

def affine(x, w, b):
    return x @ w + b

def example_inputs():
    r = np.random.default_rng(0)
    return r.standard_normal((3, 2)), r.standard_normal(2), r.standard_normal((4, 3))
"""

STUDENT = """
import numpy as np

def backward(W, b, x):
    print("a line of the student's own")
    y = x @ W + b
    dy = 2 * y / y.size
    dW = x.T @ dy
    db = dy.sum(axis=0)
    return dW, db

def wrong(W, b, x):
    y = x @ W + b
    dy = 2 * y / y.size
    dW = x.T @ dy
    db = dy
    return dW, db

def failing(W, b, x):
    return nothing

class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T

class Steps:
    def gradient(self, W, b, x):
        return backward(W, b, x)

steps = Steps()
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "reference.py").write_text(REFERENCE, encoding="utf-8")
    (tmp_path / "student.py").write_text(STUDENT, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        "reference.py:loss student.py:backward",
        "reference.py:loss student.py:backward --args 5x4,2x4 --args 4x2,2,5x4 --seed 3",
        "reference.py:affine student.py:Affine --args 5x4,4x2,2",
    ],
)
def test_right(cli: Any, files: Path, words: str) -> None:
    result = cli("grade", *words.split())
    assert result.code == 0, result.err
    assert "All gradients are right." in result.out


def test_wrong_is_1_and_names_the_line(cli: Any, files: Path) -> None:
    result = cli("grade", "reference.py:loss", "student.py:wrong")
    assert result.code == 1
    assert "db (student.py:16): the sum over axis 0 is missing" in result.out
    assert "reference.py:5" in result.out
    assert "db = dy.sum(axis=0)" in result.out


def test_json(cli: Any, files: Path) -> None:
    result = cli("grade", "reference.py:loss", "student.py:wrong", "--json")
    assert result.code == 1
    assert result.json["ok"] is False
    (mistake,) = result.json["mistakes"]
    assert (mistake["kind"], mistake["line"]) == ("sum-missing", "student.py:16")
    assert {row["name"]: row["verdict"] for row in result.json["rows"]}["dW"] == "right"


def test_korean(cli: Any, files: Path) -> None:
    result = cli("--lang", "ko", "grade", "reference.py:loss", "student.py:wrong")
    assert "축 0을 따라 더하지 않았습니다" in result.out
    assert "처음으로 틀린 곳" in result.out


def test_a_failing_program_shows_its_own_lines(cli: Any, files: Path) -> None:
    result = cli("grade", "reference.py:loss", "student.py:failing")
    assert result.code == 1
    assert "NameError: name 'nothing' is not defined" in result.err
    assert "glassgrad/" not in result.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("reference.py:loss student.py:backwrad", "did you mean `backward`"),
        ("reference.py:los student.py:backward", "did you mean `loss`"),
        ("reference.py:loss nowhere.py:backward", "there is no file"),
        ("reference.py:loss student.py:steps.gradeint", "did you mean `gradient`"),
        ("reference.py:loss student.py:backward --args 3y4", "is no shape"),
    ],
)
def test_misused(cli: Any, files: Path, words: str, said: str) -> None:
    result = cli("grade", *words.split())
    assert result.code == 2
    assert said in result.err


def test_a_dotted_name(cli: Any, files: Path) -> None:
    result = cli("grade", "reference.py:loss", "student.py:steps.gradient", "--json")
    assert result.code == 0, result.err
    assert result.json["ok"] is True
    assert "a line of the student's own" in result.err
