"""Text as integers and back: by character, byte, Korean syllable or Korean letter.

Layer L8. A vocabulary is data: a unit and its symbols, kept as JSON of a closed schema.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glassgrad.data.hangul import from_jamo, join_letters, to_jamo
from glassgrad.errors import DataError, DtypeError, OptionError, unknown_option
from glassgrad.files import (
    atomic_write,
    flag,
    integer,
    misfit,
    one_of,
    parse_json,
    read_bytes,
    record,
    text,
)
from glassgrad.text import say

UNITS = ("character", "byte", "syllable", "jamo")
UNKNOWN = "\ufffd"  # what an unknown symbol is decoded to: Unicode's replacement character
_BYTES = 256
_KIND, _VERSION = "glassgrad.vocabulary", 1
_SCHEMA = record(
    {
        "kind": one_of([_KIND]),
        "version": integer(_VERSION, _VERSION),
        "unit": one_of(UNITS),
        "symbols": text,
        "unknown": flag,
    }
)


@dataclass(frozen=True)
class Vocabulary:
    """The symbols of a text and their numbers.

    unit      "character": Unicode's code points. "byte": UTF-8, 256 symbols, nothing is unknown.
              "syllable": code points, letters that make a Korean syllable joined before. "jamo":
              Korean syllables taken apart into letters, which `decode` puts together again
    symbols   one character each, in the order of their numbers
    has_unknown   number 0 stands for all that is no symbol; else such a text is an error

    >>> vocabulary = Vocabulary.of("banana")
    >>> vocabulary.encode("ban").tolist(), vocabulary.decode([2, 0, 1])
    ([1, 0, 2], 'nab')
    """

    unit: str
    symbols: str = ""
    has_unknown: bool = False

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise unknown_option("unit of text", self.unit, UNITS)
        if self.unit == "byte":
            if self.symbols or self.has_unknown:
                raise OptionError(say("bytes need no list of symbols"), operation="Vocabulary")
        elif not self.symbols or len(set(self.symbols)) != len(self.symbols):
            raise OptionError(
                say("the symbols are none, or one stands twice"), operation="Vocabulary"
            )

    @classmethod
    def of(
        cls,
        texts: str | Iterable[str],
        unit: str = "character",
        *,
        least: int = 1,
        most: int | None = None,
        unknown: bool | None = None,
    ) -> Vocabulary:
        """The vocabulary of a text or of several, symbols in the order of their code points.

        least     leave out symbols that occur less often
        most      keep the most frequent ones only; of equal ones the lower code points
        unknown   whether there is a number for what is left out; by default where that may be
        """
        if unit == "byte":
            return cls(unit)
        if unit not in UNITS:
            raise unknown_option("unit of text", unit, UNITS)
        if least < 1 or (most is not None and most < 1):
            problem = say("least={least} and most={most} keep nothing", least=least, most=most)
            raise OptionError(problem, operation="Vocabulary.of", rule="1 ≤ least, 1 ≤ most")
        listed = [texts] if isinstance(texts, str) else list(texts)
        points, counts = np.unique(
            _points("".join(_parted(t, unit) for t in listed)), return_counts=True
        )
        points, counts = points[counts >= least], counts[counts >= least]
        if most is not None:
            points = np.sort(points[np.argsort(-counts, kind="stable")[:most]])
        if not len(points):
            raise DataError(say("the text has no symbols to keep"), operation="Vocabulary.of")
        has_unknown = (least > 1 or most is not None) if unknown is None else unknown
        return cls(unit, _text(points), has_unknown)

    def __len__(self) -> int:
        """How many numbers there are, that of unknown symbols included."""
        return _BYTES if self.unit == "byte" else len(self.symbols) + self.has_unknown

    def __repr__(self) -> str:
        return f"Vocabulary({self.unit!r}, {len(self)} symbols)"

    def encode(self, text: str) -> NDArray[np.int64]:
        """The numbers of a text's symbols.

        Raises:    DataError with the first symbol that is unknown, where there is no number for it
        """
        if self.unit == "byte":
            return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8).astype(np.int64)
        points = _points(_parted(text, self.unit))
        order, ordered = self._ordered
        place = np.minimum(np.searchsorted(ordered, points), len(ordered) - 1)
        is_known = ordered[place] == points
        ids = order[place] + self.has_unknown
        if is_known.all():
            return ids
        if not self.has_unknown:
            self._refuse(points, is_known)
        return np.where(is_known, ids, 0)

    def decode(self, ids: ArrayLike) -> str:
        """The text of numbers; bytes that are no UTF-8 and unknown symbols become U+FFFD.

        Raises:    DataError for a number outside the vocabulary; DtypeError for what is no integer
        """
        numbers = np.asarray(ids)
        if numbers.dtype.kind not in "iu" and numbers.size:
            raise DtypeError(say("indices must be integers, not {dtype}", dtype=numbers.dtype.name))
        numbers = numbers.reshape(-1).astype(np.int64)
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(self):
            worst = numbers.min() if numbers.min() < 0 else numbers.max()
            problem = say("id {value} is outside the {count} symbols", value=worst, count=len(self))
            raise DataError(problem, operation="decode", rule=f"0 ≤ id < {len(self)}")
        if self.unit == "byte":
            return numbers.astype(np.uint8).tobytes().decode("utf-8", "replace")
        found = _text(_points(UNKNOWN * self.has_unknown + self.symbols)[numbers])
        return from_jamo(found) if self.unit == "jamo" else found

    # --- files ---

    def to_json(self) -> str:
        """The vocabulary as JSON; `from_json` gives an equal one."""
        fields = {"unit": self.unit, "symbols": self.symbols, "unknown": self.has_unknown}
        return json.dumps({"kind": _KIND, "version": _VERSION, **fields})

    @classmethod
    def from_json(cls, content: str | bytes, where: str = "the vocabulary") -> Vocabulary:
        """The vocabulary in JSON; a `FileFormatError` says what does not fit the schema."""
        fields = _SCHEMA(parse_json(content, where), where)
        try:
            return cls(fields["unit"], fields["symbols"], fields["unknown"])
        except OptionError as error:
            raise misfit(where, error.problem) from error

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it as a JSON file."""
        place = Path(path)
        atomic_write(place, self.to_json().encode("ascii"))
        return place

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Vocabulary:
        """What `save` wrote.

        Raises:    FileAccessError, FileFormatError
        """
        return cls.from_json(read_bytes(Path(path)), str(path))

    # --- helpers ---

    @cached_property
    def _ordered(self) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """The symbols' positions, and their code points, by ascending code point."""
        points = _points(self.symbols)
        order = np.argsort(points, kind="stable").astype(np.int64)
        return order, points[order]

    def _refuse(self, points: NDArray[np.uint32], is_known: NDArray[np.bool_]) -> None:
        place = int(np.argmin(is_known))
        missing = np.unique(points[~is_known])
        raise DataError(
            say(
                "{symbol!r} at position {place} is not in the vocabulary",
                symbol=_text(points[place : place + 1]),
                place=place,
            ),
            operation="encode",
            hint=say(
                "{count} symbols of this text are not; Vocabulary.of(…, unknown=True) has a number "
                "for them",
                count=len(missing),
            ),
        )


def _parted(text: str, unit: str) -> str:
    """The text of which each character is a symbol."""
    if unit == "jamo":
        return to_jamo(text)
    return join_letters(text) if unit == "syllable" else text


def _points(text: str) -> NDArray[np.uint32]:
    """Code points; surrogates that stand alone are kept."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))


def _text(points: NDArray[Any]) -> str:
    return points.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
