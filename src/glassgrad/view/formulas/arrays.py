"""Operations on arrays as a textbook sets them: sums with their axis, transposes, subscripts.

Layer L8. A record says how NumPy spells an operation; how print sets it in two dimensions cannot be
read off that, so the operations with a notation of their own stand in the table here. Any other one
is a function called by its symbol or name, with its settings as a subscript.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval, is_float
from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Eqn
from glassgrad.primitives.arithmetic import add
from glassgrad.view.formulas import notation as n
from glassgrad.view.formulas.notation import Math
from glassgrad.view.formulas.scalars import bracketed, elementwise, symbolic

Params = Mapping[str, Any]
_SHOWN = ("axis", "shape", "dtype", "k", "size", "widths", "index")  # what a reader needs


def applied(eqn: Eqn, args: Sequence[Math], of_elements: bool = False) -> Math:
    """The right-hand side of an equation, with its operands put in."""
    primitive = eqn.primitive
    if isinstance(primitive, Elementwise):
        mark = "" if of_elements else _product_sign([atom.aval for atom in eqn.inputs])
        if eqn.derives is not None and primitive is add and n.is_negative(args[1]):
            return n.subtract(args[0], args[1].parts[1])  # terms that a backward pass collects
        return elementwise(primitive, args, mark)
    args = [bracketed(arg) for arg in args]
    set_as = NOTATION.get(primitive.name)
    if set_as is not None:
        return set_as(eqn, args)
    return _called(eqn, args)


def _product_sign(avals: Sequence[Aval]) -> str:
    """Arrays multiplied element by element are told apart from a matrix product."""
    return "⊙" if len(avals) > 1 and all(aval.shape for aval in avals) else ""


def _called(eqn: Eqn, args: Sequence[Math]) -> Math:
    """A function's name with its settings below, applied."""
    primitive = eqn.primitive
    settings = [s for key in _SHOWN if (s := setting(key, eqn.params.get(key))) is not None]
    symbol = primitive.symbol
    if symbol and not settings:
        return symbolic(symbol, args)
    function = n.word(primitive.name)
    inner = [n.word(graph.name) for graph in eqn.graphs]
    if settings or inner:
        function = n.index(function, n.listed([*inner, *settings]))
    return n.call(function, args)


# --- settings ----------------------------------------------------------------------------


def setting(key: str, value: Any) -> Math | None:
    """A parameter as it stands below a function's name; None if it says nothing."""
    if value is None:
        return None
    if key == "axis":
        return axes(value)
    if key == "shape":
        return shape(value)
    if key == "index":
        return _subscript(value, ())
    return n.word(str(np.dtype(value).name if key == "dtype" else value).replace("-", "−"))


def axes(value: int | Sequence[int]) -> Math:
    listed = value if isinstance(value, tuple) else (value,)
    return n.row(n.word("axis"), n.SPACE, n.listed([n.word(str(axis)) for axis in listed]))


def shape(value: Sequence[int]) -> Math:
    if len(value) < 2:  # noqa: PLR2004 - a number or a vector has no ×
        return n.word(str(value[0]) if value else "()")
    parts = [part for size in value for part in (n.sign("×"), n.word(str(size)))]
    return n.row(*parts[1:])


def _subscript(index: Sequence[Any], arrays: Sequence[Math]) -> Math:
    return n.listed([_item(item, arrays) for item in index] or [n.word("()")])


def _item(item: Any, arrays: Sequence[Math]) -> Math:
    if item is None:
        return n.word("new")
    if item == "...":
        return n.word("…")
    if not isinstance(item, tuple):
        return n.numeral(item)
    kind, *rest = item
    if kind == "array":
        return arrays[rest[0]] if rest[0] < len(arrays) else n.word("i")
    start, stop, step = ("" if bound is None else str(bound) for bound in rest)
    text = f"{start}:{stop}" + (f":{step}" if step else "")
    return n.word(text.replace("-", "−"))


# --- the table ---------------------------------------------------------------------------


def _sum_over(operator: str) -> Callable[[Eqn, Sequence[Math]], Math]:
    def set_as(eqn: Eqn, args: Sequence[Math]) -> Math:
        axis = eqn.params.get("axis")
        return n.big(operator, None if axis is None else axes(axis), args[0])

    return set_as


def _extremum(eqn: Eqn, args: Sequence[Math]) -> Math:
    axis = eqn.params.get("axis")
    function = n.word(eqn.primitive.name)
    return n.call(function if axis is None else n.index(function, axes(axis)), args)


def _transpose(eqn: Eqn, args: Sequence[Math]) -> Math:
    order = tuple(eqn.params["axes"])
    last_two_swapped = (*range(len(order) - 2), len(order) - 1, len(order) - 2)
    if len(order) > 1 and order == last_two_swapped:
        return n.power(args[0], n.sign("⊤"))
    return n.call(n.index(n.word("permute"), n.listed([n.word(str(axis)) for axis in order])), args)


def _matrix_product(eqn: Eqn, args: Sequence[Math]) -> Math:
    left, right = (n.bound(arg, n.PRODUCT) for arg in args)
    parts = left.parts if left.kind == "row" and left.rank == n.PRODUCT else (left,)
    return n.row(*parts, n.SPACE, right, rank=n.PRODUCT)


def _convolved(sign: str, mark: str = "") -> Callable[[Eqn, Sequence[Math]], Math]:
    """x ∗ W between its operands, with ⊤ at the sign of a transpose."""

    def set_as(eqn: Eqn, args: Sequence[Math]) -> Math:
        left, right = (n.bound(arg, n.PRODUCT) for arg in args)
        operator = n.power(n.sign(sign), n.sign(mark)) if mark else n.sign(sign)
        return n.row(left, operator, right, rank=n.PRODUCT)

    return set_as


def _contraction(eqn: Eqn, args: Sequence[Math]) -> Math:
    """Einstein's convention with the sum written: Σ_k x_ik y_kj."""
    left, _, out = eqn.params["spec"].partition("->")
    terms = left.split(",")
    factors = [
        n.index(arg, n.row(*(Math("name", text=letter) for letter in term))) if term else arg
        for arg, term in zip(args, terms, strict=True)
    ]
    product = factors[0]
    for factor in factors[1:]:
        product = n.row(product, n.SPACE, factor, rank=n.PRODUCT)
    summed = [c for c in dict.fromkeys(left) if c.isalpha() and c not in out]
    below = n.listed([Math("name", text=letter) for letter in summed]) if summed else None
    return n.big("Σ", below, product) if below else product


def _item_of(eqn: Eqn, args: Sequence[Math]) -> Math:
    return n.index(args[0], _subscript(eqn.params["index"], args[1:]))


def _picked(eqn: Eqn, args: Sequence[Math]) -> Math:
    row = Math("name", text="i")
    return n.index(args[0], n.listed([row, n.index(args[1], row)]))


def _inverse_times(eqn: Eqn, args: Sequence[Math]) -> Math:
    return _matrix_product(eqn, [n.power(args[0], n.numeral(-1)), args[1]])


def _log_softmax(eqn: Eqn, args: Sequence[Math]) -> Math:
    axis = setting("axis", eqn.params.get("axis"))
    softmax = n.word("softmax")
    return n.row(n.word("log"), n.SPACE, n.call(n.index(softmax, axis) if axis else softmax, args))


def _converted(eqn: Eqn, args: Sequence[Math]) -> Math:
    """Another precision is the same number; a conversion to integers is not."""
    return args[0] if is_float(eqn.outputs[0].dtype) else _called(eqn, args)


def _norm(eqn: Eqn, args: Sequence[Math]) -> Math:
    inside = n.fenced(args[0], "‖", "‖")
    axis = eqn.params.get("axis")
    return inside if axis is None else n.index(inside, axes(axis))


NOTATION: dict[str, Callable[[Eqn, Sequence[Math]], Math]] = {
    "sum": _sum_over("Σ"),
    "prod": _sum_over("Π"),
    "max": _extremum,
    "min": _extremum,
    "permute_dims": _transpose,
    "matmul": _matrix_product,
    "convolution": _convolved("∗"),
    "convolution_input": _convolved("∗", "⊤"),
    "convolution_weight": _convolved("∗", "⊤"),
    "einsum": _contraction,
    "einsum_of_one": _contraction,
    "getitem": _item_of,
    "gather": _item_of,
    "pick": _picked,
    "solve": _inverse_times,
    "det": lambda eqn, args: n.call(n.word("det"), args),
    "log_abs_det": lambda eqn, args: n.row(
        n.word("log"), n.fenced(n.call(n.word("det"), args), "|", "|")
    ),
    "euclidean_norm": _norm,
    "log_softmax": _log_softmax,
    "astype": _converted,
}
