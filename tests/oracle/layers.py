"""Layers without memory: products, normalisation, attention, distances."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

from glassgrad.nn import functional as F
from glassgrad.primitives.norm import vector_norm
from oracle.convention import Function, axes

# --- products ----------------------------------------------------------------------------


def _linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """PyTorch's weights are (out, in)."""
    return F.linear(x, weight.T, bias)


def _bilinear(x: Any, y: Any, weight: Any, bias: Any = None) -> Any:
    """PyTorch's weights are (out, left, right)."""
    return F.bilinear(x, y, np.moveaxis(weight, 0, -1), bias)


def _attention(q: Any, k: Any, v: Any, *, is_causal: bool = False, dropout_p: float = 0.0) -> Any:
    if dropout_p:
        raise NotImplementedError  # another library's random numbers
    scores = q @ k.mT / sqrt(q.shape[-1])
    if is_causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    return F.softmax(scores) @ v


# --- normalisation -----------------------------------------------------------------------


def _standardised(x: Any, axis: Any, eps: float) -> Any:
    mean = np.mean(x, axis=axis, keepdims=True)
    return (x - mean) / np.sqrt(np.var(x, axis=axis, keepdims=True) + eps)


def _scaled(out: Any, weight: Any, bias: Any) -> Any:
    out = out if weight is None else out * weight
    return out if bias is None else out + bias


def _batch_norm(
    x: Any, mean: Any, var: Any, weight: Any = None, bias: Any = None,
    *, training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    del momentum  # the running statistics are not returned
    if x.ndim == 1:  # an empty array, without channels
        return _scaled(x, weight, bias)
    given = {} if training else {"mean": mean, "var": var}
    return F.batch_norm(x, weight, bias, eps=eps, **given)


def _last_axes(shape: Any) -> tuple[int, ...]:
    return tuple(range(-len(shape), 0))


def _layer_norm(x: Any, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    return _scaled(_standardised(x, _last_axes(shape), eps), weight, bias)


def _group_norm(
    x: Any, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    return F.group_norm(x, groups, weight, bias, eps=eps)


def _instance_norm(
    x: Any, *, running_mean: Any = None, running_var: Any = None, weight: Any = None,
    bias: Any = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    del momentum
    if use_input_stats:
        return F.instance_norm(x, weight, bias, eps=eps)
    return _batch_norm(x, running_mean, running_var, weight, bias, eps=eps)


def _rms_norm(x: Any, shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    mean_square = np.mean(np.square(x), axis=_last_axes(shape), keepdims=True)
    return _scaled(x / np.sqrt(mean_square + eps), weight, None)


def _local_response_norm(
    x: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    return F.local_response_norm(x, size, alpha=alpha, beta=beta, k=k)


# --- lengths and distances ---------------------------------------------------------------


def _normalize(x: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Any:
    return x / np.maximum(vector_norm(x, p, axes(x, dim), keepdims=True), eps)


def _cosine_similarity(x: Any, y: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    x, y = np.broadcast_arrays(x, y)
    axis = axes(x, dim)
    lengths = [np.maximum(vector_norm(v, axis=axis, keepdims=True), eps) for v in (x, y)]
    return np.sum(x / lengths[0] * (y / lengths[1]), axis=axis)


def pairwise_distance(
    x: Any, y: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Any:
    return vector_norm(x - y + eps, p, -1, keepdim)


OPS: dict[str, Function] = {
    "batch_norm": _batch_norm,
    "bilinear": _bilinear,
    "cosine_similarity": _cosine_similarity,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "layer_norm": _layer_norm,
    "linear": _linear,
    "local_response_norm": _local_response_norm,
    "normalize": _normalize,
    "pairwise_distance": pairwise_distance,
    "rms_norm": _rms_norm,
    "scaled_dot_product_attention": _attention,
}
