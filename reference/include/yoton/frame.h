/* SPDX-License-Identifier: BSD-2-Clause */
/* Package framing: the 56-byte header and the machine that cuts a byte stream into packages.
 * Pure functions over caller memory: no I/O, no clock, no allocation. */
#ifndef YOTON_FRAME_H
#define YOTON_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "yoton/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define YOTON_HEADER_SIZE 56
#define YOTON_SLOT_CONNECTION UINT64_C(1)
#define YOTON_SLOT_CONTEXT UINT64_C(2)
#define YOTON_SLOT_FIRST UINT64_C(8) /* hashes of slot names start here */
#define YOTON_SIGNAL_HEARTBEAT UINT64_C(0)
#define YOTON_SIGNAL_CLOSE UINT64_C(1)
#define YOTON_MAX_MESSAGE_DEFAULT (UINT64_C(1) << 30) /* bytes; LIMIT section of the spec */

/* The six variable fields of a header, in the order in which they stand on the wire. */
typedef struct yoton_header {
    uint64_t slot;
    uint64_t source_id;
    uint64_t source_seq;
    uint64_t dest_id;
    uint64_t dest_seq;
    uint64_t length; /* bytes of payload that follow the header */
} yoton_header;

/* Purpose: write the 56 bytes of a header. Cannot fail. */
void yoton_header_encode(const yoton_header *header, uint8_t out[YOTON_HEADER_SIZE]);

/* Purpose: read the 56 bytes of a header.
 * On success *header is filled. On error *header is untouched and *error_offset (may be NULL) is
 * the offset of the first wrong control byte.
 * Returns YOTON_OK or YOTON_E_CONTROL. */
int yoton_header_decode(yoton_header *header, const uint8_t in[YOTON_HEADER_SIZE],
                        size_t *error_offset);

/* A stream of packages, read in pieces of any size. The caller owns the struct; fields are private.
 * Initialise with yoton_framer_init; there is nothing to free. */
typedef struct yoton_framer {
    uint64_t max_message;
    uint64_t remaining; /* payload bytes still to come */
    uint64_t position;  /* bytes of the stream consumed so far */
    int error;          /* sticky */
    uint8_t have;       /* bytes of `raw` that are filled */
    uint8_t raw[YOTON_HEADER_SIZE];
} yoton_framer;

typedef enum yoton_frame_kind {
    YOTON_FRAME_NONE,    /* the input is used up, more is needed */
    YOTON_FRAME_HEADER,  /* a complete header: `header` is set */
    YOTON_FRAME_PAYLOAD, /* a piece of payload: `data`, `size`; `last` on the final piece */
    YOTON_FRAME_SIGNAL   /* a header of length 0: heartbeat, close or one to ignore */
} yoton_frame_kind;

typedef struct yoton_frame {
    yoton_frame_kind kind;
    yoton_header header; /* HEADER and SIGNAL */
    const uint8_t *data; /* PAYLOAD: borrowed from the input of this very call */
    size_t size;         /* PAYLOAD: at least 1 */
    int last;            /* PAYLOAD: 1 when the package is complete with this piece */
} yoton_frame;

/* Purpose: start reading a stream. max_message is in bytes, 0 asks for the default. */
void yoton_framer_init(yoton_framer *framer, uint64_t max_message);

/* Purpose: read on until the next frame event or the end of the input.
 * *consumed is how many bytes of data were used; call again with the rest until kind is NONE. data
 * may be NULL when size is 0.
 * Splitting the stream anywhere gives the same headers, signals, payload bytes and errors.
 * Returns YOTON_OK, YOTON_E_CONTROL (at the first wrong control byte) or YOTON_E_LENGTH (at the end
 * of a header whose length is above the limit). Errors stick: every further call returns the same
 * and consumes nothing. After an error *consumed means nothing; yoton_framer_position tells the
 * offset in the stream of the first wrong byte (CONTROL) or of the length field (LENGTH). */
int yoton_framer_feed(yoton_framer *framer, const uint8_t *data, size_t size, size_t *consumed,
                      yoton_frame *frame);

/* Purpose: bytes consumed since init, or after an error the offset of what was wrong. */
uint64_t yoton_framer_position(const yoton_framer *framer);

/* Purpose: 1 when the stream stands between two packages, so that an end of file here cuts none. */
int yoton_framer_at_boundary(const yoton_framer *framer);

#ifdef __cplusplus
}
#endif
#endif
