"""A resumed run is bit for bit the run that never stopped, wherever it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from train.small_networks import assert_same, labelled, network

from glassgrad import nn, optim
from glassgrad.errors import DataWarning, FileAccessError, NonFiniteError, OptionError
from glassgrad.io.checkpoint import read_checkpoint
from glassgrad.train import Callback, Checkpoint, EarlyStopping, fit

ROWS, BATCH, EPOCHS = 22, 6, 3  # four batches an epoch, the last one smaller
STEPS = EPOCHS * 4
NOT_REPEATED = ("seconds", "samples_per_second")


class Killed(Exception):
    """Stands for the end of the process."""


class KillAt(Callback):
    """Ends the run after a step, without giving it the chance to save."""

    every_step = True

    def __init__(self, step: int) -> None:
        self.at = step

    def on_step(self, run: Any) -> None:
        if run.step == self.at:
            run._is_settled = False  # a killed process saves nothing
            raise Killed


def train(folder: Path | None = None, *, kill: int = -1, every: int = 1, **options: Any) -> Any:
    model = network(dropout=0.4)
    saver = None
    if folder is not None:
        saver = Checkpoint(folder, every_steps=every, min_seconds=0.0)
    given: dict[str, Any] = {
        "loss": "cross_entropy",
        "optimizer": optim.Adam(model, 0.05, clip_norm=1.0),
        "schedule": "cosine",
        "metrics": ["accuracy"],
        "validation": labelled(10, seed=2),
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "seed": 11,
        "callbacks": [KillAt(kill), EarlyStopping(patience=50)],
        "checkpoint": saver,
        **options,
    }
    history = fit(model, labelled(ROWS), **given)
    return model, history, given["optimizer"]


@pytest.fixture(scope="module")
def whole() -> Any:
    return train()


def assert_same_run(a: Any, b: Any) -> None:
    assert_same(a[0], b[0])
    assert list(a[1].losses) == list(b[1].losses)
    for row, other in zip(a[1].rows, b[1].rows, strict=True):
        assert {k: v for k, v in row.items() if k not in NOT_REPEATED} == {
            k: v for k, v in other.items() if k not in NOT_REPEATED
        }
    for (name, row), (_, other) in zip(a[2].named_rows(), b[2].named_rows(), strict=True):
        np.testing.assert_array_equal(row, other, err_msg=name)
    assert a[2].count == b[2].count


@pytest.mark.full
@pytest.mark.parametrize("kill", range(1, STEPS + 1))
def test_killed_after_any_step(kill: int, whole: Any, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path, kill=kill)
    assert_same_run(train(tmp_path, resume=True), whole)


def test_killed_between_checkpoints(whole: Any, tmp_path: Path) -> None:
    """The run goes on from three steps earlier, and does them again."""
    with pytest.raises(Killed):
        train(tmp_path, kill=8, every=5)
    assert_same_run(train(tmp_path, resume=True, every=5), whole)


def test_stopped_by_steps_and_continued(whole: Any, tmp_path: Path) -> None:
    schedule = optim.Cosine(0.05, STEPS)
    train(tmp_path, epochs=None, steps=6, schedule=schedule)
    assert_same_run(train(tmp_path, resume=True, schedule=schedule), whole)


def test_finished_run_is_left_as_it_is(whole: Any, tmp_path: Path) -> None:
    train(tmp_path)
    assert_same_run(train(tmp_path, resume=True), whole)


def test_interrupted_run_saves_its_last_step(whole: Any, tmp_path: Path) -> None:
    class Interrupt(KillAt):
        def on_step(self, run: Any) -> None:
            if run.step == self.at:
                raise KeyboardInterrupt

    stopping = EarlyStopping(patience=50)
    saver = Checkpoint(tmp_path, min_seconds=1e9)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, callbacks=[Interrupt(6), stopping], checkpoint=saver)
    newest = saver.last
    assert newest is not None
    assert read_checkpoint(newest)[1]["step"] == 6
    again = train(tmp_path, callbacks=[Interrupt(-1), EarlyStopping(patience=50)], resume=True)
    assert_same_run(again, whole)


def test_without_a_checkpoint_the_run_begins(whole: Any, tmp_path: Path) -> None:
    assert_same_run(train(tmp_path / "new", resume=True), whole)


def test_damaged_checkpoint_is_passed_over(whole: Any, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path, kill=7)
    newest = Checkpoint(tmp_path).last
    assert newest is not None
    file = newest / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.warns(DataWarning, match="a damaged checkpoint is passed over"):
        resumed = train(tmp_path, resume=True)
    assert_same_run(resumed, whole)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 12}, "made with seed 11, this run has 12"),
        ({"batch_size": 5}, "made with data.batch_size 6, this run has 5"),
        ({"epochs": 9}, "made with optimizer.lr.steps 12, this run has 36"),
        ({"metrics": []}, r"made with metrics \['accuracy'\], this run has \[\]"),
        ({"callbacks": []}, "made with callbacks"),
        ({"loss": "hinge"}, "made with loss cross_entropy, this run has hinge"),
    ],
)
def test_other_settings_are_refused(options: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path, kill=2)
    with pytest.raises(OptionError, match=message):
        train(tmp_path, resume=True, **options)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(tmp_path, kill=2)
    model = nn.Linear(3, 2)
    with pytest.raises(ValueError, match="missing W"):
        fit(
            model,
            labelled(ROWS),
            loss="cross_entropy",
            metrics="accuracy",
            optimizer=optim.Adam(model, optim.Cosine(0.05, STEPS), clip_norm=1.0),
            batch_size=BATCH,
            seed=11,
            epochs=1,
            callbacks=[KillAt(-1), EarlyStopping(patience=50)],
            checkpoint=tmp_path,
            resume=True,
        )


def test_checkpoint_survives_a_run_that_fails(tmp_path: Path) -> None:
    X, y = labelled()
    model = nn.Linear(3, 1)
    with pytest.raises(NonFiniteError):
        fit(model, (X, y), loss="mse", optimizer="sgd", lr=1e15, epochs=9, checkpoint=tmp_path)
    newest = Checkpoint(tmp_path).last
    assert newest is not None
    arrays, meta = read_checkpoint(newest)
    np.testing.assert_array_equal(arrays["model.W"], model.W.data)
    assert meta["step"] == len(arrays["losses"])


def test_best_and_last_are_kept(tmp_path: Path) -> None:
    model = network()
    saver = Checkpoint(tmp_path, min_seconds=0.0, keep=2)
    history = fit(
        model, labelled(), loss="cross_entropy", lr=0.5, epochs=8, checkpoint=saver,
        validation=labelled(10, seed=2),
    )  # fmt: skip
    best = 1 + int(np.argmin(history["val_loss"]))
    assert saver.best is not None
    assert saver.last is not None
    assert read_checkpoint(saver.best)[1]["epoch"] == best
    assert read_checkpoint(saver.last)[1]["epoch"] == 8
    assert len(list((tmp_path / "last").iterdir())) == 2
    assert len(list((tmp_path / "best").iterdir())) == 1


def test_folder_in_use_is_refused(tmp_path: Path) -> None:
    saver = Checkpoint(tmp_path)
    with saver.lock(), pytest.raises(FileAccessError, match="is in use by process"):
        train(tmp_path)


def test_checkpoint_options() -> None:
    with pytest.raises(OptionError, match="every_steps is -1"):
        Checkpoint("x", every_steps=-1)
