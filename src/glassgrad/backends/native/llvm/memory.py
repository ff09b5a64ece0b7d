"""Loads and stores.

Layer L6. What lanes share is read once; neighbours are read as a block, and every second element as
two; all else is gathered, and scattered when it is written. Under a mask only the lanes that count
touch memory. A boolean is i1 as a value and a byte in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from glassgrad.backends.native.llvm.words import memory_type, splat_text, suffix, vector
from glassgrad.backends.native.llvm.writing import Text, Writing, is_literal, lane_numbers
from glassgrad.backends.native.loops import BOOL, Buffer, Index, Load, Store

_ALL = "splat (i1 true)"
_SECOND = 2  # the distance of every second element


class _Elements(NamedTuple):
    """Where the lanes find one element each.

    pointer: to the element of the first lane; with indices, to the buffer's first element
    indices: a vector of them; "" where the lanes' elements lie `stride` apart
    stride:  0 where all lanes share one element
    """

    pointer: str
    indices: str
    stride: int

    @property
    def is_shared(self) -> bool:
        return not self.indices and not self.stride

    @property
    def is_block(self) -> bool:
        return not self.indices and self.stride == 1


def pointer_to(w: Writing, buffer: Buffer, index: Index) -> str:
    """The pointer to one element, that of the first lane."""
    return _elements(w, buffer, index).pointer


def write_load(w: Writing, statement: Load) -> None:
    """Name what is loaded."""
    buffer = statement.buffer
    found = _elements(w, buffer, statement.index)
    kind, size = memory_type(buffer.dtype), buffer.dtype.itemsize
    lanes = 0 if found.is_shared else w.lanes
    if found.is_shared:
        value = w.new(f"load {kind}, ptr {found.pointer}, align {size}")
    elif found.is_block:
        value = _load_block(w, found.pointer, kind, size)
    elif _is_every_second(w, found):
        value = _load_every_second(w, found.pointer, kind, size)
    else:
        value = _gather(w, found, kind, size)
    if buffer.dtype == BOOL:
        zero = "zeroinitializer" if lanes else "0"
        value = w.new(f"icmp ne {vector(kind, lanes)} {value}, {zero}")
    w.env[statement.out] = Text(value, lanes > 0)


def write_store(w: Writing, statement: Store) -> None:
    """Store a value; it is the same in all lanes where these share the element."""
    buffer = statement.buffer
    found = _elements(w, buffer, statement.index)
    kind, size = memory_type(buffer.dtype), buffer.dtype.itemsize
    lanes = 0 if found.is_shared else w.lanes
    value = w.as_vector(statement.value, lanes)
    if buffer.dtype == BOOL:
        value = w.new(f"zext {vector('i1', lanes)} {value} to {vector('i8', lanes)}")
    if found.is_shared or (found.is_block and not w.mask):
        w.line(f"store {vector(kind, lanes)} {value}, ptr {found.pointer}, align {size}")
    elif found.is_block:
        _store_block(w, value, found.pointer, kind, size)
    elif _is_every_second(w, found):
        _store_every_second(w, value, found.pointer, kind, size)
    else:
        _scatter(w, value, found, kind, size)


# --- neighbours --------------------------------------------------------------------------


def _load_block(w: Writing, pointer: str, kind: str, size: int, mask: str | None = None) -> str:
    whole, flags = vector(kind, w.lanes), vector("i1", w.lanes)
    mask = w.mask if mask is None else mask
    if not mask:
        return w.new(f"load {whole}, ptr {pointer}, align {size}")
    name = f"@llvm.masked.load.{suffix(kind, w.lanes)}.p0"
    w.shared.declare(f"{whole} {name}(ptr, i32, {flags}, {whole})")
    given = f"ptr {pointer}, i32 {size}, {flags} {mask}, {whole} zeroinitializer"
    return w.new(f"call {whole} {name}({given})")


def _store_block(
    w: Writing, value: str, pointer: str, kind: str, size: int, mask: str | None = None
) -> None:
    whole, flags = vector(kind, w.lanes), vector("i1", w.lanes)
    name = f"@llvm.masked.store.{suffix(kind, w.lanes)}.p0"
    w.shared.declare(f"void {name}({whole}, ptr, i32, {flags})")
    mask = w.mask if mask is None else mask
    w.line(f"call void {name}({whole} {value}, ptr {pointer}, i32 {size}, {flags} {mask})")


# --- every second element ----------------------------------------------------------------


def _is_every_second(w: Writing, found: _Elements) -> bool:
    """Whether lanes are two elements apart, and it is known how many of them count."""
    return not found.indices and found.stride == _SECOND and (not w.mask or w.mask[0] == "<")


def _load_every_second(w: Writing, pointer: str, kind: str, size: int) -> str:
    """Two blocks, of which the second begins with the last element of the first, and a shuffle;
    under a mask it begins one further. Nothing behind the last element is read."""
    lanes, count = w.lanes, _counting(w)
    elements = _SECOND * count - 1
    low_mask, high_mask, shift = "", "", lanes - 1
    if w.mask:
        low_mask, high_mask, shift = (
            _flags(elements > i for i in range(lanes)),
            _flags(elements > lanes + i for i in range(lanes)),
            lanes,
        )
    low = _load_block(w, pointer, kind, size, low_mask)
    behind = w.new(f"getelementptr {kind}, ptr {pointer}, i64 {shift}")
    high = _load_block(w, behind, kind, size, high_mask)
    places = [_SECOND * i for i in range(lanes)]
    chosen = [at if at < lanes else lanes + at - shift for at in places]
    return _shuffled(w, kind, low, high, chosen)


def _store_every_second(w: Writing, value: str, pointer: str, kind: str, size: int) -> None:
    """The halves of the vector, spread over one block each, of which every second is written."""
    lanes, count = w.lanes, _counting(w)
    for first in (0, lanes // 2):
        spread = _shuffled(w, kind, value, value, [first + i // 2 for i in range(lanes)])
        at = w.new(f"getelementptr {kind}, ptr {pointer}, i64 {_SECOND * first}")
        mask = _flags(i % 2 == 0 and first + i // 2 < count for i in range(lanes))
        _store_block(w, spread, at, kind, size, mask)


def _counting(w: Writing) -> int:
    """How many lanes count."""
    return w.mask.count("true") if w.mask else w.lanes


def _flags(flags: Iterable[bool]) -> str:
    return f"<{', '.join('i1 true' if flag else 'i1 false' for flag in flags)}>"


def _shuffled(w: Writing, kind: str, x: str, y: str, chosen: Sequence[int]) -> str:
    whole, mask = vector(kind, w.lanes), ", ".join(f"i32 {i}" for i in chosen)
    return w.new(f"shufflevector {whole} {x}, {whole} {y}, <{w.lanes} x i32> <{mask}>")


# --- far apart ---------------------------------------------------------------------------


def _gather(w: Writing, found: _Elements, kind: str, size: int) -> str:
    whole, flags, many = (vector(k, w.lanes) for k in (kind, "i1", "ptr"))
    at = _pointers(w, found, kind)
    name = f"@llvm.masked.gather.{suffix(kind, w.lanes)}.v{w.lanes}p0"
    w.shared.declare(f"{whole} {name}({many}, i32, {flags}, {whole})")
    given = f"{many} {at}, i32 {size}, {flags} {w.mask or _ALL}, {whole} zeroinitializer"
    return w.new(f"call {whole} {name}({given})")


def _scatter(w: Writing, value: str, found: _Elements, kind: str, size: int) -> None:
    whole, flags, many = (vector(k, w.lanes) for k in (kind, "i1", "ptr"))
    at = _pointers(w, found, kind)
    name = f"@llvm.masked.scatter.{suffix(kind, w.lanes)}.v{w.lanes}p0"
    w.shared.declare(f"void {name}({whole}, {many}, i32, {flags})")
    w.line(f"call void {name}({whole} {value}, {many} {at}, i32 {size}, {flags} {w.mask or _ALL})")


def _pointers(w: Writing, found: _Elements, kind: str) -> str:
    indices = found.indices or _index_vector(w, "0", [], found.stride)
    return w.new(f"getelementptr {kind}, ptr {found.pointer}, <{w.lanes} x i64> {indices}")


# --- where elements lie ------------------------------------------------------------------


def _elements(w: Writing, buffer: Buffer, index: Index) -> _Elements:
    uniform, varying, stride = _split(w, index)
    if varying:
        return _Elements(base_of(w, buffer), _index_vector(w, uniform, varying, stride), 0)
    kind = memory_type(buffer.dtype)
    at = w.new(f"getelementptr {kind}, ptr {base_of(w, buffer)}, i64 {uniform}")
    return _Elements(at, "", stride)


def base_of(w: Writing, buffer: Buffer) -> str:
    """The pointer to a buffer's first element, found once at the head of the kernel."""
    if buffer.place == "table":
        return w.shared.table(buffer)
    known = w.bases.get(id(buffer))
    if known is None:
        known = w.bases[id(buffer)] = w.name("%b")
        w.places.append(buffer)
    return known


def _split(w: Writing, index: Index) -> tuple[str, list[tuple[str, int]], int]:
    """The part of an index that lanes share, the rest, and the stride of the lane variable."""
    shared: list[tuple[str, int]] = []
    varying: list[tuple[str, int]] = []
    stride = 0
    for value, factor in index.terms:
        if value in w.ramps:
            shared.append((w.ramps[value][0], factor))
            stride += factor
            continue
        found = w.env[value]
        (varying if found.is_vector else shared).append((found.text, factor))
    return w.linear(index.base, shared), varying, stride if w.lanes else 0


def _index_vector(w: Writing, uniform: str, varying: list[tuple[str, int]], stride: int) -> str:
    """The indices of all lanes: what they share, the lane variable's part, and the rest."""
    kind = f"<{w.lanes} x i64>"
    if is_literal(uniform):
        total = splat_text("i64", uniform, w.lanes)
    else:
        total = w.splat("i64", uniform, w.lanes)
    if stride:
        total = w.new(f"add {kind} {total}, {lane_numbers(w.lanes, stride)}")
    for text, factor in varying:
        part = text
        if factor != 1:
            part = w.new(f"mul {kind} {text}, {splat_text('i64', str(factor), w.lanes)}")
        total = w.new(f"add {kind} {total}, {part}")
    return total
