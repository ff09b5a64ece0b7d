/* `scanned` as C99, printed from its graph by glassgrad.

   void scanned(const double *W, const double *xs, double *loss, double *dW, double *dxs);

   in   W      (2, 2) float64
   in   xs     (6, 2) float64
   out  loss   () float64
   out  dW     (2, 2) float64
   out  dxs    (6, 2) float64

   Arrays lie row after row, and results apart from operands.
   Only these may be one array: W = dW.
   Memory: 664 bytes for values, 16 bytes of constants; nothing is allocated.
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

static double arena[73];
static double *const t2 = arena;
static double *const h = arena + 16;
static double *const t7 = arena + 32;
static double *const last = arena + 48;
static double *const dlast = arena + 56;
static double *const t4_parts = arena + 64;
static double *const t5_parts = arena + 72;

static double scratch[10];
static double *const h2 = scratch;
static double *const dh = scratch;
static double *const t15 = scratch + 8;

static void compute_h(const double *W, const double *xs)
{
    /* last, t2, h = scan(W, t1, xs)   (2,), (6, 2), (6, 2) */
    for (int64_t i = 0; i < 2; i++) {
        h2[i] = constant[i];
    }
    for (int64_t i = 0; i < 6; i++) {
        const int64_t row = i & 1;
        const int64_t row2 = row ^ 1;

        /* t15 = h2 @ W   (2,) */
        for (int64_t j = 0; j < 2; j++) {
            double t15_j = 0.0;
            for (int64_t k = 0; k < 2; k++) {
                t15_j = fma(h2[2 * row + k], W[2 * k + j], t15_j);
            }
            t15[j] = t15_j;
        }

        /* t19 = h2.astype(np.float64)   (2,) */
        for (int64_t j = 0; j < 2; j++) {
            t2[2 * i + j] = h2[2 * row + j];
        }

        /* t16 = t15 + xs                (2,)
           h3 = np.tanh(t16)             (2,)
           t20 = h3.astype(np.float64)   (2,) */
        for (int64_t j = 0; j < 2; j++) {
            const double h2_j = gg_tanh_f64(t15[j] + xs[2 * i + j]);
            h2[2 * row2 + j] = h2_j;
            h[2 * i + j] = h2_j;
        }
    }
    for (int64_t i = 0; i < 2; i++) {
        last[i] = h2[i];
    }
}

static void compute_t5_parts(void)
{
    /* sums = h.sum(axis=1)   (6,)
       t5 = sums.sum()        () */
    t5_parts[0] = 0.0;
    for (int64_t i = 0; i < 6; i++) {
        double sums_lanes[2];
        gg_fill_f64(sums_lanes, 2, -0.0);
        for (int64_t j = 0; j < 2; j++) {
            sums_lanes[j] += h[2 * i + j];
        }
        t5_parts[0] += 0.0 + gg_add_lanes_f64(sums_lanes, 2);
    }
}

static void compute_t4_parts(void)
{
    /* t3 = last ** 2   (2,)
       t4 = t3.sum()    () */
    double sum_lanes[2];
    gg_fill_f64(sum_lanes, 2, -0.0);
    for (int64_t i = 0; i < 2; i++) {
        const double last_i = last[i];
        const double t3 = last_i * last_i;
        sum_lanes[i] += t3;
    }
    t4_parts[0] = 0.0 + gg_add_lanes_f64(sum_lanes, 2);
}

static void compute_dlast(void)
{
    /* dlast = 2 * last   (2,) */
    for (int64_t i = 0; i < 2; i++) {
        dlast[i] = 2.0 * last[i];
    }
}

static void compute_t7(const double *W)
{
    /* t7 = t2 @ W   (6, 2) */
    for (int64_t i = 0; i < 6; i++) {
        for (int64_t j = 0; j < 2; j++) {
            double t7_ij = 0.0;
            for (int64_t k = 0; k < 2; k++) {
                t7_ij = fma(t2[2 * i + k], W[2 * k + j], t7_ij);
            }
            t7[2 * i + j] = t7_ij;
        }
    }
}

/* t4 = t3.sum()     ()
   t5 = sums.sum()   ()
   t6 = t5 / 6       ()
   loss = t4 + t6    () */
static void compute_loss(double *loss)
{
    loss[0] = t4_parts[0] + t5_parts[0] / 6.0;
}

static void compute_dxs(const double *W, const double *xs, double *dxs)
{
    /* t8, dxs = scan(W, dlast, xs, t7)   (2,), (6, 2) */
    for (int64_t i = 0; i < 2; i++) {
        dh[i] = dlast[i];
    }
    for (int64_t i = 0; i < 6; i++) {
        const int64_t row = i & 1;
        const int64_t row2 = row ^ 1;

        /* t17 = t7 + xs                                (2,)
           dh2 = dh + np.float64(0.16666666666666666)   (2,)
           t18 = sech_squared(t17)                      (2,)
           dx = dh2 * t18                               (2,) */
        for (int64_t j = 0; j < 2; j++) {
            const double dh2 = dh[2 * row + j] + 0x1.5555555555555p-3 /* 0.166667 */;
            const double t18 = gg_sech_squared_f64(t7[j - 2 * i + 10] + xs[j - 2 * i + 10]);
            dxs[j - 2 * i + 10] = dh2 * t18;
        }

        /* dh3 = W @ dx   (2,) */
        for (int64_t j = 0; j < 2; j++) {
            double dh_j = 0.0;
            for (int64_t k = 0; k < 2; k++) {
                dh_j = fma(W[2 * j + k], dxs[k - 2 * i + 10], dh_j);
            }
            dh[2 * row2 + j] = dh_j;
        }
    }
}

static void compute_dW(double *dW, const double *dxs)
{
    /* dW = t12 @ t14   (2, 2) */
    for (int64_t i = 0; i < 2; i++) {
        for (int64_t j = 0; j < 2; j++) {
            double dW_ij = 0.0;
            for (int64_t k = 0; k < 6; k++) {
                dW_ij = fma(t2[i + 2 * k], dxs[2 * k + j], dW_ij);
            }
            dW[2 * i + j] = dW_ij;
        }
    }
}

void scanned(const double *W, const double *xs, double *loss, double *dW, double *dxs)
{
    compute_h(W, xs);
    compute_t5_parts();
    compute_t4_parts();
    compute_dlast();
    compute_t7(W);
    compute_loss(loss);
    compute_dxs(W, xs, dxs);
    compute_dW(dW, dxs);
}
