"""SVG text: escaped names, short numbers, spans with true subscripts.

Layer L8. Nothing reaches a picture but through here, so no name can become markup.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from html import escape
from typing import Any

from glassgrad.view.labels import Label, plain

_SHIFTS = {"sub": 0.27, "sup": -0.4}
_SMALL = 0.75


def coordinate(value: float) -> str:
    """At most two decimals, none that say nothing.

    >>> coordinate(12.0), coordinate(0.126), coordinate(-0.001)
    ('12', '0.13', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def element(tag: str, attributes: Mapping[str, Any], *children: str) -> str:
    """One element; an attribute that is None is left out, numbers are written short."""
    written = "".join(
        f' {name}="{_attribute(value)}"' for name, value in attributes.items() if value is not None
    )
    if not children:
        return f"<{tag}{written}/>"
    return f"<{tag}{written}>{''.join(children)}</{tag}>"


def framed(
    body: str,
    size: tuple[float, float],
    title: str,
    description: str,
    *,
    class_: str,
    style: str = "",
    **more: object,
) -> str:
    """A body as a picture of its own, with title, description and, where given, a style sheet."""
    width, height = size
    prefix = f"gg{zlib.crc32(body.encode()):08x}"
    head = [
        element("title", {"id": f"{prefix}t"}, words(title)),
        element("desc", {"id": f"{prefix}d"}, words(description)),
    ]
    if style:
        head.append(element("style", {}, "\n" + style + "\n"))
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": class_,
        "viewBox": f"0 0 {coordinate(width)} {coordinate(height)}",
        "width": width,
        "height": height,
        "style": "max-width:100%;height:auto",
        "role": "img",
        "aria-labelledby": f"{prefix}t {prefix}d",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    return element("svg", attributes, "\n", "\n".join(head), "\n", body, "\n")


def _attribute(value: Any) -> str:
    if isinstance(value, float):
        return coordinate(value)
    return escape(plain(str(value)), quote=True)


def words(text: str) -> str:
    """Text between tags."""
    return escape(plain(text), quote=False)


def spans(label: Label, size: float) -> str:
    """A label as text and `tspan`s; each shift is undone by what follows it."""
    parts, owed = [], 0.0
    for span in label:
        shift = _SHIFTS.get(span.style, 0.0) * size
        attributes: dict[str, Any] = {}
        if span.style in _SHIFTS:
            attributes["font-size"] = size * _SMALL
        if span.style == "italic" or (span.style == "sup" and span.text.isalpha()):
            attributes["font-style"] = "italic"
        if shift != owed:
            attributes["dy"] = shift - owed
            owed = shift
        text = words(span.text)
        parts.append(element("tspan", attributes, text) if attributes else text)
    return "".join(parts)


def text(x: float, y: float, content: str, class_: str, **attributes: Any) -> str:
    """A `text` element; `content` is already markup."""
    named = {name.replace("_", "-"): value for name, value in attributes.items()}
    return element("text", {"class": class_, "x": x, "y": y, **named}, content)
