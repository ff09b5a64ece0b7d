"""Optimisers that look at a whole array at once, or at signs alone: Lion, LAMB, Muon.

Layer L8. Scalars are computed in float64 and then take the dtype of the parameter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import prod
from typing import Any, Unpack

import numpy as np

from glassgrad.core.aval import aval_of
from glassgrad.core.region import composite
from glassgrad.errors import OptionError
from glassgrad.optim.base import Limits, Optimizer
from glassgrad.optim.first_order import adam
from glassgrad.optim.options import fraction, moments, whole
from glassgrad.optim.rows import State, Values, averages, like, merged, picked, zeros
from glassgrad.optim.schedules import Rate
from glassgrad.primitives.arithmetic import greater, logical_and, sign, square, where
from glassgrad.primitives.layout import reshape, sum
from glassgrad.primitives.transcendental import sqrt
from glassgrad.text import say


class Lion(Optimizer):
    """Steps of one size for all elements, in the direction of a momentum's signs.

    Formula:   p · (1 - lr · weight_decay) - lr · sign(beta1 · m + (1 - beta1) · g)
               m' = beta2 · m + (1 - beta2) · g
    Source:    Chen et al. (2023), Symbolic Discovery of Optimization Algorithms, algorithm 2. Its
               rate is 3 to 10 times smaller than AdamW's, and the decay as much larger
    """

    decouples_decay = True

    def __init__(
        self,
        target: Any,
        lr: Rate = 1e-4,
        *,
        beta1: float = 0.9,
        beta2: float = 0.99,
        weight_decay: float = 0.0,
        **limits: Unpack[Limits],
    ) -> None:
        settings = {"beta1": fraction("beta1", beta1), "beta2": fraction("beta2", beta2)}
        super().__init__(target, lr, settings, weight_decay=weight_decay, **limits)

    def init(self, params: Values) -> State:
        return {"m": zeros(params)}

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        directions = averages(state["m"], grads, self.settings["beta1"])
        new = [p - like(lr, p) * sign(d) for p, d in zip(params, directions, strict=True)]
        return new, {"m": averages(state["m"], grads, self.settings["beta2"])}


class LAMB(Optimizer):
    """Adam whose step has, for each array, a length in proportion to that of the array.

    Formula:   u = m̂ / (sqrt(v̂) + eps) + weight_decay · p, with Adam's corrected averages
               p - lr · (|p| / |u|) · u; the ratio is 1 where either length is 0
    Source:    You et al. (2020), Large Batch Optimization for Deep Learning, algorithm 2
    """

    decays_itself = True

    def __init__(
        self,
        target: Any,
        lr: Rate = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        **limits: Unpack[Limits],
    ) -> None:
        settings = moments(beta1, beta2, eps)
        super().__init__(target, lr, settings, weight_decay=weight_decay, **limits)

    def init(self, params: Values) -> State:
        return {"m": zeros(params), "v": zeros(params)}

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        beta1, beta2, eps = (self.settings[name] for name in ("beta1", "beta2", "eps"))
        m = averages(state["m"], grads, beta1)
        v = averages(state["v"], map(square, grads), beta2)
        first, second = 1.0 / (1.0 - beta1**step), sqrt(1.0 - beta2**step)
        new = []
        for p, mean, var in zip(params, m, v, strict=True):
            move = like(first, p) * mean / (sqrt(var) / like(second, p) + eps)
            if self.settings["weight_decay"]:
                move = move + self.settings["weight_decay"] * p
            new.append(p - like(lr, p) * _trust(p, move) * move)
        return new, {"m": m, "v": v}


class Muon(Optimizer):
    """Momentum whose matrices are made nearly orthogonal; all other arrays go by AdamW.

    A matrix is a parameter of two axes, or a kernel (out, in, …) seen as (out, in · …).

    Formula:   m' = momentum · m + (1 - momentum) · g;  u = momentum · m' + (1 - momentum) · g
               p · (1 - lr · weight_decay) - lr · scale · orthogonal(u)
               scale is 0.2 · sqrt(longer axis), for which a rate that suits AdamW suits Muon; or
               with adjust="shape" sqrt(max(1, out / in))
    Options:   steps: of the Newton-Schulz iteration; orthogonal=False: AdamW for all of them, meant
               for a group such as the first and the last layer
    Source:    Jordan et al. (2024), Muon; scale and decay: Liu et al. (2025), Muon is Scalable for
               LLM Training, eq. 4. Both take momentum · m + g: the direction is the same
    """

    decouples_decay = True

    def __init__(
        self,
        target: Any,
        lr: Rate = 0.001,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        steps: int = 5,
        adjust: str = "rms",
        orthogonal: bool = True,
        beta1: float = 0.9,
        beta2: float = 0.95,
        eps: float = 1e-8,
        weight_decay: float = 0.1,
        **limits: Unpack[Limits],
    ) -> None:
        if adjust not in ("rms", "shape"):
            problem = say("{name} is {value!r}", name="adjust", value=adjust)
            raise OptionError(problem, rule='"rms" | "shape"')
        settings = {
            "momentum": fraction("momentum", momentum),
            "nesterov": bool(nesterov),
            "steps": whole("steps", steps, 1),
            "adjust": adjust,
            "orthogonal": bool(orthogonal),
            **moments(beta1, beta2, eps),
        }
        super().__init__(target, lr, settings, weight_decay=weight_decay, **limits)

    def init(self, params: Values) -> State:
        avals = [aval_of(p) for p in params]
        return {  # squares are kept for what goes by AdamW
            "m": zeros(params),
            "v": [np.zeros((0,) if self._is_matrix(p) else p.shape, p.dtype) for p in avals],
        }

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        matrices = [i for i, p in enumerate(params) if self._is_matrix(aval_of(p))]
        others = [i for i in range(len(params)) if i not in matrices]
        rows = {name: picked(column, others) for name, column in state.items()}
        some, found = adam(
            self.settings, picked(params, others), picked(grads, others), rows, lr, step
        )
        new = merged(params, others, some)
        new_state = {name: merged(column, others, found[name]) for name, column in state.items()}
        share = self.settings["momentum"]
        m = averages(picked(state["m"], matrices), picked(grads, matrices), share)
        ahead = averages(m, picked(grads, matrices), share) if self.settings["nesterov"] else m
        for i, mean, move in zip(matrices, m, ahead, strict=True):
            scale = self._scale(aval_of(params[i]).shape)
            turned = orthogonal(move, self.settings["steps"])
            new[i] = params[i] - like(lr * scale, params[i]) * turned
            new_state["m"][i] = mean
        return new, new_state

    def _is_matrix(self, aval: Any) -> bool:
        return self.settings["orthogonal"] and len(aval.shape) > 1 and prod(aval.shape) > 0

    def _scale(self, shape: Sequence[int]) -> float:
        rows, columns = _as_matrix(shape)
        if self.settings["adjust"] == "rms":
            return 0.2 * math.sqrt(max(rows, columns))
        # A weight is (in, out), a kernel (out, in, …).
        ratio = columns / rows if len(shape) == 2 else rows / columns  # noqa: PLR2004
        return math.sqrt(max(1.0, ratio))


# --- what they are made of ---------------------------------------------------------------


@composite
def orthogonal(x: Any, steps: int = 5) -> Any:
    """The array, as a matrix, with all singular values near 1: between about 0.7 and 1.2.

    Shapes:    x (a, b), or (a, b, …) seen as (a, b · …) -> that shape
    Formula:   X = x / |x|, then `steps` times: A = X Xᵀ;  X = 3.4445 X + (-4.775 A + 2.0315 A²) X
    Source:    Jordan et al. (2024), Muon: the quintic Newton-Schulz iteration and its coefficients
    """
    shape = aval_of(x).shape
    rows, columns = _as_matrix(shape)
    matrix = reshape(x, (rows, columns))
    matrix = matrix if rows <= columns else matrix.T
    matrix = matrix / (sqrt(sum(square(matrix))) + _TINY)
    for _ in range(steps):
        a = matrix @ matrix.T
        matrix = _FIRST * matrix + (_THIRD * a + _FIFTH * (a @ a)) @ matrix
    matrix = matrix if rows <= columns else matrix.T
    return reshape(matrix, shape)


_FIRST, _THIRD, _FIFTH = 3.4445, -4.775, 2.0315
_TINY = 1e-7  # PyTorch's, so that a gradient of 0 stays 0


def _as_matrix(shape: Sequence[int]) -> tuple[int, int]:
    return shape[0], prod(shape[1:])


def _trust(param: Any, move: Any) -> Any:
    """|p| / |u|, or 1 where either is 0."""
    length, reach = sqrt(sum(square(param))), sqrt(sum(square(move)))
    is_told = logical_and(greater(length, 0), greater(reach, 0))
    return where(is_told, length / where(is_told, reach, 1), 1)
