/* SPDX-License-Identifier: BSD-2-Clause */
/* Python literals as values, against what yoton_object_literal writes of them. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

#include "literal_read.h"
#include "object_help.h"

static void check_reads(const char *text, size_t size, const char *literal) {
    yoton_value value;
    literal_problem problem = {0};
    char *written;
    char *exact = malloc(size > 0 ? size : 1); /* a read behind the end is noticed */
    assert_non_null(exact);
    memcpy(exact, text, size);
    int error = literal_read(exact, size, &value, &problem);
    if (error != YOTON_OK)
        fail_msg("%s: offset %zu: %s", text, problem.at, problem.why);
    assert_int_equal(yoton_object_literal(&value, &written, NULL), YOTON_OK);
    assert_string_equal(written, literal);
    yoton_value_clear(&value);
    free(written);
    free(exact);
}

static void test_good(void **state) {
    (void)state;
    static const char *const good[][2] = {
        /* what is read, what is written of it (NULL: the same) */
        {"None", NULL},
        {"True", NULL},
        {" False\n", "False"},
        {"0", NULL},
        {"00", "0"},
        {"-0", "0"},
        {"+7", "7"},
        {"-12", NULL},
        {"1_000_000", "1000000"},
        {"0x1F", "31"},
        {"-0xff", "-255"},
        {"0x_f_f", "255"},
        {"0o17", "15"},
        {"0b101", "5"},
        {"9223372036854775807", NULL},
        {"-9223372036854775808", NULL},
        {"-0x8000000000000000", "-9223372036854775808"},
        {"1.5", NULL},
        {"1.", "1.0"},
        {".5", "0.5"},
        {"-.5", "-0.5"},
        {"-0.0", NULL},
        {"01.5", "1.5"},
        {"1e3", "1000.0"},
        {"1E-3", "0.001"},
        {"1.e+2", "100.0"},
        {"1_0.2_5e1_0", "102500000000.0"},
        {"1e999", NULL},
        {"-1e999", NULL},
        {"nan", NULL},
        {"-nan", "nan"},
        {"2.2250738585072014e-308", NULL},
        {"''", NULL},
        {"\"\"", "''"},
        {"'it\\'s'", "\"it's\""},
        {"\"say \\\"it\\\"\"", "'say \"it\"'"},
        {"'\\a\\b\\f\\n\\r\\t\\v\\0\\\\'", "'\\x07\\x08\\x0c\\n\\r\\t\\x0b\\x00\\\\'"},
        {"'\\xe9\\u20ac\\U0001F600\\x41'", "'\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x41'"},
        {"'\\x7f\\x80\\u07ff\\u0800\\uffff\\U00010000\\U0010ffff'",
         "'\\x7f\\x80\xdf\xbf\xe0\xa0\x80\\uffff\xf0\x90\x80\x80\\U0010ffff'"},
        {"'\tw\xc3\xb6rld'", "'\\tw\xc3\xb6rld'"},
        {"[]", NULL},
        {"[1,2 , 3,]", "[1, 2, 3]"},
        {"[\n 1,\r\n\t2\f]", "[1, 2]"},
        {"()", NULL},
        {"(1)", "1"},
        {"((('a')))", "'a'"},
        {"(1,)", NULL},
        {"(1, 2)", NULL},
        {"{}", NULL},
        {"{'a':1,}", "{'a': 1}"},
        {"{(1, 'x'): [{}], None: (), 1.5: True, 'k': {'k': 0}}", NULL},
        {"{1: 'a', True: 'b'}", "{1: 'b'}"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        check_reads(good[i][0], strlen(good[i][0]), good[i][1] ? good[i][1] : good[i][0]);
    check_reads("'a\0b'", 5, "'a\\x00b'");
}

typedef struct bad_case {
    const char *text;
    int error;
    size_t at;
    const char *why;
} bad_case;

static const bad_case bad[] = {
    {"", YOTON_E_ARGUMENT, 0, "a value is missing"},
    {"  ", YOTON_E_ARGUMENT, 2, "a value is missing"},
    {"hello", YOTON_E_ARGUMENT, 0, "neither a number"},
    {"none", YOTON_E_ARGUMENT, 0, "not a number"},
    {"Nonesuch", YOTON_E_ARGUMENT, 0, "neither a number"},
    {"True1", YOTON_E_ARGUMENT, 0, "neither a number"},
    {"nano", YOTON_E_ARGUMENT, 0, "not a number"},
    {"None None", YOTON_E_ARGUMENT, 5, "something follows the value"},
    {"1 2", YOTON_E_ARGUMENT, 2, "something follows the value"},
    {"1, 2", YOTON_E_ARGUMENT, 1, "something follows the value"},
    {"01", YOTON_E_ARGUMENT, 0, "an integer starts with 0"},
    {"1a", YOTON_E_ARGUMENT, 1, "something follows the number"},
    {"0x", YOTON_E_ARGUMENT, 2, "a number has no digits"},
    {"0b2", YOTON_E_ARGUMENT, 2, "a number has no digits"},
    {"0o18", YOTON_E_ARGUMENT, 3, "something follows the number"},
    {"1__0", YOTON_E_ARGUMENT, 2, "not a number"},
    {"1_", YOTON_E_ARGUMENT, 2, "not a number"},
    {"_1", YOTON_E_ARGUMENT, 0, "neither a number"},
    {"-", YOTON_E_ARGUMENT, 1, "not a number"},
    {"--1", YOTON_E_ARGUMENT, 1, "not a number"},
    {"- 1", YOTON_E_ARGUMENT, 1, "not a number"},
    {".", YOTON_E_ARGUMENT, 1, "not a number"},
    {"1e", YOTON_E_ARGUMENT, 2, "not a number"},
    {"1e+", YOTON_E_ARGUMENT, 3, "not a number"},
    {"1._5", YOTON_E_ARGUMENT, 2, "something follows the number"},
    {"inf", YOTON_E_ARGUMENT, 0, "neither a number"},
    {"1.2.3", YOTON_E_ARGUMENT, 3, "something follows the value"},
    {"9223372036854775808", YOTON_E_TYPE, 0, "64 bits"},
    {"[-9223372036854775809]", YOTON_E_TYPE, 1, "64 bits"},
    {"99999999999999999999999", YOTON_E_TYPE, 0, "64 bits"},
    {"2j", YOTON_E_TYPE, 0, "no complex numbers"},
    {"b'x'", YOTON_E_TYPE, 0, "no bytes"},
    {"'abc", YOTON_E_ARGUMENT, 4, "the string has no end"},
    {"'abc\\", YOTON_E_ARGUMENT, 5, "unknown escape"},
    {"'a\nb'", YOTON_E_ARGUMENT, 3, "a line ends inside a string"},
    {"'\\d'", YOTON_E_ARGUMENT, 2, "unknown escape"},
    {"'\\07'", YOTON_E_ARGUMENT, 3, "not in octal"},
    {"'\\x4'", YOTON_E_ARGUMENT, 4, "more hexadecimal digits"},
    {"'\\u12'", YOTON_E_ARGUMENT, 5, "more hexadecimal digits"},
    {"'\\ud800'", YOTON_E_ARGUMENT, 7, "no character"},
    {"'\\U00110000'", YOTON_E_ARGUMENT, 11, "no character"},
    {"'a' 'b'", YOTON_E_ARGUMENT, 4, "something follows the value"},
    {"'''a'''", YOTON_E_ARGUMENT, 2, "a string follows the string"},
    {"'a\xff'", YOTON_E_UTF8, 0, "UTF-8"},
    {"[", YOTON_E_ARGUMENT, 1, "a value is missing"},
    {"[1 2]", YOTON_E_ARGUMENT, 3, "a comma or the end"},
    {"[1", YOTON_E_ARGUMENT, 2, "a comma or the end"},
    {"[,]", YOTON_E_ARGUMENT, 1, "neither a number"},
    {"[1,,2]", YOTON_E_ARGUMENT, 3, "neither a number"},
    {"[1)", YOTON_E_ARGUMENT, 2, "a comma or the end"},
    {"(,)", YOTON_E_ARGUMENT, 1, "neither a number"},
    {"{1}", YOTON_E_TYPE, 1, "no sets"},
    {"{1, 2}", YOTON_E_TYPE, 1, "no sets"},
    {"{1: 2, 3}", YOTON_E_ARGUMENT, 8, "a key wants"},
    {"{1:}", YOTON_E_ARGUMENT, 3, "neither a number"},
    {"{[]: 1}", YOTON_E_KEY, 1, "key"},
    {"{1: 2, (3, {}): 1}", YOTON_E_KEY, 7, "key"},
};

static void test_bad(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        yoton_value value;
        literal_problem problem = {0};
        size_t size = strlen(bad[i].text);
        char *exact = malloc(size > 0 ? size : 1);
        assert_non_null(exact);
        memcpy(exact, bad[i].text, size);
        int error = literal_read(exact, size, &value, &problem);
        free(exact);
        assert_int_equal(value.type, YOTON_NONE);
        if (error != bad[i].error || problem.at != bad[i].at || problem.why == NULL ||
            strstr(problem.why, bad[i].why) == NULL)
            fail_msg("\"%s\": error %d at %zu: %s", bad[i].text, error, problem.at,
                     problem.why != NULL ? problem.why : "(no reason)");
    }
}

static void test_depth(void **state) {
    (void)state;
    char text[2 * YOTON_DEPTH_DEFAULT + 3];
    yoton_value value;
    literal_problem problem;
    memset(text, '[', YOTON_DEPTH_DEFAULT);
    memset(text + YOTON_DEPTH_DEFAULT, ']', YOTON_DEPTH_DEFAULT);
    assert_int_equal(literal_read(text, 2 * YOTON_DEPTH_DEFAULT, &value, &problem), YOTON_OK);
    yoton_value_clear(&value);
    memset(text, '[', YOTON_DEPTH_DEFAULT + 1);
    assert_int_equal(literal_read(text, sizeof text, &value, &problem), YOTON_E_DEPTH);
    assert_int_equal(problem.at, YOTON_DEPTH_DEFAULT);
}

/* ---- Round trip of random values ---- */

static yoton_value random_value(uint64_t *seed, int depth);

static yoton_value random_string(uint64_t *seed) {
    static const char *const parts[] = {
        "a",    "'",        "\"",           "\\",           "\n",  "\x01",
        "\x7f", "\xc3\xa9", "\xe2\x80\xa8", "\xef\xbf\xbf", "0\\", "\xf0\x9f\x98\x80"};
    char text[64] = "";
    for (uint64_t n = random_next(seed) % 8; n > 0; n--)
        strcat(text, parts[random_next(seed) % (sizeof parts / sizeof parts[0])]);
    return make_string(text);
}

static double random_number(uint64_t *seed) {
    uint64_t bits = random_next(seed);
    double number;
    memcpy(&number, &bits, sizeof number);
    return random_next(seed) % 2 ? number : (double)(int64_t)bits / 1024;
}

static yoton_value random_key(uint64_t *seed, int depth) {
    if (depth == 0 || random_next(seed) % 4 != 0)
        return random_next(seed) % 2 ? random_string(seed)
                                     : make_integer((int64_t)random_next(seed));
    yoton_value tuple = {.type = YOTON_TUPLE};
    for (uint64_t n = random_next(seed) % 3; n > 0; n--)
        append(&tuple, random_key(seed, depth - 1));
    return tuple;
}

static yoton_value random_container(uint64_t *seed, yoton_type type, int depth) {
    yoton_value container = {.type = type};
    for (uint64_t n = random_next(seed) % 4; n > 0; n--) {
        if (type == YOTON_DICT)
            append(&container, random_key(seed, depth - 1));
        append(&container, random_value(seed, depth - 1));
    }
    return container;
}

static yoton_value random_value(uint64_t *seed, int depth) {
    yoton_type type = (yoton_type)(random_next(seed) % (depth > 0 ? 8 : 5));
    switch (type) {
    case YOTON_NONE:
        return (yoton_value){.type = YOTON_NONE};
    case YOTON_BOOL:
        return make_boolean(random_next(seed) % 2 == 0);
    case YOTON_INT:
        return make_integer((int64_t)(random_next(seed) >> random_next(seed) % 64));
    case YOTON_FLOAT:
        return make_number(random_number(seed));
    case YOTON_STRING:
        return random_string(seed);
    default:
        return random_container(seed, type, depth);
    }
}

static void test_round_trip(void **state) {
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 20000; i++) {
        char *text;
        size_t size;
        yoton_value value = random_value(&seed, 4);
        assert_int_equal(yoton_object_literal(&value, &text, &size), YOTON_OK);
        check_reads(text, size, text);
        yoton_value_clear(&value);
        free(text);
    }
}

/* What is cut off anywhere is an error or another value, and nothing is read behind its end. */
static void test_cut(void **state) {
    (void)state;
    static const char text[] = "{'a\\x41\\u20ac': (1, -2.5e+3, 0x_f), (None,): [True, nan, {}]}";
    for (size_t size = 0; size < sizeof text - 1; size++) {
        yoton_value value;
        literal_problem problem;
        char *exact = malloc(size > 0 ? size : 1);
        assert_non_null(exact);
        memcpy(exact, text, size);
        assert_int_equal(literal_read(exact, size, &value, &problem), YOTON_E_ARGUMENT);
        assert_true(problem.at <= size);
        free(exact);
    }
}

static void check_without_memory(void *context, int failing) {
    yoton_value value;
    literal_problem problem;
    const char *text = context;
    int error = literal_read(text, strlen(text), &value, &problem);
    assert_int_equal(error, failing ? YOTON_E_NOMEM : YOTON_OK);
    if (failing)
        assert_string_equal(problem.why, yoton_strerror(YOTON_E_NOMEM));
    yoton_value_clear(&value);
}

static void test_without_memory(void **state) {
    (void)state;
    static char text[] = "{'a': [1, (2, 'x'), {}], ('b',): 'c'}";
    assert_true(alloc_fail_each(check_without_memory, text) > 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),  cmocka_unit_test(test_bad),
        cmocka_unit_test(test_depth), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_cut),   cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
