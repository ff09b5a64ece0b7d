"""A nest while its loops are being written: which operands are at hand, and where all else lies.

Layer L6. It knows nodes and memory; the order of the loops is the business of each form.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from glassgrad.backends.native.loops import I64, Builder, Number, Operand, Value, identity
from glassgrad.backends.native.lower import scalar
from glassgrad.backends.native.lower.access import Access, Position, Rows, broadcast
from glassgrad.backends.native.lower.combinations import combination
from glassgrad.backends.native.lower.items import Nest
from glassgrad.backends.native.lower.nodes import Node
from glassgrad.backends.native.lower.siblings import with_derivatives
from glassgrad.core.primitive import Elementwise
from glassgrad.graph.ir import Literal, Var

# Additions in one chain. A chain of n is wrong by up to n / 2 eps of the sum of the terms' sizes;
# chains of chains of up to 32 are within the 4 log2(n) eps that a sum may be wrong by, whatever the
# terms. NumPy has 16 along a row. Down the rows it has one chain for all, and shorter ones cost
# time: there they are cut where they must be.
CHAIN, ROWS = 16, 32


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
    beside: functions whose derivative is computed here too
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
        self.beside = with_derivatives(node.eqn for node in nest.nodes)

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
        value = elementwise(self.b, node, args, is_beside=node.eqn in self.beside)
        scalar.name_value(value, self.memory.names.get(node.out, ""))
        return value

    def value_of_row(self, node: Node, args: Sequence[Operand]) -> Operand:
        """An elementwise value, or a reduction of a single element."""
        if node.kind != "reduce":
            return self.value(node, args)
        value = summand(self.b, node, args[0])
        is_float_sum = combine_of(node) == "add" and value.dtype.kind == "f"
        return combined(self.b, node, start(node), value) if is_float_sum else value

    def keep(self, node: Node, at: Sequence[Position], value: Operand) -> None:
        """Know a value from here on, and write it to its memory if it has some."""
        self.known[node.out] = value
        target = self.memory.of(node.out)
        if target is not None:
            target.store(self.b, filled(at, target), value)


def elementwise(
    b: Builder, node: Node, args: Sequence[Operand], *, is_beside: bool = False
) -> Operand:
    """The formula of a node, a conversion, or a copy."""
    primitive, value = node.eqn.primitive, args[0]
    if isinstance(primitive, Elementwise):
        weak = [isinstance(a, Literal) and a.aval.weak for a in node.atoms]
        value = scalar.apply(b, primitive, args, weak, is_beside=is_beside)
    return scalar.converted(b, value, node.out.dtype)


# --- reductions --------------------------------------------------------------------------


def combine_of(node: Node) -> str:
    """The operation that puts two parts of a reduction together."""
    return combination(node.eqn.primitive, node.out.dtype)


def start(node: Node) -> Number:
    """What a reduction begins with; NumPy's sums begin with +0, and so never are -0."""
    combine = combine_of(node)
    if combine == "add":
        return Number(node.out.dtype.type(0), node.out.dtype)
    return identity(combine, node.out.dtype)


def longest(nodes: Sequence[Node]) -> int:
    """How many elements a loop in lanes over these nodes may have: a chain a lane."""
    widest = 4
    for node in nodes:
        dtypes = [node.out.dtype, *(atom.aval.dtype for atom in node.atoms)]
        widest = max(widest, *(dtype.itemsize for dtype in dtypes))
    return CHAIN * (64 // widest)


Part = Callable[[Position], Sequence[Operand]]


def added_up(
    b: Builder, nodes: Sequence[Node], count: int | Value, most: int, part: Part
) -> list[Operand]:
    """`part(i)` for every i below `count`, each reduction's in chains of chains.

    most: the largest that `count` can be
    """
    if most <= CHAIN:
        return _chain(b, nodes, count, part)
    size = length_of_parts(most, CHAIN)
    inner = functools.partial(_inner, b, nodes, count, size, part)
    return _chain(b, nodes, parts_of(b, count, size), inner)


def _inner(
    b: Builder, nodes: Sequence[Node], count: int | Value, size: int, part: Part, number: Position
) -> list[Operand]:
    first = b.let("multiply", as_operand(number), Number(size, I64))
    stop = length_of_part(b, count, first, size)
    return added_up(b, nodes, stop, size, lambda i: part(b.let("add", first, as_operand(i))))


def _chain(b: Builder, nodes: Sequence[Node], count: int | Value, part: Part) -> list[Operand]:
    with b.loop(count) as loop:
        held = [loop.carry(start(node)) for node in nodes]
        parts = part(loop.variable)
        for node, total, one in zip(nodes, held, parts, strict=True):
            loop.set(total, combined(b, node, total, one))
    return [loop.result(total) for total in held]


# --- long axes cut into parts ------------------------------------------------------------


def length_of_parts(most: int, chain: int) -> int:
    """The power of `chain` of which at most `chain` make up `most`.

    >>> length_of_parts(33, 32), length_of_parts(1024, 32), length_of_parts(1025, 32)
    (32, 32, 1024)
    """
    size = chain
    while size * chain < most:
        size *= chain
    return size


def parts_of(b: Builder, count: int | Value, size: int) -> int | Value:
    """How many parts of `size`, a power of two, there are; the last may be shorter."""
    if isinstance(count, int):
        return -(-count // size)
    more = b.let("add", count, Number(size - 1, I64))
    return b.let("shift_right", more, Number(size.bit_length() - 1, I64))


def length_of_part(b: Builder, count: int | Value, first: Value, size: int) -> int | Value:
    """How long the part is that begins at `first`."""
    if isinstance(count, int) and count % size == 0:
        return size
    rest = b.let("subtract", as_operand(count), first)
    return b.let("minimum", rest, Number(size, I64))


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


def as_operand(count: Position) -> Operand:
    """A number of rows, or of one of them, to compute with."""
    return Number(count, I64) if isinstance(count, int) else count
