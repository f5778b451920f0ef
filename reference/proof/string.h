/* SPDX-License-Identifier: BSD-2-Clause */
/* What the proofs assume of the C library, in place of its <string.h>. */
#ifndef YOTON_PROOF_STRING_H
#define YOTON_PROOF_STRING_H

#include <stddef.h>
#include <stdint.h>

/*@ requires \valid(to + (0 .. size - 1)) && \valid_read(from + (0 .. size - 1));
  @ requires \separated(to + (0 .. size - 1), from + (0 .. size - 1));
  @ assigns to[0 .. size - 1];
  @ ensures \forall integer i; 0 <= i < size ==> to[i] == from[i];
  @*/
void memcpy(uint8_t *to, const uint8_t *from, size_t size);

/*@ requires \valid_read(a + (0 .. size - 1)) && \valid_read(b + (0 .. size - 1));
  @ assigns \nothing;
  @ ensures \result == 0 <==> \forall integer i; 0 <= i < size ==> a[i] == b[i];
  @*/
int memcmp(const uint8_t *a, const uint8_t *b, size_t size);

#endif
