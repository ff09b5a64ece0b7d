"""Texts: any file, Shakespeare's plays, labelled Korean film reviews; hashed n-grams of them.

Layer L8. Numbers are made of texts by `Vocabulary`, or here by hashing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glassgrad.data.delimited import decode_text
from glassgrad.data.fetch import Progress, find_only, find_or_fetch
from glassgrad.data.loader import require_sizes
from glassgrad.data.sources import NSMC_SUBSET, TINY_SHAKESPEARE
from glassgrad.errors import DataError, FileFormatError, OptionError
from glassgrad.files import read_bytes
from glassgrad.text import say

Folder = str | os.PathLike[str] | None
_HEADER = "id\tdocument\tlabel"
_AT_ONCE = 2048  # texts of which the n-grams are sorted together
_MOST_BUCKETS = 2**48  # text and n-gram fit into one integer
_PRIME = np.uint64(0x100000001B3)  # FNV-1a: Fowler, Noll, Vo; RFC 9923
_OFFSET = np.uint64(0xCBF29CE484222325)


def read_text(path: str | os.PathLike[str], *, encoding: str | None = None) -> str:
    """The text of a file: a byte-order mark decides, else UTF-8, else CP949, which is announced.

    Raises:    FileAccessError; FileFormatError for text that cannot be decoded
    """
    place = Path(path)
    return decode_text(read_bytes(place), place.name, encoding)[0]


def tiny_shakespeare(folder: Folder = None, *, progress: Progress | None = None) -> str:
    """Plays of Shakespeare, 1,115,394 characters; the first nine tenths are for training."""
    file = TINY_SHAKESPEARE.files["all"]
    return read_text(find_or_fetch(file, TINY_SHAKESPEARE.folder, folder, progress=progress))


@dataclass(frozen=True, eq=False, kw_only=True)
class TextDataset:
    """Labelled texts for training and testing; labels (n,) int64 in the order of `class_names`."""

    name: str
    train_texts: tuple[str, ...]
    train_y: NDArray[np.int64]
    test_texts: tuple[str, ...]
    test_y: NDArray[np.int64]
    class_names: tuple[str, ...]
    citation: str = ""
    licence: str = ""

    def __repr__(self) -> str:
        return (
            f"TextDataset({self.name!r}, train {len(self.train_texts)}, "
            f"test {len(self.test_texts)}, {len(self.class_names)} classes)"
        )


def nsmc(folder: Folder = None) -> TextDataset:
    """Korean film reviews, negative (0) or positive (1): 40,000 for training, 10,000 for testing.

    Raises:    FileAccessError if the files lie in no data folder; they cannot be downloaded
    """
    parts = {}
    for part, file in NSMC_SUBSET.files.items():
        parts[part] = read_reviews(find_only(file, NSMC_SUBSET.folder, folder))
    return TextDataset(
        name="nsmc",
        train_texts=parts["train"][0],
        train_y=parts["train"][1],
        test_texts=parts["test"][0],
        test_y=parts["test"][1],
        class_names=NSMC_SUBSET.class_names,
        citation=NSMC_SUBSET.citation,
        licence=NSMC_SUBSET.licence,
    )


def read_reviews(path: str | os.PathLike[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Texts and labels of a file in NSMC's form: `id`, `document`, `label`, parted by tabs.

    Raises:    FileFormatError with the line that does not fit
    """
    place = Path(path)
    lines = read_text(place, encoding="utf-8").split("\n")
    if lines[0].rstrip("\r") != _HEADER:
        problem = say("its first line is not {header!r}", header=_HEADER)
        raise FileFormatError(problem, operation=place.name)
    texts, labels = [], []
    for number, line in enumerate(lines[1:], 2):
        cells = line.rstrip("\r").split("\t")
        if line and (len(cells) != 3 or cells[2] not in ("0", "1")):  # noqa: PLR2004 - as above
            problem = say("line {number} is no id, text and label 0 or 1", number=number)
            raise FileFormatError(problem, operation=place.name)
        if line:
            texts.append(cells[1])
            labels.append(int(cells[2]))
    if not texts:
        raise DataError(say("there is a header but no rows"), operation=place.name)
    return tuple(texts), np.array(labels, dtype=np.int64)


# --- n-grams -----------------------------------------------------------------------------


def hashed_ngrams(
    texts: Sequence[str],
    sizes: Sequence[int] = (1, 2, 3),
    *,
    buckets: int = 2**16,
    length: int | None = None,
) -> NDArray[np.int64]:
    """The character n-grams of each text as numbers of `buckets`; rows are filled up with 0.

    Each distinct n-gram of a text counts once, the shorter ones first, each size in the order in
    which it begins. A blank stands before and after the text. Different n-grams may share a number.

    Shapes:    m texts -> (m, length) int64; by default as long as the longest row
    Formula:   1 + h mod (buckets − 1), h the 64-bit FNV-1a hash of the code points, each taken as
               one word, and of n
    Raises:    OptionError for sizes below 1, fewer than 2 buckets (one is the filling), or too many

    >>> hashed_ngrams(["aa", "ab"], (2,), buckets=1000).shape
    (2, 3)
    """
    if length is not None:
        require_sizes(length=length)
    if not sizes or min(sizes) < 1 or not 2 <= buckets <= _MOST_BUCKETS:  # noqa: PLR2004
        problem = say("sizes {sizes} in {buckets} buckets", sizes=tuple(sizes), buckets=buckets)
        raise OptionError(problem, operation="hashed_ngrams", rule="1 ≤ n, 2 ≤ buckets ≤ 2^48")
    parts = [
        _rows(texts[start : start + _AT_ONCE], sorted(set(sizes)), buckets)
        for start in range(0, len(texts), _AT_ONCE)
    ]
    width = max((part.shape[1] for part in parts), default=0) if length is None else length
    found = np.zeros((len(texts), width), dtype=np.int64)
    for start, part in zip(range(0, len(texts), _AT_ONCE), parts, strict=True):
        found[start : start + len(part), : part.shape[1]] = part[:, :width]
    return found


def _rows(texts: Sequence[str], sizes: Sequence[int], buckets: int) -> NDArray[np.int64]:
    """`hashed_ngrams` of some texts, as long as the longest row."""
    padded = [f" {text} " for text in texts]
    starts = np.cumsum([0, *map(len, padded)])
    points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), "<u4")
    grams = [_grams(points.astype(np.uint64), starts, n, buckets) for n in sizes]
    # By text first and by size second: parts are in order of size, and the sort is stable.
    row, value = (np.concatenate(parts) for parts in zip(*grams, strict=True))
    first = np.sort(np.unique(row * buckets + value, return_index=True)[1])
    first = first[np.argsort(row[first], kind="stable")]
    row, value = row[first], value[first]
    count = np.bincount(row, minlength=len(padded))
    place = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    found = np.zeros((len(padded), int(count.max(initial=0))), dtype=np.int64)
    found[row, place] = value
    return found


def _grams(
    points: NDArray[np.uint64], starts: NDArray[np.int64], n: int, buckets: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(text, hashed n-gram) of every place at which an n-gram begins, in order."""
    count = max(len(points) - n + 1, 0)
    value = np.full(count, _OFFSET ^ np.uint64(n), dtype=np.uint64) * _PRIME
    for i in range(n):
        value = (value ^ points[i : i + count]) * _PRIME
    # NOTE: FNV's low bits depend on its input's low bits alone: fold the high ones in.
    value ^= value >> np.uint64(32)
    row = np.repeat(np.arange(len(starts) - 1), np.diff(starts))[:count]
    is_inside = np.arange(count) + n <= starts[1:][row]
    numbers = (value[is_inside] % np.uint64(buckets - 1)).astype(np.int64) + 1
    return row[is_inside], numbers
