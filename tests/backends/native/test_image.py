"""An object in memory: every part of a module, its rights, its end, and damaged ones."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from backends.native.native_texts import call, needs_llvm, on_image

from glassgrad.backends.native import engine, executable, image
from glassgrad.backends.native.engine import compile_text
from glassgrad.config import config
from glassgrad.errors import GraphError

pytestmark = needs_llvm


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path) -> Iterator[None]:
    with config.using(cache=str(tmp_path)):
        yield


# Constants with addresses, a variable, a table of jumps, a pointer to a global function.
PARTS = """\
@count = internal global i64 5
@steps = internal constant [2 x ptr] [ptr @one, ptr @two]
@open = constant [3 x i64] [i64 10, i64 20, i64 30]
define i64 @one() {
  ret i64 1
}
define i64 @two() {
  ret i64 2
}
define i64 @parts(i64 %i) {
  %j = and i64 %i, 1
  %at = getelementptr [2 x ptr], ptr @steps, i64 0, i64 %j
  %f = load ptr, ptr %at
  %r = call i64 %f()
  %old = load i64, ptr @count
  %new = add i64 %old, %r
  store i64 %new, ptr @count
  %value.at = getelementptr [3 x i64], ptr @open, i64 0, i64 %i
  %value = load i64, ptr %value.at
  %all = add i64 %new, %value
  ret i64 %all
}
define i64 @self() {
  %i = ptrtoint ptr @two to i64
  ret i64 %i
}
define i64 @choose(i64 %x) {
  switch i64 %x, label %other [
    i64 0, label %a
    i64 1, label %b
    i64 2, label %c
    i64 3, label %d
    i64 4, label %e
  ]
a:
  br label %done
b:
  br label %done
c:
  br label %done
d:
  br label %done
e:
  br label %done
other:
  br label %done
done:
  %r = phi i64 [ 31, %a ], [ 41, %b ], [ 5, %c ], [ 926, %d ], [ 53, %e ], [ -1, %other ]
  ret i64 %r
}
"""


@pytest.mark.parametrize("loader", ["own", "llvm"])
def test_all_parts_of_a_module(loader: str) -> None:
    names = ("parts", "choose", "self", "two")
    code = compile_text(PARTS, names)
    if loader == "llvm":
        code = engine._load_with_llvm(code.content, names)

    def value(name: str, *args: int) -> int:
        return call(code, name, *args, result=ctypes.c_int64)

    assert [value("parts", i) for i in (0, 1, 2)] == [6 + 10, 8 + 20, 9 + 30]
    assert [value("choose", i) for i in range(-1, 6)] == [-1, 31, 41, 5, 926, 53, -1]
    assert value("self") == code.address("two")
    with pytest.raises(GraphError, match="three"):
        engine._load_with_llvm(code.content, ("three",))


@on_image
def test_code_is_never_writable_and_goes_with_its_object() -> None:
    code = compile_text(PARTS, ("parts",))
    start = code.address("parts")
    rights = {line.split()[1] for line in _mappings() if _covers(line, start)}
    assert rights == {"r-xp"}
    del code
    gc.collect()
    assert not any(_covers(line, start) for line in _mappings())


def _mappings() -> list[str]:
    return Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()


def _covers(line: str, address: int) -> bool:
    low, high = (int(part, 16) for part in line.split(maxsplit=1)[0].split("-"))
    return low <= address < high


@on_image
def test_damaged_objects_are_refused_or_loaded_and_nothing_else() -> None:
    content = compile_text(PARTS, ("parts",)).content
    random = np.random.default_rng(0)
    refused = 0
    for i in range(400):
        damaged = bytearray(content)
        if i % 4 == 0:
            del damaged[int(random.integers(len(content))) :]
        for place in random.integers(0, max(1, len(damaged)), 8):
            if damaged:
                damaged[place] = int(random.integers(256))
        try:
            image.load(bytes(damaged), lambda name: 0)
        except ValueError:
            refused += 1
    assert 100 < refused < 400


@on_image
@pytest.mark.parametrize("machine", [40, 183])
def test_code_of_another_machine(machine: int) -> None:
    content = bytearray(compile_text(PARTS, ("parts",)).content)
    content[18:20] = machine.to_bytes(2, "little")
    with pytest.raises(ValueError, match="no code of x86-64"):
        image.load(bytes(content), lambda name: 0)


@on_image
def test_processor_is_known() -> None:
    assert executable.processor() == executable.processor()
    assert len(executable.processor()) > 64
