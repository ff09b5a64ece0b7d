"""Single changes of the right backward pass: what people do wrong with each kind of equation.

Layer L9. A mistake is a change of ONE equation: its factor dropped, its sum left out, another value
in the place of an operand. The primitives named here are those that the chain rule itself writes
(sums, products, quotients, signs); each entry says what dropping a part of it means to a learner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.core.aval import is_float
from glassgrad.diagnose.grading.hooks import (
    moved,
    one_row,
    only_last,
    other_at_ties,
    plus,
    reduced,
    scaled,
    scaled_branch,
    spread,
    take,
    with_operand,
)
from glassgrad.diagnose.grading.lesson import Hook, Lesson, Values, read
from glassgrad.diagnose.grading.numbers import array, multiple
from glassgrad.graph.ir import Atom, Eqn, Var
from glassgrad.primitives.arithmetic import add, divide, multiply, negative, subtract
from glassgrad.primitives.layout import permute_dims_p, sum_p

_TINY_CONSTANT = 1e-3  # a number inside a logarithm or a root that only keeps it finite


@dataclass(frozen=True, eq=False)
class Change:
    """One change: which variable gets another value, and what a learner would call it.

    hook:    the new value; for a `family`, that of a free number k, which the student's numbers
             decide, and which `accepts` must find sensible
    about:   the equation that was changed
    others:  changes that belong to it: every weight of a layer was updated
    rank:    of several changes that explain the same numbers, the lowest is named
    """

    kind: str
    at: Var
    hook: Hook | None = None
    about: Eqn | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    rank: int = 10
    family: Callable[[float], Hook] | None = None
    accepts: Callable[[float], bool] = lambda k: True
    others: tuple[Change, ...] = ()

    def with_number(self, k: float) -> Change:
        assert self.family is not None
        hook, facts = self.family(k), {**self.facts, "k": k}
        others = tuple(other.with_number(k) for other in self.others)
        return Change(self.kind, self.at, hook, self.about, facts, self.rank, others=others)

    def hooks(self) -> Iterator[tuple[Var, Hook]]:
        """What it puts where, with what goes along with it."""
        assert self.hook is not None
        yield self.at, self.hook
        for other in self.others:
            yield from other.hooks()


def structural(lesson: Lesson, values: Values, targets: Iterable[Var]) -> Iterator[Change]:
    """Every change of one equation on the way to `targets`, the nearest first."""
    finder = _Finder(lesson, values)
    eqns = upstream(lesson, targets)
    yield from finder.all_updated(eqns)
    for eqn in eqns:
        if eqn.derives is None:
            yield from finder.forward(eqn)
        else:
            yield from finder.backward(eqn)


def constants(lesson: Lesson) -> Iterator[Change]:
    """Every tiny constant of the function, left out."""
    values = lesson.run({})
    finder = _Finder(lesson, values)
    for eqn in lesson.joint.eqns:
        if eqn.derives is None:
            yield from finder.forward(eqn)


def upstream(lesson: Lesson, targets: Iterable[Var]) -> list[Eqn]:
    """The equations that the targets are computed from, the nearest first."""
    wanted = set(targets)
    found = []
    for eqn in reversed(lesson.joint.eqns):
        if not wanted.isdisjoint(eqn.outputs):
            found.append(eqn)
            wanted.update(atom for atom in eqn.inputs if isinstance(atom, Var))
    return found


class _Finder:
    """Changes of one equation, at the values of the moment."""

    def __init__(self, lesson: Lesson, values: Values) -> None:
        self.lesson = lesson
        self.values = values
        self.made_by = {var: eqn for eqn in lesson.joint.eqns for var in eqn.outputs}
        self.flowing = _flowing(lesson)
        named = [var for variables in lesson.called.values() for var in variables]
        floats = [var for var in named if is_float(var.dtype)]
        self.forwards = list(dict.fromkeys(floats))
        pairs = lesson.gradients.items()
        backwards = [g for var, g in pairs if var in lesson.labels and g.shape]
        self.backwards = list(dict.fromkeys(backwards))
        self._sources: dict[Var, set[Eqn]] = {}
        self.batches = {v.shape[0] for v in lesson.joint.inputs if len(v.shape) > 1}

    def value(self, atom: Atom) -> Any:
        return read(atom, self.values)

    # --- forward equations ---------------------------------------------------------------

    def forward(self, eqn: Eqn) -> Iterator[Change]:
        """A tiny constant that the student's formula does without."""
        if eqn.primitive is not add:
            return
        for i, atom in enumerate(eqn.inputs):
            value = self.value(atom)
            other = eqn.inputs[1 - i]
            is_tiny = np.ndim(value) == 0 and 0 < abs(float(value)) <= _TINY_CONSTANT
            if is_tiny and isinstance(other, Var):
                users = (e for e in self.lesson.joint.eqns if eqn.outputs[0] in e.inputs)
                facts = {"number": float(value), "inside": next(users).primitive.name}
                yield Change("epsilon", eqn.outputs[0], take(other), eqn, facts)

    # --- backward equations --------------------------------------------------------------

    def backward(self, eqn: Eqn) -> Iterator[Change]:
        yield from self._updated(eqn)
        if eqn.primitive in (multiply, divide):
            yield from self._factors(eqn)
        elif eqn.primitive in (add, subtract):
            yield from self._branches(eqn)
        elif eqn.primitive is negative:
            yield Change("minus", eqn.outputs[0], take(eqn.inputs[0]), eqn)
        elif eqn.primitive is sum_p:
            yield from self._sums(eqn)
        elif eqn.primitive is permute_dims_p and eqn.inputs[0].aval.shape == eqn.outputs[0].shape:
            facts = {"name": self.lesson.name_of(eqn.inputs[0])}
            yield Change("operand-transposed", eqn.outputs[0], take(eqn.inputs[0]), eqn, facts)
        if eqn.outputs[0].dtype == np.bool_:
            yield from self._ties(eqn)
        yield from self._replaced(eqn)
        yield from self._gradient(eqn)

    def _factors(self, eqn: Eqn) -> Iterator[Change]:
        """A product without one of its factors."""
        for i in range(1 if eqn.primitive is divide else 2):
            kept, dropped = eqn.inputs[i], eqn.inputs[1 - i]
            if not isinstance(kept, Var) or not _fits(kept, eqn.outputs[0]):
                continue
            if kept not in self.flowing and eqn.outputs[0] in self.flowing:
                name = self.lesson.name_of(dropped)
                yield Change(
                    "upstream-missing", eqn.outputs[0], spread(kept), eqn, {"name": name}, 14
                )
                continue
            kind, facts = self._factor(dropped, eqn.primitive is divide)
            yield Change(kind, eqn.outputs[0], spread(kept), eqn, facts)

    def _factor(self, dropped: Atom, is_divisor: bool) -> tuple[str, dict[str, Any]]:
        value = np.asarray(self.value(dropped))
        name = self.lesson.name_of(dropped)
        if value.size == 1:
            number = float(value.reshape(()))
            divisor = number if is_divisor else 1 / number if number else 0.0
            whole = abs(divisor) > 1 and abs(divisor - round(divisor)) < 1e-9  # noqa: PLR2004
            if whole and round(abs(divisor)) in self.batches:
                return "not-averaged", {"n": round(abs(divisor))}
            if whole:
                return "divisor-missing", {"number": divisor}
            return "number-missing", {"number": number}
        levels = np.unique(value)
        if levels.size <= 2 and 0 in levels:  # noqa: PLR2004 - zero and one other number
            is_relu = value.dtype == np.bool_
            return "mask-missing" if is_relu else "dropout-missing", {"name": name}
        return "factor-missing", {"name": name}

    def _branches(self, eqn: Eqn) -> Iterator[Change]:
        """A sum of contributions without one of them, or with one of them scaled."""
        minus = eqn.primitive is subtract
        for i in range(2):
            kept, dropped = eqn.inputs[1 - i], eqn.inputs[i]
            if not isinstance(kept, Var) or not _fits(kept, eqn.outputs[0]):
                continue
            facts = self._branch(dropped)
            sign = -1.0 if minus and i == 0 else 1.0
            kind = "square-halved" if self._is_square(eqn) else "branch-missing"
            yield Change(kind, eqn.outputs[0], spread(kept, sign), eqn, facts)
            if not minus and kept.shape == dropped.aval.shape:
                twice = with_operand(eqn, i, kept)
                yield Change("overwritten", eqn.outputs[0], twice, eqn, facts, 17)
            yield Change(
                "branch-scaled",
                eqn.outputs[0],
                None,
                eqn,
                facts,
                15 if "weight" in facts else 25,
                scaled_branch(eqn, i),
            )

    def _is_square(self, eqn: Eqn) -> bool:
        """Whether both contributions come from one product of a value with itself."""
        made = [self.made_by.get(a) if isinstance(a, Var) else None for a in eqn.inputs]
        sources = {m.derives if m is not None else None for m in made}
        source = sources.pop() if len(sources) == 1 else None
        return source is not None and len(set(source.inputs)) == 1 and len(source.inputs) > 1

    def _branch(self, dropped: Atom) -> dict[str, Any]:
        """Where a contribution comes from, and whether it is a penalty on the weights."""
        eqn = self.made_by.get(dropped) if isinstance(dropped, Var) else None
        facts: dict[str, Any] = {"source": eqn, "value": dropped}
        for name in self.lesson.names:
            var = self.lesson.arguments[name]
            if var.shape and multiple(self.value(dropped), self.values[var], 1e-9) is not None:
                facts["weight"] = name
        return facts

    def _sums(self, eqn: Eqn) -> Iterator[Change]:
        inner = eqn.inputs[0]
        if not isinstance(inner, Var):
            return
        x = self.value(inner)
        axes = eqn.params["axis"]
        axes = tuple(range(x.ndim)) if axes is None else axes
        keep = bool(eqn.params["keepdims"])
        facts = {"axis": axes[0] if len(axes) == 1 else axes, "name": self.lesson.name_of(inner)}
        crossed = keep and axes == (x.ndim - 1,) and x.ndim > 1
        out = eqn.outputs[0]
        yield Change("cross-terms" if crossed else "sum-missing", out, take(inner), eqn, facts)
        yield Change("mean-for-sum", out, reduced(inner, axes, keep, np.mean), eqn, facts)
        for axis in range(x.ndim):
            if len(axes) == 1 and axis != axes[0]:
                other = {**facts, "instead": axis}
                yield Change(
                    "wrong-axis", out, reduced(inner, (axis,), keep, np.sum), eqn, other, 11
                )
        if len(axes) == 1 and x.shape[axes[0]] > 1:
            for row, kind in ((-1, "last-sample"), (0, "first-sample")):
                yield Change(kind, out, one_row(inner, axes[0], row, keep), eqn, facts, 12)

    def _ties(self, eqn: Eqn) -> Iterator[Change]:
        """The other convention where both sides of a comparison are equal."""
        if len(eqn.inputs) != 2:  # noqa: PLR2004 - two sides
            return
        if np.any(self.value(eqn.inputs[0]) == self.value(eqn.inputs[1])):
            yield Change("kink", eqn.outputs[0], other_at_ties(eqn), eqn)

    def all_updated(self, eqns: Iterable[Eqn]) -> Iterator[Change]:
        """Every weight after its update, where a layer has several: w5 and w7."""
        found = [c for eqn in eqns if eqn.derives is not None for c in self._updated(eqn)]
        used = [c for c in found if c.facts["name"] and c.facts["is_scalar"]]
        if len(used) > 1:
            first, *others = used
            names = ", ".join(sorted({c.facts["name"] for c in used}))
            facts = {**first.facts, "name": names}
            yield Change(
                "updated-weight", first.at, None, first.about, facts, 5, first.family, _is_rate,
                tuple(others),
            )  # fmt: skip

    def _updated(self, eqn: Eqn) -> Iterator[Change]:
        """The weight after its update in the place of the weight."""
        for i, atom in enumerate(eqn.inputs):
            gradient = self.lesson.gradients.get(atom) if isinstance(atom, Var) else None
            if atom not in self.lesson.joint.inputs or gradient is None:
                continue
            facts = {"name": self.lesson.name_of(atom), "is_scalar": not atom.aval.shape}
            family = moved(eqn, i, gradient)
            accepts = _is_rate
            yield Change("updated-weight", eqn.outputs[0], None, eqn, facts, 5, family, accepts)

    def _replaced(self, eqn: Eqn) -> Iterator[Change]:
        """Another value of the same shape in the place of an operand."""
        assert eqn.derives is not None
        own = [*eqn.derives.inputs, *eqn.derives.outputs]
        is_mask = eqn.outputs[0].dtype == np.bool_
        for i, atom in enumerate(eqn.inputs):
            if not isinstance(atom, Var) or not is_float(atom.dtype):
                continue
            pool = self.backwards if atom in self.flowing else self.forwards
            pool = [*self.forwards, *self.backwards] if is_mask else pool
            for other in pool:
                if other is atom or other.shape != atom.shape or self._needs(other, eqn):
                    continue
                facts = {
                    "name": self.lesson.name_of(atom),
                    "instead": self.lesson.name_of(other),
                    "other": other,
                }
                kind, rank = self._replacement(is_mask, atom, other, own)
                yield Change(kind, eqn.outputs[0], with_operand(eqn, i, other), eqn, facts, rank)

    def _needs(self, var: Var, eqn: Eqn) -> bool:
        """Whether a value is computed from an equation, so that it cannot go into it."""
        if var not in self._sources:
            self._sources[var] = set(upstream(self.lesson, [var]))
        return eqn in self._sources[var]

    def _replacement(
        self, is_mask: bool, atom: Var, other: Var, own: list[Atom]
    ) -> tuple[str, int]:
        if is_mask:
            return ("mask-of-gradient", 9) if other in self.flowing else ("mask-of-other", 9)
        if atom in self.flowing:
            return "wrong-upstream", 21
        return ("operands-swapped", 18) if other in own else ("wrong-operand", 20)

    def _gradient(self, eqn: Eqn) -> Iterator[Change]:
        """A gradient multiplied by a number, of one sample only, or without the one-hot."""
        for out in eqn.outputs:
            if out not in self.flowing:
                continue
            name = self.lesson.name_of(out)
            yield Change("sign", out, scaled(-1.0), eqn, {"name": name}, 11)
            yield Change("scaled", out, None, eqn, {"name": name}, 30, scaled)
            if out.shape and out.shape[0] in self.batches and out.shape[0] > 1:
                for number in (1.0, float(out.shape[0])):
                    yield Change(
                        "last-sample", out, only_last(number), eqn, {"axis": 0, "name": name}, 24
                    )
            yield from self._one_hot(eqn, out)

    def _one_hot(self, eqn: Eqn, out: Var) -> Iterator[Change]:
        """The probabilities alone, where the rows of probabilities less one-hot sum to zero."""
        g = array(self.values[out])
        if g.ndim not in (1, 2) or g.size <= 1:
            return
        rows = np.atleast_2d(g)
        negatives = (rows < 0).sum(axis=1)
        sums = np.abs(rows.sum(axis=1)).max(initial=0)
        if (negatives == 1).all() and sums <= 1e-9 * np.abs(rows).max(initial=0):
            labels = (g < 0).astype(np.float64)
            yield Change(
                "one-hot", out, None, eqn, {"name": self.lesson.name_of(out)}, 8,
                plus(labels), lambda k: k > 0 and bool((g + k * labels > 1e-9 * k).all()),
            )  # fmt: skip


def _flowing(lesson: Lesson) -> set[Atom]:
    """The variables that carry gradient: they change with the gradient of the result."""
    found: set[Atom] = {lesson.joint.inputs[-1]}
    for eqn in lesson.joint.eqns:
        if not found.isdisjoint(eqn.inputs):
            found.update(eqn.outputs)
    return found


def _fits(atom: Var, out: Var) -> bool:
    try:
        return np.broadcast_shapes(atom.shape, out.shape) == out.shape
    except ValueError:
        return False


def _is_rate(k: float) -> bool:
    return 1e-7 < k < 1e4  # noqa: PLR2004 - learning rates lie well inside
