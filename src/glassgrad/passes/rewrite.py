"""Stable patterns and readable forms: what a textbook writes for what the chain rule gives.

Layer L5. Two tables of laws. `READABLE` keeps every bit (a mask needs no cast beside floats). `STABLE`
changes the last digits: each law states its formula and a tolerance, in units of eps times the largest
element of the result, and a test holds it to that. Only printed source uses these laws; eager
values and `run()` never do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from glassgrad.config import config
from glassgrad.core.aval import Aval
from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.graph.verify import verify
from glassgrad.passes.common import rename
from glassgrad.passes.dead import remove_dead
from glassgrad.primitives.activation import log_softmax_p
from glassgrad.primitives.along import unpick_p
from glassgrad.primitives.arithmetic import (
    add,
    divide,
    equal,
    multiply,
    negative,
    reciprocal,
    stop_gradient,
    subtract,
)
from glassgrad.primitives.layout import astype_p, broadcast_to_p, expand_dims_p, sum_p
from glassgrad.primitives.transcendental import exp, expm1, sigmoid

_ROUNDS = 8  # a law can make room for another; chains longer than this were never seen
_SHORT = 4  # decimals of a factor that a person may have written
_FACTORS = (1, -1, 2, -2, 0.5, -0.5, 3, -3, 4, -4)


@dataclass(frozen=True)
class Law:
    """`law(eqn, site)` gives what stands for the result of `eqn`, or None where it does not apply.

    name:      what the law is called
    formula:   left side = right side
    tolerance: in units of eps times the largest element of the result; 0 keeps every bit
    """

    name: str
    formula: str
    records: tuple[Primitive, ...]
    apply: Callable[[Eqn, Site], Atom | None]
    tolerance: float = 0.0


@dataclass(frozen=True)
class Rewriting:
    """The graph after the laws, the stable ones that were used, and names for what they made."""

    graph: Graph
    used: tuple[Law, ...] = ()
    names: Mapping[Var, str] = field(default_factory=dict)
    sites: Mapping[Var, Law] = field(default_factory=dict)  # by the value that a stable law wrote


def rewrite(graph: Graph, laws: Sequence[Law]) -> Rewriting:
    """Apply `laws` until none applies any more.

    >>> from glassgrad.graph.trace import trace
    >>> graph = trace(lambda x, y: (x / y).sum(), np.ones(3), np.ones(3)).gradients("x")
    >>> print(rewrite(graph, STABLE).graph)
    f(x: float64[3], y: float64[3]):
      t1: float64[3] = divide x y
      t2: float64[] = sum t1 axis=None keepdims=False
      # backward
      dx: float64[3] = divide np.float64(1.0) y
      return t2, dx
    """
    names: dict[Var, str] = {}
    sites: dict[Var, Law] = {}
    for _ in range(_ROUNDS):
        site = Site(graph, names)
        for eqn in graph.eqns:
            site.visit(eqn, laws)
        graph = remove_dead(site.graph())
        if config.verify:
            verify(graph)
        if not site.used:
            break
        sites.update(site.used)
    written = {var for eqn in graph.eqns for var in eqn.outputs}
    found = {var: law for var, law in sites.items() if law.tolerance and var in written}
    used = tuple(law for law in laws if any(law is other for other in sites.values()))
    return Rewriting(graph, tuple(law for law in used if law.tolerance), names, found)


class Site:
    """One pass over a graph: the equations kept so far, and how to add others."""

    def __init__(self, graph: Graph, names: dict[Var, str]) -> None:
        self.before = graph
        self.names = names
        self.made: dict[Var, Eqn] = {}
        self.used: dict[Var, Law] = {}
        self.consts: dict[Any, tuple[Var, Any]] = {
            (names[var], value.shape[0]): (var, value)
            for var, value in graph.consts
            if var in names
        }
        self.divisors = tuple(_divisors(graph))
        self._kept: list[Eqn] = []
        self._alias: dict[Var, Atom] = {}

    def visit(self, eqn: Eqn, laws: Sequence[Law]) -> None:
        """Keep an equation, or what the first law that applies puts in its place."""
        inputs = tuple(rename(atom, self._alias) for atom in eqn.inputs)
        current = eqn if inputs == eqn.inputs else replace(eqn, inputs=inputs)
        for law in laws:
            if current.primitive not in law.records or len(current.outputs) != 1:
                continue
            found = law.apply(current, self)
            if found is not None:
                self.used[eqn.outputs[0]] = law
                if found is not eqn.outputs[0]:
                    self._alias[eqn.outputs[0]] = found
                return
        self._keep(current)

    def graph(self) -> Graph:
        known = {id(var) for var, _ in self.before.consts}
        added = tuple(row for row in self.consts.values() if id(row[0]) not in known)
        outputs = tuple(rename(atom, self._alias) for atom in self.before.outputs)
        consts = self.before.consts + added
        return replace(self.before, eqns=tuple(self._kept), consts=consts, outputs=outputs)

    def maker(self, atom: Atom, record: Primitive) -> Eqn | None:
        """The equation that made `atom`, if it is one of `record`."""
        eqn = self.made.get(atom) if isinstance(atom, Var) else None
        return eqn if eqn is not None and eqn.primitive is record else None

    def bind(
        self, eqn: Eqn, record: Primitive, *inputs: Atom, name: str = "", **params: Any
    ) -> Var:
        """A new equation in the place of `eqn`."""
        var = Var(record.infer_avals(*(atom.aval for atom in inputs), **params))
        if name:
            self.names[var] = name
        self._keep(replace(eqn, primitive=record, inputs=inputs, outputs=(var,), params=params))
        return var

    def put(self, eqn: Eqn, record: Primitive, *inputs: Atom, **params: Any) -> Var | None:
        """The equation that takes the place of `eqn`; None where shape or dtype would change."""
        (out,) = eqn.outputs
        aval = record.infer_avals(*(atom.aval for atom in inputs), **params)
        if (aval.shape, aval.dtype) != (out.shape, out.dtype):
            return None
        self._keep(replace(eqn, primitive=record, inputs=inputs, params=params))
        return out

    def call(self, var: Var, name: str) -> None:
        """Name a value that has no name."""
        if not var.name:
            self.names[var] = name

    def counting(self, size: int, name: str) -> Var:
        """The constant 0, 1, ..., size - 1."""
        key = (name, size)
        if key not in self.consts:
            var = Var(Aval((size,), np.dtype(np.int64)))
            self.consts[key] = var, np.arange(size)
            self.names[var] = name
        return self.consts[key][0]

    def _keep(self, eqn: Eqn) -> None:
        self._kept.append(eqn)
        self.made.update((var, eqn) for var in eqn.outputs)


# --- matching ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Of:
    """A pattern: a result of `record`; operands are patterns, or words that capture an atom."""

    record: Primitive
    operands: tuple[Of | str, ...]
    name: str = ""


def of(record: Primitive, *operands: Of | str, name: str = "") -> Of:
    return Of(record, operands, name)


def match(site: Site, eqn: Eqn, pattern: Of) -> dict[str, Any] | None:
    """What the words of `pattern` stand for in `eqn`; one word is one atom."""
    found: dict[str, Any] = {}
    return found if _fits(site, eqn, pattern, found) else None


def _fits(site: Site, eqn: Eqn | None, pattern: Of, found: dict[str, Any]) -> bool:
    if eqn is None or eqn.primitive is not pattern.record:
        return False
    if pattern.name and not _same(found.setdefault(pattern.name, eqn.outputs[0]), eqn.outputs[0]):
        return False
    for atom, operand in zip(eqn.inputs, pattern.operands, strict=True):
        if isinstance(operand, str):
            fits = _same(found.setdefault(operand, atom), atom)
        else:
            fits = _fits(site, site.maker(atom, operand.record), operand, found)
        if not fits:
            return False
    return True


def _same(one: Atom, two: Atom) -> bool:
    return one is two or (isinstance(one, Literal) and one == two)


def _is_backward(eqn: Eqn) -> bool:
    return eqn.derives is not None


def _is_inside(eqn: Eqn) -> bool:
    """Whether an equation was written by the library, not by the user."""
    return _is_backward(eqn) or bool(eqn.region)


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


def _late_broadcast(eqn: Eqn, site: Site) -> Atom | None:
    spread = site.maker(eqn.inputs[0], broadcast_to_p)
    if spread is None or not isinstance(spread.inputs[0], Literal) or not _is_backward(eqn):
        return None
    (literal,) = spread.inputs
    value = -literal.value if eqn.primitive is negative else literal.value
    return site.put(eqn, broadcast_to_p, Literal(value), shape=eqn.outputs[0].shape)


# --- laws that change the last digits ----------------------------------------------------


def _quotient(eqn: Eqn, site: Site) -> Atom | None:
    for x, atom in (eqn.inputs, eqn.inputs[::-1]):
        inverse = site.maker(atom, reciprocal)
        if inverse is not None and _is_backward(inverse):
            return site.put(eqn, divide, x, inverse.inputs[0])
    return None


def _mean_factor(eqn: Eqn, site: Site) -> Atom | None:
    if not _is_backward(eqn):
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
        if c not in _FACTORS or type(factor)(c / m) != factor or (is_short and abs(c) != 1):
            continue
        top: Atom = x
        if c == -1:
            top = site.bind(eqn, negative, x)
        elif c != 1:
            top = site.bind(eqn, multiply, Literal(int(c) if c == int(c) else c), x)
        return site.put(eqn, divide, top, Literal(m))
    return None


def _divisors(graph: Graph) -> Iterator[int]:
    """Counts by which the forward pass divides, and products of two of them, small ones first."""
    counts = {
        int(eqn.inputs[1].value)
        for eqn in graph.eqns
        if eqn.primitive is divide and eqn.derives is None and isinstance(eqn.inputs[1], Literal)
        if eqn.inputs[1].value > 1 and float(eqn.inputs[1].value).is_integer()
    }
    yield from sorted(counts)
    yield from sorted({a * b for a, b in combinations_with_replacement(sorted(counts)[:8], 2)})


_LOG_SOFTMAX_PULL = of(
    subtract,
    of(multiply, of(exp, "log_p"), of(subtract, "ct", of(sum_p, "ct", name="total"))),
    of(multiply, of(expm1, "log_p"), "ct"),
)


def _log_softmax_pull(eqn: Eqn, site: Site) -> dict[str, Any] | None:
    """The parts of the derived gradient of log-softmax."""
    found = match(site, eqn, _LOG_SOFTMAX_PULL)
    if found is None or not _is_backward(eqn) or site.maker(found["log_p"], log_softmax_p) is None:
        return None
    return found if site.made[found["total"]].params["keepdims"] else None


def _class_gradient(eqn: Eqn, site: Site) -> Atom | None:
    found = _log_softmax_pull(eqn, site)
    placed = site.maker(found["ct"], unpick_p) if found else None
    if found is None or placed is None:
        return None
    share, labels = placed.inputs
    site.call(found["log_p"], "log_p")
    p = site.bind(eqn, exp, found["log_p"], name="p")
    column = site.bind(eqn, expand_dims_p, labels, axis=(1,))
    classes = site.counting(placed.params["k"], "classes")
    onehot = site.bind(eqn, equal, column, classes, name="onehot")
    gap = site.bind(eqn, subtract, p, onehot)
    weight = _negated(eqn, site, share)
    if isinstance(weight, Literal):
        divided = _divided(eqn, site, gap, weight.value)
        return divided or site.put(eqn, multiply, gap, weight)
    return site.put(eqn, multiply, gap, site.bind(eqn, expand_dims_p, weight, axis=(1,)))


def _negated(eqn: Eqn, site: Site, x: Atom) -> Atom:
    """-x, in the plainest form."""
    spread, minus = site.maker(x, broadcast_to_p), site.maker(x, negative)
    if spread is not None and isinstance(spread.inputs[0], Literal):
        return Literal(-spread.inputs[0].value)
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
    if found is None or made is None or not _is_backward(eqn):
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
    if found is None or found["one"] != Literal(1) or not _is_backward(eqn):
        return None
    p = site.bind(eqn, sigmoid, found["z"], name="p")
    return site.put(eqn, divide, site.bind(eqn, subtract, p, found["t"]), found["m"])


# --- the tables --------------------------------------------------------------------------

_BINARY = (add, subtract, multiply, divide)

READABLE: tuple[Law, ...] = (
    Law("constant", "stop_gradient(x) = x", (stop_gradient,), _constant_of_gradients),
    Law("mask", "x * mask.astype(dtype of x) = x * mask", _BINARY, _uncast_mask),
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
)
