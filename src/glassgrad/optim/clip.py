"""Clipping of gradients, by value and by their common length. Layer L8.

Pure functions of lists of arrays, written with primitives, so that they can stand in the graph of
a training step. A length that is not finite is reported, not divided by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassgrad.core.aval import aval_of
from glassgrad.core.region import composite
from glassgrad.primitives import arithmetic
from glassgrad.primitives.layout import astype, sum
from glassgrad.primitives.norm import vector_norm
from glassgrad.primitives.shape import stack
from glassgrad.primitives.transcendental import sqrt


@composite
def clip_by_value(grads: Sequence[Any], limit: float) -> list[Any]:
    """Every element held between -limit and limit; NaN stays NaN."""
    return [arithmetic.minimum(arithmetic.maximum(g, -limit), limit) for g in grads]


@composite
def global_norm(grads: Sequence[Any]) -> Any:
    """The Euclidean length of all gradients seen as one vector, in float64.

    Numerics:  float32 is squared in float64, which holds any such square; float64 is scaled by a
               power of two first, so neither 3e200 nor 3e-200 overflows or vanishes
    """
    lengths = [_length(g) for g in grads]
    return lengths[0] if len(lengths) == 1 else vector_norm(stack(lengths))


@composite
def scale_to_norm(grads: Sequence[Any], norm: Any, limit: float) -> list[Any]:
    """The gradients times limit / norm where norm exceeds limit, else unchanged.

    Source:    Pascanu, Mikolov & Bengio (2013), algorithm 1. PyTorch divides by norm + 1e-6.
    """
    is_longer = arithmetic.greater(norm, limit)
    # The divisor is 1 where it is not used, so that a length of 0 is never divided by.
    factor = arithmetic.where(is_longer, limit / arithmetic.where(is_longer, norm, 1.0), 1.0)
    return [g * astype(factor, aval_of(g).dtype) for g in grads]


def _length(grad: Any) -> Any:
    if aval_of(grad).dtype == np.float64:
        return vector_norm(grad)
    return sqrt(sum(arithmetic.square(astype(grad, np.float64))))
