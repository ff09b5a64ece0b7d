"""Training in exported C: the same losses and predictions as the package's own steps."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export.compiling import cells, gcc, library, needs_gcc, pointer
from export.runs import passengers, subject_of, write_rows

from glassgrad.export import Learning, Subject, c_file
from glassgrad.nn import MLP
from glassgrad.nn.losses import find_loss
from glassgrad.optim import make_optimizer
from glassgrad.train.heads import Head
from glassgrad.train.model_loss import loss_of
from glassgrad.train.step import train_step

pytestmark = needs_gcc
NEAR = 2e-5  # relative, after a few steps: sums in another order


def _lines(folder: Path) -> Path:
    rows = [[f"{i * 7 % 30 / 7:.3f}", f"{i % 5}", f"{i * 7 % 30}.5"] for i in range(30)]
    return write_rows(folder / "q.csv", ("x", "z", "y"), rows)


@pytest.mark.parametrize(("name", "batch"), [("adam", 1), ("momentum", 6)])
def test_steps_are_the_packages_own(tmp_path: Path, name: str, batch: int) -> None:
    subject, table = subject_of(_lines(tmp_path), "y", loss="mse", learns=name)
    made = library(tmp_path, c_file(subject, "q", batch=batch).text)
    assert subject.plan is not None
    assert subject.learning is not None
    data = subject.plan.transform(table, dtype=np.float32)
    words = list(zip(*(c.words(range(len(table))) for c in table.columns), strict=True))
    loss = ctypes.c_double()
    for start in range(0, 24, batch):
        part = words[start : start + batch]
        given = cells([cell for row in part for cell in row])
        targets = cells([row[-1] for row in part])
        rate = ctypes.c_double(subject.learning.rate)
        assert made.q_learn_rows(given, 3, targets, rate, ctypes.byref(loss)) == 0
        here = slice(start, start + batch)
        target = subject.head.encode(np.asarray(data.y)[here], np.float32)
        expected = subject.learning.step(data.X[here], target)
        np.testing.assert_allclose(loss.value, expected, rtol=1e-3, atol=1e-6)
    out = np.zeros(30)
    numbers = np.array([row[:2] for row in words], np.float64)
    assert made.q_predict_rows(pointer(numbers), 30, pointer(out)) == 0
    expected = subject.plan.targets(subject.model.predict(data.X).reshape(-1))
    np.testing.assert_allclose(out, expected, rtol=NEAR * 10)


@pytest.mark.parametrize("loss", ["cross_entropy", "mse", "binary_hinge"])
def test_targets_as_the_file_has_them(tmp_path: Path, loss: str) -> None:
    path = passengers(tmp_path)
    subject, table = subject_of(
        path, "lived", loss=loss, missing="impute", drop=["id"], learns="sgd"
    )
    made = library(tmp_path, c_file(subject, "boat", batch=8).text)
    assert subject.plan is not None
    assert subject.learning is not None
    data = subject.plan.transform(table, dtype=np.float32)
    words = list(zip(*(c.words(range(8)) for c in table.columns), strict=True))
    found, rate = ctypes.c_double(), ctypes.c_double(0.05)
    given = cells([cell for row in words for cell in row])
    for spelled in ([row[-1] for row in words], [f" {row[-1]}.0" for row in words]):
        status = made.boat_learn_rows(given, 6, cells(spelled), rate, ctypes.byref(found))
        target = subject.head.encode(np.asarray(data.y)[:8], np.float32)
        expected = subject.learning.step(data.X[:8], target)
        assert status == 0
        np.testing.assert_allclose(found.value, expected, rtol=NEAR)
    wrong = cells(["2"] * 8)
    assert made.boat_learn_rows(given, 6, wrong, rate, ctypes.byref(found)) == 3  # no word


def _plain(learns: str, **options: Any) -> Subject:
    model = MLP((4, 8, 3), "tanh", rng=0, dropout=options.pop("dropout", 0.0))
    optimizer = make_optimizer(learns, model, lr=0.1, **options)
    step = train_step(loss_of(find_loss("cross_entropy")), model, optimizer, backend="numpy")
    return Subject(
        name="p",
        model=model,
        width=4,
        head=Head("cross_entropy", 3),
        classes=("x", "y", "z"),
        scale=16.0,
        learning=Learning(step=step, rate=0.1),
    )


@pytest.mark.parametrize("options", [{}, {"clip_norm": 0.1}, {"dropout": 0.5}])
def test_rows_of_numbers(tmp_path: Path, options: dict[str, Any]) -> None:
    subject = _plain("momentum", **options)
    made = library(tmp_path, c_file(subject, "p", batch=5).text)
    assert subject.learning is not None
    pixels = np.arange(20).reshape(5, 4) * 7.0 % 17
    labels = np.arange(5, dtype=np.int32) % 3
    loss, rate = ctypes.c_double(), ctypes.c_double(0.1)
    for _ in range(4):
        assert made.p_learn_rows(pointer(pixels), pointer(labels), rate, ctypes.byref(loss)) == 0
        expected = subject.learning.step((pixels / 16).astype(np.float32), labels.astype(int))
        np.testing.assert_allclose(loss.value, expected, rtol=NEAR)
    bad = labels + 1
    assert made.p_learn_rows(pointer(pixels), pointer(bad), rate, ctypes.byref(loss)) == 3


def test_a_loss_that_is_not_finite_changes_nothing(tmp_path: Path) -> None:
    subject, _ = subject_of(_lines(tmp_path), "y", loss="mse", learns="adam")
    made = library(tmp_path, c_file(subject, "q").text)
    numbers, loss = np.array([[1.0, 2.0]]), ctypes.c_double()
    before, after = np.zeros(1), np.zeros(1)
    made.q_predict_rows(pointer(numbers), 1, pointer(before))
    rate = ctypes.c_double(0.1)
    status = made.q_learn_rows(cells(["1", "2"]), 2, cells(["1e300"]), rate, ctypes.byref(loss))
    assert status == 5  # not finite
    made.q_predict_rows(pointer(numbers), 1, pointer(after))
    assert after.tolist() == before.tolist()


def test_raw_and_freestanding(tmp_path: Path) -> None:
    text = c_file(_plain("adam"), "p", raw=True, freestanding=True, batch=2).text
    path = tmp_path / "p.c"
    path.write_text(text, encoding="utf-8")
    gcc("-O2", "-ffreestanding", "-c", path, "-o", tmp_path / "p.o")
    made, subject = library(tmp_path, text), _plain("adam")
    assert subject.learning is not None
    X = np.random.default_rng(0).random((2, 4)).astype(np.float32)
    t, loss, rate = np.array([0, 2]), ctypes.c_double(), ctypes.c_double(0.1)
    for _ in range(3):
        assert made.p_learn(pointer(X), pointer(t), rate, ctypes.byref(loss)) == 0
        np.testing.assert_allclose(loss.value, subject.learning.step(X, t), rtol=NEAR)
