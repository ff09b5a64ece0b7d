"""Where a BLAS may be found in this process, and what it is called there.

Layer L6. Nothing here says that a library is right: `blas.py` has each one tried by
`blas_check.py` before it is used.
"""

from __future__ import annotations

import ctypes
import platform
import re
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from glassgrad.text import say

Refused = list[tuple[str, str]]  # (library, reason)
FUNCTIONS = ("sgemm", "dgemm", "sgemv", "dgemv")


class Threads(NamedTuple):
    """How many threads the library uses for one product, for the whole process."""

    get: Callable[[], int]
    set: Callable[[int], object]


class Blas(NamedTuple):
    """A tried library. Pointers are addresses; one of a function that it lacks is 0.

    abi:     "cblas" (row-major order is the first argument) or "fortran" (all by reference,
             columns first)
    threads: None where the library offers no way to hold it to one thread
    """

    name: str
    version: str
    core: str
    path: str
    abi: str
    integer_bits: int
    sgemm: int
    dgemm: int
    sgemv: int = 0
    dgemv: int = 0
    threads: Threads | None = None
    keeper: object = None


# --- OpenBLAS ----------------------------------------------------------------------------

# Prefix and suffix of the names, as built by SciPy's project, Fedora, Julia and Debian.
_FORMS = (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", ""))
_THREADED_BY_ITSELF = 1  # openblas_get_parallel: 0 without threads, 2 with OpenMP


def openblas(path: str, refused: Refused) -> Blas | None:
    """The OpenBLAS in the file `path`; None, with the reason in `refused`, if it cannot serve."""
    try:
        return _openblas(path, refused)
    except (OSError, AttributeError) as error:  # no library, or a function that it lacks
        refused.append((path, str(error)))
        return None


def _openblas(path: str, refused: Refused) -> Blas | None:
    library = ctypes.CDLL(path)
    for prefix, suffix in _FORMS:
        if hasattr(library, f"{prefix}openblas_get_config{suffix}"):
            break
    else:
        refused.append((path, say("it is no OpenBLAS")))
        return None

    def function(name: str, result: Any = ctypes.c_int) -> Any:
        found = getattr(library, f"{prefix}{name}{suffix}")
        found.restype = result
        return found

    if function("openblas_get_parallel")() != _THREADED_BY_ITSELF:
        # Without threads it may not be called from several at once; with OpenMP the number of
        # threads belongs to each thread of ours and cannot be set for all.
        refused.append((path, say("it was built without threads of its own")))
        return None
    config = function("openblas_get_config", ctypes.c_char_p)().decode("ascii", "replace")
    version = re.search(r"OpenBLAS\s+(\S+)", config)
    addresses: dict[str, Any] = {
        name: _address(library, f"{prefix}cblas_{name}{suffix}") for name in FUNCTIONS
    }
    return Blas(
        name="OpenBLAS",
        version=version.group(1) if version else "",
        core=function("openblas_get_corename", ctypes.c_char_p)().decode("ascii", "replace"),
        path=path,
        abi="cblas",
        integer_bits=64 if "USE64BITINT" in config else 32,
        threads=Threads(
            function("openblas_get_num_threads"), function("openblas_set_num_threads", None)
        ),
        keeper=library,
        **addresses,
    )


def _address(library: ctypes.CDLL, name: str) -> int:
    try:
        return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
    except AttributeError:
        return 0


# --- candidates --------------------------------------------------------------------------


def numpy_libraries(refused: Refused) -> Iterator[Blas]:
    """What NumPy was loaded with: its wheel's own first, then any other BLAS in the process."""
    package = Path(np.__file__).parent
    bundled = [*(package.parent / "numpy.libs").glob("*blas*"), *package.glob(".dylibs/*blas*")]
    loaded = [path for path in _loaded_libraries() if "blas" in Path(path).name.lower()]
    for path in dict.fromkeys([*sorted(map(str, bundled)), *loaded]):
        found = openblas(path, refused)
        if found is not None:
            yield found


def _loaded_libraries() -> list[str]:
    """The files whose code this process runs, where the system tells."""
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    paths = (line.split(maxsplit=5)[-1] for line in lines if "/" in line)
    return [path for path in dict.fromkeys(paths) if ".so" in path]


def package_libraries(refused: Refused) -> Iterator[Blas]:
    """The packages scipy-openblas64 and scipy-openblas32, if one is installed."""
    found = [find_spec(name) for name in ("scipy_openblas64", "scipy_openblas32")]
    folders = [folder for spec in found if spec for folder in spec.submodule_search_locations or ()]
    for path in (path for folder in folders for path in Path(folder, "lib").glob("*openblas*")):
        candidate = openblas(str(path), refused) if path.suffix != ".a" else None
        if candidate is not None:
            yield candidate


def scipy_libraries(refused: Refused) -> Iterator[Blas]:
    """SciPy's `cython_blas`, if the program has SciPy loaded anyway: Fortran's convention."""
    if "scipy" not in sys.modules:
        return
    try:
        from scipy.linalg import cython_blas  # noqa: PLC0415 - it costs 0.6 s, unless loaded

        capsules = cython_blas.__pyx_capi__
        addresses: dict[str, Any] = {n: _capsule_address(capsules[n]) for n in FUNCTIONS}
    except (ImportError, AttributeError, KeyError, ValueError) as error:
        refused.append(("scipy.linalg.cython_blas", str(error)))
        return
    yield Blas(
        name="SciPy",
        version=sys.modules["scipy"].__version__,
        core="",
        path=cython_blas.__file__,
        abi="fortran",
        integer_bits=32,
        keeper=cython_blas,
        **addresses,
    )


def _capsule_address(capsule: object) -> int:
    """The pointer in a capsule, whose name is the signature of the function."""
    name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(
        ("PyCapsule_GetName", ctypes.pythonapi)
    )(capsule)
    get = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    return int(get(capsule, name) or 0)


def accelerate_libraries(refused: Refused) -> Iterator[Blas]:
    """Apple's own library, which NumPy's wheels for macOS 14 and newer use."""
    return _accelerate(refused) if platform.system() == "Darwin" else iter(())


def _accelerate(refused: Refused) -> Iterator[Blas]:
    path = "/System/Library/Frameworks/Accelerate.framework/Accelerate"
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        refused.append((path, str(error)))
        return
    addresses: dict[str, Any] = {
        name: _address(library, f"cblas_{name}$NEWLAPACK$ILP64") for name in FUNCTIONS
    }
    yield Blas(
        name="Accelerate",
        version="",
        core="",
        path=path,
        abi="cblas",
        integer_bits=64,
        keeper=library,
        **addresses,
    )
