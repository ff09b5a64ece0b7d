"""grad, vjp, jvp, jacobian, hessian: values, containers, arguments, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

from glassgrad.autodiff.api import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from glassgrad.backends.jit import jit
from glassgrad.config import config
from glassgrad.errors import DtypeError, GradientError, ShapeError, TraceError
from glassgrad.graph.trace import trace
from glassgrad.nn.module import Module
from glassgrad.primitives.arithmetic import stop_gradient
from glassgrad.tensor import parameter, state, tensor

X = np.array([0.5, -1.0, 2.0])


# --- kinds of values ---------------------------------------------------------------------


def test_python_floats_become_config_float_and_arrays_keep_their_dtype() -> None:
    value, slope = value_and_grad(lambda x: x**2)(3.0)
    assert (type(value), type(slope)) == (np.float32, np.float32)
    assert (value, slope) == (9.0, 6.0)
    with config.using(float=np.float64):
        assert type(grad(lambda x: x**2)(3.0)) is np.float64
    for dtype in (np.float32, np.float64):
        assert grad(lambda x: (x**2).sum())(X.astype(dtype)).dtype == dtype
    assert grad(lambda x: (x * X).sum())(np.ones(3, np.float32)).dtype == np.float32


def test_tensors_are_differentiated_as_arrays_are() -> None:
    w = parameter(X)
    found = grad(lambda w: (w * w).sum())(w)
    np.testing.assert_array_equal(found.data, 2 * X)  # a tensor, recorded as its argument is
    assert found.requires_grad
    assert w.grad is None


def test_values_outside_are_constants() -> None:
    factor = tensor(X)
    found = grad(lambda x: (x * factor).sum())(np.ones(3))
    np.testing.assert_array_equal(np.asarray(found), X)


# --- containers --------------------------------------------------------------------------


@dataclass
class Pair:
    scale: Any
    shift: Any


class Point(NamedTuple):
    x: Any
    y: Any


class Affine(Module):
    def __init__(self) -> None:
        self.W = parameter(np.array([[1.0, 2.0], [3.0, 4.0]]))
        self.b = parameter(np.array([0.5, -0.5]))
        self.mean = state(np.zeros(2))

    def forward(self, x: Any) -> Any:
        return x @ self.W + self.b - self.mean


def test_gradients_come_in_the_containers_of_the_arguments() -> None:
    def f(tree: Any) -> Any:
        pair, (point, nothing), extra = tree["pair"], tree["more"], tree["extra"]
        assert nothing is None
        return (pair.scale * point.x + pair.shift * point.y).sum() + extra[0] * extra[1]

    tree = {
        "pair": Pair(X, X * 2),
        "more": (Point(X * 3, X * 4), None),
        "extra": [np.float64(5.0), np.float64(6.0)],
    }
    found = grad(f)(tree)
    assert list(found) == ["pair", "more", "extra"]
    assert isinstance(found["pair"], Pair)
    np.testing.assert_array_equal(found["pair"].scale, X * 3)
    np.testing.assert_array_equal(found["pair"].shift, X * 4)
    assert isinstance(found["more"][0], Point)
    np.testing.assert_array_equal(found["more"][0].x, X)
    assert found["more"][1] is None
    assert found["extra"] == [6.0, 5.0]


def test_a_modules_gradient_is_a_dict_by_path() -> None:
    model, x = Affine(), np.array([[1.0, -1.0]])

    def loss(model: Any, x: Any) -> Any:
        return (model(x) ** 2).sum()

    before = model.W
    found = grad(loss)(model, x)
    assert sorted(found) == ["W", "b"]
    out = 2 * (x @ model.W.data + model.b.data)
    np.testing.assert_allclose(found["W"].data, x.T @ out)
    np.testing.assert_allclose(found["b"].data, out[0])
    assert model.W is before
    by_model, by_x = grad(loss, (0, 1))(model, x)
    assert set(by_model) == {"W", "b"}
    np.testing.assert_allclose(by_x.data, out @ model.W.data.T)


def test_writing_a_state_under_grad_is_refused() -> None:
    model = Affine()

    def loss(model: Any, x: Any) -> Any:
        out = model(x)
        model.mean = model.mean * 0.9 + x[0] * 0.1
        return out.sum()

    with pytest.raises(GradientError, match="the state mean is written"):
        grad(loss)(model, np.ones((1, 2)))
    np.testing.assert_array_equal(model.mean.data, np.zeros(2))


def test_argnums_has_aux_and_keywords() -> None:
    def f(x: Any, y: Any, *, power: int = 2) -> Any:
        out = (x**power * y).sum()
        return out, {"seen": y, "power": power}

    with pytest.raises((GradientError, TypeError, AttributeError)):
        grad(f)(X, X)
    (value, aux), found = value_and_grad(f, (0, 1), has_aux=True)(X, X, power=3)
    assert aux["power"] == 3
    assert value == (X**4).sum()
    np.testing.assert_allclose(found[0], 3 * X**3)
    np.testing.assert_allclose(found[1], X**3)
    gradient, aux = grad(f, -1, has_aux=True)(X, X)
    np.testing.assert_allclose(gradient, X**2)
    assert aux["seen"] is not None
    with pytest.raises(GradientError, match="argnums 2 names no argument"):
        grad(lambda x: x.sum(), 2)(X)


# --- what is refused ---------------------------------------------------------------------


def test_integers_have_no_gradient() -> None:
    for argument in (3, True, np.arange(3)):
        with pytest.raises(DtypeError, match="has no gradient") as caught:
            grad(lambda x: (x * 2.0).sum())(argument)
        assert "write 3.0 instead of 3" in caught.value.hint
    with pytest.raises(DtypeError) as nested:
        grad(lambda tree: tree["a"] * tree["n"])({"a": 2.0, "n": 3})
    assert "tree.n" in str(nested.value)
    with pytest.raises(DtypeError):
        jacobian(lambda x: (x > 0).sum())(X)


def test_integers_beside_are_what_they_are() -> None:
    def f(x: Any, n: int, labels: Any) -> Any:
        out = x
        for _ in range(n):
            out = out * x
        return out[labels].sum()

    np.testing.assert_allclose(grad(f)(X, 2, np.array([0, 2, 2])), 3 * X**2 * [1, 0, 2])
    np.testing.assert_allclose(grad(grad(lambda x, n: x**n))(np.float64(2.0), 3), 12.0)


def test_only_one_real_number_has_a_gradient() -> None:
    for f in (lambda x: x, lambda x: (x.sum(), x.sum()), np.argmax, lambda x: None):
        with pytest.raises(GradientError):
            grad(f)(X)
    with pytest.raises(GradientError, match="reduce the result") as caught:
        grad(lambda x: x * 2)(X)
    assert "float64[3]" in str(caught.value)


def test_no_dependence_gives_zeros() -> None:
    found = grad(lambda x, y: (x * 0.0).sum() + 1.0, (0, 1))(X, np.float32(1))
    assert found[0].tolist() == [0.0, 0.0, 0.0]
    assert (found[1], type(found[1])) == (0.0, np.float32)
    assert grad(lambda x: np.float64(3.0))(X).tolist() == [0.0, 0.0, 0.0]
    assert jvp(lambda x: np.float64(3.0), (X,), (X,)) == (3.0, 0.0)
    assert hessian(lambda x: x.sum())(X).tolist() == np.zeros((3, 3)).tolist()


def test_arrays_made_of_differentiated_values_are_refused() -> None:
    for make in (np.asarray, np.array, lambda x: np.asarray(x, float)):
        with pytest.raises(GradientError, match="turned into an array"):
            grad(lambda x, make=make: (make(x) * x).sum())(X)
        with pytest.raises(GradientError, match="turned into an array"):
            jvp(lambda x, make=make: make(x) * x, (X,), (X,))
    np.testing.assert_array_equal(grad(lambda x: (x.detach() * x).sum())(X), X)
    np.testing.assert_array_equal(grad(lambda x: (stop_gradient(x) * x).sum())(X), X)


def test_python_branches_are_allowed_under_grad_and_refused_when_recording() -> None:
    def f(x: Any) -> Any:
        if x > 0:
            return x * 2
        return -x

    assert (grad(f)(1.0), grad(f)(-1.0)) == (2.0, -1.0)
    assert (jvp(f, (1.0,), (1.0,))[1], grad(grad(f))(1.0)) == (2.0, 0.0)
    for record in (lambda: trace(f, 1.0), lambda: jit(f)(np.float32(1.0))):
        with pytest.raises(
            TraceError, match=r"test_api\.py:\d+: a traced value has no bool"
        ) as caught:
            record()
        assert "if x > 0:" in str(caught.value)
        assert "np.where(condition, a, b)" in caught.value.hint


# --- vjp and jvp -------------------------------------------------------------------------


def test_vjp_takes_a_cotangent_in_the_results_containers() -> None:
    value, pull = vjp(lambda x, y: {"s": x * y, "t": [y]}, X, X * 2)
    np.testing.assert_array_equal(value["s"], 2 * X * X)
    by_x, by_y = pull({"s": np.ones(3), "t": [np.full(3, 10.0)]})
    np.testing.assert_array_equal(by_x, 2 * X)
    np.testing.assert_array_equal(by_y, X + 10)
    np.testing.assert_array_equal(pull({"s": np.zeros(3), "t": [X]})[1], X)
    with pytest.raises(ShapeError, match="results: 2, cotangents: 1"):
        pull([np.ones(3)])
    with pytest.raises(ShapeError, match=r"cotangent has shape \(2,\)"):
        pull({"s": np.ones(2), "t": [X]})


def test_jvp_moves_all_arguments() -> None:
    value, moved = jvp(lambda x, y: (x * y, x.sum()), (X, X), (np.ones(3), 2 * np.ones(3)))
    np.testing.assert_array_equal(value[0], X * X)
    np.testing.assert_array_equal(moved[0], 3 * X)
    assert moved[1] == 3.0
    with pytest.raises(ShapeError, match=r"tangent has shape \(2,\)"):
        jvp(lambda x: x, (X,), (np.ones(2),))
    with pytest.raises(ShapeError, match="arrays: 1, tangents: 2"):
        jvp(lambda x: x, (X,), (X, X))


# --- matrices ----------------------------------------------------------------------------


def f_vector(x: Any) -> Any:
    return np.stack([x[0] * x[1], np.sin(x[2]), x.sum(), x[1] ** 2])


def jacobian_of_f(x: np.ndarray) -> np.ndarray:
    return np.array([[x[1], x[0], 0], [0, 0, np.cos(x[2])], [1, 1, 1], [0, 2 * x[1], 0]])


@pytest.mark.parametrize("mode", ["reverse", "forward", "auto"])
def test_jacobian_in_both_modes(mode: str) -> None:
    np.testing.assert_allclose(jacobian(f_vector, mode=mode)(X), jacobian_of_f(X), atol=1e-15)
    out = jacobian(lambda x: x[:, None] * x, mode=mode)(X)
    assert out.shape == (3, 3, 3)
    np.testing.assert_allclose(jacobian(lambda x: x**2, mode=mode)(np.float64(3.0)), 6.0)
    assert jacobian(lambda x: x[:0], mode=mode)(X).shape == (0, 3)
    assert jacobian(lambda x: x.sum(), mode=mode)(np.ones((0, 2))).shape == (0, 2)


def test_jacobian_of_containers() -> None:
    found = jacobian(lambda t: (t["a"] * t["b"], t["b"].sum()))({"a": X, "b": X * 2})
    np.testing.assert_array_equal(found[0]["a"], np.diag(2 * X))
    np.testing.assert_array_equal(found[0]["b"], np.diag(X))
    np.testing.assert_array_equal(found[1]["b"], np.ones(3))
    np.testing.assert_array_equal(jacobian(lambda x, y: x * y, 1)(X, X), np.diag(X))


def test_hessian_and_products() -> None:
    def f(x: Any) -> Any:
        return (x**3).sum() + x[0] * x[1] * x[2]

    expected = np.diag(6 * X) + np.array([[0, X[2], X[1]], [X[2], 0, X[0]], [X[1], X[0], 0]])
    np.testing.assert_allclose(hessian(f)(X), expected)
    np.testing.assert_allclose(jacobian(jacobian(f))(X), expected)
    np.testing.assert_allclose(jacobian(grad(f), mode="forward")(X), expected)
    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(hvp(f, X, v), expected @ v)
    both = hvp(lambda x, y: (x * y).sum(), (X, X), (v, 2 * v))
    np.testing.assert_allclose(both[0], 2 * v)
    np.testing.assert_allclose(both[1], v)
    tree = hvp(lambda t: (t["a"] ** 2 * t["b"]).sum(), {"a": X, "b": X}, {"a": v, "b": 0 * v})
    np.testing.assert_allclose(tree["a"], 2 * X * v)


def test_a_pullback_can_be_used_again() -> None:
    _, pull = vjp(np.exp, X)
    first, second = pull(np.ones(3))[0], pull(np.ones(3))[0]
    assert first.tobytes() == second.tobytes()


def test_inputs_are_never_changed() -> None:
    x = X.copy()
    for transform in (grad, hessian, jacobian):
        transform(lambda x: (np.sort(x) * x).cumsum()[1])(x)
    np.testing.assert_array_equal(x, X)
