"""Batches in parts: the numbers of the whole, whatever the parts, in `train_step` and `fit`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from train.small_networks import RunningMean, labelled, network

from glassgrad import data, nn, optim, train_step
from glassgrad.errors import OptionError, ShapeError
from glassgrad.train import fit

ROWS = 22


def _loss(model: Any, x: Any, t: Any) -> Any:
    pred = model(x)
    return nn.losses.cross_entropy(pred, t), {"pred": pred, "mean": (pred**2).mean()}


def _stepped(parts: int, loss: Any = _loss, steps: int = 3, **options: Any) -> Any:
    with nn.init.seeded(0):
        model = nn.Sequential(nn.Linear(3, 8, dtype="float64"), nn.Tanh(), nn.Linear(8, 2))
    for p in model.parameters():
        p.assign(p.data)
    step = train_step(loss, model, optim.Adam(model, 0.01), accumulate=parts, **options)
    X, y = labelled(ROWS)
    found = [step(X.astype(np.float64), y) for _ in range(steps)]
    return model.state_dict(), found


@pytest.mark.parametrize("parts", [2, 4, 5, 11, 21, 22, 100])
def test_parts_make_the_step_of_the_whole(parts: int) -> None:
    weights, found = _stepped(1)
    others, others_found = _stepped(parts)
    for name, value in weights.items():
        np.testing.assert_allclose(others[name], value, rtol=2e-5, atol=1e-6)
    for (loss, aux), (other, other_aux) in zip(found, others_found, strict=True):
        assert other == pytest.approx(loss, rel=1e-6)
        np.testing.assert_allclose(other_aux["pred"], aux["pred"], rtol=1e-4, atol=1e-6)
        assert float(other_aux["mean"]) == pytest.approx(float(aux["mean"]), rel=1e-5)


def test_the_graph_does_not_grow_with_the_parts() -> None:
    model = network()
    X, y = labelled(40)
    sizes = []
    for parts in (4, 20):
        step = train_step(_loss, model, optim.SGD(model, 0.1), accumulate=parts)
        sizes.append(len(step.graph(X, y).eqns))
    assert sizes[0] == sizes[1]


def test_states_go_from_part_to_part() -> None:
    def moved(parts: int) -> np.ndarray:
        model = nn.Sequential(RunningMean(3), nn.Linear(3, 2, rng=0))
        step = train_step(lambda m, x: (m(x) ** 2).mean(), model, optim.SGD(model, 0.1),
                          accumulate=parts)  # fmt: skip
        step(labelled(6)[0])
        return np.array(model.layers[0].mean.data)

    X = labelled(6)[0]
    expected = np.zeros(3, np.float32)
    for part in (X[:2], X[2:4], X[4:]):
        expected = 0.9 * expected + 0.1 * part.mean(axis=0)
    np.testing.assert_allclose(moved(3), expected, rtol=1e-5)
    assert not np.allclose(moved(1), expected)


def test_each_part_draws_its_own_numbers() -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 1, rng=0))

    def loss(m: Any, x: Any) -> Any:
        dropped = m.layers[0](x)
        return m.layers[1](dropped).mean(), dropped

    step = train_step(loss, model, optim.SGD(model, 0.1), accumulate=2)
    _, first = step(np.ones((8, 4), np.float32))
    _, second = step(np.ones((8, 4), np.float32))
    masks = [first[:4], first[4:], second[:4], second[4:]]
    assert all(not np.array_equal(a, b) for i, a in enumerate(masks) for b in masks[:i])


@pytest.mark.parametrize("loss", ["cross_entropy", "mse", "half_sse"])
def test_fit_is_that_of_the_large_batch(loss: str) -> None:
    X, y = labelled(50)
    target = y if loss == "cross_entropy" else np.eye(2)[y]
    found = []
    for size, parts in ((12, 1), (4, 3)):
        model = network()
        model.layers.pop(0)
        history = fit(model, (X, target), loss=loss, optimizer="momentum", lr=0.01, epochs=3,
                      batch_size=size, accumulate=parts, metrics="mse" if loss != "cross_entropy"
                      else "accuracy", seed=3)  # fmt: skip
        found.append((model.state_dict(), history))
    for name, value in found[0][0].items():
        np.testing.assert_allclose(found[1][0][name], value, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[1][1]["loss"], found[0][1]["loss"], rtol=1e-5)
    assert len(found[1][1].losses) == len(found[0][1].losses)


def _added(pred: Any, target: Any) -> Any:
    return ((pred - target) ** 2).sum()


@pytest.mark.parametrize("first", [0.0, 1.0])
@pytest.mark.parametrize("augment", [None, data.Noise(0.0)])
def test_a_loss_of_ones_own_that_adds_rows_up(first: float, augment: Any) -> None:
    X, _ = labelled(24)
    target = np.full(len(X), first, np.float32)  # of 0, the loss at a prediction of 0 is 0
    found = []
    for parts in (1, 2):
        model = nn.Linear(3, 1, rng=0)
        parted = {"batch_size": 12 // parts, "accumulate": parts, "augment": augment}
        fit(model, (X, target), loss=_added, optimizer="sgd", lr=1e-3, epochs=1, **parted)
        found.append(model.W.data)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5)


def test_a_mean_that_counts_rows_differently_is_refused() -> None:
    X, y = labelled()
    for options in ({"class_weights": [1.0, 3.0]}, {"ignore_index": 1}):
        loss = nn.CrossEntropyLoss(**options)
        with pytest.raises(OptionError, match=f"with {next(iter(options))} rows count"):
            fit(network(), (X, y), loss=loss, accumulate=2, batch_size=4)
    model = network()
    loss = nn.CrossEntropyLoss(class_weights=[1.0, 3.0], reduction="sum")
    fit(model, (X, y), loss=loss, accumulate=2, batch_size=4, epochs=1)


def test_batches_of_others_are_taken_together() -> None:
    X, y = labelled(22)
    batches = [(X[i : i + 4], y[i : i + 4]) for i in range(0, 22, 4)]
    large = [(X[i : i + 8], y[i : i + 8]) for i in range(0, 22, 8)]
    models = []
    for given, parts in ((large, 1), (batches, 2)):
        model = network()
        model.layers.pop(0)
        history = fit(model, given, loss="cross_entropy", epochs=2, accumulate=parts)
        assert len(history.losses) == 6
        models.append(model.state_dict())
    for name, value in models[0].items():
        np.testing.assert_allclose(models[1][name], value, rtol=1e-4, atol=1e-6)


def test_what_it_refuses() -> None:
    model = network()
    X, y = labelled()
    with pytest.raises(OptionError, match="accumulate is 0"):
        fit(model, (X, y), loss="cross_entropy", accumulate=0)
    with pytest.raises(OptionError, match="one batch holds all rows"):
        fit(model, (X, y), loss="cross_entropy", accumulate=2, batch_size=None)
    step = train_step(lambda m, x, w: (m(x) ** 2).mean() * w, model, optim.SGD(model, 0.1),
                      accumulate=2)  # fmt: skip
    with pytest.raises(ShapeError, match=r"the inputs have \[0, 20\] rows"):
        step(X, np.float32(1))
    step = train_step(lambda m, x: ((m(x) ** 2).mean(), x.shape[0] * np.int64(1)), model,
                      optim.SGD(model, 0.1), accumulate=2)  # fmt: skip
    with pytest.raises(OptionError, match="neither rows nor a mean"):
        step(X)
