"""Classic mistakes, planted one by one in realistic programs, are recognised by name and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from diagnose.grading.programs import Lecture, book, line_with, relu_net, sigmoid_net, xor

from glassgrad import compare_backward
from glassgrad.diagnose.grading.words import KINDS, sentence
from glassgrad.text import LANGUAGES, speaking

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
    (R, "mask-missing", "dhidden", "dhidden =", [("    dhidden[hidden_layer <= 0] = 0\n", "")]),
    (R, "mask-of-gradient", "dhidden", "[dhidden <= 0]",
     [("[hidden_layer <= 0]", "[dhidden <= 0]")]),
    (R, "mask-inverted", "dhidden", "[hidden_layer > 0]",
     [("[hidden_layer <= 0]", "[hidden_layer > 0]")]),
    (R, "branch-missing", "dW2", "dW2 =", [("    dW2 += reg * W2\n", "")]),
    (R, "sum-missing", "db2", "db2 =", [("db2 = np.sum(dscores, axis=0, keepdims=True)",
                                         "db2 = dscores")]),
    (X, "updated-weight", "d_h", "d_h =", [("    d_h = d_out @ W2.T * h * (1 - h)\n", ""),
                                           ("h.T @ d_out\n", "h.T @ d_out\n"
                                            "    d_h = d_out @ W2.T * h * (1 - h)\n")]),
    (X, "uphill", "dW2", "W2 +=", [("error = y - out", "error = out - y")]),
    (X, "slope-missing", "d_h", "d_h =", [("d_out @ W2.T * h * (1 - h)", "d_out @ W2.T")]),
]  # fmt: skip


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
    report = compare_backward(lecture.function, student, *lecture.args)
    first = report.mistakes[0]
    assert (first.kind, first.name) == (kind, name)
    assert first.place == f"student.py:{line_with(text, where)}"
    assert len(report.mistakes) == 1  # what follows from it is not counted again
    assert f"{name} (student.py:" in str(report)
    assert first.forward[0].startswith("programs.py:")
    json = report.to_dict()
    assert json["ok"] is False
    assert json["mistakes"][0]["kind"] == kind


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("not-averaged", "dout", ("(self.y - self.t) / batch_size", "self.y - self.t")),
        ("mean-for-sum", "db1", ("self.db = np.sum(dout", "self.db = np.mean(dout")),
        ("mask-missing", "dout", ("        dout[self.mask] = 0\n", "")),
        ("one-hot", "dout", ("(self.y - self.t) / batch_size", "self.y / batch_size")),
        ("zero", "dW1", ('grads["W1"] = self', 'grads["W1"] = 0 * self')),
        ("sign", "dW2", ('grads["W2"] = self', 'grads["W2"] = -self')),
    ],
)
def test_planted_beside_the_books_constant(
    tmp_path: Path, kind: str, name: str, change: tuple[str, str]
) -> None:
    """The 1e-7 that the book's layer leaves out (CANON C11) hides no real mistake."""
    student, _ = book.planted(tmp_path, change)
    report = compare_backward(book.function, student, *book.args)
    first = report.mistakes[0]
    assert (first.kind, first.name) == (kind, name), report


FACTS = {
    "found_shape": (6, 5), "wanted_shape": (5,), "element": (0, 2), "found": 1.5, "wanted": 0.5,
    "ratio": None, "k": 0.5, "n": 6, "number": 1e-7, "axis": 0, "instead": "a1", "name": "h1",
    "inner": "a1", "out": "h1", "weight": "W1", "inside": "log",
}  # fmt: skip


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_kind_has_words(code: str) -> None:
    planted = {case[1] for case in PLANTED}
    assert len(planted) >= 14
    assert planted <= set(KINDS)
    with speaking(code):
        said = {kind: sentence(kind, FACTS) for kind in KINDS}
        assert len(set(said.values())) == len(KINDS)
        bare = {
            kind: sentence(kind, {**FACTS, "name": "", "inner": "", "out": ""}) for kind in KINDS
        }
    assert all("{" not in words and "  " not in words for words in [*said.values(), *bare.values()])
