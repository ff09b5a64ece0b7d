"""What an exported program offers to other programs: predictions for raw rows.

Layer L10.
"""

from __future__ import annotations

from typing import Any


def features(rows: Any) -> Any:
    """Stands for that of `table.py` or `plain.py`."""


def outputs(X: Any) -> Any:
    """Stands for the network."""


def decoded(values: Any) -> Any:
    """Stands for what the outputs mean."""


def probabilities_of(values: Any) -> Any:
    """Stands for the probabilities of classes."""


def predict(rows: Any) -> Any:
    """The prediction for each raw row, in the terms of the training file."""
    return decoded(outputs(features(rows)))


def probabilities(rows: Any) -> Any:
    """One probability a class for each raw row, (n, k)."""
    return probabilities_of(outputs(features(rows)))
