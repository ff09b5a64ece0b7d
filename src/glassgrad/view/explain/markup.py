"""An explanation as a fragment of HTML: sentence, derivation, table.

Layer L8. Everything that comes from a program is escaped by `words` and `mathml`.
"""

from __future__ import annotations

from glassgrad.text import say
from glassgrad.view.explain.derivation import derivation
from glassgrad.view.explain.explanation import Explanation
from glassgrad.view.explain.labels import is_number, text_of_number
from glassgrad.view.explain.text import value_of
from glassgrad.view.explain.tree import Row, rows_of
from glassgrad.view.explain.words import closed_places, sentence, summary, tried
from glassgrad.view.formulas.mathml import FONTS, mathml
from glassgrad.view.markup import element, words
from glassgrad.view.style import DARK, FONT, LIGHT

_CLASS = "glassgrad-explanation"
_RULES = {
    "": f"font-family:{FONT};color:var(--ink);background:var(--paper);max-width:72em;"
    "line-height:1.55;word-break:keep-all;overflow:auto hidden;padding:.3em 0",
    "math": f"font-family:{FONTS}",
    "math[display=block]": "margin:1em 0;width:max-content;font-size:1.1em",
    "table": "border-collapse:collapse;font-variant-numeric:tabular-nums",
    "th": "text-align:left;font-weight:400;color:var(--muted);font-size:.85em;"
    "border-bottom:1px solid var(--line);padding:.2em .9em .2em 0",
    "td": "padding:.15em .9em .15em 0;vertical-align:baseline;white-space:nowrap",
    ".n": "text-align:right",
    ".v": "color:var(--value)",
    ".g": "color:var(--grad);font-weight:600",
    ".m": "color:var(--muted)",
    "p": "margin:.6em 0",
    ".lead": "font-size:1.1em",
}


def html(e: Explanation) -> str:
    """The fragment, with its own style sheet."""
    parts = [f"<style>{css()}</style>", _paragraph(sentence(e), "lead")]
    parts += [_paragraph(text, "m") for text in (tried(e), *closed_places(e)) if text]
    if e.routes:
        parts.append(_paragraph(f"{summary(e)}.", "m"))
    parts.append(mathml(derivation(e), display=True))
    if e.routes:
        parts.append(_table(e))
    return element("section", {"class": _CLASS}, *parts)


def css() -> str:
    """The style sheet, bound to the fragment."""
    root = f".{_CLASS}"
    sheets = [f"{root}{{{_variables(LIGHT)}}}"]
    sheets.append(f"@media (prefers-color-scheme:dark){{{root}{{{_variables(DARK)}}}}}")
    for theme, colours in (("light", LIGHT), ("dark", DARK)):
        sheets.append(f'[data-theme="{theme}"] {root}{{{_variables(colours)}}}')
    sheets += [f"{root} {part}{{{body}}}".replace(" {", "{") for part, body in _RULES.items()]
    return "".join(sheets)


def _variables(colours: dict[str, str]) -> str:
    return ";".join(f"--{name}:{colour}" for name, colour in colours.items())


def _paragraph(text: str, kind: str) -> str:
    return element("p", {"class": kind}, words(text))


# --- the table ---------------------------------------------------------------------------


def _table(e: Explanation) -> str:
    has_locals = all(step.local is not None for route in e.routes for step in route.steps)
    last = say("product") if has_locals else say("size of the gradient")
    titles = ("", say("value"), say("local derivative"), "", last, "")
    head = element("tr", {}, *(element("th", {"scope": "col"}, words(t) or " ") for t in titles))
    first = _line([mathml(e.of[1]), _number(e.of[2], e, "v"), "", "", "", ""], 0)
    rows = [first, *(_row(row, e) for row in rows_of(e.routes))]
    return element("table", {}, element("thead", {}, head), element("tbody", {}, *rows))


def _row(row: Row, e: Explanation) -> str:
    depth = len(row.branch)
    product = "" if row.product is None else _number(row.product, e, "g")
    if row.step is None:
        skipped = words("… " + say("{count} steps", count=row.skipped) + " …")
        return _line([skipped, "", "", "", product, ""], depth)
    step = row.step
    formula = "" if step.formula is None or is_number(step.formula) else mathml(step.formula)
    ends = ""
    if row.route is not None and len(e.routes) > 1:
        ends = words(say("path {number}", number=row.route[0]))
    cells = [
        ("↳ " if row.starts else "") + mathml(step.label),
        element("span", {"class": "v"}, words(value_of(step, e.precision))),
        "" if step.local is None else _number(step.local, e, ""),
        formula and f"= {formula}",
        product,
        ends,
    ]
    return _line(cells, depth)


def _line(cells: list[str], depth: int) -> str:
    indent = f"padding-left:{1.4 * depth:.1f}em" if depth else None
    first = element("td", {"style": indent}, cells[0])
    kinds = ("n", "n", "m", "n", "m")
    rest = [element("td", {"class": k}, c or " ") for k, c in zip(kinds, cells[1:], strict=True)]
    return element("tr", {}, first, *rest)


def _number(value: float, e: Explanation, kind: str) -> str:
    text = text_of_number(value, e.precision)
    return element("span", {"class": kind or None}, words(text))


__all__ = ["css", "html"]
