"""Text becomes code only after its syntax tree was checked against a closed list."""

from __future__ import annotations

import gc
import linecache
import traceback

import numpy as np
import pytest

from glassgrad.core.template import compile_functions
from glassgrad.errors import GraphError
from glassgrad.graph.trace import trace


@pytest.mark.parametrize(
    "text",
    [
        "import os\n",
        "from os import system\n",
        "def f(x):\n    import os\n    return x\n",
        "def f(x):\n    return x.__class__\n",
        "def f(x):\n    return __import__('os')\n",
        "def f(x):\n    return (lambda: x)()\n",
        "class A:\n    pass\n",
        "def f(x):\n    global y\n    return x\n",
        "def f(x):\n    raise ValueError\n",
        "def f(x):\n    try:\n        return x\n    finally:\n        pass\n",
        "async def f(x):\n    return x\n",
        "def f(x):\n    yield x\n",
        "def f(x):\n    return f'{x}'\n",
        "def f(x):\n    return {1: x}\n",
        "@print\ndef f(x):\n    return x\n",
        "def f(x):\n    return (y := x)\n",
        "def f(x):\n    return np.ctypeslib.ctypes\n",
        "def f(x):\n    return np.fromfile(x)\n",
    ],
)
def test_what_is_not_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(GraphError, match="emitted code may not"):
        compile_functions(text, "<test template>")


def test_unknown_names_do_not_exist() -> None:
    for name in ("open", "eval", "exec", "getattr", "globals", "print", "input"):
        f = compile_functions(f"def f():\n    return {name}\n", "<test template>")["f"]
        with pytest.raises(NameError):
            f()


def test_compiled_text_runs_and_shows_in_tracebacks() -> None:
    text = "def f(x):\n    y = x * 2\n    return y[99]\n"
    f = compile_functions(text, "<test shown>")["f"]
    try:
        f(np.ones(3))
    except IndexError as error:
        assert "return y[99]" in "".join(traceback.format_exception(error))
    else:
        pytest.fail("it reads outside the array")


def test_classes_are_for_text_of_our_own() -> None:
    text = "class A:\n    def f(self):\n        return {1: 2}\n"
    with pytest.raises(GraphError, match="may not contain ClassDef"):
        compile_functions(text, "<test classes>")
    made = compile_functions(text, "<test classes>", {"__name__": "a"}, frozenset({"f"}))
    assert made["A"]().f() == {1: 2}
    for head in ("A(list)", "A(metaclass=type)"):
        with pytest.raises(GraphError, match="may not contain ClassDef"):
            compile_functions(text.replace("A", head), "<test classes>", {}, frozenset({"f"}))


def test_constants_are_names_of_the_text() -> None:
    f = compile_functions("def f(x):\n    return x + c\n", "<test constants>", {"c": np.ones(2)})[
        "f"
    ]
    assert f(1.0).tolist() == [2.0, 2.0]


def test_the_text_goes_when_its_functions_are_gone() -> None:
    def count() -> int:
        gc.collect()
        compile_functions("def f(x):\n    return x\n", "<test next>")  # which tidies up
        return sum(name.startswith("<graph forgotten") for name in linecache.cache)

    def forgotten(x: np.ndarray) -> np.ndarray:
        return x * 2

    before = count()
    for _ in range(5):
        trace(forgotten, np.ones(2)).run(np.ones(2))
    assert count() == before
