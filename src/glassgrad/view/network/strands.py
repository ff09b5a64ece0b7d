"""Synapses: lines whose colour and dash tell the sign of a weight and whose width tells its size.

Layer L8. After an update the line stands for the change, and the label says old and new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.view.digits import number
from glassgrad.view.geometry import Point
from glassgrad.view.labels import Label, Span, name_label, plain, with_index
from glassgrad.view.network.marks import Look
from glassgrad.view.network.sheet import Sheet

_THIN, _THICK = 0.75, 4.0


@dataclass(frozen=True)
class Strand:
    """One weight on its way from one mark to another; `before` is what it was before an update."""

    source: str
    target: str
    label: Label
    name: str
    weight: float | None = None
    before: float | None = None

    @property
    def shown(self) -> float | None:
        """What colour and width stand for: the weight, or its change."""
        if self.weight is None:
            return None
        return self.weight if self.before is None else self.weight - self.before


def draw_strand(sheet: Sheet, strand: Strand, start: Point, end: Point, look: Look) -> None:
    """A line whose colour and dash tell the sign and whose width tells the size."""
    shown = strand.shown
    attributes: dict[str, Any] = {}
    class_ = "syn"
    if shown is not None:
        class_ += _class_of(shown)
        attributes["stroke_width"] = stroke(shown, look.largest) if np.isfinite(shown) else 3.0
        attributes["data_weight"] = repr(strand.weight)
        attributes["data_before"] = None if strand.before is None else repr(strand.before)
    sheet.straight(
        start,
        end,
        (strand.source, strand.target),
        class_,
        tooltip=_strand_words(strand),
        data_from=strand.source,
        data_to=strand.target,
        **attributes,
    )


def _class_of(shown: float) -> str:
    if not np.isfinite(shown):
        return " bad"
    return " z" if shown == 0 else " p" if shown > 0 else " n"


def stroke(value: float, largest: float) -> float:
    """The width of a line: it grows with the size of the weight.

    >>> stroke(0.0, 2.0), stroke(-2.0, 2.0)
    (0.75, 4.0)
    """
    share = min(abs(value) / largest, 1.0) if largest else 0.0
    return _THIN + (_THICK - _THIN) * share


def _strand_words(strand: Strand) -> str:
    if strand.weight is None:
        return plain(strand.name)
    if strand.before is None:
        return f"{plain(strand.name)} = {number(strand.weight, 6)}"
    change = number(strand.weight - strand.before, 6)
    before, now = number(strand.before, 6), number(strand.weight, 6)
    return f"{plain(strand.name)}: {before} → {now} (Δ {change})"


def element_label(name: str, index: tuple[int, ...], fallback: str) -> Label:
    """One weight in print: W with the subscript of its place; long names give way."""
    is_short = name.isidentifier() and len(name) <= 4  # noqa: PLR2004 - W1, Whh, w
    return with_index(name_label(name if is_short else fallback), index)


# --- labels ------------------------------------------------------------------------------


def label_class(strand: Strand) -> str:
    shown = strand.shown or 0.0
    return "wl p" if shown > 0 else "wl n" if shown < 0 else "wl"


def decimals_for(strands: Sequence[Strand], precision: int) -> int:
    """As many decimals as show what an update changed."""
    changes = [
        abs(s.weight - s.before)
        for s in strands
        if s.weight is not None and s.before is not None and s.weight != s.before
    ]
    if not changes:
        return precision
    return int(np.clip(np.ceil(-np.log10(np.median(changes))) + 1, precision, 6))


def label_lines(strand: Strand, decimals: int) -> tuple[Label, ...]:
    """Name and weight; or name, old and new weight, and the change under them."""
    if strand.weight is None:
        return (strand.label,)
    now = number(strand.weight, decimals)
    if strand.before is None:
        return ((*strand.label, Span(f"  {now}")),)
    before, change = number(strand.before, decimals), strand.weight - strand.before
    sign = "+" if change > 0 else ""
    return (
        (*strand.label, Span(f"  {before} → {now}")),
        (Span(f"{sign}{number(change, decimals)}"),),
    )
