"""Gates: the books' layers, with derivatives that nobody typed."""

from __future__ import annotations

import runpy
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad import gates
from glassgrad.errors import DtypeError, GradientError, IndexRangeError, ShapeError
from glassgrad.gates import (
    Add,
    Affine,
    Exp,
    Gate,
    Log,
    Max,
    Mul,
    Relu,
    Sigmoid,
    Softmax,
    SoftmaxWithLoss,
    cross_entropy_error,
    mean_squared_error,
    numerical_gradient,
    softmax,
)

RNG = np.random.default_rng(0)


def _numerical(gate: Any, dout: np.ndarray, *operands: np.ndarray) -> list[np.ndarray]:
    """Gradients of sum(dout * forward) by central differences."""

    def total(_: Any) -> Any:
        return (dout * gate.forward(*operands)).sum()

    return [numerical_gradient(total, x) for x in operands if x.dtype.kind == "f"]


# --- one gate at a time ------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Exp, Log, Relu, Sigmoid, Softmax])
@pytest.mark.parametrize("shape", [(), (3,), (4, 3), (2, 3, 4), (0, 3)])
def test_unary_gates_against_differences(kind: Any, shape: tuple[int, ...]) -> None:
    if kind is Softmax:
        shape = shape or (1,)  # it needs an axis
    x = np.asarray(RNG.uniform(0.2, 2.0, shape))
    dout = np.asarray(RNG.normal(size=shape))
    gate = kind()
    out = gate.forward(x)
    assert np.shape(out) == shape
    dx = gate.backward(dout)
    assert dx is gate.dx
    assert np.shape(dx) == shape
    if x.ndim:
        (expected,) = _numerical(kind(), dout, x)
        np.testing.assert_allclose(dx, expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("kind", [Add, Mul, Max])
def test_binary_gates_broadcast_and_sum_back(kind: Any) -> None:
    x, y, dout = RNG.normal(size=(4, 1)), RNG.normal(size=3), RNG.normal(size=(4, 3))
    gate = kind()
    gate.forward(x, y)
    dx, dy = gate.backward(dout)
    assert (dx.shape, dy.shape) == (x.shape, y.shape)
    for found, expected in zip((dx, dy), _numerical(kind(), dout, x, y), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


def test_book_names() -> None:
    assert gates.AddLayer is Add
    assert gates.MulLayer is Mul
    assert sorted(gates.__all__) == gates.__all__
    assert [name for name in gates.__all__ if not hasattr(gates, name)] == []


def test_two_apples_and_three_oranges() -> None:
    mul_apple, mul_orange, add, mul_tax = Mul(), Mul(), Add(), Mul()
    apple_price = mul_apple.forward(100, 2)
    orange_price = mul_orange.forward(150, 3)
    all_price = add.forward(apple_price, orange_price)
    assert mul_tax.forward(all_price, 1.1) == pytest.approx(715)
    dall_price, dtax = mul_tax.backward(1)
    dapple_price, dorange_price = add.backward(dall_price)
    assert mul_orange.backward(dorange_price) == pytest.approx((3.3, 165))
    assert mul_apple.backward(dapple_price) == pytest.approx((2.2, 110))
    assert dtax == pytest.approx(650)


def test_python_numbers_and_integer_arrays_count_as_float64() -> None:
    gate = Mul()
    out = gate.forward(np.array([1, 2]), 3)
    assert out.dtype == np.float64
    np.testing.assert_array_equal(gate.backward()[0], [3.0, 3.0])
    assert gate.dy == 3.0


def test_kinks() -> None:
    relu = Relu()
    relu.forward(np.array([-1.0, 0.0, 2.0]))
    np.testing.assert_array_equal(relu.backward(), [0.0, 0.0, 1.0])
    largest = Max()
    largest.forward(3, 3)
    assert largest.backward() == (0.5, 0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(dtype: Any) -> None:
    layers = [Affine(np.ones((2, 3), dtype), np.zeros(3, dtype)), Relu(), Sigmoid()]
    x = np.ones((4, 2), dtype)
    for layer in layers:
        x = layer.forward(x)
    last = SoftmaxWithLoss()
    loss = last.forward(x, np.array([0, 1, 2, 0]))
    assert loss.dtype == dtype
    dout = last.backward()
    for layer in reversed(layers):
        dout = layer.backward(dout)
    assert {dout.dtype, layers[0].dW.dtype, layers[0].db.dtype} == {np.dtype(dtype)}


def test_inputs_and_dout_are_never_changed() -> None:
    x, dout = np.array([-1.0, 2.0]), np.array([1.0, 1.0])
    for gate in (Relu(), Sigmoid(), Exp()):
        gate.forward(x)
        gate.backward(dout)
    np.testing.assert_array_equal(x, [-1.0, 2.0])
    np.testing.assert_array_equal(dout, [1.0, 1.0])


def test_gradients_share_no_memory() -> None:
    gate, dout = Add(), np.ones(3)
    gate.forward(np.zeros(3), np.zeros(3))
    dx, dy = gate.backward(dout)
    dx += 1
    np.testing.assert_array_equal(dy, np.ones(3))
    np.testing.assert_array_equal(dout, np.ones(3))
    total = Gate(lambda x: x.sum())
    total.forward(np.zeros(3))
    grad = total.backward()
    grad *= 2  # the pull of a sum is one number seen three times; here it is an array of one's own
    np.testing.assert_array_equal(grad, [2.0, 2.0, 2.0])


def test_backward_can_be_repeated_and_is_bit_equal() -> None:
    gate = Affine(RNG.normal(size=(5, 4)), RNG.normal(size=4))
    gate.forward(RNG.normal(size=(3, 5)))
    dout = RNG.normal(size=(3, 4))
    first = (gate.backward(dout).copy(), gate.dW.copy(), gate.db.copy())
    again = (gate.backward(dout), gate.dW, gate.db)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


# --- affine and loss ---------------------------------------------------------------------


def test_affine_demo_of_the_book() -> None:
    gate = Affine(np.array([[1.0, 1.0, 1.0]]), np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(
        gate.forward(np.array([[0.0], [10.0]])), [[1, 2, 3], [11, 12, 13]]
    )
    gate.backward(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    np.testing.assert_array_equal(gate.db, [5.0, 7.0, 9.0])
    np.testing.assert_array_equal(gate.dW, [[40.0, 50.0, 60.0]])


def test_affine_flattens_images_and_restores_their_shape() -> None:
    gate = Affine(RNG.normal(size=(12, 5)), np.zeros(5))
    x = RNG.normal(size=(2, 3, 2, 2))
    assert gate.forward(x).shape == (2, 5)
    assert gate.backward(np.ones((2, 5))).shape == x.shape
    assert gate.dW.shape == (12, 5)


def test_affine_sees_changes_in_place() -> None:
    W = np.zeros((2, 2))
    gate = Affine(W, np.zeros(2))
    assert gate.W is W
    x = np.ones((1, 2))
    gate.forward(x)
    W += 1
    np.testing.assert_array_equal(gate.forward(x), [[2.0, 2.0]])


def test_affine_sizes_that_do_not_fit() -> None:
    gate = Affine(np.ones((2, 3)), np.zeros(3))
    with pytest.raises(ShapeError, match="matmul"):
        gate.forward(np.ones((4, 5)))


@pytest.mark.parametrize("labels", [np.array([1, 0, 2]), np.eye(3)[[1, 0, 2]]])
def test_softmax_with_loss(labels: np.ndarray) -> None:
    x = RNG.normal(size=(3, 3))
    gate = SoftmaxWithLoss()
    loss = gate.forward(x, labels)
    y, onehot = softmax(x), np.eye(3)[[1, 0, 2]]
    np.testing.assert_allclose(gate.y, y, rtol=1e-15)
    np.testing.assert_allclose(loss, -np.log(y[[0, 1, 2], [1, 0, 2]]).mean(), rtol=1e-14)
    np.testing.assert_allclose(gate.backward(), (y - onehot) / 3, rtol=1e-14)
    np.testing.assert_allclose(gate.backward(2.0), 2 * (y - onehot) / 3, rtol=1e-14)


def test_one_example_is_a_batch_of_one() -> None:
    gate = SoftmaxWithLoss()
    gate.forward(np.log([0.3, 0.2, 0.5]), np.array([0, 1, 0]))
    np.testing.assert_allclose(gate.backward(), [0.3, -0.8, 0.5], rtol=1e-14)


def test_loss_keeps_its_tail() -> None:
    gate = SoftmaxWithLoss()
    assert gate.forward(np.array([[50.0, 0.0]]), np.array([0])) == pytest.approx(
        np.exp(-50), rel=1e-15
    )
    np.testing.assert_allclose(gate.backward(), [[-np.exp(-50), np.exp(-50)]], rtol=1e-14)


def test_wrong_labels() -> None:
    gate, x = SoftmaxWithLoss(), np.zeros((2, 3))
    with pytest.raises(IndexRangeError, match=r"label 3 is outside \[0, 3\)"):
        gate.forward(x, np.array([0, 3]))
    with pytest.raises(DtypeError, match="labels must be integers, not float64"):
        gate.forward(x, np.array([0.0, 1.0]))
    with pytest.raises(ShapeError, match=r"labels of shape \(2, 4\) for scores of shape \(2, 3\)"):
        gate.forward(x, np.zeros((2, 4)))


def test_losses_of_the_book() -> None:
    y = np.array([0.1, 0.05, 0.6, 0.0, 0.05, 0.1, 0.0, 0.1, 0.0, 0.0])
    t = np.eye(10)[2]
    assert mean_squared_error(y, t) == pytest.approx(0.0975, abs=1e-15)
    assert cross_entropy_error(y, t) == pytest.approx(0.510825457099338, abs=1e-15)
    batch = np.stack([y, y])
    assert cross_entropy_error(batch, [2, 2]) == pytest.approx(0.510825457099338, abs=1e-15)


# --- any function ------------------------------------------------------------------------


def test_gate_of_a_function_that_branches_and_reads_from_outside() -> None:
    settings = {"power": 2}

    def f(x: Any) -> Any:
        return x ** settings["power"] if x.sum() > 0 else -x

    gate = Gate(f)
    gate.forward(np.array([3.0, 1.0]))
    np.testing.assert_array_equal(gate.backward(), [6.0, 2.0])
    settings["power"] = 3
    gate.forward(np.array([3.0, 1.0]))
    np.testing.assert_array_equal(gate.backward(np.array([1.0, 0.0])), [27.0, 0.0])
    gate.forward(np.array([-3.0, 1.0]))
    np.testing.assert_array_equal(gate.backward(), [-1.0, -1.0])


def test_gate_of_several_arguments_and_labels() -> None:
    gate = Gate(lambda x, w, t: (x @ w)[t])
    x, w = RNG.normal(size=3), RNG.normal(size=(3, 2))
    gate.forward(x, w, np.array(1))
    dx, dw, dt = gate.backward()
    np.testing.assert_array_equal(dx, w[:, 1])
    np.testing.assert_array_equal(dw, np.c_[np.zeros(3), x])
    assert dt is None
    assert gate.grads == (dx, dw, None)


def test_gate_of_several_results() -> None:
    gate = Gate(lambda x: (x.sum(), x * 2))
    gate.forward(np.ones(2))
    np.testing.assert_array_equal(gate.backward((3.0, np.array([1.0, 0.0]))), [5.0, 3.0])


def test_gate_of_nested_arguments() -> None:
    gate = Gate(lambda p: (p["a"] * p["b"]).sum())
    gate.forward({"a": np.array([2.0]), "b": np.array([3.0])})
    grads = gate.backward()
    assert (grads["a"].item(), grads["b"].item()) == (3.0, 2.0)


# --- what bad use gets -------------------------------------------------------------------


@pytest.mark.parametrize(
    "gate", [Gate(np.exp), Add(), Affine(np.ones((1, 1)), np.ones(1)), SoftmaxWithLoss()]
)
def test_backward_before_forward(gate: Any) -> None:
    with pytest.raises(GradientError) as caught:
        gate.backward()
    name = type(gate).__name__
    assert str(caught.value) == (
        f"{name}: backward was called before forward\n"
        "  rule derivatives are taken at the values of the forward pass\n\n"
        "hint: call forward(...) first"
    )


def test_dout_of_another_shape() -> None:
    gate = Relu()
    gate.forward(np.ones((2, 3)))
    with pytest.raises(ShapeError) as caught:
        gate.backward(np.ones((3, 2)))
    assert str(caught.value) == (
        "Relu: a gradient of shape (3, 2) for a result of shape (2, 3)\n"
        "  dout   (3, 2) float64\n"
        "  out    (2, 3) float64\n"
        "  rule dout.shape == out.shape"
    )


# --- the book's network ------------------------------------------------------------------


class TwoLayerNet:
    """Chapter 5, with nothing changed but the imports."""

    def __init__(self, input_size: int, hidden_size: int, output_size: int) -> None:
        rng = np.random.default_rng(1)
        self.params = {
            "W1": 0.1 * rng.standard_normal((input_size, hidden_size)),
            "b1": np.zeros(hidden_size),
            "W2": 0.1 * rng.standard_normal((hidden_size, output_size)),
            "b2": np.zeros(output_size),
        }
        self.layers: OrderedDict[str, Any] = OrderedDict()
        self.layers["Affine1"] = Affine(self.params["W1"], self.params["b1"])
        self.layers["Relu1"] = Relu()
        self.layers["Affine2"] = Affine(self.params["W2"], self.params["b2"])
        self.last_layer = SoftmaxWithLoss()

    def loss(self, x: Any, t: Any) -> Any:
        for layer in self.layers.values():
            x = layer.forward(x)
        return self.last_layer.forward(x, t)

    def gradient(self, x: Any, t: Any) -> dict[str, np.ndarray]:
        self.loss(x, t)
        dout = self.last_layer.backward(1)
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        first, second = self.layers["Affine1"], self.layers["Affine2"]
        return {"W1": first.dW, "b1": first.db, "W2": second.dW, "b2": second.db}


def test_two_layer_net_checks_and_learns() -> None:
    network = TwoLayerNet(6, 8, 3)
    x, t = RNG.normal(size=(30, 6)), RNG.integers(0, 3, 30)
    derived = network.gradient(x, np.eye(3)[t])
    for name, param in network.params.items():
        numerical = numerical_gradient(lambda _: network.loss(x, t), param)
        np.testing.assert_allclose(derived[name], numerical, atol=1e-8)
    before = network.loss(x, t)
    for _ in range(200):
        for name, gradient in network.gradient(x, t).items():
            network.params[name] -= 0.5 * gradient
    assert network.loss(x, t) < 0.5 * before


# --- examples ----------------------------------------------------------------------------


def _example(root: Path, name: str) -> dict[str, Any]:
    return runpy.run_path(str(root / "examples" / name))


def test_example_two_layer_net(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = _example(root, "two_layer_net.py")
    accuracy = names["main"]("digits", "600")
    assert accuracy >= 0.9
    printed = capsys.readouterr().out.splitlines()
    checked = dict(line.split(": ") for line in printed[:4])
    assert set(checked) == {"W1", "b1", "W2", "b2"}
    assert all(float(value) < 1e-9 for value in checked.values())
    by_gates, in_one_piece = printed[4].removeprefix("loss by gates ").split(", in one piece ")
    assert float(by_gates) == pytest.approx(float(in_one_piece), rel=1e-12)


def test_example_xor(root: Path) -> None:
    assert _example(root, "xor.py")["main"]("2000") <= 1e-10
