"""Arrays on the disk and batches from a thread: the same rows, errors in their place, no leak."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
import zipfile

import numpy as np
import pytest

from glassgrad.config import config
from glassgrad.data import Batches, Prefetch, Streamed, ahead_of, open_npy, read_npz, write_npy
from glassgrad.errors import (
    DataError,
    DtypeError,
    FileAccessError,
    FileFormatError,
    OptionError,
    ShapeError,
)
from glassgrad.text import language, speaking

X = np.random.default_rng(0).integers(0, 256, (50, 2, 3)).astype(np.uint8)
Y = np.arange(50) % 3


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = threading.active_count()
    yield
    gc.collect()
    assert threading.active_count() == before


# --- files -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["u1", "<f4", ">f8", "i8", "?"])
def test_what_is_written_is_read(tmp_path, dtype: str) -> None:
    rows = X.astype(dtype)
    place = write_npy(tmp_path / "x.npy", [rows[:0], rows[:20], rows[20:]])
    np.testing.assert_array_equal(np.load(place), rows)
    found = open_npy(place)
    np.testing.assert_array_equal(found, rows)
    assert isinstance(found.base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 0


def test_damaged_files_are_refused(tmp_path) -> None:
    place = tmp_path / "x.npy"
    good = write_npy(place, [X]).read_bytes()
    faults = {
        "it is 427 bytes long, by its header it should be 428": good[:-1],
        "it is 429 bytes long": good + b"\0",
        "does not begin": b"PK" + good,
        "declares the shape": good.replace(b"(50,", b"(-5,"),
    }
    for words, content in faults.items():
        place.write_bytes(content)
        with pytest.raises(FileFormatError, match=words):
            open_npy(place)
    np.save(place, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match="not numbers"):
        open_npy(place)
    np.save(place, np.asfortranarray(X[:, :, 0]))
    with pytest.raises(FileFormatError, match="column by column"):
        open_npy(place)
    with pytest.raises(FileAccessError):
        open_npy(tmp_path / "none.npy")


@pytest.mark.parametrize(
    "fields",
    [
        "['descr': '<f8', 'fortran_order': False, 'shape': (0,), }",
        "{'descr': '<f8', 'fortran_order': False, b'shape': (0,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 9223372036854775807, 4), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 99999999999999999999), }",
        f"{{'descr': '<f8', 'fortran_order': False, 'shape': {(0,) * 70}, }}",
        f"{{'descr': '<f8', 'fortran_order': False, 'shape': {(2**63, 2**63)}, }}",
    ],
)
def test_hostile_headers_are_refused(tmp_path, fields: str) -> None:
    """Of a file of its own and of one in an archive; whatever NumPy's reader raises."""
    head = fields.encode("latin1").ljust(117) + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(FileFormatError, match=r"^x\.npy: "):
        open_npy(tmp_path / "x.npy")
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", content)
    with pytest.raises(FileFormatError, match=r"^x\.npz: "):
        read_npz(tmp_path / "x.npz")


def test_a_broken_stream_of_blocks_leaves_the_old_file(tmp_path) -> None:
    place = write_npy(tmp_path / "x.npy", [X])
    old = place.read_bytes()
    wrong = [
        (ShapeError, "follows one of", [X, X[:, :1]]),
        (ShapeError, "follows one of", [X, X.astype(int)]),
        (DataError, "no rows", []),
        (DtypeError, "not numbers", [np.array(["a"])]),
    ]
    for error, words, blocks in wrong:
        with pytest.raises(error, match=words):
            write_npy(place, blocks)
    assert place.read_bytes() == old
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


def test_streamed_batches_are_those_of_arrays(tmp_path) -> None:
    write_npy(tmp_path / "x.npy", [X])
    np.save(tmp_path / "y.npy", Y)
    data = Streamed(tmp_path / "x.npy", tmp_path / "y.npy", scale=255)
    expected = Batches((X / np.float32(255)).astype(np.float32), Y, 8, seed=4)
    for epoch in (0, 3):
        pairs = zip(data.batches(8, seed=4).epoch(epoch, 2), expected.epoch(epoch, 2), strict=True)
        for (A, a), (B, b) in pairs:
            np.testing.assert_array_equal(A, B)
            np.testing.assert_array_equal(a, b)
    assert data.batches(8).batch(0, 0)[0].dtype == config.float
    assert Streamed(X).batches(8).batch(0, 0)[0].dtype == np.uint8
    with pytest.raises(ShapeError):
        Streamed(X, Y[:-1])
    with pytest.raises(OptionError):
        Streamed(X, Y, scale=0)
    with pytest.raises(DtypeError, match="what is scaled is no uint8"):
        Streamed(X, Y, scale=255, dtype=np.uint8)


# --- the thread --------------------------------------------------------------------------


def test_items_come_in_order_and_at_most_so_many_ahead() -> None:
    made: list[int] = []

    def items():
        for i in range(20):
            made.append(i)
            yield i

    for i in ahead_of(items(), 3):
        time.sleep(0.001)
        assert len(made) <= i + 5  # three wait, one is in the thread's hand, one in ours
        assert made[i] == i


def test_an_error_comes_where_its_item_would() -> None:
    def items():
        yield 1
        yield 2
        raise KeyError("third")

    stream = ahead_of(items())
    assert [next(stream), next(stream)] == [1, 2]
    with pytest.raises(KeyError, match="third"):
        next(stream)
    with pytest.raises(StopIteration):
        next(stream)


def test_the_thread_ends_with_the_loop() -> None:
    closed = []

    def items():
        try:
            yield from range(1000)
        finally:
            closed.append(threading.current_thread().name)

    for i in ahead_of(items()):
        if i == 3:
            break
    gc.collect()
    assert closed == ["glassgrad-prefetch"]
    stream = ahead_of(items())
    del stream  # no item was asked for: no thread was made
    with pytest.raises(ZeroDivisionError):
        for _ in ahead_of(items()):
            raise ZeroDivisionError
    gc.collect()
    assert "glassgrad-prefetch" not in {thread.name for thread in threading.enumerate()}


def test_ctrl_c_ends_a_wait() -> None:
    is_asked = threading.Event()

    def items():
        yield 0
        is_asked.wait(10)
        yield 1

    def interrupt() -> None:
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        is_asked.set()  # the item that is being made comes to its end

    helper = threading.Thread(target=interrupt)
    stream = ahead_of(items())
    next(stream)
    with pytest.raises(KeyboardInterrupt):
        helper.start()
        next(stream)
    helper.join()


def test_settings_hold_in_the_thread() -> None:
    def items():
        yield language()

    with speaking("ko"):
        assert list(ahead_of(items())) == ["ko"]


def test_prefetched_epochs_are_the_sources() -> None:
    source = Batches(X, Y, 8, seed=2)
    ahead = Prefetch(source)
    assert (len(ahead), ahead.form) == (len(source), source.form)
    for (A, a), (B, b) in zip(ahead.epoch(3, 1), source.epoch(3, 1), strict=True):
        np.testing.assert_array_equal(A, B)
        np.testing.assert_array_equal(a, b)
    with pytest.raises(OptionError, match="list cannot be addressed"):
        Prefetch([1, 2])
    with pytest.raises(OptionError, match="ahead is 0"):
        Prefetch(source, 0)
