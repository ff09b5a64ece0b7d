"""Patterns of numerical trouble: what an operation and its neighbours are together.

Layer L8. A pattern looks at what made the operands and at what uses the result, never at names in
the text. Primitives are named here because each pattern is a fact about these very operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.graph.ir import Atom, Eqn, Literal
from glassgrad.inspect.site import Site

_LOGS = {"log", "log2", "log10"}
_NORMS = {"euclidean_norm", "hypot"}

# --- pieces of patterns ------------------------------------------------------------------


def _is_literal(atom: Atom, value: float) -> bool:
    return isinstance(atom, Literal) and bool(atom.value == value)


def _holds(site: Site, atom: Atom, test: Callable[[np.ndarray], Any]) -> bool:
    value = site.value(atom)
    return value is not None and bool(np.any(test(value)))


def _is_softmax(site: Site, eqn: Eqn | None) -> bool:
    """e / Σ e."""
    if eqn is None or eqn.primitive.name != "divide":
        return False
    powers = site.made_by(eqn.inputs[0], "exp")
    total = site.made_by(eqn.inputs[1], "sum")
    if powers is None or total is None:
        return False
    summed = site.made_by(total.inputs[0], "exp")  # e^x may have been written twice
    return summed is not None and summed.inputs == powers.inputs


def _plus_one(site: Site, eqn: Eqn | None) -> Atom | None:
    """The x of x + 1."""
    if eqn is None or eqn.primitive.name != "add":
        return None
    one, two = eqn.inputs
    return two if _is_literal(one, 1) else one if _is_literal(two, 1) else None


def _is_sigmoid(site: Site, eqn: Eqn | None) -> bool:
    """The sigmoid, or 1 / (1 + e^-x)."""
    if eqn is None or eqn.primitive.name == "sigmoid":
        return eqn is not None
    if eqn.primitive.name not in ("divide", "reciprocal"):
        return False
    if eqn.primitive.name == "divide" and not _is_literal(eqn.inputs[0], 1):
        return False
    power = _plus_one(site, site.maker(eqn.inputs[-1]))
    return power is not None and site.made_by(power, "exp") is not None


def _is_square(site: Site, eqn: Eqn | None) -> bool:
    if eqn is None:
        return False
    if eqn.primitive.name == "multiply":
        return eqn.inputs[0] is eqn.inputs[1]
    is_second_power = eqn.primitive.name == "power" and _is_literal(eqn.inputs[1], 2)
    return is_second_power or eqn.primitive.name == "square"


def _is_sum_of_squares(site: Site, eqn: Eqn | None) -> bool:
    return (
        eqn is not None
        and eqn.primitive.name == "sum"
        and _is_square(site, site.maker(eqn.inputs[0]))
    )


def _is_mean(eqn: Eqn | None, site: Site) -> Eqn | None:
    """The sum in Σ x / n."""
    if eqn is None or eqn.primitive.name not in ("divide", "multiply"):
        return None
    return site.made_by(eqn.inputs[0], "sum") if isinstance(eqn.inputs[1], Literal) else None


def _is_difference_of_moments(site: Site, atom: Atom) -> bool:
    """mean(x²) - mean(x)²."""
    gap = site.made_by(atom, "subtract")
    if gap is None:
        return False
    second = _is_mean(site.maker(gap.inputs[0]), site)
    first = site.maker(gap.inputs[1])
    return (
        second is not None
        and _is_square(site, site.maker(second.inputs[0]))
        and _is_square(site, first)
        and first is not None
        and _is_mean(site.maker(first.inputs[0]), site) is not None
    )


def _is_norm(site: Site, atom: Atom) -> bool:
    made = site.maker(atom)
    if made is None:
        return False
    if made.primitive.name in _NORMS:
        return True
    return made.primitive.name == "sqrt" and _is_sum_of_squares(site, site.maker(made.inputs[0]))


# --- patterns ----------------------------------------------------------------------------


def unselected(site: Site) -> bool:
    """A branch of `where` that is not chosen, but whose infinite derivative is multiplied by 0."""
    chosen = site.used_by("where")
    if chosen is None:
        return False
    value = site.value(chosen.outputs[0])
    is_fine = value is not None and bool(np.isfinite(value).all())
    own = site.value(site.eqn.outputs[0])
    return is_fine and (site.is_backward or (own is not None and not np.isfinite(own).all()))


def unselected_above(site: Site) -> bool:
    """The same one operation further on: where(x > 0, sqrt(x) * 3, 0)."""
    if not site.is_backward and site.kind != "exp":
        return False
    for user in site.users():
        chosen = site.used_by("where", var=user.outputs[0])
        value = None if chosen is None else site.value(chosen.outputs[0])
        if value is not None and np.isfinite(value).all():
            return True
    return False


def log_of_softmax(site: Site) -> bool:
    return site.kind in _LOGS and _is_softmax(site, site.maker(site.operand()))


def log_of_sigmoid(site: Site) -> bool:
    return site.kind in _LOGS and _is_sigmoid(site, site.maker(site.operand()))


def log_of_one_minus(site: Site, test: Callable[[Site, Eqn | None], bool]) -> bool:
    """log(1 - p) or log1p(-p) of a p that `test` knows."""
    if site.kind == "log1p":
        minus = site.made_by(site.operand(), "negative")
        return minus is not None and test(site, site.maker(minus.inputs[0]))
    gap = site.made_by(site.operand(), "subtract") if site.kind in _LOGS else None
    is_rest = gap is not None and _is_literal(gap.inputs[0], 1)
    return gap is not None and is_rest and test(site, site.maker(gap.inputs[1]))


def log_of_rest_of_sigmoid(site: Site) -> bool:
    return log_of_one_minus(site, _is_sigmoid)


def log_of_rest(site: Site) -> bool:
    return log_of_one_minus(site, lambda site, eqn: True)


def log_times_itself(site: Site) -> bool:
    """x log(x)."""
    product = site.used_by("multiply") if site.kind in _LOGS else None
    own = site.origin(site.operand())
    return product is not None and any(site.origin(atom) is own for atom in product.inputs)


def log_of_product(site: Site) -> bool:
    return site.kind in _LOGS and site.made_by(site.operand(), "prod", "cumprod") is not None


def log_at_edge(site: Site) -> bool:
    if site.kind not in {*_LOGS, "log1p"}:
        return False
    edge = -1 if site.kind == "log1p" else 0
    return not _holds(site, site.operand(), lambda x: x < edge)


def log_of_negative(site: Site) -> bool:
    return site.kind in {*_LOGS, "log1p"}


def softplus(site: Site) -> bool:
    """log(1 + e^x)."""
    if site.kind != "exp":
        return False
    if site.used_by("log1p") is not None:
        return True
    total = site.used_by("add")
    return (
        total is not None
        and _plus_one(site, total) is not None
        and site.used_by("log", var=total.outputs[0]) is not None
    )


def logistic(site: Site) -> bool:
    """1 / (1 + e^-x)."""
    total = site.used_by("add") if site.kind == "exp" else None
    if total is None or _plus_one(site, total) is None:
        return False
    return site.used_by("divide", "reciprocal", "power", var=total.outputs[0]) is not None


def softmax(site: Site) -> bool:
    return site.kind == "exp" and any(_is_softmax(site, eqn) for eqn in site.users())


def logsumexp(site: Site) -> bool:
    total = site.used_by("sum") if site.kind == "exp" else None
    return total is not None and site.used_by("log", var=total.outputs[0]) is not None


def tanh(site: Site) -> bool:
    """(e^x - e^-x) / (e^x + e^-x)."""
    if site.kind != "exp":
        return False
    gap, total = site.used_by("subtract"), site.used_by("add")
    if gap is None or total is None:
        return False
    return any(
        eqn.primitive.name == "divide" and site.maker(eqn.inputs[0]) is gap
        for eqn in site.users(total.outputs[0])
    )


def exp(site: Site) -> bool:
    return site.kind in ("exp", "exp2", "expm1", "sinh", "cosh")


def variance(site: Site) -> bool:
    """√(mean(x²) - mean(x)²), which rounding makes negative."""
    if site.kind in ("sqrt", "rsqrt", *_LOGS):
        return _is_difference_of_moments(site, site.operand())
    if site.kind == "power":
        return _is_difference_of_moments(site, site.operand())
    return site.kind == "divide" and _is_difference_of_moments(site, site.operand(1))


def norm_at_zero(site: Site) -> bool:
    if site.kind in ("sqrt", "rsqrt", "power"):
        return _is_sum_of_squares(site, site.maker(site.operand()))
    return site.kind in _NORMS and site.is_backward


def root_of_negative(site: Site) -> bool:
    return site.kind in ("sqrt", "rsqrt") and _holds(site, site.operand(), lambda x: x < 0)


def root_at_zero(site: Site) -> bool:
    return site.kind in ("sqrt", "rsqrt", "cbrt")


def by_norm(site: Site) -> bool:
    return site.kind == "divide" and _is_norm(site, site.operand(1))


def by_itself(site: Site) -> bool:
    """x / x at 0."""
    if site.kind != "divide":
        return False
    return site.origin(site.operand(0)) is site.origin(site.operand(1))


def by_zero(site: Site) -> bool:
    if site.kind == "reciprocal":
        return True
    return site.kind in ("divide", "remainder", "fmod", "floor_divide") and _holds(
        site, site.operand(1), lambda x: x == 0
    )


def power_of_negative(site: Site) -> bool:
    return site.kind == "power" and _holds(site, site.operand(), lambda x: x < 0)


def power_of_zero(site: Site) -> bool:
    return site.kind == "power" and _holds(site, site.operand(), lambda x: x == 0)


def inverse_at_edge(site: Site) -> bool:
    return site.kind in ("arcsin", "arccos", "arctanh", "arccosh", "erfinv")


def masked_row(site: Site) -> bool:
    """-inf - (-inf): a softmax of a row in which everything is masked."""
    if site.kind != "subtract":
        return False
    return site.made_by(site.operand(1), "max", "stop_gradient") is not None and _holds(
        site, site.operand(1), np.isinf
    )


def grown(site: Site) -> bool:
    kinds = ("multiply", "square", "matmul", "sum", "add", "subtract", "power", "einsum", "prod")
    return site.kind in kinds
