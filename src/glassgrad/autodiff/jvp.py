"""Forward mode: values that carry a tangent.

Layer L4. A missing tangent (None) is zero and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from glassgrad.autodiff import rules
from glassgrad.autodiff.concrete import Concrete
from glassgrad.core.interpret import bind, new_level
from glassgrad.core.primitive import Primitive


class DualTracer(Concrete):
    """A value and its tangent at one forward-mode level."""

    __slots__ = ("tangent",)

    def __init__(self, interpreter: Forward, value: Any, tangent: Any) -> None:
        self.interpreter = interpreter
        self.value = value
        self.tangent = tangent

    def __repr__(self) -> str:
        return f"<dual {self.value!r}>"


class Forward:
    """The interpreter of one forward-mode level."""

    def __init__(self, level: int) -> None:
        self.level = level

    def process(
        self, primitive: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        pairs = [self.split(x) for x in inputs]
        values = [value for value, _ in pairs]
        result = bind(primitive, *values, **params)
        outs = tuple(result) if primitive.multiple else (result,)
        tangents = rules.push(primitive, [t for _, t in pairs], outs, values, params)
        duals = tuple(
            out if tangent is None else DualTracer(self, out, tangent)
            for out, tangent in zip(outs, tangents, strict=True)
        )
        return duals if primitive.multiple else duals[0]

    def split(self, x: Any) -> tuple[Any, Any]:
        """The value one level down, and the tangent or None."""
        if isinstance(x, DualTracer) and x.interpreter is self:
            return x.value, x.tangent
        return x, None


def pushforward(
    function: Callable[..., Sequence[Any]], inputs: Sequence[Any], tangents: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """Flat results of a flat function and their tangents (zeros where nothing moves)."""
    with new_level() as level:
        interpreter = Forward(level)
        duals = [
            x if t is None else DualTracer(interpreter, x, t)
            for x, t in zip(inputs, tangents, strict=True)
        ]
        pairs = [interpreter.split(result) for result in function(*duals)]
    outputs = [value for value, _ in pairs]
    return outputs, [rules.zeros_of(v) if t is None else t for v, t in pairs]
