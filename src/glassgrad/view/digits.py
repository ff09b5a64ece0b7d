"""Numbers as a reader wants them: as many digits as asked, a real minus sign, words for NaN.

Layer L8. `number(x, 2)` writes 0.39, −0.59 and 0.00; what would round to zero without being zero,
and what is too long to read, gets a power of ten.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from glassgrad.errors import OptionError
from glassgrad.text import say

MINUS = "−"
PRECISIONS = range(17)
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LONGEST = 7  # digits before the point


def number(value: Any, precision: int = 2) -> str:
    """One number as text.

    >>> number(0.3932), number(-0.5898), number(0.0), number(-1.2e-5), number(3), number(2e9)
    ('0.39', '−0.59', '0.00', '−1.2·10⁻⁵', '3', '2.0·10⁹')
    >>> number(float("nan")), number(float("-inf"))
    ('NaN', '−infinity')
    """
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, complex):
        sign = MINUS if plain.imag < 0 else "+"
        return f"{number(plain.real, precision)} {sign} {number(abs(plain.imag), precision)}i"
    if not isinstance(plain, float):
        return str(plain).replace("-", MINUS)
    if not math.isfinite(plain):
        return "NaN" if math.isnan(plain) else (MINUS if plain < 0 else "") + "infinity"
    return _finite(plain, precision)


def _finite(value: float, precision: int) -> str:
    fixed = f"{value:.{precision}f}"
    is_hidden = value != 0 and float(fixed) == 0
    if not is_hidden and abs(value) < 10**_LONGEST:
        return (fixed if float(fixed) else fixed.lstrip("-")).replace("-", MINUS)
    mantissa, _, exponent = f"{value:.{max(1, precision - 1)}e}".partition("e")
    return f"{mantissa}·10{str(int(exponent)).translate(_RAISED)}".replace("-", MINUS)


def brief(value: Any) -> str:
    """A constant of a formula in at most four digits: `0.5`, `−1`, `10⁻⁷`.

    >>> brief(-1), brief(0.5), brief(1e-7), brief(2.0)
    ('−1', '0.5', '10⁻⁷', '2')
    """
    plain = value.item() if hasattr(value, "item") else value
    if not isinstance(plain, float) or not math.isfinite(plain):
        return number(plain)
    mantissa, _, exponent = f"{plain:.4g}".partition("e")
    if exponent:
        power = f"10{str(int(exponent)).translate(_RAISED)}"
        mantissa = power if mantissa == "1" else f"{mantissa}·{power}"
    return mantissa.replace("-", MINUS)


def is_warning(value: Any) -> bool:
    """Whether a number, or any element of a small array, is NaN or infinite."""
    array = np.asarray(value)
    return array.dtype.kind in "fc" and not bool(np.isfinite(array).all())


def check_precision(precision: Any) -> int:
    """`precision` if it is a number of decimals that can be shown."""
    if isinstance(precision, bool) or not isinstance(precision, int) or precision not in PRECISIONS:
        raise OptionError(
            say("{precision!r} is no number of decimals", precision=precision),
            rule=f"precision: 0 … {PRECISIONS[-1]}",
        )
    return precision
