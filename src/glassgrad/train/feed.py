"""Training data as a sequence of batches, addressable by epoch and number.

Layer L9. Which rows a batch holds is a function of the seed, the epoch and its number. Arrays are
checked and converted once; batches that somebody else makes are converted as they come.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence, Sized
from functools import cached_property
from itertools import chain, islice
from typing import Any

import numpy as np

from glassgrad.data.augment import as_changes, augmented, batch_key
from glassgrad.data.dataset import Dataset, as_array
from glassgrad.data.loader import Batches, EpochBatches
from glassgrad.data.prefetch import ahead_of
from glassgrad.data.streaming import Streamed
from glassgrad.errors import DataError, OptionError
from glassgrad.text import say
from glassgrad.train.objective import as_input, require_finite, split_batch


class _Default(int):
    """A size that nobody asked for: clipping it to the data is no news."""


DEFAULT_BATCH = _Default(32)
Batch = tuple[Any, ...]
Prepare = Callable[[Sequence[Any]], Batch]
Change = Callable[[Batch, int, int], Batch]  # of a batch, an epoch and a number


class Feed:
    """Batches by epoch; `length` is their number an epoch, None where it cannot be told."""

    def __init__(
        self, source: Any, length: int | None, form: dict[str, Any], together: int = 1
    ) -> None:
        self._source = source
        self._together = together  # batches of the source that are one here
        self.length = None if length is None else -(-length // together)
        self.form = form  # what a resumed run must have in common
        self.prepare: Prepare | None = None
        self._change: Change | None = None

    def augment_by(self, given: Any, seed: int, images: tuple[int, ...] | None) -> None:
        """Change every batch at random before its step, by a key of seed, epoch and number.

        images:  (c, h, w) of which flat rows are the pixels
        """
        changes = as_changes(given)

        def change(batch: Batch, epoch: int, number: int) -> Batch:
            inputs, y = split_batch(batch)
            X = inputs[0]
            shaped = X.reshape(len(X), *images) if images and X.ndim == 2 else X  # noqa: PLR2004
            changed, y = augmented(shaped, y, changes, batch_key(seed, epoch, number))
            return (np.ascontiguousarray(changed.reshape(X.shape)), *inputs[1:], y)

        self._change = change
        self.form = {**self.form, "augment": [repr(each) for each in changes]}

    def epoch(self, epoch: int, start: int = 0) -> Generator[Batch, None, None]:
        """The batches of an epoch from number `start` on; those that are augmented are made by a
        thread while the steps before them run."""
        batches = self._plain(epoch, start)
        if self._change is None:
            yield from batches
            return
        change = self._change
        numbered = enumerate(batches, start)
        yield from ahead_of(change(batch, epoch, number) for number, batch in numbered)

    def _plain(self, epoch: int, start: int) -> Iterable[Batch]:
        start *= self._together
        if isinstance(self._source, EpochBatches):
            batches = self._source.epoch(epoch, start)
        else:
            batches = islice(iter(self._source), start, None)
        if self._together > 1:
            batches = _joined(batches, self._together)
        return batches if self.prepare is None else map(self.prepare, batches)

    @cached_property
    def arrays(self) -> Batch | None:
        """The whole arrays whose rows are the batches; None where only batches are at hand."""
        is_plain = self.prepare is None and self._change is None
        if not isinstance(self._source, Batches) or not is_plain:
            return None
        X, y = self._source.X, self._source.y
        return tuple(np.ascontiguousarray(array) for array in (X, y) if array is not None)

    @property
    def whole(self) -> tuple[int, int]:
        """(rows of a whole batch, number of whole batches an epoch), where `arrays` are at hand."""
        size = self._source.batch_size
        return size, min(self._source.n // size, len(self._source))

    def rows(self, epoch: int, start: int, stop: int) -> np.ndarray:
        """The row numbers of whole batches, where `arrays` are at hand."""
        found: np.ndarray = self._source.rows(epoch, start, stop)
        return found

    def first(self) -> Batch:
        """A batch to look at; one that can be drawn only once is put back."""
        if isinstance(self._source, Batches):
            arrays = (
                [self._source.X] if self._source.y is None else [self._source.X, self._source.y]
            )
            return tuple(array[:2] for array in arrays)
        stream = iter(self._source)
        batch = next(stream, None)
        if batch is None:
            raise DataError(say("there are no batches"))
        if stream is self._source:
            self._source = chain([batch], stream)
        return tuple(batch)


def arrays_of(train: Any) -> tuple[Any, Any] | None:
    """(X, y) of a pair or a Dataset; None for batches."""
    if isinstance(train, Dataset):
        return train.train_X, train.train_y
    if isinstance(train, tuple) and len(train) == 2:  # noqa: PLR2004 - (X, y)
        return train
    return None


def array_feed(X: np.ndarray, y: np.ndarray, batch_size: int | None, **options: Any) -> Feed:
    """Shuffled batches of arrays that were checked already."""
    if batch_size is DEFAULT_BATCH:
        batch_size = min(int(DEFAULT_BATCH), len(X))
    # What is no size is refused by `Batches`.
    is_all = isinstance(batch_size, int | np.integer) and batch_size >= len(X)
    if is_all and not options["replacement"]:
        options["shuffle"] = False  # one batch of all rows: their order changes nothing
    batches = Batches(X, y, batch_size, **options)
    form = {"rows": len(X), "batch_size": batches.batch_size, **options}
    return Feed(batches, len(batches), form)


def stream_feed(train: Any, batch_size: int | None, together: int = 1, **options: Any) -> Feed:
    """Batches addressed by epoch, of a `Streamed`, or of anything that can be iterated; so many of
    them as one, where their size is not for us to choose."""
    if isinstance(train, Streamed):
        size = min(int(DEFAULT_BATCH), len(train)) if batch_size is DEFAULT_BATCH else batch_size
        train, together = train.batches(size, **options), 1
    if isinstance(train, EpochBatches):
        return Feed(train, len(train), train.form, together)
    if not isinstance(train, Iterable) or isinstance(train, (str, dict, np.ndarray)):
        raise OptionError(
            say("training data of {kind}", kind=type(train).__name__),
            rule=say("(X, y), a Dataset, or batches that can be iterated"),
        )
    length = len(train) if isinstance(train, Sized) else None
    if length == 0:
        raise DataError(say("there are no batches"))
    return Feed(train, length, {"batches": length}, together)


def _joined(batches: Iterator[Any], count: int) -> Iterator[Batch]:
    """So many batches in a row as one; the last one may be of fewer."""
    while group := list(islice(batches, count)):
        yield tuple(np.concatenate(column) for column in zip(*group, strict=True))


def checked_inputs(X: Any, dtype: np.dtype | None) -> np.ndarray:
    """Features of a whole data set: numbers, finite, in the model's dtype, at least one row."""
    array = as_input(X, dtype)
    if array.ndim == 0 or len(array) == 0:
        raise DataError(say("there are no rows"))
    require_finite(array, "X")
    return array


def preparing(targets: Any, dtype: np.dtype | None) -> Prepare:
    """Convert batches as they come."""

    def prepare(batch: Sequence[Any]) -> Batch:
        inputs, y = split_batch(tuple(batch))
        return (*(as_input(x, dtype) for x in inputs), targets.prepare(y))

    return prepare


def rows_of(batch: Sequence[Any]) -> int:
    """How many rows a batch has."""
    shape = np.shape(batch[-1])
    return shape[0] if shape else 1


def example(batch: Sequence[Any], dtype: np.dtype | None) -> list[np.ndarray]:
    """At most two rows of the inputs of a batch, to see what the model makes of them."""
    inputs, y = split_batch(batch)
    as_array(y, "y")
    return [as_input(x, dtype)[:2] for x in inputs]
