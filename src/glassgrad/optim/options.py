"""Checks of an optimiser's numbers, which say what was given and what is allowed. Layer L8."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from glassgrad.errors import OptionError
from glassgrad.text import say


def at_least(name: str, value: Any, least: float) -> float:
    """`value` as a finite float of at least `least`."""
    number = _number(name, value)
    if number < least:
        _refuse(name, value, f"{least} ≤ {name}")
    return number


def above(name: str, value: Any, least: float) -> float:
    """`value` as a finite float above `least`."""
    number = _number(name, value)
    if number <= least:
        _refuse(name, value, f"{least} < {name}")
    return number


def fraction(name: str, value: Any) -> float:
    """`value` as a float in [0, 1)."""
    number = _number(name, value)
    if not 0 <= number < 1:
        _refuse(name, value, f"0 ≤ {name} < 1")
    return number


def whole(name: str, value: Any, least: int) -> int:
    """`value` as an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise OptionError(say("{name} is {value!r}, not an integer", name=name, value=value))
    if value < least:
        _refuse(name, value, f"{least} ≤ {name}")
    return int(value)


def moments(beta1: Any, beta2: Any, eps: Any) -> dict[str, float]:
    """The settings of what averages gradients and their squares, as Adam does."""
    return {
        "beta1": fraction("beta1", beta1),
        "beta2": fraction("beta2", beta2),
        "eps": above("eps", eps, 0),
    }


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise OptionError(say("{name} is {value!r}, not a number", name=name, value=value))
    number = float(value)
    if not math.isfinite(number):
        raise OptionError(say("{name} is {value!r}, not a finite number", name=name, value=value))
    return number


def _refuse(name: str, value: Any, rule: str) -> None:
    hint = say("a learning rate of 0 changes nothing; below 0 it climbs") if name == "lr" else ""
    raise OptionError(say("{name} is {value!r}", name=name, value=value), rule=rule, hint=hint)
