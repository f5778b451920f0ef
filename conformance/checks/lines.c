/* SPDX-License-Identifier: BSD-2-Clause */
/* Is the adapter what it says, and does it keep to its lines? */
#include "checks/checks.h"

#include <stdarg.h>
#include <string.h>

#include "engine/tester.h"

static const char *const ops[] = {"hello",     "options",          "bind",          "connect",
                                  "status",    "connections",      "set_timeout",   "flush",
                                  "close",     "close_on_problem", "open",          "send",
                                  "recv",      "recv_all",         "pending",       "select",
                                  "sync_mode", "recv_selected",    "rep_mode",      "close_channel",
                                  "call",      "result",           "cancel",        "do_request",
                                  "serve",     "stop_serve",       "close_context", NULL};

json_t *answer(tester *t, const char *op, const char *fields, ...) {
    va_list list;
    va_start(list, fields);
    int request = ask_list(t, op, fields, list);
    va_end(list);
    json_t *reply = any_reply(t, request, patience(t) * 2);
    check(t, reply != NULL, "`%s` was not answered within %.1f s", op, patience(t) * 2);
    return reply;
}

void expect_code(tester *t, const json_t *reply, const char *code, const char *what) {
    const char *error = json_get_text(reply, "error");
    check(t, !reply_ok(reply), "%s: expected `%s`, and it was answered with ok", what, code);
    check(t, strcmp(reply_code(reply), code) == 0, "%s: expected `%s`, got `%s` (%s)", what, code,
          reply_code(reply), error);
    check(t, *error != '\0' && strpbrk(error, "\r\n") == NULL,
          "%s: `error` must be one line for a person, and is %s", what,
          shown(error, strlen(error)));
}

static bool is_unsupported(const json_t *reply) {
    return strcmp(reply_code(reply), "unsupported") == 0;
}

/* ---- hello ---- */

static bool is_pid(const json_t *value) {
    if (json_is_integer(value))
        return json_integer_value(value) >= 0;
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

CASE(AD, 1, 1, .roles = ROLE_HOST, .title = "what hello tells",
     .about = "Looks at the answer to hello: every field there and of its form.") {
    const json_t *hello = t->adapter.hello, *list = json_object_get(hello, "capabilities");
    const char *id = json_get_text(hello, "context_id");
    check(t, json_integer_value(json_object_get(hello, "protocol")) == 1, "`protocol` is not 1");
    check(t, *json_get_text(hello, "implementation") != '\0', "`implementation` names nothing");
    check(t, *json_get_text(hello, "version") != '\0', "`version` names nothing");
    check(t, json_array_size(list) > 0, "`capabilities` is no array with something in it");
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
        check(t, json_is_string(one), "`capabilities` is not all text");
    check(t, strspn(id, "0123456789abcdef") == 16 && id[16] == '\0',
          "`context_id` is \"%s\", not 16 lower-case hex digits", id);
    check(t, strspn(id, "0") < 16, "`context_id` is zero, which no context has");
    check(t, is_pid(json_object_get(hello, "pid")),
          "`pid` is neither a number nor one in a decimal string");
}

CASE(AD, 1, 2, .roles = ROLE_HOST, .title = "a protocol nobody knows",
     .about = "Says hello in protocol 9999; the adapter must say that it does not know it.") {
    expect_code(t, answer(t, "hello", "{s:i}", "protocol", 9999), "unsupported", "protocol 9999");
    check(t, reply_ok(answer(t, "hello", "{s:i}", "protocol", 1)),
          "hello in protocol 1 fails then");
}

/* ---- What is claimed ---- */

CASE(AD, 2, 1, .roles = ROLE_HOST, .title = "ops",
     .about =
         "Asks every op of the protocol without any field: those that hello claims may complain, "
         "the others, and one that nobody knows, must be unsupported.") {
    for (int i = 0; ops[i] != NULL; i++) {
        const json_t *reply = answer(t, ops[i], NULL);
        if (has(t, ops[i]))
            check(t, !is_unsupported(reply), "`%s` is claimed, and is answered `unsupported` (%s)",
                  ops[i], json_get_text(reply, "error"));
        else
            expect_code(t, reply, "unsupported", text_of("`%s`, which is not claimed", ops[i]));
    }
    expect_code(t, answer(t, "zap", NULL), "unsupported", "the op `zap`");
}

static void try_type(tester *t, const char *kind, const char *type) {
    const json_t *reply =
        answer(t, "open", "{s:o, s:s, s:s, s:s}", "channel", json_sprintf("%s-%s", kind, type),
               "kind", kind, "slot", "check", "type", type);
    if (has(t, type))
        check(t, reply_ok(reply), "`%s` is claimed, and a %s channel of it is refused: %s", type,
              kind, json_get_text(reply, "error"));
    else
        expect_code(t, reply, "unsupported", text_of("a %s channel of type `%s`", kind, type));
}

CASE(AD, 2, 2, .roles = ROLE_HOST, .needs = "open", .title = "kinds and types",
     .about =
         "Opens pub and sub channels of each type, one of a type and one of a kind that nobody "
         "knows; what is not claimed must be unsupported.") {
    static const char *const types[] = {"txt", "bin", "obj", "zap", NULL};
    for (int i = 0; types[i] != NULL; i++) {
        try_type(t, "pub", types[i]);
        try_type(t, "sub", types[i]);
    }
    const json_t *reply =
        answer(t, "open", "{s:s, s:s, s:s}", "channel", "z", "kind", "zap", "slot", "check");
    expect_code(t, reply, "unsupported", "a channel of kind `zap`");
}

CASE(AD, 2, 3, .roles = ROLE_HOST, .needs = "options", .title = "options",
     .about =
         "Asks for each option, with a value that is good, and for one that nobody knows; what "
         "is not claimed must be unsupported.") {
    static const char *const names[] = {"queue",       "max_message", "context_id",
                                        "max_sources", "queue_bytes", "zap"};
    for (int i = 0; i < 6; i++) {
        json_t *value = i == 0   ? json_pack("[i, s]", 64, "old")
                        : i == 2 ? json_string("00000000c0ffee01")
                                 : json_integer(1 << 20);
        const json_t *reply = answer(t, "options", "{s:o}", names[i], value);
        if (has(t, names[i]))
            check(t, reply_ok(reply), "option `%s` is claimed, and is refused: %s", names[i],
                  json_get_text(reply, "error"));
        else
            expect_code(t, reply, "unsupported", text_of("option `%s`", names[i]));
        if (i == 2 && reply_ok(reply))
            check(t, strcmp(json_get_text(reply, "context_id"), "00000000c0ffee01") == 0,
                  "`options` does not answer with the `context_id` that now counts");
    }
}

CASE(AD, 2, 4, .roles = ROLE_HOST, .needs = "open rep_mode", .title = "modes of a rep channel",
     .about = "Asks for a mode that nobody knows; it must be unsupported.") {
    open_channel(t, "rep", "check", "obj");
    channel *c = open_channel(t, "rep", "check2", "obj");
    const json_t *reply = answer(t, "rep_mode", "{s:s, s:s}", "channel", c->name, "mode", "zap");
    expect_code(t, reply, "unsupported", "mode `zap`");
}

/* ---- Lines ---- */

static void expect_no_request(tester *t, const char *line) {
    json_t *reply = any_reply(t, send_line(t, line), patience(t) * 2);
    check(t, reply != NULL, "the line %s was not answered within %.1f s", line, patience(t) * 2);
    check(t, json_is_null(json_object_get(reply, "id")),
          "the line %s was answered, not with `\"id\":null`", line);
    expect_code(t, reply, "bad-request", text_of("the line %s", line));
    check(t, reply_ok(answer(t, "connections", NULL)), "after the line %s nothing is served", line);
}

CASE(AD, 3, 1, .roles = ROLE_HOST, .needs = "connections", .title = "lines that are no JSON",
     .about = "Sends lines that are not JSON, each followed by a good request.") {
    expect_no_request(t, "this is not JSON");
    expect_no_request(t, "{\"id\":1,\"op\":");
    expect_no_request(t, "{\"id\":1 \"op\":\"connections\"}");
}

CASE(AD, 3, 2, .roles = ROLE_HOST, .needs = "connections", .title = "lines without a usable id",
     .about = "Sends JSON that is no object, and objects whose id is missing, a text, or a "
              "fraction, each "
              "followed by a good request.") {
    expect_no_request(t, "[]");
    expect_no_request(t, "7");
    expect_no_request(t, "{\"op\":\"connections\"}");
    expect_no_request(t, "{\"id\":\"7\",\"op\":\"connections\"}");
    expect_no_request(t, "{\"id\":1.5,\"op\":\"connections\"}");
}

CASE(AD, 3, 3, .roles = ROLE_HOST, .needs = "connections", .title = "fields that are not known",
     .about =
         "Sends a request with a field that nobody knows; it must be served as if it had none.") {
    const json_t *reply = answer(t, "connections", "{s:[i, n], s:n}", "zap", 1, "later", "");
    check(t, reply_ok(reply), "a field that is not known was not ignored: %s",
          json_get_text(reply, "error"));
}

CASE(AD, 4, 1, .roles = ROLE_HOST, .needs = "open send recv txt connections close_channel",
     .title = "a whole conversation",
     .about =
         "Has the adapter bind, publish, receive and close, where an implementation may print; all "
         "that comes from it must be lines of JSON, one answer for each request.") {
    channel *in = open_sub(t, "check", "txt"), *out = open_pub(t, "check", "txt");
    end *e = establish(t);
    publish(out, "hello");
    package want = message(e, out->slot_out, "hello");
    expect_package(e, &want, SLOT | PAYLOAD);
    package p = message(e, in->slot_in, "hello");
    send_package(e, &p);
    expect_received(in, "hello");
    call(t, "close_channel", "{s:s}", "channel", in->name);
    end_close(e);
    await_event(t, "closed", e->connection, patience(t));
    call(t, "connections", NULL); /* whatever was said too much has been read before this answer */
}

/* ---- Shapes ---- */

static void expect_bad(tester *t, json_t *reply, const char *what) {
    expect_code(t, reply, "bad-request", what);
}

CASE(
    AD, 5, 1, .roles = ROLE_HOST, .needs = "open send txt status",
    .title = "fields that are missing or wrong",
    .about = "Leaves out fields, gives others the wrong JSON type, and values that have no form.") {
    open_pub(t, "check", "txt");
    expect_bad(t, answer(t, "bind", NULL), "bind without `address`");
    expect_bad(t, answer(t, "bind", "{s:i}", "address", 7), "bind with the address 7");
    expect_bad(t, answer(t, "open", "{s:s, s:s}", "kind", "pub", "slot", "x"),
               "open without `channel`");
    expect_bad(t, answer(t, "open", "{s:s, s:i, s:s}", "channel", "c", "kind", 7, "slot", "x"),
               "open with the kind 7");
    expect_bad(t, answer(t, "open", "{s:s, s:s, s:n}", "channel", "c", "kind", "pub", "slot", ""),
               "open with the slot null");
    expect_bad(t, answer(t, "status", "{s:i}", "connection", 1),
               "status of the connection 1, no text");
    channel *c = open_pub(t, "check2", "txt");
    expect_bad(t, answer(t, "send", "{s:s}", "channel", c->name), "send without `value`");
    expect_bad(t, answer(t, "send", "{s:s, s:{s:i}}", "channel", c->name, "value", "zap", 1),
               "send of {\"zap\":1}, which is no form of a value");
    expect_bad(t, answer(t, "send", "{s:s, s:{s:s}}", "channel", c->name, "value", "hex", "0"),
               "send of {\"hex\":\"0\"}, half a byte");
}

CASE(AD, 5, 2, .roles = ROLE_HOST, .needs = "open send recv status txt",
     .title = "names that nobody gave",
     .about =
         "Asks about a connection and channels that were never opened, and opens a channel of a "
         "name that is taken.") {
    channel *c = open_sub(t, "check", "txt");
    expect_bad(t, answer(t, "status", "{s:s}", "connection", "none such"),
               "status of no connection");
    expect_bad(t, answer(t, "recv", "{s:s}", "channel", "none such"), "recv of no channel");
    expect_bad(t, answer(t, "send", "{s:s, s:s}", "channel", "none such", "value", "x"),
               "send on no channel");
    expect_bad(t, answer(t, "send", "{s:s, s:s}", "channel", c->name, "value", "x"),
               "send on a sub channel");
    expect_bad(t,
               answer(t, "open", "{s:s, s:s, s:s}", "channel", c->name, "kind", "sub", "slot", "y"),
               "a second channel of one name");
}

/* ---- The end ---- */

CASE(
    AD, 13, 1, .roles = ROLE_HOST, .needs = "open recv txt", .title = "the end of standard input",
    .about =
        "Has a recv wait for 60 s, and ends the adapter's standard input; the process must be gone "
        "within half a second, and what a busy machine adds.") {
    channel *c = open_sub(t, "check", "txt");
    ask(t, "recv", "{s:s, s:f}", "channel", c->name, "timeout", 60.0);
    call(t, "connections", NULL); /* the recv has been read */
    t->finishing = true;          /* its end is no accident now */
    adapter_stop(t);
    for (double until = now() + slack(t); !t->adapter.gone && now() < until; adapter_stop(t))
        pump(t, now() + 0.01);
    t->finishing = false;
    check(t, t->adapter.gone,
          "the process is still there 0.5 s after the end of its standard input");
    t->adapter.pid = 0; /* nothing is left to be watched */
}

const struct test_case *const line_checks[] = {&AD_1_1, &AD_1_2, &AD_2_1,  &AD_2_2, &AD_2_3,
                                               &AD_2_4, &AD_3_1, &AD_3_2,  &AD_3_3, &AD_4_1,
                                               &AD_5_1, &AD_5_2, &AD_13_1, NULL};
