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
    YOTON_PUB,  /* sends to every sub channel of the same slot in the network: pubsub.h */
    YOTON_SUB,  /* receives what pub channels of the same slot send: pubsub.h */
    YOTON_REQ,  /* has methods called at rep channels of the same slot: reqrep.h */
    YOTON_REP,  /* calls methods for req channels: reqrep.h */
    YOTON_STATE /* shares one message with all state channels of the same slot: state.h */
} yoton_channel_kind;

/* What a channel carries; its name is part of the slot, so that types do not meet. Req and rep
 * channels always carry objects, whatever is given. */
typedef enum yoton_message_type {
    YOTON_TXT,
    YOTON_BIN,
    YOTON_OBJ,
    YOTON_CUSTOM
} yoton_message_type;

/* A message type of the program's own (MSG-7). */
typedef struct yoton_custom_type {
    const char
        *name; /* its name in slots, UTF-8, without the dots around it; not txt, bin or obj */
    /* Purpose: *data receives memory of malloc with *size bytes, which the library frees; 0 bytes
     * send nothing. Returns YOTON_OK, or an error that the send then returns. */
    int (*encode)(const void *message, uint8_t **data, size_t *size, void *user);
    /* Purpose: *message receives the message in data. Returns YOTON_OK, or an error that the
     * receive then returns (MSG-6). */
    int (*decode)(const uint8_t *data, size_t size, void **message, void *user);
    /* Purpose: free what decode made. May be NULL. */
    void (*release)(void *message, void *user);
    void *user;
} yoton_custom_type;

/* Purpose: open a channel. base is the base name of its slots, UTF-8 of base_size bytes; type is
 * one of txt, bin, obj. The caller owns the handle and frees it with yoton_channel_free. Returns
 * YOTON_OK, YOTON_E_ARGUMENT (unknown kind or type), YOTON_E_UTF8, YOTON_E_LENGTH (name too long),
 * YOTON_E_SLOT_TAKEN (SLOT-7), YOTON_E_CLOSED (the context is being freed), YOTON_E_NOMEM or
 * YOTON_E_SYSTEM. SLOT-1 to SLOT-6. */
int yoton_channel_open(yoton_context *context, yoton_channel_kind kind, const char *base,
                       size_t base_size, yoton_message_type type, yoton_channel **channel);

/* Purpose: open a pub, sub or state channel for a message type of the program's own. type is
 * copied, its name too. Returns what yoton_channel_open returns; YOTON_E_ARGUMENT also for req and
 * rep, a reserved or empty name, or no encode or decode. MSG-7. */
int yoton_channel_open_custom(yoton_context *context, yoton_channel_kind kind, const char *base,
                              size_t base_size, const yoton_custom_type *type,
                              yoton_channel **channel);

/* Purpose: take the channel off its context. Sending on it is an error from now on; what it has
 * received can still be taken, a state channel keeps its state, requests not taken yet are
 * cancelled. Threads that wait on it return. Does nothing twice. PUB-5, PUB-6. */
void yoton_channel_close(yoton_channel *channel);

/* Purpose: close it and give it back with all that it holds. No other thread may use it any more;
 * a callback or method of it that runs at this moment is waited for, unless it is the caller
 * itself. Called on the context's own thread it does not wait for a method that runs in a thread
 * of the channel: that may go on a little longer. NULL is fine. */
void yoton_channel_free(yoton_channel *channel);

int yoton_channel_is_closed(yoton_channel *channel);

/* Purpose: the full names of the slots, as given and not yet stripped or lower-cased, and their
 * numbers. name (may be NULL) receives text that lives as long as the channel, size (may be NULL)
 * its length. Returns the number. */
uint64_t yoton_channel_slot_out(const yoton_channel *channel, const char **name, size_t *size);
uint64_t yoton_channel_slot_in(const yoton_channel *channel, const char **name, size_t *size);

yoton_channel_kind yoton_channel_get_kind(const yoton_channel *channel);

/* Purpose: send a message over a pub channel, or set the state of a state channel: text (UTF-8,
 * checked), bytes, an object, or a message of the channel's own type. An empty message sends
 * nothing and succeeds (MSG-2). The message is copied; queues take it and full ones discard
 * (CTX-9). While too much waits on a connection, or a sub channel in sync mode is full, the call
 * waits, 1 s at most for each (LIMIT-4, SYNC-5), except on the context's own thread. Returns
 * YOTON_OK, YOTON_E_STATE (not a channel that sends), YOTON_E_TYPE (a channel of another message
 * type), YOTON_E_CLOSED, YOTON_E_UTF8, YOTON_E_LENGTH (above the limit of packages), YOTON_E_NOMEM,
 * for objects what yoton_object_size returns, for messages of an own type what its encode returns.
 * MSG-1 to MSG-5, PUB-1, PUB-2, STATE-1, STATE-2, STATE-7. */
int yoton_send_text(yoton_channel *channel, const char *text, size_t size);
int yoton_send_bytes(yoton_channel *channel, const void *bytes, size_t size);
int yoton_send_object(yoton_channel *channel, const yoton_value *value);
int yoton_send_custom(yoton_channel *channel, const void *message);

/* A message received. Free it with yoton_message_clear. */
typedef struct yoton_message {
    const uint8_t *data; /* the payload: text, bytes or the coded object */
    size_t size;         /* its bytes; 0 only for a state that nobody has set (STATE-4) */
    yoton_value value;   /* for type obj the object, else None */
    void *custom;        /* for a type of the program's own what decode made, else NULL */
    uint64_t source_id;  /* who sent it; of a state set here the own context */
    uint64_t recv_seq;   /* counts what this context received (ROUTE-22); 0 for a state set here */
    yoton_package *package;          /* holds the memory of `data` */
    struct yoton_channel_type *type; /* knows how to free `custom` */
} yoton_message;

void yoton_message_clear(yoton_message *message);

/* Purpose: take the oldest message of a sub channel; waits for one up to `timeout` seconds (0: not
 * at all, YOTON_FOREVER: without limit; on the context's own thread: not at all). Of a state
 * channel it is the current state, without waiting and without taking it away (STATE-4). Returns
 * YOTON_OK, YOTON_E_TIMEOUT, YOTON_E_CLOSED (closed and nothing left), YOTON_E_STATE (not a channel
 * that receives), or, for a payload that is not well-formed (MSG-6), YOTON_E_UTF8 or what
 * yoton_object_decode or the type's decode returns; that payload is then gone, and the next call
 * gives the next (a state stays what it is). */
int yoton_recv(yoton_channel *channel, double timeout, yoton_message *message);

/* Purpose: how many messages are there now; of a state channel whether there is a state. */
size_t yoton_channel_pending(yoton_channel *channel);

/* Purpose: be told that messages have arrived. Several may cause one call, and they may have been
 * taken meanwhile; what was there before it was set is told at once, from where callbacks run.
 * NULL takes it away. */
typedef void (*yoton_received_fn)(yoton_channel *channel, void *user);
void yoton_channel_on_received(yoton_channel *channel, yoton_received_fn fn, void *user);

#ifdef __cplusplus
}
#endif
#endif
