"""Where in the user's program an equation belongs: its region and what it differentiates.

Layer L1. `with region("softmax"):` folds the equations bound inside into one box; regions nest
and survive differentiation under `backward`. `deriving(...)` marks the equations of a backward
pass with the forward equation that they differentiate. Both are plain context: no value knows of
them.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from glassgrad.core.position import here, is_internal

if TYPE_CHECKING:
    from collections.abc import Iterator

P = ParamSpec("P")
R = TypeVar("R")
Path = tuple[str, ...]
COMPOSITES: dict[str, str] = {}  # functions, not layers: name and summary


class Provenance:
    """The open regions, the forward equation being differentiated, the position of a composite's
    caller, and, while a graph is evaluated again, its equation's position and names; and whether
    eager operations are remembered."""

    __slots__ = ("derives", "is_recording", "names", "path", "position")

    def __init__(self) -> None:
        self.path: Path = ()
        self.derives: Any = None
        self.position: Any = None
        self.names: tuple[str, ...] = ()
        self.is_recording = True


class _PerThread(threading.local):
    """One `Provenance` a thread, in `now`: every look through a `local` costs, so there is one."""

    def __init__(self) -> None:
        self.now = Provenance()


provenance = _PerThread()


@contextmanager
def region(name: str) -> Iterator[None]:
    """Bind the equations of a `with` block under one more name of the path."""
    p = provenance.now
    before = p.path
    p.path = (*before, name)
    try:
        yield
    finally:
        p.path = before


def composite(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function whose equations show as one region with its name."""
    name = function.__name__.strip("_")
    is_ours = is_internal(function.__module__)
    summary = (function.__doc__ or "").partition("\n")[0] if is_ours else ""
    if summary or name not in COMPOSITES:  # of namesakes one, whichever was imported first
        COMPOSITES[name] = min(filter(None, (summary, COMPOSITES.get(name))), default="")

    @functools.wraps(function)
    def in_region(*args: P.args, **kwargs: P.kwargs) -> R:
        p = provenance.now
        path, placed = p.path, p.position
        p.path = (*path, name)
        if is_ours and placed is None:  # one look for all operations inside; a user's has its own
            p.position = here(2)
        try:
            return function(*args, **kwargs)
        finally:
            p.path, p.position = path, placed

    return in_region


@contextmanager
def deriving(equation: Any, path: Path) -> Iterator[None]:
    """Bind the backward equations of one forward equation, in its region under `backward`."""
    p = provenance.now
    before = p.path, p.derives
    p.path = path if path[:1] == ("backward",) else ("backward", *path)
    p.derives = equation
    try:
        yield
    finally:
        p.path, p.derives = before


@contextmanager
def replaying(equation: Any) -> Iterator[None]:
    """Bind an equation of an existing graph again, with its region, position and names."""
    p = provenance.now
    before = p.path, p.derives, p.position, p.names
    p.path = before[0] + equation.region
    p.derives, p.position = equation.derives, equation.position
    p.names = tuple(var.name for var in equation.outputs)
    try:
        yield
    finally:
        p.path, p.derives, p.position, p.names = before


@contextmanager
def replaying_node(node: Any) -> Iterator[None]:
    """Bind an operation of a tape again, in its region and at its position."""
    p = provenance.now
    before = p.path, p.position
    p.path, p.position = node.path, node.position
    try:
        yield
    finally:
        p.path, p.position = before
