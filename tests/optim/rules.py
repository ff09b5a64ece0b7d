"""The updates of the newer optimisers, written by hand in NumPy with their default settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.optim import OPTIMIZERS

Rule = Callable[[np.ndarray, np.ndarray, dict[str, Any], int], np.ndarray]
LR = 0.05


def adadelta(p: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["h"] = 0.9 * s.get("h", 0.0) + 0.1 * g * g
    move = np.sqrt(s.get("d", 0.0) + 1e-6) / np.sqrt(s["h"] + 1e-6) * g
    s["d"] = 0.9 * s.get("d", 0.0) + 0.1 * move * move
    return p - LR * move


def adamax(p: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["m"] = 0.9 * s.get("m", 0.0) + 0.1 * g
    s["u"] = np.maximum(0.999 * s.get("u", 0.0), np.abs(g) + 1e-8)
    return p - LR / (1 - 0.9**t) * s["m"] / s["u"]


def _moments(g: np.ndarray, s: dict[str, Any], beta2: float = 0.999) -> None:
    s["m"] = 0.9 * s.get("m", 0.0) + 0.1 * g
    s["v"] = beta2 * s.get("v", 0.0) + (1 - beta2) * g * g


def nadam(p: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    _moments(g, s)
    now = 0.9 * (1 - 0.5 * 0.96 ** (t * 0.004))
    ahead = 0.9 * (1 - 0.5 * 0.96 ** ((t + 1) * 0.004))
    s["product"] = s.get("product", 1.0) * now
    size = np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8
    p = p - LR * (1 - now) / (1 - s["product"]) * g / size
    return p - LR * ahead / (1 - s["product"] * ahead) * s["m"] / size


def radam(p: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    _moments(g, s)
    mean = s["m"] / (1 - 0.9**t)
    longest = 2 / (1 - 0.999) - 1
    length = longest - 2 * t * 0.999**t / (1 - 0.999**t)
    if length <= 5:
        return p - LR * mean
    share = (length - 4) * (length - 2) * longest
    share /= (longest - 4) * (longest - 2) * length
    return p - LR * mean * np.sqrt(share) * np.sqrt(1 - 0.999**t) / (np.sqrt(s["v"]) + 1e-8)


def lion(p: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    old = s.get("m", 0.0)
    s["m"] = 0.99 * old + 0.01 * g
    return p - LR * np.sign(0.9 * old + 0.1 * g)


def lamb(p: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    _moments(g, s)
    move = s["m"] / (1 - 0.9**t) / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-6)
    return p - LR * np.linalg.norm(p) / np.linalg.norm(move) * move


def muon(p: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    p = p * (1 - LR * 0.1)
    if p.ndim < 2:
        _moments(g, s, beta2=0.95)
        size = np.sqrt(s["v"] / (1 - 0.95**t)) + 1e-8
        return p - LR * s["m"] / (1 - 0.9**t) / size
    s["m"] = 0.95 * s.get("m", 0.0) + 0.05 * g
    move = 0.95 * s["m"] + 0.05 * g
    return p - LR * 0.2 * np.sqrt(max(p.shape)) * newton_schulz(move)


def newton_schulz(x: np.ndarray) -> np.ndarray:
    """Five steps of the quintic iteration, on the wider side."""
    matrix = x.T if x.shape[0] > x.shape[1] else x
    matrix = matrix / (np.linalg.norm(matrix) + 1e-7)
    for _ in range(5):
        square = matrix @ matrix.T
        matrix = 3.4445 * matrix + (-4.775 * square + 2.0315 * square @ square) @ matrix
    return matrix.T if x.shape[0] > x.shape[1] else matrix


NEWER: dict[str, Rule] = {
    "adadelta": adadelta,
    "adamax": adamax,
    "nadam": nadam,
    "radam": radam,
    "lion": lion,
    "lamb": lamb,
    "muon": muon,
}

# Every optimiser that is the update of one gradient.
UPDATES = sorted(set(OPTIMIZERS) - {"lbfgs"})
