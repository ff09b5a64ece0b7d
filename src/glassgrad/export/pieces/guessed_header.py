"""Whether a file has a header, guessed from its first rows: as `data/delimited.py` does.

Layer L10.
"""

from __future__ import annotations

MISSING_WORDS: set[str] = set()


def looks_like_header(first: list[str], below: list[list[str]]) -> bool:
    """Whether the first row of a file stands over columns of numbers as text does.

    In a file of text alone: whether its cells are all different, and none occurs again below.
    """
    below = [[cell.strip() for cell in row] for row in below if len(row) == len(first)]
    if not below:
        return not any(is_number(cell) for cell in first)
    columns = list(zip(*below, strict=True))
    votes = 0
    for cell, column in zip(first, columns, strict=True):
        present = [text for text in column if text.casefold() not in MISSING_WORDS]
        count = sum(map(is_number, present))
        if present and cell and count >= 0.9 * len(present):
            votes += -1 if is_number(cell) else 1
    if votes:
        return votes > 0
    recurs = any(cell in column for cell, column in zip(first, columns, strict=True))
    return len(set(first)) == len(first) and not recurs


def is_number(text: str) -> bool:
    """Whether a text is a number, infinity among them."""
    try:
        return "_" not in text and float(text) == float(text)
    except ValueError:
        return False
