/* SPDX-License-Identifier: BSD-2-Clause */
/* What came on an end, cut into lines, packages and signals by the harness's own judge. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tester.h"
#include "judge/judge.h"

/* Consumed bytes are dropped from a buffer when there are so many. */
enum { COMPACT = 1 << 20, ITEM_LIMIT = 200000 };
/* No case makes a peer send more in one package. */
static const uint64_t LENGTH_LIMIT = UINT64_C(1) << 30;

/* ---- In words ---- */

static char *describe_package(const package *p) {
    char to[24] = "everybody";
    if (p->dest_id != 0)
        snprintf(to, sizeof to, "%016" PRIx64, p->dest_id);
    char *payload = p->size ? shown(p->payload, p->size) : NULL;
    char *text = text_of("package for slot %" PRIu64 " from %016" PRIx64 " number %" PRIu64
                         " to %s, dest_seq %" PRIu64 ", %" PRIu64 " bytes%s%s",
                         p->slot, p->source_id, p->source_seq, to, p->dest_seq, p->length,
                         payload ? ": " : "", payload ? payload : "");
    free(payload);
    return text;
}

static char *describe_text(const item *i, const char *behind) {
    char *payload = shown(i->p.payload, i->p.size);
    char *text = text_of("%s%s", payload, behind);
    free(payload);
    return text;
}

char *describe(const item *i) {
    switch (i->kind) {
    case ITEM_LINE:
        return describe_text(i, " CRLF");
    case ITEM_TEXT:
        return describe_text(i, " and the end of the stream, no CRLF");
    case ITEM_HEARTBEAT:
        return text_of("heartbeat");
    case ITEM_CLOSE:
        return text_of("close signal");
    case ITEM_SIGNAL:
        return text_of("signal %" PRIu64, i->p.source_seq);
    case ITEM_CUT:
        return text_of("%zu bytes of a package, then the end of the stream", i->raw_size);
    case ITEM_END:
        return text_of("end of stream");
    case ITEM_RESET:
        return text_of("the connection was reset");
    case ITEM_PACKAGE:
        break;
    }
    return describe_package(&i->p);
}

/* ---- Cutting ---- */

/* When the byte at `offset` of the stream was read. Asked in rising order. */
static double when_came(struct socket_state *s, uint64_t offset) {
    while (s->arrival_at + 1 < s->arrival_count &&
           s->arrival_sum + s->arrivals[s->arrival_at].size <= offset)
        s->arrival_sum += s->arrivals[s->arrival_at++].size;
    return s->arrival_count ? s->arrivals[s->arrival_at].when : now();
}

static item *take_item(end *e, item_kind kind, size_t size) {
    struct socket_state *s = e->s;
    item *i = room(sizeof *i);
    i->kind = kind;
    i->raw = (uint8_t *)copy_of(buffer_data(&s->from) + s->parsed, size);
    i->raw_size = size;
    i->p.payload = i->raw;
    i->p.size = size;
    i->first = when_came(s, s->consumed + s->parsed);
    i->last = when_came(s, s->consumed + s->parsed + (size ? size - 1 : 0));
    s->parsed += size;
    if (s->parsed > COMPACT) {
        buffer_take(&s->from, s->parsed);
        s->consumed += s->parsed;
        s->parsed = 0;
    }
    return i;
}

static item *recorded(end *e, item *i) {
    if (++e->t->items > ITEM_LIMIT && !e->t->finishing)
        peer_failed(e->t, "flooded",
                    "end %u: the peer floods: over %d packages and lines in one case", e->number,
                    ITEM_LIMIT);
    char *what = describe(i);
    i->entry = record_end(e, i->last, RECEIVED, what, i->raw, i->raw_size);
    free(what);
    return i;
}

/* The end itself is told again and again, and recorded once. */
static item *the_end(end *e) {
    struct socket_state *s = e->s;
    item *i = room(sizeof *i);
    i->kind = s->reset ? ITEM_RESET : ITEM_END;
    i->first = i->last = now();
    if (!s->told && s->fd >= 0) {
        char *what = describe(i);
        i->entry = record_end(e, i->last, RECEIVED, what, NULL, 0);
        free(what);
    }
    s->told = true;
    return i;
}

static item *parse_line(end *e) {
    struct socket_state *s = e->s;
    const uint8_t *from = buffer_data(&s->from) + s->parsed;
    size_t size = s->from.size - s->parsed;
    for (size_t at = 0; at + 1 < size; at++) {
        if (from[at] != '\r' || from[at + 1] != '\n')
            continue;
        item *line = take_item(e, ITEM_LINE, at + 2);
        line->p.size = at;
        return recorded(e, line);
    }
    if (size > 0 && (s->ended || s->reset))
        return recorded(e, take_item(e, ITEM_TEXT, size));
    return NULL;
}

/* FRAME-2: whatever a case judges, such a stream cannot be read on. */
static item *lost_track(end *e, size_t wrong) {
    struct socket_state *s = e->s;
    size_t size = s->from.size - s->parsed;
    item *i = take_item(e, ITEM_CUT, size < JUDGE_HEADER ? size : JUDGE_HEADER);
    i->entry = record_end(e, i->last, RECEIVED, "bytes that are no package", i->raw, i->raw_size);
    if (e->t->finishing)
        return i;
    char was[8], *hex = hex_of(i->raw + wrong, 1, 1);
    memcpy(was, hex, 3);
    static const char *const right[] = {"59", "4f", "54", "4f", "4e", "20", "20", "20"};
    fail_at(e, i, wrong, "control bytes", right[wrong], was);
}

static item *take_package(end *e, const struct judged_header *h) {
    item_kind kind = h->length > 0        ? ITEM_PACKAGE
                     : h->source_seq == 0 ? ITEM_HEARTBEAT
                     : h->source_seq == 1 ? ITEM_CLOSE
                                          : ITEM_SIGNAL;
    item *i = take_item(e, kind, JUDGE_HEADER + (size_t)h->length);
    i->p = (package){.slot = h->slot,
                     .source_id = h->source_id,
                     .source_seq = h->source_seq,
                     .dest_id = h->dest_id,
                     .dest_seq = h->dest_seq,
                     .length = h->length,
                     .payload = i->raw + JUDGE_HEADER,
                     .size = (size_t)h->length};
    return recorded(e, i);
}

static item *parse_package(end *e) {
    struct socket_state *s = e->s;
    const uint8_t *from = buffer_data(&s->from) + s->parsed;
    size_t size = s->from.size - s->parsed, controls = size < JUDGE_CONTROL ? size : JUDGE_CONTROL;
    if (size == 0)
        return NULL;
    size_t good = judge_control(from, controls);
    if (good < controls)
        return lost_track(e, good);
    if (size >= JUDGE_HEADER) {
        struct judged_header h = judge_header(from);
        if (h.length > LENGTH_LIMIT && !e->t->finishing)
            fail_at(e, recorded(e, take_item(e, ITEM_CUT, JUDGE_HEADER)), 48, "length",
                    "what a case can make a peer send", text_of("%" PRIu64, h.length));
        if (size - JUDGE_HEADER >= h.length)
            return take_package(e, &h);
    }
    return s->ended || s->reset ? recorded(e, take_item(e, ITEM_CUT, size)) : NULL;
}

item *parse_item(end *e) {
    item *i = e->s->packages ? parse_package(e) : parse_line(e);
    if (i == NULL && (e->s->ended || e->s->reset))
        return the_end(e);
    return i;
}

/* ---- For cases ---- */

static bool same_payload(const package *p, const char *text) {
    return p->size == strlen(text) && memcmp(p->payload, text, p->size) == 0;
}

bool is_marker(const end *e, const item *i) {
    const tester *t = e->t;
    if (i->kind != ITEM_PACKAGE || t->marker_pub == NULL)
        return false;
    if (i->p.slot == t->marker_pub->slot_out && i->p.source_id == e->peer_id)
        return true;
    for (size_t n = 0; n < t->end_count; n++)
        if (i->p.source_id == t->ends[n]->s->marker_source && i->p.source_id != 0)
            return true;
    return false;
}

const item *next_item(end *e, double seconds) {
    struct socket_state *s = e->s;
    if (s->waiting_at < s->waiting_count)
        return s->waiting[s->waiting_at++];
    double until = now() + seconds;
    for (bool late = false;;) {
        item *i = parse_item(e);
        if (i != NULL && !is_marker(e, i))
            return i;
        if (i != NULL)
            continue;
        if (late)
            return NULL;
        late = now() >= until;
        pump(e->t, until);
    }
}

const item *next_event(end *e, double seconds) {
    double until = now() + seconds;
    for (;;) {
        double left = until - now();
        const item *i = next_item(e, left > 0 ? left : 0);
        if (i == NULL)
            return NULL;
        bool own = i->p.source_id == e->peer_id || i->p.source_id == e->t->peer_id;
        bool greeting = i->kind == ITEM_PACKAGE && i->p.slot == 2 && own &&
                        same_payload(&i->p, "NEW_CONNECTION");
        if (i->kind != ITEM_HEARTBEAT && !greeting)
            return i;
    }
}

void receive_packages(end *e) { e->s->packages = true; }

bool judge_line(end *e, const item *line) {
    struct judged_hello hello;
    if (line->kind != ITEM_LINE ||
        judge_hello(line->p.payload, line->p.size, &hello, NULL) != LINE_GOOD)
        return false;
    e->peer_id = hello.id;
    e->peer_pid = hello.pid;
    if (e->t->peer_id == 0)
        e->t->peer_id = hello.id;
    receive_packages(e);
    return true;
}

uint64_t peer_id(const tester *t) { return t->peer_id; }
