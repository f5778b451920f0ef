/* SPDX-License-Identifier: BSD-2-Clause */
/* Results of a run in shards, made by the bytes of an input, for fuzz_reports: good ones, with at
 * most one thing in them that is wrong. */
#ifndef YOTON_FUZZ_RESULTS_MAKER_H
#define YOTON_FUZZ_RESULTS_MAKER_H

#include <stddef.h>
#include <stdint.h>

/* Purpose: the shards as JSON, bytes 30 between; to be freed, *made is the size. */
char *results_make(const uint8_t *choices, size_t size, size_t *made);

/* Purpose: the same, a list of known failures. */
char *known_make(const uint8_t *choices, size_t size, size_t *made);

#endif
