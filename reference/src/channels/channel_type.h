/* SPDX-License-Identifier: BSD-2-Clause */
/* Message types: the three of the spec, and those of the program's own (MSG-7). */
#ifndef YOTON_CHANNEL_TYPE_H
#define YOTON_CHANNEL_TYPE_H

#include <stdatomic.h>

#include "yoton/channels.h"

/* Counted by references: a message may outlive its channel. */
typedef struct yoton_channel_type {
    atomic_size_t references;
    yoton_message_type kind;
    yoton_custom_type custom; /* kind YOTON_CUSTOM; its name is the type's own copy */
    const char *name;
} yoton_channel_type;

/* Purpose: one of the three types of the spec, which need no reference; NULL for any other. */
yoton_channel_type *channel_type_standard(yoton_message_type kind);

/* Purpose: a type of the program's own, copied. Returns YOTON_OK, YOTON_E_ARGUMENT or
 * YOTON_E_NOMEM. */
int channel_type_new(const yoton_custom_type *custom, yoton_channel_type **type);

/* Purpose: take a reference to a type of the program's own / give back one to any type. */
yoton_channel_type *channel_type_ref(yoton_channel_type *type);
void channel_type_unref(yoton_channel_type *type); /* NULL is fine */

#endif
