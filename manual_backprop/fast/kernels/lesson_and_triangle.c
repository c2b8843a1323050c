/* The gradient of the lesson's network in one pass: every intermediate of an observation stays in a register.

   The chain is that of output_layer.py and hidden_layer.py, link by link and in the same order. A vector holds
   the same intermediate of several observations. The error of SoftPlus and the sigmoid, derived in
   docs/speed.md, is within what docs/tolerance.md allows them. */

#include "vectors.h"

typedef struct {
    vector softplus, sigmoid;
} node;

/* SoftPlus(x) = max(x, 0) + log(1 + e) and its derivative 1 / (1 + e) or e / (1 + e) share e = exp(-|x|).
   A NaN fails x < 0, and so reaches SoftPlus by max(x, 0). */
INLINE node activate(vector x, int hidden) {
    integers left = x < 0;
    vector zero = {0}, one = zero + 1;
    vector e = exp_minus(pick(left, -x, x));
    node result = {pick(left, zero, x) + log_one_plus(e), zero};
    if (hidden) result.sigmoid = pick(left, e, one) / (one + e);
    return result;
}

/* The sums over the observations, in the order of the result. */
typedef struct {
    vector w3, w4, b3, w1, b1, w2, b2;
} sums;

INLINE vector only(integers present, vector term) { return (vector)((integers)term & present); }

/* One link after another, for LANES observations of which some may be absent. */
INLINE void add(sums *d_ssr_d, const REAL *const *parameters, vector input, vector observed, integers present,
                int hidden) {
    REAL w1 = *parameters[0], b1 = *parameters[1], w2 = *parameters[2], b2 = *parameters[3];
    REAL w3 = *parameters[4], w4 = *parameters[5], b3 = *parameters[6];
    node y1 = activate(w1 * input + b1, hidden);
    node y2 = activate(w2 * input + b2, hidden);
    vector predicted = w3 * y1.softplus + w4 * y2.softplus + b3;
    vector d_ssr_d_predicted = -2 * (observed - predicted);
    d_ssr_d->w3 += only(present, d_ssr_d_predicted * y1.softplus);
    d_ssr_d->w4 += only(present, d_ssr_d_predicted * y2.softplus);
    d_ssr_d->b3 += only(present, d_ssr_d_predicted);
    if (!hidden) return;
    vector d_ssr_d_x1 = d_ssr_d_predicted * w3 * y1.sigmoid;
    vector d_ssr_d_x2 = d_ssr_d_predicted * w4 * y2.sigmoid;
    d_ssr_d->w1 += only(present, d_ssr_d_x1 * input);
    d_ssr_d->b1 += only(present, d_ssr_d_x1);
    d_ssr_d->w2 += only(present, d_ssr_d_x2 * input);
    d_ssr_d->b2 += only(present, d_ssr_d_x2);
}

INLINE REAL total(vector lanes) {
    REAL value = lanes[0];
    for (int lane = 1; lane < LANES; lane++) value += lanes[lane];
    return value;
}

INLINE void one_block(const REAL *const *parameters, const REAL *inputs, const REAL *observed, long n,
                      REAL *result, int hidden) {
    sums sum = {0};
    long i = 0;
    for (; i + LANES <= n; i += LANES) {
        vector input = *(const loose *)(inputs + i), target = *(const loose *)(observed + i);
        add(&sum, parameters, input, target, (integers){0} == 0, hidden);
    }
    if (i < n) { /* the lanes behind the last observation repeat it, and are left out of the sums */
        vector input = {0}, target = {0};
        integers present = {0};
        for (int lane = 0; lane < LANES; lane++) {
            long from = i + lane < n ? i + lane : n - 1;
            input[lane] = inputs[from], target[lane] = observed[from], present[lane] = -(i + lane < n);
        }
        add(&sum, parameters, input, target, present, hidden);
    }
    *result++ = total(sum.w3), *result++ = total(sum.w4), *result++ = total(sum.b3);
    if (!hidden) return;
    *result++ = total(sum.w1), *result++ = total(sum.b1), *result++ = total(sum.w2), *result++ = total(sum.b2);
}

/* The derivatives with respect to w3, w4, b3, and if hidden w1, b1, w2, b2: one row for each block of n.
   parameters are the addresses of w1, b1, w2, b2, w3, w4 and b3. */
void gradients(const REAL *const *parameters, const REAL *inputs, const REAL *observed, long n, long block,
               int hidden, REAL *rows) {
    for (long i = 0; i < n; i += block, rows += hidden ? 7 : 3) {
        long size = n - i < block ? n - i : block;
        if (hidden) one_block(parameters, inputs + i, observed + i, size, rows, 1);
        else one_block(parameters, inputs + i, observed + i, size, rows, 0);
    }
}

#if DOUBLE
#define LEAF 256 /* rows of one factorisation: four columns of them fit the first-level cache */

INLINE REAL product(const REAL *a, const REAL *b) {
    vector sum[4] = {{0}};
    for (int i = 0; i < LEAF; i += 4 * LANES)
        for (int part = 0; part < 4; part++)
            sum[part] += *(const loose *)(a + i + part * LANES) * *(const loose *)(b + i + part * LANES);
    return total((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* The power of two just below the largest of a column, so that no square over- or underflows. Of four times
   LANES apart, and of those at last: in a chain each comparison would wait for the one before. */
INLINE REAL scale(const REAL *column) {
    vector largest[4] = {{0}};
    for (int i = 0; i < LEAF; i += 4 * LANES)
        for (int part = 0; part < 4; part++) {
            vector value = *(const loose *)(column + i + part * LANES);
            vector size = (vector)((integers)value & INT64_MAX);
            largest[part] = pick(size > largest[part], size, largest[part]);
        }
    union { REAL value; INTEGER bits; } power = {0x1p-1000};
    for (int part = 0; part < 4; part++)
        for (int lane = 0; lane < LANES; lane++)
            if (largest[part][lane] > power.value) power.value = largest[part][lane];
    power.bits &= (INTEGER)0x7ff << MANTISSA;
    return power.value;
}

/* R of the QR factorisation of LEAF rows, by modified Gram-Schmidt: to the last rounding what Householder's
   reflections make of the same rows below four rows of zeros (Bjorck 1967, BIT 7). Overwrites the columns. */
static void factorise(REAL columns[4][LEAF], REAL *r) {
    REAL scales[4];
    for (int j = 0; j < 4; j++) {
        scales[j] = scale(columns[j]);
        for (int i = 0; i < LEAF; i++) columns[j][i] *= 1 / scales[j];
    }
    for (int j = 0; j < 4; j++) {
        REAL squared = product(columns[j], columns[j]), length = __builtin_sqrt(squared);
        for (int k = 0; k < j; k++) r[4 * j + k] = 0;
        r[4 * j + j] = length * scales[j];
        for (int k = j + 1; k < 4; k++) {
            REAL dot = squared == 0 ? 0 : product(columns[j], columns[k]);
            REAL share = squared == 0 ? 0 : dot / squared;
            r[4 * j + k] = squared == 0 ? 0 : dot / length * scales[k];
            for (int i = 0; i < LEAF; i++) columns[k][i] -= share * columns[j][i];
        }
    }
}

/* Number i of data in float32 or float64. */
INLINE REAL number(const void *data, int is_float, long i) {
    return is_float ? ((const float *)data)[i] : ((const REAL *)data)[i];
}

/* R of a leaf: of the rows [y1, y2, 1, Observed] of size observations, at most LEAF. */
static void of_leaf(const REAL *const *parameters, const void *inputs, const void *observed, int is_float,
                    long first, int size, REAL *r) {
    REAL columns[4][LEAF] __attribute__((aligned(BYTES)));
    REAL w1 = *parameters[0], b1 = *parameters[1], w2 = *parameters[2], b2 = *parameters[3];
    for (int i = 0; i < size; i++)
        columns[0][i] = number(inputs, is_float, first + i), columns[2][i] = 1,
        columns[3][i] = number(observed, is_float, first + i);
    for (int i = size; i < LEAF; i++) /* rows of zeros at the end add nothing to any sum of squares */
        columns[0][i] = columns[2][i] = columns[3][i] = 0;
    for (int i = 0; i < LEAF; i += LANES) {
        vector input = *(const loose *)(columns[0] + i);
        integers present = *(const loose *)(columns[2] + i) > 0;
        *(loose *)(columns[0] + i) = only(present, activate(w1 * input + b1, 0).softplus);
        *(loose *)(columns[1] + i) = only(present, activate(w2 * input + b2, 0).softplus);
    }
    factorise(columns, r);
}

/* The R of some data, in the place of the first, from count R of their parts: a tree of LEAF / 4 branches.
   Returns how often a row has been factorised on its way. */
int merge(REAL (*parts)[16], long count) {
    int levels = 0;
    for (; count > 1; levels++) {
        long branches = 0;
        for (long first = 0; first < count; first += LEAF / 4) {
            int size = count - first < LEAF / 4 ? (int)(count - first) : LEAF / 4;
            REAL columns[4][LEAF] = {{0}};
            for (int part = 0; part < size; part++)
                for (int k = 0; k < 16; k++) columns[k % 4][4 * part + k / 4] = parts[first + part][k];
            factorise(columns, parts[branches++]);
        }
        count = branches;
    }
    return levels;
}

/* R of every block of observations, a block being a number of leaves, at most LEAF / 4. */
void triangles(const REAL *const *parameters, const void *inputs, const void *observed, int is_float, long n,
               long block, REAL (*r)[16]) {
    for (long start = 0; start < n; start += block, r++) {
        long end = n - start < block ? n : start + block, count = 0;
        REAL leaves[LEAF / 4][16];
        for (long first = start; first < end; first += LEAF) {
            int size = end - first < LEAF ? (int)(end - first) : LEAF;
            of_leaf(parameters, inputs, observed, is_float, first, size, leaves[count++]);
        }
        merge(leaves, count);
        __builtin_memcpy(*r, *leaves, sizeof *r);
    }
}
#endif
