"""The error function and its kin, sinc, and the logarithm of the gamma function.

Layer L2. NumPy lacks most of these, so each is stated here as a rational formula, printed as a
helper in emitted source. Coefficients without another source are our own fits: least squares in
60 digits over Chebyshev nodes, reweighted towards equal ripple, so that the fit's own error
(given with each) lies below the rounding of float64. Errors in ulp were measured against mpmath
over 20,000 points in float64; `tests/primitives/test_transcendental.py` repeats a sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import Any

from glassgrad.core.primitive import Elementwise
from glassgrad.primitives.arithmetic import equal, less, rint, square, where
from glassgrad.primitives.transcendental import exp, sin

_TWO_OVER_SQRT_PI = 1.1283791670955126
_HALF_SQRT_PI = 0.886226925452758
_CHUNK = 3  # coefficients on one line of a printed helper


def series(name: str, variable: str, coefficients: Sequence[float]) -> str:
    """Steps of a formula that leave c0 + v (c1 + v (c2 + ...)) in `name`, a few terms a line.

    >>> print(series("p", "t", (1.0, 2.0, 3.0, 4.0)))
    p3 = polynomial(t, 4.0)
    p = polynomial(t, 1.0, 2.0, 3.0, p3)
    """
    starts = range(0, len(coefficients), _CHUNK)
    steps = []
    inner = ""
    for start in reversed(starts):
        terms = [*map(repr, coefficients[start : start + _CHUNK]), *([inner] if inner else [])]
        inner = f"{name}{start}" if start else name
        steps.append(f"{inner} = polynomial({variable}, {', '.join(terms)})")
    return "\n".join(steps)


# --- the error function ------------------------------------------------------------------

# erf(x) / x in x² for |x| <= 1; relative error 7e-18.
_ERF_NEAR = (
    1.1283791670955126, -0.3761263890318352, 0.11283791670944182, -0.026866170643110966,
    0.005223977606114294, -0.0008548325929114624, 0.00012055293571000403, -1.4924712190859051e-05,
    1.6447130231772472e-06, -1.6206303761926355e-07, 1.3710938311608942e-08, -7.779392056115983e-10,
)  # fmt: skip
# erfc(x) exp(x²) in (x - 3) / (x + 3) for 1 <= x <= 6; error in erf 6e-18.
_ERF_FAR = (
    0.17900115118135385, -0.3262335600458735, 0.24560380166515466, -0.15011593633138096,
    0.07166585023853897, -0.024392327252141487, 0.00427035626383764, 0.0007131819388684318,
    -0.0005810800946860486, 7.640819504234744e-05, 0.00010296147129371341, 1.520618293927599e-05,
)  # fmt: skip
# erfc(x) exp(x²) (1 + x) in (x - 4) / (x + 4) for 0 <= x <= 28; relative error 2.3e-17.
_ERFC = (
    0.6849972881253069, -0.1993445828003673, 0.11704966551043806, -0.04808038122128536,
    0.003962055681534651, 0.01531250967857963, -0.017515654651855075, 0.012161784763262327,
    -0.006068735159621802, 0.002116421507337963, -0.00038976788474723084, -6.013645200960729e-05,
    6.403439735507272e-05, -1.3151868282385161e-05, -4.142949406438355e-06, 2.6509760825172093e-06,
    1.2027710622547075e-08, -3.637148864845921e-07, 4.251148062094689e-08, 4.50637556459362e-08,
    -5.826486982344642e-09, -4.150478521518098e-09,
)  # fmt: skip

erf = Elementwise(
    name="erf",
    formula=f"""
        size = minimum(abs(x), 6.0)
        core = where(size < 1.0, x, 0.0)
        z = core * core
        {series("near", "z", _ERF_NEAR)}
        t = (size - 3.0) / (size + 3.0)
        {series("rest", "t", _ERF_FAR)}
        far = 1.0 - exp(-size * size) * rest
        where(size < 1.0, core * near, where(x < 0, -far, far))
    """,
    symbol="erf",
    summary="2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x; error below 2 ulp",
    partials=(lambda out, x: _TWO_OVER_SQRT_PI * exp(-square(x)),),
    source="DLMF 7.2.1; own fit, form of Cody (1969)",
)
erfc = Elementwise(
    name="erfc",
    # NOTE: exp(-x²) is split at q, a multiple of 1/256 whose square is exact even in float32: the
    # rounding of x² alone would cost 300 ulp at x = 25.
    formula=f"""
        size = minimum(abs(x), 28.0)
        q = trunc(size * 256.0) / 256.0
        t = (size - 4.0) / (size + 4.0)
        {series("scaled", "t", _ERFC)}
        factor = scaled / (1.0 + size)
        tail = exp(-q * q) * (factor + factor * expm1((q - size) * (q + size)))
        where(x < 0, 2.0 - tail, tail)
    """,
    symbol="erfc",
    summary="1 - erf(x), to full relative accuracy in the tail; error below 5 ulp",
    partials=(lambda out, x: -_TWO_OVER_SQRT_PI * exp(-square(x)),),
    source="DLMF 7.2.2; own fit, form of Schonfelder (1978); the split from Cody (1969)",
)

# The normal quantile z(p), with q = p - 1/2: (z/q - sqrt(2 pi)) / q² in 0.180625 - q² for
# |q| <= 0.425, and |z| - r in r - 1.6 beyond, where r = sqrt(-log(min(p, 1 - p))) <= 6.2; each
# as a quotient (numerator, denominator). Relative errors in z 7e-18 and 1e-17.
SQRT_TWO_PI = 2.5066282746310002
QUANTILE_CENTRE = (
    (4.874765941399952, 190.18655071803965, 2787.7109368989777, 19117.87076262823,
     62245.308156042665, 86266.63471937274, 36736.007464279624, 572.901216404256),
    (1.0, 45.03881677595848, 791.6935062429113, 6887.848573937646,
     31091.51121759518, 69832.45199047544, 67924.38857000785, 19955.392250018893),
)  # fmt: skip
QUANTILE_TAIL = (
    (-0.17656288925031638, 0.34643632028149457, 1.0286135751569077, 0.8674013373865117,
     0.35521713824345674, 0.07872816299333145, 0.0093414070223727, 0.0005270721808289861,
     1.0047572904726755e-05),
    (1.0, 2.046366428259546, 1.6800422588093316, 0.7116457410416446,
     0.16600459046448973, 0.020825781734641592, 0.00123413403145772, 2.4254663059547343e-05),
)  # fmt: skip

erfinv = Elementwise(
    name="erfinv",
    # NOTE: (1 - |x|) / 2 is exact where it is small, so the ends lose nothing.
    formula=f"""
        q = 0.5 * x
        is_central = abs(q) <= 0.425
        core = where(is_central, q, 0.425)
        v = core * core
        s = 0.180625 - v
        {series("centre_top", "s", QUANTILE_CENTRE[0])}
        {series("centre", "s", QUANTILE_CENTRE[1])}
        central = core * ({SQRT_TWO_PI} + v * (centre_top / centre))
        end = 0.5 - abs(q)
        depth = -log(minimum(end, 0.075))
        r = sqrt(where(end > 0, depth, 2.56))
        u = r - 1.6
        {series("tail_top", "u", QUANTILE_TAIL[0])}
        {series("tail", "u", QUANTILE_TAIL[1])}
        outer = where(end > 0, r + tail_top / tail, depth)
        quantile = where(is_central, central, where(x < 0, -outer, outer))
        0.7071067811865476 * quantile
    """,
    symbol="erf⁻¹",
    summary="the y with erf(y) = x, for -1 <= x <= 1; error below 4 ulp",
    partials=(lambda out, x: _HALF_SQRT_PI * exp(square(out)),),
    domain=((-0.9, 0.9),),
    kink="infinite at -1 and 1",
    source="own fit, form of Wichura (1988), Algorithm AS 241",
)

# --- sinc and the spherical Bessel functions ---------------------------------------------

# The derivatives of sinc are spherical Bessel functions of the first kind, j1 to j3. Each has its
# own power series around 0 (DLMF 10.53.1), so that no order of derivative divides 0 by 0.


def _bessel_series(n: int, terms: int) -> tuple[float, ...]:
    """Coefficients of j_n(y) / y^n in y²: (-1/2)^k / (k! (2n + 2k + 1)!!)."""
    first = 1.0
    for odd in range(3, 2 * n + 2, 2):
        first /= odd
    out = [first]
    for k in range(1, terms):
        out.append(-out[-1] / (2 * k * (2 * n + 2 * k + 1)))
    return tuple(out)


def _bessel(n: int, terms: int, border: float, closed: str, partial: Any) -> Elementwise:
    power = " * ".join(["core"] * n)
    return Elementwise(
        name=f"spherical_j{n}",
        formula=f"""
            is_near = abs(x) < {border}
            core = where(is_near, x, 0.0)
            z = core * core
            {series("near", "z", _bessel_series(n, terms))}
            y = where(is_near, {border}, x)
            far = {closed}
            where(is_near, {power} * near, far)
        """,
        symbol=f"j{'₀₁₂₃'[n]}",
        summary=f"spherical Bessel function of the first kind, order {n}",
        partials=(partial,),
        source="DLMF 10.49.3, 10.53.1; derivative 10.51.2",
    )


spherical_j3: Elementwise = _bessel(
    3,
    terms=15,
    border=3.0,
    closed="((15.0 / y / y - 6.0) * sin(y) / y - (15.0 / y / y - 1.0) * cos(y)) / y",
    # j2 - 4 j3 / x; at 0 the quotient is 0, and 0 / 1 says so.
    partial=lambda out, x: spherical_j2(x) - 4.0 * out / where(equal(x, 0), 1.0, x),
)
spherical_j2: Elementwise = _bessel(
    2,
    terms=12,
    border=2.0,
    closed="((3.0 / y / y - 1.0) * sin(y) - 3.0 * cos(y) / y) / y",
    partial=lambda out, x: (2.0 * spherical_j1(x) - 3.0 * spherical_j3(x)) / 5.0,
)
spherical_j1: Elementwise = _bessel(
    1,
    terms=9,
    border=1.0,
    closed="(sin(y) / y - cos(y)) / y",
    partial=lambda out, x: (sinc(x / pi) - 2.0 * spherical_j2(x)) / 3.0,
)
sinc: Elementwise = Elementwise(
    name="sinc",
    formula=f"""
        angle = {pi} * x
        y = where(angle == 0, 1.0e-20, angle)
        sin(y) / y
    """,
    symbol="sinc",
    summary="sin(pi x) / (pi x), and 1 at 0",
    # NOTE: not (cos(pi x) - out) / x, which cancels around 0.
    partials=(lambda out, x: -pi * spherical_j1(pi * x),),
    source="DLMF 10.49.3: sinc(x) = j0(pi x); 10.51.2: j0' = -j1",
)

# --- the logarithm of the gamma function -------------------------------------------------

# lgamma(x) / ((x - 1) (x - 2)) for 0.5 <= x <= 7, as a quotient; relative error 6e-17.
_LGAMMA_TOP = (
    2.777440077013444, 124.52465339783622, 1230.9601490736345, 4284.929988709838,
    6253.547084632554, 4086.7639058977825, 1209.8489727708045, 155.38430324349275,
    7.64104462852112, 0.10468467102849548, 7.937386315015495e-05,
)  # fmt: skip
_LGAMMA_BOTTOM = (
    1.0, 72.64513733989405, 1032.809957625156, 4978.044462143763,
    9983.94936535238, 9144.955921864008, 3970.5355907853714, 809.8914299664026,
    72.96462374894135, 2.5008008662665353, 0.022311045277395664,
)  # fmt: skip
# B(2k) / (2k (2k - 1)), B(2k) / 2k and B(2k) / (2k)! for k = 1, 2, ..., with Bernoulli's B.
_STIRLING = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400,
    43867 / 244188, -174611 / 125400,
)  # fmt: skip
_DIGAMMA = (
    1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12, -3617 / 8160,
    43867 / 14364, -174611 / 6600,
)  # fmt: skip
_EULER_MACLAURIN = (
    1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000,
    1 / 74724249600, -3617 / 10670622842880000, 43867 / 5109094217170944000,
    -174611 / 802857662698291200000,
)  # fmt: skip


def _euler_maclaurin() -> str:
    """The correction of ζ(s, y) in units of s y^(-s-1), innermost term first (DLMF 25.11.28)."""
    last = len(_EULER_MACLAURIN) - 1
    steps = [f"inner{last} = {_EULER_MACLAURIN[last]!r}"]
    for k in range(last, 0, -1):
        rising = f"(s + {2 * k - 1}.0) * (s + {2 * k}.0)"
        steps.append(f"inner{k - 1} = {_EULER_MACLAURIN[k - 1]!r} + {rising} * z * inner{k}")
    return "\n".join(steps)


hurwitz_zeta: Elementwise = Elementwise(
    name="hurwitz_zeta",
    operands=("s", "x"),
    formula=f"""
        head = {" + ".join(f"(x + {k}.0) ** -s" for k in range(10))}
        y = x + 10.0
        r = 1.0 / y
        z = r * r
        {_euler_maclaurin()}
        value = head + y ** -s * (y / (s - 1.0) + 0.5 + s * r * inner0)
        where(x < 0, log(minimum(x, 1.0)), value)
    """,
    symbol="ζ",
    summary="the sum of (x + k)**-s over k = 0, 1, ..., for x > 0 and 1 < s <= 8; s is a constant",
    partials=(None, lambda out, s, x: -s * hurwitz_zeta(s + 1.0, x)),
    domain=((2.0, 4.0), (0.5, 5.0)),
    source="Euler-Maclaurin, DLMF 25.11.28; derivative 25.11.17",
)


def _digamma_partial(out: Any, x: Any) -> Any:
    """ζ(2, x), and left of 0.5 by reflection: π² / sin²(πx) - ζ(2, 1 - x) (DLMF 5.15.6)."""
    is_reflected = less(x, 0.5)
    direct = hurwitz_zeta(2.0, where(is_reflected, 1.0 - x, x))
    offset = where(is_reflected, x - rint(x), 0.25)
    return where(is_reflected, square(pi / sin(pi * offset)) - direct, direct)


# NOTE: sin(pi x) is taken of x minus its nearest integer, which is exact; pi * x is not.
_REFLECT = """
    is_reflected = x < 0.5
    a = where(is_reflected, 1.0 - x, x)
    u = where(is_reflected, x, 0.25)
    angle = 3.141592653589793 * (u - rint(u))
"""
digamma = Elementwise(
    name="digamma",
    formula=f"""
        {_REFLECT}
        head = {" + ".join(f"1.0 / (a + {k}.0)" for k in range(8))}
        y = a + 8.0
        r = 1.0 / y
        z = r * r
        {series("rest", "z", _DIGAMMA)}
        direct = log(y) - 0.5 * r - z * rest - head
        where(is_reflected, direct - 3.141592653589793 * cos(angle) / sin(angle), direct)
    """,
    symbol="ψ",
    summary="the derivative of lgamma; absolute error below 1e-14 for 0 < x < 100",
    partials=(_digamma_partial,),
    domain=((0.5, 5.0),),
    kink="poles at 0, -1, -2, ...",
    source="DLMF 5.11.2 after the recurrence 5.5.2; reflection 5.5.4",
)
lgamma = Elementwise(
    name="lgamma",
    formula=f"""
        {_REFLECT}
        b = minimum(a, 7.0)
        {series("top", "b", _LGAMMA_TOP)}
        {series("bottom", "b", _LGAMMA_BOTTOM)}
        near = (b - 1.0) * (b - 2.0) * (top / bottom)
        y = maximum(a, 7.0)
        r = 1.0 / y
        z = r * r
        {series("rest", "z", _STIRLING)}
        far = (y - 0.5) * (log(y) - 1.0) + 0.4189385332046727 + r * rest
        direct = where(a < 7.0, near, far)
        where(is_reflected, 1.1447298858494002 - log(abs(sin(angle))) - direct, direct)
    """,
    symbol="log|Γ|",
    summary="log(abs(gamma(x))); error below 8 ulp for x > 0",
    partials=(lambda out, x: digamma(x),),
    domain=((0.5, 5.0),),
    kink="poles at 0, -1, -2, ...",
    source="own fit below 7; DLMF 5.11.1 above; reflection 5.5.3",
)
