/* SPDX-License-Identifier: BSD-2-Clause */
/* The handshake line, read by somebody who only knows what the beginning of a good one looks like.
 */
#ifndef YOTON_FUZZ_LINE_H
#define YOTON_FUZZ_LINE_H

#include <stddef.h>
#include <stdint.h>

/* Can these bytes be the beginning, or the whole, of a good line? */
int line_can_be(const uint8_t *data, size_t size);

/* What a whole good line of `size` bytes says. */
uint64_t line_id(const uint8_t *data);
uint64_t line_pid(const uint8_t *data, size_t size);

#endif
