"""What `explain` refuses, and what it proposes instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from view.test_explain import arrays_of_two_layers, two_layers

import glassgrad as gg
from glassgrad.errors import (
    DtypeError,
    GradientError,
    IndexRangeError,
    NonFiniteError,
    OptionError,
)
from glassgrad.view.explain import cone, explain, situation_of
from glassgrad.view.explain.cone import TooLargeError, cone_of

V2 = np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: explain(two_layers, "W1", *arrays_of_two_layers()), OptionError, "12 elements"),
        (
            lambda: explain(two_layers, "WW1[0]", *arrays_of_two_layers()),
            OptionError,
            "did you mean",
        ),
        (lambda: explain(two_layers, "W1[4, 0]", *arrays_of_two_layers()), IndexRangeError, "W1"),
        (lambda: explain(two_layers, "W1[0]", *arrays_of_two_layers()), IndexRangeError, "W1"),
        (lambda: explain(two_layers, "W1[a, b]", *arrays_of_two_layers()), OptionError, "W1\\[a"),
        (lambda: explain(two_layers, None, *arrays_of_two_layers()), OptionError, "which input"),
        (lambda: explain(two_layers, "t[0, 0]", *arrays_of_two_layers(), k=0), OptionError, "0"),
        (lambda: explain(lambda x: x * 2, "x[0]", V2), GradientError, "not one real number"),
        (lambda: explain(lambda x, n: x * n, "n", 2.0, 3), DtypeError, "int64"),
        (lambda: explain(np.log, "x", np.float64(0.0)), NonFiniteError, "inf"),
        (lambda: explain(3.5, "x"), OptionError, "cannot be explained"),
        (lambda: explain(lambda x: x, "x", 1.0, precision=99), OptionError, "decimals"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_refused(call: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def test_an_array_without_an_element_gets_the_largest_as_a_hint() -> None:
    weights = np.array([0.5, -2.0, 1.0])
    with pytest.raises(OptionError, match=r"such as w\[1\], which has the largest gradient: −4"):
        explain(lambda w: (w * w).sum(), "w", weights)


def test_overwritten_parameters_are_refused() -> None:
    w = gg.parameter(np.array(2.0))
    y = w * w
    w -= 1.0
    with pytest.raises(GradientError, match="overwritten after it was used"):
        gg.explain(y, "w")


def test_more_work_than_is_done_number_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    situation = situation_of(two_layers, "W1[0, 0]", arrays_of_two_layers(), None, None)
    monkeypatch.setattr(cone, "_MOST_WORK", 1)
    with pytest.raises(TooLargeError):
        cone_of(situation)
