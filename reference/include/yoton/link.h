/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection's protocol as a machine without I/O: bytes and a time stamp go in, events and
 * bytes come out, and it says when it next wants to be called. */
#ifndef YOTON_LINK_H
#define YOTON_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "yoton/error.h"
#include "yoton/handshake.h"
#include "yoton/package.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A moment on some monotonic clock of the caller, in nanoseconds. */
typedef uint64_t yoton_time;
#define YOTON_NEVER UINT64_MAX
#define YOTON_MS UINT64_C(1000000)

#define YOTON_HEARTBEAT_DEFAULT (250 * YOTON_MS)
#define YOTON_TIMEOUT_DEFAULT (500 * YOTON_MS)
#define YOTON_TIMEOUT_MIN (500 * YOTON_MS)
#define YOTON_HANDSHAKE_DEFAULT (2000 * YOTON_MS)
#define YOTON_CLOSE_DEFAULT (1000 * YOTON_MS) /* how long a nice close may take */

typedef enum yoton_role { YOTON_ROLE_HOST, YOTON_ROLE_CLIENT } yoton_role;

/* Zero in any field but id and role asks for the default of the LIMIT section of the spec. */
typedef struct yoton_link_config {
    yoton_role role;
    uint64_t id;  /* of our context, not 0 */
    uint64_t pid; /* of our process */
    uint64_t max_message;
    size_t max_line;
    size_t queue_packages;
    uint64_t queue_bytes; /* 0: no limit in bytes */
    yoton_discard discard;
    yoton_time heartbeat;
    yoton_time timeout;
    yoton_time handshake;
    yoton_time close;
} yoton_link_config;

typedef enum yoton_link_state {
    YOTON_LINK_HANDSHAKE, /* lines are being exchanged */
    YOTON_LINK_CONNECTED,
    YOTON_LINK_CLOSING,  /* we were told to close: the queue goes out, then the close package */
    YOTON_LINK_REFUSING, /* host: one more line goes out, then the socket is to be closed */
    YOTON_LINK_CLOSED
} yoton_link_state;

typedef enum yoton_link_event_kind {
    YOTON_LINK_NOTHING,
    YOTON_LINK_UP,        /* handshake done: `hello` tells the other end */
    YOTON_LINK_PACKAGE,   /* `package`: its reference is the caller's now */
    YOTON_LINK_HEARTBEAT, /* a heartbeat came */
    YOTON_LINK_TIMED_OUT, /* nothing came for the timeout */
    YOTON_LINK_RESUMED,   /* bytes come again after TIMED_OUT */
    YOTON_LINK_DOWN       /* over: `error` and `reason`; emitted exactly once */
} yoton_link_event_kind;

/* Only `kind` and the fields named with that kind are set. */
typedef struct yoton_link_event {
    yoton_link_event_kind kind;
    yoton_hello hello;
    yoton_package *package;
    int error;          /* DOWN: YOTON_OK for a close in the nice way from either end */
    const char *reason; /* DOWN: the reason in words; valid until the link is freed */
} yoton_link_event;

typedef struct yoton_link yoton_link;

/* Purpose: start the protocol on a fresh byte stream at time `now`. A client's line is ready for
 * output at once.
 * Returns NULL when memory is short, config->id is 0, config->timeout is below the minimum, or
 * config->max_line is outside 45 to 1024. */
yoton_link *yoton_link_new(const yoton_link_config *config, yoton_time now);

/* Purpose: free it and everything queued. NULL is fine. Emits no event. */
void yoton_link_free(yoton_link *link);

/* Purpose: bytes came. Reads on until the next event or the end of the input; *consumed tells how
 * far. Call again with the rest until the event is NOTHING and all is consumed (an event may come
 * with nothing consumed). Input never finds a time-out: only yoton_link_tick does.
 * After DOWN all input is consumed and ignored.
 * Returns YOTON_OK, or YOTON_E_NOMEM: then DOWN was emitted with that error. */
int yoton_link_input(yoton_link *link, yoton_time now, const uint8_t *data, size_t size,
                     size_t *consumed, yoton_link_event *event);

/* Purpose: the stream ended (no more bytes will come), in whatever place. */
void yoton_link_eof(yoton_link *link, yoton_time now, yoton_link_event *event);

/* Purpose: when yoton_link_tick wants to be called at the latest; YOTON_NEVER when it does not, 0
 * when DOWN is due already. Every other call on the link may change it: ask again after each. */
yoton_time yoton_link_deadline(const yoton_link *link);

/* Purpose: let time pass: heartbeats are queued for output, time-outs found. One event a call; call
 * again while the event is not NOTHING, then ask for output. Whoever was kept from running feeds
 * what has come meanwhile before: bytes that nobody read look like silence. */
void yoton_link_tick(yoton_link *link, yoton_time now, yoton_link_event *event);

/* Purpose: queue a package for output; the link takes its own reference.
 * Returns the number of packages the full queue discarded (0 or more), YOTON_E_STATE when the link
 * is closing or closed, YOTON_E_NOMEM, YOTON_E_ARGUMENT for an empty payload, or YOTON_E_LENGTH for
 * one above config->max_message. Packages queued before the handshake is done go out after it. */
int yoton_link_send(yoton_link *link, yoton_package *package);

/* Purpose: packages not yet handed to the writer; what the 64 of the LIMIT section counts. */
size_t yoton_link_pending(const yoton_link *link);

/* Purpose: close in the nice way: all that is queued, then the close package, then DOWN once it is
 * written (or the close time passed). In HANDSHAKE it is DOWN at the next tick with nothing sent.
 * Once closing, refusing or closed it changes nothing.
 * reason (static or outliving the link; NULL for the default text) comes back in DOWN. */
void yoton_link_close(yoton_link *link, yoton_time now, const char *reason);

/* Purpose: give the connection up because of a problem (a socket error, close_on_problem): nothing
 * more is written, and DOWN with this error and reason is due at once. A closed link stays as it
 * is. reason is as in yoton_link_close. */
void yoton_link_drop(yoton_link *link, int error, const char *reason);

/* Purpose: bytes that want to be written. The same bytes are offered again until yoton_link_written
 * says they are gone; what is left of them stays in memory until then or until yoton_link_free,
 * whatever else is called in between. Never fails for want of memory.
 * Returns their number; 0 when there is nothing to write. */
size_t yoton_link_output(yoton_link *link, const uint8_t **data);

/* Purpose: the first `size` of the offered bytes were taken by the transport at time `now`. When
 * these were the last a refusal or close waited for, DOWN is due: tick tells it. */
void yoton_link_written(yoton_link *link, yoton_time now, size_t size);

yoton_link_state yoton_link_get_state(const yoton_link *link);

/* Purpose: change the time-out in nanoseconds. Returns YOTON_OK or YOTON_E_ARGUMENT below the
 * minimum (then nothing changes). */
int yoton_link_set_timeout(yoton_link *link, yoton_time timeout);

#ifdef __cplusplus
}
#endif
#endif
