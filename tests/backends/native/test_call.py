"""Executables: what a call gives, and what it does with odd arrays, faults, threads and forks."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.autodiff.api import grad
from glassgrad.backends.native import call, engine
from glassgrad.backends.native.call import Executable, executable_of
from glassgrad.errors import GlassgradError, OutOfMemoryError, ShapeError
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.primitives.convolution import convolution

pytestmark = pytest.mark.skipif(engine.problem() is not None, reason=str(engine.problem()))

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 40)).astype(np.float32)
W = RNG.normal(size=(40, 30)).astype(np.float32)


def network(x: Any, w: Any) -> Any:
    return np.tanh(x @ w).sum(axis=1), (x * x).sum()


@pytest.fixture(scope="module")
def graph() -> Graph:
    return trace(network, X, W)


# --- what a call gives -------------------------------------------------------------------


def test_results_are_fresh_and_those_of_numpy(graph: Graph) -> None:
    run = executable_of(graph)
    first = run(X, W)
    for found, expected in zip(first, graph.callable()(X, W), strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-5)
        assert type(found) is type(expected)
    kept = first[0].copy()
    second = run(X * 2, W)
    assert not np.shares_memory(first[0], second[0])
    np.testing.assert_array_equal(first[0], kept)
    assert first[0].flags.writeable


def test_an_executable_is_made_once_and_goes_with_its_graph() -> None:
    graph = trace(lambda x: x + 1, X)
    run = executable_of(graph)
    assert executable_of(graph) is run
    assert executable_of(graph, run.workers) is run
    held = weakref.ref(run)
    del graph, run
    gc.collect()
    assert held() is None


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_workers_do_not_change_a_bit(graph: Graph, workers: int) -> None:
    large = np.tile(X, (40, 1))
    graph = trace(network, large, W)
    expected = Executable(graph, 1)(large, W)
    for a, b in zip(Executable(graph, workers)(large, W), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_small_programs_have_one_worker(graph: Graph) -> None:
    assert Executable(trace(lambda x: x * 2, X[:2])).workers == 1


def test_results_may_be_inputs_and_constants() -> None:
    table = np.arange(4.0)
    graph = trace(lambda x: (x, x, table, 3.5), np.ones(3))
    x = np.array([1.0, 2.0, 3.0])
    one, two, three, four = executable_of(graph)(x)
    for found in (one, two):
        np.testing.assert_array_equal(found, x)
        assert not np.shares_memory(found, x)
    np.testing.assert_array_equal(three, table)
    assert not np.shares_memory(three, table)
    assert four == 3.5


def test_zeros_of_an_empty_sum_are_written_behind_heavy_work() -> None:
    """A kernel that takes no work has a worker too."""

    def sums(x: Any, y: Any, w: Any) -> tuple[Any, Any]:
        return np.exp(x) @ x, grad(lambda w: convolution(y, w).sum())(w)

    arrays = [np.ones((40, 40)), np.ones((0, 2, 5)), np.ones((3, 2, 2))]
    run = Executable(trace(sums, *arrays), 1)
    arrays += [np.empty((40, 40)), np.full((3, 2, 2), 7.0)]
    for slot, array in enumerate(arrays):
        run.bind(slot, array)
    run.run()
    assert not arrays[-1].any()


def test_without_inputs() -> None:
    graph = trace(lambda: np.ones(3) * 2)
    np.testing.assert_array_equal(executable_of(graph)()[0], [2.0, 2.0, 2.0])


# --- odd arrays --------------------------------------------------------------------------


def odd(x: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Arrays with the same numbers that lie in other ways."""
    yield "Fortran order", np.asfortranarray(x)
    yield "a slice", np.repeat(x, 2, axis=1)[:, ::2]
    yield "backwards", x[::-1].copy()[::-1]
    yield "broadcast", np.broadcast_to(x, x.shape)
    yield "other byte order", x.astype(x.dtype.newbyteorder())
    yield "double precision", x.astype(np.float64)
    bytes_ = np.zeros(x.nbytes + 1, np.uint8)
    shifted = bytes_[1:].view(x.dtype).reshape(x.shape)
    shifted[...] = x
    yield "not aligned", shifted
    frozen = x.copy()
    frozen.flags.writeable = False
    yield "read-only", frozen
    yield "a subclass", x.view(np.matrix)


def test_arrays_that_lie_in_other_ways(graph: Graph) -> None:
    run = executable_of(graph)
    expected = run(X, W)[0]
    for name, x in odd(X):
        np.testing.assert_array_equal(run(x, W)[0], expected, err_msg=name)


def test_lasting_inputs_are_bound_anew_when_they_change(graph: Graph) -> None:
    run = Executable(graph, lasting=[1])
    for scale in (1.0, 2.0):
        w = W * np.float32(scale)
        for _ in range(2):
            np.testing.assert_array_equal(run(X, w)[0], Executable(graph)(X, w)[0])
        w *= 3
        np.testing.assert_array_equal(run(X, w)[0], Executable(graph)(X, w)[0])
        odd_w = np.asfortranarray(w)
        for _ in range(2):
            odd_w[0] += 1
            np.testing.assert_array_equal(run(X, odd_w)[0], Executable(graph)(X, odd_w)[0])


def test_another_shape_is_refused(graph: Graph) -> None:
    run = executable_of(graph)
    for x in (X[:-1], X[:, :-1], X[0], X[None]):
        with pytest.raises(ShapeError, match="recorded for"):
            run(x, W)
    run(X, W)


# --- faults ------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [[0, 7], [0, -8]])
def test_an_index_outside_raises_what_numpy_raises(bad: list[int]) -> None:
    graph = trace(lambda x, i: x[i] * 2, np.arange(7.0), np.array([0, 1]))
    run, x = executable_of(graph), np.arange(7.0)
    with pytest.raises(IndexError) as expected:
        graph.callable()(x, np.array(bad))
    with pytest.raises(IndexError) as found:
        run(x, np.array(bad))
    assert str(found.value) == str(expected.value)
    np.testing.assert_array_equal(run(x, np.array([6, -7]))[0], [12.0, 0.0])


def test_what_python_runs_for_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = trace(lambda x: np.sort(x * 2, axis=0).sum(axis=1), X)
    run = executable_of(graph)
    np.testing.assert_allclose(run(X)[0], graph.callable()(X)[0], rtol=1e-5, atol=1e-5)


def test_an_error_in_python_comes_out_and_is_gone_the_next_time() -> None:
    graph = trace(lambda a, b: np.linalg.solve(a, b) + 1, np.eye(3), np.ones(3))
    run = executable_of(graph)
    with pytest.raises((np.linalg.LinAlgError, GlassgradError)):
        run(np.zeros((3, 3)), np.ones(3))
    np.testing.assert_array_equal(run(np.eye(3), np.ones(3))[0], [2.0, 2.0, 2.0])


_GREEDY = """
    import resource
    import numpy as np
    from glassgrad.errors import OutOfMemoryError
    from glassgrad.backends.native.call import executable_of
    from glassgrad.graph.trace import trace

    graph = trace(lambda x: (x[:, None] * x[None, :]).sum(axis=0) * 2, np.ones(40_000))
    small = trace(lambda x: x * 2, np.ones(3))
    outer = trace(lambda x: x[:, None] * x[None, :], np.ones(40_000))
    executable_of(small)(np.ones(3))
    run = executable_of(outer)
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, resource.RLIM_INFINITY))
    try:
        run(np.ones(40_000))
    except OutOfMemoryError as error:
        print(str(error))
    print(executable_of(small)(np.ones(3))[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_memory_that_is_not_there() -> None:
    found = python(_GREEDY)
    assert "the system has no memory for this" in found
    assert "(40000, 40000) float64" in found
    assert "12207.0 MiB" in found
    assert found.rstrip().endswith("[2. 2. 2.]")


def test_out_of_memory_names_the_largest(monkeypatch: pytest.MonkeyPatch, graph: Graph) -> None:
    def refused(size: int) -> Any:
        raise MemoryError

    monkeypatch.setattr(call, "aligned_block", refused)
    with pytest.raises(OutOfMemoryError, match="no memory") as caught:
        Executable(graph)
    assert isinstance(caught.value, MemoryError)
    assert caught.value.operands[0].shape == (300, 40)


# --- threads and processes ---------------------------------------------------------------


def test_several_python_threads(graph: Graph) -> None:
    run = executable_of(graph, 2)
    inputs = [X * np.float32(i + 1) for i in range(4)]
    expected = [run(x, W) for x in inputs]
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(50):
            for a, b in zip(run(inputs[number], W), expected[number], strict=True):
                if not np.array_equal(a, b):
                    wrong.append(number)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


_FORKED = """
    import os
    import numpy as np
    from glassgrad.backends.native.call import executable_of
    from glassgrad.graph.trace import trace

    x = np.linspace(-1, 1, 400_000).reshape(4000, 100).astype(np.float32)
    run = executable_of(trace(lambda x: np.tanh(x @ x[:100]).sum(axis=0), x), 2)
    before = run(x)[0]
    with run.lock:  # as if another thread were inside
        child = os.fork()
    if child == 0:
        os._exit(0 if (run(x)[0] == before).all() else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), (run(x)[0] == before).all())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_after_a_fork() -> None:
    assert python(_FORKED).split() == ["0", "True"]


def python(text: str) -> str:
    """What a program of its own prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(text)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- without a library -------------------------------------------------------------------


@pytest.mark.parametrize("library", ["none", "scipy"])
def test_products_by_other_means(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    factors = _factors()
    expected = [(x @ y).astype(x.dtype) for x, y in factors]
    if library == "scipy":
        pytest.importorskip("scipy")
    monkeypatch.setenv("GLASSGRAD_BLAS", library)
    for (x, y), product in zip(factors, expected, strict=True):
        (found,) = Executable(trace(lambda a, b: a @ b, x, y))(x, y)
        np.testing.assert_allclose(found, product, rtol=1e-5, atol=1e-5)
        (turned,) = Executable(trace(lambda a, b: (a.T @ b.T).T * 2, y, x))(y, x)
        np.testing.assert_allclose(turned, product.T.T * 2, rtol=1e-5, atol=1e-5)


def _factors() -> list[tuple[np.ndarray, np.ndarray]]:
    shapes = (((7, 5), (5, 3)), ((1, 9), (9, 4)), ((64, 33), (33, 17)))
    return [
        (RNG.normal(size=a).astype(kind), RNG.normal(size=b).astype(kind))
        for a, b in shapes
        for kind in (np.float32, np.float64)
    ]


def test_a_network_in_single_rows() -> None:
    model = nn.MLP((12, 9, 3), "tanh")
    graph = trace(model, X[:1, :12])
    for row in X[:5, :12]:
        expected = model(row[None]).data
        np.testing.assert_allclose(executable_of(graph)(row[None])[0], expected, atol=1e-6)
