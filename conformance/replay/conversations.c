/* SPDX-License-Identifier: BSD-2-Clause */
/* From a capture to conversations: who sent what, in which order. */
#include "replay/replay.h"

#include <stdlib.h>
#include <string.h>

#include "engine/registry.h"
#include "engine/util.h"
#include "yoton/frame.h"

static const size_t BYTES_MAX = (size_t)1 << 28; /* of one capture, kept in memory */

/* What one side sent, from its first byte. */
typedef struct sent {
    uint8_t *bytes;
    size_t size, room;
    size_t stepped; /* bytes that belong to steps by now */
} sent;

typedef struct raw_step {
    replay_step step;
    watch *watch;
    int side;
} raw_step;

typedef struct recorder {
    reading reading;
    raw_step *steps;
    size_t step_count, step_room;
    sent (*sent)[2]; /* by number of the stream */
    size_t total;
    bool too_much;
} recorder;

/* ---- Reading ---- */

static void on_bytes(void *user, watch *w, int side, const uint8_t *data, size_t size) {
    recorder *r = user;
    sent *s = &r->sent[w->number][side];
    if (r->too_much || r->total + size > BYTES_MAX) {
        r->too_much = true;
        return;
    }
    r->total += size;
    if (s->room - s->size < size) {
        s->room = s->size + size + s->room;
        s->bytes = more_room(s->bytes, s->room);
    }
    memcpy(s->bytes + s->size, data, size);
    s->size += size;
}

/* Where the bytes of an event end, in what its side sent. What is not read ends where it ended. */
static size_t end_of(const sent *s, const dump_event *e) {
    uint64_t end = s->size;
    if (e->kind == DUMP_HELLO || e->kind == DUMP_REFUSAL)
        end = e->offset + e->size;
    if (e->kind == DUMP_HEARTBEAT || e->kind == DUMP_CLOSE || e->kind == DUMP_SIGNAL)
        end = e->offset + YOTON_HEADER_SIZE;
    if (e->kind == DUMP_PACKAGE)
        end = e->offset + YOTON_HEADER_SIZE + e->header.length;
    return end < s->size ? (size_t)end : s->size;
}

/* Rules of time alone say nothing about what was sent. */
static bool is_of_time(rule rule) { return rule == RULE_LINK_1 || rule == RULE_LINK_2; }

static void on_event(void *user, watch *w, const dump_event *e, rule broken) {
    recorder *r = user;
    sent *s = &r->sent[w->number][e->side];
    if (e->kind == DUMP_STREAM || r->too_much)
        return;
    if (r->step_count == r->step_room) {
        r->step_room = r->step_room > 0 ? 2 * r->step_room : 64;
        r->steps = more_room(r->steps, r->step_room * sizeof *r->steps);
    }
    size_t end = end_of(s, e), size = end > s->stepped ? end - s->stepped : 0;
    const yoton_header *h = &e->header;
    raw_step *raw = &r->steps[r->step_count++];
    *raw = (raw_step){.watch = w,
                      .side = e->side,
                      .step = {.time = (double)e->time / 1e6,
                               .frame = r->reading.frame,
                               .kind = e->kind,
                               .broken = is_of_time(broken) ? NO_RULE : broken,
                               .slot = h->slot,
                               .source_id = h->source_id,
                               .source_seq = h->source_seq,
                               .dest_id = h->dest_id,
                               .dest_seq = h->dest_seq,
                               .length = h->length,
                               .size = size}};
    raw->step.bytes = (uint8_t *)copy_of(s->bytes + s->stepped, size);
    s->stepped += size;
}

/* ---- Which context ---- */

static uint64_t id_of(const watched_end *end) { return end->hello ? end->said.id : 0; }

static bool both_alike(const watch *w) { return id_of(&w->end[0]) == id_of(&w->end[1]); }

/* The side of a connection that is this context; -1 when none is, or it cannot be told. */
static int side_of(const watch *w, uint64_t id) {
    if (id == 0 || both_alike(w))
        return -1;
    return id_of(&w->end[0]) == id ? 0 : id_of(&w->end[1]) == id ? 1 : -1;
}

/* Has an earlier connection this context too? Then it is the one that names the conversation. */
static bool named_before(const recorder *r, const watch *w, uint64_t id) {
    if (both_alike(w)) /* a connection to oneself stands alone */
        return false;
    for (unsigned long n = 1; n < w->number; n++)
        if (r->reading.by_number[n] != NULL && side_of(r->reading.by_number[n], id) >= 0)
            return true;
    return false;
}

static bool refused(const recorder *r, const watch *w, int side) {
    for (size_t i = 0; i < r->step_count; i++)
        if (r->steps[i].watch == w && r->steps[i].side == side &&
            r->steps[i].step.kind == DUMP_REFUSAL)
            return true;
    return false;
}

/* ---- One conversation ---- */

static void add_link(conversation *c, const watch *w, int side) {
    c->links = more_room(c->links, (c->link_count + 1) * sizeof *c->links);
    c->links[c->link_count++] =
        (replay_link){w->number, side == 1 ? ROLE_HOST : ROLE_CLIENT, both_alike(w)};
}

static const replay_link *link_of(const conversation *c, unsigned long stream) {
    for (size_t i = 0; i < c->link_count; i++)
        if (c->links[i].stream == stream)
            return &c->links[i];
    return NULL;
}

static void add_steps(conversation *c, const recorder *r) {
    c->steps = room((r->step_count + 1) * sizeof *c->steps);
    double sent = 0, last = 0;
    for (size_t i = 0; i < r->step_count; i++) {
        const raw_step *raw = &r->steps[i];
        const replay_link *link = link_of(c, raw->watch->number);
        if (link == NULL)
            continue;
        replay_step *step = &c->steps[c->step_count++];
        *step = raw->step;
        step->link = (size_t)(link - c->links);
        step->theirs = raw->side == (link->peer_role == ROLE_HOST);
        last = step->time;
        if (!step->theirs && step->kind != DUMP_HEARTBEAT)
            sent = last;
    }
    c->quiet = last - sent;
}

/* Did the context get this package before, over one of its connections? */
static bool came_before(const conversation *c, const replay_step *step) {
    for (const replay_step *s = c->steps; s < step; s++)
        if (!s->theirs && s->kind == DUMP_PACKAGE && s->source_id == step->source_id &&
            s->source_seq == step->source_seq)
            return true;
    return false;
}

static bool is_reserved(uint64_t slot) { return slot < 8; }

/* Why nobody can make the live peer send this; NULL when it can be. */
static char *unfit_step(const conversation *c, const replay_step *step) {
    if (!step->theirs || step->kind != DUMP_PACKAGE || is_reserved(step->slot))
        return NULL;
    if (step->source_id != c->id)
        return came_before(c, step)
                   ? NULL
                   : text_of("frame %lu: it forwards a package that came over a connection which "
                             "is not in the capture",
                             step->frame);
    return dump_slots_find(c->slots, step->slot) != NULL
               ? NULL
               : text_of("frame %lu: it sends to slot %llu, whose name is not known; give it by "
                         "--name or --slots",
                         step->frame, (unsigned long long)step->slot);
}

static char *unfit_links(const conversation *c, const recorder *r) {
    for (size_t i = 0; i < c->link_count; i++) {
        const watch *w = r->reading.by_number[c->links[i].stream];
        const watched_end *end = &w->end[c->links[i].peer_role == ROLE_HOST];
        if (!w->whole)
            return text_of("stream %lu is not there from its beginning, or in one direction only",
                           w->number);
        if (w->gap)
            return text_of("bytes of stream %lu are missing in the capture", w->number);
        if (!end->hello && !refused(r, w, end->side))
            return text_of("what this end of stream %lu sends is not Yoton", w->number);
    }
    return NULL;
}

static char *unfit(const conversation *c, const recorder *r) {
    if (r->too_much)
        return text_of("the capture has more than %zu MiB of data", BYTES_MAX >> 20);
    char *why = unfit_links(c, r);
    for (size_t i = 0; i < c->step_count && why == NULL; i++)
        why = unfit_step(c, &c->steps[i]);
    return why;
}

static conversation *make(const recorder *r, const char *file, const watch *w, int side,
                          dump_slots *slots) {
    conversation *c = room(sizeof *c);
    c->file = file;
    c->slots = slots;
    c->id = id_of(&w->end[side]);
    add_link(c, w, side);
    for (unsigned long n = w->number + 1; !both_alike(w) && n <= PASSIVE_STREAMS_MAX; n++) {
        const watch *other = r->reading.by_number[n];
        int there = other != NULL ? side_of(other, c->id) : -1;
        if (there >= 0)
            add_link(c, other, there);
    }
    add_steps(c, r);
    c->unfit = unfit(c, r);
    const char *plural = c->link_count > 1 ? "s" : "";
    c->test = (struct test_case){
        .id = text_of("REPLAY-1.%s:%lu", capture_name(file), w->number),
        .run = play_conversation,
        .roles = c->links[0].peer_role,
        .title = text_of("the %s of stream %lu of %s", roles_text(c->links[0].peer_role), w->number,
                         file),
        .about = text_of("Plays the other side of its %zu connection%s, %zu things that were sent "
                         "or have to come.",
                         c->link_count, plural, c->step_count)};
    return c;
}

size_t read_conversations(const char *file, dump_slots *slots, unsigned roles, unsigned long stream,
                          conversation ***list, size_t *count, char **problem) {
    recorder *r = room(sizeof *r);
    unsigned long tcp;
    size_t before = *count;
    r->reading = (reading){.slots = slots, .bytes = on_bytes, .event = on_event, .user = r};
    r->sent = room((PASSIVE_STREAMS_MAX + 1) * sizeof *r->sent);
    *problem = read_capture(&r->reading, file, &tcp);
    for (unsigned long n = 1; r->reading.by_number && n <= PASSIVE_STREAMS_MAX; n++) {
        const watch *w = r->reading.by_number[n];
        for (int side = 1; w != NULL && side >= 0; side--) {
            if ((roles & (side == 1 ? ROLE_HOST : ROLE_CLIENT)) == 0 ||
                named_before(r, w, id_of(&w->end[side])))
                continue;
            conversation *c = make(r, file, w, side, slots);
            if (stream != 0 && link_of(c, stream) == NULL)
                continue;
            *list = more_room(*list, (*count + 1) * sizeof **list);
            (*list)[(*count)++] = c;
        }
    }
    return *count - before;
}
