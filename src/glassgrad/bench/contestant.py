"""What a contestant can do, whatever library it stands for.

Layer L10. A contestant lives in a process of its own, where `load` imports its library: making
one costs nothing and needs nothing installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Settings:
    """How contestants are run: threads for each, and glassgrad's back end."""

    threads: int = 1
    backend: str = "auto"


class Contestant(Protocol):
    """One library with one workload.

    unit:  steps of one call: `run` takes a multiple of it
    """

    unit: int

    def load(self) -> None:
        """Import the library and bring the data into its form; no weights yet."""

    def build(self) -> None:
        """Weights, optimiser and step as at the start; nothing is compiled that need not be."""

    def run(self, steps: int) -> Any:
        """Do that many steps and wait for them; the losses of all of them, (steps,)."""


class ChainContestant(Contestant, Protocol):
    """One library with a chain: a step is value and gradients."""

    def gradients(self) -> list[np.ndarray]:
        """Those of x, gamma and beta from the last step."""
