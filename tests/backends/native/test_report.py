"""The native report: golden texts, counts worked out by hand, a reason for every cut.

    GLASSGRAD_UPDATE_GOLDEN=1 pytest tests/backends/native/test_report.py

writes the golden texts anew; they are reviewed as a diff.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import numpy as np
import pytest
from backends.test_source import _require_golden
from random_graphs import Program, programs

import glassgrad as gg
from glassgrad import extend, nn, optim
from glassgrad.backends.native.counting import Call, Shape, work_of
from glassgrad.backends.native.labels import Labels
from glassgrad.backends.native.lower.build import lower
from glassgrad.backends.native.report import NativeReport, ReportedPart
from glassgrad.core.primitive import REGISTRY
from glassgrad.errors import GlassgradError, GraphError, MissingExtraError, OptionError
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.text import speaking

ONES = np.ones


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with speaking("en"):
        yield


def two_layer_net(x: Any, t: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    h = np.maximum(x @ W1 + b1, 0)
    loss = nn.cross_entropy(h @ W2 + b2, t)
    return loss


def two_layer_gradients() -> Graph:
    shapes = (784, 50), (50,), (50, 10), (10,)
    arrays = [ONES(shape, np.float32) for shape in shapes]
    x, t = ONES((100, 784), np.float32), np.zeros(100, np.int64)
    return trace(two_layer_net, x, t, *arrays).gradients(["W1", "b1", "W2", "b2"])


def xor_step() -> tuple[Any, Any, Any]:
    """The step of the issue's `xor`, and its batch."""
    model = nn.Sequential(
        nn.Linear(2, 2, bias=False, rng=0), nn.Sigmoid(),
        nn.Linear(2, 1, bias=False, rng=1), nn.Sigmoid(),
    )  # fmt: skip
    step = gg.train_step(
        lambda model, x, t: ((model(x) - t) ** 2).sum(),
        model,
        optim.SGD(model, 0.5),
        backend="numpy",
    )
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    return step, x, np.array([[0], [1], [1], [0]], np.float32)


def parts_of(report: NativeReport) -> list[ReportedPart]:
    return [part for kernel in report.kernels for part in kernel.parts]


# --- golden texts ------------------------------------------------------------------------


def test_two_layer_net() -> None:
    _require_golden("native.two_layer_net", f"{two_layer_gradients().native_report()}\n")


def test_xor_step() -> None:
    step, x, t = xor_step()
    _require_golden("native.xor_step", f"{step.native_report(x, t)}\n")


def test_xor_step_in_korean() -> None:
    step, x, t = xor_step()
    with speaking("ko"):
        _require_golden("native.xor_step.ko", f"{step.native_report(x, t)}\n")


# --- what it says is so ------------------------------------------------------------------


def test_a_product_is_counted_in_full() -> None:
    x, W = ONES((100, 784), np.float32), ONES((784, 50), np.float32)
    report = trace(lambda x, W: np.maximum(x @ W, 0), x, W).native_report()
    (kernel,) = report.kernels
    product, nest = kernel.parts
    assert (kernel.tiles, kernel.rows) == (2, 50)
    assert (product.form, product.calls) == ("product", (Call(50, 784, 50, 1, "float32", True),))
    assert product.flops == 2 * 100 * 784 * 50
    # Each of the two tiles reads its rows of x and all of W.
    assert product.read == 4 * (100 * 784 + 2 * 784 * 50)
    assert product.written == 4 * 100 * 50
    assert (nest.form, nest.flops, nest.read, nest.written) == ("flat", 5000, 20000, 20000)
    assert report.memory.inputs == x.nbytes + W.nbytes
    assert (report.memory.results, report.memory.constants) == (20000, 0)


def test_a_large_product_is_for_blas() -> None:
    x, W = ONES((3000, 1500), np.float32), ONES((1500, 1500), np.float32)
    (product,) = parts_of(trace(lambda x, W: x @ W.T, x, W).native_report())
    assert (product.form, [call.is_own for call in product.calls]) == ("blas", [False])


def test_tiles_of_unequal_size_are_summed() -> None:
    x, W = ONES((103, 784), np.float32), ONES((784, 50), np.float32)
    (kernel,) = trace(lambda x, W: x @ W, x, W).native_report().kernels
    (product,) = kernel.parts
    assert (kernel.tiles, kernel.rows, product.calls[0].m) == (2, 52, 52)
    assert product.flops == 2 * 103 * 784 * 50
    assert product.written == 4 * 103 * 50


def test_rows_in_stages() -> None:
    (part,) = parts_of(trace(nn.softmax, ONES((5, 40))).native_report())
    assert part.form == "rows"
    assert part.loops == (Shape(5, 0, tuple([Shape(40, 8)] * len(part.loops[0].inner))),)
    # And one row, which one stage writes and the next reads.
    assert part.read == part.written == 5 * 40 * 8 + 40 * 8
    assert "softmax" not in " ".join(part.equations)


def test_long_sums_are_counted_block_by_block() -> None:
    (part, *_) = parts_of(trace(lambda x: x.sum(axis=1), ONES((3, 5000))).native_report())
    # 5000 = 39 · 128 + 8: 16 additions a lane, 16 such blocks at most, three of those
    blocks = Shape(3, 0, (Shape(16, 0, (Shape(128, 8),)),))
    assert part.loops == (Shape(3, 0, (blocks, Shape(8, 8))),)
    assert part.read == 3 * 5000 * 8
    assert 3 * 5000 <= part.flops < 3 * 5050


def test_blocks_of_rows_are_counted_one_by_one() -> None:
    graph = trace(lambda x: np.exp(x).sum(axis=0), ONES((300, 7)))
    (kernel, _) = lower(graph).kernels
    (work,) = work_of(kernel)
    assert work.read >= 300 * 7 * 8
    outer = work.loops[-1]
    assert outer.times == 10, "blocks of 32 rows"
    assert 300 * 7 * 2 <= work.flops <= 300 * 7 * 2 + 10 * 7


def test_a_gather_reads_at_most_the_array() -> None:
    x, index = ONES((1000, 64), np.float32), np.zeros(8, np.int64)
    (part,) = parts_of(trace(lambda x, i: x[i], x, index).native_report())
    assert part.form == "gather"
    assert part.written == 8 * 64 * 4 + 8, "rows, and the word that says a fault"
    assert part.read == 8 * 64 * 4 + 8 * 8


@hypothesis.given(programs())
def test_each_equation_is_somewhere_once(program: Program) -> None:
    graph = trace(program.of(np), *program.arrays()).gradients()
    try:
        lowered = lower(graph)
    except GraphError:
        return
    assert lowered.nodes is not None
    report = graph.native_report()
    labels = Labels(lowered)
    told = [text for part in parts_of(report) for text in part.equations]
    assert sorted(told) == sorted(labels.node(node) for node in lowered.nodes.list)
    starts = {text.split(": ")[0] for text in (*told, *report.views)}
    assert {labels.equation(eqn) for eqn in lowered.nodes.graph.eqns} <= starts
    sizes = [buffer.bytes for buffer in lowered.arguments]
    assert sum(part.written for part in parts_of(report)) >= sum(sizes[lowered.inputs :])
    str(report)


def test_names_are_the_graphs() -> None:
    graph = two_layer_gradients()
    equations = [text for part in parts_of(graph.native_report()) for text in part.equations]
    assert "h = np.maximum(t2, 0)" in equations
    assert "t5.2 = t4 - t5.1" in equations, "inside of log_softmax, whose result is t5"
    assert "    t5: float32[100, 10] = log_softmax t4" in str(graph)


# --- why something is not fused ----------------------------------------------------------

CASES: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...], str]] = {
    "all": (
        lambda x, W: np.tanh(W).T @ np.tanh(x), ((4, 3), (4, 5)),
        "needs all its rows: a barrier",
    ),
    "rows": (
        lambda x: np.exp(np.concatenate([np.exp(x), x])), ((4, 3),),
        "t2 is made in one piece",
    ),
    "tiles": (
        lambda x: np.exp(np.exp(x).sum(axis=0)), ((4, 3),),
        "what the tiles give is put together behind a barrier",
    ),
    "combined": (
        lambda x: np.exp(np.exp(x).sum(axis=0)), ((4, 3),),
        "the tiles' results are put together in memory",
    ),
    "scalar": (
        lambda x: x * np.exp(x).sum(), ((4, 3),),
        "every worker computes t2 = t1.sum(): the tiles' results behind a barrier",
    ),
    "waits": (
        lambda x, W: (x @ W) * np.exp(x).sum(), ((4, 3), (3, 5)),
        "t4 = t1 * t3 waits for another operand, behind a barrier",
    ),
    "stage": (
        lambda x: (e := np.exp(x)) / e.sum(axis=1, keepdims=True), ((4, 3),),
        "a later stage of the row reads it again: t2 = e / t1",
    ),
    "product made": (
        lambda x, W: np.exp(x @ W), ((4, 3), (3, 5)),
        "a product writes it to memory",
    ),
    "product read": (
        lambda x, W: np.exp(x) @ W, ((4, 3), (3, 5)),
        "a product reads it from memory: t2 = t1 @ W",
    ),
    "alone made": (
        lambda x: np.exp(np.cumsum(x, axis=1)), ((4, 3),),
        "cumsum is lowered on its own",
    ),
    "alone read": (
        lambda x: np.cumsum(np.exp(x), axis=1), ((4, 3),),
        "cumsum is lowered on its own",
    ),
    "view": (
        lambda x: (e := np.exp(x)) + e[:, ::-1], ((4, 3),),
        "t2 = e + t1 begins other loops: it reads an operand in another order",
    ),
    "axes": (
        lambda x: (e := np.exp(x)).sum(axis=(1, 2)) + e.sum(axis=2).sum(axis=1), ((4, 3, 2),),
        "t2 = e.sum(axis=2) begins other loops: it reduces other axes",
    ),
    "shape": (
        lambda x, y: np.exp(x) + np.exp(y).sum(axis=1, keepdims=True), ((4, 3), (4, 7)),
        "t2 = np.exp(y) begins other loops: its inner axes differ",
    ),
    "between": (
        lambda x, W: (e := np.exp(x)) + np.tanh(e @ W), ((4, 3), (3, 3)),
        "other work comes between e and t3 = e + t2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("reason", CASES)
def test_reasons(reason: str) -> None:
    function, shapes, because = CASES[reason]
    report = trace(function, *(ONES(shape) for shape in shapes)).native_report()
    found = [item for item in report.through if item.reason == reason]
    item = next(item for item in found if because in item.because)
    assert item.because in str(report)
    names = {f"{k.name}.{i + 1}" for k in report.kernels for i in range(len(k.parts))}
    assert {item.made, *item.read} <= names


def test_nothing_goes_through_memory_where_all_is_fused() -> None:
    report = trace(lambda x, b: np.tanh(x + b) * 2, ONES((4, 3)), ONES(3)).native_report()
    assert report.through == ()
    assert [part.form for part in parts_of(report)] == ["rows"]


@pytest.mark.parametrize(
    ("function", "shapes", "remark"),
    [
        (lambda x: np.exp(x.T.reshape(-1)), ((4, 3),), "no strides say what reshape makes of it"),
        (
            lambda x, y: x[:, ::2] @ y,
            ((64, 128), (64, 64)),
            "BLAS cannot read it as it lies: neither rows nor columns are side by side",
        ),
        (lambda x: x, ((4, 3),), "a result is an array of its own"),
    ],
)
def test_copies(function: Any, shapes: Any, remark: str) -> None:
    report = trace(function, *(ONES(shape) for shape in shapes)).native_report()
    (part,) = (part for part in parts_of(report) if part.remarks)
    assert part.remarks == (remark,)
    assert any("a copy of " in text for text in part.equations)
    assert remark in str(report)


def test_views_are_told() -> None:
    report = trace(lambda x, W: x @ W.T, ONES((4, 3)), ONES((5, 3))).native_report()
    assert report.views == ("t1 = W.T",)


def test_python_is_named() -> None:
    (part, *_) = parts_of(trace(lambda x: np.linalg.inv(x.T), np.eye(3)).native_report())
    assert part.equations == ("a copy of t1",)
    assert part.remarks == ("Python reads only arrays that lie side by side",)
    (part, *_) = parts_of(trace(np.linalg.inv, np.eye(3)).native_report())
    assert (part.form, part.equations) == ("python", ("t1 = np.linalg.inv(a)",))


# --- memory ------------------------------------------------------------------------------


def test_what_is_carried_shares_memory() -> None:
    step, x, t = xor_step()
    graph, carried = step.graph(x, t), step.carried(x, t)
    memory = graph.native_report(tested=0, carried=carried).memory
    assert memory.shares
    assert len(memory.in_place) == len(carried)
    assert all(size in (8, 16) for _, _, size in memory.in_place)
    alone = graph.native_report().memory
    assert not alone.shares
    outputs = [output for _, output, _ in alone.in_place]
    assert len(set(outputs)) == len(outputs)


def test_memory_is_used_again() -> None:
    def chain(x: Any) -> Any:
        for _ in range(6):
            x = np.tanh(x).T @ x
        return x

    memory = trace(chain, ONES((8, 8))).native_report().memory
    assert 0 < memory.arena < memory.values


def test_cost_tells_the_plan() -> None:
    graph = two_layer_gradients()
    cost = graph.cost()
    assert cost.native == graph.native_report().memory
    assert "native code plans " in str(cost)
    assert cost.to_dict()["native"]["arena"] == cost.native.arena


# --- refused -----------------------------------------------------------------------------


@pytest.fixture
def unknown() -> Iterator[Any]:
    """A primitive that nobody has lowered."""
    before = dict(REGISTRY)
    yield extend.Linear(
        name="turned_about",
        operands=("x",),
        text="{x}[::-1]",
        infer=lambda x: x,
        transposes=(lambda ct, x: ct,),
        summary="rows in reverse",
    )
    REGISTRY.clear()
    REGISTRY.update(before)


def test_no_native_form_is_named(unknown: Any) -> None:
    graph = trace(lambda x: unknown(x).sum(), ONES((4, 3)))
    with pytest.raises(GlassgradError, match="turned_about has no native form"):
        graph.native_report()
    assert graph.cost().native is None
    assert "native code" not in str(graph.cost())


@pytest.mark.parametrize("workers", [0, -1, 1.5, True])
def test_workers_are_a_count(workers: Any) -> None:
    with pytest.raises(OptionError, match="workers is"):
        trace(np.exp, ONES(3)).native_report(workers=workers)


def test_without_llvmlite_all_but_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    graph = trace(lambda x: np.exp(x) * 3.25, ONES((4, 3)))
    assert graph.native_report().kernels
    with pytest.raises(MissingExtraError, match="llvmlite"):
        graph.native_report(measure=True)


# --- for programs ------------------------------------------------------------------------


def test_json() -> None:
    report = two_layer_gradients().native_report()
    found = json.loads(report.to_json())
    assert found["kernels"][0]["parts"][0]["form"] == "product"
    assert found["memory"]["arena"] == report.memory.arena
    assert found["through"][0]["reason"] == report.through[0].reason
    assert found["seconds"] is None
