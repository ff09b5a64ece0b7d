"""Shape, joining, padding, order, triangles: values as NumPy's, derivatives, batches, source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from derivatives import check, check_batch, check_text

from glassgrad.errors import OptionError, ShapeError
from glassgrad.primitives import layout, padding, shape, triangle

X = np.random.default_rng(1).normal(size=(2, 3, 4))
M = X[0]
V = X[0, 0]
S = np.float64(1.5)

# (ours, NumPy's, operand): one row a case.
CASES: list[tuple[Callable[..., Any], Callable[..., Any], Any]] = [
    (lambda x: layout.reshape(x, (4, -1)), lambda x: np.reshape(x, (4, -1)), X),
    (lambda x: layout.reshape(x, 1), lambda x: np.reshape(x, 1), S),
    (lambda x: layout.reshape(x, ()), lambda x: np.reshape(x, ()), X[:1, :1, :1]),
    (layout.ravel, np.ravel, X),
    (layout.permute_dims, np.transpose, X),
    (layout.permute_dims, np.transpose, M),
    (lambda x: layout.permute_dims(x, (1, -1, 0)), lambda x: x.transpose(1, 2, 0), X),
    (lambda x: layout.swapaxes(x, 0, -1), lambda x: np.swapaxes(x, 0, -1), X),
    (layout.matrix_transpose, lambda x: np.swapaxes(x, -1, -2), X),
    (lambda x: layout.moveaxis(x, (0, 1), (-1, 0)), lambda x: np.moveaxis(x, (0, 1), (-1, 0)), X),
    (lambda x: layout.expand_dims(x, (0, -1)), lambda x: np.expand_dims(x, (0, -1)), X),
    (lambda x: layout.squeeze(x, 1), lambda x: np.squeeze(x, 1), X[:, :1]),
    (layout.squeeze, np.squeeze, X[:1, :, :1]),
    (lambda x: layout.broadcast_to(x, (5, 2, 3, 4)), lambda x: np.broadcast_to(x, (5, 2, 3, 4)), X),
    (lambda x: layout.broadcast_to(x, (3, 4)), lambda x: np.broadcast_to(x, (3, 4)), M[:, :1]),
    (lambda x: layout.broadcast_to(x, (2, 2)), lambda x: np.broadcast_to(x, (2, 2)), S),
    (lambda x: layout.sum_to(x, (3, 1)), lambda x: x.sum((0, 2)).reshape(3, 1), X),
    (lambda x: layout.sum_to(x, (2, 1, 4)), lambda x: x.sum(1, keepdims=True), X),
    (lambda x: layout.sum_to(x, (4,)), lambda x: x.sum((0, 1)), X),
    (lambda x: layout.sum_to(x, ()), np.sum, X),
    (shape.atleast_1d, np.atleast_1d, S),
    (shape.atleast_2d, np.atleast_2d, V),
    (shape.atleast_3d, np.atleast_3d, V),
    (lambda x: shape.concat([x, x[:1]], 0), lambda x: np.concatenate([x, x[:1]], 0), X),
    (lambda x: shape.concat([x, x], -1), lambda x: np.concatenate([x, x], -1), X),
    (lambda x: shape.concat([x, x], None), lambda x: np.concatenate([x, x], None), X),
    (lambda x: shape.stack([x, x, x], -2), lambda x: np.stack([x, x, x], -2), X),
    (lambda x: shape.hstack([x, x]), lambda x: np.hstack([x, x]), V),
    (lambda x: shape.hstack([x, x]), lambda x: np.hstack([x, x]), M),
    (lambda x: shape.vstack([x, x]), lambda x: np.vstack([x, x]), V),
    (lambda x: shape.dstack([x, x]), lambda x: np.dstack([x, x]), M),
    (lambda x: shape.column_stack([x, x]), lambda x: np.column_stack([x, x]), V),
    (lambda x: shape.split(x, 3, 1)[1], lambda x: np.split(x, 3, 1)[1], X),
    (lambda x: shape.split(x, [1, 3], 2)[1], lambda x: np.split(x, [1, 3], 2)[1], X),
    (lambda x: shape.array_split(x, 3, 2)[0], lambda x: np.array_split(x, 3, 2)[0], X),
    (lambda x: shape.hsplit(x, 3)[2], lambda x: np.hsplit(x, 3)[2], X),
    (lambda x: shape.vsplit(x, 2)[0], lambda x: np.vsplit(x, 2)[0], X),
    (lambda x: shape.dsplit(x, 2)[0], lambda x: np.dsplit(x, 2)[0], X),
    (lambda x: shape.unstack(x, 1)[2], lambda x: x[:, 2], X),
    (lambda x: padding.pad(x, 1), lambda x: np.pad(x, 1), M),
    (
        lambda x: padding.pad(x, ((0, 1), (2, 0)), constant_values=-0.5),
        lambda x: np.pad(x, ((0, 1), (2, 0)), constant_values=-0.5),
        M,
    ),
    *(
        (
            lambda x, mode=mode, width=width: padding.pad(x, width, mode),
            lambda x, mode=mode, width=width: np.pad(x, width, mode),
            M,
        )
        for mode in ("edge", "wrap", "reflect", "symmetric")
        for width in (((1, 2), (0, 3)), ((5, 7), (9, 8)))
    ),
    (lambda x: padding.pad(x, 2, "reflect"), lambda x: np.pad(x, 2, "reflect"), V[:1]),
    (shape.flip, np.flip, X),
    (lambda x: shape.flip(x, (0, -1)), lambda x: np.flip(x, (0, -1)), X),
    (shape.fliplr, np.fliplr, M),
    (shape.flipud, np.flipud, M),
    *((lambda x, k=k: shape.rot90(x, k), lambda x, k=k: np.rot90(x, k), M) for k in range(-1, 4)),
    (lambda x: shape.rot90(x, 1, (2, 0)), lambda x: np.rot90(x, 1, (2, 0)), X),
    (lambda x: shape.roll(x, 7), lambda x: np.roll(x, 7), X),
    (lambda x: shape.roll(x, -1, 1), lambda x: np.roll(x, -1, 1), X),
    (lambda x: shape.roll(x, (1, 2), (0, 2)), lambda x: np.roll(x, (1, 2), (0, 2)), X),
    (lambda x: shape.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3)), M),
    (lambda x: shape.tile(x, 2), lambda x: np.tile(x, 2), X),
    (lambda x: shape.repeat(x, 2), lambda x: np.repeat(x, 2), M),
    (lambda x: shape.repeat(x, 3, 1), lambda x: np.repeat(x, 3, 1), X),
    (lambda x: shape.repeat(x, [0, 2, 1], 1), lambda x: np.repeat(x, [0, 2, 1], 1), X),
    (lambda x: shape.meshgrid(x, x[:2])[0], lambda x: np.meshgrid(x, x[:2])[0], V),
    (
        lambda x: shape.meshgrid(x, x[:2], indexing="ij")[1],
        lambda x: np.meshgrid(x, x[:2], indexing="ij")[1],
        V,
    ),
    (lambda x: triangle.tril(x, -1), lambda x: np.tril(x, -1), X),
    (triangle.triu, np.triu, M),
    (triangle.diagonal, np.diagonal, X),
    (lambda x: triangle.diagonal(x, 1, 2, 0), lambda x: np.diagonal(x, 1, 2, 0), X),
    (lambda x: triangle.diagonal(x, -2), lambda x: np.diagonal(x, -2), M),
    (lambda x: triangle.diag(x, 2), lambda x: np.diag(x, 2), V),
    (lambda x: triangle.diag(x, -1), lambda x: np.diag(x, -1), M),
    (lambda x: triangle.diagflat(x, -1), lambda x: np.diagflat(x, -1), M),
]


@pytest.mark.parametrize(("ours", "numpys", "x"), CASES)
def test_values_derivatives_and_batches(ours: Any, numpys: Any, x: Any) -> None:
    before = np.array(x)
    np.testing.assert_array_equal(ours(x), numpys(x), strict=True)
    np.testing.assert_array_equal(
        ours(np.asarray(x, np.float32)), numpys(np.float32(x)), strict=True
    )
    whole = np.round(3 * np.asarray(x)).astype(np.int32)
    np.testing.assert_array_equal(ours(whole), numpys(whole), strict=True)
    check(ours, np.asarray(x))
    check_batch(ours, np.asarray(x))
    np.testing.assert_array_equal(x, before)


def test_what_changes_nothing_returns_its_argument() -> None:
    unchanged = [
        layout.reshape(X, X.shape), layout.broadcast_to(X, X.shape), layout.sum_to(X, X.shape),
        layout.permute_dims(X, (0, 1, 2)), layout.astype(X, float), layout.sum(X, ()),
        layout.expand_dims(X, ()), padding.pad(X, 0), shape.concat([X]), shape.flip(X, ()),
    ]  # fmt: skip
    assert all(found is X for found in unchanged)


def test_sum_as_numpy() -> None:
    for x in (X, X > 0, np.arange(6, dtype=np.uint8), np.int32(3), np.zeros((0, 3)), np.float32(2)):
        for axis in (None, 0, -1):
            if np.ndim(x) == 0 and axis is not None:
                continue
            for keepdims in (False, True):
                ours, numpys = (
                    layout.sum(x, axis, None, keepdims),
                    np.sum(x, axis, keepdims=keepdims),
                )
                np.testing.assert_array_equal(ours, numpys)
                assert ours.dtype == numpys.dtype
                assert ours.shape == numpys.shape
    assert layout.sum(np.full(300, 1, np.int8), dtype=np.int8) == np.int8(44)
    for keepdims in (False, True):
        for axis in (None, 1, (0, 2), (-1, 0, 1)):
            check(lambda x, a=axis, k=keepdims: layout.sum(x, a, None, k), X)
            check_batch(lambda x, a=axis, k=keepdims: layout.sum(x, a, None, k), X)


def test_concat_and_stack_of_several_operands() -> None:
    for f in (lambda a, b: shape.concat([a, b, a], 1), lambda a, b: shape.stack([b, a], 1)):
        check(f, M, 2 * M)
        check_batch(f, M, 2 * M)
    assert shape.concat([np.zeros(2, np.float32), np.zeros(2)]).dtype == np.float64


def test_constants_of_a_shape() -> None:
    assert layout.zeros_like(X).shape == X.shape
    assert layout.ones_like(X, np.int32).dtype == np.int32
    assert layout.full_like(np.float32(1), 2.5) == np.float32(2.5)


@pytest.mark.parametrize(
    ("record", "xs", "params", "source"),
    [
        (layout.reshape_p, [X], {"shape": (6, 4)}, "x0.reshape(6, 4)"),
        (layout.reshape_p, [X[:1, :1, 0]], {"shape": ()}, "x0.reshape(())"),
        (layout.permute_dims_p, [M], {"axes": (1, 0)}, "x0.T"),
        (layout.permute_dims_p, [X], {"axes": (2, 0, 1)}, "x0.transpose(2, 0, 1)"),
        (layout.expand_dims_p, [X], {"axis": (1,)}, "np.expand_dims(x0, axis=1)"),
        (layout.squeeze_p, [X[:1, :1]], {"axis": (0, 1)}, "x0.squeeze(axis=(0, 1))"),
        (layout.broadcast_to_p, [V], {"shape": (2, 4)}, "np.broadcast_to(x0, (2, 4))"),
        (layout.sum_p, [X], {"axis": None, "keepdims": False}, "x0.sum()"),
        (layout.sum_p, [X], {"axis": (0,), "keepdims": False}, "x0.sum(axis=0)"),
        (
            layout.sum_p,
            [X],
            {"axis": (0, 2), "keepdims": True},
            "x0.sum(axis=(0, 2), keepdims=True)",
        ),
        (layout.astype_p, [X], {"dtype": np.dtype("float32")}, "x0.astype(np.float32)"),
        (shape.concat_p, [M, M], {"axis": 1}, "np.concatenate((x0, x1), axis=1)"),
        (shape.stack_p, [M, M], {"axis": 0}, "np.stack((x0, x1), axis=0)"),
        (padding.pad_p, [M], {"widths": ((1, 0), (0, 2))}, "np.pad(x0, ((1, 0), (0, 2)))"),
        (triangle.tril_p, [M], {"k": 0}, "np.tril(x0)"),
        (triangle.triu_p, [M], {"k": -1}, "np.triu(x0, -1)"),
        (triangle.diagonal_p, [X], {"k": 0}, "np.diagonal(x0, axis1=-2, axis2=-1)"),
        (triangle.diagonal_p, [X], {"k": 1}, "np.diagonal(x0, offset=1, axis1=-2, axis2=-1)"),
        (triangle.diag_embed_p, [M], {"k": 1, "shape": (5, 5)}, "diag_embed(x0, 1, (5, 5))"),
    ],
)
def test_source_is_what_runs(record: Any, xs: Any, params: Any, source: str) -> None:
    assert check_text(record, *xs, **params) == source


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: layout.reshape(X, (5, 5)), ShapeError, "24 elements do not fill shape (5, 5)"),
        (lambda: layout.reshape(X, (5, -1)), ShapeError, "24 elements do not fill"),
        (lambda: layout.permute_dims(X, (0, 1)), ShapeError, "2 axes are named for an array of 3"),
        (lambda: layout.permute_dims(X, (0, 1, 1)), ShapeError, "named twice"),
        (lambda: layout.broadcast_to(X, (3, 4)), ShapeError, "does not broadcast to (3, 4)"),
        (lambda: layout.broadcast_to(V, (5,)), ShapeError, "do not broadcast"),
        (lambda: layout.squeeze(X, 0), ShapeError, "axis 0 has size 2, not 1"),
        (lambda: layout.sum(X, 3), ShapeError, "axis 3 is outside an array of 3 axes"),
        (lambda: layout.matrix_transpose(V), ShapeError, "at least 2 axes"),
        (lambda: shape.concat([M, X]), ShapeError, "differ outside axis 0"),
        (lambda: shape.concat([M, M[:, 1:]]), ShapeError, "(3, 4) and (3, 3) differ"),
        (lambda: shape.concat([]), ShapeError, "at least one array"),
        (lambda: shape.concat([S, S]), ShapeError, "use stack"),
        (lambda: shape.stack([M, V]), ShapeError, "(3, 4) and (4,) differ"),
        (lambda: shape.split(X, 2, 1), ShapeError, "size 3 cannot be cut into 2 equal parts"),
        (lambda: shape.array_split(X, 0), OptionError, "sections must be at least 1, not 0"),
        (lambda: padding.pad(M, ((1, 1, 1),)), ShapeError, "do not fit an array of 2 axes"),
        (lambda: padding.pad(M, -1), ShapeError, "negative widths"),
        (lambda: padding.pad(M, 1, "refelct"), OptionError, "did you mean `reflect`"),
        (lambda: padding.pad(M[:0], 1, "edge"), ShapeError, "nothing to repeat"),
        (lambda: shape.repeat(V, [1, 2]), ShapeError, "2 counts for an axis of size 4"),
        (lambda: shape.meshgrid(V, indexing="yx"), OptionError, "xy"),
        (lambda: triangle.tril(V), ShapeError, "at least 2 axes, not 1"),
        (lambda: triangle.diagonal(V), ShapeError, "at least 2 axes, not 1"),
        (lambda: triangle.diagonal(X, 0, 1, 1), ShapeError, "named twice"),
        (lambda: triangle.diag(X), ShapeError, "a vector or a matrix"),
        (lambda: shape.rot90(X, 1, (1, 1)), ShapeError, "named twice"),
    ],
)
def test_errors(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
