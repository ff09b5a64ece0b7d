"""fit: what it learns, what it refuses, and that it is the loop that a user would write."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from train.small_networks import assert_same, labelled, line, network, quick, weights

from glassgrad import nn, optim
from glassgrad.config import config
from glassgrad.data.dataset import Dataset
from glassgrad.data.loader import Batches
from glassgrad.errors import (
    DataError,
    GlassgradWarning,
    GradientError,
    NonFiniteError,
    OptionError,
)
from glassgrad.tensor import parameter
from glassgrad.train import fit, train_step

# --- what it computes --------------------------------------------------------------------


def test_is_the_loop_over_batches() -> None:
    X, y = labelled(22)
    fitted, stepped = network(dropout=0.2), network(dropout=0.2)
    history = quick(fitted, (X, y), batch_size=8, seed=5)
    step = train_step(
        lambda m, x, t: nn.losses.cross_entropy(m(x), t), stepped, optim.Adam(stepped, 0.05), key=5
    )
    batches = Batches(X, y, 8, seed=5)
    losses = [step(*batch) for epoch in range(2) for batch in batches.epoch(epoch)]
    assert list(history.losses) == losses
    assert_same(fitted, stepped)
    sizes = np.array([8, 8, 6])
    np.testing.assert_allclose(history["loss"][0], np.dot(losses[:3], sizes) / 22, rtol=1e-12)


def test_learns_a_line_from_targets_without_a_column() -> None:
    with nn.init.seeded(0):
        model = nn.Linear(1, 1)
    history = fit(model, line(), loss="mse", optimizer="sgd", lr=0.5, epochs=80)
    np.testing.assert_allclose([model.W.item(), model.b.item()], [3.0, -1.0], atol=1e-3)
    assert history.stopped == "epochs"
    assert history.columns == ["epoch", "step", "loss", "lr", "seconds", "samples_per_second"]
    assert model.predict(np.array([[1.0]])).shape == (1, 1)


def test_the_notes_xor_loop() -> None:
    """2-2-1 sigmoid units without biases, full batch, float64: equal to the loop in NumPy."""
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([0, 1, 1, 0])
    with config.using(float=np.float64):
        layers = [
            nn.Linear(2, 2, bias=False),
            nn.Sigmoid(),
            nn.Linear(2, 1, bias=False),
            nn.Sigmoid(),
        ]
        model = nn.Sequential(*layers)
    rng = np.random.default_rng(0)
    W1, W2 = rng.random((2, 2)), rng.random((2, 1))
    model.layers[0].W.assign(W1)
    model.layers[2].W.assign(W2)
    fit(model, (X, y), loss="half_sse", optimizer="sgd", lr=0.1, steps=300)
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731 - one line of the note
    for _ in range(300):
        hidden = sigmoid(X @ W1)
        out = sigmoid(hidden @ W2)
        delta = (out - y[:, None]) * out * (1 - out)
        back = delta @ W2.T * hidden * (1 - hidden)
        W2 = W2 - 0.1 * hidden.T @ delta
        W1 = W1 - 0.1 * X.T @ back
    np.testing.assert_allclose(model.layers[0].W.data, W1, rtol=1e-12)
    np.testing.assert_allclose(model.layers[2].W.data, W2, rtol=1e-12)


def test_metrics_and_validation_have_columns() -> None:
    model = network()
    X, y = labelled()
    history = quick(
        model, (X, y), metrics=["accuracy"], validation=labelled(10, seed=2), epochs=3, batch_size=6
    )
    assert {"accuracy", "val_loss", "val_accuracy"} <= set(history.columns)
    found = model.evaluate(*labelled(10, seed=2))
    assert found == {"loss": history.last["val_loss"], "accuracy": history.last["val_accuracy"]}
    assert 0 <= history.last["accuracy"] <= 1


def test_training_metrics_are_those_of_all_rows() -> None:
    """r2 does not average over batches; with lr 0 the epoch's value is that of the data."""
    with nn.init.seeded(0):
        model = nn.Linear(1, 1)
    X, y = line(10)
    history = fit(model, (X, y), loss="mse", metrics=["r2", "mae"], lr=0.0, epochs=1, batch_size=3)
    found = model.evaluate(X, y)
    assert history.last["r2"] == pytest.approx(found["r2"], rel=1e-6)
    assert history.last["mae"] == pytest.approx(found["mae"], rel=1e-6)


def test_schedule_by_name_spans_the_run() -> None:
    model = network()
    history = quick(model, labelled(), schedule="cosine", lr=0.4, epochs=4, batch_size=10)
    expected = [optim.Cosine(0.4, 8)(step) for step in (1, 3, 5, 7)]
    np.testing.assert_allclose(history["lr"], expected)


def test_until_stops_at_the_value() -> None:
    with nn.init.seeded(0):
        model = nn.Linear(1, 1)
    history = fit(model, line(), loss="mse", optimizer="sgd", lr=0.5, until="loss=0.01")
    assert history.stopped == "until"
    assert history["loss"][-1] <= 0.01 < history["loss"][-2]
    with pytest.warns(GlassgradWarning, match="loss did not reach -1"):
        fit(model, line(), loss="mse", until="loss=-1", epochs=2)


def test_until_looks_up_for_accuracy() -> None:
    history = quick(network(), labelled(), metrics="accuracy", until="accuracy=0.2", epochs=50)
    assert history.stopped == "until"
    assert history.last["accuracy"] >= 0.2


def test_steps_cut_an_epoch_short() -> None:
    history = quick(network(), labelled(20), epochs=None, steps=7, batch_size=4)
    assert history.stopped == "steps"
    assert history["step"] == [5, 7]
    assert len(history.losses) == 7


def test_order_of_rows_depends_on_seed_and_epoch_alone() -> None:
    runs = [quick(network(), labelled(), batch_size=8, seed=seed).losses for seed in (1, 1, 2)]
    assert list(runs[0]) == list(runs[1])
    assert list(runs[0]) != list(runs[2])


def test_dataset_and_batches_are_taken() -> None:
    X, y = labelled()
    dataset = Dataset(
        name="two", train_X=X, train_y=y, test_X=X[:4], test_y=y[:4], class_names=("a", "b")
    )
    models = [network() for _ in range(3)]
    a = quick(models[0], dataset, batch_size=8, validation=dataset)
    b = quick(models[1], Batches(X, y, 8, seed=0))
    whole = list(Batches(X, y, 8, shuffle=False))
    c = quick(models[2], whole, optimizer=optim.Adam)
    assert "val_loss" in a.columns
    assert list(a.losses) == list(b.losses)
    assert len(c.losses) == 6
    assert_same(models[0], models[1])


def test_several_inputs_come_as_batches() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            self.a, self.b = nn.Linear(1, 1), nn.Linear(1, 1)

        def forward(self, x: Any, z: Any) -> Any:
            return self.a(x) + self.b(z)

    X, y = line()
    model = Sum()
    history = fit(model, [(X, X**2, y)], loss="mse", lr=0.1, epochs=30)
    assert history["loss"][-1] < history["loss"][0]
    assert model.predict((X, X**2)).shape == (16, 1)


def test_iterator_runs_once() -> None:
    X, y = labelled()
    history = quick(network(), iter([(X, y), (X, y)]), epochs=1)
    assert len(history.losses) == 2
    with pytest.raises(DataError, match="the batches are used up after 1 epochs"):
        quick(network(), iter([(X, y)]), epochs=2)


def test_share_of_rows_is_held_out() -> None:
    X, y = labelled(40)
    history = quick(network(), (X, y), validation=0.25, batch_size=None)
    assert "val_loss" in history.columns
    assert history["step"] == [1, 2]


def test_own_loss_and_own_metric() -> None:
    def absolute(pred: Any, target: Any) -> Any:
        return np.abs(pred - target).mean()

    def worst(pred: np.ndarray, target: np.ndarray) -> float:
        return float(np.abs(pred - target).max())

    X, y = line()
    history = fit(nn.Linear(1, 1), (X, y), loss=absolute, metrics=worst, lr=0.1, epochs=30)
    assert history["worst"][-1] < history["worst"][0]


def test_loss_modules_and_options() -> None:
    X, y = labelled()
    for loss in (nn.CrossEntropyLoss(label_smoothing=0.1), nn.losses.cross_entropy):
        assert np.isfinite(quick(network(), (X, y), loss=loss).last["loss"])


def test_modes_of_layers_come_back() -> None:
    model = network(dropout=0.5)
    model.layers[3].eval()
    quick(model, labelled())
    assert [layer.training for layer in model.layers] == [True, True, True, False, True]


def test_float64_data_are_computed_in_the_models_dtype() -> None:
    X, y = labelled()
    one, two = network(), network()
    quick(one, (X.astype(np.float64), y.astype(np.int32)))
    quick(two, (X, y))
    assert_same(one, two)


# --- what goes wrong in the run ----------------------------------------------------------


def test_non_finite_loss_keeps_the_last_good_parameters() -> None:
    X, y = line()
    model = nn.Linear(1, 1)
    reference = nn.Linear(1, 1)
    reference.load_state_dict(weights(model))
    options: dict[str, Any] = {"loss": "mse", "optimizer": "sgd", "lr": 1e15, "batch_size": None}
    with pytest.raises(NonFiniteError, match=r"step 3: the loss is not finite") as caught:
        fit(model, (X, y), epochs=5, **options)
    assert "square" in str(caught.value)
    fit(reference, (X, y), steps=2, **options)
    assert_same(model, reference)


def test_interrupt_leaves_whole_steps() -> None:
    X, y = labelled()
    seen: list[Any] = []

    def interrupting() -> Any:
        for i in range(5):
            if i == 3:
                raise KeyboardInterrupt
            yield X, y

    class Data:
        def __iter__(self) -> Any:
            return interrupting()

    model, reference = network(), network()
    with pytest.raises(KeyboardInterrupt):
        quick(model, Data(), callbacks=lambda run: seen.append(run.epoch))
    quick(reference, [(X, y)] * 3, epochs=1)
    assert seen == []
    assert_same(model, reference)


def test_model_without_parameters() -> None:
    with pytest.raises(OptionError, match="there is no parameter to train"):
        quick(nn.ReLU(), labelled())


def test_frozen_model_cannot_be_trained() -> None:
    with pytest.raises(GradientError, match="no gradient path"):
        quick(network().freeze(), labelled())


def test_optimizer_of_another_model_is_refused() -> None:
    with pytest.raises(OptionError, match="the model does not hold"):
        quick(network(), labelled(), optimizer=optim.SGD(network(), 0.1))
    with pytest.raises(OptionError, match="the model does not hold w"):
        quick(network(), labelled(), optimizer=optim.SGD(parameter([1.0], name="w"), 0.1))
