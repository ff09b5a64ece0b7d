"""One line of a checker's report, and the report itself."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where."""

    path: Path
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.problem}"


def report(faults: list[Fault], summary: str) -> int:
    """Print the faults on stdout and the summary on stderr; the exit status."""
    for fault in faults:
        print(fault)
    print(f"{summary}, {len(faults)} faults", file=sys.stderr)
    return 1 if faults else 0
