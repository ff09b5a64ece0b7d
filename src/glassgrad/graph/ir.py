"""The graph: immutable, single assignment, every value with a shape, a dtype and a history.

Layer L3. `Var` is a value, `Literal` a Python or NumPy scalar written in place, `Eqn` one
operation, `Graph` a program. Everything a picture, a source or a back end needs is here; nothing
here knows how to draw, print or run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval, aval_of
from glassgrad.core.interpret import as_operand
from glassgrad.core.position import Place, Position
from glassgrad.core.primitive import Primitive
from glassgrad.core.region import Path
from glassgrad.errors import GraphError, Operand, ShapeError
from glassgrad.graph.readers import Readable
from glassgrad.text import say
from glassgrad.tree import Structure, flatten, unflatten


class Var:
    """One value of a graph; two are the same only if they are one object."""

    __slots__ = ("aval", "name")

    def __init__(self, aval: Aval, name: str = "") -> None:
        self.aval = aval
        self.name = name

    @property
    def shape(self) -> tuple[int, ...]:
        return self.aval.shape

    @property
    def dtype(self) -> Any:
        return self.aval.dtype

    def __repr__(self) -> str:
        return f"<Var {self.name or '_'}: {self.aval}>"


@dataclass(frozen=True, slots=True)
class Literal:
    """A scalar written in place; a Python scalar is weak in promotion."""

    value: Any

    @property
    def aval(self) -> Aval:
        return aval_of(self.value)


Atom = Var | Literal


@dataclass(frozen=True, slots=True, eq=False)
class Eqn:
    """`outputs = primitive(*inputs, **params)` and where it comes from.

    graphs:   inner graphs of `scan`, `cond`, `checkpoint`
    region:   path of the boxes that it is drawn in, such as ("fc1", "softmax")
    position: instruction of the user's program
    derives:  the forward equation that this backward one differentiates
    """

    primitive: Primitive
    inputs: tuple[Atom, ...]
    outputs: tuple[Var, ...]
    params: Mapping[str, Any]
    region: Path = ()
    position: Position | Place | None = None
    derives: Eqn | None = None
    graphs: tuple[Graph, ...] = ()

    @property
    def all_params(self) -> dict[str, Any]:
        """The parameters as `bind` takes them, inner graphs included."""
        return {**self.params, "graphs": self.graphs} if self.graphs else dict(self.params)


@dataclass(frozen=True, eq=False)
class Graph(Readable):
    """A program: inputs, constants, equations in order, outputs.

    in_structure and out_structure say how nested arguments and results are packed. `retrace` runs
    the recorded function again for other shapes, where it is still at hand. `wrt` are the numbers
    of the inputs whose gradients stand behind the first output; None for any other graph.
    """

    inputs: tuple[Var, ...]
    outputs: tuple[Atom, ...]
    eqns: tuple[Eqn, ...]
    consts: tuple[tuple[Var, Any], ...] = ()
    name: str = "f"
    in_structure: Structure | None = None
    out_structure: Structure | None = None
    retrace: Callable[..., Graph] | None = field(default=None, repr=False)
    wrt: tuple[int, ...] | None = None

    def flatten_arguments(self, args: Sequence[Any]) -> list[Any]:
        """The leaves of call arguments, checked against what was traced; scalars get its dtype."""
        leaves, _ = flatten(tuple(args))
        if len(leaves) != len(self.inputs):
            problem = say(
                "takes {wanted} arrays, got {got}", wanted=len(self.inputs), got=len(leaves)
            )
            raise GraphError(problem, operation=self.name)
        return [self._fitted(leaf, var) for leaf, var in zip(leaves, self.inputs, strict=True)]

    def _fitted(self, leaf: Any, var: Var) -> Any:
        """An argument as the recorded program needs it."""
        value = as_operand(leaf)
        aval = aval_of(value)
        fits = (aval.shape, aval.dtype) == (var.shape, var.dtype)
        has_dtype = hasattr(leaf, "dtype")  # Python numbers and lists have none
        if not fits and not has_dtype and np.can_cast(aval.dtype, var.dtype, "same_kind"):
            value = np.asarray(leaf, var.dtype)[()]
            fits = value.shape == var.shape
        if fits:
            return value
        raise ShapeError(
            say("recorded for {wanted}, got {got}", wanted=var.aval, got=aval),
            operation=self.name,
            operands=[Operand(var.name or "x", aval.shape, aval.dtype.name)],
            rule=say("a graph has fixed shapes and dtypes"),
            hint=say("trace the function again with arguments like these"),
        )

    def pack_results(self, leaves: Sequence[Any]) -> Any:
        """Flat results in the container that the function returned."""
        if self.out_structure is None:
            return tuple(leaves) if len(leaves) != 1 else leaves[0]
        return unflatten(self.out_structure, leaves)

    def with_eqns(self, eqns: Sequence[Eqn], **changes: Any) -> Graph:
        """The same program with other equations, for passes."""
        return replace(self, eqns=tuple(eqns), **changes)

    def variables(self) -> Iterator[Var]:
        """Every value in the order of its definition."""
        yield from self.inputs
        for var, _ in self.consts:
            yield var
        for eqn in self.eqns:
            yield from eqn.outputs
