/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 13.2 of the specification: the replier. The harness plays the requesters.
 *
 * A replier works its queue off in order: what it did about one package is there before what it
 * does about the next. Where nothing may come, a later package shows that nothing came. */
#include "cases/cases.h"

#include <string.h>

#include "cases/negotiation.h"

#define REPLIES "open rep_mode"
#define STRANGER UINT64_C(0x0123456789abcdef) /* a context behind the end */

static channel *open_rep(tester *t) {
    channel *rep = open_channel(t, "rep", "calc", "obj");
    call(t, "rep_mode", "{s:s, s:s}", "channel", rep->name, "mode", "thread");
    return rep;
}

static void offer(end *e, const channel *rep, uint64_t id) { say(e, rep, 0, id, "req?"); }
static void withdraw(end *e, const channel *rep, uint64_t id) { say(e, rep, 0, id, "req-"); }
static void expect_invitation(end *e, const channel *rep, uint64_t id) {
    expect_word(e, rep, e->id, id, "req!");
}

/* The peer's replier waits for request 100: what is offered from now on waits in its list. */
static end *keep_waiting(tester *t, channel **rep) {
    *rep = open_rep(t);
    end *e = establish(t);
    offer(e, *rep, 100);
    expect_invitation(e, *rep, 100);
    return e;
}

CASE(REQREP, 2, 2, .roles = ROLES_BOTH, .needs = REPLIES,
     .title = "`req!` carries the id plus 2^63, the reply the id",
     .about = "Offers request 77 and hands it over; dest_seq must be 2^63+77 in `req!` and 77 in "
              "the reply.") {
    channel *rep = open_rep(t);
    end *e = establish(t);
    offer(e, rep, 77);
    expect_invitation(e, rep, 77);
    ask_echo(e, rep, 77);
    withdraw(e, rep, 77);
    expect_echo(e, rep, 77);
}

CASE(REQREP, 14, 1, .roles = ROLES_BOTH, .needs = REPLIES,
     .title = "offers wait in their order, a repeated one at the tail",
     .about = "While the peer waits for one request, offers 1, 2, 3 and 1 again and withdraws 3; "
              "set free again and again it must ask for 2, then for 1, and then only for 4.") {
    channel *rep;
    end *e = keep_waiting(t, &rep);
    offer(e, rep, 1);
    offer(e, rep, 2);
    offer(e, rep, 3);
    offer(e, rep, 1);
    withdraw(e, rep, 3);
    withdraw(e, rep, 100);
    expect_invitation(e, rep, 2);
    withdraw(e, rep, 2);
    expect_invitation(e, rep, 1);
    withdraw(e, rep, 1);
    offer(e, rep, 4);
    expect_invitation(e, rep, 4);
}

CASE(REQREP, 14, 2, .roles = ROLES_BOTH, .needs = REPLIES,
     .title = "a request is known by source and id together",
     .about = "Two contexts offer a request 1; the first withdraws its own. The peer must ask the "
              "second one.") {
    channel *rep;
    end *e = keep_waiting(t, &rep);
    say_as(e, rep, STRANGER, 1, 0, 1, "req?");
    offer(e, rep, 1);
    say_as(e, rep, STRANGER, 2, 0, 1, "req-");
    withdraw(e, rep, 100);
    expect_invitation(e, rep, 1);
    withdraw(e, rep, 1);
    say_as(e, rep, STRANGER, 3, 0, 2, "req?");
    expect_word(e, rep, STRANGER, 2, "req!");
}

CASE(REQREP, 15, 1, .roles = ROLES_BOTH, .needs = REPLIES,
     .title = "a free replier asks the requester for its request",
     .about = "Offers a request on behalf of a context behind the harness; `req!` must be directed "
              "at that context.") {
    channel *rep = open_rep(t);
    end *e = establish(t);
    say_as(e, rep, STRANGER, 1, 0, 5, "req?");
    expect_word(e, rep, STRANGER, 5, "req!");
}

CASE(REQREP, 16, 1, .roles = ROLES_BOTH, .needs = REPLIES, .takes = 0.6,
     .title = "who waits or executes asks for nothing",
     .about = "Offers request 2 while the peer waits for request 100, and request 3 while it "
              "executes that; only after the reply it may ask, for 2 first.") {
    channel *rep;
    end *e = keep_waiting(t, &rep);
    offer(e, rep, 2);
    run_for(t, 0.2); /* the chance to do it wrong, before more comes into its queue */
    const bytes args[2] = {object_integer(100), object_float(0.3)};
    const bytes request = object_request("echo", 2, args);
    hand(e, rep, e->peer_id, 100, request.data, request.size);
    withdraw(e, rep, 100);
    offer(e, rep, 3);
    expect_echo(e, rep, 100);
    expect_invitation(e, rep, 2);
}

CASE(REQREP, 17, 1, .roles = ROLES_BOTH, .needs = REPLIES,
     .title = "free after a reply, and after `req-`",
     .about = "The peer waits for a request that is withdrawn, then for one that it gets; each "
              "time it must ask for the next one then.") {
    channel *rep;
    end *e = keep_waiting(t, &rep);
    offer(e, rep, 1);
    offer(e, rep, 2);
    withdraw(e, rep, 99); /* not the one it waits for */
    withdraw(e, rep, 100);
    expect_invitation(e, rep, 1);
    ask_echo(e, rep, 1);
    withdraw(e, rep, 1);
    expect_echo(e, rep, 1);
    expect_invitation(e, rep, 2);
}

CASE(REQREP, 17, 2, .roles = ROLES_BOTH, .needs = REPLIES, .takes = 10.5,
     .title = "free 10 s after a `req!` in vain",
     .about = "Does not hand over the request that the peer asked for; it must ask for another one "
              "after 10 s.") {
    channel *rep;
    end *e = keep_waiting(t, &rep);
    double asked = now();
    offer(e, rep, 1);
    end_keep_alive(e, true);
    const item *got = next_event(e, 11 + slack(t));
    check(t, got != NULL && got->kind == ITEM_PACKAGE, "no `req!` came within 11 s");
    const package want = {.slot = rep->slot_out,
                          .dest_id = e->id,
                          .dest_seq = 1 + NEGOTIATION,
                          .payload = "req!",
                          .size = 4};
    compare(e, got, &want, SLOT | DEST_ID | DEST_SEQ | PAYLOAD);
    check(t, got->first - asked >= 10 - slack(t), "it came after %.2f s", got->first - asked);
}

CASE(REQREP, 18, 1, .roles = ROLES_BOTH, .needs = REPLIES,
     .title = "a reply goes to the requester, with its id",
     .about = "A context behind the harness hands over request 9; the reply must be directed at "
              "it, with 9 in dest_seq.") {
    channel *rep = open_rep(t);
    end *e = establish(t);
    const bytes number = object_integer(1);
    const bytes request = object_request("echo", 1, &number);
    package p = message_bytes(e, rep->slot_in, request.data, request.size);
    p.source_id = STRANGER;
    p.dest_id = e->peer_id;
    p.dest_seq = 9;
    send_package(e, &p);
    const bytes result = object_echoed(e, &number);
    expect_object(e, rep, STRANGER, 9, result.data, result.size);
}

CASE(REQREP, 19, 1, .roles = ROLES_BOTH, .needs = REPLIES,
     .title = "what fails is answered by an error reply",
     .about = "Calls echo without an argument; the reply must be the tuple of "
              "yoton_ERROR_HANDLING_REQUEST and a message.") {
    channel *rep = open_rep(t);
    end *e = establish(t);
    const bytes request = object_request("echo", 0, NULL);
    hand(e, rep, e->peer_id, 1, request.data, request.size);
    expect_error_reply(e, rep, 1);
}

CASE(REQREP, 20, 1, .roles = ROLES_BOTH, .needs = REPLIES,
     .title = "a request that was never negotiated is answered",
     .about = "Sends requests at the peer without a word before, one of them while it waits for "
              "another; both must be answered.") {
    channel *rep = open_rep(t);
    end *e = establish(t);
    ask_echo(e, rep, 3);
    expect_echo(e, rep, 3);
    offer(e, rep, 100);
    expect_invitation(e, rep, 100);
    ask_echo(e, rep, 4);
    expect_echo(e, rep, 4);
}

CASE(REQREP, 21, 1, .roles = ROLES_BOTH, .needs = REPLIES,
     .title = "only methods that are offered are called",
     .about = "Calls names that are no methods of the program, such as close and set_mode; each "
              "must be answered by an error reply, and the channel still serve.") {
    static const char *names[] = {"zap",     "",          "close",   "set_mode", "__init__",
                                  "__str__", "pending",   "closed",  "ECHO",     "echo ",
                                  "_recv",   "slot_base", "received"};
    channel *rep = open_rep(t);
    end *e = establish(t);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const bytes request = object_request(names[i], 0, NULL);
        hand(e, rep, e->peer_id, i + 1, request.data, request.size);
        expect_error_reply(e, rep, i + 1);
    }
    ask_echo(e, rep, 99);
    expect_echo(e, rep, 99);
}

CASE(REQREP, 22, 1, .roles = ROLES_BOTH, .needs = REPLIES " options max_message",
     .title = "a result that cannot be sent is an error reply",
     .about = "Limits the peer's messages to 100 bytes and has it echo so much that the request is "
              "within the limit and the result is not; the reply must be a failure.") {
    char text[88 + 1] = {0};
    memset(text, 'x', 82);
    call(t, "options", "{s:i}", "max_message", 100);
    channel *rep = open_rep(t);
    end *e = establish(t);
    const bytes argument = object_text(text);
    const bytes request = object_request("echo", 1, &argument);
    check(t, request.size <= 100, "the case is wrong: its request has %zu bytes", request.size);
    hand(e, rep, e->peer_id, 1, request.data, request.size);
    expect_error_reply(e, rep, 1);
    ask_echo(e, rep, 2);
    expect_echo(e, rep, 2);
}

/* Requests that are none, as Python would write them, and their bytes. */
static const struct {
    const char *what;
    size_t size;
    uint8_t data[32];
} malformed[] = {
    {"None", 1, "n"},
    {"a text", 6, "s\4echo"},
    {"()", 2, "t\0"},
    {"('echo', (1,))", 19, "t\2s\4echot\1i\1\0\0\0\0\0\0\0"},
    {"('echo', (), {}, None)", 13, "t\4s\4echot\0d\0n"},
    {"['echo', (), {}]", 12, "l\3s\4echot\0d\0"},
    {"(1, (), {})", 15, "t\3i\1\0\0\0\0\0\0\0t\0d\0"},
    {"('echo', None, {})", 11, "t\3s\4echond\0"},
    {"('echo', (), None)", 11, "t\3s\4echot\0n"},
    {"('echo', (), {1: 2})", 30, "t\3s\4echot\0d\1i\1\0\0\0\0\0\0\0i\2\0\0\0\0\0\0\0"},
    {"bytes that are no object", 4, "\xff\xfe?!"},
    {"an object that is cut", 4, "t\3s\4"},
};

CASE(REQREP, 23, 1, .roles = ROLES_BOTH, .needs = REPLIES,
     .title = "what is no request is answered by an error reply",
     .about = "Sends objects that are not the tuple of name, arguments and named arguments, and "
              "bytes that are no object; each must be answered by an error reply.") {
    channel *rep = open_rep(t);
    end *e = establish(t);
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        note(t, "request %zu is %s", i + 1, malformed[i].what);
        hand(e, rep, e->peer_id, i + 1, malformed[i].data, malformed[i].size);
        expect_error_reply(e, rep, i + 1);
    }
    ask_echo(e, rep, 99);
    expect_echo(e, rep, 99);
}

CASE(REQREP, 24, 1, .roles = ROLES_BOTH, .needs = REPLIES " send recv bin", .timed = true,
     .title = "a replier that is off answers nothing",
     .about = "Opens one replier that stays off and one that is switched off again, offers and "
              "sends requests to both; nothing may come.") {
    channel *never = open_channel(t, "rep", "never", "obj");
    channel *rep = open_rep(t);
    end *e = establish(t);
    ask_echo(e, rep, 1);
    expect_echo(e, rep, 1);
    call(t, "rep_mode", "{s:s, s:s}", "channel", rep->name, "mode", "off");
    offer(e, never, 1);
    ask_echo(e, never, 2);
    offer(e, rep, 3);
    ask_echo(e, rep, 4);
    barrier(t);
    run_for(t, 0.2); /* a thread that answers all the same needs a moment; this only adds chances */
    barrier(t);
    expect_nothing(e);
}

CASE(REQREP, 25, 1, .roles = ROLES_BOTH, .needs = REPLIES " options context_id",
     .title = "echo answers its argument and the replier's id",
     .about = "Gives the peer an id that begins with zeros and calls echo; the reply must be the "
              "tuple of the argument and `0x` with the id's digits, without the zeros.") {
    call(t, "options", "{s:s}", "context_id", "0000000000abcdef");
    channel *rep = open_rep(t);
    end *e = establish(t);
    const bytes parts[2] = {object_none(), object_text("text")};
    const bytes argument = object_tuple(2, parts);
    const bytes request = object_request("echo", 1, &argument);
    hand(e, rep, UINT64_C(0xabcdef), 1, request.data, request.size);
    const bytes result[2] = {argument, object_text("0xabcdef")};
    const bytes reply = object_tuple(2, result);
    const package want = {
        .dest_id = e->id, .dest_seq = 1, .payload = reply.data, .size = reply.size};
    compare(e, next_of(e, rep, "the reply"), &want, DEST_ID | DEST_SEQ | PAYLOAD);
}

CASE(REQREP, 25, 2, .roles = ROLES_BOTH, .needs = REPLIES, .takes = 0.4,
     .title = "echo sleeps first when it is asked to",
     .about = "Calls echo with sleep=0.3; the reply must not come earlier.") {
    channel *rep = open_rep(t);
    end *e = establish(t);
    const bytes args[2] = {object_integer(1), object_float(0.3)};
    const bytes request = object_request("echo", 2, args);
    double asked = now();
    hand(e, rep, e->peer_id, 1, request.data, request.size);
    const bytes result = object_echoed(e, &args[0]);
    const item *got = expect_object(e, rep, e->id, 1, result.data, result.size);
    check(t, got->first - asked >= 0.3, "the reply came after %.3f s", got->first - asked);
}

/* Waits until the replier has worked its queue off, which is bounded itself (LIMIT-3). */
static void await_worked_off(tester *t, const channel *rep) {
    double until = now() + patience(t);
    for (;;) {
        json_t *reply = call(t, "pending", "{s:s}", "channel", rep->name);
        json_int_t count = json_integer_value(json_object_get(reply, "count"));
        if (count == 0)
            return;
        check(t, now() < until, "the replier still has %lld packages in its queue after %.0f s",
              (long long)count, patience(t));
        run_for(t, 0.005);
    }
}

/* Offers requests, the first of them 1001, to a replier that waits for request 100. */
static void offer_many(end *e, const channel *rep, uint64_t count) {
    enum { PIECE = 2000, SIZE = 56 + 4 };
    uint8_t *one, all[PIECE * SIZE];
    for (uint64_t id = 1001; id <= 1000 + count;) {
        size_t size = 0;
        for (; id <= 1000 + count && size < sizeof all; id++) {
            package p = message(e, rep->slot_in, "req?");
            p.dest_seq = NEGOTIATION + id;
            size_t length = package_bytes(&p, &one);
            memcpy(all + size, one, length);
            size += length;
        }
        send_bytes(e, all, size, "up to 2000 offers");
        barrier(e->t);
        await_worked_off(e->t, rep);
    }
}

CASE(REQREP, 26, 1, .roles = ROLES_BOTH, .needs = REPLIES " send recv bin pending", .takes = 0.5,
     .title = "the list of offers is bounded, the oldest goes",
     .about = "While the peer waits for a request, offers 10001 others, and withdraws the first; "
              "what it asks for next must be the second of the offers, since the first was "
              "struck.") {
    channel *rep;
    end *e = keep_waiting(t, &rep);
    set_patience(t, 20); /* a list that is searched takes its time */
    offer_many(e, rep, 10001);
    withdraw(e, rep, 100);
    expect_invitation(e, rep, 1002);
}

CASE(LIMIT, 9, 1, .roles = ROLES_BOTH, .needs = REPLIES " send recv bin pending", .takes = 0.5,
     .title = "10000 offers are remembered",
     .about = "While the peer waits for a request, offers 10000 others, and withdraws the first; "
              "what it asks for next must be the oldest of them.") {
    channel *rep;
    end *e = keep_waiting(t, &rep);
    set_patience(t, 20);
    offer_many(e, rep, 10000);
    withdraw(e, rep, 100);
    expect_invitation(e, rep, 1001);
}

CASE(REQREP, 27, 1, .roles = ROLES_BOTH, .needs = REPLIES,
     .title = "a request for everybody is for nobody",
     .about = "Sends a request with dest_id 0, and then one that is directed at the peer; only the "
              "second may be answered.") {
    channel *rep = open_rep(t);
    end *e = establish(t);
    const bytes number = object_integer(1);
    const bytes request = object_request("echo", 1, &number);
    hand(e, rep, 0, 1, request.data, request.size);
    ask_echo(e, rep, 2);
    expect_echo(e, rep, 2);
}

CASE(REQREP, 28, 2, .roles = ROLES_BOTH, .needs = REPLIES,
     .title = "a replier ignores unknown words",
     .about = "Sends words other than `req?` and `req-` about a request that is offered; it must "
              "stay in the list, and nothing else get into it.") {
    static const char *words[] = {"req!", "req~", "req", "req--", "REQ-", "REQ?"};
    channel *rep;
    end *e = keep_waiting(t, &rep);
    offer(e, rep, 1);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        say(e, rep, 0, 1, words[i]);
        say(e, rep, 0, 100, words[i]);
        say(e, rep, 0, 50 + i, words[i]);
    }
    withdraw(e, rep, 100);
    expect_invitation(e, rep, 1);
    withdraw(e, rep, 1);
    offer(e, rep, 2);
    expect_invitation(e, rep, 2);
}

const struct test_case *const replies_cases[] = {
    &REQREP_2_2,  &REQREP_14_1, &REQREP_14_2, &REQREP_15_1, &REQREP_16_1, &REQREP_17_1,
    &REQREP_17_2, &REQREP_18_1, &REQREP_19_1, &REQREP_20_1, &REQREP_21_1, &REQREP_22_1,
    &REQREP_23_1, &REQREP_24_1, &REQREP_25_1, &REQREP_25_2, &REQREP_26_1, &REQREP_27_1,
    &LIMIT_9_1,   &REQREP_28_2, NULL};
