"""The right line: what the derived backward pass writes for one value.

Layer L9. The emitted source is asked; where a course writes it shorter (h * (1 - h), p - onehot),
the short form is shown if it gives the derived numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from glassgrad.diagnose.grading.activations import Activation
from glassgrad.diagnose.grading.lesson import Lesson, Values
from glassgrad.diagnose.grading.numbers import array, relative_error
from glassgrad.errors import GlassgradError
from glassgrad.graph.ir import Var

_EXACT = 1e-9


class RightLines:
    """Looks right lines up; the source is printed when the first is asked for."""

    def __init__(self, lesson: Lesson, truth: Values, activations: Sequence[Activation]) -> None:
        self.lesson = lesson
        self.truth = truth
        self.activations = activations
        self._source: str | None = None

    def of(self, name: str, gradient: Var | None, is_gradient: bool = True) -> str:
        """The line that assigns the gradient of `name`, or its value; empty if there is none."""
        if is_gradient and gradient is not None:
            short = self._of_activation(name, gradient) or self._of_softmax(name, gradient)
            if short:
                return short
        if self._source is None:
            self._source = _emitted(self.lesson)
        target = f"d{name}" if is_gradient else name
        lines = re.findall(rf"^ *{re.escape(target)} \+?= .*$", self._source, re.MULTILINE)
        return "; ".join(re.sub(r" +#.*$", "", line).strip() for line in lines)

    def _of_activation(self, name: str, gradient: Var) -> str:
        """`da = dh * h * (1 - h)`."""
        for activation in self.activations:
            out = self.lesson.name_of(activation.out)
            upstream = self.lesson.gradients[activation.out]
            if self.lesson.gradients[activation.inner] is not gradient or not out:
                continue
            powers = activation.powers_of_result()
            if powers is None:
                continue
            slope = np.polyval(powers, array(self.truth[activation.out]))
            shown = array(self.truth[upstream]) * slope
            if relative_error(shown, self.truth[gradient]) <= _EXACT:
                return f"d{name} = d{out} * {_polynomial(powers, out)}"
        return ""

    def _of_softmax(self, name: str, gradient: Var) -> str:
        """`dscores = (p - onehot) / n`, with the function's own names."""
        g = array(self.truth[gradient])
        if g.ndim != 2 or not ((g < 0).sum(axis=1) == 1).all():  # noqa: PLR2004 - rows of classes
            return ""
        labels = (g < 0).astype(np.float64)
        for word, variables in self.lesson.called.items():
            p = array(self.truth[variables[-1]])
            if p.shape != g.shape or relative_error(p.sum(axis=1), np.ones(len(p))) > _EXACT:
                continue
            for n, ending in ((1, ""), (len(g), f" / {len(g)}")):
                if relative_error((p - labels) / n, g) <= _EXACT:
                    short = f"{word} - {self._one_hot(labels)}"
                    return f"d{name} = ({short}){ending}" if ending else f"d{name} = {short}"
        return ""

    def _one_hot(self, labels: np.ndarray) -> str:
        for word, var in self.lesson.arguments.items():
            value = np.asarray(self.truth[var])
            if value.shape == labels.shape and np.array_equal(value, labels):
                return word
            if value.dtype.kind in "iu" and np.array_equal(value, labels.argmax(axis=1)):
                return f"np.eye({labels.shape[1]})[{word}]"
        return "onehot"


def _polynomial(powers: Sequence[float], y: str) -> str:
    """a y² + b y + c as one writes it: y * (1 - y), (1 - y**2), y."""
    a, b, c = powers
    if a == 0 and c == 0:
        return y if b == 1 else f"{b:g} * {y}"
    if c == 0:
        sign = "-" if a < 0 else "+"
        factor = "" if abs(a) == 1 else f"{abs(a):g} * "
        return f"{y} * ({b:g} {sign} {factor}{y})"
    terms = [(c, ""), (b, y), (a, f"{y}**2")]
    text = ""
    for number, power in terms:
        if number == 0:
            continue
        size = f"{abs(number):g}" if not power or abs(number) != 1 else ""
        joined = " * ".join(filter(None, (size, power)))
        text += f" {'-' if number < 0 else '+'} {joined}" if text else joined
    return f"({text})"


def _emitted(lesson: Lesson) -> str:
    """The derived backward pass as NumPy text; empty where it cannot be printed."""
    try:
        if lesson.out.shape == ():
            # NOTE: without `retrace`, which would record again without the names found here.
            return str(replace(lesson.graph, retrace=None).gradients().source())
        copies = set(lesson.own.values())
        eqns = [eqn for eqn in lesson.joint.eqns if copies.isdisjoint(eqn.outputs)]
        outputs = tuple(dict.fromkeys(lesson.gradients.values()))
        joint = replace(lesson.joint, eqns=tuple(eqns), outputs=outputs, retrace=None)
        return str(joint.transform("exact").source())
    except GlassgradError:
        return ""
