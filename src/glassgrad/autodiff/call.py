"""A call with nested arguments as a flat function of its array leaves.

Layer L4. What `api` shares: containers of arguments and results, which leaves are differentiated,
and what is refused before anything runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from glassgrad.config import config
from glassgrad.core.aval import aval_of, is_float
from glassgrad.core.interpret import as_operand
from glassgrad.errors import DtypeError, GradientError, Operand, ShapeError
from glassgrad.graph.trace import argument_names
from glassgrad.text import say
from glassgrad.tree import Structure, flatten, installed, module_slots, named_leaves, unflatten

Argnums = int | Sequence[int]


class Call:
    """A call with nested arguments seen as a flat function of its array leaves."""

    def __init__(
        self, function: Callable[..., Any], args: Any, kwargs: Any, argnums: Argnums, has_aux: bool
    ) -> None:
        self.function = function
        self.name = getattr(function, "__name__", "function")
        self.kwargs = kwargs
        self.has_aux = has_aux
        self.argnums = argnums
        leaves, self.structure = flatten(tuple(args))
        self.leaves = [as_operand(leaf) if not hasattr(leaf, "dtype") else leaf for leaf in leaves]
        self.leaves = [_array(leaf) for leaf in self.leaves]
        self.out_structure: Structure | None = None
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        self._positions = [self._position(n, len(args)) for n in numbers]
        named = dict(zip(argument_names(function, len(args)), args, strict=True))
        self._check(*named_leaves(named)[:2])

    def _position(self, number: int, count: int) -> int:
        if not -count <= number < count:
            problem = say("argnums {n} names no argument", n=number)
            raise GradientError(problem, operation=self.name, rule=f"{-count} <= argnums < {count}")
        return number % count

    def _check(self, paths: Sequence[str], roles: Sequence[str]) -> None:
        """Refuse integers: a zero for them would be a silent answer."""
        for i in {i for p in self._positions for i in _indices(self.structure.children[p])}:
            aval = aval_of(self.leaves[i])
            if is_float(aval.dtype) or roles[i] == "state":
                continue
            dtype = aval.dtype.name
            raise DtypeError(
                say("an argument of dtype {dtype} has no gradient", dtype=dtype),
                operation=self.name,
                operands=[Operand(paths[i], aval.shape, dtype)],
                rule=say("gradients belong to floating-point numbers"),
                hint=say("write 3.0 instead of 3, or use .astype(float)"),
            )

    def flat(self, *leaves: Any) -> list[Any]:
        with installed(self.structure, leaves) as arguments:
            result = self.function(*arguments, **self.kwargs)
            if self.has_aux:
                result, self.aux = result
            self._refuse_state(leaves)
        outputs, self.out_structure = flatten(result)
        if not outputs:
            raise GradientError(
                say("returned nothing"),
                operation=self.name,
                hint=say("end the function with `return value`"),
            )
        return [as_operand(out) for out in outputs]

    def _refuse_state(self, leaves: Sequence[Any]) -> None:
        for slot, index in module_slots(self.structure):
            if slot.role == "state" and slot.get() is not leaves[index]:
                raise GradientError(
                    say("the state {path} is written inside a transform", path=slot.path),
                    operation=self.name,
                    hint=say("return the new state, call model.eval(), or use gg.train_step"),
                )

    def pack_value(self, outputs: Sequence[Any]) -> tuple[Any, Any]:
        assert self.out_structure is not None
        return unflatten(self.out_structure, outputs), getattr(self, "aux", None)

    def pack_gradients(self, grads: Sequence[Any]) -> Any:
        trees = [
            unflatten(self._differentiable(self.structure.children[p]), grads)
            for p in self._positions
        ]
        return trees[0] if isinstance(self.argnums, int) else tuple(trees)

    def _differentiable(self, structure: Structure) -> Structure:
        """A module without its state: state has no gradient."""
        if structure.kind != "module":
            return structure
        kept = [
            (slot, child)
            for slot, child in zip(structure.slots, structure.children, strict=True)
            if slot.role != "state"
        ]
        slots, children = zip(*kept, strict=True) if kept else ((), ())
        return Structure("module", tuple(slots), tuple(children), structure.type)

    def chosen_leaves(self) -> list[Any]:
        return [leaf for i, leaf in enumerate(self.leaves) if self.is_chosen(i)]

    def is_chosen(self, index: int) -> bool:
        return any(index in _indices(self.structure.children[p]) for p in self._positions)


def _indices(structure: Structure) -> list[int]:
    if structure.kind == "leaf":
        return [structure.index]
    return [i for child in structure.children for i in _indices(child)]


def _array(leaf: Any) -> Any:
    if type(leaf) is float:
        return config.float.type(leaf)
    return leaf


def like(given: Any, wanted: Any, what: str) -> Any:
    """A cotangent or tangent with the shape and dtype of the value it belongs to."""
    aval, found = aval_of(wanted), aval_of(as_operand(given))
    if found.shape != aval.shape:
        raise ShapeError(
            say(
                "the {what} has shape {given}, its value {wanted}",
                what=say(what),
                given=found.shape,
                wanted=aval.shape,
            )
        )
    if not is_float(aval.dtype):
        return None
    given = as_operand(given)
    if found.weak:
        return aval.dtype.type(given)
    return given if found.dtype == aval.dtype else given.astype(aval.dtype)


def require_scalar(outputs: Sequence[Any], call: Call) -> None:
    aval = aval_of(outputs[0])
    if aval.shape != () or aval.dtype.kind != "f" or len(outputs) != 1:
        found = f"{len(outputs)} arrays" if len(outputs) > 1 else str(aval)
        raise GradientError(
            say("the result is {aval}, not a scalar", aval=found),
            operation=call.name,
            rule=say("a gradient belongs to one real number"),
            hint=say("reduce the result with .sum() or .mean(), or use gg.jacobian"),
        )
