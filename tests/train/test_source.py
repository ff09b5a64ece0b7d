"""`gg.source`: every kind of thing that has a source, and what has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn, optim
from glassgrad.errors import OptionError, TraceError
from glassgrad.text import speaking


@pytest.fixture(autouse=True)
def _english() -> Any:
    with speaking("en"):
        yield


X, T = np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 1, 2, 0, 1, 2])


def _model() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 5, rng=0), nn.ReLU(), nn.Linear(5, 3, rng=1))


def test_a_function_with_arguments() -> None:
    def loss(W, b, x):  # type: ignore[no-untyped-def]
        return ((x @ W + b) ** 2).sum()

    args = np.ones((4, 2)), np.zeros(2), X
    assert "return value, dW, db\n" in gg.source(loss, *args)
    assert "return value, dx\n" in gg.source(loss, *args, wrt="x")
    assert "new_W = W - lr * dW" in gg.source(loss, *args, style="script")


def test_a_function_without_a_gradient() -> None:
    text = gg.source(lambda x: x @ x.T, X)
    assert "backward" not in text


def test_a_graph_as_it_is() -> None:
    graph = gg.trace(lambda x: (x * x).sum(), X)
    assert gg.source(graph) == graph.source()


def test_a_tensor() -> None:
    w = gg.parameter(np.ones((4, 2)), name="w")
    y = ((gg.tensor(X) @ w) ** 2).sum()
    assert "return y, dw, " in gg.source(y)


def test_a_model_with_its_loss() -> None:
    text = gg.source(_model(), X, T, loss="cross_entropy")
    assert "(p - onehot) / n" in text
    assert "class SoftmaxWithLoss:" in gg.source(
        _model(), X, T, loss="cross_entropy", style="layers"
    )
    assert "layers_0_W" in gg.source(_model(), X)
    assert "# --- update ---" in gg.source(_model(), X, T, loss=nn.cross_entropy, optimizer="adam")


def test_dropout_is_left_out_of_gradients_and_kept_in_scripts() -> None:
    model = nn.Sequential(nn.Linear(4, 8, rng=0), nn.Dropout(0.5), nn.Linear(8, 3, rng=1))
    assert "constant" not in gg.source(model, X, T, loss="cross_entropy")
    assert model.layers[1].training
    assert "random_bernoulli" in gg.source(model, X, T, loss="cross_entropy", style="script")


def test_a_training_step() -> None:
    model = _model()
    x = X.astype(np.float32)
    step = gg.train_step(lambda m, x, t: nn.cross_entropy(m(x), t), model, optim.SGD(model, lr=0.5))
    assert "# --- update ---" in gg.source(step, x, T)
    script = gg.source(step, x, T, style="script")
    assert "lr = np.float64(0.5)" in script


def test_a_schedule_becomes_a_table_of_rates() -> None:
    model = _model()
    opt = optim.SGD(model, lr=optim.Exponential(0.5, 0.1, 20))
    text = gg.source(model, X, T, loss="cross_entropy", optimizer=opt, style="script")
    assert "lr_of_epochs = [0.5, " in text


@pytest.mark.parametrize(
    ("obj", "options", "problem"),
    [
        (3.0, {}, "float has no source"),
        (_model(), {"style": "layers"}, "the loss of the model is missing"),
        (_model(), {"loss": "cross_entropi"}, "did you mean `cross_entropy`"),
        (_model(), {"loss": "cross_entropy", "optimizer": "adan"}, "did you mean `adam`"),
        (_model(), {"loss": "cross_entropy", "style": "plane"}, "did you mean `plain`"),
        (gg.trace(lambda x: x.sum(), X), {"style": "script"}, "a script is made of a training"),
        (gg.trace(lambda x: x, X), {"style": "layers"}, "the result is not computed by layers"),
    ],
)
def test_what_has_no_source(obj: Any, options: Any, problem: str) -> None:
    batch = (X, T) if isinstance(obj, nn.Module) else ()
    with pytest.raises(OptionError, match=problem):
        gg.source(obj, *batch, **options)


def test_bad_functions() -> None:
    with pytest.raises(TraceError, match="returned nothing"):
        gg.source(lambda x: None, X)
    with pytest.raises(TraceError, match="no number"):
        gg.source(lambda x: x if x.sum() > 0 else -x, X)
