"""`backward()`: which gradients, when, and what writing does to a recorded computation."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from glassgrad.autodiff.api import grad
from glassgrad.errors import DtypeError, GradientError, GradientReplacedWarning, ShapeError
from glassgrad.tensor import parameter, tensor

X = np.array([1.0, 2.0, 3.0])


@pytest.fixture
def _replacing() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GradientReplacedWarning)
        yield


# --- which gradients ---------------------------------------------------------------------


def test_gradients_of_leaves_and_intermediates_are_kept() -> None:
    w, x = parameter(X), tensor(X, requires_grad=True)
    h = w * x
    y = np.tanh(h)
    loss = y.sum()
    assert w.grad is None
    assert h.grad is None
    loss.backward()
    slope = 1 / np.cosh(X * X) ** 2
    np.testing.assert_allclose(h.grad, slope, rtol=1e-14)
    np.testing.assert_allclose(w.grad, slope * X, rtol=1e-14)
    np.testing.assert_allclose(x.grad, slope * X, rtol=1e-14)
    assert loss.grad == 1.0
    assert isinstance(w.grad, np.ndarray)
    assert w.grad.dtype == w.dtype


def test_gradient_has_the_dtype_of_its_value() -> None:
    w = parameter(X, np.float32)
    (w * X).sum().backward()
    assert (w * X).dtype == np.float64
    assert w.grad.dtype == np.float32


def test_only_a_scalar_has_a_gradient() -> None:
    w = parameter(X)
    y = w * 2
    with pytest.raises(GradientError, match=r"shape \(3,\) is not a scalar") as caught:
        y.backward()
    assert ".sum()" in caught.value.hint
    y.backward(gradient=[1.0, 10.0, 100.0])
    assert w.grad.tolist() == [2.0, 20.0, 200.0]
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        y.backward(gradient=[1.0, 1.0])


@pytest.mark.parametrize(
    "make",
    [
        lambda w: tensor(X).sum(),
        lambda w: w.detach().sum(),
        lambda w: (w > 0).sum(),
        np.argmax,
    ],
)
def test_without_a_path_backward_is_refused(make: Callable[[Any], Any]) -> None:
    with pytest.raises(GradientError, match="no gradient path"):
        make(parameter(X)).backward()


def test_what_an_output_does_not_depend_on_keeps_no_gradient() -> None:
    w, other = parameter(X), parameter(X)
    (w * 2).sum().backward()
    assert other.grad is None


def test_a_value_used_twice_gets_the_sum() -> None:
    w = parameter(X)
    (w * w + w).sum().backward()
    assert w.grad.tolist() == (2 * X + 1).tolist()


def test_gradients_of_leaves_may_be_written_in_place() -> None:
    a, b = parameter(X), parameter(X)
    y = a + b
    y.sum().backward()
    a.grad *= 2  # a view of the cotangent, or one shared with b, would fail or change b
    np.add(a.grad, 1, out=a.grad)
    assert b.grad.tolist() == [1.0, 1.0, 1.0]
    assert y.grad.tolist() == [1.0, 1.0, 1.0]
    assert a.grad.tolist() == [3.0, 3.0, 3.0]


def test_setting_and_clearing_gradients() -> None:
    w = parameter(X)
    w.grad = np.ones(3)
    assert w.grad.tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        w.grad = np.ones(2)
    w.grad = None
    assert w.grad is None
    with pytest.raises(GradientError, match="outside the tape"):
        (tensor(X) * 2).grad = X


# --- again, and from elsewhere -----------------------------------------------------------


def test_backward_twice_on_one_output_gives_equal_gradients() -> None:
    w = parameter(X)
    y = np.exp(w).sum()
    y.backward()
    first = w.grad.copy()
    y.backward()
    np.testing.assert_array_equal(w.grad, first)


def test_backward_from_another_output_replaces_and_warns() -> None:
    w = parameter(X)
    loss_a = (w * w).sum()
    loss_b = (w * 3).sum()
    loss_a.backward()
    with pytest.warns(GradientReplacedWarning) as caught:
        loss_b.backward()
    text = str(caught[0].message)
    assert text.startswith("the gradients of loss_a test_tensor_backward.py:")
    assert "replaced by those of loss_b test_tensor_backward.py:" in text
    assert "backward(accumulate=True) adds them" in text
    assert caught[0].filename == __file__
    assert w.grad.tolist() == [3.0, 3.0, 3.0]


def test_accumulate_adds() -> None:
    w = parameter(X)
    for batch in (1.0, 2.0, 3.0):
        (w * batch).sum().backward(accumulate=True)
    assert w.grad.tolist() == [6.0, 6.0, 6.0]


def test_no_warning_after_clearing_or_updating() -> None:
    w = parameter(X)
    (w * 2).sum().backward()
    w.grad = None
    (w * 3).sum().backward()
    w -= 0.1 * w.grad
    (w * 4).sum().backward()
    assert w.grad.tolist() == [4.0, 4.0, 4.0]


def _expressions() -> list[Callable[[Any, Any], Any]]:
    return [
        lambda w, x: np.tanh(w * x).sum(),
        lambda w, x: np.maximum(w - x, 0).mean() + (w**2).sum(),
        lambda w, x: (w[::-1] * np.where(x > 1.5, w, 2.0)).max(),
        lambda w, x: np.concatenate([w, w * x]).cumsum()[2:].sum(),
        lambda w, x: np.sort(w * np.sin(x)).std(),
        lambda w, x: (w.reshape(3, 1) @ x.reshape(1, 3)).var(axis=0).sum(),
    ]


@pytest.mark.parametrize("number", range(6))
@pytest.mark.usefixtures("_replacing")
def test_first_second_and_third_backward_have_the_same_bits(number: int) -> None:
    """Operation by operation, recorded and compiled, and compiled before."""
    expression = _expressions()[number]
    for dtype in (np.float64, np.float32):
        x = X.astype(dtype) / 3
        expected = grad(lambda w, x=x: expression(w, x))(X.astype(dtype))
        for _ in range(3):
            w = parameter(X, dtype)
            expression(w, tensor(x)).backward()
            assert w.grad.tobytes() == expected.tobytes()


@pytest.mark.usefixtures("_replacing")
def test_zeros_of_both_signs_are_different_programs() -> None:
    w = parameter([1.0])
    for factor, sign in ((0.0, False), (-0.0, True)) * 3:
        (w * factor).sum().backward()
        assert np.signbit(w.grad[0]) == sign


@pytest.mark.usefixtures("_replacing")
def test_gradients_through_a_compiled_pass_keep_intermediates() -> None:
    w = parameter(X)
    for _ in range(3):
        h = w * 2
        (h * h).sum().backward()
        np.testing.assert_array_equal(h.grad, 4 * X)


# --- writing -----------------------------------------------------------------------------


def test_setitem_on_a_tensor_rebinds_the_handle() -> None:
    w = parameter(X)
    t = w * 2
    before = t * t  # needs the old value
    t[0] = 10.0
    after = t * t
    assert t.tolist() == [10.0, 4.0, 6.0]
    before.sum().backward()
    assert w.grad.tolist() == (8 * X).tolist()
    w.grad = None
    after.sum().backward()
    assert w.grad.tolist() == [0.0, 16.0, 24.0]


def test_written_values_carry_gradients() -> None:
    w, v = parameter(X), parameter(5.0, np.float64)
    t = w * 1
    t[1] = v * 2
    (t * t).sum().backward()
    assert w.grad.tolist() == [2.0, 0.0, 6.0]
    assert v.grad == 40.0


def test_augmented_assignment_on_a_tensor_rebinds() -> None:
    w = parameter(X)
    t = w * 1
    alias = t
    old = t * t
    t += 1
    t *= 2
    t -= w
    t /= 4
    assert alias is t
    expected = ((X + 1) * 2 - X) / 4
    np.testing.assert_allclose(t.data, expected)
    t.sum().backward()
    np.testing.assert_allclose(w.grad, np.full(3, 0.25))
    w.grad = None
    old.sum().backward()
    np.testing.assert_allclose(w.grad, 2 * X)


def test_updates_keep_shape_and_kind_and_cast_as_numpy() -> None:
    x = tensor([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"float64\[2, 2\] for a tensor of float32\[2\]"):
        x += np.ones((2, 2))
    n = tensor([1, 2])
    with pytest.raises(DtypeError, match=r"float64\[2\] for a tensor of int64\[2\]"):
        n += 0.5
    x += np.ones(2)
    x -= np.float64(1)
    assert x.dtype == np.float32
    w = parameter([1.0, 2.0])
    w -= np.float64(0.1) * np.ones(2)
    assert w.dtype == np.float32


def test_parameter_updates_are_in_place_and_record_nothing() -> None:
    w = parameter(X)
    view, alias = w.data, w
    (w * w).sum().backward()
    w -= 0.5 * w.grad
    assert alias is w
    assert view.tolist() == [0.0, 0.0, 0.0]
    assert w.node.primitive is None
    w[1] = 7.0
    w *= 2.0
    assert view.tolist() == [0.0, 14.0, 0.0]
    w.assign(X)
    assert view.tolist() == X.tolist()
    with pytest.raises(ShapeError, match=r"\(2,\) is assigned to a parameter of shape \(3,\)"):
        w.assign(np.ones(2))


def test_an_overwritten_value_that_is_needed_is_an_error() -> None:
    w = parameter(X)
    y = (w * w).sum()
    w -= 1.0
    with pytest.raises(GradientError) as caught:
        y.backward()
    error = caught.value
    used, written = map(int, re.findall(r"test_tensor_backward\.py:(\d+)", error.problem))
    assert error.problem.startswith("the parameter w, used at")
    assert written == used + 1
    assert "call backward() before the update" in error.hint


@pytest.mark.parametrize(
    "view",
    [
        lambda w: w.reshape(3, 1),
        lambda w: w.T,
        lambda w: w[::-1],
        lambda w: w[:, None].squeeze(),
        lambda w: np.broadcast_to(w, (2, 3)),
        lambda w: w.astype(np.float64),
    ],
)
def test_a_view_of_an_overwritten_parameter_is_gone_too(view: Callable[[Any], Any]) -> None:
    w = parameter(X)
    h = view(w)
    shares = np.shares_memory(h.data, w.data)
    y = (h * h).sum()
    w -= 1.0
    if shares:
        with pytest.raises(GradientError, match="the parameter w, used at"):
            y.backward()
    else:
        y.backward()
        assert w.grad.tolist() == (2 * X).tolist()


def test_an_overwritten_value_that_is_not_needed_is_none() -> None:
    w = parameter(X)
    y = (w.reshape(3, 1) * 2 + 1).sum()
    w -= 1.0
    y.backward()
    assert w.grad.tolist() == [2.0, 2.0, 2.0]
    w.grad = None
    y.backward()
    assert w.grad.tolist() == [2.0, 2.0, 2.0]


def test_an_update_after_backward_is_the_usual_loop() -> None:
    w = parameter(np.array([3.0]))
    for _ in range(50):
        loss = ((w - 1.0) ** 2).sum()
        loss.backward()
        w -= 0.3 * w.grad
    assert w.data[0] == pytest.approx(1.0, abs=1e-12)


def test_gradients_reach_values_of_a_closure_inside_control_flow() -> None:
    """scan, cond and checkpoint take eager tensors of a closure as inputs, not as constants."""
    from glassgrad.autodiff.functions import checkpoint, cond, scan

    w = parameter(2.0, np.float64)
    total, _ = scan(lambda c, x: (c * w + x, None), np.float64(1.0), np.array([1.0, 1.0]))
    total.backward()
    assert w.grad == 2 * 2.0 + 1
    w.grad = None
    checkpoint(lambda x: x * w * w)(np.float64(3.0)).backward()
    assert w.grad == 12.0
    w.grad = None
    cond(False, lambda x: x, lambda x: x * w, np.float64(3.0)).backward()
    assert w.grad == 3.0
