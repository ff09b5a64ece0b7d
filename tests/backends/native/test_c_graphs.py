"""Whole graphs as C: golden files, the bits of the LLVM code, and the graph's own results.

    GLASSGRAD_UPDATE_GOLDEN=1 pytest tests/backends/native/test_c_graphs.py

writes the golden files anew; they are reviewed as a diff.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends.native.c_running import compiled, needs_gcc, require_same, run_c, run_llvm
from backends.source_programs import PROGRAMS
from backends.test_source import CIRCUITS, EXPERIMENTS, experiment_graph
from optim.rules import UPDATES

import glassgrad as gg
from glassgrad import nn, optim
from glassgrad.backends.native.c import c_program
from glassgrad.backends.native.lower.build import lower
from glassgrad.backends.source import checks
from glassgrad.errors import GraphError
from glassgrad.graph.ir import Graph
from glassgrad.optim import OPTIMIZERS
from glassgrad.text import speaking
from glassgrad.train import train_step

GOLDEN = Path(__file__).parent / "golden"
UPDATE = bool(os.environ.get("GLASSGRAD_UPDATE_GOLDEN"))


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with speaking("en"), np.errstate(all="ignore"):
        yield


def xor_step(optimizer: str = "sgd") -> Graph:
    """2-2-1 sigmoid without biases on the four cases, one update."""
    model = nn.Sequential(
        nn.Linear(2, 2, bias=False, rng=0), nn.Sigmoid(), nn.Linear(2, 1, bias=False, rng=1)
    )
    opt = OPTIMIZERS[optimizer](model, lr=0.5)
    step = train_step(lambda m, x, t: ((nn.sigmoid(m(x)) - t) ** 2).mean(), model, opt)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    return step.graph(x, np.array([[0], [1], [1], [0]], np.float32))


def graph_of(name: str) -> Graph:
    if name in PROGRAMS:
        return PROGRAMS[name].graph()
    if name in CIRCUITS:
        return CIRCUITS[name].graph().gradients()  # type: ignore[no-any-return]
    return experiment_graph(name)


def require_golden(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.c"
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def single(graph: Graph, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What the graph's own source makes of them."""
    return [np.asarray(x) for x in graph.callable("numpy")(*arrays)]


def require_agreement(graph: Graph, folder: Path, *flags: str, freestanding: bool = False) -> None:
    """C and LLVM give the same bits where products round alike, and both what NumPy gives."""
    arrays = checks.drawn(graph)
    assert arrays is not None
    arrays = [np.asarray(x) for x in arrays]
    program = lower(graph)
    printed = c_program(program, name="f", freestanding=freestanding)
    found = run_c(printed, arrays, folder, *(flags or ("-O1",)))
    require_same(found, run_llvm(program, arrays), graph.name)
    for x, wanted in zip(found, single(graph, arrays), strict=True):
        assert (x.shape, x.dtype) == (wanted.shape, wanted.dtype)
        tolerance = 2e-4 if x.dtype == np.float32 else 1e-9
        np.testing.assert_allclose(x, wanted, rtol=tolerance, atol=tolerance)


# --- the text ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["two_layer_net", "scanned"])
def test_golden(name: str) -> None:
    require_golden(name, graph_of(name).c_source())


def test_golden_of_a_training_step() -> None:
    require_golden("xor_step", xor_step().c_source(name="xor_step"))


def test_golden_without_a_library() -> None:
    graph = gg.trace(lambda x: np.sqrt(np.floor(x) + 0.1), np.ones(5, np.float32))
    require_golden("freestanding", graph.c_source(name="root", freestanding=True))


@pytest.mark.parametrize("name", ["two_layer_net", "scanned", "attention", "recurrent"])
def test_lines_are_not_too_wide_and_names_are_told(name: str) -> None:
    text = graph_of(name).c_source()
    assert max(map(len, text.splitlines())) <= 100
    assert f"void {name}(" in text or f"int {name}(" in text


def test_the_function_bears_the_name_that_is_asked_for() -> None:
    graph = gg.trace(lambda x: x + 1, np.ones(2))
    assert "void f(const double *x, double *out)" in graph.c_source()
    assert "void more(const double *x, double *out)" in graph.c_source(name="more")


# --- the numbers ---------------------------------------------------------------------------


@needs_gcc
@pytest.mark.parametrize("name", ["two_layer_net", "scanned", "attention", "normalized"])
def test_programs_agree(name: str, tmp_path: Path) -> None:
    require_agreement(graph_of(name), tmp_path)


@needs_gcc
@pytest.mark.full
@pytest.mark.parametrize("name", sorted({*PROGRAMS, *CIRCUITS, *EXPERIMENTS}))
def test_every_worked_example_agrees(name: str, tmp_path: Path) -> None:
    try:
        require_agreement(graph_of(name), tmp_path, "-O2")
    except GraphError as error:
        assert "no C form" in str(error)


@needs_gcc
def test_a_training_step_agrees(tmp_path: Path) -> None:
    require_agreement(xor_step("adam"), tmp_path)
    flags = ("-O2", "-ffreestanding", "-nostdlib")
    require_agreement(xor_step(), tmp_path, *flags, freestanding=True)


@needs_gcc
@pytest.mark.full
@pytest.mark.parametrize("optimizer", UPDATES)
def test_every_optimizer_agrees(optimizer: str, tmp_path: Path) -> None:
    require_agreement(xor_step(optimizer), tmp_path)


IN_PLACE: dict[str, Callable[..., Any]] = {
    "product": lambda x, w: x @ w,
    "sort": lambda x, w: np.sort(x, axis=1) + w,
    "softmax": lambda x, w: nn.softmax(x) * w,
    "stages": lambda x, w: (x + 1, x * 2 - (x * 2).sum(axis=1, keepdims=True), w.sum(axis=0)),
    "update": lambda x, w: (w - 0.1 * (x.T @ w), x + 1),
}


@needs_gcc
@pytest.mark.parametrize("name", IN_PLACE)
def test_arrays_that_may_be_shared_may_be_shared(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    arrays = [rng.normal(size=(5, 5)) for _ in range(2)]
    graph = gg.trace(IN_PLACE[name], *arrays)
    program = lower(graph)
    wanted = single(graph, arrays)
    function = compiled(c_program(program, name="f").text, tmp_path, "-O1").f
    for given, result in program.in_place:
        held = [array.copy() for array in arrays]
        outs = [np.zeros_like(array) for array in wanted]
        outs[result] = held[given]
        function(*(ctypes.c_void_p(array.ctypes.data) for array in [*held, *outs]))
        for out, value in zip(outs, wanted, strict=True):
            np.testing.assert_allclose(out, value, rtol=1e-12, atol=1e-12)


@needs_gcc
def test_xor_is_learnt_in_c(tmp_path: Path) -> None:
    """2,000 steps without Python; the parameters lie where the function writes them."""
    model = nn.Sequential(nn.Linear(2, 8, rng=2), nn.Tanh(), nn.Linear(8, 1, rng=3))
    step = train_step(
        lambda m, x, t: ((nn.sigmoid(m(x)) - t) ** 2).mean(), model, optim.SGD(model, lr=0.5)
    )
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    t = np.array([[0], [1], [1], [0]], np.float32)
    printed = c_program(lower(step.graph(x, t)), name="step")
    carry = step.read()
    rate = np.float64(0.5)
    values = [*carry.leaves, *carry.rows, x, t, step.key, np.int64(0), rate, np.float64(0)]
    inputs = [a for a in printed.arguments if not a.is_output]
    arrays = {a.name: np.zeros(a.shape, a.dtype) for a in printed.arguments}
    for argument, value in zip(inputs, values, strict=True):
        arrays[argument.name][...] = value
    assert printed.in_place
    for source, target in printed.in_place:
        arrays[target] = arrays[source]
    function = compiled(printed.text, tmp_path).step
    for _ in range(2000):
        function(*(ctypes.c_void_p(a.ctypes.data) for a in arrays.values()))
    outs = [arrays[a.name] for a in printed.arguments if a.is_output]
    assert outs[0] < 0.01
