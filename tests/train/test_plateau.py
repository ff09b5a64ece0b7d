"""A rate that falls where a score no longer improves, and the finder of rates."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from train.small_networks import labelled, line, network

from glassgrad import nn, optim
from glassgrad.errors import DataError, OptionError
from glassgrad.train import ReduceOnPlateau, find_learning_rate, fit
from glassgrad.train.fitting import prepare
from glassgrad.train.time_machine import rewind


class _Run:
    """What a plateau looks at."""

    def __init__(self, lr: Any = 1.0) -> None:
        self.optimizer = type("Optimizer", (), {"lr": lr})()
        self.is_partial = False
        self.row: dict[str, float] = {}

    def is_better_higher(self, column: str) -> bool:
        return column.endswith("accuracy")


def _rates(plateau: ReduceOnPlateau, values: Any, column: str = "val_loss") -> list[float]:
    run: Any = _Run()
    plateau.on_start(run)
    found = []
    for value in values:
        run.row = {column: value, "loss": 0.0}
        plateau.on_epoch(run)
        found.append(run.optimizer.lr)
    return found


def test_it_falls_after_patience() -> None:
    values = [3, 2, 2, 2, 1, 1, 1, 1, 1, 1]
    found = _rates(ReduceOnPlateau(factor=0.5, patience=2), values)
    assert found == [1, 1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5]


def test_cooldown_least_and_direction() -> None:
    plateau = ReduceOnPlateau("val_accuracy", 0.1, 0, cooldown=1, least=0.05)
    assert _rates(plateau, [0.5, 0.5, 0.5, 0.5, 0.6], "val_accuracy") == [1, 0.1, 0.1, 0.05, 0.05]
    assert _rates(ReduceOnPlateau(patience=0, min_delta=0.5), [3, 2.8, 2.0]) == [1, 0.1, 0.1]


def test_a_schedule_is_multiplied() -> None:
    run: Any = _Run(optim.Cosine(1.0, 10))
    plateau = ReduceOnPlateau(factor=0.5, patience=0)
    plateau.on_start(run)
    for _ in range(2):
        run.row = {"val_loss": 1.0}
        plateau.on_epoch(run)
    assert run.optimizer.lr(5) == pytest.approx(0.25)


def test_fit_by_name_and_as_an_object() -> None:
    X, y = labelled()
    history = fit(network(), (X, y), loss="cross_entropy", lr=1e-9, epochs=14, schedule="plateau",
                  optimizer="sgd")  # fmt: skip
    assert history["lr"][0] == 1e-9
    opt = optim.SGD(network(), 0.5)
    schedule = ReduceOnPlateau("loss", 0.5, 0, min_delta=100.0)
    model = network()
    opt = optim.SGD(model, 0.5)
    history = fit(model, (X, y), loss="cross_entropy", optimizer=opt, epochs=4, schedule=schedule)
    assert history["lr"] == [0.5, 0.5, 0.25, 0.125]
    assert opt.lr == 0.5  # the optimiser is given back as it came


def test_an_interrupted_run_gives_the_rate_back_and_is_resumed(tmp_path: Path) -> None:
    X, y = labelled()

    def stop(run: Any) -> None:
        if run.epoch == 3:
            raise KeyboardInterrupt

    model = network()
    opt = optim.SGD(model, 0.5)
    rates = []
    for function in (stop, lambda run: None):
        schedule = ReduceOnPlateau("loss", factor=0.5, patience=0, min_delta=100.0)
        with suppress(KeyboardInterrupt):
            options = {"optimizer": opt, "schedule": schedule, "callbacks": [function]}
            place = {"checkpoint": tmp_path, "resume": True}
            rates = fit(model, (X, y), loss="cross_entropy", epochs=5, **options, **place)["lr"]
        assert opt.lr == 0.5
    assert rates == [0.5, 0.5, 0.25, 0.125, 0.0625]


def test_the_finder_leaves_what_the_model_was_trained_for() -> None:
    X, y = labelled()
    model = network()
    fit(model, (X, y), loss="cross_entropy", metrics="accuracy", epochs=1)
    before = model.evaluate(X, y)
    find_learning_rate(model, (X, y), loss="focal", steps=8)
    assert model.evaluate(X, y) == before


def test_one_step_of_it_cannot_be_told() -> None:
    run = prepare(network(), labelled(), loss="cross_entropy", schedule="plateau", epochs=2)
    with pytest.raises(OptionError, match="the rate of this run followed a score"):
        rewind(run, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 1.0}, r"factor is 1\.0"),
        ({"patience": -1}, "patience is -1"),
        ({"least": -0.1}, r"least is -0\.1"),
        ({"cooldown": 0.5}, r"cooldown is 0\.5, not an integer"),
    ],
)
def test_bad_options(options: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        ReduceOnPlateau(**options)


# --- the finder --------------------------------------------------------------------------


def test_the_finder_finds_a_rate_that_trains(tmp_path: Path) -> None:
    X, y = line(64)
    model = nn.Linear(1, 1, rng=0)
    before = model.state_dict()
    found = find_learning_rate(model, (X, y), loss="mse", optimizer="sgd", batch_size=16)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    assert model.training
    assert found.rates[0] == 1e-6
    assert len(found.rates) == len(found.losses) == len(found.smooth)
    assert found.suggestion < found.lowest
    history = fit(model, (X, y), loss="mse", optimizer="sgd", lr=found.suggestion, epochs=20)
    assert history["loss"][-1] < 0.05 * history["loss"][0]
    found.save(tmp_path / "rates.svg")
    text = (tmp_path / "rates.svg").read_text("utf-8")
    assert text.startswith("<svg")
    assert "rate, as a power of 10" in text
    assert found.to_dict()["suggestion"] == found.suggestion


def test_the_finder_refuses() -> None:
    X, y = line()
    model = nn.Linear(1, 1, rng=0)
    for options, message in (
        ({"low": 1.0, "high": 0.1}, r"high is 0\.1"),
        ({"steps": 2}, "steps is 2"),
        ({"optimizer": optim.SGD(model, 0.1)}, "SGD is no name of an optimizer"),
    ):
        with pytest.raises(OptionError, match=message):
            find_learning_rate(model, (X, y), loss="mse", **options)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="not finite from the start"):
        find_learning_rate(model, (X, y), loss="mse", optimizer="sgd", low=1e30, high=1e35)
