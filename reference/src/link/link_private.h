/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a link, shared by its files: link.c (states and time), hello.c (the handshake),
 * input.c (packages coming in) and output.c (bytes going out). */
#ifndef YOTON_LINK_PRIVATE_H
#define YOTON_LINK_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "yoton/link.h"

#define LINK_LINE_LIMIT ((size_t)1024) /* LIMIT-1: config.max_line can be no more */

#define LINK_REASON_CLOSED "Closed on command."
#define LINK_REASON_CLOSE_TIMEOUT "Closed on command (the other end did not take what was queued)."
#define LINK_REASON_THERE "Closed from other end."
#define LINK_REASON_EOF "Other end dropped the connection."
#define LINK_REASON_LOST "Lost track of the stream."
#define LINK_REASON_LENGTH "Lost track of the stream (length above the limit)."
#define LINK_REASON_NOMEM "Out of memory."
#define LINK_REASON_SHAKE_TIMEOUT "Handshake timed out."
#define LINK_REASON_SHAKE_SELF "Handshake failed (context cannot connect to self)."
#define LINK_REASON_SHAKE_OTHER "Handshake failed (the other end does not speak Yoton)."
#define LINK_REASON_SHAKE_ID "Handshake failed (could not parse id)."

/* What is being handed to the transport. The span always points into memory that stays until it is
 * written: `small`, `batch`, the payload of `large`, or static text. */
typedef struct link_output {
    const uint8_t *span;
    size_t left;
    uint8_t *batch;       /* many packages, encoded one behind the other */
    size_t room;          /* of the batch */
    yoton_package *large; /* its header is handed over already, its payload goes from itself */
    int large_begun;      /* the payload of `large` is the span */
    uint8_t small[64];    /* a line, a heartbeat, a close package: needs no memory to be had */
} link_output;

typedef struct link_incoming {
    yoton_framer framer;
    yoton_header header;    /* of the package whose payload comes next */
    yoton_package *package; /* NULL before the first byte of payload */
    size_t have;            /* bytes of payload that are in it */
    size_t room;
} link_incoming;

struct yoton_link {
    yoton_link_config config; /* without zeros */
    yoton_link_state state;
    yoton_time limit;    /* when HANDSHAKE, REFUSING or CLOSING is given up */
    yoton_time received; /* when bytes last came */
    yoton_time written;  /* when bytes last went */
    int timed_out;       /* TIMED_OUT was told, RESUMED was not yet */
    int close_begun;     /* the close package is handed over */
    int line_owed;       /* host: its line is not written yet */
    int down_due;        /* DOWN is decided but not told yet */
    int error;           /* of DOWN */
    const char *reason;
    char text[128]; /* a reason that quotes the other end */
    link_incoming in;
    link_output out;
    yoton_queue *queue;
    size_t line_size;
    uint8_t line[]; /* of the other end, config.max_line bytes */
};

/* link.c */
yoton_time yoton_link_after(yoton_time now, yoton_time interval);
/* Purpose: the link is over; DOWN is told at the next chance. Only the first call counts. */
void yoton_link_down(yoton_link *link, int error, const char *reason);
/* Purpose: the handshake is done. */
void yoton_link_up(yoton_link *link, yoton_time now);

/* hello.c */
void yoton_link_hello_begin(yoton_link *link);
/* Purpose: read on in the other end's line. Returns 1 with *hello filled when it was good. */
int yoton_link_hello_input(yoton_link *link, yoton_time now, const uint8_t *data, size_t size,
                           size_t *consumed, yoton_hello *hello);
/* Purpose: the line will not go on: time is up or the stream ended. */
void yoton_link_hello_end(yoton_link *link, yoton_time now, int error, const char *reason);

/* input.c */
void yoton_link_incoming_init(link_incoming *in, uint64_t max_message);
void yoton_link_incoming_clear(link_incoming *in);
/* Purpose: read on in the stream of packages up to the next event. Returns YOTON_OK or NOMEM. */
int yoton_link_incoming_feed(yoton_link *link, const uint8_t *data, size_t size, size_t *consumed,
                             yoton_link_event *event);

/* output.c */
void yoton_link_output_clear(link_output *out);
/* Purpose: 1 when nothing waits to be written. */
int yoton_link_output_idle(const yoton_link *link);
/* Purpose: offer bytes that outlive the link's use of them; only when nothing else is offered. */
void yoton_link_output_offer(link_output *out, const void *data, size_t size);
void yoton_link_output_signal(link_output *out, uint64_t signal);
/* Purpose: give back memory that only a busy link needs. */
void yoton_link_output_rest(link_output *out);

#endif
