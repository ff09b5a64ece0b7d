"""A BLAS is used through its pointers only after it gave right products, one thread a product."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from backends.native.native_texts import needs_llvm, run_python

from glassgrad.backends.native import blas, blas_candidates
from glassgrad.backends.native.blas import Blas
from glassgrad.backends.native.blas_check import fault, multiply
from glassgrad.backends.native.engine import compile_text
from glassgrad.errors import OptionError

needs_blas = pytest.mark.skipif(blas.find() is None, reason="no BLAS was found here")
BLAS = blas.find()


@pytest.fixture(autouse=True)
def fresh_search() -> Iterator[None]:
    yield
    blas.search.cache_clear()


def _blas() -> Blas:
    assert BLAS is not None
    return BLAS


# --- finding -----------------------------------------------------------------------------


@needs_blas
def test_what_was_found() -> None:
    found = _blas()
    assert found.abi in ("cblas", "fortran")
    assert found.integer_bits in (32, 64)
    assert found.sgemm
    assert found.dgemm
    assert fault(found) is None


def test_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSGRAD_BLAS", "none")
    assert blas.find() is None
    with blas.single_threaded():
        pass


def test_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSGRAD_BLAS", "numpi")
    with pytest.raises(
        OptionError, match=r"unknown matrix library 'numpi'(.|\n)*did you mean `numpy`"
    ):
        blas.find()


@needs_blas
def test_the_first_that_passes_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = _blas()._replace(sgemm=_blas().dgemm, path="wrong.so")
    offers = {"wrong": lambda refused: iter([wrong]), "right": lambda refused: iter([_blas()])}
    monkeypatch.setattr(blas, "CANDIDATES", offers)
    found, refused = blas.search("")
    assert found is BLAS
    assert refused == (("wrong.so", "it gives a wrong product of float32 matrices"),)
    monkeypatch.setattr(blas, "CANDIDATES", {"wrong": offers["wrong"]})
    blas.search.cache_clear()
    assert blas.find() is None


def test_a_library_that_is_none() -> None:
    refused: blas_candidates.Refused = []
    for path in ("libm.so.6", "/no/such/libopenblas.so"):
        assert blas_candidates.openblas(path, refused) is None
    assert [path for path, _ in refused] == ["libm.so.6", "/no/such/libopenblas.so"]
    assert all(reason for _, reason in refused)


def test_scipy_is_not_loaded_for_this(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(__import__("sys").modules, "scipy", raising=False)
    assert list(blas_candidates.scipy_libraries([])) == []


# --- wrong products ----------------------------------------------------------------------

# cblas_sgemm with 64-bit integers, wrong on purpose: it does nothing, or adds 1 to one number.
PLANTED = """\
define void @nothing() {
  ret void
}
define void @one_off(i32 %o, i32 %a, i32 %b, i64 %m, i64 %n, i64 %k, float %alpha, ptr %x, i64 %lx,
                     ptr %y, i64 %ly, float %beta, ptr %out, i64 %lo) {
  %real = load ptr, ptr @real
  call void %real(i32 %o, i32 %a, i32 %b, i64 %m, i64 %n, i64 %k, float %alpha, ptr %x, i64 %lx,
                  ptr %y, i64 %ly, float %beta, ptr %out, i64 %lo)
  %last = sub i64 %n, 1
  %at = getelementptr float, ptr %out, i64 %last
  %old = load float, ptr %at
  %new = fadd float %old, 1.0
  store float %new, ptr %at
  ret void
}
define void @set_real(ptr %real) {
  store ptr %real, ptr @real
  ret void
}
define void @ignores_beta(i32 %o, i32 %a, i32 %b, i64 %m, i64 %n, i64 %k, float %alpha, ptr %x,
                          i64 %lx, ptr %y, i64 %ly, float %beta, ptr %out, i64 %lo) {
  %real = load ptr, ptr @real
  call void %real(i32 %o, i32 %a, i32 %b, i64 %m, i64 %n, i64 %k, float %alpha, ptr %x, i64 %lx,
                  ptr %y, i64 %ly, float 0.0, ptr %out, i64 %lo)
  ret void
}
@real = internal global ptr null
"""


@needs_blas
@needs_llvm
@pytest.mark.parametrize("name", ["nothing", "one_off", "ignores_beta"])
def test_planted_faults_are_found(name: str) -> None:
    if (_blas().abi, _blas().integer_bits) != ("cblas", 64):
        pytest.skip("the planted functions are written for cblas with 64-bit integers")
    code = compile_text(PLANTED, ("set_real", name))
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(code.address("set_real"))(_blas().sgemm)
    wrong = _blas()._replace(sgemm=code.address(name))
    assert fault(wrong) == "it gives a wrong product of float32 matrices"


@needs_blas
def test_missing_function() -> None:
    assert fault(_blas()._replace(dgemm=0)) == "it has no function for matrix products"


@needs_blas
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_multiply_is_a_product(dtype: type) -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=(17, 33)).astype(dtype), random.normal(size=(33, 9)).astype(dtype)
    out = np.empty((17, 9), dtype)
    multiply(_blas(), out, x, y)
    expected = x.astype(np.float64) @ y.astype(np.float64)
    np.testing.assert_allclose(out, expected, rtol=0, atol=33 * 4 * np.finfo(dtype).eps)
    again = np.empty_like(out)
    multiply(_blas(), again, x.T.copy(), y.T.copy(), x_turned=True, y_turned=True)
    np.testing.assert_allclose(again, expected, rtol=0, atol=33 * 4 * np.finfo(dtype).eps)


# --- threads -----------------------------------------------------------------------------


@pytest.fixture
def threads() -> Iterator[blas_candidates.Threads]:
    """The library's number of threads, 2 before the test."""
    if BLAS is None or BLAS.threads is None:
        pytest.skip("no BLAS whose threads can be limited")
    before = BLAS.threads.get()
    BLAS.threads.set(2)
    yield BLAS.threads
    BLAS.threads.set(before)


def test_one_thread_inside_and_as_before_behind(threads: blas_candidates.Threads) -> None:
    with blas.single_threaded():
        assert threads.get() == 1
        with blas.single_threaded():
            assert threads.get() == 1
        assert threads.get() == 1, "the outer one still holds"
    assert threads.get() == 2
    with pytest.raises(ZeroDivisionError), blas.single_threaded():
        raise ZeroDivisionError
    assert threads.get() == 2


def test_the_last_of_several_threads_restores(threads: blas_candidates.Threads) -> None:
    inside, leave, left = threading.Event(), threading.Event(), threading.Event()

    def other() -> None:
        with blas.single_threaded():
            inside.set()
            leave.wait(10)
        left.set()

    thread = threading.Thread(target=other)
    with blas.single_threaded():
        thread.start()
        inside.wait(10)
    assert threads.get() == 1
    leave.set()
    left.wait(10)
    thread.join()
    assert threads.get() == 2


def test_products_at_once_are_right(threads: blas_candidates.Threads) -> None:
    random = np.random.default_rng(2)
    x, y = (random.normal(size=(64, 200)).astype(np.float32) for _ in range(2))
    results: list[bytes] = []

    def work() -> None:
        out = np.empty((64, 64), np.float32)
        for _ in range(30):
            multiply(_blas(), out, x, y, y_turned=True)
            results.append(out.tobytes())

    with blas.single_threaded():
        crew = [threading.Thread(target=work) for _ in range(3)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
    assert len(results) == 90
    assert len(set(results)) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_child_is_not_limited_by_its_parents_threads(threads: blas_candidates.Threads) -> None:
    program = """
import os, threading, warnings
warnings.simplefilter("ignore")  # newer Pythons warn of a fork with threads, which is the point
from glassgrad.backends.native import blas
threads = blas.find().threads
threads.set(2)
inside, leave = threading.Event(), threading.Event()
def work():
    with blas.single_threaded():
        inside.set()
        leave.wait(30)
thread = threading.Thread(target=work)
thread.start()
inside.wait(10)
child = os.fork()
if child == 0:
    alone = threads.get()
    with blas.single_threaded():
        limited = threads.get()
    os._exit(0 if (alone, limited, threads.get()) == (2, 1, 2) else 1)
code = os.waitpid(child, 0)[1]
assert threads.get() == 1
leave.set()
thread.join()
assert threads.get() == 2
raise SystemExit(code)
"""
    result = run_python(program)
    assert (result.returncode, result.stderr) == (0, "")
