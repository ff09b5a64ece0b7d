"""Averages, accumulation, groups, plateau and recomputation in native code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from train.test_combined import train
from train.test_resume import Killed, assert_same_run

pytest.importorskip("llvmlite")


def test_killed_and_resumed_natively(tmp_path: Path) -> None:
    whole = train(backend="native")
    assert whole[1].backend == "native"
    with pytest.raises(Killed):
        train(tmp_path, kill=6, backend="native")
    assert_same_run(train(tmp_path, resume=True, backend="native"), whole)
    reference = train(backend="numpy")
    for name, value in reference[0].state_dict().items():
        np.testing.assert_allclose(whole[0].state_dict()[name], value, rtol=2e-3, atol=2e-4)
