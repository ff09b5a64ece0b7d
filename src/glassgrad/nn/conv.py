"""Layers that convolve: Conv1d, Conv2d, Conv3d and their transposes.

Layer L7. Channels come first, (n, c, *in), and weights are (out, in / groups, *kernel); those of a
transposed convolution are (in, out / groups, *kernel), because it is the transpose of one from out
to in. `weight` and `bias` are other names of `W` and `b`.
"""

from __future__ import annotations

from math import prod
from typing import Any

from glassgrad.core.aval import is_float
from glassgrad.core.interpret import bind
from glassgrad.errors import OptionError, ShapeError, unknown_option
from glassgrad.nn import init as initialisers
from glassgrad.nn.checks import check_size, here, operand
from glassgrad.nn.init import Rng, Spec
from glassgrad.nn.weighted import Weighted
from glassgrad.primitives.arithmetic import add
from glassgrad.primitives.convolution import (
    convolution_input_p,
    convolution_p,
    transposed_sizes,
)
from glassgrad.primitives.layout import array_of, astype, reshape
from glassgrad.primitives.padding import pad
from glassgrad.primitives.windows import LEAD, Pairs, out_sizes, per_axis, window_params
from glassgrad.tensor import parameter
from glassgrad.text import say

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")
AXES = {1: "t", 2: "h, w", 3: "d, h, w"}  # spatial axes, as rules name them


class _Convolving(Weighted):
    """What all six share: options, checks of the input, the description."""

    rank = 0
    kind = "conv"

    inputs: int
    outputs: int
    groups: int

    def _configure(
        self, inputs: int, outputs: int, kernel: Any, stride: Any, padding: Any, dilation: Any,
        groups: int,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        self.inputs = check_size(name, "inputs", inputs)
        self.outputs = check_size(name, "outputs", outputs)
        self.groups = check_size(name, "groups", groups)
        if self.inputs % self.groups or self.outputs % self.groups:
            problem = say("{groups} groups for {inputs} inputs and {outputs} outputs",
                          groups=groups, inputs=inputs, outputs=outputs)  # fmt: skip
            rule = say("groups divide inputs and outputs")
            raise OptionError(problem, operation=name, rule=rule)
        how = window_params(name, self.rank, kernel, stride, padding, dilation)
        self.kernel: tuple[int, ...] = how["size"]
        self.stride: tuple[int, ...] = how["stride"]
        self.dilation: tuple[int, ...] = how["dilation"]
        self.padding = padding if isinstance(padding, str) else how["padding"]
        self._pairs: Pairs = how["padding"]

    def _draw(self, init: Spec, bias_init: Spec, bias: bool, rng: Rng, dtype: Any) -> None:
        """Starting weights; those of a transpose are drawn as of a convolution, then turned."""
        self.init = initialisers.resolve(init)
        self.bias_init = initialisers.resolve(bias_init)
        generator = initialisers.generator_of(rng)
        drawn = self.init(self._fan_shape(), rng=generator, dtype=dtype)
        self.W = parameter(self._oriented(drawn))
        start = self.bias_init((self.outputs,), rng=generator, dtype=dtype) if bias else None
        self.b = None if start is None else parameter(start)
        self._settle_as_drawn()

    def _fan_shape(self) -> tuple[int, ...]:
        return (self.outputs, self.inputs // self.groups, *self.kernel)

    def _oriented(self, drawn: Any) -> Any:
        return drawn

    # --- the input -----------------------------------------------------------------------

    def _checked(self, x: Any) -> Any:
        x = array_of(x)
        if len(x.shape) != self.rank + LEAD or x.shape[1] != self.inputs:
            raise self._misfit(x)
        return x if is_float(x.dtype) else astype(x, self.W.dtype)

    def _misfit(self, x: Any) -> ShapeError:
        if len(x.shape) != self.rank + LEAD:
            problem = say("`{label}` has {ndim} axes, not {count}",
                          label="x", ndim=len(x.shape), count=self.rank + LEAD)  # fmt: skip
        else:
            problem = say("takes {wanted} channels along axis 1, got {size}",
                          wanted=self.inputs, size=x.shape[1])  # fmt: skip
        return self._error(problem, x, self._hint(tuple(x.shape)))

    def _error(self, problem: str, x: Any, hint: str = "") -> ShapeError:
        axes = AXES[self.rank]
        return ShapeError(
            problem,
            operation=here(self.kind),
            operands=[operand("x", x), operand("W", self.W)],
            rule=f"x (n, {self.inputs}, {axes}) -> (n, {self.outputs}, {axes})",
            hint=hint,
        )

    def _hint(self, shape: tuple[int, ...]) -> str:
        whole = self.rank + LEAD
        if len(shape) == whole and shape[-1] == self.inputs:
            order = ", ".join(map(str, (0, whole - 1, *range(1, whole - 1))))
            return say(
                "the channels of `x` stand last: x.transpose({order}), or np.moveaxis(x, -1, 1)",
                order=order,
            )
        if len(shape) == whole - 1 and shape[0] == self.inputs:
            return say("give x a batch axis: `x[None]`")
        if len(shape) == whole - 1 and self.inputs == 1:
            return say("give x a channel axis: `x[:, None]`")
        if len(shape) == 2:  # noqa: PLR2004 - rows
            side = round((shape[1] / self.inputs) ** (1 / self.rank))
            if self.inputs * side**self.rank == shape[1]:
                sizes = ", ".join([str(self.inputs), *[str(side)] * self.rank])
                return say("rows of images: x.reshape(-1, {sizes})", sizes=sizes)
        return ""

    def _shifted(self, out: Any) -> Any:
        if self.b is None:
            return out
        return add(out, reshape(self.b, (self.outputs, *(1,) * self.rank)))

    # --- the description -----------------------------------------------------------------

    def _options(self) -> dict[str, Any]:
        padding: Any = self.padding
        return {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "kernel": list(self.kernel),
            "stride": list(self.stride),
            "padding": padding if isinstance(padding, str) else [list(pair) for pair in padding],
            "dilation": list(self.dilation),
            "groups": self.groups,
            "bias": self.b is not None,
            "init": self.init.config(),
            "bias_init": self.bias_init.config(),
            "dtype": self.W.dtype.name,
        }

    def extra(self) -> str:
        shown = [f"{self.inputs}, {self.outputs}, {_brief(self.kernel)}"]
        shown += [f"stride={_brief(self.stride)}"] * (set(self.stride) != {1})
        if isinstance(self.padding, str):
            shown.append(f"padding={self.padding!r}")
        elif any(map(any, self._pairs)):
            shown.append(f"padding={_brief_pairs(self._pairs)}")
        shown += [f"dilation={_brief(self.dilation)}"] * (set(self.dilation) != {1})
        shown += [f"groups={self.groups}"] * (self.groups > 1)
        return ", ".join([*shown, *["bias=False"] * (self.b is None)])


def _brief(sizes: tuple[int, ...]) -> str:
    """One number where all are equal."""
    return str(sizes[0]) if len(set(sizes)) == 1 else str(sizes)


def _brief_pairs(pairs: Pairs) -> str:
    if all(low == high for low, high in pairs):
        return _brief(tuple(low for low, _ in pairs))
    return str(pairs)


class _Conv(_Convolving):
    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        *,
        bias: bool = True,
        padding_mode: str = "zeros",
        init: Spec = "auto",
        bias_init: Spec = "zeros",
        rng: Rng = None,
        dtype: Any = None,
    ) -> None:
        self._configure(inputs, outputs, kernel, stride, padding, dilation, groups)
        if padding_mode not in PADDING_MODES:
            raise unknown_option("padding_mode", padding_mode, PADDING_MODES)
        self.padding_mode = padding_mode
        self._draw(init, bias_init, bias, rng, dtype)

    def forward(self, x: Any) -> Any:
        x, pairs = self._checked(x), self._pairs
        if self.padding_mode != "zeros" and any(map(any, pairs)):
            x = pad(x, ((0, 0), (0, 0), *pairs), self.padding_mode)
            pairs = ((0, 0),) * self.rank
        try:
            out_sizes(x.shape[LEAD:], self.kernel, self.stride, pairs, self.dilation)
        except ShapeError as error:
            raise self._error(error.problem, x, error.hint) from None
        out = bind(
            convolution_p, x, self.W, stride=self.stride, padding=pairs, dilation=self.dilation,
            groups=self.groups,
        )  # fmt: skip
        return self._shifted(out)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {**self._options(), "padding_mode": self.padding_mode}

    def extra(self) -> str:
        mode = "" if self.padding_mode == "zeros" else f", padding_mode={self.padding_mode!r}"
        return super().extra() + mode


class _ConvTranspose(_Convolving):
    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        *,
        bias: bool = True,
        output_padding: Any = 0,
        init: Spec = "auto",
        bias_init: Spec = "zeros",
        rng: Rng = None,
        dtype: Any = None,
    ) -> None:
        self._configure(inputs, outputs, kernel, stride, padding, dilation, groups)
        try:
            self.output_padding = per_axis(output_padding, self.rank, "output_padding", 0)
            self._result((1,) * self.rank)
        except OptionError as error:
            raise error.at(type(self).__name__) from None
        self._draw(init, bias_init, bias, rng, dtype)

    def _oriented(self, drawn: Any) -> Any:
        parts = drawn.reshape(self.groups, -1, *drawn.shape[1:]).swapaxes(1, 2)
        return parts.reshape(self.inputs, self.outputs // self.groups, *self.kernel)

    def _result(self, extent: tuple[int, ...]) -> tuple[int, ...]:
        how = {"stride": self.stride, "padding": self._pairs, "dilation": self.dilation}
        return transposed_sizes(extent, self.kernel, self.output_padding, how)

    def forward(self, x: Any) -> Any:
        x = self._checked(x)
        size = self._result(tuple(x.shape[LEAD:]))
        if min(size) < 1 or prod(x.shape[LEAD:]) < 1:
            problem = say("padding leaves nothing of {size}", size=size)
            raise self._error(problem, x)
        out = bind(
            convolution_input_p, x, self.W, size=size, stride=self.stride, padding=self._pairs,
            dilation=self.dilation, groups=self.groups,
        )  # fmt: skip
        return self._shifted(out)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {**self._options(), "output_padding": list(self.output_padding)}

    def extra(self) -> str:
        more = f", output_padding={_brief(self.output_padding)}" if any(self.output_padding) else ""
        return super().extra() + more


# --- the layers --------------------------------------------------------------------------


class Conv1d(_Conv):
    """Kernels of `kernel` places slid along time: (n, in, t) -> (n, out, t'); as `Conv2d`.

    >>> Conv1d(3, 8, 5, padding="same")
    Conv1d(3, 8, 5, padding='same')
    """

    rank = 1
    kind = "conv1d"


class Conv2d(_Conv):
    """Kernels slid over images: each output channel is the sum over input channels, plus a bias.

    Shapes:  x (n, in, h, w), W (out, in / groups, *kernel) -> (n, out, h', w') with
             h' = (h + low + high - dilation (k - 1) - 1) // stride + 1
    Options: kernel, stride, padding, dilation are a number or one for each axis; padding is also
             "same", "valid" or a (low, high) pair for each axis; padding_mode is "zeros",
             "reflect", "replicate" or "circular"; groups cut channels into runs that do not meet
             (groups=in: depthwise); init and bias_init are names or initialisers of `nn.init`
    Raises:  ShapeError that names the layer if channels or axes do not fit, or the kernel is
             larger than the image; OptionError for options

    >>> import numpy as np
    >>> layer = Conv2d(1, 2, 3, init="ones", rng=0)
    >>> layer(np.ones((1, 1, 4, 4), np.float32)).data[0, 0]
    array([[9., 9.],
           [9., 9.]], dtype=float32)
    """

    rank = 2
    kind = "conv2d"


class Conv3d(_Conv):
    """Kernels slid over volumes: (n, in, d, h, w) -> (n, out, d', h', w'); as `Conv2d`.

    >>> Conv3d(1, 4, 3, stride=2)
    Conv3d(1, 4, 3, stride=2)
    """

    rank = 3
    kind = "conv3d"


class ConvTranspose1d(_ConvTranspose):
    """The transpose of a `Conv1d` from out to in channels: (n, in, t) -> (n, out, t').

    >>> ConvTranspose1d(8, 3, 4, stride=2, padding=1)
    ConvTranspose1d(8, 3, 4, stride=2, padding=1)
    """

    rank = 1
    kind = "convtranspose1d"


class ConvTranspose2d(_ConvTranspose):
    """The transpose of a `Conv2d` from out to in channels: what upsamples in a decoder.

    Shapes:  x (n, in, h, w), W (in, out / groups, *kernel) -> (n, out, h', w') with
             h' = (h - 1) stride - low - high + dilation (k - 1) + 1 + output_padding
    Source:  Dumoulin & Visin, A guide to convolution arithmetic (2016), section 4

    >>> import numpy as np
    >>> layer = ConvTranspose2d(1, 1, 2, stride=2, init="ones", rng=0)
    >>> layer(np.array([[[[1.0, 2.0]]]], np.float32)).data[0, 0]
    array([[1., 1., 2., 2.],
           [1., 1., 2., 2.]], dtype=float32)
    """

    rank = 2
    kind = "convtranspose2d"


class ConvTranspose3d(_ConvTranspose):
    """The transpose of a `Conv3d` from out to in channels.

    >>> ConvTranspose3d(4, 1, 2, stride=2)
    ConvTranspose3d(4, 1, 2, stride=2)
    """

    rank = 3
    kind = "convtranspose3d"


__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]
