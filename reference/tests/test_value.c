/* SPDX-License-Identifier: BSD-2-Clause */
/* Values as such: building, comparing and clearing them, and the memory they take. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "object_help.h"
#include "wire/value.h"

/* --- building --- */

/* What an empty dictionary has is nothing, whatever stood there before. */
static void test_no_entries(void **state) {
    (void)state;
    size_t one = 7, *entry = &one;
    yoton_value dict = {.type = YOTON_DICT};
    assert_int_equal(yoton_dict_entries(&dict, &entry), YOTON_OK);
    assert_null(entry);
}

static void test_append(void **state) {
    (void)state;
    yoton_value list = {.type = YOTON_LIST}, none = {0}, text = make_string("x");
    for (int64_t i = 0; i < 1000; i++)
        append(&list, make_integer(i));
    assert_int_equal(list.as.list.count, 1000);
    for (int64_t i = 0; i < 1000; i++)
        assert_int_equal(list.as.list.items[i].as.integer, i);
    yoton_value_clear(&list);
    assert_int_equal(yoton_value_append(&none, &text), YOTON_E_ARGUMENT);
    assert_int_equal(yoton_value_append(&text, &none), YOTON_E_ARGUMENT);
    assert_string_equal(text.as.string.bytes, "x");
    yoton_value_clear(&text);
}

/* What was decoded grows on from where decoding left it. */
static void test_append_to_decoded(void **state) {
    (void)state;
    for (size_t count = 0; count < 40; count++) {
        uint8_t bytes[42] = {'l', (uint8_t)count};
        yoton_value list;
        memset(bytes + 2, 'n', count);
        assert_int_equal(yoton_object_decode(&list, bytes, 2 + count, 0, NULL), YOTON_OK);
        for (int64_t i = 0; i < 30; i++)
            append(&list, make_integer(i));
        assert_int_equal(list.as.list.count, count + 30);
        for (size_t i = 0; i < count + 30; i++)
            assert_int_equal(list.as.list.items[i].type, i < count ? YOTON_NONE : YOTON_INT);
        yoton_value_clear(&list);
    }
}

static void test_string(void **state) {
    (void)state;
    yoton_value value;
    assert_int_equal(yoton_value_string(&value, "a\0b", 3), YOTON_OK);
    assert_int_equal(value.as.string.size, 3);
    assert_memory_equal(value.as.string.bytes, "a\0b", 4);
    yoton_value_clear(&value);
    assert_int_equal(yoton_value_string(&value, NULL, 0), YOTON_OK);
    assert_string_equal(value.as.string.bytes, "");
    yoton_value_clear(&value);
    value.type = YOTON_INT; /* whatever was there */
    assert_int_equal(yoton_value_string(&value, "a\xff", 2), YOTON_E_UTF8);
    assert_int_equal(value.type, YOTON_NONE);
}

/* --- equality and look-up --- */

static void check_equal(const char *a_hex, const char *b_hex, int expected) {
    yoton_value a = from_hex(a_hex), b = from_hex(b_hex);
    if (yoton_value_equal(&a, &b) != expected || yoton_value_equal(&b, &a) != expected)
        fail_msg("%s and %s: wanted %d", a_hex, b_hex, expected);
    yoton_value_clear(&a);
    yoton_value_clear(&b);
}

#define ONE "690100000000000000"
#define ONE_FLOAT "66000000000000f03f"
#define ZERO "690000000000000000"
#define NAN_FLOAT "66000000000000f87f"
/* 2^53 as a float, and 2^53 + 1 as an integer, which as a float would be 2^53 */
#define TWO_53_FLOAT "660000000000004043"
#define TWO_53 "690000000000002000"
#define TWO_53_1 "690100000000002000"
/* 2^63 as a float, and 2^63 - 1 as an integer */
#define TWO_63_FLOAT "66000000000000e043"
#define MAX_INT "69ffffffffffffff7f"
#define MIN_INT "690000000000000080"
#define MIN_FLOAT "66000000000000e0c3"

static void test_equal(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        int equal;
    } cases[] = {
        {"6e", "6e", 1},
        {"6e", "6200", 0},
        {"6201", "62ff", 1},
        {"6201", "6200", 0},
        {"6201", ONE, 1},
        {"6201", ONE_FLOAT, 1},
        {ONE, ONE_FLOAT, 1},
        {ZERO, "6200", 1},
        {ZERO, "660000000000000080", 1},
        {"660000000000000000", "660000000000000080", 1},
        {ONE, ZERO, 0},
        {ONE, "66000000000000f83f", 0},
        {"6401" ONE "6e", "6401 66000000000000f83f 6e", 0},
        {TWO_53, TWO_53_FLOAT, 1},
        {TWO_53_1, TWO_53_FLOAT, 0},
        {MAX_INT, TWO_63_FLOAT, 0},
        {MIN_INT, MIN_FLOAT, 1},
        {MIN_INT, TWO_63_FLOAT, 0},
        {"6402" MIN_INT "6e" TWO_63_FLOAT "6e", "6401" MIN_INT "6e", 0},
        {MIN_INT, "669c7500883ce4377e", 0}, /* 1e300 */
        {"6401" ONE "6e", "6402" ONE "6e" TWO_53 "6e", 0},
        {"6401" TWO_53 "6e", "6402" ONE "6e" TWO_53 "6e", 0},
        {NAN_FLOAT, NAN_FLOAT, 0},
        {NAN_FLOAT, ONE, 0},
        {"66000000000000f07f", "66000000000000f07f", 1},
        {"66000000000000f07f", "66000000000000f0ff", 0},
        {"7300", "7300", 1},
        {"7300", "6e", 0},
        {"730131", ONE, 0},
        {"73026162", "73026162", 1},
        {"73026162", "73026163", 0},
        {"73026162", "730161", 0},
        {"6c00", "6c00", 1},
        {"6c00", "7400", 0},
        {"6c00", "6400", 0},
        {"6c00", "6e", 0},
        {"6c01" ONE, "6c01" ONE_FLOAT, 1},
        {"6c02" ONE "6e", "6c02" ONE "6e", 1},
        {"6c02" ONE "6e", "6c01" ONE, 0},
        {"6c02 6c01 6e 6e", "6c02 6c01 6e 6e", 1},
        {"6c02 6c01 6e 6e", "6c02 6c01 6200 6e", 0},
        {"7401" NAN_FLOAT, "7401" NAN_FLOAT, 0},
        {"6402" ONE "6e 730161 6e", "6402 730161 6e 6201 6e", 1},
        {"6402" ONE "6e 730161 6e", "6402 730161 6e 6200 6e", 0},
        {"6402" ONE "6e 730161 6e", "6401" ONE "6e", 0},
        {"6402" ONE "6e" ONE_FLOAT "6201", "6401" ONE "6201", 1},
        {"6402" ONE "6e" ONE_FLOAT "6201", "6401" ONE "6e", 0},
        {"6401" ONE "6c016e", "6401" ONE "6c016200", 0},
        {"6401" ONE "6c016e", "6401" ONE "6c016e", 1},
        {"6401" NAN_FLOAT "6e", "6401" NAN_FLOAT "6e", 0},
        {"6401 7402 6e" ONE "6e", "6401 7402 6e 6201 6e", 1},
        {"6401 7402 6e" ONE "6e", "6401 7401 6e 6e", 0},
        {"6401 7402 6e 7400 6e", "6401 7401 7401 6e 6e", 0},
        {"6400", "6400", 1},
        {"6400", "64016e6e", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_equal(cases[i].a, cases[i].b, cases[i].equal);
}

static void test_dict_get(void **state) {
    (void)state;
    yoton_value dict = from_hex("6405" ONE "730161" ONE_FLOAT "730162 730131 730163" NAN_FLOAT
                                "730164 7402 7401 6e 6e 730165");
    const struct {
        yoton_value key;
        const char *found;
    } cases[] = {
        {make_integer(1), "b"},
        {make_number(1.0), "b"},
        {make_boolean(true), "b"},
        {make_boolean(false), NULL},
        {make_string("1"), "c"},
        {make_integer(2), NULL},
        {from_hex(NAN_FLOAT), NULL},
        {from_hex("7402 7401 6e 6e"), "e"},
        {from_hex("7402 7401 6200 6e"), NULL},
        {from_hex("6c02 6c01 6e 6e"), NULL},
        {{0}, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        yoton_value key = cases[i].key;
        const yoton_value *found = yoton_dict_get(&dict, &key);
        if (cases[i].found == NULL)
            assert_null(found);
        else
            assert_string_equal(found->as.string.bytes, cases[i].found);
        assert_null(yoton_dict_get(&key, &key));
        yoton_value_clear(&key);
    }
    yoton_value_clear(&dict);
}

/* Many entries, half of them shadowed, in an order that is not that of their keys. */
static void test_big_dict(void **state) {
    (void)state;
    enum { KEYS = 5000 };
    yoton_value dict = {.type = YOTON_DICT}, other = {.type = YOTON_DICT};
    for (int64_t i = 0; i < 2 * KEYS; i++) {
        append(&dict, make_integer(i * 7919 % KEYS));
        append(&dict, make_integer(i));
        if (i >= KEYS) {
            append(&other, make_number((double)((3 * KEYS - 1 - i) * 7919 % KEYS)));
            append(&other, make_integer(3 * KEYS - 1 - i));
        }
    }
    assert_int_equal(yoton_value_equal(&dict, &other), 1);
    char *literal;
    assert_int_equal(yoton_object_literal(&dict, &literal, NULL), YOTON_OK);
    size_t entries = 0;
    for (const char *c = literal; *c != '\0'; c++)
        entries += *c == ':';
    assert_int_equal(entries, KEYS);
    assert_memory_equal(literal, "{0: 5000, 2919: 5001, 838: 5002", 31);
    free(literal);
    yoton_value_clear(&dict);
    yoton_value_clear(&other);
}

/* --- memory --- */

static size_t check_memory(const uint8_t *bytes, size_t size, size_t depth) {
    yoton_value value;
    alloc_start(0);
    int result = yoton_object_decode(&value, bytes, size, depth, NULL);
    size_t peak = alloc_peak();
    if (peak > 64 * size)
        fail_msg("%zu bytes for %zu of input (%d), starting %02x %02x %02x", peak, size, result,
                 bytes[0], size > 1 ? bytes[1] : 0, size > 2 ? bytes[2] : 0);
    yoton_value_clear(&value);
    assert_int_equal(alloc_live(), 0);
    alloc_stop();
    return peak;
}

/* `count` times the bytes of `unit`, behind `head` and a long count. */
static size_t check_memory_of(char head, uint64_t claim, const char *unit, size_t count) {
    size_t unit_size = strlen(unit), size = 10 + unit_size * count;
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    bytes[0] = (uint8_t)head;
    bytes[1] = 255;
    for (int i = 0; i < 8; i++)
        bytes[2 + i] = (uint8_t)(claim >> 8 * i);
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + 10 + i * unit_size, unit, unit_size);
    size_t peak = check_memory(bytes, size, 0);
    free(bytes);
    return peak;
}

/* OBJ-14: at most 64 bytes for each byte of input, at any time, whatever the counts claim. */
static void test_memory(void **state) {
    (void)state;
    for (size_t count = 0; count < 600; count++) {
        check_memory_of('l', count, "n", count);
        check_memory_of('l', UINT64_MAX, "n", count);
        check_memory_of('d', UINT64_MAX, "n", count);
        check_memory_of('t', UINT64_MAX, "s\xff", count);
        check_memory_of('l', UINT64_MAX, "l\2n", count);
        check_memory_of('l', UINT64_MAX, "l\xffnnnnnnnn", count);
        check_memory_of('l', UINT64_MAX, "l\1t\1n", count);
        check_memory_of('s', UINT64_MAX, "n", count);
        check_memory_of('l', UINT64_MAX, "d\1nn", count);
    }
    for (size_t count = 60000; count < 70000; count += 499)
        assert_true(check_memory_of('l', count, "n", count) >= count * sizeof(yoton_value));
    static const char *const shapes[] = {"l", "t", "d", "ld", "ltttttt"};
    for (size_t levels = 1; levels < 3000; levels += levels / 8 + 1) {
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            size_t size;
            uint8_t *bytes = nested(shapes[i], levels, &size);
            check_memory(bytes, size, 3000);
            check_memory(bytes, size - 1, 3000);
            memset(bytes + 1, 2, 1); /* claims one more than there is */
            check_memory(bytes, size, 3000);
            free(bytes);
        }
    }
}

/* Clearing takes no memory at all: it works when there is none. */
static void test_clear_without_memory(void **state) {
    (void)state;
    size_t size;
    uint8_t *bytes = nested("ldt", 5000, &size);
    yoton_value value;
    assert_int_equal(yoton_object_decode(&value, bytes, size, 5000, NULL), YOTON_OK);
    alloc_start(1);
    yoton_value_clear(&value);
    assert_int_equal(alloc_calls(), 0);
    alloc_stop();
    free(bytes);
}

typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

/* Everything that can be done with an object; each step may be the one that finds no memory. */
static void do_everything(void *context, int failing) {
    const bytes *b = context;
    yoton_value value, other, copy;
    char *literal = (char *)"stays";
    size_t used, size;
    bool failed = false;
    int result = yoton_object_decode(&value, b->data, b->size, 0, &used);
    if (result != YOTON_OK) {
        assert_int_equal(value.type, YOTON_NONE);
        assert_int_equal(result, YOTON_E_NOMEM);
        assert_true(failing);
        return;
    }
    result = yoton_object_decode(&other, b->data, b->size, 0, &used);
    failed |= result == YOTON_E_NOMEM;
    if (result == YOTON_OK) {
        result = yoton_value_equal(&value, &other);
        failed |= result == YOTON_E_NOMEM;
        assert_true(result == YOTON_E_NOMEM || result == 1);
        yoton_dict_get(&value, &other);
    }
    yoton_value_clear(&other);
    result = yoton_object_literal(&value, &literal, &size);
    failed |= result == YOTON_E_NOMEM;
    assert_true(result == YOTON_OK ? strlen(literal) == size : literal == NULL);
    free(literal);
    result = yoton_object_size(&value, 0, &size);
    failed |= result == YOTON_E_NOMEM;
    result = yoton_value_string(&copy, "text", 4);
    failed |= result == YOTON_E_NOMEM;
    if (yoton_value_append(&value, &copy) == YOTON_E_NOMEM) {
        assert_string_equal(copy.as.string.bytes, "text"); /* it stays the caller's */
        failed = true;
    }
    yoton_value_clear(&copy);
    yoton_value_clear(&value);
    assert_int_equal(failed, failing);
}

/* Each allocation fails in turn: the error is told, nothing leaks, nothing is freed twice. */
static void test_every_allocation_fails(void **state) {
    (void)state;
    static const char *const objects[] = {
        "6c03 730161 6402 730161 730162 7401 730163 7402 6e 6c00 6c036e6e6e",
        "6404 730161 6e 7402 7401 6201 6201 6c03 6e6e6e 730161 6401 6e 730164 " ONE "7300",
    };
    for (size_t i = 0; i < 2; i++) {
        bytes b;
        b.data = unhex(objects[i], &b.size);
        assert_true(alloc_fail_each(do_everything, &b) > 20);
        free(b.data);
    }
    uint8_t pairs[2 + 40 * 4] = {'d', 40}; /* more than a comparison has room for of itself */
    for (uint8_t i = 0; i < 40; i++)
        memcpy(pairs + 2 + 4 * i, (uint8_t[]){'s', 1, i, 'n'}, 4);
    uint8_t dicts[20 * 4 + 1]; /* and one deeper than a literal has room for of itself */
    for (size_t i = 0; i < 20; i++)
        memcpy(dicts + 4 * i, (uint8_t[]){'d', 1, 'b', 1}, 4);
    dicts[sizeof dicts - 1] = 'n';
    bytes nest = {dicts, sizeof dicts};
    assert_true(alloc_fail_each(do_everything, &nest) > 20);
    for (uint8_t size = 0; size < 100; size++) { /* the blank before a dictionary finds no room */
        uint8_t list[4 + 100 + 2] = {'l', 2, 's', size};
        memset(list + 4, 'x', size);
        memcpy(list + 4 + size, "d\0", 2);
        bytes before = {list, 4u + size + 2};
        assert_true(alloc_fail_each(do_everything, &before) > 4);
    }
    bytes wide = {pairs, sizeof pairs};
    assert_true(alloc_fail_each(do_everything, &wide) > 40);
    bytes deep;
    deep.data = nested("tl", 100, &deep.size);
    assert_true(alloc_fail_each(do_everything, &deep) > 200);
    free(deep.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_entries),
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_append_to_decoded),
        cmocka_unit_test(test_string),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_dict_get),
        cmocka_unit_test(test_big_dict),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_clear_without_memory),
        cmocka_unit_test(test_every_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
