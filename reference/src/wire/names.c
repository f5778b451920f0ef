/* SPDX-License-Identifier: BSD-2-Clause */
/* Names and their hashes. The hash is defined on integers without bound, so it is computed on limbs
 * in memory of our own. */
#include "yoton/names.h"

#include <gmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <unistr.h>

#include "wire/utf8.h"

_Static_assert(GMP_NAIL_BITS == 0 && (GMP_NUMB_BITS == 64 || GMP_NUMB_BITS == 32),
               "the hash needs whole limbs of 32 or 64 bits");

#define FACTOR UINT64_C(0xD2D84A61)
#define SLOT_RANGE (UINT64_MAX - 7) /* 2^64 - 8 */
#define EIGHTH (UINT64_MAX / 8 + 1) /* of 2^64 */

enum {
    LIMBS_IN_64 = 64 / GMP_NUMB_BITS,
    PORT_FIRST = 49152,
    PORT_RANGE = 16384,
    CAPITAL_I_DOT = 0x130, /* the one character whose lower case is two: i and U+0307 */
    COMBINING_DOT = 0x307,
    CAPITAL_SIGMA = 0x3a3,
    SMALL_SIGMA = 0x3c3,
    FINAL_SIGMA = 0x3c2
};

/* --- normalising --- */

/* SLOT-3 */
static bool is_space(uint32_t c) {
    return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

/* A name as code points. */
typedef struct points {
    uint32_t *at;
    size_t count;
} points;

/* Reads UTF-8 with at most YOTON_NAME_MAX code points. On E_UTF8 *bad is the offset. */
static int read_points(points *p, const char *name, size_t size, size_t *bad) {
    size_t at = 0;
    size_t good = yoton_utf8_check(name, size);
    *p = (points){0};
    if (good != size) {
        *bad = good;
        return YOTON_E_UTF8;
    }
    size_t count = u8_mbsnlen((const uint8_t *)name, size);
    if (count > YOTON_NAME_MAX) /* LIMIT-11 */
        return YOTON_E_LENGTH;
    p->at = malloc((count + 1) * sizeof *p->at);
    if (p->at == NULL)
        return YOTON_E_NOMEM;
    while (at < size)
        p->at[p->count++] = yoton_utf8_next(name, size, &at);
    return YOTON_OK;
}

static points strip(points p) {
    while (p.count > 0 && is_space(p.at[p.count - 1]))
        p.count--;
    while (p.count > 0 && is_space(p.at[0])) {
        p.at++;
        p.count--;
    }
    return p;
}

/* A capital sigma ends a word when a cased character comes before it and none after it, those that
 * are case-ignorable passed over. */
static bool is_final(points p, size_t sigma) {
    size_t before = sigma, after = sigma + 1;
    while (before > 0 && uc_is_property_case_ignorable(p.at[before - 1]))
        before--;
    if (before == 0 || !uc_is_property_cased(p.at[before - 1]))
        return false;
    while (after < p.count && uc_is_property_case_ignorable(p.at[after]))
        after++;
    return after == p.count || !uc_is_property_cased(p.at[after]);
}

/* SLOT-4 */
static uint32_t lower(points p, size_t i) {
    if (p.at[i] == CAPITAL_SIGMA)
        return is_final(p, i) ? FINAL_SIGMA : SMALL_SIGMA;
    return uc_tolower(p.at[i]);
}

/* Memory for the lower-case name: no character takes more than 4 bytes, and U+0130 makes 3. */
static int write_lower(points p, char **out, size_t *out_size) {
    size_t count = 0, size = 0;
    uint8_t *bytes = malloc(p.count * 4 + 1);
    if (bytes == NULL)
        return YOTON_E_NOMEM;
    for (size_t i = 0; i < p.count; i++) {
        bool two = p.at[i] == CAPITAL_I_DOT;
        size += (size_t)u8_uctomb(bytes + size, two ? 'i' : lower(p, i), 4);
        if (two)
            size += (size_t)u8_uctomb(bytes + size, COMBINING_DOT, 4);
        count += two ? 2 : 1;
    }
    if (count > YOTON_NAME_MAX) {
        free(bytes);
        return YOTON_E_LENGTH;
    }
    bytes[size] = '\0';
    *out = (char *)bytes;
    *out_size = size;
    return YOTON_OK;
}

int yoton_slot_normalize(const char *name, size_t size, char **out, size_t *out_size) {
    points p;
    *out = NULL;
    int result = read_points(&p, name, size, out_size);
    if (result == YOTON_OK)
        result = write_lower(strip(p), out, out_size);
    free(p.at);
    return result;
}

/* --- hashing --- */

/* An integer in limbs, least first, with room for all that the hash of one name can reach. */
typedef struct sum {
    mp_limb_t *limbs, *eighth;
    mp_size_t used; /* at least LIMBS_IN_64 */
} sum;

/* Each step multiplies by 9/8 and adds less than 2^53; log2(9/8) is below 17/100. */
static size_t room_for(size_t steps) {
    size_t bits = steps * 17 / 100 + 64;
    return bits / GMP_NUMB_BITS + LIMBS_IN_64 + 1;
}

/* SLOT-6: v += (v >> 3) + amount * FACTOR */
static void step(sum *v, uint32_t amount) {
    uint64_t product = amount * FACTOR;
    mp_limb_t term[LIMBS_IN_64];
    for (int i = 0; i < LIMBS_IN_64; i++)
        term[i] = (mp_limb_t)(product >> (i * GMP_NUMB_BITS % 64));
    mpn_rshift(v->eighth, v->limbs, v->used, 3);
    mp_limb_t carry = mpn_add_n(v->limbs, v->limbs, v->eighth, v->used);
    carry += mpn_add(v->limbs, v->limbs, v->used, term, LIMBS_IN_64);
    if (carry > 0)
        v->limbs[v->used++] = carry;
}

static uint64_t piece(const sum *v, mp_size_t i) {
    uint64_t value = 0;
    for (mp_size_t j = LIMBS_IN_64; j-- > 0;) {
        mp_size_t at = i * LIMBS_IN_64 + j;
        value = LIMBS_IN_64 == 1 ? (uint64_t)v->limbs[at]
                                 : value << 32 | (at < v->used ? (uint64_t)v->limbs[at] : 0);
    }
    return value;
}

/*@ predicate is_rest(integer rest, integer of) = 0 <= rest < SLOT_RANGE &&
      (of == rest || of == rest + SLOT_RANGE || of == rest + 2 * SLOT_RANGE); */

/*@ requires a <= SLOT_RANGE;
    assigns \nothing;
    ensures is_rest(\result, a + b); */
static uint64_t add_mod(uint64_t a, uint64_t b) {
    uint64_t left = UINT64_MAX - a; /* beyond it stands 2^64, which is 8 more than the range */
    uint64_t total = b > left ? b - left + 7 : a + b;
    return total >= SLOT_RANGE ? total - SLOT_RANGE : total;
}

/* The rest of a number that goes on with 64 bits more, where 2^64 counts as 8. */
/*@ requires rest < SLOT_RANGE;
    assigns \nothing;
    ensures \result < SLOT_RANGE;
    ensures \exists integer k; rest * 8 + next == \result + k * SLOT_RANGE; */
static uint64_t go_on(uint64_t rest, uint64_t next) {
    return add_mod(add_mod(rest % EIGHTH * 8, rest / EIGHTH * 8), next);
}

/* SLOT-5: v mod (2^64 - 8) */
static uint64_t slot_rest(const sum *v) {
    uint64_t rest = 0;
    for (mp_size_t i = (v->used + LIMBS_IN_64 - 1) / LIMBS_IN_64; i-- > 0;)
        rest = go_on(rest, piece(v, i));
    return rest;
}

/* Hashes good UTF-8 of `count` code points; *slot_part and *port_part are v modulo either range. */
static int hash(const char *name, size_t size, size_t count, uint64_t *slot, uint64_t *port) {
    size_t room = room_for(count + 1);
    mp_limb_t *memory = calloc(2 * room, sizeof *memory);
    if (memory == NULL)
        return YOTON_E_NOMEM;
    sum v = {memory, memory + room, LIMBS_IN_64};
    for (size_t at = 0; at < size;)
        step(&v, yoton_utf8_next(name, size, &at));
    step(&v, (uint32_t)count);
    *slot = slot_rest(&v);
    *port = piece(&v, 0) % PORT_RANGE;
    free(memory);
    return YOTON_OK;
}

int yoton_slot_hash(const char *name, size_t size, uint64_t *slot) {
    char *normal;
    size_t normal_size;
    uint64_t rest, unused;
    int result = yoton_slot_normalize(name, size, &normal, &normal_size);
    if (result != YOTON_OK)
        return result;
    size_t count = u8_mbsnlen((const uint8_t *)normal, normal_size);
    result = hash(normal, normal_size, count, &rest, &unused);
    free(normal);
    if (result == YOTON_OK)
        *slot = rest + 8;
    return result;
}

/* ADDR-6 */
int yoton_port_hash(const char *name, size_t size, uint16_t *port) {
    uint64_t unused, rest;
    if (yoton_utf8_check(name, size) != size)
        return YOTON_E_UTF8;
    size_t count = u8_mbsnlen((const uint8_t *)name, size);
    if (count > YOTON_NAME_MAX)
        return YOTON_E_LENGTH;
    int result = hash(name, size, count, &unused, &rest);
    if (result == YOTON_OK)
        *port = (uint16_t)(PORT_FIRST + rest);
    return result;
}
