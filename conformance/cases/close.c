/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 7.3 of the specification: close, and what happens to what is under way. */
#include "cases/cases.h"
#include "cases/stalled.h"

#include <string.h>

#define TALK "open send recv bin txt" /* what barrier() and a sub channel need */

CASE(LINK, 12, 1, .roles = ROLES_BOTH, .needs = "close", .title = "close says so",
     .about = "Has the peer close the connection; the close signal must come.") {
    end *e = establish(t);
    ask(t, "close", "{s:s}", "connection", e->connection);
    expect_close(e);
}

CASE(LINK, 12, 2, .roles = ROLES_BOTH, .needs = TALK " close",
     .title = "what was queued goes first",
     .about = "Has the peer publish 30 messages and close at once; all 30 must come, and the close "
              "signal behind them.") {
    channel *pub = open_pub(t, "last", "txt");
    end *e = establish(t);
    for (int i = 0; i < 30; i++)
        publish(pub, "one of the last");
    ask(t, "close", "{s:s}", "connection", e->connection);
    package want = {.slot = pub->slot_out, .payload = "one of the last", .size = 15};
    for (int i = 0; i < 30; i++)
        expect_package(e, &want, SLOT | PAYLOAD);
    expect_close(e);
}

CASE(LINK, 12, 4, .roles = ROLES_BOTH, .needs = TALK " close host", .takes = 0.9,
     .title = "what waits for a slow reader goes first too",
     .about = "Takes nothing, has the peer publish a message larger than all buffers and 30 small "
              "ones, and close; then takes everything. All must come, and the close signal behind "
              "them.") {
    channel *pub = open_pub(t, "flood", "txt"), *last = open_pub(t, "last", "txt");
    end *e = stalled_end(t, pub);
    for (int i = 0; i < 30; i++)
        publish(last, "one of the last");
    ask(t, "close", "{s:s}", "connection", e->connection);
    end_hold(e, false);
    package flood = {.slot = pub->slot_out};
    package want = {.slot = last->slot_out, .payload = "one of the last", .size = 15};
    expect_package(e, &flood, SLOT);
    for (int i = 0; i < 30; i++)
        expect_package(e, &want, SLOT | PAYLOAD);
    expect_close(e);
}

CASE(LINK, 12, 3, .roles = ROLES_BOTH, .needs = "close_context",
     .title = "closing the context closes in the nice way",
     .about = "Has the peer close its context with two connections; the close signal must come on "
              "both.") {
    end *a = establish(t), *b = establish(t);
    ask(t, "close_context", NULL);
    expect_close(a);
    expect_close(b);
}

/* Reads up to the close signal; a peer that sends none is judged by LINK-12. */
static void read_close_signal(end *e) {
    for (;;) {
        const item *got = next_event(e, patience(e->t));
        if (got == NULL || got->kind == ITEM_END || got->kind == ITEM_RESET)
            skip(e->t, "no close signal came; LINK-12 judges that");
        if (got->kind == ITEM_CLOSE)
            return;
    }
}

CASE(LINK, 13, 1, .roles = ROLES_BOTH, .needs = TALK " close",
     .title = "nothing after the close signal",
     .about = "Has the peer publish, close, and publish again; nothing but the end of the stream "
              "may come behind the close signal.") {
    channel *pub = open_pub(t, "late", "txt");
    end *e = establish(t);
    publish(pub, "before");
    ask(t, "close", "{s:s}", "connection", e->connection);
    ask(t, "send", "{s:s, s:s}", "channel", pub->name, "value", "after");
    read_close_signal(e);
    const item *got = next_item(e, patience(t));
    check(t, got != NULL, "the stream did not end behind the close signal");
    check(t, got->kind == ITEM_END || got->kind == ITEM_RESET,
          "something came behind the close signal");
}

CASE(LINK, 14, 1, .roles = ROLES_BOTH, .title = "a close signal is not answered",
     .about = "Sends the close signal; nothing but heartbeats already on their way may come before "
              "the end of the stream, no close signal either.") {
    end *e = establish(t);
    send_close(e);
    for (;;) {
        const item *got = next_event(e, patience(t));
        check(t, got != NULL, "the peer did not close the connection");
        if (got->kind == ITEM_CLOSE)
            fail_at(e, got, 24, "source_seq", "no close signal", "1: close");
        if (got->kind == ITEM_END || got->kind == ITEM_RESET)
            return;
        check(t, got->kind != ITEM_PACKAGE, "a package came after our close signal");
    }
}

CASE(LINK, 14, 2, .roles = ROLES_BOTH, .needs = "status host",
     .title = "the connection is closed then",
     .about = "Sends the close signal; the peer must report the connection closed, and show it as "
              "closed.") {
    end *e = establish(t);
    send_close(e);
    await_event(t, "closed", e->connection, patience(t));
    check(t, strcmp(state_of(e), "closed") == 0, "its state is %s", state_of(e));
}

CASE(LINK, 15, 1, .roles = ROLES_BOTH, .needs = TALK " host",
     .title = "what follows a close signal is ignored",
     .about = "Sends the close signal and a message behind it in one write; the message must be "
              "neither deposited nor forwarded.") {
    channel *sub = open_sub(t, "late", "txt");
    end *a = establish(t), *b = establish(t);
    package p = message(a, sub->slot_in, "too late");
    uint8_t *bytes, both[56 + 56 + 8] = "YOTON   \1";
    size_t size = package_bytes(&p, &bytes);
    both[24] = 1;
    memcpy(both + 56, bytes, size);
    send_bytes(a, both, 56 + size, "the close signal, then a package");
    await_event(t, "closed", a->connection, patience(t));
    end_close(a);
    barrier(t);
    expect_no_message(sub);
    expect_nothing(b);
}

CASE(LINK, 16, 1, .roles = ROLES_BOTH, .needs = "close txt",
     .title = "the close signal arrives although more comes in",
     .about = "Has the peer close and sends it messages without a pause until it does; the close "
              "signal and an orderly end of the stream should come, no reset.") {
    end *e = establish(t);
    enum { MESSAGES = 60000, SIZE = 64 };
    static uint8_t burst[MESSAGES * SIZE];
    const uint64_t slot = slot_of("more.txt.pub-sub");
    for (int i = 0; i < MESSAGES; i++) {
        package p = message(e, slot, "and more");
        uint8_t *bytes;
        size_t size = package_bytes(&p, &bytes);
        memcpy(burst + (size_t)i * SIZE, bytes, size);
    }
    offer_bytes(e, burst, sizeof burst / 2, "30000 messages", 1.0);
    ask(t, "close", "{s:s}", "connection", e->connection);
    /* on and on, so that there is something unread whenever the peer comes to closing */
    const item *got = NULL;
    for (int i = 0; i < 50 && got == NULL; i++) {
        offer_bytes(e, burst + sizeof burst / 2, sizeof burst / 2, "30000 more", 0.2);
        got = next_event(e, 0);
    }
    if (got == NULL || got->kind != ITEM_CLOSE)
        read_close_signal(e);
    expect_eof(e);
}

CASE(LINK, 17, 1, .roles = ROLES_BOTH, .needs = "host", .title = "the other end is gone",
     .about = "Closes the socket without a close signal; the peer must report the connection "
              "closed.") {
    end *e = establish(t);
    end_close(e);
    await_event(t, "closed", e->connection, patience(t));
}

CASE(LINK, 17, 2, .roles = ROLES_BOTH, .needs = "host", .title = "the connection is reset",
     .about = "Resets the connection; the peer must report it closed.") {
    end *e = establish(t);
    end_reset(e);
    await_event(t, "closed", e->connection, patience(t));
}

CASE(LINK, 17, 3, .roles = ROLES_BOTH, .needs = "host", .title = "half closed is closed",
     .about = "Ends the sending half only; the peer must close the connection, so that the other "
              "half ends too, and report it.") {
    end *e = establish(t);
    end_shutdown(e);
    expect_closed(e);
    await_event(t, "closed", e->connection, patience(t));
}

static void expect_one_report(end *e) {
    const json_t *event = await_event(e->t, "closed", e->connection, patience(e->t));
    const char *reason = json_string_value(json_object_get(event, "reason"));
    check(e->t, reason && *reason, "the report gives no reason");
    establish(e->t); /* a second report would have come before this is done */
    unsigned count = count_events(e->t, "closed", e->connection);
    check(e->t, count == 1, "the end was reported %u times", count);
}

CASE(LINK, 18, 1, .roles = ROLES_BOTH, .needs = "status host",
     .title = "the end is reported once: close signal",
     .about = "Sends the close signal and closes the socket; the peer must report the end of the "
              "connection once, with a reason.") {
    end *e = establish(t);
    send_close(e);
    end_close(e);
    expect_one_report(e);
}

CASE(LINK, 18, 2, .roles = ROLES_BOTH, .needs = "status host",
     .title = "the end is reported once: lost",
     .about = "Closes the socket without a close signal; the peer must report the end of the "
              "connection once, with a reason.") {
    end *e = establish(t);
    end_close(e);
    expect_one_report(e);
}

CASE(LINK, 18, 3, .roles = ROLES_BOTH, .needs = "status close host",
     .title = "the end is reported once: own close",
     .about = "Has the peer close the connection with a reason; it must report the end once, with "
              "this reason.") {
    end *e = establish(t);
    call(t, "close", "{s:s, s:s}", "connection", e->connection, "reason", "lunch time");
    const json_t *event = await_event(t, "closed", e->connection, patience(t));
    const char *reason = json_string_value(json_object_get(event, "reason"));
    check(t, reason && strcmp(reason, "lunch time") == 0, "the reason given is: %s",
          reason ? reason : "none");
    establish(t);
    unsigned count = count_events(t, "closed", e->connection);
    check(t, count == 1, "the end was reported %u times", count);
}

CASE(LINK, 19, 1, .roles = ROLE_HOST, .needs = "close", .title = "closing a bind that waits",
     .about = "Has the peer bind and close that connection; nobody may be accepted at the port any "
              "more.") {
    const char *connection;
    uint16_t port = peer_bind(t, 0, &connection);
    call(t, "close", "{s:s}", "connection", connection);
    end *e = try_dial(t, port);
    if (e != NULL)
        expect_closed(e); /* taken into the backlog before it ended; nothing may come on it */
    check(t, try_dial(t, port) == NULL, "the port still accepts connections");
}

static void expect_other_works(tester *t, end *other, channel *sub) {
    package p = message(other, sub->slot_in, "still here");
    send_package(other, &p);
    expect_received(sub, "still here");
    barrier(t);
}

CASE(LINK, 20, 1, .roles = ROLES_BOTH, .needs = TALK " host",
     .title = "a closed connection leaves the others alone",
     .about = "Makes two connections and sends the close signal on one; the other must go on.") {
    channel *sub = open_sub(t, "other", "txt");
    end *a = establish(t), *b = establish(t);
    send_close(a);
    await_event(t, "closed", a->connection, patience(t));
    end_close(a);
    expect_other_works(t, b, sub);
}

CASE(LINK, 20, 2, .roles = ROLES_BOTH, .needs = TALK " host",
     .title = "a broken connection leaves the others alone",
     .about = "Makes three connections, sends garbage on one and resets another; the third must go "
              "on.") {
    channel *sub = open_sub(t, "other", "txt");
    end *a = establish(t), *b = establish(t), *c = establish(t);
    uint8_t garbage[56] = "garbage";
    send_bytes(a, garbage, sizeof garbage, "garbage");
    await_event(t, "closed", a->connection, patience(t));
    end_close(a);
    end_reset(b);
    await_event(t, "closed", b->connection, patience(t));
    end_close(b);
    expect_other_works(t, c, sub);
}

CASE(LINK, 21, 1, .roles = ROLES_BOTH, .needs = "close_on_problem",
     .title = "giving up says nothing",
     .about = "Has the peer give the connection up because of a problem; no close signal may come "
              "before the end of the stream.") {
    end *e = establish(t);
    ask(t, "close_on_problem", "{s:s, s:s}", "connection", e->connection, "reason", "a test");
    for (;;) {
        const item *got = next_event(e, patience(t));
        check(t, got != NULL, "the connection was not closed");
        if (got->kind == ITEM_CLOSE)
            fail_at(e, got, 24, "source_seq", "no close signal", "1: close");
        if (got->kind == ITEM_END || got->kind == ITEM_RESET)
            return;
    }
}

CASE(LINK, 22, 1, .roles = ROLES_BOTH, .needs = TALK " close host", .takes = 1.9,
     .title = "closing towards a peer that takes nothing",
     .about = "Has the peer publish a message larger than all buffers, takes nothing, and has it "
              "close; it must report the connection closed within 5 s.") {
    channel *pub = open_pub(t, "flood", "txt");
    end *e = stalled_end(t, pub);
    double began = now();
    ask(t, "close", "{s:s}", "connection", e->connection);
    await_event(t, "closed", e->connection, 4 * patience(t));
    check(t, now() - began <= 5.0 + slack(t), "closing took %.1f s", now() - began);
}

CASE(LINK, 23, 1, .roles = ROLES_BOTH, .needs = TALK, .takes = 1.5,
     .title = "receiving while sending is held up",
     .about = "Has the peer publish a message larger than all buffers, takes nothing, and sends it "
              "a message; that must arrive meanwhile.") {
    channel *pub = open_pub(t, "flood", "txt"), *sub = open_sub(t, "in", "txt");
    end *e = stalled_end(t, pub);
    package p = message(e, sub->slot_in, "meanwhile");
    send_package(e, &p);
    expect_received(sub, "meanwhile");
}

CASE(LINK, 24, 1, .roles = ROLES_BOTH, .needs = TALK " close host", .takes = 1.3,
     .title = "nothing is delivered while closing",
     .about =
         "Takes nothing, has the peer publish a message larger than all buffers and close, and "
         "sends it a message while it is closing; that message must not be received.") {
    channel *pub = open_pub(t, "flood", "txt"), *sub = open_sub(t, "in", "txt");
    end *e = stalled_end(t, pub);
    ask(t, "close", "{s:s}", "connection", e->connection);
    while (strcmp(state_of(e), "closing") != 0) {
        if (find_event(t, "closed", e->connection))
            skip(t, "the peer closes at once; LINK-12 judges that");
        run_for(t, 0.005);
    }
    package p = message(e, sub->slot_in, "too late");
    send_package(e, &p);
    await_event(t, "closed", e->connection, 4 * patience(t));
    expect_no_message(sub);
}

const struct test_case *const close_cases[] = {
    &LINK_12_1, &LINK_12_2, &LINK_12_4, &LINK_12_3, &LINK_13_1, &LINK_14_1, &LINK_14_2, &LINK_15_1,
    &LINK_16_1, &LINK_17_1, &LINK_17_2, &LINK_17_3, &LINK_18_1, &LINK_18_2, &LINK_18_3, &LINK_19_1,
    &LINK_20_1, &LINK_20_2, &LINK_21_1, &LINK_22_1, &LINK_23_1, &LINK_24_1, NULL};
