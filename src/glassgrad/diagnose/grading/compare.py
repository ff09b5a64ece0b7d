"""`compare_backward`: a backward pass written by hand, next to the derived one.

Layer L9.
"""

from __future__ import annotations

import io
import linecache
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from typing import Any

import numpy as np

from glassgrad.diagnose.grading.answers import Answers, answers_of
from glassgrad.diagnose.grading.binding import Task, task_of
from glassgrad.diagnose.grading.comparison import HARMLESS, Comparison, Mistake, Row
from glassgrad.diagnose.grading.formulas import RightLines
from glassgrad.diagnose.grading.items import RIGHT, Finding, Item
from glassgrad.diagnose.grading.judge import Judge, judged
from glassgrad.diagnose.grading.lesson import Lesson, lesson_of
from glassgrad.diagnose.grading.numbers import array, relative_error, tolerance_of
from glassgrad.diagnose.grading.student import Submission, run_student
from glassgrad.diagnose.grading.watch import Version, Watch
from glassgrad.graph.trace import argument_names

_LOSS = 1e-6  # relative; a loss that differs by more is worth a remark
_SHRINK = 0.9  # the weights of the second call, which must give other gradients


def compare_backward(function: Callable[..., Any], student: Any, *args: Any) -> Comparison:
    """Run a hand-written backward pass at `args`, and say where it first goes wrong and how.

    student:  one of
        backward(*args)          arguments named, or ordered, as the function's; returns gradients
                                 as a dict, as a tuple in the order of the float arguments, or
                                 behind the loss: (loss, dW, db), (loss, grads)
        (forward, backward)      forward(*args) -> (out, cache), backward(dout, cache); a backward
                                 with a cache finds the forward beside it by its name
        a class or an object     with forward and backward, which leaves .dW and .db; a method of an
                                 object that holds the weights in .params, which returns gradients
        step(*args)              returns the updated weights or overwrites them; the gradient is
                                 read off the update, in either direction of the bookkeeping
    Variables of the student's that are called like a value of `function`, or like its gradient
    (`dh1`, `d_h1`, `grad_h1`), are compared too.

    Numerics: derived in float64; right is within 1e-8 of the largest element, 1e-4 for float32
    Raises:   DataError for a wrong number of gradients, or none; what the student's program raises

    >>> def loss(w, x):
    ...     return ((x @ w) ** 2).sum()
    >>> def backward(w, x):
    ...     y = x @ w
    ...     dw = x.T @ y
    ...     return dw
    >>> report = compare_backward(loss, backward, np.ones(2), np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> bool(report), report.mistakes[0].kind
    (False, 'number-missing')
    """
    linecache.checkcache()
    lesson = lesson_of(function, args)
    names = argument_names(function, len(args))
    task = task_of(names, args, lesson.seed, lesson.out.shape == ())
    submission = run_student(student, task)
    answers = answers_of(submission, lesson, _truth(lesson))
    judge = judged(lesson, answers, submission.watch)
    report = _Report(lesson, judge, submission, answers)
    mistakes = [report.mistake(finding) for finding in judge.findings]
    mistakes += _of_second_call(report, task)
    return report.comparison(mistakes)


def _truth(lesson: Lesson, leaves: Sequence[Any] | None = None) -> dict[str, Any]:
    """The derived gradient of every argument."""
    values = lesson.run({}, leaves)
    found = {}
    for name in lesson.names:
        var = lesson.arguments[name]
        gradient = lesson.gradients.get(var)
        found[name] = np.zeros(var.shape) if gradient is None else values[gradient]
    return found


class _Report:
    """Turns what the judge found into rows and mistakes."""

    def __init__(
        self, lesson: Lesson, judge: Judge, submission: Submission, answers: Answers
    ) -> None:
        self.lesson = lesson
        self.judge = judge
        self.submission = submission
        self.answers = answers
        self.right = RightLines(lesson, judge.truth, judge.activations)

    def comparison(self, mistakes: Sequence[Mistake]) -> Comparison:
        harmless = [m for m in mistakes if m.is_tiny or m.kind in HARMLESS]
        return Comparison(
            name=self.submission.label,
            reference=self.lesson.graph.name,
            rows=tuple(map(_row, self.judge.items)),
            mistakes=tuple(m for m in mistakes if m not in harmless),
            notes=tuple(harmless) + self._notes(),
            missing=tuple(n for n in self.lesson.names if n not in self.answers.gradients),
            rate=self.answers.rate,
            known_rate=self.answers.known_rate,
            loss=self._loss(),
        )

    def _notes(self) -> tuple[Mistake, ...]:
        return tuple(
            Mistake("changed-input", name, "", "", facts={"name": name}, is_tiny=True)
            for name in self.answers.changed
        )

    def _loss(self) -> tuple[float, float] | None:
        """The student's loss and the reference's, if they differ."""
        wanted = self.judge.truth[self.lesson.out]
        given = self.answers.loss
        if given is None or np.ndim(wanted) or np.size(given) != 1:
            return None
        own = float(np.asarray(given).reshape(()))
        return None if relative_error(own, wanted) <= _LOSS else (own, float(wanted))

    def mistake(self, finding: Finding) -> Mistake:
        item = finding.item
        version = item.version
        about = finding.change.about if finding.change is not None else None
        source = finding.facts.get("source")  # the branch that is missing, rather than the sum
        eqn = source if source is not None else about
        forward = ("", "") if eqn is None else self.lesson.place(eqn)
        if eqn is None and item.role != "value":
            forward = self._forward_line(item)
        return Mistake(
            finding.kind,
            item.name,
            _place(version),
            _statement(version),
            forward,
            "" if finding.tiny else self._right(item),
            finding.tiny,
            _absolute(finding),
            finding.facts,
        )

    def _right(self, item: Item) -> str:
        gradient = item.flows[0] if item.flows else None
        name = item.of
        if item.role == "inner" and name not in self.lesson.called:  # a name of the student's own
            name = self.lesson.name_of(gradient).removeprefix("d") if gradient else ""
        return self.right.of(name, gradient, item.role != "value") if name else ""

    def _forward_line(self, item: Item) -> tuple[str, str]:
        """The line that uses the value whose gradient an item is."""
        for eqn in self.lesson.joint.eqns:
            if eqn.derives is not None and not set(item.flows).isdisjoint(eqn.outputs):
                return self.lesson.place(eqn)
        return "", ""


def _row(item: Item) -> Row:
    shape = tuple(np.shape(item.value))
    return Row(item.name, item.role, _place(item.version), item.verdict, item.error, shape)


def _place(version: Version | None) -> str:
    return version.place if version is not None else ""


def _statement(version: Version | None) -> str:
    return "" if version is None else linecache.getline(version.file, version.line).strip()


def _absolute(finding: Finding) -> float:
    """The largest difference of one element."""
    facts = finding.facts
    return abs(facts["found"] - facts["wanted"]) if "found" in facts else finding.item.error


# --- a second call -----------------------------------------------------------------------


def _of_second_call(report: _Report, task: Task) -> list[Mistake]:
    """Gradients that remember the call before: added up, or not computed again."""
    submission, answers, lesson = report.submission, report.answers, report.lesson
    if submission.again is None or answers.is_update:
        return []
    graded = [n for n in answers.gradients if n in lesson.arguments]
    given = task.fresh()
    for name in graded:
        if isinstance(given[name], np.ndarray):
            given[name] *= _SHRINK
    second = _answers_again(submission, lesson, given)
    leaves = [
        leaf * _SHRINK if name in graded and isinstance(leaf, np.ndarray) else leaf
        for name, leaf in zip(lesson.arguments, lesson.inputs, strict=False)
    ]
    wanted, before = _truth(lesson, leaves), _truth(lesson)
    right = {item.of for item in report.judge.items if item.counts and item.verdict == RIGHT}
    return [
        Mistake(kind, f"d{name}", _place(answers.gradients[name].version),
                _statement(answers.gradients[name].version))
        for name in graded
        if name in second and name in right
        and (kind := _memory(before[name], second[name], wanted[name]))
    ]  # fmt: skip


def _answers_again(
    submission: Submission, lesson: Lesson, given: Mapping[str, Any]
) -> dict[str, Any]:
    """The gradients of a second call; none where it fails, which is no mistake of the gradient."""
    watch = Watch(submission.watch.codes)
    before = {name: np.copy(value) for name, value in given.items() if name in lesson.arguments}
    assert submission.again is not None
    try:
        with redirect_stdout(io.StringIO()), watch.watching():
            result = submission.again(given)
        again = replace(submission, result=result, watch=watch, before=before, after=given)
        return {n: a.value for n, a in answers_of(again, lesson, {}).gradients.items()}
    except Exception:
        return {}


def _memory(first: Any, second: Any, wanted: Any) -> str:
    """Whether the second gradient holds the first, which was right."""
    close = tolerance_of(second)
    if np.shape(second) != np.shape(wanted) or relative_error(second, wanted) <= close:
        return ""
    if relative_error(second, array(first) + array(wanted)) <= close:
        return "accumulated"
    return "stale" if relative_error(second, first) <= close else ""


__all__ = ["compare_backward"]
