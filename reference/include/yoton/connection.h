/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection between two contexts, over TCP. It is made by yoton_context_bind or
 * yoton_context_connect, used once, and stays a valid handle after its end.
 *
 * Every function may be called from any thread; what context.h says of callbacks, times, texts and
 * yoton_error_text() holds here too. */
#ifndef YOTON_CONNECTION_H
#define YOTON_CONNECTION_H

#include <stddef.h>
#include <stdint.h>

#include "yoton/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yoton_connection yoton_connection;

#define YOTON_NAME_ROOM 256    /* bytes of a connection's name, NUL included */
#define YOTON_ENDPOINT_ROOM 64 /* bytes of a numeric address, NUL included */
#define YOTON_REASON_ROOM 256  /* bytes of a reason, NUL included; longer ones are cut */

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

/* Purpose: be told that the connection is connected, of its end, once (LINK-18); of a time-out
 * (`value` 1) and its end (0), LINK-6 and LINK-7. One callback of each kind; NULL takes it away.
 * What happened before it was set is told at once, from where callbacks run. `reason` is valid
 * during the call. */
typedef void (*yoton_connected_fn)(yoton_connection *connection, void *user);
typedef void (*yoton_closed_fn)(yoton_connection *connection, const char *reason, void *user);
typedef void (*yoton_timedout_fn)(yoton_connection *connection, int value, void *user);
void yoton_connection_on_connected(yoton_connection *connection, yoton_connected_fn fn, void *user);
void yoton_connection_on_closed(yoton_connection *connection, yoton_closed_fn fn, void *user);
void yoton_connection_on_timedout(yoton_connection *connection, yoton_timedout_fn fn, void *user);

#ifdef __cplusplus
}
#endif
#endif
