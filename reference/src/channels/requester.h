/* SPDX-License-Identifier: BSD-2-Clause */
/* The requests of a req channel, from offer to answer: section 13.1 of the spec, table C.2. */
#ifndef YOTON_REQUESTER_H
#define YOTON_REQUESTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channels/sink.h"
#include "yoton/link.h"

typedef enum request_state {
    REQUEST_OFFERED, /* no replier has it yet */
    REQUEST_TAKEN,   /* sent to a replier */
    REQUEST_OVER     /* answered, cancelled or lost: the requester knows it no more */
} request_state;

/* One request; embedded in whatever its owner keeps about it. The owner may read id and state, and
 * frees it only when it is over. */
typedef struct request {
    uint64_t id;
    request_state state;
    yoton_package *package; /* the request itself, until it is sent */
    int error;              /* YOTON_E_NOMEM: it could not be sent to the replier, and is over */
    yoton_time offered;     /* last */
    yoton_time cancel_at;   /* unless it is taken by then */
    struct request *older;  /* among those offered, by the time of the last offer */
    struct request *newer;
} request;

typedef struct requester {
    channel_sink sink;
    uint64_t slot; /* outgoing */
    uint64_t own_id;
    uint64_t last_id;
    request **list; /* those that are not over, by id */
    size_t count;
    size_t room;
    request *first; /* offered longest ago */
    request *last;
    yoton_time next_cancel; /* the earliest cancel_at of those offered, or earlier */
} requester;

void requester_init(requester *requester, const channel_sink *sink, uint64_t slot, uint64_t own_id);

/* Purpose: free what the requester itself holds; requests that are not over are taken for over. */
void requester_clear(requester *requester);

/* Purpose: offer a request. `object` is the coded request of REQREP-7. *request is overwritten and
 * must stay where it is until it is over.
 * Returns YOTON_OK or YOTON_E_NOMEM (then it is over). */
int requester_call(requester *requester, request *request, yoton_time now, const void *object,
                   size_t size, yoton_time cancel_at);

/* Purpose: a package came at the incoming slot. Returns the request that it takes a step further
 * (now TAKEN, or OVER: the package is its reply, unless it has an error), or NULL. */
request *requester_deposit(requester *requester, yoton_package *package);

/* Purpose: cancel a request. Returns false when it is taken or over. */
bool requester_cancel(requester *requester, request *request);

/* Purpose: change the time after which it is cancelled by itself. */
void requester_set_cancel(requester *requester, request *request, yoton_time when);

/* Purpose: let time pass: offers are repeated. Returns a request that was cancelled for its time,
 * or NULL; call again while it returns one. */
request *requester_tick(requester *requester, yoton_time now);
yoton_time requester_deadline(const requester *requester);

/* Purpose: give up the newest of all that are not over, without a word (the channel is closed).
 * Returns it, or NULL when there is none. */
request *requester_abandon(requester *requester);

#endif
