"""NumPy's own functions on our values: `np.exp(x)` and `np.concatenate([x, y])` record.

Layer L2. NEP 13 sends every ufunc here, NEP 18 every other function; tables say which function of
ours answers. What is not in a table is refused by name, never computed without a gradient.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from operator import attrgetter
from typing import Any

import numpy as np

from glassgrad.core.aval import aval_of, result_dtype
from glassgrad.core.interpret import arrays_of, as_operand
from glassgrad.core.primitive import Primitive
from glassgrad.errors import OptionError
from glassgrad.primitives import (
    along,
    arithmetic,
    composite,
    einsum,
    factors,
    index,
    layout,
    linalg,
    norm,
    reduce,
    running,
    scatter,
    shape,
    solve,
    special,
    transcendental,
    triangle,
)
from glassgrad.primitives import statistics as statistic
from glassgrad.text import say

Function = Callable[..., Any]


class ArrayProtocols:
    """What makes NumPy hand its functions over to us."""

    __slots__ = ()
    __array_priority__ = 1000.0  # asked by array types older than NEP 13, such as np.matrix

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """`np.exp(x)`, `np.add(array, x)`, `np.maximum(x, 0)`, `np.add.reduce(x)`, ..."""
        if method == "__call__":
            function = UFUNCS.get(ufunc)
            if function is None:
                raise _not_offered(f"np.{ufunc.__name__}", [f"np.{u.__name__}" for u in UFUNCS])
            if kwargs:
                kwargs = _offered_options(function, f"np.{ufunc.__name__}", kwargs)
            return function(*inputs, **kwargs)
        return _method(ufunc, method, inputs, kwargs)

    def __array_function__(
        self, func: Function, types: Sequence[type], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """`np.sum(x)`, `np.concatenate([x, y])`, `np.linalg.norm(x)`, ..."""
        function = FUNCTIONS.get(func)
        if function is None:
            raise _not_offered(_name(func), map(_name, FUNCTIONS))
        if len(args) == 1 and not kwargs:  # `np.sum(x)`: nothing to fit
            return function(*args)
        return _call(func, function, args, kwargs)


# --- ufuncs ------------------------------------------------------------------------------


def _method(ufunc: np.ufunc, method: str, inputs: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """`np.add.reduce` and its kin, whose axis is 0 unless told."""
    name = f"np.{ufunc.__name__}.{method}"
    if method == "outer" and ufunc in UFUNCS and not kwargs:
        x, y = arrays_of(*inputs)
        return UFUNCS[ufunc](layout.reshape(x, (*x.shape, *(1,) * len(y.shape))), y)
    if method == "at" and ufunc in WRITERS and hasattr(inputs[0], "become"):
        inputs[0].become(WRITERS[ufunc](*inputs))
        return None
    function = {"reduce": REDUCTIONS, "accumulate": ACCUMULATIONS}.get(method, {}).get(ufunc)
    if function is None:
        offered = [f"np.{u.__name__}.reduce" for u in REDUCTIONS]
        offered += [f"np.{u.__name__}.accumulate" for u in ACCUMULATIONS]
        raise _not_offered(name, offered)
    return function(*inputs, **_offered_options(function, name, {"axis": 0} | kwargs))


def _offered_options(function: Function, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that our function has; an option that says nothing is dropped."""
    own = _own_names(function)
    kept = {}
    for option, value in options.items():
        if option in own:
            kept[option] = value
        elif any(v is not None for v in (value if isinstance(value, tuple) else (value,))):
            raise _option_not_offered(name, option)
    return kept


# --- other functions ---------------------------------------------------------------------


def _call(
    func: Function, function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Call ours with what was given to NumPy's: by name where both have the name, else by place."""
    own = _own_names(function)
    if len(args) <= 1 and kwargs.keys() <= own.keys():
        return function(*args, **kwargs)
    signature = _signature(func)
    if signature is None:
        return function(*args, **_offered_options(function, _name(func), kwargs))
    places = [name for name, is_place in own.items() if is_place]
    positional: list[Any] = []
    named: dict[str, Any] = {}
    given = signature.bind(*args, **kwargs).arguments
    for place, (name, parameter) in enumerate(signature.parameters.items()):
        if name not in given:
            continue
        value = given[name]
        stand_in = places[place] if place < len(places) else ""
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional += value
        elif name in own:
            named[name] = value
        elif stand_in and stand_in not in signature.parameters:
            named[stand_in] = value
        elif not _says_nothing(value, parameter.default):
            raise _option_not_offered(_name(func), name)
    return function(*positional, **named)


def _says_nothing(value: Any, default: Any) -> bool:
    """Whether an option has the value that it has anyway."""
    if value is None or value is default:
        return True
    return isinstance(value, (str, int, float)) and bool(value == default)


@lru_cache(maxsize=512)
def _own_names(function: Function) -> dict[str, bool]:
    """The parameters of one of our functions, and whether each has a place as well as a name."""
    if isinstance(function, Primitive):
        return {}
    kinds = inspect.Parameter
    return {
        name: parameter.kind is kinds.POSITIONAL_OR_KEYWORD
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
    }


@lru_cache(maxsize=512)
def _signature(func: Function) -> inspect.Signature | None:
    """NumPy's signature; None for the few functions that are built in and do not tell it."""
    try:
        return inspect.signature(func)
    except ValueError:
        return None


def _name(func: Function) -> str:
    module = getattr(func, "__module__", None) or "numpy"
    return f"{module.replace('numpy', 'np', 1)}.{getattr(func, '__name__', func)}"


def _not_offered(name: str, offered: Iterable[str]) -> OptionError:
    """The refusal of a whole function, with the nearest of those that are recorded."""
    problem = say("{name} is not recorded, so it would have no gradient", name=name)
    hint = say("`.detach()` gives the plain values")
    close = get_close_matches(name, list(offered), n=3)
    if close:
        hint += "; " + say("recorded: {names}", names=", ".join(close))
    return OptionError(problem, hint=hint)


def _option_not_offered(name: str, option: str) -> OptionError:
    problem = say("{name} is recorded without the option `{option}=`", name=name, option=option)
    hints = {
        "out": say("write `y = {name}(...)`: a recorded array is never overwritten", name=name),
        "where": say("choose with np.where(mask, x, y)"),
        "dtype": say("convert with .astype(dtype)"),
    }
    return OptionError(problem, hint=hints.get(option, ""))


# --- answers that are no records ---------------------------------------------------------


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    return along.nonzero(condition) if x is None else arithmetic.where(condition, x, y)


def _size(x: Any, axis: int | None = None) -> int:
    return aval_of(as_operand(x)).size if axis is None else int(np.shape(x)[axis])


def _empty_like(x: Any, dtype: Any = None) -> Any:
    return layout.zeros_like(x, dtype)


def _zeros_like(x: Any, dtype: Any = None, shape: Any = None) -> Any:
    """Of a traced value zeros of the same trace, so that what is written into them is recorded."""
    shape = np.shape(x) if shape is None else shape
    literal = getattr(getattr(x, "interpreter", None), "literal", None)
    if literal is None:
        return np.zeros(shape, dtype or x.dtype)
    return layout.broadcast_to(literal(np.dtype(dtype or x.dtype).type(0)), shape)


def _full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    return layout.full_like(x, fill_value, dtype)


def _result_type(*xs: Any) -> np.dtype:
    return np.result_type(
        *(x if isinstance(x, (type, str, np.dtype)) else _example(as_operand(x)) for x in xs)
    )


def _example(x: Any) -> Any:
    return x if aval_of(x).weak else result_dtype(aval_of(x))


# --- the tables --------------------------------------------------------------------------

# Rooms that are searched, in this order, for functions with NumPy's own names.
_ROOMS = (
    arithmetic, transcendental, special, layout, shape, triangle, reduce, running, statistic,
    index, along, linalg, einsum, norm, solve, factors, composite,
)  # fmt: skip
_OTHER_UFUNCS: dict[str, Function] = {
    "absolute": arithmetic.abs,
    "fabs": arithmetic.abs,
    "conjugate": arithmetic.positive,
    "radians": composite.deg2rad,
    "degrees": composite.rad2deg,
    "vecmat": lambda x, y: einsum.einsum("...i,...ij->...j", x, y),
    "matvec": lambda x, y: einsum.einsum("...ij,...j->...i", x, y),
}
_UFUNC_NAMES = (
    "add subtract multiply divide negative positive reciprocal square power sign maximum minimum "
    "copysign hypot floor ceil trunc rint floor_divide remainder fmod less less_equal greater "
    "greater_equal equal not_equal logical_and logical_or logical_xor logical_not bitwise_and "
    "bitwise_or bitwise_xor invert left_shift right_shift isnan isinf isfinite signbit exp exp2 "
    "expm1 log log1p log2 log10 sqrt cbrt sin cos tan arcsin arccos arctan arctan2 sinh cosh tanh "
    "arcsinh arccosh arctanh logaddexp matmul vecdot fmax fmin heaviside deg2rad "
    "rad2deg float_power divmod modf"
)
_FUNCTION_NAMES = (
    "sum prod max min argmax argmin any all cumsum cumprod sort argsort mean var std median ptp "
    "average count_nonzero nansum nanmean diff reshape ravel permute_dims "
    "swapaxes moveaxis squeeze expand_dims broadcast_to broadcast_arrays atleast_1d atleast_2d "
    "atleast_3d concat stack hstack vstack dstack column_stack split array_split hsplit vsplit "
    "dsplit unstack pad flip fliplr flipud rot90 roll tile repeat tril triu diagonal diag diagflat "
    "meshgrid matrix_transpose take take_along_axis select clip round nan_to_num "
    "sinc isclose allclose array_equal cross polyval dot vdot inner outer tensordot trace kron "
    "einsum nonzero argwhere flatnonzero ones_like astype"
)
_LINALG_NAMES = (
    "norm vector_norm inv det slogdet solve cholesky qr eigh eigvalsh svd svdvals "
    "matrix_power multi_dot matmul outer "
    "tensordot vecdot cross matrix_transpose matrix_norm"
)
_OTHER_FUNCTIONS: dict[str, Function] = {
    "where": _where,
    "shape": lambda x: aval_of(as_operand(x)).shape,
    "ndim": lambda x: aval_of(as_operand(x)).ndim,
    "size": _size,
    "empty_like": _empty_like,
    "zeros_like": _zeros_like,
    "full_like": _full_like,
    "copy": arithmetic.positive,
    "amax": reduce.max,
    "amin": reduce.min,
    "around": composite.round,
    "append": lambda x, values, axis=None: shape.concat([x, values], axis),
    "fix": arithmetic.trunc,
    "real": arithmetic.positive,
    "iscomplexobj": lambda x: False,
    "isrealobj": lambda x: True,
    "result_type": _result_type,
    "array_repr": repr,
    "array_str": str,
    "array2string": str,
}

# NumPy's `linalg` reads the last two axes where NumPy itself reads the first two.
_OTHER_LINALG: dict[str, Function] = {
    "diagonal": lambda x, offset=0: triangle.diagonal(x, offset, -2, -1),
    "trace": lambda x, offset=0: linalg.trace(x, offset, -2, -1),
}


def _find(name: str) -> Function | None:
    return next((getattr(room, name) for room in _ROOMS if hasattr(room, name)), None)


def _gather(names: str, prefix: str, others: Mapping[str, Function]) -> dict[Any, Any]:
    """NumPy's object -> ours, for every name that both this NumPy and our tables have."""
    table = {}
    for name in [*names.split(), *others]:
        function = others.get(name) or _find(name)
        try:
            theirs = attrgetter(prefix + name)(np)
        except AttributeError:  # a NumPy older than the function
            continue
        if function is not None:
            table[theirs] = function
    return table


UFUNCS: dict[np.ufunc, Function] = {
    theirs: ours
    for theirs, ours in _gather(_UFUNC_NAMES, "", _OTHER_UFUNCS).items()
    if isinstance(theirs, np.ufunc)
}
REDUCTIONS: dict[np.ufunc, Function] = {
    np.add: layout.sum,
    np.multiply: reduce.prod,
    np.maximum: reduce.max,
    np.minimum: reduce.min,
    np.logical_and: reduce.all,
    np.logical_or: reduce.any,
}
WRITERS: dict[np.ufunc, Function] = {
    np.add: index.index_add,
    np.multiply: scatter.index_multiply,
    np.maximum: scatter.index_max,
    np.minimum: scatter.index_min,
}
ACCUMULATIONS: dict[np.ufunc, Function] = {
    np.add: running.cumsum,
    np.multiply: running.cumprod,
    np.maximum: running.cummax,
    np.minimum: running.cummin,
}
FUNCTIONS: dict[Function, Function] = {
    **_gather(_FUNCTION_NAMES, "", _OTHER_FUNCTIONS),
    **_gather(_LINALG_NAMES, "linalg.", _OTHER_LINALG),
}
