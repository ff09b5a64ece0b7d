"""TrainStep.run: as many single calls, bit for bit, whatever happens on the way."""

from __future__ import annotations

import gc
import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optim.rules import UPDATES
from train.small_networks import assert_same, labelled, network, weights

from glassgrad import nn, optim
from glassgrad.backends.native import engine
from glassgrad.errors import (
    DataError,
    GlassgradWarning,
    NonFiniteError,
    OptionError,
    ShapeError,
)
from glassgrad.tensor import parameter
from glassgrad.train import train_step
from glassgrad.train.program import Pace

pytestmark = pytest.mark.skipif(engine.problem() is not None, reason=str(engine.problem()))

X, Y = labelled(61)


def cross_entropy(model: Any, x: Any, y: Any) -> Any:
    return nn.losses.cross_entropy(model(x), y)


def order(steps: int, size: int = 7, n: int = 61) -> np.ndarray:
    return np.random.default_rng(5).integers(0, n, (steps, size))


@pytest.mark.parametrize("name", UPDATES)
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
    again = many.run(X, Y, rows[10:20]), many.run(X, Y, rows[20:].ravel(), 7)
    np.testing.assert_array_equal(np.concatenate([found, *again]), singles)
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
        (np.array([[0, 2**63]], np.uint64), None, DataError, "no row number"),
        (np.array([[0, -1]], np.int8), None, DataError, "no row number"),
        (np.array([[0, 61]], np.uint8), None, DataError, "no row number"),
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
    with pytest.raises(OptionError, match="the order of the rows is missing"):
        step.run(X, batch_size=4)
    with pytest.raises(ShapeError, match="rows"):
        step.run(X, Y[:-1], order=np.zeros((1, 2), int))
    assert all((weights(model)[name] == value).all() for name, value in before.items())


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i4", "u8", "i8"])
def test_orders_of_every_integer_kind(dtype: str) -> None:
    """Rows of any integer dtype and layout; the arrays of one part are the caller's own."""
    rows = np.array([[59, 0, 7], [1, 2, 3]])
    models = [network() for _ in range(2)]
    one, two = (train_step(cross_entropy, m, optim.SGD(m, 0.1)) for m in models)
    strided = np.asfortranarray(rows.astype(dtype))
    found, kept = one.run(X, Y, order=strided), two.run(X, Y, order=rows)
    np.testing.assert_array_equal(found, kept)
    before = found.copy()
    one.run(X, Y, order=rows)
    np.testing.assert_array_equal(found, before)


def test_run_of_no_steps() -> None:
    model = network()
    step = train_step(cross_entropy, model, optim.SGD(model, 0.1))
    assert step.run(X, Y, order=np.zeros((0, 4), int)).shape == (0,)
    assert step.steps == 0


# --- faults, workers, threads, memory ----------------------------------------------------


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


def test_arrays_that_somebody_kept_stay_as_they_are() -> None:
    model = network()
    step = train_step(cross_entropy, model, optim.Adam(model, 0.1))
    kept = []
    for rows in (order(5), order(6), order(7), order(8), order(9), order(10)):
        step.run(X, Y, order=rows)
        state = step.optimizers[0].rows
        kept.append([(np.asarray(row)[..., None].T, np.array(row)) for row in state])
    for state in kept:
        for view, copy in state:
            np.testing.assert_array_equal(view, copy[..., None].T)
