"""The equations of a graph as nodes: what each computes row by row, and what it needs whole.

Layer L6. Views are followed to their roots and make no node. A reduction over axis 0, and those
next to it, becomes two: `partial`, which each tile of rows makes for itself, and `combine`, which
puts the tiles together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from glassgrad.backends.native.lower.combinations import COMBINATIONS
from glassgrad.backends.native.lower.products import matrix_strides
from glassgrad.backends.native.lower.site import SpreadOf
from glassgrad.backends.native.lower.table import LOWERINGS
from glassgrad.backends.native.lower.views import View, is_view
from glassgrad.core.aval import Aval
from glassgrad.core.primitive import Elementwise
from glassgrad.errors import GraphError
from glassgrad.graph.ir import Atom, Eqn, Graph, Var
from glassgrad.primitives.layout import astype_p
from glassgrad.primitives.linalg import matmul_p
from glassgrad.text import say


@dataclass(eq=False)
class Node:
    """One piece of work.

    kind:   "elementwise"  a formula, a conversion or a copy
            "reduce"       axes behind the rows are reduced
            "partial"      rows are reduced within each tile: its result has a row a tile; of
                           several leading `axes` the others are reduced with them
            "product"      a matrix product
            "generic"      an entry of LOWERINGS
            "sums"         one whose results are sums over rows: like "partial", on its own
            "combine"      what the tiles made of "partial" and "sums", put together
    reads:  per operand the view it reads; None for a literal
    by_row: per operand whether row i of the result needs only row i of it
    rows:   the size of axis 0 if it can be computed row by row, else None
    copies: why it copies, if it does: "strides" cannot say a view, "blas" or "python" cannot read
            one, a "result" must be a value of its own
    across: results whose axis 0 is not that of the rows
    inner:  what its inner graphs take, in operations on floating numbers
    """

    kind: str
    eqn: Eqn
    atoms: tuple[Atom, ...]
    reads: tuple[View | None, ...]
    outputs: tuple[Var, ...]
    by_row: tuple[bool, ...]
    rows: int | None
    axes: tuple[int, ...] = ()
    phase: int = 0
    tiles: int = 1
    order: int = 0
    copies: str = ""
    across: tuple[Var, ...] = ()
    inner: float = 0.0

    @property
    def out(self) -> Var:
        return self.outputs[0]

    @property
    def element_shape(self) -> tuple[int, ...]:
        """What a nest walks for it: its result's elements, or those that it reduces."""
        return self.out.shape if self.kind == "elementwise" else self.atoms[0].aval.shape

    @property
    def is_scalar(self) -> bool:
        """Whether every worker computes it for itself."""
        return self.kind == "elementwise" and self.out.shape == ()

    @property
    def is_partial(self) -> bool:
        """Whether each tile makes a result of its own."""
        return self.kind in ("partial", "sums")

    @property
    def is_fusable(self) -> bool:
        """Whether it may stand in a nest with others."""
        return self.kind in ("elementwise", "reduce", "partial") and not self.is_scalar


@dataclass
class Nodes:
    """The nodes of a graph in order, and what every value is."""

    graph: Graph
    list: list[Node] = field(default_factory=list)
    views: dict[Var, View] = field(default_factory=dict)
    makers: dict[Var, Node] = field(default_factory=dict)

    def roots(self, node: Node) -> Iterator[tuple[Var, View, bool]]:
        """(root, view, whether only row by row) of each operand that is no literal."""
        for view, by_row in zip(node.reads, node.by_row, strict=True):
            if view is not None:
                keeps = by_row and view.keeps_rows and not self._is_across(view.root)
                yield view.root, view, keeps

    def _is_across(self, root: Var) -> bool:
        maker = self.makers.get(root)
        return maker is not None and root in maker.across


def nodes_of(
    graph: Graph,
    tested: int | None = None,
    strides: Mapping[Var, tuple[int, ...]] | None = None,
) -> Nodes:
    """All work of a graph that was expanded; the output numbered `tested` is made by a node that
    every worker runs.

    strides: of inputs that do not lie in C order
    """
    maker = _Maker(graph, strides or {})
    for eqn in graph.eqns:
        maker.equation(eqn)
    maker.results(tested)
    return maker.found


class _Maker:
    def __init__(self, graph: Graph, strides: Mapping[Var, tuple[int, ...]]) -> None:
        self.found = Nodes(graph)
        for var in (*graph.inputs, *(var for var, _ in graph.consts)):
            self.found.views[var] = View(var, (), True, strides.get(var))

    def add(self, node: Node) -> None:
        node.order = len(self.found.list)
        self.found.list.append(node)
        for var in node.outputs:
            self.found.views[var] = View(var, (), True)
            self.found.makers[var] = node

    def reads(self, atoms: Sequence[Atom]) -> tuple[View | None, ...]:
        return tuple(self.found.views[a] if isinstance(a, Var) else None for a in atoms)

    # --- one equation --------------------------------------------------------------------

    def equation(self, eqn: Eqn) -> None:
        primitive = eqn.primitive
        if is_view(primitive) and isinstance(eqn.inputs[0], Var):
            self.view(eqn, eqn.inputs[0])
        elif isinstance(primitive, Elementwise) or primitive is astype_p or is_view(primitive):
            self.elementwise(eqn)
        elif primitive is matmul_p and _is_product(eqn):
            self.product(eqn)
        elif primitive in COMBINATIONS and isinstance(eqn.inputs[0], Var) and self.reduction(eqn):
            return
        elif primitive in LOWERINGS:
            self.generic(eqn)
        else:
            raise GraphError(
                say("{name} has no native form", name=primitive.name), operation="native"
            )

    def view(self, eqn: Eqn, source: Var) -> None:
        view = self.found.views[source].then(eqn)
        if view is None:  # strides cannot say it: copy what it is made of, then look again
            copied = self.copy(eqn, source, "strides")
            view = self.found.views[copied].then(eqn)
            assert view is not None
        self.found.views[eqn.outputs[0]] = view

    def copy(self, eqn: Eqn, source: Atom, why: str) -> Var:
        """A new contiguous value with the same elements."""
        out = Var(source.aval, "")
        rows = out.shape[0] if out.shape else None
        by_row = (rows is not None and isinstance(source, Var),)
        atoms = (source,)
        reads = self.reads(atoms)
        self.add(Node("elementwise", eqn, atoms, reads, (out,), by_row, rows, copies=why))
        return out

    def elementwise(self, eqn: Eqn) -> None:
        out = eqn.outputs[0]
        rows = out.shape[0] if out.shape else None
        by_row = tuple(
            len(a.aval.shape) == len(out.shape) > 0 and a.aval.shape[0] == rows for a in eqn.inputs
        )
        self.add(Node("elementwise", eqn, eqn.inputs, self.reads(eqn.inputs), (out,), by_row, rows))

    def product(self, eqn: Eqn) -> None:
        """Factors are read by BLAS: one of the last two strides of each must be 1."""
        atoms = tuple(self.factor(eqn, a) for a in eqn.inputs if isinstance(a, Var))
        x, y = (a.aval.shape for a in atoms)
        out = eqn.outputs[0]
        rows: int | None = out.shape[0] if out.shape else None
        by_row = _rows_of_product(x, y, out.shape)
        if not any(by_row):
            rows = None
        self.add(Node("product", eqn, atoms, self.reads(atoms), (out,), by_row, rows))

    def factor(self, eqn: Eqn, atom: Var) -> Var:
        access = self.found.views[atom].stand_in()
        return self.copy(eqn, atom, "blas") if matrix_strides(access) is None else atom

    def reduction(self, eqn: Eqn) -> bool:
        """Split into last axes and leading ones, which are rows; False if it is neither."""
        source, out = eqn.inputs[0], eqn.outputs[0]
        assert isinstance(source, Var)
        axes = tuple(sorted(_axes(eqn)))
        ndim = len(source.shape)
        if not ndim or 0 in source.shape:
            return False
        lead = _leading(axes, ndim) if 0 in axes else ()
        inner = axes[len(lead) :]
        is_tail = inner == tuple(range(ndim - len(inner), ndim))
        if 0 not in axes:
            if not is_tail or not axes:
                return False
            self.add(self.reduce_node(eqn, source, out, axes))
            return True
        if inner and not is_tail:
            return False
        if inner:
            kept = tuple(1 if a in inner else size for a, size in enumerate(source.shape))
            middle = Var(Aval(kept, out.dtype), "")
            self.add(self.reduce_node(eqn, source, middle, inner))
            source = middle
        self.partial(eqn, source, out, lead)
        return True

    def reduce_node(self, eqn: Eqn, source: Var, out: Var, axes: tuple[int, ...]) -> Node:
        atoms = (source,)
        rows = source.shape[0]
        return Node("reduce", eqn, atoms, self.reads(atoms), (out,), (True,), rows, axes)

    def partial(self, eqn: Eqn, source: Var, out: Var, lead: tuple[int, ...]) -> None:
        """Rows reduced tile by tile, then the tiles; how many tiles there are is known later."""
        rest = source.shape[len(lead) :]
        middle = Var(Aval((0, *rest), out.dtype), "")
        atoms: tuple[Atom, ...] = (source,)
        reads, length = self.reads(atoms), source.shape[0]
        self.add(Node("partial", eqn, atoms, reads, (middle,), (True,), length, lead))
        rows = out.shape[0] if out.shape else None
        combine = Node(
            "combine", eqn, (middle,), self.reads((middle,)), (out,), (False,), rows, (0,)
        )
        self.add(combine)

    def sums(self, eqn: Eqn) -> None:
        """Rows summed tile by tile by an equation's own loops, then the tiles, as above."""
        out, rows = eqn.outputs[0], eqn.inputs[0].aval.shape[0]
        middle = Var(Aval((0, *out.shape), out.dtype), "")
        by_row, reads = (True,) * len(eqn.inputs), self.reads(eqn.inputs)
        self.add(Node("sums", eqn, eqn.inputs, reads, (middle,), by_row, rows))
        reads = self.reads((middle,))
        self.add(Node("combine", eqn, (middle,), reads, (out,), (False,), out.shape[0], (0,)))

    def generic(self, eqn: Eqn) -> None:
        lowering = LOWERINGS[eqn.primitive]
        if lowering.spread is not None:
            self.spread(eqn, lowering.spread)
            return
        if lowering.sums and eqn.inputs[0].aval.shape[0]:
            self.sums(eqn)
            return
        use = lowering.rows(eqn)
        out = eqn.outputs[0]
        atoms: tuple[Atom, ...] = eqn.inputs
        if lowering.calls_back:
            atoms = tuple(self.contiguous(eqn, a) for a in eqn.inputs)
        rows = out.shape[0] if use is not None and out.shape else None
        by_row = (False,) * len(atoms) if rows is None or use is None else tuple(use)
        self.add(Node("generic", eqn, atoms, self.reads(atoms), eqn.outputs, by_row, rows))

    def spread(self, eqn: Eqn, spread_of: SpreadOf) -> None:
        """An equation with inner graphs, which say themselves what they need."""
        reads = self.reads(eqn.inputs)
        found = spread_of(eqn, [None if view is None else view.stand_in() for view in reads])
        node = Node("generic", eqn, eqn.inputs, reads, eqn.outputs, found.by_row, found.rows)
        node.across, node.inner = found.across, found.work
        self.add(node)

    def contiguous(self, eqn: Eqn, atom: Atom) -> Atom:
        view = self.found.views[atom] if isinstance(atom, Var) else None
        if view is not None and not view.steps and view.strides is None:
            return atom
        return self.copy(eqn, atom, "python")

    # --- results -------------------------------------------------------------------------

    def results(self, tested: int | None) -> None:
        """Every output of the graph is a value of its own: what is not yet is copied."""
        outputs: list[Atom] = []
        taken: set[Var] = set()
        for number, atom in enumerate(self.found.graph.outputs):
            is_own = (
                number != tested
                and isinstance(atom, Var)
                and atom in self.found.makers
                and atom not in taken
            )
            out = atom if is_own else self.copy(_copy_equation(atom), atom, "result")
            assert isinstance(out, Var)
            taken.add(out)
            outputs.append(out)
        self.found.graph = self.found.graph.with_eqns(
            self.found.graph.eqns, outputs=tuple(outputs), out_structure=None
        )


def _copy_equation(atom: Atom) -> Eqn:
    out = Var(atom.aval, getattr(atom, "name", ""))
    return Eqn(astype_p, (atom,), (out,), {"dtype": atom.aval.dtype})


def _axes(eqn: Eqn) -> tuple[int, ...]:
    ndim = len(eqn.inputs[0].aval.shape)
    axes: Any = eqn.params["axis"]
    if axes is None:
        return tuple(range(ndim))
    return tuple(a % ndim for a in ((axes,) if isinstance(axes, int) else axes))


def _leading(axes: tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """The axes from 0 on that follow each other; axis 0 alone where all axes are reduced."""
    if len(axes) == ndim:
        return (0,)
    return tuple(a for i, a in enumerate(axes) if a == i)


def _is_product(eqn: Eqn) -> bool:
    """Whether a product is one of floating numbers with something in it, for BLAS."""
    has_arrays = all(isinstance(a, Var) and a.shape for a in eqn.inputs)
    same = len({a.aval.dtype for a in eqn.inputs}) == 1
    sizes = prod(eqn.outputs[0].shape) * (eqn.inputs[0].aval.shape or (1,))[-1]
    return has_arrays and same and eqn.outputs[0].dtype in (np.float32, np.float64) and sizes > 0


def _rows_of_product(
    x: tuple[int, ...], y: tuple[int, ...], out: tuple[int, ...]
) -> tuple[bool, bool]:
    """Whether row i of a product needs only row i of x, and of y; neither if it is not by rows."""
    is_stack = len(out) > 2  # noqa: PLR2004 - more than one matrix
    if len(x) != len(out) or len(x) == 1 or (is_stack and x[0] != out[0]):
        return False, False
    has_stack = is_stack and len(y) == len(out)
    if has_stack and y[0] != out[0]:
        return False, False
    return True, has_stack
