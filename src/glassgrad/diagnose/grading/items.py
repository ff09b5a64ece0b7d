"""The values of a student's that are judged, and the mistakes that are found in them.

Layer L9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glassgrad.diagnose.grading.answers import Answers, meant
from glassgrad.diagnose.grading.changes import Change
from glassgrad.diagnose.grading.lesson import Lesson
from glassgrad.diagnose.grading.watch import Version, Watch
from glassgrad.graph.ir import Var

RIGHT, WRONG, FOLLOWS, OTHER = "right", "wrong", "follows", "other"


@dataclass(eq=False)
class Item:
    """One value of the student's: what it is called, its versions, and what it should be.

    role:     "gradient" of an argument, which counts; "inner" gradient; forward "value"
    refs:     the variables that the name stands for in the reference
    flows:    the variables through which these gradients flow on, which others may share
    chosen:   the version that is shown
    """

    name: str
    of: str
    role: str
    versions: Sequence[tuple[Any, Version | None]]
    refs: tuple[Var, ...]
    flows: tuple[Var, ...]
    slack: float = 0.0
    sign: float = 1.0
    verdict: str = RIGHT
    chosen: int = -1
    error: float = 0.0
    finding: Finding | None = None

    @property
    def counts(self) -> bool:
        return self.role == "gradient"

    @property
    def value(self) -> Any:
        return self.versions[self.chosen][0]

    @property
    def version(self) -> Version | None:
        return self.versions[self.chosen][1]

    @property
    def time(self) -> int:
        version = self.versions[-1][1]
        return version.time if version is not None else 10**9


@dataclass(eq=False)
class Finding:
    """A mistake: the change that explains the student's numbers, None where none does."""

    kind: str
    item: Item
    change: Change | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    tiny: bool = False


def items_of(lesson: Lesson, answers: Answers, watch: Watch) -> Iterator[Item]:
    """The gradients that were given, then the variables that are named as a value is."""
    for name, answer in answers.gradients.items():
        refs, flows = _gradients(lesson, (lesson.arguments[name],))
        shown = f"d{name}" if answer.name == name else answer.name
        given = [(answer.value, answer.version)]
        yield Item(shown, name, "gradient", given, refs, flows, answer.slack)
    for word, versions in watch.versions.items():
        found = _inner(lesson, word, versions, answers)
        if found is not None:
            yield found


def _inner(lesson: Lesson, word: str, versions: Sequence[Version], answers: Answers) -> Item | None:
    """A variable that is named as a value of the function or as its gradient."""
    pairs = [(version.value, version) for version in versions]
    if word in lesson.called:
        if word in lesson.arguments:
            return None
        return Item(word, word, "value", pairs, lesson.called[word], ())
    name = meant(word, lesson.called)
    if name is None or name in answers.gradients:
        return None
    refs, flows = _gradients(lesson, lesson.called[name])
    return Item(word, name, "inner", pairs, refs, flows) if refs else None


def _gradients(lesson: Lesson, variables: Sequence[Var]) -> tuple[tuple[Var, ...], tuple[Var, ...]]:
    """The gradients of variables, each by itself and as it flows on."""
    moving = [var for var in variables if var in lesson.gradients]
    own = [lesson.own.get(var, lesson.gradients[var]) for var in moving]
    return tuple(own), tuple(lesson.gradients[var] for var in moving)
