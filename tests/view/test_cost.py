"""Costs: counts against counting by hand, what is kept against what the backward pass reads."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from view.canon_circuits import CIRCUITS, graph_of

import glassgrad as gg
from glassgrad import nn
from glassgrad.core.primitive import REGISTRY
from glassgrad.errors import OptionError
from glassgrad.graph.trace import trace
from glassgrad.text import byte_size, speaking
from glassgrad.view.cost import Cost
from glassgrad.view.operations import _KERNELS


def _two_layers(x: Any, W1: Any, b1: Any, W2: Any, t: Any) -> Any:
    z1 = x @ W1 + b1
    h1 = np.tanh(z1)
    scores = h1 @ W2
    return ((scores - t) ** 2).mean()


ARGUMENTS = [np.ones(shape) for shape in [(4, 3), (3, 5), (5,), (5, 2), (4, 2)]]


def _cost(**options: Any) -> Cost:
    found: Cost = trace(_two_layers, *ARGUMENTS).cost(**options)
    return found


def _line(cost: Cost, name: str) -> Any:
    return next(line for line in cost.lines if line.name == name)


# --- operations --------------------------------------------------------------------------


def test_a_product_of_matrices() -> None:
    assert _line(_cost(), "scores").operations == 2 * 4 * 5 * 2
    assert _line(_cost(), "dW2").operations == 2 * 5 * 4 * 2


def test_elementwise_counts_the_functions_of_the_formula() -> None:
    assert _line(_cost(), "h1").operations == 4 * 5  # tanh is one
    swish = trace(lambda x: (x / (1 + np.exp(-x))).sum(), np.ones(10)).cost()
    forward = [line.operations for line in swish.lines if line.phase == "forward"]
    assert forward == [10, 10, 10, 10, 9]


def test_an_inner_product_over_labels() -> None:
    graph = trace(
        lambda x, y: np.einsum("bij,bjk->bik", x, y), np.ones((2, 3, 4)), np.ones((2, 4, 5))
    )
    assert graph.cost().total.all_operations == 2 * 2 * 3 * 4 * 5


def test_a_convolution_and_its_transposes_count_alike() -> None:
    """2 n out o (c / groups) k for each of the three; a pool looks at each element of a window."""
    x, w = np.ones((2, 4, 9, 9)), np.ones((6, 2, 3, 3))

    def loss(x: Any, w: Any) -> Any:
        return nn.max_pool(nn.convolution(x, w, groups=2), (2, 3)).sum()

    lines = {line.primitive: line.operations for line in trace(loss, x, w).cost().lines}
    once = 2 * 2 * (7 * 7) * 6 * 2 * (3 * 3)
    names = ("convolution", "convolution_input", "convolution_weight")
    assert [lines[name] for name in names] == [once] * 3
    assert lines["max_pool"] == lines["max_pool_input"] == 2 * 6 * (3 * 2) * 6
    mean = trace(lambda x: nn.average_pool(x, 3), x).cost()
    assert mean.total.all_operations == 2 * 4 * (3 * 3) * 9


@pytest.mark.parametrize("pool", [nn.max_pool, nn.average_pool])
def test_windows_that_lie_over_one_another_are_counted_all(pool: Any) -> None:
    """Here 5 × 5 windows look at 4 × 4 elements."""
    graph = trace(lambda x: pool(x, 2, stride=1, padding=1).sum(), np.ones((1, 1, 4, 4)))
    counts = {line.primitive: line.operations for line in graph.cost().lines}
    pools = [count for name, count in counts.items() if "pool" in name]
    assert pools == [5 * 5 * 2 * 2] * 2


def test_a_loop_counts_its_steps() -> None:
    def summed(x: Any) -> Any:
        last, _ = gg.scan(lambda c, row: (c + 2 * row, c), np.zeros(3), x)
        return last

    graph = trace(summed, np.ones((7, 3)))
    assert graph.cost().total.all_operations == 7 * (3 + 3)


def test_moving_numbers_costs_nothing() -> None:
    graph = trace(lambda x: np.reshape(x, (6,))[::2], np.ones((2, 3)))
    assert graph.cost().total.all_operations == 0


def test_every_kernel_of_the_table_is_a_primitive() -> None:
    assert _KERNELS.keys() <= REGISTRY.keys()


@pytest.mark.parametrize("name", CIRCUITS)
def test_every_worked_example_has_a_cost(name: str) -> None:
    graph, arguments = graph_of(name)
    cost = graph.cost(*arguments, repeats=1)
    assert str(cost)
    assert all(bool(line.kept) == bool(line.because) for line in cost.lines)
    assert sum(layer.kept for layer in cost.layers) == cost.total.kept


# --- what is kept ------------------------------------------------------------------------


def test_kept_are_the_values_that_a_derivative_reads() -> None:
    kept = {line.name: (line.kept, line.because) for line in _cost().lines if line.kept}
    assert kept == {
        "z1": (4 * 5 * 8, ("∂h1/∂z1",)),
        "h1": (4 * 5 * 8, ("∂scores/∂W2",)),
        "t2": (4 * 2 * 8, ("∂t3/∂t2",)),
    }


def test_parameters_and_data_are_there_anyway() -> None:
    held = {item.name: item.because for item in _cost().held}
    assert held["W2"] == ("∂scores/∂h1",)
    assert held["x"] == ("∂t1/∂W1",)
    assert "b1" not in held  # no derivative of a sum reads its operands


def test_a_sum_keeps_nothing() -> None:
    cost = trace(lambda x, y: (x + y).sum(), np.ones(3), np.ones(3)).cost()
    assert cost.total.kept == 0


def test_a_view_is_kept_once() -> None:
    def f(x: Any) -> Any:
        h = np.exp(x)
        rows = h.reshape(3, 2)
        return (rows * rows).sum() + (h * h).sum()

    cost = trace(f, np.ones(6)).cost()
    assert cost.total.kept == 6 * 8
    assert _line(cost, "rows").bytes == 0


def test_only_wanted_gradients_are_counted() -> None:
    fewer = _cost(wrt="W2")
    assert fewer.total.all_operations < _cost().total.all_operations
    assert [line.name for line in fewer.lines if line.kept] == ["h1", "t2"]


def test_a_relu_is_kept_because_of_its_mask() -> None:
    cost = trace(lambda x, W: nn.relu(x @ W).sum(), np.ones((2, 3)), np.ones((3, 4))).cost()
    ((line),) = [line for line in cost.lines if line.kept]
    assert line.because == (f"∂t2/∂{line.name}",)


def test_a_graph_of_many_numbers_is_a_forward_pass() -> None:
    cost = trace(np.tanh, np.ones(3)).cost()
    assert {line.phase for line in cost.lines} == {"forward"}


def test_an_update_is_told_apart() -> None:
    model = nn.Linear(3, 2)
    step = gg.train_step(lambda m, x, y: ((m(x) - y) ** 2).mean(), model, gg.optim.SGD(model, 0.1))
    x, y = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
    total = step.graph(x, y).cost().total
    assert set(total.operations) == {"forward", "backward", "update"}
    assert total.operations["update"] >= 2 * (3 * 2 + 2)  # lr · dW, and W − that


# --- time --------------------------------------------------------------------------------


def test_times_only_where_something_was_run() -> None:
    assert _cost().total.seconds is None
    measured = trace(_two_layers, *ARGUMENTS).cost(*ARGUMENTS, repeats=3)
    assert all(line.seconds is not None and line.seconds >= 0 for line in measured.lines)
    assert "µs" in str(measured)


@pytest.mark.parametrize("repeats", [0, -1, 1.5, True])
def test_runs_are_counted(repeats: Any) -> None:
    with pytest.raises(OptionError, match="repeats"):
        _cost(repeats=repeats)


def test_an_unknown_input() -> None:
    with pytest.raises(OptionError, match="W1"):
        _cost(wrt="W11")


# --- printed -----------------------------------------------------------------------------


def test_the_table() -> None:
    text = str(_cost())
    head = text.splitlines()[0].split()
    assert head == ["equation", "operations", "result", "kept", "because", "of"]
    assert "h1 = np.tanh(z1)" in text
    assert "∂scores/∂W2" in text
    assert "total" in text


def test_the_table_in_korean() -> None:
    with speaking("ko"):
        text = str(_cost())
    assert text.splitlines()[0].split()[:3] == ["식", "연산", "결과"]


def test_the_dearest_lines_keep_their_order() -> None:
    text = _cost().table(most=3)
    assert f"and {len(_cost().lines) - 3} equations that cost less" in text
    names = [line.split()[0] for line in text.splitlines()[1:4]]
    order = [line.name for line in _cost().lines]
    assert sorted(names, key=order.index) == names


def test_data_for_programs() -> None:
    data = json.loads(json.dumps(_cost().to_dict()))
    assert data["total"]["kept"] == sum(line["kept"] for line in data["lines"])
    assert sum(layer["kept"] for layer in data["layers"]) == data["total"]["kept"]


def test_names_stay_text_on_a_page() -> None:
    graph = trace(lambda x: np.exp(x).sum(), np.ones(3))
    graph.inputs[0].name = "<script>"
    html = graph.cost().html()
    assert "<script>" not in html
    assert len(list(ET.fromstring(f"<div>{html}</div>").iter("table"))) == 2


def test_bytes_for_people() -> None:
    assert [byte_size(n) for n in (0, 1, 1023, 1024, 1536, 10**6, 2**30)] == [
        "", "1 B", "1023 B", "1 KiB", "1.5 KiB", "977 KiB", "1 GiB",
    ]  # fmt: skip


def test_layers_of_one_name_in_two_blocks_are_two_layers() -> None:
    model = nn.GPT(7, 6, 8, 2, 2, rng=0)
    ids = np.zeros((2, 6), int)
    cost = trace(lambda model, x, y: nn.cross_entropy(model(x), y), model, ids, ids).cost()
    names = [total.layer for total in cost.layers]
    assert "blocks.0.attention.query" in names
    assert "blocks.1.attention.query" in names
    assert len(names) == len(set(names))
