/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture_tcp.h"

#include <stdlib.h>
#include <string.h>

#include "capture_half.h"

enum { BUCKETS = 4096 };

typedef struct flow {
    capture_stream stream;
    capture_half half[2];
    bool set_up[2];     /* this side's SYN was seen … */
    uint32_t isn[2];    /* … with this number */
    struct flow *chain; /* next in the bucket */
    struct flow *newer, *older;
} flow;

struct capture_tcp {
    capture_handler handler;
    flow *buckets[BUCKETS];
    flow *newest, *oldest;
    size_t count;
    unsigned long numbered;
    size_t memory; /* see CAPTURE_MAX_MEMORY */
};

/* --- the table of streams --- */

static bool same_endpoint(const capture_endpoint *a, const capture_endpoint *b) {
    return a->port == b->port && a->version == b->version &&
           memcmp(a->address, b->address, sizeof a->address) == 0;
}

static uint32_t hash_endpoint(const capture_endpoint *e) {
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < sizeof e->address; i++)
        hash = (hash ^ e->address[i]) * 16777619U;
    return (hash ^ e->port) * 2654435761U;
}

/* Both directions of a connection fall into one bucket. */
static flow **bucket_of(capture_tcp *tcp, const capture_endpoint *a, const capture_endpoint *b) {
    uint32_t hash = hash_endpoint(a) + hash_endpoint(b);
    return &tcp->buckets[(hash ^ hash >> 16) % BUCKETS];
}

static void unlink_age(capture_tcp *tcp, flow *f) {
    *(f->newer ? &f->newer->older : &tcp->newest) = f->older;
    *(f->older ? &f->older->newer : &tcp->oldest) = f->newer;
}

static void link_newest(capture_tcp *tcp, flow *f) {
    f->newer = NULL;
    f->older = tcp->newest;
    *(f->older ? &f->older->newer : &tcp->oldest) = f;
    tcp->newest = f;
}

/* The stream of a segment, and which side sent it. */
static bool is_of(const flow *f, const capture_segment *s, int *side) {
    for (*side = 0; *side < 2; ++*side)
        if (same_endpoint(&f->stream.side[*side], &s->from) &&
            same_endpoint(&f->stream.side[!*side], &s->to))
            return true;
    return false;
}

static flow *find_flow(capture_tcp *tcp, const capture_segment *s, int *side) {
    if (tcp->newest != NULL && is_of(tcp->newest, s, side)) /* as most are */
        return tcp->newest;
    flow *f = *bucket_of(tcp, &s->from, &s->to);
    while (f != NULL && !is_of(f, s, side))
        f = f->chain;
    return f;
}

static void forget(capture_tcp *tcp, flow *f, bool evicted) {
    flow **link = bucket_of(tcp, &f->stream.side[0], &f->stream.side[1]);
    while (*link != f)
        link = &(*link)->chain;
    *link = f->chain;
    unlink_age(tcp, f);
    tcp->count--;
    for (int side = 0; side < 2; side++)
        capture_half_free(&f->half[side], &tcp->memory);
    tcp->handler.forget(tcp->handler.user, &f->stream, evicted);
    free(f);
}

/* Hands out what waits, says that nothing more comes, and forgets the stream. */
static int finish_flow(capture_tcp *tcp, flow *f, bool evicted) {
    int result = 0;
    for (int side = 0; side < 2 && result == 0; side++) {
        capture_sink sink = {&tcp->handler, &f->stream, side, &tcp->memory};
        result = capture_half_end(&f->half[side], &sink, CAPTURE_END_FILE);
    }
    forget(tcp, f, evicted);
    return result;
}

static int new_flow(capture_tcp *tcp, const capture_segment *s, int sender, flow **out) {
    int result = 0;
    if (tcp->count == CAPTURE_MAX_STREAMS)
        result = finish_flow(tcp, tcp->oldest, true);
    flow *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    flow **bucket = bucket_of(tcp, &s->from, &s->to);
    f->stream.number = ++tcp->numbered;
    f->stream.side[sender] = s->from;
    f->stream.side[!sender] = s->to;
    f->stream.roles_known = (s->flags & CAPTURE_SYN) != 0;
    f->chain = *bucket;
    *bucket = f;
    link_newest(tcp, f);
    tcp->count++;
    *out = f;
    return result;
}

/* --- segments --- */

/* Does this SYN belong to another connection than the one the table holds? */
static bool is_other_connection(const flow *f, int sender, const capture_segment *s) {
    const capture_half *half = &f->half[sender];
    if (f->set_up[sender])
        return f->isn[sender] != s->seq;
    /* started by the other side's acknowledgement, which came first */
    return half->started && !(half->next == 0 && half->next_seq == s->seq + 1);
}

static int flow_of(capture_tcp *tcp, const capture_segment *s, flow **out, int *sender) {
    flow *f = find_flow(tcp, s, sender);
    int result = 0;
    bool syn = (s->flags & CAPTURE_SYN) != 0;
    if (f != NULL && syn && is_other_connection(f, *sender, s)) {
        result = finish_flow(tcp, f, false);
        f = NULL;
    }
    if (f == NULL && result == 0) {
        /* who answers a SYN is the host; who else speaks first gets the client's place */
        *sender = syn && (s->flags & CAPTURE_ACK);
        result = new_flow(tcp, s, *sender, &f);
    } else if (f != NULL) {
        unlink_age(tcp, f);
        link_newest(tcp, f);
    }
    *out = f;
    return result;
}

/* What SYN and ACK tell about where the two directions stand. */
static void note_numbers(flow *f, int sender, const capture_segment *s) {
    bool syn = (s->flags & CAPTURE_SYN) != 0;
    if (syn) {
        f->set_up[sender] = true;
        f->isn[sender] = s->seq;
        capture_half_start(&f->half[sender], s->seq + 1);
        f->stream.from_start[sender] = true;
    } else {
        capture_half_start(&f->half[sender], s->seq);
    }
    if (!(s->flags & CAPTURE_ACK))
        return;
    if (syn) /* acknowledges the SYN and nothing else */
        f->stream.from_start[!sender] |= !f->half[!sender].started;
    capture_half_start(&f->half[!sender], s->ack);
    capture_half_acknowledge(&f->half[!sender], s->ack);
}

int capture_tcp_add(capture_tcp *tcp, const capture_segment *s) {
    flow *f;
    int sender, result = flow_of(tcp, s, &f, &sender);
    if (result != 0)
        return result;
    note_numbers(f, sender, s);
    capture_sink sink[2] = {{&tcp->handler, &f->stream, 0, &tcp->memory},
                            {&tcp->handler, &f->stream, 1, &tcp->memory}};
    uint32_t seq = s->seq + (s->flags & CAPTURE_SYN ? 1 : 0);
    result = capture_half_add(&f->half[sender], &sink[sender], seq, s);
    if (result == 0 && (s->flags & CAPTURE_RST))
        result = capture_half_end(&f->half[sender], &sink[sender], CAPTURE_END_RST);
    for (int side = 0; side < 2 && result == 0; side++)
        result = capture_half_wait(&f->half[side], &sink[side]);
    return result;
}

capture_tcp *capture_tcp_new(const capture_handler *handler) {
    capture_tcp *tcp = calloc(1, sizeof *tcp);
    if (tcp != NULL)
        tcp->handler = *handler;
    return tcp;
}

int capture_tcp_finish(capture_tcp *tcp) {
    int result = 0;
    while (tcp->oldest != NULL && result == 0)
        result = finish_flow(tcp, tcp->oldest, false);
    return result;
}

void capture_tcp_free(capture_tcp *tcp) {
    if (tcp == NULL)
        return;
    while (tcp->oldest != NULL)
        forget(tcp, tcp->oldest, false);
    free(tcp);
}
