"""Operations -> the lines of one function.

Layer L6. A value that is used once, unnamed, in its own statement is written into the line that
uses it, as the user wrote it or as a book would; a line that would grow too long is cut. The
gradient of a fork is added up with `+=` where its first part is an array of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from glassgrad.backends.source import expressions
from glassgrad.backends.source.expressions import Tree, filled, printed
from glassgrad.backends.source.naming import Names
from glassgrad.backends.source.statements import layer_path
from glassgrad.core.primitive import Bilinear
from glassgrad.graph.ir import Atom, Eqn, Var
from glassgrad.primitives.along import add_along_axis_p, unpick_p
from glassgrad.primitives.arithmetic import add
from glassgrad.primitives.index import add_at_p, place_p

_WIDEST = {"forward": 76, "backward": 60, "update": 72}
_MOST_PARTS = {"forward": 24, "backward": 6, "update": 10}  # operations on one line
_FRESH = (place_p, add_at_p, add_along_axis_p, unpick_p)  # they write into zeros of their own


@dataclass(frozen=True, eq=False)
class Op:
    """One equation, or one call of a function that stands for several.

    template:  its text with placeholders
    statement: number of the user's statement that it belongs to
    section:   "forward", "backward" or "update"
    """

    template: str
    inputs: tuple[Atom, ...]
    outputs: tuple[Var, ...]
    statement: int
    section: str
    eqns: tuple[Eqn, ...]

    @property
    def place(self) -> tuple[Any, ...]:
        """What operations on one line have in common: section, statement and layer."""
        return self.section, self.statement, layer_path(self.eqns[0].region)

    @property
    def eqn(self) -> Eqn | None:
        """The equation that this is; None for a call."""
        return self.eqns[0] if len(self.eqns) == 1 else None


@dataclass(frozen=True, eq=False)
class Part:
    """An operation inside a line, with the operations written into it."""

    op: Op
    operands: tuple[Part | Atom, ...]
    tree: Tree

    def parts(self) -> list[Part]:
        """This and everything inside it, outermost first."""
        return [self, *(p for x in self.operands if isinstance(x, Part) for p in x.parts())]


@dataclass
class Line:
    """`targets = value`, and what is known about it."""

    targets: tuple[str, ...]
    value: Tree
    root: Part
    symbol: str = "="

    @property
    def text(self) -> str:
        eqn = self.root.op.eqn
        comma = "," if len(self.targets) == 1 and eqn is not None and eqn.primitive.multiple else ""
        return f"{', '.join(self.targets)}{comma} {self.symbol} {printed(self.value)}"

    @property
    def eqns(self) -> tuple[Eqn, ...]:
        """Every equation that it computes."""
        return tuple(eqn for part in self.root.parts() for eqn in part.op.eqns)

    @property
    def reads(self) -> set[str]:
        found = {node.id for node in ast.walk(self.value) if isinstance(node, ast.Name)}
        return found | set(self.targets) if self.symbol != "=" else found


@dataclass
class Scope:
    """What the lines of one function may refer to."""

    names: Names
    known: dict[Var, str] = field(default_factory=dict)  # values and what they are called
    trees: dict[Var, Tree] = field(default_factory=dict)  # values that are written in place
    wanted: Mapping[Var, str] = field(default_factory=dict)  # names for values yet to be made
    gradients: Mapping[Var, Var] = field(default_factory=dict)  # of values without a name
    fixed: frozenset[Var] = frozenset()  # constants


class Body:
    """Builds the lines of one function from its operations."""

    def __init__(self, ops: Sequence[Op], outputs: Sequence[Atom], scope: Scope) -> None:
        self.scope = scope
        self.lines: list[Line] = []
        self.makers = {var: op for op in ops for var in op.outputs}
        self.uses: dict[Var, list[Op | None]] = {}
        for op in ops:
            for atom in op.inputs:
                self._use(atom, op)
        for atom in outputs:
            self._use(atom, None)
        self.shared = self._forks(ops)
        self._inlined: dict[Var, int] = {}  # values written in place, and of how many operations
        for op in ops:
            self._place(op)

    def _use(self, atom: Atom, op: Op | None) -> None:
        if isinstance(atom, Var):
            self.uses.setdefault(atom, []).append(op)

    # --- what is written where -----------------------------------------------------------

    def _place(self, op: Op) -> None:
        """Decide where an operation is written; cut what has grown too long."""
        inner = self._inner(op)
        while inner and 1 + sum(self._inlined[var] for var in inner) > _MOST_PARTS[op.section]:
            self._cut(max(inner, key=self._inlined.__getitem__))
            inner = self._inner(op)
        if self._is_inline(op):
            is_view = expressions.is_view(op.template)
            self._inlined[op.outputs[0]] = sum(map(self._inlined.__getitem__, inner)) + (
                not is_view
            )
        else:
            self._write(op)

    def _inner(self, op: Op) -> list[Var]:
        """The operands that are written in place."""
        return [x for x in op.inputs if isinstance(x, Var) and x in self._inlined]

    def _is_inline(self, op: Op) -> bool:
        """Whether an operation may be written into the line that uses it."""
        eqn = op.eqn
        if len(op.outputs) != 1 or (eqn is not None and (eqn.graphs or eqn.primitive.multiple)):
            return False
        (var,) = op.outputs
        uses = self.uses.get(var, [])
        if self._wanted(var) or var in self.shared or None in uses:
            return False
        if expressions.is_view(op.template):
            return True
        user = uses[0] if len(uses) == 1 else None
        return user is not None and user.place == op.place

    def _wanted(self, var: Var) -> str:
        return self.scope.wanted.get(var, "")

    def _cut(self, var: Var) -> None:
        """Give a value a line of its own."""
        del self._inlined[var]
        self._write(self.makers[var])

    def _write(self, op: Op) -> None:
        part = self._part(op)
        while not self._fits(part):
            inner = [p for p in part.parts()[1:] if not expressions.is_view(p.op.template)]
            if not inner:
                break
            half = len(printed(part.tree)) / 2
            chosen = min(inner, key=lambda p: abs(len(printed(p.tree)) - half))
            self._cut(chosen.op.outputs[0])
            part = self._part(op)
        self.lines.append(self._addition(op, part) or Line(self._targets(op), part.tree, part))

    def _fits(self, part: Part) -> bool:
        width = _WIDEST[part.op.section]
        if part.op.section == "forward" and any(e.region for p in part.parts() for e in p.op.eqns):
            width = _WIDEST["backward"]
        return len(printed(part.tree)) <= width

    def _targets(self, op: Op) -> tuple[str, ...]:
        return tuple(self._define(var) for var in op.outputs)

    def _define(self, var: Var) -> str:
        """The name of a value; a part of a fork's gradient has the name of the whole."""
        known = self.scope.known
        if var not in known:
            whole = self.shared.get(var)
            known[var] = self._define(whole) if whole else self.scope.names.name(self._name(var))
        return known[var]

    def _name(self, var: Var) -> str:
        """The name that a value should have: of a temporary's gradient `dt1`."""
        is_forward = self.makers[var].section == "forward"
        value = None if is_forward else self.scope.gradients.get(var)
        if value in self.scope.known:
            return f"d{self.scope.known[value]}"
        if value is None or self._wanted(var):
            return self._wanted(var)
        reader = self._forward_reader(value)
        while reader is not None and reader.eqn is not None and reader.eqn.primitive is add:
            reader = self._forward_reader(reader.outputs[0])  # a sum passes its gradient on
        is_only = reader is not None and len(reader.outputs) == len(reader.inputs) == 1
        result = self.scope.known.get(reader.outputs[0], "") if is_only and reader else ""
        return f"d{result}_raw" if result else ""

    def _forward_reader(self, value: Var) -> Op | None:
        """The only operation of the forward pass that reads a value."""
        found = [op for op in self.uses.get(value, ()) if op and op.section == "forward"]
        return found[0] if len(found) == 1 else None

    # --- trees ---------------------------------------------------------------------------

    def _part(self, op: Op) -> Part:
        operands = tuple(
            self._part(self.makers[x]) if isinstance(x, Var) and x in self._inlined else x
            for x in op.inputs
        )
        mean = self._mean(op, operands)
        if mean is not None:
            return mean
        tree = filled(op.template, [self._tree(op, i, x) for i, x in enumerate(operands)])
        is_users = op.section == "forward"
        return Part(op, operands, tree if is_users else expressions.subtracted(tree))

    def _mean(self, op: Op, operands: tuple[Part | Atom, ...]) -> Part | None:
        """The quotient of a sum by its count as a mean."""
        total = operands[0] if operands else None
        if op.eqn is None or not isinstance(total, Part) or total.op.eqn is None:
            return None
        template = expressions.mean_template(op.eqn, total.op.eqn)
        return (
            None
            if template is None
            else Part(
                replace(op, template=template),
                total.operands,
                filled(template, [self._tree(total.op, 0, total.operands[0])]),
            )
        )

    def _tree(self, op: Op, position: int, operand: Part | Atom) -> Tree:
        if isinstance(operand, Part):
            return operand.tree
        if isinstance(operand, Var):
            return self.scope.trees.get(operand) or expressions.name(self.scope.known[operand])
        if op.eqn is None:
            return expressions.parsed(expressions.plain_text(operand))
        return expressions.literal_tree(op.eqn, position)

    # --- forks ---------------------------------------------------------------------------

    def _forks(self, ops: Sequence[Op]) -> dict[Var, Var]:
        """Per first part of a fork's gradient the sum that takes its name."""
        shared = {}
        fixed = set(self.scope.fixed)
        for op in ops:
            if all(not isinstance(x, Var) or x in fixed for x in op.inputs):
                fixed.update(op.outputs)
            if not is_fork(op, self.makers):
                continue
            first, total = op.inputs[0], op.outputs[0]
            assert isinstance(first, Var)
            maker = self.makers.get(first)
            if maker is None or self._wanted(first) or len(self.uses[first]) != 1:
                continue
            if first in fixed:  # a traced gradient cannot be added to an array in its place
                continue
            if _is_fresh(maker) and (first.shape, first.dtype) == (total.shape, total.dtype):
                shared[first] = total
        return shared

    def _addition(self, op: Op, part: Part) -> Line | None:
        first = op.inputs[0] if op.inputs else None
        if not isinstance(first, Var) or self.shared.get(first) is not op.outputs[0]:
            return None
        symbol, tree = expressions.added(self._tree(op, 1, part.operands[1]))
        return Line((self._define(op.outputs[0]),), tree, part, symbol)


def is_fork(op: Op, makers: Mapping[Var, Op]) -> bool:
    """Whether an operation adds up what comes back from two uses of a value."""
    eqn = op.eqn
    if eqn is None or eqn.primitive is not add or eqn.derives is None or op.section == "forward":
        return False
    first, second = eqn.inputs
    if not isinstance(first, Var) or not isinstance(second, Var) or first is second:
        return False
    maker = makers.get(first)
    if maker is None or maker.section != op.section:
        return False
    origins = {var for inner in maker.eqns if inner.derives for var in inner.derives.outputs}
    return not origins.intersection(eqn.derives.outputs)


def _is_fresh(op: Op) -> bool:
    """Whether the result is a new array, which may be added to."""
    eqn = op.eqn
    return eqn is not None and (
        expressions.is_ufunc(eqn.primitive)
        or isinstance(eqn.primitive, Bilinear)
        or eqn.primitive in _FRESH
    )
