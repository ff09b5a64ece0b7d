"""Transformers: encoder and decoder blocks, stacks of them, and both as one.

Layer L7. A block is attention and a small MLP on every position, each with a norm and a residual
connection. Pre-norm (the norm in front of each part, x + f(norm(x))) is the default: it trains
without warm-up where post-norm (norm(x + f(x)), the original) does not.

Source:  Vaswani et al. (2017), Attention Is All You Need, section 3; Xiong et al. (2020), On Layer
         Normalization in the Transformer Architecture, for pre-norm
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassgrad.errors import unknown_option
from glassgrad.nn import init as initialisers
from glassgrad.nn.activations import activation_layer
from glassgrad.nn.attention import MultiHeadAttention, check_heads
from glassgrad.nn.checks import check_size
from glassgrad.nn.containers import Dropout
from glassgrad.nn.init import Rng, Spec
from glassgrad.nn.linear import Linear
from glassgrad.nn.module import Module
from glassgrad.nn.row_norms import EPSILON, LayerNorm, RMSNorm
from glassgrad.primitives.arithmetic import add

_WIDER = 4  # the hidden layer of a block's MLP, section 3.3
NORMS = ("layer", "rms")

# --- parts -------------------------------------------------------------------------------


class FeedForward(Module):
    """The MLP of a block: width to hidden, an activation, and back.

    Shapes:  x (..., width) -> the same; hidden is 4 width by default
    Source:  Vaswani et al. (2017), section 3.3
    """

    def __init__(
        self,
        width: int,
        hidden: int | None = None,
        *,
        activation: str = "gelu",
        bias: bool = True,
        dropout: float = 0.0,
        init: Spec = "xavier_uniform",
        rng: Rng = None,
        dtype: Any = None,
    ) -> None:
        self.width = check_size("FeedForward", "width", width)
        wider = _WIDER * self.width if hidden is None else hidden
        self.hidden = check_size("FeedForward", "hidden", wider)
        generator = initialisers.generator_of(rng)
        self.fc1 = Linear(self.width, self.hidden, bias, init=init, rng=generator, dtype=dtype)
        self.activation = activation_layer(activation)
        self.fc2 = Linear(self.hidden, self.width, bias, init=init, rng=generator, dtype=dtype)
        self.dropout = Dropout(dropout)

    def forward(self, x: Any) -> Any:
        return self.fc2(self.dropout(self.activation(self.fc1(x))))

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {
            "width": self.width,
            "hidden": self.hidden,
            "activation": self.activation.kind,
            "bias": self.fc1.b is not None,
            "dropout": self.dropout.p,
            "init": self.fc1.init.config(),
            "dtype": self.fc1.W.dtype.name,
        }

    @staticmethod
    def least_weights(options: Any) -> int:
        """How many weights the layer of a description has at least."""
        width, hidden = options.get("width"), options.get("hidden")
        return 2 * width * hidden if isinstance(width, int) and isinstance(hidden, int) else 0

    def extra(self) -> str:
        return f"{self.width}-{self.hidden}-{self.width}"


class _Block(Module):
    """What the two blocks share: their options, and how a part is joined to its input."""

    is_decoder = False

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int | None = None,
        *,
        activation: str = "gelu",
        dropout: float = 0.0,
        prenorm: bool = True,
        norm: str = "layer",
        eps: float = EPSILON,
        bias: bool = True,
        causal: bool | None = None,
        rotary: bool = False,
        init: Spec = "xavier_uniform",
        rng: Rng = None,
        dtype: Any = None,
    ) -> None:
        name = type(self).__name__
        self.width = check_size(name, "width", width)
        self.heads = check_heads(name, self.width, heads)
        self.prenorm = bool(prenorm)
        self.causal = self.is_decoder if causal is None else bool(causal)
        self.norm = norm
        generator = initialisers.generator_of(rng)
        shared = {"bias": bias, "dropout": dropout, "init": init, "dtype": dtype, "rng": generator}
        self.attention_norm = norm_layer(norm, self.width, eps, bias, dtype)
        self.attention = MultiHeadAttention(
            self.width, self.heads, causal=self.causal, rotary=rotary, **shared
        )
        if self.is_decoder:
            self.cross_norm = norm_layer(norm, self.width, eps, bias, dtype)
            self.cross = MultiHeadAttention(self.width, self.heads, **shared)
        self.mlp_norm = norm_layer(norm, self.width, eps, bias, dtype)
        self.mlp = FeedForward(self.width, hidden, activation=activation, **shared)
        self.dropout = Dropout(dropout)

    def _joined(self, norm: Module, part: Callable[[Any], Any], x: Any) -> Any:
        """x + part(norm(x)), or norm(x + part(x)) in the post-norm form."""
        if self.prenorm:
            return add(x, self.dropout(part(norm(x))))
        return norm(add(x, self.dropout(part(x))))

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {
            "width": self.width,
            "heads": self.heads,
            "prenorm": self.prenorm,
            "norm": self.norm,
            "eps": self.attention_norm.eps,
            "causal": self.causal,
            "rotary": self.attention.is_rotary,
            **{key: value for key, value in self.mlp.config().items() if key != "width"},
        }

    def extra(self) -> str:
        form = "pre-norm" if self.prenorm else "post-norm"
        return f"{self.width}, heads={self.heads}, {form}"


def norm_layer(name: str, width: int, eps: float, bias: bool, dtype: Any) -> LayerNorm | RMSNorm:
    """The norm of that name, "layer" or "rms", over `width` features."""
    if name == "layer":
        return LayerNorm(width, eps=eps, bias=bias, dtype=dtype)
    if name == "rms":
        return RMSNorm(width, eps=eps, dtype=dtype)
    raise unknown_option("norm", name, NORMS)


def _least(options: Any, parts: int) -> int:
    """Weights of a block at least: its products of width by width."""
    width, layers = options.get("width"), options.get("layers", 1)
    known = isinstance(width, int) and isinstance(layers, int)
    return parts * width * width * layers if known else 0


# --- blocks ------------------------------------------------------------------------------


class TransformerEncoderBlock(_Block):
    """Self-attention and an MLP, each with a norm and a residual connection.

    Shapes:  x (batch, n, width) -> the same
    Masks:   as `MultiHeadAttention`; causal=True for a decoder without cross-attention, as in a GPT
    Options: hidden: of the MLP, 4 width by default; activation: a name; prenorm: where the norm
             stands; norm: "layer" or "rms"; rotary: positions within the attention
    Raises:  OptionError if heads do not divide the width
    Source:  Vaswani et al. (2017), section 3.1; pre-norm: Xiong et al. (2020)

    >>> import numpy as np
    >>> TransformerEncoderBlock(8, 2, rng=0)(np.ones((2, 3, 8), np.float32)).shape
    (2, 3, 8)
    """

    def forward(self, x: Any, mask: Any = None, key_mask: Any = None) -> Any:
        def attend(x: Any) -> Any:
            return self.attention(x, mask=mask, key_mask=key_mask)

        x = self._joined(self.attention_norm, attend, x)
        return self._joined(self.mlp_norm, self.mlp, x)

    @staticmethod
    def least_weights(options: Any) -> int:
        """How many weights the layer of a description has at least."""
        return _least(options, 4)


class TransformerDecoderBlock(_Block):
    """Causal self-attention, attention to the memory of an encoder, and an MLP.

    Shapes:  x (batch, n, width), memory (batch, m, width) -> (batch, n, width)
    Masks:   mask and key_mask of x; memory_mask (batch, m), False for padding of the memory
    Options: as `TransformerEncoderBlock`
    Source:  Vaswani et al. (2017), section 3.1

    >>> import numpy as np
    >>> x, memory = np.ones((2, 3, 8), np.float32), np.ones((2, 5, 8), np.float32)
    >>> TransformerDecoderBlock(8, 2, rng=0)(x, memory).shape
    (2, 3, 8)
    """

    is_decoder = True

    def forward(
        self,
        x: Any,
        memory: Any,
        mask: Any = None,
        key_mask: Any = None,
        memory_mask: Any = None,
    ) -> Any:
        def attend(x: Any) -> Any:
            return self.attention(x, mask=mask, key_mask=key_mask)

        def ask(x: Any) -> Any:
            return self.cross(x, memory, key_mask=memory_mask)

        x = self._joined(self.attention_norm, attend, x)
        x = self._joined(self.cross_norm, ask, x)
        return self._joined(self.mlp_norm, self.mlp, x)

    @staticmethod
    def least_weights(options: Any) -> int:
        """How many weights the layer of a description has at least."""
        return _least(options, 8)


# --- stacks ------------------------------------------------------------------------------


class _Stack(Module):
    """Blocks one after the other, and a norm behind the last one in the pre-norm form."""

    def _fill(self, block: type[_Block], layers: int, rng: Rng, options: dict[str, Any]) -> None:
        name = type(self).__name__
        generator = initialisers.generator_of(rng)
        count = check_size(name, "layers", layers)
        self.blocks = [block(**options, rng=generator) for _ in range(count)]
        first = self.blocks[0]
        norm = first.attention_norm
        bias = first.attention.query.b is not None
        self.norm = (
            norm_layer(first.norm, first.width, norm.eps, bias, norm.gamma.dtype)
            if first.prenorm
            else None
        )

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {"layers": len(self.blocks), **self.blocks[0].config()}

    def extra(self) -> str:
        return f"{len(self.blocks)} × {self.blocks[0].extra()}"


class TransformerEncoder(_Stack):
    """Encoder blocks one after the other.

    Shapes:  x (batch, n, width) -> the same
    Options: those of `TransformerEncoderBlock`
    Source:  Vaswani et al. (2017), section 3.1

    >>> import numpy as np
    >>> TransformerEncoder(2, width=8, heads=2, rng=0)(np.ones((1, 3, 8), np.float32)).shape
    (1, 3, 8)
    """

    def __init__(self, layers: int, *, rng: Rng = None, **options: Any) -> None:
        self._fill(TransformerEncoderBlock, layers, rng, options)

    def forward(self, x: Any, mask: Any = None, key_mask: Any = None) -> Any:
        for block in self.blocks:
            x = block(x, mask=mask, key_mask=key_mask)
        return x if self.norm is None else self.norm(x)

    @staticmethod
    def least_weights(options: Any) -> int:
        """How many weights the stack of a description has at least."""
        return _least(options, 4)


class TransformerDecoder(_Stack):
    """Decoder blocks one after the other, all with the same memory.

    Shapes:  x (batch, n, width), memory (batch, m, width) -> (batch, n, width)
    Options: those of `TransformerDecoderBlock`
    Source:  Vaswani et al. (2017), section 3.1
    """

    def __init__(self, layers: int, *, rng: Rng = None, **options: Any) -> None:
        self._fill(TransformerDecoderBlock, layers, rng, options)

    def forward(
        self,
        x: Any,
        memory: Any,
        mask: Any = None,
        key_mask: Any = None,
        memory_mask: Any = None,
    ) -> Any:
        for block in self.blocks:
            x = block(x, memory, mask=mask, key_mask=key_mask, memory_mask=memory_mask)
        return x if self.norm is None else self.norm(x)

    @staticmethod
    def least_weights(options: Any) -> int:
        """How many weights the stack of a description has at least."""
        return _least(options, 8)


class Transformer(Module):
    """An encoder reads the source; a decoder, which sees its own past and the source, answers.

    Shapes:  source (batch, m, width), target (batch, n, width) -> (batch, n, width); embeddings
             and positions are added before, a Linear behind
    Masks:   source_mask (batch, m) and target_mask (batch, n): False for padding
    Options: those of `TransformerEncoderBlock`, of all blocks
    Source:  Vaswani et al. (2017), figure 1

    >>> import numpy as np
    >>> model = Transformer(1, width=8, heads=2, rng=0)
    >>> model(np.ones((1, 5, 8), np.float32), np.ones((1, 3, 8), np.float32)).shape
    (1, 3, 8)
    """

    def __init__(self, layers: int, *, rng: Rng = None, **options: Any) -> None:
        generator = initialisers.generator_of(rng)
        self.encoder = TransformerEncoder(layers, rng=generator, **options)
        self.decoder = TransformerDecoder(layers, rng=generator, **options)

    def forward(
        self, source: Any, target: Any, source_mask: Any = None, target_mask: Any = None
    ) -> Any:
        memory = self.encoder(source, key_mask=source_mask)
        return self.decoder(target, memory, key_mask=target_mask, memory_mask=source_mask)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        found = self.encoder.config()
        del found["causal"]  # the decoder alone is causal
        return found

    @staticmethod
    def least_weights(options: Any) -> int:
        """How many weights the network of a description has at least."""
        return _least(options, 12)

    def extra(self) -> str:
        return self.encoder.extra()


__all__ = [
    "NORMS", "FeedForward", "Transformer", "TransformerDecoder", "TransformerDecoderBlock",
    "TransformerEncoder", "TransformerEncoderBlock", "norm_layer",
]  # fmt: skip
