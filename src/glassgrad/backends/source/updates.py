"""The update of an optimiser, parameter by parameter.

Layer L6. What only depends on the learning rate and on the number of the step is computed once;
the rest falls into parts, one a parameter, unless clipping ties them together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glassgrad.backends.source.body import Op
from glassgrad.graph.ir import Var

_RATE = "lr"


def updates_of(ops: Sequence[Op]) -> list[list[Op]]:
    """The operations of each parameter's update."""
    update = [op for op in ops if op.section == "update"]
    makers = {var: op for op in ops for var in op.outputs}
    shared = _shared(update, makers)
    part: dict[Op, list[Op]] = {}
    for op in update:
        if op in shared:
            continue
        joined = [op]
        for atom in op.inputs:
            maker = makers.get(atom) if isinstance(atom, Var) else None
            if maker in part and part[maker] is not joined:
                joined = _merged(part, part[maker], joined)
        part.update((member, joined) for member in joined)
    return list({id(group): group for group in part.values()}.values())


def _merged(part: dict[Op, list[Op]], one: list[Op], two: list[Op]) -> list[Op]:
    one += [op for op in two if op not in one]
    part.update((op, one) for op in one)
    return one


def _shared(update: Sequence[Op], makers: Mapping[Var, Op]) -> set[Op]:
    """What depends on numbers among the inputs alone."""
    found: set[Op] = set()
    for op in update:
        read = [atom for atom in op.inputs if isinstance(atom, Var)]
        if all(makers[x] in found if x in makers else x.shape == () for x in read):
            found.add(op)
    return found


def names_of_update(
    members: Sequence[Op], makers: Mapping[Var, Op], wanted: Mapping[Var, str]
) -> dict[Var, str]:
    """What the values of one update are called inside its function: p, g, m, new_m, rate."""
    made = {var for op in members for var in op.outputs}
    read = [a for op in members for a in op.inputs if isinstance(a, Var) and a not in made]
    states = [x for x in read if x not in makers and x.shape != ()]
    parameter = min((x.name for x in states), key=len, default="")
    names: dict[Var, str] = {}
    for x in dict.fromkeys(read):
        maker = makers.get(x)
        if x in states:
            names[x] = x.name.removesuffix(f"_{parameter}") if x.name != parameter else "p"
        elif maker is not None and maker.section == "backward":
            names[x] = "g"
        else:
            names[x] = _scalar_name(x, makers)
    for var in made:
        name = wanted.get(var, "").removeprefix("new_")
        if name == parameter:
            names[var] = "new_p"
        elif name.endswith(f"_{parameter}"):
            names[var] = f"new_{name.removesuffix(f'_{parameter}')}"
    return names


def _scalar_name(var: Var, makers: Mapping[Var, Op]) -> str:
    """`rate` for what depends on the learning rate, else `scale`."""
    if var not in makers:
        return var.name
    read = [atom for atom in makers[var].inputs if isinstance(atom, Var)]
    below = {_scalar_name(atom, makers) for atom in read}
    return "rate" if below & {_RATE, "rate"} else "scale"


def rank_in_update(name: str) -> tuple[int, str]:
    """The parameter, its gradient, its state by name, then the numbers."""
    places = {"p": 0, "new_p": 0, "g": 1, "lr": 3, "rate": 3, "scale": 4}
    return places.get(name, 2), name
