"""The examples of recurrent networks run, quickly, and say what they found."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad import data

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(name: str, *arguments: str) -> Any:
    return runpy.run_path(str(EXAMPLES / name))["main"](*arguments)


def needs(part: str) -> None:
    folders = [*data.search_folders(), EXAMPLES.parents[1] / "shared" / "data"]
    if not any((folder / part).exists() for folder in folders):
        pytest.skip(f"needs {part} in GLASSGRAD_DATA")


@pytest.mark.full
def test_min_char_rnn_starts_at_the_logarithm_of_its_vocabulary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the quick brown fox jumps over the lazy dog. " * 300, encoding="utf-8")
    losses = run("min_char_rnn.py", "--quick", "--text", str(text))
    start = 25 * np.log(len(set(text.read_text(encoding="utf-8"))))
    assert abs(losses[0] / start - 1) < 1e-3
    assert losses[-10:].mean() < 0.8 * start
    printed = capsys.readouterr().out
    assert "all gradients agree" in printed
    found = float(printed.partition("then ")[2].split()[0])
    assert found < 0.2, "'hello ' is learnt after 500 windows"


@pytest.mark.full
def test_char_lstm() -> None:
    needs("tinyshakespeare/input.txt")
    assert run("char_lstm.py", "--quick") < 3.3 < np.log(65)


def test_forecasters_stand_beside_their_baselines() -> None:
    needs("timeseries")
    found = run("forecast.py", "--quick", "airline", "sunspots")
    assert found["airline"]["seasonal naive"] == pytest.approx(71.25)
    assert found["airline"]["Holt-Winters"] < 35
    assert found["sunspots"]["AR(9)"] == pytest.approx(14.40, abs=0.01)
    assert set(found["airline"]) > {"LSTM", "GRU"}


@pytest.mark.full
def test_topologies(tmp_path: Path) -> None:
    shares, runs = run("topologies.py", "--quick", "--out", str(tmp_path))
    assert len(list(tmp_path.glob("*.svg"))) == 11
    assert shares["relu, 0.8"] < 1e-6
    assert shares["relu, 1.6"] > 1e2
    assert shares["LSTM"] > 1e-2
    without, clipped = runs["without clipping"][0], runs["clip_norm=1"][0]
    assert len(without) < len(clipped), "without clipping it stops at a loss that is not finite"
    assert clipped[-1] < clipped[0]
