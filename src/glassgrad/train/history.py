"""What a training run recorded: one row an epoch, and the loss of every step.

Layer L9.
"""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from glassgrad.errors import unknown_option
from glassgrad.files import atomic_write


class History:
    """Rows of an epoch each, with columns such as `epoch step loss accuracy val_loss lr seconds`.

    losses:  the loss of every step, before its update
    stopped: why the run ended: "epochs", "steps", "until" or what a callback said
    backend: what ran its steps, "native" or "numpy"; empty before the run has ended
    reason:  why it was NumPy although "auto" was asked for; empty where nothing stood in the way

    >>> history = History()
    >>> history.append({"epoch": 1, "loss": 0.5})
    >>> history["loss"], len(history), history.last["loss"]
    ([0.5], 1, 0.5)
    """

    def __init__(self, rows: Any = (), losses: Any = ()) -> None:
        self.rows: list[dict[str, float]] = [dict(row) for row in rows]
        self.losses = array("d", losses)
        self.stopped = ""
        self.backend = ""
        self.reason = ""

    def append(self, row: Mapping[str, float]) -> None:
        """Add the row of an epoch."""
        self.rows.append(dict(row))

    @property
    def columns(self) -> list[str]:
        """The names of all columns, in the order in which they first appeared."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    @property
    def last(self) -> dict[str, float]:
        """The newest row; empty before the first epoch has ended."""
        return self.rows[-1] if self.rows else {}

    def __getitem__(self, column: str) -> list[float]:
        """One column, NaN where a row lacks it."""
        if column not in self.columns:
            raise unknown_option("column", column, self.columns)
        return [row.get(column, float("nan")) for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self.rows)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value:.6g}" for name, value in self.last.items())
        return (
            f"History({len(self)} epochs, {len(self.losses)} steps{': ' if shown else ''}{shown})"
        )

    def to_csv(self, path: Any = None) -> str:
        """The rows as CSV text, also written to `path` if one is given."""
        stream = io.StringIO(newline="")
        writer = csv.DictWriter(stream, self.columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: _written(v) for k, v in row.items()} for row in self.rows)
        text = stream.getvalue()
        if path is not None:
            atomic_write(Path(path), text.encode("utf-8"))
        return text


def _written(value: float) -> Any:
    return value if isinstance(value, int) else repr(float(value))
