"""`glassgrad train --backend`: what runs the training, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from glassgrad.backends.chosen import VARIABLE
from glassgrad.backends.native import engine
from glassgrad.cli.config_file import read_config

QUICK = ("--epochs", "3", "--layers", "8")
needs_native = pytest.mark.skipif(engine.problem() is not None, reason=str(engine.problem()))


@needs_native
def test_natively(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)  # what `pytest --backend` says "auto" is
    result = cli("train", "moons", *QUICK, "--backend", "native")
    assert result.code == 0
    assert "steps in 3 epochs, native code, " in result.out
    assert read_config(Path("runs/moons/config.toml")).backend == "native"
    facts = cli("train", "moons", *QUICK, "--json").json
    assert facts["backend"] == "native"


def test_by_numpy(cli: Any) -> None:
    result = cli("train", "moons", *QUICK, "--backend", "numpy")
    assert result.code == 0
    assert "steps in 3 epochs, NumPy, " in result.out
    assert "several times faster" not in result.err


def test_auto_says_once_why_it_is_slow(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "problem", lambda: "llvmlite is not installed: pip install it")
    monkeypatch.delenv(VARIABLE, raising=False)  # what `pytest --backend` says "auto" is
    result = cli("train", "moons", *QUICK)
    assert result.code == 0
    told = "training natively is several times faster, but: llvmlite is not installed"
    assert result.err.count(told) == 1
    assert "NumPy, " in result.out
    result = cli("train", "moons", *QUICK, "--backend", "native")
    assert result.code == 1
    assert "llvmlite is not installed" in result.err
    assert not Path("runs/moons-2").exists()
    doctor = cli("doctor", "--json").json
    assert doctor["backends"] == ["numpy"]


def test_other_names_are_refused(cli: Any) -> None:
    result = cli("train", "moons", "--backend", "fortran")
    assert result.code == 2
    assert "offered: auto, native, numpy" in result.err


@needs_native
def test_a_run_goes_on_with_another_back_end(cli: Any) -> None:
    cli("train", "moons", *QUICK, "--schedule", "constant", "--backend", "native")
    result = cli("train", "moons", "--epochs", "5", "--backend", "numpy", "--resume")
    assert result.code == 0
    assert "in 5 epochs, NumPy, " in result.out
