/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP streams of a capture read as Yoton: handshake lines, packages, signals, and what went wrong.
 */
#ifndef YOTON_TOOLS_DUMP_STREAM_H
#define YOTON_TOOLS_DUMP_STREAM_H

#include "capture_tcp.h"
#include "yoton/frame.h"
#include "yoton/handshake.h"

#define DUMP_KEEP_DEFAULT (1U << 20) /* bytes of a payload that are kept to be shown or decoded */
#define DUMP_MAX_MEMORY (256U << 20) /* bytes kept in all streams together */

typedef enum dump_kind {
    DUMP_STREAM,     /* a stream appears */
    DUMP_HELLO,      /* a good handshake line: hello, data */
    DUMP_BAD_LINE,   /* a line that is not: data, error, bytes = offset in the line of what is wrong
                      */
    DUMP_REFUSAL,    /* the line with which a host refuses: data */
    DUMP_PACKAGE,    /* header, data (as far as kept), missing */
    DUMP_HEARTBEAT,  /* header */
    DUMP_CLOSE,      /* header */
    DUMP_SIGNAL,     /* another signal: header */
    DUMP_GAP,        /* bytes that the capture does not hold */
    DUMP_CUT,        /* bytes that the snap length cut */
    DUMP_ERROR,      /* track of the stream is lost: error, data (the bytes there) or header */
    DUMP_RESUMED,    /* control bytes were found: bytes = how many were skipped */
    DUMP_UNFINISHED, /* a package that does not end: bytes that came of it, header if it was whole
                      */
    DUMP_UNREAD,     /* bytes that belong to nothing */
    DUMP_FIN,        /* one side ended its stream */
    DUMP_RESET,      /* one side reset the connection */
    DUMP_FORGOTTEN   /* given up: too many streams at once */
} dump_kind;

typedef struct dump_event {
    dump_kind kind;
    int64_t time; /* microseconds since the first packet */
    const capture_stream *stream;
    int side;        /* the one that sends; 0 is A */
    uint64_t offset; /* in what this side sends */
    uint64_t bytes;
    uint64_t missing; /* of a payload: bytes not in the capture, read as 0 */
    int error;
    bool after_close; /* stands behind a close signal, so that a receiver ignores it (LINK-15) */
    yoton_hello hello;
    yoton_header header;
    const uint8_t *data; /* borrowed for the time of the call */
    size_t size;
} dump_event;

typedef struct dump_reader {
    /* Takes an event; a result other than 0 ends reading. */
    int (*event)(void *user, const dump_event *event);
    void *user;
    int64_t now; /* time of the packet that is being read; the caller's to set */
    uint64_t max_message;
    size_t keep;   /* bytes of a payload that are kept */
    size_t memory; /* taken by payloads now */
} dump_reader;

/* Purpose: the handler to give to capture_tcp_new. *reader must outlive it. */
capture_handler dump_stream_handler(dump_reader *reader);

#endif
