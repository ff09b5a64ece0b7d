"""Values as C: strings that nothing can break out of, numbers, tables, and pieces of C filled in.

Layer L10. A string is written with octal escapes for every byte that is not a plain ASCII letter,
digit or mark: no quote, backslash, line end, trigraph or encoding of the compiler can change it.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from glassgrad.backends.native.loops import F64, Number
from glassgrad.errors import DataError
from glassgrad.text import say

WIDTH = 100
_PLAIN = frozenset(b" !#$%&'()*+,-./:;<=>@[]^_`{|}~") | frozenset(
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
_SHOWN = 60  # letters of a text in a comment
_MOST = 4000  # bytes of a literal; C99 promises 4095


def string(text: str) -> str:
    """A text as a C string in UTF-8.

    Raises:    DataError for a text that C cannot hold: with a zero byte, or no Unicode text

    >>> print(string('say "hi"??/'), string("한"))
    "say \\042hi\\042\\077\\077/" "\\355\\225\\234"
    """
    try:
        content = text.encode("utf-8")
    except UnicodeEncodeError:
        content = b"\0"
    if b"\0" in content:
        raise DataError(
            say("{text!r} cannot be written as a C string", text=text), operation="export"
        )
    if len(content) > _MOST:
        raise DataError(
            say("a text of {n:,} bytes is too long for C", n=len(content)),
            operation="export",
            rule=say("at most {n:,} bytes", n=_MOST),
        )
    return '"' + "".join(map(_byte, content)) + '"'


def _byte(value: int) -> str:
    return chr(value) if value in _PLAIN else f"\\{value:03o}"


def strings(name: str, texts: Sequence[str], *, is_public: bool = False) -> str:
    """A table of strings; where letters had to be escaped, a comment says them."""
    kind = "const char *const" if is_public else "static const char *const"
    text = table(f"{kind} {name}", [string(text) for text in texts])
    if all(text.isascii() for text in texts):
        return text
    shown = textwrap.wrap(", ".join(map(commented, texts)), WIDTH - 10)
    return f"/* {f'{chr(10)}   '.join(shown)} */\n{text}"


def commented(text: str) -> str:
    """A text that stands in a comment and can neither end nor continue it, cut to one line."""
    from glassgrad.backends.native.c_words import in_comment  # noqa: PLC0415

    shown = in_comment(text)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."


def c_type(dtype: Any) -> str:
    """The C type of one number."""
    from glassgrad.backends.native.c_words import c_type as of  # noqa: PLC0415

    return of(np.dtype(dtype))


def call(function: str, arguments: Sequence[str]) -> str:
    """`function(arguments);`, in several lines if one is too wide."""
    line = f"{function}({', '.join(arguments)});"
    if len(line) <= WIDTH:
        return line
    indent = " " * (len(function) - len(function.lstrip()) + 4)
    text = ", ".join(arguments) + ");"
    rows = textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
    return "\n".join([f"{function}(", *rows])


def declaration(function: str) -> str:
    """What declares a function, from its text, with the comment above it."""
    return f"{function.partition(f'{chr(10)}{{')[0]};"


_STATIC = re.compile(r"^ *static (?!const|inline)(\w[\w ]*?) (\w+)\[([^\]]+)\];", re.MULTILINE)
_BYTES = {"float": 4, "double": 8, "int32_t": 4, "int64_t": 8}


def static_bytes(text: str, sizes: Mapping[str, int]) -> int:
    """The bytes of the static arrays in a text, whose lengths are products of named sizes."""
    total = 0
    for kind, _, length in _STATIC.findall(text):
        factors = [sizes[word] if word in sizes else int(word) for word in length.split(" * ")]
        total += _BYTES[kind] * math.prod(factors)
    return total


def table(head: str, items: Sequence[str]) -> str:
    """`head[n] = {items};`, filled to the width of the page."""
    rows: list[str] = []
    row = "   "
    for item in items:
        if row.strip() and len(row) + len(item) + 2 > WIDTH:
            rows, row = [*rows, row], "   "
        row += f" {item},"
    return "\n".join([f"{head}[{len(items)}] = {{", *rows, row, "};"])


def double(value: float) -> str:
    """A double by its exact value."""
    from glassgrad.backends.native.c_words import literal  # noqa: PLC0415 - with the C printer

    return literal(Number(float(value), F64))


def array(head: str, values: np.ndarray) -> str:
    """`head[n] = {...};` with every number to its last bit."""
    from glassgrad.backends.native.c_words import literal  # noqa: PLC0415 - with the C printer

    if values.dtype.kind == "f" and np.isfinite(values).all():
        items = _hexadecimal(values)
    else:
        items = [literal(Number(x, values.dtype)) for x in values.ravel()]
    count = max(1, (WIDTH - 3) // (max(map(len, items)) + 2))
    rows = [f"    {', '.join(items[i : i + count])}," for i in range(0, len(items), count)]
    return "\n".join([f"{head}[{len(items)}] = {{", *rows, "};"])


def _hexadecimal(values: np.ndarray) -> list[str]:
    """Floats as C99 writes them exactly; all at once, as there may be millions."""
    mark = "f" if values.dtype == np.float32 else ""
    text = f"{mark} ".join(map(float.hex, values.ravel().tolist())) + mark
    return re.sub(r"\.?0*p", "p", text).replace("0x0p+0", "0.0").split()


# --- pieces ------------------------------------------------------------------------------


@cache
def _piece(name: str) -> str:
    return files("glassgrad.export").joinpath("c", f"{name}.c").read_text(encoding="utf-8")


def filled(name: str, words: Mapping[str, str]) -> str:
    """A piece of C with its `$WORDS` put in."""
    longest = sorted(words, key=len, reverse=True)
    pattern = re.compile(rf"\$({'|'.join(longest)})")
    piece = _piece(name)
    assert "$" not in pattern.sub("", piece), f"{name}.c has a word without a value"
    return pattern.sub(lambda found: words[found[1]], piece).rstrip("\n")


def heading(title: str) -> str:
    """`/* --- numbers --------- */`."""
    return f"/* --- {title} ".ljust(80, "-") + " */"
