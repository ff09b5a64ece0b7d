"""IDX, NPZ and CIFAR-10 files: what is good comes back to the bit, what is bad is named."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassgrad.data import read_idx, read_npz, write_idx
from glassgrad.data.formats import CIFAR_RECORD, parse_cifar, unpack
from glassgrad.errors import DtypeError, FileAccessError, FileFormatError

DTYPES = ["uint8", "int8", "int16", "int32", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["a.idx", "a.gz"])
@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), (0, 5)])
def test_idx_round_trip(tmp_path, dtype, name, shape):
    array = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    write_idx(tmp_path / name, array)
    back = read_idx(tmp_path / name)
    assert back.dtype == array.dtype
    assert back.dtype.isnative
    np.testing.assert_array_equal(back, array)


def test_idx_writes_the_same_bytes_and_nothing_else(tmp_path):
    array = np.arange(10, dtype=np.int32)
    for name in ("a.gz", "b.gz"):
        write_idx(tmp_path / name, array)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gz", "b.gz"]


def test_idx_refuses_dtypes_and_folders(tmp_path):
    with pytest.raises(DtypeError, match="int64"):
        write_idx(tmp_path / "a", np.arange(3))
    with pytest.raises(FileAccessError):
        write_idx(tmp_path / "no" / "a", np.zeros(3, np.uint8))
    with pytest.raises(FileAccessError, match="No such file"):
        read_idx(tmp_path / "none")
    with pytest.raises(FileAccessError, match="directory"):
        read_idx(tmp_path)


HEADER = b"\0\0\x08\x01" + struct.pack(">I", 4)
BAD_IDX = {
    "empty": (b"", "begin as IDX"),
    "html": (b"<html>not found</html>", "begin as IDX"),
    "type": (b"\0\0\x07\x01" + struct.pack(">I", 4) + b"abcd", "begin as IDX"),
    "no axes": (b"\0\0\x08\x00", "0 axes"),
    "axes cut": (b"\0\0\x08\x03\0\0", "3 axes"),
    "short": (HEADER + b"abc", "truncated"),
    "long": (HEADER + b"abcde", "more bytes than the 4"),
    "huge": (b"\0\0\x0e\x04" + b"\xff" * 16 + b"abcd", "truncated"),
}


@pytest.mark.parametrize("case", BAD_IDX)
@pytest.mark.parametrize("zipped", [False, True])
def test_bad_idx_is_named(tmp_path, case, zipped):
    content, complaint = BAD_IDX[case]
    path = tmp_path / "bad.idx"
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(FileFormatError, match=complaint) as caught:
        read_idx(path)
    assert "bad.idx" in str(caught.value)


def test_damaged_gzip_is_named(tmp_path):
    whole = gzip.compress(HEADER + bytes(np.random.default_rng(0).bytes(4)))
    path = tmp_path / "a.gz"
    path.write_bytes(whole[:-4])
    with pytest.raises(FileFormatError, match="truncated"):
        read_idx(path)
    path.write_bytes(whole[:-8] + bytes(4) + whole[-4:])
    with pytest.raises(FileFormatError, match="corrupt"):
        read_idx(path)
    path.write_bytes(whole[:2] + b"\xff" + whole[3:])
    with pytest.raises(FileFormatError, match="corrupt"):
        read_idx(path)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_to_idx_is_named_or_harmless(tmp_path_factory, data):
    whole = gzip.compress(HEADER + b"abcd", mtime=0)
    place = data.draw(st.integers(0, len(whole) - 1))
    content = bytearray(whole)
    content[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("idx") / "a.gz"
    path.write_bytes(content[: data.draw(st.integers(0, len(whole)))])
    with suppress(FileFormatError):
        assert read_idx(path).tobytes() == b"abcd"


# --- NPZ ---------------------------------------------------------------------------------


def test_npz_round_trip(tmp_path):
    arrays = {
        "X": np.random.default_rng(0).normal(size=(3, 4)),
        "f": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "s": np.array(["가", "b"]),
        "e": np.zeros((0, 2)),
        "scalar": np.array(3),
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    back = read_npz(tmp_path / "a.npz")
    assert set(back) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(back[name], array)


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def test_npz_never_loads_a_pickle(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.array([Evil()], dtype=object))
    with pytest.raises(FileFormatError, match="Python objects"):
        read_npz(tmp_path / "a.npz")


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


GOOD = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }"
BAD_NPY = {
    "short": (npy(GOOD, bytes(8)), "truncated"),
    "long": (npy(GOOD, bytes(24)), "truncated"),
    "huge": (npy(GOOD.replace("(2,)", "(2000000000, 2000000000)"), bytes(16)), "truncated"),
    "code": (npy("__import__('os').system('true')"), "corrupt"),
    "header": (npy(GOOD.replace("shape", "form"), bytes(16)), "corrupt"),
    "version": (b"\x93NUMPY\x07\x00" + bytes(10), "no array"),
    "not npy": (b"hello", "corrupt"),
    "pickle": (pickle.dumps([1]), "corrupt"),
}


@pytest.mark.parametrize("case", BAD_NPY)
def test_bad_arrays_in_npz_are_named(tmp_path, case):
    content, complaint = BAD_NPY[case]
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("X.npy", content)
    with pytest.raises(FileFormatError, match=complaint):
        read_npz(tmp_path / "a.npz")


def test_bad_npz_is_named(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(FileFormatError, match="corrupt"):
        read_npz(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(FileFormatError, match=r"readme\.txt in it is no array"):
        read_npz(path)
    buffer = io.BytesIO()
    np.savez(buffer, X=np.arange(100.0))
    content = bytearray(buffer.getvalue())
    content[300] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="CRC"):
        read_npz(path)


# --- CIFAR-10 ----------------------------------------------------------------------------


def test_cifar_records():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 3, 32, 32)).astype(np.uint8)
    labels = np.array([0, 9, 4])
    content = b"".join(
        bytes([label]) + image.tobytes() for label, image in zip(labels, images, strict=True)
    )
    got_images, got_labels = parse_cifar(content, "a.bin")
    np.testing.assert_array_equal(got_images, images)
    np.testing.assert_array_equal(got_labels, labels)
    with pytest.raises(FileFormatError, match="no whole number of records"):
        parse_cifar(content[:-1], "a.bin")
    with pytest.raises(FileFormatError, match="no whole number of records"):
        parse_cifar(b"", "a.bin")
    with pytest.raises(FileFormatError, match="record 1 has label 77"):
        parse_cifar(content[:CIFAR_RECORD] + bytes([77]) + content[CIFAR_RECORD + 1 :], "a.bin")


def test_unpack_is_limited(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(1000)))
    assert unpack(tmp_path / "a.gz", 1000) == bytes(1000)
    with pytest.raises(FileFormatError, match="more bytes"):
        unpack(tmp_path / "a.gz", 999)
