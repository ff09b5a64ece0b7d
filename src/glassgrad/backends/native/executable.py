"""Memory that holds machine code, and what the processor says about itself.

Layer L6. For x86-64 on Linux only: there cached code is placed without LLVM, whose import alone
would take 28 ms. Memory is never writable and executable at once: it is filled first, then its
parts get their rights. Nothing here reads a file.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import struct
import sys
import weakref
from collections.abc import Sequence
from functools import cache

READ, WRITE, EXECUTE = 1, 2, 4  # PROT_READ …, which the module `mmap` has not on every system
_FAILED = ctypes.c_void_p(-1).value  # MAP_FAILED


def is_supported() -> bool:
    """Whether code can be placed here without LLVM."""
    is_wide = sys.maxsize > 1 << 32  # Python itself may be of 32 bits
    return sys.platform == "linux" and platform.machine() == "x86_64" and is_wide


class Pages:
    """Whole pages of memory of our own, freed when this object goes.

    Raises:    OSError where the system refuses memory, or code in it
    """

    def __init__(self, size: int) -> None:
        self.size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self.address: int = _libc().mmap(None, self.size, READ | WRITE, flags, -1, 0)
        if self.address == _FAILED:
            raise _system_error()
        finalizer = weakref.finalize(self, _libc().munmap, self.address, self.size)
        # A worker may still sleep inside this code when the interpreter ends.
        finalizer.atexit = False

    def write(self, content: bytes) -> None:
        """Put `content` at the beginning, while it may still be written."""
        assert len(content) <= self.size
        ctypes.memmove(self.address, content, len(content))

    def protect(self, start: int, size: int, rights: int) -> None:
        """Give the pages from `start` on, which begins a page, their rights."""
        assert start % mmap.PAGESIZE == 0
        assert start + size <= self.size
        if size and _libc().mprotect(self.address + start, size, rights) != 0:
            raise _system_error()


@cache
def _libc() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_long,
    ]
    library.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    library.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return library


def _system_error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))


# --- the processor -----------------------------------------------------------------------

# void cpuid(uint32 *out, uint32 leaf, uint32 subleaf), System V calling convention.
_CPUID = bytes.fromhex(
    "53"  #       push rbx
    "89f0"  #     mov  eax, esi
    "89d1"  #     mov  ecx, edx
    "0fa2"  #     cpuid
    "8907"  #     mov  [rdi], eax
    "895f04"  #   mov  [rdi + 4], ebx
    "894f08"  #   mov  [rdi + 8], ecx
    "89570c"  #   mov  [rdi + 12], edx
    "5b"  #       pop  rbx
    "c3"  #       ret
)
# uint32 xgetbv(void): which registers the system saves, and so allows.
_XGETBV = bytes.fromhex(
    "31c9"  #     xor  ecx, ecx
    "0f01d0"  #   xgetbv
    "c3"  #       ret
)
# The leaves from which LLVM derives name and features of the host (lib/TargetParser/Host.cpp).
_LEAVES: Sequence[tuple[int, int]] = (
    *((0, 0), (1, 0), (7, 0), (7, 1), (0xD, 1), (0x14, 0), (0x19, 0), (0x1E, 1), (0x24, 0)),
    *((0x80000000, 0), (0x80000001, 0), (0x80000008, 0)),
)
_OWN_NUMBER = 0xFF00_0000  # of leaf 1's ebx: which of the cores answers
_HAS_XGETBV = 1 << 27  # of leaf 1's ecx
_EXTENDED = 0x80000000


@cache
def processor() -> bytes:
    """What CPUID says, as bytes that differ between processors that run different code.

    The processor itself is asked because /proc/cpuinfo shows the host's even under an emulator.
    """
    pages = Pages(len(_CPUID) + len(_XGETBV))
    pages.write(_CPUID + _XGETBV)
    pages.protect(0, pages.size, READ | EXECUTE)
    word = ctypes.c_uint32
    ask = ctypes.CFUNCTYPE(None, ctypes.c_void_p, word, word)(pages.address)
    allowed = ctypes.CFUNCTYPE(word)(pages.address + len(_CPUID))

    def leaf(number: int, part: int) -> tuple[int, ...]:
        out = (word * 4)()
        ask(ctypes.addressof(out), number, part)
        return tuple(out)

    last = {0: leaf(0, 0)[0], _EXTENDED: leaf(_EXTENDED, 0)[0]}
    words: list[int] = []
    for number, part in _LEAVES:
        if number <= last[number & _EXTENDED]:
            words += leaf(number, part)
    basic = leaf(1, 0)
    at = words.index(basic[0], 4)
    words[at + 1] &= ~_OWN_NUMBER
    words.append(allowed() if basic[2] & _HAS_XGETBV else 0)
    return struct.pack(f"<{len(words)}I", *words)
