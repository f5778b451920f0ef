/* SPDX-License-Identifier: BSD-2-Clause */
/* What client (request.c) and server (request_server.c) share: texts through sockets that never
 * wait by themselves (text_io.c). */
#ifndef YOTON_CONTEXT_EXCHANGE_H
#define YOTON_CONTEXT_EXCHANGE_H

#include "context/internal.h"
#include "wire/exchange.h"

/* ---- text_io.c ---- */

/* Purpose: wait until one of the events is there, signals or not. Returns what is there, or 0 when
 * the deadline passed first. */
short wait_ready(int fd, short events, yoton_time deadline);

/* A text that comes in. Set scan.limit, zero the rest; bytes is freed by its owner. */
typedef struct text_in {
    yoton_text_scan scan;
    char *bytes;
    size_t have;
    size_t room;
    bool over; /* the other end will send no more */
} text_in;

/* Purpose: read once. Returns YOTON_OK when the text is complete, YOTON_E_MORE, YOTON_E_LENGTH,
 * YOTON_E_NOMEM or YOTON_E_SYSTEM with errno set. */
int text_in_read(text_in *in, int fd);
/* Purpose: make it a string of UTF-8 without its end. CS-6 */
void text_in_finish(text_in *in);

/* A text that goes out, with its end. */
typedef struct text_out {
    const char *text;
    size_t size;
    size_t sent; /* the end counted */
} text_out;

/* Purpose: write once. Returns YOTON_OK when all is written, YOTON_E_MORE, or YOTON_E_SYSTEM with
 * errno set. CS-1, CS-3 */
int text_out_write(text_out *out, int fd);

/* ---- dial.c ---- */

/* Purpose: the system may connect a socket to itself when it happens to choose the port that it
 * looks for. */
bool socket_met_itself(int fd);
/* Purpose: have the connection reset, not ended, when the socket is closed. */
void socket_reset_at_close(int fd);

/* ---- request.c ---- */

/* Purpose: yoton_do_request; *ended tells whether the answer came with its CRLF. */
int request_ask(const char *address, const char *request, size_t request_size, double timeout,
                size_t max_text, char **answer, size_t *answer_size, bool *ended);

#endif
