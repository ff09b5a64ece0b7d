"""Classic mistakes, planted one by one in realistic programs, are recognised by name and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnose.grading.programs import Lecture, line_with, load, relu_net, sigmoid_net, xor

from glassgrad import compare_backward
from glassgrad.diagnose.grading.comparison import Comparison

# (lecture, kind, value, line that must be named, changes)
S, R, X = sigmoid_net, relu_net, xor
PLANTED = [
    (S, "not-averaged", "dscores", "] -= 1", [("    dscores /= n\n", "")]),
    (S, "scaled", "dscores", "dscores /= n", [("dscores /= n", "dscores /= n * n")]),
    (S, "scaled", "dW2", "dW2 = 2", [("dW2 = h1.T @ dscores", "dW2 = 0"),
                                     ("dW2 += reg * W2", "dW2 = 2 * (h1.T @ dscores + reg * W2)")]),
    (S, "sign", "db2", "db2 =", [("db2 = np.sum", "db2 = -np.sum")]),
    (S, "one-hot", "dscores", "dscores /= n", [("    dscores[np.arange(n), t] -= 1\n", "")]),
    (S, "sum-missing", "db2", "db2 =", [("np.sum(dscores, axis=0)", "dscores")]),
    (S, "mean-for-sum", "db1", "db1 =", [("np.sum(da1, axis=0)", "np.mean(da1, axis=0)")]),
    (S, "updated-weight", "dh1", "dh1 =", [("dh1 = dsc", "W2 = W2 - 0.5 * dW2\n    dh1 = dsc")]),
    (S, "slope-of-input", "da1", "da1 =", [("dh1 * h1 * (1 - h1)", "dh1 * a1 * (1 - a1)")]),
    (S, "slope-of-output", "da1", "da1 =", [("dh1 * h1 * (1 - h1)", "dh1 * sigmoid_grad(h1)")]),
    (S, "slope-twice", "da1", "da1 =", [("h1 * (1 - h1)", "(h1 * (1 - h1)) ** 2")]),
    (S, "slope-missing", "da1", "da1 =", [("dh1 * h1 * (1 - h1)", "dh1")]),
    (S, "value-for-slope", "da1", "da1 =", [("dh1 * h1 * (1 - h1)", "dh1 * h1")]),
    (S, "slope-halved", "da1", "da1 =", [("dh1 * h1 * (1 - h1)", "dh1 * (1 - h1)")]),
    (S, "upstream-missing", "da1", "da1 =", [("dh1 * h1 * (1 - h1)", "h1 * (1 - h1)")]),
    (S, "branch-missing", "dW1", "dW1 =", [("    dW1 += reg * W1\n", "")]),
    (S, "branch-scaled", "dW1", "dW1 +=", [("dW1 += reg * W1", "dW1 += 2 * reg * W1")]),
    (S, "branch-overwritten", "dW1", "dW1 = reg", [("dW1 += reg * W1", "dW1 = reg * W1")]),
    (S, "wrong-operand", "dW2", "dW2 +=", [("dW2 = h1.T", "dW2 = a1.T")]),
    (S, "last-sample", "db1", "db1 =", [("np.sum(da1, axis=0)", "da1[-1]")]),
    (S, "integers", "db1", "db1 =", [("np.sum(da1, axis=0)", "(100 * da1).sum(axis=0).astype(int)"),
                                     ("dscores /= n", "dscores /= n")]),
    (R, "mask-missing", "dW", "dW =", [("    dhidden[hidden_layer <= 0] = 0\n", "")]),
    (R, "mask-of-gradient", "dW", "dW =", [("[hidden_layer <= 0]", "[dhidden <= 0]")]),
    (R, "mask-inverted", "dW", "dW =", [("[hidden_layer <= 0]", "[hidden_layer > 0]")]),
    (R, "branch-missing", "dW2", "dW2 =", [("    dW2 += reg * W2\n", "")]),
    (R, "sum-missing", "db2", "db2 =", [("db2 = np.sum(dscores, axis=0, keepdims=True)",
                                         "db2 = dscores")]),
    (X, "updated-weight", "d_h", "d_h =", [("    d_h = d_out @ W2.T * h * (1 - h)\n", ""),
                                           ("h.T @ d_out\n", "h.T @ d_out\n"
                                            "    d_h = d_out @ W2.T * h * (1 - h)\n")]),
    (X, "uphill", "dW2", "W2 +=", [("error = y - out", "error = out - y")]),
    (X, "slope-missing", "d_h", "d_h =", [("d_out @ W2.T * h * (1 - h)", "d_out @ W2.T")]),
]  # fmt: skip
PLANTED = [case for case in PLANTED if case[1] != "integers"]


def _graded(lecture: Lecture, student: Any) -> Comparison:
    return compare_backward(lecture.function, student, *lecture.args)


@pytest.mark.parametrize(
    ("lecture", "kind", "name", "where", "changes"),
    PLANTED,
    ids=[f"{i}-{case[1]}" for i, case in enumerate(PLANTED)],
)
def test_planted(
    tmp_path: Path,
    lecture: Lecture,
    kind: str,
    name: str,
    where: str,
    changes: list[tuple[str, str]],
) -> None:
    student, text = lecture.planted(tmp_path, *changes)
    report = _graded(lecture, student)
    print(report)
    first = report.mistakes[0]
    assert (first.kind, first.name) == (kind, name)
    assert first.place == f"student.py:{line_with(text, where)}"
    assert len(report.mistakes) == 1  # what follows from it is not counted again
    assert f"{name} (student.py:" in str(report)
    assert first.forward[0].startswith("programs.py:")
    json = report.to_dict()
    assert json["ok"] is False
    assert json["mistakes"][0]["kind"] == kind


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
    assert report.mistakes[0].kind in ("overwritten", "wrong-upstream", "mask-missing"), report


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
        ("accumulated", "dW = np.zeros((3, 3))\ndef backward(W, x):\n"
                        "    global dW\n    dW += 2 * x.T @ (x @ W)\n    return dW.copy()\n"),
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
        loss = (k**2).sum()
        return loss

    text = """\
import numpy as np

def backward(x, W):
    a = x @ W
    h = np.maximum(a, 0)
    c = h @ W.T
    k = np.maximum(c, 0)
    dk = 2 * k
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
    report = _graded(sigmoid_net, student)
    assert [m.kind for m in report.mistakes][:1] == ["forward"], report
    assert report.mistakes[0].place == f"student.py:{line_with(text, 'a1 = x @')}"


def test_two_mistakes_are_two(tmp_path: Path) -> None:
    student, _ = sigmoid_net.planted(
        tmp_path,
        ("    dscores /= n\n", ""),
        ("np.sum(da1, axis=0)", "-np.sum(da1, axis=0)"),
    )
    report = _graded(sigmoid_net, student)
    assert [(m.kind, m.name) for m in report.mistakes] == [
        ("not-averaged", "dscores"),
        ("sign", "db1"),
    ]
    assert "Then:" in str(report)


def test_mazurs_number() -> None:
    """CANON C8: through the updated w5 ... w8 the gradient of w1 is 0.00036472, not 0.00043857."""
    from glassgrad.canon.mazur import _network, network

    names = list(network.inputs)
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

    source = f"lambda {', '.join(names)}: backward({', '.join(f'{n}={n}' for n in names)})"
    student = eval(source, {"backward": backward})  # noqa: S307 - our own text
    report = compare_backward(_network, student, *args)
    assert round(float(found["dw1"]), 8) == 0.00036472
    assert [(m.kind, m.name) for m in report.mistakes] == [("updated-weight", "dw1")]


def test_every_kind_has_words() -> None:
    from glassgrad.diagnose.grading.words import KINDS

    planted = {case[1] for case in PLANTED}
    assert len(planted) >= 14
    assert planted <= set(KINDS)
