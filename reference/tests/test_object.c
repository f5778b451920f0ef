/* SPDX-License-Identifier: BSD-2-Clause */
#include "support.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "object_help.h"

/* --- what is good --- */

typedef struct good_case {
    const char *hex;
    const char *literal;
    const char *again; /* as it is encoded, NULL for the same */
} good_case;

static const good_case good[] = {
    {"", "None", "6e"},
    {"6e", "None", NULL},
    {"6200", "False", NULL},
    {"6201", "True", NULL},
    {"6202", "True", "6201"},
    {"62ff", "True", "6201"},
    {"690000000000000000", "0", NULL},
    {"690102030405060708", "578437695752307201", NULL},
    {"69ffffffffffffffff", "-1", NULL},
    {"69ffffffffffffff7f", "9223372036854775807", NULL},
    {"690000000000000080", "-9223372036854775808", NULL},
    {"660000000000000000", "0.0", NULL},
    {"660000000000000080", "-0.0", NULL},
    {"66000000000000f83f", "1.5", NULL},
    {"66000000000000f03f", "1.0", NULL},
    {"669a9999999999b93f", "0.1", NULL},
    {"66333333333333d33f", "0.3", NULL},
    {"66343333333333d33f", "0.30000000000000004", NULL},
    {"660000000000000440", "2.5", NULL},
    {"6603098a1f2a270041", "132325.2654", NULL},
    {"660000f79977ee2a43", "3790273423048704.0", NULL},
    {"6680809e02b7a50c43", "1007938098679824.0", NULL},
    {"66ff7fe03779c34143", "9999999999999998.0", NULL},
    {"660080e03779c34143", "1e+16", NULL},
    {"66355800662deb417e", "1.5e+300", NULL},
    {"6654e41071732aa93e", "7.5e-07", NULL},
    {"6692d54d06cff08044", "1e+22", NULL},
    {"66f64ae1c7022db544", "1e+23", NULL},
    {"660030127f516c4a43", "1.4874893349052416e+16", NULL},
    {"66ffffffffffffef7f", "1.7976931348623157e+308", NULL},
    {"660000000000001000", "2.2250738585072014e-308", NULL},
    {"660100000000000000", "5e-324", NULL},
    {"66ffffffffffff0f00", "2.225073858507201e-308", NULL},
    {"662d431cebe2361a3f", "0.0001", NULL},
    {"66f168e388b5f8e43e", "1e-05", NULL},
    {"66000000000000f07f", "1e999", NULL},
    {"66000000000000f0ff", "-1e999", NULL},
    {"66000000000000f87f", "nan", NULL},
    {"66010000000000f0ff", "nan", NULL},
    {"7300", "''", NULL},
    {"73036162 63", "'abc'", NULL},
    {"730127", "\"'\"", NULL},
    {"730122", "'\"'", NULL},
    {"73022722", "'\\'\"'", NULL},
    {"73015c", "'\\\\'", NULL},
    {"730700090a0d1f7f20", "'\\x00\\t\\n\\r\\x1f\\x7f '", NULL},
    {"7304c280c2a0", "'\\x80\\xa0'", NULL},
    {"7304c2ad c3a9", "'\\xadé'", NULL},
    {"7306e280a8 efbfbf", "'\\u2028\\uffff'", NULL},
    {"7304f09f9880", "'😀'", NULL},
    {"7308f3a08081f48fbfbf", "'\\U000e0001\\U0010ffff'", NULL},
    {"730cc3bf efbfbd ee8080 f0908080", "'ÿ�\\ue000𐀀'", NULL},
    {"73ff0300000000000000616263", "'abc'", "7303616263"},
    {"6c00", "[]", NULL},
    {"6cff0000000000000000", "[]", "6c00"},
    {"6c016e", "[None]", NULL},
    {"6c036e62016900000000000000 00", "[None, True, 0]", NULL},
    {"7400", "()", NULL},
    {"74016e", "(None,)", NULL},
    {"74026e6e", "(None, None)", NULL},
    {"7401 7400", "((),)", NULL},
    {"6400", "{}", NULL},
    {"6401 6e 6e", "{None: None}", NULL},
    {"6402 730161 6200 6e 6c00", "{'a': False, None: []}", NULL},
    {"6401 7402 6e 7401 6e 6401 6e 6e", "{(None, (None,)): {None: None}}", NULL},
    {"6402 690100000000000000 730161 66000000000000f03f 730162", "{1: 'b'}", NULL},
    {"6403 6201 730161 690100000000000000 730162 6e 6e", "{True: 'b', None: None}", NULL},
    {"6403 6e 6200 6201 6e 6e 6201", "{None: True, True: None}", NULL},
    {"6402 660000000000000080 6e 6200 6201", "{-0.0: True}", NULL},
    {"6402 66000000000000f87f 6e 66000000000000f87f 6201", "{nan: None, nan: True}", NULL},
    {"6402 7401 6201 6e 7401 66000000000000f03f 6200", "{(True,): False}", NULL},
    {"6402 7400 6e 7401 7400 6e", "{(): None, ((),): None}", NULL},
    {"6402 690100000000000000 6e 66000000000000f83f 6201", "{1: None, 1.5: True}", NULL},
    {"6402 7300 6e 6200 6e", "{'': None, False: None}", NULL},
    {"6cff0200000000000000 6e 6e", "[None, None]", "6c026e6e"},
    {"64ff0100000000000000 6e 6e", "{None: None}", "64016e6e"},
    {"7403 7303616464 7402 690300000000000000 6201 6400", "('add', (3, True), {})", NULL},
};

enum { GOOD = sizeof good / sizeof good[0] };

static void check_literal(const yoton_value *value, const char *expected) {
    char *literal;
    size_t size;
    assert_int_equal(yoton_object_literal(value, &literal, &size), YOTON_OK);
    assert_string_equal(literal, expected);
    assert_int_equal(size, strlen(expected));
    free(literal);
}

static void check_encoding(const yoton_value *value, const uint8_t *bytes, size_t size) {
    guard g = guard_new(size);
    size_t measured = 99, room;
    assert_int_equal(yoton_object_size(value, 0, &measured), YOTON_OK);
    assert_int_equal(measured, size);
    for (room = 0; room < size; room++) {
        size_t written = room;
        uint8_t *out = guard_room(&g, room);
        assert_int_equal(yoton_object_encode(value, 0, out, &written), YOTON_E_SPACE);
    }
    uint8_t *out = guard_room(&g, size);
    assert_int_equal(yoton_object_encode(value, 0, out, &room), YOTON_OK);
    assert_int_equal(room, size);
    assert_memory_equal(out, bytes, size);
    guard_free(&g);
}

static void test_good(void **state) {
    (void)state;
    for (size_t i = 0; i < GOOD; i++) {
        size_t size, used = 999, again_size;
        uint8_t *bytes = unhex(good[i].hex, &size);
        uint8_t *again = unhex(good[i].again ? good[i].again : good[i].hex, &again_size);
        guard g = guard_new(size);
        yoton_value value;
        const uint8_t *at = guard_place(&g, bytes, size);
        assert_int_equal(yoton_object_decode(&value, at, size, 0, &used), YOTON_OK);
        assert_int_equal(used, size);
        check_literal(&value, good[i].literal);
        check_encoding(&value, again, again_size);
        yoton_value_clear(&value);
        assert_int_equal(value.type, YOTON_NONE);
        guard_free(&g);
        free(bytes);
        free(again);
    }
}

/* Bytes behind the object are ignored, whatever they are. OBJ-10 */
static void test_bytes_behind(void **state) {
    (void)state;
    uint64_t seed = 4;
    for (size_t i = 1; i < GOOD; i++) {
        size_t size, used = 999;
        uint8_t bytes[256], *object = unhex(good[i].hex, &size);
        yoton_value value;
        for (size_t j = 0; j < sizeof bytes; j++)
            bytes[j] = (uint8_t)random_next(&seed);
        memcpy(bytes, object, size);
        free(object);
        assert_int_equal(yoton_object_decode(&value, bytes, sizeof bytes, 0, &used), YOTON_OK);
        assert_int_equal(used, size);
        check_literal(&value, good[i].literal);
        yoton_value_clear(&value);
    }
}

static void check_error(const uint8_t *bytes, size_t size, size_t depth, int result, size_t at) {
    guard g = guard_new(size);
    yoton_value value = {.type = YOTON_STRING};
    size_t used = 999;
    const uint8_t *placed = guard_place(&g, bytes, size);
    int got = yoton_object_decode(&value, placed, size, depth, &used);
    if (got != result || used != at)
        fail_msg("%d at %zu, wanted %d at %zu (byte 0 is %02x, %zu bytes)", got, used, result, at,
                 bytes[0], size);
    assert_int_equal(value.type, YOTON_NONE);
    guard_free(&g);
}

/* Cut anywhere, an object ends too early. */
static void test_every_prefix(void **state) {
    (void)state;
    for (size_t i = 0; i < GOOD; i++) {
        size_t size;
        uint8_t *bytes = unhex(good[i].hex, &size);
        for (size_t part = 1; part < size; part++)
            check_error(bytes, part, 0, YOTON_E_LENGTH, part);
        free(bytes);
    }
}

/* --- what is malformed --- */

static const struct {
    const char *hex;
    int result;
    size_t at;
} malformed[] = {
    {"00", YOTON_E_TYPE, 0},
    {"ff", YOTON_E_TYPE, 0},
    {"4e", YOTON_E_TYPE, 0},
    {"6c026e78", YOTON_E_TYPE, 3},
    {"64016e78", YOTON_E_TYPE, 3},
    {"640178", YOTON_E_TYPE, 2},
    {"6c0361", YOTON_E_TYPE, 2},
    {"73ffffffffffffffffff", YOTON_E_LENGTH, 10},
    {"6cffffffffffffffffff", YOTON_E_LENGTH, 10},
    {"74ffffffffffffffffff6e", YOTON_E_LENGTH, 11},
    {"64ffffffffffffffffff6e", YOTON_E_LENGTH, 11},
    {"64ffffffffffffffffff6e6e6e", YOTON_E_LENGTH, 13},
    {"64ff0000000000000080 6e6e 6c00", YOTON_E_KEY, 12},
    {"64ff0100000000000080 6e6e 7401 6c", YOTON_E_KEY, 14},
    {"73ff0000000000000080", YOTON_E_LENGTH, 10},
    {"7305616263", YOTON_E_LENGTH, 5},
    {"7305ff", YOTON_E_LENGTH, 3},
    {"7301ff", YOTON_E_UTF8, 2},
    {"730180", YOTON_E_UTF8, 2},
    {"7303 61 c3 28", YOTON_E_UTF8, 3},
    {"7302 61 c3", YOTON_E_UTF8, 3},
    {"7302 c0 af", YOTON_E_UTF8, 2},
    {"7302 c1 bf", YOTON_E_UTF8, 2},
    {"7303 e0 9f bf", YOTON_E_UTF8, 2},
    {"7303 ed a0 80", YOTON_E_UTF8, 2},
    {"7303 ed bf bf", YOTON_E_UTF8, 2},
    {"7303 e2 82 28", YOTON_E_UTF8, 2},
    {"7304 f0 8f bf bf", YOTON_E_UTF8, 2},
    {"7304 f4 90 80 80", YOTON_E_UTF8, 2},
    {"7304 f5 80 80 80", YOTON_E_UTF8, 2},
    {"7304 f0 9f 98 28", YOTON_E_UTF8, 2},
    {"7306 c3a9 c3a9 61 80", YOTON_E_UTF8, 7},
    {"730c 616161616161616161616180", YOTON_E_UTF8, 13},
    {"6c02 7300 7301fe", YOTON_E_UTF8, 6},
    {"6401 6c00 6e", YOTON_E_KEY, 2},
    {"6401 6400 6e", YOTON_E_KEY, 2},
    {"6401 6c", YOTON_E_KEY, 2},
    {"6401 7402 6e 6c00 6e", YOTON_E_KEY, 5},
    {"6401 7401 7401 7401 6400 6e", YOTON_E_KEY, 8},
    {"6402 6e 6c00 7401 6c00", YOTON_E_KEY, 7},
    {"6c01 6402 6e 6401 6e 6e 6c", YOTON_E_KEY, 9},
    {"6401 7401 78", YOTON_E_TYPE, 4},
    {"6401 7402 6e", YOTON_E_LENGTH, 5},
};

static void test_malformed(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        size_t size;
        uint8_t *bytes = unhex(malformed[i].hex, &size);
        check_error(bytes, size, 0, malformed[i].result, malformed[i].at);
        free(bytes);
    }
}

/* Of the 256 type bytes eight are known; a lone one is None, an early end, or unknown. */
static void test_every_type_byte(void **state) {
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t bytes[1] = {(uint8_t)byte};
        if (byte == 'n')
            continue;
        int known = byte != 0 && strchr("bifsltd", (int)byte) != NULL;
        check_error(bytes, 1, 0, known ? YOTON_E_LENGTH : YOTON_E_TYPE, known ? 1 : 0);
    }
}

/* --- counts --- */

/* Lists, tuples, dicts and strings at the border of the two forms of a count. */
static void test_count_forms(void **state) {
    (void)state;
    static const size_t counts[] = {0, 1, 253, 254, 255, 256, 257, 65535, 65536};
    static const char types[] = "lts";
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (size_t t = 0; t < 3; t++) {
            size_t count = counts[i], head = count < 255 ? 2 : 10, used;
            uint8_t *bytes = malloc(head + count);
            yoton_value value;
            assert_non_null(bytes);
            bytes[0] = (uint8_t)types[t];
            bytes[1] = (uint8_t)count;
            if (count >= 255)
                memcpy(bytes + 1,
                       (uint8_t[]){255, (uint8_t)count, (uint8_t)(count >> 8),
                                   (uint8_t)(count >> 16), 0, 0, 0, 0, 0},
                       9);
            memset(bytes + head, 'n', count);
            assert_int_equal(yoton_object_decode(&value, bytes, head + count, 0, &used), YOTON_OK);
            assert_int_equal(used, head + count);
            assert_int_equal(types[t] == 's' ? value.as.string.size : value.as.list.count, count);
            size_t room = head + count;
            uint8_t *out = malloc(room);
            assert_non_null(out);
            assert_int_equal(yoton_object_encode(&value, 0, out, &room), YOTON_OK);
            assert_int_equal(room, head + count);
            assert_memory_equal(out, bytes, room);
            yoton_value_clear(&value);
            free(bytes);
            free(out);
        }
    }
}

/* --- what cannot be encoded --- */

static void check_not_encoded(const yoton_value *value, size_t depth, int result) {
    uint8_t out[64];
    size_t size = sizeof out, measured;
    assert_int_equal(yoton_object_encode(value, depth, out, &size), result);
    assert_int_equal(yoton_object_size(value, depth, &measured), result);
}

static void test_not_encodable(void **state) {
    (void)state;
    yoton_value dict = {.type = YOTON_DICT}, tuple = {.type = YOTON_TUPLE};
    append(&dict, (yoton_value){.type = YOTON_LIST});
    check_not_encoded(&dict, 0, YOTON_E_ARGUMENT);
    append(&dict, make_integer(1));
    check_not_encoded(&dict, 0, YOTON_E_KEY);
    yoton_value_clear(&dict);
    dict.type = YOTON_DICT;
    append(&tuple, (yoton_value){.type = YOTON_DICT});
    append(&dict, tuple);
    append(&dict, make_integer(1));
    check_not_encoded(&dict, 0, YOTON_E_KEY);
    yoton_value_clear(&dict);
    yoton_value text = make_string("ab");
    text.as.string.bytes[1] = (char)0xff;
    check_not_encoded(&text, 0, YOTON_E_UTF8);
    yoton_value_clear(&text);
    yoton_value strange = {.type = (yoton_type)(YOTON_DICT + 1)};
    check_not_encoded(&strange, 0, YOTON_E_TYPE);
    yoton_value list = {.type = YOTON_LIST};
    append(&list, make_integer(1));
    append(&list, strange);
    check_not_encoded(&list, 0, YOTON_E_TYPE);
    char *literal = (char *)"stays";
    assert_int_equal(yoton_object_literal(&list, &literal, NULL), YOTON_E_TYPE);
    assert_null(literal);
    yoton_value_clear(&list);
}

/* --- depth --- */

static void check_depth(const char *shape, size_t limit) {
    size_t size, used, real = limit ? limit : YOTON_DEPTH_DEFAULT;
    yoton_value value;
    uint8_t *bytes = nested(shape, real, &size);
    assert_int_equal(yoton_object_decode(&value, bytes, size, limit, &used), YOTON_OK);
    assert_int_equal(used, size);
    size_t room = size;
    uint8_t *out = malloc(size + 1);
    assert_non_null(out);
    assert_int_equal(yoton_object_encode(&value, limit, out, &room), YOTON_OK);
    assert_int_equal(room, size);
    assert_memory_equal(out, bytes, size);
    if (real > 1)
        check_not_encoded(&value, real - 1, YOTON_E_DEPTH);
    yoton_value_clear(&value);
    free(bytes);
    free(out);
    bytes = nested(shape, real + 1, &size);
    size_t last = size - (shape[real % strlen(shape)] == 'd' ? 4 : 3);
    check_error(bytes, size, limit, YOTON_E_DEPTH, last);
    check_error(bytes, last + 1, limit, YOTON_E_DEPTH, last);
    check_error(bytes, last, limit, YOTON_E_LENGTH, last);
    bytes[last + 1] = 0; /* an empty one is as deep */
    check_error(bytes, size, limit, YOTON_E_DEPTH, last);
    free(bytes);
}

static void test_depth(void **state) {
    (void)state;
    static const size_t limits[] = {0, 1, 2, 15, 16, 17, 100, 1000, 1001, 5000};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        check_depth("l", limits[i]);
        check_depth("t", limits[i]);
        check_depth("d", limits[i]);
        check_depth("ldt", limits[i]);
    }
    check_error((const uint8_t *)"d\1t\1l\1n", 7, 2, YOTON_E_KEY, 4); /* both deep and no key */
    check_error((const uint8_t *)"d\1t\1t\1n", 7, 2, YOTON_E_DEPTH, 4);
}

enum { VERY_DEEP = 200000 };

static void *go_very_deep(void *unused) {
    (void)unused;
    size_t size, room;
    char *literal;
    yoton_value a, b, key = {0}, dict = {.type = YOTON_DICT};
    uint8_t *bytes = nested("t", VERY_DEEP, &size);
    assert_int_equal(yoton_object_decode(&a, bytes, size, VERY_DEEP, NULL), YOTON_OK);
    assert_int_equal(yoton_object_decode(&b, bytes, size, VERY_DEEP, NULL), YOTON_OK);
    assert_int_equal(yoton_value_equal(&a, &b), 1);
    room = size;
    assert_int_equal(yoton_object_encode(&a, VERY_DEEP, bytes, &room), YOTON_OK);
    assert_int_equal(room, size);
    assert_int_equal(yoton_object_literal(&a, &literal, &room), YOTON_OK);
    assert_int_equal(room, VERY_DEEP * 3 + 4); /* ( and ,) of each, and None */
    free(literal);
    append(&dict, a);
    append(&dict, key);
    assert_non_null(yoton_dict_get(&dict, &b));
    assert_int_equal(yoton_object_literal(&dict, &literal, &room), YOTON_OK);
    free(literal);
    yoton_value_clear(&b);
    yoton_value_clear(&dict);
    free(bytes);
    return "done";
}

/* OBJ-13: none of it recurses; 200000 containers pass on a stack of 128 KiB. */
static void test_small_stack(void **state) {
    (void)state;
    pthread_attr_t attributes;
    pthread_t thread;
    void *result = NULL;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 128 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attributes, go_very_deep, NULL), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_string_equal(result, "done");
    pthread_attr_destroy(&attributes);
}

/* --- chance --- */

/* Any bytes at all: no crash, errors inside the input, and what is good encodes and reads back. */
static void test_random_bytes(void **state) {
    (void)state;
    static const char likely[] = "nbifsltd\0\1\2\3\xff";
    uint64_t seed = 5;
    size_t accepted = 0;
    guard g = guard_new(64);
    for (int round = 0; round < 100000; round++) {
        uint8_t bytes[48], again[512];
        size_t size = random_next(&seed) % sizeof bytes, used, room = sizeof again;
        yoton_value value, back;
        for (size_t i = 0; i < size; i++)
            bytes[i] = random_next(&seed) % 8 == 0
                           ? (uint8_t)random_next(&seed)
                           : (uint8_t)likely[random_next(&seed) % (sizeof likely - 1)];
        const uint8_t *at = guard_place(&g, bytes, size);
        int result = yoton_object_decode(&value, at, size, 0, &used);
        assert_true(used <= size);
        if (result != YOTON_OK)
            continue;
        accepted++;
        assert_int_equal(yoton_object_encode(&value, 0, again, &room), YOTON_OK);
        assert_int_equal(yoton_object_decode(&back, again, room, 0, &used), YOTON_OK);
        assert_int_equal(used, room);
        char *one, *two;
        assert_int_equal(yoton_object_literal(&value, &one, NULL), YOTON_OK);
        assert_int_equal(yoton_object_literal(&back, &two, NULL), YOTON_OK);
        assert_string_equal(one, two);
        free(one);
        free(two);
        yoton_value_clear(&value);
        yoton_value_clear(&back);
    }
    assert_true(accepted > 1000);
    guard_free(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bytes_behind),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_every_type_byte),
        cmocka_unit_test(test_count_forms),
        cmocka_unit_test(test_not_encodable),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_small_stack),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
