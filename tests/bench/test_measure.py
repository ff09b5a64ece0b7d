"""What is made of measurements: ratios within rounds, floors, aims; and the talk with a process."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad.bench import machine, memory
from glassgrad.bench.contestant import Settings
from glassgrad.bench.measure import Measured, Timed, ratio
from glassgrad.bench.process import ContestantFailed, Process, environment
from glassgrad.bench.results import as_data
from glassgrad.bench.worker import Worker, serve
from glassgrad.bench.workloads import WORKLOADS


def _measured(**timed: Timed) -> Measured:
    defaults = {
        "glassgrad": Timed(1, [1.0, 2.0, 9.0], error=1e-7, peak=40_000_000),
        "numpy": Timed(1, [2.0, 4.0, 3.0], error=1e-7),
    }
    return Measured(WORKLOADS["mlp"], {**defaults, **timed}, {}, [0.2, 0.4, 0.3], None)


# --- ratios ------------------------------------------------------------------------------


def test_a_ratio_is_taken_within_rounds() -> None:
    assert ratio([1.0, 20.0, 3.0], [2.0, 40.0, 3.0]) == 0.5


def test_best_peer_and_the_best_of_one_step_a_call() -> None:
    scan = Timed(1, [0.5, 0.5, 0.5], error=1e-7)
    data = as_data(_measured(**{"jax-scan": scan}))
    assert (data["best_peer"], data["best_single"]) == ("jax-scan", "numpy")
    assert data["values"]["best_peer"] == 4.0
    assert data["values"]["numpy"] == data["values"]["best_single"] == 0.5
    assert data["aims"]["best_peer"] == {"limit": 0.95, "met": False}
    assert data["aims"]["best_single"] == {"limit": 0.95, "met": True}


def test_floor_is_the_faster_product_and_the_traffic_of_the_round() -> None:
    data = as_data(
        _measured(
            **{
                "products": Timed(1, [0.9, 1.9, 2.9]),
                "split products": Timed(1, [0.5, 1.5, 2.5]),
                "memory": Timed(1, [0.5, 0.5, 0.5]),
            }
        )
    )
    floor = data["floor"]
    assert floor["rounds"] == [1.0, 2.0, 3.0]
    assert floor["bytes_per_second"] == 2 * floor["bytes_moved"]
    assert data["values"]["floor"] == 1.0
    assert data["aims"]["floor"]["met"]
    assert "products" not in data["contestants"]


def test_first_calls_and_memory() -> None:
    data = as_data(_measured())
    assert data["aims"]["cold"] == {"limit": 0.3, "met": True}
    assert data["aims"]["cached"] == {"limit": 0.03, "met": None}
    needed = WORKLOADS["mlp"].needed_bytes  # type: ignore[union-attr]
    assert data["values"]["memory"] == 40_000_000 / needed
    assert 24e6 < needed < 26e6
    json.dumps(data, allow_nan=False)


@pytest.mark.parametrize("error", [0.01, float("nan")])
def test_another_loss_is_not_agreement(error: float) -> None:
    assert as_data(_measured())["agree"]
    data = as_data(_measured(torch=Timed(1, [1.0, 1.0, 1.0], error=error)))
    assert not data["agree"]
    assert not data["contestants"]["torch"]["agrees"]


# --- the process -------------------------------------------------------------------------


def _answers(worker: Worker, *commands: dict[str, Any]) -> list[dict[str, Any]]:
    answers = io.StringIO()
    serve(worker, io.StringIO("\n".join(map(json.dumps, commands))), answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_a_worker_answers_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    worker = Worker("numpy", "xor", Settings())
    commands = ["load", "warm", "build", "first", "check", "memory"]
    *_, first, check, peak = _answers(worker, *({"do": name} for name in commands))
    assert first["seconds"] > 0
    assert len(check["numbers"]) == WORKLOADS["xor"].checked
    assert peak["peak"] is None or peak["peak"] >= 0
    assert _answers(worker, {"do": "time", "steps": 2})[0]["seconds"] > 0
    assert _answers(worker, {"do": "calibrate", "seconds": 1e-4})[0]["steps"] >= 1
    (wrong,) = _answers(worker, {"do": "time", "steps": "many"})
    assert wrong["error"].startswith("TypeError")
    assert "TypeError" in capsys.readouterr().err


def test_a_process_that_dies_is_told(tmp_path: Path) -> None:
    with (
        Process("numpy", "no such workload", Settings(), tmp_path) as process,
        pytest.raises(ContestantFailed, match="KeyError"),
    ):
        process.ask("load")


def test_threads_and_caches_of_a_process(tmp_path: Path) -> None:
    one = environment(1, Settings(threads=1), tmp_path)
    assert one["OPENBLAS_NUM_THREADS"] == one["GLASSGRAD_NUM_THREADS"] == "1"
    assert one["GLASSGRAD_CACHE"] == str(tmp_path)
    assert "multi_thread_eigen=false" in one["XLA_FLAGS"]
    split = environment(1, Settings(threads=2), tmp_path)
    assert (split["OMP_NUM_THREADS"], split["GLASSGRAD_NUM_THREADS"]) == ("1", "2")


# --- the machine -------------------------------------------------------------------------


_GONE_AGAIN = """
import numpy as np
from glassgrad.bench.memory import Peak
before = np.ones(20 << 20, np.uint8)
del before
peak = Peak()
array = np.ones(40 << 20, np.uint8)
del array
print(peak.above())
"""


@pytest.mark.skipif(not memory._STATUS.exists(), reason="the system does not tell")
def test_peak_counts_what_is_gone_again() -> None:
    # A process of its own: here other tests' garbage may be collected between the two readings.
    found = subprocess.check_output([sys.executable, "-c", _GONE_AGAIN], text=True)
    assert 35 << 20 < int(found) < 60 << 20


def _stat(path: Path, *counts: int) -> None:
    path.write_text(f"cpu  {' '.join(map(str, counts))} 0 0\ncpu0 1 2\n", encoding="ascii")


def test_other_work_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "stat"
    monkeypatch.setattr(machine, "_STAT", path)
    _stat(path, 100, 0, 0, 900, 0, 0, 0, 0)
    before = machine.ticks()
    monkeypatch.setattr(machine.time, "sleep", lambda _: _stat(path, 150, 0, 0, 950, 0, 0, 0, 0))
    assert "50% of it" in machine.is_busy()
    assert machine.was_stolen(before) == ""
    _stat(path, 190, 0, 0, 1000, 0, 0, 0, 10)
    assert "5.0% of the time" in machine.was_stolen(before)
    monkeypatch.setattr(machine, "_STAT", tmp_path / "missing")
    assert machine.ticks() is None
    assert machine.is_busy() == machine.was_stolen(before) == ""


def test_facts() -> None:
    found = machine.facts(["no-such-package"])
    assert found["versions"]["no-such-package"] is None
    assert found["versions"]["numpy"] == np.__version__
    assert found["cpu"]
    assert found["cores"] >= 1
