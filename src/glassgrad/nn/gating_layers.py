"""Gated units, maxout, PReLU and bilinear forms as layers.

Layer L7. One class a function of `gating.py`; those with weights hold them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.config import config
from glassgrad.core.aval import is_float
from glassgrad.errors import ShapeError
from glassgrad.nn import init as initialisers
from glassgrad.nn.checks import check_size, here, operand
from glassgrad.nn.gating import bilinear, glu, maxout, prelu, swiglu
from glassgrad.nn.init import Rng, Spec
from glassgrad.nn.module import Module
from glassgrad.primitives.arithmetic import add
from glassgrad.primitives.layout import array_of, astype
from glassgrad.primitives.linalg import matmul
from glassgrad.tensor import Parameter, parameter
from glassgrad.text import say

# --- without weights ---------------------------------------------------------------------


class GLU(Module):
    """The first half of `axis` times the sigmoid of the second half.

    >>> GLU()(np.array([[1.0, 2.0, 0.0, 100.0]]))
    array([[0.5, 2. ]])
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = int(axis)

    def forward(self, x: Any) -> Any:
        return glu(x, self.axis)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"axis": self.axis}

    def extra(self) -> str:
        return "" if self.axis == -1 else f"axis={self.axis}"


class SwiGLU(Module):
    """silu of the first half of `axis` times the second half.

    A feed-forward layer is Linear(d, 2 h), SwiGLU(), Linear(h, d).
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = int(axis)

    def forward(self, x: Any) -> Any:
        return swiglu(x, self.axis)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"axis": self.axis}

    def extra(self) -> str:
        return "" if self.axis == -1 else f"axis={self.axis}"


# --- with weights -----------------------------------------------------------------------


class PReLU(Module):
    """x where it is positive, else a learnt slope times x; one slope, or one a channel.

    Shapes:  x (n, channels, ...), or any shape for channels = 1; slope (channels,)
    """

    kind = "leaky_relu"  # what starting weights in front of it suit

    def __init__(self, channels: int = 1, *, start: float = 0.25, dtype: Any = None) -> None:
        self.channels = check_size("PReLU", "channels", channels)
        self.start = float(start)
        dtype = np.dtype(config.float if dtype is None else dtype)
        self.slope = parameter(np.full(self.channels, self.start, dtype))

    def forward(self, x: Any) -> Any:
        return prelu(x, self.slope)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        dtype = self.slope.dtype.name
        return {"channels": self.channels, "start": self.start, "dtype": dtype}

    def extra(self) -> str:
        return f"{self.channels}"


class Maxout(Module):
    """The largest of `pieces` linear functions of x, for each output.

    Shapes:  x (..., inputs) -> (..., outputs); W (inputs, outputs pieces), b (outputs pieces,)
    Raises:  ShapeError that names the layer if the last axis of x is not `inputs`
    Source:  Goodfellow et al. (2013), Maxout Networks

    >>> layer = Maxout(2, 1, 2, init="ones", rng=0)
    >>> layer(np.array([[1.0, 2.0]])).data
    array([[3.]])
    """

    def __init__(
        self, inputs: int, outputs: int, pieces: int = 2, *, init: Spec = "auto",
        rng: Rng = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        self.inputs = check_size("Maxout", "inputs", inputs)
        self.outputs = check_size("Maxout", "outputs", outputs)
        self.pieces = check_size("Maxout", "pieces", pieces)
        self.init = initialisers.resolve(init)
        width = self.outputs * self.pieces
        self.W = parameter(self.init((self.inputs, width), rng=rng, dtype=dtype))
        self.b = parameter(np.zeros(width, self.W.dtype))

    def forward(self, x: Any) -> Any:
        x = _features("maxout", x, self.inputs, self.W)
        return maxout(add(matmul(x, self.W), self.b), self.pieces)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "pieces": self.pieces,
            "init": self.init.config(),
            "dtype": self.W.dtype.name,
        }

    def extra(self) -> str:
        return f"{self.inputs}, {self.outputs}, {self.pieces}"


def _features(kind: str, x: Any, wanted: int, W: Parameter, label: str = "x") -> Any:
    """x as floats with `wanted` features on its last axis."""
    x = array_of(x)
    size = x.shape[-1] if x.shape else 0
    if size != wanted:
        raise ShapeError(
            say("takes {wanted} features, got {size}", wanted=wanted, size=size),
            operation=here(kind),
            operands=[operand(label, x), operand("W", W)],
            rule=f"{label} (..., {wanted})",
        )
    return x if is_float(x.dtype) else astype(x, W.dtype)


class Bilinear(Module):
    """x W y + b for two inputs: `layer(x, y)`.

    Shapes:  x (..., left), y (..., right) -> (..., outputs); W (left, right, outputs)
    Raises:  ShapeError that names the layer if features differ

    >>> Bilinear(2, 3, 4, rng=0)(np.ones((5, 2)), np.ones((5, 3))).shape
    (5, 4)
    """

    def __init__(
        self, left: int, right: int, outputs: int, bias: bool = True, *, init: Spec = "auto",
        rng: Rng = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        self.left = check_size("Bilinear", "left", left)
        self.right = check_size("Bilinear", "right", right)
        self.outputs = check_size("Bilinear", "outputs", outputs)
        self.init = initialisers.resolve(init)
        pairs = self.init((self.left * self.right, self.outputs), rng=rng, dtype=dtype)
        self.W = parameter(pairs.reshape(self.left, self.right, self.outputs))
        self.b = parameter(np.zeros(self.outputs, self.W.dtype)) if bias else None

    def forward(self, x: Any, y: Any) -> Any:
        x = _features("bilinear", x, self.left, self.W)
        y = _features("bilinear", y, self.right, self.W, "y")
        if x.shape[:-1] != y.shape[:-1]:
            raise ShapeError(
                say("shapes {a} and {b} differ", a=x.shape[:-1], b=y.shape[:-1]),
                operation=here("bilinear"),
                operands=[operand("x", x), operand("y", y)],
                rule="x (..., p), y (..., q)",
            )
        return bilinear(x, y, self.W, self.b)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {
            "left": self.left,
            "right": self.right,
            "outputs": self.outputs,
            "bias": self.b is not None,
            "init": self.init.config(),
            "dtype": self.W.dtype.name,
        }

    def extra(self) -> str:
        return f"{self.left}, {self.right}, {self.outputs}"


__all__ = ["GLU", "Bilinear", "Maxout", "PReLU", "SwiGLU"]
