"""Windows of a long sequence of symbols for language models: random ones, and streams.

Layer L8. A batch is (X, y) of shape (n, t), y one symbol ahead of X. Which windows a batch holds is
a function of the seed, the epoch and its number, as for `Batches`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassgrad.data.loader import Batch, EpochBatches, checked_epoch, checked_number, require_sizes
from glassgrad.data.splits import random_words
from glassgrad.errors import DataError, DtypeError
from glassgrad.text import say


class RandomWindows(EpochBatches):
    """Batches of windows that begin anywhere in `ids`, drawn anew each epoch.

    Shapes:    ids (m,) -> X, y (batch_size, length)
    steps      batches an epoch; by default as many as pass over m symbols

    >>> X, y = RandomWindows(np.arange(100), 4, 2, seed=1).batch(0, 0)
    >>> X.shape, bool((y == X + 1).all())
    ((2, 4), True)
    """

    def __init__(
        self,
        ids: ArrayLike,
        length: int,
        batch_size: int = 32,
        *,
        steps: int | None = None,
        seed: int = 0,
    ) -> None:
        self.ids = _sequence(ids, length, batch_size, least=length + 1)
        self.length = length
        self.batch_size = batch_size
        self.seed = seed
        self.steps = max(1, len(self.ids) // (batch_size * length)) if steps is None else steps
        require_sizes(steps=self.steps)
        self._latest = (-1, random_words(seed, 0, 0))

    def __len__(self) -> int:
        return self.steps

    @property
    def form(self) -> dict[str, Any]:
        return _form("random windows", self, steps=self.steps, seed=self.seed)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from batch number `start` on."""
        for number in range(start, self.steps):
            yield self.batch(epoch, number)

    def batch(self, epoch: int, number: int) -> Batch:
        """One batch (X, y)."""
        checked_number(number, self.steps)
        words = self._words(epoch)[number * self.batch_size :][: self.batch_size]
        # The remainder of a 64-bit word favours early windows by less than m / 2**64.
        starts = (words % np.uint64(len(self.ids) - self.length)).astype(np.int64)
        return _ahead(self.ids[starts[:, None] + np.arange(self.length + 1)])

    def _words(self, epoch: int) -> NDArray[np.uint64]:
        if self._latest[0] != checked_epoch(epoch):
            count = self.steps * self.batch_size
            self._latest = (epoch, random_words(self.seed, epoch, count))
        return self._latest[1]


class StatefulWindows(EpochBatches):
    """Batches that go on where the one before ended: row i is always the i-th stretch of `ids`.

    For truncated backpropagation through time, where a network keeps its state from batch to
    batch: all states begin anew with batch 0 of an epoch. Every epoch is the same.

    Shapes:    ids (m,) -> X, y (batch_size, length)

    >>> windows = StatefulWindows(np.arange(13), 2, 3)
    >>> [X.tolist() for X, _ in windows]
    [[[0, 1], [4, 5], [8, 9]], [[2, 3], [6, 7], [10, 11]]]
    """

    def __init__(self, ids: ArrayLike, length: int, batch_size: int = 32) -> None:
        self.ids = _sequence(ids, length, batch_size, least=batch_size * length + 1)
        self.length = length
        self.batch_size = batch_size
        self.steps = (len(self.ids) - 1) // (batch_size * length)

    def __len__(self) -> int:
        return self.steps

    @property
    def form(self) -> dict[str, Any]:
        return _form("stateful windows", self)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from batch number `start` on."""
        for number in range(start, self.steps):
            yield self.batch(epoch, number)

    def batch(self, epoch: int, number: int) -> Batch:
        """One batch (X, y); the epoch changes nothing."""
        checked_number(number, self.steps)
        first = np.arange(self.batch_size)[:, None] * (self.steps * self.length)
        return _ahead(self.ids[first + number * self.length + np.arange(self.length + 1)])


def _ahead(rows: NDArray[np.int64]) -> Batch:
    """(n, t + 1) -> (n, t) and the same one symbol on."""
    return np.ascontiguousarray(rows[:, :-1]), np.ascontiguousarray(rows[:, 1:])


def _sequence(ids: ArrayLike, length: int, batch_size: int, least: int) -> NDArray[np.int64]:
    require_sizes(length=length, batch_size=batch_size)
    found = np.asarray(ids)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        problem = say(
            "a text is one axis of integers, not {shape} {dtype}",
            shape=found.shape,
            dtype=found.dtype.name,
        )
        raise DtypeError(problem, hint=say("encode it: vocabulary.encode(text)"))
    if len(found) < least:
        problem = say(
            "{n} symbols are too few, at least {least} are needed", n=len(found), least=least
        )
        raise DataError(problem, hint=say("take shorter windows or smaller batches"))
    return found.astype(np.int64)


def _form(kind: str, windows: Any, **more: Any) -> dict[str, Any]:
    sizes = {"rows": len(windows.ids), "batch_size": windows.batch_size, "length": windows.length}
    return {"kind": kind, **sizes, **more}
