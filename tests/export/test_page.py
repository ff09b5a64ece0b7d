"""What docs/deploying.md shows does what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from export.compiling import gcc, needs_gcc
from export.runs import subject_of, write_rows
from pages import blocks

from glassgrad.export import Subject, c_file, numpy_program


@pytest.fixture
def titanic(tmp_path: Path) -> Subject:
    """A network for the columns of the page; untrained."""
    rng = np.random.default_rng(0)
    head = "Survived Pclass Sex Age SibSp Parch Fare Embarked".split()
    rows: list[list[object]] = []
    for i in range(40):
        sex, age = ("male", "female")[i % 2], "" if i % 7 == 0 else i * 7 % 40
        fare, port = f"{rng.lognormal(3, 1):.2f}", "SCQ"[i % 3]
        rows.append([i % 2, 1 + i % 3, sex, age, i % 4, i % 2, fare, port])
    path = write_rows(tmp_path / "titanic.csv", head, rows)
    return subject_of(path, "Survived", missing="impute")[0]


@needs_gcc
def test_both_programs_say_the_same(titanic: Subject, tmp_path: Path, root: Path) -> None:
    page = root / "docs" / "deploying.md"
    (tmp_path / "titanic.py").write_text(numpy_program(titanic).text, encoding="utf-8")
    (tmp_path / "titanic.c").write_text(c_file(titanic, "titanic").text, encoding="utf-8")
    ((python,), (c,)) = blocks(page, "py"), blocks(page, "c")
    (tmp_path / "user.c").write_text(c.text, encoding="utf-8")
    gcc(tmp_path / "user.c", tmp_path / "titanic.c", "-o", tmp_path / "user", "-lm")
    said = subprocess.check_output([tmp_path / "user"], encoding="utf-8").strip()
    command = [sys.executable, "-c", python.text]
    assert subprocess.check_output(command, cwd=tmp_path, encoding="utf-8").strip() == f"[{said}]"
