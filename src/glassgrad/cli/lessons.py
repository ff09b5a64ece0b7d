"""What two runs are for: xor without biases, and the book's network with its gradient check.

Layer L11.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.autodiff.api import grad
from glassgrad.autodiff.check import numerical_gradient
from glassgrad.cli.network import build_network
from glassgrad.cli.terminal import Output, table
from glassgrad.cli.training import Setup
from glassgrad.graph.trace import trace
from glassgrad.nn.functional import relu
from glassgrad.nn.losses import cross_entropy
from glassgrad.text import say
from glassgrad.train import Callback

_H = 1e-4  # the book's step
_IMAGES = 3  # and its number of images
BOOK_TOLERANCE = 1e-9

# --- xor ---------------------------------------------------------------------------------


def xor_text(setup: Setup) -> str:
    """The four inputs with their outputs, and why they are what they are."""
    X = setup.part.dataset.train_X
    outputs = setup.model.predict(X)
    rows = [
        (*(f"{value:g}" for value in x), str(label), *(f"{value:.4f}" for value in out))
        for x, label, out in zip(X, setup.part.dataset.train_y, outputs, strict=True)
    ]
    heads = [say("output")] if outputs.shape[1] == 1 else [f"{say('output')} {k}" for k in (0, 1)]
    lines = [table([("x0", "x1", "xor", *heads), *rows], right=range(3 + len(heads)))]
    codes = setup.head.codes(outputs)
    if not np.array_equal(codes, setup.part.dataset.train_y):
        lines.append(
            say(
                "The outputs do not round to 0 1 1 0: more --steps are needed, or another --seed. "
                "Without biases it depends on the start whether XOR is learnt (CANON C16)."
            )
        )
    elif setup.settings.biases is False:
        lines.append(
            say(
                "Not 0 1 1 0, because the network has no biases: the input (0, 0) gives each "
                "sigmoid of the hidden layer exactly 0.5 whatever the weights are, and the output "
                "layer cannot shift its threshold either (CANON C16). With --biases the outputs "
                "come close to 0.03 0.97 0.97 0.03."
            )
        )
    else:
        lines.append(
            say(
                "With biases each layer can shift its threshold, so the outputs come close to "
                "0 1 1 0; with --no-biases they stay near 0.12 0.82 0.82 0.23 (CANON C16)."
            )
        )
    return "\n\n".join(lines)


# --- the book's gradient check -----------------------------------------------------------


@dataclass(frozen=True)
class BookRow:
    """One parameter of the check: what was compared, and the mean difference."""

    name: str
    shape: tuple[int, ...]
    excluded: int
    difference: float


def is_book_network(setup: Setup) -> bool:
    """Whether the network is the book's: one hidden layer of ReLU, with biases."""
    settings = setup.settings
    is_plain = settings.activation == "relu" and settings.biases is not False
    return is_plain and len(settings.layers or ()) == 1 and setup.head.loss == "cross_entropy"


def book_check(setup: Setup) -> list[BookRow]:
    """gradient_check.py of the book: 3 images, h = 1e-4, mean |difference| of each parameter.

    In float64, with the loss that is actually written: the book's own check finds 1.4e-7 for b2,
    because its cross-entropy adds 1e-7 inside the logarithm and its backward pass does not
    (CANON C11). An element whose step carries a ReLU over its kink is left out and counted.
    """
    settings = replace(setup.settings, dtype="float64", dropout=0.0)
    model = build_network(settings, setup.head, setup.features)
    x = setup.part.dataset.train_X[:_IMAGES].astype(np.float64)
    labels = setup.part.dataset.train_y[:_IMAGES]

    def loss(params: Any) -> Any:
        hidden = relu(x @ params["W1"] + params["b1"])
        return cross_entropy(hidden @ params["W2"] + params["b2"], labels)

    names = ("W1", "b1", "W2", "b2")
    params = {n: np.array(p.data) for n, p in zip(names, model.parameters(), strict=True)}
    derived = grad(loss)(params)
    run = trace(loss, params).callable()
    crossing = _crossings(x, params["W1"], params["b1"])
    rows = []
    for name in names:
        numerical = numerical_gradient(lambda _: run(*params.values())[0], params[name], _H)
        kept = ~crossing.get(name, np.zeros(params[name].shape, dtype=bool))
        gap = np.abs(numerical - derived[name])[kept]
        excluded = int(kept.size - kept.sum())
        rows.append(BookRow(name, params[name].shape, excluded, float(gap.mean())))
    return rows


def _crossings(x: NDArray[Any], W1: NDArray[Any], b1: NDArray[Any]) -> dict[str, NDArray[np.bool_]]:
    """The elements of W1 and b1 whose step of ±h changes the sign of a hidden unit's input."""
    distance = np.abs(x @ W1 + b1)  # (n, hidden)
    reach = _H * np.abs(x)  # (n, in)
    crossing = (distance[:, None, :] <= reach[:, :, None]).any(axis=0)  # (in, hidden)
    return {"W1": crossing, "b1": (distance <= _H).any(axis=0)}


def book_text(rows: list[BookRow]) -> str:
    """The check for people."""
    head = (say("parameter"), say("shape"), say("kinks"), say("mean |difference|"))
    body = [(r.name, str(r.shape), str(r.excluded), f"{r.difference:.1e}") for r in rows]
    title = say("gradient check of the book: 3 images, h = 1e-4, float64")
    worst = max(row.difference for row in rows)
    verdict = say("all gradients agree") if worst <= BOOK_TOLERANCE else say("GRADIENTS DIFFER")
    return f"{title}\n{table([head, *body], right=[2, 3])}\n{verdict}"


# --- accuracy as the book prints it ------------------------------------------------------


class BookLog(Callback):
    """Prints the accuracy on all training and test rows before the run and after each 600 steps."""

    def __init__(self, setup: Setup, output: Output) -> None:
        self.setup = setup
        self.output = output
        self.rows: list[tuple[int, float, float]] = []

    def on_start(self, run: Any) -> None:
        self._print(run)

    def on_epoch(self, run: Any) -> None:
        self._print(run)

    def _print(self, run: Any) -> None:
        dataset = self.setup.part.dataset
        train = self._accuracy(dataset.train)
        test = self._accuracy(dataset.test)
        self.rows.append((run.step, train, test))
        text = say(
            "step {step:6d}  train {train:.4f}  test {test:.4f}",
            step=run.step,
            train=train,
            test=test,
        )
        self.output.report(text)

    def _accuracy(self, part: Any) -> float:
        if part is None:
            return float("nan")
        codes = self.setup.head.codes(self.setup.model.predict(part[0], batch_size=10_000))
        return float(np.mean(codes == part[1]))
