/* SPDX-License-Identifier: BSD-2-Clause */
/* A context: a program's access to the network, with connections over TCP.
 *
 * Every function may be called from any thread. Each context has one thread of its own that does
 * all input and output; callbacks run on it, with no lock held. A callback may call every function
 * here except yoton_context_free, but those that wait do not wait when called from one. Times are
 * in seconds. Texts are UTF-8, ended by NUL. After a failure yoton_error_text() tells in one line
 * what failed, where, why and what to do. */
#ifndef YOTON_CONTEXT_H
#define YOTON_CONTEXT_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "yoton/error.h"
#include "yoton/package.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yoton_context yoton_context;
typedef struct yoton_connection yoton_connection;

#define YOTON_FOREVER ((double)INFINITY) /* as a time to wait: no limit */
#define YOTON_NAME_ROOM 256              /* bytes of a connection's name, NUL included */
#define YOTON_ENDPOINT_ROOM 64           /* bytes of a numeric address, NUL included */
#define YOTON_REASON_ROOM 256            /* bytes of a reason, NUL included; longer ones are cut */

/* Purpose: the last failure of a function of this floor in the calling thread, in one line.
 * The text is valid until the next failure in this thread. Never NULL. */
const char *yoton_error_text(void);

/* What can be set about a context. Zero in a field asks for the default given here. */
typedef struct yoton_options {
    size_t queue_packages; /* packages in each queue: 10000 (LIMIT-3) */
    uint64_t queue_bytes;  /* payload bytes in each queue: no limit */
    yoton_discard discard; /* what a full queue drops: the oldest (CTX-9) */
    uint64_t max_message;  /* payload bytes of a package taken from a peer: 2^30 (LIMIT-2) */
    size_t max_line;       /* bytes of a handshake line: 64 (LIMIT-1) */
    size_t max_sources;    /* sources remembered: 65536 (LIMIT-5) */
    size_t max_candidates; /* peers shaking hands at one bind: 16 (LIMIT-10) */
    size_t send_limit;     /* waiting packages that make a send wait: 64 (LIMIT-4) */
    double send_wait;      /* how long it waits at most: 1.0 (LIMIT-4) */
    double heartbeat;      /* silence after which a heartbeat goes out: 0.25 (LINK-2) */
    double handshake;      /* time for the other end's line: 2.0 (HS-17, HS-18, HS-24) */
    double close;          /* time for a close in the nice way: 1.0 (LIMIT-8) */
    double drain;          /* time to discard what comes after a close or refusal: 1.0 (LINK-16) */
    uint64_t id;           /* of the context: a random one */
    int verbosity;         /* 1: a line on standard error for each refusal, start and end: 0 */
} yoton_options;

/* Purpose: make a context and start its thread. options may be NULL (all defaults) and is copied.
 * The caller owns it and frees it with yoton_context_free.
 * Returns YOTON_OK, YOTON_E_ARGUMENT (an option is outside its range), YOTON_E_NOMEM or
 * YOTON_E_SYSTEM. HS-4. */
int yoton_context_new(const yoton_options *options, yoton_context **context);

/* Purpose: close the context as yoton_context_close does, end its thread and give it back.
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
 * host is not of this machine), YOTON_E_CLOSED (the context is being freed) or YOTON_E_NOMEM.
 * ADDR-1 to ADDR-11, HS-7 to HS-22, HS-27 to HS-31. */
int yoton_context_bind(yoton_context *context, const char *address, int max_tries, const char *name,
                       yoton_connection **connection);

/* Purpose: connect to a context that hosts at `address`, trying again for `timeout` seconds while
 * nobody is there (the manual's default is 1.0; below 0.01 counts as 0.01). Waits for the outcome:
 * at most the timeout and the time of a handshake, and whatever the system's resolver takes for a
 * host name. Closing the context ends the wait.
 * The caller owns one reference of the connection. Must not be called from a callback.
 * Returns YOTON_OK, YOTON_E_ADDRESS, YOTON_E_ARGUMENT, YOTON_E_CONNECT (nobody accepted in time),
 * YOTON_E_TIMEOUT (accepted, but no line came), YOTON_E_NOT_YOTON, YOTON_E_HANDSHAKE, YOTON_E_LINE,
 * YOTON_E_EOF (hung up in its line), YOTON_E_SELF, YOTON_E_CLOSED (the context was closed),
 * YOTON_E_STATE (called from a callback), YOTON_E_SYSTEM or YOTON_E_NOMEM.
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

/* A connection is a handle counted by references: it stays valid after its end. */
yoton_connection *yoton_connection_ref(yoton_connection *connection);
void yoton_connection_unref(yoton_connection *connection); /* NULL is fine */

typedef enum yoton_connection_state {
    YOTON_CLOSED,
    YOTON_CLOSING,  /* closing in the nice way: what was queued still goes out */
    YOTON_WAITING,  /* bound, nobody came yet */
    YOTON_HOSTING,  /* connected, this end is the host */
    YOTON_CONNECTED /* connected, this end is the client */
} yoton_connection_state;

/* Purpose: the state as a word: "closed", "closing", "waiting", "hosting" or "connected". */
const char *yoton_connection_state_text(yoton_connection_state state);

/* All there is to know of a connection at one moment. End 1 is this one, end 2 the other. */
typedef struct yoton_connection_info {
    yoton_connection_state state;
    char hostname1[YOTON_ENDPOINT_ROOM]; /* numeric */
    char hostname2[YOTON_ENDPOINT_ROOM]; /* empty while nobody came */
    uint16_t port1;
    uint16_t port2; /* 0 while nobody came */
    uint64_t id1;
    uint64_t id2; /* 0 while nobody came */
    uint64_t pid1;
    uint64_t pid2; /* as the other end told it; 0 while nobody came */
    int timed_out; /* 1 while nothing came for the time-out */
    double timeout;
    char name[YOTON_NAME_ROOM];
    char reason[YOTON_REASON_ROOM]; /* why it is closed; empty before */
} yoton_connection_info;

void yoton_connection_get_info(yoton_connection *connection, yoton_connection_info *info);

/* Purpose: 1 when the connection waits or is connected and nobody has begun to close it / when it
 * is connected / when it waits for its peer. Else 0. */
int yoton_connection_is_alive(yoton_connection *connection);
int yoton_connection_is_connected(yoton_connection *connection);
int yoton_connection_is_waiting(yoton_connection *connection);

/* Purpose: rename it; name is copied. Returns YOTON_OK, or YOTON_E_ARGUMENT when it is too long. */
int yoton_connection_set_name(yoton_connection *connection, const char *name);

/* Purpose: set after how much silence the connection counts as timed out.
 * Returns YOTON_OK, or YOTON_E_ARGUMENT below 0.5 s (then nothing changes). LINK-10. */
int yoton_connection_set_timeout(yoton_connection *connection, double seconds);

/* Purpose: close in the nice way: what is queued goes out, then the close signal. A connection that
 * waits stops waiting. reason (may be NULL) is copied and told to the closed callback.
 * Waits until the connection is closed, at most for the time of the option `close`; does nothing
 * when it is closed or closing already. LINK-12, LINK-19, LIMIT-8. */
void yoton_connection_close(yoton_connection *connection, const char *reason);

/* Purpose: give the connection up at once, without a word to the other end. LINK-21. */
void yoton_connection_close_on_problem(yoton_connection *connection, const char *reason);

/* Purpose: wait until everything queued on this connection was given to the system.
 * Returns YOTON_OK, YOTON_E_TIMEOUT, YOTON_E_CLOSED (it closed meanwhile), or YOTON_E_STATE (not
 * connected, or called from a callback). */
int yoton_connection_flush(yoton_connection *connection, double timeout);

/* Purpose: be told of the end of a connection, once (LINK-18); of a time-out (`value` 1) and its
 * end (0), LINK-6 and LINK-7. One callback of each kind; NULL takes it away. What happened before
 * it was set is told at once, from the context's thread. `reason` is valid during the call. */
typedef void (*yoton_closed_fn)(yoton_connection *connection, const char *reason, void *user);
typedef void (*yoton_timedout_fn)(yoton_connection *connection, int value, void *user);
void yoton_connection_on_closed(yoton_connection *connection, yoton_closed_fn fn, void *user);
void yoton_connection_on_timedout(yoton_connection *connection, yoton_timedout_fn fn, void *user);

#ifdef __cplusplus
}
#endif
#endif
