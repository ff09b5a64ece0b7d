"""A process killed at 20 random moments, while it trains and while it saves, loses nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import glassgrad.errors
from glassgrad.io.weights import load_arrays

KILLS = 20
# Everything that a run may have to remember, together.
COMBINED = """,
    optimizer="adamw", ema=0.99, accumulate=2, recompute="blocks", schedule="plateau" """
SCRIPT = """
import sys
import numpy as np
from glassgrad import nn
from glassgrad.io.weights import save_arrays
from glassgrad.train import Checkpoint, fit

folder, out, every = sys.argv[1], sys.argv[2], int(sys.argv[3])
rng = np.random.default_rng(0)
X, y = rng.normal(size=(64, 5)), rng.integers(0, 3, 64)
with nn.init.seeded(0):
    model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))
saver = Checkpoint(folder, every_steps=every) if folder else None
print("started", flush=True)
fit(model, (X, y), loss="cross_entropy", batch_size=10, steps=STEPS, seed=3, checkpoint=saver,
    resume=bool(folder)MORE)
save_arrays(out, model.state_dict())
"""


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize(
    ("more", "steps", "kills"),
    [("", 20_000, KILLS), (COMBINED, 6_000, 4)],
    ids=["plain", "combined"],
)
def test_killed_processes_resume_bit_for_bit(
    more: str, steps: int, kills: int, tmp_path: Path
) -> None:
    script = tmp_path / "run.py"
    script.write_text(SCRIPT.replace("STEPS", str(steps)).replace("MORE", more))
    source = Path(glassgrad.errors.__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONWARNINGS": "error"}

    def start(folder: str, out: Path, every: int) -> subprocess.Popen[str]:
        command = [sys.executable, str(script), folder, str(out), str(every)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    whole, resumed = tmp_path / "whole.safetensors", tmp_path / "resumed.safetensors"
    with start("", whole, 1) as process:
        assert process.wait(120) == 0
    moments = random.Random(0)
    for _ in range(kills):
        with start(str(tmp_path / "checkpoints"), resumed, 1) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(moments.uniform(0.02, 0.25))
            assert process.poll() is None, "it ended before it was killed"
            process.send_signal(signal.SIGKILL)
    with start(str(tmp_path / "checkpoints"), resumed, 10_000) as process:
        assert process.wait(300) == 0
    expected, _ = load_arrays(whole)
    found, _ = load_arrays(resumed)
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
