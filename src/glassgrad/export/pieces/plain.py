"""Raw rows of numbers, such as pixels -> features: `_read_plain` of `cli/trained.py`.

Layer L10.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.export.pieces.files import numbers_of, read_file

DTYPE: Any = np.float32
WIDTH = 1
SCALE = 1.0
LABEL_NAMES = {"label", "labels", "y", "target", "class"}


def features(rows: Any) -> Any:
    """What the network takes for raw rows of numbers, (n, ...) -> (n, d)."""
    raw = np.asarray(rows, dtype=np.float64)
    return scaled(raw.reshape(len(raw), -1))


def scaled(raw: Any) -> Any:
    """Raw numbers divided by the largest that there can be."""
    if raw.shape[1] != WIDTH:
        raise ValueError(f"the rows have {raw.shape[1]} columns, the network takes {WIDTH}")
    if not np.isfinite(raw).all():
        row, column = np.argwhere(~np.isfinite(raw))[0]
        raise ValueError(f"row {row + 1}, column {column + 1} is no finite number")
    if SCALE != 1 and (raw.min() < 0 or raw.max() > SCALE):
        raise ValueError(f"numbers lie in {raw.min():g} ... {raw.max():g}, not in 0 ... {SCALE:g}")
    return (raw / SCALE).astype(DTYPE)


def features_in_file(path: Any, encoding: Any) -> Any:
    """The features of the rows in a file, and the rows' numbers, which begin with 1.

    A label may stand in a column that is named so, else in the last one; it is left out.
    """
    names, columns = read_file(path, encoding)
    if len(columns) == WIDTH + 1:
        named = [j for j, name in enumerate(names or []) if name.lower() in LABEL_NAMES]
        del columns[named[0] if named else WIDTH]
    X = scaled(np.stack([numbers_of(cells) for cells in columns], axis=1))
    return X, np.arange(1, len(X) + 1)
