"""Drawings of networks: every shown weight a line, nothing touches, structure from the graph."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from view.network_geometry import faults

from glassgrad import gates, nn
from glassgrad.autodiff.functions import scan
from glassgrad.errors import GraphError, OptionError
from glassgrad.graph.trace import trace
from glassgrad.text import speaking
from glassgrad.view.network import NetworkShape, network_of, network_svg, neuron_svg
from glassgrad.view.network.columns import Options, draw_columns
from glassgrad.view.network.marks import Look
from glassgrad.view.network.strands import stroke
from glassgrad.view.network.unrolled import draw_unrolled

SVG = "{http://www.w3.org/2000/svg}"


def _root(picture: str) -> Any:
    return ET.fromstring(picture)


def _synapses(picture: str) -> list[Any]:
    return [p for p in _root(picture).iter(f"{SVG}path") if p.get("data-from")]


def _neurons(picture: str) -> list[Any]:
    groups = _root(picture).iter(f"{SVG}g")
    return [g for g in groups if "neuron" in (g.get("class") or "").split()]


def _texts(picture: str) -> list[str]:
    return ["".join(t.itertext()) for t in _root(picture).iter(f"{SVG}text")]


def _small() -> Any:
    return nn.Sequential(nn.Linear(3, 4, rng=0), nn.Sigmoid(), nn.Linear(4, 2, rng=1), nn.Softmax())


def _recurrent() -> tuple[Any, list[Any]]:
    def rnn(Wxh: Any, Whh: Any, bh: Any, Why: Any, by: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            h = np.tanh(x @ Wxh + h @ Whh + bh)
            return h, h

        _, hs = scan(step, np.zeros(3), xs)
        return hs @ Why + by

    rng = np.random.default_rng(0)
    shapes = ((4, 3), (3, 3), (3,), (3, 2), (2,), (5, 4))
    arrays = [rng.normal(size=shape) for shape in shapes]
    return trace(rnn, *arrays), arrays


# --- what is read --------------------------------------------------------------------------


def test_the_activations_are_those_of_the_model() -> None:
    model, x = _small(), np.array([[0.5, -1.0, 2.0], [1.0, 1.0, 1.0]], np.float32)
    network = network_of(model, x, row=1)
    hidden = model[1](model[0](x)).data
    assert [layer.size for layer in network.layers] == [3, 4, 2]
    assert [layer.activation for layer in network.layers] == ["", "Sigmoid", "Softmax"]
    np.testing.assert_allclose(network.layers[0].outputs[0], x[1])
    np.testing.assert_allclose(network.layers[1].outputs[0], hidden[1])
    np.testing.assert_allclose(network.layers[1].sums[0], model[0](x).data[1])
    np.testing.assert_allclose(network.layers[2].outputs[0], model(x).data[1], rtol=1e-6)
    np.testing.assert_array_equal(network.synapses[1].weights, model[2].W.data)
    assert network.synapses[1].name == "layers.2.W"
    assert model.training


def test_the_curve_is_the_function_that_runs() -> None:
    network = network_of(nn.Sequential(nn.Linear(2, 3), nn.LeakyReLU(0.25), nn.Linear(3, 1)))
    curve = network.layers[1].curve
    assert curve is not None
    np.testing.assert_allclose(curve[[0, 40, -1]], [-1.0, 0.0, 4.0])
    assert network_of(_small()).layers[2].curve is None  # softmax is no function of one number


def test_weights_to_the_left_of_columns() -> None:
    W = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    graph = trace(lambda W, x: np.tanh(W @ x), W, np.ones(3))
    network = network_of(graph, (W, np.ones(3)))
    assert [layer.size for layer in network.layers] == [3, 2]
    np.testing.assert_array_equal(network.synapses[0].weights, W.T)
    np.testing.assert_allclose(network.layers[1].outputs[0], np.tanh(W.sum(axis=1)))


def test_a_loss_is_no_layer() -> None:
    def loss(W1: Any, W2: Any, x: Any, t: Any) -> Any:
        o = gates.sigmoid(gates.sigmoid(x @ W1) @ W2)
        return 0.5 * ((o - t) ** 2).sum()

    arrays = [np.ones((2, 3)), np.ones((3, 1)), np.ones((4, 2)), np.ones((4, 1))]
    network = network_of(trace(loss, *arrays), arrays)
    assert [(layer.size, layer.activation) for layer in network.layers] == [
        (2, ""),
        (3, "sigmoid"),
        (1, "sigmoid"),
    ]


def test_the_books_layers() -> None:
    class Net:
        def __init__(self) -> None:
            rng = np.random.default_rng(0)
            self.params = {"W1": rng.normal(size=(4, 3)), "b1": np.zeros(3)}
            self.params |= {"W2": rng.normal(size=(3, 2)), "b2": np.ones(2)}
            p = self.params
            self.layers = {
                "Affine1": gates.Affine(p["W1"], p["b1"]),
                "Relu1": gates.Relu(),
                "Affine2": gates.Affine(p["W2"], p["b2"]),
            }

    net, x = Net(), np.array([[1.0, -1.0, 2.0, 0.5]])
    hidden = np.maximum(x @ net.params["W1"], 0)
    network = network_of(net, x, before=net.params)
    assert [s.name for s in network.synapses] == ["W1", "W2"]
    np.testing.assert_allclose(network.layers[1].outputs[0], hidden[0])
    np.testing.assert_allclose(network.layers[2].outputs[0], (hidden @ net.params["W2"] + 1)[0])
    assert not hasattr(net.layers["Relu1"], "dx") or net.layers["Relu1"].dx is None


def test_what_feeds_back_is_found() -> None:
    graph, arrays = _recurrent()
    network = network_of(graph, arrays)
    assert [layer.size for layer in network.layers] == [4, 3, 2]
    assert [(s.name, s.source, s.target) for s in network.feedback] == [("Whh", 1, 1)]
    Wxh, Whh, bh, Why, by, xs = arrays
    h = np.zeros(3)
    for t, x in enumerate(xs):
        h = np.tanh(x @ Wxh + h @ Whh + bh)
        np.testing.assert_allclose(network.layers[0].outputs[t], x)
        np.testing.assert_allclose(network.layers[1].outputs[t], h)
        np.testing.assert_allclose(network.layers[2].outputs[t], h @ Why + by)


def test_a_loop_in_python_feeds_back_too() -> None:
    def rnn(Wxh: Any, Whh: Any, xs: Any) -> Any:
        h = np.zeros(3)
        for t in range(4):
            h = np.tanh(xs[t] @ Wxh + h @ Whh)
        return h

    arrays = [np.ones((2, 3)), np.eye(3), np.ones((4, 2))]
    network = network_of(trace(rnn, *arrays), arrays)
    assert [layer.size for layer in network.layers] == [2, 3]
    assert [s.is_feedback for s in network.synapses] == [False, True]
    assert len(network.layers[1].outputs) == 4


# --- what is drawn -------------------------------------------------------------------------


def test_a_line_for_each_weight() -> None:
    model = _small()
    lines = _synapses(network_svg(model, biases=False))
    weights = [float(line.get("data-weight")) for line in lines]
    assert sorted(weights) == sorted([*model[0].W.data.flat, *model[2].W.data.flat])
    assert len(_synapses(network_svg(model, biases=True))) == 12 + 8 + 4 + 2


def test_width_grows_and_sign_shows() -> None:
    lines = _synapses(network_svg(_small()))
    pairs = [(float(p.get("data-weight")), float(p.get("stroke-width"))) for p in lines]
    ordered = sorted(pairs, key=lambda pair: abs(pair[0]))
    assert [width for _, width in ordered] == sorted(width for _, width in pairs)
    assert len({stroke(w, 1.0) for w in np.linspace(0, 1, 50)}) == 50
    for line in lines:
        weight = float(line.get("data-weight"))
        assert line.get("class") == f"syn {'p' if weight > 0 else 'n' if weight < 0 else 'z'}"
    picture = network_svg(_small())
    assert re.search(r"\.syn\.n\{stroke:var\(--grad\);stroke-dasharray", picture)
    assert re.search(r"\.syn\.p\{stroke:var\(--value\)\}", picture)


def test_neurons_are_filled_by_activation_and_inputs_are_squares() -> None:
    x = np.array([[0.5, -1.0, 2.0]], np.float32)
    picture = network_svg(_small(), x)
    neurons = _neurons(picture)
    inputs = [n for n in neurons if "input" in n.get("class").split()]
    assert len(neurons) == 9
    assert len(inputs) == 3
    assert all(n.find(f"{SVG}circle") is None for n in inputs)
    fills = [
        (float(n.get("data-value")), float(n.findall(f"{SVG}circle")[1].get("fill-opacity")))
        for n in neurons
        if n not in inputs
    ]
    for layer in (fills[:4], fills[4:]):
        assert [f for _, f in sorted(layer)] == sorted(f for _, f in layer)


def test_long_layers_are_folded() -> None:
    picture = network_svg(nn.MLP((784, 50, 10), rng=0), most=6)
    assert len(_neurons(picture)) == 5 + 5 + 5
    assert len(_synapses(picture)) == 25 + 25
    assert {"784 inputs", "50 neurons", "10 neurons"} <= set(_texts(picture))
    assert picture.count('class="dots"') == 3
    shown = [n.get("data-index") for n in _neurons(picture)][5:10]
    assert shown == ["0", "1", "2", "48", "49"]
    assert len(picture) < 30_000


def test_weights_have_names_and_numbers_where_they_are_few() -> None:
    model = nn.Linear(2, 1, rng=0)
    texts = _texts(network_svg(model))
    expected = f"W0,0  {model.W.data[0, 0]:.2f}".replace("-", "−")
    assert expected in texts
    assert "b0  0.00" in texts
    assert not any("W0,0" in t for t in _texts(network_svg(model, labels="none")))
    assert not any(t.startswith("W") for t in _texts(network_svg(nn.MLP((8, 8, 8), rng=0))))


def test_before_and_after_an_update() -> None:
    model = nn.Linear(2, 1, rng=0)
    old = model.state_dict()
    model.W.assign(np.array([[0.5], [-0.25]], np.float32))
    before = {**old, "W": np.array([[0.4], [-0.125]], np.float32)}
    picture = network_svg(model, before=before)
    texts = _texts(picture)
    assert "W0,0  0.40 → 0.50" in texts
    assert "+0.10" in texts
    assert "W1,0  −0.13 → −0.25" in texts or "W1,0  −0.12 → −0.25" in texts
    classes = {p.get("data-from"): p.get("class") for p in _synapses(picture)}
    assert classes["neuron 0 0"] == "syn p"
    assert classes["neuron 0 1"] == "syn n"
    assert "weight increased" in texts
    other = nn.Linear(2, 1, rng=0)
    assert network_svg(model, before=other) == network_svg(model, before=other.state_dict())


def test_small_changes_get_the_decimals_they_need() -> None:
    model = nn.Linear(1, 1, rng=0)
    model.W.assign(np.array([[0.14978]], np.float32))
    texts = _texts(network_svg(model, before={"W": np.array([[0.15]])}, biases=False))
    assert "W0,0  0.15000 → 0.14978" in texts
    assert "−0.00022" in texts


def test_loops_rolled_and_unrolled() -> None:
    graph, arrays = _recurrent()
    rolled = network_svg(graph, arrays)
    assert rolled.count('class="loop"') == 1
    assert any(text.startswith("Whh") for text in _texts(rolled))
    unrolled = network_svg(graph, arrays, unroll=5)
    assert len(_neurons(unrolled)) == 5 * 9
    assert [t for t in _texts(unrolled) if t.startswith("t =")] == [f"t = {t}" for t in range(5)]
    assert _texts(unrolled).count("Whh") == 4
    shortened = network_svg(graph, arrays, unroll=3)
    assert [t for t in _texts(shortened) if t.startswith("t =")] == ["t = 0", "t = 1", "t = 4"]
    shape = NetworkShape(layers=(3, 5, 2), recurrent=(1,), activations=("tanh", "softmax"))
    assert network_svg(shape).count('class="loop"') == 1
    assert len([t for t in _texts(network_svg(shape, unroll=2)) if t.startswith("t =")]) == 2


def test_one_neuron() -> None:
    model, x = _small(), np.array([[0.5, -1.0, 2.0]], np.float32)
    picture = neuron_svg(model, x, layer=1, index=2)
    assert len(_synapses(picture)) == 4
    total = float((x @ model[0].W.data + model[0].b.data)[0, 2])
    texts = _texts(picture)
    assert f"{total:.2f}".replace("-", "−") in texts
    assert f"{1 / (1 + np.exp(-total)):.2f}" in texts
    assert {"Σ", "x0", "w2  " + f"{model[0].W.data[2, 2]:.2f}".replace("-", "−")} <= set(texts)


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
    graph, arrays = _recurrent()
    for network in (
        network_of(graph, arrays),
        NetworkShape(layers=(3, 5, 5, 2), recurrent=(1, 2), biases=True).network(),
    ):
        options = Options(has_labels=True, has_biases=True)
        assert faults(draw_columns(network, options, Look(2, 1.0))) == []
        for steps in (None, 1, 3, 8):
            assert faults(draw_unrolled(network, Look(2, 1.0), steps)) == []


def test_planted_faults_are_found() -> None:
    sheet = draw_columns(network_of(_small()), Options(), Look(2, 1.0))
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
        root = _root(each)
        tags = {element.tag.removeprefix(SVG) for element in root.iter()}
        assert "script" not in tags
        assert not any(key.startswith("on") for element in root.iter() for key in element.attrib)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e]", each)


def test_accessible_and_alone() -> None:
    picture = network_svg(_small(), title="A title")
    root = _root(picture)
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "A title"
    assert root.find(f"{SVG}desc").text == (
        "a network of 3-4-2 neurons, the first of them inputs; "
        "activation functions: Sigmoid, Softmax"
    )
    assert re.findall(r"https?://[^\"' ]+", picture) == ["http://www.w3.org/2000/svg"]
    assert "url(" not in picture


def test_it_speaks_korean() -> None:
    graph, arrays = _recurrent()
    with speaking("ko"):
        texts = _texts(network_svg(graph, arrays))
    assert {"입력층", "은닉층", "출력층", "입력 4개", "뉴런 3개", "음의 가중치"} <= set(texts)
    assert "Whh · 한 단계 뒤로" in texts


# --- refused -------------------------------------------------------------------------------


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(GraphError, match="no layer of neurons"):
        network_svg(trace(lambda x: x * x, 2.0), (2.0,))
    with pytest.raises(OptionError, match="no network that can be drawn"):
        network_svg(object())
    with pytest.raises(OptionError, match="unknown labels 'al'"):
        network_svg(_small(), labels="al")
    with pytest.raises(OptionError, match="nothing to unroll"):
        network_svg(_small(), unroll=True)
    with pytest.raises(OptionError, match="names none of the weights"):
        network_svg(_small(), before={"nothing": np.ones(3)})
    with pytest.raises(OptionError, match="no sizes of layers"):
        network_svg(NetworkShape(layers=(2, 0)))
    with pytest.raises(OptionError, match="no layer 2"):
        network_svg(NetworkShape(layers=(2, 3), recurrent=(2,)))
    with pytest.raises(OptionError, match="no neuron 9"):
        neuron_svg(_small(), index=9)
    with pytest.raises(OptionError, match="most is 1"):
        network_svg(_small(), most=1)


def test_layers_that_read_several_layers_are_refused() -> None:
    def wide(W1: Any, W2: Any, x: Any) -> Any:
        return (np.tanh(x @ W1) + x) @ W2

    arrays = [np.ones((2, 2)), np.ones((2, 1)), np.ones((1, 2))]
    with pytest.raises(GraphError, match="reads 2 layers at once"):
        network_svg(trace(wide, *arrays), arrays)
