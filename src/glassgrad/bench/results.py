"""What was measured, as ratios and verdicts, in one form for programs and people.

Layer L10.
"""

from __future__ import annotations

import statistics
from dataclasses import asdict
from typing import Any

from glassgrad.bench.contestants import (
    FLOORS,
    FUNCTIONS,
    MANY_STEPS,
    MEMORY,
    OWN,
    PREDICTION,
    PRODUCTS,
    SPLIT,
)
from glassgrad.bench.measure import TOLERANCE, Measured, Timed, ratio
from glassgrad.bench.workloads import Chain


def as_data(measured: Measured) -> dict[str, Any]:
    """Everything about one workload, as JSON can hold it."""
    workload = measured.workload
    contestants = {
        name: _contestant(timed)
        for name, timed in measured.timed.items()
        if name not in (*FLOORS, PREDICTION)
    }
    floor = _floor(measured)
    values = _values(measured, floor)
    return {
        "sizes": {key: value for key, value in asdict(workload).items() if key != "aims"},
        "contestants": contestants,
        "skipped": measured.skipped,
        "best_peer": best_peer(measured),
        "best_single": best_peer(measured, but=MANY_STEPS),
        "floor": floor,
        "first_call": {"cold": measured.cold, "cached": measured.cached},
        "memory": {
            "peak": measured.timed[OWN].peak,
            "needed": None if isinstance(workload, Chain) else workload.needed_bytes,
        },
        "prediction": _contestant(measured.timed[PREDICTION])
        if PREDICTION in measured.timed
        else None,
        "values": values,
        "aims": _aims(measured, values),
        "agree": all(entry["agrees"] for entry in contestants.values()),
    }


def best_peer(measured: Measured, but: tuple[str, ...] = ()) -> str | None:
    """The fastest of the others, some left out; None if there is none."""
    peers = [n for n in measured.timed if n not in (OWN, PREDICTION, *FLOORS, *but)]
    return min(peers, key=lambda name: measured.timed[name].seconds, default=None)


def _contestant(timed: Timed) -> dict[str, Any]:
    return {
        "seconds": timed.seconds,
        "least": min(timed.rounds),
        "most": max(timed.rounds),
        "rounds": timed.rounds,
        "steps_per_round": timed.steps,
        "first_call": timed.first,
        "peak": timed.peak,
        "error": timed.error,
        "agrees": timed.error is None or timed.error <= TOLERANCE,
    }


def _aims(measured: Measured, values: dict[str, float | None]) -> dict[str, dict[str, Any]]:
    """The limits, and whether they are kept: None where it was not measured."""
    limits = asdict(measured.workload.aims)
    limits["best_single"] = limits["best_peer"]
    found = {}
    for name, limit in limits.items():
        value = values[name]
        if limit is not None:
            found[name] = {"limit": limit, "met": None if value is None else value <= limit}
    return found


def _floor(measured: Measured) -> dict[str, Any] | None:
    """The time below which no step can get: the faster way of multiplying, and the traffic."""
    timed = measured.timed
    if MEMORY not in timed:
        return None
    traffic = measured.workload.traffic
    ways = [name for name in (PRODUCTS, SPLIT) if name in timed]
    best = min(ways, key=lambda name: timed[name].seconds, default=None)
    products = timed[best].rounds if best else [0.0] * len(timed[MEMORY].rounds)
    rounds = [a + b for a, b in zip(products, timed[MEMORY].rounds, strict=True)]
    return {
        "seconds": statistics.median(rounds),
        "rounds": rounds,
        "products": {name: timed[name].seconds for name in ways},
        "functions": timed[FUNCTIONS].seconds if FUNCTIONS in timed else None,
        "traffic": timed[MEMORY].seconds,
        "bytes_moved": traffic.moved,
        "bytes_per_second": traffic.moved / timed[MEMORY].seconds,
    }


def _values(measured: Measured, floor: dict[str, Any] | None) -> dict[str, float | None]:
    """What the aims are about, by their names."""
    timed, workload = measured.timed, measured.workload
    best, single, peak = best_peer(measured), best_peer(measured, MANY_STEPS), timed[OWN].peak
    needed = None if isinstance(workload, Chain) else workload.needed_bytes
    return {
        "best_peer": None if best is None else measured.ratio(best),
        "best_single": None if single is None else measured.ratio(single),
        "numpy": measured.ratio("numpy") if "numpy" in timed else None,
        "floor": None if floor is None else ratio(timed[OWN].rounds, floor["rounds"]),
        "cold": statistics.median(measured.cold),
        "cached": statistics.median(measured.cached) if measured.cached else None,
        "memory": peak / needed if needed and peak is not None else None,
        "predict": timed[PREDICTION].seconds if PREDICTION in timed else None,
    }
