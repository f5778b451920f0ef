/* SPDX-License-Identifier: BSD-2-Clause */
/* What every channel has: slots, message type and the queue of what came.
 * No I/O, no lock, no clock: the caller brings packages and takes packages away. */
#ifndef YOTON_CHANNEL_CORE_H
#define YOTON_CHANNEL_CORE_H

#include <stddef.h>
#include <stdint.h>

#include "channels/channel_type.h"
#include "yoton/channels.h"
#include "yoton/package.h"

typedef struct channel_slot {
    char *name; /* as composed; stripped and lower-cased only for the hash */
    size_t size;
    uint64_t number;
} channel_slot;

typedef struct channel_core {
    yoton_channel_kind kind;
    yoton_channel_type *type; /* counted */
    channel_slot out;
    channel_slot in;
    yoton_queue *incoming; /* NULL for a kind that keeps nothing in order */
    size_t max_depth;      /* of objects: LIMIT-6 */
} channel_core;

/* The bounds of the queue and of what is in it. */
typedef struct channel_limits {
    size_t packages;
    uint64_t bytes;
    yoton_discard discard;
    size_t depth;  /* containers inside each other, 0 asks for the default */
    size_t offers; /* requests offered to a replier, 0 asks for the default */
} channel_limits;

/* Purpose: compose and hash the slots and make the queue. *core is overwritten; the reference to
 * the type is taken over, also on an error. Returns YOTON_OK, YOTON_E_ARGUMENT, YOTON_E_UTF8,
 * YOTON_E_LENGTH or YOTON_E_NOMEM; on an error there is nothing to clear. */
int channel_core_init(channel_core *core, yoton_channel_kind kind, const char *base,
                      size_t base_size, yoton_channel_type *type, const channel_limits *limits);

/* Purpose: give back all that it holds. */
void channel_core_clear(channel_core *core);

/* Purpose: the package of one message, not yet numbered by a node. *package is NULL for an empty
 * message, of which there is nothing to send.
 * Returns YOTON_OK, YOTON_E_STATE (this kind sends no messages), YOTON_E_TYPE (`type` is not the
 * channel's), YOTON_E_UTF8 or YOTON_E_NOMEM. */
int channel_core_pack(const channel_core *core, yoton_message_type type, const void *data,
                      size_t size, yoton_package **package);

/* Purpose: a package arrived at the incoming slot; a reference is taken when it is kept.
 * Returns 1 when there is a package more in the queue, 0 when not. */
int channel_core_deposit(channel_core *core, yoton_package *package);

/* Purpose: the message in a package; the package's reference moves into it.
 * Returns YOTON_OK or, for a payload that is not well-formed, its error: then *message is empty. */
int channel_core_unpack(const channel_core *core, yoton_package *package, yoton_message *message);

#endif
