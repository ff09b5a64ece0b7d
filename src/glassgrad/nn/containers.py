"""Layers made of layers: Sequential, MLP, Residual; and what goes between: Flatten, Dropout.

Layer L7. A container holds modules only, never bare functions: a saved network is rebuilt from the
names of its layers. Sequential and MLP know which activation stands behind each Linear, so they
settle `init="auto"` and warn where an initialiser was chosen that does not fit (`nn.init`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import Any

from glassgrad.errors import DtypeError, OptionError, ShapeError
from glassgrad.nn import init as initialisers
from glassgrad.nn.activations import Activation, activation_layer
from glassgrad.nn.checks import check_share, check_size, here, operand
from glassgrad.nn.functional import dropout
from glassgrad.nn.init import Rng, Spec
from glassgrad.nn.linear import Linear
from glassgrad.nn.module import Module
from glassgrad.nn.weighted import Weighted
from glassgrad.primitives.arithmetic import add
from glassgrad.primitives.layout import array_of, reshape
from glassgrad.text import say

# --- between the layers ------------------------------------------------------------------


class Flatten(Module):
    """All axes from `start` on as one: images (n, h, w) become rows (n, h w).

    >>> import numpy as np
    >>> Flatten()(np.zeros((2, 3, 4))).shape
    (2, 12)
    """

    is_between = True

    def __init__(self, start: int = 1) -> None:
        self.start = check_size("Flatten", "start", start, least=0)

    def forward(self, x: Any) -> Any:
        x = array_of(x)
        kept = x.shape[: self.start]
        # The size is worked out here: -1 is ambiguous for an empty batch.
        return reshape(x, (*kept, prod(x.shape[self.start :])))

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"start": self.start}

    def extra(self) -> str:
        return "" if self.start == 1 else f"start={self.start}"


class Unflatten(Module):
    """Rows as arrays again: the last axis in the shape `sizes`, as images (n, c, h, w) need.

    Raises:  ShapeError that names the layer if the sizes do not multiply to the last axis

    >>> import numpy as np
    >>> Unflatten((1, 28, 28))(np.zeros((2, 784))).shape
    (2, 1, 28, 28)
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = tuple(check_size("Unflatten", "sizes", size) for size in sizes)

    def forward(self, x: Any) -> Any:
        x = array_of(x)
        if not x.shape or x.shape[-1] != prod(self.sizes):
            wanted, size = prod(self.sizes), x.shape[-1] if x.shape else 0
            raise ShapeError(
                say("takes {wanted} features, got {size}", wanted=wanted, size=size),
                operation=here("unflatten"),
                operands=[operand("x", x)],
                rule=f"x (..., {wanted}) -> (..., {', '.join(map(str, self.sizes))})",
            )
        return reshape(x, (*x.shape[:-1], *self.sizes))

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"sizes": list(self.sizes)}

    def extra(self) -> str:
        return str(self.sizes)


class Dropout(Module):
    """In training each element is 0 with probability `p`, else divided by 1 - p; else x itself.

    Raises:  OptionError unless 0 <= p < 1; RandomKeyError in training without a key
    Source:  Srivastava et al. (2014), Dropout, section 10 (the inverted form)
    """

    is_between = True

    def __init__(self, p: float = 0.5) -> None:
        self.p = check_share("Dropout", "p", p)

    def forward(self, x: Any) -> Any:
        return dropout(x, self.p, training=self.training)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"p": self.p}

    def extra(self) -> str:
        return f"{self.p:g}"


# --- one after the other -----------------------------------------------------------------


class Chain(Module):
    """What Sequential and MLP share: layers in a row, indexable and iterable."""

    layers: list[Module]

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers)

    def __getitem__(self, index: Any) -> Any:
        """One layer, or a list of layers for a slice."""
        return self.layers[index]


class Sequential(Chain):
    """Layers one after the other.

    Raises:  DtypeError for anything but a module, such as the function `nn.relu`

    >>> import numpy as np
    >>> from glassgrad.nn.activations import ReLU
    >>> model = Sequential(Linear(4, 3, rng=0), ReLU(), Linear(3, 2, rng=1))
    >>> model(np.ones((5, 4), np.float32)).shape, len(model), model[1]
    ((5, 2), 3, ReLU())
    """

    def __init__(self, *layers: Module) -> None:
        self.layers = [_module(layer, i) for i, layer in enumerate(layers)]
        settle(self.layers)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments besides the layers themselves."""
        return {}


class MLP(Chain):
    """A multi-layer perceptron: Linear layers of the given sizes with an activation between.

    sizes:             (in, hidden ..., out)
    activation:        between the layers; output_activation behind the last one, none by default
    biases, init:      of every Linear; dropout: behind every hidden activation

    >>> MLP((2, 3, 1), activation="tanh", rng=0)
    MLP(2-3-1
      (layers.0): Linear(2, 3)
      (layers.1): Tanh()
      (layers.2): Linear(3, 1)
    )
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "relu",
        *,
        biases: bool = True,
        init: Spec = "auto",
        bias_init: Spec = "zeros",
        output_activation: str | None = None,
        dropout: float = 0.0,
        rng: Rng = None,
        dtype: Any = None,
    ) -> None:
        self.sizes = tuple(check_size("MLP", "sizes", size) for size in sizes)
        if len(self.sizes) < 2:  # noqa: PLR2004 - in and out
            problem = say("{n} sizes do not make a layer", n=len(self.sizes))
            raise OptionError(problem, operation="MLP", rule="sizes = (in, ..., out)")
        self.activation = activation
        self.output_activation = output_activation
        self.biases = bool(biases)
        self.init = initialisers.resolve(init)
        self.bias_init = initialisers.resolve(bias_init)
        self.dropout = check_share("MLP", "dropout", dropout)
        generator = initialisers.generator_of(rng)
        layers: list[Module] = []
        for inputs, outputs in pairwise(self.sizes):
            layers += self._between() if layers else []
            layers.append(
                Linear(
                    inputs,
                    outputs,
                    self.biases,
                    init=self.init,
                    bias_init=self.bias_init,
                    rng=generator,
                    dtype=dtype,
                )
            )
        if output_activation is not None:
            layers.append(activation_layer(output_activation))
        self.layers = layers
        settle(layers)

    def _linear(self) -> Linear:
        first = self.layers[0]
        assert isinstance(first, Linear)
        return first

    def _between(self) -> list[Module]:
        hidden: list[Module] = [activation_layer(self.activation)]
        return [*hidden, Dropout(self.dropout)] if self.dropout else hidden

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {
            "sizes": list(self.sizes),
            "activation": self.activation,
            "biases": self.biases,
            "init": self.init.config(),
            "bias_init": self.bias_init.config(),
            "output_activation": self.output_activation,
            "dropout": self.dropout,
            "dtype": self._linear().W.dtype.name,
        }

    def extra(self) -> str:
        return "-".join(map(str, self.sizes))


# --- around ------------------------------------------------------------------------------


class Residual(Module):
    """x + body(x); or shortcut(x) + body(x), where the body changes the shape.

    Raises:  ShapeError that names the layer if the two shapes differ
    Source:  He, Zhang, Ren & Sun (2016), Deep Residual Learning, eq. 1 and 2
    """

    def __init__(self, body: Module, shortcut: Module | None = None) -> None:
        self.body = _module(body, 0)
        self.shortcut = None if shortcut is None else _module(shortcut, 1)

    def forward(self, x: Any) -> Any:
        x = array_of(x)
        out = self.body(x)
        kept = x if self.shortcut is None else self.shortcut(x)
        if out.shape != kept.shape:
            raise ShapeError(
                say("shapes {a} and {b} differ", a=kept.shape, b=out.shape),
                operation=here("residual"),
                operands=[operand("x", kept), operand("body(x)", out)],
                rule=say("x and body(x) of one shape"),
                hint=say("give a shortcut: {call}", call=f"nn.Residual(body, {_shortcut(out)})"),
            )
        return add(kept, out)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments besides the modules themselves."""
        return {}


def _shortcut(out: Any) -> str:
    """The layer that changes features alone: of rows, or of images with channels first."""
    spatial = len(out.shape) - 2
    return f"nn.Conv{spatial}d(in, out, 1)" if 1 <= spatial <= 3 else "nn.Linear(in, out)"  # noqa: PLR2004


# --- which activation stands behind which layer ------------------------------------------


def settle(layers: Sequence[Module]) -> None:
    """Suit weights drawn by "auto" to the activation behind them; warn of those that do not fit."""
    rows = []
    for (path, layer), behind in _followed(list(_flat(layers, "layers"))):
        layer.suit(behind)
        rows.append((path, layer.init, behind))
    initialisers.warn_misfits(rows)


def _flat(layers: Sequence[Module], path: str) -> Iterator[tuple[str, Module]]:
    """The layers with their paths, those of inner chains in place of the chain."""
    for i, layer in enumerate(layers):
        if isinstance(layer, Chain):
            yield from _flat(layer.layers, f"{path}.{i}.layers")
        else:
            yield f"{path}.{i}", layer


def _followed(rows: list[tuple[str, Module]]) -> Iterator[tuple[tuple[str, Weighted], str]]:
    """Each layer of weights with the activation behind it: "identity" if there is none."""
    for i, (path, layer) in enumerate(rows):
        if not isinstance(layer, Weighted):
            continue
        behind = (other for _, other in rows[i + 1 :] if not other.is_between)
        following = next(behind, None)
        kind = following.kind if isinstance(following, Activation) else "identity"
        yield (path, layer), kind


def _module(layer: Any, position: int) -> Module:
    if isinstance(layer, Module):
        return layer
    name = getattr(layer, "__name__", type(layer).__name__)
    is_class = isinstance(layer, type) and issubclass(layer, Module)
    raise DtypeError(
        say("layer {position} is {name}, not a module", position=position, name=f"`{name}`"),
        rule=say("a container holds modules, so that it can be saved"),
        hint=say("write `{call}`", call=f"{name}()")
        if is_class
        else say("functions have module twins: nn.ReLU() for nn.relu"),
    )


__all__ = ["MLP", "Chain", "Dropout", "Flatten", "Residual", "Sequential", "Unflatten", "settle"]
