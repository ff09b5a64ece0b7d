"""The formula of an equation, of its local derivatives, and of a whole graph.

Layer L8. A local derivative is what the record's own rule gives when it is run on symbols; no
derivative is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

from glassgrad.autodiff import rules
from glassgrad.core.aval import is_float
from glassgrad.core.interpret import new_level
from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.graph.pretty import Names
from glassgrad.graph.trace import GraphTrace
from glassgrad.view.formulas import notation as n
from glassgrad.view.formulas.arrays import applied
from glassgrad.view.formulas.expressions import Line, Writer, aligned
from glassgrad.view.formulas.notation import Math
from glassgrad.view.formulas.scalars import bracketed


class NamesOf(Protocol):
    """The shown name of each value: a dictionary, or `graph.pretty.Names`."""

    def __getitem__(self, var: Var, /) -> str: ...


Numbers = Mapping[Var, Any]


# --- one equation ------------------------------------------------------------------------


def equation(
    eqn: Eqn, names: NamesOf, numbers: Numbers | None = None, precision: int | None = None
) -> Math:
    """`f = 1 / denominator`, with `= 1 / 1.37` behind it where there are numbers."""
    shown = _Shown(names, None, precision)
    left = n.listed([shown(var) for var in eqn.outputs])
    right = applied(eqn, [shown(atom) for atom in eqn.inputs])
    if not _has_all(numbers, eqn.inputs):
        return n.equals(left, right)
    put_in = _Shown(names, numbers, precision)
    parts = [left, n.sign("="), right, n.sign("=")]
    parts.append(applied(eqn, [put_in(atom) for atom in eqn.inputs]))
    if _has_all(numbers, eqn.outputs):
        parts += [n.sign("="), n.listed([put_in(var) for var in eqn.outputs])]
    return n.row(*parts, rank=n.RELATION)


def local_derivative(
    eqn: Eqn,
    operand: int,
    names: NamesOf,
    numbers: Numbers | None = None,
    precision: int | None = None,
) -> Math:
    """The local derivative by one operand, by the record's rule.

    An elementwise operation has a derivative for each element, ∂f/∂x = ...; any other one says
    what it sends back for the gradient of its result: dW = xᵀ dy.
    """
    traced = trace_local(eqn, operand)
    shown = _Shown(names, None, precision)
    left = _left_side(eqn, operand, shown)
    lines = _lines_of(traced, eqn, shown, shown.gradient, left)
    if not traced.is_partial or not _has_all(numbers, (*eqn.inputs, *eqn.outputs)):
        return aligned(lines)
    with_numbers = _Shown(names, numbers, precision)
    put_in = _lines_of(traced, eqn, with_numbers, shown.gradient, left)
    if len(put_in) != 1 or put_in[0] == lines[-1]:
        return aligned(lines)
    first, last = lines[-1]
    return aligned([*lines[:-1], (first, n.row(last, n.sign("="), put_in[0][1]))])


def partial(eqn: Eqn, operand: int, written: Callable[[Atom], Math]) -> Math | None:
    """The right-hand side alone, of an elementwise operation if it is one expression."""
    if not isinstance(eqn.primitive, Elementwise):
        return None
    lines = _lines_of(trace_local(eqn, operand), eqn, written, written, n.SPACE)
    return lines[0][1] if len(lines) == 1 else None


class _Shown:
    """How an atom is written: by its name, or by its number."""

    def __init__(self, names: NamesOf, numbers: Numbers | None, precision: int | None) -> None:
        self.names = names
        self.numbers = numbers or {}
        self.precision = precision

    def __call__(self, atom: Atom) -> Math:
        if isinstance(atom, Literal):
            return n.numeral(atom.value)
        if atom in self.numbers:
            return n.numeral(self.numbers[atom], self.precision)
        return n.name(self.names[atom])

    def gradient(self, atom: Atom) -> Math:
        return n.name(f"d{self.names[atom]}") if isinstance(atom, Var) else n.word("d")


def _has_all(numbers: Numbers | None, atoms: Sequence[Atom]) -> bool:
    return numbers is not None and all(
        isinstance(atom, Literal) or atom in numbers for atom in atoms
    )


# --- local derivatives -------------------------------------------------------------------


@dataclass(frozen=True)
class Local:
    """The rule of one operand, recorded on symbols.

    inputs, outs, cts: the variables that stand for the equation's operands, results, and the
    gradients of its results; `graph` has one output, or none where nothing comes back.
    """

    graph: Graph
    inputs: tuple[Atom, ...]
    outs: tuple[Var, ...]
    cts: tuple[Var, ...]
    is_partial: bool


def trace_local(eqn: Eqn, operand: int) -> Local:
    """Run the record's rule for one operand on symbols and keep what it computes."""
    with new_level() as level:
        trace = GraphTrace(level)
        inputs = [
            x.value if isinstance(x, Literal) else trace.new_input(x.aval) for x in eqn.inputs
        ]
        outs = [trace.new_input(var.aval) for var in eqn.outputs]
        is_partial = isinstance(eqn.primitive, Elementwise)
        if isinstance(eqn.primitive, Elementwise):
            cts = []
            found = rules.local_partial(eqn.primitive, operand, outs[0], inputs)
        else:
            cts = [trace.new_input(v.aval) if is_float(v.dtype) else None for v in eqn.outputs]
            needed = [i == operand for i in range(len(inputs))]
            moves = any(ct is not None for ct in cts)
            results = rules.pull(eqn.primitive, cts, outs, inputs, eqn.all_params, needed)
            found = results[operand] if moves else None
        variables = [trace.atom(x) for x in (*inputs, *outs, *(ct for ct in cts if ct is not None))]
        graph = Graph(
            inputs=tuple(v for v in variables if isinstance(v, Var)),
            outputs=() if found is None else (trace.atom(found),),
            eqns=tuple(trace.eqns),
            consts=tuple(trace.consts.values()),
        )
        atoms = tuple(map(trace.atom, inputs))
    return Local(graph.transform("exact"), atoms, _symbols(outs), _symbols(cts), is_partial)


def _symbols(tracers: Sequence[Any]) -> tuple[Var, ...]:
    return tuple(tracer.symbol for tracer in tracers if tracer is not None)


def _left_side(eqn: Eqn, operand: int, shown: _Shown) -> Math:
    if not isinstance(eqn.primitive, Elementwise):
        return shown.gradient(eqn.inputs[operand])
    above, below = (
        n.row(n.sign("∂"), shown(atom)) for atom in (eqn.outputs[0], eqn.inputs[operand])
    )
    return n.divide(above, below)


def _lines_of(
    local: Local,
    eqn: Eqn,
    shown: Callable[[Atom], Math],
    gradient: Callable[[Atom], Math],
    left: Math,
) -> list[Line]:
    symbols, atoms = (*local.inputs, *local.outs), (*eqn.inputs, *eqn.outputs)
    pairs = zip(symbols, atoms, strict=True)
    known = {symbol: shown(atom) for symbol, atom in pairs if isinstance(symbol, Var)}
    moving = [var for var in eqn.outputs if is_float(var.dtype)]
    known.update(zip(local.cts, map(gradient, moving), strict=False))
    writer = Writer(local.graph, known, lambda var: False, _fresh_names(), local.is_partial)
    writer.write()
    right = writer.of(local.graph.outputs[0]) if local.graph.outputs else n.numeral(0)
    return [*writer.lines, (left, bracketed(right))]


def _fresh_names() -> Callable[[Var], Math]:
    numbers = count(1)
    made: dict[Var, Math] = {}

    def name_of(var: Var) -> Math:
        if var not in made:
            made[var] = n.name(f"u{next(numbers)}")
        return made[var]

    return name_of


# --- a whole graph -----------------------------------------------------------------------


def graph_lines(graph: Graph) -> list[Line]:
    """The equations of a graph; values without a name of the user's are put in place."""
    names = Names(graph)
    known = {var: n.name(names[var]) for var in graph.inputs}
    outputs = set(graph.outputs)
    taken = {names[var] for var in graph.variables()}

    def name_of(var: Var) -> Math:
        is_result = var is graph.outputs[0] and not var.name and graph.name not in taken
        return n.name(graph.name if is_result else names[var])

    writer = Writer(graph, known, lambda v: bool(v.name) or v in outputs, name_of)
    writer.write()
    return writer.lines
