/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 14 of the specification, and what state channels and selecting show of others. */
#include "cases/cases.h"

#include <string.h>

#define STATE "open send recv bin txt"
enum { CONTEXT_SLOT = 2 };

static channel *open_state(tester *t, const char *slot) {
    return open_channel(t, "state", slot, "txt");
}

static void expect_state(end *e, const channel *c, const char *text) {
    const package want = {
        .slot = c->slot_out, .source_id = e->peer_id, .payload = text, .size = strlen(text)};
    expect_package(e, &want, SLOT | SOURCE_ID | DEST_ID | DEST_SEQ | PAYLOAD);
}

/* Another context has connected somewhere: CTX-1. */
static void announce(end *e) {
    package p = message(e, CONTEXT_SLOT, "NEW_CONNECTION");
    send_package(e, &p);
}

static void arrive(end *e, const channel *c, const char *text) {
    package p = message(e, c->slot_in, text);
    send_package(e, &p);
}

CASE(STATE, 1, 1, .roles = ROLES_BOTH, .needs = STATE, .title = "a state that is set is sent",
     .about = "Sets a state channel of the peer; the state must come for everybody, and be what "
              "the channel gives.") {
    channel *c = open_state(t, "door");
    end *e = establish(t);
    publish(c, "open");
    expect_state(e, c, "open");
    expect_received(c, "open");
}

CASE(STATE, 2, 1, .roles = ROLES_BOTH, .needs = STATE, .title = "the same state is not sent again",
     .about = "Sets the same state twice, one that came from elsewhere, and then another; only the "
              "first and the last may come.") {
    channel *c = open_state(t, "door");
    end *e = establish(t);
    publish(c, "open");
    publish(c, "open");
    expect_state(e, c, "open");
    arrive(e, c, "ajar");
    barrier(t);
    publish(c, "ajar");
    publish(c, "shut");
    expect_state(e, c, "shut");
}

CASE(STATE, 3, 1, .roles = ROLES_BOTH, .needs = STATE, .title = "the last state counts",
     .about = "Sends three states to the peer's channel; it must give the last, again and again.") {
    channel *c = open_state(t, "door");
    end *e = establish(t);
    publish(c, "its own");
    expect_state(e, c, "its own");
    arrive(e, c, "open");
    arrive(e, c, "ajar");
    arrive(e, c, "shut");
    barrier(t);
    expect_received(c, "shut");
    expect_received(c, "shut");
}

CASE(STATE, 4, 1, .roles = ROLE_HOST, .needs = STATE " obj",
     .title = "before any state there is the empty one",
     .about = "Receives from state channels of each type that have no state; the empty message of "
              "the type must be there at once.") {
    static const char *types[] = {"txt", "bin", "obj"};
    static const char *empty[] = {"\"\"", "{\"hex\":\"\"}", "null"};
    for (size_t i = 0; i < 3; i++) {
        channel *c = open_channel(t, "state", "door", types[i]);
        json_t *reply = try_call(t, "recv", "{s:s, s:i}", "channel", c->name, "timeout", 0);
        check(t, reply_ok(reply), "recv of a %s state that was never set says \"%s\"", types[i],
              reply_code(reply));
        char *value = json_dumps(json_object_get(reply, "value"), JSON_ENCODE_ANY | JSON_COMPACT);
        check(t, value != NULL && strcmp(value, empty[i]) == 0, "the empty %s state is %s, not %s",
              types[i], value ? value : "missing", empty[i]);
    }
}

CASE(STATE, 4, 2, .roles = ROLES_BOTH, .needs = STATE,
     .title = "receiving does not consume the state",
     .about =
         "Sets a state and receives it three times, then lets another come and does so again.") {
    channel *c = open_state(t, "door");
    end *e = establish(t);
    publish(c, "open");
    for (int i = 0; i < 3; i++)
        expect_received(c, "open");
    expect_state(e, c, "open");
    arrive(e, c, "shut");
    barrier(t);
    for (int i = 0; i < 3; i++)
        expect_received(c, "shut");
}

CASE(STATE, 5, 1, .roles = ROLES_BOTH, .needs = STATE,
     .title = "a newcomer is told the state that was set",
     .about = "Sets a state, announces a new connection, and expects the state again, as a package "
              "of the peer's own.") {
    channel *c = open_state(t, "door");
    end *e = establish(t);
    publish(c, "open");
    expect_state(e, c, "open");
    announce(e);
    expect_state(e, c, "open");
}

CASE(STATE, 5, 2, .roles = ROLES_BOTH, .needs = STATE,
     .title = "a newcomer is told the state that came",
     .about = "Sends a state to the peer and announces a new connection; the peer must send the "
              "state as a package of its own.") {
    channel *c = open_state(t, "door");
    end *e = establish(t);
    arrive(e, c, "shut");
    announce(e);
    expect_state(e, c, "shut");
}

CASE(STATE, 6, 1, .roles = ROLE_CLIENT, .needs = STATE,
     .title = "who connects does not send its states again",
     .about = "Sets a state of a connected peer, and has it connect once more; neither connection "
              "may see the state again.") {
    channel *c = open_state(t, "door");
    end *e = establish(t);
    publish(c, "open");
    expect_state(e, c, "open");
    end *second = establish(t);
    barrier(t);
    expect_nothing(e);
    expect_nothing(second);
}

CASE(STATE, 7, 1, .roles = ROLES_BOTH, .needs = STATE, .title = "an empty message is no state",
     .about = "Sets the empty text when there is a state; nothing may come, the state must stay, "
              "and newcomers be told it.") {
    channel *c = open_state(t, "door");
    end *e = establish(t);
    publish(c, "open");
    expect_state(e, c, "open");
    publish(c, "");
    expect_received(c, "open");
    announce(e);
    expect_state(e, c, "open");
    barrier(t);
    expect_nothing(e);
}

CASE(CTX, 3, 1, .roles = ROLES_BOTH, .needs = STATE,
     .title = "NEW_CONNECTION has every state channel send",
     .about = "Opens three state channels, two of which have a state; NEW_CONNECTION must bring "
              "both states, in any order, and no more.") {
    channel *first = open_state(t, "door"), *second = open_state(t, "window");
    open_state(t, "roof");
    end *e = establish(t);
    publish(first, "open");
    publish(second, "shut");
    expect_state(e, first, "open");
    expect_state(e, second, "shut");
    announce(e);
    const item *got = next_event(e, patience(t));
    check(t, got != NULL && got->kind == ITEM_PACKAGE, "no state came after NEW_CONNECTION");
    bool swapped = got->p.slot == second->slot_out;
    const package want = {.slot = swapped ? second->slot_out : first->slot_out,
                          .source_id = e->peer_id,
                          .payload = swapped ? "shut" : "open",
                          .size = 4};
    compare(e, got, &want, SLOT | SOURCE_ID | DEST_ID | PAYLOAD);
    expect_state(e, swapped ? first : second, swapped ? "open" : "shut");
    barrier(t);
    expect_nothing(e);
}

/* ---- Selecting ---- */

static void expect_selected(tester *t, channel *const subs[2], const channel *want,
                            const char *texts) {
    json_t *reply = call(t, "select", "{s:[s, s]}", "channels", subs[0]->name, subs[1]->name);
    const char *name = json_string_value(json_object_get(reply, "channel"));
    check(t, name != NULL && strcmp(name, want->name) == 0,
          "select chose %s; the oldest message is in %s", name ? name : "none", want->name);
    reply = call(t, "recv_selected", "{s:s}", "channel", name);
    char *got = json_dumps(json_object_get(reply, "values"), JSON_COMPACT);
    check(t, got != NULL && strcmp(got, texts) == 0,
          "recv_selected of %s gave %s; older than all in the other are %s", name, got ? got : "",
          texts);
}

CASE(ROUTE, 22, 1, .roles = ROLES_BOTH, .needs = STATE " select recv_selected",
     .title = "selecting hands out messages in the order they came",
     .about = "Sends messages to two sub channels in turn; selecting between them must give them "
              "in that order, as many at a time as are older than all of the other.") {
    channel *const subs[2] = {open_sub(t, "one", "txt"), open_sub(t, "two", "txt")};
    static const struct {
        int to;
        const char *text;
    } sent[] = {{1, "a"}, {0, "b"}, {0, "c"}, {1, "d"}, {0, "e"}};
    end *e = establish(t);
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++)
        arrive(e, subs[sent[i].to], sent[i].text);
    barrier(t);
    expect_selected(t, subs, subs[1], "[\"a\"]");
    expect_selected(t, subs, subs[0], "[\"b\",\"c\"]");
    expect_selected(t, subs, subs[1], "[\"d\"]");
    expect_selected(t, subs, subs[0], "[\"e\"]");
    json_t *reply = call(t, "select", "{s:[s, s]}", "channels", subs[0]->name, subs[1]->name);
    check(t, json_is_null(json_object_get(reply, "channel")), "select chose an empty channel");
}

const struct test_case *const state_cases[] = {&STATE_1_1, &STATE_2_1, &STATE_3_1,  &STATE_4_1,
                                               &STATE_4_2, &STATE_5_1, &STATE_5_2,  &STATE_6_1,
                                               &STATE_7_1, &CTX_3_1,   &ROUTE_22_1, NULL};
