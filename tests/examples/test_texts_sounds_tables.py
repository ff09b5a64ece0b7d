"""The examples on real data run, on a part of it: their figures are their own."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest


def run(root: Path, name: str, *arguments: str) -> Any:
    program = runpy.run_path(str(root / "examples" / name))
    return program["main"](["--quick", *arguments])


@pytest.mark.full
@pytest.mark.shared("data/nsmc-subset/ratings_train_subset.txt")
def test_nsmc(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(root, "nsmc.py", "정말 최고의 영화") > 0.52
    assert "정말 최고의 영화: positive" in capsys.readouterr().out


@pytest.mark.full
@pytest.mark.shared("data/spoken-digits/recordings.zip")
def test_spoken_digits(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 <= run(root, "spoken_digits.py") <= 1
    assert "Conv1d" in capsys.readouterr().out


@pytest.mark.shared("data/tabular/breast_cancer_wdbc.csv")
def test_tables(root: Path) -> None:
    assert run(root, "tables.py", "tumours")["tumours"] > 0.8
