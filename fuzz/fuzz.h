/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fuzz targets share. A target is LLVMFuzzerTestOneInput; it must behave the same for the
 * same input, and abort, through CHECK, when the reference breaks what its header promises. */
#ifndef YOTON_FUZZ_H
#define YOTON_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(holds)                                                                               \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Settings of a target stand behind the input proper, so that a seed is a message and its settings,
 * and a mutation of the one is not one of the other. Takes the last byte off; 0 when there is none.
 */
static inline uint8_t fuzz_setting(const uint8_t *data, size_t *size) {
    return *size > 0 ? data[--*size] : 0;
}

/* Bytes in memory of just their size, so that reading past their end is noticed. Free with free().
 */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

#endif
