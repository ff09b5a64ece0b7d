"""The process of one contestant: `python -m glassgrad.bench.worker '{"contestant": …}'`.

Layer L10. Each line of standard input is a command as JSON, and is answered by one line of JSON on
standard output; whatever else a library prints there goes to standard error. Between commands the
process sleeps, and it answers `time` only when its own threads have gone to sleep too: OpenBLAS's
keep a core busy for 0.1 s after the last product.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO, cast

import numpy as np

from glassgrad.bench.contestant import ChainContestant, Contestant, Settings
from glassgrad.bench.contestants import make
from glassgrad.bench.memory import Peak
from glassgrad.bench.workloads import WORKLOADS, Chain, Model, Network

_GLANCE, _QUIET, _LONGEST_WAIT = 0.01, 0.1, 1.0  # seconds; the share of a core that counts as idle
_MOST_STEPS = 1 << 40


class Worker:
    """A contestant and what is asked of it, one method a command."""

    def __init__(self, contestant: str, workload: str, settings: Settings) -> None:
        self.name = contestant
        self.settings = settings
        self.workload = WORKLOADS[workload]
        self.contestant = _made(contestant, workload, settings)
        self.peak: Peak | None = None
        self.first_losses: list[float] = []

    def load(self) -> dict[str, Any]:
        """Import the library, make the data set."""
        self.contestant.load()
        return {}

    def warm(self) -> dict[str, Any]:
        """Have everything loaded that the library loads when it is first used."""
        warm = getattr(self.contestant, "warm", None)
        if warm is not None:
            warm()
        return {}

    def build(self) -> dict[str, Any]:
        """Weights and step; from here on memory counts."""
        self.peak = Peak()
        self.contestant.build()
        return {}

    def first(self) -> dict[str, Any]:
        """The first call of the step: seconds until its result is there."""
        start = time.perf_counter()
        losses = self.contestant.run(self.contestant.unit)
        seconds = time.perf_counter() - start
        self.first_losses = [float(loss) for loss in losses]
        return {"seconds": seconds}

    def check(self) -> dict[str, Any]:
        """Numbers by which contestants are compared, from the first steps."""
        workload = self.workload
        if isinstance(workload, Chain):
            chain = cast(ChainContestant, self.contestant)
            return {"numbers": chain_numbers(self.first_losses[-1], chain.gradients())}
        if isinstance(workload, Model) or not workload.dropout:
            return {"numbers": self._losses(self.contestant, self.first_losses)}
        return {"numbers": self._without_dropout(workload)}

    def _losses(self, contestant: Contestant, losses: list[float]) -> list[float]:
        while len(losses) < self.workload.checked:
            losses += [float(loss) for loss in contestant.run(contestant.unit)]
        return losses[: self.workload.checked]

    def _without_dropout(self, workload: Network) -> list[float]:
        plain = make(self.name, workload.without_dropout(), self.settings)
        assert plain is not None
        plain.load()
        plain.build()
        found = self._losses(plain, [])
        dropped = self._losses(self.contestant, list(self.first_losses))
        if np.allclose(found, dropped, rtol=1e-4):
            raise AssertionError("the losses with and without dropout are the same")
        return found

    def calibrate(self, seconds: float) -> dict[str, Any]:
        """How many steps take about so many seconds; all of them have been done before."""
        steps = unit = self.contestant.unit
        while True:
            spent = self.time(steps)["seconds"]
            if spent >= seconds / 2 or steps >= _MOST_STEPS:
                break
            steps *= 2
        return {"steps": max(1, round(steps * seconds / spent / unit)) * unit}

    def time(self, steps: int) -> dict[str, Any]:
        """Seconds for so many steps."""
        start = time.perf_counter()
        self.contestant.run(steps)
        seconds = time.perf_counter() - start
        settle()
        return {"seconds": seconds}

    def memory(self) -> dict[str, Any]:
        """The peak above what library and data set hold, in bytes."""
        return {"peak": None if self.peak is None else self.peak.above()}


def chain_numbers(value: float, gradients: list[np.ndarray]) -> list[float]:
    """The value; of each gradient its length, and that plus what it has of a fixed wave.

    The sum compares the wave's part, which may be near 0, on the scale of the gradient.
    """
    numbers = [value]
    for gradient in gradients:
        flat = np.asarray(gradient, np.float64).ravel()
        wave = np.sin(np.arange(flat.size) + 1.0)
        length = math.sqrt(float(flat @ flat))
        numbers += [length, length + float(flat @ wave) / math.sqrt(float(wave @ wave))]
    return numbers


def settle() -> None:
    """Wait until the threads of this process have gone to sleep."""
    deadline = time.monotonic() + _LONGEST_WAIT
    while time.monotonic() < deadline:
        before = time.process_time()
        time.sleep(_GLANCE)
        if time.process_time() - before < _QUIET * _GLANCE:
            return


def _made(name: str, workload: str, settings: Settings) -> Contestant:
    contestant = make(name, WORKLOADS[workload], settings)
    assert contestant is not None
    return contestant


# --- the conversation --------------------------------------------------------------------


def serve(worker: Worker, commands: TextIO, answers: TextIO) -> None:
    """Answer every line of `commands`; a fault is an answer too."""
    for line in commands:
        command = json.loads(line)
        ask: Callable[..., dict[str, Any]] = getattr(worker, command.pop("do"))
        try:
            answer = ask(**command)
        except Exception as error:  # whatever a peer raises is told to whoever asked
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), file=answers, flush=True)


def pin(threads: int) -> None:
    """Let this process run on so many processors only: not every library counts threads alike."""
    if hasattr(os, "sched_setaffinity"):
        mine = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, mine[-threads:])


def main(task: str) -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    values = json.loads(task)
    settings = Settings(threads=values["threads"], backend=values["backend"])
    pin(settings.threads)
    worker = Worker(values["contestant"], values["workload"], settings)
    serve(worker, sys.stdin, answers)


if __name__ == "__main__":
    main(sys.argv[1])
