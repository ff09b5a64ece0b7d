/* `scanned` as C99, printed from its graph by glassgrad.

   void scanned(const double *W, const double *xs, double *loss, double *dW, double *dxs);

   in   W      (2, 2) float64
   in   xs     (6, 2) float64
   out  loss   () float64
   out  dW     (2, 2) float64
   out  dxs    (6, 2) float64

   Arrays lie row after row, and results apart from operands.
   Memory: 1,064 bytes for values, 144 bytes of constants; nothing is allocated.
   One call at a time: all calls share that memory.
   Needs stdint.h, math.h and nothing else.
   Compile with -std=c99 or -ffp-contract=off: each operation is rounded by itself.
   Fastest with -O3 and -march for the machine that runs it.
*/
#include <stdint.h>
#include <math.h>

#ifdef __FAST_MATH__
#error "-ffast-math gives other numbers, and loses NaN and infinity"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#endif

static const double constant[2] = {
    0.0, 0.0,
};

static const double constant2[4] = {
    0.0, 0.0, 0.0, 0.0,
};

static const double constant3[12] = {
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
};

static inline uint64_t gg_u64_of_bits_f64(double x)
{
    union {
        double from;
        uint64_t to;
    } bits;
    bits.from = x;
    return bits.to;
}

static inline double gg_f64_of_bits_u64(uint64_t x)
{
    union {
        uint64_t from;
        double to;
    } bits;
    bits.from = x;
    return bits.to;
}

/* tanh, within 1.55 ulp of the true value */
static inline double gg_tanh_f64(double x)
{
    const double t1 = fabs(x);
    const double t2 =
        t1 > 0x1.319999999999ap+4 /* 19.1 */ ? 0x1.319999999999ap+4 /* 19.1 */ : t1;
    const unsigned char t3 = t2 > 0x1.199999999999ap-1 /* 0.55 */;
    const double t4 = t2 * t2;
    const double t5 = t2 + t2;
    const double t6 = fma(t5, 0x1.71547652b82fep+0 /* 1.4427 */, 6755399441055744.0);
    const double t7 =
        fma(t6 - 6755399441055744.0, -0x1.62e42fefa39efp-1 /* -0.693147 */, t5);
    const uint64_t t8 = (gg_u64_of_bits_f64(t6) << 52u) + UINT64_C(4607182418800017408);
    const double t9 = gg_f64_of_bits_u64(t8);
    const double t10 = t7 * t7;
    const double t11 = fma(
        t10, 0x1.adab89ee6ad5ep-26 /* 2.50101e-08 */,
        0x1.71df087f8aab3p-19 /* 2.75576e-06 */);
    const double t12 = fma(t10, t11, 0x1.a01a0137cae4ep-13 /* 0.000198413 */);
    const double t13 = fma(t10, t12, 0x1.1111111125202p-7 /* 0.00833333 */);
    const double t14 = fma(t10, t13, 0x1.5555555555505p-3 /* 0.166667 */);
    const double t15 = fma(
        t10, 0x1.28adf57364303p-22 /* 2.76304e-07 */,
        0x1.a0199965c465dp-16 /* 2.48015e-05 */);
    const double t16 = fma(t10, t15, 0x1.6c16c184751d8p-10 /* 0.00138889 */);
    const double t17 = fma(t10, t16, 0x1.55555555506c1p-5 /* 0.0416667 */);
    const double t18 = fma(t10, t17, 0x1.000000000000ap-1 /* 0.5 */);
    const double t19 = fma(t7, t14, t18);
    const double t20 = fma(t10, t19, t7);
    const double t21 = fma(
        t4, -0x1.a1d7fa1c5b95p-13 /* -0.000199243 */,
        -0x1.4fe0611ce6575p-6 /* -0.0205003 */);
    const double t22 = fma(t4, t21, -0x1.5555555555555p-2 /* -0.333333 */);
    const double t23 = fma(
        t4, 0x1.b147878e209a4p-13 /* 0.000206604 */, 0x1.7da32aacf6838p-6 /* 0.0232933 */);
    const double t24 = fma(t4, t23, 0x1.d893abcf04c4fp-2 /* 0.461501 */);
    const double t25 =
        (t3 ? 2.0 : t2 * t4 * t22) / (t3 ? fma(t9, t20, t9 + 1.0) : fma(t4, t24, 1.0));
    return copysign(t3 ? 1.0 - t25 : t2 + t25, x);
}

static inline void gg_fill_f64(double *lanes, int64_t count, double value)
{
    for (int64_t lane = 0; lane < count; lane++) {
        lanes[lane] = value;
    }
}

/* lanes are combined pairwise: l with l + count / 2, then l with l + count / 4, ... */
static inline double gg_add_lanes_f64(double *lanes, int64_t count)
{
    for (int64_t half = count / 2; half > 0; half /= 2) {
        for (int64_t lane = 0; lane < half; lane++) {
            lanes[lane] = lanes[lane] + lanes[lane + half];
        }
    }
    return lanes[0];
}

/* sech_squared, within 1.6 ulp of the true value */
static inline double gg_sech_squared_f64(double x)
{
    const double t1 = fabs(x);
    const double t2 = t1 + t1;
    const double t3 = -(t2 > 748.0 ? 748.0 : t2);
    const double t4 = fma(t3, 0x1.71547652b82fep+0 /* 1.4427 */, 6755399441055744.0);
    const double t5 = t4 - 6755399441055744.0;
    const double t6 = fma(t5, -0x1.62e42fefa4p-1 /* -0.693147 */, t3);
    const double t7 = fma(t5, 0x1.8432a1b0e2634p-43 /* 1.72394e-13 */, t6);
    const double t8 = t7 * t7;
    const double t9 = fma(
        t8, 0x1.adab89ee6ad5ep-26 /* 2.50101e-08 */,
        0x1.71df087f8aab3p-19 /* 2.75576e-06 */);
    const double t10 = fma(t8, t9, 0x1.a01a0137cae4ep-13 /* 0.000198413 */);
    const double t11 = fma(t8, t10, 0x1.1111111125202p-7 /* 0.00833333 */);
    const double t12 = fma(t8, t11, 0x1.5555555555505p-3 /* 0.166667 */);
    const double t13 = fma(
        t8, 0x1.28adf57364303p-22 /* 2.76304e-07 */,
        0x1.a0199965c465dp-16 /* 2.48015e-05 */);
    const double t14 = fma(t8, t13, 0x1.6c16c184751d8p-10 /* 0.00138889 */);
    const double t15 = fma(t8, t14, 0x1.55555555506c1p-5 /* 0.0416667 */);
    const double t16 = fma(t8, t15, 0x1.000000000000ap-1 /* 0.5 */);
    const double t17 = fma(t7, t12, t16);
    const double t18 = fma(t8, t17, t7);
    const uint64_t t19 = (gg_u64_of_bits_f64(t4) << 52u) + UINT64_C(6913025428013711360);
    const double t20 = gg_f64_of_bits_u64(t19);
    const double t21 = fma(t20, t18, t20);
    const double t22 = fma(t20, t18, t20 - t21);
    const double t23 = fma(t21, 0x1p-512 /* 7.45834e-155 */, 1.0);
    const double t24 = fma(t21, 0x1p-512 /* 7.45834e-155 */, 1.0 - t23);
    const double t25 = 1.0 / t23;
    const double t26 = fma(t22, 0x1p-512 /* 7.45834e-155 */, t24);
    const double t27 = fma(-t25, t23, 1.0);
    const double t28 = t25 * fma(-t25, t26, t27);
    const double t29 = fma(t22, t25, t21 * t28);
    const double t30 = fma(t21, t25, t29);
    const double t31 = fma(t30, t25, t30 * t28) * 0x1p-510 /* 2.98334e-154 */;
    return t31;
}

static double arena[57];
static double *const t4 = arena;
static double *const sums = arena + 16;
static double *const dsums = arena + 24;
static double *const last = arena + 32;
static double *const dlast = arena + 40;
static double *const t6_parts = arena + 48;
static double *const t7_parts = arena + 56;

static double scratch[76];
static double *const h = scratch;
static double *const dW2 = scratch;
static double *const t10 = scratch + 8;
static double *const dh = scratch + 8;
static double *const t11 = scratch + 16;
static double *const t13 = scratch + 16;
static double *const h2 = scratch + 24;
static double *const t14 = scratch + 24;
static double *const dh2 = scratch + 32;
static double *const t15 = scratch + 40;
static double *const t16 = scratch + 48;
static double *const dW3 = scratch + 56;
static double *const dh3 = scratch + 64;
static double *const t19 = scratch + 72;

static void compute_sums(const double *W, const double *xs)
{
    /* last, sums, t4 = scan(W, t1, xs)   (2,), (6,), (6, 2) */
    for (int64_t i = 0; i < 2; i++) {
        h[i] = constant[i];
    }
    for (int64_t i = 0; i < 6; i++) {
        /* t10 = h @ W   (2,) */
        for (int64_t j = 0; j < 2; j++) {
            double t10_j = 0.0;
            for (int64_t k = 0; k < 2; k++) {
                t10_j = fma(h[k], W[2 * k + j], t10_j);
            }
            t10[j] = t10_j;
        }

        /* t11 = t10 + xs   (2,) */
        for (int64_t j = 0; j < 2; j++) {
            t11[j] = t10[j] + xs[2 * i + j];
        }

        /* h2 = np.tanh(t11)   (2,) */
        for (int64_t j = 0; j < 2; j++) {
            h2[j] = gg_tanh_f64(t11[j]);
        }

        /* t12 = h2.sum()   () */
        double sum_lanes[2];
        gg_fill_f64(sum_lanes, 2, -0.0);
        for (int64_t j = 0; j < 2; j++) {
            sum_lanes[j] += h2[j];
        }
        sums[i] = 0.0 + gg_add_lanes_f64(sum_lanes, 2);
        for (int64_t j = 0; j < 2; j++) {
            t4[2 * i + j] = h[j];
        }
        for (int64_t j = 0; j < 2; j++) {
            h[j] = h2[j];
        }
    }
    for (int64_t i = 0; i < 2; i++) {
        last[i] = h[i];
    }
}

static void compute_t6_parts(void)
{
    /* t5 = last ** 2   (2,)
       t6 = t5.sum()    () */
    double sum_lanes[2];
    gg_fill_f64(sum_lanes, 2, -0.0);
    for (int64_t i = 0; i < 2; i++) {
        const double last_i = last[i];
        const double t5 = last_i * last_i;
        sum_lanes[i] += t5;
    }
    t6_parts[0] = 0.0 + gg_add_lanes_f64(sum_lanes, 2);
}

static void compute_t7_parts(void)
{
    /* t7 = sums.sum()   () */
    double sum_lanes[8];
    gg_fill_f64(sum_lanes, 8, -0.0);
    for (int64_t i = 0; i < 6; i++) {
        sum_lanes[i] += sums[i];
    }
    t7_parts[0] = 0.0 + gg_add_lanes_f64(sum_lanes, 8);
}

static void compute_dsums(void)
{
    /* dsums = np.broadcast_to(np.float64(0.16666666666666666), (6,))   (6,) */
    for (int64_t i = 0; i < 6; i++) {
        dsums[i] = 0x1.5555555555555p-3 /* 0.166667 */;
    }
}

static void compute_dlast(void)
{
    /* dlast = 2 * last   (2,) */
    for (int64_t i = 0; i < 2; i++) {
        dlast[i] = 2.0 * last[i];
    }
}

/* t6 = t5.sum()     ()
   t7 = sums.sum()   ()
   t8 = t7 / 6       ()
   loss = t6 + t8    () */
static void compute_loss(double *loss)
{
    loss[0] = t6_parts[0] + t7_parts[0] / 6.0;
}

static void compute_dxs(const double *W, const double *xs, double *dW, double *dxs)
{
    /* dW, t9, dxs = scan(W, t2, dlast, t4, xs, dsums, t3)   (2, 2), (2,), (6, 2) */
    for (int64_t i = 0; i < 4; i++) {
        dW2[i] = constant2[i];
    }
    for (int64_t i = 0; i < 2; i++) {
        dh[i] = dlast[i];
    }
    for (int64_t i = 0; i < 6; i++) {
        /* t13 = t4 @ W   (2,) */
        for (int64_t j = 0; j < 2; j++) {
            double t13_j = 0.0;
            for (int64_t k = 0; k < 2; k++) {
                t13_j = fma(t4[k - 2 * i + 10], W[2 * k + j], t13_j);
            }
            t13[j] = t13_j;
        }

        /* t14 = t13 + xs   (2,) */
        for (int64_t j = 0; j < 2; j++) {
            t14[j] = t13[j] + xs[j - 2 * i + 10];
        }

        /* dh2 = dh + dsums   (2,) */
        const double dsums_i = dsums[5 - i];
        for (int64_t j = 0; j < 2; j++) {
            dh2[j] = dh[j] + dsums_i;
        }

        /* t15 = sech_squared(t14)   (2,) */
        for (int64_t j = 0; j < 2; j++) {
            t15[j] = gg_sech_squared_f64(t14[j]);
        }

        /* dx = dh2 * t15   (2,) */
        for (int64_t j = 0; j < 2; j++) {
            dxs[j - 2 * i + 10] = dh2[j] * t15[j];
        }

        /* t16 = W @ dx   (2,) */
        for (int64_t j = 0; j < 2; j++) {
            double t16_j = 0.0;
            for (int64_t k = 0; k < 2; k++) {
                t16_j = fma(W[2 * j + k], dxs[k - 2 * i + 10], t16_j);
            }
            t16[j] = t16_j;
        }

        /* dW3 = np.expand_dims(t4, axis=1) * np.expand_dims(dx, axis=0)   (2, 2) */
        for (int64_t j = 0; j < 2; j++) {
            for (int64_t k = 0; k < 2; k++) {
                dW3[2 * j + k] = t4[j - 2 * i + 10] * dxs[k - 2 * i + 10];
            }
        }

        /* dh3 = t3 + t16   (2,) */
        for (int64_t j = 0; j < 2; j++) {
            dh3[j] = constant3[j - 2 * i + 10] + t16[j];
        }

        /* t19 = dW2 + dW3   (2, 2) */
        for (int64_t j = 0; j < 4; j++) {
            t19[j] = dW2[j] + dW3[j];
        }
        for (int64_t j = 0; j < 4; j++) {
            dW2[j] = t19[j];
        }
        for (int64_t j = 0; j < 2; j++) {
            dh[j] = dh3[j];
        }
    }
    for (int64_t i = 0; i < 4; i++) {
        dW[i] = dW2[i];
    }
}

void scanned(const double *W, const double *xs, double *loss, double *dW, double *dxs)
{
    compute_sums(W, xs);
    compute_t6_parts();
    compute_t7_parts();
    compute_dsums();
    compute_dlast();
    compute_loss(loss);
    compute_dxs(W, xs, dW, dxs);
}
