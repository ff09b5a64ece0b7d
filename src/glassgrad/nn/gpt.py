"""GPT: a causal transformer that says which token comes next, and writes text by it.

Layer L7. Embeddings and learnt positions, blocks in the pre-norm form, a norm, and scores for every
token of the vocabulary at every step.

Source:  Radford et al. (2019), Language Models are Unsupervised Multitask Learners, section 2.3
"""

from __future__ import annotations

from functools import cache
from math import sqrt
from typing import Any

import numpy as np

from glassgrad.core.region import region
from glassgrad.errors import DataError, OptionError
from glassgrad.nn import init as initialisers
from glassgrad.nn.attention import check_heads
from glassgrad.nn.checks import check_positive, check_size, here
from glassgrad.nn.containers import Dropout
from glassgrad.nn.init import Rng
from glassgrad.nn.linear import Embedding, Linear
from glassgrad.nn.module import Module, evaluating
from glassgrad.nn.positions import LearnedPositions, check_context
from glassgrad.nn.row_norms import LayerNorm
from glassgrad.nn.transformer import TransformerEncoderBlock
from glassgrad.primitives.layout import array_of, matrix_transpose
from glassgrad.primitives.linalg import matmul
from glassgrad.tensor import no_grad
from glassgrad.text import say

_SPREAD = 0.02  # standard deviation of the starting weights, GPT's section 4.1


class GPT(Module):
    """A causal language model: integers in, scores of the next integer out, at every step.

    Shapes:   ids (batch, n) int -> (batch, n, vocabulary), n up to `context`
    Options:  tied: the embedding is the last matrix too; bias: of Linear layers and norms; dropout:
              behind embeddings, of attention, and behind each part of a block
    Starts:   normal with deviation 0.02; the Linear in front of each residual sum with
              0.02 / √(2 layers), so that the sum does not grow with depth
    Raises:   ShapeError for sequences longer than the context; OptionError if heads do not divide
              the width
    Source:   Radford et al. (2018), Improving Language Understanding, section 4.1; (2019), section
              2.3

    >>> model = GPT(5, context=8, width=8, heads=2, layers=1, rng=0)
    >>> model(np.array([[0, 3, 2]])).shape
    (1, 3, 5)
    >>> model.generate([0, 3], 4, seed=1).shape
    (6,)
    """

    def __init__(
        self,
        vocabulary: int,
        context: int,
        width: int,
        heads: int,
        layers: int,
        dropout: float = 0.0,
        tied: bool = True,
        *,
        hidden: int | None = None,
        bias: bool = True,
        rng: Rng = None,
        dtype: Any = None,
    ) -> None:
        self.vocabulary = check_size("GPT", "vocabulary", vocabulary)
        self.context = check_size("GPT", "context", context)
        self.width = check_size("GPT", "width", width)
        self.heads = check_heads("GPT", self.width, heads)
        count = check_size("GPT", "layers", layers)
        self.bias, self.tied = bool(bias), bool(tied)
        generator = initialisers.generator_of(rng)
        init = initialisers.normal(_SPREAD)
        made = {"init": init, "rng": generator, "dtype": dtype}
        self.tokens = Embedding(self.vocabulary, self.width, **made)
        self.positions = LearnedPositions(self.context, self.width, **made)
        self.dropout = Dropout(dropout)
        self.blocks = [
            TransformerEncoderBlock(
                self.width, self.heads, hidden, dropout=dropout, bias=bias, causal=True, **made
            )
            for _ in range(count)
        ]
        for block in self.blocks:
            for layer in (block.attention.out, block.mlp.fc2):
                layer.W.assign((layer.W.data / sqrt(2 * count)).astype(layer.W.dtype))
        self.norm = LayerNorm(self.width, bias=bias, dtype=dtype)
        self.head = None if tied else Linear(self.width, self.vocabulary, False, **made)

    def forward(self, ids: Any) -> Any:
        ids = array_of(ids)
        check_context(ids.shape[-1] if ids.shape else 0, self.context, here("gpt"), ids)
        x = self.dropout(self.positions(self.tokens(ids)))  # (batch, n, width)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x)
        if self.head is not None:
            return self.head(x)
        with region("head"):
            return matmul(x, matrix_transpose(self.tokens.W))  # (..., n, d) @ (d, vocabulary)

    def generate(
        self,
        prompt: Any,
        count: int,
        *,
        temperature: float = 1.0,
        top_k: int | None = None,
        seed: int | np.random.Generator = 0,
    ) -> np.ndarray:
        """`prompt` and `count` more tokens, each drawn from what the model says of the next one.

        prompt:      ids (n,), or (batch, n) to continue several at once; the last `context` of
                     them are seen
        temperature: scores are divided by it: near 0 the likeliest token wins, at 0 always
        top_k:       only the k likeliest tokens are drawn from
        seed:        or a Generator; the same seed writes the same text

        Raises:      DataError for an empty prompt or ids outside the vocabulary

        >>> model = GPT(5, context=4, width=8, heads=2, layers=1, rng=0)
        >>> a = model.generate([0], 9, temperature=0)
        >>> bool((a == model.generate([0], 9, top_k=1, seed=7)).all())
        True
        """
        found = np.asarray(prompt)
        if not found.size or found.ndim not in (1, 2) or found.dtype.kind not in "iu":
            problem = say("a prompt holds integers, at least one")
            raise DataError(problem, operation="generate", rule="(n,) | (batch, n)")
        choose = _Chooser(temperature, top_k, self.vocabulary, seed)
        count = check_size("generate", "count", count, least=0)
        ids = found.reshape(-1, found.shape[-1]).astype(np.int64)
        with evaluating(self), no_grad():
            self.tokens(ids)  # refuses what is outside the vocabulary
            for _ in range(count):
                ids = np.concatenate([ids, choose(self._next(ids))[:, None]], axis=1)
        return ids if found.ndim > 1 else ids[0]

    def _next(self, ids: np.ndarray) -> np.ndarray:
        """Scores of the token behind each row, (batch, vocabulary).

        All windows have the length of the context, so that one program serves every step; what
        stands behind the last token is not seen by it.
        """
        seen = ids[:, -self.context :]
        window = np.zeros((len(ids), self.context), np.int64)
        window[:, : seen.shape[1]] = seen
        out = _compiled()(self, window)
        return np.asarray(getattr(out, "data", out))[:, seen.shape[1] - 1]

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {
            "vocabulary": self.vocabulary,
            "context": self.context,
            "width": self.width,
            "heads": self.heads,
            "layers": len(self.blocks),
            "dropout": self.dropout.p,
            "tied": self.tied,
            "hidden": self.blocks[0].mlp.hidden,
            "bias": self.bias,
            "dtype": self.tokens.W.dtype.name,
        }

    @staticmethod
    def least_weights(options: Any) -> int:
        """How many weights the network of a description has at least."""
        names = ("vocabulary", "context", "width", "layers")
        sizes = [options.get(name) for name in names]
        if not all(isinstance(size, int) for size in sizes):
            return 0
        vocabulary, context, width, layers = sizes
        return int(width * (vocabulary + context + 4 * width * layers))

    def extra(self) -> str:
        sizes = f"{self.vocabulary}, context={self.context}, width={self.width}"
        return f"{sizes}, heads={self.heads}, layers={len(self.blocks)}"


@cache
def _compiled() -> Any:
    """What computes the scores of a model, as one program for each kind of model and window."""
    from glassgrad.backends.jit import jit  # noqa: PLC0415 - for who writes text

    return jit(_scores)


def _scores(model: GPT, ids: Any) -> Any:
    return model(ids)


class _Chooser:
    """Draws a token from each row of scores."""

    def __init__(self, temperature: float, top_k: int | None, vocabulary: int, seed: Any) -> None:
        self.temperature = float(temperature)
        if self.temperature:
            check_positive("generate", "temperature", temperature)
        self.top_k = vocabulary if top_k is None else check_size("generate", "top_k", top_k)
        if self.top_k > vocabulary:
            problem = say("{name} is {value!r}", name="top_k", value=top_k)
            raise OptionError(problem, operation="generate", rule=f"1 <= top_k <= {vocabulary}")
        self.generator = initialisers.generator_of(seed)

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """A column a row, from softmax(scores / temperature) of the `top_k` largest."""
        if not self.temperature or self.top_k == 1:
            return np.asarray(scores.argmax(axis=-1))
        scores = scores.astype(np.float64) / self.temperature
        least = np.sort(scores, axis=-1)[:, -self.top_k, None]
        powers = np.where(scores >= least, np.exp(scores - scores.max(axis=-1, keepdims=True)), 0)
        edges = np.cumsum(powers, axis=-1)
        drawn = self.generator.random(len(scores))[:, None] * edges[:, -1:]
        return np.asarray((edges <= drawn).sum(axis=-1))


__all__ = ["GPT"]
