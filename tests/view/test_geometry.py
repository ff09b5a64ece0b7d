"""Nothing overlaps and no edge runs under a node: every canon circuit, 200 random graphs."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from random_graphs import Program, programs
from view.canon_circuits import CIRCUITS, graph_of
from view.picture_geometry import faults

from glassgrad import nn
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.nn.losses import cross_entropy
from glassgrad.text import speaking
from glassgrad.view.drawing import Drawing, draw
from glassgrad.view.geometry import GRID, Box, Net, Port, Sink
from glassgrad.view.layout import arrange
from glassgrad.view.record import record
from glassgrad.view.svg import units_of


def _drawing(graph: Graph, arguments: list[Any], level: str, precision: int = 2) -> Drawing:
    found = record(graph, arguments)
    units, is_down = units_of(found, level=level)
    return draw(units, precision, is_down=is_down, has_values=found.has_values)


@pytest.mark.parametrize("level", ["layers", "arrays", "numbers"])
@pytest.mark.parametrize("name", CIRCUITS)
def test_canon(name: str, level: str) -> None:
    graph, arguments = graph_of(name)
    for precision in (2, 7):
        assert faults(_drawing(graph, arguments, level, precision)) == []


@pytest.mark.full
@given(programs(most_steps=14), st.sampled_from(["layers", "arrays", "numbers"]), st.booleans())
def test_random_graphs(program: Program, level: str, is_backward: bool) -> None:
    arrays = program.arrays()
    graph = trace(program.of(np), *arrays)
    graph = graph.gradients() if is_backward else graph
    assert faults(_drawing(graph, arrays, level)) == []


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("level", ["layers", "arrays", "numbers"])
def test_networks(level: str, language: str) -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    arguments = [model, np.ones((2, 4), np.float32), np.array([0, 1])]
    graph = trace(lambda model, x, y: cross_entropy(model(x), y), *arguments)
    with speaking(language):
        for each in (graph, graph.gradients()):
            assert faults(_drawing(each, arguments, level)) == []


def test_every_box_is_on_the_grid() -> None:
    drawing = _drawing(*graph_of("dezero.goldstein_price"), "arrays")
    assert all(across % GRID == 0 for _, across in drawing.layout.centres)


def test_neighbours_keep_their_distance() -> None:
    """Halves of the grid are rounded in one direction: else these two boxes touch."""
    drawing = _drawing(*graph_of("cs231n.vectorized"), "layers")
    W, x = (node.rect for node in drawing.nodes[:2])
    assert abs(W.x + W.width / 2 - x.x - x.width / 2) >= (W.width + x.width) / 2 + 16


def test_operands_enter_in_their_order() -> None:
    drawing = _drawing(*graph_of("cs231n.gate_patterns"), "arrays")
    heights: dict[int, dict[int, float]] = {}
    for wire in drawing.wires:
        ends = [piece for piece in wire.route.pieces if piece.ends]
        for piece in ends:
            target, operand = wire.targets[piece.sinks[0]]
            heights.setdefault(target, {})[operand] = piece.steps[-1][-1][1]
    for ports in heights.values():
        assert [ports[i] for i in sorted(ports)] == sorted(ports.values())


def test_the_same_graph_gives_the_same_picture() -> None:
    graph, arguments = graph_of("mazur.network")
    assert graph.svg(*arguments) == graph.svg(*arguments)


# --- the layout alone ----------------------------------------------------------------------


def _random_net(seed: int, count: int = 150) -> tuple[list[Box], list[Net]]:
    rng = random.Random(seed)
    sinks: dict[int, list[Sink]] = {i: [] for i in range(count)}
    boxes = []
    for i in range(count):
        operands = 0 if i < count // 5 else rng.randint(1, 3)
        for j in range(operands):
            sinks[max(0, i - 1 - int(rng.expovariate(1 / 12)))].append(Sink(i, j, 48.0))
        ports = tuple(Port((j - (operands - 1) / 2) * 32) for j in range(operands))
        boxes.append(Box(48, 48.0 + 32 * max(0, operands - 2), ports))
    return boxes, [Net(i, 0, tuple(ends), 40, 20, 22) for i, ends in sinks.items()]


@pytest.mark.parametrize("seed", range(10))
def test_random_layouts(seed: int) -> None:
    boxes, nets = _random_net(seed)
    layout = arrange(boxes, nets)
    rects = [
        (along, along + box.length, across - box.breadth / 2, across + box.breadth / 2)
        for box, (along, across) in zip(boxes, layout.centres, strict=True)
    ]
    for i, a in enumerate(rects):
        for b in rects[:i]:
            assert a[1] <= b[0] or b[1] <= a[0] or a[3] + 8 <= b[2] or b[3] + 8 <= a[2]
    for net in nets:
        assert all(layout.ranks[net.box] < layout.ranks[sink.box] for sink in net.sinks)


def test_chains_and_long_edges_are_straight() -> None:
    drawing = _drawing(*graph_of("cs231n.sigmoid_circuit"), "arrays")
    names = [node.unit.label for node in drawing.nodes]
    wires = {drawing.wires[i].value.key: drawing.wires[i] for i in range(len(drawing.wires))}
    assert len(names) == 14
    for key in ("score", "negated", "power", "denominator", "f"):
        (piece,) = wires[key].route.pieces
        assert {point[1] for step in piece.steps for point in step} == {piece.start[1]}


def test_trees_have_no_crossings() -> None:
    from glassgrad.view.order import crossings, items_of, reduce_crossings
    from glassgrad.view.ranks import rank_boxes

    leaf, operation = Box(48, 32), Box(48, 48, (Port(-16), Port(16)))
    boxes = [leaf] * 8 + [operation] * 7
    pairs = [(8 + i // 2, i % 2) for i in range(14)]
    nets = [Net(i, 0, (Sink(target, port),)) for i, (target, port) in enumerate(pairs)]
    columns, _ = items_of(boxes, nets, rank_boxes(boxes, nets))
    reduce_crossings(columns)
    assert crossings(columns) == 0


# --- the tester tested ---------------------------------------------------------------------


def test_planted_faults_are_found() -> None:
    drawing = _drawing(*graph_of("cs231n.sigmoid_circuit"), "arrays")
    moved = replace(drawing.nodes[0], y=drawing.nodes[1].y)
    drawing.nodes[0] = moved
    assert "node 0 overlaps node 1" in faults(drawing)
    (under,) = {point for piece in drawing.wires[4].route.pieces for point in piece.steps[0][:1]}
    drawing.nodes[0] = replace(moved, x=under[0] - 100, y=under[1])
    assert "edge 4 runs through node 0" in faults(drawing)
    drawing.nodes[0] = replace(moved, x=-100)
    assert "node 0 leaves the page" in faults(drawing)
