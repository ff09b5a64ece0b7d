"""How one value is shown: a number, a warning, a small matrix, or a map of squares.

Layer L8. A block knows its size and draws itself with its top middle at a point. In a map the area
of a square is the size of a number; filled squares are positive, open ones negative, so it
survives printing. Large arrays are sampled, never copied whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.view.digits import number
from glassgrad.view.labels import text_width
from glassgrad.view.markup import coordinate, element, text, words
from glassgrad.view.record import Missing

NUMBER_SIZE, SMALL_SIZE = 13.0, 11.0
PILL_HEIGHT = 18.0
_MOST_NUMBERS, _MOST_COLUMNS = 6, 3
_CELL = 8.0
_MAP_ROWS, _MAP_COLUMNS = 6, 14
_ROW_HEIGHT = 16.0
_STATISTICS_SAMPLE = 1 << 20  # elements that minimum, mean and maximum are taken of


class Block(ABC):
    """Something with a size that draws itself."""

    width: float
    height: float

    @abstractmethod
    def svg(self, x: float, top: float) -> str:
        """Markup with the top middle of the block at a point."""


@dataclass(frozen=True)
class NumberBlock(Block):
    """One finite number."""

    value: Any
    style: str
    precision: int
    height: float = _ROW_HEIGHT

    @property
    def width(self) -> float:  # type: ignore[override]
        return text_width(number(self.value, self.precision), NUMBER_SIZE, bold=True)

    def svg(self, x: float, top: float) -> str:
        shown = number(self.value, self.precision)
        exact = {"data-number": exactly(self.value)}
        return text(x, top + 12.5, words(shown), self.style, **exact)


@dataclass(frozen=True)
class WordBlock(Block):
    """NaN or infinity: a filled pill with the word."""

    word: str
    height: float = PILL_HEIGHT

    @property
    def width(self) -> float:  # type: ignore[override]
        return text_width(self.word, SMALL_SIZE, bold=True) + 16

    def svg(self, x: float, top: float) -> str:
        return pill(x, top, self.width, "warn") + text(x, top + 9, words(self.word), "w")


@dataclass(frozen=True)
class PendingBlock(Block):
    """A gradient that is not computed yet: an empty dashed pill."""

    width: float = 40.0
    height: float = PILL_HEIGHT

    def svg(self, x: float, top: float) -> str:
        return pill(x, top, self.width, "pending")


@dataclass(frozen=True)
class MatrixBlock(Block):
    """A few numbers in rows and columns, between brackets."""

    cells: tuple[tuple[Any, ...], ...]
    style: str
    precision: int

    @property
    def _column(self) -> float:
        texts = [number(x, self.precision) for row in self.cells for x in row]
        return max(text_width(t, NUMBER_SIZE, bold=True) for t in texts) + 8

    @property
    def width(self) -> float:  # type: ignore[override]
        return self._column * len(self.cells[0]) + 8

    @property
    def height(self) -> float:  # type: ignore[override]
        return _ROW_HEIGHT * len(self.cells) + 2

    def svg(self, x: float, top: float) -> str:
        left, right, bottom = x - self.width / 2, x + self.width / 2, top + self.height
        parts = [
            _bracket(left, top, bottom, 4.0),
            _bracket(right, top, bottom, -4.0),
        ]
        for i, row in enumerate(self.cells):
            for j, value in enumerate(row):
                end = left + 4 + (j + 1) * self._column - 4
                shown, y = words(number(value, self.precision)), top + 1 + i * _ROW_HEIGHT + 12.5
                style = self.style if np.isfinite(value) else f"{self.style} bad"
                exact = {"data-number": exactly(value), "style": "text-anchor:end"}
                parts.append(text(end, y, shown, style, **exact))
        return "".join(parts)


@dataclass(frozen=True)
class MapBlock(Block):
    """A sample of a larger array as squares, and its minimum, mean and maximum."""

    sample: np.ndarray
    line: str
    style: str
    warning: str = ""

    @property
    def width(self) -> float:  # type: ignore[override]
        squares = float(self.sample.shape[1] * _CELL + 2)
        note = WordBlock(self.warning).width if self.warning else 0.0
        return max(squares, text_width(self.line, SMALL_SIZE), note)

    @property
    def height(self) -> float:  # type: ignore[override]
        return float(self.sample.shape[0] * _CELL + 18 + (PILL_HEIGHT + 2 if self.warning else 0))

    def svg(self, x: float, top: float) -> str:
        rows, columns = self.sample.shape
        left = x - columns * _CELL / 2
        frame = {"class": "map", "x": left - 1, "y": top, "width": columns * _CELL + 2}
        parts = [element("rect", {**frame, "height": rows * _CELL + 2})]
        parts += self._squares(left, top + 1)
        below = top + rows * _CELL + 4
        style = f"{self.style} s"
        parts.append(text(x, below + 11, words(self.line), style))
        if self.warning:
            parts.append(WordBlock(self.warning).svg(x, below + 16))
        return "".join(parts)

    def _squares(self, left: float, top: float) -> list[str]:
        """One path of all filled squares, one of the open ones, one of what is not finite.

        They are placed as a whole, so that the same array has the same paths in every picture.
        """
        sizes = np.abs(self.sample)
        largest = float(np.max(sizes, where=np.isfinite(sizes), initial=0.0))
        paths = {"f": "", "o": "", "x": ""}
        for i, j in np.ndindex(*self.sample.shape):
            value = float(self.sample[i, j])
            middle = (j + 0.5) * _CELL, (i + 0.5) * _CELL
            kind = "x" if not np.isfinite(value) else "o" if value < 0 else "f"
            share = 1.0 if kind == "x" else abs(value) / largest if largest else 0.0
            paths[kind] += _square(*middle, share, kind)
        place = f"translate({coordinate(left)} {coordinate(top)})"
        return [
            element("path", {"class": f"m{self.style} {kind}", "transform": place, "d": d})
            for kind, d in paths.items()
            if d
        ]


def block_of(data: Any, style: str, precision: int) -> Block:
    """The block for a value (`style` "v") or a gradient ("g")."""
    if isinstance(data, Missing):
        return PendingBlock()
    array = np.asarray(data)
    if array.size == 1:
        value = array.reshape(())[()]
        is_finite = array.dtype.kind not in "fc" or bool(np.isfinite(value))
        return NumberBlock(value, style, precision) if is_finite else WordBlock(number(value))
    if array.ndim == 0 or array.size == 0:
        return NumberBlock(0, style, precision) if array.size else WordBlock("∅")
    if _is_small(array):
        rows = array.reshape(-1, array.shape[-1])
        return MatrixBlock(tuple(tuple(row) for row in rows), style, precision)
    return _map_of(array, style, precision)


def _is_small(array: np.ndarray) -> bool:
    columns = array.shape[-1]
    fits = array.size <= _MOST_NUMBERS and columns <= _MOST_COLUMNS
    return fits and array.ndim <= 2 and array.dtype.kind in "fiub"  # noqa: PLR2004 - a matrix


def _map_of(array: np.ndarray, style: str, precision: int) -> MapBlock:
    sample = sampled(array, _MAP_ROWS, _MAP_COLUMNS)
    summary = summarised(array)
    line = "  ".join(number(x, precision) for x in summary.numbers) if summary.numbers else "–"
    line = f"≈ {line}" if summary.is_sampled else line
    return MapBlock(sample, line, style, summary.warning)


def sampled(array: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """At most rows × columns of the elements, evenly chosen; leading axes at their first index."""
    while array.ndim > 2:  # noqa: PLR2004 - a matrix remains
        array = array[0]
    if array.ndim == 1:
        array = array[None, :]
    chosen = [
        np.unique(np.linspace(0, size - 1, min(size, most)).round().astype(int))
        for size, most in zip(array.shape, (rows, columns), strict=True)
    ]
    sample = array[np.ix_(*chosen)]
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(sample) if sample.dtype.kind == "c" else sample, np.float64)


@dataclass(frozen=True)
class Summary:
    """Minimum, mean and maximum of what is finite, and a word about the rest."""

    numbers: tuple[Any, ...]
    warning: str
    is_sampled: bool


def summarised(value: Any) -> Summary:
    """The summary of an array; of an even sample of it if it is very large."""
    array = np.asarray(value)
    is_sampled = array.size > _STATISTICS_SAMPLE
    array = _thinned(array)
    if array.dtype.kind not in "fc":
        known = array.astype(np.int64) if array.dtype.kind == "b" else array
        numbers = (known.min(), float(known.mean()), known.max()) if known.size else ()
        return Summary(numbers, "", is_sampled)
    if array.dtype.kind == "c":
        array = np.abs(array)
    finite = array[np.isfinite(array)]
    words_ = [
        f"{count} {word}"
        for count, word in (
            (int(np.isnan(array).sum()), "NaN"),
            (int(np.isinf(array).sum()), "infinity"),
        )
        if count
    ]
    numbers = ()
    if finite.size:
        with np.errstate(all="ignore"):
            mean = float(finite.astype(np.float64).mean())
        numbers = (finite.min(), mean, finite.max())
    return Summary(numbers, ", ".join(words_), is_sampled)


def _thinned(array: np.ndarray) -> np.ndarray:
    """An evenly strided view of at most about `_STATISTICS_SAMPLE` elements."""
    while array.size > _STATISTICS_SAMPLE:
        axis = int(np.argmax(array.shape))
        step = -(-array.size // _STATISTICS_SAMPLE)
        step = min(step, array.shape[axis])
        array = array[(slice(None),) * axis + (slice(None, None, max(2, step)),)]
    return array


# --- pieces ------------------------------------------------------------------------------


def pill(x: float, top: float, width: float, class_: str = "pill") -> str:
    """A rounded box, 18 high, around (x, top + 9)."""
    place = {"x": x - width / 2, "y": top, "width": width, "height": PILL_HEIGHT}
    return element("rect", {"class": class_, **place, "rx": PILL_HEIGHT / 2})


def exactly(value: Any) -> str:
    """All digits of a number, for programs that read the picture."""
    plain = value.item() if hasattr(value, "item") else value
    return repr(plain)


def _bracket(x: float, top: float, bottom: float, serif: float) -> str:
    line = f"M{x + serif:g} {top:g}H{x:g}V{bottom:g}H{x + serif:g}"
    return element("path", {"class": "bracket", "d": line})


def _square(x: float, y: float, share: float, kind: str) -> str:
    """A square of the share's area; an open one is drawn inside its line."""
    half = (_CELL - 1) / 2 * float(np.sqrt(share)) - (0.5 if kind == "o" else 0.0)
    if half < 0.25:  # noqa: PLR2004 - pixels; less is not seen
        return ""
    return f"M{x - half:.2f} {y - half:.2f}h{2 * half:.2f}v{2 * half:.2f}h{-2 * half:.2f}z"
