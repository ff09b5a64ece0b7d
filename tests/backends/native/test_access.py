"""Where elements lie: strides against NumPy's, for chains of views and for loops over positions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from backends.native import interpret
from hypothesis import given

from glassgrad.backends.native.loops import I64, Buffer, Builder, Kernel, Value
from glassgrad.backends.native.lower.access import (
    Access,
    Rows,
    broadcast,
    contiguous,
    diagonal,
    dropped,
    expanded,
    is_contiguous,
    merged,
    permuted,
    positions,
    reshaped,
    sliced,
    whole,
)
from glassgrad.backends.native.lower.views import (
    View,
    complete,
    indexed,
    keeps_first_axis,
    stand_in,
)
from glassgrad.graph.ir import Var
from glassgrad.graph.trace import trace
from glassgrad.primitives.indexing import ALL

Change = tuple[Callable[[Access], Access | None], Callable[[np.ndarray], np.ndarray]]


def access_of(shape: Sequence[int]) -> Access:
    return whole(Buffer("x", I64, prod(shape)), shape)


def elements(access: Access) -> np.ndarray:
    """The index of every element; equal to the elements of a buffer that counts from 0."""
    found = np.full(access.shape, access.base)
    for axis, (size, stride) in enumerate(zip(access.shape, access.strides, strict=True)):
        steps = np.arange(size) * stride
        found += steps.reshape([-1 if i == axis else 1 for i in range(len(access.shape))])
    return found


# --- chains of views ---------------------------------------------------------------------


@st.composite
def _change(draw: st.DrawFn, shape: tuple[int, ...]) -> Change:
    """A view of an array of this shape, by our strides and by NumPy."""
    kind = draw(st.sampled_from(["permute", "slice", "expand", "drop", "broadcast", "reshape"]))
    if kind == "permute":
        axes = tuple(draw(st.permutations(range(len(shape)))))
        return lambda a: permuted(a, axes), lambda x: x.transpose(axes)
    if kind == "slice":
        starts = [draw(st.integers(0, n - 1)) for n in shape]
        steps = [draw(st.sampled_from([1, 2, -1])) for _ in shape]
        cuts = tuple(slice(s, None, d) for s, d in zip(starts, steps, strict=True))
        sizes = np.empty(shape, np.bool_)[cuts].shape
        return lambda a: sliced(a, starts, sizes, steps), lambda x: x[cuts]
    if kind == "expand":
        axis = draw(st.integers(0, len(shape)))
        return lambda a: expanded(a, [axis]), lambda x: np.expand_dims(x, axis)
    if kind == "drop":
        ones = [i for i, n in enumerate(shape) if n == 1]
        axes = tuple(ones[: draw(st.integers(0, len(ones)))])
        return lambda a: dropped(a, axes), lambda x: x.squeeze(axes)
    if kind == "broadcast":
        wanted = tuple(3 if n == 1 and draw(st.booleans()) else n for n in shape)
        wanted = (2, *wanted) if draw(st.booleans()) and len(shape) < 4 else wanted
        return lambda a: broadcast(a, wanted), lambda x: np.broadcast_to(x, wanted)
    target = tuple(draw(st.sampled_from(_shapes_of(prod(shape)))))
    return lambda a: reshaped(a, target), lambda x: x.reshape(target)


def _shapes_of(size: int) -> list[tuple[int, ...]]:
    pairs = [(n, size // n) for n in range(1, size + 1) if size % n == 0]
    return [(size,), *pairs, *((a, 1, b) for a, b in pairs)]


@given(st.data(), st.sampled_from([(4, 3), (6,), (2, 3, 4), (1, 5), (2, 1, 3), (12, 1)]))
def test_chains_of_views_are_those_of_numpy(data: st.DataObject, shape: tuple[int, ...]) -> None:
    access, array = access_of(shape), np.arange(prod(shape)).reshape(shape)
    for _ in range(data.draw(st.integers(1, 5))):
        ours, numpys = data.draw(_change(array.shape))
        found, wanted = ours(access), numpys(array)
        if found is None:  # a reshape that strides cannot say, which NumPy copies
            assert not np.shares_memory(array, wanted)
            return
        access, array = found, wanted
        np.testing.assert_array_equal(elements(access), array)


@given(st.permutations([0, 1, 2]), st.sampled_from(_shapes_of(24)))
def test_a_reshape_is_a_view_where_it_is_one_to_numpy(
    axes: list[int], target: tuple[int, ...]
) -> None:
    array = np.arange(24).reshape(2, 3, 4).transpose(axes)
    found = reshaped(permuted(access_of((2, 3, 4)), axes), target)
    assert (found is not None) == np.shares_memory(array, array.reshape(target))


def test_arrays_without_elements_have_any_shape() -> None:
    found = reshaped(access_of((3, 0)), (0, 5))
    assert found is not None
    assert (found.shape, found.strides) == ((0, 5), contiguous((0, 5)))


@pytest.mark.parametrize("k", range(-4, 5))
@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (2, 3, 3)])
def test_diagonals(shape: tuple[int, ...], k: int) -> None:
    array = np.arange(prod(shape)).reshape(shape)
    found = elements(diagonal(access_of(shape), k))
    np.testing.assert_array_equal(found, np.diagonal(array, k, -2, -1))


@pytest.mark.parametrize(
    "index",
    [
        (), (1,), (-1,), ("...",), (None, 0), (ALL, 2), ("...", -3), (1, "...", None),
        (("slice", 1, None, 2), ("slice", None, None, -1)), (("slice", 3, 1, None),),
        (ALL, None, ("slice", -2, None, None), "..."),
    ],
    ids=str,
)  # fmt: skip
def test_basic_indexing(index: tuple[Any, ...]) -> None:
    array = np.arange(60).reshape(3, 4, 5)
    spoken = tuple(
        slice(*item[1:]) if isinstance(item, tuple) else ... if item == "..." else item
        for item in index
    )
    np.testing.assert_array_equal(elements(indexed(access_of((3, 4, 5)), index)), array[spoken])
    named = complete(index, 3)
    assert sum(item is not None for item in named) == 3
    if keeps_first_axis(index):
        assert array[spoken].shape[0] == 3


def test_contiguous_is_what_numpy_says() -> None:
    for shape in itertools.product([1, 2, 3], repeat=3):
        for axes in itertools.permutations(range(3)):
            array = np.empty(shape).transpose(axes)
            access = permuted(access_of(shape), axes)
            assert is_contiguous(access) == array.flags.c_contiguous


def test_merged_axes_are_the_same_walk() -> None:
    plain, turned = access_of((2, 3, 4)), permuted(access_of((2, 4, 3)), (0, 2, 1))
    repeated = broadcast(access_of((4,)), (2, 3, 4))
    assert merged([plain])[0].shape == (24,)
    assert merged([plain], after=1)[0].shape == (2, 12)
    for given_ in ([plain, turned], [plain, repeated], [turned, turned]):
        found = merged(given_)
        assert len({access.shape for access in found}) == 1
        for before, after in zip(given_, found, strict=True):
            np.testing.assert_array_equal(elements(after).ravel(), elements(before).ravel())


# --- chains from a root ------------------------------------------------------------------


def test_a_chain_knows_whether_it_keeps_rows() -> None:
    def steps(x: Any) -> Any:
        return x[:, 1:], x[::-1], x[1:], x.T, x.reshape(4, 2, 3), x.reshape(8, 3), x[:, ::2][:, 0]

    graph = trace(steps, np.ones((4, 6)))
    (x,) = graph.inputs
    views: dict[Var, View] = {x: View(x, (), True)}
    for eqn in graph.eqns:
        source = eqn.inputs[0]
        assert isinstance(source, Var)
        view = views[source].then(eqn)
        assert view is not None
        views[eqn.outputs[0]] = view
    found = [views[out].keeps_rows for out in graph.outputs if isinstance(out, Var)]
    assert found == [True, False, False, False, True, False, True]
    last = views[graph.eqns[-1].outputs[0]]
    array = np.arange(24).reshape(4, 6)[:, ::2][:, 0]
    np.testing.assert_array_equal(elements(last.access(stand_in(x))), array)


# --- indices and loops -------------------------------------------------------------------


def test_rows_of_a_tile_and_steps_of_a_loop_shift_the_index() -> None:
    start, step, row = Value(I64, "start"), Value(I64, "step"), Value(I64, "row")
    tile = Access(Buffer("t", I64, 8), (100, 4), (4, 1), 0, start)
    assert tile.index([row, 3]).terms == ((row, 4), (start, -4))
    assert tile.index([row, 3]).base == 3
    inner = access_of((5, 4)).at(step)
    assert inner.shape == (4,)
    assert inner.index([row]).terms == ((step, 4), (row, 1))
    assert access_of((5, 4)).at(2).index([1]).base == 9
    line = access_of((5, 4)).line([2, row], axis=0)
    assert (line.shape, line.strides) == ((5,), (4,))
    assert line.index([3]).terms == ((row, 1),)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1, 3), (4, 0)])
@pytest.mark.parametrize("lanes", [False, True])
def test_positions_visit_every_element_once(shape: tuple[int, ...], lanes: bool) -> None:
    b, out = Builder(), access_of(shape)
    with positions(b, shape, lanes=lanes) as at:
        out.store(b, at, b.let("add", out.load(b, at), b.number(1, I64)))
    np.testing.assert_array_equal(_run(b, out), np.ones(shape))


def test_positions_of_some_rows() -> None:
    b, out = Builder(), access_of((6, 2))
    start = b.let("add", b.number(3, I64), b.number(0, I64))
    with positions(b, (6, 2), Rows(start, 2)) as at:
        out.store(b, at, b.number(1, I64))
    np.testing.assert_array_equal(_run(b, out)[:, 0], [0, 0, 0, 1, 1, 0])


def _run(b: Builder, out: Access) -> np.ndarray:
    memory = {out.buffer: np.zeros(out.buffer.size, np.int64)}
    interpret.run(Kernel("k", 1, b.body, Value(I64), Value(I64)), memory)
    return memory[out.buffer].reshape(out.shape)
