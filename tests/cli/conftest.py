"""A command line for tests: exit code, stdout and stderr of `glassgrad …` in an empty folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from glassgrad.cli.main import run


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run `glassgrad` with these words in an empty folder.

    `train` writes its report only with `report=True`: a second a run, which few tests look at.
    """
    monkeypatch.chdir(tmp_path)

    def call(*words: Any, report: bool = False) -> Result:
        if words[:1] == ("train",) and not report:
            words = ("train", "--no-report", *words[1:])
        capsys.readouterr()
        code = run([str(word) for word in words])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    """A small table: two numbers, a category and three classes that they tell apart."""
    lines = ["length,width,colour,species"]
    for i in range(60):
        k = i % 3
        length, width = k + (i * 7 % 10) / 25, 3 - k + (i * 3 % 10) / 25
        lines.append(f"{length:.2f},{width:.2f},{('red', 'blue')[i % 2]},{'abc'[k]}")
    path = tmp_path / "flowers.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
