/* SPDX-License-Identifier: BSD-2-Clause */
/* The texts of client and server: where they end, what of them is text. */
#include "support.h"

#include <string.h>

#include "wire/exchange.h"
#include "yoton/error.h"

#define NO_LIMIT ((size_t)1 << 20)

/* Take a text that comes in pieces of `chunk` bytes, then the end. Each piece is placed against a
 * guard page: what has not come is not looked at. */
static int take(const char *bytes, size_t size, size_t chunk, yoton_text_scan *scan) {
    guard g = guard_new(size);
    int error = YOTON_E_MORE;
    size_t have = 0;
    while (error == YOTON_E_MORE && have < size) {
        have = size - have < chunk ? size : have + chunk;
        error = yoton_text_more(scan, (const char *)guard_place(&g, bytes, have), have);
    }
    if (error == YOTON_E_MORE)
        error = yoton_text_over(scan);
    guard_free(&g);
    return error;
}

static void expect(const char *bytes, size_t size, size_t limit, int error, size_t text,
                   int ended) {
    for (size_t chunk = 1; chunk <= size + 1; chunk++) {
        yoton_text_scan scan = {.limit = limit};
        assert_int_equal(take(bytes, size, chunk, &scan), error);
        if (error == YOTON_OK) {
            assert_int_equal(scan.size, text);
            assert_int_equal(scan.ended, ended);
        }
    }
}

/* CS-2, CS-4 */
static void a_text_ends_at_its_first_crlf(void **state) {
    (void)state;
    expect("", 0, NO_LIMIT, YOTON_OK, 0, 0);
    expect("\r\n", 2, NO_LIMIT, YOTON_OK, 0, 1);
    expect("hi\r\n", 4, NO_LIMIT, YOTON_OK, 2, 1);
    expect("hi", 2, NO_LIMIT, YOTON_OK, 2, 0);
    expect("hi\r", 3, NO_LIMIT, YOTON_OK, 3, 0);
    expect("hi\n", 3, NO_LIMIT, YOTON_OK, 3, 0);
    expect("\n\r", 2, NO_LIMIT, YOTON_OK, 2, 0);
    expect("\r\r\n", 3, NO_LIMIT, YOTON_OK, 1, 1);
    expect("a\rb\nc\r\nd\r\n", 10, NO_LIMIT, YOTON_OK, 5, 1);
    expect("\0\r\n\0", 4, NO_LIMIT, YOTON_OK, 1, 1);
    expect("\r\xff\n", 3, NO_LIMIT, YOTON_OK, 3, 0); /* the end is one of bytes, before CS-6 */
}

/* CS-8, LIMIT-7: at the limit, and one above it. */
static void a_text_above_the_limit_is_refused(void **state) {
    (void)state;
    expect("abcd\r\n", 6, 4, YOTON_OK, 4, 1);
    expect("abcd", 4, 4, YOTON_OK, 4, 0);
    expect("abcde\r\n", 7, 4, YOTON_E_LENGTH, 0, 0);
    expect("abcde", 5, 4, YOTON_E_LENGTH, 0, 0);
    expect("abcd\r", 5, 4, YOTON_E_LENGTH, 0, 0);
    expect("abcd\r\r\n", 7, 4, YOTON_E_LENGTH, 0, 0);
    expect("abc\r\r\n", 6, 4, YOTON_OK, 4, 1);
    expect("\r\n", 2, 0, YOTON_OK, 0, 1);
    expect("\n", 1, 0, YOTON_E_LENGTH, 0, 0);
}

/* A text without end must not be gathered for long. */
static void the_limit_is_met_as_soon_as_can_be(void **state) {
    (void)state;
    yoton_text_scan scan = {.limit = 4};
    assert_int_equal(yoton_text_most(&scan), 6);
    assert_int_equal(yoton_text_more(&scan, "abcd", 4), YOTON_E_MORE);
    assert_int_equal(yoton_text_more(&scan, "abcde", 5), YOTON_E_LENGTH);
    scan = (yoton_text_scan){.limit = 4};
    assert_int_equal(yoton_text_more(&scan, "abcd\r", 5), YOTON_E_MORE);
    assert_int_equal(yoton_text_more(&scan, "abcd\rx", 6), YOTON_E_LENGTH);
    scan.limit = SIZE_MAX - 2;
    assert_true(yoton_text_most(&scan) == SIZE_MAX);
    scan.limit = SIZE_MAX;
    assert_true(yoton_text_most(&scan) == SIZE_MAX);
}

/* CS-1, CS-3 */
static void an_end_that_is_there_is_seen(void **state) {
    (void)state;
    assert_true(yoton_text_has_end("\r\n", 2));
    assert_true(yoton_text_has_end("a\r\n", 3));
    assert_false(yoton_text_has_end("", 0));
    assert_false(yoton_text_has_end(NULL, 0));
    assert_false(yoton_text_has_end("\n", 1));
    assert_false(yoton_text_has_end("\r\n ", 3));
    assert_false(yoton_text_has_end("\n\n", 2));
    assert_false(yoton_text_has_end("\r\r", 2));
}

/* CS-6; what is expected is what Python's bytes.decode('utf-8', 'ignore') gives. */
static void what_is_not_utf8_is_left_out(void **state) {
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"h\xc3\xa9llo \xf0\x9f\x98\x80", "h\xc3\xa9llo \xf0\x9f\x98\x80"},
        {"\xff", ""},
        {"a\xff\xfe\x62", "ab"},
        {"\xc3", ""},                                     /* cut short at the end */
        {"\xc3x", "x"},                                   /* cut short before a good one */
        {"\xe2\x82", ""},                                 /* two of three */
        {"\xe2\x82x\xe2\x82\xac", "x\xe2\x82\xac"},       /* what follows is not swallowed */
        {"\xe2\xc3\xa9", "\xc3\xa9"},                     /* a good one begins inside */
        {"\xf0\x9f\x98x", "x"},                           /* three of four */
        {"\xf0\x9f\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"}, /* two of four, then all four */
        {"\x80\xbf", ""},                                 /* nothing but rests */
        {"\xc0\xaf", ""},                                 /* overlong */
        {"\xe0\x80\xaf.", "."},
        {"\xf0\x80\x80\xaf", ""},
        {"\xed\xa0\x80\xed\xb0\x80z", "z"}, /* surrogates */
        {"\xf4\x90\x80\x80", ""},           /* above U+10FFFF */
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
        {"\xf8\x88\x80\x80\x80", ""},
        {"0123456789\xff"
         "0123456789\xff"
         "0123456789",
         "012345678901234567890123456789"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = strlen(cases[i].bytes);
        guard g = guard_new(size);
        char *text = (char *)guard_place(&g, cases[i].bytes, size);
        size = yoton_text_keep(text, size);
        assert_int_equal(size, strlen(cases[i].text));
        assert_memory_equal(text, cases[i].text, size);
        guard_free(&g);
    }
    char zeros[] = "\0\xff\0";
    assert_int_equal(yoton_text_keep(zeros, 3), 2);
    assert_memory_equal(zeros, "\0\0", 2);
    assert_int_equal(yoton_text_keep(NULL, 0), 0);
}

/* A text of nothing but wrong bytes costs no more than a good one: each byte is looked at once. */
static void a_million_wrong_bytes_are_left_out(void **state) {
    enum { SIZE = 1 << 20 };
    guard g = guard_new(SIZE);
    char *text = (char *)guard_room(&g, SIZE);
    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        text[i] = i % 2 == 0 ? (char)0xe2 : 'x';
    assert_int_equal(yoton_text_keep(text, SIZE), SIZE / 2);
    for (size_t i = 0; i < SIZE / 2; i++)
        assert_int_equal(text[i], 'x');
    guard_free(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_ends_at_its_first_crlf),
        cmocka_unit_test(a_text_above_the_limit_is_refused),
        cmocka_unit_test(the_limit_is_met_as_soon_as_can_be),
        cmocka_unit_test(an_end_that_is_there_is_seen),
        cmocka_unit_test(what_is_not_utf8_is_left_out),
        cmocka_unit_test(a_million_wrong_bytes_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
