"""Machine code from LLVM's text: the one module that touches `llvmlite.binding`.

Layer L6. Text goes in, addresses of functions come out; it knows nothing of graphs. Objects are
kept by `cache.py`. Where `image.py` can place one, a cached object runs without LLVM being loaded
at all. Code may use only what its own module defines: the few names that LLVM calls by itself
where the processor lacks an instruction are taken from a closed list.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from glassgrad.backends.native import cache as store
from glassgrad.backends.native import executable, image
from glassgrad.errors import GlassgradWarning, GraphError, MissingExtraError
from glassgrad.text import say

OLDEST = (0, 46)  # of llvmlite: the first with the pass manager and the text form used here
INSTALL = 'python -m pip install "glassgrad[jit]"'
LEVELS = ("quick", "full")
# Both are part of the cache's key. A change of `_optimise` is a new recipe.
_RECIPE = 1
_TARGET = {"opt": 1, "reloc": "pic", "codemodel": "small"}

# Names that LLVM may call by itself: `fma` on a processor without FMA, for example. Each has
# exactly one right result, so it does not matter whose function it is.
_OUTSIDE = frozenset(
    "memcpy memmove memset fma fmaf fmod fmodf floor floorf ceil ceilf trunc truncf rint rintf "
    "nearbyint nearbyintf round roundf roundeven roundevenf ldexp ldexpf".split()
)

_lock = threading.RLock()
_loaded: WeakValueDictionary[tuple[str, tuple[str, ...]], Code] = WeakValueDictionary()
if hasattr(os, "register_at_fork"):
    # A child that is forked while another thread compiles would wait for that thread for ever.
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )


class Code:
    """Machine code in memory; it stays there as long as this object, which callers must keep."""

    def __init__(self, addresses: dict[str, int], content: bytes, keeper: object) -> None:
        self._addresses = addresses
        self._keeper = keeper
        self.content = content  # the object as LLVM made it

    def address(self, name: str) -> int:
        """Where the function `name` starts, one of those given to `compile_text`."""
        return self._addresses[name]


def compile_text(text: str, names: Sequence[str], *, level: str = "quick") -> Code:
    """The code of a module in LLVM's text form, which defines the functions `names`.

    `level` is "quick" (what text from our printer needs) or "full" (LLVM's O2 without its
    vectorisers, for comparison). Code that was compiled before, by this process or another, is
    only loaded.

    Raises:    GraphError for a text that LLVM refuses, that calls what is not in it, or that does
               not define a name; MissingExtraError without llvmlite; OSError where no memory may
               hold code
    """
    assert level in LEVELS
    key = _key(text, level)
    wanted = tuple(names)
    with _lock:
        code = _loaded.get((key, wanted))
        if code is None:
            code = _from_cache(key, wanted) or _compiled(key, text, level, wanted)
            _loaded[key, wanted] = code
    return code


@cache
def problem() -> str | None:
    """Why there can be no native code here, in one sentence; None where there can.

    A small program is compiled (or taken from the cache) and run, so that a version of llvmlite
    nobody has seen yet is judged by what it does.
    """
    try:
        version = _llvmlite().__version__
    except MissingExtraError as error:
        return f"{error.problem}: {INSTALL}"
    if _is_too_old(version):
        return say(
            "llvmlite {version} is too old, native code needs {oldest} or newer: {command}",
            version=version,
            oldest=".".join(map(str, OLDEST)),
            command=INSTALL,
        )
    try:
        reason = _self_test()
    except GlassgradWarning:  # about the cache, where warnings are errors
        raise
    except Exception as error:
        reason = str(error) or type(error).__name__
    if reason is None:
        return None
    return say(
        "llvmlite {version} makes no working code here: {reason}", version=version, reason=reason
    )


def require() -> None:
    """Raise what `problem` says.

    Raises:    MissingExtraError if native code cannot be made here
    """
    reason = problem()
    if reason is not None:
        raise MissingExtraError(reason)


# --- versions and the processor ----------------------------------------------------------


def versions() -> dict[str, str]:
    """The versions of llvmlite and of the LLVM inside; this loads LLVM.

    Raises:    MissingExtraError without llvmlite
    """
    llvm = _llvm()
    return {
        "llvmlite": str(_llvmlite().__version__),
        "llvm": ".".join(map(str, llvm.llvm_version_info)),
    }


def cpu() -> tuple[str, str]:
    """(name, features) for which code is made, as LLVM writes them; this loads LLVM.

    `GLASSGRAD_CPU` takes the place of this machine's, as a name and features:
    `x86-64`, `x86-64-v3`, `haswell,-fma`.
    """
    chosen = _chosen_cpu()
    if chosen:
        name, _, features = chosen.partition(",")
        return name, features
    llvm = _llvm()
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def _chosen_cpu() -> str:
    return os.environ.get("GLASSGRAD_CPU", "").replace(" ", "")


def _key(text: str, level: str) -> str:
    """The name in the cache: everything that decides what code comes out."""
    module = _llvmlite()
    package = sys.modules[__name__.partition(".")[0]]
    versions = f"{package.__version__} {module.__version__} {_library_stamp(module.__file__)}"
    flags = f"{_RECIPE} {level} {sorted(_TARGET.items())} {sys.platform}"
    return store.digest_of(versions, flags, _machine(), _chosen_cpu(), text)


@cache
def _library_stamp(package_file: str) -> str:
    """Sizes and times of LLVM's library: one version of llvmlite may be built with another LLVM."""
    files = sorted((Path(package_file).parent / "binding").glob("*llvmlite.*"))
    stamps = [(file.name, file.stat()) for file in files]
    return " ".join(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stamps)


@cache
def _machine() -> bytes:
    """What tells this processor from others, found without LLVM where that can be."""
    if executable.is_supported():
        return executable.processor()
    llvm = _llvm()
    return f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}".encode()


def _is_too_old(version: str) -> bool:
    numbers = [int(part) for part in version.split(".")[:2] if part.isdecimal()]
    return len(numbers) == len(OLDEST) and tuple(numbers) < OLDEST


# --- compiling ---------------------------------------------------------------------------


def _llvmlite() -> Any:
    """The package alone, which does not load LLVM."""
    try:
        import llvmlite  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError(
            say("native code needs the package llvmlite, which is not installed"), hint=INSTALL
        ) from error
    return llvmlite


@cache
def _llvm() -> Any:
    """LLVM, ready to make code for this machine."""
    _llvmlite()
    import llvmlite.binding as llvm  # noqa: PLC0415 - an extra, and it costs 28 ms

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


def _compiled(key: str, text: str, level: str, names: tuple[str, ...]) -> Code:
    llvm = _llvm()
    module = _parsed(llvm, text)
    machine = _target_machine(llvm)
    _optimise(llvm, module, machine, level)
    content = machine.emit_object(module)
    code = _load(content, names)
    store.write(key, content)
    return code


def assembly(text: str, *, level: str = "quick") -> str:
    """The machine instructions that `compile_text` makes of a text, as an assembler reads them.

    Raises:    as `compile_text`
    """
    llvm = _llvm()
    module, machine = _parsed(llvm, text), _target_machine(llvm)
    _optimise(llvm, module, machine, level)
    return str(machine.emit_assembly(module))


def _parsed(llvm: Any, text: str) -> Any:
    # NOTE: a module that is not verified can end the process: LLVM trusts its input.
    try:
        module = llvm.parse_assembly(text)
        module.verify()
    except RuntimeError as error:
        raise GraphError(say("LLVM refuses a module: {reason}", reason=error)) from error
    return module


def _target_machine(llvm: Any) -> Any:
    name, features = cpu()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=features, **_TARGET
    )


# Text from our printer is single assignment with its vectors made and its invariants hoisted: the
# passes of LLVM's O1 to O3 take as long as all else together twice over, and the code that comes
# out runs no faster (training steps of 3 to 30 layers and rows of a softmax, within 1 %). What the
# code generator does by itself at its level 1 is enough.
def _optimise(llvm: Any, module: Any, machine: Any, level: str) -> None:
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization = tuning.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, tuning)
    if level == "full":
        builder.getModulePassManager().run(module, builder)
        return
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.run(module, builder)


# --- loading -----------------------------------------------------------------------------


def _from_cache(key: str, names: tuple[str, ...]) -> Code | None:
    content = store.read(key)
    if content is None:
        return None
    try:
        return _load(content, names)
    except (GraphError, RuntimeError):  # an object of ours, and yet it does not fit
        return None


def _load(content: bytes, names: tuple[str, ...]) -> Code:
    _check_outside(content)
    if not executable.is_supported():
        return _load_with_llvm(content, names)
    try:
        loaded = image.load(content, _outside)
    except ValueError:  # something that LLVM emits and `image` has not seen yet
        return _load_with_llvm(content, names)
    missing = [name for name in names if name not in loaded.addresses]
    if missing:
        raise _no_function(missing[0])
    return Code({name: loaded.addresses[name] for name in names}, content, loaded)


def _load_with_llvm(content: bytes, names: tuple[str, ...]) -> Code:
    """Loaded by LLVM's own linker, one for each object, so that it goes with the object."""
    llvm = _llvm()
    jit = llvm.create_lljit_compiler(
        _target_machine(llvm), use_jit_link=sys.platform != "win32", suppress_errors=True
    )
    builder = llvm.JITLibraryBuilder().add_object_img(content)
    for name in sorted(_OUTSIDE):
        address = _address_outside(name)
        if address:
            builder.import_symbol(name, address)
    for name in names:
        builder.export_symbol(name)
    try:
        tracker = builder.link(jit, "glassgrad")
    except RuntimeError as error:
        raise _no_function(str(error)) from error
    # A tuple lets go of its last item first, as these two need it.
    return Code({name: int(tracker[name]) for name in names}, content, (jit, tracker))


def _no_function(name: str) -> GraphError:
    return GraphError(say("the compiled module has no function {name}", name=name))


def _check_outside(content: bytes) -> None:
    """Refuse an object that calls what it does not define; LLVM's linkers might find it.

    Raises:    GraphError that names it
    """
    try:
        found = image.ObjectFile(content)
    except ValueError:
        return  # not ELF, as on macOS: there the linker decides
    for symbol in found.undefined():
        _outside(found.name(symbol))


def _outside(name: str) -> int:
    """The address of a name that LLVM calls by itself.

    Raises:    GraphError for any other name
    """
    address = _address_outside(name)
    if name not in _OUTSIDE or not address:
        raise GraphError(say("a compiled module calls {name}, which is not part of it", name=name))
    return address


@cache
def _address_outside(name: str) -> int | None:
    # On Windows and in a static Python the process itself may not offer the mathematical ones.
    for library in (None, "libm.so.6", "ucrtbase"):
        try:
            function = getattr(ctypes.CDLL(library), name)
        except (OSError, AttributeError, TypeError):
            continue
        return ctypes.cast(function, ctypes.c_void_p).value
    return None


# --- the self-test -----------------------------------------------------------------------

# out[i] = in[i] * in[i] + 0.5 in three lanes of four
_SELF_TEST = """\
declare <4 x float> @llvm.fma.v4f32(<4 x float>, <4 x float>, <4 x float>)
declare <4 x float> @llvm.masked.load.v4f32.p0(ptr, i32, <4 x i1>, <4 x float>)
declare void @llvm.masked.store.v4f32.p0(<4 x float>, ptr, i32, <4 x i1>)
define void @gg_self_test(ptr %in, ptr %out) {
  %mask = bitcast i4 7 to <4 x i1>
  %x = call <4 x float> @llvm.masked.load.v4f32.p0(
    ptr %in, i32 4, <4 x i1> %mask, <4 x float> zeroinitializer)
  %y = call <4 x float> @llvm.fma.v4f32(
    <4 x float> %x, <4 x float> %x, <4 x float> splat (float 0.5))
  call void @llvm.masked.store.v4f32.p0(<4 x float> %y, ptr %out, i32 4, <4 x i1> %mask)
  ret void
}
"""


def _self_test() -> str | None:
    """What is wrong with the result of a small program."""
    code = compile_text(_SELF_TEST, ("gg_self_test",))
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
    given, got = (ctypes.c_float * 4)(1.0, 2.0, 3.0, 4.0), (ctypes.c_float * 4)()
    kind(code.address("gg_self_test"))(ctypes.addressof(given), ctypes.addressof(got))
    if list(got) == [1.5, 4.5, 9.5, 0.0]:
        return None
    return say("a small program gave {got}", got=list(got))
