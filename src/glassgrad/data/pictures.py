"""Folders of pictures: one folder a class, read when they are needed.

Layer L8. Pillow decodes, where it is installed. Of a file first its header is read: what is no
picture of a known format, or larger than allowed, is refused before a pixel is decoded.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.config import config
from glassgrad.data.dataset import Dataset
from glassgrad.data.loader import Batch, Batches, EpochBatches
from glassgrad.data.splits import split_indices
from glassgrad.errors import DataError, FileFormatError, MissingExtraError, OptionError
from glassgrad.files import named_access
from glassgrad.text import say

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
# Formats that are read by libraries alone; others (EPS) would start a program.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
_MODES = {1: "L", 3: "RGB"}
_MOST_PIXELS = 2**26  # of one picture: 200 MB as RGB
_BYTE_SCALE = 255


class PictureFolder:
    """The pictures below a folder whose sub-folders are the classes, in the order of their names.

    size       (height, width) to which each is scaled; None: all must have one size already
    channels   1 for grey, 3 for colour
    most_pixels   larger pictures are refused before they are decoded

    Files of other suffixes than `SUFFIXES` and names that begin with a dot are left out.

    Raises:    FileAccessError; DataError if there is no class or a class without pictures
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        size: tuple[int, int] | None = None,
        *,
        channels: int = 3,
        dtype: Any = None,
        most_pixels: int = _MOST_PIXELS,
    ) -> None:
        if channels not in _MODES:
            problem = say("{name} is {value!r}", name="channels", value=channels)
            raise OptionError(problem, operation="PictureFolder", rule="1 | 3")
        if size is not None and (len(size) != 2 or min(size) < 1):  # noqa: PLR2004 - h, w
            problem = say("{name} is {value!r}", name="size", value=size)
            raise OptionError(problem, operation="PictureFolder", rule="(height, width)")
        self.folder = Path(folder)
        self.channels = channels
        self.dtype = np.dtype(dtype or config.float)
        self.most_pixels = most_pixels
        self.class_names, self.paths, self.y = _found(self.folder)
        self._is_scaled = size is not None
        self.size: tuple[int, int] = size or self._opened(self.paths[0], _header_size)

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return (
            f"PictureFolder({self.folder.name!r}, {len(self)} pictures {self.shape}, "
            f"{len(self.class_names)} classes)"
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(c, h, w)"""
        return (self.channels, *self.size)

    def pixels(self, number: int) -> NDArray[Any]:
        """One picture (c, h, w), its pixels 0 … 1.

        Raises:    FileFormatError for a damaged file or a picture that is too large; DataError for
                   one of another size where none was given
        """
        raw = self._opened(self.paths[number], self._decoded)
        planes = raw.reshape(*self.size, self.channels).transpose(2, 0, 1)
        found: NDArray[Any] = np.ascontiguousarray(planes, dtype=self.dtype)
        found /= self.dtype.type(_BYTE_SCALE)
        return found

    def rows(self, numbers: NDArray[np.int64]) -> Batch:
        """(X, y) of these pictures, X (n, c, h, w)."""
        X = np.empty((len(numbers), *self.shape), dtype=self.dtype)
        for i, number in enumerate(numbers.tolist()):
            X[i] = self.pixels(number)
        return X, self.y[numbers]

    def batches(self, batch_size: int | None = 32, **options: Any) -> PictureBatches:
        """Batches that are decoded when they are needed; options as those of `Batches`."""
        return PictureBatches(self, batch_size, **options)

    def dataset(self, test: float = 0.2, *, seed: int = 0) -> Dataset:
        """All pictures in memory, a share of every class held out for testing."""
        parts = split_indices(len(self), (1 - test, test), seed=seed, stratify=self.y)
        (X, y), (test_X, test_y) = (self.rows(part) for part in parts)
        return Dataset(
            name=self.folder.name,
            train_X=X.reshape(len(X), -1),
            train_y=y,
            test_X=test_X.reshape(len(test_X), -1) if len(test_X) else None,
            test_y=test_y if len(test_X) else None,
            class_names=self.class_names,
            image_shape=self.shape,
            scale=_BYTE_SCALE,
        )

    # --- one file ---

    def _opened(self, place: Path, use: Callable[[Any, str], Any]) -> Any:
        """What `use` makes of a picture of which only the header was read."""
        image = _pillow()
        name = f"{place.parent.name}/{place.name}"
        with named_access(place):
            stream = place.open("rb")
        with stream:
            try:
                with image.open(stream, formats=_FORMATS) as picture:
                    self._require_small(picture, name)
                    return use(picture, name)
            except (image.DecompressionBombError, image.DecompressionBombWarning) as error:
                raise _too_large(name, str(error), self.most_pixels) from error
            except (DataError, FileFormatError):
                raise
            # Pillow's decoders raise all of these for damaged files.
            except (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error) as error:
                problem = say("it is no intact picture: {reason}", reason=_reason(error))
                raise FileFormatError(problem, operation=name, rule=", ".join(_FORMATS)) from error

    def _require_small(self, picture: Any, name: str) -> None:
        width, height = picture.size
        if width * height > self.most_pixels:
            raise _too_large(name, f"{width} × {height}", self.most_pixels)

    def _decoded(self, picture: Any, name: str) -> NDArray[np.uint8]:
        height, width = self.size
        if picture.size != (width, height):
            if not self._is_scaled:
                problem = say(
                    "the picture has {a} pixels, the first one {b}",
                    a=f"{picture.size[1]} × {picture.size[0]}",
                    b=f"{height} × {width}",
                )
                hint = say("give size=(height, width), to which all are scaled")
                raise DataError(problem, operation=name, hint=hint)
            picture.draft(_MODES[self.channels], (width, height))  # a JPEG may be read smaller
        found = picture.convert(_MODES[self.channels])
        if found.size != (width, height):
            found = found.resize((width, height), _pillow().Resampling.BILINEAR)
        return np.asarray(found, dtype=np.uint8)


class PictureBatches(EpochBatches):
    """Batches of a `PictureFolder`, by epoch and number."""

    def __init__(self, source: PictureFolder, batch_size: int | None, **options: Any) -> None:
        self.source = source
        self.order = Batches(np.broadcast_to(np.uint8(0), len(source)), None, batch_size, **options)

    @property
    def form(self) -> dict[str, Any]:
        return {**self.order.form, "shape": list(self.source.shape)}

    def __len__(self) -> int:
        return len(self.order)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, from batch number `start` on."""
        for number in range(start, len(self)):
            yield self.batch(epoch, number)

    def batch(self, epoch: int, number: int) -> Batch:
        """One batch (X, y)."""
        return self.source.rows(self.order.chosen(epoch, number))


# --- helpers -----------------------------------------------------------------------------


def _pillow() -> Any:
    try:
        from PIL import Image  # noqa: PLC0415 - accepted when present, not required
    except ImportError as error:
        problem = say("pictures are read by Pillow, which is not installed")
        raise MissingExtraError(problem, hint="python -m pip install pillow") from error
    return Image


def _found(folder: Path) -> tuple[tuple[str, ...], tuple[Path, ...], NDArray[np.int64]]:
    """The classes, and all pictures with the numbers of their classes, in the order of names."""
    with named_access(folder):
        listed = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not listed:
        problem = say("the folder {name} has no folders of classes", name=folder.name)
        raise DataError(problem, hint=say("one folder a class, the pictures in it"))
    paths, labels = [], []
    for label, place in enumerate(listed):
        with named_access(place):
            names = sorted(p.name for p in place.iterdir() if p.suffix.lower() in SUFFIXES)
        mine = [place / name for name in names if not name.startswith(".")]
        if not mine:
            problem = say("the class {name} has no pictures", name=place.name)
            raise DataError(problem, operation=folder.name, rule=" ".join(SUFFIXES))
        paths += mine
        labels += [label] * len(mine)
    return tuple(p.name for p in listed), tuple(paths), np.array(labels, dtype=np.int64)


def _header_size(picture: Any, name: str) -> tuple[int, int]:
    return int(picture.size[1]), int(picture.size[0])


def _too_large(name: str, found: str, most: int) -> FileFormatError:
    problem = say("the picture is too large to be decoded: {found}", found=found)
    return FileFormatError(problem, operation=name, rule=say("at most {n} pixels", n=f"{most:,}"))


def _reason(error: Exception) -> str:
    """The words of Pillow, but for those that name its stream."""
    text = str(error)
    return text if text and "<" not in text else say("it is of no known format")
