"""Networks over sequences in machine code: (batch, time, features) in few, heavy rows."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest
from backends.native.agreement import complaints, many_tiles
from backends.native.bounds import complaint

from glassgrad import nn
from glassgrad.backends.native.call import Executable
from glassgrad.backends.native.llvm import printer
from glassgrad.backends.native.lower.build import lower
from glassgrad.backends.native.module import module_text
from glassgrad.graph.trace import trace
from glassgrad.tensor import parameter

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 16, 12)).astype(np.float32)


def block_loss(model: Any, x: Any) -> Any:
    return (model(x) ** 2).mean()


def block_graph() -> tuple[Any, list[np.ndarray]]:
    """The loss of a block and its gradients, and the arrays that they are taken at."""
    block = nn.TransformerEncoderBlock(12, 3, 20, causal=True, rng=0)
    graph = trace(block_loss, block, X).gradients().transform("exact")
    return graph, [*(p.data for p in block.parameters()), X]


# --- sums over several leading axes ------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("shape", [(12, 64, 40), (3, 500, 7), (1, 1000, 3), (5, 3, 17, 6)])
def test_sums_over_leading_axes(shape: tuple[int, ...], workers: int) -> None:
    axes = tuple(range(len(shape) - 1))
    x = RNG.lognormal(sigma=3, size=shape).astype(np.float32)
    graph = trace(
        lambda x: (x.sum(axis=axes), (x * x).max(axis=axes), x.sum(axis=(0,)), np.exp(-x)), x
    )
    with many_tiles():
        assert complaints(graph, [x], workers) == []


def test_they_are_fused_with_what_makes_their_terms() -> None:
    def normalised(x: Any, g: Any) -> Any:
        n = nn.layer_norm(x)
        return n * g, (n * x).sum(axis=(0, 1)), n.sum(axis=(0, 1))

    graph = trace(normalised, X, X[0, 0]).transform("exact")
    kinds = [part.form for kernel in graph.native_report().kernels for part in kernel.parts]
    assert kinds.count("rows") == 1
    assert "sum" not in kinds, "no sum stands alone"


# --- tiles -------------------------------------------------------------------------------


def test_sequences_are_shared_out_by_samples() -> None:
    x, w = np.ones((12, 64, 128), np.float32), np.ones((128, 512), np.float32)
    program = lower(trace(lambda x, w: np.tanh(x @ w), x, w))
    (kernel,) = (k for k in program.kernels if k.tiles > 1)
    assert kernel.tiles == 6, "two samples each"


def test_a_stack_that_meets_one_matrix_is_one_product() -> None:
    x, w = (RNG.normal(size=s).astype(np.float32) for s in ((4, 50, 60), (60, 70)))
    kernels = trace(np.matmul, x, w).native_report().kernels
    calls = [call for kernel in kernels for part in kernel.parts for call in part.calls]
    assert [(c.m, c.k, c.n, c.times) for c in calls] == [(200, 60, 70, 1)]
    for order in ((0, 1, 2), (1, 0, 2), (0, 2, 1)):
        turned = np.ascontiguousarray(x.transpose(np.argsort(order)))
        graph = trace(lambda x, w, order=order: x.transpose(order) @ w, turned, w)
        (found,) = Executable(graph, 1)(turned, w)
        assert complaint(graph.eqns[-1], [x, w], [np.asarray(found)]) == ""


# --- memory and code ---------------------------------------------------------------------


def test_gradients_of_a_block_equation_by_equation() -> None:
    graph, arrays = block_graph()
    assert complaints(graph, arrays) == []
    with many_tiles():
        assert complaints(graph, arrays) == []


def test_memory_of_a_tile_is_used_again() -> None:
    graph, arrays = block_graph()
    wanted = [np.asarray(x) for x in graph.run(*arrays)]
    executable = Executable(graph, 1)
    regions = [k for k in executable.program.kernels if len(k.parts) > 20]
    assert regions, "all that goes row by row is one region"
    held = executable.program.panel  # behind what tiles hold: room for the packing of products
    values = sum(v.dtype.itemsize * prod(v.shape) for e in graph.eqns for v in e.outputs)
    assert 0 < held < values / 3
    for found, expected in zip(executable(*arrays), wanted, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-6)


def test_parts_as_functions_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, arrays = block_graph()
    results = {}
    for most in (1, 1000):
        monkeypatch.setattr(printer, "MOST_PARTS", most)
        text = module_text(lower(graph))
        assert ("_part1(" in text) == (most == 1)
        results[most] = [np.asarray(x).tobytes() for x in Executable(graph, 2)(*arrays)]
    assert results[1] == results[1000]


def test_layers_that_are_alike_are_compiled_once() -> None:
    def lines(layers: int) -> int:
        model = nn.GPT(11, 16, 16, 2, layers, rng=0)
        ids = np.zeros((8, 16), np.int64)
        graph = trace(lambda m, x, t: nn.cross_entropy(m(x), t), model, ids, ids).gradients()
        return module_text(lower(graph.transform("exact"))).count("\n")

    assert lines(6) < 1.35 * lines(3)


def test_labels_of_sequences_stay_in_the_region() -> None:
    logits, labels = RNG.normal(size=(8, 16, 5)).astype(np.float32), RNG.integers(0, 5, (8, 16))
    graph = trace(nn.cross_entropy, logits, labels).gradients()
    report = graph.transform("exact").native_report()
    assert {kernel.phase for kernel in report.kernels if kernel.tiles} == {0}
    logits_again = parameter(logits)
    nn.cross_entropy(logits_again, labels).backward()
    _, found = Executable(graph.transform("exact"), 1)(logits, labels)
    np.testing.assert_allclose(found, logits_again.grad, atol=1e-8)
