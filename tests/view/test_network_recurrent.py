"""Drawings of recurrent layers: what is read from them, rolled, unrolled, in both directions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from view.network_geometry import faults
from view.networks import neurons_in, texts_in

import glassgrad as gg
from glassgrad import nn
from glassgrad.errors import OptionError
from glassgrad.view.network import network_of, network_svg
from glassgrad.view.network.columns import Options, draw_columns
from glassgrad.view.network.marks import Look
from glassgrad.view.network.unrolled import draw_unrolled

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 4, 3)).astype(np.float32)
LAYERS = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
OPTIONS: list[dict[str, Any]] = [
    {},
    {"output": "last"},
    {"num_layers": 2},
    {"bidirectional": True},
    {"bidirectional": True, "num_layers": 2},
]


def model_of(kind: str, **options: Any) -> Any:
    layer = LAYERS[kind](3, 4, rng=0, **options)
    return nn.Sequential(layer, nn.Linear(layer.width, 2, rng=1))


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_what_is_drawn_is_what_runs(kind: str, options: dict[str, Any]) -> None:
    model = model_of(kind, **options)
    network = network_of(model, X, row=1)
    recurrent = [i for i, layer in enumerate(network.layers[:-1]) if i]
    assert [s.source for s in network.feedback] == recurrent
    assert [s.is_reverse for s in network.feedback] == [
        bool(options.get("bidirectional")) and i % 2 == 0 for i in recurrent
    ]
    assert len(recurrent) == model[0].rows
    np.testing.assert_array_equal(network.layers[0].outputs, X[1])
    whole = LAYERS[kind](3, 4, rng=0, **{**options, "output": "all"})
    states = whole(X).data[1]
    top = [network.layers[i].outputs for i in recurrent[-1 - whole.bidirectional :]]
    np.testing.assert_allclose(np.concatenate(top, axis=-1), states, rtol=1e-5, atol=1e-6)
    expected = model(X).data[1]
    np.testing.assert_allclose(
        network.layers[-1].outputs, np.atleast_2d(expected), rtol=1e-5, atol=1e-6
    )
    assert network.layers[1].activation == ("tanh" if kind == "RNN" else kind)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_nothing_touches(options: dict[str, Any]) -> None:
    kind = "RNN" if options in OPTIONS[:4:3] else "LSTM"
    network = network_of(model_of(kind, **options), X)
    assert faults(draw_columns(network, Options(), Look(2, 1.0))) == []
    gradients = [np.linspace(0.1, 1, 4) for _ in network.feedback]
    for steps in (None, 3):
        assert faults(draw_unrolled(network, Look(2, 1.0), steps, gradients)) == []


def test_rolled_and_unrolled() -> None:
    model = nn.Sequential(nn.Embedding(9, 3, rng=0), nn.LSTM(3, 4, rng=0), nn.Linear(4, 9, rng=1))
    assert "LSTM" in texts_in(network_svg(model))
    assert "one step later" in " ".join(texts_in(network_svg(model)))
    ids = np.array([[1, 2, 3]])
    assert len(neurons_in(network_svg(model, ids, unroll=3, most=4))) == 3 * (3 + 4 + 3)
    network = network_of(model, ids)
    assert network.layers[0].name == "Embedding"
    np.testing.assert_array_equal(network.layers[0].outputs, model[0].W.data[[1, 2, 3]])


def test_gradients_beside_the_steps() -> None:
    model = model_of("RNN")
    found = nn.step_gradients(model, lambda m, x: m(x).sum(), X)
    norms = np.sqrt((found["layers.0"][0].astype(np.float64) ** 2).sum(axis=(1, 2)))
    shown = texts_in(network_svg(model, X, unroll=True, gradients=found))
    assert [t for t in shown if "dh" in t] == [f"‖dh‖ {norm:.2f}" for norm in norms]


def test_gradients_of_other_steps_or_layers_are_refused() -> None:
    model = model_of("RNN")
    found = nn.step_gradients(model, lambda m, x: m(x).sum(), X)
    with pytest.raises(OptionError, match="gradients of 4 steps for 1 layers of 9"):
        network_svg(model, np.ones((1, 9, 3), np.float32), unroll=True, gradients=found)
    with pytest.raises(OptionError, match="gradients of 4 steps for 2 layers of 4"):
        network_svg(model_of("LSTM", num_layers=2), X, unroll=True, gradients=found)


class Counting(nn.Module):
    """Its loop carries a number beside the state."""

    def __init__(self) -> None:
        self.V, self.W = (gg.parameter(0.1 * RNG.normal(size=(n, 4))) for n in (3, 4))

    def forward(self, x: Any) -> Any:
        def step(carry: Any, row: Any) -> Any:
            count, h = carry
            h = np.tanh(row @ self.V + h @ self.W)
            return (count + 1.0, h), h

        start = np.array(0.0), np.zeros((len(x), 4))
        return gg.scan(step, start, np.swapaxes(x, 0, 1))[1]


def test_a_carry_that_is_a_number() -> None:
    network = network_of(Counting(), X.astype(np.float64))
    assert [layer.size for layer in network.layers] == [3, 4]
    assert len(network.feedback) == 1
