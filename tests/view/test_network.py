"""What is read from a graph and drawn of it: every weight a line, every activation a fill."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from view.networks import (
    SVG,
    neurons_in,
    recurrent_graph,
    small_model,
    synapses_in,
    texts_in,
)

from glassgrad import gates, nn
from glassgrad.graph.trace import trace
from glassgrad.view.network import NetworkShape, network_of, network_svg, neuron_svg
from glassgrad.view.network.strands import stroke

# --- what is read --------------------------------------------------------------------------


def test_the_activations_are_those_of_the_model() -> None:
    model, x = small_model(), np.array([[0.5, -1.0, 2.0], [1.0, 1.0, 1.0]], np.float32)
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
    assert network_of(small_model()).layers[2].curve is None  # softmax is no function of one number


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
    graph, arrays = recurrent_graph()
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
    model = small_model()
    lines = synapses_in(network_svg(model, biases=False))
    weights = [float(line.get("data-weight")) for line in lines]
    assert sorted(weights) == sorted([*model[0].W.data.flat, *model[2].W.data.flat])
    assert len(synapses_in(network_svg(model, biases=True))) == 12 + 8 + 4 + 2


def test_width_grows_and_sign_shows() -> None:
    lines = synapses_in(network_svg(small_model()))
    pairs = [(float(p.get("data-weight")), float(p.get("stroke-width"))) for p in lines]
    ordered = sorted(pairs, key=lambda pair: abs(pair[0]))
    assert [width for _, width in ordered] == sorted(width for _, width in pairs)
    assert len({stroke(w, 1.0) for w in np.linspace(0, 1, 50)}) == 50
    for line in lines:
        weight = float(line.get("data-weight"))
        assert line.get("class") == f"syn {'p' if weight > 0 else 'n' if weight < 0 else 'z'}"
    picture = network_svg(small_model())
    assert re.search(r"\.syn\.n\{stroke:var\(--grad\);stroke-dasharray", picture)
    assert re.search(r"\.syn\.p\{stroke:var\(--value\)\}", picture)


def test_neurons_are_filled_by_activation_and_inputs_are_squares() -> None:
    x = np.array([[0.5, -1.0, 2.0]], np.float32)
    picture = network_svg(small_model(), x)
    neurons = neurons_in(picture)
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
    assert len(neurons_in(picture)) == 5 + 5 + 5
    assert len(synapses_in(picture)) == 25 + 25
    assert {"784 inputs", "50 neurons", "10 neurons"} <= set(texts_in(picture))
    assert picture.count('class="dots"') == 3
    shown = [n.get("data-index") for n in neurons_in(picture)][5:10]
    assert shown == ["0", "1", "2", "48", "49"]
    assert len(picture) < 30_000


def test_weights_have_names_and_numbers_where_they_are_few() -> None:
    model = nn.Linear(2, 1, rng=0)
    texts = texts_in(network_svg(model))
    expected = f"W0,0  {model.W.data[0, 0]:.2f}".replace("-", "−")
    assert expected in texts
    assert "b0  0.00" in texts
    assert not any("W0,0" in t for t in texts_in(network_svg(model, labels="none")))
    assert not any(t.startswith("W") for t in texts_in(network_svg(nn.MLP((8, 8, 8), rng=0))))


def test_before_and_after_an_update() -> None:
    model = nn.Linear(2, 1, rng=0)
    old = model.state_dict()
    model.W.assign(np.array([[0.5], [-0.25]], np.float32))
    before = {**old, "W": np.array([[0.4], [-0.125]], np.float32)}
    picture = network_svg(model, before=before)
    texts = texts_in(picture)
    assert "W0,0  0.40 → 0.50" in texts
    assert "+0.10" in texts
    assert "W1,0  −0.13 → −0.25" in texts or "W1,0  −0.12 → −0.25" in texts
    classes = {p.get("data-from"): p.get("class") for p in synapses_in(picture)}
    assert classes["neuron 0 0"] == "syn p"
    assert classes["neuron 0 1"] == "syn n"
    assert "weight increased" in texts
    other = nn.Linear(2, 1, rng=0)
    assert network_svg(model, before=other) == network_svg(model, before=other.state_dict())


def test_small_changes_get_the_decimals_they_need() -> None:
    model = nn.Linear(1, 1, rng=0)
    model.W.assign(np.array([[0.14978]], np.float32))
    texts = texts_in(network_svg(model, before={"W": np.array([[0.15]])}, biases=False))
    assert "W0,0  0.15000 → 0.14978" in texts
    assert "−0.00022" in texts


def test_loops_rolled_and_unrolled() -> None:
    graph, arrays = recurrent_graph()
    rolled = network_svg(graph, arrays)
    assert rolled.count('class="loop"') == 1
    assert any(text.startswith("Whh") for text in texts_in(rolled))
    unrolled = network_svg(graph, arrays, unroll=5)
    assert len(neurons_in(unrolled)) == 5 * 9
    assert [t for t in texts_in(unrolled) if t.startswith("t =")] == [f"t = {t}" for t in range(5)]
    assert texts_in(unrolled).count("Whh") == 4
    shortened = network_svg(graph, arrays, unroll=3)
    assert [t for t in texts_in(shortened) if t.startswith("t =")] == ["t = 0", "t = 1", "t = 4"]
    shape = NetworkShape(layers=(3, 5, 2), recurrent=(1,), activations=("tanh", "softmax"))
    assert network_svg(shape).count('class="loop"') == 1
    assert len([t for t in texts_in(network_svg(shape, unroll=2)) if t.startswith("t =")]) == 2


def test_one_neuron() -> None:
    model, x = small_model(), np.array([[0.5, -1.0, 2.0]], np.float32)
    picture = neuron_svg(model, x, layer=1, index=2)
    assert len(synapses_in(picture)) == 4
    total = float((x @ model[0].W.data + model[0].b.data)[0, 2])
    texts = texts_in(picture)
    assert f"{total:.2f}".replace("-", "−") in texts
    assert f"{1 / (1 + np.exp(-total)):.2f}" in texts
    assert {"Σ", "x0", "w2  " + f"{model[0].W.data[2, 2]:.2f}".replace("-", "−")} <= set(texts)
