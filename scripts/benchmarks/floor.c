/* The kernel's two SoftPlus of every observation and nothing else: what its gradient cannot do without.

   lesson_and_triangle.c itself is read in, so that these are its own functions. */

#include "../../manual_backprop/fast/kernels/lesson_and_triangle.c"

/* The sums of y1 and of y2, for n a multiple of 8; parameters as gradients takes them. */
void two_softplus(const REAL *const *parameters, const REAL *inputs, long n, REAL *result) {
    REAL w1 = *parameters[0], b1 = *parameters[1], w2 = *parameters[2], b2 = *parameters[3];
    vector y1 = {0}, y2 = {0};
    for (long i = 0; i < n; i += LANES) {
        vector input = *(const loose *)(inputs + i);
        y1 += activate(w1 * input + b1, 0).softplus;
        y2 += activate(w2 * input + b2, 0).softplus;
    }
    result[0] = total(y1), result[1] = total(y2);
}
