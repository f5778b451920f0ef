/* SPDX-License-Identifier: BSD-2-Clause */
/* Every vector of spec/vectors, all inputs in front of a guard page. */
#include <stdlib.h>
#include <string.h>

#include "json_value.h"
#include "vectors.h"
#include "yoton/frame.h"
#include "yoton/handshake.h"
#include "yoton/names.h"
#include "yoton/object.h"

/* --- handshake lines --- */

static int line_error(const char *verdict) {
    static const struct {
        const char *verdict;
        int error;
    } verdicts[] = {
        {"good", YOTON_OK},
        {"more", YOTON_E_MORE},
        {"not_yoton", YOTON_E_NOT_YOTON},
        {"malformed", YOTON_E_HANDSHAKE},
        {"too_long", YOTON_E_LINE},
    };
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
        if (strcmp(verdicts[i].verdict, verdict) == 0)
            return verdicts[i].error;
    fail_msg("unknown verdict %s", verdict);
    return 0;
}

static void check_good_line(const json_t *vector, const yoton_hello *hello, size_t offset) {
    assert_int_equal(offset, vector_size(vector, "consumed"));
    assert_true(hello->id == vector_id(vector, "id"));
    assert_true(hello->pid == vector_u64(vector, "pid"));
}

/* What the first bytes of the line give must not be taken back by the rest. */
static void check_beginnings(const guard *g, const uint8_t *bytes, size_t size, size_t limit,
                             int result, size_t offset) {
    for (size_t part = 0; part < size; part++) {
        yoton_hello hello;
        size_t got = 99999;
        const uint8_t *at = guard_place(g, bytes, part);
        int early = yoton_handshake_parse(&hello, at, part, limit, &got);
        assert_true(early == YOTON_E_MORE || (early == result && got == offset));
        assert_true(early != YOTON_E_MORE || got == part);
    }
}

/* HS-17, HS-18: what a host says when the line is cut here. */
static void check_cut(const json_t *vector, size_t size) {
    int error = size < strlen("YOTON!") ? YOTON_E_NOT_YOTON : YOTON_E_MORE;
    if (size == 0)
        assert_true(json_is_null(json_object_get(vector, "cut_refusal")));
    else
        assert_string_equal(yoton_handshake_refusal(error), vector_string(vector, "cut_refusal"));
}

static void check_line(const json_t *vector) {
    size_t size, offset = 99999;
    yoton_hello hello;
    uint8_t *bytes = vector_bytes(vector, "input", &size);
    size_t limit = vector_size_or(vector, "limit", 0);
    int expected = line_error(vector_string(vector, "verdict"));
    guard g = guard_new(size);
    const uint8_t *at = guard_place(&g, bytes, size);
    assert_int_equal(yoton_handshake_parse(&hello, at, size, limit, &offset), expected);
    if (expected == YOTON_OK) {
        check_good_line(vector, &hello, offset);
    } else if (expected == YOTON_E_MORE) {
        check_cut(vector, size);
    } else {
        assert_int_equal(offset, vector_size(vector, "offset"));
        assert_string_equal(yoton_handshake_refusal(expected), vector_string(vector, "refusal"));
    }
    check_beginnings(&g, bytes, size, limit, expected, offset);
    guard_free(&g);
    free(bytes);
}

static void test_handshake(void **state) {
    (void)state;
    vectors_each("handshake", NULL, check_line);
}

/* --- headers --- */

static yoton_header header_of(const json_t *vector) {
    const json_t *fields = json_object_get(vector, "header");
    return (yoton_header){
        .slot = vector_u64(fields, "slot"),
        .source_id = vector_id(fields, "source_id"),
        .source_seq = vector_u64(fields, "source_seq"),
        .dest_id = vector_id(fields, "dest_id"),
        .dest_seq = vector_u64(fields, "dest_seq"),
        .length = vector_u64(fields, "length"),
    };
}

static void check_same_header(const yoton_header *a, const yoton_header *b) {
    assert_true(a->slot == b->slot && a->source_id == b->source_id);
    assert_true(a->source_seq == b->source_seq && a->dest_id == b->dest_id);
    assert_true(a->dest_seq == b->dest_seq && a->length == b->length);
}

static void check_whole_header(const json_t *vector, const uint8_t *bytes) {
    yoton_header expected = header_of(vector), got;
    uint8_t encoded[YOTON_HEADER_SIZE];
    assert_int_equal(yoton_header_decode(&got, bytes, NULL), YOTON_OK);
    check_same_header(&got, &expected);
    yoton_header_encode(&expected, encoded);
    assert_memory_equal(encoded, bytes, YOTON_HEADER_SIZE);
}

static const char *kind_of(const yoton_frame *frame) {
    if (frame->kind == YOTON_FRAME_HEADER)
        return "package";
    if (frame->header.source_seq == YOTON_SIGNAL_HEARTBEAT)
        return "heartbeat";
    return frame->header.source_seq == YOTON_SIGNAL_CLOSE ? "close" : "ignored";
}

static void check_header(const json_t *vector) {
    size_t size, consumed;
    yoton_framer framer;
    yoton_frame frame;
    uint8_t *bytes = vector_bytes(vector, "input", &size);
    const char *verdict = vector_string(vector, "verdict");
    bool limited = json_object_get(vector, "limit") != NULL;
    guard g = guard_new(size);
    const uint8_t *at = guard_place(&g, bytes, size);
    yoton_framer_init(&framer, limited ? vector_u64(vector, "limit") : 0);
    int result = yoton_framer_feed(&framer, at, size, &consumed, &frame);
    if (strcmp(verdict, "good") == 0) {
        assert_int_equal(result, YOTON_OK);
        check_whole_header(vector, at);
        assert_string_equal(kind_of(&frame), vector_string(vector, "kind"));
    } else if (strcmp(verdict, "more") == 0) {
        assert_int_equal(result, YOTON_OK);
        assert_int_equal(frame.kind, YOTON_FRAME_NONE);
    } else {
        int length = strcmp(verdict, "length") == 0;
        assert_int_equal(result, length ? YOTON_E_LENGTH : YOTON_E_CONTROL);
        assert_int_equal(yoton_framer_position(&framer), vector_size(vector, "offset"));
        if (length)
            check_whole_header(vector, at);
    }
    guard_free(&g);
    free(bytes);
}

static void test_headers(void **state) {
    (void)state;
    vectors_each("headers", NULL, check_header);
}

/* --- objects --- */

static int object_error(const char *verdict) {
    static const struct {
        const char *verdict;
        int error;
    } verdicts[] = {
        {"good", YOTON_OK},     {"type", YOTON_E_TYPE}, {"length", YOTON_E_LENGTH},
        {"utf8", YOTON_E_UTF8}, {"key", YOTON_E_KEY},   {"depth", YOTON_E_DEPTH},
    };
    for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
        if (strcmp(verdicts[i].verdict, verdict) == 0)
            return verdicts[i].error;
    fail_msg("unknown verdict %s", verdict);
    return 0;
}

/* NaN equals nothing, so values that hold one are compared by their literals alone. */
static void check_value(const json_t *vector, const yoton_value *value, const char *literal) {
    yoton_value expected;
    const json_t *json = json_object_get(vector, "value");
    if (json == NULL)
        return;
    assert_int_equal(json_to_value(json, &expected, NULL), YOTON_OK);
    if (strstr(literal, "nan") == NULL)
        assert_int_equal(yoton_value_equal(value, &expected), 1);
    char *text;
    assert_int_equal(yoton_object_literal(&expected, &text, NULL), YOTON_OK);
    assert_string_equal(text, literal);
    free(text);
    yoton_value_clear(&expected);
}

static void check_encoded(const json_t *vector, const yoton_value *value, size_t depth) {
    const json_t *canonical = json_object_get(vector, "canonical");
    size_t size, room;
    if (canonical == NULL)
        return;
    uint8_t *bytes = vector_bytes(vector, json_is_true(canonical) ? "input" : "encoded", &size);
    if (json_is_true(canonical)) /* bytes may follow the object */
        size = vector_size(vector, "used");
    guard g = guard_new(size);
    uint8_t *out = guard_room(&g, size);
    assert_int_equal(yoton_object_size(value, depth, &room), YOTON_OK);
    assert_int_equal(room, size);
    assert_int_equal(yoton_object_encode(value, depth, out, &room), YOTON_OK);
    assert_memory_equal(out, bytes, size);
    guard_free(&g);
    free(bytes);
}

static void check_good_object(const json_t *vector, const yoton_value *value, size_t depth) {
    size_t expected_size, size;
    char *expected = vector_text(vector, "literal", &expected_size), *literal;
    assert_int_equal(yoton_object_literal(value, &literal, &size), YOTON_OK);
    assert_string_equal(literal, expected);
    assert_int_equal(size, expected_size);
    check_value(vector, value, literal);
    check_encoded(vector, value, depth);
    free(expected);
    free(literal);
}

static void check_object(const json_t *vector) {
    size_t size, used = 99999;
    uint8_t *bytes = vector_bytes(vector, "input", &size);
    size_t depth = vector_size_or(vector, "depth_limit", 0);
    int expected = object_error(vector_string(vector, "verdict"));
    yoton_value value;
    guard g = guard_new(size);
    const uint8_t *at = guard_place(&g, bytes, size);
    assert_int_equal(yoton_object_decode(&value, at, size, depth, &used), expected);
    assert_int_equal(used, vector_size(vector, expected == YOTON_OK ? "used" : "offset"));
    if (expected == YOTON_OK)
        check_good_object(vector, &value, depth);
    yoton_value_clear(&value);
    guard_free(&g);
    free(bytes);
}

static void test_objects(void **state) {
    (void)state;
    vectors_each("objects", NULL, check_object);
}

/* --- names --- */

static void check_slot(const json_t *vector) {
    size_t size, normal_size, expected_size;
    uint64_t slot = 0;
    char *normal, *text = vector_text(vector, "text", &size);
    guard g = guard_new(size);
    const char *at = (const char *)guard_place(&g, text, size);
    int expected =
        strcmp(vector_string(vector, "verdict"), "good") == 0 ? YOTON_OK : YOTON_E_LENGTH;
    assert_int_equal(yoton_slot_hash(at, size, &slot), expected);
    assert_int_equal(yoton_slot_normalize(at, size, &normal, &normal_size), expected);
    if (expected == YOTON_OK) {
        char *wanted = vector_text(vector, "normal", &expected_size);
        assert_true(slot == vector_u64(vector, "slot"));
        assert_int_equal(normal_size, expected_size);
        assert_memory_equal(normal, wanted, normal_size + 1);
        free(wanted);
    }
    free(normal);
    guard_free(&g);
    free(text);
}

static void check_channel_slot(const json_t *vector, const char *name, const char *number) {
    size_t size;
    uint64_t slot = 0;
    char *text = vector_text(vector, name, &size);
    assert_int_equal(yoton_slot_hash(text, size, &slot), YOTON_OK);
    assert_true(slot == vector_u64(vector, number));
    free(text);
}

static void check_channel(const json_t *vector) {
    check_channel_slot(vector, "slot_out", "slot_out_hash");
    check_channel_slot(vector, "slot_in", "slot_in_hash");
}

static void test_slots(void **state) {
    (void)state;
    vectors_each("slots", "text", check_slot);
    vectors_each("slots", "base", check_channel);
}

/* The port of an address, found at `before` bytes behind its start. */
static void check_port_text(const json_t *vector, const char *text, size_t size) {
    static const char before[] = "host:";
    size_t skip = sizeof before - 1, offset = 99999;
    yoton_address address;
    char *whole = malloc(skip + size + 1);
    assert_non_null(whole);
    memcpy(whole, before, skip);
    memcpy(whole + skip, text, size + 1);
    int result = yoton_address_parse(&address, whole, &offset, NULL);
    if (strcmp(vector_string(vector, "verdict"), "good") == 0) {
        assert_int_equal(result, YOTON_OK);
        assert_int_equal(address.port, vector_size(vector, "port"));
    } else {
        assert_int_equal(result, YOTON_E_ADDRESS);
        assert_int_equal(offset, skip + vector_size(vector, "offset"));
    }
    free(whole);
}

static void check_port(const json_t *vector) {
    size_t size;
    uint16_t port = 0;
    char *text = vector_text(vector, "text", &size);
    guard g = guard_new(size);
    const char *at = (const char *)guard_place(&g, text, size);
    assert_int_equal(yoton_port_hash(at, size, &port), YOTON_OK);
    assert_int_equal(port, vector_size(vector, "hash"));
    if (strlen(text) == size) /* an address is a C string */
        check_port_text(vector, text, size);
    guard_free(&g);
    free(text);
}

static void test_ports(void **state) {
    (void)state;
    vectors_each("ports", NULL, check_port);
}

static void check_good_address(const json_t *vector, const yoton_address *address) {
    static const char *const kinds[] = {
        [YOTON_HOST_NAME] = "name", [YOTON_HOST_IPV6] = "ipv6", [YOTON_HOST_PUBLIC] = "public"};
    assert_string_equal(kinds[address->kind], vector_string(vector, "kind"));
    assert_string_equal(address->protocol, vector_string(vector, "protocol"));
    assert_int_equal(address->port, vector_size(vector, "port"));
    if (address->kind == YOTON_HOST_PUBLIC)
        assert_int_equal(address->index, vector_size(vector, "index"));
    else
        assert_string_equal(address->host, vector_string(vector, "host"));
}

static void check_address(const json_t *vector) {
    size_t size, offset = 99999;
    const char *why = NULL;
    yoton_address address;
    char *text = vector_text(vector, "text", &size);
    guard g = guard_new(size + 1);
    const char *at = (const char *)guard_place(&g, text, size + 1);
    int result = yoton_address_parse(&address, at, &offset, &why);
    if (strcmp(vector_string(vector, "verdict"), "good") == 0) {
        assert_int_equal(result, YOTON_OK);
        check_good_address(vector, &address);
    } else {
        assert_int_equal(result, YOTON_E_ADDRESS);
        assert_non_null(why);
        assert_int_equal(offset, vector_size(vector, "offset"));
    }
    guard_free(&g);
    free(text);
}

static void test_addresses(void **state) {
    (void)state;
    vectors_each("addresses", NULL, check_address);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_handshake, vectors_blame),
        cmocka_unit_test_teardown(test_headers, vectors_blame),
        cmocka_unit_test_teardown(test_objects, vectors_blame),
        cmocka_unit_test_teardown(test_slots, vectors_blame),
        cmocka_unit_test_teardown(test_ports, vectors_blame),
        cmocka_unit_test_teardown(test_addresses, vectors_blame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
