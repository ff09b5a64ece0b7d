"""Programs of courses: a compact network, an SVM in loops, batch norm, an RNN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnose.grading.programs import load

from glassgrad import compare_backward, nn
from glassgrad.diagnose.grading.comparison import Comparison

_LABELS = np.array([0, 2, 1, 1, 0, 2])


def _arrays(*shapes: tuple[int, ...]) -> list[Any]:
    r = np.random.default_rng(0)
    return [r.standard_normal(shape) for shape in shapes]


def _graded(
    folder: Path, function: Any, text: str, args: Any, change: tuple[str, str], name: str
) -> Comparison:
    old, new = change
    assert text.count(old) == 1 or not old
    program = load(folder, text.replace(old, new) if old else text)
    return compare_backward(function, getattr(program, name), *args)


# --- short names, gradients that are returned without any --------------------------------


def _network(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, t: Any) -> Any:
    h = nn.relu(x @ W1 + b1)
    return nn.cross_entropy(h @ W2 + b2, t)


NETWORK = """\
import numpy as np

def backward(W1, b1, W2, b2, x, t):
    z = x @ W1 + b1
    a = np.maximum(z, 0)
    q = np.exp(a @ W2 + b2)
    q /= q.sum(1, keepdims=True)
    g = q.copy()
    g[range(len(t)), t] -= 1
    g /= len(t)
    u = g @ W2.T
    v = u * (z > 0)
    return {"W1": x.T @ v, "b1": v.sum(0), "W2": a.T @ g, "b2": g.sum(0)}
"""


@pytest.mark.parametrize(
    ("change", "kind", "name", "line"),
    [
        (("    g[range(len(t)), t] -= 1\n", ""), "one-hot", "g", 9),
        (("    g /= len(t)\n", ""), "not-averaged", "g", 9),
        (("u * (z > 0)", "u"), "mask-missing", "v", 12),
        (("v.sum(0)", "v.mean(0)"), "mean-for-sum", "db1", 13),
        (("u = g @ W2.T", "u = g @ (W2 - 0.3 * a.T @ g).T"), "updated-weight", "u", 11),
    ],
)
def test_names_of_their_own(
    tmp_path: Path, change: tuple[str, str], kind: str, name: str, line: int
) -> None:
    args = [*_arrays((4, 5), (5,), (5, 3), (3,), (6, 4)), _LABELS]
    assert _graded(tmp_path, _network, NETWORK, args, ("", ""), "backward")
    report = _graded(tmp_path, _network, NETWORK, args, change, "backward")
    (mistake,) = report.mistakes
    found = mistake.kind, mistake.name, mistake.place
    assert found == (kind, name, f"student.py:{line}"), report


# --- CS231n's first assignment: an SVM in loops ------------------------------------------


def _svm(W: Any, X: Any, y: Any) -> Any:
    scores = X @ W
    correct = scores[np.arange(len(y)), y]
    margins = np.maximum(0, scores - correct[:, None] + 1.0)
    loss = (margins.sum() - len(y)) / len(y) + 1e-3 * (W * W).sum()
    return loss


SVM = """\
import numpy as np

def svm_loss_naive(W, X, y, reg=1e-3):
    dW = np.zeros(W.shape)
    loss = 0.0
    for i in range(X.shape[0]):
        scores = X[i].dot(W)
        correct = scores[y[i]]
        for j in range(W.shape[1]):
            if j == y[i]:
                continue
            margin = scores[j] - correct + 1
            if margin > 0:
                loss += margin
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    loss /= X.shape[0]
    dW /= X.shape[0]
    loss += reg * np.sum(W * W)
    dW += 2 * reg * W
    return loss, dW
"""


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        (("", ""), []),
        (("dW += 2 * reg * W", "dW += reg * W"), ["square-halved"]),
        (("    dW += 2 * reg * W\n", ""), ["branch-missing"]),
        (("    dW /= X.shape[0]\n", ""), ["not-averaged"]),
        (("                dW[:, y[i]] -= X[i]\n", ""), ["unexplained"]),
    ],
)
def test_svm(tmp_path: Path, change: tuple[str, str], kinds: list[str]) -> None:
    W, X = _arrays((4, 3), (6, 4))
    y = np.where(np.arange(6) < 3, (X @ W).argmax(axis=1), _LABELS)  # some margins are kept
    args = [W, 2 * X, y]
    report = _graded(tmp_path, _svm, SVM, args, change, "svm_loss_naive")
    assert [mistake.kind for mistake in report.mistakes] == kinds, report
    assert report.loss is None


# --- CS231n's second assignment: batch normalization, staged -----------------------------


def _batchnorm(x: Any, gamma: Any, beta: Any) -> Any:
    mu = x.mean(axis=0)
    xc = x - mu
    var = (xc**2).mean(axis=0)
    std = np.sqrt(var + 1e-5)
    xn = xc / std
    return gamma * xn + beta


BATCHNORM = """\
import numpy as np

def batchnorm_forward(x, gamma, beta):
    xc = x - x.mean(axis=0)
    std = np.sqrt((xc ** 2).mean(axis=0) + 1e-5)
    xn = xc / std
    return gamma * xn + beta, (xn, xc, std, gamma)

def batchnorm_backward(dout, cache):
    xn, xc, std, gamma = cache
    n = len(dout)
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xn).sum(axis=0)
    dxn = gamma * dout
    dxc = dxn / std
    dstd = -np.sum(dxn * xc / std ** 2, axis=0)
    dvar = 0.5 * dstd / std
    dxc += 2.0 / n * xc * dvar
    dmu = np.sum(dxc, axis=0)
    dx = dxc - dmu / n
    return dx, dgamma, dbeta
"""


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (("", ""), []),
        (("    dxc += 2.0 / n * xc * dvar\n", ""), [("branch-missing", "dxc")]),
        (("dxc += 2.0 / n", "dxc = 2.0 / n"), [("branch-overwritten", "dxc")]),
        (("dxc - dmu / n", "dxc"), [("branch-missing", "dx")]),
        (("dxc - dmu / n", "dxc - dmu"), [("not-averaged", "dx")]),
        (("0.5 * dstd / std", "dstd / std"), [("scaled", "dvar")]),
        (("dstd = -np.sum", "dstd = np.sum"), [("sign", "dstd")]),
        (("dxn = gamma * dout", "dxn = dout"), [("factor-missing", "dxn")]),
        (("+ 1e-5", "+ 0.0"), [("forward", "std")]),
    ],
)
def test_batchnorm(tmp_path: Path, change: tuple[str, str], found: list[tuple[str, str]]) -> None:
    args = _arrays((6, 3), (3,), (3,))
    report = _graded(tmp_path, _batchnorm, BATCHNORM, args, change, "batchnorm_backward")
    assert [(mistake.kind, mistake.name) for mistake in report.mistakes] == found, report


# --- backpropagation through time --------------------------------------------------------


def _rnn(Wxh: Any, Whh: Any, Why: Any, xs: Any, ts: Any) -> Any:
    h = np.zeros(4)
    loss = 0.0
    for step in range(3):
        h = np.tanh(xs[step] @ Wxh + h @ Whh)
        loss = loss + 0.5 * ((h @ Why - ts[step]) ** 2).sum()
    return loss


RNN = """\
import numpy as np

def backward(Wxh, Whh, Why, xs, ts):
    hs, errors = {-1: np.zeros(4)}, {}
    for step in range(3):
        hs[step] = np.tanh(xs[step] @ Wxh + hs[step - 1] @ Whh)
        errors[step] = hs[step] @ Why - ts[step]
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dhnext = np.zeros(4)
    for step in reversed(range(3)):
        dWhy += np.outer(hs[step], errors[step])
        dh = errors[step] @ Why.T + dhnext
        draw = (1 - hs[step] ** 2) * dh
        dWxh += np.outer(xs[step], draw)
        dWhh += np.outer(hs[step - 1], draw)
        dhnext = draw @ Whh.T
    return dWxh, dWhh, dWhy
"""


def test_rnn(tmp_path: Path) -> None:
    args = _arrays((2, 4), (4, 4), (4, 2), (3, 2), (3, 2))
    assert _graded(tmp_path, _rnn, RNN, args, ("", ""), "backward")
    wrong = ("draw @ Whh.T", "draw @ Whh")
    report = _graded(tmp_path, _rnn, RNN, args, wrong, "backward")
    assert {row.name: row.verdict for row in report.rows if row.role == "gradient"}["dWhy"] == (
        "right"
    )
    assert not report
