"""The programs of chapter 6: the optimisers' end points, the shapes of the curves, the verdicts."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest


def _program(root: Path, name: str) -> dict[str, Any]:
    return runpy.run_path(str(root / "examples" / name))


def test_optimisers_and_starting_weights(root: Path, tmp_path: Path) -> None:
    program = _program(root, "book_chapter6.py")
    ends = program["compare_optimisers"](tmp_path)
    expected = {
        "SGD": (-0.350393, 0.0847823),
        "Momentum": (0.8964139, 0.0880856),
        "AdaGrad": (-0.1201623, 2.4864e-17),
        "Adam": (0.1360069, 0.3182454),
    }
    for name, point in expected.items():
        np.testing.assert_allclose(ends[name], point, rtol=1e-4, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(ends[name], point, rtol=0, atol=1e-6, err_msg=name)
    spreads = program["compare_starts"](tmp_path)
    assert max(spreads["sigmoid, std 0.01"][1:]) < 0.02  # all alike
    assert min(spreads["sigmoid, std 1"]) > 0.4  # at 0 and 1
    assert spreads["relu, std 0.01"][2] < 1e-3  # vanishes
    assert 0.7 < min(spreads["relu, He √(2/n)"]) < max(spreads["relu, He √(2/n)"]) < 1.2
    for name in ("optimisers", "starting_weights"):
        ET.parse(tmp_path / f"{name}.svg")


@pytest.mark.full
def test_whole_program(root: Path, tmp_path: Path) -> None:
    found = _program(root, "book_chapter6.py")["main"]("--quick", str(tmp_path))
    scales, final = found["batch_norm"]
    assert len(scales) == len(final["plain"]) == len(final["batch norm"])
    for name in ("batch_norm", "weight_decay", "dropout"):
        ET.parse(tmp_path / f"{name}.svg")


def test_backward_passes_of_batch_normalisation(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts = _program(root, "batch_norm_backward.py")["main"]()
    assert verdicts == {"staged": True, "single": True, "forgetful": False}
    assert "WRONG" in capsys.readouterr().out
