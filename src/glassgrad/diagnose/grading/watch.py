"""What the variables of one function held, line by line, while it ran.

Layer L9. A trace function sees only the frames of the functions that are watched; whatever traced
before (a debugger, coverage) is put back afterwards. A variable has a new version each time that a
line leaves it with another object or other numbers, so that `dh[h <= 0] = 0` is seen too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_VERSIONS = 64  # of one variable: a loop over samples makes many
_MOST_ELEMENTS = 4_000_000  # of an array that is copied at every change


@dataclass(frozen=True, eq=False)
class Version:
    """A variable after a line: its numbers then, the object, and when and where it got them.

    holder: the dict or object that it is an entry of, for `grads["W1"]` and `self.dW`
    """

    name: str
    value: Any
    thing: Any
    file: str
    line: int
    time: int
    holder: Any = None

    @property
    def place(self) -> str:
        return f"{Path(self.file).name}:{self.line}"


class Watch:
    """The versions of every variable of the watched functions, and what they returned."""

    def __init__(self, codes: Iterable[CodeType], objects_only: bool = False) -> None:
        self.codes = set(codes)
        self.objects_only = objects_only  # tracers have no numbers to compare
        self.versions: dict[str, list[Version]] = {}
        self.locals: dict[str, Any] = {}  # of the outermost watched frame, when it returned
        self.helpers: list[tuple[str, Any]] = []  # what functions beside them called their results
        self.end: Version | None = None  # the line on which it returned
        self._clock = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)

    def last_of(self, thing: Any) -> Version | None:
        """The newest version of a variable that is this very object."""
        found = [v for versions in self.versions.values() for v in versions if v.thing is thing]
        return max(found, key=lambda version: version.time, default=None)

    def _enter(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event != "call":
            return None
        if frame.f_code not in self.codes:
            return self._helper(frame)
        line = frame.f_lineno
        known: dict[Any, Version] = {}
        self._look(frame, line, known)

        def step(inner: FrameType, what: str, _: Any) -> Any:
            nonlocal line
            if what in ("line", "return"):
                self._look(inner, line, known)
                line = inner.f_lineno
            if what == "return":
                self.locals = dict(inner.f_locals)
                file = inner.f_code.co_filename
                self.end = Version("", None, None, file, inner.f_lineno, self._clock + 1)
            return step

        return step

    def _helper(self, frame: FrameType) -> Any:
        """Of another function in the same files, only the names at its end."""
        if frame.f_code.co_filename not in {code.co_filename for code in self.codes}:
            return None
        frame.f_trace_lines = False

        def leave(inner: FrameType, what: str, _: Any) -> Any:
            if what == "return":
                found = _variables(dict(inner.f_locals))
                self.helpers += [(n, thing) for n, thing, holder in found if holder is None]
                del self.helpers[: -_MOST_VERSIONS * 8]
            return leave

        return leave

    def _look(self, frame: FrameType, line: int, known: dict[Any, Version]) -> None:
        """Note what the line that has just ended changed."""
        self._clock += 1
        for name, thing, holder in _variables(frame.f_locals):
            key = (id(holder) if holder is not None else None, name)
            before = known.get(key)
            if before is not None and before.thing is thing and self._same(before.value, thing):
                continue
            value = thing if self.objects_only else _copied(thing)
            file = frame.f_code.co_filename
            version = Version(name, value, thing, file, line, self._clock, holder)
            known[key] = version
            kept = self.versions.setdefault(name, [])
            kept.append(version)
            del kept[1 : -_MOST_VERSIONS + 1]

    def _same(self, value: Any, thing: Any) -> bool:
        if self.objects_only or not isinstance(thing, np.ndarray) or value is thing:
            return True
        return np.array_equal(value, thing, equal_nan=thing.dtype.kind in "fc")


def _variables(variables: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """(name, value, holder) of the numbers and arrays, and of those in dicts and in `self`."""
    for name, thing in variables.items():
        if _is_value(thing):
            yield name, thing, None
        inner = vars(thing) if name == "self" and hasattr(thing, "__dict__") else thing
        if isinstance(inner, dict):
            yield from _entries(inner)
            grads = inner.get("grads") if name == "self" else None
            yield from _entries(grads) if isinstance(grads, dict) else ()


def _entries(held: dict[Any, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key, entry in held.items():
        if isinstance(key, str) and _is_value(entry):
            yield key, entry, held


def _is_value(thing: Any) -> bool:
    if isinstance(thing, np.ndarray):
        return thing.dtype.kind in "biuf"
    return isinstance(thing, (float, np.generic)) or hasattr(thing, "interpreter")


def _copied(thing: Any) -> Any:
    small = isinstance(thing, np.ndarray) and thing.size <= _MOST_ELEMENTS
    return thing.copy() if small else thing
