"""Scores of classes: against definitions, against scikit-learn, by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.errors import DataError, OptionError, ShapeError
from glassgrad.train import evaluate, fit
from glassgrad.train.class_metrics import (
    f1,
    perplexity,
    precision,
    recall,
    roc_auc,
    top_k_accuracy,
)
from glassgrad.train.metrics import accuracy, find_metrics, metric_named

RNG = np.random.default_rng(0)
SCORES, LABELS = RNG.normal(size=(40, 4)), RNG.integers(0, 4, 40)
BINARY, ONES = RNG.random(40).round(1), RNG.integers(0, 2, 40)  # one decimal: many ties

# --- definitions -------------------------------------------------------------------------


def test_top_k() -> None:
    ranks = (SCORES[np.arange(40), LABELS][:, None] < SCORES).sum(1)
    for k in (1, 2, 3):
        assert top_k_accuracy(SCORES, LABELS, k=k) == np.mean(ranks < k)
    assert top_k_accuracy(SCORES, np.eye(4)[LABELS], k=1) == accuracy(SCORES, LABELS)
    assert top_k_accuracy(np.zeros((4, 4)), np.arange(4), k=2) == 0.5
    assert top_k_accuracy(SCORES, LABELS, k=9) == 1.0


def test_two_classes_in_every_form() -> None:
    guess, truth = BINARY > 0.5, ONES == 1
    hits = np.count_nonzero(guess & truth)
    p, r = hits / guess.sum(), hits / truth.sum()
    for pred, target in (
        (BINARY, ONES),
        (BINARY[:, None], ONES),
        (BINARY[:, None], 2 * ONES[:, None] - 1),
        (guess.astype(int), ONES),
        (np.stack([0.5 - BINARY, BINARY - 0.5], 1), ONES),
        (np.stack([0.5 - BINARY, BINARY - 0.5], 1), np.eye(2)[ONES]),
    ):
        assert precision(pred, target) == pytest.approx(p, rel=1e-14)
        assert recall(pred, target) == pytest.approx(r, rel=1e-14)
        assert f1(pred, target) == pytest.approx(2 * p * r / (p + r), rel=1e-14)
    assert precision(BINARY - 0.5, ONES, threshold=0.0) == pytest.approx(p, rel=1e-14)
    assert precision(np.zeros(3), np.ones(3)) == 0.0


def test_micro_is_accuracy_and_macro_counts_classes_that_occur() -> None:
    assert f1(SCORES, LABELS, average="micro") == pytest.approx(accuracy(SCORES, LABELS))
    pred = np.array([0, 0, 3])
    assert recall(pred, np.array([0, 3, 3])) == pytest.approx((1 + 0.5) / 2)
    wide = np.eye(9)[pred]
    assert recall(wide, np.array([0, 3, 3])) == pytest.approx((1 + 0.5) / 2)


def test_area_under_the_curve_counts_pairs() -> None:
    ones, zeros = BINARY[ONES == 1], BINARY[ONES == 0]
    above = (ones[:, None] > zeros).mean() + 0.5 * (ones[:, None] == zeros).mean()
    for pred, target in ((BINARY, ONES), (BINARY[:, None], 2 * ONES - 1)):
        assert roc_auc(pred, target) == pytest.approx(above, rel=1e-14)
    two = np.stack([1 - BINARY, BINARY], 1)
    assert roc_auc(two, ONES) == pytest.approx(above, rel=1e-14)
    assert roc_auc(np.exp(5 * BINARY), ONES) == pytest.approx(above, rel=1e-14)
    assert np.isnan(roc_auc(BINARY, np.ones(40)))
    each = [roc_auc(SCORES[:, c], c == LABELS) for c in range(4)]
    assert roc_auc(SCORES, LABELS) == pytest.approx(np.mean(each), rel=1e-14)


def test_perplexity_of_logits_and_of_log_probabilities() -> None:
    expected = np.exp(nn.cross_entropy(SCORES, LABELS))
    assert perplexity(SCORES, LABELS) == pytest.approx(float(expected), rel=1e-13)
    assert perplexity(nn.log_softmax(SCORES), LABELS) == pytest.approx(float(expected), rel=1e-13)
    assert perplexity(1e6 * np.eye(4), np.arange(4)) == 1.0


# --- against scikit-learn ----------------------------------------------------------------


def test_by_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    guess = SCORES.argmax(1)
    for average in ("macro", "micro"):
        options: dict[str, Any] = {"average": average}
        for ours, theirs in (
            (precision, metrics.precision_score),
            (recall, metrics.recall_score),
            (f1, metrics.f1_score),
        ):
            expected = theirs(LABELS, guess, **options)
            assert ours(SCORES, LABELS, **options) == pytest.approx(expected, rel=1e-13)
            expected = theirs(ONES, BINARY > 0.5)
            assert ours(BINARY, ONES) == pytest.approx(expected, rel=1e-13)
    assert roc_auc(BINARY, ONES) == pytest.approx(metrics.roc_auc_score(ONES, BINARY), rel=1e-13)
    shares = nn.softmax(SCORES)
    expected = metrics.roc_auc_score(LABELS, shares, multi_class="ovr")
    assert roc_auc(shares, LABELS) == pytest.approx(expected, rel=1e-13)
    expected = metrics.top_k_accuracy_score(LABELS, SCORES, k=2)
    assert top_k_accuracy(SCORES, LABELS, k=2) == pytest.approx(expected)


# --- by name -----------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_in_fit_and_evaluate(backend: str) -> None:
    """The columns of the last epoch are the scores of all its rows, not a mean over batches."""
    y = np.arange(50) % 3
    X = (RNG.normal(size=(50, 4)) + np.eye(3, 4)[y]).astype(np.float32)
    names = ["f1", "roc_auc", "perplexity", "top_2_accuracy", "precision_micro"]
    model = nn.Linear(4, 3, rng=0)
    history = fit(
        model,
        (X, y),
        loss="cross_entropy",
        optimizer="sgd",
        lr=1e-30,
        epochs=1,
        batch_size=16,
        metrics=names,
        backend=backend,
    )
    scores = evaluate(model, X, y, loss="cross_entropy", metrics=[f1, *names[1:]])
    for name in names:
        assert history[name][-1] == pytest.approx(scores[name], rel=1e-6), name


def test_the_threshold_of_logits_is_0() -> None:
    logits, target = BINARY[:, None] - 0.5, ONES[:, None]
    (metric,) = find_metrics("recall", 0.0)
    assert metric(logits, target) == recall(BINARY, ONES)
    assert find_metrics(["recall_macro"], 0.0)[0].name == "recall_macro"


def test_counts_of_labels_that_reach_further_merge() -> None:
    metric = metric_named("f1_macro")
    parts = [np.array([0, 1, 1]), np.array([4, 0])], [np.array([0, 1, 0]), np.array([4, 2])]
    merged = metric.merge(*(metric.measure(p, t) for p, t in zip(*parts, strict=True)))
    pred, target = (np.concatenate(part) for part in parts)
    assert metric.value(merged) == f1(pred, target, average="macro")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: top_k_accuracy(SCORES, LABELS, k=0), OptionError, "k >= 1"),
        (lambda: top_k_accuracy(SCORES, LABELS[:3]), ShapeError, "do not match"),
        (lambda: top_k_accuracy(SCORES, LABELS + 2), DataError, "outside the 4 classes"),
        (lambda: f1(SCORES, LABELS, average="weighted"), OptionError, "unknown average"),
        (lambda: f1(SCORES, LABELS, average="binary"), OptionError, "4 classes have no single"),
        (lambda: f1(np.array([-1, 0]), np.array([0, 0])), DataError, "numbered from 0"),
        (lambda: metric_named("top_0_accuracy"), OptionError, "unknown metric"),
        (lambda: find_metrics("roc"), OptionError, "did you mean `roc_auc`"),
    ],
)
def test_refusals(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
