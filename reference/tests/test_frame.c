/* SPDX-License-Identifier: BSD-2-Clause */
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yoton/frame.h"

static const yoton_header all_fields = {
    .slot = UINT64_C(0x0807060504030201),
    .source_id = UINT64_C(0x1817161514131211),
    .source_seq = UINT64_C(0x2827262524232221),
    .dest_id = UINT64_C(0x3837363534333231),
    .dest_seq = UINT64_C(0x4847464544434241),
    .length = UINT64_C(0x5857565554535251),
};

static const uint8_t all_bytes[YOTON_HEADER_SIZE] = {
    'Y',  'O',  'T',  'O',  'N',  ' ',  ' ',  ' ',  0x01, 0x02, 0x03, 0x04, 0x05, 0x06,
    0x07, 0x08, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x21, 0x22, 0x23, 0x24,
    0x25, 0x26, 0x27, 0x28, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x41, 0x42,
    0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
};

static int same_header(const yoton_header *a, const yoton_header *b) {
    return a->slot == b->slot && a->source_id == b->source_id && a->source_seq == b->source_seq &&
           a->dest_id == b->dest_id && a->dest_seq == b->dest_seq && a->length == b->length;
}

/* --- header --- */

static void test_header_every_byte(void **state) {
    (void)state;
    guard g = guard_new(YOTON_HEADER_SIZE);
    uint8_t *out = guard_room(&g, YOTON_HEADER_SIZE);
    yoton_header_encode(&all_fields, out);
    assert_memory_equal(out, all_bytes, YOTON_HEADER_SIZE);
    yoton_header header = {0};
    assert_int_equal(yoton_header_decode(&header, out, NULL), YOTON_OK);
    assert_true(same_header(&header, &all_fields));
    guard_free(&g);
}

static void test_header_extremes(void **state) {
    (void)state;
    uint8_t out[YOTON_HEADER_SIZE];
    yoton_header in = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    yoton_header header = {0};
    yoton_header_encode(&in, out);
    for (size_t i = 8; i < sizeof out; i++)
        assert_int_equal(out[i], 0xFF);
    assert_int_equal(yoton_header_decode(&header, out, NULL), YOTON_OK);
    assert_true(same_header(&header, &in));
}

/* Every control byte, changed to every other value: the offset is that byte's. */
static void test_header_wrong_control(void **state) {
    (void)state;
    for (size_t at = 0; at < 8; at++) {
        for (unsigned change = 1; change < 256; change++) {
            uint8_t bytes[YOTON_HEADER_SIZE];
            yoton_header header = all_fields;
            size_t offset = 99;
            memcpy(bytes, all_bytes, sizeof bytes);
            bytes[at] = (uint8_t)(bytes[at] ^ change);
            bytes[7] = at < 7 ? 0 : bytes[7]; /* the first wrong one counts */
            assert_int_equal(yoton_header_decode(&header, bytes, &offset), YOTON_E_CONTROL);
            assert_int_equal(offset, at);
            assert_int_equal(yoton_header_decode(&header, bytes, NULL), YOTON_E_CONTROL);
            assert_true(same_header(&header, &all_fields));
        }
    }
}

/* --- streams: what a framer says of one, as text, is the same however it is cut --- */

typedef struct stream_log {
    char text[4096];
    size_t used;
    uint64_t payload; /* bytes of the present payload seen */
    uint64_t sum;     /* of the present payload, order counts */
    uint64_t length;  /* that its header announced */
} stream_log;

static void note(stream_log *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(stream_log *log, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(log->text + log->used, sizeof log->text - log->used, format, arguments);
    va_end(arguments);
    log->used += (size_t)size;
    assert_true(log->used < sizeof log->text);
}

static uint64_t mix(uint64_t sum, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001b3);
    return sum;
}

static void note_frame(stream_log *log, const yoton_frame *frame, const uint8_t *data,
                       size_t consumed) {
    const yoton_header *h = &frame->header;
    if (frame->kind == YOTON_FRAME_PAYLOAD) {
        assert_ptr_equal(frame->data, data);
        assert_true(frame->size >= 1);
        assert_int_equal(frame->size, consumed);
        log->payload += frame->size;
        log->sum = mix(log->sum, frame->data, frame->size);
        assert_int_equal(frame->last, log->payload == log->length);
        if (frame->last)
            note(log, "payload %" PRIu64 " %016" PRIx64 "\n", log->payload, log->sum);
        return;
    }
    log->payload = log->sum = 0;
    log->length = h->length;
    note(log, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
         frame->kind == YOTON_FRAME_SIGNAL ? "signal" : "header", h->slot, h->source_id,
         h->source_seq, h->dest_id, h->dest_seq, h->length);
}

/* Feeds one piece, placed against the guard page, until all of it is used. */
static int feed_piece(yoton_framer *framer, stream_log *log, const guard *g, const uint8_t *bytes,
                      size_t size) {
    const uint8_t *data = guard_place(g, bytes, size);
    for (;;) {
        size_t consumed = 12345;
        yoton_frame frame;
        uint64_t before = yoton_framer_position(framer);
        int result = yoton_framer_feed(framer, data, size, &consumed, &frame);
        if (result != YOTON_OK) {
            assert_int_equal(frame.kind, YOTON_FRAME_NONE);
            note(log, "error %d at %" PRIu64 "\n", result, yoton_framer_position(framer));
            return result;
        }
        assert_true(consumed <= size);
        assert_int_equal(yoton_framer_position(framer), before + consumed);
        if (frame.kind == YOTON_FRAME_NONE) {
            assert_int_equal(consumed, size);
            return YOTON_OK;
        }
        note_frame(log, &frame, data, consumed);
        data += consumed;
        size -= consumed;
    }
}

static void feed_cut(stream_log *log, const guard *g, uint64_t limit, const uint8_t *bytes,
                     size_t size, const size_t *cuts, size_t count) {
    yoton_framer framer;
    size_t start = 0;
    int result = YOTON_OK;
    *log = (stream_log){0};
    yoton_framer_init(&framer, limit);
    for (size_t i = 0; i <= count && result == YOTON_OK; i++) {
        size_t end = i < count ? cuts[i] : size;
        result = feed_piece(&framer, log, g, bytes + start, end - start);
        start = end;
    }
    if (result == YOTON_OK)
        note(log, "%s at %" PRIu64 "\n", yoton_framer_at_boundary(&framer) ? "whole" : "cut",
             yoton_framer_position(&framer));
    else
        assert_false(yoton_framer_at_boundary(&framer));
}

static void check_cut(const guard *g, uint64_t limit, const uint8_t *bytes, size_t size,
                      const size_t *cuts, size_t count, const char *expected) {
    stream_log log;
    feed_cut(&log, g, limit, bytes, size, cuts, count);
    if (strcmp(log.text, expected) != 0)
        fail_msg("%zu cuts, first at %zu:\n%swanted:\n%s", count, count ? cuts[0] : 0, log.text,
                 expected);
}

/* In one piece, in single bytes, cut once everywhere, and small ones cut twice everywhere. */
static void check_stream(uint64_t limit, const uint8_t *bytes, size_t size, const char *expected) {
    guard g = guard_new(size);
    size_t *cuts = malloc((size + 1) * sizeof *cuts);
    assert_non_null(cuts);
    check_cut(&g, limit, bytes, size, NULL, 0, expected);
    for (size_t i = 0; i <= size; i++)
        cuts[i] = i;
    check_cut(&g, limit, bytes, size, cuts, size + 1, expected);
    for (size_t i = 0; i <= size; i++) {
        check_cut(&g, limit, bytes, size, &i, 1, expected);
        for (size_t j = i; j <= size && size <= 200; j++)
            check_cut(&g, limit, bytes, size, (size_t[]){i, j}, 2, expected);
    }
    free(cuts);
    guard_free(&g);
}

static size_t put_package(uint8_t *out, yoton_header header, const void *payload) {
    yoton_header_encode(&header, out);
    if (header.length > 0)
        memcpy(out + YOTON_HEADER_SIZE, payload, header.length);
    return YOTON_HEADER_SIZE + (size_t)header.length;
}

static void test_stream_of_packages(void **state) {
    (void)state;
    uint8_t bytes[1024];
    size_t size = 0;
    char expected[512];
    size += put_package(bytes + size, (yoton_header){8, 1, 2, 3, 4, 2}, "hi");
    size += put_package(bytes + size, (yoton_header){1, 0, 0, 0, 0, 0}, NULL);
    size += put_package(bytes + size, (yoton_header){9, 9, 1, 9, 9, 0}, NULL);
    size += put_package(bytes + size, (yoton_header){10, 11, 12, 13, 14, 1}, "Y");
    size += put_package(bytes + size, (yoton_header){15, 16, 17, 18, 19, 56}, all_bytes);
    snprintf(expected, sizeof expected,
             "header 8 1 2 3 4 2\npayload 2 %016" PRIx64 "\nsignal 1 0 0 0 0 0\n"
             "signal 9 9 1 9 9 0\nheader 10 11 12 13 14 1\npayload 1 %016" PRIx64 "\n"
             "header 15 16 17 18 19 56\npayload 56 %016" PRIx64 "\nwhole at %zu\n",
             mix(0, (const uint8_t *)"hi", 2), mix(0, (const uint8_t *)"Y", 1),
             mix(0, all_bytes, 56), size);
    check_stream(0, bytes, size, expected);
}

static void test_short_streams(void **state) {
    (void)state;
    uint8_t bytes[128];
    char expected[256];
    size_t size = put_package(bytes, (yoton_header){8, 1, 2, 3, 4, 3}, "abc");
    for (size_t part = 0; part < YOTON_HEADER_SIZE; part++) {
        snprintf(expected, sizeof expected, "%s at %zu\n", part == 0 ? "whole" : "cut", part);
        check_stream(0, bytes, part, expected);
    }
    for (size_t part = YOTON_HEADER_SIZE; part < size; part++) {
        snprintf(expected, sizeof expected, "header 8 1 2 3 4 3\ncut at %zu\n", part);
        check_stream(0, bytes, part, expected);
    }
    snprintf(expected, sizeof expected,
             "header 8 1 2 3 4 3\npayload 3 %016" PRIx64 "\nwhole at 59\n",
             mix(0, (const uint8_t *)"abc", 3));
    check_stream(0, bytes, size, expected);
}

/* A wrong control byte is an error with that byte, not before, and what follows does not matter. */
static void test_lost_track(void **state) {
    (void)state;
    for (size_t at = 0; at < 8; at++) {
        uint8_t bytes[256];
        char good[128], bad[192];
        size_t size = put_package(bytes, (yoton_header){8, 1, 2, 3, 4, 1}, "a");
        size_t second = size;
        size += put_package(bytes + size, (yoton_header){1, 0, 0, 0, 0, 0}, NULL);
        bytes[second + at] ^= 0x20;
        int length = snprintf(good, sizeof good, "header 8 1 2 3 4 1\npayload 1 %016" PRIx64 "\n",
                              mix(0, (const uint8_t *)"a", 1));
        snprintf(bad, sizeof bad, "%serror %d at %zu\n", good, YOTON_E_CONTROL, second + at);
        check_stream(0, bytes, size, bad);
        check_stream(0, bytes, second + at + 1, bad);
        snprintf(good + length, sizeof good - (size_t)length, "%s at %zu\n",
                 at == 0 ? "whole" : "cut", second + at);
        check_stream(0, bytes, second + at, good);
    }
}

static void test_length_limit(void **state) {
    (void)state;
    uint8_t bytes[256];
    char expected[128];
    size_t size = put_package(bytes, (yoton_header){8, 1, 2, 3, 4, 5}, "12345");
    snprintf(expected, sizeof expected,
             "header 8 1 2 3 4 5\npayload 5 %016" PRIx64 "\nwhole at 61\n",
             mix(0, (const uint8_t *)"12345", 5));
    check_stream(5, bytes, size, expected);
    snprintf(expected, sizeof expected, "error %d at 48\n", YOTON_E_LENGTH);
    check_stream(4, bytes, size, expected);
    check_stream(4, bytes, YOTON_HEADER_SIZE, expected);
    snprintf(expected, sizeof expected, "cut at 55\n");
    check_stream(4, bytes, YOTON_HEADER_SIZE - 1, expected);
}

static void test_default_limit(void **state) {
    (void)state;
    static const struct {
        uint64_t limit, length;
        int result;
    } cases[] = {
        {0, UINT64_C(1) << 30, YOTON_OK},
        {0, (UINT64_C(1) << 30) + 1, YOTON_E_LENGTH},
        {0, UINT64_MAX, YOTON_E_LENGTH},
        {UINT64_MAX, UINT64_MAX, YOTON_OK},
        {UINT64_MAX - 1, UINT64_MAX, YOTON_E_LENGTH},
        {1, 1, YOTON_OK},
        {1, 2, YOTON_E_LENGTH},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[YOTON_HEADER_SIZE];
        yoton_framer framer;
        yoton_frame frame;
        size_t consumed;
        yoton_header_encode(&(yoton_header){8, 1, 1, 0, 0, cases[i].length}, bytes);
        yoton_framer_init(&framer, cases[i].limit);
        assert_int_equal(yoton_framer_feed(&framer, bytes, sizeof bytes, &consumed, &frame),
                         cases[i].result);
        if (cases[i].result == YOTON_OK) {
            assert_int_equal(frame.kind, YOTON_FRAME_HEADER);
            assert_true(frame.header.length == cases[i].length);
            assert_int_equal(consumed, YOTON_HEADER_SIZE);
        } else {
            assert_int_equal(yoton_framer_position(&framer), 48);
        }
    }
}

static void test_errors_stick(void **state) {
    (void)state;
    yoton_framer framer;
    yoton_frame frame;
    size_t consumed = 7;
    yoton_framer_init(&framer, 0);
    assert_int_equal(yoton_framer_feed(&framer, (const uint8_t *)"YOTOM", 5, &consumed, &frame),
                     YOTON_E_CONTROL);
    for (int i = 0; i < 3; i++) {
        consumed = 7;
        assert_int_equal(yoton_framer_feed(&framer, all_bytes, sizeof all_bytes, &consumed, &frame),
                         YOTON_E_CONTROL);
        assert_int_equal(consumed, 0);
        assert_int_equal(frame.kind, YOTON_FRAME_NONE);
        assert_int_equal(yoton_framer_position(&framer), 4);
        assert_int_equal(yoton_framer_feed(&framer, NULL, 0, &consumed, &frame), YOTON_E_CONTROL);
    }
    assert_false(yoton_framer_at_boundary(&framer));
}

static void test_empty_input(void **state) {
    (void)state;
    yoton_framer framer;
    yoton_frame frame;
    size_t consumed = 7;
    yoton_framer_init(&framer, 0);
    assert_int_equal(yoton_framer_feed(&framer, NULL, 0, &consumed, &frame), YOTON_OK);
    assert_int_equal(consumed, 0);
    assert_int_equal(frame.kind, YOTON_FRAME_NONE);
    assert_true(yoton_framer_at_boundary(&framer));
}

/* Random streams, some with a fault, at random cuts: the same as in one piece. */
static void test_random_cuts(void **state) {
    (void)state;
    uint64_t seed = 1;
    static uint8_t bytes[8192], payload[600];
    for (int round = 0; round < 300; round++) {
        size_t size = 0, cuts[40];
        stream_log whole;
        for (size_t i = 0; i < sizeof payload; i++)
            payload[i] = (uint8_t)random_next(&seed);
        for (int i = 0; i < 8; i++) {
            uint64_t length = random_next(&seed) % 4 == 0 ? 0 : random_next(&seed) % 600;
            size += put_package(bytes + size, (yoton_header){9, 8, 7, 6, 5, length}, payload);
        }
        if (random_next(&seed) % 2 == 0)
            bytes[random_next(&seed) % size] ^= (uint8_t)(1 + random_next(&seed) % 255);
        guard g = guard_new(size);
        feed_cut(&whole, &g, 600, bytes, size, NULL, 0);
        for (size_t i = 0; i < 40; i++) { /* in rising order */
            size_t from = i > 0 ? cuts[i - 1] : 0;
            cuts[i] = from + random_next(&seed) % 64 * (random_next(&seed) % 8 + 1);
            cuts[i] = cuts[i] < size ? cuts[i] : size;
        }
        check_cut(&g, 600, bytes, size, cuts, 40, whole.text);
        guard_free(&g);
    }
}

static void test_error_texts(void **state) {
    (void)state;
    for (int error = 0; error >= YOTON_E_REMOTE; error--) {
        assert_string_not_equal(yoton_strerror(error), "unknown error");
        for (int other = 0; other > error; other--)
            assert_string_not_equal(yoton_strerror(error), yoton_strerror(other));
    }
    assert_string_equal(yoton_strerror(1), "unknown error");
    assert_string_equal(yoton_strerror(YOTON_E_REMOTE - 1), "unknown error");
    assert_string_equal(yoton_strerror(INT32_MIN), "unknown error");
    assert_string_equal(yoton_strerror(INT32_MAX), "unknown error");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_every_byte),    cmocka_unit_test(test_header_extremes),
        cmocka_unit_test(test_header_wrong_control), cmocka_unit_test(test_stream_of_packages),
        cmocka_unit_test(test_short_streams),        cmocka_unit_test(test_lost_track),
        cmocka_unit_test(test_length_limit),         cmocka_unit_test(test_default_limit),
        cmocka_unit_test(test_errors_stick),         cmocka_unit_test(test_empty_input),
        cmocka_unit_test(test_random_cuts),          cmocka_unit_test(test_error_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
