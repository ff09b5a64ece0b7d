"""Losses of counts and of quantities with their own uncertainty: Poisson and Gaussian likelihoods.

Layer L7. `losses.py` lists them by name.
"""

from __future__ import annotations

from math import log, pi
from typing import Any

import numpy as np

from glassgrad.core.region import composite
from glassgrad.errors import ShapeError
from glassgrad.nn.checks import (
    check_positive,
    check_range,
    check_reduction,
    floats,
    matched,
    operand,
    reduced,
)
from glassgrad.primitives.arithmetic import (
    add,
    divide,
    maximum,
    multiply,
    square,
    subtract,
)
from glassgrad.primitives.layout import array_of, astype, reshape
from glassgrad.primitives.shape import split
from glassgrad.primitives.special import lgamma
from glassgrad.primitives.transcendental import exp, xlogy
from glassgrad.primitives.transcendental import log as log_p
from glassgrad.text import say


@composite
def poisson_nll(
    pred: Any, target: Any, *, log_input: bool = True, full: bool = False, reduction: str = "mean"
) -> Any:
    """Negative log-likelihood of counts under Poisson's distribution, in nats.

    Shapes:    pred and target of one shape -> (), or that shape if reduction is "none"
    Formula:   e^pred - target pred; of rates, `log_input=False`, pred - target log(pred)
    Options:   full adds log(target!), which has no gradient for pred
    Gradient:  e^pred - target; of rates 1 - target / pred
    Numerics:  a rate of 0 costs nothing for a count of 0, and infinity for any other
    Raises:    ShapeError if shapes differ; DataError for a negative count or rate

    >>> float(poisson_nll(np.array([0.0]), np.array([2.0])))
    1.0
    """
    check_reduction(reduction)
    pred, target = matched("poisson_nll", pred, target)
    check_range("poisson_nll", "target", target, 0, np.inf)
    if log_input:
        losses = subtract(exp(pred), multiply(target, pred))
    else:
        hint = say("the logarithms of rates go with log_input=True")
        check_range("poisson_nll", "pred", pred, 0, np.inf, hint)
        losses = subtract(pred, xlogy(target, pred))
    return reduced(add(losses, lgamma(add(target, 1))) if full else losses, reduction)


@composite
def gaussian_nll(
    pred: Any,
    target: Any,
    var: Any = None,
    *,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Any:
    """Negative log-likelihood of quantities under normal distributions, in nats.

    Shapes:    pred and target of one shape, var of that shape, of size 1 or missing on the last
               axis -> (), or that shape for "none". Without var, pred is (..., 2 d) for a target
               (..., d): d means, then d logarithms of variances; (..., 1) may lack its last axis
    Formula:   ½ (log var + (pred - target)² / var); `full` adds ½ log 2π
    Gradient:  of the mean (pred - target) / var; of log var ½ - ½ (pred - target)² / var
    Numerics:  a variance below `eps` counts as `eps`, and then has no gradient. A network learns
               the logarithm more safely: it needs no bound
    Raises:    ShapeError if shapes do not fit; DataError for a negative variance
    Source:    Nix & Weigend (1994), Estimating the Mean and Variance of the Target Distribution

    >>> float(gaussian_nll(np.array([1.0]), np.array([3.0]), np.array([4.0])).round(4))
    1.1931
    >>> float(gaussian_nll(np.array([[1.0, np.log(4.0)]]), np.array([[3.0]])).round(4))
    1.1931
    """
    check_reduction(reduction)
    pred, target = floats("gaussian_nll", "pred", pred), array_of(target)
    if var is None:
        mean, log_var = _halves(pred, target)
        target = astype(reshape(target, mean.shape), mean.dtype)
        # NOTE: the square of the quotient; of both apart, e^88 is infinite in float32.
        squares = square(multiply(subtract(mean, target), exp(multiply(log_var, -0.5))))
    else:
        mean, target = matched("gaussian_nll", pred, target)
        bounded = maximum(_variance(var, mean), check_positive("gaussian_nll", "eps", eps))
        log_var = log_p(bounded)
        squares = divide(square(subtract(mean, target)), bounded)
    losses = multiply(add(log_var, squares), 0.5)
    return reduced(add(losses, 0.5 * log(2 * pi)) if full else losses, reduction)


def _halves(pred: Any, target: Any) -> tuple[Any, Any]:
    """Means and logarithms of variances, for a target of half the width."""
    size = pred.shape[-1] if pred.shape else 0
    half = (*pred.shape[:-1], size // 2)
    fits = (half, half[:-1]) if size // 2 == 1 else (half,)
    if size % 2 or size == 0 or tuple(target.shape) not in fits:
        raise ShapeError(
            say(
                "pred of shape {a} has no means and variances for {b}", a=pred.shape, b=target.shape
            ),
            operation="gaussian_nll",
            operands=[operand("pred", pred), operand("target", target)],
            rule="pred (..., 2 d), target (..., d)",
            hint=say("or give the variances: gaussian_nll(pred, target, var)"),
        )
    mean, log_var = split(pred, 2, -1)
    return mean, log_var


def _variance(var: Any, mean: Any) -> Any:
    """Variances that broadcast along the last axis of the means and nowhere else."""
    var = astype(array_of(var), mean.dtype)
    check_range("gaussian_nll", "var", var, 0, np.inf)
    lead = tuple(mean.shape[:-1])
    if tuple(var.shape) == lead and mean.shape:
        return reshape(var, (*lead, 1))
    if tuple(var.shape) in (tuple(mean.shape), (*lead, 1), ()):
        return var
    raise ShapeError(
        say("shapes {a} and {b} differ", a=mean.shape, b=var.shape),
        operation="gaussian_nll",
        operands=[operand("pred", mean), operand("var", var)],
        rule="pred (..., d), var (..., d) | (..., 1) | (...)",
    )


__all__ = ["gaussian_nll", "poisson_nll"]
