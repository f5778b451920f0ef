/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole channel without its context: the parts that its kind needs behind one face. It takes
 * packages, times and calls, and puts the packages it makes into its sink. No I/O, no lock. */
#ifndef YOTON_CHANNEL_H
#define YOTON_CHANNEL_H

#include "channels/channel_core.h"
#include "channels/replier.h"
#include "channels/requester.h"
#include "channels/sink.h"
#include "channels/state.h"
#include "channels/sync.h"

typedef struct channel {
    channel_core core;
    channel_sink sink;
    union {
        sync_writer writer;  /* YOTON_PUB */
        sync_reader reader;  /* YOTON_SUB */
        requester requester; /* YOTON_REQ */
        replier replier;     /* YOTON_REP */
        state_cell state;    /* YOTON_STATE */
    } as;
} channel;

/* Purpose: make it; as channel_core_init, and own_id is the context's. */
int channel_init(channel *channel, yoton_channel_kind kind, const char *base, size_t base_size,
                 yoton_channel_type *type, const channel_limits *limits, const channel_sink *sink,
                 uint64_t own_id);
void channel_clear(channel *channel);

/* What a package that arrived has brought. */
typedef enum channel_news {
    CHANNEL_NOTHING,  /* for the program to see */
    CHANNEL_RECEIVED, /* a message or state to receive */
    CHANNEL_WORK,     /* something for the executor of a rep channel */
    CHANNEL_EASED,    /* a pub channel whose sends may not be held any more */
    CHANNEL_REQUEST   /* *request has been taken, or is over and the package is its reply */
} channel_news;

/* Purpose: a package arrived at the incoming slot. References are taken where it is kept. */
channel_news channel_arrive(channel *channel, yoton_time now, yoton_package *package,
                            request **request);

/* Purpose: another context has connected somewhere: CTX-3. */
void channel_newcomer(channel *channel);

/* Purpose: let a req channel look at its clock. Returns a request that was cancelled for its time,
 * or NULL; call again while it returns one. */
request *channel_tick(channel *channel, yoton_time now);

/* Purpose: when it wants to be looked after: a req channel by channel_tick, a rep channel by its
 * executor. */
yoton_time channel_deadline(const channel *channel);

/* Purpose: a sub channel looks at its queue: SYNC-3. */
void channel_look(channel *channel, yoton_time now);

/* Purpose: switch sync mode of a sub channel. */
void channel_set_sync(channel *channel, int on);

/* Purpose: messages waiting to be received. */
size_t channel_pending(const channel *channel);

#endif
