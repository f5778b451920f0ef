/* SPDX-License-Identifier: BSD-2-Clause */
/* Client and server: one text asked, one text answered, over a TCP connection of its own. No
 * context, no handshake, no packages.
 *
 * Every function may be called from any thread. Times are in seconds. After a failure
 * yoton_error_text() tells in one line what failed, where, why and what to do. */
#ifndef YOTON_CLIENTSERVER_H
#define YOTON_CLIENTSERVER_H

#include <stddef.h>
#include <stdint.h>

#include "yoton/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define YOTON_TEXT_MAX_DEFAULT ((size_t)1 << 20) /* bytes of a request or answer: LIMIT-7 */

/* Purpose: ask the server at `address` and wait for its answer. request is UTF-8 of request_size
 * bytes; CRLF is added unless it ends with it. timeout above 0 bounds all of it, connecting
 * included (but not the system's look-up of a host name); 0 or less waits without limit. max_text 0
 * asks for the default; a CRLF at the end is not counted. *answer receives the text, without its
 * CRLF and without bytes that are not UTF-8, NUL-terminated, freed with free(); *answer_size its
 * length; NULL and 0 after every failure.
 * Returns YOTON_OK, YOTON_E_TIMEOUT (no answer in time, CS-5), YOTON_E_ARGUMENT (timeout is NaN),
 * YOTON_E_ADDRESS, YOTON_E_CONNECT (nobody there), YOTON_E_UTF8 (the request), YOTON_E_LENGTH
 * (request or answer above the limit, CS-8), YOTON_E_SYSTEM (the connection broke, as it does when
 * the server refuses the request) or YOTON_E_NOMEM.
 * CS-1, CS-4 to CS-6, CS-8. */
int yoton_do_request(const char *address, const char *request, size_t request_size, double timeout,
                     size_t max_text, char **answer, size_t *answer_size);

typedef struct yoton_request_server yoton_request_server;

/* Purpose: answer one request. request is UTF-8, without its CRLF, NUL-terminated. *answer (NULL
 * when called) receives memory of malloc, which the server frees, *answer_size its bytes of UTF-8;
 * what is not UTF-8 is left out, CRLF is added unless it ends with it, and a CRLF before that ends
 * it for the client. Left NULL the answer is empty. A result other than YOTON_OK ends the exchange
 * without answer: the connection is reset. With a thread per connection it is called by several
 * threads at once. */
typedef int (*yoton_handle_request_fn)(yoton_request_server *server, const char *request,
                                       size_t request_size, char **answer, size_t *answer_size,
                                       void *user);

/* Zero in a field asks for the default given here. */
typedef struct yoton_server_options {
    yoton_handle_request_fn
        handle;             /* what the manual's default server does: yoton_handle_request */
    void *user;             /* handed to it */
    int threads;            /* 1: a thread for each connection: 0, one after the other */
    size_t max_threads;     /* connections served at once then; others wait: 64 */
    size_t max_text;        /* bytes of a request and of an answer: 2^20 (LIMIT-7) */
    double patience;        /* time for a request to come: 1.0 (CS-2) */
    double answer_patience; /* time for an answer to be taken: 5.0 */
    int verbosity;          /* 1: a line on standard error for each connection: 0 */
} yoton_server_options;

/* A client, whatever it does, holds a server for no longer than patience, the time of the handler,
 * answer_patience, and patience once more until it ends the connection; then that is closed, or
 * reset where the answer was not taken. A text above max_text resets it at once (CS-8), and so does
 * the end of the process. Memory for a connection grows with what comes, up to twice max_text
 * while a request comes. */

/* Purpose: make a server that listens at `address` (port 0 takes any free port) and does not answer
 * yet. options may be NULL and is copied. The caller owns it and frees it with
 * yoton_request_server_free.
 * Returns YOTON_OK, YOTON_E_ADDRESS, YOTON_E_ARGUMENT (a time that is negative or NaN),
 * YOTON_E_SYSTEM (the port is taken, or the host is not of this machine) or YOTON_E_NOMEM. */
int yoton_request_server_new(const char *address, const yoton_server_options *options,
                             yoton_request_server **server);

/* Purpose: the port it listens at. */
uint16_t yoton_request_server_port(const yoton_request_server *server);

/* Purpose: serve in the calling thread until it is stopped (the manual's run). What waits to be
 * accepted meanwhile is served first. It returns when all exchanges are finished. Returns YOTON_OK,
 * or YOTON_E_STATE when it runs already or was stopped. CS-2, CS-3, CS-6 to CS-9. */
int yoton_request_server_run(yoton_request_server *server);

/* Purpose: serve in a thread of its own (the manual's start), which takes no signals. Returns
 * YOTON_OK, YOTON_E_STATE or YOTON_E_SYSTEM. */
int yoton_request_server_start(yoton_request_server *server);

/* Purpose: stop listening and answering; exchanges under way are finished, what waits to be
 * accepted is reset. It does not wait, and may be called from a handler; run returns then. A
 * stopped server is not started again. */
void yoton_request_server_stop(yoton_request_server *server);

/* Purpose: stop it, wait for its threads, and for run to return, and free it. Not from a handler.
 * NULL is fine. */
void yoton_request_server_free(yoton_request_server *server);

/* Purpose: the manual's default handler: answers "Requested: " and the request; waits 1 s before it
 * when the request is "wait", stops the server after it when it is "stop". CS-7, CS-9. */
int yoton_handle_request(yoton_request_server *server, const char *request, size_t request_size,
                         char **answer, size_t *answer_size, void *user);

#ifdef __cplusplus
}
#endif
#endif
