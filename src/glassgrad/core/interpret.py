"""`bind(primitive, *arrays, **params)`: the one door through which every operation goes.

Layer L1. A value that is more than an array (a Tensor, a tracer) carries an `interpreter`; the
interpreter with the highest level among the operands handles the operation. Without one, the
operation's NumPy text is evaluated. Transforms nest because each `new_level()` is higher than all
open ones.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from glassgrad.config import config
from glassgrad.core.aval import aval_of, result_dtype
from glassgrad.core.template import function_of
from glassgrad.errors import GlassgradError, Operand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glassgrad.core.primitive import Primitive

# Types that are never more than an array; checked first because it is the common case.
PLAIN = frozenset({np.ndarray, float, int, bool, np.float32, np.float64, np.int64, np.bool_})


class Interpreter(Protocol):
    """What handles operations on its own kind of value."""

    level: int

    def process(
        self, primitive: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]
    ) -> Any: ...


class _Levels(threading.local):
    depth: int = 0


_levels = _Levels()


@contextmanager
def new_level() -> Iterator[int]:
    """A level above all open ones; level 0 belongs to eager tensors."""
    _levels.depth += 1
    try:
        yield _levels.depth
    finally:
        _levels.depth -= 1


def bind(primitive: Primitive, *inputs: Any, **params: Any) -> Any:
    """Apply `primitive` under the highest interpreter among the operands."""
    top: Any = None
    for value in inputs:
        if type(value) in PLAIN:
            continue
        found = getattr(value, "interpreter", None)
        if found is top:
            if top is None and not isinstance(value, (np.ndarray, np.generic)):
                inputs = as_operands(inputs)
        elif found is None:
            if not isinstance(value, (np.ndarray, np.generic)):
                inputs = as_operands(inputs)
        elif top is None or found.level > top.level:
            top = found
    if top is None:
        return evaluate(primitive, inputs, params)
    return top.process(primitive, inputs, params)


def evaluate(primitive: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    """Run the primitive's NumPy text on arrays."""
    try:
        run = primitive.run or function_of(primitive, params)
        return run(*inputs, **params) if params else run(*inputs)
    except (ValueError, TypeError, IndexError) as error:
        raise_diagnosed(primitive, inputs, params, error)
    except (ZeroDivisionError, OverflowError):
        # NOTE: Python's own numbers refuse where arrays answer inf or NaN: the derivative of x / 0.
        if not all(type(x) in (int, float, bool) for x in inputs):
            raise
        return run(*map(np.float64, inputs), **params).item()  # stays weak


def raise_diagnosed(
    primitive: Primitive, inputs: Sequence[Any], params: Mapping[str, Any], error: Exception
) -> Any:
    """Turn NumPy's complaint into ours: the shape rule says what does not fit."""
    if isinstance(error, GlassgradError):
        raise error.at(primitive.name, operands_of(primitive, inputs)) from None
    infer(primitive, inputs, params)
    raise error


def infer(primitive: Primitive, inputs: Sequence[Any], params: Mapping[str, Any]) -> Any:
    """The aval (or avals) of the result, with errors that name operation and operands."""
    try:
        return primitive.infer_avals(*map(aval_of, inputs), **params)
    except GlassgradError as error:
        raise error.at(primitive.name, operands_of(primitive, inputs)) from None


def operands_of(primitive: Primitive, inputs: Sequence[Any]) -> list[Operand]:
    """The table of an error message: label, shape, dtype, user's name and place."""
    rows = []
    for i, value in enumerate(inputs):
        label = f"x{i}" if primitive.is_variadic else primitive.operands[i]
        aval = aval_of(value)
        describe = getattr(value, "describe", None)
        name, place = describe() if describe is not None else ("", "")
        dtype = type(value).__name__ if aval.weak else aval.dtype.name
        rows.append(Operand(label, aval.shape, dtype, name, place))
    return rows


def as_operand(value: Any, default: Any = None) -> Any:
    """An operand from what users write: Python floats and lists become `config.float` arrays."""
    if type(value) in PLAIN or hasattr(value, "interpreter") or isinstance(value, np.generic):
        return value
    if isinstance(value, np.ndarray):
        return value
    array = np.asarray(value)
    if array.dtype == np.float64 and not hasattr(value, "dtype"):
        array = array.astype(default or config.float)
    return array


def as_operands(values: Sequence[Any]) -> tuple[Any, ...]:
    """Operands of one operation: a list of floats takes the dtype that the result will have.

    NOTE: [0.1] beside a float64 array would otherwise lose half its digits, unseen.
    """
    dtypes = [getattr(value, "dtype", None) for value in values]
    numeric = [d for d in dtypes if isinstance(d, np.dtype) and d.kind in "biuf"]
    wanted = np.result_type(config.float, *numeric)
    return tuple(as_operand(value, wanted) for value in values)


def arrays_of(*values: Any) -> tuple[Any, ...]:
    """Values that meet in one result, as arrays; Python numbers and lists take its dtype."""
    values = as_operands(values)
    avals = [aval_of(value) for value in values]
    dtype = result_dtype(*avals) if avals else None
    if dtype == np.float64 and all(aval.weak for aval in avals):
        dtype = np.dtype(config.float)
    pairs = zip(values, avals, strict=True)
    return tuple(np.asarray(value, dtype) if aval.weak else value for value, aval in pairs)
