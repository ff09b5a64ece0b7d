"""The Shakespeare example, a few steps of it: it trains, keeps, goes on and writes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import glassgrad.errors
from glassgrad.io.model import load
from glassgrad.nn import GPT


@pytest.mark.full
def test_gpt_shakespeare(root: Path, tmp_path: Path) -> None:
    source = Path(glassgrad.errors.__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONWARNINGS": "error"}
    program = root / "examples" / "gpt_shakespeare.py"
    command = [sys.executable, str(program), "--quick", "--folder", str(tmp_path)]

    def run() -> list[str]:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    first = run()
    loss = float(first[0].partition("validation ")[2].split()[0])
    assert 2.5 < loss < 4.2
    assert first[1] == "ROMEO:"
    again = run()  # the run is over: it goes on from its end
    assert again[0].partition("validation ")[2] == first[0].partition("validation ")[2]
    assert again[1:] == first[1:]
    assert isinstance(load(tmp_path), GPT)
