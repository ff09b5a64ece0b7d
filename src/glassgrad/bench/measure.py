"""Rounds in which all contestants take turns, first calls in fresh processes, and memory.

Layer L10. A ratio is taken within a round and is the median over the rounds: what slows the machine
for a while slows all. The order of a round is turned by one each time, so that nobody always runs
behind the same neighbour.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from glassgrad.backends.chosen import resolve_backend
from glassgrad.bench.by_numpy import NumpyChain, NumpyNetwork
from glassgrad.bench.contestant import Contestant, Settings
from glassgrad.bench.contestants import FLOORS, OWN, PREDICTION, make
from glassgrad.bench.process import ContestantFailed, Process
from glassgrad.bench.worker import chain_numbers, settle
from glassgrad.bench.workloads import WORKLOADS, Chain, Model, Network, Workload
from glassgrad.text import say

# Relative. Ten steps in float32 are right to 1e-6, until a ReLU whose input is almost 0 falls to
# the other side; Adam makes a step of full length of that, and 1e-4 was seen.
TOLERANCE = 1e-3
_MOST_FIRST_CALLS = 3

Note = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is measured, and how long.

    seconds:  length of one contestant's turn in a round
    """

    peers: tuple[str, ...]
    settings: Settings
    rounds: int = 7
    seconds: float = 0.2


@dataclass
class Timed:
    """One contestant.

    rounds:  seconds of a step, one number a round
    first:   seconds of the first call in this process; error: against the reference, relative
    """

    steps: int = 0
    rounds: list[float] = field(default_factory=list)
    first: float = 0.0
    peak: int | None = None
    error: float | None = None

    @property
    def seconds(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)


@dataclass
class Measured:
    """One workload: contestants, floors and the prediction by name, and glassgrad's first calls.

    cached:  None where the back end keeps nothing from process to process
    """

    workload: Workload
    timed: dict[str, Timed]
    skipped: dict[str, str]
    cold: list[float]
    cached: list[float] | None

    def ratio(self, other: str) -> float:
        """glassgrad's time over another's, as the median of the rounds' ratios."""
        return ratio(self.timed[OWN].rounds, self.timed[other].rounds)


def ratio(ours: Sequence[float], others: Sequence[float]) -> float:
    """The median of the ratios of two series."""
    return statistics.median(a / b for a, b in zip(ours, others, strict=True))


def measure(name: str, plan: Plan, note: Note) -> Measured:
    """All contestants of a plan on one workload.

    Raises:    ContestantFailed if glassgrad itself does; a peer that fails is skipped
    """
    workload = WORKLOADS[name]
    with tempfile.TemporaryDirectory(prefix="glassgrad-bench-") as folder, ExitStack() as stack:
        note(say("{workload}: first calls", workload=name))
        root = Path(folder)
        cold, cached, cache = _first_calls(name, plan, root)
        entered = _Field(workload, plan, note, stack)
        for contestant in _names(workload, plan):
            entered.admit(contestant, cache if contestant in (OWN, PREDICTION) else root)
        entered.compare(_reference(workload))
        entered.play()
        return Measured(workload, entered.timed, entered.skipped, cold, cached)


def _names(workload: Workload, plan: Plan) -> Iterator[str]:
    yield OWN
    yield from plan.peers
    yield from FLOORS if workload.has_floor else ()
    if workload.aims.predict is not None:
        yield PREDICTION


# --- first calls -------------------------------------------------------------------------


def _first_calls(name: str, plan: Plan, root: Path) -> tuple[list[float], list[float] | None, Path]:
    """Cold and cached first calls, each in a process of its own, and the folder that is filled.

    The clock runs from the call of a step that was made but never called until its loss is there:
    recording, passes, compilation and one step. Interpreter, imports (LLVM's too, which something
    tiny that was compiled before has loaded), data and weights are not in it.
    """
    cold = []
    cache = root
    repeats = min(plan.rounds, _MOST_FIRST_CALLS)
    for i in range(repeats):
        cache = root / f"cache{i}"
        cache.mkdir(mode=0o700)
        cold.append(_first_call(name, plan, cache))
    if resolve_backend(plan.settings.backend) != "native":
        return cold, None, cache
    return cold, [_first_call(name, plan, cache) for _ in range(repeats)], cache


def _first_call(name: str, plan: Plan, cache: Path) -> float:
    with Process(OWN, name, plan.settings, cache) as process:
        for command in ("load", "warm", "build"):
            process.ask(command)
        return float(process.ask("first")["seconds"])


# --- rounds ------------------------------------------------------------------------------


class _Field:
    """The contestants of one workload, each in its process."""

    def __init__(self, workload: Workload, plan: Plan, note: Note, stack: ExitStack) -> None:
        self.workload = workload
        self.plan = plan
        self.note = note
        self.stack = stack
        self.processes: dict[str, Process] = {}
        self.timed: dict[str, Timed] = {}
        self.skipped: dict[str, str] = {}
        self._numbers: dict[str, list[float]] = {}

    def admit(self, name: str, cache: Path) -> None:
        """Start a contestant and let it do its first steps; a peer that cannot is skipped."""
        if make(name, self.workload, self.plan.settings) is None:
            if name in self.plan.peers:
                self.skipped[name] = say("cannot express this workload")
            return
        self.note(say("{workload}: {name}", workload=self.workload.name, name=name))
        try:
            self._start(name, cache)
        except ContestantFailed as error:
            self._drop(name, error)

    def _start(self, name: str, cache: Path) -> None:
        process = Process(name, self.workload.name, self.plan.settings, cache)
        self.stack.enter_context(process)
        for command in ("load", "warm", "build"):
            process.ask(command)
        timed = Timed(first=process.ask("first")["seconds"])
        if name not in (*FLOORS, PREDICTION):
            self._numbers[name] = process.ask("check")["numbers"]
        timed.steps = process.ask("calibrate", seconds=self.plan.seconds)["steps"]
        self.processes[name], self.timed[name] = process, timed

    def compare(self, reference: np.ndarray) -> None:
        """Note how far each contestant's first numbers are from the reference."""
        for name, numbers in self._numbers.items():
            if name not in self.timed:
                continue
            apart = np.abs(np.array(numbers) - reference) / np.abs(reference)
            self.timed[name].error = float(np.max(apart))

    def play(self) -> None:
        """Let all take turns, then ask what memory they took."""
        names, workload, n = list(self.processes), self.workload.name, self.plan.rounds
        for i in range(n):
            self.note(say("{workload}: round {i} of {n}", workload=workload, i=i + 1, n=n))
            turn = i % len(names)
            for name in names[turn:] + names[:turn]:
                if name in self.timed:
                    self._take_turn(name)
        for name, timed in self.timed.items():
            timed.peak = self.processes[name].ask("memory")["peak"]

    def _take_turn(self, name: str) -> None:
        timed = self.timed[name]
        try:
            spent = self.processes[name].ask("time", steps=timed.steps)["seconds"]
        except ContestantFailed as error:
            self._drop(name, error)
        else:
            timed.rounds.append(spent / timed.steps)

    def _drop(self, name: str, error: ContestantFailed) -> None:
        """Go on without a peer that failed; without one of our own nothing can be compared."""
        if name not in self.plan.peers:
            raise error
        self.skipped[name] = str(error)
        self.timed.pop(name, None)


def _in_double(workload: Network | Model) -> Contestant:
    """The contestant that is the reference: NumPy's backward pass by hand, or our derived one."""
    if isinstance(workload, Network):
        return NumpyNetwork(workload.without_dropout(), np.float64)
    from glassgrad.bench.own_models import GlassgradModel  # noqa: PLC0415 - loads a lot

    return GlassgradModel(workload, Settings(backend="numpy"), np.float64)


def _reference(workload: Workload) -> np.ndarray:
    """The first numbers of a workload without dropout, by NumPy in float64."""
    if isinstance(workload, Chain):
        chain = NumpyChain(workload, np.float64)
        chain.load()
        chain.build()
        numbers = chain_numbers(chain.run(1)[0], chain.gradients())
    else:
        network = _in_double(workload)
        network.load()
        network.build()
        numbers = network.run(workload.checked)
    settle()
    return np.array(numbers)
