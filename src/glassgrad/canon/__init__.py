"""The worked examples that every learner of backpropagation knows, as objects that compute them.

Layer L9. `canon.cs231n.sigmoid_circuit()` runs one and returns its table of values and gradients;
`.check()` compares every printed number, `.code()` is its own source, `.graph()` its graph,
`.source` where it comes from. `EXAMPLES` maps "cs231n.sigmoid_circuit" to the object.

>>> from glassgrad import canon
>>> print(canon.cs231n.product_of_sum())
node  value  gradient
x     -2     -4
y     5      -4
z     -4     3
q     3      -4
f     -12    1
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassgrad.canon import book as book
    from glassgrad.canon import conventions as conventions
    from glassgrad.canon import cs231n as cs231n
    from glassgrad.canon import dezero as dezero
    from glassgrad.canon import mazur as mazur
    from glassgrad.canon import micrograd as micrograd
    from glassgrad.canon import vanishing as vanishing
    from glassgrad.canon import xor as xor
    from glassgrad.canon.base import Check as Check
    from glassgrad.canon.base import Circuit as Circuit
    from glassgrad.canon.base import Example as Example
    from glassgrad.canon.base import Experiment as Experiment
    from glassgrad.canon.base import Results as Results
    from glassgrad.canon.registry import EXAMPLES as EXAMPLES
    from glassgrad.canon.registry import find as find

_ROOMS = ("book", "conventions", "cs231n", "dezero", "mazur", "micrograd", "vanishing", "xor")
_HOMES = {
    **dict.fromkeys(("Check", "Circuit", "Example", "Experiment", "Results"), "base"),
    **dict.fromkeys(("EXAMPLES", "find"), "registry"),
}

__all__ = [
    "EXAMPLES",
    "Check",
    "Circuit",
    "Example",
    "Experiment",
    "Results",
    "book",
    "conventions",
    "cs231n",
    "dezero",
    "find",
    "mazur",
    "micrograd",
    "vanishing",
    "xor",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"glassgrad.canon.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"glassgrad.canon.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
