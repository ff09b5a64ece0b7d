"""Scores, confusion matrices and rows of numbers for people and for programs.

Layer L11.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glassgrad.cli.terminal import table
from glassgrad.cli.trained import Scores
from glassgrad.text import say

_MOST_CLASSES = 30  # a wider matrix fits no terminal


def scores_text(scores: Scores) -> str:
    """`test accuracy 0.9733 (1,797 rows)`, or R² and the mean absolute error."""
    count = say("{n:,} rows", n=scores.rows)
    if scores.confusion is not None:
        parts = [say("accuracy {value:.4f}", value=scores.values["accuracy"])]
    else:
        parts = [
            say("R² {value:.4f}", value=scores.values["r2"]),
            say("mean absolute error {value:.6g}", value=scores.values["mae"]),
        ]
    further = [name for name in scores.values if name not in ("accuracy", "r2", "mae")]
    parts += [f"{name} {scores.values[name]:.4f}" for name in further]
    return ", ".join(parts) + f" ({count})"


def confusion_text(scores: Scores, classes: Sequence[str]) -> str:
    """The confusion matrix, a row for each true class."""
    if scores.confusion is None:
        return ""
    if len(classes) > _MOST_CLASSES:
        return say("the confusion matrix of {n} classes is in --json only", n=len(classes))
    head = ("", *classes)
    rows = [
        (name, *(str(count) if count else "." for count in row))
        for name, row in zip(classes, scores.confusion.tolist(), strict=True)
    ]
    title = say("confusion matrix: rows are true classes, columns predicted ones")
    return f"{title}\n" + table([head, *rows], right=range(1, len(head)))


def scores_data(scores: Scores) -> dict[str, Any]:
    """The scores for programs."""
    found: dict[str, Any] = {"rows": scores.rows, **scores.values}
    if scores.confusion is not None:
        found["confusion"] = scores.confusion.tolist()
    return found
