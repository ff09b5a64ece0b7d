"""The C functions and tables that printed kernels share; each is written once, where it is used.

Layer L6. Minimum and maximum, integers that wrap around, conversions, bits, the combination of
lanes; `c_functions.py` adds exp and its like, `c_freestanding.py` what math.h would bring.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from string import Template

import numpy as np

from glassgrad.backends.native import functions
from glassgrad.backends.native.c_freestanding import FREESTANDING, LAYOUTS
from glassgrad.backends.native.c_words import WIDTH, Scope, c_type, literal, suffix
from glassgrad.backends.native.loops import F32, I64, Buffer, Number
from glassgrad.errors import GraphError
from glassgrad.text import say

# Correctly rounded or exact, hence the same numbers everywhere.
_MATH = {name: name for name in ("sqrt", "floor", "ceil", "trunc", "rint", "copysign", "fmod")}
_MATH |= {"abs": "fabs", "fma": "fma"}

_FLOAT = {
    name: f"""
/* the {which} one; NaN if either is NaN */
static inline $T gg_{name}_$S($T x, $T y)
{{
    return x != x ? x : x {symbol} y ? x : y;
}}
"""
    for name, which, symbol in (("maximum", "larger", ">"), ("minimum", "smaller", "<"))
}
_INTEGER = (
    {
        name: f"""
static inline $T gg_{name}_$S($T x, $T y)
{{
    return x {symbol} y ? x : y;
}}
"""
        for name, symbol in (("maximum", ">"), ("minimum", "<"))
    }
    | {
        name: f"""
/* wraps around, as NumPy does */
static inline $T gg_{name}_$S($T x, $T y)
{{
    return ($T)(($U)x {symbol} {right}y);
}}
"""
        for name, symbol, right in (
            ("add", "+", "($U)"),
            ("subtract", "-", "($U)"),
            ("multiply", "*", "($U)"),
            ("shift_left", "<<", ""),
        )
    }
    | {
        "negative": """
/* wraps around, as NumPy does */
static inline $T gg_negative_$S($T x)
{
    return ($T)(0u - ($U)x);
}
""",
        "abs": """
/* wraps around, as NumPy does */
static inline $T gg_abs_$S($T x)
{
    return x < 0 ? ($T)(0u - ($U)x) : x;
}
""",
    }
)
_LANES = """
/* lanes are combined pairwise: l with l + count / 2, then l with l + count / 4, ... */
static inline $T gg_$OP_lanes_$S($T *lanes, int64_t count)
{
    for (int64_t half = count / 2; half > 0; half /= 2) {
        for (int64_t lane = 0; lane < half; lane++) {
            lanes[lane] = $COMBINED;
        }
    }
    return lanes[0];
}
"""
_FILL = """
static inline void gg_fill_$S($T *lanes, int64_t count, $T value)
{
    for (int64_t lane = 0; lane < count; lane++) {
        lanes[lane] = value;
    }
}
"""
_BITS = """
static inline $D gg_$D0_of_bits_$S($T x)
{
    union {
        $T from;
        $D to;
    } bits;
    bits.from = x;
    return bits.to;
}
"""
_CONVERSION = """
/* towards zero; NaN and what does not fit become $LOWEST */
static inline $D gg_$D0_of_$S($T x)
{
    return x > -$LIMIT && x < $LIMIT ? ($D)x : $LOWEST;
}
"""
_LARGE = """
/* towards zero; from 2^63 on less 2^63, which then sets the highest bit */
static inline uint64_t gg_u64_of_$S($T x)
{
    const uint64_t high = UINT64_C(9223372036854775808);
    return x >= $LIMIT ? (uint64_t)gg_i64_of_$S(x - $LIMIT) ^ high : (uint64_t)gg_i64_of_$S(x);
}
"""


class _Template(Template):
    """Placeholders are capitals, so that `$S_of` ends behind the S."""

    idpattern = "[A-Z][A-Z0-9]*"
    flags = re.VERBOSE


class Helpers:
    """What stands before the kernels, in the order of definition."""

    def __init__(
        self, scope: Scope, freestanding: bool, write: Callable[[functions.Function, Helpers], str]
    ) -> None:
        self.scope = scope
        self.freestanding = freestanding
        self.uses_math = False
        self.tables: list[str] = []
        self.texts: dict[str, str] = {}
        self._write = write
        self.table_names: dict[Buffer, str] = {}
        self.table_bytes = 0

    # --- functions -------------------------------------------------------------------------

    def function(self, op: str, dtype: np.dtype) -> str:
        """The name of the C function that computes `op` for operands of `dtype`.

        Raises:    GraphError for an operation that neither C nor the function tables have
        """
        name = f"gg_{op}_{suffix(dtype)}"
        found = functions.find(op, dtype) if op in functions.NAMES else None
        if found is not None:
            if name not in self.texts:
                self.texts[name] = self._write(found, self)
            return name
        if op in _MATH and dtype.kind == "f":
            return self._math(op, dtype)
        table = _FLOAT if dtype.kind == "f" else _INTEGER
        if op in table:
            return self._define(name, table[op], _words(dtype))
        raise GraphError(
            say("has no C function {name} for {dtype}", name=op, dtype=dtype.name),
            operation="c_source",
        )

    def _math(self, op: str, dtype: np.dtype) -> str:
        if not self.freestanding:
            self.uses_math = True
            return _MATH[op] + ("f" if dtype == F32 else "")
        return self._replacement((op, dtype.name))

    def _replacement(self, key: tuple[str, str]) -> str:
        """The function of `c_freestanding.py` under a key, after those that it calls."""
        op, dtype = key[0], np.dtype(key[1])
        bits = np.dtype(f"uint{dtype.itemsize * 8}")
        if op in ("bits", "number"):
            return self.bitcast(*((dtype, bits) if op == "bits" else (bits, dtype)))
        needed, text = FREESTANDING[key]
        for other in needed:
            self._replacement(other)
        return self._define(f"gg_{op}_{suffix(dtype)}", text, _words(dtype))

    def lanes(self, combine: str, dtype: np.dtype, combined: str) -> str:
        """The function that combines lanes; `combined` is `lanes[lane]` with its partner."""
        words = _words(dtype) | {"OP": combine, "COMBINED": combined}
        return self._define(f"gg_{combine}_lanes_{suffix(dtype)}", _LANES, words)

    def fill(self, dtype: np.dtype) -> str:
        """The function that starts all lanes from one value."""
        return self._define(f"gg_fill_{suffix(dtype)}", _FILL, _words(dtype))

    def bitcast(self, source: np.dtype, target: np.dtype) -> str:
        """The function that reads the bits of one type as another."""
        words = _words(source) | {"D": c_type(target), "D0": suffix(target)}
        return self._define(f"gg_{suffix(target)}_of_bits_{suffix(source)}", _BITS, words)

    def conversion(self, source: np.dtype, target: np.dtype) -> str:
        """The function that cuts the fraction off, to int32, int64 or uint64."""
        through = I64 if target.kind == "u" else target
        limit = literal(Number(2.0 ** (8 * through.itemsize - 1), source))
        lowest = literal(Number(np.iinfo(through).min, through))
        words = _words(source) | {"LIMIT": limit, "LOWEST": lowest}
        words |= {"D": c_type(through), "D0": suffix(through)}
        name = self._define(f"gg_{suffix(through)}_of_{suffix(source)}", _CONVERSION, words)
        if through == target:
            return name
        return self._define(f"gg_u64_of_{suffix(source)}", _LARGE, words)

    def _define(self, name: str, text: str, words: dict[str, str]) -> str:
        if name not in self.texts:
            self.texts[name] = _Template(text.lstrip("\n")).substitute(words)
        return name

    # --- tables ----------------------------------------------------------------------------

    def table(self, buffer: Buffer, values: np.ndarray | None = None) -> str:
        """The name of a constant array; its text is written the first time."""
        if buffer not in self.table_names:
            data = buffer.data if values is None else values
            assert data is not None, buffer.name
            name = self.table_names[buffer] = self.scope.name(buffer.name, "table")
            self.tables.append(_table_text(name, np.asarray(data, buffer.dtype).ravel()))
            self.table_bytes += max(buffer.bytes, buffer.dtype.itemsize)
        return self.table_names[buffer]


def _table_text(name: str, data: np.ndarray) -> str:
    numbers = [literal(Number(value, data.dtype)) for value in data] or ["0"]
    rows: list[str] = []
    row = "   "
    for number in numbers:
        if len(row) + len(number) + 2 > WIDTH:
            rows.append(row)
            row = "   "
        row += f" {number},"
    listing = "\n".join([*rows, row])
    return f"static const {c_type(data.dtype)} {name}[{len(numbers)}] = {{\n{listing}\n}};\n"


def _words(dtype: np.dtype) -> dict[str, str]:
    """What the placeholders of a template stand for."""
    bits = dtype.itemsize * 8
    words = {"T": c_type(dtype), "S": suffix(dtype), "B": str(bits), **LAYOUTS.get(dtype.name, {})}
    if dtype.kind != "f":
        words["U"] = f"uint{max(bits, 32)}_t"
    return words
