"""The stable way to write what overflowed or met an edge: one row a pattern.

Layer L8. The table is the place for what a numerical analyst knows by heart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from glassgrad.inspect import patterns
from glassgrad.inspect.site import Site
from glassgrad.text import say


@dataclass(frozen=True, eq=False)
class Rewrite:
    """What stands there, what to write instead, and why, spoken when it is read."""

    matches: Callable[[Site], bool]
    name: str
    written: str
    instead: str
    reason: Callable[[], str]

    @property
    def because(self) -> str:
        return self.reason()

    def __str__(self) -> str:
        return f"{self.written}  →  {self.instead}" if self.written else self.instead

    def to_dict(self) -> dict[str, str]:
        return {"name": self.name, "written": self.written, "instead": self.instead}


def find_rewrite(site: Site) -> Rewrite | None:
    """The first pattern that fits, special ones before general ones; None where none does."""
    return next((rewrite for rewrite in _REWRITES if rewrite.matches(site)), None)


_REWRITES: tuple[Rewrite, ...] = (
    Rewrite(
        patterns.unselected,
        "double where",
        "where(c, f(x), 0)",
        "where(c, f(where(c, x, 1)), 0)",
        lambda: say(
            "`where` discards the value of the branch that is not chosen, but its infinite "
            "derivative is still multiplied by 0"
        ),
    ),
    Rewrite(
        patterns.log_of_softmax,
        "log_softmax",
        "log(softmax(z))",
        "nn.log_softmax(z), nn.cross_entropy(z, labels)",
        lambda: say("a small probability is rounded to 0 before its logarithm is taken"),
    ),
    Rewrite(
        patterns.log_of_rest_of_sigmoid,
        "log of 1 - sigmoid",
        "log(1 - sigmoid(z))",
        "-nn.softplus(z), nn.binary_cross_entropy_with_logits(z, t)",
        lambda: say("a probability near 1 is rounded to 1, and 1 less that is 0"),
    ),
    Rewrite(
        patterns.log_of_sigmoid,
        "log_sigmoid",
        "log(sigmoid(z))",
        "-nn.softplus(-z), nn.binary_cross_entropy_with_logits(z, t)",
        lambda: say("a small probability is rounded to 0 before its logarithm is taken"),
    ),
    Rewrite(
        patterns.log_times_itself,
        "xlogy",
        "x * log(x)",
        "x * log(where(x > 0, x, 1))",
        lambda: say("0 · log 0 is 0 in the limit, but 0 · (-inf) is NaN"),
    ),
    Rewrite(
        patterns.log_of_product,
        "sum of logarithms",
        "log(prod(x))",
        "log(x).sum()",
        lambda: say("a product of many factors under- or overflows; their logarithms do not"),
    ),
    Rewrite(
        patterns.variance,
        "variance in two passes",
        "mean(x**2) - mean(x)**2",
        "np.var(x)",
        lambda: say(
            "two large numbers that are nearly equal are subtracted: rounding leaves 0 or a "
            "negative number"
        ),
    ),
    Rewrite(
        patterns.log_of_rest,
        "log of 1 - p",
        "log(1 - p)",
        "nn.binary_cross_entropy_with_logits(z, t)",
        lambda: say("a probability near 1 is rounded to 1, and 1 less that is 0"),
    ),
    Rewrite(
        patterns.log_at_edge,
        "log at 0",
        "log(x)",
        "log(np.maximum(x, 1e-12))",
        lambda: say("the logarithm of 0 is -infinity, and its derivative there 1/0"),
    ),
    Rewrite(
        patterns.log_of_negative,
        "log of a negative number",
        "log(x)",
        "log(np.maximum(x, 1e-12))",
        lambda: say("a negative number has no real logarithm; how did it come to be negative?"),
    ),
    Rewrite(
        patterns.softplus,
        "softplus",
        "log(1 + exp(x))",
        "nn.softplus(x)",
        lambda: say("e^x overflows long before log(1 + e^x), which is nearly x"),
    ),
    Rewrite(
        patterns.logsumexp,
        "logsumexp",
        "log(exp(x).sum())",
        "m + log(exp(x - m).sum()), m = x.max()",
        lambda: say("e^x overflows; less the maximum, the largest power is 1"),
    ),
    Rewrite(
        patterns.softmax,
        "softmax",
        "exp(x) / exp(x).sum()",
        "nn.softmax(x)",
        lambda: say("e^x overflows; less the maximum, the largest power is 1"),
    ),
    Rewrite(
        patterns.logistic,
        "sigmoid",
        "1 / (1 + exp(-x))",
        "nn.sigmoid(x)",
        lambda: say("e^-x overflows where the sigmoid is merely close to 0"),
    ),
    Rewrite(
        patterns.tanh,
        "tanh",
        "(exp(x) - exp(-x)) / (exp(x) + exp(-x))",
        "np.tanh(x)",
        lambda: say("both powers overflow, and infinity / infinity is NaN"),
    ),
    Rewrite(
        patterns.unselected_above,
        "double where",
        "where(c, f(x), 0)",
        "where(c, f(where(c, x, 1)), 0)",
        lambda: say(
            "`where` discards the value of the branch that is not chosen, but its infinite "
            "derivative is still multiplied by 0"
        ),
    ),
    Rewrite(
        patterns.exp,
        "exponential",
        "exp(x)",
        "exp(np.minimum(x, 80))",
        lambda: say("e^x is larger than any float32 beyond x = 88.7, any float64 beyond 709.8"),
    ),
    Rewrite(
        patterns.norm_at_zero,
        "norm at 0",
        "sqrt((x**2).sum())",
        "sqrt((x**2).sum() + 1e-12)",
        lambda: say("the length of a vector has a kink at 0: its derivative there is 0/0"),
    ),
    Rewrite(
        patterns.root_of_negative,
        "root of a negative number",
        "sqrt(x)",
        "sqrt(np.maximum(x, 0) + 1e-12)",
        lambda: say("a negative number has no real root; how did it come to be negative?"),
    ),
    Rewrite(
        patterns.root_at_zero,
        "root at 0",
        "sqrt(x)",
        "sqrt(x + 1e-12)",
        lambda: say("the derivative of a root is infinite at 0"),
    ),
    Rewrite(
        patterns.by_norm,
        "division by a norm",
        "x / norm(x)",
        "x / np.maximum(norm(x), 1e-12)",
        lambda: say("a vector of zeros has length 0, and 0/0 is NaN"),
    ),
    Rewrite(
        patterns.by_itself,
        "x / x",
        "x / x",
        "where(x == 0, 1, x / where(x == 0, 1, x))",
        lambda: say("0/0 is NaN"),
    ),
    Rewrite(
        patterns.by_zero,
        "division by 0",
        "x / y",
        "where(y == 0, 0, x / where(y == 0, 1, y))",
        lambda: say("a divisor is 0"),
    ),
    Rewrite(
        patterns.power_of_negative,
        "power of a negative number",
        "x ** a",
        "np.maximum(x, 1e-12) ** a",
        lambda: say("a negative number has no real power with a fractional exponent"),
    ),
    Rewrite(
        patterns.power_of_zero,
        "power of 0",
        "x ** a",
        "np.maximum(x, 1e-12) ** a",
        lambda: say("0 to a negative power is infinite; so is the derivative below power 1"),
    ),
    Rewrite(
        patterns.inverse_at_edge,
        "edge of the domain",
        "arccos(x)",
        "arccos(np.clip(x, -1 + 1e-7, 1 - 1e-7))",
        lambda: say("the derivative is infinite at the edge of the domain, and NaN beyond it"),
    ),
    Rewrite(
        patterns.masked_row,
        "masked row",
        "where(mask, x, -inf)",
        "where(mask, x, -1e9)",
        lambda: say("everything in this row is masked: -inf less -inf is NaN"),
    ),
    Rewrite(
        patterns.grown,
        "overflow",
        "",
        "lr / 10, clip_norm=1.0",
        lambda: say("the numbers have grown beyond their dtype"),
    ),
)

__all__ = ["Rewrite", "find_rewrite"]
