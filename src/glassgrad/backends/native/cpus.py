"""How many processors this process may use.

Layer L6. The machine's number says little: an affinity mask or the quota of a container may allow
fewer, and workers beyond that would take turns while the others wait for them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from glassgrad.errors import OptionError
from glassgrad.text import say

VARIABLE = "GLASSGRAD_NUM_THREADS"
MOST_WORKERS = 256
_GROUPS = Path("/sys/fs/cgroup")


def default_workers(limit: int | None = None) -> int:
    """`GLASSGRAD_NUM_THREADS`, else the CPUs of this process; never more than `limit`.

    The limit is what a program can use, such as its number of tiles. Results do not depend on
    the number.

    Raises:    OptionError for a value of the variable that is no number of threads
    """
    count = _asked_for() or available_cpus()
    most = MOST_WORKERS if limit is None else min(limit, MOST_WORKERS)
    return max(1, min(count, most))


def _asked_for() -> int | None:
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST_WORKERS:
        return int(text)
    raise OptionError(
        say(
            "{name} is a whole number from 1 to {most}, not {text!r}",
            name=VARIABLE,
            most=MOST_WORKERS,
            text=text,
        )
    )


def available_cpus() -> int:
    """CPUs that the scheduler gives this process: those of its mask, within its quota."""
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    return max(1, min(count, quota(_GROUPS) or count))


@cache
def quota(groups: Path, membership: Path = Path("/proc/self/cgroup")) -> int | None:
    """Whole CPUs that the control groups of this process may use; None without such a limit.

    Half a CPU more does not make a worker: it would be stopped half of the time, and all wait.
    """
    shares = [share for folder in _group_folders(groups, membership) for share in _shares(folder)]
    return max(1, int(min(shares))) if shares else None


def _group_folders(groups: Path, membership: Path) -> Iterator[Path]:
    """The folders of this process's groups and of those around them."""
    try:
        lines = membership.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = groups / "cpu" if controllers else groups  # version 1 has a tree a controller
        folder = base / path.strip("/")
        yield from (part for part in (folder, *folder.parents) if part.is_relative_to(base))


def _shares(folder: Path) -> Iterator[float]:
    """CPUs that one group may use, in either version's files."""
    whole = _words(folder / "cpu.max")  # "200000 100000", or "max 100000"
    parts = [*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")]
    for words in (whole, parts):  # version 1 writes -1 for no limit
        if len(words) == 2 and all(word.isdigit() for word in words) and int(words[1]):  # noqa: PLR2004
            yield int(words[0]) / int(words[1])


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return []


def has_wide_vectors() -> bool:
    """Whether the processor that code is made for has 32 vector registers of 64 bytes."""
    asked = os.environ.get("GLASSGRAD_CPU")
    if asked is not None:
        return "+avx512f" in asked
    umath = np._core._multiarray_umath  # type: ignore[attr-defined]
    features = getattr(umath, "__cpu_features__", {})
    return bool(features.get("AVX512F"))
