/* SPDX-License-Identifier: BSD-2-Clause */
/* Sections 7.1 and 7.2 of the specification: heartbeat and time-out. */
#include "cases/cases.h"
#include "cases/stalled.h"

#include <stdlib.h>
#include <string.h>

#define TALK "open send recv bin txt" /* what barrier() and a sub channel need */

/* ---- Heartbeat ---- */

/* Fails when the peer was silent for longer than `longest`: twice, or once by half a second more. A
 * machine under load may keep a good peer from running once. */
static void expect_no_gap_above(end *e, double longest) {
    size_t count;
    unsigned long_gaps = 0;
    const arrival *all = arrivals(e, &count);
    check(e->t, count > 0, "nothing at all came");
    for (size_t i = 0; i < count; i++) {
        double next = i + 1 < count ? all[i + 1].when : now(), gap = next - all[i].when;
        check(e->t, gap <= longest + 0.5, "nothing came for %.3f s; allowed are %.3f s", gap,
              longest);
        long_gaps += gap > longest;
        check(e->t, long_gaps < 2, "nothing came for %.3f s, and that again; allowed are %.3f s",
              gap, longest);
    }
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The gap between two arrivals that half of them stay below. */
static double usual_gap(end *e) {
    size_t count;
    const arrival *all = arrivals(e, &count);
    double gaps[64];
    size_t used = 0;
    for (size_t i = 1; i < count && used < sizeof gaps / sizeof *gaps; i++)
        gaps[used++] = all[i].when - all[i - 1].when;
    check(e->t, used >= 2, "only %zu arrivals in all", count);
    qsort(gaps, used, sizeof *gaps, by_size);
    return gaps[used / 2];
}

CASE(LINK, 1, 1, .roles = ROLES_BOTH, .takes = 1.6, .title = "an idle peer shows it is there",
     .about = "Makes a connection and waits 1.5 s; never may 0.5 s pass without a byte from the "
              "peer.") {
    end *e = establish(t);
    run_for(t, 1.5);
    expect_no_gap_above(e, 0.5 + slack(t));
}

CASE(LINK, 1, 2, .roles = ROLES_BOTH, .takes = 1.6, .title = "so does one that only receives",
     .about = "Sends the peer a message every 20 ms for 1.6 s; never may 0.5 s pass without a byte "
              "from the peer.") {
    end *e = establish(t);
    for (int i = 0; i < 80; i++) {
        package p = message(e, slot_of("busy.txt.pub-sub"), "busy");
        send_package(e, &p);
        run_for(t, 0.02);
    }
    expect_no_gap_above(e, 0.5 + slack(t));
}

CASE(LINK, 2, 1, .roles = ROLES_BOTH, .takes = 1.6, .title = "a heartbeat every 0.25 s",
     .about = "Makes a connection and waits 1.5 s; there should be 0.25 s between two heartbeats: "
              "half of the gaps at most 0.3 s and what a busy machine adds.") {
    end *e = establish(t);
    run_for(t, 1.5);
    double gap = usual_gap(e);
    check(t, gap <= 0.3 + slack(t), "half of the gaps are %.3f s or more; 0.25 s is usual", gap);
}

static bool timed_out_so_far(end *e) {
    state_of(e); /* an answer of the adapter comes behind the events before it */
    return count_events(e->t, "timedout", e->connection) > 0;
}

CASE(LINK, 3, 1, .roles = ROLES_BOTH, .needs = TALK " host", .takes = 1.3,
     .title = "single bytes are signs of life",
     .about = "Sends a message a byte every 0.15 s for 1.2 s; no time-out may be reported, and the "
              "message must arrive.") {
    channel *sub = open_sub(t, "drip", "txt");
    end *e = establish(t);
    package p = message(e, sub->slot_in, "drip");
    uint8_t *bytes;
    size_t size = package_bytes(&p, &bytes);
    for (int i = 0; i < 8; i++) {
        send_bytes(e, bytes + i, 1, "one byte");
        run_for(t, 0.15);
    }
    check(t, !timed_out_so_far(e), "a time-out was reported while bytes came");
    send_bytes(e, bytes + 8, size - 8, "the rest");
    expect_received(sub, "drip");
}

CASE(LINK, 3, 2, .roles = ROLES_BOTH, .needs = "status host", .takes = 1.2,
     .title = "unknown signals are signs of life",
     .about = "Sends an unknown signal every 0.1 s for 1 s and nothing else; no time-out may be "
              "reported.") {
    end *e = establish(t);
    for (int i = 0; i < 10; i++) {
        send_signal(e, 5);
        run_for(t, 0.1);
    }
    check(t, !timed_out_so_far(e), "a time-out was reported while signals came");
    check(t, strcmp(state_of(e), "closed") != 0, "the connection was closed");
}

CASE(LINK, 4, 1, .roles = ROLES_BOTH, .needs = TALK, .takes = 1.1,
     .title = "no heartbeats between packages",
     .about = "Has the peer publish every 60 ms for 0.9 s; no heartbeat should come less than "
              "0.15 s behind a message.") {
    channel *pub = open_pub(t, "stream", "txt");
    end *e = establish(t);
    for (int i = 0; i < 15; i++) {
        publish(pub, "text");
        run_for(t, 0.06);
    }
    double last_package = 0, late = now() + patience(t);
    for (int packages = 0; packages < 15;) {
        const item *got = next_item(e, patience(t));
        check(t, got != NULL && now() < late, "only %d of 15 messages came", packages);
        if (got->kind == ITEM_PACKAGE) {
            packages += got->p.slot == pub->slot_out;
            last_package = got->last;
        } else if (got->kind == ITEM_HEARTBEAT && last_package > 0)
            check(t, got->first - last_package >= 0.15, "a heartbeat %.3f s behind a message",
                  got->first - last_package);
    }
}

CASE(LINK, 5, 1, .roles = ROLES_BOTH, .needs = TALK, .takes = 1.9,
     .title = "heartbeats do not pile up",
     .about = "Has the peer publish a message larger than all buffers, takes nothing for 1.2 s, "
              "then everything; behind the message there may be two heartbeats at most before the "
              "next message.") {
    channel *pub = open_pub(t, "flood", "txt"), *after = open_pub(t, "after", "txt");
    end *e = stalled_end(t, pub);
    run_for(t, 1.2);
    ask(t, "send", "{s:s, s:s}", "channel", after->name, "value", "after");
    end_hold(e, false);
    int heartbeats = 0;
    bool flood_seen = false;
    double late = now() + 4 * patience(t);
    for (;;) {
        const item *got = next_item(e, 3 * patience(t));
        check(t, got != NULL && now() < late, "the messages did not come");
        if (got->kind == ITEM_PACKAGE && got->p.slot == after->slot_out)
            break;
        flood_seen |= got->kind == ITEM_PACKAGE && got->p.slot == pub->slot_out;
        heartbeats += flood_seen && got->kind == ITEM_HEARTBEAT;
    }
    check(t, heartbeats <= 2, "%d heartbeats had piled up", heartbeats);
}

/* ---- Time-out ---- */

static void expect_timedout(end *e, bool value, double seconds) {
    const json_t *event = await_event(e->t, "timedout", e->connection, seconds);
    bool got = json_is_true(json_object_get(event, "value"));
    check(e->t, got == value, "timedout says %s, expected %s", got ? "true" : "false",
          value ? "true" : "false");
}

CASE(LINK, 6, 1, .roles = ROLES_BOTH, .needs = "status host", .takes = 1.6,
     .title = "silence is reported, once",
     .about =
         "Sends nothing until the peer reports the time-out, and nothing for another 0.8 s; it "
         "must not report it again.") {
    end *e = establish(t);
    expect_timedout(e, true, patience(t));
    run_for(t, 0.8);
    state_of(e);
    unsigned count = count_events(t, "timedout", e->connection);
    check(t, count == 1, "the time-out was reported %u times", count);
}

CASE(LINK, 7, 1, .roles = ROLES_BOTH, .needs = "status host", .takes = 1.0,
     .title = "a heartbeat ends the time-out",
     .about =
         "Sends nothing until the peer reports the time-out, then one heartbeat; the peer must "
         "report that it is over, once.") {
    end *e = establish(t);
    expect_timedout(e, true, patience(t));
    send_heartbeat(e);
    expect_timedout(e, false, patience(t));
    send_heartbeat(e);
    state_of(e);
    unsigned count = count_events(t, "timedout", e->connection);
    check(t, count == 2, "%u reports instead of 2", count);
}

CASE(LINK, 7, 2, .roles = ROLES_BOTH, .needs = "status host", .takes = 1.0,
     .title = "a single byte ends the time-out",
     .about = "Sends nothing until the peer reports the time-out, then the first byte of a header; "
              "the peer must report that it is over.") {
    end *e = establish(t);
    expect_timedout(e, true, patience(t));
    send_bytes(e, "Y", 1, "the first byte of a header");
    expect_timedout(e, false, patience(t));
}

CASE(LINK, 8, 1, .roles = ROLES_BOTH, .needs = TALK " host", .takes = 1.0,
     .title = "a time-out loses nothing",
     .about =
         "Sends nothing until the peer reports the time-out, has it publish then, and sends it "
         "a message; both must arrive.") {
    channel *pub = open_pub(t, "out", "txt"), *sub = open_sub(t, "in", "txt");
    end *e = establish(t);
    expect_timedout(e, true, patience(t));
    publish(pub, "still there");
    package want = {.slot = pub->slot_out, .payload = "still there", .size = 11};
    expect_package(e, &want, SLOT | PAYLOAD);
    package p = message(e, sub->slot_in, "me too");
    send_package(e, &p);
    expect_received(sub, "me too");
}

CASE(LINK, 9, 1, .roles = ROLES_BOTH, .needs = TALK " host", .takes = 1.0,
     .title = "a stall inside a package",
     .about = "Sends half a package and then nothing; the peer must report the time-out. The rest "
              "must end it, and the message arrive.") {
    channel *sub = open_sub(t, "half", "txt");
    end *e = establish(t);
    package p = message(e, sub->slot_in, "in two halves");
    uint8_t *bytes;
    size_t size = package_bytes(&p, &bytes);
    send_bytes(e, bytes, size - 5, "a package without its last 5 bytes");
    expect_timedout(e, true, patience(t));
    send_bytes(e, bytes + size - 5, 5, "the rest");
    expect_timedout(e, false, patience(t));
    expect_received(sub, "in two halves");
}

CASE(LINK, 10, 1, .roles = ROLES_BOTH, .needs = "status set_timeout host",
     .title = "0.5 s by default and at least",
     .about = "Asks for the time-out of a new connection, which must be 0.5 s; sets it to 0.49, "
              "which must be refused, and to 0.5 and 2, which must be taken.") {
    end *e = establish(t);
    json_t *status = call(t, "status", "{s:s}", "connection", e->connection);
    double value = json_number_value(json_object_get(status, "timeout"));
    check(t, value > 0.4999 && value < 0.5001, "the time-out is %g s", value);
    expect_refused(
        t, try_call(t, "set_timeout", "{s:s, s:f}", "connection", e->connection, "seconds", 0.49),
        "a time-out of 0.49 s");
    call(t, "set_timeout", "{s:s, s:f}", "connection", e->connection, "seconds", 0.5);
    call(t, "set_timeout", "{s:s, s:f}", "connection", e->connection, "seconds", 2.0);
}

CASE(LINK, 11, 1, .roles = ROLES_BOTH, .needs = "status host", .takes = 1.0,
     .title = "not before 0.5 s",
     .about = "Sends a heartbeat and then nothing; the time-out must not be reported before 0.5 s "
              "have passed.") {
    end *e = establish(t);
    send_heartbeat(e);
    double last = now();
    expect_timedout(e, true, patience(t));
    check(t, now() - last >= 0.49, "reported after %.3f s", now() - last);
}

CASE(LINK, 11, 2, .roles = ROLES_BOTH, .needs = "status set_timeout host", .takes = 1.9,
     .title = "not before the time that was set",
     .about = "Sets the time-out to 1.2 s, sends a heartbeat and then nothing; the time-out must "
              "not be reported before 1.2 s have passed, and must be reported then.") {
    end *e = establish(t);
    end_keep_alive(e,
                   true); /* until the new time is known to be set, and the old one in use over */
    call(t, "set_timeout", "{s:s, s:f}", "connection", e->connection, "seconds", 1.2);
    run_for(t, 0.6);
    end_keep_alive(e, false);
    check(t, !timed_out_so_far(e), "a time-out was reported while heartbeats came");
    send_heartbeat(e);
    double last = now();
    expect_timedout(e, true, patience(t));
    check(t, now() - last >= 1.19, "reported after %.3f s", now() - last);
}

const struct test_case *const link_cases[] = {
    &LINK_1_1, &LINK_1_2, &LINK_2_1, &LINK_3_1, &LINK_3_2,  &LINK_4_1,  &LINK_5_1,  &LINK_6_1,
    &LINK_7_1, &LINK_7_2, &LINK_8_1, &LINK_9_1, &LINK_10_1, &LINK_11_1, &LINK_11_2, NULL};
