"""The user's names for the values of a graph, and which of them may stand in emitted code.

Layer L3. A statement `h = np.tanh(a)` names the value it assigns. Several equations may come from
one statement (`h = softmax(a)`): the name belongs to the last of them, which is what the call
returns.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from glassgrad.core.aval import is_float
from glassgrad.core.position import name_of
from glassgrad.tree import Structure, module_slots

if TYPE_CHECKING:
    from glassgrad.graph.ir import Atom, Eqn, Graph, Var

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}\Z")
_BOOK_NAME = re.compile(r"(?:W|[wb]_?\d+|W_?\d+|theta_?\d*|\w+_(?:W|b|weight|bias))\Z")
_FORBIDDEN = frozenset(dir(builtins)) | {"np", "numpy"} | frozenset(keyword.softkwlist)


def checked(name: str) -> str:
    """`name` if it may stand in emitted code, else an empty string.

    >>> checked("W1"), checked("lambda"), checked("np"), checked("x; y")
    ('W1', '', '', '')
    """
    ok = _IDENTIFIER.match(name) and not keyword.iskeyword(name) and name not in _FORBIDDEN
    return name if ok and not name.startswith("__") else ""


def name_values(eqns: Sequence[Eqn]) -> None:
    """Give user's names to results that have none; of one call, to one result."""
    given = {(eqn.position, var.name) for eqn in eqns for var in eqn.outputs if var.name}
    for i, eqn in enumerate(eqns):
        follower = eqns[i + 1] if i + 1 < len(eqns) else None
        if len(eqn.outputs) != 1 or eqn.outputs[0].name or eqn.derives is not None:
            continue
        if follower is not None and _same_call(eqn, follower):
            continue
        name = name_of(eqn.position)
        eqn.outputs[0].name = "" if (eqn.position, name) in given else name


def name_gradients(gradients: dict[Atom, list[Atom]]) -> None:
    """Call the gradient of `h1` dh1, as the books do; of several values, the first with a name."""
    for gradient, values in gradients.items():
        name = next(filter(None, (getattr(var, "name", "") for var in values)), "")
        if name and getattr(gradient, "name", None) == "":
            gradient.name = f"d{name}"  # type: ignore[union-attr]


def parameters(graph: Graph) -> list[Var]:
    """The inputs that are parameters: those that modules among the arguments declare, else those
    named as the books name weights and biases, `b` among them where there is a weight."""
    structure = graph.in_structure
    if isinstance(structure, Structure):
        slots = ((slot, graph.inputs[index]) for slot, index in module_slots(structure))
        declared = [var for slot, var in slots if slot.role == "parameter"]
        if declared:
            return list(dict.fromkeys(declared))
    floats = [var for var in graph.inputs if is_float(var.dtype)]
    found = [var for var in floats if _BOOK_NAME.match(var.name)]
    has_weight = any(var.name[0] in "wW" for var in found)
    return [var for var in floats if var in found or (has_weight and var.name == "b")]


def _same_call(eqn: Eqn, follower: Eqn) -> bool:
    """Whether both come from one call of a library function, inside its region."""
    same_place = eqn.position is not None and eqn.position == follower.position
    return same_place and bool(eqn.region or follower.region) and follower.derives is None
