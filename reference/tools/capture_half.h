/* SPDX-License-Identifier: BSD-2-Clause */
/* One direction of a TCP stream; see capture_tcp.h, whose inner part this is. */
#ifndef YOTON_TOOLS_CAPTURE_HALF_H
#define YOTON_TOOLS_CAPTURE_HALF_H

#include "capture_tcp.h"

/* Offsets count from the first byte of the direction that could be seen. */
typedef struct capture_half {
    bool started, ended;
    bool fin;          /* the end of the stream was seen, at offset fin_at */
    uint32_t next_seq; /* TCP's number of the byte at offset `next` */
    uint64_t next;     /* bytes handed out so far */
    uint64_t fin_at;
    uint64_t acknowledged;              /* offset up to which the other side has everything */
    struct capture_piece *first, *last; /* what waits for missing bytes, by offset */
    size_t held, pieces;
    unsigned waited; /* packets since bytes were acknowledged that we miss */
} capture_half;

/* Where the bytes go, and the count of memory that all streams share. */
typedef struct capture_sink {
    const capture_handler *handler;
    capture_stream *stream;
    int side;
    size_t *memory;
} capture_sink;

/* Purpose: the next byte has this number. Does nothing when that is known already. */
void capture_half_start(capture_half *half, uint32_t seq);

/* Purpose: the other side has everything below this number. */
void capture_half_acknowledge(capture_half *half, uint32_t ack);

/* Purpose: payload and FIN of a segment; `seq` is the number of its first payload byte.
 * Returns 0, -1 when memory is short, or what the handler returned. */
int capture_half_add(capture_half *half, const capture_sink *sink, uint32_t seq,
                     const capture_segment *segment);

/* Purpose: a packet of the stream has passed: give missing bytes up once waiting makes no sense. */
int capture_half_wait(capture_half *half, const capture_sink *sink);

/* Purpose: nothing more will come: hand out what waits, missing bytes as gaps, and report the end.
 */
int capture_half_end(capture_half *half, const capture_sink *sink, capture_end why);

/* Purpose: free what waits, without events. */
void capture_half_free(capture_half *half, size_t *memory);

#endif
