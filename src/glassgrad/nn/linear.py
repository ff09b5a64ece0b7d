"""Layers with a matrix of weights: Linear and Embedding.

Layer L7. Weights are (in, out) and a layer computes `x @ W + b`, as in the books; `weight` and
`bias` are other names of `W` and `b`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.core.aval import is_float
from glassgrad.errors import DataError, DtypeError, ShapeError
from glassgrad.nn import init as initialisers
from glassgrad.nn.checks import check_size, here, known, operand
from glassgrad.nn.init import Rng, Spec
from glassgrad.nn.module import Module
from glassgrad.nn.weighted import Weighted
from glassgrad.primitives.arithmetic import add
from glassgrad.primitives.index import getitem
from glassgrad.primitives.layout import array_of, astype
from glassgrad.primitives.linalg import matmul
from glassgrad.tensor import Parameter, parameter
from glassgrad.text import say


class Linear(Weighted):
    """x @ W + b, with weights of shape (in, out).

    Shapes:  x (..., in) -> (..., out)
    Options: bias=False leaves b out; init and bias_init are names or initialisers of `nn.init`;
             rng is a Generator or a seed
    Raises:  ShapeError that names the layer if the last axis of x is not `inputs`

    >>> layer = Linear(3, 2, init="ones", rng=0)
    >>> layer(np.array([[1.0, 2.0, 3.0]], np.float32)).data
    array([[6., 6.]], dtype=float32)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        bias: bool = True,
        *,
        init: Spec = "auto",
        bias_init: Spec = "zeros",
        rng: Rng = None,
        dtype: Any = None,
    ) -> None:
        self.inputs = check_size("Linear", "inputs", inputs)
        self.outputs = check_size("Linear", "outputs", outputs)
        self.init = initialisers.resolve(init)
        self.bias_init = initialisers.resolve(bias_init)
        generator = initialisers.generator_of(rng)
        shape = (self.inputs, self.outputs)
        self.W = parameter(self.init(shape, rng=generator, dtype=dtype))
        self.b = (
            parameter(self.bias_init((self.outputs,), rng=generator, dtype=dtype)) if bias else None
        )
        self._settle_as_drawn()

    def forward(self, x: Any) -> Any:
        x = array_of(x)
        if not x.shape or x.shape[-1] != self.inputs:
            raise self._misfit(x)
        x = x if is_float(x.dtype) else astype(x, self.W.dtype)
        out = matmul(x, self.W)  # (..., in) @ (in, out) -> (..., out)
        return out if self.b is None else add(out, self.b)

    def _misfit(self, x: Any) -> ShapeError:
        size = x.shape[-1] if x.shape else 0
        return ShapeError(
            say("takes {wanted} features, got {size}", wanted=self.inputs, size=size),
            operation=here("linear"),
            operands=[operand("x", x), operand("W", self.W)],
            rule="x (..., in) @ W (in, out) -> (..., out)",
            hint=self._hint(x.shape),
        )

    def _hint(self, shape: tuple[int, ...]) -> str:
        if len(shape) > 2 and np.prod(shape[1:]) == self.inputs:  # noqa: PLR2004 - images
            return say("put nn.Flatten() in front of this layer")
        if len(shape) == 2 and shape[0] == self.inputs:  # noqa: PLR2004 - rows and columns
            return say("x looks transposed: rows are samples, columns are features")
        if self.inputs == 1:
            return say("give x a column axis: `x[:, None]`")
        return ""

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {
            "inputs": self.inputs,
            "outputs": self.outputs,
            "bias": self.b is not None,
            "init": self.init.config(),
            "bias_init": self.bias_init.config(),
            "dtype": self.W.dtype.name,
        }

    def extra(self) -> str:
        return f"{self.inputs}, {self.outputs}" + ("" if self.b is not None else ", bias=False")


class Embedding(Module):
    """A table of vectors, read by integer: row i of `W` stands for the i-th word.

    Shapes:   ids (...) int -> (..., width)
    Gradient: added into the rows that were read, one after the other; no product with one-hot
              rows. It is an array of the table's shape, zero elsewhere, so an optimiser moves
              every row: moments decay and weight decay acts on words that did not occur too
    Raises:   DataError for an id outside [0, count); DtypeError for ids that are no integers

    >>> Embedding(5, 3)(np.array([[0, 4]])).shape
    (1, 2, 3)
    """

    def __init__(
        self,
        count: int,
        width: int,
        *,
        init: Spec | None = None,
        rng: Rng = None,
        dtype: Any = None,
    ) -> None:
        self.count = check_size("Embedding", "count", count)
        self.width = check_size("Embedding", "width", width)
        self.init = initialisers.normal(1.0) if init is None else initialisers.resolve(init)
        self.W = parameter(self.init((self.count, self.width), rng=rng, dtype=dtype))

    def forward(self, ids: Any) -> Any:
        ids = array_of(ids)
        if ids.dtype.kind not in "iu":
            raise DtypeError(
                say("indices must be integers, not {dtype}", dtype=ids.dtype.name),
                operation=here("embedding"),
                operands=[operand("ids", ids)],
            )
        numbers = known(ids)
        if (
            numbers is not None
            and numbers.size
            and not 0 <= numbers.min() <= numbers.max() < self.count
        ):
            worst = numbers.min() if numbers.min() < 0 else numbers.max()
            raise DataError(
                say("id {value} is outside the {count} rows", value=worst, count=self.count),
                operation=here("embedding"),
                operands=[operand("ids", ids), operand("W", self.W)],
                rule=f"0 <= id < {self.count}",
            )
        return getitem(self.W, ids)

    @property
    def weight(self) -> Parameter:
        """Another name of `W`."""
        return self.W

    @weight.setter
    def weight(self, value: Parameter) -> None:
        self.W = value

    def config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        return {
            "count": self.count,
            "width": self.width,
            "init": self.init.config(),
            "dtype": self.W.dtype.name,
        }

    def extra(self) -> str:
        return f"{self.count}, {self.width}"


__all__ = ["Embedding", "Linear"]
