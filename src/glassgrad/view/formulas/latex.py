"""LaTeX of a formula, for a document with `amsmath`.

Layer L8. Names are escaped: nothing from a program can become a command.
"""

from __future__ import annotations

from glassgrad.view.formulas.notation import Math, pairs

_SIGNS = {
    "−": "-", "·": r"\cdot ", "⊙": r"\odot ", "×": r"\times ", "∘": r"\circ ", "∂": r"\partial ",
    "→": r"\to ", "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∧": r"\land ", "∨": r"\lor ",
    "⊻": r"\veebar ", "¬": r"\lnot ", "≪": r"\ll ", "≫": r"\gg ", "Σ": r"\sum", "Π": r"\prod",
    "⊤": r"\top ", "∞": r"\infty ", "⋯": r"\cdots ", "≈": r"\approx ", "…": r"\dots ",
    "∪": r"\cup ", "′": r"\prime ", "&": r"\mathbin{\&}", "|": r"\mid ", "⊕": r"\oplus ",
    "~": r"\sim ", "mod": r"\bmod ", "∗": r"\ast ",
}  # fmt: skip
_FENCES = {
    "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "|": "|", "‖": r"\|",
}  # fmt: skip
_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ",
        "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma "
        "tau upsilon varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi "
        "Omega".split(),
        strict=True,
    )
)
_ESCAPES = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "~": r"\sim ", "^": r"\hat{\ }", "…": r"\ldots ", "′": "'",
    "⊤": r"\top ", "∞": r"\infty ", "−": "-", ",": ",",
}  # fmt: skip
_KNOWN = frozenset(
    "log exp sin cos tan sinh cosh tanh arcsin arccos arctan max min det".split()
)  # commands of LaTeX itself


def latex(node: Math) -> str:
    r"""The node as LaTeX, to stand between dollar signs.

    >>> from glassgrad.view.formulas.notation import divide, name, numeral
    >>> print(latex(divide(numeral(1), name("x1"))))
    \frac{1}{x_{1}}
    """
    match node.kind:
        case "name":
            return _name(node.text)
        case "word":
            return _word(node.text)
        case "number":
            return r"\infty " if node.text == "∞" else node.text.replace("−", "-")
        case "sign":
            return _sign(node.text)
        case "space":
            return r"\,"
        case "row":
            return "".join(map(latex, node.parts))
        case "fence":
            return _fence(node)
        case "big":
            return _big(node)
        case "cases":
            return _table("cases", node, " & ")
        case "lines":
            return _table("aligned", node, " &")
    return _scripts(node)


def _scripts(node: Math) -> str:
    parts = [latex(part) for part in node.parts]
    if node.kind == "fraction":
        return rf"\frac{{{parts[0]}}}{{{parts[1]}}}"
    if node.kind == "root":
        degree = f"[{parts[1]}]" if len(parts) > 1 else ""
        return rf"\sqrt{degree}{{{parts[0]}}}"
    base = f"{{{parts[0]}}}" if node.parts[0].kind in ("power", "index", "row") else parts[0]
    return f"{base}{'^' if node.kind == 'power' else '_'}{{{parts[1]}}}"


def _name(text: str) -> str:
    if len(text) == 1:
        return _letter(text)
    return rf"\mathit{{{_escaped(text)}}}" if _is_latin(text) else rf"\text{{{_in_text(text)}}}"


def _word(text: str) -> str:
    if text in _KNOWN:
        return rf"\{text} "
    if text.isdigit():
        return text
    if len(text) == 1 and text in _GREEK:
        return _letter(text)
    return rf"\mathrm{{{_escaped(text)}}}" if _is_latin(text) else rf"\text{{{_in_text(text)}}}"


def _is_latin(text: str) -> bool:
    return all(c.isascii() or c in _ESCAPES or c in _GREEK for c in text)


def _letter(text: str) -> str:
    if text in _GREEK:
        return rf"\{_GREEK[text]} "
    return _escaped(text) if text.isascii() else rf"\text{{{text}}}"


def _escaped(text: str) -> str:
    """Text inside a mathematical font."""
    known = {**_ESCAPES, " ": r"\ "}
    return "".join(known.get(c) or (_letter(c) if c in _GREEK else c) for c in text)


def _in_text(text: str) -> str:
    """Text inside `\\text`, whose commands of mathematics need dollar signs."""
    return "".join(
        c if c not in _ESCAPES else rf"\{c}" if c in "{}$&#%_" else f"${_ESCAPES[c]}$" for c in text
    )


def _sign(text: str) -> str:
    if text in _SIGNS:
        return _SIGNS[text]
    return {",": ",\\,", "<": "<", ">": ">", "=": "="}.get(text, _escaped(text))


def _fence(node: Math) -> str:
    opening, closing = (_FENCES.get(mark, _escaped(mark)) for mark in (node.text, node.close))
    return rf"\left{opening}{latex(node.parts[0])}\right{closing}"


def _big(node: Math) -> str:
    operator, below, inside = map(latex, node.parts)
    return (
        rf"{operator.rstrip()}_{{{below}}} {inside}" if below else f"{operator.rstrip()} {inside}"
    )


def _table(environment: str, node: Math, between: str) -> str:
    rows = [f"{latex(left)}{between}{latex(right)}" for left, right in pairs(node.parts)]
    body = " \\\\\n".join(rows)
    return f"\\begin{{{environment}}}\n{body}\n\\end{{{environment}}}"
