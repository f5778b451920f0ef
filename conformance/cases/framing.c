/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 6 of the specification: headers, and what a receiver does with good and bad ones. */
#include "cases/cases.h"

#include <stdio.h>
#include <string.h>

#define TALK "open send recv bin txt" /* what barrier() and a sub channel need */

/* ---- What the peer sends ---- */

CASE(FRAME, 1, 1, .roles = ROLES_BOTH, .needs = TALK " host", .title = "fields and their order",
     .about = "Has the peer publish; slot, source_id, dest_id, dest_seq and length of the header "
              "must be what they have to be for this message.") {
    channel *pub = open_pub(t, "fields", "txt");
    end *e = establish(t);
    publish(pub, "twelve bytes");
    package want = {.slot = pub->slot_out, .source_id = peer_id(t), .length = 12};
    want.payload = "twelve bytes";
    want.size = 12;
    expect_package(e, &want, SLOT | SOURCE_ID | DEST_ID | DEST_SEQ | LENGTH | PAYLOAD);
}

CASE(FRAME, 2, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "control bytes of packages",
     .about = "Has the peer publish; the package must start with YOTON and three spaces.") {
    channel *pub = open_pub(t, "control", "txt");
    end *e = establish(t);
    publish(pub, "text");
    package want = {.slot = pub->slot_out};
    const item *got = expect_package(e, &want, SLOT);
    check(t, memcmp(got->raw, "YOTON   ", 8) == 0, "the control bytes are wrong");
}

static const item *next_heartbeat(end *e) {
    const item *got;
    do {
        got = next_item(e, patience(e->t));
        check(e->t, got != NULL, "no heartbeat came");
    } while (got->kind != ITEM_HEARTBEAT);
    return got;
}

CASE(FRAME, 2, 2, .roles = ROLES_BOTH, .title = "control bytes of heartbeats",
     .about = "Waits for a heartbeat; it must start with YOTON and three spaces.") {
    end *e = establish(t);
    const item *got = next_heartbeat(e);
    check(t, memcmp(got->raw, "YOTON   ", 8) == 0, "the control bytes are wrong");
}

CASE(FRAME, 5, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "length is that of the payload",
     .about = "Has the peer publish messages of 1, 255, 256, 65535, 65536 and 70000 bytes; length "
              "and payload of each package must be right.") {
    static uint8_t bytes[70000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i % 251);
    channel *pub = open_pub(t, "sizes", "bin");
    end *e = establish(t);
    const size_t sizes[] = {1, 255, 256, 65535, 65536, 70000};
    for (int i = 0; i < 6; i++) {
        publish_bytes(pub, bytes, sizes[i]);
        package want = {.slot = pub->slot_out, .length = sizes[i]};
        want.payload = bytes;
        want.size = sizes[i];
        expect_package(e, &want, SLOT | LENGTH | PAYLOAD);
    }
}

/* ---- Track of the stream ---- */

static void expect_dropped_for(tester *t, const uint8_t header[56]) {
    end *e = establish(t);
    send_bytes(e, header, 56, "a header with wrong control bytes");
    expect_closed(e);
}

static void good_heartbeat(uint8_t header[56]) {
    memset(header, 0, 56);
    memcpy(header, "YOTON   ", 8);
    header[8] = 1;
}

CASE(FRAME, 3, 1, .roles = ROLES_BOTH, .title = "one wrong control byte",
     .about = "Spoils each of the eight control bytes of a heartbeat in turn, each on a new "
              "connection; the peer must drop every one of them.") {
    for (int i = 0; i < 8; i++) {
        uint8_t header[56];
        good_heartbeat(header);
        header[i] ^= 0x20; /* other case, or no blank */
        note(t, "control byte %d is wrong", i);
        expect_dropped_for(t, header);
    }
}

CASE(FRAME, 3, 2, .roles = ROLES_BOTH, .title = "no control bytes at all",
     .about = "Sends 56 zero bytes, and on another connection text; the peer must drop both.") {
    uint8_t header[56] = {0};
    expect_dropped_for(t, header);
    memset(header, 'A', sizeof header);
    expect_dropped_for(t, header);
}

CASE(FRAME, 3, 3, .roles = ROLES_BOTH, .needs = TALK, .title = "no search for the next package",
     .about = "Sends a spoiled header and a good message behind it; the peer must drop the "
              "connection, and neither deposit nor forward the message.") {
    channel *sub = open_sub(t, "resync", "txt");
    end *a = establish(t), *b = establish(t);
    package p = message(a, sub->slot_in, "after the error");
    uint8_t *good, both[56 + 56 + 15] = {0};
    size_t size = package_bytes(&p, &good);
    memcpy(both, "YOTON!  ", 8);
    memcpy(both + 56, good, size);
    send_bytes(a, both, 56 + size, "a spoiled header, then a good package");
    expect_closed(a);
    end_close(a);
    barrier(t);
    expect_no_message(sub);
    expect_nothing(b);
}

CASE(FRAME, 4, 1, .roles = ROLES_BOTH, .title = "no close signal after a stream error",
     .about = "Sends a spoiled header and reads to the end of the stream; no close signal may "
              "come.") {
    end *e = establish(t);
    const uint8_t header[56] = "yoton   ";
    send_bytes(e, header, 56, "a header with wrong control bytes");
    for (;;) {
        const item *got = next_event(e, patience(t));
        check(t, got != NULL, "the connection was not dropped");
        if (got->kind == ITEM_CLOSE)
            fail_at(e, got, 24, "source_seq", "no close signal", "1: close");
        if (got->kind == ITEM_END || got->kind == ITEM_RESET)
            break;
    }
}

CASE(FRAME, 4, 2, .roles = ROLES_BOTH, .needs = "host", .title = "a stream error is reported",
     .about = "Sends a spoiled header; the peer must report the connection closed.") {
    end *e = establish(t);
    const uint8_t header[56] = "YOTON  !";
    send_bytes(e, header, 56, "a header with wrong control bytes");
    await_event(t, "closed", e->connection, patience(t));
}

/* ---- Segments ---- */

CASE(FRAME, 6, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "a package byte by byte",
     .about = "Sends a message one byte at a time; the peer's sub channel must get it.") {
    channel *sub = open_sub(t, "slow", "txt");
    end *e = establish(t);
    package p = message(e, sub->slot_in, "one byte at a time");
    send_package_in_pieces(e, &p, 1);
    expect_received(sub, "one byte at a time");
}

CASE(FRAME, 6, 2, .roles = ROLES_BOTH, .needs = TALK, .title = "a package cut at every place",
     .about = "Sends 70 messages, each in two segments that meet at another byte; the peer's sub "
              "channel must get them all, in order.") {
    channel *sub = open_sub(t, "cuts", "txt");
    end *e = establish(t);
    char texts[70][32];
    for (int cut = 1; cut < 70; cut++) {
        snprintf(texts[cut], sizeof texts[cut], "cut at byte %02d ", cut);
        package p = message(e, sub->slot_in, texts[cut]);
        uint8_t *bytes;
        size_t size = package_bytes(&p, &bytes);
        send_bytes(e, bytes, (size_t)cut, "the first piece");
        send_bytes(e, bytes + cut, size - (size_t)cut, "the rest");
    }
    for (int cut = 1; cut < 70; cut++)
        expect_received(sub, texts[cut]);
}

CASE(FRAME, 6, 3, .roles = ROLES_BOTH, .needs = TALK, .title = "many packages in one segment",
     .about = "Sends 40 messages and heartbeats between them in one write; the peer's sub channel "
              "must get all messages, in order.") {
    channel *sub = open_sub(t, "burst", "txt");
    end *e = establish(t);
    static uint8_t all[40 * (56 + 12 + 56)];
    char texts[40][32];
    size_t used = 0;
    for (int i = 0; i < 40; i++) {
        snprintf(texts[i], sizeof texts[i], "message %02d", i);
        package p = message(e, sub->slot_in, texts[i]);
        uint8_t *bytes;
        size_t size = package_bytes(&p, &bytes);
        memcpy(all + used, bytes, size);
        good_heartbeat(all + used + size);
        used += size + 56;
    }
    send_bytes(e, all, used, "40 messages and 40 heartbeats");
    for (int i = 0; i < 40; i++)
        expect_received(sub, texts[i]);
}

/* ---- Lengths that lie, streams that end ---- */

static void claim(tester *t, uint64_t length) {
    end *e = establish(t);
    package p = message(e, slot_of("huge.bin.pub-sub"), "");
    p.length = length;
    send_header(e, &p);
    expect_closed(e);
}

CASE(FRAME, 7, 1, .roles = ROLES_BOTH, .title = "a length of 2^63",
     .about = "Sends a header that claims 2^63 bytes and nothing more; the peer must drop the "
              "connection without waiting for them.") {
    claim(t, UINT64_C(1) << 63);
}

CASE(FRAME, 7, 2, .roles = ROLES_BOTH, .title = "a length of 2^64 - 1",
     .about = "Sends a header that claims 2^64 - 1 bytes; the peer must drop the connection.") {
    claim(t, UINT64_MAX);
}

CASE(FRAME, 7, 3, .roles = ROLES_BOTH, .title = "a length of 2^40",
     .about = "Sends a header that claims a terabyte; the peer must drop the connection.") {
    claim(t, UINT64_C(1) << 40);
}

CASE(FRAME, 8, 1, .roles = ROLES_BOTH, .needs = "host", .title = "the stream ends in a header",
     .about = "Sends 20 bytes of a header and ends the stream; the peer must report the connection "
              "closed, and close its side.") {
    end *e = establish(t);
    package p = message(e, slot_of("cut.txt.pub-sub"), "text");
    uint8_t *bytes;
    package_bytes(&p, &bytes);
    send_bytes(e, bytes, 20, "part of a header");
    end_shutdown(e);
    expect_closed(e);
    await_event(t, "closed", e->connection, patience(t));
}

CASE(FRAME, 8, 2, .roles = ROLES_BOTH, .needs = TALK " host",
     .title = "the stream ends in a payload",
     .about = "Sends a message without its last byte and ends the stream; the peer must report the "
              "connection closed, and neither deposit nor forward what came.") {
    channel *sub = open_sub(t, "cut", "txt");
    end *a = establish(t), *b = establish(t);
    package p = message(a, sub->slot_in, "not quite whole");
    uint8_t *bytes;
    size_t size = package_bytes(&p, &bytes);
    send_bytes(a, bytes, size - 1, "a package without its last byte");
    end_shutdown(a);
    await_event(t, "closed", a->connection, patience(t));
    end_close(a);
    barrier(t);
    expect_no_message(sub);
    expect_nothing(b);
}

/* ---- Slots 0 to 7 ---- */

CASE(FRAME, 10, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "reserved slots are not used",
     .about =
         "Has the peer connect, publish and close; every package with payload must be for slot "
         "2 or a slot from 8 on.") {
    channel *pub = open_pub(t, "reserved", "txt");
    end *e = establish(t);
    for (int i = 0; i < 3; i++)
        publish(pub, "text");
    barrier(t);
    for (;;) {
        const item *got = next_item(e, 0);
        if (got == NULL)
            break;
        if (got->kind == ITEM_PACKAGE && got->p.slot != 2 && got->p.slot < 8)
            fail_at(e, got, 8, "slot", "2 or at least 8", "a reserved slot");
    }
}

CASE(FRAME, 11, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "packages for reserved slots",
     .about =
         "Sends packages with payload for the slots 0, 1 and 3 to 7; they must be forwarded as "
         "they are, and the connection must stay.") {
    end *a = establish(t), *b = establish(t);
    const uint64_t slots[] = {0, 1, 3, 4, 5, 6, 7};
    for (int i = 0; i < 7; i++) {
        package p = message(a, slots[i], "reserved");
        send_package(a, &p);
        expect_package(b, &p, EVERYTHING);
    }
    barrier(t);
    expect_nothing(a);
    expect_nothing(b);
}

/* ---- Signals ---- */

static const package heartbeat = {.slot = 1}; /* every other field is 0 */

CASE(FRAME, 12, 1, .roles = ROLES_BOTH, .title = "form of a heartbeat",
     .about = "Waits for a heartbeat and compares every field.") {
    end *e = establish(t);
    const item *got = next_heartbeat(e);
    compare(e, got, &heartbeat, EVERYTHING & ~PAYLOAD);
}

CASE(FRAME, 12, 2, .roles = ROLES_BOTH, .needs = "close", .title = "form of a close signal",
     .about = "Has the peer close the connection and compares every field of the close signal.") {
    end *e = establish(t);
    ask(t, "close", "{s:s}", "connection", e->connection);
    for (;;) {
        const item *got = next_event(e, patience(t));
        if (got == NULL || got->kind == ITEM_END || got->kind == ITEM_RESET)
            skip(t, "no close signal came; LINK-12 judges that");
        if (got->kind == ITEM_CLOSE) {
            package want = {.slot = 1, .source_seq = 1};
            compare(e, got, &want, EVERYTHING & ~PAYLOAD);
            return;
        }
    }
}

static package odd_signal(end *e, uint64_t source_seq) {
    package p = message(e, slot_of("odd.txt.pub-sub"), "");
    p.source_seq = source_seq;
    p.dest_id = UINT64_C(0x1122334455667788);
    p.dest_seq = 99;
    return p;
}

CASE(FRAME, 13, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "a heartbeat with odd fields",
     .about = "Sends a package of length 0 and source_seq 0 with a slot, ids and dest_seq; it must "
              "be taken as a heartbeat: nothing happens.") {
    end *a = establish(t), *b = establish(t);
    package p = odd_signal(a, 0);
    send_package(a, &p);
    barrier(t);
    expect_nothing(a);
    expect_nothing(b);
}

CASE(FRAME, 13, 2, .roles = ROLES_BOTH, .title = "a close signal with odd fields",
     .about = "Sends a package of length 0 and source_seq 1 with a slot, ids and dest_seq; it must "
              "be taken as the close signal.") {
    end *e = establish(t);
    package p = odd_signal(e, 1);
    send_package(e, &p);
    expect_closed(e);
}

CASE(FRAME, 14, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "unknown signals",
     .about = "Sends signals with source_seq 2, 2^32 + 1, 2^63 and 2^64 - 1; the connection must "
              "stay and work.") {
    end *e = establish(t);
    const uint64_t numbers[] = {2, (UINT64_C(1) << 32) + 1, UINT64_C(1) << 63, UINT64_MAX};
    for (int i = 0; i < 4; i++)
        send_signal(e, numbers[i]);
    barrier(t);
    expect_nothing(e);
}

CASE(FRAME, 15, 1, .roles = ROLES_BOTH, .needs = TALK " close", .takes = 0.8,
     .title = "only heartbeat and close are sent",
     .about = "Has the peer publish, idle and close; every signal it sends must be a heartbeat or "
              "the close signal.") {
    channel *pub = open_pub(t, "signals", "txt");
    end *e = establish(t);
    publish(pub, "text");
    run_for(t, 0.6);
    ask(t, "close", "{s:s}", "connection", e->connection);
    double late = now() + patience(t);
    for (;;) {
        const item *got = next_item(e, patience(t));
        check(t, got != NULL && now() < late, "the stream did not end after the close");
        if (got->kind == ITEM_SIGNAL)
            fail_at(e, got, 24, "source_seq", "0 or 1", "a reserved signal");
        if (got->kind == ITEM_END || got->kind == ITEM_RESET)
            return;
    }
}

CASE(FRAME, 16, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "signals are not forwarded",
     .about = "Sends heartbeats and an unknown signal that carry a source and a slot; no signal "
              "with such fields may come on the other connection.") {
    end *a = establish(t), *b = establish(t);
    const uint64_t numbers[] = {0, 2, 7};
    for (int i = 0; i < 3; i++) {
        package p = odd_signal(a, numbers[i]);
        p.dest_id = 0;
        send_package(a, &p);
    }
    barrier(t);
    for (;;) {
        const item *got = next_item(b, 0);
        if (got == NULL)
            break;
        if (got->kind == ITEM_HEARTBEAT || got->kind == ITEM_SIGNAL)
            compare(b, got, &heartbeat, EVERYTHING & ~PAYLOAD);
    }
}

CASE(FRAME, 16, 2, .roles = ROLES_BOTH, .needs = TALK, .title = "signals are not deposited",
     .about = "Sends signals for the slot of the peer's sub channel; it must get none of them.") {
    channel *sub = open_sub(t, "none", "txt");
    end *e = establish(t);
    const uint64_t numbers[] = {0, 2, 7};
    for (int i = 0; i < 3; i++) {
        package p = message(e, sub->slot_in, "");
        p.source_seq = numbers[i];
        send_package(e, &p);
    }
    barrier(t);
    expect_no_message(sub);
}

CASE(FRAME, 16, 3, .roles = ROLES_BOTH, .needs = TALK, .title = "signals do not count as packages",
     .about = "Sends a signal with number 500 of a source and then message number 1 of it; the "
              "message must be deposited.") {
    channel *sub = open_sub(t, "count", "txt");
    end *e = establish(t);
    package signal = message(e, sub->slot_in, "");
    signal.source_seq = 500;
    send_package(e, &signal);
    package p = message(e, sub->slot_in, "number one");
    p.source_seq = 1;
    send_package(e, &p);
    expect_received(sub, "number one");
}

const struct test_case *const framing_cases[] = {
    &FRAME_1_1,  &FRAME_2_1,  &FRAME_2_2,  &FRAME_5_1,  &FRAME_3_1,  &FRAME_3_2,
    &FRAME_3_3,  &FRAME_4_1,  &FRAME_4_2,  &FRAME_6_1,  &FRAME_6_2,  &FRAME_6_3,
    &FRAME_7_1,  &FRAME_7_2,  &FRAME_7_3,  &FRAME_8_1,  &FRAME_8_2,  &FRAME_10_1,
    &FRAME_11_1, &FRAME_12_1, &FRAME_12_2, &FRAME_13_1, &FRAME_13_2, &FRAME_14_1,
    &FRAME_15_1, &FRAME_16_1, &FRAME_16_2, &FRAME_16_3, NULL};
