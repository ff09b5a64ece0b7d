"""One update, output layer first: Mazur's numbers to the digit, batches, biases, optimizers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from view.canon_circuits import graph_of

from glassgrad.canon import EXAMPLES
from glassgrad.errors import OptionError
from glassgrad.graph.trace import trace
from glassgrad.text import speaking
from glassgrad.view.explain.update import Update, update_of, weighted_sums, weights_of


def descent(rate: float) -> Any:
    return lambda values, gradients: [v - rate * g for v, g in zip(values, gradients, strict=True)]


def updated(graph: Any, arguments: list[Any], word: str | None, rate: float = 0.5) -> Update:
    weights, element = weights_of(graph, arguments, word, None)
    return update_of(
        graph,
        arguments,
        weights,
        element,
        step=descent(rate),
        rate=rate,
        rule="SGD: p - lr · g",
        precision=None,
    )


# --- CANON C8 ----------------------------------------------------------------------------


def test_mazur_s_network_to_the_digit() -> None:
    graph, arguments = graph_of("mazur.network")
    update = updated(graph, arguments, None)
    output, hidden = update.layers
    signals = [f"{float(s.delta):.8f}" for layer in update.layers for s in layer.signals]
    assert signals == ["0.13849856", "-0.03809824", "0.00877135", "0.00995425"]
    new = {c.name: c.new for layer in update.layers for c in layer.changes}
    assert {change.name for change in output.changes} == {"w5", "w6", "w7", "w8"}
    assert {change.name for change in hidden.changes} == {"w1", "w2", "w3", "w4"}
    printed = {"w1": ".14978072", "w2": ".19956143", "w5": ".35891648", "w6": ".40866619"}
    for name, digits in printed.items():
        assert f"{new[name]:.8f}" == f"0{digits}"
    trained = EXAMPLES["mazur.training"].results
    for i in (*range(1, 3), 5, 6):
        assert new[f"w{i}"] == trained[f"w{i} after 1"]


def test_the_table_of_mazur_s_network() -> None:
    graph, arguments = graph_of("mazur.network")
    text = str(updated(graph, arguments, None))
    lines = text.splitlines()
    assert lines[0] == "SGD: p - lr · g, learning rate 0.5"
    assert lines.index("output layer") < lines.index("hidden layer")
    (w5,) = [line for line in lines if line.startswith("  w5 ")]
    assert w5.split() == [
        "w5", "0.40000000", "0.13849856", "0.59326999", "0.08216704", "−0.04108352", "0.35891648",
    ]  # fmt: skip
    with speaking("ko"):
        korean = str(updated(graph, arguments, None)).splitlines()
    assert korean.index("출력층") < korean.index("은닉층")


def test_one_weight_is_shown_below_the_layers_before_it() -> None:
    graph, arguments = graph_of("mazur.network")
    update = updated(graph, arguments, "w1")
    assert [[c.name for c in layer.changes] for layer in update.layers] == [[], ["w1"]]
    assert len(updated(graph, arguments, "w5").layers) == 1


def test_a_bias_that_two_sums_share() -> None:
    graph, arguments = graph_of("mazur.network")
    update = updated(graph, arguments, "b1")
    (change,) = update.layers[1].changes
    assert [term[0] for term in change.terms] == ["net_h1", "net_h2"]
    assert [term[2] for term in change.terms] == [1.0, 1.0]
    assert change.gradient == pytest.approx(0.00877135 + 0.00995425, abs=1e-7)
    assert "gradient = 0.01872561" in str(update)


# --- batches -----------------------------------------------------------------------------


def two_layers(x: Any, W1: Any, b1: Any, W2: Any, t: Any) -> Any:
    a = x @ W1 + b1
    h = np.tanh(a)
    y = h @ W2
    return 0.5 * ((y - t) ** 2).sum()


def batch() -> list[Any]:
    rng = np.random.default_rng(0)
    shapes = ((3, 2), (2, 4), (4,), (4, 1), (3, 1))
    return [rng.standard_normal(shape) for shape in shapes]


def test_the_error_signal_is_the_gradient_by_the_weighted_sum() -> None:
    x, W1, b1, W2, t = batch()
    graph = trace(two_layers, x, W1, b1, W2, t)
    update = updated(graph, [x, W1, b1, W2, t], "W1[1, 2]")
    h = np.tanh(x @ W1 + b1)
    delta_y = h @ W2 - t
    delta_a = (delta_y @ W2.T) * (1 - h**2)
    output, hidden = update.layers
    np.testing.assert_allclose(output.signals[0].delta, delta_y, rtol=1e-12)
    np.testing.assert_allclose(hidden.signals[0].delta, delta_a, rtol=1e-12)
    (change,) = hidden.changes
    np.testing.assert_allclose([term[1] for term in change.terms], delta_a[:, 2], rtol=1e-12)
    np.testing.assert_allclose([term[2] for term in change.terms], x[:, 1], rtol=1e-12)
    assert change.change == pytest.approx(-0.5 * (x.T @ delta_a)[1, 2])
    assert "a[0, 2]" in str(update)


def test_long_arrays_are_summarised() -> None:
    rng = np.random.default_rng(0)
    arguments = [rng.standard_normal(shape) for shape in ((9, 9), (9, 9))]
    graph = trace(lambda x, W: np.tanh(x @ W).sum(), *arguments)
    update = updated(graph, arguments, None)
    assert update.layers[0].changes == ()
    assert "9×9" in str(update)
    assert update.to_dict()["layers"][0]["arrays"][0]["name"] == "W"


def test_weighted_sums_end_before_the_activation() -> None:
    graph = trace(two_layers, *batch())
    by_name = {var.name: var for var in graph.inputs}
    sums = {name: [v.name for v in weighted_sums(graph, by_name[name])] for name in ("W1", "b1")}
    assert sums == {"W1": ["a"], "b1": ["a"]}
    assert [v.name for v in weighted_sums(graph, by_name["W2"])] == ["y"]


# --- refused -----------------------------------------------------------------------------


def test_refused() -> None:
    graph, arguments = graph_of("mazur.network")
    with pytest.raises(OptionError, match="no parameter, so nothing updates it"):
        updated(graph, arguments, "net_o1")
    with pytest.raises(OptionError, match="unknown variable"):
        updated(graph, arguments, "w9")
    other = trace(lambda x, y: x * y, np.float64(1.0), np.float64(2.0))
    with pytest.raises(OptionError, match="called like a weight"):
        updated(other, [1.0, 2.0], None)
