"""The pieces of C against Python: numbers to the last bit, blanks, missing words, strings."""

from __future__ import annotations

import ctypes
import math
import random
import struct
import sys
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export.compiling import library, needs_gcc
from export.runs import HOSTILE

from glassgrad.errors import DataError
from glassgrad.export.c_file import c_prefix
from glassgrad.export.c_words import array, filled, string, strings
from glassgrad.export.pieces.files import MISSING_WORDS, is_missing, number

WORDS = {
    "p": "t",
    "P": "T_",
    "MISSING": ", ".join(map(string, sorted(MISSING_WORDS))),
    "MISSING_COUNT": str(len(MISSING_WORDS)),
}
CASES = """
    0 -0 +1 -1.5 1. . .5 e5 1e 1e+ 1e5 1E-5 1_0 - + 1e400 -1e400 1e-400 1e309 00 -00.00 0e99999999
    1.7976931348623157e308 1.797693134862315807e308 1.7976931348623159e308 5e-324 2.5e-324
    2.4703282292062327e-324 2.4703282292062328e-324 2.2250738585072011e-308 9007199254740993
    9007199254740992.99999999999999999999 9007199254740993.0000000000000000000000000000001
    0x10 inf nan infinity 1e99999999999 1e-99999999999 1.2.3 --1 1e1.5 1e5x
""".split()


@pytest.fixture(scope="module", params=["", "exact"])
def pieces(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Numbers and texts as a library; once without the short way through doubles."""
    text = "#include <float.h>\n#include <stddef.h>\n#include <stdint.h>\n\n"
    text += "\n\n".join(filled(name, WORDS) for name in ("number", "text", "missing"))
    if request.param:
        text = text.replace("FLT_EVAL_METHOD == 0", "0")
    text = text.replace("static int t_number(", "int t_number(")
    text = text.replace("static int t_is_missing(", "int t_is_missing(")
    text = text.replace("static const char *t_stripped(", "const char *t_stripped(")
    text += "\nint t_used(void);\nint t_used(void)\n{\n    return t_word(0, 0, 0, 0, 0);\n}\n"
    found = library(tmp_path_factory.mktemp("pieces"), text)
    found.t_stripped.restype = ctypes.c_void_p
    return found


def _number(pieces: Any, text: str) -> float | None:
    content, out = text.encode(), ctypes.c_double(0.0)
    is_number = pieces.t_number(content, ctypes.c_size_t(len(content)), ctypes.byref(out))
    return out.value if is_number else None


def _same(found: float | None, text: str) -> bool:
    expected = number(text)
    if found is None or not math.isfinite(expected):
        return found is None and not math.isfinite(expected)
    return struct.pack("d", found) == struct.pack("d", expected)


def _halfway(value: float) -> list[str]:
    """The number between a double and the next, and numbers a little beside it."""
    with localcontext() as context:
        context.prec = 1200
        middle = (Decimal(value) + Decimal(math.nextafter(value, math.inf))) / 2
        beside = [middle * (1 + sign * Decimal(10) ** -700) for sign in (-1, 1)]
        return [f"{x:e}" for x in (middle, *beside)]


@needs_gcc
def test_numbers_are_pythons_to_the_last_bit(pieces: Any, request: pytest.FixtureRequest) -> None:
    rng = random.Random(1)
    texts = [*CASES, *HOSTILE, "", "1" * 900, "0." + "0" * 400 + "1", "0" * 1000 + "5"]
    texts += ["1" + "0" * 308, "1" + "0" * 309, "0." + "0" * 300 + "3" * 1000]
    for _ in range(20_000 if request.config.getoption("--full") else 2_000):
        value = struct.unpack("d", rng.getrandbits(64).to_bytes(8, sys.byteorder))[0]
        texts += [repr(value), f"{value:.{rng.randint(0, 25)}e}"]
        texts.append(str(round(rng.uniform(-1000, 1000), rng.randint(0, 10))))
    for _ in range(100):
        value = struct.unpack("d", rng.getrandbits(63).to_bytes(8, sys.byteorder))[0]
        texts += _halfway(value) if math.isfinite(value) else []
    assert [text for text in texts if not _same(_number(pieces, text), text)] == []


@needs_gcc
def test_blanks_are_pythons(pieces: Any) -> None:
    blanks = [chr(c) for c in range(1, 0x3100) if chr(c).isspace()]
    assert len(blanks) > 20
    others = ["\u200b", "\u180e", "Â", "\u3001", "é", "\x1b"]
    length = ctypes.c_size_t()
    for edge in [*blanks, *others, "\u3000 \t", "x\u00a0"]:
        cell = f"{edge}a b{edge}".encode()
        buffer = ctypes.create_string_buffer(cell)
        start = pieces.t_stripped(buffer, ctypes.byref(length))
        assert ctypes.string_at(start, length.value).decode() == cell.decode().strip()
    pieces.t_stripped(None, ctypes.byref(length))
    assert length.value == 0


@needs_gcc
def test_missing_words_are_the_packages(pieces: Any) -> None:
    words = [*MISSING_WORDS, *(word.upper() for word in MISSING_WORDS), "na ", "0", "nano", "n"]
    for word in [*words, *HOSTILE]:
        content = word.strip().encode()
        found = pieces.t_is_missing(content, ctypes.c_size_t(len(content)))
        assert bool(found) == is_missing(word), word


# --- strings -----------------------------------------------------------------------------


@needs_gcc
def test_strings_come_back_as_they_were(tmp_path: Path) -> None:
    texts = [*HOSTILE, "??=", "??/\n", "%d", "\x7f", "\x01" + "8", "가" * 1000, ""]
    made = library(tmp_path, strings("words", texts, is_public=True))
    found = (ctypes.c_char_p * len(texts)).in_dll(made, "words")
    assert [word.decode() for word in found] == texts


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 5000])
def test_texts_that_c_cannot_hold_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="C"):
        string(text)


def test_prefixes() -> None:
    names = ["iris", "gg", "int", "digits-2", "꽃", "1st", "M_PI", "a" * 200, "uint8_t", "main"]
    found = [c_prefix(name) for name in names]
    assert found[:6] == ["iris", "network_gg", "network_int", "digits_2", "network", "network_1st"]
    assert all(prefix.isidentifier() and len(prefix) < 60 for prefix in found)


@needs_gcc
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_of_tables_come_back_to_the_last_bit(tmp_path: Path, dtype: Any) -> None:
    info = np.finfo(dtype)
    drawn = np.random.default_rng(0).standard_normal(100).astype(dtype)
    awkward = [0.0, -0.0, 1.0, -2.0, 0.1, info.max, info.tiny, info.smallest_subnormal, 16.0]
    values = np.concatenate([drawn, np.array(awkward, dtype)])
    infinite = np.array([np.inf, -np.inf, 0.5], dtype)
    kind = "float" if dtype is np.float32 else "double"
    text = f"{array(f'const {kind} finite', values)}\n{array(f'const {kind} infinite', infinite)}\n"
    made = library(tmp_path, text)
    for name, wanted in (("finite", values), ("infinite", infinite)):
        found = (ctypes.c_char * wanted.nbytes).in_dll(made, name)
        assert bytes(found) == wanted.tobytes()
