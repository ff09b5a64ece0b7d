"""Targets of an exported program as numbers of classes: two forms of `codes_of`.

Layer L10.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.export.pieces.files import number, word

CLASSES: list[Any] = []


def codes_by_name(targets: Any) -> Any:
    """The numbers of classes that are given by name; 1.0 is the class 1."""
    known = {str(label): code for code, label in enumerate(CLASSES)}
    is_numeric = isinstance(CLASSES[0], int)
    words = [word(number(target) if is_numeric else target) for target in targets]
    for text in words:
        if text not in known:
            raise ValueError(f"{text!r} is no class of {list(known)}")
    return np.array([known[text] for text in words], np.int64)


def codes_by_number(targets: Any) -> Any:
    """The numbers of classes as int64, each of them looked at."""
    codes = np.asarray(targets, np.int64)
    if codes.min() < 0 or codes.max() >= len(CLASSES):
        raise ValueError(f"targets are numbers of classes, 0 ... {len(CLASSES) - 1}")
    return codes
