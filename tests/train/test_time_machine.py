"""Any step of a run again: the same bits as the run itself computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.errors import DataError, OptionError
from glassgrad.train import Callback, fit
from glassgrad.train.fitting import prepare
from glassgrad.train.time_machine import PastStep, checkpoints_in, rewind

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 50)
OPTIONS: dict[str, Any] = {
    "loss": "cross_entropy",
    "optimizer": "adamw",
    "lr": 0.01,
    "epochs": 4,
    "batch_size": 8,
    "seed": 5,
    "schedule": "cosine",
}


def _model() -> nn.MLP:
    return nn.MLP((4, 9, 7, 3), "relu", dropout=0.3, rng=1)


class _Diary(Callback):
    """Parameters, losses and rates after every step."""

    every_step = True

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.parameters: list[dict[str, np.ndarray]] = []
        self.rates: list[float] = []

    def on_step(self, run: Any) -> None:
        run.sync()
        self.losses.append(run.loss)
        self.parameters.append({k: v.copy() for k, v in run.model.state_dict().items()})
        self.rates.append(run.optimizer.rate_after(run.step - 1))


def _trained(**changes: Any) -> _Diary:
    diary = _Diary()
    fit(_model(), (X, Y), callbacks=diary, progress=False, **{**OPTIONS, **changes})
    return diary


def _at(step: int, checkpoints: Any = (), **changes: Any) -> PastStep:
    return rewind(prepare(_model(), (X, Y), **{**OPTIONS, **changes}), step, checkpoints)


@pytest.mark.parametrize("step", [1, 2, 7, 8, 20, 28])
def test_the_same_bits(step: int) -> None:
    diary, found = _trained(), _at(step)
    assert found.step == step
    assert found.loss == diary.losses[step - 1]
    # The step itself ran natively; its loss is looked at operation by operation, by NumPy.
    looked_at = float(found.record.values[found.graph.outputs[0]])
    assert looked_at == pytest.approx(found.loss, rel=1e-6)
    assert found.rate == diary.rates[step - 1]
    start = _model().state_dict() if step == 1 else diary.parameters[step - 2]
    for parameter in found.parameters:
        assert np.array_equal(parameter.value, start[parameter.name])
        assert np.array_equal(parameter.after, diary.parameters[step - 1][parameter.name])


def test_gradients_are_those_that_trained() -> None:
    """Plain descent: what the update took away is the rate times the gradient, to the bit."""
    found = _at(11, optimizer="sgd", schedule=None, backend="numpy")
    assert len(found.parameters) == 6
    for parameter in found.parameters:
        rate = np.float32(found.rate)
        assert np.array_equal(parameter.after, parameter.value - rate * parameter.gradient)


def test_looks_at_what_the_run_computed() -> None:
    found = _at(8, backend="numpy")
    assert float(found.record.values[found.graph.outputs[0]]) == found.loss


def test_place_in_the_epoch() -> None:
    found = _at(9)  # an epoch has 7 batches, the last of 2 rows
    assert (found.epoch, found.batch) == (2, 2)
    last = _at(7)
    assert (last.epoch, last.batch) == (1, 7)
    assert last.inputs[-4].shape == (2, 4)


def test_dropout_is_drawn_again() -> None:
    layers = {a.layer: a.value for a in _at(3).activations}
    again = {a.layer: a.value for a in _at(3).activations}
    other = {a.layer: a.value for a in _at(4).activations}
    assert np.array_equal(layers["layers.2"], again["layers.2"])
    assert not np.array_equal(layers["layers.2"] == 0, other["layers.2"] == 0)


def test_activations_have_gradients() -> None:
    found = _at(3)
    names = [a.layer for a in found.activations]
    assert names[:3] == ["layers.0", "layers.1", "layers.2"]
    hidden = found.activations[1]
    assert hidden.gradient.shape == hidden.value.shape
    assert np.abs(hidden.gradient).max() > 0


def test_from_a_checkpoint(tmp_path: Path) -> None:
    constant = {**OPTIONS, "schedule": None}
    short = {**constant, "epochs": 2}
    fit(_model(), (X, Y), progress=False, checkpoint=tmp_path, **short)
    places = checkpoints_in(tmp_path)
    assert places
    stranger = nn.MLP((4, 9, 7, 3), "relu", dropout=0.3, rng=99)  # what it held does not matter
    found = rewind(prepare(stranger, (X, Y), **constant), 20, places)
    assert found.loss == _trained(schedule=None).losses[19]


def test_a_damaged_checkpoint_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "last" / "1").mkdir(parents=True)
    (tmp_path / "last" / "1" / "checkpoint.json").write_text("{")
    assert _at(5, checkpoints_in(tmp_path)).loss == _trained().losses[4]


def test_the_model_keeps_its_mode() -> None:
    model = _model()
    model.eval()
    rewind(prepare(model, (X, Y), **OPTIONS), 2)
    assert not any(module.training for _, module in model.named_modules())


@pytest.mark.parametrize("step", [0, -1, 1.5, True])
def test_steps_are_counted_from_one(step: Any) -> None:
    with pytest.raises(OptionError, match="step"):
        _at(step)


def test_data_that_end() -> None:
    batches = iter([(X[:8], Y[:8]), (X[8:16], Y[8:16])])
    options = {k: v for k, v in OPTIONS.items() if k not in ("batch_size", "schedule")}
    with pytest.raises(DataError, match="used up"):
        rewind(prepare(_model(), batches, **options), 5)
