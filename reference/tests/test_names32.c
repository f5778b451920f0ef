/* SPDX-License-Identifier: BSD-2-Clause */
/* The tests of names once more, with limbs of 32 bits as GMP has them on 32-bit machines: the sum
 * is compiled here against stand-ins for the functions of GMP that it uses. */
#include <stdint.h>

#define __GMP_H__ /* keeps the true header out */
#define GMP_NAIL_BITS 0
#define GMP_NUMB_BITS 32

typedef uint32_t mp_limb_t;
typedef long mp_size_t;

static mp_limb_t mpn_rshift(mp_limb_t *out, const mp_limb_t *in, mp_size_t n, unsigned count) {
    for (mp_size_t i = 0; i < n; i++)
        out[i] = in[i] >> count | (i + 1 < n ? in[i + 1] << (32 - count) : 0);
    return 0;
}

static mp_limb_t mpn_add(mp_limb_t *out, const mp_limb_t *a, mp_size_t an, const mp_limb_t *b,
                         mp_size_t bn) {
    uint64_t carry = 0;
    for (mp_size_t i = 0; i < an; i++) {
        carry += (uint64_t)a[i] + (i < bn ? b[i] : 0);
        out[i] = (mp_limb_t)carry;
        carry >>= 32;
    }
    return (mp_limb_t)carry;
}

static mp_limb_t mpn_add_n(mp_limb_t *out, const mp_limb_t *a, const mp_limb_t *b, mp_size_t n) {
    return mpn_add(out, a, n, b, n);
}

#include "wire/names.c"

#include "test_names.c"
