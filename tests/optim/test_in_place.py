"""Updates that write where the old parameters are: the bits of the pure update, and no hazards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from optim.rules import UPDATES

from glassgrad import optim
from glassgrad.autodiff.graphs import record
from glassgrad.core.aval import aval_of
from glassgrad.errors import GradientError
from glassgrad.optim.in_place import in_place
from glassgrad.primitives.arithmetic import maximum
from glassgrad.tensor import parameter

W = np.array([[1.0, -2.0], [3.0, 0.5]])
V = np.array([[0.25, 4.0], [-1.0, 2.0]])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", UPDATES)
def test_steps_have_the_bits_of_the_pure_update(name: str, dtype: Any) -> None:
    params = [parameter(W, dtype), parameter(V[0], dtype), parameter(3.0, dtype)]
    views = [p.data for p in params]
    opt = optim.make_optimizer(name, params, lr=0.1, weight_decay=0.01)
    pure = opt.graph().callable()
    for number in range(1, 5):
        grads = [np.asarray(np.cos(number * p.data), dtype) for p in params]
        olds = [np.array(p.data) for p in params]
        expected = pure(*olds, *grads, *opt.rows, np.float64(0.1), np.float64(number))
        for p, grad in zip(params, grads, strict=True):
            p.grad = grad
        opt.step()
        for found, wanted in zip([*views, *opt.rows], expected, strict=True):
            assert found.dtype == wanted.dtype
            assert found.tobytes() == np.asarray(wanted).tobytes()


Update = Callable[[Any, Any, Any], Sequence[Any]]
# Of (w, v, g): the new w, the new v, and something else that is kept.
UPDATES: dict[str, Update] = {
    "subtract": lambda w, v, g: (w - 0.5 * g, v - g, g * 2),
    "other signs": lambda w, v, g: (w * (1 - g), v / (2 + g), w + v),
    "the parameter stands on the right": lambda w, v, g: (g - w, g + v, g),
    "each from the other": lambda w, v, g: (w - v, v - w, g),
    "exchanged": lambda w, v, g: (v, w, w),
    "unchanged": lambda w, v, g: (w, v - g, w),
    "kept as well": lambda w, v, g: _kept(w - g, v),
    "read again": lambda w, v, g: (w - g, v - (w - g), (w - g) * v),
    "no sign": lambda w, v, g: (maximum(w, g), -v, v),
    "a number": lambda w, v, g: (w - 0.25, v * 0.5, g),
    "one for both": lambda w, v, g: (w - g, w - g, v),
}


def _kept(new: Any, v: Any) -> tuple[Any, ...]:
    return new, v, new


@pytest.mark.parametrize("name", UPDATES)
def test_every_way_of_writing_gives_the_pure_results(name: str) -> None:
    g = np.array([[0.1, 0.2], [0.3, -0.4]])
    graph = record(UPDATES[name], [aval_of(x) for x in (W, V, g)], "update")[0].transform("exact")
    expected = [np.array(out) for out in graph.callable()(W, V, g)]
    w, v = W.copy(), V.copy()
    update, writes = in_place(graph, 2)
    results = update(w, v, g)
    assert w.tobytes() == W.tobytes()
    assert v.tobytes() == V.tobytes()
    for write, array, result in zip(writes, (w, v), results, strict=False):
        if write is not None:
            write(array, result, array)
    for found, wanted in zip((w, v, results[2]), expected, strict=True):
        assert np.asarray(found).tobytes() == wanted.tobytes()


def test_a_graph_from_before_the_step_is_void() -> None:
    w = parameter(W)
    loss = (w * w).sum()
    loss.backward()
    opt = optim.SGD(w, 0.1)
    opt.step()
    with pytest.raises(GradientError, match="the parameter w, used at") as caught:
        loss.backward()
    assert caught.value.problem.count("test_in_place.py:") == 2


def test_a_step_that_numpy_interrupts_leaves_no_graph_valid() -> None:
    w = parameter(np.array([1e308]))
    loss = np.log(w).sum()  # whose derivative needs w
    opt = optim.SGD(w, 1.0)
    w.grad = np.array([-1.7e308])
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        opt.step()
    assert opt.count == 0
    with pytest.raises(GradientError, match="overwritten"):
        loss.backward()


def test_a_skipped_update_leaves_earlier_graphs_valid() -> None:
    w = parameter(W)
    loss = (w * w).sum()
    opt = optim.SGD(w, 0.1, clip_norm=1.0)
    w.grad = np.full_like(w.data, np.nan)
    with pytest.warns(UserWarning, match="skipped"):
        opt.step()
    w.grad = None
    loss.backward()
    np.testing.assert_array_equal(w.grad, 2 * w.data)
