"""Further optimisers with a rate of its own for each element: Adadelta, Adamax, NAdam, RAdam.

Layer L8. Each is its paper's update as PyTorch computes it. Scalars such as bias corrections are
computed in float64 and then take the dtype of the parameter.
"""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from glassgrad.core.aval import aval_of
from glassgrad.optim.base import Common, Optimizer
from glassgrad.optim.options import above, at_least, fraction, moments
from glassgrad.optim.rows import State, Values, averages, like, zeros
from glassgrad.optim.schedules import Rate
from glassgrad.primitives.arithmetic import abs, greater, maximum, square, where
from glassgrad.primitives.transcendental import exp, log, sqrt

_SURE = 5.0  # RAdam: the length of the average from which its variance can be told


class Adadelta(Optimizer):
    """Steps in the units of the parameter: their size follows that of earlier steps.

    Formula:   h' = decay · h + (1 - decay) · g²;  u = g · sqrt(d + eps) / sqrt(h' + eps)
               d' = decay · d + (1 - decay) · u²;  p - lr · u
    Source:    Zeiler (2012), algorithm 1, where lr is 1; decay and eps are PyTorch's
    """

    def __init__(
        self,
        target: Any,
        lr: Rate = 1.0,
        *,
        decay: float = 0.9,
        eps: float = 1e-6,
        **common: Unpack[Common],
    ) -> None:
        settings = {"decay": fraction("decay", decay), "eps": above("eps", eps, 0)}
        super().__init__(target, lr, settings, **common)

    def init(self, params: Values) -> State:
        return {"squares": zeros(params), "steps": zeros(params)}

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        decay, eps = self.settings["decay"], self.settings["eps"]
        squares = averages(state["squares"], map(square, grads), decay)
        moves = [
            g * (sqrt(d + eps) / sqrt(h + eps))
            for g, d, h in zip(grads, state["steps"], squares, strict=True)
        ]
        steps = averages(state["steps"], map(square, moves), decay)
        new = [p - like(lr, p) * u for p, u in zip(params, moves, strict=True)]
        return new, {"squares": squares, "steps": steps}


class Adamax(Optimizer):
    """Adam with the largest gradient of late in place of the root of the mean square.

    Formula:   m' = beta1 · m + (1 - beta1) · g;  u' = max(beta2 · u, |g| + eps)
               p - lr / (1 - beta1^t) · m' / u'
    Source:    Kingma & Ba (2015), algorithm 2; eps, where PyTorch has it, keeps u' from 0
    """

    def __init__(
        self,
        target: Any,
        lr: Rate = 0.002,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(target, lr, moments(beta1, beta2, eps), **common)

    def init(self, params: Values) -> State:
        return {"m": zeros(params), "u": zeros(params)}

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        beta1, beta2, eps = (self.settings[name] for name in ("beta1", "beta2", "eps"))
        m = averages(state["m"], grads, beta1)
        u = [maximum(beta2 * old, abs(g) + eps) for old, g in zip(state["u"], grads, strict=True)]
        rate = lr / (1.0 - beta1**step)
        new = [p - like(rate, p) * mean / most for p, mean, most in zip(params, m, u, strict=True)]
        return new, {"m": m, "u": u}


class NAdam(Optimizer):
    """Adam that looks ahead, as Nesterov's momentum does.

    Formula:   m', v' as Adam's;  mu_t = beta1 · (1 - ½ · 0.96^(t · momentum_decay))
               P = mu_1 · … · mu_t, kept as its logarithm;  s = sqrt(v' / (1 - beta2^t)) + eps
               p - lr · ((1 - mu_t) / (1 - P) · g + mu_{t+1} / (1 - P · mu_{t+1}) · m') / s
    Source:    Dozat (2016), Incorporating Nesterov Momentum into Adam, algorithm 2 and section 3.1
    """

    def __init__(
        self,
        target: Any,
        lr: Rate = 0.002,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        momentum_decay: float = 0.004,
        **common: Unpack[Common],
    ) -> None:
        settings = moments(above("beta1", beta1, 0), beta2, eps)  # its logarithm is kept
        settings["momentum_decay"] = at_least("momentum_decay", momentum_decay, 0)
        super().__init__(target, lr, settings, **common)

    def init(self, params: Values) -> State:
        logs = [np.zeros((), aval_of(p).dtype) for p in params]
        return {"m": zeros(params), "v": zeros(params), "log_product": logs}

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        beta1, beta2, eps = (self.settings[name] for name in ("beta1", "beta2", "eps"))
        m = averages(state["m"], grads, beta1)
        v = averages(state["v"], map(square, grads), beta2)
        root = sqrt(1.0 - beta2**step)
        now, ahead = self._momentum(step), self._momentum(step + 1.0)
        logs = [old + like(log(now), old) for old in state["log_product"]]
        new = []
        for p, g, mean, var, product in zip(params, grads, m, v, map(exp, logs), strict=True):
            by_gradient = like(lr * (1.0 - now), p) / (1 - product)
            by_mean = like(lr * ahead, p) / (1 - product * like(ahead, p))
            new.append(p - (by_gradient * g + by_mean * mean) / (sqrt(var) / like(root, p) + eps))
        return new, {"m": m, "v": v, "log_product": logs}

    def _momentum(self, step: Any) -> Any:
        falling = 0.96 ** (step * self.settings["momentum_decay"])
        return self.settings["beta1"] * (1.0 - 0.5 * falling)


class RAdam(Optimizer):
    """Adam without its square root until enough gradients were seen to trust it.

    Formula:   m', v' as Adam's;  r_t = r - 2 t beta2^t / (1 - beta2^t), r = 2 / (1 - beta2) - 1
               where r_t ≤ 5: p - lr · m' / (1 - beta1^t), else that times
               sqrt((r_t-4)(r_t-2) r / ((r-4)(r-2) r_t)) · sqrt(1 - beta2^t) / (sqrt(v') + eps)
    Source:    Liu et al. (2020), On the Variance of the Adaptive Learning Rate, algorithm 2; the
               threshold is 5 as in PyTorch and the authors' code, 4 in the paper
    """

    def __init__(
        self,
        target: Any,
        lr: Rate = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(target, lr, moments(beta1, beta2, eps), **common)

    def init(self, params: Values) -> State:
        return {"m": zeros(params), "v": zeros(params)}

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        beta1, beta2, eps = (self.settings[name] for name in ("beta1", "beta2", "eps"))
        m = averages(state["m"], grads, beta1)
        v = averages(state["v"], map(square, grads), beta2)
        length = 2.0 / (1.0 - beta2) - 1.0
        fallen = beta2**step
        now = length - 2.0 * step * fallen / (1.0 - fallen)
        is_sure = greater(now, _SURE)
        least = (length - 4.0) * (length - 2.0) or 1.0  # 0 is of averages that are never sure
        share = (now - 4.0) * (now - 2.0) * length / (least * now)
        # Where it is not used, the root is that of a number that has one.
        root = sqrt(where(is_sure, share * (1.0 - fallen), 1.0))
        rate = lr / (1.0 - beta1**step) * root
        bit = where(is_sure, eps, 0.0)
        new = [
            p - like(rate, p) * mean / (sqrt(where(is_sure, var, 1)) + like(bit, p))
            for p, mean, var in zip(params, m, v, strict=True)
        ]
        return new, {"m": m, "v": v}
