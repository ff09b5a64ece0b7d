"""What stands in one loop nest: every node once, in an order that may run, and why not more."""

from __future__ import annotations

from typing import Any

import numpy as np
from backends.native.wide_programs import Program, programs
from hypothesis import given

from glassgrad.backends.native.lower.expand import expand
from glassgrad.backends.native.lower.items import Item, Nest, is_row_shape, items_of
from glassgrad.backends.native.lower.layout import nodes_of_item
from glassgrad.backends.native.lower.nests import needs_memory
from glassgrad.backends.native.lower.nests.times import times_of
from glassgrad.backends.native.lower.nodes import Nodes, nodes_of
from glassgrad.backends.native.lower.schedule import Region, schedule
from glassgrad.graph.trace import trace

X = np.ones((30, 40))
W = np.ones((40, 20))


def grouped(function: Any, *arrays: Any) -> list[list[Item]]:
    """The items of each region."""
    nodes = nodes_of(expand(trace(function, *arrays).transform("exact")))
    plan = schedule(nodes)
    return [items_of(region.nodes, nodes) for phase in plan.regions for region in phase]


def told(items: list[Item]) -> list[list[str]]:
    """The names of each item's primitives."""
    return [[node.eqn.primitive.name for node in nodes_of_item(item)] for item in items]


# --- what is fused -----------------------------------------------------------------------


def test_a_softmax_is_one_nest() -> None:
    def softmax(x: Any) -> Any:
        powers = np.exp(x - x.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    ((nest,),) = grouped(softmax, X)
    assert isinstance(nest, Nest)
    assert (nest.shape, nest.split) == ((30, 40), 1)
    makers = {out: node for node in nest.nodes for out in node.outputs}
    times = times_of(nest.nodes, makers, 1)
    assert [times[node] for node in nest.nodes] == [1, 3, 3, 3, 5]
    (kept,) = needs_memory(nest)
    assert makers[kept].eqn.primitive.name == "exp", "the difference is quicker computed again"


def test_products_cut_nests_and_what_nobody_awaits_goes_along() -> None:
    def layer(x: Any, w: Any) -> Any:
        bent = np.tanh(x)
        beside = np.exp(bent)
        return np.sqrt(bent @ w + 1.0), beside

    (items,) = grouped(layer, X, W)
    assert told(items) == [["tanh", "exp"], ["matmul"], ["add", "sqrt"]]


def test_other_elements_are_another_nest() -> None:
    def reshaped(x: Any) -> Any:
        return np.exp(np.exp(x).reshape(30, 20, 2))

    ((first, second),) = grouped(reshaped, X)
    assert isinstance(second, Nest)
    assert told([first, second]) == [["exp"], ["exp"]]
    assert second.why in ("shape", "view")


def test_other_reduced_axes_are_another_nest() -> None:
    def twice(x: Any) -> Any:
        return x.sum(axis=2), x.max(axis=(1, 2))

    items = [item for region in grouped(twice, np.ones((3, 4, 5))) for item in region]
    assert [item.split for item in items if isinstance(item, Nest)] == [2, 1]


def test_one_element_a_row() -> None:
    assert is_row_shape((5, 1, 1), 1)
    assert not is_row_shape((5, 2), 1)
    assert is_row_shape((5, 2), 2)
    assert not is_row_shape((), 1)


# --- every program -----------------------------------------------------------------------


def check(region: Region, nodes: Nodes) -> None:
    items = items_of(region.nodes, nodes)
    order = [node for item in items for node in nodes_of_item(item)]
    assert sorted(node.order for node in order) == sorted(node.order for node in region.nodes)
    seen = set()
    for node in order:
        makers = [nodes.makers[root] for root, _, _ in nodes.roots(node) if root in nodes.makers]
        assert all(maker in seen for maker in makers if maker in set(region.nodes))
        seen.add(node)
    for item in items:
        assert isinstance(item, Nest) == item_is_fusable(item)
        if isinstance(item, Nest) and item.shape is not None:
            split = item.split or 1
            shapes = [node.element_shape for node in item.nodes]
            assert all(s == item.shape or is_row_shape(s, split) for s in shapes)


def item_is_fusable(item: Item) -> bool:
    return all(node.is_fusable for node in nodes_of_item(item))


@given(programs())
def test_random_gradients(program: Program) -> None:
    graph = trace(program.loss, *program.arrays(0)).gradients().transform("exact")
    nodes = nodes_of(expand(graph))
    for phase in schedule(nodes).regions:
        for region in phase:
            check(region, nodes)


def test_a_sum_over_rows_alone_is_no_sum_over_rows_and_channels() -> None:
    """A mean of losses (n,) beside the gradient of a bias, summed over (n, c, h, w)."""

    def both(y: Any, x: Any) -> Any:
        return y.sum(), x.sum(axis=(0, 2, 3))

    nodes = nodes_of(expand(trace(both, np.ones(6), np.ones((6, 2, 3, 4))).transform("exact")))
    by_shape = {(node.kind, node.element_shape): node for node in nodes.list}
    total, inner = by_shape["partial", (6,)], by_shape["reduce", (6, 2, 3, 4)]
    for first, second in ((total, inner), (inner, total)):
        nest = Nest()
        assert nest.fits(first, nodes)
        assert not nest.fits(second, nodes)
