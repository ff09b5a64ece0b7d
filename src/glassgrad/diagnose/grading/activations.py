"""Mistakes with the derivative of an activation function, however the function was written.

Layer L9. `h = 1 / (1 + np.exp(-a))` is four equations; a learner knows one derivative. So the
elementwise equations between two values are taken as one function of one number. Its derivative
comes from the rules, and where it is a polynomial of the function's result (h(1 − h), 1 − h²) that
polynomial is found by fitting it: no derivative is typed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.autodiff.vjp import pullback
from glassgrad.core.aval import is_float
from glassgrad.core.primitive import Elementwise
from glassgrad.diagnose.grading.changes import Change
from glassgrad.diagnose.grading.lesson import Hook, Lesson, Values, read
from glassgrad.diagnose.grading.numbers import array
from glassgrad.graph.evaluate import apply
from glassgrad.graph.ir import Eqn, Var

_GRID = np.linspace(-2.5, 2.5, 41)
_EXACT = 1e-9


@dataclass(frozen=True, eq=False)
class Activation:
    """out = function(inner), element by element, through `eqns`."""

    inner: Var
    out: Var
    eqns: tuple[Eqn, ...]

    def value(self, x: Any) -> Any:
        return self._run(x)

    def slope(self, x: Any) -> Any:
        """The derivative at x, by the rules."""
        x = array(x)
        with np.errstate(all="ignore"):
            (out,), pull = pullback(lambda z: [self._run(z)], [x])
            return pull([np.ones_like(out)])[0]

    def _run(self, x: Any) -> Any:
        values: dict[Var, Any] = {self.inner: x}
        with np.errstate(all="ignore"):
            for eqn in self.eqns:
                apply(eqn, values)
        return values[self.out]

    def powers_of_result(self) -> tuple[float, ...] | None:
        """The derivative as a polynomial of the result, where it is one: -y² + y, -y² + 1, y."""
        y, slope = array(self.value(_GRID)), array(self.slope(_GRID))
        good = np.isfinite(y) & np.isfinite(slope)
        if good.sum() < 10 or np.ptp(slope[good]) < _EXACT:  # noqa: PLR2004 - enough to tell
            return None
        powers = np.vander(y[good], 3)
        found, *_ = np.linalg.lstsq(powers, slope[good], rcond=None)
        rounded = np.asarray(np.round(found, 6) + 0.0)
        if np.abs(powers @ rounded - slope[good]).max() > _EXACT * np.abs(slope[good]).max():
            return None
        return tuple(float(power) for power in rounded)

    @property
    def is_linear(self) -> bool:
        """Whether its derivative is one number, as that of x / n: then it is only a factor."""
        slope = array(self.slope(_GRID))
        finite = slope[np.isfinite(slope)]
        return bool(np.ptp(finite) <= _EXACT * np.abs(finite).max()) if finite.size else True

    @property
    def is_gate(self) -> bool:
        """Whether it lets through or stops, as relu does: its derivative is 1 or 0."""
        return set(np.unique(self.slope(_GRID))) == {0.0, 1.0}


def activations(lesson: Lesson) -> list[Activation]:
    """Every function of one number between two values that a learner has a name for."""
    roots: dict[Var, Var] = {}
    made_by = {var: eqn for eqn in lesson.joint.eqns for var in eqn.outputs}
    users: dict[Var, list[Eqn]] = {}
    for eqn in lesson.joint.eqns:
        if eqn.derives is not None:
            continue
        _note_root(eqn, roots)
        for atom in eqn.inputs:
            if isinstance(atom, Var):
                users.setdefault(atom, []).append(eqn)
    found = []
    for out, inner in roots.items():
        leaves = all(roots.get(eqn.outputs[0]) is not inner for eqn in users.get(out, []))
        if out is not inner and (out in lesson.labels or leaves):
            found.append(Activation(inner, out, _between(out, inner, made_by)))
    graded = [a for a in found if a.inner in lesson.gradients and a.out in lesson.gradients]
    return [a for a in graded if not a.is_linear]


def _note_root(eqn: Eqn, roots: dict[Var, Var]) -> None:
    """Which single value an elementwise result is a function of; itself where there are more."""
    out = eqn.outputs[0]
    if not isinstance(eqn.primitive, Elementwise) or not is_float(out.dtype):
        return
    moving = [a for a in eqn.inputs if isinstance(a, Var)]
    origins = {roots.get(var, var) for var in moving}
    alone = len(origins) == 1 and all(var.shape == out.shape for var in moving)
    roots[out] = origins.pop() if alone else out


def _between(out: Var, inner: Var, made_by: dict[Var, Eqn]) -> tuple[Eqn, ...]:
    eqns: list[Eqn] = []
    waiting = [out]
    while waiting:
        var = waiting.pop()
        eqn = made_by[var]
        if var is inner or eqn in eqns:
            continue
        eqns.append(eqn)
        waiting += [a for a in eqn.inputs if isinstance(a, Var) and a is not inner]
    order = {eqn: i for i, eqn in enumerate(made_by.values())}
    return tuple(sorted(eqns, key=order.__getitem__))


# --- changes -----------------------------------------------------------------------------


def of_activation(lesson: Lesson, activation: Activation, values: Values) -> Iterator[Change]:
    """What is done wrong with one activation function's derivative."""
    inner, out = activation.inner, activation.out
    about = activation.eqns[-1]
    facts = {"inner": lesson.name_of(inner), "out": lesson.name_of(out)}
    z, y = array(values[inner]), array(values[out])
    with np.errstate(all="ignore"):
        wrong = dict(_wrong_slopes(activation, z, y))
    for kind, slope in wrong.items():
        if np.isfinite(slope).all():
            hook = _other_slope(lesson, activation, slope)
            yield Change(kind, lesson.gradients[inner], hook, about, facts, 7)
    if activation.is_gate:
        yield from _gates(lesson, activation, about, facts)


def _wrong_slopes(activation: Activation, z: Any, y: Any) -> Iterator[tuple[str, Any]]:
    right = array(activation.slope(z))
    gate = activation.is_gate
    yield ("mask-missing" if gate else "slope-missing"), np.ones_like(z)
    if gate:
        yield "mask-inverted", 1 - right
        return
    yield "slope-of-output", array(activation.slope(y))
    yield "slope-twice", right * right
    yield "value-for-slope", y
    yield "slope-halved", right / y
    powers = activation.powers_of_result()
    if powers is not None:
        yield "slope-of-input", np.polyval(powers, z)


def _gates(
    lesson: Lesson, activation: Activation, about: Eqn, facts: dict[str, str]
) -> Iterator[Change]:
    """A mask taken of another value: of the gradient, or of another layer."""
    shape = activation.inner.shape
    backward = {g for var, g in lesson.gradients.items() if var in lesson.labels}
    backward.add(lesson.gradients[activation.out])
    forward = {var for variables in lesson.called.values() for var in variables}
    for pool, kind in ((backward, "mask-of-gradient"), (forward, "mask-of-other")):
        for var in pool:
            if var.shape != shape or var in (activation.inner, activation.out):
                continue
            if not is_float(var.dtype):
                continue
            hook = _masked_by(lesson, activation, var)
            more = {**facts, "instead": lesson.name_of(var)}
            yield Change(kind, lesson.gradients[activation.inner], hook, about, more, 6)


def _other_slope(lesson: Lesson, activation: Activation, slope: Any) -> Hook:
    """The gradient of the inner value with another derivative in this function's part of it."""
    upstream = lesson.gradients[activation.out]

    def hook(values: Values, out: Any) -> Any:
        right = array(activation.slope(read(activation.inner, values)))
        return out + read(upstream, values) * (slope - right)

    return hook


def _masked_by(lesson: Lesson, activation: Activation, other: Var) -> Hook:
    upstream = lesson.gradients[activation.out]

    def hook(values: Values, out: Any) -> Any:
        right = array(activation.slope(read(activation.inner, values)))
        return out + read(upstream, values) * ((read(other, values) > 0) - right)

    return hook
