/* SPDX-License-Identifier: BSD-2-Clause */
/* One direction of a stream read as Yoton; see dump_stream.h, whose inner part this is. */
#ifndef YOTON_TOOLS_DUMP_HALF_H
#define YOTON_TOOLS_DUMP_HALF_H

#include "dump_stream.h"

typedef enum dump_state {
    DUMP_AT_START, /* nothing came yet */
    DUMP_IN_DOUBT, /* the capture began later: a line or a package? */
    DUMP_IN_LINE,
    DUMP_IN_BAD_LINE, /* its error is known, its end is not */
    DUMP_IN_PACKAGES,
    DUMP_SEEKING, /* control bytes, after a gap or an error */
    DUMP_REFUSED  /* what follows a line that is not good is not read */
} dump_state;

typedef struct dump_half {
    dump_reader *reader;
    capture_stream *stream;
    int side;
    struct dump_half *other;
    bool *announced; /* the stream's event DUMP_STREAM has gone out */
    dump_state state;
    uint64_t at;      /* offset of the next byte */
    uint64_t item_at; /* offset of the line, or of the first byte that belongs to nothing */
    uint64_t unread;  /* bytes since then that belong to nothing */
    bool closed;      /* a close signal went by */
    /* line */
    uint8_t line[YOTON_LINE_MAX_DEFAULT];
    size_t line_size, line_shown; /* line_shown: how much of it was reported as not good */
    int line_error;
    size_t line_blame;
    /* packages */
    yoton_framer framer;
    uint64_t framer_at; /* offset at which the framer was started */
    yoton_header header;
    uint64_t header_at;
    uint64_t got, missing; /* of the payload; header.length is 0 between packages */
    uint8_t *kept;
    size_t kept_size, room;
    bool kept_all;  /* nothing of the payload so far was left out */
    size_t matched; /* control bytes found in DUMP_SEEKING */
} dump_half;

int dump_half_data(dump_half *half, const uint8_t *data, size_t size);
int dump_half_gap(dump_half *half, uint64_t bytes, capture_gap why);
int dump_half_end(dump_half *half, capture_end why);
void dump_half_evicted(dump_half *half);
void dump_half_free(dump_half *half);

#endif
