"""Eager training steps against the same step in hand-written NumPy, interleaved, as ratios.

    python benchmarks/eager.py [--rounds 15] [--json]

Two workloads: `xor` (2-2-1 sigmoid, batch 4, float64: nothing but overhead) and `two_layer_net`
(784-50-10 ReLU, softmax cross-entropy, batch 100, float32). Every framework that is installed
(autograd, MyGrad, PyTorch) runs beside glassgrad in the same rounds; a round times each of them
once, and the ratio to hand-written NumPy is taken within the round. One BLAS thread for all, where
threadpoolctl is installed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from importlib.util import find_spec
from typing import Any

import numpy as np

import glassgrad as gg
from glassgrad import nn

Step = Callable[[], Any]
RATE = 0.1


# --- xor ---------------------------------------------------------------------------------

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
T = np.array([[0.0], [1.0], [1.0], [0.0]])


def _xor_start() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((2, 2)), rng.random((2, 1))


def xor_numpy() -> Step:
    W1, W2 = _xor_start()

    def step() -> None:
        h = 1 / (1 + np.exp(-(X @ W1)))
        o = 1 / (1 + np.exp(-(h @ W2)))
        error = o - T
        0.5 * np.sum(error**2)  # the loss, as every framework below computes it
        do = error * o * (1 - o)
        dW2 = h.T @ do
        dh = do @ W2.T * h * (1 - h)
        dW1 = X.T @ dh
        W1[...] -= RATE * dW1
        W2[...] -= RATE * dW2

    return step


def xor_glassgrad() -> Step:
    W1, W2 = map(gg.parameter, _xor_start())
    x, t = gg.tensor(X), gg.tensor(T)
    optimizer = gg.optim.SGD([W1, W2], lr=RATE)

    def step() -> None:
        h = nn.sigmoid(x @ W1)
        o = nn.sigmoid(h @ W2)
        loss = 0.5 * np.sum((o - t) ** 2)
        loss.backward()
        optimizer.step()

    return step


def xor_torch() -> Step:
    import torch  # noqa: PLC0415 - an optional peer

    W1, W2 = (torch.tensor(w, requires_grad=True) for w in _xor_start())
    x, t = torch.tensor(X), torch.tensor(T)
    optimizer = torch.optim.SGD([W1, W2], lr=RATE)

    def step() -> None:
        h = torch.sigmoid(x @ W1)
        o = torch.sigmoid(h @ W2)
        loss = 0.5 * torch.sum((o - t) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def xor_autograd() -> Step:
    import autograd.numpy as anp  # noqa: PLC0415 - an optional peer
    from autograd import grad  # noqa: PLC0415

    weights = list(_xor_start())

    def loss(parameters: Any) -> Any:
        W1, W2 = parameters
        h = 1 / (1 + anp.exp(-(X @ W1)))
        o = 1 / (1 + anp.exp(-(h @ W2)))
        return 0.5 * anp.sum((o - T) ** 2)

    gradient = grad(loss)

    def step() -> None:
        for w, dw in zip(weights, gradient(weights), strict=True):
            w[...] -= RATE * dw

    return step


def xor_mygrad() -> Step:
    import mygrad  # noqa: PLC0415 - an optional peer

    W1, W2 = map(mygrad.tensor, _xor_start())

    def step() -> None:
        h = 1 / (1 + mygrad.exp(-(X @ W1)))
        o = 1 / (1 + mygrad.exp(-(h @ W2)))
        loss = 0.5 * mygrad.sum((o - T) ** 2)
        loss.backward()
        W1.data[...] -= RATE * W1.grad
        W2.data[...] -= RATE * W2.grad

    return step


# --- two_layer_net -----------------------------------------------------------------------

BATCH, INPUTS, HIDDEN, CLASSES = 100, 784, 50, 10
_rng = np.random.default_rng(1)
IMAGES = _rng.random((BATCH, INPUTS), dtype=np.float32)
LABELS = _rng.integers(0, CLASSES, BATCH)


def _net_start() -> list[np.ndarray]:
    rng = np.random.default_rng(2)
    sizes = [(INPUTS, HIDDEN), (HIDDEN,), (HIDDEN, CLASSES), (CLASSES,)]
    return [0.01 * rng.standard_normal(s).astype(np.float32) for s in sizes]


def net_numpy() -> Step:
    W1, b1, W2, b2 = _net_start()
    rows = np.arange(BATCH)

    def step() -> None:
        a1 = IMAGES @ W1 + b1
        z1 = np.maximum(a1, 0)
        a2 = z1 @ W2 + b2
        a2 = a2 - a2.max(axis=1, keepdims=True)
        e = np.exp(a2)
        y = e / e.sum(axis=1, keepdims=True)
        -np.log(y[rows, LABELS]).mean()
        y[rows, LABELS] -= 1
        y /= BATCH
        dW2 = z1.T @ y
        db2 = y.sum(axis=0)
        da1 = y @ W2.T * (a1 > 0)
        dW1 = IMAGES.T @ da1
        db1 = da1.sum(axis=0)
        for w, dw in ((W1, dW1), (b1, db1), (W2, dW2), (b2, db2)):
            w[...] -= RATE * dw

    return step


def net_glassgrad() -> Step:
    W1, b1, W2, b2 = map(gg.parameter, _net_start())
    x = gg.tensor(IMAGES)
    optimizer = gg.optim.SGD([W1, b1, W2, b2], lr=RATE)

    def step() -> None:
        z1 = nn.relu(x @ W1 + b1)
        loss = nn.cross_entropy(z1 @ W2 + b2, LABELS)
        loss.backward()
        optimizer.step()

    return step


def net_torch() -> Step:
    import torch  # noqa: PLC0415 - an optional peer

    W1, b1, W2, b2 = (torch.tensor(w, requires_grad=True) for w in _net_start())
    x, t = torch.tensor(IMAGES), torch.tensor(LABELS)
    optimizer = torch.optim.SGD([W1, b1, W2, b2], lr=RATE)

    def step() -> None:
        z1 = torch.relu(x @ W1 + b1)
        loss = torch.nn.functional.cross_entropy(z1 @ W2 + b2, t)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def net_autograd() -> Step:
    import autograd.numpy as anp  # noqa: PLC0415 - an optional peer
    from autograd import grad  # noqa: PLC0415

    weights = _net_start()
    rows = np.arange(BATCH)

    def loss(parameters: Any) -> Any:
        W1, b1, W2, b2 = parameters
        z1 = anp.maximum(IMAGES @ W1 + b1, 0)
        scores = z1 @ W2 + b2
        scores = scores - anp.max(scores, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(scores), axis=1)) - scores[rows, LABELS])

    gradient = grad(loss)

    def step() -> None:
        for w, dw in zip(weights, gradient(weights), strict=True):
            w[...] -= RATE * dw

    return step


# --- measuring ---------------------------------------------------------------------------

WORKLOADS: dict[str, dict[str, Callable[[], Step]]] = {
    "xor": {
        "numpy": xor_numpy,
        "glassgrad": xor_glassgrad,
        "torch": xor_torch,
        "autograd": xor_autograd,
        "mygrad": xor_mygrad,
    },
    "two_layer_net": {
        "numpy": net_numpy,
        "glassgrad": net_glassgrad,
        "torch": net_torch,
        "autograd": net_autograd,
    },
}
REPEATS = {"xor": 300, "two_layer_net": 60}
AIMS = {"xor": 4.0, "two_layer_net": 1.4}


def measure(workload: str, rounds: int) -> dict[str, dict[str, float]]:
    """Per framework the median time of a step and the median ratio to NumPy within a round."""
    steps = {
        name: make() for name, make in WORKLOADS[workload].items() if name == "numpy" or _has(name)
    }
    repeats = REPEATS[workload]
    for step in steps.values():
        _timed(step, repeats)  # caches, first compilations, warm memory
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(_timed(step, repeats))
    return {
        name: {
            "microseconds": statistics.median(values) * 1e6,
            "ratio": statistics.median(
                v / base for v, base in zip(values, times["numpy"], strict=True)
            ),
        }
        for name, values in times.items()
    }


def _has(name: str) -> bool:
    return find_spec(name) is not None


def _timed(step: Step, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    return (time.perf_counter() - start) / repeats


def _one_thread() -> Any:
    if not _has("threadpoolctl"):
        return nullcontext()
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - optional

    return threadpool_limits(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if _has("torch"):
        import torch  # noqa: PLC0415 - an optional peer

        torch.set_num_threads(1)
    with _one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = {name: measure(name, options.rounds) for name in WORKLOADS}
    if options.json:
        json.dump(results, sys.stdout, indent=1)
        return
    for workload, rows in results.items():
        print(f"{workload} (aim: glassgrad at most {AIMS[workload]} x NumPy)")
        for name, row in rows.items():
            print(f"  {name:<10} {row['microseconds']:9.1f} us  {row['ratio']:6.2f} x NumPy")


if __name__ == "__main__":
    main()
