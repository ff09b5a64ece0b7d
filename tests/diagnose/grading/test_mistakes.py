"""Mistakes that need a program of their own, several at once, and what is no mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnose.grading.programs import line_with, load, sigmoid_net

from glassgrad import compare_backward

# --- mistakes that need a program of their own -------------------------------------------


def _square(W: Any, x: Any) -> Any:
    y = x @ W
    loss = (y**2).sum()
    return loss


_W, _x = np.random.default_rng(1).standard_normal((2, 3, 3))


def _one(text: str, tmp_path: Path, function: Any = _square, args: Any = (_W, _x)) -> Any:
    return compare_backward(function, load(tmp_path, text).backward, *args)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("transposed", "dW = (2 * x.T @ (x @ W)).T"),
        ("number-missing", "dW = x.T @ (x @ W)"),
        ("operand-transposed", "dW = x @ (2 * x @ W)"),
        ("integers", "dW = (2 * x.T @ (x @ W)).astype(int)"),
        ("last-sample", "dW = np.outer(x[-1], 2 * x[-1] @ W)"),
        ("not-finite", "dW = 2 * x.T @ (x @ W) / 0"),
        ("unexplained", "dW = np.sqrt(np.abs(x.T @ (x @ W)))"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_one_matrix(tmp_path: Path, kind: str, line: str) -> None:
    text = f"import numpy as np\ndef backward(W, x):\n    {line}\n    return dW\n"
    report = _one(text, tmp_path)
    assert report.mistakes[0].kind == kind, report
    assert report.mistakes[0].place == "student.py:3"


def test_wrong_axis(tmp_path: Path) -> None:
    def shifted(b: Any, x: Any) -> Any:
        y = x + b
        loss = (y * x).sum()
        return loss

    text = "def backward(b, x):\n    dy = x\n    db = dy.sum(axis=1)\n    return db\n"
    report = _one(text, tmp_path, shifted, (_W[0], _x))
    assert report.mistakes[0].kind == "wrong-axis"
    assert "summed over axis 1 instead of axis 0" in str(report)


def test_operands_swapped(tmp_path: Path) -> None:
    def product(x: Any, w: Any) -> Any:
        q = x * w
        loss = (q**3).sum()
        return loss

    text = "def backward(x, w):\n    dq = 3 * (x * w) ** 2\n    dx = dq * x\n    dw = dq * x\n"
    report = _one(text + "    return dx, dw\n", tmp_path, product, (_x, _W))
    assert (report.mistakes[0].kind, report.mistakes[0].name) == ("operands-swapped", "dx")
    assert "x stands where w belongs" in str(report)


def _fork(a: Any, W: Any) -> Any:
    h = np.tanh(a)
    left = h @ W
    right = h * 3.0
    loss = (left * right).sum()
    return loss


FORK = """\
import numpy as np

def backward(a, W):
    h = np.tanh(a)
    left, right = h @ W, h * 3.0
    dleft, dright = right, left
    dW = h.T @ dleft
    dh = dleft @ W.T
    dh += dright * 3.0
    da = dh * (1 - h ** 2)
    return da, dW
"""


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("branch-overwritten", "dh += dright", "dh = dright"),
        ("branch-missing", "    dh += dright * 3.0\n", ""),
        ("branch-missing", "dh = dleft @ W.T\n", "dh = np.zeros(a.shape)\n"),
    ],
)
def test_forks(tmp_path: Path, kind: str, old: str, new: str) -> None:
    assert _one(FORK, tmp_path, _fork, (_x, _W))
    report = _one(FORK.replace(old, new), tmp_path, _fork, (_x, _W))
    assert (report.mistakes[0].kind, report.mistakes[0].name) == (kind, "dh"), report
    assert len(report.mistakes) == 1


def _skip(a: Any, W: Any) -> Any:
    r = np.maximum(a, 0)
    s = a @ W
    out = r @ W + s
    loss = (out**2).sum()
    return loss


SKIP = """\
import numpy as np

def backward(a, W):
    r = np.maximum(a, 0)
    s = a @ W
    out = r @ W + s
    dout = 2 * out
    dr = dout @ W.T
    dm = dr.copy()
    dm[a <= 0] = 0
    ds = dout
    da = dm + ds @ W.T
    dW = r.T @ dout + a.T @ ds
    return da, dW
"""


def test_overwritten_in_place(tmp_path: Path) -> None:
    """The book's `dout[mask] = 0` is harmless in a chain, and wrong where dout is used again."""
    assert _one(SKIP, tmp_path, _skip, (_x, _W))
    faulty = SKIP.replace("dr.copy()", "dr").replace("ds @ W.T", "dr")
    report = _one(faulty, tmp_path, _skip, (_x, _W))
    assert not report
    assert report.mistakes[0].kind == "overwritten", report


def test_overwritten_before_the_other_branch(tmp_path: Path) -> None:
    def two(a: Any, s: Any) -> Any:
        r = np.maximum(a, 0)
        out = r + 2.0 * s
        loss = (out**2).sum()
        return loss

    text = """\
import numpy as np

def backward(a, s):
    out = np.maximum(a, 0) + 2.0 * s
    dout = 2 * out
    dr = dout
    dr[a <= 0] = 0
    da = dr
    ds = dout * 2.0
    return da, ds
"""
    assert _one(text.replace("dr = dout", "dr = dout.copy()"), tmp_path, two, (_x, _W))
    report = _one(text, tmp_path, two, (_x, _W))
    assert (report.mistakes[0].kind, report.mistakes[0].name) == ("overwritten", "ds"), report


def test_softmax_without_cross_terms(tmp_path: Path) -> None:
    def attention(s: Any, v: Any) -> Any:
        e = np.exp(s)
        p = e / e.sum(axis=1, keepdims=True)
        loss = (p * v).sum()
        return loss

    text = """\
import numpy as np

def backward(s, v):
    e = np.exp(s)
    p = e / e.sum(axis=1, keepdims=True)
    dp = v
    ds = dp * p * (1 - p)
    return ds
"""
    report = _one(text, tmp_path, attention, (_x, _W))
    assert report.mistakes[0].kind == "cross-terms", report
    right = text.replace("dp * p * (1 - p)", "p * (dp - (dp * p).sum(axis=1, keepdims=True))")
    assert _one(right, tmp_path, attention, (_x, _W))


MASK = np.array([[2.0, 0.0, 2.0], [0.0, 2.0, 2.0], [2.0, 2.0, 0.0]])


def _dropped(W: Any, x: Any) -> Any:
    h = x @ W
    kept = h * MASK
    loss = (kept**2).sum()
    return loss


DROPOUT = """\
import numpy as np
mask = np.array([[2.0, 0.0, 2.0], [0.0, 2.0, 2.0], [2.0, 2.0, 0.0]])

def backward(W, x):
    h = x @ W
    kept = h * mask
    dkept = 2 * kept
    dh = dkept * mask
    dW = x.T @ dh
    return dW
"""


@pytest.mark.parametrize(
    ("kind", "line"),
    [("dropout-missing", "dh = dkept"), ("dropout-mask", "dh = dkept * np.roll(mask, 1)")],
)
def test_dropout(tmp_path: Path, kind: str, line: str) -> None:
    assert _one(DROPOUT, tmp_path, _dropped)
    report = _one(DROPOUT.replace("dh = dkept * mask", line), tmp_path, _dropped)
    assert (report.mistakes[0].kind, report.mistakes[0].name) == (kind, "dh"), report


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("accumulated", "kept = np.zeros((3, 3))\ndef backward(W, x):\n"
                        "    global kept\n    kept += 2 * x.T @ (x @ W)\n    dW = kept.copy()\n"
                        "    return dW\n"),
        ("stale", "kept = {}\ndef backward(W, x):\n    if 'y' not in kept:\n"
                  "        kept['y'] = x @ W\n    dW = 2 * x.T @ kept['y']\n    return dW\n"),
    ],
)  # fmt: skip
def test_gradients_of_the_call_before(tmp_path: Path, kind: str, text: str) -> None:
    report = _one("import numpy as np\n" + text, tmp_path)
    assert [mistake.kind for mistake in report.mistakes] == [kind]
    assert not report


def test_relu_at_zero_is_a_convention(tmp_path: Path) -> None:
    def rectified(x: Any, v: Any) -> Any:
        h = np.maximum(x, 0)
        loss = (h * v).sum()
        return loss

    x = np.array([[0.0, 1.0, -1.0]])
    text = "def backward(x, v):\n    dh = v\n    dx = dh * (x >= 0)\n    return dx\n"
    report = _one(text, tmp_path, rectified, (x, _W[:1]))
    assert report
    assert [note.kind for note in report.notes] == ["kink"]


def test_masks_of_another_layer(tmp_path: Path) -> None:
    def deep(x: Any, W: Any) -> Any:
        a = x @ W
        h = np.maximum(a, 0)
        c = h @ W.T
        k = np.maximum(c, 0)
        loss = (k * _x.T).sum()
        return loss

    text = f"""\
import numpy as np

v = np.array({_x.T.tolist()})

def backward(x, W):
    a = x @ W
    h = np.maximum(a, 0)
    c = h @ W.T
    k = np.maximum(c, 0)
    dk = v
    dc = dk * (c > 0)
    dh = dc @ W
    da = dh * (a > 0)
    dx = da @ W.T
    return dx
"""
    assert _one(text, tmp_path, deep, (_x, _W))
    report = _one(text.replace("dh * (a > 0)", "dh * (c > 0)"), tmp_path, deep, (_x, _W))
    assert (report.mistakes[0].kind, report.mistakes[0].name) == ("mask-of-other", "da"), report
    assert "the mask was taken of c" in str(report) or "taken of k" in str(report)


def test_a_wrong_forward_pass_is_named_first(tmp_path: Path) -> None:
    student, text = sigmoid_net.planted(
        tmp_path, ("a1 = x @ W1 + b1", "a1 = x @ W1 - b1"), ("db1 = np.sum", "db1 = -np.sum")
    )
    report = compare_backward(sigmoid_net.function, student, *sigmoid_net.args)
    assert [m.kind for m in report.mistakes][:1] == ["forward"], report
    assert report.mistakes[0].place == f"student.py:{line_with(text, 'a1 = x @')}"


def test_two_mistakes_are_two(tmp_path: Path) -> None:
    student, _ = sigmoid_net.planted(
        tmp_path,
        ("    dscores /= n\n", ""),
        ("np.sum(da1, axis=0)", "-np.sum(da1, axis=0)"),
    )
    report = compare_backward(sigmoid_net.function, student, *sigmoid_net.args)
    assert [(m.kind, m.name) for m in report.mistakes] == [
        ("not-averaged", "dscores"),
        ("sign", "db1"),
    ]
    assert "Then:" in str(report)


def test_mazurs_number() -> None:
    """CANON C8: through the updated w5 ... w8 the gradient of w1 is 0.00036472, not 0.00043857."""
    from glassgrad.canon.mazur import _network, network

    args = [np.float64(value) for value in network.inputs.values()]
    found = {}

    def backward(**v: Any) -> Any:
        def sigmoid(x: Any) -> Any:
            return 1 / (1 + np.exp(-x))

        h1 = sigmoid(v["w1"] * v["i1"] + v["w2"] * v["i2"] + v["b1"])
        h2 = sigmoid(v["w3"] * v["i1"] + v["w4"] * v["i2"] + v["b1"])
        o1 = sigmoid(v["w5"] * h1 + v["w6"] * h2 + v["b2"])
        o2 = sigmoid(v["w7"] * h1 + v["w8"] * h2 + v["b2"])
        delta1 = (o1 - v["target_o1"]) * o1 * (1 - o1)
        delta2 = (o2 - v["target_o2"]) * o2 * (1 - o2)
        w5, w7 = v["w5"] - 0.5 * delta1 * h1, v["w7"] - 0.5 * delta2 * h1
        dout_h1 = w5 * delta1 + w7 * delta2
        dw1 = dout_h1 * h1 * (1 - h1) * v["i1"]
        found["dw1"] = dw1
        return {"dw5": delta1 * h1, "dw7": delta2 * h1, "dw1": dw1}

    report = compare_backward(_network, backward, *args)
    assert round(float(found["dw1"]), 8) == 0.00036472
    assert [(m.kind, m.name) for m in report.mistakes] == [("updated-weight", "dout_h1")]
    assert report.mistakes[0].facts["k"] == pytest.approx(0.5)
    assert "uses the updated w5, w7" in str(report)
