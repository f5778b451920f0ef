/* SPDX-License-Identifier: BSD-2-Clause */
/* Channels: what a program sends and receives messages with. Each belongs to a context and to
 * slots.
 *
 * Every function may be called from any thread; what context.h says of callbacks, times and
 * yoton_error_text() holds here too. */
#ifndef YOTON_CHANNELS_H
#define YOTON_CHANNELS_H

#include <stddef.h>
#include <stdint.h>

#include "yoton/context.h"
#include "yoton/error.h"
#include "yoton/object.h"
#include "yoton/package.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yoton_channel yoton_channel;

typedef enum yoton_channel_kind {
    YOTON_PUB, /* sends to every sub channel of the same slot in the network */
    YOTON_SUB  /* receives what pub channels of the same slot send */
} yoton_channel_kind;

typedef enum yoton_message_type { YOTON_TXT, YOTON_BIN, YOTON_OBJ } yoton_message_type;

/* Purpose: open a channel. base is the base name of its slots, UTF-8 of base_size bytes.
 * The caller owns the handle and frees it with yoton_channel_free.
 * Returns YOTON_OK, YOTON_E_ARGUMENT (unknown kind or type), YOTON_E_UTF8, YOTON_E_LENGTH (name too
 * long), YOTON_E_SLOT_TAKEN (SLOT-7), YOTON_E_CLOSED (the context is being freed) or
 * YOTON_E_NOMEM. SLOT-1 to SLOT-6. */
int yoton_channel_open(yoton_context *context, yoton_channel_kind kind, const char *base,
                       size_t base_size, yoton_message_type type, yoton_channel **channel);

/* Purpose: take the channel off its context. Sending on it is an error from now on; what it has
 * received can still be taken. Threads that wait on it return. Does nothing twice. PUB-5, PUB-6. */
void yoton_channel_close(yoton_channel *channel);

/* Purpose: close it and give it back with all that it holds. No other thread may use it any more;
 * a callback of it that runs at this moment is waited for, unless it is the caller itself.
 * NULL is fine. */
void yoton_channel_free(yoton_channel *channel);

int yoton_channel_is_closed(yoton_channel *channel);

/* Purpose: the full names of the slots, as given and not yet stripped or lower-cased, and their
 * numbers. name (may be NULL) receives text that lives as long as the channel, size (may be NULL)
 * its length. Returns the number. */
uint64_t yoton_channel_slot_out(const yoton_channel *channel, const char **name, size_t *size);
uint64_t yoton_channel_slot_in(const yoton_channel *channel, const char **name, size_t *size);

/* Purpose: send a message: text (UTF-8, checked), bytes, or an object. An empty text or no bytes
 * send nothing and succeed (MSG-2). The message is copied; queues take it and full ones discard
 * (CTX-9). While too much waits on a connection the call waits, 1 s at most (LIMIT-4).
 * Returns YOTON_OK, YOTON_E_STATE (not a channel that sends), YOTON_E_TYPE (a channel of another
 * message type), YOTON_E_CLOSED, YOTON_E_UTF8, YOTON_E_LENGTH (above the limit of packages),
 * YOTON_E_NOMEM, and for objects what yoton_object_size returns. MSG-1 to MSG-5, PUB-1, PUB-2. */
int yoton_send_text(yoton_channel *channel, const char *text, size_t size);
int yoton_send_bytes(yoton_channel *channel, const void *bytes, size_t size);
int yoton_send_object(yoton_channel *channel, const yoton_value *value);

/* A message received. Free it with yoton_message_clear. */
typedef struct yoton_message {
    const uint8_t *data;    /* the payload: text, bytes or the coded object */
    size_t size;            /* its bytes, at least 1 */
    yoton_value value;      /* for type obj the object, else None */
    uint64_t source_id;     /* who sent it */
    uint64_t recv_seq;      /* counts what this context received (ROUTE-22) */
    yoton_package *package; /* holds the memory of `data` */
} yoton_message;

void yoton_message_clear(yoton_message *message);

/* Purpose: take the oldest message; waits for one up to `timeout` seconds (0: not at all,
 * YOTON_FOREVER: without limit; from a callback: not at all).
 * Returns YOTON_OK, YOTON_E_TIMEOUT, YOTON_E_CLOSED (closed and nothing left), YOTON_E_STATE (not a
 * channel that receives), or, for a payload that is not well-formed (MSG-6), YOTON_E_UTF8 or what
 * yoton_object_decode returns; that payload is then gone, and the next call gives the next. */
int yoton_recv(yoton_channel *channel, double timeout, yoton_message *message);

/* Purpose: take all messages that are there now. *list receives an array of *count messages (NULL
 * for none), freed with yoton_messages_free. Payloads that are not well-formed are left out and
 * *malformed (may be NULL) counts them.
 * Returns YOTON_OK, YOTON_E_STATE or YOTON_E_NOMEM. */
int yoton_recv_all(yoton_channel *channel, yoton_message **list, size_t *count, size_t *malformed);
void yoton_messages_free(yoton_message *list, size_t count);

/* Purpose: how many messages are there now. */
size_t yoton_channel_pending(yoton_channel *channel);

/* Purpose: be told that messages have arrived. Several may cause one call, and they may have been
 * taken meanwhile; what was there before it was set is told at once, from the context's thread.
 * NULL takes it away. */
typedef void (*yoton_received_fn)(yoton_channel *channel, void *user);
void yoton_channel_on_received(yoton_channel *channel, yoton_received_fn fn, void *user);

#ifdef __cplusplus
}
#endif
#endif
