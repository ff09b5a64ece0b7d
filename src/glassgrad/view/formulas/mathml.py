"""MathML of a formula: a `math` element that any page can hold.

Layer L8. Every text passes through `words`, so no name can become markup.
"""

from __future__ import annotations

from glassgrad.view.formulas.notation import Math, pairs
from glassgrad.view.markup import element, words

# What a page sets for `math`: brackets and roots grow only in a font made for mathematics.
FONTS = (
    '"Latin Modern Math", "STIX Two Math", "STIXTwoMath-Regular", "Cambria Math", '
    '"Noto Sans Math", "DejaVu Math TeX Gyre", math'
)
_OPERATORS = {"Σ": "∑", "Π": "∏"}


def mathml(node: Math, *, display: bool = False) -> str:
    """The node as a `math` element.

    >>> from glassgrad.view.formulas.notation import divide, name, numeral
    >>> mathml(divide(numeral(1), name("x1")))
    '<math><mfrac><mn>1</mn><msub><mi>x</mi><mn>1</mn></msub></mfrac></math>'
    """
    return element("math", {"display": "block" if display else None}, markup(node))


def markup(node: Math) -> str:
    """The inside of the element."""
    match node.kind:
        case "name":
            return _name(node.text)
        case "word":
            return _word(node.text)
        case "number":
            return f"<mn>{words(node.text)}</mn>"
        case "sign":
            return f"<mo>{words(node.text)}</mo>"
        case "space":
            return '<mspace width="0.17em"/>'
        case "row":
            return _row(node.parts)
        case "fence":
            return _fence(node)
        case "big":
            return _big(node)
        case "cases":
            return _cases(node)
        case "lines":
            return _lines(node)
    return _scripts(node)


def _scripts(node: Math) -> str:
    root = "msqrt" if len(node.parts) == 1 else "mroot"
    tags = {"fraction": "mfrac", "power": "msup", "index": "msub", "root": root}
    return element(tags[node.kind], {}, *(markup(part) for part in node.parts))


def _name(text: str) -> str:
    """A variable; one letter is italic by itself, more of them have to be told so."""
    style = "font-style:italic" if len(text) > 1 else None
    return element("mi", {"style": style}, words(text))


def _word(text: str) -> str:
    if text.isdigit():
        return f"<mn>{text}</mn>"
    upright = "normal" if len(text) == 1 else None
    return element("mi", {"mathvariant": upright}, words(text))


def _row(parts: tuple[Math, ...]) -> str:
    printed = []
    for place, part in enumerate(parts):
        if part.kind == "sign" and place == 0 and part.text == "−":
            printed.append('<mo form="prefix">−</mo>')
        elif part.kind == "word" and place + 1 < len(parts) and parts[place + 1].kind == "fence":
            printed.append(markup(part) + "<mo>&#x2061;</mo>")  # the sign of application
        else:
            printed.append(markup(part))
    return f"<mrow>{''.join(printed)}</mrow>"


def _fence(node: Math) -> str:
    opening = f'<mo form="prefix" stretchy="true">{words(node.text)}</mo>'
    closing = f'<mo form="postfix" stretchy="true">{words(node.close)}</mo>'
    return f"<mrow>{opening}{markup(node.parts[0])}{closing}</mrow>"


def _big(node: Math) -> str:
    operator, below, inside = map(markup, node.parts)
    if node.parts[0].text in _OPERATORS:
        mark = _OPERATORS[node.parts[0].text]
        operator = f'<mo largeop="true" movablelimits="false">{mark}</mo>'
    has_range = bool(node.parts[1].parts or node.parts[1].text)
    head = f"<munder>{operator}{below}</munder>" if has_range else operator
    return f"<mrow>{head}{inside}</mrow>"


def _cases(node: Math) -> str:
    rows = [
        f'<mtr><mtd style="text-align:left">{markup(value)}</mtd>'
        f'<mtd style="text-align:left;padding-left:0.8em">{markup(condition)}</mtd></mtr>'
        for value, condition in pairs(node.parts)
    ]
    brace = '<mo form="prefix" stretchy="true">{</mo>'
    return f"<mrow>{brace}<mtable>{''.join(rows)}</mtable></mrow>"


def _lines(node: Math) -> str:
    rows = [
        f'<mtr><mtd style="text-align:right;padding-right:0">{markup(left)}</mtd>'
        f'<mtd style="text-align:left;padding-left:0">{markup(right)}</mtd></mtr>'
        for left, right in pairs(node.parts)
    ]
    return f'<mtable displaystyle="true">{"".join(rows)}</mtable>'
