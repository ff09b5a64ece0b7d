"""The Shakespeare example, a few steps of it: it trains, keeps, goes on and writes."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from glassgrad.io.model import load
from glassgrad.nn import GPT


@pytest.mark.full
def test_gpt_shakespeare(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = runpy.run_path(str(root / "examples" / "gpt_shakespeare.py"))["main"]
    arguments = ("--quick", "--folder", str(tmp_path), "--prompt", "To be")
    found = main(*arguments)
    assert 2.5 < found < 4.2
    assert "validation" in capsys.readouterr().out
    assert main(*arguments) == found, "a run that is over goes on from its end"
    assert "To be" in capsys.readouterr().out
    assert isinstance(load(tmp_path), GPT)
