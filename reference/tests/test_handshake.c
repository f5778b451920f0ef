/* SPDX-License-Identifier: BSD-2-Clause */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "yoton/handshake.h"

#define ID "0123456789abcdef"

/* What a line must give, and how many of its bytes decide it. */
typedef struct line_case {
    const char *line;
    int result;
    size_t offset;  /* length of a good line, offset of what is wrong in a bad one */
    size_t decided; /* fewer bytes than these need more */
    uint64_t id, pid;
} line_case;

#define WRONG(at) .result = YOTON_E_HANDSHAKE, .offset = (at), .decided = (at) + 1
#define STRANGER(at) .result = YOTON_E_NOT_YOTON, .offset = (at), .decided = (at) + 1
#define GOOD(size) .result = YOTON_OK, .offset = (size), .decided = (size)

static const line_case lines[] = {
    {"YOTON!" ID ".4242\r\n", GOOD(29), UINT64_C(0x0123456789abcdef), 4242},
    {"YOTON!0123456789ABCDEF.4242\r\n", GOOD(29), UINT64_C(0x0123456789abcdef), 4242},
    {"YOTON!0123456789aBcDeF.0\r\n", GOOD(26), UINT64_C(0x0123456789abcdef), 0},
    {"YOTON!0000000000000001.1\r\nYOTON   ", GOOD(26), 1, 1},
    {"YOTON!ffffffffffffffff.18446744073709551615\r\n", GOOD(45), UINT64_MAX, UINT64_MAX},
    {"YOTON!ffffffffffffffff.00000000000000000001\r\n", GOOD(45), UINT64_MAX, 1},
    {"YOTON!" ID ".18446744073709551616\r\n", WRONG(42), 0, 0},
    {"YOTON!" ID ".18446744073709551620\r\n", WRONG(42), 0, 0},
    {"YOTON!" ID ".99999999999999999999\r\n", WRONG(42), 0, 0},
    {"YOTON!" ID ".000000000000000000000\r\n", WRONG(43), 0, 0},
    {"YOTON!" ID ".184467440737095516150\r\n", WRONG(43), 0, 0},
    {"YOTON!0000000000000000.1\r\n", WRONG(21), 0, 0},
    {"YOTON!0000000000000000x", WRONG(21), 0, 0},
    {"YOTON!000000000000000g.1\r\n", WRONG(21), 0, 0},
    {"YOTON!" ID ".\r\n", WRONG(23), 0, 0},
    {"YOTON!" ID "\r\n", WRONG(22), 0, 0},
    {"YOTON!" ID "0.1\r\n", WRONG(22), 0, 0},
    {"YOTON!0123456789abcde.1\r\n", WRONG(21), 0, 0},
    {"YOTON!0x23456789abcdef.1\r\n", WRONG(7), 0, 0},
    {"YOTON!+123456789abcdef.1\r\n", WRONG(6), 0, 0},
    {"YOTON! 123456789abcdef.1\r\n", WRONG(6), 0, 0},
    {"YOTON!0123_56789abcdef.1\r\n", WRONG(10), 0, 0},
    {"YOTON!" ID ".+1\r\n", WRONG(23), 0, 0},
    {"YOTON!" ID ".-1\r\n", WRONG(23), 0, 0},
    {"YOTON!" ID ". 1\r\n", WRONG(23), 0, 0},
    {"YOTON!" ID ".1 \r\n", WRONG(24), 0, 0},
    {"YOTON!" ID ".1_0\r\n", WRONG(24), 0, 0},
    {"YOTON!" ID ".1a\r\n", WRONG(24), 0, 0},
    {"YOTON!" ID ".1.1\r\n", WRONG(24), 0, 0},
    {"YOTON!" ID ".1\n", WRONG(24), 0, 0},
    {"YOTON!" ID ".1\r\r\n", WRONG(25), 0, 0},
    {"YOTON!" ID ".1\rx", WRONG(25), 0, 0},
    {"YOTON!\r\n", WRONG(6), 0, 0},
    {"YOTON!.1\r\n", WRONG(6), 0, 0},
    {"YOTON   \1\0\0\0\0\0\0\0", STRANGER(5), 0, 0},
    {"YOTON\r\n", STRANGER(5), 0, 0},
    {"yoton!" ID ".1\r\n", STRANGER(0), 0, 0},
    {"YOTOn!" ID ".1\r\n", STRANGER(4), 0, 0},
    {" YOTON!" ID ".1\r\n", STRANGER(0), 0, 0},
    {"GET / HTTP/1.1\r\n", STRANGER(0), 0, 0},
    {"\r\n", STRANGER(0), 0, 0},
    {"ERROR: this is Yoton.\r\n", STRANGER(0), 0, 0},
};

static const yoton_hello untouched = {UINT64_C(0x5555), UINT64_C(0x6666)};

static void check_prefix(const guard *g, const line_case *c, const uint8_t *bytes, size_t size,
                         size_t limit) {
    yoton_hello hello = untouched;
    size_t offset = 12345;
    const uint8_t *at = guard_place(g, bytes, size);
    int result = yoton_handshake_parse(&hello, at, size, limit, &offset);
    if (size < c->decided) {
        assert_int_equal(result, YOTON_E_MORE);
        assert_int_equal(offset, size);
    } else {
        assert_int_equal(result, c->result);
        assert_int_equal(offset, c->offset);
    }
    int good = result == YOTON_OK;
    assert_true(hello.id == (good ? c->id : untouched.id));
    assert_true(hello.pid == (good ? c->pid : untouched.pid));
}

/* Every prefix of every line, then the line with other bytes behind it: MORE until the byte that
 * decides, and the same ever after. */
static void test_every_prefix(void **state) {
    (void)state;
    uint64_t seed = 2;
    guard g = guard_new(256);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const line_case *c = &lines[i];
        uint8_t bytes[128];
        size_t size = strlen(c->line);
        assert_true(c->decided <= size);
        memcpy(bytes, c->line, size);
        for (size_t part = 0; part <= size; part++)
            check_prefix(&g, c, bytes, part, 0);
        for (int round = 0; round < 20; round++) {
            for (size_t j = c->decided; j < sizeof bytes; j++)
                bytes[j] = (uint8_t)random_next(&seed);
            check_prefix(&g, c, bytes, sizeof bytes, 0);
        }
    }
    guard_free(&g);
}

/* What may stand at an offset of the line with pid 42, told anew and in another way. */
static int may_stand(size_t at, uint8_t byte, int *result) {
    *result = at < 6 ? YOTON_E_NOT_YOTON : YOTON_E_HANDSHAKE;
    if (at < 6)
        return byte == (uint8_t) "YOTON!"[at];
    if (at < 22)
        return byte != 0 && strchr("0123456789abcdefABCDEF", byte) != NULL;
    if (at == 22)
        return byte == '.';
    if (at == 23)
        return byte >= '0' && byte <= '9';
    if (at == 24)
        return (byte >= '0' && byte <= '9') || byte == '\r';
    return byte == (at == 25 ? '\r' : '\n') || (at == 25 && byte >= '0' && byte <= '9');
}

/* Every byte of a good line, changed to every value. */
static void test_every_byte(void **state) {
    (void)state;
    static const char line[] = "YOTON!" ID ".42\r\n";
    for (size_t at = 0; at < 27; at++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t bytes[27];
            yoton_hello hello;
            size_t offset = 0;
            int expected;
            memcpy(bytes, line, sizeof bytes);
            bytes[at] = (uint8_t)value;
            int allowed = may_stand(at, bytes[at], &expected);
            int result = yoton_handshake_parse(&hello, bytes, at + 1, 0, &offset);
            assert_int_equal(result, !allowed ? expected : at == 26 ? YOTON_OK : YOTON_E_MORE);
            assert_int_equal(offset, allowed ? at + 1 : at);
        }
    }
}

static void check_limit(const char *line, size_t limit, int result, size_t offset) {
    size_t got = 0;
    yoton_hello hello;
    guard g = guard_new(64);
    const uint8_t *bytes = guard_place(&g, line, strlen(line));
    assert_int_equal(yoton_handshake_parse(&hello, bytes, strlen(line), limit, &got), result);
    assert_int_equal(got, offset);
    guard_free(&g);
}

static void test_line_limit(void **state) {
    (void)state;
    static const char longest[] = "YOTON!" ID ".18446744073709551615\r\n";
    check_limit(longest, YOTON_LINE_SIZE, YOTON_OK, 45);
    check_limit(longest, YOTON_LINE_SIZE - 1, YOTON_E_LINE, 44);
    check_limit("YOTON!" ID ".1\r\n", 26, YOTON_OK, 26);
    check_limit("YOTON!" ID ".1\r\n", 25, YOTON_E_LINE, 25);
    check_limit("YOTON!" ID ".1\r", 25, YOTON_E_LINE, 25);
    check_limit("YOTON!" ID ".1", 25, YOTON_E_MORE, 24);
    check_limit("YOTON!" ID, 10, YOTON_E_LINE, 10);
    check_limit("YOTON!", 6, YOTON_E_LINE, 6);
    check_limit("YOTON!012345678x", 10, YOTON_E_LINE, 10); /* the limit comes first */
    check_limit("YOTON!012x", 10, YOTON_E_HANDSHAKE, 9);   /* the wrong byte does */
    check_limit("GET / HTTP/1.1\r\n", 1, YOTON_E_NOT_YOTON, 0);
    check_limit("Y", 1, YOTON_E_LINE, 1);
    check_limit("", 1, YOTON_E_MORE, 0);
    check_limit(longest, SIZE_MAX, YOTON_OK, 45);
    /* 64 bytes by default, but no good line is as long */
    check_limit("YOTON!" ID ".0000000000000000000000000000000000000000", 0, YOTON_E_HANDSHAKE, 43);
}

static void test_nothing_yet(void **state) {
    (void)state;
    size_t offset = 7;
    yoton_hello hello;
    assert_int_equal(yoton_handshake_parse(&hello, NULL, 0, 0, &offset), YOTON_E_MORE);
    assert_int_equal(offset, 0);
}

static void test_encode(void **state) {
    (void)state;
    static const struct {
        yoton_hello hello;
        const char *line;
    } cases[] = {
        {{UINT64_C(0x0123456789abcdef), 4242}, "YOTON!0123456789abcdef.4242\r\n"},
        {{1, 0}, "YOTON!0000000000000001.0\r\n"},
        {{UINT64_C(0xa0), 9}, "YOTON!00000000000000a0.9\r\n"},
        {{UINT64_C(0x9a0000000000000f), 10}, "YOTON!9a0000000000000f.10\r\n"},
        {{UINT64_MAX, UINT64_MAX}, "YOTON!ffffffffffffffff.18446744073709551615\r\n"},
    };
    guard g = guard_new(64);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = strlen(cases[i].line);
        char *out = (char *)guard_room(&g, size);
        assert_int_equal(yoton_handshake_encode(&cases[i].hello, out, size), size);
        assert_memory_equal(out, cases[i].line, size);
        for (size_t room = 0; room < size; room++) {
            out = (char *)guard_room(&g, room);
            assert_int_equal(yoton_handshake_encode(&cases[i].hello, out, room), YOTON_E_SPACE);
        }
        out = (char *)guard_room(&g, YOTON_LINE_SIZE);
        assert_int_equal(yoton_handshake_encode(&cases[i].hello, out, YOTON_LINE_SIZE), size);
        for (size_t j = size; j < YOTON_LINE_SIZE; j++)
            assert_int_equal((uint8_t)out[j], 0xAA);
    }
    char *out = (char *)guard_room(&g, YOTON_LINE_SIZE);
    assert_int_equal(yoton_handshake_encode(&(yoton_hello){0, 1}, out, YOTON_LINE_SIZE),
                     YOTON_E_ARGUMENT);
    guard_free(&g);
}

static void test_round_trip(void **state) {
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 10000; i++) {
        char line[YOTON_LINE_SIZE];
        yoton_hello hello = {random_next(&seed) >> random_next(&seed) % 64 | 1,
                             random_next(&seed) >> random_next(&seed) % 64};
        yoton_hello back;
        size_t offset;
        int size = yoton_handshake_encode(&hello, line, sizeof line);
        assert_true(size >= 26);
        assert_int_equal(
            yoton_handshake_parse(&back, (const uint8_t *)line, (size_t)size, 0, &offset),
            YOTON_OK);
        assert_int_equal(offset, size);
        assert_true(back.id == hello.id && back.pid == hello.pid);
    }
}

static void test_refusals(void **state) {
    (void)state;
    assert_string_equal(yoton_handshake_refusal(YOTON_E_NOT_YOTON), "ERROR: this is Yoton.\r\n");
    assert_string_equal(yoton_handshake_refusal(YOTON_E_HANDSHAKE),
                        "ERROR: could not parse id.\r\n");
    assert_string_equal(yoton_handshake_refusal(YOTON_E_MORE), "ERROR: could not parse id.\r\n");
    assert_string_equal(yoton_handshake_refusal(YOTON_E_LINE), "ERROR: could not parse id.\r\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_prefix), cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_line_limit),   cmocka_unit_test(test_nothing_yet),
        cmocka_unit_test(test_encode),       cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
