"""From what a student's program returned to gradients by name.

Layer L9. The names are the student's own: of the variables that were returned, the keys of a dict,
the attributes of a layer. `dW1`, `d_W1`, `grad_W1`, `W1_grad` and `dL_dW1` are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.diagnose.grading.lesson import Lesson
from glassgrad.diagnose.grading.numbers import array, multiple, relative_error
from glassgrad.diagnose.grading.student import Submission
from glassgrad.diagnose.grading.watch import Version
from glassgrad.errors import DataError, nearest
from glassgrad.text import say

_FORMS: tuple[str, ...] = tuple(
    "d{0} d_{0} grad_{0} grad{0} {0}_grad g_{0} delta_{0} dL_d{0} dLd{0} dl_d{0} dJ_d{0} dE_d{0} "
    "dC_d{0} dloss_d{0} {0}_gradient gradient_{0}".split()
)
_UPDATED = tuple("{0} new_{0} {0}_new updated_{0} {0}_updated next_{0} {0}_next".split())
_ROUNDING = 8 * np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False)
class Answer:
    """One gradient that the student gave: of which argument, called what, on which line.

    slack: the absolute error that comes with it, where it is the difference of two weights
    """

    of: str
    name: str
    value: Any
    version: Version | None = None
    slack: float = 0.0


@dataclass(eq=False)
class Answers:
    """All gradients, and what else there was.

    is_update: whether they were inferred from updated weights, and `rate` with what factor
    """

    gradients: dict[str, Answer] = field(default_factory=dict)
    loss: Any = None
    is_update: bool = False
    rate: float | None = None
    known_rate: float | None = None
    changed: tuple[str, ...] = ()


def meant(word: str, offered: Iterable[str], forms: Sequence[str] = _FORMS) -> str | None:
    """The name whose gradient `word` stands for.

    >>> meant("dW1", ["W1", "b1"]), meant("grad_b1", ["W1", "b1"]), meant("dx", ["W1"])
    ('W1', 'b1', None)
    """
    names = list(offered)
    for name in names:
        if any(word == form.format(name) for form in forms):
            return name
    folded = [n for n in names if any(word.lower() == f.format(n).lower() for f in forms)]
    return folded[0] if len(folded) == 1 else None


def answers_of(submission: Submission, lesson: Lesson, truth: Mapping[str, Any]) -> Answers:
    """The gradients by argument.

    truth:  the derived gradients, by which an update's learning rate is inferred
    Raises: DataError where there are none, or not as many as there are arguments
    """
    reader = _Reader(submission, lesson)
    changed = reader.changed()
    updated = reader.updated()
    found = Answers(changed=tuple(changed))
    if updated is None:
        reader.read(found)
    if updated is None and not found.gradients and changed:
        updated = {name: submission.after[name] for name in changed}
    if updated is not None:
        found.changed = ()
        reader.infer(found, updated, truth)
    if not found.gradients:
        raise DataError(
            say("returned no gradient of {names}", names=", ".join(lesson.names)),
            operation=submission.label,
            hint=say("return variables that are named so, `return dW, db`, or a dict of them"),
        )
    return found


class _Reader:
    """Reads one submission."""

    def __init__(self, submission: Submission, lesson: Lesson) -> None:
        self.submission = submission
        self.lesson = lesson
        self.names = lesson.names

    # --- updated weights -----------------------------------------------------------------

    def changed(self) -> list[str]:
        before, after = self.submission.before, self.submission.after
        return [n for n in self.names if n in before and not _same(before[n], after[n])]

    def updated(self) -> dict[str, Any] | None:
        """The weights after a training step, if that is what was returned."""
        result = self.submission.result
        if isinstance(result, dict):
            found = {key: value for key, value in result.items() if key in self.names}
            known = [self._is_weight(value) for value in found.values()]
            return found if known and all(known) else None
        listed = result if isinstance(result, (tuple, list)) else [result]
        weights = {}
        for thing in listed:
            name = self._called(thing, _UPDATED)
            if name is not None and self._called(thing, _FORMS) is None:
                weights[name] = thing
        if not weights or any(self._called(thing, _FORMS) for thing in listed):
            return None
        return weights

    def _is_weight(self, thing: Any) -> bool:
        """Whether a value is the variable of an argument's name, and not one of its gradient's."""
        is_gradient = self._called(thing, _FORMS) is not None
        return self._called(thing, _UPDATED) is not None and not is_gradient

    def infer(self, found: Answers, updated: Mapping[str, Any], truth: Mapping[str, Any]) -> None:
        """Gradients from updates: W_new = W - rate · gradient, in whatever direction it is kept."""
        steps = {}
        for name, value in updated.items():
            self._require_shape(name, value)
            steps[name] = array(self.submission.before[name]) - array(value)
        known = self.submission.rate
        rate = _rate(steps, truth, known)
        found.is_update, found.rate, found.known_rate = True, rate, known
        for name, step in steps.items():
            size = np.abs(array(self.submission.before[name])).max(initial=0)
            dtype = np.asarray(updated[name]).dtype
            eps = np.finfo(dtype).eps if dtype.kind == "f" else np.finfo(np.float64).eps
            changes = self.submission.watch.versions.get(name)
            version = self._version(updated[name]) or (changes[-1] if changes else None)
            value = (step / rate).astype(dtype if dtype.kind == "f" else np.float64)
            slack = float(8 * eps * size / abs(rate))
            found.gradients[name] = Answer(name, name, value, version, slack)

    def _require_shape(self, name: str, value: Any) -> None:
        wanted, got = np.shape(self.submission.before[name]), np.shape(value)
        if wanted != got:
            raise DataError(
                say("the updated {name} is {got}, it was {wanted}", name=name, got=got,
                    wanted=wanted),
                operation=self.submission.label,
            )  # fmt: skip

    # --- gradients -----------------------------------------------------------------------

    def read(self, found: Answers) -> None:
        self._attributes(found)
        result = self.submission.result
        if isinstance(result, dict):
            self._dict(found, result)
        elif isinstance(result, (tuple, list)):
            self._tuple(found, list(result))
        elif result is not None:
            self._single(found, result)

    def _attributes(self, found: Answers) -> None:
        """What a layer keeps: `.dW`, or a dict `.grads`; a method that returns them is enough."""
        receiver = self.submission.receiver
        if receiver is None or isinstance(self.submission.result, dict):
            return
        held = dict(getattr(receiver, "__dict__", {}))
        grads = held.get("grads")
        for key, value in held.items():
            name = meant(key, self.names)
            if name is not None and value is not None:
                self._put(found, name, f".{key}", value)
        if isinstance(grads, dict):
            self._dict(found, grads, strict=False)

    def _dict(self, found: Answers, result: Mapping[Any, Any], strict: bool = True) -> None:
        for key, value in result.items():
            word = str(key)
            name = word if word in self.names else meant(word, self.names)
            if name is None and word in ("loss", "cost"):
                found.loss = value
            elif name is not None:
                self._put(found, name, word, value)
            elif strict and word not in self.lesson.arguments and not self._knows(word):
                raise DataError(
                    say("{word!r} is the gradient of no argument", word=word),
                    operation=self.submission.label,
                    hint=nearest(word, [f"d{n}" for n in self.names]),
                )

    def _knows(self, word: str) -> bool:
        """Whether a name is a value of the function or the gradient of one."""
        called = self.lesson.called
        return word in called or meant(word, called) is not None

    def _tuple(self, found: Answers, things: list[Any]) -> None:
        if things and isinstance(things[-1], dict):
            self._dict(found, things[-1])
            found.loss = things[0] if np.ndim(things[0]) == 0 else None
            return
        named: list[str | None] = []
        for thing in things:  # one array may be both dx and dy: then their order decides
            known = self._all_called(thing, _FORMS)
            free = [name for name in known if name not in named]
            named.append(next(iter(free or known), None))
        if any(named):
            for thing, name in zip(things, named, strict=True):
                if name is not None:
                    self._put(found, name, f"d{name}", thing)
                elif found.loss is None and np.ndim(thing) == 0:
                    found.loss = thing
            return
        wanted = [n for n in self.submission.forward_names if n in self.names]
        if len(things) == len(wanted) + 1 and np.ndim(things[0]) == 0:
            found.loss = things.pop(0)
        all_given = [n for n in self.submission.forward_names if n in self.lesson.arguments]
        if len(things) == len(all_given) > len(wanted):
            things = [t for t, n in zip(things, all_given, strict=True) if n in wanted]
        if len(things) != len(wanted):
            raise DataError(
                say("returned {got} gradients for {wanted} arguments", got=len(things),
                    wanted=len(wanted)),
                operation=self.submission.label,
                rule=", ".join(f"d{n}" for n in wanted),
                hint=say("return variables that are named so, `return dW, db`, or a dict of them"),
            )  # fmt: skip
        for thing, name in zip(things, wanted, strict=True):
            self._put(found, name, f"d{name}", thing)

    def _single(self, found: Answers, thing: Any) -> None:
        name = self._called(thing, _FORMS)
        wanted = [n for n in self.submission.forward_names if n in self.names]
        is_layer = self.submission.receiver is not None and hasattr(
            self.submission.receiver, "backward"
        )
        if name is None and (len(wanted) == 1 or (is_layer and wanted)):
            name = wanted[0]
        if name is not None:
            self._put(found, name, f"d{name}", thing)
        elif not found.gradients:
            self._tuple(found, [thing])

    def _put(self, found: Answers, name: str, word: str, value: Any) -> None:
        if value is None:
            raise DataError(
                say("the gradient of {name} is None", name=name), operation=self.submission.label
            )
        if np.asarray(value).dtype.kind not in "biuf":
            kind = type(value).__name__
            raise DataError(
                say("the gradient of {name} is no array but {kind}", name=name, kind=kind),
                operation=self.submission.label,
            )
        version = self._version(value) or self._newest(word.lstrip("."))
        version = version or self.submission.watch.end
        found.gradients[name] = Answer(name, word.lstrip("."), value, version)

    # --- names and lines -----------------------------------------------------------------

    def _called(self, thing: Any, forms: Sequence[str]) -> str | None:
        """The argument that one of the object's own names stands for."""
        return next(iter(self._all_called(thing, forms)), None)

    def _all_called(self, thing: Any, forms: Sequence[str]) -> list[str]:
        plain = forms is _UPDATED  # `grads["W1"]` is a gradient: only a variable W1 is a weight
        names = []
        for name, versions in self.submission.watch.versions.items():
            same = (v for v in versions if v.thing is thing)
            if any(v.holder is None or not plain for v in same):
                known = meant(name, self.names, forms)
                names += [known] if known is not None else []
        if names or plain:
            return names
        helpers = (name for name, other in self.submission.watch.helpers if other is thing)
        found = (meant(name, self.names, forms) for name in helpers)
        return [name for name in found if name is not None]

    def _version(self, thing: Any) -> Version | None:
        return self.submission.watch.last_of(thing)

    def _newest(self, word: str) -> Version | None:
        versions = self.submission.watch.versions.get(word, ())
        own = [v for v in versions if v.holder is not None or word not in self.lesson.arguments]
        return own[-1] if own else None


def _same(a: Any, b: Any) -> bool:
    return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True)


def _rate(steps: Mapping[str, Any], truth: Mapping[str, Any], known: float | None) -> float:
    """The factor between gradient and step: that which most weights agree on, else the known one.

    A step against the gradient is what most would have to agree on: a negative factor is taken
    only to the size of it, so that climbing shows as a wrong sign.
    """
    factors = []
    for name, step in steps.items():
        size = np.abs(step).max(initial=0)
        factor = multiple(step, truth[name], 1e-6) if size else None
        factors += [] if factor is None else [factor]
    if not factors:
        return known if known else 1.0
    votes = [sum(relative_error(f, g) < 1e-6 for g in factors) for f in factors]  # noqa: PLR2004
    best = factors[votes.index(max(votes))]
    agreed = max(votes) > 1 or len(steps) == 1
    if known and not agreed:
        return known
    return abs(best)


__all__ = ["Answer", "Answers", "answers_of", "meant"]
