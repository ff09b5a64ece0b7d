"""K. Saito, "Deep Learning from Scratch 3" (DeZero): derivatives of derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glassgrad.autodiff.api import grad
from glassgrad.canon.base import Circuit, Experiment, Results, measured, words
from glassgrad.graph.trace import trace

_BOOK = "K. Saito, Deep Learning from Scratch 3, 2020"

# --- functions of two variables ----------------------------------------------------------


def _chain(x: Any) -> Any:
    a = x**2
    b = np.exp(a)
    y = b**2
    return y


chain = Circuit(
    name="dezero.chain",
    heading=words("square(exp(square(x)))"),
    source=f"{_BOOK}, steps 3 and 6",
    function=_chain,
    inputs={"x": 0.5},
    expected={"y": 1.648721270700128, "dx": 3.297442541400256},
)


def _sphere(x: Any, y: Any) -> Any:
    z = x**2 + y**2
    return z


sphere = Circuit(
    name="dezero.sphere",
    heading=words("The sphere function"),
    source=f"{_BOOK}, step 24",
    function=_sphere,
    inputs={"x": 1.0, "y": 1.0},
    expected={"dx": 2, "dy": 2},
)


def _matyas(x: Any, y: Any) -> Any:
    z = 0.26 * (x**2 + y**2) - 0.48 * x * y
    return z


matyas = Circuit(
    name="dezero.matyas",
    heading=words("The Matyas function"),
    source=f"{_BOOK}, step 24",
    function=_matyas,
    inputs={"x": 1.0, "y": 1.0},
    expected={"dx": 0.04, "dy": 0.04},
)


def _goldstein_price(x: Any, y: Any) -> Any:
    left = 1 + (x + y + 1) ** 2 * (19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2)
    right = 30 + (2 * x - 3 * y) ** 2 * (18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2)
    z = left * right
    return z


goldstein_price = Circuit(
    name="dezero.goldstein_price",
    heading=words("The Goldstein-Price function"),
    source=f"{_BOOK}, step 24",
    function=_goldstein_price,
    inputs={"x": 1.0, "y": 1.0},
    expected={"z": 1876, "dx": -5376, "dy": 8064},
)


def _rosenbrock(x0: Any, x1: Any) -> Any:
    y = 100 * (x1 - x0**2) ** 2 + (x0 - 1) ** 2
    return y


rosenbrock = Circuit(
    name="dezero.rosenbrock",
    heading=words("The Rosenbrock function"),
    source=f"{_BOOK}, step 28",
    function=_rosenbrock,
    inputs={"x0": 0.0, "x1": 2.0},
    expected={"dx0": -2, "dx1": 400},
)

# --- higher orders -----------------------------------------------------------------------


def _quartic(x: Any) -> Any:
    return x**4 - 2 * x**2


def _measure_newton() -> Results:
    slope, curvature = grad(_quartic), grad(grad(_quartic))
    x = np.float64(2.0)
    path = [float(x)]
    for _ in range(6):
        x = x - slope(x) / curvature(x)
        path.append(float(x))
    rows = tuple((str(i), x) for i, x in enumerate(path))
    return Results(("step", "x"), rows, {"x": path})


newton = Experiment(
    name="dezero.newton",
    heading=words("Newton's method on x^4 - 2 x^2"),
    source=f"{_BOOK}, steps 29 and 33",
    notes=words("The second derivative is the gradient of the gradient; none is typed."),
    measure=_measure_newton,
    function=_quartic,
    expected={
        "x": [2, "1.454545", "1.151047", "1.025326", "1.000908", "1.000001", "1.000000"],
    },
)

_ORDERS = 6


def _derivatives(function: Callable[..., Any]) -> tuple[list[float], list[int]]:
    """The function and its derivatives at 1, and how many equations each one's graph has."""
    x = np.float64(1.0)
    values, sizes = [], []
    for _ in range(_ORDERS + 1):
        values.append(float(function(x)))
        sizes.append(len(trace(function, x).eqns))
        function = grad(function)
    return values, sizes


def _measure_orders() -> Results:
    (sines, sine_sizes), (tanhs, tanh_sizes) = _derivatives(np.sin), _derivatives(np.tanh)
    rows = zip(map(str, range(_ORDERS + 1)), sines, sine_sizes, tanhs, tanh_sizes, strict=True)
    columns = ("order", "sin", "equations", "tanh", "equations")
    return Results(columns, tuple(rows), {"sin": sines, "tanh": tanhs})


higher_orders = Experiment(
    name="dezero.higher_orders",
    heading=words("Derivatives of sin and tanh up to order 6"),
    source=f"{_BOOK}, steps 34 and 35",
    notes=words(
        "sin stays small, because its derivatives are sin and cos again. The graph of tanh grows "
        "with each order: the picture of step 35. The expected values are from mpmath, at x = 1."
    ),
    measure=_measure_orders,
    function=_derivatives,
    expected={
        "sin": [
            "0.841470984807897",
            "0.54030230586814",
            "-0.841470984807897",
            "-0.54030230586814",
            "0.841470984807897",
            "0.54030230586814",
            "-0.841470984807897",
        ],
        "tanh": [
            "0.761594155955765",
            "0.419974341614026",
            "-0.639700008449225",
            "0.621626680771296",
            "0.665091044750502",
            "-5.55689355847372",
            "13.6240754413121",
        ],
    },
)


def _square(x: Any) -> Any:
    return x**2


def _penalized(x: Any) -> Any:
    gx = grad(_square)(x)
    z = gx**3 + _square(x)
    return z


def _measure_double() -> Results:
    x = np.float64(2.0)
    return measured({"z": float(_penalized(x)), "dz/dx": float(grad(_penalized)(x))})


double_backprop = Experiment(
    name="dezero.double_backprop",
    heading=words("A gradient inside the function that is differentiated"),
    source=f"{_BOOK}, step 36",
    notes=words("z = (2x)^3 + x^2, so dz/dx = 24 x^2 + 2 x, which is 100 at x = 2."),
    measure=_measure_double,
    function=_penalized,
    parts=(_square,),
    expected={"z": 68, "dz/dx": 100},
)
