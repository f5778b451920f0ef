/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture_half.h"

#include <stdlib.h>
#include <string.h>

/* A segment that came before bytes that belong in front of it. */
typedef struct capture_piece {
    struct capture_piece *next;
    uint64_t at;
    size_t size, missing; /* `missing` bytes behind those of `data` were cut by the snap length */
    uint8_t data[];
} piece;

static size_t cost(const piece *p) { return sizeof *p + p->size; }

void capture_half_start(capture_half *h, uint32_t seq) {
    if (h->started)
        return;
    h->started = true;
    h->next_seq = seq;
}

/* The offset of a TCP number, which is near that of the next byte; negative before the start. */
static int64_t offset_of(const capture_half *h, uint32_t seq) {
    return (int64_t)h->next + (int32_t)(seq - h->next_seq);
}

void capture_half_acknowledge(capture_half *h, uint32_t ack) {
    int64_t at = offset_of(h, ack);
    if (at > 0 && (uint64_t)at > h->acknowledged)
        h->acknowledged = (uint64_t)at;
}

static void advance(capture_half *h, uint64_t bytes) {
    h->next += bytes;
    h->next_seq += (uint32_t)bytes;
}

/* Hands out what of a segment that starts at or before `next` lies behind it. */
static int deliver(capture_half *h, const capture_sink *sink, uint64_t at, const uint8_t *data,
                   size_t size, size_t missing) {
    int result = 0;
    uint64_t known = h->next - at;
    if (known < size) {
        data += known;
        size -= (size_t)known;
        advance(h, size);
        result = sink->handler->data(sink->handler->user, sink->stream, sink->side, data, size);
        known = 0;
    } else {
        known -= size;
    }
    if (result != 0 || known >= missing)
        return result;
    missing -= (size_t)known;
    advance(h, missing);
    return sink->handler->gap(sink->handler->user, sink->stream, sink->side, missing,
                              CAPTURE_GAP_SNAP);
}

static piece *take_first(capture_half *h, size_t *memory) {
    piece *p = h->first;
    h->first = p->next;
    if (h->first == NULL)
        h->last = NULL;
    h->held -= p->size;
    h->pieces--;
    *memory -= cost(p);
    return p;
}

/* Hands out all that is in order now. */
static int drain(capture_half *h, const capture_sink *sink) {
    int result = 0;
    while (result == 0 && h->first != NULL && h->first->at <= h->next) {
        piece *p = take_first(h, sink->memory);
        result = deliver(h, sink, p->at, p->data, p->size, p->missing);
        free(p);
    }
    if (result == 0 && h->fin && h->next >= h->fin_at && !h->ended) {
        h->ended = true;
        result = sink->handler->end(sink->handler->user, sink->stream, sink->side, CAPTURE_END_FIN);
    }
    return result;
}

/* Where the first run of missing bytes ends; not above `next` when nothing is known to be missing.
 */
static uint64_t hole_end(const capture_half *h) {
    return h->first ? h->first->at : h->fin ? h->fin_at : h->acknowledged;
}

/* Gives the first run of missing bytes up. */
static int skip_hole(capture_half *h, const capture_sink *sink) {
    uint64_t bytes = hole_end(h) - h->next;
    advance(h, bytes);
    h->waited = 0;
    int result =
        sink->handler->gap(sink->handler->user, sink->stream, sink->side, bytes, CAPTURE_GAP_LOST);
    return result != 0 ? result : drain(h, sink);
}

static bool is_known(const piece *p, uint64_t at, uint64_t end) {
    return p->at <= at && p->at + p->size >= end;
}

/* Keeps a segment until what belongs in front of it has come. */
static int hold(capture_half *h, const capture_sink *sink, uint64_t at, const capture_segment *s) {
    piece **link = &h->first, *last = h->last;
    if (last != NULL && last->at <= at) { /* the common case: behind all others */
        if (is_known(last, at, at + s->size + s->missing))
            return 0;
        link = &last->next;
    }
    while (*link != NULL && (*link)->at <= at) {
        if (is_known(*link, at, at + s->size + s->missing))
            return 0;
        link = &(*link)->next;
    }
    piece *p = malloc(sizeof *p + s->size);
    if (p == NULL)
        return -1;
    *p = (piece){.next = *link, .at = at, .size = s->size, .missing = s->missing};
    if (s->size > 0)
        memcpy(p->data, s->data, s->size);
    *link = p;
    if (p->next == NULL)
        h->last = p;
    h->held += p->size;
    h->pieces++;
    *sink->memory += cost(p);
    int result = 0;
    while (result == 0 && h->first != NULL &&
           (h->held > CAPTURE_MAX_HELD || h->pieces > CAPTURE_MAX_PIECES ||
            *sink->memory > CAPTURE_MAX_MEMORY))
        result = skip_hole(h, sink);
    return result;
}

int capture_half_add(capture_half *h, const capture_sink *sink, uint32_t seq,
                     const capture_segment *s) {
    int64_t at = offset_of(h, seq);
    int64_t end = at + (int64_t)s->size + (int64_t)s->missing;
    if (h->ended)
        return 0;
    if ((s->flags & CAPTURE_FIN) && end >= 0 && !h->fin) {
        h->fin = true;
        h->fin_at = (uint64_t)end;
    }
    if (end <= (int64_t)h->next || end == at) { /* nothing new, but perhaps the end of the stream */
        if (s->size > 0 && sink->handler->repeated != NULL)
            sink->handler->repeated(sink->handler->user, sink->stream, sink->side);
        return drain(h, sink);
    }
    if (at > (int64_t)h->next)
        return hold(h, sink, (uint64_t)at, s);
    /* bytes from before the start, in a capture that began later, are cut off here */
    capture_segment rest = *s;
    if (at < 0) {
        size_t before = (size_t)-at, known = before < s->size ? before : s->size;
        rest.data += known;
        rest.size -= known;
        rest.missing -= before - known;
        at = 0;
    }
    int result = deliver(h, sink, (uint64_t)at, rest.data, rest.size, rest.missing);
    return result != 0 ? result : drain(h, sink);
}

int capture_half_wait(capture_half *h, const capture_sink *sink) {
    if (h->ended || h->acknowledged <= h->next)
        h->waited = 0;
    else if (++h->waited > CAPTURE_PATIENCE)
        return skip_hole(h, sink);
    return 0;
}

int capture_half_end(capture_half *h, const capture_sink *sink, capture_end why) {
    int result = 0;
    while (result == 0 && !h->ended && hole_end(h) > h->next)
        result = skip_hole(h, sink);
    if (result != 0 || h->ended)
        return result;
    h->ended = true;
    return sink->handler->end(sink->handler->user, sink->stream, sink->side, why);
}

void capture_half_free(capture_half *h, size_t *memory) {
    while (h->first != NULL)
        free(take_first(h, memory));
}
