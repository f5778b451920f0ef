/* SPDX-License-Identifier: BSD-2-Clause */
/* The streams of spec/vectors: line, packages and signals are found alike however the bytes are
 * cut. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vectors.h"
#include "yoton/frame.h"
#include "yoton/handshake.h"

/* A reader of a stream as a host is one; it writes down what it finds, one line an event. */
typedef struct reader {
    bool in_line;
    uint8_t line[YOTON_LINE_MAX_DEFAULT];
    size_t line_size;
    yoton_framer framer;
    uint64_t line_end; /* where the packages start */
    uint64_t since;    /* where what is being read started */
    yoton_header header;
    uint8_t *payload; /* room for the whole stream */
    size_t payload_size;
    bool over; /* an error or a close: nothing is looked at behind it */
    char *text;
    size_t used, room;
} reader;

static void note(reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(reader *r, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(r->text + r->used, r->room - r->used, format, arguments);
    va_end(arguments);
    r->used += (size_t)size;
    assert_true(r->used < r->room);
}

/* A sum in which the order of the bytes counts stands for them. */
static void note_bytes(reader *r, const uint8_t *bytes, size_t size) {
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    note(r, "%016" PRIx64 "\n", sum);
}

static uint64_t position(const reader *r) {
    return r->in_line ? r->line_size : r->line_end + yoton_framer_position(&r->framer);
}

static void note_header(reader *r, const yoton_header *h) {
    note(r, "%" PRIu64 " %016" PRIx64 " %" PRIu64 " %016" PRIx64 " %" PRIu64 " %" PRIu64 " ",
         h->slot, h->source_id, h->source_seq, h->dest_id, h->dest_seq, h->length);
}

static void on_signal(reader *r, const yoton_header *h) {
    bool close = h->source_seq == YOTON_SIGNAL_CLOSE;
    const char *name = h->source_seq == YOTON_SIGNAL_HEARTBEAT ? "heartbeat"
                       : close                                 ? "close"
                                                               : "ignored";
    note(r, "%s %" PRIu64 " %" PRIu64 "\n", name, r->since, position(r));
    r->over = close;
    r->since = position(r);
}

static void on_payload(reader *r, const yoton_frame *frame) {
    memcpy(r->payload + r->payload_size, frame->data, frame->size);
    r->payload_size += frame->size;
    if (!frame->last)
        return;
    note(r, "package %" PRIu64 " %" PRIu64 " ", r->since, position(r));
    note_header(r, &r->header);
    note_bytes(r, r->payload, r->payload_size);
    r->payload_size = 0;
    r->since = position(r);
}

static size_t read_frame(reader *r, const uint8_t *data, size_t size) {
    size_t consumed;
    yoton_frame frame;
    int result = yoton_framer_feed(&r->framer, data, size, &consumed, &frame);
    if (result != YOTON_OK) {
        note(r, "error %s %" PRIu64 "\n", result == YOTON_E_LENGTH ? "length" : "control",
             position(r));
        r->over = true;
        return size;
    }
    if (frame.kind == YOTON_FRAME_SIGNAL)
        on_signal(r, &frame.header);
    if (frame.kind == YOTON_FRAME_HEADER)
        r->header = frame.header;
    if (frame.kind == YOTON_FRAME_PAYLOAD)
        on_payload(r, &frame);
    return consumed;
}

/* Returns how many of the bytes belong to the line. */
static size_t read_line(reader *r, const uint8_t *data, size_t size) {
    size_t had = r->line_size, take = sizeof r->line - had, offset;
    yoton_hello hello;
    take = take < size ? take : size;
    memcpy(r->line + had, data, take);
    int result = yoton_handshake_parse(&hello, r->line, had + take, 0, &offset);
    r->line_size = had + take;
    if (result == YOTON_E_MORE)
        return take;
    if (result != YOTON_OK) {
        note(r, "error %s %zu %s", result == YOTON_E_NOT_YOTON ? "not_yoton" : "malformed", offset,
             yoton_handshake_refusal(result));
        r->over = true;
        return size;
    }
    note(r, "line 0 %zu %016" PRIx64 " %" PRIu64 "\n", offset, hello.id, hello.pid);
    r->in_line = false;
    r->line_end = r->since = offset;
    return offset - had;
}

static void read_piece(reader *r, const uint8_t *data, size_t size) {
    while (size > 0 && !r->over) {
        size_t used = r->in_line ? read_line(r, data, size) : read_frame(r, data, size);
        data += used;
        size -= used;
    }
}

static void read_end(reader *r) {
    if (r->over)
        return;
    const char *inside = r->in_line                                   ? "line"
                         : yoton_framer_at_boundary(&r->framer)       ? "boundary"
                         : position(r) - r->since < YOTON_HEADER_SIZE ? "header"
                                                                      : "payload";
    note(r, "eof %" PRIu64 " %s\n", position(r), inside);
}

/* --- what the vector wants, written down in the same way --- */

static void want_package(reader *r, const json_t *event) {
    const json_t *h = json_object_get(event, "header");
    size_t size;
    uint8_t *payload = vector_bytes(event, "payload", &size);
    yoton_header header = {vector_u64(h, "slot"),       vector_id(h, "source_id"),
                           vector_u64(h, "source_seq"), vector_id(h, "dest_id"),
                           vector_u64(h, "dest_seq"),   vector_u64(h, "length")};
    note(r, "package %zu %zu ", vector_size(event, "at"), vector_size(event, "end"));
    note_header(r, &header);
    note_bytes(r, payload, size);
    free(payload);
}

static void want_error(reader *r, const json_t *event) {
    note(r, "error %s %zu", vector_string(event, "kind"), vector_size(event, "at"));
    if (json_object_get(event, "refusal") != NULL)
        note(r, " %s", vector_string(event, "refusal"));
    else
        note(r, "\n");
}

static void want(reader *r, const json_t *event) {
    const char *name = vector_string(event, "event");
    if (strcmp(name, "package") == 0)
        want_package(r, event);
    else if (strcmp(name, "error") == 0)
        want_error(r, event);
    else if (strcmp(name, "line") == 0)
        note(r, "line %zu %zu %016" PRIx64 " %" PRIu64 "\n", vector_size(event, "at"),
             vector_size(event, "end"), vector_id(event, "id"), vector_u64(event, "pid"));
    else if (strcmp(name, "eof") == 0)
        note(r, "eof %zu %s\n", vector_size(event, "at"), vector_string(event, "inside"));
    else
        note(r, "%s %zu %zu\n", name, vector_size(event, "at"), vector_size(event, "end"));
}

/* --- cutting --- */

typedef struct stream {
    const uint8_t *bytes;
    size_t size;
    bool from_line;
    uint64_t limit;
    char *expected;
    reader reader; /* its text is used again and again */
    guard g;
} stream;

static void start(stream *s) {
    reader *r = &s->reader;
    *r = (reader){.in_line = s->from_line, .payload = r->payload, .text = r->text, .room = r->room};
    yoton_framer_init(&r->framer, s->limit);
    r->text[0] = '\0';
}

static void piece(stream *s, size_t from, size_t to) {
    read_piece(&s->reader, guard_place(&s->g, s->bytes + from, to - from), to - from);
}

static void finish(stream *s, size_t first, size_t second) {
    read_end(&s->reader);
    if (strcmp(s->reader.text, s->expected) != 0)
        fail_msg("cut at %zu and %zu:\n%s\nwanted:\n%s", first, second, s->reader.text,
                 s->expected);
}

static void cut_twice(stream *s, size_t first, size_t second) {
    start(s);
    piece(s, 0, first);
    piece(s, first, second);
    piece(s, second, s->size);
    finish(s, first, second);
}

static void cut_everywhere(stream *s) {
    start(s);
    for (size_t i = 0; i < s->size; i++)
        piece(s, i, i + 1);
    finish(s, 1, 2);
    /* of a long stream every cut in its first bytes, and then some */
    for (size_t i = 0; i <= s->size; i += i < 500 ? 1 : 997)
        cut_twice(s, i, i);
    for (size_t i = 0; i <= s->size && s->size <= 150; i++)
        for (size_t j = i; j <= s->size; j++)
            cut_twice(s, i, j);
}

static void check_stream(const json_t *vector) {
    stream s = {0};
    uint8_t *bytes = vector_bytes(vector, "input", &s.size);
    assert_int_equal(s.size, vector_size(vector, "size"));
    s.bytes = bytes;
    s.from_line = strcmp(vector_string(vector, "start"), "line") == 0;
    s.limit = json_object_get(vector, "limit") != NULL ? vector_u64(vector, "limit") : 0;
    s.g = guard_new(s.size);
    s.reader.room = 65536;
    s.reader.payload = malloc(s.size + 1);
    assert_non_null(s.reader.payload);
    s.reader.text = malloc(s.reader.room);
    assert_non_null(s.reader.text);
    start(&s);
    size_t i;
    json_t *event;
    json_array_foreach(json_object_get(vector, "events"), i, event) want(&s.reader, event);
    s.expected = s.reader.text;
    s.reader.text = malloc(s.reader.room);
    assert_non_null(s.reader.text);
    cut_everywhere(&s);
    guard_free(&s.g);
    free(s.expected);
    free(s.reader.text);
    free(s.reader.payload);
    free(bytes);
}

static void test_streams(void **state) {
    (void)state;
    vectors_each("streams", NULL, check_stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_streams, vectors_blame)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
