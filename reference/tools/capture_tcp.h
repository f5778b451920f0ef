/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP streams put together from captured segments: reordered, repeated, overlapping and lost ones.
 * Bytes are handed out in order; bytes that the capture does not hold are handed out as a gap. */
#ifndef YOTON_TOOLS_CAPTURE_TCP_H
#define YOTON_TOOLS_CAPTURE_TCP_H

#include "capture_packet.h"

/* Limits, so that no capture can take more memory than this. */
#define CAPTURE_MAX_STREAMS 4096        /* at once; the least recently used one is given up */
#define CAPTURE_MAX_HELD (8U << 20)     /* bytes waiting in one direction for missing ones */
#define CAPTURE_MAX_PIECES 4096         /* segments waiting in one direction */
#define CAPTURE_MAX_MEMORY (256U << 20) /* bytes waiting in all streams together */
#define CAPTURE_PATIENCE 32 /* packets after the receiver acknowledged bytes we have not seen */

typedef enum capture_gap { CAPTURE_GAP_LOST, CAPTURE_GAP_SNAP } capture_gap;
typedef enum capture_end { CAPTURE_END_FIN, CAPTURE_END_RST, CAPTURE_END_FILE } capture_end;

/* One TCP connection. Side 0 is the one that connected, or if that was not seen, that spoke first;
 * it is called A, the other one B. */
typedef struct capture_stream {
    unsigned long number; /* from 1, in the order of appearance */
    capture_endpoint side[2];
    bool roles_known;   /* the packets that set the connection up were seen */
    bool from_start[2]; /* offset 0 is the first byte that this side sent */
    void *user;         /* NULL at first; the handler's */
} capture_stream;

/* What happens in a stream. `side` is the one that sends. Every function returns 0, or a number
 * that ends reading and that capture_tcp_add or capture_tcp_finish then returns. */
typedef struct capture_handler {
    void *user;
    int (*data)(void *user, capture_stream *stream, int side, const uint8_t *data, size_t size);
    int (*gap)(void *user, capture_stream *stream, int side, uint64_t bytes, capture_gap why);
    /* once a side: nothing more comes from it */
    int (*end)(void *user, capture_stream *stream, int side, capture_end why);
    /* a segment came of which all was known; NULL when nobody wants to know */
    void (*repeated)(void *user, capture_stream *stream, int side);
    /* last of all: the stream is freed now. `evicted`: for want of room, not because it was over */
    void (*forget)(void *user, capture_stream *stream, bool evicted);
} capture_handler;

typedef struct capture_tcp capture_tcp;

/* Purpose: start putting streams together. *handler is copied.
 * Returns NULL when memory is short. Free with capture_tcp_free. */
capture_tcp *capture_tcp_new(const capture_handler *handler);

/* Purpose: take the next segment of the capture.
 * Returns 0, -1 when memory is short, or what a function of the handler returned. */
int capture_tcp_add(capture_tcp *tcp, const capture_segment *segment);

/* Purpose: the capture is over: hand out what waits, and end and forget every stream. Returns as
 * capture_tcp_add does. */
int capture_tcp_finish(capture_tcp *tcp);

/* Purpose: free everything; streams that are left are forgotten without further events. */
void capture_tcp_free(capture_tcp *tcp);

#endif
