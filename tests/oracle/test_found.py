"""What the oracle once found, for runs without its files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad.nn.functional import log_softmax, softmax
from glassgrad.primitives.index import index_add, index_set
from glassgrad.primitives.padding import pad
from glassgrad.tensor import parameter


@pytest.mark.parametrize("value", [0.1, [0.1, 0.2]])
def test_written_numbers_keep_the_digits_of_the_array(value: float | list[float]) -> None:
    """A Python number reaches float64 directly, not by way of the default float32."""
    zeros = parameter(np.zeros(2))
    for out in (index_set(zeros, slice(None), value), index_add(zeros, slice(None), value)):
        np.testing.assert_array_equal(out.data, np.zeros(2) + np.asarray(value))
    np.testing.assert_array_equal(pad(np.zeros(0), 1, constant_values=0.1), [0.1, 0.1])


@pytest.mark.parametrize(
    "meet",
    [
        lambda x: np.append(x, 0.1),
        lambda x: np.concatenate([x, [0.1]]),
        lambda x: np.diff(x, append=0.1),
        lambda x: np.outer(x, 0.1),
        lambda x: np.kron(x, 0.1),
        lambda x: np.tensordot(x, 0.1, 0),
        lambda x: np.multiply.outer(x, 0.1),
        lambda x: np.polyval([0.1, 0.2], x),
        lambda x: np.average(x, weights=[0.1, 0.2, 0.7]),
        lambda x: x * [0.1, 0.2, 0.3],
    ],
)
def test_numbers_and_lists_take_the_dtype_of_the_array_beside_them(meet: Any) -> None:
    """0.1 beside float64 is not 0.1 rounded to float32, the default of `config.float`."""
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(meet(parameter(x)).data, meet(x), rtol=1e-15)
    assert meet(parameter(x.astype(np.float32))).dtype == np.float32


def test_dividing_by_the_number_zero_has_an_infinite_derivative() -> None:
    x = parameter(np.array([1.0, 2.0], np.float32))
    with np.errstate(divide="ignore"):
        for _ in range(3):  # swept, compiled, found
            np.sum(x / 0).backward()
            assert x.grad is not None
            assert x.grad.dtype == np.float32
            np.testing.assert_array_equal(x.grad, [np.inf, np.inf])
            x.grad = None


def test_the_mean_of_nothing_has_an_empty_gradient() -> None:
    x = parameter(np.zeros((0, 3)))
    with np.errstate(all="ignore"):
        np.sum(np.mean(x, axis=0)).backward()
    assert x.grad is not None
    assert x.grad.shape == (0, 3)


@pytest.mark.parametrize("function", [softmax, log_softmax])
def test_shares_of_nothing_are_nothing(function: Any) -> None:
    x = parameter(np.zeros((5, 0)))
    out = function(x)
    out.backward(np.zeros((5, 0)))
    assert out.shape == (5, 0)
    assert x.grad is not None
    assert x.grad.shape == (5, 0)
