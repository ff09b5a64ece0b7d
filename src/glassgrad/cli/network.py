"""Building the network that the settings describe, and showing it: layers, sizes, gradients.

Layer L11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glassgrad.autodiff.check import Report, check_grads
from glassgrad.cli.settings import LEGACY, Settings, parse_spec
from glassgrad.cli.terminal import table
from glassgrad.errors import OptionError
from glassgrad.nn import MLP, Module
from glassgrad.nn.losses import find_loss
from glassgrad.primitives.random import random_key
from glassgrad.tensor import no_grad
from glassgrad.text import say
from glassgrad.train.heads import Head

_NETWORK = "network"  # the argument of `loss_of`, which names its leaves
_ROWS = 4  # rows of the gradient check; more take longer and show nothing new
_ELEMENTS = 10  # tried elements of each parameter
_STAND_INS = {"rand": "uniform", "randn": "normal"}
_LEGACY_SEEDS = 2**32


def build_network(settings: Settings, head: Head, features: int) -> MLP:
    """The network with its starting weights, a function of the settings."""
    name, options = parse_spec(settings.init or "auto")
    if name in LEGACY and options:
        raise OptionError(say("{name} has no options", name=name), operation="--init")
    model = MLP(
        (features, *(settings.layers or ()), head.outputs),
        settings.activation or "relu",
        biases=settings.biases is not False,
        init={"name": _STAND_INS.get(name, name), **options},
        output_activation=head.activation,
        dropout=settings.dropout or 0.0,
        rng=settings.seed or 0,
        dtype=np.dtype(settings.dtype or "float32"),
    )
    if name in LEGACY:
        _draw_as_notes_do(model, name, settings.seed or 0)
    return model


def _draw_as_notes_do(model: MLP, name: str, seed: int) -> None:
    """np.random.seed(seed), then W1 = np.random.rand(…), W2 = …: what books and notes write."""
    if seed >= _LEGACY_SEEDS:
        rule = f"0 ≤ seed < {_LEGACY_SEEDS}"
        raise OptionError(say("{name} takes no seed {seed}", name=name, seed=seed), rule=rule)
    source = np.random.RandomState(seed)  # the very numbers of the notes
    draw = source.rand if name == "rand" else source.randn
    for parameter in model.parameters():
        if len(parameter.shape) > 1:
            parameter.assign(np.asarray(draw(*parameter.shape), dtype=parameter.dtype))


# --- the table of layers -----------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One layer: its path, what it is, the shape that leaves it, and its parameters."""

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int


def layer_rows(model: Module, features: int) -> list[Row]:
    """The layers in order, with the shapes of one row passing through."""
    x: Any = np.zeros((1, features), model.parameters()[0].dtype)
    rows = []
    model.eval()
    with no_grad():
        for i, layer in enumerate(getattr(model, "layers", [model])):
            x = layer(x)
            count = sum(parameter.data.size for parameter in layer.parameters())
            rows.append(Row(f"layers.{i}", repr(layer).partition("\n")[0], x.shape[1:], count))
    model.train()
    return rows


def layer_table(rows: list[Row]) -> str:
    """The layers for people."""
    head = (say("layer"), say("kind"), say("output shape"), say("parameters"))
    body = [
        (row.name, row.kind, f"(n, {', '.join(map(str, row.output))})", f"{row.parameters:,}")
        for row in rows
    ]
    total = (say("total"), "", "", f"{sum(row.parameters for row in rows):,}")
    return table([head, *body, total], right=[3])


# --- the gradient check ------------------------------------------------------------------


def check_network(model: Module, head: Head, X: NDArray[Any], y: NDArray[Any]) -> Report:
    """The derived gradients of the loss on a few rows against numerical ones, in float64.

    Dropout draws the same mask each time, so that it is part of what is checked.
    """
    loss = find_loss(head.loss)
    rows = np.asarray(X[:_ROWS], dtype=np.float64)
    target = head.encode(np.asarray(y[:_ROWS]), np.float64)

    def loss_of(network: Any) -> Any:
        with random_key(0):
            return loss(network(rows), target)

    return check_grads(loss_of, model, elements=_ELEMENTS, verbose=False)


def report_table(report: Report) -> str:
    """The check for people: one line a parameter, and the verdict."""
    head = (
        say("parameter"),
        say("shape"),
        say("method"),
        say("checked"),
        say("kinks"),
        say("largest relative error"),
        "",
    )
    body = []
    for row in report.rows:
        verdict = say("ok") if row.ok else f"{row.derived:.9g} != {row.reference:.9g}"
        name = short_name(row.name) + ("" if row.order == 1 else f" ({say('second order')})")
        counts = (str(row.checked), str(row.excluded), f"{row.error:.1e}")
        body.append((name, str(row.shape), say_method(row.method), *counts, verdict))
    verdict = say("all gradients agree") if report else say("GRADIENTS DIFFER")
    return table([head, *body], right=[3, 4, 5]) + f"\n{verdict}"


def report_data(report: Report) -> dict[str, Any]:
    """The check for programs."""
    rows = [
        {
            "parameter": short_name(row.name),
            "shape": row.shape,
            "order": row.order,
            "method": row.method,
            "checked": row.checked,
            "excluded": row.excluded,
            "error": row.error,
            "ok": row.ok,
        }
        for row in report.rows
    ]
    return {"ok": bool(report), "inner_product_error": report.inner_product_error, "rows": rows}


def short_name(path: str) -> str:
    """The path of a leaf, without the name of the argument where that is the whole network.

    >>> short_name("network.layers.0.W"), short_name("x")
    ('layers.0.W', 'x')
    """
    return path.removeprefix(f"{_NETWORK}.")


def say_method(method: str) -> str:
    """How the reference was found, in words."""
    return say("complex step") if method == "complex step" else say("differences")
