"""The words of C: types, literals, identifiers, comments.

Layer L6. What comes from a graph passes through here before it stands in C: a name becomes an
identifier only after the strict check, and text can neither close nor continue a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from glassgrad.backends.native.loops import BOOL, F32, Number
from glassgrad.errors import DtypeError
from glassgrad.text import say

WIDTH = 100
_WIDE = 88  # columns of a line before it is indented
_TYPES = {"float32": "float", "float64": "double", "bool": "unsigned char"} | {
    f"{sign}int{bits}": f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)
}
_FEW = 8  # digits of a number that is told in full
_MOST_INTEGER = 2.0**53  # beyond, all digits of an integer read worse than its exponent
_INT_BITS = 32  # what an undecorated literal of C holds on every machine that compiles this


def c_type(dtype: np.dtype) -> str:
    """The type that holds one number.

    Raises:    DtypeError for half precision and complex numbers, which C99 kernels lack

    >>> c_type(np.dtype(np.float32)), c_type(np.dtype(np.int64)), c_type(np.dtype(np.bool_))
    ('float', 'int64_t', 'unsigned char')
    """
    if dtype.name not in _TYPES:
        raise DtypeError(
            say("has no C type for {dtype}", dtype=dtype.name),
            operation="c_source",
            rule=say("offered: {names}", names=", ".join(sorted(_TYPES))),
        )
    return _TYPES[dtype.name]


def suffix(dtype: np.dtype) -> str:
    """How a helper's name says its dtype: `f32`, `i64`, `u8`, `b8`."""
    return f"{dtype.kind}{dtype.itemsize * 8}"


# --- literals ----------------------------------------------------------------------------


def literal(number: Number) -> str:
    """C text with exactly this value; what 0x1.8p+1 spells exactly is written 3.0.

    >>> f32, f64 = np.dtype(np.float32), np.dtype(np.float64)
    >>> literal(Number(0.5, f32)), literal(Number(0.1, f64)), literal(Number(-7, np.dtype("i8")))
    ('0.5f', '0x1.999999999999ap-4', '-7')
    """
    dtype = number.dtype
    if dtype == BOOL:
        return "1" if number.value else "0"
    if dtype.kind == "f":
        return _float(float(dtype.type(number.value)), "f" if dtype == F32 else "")
    return _integer(int(number.value), dtype)


def spelled(number: Number) -> str:
    """The decimal that a person would write for a literal printed in hexadecimal; else empty."""
    if "0x" not in literal(number):
        return ""
    value = number.dtype.type(number.value)
    return str(value) if len(str(value)) <= _FEW else f"{value:.6g}"


def _float(value: float, mark: str) -> str:
    if np.isnan(value):
        return f"(0.0{mark} / 0.0{mark})"
    if np.isinf(value):
        return f"({'-' if value < 0 else ''}1.0{mark} / 0.0{mark})"
    if value.is_integer() and abs(value) < _MOST_INTEGER:
        return f"{value:.1f}{mark}"
    short = f"{value:.6g}"
    if "e" not in short and _is_exact(short, value):
        return short + mark
    return re.sub(r"\.?0*p", "p", value.hex()) + mark


def _is_exact(decimal: str, value: float) -> bool:
    """Whether these digits are the number itself, so that every compiler reads it so."""
    return Fraction(decimal) == Fraction(value)


def _integer(value: int, dtype: np.dtype) -> str:
    bits = dtype.itemsize * 8
    if dtype.kind == "u":
        return (
            str(value) if bits < _INT_BITS else f"{value}u" if bits == _INT_BITS else _wide(value)
        )
    if value == np.iinfo(dtype).min and bits >= _INT_BITS:
        return f"INT{bits}_MIN"  # its digits alone would not fit before the sign applies
    return str(value) if abs(value) < 2 ** (_INT_BITS - 1) else f"INT64_C({value})"


def _wide(value: int) -> str:
    return f"{value}u" if value < 2**_INT_BITS else f"UINT64_C({value})"


# --- identifiers -------------------------------------------------------------------------

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}\Z")
_KEYWORDS = """
    auto break case char const continue default do double else enum extern float for goto if inline
    int long register restrict return short signed sizeof static struct switch typedef union
    unsigned void volatile while
    alignas alignof bool constexpr false nullptr static_assert thread_local true typeof
    and and_eq asm bitand bitor catch class compl delete dynamic_cast explicit export friend mutable
    namespace new not not_eq operator or or_eq private protected public reinterpret_cast
    static_cast template this throw try typeid typename using virtual wchar_t xor xor_eq
""".split()  # C99, C23, C++: a file may be included anywhere
_MATH = """
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1
    fabs fdim floor fma fmax fmin fmod frexp hypot ilogb ldexp lgamma llrint llround log log10 log1p
    log2 logb lrint lround modf nan nearbyint nextafter nexttoward pow remainder remquo rint round
    scalbln scalbn sin sinh sqrt tan tanh tgamma trunc
    j0 j1 jn y0 y1 yn gamma drem significand scalb finite exp10 pow10 sincos
""".split()
_MACROS = """
    main errno signgam isnan isinf isfinite isnormal signbit fpclassify isgreater isgreaterequal
    isless islessequal islessgreater isunordered math_errhandling near far huge
    linux unix i386 vax sun arm mips sparc index rindex strlen abs labs llabs div exit abort printf
    puts malloc free calloc memcpy memset memmove memcmp
""".split()
_STANDARD = re.compile(
    r"u?int(_least|_fast)?\d+_t|u?int(ptr|max)_t|(size|ptrdiff|wchar|float|double)_t|gg_.*"
    r"|U?INT(_LEAST|_FAST|PTR|MAX)?\d*_(MIN|MAX|C)|(SIZE|PTRDIFF|WCHAR|WINT|SIG_ATOMIC)_M(IN|AX)"
    r"|NAN|INFINITY|HUGE_VAL[FL]?|NULL|EOF|MAXFLOAT|HUGE|X_TLOSS|DOMAIN|SING|OVERFLOW|UNDERFLOW"
    r"|PLOSS|TLOSS|(M|FP|MATH|FLT|DBL|LDBL)_[A-Z0-9_]+"
)
_FORBIDDEN = frozenset(_KEYWORDS + _MACROS + [f"{n}{s}" for n in _MATH for s in ("", "f", "l")])


def identifier(name: str) -> str:
    """`name` if it may stand in C, else an empty string; dots of a path become underscores.

    >>> identifier("W1"), identifier("fc1.W"), identifier("double"), identifier("_x")
    ('W1', 'fc1_W', '', '')
    >>> identifier("exp"), identifier("x; y"), identifier("INT64_MIN"), identifier("Ω")
    ('', '', '', '')
    """
    name = name.replace(".", "_")
    ok = _IDENTIFIER.match(name) and name not in _FORBIDDEN and not _STANDARD.fullmatch(name)
    return name if ok else ""


class Scope:
    """The names visible at one place of a text; an inner scope may reuse what a sibling used."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def inner(self) -> Scope:
        """The scope of a block inside this one."""
        return Scope(self._taken)

    def name(self, wanted: str, stem: str = "t") -> str:
        """`wanted` if it may stand in C and is free, else a numbered name."""
        checked = identifier(wanted)
        if checked and checked not in self._taken:
            self._taken.add(checked)
            return checked
        return self._numbered(checked or stem, 2 if checked else 1)

    def first(self, offered: Iterable[str], stem: str) -> str:
        """The first free name of `offered`, else a numbered one."""
        free = next((name for name in offered if name not in self._taken), "")
        return self.name(free, stem)

    def _numbered(self, stem: str, number: int) -> str:
        stem = f"{stem}_" if stem[-1].isdigit() else stem
        while f"{stem}{number}" in self._taken:
            number += 1
        self._taken.add(f"{stem}{number}")
        return f"{stem}{number}"


# --- lines -----------------------------------------------------------------------------


_OUTSIDE = re.compile(r"/\*.*?\*/|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|\[[^\]]*\]")
_OPERATOR = re.compile(r" [^*/ ]+ |[()]")


def call_text(head: str, arguments: Sequence[str], end: str = "") -> str:
    """`head(arguments)end`, in several lines where one is too wide."""
    line = f"{head}({', '.join(arguments)}){end}"
    if len(line) <= _WIDE:
        return line
    rows: list[str] = []
    row = "   "
    for argument in arguments:
        if len(row) + len(argument) + 2 > _WIDE and row.strip():
            rows.append(row)
            row = "   "
        row += f" {argument},"
    return "\n".join([f"{head}(", *rows, f"{row.rstrip(',')}){end}"])


def assignment(target: str, value: str) -> str:
    """`target = value;`, in several lines where one is too wide."""
    added = value.removeprefix(f"{target} + ")
    if added != value and not _OPERATOR.search(_OUTSIDE.sub("", added)):
        inside = added[1:-1]
        is_group = added == f"({inside})" and not _OUTSIDE.sub("", added)
        text = inside if is_group else added
        return assignment(f"{target} +", text).replace(" + = ", " += ", 1)
    line = f"{target} = {value};"
    if len(line) <= _WIDE:
        return line
    if len(value) + 4 > _WIDE:
        name, arguments = _as_call(value)
        if name:
            return call_text(f"{target} = {name}", arguments, ";")
    return f"{target} =\n    {value};"


def _as_call(value: str) -> tuple[str, list[str]]:
    """The name and the arguments of a text that is one call; no name if it is not."""
    match = re.match(r"(\w+)\(", value)
    if match is None:
        return "", []
    arguments, depth, start = [], 1, match.end()
    for at in range(start, len(value)):
        depth += {"(": 1, ")": -1}.get(value[at], 0)
        if depth == 0:
            arguments.append(value[start:at].strip())
            return (match[1], arguments) if at == len(value) - 1 else ("", [])
        if value[at] == "," and depth == 1:
            arguments.append(value[start:at].strip())
            start = at + 1
    return "", []


# --- comments ----------------------------------------------------------------------------


def in_comment(text: str) -> str:
    """Text that stands inside a comment as it is and cannot end it.

    Backslashes (a line that ends in one goes on), control and direction characters are written by
    their numbers; what would open or close a comment, or begin a trigraph, is parted.

    >>> in_comment("a */ b"), in_comment("??/"), in_comment("x\\\\")
    ('a * / b', '? ?/', 'x<U+005C>')
    """
    shown = "".join(c if c.isprintable() and c != "\\" else f"<U+{ord(c):04X}>" for c in text)
    return re.sub(r"\*(?=/)|/(?=\*)|\?(?=\?)", r"\g<0> ", shown)


def comment(text: str) -> str:
    """A comment on a line of its own, cut where it would be too wide."""
    shown = in_comment(text)
    most = WIDTH - 20
    return f"/* {shown if len(shown) <= most else shown[: most - 4].rstrip() + ' ...'} */"
