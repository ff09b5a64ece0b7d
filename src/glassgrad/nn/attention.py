"""Attention: every query looks at all keys and takes a mean of their values.

Layer L7. The functions are compositions, shown as regions; `MultiHeadAttention` is the layer, for
self- and cross-attention. Masks are boolean, True where a query may look. A query that may look
nowhere gets zeros and gives no gradient, never NaN.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from glassgrad.core.region import composite
from glassgrad.errors import DtypeError, OptionError, ShapeError
from glassgrad.nn import init as initialisers
from glassgrad.nn.checks import check_share, check_size, floats, here, operand
from glassgrad.nn.containers import Dropout
from glassgrad.nn.functional import dropout as drop
from glassgrad.nn.functional import softmax
from glassgrad.nn.init import Rng, Spec
from glassgrad.nn.linear import Linear
from glassgrad.nn.module import Module
from glassgrad.nn.positions import rotary
from glassgrad.primitives.arithmetic import (
    divide,
    greater,
    isfinite,
    logical_and,
    multiply,
    stop_gradient,
    subtract,
    where,
)
from glassgrad.primitives.layout import (
    array_of,
    expand_dims,
    matrix_transpose,
    reshape,
    sum,
    swapaxes,
)
from glassgrad.primitives.linalg import matmul
from glassgrad.primitives.reduce import max
from glassgrad.primitives.transcendental import exp
from glassgrad.text import say

_MATRIX = 2  # axes: time and features
_RULE = "q (..., n, d), k (..., m, d), v (..., m, e) -> (..., n, e)"
_MASK_RULE = "(n, m) | (batch, n, m) | (batch, heads, n, m)"

# --- functions ---------------------------------------------------------------------------


@composite
def scaled_dot_product_attention(
    q: Any,
    k: Any,
    v: Any,
    *,
    mask: Any = None,
    causal: bool = False,
    dropout: float = 0.0,
    scale: float | None = None,
) -> Any:
    """softmax(q kᵀ / √d) v: for every query the mean of the values, weighted by how keys match.

    Shapes:    q (..., n, d), k (..., m, d), v (..., m, e) -> (..., n, e)
    Options:   mask: booleans that broadcast to (..., n, m), True where a query may look;
               causal: the last query sees all keys, each one before it one key fewer;
               dropout: share of the weights that is set to 0, from the ambient random key;
               scale: factor of the products, 1/√d by default
    Gradient:  for the weights p and g = ct vᵀ: dv = pᵀ ct; with s = p (g - Σ p g), row by row,
               dq = scale s k and dk = scale sᵀ q
    Numerics:  rows are shifted by their maximum; a query that may look nowhere gets zeros
    Raises:    ShapeError if shapes do not fit; DtypeError for a mask that is not boolean
    Source:    Vaswani et al. (2017), Attention Is All You Need, eq. 1

    >>> q, k = np.eye(2), np.eye(2)
    >>> scaled_dot_product_attention(q, k, np.array([[1.0], [3.0]]), causal=True).round(3).tolist()
    [[1.0], [2.34]]
    """
    q, k, v = _operands(q, k, v)
    p = check_share("scaled_dot_product_attention", "dropout", dropout)
    weights = attention_weights(q, k, mask=mask, causal=causal, scale=scale)
    if p:
        weights = drop(weights, p)
    return matmul(weights, v)  # (..., n, m) @ (..., m, e) -> (..., n, e)


@composite
def attention_weights(
    q: Any, k: Any, *, mask: Any = None, causal: bool = False, scale: float | None = None
) -> Any:
    """softmax(q kᵀ / √d): how much each query takes of each key; rows sum to 1.

    Shapes:    q (..., n, d), k (..., m, d) -> (..., n, m)
    Options:   as `scaled_dot_product_attention`
    Source:    Vaswani et al. (2017), Attention Is All You Need, eq. 1

    >>> attention_weights(np.zeros((2, 3)), np.ones((2, 3)), causal=True).tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    q, k, _ = _operands(q, k, k)
    scale = 1 / sqrt(q.shape[-1]) if scale is None else float(scale)
    scores = multiply(matmul(q, matrix_transpose(k)), scale)  # (..., n, d) @ (..., d, m)
    n, m = scores.shape[-2:]
    allowed = np.tri(n, m, m - n, dtype=bool) if causal else None
    if mask is None:
        if allowed is None or n <= m:
            return softmax(scores if allowed is None else where(allowed, scores, -np.inf))
        return _masked_softmax(scores, allowed)
    mask = _checked_mask(mask, scores)
    return _masked_softmax(scores, mask if allowed is None else logical_and(mask, allowed))


@composite
def _masked_softmax(x: Any, allowed: Any) -> Any:
    """softmax over the elements of each row that are allowed; zeros where none is."""
    x = where(allowed, x, -np.inf)
    top = stop_gradient(max(x, axis=-1, keepdims=True))
    powers = exp(subtract(x, where(isfinite(top), top, 0)))
    total = sum(powers, axis=-1, keepdims=True)
    return divide(powers, where(greater(total, 0), total, 1))


# --- what they refuse --------------------------------------------------------------------


def _operands(q: Any, k: Any, v: Any) -> tuple[Any, Any, Any]:
    """Queries, keys and values in floating numbers, if their shapes fit."""
    name = "scaled_dot_product_attention"
    q, k, v = (floats(name, label, x) for label, x in (("q", q), ("k", k), ("v", v)))
    problem = ""
    if min(len(x.shape) for x in (q, k, v)) < _MATRIX:
        problem = say("queries, keys and values have at least two axes")
    elif q.shape[-1] != k.shape[-1]:
        problem = say("queries have {a} features, keys {b}", a=q.shape[-1], b=k.shape[-1])
    elif k.shape[-2] != v.shape[-2]:
        problem = say("there are {a} keys and {b} values", a=k.shape[-2], b=v.shape[-2])
    if problem:
        operands = [operand("q", q), operand("k", k), operand("v", v)]
        raise ShapeError(problem, operation=name, operands=operands, rule=_RULE)
    return q, k, v


def _checked_mask(mask: Any, scores: Any) -> Any:
    """A boolean mask that broadcasts to the scores."""
    mask = array_of(mask)
    operands = [operand("mask", mask), operand("scores", scores)]
    if mask.dtype.kind != "b":
        raise DtypeError(
            say("a mask is boolean, not {dtype}", dtype=mask.dtype.name),
            operation="attention",
            operands=operands,
            rule=say("True: the query may look at the key"),
            hint=say("write `mask == 1`, or `mask == 0` where ones mark what is hidden"),
        )
    sizes = zip(reversed(mask.shape), reversed(scores.shape), strict=False)
    if len(mask.shape) > len(scores.shape) or any(a not in (1, b) for a, b in sizes):
        raise ShapeError(
            say("a mask of shape {a} for scores of shape {b}", a=mask.shape, b=scores.shape),
            operation="attention",
            operands=operands,
            rule=_MASK_RULE,
            hint=say(
                "a mask of the keys alone, {shape}, is given as `key_mask`", shape="(batch, m)"
            ),
        )
    return mask


def check_heads(operation: str, width: int, heads: int) -> int:
    """The number of heads, if the width divides into them."""
    heads = check_size(operation, "heads", heads)
    if width % heads:
        fitting = [n for n in range(1, width + 1) if width % n == 0]
        near = sorted(fitting, key=lambda n: abs(n - heads))[:3]
        raise OptionError(
            say("a width of {width} does not divide into {heads} heads", width=width, heads=heads),
            operation=operation,
            rule="width % heads == 0",
            hint=say("heads that fit: {numbers}", numbers=", ".join(map(str, sorted(near)))),
        )
    return heads


# --- the layer ---------------------------------------------------------------------------


class MultiHeadAttention(Module):
    """Attention in several heads, each on its share of the features, and a Linear behind.

    Shapes:  x (..., n, width) -> the same; with a context (..., m, context_width), x asks and the
             context answers: cross-attention
    Masks:   mask (n, m), (batch, n, m) or (batch, heads, n, m); key_mask (batch, m), False for
             padding; True where a query may look
    Options: bias: of all four Linear layers; dropout: of the weights, in training; causal: no
             query sees later keys; rotary: queries and keys are turned by their positions
    Raises:  OptionError if heads do not divide the width; ShapeError for shapes that do not fit
    Source:  Vaswani et al. (2017), Attention Is All You Need, section 3.2.2; head i has
             the features from i width/heads on, as in PyTorch

    >>> layer = MultiHeadAttention(8, 2, causal=True, rng=0)
    >>> layer(np.ones((1, 3, 8), np.float32)).shape
    (1, 3, 8)
    >>> layer.weights(np.ones((1, 3, 8), np.float32))[0, 0].round(2).tolist()[1]
    [0.5, 0.5, 0.0]
    """

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        bias: bool = True,
        dropout: float = 0.0,
        causal: bool = False,
        rotary: bool = False,
        context_width: int | None = None,
        init: Spec = "xavier_uniform",
        rng: Rng = None,
        dtype: Any = None,
    ) -> None:
        self.width = check_size("MultiHeadAttention", "width", width)
        self.heads = check_heads("MultiHeadAttention", self.width, heads)
        self.causal = bool(causal)
        self.is_rotary = bool(rotary)
        if self.is_rotary and self.width // self.heads % 2:
            size = self.width // self.heads
            problem = say("{size} features a head are no pairs that could be turned", size=size)
            raise OptionError(
                problem, operation="MultiHeadAttention", rule="width / heads % 2 == 0"
            )
        other = self.width if context_width is None else context_width
        self.context_width = check_size("MultiHeadAttention", "context_width", other)
        generator = initialisers.generator_of(rng)

        def linear(inputs: int) -> Linear:
            return Linear(inputs, self.width, bias, init=init, rng=generator, dtype=dtype)

        self.query = linear(self.width)
        self.key = linear(self.context_width)
        self.value = linear(self.context_width)
        self.out = linear(self.width)
        self.dropout = Dropout(dropout)

    def forward(self, x: Any, context: Any = None, mask: Any = None, key_mask: Any = None) -> Any:
        q, k = self._asked(x, context)
        v = self._apart(self.value(x if context is None else context))
        p = self.dropout.p if self.dropout.training else 0.0
        allowed = self._mask(mask, key_mask, q, k)
        out = scaled_dot_product_attention(q, k, v, mask=allowed, causal=self.causal, dropout=p)
        out = swapaxes(out, -2, -3)  # (..., heads, n, d) -> (..., n, heads, d)
        return self.out(reshape(out, (*out.shape[:-2], self.width)))

    def weights(
        self, x: Any, context: Any = None, *, mask: Any = None, key_mask: Any = None
    ) -> np.ndarray:
        """How much each query takes of each key, (..., heads, n, m), as an array; rows sum to 1.

        `glassgrad.view.charts.attention_chart` draws those of one sample.
        """
        q, k = self._asked(array_of(x), context)
        allowed = self._mask(mask, key_mask, q, k)
        found = attention_weights(q, k, mask=allowed, causal=self.causal)
        return np.array(getattr(found, "data", found))

    def _asked(self, x: Any, context: Any) -> tuple[Any, Any]:
        """Queries and keys by head, (..., heads, n, d) and (..., heads, m, d)."""
        x = array_of(x)
        context = x if context is None else array_of(context)
        self._check(x, context)
        q, k = self._apart(self.query(x)), self._apart(self.key(context))
        return (rotary(q), rotary(k)) if self.is_rotary else (q, k)

    def _apart(self, x: Any) -> Any:
        """(..., n, width) -> (..., heads, n, width / heads)."""
        parts = reshape(x, (*x.shape[:-1], self.heads, self.width // self.heads))
        return swapaxes(parts, -2, -3)

    def _check(self, x: Any, context: Any) -> None:
        problem = ""
        if min(len(x.shape), len(context.shape)) < _MATRIX:
            problem = say("x and the context have at least two axes, time and features")
        elif x.shape[:-2] != context.shape[:-2]:
            problem = say("the batches of x and of the context differ")
        if problem:
            raise ShapeError(
                problem,
                operation=here("multiheadattention"),
                operands=[operand("x", x), operand("context", context)],
                rule="x (..., n, width), context (..., m, context_width)",
            )

    def _mask(self, mask: Any, key_mask: Any, q: Any, k: Any) -> Any:
        """Both masks as one that broadcasts to (..., heads, n, m)."""
        if mask is not None:
            mask = array_of(mask)
            if len(mask.shape) == len(q.shape) - 1 > _MATRIX:
                mask = expand_dims(mask, -3)  # (batch, n, m) -> (batch, 1, n, m)
        if key_mask is None:
            return mask
        key_mask = array_of(key_mask)
        wanted = (*k.shape[:-3], k.shape[-2])
        if tuple(key_mask.shape) != wanted or key_mask.dtype.kind != "b":
            raise ShapeError(
                say("a key mask is boolean, of shape {wanted}", wanted=wanted),
                operation=here("multiheadattention"),
                operands=[operand("key_mask", key_mask), operand("k", k)],
                rule=say("False: padding, which no query sees"),
            )
        keys = expand_dims(key_mask, (-3, -2))  # (batch, m) -> (batch, 1, 1, m)
        return keys if mask is None else logical_and(mask, keys)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {
            "width": self.width,
            "heads": self.heads,
            "bias": self.query.b is not None,
            "dropout": self.dropout.p,
            "causal": self.causal,
            "rotary": self.is_rotary,
            "context_width": self.context_width,
            "init": self.query.init.config(),
            "dtype": self.query.W.dtype.name,
        }

    @staticmethod
    def least_weights(options: Any) -> int:
        """How many weights the layer of a description has at least."""
        width = options.get("width")
        other = options.get("context_width", width)
        sizes_known = isinstance(width, int) and isinstance(other, int)
        return 2 * width * (width + other) if sizes_known else 0

    def extra(self) -> str:
        return f"{self.width}, heads={self.heads}" + (", causal" if self.causal else "")


__all__ = [
    "MultiHeadAttention", "attention_weights", "check_heads", "scaled_dot_product_attention",
]  # fmt: skip
