"""Text with structure: italic variables, real subscripts, and how wide it will be.

Layer L8. A label is a tuple of spans. Names become `w₀` with a true subscript; an operation is
called by its record's symbol, with constants written in: `×(−1)`, `+1`, `1/x`, `max(x, 0)`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glassgrad.graph.ir import Eqn, Literal
from glassgrad.view.digits import MINUS, brief

LONGEST_NAME = 18


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a label: `style` is "", "italic", "sub" or "sup"."""

    text: str
    style: str = ""


Label = tuple[Span, ...]

# --- names -------------------------------------------------------------------------------

_NUMBERED = re.compile(r"([A-Za-zα-ωΑ-Ω]+?)_?(\d{1,3})\Z")
_INDEXED = re.compile(r"([A-Za-zα-ωΑ-Ω]{1,6})_([A-Za-z]{1,2}|[A-Za-z]{0,2}\d{1,2})\Z")


def plain(name: str) -> str:
    """`name` on one line, without characters that cannot be printed or that turn the line."""
    return "".join(c if c.isprintable() else "?" for c in name)


def shortened(name: str, longest: int = LONGEST_NAME) -> str:
    """`name` with its middle left out if it is long.

    >>> shortened("model_layers_0_weight")
    'model_la…_0_weight'
    """
    if len(name) <= longest:
        return name
    head = (longest - 1) // 2
    return f"{name[:head]}…{name[head + 1 - longest :]}"


def name_label(name: str) -> Label:
    """A variable's name as it is set in print.

    >>> name_label("w0"), name_label("E_o1")
    ((Span(text='w', style='italic'), Span(text='0', style='sub')), \
(Span(text='E', style='italic'), Span(text='o1', style='sub')))
    """
    name = plain(name)
    found = _NUMBERED.match(name) or _INDEXED.match(name)
    if found is None:
        return (Span(shortened(name), "italic"),)
    return Span(shortened(found[1]), "italic"), Span(found[2], "sub")


def with_index(label: Label, index: Sequence[int]) -> Label:
    """The label of one element: W with the subscript 0,1."""
    text = ",".join(map(str, index))
    if label and label[-1].style == "sub":
        return (*label[:-1], Span(f"{label[-1].text};{text}", "sub"))
    return (*label, Span(text, "sub"))


def text_of(label: Label) -> str:
    """The label without its structure."""
    return "".join(span.text for span in label)


# --- operations --------------------------------------------------------------------------

_PLACEHOLDER = re.compile(r"(?<![A-Za-z])[xy](?![A-Za-z])|[ˣʸ]")
_COMMUTING = "+×"  # signs that read the same with the constant on either side


def operation_label(eqn: Eqn) -> Label:
    """What stands inside the node of an equation."""
    symbol = plain(eqn.primitive.symbol or eqn.primitive.name)
    constants = [atom.value if isinstance(atom, Literal) else None for atom in eqn.inputs]
    if not any(isinstance(atom, Literal) for atom in eqn.inputs):
        return _set(symbol + _settings(eqn))
    if len(constants) == 2 and "ʸ" in symbol:  # noqa: PLR2004 - a binary operation
        return _power(constants)
    if len(constants) == 2 and len(symbol) == 1 and not symbol.isalpha():  # noqa: PLR2004
        return _set(_infix(symbol, constants, _is_literal(eqn)))
    return _set(_call(symbol, constants, _is_literal(eqn)) + _settings(eqn))


def _is_literal(eqn: Eqn) -> list[bool]:
    return [isinstance(atom, Literal) for atom in eqn.inputs]


def _power(constants: Sequence[Any]) -> Label:
    base, exponent = constants
    return (
        Span("x", "italic") if base is None else Span(brief(base)),
        Span("x" if exponent is None else brief(exponent), "sup"),
    )


def _infix(symbol: str, constants: Sequence[Any], literal: Sequence[bool]) -> str:
    if all(literal):
        return f"{brief(constants[0])}{symbol}{brief(constants[1])}"
    text = brief(constants[0] if literal[0] else constants[1])
    if literal[1] or symbol in _COMMUTING:
        return f"{symbol}({text})" if text.startswith(MINUS) else f"{symbol}{text}"
    return f"{text}{'/' if symbol == '÷' else f' {symbol} '}x"


def _call(symbol: str, constants: Sequence[Any], literal: Sequence[bool]) -> str:
    free = iter("xyzuv" if literal.count(False) <= 5 else "x" * literal.count(False))  # noqa: PLR2004
    shown = [brief(c) if known else next(free) for c, known in zip(constants, literal, strict=True)]
    return f"{symbol}({', '.join(shown)})"


def _settings(eqn: Eqn) -> str:
    """The parameters that a reader needs: axis, shape and dtype."""
    shown = []
    axis = eqn.params.get("axis")
    if axis is not None:
        listed = axis if isinstance(axis, tuple) else (axis,)
        shown.append("axis " + ", ".join(map(str, listed)))
    if eqn.params.get("dtype") is not None:
        shown.append(str(eqn.params["dtype"]))
    return " " + " ".join(shown) if shown else ""


def _set(text: str) -> Label:
    """Spans of a symbol: its variables in italics, raised letters as superscripts."""
    spans, start = [], 0
    for found in _PLACEHOLDER.finditer(text):
        spans.append(Span(text[start : found.start()]))
        letter = found[0]
        raised = {"ˣ": "x", "ʸ": "y"}.get(letter)
        spans.append(Span(raised, "sup") if raised else Span(letter, "italic"))
        start = found.end()
    spans.append(Span(text[start:]))
    return tuple(span for span in spans if span.text)


# --- widths ------------------------------------------------------------------------------

# In ems, on the wide side of the usual system fonts: a label never outgrows its room.
_NARROW = frozenset("iljtfrI.,:;|!'()[] ·")
_WIDE = frozenset("mwMW@—…%")
_SMALL = 0.75  # subscripts and superscripts against the text
_BOLD = 1.06


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """The room that `text` takes at a font size, in pixels."""
    width = size * sum(map(_em, text))
    return width * _BOLD if bold else width


def label_width(label: Label, size: float) -> float:
    """The room that a label takes at a font size, in pixels."""
    return sum(
        text_width(span.text, size * (_SMALL if span.style in ("sub", "sup") else 1))
        for span in label
    )


def _em(character: str) -> float:
    if character in _NARROW:
        return 0.37
    if character in _WIDE:
        return 0.95
    if character.isascii():
        return 0.7 if character.isupper() else 0.61
    return 1.0 if ord(character) > 0x2E80 else 0.65  # noqa: PLR2004 - Hangul and Han are square
