"""Eager tensors: NumPy's semantics, conversions, lifetime. See also test_tensor_backward.py."""

from __future__ import annotations

import copy
import gc
import threading
import weakref
from typing import Any

import numpy as np
import pytest

from glassgrad.config import config
from glassgrad.errors import DtypeError, GradientError, OptionError, ShapeError
from glassgrad.tensor import Parameter, Tensor, no_grad, parameter, state, tensor

A = np.array([[1.0, -2.0, 3.0], [0.5, 2.5, -0.5]])


# --- making ------------------------------------------------------------------------------


def test_floats_and_lists_become_config_float_and_arrays_keep_their_dtype() -> None:
    assert tensor(1.0).dtype == np.float32
    assert tensor([1.0, 2.0]).dtype == np.float32
    assert tensor([1, 2]).dtype == np.int64
    assert tensor([True]).dtype == np.bool_
    assert tensor(A).dtype == np.float64
    assert tensor(A, np.float32).dtype == np.float32
    with config.using(float=np.float64):
        assert tensor([1.0]).dtype == np.float64
    assert parameter([1, 2]).dtype == np.float32
    with pytest.raises(DtypeError, match="int64 cannot require a gradient"):
        parameter([1, 2], np.int64)


def test_tensor_copies_its_data() -> None:
    array = A.copy()
    x = tensor(array)
    array[:] = 0
    np.testing.assert_array_equal(x.data, A)
    fortran = tensor(np.asfortranarray(A))
    assert fortran.data.flags.c_contiguous
    y = tensor(x)
    assert y is not x
    assert not np.shares_memory(y.data, x.data)


def test_lists_of_tensors() -> None:
    x = tensor([tensor(np.float64(1.1)), tensor(np.float64(2.2))])
    assert x.dtype == np.float64
    assert x.tolist() == [1.1, 2.2]
    with pytest.raises(GradientError, match="turned into an array"):
        tensor([parameter(1.0)])  # it would lose the gradient; np.stack keeps it


@pytest.mark.parametrize("data", ["text", ["a", "b"], [object()], [[1.0], [1.0, 2.0]]])
def test_what_is_no_array_of_numbers_is_refused(data: Any) -> None:
    with pytest.raises((DtypeError, ValueError)):
        tensor(data)


# --- NumPy semantics ---------------------------------------------------------------------


def test_operators_and_functions_give_numpys_values_and_dtypes() -> None:
    for dtype in (np.float64, np.float32, np.int64):
        a = A.astype(dtype)
        x = tensor(a)
        pairs = [
            (x + 1, a + 1), (2.5 * x, 2.5 * a), (x / 2, a / 2), (x @ x.T, a @ a.T),
            (x - np.float64(1), a - np.float64(1)), (x**2, a**2), (x // 2, a // 2), (x % 2, a % 2),
            (-x, -a), (abs(x), abs(a)), (x > 0, a > 0), (x == a, a == a.copy()),
            (np.exp(x), np.exp(a)),
            (np.sum(x, axis=0), a.sum(axis=0)), (np.concatenate([x, x]), np.concatenate([a, a])),
            (x[:, ::2], a[:, ::2]), (x[a > 0], a[a > 0]), (x.mean(), a.mean()), (x.T, a.T),
            (np.where(a > 0, x, 0), np.where(a > 0, a, 0)), (x.reshape(3, 2), a.reshape(3, 2)),
        ]  # fmt: skip
        for ours, theirs in pairs:
            assert isinstance(ours, Tensor)
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours.data, theirs)


def test_arrays_on_the_left_give_way() -> None:
    x = tensor(A)
    for out in (A + x, A - x, A * x, A / x, A @ x.T, np.float64(2) * x, np.greater(A, x)):
        assert isinstance(out, Tensor)


def test_attributes() -> None:
    x = tensor(A)
    assert (x.shape, x.ndim, x.size, len(x), x.dtype) == ((2, 3), 2, 6, 2, np.float64)
    assert [row.tolist() for row in x] == A.tolist()
    assert x[0, 1].item() == -2.0
    assert float(x[0, 0]) == 1.0
    assert int(tensor(7)) == 7
    assert [10, 20, 30][tensor(1)] == 20
    assert bool(tensor(True))
    assert x.tolist() == A.tolist()
    assert 2.5 in x
    assert list(range(tensor(3))) == [0, 1, 2]
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)
    with pytest.raises(TypeError):
        float(x)
    with pytest.raises(TypeError, match="no length"):
        len(tensor(1.0))


def test_equality_is_by_element_and_hash_by_identity() -> None:
    x, y = tensor([1.0, 2.0]), tensor([1.0, 3.0])
    assert (x == y).tolist() == [True, False]
    assert {x: "x", y: "y"}[x] == "x"


def test_repr_and_format() -> None:
    assert repr(tensor([1.0, 2.0])) == "tensor([1., 2.], dtype=float32)"
    assert repr(tensor(A)) == (
        "tensor([[ 1. , -2. ,  3. ],\n        [ 0.5,  2.5, -0.5]], dtype=float64)"
    )
    w = parameter([1.0])
    assert repr(w) == "tensor([1.], dtype=float32, parameter)"
    assert repr(w * 2) == "tensor([2.], dtype=float32, by multiply)"
    assert repr(state([1.0])) == "tensor([1.], dtype=float32, state)"
    assert repr(tensor([1.0], requires_grad=True)).endswith("requires_grad)")
    assert f"{tensor(0.5):.3f}" == "0.500"


# --- conversions -------------------------------------------------------------------------


def test_data_is_a_read_only_view_and_numpy_a_copy() -> None:
    x = tensor(A)
    with pytest.raises(ValueError, match="read-only"):
        x.data[0, 0] = 9.0
    mine = x.numpy()
    mine[0, 0] = 9.0
    assert x[0, 0].item() == 1.0
    assert not np.asarray(x).flags.writeable


def test_array_of_a_tensor_on_the_tape_is_refused() -> None:
    w = parameter([1.0, 2.0])
    with pytest.raises(GradientError, match="turned into an array") as caught:
        np.asarray(w)
    assert ".detach()" in caught.value.hint
    assert caught.value.operation.startswith("w test_tensor.py:")
    with pytest.raises(GradientError, match="turned into an array"):
        np.asarray(w * 2)
    with no_grad():
        assert np.asarray(w).tolist() == [1.0, 2.0]
    assert np.asarray(w.detach()).tolist() == [1.0, 2.0]
    assert np.asarray(w.data, np.float64).dtype == np.float64
    assert np.array(tensor(A), copy=True).flags.writeable
    with pytest.raises(ValueError, match="copy"):
        np.array(tensor(A), dtype=np.float32, copy=False)


def test_dlpack() -> None:
    x = tensor(A)
    assert x.__dlpack_device__() == (1, 0)
    np.testing.assert_array_equal(np.from_dlpack(x), A)
    with pytest.raises(GradientError, match="turned into an array"):
        np.from_dlpack(parameter([1.0]))


def test_detach_is_a_constant_that_later_updates_do_not_change() -> None:
    w = parameter([1.0, 2.0])
    old = w.detach()
    assert not old.requires_grad
    w -= 1.0
    assert old.tolist() == [1.0, 2.0]


def test_no_grad_records_nothing_and_nests() -> None:
    w = parameter([1.0])
    with no_grad():
        assert not (w * 2).requires_grad
        with no_grad():
            pass
        assert not (w * 2).requires_grad
    assert (w * 2).requires_grad
    with pytest.raises(ZeroDivisionError), no_grad():
        1 / 0  # noqa: B018 - an error inside the block
    assert (w * 2).requires_grad


def test_no_grad_belongs_to_its_thread() -> None:
    w, seen = parameter([1.0]), []
    with no_grad():
        worker = threading.Thread(target=lambda: seen.append((w * 2).requires_grad))
        worker.start()
        worker.join()
    assert seen == [True]


def test_requires_grad_can_be_set_on_a_leaf_only() -> None:
    x = tensor([1.0])
    x.requires_grad = True
    y = x * 2
    with pytest.raises(GradientError, match="computed tensor"):
        y.requires_grad = False
    with pytest.raises(DtypeError, match="int64"):
        tensor([1]).requires_grad = True
    x.requires_grad = False
    assert not (x * 2).requires_grad


def test_copies() -> None:
    w = parameter([1.0, 2.0], name="w")
    twin = copy.deepcopy(w)
    assert isinstance(twin, Parameter)
    assert twin.describe()[0] == "w"
    twin -= 1.0
    assert w.tolist() == [1.0, 2.0]


def test_graph_of_a_tensor() -> None:
    w, x = parameter([2.0], np.float64), tensor([3.0], np.float64)
    h = w * x
    y = (h + 1).sum()
    graph = y.graph()
    assert [eqn.primitive.name for eqn in graph.eqns] == ["multiply", "add", "sum"]
    assert [var.name for var in graph.inputs] == ["w", "x"]
    assert graph.eqns[0].outputs[0].name == "h"
    assert graph.run(np.array([2.0]), np.array([3.0])) == 7.0
    with pytest.raises(GradientError, match="nothing was recorded"):
        (tensor([1.0]).detach() * 2).graph()


def test_functions_that_are_not_recorded_are_refused() -> None:
    with pytest.raises(OptionError, match=r"np\.fft\.fft is not recorded"):
        np.fft.fft(parameter([1.0]))


# --- lifetime ----------------------------------------------------------------------------


@pytest.fixture
def _no_collector() -> Any:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
def test_a_graph_is_freed_when_its_outputs_die() -> None:
    w = parameter(np.ones(3))
    for _ in range(3):  # the third pass runs compiled text
        h = np.tanh(w * 2)
        y = h.sum()
        y.backward()
        watched = [weakref.ref(h.node), weakref.ref(y.node)]
        w.grad = None
        del h, y
        assert [ref() for ref in watched] == [None, None]


@pytest.mark.usefixtures("_no_collector")
def test_updates_keep_no_history() -> None:
    w = parameter(np.ones(3))
    first = weakref.ref(w.node)
    for _ in range(3):
        y = (w * w).sum()
        y.backward()
        w -= 0.1 * w.grad
    del y
    assert first() is None
    t = tensor(np.ones(3))
    t += 1  # nothing requires a gradient, so nothing is remembered
    assert t.node is None


def test_a_chain_of_100_000_operations() -> None:
    x = parameter(np.float64(1.0))
    y: Any = x
    for _ in range(100_000):
        y = y * 1.00001
    y.backward()
    assert x.grad == pytest.approx(1.00001**100_000, rel=1e-9)
    del y


def test_two_threads_sweep_tapes_that_share_a_parameter() -> None:
    """Different functions of one parameter at once: no number of one sweep reaches the other."""
    shared = parameter(np.arange(1.0, 4.0))
    faults: list[str] = []

    def work(power: int) -> None:
        for _ in range(100):
            own = parameter(np.full(3, 2.0))
            y = own
            for _ in range(power):
                y = y * shared
            (y * 1.0).sum().backward()
            if not np.array_equal(own.grad, shared.data**power):
                faults.append(f"{power}: {own.grad}")

    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of replaced gradients of the shared parameter
        workers = [threading.Thread(target=work, args=(power,)) for power in (1, 2, 3, 4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert faults == []


def test_errors_name_operands_and_places() -> None:
    h, weights = tensor(np.ones((2, 4))), parameter(np.ones((3, 5)))
    with pytest.raises(ShapeError) as caught:
        h @ weights
    text = str(caught.value)
    assert text.startswith("matmul: inner sizes differ, 4 and 3")
    assert "weights" in text
    assert "test_tensor.py:" in text
    assert "rule (n, k) @ (k, m) -> (n, m)" in text
