/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 11.1 of the specification: the coding of objects, sent and received. */
#include "cases/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TALK "open send recv bin obj" /* what barrier() and obj channels need */

/* A literal's bytes, which may hold NULs. */
#define BYTES(literal) (literal), sizeof(literal) - 1

typedef struct sample {
    const char *json; /* the value in the adapter's form */
    const char *bytes;
    size_t size;
} sample;

static json_t *value_of(tester *t, const char *json) {
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    check(t, value != NULL, "the case's own value does not parse: %s", json);
    return value;
}

static const char *as_text(const json_t *value) {
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS | JSON_COMPACT);
    return text ? text : "nothing";
}

/* 5 and {"int":"5"} are the same value, and so are 1.5 as a number and {"float":"1.5"}. */
static bool same_value(const json_t *got, const json_t *want) {
    const json_t *integer = json_object_get(got, "int"), *number = json_object_get(got, "float");
    if (json_is_string(integer) && json_is_integer(want))
        return strtoll(json_string_value(integer), NULL, 10) == json_integer_value(want);
    const json_t *other = json_object_get(want, "int");
    if (json_is_integer(got) && json_is_string(other))
        return strtoll(json_string_value(other), NULL, 10) == json_integer_value(got);
    other = json_object_get(want, "float");
    if (json_is_string(number) && json_is_string(other)) {
        double a = strtod(json_string_value(number), NULL),
               b = strtod(json_string_value(other), NULL);
        return (a != a && b != b) || memcmp(&a, &b, sizeof a) == 0;
    }
    if (json_typeof(got) != json_typeof(want))
        return false;
    if (json_is_array(got)) {
        size_t i, count = json_array_size(got);
        for (i = 0; i < count && i < json_array_size(want); i++)
            if (!same_value(json_array_get(got, i), json_array_get(want, i)))
                return false;
        return count == json_array_size(want);
    }
    if (json_is_object(got)) {
        static const char *const names[] = {"tuple", "dict", NULL};
        for (int i = 0; names[i]; i++)
            if (json_object_get(got, names[i]) && json_object_get(want, names[i]))
                return same_value(json_object_get(got, names[i]), json_object_get(want, names[i]));
    }
    return json_equal(got, want);
}

static json_t *receive(channel *c) {
    return try_call(c->t, "recv", "{s:s, s:f}", "channel", c->name, "timeout", patience(c->t));
}

static void send_object(end *e, const channel *sub, const void *bytes, size_t size) {
    package p = message_bytes(e, sub->slot_in, bytes, size);
    send_package(e, &p);
}

static void expect_value(channel *sub, const char *json) {
    json_t *reply = receive(sub);
    check(sub->t, reply_ok(reply), "%s was not received: %s", json, reply_code(reply));
    const json_t *got = json_object_get(reply, "value");
    check(sub->t, got && same_value(got, value_of(sub->t, json)), "received %s, expected %s",
          got ? as_text(got) : "nothing", json);
}

/* The peer must send exactly these bytes for these values, and read the values from them. */
static void both_ways(tester *t, const sample *all, size_t count) {
    channel *pub = open_pub(t, "out", "obj"), *sub = open_sub(t, "in", "obj");
    end *e = establish(t);
    for (size_t i = 0; i < count; i++) {
        note(t, "now with %.60s", all[i].json);
        call(t, "send", "{s:s, s:o}", "channel", pub->name, "value", value_of(t, all[i].json));
        package want = {.slot = pub->slot_out, .payload = all[i].bytes, .size = all[i].size};
        expect_package(e, &want, SLOT | PAYLOAD);
        send_object(e, sub, all[i].bytes, all[i].size);
        expect_value(sub, all[i].json);
    }
}

CASE(OBJ, 1, 1, .roles = ROLE_HOST, .needs = TALK, .title = "simple values",
     .about = "Has the peer send None, booleans, integers, floats and strings, and sends it the "
              "same; bytes and values must be right.") {
    static const sample all[] = {
        {"null", BYTES("n")},
        {"true", BYTES("b\1")},
        {"false", BYTES("b\0")},
        {"3", BYTES("i\3\0\0\0\0\0\0\0")},
        {"-2", BYTES("i\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF")},
        {"{\"int\":\"-9223372036854775808\"}", BYTES("i\0\0\0\0\0\0\0\x80")},
        {"{\"int\":\"9223372036854775807\"}", BYTES("i\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F")},
        {"{\"float\":\"1.5\"}", BYTES("f\0\0\0\0\0\0\xF8\x3F")},
        {"\"\"", BYTES("s\0")},
        {"\"caf\xC3\xA9\"", BYTES("s\5caf\xC3\xA9")}};
    both_ways(t, all, sizeof all / sizeof *all);
}

CASE(OBJ, 1, 2, .roles = ROLE_HOST, .needs = TALK, .title = "containers",
     .about =
         "Has the peer send lists, tuples and dictionaries, empty and nested, and sends it the "
         "same; bytes and values must be right.") {
    static const sample all[] = {
        {"[]", BYTES("l\0")},
        {"[null,true]", BYTES("l\2nb\1")},
        {"{\"tuple\":[]}", BYTES("t\0")},
        {"{\"tuple\":[\"add\",{\"tuple\":[3,true]},{\"dict\":[]}]}",
         BYTES("t\3s\3addt\2i\3\0\0\0\0\0\0\0b\1d\0")},
        {"{\"dict\":[[\"a\",1]]}", BYTES("d\1s\1ai\1\0\0\0\0\0\0\0")},
        {"{\"dict\":[[{\"tuple\":[1,null]},[[]]]]}", BYTES("d\1t\2i\1\0\0\0\0\0\0\0nl\1l\0")}};
    both_ways(t, all, sizeof all / sizeof *all);
}

static char *string_value(size_t length, char **bytes, size_t *size, bool long_form) {
    char *json = malloc(length + 3);
    *bytes = malloc(length + 10);
    if (json == NULL || *bytes == NULL)
        abort();
    size_t head = 2;
    (*bytes)[0] = 's';
    (*bytes)[1] = (char)length;
    if (long_form) {
        (*bytes)[1] = '\xFF';
        for (int i = 0; i < 8; i++)
            (*bytes)[2 + i] = (char)(length >> 8 * i);
        head = 10;
    }
    memset(*bytes + head, 'x', length);
    *size = head + length;
    json[0] = json[length + 1] = '"';
    memset(json + 1, 'x', length);
    json[length + 2] = '\0';
    return json;
}

CASE(OBJ, 2, 1, .roles = ROLE_HOST, .needs = TALK, .title = "the short and the long form of N",
     .about = "Has the peer send strings of 254, 255, 256 and 70000 bytes and sends it the same; "
              "the first must have N in one byte, the others FF and a u64.") {
    sample all[4];
    const size_t lengths[] = {254, 255, 256, 70000};
    for (int i = 0; i < 4; i++) {
        char *bytes;
        all[i].json = string_value(lengths[i], &bytes, &all[i].size, lengths[i] >= 255);
        all[i].bytes = bytes;
    }
    both_ways(t, all, 4);
}

/* The peer must read this value from these bytes, whether it would write them so or not. */
static void expect_read(tester *t, const sample *all, size_t count) {
    channel *sub = open_sub(t, "in", "obj");
    end *e = establish(t);
    for (size_t i = 0; i < count; i++) {
        note(t, "now with %.60s", all[i].json);
        send_object(e, sub, all[i].bytes, all[i].size);
        expect_value(sub, all[i].json);
    }
}

CASE(OBJ, 3, 1, .roles = ROLE_HOST, .needs = TALK, .title = "the long form of a small N",
     .about = "Sends strings, lists and dictionaries with small N in the long form; the peer must "
              "read them.") {
    static const sample all[] = {
        {"\"hi\"", BYTES("s\xFF\2\0\0\0\0\0\0\0hi")},
        {"[]", BYTES("l\xFF\0\0\0\0\0\0\0\0")},
        {"{\"tuple\":[null]}", BYTES("t\xFF\1\0\0\0\0\0\0\0n")},
        {"{\"dict\":[[\"k\",null]]}", BYTES("d\xFF\1\0\0\0\0\0\0\0s\1kn")}};
    expect_read(t, all, sizeof all / sizeof *all);
}

CASE(OBJ, 4, 1, .roles = ROLE_HOST, .needs = TALK, .title = "integers beyond 64 bits",
     .about = "Has the peer send 2^63 and -2^63 - 1; both must be refused with an error, and "
              "nothing may come.") {
    channel *pub = open_pub(t, "out", "obj");
    end *e = establish(t);
    const char *const numbers[] = {"9223372036854775808", "-9223372036854775809"};
    for (int i = 0; i < 2; i++)
        expect_refused(
            t,
            try_call(t, "send", "{s:s, s:{s:s}}", "channel", pub->name, "value", "int", numbers[i]),
            numbers[i]);
    barrier(t);
    expect_nothing(e);
}

CASE(OBJ, 5, 1, .roles = ROLE_HOST, .needs = TALK, .title = "booleans other than 0 and 1",
     .about = "Sends booleans with the bytes 02 and FF; the peer must read true.") {
    static const sample all[] = {{"true", BYTES("b\2")}, {"true", BYTES("b\xFF")}};
    expect_read(t, all, sizeof all / sizeof *all);
}

CASE(OBJ, 6, 1, .roles = ROLE_HOST, .needs = TALK, .title = "infinities, NaN and minus zero",
     .about =
         "Has the peer send the infinities and minus zero, and sends it these and a NaN; bytes "
         "and values must be right.") {
    static const sample all[] = {{"{\"float\":\"inf\"}", BYTES("f\0\0\0\0\0\0\xF0\x7F")},
                                 {"{\"float\":\"-inf\"}", BYTES("f\0\0\0\0\0\0\xF0\xFF")},
                                 {"{\"float\":\"-0.0\"}", BYTES("f\0\0\0\0\0\0\0\x80")},
                                 {"{\"float\":\"5e-324\"}", BYTES("f\1\0\0\0\0\0\0\0")}};
    both_ways(t, all, sizeof all / sizeof *all);
    channel *sub = open_sub(t, "nan", "obj");
    end *e = establish(t);
    send_object(e, sub, BYTES("f\0\0\0\0\0\0\xF8\x7F"));
    expect_value(sub, "{\"float\":\"nan\"}");
}

/* The peer must refuse each of these, or discard it, and then still receive a good one. */
static void expect_malformed(tester *t, const sample *all, size_t count) {
    channel *sub = open_sub(t, "bad", "obj");
    end *e = establish(t);
    for (size_t i = 0; i < count; i++) {
        note(t, "now with %.60s", all[i].json);
        send_object(e, sub, all[i].bytes, all[i].size);
        send_object(e, sub, BYTES("s\4good"));
        json_t *reply = receive(sub);
        if (!reply_ok(reply) && strcmp(reply_code(reply), "timeout") != 0)
            reply = receive(sub); /* the error was the malformed one's */
        check(t, reply_ok(reply), "after %s the next message was not received: %s", all[i].json,
              reply_code(reply));
        const json_t *got = json_object_get(reply, "value");
        check(t, got && json_is_string(got) && strcmp(json_string_value(got), "good") == 0,
              "%s was read as %s", all[i].json, got ? as_text(got) : "nothing");
    }
}

CASE(OBJ, 7, 1, .roles = ROLE_HOST, .needs = TALK, .title = "strings that are not UTF-8",
     .about = "Sends strings with a lone byte, a surrogate, an overlong form and a value above "
              "U+10FFFF; all must be refused, and the next message received.") {
    static const sample all[] = {{"a lone continuation byte", BYTES("s\1\x80")},
                                 {"a cut sequence", BYTES("s\2\xE2\x82")},
                                 {"a surrogate", BYTES("s\3\xED\xA0\x80")},
                                 {"an overlong form", BYTES("s\2\xC0\xAF")},
                                 {"a value above U+10FFFF", BYTES("s\4\xF4\x90\x80\x80")}};
    expect_malformed(t, all, sizeof all / sizeof *all);
}

CASE(OBJ, 8, 1, .roles = ROLE_HOST, .needs = TALK, .title = "equal keys",
     .about = "Sends dictionaries with the same key twice, as string, as 1 and 1.0, and as 1 and "
              "true; the value of the later entry must stand, in one entry.") {
    channel *sub = open_sub(t, "keys", "obj");
    end *e = establish(t);
    static const sample all[] = {
        {"a string", BYTES("d\2s\1ks\3olds\1ks\3new")},
        {"1 and 1.0", BYTES("d\2i\1\0\0\0\0\0\0\0s\3oldf\0\0\0\0\0\0\xF0\x3Fs\3new")},
        {"1 and true", BYTES("d\2i\1\0\0\0\0\0\0\0s\3oldb\1s\3new")}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        send_object(e, sub, all[i].bytes, all[i].size);
        json_t *reply = receive(sub);
        const json_t *entries = json_object_get(json_object_get(reply, "value"), "dict");
        check(t, reply_ok(reply) && json_array_size(entries) == 1,
              "%s twice as key: expected one entry, got %s", all[i].json, as_text(reply));
        const json_t *value = json_array_get(json_array_get(entries, 0), 1);
        check(t, json_is_string(value) && strcmp(json_string_value(value), "new") == 0,
              "%s twice as key: the value is %s", all[i].json, as_text(value));
    }
}

CASE(OBJ, 9, 1, .roles = ROLE_HOST, .needs = TALK, .title = "keys that cannot be keys",
     .about = "Sends dictionaries with a list, a dictionary and a tuple with a list inside as key; "
              "all must be refused, and the next message received.") {
    static const sample all[] = {{"a list as key", BYTES("d\1l\0n")},
                                 {"a dictionary as key", BYTES("d\1d\0n")},
                                 {"a tuple with a list as key", BYTES("d\1t\2nl\0n")}};
    expect_malformed(t, all, sizeof all / sizeof *all);
}

CASE(OBJ, 10, 1, .roles = ROLE_HOST, .needs = TALK, .title = "bytes behind the object",
     .about = "Sends objects with bytes behind them; the peer must read the objects.") {
    static const sample all[] = {
        {"null", BYTES("nn")}, {"\"hi\"", BYTES("s\2hi and more")}, {"[]", BYTES("l\0\xFF")}};
    expect_read(t, all, sizeof all / sizeof *all);
}

CASE(OBJ, 12, 1, .roles = ROLE_HOST, .needs = TALK, .title = "unknown types",
     .about = "Sends objects with the type bytes 00, x, N and FF, at the start and inside a list; "
              "all must be refused, and the next message received.") {
    static const sample all[] = {{"type 00", BYTES("\0")},
                                 {"type x", BYTES("x\1")},
                                 {"type N", BYTES("N")},
                                 {"type FF", BYTES("\xFF")},
                                 {"type x in a list", BYTES("l\2nx")}};
    expect_malformed(t, all, sizeof all / sizeof *all);
}

CASE(OBJ, 12, 2, .roles = ROLE_HOST, .needs = TALK, .title = "objects that end too early",
     .about = "Sends objects of every type without their last byte; all must be refused, and the "
              "next message received.") {
    static const sample all[] = {{"a cut boolean", BYTES("b")},
                                 {"a cut integer", BYTES("i\1\0\0\0\0\0\0")},
                                 {"a cut float", BYTES("f\0\0\0\0\0\0\0")},
                                 {"a string without N", BYTES("s")},
                                 {"a cut string", BYTES("s\5four")},
                                 {"a cut long N", BYTES("s\xFF\1\0\0\0\0\0\0")},
                                 {"a cut list", BYTES("l\2n")},
                                 {"a cut tuple", BYTES("t\1")},
                                 {"a dictionary without a value", BYTES("d\1n")}};
    expect_malformed(t, all, sizeof all / sizeof *all);
}

CASE(OBJ, 14, 1, .roles = ROLE_HOST, .needs = TALK, .title = "counts that lie",
     .about =
         "Sends a string, a list and a dictionary that claim 2^63 and 2^64 - 1 elements in ten "
         "bytes; all must be refused, and the next message received.") {
    static const sample all[] = {
        {"a string of 2^64 - 1 bytes", BYTES("s\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF")},
        {"a list of 2^63 elements", BYTES("l\xFF\0\0\0\0\0\0\0\x80")},
        {"a dictionary of 2^64 - 1 pairs", BYTES("d\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF")}};
    expect_malformed(t, all, sizeof all / sizeof *all);
}

/* `depth` lists inside each other, the innermost empty. */
static size_t nested(uint8_t *bytes, size_t depth) {
    for (size_t i = 0; i < depth; i++) {
        bytes[2 * i] = 'l';
        bytes[2 * i + 1] = i + 1 < depth;
    }
    return 2 * depth;
}

CASE(OBJ, 13, 1, .roles = ROLE_HOST, .needs = TALK, .title = "half a million lists in each other",
     .about = "Sends a megabyte of nested lists; the peer must refuse it and receive the next "
              "message.") {
    static uint8_t bytes[1000000];
    const sample deep = {"half a million nested lists", (const char *)bytes,
                         nested(bytes, sizeof bytes / 2)};
    expect_malformed(t, &deep, 1);
}

CASE(LIMIT, 6, 1, .roles = ROLE_HOST, .needs = TALK, .title = "a hundred lists in each other",
     .about = "Sends 100 nested lists; the peer must read them all.") {
    uint8_t bytes[200];
    channel *sub = open_sub(t, "deep", "obj");
    end *e = establish(t);
    send_object(e, sub, bytes, nested(bytes, 100));
    json_t *reply = receive(sub);
    check(t, reply_ok(reply), "100 nested lists were refused: %s", reply_code(reply));
    const json_t *value = json_object_get(reply, "value");
    for (int depth = 1; depth < 100; depth++, value = json_array_get(value, 0))
        check(t, json_is_array(value) && json_array_size(value) == 1,
              "at depth %d there is no list of one", depth);
    check(t, json_is_array(value) && json_array_size(value) == 0, "the innermost is not empty");
}

CASE(MSG, 5, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "one object, nothing else",
     .about = "Has the peer send the tuple of section 11.1 of the specification; the payload must "
              "be just the bytes given there.") {
    channel *pub = open_pub(t, "out", "obj");
    end *e = establish(t);
    call(t, "send", "{s:s, s:o}", "channel", pub->name, "value",
         value_of(t, "{\"tuple\":[\"add\",{\"tuple\":[3,true]},{\"dict\":[]}]}"));
    static const char bytes[] = "t\3s\3addt\2i\3\0\0\0\0\0\0\0b\1d\0";
    package want = {.slot = pub->slot_out, .payload = bytes, .size = sizeof bytes - 1};
    expect_package(e, &want, SLOT | PAYLOAD);
}

CASE(MSG, 6, 1, .roles = ROLES_BOTH, .needs = TALK " txt", .title = "text that is not UTF-8",
     .about = "Sends bytes that are not UTF-8 to a txt channel, and a good text behind them; the "
              "good text must be received, the bad one refused or discarded.") {
    channel *sub = open_sub(t, "bad", "txt");
    end *e = establish(t);
    package bad = message_bytes(e, sub->slot_in, "\xFF\xFE text", 7);
    send_package(e, &bad);
    package good = message(e, sub->slot_in, "good");
    send_package(e, &good);
    json_t *reply = receive(sub);
    if (!reply_ok(reply) && strcmp(reply_code(reply), "timeout") != 0)
        reply = receive(sub);
    const char *value = json_string_value(json_object_get(reply, "value"));
    check(t, reply_ok(reply) && value && strcmp(value, "good") == 0,
          "expected the good text, got %s", value ? value : reply_code(reply));
}

const struct test_case *const objects_cases[] = {
    &OBJ_1_1,  &OBJ_1_2,   &OBJ_2_1, &OBJ_3_1,  &OBJ_4_1,  &OBJ_5_1,  &OBJ_6_1,
    &OBJ_7_1,  &OBJ_8_1,   &OBJ_9_1, &OBJ_10_1, &OBJ_12_1, &OBJ_12_2, &OBJ_14_1,
    &OBJ_13_1, &LIMIT_6_1, &MSG_5_1, &MSG_6_1,  NULL};
