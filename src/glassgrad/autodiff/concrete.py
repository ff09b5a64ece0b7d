"""What values of the differentiating transforms share: behind each stands a number.

Layer L4. Under `grad` and `jvp` a Python branch may ask for that number; an array made of it would
lose the derivative and is refused.
"""

from __future__ import annotations

from typing import Any

from glassgrad.core.aval import aval_of
from glassgrad.core.position import here, place_of
from glassgrad.errors import GradientError
from glassgrad.primitives.operators import Operators
from glassgrad.text import say


class Concrete(Operators):
    """A value that wraps another one, in `value`, one level down."""

    __slots__ = ("interpreter", "value")
    value: Any

    @property
    def aval(self) -> Any:
        return aval_of(self.value)

    def describe(self) -> tuple[str, str]:
        inner = getattr(self.value, "describe", None)
        return inner() if inner is not None else ("", "")

    def detach(self) -> Any:
        """The plain value, as a constant of all transforms."""
        inner = getattr(self.value, "detach", None)
        return self.value if inner is None else inner()

    def item(self) -> Any:
        return self.value.item()

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise GradientError(
            say("a value that is being differentiated is turned into an array"),
            operation=place_of(here()),
            rule=say("an array cannot carry the gradient on"),
            hint=say("compute with np functions of the value itself, or use .detach()"),
        )
