"""`astype` in LLVM IR: every pair of dtypes, with NumPy's results where C leaves them open.

Layer L6. A floating number that does not fit an integer, NaN among them, becomes what x86 gives:
the lowest int64 or int32, of which narrower types keep the low bits.
"""

from __future__ import annotations

import numpy as np

from glassgrad.backends.native.llvm.words import number_text, scalar_type, splat_text, vector
from glassgrad.backends.native.llvm.writing import Writing
from glassgrad.backends.native.loops import BOOL, I32, I64, U64

_WORD = 4  # bytes of an int32, through which narrower integers are reached


def convert(w: Writing, text: str, source: np.dtype, target: np.dtype, lanes: int) -> str:
    """The name of `text` converted from dtype `source` to dtype `target`."""
    kind, wanted = vector(scalar_type(source), lanes), vector(scalar_type(target), lanes)
    if source == target:
        return text
    if target == BOOL:
        return _truth(w, text, source, lanes)
    if source.kind == "f" and target.kind == "f":
        word = "fpext" if target.itemsize > source.itemsize else "fptrunc"
        return w.new(f"{word} {kind} {text} to {wanted}")
    if target.kind == "f":
        word = "sitofp" if source.kind == "i" else "uitofp"
        return w.new(f"{word} {kind} {text} to {wanted}")
    if source.kind == "f":
        return _whole(w, text, source, target, lanes)
    return _resized(w, text, source, target, lanes)


def _truth(w: Writing, text: str, source: np.dtype, lanes: int) -> str:
    kind = scalar_type(source)
    word = "fcmp une" if source.kind == "f" else "icmp ne"
    zero = splat_text(kind, number_text(0, source), lanes)
    return w.new(f"{word} {vector(kind, lanes)} {text}, {zero}")


def _resized(w: Writing, text: str, source: np.dtype, target: np.dtype, lanes: int) -> str:
    kind, wanted = vector(scalar_type(source), lanes), vector(scalar_type(target), lanes)
    if source != BOOL and source.itemsize == target.itemsize:
        return text
    if source == BOOL or target.itemsize > source.itemsize:
        word = "sext" if source.kind == "i" else "zext"
        return w.new(f"{word} {kind} {text} to {wanted}")
    return w.new(f"trunc {kind} {text} to {wanted}")


def _whole(w: Writing, text: str, source: np.dtype, target: np.dtype, lanes: int) -> str:
    """Towards zero; through int64, or int32 where the target is an int32 or narrower."""
    if target == U64:
        return _large(w, text, source, lanes)
    through = I32 if target.itemsize < _WORD or target == I32 else I64
    found = _guarded(w, text, source, through, lanes)
    return _resized(w, found, through, target, lanes)


def _guarded(w: Writing, text: str, source: np.dtype, through: np.dtype, lanes: int) -> str:
    kind, wanted = scalar_type(source), scalar_type(through)
    many, flags = vector(kind, lanes), vector("i1", lanes)
    limit = splat_text(kind, number_text(2.0 ** (8 * through.itemsize - 1), source), lanes)
    zero = splat_text(kind, number_text(0.0, source), lanes)
    lowest = splat_text(wanted, str(np.iinfo(through).min), lanes)
    cut = w.call_intrinsic("trunc", source, [text], lanes)
    size = w.call_intrinsic("fabs", source, [cut], lanes)
    fits = w.new(f"fcmp olt {many} {size}, {limit}")
    safe = w.new(f"select {flags} {fits}, {many} {cut}, {many} {zero}")
    whole = w.new(f"fptosi {many} {safe} to {vector(wanted, lanes)}")
    return w.new(
        f"select {flags} {fits}, {vector(wanted, lanes)} {whole}, {vector(wanted, lanes)} {lowest}"
    )


def _large(w: Writing, text: str, source: np.dtype, lanes: int) -> str:
    """uint64: numbers from 2^63 on are converted less 2^63, which then flips the top bit."""
    kind = scalar_type(source)
    many, flags, wanted = vector(kind, lanes), vector("i1", lanes), vector("i64", lanes)
    limit = splat_text(kind, number_text(2.0**63, source), lanes)
    is_high = w.new(f"fcmp oge {many} {text}, {limit}")
    less = w.new(f"fsub {many} {text}, {limit}")
    chosen = w.new(f"select {flags} {is_high}, {many} {less}, {many} {text}")
    low = _guarded(w, chosen, source, I64, lanes)
    flipped = w.new(f"xor {wanted} {low}, {splat_text('i64', str(-(2**63)), lanes)}")
    return w.new(f"select {flags} {is_high}, {wanted} {flipped}, {wanted} {low}")
