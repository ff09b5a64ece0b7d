"""train_step: the eager loop's numbers from one graph, and nothing half-done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from optim.rules import UPDATES
from train.small_networks import assert_same, labelled, network, weights

from glassgrad import nn, optim
from glassgrad.errors import (
    GlassgradWarning,
    GradientError,
    NonFiniteError,
    OptionError,
    UnreachedParameterWarning,
)
from glassgrad.primitives.random import random_key
from glassgrad.tensor import parameter
from glassgrad.train import train_step


def cross_entropy(model: Any, x: Any, y: Any) -> Any:
    return nn.losses.cross_entropy(model(x), y)


@pytest.mark.parametrize("name", UPDATES)
def test_equals_the_eager_loop_bit_for_bit(name: str) -> None:
    X, y = labelled()
    eager, traced = network(dropout=0.3), network(dropout=0.3)
    options = {"lr": 0.05, "clip_norm": 0.5, "weight_decay": 0.01}
    opt = optim.make_optimizer(name, eager, **options)
    optimizer = optim.make_optimizer(name, traced, **options)
    step = train_step(cross_entropy, traced, optimizer, key=4, backend="numpy")
    for number in range(5):
        with random_key(4, number):
            loss = cross_entropy(eager, X, y)
        loss.backward()
        opt.step()
        opt.zero_grad()
        assert step(X, y) == float(loss)
    assert_same(eager, traced)


@pytest.mark.parametrize("name", UPDATES)
def test_runs_natively(name: str) -> None:
    X, y = labelled()
    plain, native = network(dropout=0.3), network(dropout=0.3)
    options = {"lr": 0.05, "clip_norm": 0.5, "weight_decay": 0.01}
    steps = [
        train_step(cross_entropy, m, optim.make_optimizer(name, m, **options), backend=b, key=4)
        for m, b in ((plain, "numpy"), (native, "native"))
    ]
    for _ in range(5):
        losses = [step(X, y) for step in steps]
        assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    for path, value in weights(plain).items():
        np.testing.assert_allclose(weights(native)[path], value, rtol=1e-4, atol=1e-5)


def test_one_program_a_form_of_batch() -> None:
    X, y = labelled(10)
    model = network()
    step = train_step(cross_entropy, model, optim.SGD(model, 0.1))
    for n in (10, 4, 10, 4):
        step(X[:n], y[:n])
    assert len(step._active) == 2
    assert step.graph(X, y) is step.graph(X, y)


def test_flags_of_the_model_make_another_program() -> None:
    X, y = labelled()
    model = network(dropout=0.5)
    step = train_step(cross_entropy, model, optim.SGD(model, 0.0))
    dropped = step(X, y)
    model.eval()
    whole = step(X, y)
    assert whole == step(X, y)
    assert dropped != whole
    model.layers[3].p = 0.0
    model.train()
    assert step(X, y) == whole


def test_changes_from_outside_are_seen() -> None:
    X, y = labelled()
    model = network()
    step = train_step(cross_entropy, model, optim.SGD(model, 0.1))
    step(X, y)
    for p in model.parameters():
        p.assign(np.zeros(p.shape))
    assert step(X, y) == pytest.approx(np.log(2), rel=1e-6)


def test_aux_values_come_back_in_their_container() -> None:
    X, y = labelled()
    model = network()

    def with_aux(model: Any, x: Any, y: Any) -> Any:
        logits = model(x)
        return nn.losses.cross_entropy(logits, y), {"logits": logits, "rows": x.shape[0]}

    step = train_step(with_aux, model, optim.SGD(model, 0.1))
    expected = model(X).data
    loss, aux = step(X, y)
    assert isinstance(loss, float)
    np.testing.assert_allclose(aux["logits"], expected, rtol=1e-5, atol=1e-6)
    assert aux["rows"] == 20


def test_learning_rate_is_a_runtime_input() -> None:
    X, y = labelled()
    model = network()
    opt = optim.SGD(model, 0.0)
    step = train_step(cross_entropy, model, opt)
    before = weights(model)
    step(X, y)
    np.testing.assert_array_equal(model.layers[1].W.data, before["layers.1.W"])
    opt.lr = 0.5
    step(X, y)
    assert (model.layers[1].W.data != before["layers.1.W"]).any()
    assert len(step._active) == 1


def test_state_is_kept_once_a_step() -> None:
    X, y = labelled()
    model = network()
    step = train_step(cross_entropy, model, optim.SGD(model, 0.1))
    expected = np.zeros(3, np.float32)
    for _ in range(3):
        step(X, y)
        expected = 0.9 * expected + 0.1 * X.mean(axis=0)
    np.testing.assert_allclose(model.layers[0].mean.data, expected, rtol=1e-5)


def test_two_models_and_two_optimizers() -> None:
    X, _ = labelled()
    with nn.init.seeded(0):
        encoder, decoder, judge = nn.Linear(3, 2), nn.Linear(2, 3), nn.Linear(3, 1)

    def loss(encoder: Any, decoder: Any, judge: Any, x: Any) -> Any:
        out = decoder(encoder(x))
        return ((out - x) ** 2).mean() + judge(out).mean() * 0.1

    opts = [optim.Adam(encoder, 0.05), optim.SGD(decoder, 0.1)]
    step = train_step(loss, [encoder, decoder, judge], opts)
    kept = np.array(judge.W.data)
    losses = [step(X) for _ in range(60)]
    assert losses[-1] < 0.5 * losses[0]
    np.testing.assert_array_equal(judge.W.data, kept)
    assert [opt.count for opt in opts] == [60, 60]


def test_frozen_parameters_stay() -> None:
    X, y = labelled()
    model = network()
    model.layers[1].freeze()
    kept = np.array(model.layers[1].W.data)
    step = train_step(cross_entropy, model, optim.SGD(model, 0.5))
    first = step(X, y)
    assert step(X, y) < first
    np.testing.assert_array_equal(model.layers[1].W.data, kept)


def test_tied_weight_is_one_variable() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.first = parameter(np.array([2.0]))
            self.second = self.first

        def forward(self, x: Any) -> Any:
            return x * self.first + x * self.second

    model = Tied()
    step = train_step(lambda m, x: m(x).sum(), model, optim.SGD(model, 0.1))
    step(np.ones(1))
    np.testing.assert_allclose(model.first.data, [1.8])
    assert model.first is model.second
    assert [v.name for v in step.graph(np.ones(1)).inputs] == [
        "first", "x", "key", "step", "lr", "updates",
    ]  # fmt: skip


# --- what goes wrong ---------------------------------------------------------------------


def test_non_finite_loss_changes_nothing_and_names_the_operation() -> None:
    w = parameter(np.array([1.0, 2.0]))

    class Model(nn.Module):
        def __init__(self) -> None:
            self.w = w

        def forward(self, x: Any) -> Any:
            shifted = x * self.w
            logs = np.log(shifted)
            return logs.sum()

    model = Model()
    opt = optim.Adam(model, 0.1)
    step = train_step(lambda m, x: m(x), model, opt)
    step(np.array([1.0, 1.0]))
    before, m = np.array(w.data), np.array(opt.state["m"][0])
    with pytest.raises(NonFiniteError) as caught:
        step(np.array([1.0, 0.0]))
    text = str(caught.value)
    assert text.startswith("step 2: the loss is not finite; the first operation to leave the ")
    assert "log (`logs`, model, test_step.py:" in text
    assert "shifted" in text
    assert "write log(np.maximum(x, 1e-12))" in text
    np.testing.assert_array_equal(w.data, before)
    np.testing.assert_array_equal(opt.state["m"][0], m)
    assert opt.count == 1
    assert np.isfinite(step(np.array([1.0, 1.0])))


def test_non_finite_update_is_found_in_the_backward_pass() -> None:
    """The loss is finite at 0, the slope of the root is not."""
    w = parameter(np.array([0.0]), name="w")

    class Root(nn.Module):
        def __init__(self) -> None:
            self.w = w

    step = train_step(lambda m, x: np.sqrt(m.w * x).sum(), Root(), optim.SGD(w, 0.1))
    with pytest.raises(NonFiniteError, match="step 1: the new value of w is not finite"):
        step(np.array([1.0]))
    np.testing.assert_array_equal(w.data, [0.0])


def test_harmless_infinity_of_a_mask_is_not_blamed() -> None:
    w = parameter(np.array([[1.0, 2.0, 3.0]]))
    mask = np.array([[True, True, False]])

    class Masked(nn.Module):
        def __init__(self) -> None:
            self.w = w

        def forward(self, x: Any) -> Any:
            kept = np.where(mask, self.w, -np.inf)
            shares = np.exp(kept - 3.0)
            return (shares * np.log(x)).sum()

    step = train_step(lambda m, x: m(x), Masked(), optim.SGD(w, 0.1))
    assert np.isfinite(step(np.full((1, 3), 2.0)))
    with pytest.raises(NonFiniteError, match=r"finite numbers is log"):
        step(np.zeros((1, 3)))


def test_bad_data_are_blamed_themselves() -> None:
    model = nn.Linear(3, 1)
    step = train_step(lambda m, x: m(x).sum(), model, optim.SGD(model, 0.1))
    x = np.ones((4, 3), np.float32)
    x[2, 1] = np.nan
    with pytest.raises(NonFiniteError, match=r"the loss is not finite, because x is not") as caught:
        step(x)
    assert "1 × nan [2, 1]" in str(caught.value)


def test_skipped_update_keeps_parameters_and_says_so() -> None:
    w = parameter(np.array([0.0]), name="w")

    class Root(nn.Module):
        def __init__(self) -> None:
            self.w = w

    opt = optim.Momentum(w, 0.1, clip_norm=1.0)
    step = train_step(lambda m, x: np.sqrt(m.w * x).sum(), Root(), opt)
    with pytest.warns(GlassgradWarning, match="update 1 is skipped"):
        step(np.array([1.0]))
    np.testing.assert_array_equal(w.data, [0.0])
    np.testing.assert_array_equal(opt.state["velocity"][0], [0.0])
    assert (opt.count, step.steps) == (0, 1)


def test_unreached_parameter_is_named() -> None:
    class Idle(nn.Module):
        def __init__(self) -> None:
            self.used = parameter(np.array([1.0]))
            self.idle = parameter(np.array([1.0]))

        def forward(self, x: Any) -> Any:
            return (self.used * x).sum()

    model = Idle()
    step = train_step(lambda m, x: m(x), model, optim.SGD(model, 0.1))
    with pytest.warns(UnreachedParameterWarning, match="no gradient reaches idle"):
        step(np.ones(1))
    step(np.ones(1))


def test_losses_that_cannot_be_trained() -> None:
    model = nn.Linear(3, 1)
    opt = optim.SGD(model, 0.1)
    X, _ = labelled()
    with pytest.raises(GradientError, match=r"the loss is float32\[20, 1\]"):
        train_step(lambda m, x: m(x), model, opt)(X)
    with pytest.raises(GradientError, match="no gradient path leads from the loss"):
        train_step(lambda m, x: (x * x).sum(), model, opt)(X)
    with pytest.raises(OptionError, match="the model does not hold"):
        train_step(lambda m, x: m(x).sum(), nn.Linear(3, 1), opt)


def test_names_of_the_graph_are_the_users() -> None:
    model = nn.Linear(3, 1)

    def loss(model: Any, x: Any, target: Any) -> Any:
        out = model(x)
        error = out - target
        return (error * error).mean()

    step = train_step(loss, model, optim.Momentum(model, 0.1))
    graph = step.graph(np.ones((2, 3), np.float32), np.ones((2, 1), np.float32))
    text = graph.source(comments=False)
    for name in ("out =", "error =", "loss =", "dW =", "new_W =", "new_velocity_W ="):
        assert name in text
    assert [v.name for v in graph.inputs][:6] == [
        "W",
        "b",
        "velocity_W",
        "velocity_b",
        "x",
        "target",
    ]
