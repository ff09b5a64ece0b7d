"""HTML of a report: paragraphs, figures, tables; names are escaped here and nowhere else.

Layer L10.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from glassgrad.view.digits import MINUS, number
from glassgrad.view.markup import element, words

_WIDE = 7  # columns; a table of more may stand out of the column of text


def paragraph(text: str, class_: str | None = None) -> str:
    return element("p", {"class": class_}, words(text)) if text else ""


def figure(picture: str, caption: str, *, wide: bool = False) -> str:
    """A picture with the sentence that says what to see in it."""
    words_ = element("figcaption", {}, words(caption))
    return element("figure", {"class": "wide" if wide else None}, picture, words_)


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[int] = (),
    total: bool = False,
) -> str:
    """Rows under a head; the columns in `numbers` are aligned right, the last row may be a sum."""
    top = element("tr", {}, *(_cell("th", c, i in numbers, "col") for i, c in enumerate(head)))
    body = []
    for row in rows:
        cells = [_cell("td", c, i in numbers) for i, c in enumerate(row)]
        is_sum = total and row is rows[-1]
        body.append(element("tr", {"class": "total" if is_sum else None}, *cells))
    inside = element("thead", {}, top) + element("tbody", {}, *body)
    class_ = "scroll wide" if len(head) > _WIDE else "scroll"
    return element("div", {"class": class_}, element("table", {}, inside))


def _cell(tag: str, content: str, is_number: bool, scope: str | None = None) -> str:
    return element(tag, {"class": "n" if is_number else None, "scope": scope}, words(content))


def pairs(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values side by side."""
    inside = [
        element("div", {}, element("dt", {}, words(name)), element("dd", {}, words(value)))
        for name, value in rows
    ]
    return element("dl", {"class": "pairs"}, *inside)


def code(text: str, title: str, *, wide: bool = False) -> str:
    """A listing that scrolls on a screen and is whole on paper; comments stand back."""
    lines = [_comments_apart(line) for line in text.rstrip().split("\n")]
    class_ = "code wide" if wide else "code"
    attributes = {"class": class_, "tabindex": "0", "role": "region", "aria-label": title}
    return element("pre", attributes, element("code", {}, "\n".join(lines)))


def _comments_apart(line: str) -> str:
    place = _comment_start(line)
    if place < 0:
        return words(line)
    return words(line[:place]) + element("i", {}, words(line[place:]))


def _comment_start(line: str) -> int:
    """Where a comment begins in a line of Python; -1 for none. A # inside a string is none."""
    quote = ""
    for i, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "#":
            return i
    return -1


# --- numbers -----------------------------------------------------------------------------


def percent(share: float, decimals: int = 1) -> str:
    """A share as a percentage; what is not all is never written as 100%.

    >>> percent(0.97719), percent(1.0), percent(0.99999)
    ('97.7%', '100%', '99.999%')
    """
    if share in (0, 1):
        return f"{100 * share:.0f}%"
    written = f"{100 * share:.{decimals}f}"
    most = decimals + 6
    while float(written) in (0.0, 100.0) and decimals < most:
        decimals += 1
        written = f"{100 * share:.{decimals}f}"
    return f"{written}%"


def short(value: float, digits: int = 3) -> str:
    """A number in so many significant digits: 0.0128, 12.3, 1.2·10⁻⁷.

    >>> short(0.012818), short(1234.5), short(1.23e-7), short(0.0)
    ('0.0128', '1,234', '1.23·10⁻⁷', '0')
    """
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else number(float(value))
    written = f"{value:.{digits}g}"
    if "e" not in written and abs(value) < 10**digits:
        return written.replace("-", MINUS)
    if abs(value) >= 1 and abs(value) < 10**7:
        return f"{value:,.0f}".replace("-", MINUS)
    return number(float(value), digits)
