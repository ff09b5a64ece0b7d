"""Averages, accumulation, groups, plateau and recomputation together: killed, and resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from train.small_networks import labelled, network
from train.test_resume import KillAt, Killed, assert_same_run

from glassgrad import optim
from glassgrad.errors import OptionError
from glassgrad.train import Checkpoint, EarlyStopping, ReduceOnPlateau, fit

ROWS, BATCH, PARTS, EPOCHS = 30, 4, 2, 4
STEPS = EPOCHS * 4  # of 8, 8, 8 and 6 rows


def train(
    folder: Path | None = None,
    *,
    kill: int = -1,
    every: int = 1,
    name: str = "adam",
    **options: Any,
) -> Any:
    model = network(dropout=0.3)
    saver = None
    if folder is not None:
        saver = Checkpoint(folder, every_steps=every, min_seconds=0.0)
    groups = [("*.b", {"weight_decay": 0.0}), ("layers.1.*", {"lr": 0.01}),
              ("layers.4.b", {"frozen": True})]  # fmt: skip
    limits = {"weight_decay": 0.01, "clip_norm": 1.0}
    opt = optim.make_optimizer(name, model, lr=0.05, groups=groups, **limits)
    given: dict[str, Any] = {
        "loss": "cross_entropy",
        "optimizer": opt,
        "schedule": ReduceOnPlateau(factor=0.5, patience=0, min_delta=0.2),
        "metrics": ["accuracy"],
        "validation": labelled(10, seed=2),
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "accumulate": PARTS,
        "ema": 0.8,
        "recompute": "blocks",
        "seed": 11,
        "callbacks": [KillAt(kill), EarlyStopping(patience=50)],
        "checkpoint": saver,
        **options,
    }
    history = fit(model, labelled(ROWS), **given)
    return model, history, opt


@pytest.fixture(scope="module")
def whole() -> Any:
    found = train()
    assert len(set(found[1]["lr"])) > 1  # the plateau was met
    return found


@pytest.mark.full
@pytest.mark.parametrize("kill", [1, 3, 4, 6, 9, 12, STEPS])
def test_killed_and_resumed(kill: int, whole: Any, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path, kill=kill)
    assert_same_run(train(tmp_path, resume=True), whole)


def test_killed_between_checkpoints(whole: Any, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path, kill=11, every=4)
    assert_same_run(train(tmp_path, resume=True, every=4), whole)


@pytest.mark.parametrize("name", ["muon", "nadam", "lamb"])
def test_other_optimisers(name: str, tmp_path: Path) -> None:
    expected = train(name=name)
    with pytest.raises(Killed):
        train(tmp_path, kill=7, name=name)
    assert_same_run(train(tmp_path, resume=True, name=name), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ema": 0.7}, r"made with optimizer\.ema 0\.8, this run has 0\.7"),
        ({"accumulate": 1, "batch_size": 8}, "made with accumulate 2, this run has None"),
        ({"schedule": None}, "made with callbacks"),
    ],
)
def test_other_settings_are_refused(options: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path, kill=2)
    with pytest.raises(OptionError, match=message):
        train(tmp_path, resume=True, **options)


def test_the_frozen_bias_and_the_averages(whole: Any) -> None:
    model, _, opt = whole
    np.testing.assert_array_equal(model.layers[4].b.data, network(dropout=0.3).layers[4].b.data)
    assert set(opt.averages) == set(opt.named) == {"layers.1.W", "layers.1.b", "layers.4.W"}
