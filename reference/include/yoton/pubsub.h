/* SPDX-License-Identifier: BSD-2-Clause */
/* Publish and subscribe: what sub channels have beyond yoton_recv. Sending and receiving are in
 * channels.h, and what is said there of threads, times and errors holds here too. */
#ifndef YOTON_PUBSUB_H
#define YOTON_PUBSUB_H

#include <stddef.h>

#include "yoton/channels.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Purpose: the next message if one is there, for loops: while (yoton_next(sub, &message) == 1).
 * Payloads that are not well-formed are passed over.
 * Returns 1 with *message filled, 0 when none is there, or YOTON_E_STATE (not a sub channel) or
 * YOTON_E_NOMEM. */
int yoton_next(yoton_channel *sub, yoton_message *message);

/* Purpose: take all messages that are there now. *list receives an array of *count messages (NULL
 * for none), freed with yoton_messages_free. Payloads that are not well-formed are left out and
 * *malformed (may be NULL) counts them.
 * Returns YOTON_OK, YOTON_E_STATE (not a sub channel) or YOTON_E_NOMEM: then all are still there.
 */
int yoton_recv_all(yoton_channel *sub, yoton_message **list, size_t *count, size_t *malformed);
void yoton_messages_free(yoton_message *list, size_t count);

/* Purpose: which of several sub channels of one context has the oldest message. *selected receives
 * it, or NULL when none has any. yoton_recv_selected of it then gives what is older than the oldest
 * of all the others.
 * Returns YOTON_OK, or YOTON_E_ARGUMENT (one is not a sub channel, or they are of several
 * contexts). ROUTE-22. */
int yoton_select_sub_channel(yoton_channel *const *channels, size_t count,
                             yoton_channel **selected);

/* Purpose: take the messages that the last yoton_select_sub_channel found this channel to be first
 * with; none when it was not selected since. Otherwise as yoton_recv_all. */
int yoton_recv_selected(yoton_channel *sub, yoton_message **list, size_t *count, size_t *malformed);

/* Purpose: switch sync mode on (1) or off (0): when more than 32 messages wait here, pub channels
 * of this slot are told to hold their sends, and to go on when less than 16 do. Returns YOTON_OK,
 * YOTON_E_STATE (not a sub channel) or YOTON_E_CLOSED. SYNC-1 to SYNC-4, SYNC-8, SYNC-9. */
int yoton_sub_set_sync_mode(yoton_channel *sub, int on);

#ifdef __cplusplus
}
#endif
#endif
