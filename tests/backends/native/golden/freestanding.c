/* `f` as C99, printed from its graph by glassgrad.

   void root(const float *x, float *out);

   in   x     (5,) float32
   out  out   (5,) float32

   Arrays lie row after row, and results apart from operands.
   Only these may be one array: x = out.
   Memory: 0 bytes for values, 0 bytes of constants; nothing is allocated.
   Needs stdint.h and nothing else.
   Compile with -std=c99 or -ffp-contract=off: each operation is rounded by itself.
   Fastest with -O3 and -march for the machine that runs it.
*/
#include <stdint.h>

#ifdef __FAST_MATH__
#error "-ffast-math gives other numbers, and loses NaN and infinity"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#endif

static inline uint32_t gg_u32_of_bits_f32(float x)
{
    union {
        float from;
        uint32_t to;
    } bits;
    bits.from = x;
    return bits.to;
}

static inline float gg_f32_of_bits_u32(uint32_t x)
{
    union {
        uint32_t from;
        float to;
    } bits;
    bits.from = x;
    return bits.to;
}

/* x without its fraction */
static inline float gg_trunc_f32(float x)
{
    const uint32_t bits = gg_u32_of_bits_f32(x);
    const int exponent = (int)((bits >> 23) & 255) - 127;
    if (exponent >= 23) {
        return x;
    }
    if (exponent < 0) {
        return gg_f32_of_bits_u32(bits & 0x80000000u);
    }
    return gg_f32_of_bits_u32(bits & ~(0x7fffffu >> exponent));
}

/* the greatest integer that is not above x */
static inline float gg_floor_f32(float x)
{
    const float whole = gg_trunc_f32(x);
    return whole > x ? whole - 1 : whole;
}

/* the root, rounded to the nearest: one bit of it a step, and one more to round by */
static inline float gg_sqrt_f32(float x)
{
    const uint32_t bits = gg_u32_of_bits_f32(x);
    if (x != x || bits << 1 == 0) {
        return x;
    }
    if (bits & 0x80000000u) {
        return (x - x) / (x - x);
    }
    int exponent = (int)(bits >> 23);
    if (exponent == 255) {
        return x;
    }
    uint64_t number = bits & 0x7fffffu;
    if (exponent > 0) {
        number |= 0x7fffffu + 1;
    } else {
        for (exponent = 1; number <= 0x7fffffu; exponent--) {
            number <<= 1;
        }
    }
    exponent -= 127; /* x = number * 2 ** (exponent - 23) */
    if (exponent & 1) {
        number <<= 1;
        exponent--;
    }
    number <<= 1;
    uint64_t root = 0;
    uint64_t rest = 0;
    for (int place = 24; place >= -24; place -= 2) {
        rest = (rest << 2) | (place >= 0 ? (number >> place) & 3 : 0);
        root <<= 1;
        if (rest > root << 1) {
            rest -= (root << 1) + 1;
            root++;
        }
    }
    root = (root + 1) >> 1;
    return gg_f32_of_bits_u32(((uint32_t)(exponent / 2 + 127 - 1) << 23) + (uint32_t)root);
}

static void compute_out(const float *x, float *out)
{
    /* t1 = np.floor(x)    (5,)
       t2 = t1 + 0.1       (5,)
       out = np.sqrt(t2)   (5,) */
    for (int64_t i = 0; i < 5; i++) {
        const float t2 = gg_floor_f32(x[i]) + 0x1.99999ap-4f /* 0.1 */;
        out[i] = gg_sqrt_f32(t2);
    }
}

void root(const float *x, float *out)
{
    compute_out(x, out);
}
