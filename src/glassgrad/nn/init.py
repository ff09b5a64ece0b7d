"""Starting weights: how they are drawn, from which papers, and which activation they fit.

Layer L7. A layer takes `init=` as a name, an `Initializer` or its description, and `rng=` as a
NumPy Generator or a seed. Without `rng` the numbers come from one stream per thread that starts at
seed 0, so that a program repeats itself; `with nn.init.seeded(seed):` starts another.

The rule of `init="auto"`, by the activation behind the layer:

    relu and its kin (see `FAMILIES`)      He normal       variance 2 / fan_in
    tanh, sigmoid, the like, or nothing    Xavier normal   variance 2 / (fan_in + fan_out)
    selu                                   LeCun normal    variance 1 / fan_in

A layer by itself does not know what follows and takes He; `Sequential` and `MLP` know, and scale
weights drawn by "auto" that are still as drawn. An initialiser chosen by name that does not fit is
left as it is, with an `InitializerWarning`.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.config import config
from glassgrad.errors import InitializerWarning, OptionError, ShapeError, unknown_option
from glassgrad.nn.checks import check_size
from glassgrad.nn.functional import find_activation
from glassgrad.text import say

if TYPE_CHECKING:
    from collections.abc import Iterator

Shape = tuple[int, ...]
Draw = Callable[..., np.ndarray]
Rng = np.random.Generator | int | None

# --- where the numbers come from ---------------------------------------------------------


class _Stream(threading.local):
    generator: np.random.Generator | None = None


_stream = _Stream()


@contextmanager
def seeded(seed: int | np.random.Generator) -> Iterator[np.random.Generator]:
    """Draw all starting weights of a `with` block from one stream.

    >>> with seeded(7):
    ...     a = normal(1.0)((2,))
    >>> with seeded(7):
    ...     bool((normal(1.0)((2,)) == a).all())
    True
    """
    before = _stream.generator
    _stream.generator = generator_of(seed)
    try:
        yield _stream.generator
    finally:
        _stream.generator = before


def generator_of(rng: Rng) -> np.random.Generator:
    """A Generator itself, a new one for a seed, or the stream of the thread for None."""
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is not None:
        return np.random.default_rng(check_size("rng", "seed", rng, least=0))
    if _stream.generator is None:
        _stream.generator = np.random.default_rng(0)
    return _stream.generator


# --- the initialiser ---------------------------------------------------------------------


@dataclass(frozen=True)
class Initializer:
    """How an array is filled: a name of `INITIALIZERS` and its options. Call it with a shape."""

    name: str
    options: tuple[tuple[str, float], ...] = ()

    def __call__(self, shape: Sequence[int], *, rng: Rng = None, dtype: Any = None) -> np.ndarray:
        """An array of `shape`. Drawn in float64, so float32 and float64 models start alike."""
        drawn = _DRAWS[self.name](tuple(shape), generator_of(rng), **dict(self.options))
        return drawn.astype(config.float if dtype is None else dtype)

    def config(self) -> str | dict[str, Any]:
        """What `resolve` takes to make this initialiser again, as JSON can hold it."""
        return {"name": self.name, **dict(self.options)} if self.options else self.name

    def __str__(self) -> str:
        listed = ", ".join(f"{key}={value:g}" for key, value in self.options)
        return f"{self.name}({listed})" if listed else self.name


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """How many inputs feed one unit, and how many units one input feeds.

    Shapes:  (in, out) of a layer; (out, in, height, width) of a convolution; a vector is both

    >>> fans((784, 50)), fans((16, 3, 5, 5))
    ((784, 50), (75, 400))
    """
    if len(shape) < 2:  # noqa: PLR2004 - a vector or a number
        return prod(shape), prod(shape)
    if len(shape) == 2:  # noqa: PLR2004 - a matrix
        return shape[0], shape[1]
    field = prod(shape[2:])
    return shape[1] * field, shape[0] * field


# --- plain -------------------------------------------------------------------------------


def _constant(shape: Shape, generator: np.random.Generator, *, value: float) -> np.ndarray:
    return np.full(shape, float(value))


def _normal(shape: Shape, generator: np.random.Generator, *, std: float, mean: float) -> np.ndarray:
    return mean + std * generator.standard_normal(shape)


def _uniform(
    shape: Shape, generator: np.random.Generator, *, low: float, high: float
) -> np.ndarray:
    return low + (high - low) * generator.random(shape)


def _truncated(
    shape: Shape, generator: np.random.Generator, *, std: float, bound: float
) -> np.ndarray:
    """Draws beyond the bound are drawn again, until none is left."""
    drawn = generator.standard_normal(shape)
    outside = np.abs(drawn) > bound
    while outside.any():
        drawn[outside] = generator.standard_normal(int(outside.sum()))
        outside = np.abs(drawn) > bound
    return std * drawn


def _orthogonal(shape: Shape, generator: np.random.Generator, *, gain: float) -> np.ndarray:
    """Q of a normal matrix, its columns signed so that every orthogonal matrix is as likely."""
    if len(shape) < 2:  # noqa: PLR2004 - a vector
        raise ShapeError(
            say("an orthogonal matrix needs two axes, not shape {shape}", shape=shape),
            operation="orthogonal",
        )
    rows, columns = shape[0], prod(shape[1:])
    tall = generator.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return gain * (q if rows >= columns else q.T).reshape(shape)


def constant(value: float) -> Initializer:
    """Every element is `value`."""
    return Initializer("constant", (("value", _number("constant", "value", value)),))


def zeros() -> Initializer:
    """Zeros, as biases start. Weights that start equal stay equal."""
    return Initializer("zeros")


def ones() -> Initializer:
    """Ones, as scales start."""
    return Initializer("ones")


def normal(std: float = 0.01, mean: float = 0.0) -> Initializer:
    """Normal numbers; 0.01 is the book's first choice (Deep Learning from Scratch, 4.5.1)."""
    options = (
        ("std", _number("normal", "std", std, least=0)),
        ("mean", _number("normal", "mean", mean)),
    )
    return Initializer("normal", options)


def uniform(low: float = 0.0, high: float = 1.0) -> Initializer:
    """Uniform numbers in [low, high), by default those of `np.random.rand`."""
    low, high = _number("uniform", "low", low), _number("uniform", "high", high)
    if low > high:
        problem = say("{name} is {value!r}", name="low", value=low)
        raise OptionError(problem, operation="uniform", rule=f"low <= {high:g}")
    return Initializer("uniform", (("low", low), ("high", high)))


def truncated_normal(std: float = 0.02, bound: float = 2.0) -> Initializer:
    """Normal numbers within `bound` standard deviations; `std` is that before the cut."""
    bound = _number("truncated_normal", "bound", bound, least=0.01)
    options = ("std", _number("truncated_normal", "std", std, least=0)), ("bound", bound)
    return Initializer("truncated_normal", options)


def orthogonal(gain: float = 1.0) -> Initializer:
    """A matrix with orthonormal rows or columns, times `gain`.

    Source:  Saxe, McClelland & Ganguli (2014), Exact Solutions to the Nonlinear Dynamics
    """
    return Initializer("orthogonal", (("gain", _number("orthogonal", "gain", gain)),))


def _number(operation: str, name: str, value: float, least: float = -np.inf) -> float:
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not is_number or not least <= value < np.inf:
        problem = say("{name} is {value!r}", name=name, value=value)
        rule = f"{name} >= {least:g}" if least > -np.inf else say("a finite number")
        raise OptionError(problem, operation=operation, rule=rule)
    return float(value)


# --- by fan ------------------------------------------------------------------------------

# Family -> variance of a weight from (fan_in, fan_out).
_VARIANCES: dict[str, Callable[[int, int], float]] = {
    # He, Zhang, Ren & Sun (2015), Delving Deep into Rectifiers, eq. 10
    "he": lambda fan_in, fan_out: 2 / fan_in,
    # Glorot & Bengio (2010), Understanding the Difficulty of Training Deep ..., eq. 12 and 16
    "xavier": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    # LeCun, Bottou, Orr & Müller (1998), Efficient BackProp, eq. 16; Klambauer et al. (2017)
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
}


def deviation(family: str, shape: Sequence[int]) -> float:
    """The standard deviation that a family gives to weights of `shape`; 0 for an empty one.

    >>> deviation("he", (50, 10))
    0.2
    """
    fan_in, fan_out = fans(shape)
    return sqrt(_VARIANCES[family](fan_in, fan_out)) if fan_in and fan_out else 0.0


def _by_fan(family: str, kind: str) -> Draw:
    def draw(shape: Shape, generator: np.random.Generator) -> np.ndarray:
        std = deviation(family, shape)
        if kind == "normal":
            return std * generator.standard_normal(shape)
        limit = sqrt(3) * std  # a uniform number in (-a, a) has variance a² / 3
        return _uniform(shape, generator, low=-limit, high=limit)

    return draw


# --- by name -----------------------------------------------------------------------------

_DRAWS: dict[str, Draw] = {
    "auto": _by_fan("he", "normal"),
    "constant": _constant,
    "zeros": lambda shape, generator: np.zeros(shape),
    "ones": lambda shape, generator: np.ones(shape),
    "normal": _normal,
    "uniform": _uniform,
    "truncated_normal": _truncated,
    "orthogonal": _orthogonal,
    **{
        f"{family}_{kind}": _by_fan(family, kind)
        for family in _VARIANCES
        for kind in ("normal", "uniform")
    },
}


def _named(name: str) -> Callable[[], Initializer]:
    return lambda: Initializer(name)


# Name -> function that makes the initialiser; `he`, `xavier` and `lecun` are the normal forms.
INITIALIZERS: dict[str, Callable[..., Initializer]] = {
    "auto": _named("auto"),
    "constant": constant,
    "zeros": zeros,
    "ones": ones,
    "normal": normal,
    "uniform": uniform,
    "truncated_normal": truncated_normal,
    "orthogonal": orthogonal,
    **{f"{f}_{kind}": _named(f"{f}_{kind}") for f in _VARIANCES for kind in ("normal", "uniform")},
    **{family: _named(f"{family}_normal") for family in _VARIANCES},
}
Spec = str | Initializer | Mapping[str, Any]


def resolve(spec: Spec) -> Initializer:
    """The initialiser of a name, of a description `{"name": "normal", "std": 0.1}`, or itself.

    Raises:  OptionError for an unknown name or option

    >>> resolve("he"), str(resolve({"name": "uniform", "high": 0.5}))
    (Initializer(name='he_normal', options=()), 'uniform(low=0, high=0.5)')
    """
    if isinstance(spec, Initializer):
        return spec
    options = {} if isinstance(spec, str) else {str(k): v for k, v in dict(spec).items()}
    name = spec if isinstance(spec, str) else options.pop("name", None)
    if name not in INITIALIZERS:
        raise unknown_option("initialiser", name, INITIALIZERS)
    try:
        return INITIALIZERS[name](**options)
    except TypeError:
        problem = say("{name} does not take {given}", name=name, given=", ".join(options) or "()")
        raise OptionError(problem, operation="init") from None


# --- which fits which --------------------------------------------------------------------

_FITTING = {
    "he": "celu elu gelu hardswish leaky_relu mish relu relu6 silu softplus",
    "xavier": (
        "hardsigmoid hardtanh identity log_sigmoid log_softmax sigmoid softmax softsign tanh"
    ),
    "lecun": "selu",
}
# Activation -> the family of initialisers that keeps its signals and gradients of one size.
FAMILIES: dict[str, str] = {
    activation: family for family, names in _FITTING.items() for activation in names.split()
}


def family_for(activation: str) -> str:
    """The family that fits an activation, "he", "xavier" or "lecun".

    >>> family_for("relu"), family_for("tanh")
    ('he', 'xavier')
    """
    find_activation(activation)
    return FAMILIES[activation]


def misfit(initializer: Initializer, activation: str) -> str:
    """Why an initialiser does not fit the activation behind it; empty if it does.

    Deviations that the user chose (normal, uniform, orthogonal) are not judged, nor is a layer
    without an activation behind it.
    """
    if initializer.name in ("zeros", "ones", "constant"):
        return say("weights that start equal get equal gradients and stay equal")
    family = initializer.name.partition("_")[0]
    wanted = family_for(activation)
    if family not in _VARIANCES or family == wanted or activation == "identity":
        return ""
    return say("{activation} wants {wanted}", activation=activation, wanted=f"{wanted}_normal")


def warn_misfits(rows: Iterable[tuple[str, Initializer, str]]) -> None:
    """One warning that names every layer (path, initialiser, activation) that does not fit."""
    found = [(path, init, misfit(init, activation)) for path, init, activation in rows]
    lines = [f"{path}: {init}: {reason}" for path, init, reason in found if reason]
    if lines:
        text = say("initialiser and activation do not fit: {layers}", layers="; ".join(lines))
        warnings.warn(text, InitializerWarning, stacklevel=4)
