"""The look of pictures: colours as CSS variables, light and dark, and the classes that use them.

Layer L8. Values blue, gradients vermilion, local derivatives grey, warnings in ink; nothing else is
coloured. Every rule is bound to the class of the picture, so a page around it keeps its own.
"""

from __future__ import annotations

from collections.abc import Mapping

ROOT = "glassgrad"
FONT = (
    "Inter, 'Noto Sans KR', 'Noto Sans CJK KR', 'Malgun Gothic', 'Apple SD Gothic Neo', "
    "system-ui, sans-serif"
)

LIGHT = {
    "ink": "#1f2937",
    "muted": "#4b5563",
    "line": "#9ca3af",
    "paper": "#ffffff",
    "value": "#1d4ed8",
    "grad": "#c2410c",
    "local-bg": "#f3f4f6",
    "param": "#e0e7ff",
    "input": "#f3f4f6",
    "op": "#ffffff",
    "out": "#dcfce7",
}
DARK = {
    "ink": "#e5e7eb",
    "muted": "#a3aab6",
    "line": "#6b7280",
    "paper": "#111827",
    "value": "#93c5fd",
    "grad": "#fdba74",
    "local-bg": "#1f2937",
    "param": "#312e81",
    "input": "#1f2937",
    "op": "#111827",
    "out": "#14532d",
}

_NUMBER = (
    "paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round;"
    "font-size:13px;text-anchor:middle;font-variant-numeric:tabular-nums;font-weight:600"
)
_RULES = {
    "": f"font-family:{FONT};background:var(--paper)",
    "text": "white-space:pre",
    ".edge": "fill:none;stroke:var(--line);stroke-width:1.5",
    ".head,.fork": "fill:var(--line)",
    ".box": "stroke:var(--ink);stroke-width:1.25;fill:var(--op)",
    ".parameter .box": "fill:var(--param)",
    ".input .box": "fill:var(--input)",
    ".constant .box": "stroke:var(--line);stroke-width:1",
    ".output .box": "fill:var(--out)",
    ".node": "outline:none",
    ".node:focus-visible .box,.node:hover .box": "stroke-width:2.5",
    ".name,.sym": "fill:var(--ink);text-anchor:middle",
    ".caption,.shape,.leg": "fill:var(--muted)",
    ".caption": "font-size:12px;text-anchor:middle",
    ".shape": "font-size:11px;text-anchor:middle",
    ".leg": "font-size:12px",
    ".v,.g": _NUMBER,
    ".v": "fill:var(--value)",
    ".g": "fill:var(--grad)",
    ".v.s,.g.s": "font-size:11px;font-weight:400",
    ".bad": "text-decoration:underline",
    ".l": "font-size:11px;fill:var(--muted);text-anchor:middle;dominant-baseline:central;"
    "font-variant-numeric:tabular-nums",
    ".pill": "fill:var(--local-bg);stroke:var(--line);stroke-width:.75",
    ".pending": "fill:var(--paper);stroke:var(--grad);stroke-width:1;stroke-dasharray:3 2.5",
    ".warn": "fill:var(--ink)",
    ".w": "fill:var(--paper);font-size:11px;font-weight:600;text-anchor:middle;"
    "dominant-baseline:central",
    ".map": "fill:var(--local-bg)",
    ".bracket": "fill:none;stroke:var(--line);stroke-width:1",
    ".mv.f": "fill:var(--value)",
    ".mg.f": "fill:var(--grad)",
    ".mv.o": "fill:none;stroke:var(--value);stroke-width:1",
    ".mg.o": "fill:none;stroke:var(--grad);stroke-width:1",
    ".x": "fill:var(--ink)",
    ".open": "cursor:pointer",
    ".open circle": "fill:var(--paper);stroke:var(--line)",
    ".open path": "stroke:var(--muted);stroke-width:1.25",
}


def css(more: Mapping[str, str] | None = None) -> str:
    """The style sheet of one picture; `more` rules are those of one kind of pictures."""
    root = f".{ROOT}"
    rules = [tokens(root)]
    for selectors, body in {**_RULES, **(more or {})}.items():
        scoped = ",".join(f"{root} {part}".strip() for part in selectors.split(","))
        rules.append(f"{scoped}{{{body}}}")
    return "\n".join(rules)


def tokens(selector: str) -> str:
    """The colours as variables of the elements of a selector: light, dark, light on paper.

    A page with a switch of its own says data-theme="light" or "dark" at its root and is obeyed.
    """
    parts = selector.split(",")
    light, dark, printed = (
        ",".join(f"{root} {part}" for part in parts)
        for root in ('[data-theme="light"]', '[data-theme="dark"]', "html:root")
    )
    rules = [
        _variables(selector, LIGHT, "light dark"),
        f"@media (prefers-color-scheme:dark){{{_variables(selector, DARK)}}}",
        _variables(light, LIGHT, "light"),
        _variables(dark, DARK, "dark"),
        f"@media print{{{_variables(printed, LIGHT, 'light')}}}",
    ]
    return "\n".join(rules)


def _variables(selector: str, colours: dict[str, str], scheme: str = "") -> str:
    body = ";".join(f"--{name}:{colour}" for name, colour in colours.items())
    return f"{selector}{{{f'color-scheme:{scheme};' if scheme else ''}{body}}}"
