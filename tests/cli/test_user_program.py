"""A user's own file as a module."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from glassgrad.cli.user_program import load


def test_the_text_is_read_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python tells bytecode by the second and the size, and `+` is as long as `-`."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    place = tmp_path / "net.py"
    for sign, expected in (("+", 5), ("-", 1)):
        place.write_text(f"found = 3 {sign} 2\n", encoding="utf-8")
        os.utime(place, (1e9, 1e9))
        assert load(str(place)).found == expected
    assert [path.name for path in tmp_path.iterdir()] == ["net.py"]
