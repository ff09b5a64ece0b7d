"""Named arrays in files: every bit comes back, and a damaged file is named with its fault."""

from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassgrad.errors import DtypeError, FileAccessError, FileFormatError, OptionError
from glassgrad.io import load_arrays, save_arrays
from glassgrad.io.weights import decode_arrays, encode_arrays

ARRAYS = {
    "fc1.W": np.arange(6, dtype=np.float32).reshape(2, 3),
    "fc1.b": np.array([-0.0, np.nan, np.inf]),
    "scalar": np.array(3.5),
    "empty": np.zeros((0, 3), np.int64),
    "mask": np.array([True, False]),
    "key": np.array([1, 2**32 - 1], np.uint32),
}


def raw(header: object, data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


# --- round trip --------------------------------------------------------------------------


def test_every_bit_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_arrays(path, ARRAYS, {"classes": "세토사"})
    arrays, metadata = load_arrays(path)
    assert metadata == {"classes": "세토사"}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in arrays.items():
        wanted = ARRAYS[name]
        assert (array.shape, array.dtype) == (wanted.shape, wanted.dtype)
        assert array.tobytes() == wanted.tobytes()
        assert array.flags.writeable


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3).T,
        np.arange(6.0)[::-2],
        np.arange(3, dtype=">f4"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.float32(2),
    ],
)
def test_layout_in_memory_does_not_matter(array: np.ndarray) -> None:
    arrays, _ = decode_arrays(encode_arrays({"x": array}), "x")
    np.testing.assert_array_equal(arrays["x"], array)


def test_no_arrays() -> None:
    assert decode_arrays(encode_arrays({}), "x") == ({}, {})


def test_signalling_nan_keeps_its_payload() -> None:
    bits = np.array([0x7FF0000000000001, 0xFFF8000000000ABC], np.uint64)
    arrays, _ = decode_arrays(encode_arrays({"x": bits.view(np.float64)}), "x")
    assert arrays["x"].view(np.uint64).tolist() == bits.tolist()


@pytest.mark.parametrize("value", [np.array(["a"]), np.array([None]), np.zeros(2, np.longdouble)])
def test_what_the_format_lacks_is_refused(value: np.ndarray) -> None:
    with pytest.raises(DtypeError, match=r"W: an array of .* cannot be stored"):
        encode_arrays({"W": value})


def test_metadata_are_texts() -> None:
    with pytest.raises(OptionError, match="metadata are texts"):
        encode_arrays({}, {"epoch": 3})  # type: ignore[dict-item]
    with pytest.raises(OptionError, match="cannot be the name"):
        encode_arrays({"__metadata__": np.zeros(1)})


# --- damaged files -----------------------------------------------------------------------

GOOD = encode_arrays(ARRAYS, {"a": "b"})
ONE = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is 0 bytes long"),
        (b"PK\3\4", "it is 4 bytes long"),
        (GOOD[:100], "its header alone should have"),
        (b"<!DOCTYPE html><html></html>", "its header alone should have"),
        (GOOD[:-1], r"its header declares \d+ bytes of data, it holds \d+"),
        (GOOD + b"x", r"its header declares \d+ bytes of data, it holds \d+"),
        (raw([], b""), "its header is no JSON object"),
        (raw(ONE, b"1234567"), "declares 8 bytes of data, it holds 7"),
        (raw({"a": 5}, b""), "invalid"),
        (raw({"a": {**ONE["a"], "shape": [2**62, 2**62]}}, b"12345678"), "overflow"),
        (raw({"a": {**ONE["a"], "shape": [0, 2**64 - 1], "data_offsets": [0, 0]}}, b""), "a: "),
        (raw({"a": {**ONE["a"], "shape": [3]}}, b"12345678"), "invalid shape"),
        (raw({"a": {**ONE["a"], "dtype": "F8_E5M2", "shape": [8]}}, b"12345678"), "kind F8_E5M2"),
        (raw({"a": {"dtype": "BOOL", "shape": [1], "data_offsets": [0, 1]}}, b"\2"), "no bool"),
        (GOOD.replace(b'{"', b'\xff"', 1), "not valid JSON"),
    ],
)
def test_a_damaged_file_is_named_with_its_fault(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=problem) as caught:
        load_arrays(path)
    assert str(path) in str(caught.value)


def test_a_huge_declared_size_allocates_nothing() -> None:
    huge = {"a": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}
    with pytest.raises(FileFormatError, match="declares 4000000000000 bytes of data, it holds 8"):
        decode_arrays(raw(huge, b"12345678"), "x")


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_flipped_byte_never_escapes(place: int, flip: int) -> None:
    content = bytearray(GOOD)
    content[place] ^= flip
    with suppress(FileFormatError):
        decode_arrays(bytes(content), "x")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(content: bytes) -> None:
    with suppress(FileFormatError):
        decode_arrays(content, "x")


# --- writing -----------------------------------------------------------------------------


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="absent"):
        load_arrays(tmp_path / "absent.safetensors")


def test_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.safetensors"
    save_arrays(path, ARRAYS)
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileAccessError, match="No space left"):
        save_arrays(path, {"x": np.zeros(3)})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FileAccessError, match="Permission denied"):
        save_arrays(tmp_path / "model.safetensors", ARRAYS)


def test_folder_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="cannot be read or written"):
        save_arrays(tmp_path, ARRAYS)
    with pytest.raises(FileAccessError, match="cannot be read or written"):
        save_arrays(tmp_path / "no" / "model.safetensors", ARRAYS)
