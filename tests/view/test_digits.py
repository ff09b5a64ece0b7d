"""Numbers as they are shown."""

from __future__ import annotations

import numpy as np
import pytest

from glassgrad.errors import OptionError
from glassgrad.view.digits import brief, check_precision, number


@pytest.mark.parametrize(
    ("value", "precision", "shown"),
    [
        (0.196611933241482, 2, "0.20"),
        (0.393223866482964, 2, "0.39"),
        (-0.589835799724446, 2, "−0.59"),
        (-0.589835799724446, 4, "−0.5898"),
        (0.0, 2, "0.00"),
        (-0.0, 2, "0.00"),
        (0.0049, 2, "4.9·10⁻³"),
        (0.005, 2, "0.01"),
        (-1.2345e-5, 3, "−1.23·10⁻⁵"),
        (5e-324, 2, "4.9·10⁻³²⁴"),
        (1876.0, 2, "1876.00"),
        (1e16, 2, "1.0·10¹⁶"),
        (2.5, 0, "2"),
        (7, 2, "7"),
        (-7, 2, "−7"),
        (True, 2, "True"),
        (np.float32(0.1), 3, "0.100"),
        (np.int64(-3), 2, "−3"),
        (float("nan"), 2, "NaN"),
        (float("inf"), 2, "infinity"),
        (float("-inf"), 2, "−infinity"),
        (1 - 2j, 1, "1.0 − 2.0i"),
    ],
)
def test_numbers(value: object, precision: int, shown: str) -> None:
    assert number(value, precision) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(-1, "−1"), (2.0, "2"), (0.5, "0.5"), (1e-7, "10⁻⁷"), (1.5e-9, "1.5·10⁻⁹"), (1e30, "10³⁰")],
)
def test_constants_are_brief(value: float, shown: str) -> None:
    assert brief(value) == shown


@pytest.mark.parametrize("precision", [-1, 17, 2.0, "2", True, None])
def test_precision_is_checked(precision: object) -> None:
    with pytest.raises(OptionError, match="is no number of decimals"):
        check_precision(precision)
