"""Normalisation as layers: BatchNorm, GroupNorm, InstanceNorm, LocalResponseNorm.

Layer L7. Channels stand on axis 1. Scales and shifts are called `gamma` and `beta`, as in the
books; `weight` and `bias` are aliases. Normalisation over features (LayerNorm, RMSNorm) is not
here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.config import config
from glassgrad.core.aval import is_float
from glassgrad.core.region import region
from glassgrad.errors import ShapeError
from glassgrad.nn import normalisation as F
from glassgrad.nn.checks import check_number, check_positive, check_share, check_size, here, operand
from glassgrad.nn.module import Module
from glassgrad.primitives.arithmetic import add, multiply
from glassgrad.primitives.layout import array_of, astype, reshape
from glassgrad.tensor import Parameter, parameter, state
from glassgrad.text import say

# --- what all share ----------------------------------------------------------------------


class Normaliser(Module):
    """A layer with one scale `gamma` and one shift `beta` a channel, or none of them.

    `axes` says how many axes x may have; `layout` writes them down for errors.
    """

    is_between = True
    axes: tuple[int, ...] = ()
    layout = "x (n, c, ...)"
    gamma: Parameter | None
    beta: Parameter | None

    @property
    def weight(self) -> Parameter | None:
        """Another name of `gamma`."""
        return self.gamma

    @weight.setter
    def weight(self, value: Parameter | None) -> None:
        self.gamma = value

    @property
    def bias(self) -> Parameter | None:
        """Another name of `beta`."""
        return self.beta

    @bias.setter
    def bias(self, value: Parameter | None) -> None:
        self.beta = value

    def _begin(self, channels: int, eps: float, affine: bool, dtype: Any) -> None:
        name = type(self).__name__
        self.channels = check_size(name, "channels", channels)
        self.eps = check_positive(name, "eps", eps)
        self.dtype = np.dtype(config.float if dtype is None else dtype)
        self.gamma = parameter(np.ones(self.channels, self.dtype)) if affine else None
        self.beta = parameter(np.zeros(self.channels, self.dtype)) if affine else None

    def _checked(self, x: Any) -> Any:
        """x as an array of floats with the right axes and channels."""
        x = array_of(x)
        x = x if is_float(x.dtype) else astype(x, self.dtype)
        ndim = len(x.shape)
        if self.axes and ndim not in self.axes:
            problem = say("takes {wanted} axes, got {ndim}", wanted=_either(self.axes), ndim=ndim)
            raise self._misfit(problem, x, self._hint_axes(ndim))
        if ndim < 2 or x.shape[1] != self.channels:  # noqa: PLR2004 - rows and channels
            size = x.shape[1] if ndim > 1 else 0
            problem = say("takes {wanted} channels, got {size}", wanted=self.channels, size=size)
            raise self._misfit(problem, x, self._hint_order(x.shape))
        return x

    def _misfit(self, problem: str, x: Any, hint: str) -> ShapeError:
        operands = [operand("x", x)]
        if self.gamma is not None:
            operands.append(operand("gamma", self.gamma))
        name = type(self).__name__.lower()
        return ShapeError(
            problem, operation=here(name), operands=operands, rule=self.layout, hint=hint
        )

    def _hint_axes(self, ndim: int) -> str:
        twin = {2: "1d", 3: "1d", 4: "2d"}.get(ndim, "")
        kind = type(self).__name__
        return say("for {ndim} axes: nn.{name}", ndim=ndim, name=kind[:-2] + twin) if twin else ""

    def _hint_order(self, shape: tuple[int, ...]) -> str:
        ndim = len(shape)
        if ndim < 3 or shape[-1] != self.channels:  # noqa: PLR2004 - nothing to reorder
            return ""
        order = ", ".join(map(str, (0, ndim - 1, *range(1, ndim - 1))))
        return say("x looks channels-last; write `x.transpose({order})`", order=order)

    def _options(self) -> dict[str, Any]:
        return {
            "channels": self.channels,
            "eps": self.eps,
            "affine": self.gamma is not None,
            "dtype": self.dtype.name,
        }


def _either(counts: tuple[int, ...]) -> str:
    return " | ".join(map(str, counts))


# --- over the batch ----------------------------------------------------------------------


class BatchNorm(Normaliser):
    """Batch normalisation of (n, c, ...) with any number of axes behind the channels.

    In training each channel is normalised by its statistics in the batch, and running ones follow
    them: running = (1 - momentum) running + momentum batch, the variance divided by m - 1 for m
    values a channel. In evaluation the running statistics are used; the batch's, if `track` is
    false.

    Shapes:  x (n, c, ...) -> (n, c, ...); gamma, beta, running_mean, running_var (c,)
    Options: affine=False leaves gamma and beta out; track=False the running statistics
    Raises:  ShapeError that names the layer if x does not fit, or has one value a channel in
             training; OptionError for options out of range
    Source:  Ioffe & Szegedy (2015), Batch Normalization, algorithms 1 and 2

    >>> layer = BatchNorm1d(2)
    >>> layer(np.array([[1, 5], [3, 5]])).data.round(3)
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    >>> layer.running_mean.data, layer.running_var.data
    (array([0.2, 0.5], dtype=float32), array([1.1, 0.9], dtype=float32))
    """

    def __init__(
        self,
        channels: int,
        *,
        eps: float = F.EPS,
        momentum: float = 0.1,
        affine: bool = True,
        track: bool = True,
        dtype: Any = None,
    ) -> None:
        self._begin(channels, eps, affine, dtype)
        self.momentum = check_share(type(self).__name__, "momentum", momentum, with_one=True)
        zeros, ones = (make(self.channels, self.dtype) for make in (np.zeros, np.ones))
        self.running_mean = state(zeros) if track else None
        self.running_var = state(ones) if track else None

    def forward(self, x: Any) -> Any:
        x = self._checked(x)
        if self.running_mean is not None and not self.training:
            return F.by_statistics(
                x, self.gamma, self.beta, self.running_mean, self.running_var, self.eps
            )
        samples = (x.shape[0], *x.shape[2:])
        F.require_several(x, samples, say("use larger batches, drop_last=True or model.eval()"))
        out, mean, var = F.standardised(x, F.batch_axes(x), self.eps)
        if self.running_mean is not None:
            self._follow(mean, var, int(np.prod(samples)))
        return F.scaled(out, self.gamma, self.beta)

    def _follow(self, mean: Any, var: Any, count: int) -> None:
        """Move the running statistics towards those of this batch."""
        share = self.momentum
        with region("running"):
            unbiased = share * count / (count - 1) if count > 1 else share
            for name, new, weight in (("mean", mean, share), ("var", var, unbiased)):
                before = multiply(getattr(self, f"running_{name}"), 1 - share)
                moved = multiply(reshape(new, (self.channels,)), weight)
                setattr(self, f"running_{name}", add(before, astype(moved, self.dtype)))

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        track = self.running_mean is not None
        return {**self._options(), "momentum": self.momentum, "track": track}

    def extra(self) -> str:
        return f"{self.channels}" + ("" if self.gamma is not None else ", affine=False")


class BatchNorm1d(BatchNorm):
    """Batch normalisation of features (n, c) or sequences (n, c, t)."""

    axes = (2, 3)
    layout = "x (n, c) | (n, c, t)"


class BatchNorm2d(BatchNorm):
    """Batch normalisation of images (n, c, h, w)."""

    axes = (4,)
    layout = "x (n, c, h, w)"


# --- within one example ------------------------------------------------------------------


class GroupNorm(Normaliser):
    """Each example's channels normalised in groups, the same in training and evaluation.

    Shapes:  x (n, c, ...) -> (n, c, ...); gamma, beta (c,)
    Raises:  OptionError if `groups` does not divide `channels`; ShapeError that names the layer
    Source:  Wu & He (2018), Group Normalization

    >>> GroupNorm(2, 4)(np.ones((1, 4, 3))).shape
    (1, 4, 3)
    """

    def __init__(
        self,
        groups: int,
        channels: int,
        *,
        eps: float = F.EPS,
        affine: bool = True,
        dtype: Any = None,
    ) -> None:
        self._begin(channels, eps, affine, dtype)
        self.groups = check_size("GroupNorm", "groups", groups)
        F.check_groups("GroupNorm", self.groups, self.channels)

    def forward(self, x: Any) -> Any:
        x = self._checked(x)
        return F.group_norm(x, self.groups, self.gamma, self.beta, eps=self.eps)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {"groups": self.groups, **self._options()}

    def extra(self) -> str:
        return f"{self.groups}, {self.channels}"


class InstanceNorm(Normaliser):
    """Each channel of each example normalised by itself; `gamma` and `beta` only if `affine`.

    Shapes:  x (n, c, ...) -> (n, c, ...)
    Raises:  ShapeError that names the layer if x does not fit or has one value a channel
    Source:  Ulyanov, Vedaldi & Lempitsky (2016), Instance Normalization
    """

    def __init__(
        self, channels: int, *, eps: float = F.EPS, affine: bool = False, dtype: Any = None
    ) -> None:
        self._begin(channels, eps, affine, dtype)

    def forward(self, x: Any) -> Any:
        x = self._checked(x)
        return F.instance_norm(x, self.gamma, self.beta, eps=self.eps)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return self._options()

    def extra(self) -> str:
        return f"{self.channels}" + (", affine=True" if self.gamma is not None else "")


class InstanceNorm1d(InstanceNorm):
    """Instance normalisation of sequences (n, c, t)."""

    axes = (3,)
    layout = "x (n, c, t)"


class InstanceNorm2d(InstanceNorm):
    """Instance normalisation of images (n, c, h, w)."""

    axes = (4,)
    layout = "x (n, c, h, w)"


class LocalResponseNorm(Module):
    """Each element divided by a power of the squares of its neighbours across channels.

    Shapes:  x (n, c, ...) -> (n, c, ...)
    Source:  Krizhevsky, Sutskever & Hinton (2012), section 3.3
    """

    is_between = True

    def __init__(
        self, size: int, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
    ) -> None:
        self.size = check_size("LocalResponseNorm", "size", size)
        self.alpha = check_number("LocalResponseNorm", "alpha", alpha, 0)
        self.beta = check_number("LocalResponseNorm", "beta", beta)
        self.k = check_positive("LocalResponseNorm", "k", k)

    def forward(self, x: Any) -> Any:
        return F.local_response_norm(x, self.size, alpha=self.alpha, beta=self.beta, k=self.k)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k}

    def extra(self) -> str:
        return f"{self.size}"


NORM_LAYERS: tuple[type[Module], ...] = (
    BatchNorm, BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm1d, InstanceNorm2d,
    LocalResponseNorm,
)  # fmt: skip

__all__ = [
    "NORM_LAYERS", "BatchNorm", "BatchNorm1d", "BatchNorm2d", "GroupNorm", "InstanceNorm1d",
    "InstanceNorm2d", "LocalResponseNorm",
]  # fmt: skip
