"""The README's story from end to end in a few seconds: this file gates each commit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg


def neuron(w: Any, x: Any) -> Any:
    score = w[0] * x[0] + w[1] * x[1] + w[2]
    return 1 / (1 + np.exp(-score))


W, X = np.array([2.0, -3.0, -3.0]), np.array([-1.0, -2.0])


def test_a_gradient_of_a_function() -> None:
    assert round(float(neuron(W, X)), 4) == 0.7311
    np.testing.assert_allclose(gg.grad(neuron)(W, X), [-0.1966, -0.3932, 0.1966], atol=5e-5)
    value, (_, dx) = gg.value_and_grad(neuron, (0, 1))(W, X)
    assert value == neuron(W, X)
    np.testing.assert_allclose(dx, [0.3932, -0.5898], atol=5e-5)
    assert gg.check_grads(neuron, W, X, order=2, verbose=False)


def test_the_graph_of_a_function() -> None:
    graph = gg.trace(neuron, W, X)
    assert "score: float64[] = add" in str(graph)
    assert graph.run(W, X) == neuron(W, X)
    _, dw, _ = graph.gradients().run(W, X)
    np.testing.assert_array_equal(dw, gg.grad(neuron)(W, X))
    assert gg.jit(neuron)(W, X) == neuron(W, X)
    assert [eqn.primitive.name for eqn, _ in graph.steps(W, X)][-1] == "divide"


def test_transforms_nest() -> None:
    f = lambda x: np.sin(x) * x  # noqa: E731
    x = np.float64(0.7)
    second = 2 * np.cos(x) - x * np.sin(x)
    assert gg.grad(gg.grad(f))(x) == pytest.approx(second)
    assert gg.jvp(gg.grad(f), (x,), (1.0,))[1] == pytest.approx(second)
    np.testing.assert_allclose(gg.vmap(gg.grad(f))(X), np.sin(X) + X * np.cos(X))
    np.testing.assert_allclose(gg.hessian(lambda w: neuron(w, X))(W).shape, (3, 3))
    total, _ = gg.scan(lambda c, v: (c * v, c), np.float64(1.0), X)
    assert total == X.prod()


def test_eager_tensors() -> None:
    w, x = gg.parameter(W, name="w"), gg.tensor(X)
    for _ in range(3):
        h = w[0] * x[0] + w[1] * x[1] + w[2]
        loss = (1 / (1 + np.exp(-h)) - 1) ** 2
        loss.backward()
        assert h.grad is not None
        w -= 0.1 * w.grad
        w.grad = None
    assert float(neuron(w.data, X)) > float(neuron(W, X))
    with gg.no_grad():
        assert not (w * 2).requires_grad


def test_a_network_learns_and_is_saved(tmp_path: Path) -> None:
    rows = gg.data.xor()
    x, y = rows.train_X, rows.train_y
    model = gg.nn.Sequential(gg.nn.Linear(2, 8, rng=1), gg.nn.Tanh(), gg.nn.Linear(8, 2, rng=2))
    gg.fit(
        model, (x, y), loss="cross_entropy", optimizer="adam", lr=0.05, epochs=120, batch_size=4,
        progress=False,
    )  # fmt: skip
    assert model.predict(x).argmax(axis=1).tolist() == y.tolist()
    path = tmp_path / "xor"
    gg.save(model, path)
    again = gg.load(path)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_the_compiled_step_is_the_eager_loop() -> None:
    x, y = np.ones((4, 2), np.float32) * np.arange(4, dtype=np.float32)[:, None], np.arange(4) % 2

    def loss_of(model: Any, x: Any, y: Any) -> Any:
        return gg.nn.losses.cross_entropy(model(x), y)

    def made() -> Any:
        return gg.nn.Linear(2, 2, rng=3)

    eager, compiled = made(), made()
    opt = gg.optim.SGD(eager, lr=0.1)
    step = gg.train_step(loss_of, compiled, gg.optim.SGD(compiled, lr=0.1))
    for _ in range(3):
        loss = loss_of(eager, gg.tensor(x), y)
        loss.backward()
        opt.step()
        opt.zero_grad()
        assert step(x, y) == pytest.approx(float(loss), rel=1e-6)
    np.testing.assert_allclose(eager.W.data, compiled.W.data, rtol=1e-6)


def test_errors_help() -> None:
    h, weights = gg.tensor(np.ones((2, 4))), gg.parameter(np.ones((3, 5)), name="W1")
    with pytest.raises(gg.errors.ShapeError, match="inner sizes differ, 4 and 3") as caught:
        h @ weights
    assert "W1" in str(caught.value)
    with pytest.raises(gg.errors.TraceError, match="a traced value has no bool"):
        gg.trace(lambda x: x if x > 0 else -x, 1.0)


def test_the_books_gates_and_a_worked_example() -> None:
    gate = gg.gates.Mul()
    assert gate.forward(100.0, 2.0) == 200.0
    assert list(gate.backward(1.3)) == [2.6, 130.0]
    checks = gg.canon.cs231n.sigmoid_circuit.check()
    assert checks
    assert all(check.ok for check in checks)
