"""Numbers against what their source prints of them.

Layer L9. Text counts to half a unit of its last digit, a Python number to 1e-12, a pair (low, high)
is a range.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

EXACT = 1e-12


@dataclass(frozen=True)
class Check:
    """One number of an example against what is printed in its source."""

    label: str
    expected: float
    computed: float
    tolerance: float
    printed: str

    @property
    def ok(self) -> bool:
        return bool(abs(self.computed - self.expected) <= self.tolerance)

    def as_dict(self) -> dict[str, Any]:
        """The check for JSON."""
        return {
            "label": self.label,
            "expected": self.expected,
            "computed": self.computed,
            "tolerance": self.tolerance,
            "printed": self.printed,
            "ok": self.ok,
        }


def checks_of(label: str, expected: Any, computed: Any) -> Iterator[Check]:
    """One check an element; `expected` is a number, printed text, a range, or a list of these."""
    if isinstance(expected, list):
        for i, (one, value) in enumerate(zip(expected, computed, strict=True)):
            yield from checks_of(f"{label}[{i}]".replace("][", ","), one, value)
        return
    middle, tolerance, printed = _read(expected)
    yield Check(label, middle, float(computed), tolerance, printed)


def around(printed: str) -> tuple[float, float]:
    """The range of all numbers that are printed so, also where that is narrower than 1e-12.

    >>> around("2.7e-19")
    (2.65e-19, 2.75e-19)
    """
    half_unit = _half_unit(printed)
    return float(Decimal(printed) - half_unit), float(Decimal(printed) + half_unit)


def _half_unit(printed: str) -> Decimal:
    """Half a unit of the last digit."""
    exponent = Decimal(printed).as_tuple().exponent
    assert isinstance(exponent, int), printed
    return Decimal(5).scaleb(exponent - 1)


def _read(expected: Any) -> tuple[float, float, str]:
    """The number, its tolerance and how it is printed."""
    if isinstance(expected, tuple):
        low, high = expected
        return (low + high) / 2, (high - low) / 2 * (1 + EXACT), f"{low:g} … {high:g}"
    if isinstance(expected, str):
        return float(expected), max(EXACT, float(_half_unit(expected)) * (1 + 1e-9)), expected
    return float(expected), EXACT, f"{expected:.15g}"
