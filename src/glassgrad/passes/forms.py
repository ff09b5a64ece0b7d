"""Short forms of functions, as a book would print them.

Layer L5. Applied behind the laws of `laws.py`: what the chain rule gave is recognised first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from glassgrad.graph.ir import Atom, Eqn, Literal
from glassgrad.passes.laws import FACTORS, is_backward
from glassgrad.passes.rewrite import Law, Site
from glassgrad.primitives.activation import log_softmax_p
from glassgrad.primitives.arithmetic import subtract
from glassgrad.primitives.layout import broadcast_to_p, sum_p
from glassgrad.primitives.reduce import max_p
from glassgrad.primitives.transcendental import exp, log

_MOST_FILLED = 10**6  # elements of a constant that a law makes

# Regions that laws make, and what they compute.
FORMS = {"log_softmax": "The logarithm of softmax, shifted by the maximum: exp cannot overflow."}


def _short_log_softmax(eqn: Eqn, site: Site) -> Atom | None:
    """Without the digits of a loss that is almost 0, which the long form keeps."""
    if is_backward(eqn):
        return None
    # NOTE: added, not unpacked: a path may be of a class of its own, which the sum keeps.
    eqn = replace(eqn, region=eqn.region + ("log_softmax",))  # noqa: RUF005
    (x,) = eqn.inputs
    rows: dict[str, Any] = {"axis": (eqn.params["axis"],), "keepdims": True}
    shifted = site.bind(eqn, subtract, x, site.bind(eqn, max_p, x, **rows), name="shifted")
    total = site.bind(eqn, sum_p, site.bind(eqn, exp, shifted), **rows)
    return site.put(eqn, subtract, shifted, site.bind(eqn, log, total))


def _filled(eqn: Eqn, site: Site) -> Atom | None:
    """Ones instead of one number that is seen everywhere: a product of these sums otherwise."""
    (x,), (out,) = eqn.inputs, eqn.outputs
    if not isinstance(x, Literal) or not is_backward(eqn) or x.value not in FACTORS:
        return None
    return site.full(out.aval, x.value, out.name) if 0 < out.aval.size <= _MOST_FILLED else None


SHORT: tuple[Law, ...] = (
    Law(
        "short log-softmax",
        "log softmax(x) = x - m - log Σ exp(x - m), where m = max x",
        (log_softmax_p,),
        _short_log_softmax,
        8,
    ),
    Law("fill", "broadcast(c) = c + 0", (broadcast_to_p,), _filled, 8),
)
