"""Batches made in the background while the step before them runs.

Layer L8. One thread, at most `ahead` batches waiting. What is made does not depend on it: the same
batches in the same order. An error in the thread is raised where the batch that it spoilt would
have come. The thread ends with the loop over the batches: at its end, at `break`, at an exception
or Ctrl-C in the loop, and when the iterator is forgotten.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from glassgrad.data.loader import EpochBatches
from glassgrad.errors import OptionError
from glassgrad.text import say

T = TypeVar("T")


class Prefetch(EpochBatches):
    """The batches of `source`, made up to `ahead` steps before they are needed.

    >>> from glassgrad.data.loader import Batches
    >>> source = Batches(range(5), batch_size=2, shuffle=False)
    >>> [X.tolist() for (X,) in Prefetch(source)]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, source: Any, ahead: int = 2) -> None:
        if not isinstance(source, EpochBatches):
            problem = say("{kind} cannot be addressed by epoch", kind=type(source).__name__)
            hint = say("give Batches or windows; for anything else use gg.data.ahead_of(iterable)")
            raise OptionError(problem, operation="Prefetch", hint=hint)
        self.source: EpochBatches = source
        self.ahead = _checked(ahead)

    @property
    def form(self) -> dict[str, Any]:
        return self.source.form

    def __len__(self) -> int:
        return len(self.source)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Any]:
        """The batches of an epoch, from batch number `start` on."""
        return ahead_of(self.source.epoch(epoch, start), self.ahead)


def ahead_of(items: Iterable[T], ahead: int = 2) -> Iterator[T]:
    """The items of any iterable, taken from it by a thread up to `ahead` before they are needed.

    The thread starts with the first item that is asked for. Closing the iterator waits for the item
    that is being made, no longer.
    """
    return _handed_on(items, _checked(ahead))


def _handed_on(items: Iterable[T], ahead: int) -> Iterator[T]:
    shelf: _Shelf[T] = _Shelf(ahead)
    # The settings and the language of the reader hold in the thread too.
    thread = threading.Thread(
        target=copy_context().run,
        args=(_fill, shelf, items),
        name="glassgrad-prefetch",
        daemon=True,
    )
    try:
        thread.start()
        yield from shelf.taken()
    finally:
        shelf.close()
        if thread.ident is not None:
            thread.join()


def _fill(shelf: _Shelf[Any], items: Iterable[Any]) -> None:
    """What the thread does: put items on the shelf until there are none or nobody wants them."""
    error: BaseException | None = None
    try:
        for item in items:
            if not shelf.put(item):
                break
    except BaseException as found:  # handed to the reader, whatever it is
        error = found
    try:
        close = getattr(items, "close", None)
        if close is not None:
            close()
    except BaseException as found:
        error = error or found
    shelf.finish(error)


class _Shelf(Generic[T]):
    """A bounded queue with an end: the thread puts, the reader takes."""

    def __init__(self, ahead: int) -> None:
        self._room = threading.Condition()
        self._items: deque[T] = deque()
        self._ahead = ahead
        self._is_wanted = True
        self._is_done = False
        self._error: BaseException | None = None

    def put(self, item: T) -> bool:
        """Wait for room; whether the reader still wants items."""
        with self._room:
            self._room.wait_for(lambda: len(self._items) < self._ahead or not self._is_wanted)
            self._items.append(item)
            self._room.notify_all()
            return self._is_wanted

    def finish(self, error: BaseException | None) -> None:
        """No more will come."""
        with self._room:
            self._is_done, self._error = True, error
            self._room.notify_all()

    def taken(self) -> Iterator[T]:
        """The items in order, then the error of the thread if there was one."""
        while True:
            with self._room:
                self._room.wait_for(lambda: self._items or self._is_done)
                if not self._items:
                    break
                item = self._items.popleft()
                self._room.notify_all()
            yield item
        error, self._error = self._error, None
        if error is not None:
            raise error

    def close(self) -> None:
        """The reader wants no more."""
        with self._room:
            self._is_wanted = False
            self._items.clear()
            self._room.notify_all()


def _checked(ahead: int) -> int:
    if isinstance(ahead, bool) or not isinstance(ahead, int) or ahead < 1:
        raise OptionError(say("{name} is {value!r}", name="ahead", value=ahead), rule="1 ≤ ahead")
    return ahead
