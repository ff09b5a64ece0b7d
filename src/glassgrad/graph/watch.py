"""What the user's functions call the values that they get from others: `h` of `h = sigmoid(a)`.

Layer L3. An operation inside a helper function stands in the helper's statement, so its position
cannot say what the caller calls the result. While a function is recorded, each of the user's frames
is asked, line by line, which of its variables have become new values of the graph. The outermost
frame has the last word; arguments of a helper keep the names of the caller.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from glassgrad.core.position import is_internal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Called with a variable's name, what it holds, and how deep its frame lies.
Give = Callable[[str, Any, int], None]


@contextmanager
def watched(recorded: Sequence[Any], give: Give) -> Iterator[None]:
    """Call `give` for every variable that is bound while a `with` block records.

    recorded: the equations so far; a frame is looked at only where there are more than before

    A debugger, or whoever else traces this thread, is left alone: then there are no such names.
    """
    before = sys.gettrace()
    if before is not None and not isinstance(getattr(before, "__self__", None), _Watch):
        yield
        return
    sys.settrace(_Watch(recorded, give).enter)
    try:
        yield
    finally:
        sys.settrace(before)


class _Watch:
    """The trace function of one recording."""

    def __init__(self, recorded: Sequence[Any], give: Give) -> None:
        self.recorded = recorded
        self.give = give
        self.depth = 0

    def enter(self, frame: FrameType, event: str, _: Any) -> Any:
        """Watch the frames of the user's functions; those of libraries run as ever."""
        name = frame.f_globals.get("__name__")
        if event != "call" or is_internal(name, frame.f_code):
            return None
        self.depth += 1
        depth, seen, count = self.depth, dict(frame.f_locals), len(self.recorded)

        def step(inner: FrameType, what: str, _: Any) -> Any:
            nonlocal count
            if what in ("line", "return") and count != len(self.recorded):
                count = len(self.recorded)
                self._look(inner.f_locals, seen, depth)
            if what == "return":
                self.depth -= 1
            return step

        return step

    def _look(self, variables: Mapping[str, Any], seen: dict[str, Any], depth: int) -> None:
        for name, value in list(variables.items()):
            if seen.get(name) is not value:
                seen[name] = value
                self.give(name, value, depth)
