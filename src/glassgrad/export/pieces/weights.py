"""The weights of an exported program, and the outputs of its network.

Layer L10.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np

SHA256 = ""
WEIGHTS: dict[str, Any] = {}
DTYPE: Any = np.float32


def load() -> Any:
    """The arrays of the .npz file beside this one, if it is the one that belongs to it."""
    path = Path(__file__).with_suffix(".npz")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise ValueError(f"{path} does not belong to this program")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def forward(*arguments: Any, **named: Any) -> Any:
    """Stands for the network."""


def outputs(X: Any) -> Any:
    """What the network puts out for features, (n, d) -> (n, k); 1,024 rows at a time."""
    X = np.asarray(X, DTYPE)
    starts = range(0, max(len(X), 1), 1024)
    return np.concatenate([forward(**WEIGHTS, x=X[i : i + 1024]) for i in starts])
