"""Sound from WAV files, by the standard library, and spoken digits.

Layer L8. Samples become floats in [-1, 1); features are made by `mel`.
"""

from __future__ import annotations

import io
import os
import re
import wave
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.config import config
from glassgrad.data.fetch import find_only
from glassgrad.data.formats import naming_damage, read_exactly
from glassgrad.data.sources import SPOKEN_DIGITS
from glassgrad.errors import FileFormatError
from glassgrad.files import named_access
from glassgrad.text import say

_MOST_BYTES = 2**28  # of one file: a quarter of an hour of the best stereo
_MOST_RECORDING = 2**20  # of one digit: a minute
_TEST_INDICES = 5  # recordings 0 to 4 of each digit and speaker, the authors' custom
_BYTES_OF_24 = 3
_MOST_WIDTH = 4  # bytes of a sample


def read_wav(source: str | os.PathLike[str] | bytes, name: str = "") -> tuple[NDArray[Any], int]:
    """The samples of a WAV file, or of its bytes, and the number of them a second.

    Shapes:    one channel (n,), several (n, channels); `config.float` in [-1, 1)
    Raises:    FileAccessError; FileFormatError for a damaged file, and for one that is not PCM of
               8, 16, 24 or 32 bits
    """
    if isinstance(source, bytes):
        return _decoded(io.BytesIO(source), name or "WAV", len(source))
    place = Path(source)
    with named_access(place), place.open("rb") as stream:
        return _decoded(stream, place.name, place.stat().st_size)


def _decoded(stream: Any, name: str, size: int) -> tuple[NDArray[Any], int]:
    try:
        with wave.open(stream, "rb") as sound:
            channels, width, rate, count, *_ = sound.getparams()
            if width > _MOST_WIDTH:
                raise wave.Error(say("it has samples of {n} bytes", n=width))
            expected = count * channels * width
            if expected > size or expected > _MOST_BYTES:
                raise wave.Error(say("it declares {n} bytes of sound", n=expected))
            content = sound.readframes(count)
    except (wave.Error, EOFError, RuntimeError) as error:  # the last where a chunk lies outside
        problem = say("it is no intact WAV file: {reason}", reason=str(error) or "EOF")
        raise FileFormatError(problem, operation=name) from error
    if len(content) != expected:
        problem = say("it declares {n} bytes of sound", n=expected)
        raise FileFormatError(problem, operation=name, rule=f"{len(content)}")
    samples = _numbers(content, width) / 2.0 ** (8 * width - 1)
    shaped = samples if channels == 1 else samples.reshape(-1, channels)
    return shaped.astype(config.float), rate


def _numbers(content: bytes, width: int) -> NDArray[np.float64]:
    """Signed numbers of `width` bytes; those of one byte lie around 128 (the format's rule)."""
    if width == 1:
        return np.frombuffer(content, np.uint8).astype(np.float64) - 128
    if width == _BYTES_OF_24:
        low = np.frombuffer(content, np.uint8).reshape(-1, 3).astype(np.int32)
        value = low[:, 0] | low[:, 1] << 8 | low[:, 2] << 16
        return (value - ((value >> 23) << 24)).astype(np.float64)
    return np.frombuffer(content, f"<i{width}").astype(np.float64)


# --- spoken digits -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class Recordings:
    """Sounds of different lengths with labels, each with its speaker and whether it is for testing.

    sounds    one array (n,) of samples a recording, `rate` of them a second
    """

    name: str
    sounds: tuple[NDArray[Any], ...]
    y: NDArray[np.int64]
    speakers: tuple[str, ...]
    is_test: NDArray[np.bool_]
    rate: int
    class_names: tuple[str, ...]
    citation: str = ""
    licence: str = ""

    def __len__(self) -> int:
        return len(self.sounds)

    def part(self, rows: Any) -> Recordings:
        """Some of the recordings, by anything that indexes an array."""
        numbers = np.arange(len(self))[rows].tolist()
        return replace(
            self,
            sounds=tuple(self.sounds[i] for i in numbers),
            y=self.y[numbers],
            speakers=tuple(self.speakers[i] for i in numbers),
            is_test=self.is_test[numbers],
        )

    def __repr__(self) -> str:
        test = int(self.is_test.sum())
        return f"Recordings({self.name!r}, train {len(self) - test}, test {test}, {self.rate} Hz)"


def spoken_digits(folder: str | os.PathLike[str] | None = None) -> Recordings:
    """English digits by 6 speakers: 2,700 recordings for training, 300 for testing; 8,000 Hz.

    In the order of their file names `DIGIT_SPEAKER_INDEX.wav`; indices 0 to 4 are for testing.

    Raises:    FileAccessError if the archive lies in no data folder; it cannot be downloaded
    """
    place = find_only(SPOKEN_DIGITS.files["all"], SPOKEN_DIGITS.folder, folder)
    found = read_recordings(place)
    names = [name.removesuffix(".wav").split("_") for name, _, _ in found]
    rates = {rate for _, _, rate in found}
    if len(rates) != 1:
        raise FileFormatError(
            say("its sounds have rates {rates}", rates=sorted(rates)), operation=place.name
        )
    return Recordings(
        name="spoken-digits",
        sounds=tuple(sound for _, sound, _ in found),
        y=np.array([int(digit) for digit, _, _ in names], dtype=np.int64),
        speakers=tuple(speaker for _, speaker, _ in names),
        is_test=np.array([int(index) < _TEST_INDICES for _, _, index in names]),
        rate=rates.pop(),
        class_names=SPOKEN_DIGITS.class_names,
        citation=SPOKEN_DIGITS.citation,
        licence=SPOKEN_DIGITS.licence,
    )


def read_recordings(path: str | os.PathLike[str]) -> list[tuple[str, NDArray[Any], int]]:
    """(name, samples, rate) of each `DIGIT_SPEAKER_INDEX.wav` in a zip archive, by name.

    Raises:    FileFormatError for a damaged archive, or a file in it of another name or size
    """
    import zipfile  # noqa: PLC0415 - archives cost 5 ms to import

    place, found = Path(path), []
    with naming_damage(place), zipfile.ZipFile(place) as archive:
        for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
            content = _recording(archive, entry, place)
            found.append((entry.filename, *read_wav(content, entry.filename)))
    return found


def _recording(archive: Any, entry: Any, place: Path) -> bytes:
    """The bytes of one file in the archive."""
    is_good = re.fullmatch(r"[0-9]_[A-Za-z]+_[0-9]{1,4}\.wav", entry.filename)
    if not is_good or entry.file_size > _MOST_RECORDING:
        problem = say("{name} in it is no recording of a digit", name=entry.filename)
        raise FileFormatError(problem, operation=place.name)
    with archive.open(entry) as stream:
        return bytes(read_exactly(stream, entry.file_size))
