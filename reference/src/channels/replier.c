/* SPDX-License-Identifier: BSD-2-Clause */
#include "channels/replier.h"

#include "channels/clock.h"

#define PATIENCE (10000 * YOTON_MS) /* REQREP-17 */

void replier_init(replier *r, const channel_sink *sink, uint64_t slot, uint64_t own_id,
                  size_t max_offers) {
    *r = (replier){.sink = *sink, .slot = slot, .own_id = own_id};
    offers_init(&r->offers, max_offers, own_id);
}

void replier_clear(replier *r) { offers_clear(&r->offers); }

void replier_switch(replier *r, bool on) {
    if (on && !r->on && r->state == REPLIER_WAITING)
        r->state = REPLIER_FREE;
    r->on = on;
}

static bool is_present(const replier *r, offer_key key) {
    return r->state == REPLIER_WAITING && r->present.source == key.source &&
           r->present.id == key.id;
}

/* REQREP-15 */
static void answer_offer(replier *r, yoton_time now) {
    if (r->state != REPLIER_FREE || !offers_pop(&r->offers, &r->present)) /* REQREP-16 */
        return;
    r->state = REPLIER_WAITING;
    r->until = clock_after(now, PATIENCE);
    channel_sink_say(&r->sink,
                     (yoton_header){.slot = r->slot,
                                    .dest_id = r->present.source,
                                    .dest_seq = r->present.id + NEGOTIATION},
                     "req!");
}

static void take_word(replier *r, yoton_package *package) {
    const yoton_header *header = yoton_package_header(package);
    const offer_key key = {.source = header->source_id, .id = header->dest_seq - NEGOTIATION};
    if (package_is_word(package, "req?")) {
        offers_add(&r->offers, key); /* REQREP-14 */
    } else if (package_is_word(package, "req-")) {
        offers_strike(&r->offers, key);
        if (is_present(r, key))
            r->state = REPLIER_FREE; /* REQREP-17 */
    }                                /* REQREP-28: any other word is ignored */
}

/* Returns whether the package is a request that is to be executed now. */
static bool take(replier *r, yoton_package *package) {
    const yoton_header *header = yoton_package_header(package);
    if (header->dest_seq >= NEGOTIATION) {
        take_word(r, package);
        return false;
    }
    if (header->dest_id != r->own_id) /* REQREP-27 */
        return false;
    r->present = (offer_key){.source = header->source_id, .id = header->dest_seq};
    r->state = REPLIER_EXECUTING; /* REQREP-20: also what was never negotiated */
    offers_strike(&r->offers, r->present);
    return true;
}

yoton_package *replier_next(replier *r, yoton_queue *incoming, yoton_time now) {
    yoton_package *package;
    if (!r->on || r->state == REPLIER_EXECUTING) /* REQREP-24 */
        return NULL;
    while ((package = yoton_queue_pop(incoming)) != NULL) {
        if (take(r, package))
            return package;
        yoton_package_unref(package);
    }
    if (r->state == REPLIER_WAITING && now >= r->until)
        r->state = REPLIER_FREE;
    answer_offer(r, now);
    return NULL;
}

int replier_reply(const replier *r, const void *reply, size_t size) { /* REQREP-18 */
    return channel_sink_send(
        &r->sink,
        (yoton_header){.slot = r->slot, .dest_id = r->present.source, .dest_seq = r->present.id},
        reply, size);
}

void replier_done(replier *r) { r->state = REPLIER_FREE; }

yoton_time replier_deadline(const replier *r) {
    return r->on && r->state == REPLIER_WAITING ? r->until : YOTON_NEVER;
}
