/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads spec/vectors/NAME.json; spec/vectors/README.md tells what stands in these files. Whatever
 * is missing or of the wrong form fails the test. */
#ifndef YOTON_TESTS_VECTORS_H
#define YOTON_TESTS_VECTORS_H

#include "support.h"

#include <jansson.h>

/* Purpose: call `check` for every vector of a file that has the member `having` (NULL: all). Fails
 * the test when there is none. */
void vectors_each(const char *file, const char *having, void (*check)(const json_t *vector));

/* Purpose: the teardown of a test that uses vectors_each; names the vector that failed it. */
int vectors_blame(void **state);

/* Purpose: a member that is bytes or text, in one string or in parts, freed with free() (a NUL
 * follows that *size does not count). */
uint8_t *vector_bytes(const json_t *vector, const char *member, size_t *size);
char *vector_text(const json_t *vector, const char *member, size_t *size);

/* Purpose: a member that is a decimal number in a string, an id in hexadecimal, a JSON number (or,
 * where it may be missing, `otherwise`), or a string. */
uint64_t vector_u64(const json_t *vector, const char *member);
uint64_t vector_id(const json_t *vector, const char *member);
size_t vector_size(const json_t *vector, const char *member);
size_t vector_size_or(const json_t *vector, const char *member, size_t otherwise);
const char *vector_string(const json_t *vector, const char *member);

#endif
