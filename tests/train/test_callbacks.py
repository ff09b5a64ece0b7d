"""Callbacks: early stopping, logs, functions; and the progress line."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from train.small_networks import labelled, network, weights

from glassgrad.errors import OptionError
from glassgrad.train import Callback, CSVLogger, EarlyStopping, History, fit
from glassgrad.train.loop import Run
from glassgrad.train.progress import Progress, make_progress


def run(model: Any, callbacks: Any, **options: Any) -> History:
    given: dict[str, Any] = {"loss": "cross_entropy", "lr": 0.05, "epochs": 5, **options}
    return fit(model, labelled(), callbacks=callbacks, **given)


class Recorder(Callback):
    """Notes what it was told."""

    every_step = True

    def __init__(self) -> None:
        self.events: list[str] = []

    def on_start(self, run: Any) -> None:
        self.events.append("start")

    def on_step(self, run: Any) -> None:
        self.events.append(f"step {run.step}")

    def on_epoch(self, run: Any) -> None:
        self.events.append(f"epoch {run.epoch}")

    def on_end(self, run: Any) -> None:
        self.events.append("end")


def test_order_of_events() -> None:
    recorder = Recorder()
    run(network(), recorder, epochs=2, batch_size=10)
    assert recorder.events == [
        "start", "step 1", "step 2", "epoch 1", "step 3", "step 4", "epoch 2", "end",
    ]  # fmt: skip


def test_early_stopping_ends_with_the_best_epoch() -> None:
    model = network()
    kept: list[dict[str, np.ndarray]] = []

    def spoil(run: Run) -> None:
        kept.append(run.model.state_dict())

    stopper = EarlyStopping("val_loss", patience=3)
    history = run(model, [spoil, stopper], lr=1.0, epochs=200, validation=labelled(10, seed=9))
    assert history.stopped == "early stopping"
    best = int(np.argmin(history["val_loss"]))
    assert len(history) == best + 1 + 3
    assert stopper.best == min(history["val_loss"])
    for name, value in weights(model).items():
        np.testing.assert_array_equal(value, kept[best][name])


def test_early_stopping_looks_up_for_accuracy() -> None:
    stopper = EarlyStopping("accuracy", patience=2, min_delta=2.0)
    history = run(network(), stopper, metrics="accuracy", epochs=50)
    assert len(history) == 3
    assert stopper.best == history["accuracy"][0]


def test_early_stopping_options() -> None:
    with pytest.raises(OptionError, match="patience is 0"):
        EarlyStopping(patience=0)
    with pytest.raises(OptionError, match="unknown column 'val_loss'"):
        run(network(), EarlyStopping("val_loss"))


def test_function_sees_the_model_after_the_epoch_and_may_stop() -> None:
    seen: list[float] = []

    def watch(run: Run) -> None:
        seen.append(run.model.evaluate(*labelled())["loss"])
        if run.epoch == 3:
            run.stop("enough")

    history = run(network(), watch, batch_size=None)
    assert history.stopped == "enough"
    np.testing.assert_allclose(seen[:2], history["loss"][1:], rtol=1e-6)


def test_changes_of_a_callback_are_trained_on() -> None:
    def reset(run: Run) -> None:
        for p in run.model.parameters():
            p.assign(np.zeros(p.shape))

    history = run(network(), reset, batch_size=None, epochs=3)
    np.testing.assert_allclose(history["loss"][1:], np.log(2), rtol=1e-6)


def test_sync_shows_the_model_within_an_epoch() -> None:
    class Look(Callback):
        every_step = True
        losses: list[float]

        def on_start(self, run: Any) -> None:
            self.losses = []

        def on_step(self, run: Any) -> None:
            run.sync()
            self.losses.append(run.model.evaluate(*labelled())["loss"])

    look = Look()
    X, y = labelled()
    history = fit(network(), [(X, y)] * 4, loss="cross_entropy", lr=0.05, epochs=1, callbacks=look)
    np.testing.assert_allclose(look.losses[:3], history.losses[1:], rtol=1e-6)


def test_csv_log_has_the_rows_of_the_history(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "history.csv"
    history = run(network(), CSVLogger(path), metrics="accuracy")
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["loss"]) for row in rows] == history["loss"]
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert list(rows[0]) == history.columns


# --- history -----------------------------------------------------------------------------


def test_history_as_csv(tmp_path: Path) -> None:
    history = History([{"epoch": 1, "loss": 0.1}, {"epoch": 2, "loss": 0.05, "val_loss": 1 / 3}])
    text = history.to_csv(tmp_path / "h.csv")
    assert text == "epoch,loss,val_loss\n1,0.1,\n2,0.05,0.3333333333333333\n"
    assert (tmp_path / "h.csv").read_text() == text
    assert np.isnan(history["val_loss"][0])
    with pytest.raises(OptionError, match="did you mean `loss`"):
        history["los"]


# --- progress ----------------------------------------------------------------------------


def test_progress_shows_loss_metrics_and_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr("glassgrad.train.progress._INTERVAL", 0.0)
    monkeypatch.setattr("glassgrad.train.fitting.make_progress", lambda wanted: Progress(console))
    run(network(), (), metrics="accuracy", validation=labelled(8), epochs=2)
    text = stream.getvalue()
    assert "epoch 2/2" in text
    for part in ("epoch 2  loss 0.", "accuracy", "val_loss", "/s"):
        assert part in text


def test_progress_is_quiet_away_from_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert make_progress("auto") is None
    assert make_progress(False) is None
    assert make_progress(True) is not None
    run(network(), ())
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
