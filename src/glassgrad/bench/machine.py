"""The machine: what it is, and whether anything else runs on it.

Layer L10.
"""

from __future__ import annotations

import os
import platform
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from glassgrad.text import say

_CPUINFO, _STAT = Path("/proc/cpuinfo"), Path("/proc/stat")
_VECTORS = ("avx512f", "avx2", "fma", "asimd")
_LOOK = 0.5  # seconds for which other work is watched before the start
_BUSY, _STOLEN = 0.05, 0.01  # shares of all processors from which numbers are doubtful
_PACKAGES = ("glassgrad", "numpy", "llvmlite")
_FIELDS = 8  # user nice system idle iowait irq softirq steal, proc(5)


def cpus() -> int:
    """Processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def facts(packages: list[str]) -> dict[str, Any]:
    """Processor, system, versions and date."""
    return {
        "cpu": _cpu(),
        "vectors": _vectors(),
        "cores": cpus(),
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": {name: _version(name) for name in [*_PACKAGES, *packages]},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _cpu() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def _vectors() -> list[str]:
    """The vector instructions among those that matter here."""
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _cpuinfo(), re.MULTILINE)
    words = found[1].split() if found else []
    return [name for name in _VECTORS if name in words]


def _cpuinfo() -> str:
    try:
        return _CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


# --- other work --------------------------------------------------------------------------


@dataclass(frozen=True)
class Ticks:
    """Time of all processors since the start: in all, spent on anything, and taken by the host."""

    total: int
    busy: int
    stolen: int


def ticks() -> Ticks | None:
    """The counters of now; None where the system does not tell."""
    try:
        line = _STAT.read_text(encoding="ascii", errors="replace").splitlines()[0]
    except (OSError, IndexError):
        return None
    counts = [int(word) for word in line.split()[1 : 1 + _FIELDS]]
    if len(counts) < _FIELDS:
        return None
    idle = counts[3] + counts[4]
    return Ticks(sum(counts), sum(counts) - idle, counts[7])


def is_busy() -> str:
    """A warning if other processes run now; empty if none do, or if the system does not tell."""
    before = ticks()
    time.sleep(_LOOK)
    after = ticks()
    if before is None or after is None or after.total == before.total:
        return ""
    share = (after.busy - before.busy) / (after.total - before.total)
    if share <= _BUSY:
        return ""
    return say("the machine is not idle: {share:.0%} of it is at work for others", share=share)


def was_stolen(before: Ticks | None) -> str:
    """A warning if the host took time from this machine since `before`."""
    after = ticks()
    if before is None or after is None or after.total == before.total:
        return ""
    share = (after.stolen - before.stolen) / (after.total - before.total)
    if share <= _STOLEN:
        return ""
    return say("the host took {share:.1%} of the time from this machine", share=share)
