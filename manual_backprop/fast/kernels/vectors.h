/* Several numbers at a time, and exp and log(1 + e) of them.

   Compiled once per precision by compiled_library.py, which defines REAL and INTEGER, two types of one size,
   and DOUBLE.

   exp and log(1 + e) are written out, since a library's would be called for one number at a time. Their error
   is derived in docs/speed.md. */

#include <stdint.h>

#define BYTES 32
#define LANES (BYTES / (int)sizeof(REAL))
typedef REAL vector __attribute__((vector_size(BYTES)));
typedef INTEGER integers __attribute__((vector_size(BYTES)));
/* The same vector at an address that is no multiple of BYTES. */
typedef REAL loose __attribute__((vector_size(BYTES), aligned(sizeof(REAL)), may_alias));

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))
#define INLINE static inline __attribute__((always_inline))

#if DOUBLE
#define MAGIC 0x1.8p52 /* adding it rounds to a whole number and leaves that number in the lowest bits */
#define MANTISSA 52
#define BIAS 1023
#define LOG2_HIGH 0x1.62e42fefa38p-1 /* so few bits that a whole number times it is exact */
#define LOG2_LOW 0x1.ef35793c7673p-45
#define UNDERFLOW 746 /* exp(-746) rounds to 0 */
static const REAL EXP_SERIES[] = {1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
                                  1.0 / 362880,     1.0 / 40320,     1.0 / 5040,     1.0 / 720,
                                  1.0 / 120,        1.0 / 24,        1.0 / 6,        1.0 / 2};
static const REAL ATANH_SERIES[] = {2.0 / 33, 2.0 / 31, 2.0 / 29, 2.0 / 27, 2.0 / 25, 2.0 / 23,
                                    2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13, 2.0 / 11,
                                    2.0 / 9,  2.0 / 7,  2.0 / 5,  2.0 / 3};
#else
#define MAGIC 0x1.8p23f
#define MANTISSA 23
#define BIAS 127
#define LOG2_HIGH 0x1.62e4p-1f
#define LOG2_LOW 0x1.7f7d1cp-20f
#define UNDERFLOW 105
static const REAL EXP_SERIES[] = {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 1.0f / 2};
static const REAL ATANH_SERIES[] = {2.0f / 15, 2.0f / 13, 2.0f / 11, 2.0f / 9, 2.0f / 7, 2.0f / 5, 2.0f / 3};
#endif

INLINE vector pick(integers condition, vector yes, vector no) {
    return (vector)(((integers)yes & condition) | ((integers)no & ~condition));
}

/* The odd powers in a chain of their own beside the even ones: each step of a chain waits for the one before. */
INLINE vector polynomial(vector x, const REAL *coefficients, int count) {
    vector zero = {0}, square = x * x, chains[2] = {coefficients[0] + zero, coefficients[1] + zero};
    for (int i = 2; i < count; i++) chains[i % 2] = chains[i % 2] * square + coefficients[i];
    return chains[count % 2] * x + chains[(count - 1) % 2];
}

INLINE vector nearest_whole(vector x) { return (x + MAGIC) - MAGIC; }

INLINE vector power_of_two(vector whole) {
    return (vector)(((integers)(whole + MAGIC) + BIAS) << MANTISSA);
}

/* exp(-a) for a >= 0, as 2^k exp(r) with |r| <= log(2) / 2. */
INLINE vector exp_minus(vector a) {
    a = pick(a < UNDERFLOW, a, UNDERFLOW + 0 * (vector){0});
    vector k = nearest_whole(a * (REAL)-1.4426950408889634);
    vector r = (-a - k * (REAL)LOG2_HIGH) - k * (REAL)LOG2_LOW;
    vector exp_r = 1 + (r + r * r * polynomial(r, EXP_SERIES, COUNT(EXP_SERIES)));
    vector half = nearest_whole(k * (REAL)0.5); /* 2^k itself may lie below the normal numbers */
    return exp_r * power_of_two(half) * power_of_two(k - half);
}

/* log(1 + e) for 0 <= e <= 1, as 2 atanh(s) with s = e / (2 + e), so that 2 s = e - s e. */
INLINE vector log_one_plus(vector e) {
    vector s = e / (2 + e), z = s * s;
    return e - s * (e - z * polynomial(z, ATANH_SERIES, COUNT(ATANH_SERIES)));
}
