"""Files written whole or not at all, and JSON of a closed schema."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from glassgrad.errors import FileAccessError, FileFormatError
from glassgrad.files import (
    Check,
    atomic_write,
    each,
    flag,
    integer,
    number,
    one_of,
    optional,
    parse_json,
    read_bytes,
    record,
    replacing,
    sha256_of,
    table,
    text,
)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content in (b"old", b"new"):
        atomic_write(path, content)
        assert read_bytes(path) == content
    assert sha256_of(path).startswith("11507a0e2f5e69d5")
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    atomic_write(path, b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as stream:
        stream.write(b"half")
        raise KeyboardInterrupt
    problem = "a cannot be read or written: No space left"
    with pytest.raises(FileAccessError, match=problem), replacing(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert read_bytes(path) == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("check", "fitting", "misfits"),
    [
        (text, ["", "x"], [None, 1]),
        (flag, [True], [0, 1, "true"]),
        (number, [0, -1.5], [True, float("inf"), "1", None]),
        (integer(0, 3), [0, 3], [-1, 4, 1.0, True]),
        (one_of([1, "a"]), [1, "a"], [True, 1.0, "b", []]),
        (optional(text), [None, "x"], [1]),
        (each(text), [[], ["x"]], [["x", 1], {}, "x"]),
        (each(text, length=2), [["x", "y"]], [["x"], []]),
        (table(flag), [{}, {"a": True}], [{"a": 1}, []]),
        (record({"a": flag}), [{"a": True}], [{}, {"a": 1}, {"a": True, "b": 1}, []]),
    ],
)
def test_checks(check: Check, fitting: list[Any], misfits: list[Any]) -> None:
    for value in fitting:
        assert check(value, "x") == value
    for value in misfits:
        with pytest.raises(FileFormatError, match=r"^x\S* is damaged: "):
            check(value, "x")


def test_a_misfit_is_named_with_its_place() -> None:
    check = record({"layers": each(record({"size": integer(1)}))})
    with pytest.raises(FileFormatError, match=r"config\.layers\[1\]\.size is damaged: '0' does"):
        check({"layers": [{"size": 1}, {"size": 0}]}, "config")
    with pytest.raises(FileFormatError) as caught:
        text(["x" * 10**6], "config")
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    "source", ["", "NaN", "[-Infinity]", '{"a":1,"a":2}', b"\xff", "[" * 10**6]
)
def test_what_is_no_strict_json(source: str | bytes) -> None:
    with pytest.raises(FileFormatError, match="x is damaged: it is not valid JSON: "):
        parse_json(source, "x")
