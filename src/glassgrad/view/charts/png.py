"""PNG from arrays, by `zlib` alone.

Layer L8. Grey (h, w) or RGB (h, w, 3) of bytes.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2


def png(pixels: Any) -> bytes:
    """An image of bytes, (h, w) grey or (h, w, 3) RGB, as a PNG file.

    >>> png(np.zeros((2, 3), np.uint8))[:8]
    b'\\x89PNG\\r\\n\\x1a\\n'
    """
    array = np.ascontiguousarray(pixels, np.uint8)
    height, width = array.shape[:2]
    colour = _GREY if array.ndim == 2 else _RGB  # noqa: PLR2004 - (h, w)
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    rows = array.reshape(height, -1)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)  # no filter
    body = zlib.compress(lines.tobytes(), 9)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def data_uri(pixels: Any) -> str:
    """An image as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode("ascii")


def as_bytes(image: Any, low: float, high: float, *, invert: bool = False) -> np.ndarray:
    """Numbers from `low` to `high` as bytes from 0 to 255; `invert` shows ink on paper."""
    scaled = (np.asarray(image, float) - low) / ((high - low) or 1.0)
    scaled = np.nan_to_num(np.clip(scaled, 0.0, 1.0))
    if invert:
        scaled = 1.0 - scaled
    return np.rint(scaled * 255).astype(np.uint8)
