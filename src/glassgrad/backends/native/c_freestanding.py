"""What math.h would bring, in plain C99: exact or correctly rounded, hence equal to it in each bit.

Layer L6. Texts only, keyed by (operation, dtype), each with the keys that it calls; `c_helpers.py`
fills in types. For machines without a C library: integer arithmetic, no tables, no libc. A
remainder costs a step a bit of its quotient, a root a step a bit.
"""

from __future__ import annotations

Key = tuple[str, str]

# $I is the integer of as many bits, named $IS; FRACTION bits of the number are stored.
_EACH: dict[str, tuple[tuple[str, ...], str]] = {
    "abs": (
        ("bits", "number"),
        """
static inline $T gg_abs_$S($T x)
{
    return gg_$S_of_bits_$IS(gg_$IS_of_bits_$S(x) & ~$SIGN);
}
""",
    ),
    "copysign": (
        ("bits", "number"),
        """
/* the size of x with the sign of y */
static inline $T gg_copysign_$S($T x, $T y)
{
    const $I size = gg_$IS_of_bits_$S(x) & ~$SIGN;
    return gg_$S_of_bits_$IS(size | (gg_$IS_of_bits_$S(y) & $SIGN));
}
""",
    ),
    "trunc": (
        ("bits", "number"),
        """
/* x without its fraction */
static inline $T gg_trunc_$S($T x)
{
    const $I bits = gg_$IS_of_bits_$S(x);
    const int exponent = (int)((bits >> $FRACTION) & $TOP) - $BIAS;
    if (exponent >= $FRACTION) {
        return x;
    }
    if (exponent < 0) {
        return gg_$S_of_bits_$IS(bits & $SIGN);
    }
    return gg_$S_of_bits_$IS(bits & ~($MASK >> exponent));
}
""",
    ),
    "floor": (
        ("trunc",),
        """
/* the greatest integer that is not above x */
static inline $T gg_floor_$S($T x)
{
    const $T whole = gg_trunc_$S(x);
    return whole > x ? whole - 1 : whole;
}
""",
    ),
    "ceil": (
        ("trunc",),
        """
/* the least integer that is not below x */
static inline $T gg_ceil_$S($T x)
{
    const $T whole = gg_trunc_$S(x);
    return whole < x ? whole + 1 : whole;
}
""",
    ),
    "rint": (
        ("abs", "copysign"),
        """
/* the nearest integer, the even one of two; from $WHOLE on all numbers are integers */
static inline $T gg_rint_$S($T x)
{
    const $T size = gg_abs_$S(x);
    if (!(size < $WHOLE)) {
        return x;
    }
    const $T shifted = size + $WHOLE;
    return gg_copysign_$S(shifted - $WHOLE, x);
}
""",
    ),
    "fmod": (
        ("bits", "number"),
        """
/* what remains of x after whole multiples of y, with the sign of x; exact */
static inline $T gg_fmod_$S($T x, $T y)
{
    const $I sign = gg_$IS_of_bits_$S(x) & $SIGN;
    $I rest = gg_$IS_of_bits_$S(x) & ~$SIGN;
    $I step = gg_$IS_of_bits_$S(y) & ~$SIGN;
    int high = (int)(rest >> $FRACTION);
    int low = (int)(step >> $FRACTION);
    if (x != x || y != y || high == $TOP || step == 0) {
        return (x * y) / (x * y);
    }
    if (rest < step) {
        return x;
    }
    if (high > 0) {
        rest = (rest & $MASK) | ($MASK + 1);
    } else {
        for (high = 1; rest <= $MASK; high--) {
            rest <<= 1;
        }
    }
    if (low > 0) {
        step = (step & $MASK) | ($MASK + 1);
    } else {
        for (low = 1; step <= $MASK; low--) {
            step <<= 1;
        }
    }
    for (; high > low; high--) {
        rest = (rest >= step ? rest - step : rest) << 1;
    }
    rest = rest >= step ? rest - step : rest;
    for (; rest != 0 && rest <= $MASK; low--) {
        rest <<= 1;
    }
    if (rest != 0) {
        rest = low > 0 ? (rest - $MASK - 1) | (($I)low << $FRACTION) : rest >> (1 - low);
    }
    return gg_$S_of_bits_$IS(rest | sign);
}
""",
    ),
    "sqrt": (
        ("bits", "number"),
        """
/* the root, rounded to the nearest: one bit of it a step, and one more to round by */
static inline $T gg_sqrt_$S($T x)
{
    const $I bits = gg_$IS_of_bits_$S(x);
    if (x != x || bits << 1 == 0) {
        return x;
    }
    if (bits & $SIGN) {
        return (x - x) / (x - x);
    }
    int exponent = (int)(bits >> $FRACTION);
    if (exponent == $TOP) {
        return x;
    }
    uint64_t number = bits & $MASK;
    if (exponent > 0) {
        number |= $MASK + 1;
    } else {
        for (exponent = 1; number <= $MASK; exponent--) {
            number <<= 1;
        }
    }
    exponent -= $BIAS; /* x = number * 2 ** (exponent - $FRACTION) */
    if (exponent & 1) {
        number <<= 1;
        exponent--;
    }
    number <<= $ODD;
    uint64_t root = 0;
    uint64_t rest = 0;
    for (int place = $FIRST; place >= $LAST; place -= 2) {
        rest = (rest << 2) | (place >= 0 ? (number >> place) & 3 : 0);
        root <<= 1;
        if (rest > root << 1) {
            rest -= (root << 1) + 1;
            root++;
        }
    }
    root = (root + 1) >> 1;
    return gg_$S_of_bits_$IS((($I)(exponent / 2 + $BIAS - 1) << $FRACTION) + ($I)root);
}
""",
    ),
}
_FMA_SINGLE = """
/* x * y + z, rounded once. The product is exact in double; the sum is rounded there to the number
   of two whose last bit is odd, from which rounding again cannot go wrong (Boldo and Melquiond,
   "Emulation of FMA and correctly rounded sums", 2008). */
static inline float gg_fma_f32(float x, float y, float z)
{
    const double product = (double)x * (double)y;
    const double sum = product + (double)z;
    const double part = sum - product;
    const double lost = (product - (sum - part)) + ((double)z - part);
    uint64_t bits = gg_u64_of_bits_f64(sum);
    if (sum - sum == 0.0 && lost != 0.0 && (bits & 1) == 0) {
        bits = (lost > 0.0) == (sum > 0.0) ? bits + 1 : bits - 1;
    }
    return (float)gg_f64_of_bits_u64(bits);
}
"""
_WIDE = """
/* 128 bits, and the power of two that they are multiplied by */
struct gg_wide {
    uint64_t high;
    uint64_t low;
    int exponent;
};

static inline struct gg_wide gg_wide_product(uint64_t x, uint64_t y, int exponent)
{
    const uint64_t x0 = x & 0xffffffffu, x1 = x >> 32;
    const uint64_t y0 = y & 0xffffffffu, y1 = y >> 32;
    const uint64_t middle = x1 * y0 + ((x0 * y0) >> 32);
    const uint64_t carried = x0 * y1 + (middle & 0xffffffffu);
    struct gg_wide out;
    out.high = x1 * y1 + (middle >> 32) + (carried >> 32);
    out.low = x * y;
    out.exponent = exponent;
    return out;
}

/* brought to a higher exponent, if it is one; bits that fall off leave a 1 at the end */
static inline struct gg_wide gg_wide_raised(struct gg_wide x, int exponent)
{
    const int places = exponent - x.exponent;
    if (places <= 0) {
        return x;
    }
    x.exponent = exponent;
    if (places >= 128) {
        x.low = (x.high | x.low) != 0;
        x.high = 0;
    } else if (places >= 64) {
        const uint64_t gone = places > 64 ? x.high << (128 - places) : 0;
        x.low = (x.high >> (places - 64)) | ((gone | x.low) != 0);
        x.high = 0;
    } else {
        const uint64_t gone = x.low << (64 - places);
        x.low = (x.low >> places) | (x.high << (64 - places)) | (gone != 0);
        x.high >>= places;
    }
    return x;
}

/* shifted until its highest bit is set */
static inline struct gg_wide gg_wide_filled(struct gg_wide x)
{
    while (!(x.high >> 63)) {
        x.high = (x.high << 1) | (x.low >> 63);
        x.low <<= 1;
        x.exponent--;
    }
    return x;
}

/* the integer of a finite number without its sign, and its exponent */
static inline struct gg_wide gg_wide_of(double x)
{
    const uint64_t bits = gg_u64_of_bits_f64(x);
    const int exponent = (int)((bits >> 52) & 2047);
    struct gg_wide out;
    out.high = 0;
    out.low = (bits & UINT64_C(0xfffffffffffff)) | ((uint64_t)(exponent > 0) << 52);
    out.exponent = (exponent > 0 ? exponent : 1) - 1075;
    return out;
}
"""
_FMA_DOUBLE = """
/* x * y + z, rounded once: exactly in integers, then to the nearest, the even one of two */
static inline double gg_fma_f64(double x, double y, double z)
{
    const uint64_t top = UINT64_C(0x7ff0000000000000);
    const uint64_t sign = UINT64_C(0x8000000000000000);
    const uint64_t x_bits = gg_u64_of_bits_f64(x);
    const uint64_t y_bits = gg_u64_of_bits_f64(y);
    const uint64_t z_bits = gg_u64_of_bits_f64(z);
    if ((x_bits & top) == top || (y_bits & top) == top || x == 0.0 || y == 0.0) {
        return x * y + z;
    }
    if ((z_bits & top) == top) {
        return z;
    }
    const struct gg_wide x_wide = gg_wide_of(x);
    const struct gg_wide y_wide = gg_wide_of(y);
    struct gg_wide a = gg_wide_of(z);
    struct gg_wide b = gg_wide_product(
        x_wide.low, y_wide.low, x_wide.exponent + y_wide.exponent);
    uint64_t a_sign = z_bits & sign;
    uint64_t b_sign = (x_bits ^ y_bits) & sign;
    b = gg_wide_filled(b);
    if (z != 0.0) {
        a = gg_wide_filled(a);
    } else {
        a.exponent = b.exponent;
    }
    /* one bit is left free for the carry, and the smaller one comes to the larger one's exponent */
    a = gg_wide_raised(a, a.exponent + 1);
    b = gg_wide_raised(b, b.exponent + 1);
    a = gg_wide_raised(a, b.exponent);
    b = gg_wide_raised(b, a.exponent);
    if (a_sign == b_sign) {
        a.low += b.low;
        a.high += b.high + (a.low < b.low);
    } else {
        if (a.high < b.high || (a.high == b.high && a.low < b.low)) {
            const struct gg_wide smaller = a;
            a = b;
            b = smaller;
            a_sign = b_sign;
        }
        a.high -= b.high + (a.low < b.low);
        a.low -= b.low;
    }
    if ((a.high | a.low) == 0) {
        return 0.0;
    }
    a = gg_wide_filled(a);
    /* 53 bits are kept, fewer below the least normal number, and two to round by */
    const int last = a.exponent + 75 > -1074 ? a.exponent + 75 : -1074;
    if (last > 971) {
        return gg_f64_of_bits_u64(top | a_sign);
    }
    const uint64_t quarters = gg_wide_raised(a, last - 2).low;
    uint64_t number = quarters >> 2;
    if ((quarters & 3) == 3 || ((quarters & 2) && (number & 1))) {
        number++; /* a carry runs into the exponent, as it should */
    }
    return gg_f64_of_bits_u64((((uint64_t)(last + 1074) << 52) + number) | a_sign);
}
"""
FREESTANDING: dict[Key, tuple[tuple[Key, ...], str]] = {
    (op, dtype): (tuple((name, dtype) for name in needed), text)
    for op, (needed, text) in _EACH.items()
    for dtype in ("float32", "float64")
}
FREESTANDING["fma", "float32"] = ((("bits", "float64"), ("number", "float64")), _FMA_SINGLE)
FREESTANDING["wide", "float64"] = ((("bits", "float64"), ("number", "float64")), _WIDE)
FREESTANDING["fma", "float64"] = ((("wide", "float64"),), _FMA_DOUBLE)

# What the placeholders stand for that tell the two formats apart.
LAYOUTS = {
    "float32": {
        "I": "uint32_t", "IS": "u32", "SIGN": "0x80000000u", "MASK": "0x7fffffu", "FRACTION": "23",
        "ODD": "1", "FIRST": "24", "LAST": "-24", "TOP": "255", "BIAS": "127",
        "WHOLE": "8388608.0f",
    },
    "float64": {
        "I": "uint64_t", "IS": "u64", "SIGN": "UINT64_C(0x8000000000000000)",
        "MASK": "UINT64_C(0xfffffffffffff)", "FRACTION": "52",
        "ODD": "0", "FIRST": "52", "LAST": "-54", "TOP": "2047", "BIAS": "1023",
        "WHOLE": "4503599627370496.0",
    },
}  # fmt: skip
