/* SPDX-License-Identifier: BSD-2-Clause */
/* What a rep channel does with offers and requests: section 13.2 of the spec, table C.3. It calls
 * nothing itself: an executor takes a request, executes it, and brings the reply. */
#ifndef YOTON_REPLIER_H
#define YOTON_REPLIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channels/offers.h"
#include "channels/sink.h"
#include "yoton/link.h"

typedef enum replier_state {
    REPLIER_FREE,
    REPLIER_WAITING,  /* said req!, the request has not come */
    REPLIER_EXECUTING /* the executor has a request */
} replier_state;

typedef struct replier {
    channel_sink sink;
    uint64_t slot; /* outgoing */
    uint64_t own_id;
    bool on;
    replier_state state;
    offer_key present; /* the request it waits for or that is executed */
    yoton_time until;  /* WAITING: it waits no longer */
    offers offers;
} replier;

void replier_init(replier *replier, const channel_sink *sink, uint64_t slot, uint64_t own_id,
                  size_t max_offers);
void replier_clear(replier *replier);

/* Purpose: switch it on or off. While it is off what comes is left in the queue. */
void replier_switch(replier *replier, bool on);

/* Purpose: work off what has come, and let time pass. Returns a request to be executed, whose
 * reference is the caller's, or NULL when there is none now. While one is executed there is none.
 */
yoton_package *replier_next(replier *replier, yoton_queue *incoming, yoton_time now);

/* Purpose: send the reply to the request that is executed, a coded object. Returns YOTON_OK, or
 * YOTON_E_NOMEM: the other end may not get it; a smaller one may pass. */
int replier_reply(const replier *replier, const void *reply, size_t size);

/* Purpose: the request is executed, and answered if it is to be. The next one is to be asked for.
 */
void replier_done(replier *replier);

/* Purpose: when replier_next wants to be called without anything having come. */
yoton_time replier_deadline(const replier *replier);

#endif
