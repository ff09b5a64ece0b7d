"""The user's names for the values of a graph.

Layer L3. A statement `h = np.tanh(a)` names the value it assigns. Several equations may come from one
statement (`h = softmax(a)`): the name belongs to the last of them, which is what the call returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from glassgrad.core.position import name_of

if TYPE_CHECKING:
    from glassgrad.graph.ir import Atom, Eqn


def name_values(eqns: Sequence[Eqn]) -> None:
    """Give user's names to results that have none."""
    for i, eqn in enumerate(eqns):
        follower = eqns[i + 1] if i + 1 < len(eqns) else None
        if len(eqn.outputs) != 1 or eqn.outputs[0].name or eqn.derives is not None:
            continue
        if follower is not None and _same_call(eqn, follower):
            continue
        eqn.outputs[0].name = name_of(eqn.position)


def name_gradients(gradients: dict[Atom, Atom]) -> None:
    """Call the gradient of `h1` dh1, as the books do."""
    for gradient, var in gradients.items():
        if getattr(var, "name", "") and getattr(gradient, "name", None) == "":
            gradient.name = f"d{var.name}"  # type: ignore[union-attr]


def _same_call(eqn: Eqn, follower: Eqn) -> bool:
    """Whether both come from one call of a library function, inside its region."""
    same_place = eqn.position is not None and eqn.position == follower.position
    return same_place and bool(eqn.region or follower.region) and follower.derives is None
