"""What people read: messages in English and Korean, particles, numbers, indented code.

Layer L0. A message is written in English where it is needed, as a literal template:
`say("inner sizes differ, {a} and {b}", a=4, b=3)`. Its Korean twin stands in `korean/`, keyed by
the English template; a test reads every `say` in the source and requires the twin. A Korean
template asks for a particle by naming both forms: `{name:은/는}`.
"""

from __future__ import annotations

import importlib
import locale
import os
import string
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LANGUAGES = ("en", "ko")
_chosen: ContextVar[str | None] = ContextVar("glassgrad_language", default=None)


# --- language ----------------------------------------------------------------------------


def language() -> str:
    """The language of messages: the one set, else GLASSGRAD_LANG, else the locale's."""
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    return _language_of_environment(os.environ.get("GLASSGRAD_LANG", ""))


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Use one language inside a `with` block."""
    if code not in LANGUAGES:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)}, not {code!r}")
    token = _chosen.set(code)
    try:
        yield
    finally:
        _chosen.reset(token)


@cache
def _language_of_environment(requested: str) -> str:
    if requested[:2] in LANGUAGES:
        return requested[:2]
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable)
        if value:
            return "ko" if value.startswith("ko") else "en"
    name = locale.getlocale()[0] or ""
    return "ko" if name.startswith(("ko", "Korean")) else "en"


def say(template: str, /, **values: object) -> str:
    """Fill `template` in the language of the moment.

    >>> with speaking("en"):
    ...     say("unknown {what} {word!r}", what="loss", word="mze")
    "unknown loss 'mze'"
    """
    if language() == "ko":
        korean = _korean().get(template)
        if korean is not None:
            return _KoreanFormatter().vformat(korean, (), values)
    return template.format(**values) if values else template


@cache
def _korean() -> dict[str, str]:
    """All Korean templates, read when the first Korean message is needed."""
    messages: dict[str, str] = {}
    for topic in importlib.import_module("glassgrad.korean").TOPICS:
        messages.update(importlib.import_module(f"glassgrad.korean.{topic}").MESSAGES)
    return messages


class _KoreanFormatter(string.Formatter):
    """`{name:은/는}` writes the value and the particle that follows its reading."""

    def format_field(self, value: object, format_spec: str) -> str:
        if "/" in format_spec:
            return josa(str(value), format_spec)
        return str(super().format_field(value, format_spec))


# --- particles ---------------------------------------------------------------------------

# How the Korean names of digits and letters end; ㄹ is told apart because of (으)로.
_DIGIT_ENDINGS = {"0": "ㅇ", "1": "ㄹ", "3": "ㅁ", "6": "ㄱ", "7": "ㄹ", "8": "ㄹ"}
_LETTER_ENDINGS = {"l": "ㄹ", "m": "ㅁ", "n": "ㄴ", "r": "ㄹ"}
_RIEUL = 8  # index of ㄹ among the final consonants of a Hangul syllable


def josa(word: str, pair: str) -> str:
    """`word` with the particle that its reading asks for; `pair` names both, as in `은/는`.

    >>> josa("W1", "은/는"), josa("b2", "은/는"), josa("x3", "을/를"), josa("h", "을/를")
    ('W1은', 'b2는', 'x3을', 'h를')
    >>> josa("파일", "으로/로"), josa("계층", "으로/로")
    ('파일로', '계층으로')
    """
    after_consonant, after_vowel = pair.split("/")
    ending = _ending(word)
    if after_consonant == "으로" and ending == "ㄹ":
        return word + after_vowel
    return word + (after_vowel if ending == "" else after_consonant)


def _ending(word: str) -> str:
    """The final consonant with which `word` is read; empty if it ends in a vowel."""
    for character in reversed(word):
        if "가" <= character <= "힣":
            final = (ord(character) - ord("가")) % 28
            return "" if final == 0 else "ㄹ" if final == _RIEUL else "ㄱ"
        if character.isdigit():
            return _DIGIT_ENDINGS.get(character, "")
        if character.isascii() and character.isalpha():
            return _LETTER_ENDINGS.get(character.lower(), "")
    return ""


# --- code and tables ---------------------------------------------------------------------


class Writer:
    """Lines of source with indentation.

    >>> out = Writer()
    >>> out.line("def f(x):")
    >>> with out.indented():
    ...     out.line("return x")
    >>> print(out.text(), end="")
    def f(x):
        return x
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0

    def line(self, text: str = "") -> None:
        self._lines.append("    " * self._depth + text if text else "")

    def lines(self, block: str) -> None:
        for text in block.splitlines():
            self.line(text)

    @contextmanager
    def indented(self) -> Iterator[None]:
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


def oxford(words: Iterable[str], joiner: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`.

    >>> oxford(["x", "y", "z"])
    'x, y and z'
    """
    listed = list(words)
    if len(listed) < 2:  # noqa: PLR2004 - one word needs no joiner
        return "".join(listed)
    return ", ".join(listed[:-1]) + f" {joiner} " + listed[-1]


_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_KIB = 1024.0
_PRECISE = 100.0  # amounts below have a decimal


def byte_size(value: int) -> str:
    """Bytes in the unit that a person would choose; nothing for none.

    >>> byte_size(0), byte_size(512), byte_size(131072)
    ('', '512 B', '128 KiB')
    """
    if not value:
        return ""
    amount, unit = float(value), 0
    while amount >= _KIB and unit < len(_UNITS) - 1:
        amount, unit = amount / _KIB, unit + 1
    is_whole = amount.is_integer() or amount >= _PRECISE
    shown = f"{amount:.0f}" if is_whole else f"{amount:.1f}"
    return f"{shown} {_UNITS[unit]}"


def columns_of(shown: str) -> int:
    """Columns that a text takes in a terminal; Hangul takes two each."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in shown)


def aligned(rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> str:
    """Rows of cells as columns; those numbered in `left` are words, the others numbers.

    >>> print(aligned([("layer", "size"), ("fc", "12")]))
    layer  size
    fc       12
    """
    sizes = [max(columns_of(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        blanks = [" " * (size - columns_of(cell)) for size, cell in zip(sizes, row, strict=True)]
        pairs = enumerate(zip(row, blanks, strict=True))
        cells = [cell + blank if i in left else blank + cell for i, (cell, blank) in pairs]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
