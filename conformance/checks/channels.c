/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes into channels comes out as it was. */
#include "checks/checks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tester.h"

enum { MIB = 1 << 20 };

/* Has the adapter publish a value, sends the very bytes back to its sub channel, and receives them:
 * so the check needs no message type of its own. */
static json_t *relayed(end *e, channel *out, channel *in, json_t *value) {
    tester *t = e->t;
    json_t *reply = answer(t, "send", "{s:s, s:O}", "channel", out->name, "value", value);
    check(t, reply_ok(reply), "send of %s was refused (%s): %s", json_dumps(value, JSON_ENCODE_ANY),
          reply_code(reply), json_get_text(reply, "error"));
    const item *i = next_event(e, patience(t));
    check(t, i != NULL && i->kind == ITEM_PACKAGE && i->p.slot == out->slot_out,
          "what was sent was not published");
    package p = message_bytes(e, in->slot_in, i->p.payload, i->p.size);
    send_package(e, &p);
    return answer(t, "recv", "{s:s, s:f}", "channel", in->name, "timeout", patience(t));
}

/* ---- Events and order ---- */

CASE(AD, 10, 1, .roles = ROLE_HOST, .needs = "open recv txt connections",
     .title = "the event received",
     .about = "Sends a message, waits for its event, receives it; then the same once more.") {
    channel *c = open_sub(t, "check", "txt");
    end *e = establish(t);
    for (int i = 0; i < 2; i++) {
        package p = message(e, c->slot_in, "hello");
        send_package(e, &p);
        const json_t *event = await_event(t, "received", NULL, patience(t));
        check(t, strcmp(json_get_text(event, "channel"), c->name) == 0,
              "`received` names the channel \"%s\", not \"%s\"", json_get_text(event, "channel"),
              c->name);
        const json_t *when = json_object_get(event, "t");
        check(t, when == NULL || json_is_number(when), "`t` of an event is no number");
        expect_received(c, "hello");
    }
}

CASE(AD, 11, 1, .roles = ROLE_HOST, .needs = "open send recv obj", .title = "None, and no message",
     .about = "Sends the object None, receives it, and receives again.") {
    channel *out = open_pub(t, "check", "obj"), *in = open_sub(t, "check", "obj");
    end *e = establish(t);
    json_t *reply = relayed(e, out, in, json_null());
    check(t, reply_ok(reply), "recv of None: `%s` (%s)", reply_code(reply),
          json_get_text(reply, "error"));
    check(t, json_is_null(json_object_get(reply, "value")), "None was not received as null");
    reply = answer(t, "recv", "{s:s}", "channel", in->name);
    expect_code(t, reply, "timeout", "recv when there is nothing");
}

CASE(AD, 11, 2, .roles = ROLE_HOST, .needs = "open send recv close_channel txt",
     .title = "a closed channel",
     .about = "Closes a sub channel that has a message, receives twice, and sends on a closed pub "
              "channel.") {
    channel *out = open_pub(t, "check", "txt"), *in = open_sub(t, "check", "txt");
    end *e = establish(t);
    package p = message(e, in->slot_in, "left");
    send_package(e, &p);
    await_event(t, "received", NULL, patience(t));
    call(t, "close_channel", "{s:s}", "channel", in->name);
    call(t, "close_channel", "{s:s}", "channel", out->name);
    expect_received(in, "left");
    json_t *reply = answer(t, "recv", "{s:s, s:f}", "channel", in->name, "timeout", 0.1);
    expect_code(t, reply, "closed", "recv of a channel that is closed and empty");
    reply = answer(t, "send", "{s:s, s:s}", "channel", out->name, "value", "x");
    expect_code(t, reply, "closed", "send on a closed channel");
}

CASE(AD, 11, 3, .roles = ROLE_HOST, .needs = "open send recv recv_all pending txt bin",
     .title = "pending and recv_all",
     .about = "Sends two messages, counts them, and receives all, twice.") {
    channel *c = open_sub(t, "check", "txt");
    end *e = establish(t);
    package p = message(e, c->slot_in, "a");
    send_package(e, &p);
    p = message(e, c->slot_in, "b");
    send_package(e, &p);
    barrier(t);
    json_int_t count = json_integer_value(
        json_object_get(call(t, "pending", "{s:s}", "channel", c->name), "count"));
    check(t, count == 2, "pending says %lld, and two messages are there", (long long)count);
    json_t *want = json_pack("[s, s]", "a", "b");
    for (int i = 0; i < 2; i++) {
        const json_t *got =
            json_object_get(call(t, "recv_all", "{s:s}", "channel", c->name), "values");
        check(t, json_equal(got, want), "recv_all says %s, not %s",
              got ? json_dumps(got, JSON_COMPACT) : "nothing", json_dumps(want, JSON_COMPACT));
        json_array_clear(want);
    }
}

/* ---- Values ---- */

static bool is_form(const json_t *value, const char *form) {
    return json_object_size(value) == 1 && json_object_get(value, form) != NULL;
}

static bool same_float(const char *a, const char *b) {
    char *rest;
    double one = strtod(a, NULL), other = strtod(b, &rest);
    if (*b == '\0' || *rest != '\0')
        return false;
    return isnan(one) ? isnan(other) : one == other && !signbit(one) == !signbit(other);
}

static const char *integer_text(const json_t *value) {
    if (json_is_integer(value))
        return text_of("%lld", (long long)json_integer_value(value));
    return is_form(value, "int") ? json_get_text(value, "int") : "";
}

/* Integers have two forms, floats as many as there are digits. */
static bool same_value(const json_t *a, const json_t *b) {
    if (json_is_integer(a) || is_form(a, "int"))
        return strcmp(integer_text(a), integer_text(b)) == 0;
    if (is_form(a, "float"))
        return is_form(b, "float") &&
               same_float(json_get_text(a, "float"), json_get_text(b, "float"));
    if (json_is_array(a)) {
        bool same = json_is_array(b) && json_array_size(a) == json_array_size(b);
        for (size_t i = 0; same && i < json_array_size(a); i++)
            same = same_value(json_array_get(a, i), json_array_get(b, i));
        return same;
    }
    for (int i = 0; i < 2; i++) {
        const char *form = i ? "tuple" : "dict";
        if (is_form(a, form))
            return is_form(b, form) &&
                   same_value(json_object_get(a, form), json_object_get(b, form));
    }
    return json_equal(a, b);
}

static void expect_back(end *e, channel *out, channel *in, json_t *value) {
    json_t *reply = relayed(e, out, in, value), *got = json_object_get(reply, "value");
    char *sent = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    check(e->t, reply_ok(reply), "%.80s was sent, and recv said `%s` (%s)", sent, reply_code(reply),
          json_get_text(reply, "error"));
    char *came = got ? json_dumps(got, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : "nothing";
    check(e->t, same_value(value, got), "%.80s was sent, and %.80s received", sent, came);
}

CASE(AD, 12, 1, .roles = ROLE_HOST, .needs = "open send recv txt", .title = "texts",
     .about = "Publishes and receives texts: empty, with U+0000, line ends, and characters outside "
              "the BMP.") {
    channel *out = open_pub(t, "check", "txt"), *in = open_sub(t, "check", "txt");
    end *e = establish(t);
    expect_back(e, out, in, json_stringn("a\0b", 3));
    expect_back(e, out, in, json_string("one\r\ntwo\n"));
    expect_back(e, out, in, json_string("h\xC3\xA9llo \xF0\x9F\x98\x80 \xEF\xBF\xBF"));
    expect_back(e, out, in, json_string(" \"quoted\\\" "));
}

CASE(AD, 12, 2, .roles = ROLE_HOST, .needs = "open send recv bin", .title = "bytes",
     .about =
         "Publishes and receives every byte there is, and a message of 1 MiB, a line of 2 MiB.") {
    channel *out = open_pub(t, "check", "bin"), *in = open_sub(t, "check", "bin");
    end *e = establish(t);
    uint8_t *bytes = room(MIB);
    for (size_t i = 0; i < MIB; i++)
        bytes[i] = (uint8_t)(i ^ i >> 8);
    expect_back(e, out, in, json_pack("{s:o}", "hex", json_string(hex_of(bytes, 256, 256))));
    expect_back(e, out, in, json_pack("{s:o}", "hex", json_string(hex_of(bytes, MIB, MIB))));
}

CASE(AD, 12, 3, .roles = ROLE_HOST, .needs = "open send recv obj", .title = "objects",
     .about = "Publishes and receives objects of every form: integers at the ends of their range, "
              "floats that "
              "have no digits, tuples, dictionaries with keys of several types, nested.") {
    static const char *const values[] = {
        "true",
        "7",
        "{\"int\":\"9007199254740993\"}",
        "{\"int\":\"-9223372036854775808\"}",
        "{\"int\":\"9223372036854775807\"}",
        "{\"float\":\"1.5\"}",
        "{\"float\":\"0.1\"}",
        "{\"float\":\"nan\"}",
        "{\"float\":\"inf\"}",
        "{\"float\":\"-inf\"}",
        "{\"float\":\"-0.0\"}",
        "{\"float\":\"0x1.fffffffffffffp+1023\"}",
        "\"\\u0000\\ud83d\\ude00\"",
        "[1,\"two\",[null,{\"float\":\"3.0\"}]]",
        "{\"tuple\":[]}",
        "{\"tuple\":[1,{\"tuple\":[2]}]}",
        "{\"dict\":[[\"z\",1],[\"a\",2],[7,[false]],[null,{\"dict\":[]}]]}",
        "{\"dict\":[[{\"tuple\":[1,2]},null]]}"};
    channel *out = open_pub(t, "check", "obj"), *in = open_sub(t, "check", "obj");
    end *e = establish(t);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        expect_back(e, out, in, json_loads(values[i], JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
}

const struct test_case *const channel_checks[] = {&AD_10_1, &AD_11_1, &AD_11_2, &AD_11_3,
                                                  &AD_12_1, &AD_12_2, &AD_12_3, NULL};
