"""What a gradient means, in a sentence, and why it is 0 where it is.

Layer L8.
"""

from __future__ import annotations

import math

from glassgrad.text import say
from glassgrad.view.explain.explanation import Explanation
from glassgrad.view.explain.labels import text_of_number
from glassgrad.view.formulas.plain import line

_DIGITS = 2
_READABLE = 10**30
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def sentence(e: Explanation) -> str:
    """How much the one moves when the other grows a little.

    "if x1 grows by 0.01, f falls by about 0.0059"
    """
    if e.gradient == 0:
        return why_zero(e)
    amount = text_of_number(float(f"{abs(e.gradient * e.step):.{_DIGITS}g}"), None)
    values = {
        "target": e.target[0],
        "step": text_of_number(e.step, None),
        "of": e.of[0],
        "amount": amount,
    }
    if e.gradient > 0:
        return say("If {target} grows by {step}, {of} rises by about {amount}.", **values)
    return say("If {target} grows by {step}, {of} falls by about {amount}.", **values)


def tried(e: Explanation) -> str:
    """What a trial gave; empty where it gave what the gradient foretold."""
    if not math.isfinite(e.moved):
        return ""
    foretold = e.gradient * e.step
    if abs(foretold - e.moved) <= 0.01 * abs(foretold) + e.rounding:
        return ""
    moved, expected = (text_of_number(float(f"{x:.{_DIGITS}g}"), None) for x in (e.moved, foretold))
    if moved == expected:
        return ""
    return say("Tried: it moves by {moved}; the gradient holds for smaller steps.", moved=moved)


def why_zero(e: Explanation) -> str:
    """Why nothing moves."""
    of, target = e.of[0], e.target[0]
    if e.is_connected and e.open + e.closed == 0:
        return say(
            "{of} does not move with {target}: no operation on the way hands a derivative on.",
            of=of,
            target=target,
        )
    if not e.is_connected:
        return say("{of} does not depend on {target}: no path leads there.", of=of, target=target)
    if e.open:
        return say(
            "{of} does not move with {target}: what the paths carry cancels.", of=of, target=target
        )
    return say(
        "{of} does not move with {target}: every path has a local derivative of 0.",
        of=of,
        target=target,
    )


def closed_places(e: Explanation) -> list[str]:
    """Where paths are closed."""
    return [
        say(
            "closed at {label}, where {operand} = {value}: the local derivative {formula} is 0",
            label=_defined(line(place.label), line(place.formula)),
            operand=line(place.operand),
            value=text_of_number(place.value, e.precision),
            formula="" if place.local is None else line(place.local),
        ).replace("  ", " ")
        for place in e.closed_at
    ]


def count_text(count: int) -> str:
    """A number of paths in full, or with a power of ten where nobody would read it.

    >>> count_text(12345), count_text(3**1000)
    ('12,345', '1.3·10⁴⁷⁷')
    """
    if count < _READABLE:
        return f"{count:,}"
    exponent = int(math.log10(count))
    mantissa = count // 10 ** (exponent - 1) / 10
    raised = str(exponent).translate(_RAISED)
    return f"{mantissa}·10{raised}"


def _defined(label: str, formula: str) -> str:
    return label if label == formula else f"{label} = {formula}"


def summary(e: Explanation) -> str:
    """How many paths there are, and how much of them is listed."""
    count = count_text(e.open)
    counted = say("1 path") if e.open == 1 else say("{count} paths", count=count)
    parts = [counted]
    if len(e.routes) < e.open:
        parts = [
            say("{count} paths, the {shown} strongest listed", count=count, shown=len(e.routes))
        ]
        if e.magnitude is not None:
            share = text_of_number(float(f"{100 * e.coverage:.3g}"), None)
            parts.append(say("they carry {share} % of what all paths carry", share=share))
    if e.closed == 1:
        parts.append(say("1 more path is closed by a local derivative of 0"))
    elif e.closed:
        parts.append(
            say("{count} more are closed by a local derivative of 0", count=count_text(e.closed))
        )
    return "; ".join(parts)
