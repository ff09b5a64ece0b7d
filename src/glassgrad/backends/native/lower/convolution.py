"""Convolution, pooling and windows: left to their NumPy text.

Layer L6. Python runs these equations, between two barriers.
"""

from __future__ import annotations

from glassgrad.backends.native.lower.site import Site, lowers
from glassgrad.primitives.convolution import (
    convolution_input_p,
    convolution_p,
    convolution_weight_p,
)
from glassgrad.primitives.pooling import (
    average_pool_input_p,
    average_pool_p,
    max_pool_input_p,
    max_pool_p,
    max_pool_take_p,
)
from glassgrad.primitives.windows import fold_p, unfold_p


@lowers(
    convolution_p, convolution_input_p, convolution_weight_p, max_pool_p, max_pool_input_p,
    max_pool_take_p, average_pool_p, average_pool_input_p, unfold_p, fold_p,
    calls_back=True,
)  # fmt: skip
def _by_python(site: Site) -> None:
    site.call_back()
