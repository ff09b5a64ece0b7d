/* `train_step` as C99, printed from its graph by glassgrad.

   void xor_step(
       const float *layers_0_W, const float *layers_2_W, const float *x, const float *t,
       const uint32_t *key, const int64_t *step, const double *lr, const double *updates,
       float *loss, float *new_layers_0_W, float *new_layers_2_W);

   in   layers_0_W       (2, 2) float32
   in   layers_2_W       (2, 1) float32
   in   x                (4, 2) float32
   in   t                (4, 1) float32
   in   key              (2,) uint32
   in   step             () int64
   in   lr               () float64
   in   updates          () float64
   out  loss             () float32
   out  new_layers_0_W   (2, 2) float32
   out  new_layers_2_W   (2, 1) float32

   Arrays lie row after row, and results apart from operands.
   Only these may be one array: layers_0_W = new_layers_0_W, layers_2_W = new_layers_2_W.
   Memory: 340 bytes for values, 16 bytes of constants; nothing is allocated.
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

static const float constant[4] = {
    0.25f, 0.25f, 0.25f, 0.25f,
};

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

/* sigmoid, within 1.75 ulp of the true value */
static inline float gg_sigmoid_f32(float x)
{
    const float t1 = x < -104.0f ? -104.0f : x;
    const float t2 = -(t1 > 32.0f ? 32.0f : t1);
    const float t3 = fmaf(t2, 0x1.715476p+0f /* 1.442695 */, 12582912.0f);
    const float t4 = t3 - 12582912.0f;
    const float t5 = fmaf(t4, -0x1.62e4p-1f /* -0.693146 */, t2);
    const float t6 = fmaf(t4, -0x1.7f7d1cp-20f /* -1.42861e-06 */, t5);
    const float t7 = gg_f32_of_bits_u32((gg_u32_of_bits_f32(t3) << 23u) + 528482304u);
    const float t8 = t7 + 0x1p-64f /* 5.42101e-20 */;
    const float t9 = t6 * t6;
    const float t10 =
        fmaf(t9, 0x1.12397ap-7f /* 0.00836867 */, 0x1.555492p-3f /* 0.166665 */);
    const float t11 =
        fmaf(t9, 0x1.6a5134p-10f /* 0.00138213 */, 0x1.5558acp-5f /* 0.0416683 */);
    const float t12 = fmaf(t9, t11, 0x1.fffffcp-2f /* 0.5 */);
    const float t13 = fmaf(t6, t10, t12);
    const float t14 = fmaf(t9, t13, t6);
    const float t15 = 0x1p-64f /* 5.42101e-20 */ - (t8 - t7);
    const float t16 = 0x1p-64f /* 5.42101e-20 */ / (t8 + fmaf(t7, t14, t15));
    return t16;
}

static inline void gg_fill_f32(float *lanes, int64_t count, float value)
{
    for (int64_t lane = 0; lane < count; lane++) {
        lanes[lane] = value;
    }
}

/* logistic_density, within 1.7 ulp of the true value */
static inline float gg_logistic_density_f32(float x)
{
    const float t1 = fabsf(x);
    const float t2 = -(t1 > 106.0f ? 106.0f : t1);
    const float t3 = fmaf(t2, 0x1.715476p+0f /* 1.442695 */, 12582912.0f);
    const float t4 = t3 - 12582912.0f;
    const float t5 = fmaf(t4, -0x1.62e4p-1f /* -0.693146 */, t2);
    const float t6 = fmaf(t4, -0x1.7f7d1cp-20f /* -1.42861e-06 */, t5);
    const float t7 = t6 * t6;
    const float t8 =
        fmaf(t7, 0x1.12397ap-7f /* 0.00836867 */, 0x1.555492p-3f /* 0.166665 */);
    const float t9 =
        fmaf(t7, 0x1.6a5134p-10f /* 0.00138213 */, 0x1.5558acp-5f /* 0.0416683 */);
    const float t10 = fmaf(t7, t9, 0x1.fffffcp-2f /* 0.5 */);
    const float t11 = fmaf(t6, t8, t10);
    const float t12 = fmaf(t7, t11, t6);
    const float t13 = gg_f32_of_bits_u32((gg_u32_of_bits_f32(t3) << 23u) + 1602224128u);
    const float t14 = fmaf(t13, t12, t13);
    const float t15 = fmaf(t13, t12, t13 - t14);
    const float t16 = fmaf(t14, 0x1p-64f /* 5.42101e-20 */, 1.0f);
    const float t17 = fmaf(t14, 0x1p-64f /* 5.42101e-20 */, 1.0f - t16);
    const float t18 = 1.0f / t16;
    const float t19 = fmaf(t15, 0x1p-64f /* 5.42101e-20 */, t17);
    const float t20 = fmaf(-t18, t16, 1.0f);
    const float t21 = t18 * fmaf(-t18, t19, t20);
    const float t22 = fmaf(t15, t18, t14 * t21);
    const float t23 = fmaf(t14, t18, t22);
    const float t24 = fmaf(t23, t18, t23 * t21) * 0x1p-64f /* 5.42101e-20 */;
    return t24;
}

/* lanes are combined pairwise: l with l + count / 2, then l with l + count / 4, ... */
static inline float gg_add_lanes_f32(float *lanes, int64_t count)
{
    for (int64_t half = count / 2; half > 0; half /= 2) {
        for (int64_t lane = 0; lane < half; lane++) {
            lanes[lane] = lanes[lane] + lanes[lane + half];
        }
    }
    return lanes[0];
}

static float arena[49];
static float *const t3 = arena;
static float *const t17 = arena + 16;
static float *const t12 = arena + 32;
static float *const t8_parts = arena + 48;

static float scratch[36];
static float *const t19_value = scratch;
static float *const t2 = scratch + 12;
static float *const dlayers_2_W = scratch + 12;
static float *const dlayers_0_W = scratch + 12;
static float *const t4 = scratch + 28;
static float *const t14 = scratch + 28;

static void compute_t17(
    const float *layers_0_W, const float *layers_2_W, const float *x, const float *t)
{
    /* t2 = x @ layers_0_W   (4, 2) */
    for (int64_t i = 0; i < 4; i++) {
        for (int64_t j = 0; j < 2; j++) {
            float t2_ij = 0.0f;
            for (int64_t k = 0; k < 2; k++) {
                t2_ij = fmaf(x[2 * i + k], layers_0_W[2 * k + j], t2_ij);
            }
            t2[2 * i + j] = t2_ij;
        }
    }

    /* t3 = sigmoid(t2)   (4, 2) */
    for (int64_t i = 0; i < 8; i++) {
        t3[i] = gg_sigmoid_f32(t2[i]);
    }

    /* t4 = t3 @ layers_2_W   (4, 1) */
    for (int64_t i = 0; i < 4; i++) {
        float t4_i = 0.0f;
        for (int64_t j = 0; j < 2; j++) {
            t4_i = fmaf(t3[2 * i + j], layers_2_W[j], t4_i);
        }
        t4[i] = t4_i;
    }

    /* t5 = sigmoid(t4)             (4, 1)
       t6 = t5 - t                  (4, 1)
       t7 = t6 ** 2                 (4, 1)
       t8 = t7.sum()                ()
       t9 = 2 * t6                  (4, 1)
       t10 = t1 * t9                (4, 1)
       t11 = logistic_density(t4)   (4, 1)
       t12 = t10 * t11              (4, 1) */
    float sum_lanes[4];
    gg_fill_f32(sum_lanes, 4, -0.0f);
    for (int64_t i = 0; i < 4; i++) {
        const float t6 = gg_sigmoid_f32(t4[i]) - t[i];
        const float t7 = t6 * t6;
        t12[i] = constant[i] * (2.0f * t6) * gg_logistic_density_f32(t4[i]);
        sum_lanes[i] += 0.0f + t7;
    }
    t8_parts[0] = 0.0f + gg_add_lanes_f32(sum_lanes, 4);

    /* t14 = t12 @ layers_2_W.T   (4, 2) */
    for (int64_t i = 0; i < 4; i++) {
        for (int64_t j = 0; j < 2; j++) {
            t14[2 * i + j] = fmaf(t12[i], layers_2_W[j], 0.0f);
        }
    }

    /* t16 = logistic_density(t2)   (4, 2)
       t17 = t14 * t16              (4, 2) */
    for (int64_t i = 0; i < 8; i++) {
        t17[i] = t14[i] * gg_logistic_density_f32(t2[i]);
    }
}

/* t8 = t7.sum()                 ()
   loss = t8 / 4                 ()
   t19 = lr.astype(np.float32)   () */
static void compute_loss(const double *lr, float *loss)
{
    loss[0] = t8_parts[0] / 4.0f;
    t19_value[0] = (float)lr[0];
}

static void compute_new_layers_2_W(const float *layers_2_W, float *new_layers_2_W)
{
    /* dlayers_2_W = t3.T @ t12   (2, 1) */
    for (int64_t i = 0; i < 2; i++) {
        float dlayers_2_W_i = 0.0f;
        for (int64_t j = 0; j < 4; j++) {
            dlayers_2_W_i = fmaf(t3[i + 2 * j], t12[j], dlayers_2_W_i);
        }
        dlayers_2_W[i] = dlayers_2_W_i;
    }

    /* t21 = t19 * dlayers_2_W             (2, 1)
       new_layers_2_W = layers_2_W - t21   (2, 1) */
    const float t19_value_0 = t19_value[0];
    for (int64_t i = 0; i < 2; i++) {
        const float t21 = t19_value_0 * dlayers_2_W[i];
        new_layers_2_W[i] = layers_2_W[i] - t21;
    }
}

static void compute_new_layers_0_W(
    const float *layers_0_W, const float *x, float *new_layers_0_W)
{
    /* dlayers_0_W = x.T @ t17   (2, 2) */
    for (int64_t i = 0; i < 2; i++) {
        for (int64_t j = 0; j < 2; j++) {
            float dlayers_0_W_ij = 0.0f;
            for (int64_t k = 0; k < 4; k++) {
                dlayers_0_W_ij = fmaf(x[i + 2 * k], t17[2 * k + j], dlayers_0_W_ij);
            }
            dlayers_0_W[2 * i + j] = dlayers_0_W_ij;
        }
    }

    /* t20 = t19 * dlayers_0_W             (2, 2)
       new_layers_0_W = layers_0_W - t20   (2, 2) */
    const float t19_value_0 = t19_value[0];
    for (int64_t i = 0; i < 4; i++) {
        const float t20 = t19_value_0 * dlayers_0_W[i];
        new_layers_0_W[i] = layers_0_W[i] - t20;
    }
}

void xor_step(
    const float *layers_0_W, const float *layers_2_W, const float *x, const float *t,
    const uint32_t *key, const int64_t *step, const double *lr, const double *updates,
    float *loss, float *new_layers_0_W, float *new_layers_2_W)
{
    (void)key;
    (void)step;
    (void)updates;
    compute_t17(layers_0_W, layers_2_W, x, t);
    compute_loss(lr, loss);
    compute_new_layers_2_W(layers_2_W, new_layers_2_W);
    compute_new_layers_0_W(layers_0_W, x, new_layers_0_W);
}
