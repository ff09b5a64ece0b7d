"""Drawings of networks: nothing touches, names stay text, what cannot be drawn is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from view.network_geometry import faults
from view.networks import (
    SVG,
    recurrent_graph,
    root_of,
    small_model,
    synapses_in,
    texts_in,
)

from glassgrad import nn
from glassgrad.errors import GraphError, OptionError
from glassgrad.graph.trace import trace
from glassgrad.text import speaking
from glassgrad.view.network import NetworkShape, network_of, network_svg, neuron_svg
from glassgrad.view.network.columns import Options, draw_columns
from glassgrad.view.network.marks import Look
from glassgrad.view.network.unrolled import draw_unrolled

# --- geometry ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("sizes", [(1, 1), (2, 2, 1), (3, 4, 2), (784, 50, 10), (4, 12, 9, 3)])
def test_nothing_touches(sizes: tuple[int, ...], language: str) -> None:
    model = nn.MLP(sizes, activation="tanh", rng=0)
    x = np.random.default_rng(0).normal(size=(1, sizes[0])).astype(np.float32)
    with speaking(language):
        for inputs in (None, x):
            network = network_of(model, inputs)
            for has_biases in (False, True):
                options = Options(has_labels=len(sizes) < 4, has_biases=has_biases)
                assert faults(draw_columns(network, options, Look(2, 1.0))) == []


def test_nothing_touches_in_recurrent_networks() -> None:
    graph, arrays = recurrent_graph()
    for network in (
        network_of(graph, arrays),
        NetworkShape(layers=(3, 5, 5, 2), recurrent=(1, 2), biases=True).network(),
    ):
        options = Options(has_labels=True, has_biases=True)
        assert faults(draw_columns(network, options, Look(2, 1.0))) == []
        for steps in (None, 1, 3, 8):
            assert faults(draw_unrolled(network, Look(2, 1.0), steps)) == []


def test_planted_faults_are_found() -> None:
    sheet = draw_columns(network_of(small_model()), Options(), Look(2, 1.0))
    assert faults(sheet) == []
    sheet.label(sheet.rooms[0].rect.x, sheet.rooms[0].rect.y, "over a neuron", "note")
    sheet.straight((-50.0, -300.0), (-50.0 + 1, 300.0), (), "syn")
    first = sheet.rooms[0].rect
    sheet.straight((first.x + 5, -300.0), (first.x + 6, 300.0), (), "syn")
    found = faults(sheet)
    assert any(f.startswith("label over a neuron overlaps") for f in found)
    assert any("runs through neuron 0 0" in f for f in found)


# --- the document --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", 'a" onload="x', "]]>", "a\nb", "\u202eevil", "\x00\x1b["]
)
def test_hostile_names_stay_text(name: str) -> None:
    arrays = [np.ones((2, 3)), np.ones((1, 2))]
    graph = trace(lambda W, x: np.tanh(x @ W), *arrays)
    picture = network_svg(
        graph, arrays, input_names=[name], output_names=[name] * 3, title=name, parameters=["W"]
    )
    for var in graph.variables():
        var.name = name
    graph.inputs[0].name = "W"
    shape = NetworkShape(layers=(2, 3), names=(name, name), activations=(name,), title=name)
    for each in (picture, network_svg(graph, arrays, parameters=["W"]), network_svg(shape)):
        root = root_of(each)
        tags = {element.tag.removeprefix(SVG) for element in root.iter()}
        assert "script" not in tags
        assert not any(key.startswith("on") for element in root.iter() for key in element.attrib)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e]", each)


def test_accessible_and_alone() -> None:
    picture = network_svg(small_model(), title="A title")
    root = root_of(picture)
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "A title"
    assert root.find(f"{SVG}desc").text == (
        "a network of 3-4-2 neurons, the first of them inputs; "
        "activation functions: Sigmoid, Softmax"
    )
    assert re.findall(r"https?://[^\"' ]+", picture) == ["http://www.w3.org/2000/svg"]
    assert "url(" not in picture


def test_it_speaks_korean() -> None:
    graph, arrays = recurrent_graph()
    with speaking("ko"):
        texts = texts_in(network_svg(graph, arrays))
    assert {"입력층", "은닉층", "출력층", "입력 4개", "뉴런 3개", "음의 가중치"} <= set(texts)
    assert "Whh · 한 단계 뒤로" in texts


# --- refused -------------------------------------------------------------------------------


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(GraphError, match="no layer of neurons"):
        network_svg(trace(lambda x: x * x, 2.0), (2.0,))
    with pytest.raises(OptionError, match="no network that can be drawn"):
        network_svg(object())
    with pytest.raises(OptionError, match="unknown labels 'al'"):
        network_svg(small_model(), labels="al")
    with pytest.raises(OptionError, match="nothing to unroll"):
        network_svg(small_model(), unroll=True)
    with pytest.raises(OptionError, match="names none of the weights"):
        network_svg(small_model(), before={"nothing": np.ones(3)})
    with pytest.raises(OptionError, match="no sizes of layers"):
        network_svg(NetworkShape(layers=(2, 0)))
    with pytest.raises(OptionError, match="no layer 2"):
        network_svg(NetworkShape(layers=(2, 3), recurrent=(2,)))
    with pytest.raises(OptionError, match="no neuron 9"):
        neuron_svg(small_model(), index=9)
    with pytest.raises(OptionError, match="most is 1"):
        network_svg(small_model(), most=1)


def test_layers_that_read_several_layers_are_refused() -> None:
    def wide(W1: Any, W2: Any, x: Any) -> Any:
        return (np.tanh(x @ W1) + x) @ W2

    arrays = [np.ones((2, 2)), np.ones((2, 1)), np.ones((1, 2))]
    with pytest.raises(GraphError, match="reads 2 layers at once"):
        network_svg(trace(wide, *arrays), arrays)


def test_a_residual_is_not_one_sum() -> None:
    body = nn.Residual(nn.Linear(3, 3, rng=1))
    with pytest.raises(GraphError, match="Sequential: a layer reads 2 layers at once"):
        network_svg(nn.Sequential(nn.Linear(3, 3, rng=0), body, nn.Linear(3, 1, rng=2)))


def test_what_needs_a_sample_says_so() -> None:
    model = nn.Sequential(nn.Flatten(2), nn.Linear(6, 2, rng=0))
    with pytest.raises(OptionError, match="without a sample") as caught:
        network_svg(model)
    assert "network_svg(model, x)" in str(caught.value)
    assert network_svg(model, np.ones((1, 3, 2, 3), np.float32)).startswith("<svg")
    with pytest.raises(OptionError, match="empty batch"):
        network_svg(nn.Linear(3, 2, rng=0), np.ones((0, 3), np.float32))


def test_broken_weights_are_drawn() -> None:
    model = nn.Linear(2, 2, rng=0)
    model.W.assign(np.array([[np.nan, 1.0], [np.inf, -2.0]], np.float32))
    picture = network_svg(model, np.ones((1, 2), np.float32))
    texts = texts_in(picture)
    assert "W0,0  NaN" in texts
    assert "W1,0  infinity" in texts
    assert sum(p.get("class") == "syn bad" for p in synapses_in(picture)) == 2


def test_two_heads() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            self.body = nn.Linear(3, 4, rng=0)
            self.policy, self.value = nn.Linear(4, 2, rng=1), nn.Linear(4, 1, rng=2)

        def forward(self, x: Any) -> Any:
            h = np.tanh(self.body(x))
            return self.policy(h), self.value(h)

    network = network_of(Two(), np.ones((1, 3), np.float32))
    assert network.ranks == (0, 1, 2, 2)
    for has_biases in (False, True):
        options = Options(has_biases=has_biases)
        assert faults(draw_columns(network, options, Look(2, 1.0))) == []
