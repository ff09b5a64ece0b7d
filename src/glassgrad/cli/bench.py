"""`glassgrad bench`: training steps timed beside other libraries, taking turns in one run.

Layer L11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from glassgrad.cli.helptext import SpokenCommand, flag, spoken
from glassgrad.cli.terminal import Output
from glassgrad.errors import OptionError, unknown_option
from glassgrad.text import say

if TYPE_CHECKING:
    from glassgrad.bench.measure import Plan

_ROUNDS, _SECONDS = 7, 0.2
_LONGEST = 60.0


def _examples() -> list[tuple[str, str]]:
    return [
        ("glassgrad bench", say("all workloads beside NumPy")),
        ("glassgrad bench xor two --peers numpy,torch,jax", say("two of them, beside three peers")),
        ("glassgrad bench --peers all --threads 1 --json", say("everything, for programs")),
    ]


@click.command(
    "bench",
    cls=SpokenCommand,
    about=spoken(
        "Time training steps beside other libraries, all taking turns in one run, against the "
        "time that their matrix products alone would take. Nothing else should run meanwhile. "
        "Workloads: xor, two, mid, mlp, tabular, deep, wide-elementwise, "
        "cnn, lstm, gpt."
    ),
    examples=_examples,
)
@click.argument("workloads", nargs=-1, metavar="[WORKLOAD]...")
@flag(
    "--peers",
    about="numpy, torch, torch-compile, jax, jax-scan, sklearn, all or none; numpy by default",
    metavar="NAME,…",
)
@flag("--rounds", about="how often each takes its turn; 7 by default", metavar="N")
@flag("--seconds", about="length of a turn; 0.2 by default", metavar="S")
@flag("--threads", about="threads of each contestant; all processors by default", metavar="N")
@flag("--backend", about="what runs the step: auto, native or numpy", metavar="NAME")
@flag("--json", "as_json", about="print JSON", is_flag=True)
def bench(
    workloads: tuple[str, ...],
    peers: str | None,
    rounds: str | None,
    seconds: str | None,
    threads: str | None,
    backend: str | None,
    as_json: bool,
) -> int:
    from glassgrad.bench import machine  # noqa: PLC0415 - with the contestants it loads a lot
    from glassgrad.cli.bench_table import header, workload_table  # noqa: PLC0415

    output = Output(json=as_json)
    names = _workloads(workloads)
    plan, absent = _plan(peers, rounds, seconds, threads, backend)
    data = _header(plan, absent)
    if not as_json:
        output.result(header(data))
    found: dict[str, Any] = {}
    busy, before = machine.is_busy(), machine.ticks()
    if busy:
        output.note(f"{say('warning')}: {busy}")
    for name in names:
        found[name] = _measured(name, plan, output)
        if not as_json:
            output.result("\n" + workload_table(name, found[name]))
    stolen = machine.was_stolen(before)
    if stolen:
        output.note(f"{say('warning')}: {stolen}")
    warnings = [text for text in (busy, stolen) if text]
    output.data({**data, "warnings": warnings, "workloads": found})
    return 0 if all(entry.get("agree") for entry in found.values()) else 1


def _measured(name: str, plan: Plan, output: Output) -> dict[str, Any]:
    """The results of one workload, or why there are none."""
    from glassgrad.bench.measure import measure  # noqa: PLC0415 - loads a lot
    from glassgrad.bench.process import ContestantFailed  # noqa: PLC0415
    from glassgrad.bench.results import as_data  # noqa: PLC0415

    try:
        return as_data(measure(name, plan, output.note))
    except ContestantFailed as error:
        output.note(say("{workload} failed: {reason}", workload=name, reason=error))
        return {"failed": str(error)}


def _header(plan: Plan, absent: list[str]) -> dict[str, Any]:
    """What holds for all workloads."""
    from glassgrad.backends.chosen import resolve_backend  # noqa: PLC0415 - loads a lot
    from glassgrad.bench import machine  # noqa: PLC0415
    from glassgrad.bench.contestants import PACKAGES, PEERS  # noqa: PLC0415
    from glassgrad.cli.doctor import blas  # noqa: PLC0415

    packages = dict.fromkeys(PACKAGES[PEERS[peer]] for peer in plan.peers)
    return {
        "machine": {**machine.facts(list(packages)), "blas": blas()["description"]},
        "settings": {
            "backend": resolve_backend(plan.settings.backend),
            "threads": plan.settings.threads,
            "rounds": plan.rounds,
            "seconds": plan.seconds,
            "peers": list(plan.peers),
        },
        "absent": absent,
    }


# --- what was asked for ------------------------------------------------------------------


def _workloads(names: tuple[str, ...]) -> list[str]:
    from glassgrad.bench.workloads import WORKLOADS  # noqa: PLC0415 - help needs none

    for name in names:
        if name not in WORKLOADS:
            raise unknown_option("workload", name, WORKLOADS)
    return list(dict.fromkeys(names)) or list(WORKLOADS)


def _plan(
    peers: str | None,
    rounds: str | None,
    seconds: str | None,
    threads: str | None,
    backend: str | None,
) -> tuple[Plan, list[str]]:
    """The plan, and the peers that were asked for and are not installed."""
    from glassgrad.backends.chosen import resolve_backend  # noqa: PLC0415 - loads a lot
    from glassgrad.bench.contestant import Settings  # noqa: PLC0415
    from glassgrad.bench.contestants import is_installed  # noqa: PLC0415
    from glassgrad.bench.machine import cpus  # noqa: PLC0415
    from glassgrad.bench.measure import Plan  # noqa: PLC0415
    from glassgrad.cli.settings import number, whole  # noqa: PLC0415

    wanted = _peers("numpy" if peers is None else peers)
    resolve_backend(backend or "auto")
    rule = f"0 < s ≤ {_LONGEST:g}"
    plan = Plan(
        tuple(peer for peer in wanted if is_installed(peer)),
        Settings(
            threads=_read("--threads", threads, whole(1, cpus()), cpus()),
            backend=backend or "auto",
        ),
        _read("--rounds", rounds, whole(1, 1000), _ROUNDS),
        _read("--seconds", seconds, number(rule, lambda s: 0 < s <= _LONGEST), _SECONDS),
    )
    return plan, [peer for peer in wanted if peer not in plan.peers]


def _peers(text: str) -> list[str]:
    from glassgrad.bench.contestants import PEERS  # noqa: PLC0415 - loads a lot

    if text == "all":
        return list(PEERS)
    names = [] if text == "none" else [name.strip() for name in text.split(",")]
    for name in names:
        if name not in PEERS:
            raise unknown_option("peer", name, [*PEERS, "all", "none"])
    return list(dict.fromkeys(names))


def _read(option: str, text: str | None, read: Any, default: Any) -> Any:
    """The value of an option, or the default."""
    if text is None:
        return default
    try:
        return read(text)
    except OptionError as error:
        raise error.at(option) from None
