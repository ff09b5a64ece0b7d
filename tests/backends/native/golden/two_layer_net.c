/* `two_layer_net` as C99, printed from its graph by glassgrad.

   int two_layer_net(
       const double *W1, const double *b1, const double *W2, const double *b2,
       const double *x, const int64_t *t, double *loss, double *dW1, double *db1,
       double *dW2, double *db2);

   in   W1     (784, 50) float64
   in   b1     (50,) float64
   in   W2     (50, 10) float64
   in   b2     (10,) float64
   in   x      (100, 784) float64
   in   t      (100,) int64
   out  loss   () float64
   out  dW1    (784, 50) float64
   out  db1    (50,) float64
   out  dW2    (50, 10) float64
   out  db2    (10,) float64

   Arrays lie row after row, and results apart from operands.
   Only these may be one array: W1 = dW1, b1 = db1, W2 = dW2, b2 = db2.
   Returns 1 if an index lay outside its array: results mean nothing then.
   Memory: 129,560 bytes for values, 0 bytes of constants; nothing is allocated.
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

/* the larger one; NaN if either is NaN */
static inline double gg_maximum_f64(double x, double y)
{
    return x != x ? x : x > y ? x : y;
}

static inline void gg_fill_f64(double *lanes, int64_t count, double value)
{
    for (int64_t lane = 0; lane < count; lane++) {
        lanes[lane] = value;
    }
}

/* lanes are combined pairwise: l with l + count / 2, then l with l + count / 4, ... */
static inline double gg_maximum_lanes_f64(double *lanes, int64_t count)
{
    for (int64_t half = count / 2; half > 0; half /= 2) {
        for (int64_t lane = 0; lane < half; lane++) {
            lanes[lane] = gg_maximum_f64(lanes[lane], lanes[lane + half]);
        }
    }
    return lanes[0];
}

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

/* exp, within 1.05 ulp of the true value */
static inline double gg_exp_f64(double x)
{
    const double t1 = x < -746.0 ? -746.0 : x;
    const double t2 = t1 > 710.0 ? 710.0 : t1;
    const double t3 = fma(t2, 0x1.71547652b82fep+0 /* 1.4427 */, 6755399441055744.0);
    const double t4 = t3 - 6755399441055744.0;
    const double t5 = fma(t4, -0x1.62e42fefa4p-1 /* -0.693147 */, t2);
    const double t6 = fma(t4, 0x1.8432a1b0e2634p-43 /* 1.72394e-13 */, t5);
    const double t7 = t6 * t6;
    const double t8 = fma(
        t7, 0x1.adab89ee6ad5ep-26 /* 2.50101e-08 */,
        0x1.71df087f8aab3p-19 /* 2.75576e-06 */);
    const double t9 = fma(t7, t8, 0x1.a01a0137cae4ep-13 /* 0.000198413 */);
    const double t10 = fma(t7, t9, 0x1.1111111125202p-7 /* 0.00833333 */);
    const double t11 = fma(t7, t10, 0x1.5555555555505p-3 /* 0.166667 */);
    const double t12 = fma(
        t7, 0x1.28adf57364303p-22 /* 2.76304e-07 */,
        0x1.a0199965c465dp-16 /* 2.48015e-05 */);
    const double t13 = fma(t7, t12, 0x1.6c16c184751d8p-10 /* 0.00138889 */);
    const double t14 = fma(t7, t13, 0x1.55555555506c1p-5 /* 0.0416667 */);
    const double t15 = fma(t7, t14, 0x1.000000000000ap-1 /* 0.5 */);
    const double t16 = fma(t6, t11, t15);
    const unsigned char t17 = t2 < -700.0;
    const uint64_t t18 =
        t17 ? UINT64_C(6913025428013711360) : UINT64_C(4602678819172646912);
    const double t19 = gg_f64_of_bits_u64((gg_u64_of_bits_f64(t3) << 52u) + t18);
    const double t20 =
        (fma(t7, t16, t6) + 1.0) * t19 * (t17 ? 0x1p-512 /* 7.45834e-155 */ : 2.0);
    return t20;
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

/* log1p, within 1.35 ulp of the true value */
static inline double gg_log1p_f64(double x)
{
    const uint64_t t1 = gg_u64_of_bits_f64(x + 1.0) + UINT64_C(2638147582215219);
    const double t2 = gg_f64_of_bits_u64((t1 >> 52u) + UINT64_C(4841369599423283200));
    const double t3 = t2 - 4503599627371519.0;
    const uint64_t t4 = UINT64_C(9223372036854775808) - (gg_u64_of_bits_f64(t2) << 52u);
    const double t5 = gg_f64_of_bits_u64(t4);
    const double t6 = fma(t5, 0.25, -1.0);
    const double t7 = fma(t5, x * 0.25, t6);
    const double t8 = t7 * t7 * 0.5;
    const double t9 = t7 / (t7 + 2.0);
    const double t10 = t9 * t9;
    const double t11 = t10 * t10;
    const double t12 =
        fma(t11, 0x1.39a1eed439435p-3 /* 0.153141 */, 0x1.c71c521567af7p-3 /* 0.222222 */);
    const double t13 =
        fma(t11, 0x1.2f037d7c29d33p-3 /* 0.147956 */, 0x1.74663cb20ea1fp-3 /* 0.181836 */);
    const double t14 = fma(t11, t13, 0x1.24924941e0206p-2 /* 0.285714 */);
    const double t15 = fma(t11, t14, 0x1.5555555555592p-1 /* 0.666667 */);
    const double t16 = fma(t11, t12, 0x1.999999997ff29p-2 /* 0.4 */);
    const double t17 = fma(t10, t16, t15);
    const double t18 = fma(t10, t17, t8);
    const double t19 = fma(t9, t18, -t8);
    const double t20 = fma(t3, -0x1.8432a1b0e2634p-43 /* -1.72394e-13 */, t19);
    const double t21 = fma(t3, 0x1.62e42fefa4p-1 /* 0.693147 */, t7 + t20);
    const double t22 =
        fabs(x) < 0x1p-54 /* 5.55112e-17 */ ? x : (x < (1.0 / 0.0) ? t21 : x);
    const double t23 = x > -1.0 ? t22 : (x == -1.0 ? (-1.0 / 0.0) : (0.0 / 0.0));
    return t23;
}

static inline void gg_fill_b8(unsigned char *lanes, int64_t count, unsigned char value)
{
    for (int64_t lane = 0; lane < count; lane++) {
        lanes[lane] = value;
    }
}

/* lanes are combined pairwise: l with l + count / 2, then l with l + count / 4, ... */
static inline unsigned char gg_or_lanes_b8(unsigned char *lanes, int64_t count)
{
    for (int64_t half = count / 2; half > 0; half /= 2) {
        for (int64_t lane = 0; lane < half; lane++) {
            lanes[lane] = lanes[lane] | lanes[lane + half];
        }
    }
    return lanes[0];
}

/* wraps around, as NumPy does */
static inline int64_t gg_add_i64(int64_t x, int64_t y)
{
    return (int64_t)((uint64_t)x + (uint64_t)y);
}

static inline int64_t gg_maximum_i64(int64_t x, int64_t y)
{
    return x > y ? x : y;
}

static inline int64_t gg_minimum_i64(int64_t x, int64_t y)
{
    return x < y ? x : y;
}

/* expm1, within 1.6 ulp of the true value */
static inline double gg_expm1_f64(double x)
{
    const double t1 = x < -54.0 ? -54.0 : x;
    const double t2 = t1 > 710.0 ? 710.0 : t1;
    const double t3 = fma(t2, 0x1.71547652b82fep+0 /* 1.4427 */, 6755399441055744.0);
    const double t4 = t3 - 6755399441055744.0;
    const double t5 = fma(t4, -0x1.62e42fefa4p-1 /* -0.693147 */, t2);
    const double t6 = fma(t4, 0x1.8432a1b0e2634p-43 /* 1.72394e-13 */, t5);
    const uint64_t t7 = (gg_u64_of_bits_f64(t3) << 52u) + UINT64_C(4602678819172646912);
    const double t8 = gg_f64_of_bits_u64(t7);
    const double t9 = t6 * t6;
    const double t10 = fma(
        t9, 0x1.af5f0216c9f7fp-26 /* 2.51091e-08 */,
        0x1.71ddf82432007p-19 /* 2.75572e-06 */);
    const double t11 = fma(t9, t10, 0x1.a01a01affd002p-13 /* 0.000198413 */);
    const double t12 = fma(t9, t11, 0x1.111111110f65fp-7 /* 0.00833333 */);
    const double t13 = fma(t9, t12, 0x1.5555555555559p-3 /* 0.166667 */);
    const double t14 = fma(
        t9, 0x1.1f458aafda218p-29 /* 2.09018e-09 */,
        0x1.27e4f6826ac32p-22 /* 2.75573e-07 */);
    const double t15 = fma(t9, t14, 0x1.a01a019bb2065p-16 /* 2.48016e-05 */);
    const double t16 = fma(t9, t15, 0x1.6c16c16c17f8fp-10 /* 0.00138889 */);
    const double t17 = fma(t9, t16, 0x1.5555555555553p-5 /* 0.0416667 */);
    const double t18 = fma(t9, t17, 0.5);
    const double t19 = t9 * fma(t6, t13, t18);
    const double t20 = fma(t8, t6, t8 - 0.5);
    const double t21 = fma(t8, t19, t20);
    const double t22 = fabs(x) < 0x1p-54 /* 5.55112e-17 */ ? x : t21 + t21;
    return t22;
}

static union {
    double f64[11137];
    int64_t i64[11137];
} arena;
static double *const z1 = arena.f64;
static double *const da1 = arena.f64 + 5000;
static double *const da2 = arena.f64 + 10000;
static double *const db1_parts = arena.f64 + 11000;
static double *const db2_parts = arena.f64 + 11104;
static double *const t16_parts = arena.f64 + 11128;
static int64_t *const fault = arena.i64 + 11136;

static double scratch[5058];
static double *const t1 = scratch;
static double *const t2 = scratch;
static double *const t18 = scratch;
static double *const dz1 = scratch;
static double *const t14 = scratch + 504;
static double *const t4 = scratch + 1008;
static double *const t21 = scratch + 1008;
static double *const t24 = scratch + 1024;
static double *const a1 = scratch + 2504;
static double *const t15 = scratch + 5008;

static void compute_da1(
    int64_t tile, const double *W1, const double *b1, const double *W2,
    const double *b2, const double *x, const int64_t *t)
{
    const int64_t start = tile * 50;

    /* t1 = x @ W1   (100, 50) */
    for (int64_t i = 0; i < 50; i++) {
        for (int64_t j = 0; j < 50; j++) {
            t1[50 * i + j] = 0.0;
        }
        for (int64_t k = 0; k < 784; k++) {
            const double factor = x[784 * (start + i) + k];
            for (int64_t j = 0; j < 50; j++) {
                const double term = factor * W1[50 * k + j];
                t1[50 * i + j] += term;
            }
        }
    }

    /* a1 = t1 + b1             (100, 50)
       z1 = np.maximum(a1, 0)   (100, 50) */
    for (int64_t i = 0; i < 50; i++) {
        const int64_t row = start + i;
        for (int64_t j = 0; j < 50; j++) {
            const double a1_ij = t1[50 * i + j] + b1[j];
            a1[50 * i + j] = a1_ij;
            z1[50 * row + j] = gg_maximum_f64(a1_ij, 0.0);
        }
    }

    /* t2 = z1 @ W2   (100, 10) */
    for (int64_t i = 0; i < 50; i++) {
        for (int64_t j = 0; j < 10; j++) {
            t2[10 * i + j] = 0.0;
        }
        for (int64_t k = 0; k < 50; k++) {
            const double factor = z1[50 * (start + i) + k];
            for (int64_t j = 0; j < 10; j++) {
                const double term = factor * W2[10 * k + j];
                t2[10 * i + j] += term;
            }
        }
    }

    /* a2 = t2 + b2                          (100, 10)
       t3 = a2.max(axis=1, keepdims=True)    (100, 1)
       t4 = a2 - t3                          (100, 10)
       t5 = t4 == 0                          (100, 10)
       t6 = np.exp(t4)                       (100, 10)
       t7 = np.where(t5, 0.0, t6)            (100, 10)
       t8 = t7.sum(axis=1, keepdims=True)    (100, 1)
       t9 = t5.astype(np.float64)            (100, 10)
       t10 = t9.sum(axis=1, keepdims=True)   (100, 1)
       t11 = t10 - 1                         (100, 1)
       t12 = t8 + t11                        (100, 1)
       t13 = np.log1p(t12)                   (100, 1)
       t14 = t4 - t13                        (100, 10) */
    for (int64_t i = 0; i < 50; i++) {
        double t3_lanes[8];
        gg_fill_f64(t3_lanes, 8, (-1.0 / 0.0));
        for (int64_t first = 0; first < 10; first += 8) {
            const int64_t lanes = 10 - first < 8 ? 10 - first : 8;
            for (int64_t lane = 0; lane < lanes; lane++) {
                const int64_t j = first + lane;
                t3_lanes[lane] = gg_maximum_f64(t3_lanes[lane], t2[10 * i + j] + b2[j]);
            }
        }
        const double t3 = gg_maximum_lanes_f64(t3_lanes, 8);
        double t8_lanes[8];
        gg_fill_f64(t8_lanes, 8, -0.0);
        double t10_lanes[8];
        gg_fill_f64(t10_lanes, 8, -0.0);
        for (int64_t first = 0; first < 10; first += 8) {
            const int64_t lanes = 10 - first < 8 ? 10 - first : 8;
            for (int64_t lane = 0; lane < lanes; lane++) {
                const int64_t j = first + lane;
                const double t4_j = t2[10 * i + j] + b2[j] - t3;
                t4[j] = t4_j;
                const unsigned char t5 = t4_j == 0.0;
                t8_lanes[lane] += t5 ? 0.0 : gg_exp_f64(t4_j);
                t10_lanes[lane] += (double)t5;
            }
        }
        const double t12 =
            0.0 + gg_add_lanes_f64(t8_lanes, 8) + (0.0 + gg_add_lanes_f64(t10_lanes, 8) - 1.0);
        const double t13 = gg_log1p_f64(t12);
        for (int64_t j = 0; j < 10; j++) {
            t14[10 * i + j] = t4[j] - t13;
        }
    }

    /* t15 = t14[np.arange(len(t)), t]   (100,) */
    unsigned char any_lanes[8];
    gg_fill_b8(any_lanes, 8, 0);
    for (int64_t first = 0; first < 50; first += 8) {
        const int64_t lanes = 50 - first < 8 ? 50 - first : 8;
        for (int64_t lane = 0; lane < lanes; lane++) {
            const int64_t i = first + lane;
            const int64_t t_0 = t[start + i];
            any_lanes[lane] = any_lanes[lane] | ((t_0 < -10) | (t_0 >= 10));
        }
    }
    if (gg_or_lanes_b8(any_lanes, 8)) {
        fault[0] = 17;
    }
    for (int64_t i = 0; i < 50; i++) {
        const int64_t t_0 = t[start + i];
        const int64_t v1 = t_0 < 0 ? gg_add_i64(t_0, 10) : t_0;
        const int64_t v2 = gg_maximum_i64(v1, 0);
        t15[i] = t14[10 * i + gg_minimum_i64(v2, 9)];
    }

    /* t18 = unpick(np.float64(-0.01), t, k=10)   (100, 10) */
    unsigned char any_lanes2[8];
    gg_fill_b8(any_lanes2, 8, 0);
    for (int64_t first = 0; first < 50; first += 8) {
        const int64_t lanes = 50 - first < 8 ? 50 - first : 8;
        for (int64_t lane = 0; lane < lanes; lane++) {
            const int64_t i = first + lane;
            const int64_t t_0 = t[start + i];
            any_lanes2[lane] = any_lanes2[lane] | ((t_0 < -10) | (t_0 >= 10));
        }
    }
    if (gg_or_lanes_b8(any_lanes2, 8)) {
        fault[0] = 22;
    }
    for (int64_t i = 0; i < 50; i++) {
        const int64_t t_0 = t[start + i];
        const int64_t v1 = t_0 < 0 ? gg_add_i64(t_0, 10) : t_0;
        for (int64_t j = 0; j < 10; j++) {
            t18[10 * i + j] = j == v1 ? -0x1.47ae147ae147bp-7 /* -0.01 */ : 0.0;
        }
    }

    /* t19 = t18.sum(axis=1, keepdims=True)   (100, 1)
       t20 = t18 - t19                        (100, 10)
       t21 = np.exp(t14)                      (100, 10)
       t22 = t21 * t20                        (100, 10)
       t23 = np.expm1(t14)                    (100, 10)
       t24 = t23 * t18                        (100, 10)
       da2 = t22 - t24                        (100, 10)
       db2 = da2.sum(axis=0)                  (10,) */
    for (int64_t i = 0; i < 10; i++) {
        db2_parts[10 * tile + i] = 0.0;
    }
    for (int64_t i = 0; i < 50; i++) {
        const int64_t row = start + i;
        double t19_lanes[8];
        gg_fill_f64(t19_lanes, 8, -0.0);
        for (int64_t first = 0; first < 10; first += 8) {
            const int64_t lanes = 10 - first < 8 ? 10 - first : 8;
            for (int64_t lane = 0; lane < lanes; lane++) {
                const int64_t j = first + lane;
                const double v1 = t19_lanes[lane] + t18[10 * i + j];
                t21[j] = gg_exp_f64(t14[10 * i + j]);
                t24[j] = gg_expm1_f64(t14[10 * i + j]) * t18[10 * i + j];
                t19_lanes[lane] = v1;
            }
        }
        const double t19 = 0.0 + gg_add_lanes_f64(t19_lanes, 8);
        for (int64_t j = 0; j < 10; j++) {
            const double t22 = t21[j] * (t18[10 * i + j] - t19);
            const double da2_j = t22 - t24[j];
            da2[10 * row + j] = da2_j;
            db2_parts[10 * tile + j] += da2_j;
        }
    }

    /* dz1 = da2 @ W2.T   (100, 50) */
    for (int64_t i = 0; i < 50; i++) {
        for (int64_t j = 0; j < 50; j++) {
            double sum = 0.0;
            for (int64_t k = 0; k < 10; k++) {
                const double term = da2[10 * (start + i) + k] * W2[k + 10 * j];
                sum += term;
            }
            dz1[50 * i + j] = sum;
        }
    }

    /* t16 = t15.sum()         ()
       t27 = a1 > 0            (100, 50)
       da1 = dz1 * t27         (100, 50)
       db1 = da1.sum(axis=0)   (50,) */
    t16_parts[tile] = 0.0;
    for (int64_t i = 0; i < 50; i++) {
        db1_parts[50 * tile + i] = 0.0;
    }
    for (int64_t i = 0; i < 50; i++) {
        const int64_t row = start + i;
        t16_parts[tile] += t15[i];
        for (int64_t j = 0; j < 50; j++) {
            const double da1_j = dz1[50 * i + j] * (double)(a1[50 * i + j] > 0.0);
            da1[50 * row + j] = da1_j;
            db1_parts[50 * tile + j] += da1_j;
        }
    }
}

/* t16 = t15.sum()   ()
   t17 = t16 / 100   ()
   loss = -t17       () */
static void compute_loss(double *loss)
{
    loss[0] = -((t16_parts[0] + t16_parts[1]) / 100.0);
}

static void compute_db2(double *db2)
{
    /* db2 = da2.sum(axis=0)   (10,) */
    for (int64_t i = 0; i < 10; i++) {
        db2[i] = db2_parts[i] + db2_parts[i + 10];
    }
}

static void compute_dW2(double *dW2)
{
    /* dW2 = z1.T @ da2   (50, 10) */
    for (int64_t i = 0; i < 50; i++) {
        for (int64_t j = 0; j < 10; j++) {
            dW2[10 * i + j] = 0.0;
        }
        for (int64_t k = 0; k < 100; k++) {
            const double factor = z1[i + 50 * k];
            for (int64_t j = 0; j < 10; j++) {
                const double term = factor * da2[10 * k + j];
                dW2[10 * i + j] += term;
            }
        }
    }
}

static void compute_db1(double *db1)
{
    /* db1 = da1.sum(axis=0)   (50,) */
    for (int64_t i = 0; i < 50; i++) {
        db1[i] = db1_parts[i] + db1_parts[i + 50];
    }
}

static void compute_dW1(int64_t tile, const double *x, double *dW1)
{
    const int64_t start = tile * 196;

    /* dW1 = x.T @ da1   (784, 50) */
    for (int64_t i = 0; i < 196; i++) {
        for (int64_t j = 0; j < 50; j++) {
            dW1[50 * (start + i) + j] = 0.0;
        }
        for (int64_t k = 0; k < 100; k++) {
            const double factor = x[start + i + 784 * k];
            for (int64_t j = 0; j < 50; j++) {
                const double term = factor * da1[50 * k + j];
                dW1[50 * (start + i) + j] += term;
            }
        }
    }
}

int two_layer_net(
    const double *W1, const double *b1, const double *W2, const double *b2,
    const double *x, const int64_t *t, double *loss, double *dW1, double *db1,
    double *dW2, double *db2)
{
    fault[0] = -1;
    for (int64_t tile = 0; tile < 2; tile++) {
        compute_da1(tile, W1, b1, W2, b2, x, t);
    }
    compute_loss(loss);
    compute_db2(db2);
    compute_dW2(dW2);
    compute_db1(db1);
    for (int64_t tile = 0; tile < 4; tile++) {
        compute_dW1(tile, x, dW1);
    }
    return fault[0] < 0 ? 0 : 1;
}
