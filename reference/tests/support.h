/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the reference share. */
#ifndef YOTON_TESTS_SUPPORT_H
#define YOTON_TESTS_SUPPORT_H

/* cmocka.h wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alloc.h"

/* Memory that ends where the next byte cannot be read or written. */
typedef struct guard {
    uint8_t *start; /* of the mapping */
    size_t room;    /* bytes before the guard page */
} guard;

/* Purpose: map room for at least `size` bytes. Fails the test when there is none. */
guard guard_new(size_t size);

/* Purpose: a copy of the bytes that ends at the guard page; what was there before is gone. */
uint8_t *guard_place(const guard *g, const void *bytes, size_t size);

/* Purpose: size bytes in front of the guard page, filled with AA. */
uint8_t *guard_room(const guard *g, size_t size);

void guard_free(guard *g);

/* Purpose: run `check` with no failure, then once for each of its allocations with that one
 * failing. `check` gets `failing` 0 or 1, must see success or YOTON_E_NOMEM accordingly, and must
 * free all. Returns how many allocations it makes. */
size_t alloc_fail_each(void (*check)(void *context, int failing), void *context);

/* Purpose: bytes from hexadecimal text; freed with free(), never NULL. Fails the test on bad text.
 */
uint8_t *unhex(const char *text, size_t *size);

/* Purpose: a random number that depends on nothing but *state (splitmix64). */
uint64_t random_next(uint64_t *state);

#endif
