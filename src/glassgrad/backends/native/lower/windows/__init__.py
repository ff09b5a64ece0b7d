"""Convolution and pooling: windows that slide over the spatial axes of (n, c, *in).

Layer L6. One idea a file:

    geometry.py      where windows lie; correlations, of which all convolutions are made
    images.py        one padded sample, and turned matrices, in memory of the worker's own
    micro.py         sums of products in a block of registers
    correlations.py  convolution and its transpose by the input: quick loops and plain ones
    weights.py       its transpose by the kernels
    convolution.py   the three as equations
    pooling.py       largest elements and means of windows; windows as columns
"""

from glassgrad.backends.native.lower.windows import convolution, pooling

__all__ = ["convolution", "pooling"]
