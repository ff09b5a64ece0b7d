"""A nest while its loops are being written: which operands are at hand, and where all else lies.

Layer L6. It knows nodes and memory; the order of the loops is the business of each form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from glassgrad.backends.native.loops import I64, Builder, Number, Operand, Value, identity
from glassgrad.backends.native.lower import scalar
from glassgrad.backends.native.lower.access import Access, Position, Rows, broadcast
from glassgrad.backends.native.lower.combinations import combination
from glassgrad.backends.native.lower.items import Nest
from glassgrad.backends.native.lower.nodes import Node
from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Literal, Var

# Rows that are added one after the other before their sum is handed on. What n additions in a
# chain lose grows with n, so it is the number of blocks that then counts.
BLOCK = 128
# Elements of an axis in lanes above which it is cut: as many additions a lane, in lanes of float32.
LONG = 16 * BLOCK


@dataclass(frozen=True)
class Memory:
    """Where a nest finds values, and what its kernel knows of the tile.

    of:        the access of a root; None if it has no memory
    scratch:   new memory of the worker's own for values of this dtype, in this shape
    tile_rows: how many rows a tile has; the last may have fewer
    """

    of: Callable[[Var], Access | None]
    scratch: Callable[[Var, tuple[int, ...]], Access]
    tile: Value
    tile_rows: int
    names: Mapping[Var, str]


class Writing:
    """The state that the forms write to.

    split:  how many axes are rows
    makers: the nodes of this nest by what they make
    known:  values made in the scope that is being written
    fixed:  operands, by node and number, that the loops around do not change
    """

    def __init__(self, b: Builder, nest: Nest, rows: Rows, memory: Memory) -> None:
        self.b = b
        self.nest = nest
        self.rows = rows
        self.memory = memory
        self.split = nest.split or 1
        self.makers = {out: node for node in nest.nodes for out in node.outputs}
        self.known: dict[Var, Operand] = {}
        self.fixed: dict[tuple[Node, int], Operand] = {}

    @property
    def sums(self) -> list[Node]:
        """The nodes that add up rows."""
        return [node for node in self.nest.nodes if node.kind == "partial"]

    # --- operands ------------------------------------------------------------------------

    def access(self, var: Var) -> Access:
        """Where a value lies that has memory."""
        found = self.memory.of(var)
        assert found is not None, var
        return found

    def operand_access(self, node: Node, number: int) -> Access:
        """Where an operand lies, with the shape of the node's elements."""
        view = node.reads[number]
        assert view is not None
        return broadcast(view.access(self.access(view.root)), node.element_shape)

    def maker(self, node: Node, number: int) -> Node | None:
        """The node of this nest that makes an operand."""
        view = node.reads[number]
        return None if view is None else self.makers.get(view.root)

    def at_hand(self, node: Node, number: int) -> Operand | None:
        """An operand that needs no load: a literal, loaded before, or made in this scope."""
        atom = node.atoms[number]
        if isinstance(atom, Literal):
            return Number(atom.value, atom.aval.dtype)
        view = node.reads[number]
        assert view is not None
        return self.fixed.get((node, number)) or self.known.get(view.root)

    def operands(self, node: Node, load: Callable[[Access], Operand]) -> list[Operand]:
        """All operands of a node; `load` reads those that are not at hand."""
        return [
            self.at_hand(node, number) or load(self.operand_access(node, number))
            for number in range(len(node.atoms))
        ]

    def preload(self, nodes: Sequence[Node], at: Sequence[Position]) -> None:
        """Load, once, what does not change on the axes behind the position `at`."""
        for node in nodes:
            for number in range(len(node.atoms)):
                if (node, number) in self.fixed or not self._is_outside(node, number):
                    continue
                access = self.operand_access(node, number)
                behind = zip(access.strides[len(at) :], access.shape[len(at) :], strict=True)
                if any(stride for stride, size in behind if size > 1):
                    continue
                if at or access.origin is None:  # memory of a tile does not begin with row 0
                    self.fixed[node, number] = access.load(self.b, filled(at, access))

    def _is_outside(self, node: Node, number: int) -> bool:
        """Whether an operand was made before this nest."""
        return node.reads[number] is not None and self.maker(node, number) is None

    # --- values --------------------------------------------------------------------------

    def value(self, node: Node, args: Sequence[Operand]) -> Operand:
        """The value of an elementwise node."""
        value = elementwise(self.b, node, args)
        scalar.name_value(value, self.memory.names.get(node.out, ""))
        return value

    def value_of_row(self, node: Node, args: Sequence[Operand]) -> Operand:
        """An elementwise value, or a reduction of a single element."""
        return summand(self.b, node, args[0]) if node.kind == "reduce" else self.value(node, args)

    def keep(self, node: Node, at: Sequence[Position], value: Operand) -> None:
        """Know a value from here on, and write it to its memory if it has some."""
        self.known[node.out] = value
        target = self.memory.of(node.out)
        if target is not None:
            target.store(self.b, filled(at, target), value)


def elementwise(b: Builder, node: Node, args: Sequence[Operand]) -> Operand:
    """The formula of a node, a conversion, or a copy."""
    primitive, value = node.eqn.primitive, args[0]
    if isinstance(primitive, Elementwise):
        weak = [isinstance(a, Literal) and a.aval.weak for a in node.atoms]
        value = scalar.apply(b, primitive, args, weak)
    return scalar.converted(b, value, node.out.dtype)


# --- reductions --------------------------------------------------------------------------


def combine_of(node: Node) -> str:
    """The operation that puts two parts of a reduction together."""
    return combination(node.eqn.primitive, node.out.dtype)


def start(node: Node) -> Number:
    """What a reduction begins with."""
    return identity(combine_of(node), node.out.dtype)


def summand(b: Builder, node: Node, value: Operand) -> Operand:
    """What is added: an operand in the dtype of the sum."""
    return scalar.converted(b, value, node.out.dtype)


def combined(b: Builder, node: Node, x: Operand, y: Operand) -> Operand:
    """Two parts of a reduction put together."""
    return b.let(combine_of(node), x, y)


# --- small parts -------------------------------------------------------------------------


def filled(at: Sequence[Position], access: Access) -> list[Position]:
    """A position on the first axes, with zeros for the others."""
    return [*at, *[0] * (len(access.shape) - len(at))]


def as_operand(count: int | Value) -> Operand:
    """A number of rows to compute with."""
    return Number(count, I64) if isinstance(count, int) else count
