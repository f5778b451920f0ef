/* SPDX-License-Identifier: BSD-2-Clause */
/* A reader of objects that builds nothing and shares nothing with the reference: it only says
 * whether a payload is well-formed, and where not. */
#ifndef YOTON_FUZZ_WALKER_H
#define YOTON_FUZZ_WALKER_H

#include <stddef.h>
#include <stdint.h>

typedef struct walker_verdict {
    int error;     /* of yoton/error.h */
    size_t offset; /* where the object ends, or where it goes wrong */
} walker_verdict;

/* Purpose: judge the object at the beginning of data. */
walker_verdict walker_walk(const uint8_t *data, size_t size, size_t max_depth);

/* Purpose: size when data is well-formed UTF-8, else the offset of the first sequence that is not.
 */
size_t walker_utf8(const uint8_t *data, size_t size);

#endif
