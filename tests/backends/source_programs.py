"""Programs as users write them, whose printed source is kept in golden/."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.autodiff import functions as gf
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace

# fmt: off


def two_layer_net(W1, b1, W2, b2, x, t):  # type: ignore[no-untyped-def]
    a1 = x @ W1 + b1
    z1 = np.maximum(a1, 0)
    a2 = z1 @ W2 + b2
    loss = nn.cross_entropy(a2, t)
    return loss


def regression(W, b, x, y):  # type: ignore[no-untyped-def]
    h = np.tanh(x @ W + b)
    loss = ((h - y) ** 2).mean()
    return loss


def normalized(x, gamma, beta):  # type: ignore[no-untyped-def]
    s = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-5)
    out = gamma * s + beta
    loss = (out ** 3).sum()
    return loss


def attention(q, k, v):  # type: ignore[no-untyped-def]
    s = q @ k.T / np.sqrt(k.shape[1])
    a = nn.softmax(s)
    out = (a @ v).sum()
    return out


def logistic(w, b, X, y):  # type: ignore[no-untyped-def]
    z = X @ w + b
    loss = nn.losses.binary_cross_entropy_with_logits(z, y) + 0.1 * (w ** 2).sum()
    return loss


def recurrent(W, U, xs):  # type: ignore[no-untyped-def]
    h = np.zeros(3)
    for i in range(3):
        h = np.tanh(xs[i] @ W + h @ U)
    loss = (h * h).sum()
    return loss


def scanned(W, xs):  # type: ignore[no-untyped-def]
    def step(h, x):  # type: ignore[no-untyped-def]
        h = np.tanh(h @ W + x)
        return h, h.sum()

    last, sums = gf.scan(step, np.zeros(2), xs)
    loss = (last ** 2).sum() + sums.mean()
    return loss


class Net(nn.Module):
    def __init__(self) -> None:
        self.fc1 = nn.Linear(4, 5, rng=0, dtype=np.float64)
        self.fc2 = nn.Linear(5, 3, rng=1, dtype=np.float64)

    def forward(self, x: Any) -> Any:
        h = nn.relu(self.fc1(x))
        return self.fc2(h)


def module_loss(model, x, t):  # type: ignore[no-untyped-def]
    scores = model(x)
    loss = nn.cross_entropy(scores, t)
    return loss

# fmt: on


@dataclass(frozen=True)
class Program:
    """A function, its arguments, and the inputs whose gradients are printed."""

    function: Callable[..., Any]
    arguments: Callable[[np.random.Generator], tuple[Any, ...]]
    wrt: tuple[str, ...] | None = None

    def args(self) -> tuple[Any, ...]:
        return self.arguments(np.random.default_rng(0))

    def graph(self) -> Graph:
        """Value and gradients."""
        return trace(self.function, *self.args()).gradients(self.wrt)  # type: ignore[no-any-return]


def net_arguments(
    rng: np.random.Generator, n: int = 100, d: int = 784, h: int = 50
) -> tuple[Any, ...]:
    return (
        rng.normal(size=(d, h)) / 28, np.zeros(h), rng.normal(size=(h, 10)) / 7, np.zeros(10),
        rng.normal(size=(n, d)), rng.integers(0, 10, n),
    )  # fmt: skip


PROGRAMS = {
    "two_layer_net": Program(two_layer_net, net_arguments, ("W1", "b1", "W2", "b2")),
    "regression": Program(
        regression, lambda r: (r.normal(size=(4, 3)), np.zeros(3), r.normal(size=(7, 4)),
                               r.normal(size=(7, 3))), ("W", "b"),
    ),
    "normalized": Program(
        normalized, lambda r: (r.normal(size=(6, 4)), np.ones(4), np.zeros(4))
    ),
    "attention": Program(attention, lambda r: tuple(r.normal(size=(5, 4)) for _ in range(3))),
    "logistic": Program(
        logistic, lambda r: (r.normal(size=4), np.float64(0.5), r.normal(size=(9, 4)),
                             (r.random(9) < 0.5).astype(float)), ("w", "b"),
    ),
    "recurrent": Program(
        recurrent, lambda r: (r.normal(size=(2, 3)), r.normal(size=(3, 3)), r.normal(size=(3, 2)))
    ),
    "scanned": Program(scanned, lambda r: (r.normal(size=(2, 2)), r.normal(size=(6, 2)))),
    "module": Program(
        module_loss, lambda r: (Net(), r.normal(size=(7, 4)), r.integers(0, 3, 7))
    ),
}  # fmt: skip


def leaves(graph: Graph, args: tuple[Any, ...]) -> list[Any]:
    """The flat arrays of call arguments."""
    found = graph.flatten_arguments(args)
    return [x.data if hasattr(x, "interpreter") else x for x in found]


def run_text(text: str, *arrays: Any) -> tuple[Any, ...]:
    """What the last function of an emitted module returns, as a tuple."""
    namespace: dict[str, Any] = {}
    exec(compile(text, "<emitted>", "exec"), namespace)  # noqa: S102 - the text under test
    *_, last = (line for line in text.splitlines() if line.startswith("def "))
    results = namespace[last[4:].partition("(")[0]](*arrays)
    return results if isinstance(results, tuple) else (results,)


def code_of(text: str) -> str:
    """A module without its head."""
    return text[text.index("import numpy as np") :]
