"""Folders of pictures: classes by folder, sizes checked before a pixel is decoded, faults named."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad.data import PictureFolder
from glassgrad.errors import (
    DataError,
    FileAccessError,
    FileFormatError,
    MissingExtraError,
    OptionError,
)


@pytest.fixture
def image() -> Any:
    return pytest.importorskip("PIL.Image", reason="Pillow is not installed")


@pytest.fixture
def folder(tmp_path: Path, image: Any) -> Path:
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for i in range(4):
            pixels = rng.integers(0, 256, (6, 5, 3)).astype(np.uint8)
            image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    (tmp_path / "cat" / ".hidden.png").write_text("no picture")
    (tmp_path / ".git").mkdir()
    return tmp_path


def _png(width: int, height: int) -> bytes:
    """A file that claims a size; its pixels are missing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_pictures_are_read_by_class(folder: Path, image: Any) -> None:
    found = PictureFolder(folder)
    assert found.class_names == ("cat", "dog")
    assert found.y.tolist() == [0] * 4 + [1] * 4
    assert found.shape == (3, 6, 5)
    expected = np.asarray(image.open(folder / "dog" / "1.png")).transpose(2, 0, 1) / np.float32(255)
    np.testing.assert_array_equal(found.pixels(5), expected.astype(np.float32))
    batches = found.batches(3, seed=1)
    taken = [(X.shape[1:], y.tolist()) for X, y in batches]
    assert [len(y) for _, y in taken] == [3, 3, 2]
    again = found.batches(3, seed=1)
    np.testing.assert_array_equal(again.batch(4, 1)[0], list(batches.epoch(4))[1][0])
    whole = found.dataset(0.25)
    assert (whole.train_X.shape, whole.test_y.tolist()) == ((6, 90), [0, 1])
    assert whole.image_shape == (3, 6, 5)


def test_sizes_and_channels(folder: Path, image: Any) -> None:
    image.fromarray(np.zeros((40, 30), np.uint8)).save(folder / "cat" / "9.png")
    with pytest.raises(DataError, match=r"cat/9.png: the picture has 40 × 30 pixels, .* 6 × 5"):
        PictureFolder(folder).rows(np.arange(9))
    X, _ = PictureFolder(folder, (8, 7), channels=1).rows(np.arange(9))
    assert X.shape == (9, 1, 8, 7)
    assert 0 <= X.min() <= X.max() <= 1
    with pytest.raises(OptionError, match="channels is 2"):
        PictureFolder(folder, channels=2)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello", "no known format"),
        (b"", "no known format"),
        (_png(9000, 9000), "too large to be decoded: 9000 × 9000"),
        (_png(60_000, 60_000), "too large to be decoded"),
        (_png(6, 5), "no intact picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 5 6\n", "no known format"),
    ],
)
def test_damaged_pictures_are_named(folder: Path, content: bytes, words: str) -> None:
    (folder / "cat" / "1.png").write_bytes(content)
    with pytest.raises(FileFormatError, match=f"^cat/1.png: .*{words}"):
        PictureFolder(folder, (5, 6)).pixels(1)


def test_every_truncation_is_named(folder: Path) -> None:
    whole = (folder / "cat" / "1.png").read_bytes()
    found = PictureFolder(folder, (5, 6))
    for length in range(0, len(whole) - 20, 7):
        (folder / "cat" / "1.png").write_bytes(whole[:length])
        with pytest.raises(FileFormatError, match=r"^cat/1.png: "):
            found.pixels(1)


def test_folders_that_are_none(folder: Path) -> None:
    with pytest.raises(FileAccessError):
        PictureFolder(folder / "none")
    with pytest.raises(DataError, match="no folders of classes"):
        PictureFolder(folder / "cat")
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="the class empty has no pictures"):
        PictureFolder(folder)
    (folder / "empty").rmdir()
    found = PictureFolder(folder)
    found.paths[2].unlink()
    with pytest.raises(FileAccessError, match=r"2.png"):
        found.pixels(2)


def test_without_pillow_what_to_install_is_said(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.png").write_bytes(_png(5, 6))
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r"pip install pillow"):
        PictureFolder(tmp_path)
