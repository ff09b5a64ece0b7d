"""The material of reports in tests: a small network of three classes, or of one quantity."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad import nn, optim
from glassgrad.report import Layer, Material


def _rows(n: int, width: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, width)).astype(np.float32)
    return X, np.arange(n) % classes if classes else X[:, 0]


def material(**changes: Any) -> Material:
    """A small network of three classes that was "trained" for four epochs."""
    classes = changes.get("classes", ("a", "b", "c"))
    width = changes.pop("width", 2)
    k = len(classes) or 1
    model = nn.MLP((width, 5, k), "tanh", rng=0)
    confusion = [[8, 2, 0], [1, 9, 0], [0, 0, 10]] if classes else None
    scores = {"rows": 30, "accuracy": 0.9, "confusion": confusion} if classes else None
    scores = scores or {"rows": 30, "r2": 0.75, "mae": 1.5}
    fields: dict[str, Any] = {
        "name": "run-7",
        "dataset": "toy",
        "source": "",
        "model": model,
        "loss": "cross_entropy" if classes else "mse",
        "classes": classes,
        "features": tuple(f"f{i}" for i in range(width)),
        "target": "price",
        "image_shape": (),
        "train": _rows(60, width, k if classes else 0),
        "test": _rows(30, width, k if classes else 0),
        "encode": (lambda y: y) if classes else (lambda y: np.asarray(y).reshape(-1, 1)),
        "codes": lambda out: out.argmax(axis=1),
        "probabilities": (lambda out: np.exp(out) / np.exp(out).sum(1, keepdims=True))
        if classes
        else None,
        "quantities": lambda values: values,
        "initial": lambda: nn.MLP((width, 5, k), "tanh", rng=0),
        "optimizer": lambda model: optim.Adam(model, 0.1),
        "layers": (Layer("layers.0", f"Linear({width}, 5)", (5,), 5 * width + 5),),
        "history": {
            "epoch": [1, 2, 3, 4],
            "loss": [1.1, 0.6, 0.3, 0.2],
            "val_loss": [1.2, 0.7, 0.5, 0.9],
            "lr": [0.1, 0.1, 0.05, 0.01],
        },
        "result": {"epochs": 4, "steps": 40, "seconds": 0.5, "train": scores, "test": scores},
        "settings": (("optimizer", "adam"), ("lr", "0.1")),
        "command": "glassgrad train toy",
        "batch_size": 10,
        "seed": 3,
        **changes,
    }
    return Material(**fields)
