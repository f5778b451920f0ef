/* SPDX-License-Identifier: BSD-2-Clause */
#include "cases/negotiation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Packages ---- */

void say_as(end *e, const channel *c, uint64_t source, uint64_t seq, uint64_t dest, uint64_t id,
            const char *word) {
    package p = message(e, c->slot_in, word);
    if (source != e->id) {
        e->seq--; /* it is not one of the end's own */
        p.source_id = source;
        p.source_seq = seq;
    }
    p.dest_id = dest;
    p.dest_seq = id + NEGOTIATION;
    send_package(e, &p);
}

void say(end *e, const channel *c, uint64_t dest, uint64_t id, const char *word) {
    say_as(e, c, e->id, 0, dest, id, word);
}

void hand(end *e, const channel *c, uint64_t dest, uint64_t id, const void *object, size_t size) {
    package p = message_bytes(e, c->slot_in, object, size);
    p.dest_id = dest;
    p.dest_seq = id;
    send_package(e, &p);
}

static bool is_word(const item *got, const char *word) {
    return got->p.dest_seq >= NEGOTIATION && got->p.size == strlen(word) &&
           memcmp(got->p.payload, word, got->p.size) == 0;
}

/* REQREP-5 lets offers come at any moment. */
static const item *next_but_offers(end *e, const channel *c, const char *what, bool offers) {
    double until = now() + patience(e->t);
    const item *got;
    do {
        got = next_event(e, until - now());
        check(e->t, got != NULL, "end %u: nothing came within %.1f s; expected %s", e->number,
              patience(e->t), what);
    } while (!offers && got->kind == ITEM_PACKAGE && got->p.slot == c->slot_out &&
             is_word(got, "req?"));
    return got;
}

static void compare_all(end *e, const item *got, const channel *c, uint64_t dest, uint64_t seq,
                        const void *payload, size_t size, const char *what) {
    const package want = {.slot = c->slot_out,
                          .source_id = e->peer_id,
                          .dest_id = dest,
                          .dest_seq = seq,
                          .length = size,
                          .payload = payload,
                          .size = size};
    if (got->kind != ITEM_PACKAGE)
        fail(e->t, "end %u: the stream ended or a signal came; expected %s", e->number, what);
    compare(e, got, &want, SLOT | SOURCE_ID | DEST_ID | DEST_SEQ | PAYLOAD);
}

const item *next_of(end *e, const channel *c, const char *what) {
    const item *got = next_but_offers(e, c, what, false);
    if (got->kind != ITEM_PACKAGE || got->p.slot != c->slot_out)
        fail(e->t, "end %u: something else came; expected %s", e->number, what);
    return got;
}

void expect_word(end *e, const channel *c, uint64_t dest, uint64_t id, const char *word) {
    char what[80];
    snprintf(what, sizeof what, "%s for request %" PRIu64, word, id);
    const item *got = next_but_offers(e, c, what, strcmp(word, "req?") == 0);
    compare_all(e, got, c, dest, id + NEGOTIATION, word, strlen(word), what);
}

const item *expect_object(end *e, const channel *c, uint64_t dest, uint64_t id, const void *object,
                          size_t size) {
    char what[80];
    snprintf(what, sizeof what, "the object of request %" PRIu64, id);
    const item *got = next_but_offers(e, c, what, false);
    compare_all(e, got, c, dest, id, object, size, what);
    return got;
}

/* ---- Objects ---- */

static void add(bytes *b, const void *data, size_t size) {
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static bytes with_count(char type, size_t count) {
    return (bytes){.data = {(uint8_t)type, (uint8_t)count}, .size = 2};
}

bytes object_none(void) { return (bytes){.data = {'n'}, .size = 1}; }

static bytes with_bits(char type, uint64_t bits) {
    bytes b = {.data = {(uint8_t)type}, .size = 1};
    for (int i = 0; i < 8; i++)
        b.data[b.size++] = (uint8_t)(bits >> 8 * i);
    return b;
}

bytes object_integer(int64_t number) { return with_bits('i', (uint64_t)number); }

bytes object_float(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return with_bits('f', bits);
}

bytes object_text(const char *text) {
    bytes b = with_count('s', strlen(text));
    add(&b, text, strlen(text));
    return b;
}

bytes object_tuple(size_t count, const bytes *items) {
    bytes b = with_count('t', count);
    for (size_t i = 0; i < count; i++)
        add(&b, items[i].data, items[i].size);
    return b;
}

bytes object_request(const char *method, size_t count, const bytes *args) {
    const bytes parts[3] = {object_text(method), object_tuple(count, args), with_count('d', 0)};
    return object_tuple(3, parts);
}

bytes object_echoed(const end *e, const bytes *value) {
    char id[24];
    snprintf(id, sizeof id, "0x%" PRIx64, e->peer_id);
    const bytes parts[2] = {*value, object_text(id)};
    return object_tuple(2, parts);
}

/* ---- Asking the peer ---- */

void ask_echo(end *e, const channel *rep, uint64_t id) {
    const bytes number = object_integer((int64_t)id);
    const bytes request = object_request("echo", 1, &number);
    hand(e, rep, e->peer_id, id, request.data, request.size);
}

void expect_echo(end *e, const channel *rep, uint64_t id) {
    const bytes number = object_integer((int64_t)id);
    const bytes result = object_echoed(e, &number);
    expect_object(e, rep, e->id, id, result.data, result.size);
}

void expect_error_reply(end *e, const channel *rep, uint64_t id) {
    const bytes mark = object_text(ERROR_MARK);
    const item *got = next_of(e, rep, "an error reply");
    const uint8_t *was = got->p.payload;
    if (got->p.dest_id != e->id || got->p.dest_seq != id)
        compare_all(e, got, rep, e->id, id, was, got->p.size, "an error reply");
    bool good = got->p.size > 2 + mark.size + 1 && was[0] == 't' && was[1] == 2 &&
                memcmp(was + 2, mark.data, mark.size) == 0 && was[2 + mark.size] == 's';
    if (!good)
        fail_at(e, got, 56, "payload", "the tuple of \"" ERROR_MARK "\" and a message",
                "another object");
}

/* ---- The peer asks ---- */

const char *call_echo(channel *req, int number) {
    json_t *reply = call(req->t, "call", "{s:s, s:s, s:[i]}", "channel", req->name, "method",
                         "echo", "args", number);
    const char *future = json_string_value(json_object_get(reply, "future"));
    check(req->t, future != NULL, "`call` answered no future");
    return future;
}

json_t *result_of(tester *t, const char *future, double seconds) {
    int request = ask(t, "result", "{s:s, s:f}", "future", future, "timeout", seconds);
    return await_reply(t, request, seconds + patience(t));
}

void expect_result(tester *t, const char *future, int number) {
    json_t *reply = result_of(t, future, patience(t));
    check(t, reply_ok(reply), "no result of the request, but %s", reply_code(reply));
    const json_t *value = json_object_get(reply, "value");
    check(t, json_is_integer(value) && json_integer_value(value) == number,
          "the result is another than the reply, %d", number);
}
