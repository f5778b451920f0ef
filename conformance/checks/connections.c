/* SPDX-License-Identifier: BSD-2-Clause */
/* Binding, connecting, waiting, and the end of connections. */
#include "checks/checks.h"

#include <string.h>

#include "engine/tester.h"

static const double LONG = 60; /* a wait that no check sees the end of */

void expect_served_meanwhile(tester *t, int waiting, const char *what) {
    int request = ask(t, "connections", NULL);
    check(t, any_reply(t, request, patience(t)) != NULL,
          "while %s, `connections` is not answered: a request that waits must not hold up others",
          what);
    check(t, !answered(t, waiting), "%s, and was answered at once", what);
}

/* ---- What the implementation refuses ---- */

CASE(AD, 6, 1, .roles = ROLE_HOST, .needs = "connections",
     .title = "addresses and ports that are refused",
     .about = "Binds to a text that is no address, and connects where nobody listens; both are the "
              "implementation's no.") {
    expect_code(t, answer(t, "bind", "{s:s}", "address", "no port"), "failed",
                "bind to \"no port\"");
    if (has(t, "connect")) {
        char *address = text_of("127.0.0.1:%u", harness_hold(t));
        expect_code(t, answer(t, "connect", "{s:s, s:f}", "address", address, "timeout", 0.2),
                    "failed", "connect to a port where nobody listens");
    }
    check(t, reply_ok(answer(t, "connections", NULL)), "after these nothing is served");
}

CASE(AD, 6, 2, .roles = ROLE_HOST, .needs = "set_timeout connections",
     .title = "a time-out that is refused",
     .about = "Sets the time-out of a connection to -1 s, which LINK-8 does not allow.") {
    const char *connection;
    peer_bind(t, 0, &connection);
    json_t *reply =
        answer(t, "set_timeout", "{s:s, s:f}", "connection", connection, "seconds", -1.0);
    expect_code(t, reply, "failed", "a time-out of -1 s");
    check(t, reply_ok(answer(t, "connections", NULL)), "after it nothing is served");
}

CASE(AD, 6, 3, .roles = ROLE_HOST, .needs = "open recv obj",
     .title = "a message that cannot be decoded",
     .about = "Sends bytes that are no object to an obj channel; recv must fail, and get the next "
              "message.") {
    channel *c = open_sub(t, "check", "obj");
    end *e = establish(t);
    package p = message(e, c->slot_in, "zap");
    send_package(e, &p);
    p = message(e, c->slot_in, "n");
    send_package(e, &p);
    json_t *reply = answer(t, "recv", "{s:s, s:f}", "channel", c->name, "timeout", patience(t));
    expect_code(t, reply, "failed", "recv of a message that is no object");
    reply = answer(t, "recv", "{s:s, s:f}", "channel", c->name, "timeout", patience(t));
    check(t, reply_ok(reply) && json_is_null(json_object_get(reply, "value")),
          "the message behind one that cannot be decoded was not received as null (%s)",
          json_get_text(reply, "error"));
}

/* ---- Waiting ---- */

CASE(
    AD, 7, 1, .roles = ROLE_HOST, .needs = "open recv txt connections",
    .title = "a recv that waits",
    .about =
        "Has two recvs wait, asks something else, then sends two messages; the first recv must get "
        "the first.") {
    channel *c = open_sub(t, "check", "txt");
    end *e = establish(t);
    int first = ask(t, "recv", "{s:s, s:f}", "channel", c->name, "timeout", LONG);
    int second = ask(t, "recv", "{s:s, s:n}", "channel", c->name, "timeout", "");
    expect_served_meanwhile(t, first, "a recv waits");
    package p = message(e, c->slot_in, "one");
    send_package(e, &p);
    p = message(e, c->slot_in, "two");
    send_package(e, &p);
    const char *one = json_get_text(await_reply(t, first, patience(t)), "value");
    const char *two = json_get_text(await_reply(t, second, patience(t)), "value");
    check(t, strcmp(one, "one") == 0 && strcmp(two, "two") == 0,
          "two recvs that waited got \"%s\" and \"%s\", not \"one\" and \"two\"", one, two);
}

CASE(AD, 7, 2, .roles = ROLE_HOST, .needs = "client connect connections",
     .title = "a connect that waits",
     .about = "Has the adapter connect to one who does not answer, asks something else, and then "
              "hangs up; "
              "only that ends the connect.") {
    uint16_t port = harness_listen(t);
    int waiting = peer_connect(t, port, LONG);
    end *e = expect_accept(t, port);
    expect_served_meanwhile(t, waiting, "a connect waits");
    end_close(e);
    json_t *reply = any_reply(t, waiting, patience(t));
    check(t, reply != NULL, "connect was not answered when the other end hung up");
    expect_code(t, reply, "failed", "connect to one who hung up without a word");
}

CASE(AD, 7, 3, .roles = ROLE_HOST, .needs = "open call result cancel obj connections",
     .title = "a result that waits",
     .about =
         "Calls where nobody replies, waits for the result, asks something else, and cancels.") {
    channel *c = open_channel(t, "req", "check", "obj");
    json_t *reply =
        call(t, "call", "{s:s, s:s, s:n}", "channel", c->name, "method", "zap", "auto_cancel", "");
    const char *future = json_get_text(reply, "future");
    int waiting = ask(t, "result", "{s:s, s:f}", "future", future, "timeout", LONG);
    expect_served_meanwhile(t, waiting, "a result waits");
    check(t,
          json_is_true(json_object_get(call(t, "cancel", "{s:s}", "future", future), "cancelled")),
          "a call that nobody answered could not be cancelled");
    reply = any_reply(t, waiting, patience(t));
    check(t, reply != NULL, "result was not answered when its call was cancelled");
    expect_code(t, reply, "cancelled", "the result of a call that was cancelled");
}

CASE(AD, 7, 4, .roles = ROLE_HOST, .needs = "open recv txt", .timed = true,
     .title = "a recv whose time is over",
     .about = "Has a recv wait for 0.3 s and sends nothing; it must say so, and not sooner.") {
    channel *c = open_sub(t, "check", "txt");
    double begin = now();
    json_t *reply = answer(t, "recv", "{s:s, s:f}", "channel", c->name, "timeout", 0.3);
    double took = now() - begin;
    expect_code(t, reply, "timeout", "a recv of 0.3 s without a message");
    check(t, took > 0.29, "a recv of 0.3 s was over after %.3f s", took);
    reply = answer(t, "recv", "{s:s}", "channel", c->name);
    expect_code(t, reply, "timeout", "a recv that does not wait, without a message");
}

/* ---- bind, status ---- */

CASE(
    AD, 8, 1, .roles = ROLE_HOST, .title = "bind, and dial at once",
    .about = "Has the adapter bind, and connects to the port that it says as soon as it says it.") {
    uint16_t port = peer_bind(t, 0, NULL);
    end *e = try_dial(t, port);
    check(t, e != NULL, "bind was answered with port %u, and nobody listens there", (unsigned)port);
    shake_hands(e);
}

static void expect_status(tester *t, const char *connection, const char *state, const char *id2,
                          json_int_t port1) {
    const json_t *s = call(t, "status", "{s:s}", "connection", connection);
    static const char *const texts[] = {"state", "hostname1", "id1", "hostname2", "id2", "name"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check(t, json_is_string(json_object_get(s, texts[i])), "status: `%s` is no text", texts[i]);
    check(t, strcmp(json_get_text(s, "state"), state) == 0, "status: state is \"%s\", not \"%s\"",
          json_get_text(s, "state"), state);
    check(t, strcmp(json_get_text(s, "id1"), json_get_text(t->adapter.hello, "context_id")) == 0,
          "status: id1 is \"%s\", and hello said \"%s\"", json_get_text(s, "id1"),
          json_get_text(t->adapter.hello, "context_id"));
    check(t, json_is_number(json_object_get(s, "timeout")), "status: `timeout` is no number");
    if (id2 != NULL)
        check(t, strcmp(json_get_text(s, "id2"), id2) == 0, "status: id2 is \"%s\", not \"%s\"",
              json_get_text(s, "id2"), id2);
    if (port1 > 0)
        check(t, json_integer_value(json_object_get(s, "port1")) == port1,
              "status: port1 is not %lld, which bind said", (long long)port1);
}

/* The state that `connections` tells of one, "" when it is not there. */
static const char *listed_state(tester *t, const char *connection) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(call(t, "connections", NULL), "connections"), i, one) {
        if (strcmp(json_get_text(one, "connection"), connection) == 0)
            return json_get_text(one, "state");
    }
    return "";
}

CASE(
    AD, 14, 1, .roles = ROLE_HOST, .needs = "status connections", .title = "from bind to the end",
    .about = "Asks for status and connections before a peer comes, while it is there, and after.") {
    json_t *reply = NULL;
    for (int tries = 0; tries < 5 && !reply_ok(reply); tries++) {
        char *address =
            text_of("127.0.0.1:%u", has(t, "port0") ? 0 : (unsigned)port_before_free(t) + 1);
        reply = answer(t, "bind", "{s:s, s:s}", "address", address, "name", "checked");
    }
    check(t, reply_ok(reply), "bind failed: %s", json_get_text(reply, "error"));
    const char *connection = json_get_text(reply, "connection");
    json_int_t port = json_integer_value(json_object_get(reply, "port"));
    expect_status(t, connection, "waiting", "0000000000000000", port);
    check(t, strcmp(listed_state(t, connection), "waiting") == 0,
          "connections does not have the one that waits, with its state");
    const json_t *s = call(t, "status", "{s:s}", "connection", connection);
    check(t, strcmp(json_get_text(s, "name"), "checked") == 0,
          "status: name is \"%s\", not \"checked\"", json_get_text(s, "name"));
    end *e = dial(t, (uint16_t)port);
    shake_hands(e);
    for (double until = now() + patience(t); now() < until;) { /* the host may be a step behind */
        if (strcmp(listed_state(t, connection), "hosting") == 0)
            break;
        pump(t, now() + 0.02);
    }
    expect_status(t, connection, "hosting", text_of("%016llx", (unsigned long long)e->id), port);
    end_close(e);
    await_event(t, "closed", connection, patience(t));
    expect_status(t, connection, "closed", NULL, 0);
    check(t, *listed_state(t, connection) == '\0', "connections still has one that is closed");
}

/* ---- closed ---- */

static void expect_reason(tester *t, const char *connection) {
    const json_t *event = await_event(t, "closed", connection, patience(t));
    check(t, *json_get_text(event, "reason") != '\0', "`closed` has no `reason`");
}

CASE(AD, 9, 1, .roles = ROLE_HOST, .needs = "connections", .title = "a peer that closes",
     .about = "Connects, shakes hands, and closes.") {
    end *e = establish(t);
    end_close(e);
    expect_reason(t, e->connection);
}

CASE(AD, 9, 2, .roles = ROLE_HOST, .needs = "client connect connections",
     .title = "a peer that closes at once",
     .about = "Has the adapter connect, and closes behind the handshake, so that the end may come "
              "before the "
              "answer.") {
    uint16_t port = harness_listen(t);
    int request = peer_connect(t, port, patience(t));
    end *e = expect_accept(t, port);
    expect_hello(e);
    send_hello(e);
    end_close(e);
    json_t *reply = any_reply(t, request, patience(t) * 2);
    check(t, reply != NULL, "connect was not answered");
    if (reply_ok(reply))
        expect_reason(t, json_get_text(reply, "connection"));
    else
        expect_code(t, reply, "failed", "connect");
}

CASE(AD, 9, 3, .roles = ROLE_HOST, .needs = "close connections",
     .title = "a close that was asked for",
     .about = "Has the adapter close a connection, and close it again.") {
    end *e = establish(t);
    int request = ask(t, "close", "{s:s}", "connection", e->connection);
    end_keep_alive(e, true);
    drain(e);
    end_close(e);
    json_t *reply = any_reply(t, request, patience(t) * 2);
    check(t, reply_ok(reply), "close: %s",
          reply ? json_get_text(reply, "error") : "was not answered");
    expect_reason(t, e->connection);
    reply = answer(t, "close", "{s:s}", "connection", e->connection);
    check(t, reply_ok(reply), "closing what is closed was refused: %s",
          json_get_text(reply, "error"));
}

const struct test_case *const connection_checks[] = {&AD_6_1, &AD_6_2,  &AD_6_3, &AD_7_1, &AD_7_2,
                                                     &AD_7_3, &AD_7_4,  &AD_8_1, &AD_9_1, &AD_9_2,
                                                     &AD_9_3, &AD_14_1, NULL};
