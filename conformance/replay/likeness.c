/* SPDX-License-Identifier: BSD-2-Clause */
/* What has to be equal between a recorded package and that of the live peer, and what stands for
 * what. The tables are those of spec/wire.md, section 18. */
#include "replay/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/util.h"
#include "yoton/error.h"
#include "yoton/frame.h"
#include "yoton/object.h"

static const uint64_t NEGOTIATION = UINT64_C(1) << 63; /* REQREP-2 */
enum { ID_TEXT_MAX = 24 };

/* ---- What stands for what ---- */

static id_pair *find_recorded(const id_map *map, uint64_t recorded) {
    for (size_t i = 0; i < map->count; i++)
        if (map->pairs[i].recorded == recorded)
            return &map->pairs[i];
    return NULL;
}

bool is_mapped(const id_map *map, uint64_t recorded) {
    return find_recorded(map, recorded) != NULL;
}

bool is_live(const id_map *map, uint64_t live) {
    for (size_t i = 0; i < map->count; i++)
        if (map->pairs[i].live == live)
            return true;
    return false;
}

uint64_t live_of(const id_map *map, uint64_t recorded) {
    const id_pair *pair = find_recorded(map, recorded);
    return pair != NULL ? pair->live : recorded;
}

void map_number(id_map *map, uint64_t recorded, uint64_t live) {
    map->pairs = more_room(map->pairs, (map->count + 1) * sizeof *map->pairs);
    map->pairs[map->count++] = (id_pair){recorded, live};
}

void set_number(id_map *map, uint64_t recorded, uint64_t live) {
    id_pair *pair = find_recorded(map, recorded);
    if (pair != NULL)
        pair->live = live;
    else
        map_number(map, recorded, live);
}

static uint64_t live_context(const likeness *l, uint64_t id) {
    return id == l->c->id && id != 0 ? l->live_id : id;
}

/* An id as text: 16 digits, or as an object that echo gives (REQREP-25), which may be shorter. */
static size_t id_text(uint64_t id, bool object, char out[ID_TEXT_MAX]) {
    int size = object ? snprintf(out + 2, ID_TEXT_MAX - 2, "0x%" PRIx64, id)
                      : snprintf(out, ID_TEXT_MAX, "%016" PRIx64, id);
    if (!object)
        return (size_t)size;
    out[0] = 's';
    out[1] = (char)size;
    return (size_t)size + 2;
}

/* The recorded id as text becomes the live one's. */
static uint8_t *live_payload(const likeness *l, const uint8_t *payload, size_t size,
                             size_t *live_size) {
    *live_size = size;
    if (l->c->id == 0 || l->c->id == l->live_id)
        return (uint8_t *)copy_of(payload, size);
    char was[2][ID_TEXT_MAX], is[2][ID_TEXT_MAX];
    size_t was_size[2], is_size[2], filled = 0;
    for (int object = 0; object < 2; object++) {
        was_size[object] = id_text(l->c->id, object, was[object]);
        is_size[object] = id_text(l->live_id, object, is[object]);
    }
    uint8_t *out = room(4 * size + 1); /* 20 bytes of an id as an object for 5 at least */
    for (size_t at = 0; at < size;) {
        int object = 1;
        while (object >= 0 && (size - at < was_size[object] ||
                               memcmp(payload + at, was[object], was_size[object]) != 0))
            object--;
        if (object < 0) {
            out[filled++] = payload[at++];
            continue;
        }
        memcpy(out + filled, is[object], is_size[object]);
        filled += is_size[object];
        at += was_size[object];
    }
    *live_size = filled;
    return out;
}

/* ---- Channels ---- */

static bool of_pattern(const conversation *c, uint64_t slot, const char *pattern) {
    const dump_slot *s = dump_slots_find(c->slots, slot);
    size_t size = s ? strlen(s->name) : 0, tail = strlen(pattern);
    return size >= tail && strcmp(s->name + size - tail, pattern) == 0;
}

static bool is_word(const void *payload, size_t size, const char *word) {
    return size == strlen(word) && memcmp(payload, word, size) == 0;
}

bool offers_request(const conversation *c, uint64_t slot, uint64_t dest_seq, const void *payload,
                    size_t size, uint64_t *id) {
    *id = dest_seq & ~NEGOTIATION;
    return of_pattern(c, slot, ".req-rep") && dest_seq >= NEGOTIATION &&
           is_word(payload, size, "req?");
}

bool repeats_word(const conversation *c, id_map *words, const package *p) {
    if (!of_pattern(c, p->slot, ".sub-pub"))
        return false;
    bool full = is_word(p->payload, p->size, "full");
    bool before = live_of(words, p->slot) == 1 && is_mapped(words, p->slot);
    set_number(words, p->slot, full);
    return full == before;
}

bool takes_waiting(const conversation *c, const replay_step *step, const package *got) {
    bool waits = false;
    package want = step_package(step);
    if (!of_pattern(c, step->slot, ".rep-req") || !is_word(want.payload, want.size, "req!") ||
        !is_word(got->payload, got->size, "req!"))
        return false;
    for (const replay_step *s = c->steps; s < step; s++) {
        package p = step_package(s);
        if (s->theirs || s->kind != DUMP_PACKAGE || s->source_id != got->dest_id ||
            s->dest_seq != got->dest_seq || !of_pattern(c, s->slot, ".req-rep"))
            continue;
        waits =
            is_word(p.payload, p.size, "req?") || (waits && !is_word(p.payload, p.size, "req-"));
    }
    return waits;
}

bool of_requests(const conversation *c, uint64_t slot) {
    return of_pattern(c, slot, ".req-rep") || of_pattern(c, slot, ".rep-req");
}

uint64_t request_in(const conversation *c, const package *p) {
    return of_requests(c, p->slot) ? (p->dest_seq & ~NEGOTIATION) ^ p->dest_id : 0;
}

/* A request id of the context itself: in its own words and requests, and in what is answered. */
static uint64_t live_request(const likeness *l, uint64_t dest_seq) {
    uint64_t word = dest_seq & NEGOTIATION;
    return live_of(&l->requests, dest_seq & ~NEGOTIATION) | word;
}

/* Requests and error replies are tuples that a name begins. */
static bool begins_with(const void *payload, size_t size, const char *name) {
    yoton_value v;
    size_t used = 0;
    if (yoton_object_decode(&v, payload, size, 0, &used) != YOTON_OK)
        return false;
    const yoton_value *first =
        v.type == YOTON_TUPLE && v.as.list.count > 0 ? v.as.list.items : NULL;
    bool found = first != NULL && first->type == YOTON_STRING &&
                 is_word(first->as.string.bytes, first->as.string.size, name);
    yoton_value_clear(&v);
    return found;
}

static bool is_error_reply(const package *p) {
    return begins_with(p->payload, p->size, "yoton_ERROR_HANDLING_REQUEST");
}

/* The program under test has one method, echo. */
static bool asks_echo(const conversation *c, const replay_step *reply) {
    for (const replay_step *s = c->steps; s < reply; s++) {
        if (s->theirs || s->kind != DUMP_PACKAGE || s->source_id != reply->dest_id ||
            s->dest_seq != reply->dest_seq || !of_pattern(c, s->slot, ".req-rep"))
            continue;
        package p = step_package(s);
        return begins_with(p.payload, p.size, "echo");
    }
    return false;
}

/* ---- Comparing ---- */

package step_package(const replay_step *step) {
    return (package){.slot = step->slot,
                     .source_id = step->source_id,
                     .source_seq = step->source_seq,
                     .dest_id = step->dest_id,
                     .dest_seq = step->dest_seq,
                     .length = step->length,
                     .payload = step->bytes + step->size - step->length,
                     .size = (size_t)step->length};
}

static bool same_payload(const likeness *l, const replay_step *step, const package *want,
                         const package *got, bool own, size_t *at) {
    bool reply = own && of_pattern(l->c, step->slot, ".rep-req") && step->dest_seq < NEGOTIATION;
    if (reply && is_error_reply(want))
        return is_error_reply(got) || !asks_echo(l->c, step);
    if (reply && !asks_echo(l->c, step))
        return true;
    size_t size;
    uint8_t *right = live_payload(l, want->payload, want->size, &size);
    const uint8_t *was = got->payload;
    for (*at = 0; *at < size && *at < got->size && right[*at] == was[*at];)
        ++*at;
    free(right);
    return *at == size && *at == got->size;
}

static bool same_number(const likeness *l, const replay_step *want, const package *got, bool own) {
    if (!own)
        return want->source_seq == got->source_seq;
    return !is_mapped(&l->numbers, want->source_seq) ||
           live_of(&l->numbers, want->source_seq) == got->source_seq;
}

/* A request that was not offered before brings its live id with it. */
static bool same_dest_seq(const likeness *l, const replay_step *want, const package *got,
                          bool own) {
    uint64_t recorded, live;
    bool asks = own && of_pattern(l->c, want->slot, ".req-rep");
    if (!asks)
        return want->dest_seq == got->dest_seq;
    package p = step_package(want);
    if (offers_request(l->c, want->slot, want->dest_seq, p.payload, p.size, &recorded) &&
        offers_request(l->c, got->slot, got->dest_seq, got->payload, got->size, &live) &&
        !is_mapped(&l->requests, recorded))
        return !is_live(&l->requests, live);
    return live_request(l, want->dest_seq) == got->dest_seq;
}

unlike compare_likeness(const likeness *l, const replay_step *step, const package *got,
                        size_t *at) {
    package want = step_package(step);
    bool own = want.source_id == l->c->id;
    *at = 0;
    if (want.slot != got->slot)
        return OTHER_SLOT;
    if (live_context(l, want.source_id) != got->source_id)
        return OTHER_SOURCE;
    if (!same_number(l, step, got, own))
        return OTHER_NUMBER;
    if (live_context(l, want.dest_id) != got->dest_id)
        return OTHER_DEST;
    if (!same_dest_seq(l, step, got, own))
        return OTHER_DEST_SEQ;
    return same_payload(l, step, &want, got, own, at) ? ALIKE : OTHER_PAYLOAD;
}

const char *unlike_text(unlike what) {
    static const char *const texts[] = {[ALIKE] = "",
                                        [OTHER_SLOT] = "slot",
                                        [OTHER_SOURCE] = "source_id",
                                        [OTHER_NUMBER] = "source_seq",
                                        [OTHER_DEST] = "dest_id",
                                        [OTHER_DEST_SEQ] = "dest_seq",
                                        [OTHER_PAYLOAD] = "payload"};
    return texts[what];
}

/* ---- Sending ---- */

size_t live_bytes(const likeness *l, const replay_step *step, uint8_t **bytes) {
    const conversation *c = l->c;
    bool whole = step->kind == DUMP_PACKAGE || step->kind == DUMP_SIGNAL ||
                 step->kind == DUMP_HEARTBEAT || step->kind == DUMP_CLOSE;
    size_t size;
    if (!whole || step->size != YOTON_HEADER_SIZE + step->length) {
        *bytes = live_payload(l, step->bytes, step->size, &size);
        return size;
    }
    package p = step_package(step);
    bool mine = p.dest_id == c->id && c->id != 0;
    p.payload = live_payload(l, p.payload, p.size, &p.size);
    p.length = p.size;
    p.source_id = live_context(l, p.source_id);
    if (step->source_id == c->id) /* its own package comes back to it */
        p.source_seq = live_of(&l->numbers, p.source_seq);
    p.dest_id = live_context(l, p.dest_id);
    if (mine && of_pattern(c, p.slot, ".rep-req"))
        p.dest_seq = live_request(l, p.dest_seq);
    return package_bytes(&p, bytes);
}

char *package_text(const conversation *c, const package *p, bool own) {
    dump_event e = {.kind = DUMP_PACKAGE,
                    .header = {.slot = p->slot,
                               .source_id = p->source_id,
                               .source_seq = p->source_seq,
                               .dest_id = p->dest_id,
                               .dest_seq = p->dest_seq,
                               .length = p->length},
                    .data = p->payload,
                    .size = p->size};
    static const capture_stream nowhere = {.number = 0};
    e.stream = &nowhere;
    char *label = event_label(c->slots, &e);
    char to[40] = "", from[40] = "";
    if (p->dest_id != 0)
        snprintf(to, sizeof to, " to %016" PRIx64, p->dest_id);
    if (!own)
        snprintf(from, sizeof from, " from %016" PRIx64, p->source_id);
    char *text = text_of("%s%s%s%s", label, from, to,
                         p->dest_seq != 0 ? text_of(", dest_seq %" PRIu64, p->dest_seq) : "");
    free(label);
    return text;
}
