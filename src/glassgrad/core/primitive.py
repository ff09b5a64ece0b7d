"""The record of a primitive operation, in four kinds, and the registry of all of them.

Layer L1. Everything the program knows about an operation stands in its record: how NumPy says it,
its shape and dtype rule, its derivative, its convention at kinks, its source. The kind says how the
derivative is stated, and most other rules follow from it:

    Elementwise   one scalar formula; one local partial per operand
    Linear        linear in its array operands; one transpose per operand
    Bilinear      linear in each of two operands; two transposes
    General       one vector-Jacobian product per operand, and a Jacobian-vector product

Rules are written with primitives and operators only, so they can be recorded, differentiated
again and printed. A record is callable: arrays go by position, parameters by keyword.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np

from glassgrad.core import formula as scalar
from glassgrad.core.aval import Aval, aval_of, broadcast_shapes
from glassgrad.core.interpret import bind
from glassgrad.core.template import function_of

REGISTRY: dict[str, Primitive] = {}

Rule = Callable[..., Any]
Text = str | Callable[[Sequence[str], Mapping[str, Any]], str]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Primitive:
    """What every record holds; use one of the four kinds below.

    operands:  their names, in order; a single `*xs` takes any number
    text:      NumPy source with `{x}` for operands and `{axis}` for parameters, or a function of
               (operand texts, parameters) where the source depends on a parameter's value
    infer:     avals of the operands and the parameters -> aval of the result (a tuple of them if
               `multiple`)
    helpers:   whole `def`s that `text` calls, printed once at the head of emitted source
    broadcasts: whether the text itself repeats an operand along axes that it lacks; elementwise
               functions always do
    batch:     (inputs, batched, size, **params) -> result; batched inputs and the result carry the
               batch on axis 0
    evaluate:  runs the operation where no single line of NumPy can (inner graphs)
    """

    name: str
    operands: tuple[str, ...] = ("x",)
    summary: str = ""
    symbol: str = ""
    kink: str = ""
    source: str = ""
    multiple: bool = False
    broadcasts: bool = False
    helpers: tuple[str, ...] = ()
    batch: Rule | None = None
    evaluate: Rule | None = None
    run: Rule | None = field(default=None, init=False)  # its text, once compiled

    def __post_init__(self) -> None:
        assert self.name not in REGISTRY, f"primitive {self.name} is defined twice"
        REGISTRY[self.name] = self

    __call__ = bind  # record(*arrays, **params)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def is_variadic(self) -> bool:
        return self.operands[0].startswith("*")

    def infer_avals(self, *avals: Aval, **params: Any) -> Any:
        raise AssertionError("a record is one of the four kinds")

    def numpy_text(self, operands: Sequence[str], params: Mapping[str, Any]) -> str:
        raise AssertionError("a record is one of the four kinds")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Elementwise(Primitive):
    """A scalar function applied to each element, with broadcasting.

    formula:   the mathematics, in the vocabulary of `core.formula`
    partials:  per operand a rule (out, *inputs) -> local derivative, or a number, or None where
               the result does not vary with that operand
    domain:    per operand the interval from which tests draw
    pull:      for functions that select (`where`), a rule per operand (ct, out, *inputs) that
               replaces ct * partial, so that an unselected infinity is never multiplied
    """

    formula: str
    partials: tuple[Rule | float | None, ...]
    domain: tuple[tuple[float, float], ...] = ((-3.0, 3.0),)
    pull: tuple[Rule | None, ...] | None = None
    parsed: scalar.Formula = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        assert len(self.partials) == len(self.operands), self.name
        parsed = scalar.parse(self.formula)
        object.__setattr__(self, "parsed", parsed)
        if not parsed.is_inline:
            helper = scalar.helper_text(self.name, self.operands, parsed, self.summary)
            object.__setattr__(self, "helpers", (*self.helpers, helper))

    def infer_avals(self, *avals: Aval, **params: Any) -> Aval:
        shape = broadcast_shapes(*(aval.shape for aval in avals))
        return Aval(shape, elementwise_dtype(self, *((a.dtype, a.weak) for a in avals)))

    def numpy_text(self, operands: Sequence[str], params: Mapping[str, Any]) -> str:
        if self.parsed.is_inline:
            names = dict(zip(self.operands, operands, strict=True))
            return scalar.numpy_text(self.parsed.result, names)
        return f"{self.name}({', '.join(operands)})"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class _Templated(Primitive):
    """What the three array kinds share: a text, and a shape and dtype rule."""

    text: Text = ""
    infer: Rule

    def infer_avals(self, *avals: Aval, **params: Any) -> Any:
        return self.infer(*avals, **params)

    def numpy_text(self, operands: Sequence[str], params: Mapping[str, Any]) -> str:
        if callable(self.text):
            return self.text(operands, params)
        if self.is_variadic:
            listed = ", ".join(operands) + ("," if len(operands) == 1 else "")
            named = {self.operands[0][1:]: f"({listed})"}
        else:
            named = dict(zip(self.operands, operands, strict=True))
        printed = {name: literal(value) for name, value in params.items()}
        return self.text.format(**named, **printed)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Linear(_Templated):
    """Linear in every operand that has a transpose; other operands are indices and masks.

    transposes: per operand (ct, *inputs, **params) -> cotangent, or None. For `*xs` one rule
                with the extra keyword `operand`, the position asked for. A rule may read shapes
                and dtypes of all inputs, and values only of operands without a transpose.
    """

    transposes: tuple[Rule | None, ...] | Rule


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Bilinear(_Templated):
    """Linear in each of two operands while the other is held.

    transposes: per operand (ct, x, y, **params) -> cotangent
    """

    operands: tuple[str, ...] = ("x", "y")
    transposes: tuple[Rule, Rule]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class General(_Templated):
    """Anything else.

    vjps:      per operand (ct, out, *inputs, **params) -> cotangent, or None; one rule with the
               extra keyword `operand` for `*xs`
    jvp:       (tangents, out, *inputs, **params) -> tangent of the result; a missing one is None
    vjp_all:   for operations with inner graphs or several results:
               (cts, outs, inputs, needed, **params) -> list of cotangents
    """

    vjps: tuple[Rule | None, ...] | Rule | None = None
    jvp: Rule | None = None
    vjp_all: Rule | None = None


# --- printing parameters -----------------------------------------------------------------


def literal(value: Any) -> str:
    """Python source of a parameter: numbers, tuples, dtypes, None, ... and slices.

    >>> literal((1, None)), literal(np.dtype("float32"))
    ('(1, None)', 'np.float32')
    """
    if isinstance(value, np.dtype):
        return "bool" if value == np.bool_ else f"np.{value.name}"
    if isinstance(value, tuple):
        listed = ", ".join(map(literal, value))
        return f"({listed},)" if len(value) == 1 else f"({listed})"
    if value is Ellipsis:
        return "..."
    if isinstance(value, float) and isnan(value):
        return "np.nan"
    if value in (float("inf"), float("-inf")) and isinstance(value, float):
        return "np.inf" if value > 0 else "-np.inf"
    return repr(value)


# --- dtypes of elementwise results -------------------------------------------------------

_DTYPES: dict[Any, np.dtype] = {}


def elementwise_dtype(primitive: Elementwise, *kinds: tuple[np.dtype, bool]) -> np.dtype:
    """NumPy's own answer: the formula evaluated on empty arrays, remembered."""
    key = (primitive, kinds)
    dtype = _DTYPES.get(key)
    if dtype is None:
        weak = {"b": True, "i": 1, "f": 1.0}
        examples = [weak[d.kind] if is_weak else np.empty(0, d) for d, is_weak in kinds]
        function = function_of(primitive, {})
        dtype = _DTYPES[key] = np.asarray(function(*examples)).dtype
    return dtype


__all__ = [
    "REGISTRY",
    "Bilinear",
    "Elementwise",
    "General",
    "Linear",
    "Primitive",
    "Rule",
    "aval_of",
    "elementwise_dtype",
    "literal",
]
