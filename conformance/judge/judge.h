/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads what a peer sent. Written from spec/wire.md alone: it shares no code with the reference,
 * so that a mistake there is not made here too. Pure functions over the caller's memory. */
#ifndef YOTONSPEC_JUDGE_H
#define YOTONSPEC_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JUDGE_HEADER = 56, JUDGE_CONTROL = 8 };

/* The header after its control bytes, in the order of the wire (FRAME-1). */
struct judged_header {
    uint64_t slot, source_id, source_seq, dest_id, dest_seq, length;
};

/* Purpose: how many of the first `size` bytes of a header agree with the control bytes (FRAME-2);
 * 8, or `size` when it is less, means that none is wrong. */
size_t judge_control(const uint8_t *bytes, size_t size);

/* Purpose: the six fields of a complete header; does not look at the control bytes. */
struct judged_header judge_header(const uint8_t bytes[JUDGE_HEADER]);

/* Purpose: the name of the field that holds the byte at `offset` of a package. */
const char *judge_field(size_t offset);

enum judged_line {
    LINE_GOOD,
    LINE_NOT_YOTON, /* does not start with YOTON! (HS-12) */
    LINE_MALFORMED  /* starts so, and is not good (HS-13 to HS-15) */
};

struct judged_hello {
    uint64_t id, pid;
    bool as_sent; /* also in the form a sender is to use: lower case, no leading zeros (HS-2) */
};

/* Purpose: judge a handshake line, given without its CRLF, as a receiver does. *hello is set for a
 * good line. *wrong (may be NULL) is the offset of the first byte that makes it bad, `size` for one
 * that is too short. */
enum judged_line judge_hello(const uint8_t *line, size_t size, struct judged_hello *hello,
                             size_t *wrong);

/* Purpose: is this well-formed UTF-8 (MSG-3)? */
bool judge_utf8(const uint8_t *bytes, size_t size);

/* Purpose: is this text in UTF-8 without control characters, fit to be shown as it is? */
bool judge_printable(const uint8_t *bytes, size_t size);

#endif
