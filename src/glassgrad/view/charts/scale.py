"""From numbers to places on paper: linear and logarithmic scales with ticks at round numbers.

Layer L8.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from glassgrad.view.digits import MINUS, brief

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # times a power of ten
_FEW_DECADES = 1.5  # on fewer, ticks stand at 2 and 5 too
_MARGIN = 0.06  # of a logarithmic range, at each end
_PLAIN = 4  # powers of ten up to 10⁴ are written out, and down to 10⁻³
_SLACK = 1e-9  # of a step: what rounding may have added


@dataclass(frozen=True)
class Scale:
    """A range of numbers over a range of pixels; values outside it land outside."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def __call__(self, value: float) -> float:
        low, high, at = self.low, self.high, float(value)
        if self.is_log:
            low, high, at = math.log10(low), math.log10(high), math.log10(at)
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    def label(self, tick: float) -> str:
        """A tick's number, with as many decimals as all ticks need."""
        if self.is_log:
            return _power(tick)
        return "0" if tick == 0 else fixed(tick, _decimals(self.ticks))


def linear(
    values: Iterable[float], start: float, end: float, *, count: int = 5, tight: bool = False
) -> Scale:
    """A scale over finite values; its ends are ticks unless it is `tight`.

    >>> linear([0, 0.93], 0, 100).ticks
    (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    """
    low, high = _range(values)
    if low == high:
        margin = abs(low) / 2 or 0.5
        low, high = low - margin, high + margin
        tight = False
    step = _step((high - low) / max(count, 1))
    first, last = math.floor(low / step + _SLACK), math.ceil(high / step - _SLACK)
    if tight:
        first, last = math.ceil(low / step - _SLACK), math.floor(high / step + _SLACK)
    ticks = tuple(round(i * step, 12) for i in range(first, last + 1))
    if not tight:
        low, high = ticks[0], ticks[-1]
    return Scale(low, high, start, end, ticks)


def logarithmic(values: Iterable[float], start: float, end: float, *, count: int = 6) -> Scale:
    """A scale over positive values; ticks stand at powers of ten, at 2 and 5 too on few decades.

    >>> logarithmic([0.02, 30.0], 0, 100).ticks
    (0.1, 1.0, 10.0)
    """
    low, high = _range([value for value in values if value > 0] or [0.1, 1.0])
    if low == high:
        low, high = low / 3, high * 3
    margin = (high / low) ** _MARGIN
    low, high = low / margin, high * margin
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    stride = max(1, math.ceil((last - first + 1) / count))
    ticks = tuple(float(f"1e{i}") for i in range(first, last + 1, stride))
    if math.log10(high / low) < _FEW_DECADES or len(ticks) <= 1:
        ticks = _fine_ticks(low, high)
    return Scale(low, high, start, end, ticks, is_log=True)


def _fine_ticks(low: float, high: float) -> tuple[float, ...]:
    """1, 2, 5 times powers of ten between `low` and `high`; round numbers where they are few."""
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    found = [float(f"{factor}e{power}") for power in powers for factor in (1, 2, 5)]
    inside = tuple(tick for tick in found if low <= tick <= high)
    return inside if len(inside) > 1 else linear([low, high], 0.0, 1.0, tight=True).ticks


def integers(low: int, high: int, start: float, end: float, *, count: int = 8) -> Scale:
    """A scale for counted things, such as epochs: ticks are whole numbers, its ends are the data's.

    >>> integers(1, 50, 0, 100).ticks
    (1.0, 10.0, 20.0, 30.0, 40.0, 50.0)
    """
    span = max(high - low, 1)
    step = max(1, round(_step(span / count)))
    multiples = [i for i in range(low, high + 1) if i % step == 0] if span < 10 * step else None
    if multiples is None:
        multiples = list(range(math.ceil(low / step) * step, high + 1, step))
    ticks = multiples if multiples and multiples[0] - low < step / 2 else [low, *multiples]
    end_value = high if high > low else low + 1
    return Scale(float(low), float(end_value), start, end, tuple(map(float, ticks)))


def _range(values: Iterable[float]) -> tuple[float, float]:
    array = np.asarray(list(values), float)
    array = array[np.isfinite(array)]
    return (float(array.min()), float(array.max())) if array.size else (0.0, 1.0)


def _step(rough: float) -> float:
    """The round number nearest above a rough step."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(s for s in _STEPS if s * power >= rough * (1 - _SLACK)) * power


# --- numbers of ticks --------------------------------------------------------------------


def fixed(value: float, decimals: int) -> str:
    """A number with so many decimals, a real minus sign, and thousands apart.

    >>> fixed(-12000.0, 0), fixed(0.5, 2)
    ('−12,000', '0.50')
    """
    written = f"{value:,.{decimals}f}"
    is_zero = not written.strip("-0.,")
    return written.lstrip("-") if is_zero else written.replace("-", MINUS)


def _decimals(ticks: Sequence[float]) -> int:
    for decimals in range(9):
        if all(abs(round(tick, decimals) - tick) < 10.0**-11 for tick in ticks):
            return decimals
    return 9


def _power(value: float) -> str:
    """A tick of a logarithmic scale: 0.001, 20, 10⁻⁵, 2·10⁻⁵."""
    if 10.0**-_PLAIN < value <= 10.0**_PLAIN:
        return f"{value:,.12g}"
    return brief(value)
