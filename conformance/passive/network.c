/* SPDX-License-Identifier: BSD-2-Clause */
/* What packages show: of the network, and of the channels whose slots are known by name. */
#include <stdlib.h>
#include <string.h>

#include "engine/util.h"
#include "judge/judge.h"
#include "passive/passive.h"
#include "yoton/error.h"
#include "yoton/object.h"

#define NEGOTIATION (UINT64_C(1) << 63)
enum { PACKAGES_MAX = 1 << 20, REQUESTS_MAX = 1 << 18 };

/* ---- The network ---- */

static uint64_t digest_of(const yoton_header *h, const dump_event *e) {
    uint64_t state = h->slot ^ h->dest_id * 31 ^ h->dest_seq * 1009 ^ h->length * 65537;
    for (size_t i = 0; i < e->size; i++)
        state = (state ^ e->data[i]) * UINT64_C(0x100000001b3);
    return state | 1;
}

static size_t place_of(uint64_t source, uint64_t seq, size_t rooms) {
    uint64_t state = source ^ seq * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(next_random(&state) & (rooms - 1));
}

static seen_package *find_package(reading *r, uint64_t source, uint64_t seq) {
    if (r->package_room == 0)
        return NULL;
    size_t at = place_of(source, seq, r->package_room);
    while (r->packages[at].digest != 0 &&
           (r->packages[at].source != source || r->packages[at].seq != seq))
        at = (at + 1) & (r->package_room - 1);
    return &r->packages[at];
}

static bool is_known(reading *r, const yoton_header *h) {
    const seen_package *known = find_package(r, h->source_id, h->source_seq);
    return known != NULL && known->digest != 0;
}

static void make_room(reading *r) {
    size_t old_room = r->package_room;
    seen_package *old = r->packages;
    if (2 * r->package_count < old_room)
        return;
    r->package_room = old_room > 0 ? 2 * old_room : 1024;
    r->packages = room(r->package_room * sizeof *r->packages);
    for (size_t i = 0; i < old_room; i++)
        if (old[i].digest != 0)
            *find_package(r, old[i].source, old[i].seq) = old[i];
    free(old);
}

/* Every package is to be the same wherever it is seen. */
static void compare_copies(watched_end *end, const dump_event *e) {
    const yoton_header *h = &e->header;
    reading *r = end->watch->reading;
    if (e->missing > 0 || e->size < h->length || r->package_count >= PACKAGES_MAX)
        return;
    make_room(r);
    seen_package *known = find_package(r, h->source_id, h->source_seq);
    uint64_t digest = digest_of(h, e);
    bool own = end->hello && h->source_id == end->said.id;
    if (known->digest == 0) {
        *known = (seen_package){h->source_id,       h->source_seq, digest,
                                end->watch->number, r->frame,      end->side};
        r->package_count++;
        return;
    }
    if (known->digest != digest)
        rule_broken(end, own ? RULE_ROUTE_2 : RULE_ROUTE_15,
                    own ? "two packages have its number %llu: frame %lu has another"
                        : "a package (number %llu of its source) is not as it was in frame %lu",
                    (unsigned long long)h->source_seq, known->frame);
    else if (!own)
        rule_shown(end, RULE_ROUTE_15);
}

static uint64_t *highest(watched_end *end, uint64_t source, bool add) {
    for (size_t i = 0; i < end->seq_count; i++)
        if (end->seqs[i].source == source)
            return &end->seqs[i].seq;
    if (!add)
        return NULL;
    if (end->seq_count == end->seq_room) {
        end->seq_room = end->seq_room > 0 ? 2 * end->seq_room : 8;
        end->seqs = more_room(end->seqs, end->seq_room * sizeof *end->seqs);
    }
    end->seqs[end->seq_count] = (source_seq){.source = source};
    return &end->seqs[end->seq_count++].seq;
}

/* Has this context another connection in the capture, over which it may have got the package? */
static bool has_other_way(const watched_end *end) {
    for (const watch *w = end->watch->reading->watches; w != NULL; w = w->next)
        for (int i = 0; i < 2; i++)
            if (w != end->watch && w->end[i].hello && w->end[i].said.id == end->said.id)
                return true;
    return false;
}

static void judge_numbers(watched_end *end, const yoton_header *h, bool own) {
    const uint64_t *there = highest(end->other, h->source_id, false);
    uint64_t *last = highest(end, h->source_id, true);
    bool known = end->hello && end->other->hello;
    if (known && !own)
        rule_judge(end, RULE_ROUTE_14,
                   there == NULL || *there < h->source_seq || has_other_way(end),
                   "it sends back number %llu of a source that came on this connection",
                   (unsigned long long)h->source_seq);
    bool again = own && h->source_seq <= *last && is_known(end->watch->reading, h);
    if (end->other->hello && h->source_id == end->other->said.id)
        rule_shown(end->other, RULE_ROUTE_19); /* its own package comes back to it */
    if (again)
        rule_broken(end, RULE_ROUTE_19, "it forwards its own package %llu, which came back to it",
                    (unsigned long long)h->source_seq);
    else
        rule_judge(end, own ? RULE_ROUTE_4 : RULE_ROUTE_7, h->source_seq > *last,
                   "number %llu of %s comes behind number %llu", (unsigned long long)h->source_seq,
                   own ? "its own packages" : "a source", (unsigned long long)*last);
    if (h->source_seq > *last)
        *last = h->source_seq;
}

static void judge_context_message(watched_end *end, const dump_event *e) {
    static const char word[] = "NEW_CONNECTION";
    if (e->missing > 0 || e->size < e->header.length) { /* what it says was not captured */
        end->announced++;
        return;
    }
    bool good = e->size == sizeof word - 1 && memcmp(e->data, word, e->size) == 0;
    rule_judge(end, RULE_CTX_5, good, "a context message that is not NEW_CONNECTION");
    end->announced += good;
}

static bool ends_in(const char *name, const char *tail) {
    size_t size = strlen(name), more = strlen(tail);
    return size >= more && strcmp(name + size - more, tail) == 0;
}

static bool is_word(const dump_event *e, const char *word) {
    return e->size == strlen(word) && memcmp(e->data, word, e->size) == 0;
}

static seen_request *request_of(reading *r, uint64_t requester, uint64_t id, bool add) {
    for (size_t i = r->request_count; i-- > 0;)
        if (r->requests[i].requester == requester && r->requests[i].id == id)
            return &r->requests[i];
    if (!add || r->request_count >= REQUESTS_MAX)
        return NULL;
    if (r->request_count == r->request_room) {
        r->request_room = r->request_room > 0 ? 2 * r->request_room : 64;
        r->requests = more_room(r->requests, r->request_room * sizeof *r->requests);
    }
    r->requests[r->request_count] = (seen_request){.requester = requester, .id = id};
    return &r->requests[r->request_count++];
}

/* The first req! that comes to the requester counts, whoever forwards it. */
static void note_taker(watched_end *end, const dump_event *e) {
    const yoton_header *h = &e->header;
    if (!is_word(e, "req!") || h->dest_seq < NEGOTIATION || !end->other->hello ||
        end->other->said.id != h->dest_id)
        return;
    seen_request *q = request_of(end->watch->reading, h->dest_id, h->dest_seq & ~NEGOTIATION, true);
    if (q != NULL && q->taker == 0)
        q->taker = h->source_id;
}

void watch_package(watched_end *end, const dump_event *e) {
    const yoton_header *h = &e->header;
    bool own = end->hello && h->source_id == end->said.id;
    end->packages++;
    rule_judge(end, RULE_ROUTE_20, h->source_id != 0, "a package with source_id 0");
    judge_numbers(end, h, own);
    compare_copies(end, e);
    const dump_slot *slot = dump_slots_find(end->watch->reading->slots, h->slot);
    if (slot != NULL && ends_in(slot->name, ".rep-req"))
        note_taker(end, e);
    if (!own)
        return;
    end->own++;
    rule_judge(end, RULE_FRAME_10, h->slot == 2 || h->slot > 7,
               "a package of its own for slot %llu", (unsigned long long)h->slot);
    if (h->slot == 2)
        judge_context_message(end, e);
    if (slot != NULL)
        watch_channel(end, e, slot->name);
}

/* ---- Channels ---- */

static void judge_content(watched_end *end, const dump_event *e, const char *name,
                          const char *pattern) {
    if (e->missing > 0 || e->size < e->header.length)
        return;
    char *type = text_of(".txt.%s", pattern);
    if (ends_in(name, type))
        rule_judge(end, RULE_MSG_3, judge_utf8(e->data, e->size), "a text that is not UTF-8");
    type[1] = 'o', type[2] = 'b', type[3] = 'j';
    if (ends_in(name, type)) {
        yoton_value value;
        size_t used = 0;
        int error = yoton_object_decode(&value, e->data, e->size, 0, &used);
        rule_judge(end, RULE_MSG_5, error == YOTON_OK, "no object: %s", yoton_strerror(error));
        if (error == YOTON_OK)
            yoton_value_clear(&value);
    }
    free(type);
}

/* ---- Requests ---- */

static bool is_request(const dump_event *e) {
    yoton_value v;
    size_t used = 0;
    if (yoton_object_decode(&v, e->data, e->size, 0, &used) != YOTON_OK)
        return false;
    bool good = v.type == YOTON_TUPLE && v.as.list.count == 3 &&
                v.as.list.items[0].type == YOTON_STRING && v.as.list.items[1].type == YOTON_TUPLE &&
                v.as.list.items[2].type == YOTON_DICT;
    yoton_value_clear(&v);
    return good;
}

static void requester_says(watched_end *end, const dump_event *e) {
    const yoton_header *h = &e->header;
    reading *r = end->watch->reading;
    bool word = is_word(e, "req?") || is_word(e, "req-"), offer = is_word(e, "req?");
    if (word || h->dest_seq >= NEGOTIATION)
        rule_judge(end, RULE_REQREP_2, word && h->dest_seq >= NEGOTIATION,
                   word ? "a word whose dest_seq is below 2^63"
                        : "a dest_seq from 2^63 on with no word of a requester");
    if (word) {
        uint64_t id = h->dest_seq & ~NEGOTIATION;
        seen_request *q = request_of(r, h->source_id, id, true);
        if (q != NULL && !offer)
            q->withdrawn = true;
        rule_judge(end, RULE_REQREP_4, h->dest_id == 0, "a word that is not for everybody");
        if (offer && id > end->last_request) {
            rule_judge(end, RULE_REQREP_1, end->last_request == 0 || id == end->last_request + 1,
                       "request %llu follows request %llu", (unsigned long long)id,
                       (unsigned long long)end->last_request);
            end->last_request = id;
        }
        return;
    }
    seen_request *q = request_of(r, h->source_id, h->dest_seq, true);
    if (e->missing == 0 && e->size == h->length)
        rule_judge(end, RULE_REQREP_7, is_request(e),
                   "a request that is no tuple of name, tuple and dictionary");
    if (q == NULL || r->request_gap || !end->watch->whole)
        return;
    rule_judge(end, RULE_REQREP_6,
               h->dest_id != 0 && (q->taker == 0 ? has_other_way(end) : q->taker == h->dest_id) &&
                   (q->given_to == 0 || q->given_to == h->dest_id),
               q->taker == 0 ? "request %llu is given away, and nobody said req! for it"
                             : "request %llu is given to another than the first who said req!",
               (unsigned long long)h->dest_seq);
    if (q->given_to == 0) {
        q->frame = r->frame;
        q->giver = end;
    }
    q->given_to = h->dest_id;
}

static void replier_says(watched_end *end, const dump_event *e) {
    const yoton_header *h = &e->header;
    bool word = is_word(e, "req!") && h->dest_seq >= NEGOTIATION;
    if (word || h->dest_seq >= NEGOTIATION) {
        rule_judge(end, RULE_REQREP_15, word && h->dest_id != 0, "not a req! to one requester");
    } else {
        rule_judge(end, RULE_REQREP_18, h->dest_id != 0, "a reply that is for everybody");
    }
}

void watch_requests_finish(reading *r) {
    for (size_t i = 0; i < r->request_count; i++) {
        const seen_request *q = &r->requests[i];
        if (q->giver != NULL && !q->giver->ended)
            rule_judge(q->giver, RULE_REQREP_8, q->withdrawn,
                       "request %llu, given away in frame %lu, is not taken back by req-",
                       (unsigned long long)q->id, q->frame);
    }
}

void watch_channel(watched_end *end, const dump_event *e, const char *name) {
    const yoton_header *h = &e->header;
    if (ends_in(name, ".pub-sub")) {
        rule_judge(end, RULE_PUB_1, h->dest_id == 0,
                   "a published message that is not for everybody");
        rule_judge(end, RULE_PUB_2, h->dest_seq == 0, "a published message with a dest_seq");
        judge_content(end, e, name, "pub-sub");
    } else if (ends_in(name, ".sub-pub")) {
        rule_judge(end, RULE_SYNC_4, is_word(e, "full") || is_word(e, "ok"),
                   "a sub channel says another word than full and ok");
    } else if (ends_in(name, ".req-rep")) {
        requester_says(end, e);
    } else if (ends_in(name, ".rep-req")) {
        replier_says(end, e);
    } else if (ends_in(name, ".state")) {
        rule_judge(end, RULE_STATE_1, h->dest_id == 0 && h->dest_seq == 0,
                   "a state that is not for everybody, or has a dest_seq");
        judge_content(end, e, name, "state");
    }
}
