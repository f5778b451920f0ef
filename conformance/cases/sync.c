/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 12.1 of the specification: sync mode. The harness plays the other side at byte level. */
#include "cases/cases.h"

#include <math.h>
#include <string.h>

#define READER "open send recv bin txt sync_mode"
#define WRITER "open send recv bin txt"

enum { HIGH = 32, LOW = 16 };

/* ---- The peer reads ---- */

static channel *open_reader(tester *t, const char *type) {
    channel *sub = open_sub(t, "flow", type);
    call(t, "sync_mode", "{s:s, s:b}", "channel", sub->name, "on", 1);
    return sub;
}

static void feed(end *e, const channel *sub, int count) {
    for (int i = 0; i < count; i++) {
        package p = message(e, sub->slot_in, "x");
        send_package(e, &p);
    }
}

static void consume(channel *sub, int count) {
    for (int i = 0; i < count; i++)
        expect_received(sub, "x");
}

static bool is_word(const item *got, const char *word) {
    return got->kind == ITEM_PACKAGE && got->p.size == strlen(word) &&
           memcmp(got->p.payload, word, got->p.size) == 0;
}

/* The word must come, and may have an `ok` before it that the peer says at its first look. */
static const item *expect_word(end *e, const channel *sub, const char *word, bool first) {
    const item *got = next_event(e, patience(e->t));
    if (got != NULL && first && is_word(got, "ok") && strcmp(word, "ok") != 0)
        got = next_event(e, patience(e->t));
    check(e->t, got != NULL, "the word `%s` did not come", word);
    check(e->t, got->kind == ITEM_PACKAGE, "the stream ended or a signal came; expected `%s`",
          word);
    const package want = {
        .slot = sub->slot_out, .source_id = e->peer_id, .payload = word, .size = strlen(word)};
    compare(e, got, &want, SLOT | SOURCE_ID | DEST_ID | DEST_SEQ | PAYLOAD);
    return got;
}

/* What came before the barrier is at most the `ok` of SYNC-11. */
static void expect_no_word(tester *t, end *e, bool first) {
    barrier(t);
    const item *got = first ? next_event(e, 0) : NULL;
    if (got != NULL && !is_word(got, "ok"))
        fail(t, "something came, though nothing was to be said");
    expect_nothing(e);
}

CASE(SYNC, 1, 1, .roles = ROLES_BOTH, .needs = READER, .title = "`full` above 32 messages, once",
     .about = "Sends 32 messages to a channel of the peer in sync mode; it must say nothing but "
              "`ok`. The messages after them must make it say `full`, once.") {
    channel *sub = open_reader(t, "txt");
    end *e = establish(t);
    feed(e, sub, HIGH);
    barrier(t);
    const item *got = next_event(e, 0);
    check(t, got == NULL || is_word(got, "ok"), "it said something at 32 messages");
    feed(e, sub, 2); /* the second brings one more look */
    expect_word(e, sub, "full", got == NULL);
    feed(e, sub, 40);
    expect_no_word(t, e, false);
}

CASE(SYNC, 2, 1, .roles = ROLES_BOTH, .needs = READER, .title = "`ok` below 16 messages, once",
     .about = "Fills a channel in sync mode and reads until 16 are left; it must say nothing. "
              "Below that it must say `ok`, once.") {
    channel *sub = open_reader(t, "txt");
    end *e = establish(t);
    feed(e, sub, HIGH + 2);
    expect_word(e, sub, "full", true);
    consume(sub, HIGH + 2 - LOW);
    expect_no_word(t, e, false);
    consume(sub, 2); /* the second brings one more look */
    expect_word(e, sub, "ok", false);
    consume(sub, LOW - 2);
    expect_no_word(t, e, false);
}

CASE(SYNC, 3, 1, .roles = ROLES_BOTH, .needs = READER, .takes = 4.5,
     .title = "the word is said again after 4 s",
     .about = "Fills a channel in sync mode and leaves it alone; the first message that comes "
              "more than 4 s after `full` must make it say `full` again, none before.") {
    channel *sub = open_reader(t, "txt");
    end *e = establish(t);
    end_keep_alive(e, true);
    feed(e, sub, HIGH + 2);
    double said = expect_word(e, sub, "full", true)->first;
    run_for(t, said + 3.5 - now());
    feed(e, sub, 1);
    bool early = now() - said < 3.9;
    if (early) /* else the machine stood still, and nothing can be said */
        expect_no_word(t, e, false);
    run_for(t, fmax(said + 4.1 - now(), 0));
    feed(e, sub, 1);
    expect_word(e, sub, "full", false);
}

CASE(SYNC, 4, 1, .roles = ROLES_BOTH, .needs = READER " obj",
     .title = "words are text, whatever the type",
     .about = "Fills channels of types bin and obj in sync mode; the word must be the four letters "
              "`full`.") {
    channel *bin = open_reader(t, "bin"), *obj = open_reader(t, "obj");
    end *e = establish(t);
    feed(e, bin, HIGH + 2);
    expect_word(e, bin, "full", true);
    for (int i = 0; i < HIGH + 2; i++) {
        package p = message(e, obj->slot_in, "n");
        send_package(e, &p);
    }
    expect_word(e, obj, "full", true);
}

CASE(SYNC, 8, 1, .roles = ROLES_BOTH, .needs = READER,
     .title = "`ok` when sync mode ends while it is full",
     .about = "Fills a channel in sync mode and switches that off; `ok` must come, and nothing for "
              "what arrives then.") {
    channel *sub = open_reader(t, "txt");
    end *e = establish(t);
    feed(e, sub, HIGH + 2);
    expect_word(e, sub, "full", true);
    call(t, "sync_mode", "{s:s, s:b}", "channel", sub->name, "on", 0);
    expect_word(e, sub, "ok", false);
    feed(e, sub, HIGH + 2);
    expect_no_word(t, e, false);
}

CASE(SYNC, 9, 1, .roles = ROLES_BOTH, .needs = READER, .title = "no word outside of sync mode",
     .about = "Fills a channel that never was in sync mode, and reads it empty; nothing may be "
              "said.") {
    channel *sub = open_sub(t, "flow", "txt");
    end *e = establish(t);
    feed(e, sub, 2 * HIGH);
    barrier(t);
    consume(sub, 2 * HIGH);
    expect_no_word(t, e, false);
}

/* ---- The peer writes ---- */

static void say_as(end *e, const channel *pub, uint64_t source, uint64_t seq, const char *word) {
    package p = message(e, pub->slot_in, word);
    if (source != e->id) {
        e->seq--; /* it is not one of the end's own */
        p.source_id = source;
        p.source_seq = seq;
    }
    send_package(e, &p);
}

static void say(end *e, const channel *pub, const char *word) { say_as(e, pub, e->id, 0, word); }

/* How long the peer's send of a message takes; the message must come. */
static double send_and_see(end *e, channel *pub, const char *text) {
    double before = now();
    publish(pub, text);
    double took = now() - before;
    const package want = {.slot = pub->slot_out, .payload = text, .size = strlen(text)};
    expect_package(e, &want, SLOT | PAYLOAD);
    return took;
}

static void expect_held(end *e, channel *pub) {
    double took = send_and_see(e, pub, "held");
    check(e->t, took >= 0.9 && took <= 1 + 5 * slack(e->t),
          "a send took %.2f s; it was to be held for 1 s", took);
}

/* A send that is not held does not take half of the time one is held for. */
static void expect_free(end *e, channel *pub) {
    double took = send_and_see(e, pub, "free");
    check(e->t, took < 0.5 + slack(e->t), "a send took %.2f s, and was not to be held", took);
}

CASE(SYNC, 5, 1, .roles = ROLES_BOTH, .needs = WRITER, .takes = 1.2,
     .title = "`full` holds a send for 1 s at most",
     .about = "Says `full` to a pub channel of the peer; the next send must be held for 1 s, and "
              "then be sent all the same.") {
    channel *pub = open_pub(t, "flow", "txt");
    end *e = establish(t);
    expect_free(e, pub);
    say(e, pub, "full");
    barrier(t);
    expect_held(e, pub);
}

CASE(SYNC, 5, 2, .roles = ROLES_BOTH, .needs = WRITER, .takes = 1.2,
     .title = "one full reader of two is enough",
     .about = "Two contexts say `full` and one of them `ok`; a send must still be held, and not "
              "when the other has said `ok` too.") {
    channel *pub = open_pub(t, "flow", "txt");
    end *e = establish(t);
    say(e, pub, "full");
    say_as(e, pub, 77, 1, "full");
    say(e, pub, "ok");
    barrier(t);
    expect_held(e, pub);
    say_as(e, pub, 77, 2, "ok");
    barrier(t);
    expect_free(e, pub);
}

CASE(SYNC, 6, 1, .roles = ROLES_BOTH, .needs = WRITER, .timed = true,
     .title = "any word but `full` counts as `ok`",
     .about = "Says `full` and then something else to a pub channel of the peer, of several kinds; "
              "no send may be held.") {
    static const char *words[] = {"ok", "what?", "full ", "FULL", "ful"};
    channel *pub = open_pub(t, "flow", "txt");
    end *e = establish(t);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        say(e, pub, "full");
        say(e, pub, words[i]);
        barrier(t);
        expect_free(e, pub);
    }
}

CASE(SYNC, 7, 1, .roles = ROLES_BOTH, .needs = WRITER, .takes = 10.5,
     .title = "10 s after the last `full` sends are free",
     .about = "Says `full` to a pub channel of the peer, and nothing more; a send 9 s later must "
              "be held, at least to the tenth, one after 10 s not.") {
    channel *pub = open_pub(t, "flow", "txt");
    end *e = establish(t);
    end_keep_alive(e, true);
    say(e, pub, "full");
    barrier(t);
    double said = now();
    run_for(t, 8.5);
    if (now() - said < 8.8) /* else the machine stood still */
        expect_held(e, pub);
    run_for(t, fmax(said + 10.1 + slack(t) - now(), 0));
    expect_free(e, pub);
}

CASE(SYNC, 10, 1, .roles = ROLES_BOTH, .needs = WRITER, .takes = 10.5,
     .title = "the word of each source runs out by itself",
     .about = "One context says `full` and falls silent; another says `full` and `ok` 9 s later. A "
              "send 10 s after the first `full` should not be held.") {
    channel *pub = open_pub(t, "flow", "txt");
    end *e = establish(t);
    end_keep_alive(e, true);
    say_as(e, pub, 77, 1, "full");
    barrier(t);
    double said = now();
    run_for(t, 9);
    say(e, pub, "full");
    say(e, pub, "ok");
    barrier(t);
    run_for(t, fmax(said + 10.1 + slack(t) - now(), 0));
    expect_free(e, pub);
}

const struct test_case *const sync_cases[] = {&SYNC_1_1, &SYNC_2_1, &SYNC_3_1,  &SYNC_4_1,
                                              &SYNC_5_1, &SYNC_5_2, &SYNC_6_1,  &SYNC_7_1,
                                              &SYNC_8_1, &SYNC_9_1, &SYNC_10_1, NULL};
