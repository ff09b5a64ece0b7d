"""Mini-batches: seeded, shuffled with or without replacement, addressable by epoch and step.

Layer L8. Batches have no hidden position: which rows one holds is a function of the seed, the epoch
and the batch's number, so that a resumed run sees the very batches it would have seen.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassgrad.data.splits import check_lengths, random_order, random_words
from glassgrad.errors import DataError, DataWarning, OptionError
from glassgrad.text import say

Order = Callable[[int, int], NDArray[np.int64]]
Batch = tuple[NDArray[Any], ...]


class EpochBatches(ABC):
    """Batches that can be addressed by epoch and number; what `fit` and `Prefetch` take.

    form    what tells these batches from others, as JSON can hold it: a run that goes on from a
            checkpoint must have the same
    """

    @property
    @abstractmethod
    def form(self) -> dict[str, Any]: ...

    @abstractmethod
    def __len__(self) -> int:
        """Batches an epoch."""

    @abstractmethod
    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from batch number `start` on."""

    def __iter__(self) -> Iterator[Batch]:
        return self.epoch(0)


class Batches(EpochBatches):
    """Mini-batches of `X` and `y`; iterating gives the first epoch, `epoch(e)` any other.

    batch_size    rows a batch; None is all of them; more than there are is clipped, announced
    shuffle       a new order each epoch; False keeps the rows' own order
    replacement   each batch is drawn from all rows, as in "Deep Learning from Scratch"; an epoch
                  is then the n // batch_size batches, all of them whole, that the book counts
    drop_last     leave out the last batch if it is smaller
    order         `order(epoch, n)` -> n row numbers, instead of the seeded permutation

    Raises:    OptionError for a batch size below 1; ShapeError if X and y differ in length

    >>> batches = Batches(np.arange(5), batch_size=2, shuffle=False)
    >>> [X.tolist() for (X,) in batches]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        batch_size: int | None = 32,
        *,
        shuffle: bool = True,
        seed: int = 0,
        replacement: bool = False,
        drop_last: bool = False,
        order: Order | None = None,
    ) -> None:
        self.X = np.asarray(X)
        self.y = None if y is None else np.asarray(y)
        check_lengths(self.X, self.y)
        self.batch_size = _checked_size(batch_size, len(self.X))
        self.shuffle = shuffle or replacement
        self.seed = seed
        self.replacement = replacement
        self.drop_last = drop_last
        self._order = order
        self._latest: tuple[int, NDArray[np.int64]] | None = None
        random_words(seed, 0, 0)

    def __len__(self) -> int:
        """Batches an epoch."""
        whole, rest = divmod(len(self.X), self.batch_size)
        return whole + bool(rest and not self.drop_last and not self.replacement)

    @property
    def n(self) -> int:
        """Rows in all."""
        return len(self.X)

    @property
    def form(self) -> dict[str, Any]:
        names = ("batch_size", "shuffle", "seed", "replacement", "drop_last")
        return {"rows": self.n, **{name: getattr(self, name) for name in names}}

    def indices(self, epoch: int) -> NDArray[np.int64]:
        """The row numbers of an epoch in the order in which its batches take them."""
        if self._latest is None or self._latest[0] != epoch:
            self._latest = (epoch, self._draw(checked_epoch(epoch)))
        return self._latest[1]

    def rows(self, epoch: int, start: int, stop: int) -> NDArray[np.int64]:
        """The row numbers of whole batches `start` to `stop`, a row of them a batch."""
        window = slice(start * self.batch_size, stop * self.batch_size)
        return self.indices(epoch)[window].reshape(stop - start, self.batch_size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from batch number `start` on."""
        for number in range(start, len(self)):
            yield self.batch(epoch, number)

    def step(self, step: int) -> Batch:
        """The batch of a step counted over all epochs: step = epoch · len(self) + number."""
        return self.batch(*divmod(step, len(self)))

    def batch(self, epoch: int, number: int) -> Batch:
        """One batch, (X,) or (X, y); rows in their own order are read-only views, others copies."""
        arrays = (self.X,) if self.y is None else (self.X, self.y)
        if not self.shuffle and self._order is None:
            checked_number(number, len(self))
            window = slice(number * self.batch_size, (number + 1) * self.batch_size)
            return tuple(_read_only(array[window]) for array in arrays)
        rows = self.chosen(epoch, number)
        return tuple(array[rows] for array in arrays)

    def chosen(self, epoch: int, number: int) -> NDArray[np.int64]:
        """The row numbers of one batch."""
        checked_number(number, len(self))
        return self.indices(epoch)[number * self.batch_size : (number + 1) * self.batch_size]

    def _draw(self, epoch: int) -> NDArray[np.int64]:
        n = len(self.X)
        if self._order is not None:
            return _checked_order(np.asarray(self._order(epoch, n)), n)
        if not self.shuffle:
            return np.arange(n)
        if self.replacement:
            # The remainder of a 64-bit word favours small numbers by less than n / 2**64.
            return (random_words(self.seed, epoch, n) % np.uint64(n)).astype(np.int64)
        return random_order(self.seed, epoch, n)


def _checked_size(batch_size: int | None, n: int) -> int:
    if batch_size is None:
        return n
    if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer):
        raise OptionError(say("batch size {size!r} is not an integer", size=batch_size))
    if batch_size < 1:
        raise OptionError(
            say("batch size {size} is below 1", size=batch_size),
            rule="1 ≤ batch_size",
            hint=say("None takes all {n} rows at once", n=n),
        )
    if batch_size > n:
        message = say("batch size {size} was clipped to the {n} rows", size=batch_size, n=n)
        warnings.warn(message, DataWarning, stacklevel=3)
    return min(int(batch_size), n)


def checked_number(number: int, count: int) -> None:
    """Refuse the number of a batch that an epoch of `count` does not have."""
    if not 0 <= number < count:
        problem = say("an epoch has no batch {number}", number=number)
        raise OptionError(problem, rule=f"0 ≤ number < {count}")


def require_sizes(**sizes: Any) -> None:
    """Refuse what is no whole number of at least 1."""
    for name, value in sizes.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise OptionError(
                say("{name} is {value!r}", name=name, value=value), rule=f"1 ≤ {name}"
            )


def checked_epoch(epoch: int) -> int:
    """An epoch that is not below 0."""
    if index(epoch) < 0:
        raise OptionError(say("epoch {epoch} is below 0", epoch=epoch))
    return epoch


def _checked_order(order: NDArray[Any], n: int) -> NDArray[np.int64]:
    is_usable = order.shape == (n,) and order.dtype.kind in "iu"
    if not is_usable or order.min() < 0 or order.max() >= n:
        raise DataError(say("the order is not {n} row numbers", n=n), rule=f"0 ≤ row < {n}")
    return order.astype(np.int64)


def _read_only(view: NDArray[Any]) -> NDArray[Any]:
    view = view.view()
    view.flags.writeable = False
    return view
