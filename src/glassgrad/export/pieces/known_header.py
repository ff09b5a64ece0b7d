"""Whether a file has a header, where training had one: `_looks_like_header` of `data/delimited.py`.

Layer L10.
"""

from __future__ import annotations

COLUMNS: list[str] = []


def looks_like_header(first: list[str], below: list[list[str]]) -> bool:
    """Whether the first row of a file holds names of columns that training had."""
    return not set(COLUMNS).isdisjoint(first)
