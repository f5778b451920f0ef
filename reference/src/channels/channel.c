/* SPDX-License-Identifier: BSD-2-Clause */
#include "channels/channel.h"

#define OFFERS_DEFAULT ((size_t)10000) /* LIMIT-9 */

int channel_init(channel *c, yoton_channel_kind kind, const char *base, size_t base_size,
                 yoton_channel_type *type, const channel_limits *limits, const channel_sink *sink,
                 uint64_t own_id) {
    *c = (channel){.sink = *sink};
    int error = channel_core_init(&c->core, kind, base, base_size, type, limits);
    if (error != YOTON_OK)
        return error;
    if (kind == YOTON_REQ)
        requester_init(&c->as.requester, sink, c->core.out.number, own_id);
    if (kind == YOTON_REP)
        replier_init(&c->as.replier, sink, c->core.out.number, own_id,
                     limits->offers > 0 ? limits->offers : OFFERS_DEFAULT);
    return YOTON_OK;
}

void channel_clear(channel *c) {
    switch (c->core.kind) {
    case YOTON_PUB:
        sync_writer_clear(&c->as.writer);
        break;
    case YOTON_REQ:
        requester_clear(&c->as.requester);
        break;
    case YOTON_REP:
        replier_clear(&c->as.replier);
        break;
    case YOTON_STATE:
        state_cell_clear(&c->as.state);
        break;
    default: /* a sub channel has nothing of its own */
        break;
    }
    channel_core_clear(&c->core);
}

static void say(const channel *c, const char *word) {
    if (word != NULL && c->sink.heard(c->sink.user)) /* SYNC-4 */
        channel_sink_say(&c->sink, (yoton_header){.slot = c->core.out.number}, word);
}

static channel_news hear_word(channel *c, yoton_time now, yoton_package *package) {
    const yoton_header *header = yoton_package_header(package);
    sync_writer_word(&c->as.writer, now, header->source_id, yoton_package_payload(package),
                     (size_t)header->length);
    return sync_writer_held(&c->as.writer, now) == 0 ? CHANNEL_EASED : CHANNEL_NOTHING;
}

static channel_news receive(channel *c, yoton_time now, yoton_package *package) {
    int more = channel_core_deposit(&c->core, package);
    channel_look(c, now);
    return more ? CHANNEL_RECEIVED : CHANNEL_NOTHING;
}

channel_news channel_arrive(channel *c, yoton_time now, yoton_package *package, request **request) {
    switch (c->core.kind) {
    case YOTON_PUB:
        return hear_word(c, now, package);
    case YOTON_SUB:
        return receive(c, now, package);
    case YOTON_REQ:
        *request = requester_deposit(&c->as.requester, package);
        return *request != NULL ? CHANNEL_REQUEST : CHANNEL_NOTHING;
    case YOTON_REP:
        return channel_core_deposit(&c->core, package) ? CHANNEL_WORK : CHANNEL_NOTHING;
    default: /* STATE-3 */
        state_cell_arrive(&c->as.state, package);
        return CHANNEL_RECEIVED;
    }
}

void channel_newcomer(channel *c) {
    yoton_package *package;
    if (c->core.kind != YOTON_STATE || state_cell_again(&c->as.state, &package) != YOTON_OK ||
        package == NULL)
        return;
    c->sink.send(c->sink.user, package); /* STATE-5 */
    yoton_package_unref(package);
}

request *channel_tick(channel *c, yoton_time now) {
    return c->core.kind == YOTON_REQ ? requester_tick(&c->as.requester, now) : NULL;
}

yoton_time channel_deadline(const channel *c) {
    if (c->core.kind == YOTON_REQ)
        return requester_deadline(&c->as.requester);
    return c->core.kind == YOTON_REP ? replier_deadline(&c->as.replier) : YOTON_NEVER;
}

void channel_look(channel *c, yoton_time now) {
    if (c->as.reader.on && c->sink.heard(c->sink.user)) /* what nobody hears stays owed */
        say(c, sync_reader_look(&c->as.reader, now, channel_pending(c)));
}

void channel_set_sync(channel *c, int on) { say(c, sync_reader_switch(&c->as.reader, on)); }

size_t channel_pending(const channel *c) {
    if (c->core.kind == YOTON_STATE)
        return c->as.state.current != NULL;
    return c->core.incoming != NULL ? yoton_queue_count(c->core.incoming) : 0;
}
