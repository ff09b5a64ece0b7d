"""A formula on one line of Unicode, for the terminal.

Layer L8. Fractions become `a / b`; names stand as the user wrote them, `w0` and `E_o1`.
"""

from __future__ import annotations

from glassgrad.view.formulas.notation import FRACTION, POWER, PRODUCT, Math, bound, pairs

_RAISED = str.maketrans("0123456789−+n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ")
_LOWERED = str.maketrans("0123456789−+", "₀₁₂₃₄₅₆₇₈₉₋₊")
_MARKS = {"⊤": "ᵀ", "′": "′"}
_TIGHT = frozenset("¬′~|∂/")


def line(node: Math) -> str:
    """The node as text.

    >>> from glassgrad.view.formulas.notation import divide, name, numeral, power
    >>> line(divide(numeral(1), power(name("x1"), numeral(2))))
    '1 / x1²'
    """
    match node.kind:
        case "name" | "word" | "number":
            return node.text
        case "sign":
            return node.text if node.text in _TIGHT else f" {node.text} "
        case "space":
            return " "
        case "row":
            return _row(node.parts)
        case "fence":
            return f"{node.text}{line(node.parts[0])}{node.close}"
        case "big":
            operator, below, inside = map(line, node.parts)
            return f"{operator.strip()}{f'[{below}]' if below else ''} {inside}"
        case "cases":
            rows = [f"{line(value)} {line(condition)}" for value, condition in pairs(node.parts)]
            return "{ " + "; ".join(rows) + " }"
        case "lines":
            return "\n".join(f"{line(left)}{line(right)}" for left, right in pairs(node.parts))
    return _scripts(node)


def _row(parts: tuple[Math, ...]) -> str:
    printed = []
    for place, part in enumerate(parts):
        is_prefix = part.kind == "sign" and place == 0
        text = part.text if is_prefix else line(part)
        printed.append(", " if text == " , " else text)
    return "".join(printed)


def _scripts(node: Math) -> str:
    first, *rest = node.parts
    if node.kind == "fraction":
        return f"{line(bound(first, PRODUCT))} / {line(bound(rest[0], POWER))}"
    if node.kind == "root":
        degree = {"3": "∛", "4": "∜"}.get(line(rest[0]), "√") if rest else "√"
        return f"{degree}{line(bound(first, FRACTION + 2))}"
    below = line(rest[0]).strip()
    if node.kind == "index":
        if node.text:
            return node.text
        is_base = rest[0].kind == "number" and first.kind == "word"  # of a logarithm
        return f"{line(first)}{below.translate(_LOWERED) if is_base else f'[{below}]'}"
    if below in _MARKS:
        return f"{line(first)}{_MARKS[below]}"
    can_be_raised = all(c in "0123456789−n" for c in below)
    raised = below.translate(_RAISED)
    simple = rest[0].kind in ("name", "number", "index")
    return f"{line(first)}{raised if can_be_raised else f'^{below}' if simple else f'^({below})'}"
