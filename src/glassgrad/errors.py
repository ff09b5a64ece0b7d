"""Every exception and warning of the package, and the one form in which they speak.

    GlassgradError
    ├── ShapeError (ValueError)             sizes or ranks that do not fit
    ├── IndexRangeError (IndexError)        an index outside the array, or more of them than axes
    ├── DtypeError (TypeError)              a kind of number that does not fit
    ├── OptionError (ValueError)            a name or value outside what is offered
    ├── DataError (ValueError)              rows, columns, labels or values that cannot be used
    ├── FileFormatError (ValueError)        a file that is truncated, corrupt or of another kind
    ├── FileAccessError (OSError)           a file or folder that cannot be read or written
    ├── GraphError (ValueError)             a graph that breaks its own rules
    ├── TraceError (TypeError)              a traced value used where a number is needed
    ├── GradientError (RuntimeError)        a gradient that does not exist or would be wrong
    ├── RandomKeyError (RuntimeError)       a random draw without a key
    ├── NonFiniteError (FloatingPointError) a NaN or an infinity where a number must be
    ├── OutOfMemoryError (MemoryError)      arrays for which the system has no memory
    └── MissingExtraError (ImportError)     an optional dependency that is not installed

Layer L0. A message has five parts: operation, what is wrong with both values, the operands,
the rule, and a hint. Code that finds a fault raises the bare cause; the public edge adds the
operation and the operands once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from glassgrad.text import say


@dataclass(frozen=True)
class Operand:
    """One line of an error's table: `x   (2, 4) float32   h   train.py:31`."""

    label: str
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    name: str = ""
    place: str = ""

    def cells(self) -> tuple[str, str, str, str]:
        kind = "" if self.shape is None else f"{self.shape} {self.dtype}".strip()
        return self.label, kind, self.name, self.place


class GlassgradError(Exception):
    """Base of all errors raised on purpose by glassgrad."""

    def __init__(
        self,
        problem: str,
        *,
        operation: str = "",
        operands: Sequence[Operand] = (),
        rule: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.operation = operation
        self.operands = tuple(operands)
        self.rule = rule
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.operation}: {self.problem}" if self.operation else self.problem
        lines = [head, *_table(self.operands)]
        if self.rule:
            lines.append(f"  {say('rule')} {self.rule}")
        if self.hint:
            lines += ["", f"{say('hint')}: {self.hint}"]
        return "\n".join(lines)

    def at(self, operation: str, operands: Sequence[Operand] = ()) -> GlassgradError:
        """This error with the operation and operands of the public edge, if it has none yet."""
        self.operation = self.operation or operation
        self.operands = self.operands or tuple(operands)
        return self


class ShapeError(GlassgradError, ValueError):
    """Sizes or ranks that do not fit together."""


class IndexRangeError(GlassgradError, IndexError):
    """An index outside the array, or more indices than it has axes."""


class DtypeError(GlassgradError, TypeError):
    """A kind of number that the operation cannot take."""


class OptionError(GlassgradError, ValueError):
    """A name or value outside what is offered."""


class DataError(GlassgradError, ValueError):
    """Rows, columns, labels or values that cannot be used."""


class FileFormatError(GlassgradError, ValueError):
    """A file that is truncated, corrupt, or of another kind than its name says."""


class FileAccessError(GlassgradError, OSError):
    """A file or folder that cannot be read or written."""


class GraphError(GlassgradError, ValueError):
    """A graph that breaks single assignment, order, shape or dtype."""


class TraceError(GlassgradError, TypeError):
    """A traced value used where Python needs a number, such as in `if`."""


class GradientError(GlassgradError, RuntimeError):
    """A gradient that does not exist, or that would silently be wrong."""


class RandomKeyError(GlassgradError, RuntimeError):
    """A random draw for which no key was given."""


class NonFiniteError(GlassgradError, FloatingPointError):
    """A NaN or an infinity where a finite number must be; `finding` says how it came about."""

    def __init__(self, problem: str, *, finding: object = None, **parts: Any) -> None:
        super().__init__(problem, **parts)
        self.finding = finding


class OutOfMemoryError(GlassgradError, MemoryError):
    """Arrays for which the system has no memory."""


class MissingExtraError(GlassgradError, ImportError):
    """An optional dependency that is not installed."""


class GlassgradWarning(UserWarning):
    """Base of all warnings raised by glassgrad."""


class GradientReplacedWarning(GlassgradWarning):
    """A gradient from another output was replaced, not added to."""


class UnreachedParameterWarning(GlassgradWarning):
    """A parameter that no gradient reaches."""


class InitializerWarning(GlassgradWarning):
    """An initialiser that does not fit the activation behind it."""


class DataWarning(GlassgradWarning):
    """Data that was usable only after a conversion, which is named."""


def nearest(word: str, offered: Iterable[str]) -> str:
    """A hint that names what is offered, the closest spellings of `word` first.

    >>> nearest("rellu", ["relu", "tanh"])
    'did you mean `relu`? offered: relu, tanh'
    """
    names = sorted(str(name) for name in offered)
    if not names:
        return say("there is none here to choose from")
    listing = say("offered: {names}", names=", ".join(names))
    # Of `W3` and `W1` one half is equal, which is as near as names of two letters come.
    close = get_close_matches(str(word), names, n=3, cutoff=0.6 if len(str(word)) > 2 else 0.5)  # noqa: PLR2004
    if not close:
        return listing
    spelled = ", ".join(f"`{name}`" for name in close)
    return say("did you mean {names}?", names=spelled) + " " + listing


def unknown_option(what: str, word: object, offered: Iterable[str]) -> OptionError:
    """The error for a name outside a closed list, with the nearest names as the hint."""
    problem = say("unknown {what} {word!r}", what=say(what), word=word)
    return OptionError(problem, hint=nearest(str(word), offered))


def missing_extra(package: str, extra: str, purpose: str) -> MissingExtraError:
    """The error for an optional dependency; it names the extra that brings it."""
    problem = say(
        "{purpose} needs the package {package}, which is not installed",
        purpose=purpose,
        package=package,
    )
    return MissingExtraError(problem, hint=f'python -m pip install "glassgrad[{extra}]"')


def _table(operands: Sequence[Operand]) -> list[str]:
    rows = [operand.cells() for operand in operands]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
    used = [width for width in widths if width]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width]
        lines.append("  " + "   ".join(cells).rstrip())
    assert used or not rows
    return lines
