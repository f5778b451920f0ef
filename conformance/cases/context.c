/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 9 of the specification: messages between contexts, and what waits for a connection. */
#include "cases/cases.h"

#include <string.h>

enum { CONTEXT_SLOT = 2 };

static bool has_text(const item *got, const char *text) {
    return got->kind == ITEM_PACKAGE && got->p.size == strlen(text) &&
           memcmp(got->p.payload, text, got->p.size) == 0;
}

static package announcement(void) {
    return (package){.slot = CONTEXT_SLOT, .payload = "NEW_CONNECTION", .size = 14};
}

/* The next thing on e that is no heartbeat, NEW_CONNECTION included. */
static const item *next_of_any_kind(end *e, double seconds) {
    double late = now() + seconds;
    for (;;) {
        double left = late - now();
        const item *got = next_item(e, left > 0 ? left : 0);
        if (got == NULL || got->kind != ITEM_HEARTBEAT)
            return got;
    }
}

CASE(CTX, 1, 1, .roles = ROLE_CLIENT, .title = "a client announces itself",
     .about = "Lets the peer connect; the first package must be the text NEW_CONNECTION on slot 2, "
              "to everybody.") {
    end *e = establish(t);
    const item *got = next_of_any_kind(e, patience(t));
    check(t, got && got->kind == ITEM_PACKAGE, "no package came after the handshake");
    package want = announcement();
    want.source_id = e->peer_id;
    compare(e, got, &want, SLOT | SOURCE_ID | DEST_ID | PAYLOAD);
}

CASE(CTX, 1, 2, .roles = ROLE_CLIENT, .title = "it announces itself to the whole network",
     .about = "Lets the peer connect twice; the second NEW_CONNECTION must come on both.") {
    end *first = establish(t);
    const item *got = next_of_any_kind(first, patience(t));
    check(t, got && has_text(got, "NEW_CONNECTION"), "no NEW_CONNECTION came after the first");
    end *second = establish(t);
    got = next_of_any_kind(second, patience(t));
    check(t, got && has_text(got, "NEW_CONNECTION"), "none on the second connection");
    got = next_of_any_kind(first, patience(t));
    check(t, got && has_text(got, "NEW_CONNECTION"), "none about the second on the first");
}

CASE(CTX, 2, 1, .roles = ROLE_HOST, .needs = "open send recv bin",
     .title = "a host does not announce anything",
     .about = "Lets the peer accept two connections; no package may come on slot 2.") {
    end *ends[2] = {establish(t), establish(t)};
    barrier(t);
    for (int i = 0; i < 2; i++) {
        const item *got = next_of_any_kind(ends[i], 0);
        if (got && got->kind == ITEM_PACKAGE && got->p.slot == CONTEXT_SLOT)
            fail_at(ends[i], got, 8, "slot", "no context message from a host", "2");
    }
}

static void send_context_message(tester *t, const void *payload, size_t size) {
    end *a = establish(t), *b = establish(t);
    package p = message_bytes(a, CONTEXT_SLOT, payload, size);
    send_package(a, &p);
    expect_package(b, &p, EVERYTHING);
    barrier(t); /* fails when the connection is gone */
    expect_nothing(a);
    expect_nothing(b);
}

CASE(CTX, 4, 1, .roles = ROLES_BOTH, .needs = "open send recv bin",
     .title = "an unknown context message",
     .about = "Sends a text on slot 2 that no version knows; it must be forwarded, and the "
              "connection must stay and work.") {
    send_context_message(t, "WHATEVER_COMES", 14);
}

CASE(CTX, 4, 2, .roles = ROLES_BOTH, .needs = "open send recv bin",
     .title = "a context message that is no text",
     .about =
         "Sends bytes that are not UTF-8 on slot 2; they must be forwarded, and the connection "
         "must stay and work.") {
    send_context_message(t, "\xFF\xFE\x00", 3);
}

CASE(CTX, 4, 3, .roles = ROLES_BOTH, .needs = "open send recv bin",
     .title = "NEW_CONNECTION from elsewhere",
     .about = "Sends NEW_CONNECTION as a context further on would; it must be forwarded, and "
              "nothing else happens at a peer without state channels.") {
    send_context_message(t, "NEW_CONNECTION", 14);
}

CASE(CTX, 5, 1, .roles = ROLES_BOTH, .needs = "close_context",
     .title = "CLOSE_CONNECTION is not sent",
     .about = "Has the peer close its context and reads to the end of the stream; no package with "
              "the text CLOSE_CONNECTION may be among what it sends.") {
    end *e = establish(t);
    int request = ask(t, "close_context", NULL);
    for (;;) {
        const item *got = next_event(e, patience(t));
        check(t, got != NULL, "the stream did not end after the context was closed");
        if (got->kind == ITEM_END || got->kind == ITEM_RESET)
            break;
        if (has_text(got, "CLOSE_CONNECTION"))
            fail_at(e, got, 56, "payload", "anything else", "the reserved CLOSE_CONNECTION");
    }
    await_reply(t, request, patience(t));
}

CASE(CTX, 6, 1, .roles = ROLES_BOTH, .needs = "open send recv bin",
     .title = "CLOSE_CONNECTION closes nothing",
     .about = "Sends CLOSE_CONNECTION with the id of another end as source, as a forger would, and "
              "then with its own; both connections must stay and work.") {
    end *a = establish(t), *b = establish(t);
    package forged = message(a, CONTEXT_SLOT, "CLOSE_CONNECTION");
    forged.source_id = b->id;
    send_package(a, &forged);
    package own = message(a, CONTEXT_SLOT, "CLOSE_CONNECTION");
    send_package(a, &own);
    barrier(t);
    expect_package(b, &forged, EVERYTHING);
    expect_package(b, &own, EVERYTHING);
    barrier(t);
}

/* ---- Before the first connection ---- */

static void expect_texts(end *e, const channel *pub, const char *const *texts, int count) {
    for (int i = 0; i < count; i++) {
        package want = {.slot = pub->slot_out, .payload = texts[i], .size = strlen(texts[i])};
        expect_package(e, &want, SLOT | PAYLOAD);
    }
}

CASE(CTX, 7, 1, .roles = ROLES_BOTH, .needs = "open send txt",
     .title = "messages wait for the first connection",
     .about = "Has the peer publish three messages while it has no connection and one after it has "
              "one; all four must come, in this order.") {
    const char *const texts[] = {"first", "second", "third", "fourth"};
    channel *pub = open_pub(t, "early", "txt");
    for (int i = 0; i < 3; i++)
        publish(pub, texts[i]);
    end *e = establish(t);
    publish(pub, texts[3]);
    expect_texts(e, pub, texts, 4);
}

CASE(CTX, 7, 2, .roles = ROLES_BOTH, .needs = "open send txt",
     .title = "they go to the first connection only",
     .about = "Has the peer publish while it has no connection, makes two connections, and has it "
              "publish again; the second connection must get the second message alone.") {
    const char *const texts[] = {"early", "late"};
    channel *pub = open_pub(t, "early", "txt");
    publish(pub, texts[0]);
    end *first = establish(t), *second = establish(t);
    publish(pub, texts[1]);
    expect_texts(first, pub, texts, 2);
    expect_texts(second, pub, texts + 1, 1);
}

CASE(CTX, 8, 1, .roles = ROLE_HOST, .needs = "open send txt",
     .title = "a bind that waits keeps messages",
     .about = "Lets the peer bind and then publish three messages; who connects after that must "
              "get all three in order.") {
    const char *const texts[] = {"first", "second", "third"};
    channel *pub = open_pub(t, "waiting", "txt");
    uint16_t port = peer_bind(t, 0, NULL);
    for (int i = 0; i < 3; i++)
        publish(pub, texts[i]);
    end *e = dial(t, port);
    send_hello(e);
    expect_hello(e);
    expect_texts(e, pub, texts, 3);
}

/* As host only: a client's own NEW_CONNECTION would take a place in the queue. */
static void overfill(tester *t, const char *mode, const char *const *left, int count) {
    call(t, "options", "{s:[i,s]}", "queue", 4, mode);
    channel *pub = open_pub(t, "full", "txt");
    const char *const texts[] = {"1", "2", "3", "4", "5", "6"};
    for (int i = 0; i < 6; i++)
        publish(pub, texts[i]);
    end *e = establish(t);
    expect_texts(e, pub, left, count);
    publish(pub, "behind");
    const char *const last[] = {"behind"};
    expect_texts(e, pub, last, 1);
}

CASE(CTX, 9, 1, .roles = ROLE_HOST, .needs = "open send txt options",
     .title = "a full queue drops the oldest",
     .about = "Sets the queues to 4 packages, mode old, and has the peer publish 6 messages while "
              "it has no connection; the last 4 must come.") {
    const char *const left[] = {"3", "4", "5", "6"};
    overfill(t, "old", left, 4);
}

CASE(CTX, 9, 2, .roles = ROLE_HOST, .needs = "open send txt options", .title = "or the newest",
     .about = "Sets the queues to 4 packages, mode new, and has the peer publish 6 messages while "
              "it has no connection; the first 4 must come.") {
    const char *const left[] = {"1", "2", "3", "4"};
    overfill(t, "new", left, 4);
}

const struct test_case *const context_cases[] = {&CTX_1_1, &CTX_1_2, &CTX_2_1, &CTX_4_1, &CTX_4_2,
                                                 &CTX_4_3, &CTX_5_1, &CTX_6_1, &CTX_7_1, &CTX_7_2,
                                                 &CTX_8_1, &CTX_9_1, &CTX_9_2, NULL};
