"""Many steps in one native call: the numbers of single steps, and nothing lost on the way."""

from __future__ import annotations

import _thread
import gc
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from train.small_networks import assert_same, labelled, network, weights

from glassgrad import nn, optim
from glassgrad.backends.native import engine
from glassgrad.errors import (
    DataError,
    GlassgradWarning,
    MissingExtraError,
    NonFiniteError,
    OptionError,
    ShapeError,
)
from glassgrad.tensor import parameter
from glassgrad.train import Callback, Checkpoint, fit, train_step
from glassgrad.train.fitting import prepare
from glassgrad.train.many import Pace

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


# --- run ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(optim.OPTIMIZERS))
def test_run_is_as_many_single_calls(name: str) -> None:
    schedule = optim.Cosine(0.05, 30)
    models = [network(dropout=0.3) for _ in range(2)]
    options = {"lr": schedule, "clip_norm": 0.5, "weight_decay": 0.01}
    one, many = (
        train_step(cross_entropy, m, optim.make_optimizer(name, m, **options), key=9)
        for m in models
    )
    rows = order(25)
    singles = [one(X[r], Y[r]) for r in rows]
    found = many.run(X, Y, order=rows[:10])
    again = many.run(X, Y, order=rows[10:].ravel(), batch_size=7)
    np.testing.assert_array_equal(np.append(found, again), singles)
    assert_same(*models)
    assert many.steps == one.steps == 25
    assert many.ran_on() == ("native", "")
    for mine, other in zip(many.optimizers[0].rows, one.optimizers[0].rows, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_run_gives_aux_values_of_every_step() -> None:
    def with_aux(model: Any, x: Any, y: Any) -> Any:
        logits = model(x)
        return nn.losses.cross_entropy(logits, y), {"logits": logits, "mean": x.mean()}

    models = [network() for _ in range(2)]
    one, many = (train_step(with_aux, m, optim.SGD(m, 0.1)) for m in models)
    rows = order(9)
    losses, aux = many.run(X, Y, order=rows)
    singles = [one(X[r], Y[r]) for r in rows]
    np.testing.assert_array_equal(losses, [loss for loss, _ in singles])
    assert aux["logits"].shape == (9, 7, 2)
    np.testing.assert_array_equal(aux["logits"], [a["logits"] for _, a in singles])
    np.testing.assert_array_equal(aux["mean"], [a["mean"] for _, a in singles])


def test_run_of_two_models_and_packed_batches() -> None:
    def loss(a: Any, b: Any, batch: Any) -> Any:
        return ((b(a(batch["x"])) - batch["y"][:, None]) ** 2).mean()

    def made() -> Any:
        with nn.init.seeded(2):
            a, b = nn.Linear(3, 5), nn.Linear(5, 1)
        optimizers = [optim.Adam(a, 0.01), optim.Momentum(b, 0.1)]
        return a, b, train_step(loss, [a, b], optimizers)

    a1, b1, one = made()
    a2, b2, many = made()
    rows = order(12)
    data = {"x": X, "y": Y.astype(np.float32)}
    many.run(data, order=rows)
    for r in rows:
        one({name: array[r] for name, array in data.items()})
    assert_same(a1, a2)
    assert_same(b1, b2)


def test_run_by_numpy_has_the_same_form(monkeypatch: pytest.MonkeyPatch) -> None:
    models = [network() for _ in range(2)]
    native, plain = (
        train_step(cross_entropy, m, optim.SGD(m, 0.1), backend=b)
        for m, b in zip(models, ("native", "numpy"), strict=True)
    )
    found, expected = (step.run(X, Y, order=order(20)) for step in (native, plain))
    assert found.dtype == expected.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert plain.ran_on() == ("numpy", "")


@pytest.mark.parametrize(
    ("rows", "size", "error", "message"),
    [
        (np.array([[0, 61]]), None, DataError, "no row number"),
        (np.array([[0, -1]]), None, DataError, "no row number"),
        (np.array([[0.0, 1.0]]), None, DataError, "no row number"),
        (np.arange(7), 2, OptionError, "7 row numbers are no whole batches of 2"),
        (np.arange(7), None, OptionError, "an order of shape"),
        (np.zeros((3, 2), int), 3, OptionError, "an order of shape"),
    ],
)
def test_orders_that_are_refused(rows: Any, size: Any, error: Any, message: str) -> None:
    model = network()
    step = train_step(cross_entropy, model, optim.SGD(model, 0.1))
    before = weights(model)
    with pytest.raises(error, match=message):
        step.run(X, Y, order=rows, batch_size=size)
    with pytest.raises(ShapeError, match="rows"):
        step.run(X, Y[:-1], order=np.zeros((1, 2), int))
    assert all((weights(model)[name] == value).all() for name, value in before.items())


def test_run_of_no_steps() -> None:
    model = network()
    step = train_step(cross_entropy, model, optim.SGD(model, 0.1))
    assert step.run(X, Y, order=np.zeros((0, 4), int)).shape == (0,)
    assert step.steps == 0


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


def test_number_of_workers_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(512, 200)).astype(np.float32), rng.integers(0, 10, 512)
    found = []
    for workers in (1, 2, 4):
        monkeypatch.setenv("GLASSGRAD_NUM_THREADS", str(workers))
        with nn.init.seeded(0):
            model = nn.MLP((200, 128, 64, 10), "relu")
        step = train_step(cross_entropy, model, optim.Adam(model, 0.01))
        losses = step.run(inputs, labels, order=order(6, 128, 512))
        found.append((losses, model))
    for losses, model in found[1:]:
        np.testing.assert_array_equal(losses, found[0][0])
        assert_same(model, found[0][1])


def test_streams_of_batches_run_natively_too() -> None:
    batches = [(X[i : i + 4], Y[i : i + 4]) for i in range(0, 60, 4)]
    native, many = trained(data=batches)
    plain, one = trained(data=batches, backend="numpy")
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


def test_run_keeps_the_last_good_step() -> None:
    model = nn.Linear(1, 1)
    step = train_step(lambda m, x: (m(x) ** 2).sum(), model, optim.SGD(model, 1.0))
    data = np.full((4, 1), 3.0, np.float32)
    with pytest.raises(NonFiniteError, match="step"):
        step.run(data, order=np.zeros((500, 1), int))
    done = step.steps
    assert 0 < done < 500
    assert all(np.isfinite(value).all() for value in weights(model).values())


def test_skipped_updates_are_those_of_single_calls() -> None:
    data = np.array([[1.0, 2.0], [0.0, 0.0], [2.0, 1.0], [1.5, 1.0]], np.float32)

    def loss(model: Any, x: Any) -> Any:
        return np.sqrt(np.abs(x * model.w)).sum()  # at 0 the gradient is 0 * inf

    class Weights(nn.Module):
        def __init__(self) -> None:
            self.w = parameter(np.array([1.0, 2.0], np.float32))

    models = [Weights() for _ in range(2)]
    optimizers = [optim.Adam(m, optim.Exponential(0.1, 0.9, 1), clip_norm=1.0) for m in models]
    one, many = (train_step(loss, m, o) for m, o in zip(models, optimizers, strict=True))
    rows = np.array([0, 2, 1, 3, 0, 1, 2, 3, 3, 2])[:, None]
    with pytest.warns(GlassgradWarning, match="is skipped") as told:
        singles = [one(data[r]) for r in rows]
    with pytest.warns(GlassgradWarning, match="is skipped") as again:
        np.testing.assert_array_equal(many.run(data, order=rows), singles)
    assert [str(w.message) for w in again] == [str(w.message) for w in told]
    assert_same(*models)
    assert optimizers[0].count == optimizers[1].count == 8


def test_an_index_outside_is_numpys_error() -> None:
    class Table(nn.Module):
        def __init__(self) -> None:
            self.rows = parameter(np.ones((5, 2), np.float32))

    model = Table()
    step = train_step(lambda m, i: m.rows[i].sum(), model, optim.SGD(model, 0.1))
    numbers = np.array([0, 1, 4, 5, 2])
    with pytest.raises(IndexError):
        step.run(numbers, order=np.array([[0], [1], [2], [3], [4]]))
    assert step.steps == 3


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


def test_ctrl_c_while_machine_code_runs() -> None:
    """The signal arrives during a call; the run ends behind whole steps."""
    model = network(dropout=0.2)
    options = {**OPTIONS, "epochs": 10**6, "metrics": ()}
    run = prepare(model, (X, Y), **{k: v for k, v in options.items() if k != "progress"})
    timer = threading.Timer(0.5, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run.go()
    timer.join()
    assert run.step > 0
    assert run.trainer.steps == run.step
    until_then, _ = trained(steps=run.step, epochs=None, metrics=())
    assert_same(model, until_then)


# --- without llvmlite --------------------------------------------------------------------


def test_auto_does_without_llvmlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "problem", lambda: "there is no llvmlite")
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


def test_one_step_object_in_several_threads() -> None:
    """Calls of one compiled step take turns; each is whole."""
    model = network()
    step = train_step(cross_entropy, model, optim.SGD(model, 0.0))
    expected = step(X, Y)
    found: list[float] = []

    def work() -> None:
        for _ in range(20):
            step.refresh()
            found.append(step.advance(step.read(), (X, Y)).loss)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 80


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_ten_thousand_steps_take_no_memory() -> None:
    model = nn.MLP((784, 50, 10), "relu")
    rng = np.random.default_rng(0)
    inputs, labels = rng.random((1000, 784), np.float32), rng.integers(0, 10, 1000)
    step = train_step(cross_entropy, model, optim.Adam(model))

    def resident() -> float:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    step.run(inputs, labels, order=order(2000, 100, 1000))
    before = resident()
    for _ in range(10):
        step.run(inputs, labels, order=order(1000, 100, 1000))
    assert resident() - before < 1.0
    singles = order(2200, 100, 1000)
    for number, rows in enumerate(singles):
        if number == 200:  # its own program is compiled and its memory is there
            before = resident()
        step(inputs[rows], labels[rows])
    assert resident() - before < 1.0


# --- how many steps a call does ----------------------------------------------------------


def test_calls_grow_to_a_tenth_of_a_second() -> None:
    pace = Pace(10**9)
    counts, left = [], 10**6
    while left:
        count = pace.count(left)
        pace.took(count, 1e-3 + count * 1e-6)
        counts.append(count)
        left -= count
    assert counts[:3] == [1, 8, 64]
    assert max(counts) == pytest.approx(100_000, rel=0.05)


def test_long_steps_are_calls_of_their_own() -> None:
    pace = Pace(10**9)
    for _ in range(5):
        assert pace.count(100) == 1
        pace.took(1, 0.3)


def test_calls_cut_short_do_not_shorten_others() -> None:
    pace = Pace(10**9)
    for _ in range(10):
        pace.took(pace.count(10**9), pace.count(10**9) * 1e-6)
    usual = pace.count(10**9)
    pace.took(pace.count(3), 1e-3)
    assert pace.count(10**9) == usual
    assert Pace(5).count(100) == 1
