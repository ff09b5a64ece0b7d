"""Many steps in one native call: the numbers of single steps, and nothing lost on the way."""

from __future__ import annotations

import _thread
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from train.small_networks import assert_same, labelled, network, weights

from glassgrad import nn
from glassgrad.backends.chosen import VARIABLE
from glassgrad.backends.native import engine
from glassgrad.data import load_dataset
from glassgrad.errors import (
    MissingExtraError,
    NonFiniteError,
)
from glassgrad.train import Callback, Checkpoint, fit
from glassgrad.train.fitting import prepare

pytestmark = pytest.mark.skipif(engine.problem() is not None, reason=str(engine.problem()))

X, Y = labelled(61)
OPTIONS: dict[str, Any] = {
    "loss": "cross_entropy",
    "optimizer": "adam",
    "lr": 0.02,
    "epochs": 3,
    "batch_size": 4,
    "seed": 3,
    "metrics": "accuracy",
    "progress": False,
    "backend": "native",
}


class OneByOne(Callback):
    """Wants to see each step, so that each is a call of its own."""

    every_step = True


def trained(callbacks: Any = (), data: Any = (X, Y), **changes: Any) -> tuple[nn.Module, Any]:
    model = network(dropout=0.2)
    return model, fit(model, data, callbacks=callbacks, **{**OPTIONS, **changes})


def cross_entropy(model: Any, x: Any, y: Any) -> Any:
    return nn.losses.cross_entropy(model(x), y)


def order(steps: int, size: int = 7, n: int = 61) -> np.ndarray:
    return np.random.default_rng(5).integers(0, n, (steps, size))


# --- fit: the same numbers ---------------------------------------------------------------


def my_score(pred: np.ndarray, target: np.ndarray) -> float:
    """Not a sum over rows."""
    return float(np.median(pred[:, 0] - target))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"shuffle": False},
        {"replacement": True},
        {"drop_last": True},
        {"batch_size": None},
        {"steps": 20, "epochs": None},
        {"schedule": "cosine", "validation": 0.2},
        {"metrics": ("accuracy", my_score)},
        {"data": (X[:, ::-1], Y)},
        {"data": (X.astype(np.float64), Y.astype(np.int32))},
    ],
    ids=lambda changes: "-".join(map(str, changes)) or "plain",
)
def test_fit_is_single_steps_bit_for_bit(changes: Any) -> None:
    native, many = trained(**changes)
    single, one = trained(callbacks=OneByOne(), **changes)
    assert_same(native, single)
    assert many.losses == one.losses
    timing = ("seconds", "samples_per_second")
    for mine, other in zip(many, one, strict=True):
        assert {k: v for k, v in mine.items() if k not in timing} == {
            k: v for k, v in other.items() if k not in timing
        }
    assert (many.backend, many.reason) == ("native", "")


def test_metrics_of_quantities_are_those_of_single_steps() -> None:
    target = (X @ [1.0, -2.0, 0.5]).astype(np.float32)[:, None]
    rows = []
    for callback in ((), OneByOne()):
        with nn.init.seeded(0):
            model = nn.MLP((3, 8, 1), "tanh")
        options = {**OPTIONS, "loss": "mse", "metrics": ("mse", "mae", "r2", "rmse")}
        history = fit(model, (X, target), callbacks=callback, **options)
        rows.append([[row[n] for n in ("mse", "mae", "r2", "rmse")] for row in history])
    assert rows[0] == rows[1]


def test_agrees_with_numpy() -> None:
    native, many = trained()
    plain, one = trained(backend="numpy")
    np.testing.assert_allclose(many["loss"], one["loss"], rtol=1e-5)
    for name, value in weights(plain).items():
        np.testing.assert_allclose(weights(native)[name], value, rtol=1e-4, atol=1e-5)
    assert one.backend == "numpy"


def test_streams_of_batches_run_natively_too() -> None:
    batches = [(X[i : i + 4], Y[i : i + 4]) for i in range(0, 60, 4)]
    _, many = trained(data=batches)
    _, one = trained(data=batches, backend="numpy")
    np.testing.assert_allclose(many["loss"], one["loss"], rtol=1e-5)
    assert many.backend == "native"


# --- who looks on ------------------------------------------------------------------------


class Visits(Callback):
    """Notes at which steps it is asked, and allows some to pass."""

    every_step = True

    def __init__(self, passes: int | None) -> None:
        self.passes = passes
        self.steps: list[int] = []

    def may_pass(self, run: Any) -> int | None:
        return self.passes

    def on_step(self, run: Any) -> None:
        self.steps.append(run.step)


def test_callbacks_say_how_many_steps_may_pass() -> None:
    visits = Visits(3)
    trained(callbacks=visits, epochs=1)
    assert visits.steps[0] == 1  # the first call is one step, to learn how long it takes
    assert all(b - a <= 3 for a, b in zip(visits.steps, visits.steps[1:], strict=False))
    assert visits.steps[-1] == 16
    visits = Visits(None)
    trained(callbacks=visits, epochs=1)
    assert len(visits.steps) < 8


def test_stop_and_sync_between_calls() -> None:
    class Stopper(Visits):
        def on_step(self, run: Any) -> None:
            super().on_step(run)
            run.sync()
            if run.step >= 9:
                run.stop("enough")

    stopper = Stopper(None)
    model, history = trained(callbacks=stopper)
    assert history.stopped == "enough"
    other, _ = trained(steps=stopper.steps[-1], epochs=None)
    assert_same(model, other)


def test_checkpoints_come_at_their_steps(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, every_steps=5, keep=100, every_seconds=1e9, best=False)
    trained(checkpoint=checkpoint, epochs=2)
    steps = sorted(int(folder.name.split("-")[1]) for folder in (tmp_path / "last").iterdir())
    assert set(steps) >= {0, 5, 10, 15, 20, 25, 30}
    assert all(step % 5 == 0 or step % 16 == 0 for step in steps)


@pytest.mark.parametrize("steps", [1, 7, 16, 23])
def test_resumed_in_the_middle_it_is_the_same_run(tmp_path: Path, steps: int) -> None:
    whole, expected = trained()
    trained(checkpoint=tmp_path, steps=steps, epochs=None)
    model, history = trained(checkpoint=tmp_path, resume=True)
    assert_same(model, whole)
    assert history.losses == expected.losses
    assert history["accuracy"] == expected["accuracy"]


# --- what goes wrong ---------------------------------------------------------------------


def test_a_loss_that_leaves_the_finite_numbers_stops_at_its_step() -> None:
    messages, models = [], []
    for callback in ((), OneByOne()):
        with nn.init.seeded(0):
            model = nn.MLP((3, 8, 1), "relu")
        with pytest.raises(NonFiniteError) as caught:
            target = X[:, :1].astype(np.float32)
            options = {**OPTIONS, "loss": "mse", "optimizer": "sgd", "lr": 3.0, "metrics": ()}
            fit(model, (X, target), callbacks=callback, **options)
        messages.append(str(caught.value))
        models.append(model)
    assert messages[0] == messages[1]
    assert messages[0].startswith("step ")
    assert_same(*models)
    assert all(np.isfinite(value).all() for value in weights(models[0]).values())


def test_interrupted_between_calls_nothing_is_lost(tmp_path: Path) -> None:
    class Interrupt(Visits):
        def __init__(self, last: float) -> None:
            super().__init__(None)
            self.last = last

        def on_step(self, run: Any) -> None:
            super().on_step(run)
            if run.step > self.last:
                raise KeyboardInterrupt

    interrupt = Interrupt(20)
    model = network(dropout=0.2)
    with pytest.raises(KeyboardInterrupt):
        fit(model, (X, Y), callbacks=interrupt, checkpoint=tmp_path, **OPTIONS)
    until_then, _ = trained(steps=interrupt.steps[-1], epochs=None)
    assert_same(model, until_then)
    whole, expected = trained()
    again = Interrupt(np.inf)
    model, history = trained(callbacks=again, checkpoint=tmp_path, resume=True)
    assert again.steps[0] > interrupt.steps[-1]
    assert_same(model, whole)
    assert history.losses == expected.losses


def _press_ctrl_c(stopped: threading.Event) -> None:
    """Again and again: Python drops an interrupt that meets it in a callback of its collector."""
    while not stopped.wait(0.5):
        _thread.interrupt_main()


# NOTE: pytest reports a dropped interrupt as an exception that nobody could catch.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_while_machine_code_runs() -> None:
    """The signal arrives during a call; the run ends behind whole steps."""
    model = network(dropout=0.2)
    options = {**OPTIONS, "epochs": 10**6, "metrics": ()}
    run = prepare(model, (X, Y), **{k: v for k, v in options.items() if k != "progress"})
    stopped = threading.Event()
    timer = threading.Thread(target=_press_ctrl_c, args=(stopped,))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run.go()
    stopped.set()
    timer.join()
    assert run.step > 0
    assert run.trainer.steps == run.step
    until_then, _ = trained(steps=run.step, epochs=None, metrics=())
    assert_same(model, until_then)


# --- without llvmlite --------------------------------------------------------------------


def test_auto_does_without_llvmlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "problem", lambda: "there is no llvmlite")
    monkeypatch.delenv(VARIABLE, raising=False)  # what `pytest --backend` says "auto" is
    model, history = trained(backend="auto")
    assert (history.backend, history.reason) == ("numpy", "there is no llvmlite")
    other, _ = trained(backend="numpy")
    assert_same(model, other)
    with pytest.raises(MissingExtraError, match="there is no llvmlite"):
        trained()


# --- threads, memory ---------------------------------------------------------------------


def test_runs_in_several_threads() -> None:
    expected, _ = trained(epochs=2)
    found: list[nn.Module] = []

    def work() -> None:
        found.append(trained(epochs=2)[0])

    # Warnings' state belongs to the process: nobody may touch it in a thread.
    with warnings.catch_warnings():
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 3
    for model in found:
        assert_same(model, expected)


@pytest.mark.full
def test_an_epoch_of_a_large_network_agrees_with_numpy(shared_data: Path) -> None:
    """Without kinks: where a ReLU sees a number next to 0, rounding may choose the other side."""
    inputs, labels = load_dataset("mnist", shared_data).train
    found = []
    for backend in ("native", "numpy"):
        with nn.init.seeded(0):
            model = nn.MLP((784, 50, 10), "tanh")
        options = {**OPTIONS, "optimizer": "sgd", "lr": 0.1, "epochs": 1, "batch_size": 100}
        fit(model, (inputs, labels), **{**options, "backend": backend})
        found.append(weights(model))
    for name, value in found[1].items():
        np.testing.assert_allclose(found[0][name], value, rtol=0, atol=1e-4)
