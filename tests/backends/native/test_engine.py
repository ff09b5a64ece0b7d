"""LLVM text becomes functions that compute exactly what is written, and nothing else."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from backends.native.native_texts import ANSWER, call, needs_llvm, on_image, run_python

from glassgrad.backends.native import engine, image
from glassgrad.backends.native.engine import Code, compile_text
from glassgrad.config import config
from glassgrad.errors import GlassgradWarning, GraphError, MissingExtraError

pytestmark = needs_llvm

# out = x * y + z in float32: lane by lane, one by one, and fused where it says so.
PRODUCTS = """\
declare float @llvm.fma.f32(float, float, float)
define void @vector(ptr %x, ptr %y, ptr %z, ptr %out) {
  %a = load <8 x float>, ptr %x, align 4
  %b = load <8 x float>, ptr %y, align 4
  %c = load <8 x float>, ptr %z, align 4
  %p = fmul <8 x float> %a, %b
  %s = fadd <8 x float> %p, %c
  store <8 x float> %s, ptr %out, align 4
  ret void
}
define void @scalar(ptr %x, ptr %y, ptr %z, ptr %out) {
  %a = load float, ptr %x
  %b = load float, ptr %y
  %c = load float, ptr %z
  %p = fmul float %a, %b
  %s = fadd float %p, %c
  store float %s, ptr %out
  ret void
}
define void @fused(ptr %x, ptr %y, ptr %z, ptr %out) {
  %a = load float, ptr %x
  %b = load float, ptr %y
  %c = load float, ptr %z
  %s = call float @llvm.fma.f32(float %a, float %b, float %c)
  store float %s, ptr %out
  ret void
}
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path) -> object:
    with config.using(cache=str(tmp_path)):
        yield


# --- strict arithmetic -------------------------------------------------------------------


@pytest.mark.parametrize("level", engine.LEVELS)
def test_no_contraction(level: str) -> None:
    code = compile_text(PRODUCTS, ("vector", "scalar", "fused"), level=level)
    step = np.float32(2.0**-12)
    x = np.full(8, 1 + step, np.float32)
    z = -(x * x)
    out = np.empty(8, np.float32)
    for name, part in (("vector", out), ("scalar", out[:1])):
        call(code, name, x, x, z, out)
        assert np.array_equal(part, np.zeros_like(part)), "two roundings cancel exactly"
    call(code, "fused", x, x, z, out)
    assert out[0] == step * step, "one rounding keeps the last term"


@pytest.mark.parametrize("level", engine.LEVELS)
def test_nothing_is_reassociated_or_dropped(level: str) -> None:
    text = """\
define double @left(double %a, double %b, double %c) {
  %s = fadd double %a, %b
  %t = fadd double %s, %c
  ret double %t
}
define double @plus_zero(double %a) {
  %s = fadd double %a, 0.0
  ret double %s
}
define double @minus_itself(double %a) {
  %s = fsub double %a, %a
  ret double %s
}
define double @times_zero(double %a) {
  %s = fmul double %a, 0.0
  ret double %s
}
"""
    code = compile_text(text, ("left", "plus_zero", "minus_itself", "times_zero"), level=level)

    def value(name: str, *args: float) -> float:
        return call(code, name, *args, result=ctypes.c_double)

    assert value("left", 1.0, 1e300, -1e300) == 0.0
    assert not np.signbit(value("plus_zero", -0.0))
    assert np.isnan(value("minus_itself", float("inf")))
    assert np.signbit(value("times_zero", -1.0))
    assert np.isnan(value("times_zero", float("nan")))
    assert value("plus_zero", 5e-324) == 5e-324, "subnormals stay"


# --- a processor without the newer instructions ------------------------------------------

SLOW = """\
declare <4 x float> @llvm.fma.v4f32(<4 x float>, <4 x float>, <4 x float>)
declare <4 x float> @llvm.rint.v4f32(<4 x float>)
declare double @llvm.fma.f64(double, double, double)
declare double @llvm.floor.f64(double)
define void @slow(ptr %x, ptr %out, ptr %d) {
  %a = load <4 x float>, ptr %x, align 4
  %f = call <4 x float> @llvm.fma.v4f32(<4 x float> %a, <4 x float> %a, <4 x float> %a)
  %r = call <4 x float> @llvm.rint.v4f32(<4 x float> %f)
  %s = fsub <4 x float> %f, %r
  store <4 x float> %s, ptr %out, align 4
  %p = load double, ptr %d
  %q = call double @llvm.fma.f64(double %p, double %p, double -2.0)
  %g = call double @llvm.floor.f64(double %q)
  %m = frem double %p, 0.375
  %t = fadd double %g, %m
  store double %t, ptr %d
  ret void
}
"""


@on_image
def test_baseline_processor_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU without AVX2, FMA and SSE4 calls exact functions of the system instead."""
    results = []
    for cpu in ("", "x86-64"):
        monkeypatch.setenv("GLASSGRAD_CPU", cpu)
        code = compile_text(SLOW, ("slow",))
        x = np.array([1.1, -2.7, 0.3, 1e6], np.float32)
        out, d = np.empty_like(x), np.array([2.7])
        call(code, "slow", x, out, d)
        results.append((out.tolist(), d.tolist()))
    assert {"fma", "fmaf", "floor", "rintf", "fmod"} <= set(_called(code))
    assert results[0] == results[1]
    assert results[0][1] == [np.floor(2.7 * 2.7 - 2) + np.fmod(2.7, 0.375)]


def _called(code: Code) -> list[str]:
    """The names that compiled code takes from outside."""
    found = image.ObjectFile(code.content)
    return [found.name(symbol) for symbol in found.undefined()]


def test_loops_that_llvm_turns_into_calls_run() -> None:
    text = """\
define void @fill(ptr %out, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %at = getelementptr i8, ptr %out, i64 %i
  store i8 7, ptr %at
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %done
done:
  ret void
}
"""
    code = compile_text(text, ("fill",), level="full")
    if sys.platform == "linux":
        assert _called(code) == ["memset"], "the case this test is about"
    out = np.zeros(300, np.uint8)
    call(code, "fill", out, 299)
    assert out.tolist() == [7] * 299 + [0]


# --- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "define void @f() {\n  ret i64 1\n}\n",
        "no module at all",
        # Well-formed and ill-typed: without `verify` this ends the process.
        "declare float @llvm.fma.f32(float)\ndefine float @f(float %x) {\n"
        "  %r = call float @llvm.fma.f32(float %x)\n  ret float %r\n}\n",
    ],
)
def test_faulty_text(text: str) -> None:
    with pytest.raises(GraphError, match="LLVM refuses a module"):
        compile_text(text, ())


def test_nothing_outside_the_module_can_be_called() -> None:
    text = "declare i32 @system(ptr)\ndefine i32 @f(ptr %x) {\n"
    text += "  %r = call i32 @system(ptr %x)\n  ret i32 %r\n}\n"
    with pytest.raises(GraphError, match="calls system, which is not part of it"):
        compile_text(text, ("f",))


def test_missing_function() -> None:
    compile_text(ANSWER, ("answer",))
    with pytest.raises(GraphError, match="no function question"):
        compile_text(ANSWER, ("answer", "question"))


# --- loaded once, and from the cache ------------------------------------------------------


@on_image
def test_same_text_is_loaded_once() -> None:
    first = compile_text(ANSWER, ("answer",))
    assert compile_text(ANSWER, ("answer",)) is first
    assert compile_text(ANSWER, ("answer",), level="full") is not first


@on_image
def test_cached_object_needs_no_llvm(tmp_path: Path) -> None:
    program = f"""
import sys
from glassgrad.backends.native import engine
code = engine.compile_text({ANSWER!r}, ("answer",))
assert engine.problem() is None
import ctypes
assert ctypes.CFUNCTYPE(ctypes.c_int64)(code.address("answer"))() == 42
print("llvmlite.binding" in sys.modules)
"""
    outputs = [run_python(program, GLASSGRAD_CACHE=str(tmp_path / "c")) for _ in range(2)]
    assert [(o.stdout.strip(), o.stderr) for o in outputs] == [("True", ""), ("False", "")]


def test_key_tells_processor_level_and_text(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {engine._key(ANSWER, "quick"), engine._key(ANSWER, "full"), engine._key("", "quick")}
    monkeypatch.setenv("GLASSGRAD_CPU", "x86-64")
    keys.add(engine._key(ANSWER, "quick"))
    monkeypatch.setattr("llvmlite.__version__", "99.0")
    keys.add(engine._key(ANSWER, "quick"))
    assert len(keys) == 5


def test_several_threads_compile(tmp_path: Path) -> None:
    results: dict[int, int] = {}

    def work(i: int) -> None:
        code = compile_text(ANSWER.replace("42", str(i)), ("answer",))
        results[i] = call(code, "answer", result=ctypes.c_int64)

    threads = [threading.Thread(target=work, args=(i % 3,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {0: 0, 1: 1, 2: 2}


@pytest.mark.full
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_fork_while_another_thread_compiles() -> None:
    program = f"""
import os, threading, time, warnings
warnings.simplefilter("ignore")
from glassgrad.backends.native.engine import compile_text
def text(i):
    return {ANSWER!r}.replace("42", str(i))
stop = threading.Event()
def work():
    i = 0
    while not stop.is_set():
        compile_text(text(i), ("answer",))
        i += 1
thread = threading.Thread(target=work)
thread.start()
for k in range(10):
    time.sleep(0.005)
    child = os.fork()
    if child == 0:
        compile_text(text(-1 - k), ("answer",))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
thread.join()
"""
    result = run_python(program, GLASSGRAD_CACHE="off")
    assert (result.returncode, result.stderr) == (0, "")


# --- what is said where it does not work -------------------------------------------------


@pytest.fixture
def fresh_problem() -> object:
    engine.problem.cache_clear()
    yield
    engine.problem.cache_clear()


def test_llvmlite_is_missing(fresh_problem: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    assert engine.problem() == (
        "native code needs the package llvmlite, which is not installed: "
        'python -m pip install "glassgrad[jit]"'
    )
    with pytest.raises(MissingExtraError, match="llvmlite"):
        engine.require()
    with pytest.raises(MissingExtraError, match="llvmlite"):
        compile_text(ANSWER, ("answer",))


def test_llvmlite_is_too_old(fresh_problem: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llvmlite.__version__", "0.45.1")
    assert "llvmlite 0.45.1 is too old, native code needs 0.46 or newer" in str(engine.problem())


@pytest.mark.parametrize("error", [AttributeError("gone"), RuntimeError("gone"), OSError("gone")])
def test_llvmlite_is_unknown(
    fresh_problem: object, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("llvmlite.__version__", "99.1")
    monkeypatch.setattr(engine, "_llvm", fail)
    assert engine.problem() == "llvmlite 99.1 makes no working code here: gone"


def test_warning_of_the_cache_is_no_fault_of_llvm(
    fresh_problem: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_loaded", {})
    (tmp_path / "file").write_bytes(b"")
    with config.using(cache=str(tmp_path / "file")):
        with pytest.raises(GlassgradWarning, match="compiled code cannot be kept"):
            engine.problem()  # the suite makes errors of warnings
        assert engine.problem() is None


def test_wrong_code_is_noticed(fresh_problem: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_SELF_TEST", engine._SELF_TEST.replace("0.5", "0.25"))
    assert "a small program gave [1.25, " in str(engine.problem())


def test_versions() -> None:
    assert set(engine.versions()) == {"llvmlite", "llvm"}
    name, features = engine.cpu()
    assert name
    assert "," in features
