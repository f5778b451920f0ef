/* SPDX-License-Identifier: BSD-2-Clause */
/* A context: a program's access to the network, with connections over TCP.
 *
 * Every function may be called from any thread. Each context has one thread of its own that does
 * all input and output. Callbacks run on it, or, when the context was given an event loop (option
 * `events`), from yoton_process_events of that loop; no lock is held meanwhile. A callback may call
 * every function except yoton_context_free; on the context's own thread those that wait do not
 * wait. Times are in seconds. Texts are UTF-8, ended by NUL. After a failure yoton_error_text()
 * tells in one line what failed, where, why and what to do. */
#ifndef YOTON_CONTEXT_H
#define YOTON_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "yoton/connection.h"
#include "yoton/error.h"
#include "yoton/events.h"
#include "yoton/package.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yoton_context yoton_context;

/* What can be set about a context. Zero in a field asks for the default given here. */
typedef struct yoton_options {
    size_t queue_packages;  /* packages in each queue: 10000 (LIMIT-3) */
    uint64_t queue_bytes;   /* payload bytes in each queue: max_message (LIMIT-3) */
    yoton_discard discard;  /* what a full queue drops: the oldest (CTX-9) */
    uint64_t max_message;   /* payload bytes of a package taken from a peer: 2^30 (LIMIT-2) */
    size_t max_line;        /* bytes of a handshake line: 64 (LIMIT-1) */
    size_t max_sources;     /* sources remembered, from 1024: 65536 (LIMIT-5) */
    size_t max_candidates;  /* peers shaking hands at one bind: 16 (LIMIT-10) */
    size_t max_connections; /* connections not closed yet, binds that wait included: 65536 */
    size_t max_depth;     /* containers inside each other in an object, from 100: 1000 (LIMIT-6) */
    size_t max_offers;    /* requests offered to a replier: 10000 (LIMIT-9) */
    size_t send_limit;    /* waiting packages that make a send wait: 64 (LIMIT-4) */
    double send_wait;     /* how long it waits at most: 1.0 (LIMIT-4) */
    double heartbeat;     /* silence after which a heartbeat goes out: 0.25 (LINK-2) */
    double handshake;     /* time for the other end's line: 2.0 (HS-17, HS-18, HS-24) */
    double close;         /* time for a close in the nice way: 1.0 (LIMIT-8) */
    double drain;         /* time to discard what comes after a close or refusal: 1.0 (LINK-16) */
    uint64_t id;          /* of the context: a random one */
    yoton_events *events; /* where callbacks run: NULL, on the context's own thread. It is borrowed
                             and must live until the context is freed */
    int verbosity;        /* 1: a line on standard error for each refusal, start and end: 0 */
} yoton_options;

/* Purpose: make a context and start its thread. options may be NULL (all defaults) and is copied.
 * The caller owns it and frees it with yoton_context_free.
 * Returns YOTON_OK, YOTON_E_ARGUMENT (an option is outside its range), YOTON_E_NOMEM or
 * YOTON_E_SYSTEM. HS-4. */
int yoton_context_new(const yoton_options *options, yoton_context **context);

/* Purpose: close the context as yoton_context_close does, end its thread and give it back. With the
 * option `events`, callbacks that are still owed are called in this thread, before it returns.
 * Connections and channels still held stay valid handles, closed, until they are freed themselves.
 * Must not be called from a callback. NULL is fine. */
void yoton_context_free(yoton_context *context);

/* Purpose: the context's id, never 0. It is the source_id of what this context sends. HS-3. */
uint64_t yoton_context_id(const yoton_context *context);

/* Purpose: host one connection: listen at `address`, and take the first peer that shakes hands.
 * Up to max_tries ports are tried, the given one first, then those after it; port 0 is any free
 * one. The port taken is in yoton_connection_get_info. name (may be NULL) finds the connection
 * again. Packages that waited in the context move to this connection. Returns at once, with a
 * connection that waits; the caller owns one reference of it. Returns YOTON_OK, YOTON_E_ADDRESS,
 * YOTON_E_ARGUMENT (max_tries below 1, name too long), YOTON_E_SYSTEM (no port was free, or the
 * host is not of this machine), YOTON_E_CLOSED (the context is being freed), YOTON_E_FULL
 * (max_connections) or YOTON_E_NOMEM. ADDR-1 to ADDR-11, HS-7 to HS-22, HS-27 to HS-31. */
int yoton_context_bind(yoton_context *context, const char *address, int max_tries, const char *name,
                       yoton_connection **connection);

/* Purpose: connect to a context that hosts at `address`, trying again for `timeout` seconds while
 * nobody is there (the manual's default is 1.0; below 0.01 counts as 0.01). Waits for the outcome:
 * at most the timeout and the time of a handshake, and whatever the system's resolver takes for a
 * host name. Closing the context ends the wait.
 * The caller owns one reference of the connection. Must not be called on the context's own thread.
 * Returns YOTON_OK, YOTON_E_ADDRESS, YOTON_E_ARGUMENT, YOTON_E_CONNECT (nobody accepted in time),
 * YOTON_E_TIMEOUT (accepted, but no line came), YOTON_E_NOT_YOTON, YOTON_E_HANDSHAKE, YOTON_E_LINE,
 * YOTON_E_EOF (hung up in its line), YOTON_E_SELF, YOTON_E_CLOSED (the context was closed),
 * YOTON_E_STATE (called on the context's own thread), YOTON_E_FULL (max_connections),
 * YOTON_E_SYSTEM or YOTON_E_NOMEM.
 * HS-1, HS-23 to HS-28, CTX-1. */
int yoton_context_connect(yoton_context *context, const char *address, double timeout,
                          const char *name, yoton_connection **connection);

/* Purpose: close all connections in the nice way, and all channels. Waits until the other ends have
 * read everything, each for a bounded time (the options close and drain). The context can be used
 * again afterwards. */
void yoton_context_close(yoton_context *context);

/* Purpose: close all channels of the context and leave the connections. */
void yoton_context_close_channels(yoton_context *context);

/* Purpose: wait until everything queued on the connected connections was given to the system.
 * Returns YOTON_OK, YOTON_E_TIMEOUT, or YOTON_E_STATE when called from a callback. */
int yoton_context_flush(yoton_context *context, double timeout);

/* Purpose: the number of connected connections. */
size_t yoton_context_connection_count(yoton_context *context);

/* Which connections a function looks at. */
typedef enum yoton_which {
    YOTON_CONNECTIONS,    /* those that are connected */
    YOTON_CONNECTIONS_ALL /* those that are alive: also the ones that wait for their peer */
} yoton_which;

/* Purpose: all connections of that kind, oldest first, as they are at this moment.
 * *list receives an array of *count references, freed with yoton_connections_free.
 * Returns YOTON_OK or YOTON_E_NOMEM. */
int yoton_context_connections(yoton_context *context, yoton_which which, yoton_connection ***list,
                              size_t *count);
void yoton_connections_free(yoton_connection **list, size_t count);

/* Purpose: one connection by its place among those of that kind, or the first with that name.
 * Returns a reference that the caller owns, or NULL when there is none (no name is empty). */
yoton_connection *yoton_context_connection_at(yoton_context *context, yoton_which which,
                                              size_t index);
yoton_connection *yoton_context_connection_named(yoton_context *context, yoton_which which,
                                                 const char *name);

#ifdef __cplusplus
}
#endif
#endif
