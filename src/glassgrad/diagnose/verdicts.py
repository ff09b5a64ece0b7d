"""Verdicts and the diagnosis that holds them: as text, table, JSON and HTML.

Layer L9. Nothing is decided here. A verdict keeps its numbers; words are spoken when they are read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

from glassgrad.diagnose.measure import Layer
from glassgrad.diagnose.network_laws import KINDS
from glassgrad.text import say

FAULT: Final = "fault"
WARNING: Final = "warning"
HEALTHY: Final = "healthy"
_LEFT = 3  # columns of words; numbers stand right
_POWER = re.compile(r"^(-?[\d.]+)e([+-]\d+)$")
_RANKS = {FAULT: 0, WARNING: 1, HEALTHY: 2}


@dataclass(frozen=True)
class Verdict:
    """One finding: what kind, how bad ("fault", "warning" or "healthy"), where, and its numbers."""

    kind: str
    severity: str
    where: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return KINDS[self.kind].title()

    @property
    def claim(self) -> str:
        """The evidence as a sentence."""
        return KINDS[self.kind].claim(self.evidence)

    @property
    def law(self) -> str:
        """Why this must be so."""
        return KINDS[self.kind].law()

    @property
    def remedy(self) -> str:
        """What to do about it, in one line."""
        return KINDS[self.kind].remedy()

    def to_dict(self) -> dict[str, Any]:
        evidence = {name: _plain(value) for name, value in self.evidence.items()}
        return {
            "kind": self.kind,
            "severity": self.severity,
            "where": self.where,
            "title": self.title,
            "claim": self.claim,
            "evidence": evidence,
            "law": self.law,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """All verdicts, the worst first, and what was measured of each layer; true if nothing is wrong.

    verdicts: see `Verdict`; warnings do not make a diagnosis false
    layers:   weights in the order of the forward pass
    """

    verdicts: tuple[Verdict, ...]
    layers: tuple[Layer, ...]

    def __bool__(self) -> bool:
        return not self.faults

    @property
    def faults(self) -> tuple[Verdict, ...]:
        return self._of(FAULT)

    @property
    def warnings(self) -> tuple[Verdict, ...]:
        return self._of(WARNING)

    def _of(self, severity: str) -> tuple[Verdict, ...]:
        return tuple(v for v in self.verdicts if v.severity == severity)

    def __str__(self) -> str:
        parts = [summary(self)]
        parts += ["\n".join(_lines(v)) for v in self.verdicts if v.severity != HEALTHY]
        healthy = [f"{_mark(v)}  {v.title}: {v.claim}" for v in self._of(HEALTHY)]
        parts += ["\n".join(healthy)] if healthy else []
        parts += [self.table()] if self.layers else []
        return "\n\n".join(parts)

    def table(self) -> str:
        """What was measured of each layer, as aligned columns of plain text."""
        return aligned(layer_rows(self.layers))

    def to_dict(self) -> dict[str, Any]:
        """For programs, as JSON can hold it."""
        return {
            "healthy": bool(self),
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "layers": [layer.to_dict() for layer in self.layers],
        }

    def html(self) -> str:
        """A fragment for a page that sets the variables of `view/style.py`."""
        items = "".join(map(_item, self.verdicts))
        table = _html_table(layer_rows(self.layers)) if self.layers else ""
        text = escape(summary(self), quote=False)
        return f'<section class="diagnosis"><p>{text}</p><ul>{items}</ul>{table}</section>'

    def _repr_html_(self) -> str:
        from glassgrad.view.style import ROOT, css  # noqa: PLC0415 - only notebooks ask

        return f'<div class="{ROOT}"><style>{css()}</style>{self.html()}</div>'


def fault(kind: str, where: str = "", /, **evidence: Any) -> Verdict:
    """A verdict of something wrong."""
    return Verdict(kind, FAULT, where, evidence)


def warning(kind: str, where: str = "", /, **evidence: Any) -> Verdict:
    """A verdict of something that may be wrong."""
    return Verdict(kind, WARNING, where, evidence)


def healthy(kind: str, where: str = "", /, **evidence: Any) -> Verdict:
    """A verdict that something is as it should be."""
    return Verdict(kind, HEALTHY, where, evidence)


def ranked(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Faults, then warnings, then what is healthy; each in the order of the checks."""
    return tuple(sorted(verdicts, key=lambda verdict: _RANKS[verdict.severity]))


def summary(diagnosis: Diagnosis) -> str:
    """How many verdicts of each kind, in a line."""
    counts = {"faults": len(diagnosis.faults), "warnings": len(diagnosis.warnings)}
    if not any(counts.values()):
        return say("healthy: no fault was found")
    return say("faults: {faults}, warnings: {warnings}", **counts)


# --- text --------------------------------------------------------------------------------


def _mark(verdict: Verdict) -> str:
    words = {FAULT: say("FAULT"), WARNING: say("WARNING"), HEALTHY: say("OK")}
    return words[verdict.severity]


def _lines(verdict: Verdict) -> list[str]:
    where = f"  ({verdict.where})" if verdict.where else ""
    lines = [f"{_mark(verdict)}  {verdict.title}{where}"]
    lines += [f"    {line}" for line in verdict.claim.splitlines()]
    rows = [(say("law"), verdict.law), (say("remedy"), verdict.remedy)]
    return lines + [f"    {name}: {text}" for name, text in rows if text]


def layer_rows(layers: Sequence[Layer]) -> list[tuple[str, ...]]:
    """The table of the layers; the first row is its head. Columns without an entry are left out."""
    head = (
        say("layer"),
        say("weights"),
        say("activation"),
        say("mean"),
        say("std"),
        say("saturated"),
        say("dead"),
        "RMS W",
        "RMS dW",
        "ΔW/W",
    )
    body = list(map(_cells, layers))
    told = [i for i in range(len(head)) if i < _LEFT or any(row[i] for row in body)]
    return [tuple(row[i] for i in told) for row in (head, *body)]


def _cells(layer: Layer) -> tuple[str, ...]:
    return (
        layer.name,
        str(layer.shape),
        layer.activation or "",
        f"{layer.mean:.3g}",
        f"{layer.std:.3g}",
        "" if layer.saturated is None else f"{layer.saturated:.0%}",
        "" if layer.dead is None else f"{layer.dead:.0%}",
        f"{layer.weight:.3g}",
        f"{layer.gradient:.1e}",
        "" if layer.update is None else f"{layer.update:.1e}",
    )


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as columns; Hangul takes two places."""
    sizes = [max(_width(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = []
        for i, (cell, size) in enumerate(zip(row, sizes, strict=True)):
            blanks = " " * (size - _width(cell))
            cells.append(cell + blanks if i < _LEFT else blanks + cell)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _plain(value: Any) -> Any:
    """A number or word as it is, what has parts of its own as those."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return value.item() if hasattr(value, "item") else value


# --- HTML --------------------------------------------------------------------------------


def _item(verdict: Verdict) -> str:
    where = f" <code>{escape(verdict.where)}</code>" if verdict.where else ""
    head = f"<strong>{escape(_mark(verdict))}</strong> {escape(verdict.title)}{where}"
    claim = "<br>".join(escape(line) for line in verdict.claim.splitlines())
    rows = [(say("law"), verdict.law), (say("remedy"), verdict.remedy)]
    more = "".join(f"<p><em>{escape(n)}:</em> {escape(t)}</p>" for n, t in rows if t)
    style = "color:var(--grad)" if verdict.severity == FAULT else "color:var(--ink)"
    title = f'<span style="{style}">{head}</span>'
    return f'<li class="{verdict.severity}">{title}<p>{claim}</p>{more}</li>'


def _html_cell(cell: str) -> str:
    """A number in powers of ten is set as one: 1.1 · 10⁻⁶."""
    text = _POWER.sub(lambda m: f"{m[1]} · 10<sup>{_exponent(m[2])}</sup>", escape(cell))
    return f'<td style="white-space:nowrap">{text}</td>'


def _exponent(digits: str) -> str:
    return str(int(digits)).replace("-", "−")


def _html_table(rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in rows[0])
    body = "".join("<tr>" + "".join(map(_html_cell, row)) + "</tr>" for row in rows[1:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


__all__ = ["Diagnosis", "Verdict", "fault", "healthy", "ranked", "warning"]
