"""`pick` and its transpose: one element a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.api import grad, hessian, jvp, vmap
from glassgrad.errors import DtypeError, ShapeError
from glassgrad.graph.trace import trace
from glassgrad.primitives.along import pick, unpick_p

RNG = np.random.default_rng(3)
X = RNG.standard_normal((5, 4))
LABELS = np.array([0, 3, 1, 1, 2])


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,), (2, 0)])
def test_pick_for_every_rank(shape: tuple[int, ...]) -> None:
    x, labels = RNG.standard_normal((*shape, 4)), RNG.integers(0, 4, shape)
    expected = np.take_along_axis(x, labels[..., None], -1)[..., 0]
    np.testing.assert_array_equal(pick(x, labels), expected)
    ct = RNG.standard_normal(shape)
    found = grad(lambda v: (pick(v, labels) * ct).sum())(x)
    np.testing.assert_array_equal(found, (np.arange(4) == labels[..., None]) * ct[..., None])


def test_derivatives_of_pick() -> None:
    np.testing.assert_array_equal(
        jvp(lambda v: pick(v, LABELS), (X,), (X,))[1], X[np.arange(5), LABELS]
    )
    second = hessian(lambda v: (pick(v, LABELS) ** 2).sum())(X)
    assert np.count_nonzero(second) == 5
    assert second.sum() == 10


def test_pick_over_batches() -> None:
    xs, labels = RNG.standard_normal((3, 5, 4)), RNG.integers(0, 4, (3, 5))
    expected = np.stack([pick(x, row) for x, row in zip(xs, labels, strict=True)])
    np.testing.assert_array_equal(vmap(pick)(xs, labels), expected)
    np.testing.assert_array_equal(
        vmap(lambda x: pick(x, LABELS))(xs), np.stack([pick(x, LABELS) for x in xs])
    )
    gradient = vmap(grad(lambda x, row: pick(x, row).mean()))(xs, labels)
    np.testing.assert_array_equal(gradient, (np.arange(4) == labels[..., None]) / 5)


def test_one_number_for_all_rows_is_not_repeated_first() -> None:
    graph = trace(lambda v: pick(v, LABELS).mean(), X).gradients("v")
    names = [eqn.primitive.name for eqn in graph.eqns]
    assert "unpick" in names
    assert "broadcast_to" not in names
    np.testing.assert_array_equal(graph.run(X)[1], (np.arange(4) == LABELS[:, None]) / 5)
    repeated = unpick_p(np.array(0.25), LABELS, k=4)
    np.testing.assert_array_equal(repeated, unpick_p(np.full(5, 0.25), LABELS, k=4))


def test_it_prints_as_the_books_write_it() -> None:
    text = trace(lambda p, y: pick(p * 2, y) * 3, X, LABELS).source(comments=False)
    assert "(p * 2)[np.arange(len(y)), y]" in text


@pytest.mark.parametrize(
    ("x", "labels", "error"),
    [
        (X, LABELS[:3], ShapeError),
        (X, LABELS[:, None], ShapeError),
        (X[None], LABELS, ShapeError),
        (np.array(1.0), np.array(0), ShapeError),
        (X, LABELS.astype(float), DtypeError),
    ],
)
def test_what_does_not_fit_is_refused(x: Any, labels: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        pick(x, labels)
