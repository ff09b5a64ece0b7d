"""Metrics: their values, and that batches add up to the whole."""

from __future__ import annotations

import numpy as np
import pytest

from glassgrad.errors import DataError, OptionError, ShapeError
from glassgrad.train.class_metrics import is_of_classes
from glassgrad.train.metrics import (
    METRICS,
    Metric,
    accuracy,
    confusion_matrix,
    find_metrics,
    mae,
    mse,
    r2,
    rmse,
)

RNG = np.random.default_rng(0)
SCORES, LABELS = RNG.normal(size=(30, 4)), RNG.integers(0, 4, 30)
PRED, TARGET = RNG.normal(size=(30, 2)), RNG.normal(size=(30, 2)) + 1e4


def test_accuracy_in_every_form() -> None:
    expected = float(np.mean(SCORES.argmax(1) == LABELS))
    assert accuracy(SCORES, LABELS) == expected
    assert accuracy(SCORES, np.eye(4)[LABELS]) == expected
    assert accuracy(np.array([0.2, 0.7, 0.6]), np.array([0, 1, 0])) == pytest.approx(2 / 3)
    assert accuracy(np.array([[0.2], [0.7]]), np.array([0, 1])) == 1.0
    assert accuracy(np.array([-1.0, 0.2]), np.array([0, 1]), threshold=0.0) == 1.0
    assert accuracy(np.array([-1.0, 0.2]), np.array([-1, 1]), threshold=0.0) == 1.0


def test_regression_scores() -> None:
    error = PRED - TARGET
    assert mse(PRED, TARGET) == pytest.approx(np.mean(error**2), rel=1e-14)
    assert rmse(PRED, TARGET) == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-14)
    assert mae(PRED, TARGET) == pytest.approx(np.mean(np.abs(error)), rel=1e-14)
    per_column = 1 - (error**2).sum(0) / ((TARGET - TARGET.mean(0)) ** 2).sum(0)
    assert r2(PRED, TARGET) == pytest.approx(per_column.mean(), rel=1e-12)
    assert r2(TARGET, TARGET) == 1.0


def test_constant_target() -> None:
    assert r2(np.ones(3), np.ones(3)) == 1.0
    assert r2(np.zeros(3), np.ones(3)) == 0.0


@pytest.mark.parametrize("name", sorted(METRICS))
def test_batches_add_up(name: str) -> None:
    """Also for a target far from 0, whose squares would cancel."""
    pred, target = (SCORES, LABELS) if is_of_classes(name) else (PRED, TARGET)
    metric = METRICS[name]
    parts = [metric.measure(pred[a:b], target[a:b]) for a, b in ((0, 7), (7, 8), (8, 30))]
    merged = metric.merge(metric.merge(parts[0], parts[1]), parts[2])
    assert metric.value(merged) == pytest.approx(metric(pred, target), rel=1e-10)


def test_confusion_matrix() -> None:
    matrix = confusion_matrix(SCORES, LABELS)
    assert matrix.shape == (4, 4)
    assert matrix.sum() == 30
    np.testing.assert_array_equal(matrix.sum(axis=1), np.bincount(LABELS, minlength=4))
    assert np.trace(matrix) / 30 == accuracy(SCORES, LABELS)
    np.testing.assert_array_equal(
        confusion_matrix(np.array([2, 0]), np.array([1, 0]), classes=3),
        [[1, 0, 0], [0, 0, 1], [0, 0, 0]],
    )
    with pytest.raises(DataError, match="outside the 2 classes"):
        confusion_matrix(np.array([2, 0]), np.array([1, 0]), classes=2)
    with pytest.raises(ShapeError, match="do not match"):
        confusion_matrix(np.array([2, 0]), np.array([1]))


def test_finding() -> None:
    def largest(pred: np.ndarray, target: np.ndarray) -> float:
        return float(np.max(pred))

    found = find_metrics(["accuracy", mae, largest, METRICS["r2"]])
    assert [metric.name for metric in found] == ["accuracy", "mae", "largest", "r2"]
    assert all(isinstance(metric, Metric) for metric in found)
    assert [metric.is_better_higher for metric in found] == [True, False, False, True]
    with pytest.raises(OptionError, match="did you mean `accuracy`"):
        find_metrics("accurracy")
    with pytest.raises(OptionError, match="without a name"):
        find_metrics(lambda pred, target: 0.0)


def test_shapes_that_differ() -> None:
    with pytest.raises(ShapeError, match=r"\(3,\) and \(4,\)"):
        mse(np.ones(3), np.ones(4))
