"""A large state is trained where it lies: whatever interrupts it, nothing is lost."""

from __future__ import annotations

import _thread
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from train.small_networks import assert_same, labelled, network, weights

from glassgrad import nn, optim
from glassgrad.backends.native import engine
from glassgrad.errors import GlassgradWarning, GradientError, NonFiniteError
from glassgrad.train import Callback, fit, keeper, program, train_step
from glassgrad.train.fitting import prepare
from glassgrad.train.metrics import Metric

pytestmark = pytest.mark.skipif(engine.problem() is not None, reason=str(engine.problem()))

X, Y = labelled(61)
OPTIONS: dict[str, Any] = {
    "loss": "cross_entropy",
    "optimizer": "adam",
    "lr": 0.02,
    "epochs": 3,
    "batch_size": 4,
    "seed": 3,
    "progress": False,
    "backend": "native",
}


@pytest.fixture(params=["a copy for all calls", "a copy for each call"], autouse=True)
def in_place(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every state is large here; copies are written once, or before every call."""
    monkeypatch.setattr(program, "LARGE", 0)
    monkeypatch.setattr(keeper, "_SECONDS", 1e9 if request.param.endswith("all calls") else 0.0)


def expected(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> tuple[nn.Module, Any]:
    """The run by single steps."""

    class OneByOne(Callback):
        every_step = True

    model = network(dropout=0.2)
    return model, fit(model, (X, Y), callbacks=OneByOne(), **{**OPTIONS, **changes})


def cross_entropy(model: Any, x: Any, y: Any) -> Any:
    return nn.losses.cross_entropy(model(x), y)


def order(steps: int) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 61, (steps, 7))


def test_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network(dropout=0.2)
    memory = [leaf._value for leaf in model.parameters()]
    history = fit(model, (X, Y), **OPTIONS)
    single, one = expected(monkeypatch)
    assert_same(model, single)
    assert history.losses == one.losses
    assert all(leaf._value is array for leaf, array in zip(model.parameters(), memory, strict=True))


def test_models_that_were_changed_in_between() -> None:
    models = [network() for _ in range(2)]
    steps = [train_step(cross_entropy, m, optim.Adam(m, 0.1)) for m in models]
    for part in (order(12), order(9), order(5)):
        steps[0].run(X, Y, order=part)
        for rows in part:
            steps[1](X[rows], Y[rows])
        assert_same(*models)
        for model in models:
            model.layers[1].W.assign(model.layers[1].W.data * 0.5)


def test_a_step_out_of_the_ordinary() -> None:
    """The calls before are done again, and then the steps one by one, up to the bad one."""
    found = []
    for natively in (True, False):
        model = nn.Linear(1, 1)
        model.W.assign(np.ones((1, 1)))
        step = train_step(lambda m, x: (m(x) ** 2).sum(), model, optim.SGD(model, 1.0))
        data, rows = np.full((4, 1), 2.0, np.float32), np.zeros((300, 1), int)
        with pytest.raises(NonFiniteError) as caught:
            if natively:
                step.run(data, order=rows)
            for r in rows:
                step(data[r])
        found.append((str(caught.value), step.steps, weights(model)["W"].item()))
    assert found[0] == found[1]
    assert np.isfinite(found[0][2])


def test_skipped_updates() -> None:
    data = np.array([[1.0], [0.0], [2.0], [1.5]], np.float32)
    models = [nn.Linear(1, 1) for _ in range(2)]
    for model in models:
        model.W.assign(np.ones((1, 1)))

    def loss(model: Any, x: Any) -> Any:
        return np.sqrt(np.abs(x * model.W)).sum() + (model.b * model.b).sum()

    steps = [train_step(loss, m, optim.Momentum(m, 0.1, clip_norm=1.0)) for m in models]
    rows = np.array([0, 2, 3, 0, 2, 3, 0, 1, 2, 3, 0, 1, 3])[:, None]
    with pytest.warns(GlassgradWarning, match="is skipped"):
        steps[0].run(data, order=rows)
        for r in rows:
            steps[1](data[r])
    assert_same(*models)


def test_an_error_of_a_metric_leaves_whole_steps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It comes after machine code has written, and before the steps are taken over."""
    calls = []

    def measure(pred: np.ndarray, target: np.ndarray) -> np.ndarray:
        calls.append(len(pred))
        if len(calls) == 12:
            raise RuntimeError("no score today")
        return np.array([0.0, len(pred)])

    metric = Metric("mine", measure, lambda s: float(s[0] / s[1]))
    model = network(dropout=0.2)
    run = prepare(
        model, (X, Y), metrics=metric, **{k: v for k, v in OPTIONS.items() if k != "progress"}
    )
    with pytest.raises(RuntimeError, match="no score today"):
        run.go()
    assert 0 < run.step < 12
    single, _ = expected(monkeypatch, steps=run.step, epochs=None)
    assert_same(model, single)
    assert run.trainer.steps == run.step


def _press_ctrl_c(stopped: threading.Event) -> None:
    """Again and again: Python drops an interrupt that meets it in a callback of its collector."""
    while not stopped.wait(0.4):
        _thread.interrupt_main()


# NOTE: pytest reports a dropped interrupt as an exception that nobody could catch.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network(dropout=0.2)
    options = {k: v for k, v in OPTIONS.items() if k != "progress"}
    run = prepare(model, (X, Y), **{**options, "epochs": 10**6})
    stopped = threading.Event()
    timer = threading.Thread(target=_press_ctrl_c, args=(stopped,))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run.go()
    stopped.set()
    timer.join()
    again = network(dropout=0.2)
    other = prepare(again, (X, Y), **{**options, "epochs": None, "steps": run.step})
    other.go()
    assert_same(model, again)


def test_ctrl_c_at_the_worst_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the machine code, before anything is noted; and once more while it is taken back."""
    model = network()
    step = train_step(cross_entropy, model, optim.Adam(model, 0.1))
    rows = order(40)
    step.refresh()
    many = step.program_for((X, Y), 7).many_steps((X, Y))
    assert many is not None
    plain, calls = many._steps.run, []

    def interrupted(*args: Any, **options: Any) -> Any:
        calls.append(1)
        found = plain(*args, **options)
        if len(calls) in (3, 4):
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(many._steps, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        step.run(X, Y, order=rows)
    assert step.steps == 9  # 1 + 8: two calls
    other = network()
    train_step(cross_entropy, other, optim.Adam(other, 0.1)).run(X, Y, order=rows[:9])
    assert_same(model, other)


def test_a_tape_from_before_may_not_be_used() -> None:
    model = network()
    step = train_step(cross_entropy, model, optim.SGD(model, 0.1))
    before = cross_entropy(model, X, Y)
    step.run(X, Y, order=order(3))
    with pytest.raises(GradientError, match="was overwritten"):
        before.backward()


def test_without_room_on_disk_the_state_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> Any:
        raise OSError("no space left")

    monkeypatch.setattr(keeper.tempfile, "TemporaryFile", refused)
    models = [network() for _ in range(2)]
    native, single = (train_step(cross_entropy, m, optim.Adam(m, 0.1)) for m in models)
    rows = order(20)
    np.testing.assert_array_equal(native.run(X, Y, order=rows), [single(X[r], Y[r]) for r in rows])
    assert_same(*models)
