"""What the comparison of a backward pass found: rows, mistakes, and their words.

Layer L9.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glassgrad.diagnose.grading.words import sentence, verdict_word
from glassgrad.text import say

# Kinds that are told and do not make a backward pass wrong.
HARMLESS = ("kink", "changed-input")


@dataclass(frozen=True)
class Row:
    """The verdict on one value: "right", "wrong", "follows" from an earlier mistake, or "other"."""

    name: str
    role: str
    place: str
    verdict: str
    error: float
    shape: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        error = self.error if math.isfinite(self.error) else None
        return {
            "name": self.name, "role": self.role, "line": self.place, "verdict": self.verdict,
            "relative_error": error, "shape": list(self.shape),
        }  # fmt: skip


@dataclass(frozen=True)
class Mistake:
    """One mistake: which value, on which line, what was done, and what is right.

    kind:      its name, such as "sum-missing"; "unexplained" where no single change of the right
               backward pass gives the student's numbers
    forward:   the line of the reference that the backward line belongs to, and its text
    right:     the right line in NumPy, empty where there is none to show
    is_tiny:   a difference that is explained and harmless
    """

    kind: str
    name: str
    place: str
    statement: str
    forward: tuple[str, str] = ("", "")
    right: str = ""
    is_tiny: bool = False
    error: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        where = f" ({self.place})" if self.place else ""
        return f"{self.name}{where}: {self.words}"

    @property
    def words(self) -> str:
        """What was done, in the language of the moment."""
        tiny = {"error": self.error} if self.is_tiny else {}
        return sentence(self.kind, {**self.facts, **tiny})

    def lines(self) -> list[str]:
        """The sentence, and below it the lines that it is about."""
        place, text = self.forward
        rows = [
            (say("your line"), self.statement),
            (say("forward line"), f"{text}    {place}" if text else place),
            (say("right line"), self.right),
        ]
        rows = [row for row in rows if row[1]]
        width = max((_width(label) for label, _ in rows), default=0)
        return [str(self), *(f"    {_padded(label, width)}   {text}" for label, text in rows)]

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "name": self.name, "line": self.place, "statement": self.statement,
            "forward_line": self.forward[0], "forward_statement": self.forward[1],
            "right": self.right, "tiny": self.is_tiny, "words": self.words,
        }  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """A student's backward pass next to the derived one; true when all of it is right.

    rows:      every value that both have, in the student's order
    mistakes:  in the student's order; the first is where it first goes wrong
    notes:     explained differences that do no harm
    missing:   arguments whose gradient was not given
    rate:      for a training step, what its gradients were multiplied by; `known_rate` is the
               learning rate that the program names
    """

    name: str
    reference: str
    rows: tuple[Row, ...]
    mistakes: tuple[Mistake, ...] = ()
    notes: tuple[Mistake, ...] = ()
    missing: tuple[str, ...] = ()
    rate: float | None = None
    known_rate: float | None = None
    loss: tuple[float, float] | None = None

    def __bool__(self) -> bool:
        return not self.mistakes

    def __str__(self) -> str:
        head = say("{name} against the derivative of {f}", name=self.name, f=self.reference)
        lines = [head, "", *_table(self.rows), ""]
        if self.mistakes:
            first, *others = self.mistakes
            lines += [say("First wrong:"), *_indented(first.lines())]
            if others:
                lines += ["", say("Then:")]
                lines += [text for other in others for text in _indented(other.lines())]
        else:
            lines += [say("All gradients are right.")]
        for note in self.notes:
            lines += ["", *(f"{say('note')}: {text}" if i == 0 else text
                            for i, text in enumerate(note.lines()))]  # fmt: skip
        return "\n".join([*lines, *self._remarks()])

    def _remarks(self) -> list[str]:
        lines = []
        if self.rate is not None:
            lines.append(
                say("gradients are read off the updates: step / {rate:.6g}", rate=self.rate)
            )
            k = self.rate / self.known_rate if self.known_rate else 1.0
            if abs(k - 1) > 1e-6:  # noqa: PLR2004 - rounding
                lines.append(
                    say(
                        "the step is {k:.6g} × learning rate × gradient: the same direction",
                        k=k,
                    )
                )
        if self.loss is not None:
            lines.append(
                say("the loss is {own:.9g}, the reference gives {wanted:.9g}", own=self.loss[0],
                    wanted=self.loss[1])
            )  # fmt: skip
        if self.missing:
            lines.append(say("not given: {names}", names=", ".join(self.missing)))
        return ["", *lines] if lines else []

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "ok": bool(self),
            "name": self.name,
            "reference": self.reference,
            "rows": [row.to_dict() for row in self.rows],
            "mistakes": [mistake.to_dict() for mistake in self.mistakes],
            "notes": [note.to_dict() for note in self.notes],
            "missing": list(self.missing),
            "rate": self.rate,
        }


def _table(rows: Sequence[Row]) -> list[str]:
    shown = [row for row in rows if row.role != "value" or row.verdict != "right"]
    table = [(say("value"), say("line"), say("verdict"), say("rel. error"))]
    for row in shown:
        error = f"{row.error:.1e}" if math.isfinite(row.error) else "–"
        table.append((row.name, row.place or "–", verdict_word(row.verdict), error))
    widths = [max(_width(line[i]) for line in table) for i in range(4)]
    return [
        "  " + "  ".join(_padded(c, w) for c, w in zip(line, widths, strict=True)).rstrip()
        for line in table
    ]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _width(text: str) -> int:
    """Columns in a terminal; Hangul takes two."""
    return len(text) + sum("ᄀ" <= c <= "ᇿ" or "가" <= c <= "힣" for c in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
