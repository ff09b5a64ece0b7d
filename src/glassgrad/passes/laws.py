"""The laws by which printed source is rewritten, in two tables.

Layer L5. `READABLE` keeps every bit: a mask needs no cast beside floats. `STABLE` changes the last
digits: each law states its formula and a tolerance, in units of eps times the largest value that it
works on, and a test holds it to that. The short forms of
functions, which `forms.py` has, come behind these.

Long because the laws stand in one ordered table, each beside its pattern.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np

from glassgrad.core.aval import is_float
from glassgrad.graph.ir import Atom, Eqn, Literal, Var
from glassgrad.passes.rewrite import Law, Site, match, of
from glassgrad.primitives.activation import log_softmax_p
from glassgrad.primitives.along import unpick_p
from glassgrad.primitives.arithmetic import (
    add,
    divide,
    equal,
    multiply,
    negative,
    power,
    reciprocal,
    stop_gradient,
    subtract,
    where,
)
from glassgrad.primitives.index import add_at_p
from glassgrad.primitives.layout import astype_p, broadcast_to_p, expand_dims_p, sum_p
from glassgrad.primitives.reduce import max_p
from glassgrad.primitives.transcendental import (
    exp,
    expm1,
    log,
    logistic_density,
    sech_squared,
    sigmoid,
    tanh,
)

_SHORT = 4  # decimals of a factor that a person may have written
FACTORS = (1, -1, 2, -2, 0.5, -0.5, 3, -3, 4, -4)


def is_backward(eqn: Eqn) -> bool:
    return eqn.derives is not None


def _is_inside(eqn: Eqn) -> bool:
    """Whether an equation was written by the library, not by the user."""
    return is_backward(eqn) or bool(eqn.region)


# --- laws that keep every bit ------------------------------------------------------------


def _constant_of_gradients(eqn: Eqn, site: Site) -> Atom | None:
    return eqn.inputs[0]


def _uncast_mask(eqn: Eqn, site: Site) -> Atom | None:
    """In one ufunc of two operands NumPy turns a mask into 0.0 and 1.0 itself."""
    if not _is_inside(eqn):
        return None
    for i, atom in enumerate(eqn.inputs):
        cast = site.maker(atom, astype_p)
        other = eqn.inputs[1 - i].aval
        if cast is None or cast.inputs[0].aval.dtype != np.bool_ or other.weak:
            continue
        if other.dtype == cast.params["dtype"]:
            inputs = (*eqn.inputs[:i], cast.inputs[0], *eqn.inputs[i + 1 :])
            return site.put(eqn, eqn.primitive, *inputs)
    return None


def _minus(eqn: Eqn, site: Site) -> Atom | None:
    for x, atom in (eqn.inputs, eqn.inputs[::-1]):
        value = atom.value if isinstance(atom, Literal) else None
        if value == -1 and isinstance(x, Var) and is_backward(eqn):
            return site.put(eqn, negative, x)
    return None


def _twice(eqn: Eqn, site: Site) -> Atom | None:
    """The two equal parts of the gradient of x * x; doubling never rounds."""
    x, other = eqn.inputs
    if x is not other or not is_backward(eqn) or not is_float(eqn.outputs[0].dtype):
        return None
    return site.put(eqn, multiply, Literal(2), x)


def _two_signs(eqn: Eqn, site: Site) -> Atom | None:
    inner = site.maker(eqn.inputs[0], divide)
    first = site.maker(inner.inputs[0], negative) if inner is not None else None
    if inner is None or first is None or not is_backward(inner) or not is_backward(first):
        return None
    return site.put(eqn, divide, first.inputs[0], inner.inputs[1])


def _cast_number(eqn: Eqn, site: Site) -> Atom | None:
    (x,) = eqn.inputs
    if not isinstance(x, Literal) or not isinstance(x.value, np.generic):
        return None
    return Literal(eqn.params["dtype"].type(x.value))


def _late_broadcast(eqn: Eqn, site: Site) -> Atom | None:
    spread = site.maker(eqn.inputs[0], broadcast_to_p)
    literal = spread.inputs[0] if spread is not None else None
    if not isinstance(literal, Literal) or not is_backward(eqn):
        return None
    value = -literal.value if eqn.primitive is negative else literal.value
    return site.put(eqn, broadcast_to_p, Literal(value), shape=eqn.outputs[0].shape)


_ROWS_AND_LABELS = (("array", 0), ("array", 1))


def _one_place_a_row(eqn: Eqn, site: Site) -> Atom | None:
    """The gradient of x[rows, labels], where rows counts them: nothing has to be added up."""
    shape = eqn.params["shape"]
    if eqn.params["index"] != _ROWS_AND_LABELS or len(shape) != 2:  # noqa: PLR2004 - a matrix
        return None
    x, rows, labels = eqn.inputs
    value = next((value for var, value in site.before.consts if var is rows), None)
    if value is None or not np.array_equal(value, np.arange(shape[0])):
        return None
    if labels.aval.shape != value.shape or x.aval.shape not in ((), value.shape):
        return None
    return site.put(eqn, unpick_p, x, labels, k=shape[1])


# --- laws that change the last digits ----------------------------------------------------


def _quotient(eqn: Eqn, site: Site) -> Atom | None:
    for x, atom in (eqn.inputs, eqn.inputs[::-1]):
        inverse = site.maker(atom, reciprocal)
        if inverse is not None and is_backward(inverse):
            return site.put(eqn, divide, x, inverse.inputs[0])
    return None


def _mean_factor(eqn: Eqn, site: Site) -> Atom | None:
    if not is_backward(eqn):
        return None
    for x, atom in (eqn.inputs, eqn.inputs[::-1]):
        if isinstance(atom, Literal) and isinstance(x, Var):
            return _divided(eqn, site, x, atom.value)
    return None


def _divided(eqn: Eqn, site: Site, x: Var, factor: Any) -> Atom | None:
    """x * factor as c * x / m, where m divides in the forward pass."""
    is_short = round(float(factor), _SHORT) == factor  # 0.02: a person may have written it
    for m in site.divisors:
        c = round(float(factor) * m, _SHORT)
        if c not in FACTORS or type(factor)(c / m) != factor or (is_short and abs(c) != 1):
            continue
        top: Atom = x
        if c == -1:
            top = site.bind(eqn, negative, x)
        elif c != 1:
            top = site.bind(eqn, multiply, Literal(int(c) if c == int(c) else c), x)
        return site.put(eqn, divide, top, Literal(m))
    return None


_LOG_SOFTMAX_PULL = of(
    subtract,
    of(multiply, of(exp, "log_p"), of(subtract, "ct", of(sum_p, "ct", name="total"))),
    of(multiply, of(expm1, "log_p"), "ct"),
)


def _log_softmax_pull(eqn: Eqn, site: Site) -> dict[str, Any] | None:
    """The parts of the derived gradient of log-softmax."""
    found = match(site, eqn, _LOG_SOFTMAX_PULL)
    if found is None or not is_backward(eqn) or site.maker(found["log_p"], log_softmax_p) is None:
        return None
    return found if site.made[found["total"]].params["keepdims"] else None


def _class_gradient(eqn: Eqn, site: Site) -> Atom | None:
    found = _log_softmax_pull(eqn, site)
    placed = site.maker(found["ct"], unpick_p) if found else None
    if found is None or placed is None:
        return None
    return _minus_onehot(eqn, site, found["log_p"], placed)


def _minus_onehot(eqn: Eqn, site: Site, log_p: Var, placed: Eqn) -> Atom | None:
    """(p - onehot) times the share of each row."""
    share, labels = placed.inputs
    site.call(log_p, "log_p")
    p = site.bind(eqn, exp, log_p, name="p")
    column = site.bind(eqn, expand_dims_p, labels, axis=(1,))
    classes = site.counting(placed.params["k"], "classes")
    onehot = site.bind(eqn, equal, column, classes, name="onehot")
    gap = site.bind(eqn, subtract, p, onehot)
    weight = _negated(eqn, site, share)
    if isinstance(weight, Literal):
        divided = _divided(eqn, site, gap, weight.value)
        return divided or site.put(eqn, multiply, gap, weight)
    if weight.shape:
        weight = site.bind(eqn, expand_dims_p, weight, axis=(1,))
    return site.put(eqn, multiply, gap, weight)


_WRITTEN_OUT_PULL = of(
    add, "ct", of(multiply, of(divide, of(sum_p, of(negative, "ct"), name="total"), "sum"), "e")
)


def _written_out_class_gradient(eqn: Eqn, site: Site) -> Atom | None:
    """The same where the user wrote log-softmax out: z - log(sum(exp(z)))."""
    found = match(site, eqn, _WRITTEN_OUT_PULL)
    placed = site.maker(found["ct"], unpick_p) if found else None
    total = site.maker(found["sum"], sum_p) if found else None
    e = site.maker(found["e"], exp) if found else None
    if found is None or placed is None or total is None or e is None or not is_backward(eqn):
        return None
    log_p = site.value_of(subtract, e.inputs[0], site.value_of(log, found["sum"]))
    if total.inputs[0] is not found["e"] or not total.params["keepdims"] or log_p is None:
        return None
    return _minus_onehot(eqn, site, log_p, placed)


_SHIFT_PULL = of(
    add,
    "d",
    of(where, of(equal, "z", "m"), of(divide, of(sum_p, of(negative, "d")), "count"), "rest"),
)


def _shift(eqn: Eqn, site: Site) -> Atom | None:
    """Nothing comes back through the maximum taken off: each row of p - onehot sums to 0."""
    found = match(site, eqn, _SHIFT_PULL)
    law = site.used.get(found["d"]) if found else None
    is_share = law is not None and law.apply is _written_out_class_gradient
    return found["d"] if found and is_share and site.maker(found["m"], max_p) else None


def _negated(eqn: Eqn, site: Site, x: Atom) -> Atom:
    """-x, in the plainest form."""
    spread, minus = site.maker(x, broadcast_to_p), site.maker(x, negative)
    number = x if spread is None else spread.inputs[0]
    if isinstance(number, Literal):
        return Literal(-number.value)
    for var, value in site.before.consts:
        if var is x and value.size and (value == value.flat[0]).all():
            return Literal(-value.flat[0])
    return minus.inputs[0] if minus is not None else site.bind(eqn, negative, x)


def _softmax_share(eqn: Eqn, site: Site) -> Atom | None:
    found = _log_softmax_pull(eqn, site)
    if found is None:
        return None
    site.call(found["log_p"], "log_p")
    p = site.bind(eqn, exp, found["log_p"])
    return site.put(eqn, subtract, found["ct"], site.bind(eqn, multiply, p, found["total"]))


_Y = of(divide, of(negative, "y"), "total")
_SOFTMAX_PULL = of(
    multiply,
    of(add, of(divide, "ct", "total"), of(sum_p, of(multiply, "ct", _Y), name="shift")),
    "powers",
)


def _softmax_gradient(eqn: Eqn, site: Site) -> Atom | None:
    found = match(site, eqn, _SOFTMAX_PULL)
    made = site.maker(found["y"], divide) if found else None
    if found is None or made is None or not is_backward(eqn):
        return None
    summed = site.maker(found["total"], sum_p)
    shift = site.made[found["shift"]]
    if made.inputs != (found["powers"], found["total"]) or summed is None:
        return None
    if summed.inputs[0] is not found["powers"] or dict(summed.params) != dict(shift.params):
        return None
    weighted = site.bind(eqn, multiply, found["ct"], found["y"])
    mean = site.bind(eqn, sum_p, weighted, **shift.params)
    gap = site.bind(eqn, subtract, found["ct"], mean)
    return site.put(eqn, multiply, found["y"], gap)


_LOGISTIC_PULL = of(
    add,
    of(multiply, of(divide, of(subtract, "one", "t"), "m"), of(sigmoid, "z")),
    of(negative, of(multiply, of(divide, "t", "m"), of(sigmoid, of(negative, "z")))),
)


def _logistic_gradient(eqn: Eqn, site: Site) -> Atom | None:
    found = match(site, eqn, _LOGISTIC_PULL)
    if found is None or found["one"] != Literal(1) or not is_backward(eqn):
        return None
    p = site.bind(eqn, sigmoid, found["z"], name="p")
    return site.put(eqn, divide, site.bind(eqn, subtract, p, found["t"]), found["m"])


def _tanh_slope(eqn: Eqn, site: Site) -> Atom | None:
    h = site.value_of(tanh, eqn.inputs[0])
    if h is None:
        return None
    return site.put(eqn, subtract, Literal(1), site.bind(eqn, power, h, Literal(2)))


def _sigmoid_slope(eqn: Eqn, site: Site) -> Atom | None:
    s = site.value_of(sigmoid, eqn.inputs[0])
    if s is None:
        return None
    return site.put(eqn, multiply, s, site.bind(eqn, subtract, Literal(1), s))


_SLOPE = of(multiply, "s", of(subtract, "one", "s"))


def _sigmoid_pull(eqn: Eqn, site: Site) -> Atom | None:
    """The factors in a row, as books write them."""
    for ct, atom in (eqn.inputs, eqn.inputs[::-1]):
        slope = site.maker(atom, multiply)
        found = match(site, slope, _SLOPE) if slope is not None else None
        if found is None or slope is None or slope.derives is not eqn.derives:
            continue
        if found["one"] == Literal(1) and is_backward(eqn):
            product = site.bind(eqn, multiply, ct, found["s"])
            return site.put(eqn, multiply, product, slope.inputs[1])
    return None


def _is_one(atom: Atom) -> bool:
    return isinstance(atom, Literal) and atom.value == 1


_RECIPROCAL_PULL = of(divide, of(negative, "s"), "d")
_WRITTEN_OUT = (
    of(multiply, of(multiply, "g", _RECIPROCAL_PULL), "e"),
    of(multiply, _RECIPROCAL_PULL, "e"),
)


def _written_out_sigmoid(eqn: Eqn, site: Site) -> Atom | None:
    """s = 1 / (1 + exp(z)) in one expression; a user who names its parts sees their gradients."""
    found = next(filter(None, (match(site, eqn, form) for form in _WRITTEN_OUT)), None)
    if found is None or not is_backward(eqn):
        return None
    s, total, e = found["s"], site.maker(found["d"], add), site.maker(found["e"], exp)
    quotient = site.maker(s, divide)
    if quotient is None or total is None or e is None or total.outputs[0].name or found["e"].name:
        return None
    if not _is_one(quotient.inputs[0]) or quotient.inputs[1] is not found["d"]:
        return None
    if found["e"] not in total.inputs or not any(map(_is_one, total.inputs)):
        return None
    factor = site.bind(eqn, multiply, found["g"], s) if "g" in found else s
    rest = site.bind(eqn, subtract, Literal(1), s)
    return site.put(eqn, negative, site.bind(eqn, multiply, factor, rest))


def _one_factor(eqn: Eqn, site: Site) -> Atom | None:
    """2 * (0.05 * x): a factor that people wrote, times a power of two, which does not round."""
    for c, atom in (eqn.inputs, eqn.inputs[::-1]):
        inner = site.maker(atom, multiply)
        if inner is None or not is_backward(eqn) or not is_backward(inner):
            continue
        for d, x in (inner.inputs, inner.inputs[::-1]):
            if inner.outputs[0].name or x.aval != eqn.outputs[0].aval:
                continue  # a gradient with a name is a step that readers look for
            if isinstance(x, Var) and _is_short(c) and _is_short(d):
                return _scaled(eqn, site, x, (c.value, d.value))
    return None


def _scaled(eqn: Eqn, site: Site, x: Var, factors: tuple[Any, Any]) -> Atom | None:
    """x times both factors, if one of them is a power of two and together they are not 1."""
    halves = [abs(float(np.frexp(float(factor))[0])) for factor in factors]
    product = factors[0] * factors[1]
    if 0.5 not in halves or product == 1:  # noqa: PLR2004 - the mantissa of a power of two
        return None
    return site.put(eqn, multiply, Literal(product), x)


def _is_short(atom: Atom) -> TypeGuard[Literal]:
    return isinstance(atom, Literal) and bool(round(float(atom.value), _SHORT) == atom.value != 0)


# --- the tables --------------------------------------------------------------------------

_BINARY = (add, subtract, multiply, divide)

READABLE: tuple[Law, ...] = (
    Law("constant", "stop_gradient(x) = x", (stop_gradient,), _constant_of_gradients),
    Law("mask", "x * mask.astype(dtype of x) = x * mask", _BINARY, _uncast_mask),
    Law("cast", "c.astype(dtype) = dtype(c)", (astype_p,), _cast_number),
    Law("minus", "-1 * x = -x", (multiply,), _minus),
    Law("twice", "x + x = 2 * x", (add,), _twice),
    Law("signs", "-(-x / y) = x / y", (negative,), _two_signs),
    Law("rows", "add_at(x, (0, 1, …), t) = unpick(x, t)", (add_at_p,), _one_place_a_row),
    Law("spread", "f(broadcast(c)) = broadcast(f(c))", (negative, expand_dims_p), _late_broadcast),
)
STABLE: tuple[Law, ...] = (
    Law("quotient", "x * (1 / y) = x / y", (multiply,), _quotient, 2),
    Law(
        "softmax with cross-entropy",
        "p (g - Σ g) - expm1(log p) g = (p - onehot) w, where g = -w onehot",
        (subtract,),
        _class_gradient,
        8,
    ),
    Law(
        "written-out softmax with cross-entropy",
        "g + Σ(-g) / Σe e = (p - onehot) w, where g = -w onehot and p = e / Σe",
        (add,),
        _written_out_class_gradient,
        8,
    ),
    Law("shift", "d + (-Σ d at the maximum) = d, where d = p - onehot", (add,), _shift, 8),
    Law(
        "log-softmax",
        "p (g - Σ g) - expm1(log p) g = g - p Σ g",
        (subtract,),
        _softmax_share,
        16,
    ),
    Law(
        "softmax",
        "(g / s + Σ g (-y / s)) e = y (g - Σ g y), where y = e / s",
        (multiply,),
        _softmax_gradient,
        16,
    ),
    Law(
        "sigmoid with cross-entropy",
        "(1 - t) / n σ(z) - t / n σ(-z) = (σ(z) - t) / n",
        (add,),
        _logistic_gradient,
        8,
    ),
    Law("mean", "x * (c / n) = c x / n", (multiply,), _mean_factor, 4),
    Law("tanh", "sech² x = 1 - tanh² x", (sech_squared,), _tanh_slope, 4),
    Law("sigmoid", "σ'(x) = s (1 - s), where s = σ(x)", (logistic_density,), _sigmoid_slope, 4),
    Law(
        "written-out sigmoid",
        "g (-s / d) e = -g s (1 - s), where s = 1 / d and d = 1 + e",
        (multiply,),
        _written_out_sigmoid,
        16,
    ),
    Law("factors", "g (s (1 - s)) = (g s) (1 - s)", (multiply,), _sigmoid_pull, 4),
    Law("one factor", "c * (d * x) = (c d) * x", (multiply,), _one_factor, 2),
)
