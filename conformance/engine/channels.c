/* SPDX-License-Identifier: BSD-2-Clause */
/* Channels of the peer, and the barrier built on them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tester.h"

static uint64_t decimal(tester *t, const json_t *reply, const char *key) {
    const char *text = json_get_text(reply, key);
    errno = 0;
    uint64_t number = strtoull(text, NULL, 10);
    bool digits = *text != '\0' && text[strspn(text, "0123456789")] == '\0';
    check(t, digits && errno == 0,
          "`open` answered %s \"%s\"; that is no decimal number below 2^64", key, text);
    return number;
}

channel *open_channel(tester *t, const char *kind, const char *slot, const char *type) {
    static unsigned number;
    channel *c = room(sizeof *c);
    c->t = t;
    c->name = text_of("%s%u", kind, ++number);
    c->type = type;
    json_t *reply = call(t, "open", "{s:s, s:s, s:s, s:s}", "channel", c->name, "kind", kind,
                         "slot", slot, "type", type);
    c->slot_out = decimal(t, reply, "slot_out_hash");
    c->slot_in = decimal(t, reply, "slot_in_hash");
    return c;
}

channel *open_pub(tester *t, const char *slot, const char *type) {
    return open_channel(t, "pub", slot, type);
}

channel *open_sub(tester *t, const char *slot, const char *type) {
    return open_channel(t, "sub", slot, type);
}

void publish(channel *c, const char *text) {
    call(c->t, "send", "{s:s, s:s}", "channel", c->name, "value", text);
}

void publish_bytes(channel *c, const void *bytes, size_t size) {
    char *hex = hex_of(bytes, size, size);
    call(c->t, "send", "{s:s, s:{s:s}}", "channel", c->name, "value", "hex", hex);
    free(hex);
}

/* The next message of the channel, as the adapter says it. */
static const json_t *take(channel *c, const char *awaited) {
    double seconds = c->t->patience;
    int request = ask(c->t, "recv", "{s:s, s:f}", "channel", c->name, "timeout", seconds);
    json_t *reply = await_reply(c->t, request, seconds * 2);
    if (strcmp(reply_code(reply), "timeout") == 0)
        fail(c->t, "the peer's channel %s did not get %s within %.1f s", c->name, awaited, seconds);
    check(c->t, reply_ok(reply), "recv on channel %s failed (%s): %s", c->name, reply_code(reply),
          json_get_text(reply, "error"));
    return json_object_get(reply, "value");
}

void expect_received(channel *c, const char *text) {
    char *awaited = shown(text, strlen(text));
    const json_t *value = take(c, awaited);
    size_t size = json_string_length(value);
    check(c->t, json_is_string(value), "the peer's channel %s got something that is no text",
          c->name);
    const char *got = json_string_value(value);
    if (size != strlen(text) || memcmp(got, text, size) != 0)
        fail(c->t, "the peer's channel %s got %s, and should have got %s", c->name,
             shown(got, size), awaited);
}

void expect_received_bytes(channel *c, const void *bytes, size_t size) {
    char *awaited = shown(bytes, size), *hex = hex_of(bytes, size, size);
    const char *got = json_get_text(take(c, awaited), "hex");
    size_t same = 0;
    while (got[same] != '\0' && got[same] == hex[same])
        same++;
    if (strcmp(got, hex) != 0)
        fail(c->t,
             "the peer's channel %s got %zu bytes, and should have got %s; they differ at %zu",
             c->name, strlen(got) / 2, awaited, same / 2);
    free(hex);
}

void expect_no_message(channel *c) {
    json_t *reply = try_call(c->t, "recv", "{s:s, s:i}", "channel", c->name, "timeout", 0);
    if (reply_ok(reply)) {
        char *value = json_dumps(json_object_get(reply, "value"), JSON_ENCODE_ANY | JSON_COMPACT);
        fail(c->t, "the peer's channel %s got a message it should not have: %.80s", c->name, value);
    }
    check(c->t, strcmp(reply_code(reply), "timeout") == 0, "recv on channel %s failed (%s): %s",
          c->name, reply_code(reply), json_get_text(reply, "error"));
}

/* ---- The barrier ---- */

enum { MARKER = 24 }; /* bytes of a marker's text, NUL included */

static bool takes_part(const end *e) { return e->s->packages && e->s->fd >= 0 && !e->s->shut; }

static void marker_text(char text[MARKER], uint64_t number, unsigned from) {
    snprintf(text, MARKER, "marker %llu.%u", (unsigned long long)number, from);
}

/* The marker of an end comes from a source of its own, not to touch the numbers of the case. */
static void send_marker(end *e) {
    tester *t = e->t;
    char text[MARKER];
    marker_text(text, t->markers, e->number);
    if (e->s->marker_source == 0)
        e->s->marker_source = random_number(t);
    package p = {.slot = t->marker_sub->slot_in,
                 .source_id = e->s->marker_source,
                 .source_seq = ++e->s->marker_seq,
                 .length = strlen(text),
                 .payload = text,
                 .size = strlen(text)};
    send_package(e, &p);
}

static bool is_text(const json_t *value, const char *text) {
    char *hex = hex_of(text, strlen(text), MARKER);
    bool same = strcmp(json_get_text(value, "hex"), hex) == 0;
    free(hex);
    return same;
}

/* Takes markers at the peer until those of all `count` ends have come. */
static void await_markers(tester *t, unsigned count) {
    bool *came = room((t->end_count + 1) * sizeof *came);
    while (count > 0) {
        const json_t *value = take(t->marker_sub, "the marker of a barrier");
        for (size_t i = 0; i < t->end_count; i++) {
            char text[MARKER];
            marker_text(text, t->markers, t->ends[i]->number);
            if (is_text(value, text) && !came[i]) {
                came[i] = true;
                count--;
            }
        }
    }
    free(came);
}

static void keep(end *e, item *i) {
    struct socket_state *s = e->s;
    s->waiting = more_room(s->waiting, (s->waiting_count + 1) * sizeof *s->waiting);
    s->waiting[s->waiting_count++] = i;
}

/* Reads an end up to the peer's marker; what comes before it is kept for the case. */
static void read_to_marker(end *e, const char *text) {
    tester *t = e->t;
    double until = now() + t->patience;
    for (bool late = false;;) {
        item *i = parse_item(e);
        if (i == NULL) {
            check(t, !late,
                  "end %u: the peer published a message, and it did not come here within "
                  "%.1f s",
                  e->number, t->patience);
            late = now() >= until;
            pump(t, until);
            continue;
        }
        check(t, i->kind != ITEM_END && i->kind != ITEM_RESET && i->kind != ITEM_CLOSE,
              "end %u: the peer closed the connection, and should have kept it", e->number);
        bool own = is_marker(e, i) && i->p.source_id == e->peer_id;
        if (own && i->p.size == strlen(text) && memcmp(i->p.payload, text, i->p.size) == 0)
            return;
        if (!is_marker(e, i))
            keep(e, i);
    }
}

void barrier(tester *t) {
    if (t->marker_sub == NULL) {
        t->marker_sub = open_sub(t, "yotonspec-marker", "bin");
        t->marker_pub = open_pub(t, "yotonspec-marker-back", "bin");
    }
    t->markers++;
    unsigned count = 0;
    for (size_t i = 0; i < t->end_count; i++) {
        if (takes_part(t->ends[i])) {
            send_marker(t->ends[i]);
            count++;
        }
    }
    await_markers(t, count);
    char text[MARKER];
    marker_text(text, t->markers, 0);
    publish_bytes(t->marker_pub, text, strlen(text));
    for (size_t i = 0; i < t->end_count; i++)
        if (takes_part(t->ends[i]))
            read_to_marker(t->ends[i], text);
}
