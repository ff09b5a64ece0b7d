"""The search for the first bad operation, and the test for finite numbers."""

from __future__ import annotations

import numpy as np

from glassgrad.graph.trace import trace
from glassgrad.train.fault import is_finite, non_finite_error


def test_is_finite() -> None:
    assert is_finite(np.array([1e200, -1e200]))  # the dot product overflows, the numbers do not
    assert is_finite(np.array([1, 2]))
    assert is_finite(np.zeros(0))
    assert not is_finite(np.array([1.0, np.nan]))
    assert not is_finite(np.float32(np.inf))


def test_overflow_is_found_before_the_nan_it_causes() -> None:
    def f(x: np.ndarray) -> np.ndarray:
        grown = np.exp(x)
        share = grown / grown.sum()
        return share.sum()

    graph = trace(f, np.ones(2))
    error = non_finite_error(graph, [np.array([1000.0, 0.0])], 0, 7, "the loss")
    text = str(error)
    assert text.startswith("step 7: the loss is not finite; the first operation to leave")
    assert "is exp (`grown`, test_fault.py:" in text
    assert "0 … 1000" in text
    assert "1 × inf [0]" in text
    assert "write nn.softmax(x)" in text
