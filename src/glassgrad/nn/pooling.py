"""Layers that pool or resize: MaxPool, AvgPool, AdaptiveAvgPool, GlobalAvgPool, Upsample, ….

Layer L7. Channels come first, (n, c, *in); none of them has parameters. An activation behind them
is that of the layer of weights in front of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glassgrad.errors import GlassgradError, ShapeError, unknown_option
from glassgrad.nn import spatial
from glassgrad.nn.checks import check_size, here, operand
from glassgrad.nn.conv import AXES
from glassgrad.nn.module import Module
from glassgrad.primitives.layout import array_of
from glassgrad.primitives.windows import LEAD, window_params
from glassgrad.text import say


class _Spatial(Module):
    """A layer that applies a function of `nn.spatial` to (n, c, *in)."""

    is_between = True
    rank = 0  # spatial axes; 0 takes any
    kind = "pool"

    def _apply(self, function: Callable[..., Any], x: Any, *args: Any) -> Any:
        """The function, with errors that name this layer and its input."""
        x = array_of(x)
        if self.rank and len(x.shape) != self.rank + LEAD:
            problem = say("`{label}` has {ndim} axes, not {count}",
                          label="x", ndim=len(x.shape), count=self.rank + LEAD)  # fmt: skip
            hint = say("give x a batch axis: `x[None]`")
            short = len(x.shape) == self.rank + 1
            rule = f"x (n, c, {AXES[self.rank]})"
            raise ShapeError(
                problem,
                operation=here(self.kind),
                operands=[operand("x", x)],
                rule=rule,
                hint=hint if short else "",
            )
        try:
            return function(x, *args)
        except GlassgradError as error:
            error.operation, error.operands = here(self.kind), (operand("x", x),)
            raise

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {name: _plain(value) for name, value in self._options().items()}

    def _options(self) -> dict[str, Any]:
        return {}

    def extra(self) -> str:
        shown = [
            f"{name}={value!r}" if name != "size" else repr(value)
            for name, value in self._options().items()
            if value not in (None, False) and (name, value) not in _DEFAULTS
        ]
        return ", ".join(shown)


_DEFAULTS = [("padding", 0), ("dilation", 1), ("counts_padding", True), ("mode", "nearest")]


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, (tuple, list)) else value


def _frozen(value: Any) -> Any:
    """What a description lists, as a user writes it: tuples."""
    return tuple(map(_frozen, value)) if isinstance(value, (tuple, list)) else value


# --- windows -----------------------------------------------------------------------------


class _MaxPool(_Spatial):
    def __init__(
        self,
        size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> None:
        _check_windows(self, size, stride, padding, dilation)
        self.size, self.stride = _frozen(size), _frozen(stride)
        self.padding, self.dilation = _frozen(padding), _frozen(dilation)
        self.ceil_mode = bool(ceil_mode)

    def forward(self, x: Any) -> Any:
        how = (self.size, self.stride, self.padding, self.dilation, self.ceil_mode)
        return self._apply(spatial.max_pool, x, *how)

    def _options(self) -> dict[str, Any]:
        return {
            "size": self.size,
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "ceil_mode": self.ceil_mode,
        }


class _AvgPool(_Spatial):
    def __init__(
        self,
        size: Any,
        stride: Any = None,
        padding: Any = 0,
        counts_padding: bool = True,
        ceil_mode: bool = False,
    ) -> None:
        _check_windows(self, size, stride, padding, 1)
        self.size, self.stride, self.padding = _frozen(size), _frozen(stride), _frozen(padding)
        self.counts_padding, self.ceil_mode = bool(counts_padding), bool(ceil_mode)

    def forward(self, x: Any) -> Any:
        how = (self.size, self.stride, self.padding, self.counts_padding, self.ceil_mode)
        return self._apply(spatial.average_pool, x, *how)

    def _options(self) -> dict[str, Any]:
        return {
            "size": self.size,
            "stride": self.stride,
            "padding": self.padding,
            "counts_padding": self.counts_padding,
            "ceil_mode": self.ceil_mode,
        }


def _check_windows(layer: _Spatial, size: Any, stride: Any, padding: Any, dilation: Any) -> None:
    """Refuse options before any input comes."""
    stride = size if stride is None else stride
    window_params(type(layer).__name__, layer.rank, size, stride, padding, dilation)


class MaxPool1d(_MaxPool):
    """The largest element of each window along time; as `MaxPool2d`."""

    rank = 1
    kind = "maxpool1d"


class MaxPool2d(_MaxPool):
    """The largest element of each window of an image, the first of equal ones.

    Shapes:  (n, c, h, w) -> (n, c, h', w'); windows stand side by side unless `stride` says more
    Options: size, stride, padding, dilation are a number or one for each axis; ceil_mode keeps a
             last window that hangs over the end
    Raises:  ShapeError that names the layer if a window does not fit

    >>> import numpy as np
    >>> MaxPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """

    rank = 2
    kind = "maxpool2d"


class MaxPool3d(_MaxPool):
    """The largest element of each window of a volume; as `MaxPool2d`."""

    rank = 3
    kind = "maxpool3d"


class AvgPool1d(_AvgPool):
    """The mean of each window along time; as `AvgPool2d`."""

    rank = 1
    kind = "avgpool1d"


class AvgPool2d(_AvgPool):
    """The mean of each window of an image.

    Shapes:  (n, c, h, w) -> (n, c, h', w'); windows stand side by side unless `stride` says more
    Options: counts_padding=False takes the mean over true elements only; others as `MaxPool2d`

    >>> import numpy as np
    >>> AvgPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4))[0, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """

    rank = 2
    kind = "avgpool2d"


class AvgPool3d(_AvgPool):
    """The mean of each window of a volume; as `AvgPool2d`."""

    rank = 3
    kind = "avgpool3d"


# --- to a given size ---------------------------------------------------------------------


class _Adaptive(_Spatial):
    def __init__(self, size: Any) -> None:
        self.size = _frozen(size)
        for one in self.size if isinstance(self.size, tuple) and self.size else (self.size,):
            if one is not None:
                check_size(type(self).__name__, "size", one)

    def _options(self) -> dict[str, Any]:
        return {"size": self.size}


class AdaptiveAvgPool(_Adaptive):
    """The mean of windows chosen so that `size` of them cover each spatial axis, however many.

    Shapes:  (n, c, *in) -> (n, c, *size); a size of None keeps its axis

    >>> import numpy as np
    >>> AdaptiveAvgPool(1)(np.ones((2, 3, 7, 5))).shape
    (2, 3, 1, 1)
    """

    kind = "adaptiveavgpool"

    def forward(self, x: Any) -> Any:
        return self._apply(spatial.adaptive_average_pool, x, self.size)


class AdaptiveMaxPool(_Adaptive):
    """The largest element of windows as `AdaptiveAvgPool` chooses them."""

    kind = "adaptivemaxpool"

    def forward(self, x: Any) -> Any:
        return self._apply(spatial.adaptive_max_pool, x, self.size)


class GlobalAvgPool(_Spatial):
    """The mean over all spatial axes, (n, c, *in) -> (n, c): ready for a Linear layer.

    Source:  Lin, Chen & Yan (2014), Network in Network, section 3.2

    >>> import numpy as np
    >>> GlobalAvgPool()(np.ones((2, 3, 7, 5))).shape
    (2, 3)
    """

    kind = "globalavgpool"

    def forward(self, x: Any) -> Any:
        return self._apply(spatial.global_average_pool, x)


class GlobalMaxPool(_Spatial):
    """The largest element over all spatial axes, (n, c, *in) -> (n, c)."""

    kind = "globalmaxpool"

    def forward(self, x: Any) -> Any:
        return self._apply(spatial.global_max_pool, x)


# --- larger ------------------------------------------------------------------------------


class Upsample(_Spatial):
    """The input resampled to `size`, or by the factor `scale`; as `nn.interpolate`.

    mode: "nearest", or by the number of spatial axes "linear", "bilinear", "trilinear"

    >>> import numpy as np
    >>> Upsample(scale=2)(np.array([[[1.0, 2.0]]]))
    array([[[1., 1., 2., 2.]]])
    """

    kind = "upsample"

    def __init__(
        self,
        scale: Any = None,
        *,
        size: Any = None,
        mode: str = "nearest",
        align_corners: bool = False,
    ) -> None:
        if mode not in spatial.MODES:
            raise unknown_option("mode", mode, spatial.MODES)
        self.scale, self.size, self.mode = _frozen(scale), _frozen(size), mode
        self.align_corners = bool(align_corners)

    def forward(self, x: Any) -> Any:
        how = (self.size, self.scale, self.mode, self.align_corners)
        return self._apply(spatial.interpolate, x, *how)

    def _options(self) -> dict[str, Any]:
        return {
            "scale": self.scale,
            "size": self.size,
            "mode": self.mode,
            "align_corners": self.align_corners,
        }


POOLING_LAYERS: tuple[type[Module], ...] = (
    MaxPool1d, MaxPool2d, MaxPool3d, AvgPool1d, AvgPool2d, AvgPool3d, AdaptiveAvgPool,
    AdaptiveMaxPool, GlobalAvgPool, GlobalMaxPool, Upsample,
)  # fmt: skip

__all__ = [
    "POOLING_LAYERS",
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "Upsample",
]
