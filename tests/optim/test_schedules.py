"""Schedules: their values, their composition, and their way through JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from glassgrad import optim
from glassgrad.errors import OptionError
from glassgrad.optim import (
    Chain,
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    OneCycle,
    Scaled,
    StepDecay,
    WarmUp,
)
from glassgrad.tensor import parameter


@pytest.mark.parametrize(
    ("schedule", "step", "value"),
    [
        (Constant(0.3), 1000, 0.3),
        (StepDecay(1.0, 10), 9, 1.0),
        (StepDecay(1.0, 10), 20, 0.01),
        (Exponential(2.0, 0.5), 3, 0.25),
        (Exponential(1.0, 0.01, 100), 50, 0.1),
        (Cosine(1.0, 100), 0, 1.0),
        (Cosine(1.0, 100), 25, 0.5 * (1 + math.cos(math.pi / 4))),
        (Cosine(1.0, 100, floor=0.1), 100, 0.1),
        (Cosine(1.0, 100, floor=0.1), 5000, 0.1),
        (WarmUp(0.5, 10), 0, 0.05),
        (WarmUp(0.5, 10), 9, 0.5),
        (WarmUp(0.5, 10, start=0.5), 0, 0.5 * 0.55),
        (WarmUp(Cosine(1.0, 10), 10), 15, 0.5),
        (Chain([(0.1, 3), (Cosine(1.0, 10), 10)]), 2, 0.1),
        (Chain([(0.1, 3), (Cosine(1.0, 10), 10)]), 8, 0.5),
        (Chain([(0.1, 3), (0.2, 1)]), 500, 0.2),
        (CosineRestarts(1.0, 10), 25, 0.5),
        (CosineRestarts(1.0, 10, growth=2), 20, 0.5),
        (CosineRestarts(1.0, 10, growth=2, decay=0.5, floor=0.1), 30, 0.25),
        (OneCycle(1.0, 101), 0, 0.04),
        (OneCycle(1.0, 100), 29, 1.0),
        (OneCycle(1.0, 100), 64, 0.5 * (1 + 4e-6)),
        (OneCycle(1.0, 100), 99, 4e-6),
        (OneCycle(1.0, 1), 0, 4e-6),
        (Scaled(Cosine(1.0, 100), 0.1), 0, 0.1),
    ],
)
def test_values(schedule: optim.Schedule, step: int, value: float) -> None:
    assert schedule(step) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "schedule",
    [
        Constant(0.1),
        StepDecay(0.1, 5, 0.5),
        Exponential(0.1, 0.9),
        CosineRestarts(0.1, 4, 2, 0.01, 0.5),
        OneCycle(0.1, 25, rise=0.4),
        Scaled(Cosine(0.1, 9), 0.25),
        WarmUp(Chain([(0.1, 3), (Cosine(1.0, 10, 0.2), 10)]), 4, 0.25),
    ],
)
def test_config_comes_back_through_json(schedule: optim.Schedule) -> None:
    rebuilt = optim.schedule_from_config(json.loads(json.dumps(schedule.config())))
    assert rebuilt == schedule
    assert [rebuilt(s) for s in range(30)] == [schedule(s) for s in range(30)]


def test_unknown_config_is_refused() -> None:
    with pytest.raises(OptionError, match="unknown schedule 'cosin'"):
        optim.schedule_from_config({"name": "cosin"})
    with pytest.raises(OptionError, match="unknown option 'rate'"):
        optim.schedule_from_config({"name": "constant", "rate": 1.0})


@pytest.mark.parametrize("name", optim.PLANS)
def test_plans_start_and_end_where_they_say(name: str) -> None:
    schedule = optim.planned(name, 0.4, 1000)
    rates = [schedule(step) for step in range(1000)]
    assert max(rates) == pytest.approx(0.4)
    assert min(rates) >= 0
    ends: dict[str, Any] = {"constant": 0.4, "step": 0.004, "warm_up": 0.4, "exponential": 0.004}
    ends["plateau"] = 0.4
    assert rates[-1] == pytest.approx(ends.get(name, 0.0), rel=0.01, abs=2e-5)


def test_optimizer_follows_its_schedule() -> None:
    w = parameter(np.array([0.0]))
    opt = optim.SGD(w, StepDecay(1.0, every=2, factor=0.1))
    seen = []
    for _ in range(5):
        w.grad = np.array([-1.0])
        seen.append(opt.rate)
        opt.step()
    np.testing.assert_allclose(seen, [1.0, 1.0, 0.1, 0.1, 0.01])
    np.testing.assert_allclose(w.data, [2.21])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Constant(-0.1),
        lambda: StepDecay(0.1, every=0),
        lambda: StepDecay(0.1, every=2.5),  # type: ignore[arg-type]
        lambda: Cosine(0.1, steps=0),
        lambda: WarmUp(0.1, steps=5, start=1.5),
        lambda: Chain([]),
    ],
)
def test_bad_numbers(make: Any) -> None:
    with pytest.raises(OptionError):
        make()
