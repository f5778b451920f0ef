/* SPDX-License-Identifier: BSD-2-Clause */
/* Little-endian integers; compilers turn each of these into one load or store. */
#ifndef YOTON_WIRE_LE_H
#define YOTON_WIRE_LE_H

#include <stdint.h>

/*@ // The contracts of this file speak of the numbers that bytes are, least significant first.
  @ logic integer le64(uint8_t *p) =
  @     p[0] + 0x100 * p[1] + 0x10000 * p[2] + 0x1000000 * p[3] + 0x100000000 * p[4] +
  @     0x10000000000 * p[5] + 0x1000000000000 * p[6] + 0x100000000000000 * p[7];
  @*/

/*@ requires \valid_read(in + (0 .. 7));
  @ assigns \nothing;
  @ ensures \result == le64(in);
  @*/
static inline uint64_t yoton_le64_get(const uint8_t *in) {
    return (uint64_t)in[0] | (uint64_t)in[1] << 8 | (uint64_t)in[2] << 16 | (uint64_t)in[3] << 24 |
           (uint64_t)in[4] << 32 | (uint64_t)in[5] << 40 | (uint64_t)in[6] << 48 |
           (uint64_t)in[7] << 56;
}

/*@ requires \valid(out + (0 .. 7));
  @ assigns out[0 .. 7];
  @ ensures le64(out) == value;
  @*/
static inline void yoton_le64_put(uint8_t *out, uint64_t value) {
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
    out[2] = (uint8_t)(value >> 16);
    out[3] = (uint8_t)(value >> 24);
    out[4] = (uint8_t)(value >> 32);
    out[5] = (uint8_t)(value >> 40);
    out[6] = (uint8_t)(value >> 48);
    out[7] = (uint8_t)(value >> 56);
}

#endif
