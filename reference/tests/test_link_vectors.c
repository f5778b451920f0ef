/* SPDX-License-Identifier: BSD-2-Clause */
/* The streams of spec/vectors through a link: the same events however the bytes are cut, and the
 * answer a host owes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link_rig.h"
#include "vectors.h"

static rig bench;

typedef struct stream {
    const uint8_t *bytes;
    size_t size;
    int from_line; /* the line is part of it */
    int to_end;    /* the end of the stream belongs to it */
    yoton_link_config config;
    char log[8192];
    char sent[128];
} stream;

static void want(stream *s, const char *text) {
    assert_true(strlen(s->log) + strlen(text) < sizeof s->log);
    strcat(s->log, text);
}

static void want_package(stream *s, const json_t *event) {
    char text[256];
    size_t size;
    const json_t *h = json_object_get(event, "header");
    uint8_t *payload = vector_bytes(event, "payload", &size);
    yoton_header header = {vector_u64(h, "slot"),       vector_id(h, "source_id"),
                           vector_u64(h, "source_seq"), vector_id(h, "dest_id"),
                           vector_u64(h, "dest_seq"),   vector_u64(h, "length")};
    assert_int_equal(size, header.length);
    rig_describe(text, sizeof text, &header, payload);
    free(payload);
    want(s, text);
    want(s, "|");
}

static void want_line(stream *s, const json_t *event) {
    char text[64];
    snprintf(text, sizeof text, "UP %" PRIx64 ".%" PRIu64 "|", vector_id(event, "id"),
             vector_u64(event, "pid"));
    want(s, text);
    snprintf(s->sent, sizeof s->sent, "YOTON!00000000000000a1.4242 ");
}

static void want_end(stream *s, const char *log, const json_t *event) {
    if (json_object_get(event, "refusal") != NULL) {
        const char *refusal = vector_string(event, "refusal");
        snprintf(s->sent, sizeof s->sent, "%.*s ", (int)strcspn(refusal, "\r"), refusal);
    }
    want(s, log);
}

static void want_event(stream *s, const json_t *event) {
    static const char *const logs[][2] = {
        {"not_yoton", "DOWN -6 Handshake failed (the other end does not speak Yoton).|"},
        {"malformed", "DOWN -7 Handshake failed (could not parse id).|"},
        {"control", "DOWN -4 Lost track of the stream.|"},
        {"length", "DOWN -5 Lost track of the stream (length above the limit).|"},
    };
    const char *name = vector_string(event, "event");
    if (strcmp(name, "line") == 0) {
        want_line(s, event);
    } else if (strcmp(name, "package") == 0) {
        want_package(s, event);
    } else if (strcmp(name, "heartbeat") == 0) {
        want(s, "BEAT|");
    } else if (strcmp(name, "close") == 0) {
        want(s, "DOWN 0 Closed from other end.|");
    } else if (strcmp(name, "eof") == 0) {
        s->to_end = 1;
        want_end(s, "DOWN -18 Other end dropped the connection.|", event);
    } else if (strcmp(name, "error") == 0) {
        size_t i = 0;
        while (i < 4 && strcmp(vector_string(event, "kind"), logs[i][0]) != 0)
            i++;
        assert_true(i < 4);
        want_end(s, logs[i][1], event);
    } else {
        assert_string_equal(name, "ignored");
    }
}

static void run(stream *s, size_t most, size_t cut) {
    if (s->from_line)
        rig_open(&bench, &s->config);
    else
        rig_connect(&bench, &s->config);
    bench.most = most;
    rig_feed(&bench, s->bytes, cut);
    rig_feed(&bench, s->bytes + cut, s->size - cut);
    rig_drain(&bench);
    rig_tick(&bench, 0);
    if (s->to_end)
        rig_eof(&bench);
    rig_drain(&bench);
    rig_tick(&bench, 0);
    if (strcmp(bench.log, s->log) != 0)
        fail_msg("pieces of %zu, cut at %zu: %s\nwanted: %s", most, cut, bench.log, s->log);
    assert_string_equal(rig_sent(&bench), s->sent);
    rig_close(&bench);
}

static void check_stream(const json_t *vector) {
    static stream s;
    memset(&s, 0, sizeof s);
    uint8_t *bytes = vector_bytes(vector, "input", &s.size);
    s.bytes = bytes;
    s.from_line = strcmp(vector_string(vector, "start"), "line") == 0;
    s.config = rig_config(YOTON_ROLE_HOST);
    if (json_object_get(vector, "limit") != NULL)
        s.config.max_message = vector_u64(vector, "limit");
    size_t i;
    json_t *event;
    json_array_foreach(json_object_get(vector, "events"), i, event) want_event(&s, event);
    for (size_t most = 0; most <= 3; most++)
        run(&s, most, 0);
    for (size_t cut = 1; cut <= s.size; cut += cut < 500 ? 1 : 997)
        run(&s, 0, cut);
    free(bytes);
}

static void streams_give_their_events(void **state) {
    (void)state;
    vectors_each("streams", NULL, check_stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(streams_give_their_events, vectors_blame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
