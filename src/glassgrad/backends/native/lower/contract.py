"""`einsum` as diagonals, sums, and one product: of matrices where it is one, else of elements.

Layer L6. Labels in both operands and in the result are a stack of matrices; those in both and not
in the result are summed; the rest are rows and columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Atom, Var
from glassgrad.primitives.arithmetic import multiply
from glassgrad.primitives.layout import (
    astype_p,
    expand_dims_p,
    permute_dims_p,
    reshape_p,
    sum_p,
)
from glassgrad.primitives.linalg import matmul_p
from glassgrad.primitives.triangle import diagonal_p


class Write(Protocol):
    """Adds an equation and gives its result."""

    def __call__(self, primitive: Primitive, *inputs: Atom, **params: Any) -> Var: ...


@dataclass(frozen=True)
class Labelled:
    """A value with one letter an axis; the methods give other such values."""

    write: Write
    atom: Atom
    labels: str

    @property
    def sizes(self) -> dict[str, int]:
        return dict(zip(self.labels, self.atom.aval.shape, strict=True))

    def _new(self, primitive: Primitive, labels: str, **params: Any) -> Labelled:
        return Labelled(self.write, self.write(primitive, self.atom, **params), labels)

    def cast(self, dtype: Any) -> Labelled:
        return (
            self if self.atom.aval.dtype == dtype else self._new(astype_p, self.labels, dtype=dtype)
        )

    def ordered(self, labels: str) -> Labelled:
        """The axes in another order."""
        axes = tuple(self.labels.index(c) for c in labels)
        same = axes == tuple(range(len(axes)))
        return self if same else self._new(permute_dims_p, labels, axes=axes)

    def diagonals(self) -> Labelled:
        """Every label once: an axis that is named twice is its diagonal."""
        found = self
        for label in dict.fromkeys(self.labels):
            while found.labels.count(label) > 1:
                found = found._diagonal(label)
        return found

    def _diagonal(self, label: str) -> Labelled:
        i = self.labels.index(label)
        j = self.labels.index(label, i + 1)
        rest = [a for a in range(len(self.labels)) if a not in (i, j)]
        axes = (*rest, i, j)
        turned = self
        if axes != tuple(range(len(axes))):
            turned = self._new(permute_dims_p, "", axes=axes)
        return turned._new(diagonal_p, "".join(self.labels[a] for a in rest) + label, k=0)

    def summed(self, kept: Iterable[str]) -> Labelled:
        """Without the labels that are not kept; in the same dtype, in which NumPy sums too."""
        axes = tuple(i for i, c in enumerate(self.labels) if c not in kept)
        if not axes:
            return self
        labels = "".join(c for c in self.labels if c in kept)
        found = self._new(sum_p, labels, axis=axes, keepdims=False)
        return found.cast(self.atom.aval.dtype)

    def aligned(self, labels: str) -> Labelled:
        """Axes of size 1 for labels that it lacks, all in this order."""
        turned = self.ordered("".join(c for c in labels if c in self.labels))
        missing = tuple(i for i, c in enumerate(labels) if c not in self.labels)
        return turned._new(expand_dims_p, labels, axis=missing) if missing else turned

    def grouped(self, *groups: str) -> Atom:
        """One axis a group of labels."""
        turned = self.ordered("".join(groups))
        sizes = self.sizes
        shape = tuple(prod(sizes[c] for c in group) for group in groups)
        if turned.atom.aval.shape == shape:
            return turned.atom
        return self.write(reshape_p, turned.atom, shape=shape)

    def times(self, other: Labelled, labels: str) -> Labelled:
        """Products of elements, with axes in this order."""
        x, y = self.aligned(labels), other.aligned(labels)
        return Labelled(self.write, self.write(multiply, x.atom, y.atom), labels)


def contract_one(write: Write, spec: str, x: Atom) -> Atom:
    """Sums and diagonals of one operand."""
    term, _, out = spec.partition("->")
    return Labelled(write, x, term).diagonals().summed(out).ordered(out).atom


def contract(write: Write, spec: str, inputs: Sequence[Atom], dtype: Any) -> Atom:
    """The sum of products of two operands, in `dtype`."""
    left, _, out = spec.partition("->")
    a, b = left.split(",")
    x, y = (
        Labelled(write, atom, term).cast(dtype).diagonals().summed(set(other + out))
        for atom, term, other in zip(inputs, (a, b), (b, a), strict=True)
    )
    summed = "".join(c for c in x.labels if c in y.labels and c not in out)
    if not summed:
        return x.times(y, out).atom
    stack = "".join(c for c in out if c in x.labels and c in y.labels)
    rows = "".join(c for c in out if c in x.labels and c not in stack)
    columns = "".join(c for c in out if c in y.labels and c not in stack)
    if (stack and not (rows and columns)) or not rows + columns:
        # Vectors only, stacked: BLAS would be called for each.
        product = x.times(y, stack + rows + columns + summed)
        return product.summed(out).ordered(out).atom
    if not rows:
        x, y, rows, columns = y, x, columns, rows
    return _matmul(x, y, (stack, rows, summed, columns)).ordered(out).atom


def _matmul(x: Labelled, y: Labelled, groups: tuple[str, str, str, str]) -> Labelled:
    """(stack, rows, summed) @ (stack, summed, columns); without a stack or columns, fewer axes."""
    stack, rows, summed, columns = groups
    lead = (stack,) if stack else ()
    tail = (columns,) if columns else ()
    product = x.write(matmul_p, x.grouped(*lead, rows, summed), y.grouped(*lead, summed, *tail))
    sizes = {**x.sizes, **y.sizes}
    labels = stack + rows + columns
    shape = tuple(sizes[c] for c in labels)
    if product.shape != shape:
        product = x.write(reshape_p, product, shape=shape)
    return Labelled(x.write, product, labels)
