/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 13.1 of the specification: the requester. The harness plays the repliers. */
#include "cases/cases.h"

#include <math.h>
#include <string.h>

#include "cases/negotiation.h"

#define CALLS "open call"
#define RESULTS "open call result"

/* The request that call_echo(number) makes, as bytes. */
static bytes echo_of(int number) {
    const bytes argument = object_integer(number);
    return object_request("echo", 1, &argument);
}

static void expect_request(end *e, const channel *req, uint64_t dest, uint64_t id, int number) {
    const bytes request = echo_of(number);
    expect_object(e, req, dest, id, request.data, request.size);
}

/* Two requests are offered. What is sent about the first is worked off in order, so that the
 * second, taken after it, shows what came of it. */
typedef struct two {
    end *e;
    channel *req;
    const char *first, *second; /* futures of echo(10) and echo(20) */
} two;

static two offer_two(tester *t) {
    two o = {.req = open_channel(t, "req", "calc", "obj"), .e = establish(t)};
    o.first = call_echo(o.req, 10);
    expect_word(o.e, o.req, 0, 1, "req?");
    o.second = call_echo(o.req, 20);
    expect_word(o.e, o.req, 0, 2, "req?");
    return o;
}

static void take(const two *o, uint64_t id) {
    say(o->e, o->req, o->e->peer_id, id, "req!");
    expect_request(o->e, o->req, o->e->id, id, (int)id * 10);
    expect_word(o->e, o->req, 0, id, "req-");
}

static void answer(const two *o, uint64_t id, int number) {
    const bytes result = object_integer(number);
    hand(o->e, o->req, o->e->peer_id, id, result.data, result.size);
}

CASE(REQREP, 1, 1, .roles = ROLES_BOTH, .needs = CALLS, .title = "requests are numbered from 1",
     .about = "Has the peer make three requests; they must be offered as 1, 2 and 3.") {
    channel *req = open_channel(t, "req", "calc", "obj");
    end *e = establish(t);
    for (uint64_t id = 1; id <= 3; id++) {
        call_echo(req, 5);
        /* an offer made again is older than the new one */
        const item *got;
        do {
            got = next_event(e, patience(t));
            check(t, got != NULL && got->kind == ITEM_PACKAGE, "request %llu was not offered",
                  (unsigned long long)id);
        } while (got->p.dest_seq - NEGOTIATION < id && got->p.dest_seq > NEGOTIATION);
        const package want = {.dest_seq = id + NEGOTIATION};
        compare(e, got, &want, DEST_SEQ);
    }
}

CASE(REQREP, 2, 1, .roles = ROLES_BOTH, .needs = CALLS,
     .title = "words carry the id plus 2^63, the request the id",
     .about = "Takes a request of the peer; dest_seq must be 2^63+1 in `req?` and `req-`, and 1 in "
              "the request.") {
    two o = offer_two(t);
    take(&o, 1);
}

CASE(REQREP, 3, 1, .roles = ROLES_BOTH, .needs = CALLS, .title = "words are text, requests objects",
     .about = "Takes a request of the peer; the payloads must be exactly the four letters of "
              "`req?`, the coded object, and the four letters of `req-`.") {
    two o = offer_two(t);
    take(&o, 2);
}

CASE(REQREP, 4, 1, .roles = ROLES_BOTH, .needs = CALLS, .title = "an offer is for everybody",
     .about = "Has the peer make a request before anybody is connected, and one after; both offers "
              "must come, with dest_id 0.") {
    channel *req = open_channel(t, "req", "calc", "obj");
    call_echo(req, 10);
    end *e = establish(t);
    expect_word(e, req, 0, 1, "req?");
    call_echo(req, 20);
    const item *got;
    do { /* the first may be offered again */
        got = next_event(e, patience(t));
        check(t, got != NULL && got->kind == ITEM_PACKAGE, "request 2 was not offered");
    } while (got->p.dest_seq == 1 + NEGOTIATION);
    const package want = {
        .slot = req->slot_out, .dest_seq = 2 + NEGOTIATION, .payload = "req?", .size = 4};
    compare(e, got, &want, SLOT | DEST_ID | DEST_SEQ | PAYLOAD);
}

CASE(REQREP, 5, 1, .roles = ROLES_BOTH, .needs = CALLS, .takes = 1.6,
     .title = "offers are repeated every 0.5 to 1 s",
     .about = "Has the peer make a request and answers nothing; `req?` must come again twice, each "
              "0.5 to 1 s after the one before.") {
    channel *req = open_channel(t, "req", "calc", "obj");
    end *e = establish(t);
    call_echo(req, 10);
    double before = 0;
    end_keep_alive(e, true);
    for (int i = 0; i < 3; i++) {
        const item *got = next_event(e, 1 + slack(t) + (i == 0 ? patience(t) : 0));
        check(t, got != NULL, "offer %d did not come within 1 s", i + 1);
        const package want = {
            .slot = req->slot_out, .dest_seq = 1 + NEGOTIATION, .payload = "req?", .size = 4};
        compare(e, got, &want, SLOT | DEST_SEQ | PAYLOAD);
        double gap = got->first - before;
        if (i > 0)
            check(t, gap >= 0.5 - slack(t) && gap <= 1 + slack(t),
                  "offer %d came %.2f s after the one before", i + 1, gap);
        before = got->first;
    }
}

CASE(REQREP, 6, 1, .roles = ROLES_BOTH, .needs = RESULTS,
     .title = "the first who asks gets the request",
     .about = "Two repliers say `req!` for one request, the second when the first has it; the "
              "request must be directed at the first, and only once.") {
    two o = offer_two(t);
    end *late = establish(t);
    take(&o, 1);
    say(late, o.req, late->peer_id, 1, "req!");
    say(late, o.req, late->peer_id, 2, "req!");
    expect_request(o.e, o.req, late->id, 2, 20); /* all that comes after the first */
    expect_word(o.e, o.req, 0, 2, "req-");
    answer(&o, 1, 77);
    expect_result(t, o.first, 77);
}

CASE(REQREP, 7, 1, .roles = ROLES_BOTH, .needs = CALLS,
     .title = "name, positional and named arguments",
     .about = "Has the peer call a method with two arguments and a named one; the request must be "
              "the tuple of a string, a tuple and a dictionary.") {
    static const uint8_t named[] = {'d', 1, 's', 5, 's', 'l', 'e', 'e', 'p'};
    channel *req = open_channel(t, "req", "calc", "obj");
    end *e = establish(t);
    call(t, "call", "{s:s, s:s, s:[s, i], s:{s:{s:s}}}", "channel", req->name, "method", "echo",
         "args", "a", 7, "kwargs", "sleep", "float", "0.5");
    expect_word(e, req, 0, 1, "req?");
    say(e, req, e->peer_id, 1, "req!");
    const bytes args[2] = {object_text("a"), object_integer(7)};
    const bytes half = object_float(0.5);
    bytes kwargs = {.size = sizeof named};
    memcpy(kwargs.data, named, sizeof named);
    memcpy(kwargs.data + kwargs.size, half.data, half.size);
    kwargs.size += half.size;
    const bytes parts[3] = {object_text("echo"), object_tuple(2, args), kwargs};
    const bytes request = object_tuple(3, parts);
    expect_object(e, req, e->id, 1, request.data, request.size);
}

CASE(REQREP, 8, 1, .roles = ROLES_BOTH, .needs = CALLS, .title = "`req-` follows the request",
     .about = "Takes a request of the peer; behind it `req-` must come, to everybody.") {
    two o = offer_two(t);
    end *other = establish(t);
    take(&o, 1);
    expect_request(other, o.req, o.e->id, 1, 10);
    expect_word(other, o.req, 0, 1, "req-");
}

CASE(REQREP, 9, 1, .roles = ROLES_BOTH, .needs = RESULTS,
     .title = "replies that fit no request are ignored",
     .about = "Sends replies to a request that is only offered and to one that does not exist, and "
              "a second reply; none may become a result.") {
    two o = offer_two(t);
    answer(&o, 1, 66);
    answer(&o, 99, 66);
    take(&o, 2);
    answer(&o, 2, 22);
    answer(&o, 2, 23);
    take(&o, 1);
    answer(&o, 1, 11);
    expect_result(t, o.first, 11);
    expect_result(t, o.second, 22);
}

CASE(REQREP, 9, 2, .roles = ROLES_BOTH, .needs = RESULTS " cancel",
     .title = "`req!` that fits no request is ignored",
     .about = "Says `req!` for a request that is taken, for one that is cancelled and for one that "
              "does not exist; nothing may come of it.") {
    two o = offer_two(t);
    const char *third = call_echo(o.req, 30);
    expect_word(o.e, o.req, 0, 3, "req?");
    take(&o, 1);
    json_t *reply = call(t, "cancel", "{s:s}", "future", third);
    check(t, json_is_true(json_object_get(reply, "cancelled")),
          "a request that nobody took was not cancelled");
    expect_word(o.e, o.req, 0, 3, "req-");
    say(o.e, o.req, o.e->peer_id, 1, "req!");
    say(o.e, o.req, o.e->peer_id, 3, "req!");
    say(o.e, o.req, o.e->peer_id, 99, "req!");
    take(&o, 2);
    answer(&o, 1, 11);
    expect_result(t, o.first, 11);
}

CASE(REQREP, 9, 3, .roles = ROLES_BOTH, .needs = RESULTS,
     .title = "whom a reply comes from is not judged",
     .about = "Another context than the one that took the request sends the reply; it counts.") {
    two o = offer_two(t);
    end *other = establish(t);
    take(&o, 1);
    const bytes result = object_integer(5);
    hand(other, o.req, other->peer_id, 1, result.data, result.size);
    expect_result(t, o.first, 5);
}

CASE(REQREP, 10, 1, .roles = ROLES_BOTH, .needs = RESULTS,
     .title = "what is for everybody is not for a requester",
     .about = "Says `req!` and sends a reply with dest_id 0; the peer must ignore both.") {
    two o = offer_two(t);
    say(o.e, o.req, 0, 1, "req!");
    take(&o, 2);
    const bytes result = object_integer(66);
    hand(o.e, o.req, 0, 2, result.data, result.size);
    answer(&o, 2, 22);
    expect_result(t, o.second, 22);
}

CASE(REQREP, 11, 1, .roles = ROLES_BOTH, .needs = RESULTS " cancel",
     .title = "a cancelled request is withdrawn",
     .about = "Has the peer cancel a request that nobody took; `req-` must go to everybody, and "
              "the request is sent to nobody after that.") {
    two o = offer_two(t);
    json_t *reply = call(t, "cancel", "{s:s}", "future", o.first);
    check(t, json_is_true(json_object_get(reply, "cancelled")), "it was not cancelled");
    expect_word(o.e, o.req, 0, 1, "req-");
    reply = result_of(t, o.first, patience(t));
    check(t, strcmp(reply_code(reply), "cancelled") == 0, "`result` of it says \"%s\"",
          reply_code(reply));
    say(o.e, o.req, o.e->peer_id, 1, "req!");
    take(&o, 2);
}

static void expect_cancelled_by_time(tester *t, double seconds, const char *future, end *e,
                                     const channel *req, double called) {
    double until = called + seconds + 1 + slack(t);
    const item *got;
    do {
        got = next_event(e, fmax(until - now(), 0));
        check(t, got != NULL, "no `req-` came within %.1f s", seconds + 1);
        check(t, got->kind == ITEM_PACKAGE, "the stream ended or a signal came");
    } while (got->p.size == 4 && memcmp(got->p.payload, "req?", 4) == 0);
    const package want = {
        .slot = req->slot_out, .dest_seq = 1 + NEGOTIATION, .payload = "req-", .size = 4};
    compare(e, got, &want, SLOT | DEST_ID | DEST_SEQ | PAYLOAD);
    check(t, got->first - called >= seconds - slack(t), "it was cancelled after %.2f s",
          got->first - called);
    json_t *reply = result_of(t, future, patience(t));
    check(t, strcmp(reply_code(reply), "cancelled") == 0, "`result` of it says \"%s\"",
          reply_code(reply));
}

CASE(REQREP, 12, 1, .roles = ROLES_BOTH, .needs = RESULTS, .takes = 0.9,
     .title = "what is not taken in the time set is cancelled",
     .about = "Has the peer make a request that is to be cancelled after 0.6 s, and answers "
              "nothing; `req-` must come no earlier and at most 1 s later.") {
    channel *req = open_channel(t, "req", "calc", "obj");
    end *e = establish(t);
    double called = now();
    json_t *reply = call(t, "call", "{s:s, s:s, s:[i], s:f}", "channel", req->name, "method",
                         "echo", "args", 1, "auto_cancel", 0.6);
    expect_cancelled_by_time(t, 0.6, json_string_value(json_object_get(reply, "future")), e, req,
                             called);
}

CASE(REQREP, 12, 2, .roles = ROLES_BOTH, .needs = RESULTS, .takes = 10.5,
     .title = "what is not taken within 10 s is cancelled",
     .about = "Has the peer make a request, and answers nothing; `req-` must come after 10 s.") {
    channel *req = open_channel(t, "req", "calc", "obj");
    end *e = establish(t);
    end_keep_alive(e, true);
    double called = now();
    const char *future = call_echo(req, 1);
    expect_cancelled_by_time(t, 10, future, e, req, called);
}

CASE(REQREP, 13, 1, .roles = ROLES_BOTH, .needs = RESULTS " cancel",
     .title = "a request that was taken is not cancelled",
     .about = "Takes a request and has the peer cancel it; that must be refused, and the reply "
              "becomes the result.") {
    two o = offer_two(t);
    take(&o, 1);
    json_t *reply = call(t, "cancel", "{s:s}", "future", o.first);
    check(t, json_is_false(json_object_get(reply, "cancelled")), "it says that it is cancelled");
    answer(&o, 1, 3);
    expect_result(t, o.first, 3);
}

CASE(REQREP, 19, 2, .roles = ROLES_BOTH, .needs = RESULTS,
     .title = "an error reply is a failure with its message",
     .about = "Answers a request with the tuple of yoton_ERROR_HANDLING_REQUEST and a message; the "
              "result must be a failure with that message, and another tuple an ordinary result.") {
    two o = offer_two(t);
    take(&o, 1);
    const bytes failure[2] = {object_text(ERROR_MARK), object_text("out of ink")};
    const bytes reply = object_tuple(2, failure);
    hand(o.e, o.req, o.e->peer_id, 1, reply.data, reply.size);
    json_t *said = result_of(t, o.first, patience(t));
    check(t, strcmp(reply_code(said), "failed") == 0, "`result` says \"%s\" and not that it failed",
          reply_ok(said) ? "ok" : reply_code(said));
    const char *remote = json_string_value(json_object_get(said, "remote"));
    check(t, remote != NULL && strcmp(remote, "out of ink") == 0,
          "the message of the failure is \"%s\", not \"out of ink\"", remote ? remote : "");
    take(&o, 2);
    const bytes good[2] = {object_text("yoton"), object_text("out of ink")};
    const bytes result = object_tuple(2, good);
    hand(o.e, o.req, o.e->peer_id, 2, result.data, result.size);
    said = result_of(t, o.second, patience(t));
    check(t, reply_ok(said), "a tuple of two strings is no result, but %s", reply_code(said));
}

CASE(REQREP, 28, 1, .roles = ROLES_BOTH, .needs = CALLS,
     .title = "a requester ignores unknown words",
     .about = "Sends words other than `req!` about a request that is offered; the peer must send "
              "nothing for them, and still give the request to who says `req!`.") {
    static const char *words[] = {"req?", "req-", "req~", "req", "req!!", "REQ!"};
    two o = offer_two(t);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        say(o.e, o.req, o.e->peer_id, 1, words[i]);
    take(&o, 2);
    take(&o, 1);
}

const struct test_case *const requests_cases[] = {
    &REQREP_1_1,  &REQREP_2_1,  &REQREP_3_1,  &REQREP_4_1,  &REQREP_5_1,
    &REQREP_6_1,  &REQREP_7_1,  &REQREP_8_1,  &REQREP_9_1,  &REQREP_9_2,
    &REQREP_9_3,  &REQREP_10_1, &REQREP_11_1, &REQREP_12_1, &REQREP_12_2,
    &REQREP_13_1, &REQREP_19_2, &REQREP_28_1, NULL};
