"""Raw rows of a table -> features: `TablePlan.transform` and `Feature.encode` of the room `data`.

Layer L10. The constants are those of the run's `TablePlan`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.export.pieces.files import is_missing, numbers_of, read_file, word

COLUMNS: list[str] = []
TARGET = ""
HAS_HEADER = True
MISSING = "error"
FEATURES: list[Any] = []
DTYPE: Any = np.float32


def columns_of(rows: Any) -> Any:
    """Names (None for lists) and columns of rows: dicts by name, or lists of cells by position."""
    rows = list(rows)
    if not rows:
        raise ValueError("there are no rows")
    if all(isinstance(row, dict) for row in rows):
        names = list(dict.fromkeys(str(name) for row in rows for name in row))
        return names, [[row.get(name) for row in rows] for name in names]
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise ValueError(f"rows have different numbers of cells: {sorted(widths)}")
    return None, [list(cells) for cells in zip(*rows, strict=True)]


def located(names: Any, columns: Any) -> Any:
    """The cells of each feature's column, by name where there are names, else by position."""
    needed = [feature["name"] for feature in FEATURES]
    if not (HAS_HEADER and names is not None):
        without_target = [name for name in COLUMNS if name != TARGET]
        layouts = (COLUMNS, without_target, needed)
        names = next((layout for layout in layouts if len(layout) == len(columns)), None)
        if names is None:
            raise ValueError(f"the rows have {len(columns)} columns, training had {len(COLUMNS)}")
    found = dict(zip(names, columns, strict=True))
    absent = [name for name in needed if name not in found]
    if absent:
        raise ValueError(f"column {', '.join(absent)} is missing from the rows")
    return {name: found[name] for name in needed}


def incomplete(found: Any) -> Any:
    """True for each row that has a missing cell."""
    return np.any([[is_missing(cell) for cell in cells] for cells in found.values()], axis=0)


def features_of(found: Any, rows: Any) -> Any:
    """What the network takes: one column a number or pair of words, one a category, (n, d)."""
    if MISSING != "impute" and incomplete(found).any():
        row = rows[np.argmax(incomplete(found))]
        raise ValueError(f"row {row} has a missing value")
    blocks = [encoded(feature, found[feature["name"]], rows) for feature in FEATURES]
    return np.concatenate(blocks, axis=1).astype(DTYPE)


def encoded(feature: Any, cells: Any, rows: Any) -> Any:
    """The columns that one column of the rows becomes, in float64."""
    gaps = np.array([is_missing(cell) for cell in cells])
    block, wrong = ENCODERS[feature["kind"]](feature, cells, gaps)
    if wrong.any():
        i = int(np.argmax(wrong))
        place = f"row {rows[i]}, column {feature['name']}"
        raise ValueError(f"{place} is {word(cells[i])!r}, which does not fit")
    return np.column_stack([block, gaps]) if feature["indicator"] else block


def encode_numeric(feature: Any, cells: Any, gaps: Any) -> Any:
    """(x - mean) / scale; and where there is no finite number."""
    numbers = numbers_of(cells)
    wrong = ~np.isfinite(numbers) & ~gaps
    if feature["fill"] is not None:
        numbers = np.where(gaps, feature["fill"], numbers)
    return ((numbers - feature["mean"]) / feature["scale"])[:, None], wrong


def encode_boolean(feature: Any, cells: Any, gaps: Any) -> Any:
    """0 for the first of two words, 1 for the second; and where there is neither."""
    words = [text.casefold() for text in words_of(feature, cells, gaps)]
    wrong = np.array([text not in feature["categories"] for text in words])
    return np.array([[float(text == feature["categories"][1])] for text in words]), wrong


def encode_categorical(feature: Any, cells: Any, gaps: Any) -> Any:
    """A 1 in the column of the category; in the last one for categories unseen in training."""
    known = {category: i for i, category in enumerate(feature["categories"])}
    words = words_of(feature, cells, gaps)
    block = np.zeros((len(words), len(known) + 1))
    block[np.arange(len(words)), [known.get(text, len(known)) for text in words]] = 1.0
    return block, np.zeros(len(words), bool)


def words_of(feature: Any, cells: Any, gaps: Any) -> list[str]:
    """The cells as text; what stands in for missing ones."""
    return [feature["fill"] if gap else word(cell) for cell, gap in zip(cells, gaps, strict=True)]


ENCODERS = {
    "numeric": encode_numeric,
    "boolean": encode_boolean,
    "categorical": encode_categorical,
}


def features(rows: Any) -> Any:
    """What the network takes for raw rows: lists of cells, or dicts by column name; (n, d).

    Raises ValueError for missing cells, where training did not fill them in.
    """
    found = located(*columns_of(rows))
    return features_of(found, np.arange(1, len(next(iter(found.values()))) + 1))


def features_in_file(path: Any, encoding: Any) -> Any:
    """The features of the rows in a file, and the rows' numbers, which begin with 1."""
    found = located(*read_file(path, encoding))
    gaps = incomplete(found)
    kept = np.flatnonzero(~gaps) if MISSING == "drop" else np.arange(len(gaps))
    if not len(kept):
        raise ValueError("every row has a missing value")
    found = {name: [cells[i] for i in kept] for name, cells in found.items()}
    return features_of(found, kept + 1), kept + 1
