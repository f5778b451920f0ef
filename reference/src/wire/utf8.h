/* SPDX-License-Identifier: BSD-2-Clause */
/* Strict UTF-8: no surrogates, no overlong forms, nothing above U+10FFFF. */
#ifndef YOTON_WIRE_UTF8_H
#define YOTON_WIRE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Purpose: check UTF-8. Returns size when all is good, else the offset at which the first
 * malformed sequence starts (the offset that Python's decoder reports). */
size_t yoton_utf8_check(const char *bytes, size_t size);

/* Purpose: the code point at bytes[*at] of good UTF-8; *at moves behind it. */
uint32_t yoton_utf8_next(const char *bytes, size_t size, size_t *at);

#endif
