"""Puts an object that LLVM made (ELF, x86-64) into memory, ready to be called.

Layer L6. Only what LLVM emits for a module of functions and constants is understood; anything
else is a `ValueError`, and `engine.py` then has LLVM load the object. Every access is checked, so
a damaged object cannot make us write outside the memory that is being filled.

Source:    System V ABI, AMD64 supplement 1.0 (2018), chapter 4; Tool Interface Standard, ELF 1.2
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from glassgrad.backends.native.executable import EXECUTE, READ, WRITE, Pages

_IDENTITY = b"\x7fELF\x02\x01\x01"  # 64 bits, little-endian, version 1
_RELOCATABLE, _X86_64 = 1, 62
_SYMBOLS, _RELOCATIONS, _ZEROS = 2, 4, 8  # types of section
_WRITABLE, _LOADED, _CODE, _PER_THREAD = 1, 2, 4, 0x400  # flags of section
_UNDEFINED, _FIRST_RESERVED, _ABSOLUTE = 0, 0xFF00, 0xFFF1  # numbers of section
_GLOBAL = 1
_UNWINDING = b".eh_frame"  # not loaded: no exception passes through our code
_FILLED_ONCE = b".data.rel.ro"  # constants that hold addresses
_LARGEST = 64 << 20  # bytes in memory

_HEADER = np.dtype(
    [
        *(("identity", "V16"), ("type", "<u2"), ("machine", "<u2"), ("version", "<u4")),
        *(("entry", "<u8"), ("programs", "<u8"), ("sections", "<u8"), ("flags", "<u4")),
        *(("size", "<u2"), ("program_size", "<u2"), ("program_count", "<u2")),
        *(("section_size", "<u2"), ("section_count", "<u2"), ("titles", "<u2")),
    ]
)
_SECTION = np.dtype(
    [
        *(("title", "<u4"), ("type", "<u4"), ("flags", "<u8"), ("address", "<u8")),
        *(("offset", "<u8"), ("size", "<u8"), ("link", "<u4"), ("info", "<u4")),
        *(("align", "<u8"), ("record", "<u8")),
    ]
)
_SYMBOL = np.dtype(
    [
        *(("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2")),
        *(("value", "<u8"), ("size", "<u8")),
    ]
)
_RELOCATION = np.dtype([("offset", "<u8"), ("kind", "<u4"), ("symbol", "<u4"), ("addend", "<i8")])
# Kinds of relocation: S the symbol, A the addend, P the place, G a word with the symbol's address.
_ADDRESS, _DISTANCE, _WORD_DISTANCE = 1, 2, 3  # S + A in 8 bytes; S + A - P, G + A - P in 4
_KINDS = np.zeros(64, np.uint8)  # what the standard's numbers mean; 0 is not understood
_KINDS[1] = _ADDRESS  # R_X86_64_64
_KINDS[[2, 4]] = _DISTANCE  # PC32, PLT32
_KINDS[[9, 41, 42]] = _WORD_DISTANCE  # GOTPCREL and its relaxable forms
_JUMP = bytes.fromhex("ff2500000000")  # jmp [rip + 0]: to the address in the next 8 bytes
_STUB = 16  # bytes for that jump and the address, rounded up
_BLOCKS = (READ | EXECUTE, READ, READ | WRITE)  # each begins a page


class Image(NamedTuple):
    """An object in memory and where its functions are; memory is freed when this object goes."""

    pages: Pages
    addresses: dict[str, int]


def load(data: bytes, outside: Callable[[str], int]) -> Image:
    """Place an object in memory; `outside` gives the address of a name that it does not define.

    Raises:    ValueError if it is no such object, or has a part that is not understood; OSError
               if the system gives no memory that may hold code
    """
    found = ObjectFile(data)
    if found.machine != _X86_64:
        raise ValueError("no code of x86-64")
    layout = _Layout(found)
    pages = Pages(max(1, layout.size))
    targets = _targets(found, layout, pages.address, outside)
    memory = np.zeros(layout.size, np.uint8)
    for number, start in layout.starts.items():
        _put(memory, start, found.content(number))
    for symbol, start in layout.stubs.items():
        _put(memory, start, _JUMP + int(targets.address[symbol]).to_bytes(8, "little"))
    for number, start in layout.starts.items():
        for table in found.relocations(number):
            _check_table(found, number, table)
            _relocate(memory, pages.address, start, table, targets)
    pages.write(memory.tobytes())
    for start, size, rights in layout.blocks:
        pages.protect(start, size, rights)
    return Image(pages, found.functions(targets.address))


def _put(memory: np.ndarray, start: int, content: bytes) -> None:
    memory[start : start + len(content)] = np.frombuffer(content, np.uint8)


# --- reading the file --------------------------------------------------------------------


class ObjectFile:
    """The parts of an ELF file that are loaded.

    Raises:    ValueError, here and in every method, where the file does not hold what it says
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        header = self._records(_HEADER, 0, 1)[0]
        kind = (int(header["type"]), int(header["section_size"]))
        if not data.startswith(_IDENTITY) or kind != (_RELOCATABLE, _SECTION.itemsize):
            raise ValueError("no relocatable ELF object of 64 bits")
        self.machine = int(header["machine"])
        count = int(header["section_count"])
        self.sections = self._records(_SECTION, int(header["sections"]), count)
        tables = np.flatnonzero(self.sections["type"] == _SYMBOLS)
        if len(tables) != 1:
            raise ValueError("not one table of symbols")
        self.symbols = self._table(self.sections[tables[0]], _SYMBOL)
        self._names = self._words(int(self.sections[tables[0]]["link"]))
        self._titles = self._words(int(header["titles"]))

    def _records(self, kind: np.dtype, start: int, count: int) -> np.ndarray:
        if start + count * kind.itemsize > len(self._data):
            raise ValueError("the object is cut off")
        return np.frombuffer(self._data, kind, count, start)

    def _table(self, section: np.void, kind: np.dtype) -> np.ndarray:
        return self._records(kind, int(section["offset"]), int(section["size"]) // kind.itemsize)

    def _words(self, number: int) -> bytes:
        if number >= len(self.sections):
            raise ValueError("a section that is not there")
        return self._table(self.sections[number], np.dtype(np.uint8)).tobytes()

    def content(self, number: int) -> bytes:
        """What a section holds; nothing for one that begins as zeros."""
        return b"" if self.sections[number]["type"] == _ZEROS else self._words(number)

    def title(self, number: int) -> bytes:
        return _word(self._titles, int(self.sections[number]["title"]))

    def name(self, symbol: int) -> str:
        return _word(self._names, int(self.symbols[symbol]["name"])).decode("ascii", "replace")

    def loaded(self) -> list[int]:
        """The sections that go into memory."""
        flags = self.sections["flags"]
        if np.any(flags & _PER_THREAD):
            raise ValueError("variables of a thread are not understood")
        return [i for i in np.flatnonzero(flags & _LOADED).tolist() if self.title(i) != _UNWINDING]

    def relocations(self, number: int) -> list[np.ndarray]:
        """What must be filled in within a section, a table each."""
        concerns = self.sections["info"] == number
        tables = self.sections[concerns & (self.sections["type"] == _RELOCATIONS)]
        return [self._table(table, _RELOCATION) for table in tables]

    def undefined(self) -> list[int]:
        """The symbols that are taken from outside; number 0 is no symbol."""
        missing: list[int] = np.flatnonzero(self.symbols["section"] == _UNDEFINED)[1:].tolist()
        return missing

    def functions(self, address: np.ndarray) -> dict[str, int]:
        """The addresses of what other code may call."""
        is_global = self.symbols["info"] >> 4 == _GLOBAL
        chosen = np.flatnonzero(is_global & (self.symbols["section"] != _UNDEFINED))
        return {self.name(symbol): int(address[symbol]) for symbol in chosen.tolist()}


def _word(table: bytes, start: int) -> bytes:
    end = table.find(b"\0", start)
    if end < 0:
        raise ValueError("a name without an end")
    return table[start:end]


# --- placing -----------------------------------------------------------------------------


class _Layout:
    """Where each section and stub goes: code first, then constants, then variables."""

    def __init__(self, found: ObjectFile) -> None:
        self.starts: dict[int, int] = {}  # section -> offset in memory
        self.stubs: dict[int, int] = {}  # symbol -> offset of its jump
        self.blocks: list[tuple[int, int, int]] = []  # offset, size, rights
        self.size = 0
        numbers = found.loaded()
        for rights in _BLOCKS:
            self.size = start = _rounded(self.size, mmap.PAGESIZE)
            for number in numbers:
                if _rights(found, number) == rights:
                    self._place(number, found.sections[number])
            if rights & EXECUTE:
                self._place_stubs(found, numbers)
            self.blocks.append((start, self.size - start, rights))

    def _place(self, number: int, section: np.void) -> None:
        align, size = max(1, int(section["align"])), int(section["size"])
        self.starts[number] = _rounded(self.size, align)
        self.size = self.starts[number] + size
        if align > mmap.PAGESIZE or self.size > _LARGEST:
            raise ValueError("a section of an impossible size")

    def _place_stubs(self, found: ObjectFile, numbers: list[int]) -> None:
        symbols = set(found.undefined())
        for table in (table for number in numbers for table in found.relocations(number)):
            symbols.update(table["symbol"][_kinds(table) == _WORD_DISTANCE].tolist())
        self.size = _rounded(self.size, _STUB)
        for symbol in sorted(symbols):
            self.stubs[symbol] = self.size
            self.size += _STUB


def _rights(found: ObjectFile, number: int) -> int:
    flags = int(found.sections[number]["flags"])
    if flags & _CODE:
        return READ | EXECUTE
    is_variable = flags & _WRITABLE and not found.title(number).startswith(_FILLED_ONCE)
    return READ | WRITE if is_variable else READ


def _rounded(size: int, step: int) -> int:
    return -(-size // step) * step


# --- addresses ---------------------------------------------------------------------------


class _Targets(NamedTuple):
    """By symbol: its address; one within reach of 4 bytes; that of a word with its address."""

    address: np.ndarray
    near: np.ndarray
    word: np.ndarray


def _targets(
    found: ObjectFile, layout: _Layout, base: int, outside: Callable[[str], int]
) -> _Targets:
    sections = found.symbols["section"]
    if np.any((sections >= _FIRST_RESERVED) & (sections != _ABSOLUTE)):
        raise ValueError("a kind of symbol that is not understood")
    address = np.zeros(len(sections), np.uint64)
    for number, start in layout.starts.items():
        inside = sections == number
        values = found.symbols["value"][inside]
        if np.any(values > found.sections[number]["size"]):
            raise ValueError("a symbol outside its section")
        address[inside] = np.uint64(base + start) + values
    near = address.copy()
    word = np.zeros_like(address)
    for symbol in found.undefined():
        address[symbol] = outside(found.name(symbol))
        near[symbol] = base + layout.stubs[symbol]
    for symbol, start in layout.stubs.items():
        if symbol >= len(word):
            raise ValueError("a symbol that is not there")
        word[symbol] = base + start + len(_JUMP)
    return _Targets(address, near, word)


def _kinds(table: np.ndarray) -> np.ndarray:
    """What each relocation asks for."""
    kinds = table["kind"]
    if np.any(kinds >= len(_KINDS)) or not np.all(_KINDS[kinds]):
        raise ValueError("a kind of relocation that is not understood")
    return np.take(_KINDS, kinds)


def _check_table(found: ObjectFile, number: int, table: np.ndarray) -> None:
    if np.any(table["symbol"] >= len(found.symbols)):
        raise ValueError("a symbol that is not there")
    width = np.where(_kinds(table) == _ADDRESS, 8, 4)
    room = int(found.sections[number]["size"]) - width
    if np.any(room < 0) or np.any(table["offset"] > room.astype(np.uint64)):
        raise ValueError("an address outside its section")


def _relocate(
    memory: np.ndarray, base: int, start: int, table: np.ndarray, targets: _Targets
) -> None:
    """Fill in the addresses and distances within the section that begins at `start`."""
    kinds = _kinds(table)
    places = table["offset"].astype(np.int64) + start
    for kind, values in ((_DISTANCE, targets.near), (_WORD_DISTANCE, targets.word)):
        here = kinds == kind
        wanted = values[table["symbol"][here]].astype(np.int64) + table["addend"][here]
        _fill(memory, places[here], (wanted - places[here] - base).astype("<i4"))
    here = kinds == _ADDRESS
    wanted = targets.address[table["symbol"][here]].astype(np.int64) + table["addend"][here]
    _fill(memory, places[here], wanted.astype("<i8"))


def _fill(memory: np.ndarray, places: np.ndarray, values: np.ndarray) -> None:
    width = values.itemsize
    memory[places[:, None] + np.arange(width)] = values.view(np.uint8).reshape(-1, width)
