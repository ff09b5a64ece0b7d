"""Where words go: data to stdout, all else to stderr; what a stream cannot encode becomes ASCII.

Layer L11. Knows nothing of training.
"""

from __future__ import annotations

import codecs
import json
import sys
import unicodedata
import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from glassgrad.errors import GlassgradError, GlassgradWarning
from glassgrad.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator

# --- encodings ---------------------------------------------------------------------------

# How a character is written where an encoding lacks it; accents fall off by themselves.
_PAIRS = """
    × x  ÷ /  … ...  → ->  ← <-  ⇒ =>  ≤ <=  ≥ >=  ≠ !=  ≈ ~  ± +-  ∞ inf  √ sqrt  ½ 1/2  ¼ 1/4
    ² ^2  ³ ^3  ° deg  ‖ ||  σ sigma  Σ sum  π pi  μ mu  µ u  ∂ d  δ d  Δ d  λ lambda  ε eps
    α alpha  β beta  θ theta  Φ Phi  ✓ ok  ✗ no  █ #  ▏ |  ∈ in  ′ '
""".split()
_ASCII = {
    **dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True)),
    **dict.fromkeys("−⁻–—‐‑━─╸╺", "-"),
    **dict.fromkeys("“”„", '"'),
    **dict.fromkeys("‘’‚", "'"),
    **dict.fromkeys("│┃╎", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╯╰", "+"),
    **dict.fromkeys("·•∙⋅⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "*"),
}
_HANDLER = "glassgrad-ascii"


def _to_ascii(error: UnicodeError) -> tuple[str, int]:
    """The error handler of `str.encode` that writes the nearest ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = "".join(_spelled(character) for character in error.object[error.start : error.end])
    return text, error.end


def _spelled(character: str) -> str:
    if character in _ASCII:
        return _ASCII[character]
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain or "?"


codecs.register_error(_HANDLER, _to_ascii)


def use_safe_streams() -> None:
    """From now on no character that stdout or stderr lacks can stop the program."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_HANDLER)


def can_write_korean() -> bool:
    """Whether both streams have Hangul; where they have not, English is spoken."""
    return all(_encodes(stream, "가") for stream in (sys.stdout, sys.stderr))


def _encodes(stream: TextIO, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


# --- output ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Output:
    """One command's output: data to stdout; with `json`, words for people to stderr."""

    json: bool = False
    quiet: bool = False

    def report(self, text: str = "") -> None:
        """A part of what was asked for, in words."""
        if not self.quiet:
            self.result(text)

    def result(self, text: str) -> None:
        """What even `--quiet` leaves."""
        if not (self.json and self.quiet):
            print(text, file=sys.stderr if self.json else sys.stdout, flush=True)

    def note(self, text: str) -> None:
        """A remark on what is done, for people."""
        if not self.quiet:
            complain(text)

    def data(self, value: Any) -> None:
        """The result for programs, as one JSON value; nothing without `--json`."""
        if self.json:
            print(json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=1))


def complain(text: str) -> None:
    """A line on stderr."""
    print(text, file=sys.stderr, flush=True)


def show_error(error: GlassgradError) -> None:
    """An error in the form of STYLE 22, without a traceback."""
    complain(f"{type(error).__name__}: {error}")


@contextmanager
def spoken_warnings() -> Iterator[None]:
    """Show the package's warnings as one line each, once, without a place in the source."""
    seen: set[str] = set()
    with warnings.catch_warnings():
        standard = warnings.showwarning

        def show(message: Any, category: Any, *place: Any, **more: Any) -> None:
            if not issubclass(category, GlassgradWarning):
                standard(message, category, *place, **more)
            elif str(message) not in seen:
                seen.add(str(message))
                complain(f"{say('warning')}: {message}")

        warnings.simplefilter("always", GlassgradWarning)
        warnings.showwarning = show
        yield


def plain(value: Any) -> Any:
    """`value` for JSON: NumPy numbers and arrays as Python's; what is not finite is null."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    is_finite = not isinstance(value, float) or abs(value) < float("inf")
    return value if is_finite else None


# --- tables ------------------------------------------------------------------------------


def width(text: str) -> int:
    """Columns that `text` takes in a terminal; Hangul takes two each."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def padded(text: str, size: int, *, right: bool = False) -> str:
    """`text` filled up with blanks, behind it or, for numbers, before it."""
    blanks = " " * max(0, size - width(text))
    return blanks + text if right else text + blanks


def table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Rows of text as aligned columns; the first row is the head, `right` the right-aligned ones.

    >>> print(table([("layer", "size"), ("fc", "12")], right=[1]))
    layer  size
    fc       12
    """
    sizes = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [padded(c, sizes[i], right=i in right) for i, c in enumerate(row)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
