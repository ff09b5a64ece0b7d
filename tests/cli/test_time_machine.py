"""`glassgrad show RUN --time-machine STEP`: the numbers of a step, again."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from cli.conftest import Cli

from glassgrad.cli import training
from glassgrad.train import Callback

LOSSES: list[float] = []


class _Losses(Callback):
    every_step = True

    def on_step(self, run: Any) -> None:
        LOSSES.append(run.loss)


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The losses of every step of every run that is trained."""
    LOSSES.clear()
    fit = training.fit

    def watched(*arguments: Any, callbacks: Any, **options: Any) -> Any:
        return fit(*arguments, callbacks=[*callbacks, _Losses()], **options)

    monkeypatch.setattr(training, "fit", watched)
    return LOSSES


def _step(cli: Cli, run: str, step: int) -> Any:
    found = cli("show", run, "--time-machine", step, "--json")
    assert found.code == 0, found.err
    return json.loads(found.out)


@pytest.mark.parametrize("step", [1, 12, 60])
def test_bit_for_bit(cli: Cli, losses: list[float], step: int) -> None:
    cli("train", "digits", "--steps", 60)
    data = _step(cli, "digits", step)
    assert data["loss"] == losses[step - 1]
    assert data["step"] == step
    assert data["parameters"][0]["name"] == "layers.0.W"


def test_a_table_with_rows_held_out(cli: Cli, losses: list[float], flowers: Path) -> None:
    options = ("--target", "species", "--validation", 0.2, "--patience", 3, "--dropout", 0.2)
    cli("train", flowers, *options, "--epochs", 3)
    last = len(losses)
    assert _step(cli, "flowers", last)["loss"] == losses[-1]


def test_in_words(cli: Cli) -> None:
    cli("train", "xor", "--steps", 40)
    found = cli("show", "xor", "--time-machine", 7)
    assert "step 7 of 40: epoch 7, batch 1" in found.out
    with (Path("runs") / "xor" / "history.csv").open() as stream:
        row = list(csv.DictReader(stream))[6]
    assert f"loss {float(row['loss']):.9g}" in found.out
    assert "layers.0.W" in found.out
    korean = cli("show", "xor", "--time-machine", 7, "--lang", "ko")
    assert "7번째 스텝" in korean.out


def test_a_page(cli: Cli) -> None:
    cli("train", "xor", "--steps", 40)
    assert cli("show", "xor", "--time-machine", 7, "-o", "step.html").code == 0
    page = Path("step.html").read_text(encoding="utf-8")
    assert "xor, step 7" in page
    assert "layers_0_W" in page


def test_bad_input(cli: Cli, flowers: Path) -> None:
    cli("train", flowers, "--target", "species", "--epochs", 2)
    beyond = cli("show", "flowers", "--time-machine", 10**6)
    assert beyond.code == 2
    assert "1 ≤ step ≤" in beyond.err
    assert cli("show", "flowers", "--time-machine", "first").code == 2
    assert cli("show", "flowers", "--time-machine", 1, "-o", "step.svg").code == 2
    assert cli("show", "flowers", "--time-machine", 1, "-o", "nowhere/step.html").code == 1
    assert cli("show", "canon:cs231n.sigmoid_circuit", "--time-machine", 1).code == 2
    text = flowers.read_text(encoding="utf-8")
    flowers.write_text(text + "9.0,9.0,red,a\n" * 5, encoding="utf-8")
    changed = cli("show", "flowers", "--time-machine", 1)
    assert changed.code == 1
    assert "has changed" in changed.err
    (Path("runs") / "flowers" / "model.safetensors").unlink()
    assert "has not ended" in cli("show", "flowers", "--time-machine", 1).err
