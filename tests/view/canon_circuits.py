"""The circuits of the canon with their own inputs, for tests of pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.canon import EXAMPLES, Circuit
from glassgrad.graph.ir import Graph

CIRCUITS = {name: e for name, e in EXAMPLES.items() if isinstance(e, Circuit)}


def graph_of(name: str) -> tuple[Graph, list[Any]]:
    """A circuit's graph and its arguments; floats in float64, as the canon computes."""
    circuit = CIRCUITS[name]
    arrays = [np.asarray(value) for value in circuit.inputs.values()]
    arguments = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]
    return circuit.graph(), [a[()] for a in arguments]
