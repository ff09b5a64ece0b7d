"""Seeded splits: training and test parts, folds for cross-validation, shares of classes kept.

Layer L8. What is drawn depends on the seed and the sizes alone: the raw words of Philox 4x64-10
(Salmon and others, 2011), sorted stably, give the same permutation on every machine and NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassgrad.errors import DataError, OptionError, ShapeError
from glassgrad.text import say

_WORD = (1 << 64) - 1
_SPLITS = _WORD  # streams of the second key word: epochs count up from 0, these from the top
_FOLDS = _WORD - 1


def random_words(seed: int, stream: int, count: int) -> NDArray[np.uint64]:
    """`count` 64-bit words that are a function of `seed` and `stream` only."""
    if not 0 <= index(seed) <= _WORD:
        raise OptionError(say("seed {seed} is outside 0 … 2^64 − 1", seed=seed))
    key = np.array([seed, stream], dtype=np.uint64)
    return np.asarray(np.random.Philox(key=key).random_raw(count), dtype=np.uint64)


def random_order(seed: int, stream: int, count: int) -> NDArray[np.int64]:
    """A permutation of 0 … count−1: the stable argsort of as many random words (DESIGN §5)."""
    return np.argsort(random_words(seed, stream, count), kind="stable")


def split_indices(
    n: int, sizes: Sequence[float], *, seed: int = 0, stratify: ArrayLike | None = None
) -> tuple[NDArray[np.int64], ...]:
    """Random disjoint parts of 0 … n−1, each in ascending order.

    `sizes` are fractions (their sum at most 1) or, if all are integers, counts. With `stratify`
    (one label a row) every part has each class in its share, but for rounding.

    >>> [len(part) for part in split_indices(10, (0.7, 0.3))]
    [7, 3]
    """
    counts = _part_counts(n, sizes)
    bounds = np.cumsum([0, *counts])
    order = random_order(seed, _SPLITS, n)
    if stratify is not None:
        order = _interleaved(order, _labels(stratify, n))
    return tuple(np.sort(order[a:b]) for a, b in pairwise(bounds))


def split(
    X: ArrayLike,
    y: ArrayLike,
    fraction: float = 0.2,
    *,
    sizes: Sequence[float] | None = None,
    seed: int = 0,
    stratify: bool = False,
) -> tuple[NDArray[Any], ...]:
    """(X_train, y_train, X_test, y_test); `fraction` goes to the test part.

    With `sizes`, one pair of arrays a size: `sizes=(0.7, 0.15, 0.15)` gives six arrays. With
    `stratify`, `y` holds labels, and each part has every class in its share.
    """
    X, y = np.asarray(X), np.asarray(y)
    check_lengths(X, y)
    parts = (1 - fraction, fraction) if sizes is None else sizes
    strata = y if stratify else None
    chosen = split_indices(len(X), parts, seed=seed, stratify=strata)
    return tuple(array[rows] for rows in chosen for array in (X, y))


def fold_indices(
    n: int, k: int, *, seed: int = 0, stratify: ArrayLike | None = None
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """k pairs (training rows, held-out rows); every row is held out once, sizes differ by ≤ 1."""
    if index(k) < 2 or k > n:  # noqa: PLR2004 - one fold would leave nothing to train on
        problem = say("{n} rows cannot make {k} folds", n=n, k=k)
        raise OptionError(problem, rule=f"2 ≤ k ≤ {n}")
    order = random_order(seed, _FOLDS, n)
    if stratify is not None:
        labels = _labels(stratify, n)
        order = order[np.argsort(_codes(labels)[order], kind="stable")]
    fold = np.empty(n, dtype=np.int64)
    fold[order] = np.arange(n) % k  # dealt like cards, class after class
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]


def folds(
    y: int | ArrayLike, k: int, *, seed: int = 0, stratified: bool = False
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """`fold_indices` for a number of rows, or for labels `y` whose shares `stratified` keeps.

    >>> [held_out.tolist() for _, held_out in folds(4, 2)]
    [[0, 2], [1, 3]]
    """
    if isinstance(y, int | np.integer):
        if stratified:
            raise OptionError(say("stratified folds need the labels, not their number"))
        return fold_indices(int(y), k, seed=seed)
    labels = np.asarray(y)
    return fold_indices(len(labels), k, seed=seed, stratify=labels if stratified else None)


def check_lengths(X: NDArray[Any], y: NDArray[Any] | None) -> None:
    """Refuse data without rows, and features and targets of different lengths."""
    if X.ndim == 0 or len(X) == 0:
        raise DataError(say("there are no rows"))
    if y is not None and y.shape[:1] != X.shape[:1]:
        problem = say("X has {n} rows, y has shape {shape}", n=len(X), shape=y.shape)
        raise ShapeError(problem, rule="X (n, …), y (n, …)")


# --- helpers -----------------------------------------------------------------------------


def _part_counts(n: int, sizes: Sequence[float]) -> list[int]:
    are_counts = all(isinstance(size, int | np.integer) for size in sizes)
    limit = n if are_counts else 1
    # NOTE: 0.7 + 0.2 + 0.1 is 1 - 1.1e-16 or 1 + 2.2e-16, by the order of the sum.
    if not len(sizes) or min(sizes) < 0 or not sum(sizes) <= limit * (1 + 1e-9):
        problem = say("sizes {sizes} do not part {n} rows", sizes=tuple(sizes), n=n)
        raise OptionError(problem, rule=f"0 ≤ size, sum ≤ {limit}")
    if are_counts:
        return [int(size) for size in sizes]
    bounds = np.rint(np.cumsum([0.0, *sizes]) * n).astype(int)
    counts = np.diff(np.minimum(bounds, n)).tolist()
    if any(count == 0 < size for count, size in zip(counts, sizes, strict=True)):
        problem = say("sizes {sizes} leave a part of {n} rows empty", sizes=tuple(sizes), n=n)
        raise OptionError(problem)
    return [int(count) for count in counts]


def _interleaved(order: NDArray[np.int64], labels: NDArray[Any]) -> NDArray[np.int64]:
    """The rows of `order` so that any stretch holds each class in its share, to within one."""
    codes = _codes(labels)[order]
    quantile = np.empty(len(order))
    for code in range(int(codes.max()) + 1):
        mine = np.flatnonzero(codes == code)
        quantile[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    return order[np.argsort(quantile, kind="stable")]


def _labels(stratify: ArrayLike, n: int) -> NDArray[Any]:
    labels = np.asarray(stratify)
    if labels.shape != (n,):
        problem = say("{n} rows need {n} labels, not shape {shape}", n=n, shape=labels.shape)
        raise ShapeError(problem)
    return labels


def _codes(labels: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int64)
