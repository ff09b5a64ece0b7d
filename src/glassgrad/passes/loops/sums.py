"""Sums over the steps of a loop: what is added up is stacked, and added behind the loop at once.

Layer L5. The gradient of a weight is a sum of products, one a step: Σ_t x[t]ᵀ y[t]. As one product
over all steps it has long inner axes in place of short ones, and the loop need not carry it. The
order of the additions changes; the result is within the bound of a product of that length. What is
added element by element stays in the loop, where it costs no memory.
"""

from __future__ import annotations

from glassgrad.graph.ir import Atom, Eqn, Graph, Var
from glassgrad.passes.loops.loop import Around, Carry, Loop, is_zero
from glassgrad.primitives.arithmetic import add, multiply
from glassgrad.primitives.control import scan_p
from glassgrad.primitives.index import add_at_p
from glassgrad.primitives.layout import (
    expand_dims_p,
    permute_dims_p,
    reshape_p,
    squeeze_p,
    sum_p,
)
from glassgrad.primitives.linalg import matmul_p

_MATRIX = 2  # axes
_RESHAPING = (reshape_p, expand_dims_p, squeeze_p)
_TURNING = (*_RESHAPING, permute_dims_p)


def sum_behind(graph: Graph) -> Graph:
    """The graph with sums over steps behind their loops."""
    around = Around(graph)
    for eqn in graph.eqns:
        if eqn.primitive is scan_p:
            _Sums(around, Loop(eqn)).take()
        else:
            around.eqns.append(eqn)
    return around.finished()


class _Sums:
    """One loop, of which sums are taken out."""

    def __init__(self, around: Around, loop: Loop) -> None:
        self.around = around
        self.loop = loop
        self.makers = loop.makers
        self.behind: list[tuple[Carry, Var]] = []

    def take(self) -> None:
        loop, around = self.loop, self.around
        before, around.eqns = around.eqns, []
        for carry in list(loop.carries):
            term = self.term(carry)
            if term is None or not self.can(term):
                continue
            loop.carries.remove(carry)
            self.finish(carry, self.total(term))
        behind, around.eqns = around.eqns, before
        loop.without_unread()
        current = loop.equation()
        around.eqns += [*([] if current is None else [current]), *behind]

    def finish(self, carry: Carry, total: Var) -> None:
        """What the carry is behind the loop; a sum begins with +0, which adds nothing to it."""
        around = self.around
        if not is_zero(carry.first, around.values):
            total = around.write(self.loop.eqn, add, carry.first, total)
        around.rename(total, carry.last)

    def term(self, carry: Carry) -> Var | None:
        """What each step adds to a carry that nothing else reads."""
        maker = self.makers.get(carry.next) if isinstance(carry.next, Var) else None
        if maker is None or maker.primitive is not add or carry.inner not in maker.inputs:
            return None
        readers = self.loop.readers
        if readers.get(carry.inner) != 1 or readers.get(maker.outputs[0]) != 1:
            return None
        x, y = maker.inputs
        term = y if x is carry.inner else x
        return term if isinstance(term, Var) and term.aval == carry.inner.aval else None

    # --- which terms ---------------------------------------------------------------------

    def can(self, term: Atom) -> bool:
        """Whether the sum of a term over the steps can be had from arrays of all steps."""
        maker = self.makers.get(term) if isinstance(term, Var) else None
        if not isinstance(term, Var) or maker is None:
            return False
        if maker.primitive is add and all(a.aval == term.aval for a in maker.inputs):
            return all(map(self.can, maker.inputs))
        if maker.primitive in _TURNING:
            return self.can(maker.inputs[0])
        if self.is_product(maker) or self.is_outer(maker) or _is_scattered(maker):
            return True
        is_sum = maker.primitive is sum_p and isinstance(maker.inputs[0], Var)
        return is_sum and 0 in _axes(maker)

    def is_product(self, eqn: Eqn) -> bool:
        """A product of two matrices, both made by the steps."""
        return eqn.primitive is matmul_p and all(
            isinstance(a, Var) and len(a.shape) == _MATRIX and a not in self.loop.consts
            for a in eqn.inputs
        )

    def is_outer(self, eqn: Eqn) -> bool:
        """A column times a row, or a row times a column."""
        if eqn.primitive is not multiply or not all(isinstance(a, Var) for a in eqn.inputs):
            return False
        x, y = eqn.inputs
        return _is_column_and_row(x, y) or _is_column_and_row(y, x)

    # --- their sums ----------------------------------------------------------------------

    def total(self, term: Atom) -> Var:
        """The sum of a term over all steps, behind the loop."""
        assert isinstance(term, Var)
        maker = self.makers.get(term)
        assert maker is not None
        write = self.around.write
        if maker.primitive is add and all(a.aval == term.aval for a in maker.inputs):
            return write(maker, add, *map(self.total, maker.inputs))
        if maker.primitive in _TURNING:
            inner = self.total(maker.inputs[0])
            return write(maker, maker.primitive, inner, **maker.params)
        if self.is_product(maker):
            return self.product(maker, *maker.inputs)
        if self.is_outer(maker):
            x, y = maker.inputs
            return self.product(maker, *((x, y) if _is_column_and_row(x, y) else (y, x)))
        return self.scattered(maker) if _is_scattered(maker) else self.reduced(maker)

    def reduced(self, eqn: Eqn) -> Var:
        (x,) = eqn.inputs
        assert isinstance(x, Var)
        wanted = (0, *(1 + axis for axis in _axes(eqn)))
        stacked = self.steps(eqn, x)
        total = self.around.write(eqn, sum_p, stacked, axis=wanted, keepdims=False)
        shape = eqn.outputs[0].shape
        return (
            total if total.shape == shape else self.around.write(eqn, reshape_p, total, shape=shape)
        )

    def product(self, eqn: Eqn, x: Atom, y: Atom) -> Var:
        """Σ_t x[t] @ y[t] as one product over steps and the inner axis."""
        left = self.matrix(eqn, x, rows=1)  # (m, t·k)
        right = self.matrix(eqn, y, rows=0)  # (t·k, n)
        return self.around.write(eqn, matmul_p, left, right)

    def matrix(self, eqn: Eqn, x: Atom, rows: int) -> Var:
        """All steps of a matrix one below the other, turned if its columns are the inner axis."""
        assert isinstance(x, Var)
        write = self.around.write
        maker = self.makers.get(x)
        source, is_turned = x, False
        if (
            maker is not None
            and maker.primitive is permute_dims_p
            and maker.params["axes"] == (1, 0)
        ):
            (inner,) = maker.inputs
            if isinstance(inner, Var):
                source, is_turned = inner, True
        stacked = self.steps(eqn, source)
        if is_turned != (rows == 1):  # the inner axis comes last: bring it behind the steps
            stacked = write(eqn, permute_dims_p, stacked, axes=(0, 2, 1))
        size = stacked.aval.shape[2]
        flat = write(
            eqn, reshape_p, stacked, shape=(self.loop.length * stacked.aval.shape[1], size)
        )
        return write(eqn, permute_dims_p, flat, axes=(1, 0)) if rows == 1 else flat

    def steps(self, eqn: Eqn, x: Var) -> Atom:
        """All steps of a value; what is only reshaped is reshaped outside."""
        maker = self.makers.get(x)
        if maker is None or maker.primitive not in _RESHAPING or x in self.loop.xs:
            return self.loop.all_steps(x)
        (source,) = maker.inputs
        assert isinstance(source, Var)
        stacked = self.steps(eqn, source)
        return self.around.write(eqn, reshape_p, stacked, shape=(self.loop.length, *x.shape))

    def scattered(self, eqn: Eqn) -> Var:
        """Rows of all steps added to the places that all steps name."""
        ct, places = eqn.inputs
        assert isinstance(ct, Var)
        assert isinstance(places, Var)
        rows, numbers = self.steps(eqn, ct), self.steps(eqn, places)
        return self.around.write(eqn, add_at_p, rows, numbers, **eqn.params)


def _axes(eqn: Eqn) -> list[int]:
    """The axes that a sum goes over."""
    ndim, axis = len(eqn.inputs[0].aval.shape), eqn.params["axis"]
    axes = range(ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    return sorted(a % ndim for a in axes)


def _is_column_and_row(x: Atom, y: Atom) -> bool:
    shapes = x.aval.shape, y.aval.shape
    return all(len(s) == _MATRIX for s in shapes) and shapes[0][1] == 1 and shapes[1][0] == 1


def _is_scattered(eqn: Eqn) -> bool:
    """Rows added to the rows that one index array names."""
    return (
        eqn.primitive is add_at_p
        and eqn.params["index"] == (("array", 0),)
        and all(isinstance(a, Var) for a in eqn.inputs)
    )
