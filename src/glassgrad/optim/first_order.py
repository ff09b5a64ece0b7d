"""The first-order optimisers, in order of increasing complexity.

Layer L8. Each is its paper's update as PyTorch computes it, and says where "Deep Learning from
Scratch" writes it differently. Scalars such as bias corrections are computed in float64 and then
take the dtype of the parameter.
"""

from __future__ import annotations

from typing import Any, Unpack

from glassgrad.optim.base import Common, Limits, Optimizer
from glassgrad.optim.options import at_least, fraction, moments
from glassgrad.optim.rows import State, Values, averages, like, zeros
from glassgrad.optim.schedules import Rate
from glassgrad.primitives.arithmetic import square
from glassgrad.primitives.transcendental import sqrt


class SGD(Optimizer):
    """Gradient descent.

    Formula:   p - lr · g
    Source:    Robbins & Monro (1951)
    """

    def __init__(
        self,
        target: Any,
        lr: Rate = 0.01,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(target, lr, {}, **common)

    def init(self, params: Values) -> State:
        return {}

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        return [p - like(lr, p) * g for p, g in zip(params, grads, strict=True)], state


class Momentum(Optimizer):
    """Gradient descent with a velocity.

    Formula:   v' = momentum · v + g;  p - lr · v'
    Source:    Polyak (1964), in the form of Sutskever et al. (2013) as PyTorch has it. The book
               keeps v' = momentum · v - lr · g and adds it, which is the same for a constant lr.
    """

    def __init__(
        self,
        target: Any,
        lr: Rate = 0.01,
        *,
        momentum: float = 0.9,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(target, lr, {"momentum": fraction("momentum", momentum)}, **common)

    def init(self, params: Values) -> State:
        return {"velocity": zeros(params)}

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        velocity = _velocity(state, grads, self.settings["momentum"])
        new = [p - like(lr, p) * v for p, v in zip(params, velocity, strict=True)]
        return new, {"velocity": velocity}


class Nesterov(Optimizer):
    """Momentum that looks ahead.

    Formula:   v' = momentum · v + g;  p - lr · (g + momentum · v')
    Source:    Nesterov (1983), in the form of Bengio et al. (2013), section 3.5, eq. 7; the book's
               Nesterov is the same update with v scaled by -lr
    """

    def __init__(
        self,
        target: Any,
        lr: Rate = 0.01,
        *,
        momentum: float = 0.9,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(target, lr, {"momentum": fraction("momentum", momentum)}, **common)

    def init(self, params: Values) -> State:
        return {"velocity": zeros(params)}

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        momentum = self.settings["momentum"]
        velocity = _velocity(state, grads, momentum)
        new = [
            p - like(lr, p) * (g + momentum * v)
            for p, g, v in zip(params, grads, velocity, strict=True)
        ]
        return new, {"velocity": velocity}


class AdaGrad(Optimizer):
    """Rates that shrink with the squares seen so far.

    Formula:   h' = h + g²;  p - lr · g / (sqrt(h') + eps)
    Source:    Duchi, Hazan & Singer (2011), with a diagonal matrix. eps is PyTorch's; the book has
               1e-7, also outside the root, so give eps=1e-7 to repeat its numbers.
    """

    def __init__(
        self,
        target: Any,
        lr: Rate = 0.01,
        *,
        eps: float = 1e-10,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(target, lr, {"eps": at_least("eps", eps, 0)}, **common)

    def init(self, params: Values) -> State:
        return {"squares": zeros(params)}

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        squares = [h + square(g) for h, g in zip(state["squares"], grads, strict=True)]
        new = _scaled_step(params, grads, squares, lr, self.settings["eps"])
        return new, {"squares": squares}


class RMSprop(Optimizer):
    """AdaGrad that forgets.

    Formula:   h' = decay · h + (1 - decay) · g²;  p - lr · g / (sqrt(h') + eps)
    Source:    Tieleman & Hinton (2012), lecture 6.5. decay and eps are PyTorch's (its alpha); the
               book has decay 0.99 too, and eps 1e-7 in the same place.
    """

    def __init__(
        self,
        target: Any,
        lr: Rate = 0.01,
        *,
        decay: float = 0.99,
        eps: float = 1e-8,
        **common: Unpack[Common],
    ) -> None:
        super().__init__(
            target,
            lr,
            {"decay": fraction("decay", decay), "eps": at_least("eps", eps, 0)},
            **common,
        )

    def init(self, params: Values) -> State:
        return {"squares": zeros(params)}

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        squares = averages(state["squares"], map(square, grads), self.settings["decay"])
        new = _scaled_step(params, grads, squares, lr, self.settings["eps"])
        return new, {"squares": squares}


class Adam(Optimizer):
    """Averages of the gradient and of its square, both corrected for their start at 0.

    Formula:   m' = beta1 · m + (1 - beta1) · g;  v' = beta2 · v + (1 - beta2) · g²
               p - lr / (1 - beta1^t) · m' / (sqrt(v') / sqrt(1 - beta2^t) + eps)
    Source:    Kingma & Ba (2015), algorithm 1. The book folds both corrections into the rate and
               adds eps = 1e-7 to sqrt(v') itself: while t is small that is a far larger eps.
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
        return adam(self.settings, params, grads, state, lr, step)


class AdamW(Optimizer):
    """Adam whose weight decay shrinks the parameter itself, whatever its gradients were.

    Formula:   p · (1 - lr · weight_decay), then Adam's update
    Source:    Loshchilov & Hutter (2019), algorithm 2, with PyTorch's default decay of 0.01
    """

    decouples_decay = True

    def __init__(
        self,
        target: Any,
        lr: Rate = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        **limits: Unpack[Limits],
    ) -> None:
        settings = moments(beta1, beta2, eps)
        super().__init__(target, lr, settings, weight_decay=weight_decay, **limits)

    def init(self, params: Values) -> State:
        return {"m": zeros(params), "v": zeros(params)}

    def update(
        self, params: Values, grads: Values, state: State, lr: Any, step: Any
    ) -> tuple[list[Any], State]:
        return adam(self.settings, params, grads, state, lr, step)


# --- what they share ---------------------------------------------------------------------


def _velocity(state: State, grads: Values, momentum: float) -> list[Any]:
    return [momentum * v + g for v, g in zip(state["velocity"], grads, strict=True)]


def _scaled_step(params: Values, grads: Values, squares: Values, lr: Any, eps: float) -> list[Any]:
    return [
        p - like(lr, p) * g / (sqrt(h) + eps)
        for p, g, h in zip(params, grads, squares, strict=True)
    ]


def adam(
    settings: Any, params: Values, grads: Values, state: State, lr: Any, step: Any
) -> tuple[list[Any], State]:
    m = averages(state["m"], grads, settings["beta1"])
    v = averages(state["v"], map(square, grads), settings["beta2"])
    rate = lr / (1.0 - settings["beta1"] ** step)
    root = sqrt(1.0 - settings["beta2"] ** step)
    new = [
        p - like(rate, p) * mean / (sqrt(var) / like(root, p) + settings["eps"])
        for p, mean, var in zip(params, m, v, strict=True)
    ]
    return new, {"m": m, "v": v}
