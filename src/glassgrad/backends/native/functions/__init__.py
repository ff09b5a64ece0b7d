"""The mathematical functions of native code: straight-line bodies in the loop IR.

Layer L6. `find("exp", float32)` gives a `Function`: parameters, statements and a result. Printers
expand it in vectors (`llvm/`) or print it once as a C function (`c.py`). Bodies have neither
branches nor calls of a library: selections take the place of both, so every element costs the
same. Constants without another source are our own fits: least squares in 60 digits over Chebyshev
nodes, reweighted towards equal ripple, coefficients rounded one after the other.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cache

import numpy as np

from glassgrad.backends.native.functions import arcs as arcs
from glassgrad.backends.native.functions import division as division
from glassgrad.backends.native.functions import exponential as exponential
from glassgrad.backends.native.functions import gamma as gamma
from glassgrad.backends.native.functions import hyperbolic as hyperbolic
from glassgrad.backends.native.functions import logarithm as logarithm
from glassgrad.backends.native.functions import power as power
from glassgrad.backends.native.functions import special as special
from glassgrad.backends.native.functions import trigonometric as trigonometric
from glassgrad.backends.native.functions.terms import RECIPES, Term
from glassgrad.backends.native.loops import Builder, Operand, Statement, Value


@dataclass(frozen=True, eq=False)
class Function:
    """A function of scalars of one dtype; `ulp` bounds its distance from the true value."""

    name: str
    dtype: np.dtype
    parameters: tuple[Value, ...]
    body: tuple[Statement, ...]
    result: Operand
    ulp: float


NAMES = frozenset(RECIPES)


@cache
def find(name: str, dtype: np.dtype) -> Function | None:
    """The function of this name for this dtype, or None where there is none; built once.

    >>> find("exp", np.dtype(np.float32)).parameters
    (<x: float32>,)
    """
    recipe = RECIPES.get(name)
    if recipe is None or dtype not in recipe.ulp:
        return None
    builder = Builder()
    names = inspect.signature(recipe.write).parameters
    parameters = tuple(Value(dtype, parameter) for parameter in names)
    result = recipe.write(*(Term(builder, value) for value in parameters)).operand
    return Function(name, dtype, parameters, tuple(builder.body), result, recipe.ulp[dtype])
