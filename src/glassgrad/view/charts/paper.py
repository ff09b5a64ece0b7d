"""What all charts share: the sheet with its title and style, tones, axes, and room for labels.

Layer L8. Tones: `value` blue and solid, `other` ink and dashed, `gradient` vermilion, `muted` grey
and dotted; classes of a scatter have six tones and six markers.
"""

from __future__ import annotations

from collections.abc import Sequence

from glassgrad.view.charts.scale import Scale
from glassgrad.view.labels import text_width
from glassgrad.view.markup import coordinate, element, text, words
from glassgrad.view.style import DARK, FONT, LIGHT

ROOT = "gg-chart"
TONES = ("value", "other", "muted", "gradient")
SMALL, SIZE = 12.0, 13.0

# Blue and vermilion as everywhere; the others keep 4.5:1 against the paper of their theme.
_CLASSES_LIGHT = ("#1d4ed8", "#c2410c", "#047857", "#7e22ce", "#4b5563", "#a16207")
_CLASSES_DARK = ("#93c5fd", "#fdba74", "#6ee7b7", "#d8b4fe", "#d1d5db", "#fde047")
CLASSES = len(_CLASSES_LIGHT)

_RULES = {
    "": f"font-family:{FONT};background:var(--paper);max-width:100%;height:auto",
    "text": f"fill:var(--ink);font-size:{SMALL:g}px;font-variant-numeric:tabular-nums",
    ".tick,.axis,.note": "fill:var(--muted)",
    ".name": f"font-size:{SIZE:g}px",
    ".end": "text-anchor:end",
    ".mid": "text-anchor:middle",
    ".direct": f"font-size:{SIZE:g}px;font-weight:600;paint-order:stroke;stroke:var(--paper);"
    "stroke-width:4px;stroke-linejoin:round",
    ".grid": "stroke:var(--line);stroke-width:.5;opacity:.55",
    ".base": "stroke:var(--ink);stroke-width:1",
    ".line": "fill:none;stroke-width:1.75;stroke-linejoin:round;stroke-linecap:round",
    ".frame": "fill:none;stroke:var(--line);stroke-width:1",
    ".wash": "fill:var(--value)",
    ".on": "fill:var(--paper)",
    ".picture": "image-rendering:pixelated",
    ".border": "fill:none;stroke:var(--ink);stroke-width:1.5;stroke-linejoin:round",
    ".mark": "stroke:var(--paper);stroke-width:1",
    ".t-value": "stroke:var(--value)",
    ".t-other": "stroke:var(--ink);stroke-dasharray:7 4",
    ".t-muted": "stroke:var(--muted);stroke-dasharray:1.5 4",
    ".t-gradient": "stroke:var(--grad)",
    ".f-value": "fill:var(--value)",
    ".f-other": "fill:var(--ink)",
    ".f-muted": "fill:var(--muted)",
    ".f-gradient": "fill:var(--grad)",
}


def css() -> str:
    """The style sheet of all charts; bound to their class, so a page around them keeps its own."""
    light = dict(LIGHT) | {f"class{i}": c for i, c in enumerate(_CLASSES_LIGHT)}
    dark = dict(DARK) | {f"class{i}": c for i, c in enumerate(_CLASSES_DARK)}
    root = f".{ROOT}"
    rules = [f"{root}{{color-scheme:light dark;{_variables(light)}}}"]
    rules.append(f"@media (prefers-color-scheme:dark){{{root}{{{_variables(dark)}}}}}")
    # A page with a switch of its own says so at its root and is obeyed; paper is always light.
    rules.append(f'[data-theme="light"] {root}{{color-scheme:light;{_variables(light)}}}')
    rules.append(f'[data-theme="dark"] {root}{{color-scheme:dark;{_variables(dark)}}}')
    rules.append(f"@media print{{html {root},html[data-theme] {root}{{{_variables(light)}}}}}")
    classes = {f".f-class{i}": f"fill:var(--class{i})" for i in range(CLASSES)}
    for selectors, body in {**_RULES, **classes}.items():
        scoped = ",".join(f"{root} {part}".strip() for part in selectors.split(","))
        rules.append(f"{scoped}{{{body}}}")
    return "\n".join(rules)


def _variables(colours: dict[str, str]) -> str:
    return ";".join(f"--{name}:{colour}" for name, colour in colours.items())


def sheet(
    width: float,
    height: float,
    body: Sequence[str],
    *,
    title: str,
    description: str = "",
    style: bool = True,
) -> str:
    """The SVG of a chart; `title` and `description` are what a screen reader says of it."""
    head = [element("title", {}, words(title))]
    if description:
        head.append(element("desc", {}, words(description)))
    if style:
        head.append(element("style", {}, css()))
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": ROOT,
        "viewBox": f"0 0 {coordinate(width)} {coordinate(height)}",
        "width": width,
        "height": height,
        "role": "img",
        "aria-label": title,
    }
    return element("svg", attributes, "\n".join([*head, *body]))


# --- text --------------------------------------------------------------------------------


def label(x: float, y: float, content: str, class_: str, **attributes: object) -> str:
    """Text at a place; `content` is escaped."""
    return text(x, y, words(content), class_, **attributes)


def widest(names: Sequence[str], size: float = SMALL, *, bold: bool = False) -> float:
    """The width of the longest of some texts."""
    return max((text_width(name, size, bold=bold) for name in names), default=0.0)


def cut(name: str, width: float, size: float = SMALL) -> str:
    """A name that fits into a width, with … for what was cut off."""
    if text_width(name, size) <= width:
        return name
    while name and text_width(name + "…", size) > width:
        name = name[:-1]
    return name.rstrip() + "…"


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near those wanted, at least `gap` apart, from `low` to `high` where they fit."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    placed = [0.0] * len(wanted)
    floor = low
    for i in order:
        placed[i] = max(wanted[i], floor)
        floor = placed[i] + gap
    ceiling = high
    for i in reversed(order):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - gap
    return placed


# --- axes --------------------------------------------------------------------------------


def y_axis(scale: Scale, left: float, right: float) -> list[str]:
    """Grid lines across, with their numbers on the left."""
    parts = []
    for tick in scale.ticks:
        y = scale(tick)
        parts.append(element("line", {"class": "grid", "x1": left, "x2": right, "y1": y, "y2": y}))
        parts.append(label(left - 8, y + 4, scale.label(tick), "tick end"))
    return parts


def x_axis(scale: Scale, bottom: float, top: float | None = None) -> list[str]:
    """Numbers below a line; grid lines up to `top` if one is given."""
    ends = {"x1": scale.start, "x2": scale.end, "y1": bottom, "y2": bottom}
    parts = [element("line", {"class": "base", **ends})]
    for tick in scale.ticks:
        x = scale(tick)
        end = bottom + 5 if top is None else top
        class_ = "base" if top is None else "grid"
        parts.append(element("line", {"class": class_, "x1": x, "x2": x, "y1": bottom, "y2": end}))
        parts.append(label(x, bottom + 19, scale.label(tick), "tick mid"))
    return parts
