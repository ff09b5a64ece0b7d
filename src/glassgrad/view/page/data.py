"""What the script of a page knows: values with all their digits, nodes, formulas, source lines.

Layer L8. Arrays are summarised and sampled, never written out: the size of a page does not grow
with the size of its arrays.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glassgrad.graph.ir import Eqn
from glassgrad.view.blocks import sampled, summarised
from glassgrad.view.labels import Label, plain, text_of
from glassgrad.view.markup import words
from glassgrad.view.page.formulas import Formulas
from glassgrad.view.page.lines import Source
from glassgrad.view.page.scenes import Scene
from glassgrad.view.record import Missing
from glassgrad.view.units import Kind, Program, Unit, Value, parameter_count

_MOST_ELEMENTS = 24  # of an array that is written out
_MAP_ROWS, _MAP_COLUMNS = 8, 18
_EXACT_INTEGERS = 2**53  # beyond, a script's numbers skip some
_TAGS = {"italic": "i", "sub": "sub", "sup": "sup"}


def data_of(
    program: Program, scenes: Sequence[Scene], sources: Mapping[str, Source]
) -> dict[str, Any]:
    """Tables of plain lists, dictionaries, texts and numbers."""
    tables = _Tables(program, sources)
    shown = [tables.scene(scene) for scene in scenes]
    return {
        "hasValues": program.record.has_values,
        "hasGradients": program.record.has_gradients,
        "scenes": shown,
        "values": tables.values,
        "details": tables.details,
        "sources": {code: source.text.splitlines() for code, source in sources.items()},
    }


def as_json(data: Any) -> str:
    """JSON that can stand inside a `script` element, whatever texts it holds.

    >>> as_json({"name": "</script>"})
    '{"name":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


# --- tables ------------------------------------------------------------------------------


class _Tables:
    """Values and formulas, each written once and named by its number."""

    def __init__(self, program: Program, sources: Mapping[str, Source]) -> None:
        self.program = program
        self.sources = sources
        self.formulas = Formulas(program)
        self.values: list[dict[str, Any]] = []
        self.details: list[dict[str, Any]] = []
        self._numbers: dict[Value, int] = {}
        self._written: dict[Eqn | Unit, int] = {}
        self._order = {eqn: number for number, eqn in enumerate(program.graph.eqns)}

    def scene(self, scene: Scene) -> dict[str, Any]:
        return {
            "level": scene.level,
            "opened": list(scene.opened),
            "isDown": scene.is_down,
            "nodes": [self._node(unit) for unit in scene.units],
            "nets": [self._value(value) for value in scene.nets],
        }

    def _node(self, unit: Unit) -> dict[str, Any]:
        node: dict[str, Any] = {
            "kind": unit.kind.value,
            "text": plain(unit.title or text_of(unit.label)),
            "html": label_html(unit.label),
            "ins": [[self._value(o.value), _number(o.local)] for o in unit.operands],
            "outs": [self._value(value) for value in unit.results],
        }
        optional = {
            "region": "/".join(unit.region),
            "place": unit.place,
            "title": plain(unit.title),
            "time": max(
                (self._order[eqn] + 1 for eqn in unit.eqns if eqn in self._order), default=0
            ),
            "lines": {code: _lines(unit, source) for code, source in self.sources.items()},
        }
        if unit.kind is Kind.REGION:
            optional["equations"] = len(unit.eqns)
            optional["parameters"] = parameter_count(unit.inside)
            optional["inside"] = [plain(text_of(u.label)) for u in unit.inside if not u.eqns]
        if unit.kind is Kind.OPERATION:
            node["detail"] = self._detail(unit)
        return node | {key: value for key, value in optional.items() if value}

    # --- values ------------------------------------------------------------------------------

    def _value(self, value: Value) -> int:
        if value not in self._numbers:
            self._numbers[value] = len(self.values)
            name = label_html(value.label) if value.label else f"<i>{words(value.key)}</i>"
            self.values.append(
                {
                    "key": value.key,
                    "name": written_name(value),
                    "html": name,
                    "dtype": value.aval.dtype.name,
                    "shape": list(value.aval.shape),
                    "value": _cell(value.data),
                    "gradient": _cell(value.gradient),
                }
            )
        return self._numbers[value]

    # --- formulas ----------------------------------------------------------------------------

    def _detail(self, unit: Unit) -> int:
        key = unit.eqns[0] if self.formulas.is_whole(unit) else unit
        if key not in self._written:
            self._written[key] = len(self.details)
            self.details.append(self.formulas.of(unit))
        return self._written[key]


def _lines(unit: Unit, source: Source) -> list[list[int]]:
    """The forward lines and the backward lines of a node."""
    return [
        sorted({line for eqn in unit.eqns for line in table.get(eqn, ())})
        for table in (source.forward, source.backward)
    ]


def written_name(value: Value) -> str:
    """The name of a value on one line: `W1`, `E_o1`, `fc2.b`, `W[0,1]`."""
    parts = []
    for span in value.label:
        if span.style == "sub" and not span.text.isalnum():
            return value.key  # an element of an array
        is_word = span.style == "sub" and not span.text.isdigit()
        parts.append(f"_{span.text}" if is_word else span.text)
    return plain("".join(parts)) or value.key


def label_html(label: Label) -> str:
    """A label as HTML; every text is escaped."""
    parts = []
    for span in label:
        tag = _TAGS.get(span.style)
        parts.append(f"<{tag}>{words(span.text)}</{tag}>" if tag else words(span.text))
    return "".join(parts)


# --- numbers -----------------------------------------------------------------------------


def _cell(data: Any) -> Any:
    """A number with all its digits, a summary of an array, or null for nothing."""
    if data is None or isinstance(data, Missing):
        return None
    array = np.asarray(data)
    if array.size == 1:
        return _number(array.reshape(()).item())
    summary = summarised(array)
    cell: dict[str, Any] = {"count": array.size, "summary": [_number(x) for x in summary.numbers]}
    if summary.is_sampled:
        cell["isSampled"] = True
    if summary.warning:
        cell["warning"] = summary.warning
    if 0 < array.size <= _MOST_ELEMENTS and array.ndim <= 2:  # noqa: PLR2004 - a matrix
        rows = array.reshape(-1, array.shape[-1]).tolist()
        cell["elements"] = [[_number(x) for x in row] for row in rows]
    elif array.size:
        sample = sampled(array, _MAP_ROWS, _MAP_COLUMNS)
        cell["sample"] = [[_rough(x) for x in row] for row in sample.tolist()]
    return cell


def _number(value: Any) -> Any:
    """A number as JSON can hold it: what is not finite, and large integers, are texts."""
    plain_value = value.item() if hasattr(value, "item") else value
    if isinstance(plain_value, complex):
        return [_number(plain_value.real), _number(plain_value.imag)]
    if isinstance(plain_value, bool):
        return str(plain_value)
    if isinstance(plain_value, int):
        return plain_value if abs(plain_value) < _EXACT_INTEGERS else str(plain_value)
    if isinstance(plain_value, float) and not math.isfinite(plain_value):
        return "NaN" if math.isnan(plain_value) else "Infinity" if plain_value > 0 else "-Infinity"
    return plain_value


def _rough(value: float) -> Any:
    """Three digits, enough for the area of a square."""
    return float(f"{value:.3g}") if math.isfinite(value) else _number(value)


__all__ = ["as_json", "data_of", "label_html", "written_name"]
