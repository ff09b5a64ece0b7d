"""Bad input is refused with both values, and a student's own fault stays the student's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnose.grading.programs import sigmoid_net

from glassgrad import compare_backward
from glassgrad.errors import DataError, GradientError, OptionError, TraceError

W, x = np.ones((3, 2)), np.ones((4, 3))


def loss(W: Any, x: Any) -> Any:
    y = x @ W
    return (y**2).sum()


@pytest.mark.parametrize(
    ("student", "error", "words"),
    [
        (lambda W, x: None, DataError, "returned no gradient of W, x"),
        (lambda W, x: (1 * W, 1 * W, 1 * W), DataError, "returned 3 gradients for 2 arguments"),
        (lambda W, x: (2 * x.T @ (x @ W),), DataError, "returned 1 gradients for 2 arguments"),
        (lambda W, x: {"dV": W}, DataError, "'dV' is the gradient of no argument"),
        (lambda W, x: {"dW": None}, DataError, "the gradient of W is None"),
        (lambda W, x: {"dW": "text"}, DataError, "no array but str"),
        (lambda a, b, c, d: None, OptionError, "takes (a, b, c, d), the reference takes (W, x)"),
        (3, OptionError, "int cannot be called"),
        ((loss,), OptionError, "two functions"),
    ],
)
def test_refused(student: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        compare_backward(loss, student, W, x)
    assert words in str(caught.value)


def test_nearest_name_is_offered() -> None:
    with pytest.raises(DataError, match="did you mean `dW`"):
        compare_backward(loss, lambda W, x: {"dWW": W}, W, x)


def test_shapes_are_both_said() -> None:
    def backward(W: Any, x: Any) -> Any:
        dW = np.zeros((2, 5))
        return dW

    report = compare_backward(loss, backward, W, x)
    assert "shape (2, 5), but the gradient has (3, 2)" in str(report)


def test_a_cache_without_its_forward() -> None:
    def odd_backward(dout: Any, cache: Any) -> Any:
        return dout

    with pytest.raises(OptionError, match="there is no odd_forward"):
        compare_backward(loss, odd_backward, W, x)


def test_the_students_own_exception() -> None:
    def backward(W: Any, x: Any) -> Any:
        return 1 / 0

    with pytest.raises(ZeroDivisionError):
        compare_backward(loss, backward, W, x)


def test_a_reference_that_branches_or_is_constant() -> None:
    with pytest.raises(TraceError):
        compare_backward(lambda W, x: W.sum() if W.sum() > 0 else x.sum(), loss, W, x)
    with pytest.raises((DataError, GradientError, TraceError)):
        compare_backward(lambda W, x: 3, loss, W, x)


def test_numbers_that_no_mistake_gives() -> None:
    """No false accusation: the worst element and both numbers are said."""
    odd = np.arange(6.0).reshape(3, 2) ** 2 + 0.1

    def backward(W: Any, x: Any) -> Any:
        dW = 2 * x.T @ (x @ W) + odd
        return dW

    report = compare_backward(loss, backward, W, x)
    (mistake,) = report.mistakes
    assert mistake.kind == "unexplained"
    assert "worst at [2, 1]: 49.1 instead of 24" in str(mistake)


def test_one_number_is_no_evidence() -> None:
    """Any number is some multiple of another: 0.731 times is not called a factor."""
    report = compare_backward(lambda w: w**2, lambda w: 0.731 * 2 * w, 1.7)
    assert [m.kind for m in report.mistakes] == ["unexplained"]
    report = compare_backward(lambda w: w**2, lambda w: 6 * w, 1.7)
    assert [m.kind for m in report.mistakes] == ["scaled"]


_ASSIGNED = ["dscores /= n", "dW2 = h1.T", "db2 =", "dh1 =", "da1 =", "dW1 = x.T", "db1 ="]


@pytest.mark.full
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("line", _ASSIGNED)
def test_noise_is_never_explained(tmp_path: Path, line: str, seed: int) -> None:
    """Random errors in a random place, at random sizes: wrong, and no mistake is named."""
    r = np.random.default_rng(seed)
    n, d, h, k = map(int, r.integers(1, 5, 4))
    shapes = [(d, h), (h,), (h, k + 1), (k + 1,), (n, d)]
    args = [*(r.standard_normal(shape) for shape in shapes), r.integers(0, k + 1, n)]
    (whole,) = [text for text in sigmoid_net.text.splitlines() if line in text]
    name = line.split(maxsplit=1)[0]
    noise = f"np.random.default_rng({seed + 1000}).standard_normal({name}.shape)"
    student, _ = sigmoid_net.planted(tmp_path, (whole, f"{whole}\n    {name} = {name} + {noise}"))
    report = compare_backward(sigmoid_net.function, student, *args)
    assert not report
    assert {mistake.kind for mistake in report.mistakes} == {"unexplained"}, report
