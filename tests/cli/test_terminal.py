"""Output: ASCII where an encoding lacks a character, tables by display width, JSON."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest

from glassgrad.cli.helptext import wrapped
from glassgrad.cli.terminal import Output, plain, spoken_warnings, table, width
from glassgrad.errors import DataWarning


@pytest.mark.parametrize(
    ("text", "ascii_text"),
    [
        ("0 ≤ x", "0 <= x"),
        ("R² ±", "R^2 +-"),
        ("784×50 …", "784x50 ..."),
        ("café", "cafe"),
        ("가", "?"),
    ],
)
def test_what_ascii_lacks_is_spelled(text: str, ascii_text: str) -> None:
    assert text.encode("ascii", "glassgrad-ascii").decode() == ascii_text


def test_decoding_is_none_of_its_business() -> None:
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", "glassgrad-ascii")


def test_tables_align_hangul() -> None:
    lines = table([("계층", "n"), ("fc", "12")], right=[1]).splitlines()
    assert [width(line) for line in lines] == [8, 8]


def test_words_are_wrapped_by_width() -> None:
    assert wrapped("가나 다라 마바", 10, indent=2) == ["  가나", "  다라", "  마바"]
    assert wrapped("", 10, indent=2) == ["  "]


def test_json_is_strict() -> None:
    found = plain({"a": np.float32(0.5), "b": (np.arange(2), float("nan")), 3: None})
    assert json.loads(json.dumps(found, allow_nan=False)) == {
        "a": 0.5,
        "b": [[0, 1], None],
        "3": None,
    }


def test_words_go_to_stderr_under_json(capsys: Any) -> None:
    output = Output(json=True)
    output.report("words")
    output.data({"x": 1})
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"x": 1}
    assert captured.err == "words\n"


def test_a_warning_is_one_line_once(capsys: Any) -> None:
    with spoken_warnings():
        for _ in range(2):
            warnings.warn(DataWarning("labels were converted"), stacklevel=1)
    assert capsys.readouterr().err == "warning: labels were converted\n"
