/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 8 of the specification: what a node does with packages. */
#include "cases/cases.h"

#include <string.h>

/* Everything a case of this file needs besides bind and connect: barrier() and a sub channel. */
#define ROUTING "open send recv bin txt"

/* ---- Own packages ---- */

CASE(
    ROUTE, 1, 1, .roles = ROLES_BOTH, .needs = ROUTING " host",
    .title = "packages carry the id of their context",
    .about = "Has the peer publish; the source_id must be the context id that the adapter tells.") {
    channel *pub = open_pub(t, "mine", "txt");
    end *e = establish(t);
    publish(pub, "from whom?");
    package want = {.slot = pub->slot_out, .source_id = peer_id(t)};
    expect_package(e, &want, SLOT | SOURCE_ID);
}

/* The next package on e, whatever it is; heartbeats are skipped. */
static const item *next_package(end *e) {
    double late = now() + patience(e->t);
    for (;;) {
        const item *got = next_item(e, patience(e->t));
        check(e->t, got != NULL && now() < late, "no package came within %.1f s", patience(e->t));
        if (got->kind == ITEM_PACKAGE)
            return got;
        check(e->t, got->kind == ITEM_HEARTBEAT, "something other than a package came");
    }
}

static void expect_number(end *e, const item *got, uint64_t number) {
    package want = {.source_seq = number};
    compare(e, got, &want, SOURCE_SEQ);
}

CASE(ROUTE, 2, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "numbers are 1, 2, 3 …",
     .about = "Has the peer publish on two channels in turn; all packages it makes, NEW_CONNECTION "
              "included, must be numbered from 1 without a gap.") {
    channel *text = open_pub(t, "one", "txt"), *bytes = open_pub(t, "two", "bin");
    end *e = establish(t);
    for (int i = 0; i < 3; i++) {
        publish(text, "text");
        publish_bytes(bytes, "bytes", 5);
    }
    uint64_t packages = role(t) == ROLE_CLIENT ? 7 : 6; /* a client announces itself first */
    for (uint64_t number = 1; number <= packages; number++)
        expect_number(e, next_package(e), number);
}

CASE(ROUTE, 2, 2, .roles = ROLES_BOTH, .needs = ROUTING, .title = "one count for all connections",
     .about = "Has the peer publish before and after a second connection is made; its numbers on "
              "the first connection must go on without a gap.") {
    channel *pub = open_pub(t, "count", "txt");
    end *first = establish(t);
    publish(pub, "before");
    end *second = establish(t);
    publish(pub, "after");
    uint64_t number = 0;
    const item *got;
    do {
        got = next_package(first);
        expect_number(first, got, ++number);
    } while (got->p.size != 5 || memcmp(got->p.payload, "after", 5) != 0);
    package want = {.slot = pub->slot_out, .source_seq = number, .payload = "after", .size = 5};
    expect_package(second, &want, SLOT | SOURCE_SEQ | PAYLOAD);
}

CASE(ROUTE, 3, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "own packages go everywhere",
     .about = "Makes two connections and has the peer publish; both must get the message.") {
    channel *pub = open_pub(t, "all", "txt");
    end *a = establish(t), *b = establish(t);
    publish(pub, "to both");
    package want = {.slot = pub->slot_out, .payload = "to both", .size = 7};
    expect_package(a, &want, SLOT | PAYLOAD);
    expect_package(b, &want, SLOT | PAYLOAD);
}

CASE(ROUTE, 4, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "own packages leave in order",
     .about = "Has the peer publish 60 messages on two channels; on two connections their "
              "source_seq must rise from package to package.") {
    channel *one = open_pub(t, "one", "txt"), *two = open_pub(t, "two", "txt");
    end *ends[2] = {establish(t), establish(t)};
    for (int i = 0; i < 30; i++) {
        publish(one, "a");
        publish(two, "b");
    }
    for (int which = 0; which < 2; which++) {
        uint64_t last = 0;
        for (int seen = 0; seen < 60;) {
            const item *got = next_package(ends[which]);
            if (got->p.source_seq <= last)
                fail_at(ends[which], got, 24, "source_seq", "above the one before",
                        "not above the one before");
            last = got->p.source_seq;
            seen += got->p.slot != 2;
        }
    }
}

CASE(ROUTE, 5, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "for everybody is dest_id 0",
     .about = "Has the peer publish; the dest_id of a published message must be 0.") {
    channel *pub = open_pub(t, "dest", "txt");
    end *e = establish(t);
    publish(pub, "everybody");
    package want = {.slot = pub->slot_out, .dest_id = 0};
    expect_package(e, &want, SLOT | DEST_ID);
}

CASE(ROUTE, 6, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "nobody hears himself",
     .about = "Opens a pub and a sub channel of one slot at the peer and has it publish; the "
              "message must come here, and not to the peer's own sub channel.") {
    channel *pub = open_pub(t, "echo", "txt"), *sub = open_sub(t, "echo", "txt");
    end *e = establish(t);
    publish(pub, "hello");
    package want = {.slot = pub->slot_out, .payload = "hello", .size = 5};
    expect_package(e, &want, SLOT | PAYLOAD);
    barrier(t);
    expect_no_message(sub);
}

/* ---- Duplicates ---- */

CASE(ROUTE, 7, 1, .roles = ROLES_BOTH, .needs = ROUTING,
     .title = "the same package twice on one connection",
     .about = "Sends one package twice; it must be deposited once and forwarded once.") {
    channel *sub = open_sub(t, "twice", "txt");
    end *a = establish(t), *b = establish(t);
    package p = message(a, sub->slot_in, "once");
    send_package(a, &p);
    send_package(a, &p);
    barrier(t);
    expect_received(sub, "once");
    expect_no_message(sub);
    expect_package(b, &p, EVERYTHING);
    expect_nothing(b);
}

CASE(ROUTE, 7, 2, .roles = ROLES_BOTH, .needs = ROUTING,
     .title = "the same package on two connections",
     .about = "Sends one package on one connection and then on another, as a loop does; it must be "
              "deposited once, and not forwarded a second time.") {
    channel *sub = open_sub(t, "loop", "txt");
    end *a = establish(t), *b = establish(t);
    package p = message(a, sub->slot_in, "round");
    send_package(a, &p);
    expect_package(b, &p, EVERYTHING);
    send_package(b, &p);
    barrier(t);
    expect_received(sub, "round");
    expect_no_message(sub);
    expect_nothing(a);
    expect_nothing(b);
}

CASE(ROUTE, 7, 3, .roles = ROLES_BOTH, .needs = ROUTING, .title = "a lower number comes late",
     .about = "Sends number 5 of a source and then number 4; 4 must be neither deposited nor "
              "forwarded.") {
    channel *sub = open_sub(t, "late", "txt");
    end *a = establish(t), *b = establish(t);
    package five = message(a, sub->slot_in, "five"), four = message(a, sub->slot_in, "four");
    five.source_seq = 5;
    four.source_seq = 4;
    send_package(a, &five);
    send_package(a, &four);
    barrier(t);
    expect_received(sub, "five");
    expect_no_message(sub);
    expect_package(b, &five, EVERYTHING);
    expect_nothing(b);
}

CASE(ROUTE, 7, 4, .roles = ROLES_BOTH, .needs = ROUTING, .title = "packages for others count too",
     .about = "Sends number 10 of a source directed at somebody else, then its number 9 to "
              "everybody; 9 must be dropped.") {
    channel *sub = open_sub(t, "count", "txt");
    end *a = establish(t), *b = establish(t);
    package ten = message(a, sub->slot_in, "ten"), nine = message(a, sub->slot_in, "nine");
    ten.source_seq = 10;
    ten.dest_id = random_number(t);
    nine.source_seq = 9;
    send_package(a, &ten);
    send_package(a, &nine);
    barrier(t);
    expect_no_message(sub);
    expect_package(b, &ten, EVERYTHING);
    expect_nothing(b);
}

CASE(ROUTE, 7, 5, .roles = ROLES_BOTH, .needs = ROUTING, .title = "every source has its own count",
     .about = "Sends number 10 of one source and then number 1 of another on the same connection; "
              "both must be deposited.") {
    channel *sub = open_sub(t, "sources", "txt");
    end *e = establish(t);
    package first = message(e, sub->slot_in, "first"), second = message(e, sub->slot_in, "second");
    first.source_seq = 10;
    second.source_id = random_number(t);
    second.source_seq = 1;
    send_package(e, &first);
    send_package(e, &second);
    expect_received(sub, "first");
    expect_received(sub, "second");
}

/* ---- Where packages go ---- */

CASE(ROUTE, 8, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "to everybody: here and on",
     .about = "Sends a package with dest_id 0; the peer's sub channel must get it, and the other "
              "connection too.") {
    channel *sub = open_sub(t, "all", "txt");
    end *a = establish(t), *b = establish(t);
    package p = message(a, sub->slot_in, "everybody");
    send_package(a, &p);
    expect_received(sub, "everybody");
    expect_package(b, &p, EVERYTHING);
}

CASE(ROUTE, 9, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "to the peer: deposited",
     .about = "Sends a package with the peer's id as dest_id; its sub channel must get it.") {
    channel *sub = open_sub(t, "you", "txt");
    end *e = establish(t);
    package p = message(e, sub->slot_in, "for you");
    p.dest_id = e->peer_id;
    send_package(e, &p);
    expect_received(sub, "for you");
}

CASE(ROUTE, 10, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "to the peer: not forwarded",
     .about = "Sends a package with the peer's id as dest_id; nothing may come on the other "
              "connection.") {
    channel *sub = open_sub(t, "you", "txt");
    end *a = establish(t), *b = establish(t);
    package p = message(a, sub->slot_in, "for you");
    p.dest_id = a->peer_id;
    send_package(a, &p);
    barrier(t);
    expect_nothing(b);
    expect_nothing(a);
}

CASE(ROUTE, 11, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "to another: forwarded",
     .about = "Sends a package directed at the end of another connection; it must come there.") {
    channel *sub = open_sub(t, "other", "txt");
    end *a = establish(t), *b = establish(t);
    package p = message(a, sub->slot_in, "for b");
    p.dest_id = b->id;
    send_package(a, &p);
    expect_package(b, &p, EVERYTHING);
}

CASE(ROUTE, 11, 2, .roles = ROLES_BOTH, .needs = ROUTING, .title = "to somebody unknown: forwarded",
     .about = "Sends a package directed at an id that no end has; it must be forwarded, because "
              "its context may be further on.") {
    end *a = establish(t), *b = establish(t);
    package p = message(a, slot_of("far.txt.pub-sub"), "far away");
    p.dest_id = random_number(t);
    send_package(a, &p);
    expect_package(b, &p, EVERYTHING);
}

CASE(ROUTE, 12, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "to another: not deposited",
     .about = "Sends a package directed at another context; the peer's sub channel of this slot "
              "must not get it.") {
    channel *sub = open_sub(t, "other", "txt");
    end *a = establish(t), *b = establish(t);
    package p = message(a, sub->slot_in, "for b");
    p.dest_id = b->id;
    send_package(a, &p);
    barrier(t);
    expect_no_message(sub);
}

CASE(ROUTE, 13, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "forwarded on all the others",
     .about = "Makes three connections and sends on each in turn; the other two must get it.") {
    end *ends[3] = {establish(t), establish(t), establish(t)};
    for (int from = 0; from < 3; from++) {
        package p = message(ends[from], slot_of("spread.txt.pub-sub"), "spread");
        send_package(ends[from], &p);
        for (int to = 0; to < 3; to++)
            if (to != from)
                expect_package(ends[to], &p, EVERYTHING);
    }
}

CASE(ROUTE, 13, 2, .roles = ROLES_BOTH, .needs = ROUTING,
     .title = "between a hosted and a connected peer",
     .about = "Lets the peer host one connection and make another; packages must pass both ways.") {
    end *hosted = establish_as(t, ROLE_HOST), *connected = establish_as(t, ROLE_CLIENT);
    package there = message(hosted, slot_of("mix.txt.pub-sub"), "there");
    package back = message(connected, slot_of("mix.txt.pub-sub"), "back");
    send_package(hosted, &there);
    expect_package(connected, &there, EVERYTHING);
    send_package(connected, &back);
    expect_package(hosted, &back, EVERYTHING);
}

CASE(ROUTE, 14, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "never back where it came from",
     .about = "Sends packages to everybody and to somebody else; none may come back.") {
    end *a = establish(t), *b = establish(t);
    package all = message(a, slot_of("back.txt.pub-sub"), "all");
    package other = message(a, slot_of("back.txt.pub-sub"), "other");
    other.dest_id = random_number(t);
    send_package(a, &all);
    send_package(a, &other);
    barrier(t);
    expect_nothing(a);
    expect_package(b, &all, EVERYTHING);
    expect_package(b, &other, EVERYTHING);
    expect_nothing(b);
}

CASE(ROUTE, 15, 1, .roles = ROLES_BOTH, .needs = ROUTING,
     .title = "header and payload are unchanged",
     .about = "Forwards a package with large and odd values in every field and bytes of every "
              "value; it must come out as it went in.") {
    end *a = establish(t), *b = establish(t);
    uint8_t payload[3 * 256];
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 7);
    package p = message_bytes(a, UINT64_C(0xFEDCBA9876543210), payload, sizeof payload);
    p.source_id = UINT64_C(0x8000000000000001);
    p.source_seq = UINT64_C(0x0123456789ABCDEF);
    p.dest_id = UINT64_C(0xF0E1D2C3B4A59687);
    p.dest_seq = UINT64_C(0x8000000000000007);
    send_package(a, &p);
    expect_package(b, &p, EVERYTHING);
}

CASE(ROUTE, 15, 2, .roles = ROLES_BOTH, .needs = ROUTING, .title = "a large package is unchanged",
     .about = "Forwards a package of 300000 bytes; it must come out as it went in.") {
    static uint8_t payload[300000];
    uint32_t x = (uint32_t)random_number(t);
    for (size_t i = 0; i < sizeof payload; i++) {
        x = x * 1664525u + 1013904223u;
        payload[i] = (uint8_t)(x >> 24);
    }
    end *a = establish(t), *b = establish(t);
    package p = message_bytes(a, slot_of("large.bin.pub-sub"), payload, sizeof payload);
    send_package(a, &p);
    expect_package(b, &p, EVERYTHING);
}

CASE(ROUTE, 16, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "order is kept in forwarding",
     .about = "Sends 150 packages of three sources, mixed; on the other connection those of each "
              "source must come in the order in which they were sent, and none may be missing.") {
    end *a = establish(t), *b = establish(t);
    uint64_t sources[3] = {random_number(t), random_number(t), random_number(t)};
    uint64_t sent[3] = {0}, seen[3] = {0};
    for (int i = 0; i < 150; i++) {
        int which = (i * 5 / 3) % 3;
        package p = message(a, slot_of("order.txt.pub-sub"), "in order");
        p.source_id = sources[which];
        p.source_seq = ++sent[which];
        send_package(a, &p);
    }
    for (int i = 0; i < 150; i++) {
        const item *got = next_event(b, patience(t));
        check(t, got && got->kind == ITEM_PACKAGE, "package %d of 150 did not come", i + 1);
        int which = 0;
        while (which < 2 && got->p.source_id != sources[which])
            which++;
        package want = {.source_id = sources[which], .source_seq = ++seen[which]};
        compare(b, got, &want, SOURCE_ID | SOURCE_SEQ);
    }
}

CASE(ROUTE, 17, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "gaps in the numbers",
     .about = "Sends the numbers 1, 3 and 2^32 + 7 of a source; all must be deposited.") {
    channel *sub = open_sub(t, "gaps", "txt");
    end *e = establish(t);
    const uint64_t numbers[] = {1, 3, (UINT64_C(1) << 32) + 7};
    for (int i = 0; i < 3; i++) {
        package p = message(e, sub->slot_in, "counted");
        p.source_seq = numbers[i];
        send_package(e, &p);
        expect_received(sub, "counted");
    }
}

CASE(ROUTE, 18, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "number 0 is dropped",
     .about = "Sends a message with source_seq 0; it must be neither deposited nor forwarded, and "
              "number 1 of the same source still counts.") {
    channel *sub = open_sub(t, "zero", "txt");
    end *a = establish(t), *b = establish(t);
    package zero = message(a, sub->slot_in, "zero"), one = message(a, sub->slot_in, "one");
    zero.source_seq = 0;
    one.source_seq = 1;
    send_package(a, &zero);
    send_package(a, &one);
    barrier(t);
    expect_received(sub, "one");
    expect_no_message(sub);
    expect_package(b, &one, EVERYTHING);
    expect_nothing(b);
}

CASE(ROUTE, 18, 2, .roles = ROLES_BOTH, .needs = ROUTING, .title = "numbers are unsigned",
     .about = "Sends the numbers 2^63 - 1, 2^63 and 2^64 - 1 of a source; each is above the one "
              "before, so all must be deposited.") {
    channel *sub = open_sub(t, "sign", "txt");
    end *e = establish(t);
    const uint64_t numbers[] = {INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
    for (int i = 0; i < 3; i++) {
        package p = message(e, sub->slot_in, "unsigned");
        p.source_seq = numbers[i];
        send_package(e, &p);
        expect_received(sub, "unsigned");
    }
}

CASE(ROUTE, 18, 3, .roles = ROLES_BOTH, .needs = ROUTING, .title = "numbers do not wrap",
     .about = "Sends number 2^64 - 1 of a source and then 1 and 2^63; the last two must be "
              "dropped.") {
    channel *sub = open_sub(t, "wrap", "txt");
    end *e = establish(t);
    const uint64_t numbers[] = {UINT64_MAX, 1, UINT64_C(1) << 63};
    for (int i = 0; i < 3; i++) {
        package p = message(e, sub->slot_in, i == 0 ? "last" : "after the last");
        p.source_seq = numbers[i];
        send_package(e, &p);
    }
    barrier(t);
    expect_received(sub, "last");
    expect_no_message(sub);
}

/* ---- Forged and reserved ids ---- */

static void expect_dropped(tester *t, package p, end *a, end *b, channel *sub) {
    send_package(a, &p);
    barrier(t);
    expect_no_message(sub);
    expect_nothing(a);
    expect_nothing(b);
}

CASE(ROUTE, 19, 1, .roles = ROLES_BOTH, .needs = ROUTING,
     .title = "its own package comes back to everybody",
     .about = "Sends the peer a package with its own id as source, as a loop in the network does; "
              "it must be neither deposited nor forwarded.") {
    channel *sub = open_sub(t, "self", "txt");
    end *a = establish(t), *b = establish(t);
    package p = message(a, sub->slot_in, "yours");
    p.source_id = a->peer_id;
    p.source_seq = 1000000;
    expect_dropped(t, p, a, b, sub);
}

CASE(ROUTE, 19, 2, .roles = ROLES_BOTH, .needs = ROUTING,
     .title = "its own package comes back to itself",
     .about = "Sends the peer a package with its own id as source and destination; it must not be "
              "deposited.") {
    channel *sub = open_sub(t, "self", "txt");
    end *a = establish(t), *b = establish(t);
    package p = message(a, sub->slot_in, "yours");
    p.source_id = p.dest_id = a->peer_id;
    p.source_seq = 1000000;
    expect_dropped(t, p, a, b, sub);
}

CASE(ROUTE, 20, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "a package of source 0",
     .about = "Sends a package with source_id 0; it must be neither deposited nor forwarded.") {
    channel *sub = open_sub(t, "nobody", "txt");
    end *a = establish(t), *b = establish(t);
    package p = message(a, sub->slot_in, "nobody's");
    p.source_id = 0;
    p.source_seq = 1;
    expect_dropped(t, p, a, b, sub);
}

/* ---- Depositing ---- */

CASE(ROUTE, 21, 1, .roles = ROLES_BOTH, .needs = ROUTING, .title = "a slot without a channel",
     .about = "Sends a package for a slot that the peer has no channel at; it must be forwarded, "
              "and the connection must stay.") {
    end *a = establish(t), *b = establish(t);
    package p = message(a, slot_of("nobody.txt.pub-sub"), "anyone?");
    send_package(a, &p);
    expect_package(b, &p, EVERYTHING);
    barrier(t);
}

CASE(ROUTE, 21, 2, .roles = ROLES_BOTH, .needs = ROUTING, .title = "the right channel gets it",
     .about = "Opens three sub channels at the peer and sends each a message; each must get its "
              "own and no other.") {
    channel *subs[3] = {open_sub(t, "red", "txt"), open_sub(t, "green", "txt"),
                        open_sub(t, "blue", "txt")};
    const char *texts[3] = {"is red", "is green", "is blue"};
    end *e = establish(t);
    for (int i = 0; i < 3; i++) {
        package p = message(e, subs[i]->slot_in, texts[i]);
        send_package(e, &p);
    }
    barrier(t);
    for (int i = 0; i < 3; i++) {
        expect_received(subs[i], texts[i]);
        expect_no_message(subs[i]);
    }
}

CASE(ROUTE, 21, 3, .roles = ROLES_BOTH, .needs = ROUTING,
     .title = "what a channel sends on is not what it listens at",
     .about = "Sends a package for the outgoing slot of the peer's sub channel; the channel must "
              "not get it.") {
    channel *sub = open_sub(t, "ways", "txt");
    end *e = establish(t);
    package p = message(e, sub->slot_out, "wrong way");
    send_package(e, &p);
    barrier(t);
    expect_no_message(sub);
}

CASE(ROUTE, 24, 1, .roles = ROLE_HOST, .needs = ROUTING, .title = "forwarded to a bind that waits",
     .about = "Lets the peer bind a second time and sends a package on the first connection; who "
              "connects at the second bind after that must get it.") {
    end *a = establish(t);
    uint16_t port = peer_bind(t, 0, NULL);
    package p = message(a, slot_of("later.txt.pub-sub"), "kept for you");
    send_package(a, &p);
    barrier(t); /* it is forwarded before anybody is there */
    end *b = dial(t, port);
    send_hello(b);
    expect_hello(b);
    expect_package(b, &p, EVERYTHING);
}

CASE(ROUTE, 25, 1, .roles = ROLES_BOTH, .needs = ROUTING,
     .title = "a connection that stalls does not hold up another",
     .about = "Makes three connections, stops reading on one, and sends 90 packages of 64 KiB on "
              "another; all must come on the third, much sooner than a second for each.") {
    end *from = establish(t), *to = establish(t);
    set_receive_buffer(t, 4096);
    end *stalled = establish(t);
    end_hold(stalled, true);
    static uint8_t payload[65536];
    memset(payload, 'x', sizeof payload);
    double began = now();
    for (int i = 0; i < 90; i++) {
        package p = message_bytes(from, slot_of("flood.bin.pub-sub"), payload, sizeof payload);
        send_package(from, &p);
    }
    for (int i = 0; i < 90; i++) {
        const item *got = next_event(to, patience(t));
        check(t, got && got->kind == ITEM_PACKAGE, "package %d of 90 did not come", i + 1);
        check(t, now() - began < 2 * patience(t), "after %.1f s only %d of 90 packages came",
              now() - began, i + 1);
    }
}

const struct test_case *const routing_cases[] = {
    &ROUTE_1_1,  &ROUTE_2_1,  &ROUTE_2_2,  &ROUTE_3_1,  &ROUTE_4_1,  &ROUTE_5_1,  &ROUTE_6_1,
    &ROUTE_7_1,  &ROUTE_7_2,  &ROUTE_7_3,  &ROUTE_7_4,  &ROUTE_7_5,  &ROUTE_8_1,  &ROUTE_9_1,
    &ROUTE_10_1, &ROUTE_11_1, &ROUTE_11_2, &ROUTE_12_1, &ROUTE_13_1, &ROUTE_13_2, &ROUTE_14_1,
    &ROUTE_15_1, &ROUTE_15_2, &ROUTE_16_1, &ROUTE_17_1, &ROUTE_18_1, &ROUTE_18_2, &ROUTE_18_3,
    &ROUTE_19_1, &ROUTE_19_2, &ROUTE_20_1, &ROUTE_21_1, &ROUTE_21_2, &ROUTE_21_3, &ROUTE_24_1,
    &ROUTE_25_1, NULL};
