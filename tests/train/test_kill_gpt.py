"""A GPT is trained, killed in the middle, resumed bit for bit, saved, loaded and sampled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import glassgrad.errors
from glassgrad.io.model import load
from glassgrad.nn import GPT

KILLS, STEPS = 2, 400
SCRIPT = f"""
import sys
import numpy as np
import glassgrad as gg
from glassgrad.train import Checkpoint

folder, out = sys.argv[1], sys.argv[2]
ids = (np.arange(17) + np.random.default_rng(0).integers(0, 11, (96, 1))) % 11
model = gg.nn.GPT(11, 16, 32, 2, 2, dropout=0.1, rng=0)
optimizer = gg.optim.AdamW(model, lr=gg.optim.WarmUp(gg.optim.Cosine(3e-3, {STEPS}), 20))
saver = Checkpoint(folder, every_steps=5) if folder else None
print("started", flush=True)
gg.fit(model, (ids[:, :-1], ids[:, 1:]), loss="cross_entropy", optimizer=optimizer, batch_size=12,
       steps={STEPS}, seed=3, checkpoint=saver, resume=saver is not None)
gg.save(model, out)
"""


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_gpt_resumes_bit_for_bit(tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(SCRIPT)
    source = Path(glassgrad.errors.__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONWARNINGS": "error"}

    def start(folder: str, out: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(script), folder, str(tmp_path / out)]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    with start("", "whole") as process:
        assert process.wait(300) == 0
    checkpoints = tmp_path / "checkpoints"
    for _ in range(KILLS):
        with start(str(checkpoints), "resumed") as process:
            assert process.stdout is not None
            process.stdout.readline()
            seen = _steps(checkpoints)
            while process.poll() is None and _steps(checkpoints) <= seen + 60:
                time.sleep(0.01)
            assert process.poll() is None, "it ended before it was killed"
            process.send_signal(signal.SIGKILL)
    assert 0 < _steps(checkpoints) < STEPS
    with start(str(checkpoints), "resumed") as process:
        assert process.wait(300) == 0
    whole, resumed = load(tmp_path / "whole"), load(tmp_path / "resumed")
    assert isinstance(whole, GPT)
    assert isinstance(resumed, GPT)
    for name, array in whole.state_dict().items():
        np.testing.assert_array_equal(resumed.state_dict()[name], array, err_msg=name)
    written = resumed.generate([4, 5], 12, temperature=0)
    np.testing.assert_array_equal(written, (np.arange(14) + 4) % 11)


def _steps(folder: Path) -> int:
    """The step of the newest checkpoint; 0 where there is none."""
    names = [path.name for path in (folder / "last").glob("*") if not path.name.startswith(".")]
    return max((int("".join(filter(str.isdigit, name)) or 0) for name in names), default=0)
