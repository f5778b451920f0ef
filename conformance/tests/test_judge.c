/* SPDX-License-Identifier: BSD-2-Clause */
/* The judge, and the cutting of streams built on it, against the vectors taken from the original.
 */
#include "engine/tester.h"
#include "judge/judge.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After the engine: it makes macros of fail and skip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- Vectors ---- */

static json_t *load(const char *name) {
    char path[256];
    const char *folder = getenv("VECTORS");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : "spec/vectors", name);
    json_error_t error;
    json_t *file = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (file == NULL)
        fail_msg("%s: %s", path, error.text);
    return file;
}

static void add_hex(struct buffer *out, const char *hex) {
    for (; *hex; hex += 2) {
        unsigned byte;
        assert_int_equal(sscanf(hex, "%2x", &byte), 1);
        buffer_add(out, &(uint8_t){(uint8_t)byte}, 1);
    }
}

/* Bytes as the vectors write them: hex, or an array of parts. */
static struct buffer bytes_of(const json_t *value) {
    struct buffer out = {0};
    buffer_add(&out, "", 0);
    if (json_is_string(value))
        add_hex(&out, json_string_value(value));
    size_t i;
    json_t *part;
    json_array_foreach(value, i, part) {
        if (json_is_string(part))
            add_hex(&out, json_string_value(part));
        else
            for (json_int_t n = json_integer_value(json_object_get(part, "times")); n > 0; n--)
                add_hex(&out, json_string_value(json_object_get(part, "repeat")));
    }
    return out;
}

static uint64_t number(const json_t *object, const char *key, int base) {
    return strtoull(json_get_text(object, key), NULL, base);
}

static void same_header(const package *p, const json_t *header) {
    assert_int_equal(p->slot, number(header, "slot", 10));
    assert_int_equal(p->source_id, number(header, "source_id", 16));
    assert_int_equal(p->source_seq, number(header, "source_seq", 10));
    assert_int_equal(p->dest_id, number(header, "dest_id", 16));
    assert_int_equal(p->dest_seq, number(header, "dest_seq", 10));
    assert_int_equal(p->length, number(header, "length", 10));
}

/* ---- Lines ---- */

static size_t line_size(const struct buffer *input) {
    for (size_t i = 0; i + 1 < input->size; i++)
        if (input->bytes[i] == '\r' && input->bytes[i + 1] == '\n')
            return i;
    return input->size;
}

static void lines(void **state) {
    (void)state;
    size_t i, judged = 0;
    json_t *vector, *file = load("handshake.json");
    json_array_foreach(json_object_get(file, "vectors"), i, vector) {
        const char *verdict = json_get_text(vector, "verdict");
        struct buffer input = bytes_of(json_object_get(vector, "input"));
        struct judged_hello hello;
        size_t wrong = 0;
        enum judged_line line = judge_hello(input.bytes, line_size(&input), &hello, &wrong);
        print_message("# %s\n", json_get_text(vector, "name"));
        judged++;
        if (strcmp(verdict, "good") == 0) {
            assert_int_equal(line, LINE_GOOD);
            assert_int_equal(hello.id, number(vector, "id", 16));
            assert_int_equal(hello.pid, number(vector, "pid", 10));
        } else if (strcmp(verdict, "not_yoton") == 0) {
            assert_int_equal(line, LINE_NOT_YOTON);
            assert_int_equal(wrong, json_integer_value(json_object_get(vector, "offset")));
        } else if (strcmp(verdict, "malformed") == 0) {
            assert_int_equal(line, LINE_MALFORMED);
        } else {
            judged--; /* `more` and `too_long` are no matter of a whole line */
        }
        free(input.bytes);
    }
    assert_true(judged > 50);
    json_decref(file);
}

static enum judged_line judge_text(const char *text, struct judged_hello *hello, size_t *wrong) {
    return judge_hello((const uint8_t *)text, strlen(text), hello, wrong);
}

static void form_of_a_sender(void **state) {
    (void)state;
    struct judged_hello hello;
    size_t wrong;
    assert_int_equal(judge_text("YOTON!0123456789abcdef.4242", &hello, &wrong), LINE_GOOD);
    assert_true(hello.as_sent);
    assert_int_equal(judge_text("YOTON!0123456789abcdef.0", &hello, &wrong), LINE_GOOD);
    assert_true(hello.as_sent);
    assert_int_equal(judge_text("YOTON!0123456789abcdeF.4242", &hello, &wrong), LINE_GOOD);
    assert_false(hello.as_sent);
    assert_int_equal(judge_text("YOTON!0123456789abcdef.042", &hello, &wrong), LINE_GOOD);
    assert_false(hello.as_sent);
}

static void place_of_the_error(void **state) {
    (void)state;
    static const struct {
        const char *line;
        size_t wrong;
    } bad[] = {{"YOTON!012345678-abcdef.1", 15},
               {"YOTON!0123456789abcde.1", 21},
               {"YOTON!0000000000000000.1", 21},
               {"YOTON!0123456789abcdef:1", 22},
               {"YOTON!0123456789abcdef", 22},
               {"YOTON!0123456789abcdef.", 23},
               {"YOTON!0123456789abcdef.1 ", 24},
               {"YOTON!0123456789abcdef.+1", 23},
               {"YOTON!0123456789abcdef.18446744073709551616", 42},
               {"YOTON!0123456789abcdef.000000000000000000001", 43}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct judged_hello hello;
        size_t wrong = 0;
        print_message("# %s\n", bad[i].line);
        assert_int_equal(judge_text(bad[i].line, &hello, &wrong), LINE_MALFORMED);
        assert_int_equal(wrong, bad[i].wrong);
    }
}

/* ---- Headers ---- */

static void one_header(const json_t *vector, const struct buffer *input) {
    const char *verdict = json_get_text(vector, "verdict");
    size_t size = input->size < JUDGE_CONTROL ? input->size : JUDGE_CONTROL;
    size_t good = judge_control(input->bytes, size);
    if (strcmp(verdict, "control") == 0) {
        assert_int_equal(good, json_integer_value(json_object_get(vector, "offset")));
        return;
    }
    assert_int_equal(good, size);
    if (strcmp(verdict, "more") == 0)
        return;
    assert_int_equal(input->size, JUDGE_HEADER);
    struct judged_header h = judge_header(input->bytes);
    package p = {.slot = h.slot,
                 .source_id = h.source_id,
                 .source_seq = h.source_seq,
                 .dest_id = h.dest_id,
                 .dest_seq = h.dest_seq,
                 .length = h.length};
    same_header(&p, json_object_get(vector, "header"));
}

static void headers(void **state) {
    (void)state;
    size_t i;
    json_t *vector, *file = load("headers.json");
    json_array_foreach(json_object_get(file, "vectors"), i, vector) {
        print_message("# %s\n", json_get_text(vector, "name"));
        struct buffer input = bytes_of(json_object_get(vector, "input"));
        one_header(vector, &input);
        free(input.bytes);
    }
    assert_true(i > 50);
    json_decref(file);
}

static void fields(void **state) {
    (void)state;
    assert_string_equal(judge_field(0), "control bytes");
    assert_string_equal(judge_field(7), "control bytes");
    assert_string_equal(judge_field(8), "slot");
    assert_string_equal(judge_field(24), "source_seq");
    assert_string_equal(judge_field(55), "length");
    assert_string_equal(judge_field(56), "payload");
}

/* ---- Streams ---- */

/* An end without a socket, fed by hand. Its case is over, so that nothing in it can fail. */
static end *fed_end(const json_t *vector) {
    tester *t = room(sizeof *t);
    t->finishing = true;
    transcript_start(&t->transcript);
    end *e = end_new(t, -1, ROLE_HOST, 0);
    e->s->packages = strcmp(json_get_text(vector, "start"), "package") == 0;
    return e;
}

static void free_end(end *e) {
    tester *t = e->t;
    json_decref(t->transcript.entries);
    free(e->s->from.bytes);
    free(e->s);
    free(e);
    free(t->ends);
    free(t);
}

static void free_item(item *i) {
    free((void *)(uintptr_t)i->raw);
    free(i);
}

/* Compares what was cut out with the event; returns true when nothing is to be looked at behind. */
static bool same_event(end *e, const item *i, const json_t *event) {
    const char *name = json_get_text(event, "event");
    if (strcmp(name, "line") == 0) {
        assert_int_equal(i->kind, ITEM_LINE);
        assert_true(judge_line(e, i));
        assert_int_equal(e->peer_id, number(event, "id", 16));
        assert_int_equal(e->peer_pid, number(event, "pid", 10));
    } else if (strcmp(name, "package") == 0) {
        struct buffer payload = bytes_of(json_object_get(event, "payload"));
        assert_int_equal(i->kind, ITEM_PACKAGE);
        same_header(&i->p, json_object_get(event, "header"));
        assert_int_equal(i->p.size, payload.size);
        assert_memory_equal(i->p.payload, payload.bytes, payload.size);
        free(payload.bytes);
    } else if (strcmp(name, "heartbeat") == 0) {
        assert_int_equal(i->kind, ITEM_HEARTBEAT);
    } else if (strcmp(name, "close") == 0) {
        assert_int_equal(i->kind, ITEM_CLOSE);
    } else if (strcmp(name, "ignored") == 0) {
        assert_int_equal(i->kind, ITEM_SIGNAL);
    } else if (strcmp(name, "error") == 0) {
        const char *kind = json_get_text(event, "kind");
        if (strcmp(kind, "length") == 0)
            return true; /* the limit is a receiver's own; the harness has none so low */
        if (strcmp(kind, "control") == 0)
            assert_int_equal(i->kind, ITEM_CUT);
        else
            assert_false(judge_line(e, i));
        return true;
    } else {
        assert_string_equal(name, "eof");
        bool begun = json_object_get(event, "since") != NULL;
        bool inside = begun && json_integer_value(json_object_get(event, "since")) <
                                   json_integer_value(json_object_get(event, "at"));
        bool line = inside && strcmp(json_get_text(event, "inside"), "line") == 0;
        assert_int_equal(i->kind, line ? ITEM_TEXT : inside ? ITEM_CUT : ITEM_END);
        return true;
    }
    return false;
}

static void one_stream(const json_t *vector, size_t piece) {
    struct buffer input = bytes_of(json_object_get(vector, "input"));
    const json_t *events = json_object_get(vector, "events");
    end *e = fed_end(vector);
    size_t event = 0, fed = 0;
    bool over = false;
    while (!over && event < json_array_size(events)) {
        item *i = parse_item(e);
        if (i != NULL) {
            over = same_event(e, i, json_array_get(events, event++));
            free_item(i);
            continue;
        }
        size_t next = input.size - fed < piece ? input.size - fed : piece;
        buffer_add(&e->s->from, input.bytes + fed, next);
        fed += next;
        e->s->ended = next == 0;
    }
    assert_int_equal(event, json_array_size(events));
    free_end(e);
    free(input.bytes);
}

static void streams(void **state) {
    (void)state;
    static const size_t pieces[] = {1, 2, 3, 7, 55, 56, 57, SIZE_MAX};
    size_t i;
    json_t *vector, *file = load("streams.json");
    json_array_foreach(json_object_get(file, "vectors"), i, vector) {
        print_message("# %s\n", json_get_text(vector, "name"));
        for (size_t n = 0; n < sizeof pieces / sizeof *pieces; n++)
            one_stream(vector, pieces[n]);
    }
    assert_true(i > 20);
    json_decref(file);
}

/* ---- Text ---- */

static void printable(void **state) {
    (void)state;
    static const char *const fine[] = {"", "hi", "h\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    static const char *const not_fine[] = {
        "a\n",  "\x7F", "\xC2\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
        "\xC3", "\xFF"};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        assert_true(judge_printable((const uint8_t *)fine[i], strlen(fine[i])));
    for (size_t i = 0; i < sizeof not_fine / sizeof *not_fine; i++)
        assert_false(judge_printable((const uint8_t *)not_fine[i], strlen(not_fine[i])));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),     cmocka_unit_test(form_of_a_sender),
        cmocka_unit_test(headers),   cmocka_unit_test(place_of_the_error),
        cmocka_unit_test(fields),    cmocka_unit_test(streams),
        cmocka_unit_test(printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
