/* The gradient of a small perceptron in one call: linear layers with ReLU between, and a loss at the end.

   The chain is that of perceptron.py. In a small network the seventeen calls of torch take nearly as long as the
   work; in a large one its matrix products are faster than this one, and perceptron_gradient.py takes them. */

#include <stdlib.h>
#include "vectors.h"

#define ROWS 4 /* of a product at a time: with two vectors each, their sums stay in registers */
#define WIDTH (2 * LANES)
#define IN_PANELS(columns) (((columns) + WIDTH - 1) / WIDTH * WIDTH)

/* Element (i, j) is at[i * down + j * right]: with down and right exchanged, it is the transposed matrix. */
typedef struct {
    const REAL *at;
    long down, right;
} matrix;

/* What becomes of a sum that is written: ReLU, or times ReLU's derivative at the output that it replaces. */
typedef enum { AS_IT_IS, RELU, WHERE_POSITIVE } finish;

/* WIDTH columns of b after another, each row by row, and zeros where b ends: the order in which product reads. */
static void pack(matrix b, long rows, long columns, REAL *panels) {
    for (long first = 0; first < columns; first += WIDTH)
        for (long i = 0; i < rows; i++)
            for (long j = first; j < first + WIDTH; j++)
                *panels++ = j < columns ? b.at[i * b.down + j * b.right] : 0;
}

INLINE void write(REAL *to, vector left, vector right, int width, finish how) {
    for (int j = 0; j < width; j++) {
        REAL sum = j < LANES ? left[j] : right[j - LANES];
        if (how == RELU) sum = sum < 0 ? 0 : sum;
        if (how == WHERE_POSITIVE) sum *= to[j] > 0;
        to[j] = sum;
    }
}

/* Formula: c = finish(bias + a b), a (m, k), b (k, n) in panels, c (m, n), bias (n) or NULL for 0. */
static void product(matrix a, const REAL *panels, const REAL *bias, long m, long k, long n, finish how,
                    REAL *c) {
    for (long first = 0; first < n; first += WIDTH, panels += k * WIDTH) {
        int width = n - first < WIDTH ? (int)(n - first) : WIDTH;
        REAL start[WIDTH] = {0};
        for (int j = 0; bias && j < width; j++) start[j] = bias[first + j];
        for (long i = 0; i < m; i += ROWS) {
            const REAL *row[ROWS];
            vector left[ROWS], right[ROWS];
            for (int r = 0; r < ROWS; r++) { /* rows behind the last repeat it, and are not written */
                row[r] = a.at + (i + r < m ? i + r : m - 1) * a.down;
                left[r] = *(const loose *)start, right[r] = *(const loose *)(start + LANES);
            }
            for (long t = 0; t < k; t++) {
                vector b_left = *(const loose *)(panels + t * WIDTH);
                vector b_right = *(const loose *)(panels + t * WIDTH + LANES);
                for (int r = 0; r < ROWS; r++) {
                    REAL factor = row[r][t * a.right];
                    left[r] += factor * b_left, right[r] += factor * b_right;
                }
            }
            for (int r = 0; r < ROWS && i + r < m; r++) {
                REAL *to = c + (i + r) * n + first;
                if (width == WIDTH) write(to, left[r], right[r], WIDTH, how);
                else write(to, left[r], right[r], width, how);
            }
        }
    }
}

/* Formula: d_ssr_d_output = -2 (target - output), over the output; for the mean divided by the terms. */
static void d_ssr_d_output(REAL *output, const REAL *targets, long count, REAL terms) {
    for (long i = 0; i < count; i++) output[i] = -2 * (targets[i] - output[i]) / terms;
}

/* Formula: d_loss_d_output = (softmax(output) - [class]) / terms, over the output. */
static void d_cross_entropy_d_output(REAL *output, const int64_t *classes, long rows, long width, REAL terms) {
    for (long i = 0; i < rows; i++, output += width) {
        REAL largest = output[0], sum = 0;
        for (long j = 1; j < width; j++) largest = output[j] > largest ? output[j] : largest;
        for (long j = 0; j < width; j += LANES) {
            int count = width - j < LANES ? (int)(width - j) : LANES;
            vector below = {0};
            for (int lane = 0; lane < count; lane++) below[lane] = largest - output[j + lane];
            vector share = pick(below == below, exp_minus(below), below); /* a NaN stays one */
            for (int lane = 0; lane < count; lane++) sum += output[j + lane] = share[lane];
        }
        for (long j = 0; j < width; j++) output[j] = (output[j] / sum - (j == classes[i])) / terms;
    }
}

/* Formula: bias'[j] = sum over the rows i of d_loss_d_output[i, j]. */
static void sum_of_rows(const REAL *d_loss_d_output, long rows, long width, REAL *restrict sums) {
    for (long j = 0; j < width; j++) sums[j] = 0;
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < width; j++) sums[j] += d_loss_d_output[i * width + j];
}

/* How many numbers the activations take together. */
static long size_of_activations(const long *widths, long layers, long n) {
    long size = 0;
    for (long l = 1; l <= layers; l++) size += n * widths[l];
    return size;
}

/* How many the largest of the matrices that are packed takes. */
static long size_of_panels(const long *widths, long layers, long n) {
    long size = 0;
    for (long l = 0; l < layers; l++) {
        long in = widths[l], out = widths[l + 1];
        long rows = n > out ? n : out, forward = in * IN_PANELS(out), backward = rows * IN_PANELS(in);
        size = forward > size ? forward : size;
        size = backward > size ? backward : size;
    }
    return size;
}

/* The derivatives with respect to weight and bias of each layer, in the order of the parameters.
   The loss is the cross-entropy where there are classes, the SSR where there are observed; terms divide it.
   Returns 0, or 1 for a class that is none and where there is no memory: then nothing has been written. */
int perceptron(const long *widths, long layers, const REAL *const *parameters, REAL *inputs,
               const REAL *observed, const int64_t *classes, REAL terms, long n, REAL *const *results) {
    for (long i = 0; classes && i < n; i++)
        if (classes[i] < 0 || classes[i] >= widths[layers]) return 1;
    long size = size_of_activations(widths, layers, n);
    /* Not on the stack: a network of a million layers of one node is small in all but the number of layers. */
    REAL **activations = malloc((layers + 1) * sizeof *activations);
    REAL *own = malloc((size + size_of_panels(widths, layers, n)) * sizeof(REAL)), *panels = own + size;
    REAL *next = own;
    if (!own || !activations) return free(own), free(activations), 1;
    activations[0] = inputs;
    for (long l = 0; l < layers; l++) {
        long in = widths[l], out = widths[l + 1];
        const REAL *weight = parameters[2 * l], *bias = parameters[2 * l + 1];
        activations[l + 1] = next, next += n * out;
        pack((matrix){weight, 1, in}, in, out, panels);
        matrix input = {activations[l], in, 1};
        product(input, panels, bias, n, in, out, l + 1 < layers ? RELU : AS_IT_IS, activations[l + 1]);
    }
    REAL *output = activations[layers];
    if (classes) d_cross_entropy_d_output(output, classes, n, widths[layers], terms);
    else d_ssr_d_output(output, observed, n * widths[layers], terms);
    for (long l = layers - 1; l >= 0; l--) { /* each activation is overwritten by its derivative */
        long in = widths[l], out = widths[l + 1];
        const REAL *weight = parameters[2 * l], *d_loss_d_output = activations[l + 1];
        sum_of_rows(d_loss_d_output, n, out, results[2 * l + 1]);
        pack((matrix){activations[l], in, 1}, n, in, panels);
        product((matrix){d_loss_d_output, 1, out}, panels, NULL, out, n, in, AS_IT_IS, results[2 * l]);
        if (!l) break;
        pack((matrix){weight, in, 1}, out, in, panels);
        product((matrix){d_loss_d_output, out, 1}, panels, NULL, n, out, in, WHERE_POSITIVE, activations[l]);
    }
    free(own), free(activations);
    return 0;
}
