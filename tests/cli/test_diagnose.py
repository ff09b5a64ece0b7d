"""`glassgrad diagnose`: runs, a function of the user's, a run that stopped at NaN, wrong usage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import numpy as np
from glassgrad import nn

def data():
    X = np.linspace(-1, 1, 60)[:, None]
    return X, X[:, 0] ** 2

def build():
    return nn.MLP((1, 16, 1), "tanh", rng=0), data()

def with_loss():
    return nn.MLP((1, 16, 1), "tanh", rng=0), data(), "huber"

def large():
    X, y = data()
    return nn.MLP((1, 16, 1), "tanh", rng=0), (500 * X, y)

def nothing():
    return nn.Linear(1, 1)

def failing():
    return undefined
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


@pytest.mark.full
def test_a_deep_sigmoid_network_vanishes(cli: Any) -> None:
    layers = ",".join(["30"] * 10)
    cli("train", "digits", "--layers", layers, "--activation", "sigmoid", "--init", "xavier",
        "--steps", "20", "--name", "deep", "--quiet")  # fmt: skip
    result = cli("diagnose", "deep")
    assert result.code == 1
    assert "FAULT  vanishing gradient  (layers.0)" in result.out
    assert "FAULT  nothing learned" in result.out
    lines = result.out.splitlines()
    table = lines[next(i for i, line in enumerate(lines) if line.startswith("layer  ")) :]
    assert len(table) == 12
    assert all("sigmoid" in line for line in table[1:11])
    found = cli("diagnose", "deep", "--json")
    assert found.code == 1
    assert found.json["healthy"] is False
    assert "vanishing" in [verdict["kind"] for verdict in found.json["verdicts"]]
    korean = cli("--lang", "ko", "diagnose", "deep")
    assert "이상  기울기 소실" in korean.out


def test_a_healthy_run_is_0(cli: Any) -> None:
    cli("train", "moons", "--epochs", "20", "--quiet")
    result = cli("diagnose")
    assert result.code == 0, result.out
    assert "healthy: no fault was found" in result.out
    assert "runs/moons" in result.err


def test_a_run_that_stopped_at_nan_is_replayed(cli: Any, tmp_path: Path) -> None:
    trained = cli(
        "train", "digits", "--optimizer", "sgd", "--lr", "1e6", "--name", "bad", "--quiet"
    )
    assert trained.code == 1
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "runs" / "bad").rglob("*")}
    result = cli("diagnose", "bad")
    assert result.code == 1
    assert "replayed from its last checkpoint" in result.err
    assert "FAULT  NaN or infinity" in result.out
    assert "is the first to give infinity" in result.out
    assert "path: " in result.out
    assert "FAULT  learning rate too high" in result.out
    after = {p: p.stat().st_mtime_ns for p in (tmp_path / "runs" / "bad").rglob("*")}
    assert before == after
    found = cli("diagnose", "bad", "--json").json
    assert found["verdicts"][0]["evidence"]["finding"]["phase"] == "forward"


def test_a_run_that_was_interrupted_is_diagnosed_at_its_checkpoint(
    cli: Any, tmp_path: Path
) -> None:
    cli("train", "moons", "--epochs", "5", "--quiet")
    (tmp_path / "runs" / "moons" / "model.safetensors").unlink()
    result = cli("diagnose", "moons")
    assert "NaN" not in result.out
    assert "gradient flow" in result.out


@pytest.mark.parametrize(("name", "code"), [("build", 0), ("with_loss", 0), ("large", 1)])
def test_a_function_of_the_users(cli: Any, program: Path, name: str, code: int) -> None:
    result = cli("diagnose", f"{program}:{name}")
    assert result.code == code, result.out + result.err
    assert ("unscaled inputs" in result.out) is (name == "large")


def test_wrong_usage(cli: Any, program: Path) -> None:
    nowhere = cli("diagnose", "nowhere")
    assert nowhere.code == 2
    assert "there is no run nowhere" in nowhere.err
    unknown = cli("diagnose", f"{program}:biuld")
    assert unknown.code == 2
    assert "did you mean `build`?" in unknown.err
    nothing = cli("diagnose", f"{program}:nothing")
    assert nothing.code == 2
    assert "(model, (X, y), loss)" in nothing.err
    failing = cli("diagnose", f"{program}:failing")
    assert failing.code == 1
    assert "NameError" in failing.err


def test_a_run_without_model_and_checkpoint(cli: Any, tmp_path: Path) -> None:
    cli("train", "moons", "--epochs", "1", "--quiet")
    folder = tmp_path / "runs" / "moons"
    (folder / "model.safetensors").unlink()
    for path in sorted((folder / "checkpoint").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    result = cli("diagnose", "moons")
    assert result.code == 2
    assert "has not ended" in result.err


def test_a_run_whose_data_are_gone(cli: Any, flowers: Path) -> None:
    cli("train", flowers, "--target", "species", "--epochs", "1", "--name", "f", "--quiet")
    flowers.unlink()
    result = cli("diagnose", "f")
    assert result.code == 2
    assert "flowers.csv" in result.err
