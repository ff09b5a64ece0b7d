"""Right backward passes grade clean, in every form in which they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnose.grading.programs import (
    BOOK,
    SIGMOID,
    Lecture,
    book,
    load,
    relu_net,
    sigmoid_net,
    xor,
)

from glassgrad import compare_backward
from glassgrad.diagnose.grading.comparison import Comparison


def _graded(lecture: Lecture, folder: Path, *changes: tuple[str, str]) -> Comparison:
    student, _ = lecture.planted(folder, *changes)
    return compare_backward(lecture.function, student, *lecture.args)


def _is_clean(report: Comparison) -> bool:
    return bool(report) and {row.verdict for row in report.rows} <= {"right", "other"}


def test_a_function_of_the_arguments(tmp_path: Path) -> None:
    report = _graded(sigmoid_net, tmp_path)
    assert _is_clean(report), report
    assert [row.name for row in report.rows if row.role == "inner"] == ["dscores", "dh1", "da1"]
    assert report.missing == ("x",)


def test_case_study_of_cs231n(tmp_path: Path) -> None:
    """The masked `dhidden` is no longer the gradient of hidden_layer; it was when it was made."""
    report = _graded(relu_net, tmp_path)
    assert _is_clean(report), report
    assert report.notes == ()
    assert report.loss is None


def test_xor_note(tmp_path: Path) -> None:
    report = _graded(xor, tmp_path)
    assert _is_clean(report), report
    assert report.rate == pytest.approx(0.1)
    assert {row.name: row.place for row in report.rows if row.role == "gradient"} == {
        "dW2": "student.py:16",
        "dW1": "student.py:17",
    }


@pytest.mark.parametrize(
    "changes",
    [
        [("    W2 += lr", "    W2 = W2 + lr"), ("X.T @ d_h\n", "X.T @ d_h\n    return W1, W2\n"),
         ("    W1 += lr", "    W1 = W1 + lr")],
        [("error = y - out", "error = out - y"), ("W2 += lr", "W2 -= lr"),
         ("W1 += lr", "W1 -= lr")],
        [("error = y - out", "error = 2 * (y - out)")],
        [("lr = 0.1", "pass"), ("train_step(W1, W2, X, y)", "train_step(W1, W2, X, y, lr)")],
        [("X.T @ d_h\n", 'X.T @ d_h\n    return {"W1": W1, "W2": W2}\n')],
    ],
    ids=["returned", "subtracted", "twice the loss", "rate given", "dict"],
)  # fmt: skip
def test_training_steps(tmp_path: Path, changes: list[tuple[str, str]]) -> None:
    assert _is_clean(report := _graded(xor, tmp_path, *changes)), report


def test_twice_the_loss_is_remarked_on(tmp_path: Path) -> None:
    report = _graded(xor, tmp_path, ("error = y - out", "error = 2 * (y - out)"))
    assert "2 × learning rate × gradient" in str(report)


def test_the_books_network_is_right_but_for_its_constant(tmp_path: Path) -> None:
    """CANON C11: the layer's backward pass leaves out the 1e-7 inside the logarithm."""
    report = _graded(book, tmp_path)
    assert report, report
    (note,) = report.notes
    assert note.kind == "epsilon"
    assert note.forward[1] == "loss = -(t * np.log(y + 1e-7)).sum() / 5"
    assert "explained by the 1e-7 inside log" in str(note)
    assert "tiny mismatch" in str(report)
    assert 1e-9 < note.error < 1e-5


def _affine(x: Any, W: Any, b: Any) -> Any:
    return x @ W + b


def _softmax_loss(x: Any, t: Any) -> Any:
    e = np.exp(x)
    return -(t * np.log(e / e.sum(axis=1, keepdims=True))).sum() / 5


@pytest.mark.parametrize(
    ("function", "name", "shapes"),
    [
        (_affine, "Affine", [(5, 4), (4, 3), (3,)]),
        (lambda x: np.maximum(x, 0), "Relu", [(5, 4)]),
        (lambda x: 1 / (1 + np.exp(-x)), "Sigmoid", [(5, 4)]),
    ],
    ids=["Affine", "Relu", "Sigmoid"],
)
def test_the_books_layers(tmp_path: Path, function: Any, name: str, shapes: Any) -> None:
    r = np.random.default_rng(0)
    layer = getattr(load(tmp_path, BOOK), name)
    args = [r.standard_normal(shape) for shape in shapes]
    report = compare_backward(function, layer, *args)
    assert _is_clean(report), report
    assert len([row for row in report.rows if row.role == "gradient"]) == len(shapes)
    made = layer(*args[1:])
    assert _is_clean(compare_backward(function, made, *args))


def test_the_books_loss_layer(tmp_path: Path) -> None:
    layer = load(tmp_path, BOOK).SoftmaxWithLoss
    x, t = np.random.default_rng(0).standard_normal((5, 3)), np.eye(3)[[0, 2, 1, 1, 0]]
    assert _is_clean(compare_backward(_softmax_loss, layer, x, t))


def test_the_books_network_by_its_class(tmp_path: Path) -> None:
    """Its constructor takes sizes, which the weights tell; its method is `gradient`."""
    program = load(tmp_path, BOOK)
    report = compare_backward(book.function, program.TwoLayerNet, *book.args)
    assert report, report
    assert report.missing == ("x", "t")


CACHE = """\
import numpy as np

def affine_forward(x, w, b):
    out = x @ w + b
    return out, (x, w, b)

def affine_backward(dout, cache):
    x, w, b = cache
    dx, dw, db = dout @ w.T, x.T @ dout, dout.sum(axis=0)
    return dx, dw, db
"""


def test_forward_and_backward_with_a_cache(tmp_path: Path) -> None:
    program = load(tmp_path, CACHE)
    r = np.random.default_rng(0)
    args = r.standard_normal((5, 4)), r.standard_normal((4, 3)), r.standard_normal(3)
    assert _is_clean(compare_backward(_affine, program.affine_backward, *args))
    pair = program.affine_forward, program.affine_backward
    assert _is_clean(compare_backward(_affine, pair, *args))


def test_other_arithmetic_and_float32(tmp_path: Path) -> None:
    """Equivalent formulas differ by roundings only, in the student's own precision."""
    changes = [
        ("dscores = p.copy()", "dscores = p / n"),
        ("dscores[np.arange(n), t] -= 1\n", "dscores[np.arange(n), t] -= 1 / n\n"),
        ("    dscores /= n\n", ""),
        ("da1 = dh1 * h1 * (1 - h1)", "da1 = dh1 * np.exp(-a1) / (1 + np.exp(-a1)) ** 2"),
    ]
    student, _ = sigmoid_net.planted(tmp_path, *changes)
    assert _is_clean(compare_backward(sigmoid_net.function, student, *sigmoid_net.args))
    single = [a.astype(np.float32) if a.dtype.kind == "f" else a for a in sigmoid_net.args]
    report = compare_backward(sigmoid_net.function, student, *single)
    assert _is_clean(report), report
    assert max(row.error for row in report.rows) > 1e-9


def test_parameters_in_a_dict() -> None:
    def loss(params: Any, x: Any) -> Any:
        return ((x @ params["W"] + params["b"]) ** 2).sum()

    def backward(params: Any, x: Any) -> Any:
        dout = 2 * (x @ params["W"] + params["b"])
        return {"dW": x.T @ dout, "db": dout.sum(axis=0)}

    r = np.random.default_rng(0)
    params = {"W": r.standard_normal((4, 2)), "b": r.standard_normal(2)}
    report = compare_backward(loss, backward, params, r.standard_normal((3, 4)))
    assert _is_clean(report), report
    assert {row.name for row in report.rows} == {"dW", "db"}


def test_other_names_are_no_mistake(tmp_path: Path) -> None:
    """`dh1` for the gradient of a1: what follows is right, so it only means something else."""
    changes = [("da1 = dh1 * h1 * (1 - h1)", "dh1 = dh1 * 1.0\n    dh1 = dh1 * h1 * (1 - h1)"),
               ("dW1 = x.T @ da1", "dW1 = x.T @ dh1"), ("np.sum(da1", "np.sum(dh1"),
               ("dh1 = dscores @ W2.T", "dh1 = 1.0 * (dscores @ W2.T)")]  # fmt: skip
    assert _is_clean(_graded(sigmoid_net, tmp_path, *changes))
    renamed = SIGMOID.replace("dh1", "da1")
    report = compare_backward(sigmoid_net.function, load(tmp_path, renamed).backward,
                              *sigmoid_net.args)  # fmt: skip
    assert _is_clean(report), report


def test_nothing_of_the_callers_is_changed(tmp_path: Path) -> None:
    student, _ = xor.planted(tmp_path)
    before = [a.copy() for a in xor.args]
    compare_backward(xor.function, student, *xor.args)
    assert all(np.array_equal(a, b) for a, b in zip(before, xor.args, strict=True))


METHOD = """\
import numpy as np

class Line:
    def __init__(self):
        self.W, self.b = np.zeros((3, 1)), np.zeros(1)

    def train_step(self, x, y, lr):
        error = y - (x @ self.W + self.b)
        self.W += lr * 2 * x.T @ error
        self.b += lr * 2 * error.sum(axis=0)

line = Line()
"""


def test_a_step_of_an_object_that_holds_the_weights(tmp_path: Path) -> None:
    def loss(W: Any, b: Any, x: Any, y: Any) -> Any:
        return ((x @ W + b - y) ** 2).sum()

    r = np.random.default_rng(0)
    args = [r.standard_normal(shape) for shape in ((3, 1), (1,), (5, 3), (5, 1))]
    report = compare_backward(loss, load(tmp_path, METHOD).line.train_step, *args)
    assert _is_clean(report), report
    assert report.rate == pytest.approx(0.1)
    uphill = METHOD.replace("self.b += lr", "self.b -= lr")
    report = compare_backward(loss, load(tmp_path, uphill).line.train_step, *args)
    assert [(m.kind, m.name) for m in report.mistakes] == [("sign", "db")]


@pytest.mark.parametrize("seed", range(8))
def test_any_sizes(tmp_path: Path, seed: int) -> None:
    """One sample, one feature, one neuron: nothing is accused because sizes coincide."""
    r = np.random.default_rng(seed)
    n, d, h, k = map(int, r.integers(1, 5, 4))
    shapes = [(d, h), (h,), (h, k + 1), (k + 1,), (n, d)]
    args = [*(r.standard_normal(shape) for shape in shapes), r.integers(0, k + 1, n)]
    student, _ = sigmoid_net.planted(tmp_path)
    report = compare_backward(sigmoid_net.function, student, *args)
    assert _is_clean(report), report


LOOP = """\
import numpy as np

def train(X, y, W1, W2, learning_rate, epochs):
    for epoch in range(epochs):
        h = 1 / (1 + np.exp(-(X @ W1)))
        out = 1 / (1 + np.exp(-(h @ W2)))
        error = y - out
        if epoch % 100 == 0:
            print(epoch, np.mean(error ** 2))
        d_out = error * out * (1 - out)
        d_h = (d_out @ W2.T) * h * (1 - h)
        W2 += learning_rate * h.T @ d_out
        W1 += learning_rate * X.T @ d_h
    return W1, W2
"""


def test_a_whole_training_loop_runs_one_round(tmp_path: Path) -> None:
    report = compare_backward(xor.function, load(tmp_path, LOOP).train, *xor.args)
    assert _is_clean(report), report
    early = LOOP.replace("        d_h = (d_out @ W2.T) * h * (1 - h)\n", "").replace(
        "h.T @ d_out\n", "h.T @ d_out\n        d_h = (d_out @ W2.T) * h * (1 - h)\n"
    )
    report = compare_backward(xor.function, load(tmp_path, early).train, *xor.args)
    assert [(m.kind, m.name, m.place) for m in report.mistakes] == [
        ("updated-weight", "d_h", "student.py:12")
    ]


def test_one_array_under_two_names() -> None:
    def backward(x: Any, y: Any) -> Any:
        dx = dy = np.ones(3)
        return dx, dy

    report = compare_backward(lambda x, y: (x + y).sum(), backward, np.ones(3), np.ones(3))
    assert _is_clean(report)
    assert report.missing == ()
