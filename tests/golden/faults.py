"""Faulty calls, one a line of thought: what they say is kept in errors_en.txt and errors_ko.txt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import glassgrad as gg
from glassgrad.nn.module import Module
from glassgrad.tensor import state

A, V = np.ones((2, 3)), np.ones(3)


def _weight() -> Any:
    w = gg.parameter(np.ones((3, 5)), name="W1")
    return w


# --- shapes and dtypes -------------------------------------------------------------------


def inner_sizes_differ() -> Any:
    h = gg.tensor(np.ones((2, 4)))
    return h @ _weight()


def transposed_weight() -> Any:
    h = gg.tensor(np.ones((2, 5)))
    return h @ _weight()


def sizes_do_not_broadcast() -> Any:
    x, y = gg.tensor(A), gg.tensor(np.ones((2, 4)))
    return x + y


def reshape_of_wrong_size() -> Any:
    return gg.tensor(A).reshape(4, 2)


def axis_outside() -> Any:
    return gg.tensor(A).sum(axis=2)


def concat_of_other_sizes() -> Any:
    return np.concatenate([gg.tensor(A), gg.tensor(V.reshape(1, 3))], axis=1)


def index_outside() -> Any:
    return gg.tensor(A)[2]


def too_many_indices() -> Any:
    return gg.tensor(A)[0, 0, 0]


def index_array_outside() -> Any:
    return gg.tensor(A)[np.array([0, 5])]


def value_that_does_not_fit() -> Any:
    x = gg.tensor(A)
    x[0] = np.ones(2)
    return x


def empty_maximum() -> Any:
    return gg.tensor(np.ones((0, 3))).max()


def einsum_of_other_sizes() -> Any:
    return np.einsum("ij,jk->ik", gg.tensor(A), gg.tensor(A))


def update_of_another_shape() -> Any:
    x = gg.tensor(V)
    x += A
    return x


def update_of_another_kind() -> Any:
    n = gg.tensor([1, 2])
    n += 0.5
    return n


def assignment_of_another_shape() -> Any:
    w = _weight()
    w.assign(V)


def data_that_is_no_array() -> Any:
    return gg.tensor(["a", "b"])


# --- backward ----------------------------------------------------------------------------


def backward_of_a_vector() -> Any:
    (gg.parameter(V) * 2).backward()


def backward_without_a_path() -> Any:
    gg.tensor(V).sum().backward()


def backward_after_an_update() -> Any:
    w = gg.parameter(V)
    loss = (w * w).sum()
    w -= 0.1
    loss.backward()


def gradient_of_another_shape() -> Any:
    (gg.parameter(V) * 2).backward(gradient=np.ones(2))


def integer_that_requires_a_gradient() -> Any:
    return gg.tensor([1, 2], requires_grad=True)


def array_of_a_recorded_tensor() -> Any:
    w = gg.parameter(V)
    return np.asarray(w)


def numpy_function_that_is_not_recorded() -> Any:
    return np.fft.fft(gg.parameter(V))


def graph_of_nothing() -> Any:
    return (gg.tensor(V).detach() * 2).graph()


# --- transforms --------------------------------------------------------------------------


def gradient_of_a_vector() -> Any:
    return gg.grad(lambda x: x * 2)(V)


def gradient_by_an_integer() -> Any:
    return gg.grad(lambda n: n * 2.0)(3)


def gradient_by_an_integer_inside() -> Any:
    return gg.grad(lambda tree: tree["w"] * tree["n"])({"w": 2.0, "n": 3})


def argument_that_is_not_there() -> Any:
    return gg.grad(lambda x: x, argnums=1)(2.0)


def function_without_return() -> Any:
    return gg.grad(lambda x: None)(2.0)


def array_of_a_differentiated_value() -> Any:
    return gg.grad(lambda x: np.asarray(x).sum())(V)


class _Counter(Module):
    def __init__(self) -> None:
        self.seen = state(0.0)

    def forward(self, x: Any) -> Any:
        self.seen = self.seen + 1.0
        return x


def state_written_under_grad() -> Any:
    model = _Counter()
    return gg.grad(lambda model, x: model(x), argnums=1)(model, 2.0)


def cotangents_that_do_not_fit() -> Any:
    return gg.vjp(lambda x: (x, x), V)[1](V)


def tangent_of_another_shape() -> Any:
    return gg.jvp(lambda x: x, (V,), (A,))


def batches_of_different_size() -> Any:
    return gg.vmap(lambda x, y: x)(A, V)


def branch_on_a_mapped_value() -> Any:
    return gg.vmap(lambda x: x if x > 0 else -x)(V)


def order_of_a_check() -> Any:
    return gg.check_grads(lambda x: x, V, order=3)


# --- recording ---------------------------------------------------------------------------


def branch_on_a_traced_value() -> Any:
    def f(x: Any) -> Any:
        if x.sum() > 0:
            return x
        return -x

    return gg.trace(f, V)


def number_of_a_traced_value() -> Any:
    return gg.trace(lambda score: score * float(score), 2.0)


def mask_of_a_traced_value() -> Any:
    return gg.trace(lambda x: x[x > 0], V)


def text_for_a_result() -> Any:
    return gg.trace(lambda x: "text", V)


def arguments_of_another_shape() -> Any:
    return gg.trace(lambda x: x.mean(), V).run(np.ones(5))


def too_few_arguments() -> Any:
    return gg.trace(lambda x, y: x + y, V, V).run(V)


def unknown_input() -> Any:
    return gg.trace(lambda weight: weight.sum(), V).gradients("wieght")


def carry_that_drifts() -> Any:
    return gg.scan(lambda total, x: (total + x, None), 0, V)


def loop_of_two_lengths() -> Any:
    return gg.scan(lambda c, x: (c, x), 0.0, (A, V))


def branches_that_differ() -> Any:
    return gg.cond(True, lambda x: x, lambda x: x.sum(), V)


def condition_of_many() -> Any:
    return gg.cond(V > 0, lambda x: x, lambda x: -x, V)


def backward_that_returns_too_little() -> Any:
    return gg.custom_gradient(lambda x, y: (x * y, lambda dout: (dout,)))(V, V)


def unknown_backend() -> Any:
    return gg.jit(lambda x: x, backend="nunpy")(V)


def draw_without_a_key() -> Any:
    from glassgrad.primitives import random

    return random.uniform((3,))


# --- losses ------------------------------------------------------------------------------


def mse_of_a_column_and_a_row() -> Any:
    return gg.nn.losses.mse(np.ones((4, 1)), np.ones(4))


def label_outside() -> Any:
    return gg.nn.losses.cross_entropy(np.ones((2, 3)), np.array([0, 3]))


FAULTS: dict[str, Callable[[], Any]] = {
    name: value
    for name, value in list(globals().items())
    if callable(value) and getattr(value, "__module__", "") == __name__ and name[0] != "_"
}
