"""Losses: numbers of the books, tails, gradients against differences, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.api import grad, value_and_grad
from glassgrad.errors import DataError, DataWarning, DtypeError, OptionError, ShapeError
from glassgrad.graph.trace import trace
from glassgrad.nn import losses
from glassgrad.tensor import parameter, tensor

RNG = np.random.default_rng(5)
LOGITS = RNG.normal(0, 2, (6, 4))
LABELS = np.array([0, 3, 1, 1, 2, 0])
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
SOFT = RNG.dirichlet(np.ones(4), 6)
TARGET = RNG.normal(0, 2, (6, 4))
UNIT = RNG.random((6, 4))
SIGNS = np.where(UNIT > 0.5, 1.0, -1.0)

# Name -> (prediction, target, options); gradients of all are checked against differences.
CASES: list[tuple[str, Any, Any, dict[str, Any]]] = [
    ("mse", LOGITS, TARGET, {}),
    ("half_sse", LOGITS, TARGET, {}),
    ("half_sse", LOGITS, TARGET, {"reduction": "mean"}),
    ("mae", LOGITS, TARGET, {}),
    ("huber", LOGITS, TARGET, {"delta": 1.5}),
    ("smooth_l1", LOGITS, TARGET, {"beta": 0.5}),
    ("cross_entropy", LOGITS, LABELS, {}),
    ("cross_entropy", LOGITS, SOFT, {}),
    ("cross_entropy", LOGITS, LABELS, {"class_weights": [1.0, 2.0, 0.5, 3.0]}),
    (
        "cross_entropy",
        LOGITS,
        SOFT,
        {"class_weights": [1.0, 2.0, 0.5, 3.0], "label_smoothing": 0.2},
    ),
    ("cross_entropy", LOGITS, LABELS, {"label_smoothing": 0.1, "ignore_index": 1}),
    ("focal", LOGITS, LABELS, {}),
    ("focal", LOGITS, LABELS, {"gamma": 0.5, "class_weights": [1.0, 2.0, 0.5, 3.0]}),
    ("binary_focal", LOGITS, UNIT, {}),
    ("binary_focal", LOGITS, (UNIT > 0.5).astype(float), {"gamma": 0.0, "alpha": 0.3}),
    ("poisson_nll", LOGITS, np.floor(6 * UNIT), {"full": True}),
    ("poisson_nll", 0.1 + UNIT, np.floor(6 * UNIT), {"log_input": False}),
    ("gaussian_nll", LOGITS, TARGET, {"var": 0.1 + UNIT, "full": True}),
    ("gaussian_nll", LOGITS, TARGET[:, :2], {}),
    ("cosine", LOGITS, TARGET, {}),
    ("nll", np.log(PROBABILITIES), LABELS, {}),
    ("hinge", LOGITS, LABELS, {}),
    ("binary_hinge", LOGITS, SIGNS, {}),
    ("binary_cross_entropy_with_logits", LOGITS, UNIT, {}),
    ("binary_cross_entropy_with_logits", LOGITS, UNIT, {"positive_weight": 3.0}),
    ("binary_cross_entropy", 0.1 + 0.8 * UNIT, SOFT, {}),
    ("kl", np.log(PROBABILITIES), SOFT, {}),
    ("kl", np.log(PROBABILITIES), np.log(SOFT), {"log_target": True}),
]


def numerical(function: Any, x: np.ndarray, h: float = 1e-3) -> np.ndarray:
    """Differences of the fourth order."""
    out = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        values = []
        for step in (-2, -1, 1, 2):
            moved = x.copy()
            moved[i] += step * h
            values.append(float(function(moved)))
        out[i] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
    return out


@pytest.mark.parametrize(("name", "pred", "target", "options"), CASES)
def test_gradients_and_reductions(
    name: str, pred: np.ndarray, target: np.ndarray, options: dict[str, Any]
) -> None:
    loss = losses.find_loss(name)
    gradient = grad(lambda x: loss(x, target, **options))(pred)
    np.testing.assert_allclose(
        gradient, numerical(lambda x: loss(x, target, **options), pred), rtol=1e-8, atol=1e-9
    )
    total = loss(pred, target, **{**options, "reduction": "sum"})
    single = loss(pred, target, **{**options, "reduction": "none"})
    np.testing.assert_allclose(single.sum(), total, rtol=1e-12)
    with pytest.raises(OptionError, match="reduction"):
        loss(pred, target, **{**options, "reduction": "average"})


@pytest.mark.parametrize(("name", "pred", "target", "options"), CASES)
def test_every_kind_of_value(
    name: str, pred: np.ndarray, target: np.ndarray, options: dict[str, Any]
) -> None:
    loss = losses.find_loss(name)
    value, gradient = value_and_grad(lambda x: loss(x, target, **options))(pred)
    leaf = parameter(pred)
    loss(leaf, tensor(target), **options).backward()
    np.testing.assert_array_equal(leaf.grad, gradient)
    graph = trace(lambda x, t: loss(x, t, **options), pred, target)
    np.testing.assert_allclose(graph.run(pred, target), value, rtol=1e-15)
    small = loss(pred.astype(np.float32), target, **options)
    assert small.dtype == np.float32
    np.testing.assert_allclose(small, value, rtol=1e-5)


def test_every_loss_has_a_case() -> None:
    several = {"contrastive", "cosine_embedding", "ctc", "triplet"}  # in test_further_losses.py
    assert {
        name for name, *_ in CASES
    } | several == losses.LOSSES.keys() | losses.FURTHER_LOSSES.keys()


# --- numbers of the books ----------------------------------------------------------------


def test_book_numbers() -> None:
    t = np.eye(10)[2]
    good = np.array([0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0])
    bad = np.array([0.1, 0.05, 0.1, 0.0, 0.05, 0.1, 0.0, 0.6, 0.0, 0.0])
    assert float(losses.half_sse(good, t)) == pytest.approx(0.0975, abs=1e-15)
    assert float(losses.half_sse(bad, t)) == pytest.approx(0.5975, abs=1e-15)
    for y, printed in ((good, 0.510825457099338), (bad, 2.302584092994546)):
        assert float(losses.nll(np.log(y + 1e-7), np.array(2))) == pytest.approx(printed, rel=1e-14)


def test_course_numbers() -> None:
    scores = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    separate = losses.hinge(scores, np.array([0, 1, 2]), reduction="none")
    np.testing.assert_allclose(separate, [2.9, 0.0, 12.9], rtol=1e-15)
    assert float(losses.hinge(np.zeros((2, 10)), np.array([3, 4]))) == 9.0
    ten = losses.cross_entropy(np.zeros((1, 10)), np.array([0]))
    assert float(ten) == pytest.approx(2.302585092994046, rel=1e-15)
    p = np.log(np.array([[0.2, 0.3, 0.5]]))
    row = grad(losses.cross_entropy)(p, np.array([1]))
    np.testing.assert_allclose(row, [[0.2, -0.7, 0.5]], rtol=1e-14)


# --- tails and kinks ---------------------------------------------------------------------


def test_a_confident_prediction_keeps_its_gradient() -> None:
    bce = losses.binary_cross_entropy_with_logits
    one = np.array(1.0)
    assert float(grad(bce)(np.array(50.0), one)) == pytest.approx(
        -1.9287498479639178e-22, rel=1e-14
    )
    assert float(bce(np.array(-800.0), one)) == 800
    curvature = float(grad(grad(bce))(np.array(50.0), one))
    assert curvature == pytest.approx(1.92874985e-22, rel=1e-8, abs=0)
    rows = np.array([[50.0, 0.0], [0.0, 800.0]])
    gradient = grad(losses.cross_entropy)(rows, np.array([0, 0]))
    np.testing.assert_allclose(
        gradient, [[-0.5 * 1.9287498479639178e-22, 0.5 * 1.9287498479639178e-22], [-0.5, 0.5]]
    )


def test_cross_entropy_at_large_float32_logits() -> None:
    logits = np.array([[1e6, 1e6 - 1, 1e6 - 2]], np.float32)
    gradient = grad(losses.cross_entropy)(logits, np.array([0]))
    np.testing.assert_allclose(gradient, [[-0.33475904, 0.24472847, 0.09003057]], rtol=1e-6)


def test_certain_probabilities() -> None:
    bce = losses.binary_cross_entropy
    assert float(bce(np.array([0.0, 1.0]), np.array([0.0, 1.0]))) == 0
    np.testing.assert_array_equal(
        grad(bce)(np.array([0.0, 1.0]), np.array([0.0, 1.0])), [0.5, -0.5]
    )
    with np.errstate(divide="ignore"):
        assert float(bce(np.array([0.0]), np.array([1.0]))) == np.inf
    np.testing.assert_allclose(bce(np.array([1e-20]), np.array([0.0])), 1e-20)


def test_kinks() -> None:
    zero, one = np.array(0.0), np.array(1.0)
    assert float(grad(losses.mae)(zero, zero)) == 0
    assert float(grad(grad(losses.huber))(zero, zero)) == 1
    assert float(grad(losses.huber)(np.array(7.0), zero)) == 1
    assert float(grad(losses.binary_hinge)(one, one)) == 0
    assert float(losses.smooth_l1(np.array(3.0), zero, beta=0)) == 3


def test_smoothing_is_a_soft_target() -> None:
    soft = 0.9 * np.eye(4)[LABELS] + 0.1 / 4
    np.testing.assert_allclose(
        losses.cross_entropy(LOGITS, LABELS, label_smoothing=0.1),
        losses.cross_entropy(LOGITS, soft),
        rtol=1e-14,
    )


def test_weights_and_ignored_rows() -> None:
    w = np.array([1.0, 2.0, 0.5, 3.0])
    rows = losses.cross_entropy(LOGITS, LABELS, reduction="none")
    weighted = losses.cross_entropy(LOGITS, LABELS, class_weights=w)
    np.testing.assert_allclose(weighted, (rows * w[LABELS]).sum() / w[LABELS].sum(), rtol=1e-14)
    padded = np.array([0, 3, -100, 1, -100, 0])
    kept = losses.cross_entropy(LOGITS, padded, ignore_index=-100)
    np.testing.assert_allclose(kept, rows[[0, 1, 3, 5]].mean(), rtol=1e-14)
    gradient = grad(lambda x: losses.cross_entropy(x, padded, ignore_index=-100))(LOGITS)
    assert (gradient[[2, 4]] == 0).all()


def test_sequences_of_classes() -> None:
    logits, labels = LOGITS.reshape(2, 3, 4), LABELS.reshape(2, 3)
    for name in ("cross_entropy", "hinge"):
        loss = losses.find_loss(name)
        np.testing.assert_allclose(loss(logits, labels), loss(LOGITS, LABELS), rtol=1e-15)


# --- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["mse", "half_sse", "mae", "huber", "smooth_l1", "binary_cross_entropy_with_logits", "kl"],
)
def test_a_loss_does_not_broadcast(name: str) -> None:
    with pytest.raises(ShapeError) as caught:
        losses.find_loss(name)(np.zeros((32, 1)), np.zeros(32))
    assert "shapes (32, 1) and (32,) differ" in str(caught.value)
    assert "`target[:, None]`" in caught.value.hint


def test_shape_error_in_full() -> None:
    pred, target = parameter(np.zeros((2, 3), np.float32), name="y"), np.zeros(2)
    with pytest.raises(ShapeError) as caught:
        losses.mse(pred, target)
    place = pred.describe()[1]
    assert str(caught.value) == (
        "mse: shapes (2, 3) and (2,) differ\n"
        f"  pred     (2, 3) float32   y   {place}\n"
        "  target   (2,) float64\n"
        "  rule pred and target of one shape; a loss does not broadcast\n"
        "\n"
        "hint: for class labels use cross_entropy or hinge"
    )


@pytest.mark.parametrize("kind", [np.asarray, tensor], ids=["array", "tensor"])
@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        ([0, 1, 2, 3, 0, 4], DataError, "label 4 is outside [0, 4)"),
        ([0, -1, 2, 3, 0, 1], DataError, "label -1 is outside [0, 4)"),
        ([0.0, 1.5, 2.0, 3.0, 0.0, 1.0], DataError, "label 1.5 is not an integer"),
        ([0.0, np.nan, 2.0, 3.0, 0.0, 1.0], DataError, "label nan is not an integer"),
        (np.zeros((6, 1), int), ShapeError, "`labels[..., 0]`"),
        (np.eye(5)[[0, 1, 2, 3, 4, 0]], ShapeError, "width 5, the classes are 4"),
        (np.zeros(5, int), ShapeError, "labels of shape (5,) for scores of shape (6, 4)"),
        (np.ones((6, 4), int), DataError, "row 0 of the labels is not one-hot"),
        (np.full((6, 4), 0.5), DataError, "row 0 of the probabilities sums to 2"),
    ],
)
def test_bad_labels(kind: Any, labels: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        losses.cross_entropy(LOGITS, kind(labels))
    assert words in str(caught.value)
    assert str(caught.value).startswith("cross_entropy: ")


def test_labels_that_count_from_one() -> None:
    with pytest.raises(DataError, match="numbered from 0"):
        losses.hinge(LOGITS, np.array([1, 2, 3, 4, 1, 2]))


def test_integral_floats_are_converted_and_announced() -> None:
    with pytest.warns(DataWarning, match="labels of float64 were converted") as caught:
        converted = losses.cross_entropy(LOGITS, LABELS.astype(float))
    assert caught[0].filename == __file__
    assert converted == losses.cross_entropy(LOGITS, LABELS)


def test_traced_float_labels_are_refused() -> None:
    with pytest.raises(DtypeError, match="labels must be integers, not float64"):
        trace(losses.cross_entropy, LOGITS, LABELS.astype(float))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: losses.binary_cross_entropy(np.array([1.5]), np.ones(1)), "pred holds 1.5"),
        (lambda: losses.binary_cross_entropy(np.array([np.nan]), np.ones(1)), "pred holds nan"),
        (
            lambda: losses.binary_cross_entropy_with_logits(np.ones(1), np.array([-1.0])),
            "target holds -1.0",
        ),
        (lambda: losses.binary_hinge(np.ones(2), np.array([0, 1])), "`2 * y - 1`"),
        (lambda: losses.huber(np.ones(2), np.ones(2), delta=0), "delta > 0"),
        (lambda: losses.cross_entropy(LOGITS, LABELS, label_smoothing=1.5), "label_smoothing"),
        (lambda: losses.cross_entropy(LOGITS, LABELS, class_weights=[1.0]), "class weights for 4"),
        (lambda: losses.cross_entropy(LOGITS, SOFT, ignore_index=1), "needs integer labels"),
        (lambda: losses.cross_entropy(np.float64(1), np.array(0)), "no axis of classes"),
        (lambda: losses.find_loss("crossentropy"), "did you mean `cross_entropy`"),
    ],
)
def test_other_refusals(call: Any, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert words in str(caught.value)


def test_integer_predictions_are_refused() -> None:
    with pytest.raises(DtypeError, match="needs floating-point numbers, not int64"):
        losses.mse(np.array([1, 2]), np.array([1, 2]))


def test_scores_of_every_step_for_one_label_a_sequence() -> None:
    with pytest.raises(ShapeError, match=r"scores\[\.\.\., -1, :\]"):
        losses.cross_entropy(np.zeros((4, 5, 2)), np.zeros(4, int))
