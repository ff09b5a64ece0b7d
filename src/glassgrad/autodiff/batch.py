"""vmap: values that carry a batch on axis 0.

Layer L4. Inside the mapped function such a value has the shape of one element, and a Python branch
on it is refused, since the elements may disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from glassgrad.autodiff import rules
from glassgrad.core.aval import Aval, aval_of
from glassgrad.core.interpret import bind, new_level
from glassgrad.core.position import here, place_of, statement_of
from glassgrad.core.primitive import Primitive
from glassgrad.errors import Operand, TraceError
from glassgrad.primitives.arithmetic import stop_gradient
from glassgrad.primitives.operators import Operators
from glassgrad.text import say


class BatchTracer(Operators):
    """One element as the mapped function sees it; `value` holds all of them."""

    __slots__ = ("interpreter", "value")

    def __init__(self, interpreter: Batching, value: Any) -> None:
        self.interpreter = interpreter
        self.value = value

    @property
    def aval(self) -> Aval:
        whole = aval_of(self.value)
        return Aval(whole.shape[1:], whole.dtype)

    def describe(self) -> tuple[str, str]:
        inner = getattr(self.value, "describe", None)
        return inner() if inner is not None else ("", "")

    def _refuse(self, dtype: Any = None, copy: Any = None) -> Any:
        where = here()
        raise TraceError(
            say("a value mapped by vmap has no single number"),
            operation=place_of(where),
            operands=[Operand("value", self.shape, self.dtype.name, statement_of(where))],
            rule=say("the elements of a batch may disagree"),
            hint=say("choose with np.where(condition, a, b), and compute with np functions"),
        )

    __bool__ = __float__ = __int__ = __index__ = __array__ = item = _refuse

    def detach(self) -> Any:
        """The same value, as a constant of the gradients."""
        return stop_gradient(self)

    def __repr__(self) -> str:
        return f"<mapped {self.aval}>"


class Batching:
    """The interpreter of one vmap level."""

    def __init__(self, level: int, size: int) -> None:
        self.level = level
        self.size = size

    def process(
        self, primitive: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]
    ) -> Any:
        batched = [isinstance(x, BatchTracer) and x.interpreter is self for x in inputs]
        values = [x.value if mine else x for x, mine in zip(inputs, batched, strict=True)]
        result = rules.batch(primitive, values, batched, self.size, params)
        if primitive.multiple:
            return tuple(BatchTracer(self, out) for out in result)
        return BatchTracer(self, result)


def mapped(
    function: Callable[..., Sequence[Any]],
    inputs: Sequence[Any],
    batched: Sequence[bool],
    size: int,
) -> list[Any]:
    """Flat results, each with the batch on axis 0, of a flat function of one element."""
    with new_level() as level:
        interpreter = Batching(level, size)
        tracers = [
            BatchTracer(interpreter, x) if b else x for x, b in zip(inputs, batched, strict=True)
        ]
        results = list(function(*tracers))
    return [
        r.value
        if isinstance(r, BatchTracer) and r.interpreter is interpreter
        else rules.repeat_batch(r, size)
        for r in results
    ]


def evaluate_batched(
    primitive: Primitive, inputs: Sequence[Any], batched: Sequence[bool], size: int, **params: Any
) -> Any:
    """One primitive over a batch, for records whose inner graphs are mapped."""
    results = mapped(lambda *xs: [bind(primitive, *xs, **params)], inputs, batched, size)
    return results[0]
