"""Networks with more than one kind of layer that are timed: convolutions, a recurrence, attention.

Layer L10. Sizes, data, starting weights and the products of a step; what the layers compute stands
with every contestant. Weights are named, drawn from the architecture alone and stored in the
house's orientation: `x @ W`, gates in the order i, f, g, o, convolutions (out, in, height, width).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod, sqrt

import numpy as np

Shapes = dict[str, tuple[int, ...]]
# Rows, columns and inner size of a product, and how often a step computes it.
Sizes = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class Convolutional:
    """Two 5×5 convolutions, each with ReLU and a 2×2 maximum behind it, and two dense layers.

    Shapes:    images (batch, 1, 28, 28), padded so that convolutions keep the size; labels (batch,)
    """

    side: int = 28
    kernel: int = 5
    channels: tuple[int, int] = (16, 32)
    hidden: int = 128
    classes: int = 10

    @property
    def flat(self) -> int:
        """Numbers of an image behind the second maximum."""
        return self.channels[1] * (self.side // 4) ** 2

    def shapes(self) -> Shapes:
        first, second = self.channels
        k = self.kernel
        return {
            "C1": (first, 1, k, k),
            "c1": (first,),
            "C2": (second, first, k, k),
            "c2": (second,),
            "W1": (self.flat, self.hidden),
            "b1": (self.hidden,),
            "W2": (self.hidden, self.classes),
            "b2": (self.classes,),
        }

    def data(self, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Images and their labels."""
        images = rng.standard_normal((rows, 1, self.side, self.side), dtype=np.float32)
        return images, rng.integers(0, self.classes, rows)

    def products(self, batch: int) -> Iterator[Sizes]:
        """Convolutions image by image: (out, in · 25) @ (in · 25, pixels) and its two gradients."""
        first, second = self.channels
        taps = self.kernel**2
        large, small = self.side**2, (self.side // 2) ** 2
        yield first, large, taps, batch
        yield second, small, first * taps, batch
        yield from trained(batch, self.flat, self.hidden)
        yield from trained(batch, self.hidden, self.classes)
        yield second, first * taps, small, batch
        yield first * taps, small, second, batch
        yield first, taps, large, batch  # images have no gradient

    def activations(self, batch: int) -> int:
        """Numbers that layers hand on."""
        first, second = self.channels
        large, small = self.side**2, (self.side // 2) ** 2
        maxima = first * small + self.flat
        return batch * (first * large + second * small + maxima + self.hidden + self.classes)


@dataclass(frozen=True, kw_only=True)
class Recurrent:
    """An embedding, an LSTM with PyTorch's two biases, and a dense layer for each character.

    Shapes:    characters and the ones that follow them, (batch, steps)
    """

    characters: int = 65
    embedding: int = 64
    hidden: int = 128
    steps: int = 50

    def shapes(self) -> Shapes:
        gates = 4 * self.hidden
        return {
            "E": (self.characters, self.embedding),
            "W_ih": (self.embedding, gates),
            "W_hh": (self.hidden, gates),
            "b_ih": (gates,),
            "b_hh": (gates,),
            "W": (self.hidden, self.characters),
            "c": (self.characters,),
        }

    def data(self, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return text(rows, self.steps, self.characters, rng)

    def products(self, batch: int) -> Iterator[Sizes]:
        """What does not hang on the state is one product for all steps."""
        n, gates = batch * self.steps, 4 * self.hidden
        yield batch, gates, self.hidden, self.steps
        yield batch, self.hidden, gates, self.steps
        yield self.hidden, gates, n, 1
        yield from trained(n, self.embedding, gates)
        yield from trained(n, self.hidden, self.characters)

    def activations(self, batch: int) -> int:
        of_step = self.embedding + 6 * self.hidden + self.characters
        return batch * self.steps * of_step


@dataclass(frozen=True, kw_only=True)
class Transformer:
    """nanoGPT: blocks of attention and a perceptron, each behind a layer norm and added on.

    Learned positions, exact GELU, causal, biases everywhere but in the last layer, which has
    weights of its own.

    Shapes:    characters and the ones that follow them, (batch, context)
    Source:    Karpathy, nanoGPT, config/train_shakespeare_char.py, scaled down
    """

    characters: int = 65
    layers: int = 4
    heads: int = 4
    width: int = 128
    context: int = 64

    def shapes(self) -> Shapes:
        d = self.width
        found: Shapes = {"E": (self.characters, d), "P": (self.context, d)}
        for i in range(self.layers):
            found |= {f"{i}.g1": (d,), f"{i}.h1": (d,), f"{i}.W_qkv": (d, 3 * d)}
            found |= {f"{i}.b_qkv": (3 * d,), f"{i}.W_out": (d, d), f"{i}.b_out": (d,)}
            found |= {f"{i}.g2": (d,), f"{i}.h2": (d,), f"{i}.W1": (d, 4 * d)}
            found |= {f"{i}.b1": (4 * d,), f"{i}.W2": (4 * d, d), f"{i}.b2": (d,)}
        return {**found, "g": (d,), "h": (d,), "W": (d, self.characters)}

    def data(self, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return text(rows, self.context, self.characters, rng)

    def products(self, batch: int) -> Iterator[Sizes]:
        """Scores and what they weight are counted whole, not their causal half."""
        n, d, t = batch * self.context, self.width, self.context
        per_head, times = d // self.heads, batch * self.heads
        for _ in range(self.layers):
            for inner, outer in ((d, 3 * d), (d, d), (d, 4 * d), (4 * d, d)):
                yield from trained(n, inner, outer)
            for _ in range(3):  # forward, and each factor's gradient
                yield t, t, per_head, times
                yield t, per_head, t, times
        yield from trained(n, d, self.characters)

    def activations(self, batch: int) -> int:
        of_block = (2 + 3 + 1 + 1 + 4 + 4 + 1) * self.width + self.heads * self.context
        of_token = self.layers * of_block + self.width + self.characters
        return batch * self.context * of_token


Architecture = Convolutional | Recurrent | Transformer


def text(
    rows: int, steps: int, characters: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Characters, and the ones that follow them."""
    drawn = rng.integers(0, characters, (rows, steps + 1))
    return np.ascontiguousarray(drawn[:, :-1]), np.ascontiguousarray(drawn[:, 1:])


def drawn(shapes: Shapes, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights: gains of norms 1, other vectors 0, matrices normal with deviation 1/√inputs."""
    found = {}
    for name, shape in shapes.items():
        if len(shape) == 1:
            is_gain = name.rpartition(".")[2].startswith("g")
            found[name] = np.full(shape, float(is_gain), np.float32)
            continue
        inputs = prod(shape[1:]) if name.startswith("C") else shape[0]
        deviation = np.float32(1 / sqrt(inputs))
        found[name] = deviation * rng.standard_normal(shape, dtype=np.float32)
    return found


def trained(rows: int, inputs: int, outputs: int) -> Iterator[Sizes]:
    """The products of a dense layer: forward, and the gradients of its weights and its input."""
    yield rows, outputs, inputs, 1
    yield inputs, outputs, rows, 1
    yield rows, inputs, outputs, 1
