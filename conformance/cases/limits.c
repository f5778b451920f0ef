/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 16 of the specification: what fits below the limits, and what happens above them. */
#include "cases/cases.h"
#include "cases/stalled.h"

#include <stdlib.h>
#include <string.h>

#define TALK "open send recv bin txt" /* what barrier() and a sub channel need */

CASE(LIMIT, 1, 1, .roles = ROLES_BOTH, .title = "the longest good line",
     .about = "Says a line of 45 bytes, with a process id of 20 digits; it must be accepted.") {
    end *e = meet(t);
    if (e->peer_role == ROLE_CLIENT)
        expect_hello(e);
    send_text(e, "YOTON!fedcba9876543210.18446744073709551615\r\n");
    if (e->peer_role == ROLE_HOST)
        expect_hello(e);
    else
        await_connected(e);
}

static uint8_t *filled(size_t size) {
    uint8_t *bytes = malloc(size);
    if (bytes == NULL)
        abort();
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 31 + (i >> 8));
    return bytes;
}

CASE(LIMIT, 2, 1, .roles = ROLES_BOTH, .needs = TALK, .takes = 3, .title = "a package of 16 MiB",
     .about = "Sends a package of 16 MiB for somebody else; it must be forwarded whole.") {
    const size_t size = (size_t)16 << 20;
    uint8_t *bytes = filled(size);
    end *a = establish(t), *b = establish(t);
    package p = message_bytes(a, slot_of("huge.bin.pub-sub"), bytes, size);
    set_patience(t, 30);
    send_package(a, &p);
    expect_package(b, &p, EVERYTHING);
}

CASE(LIMIT, 2, 2, .roles = ROLES_BOTH, .needs = TALK " options max_message",
     .title = "at the limit, and one above",
     .about = "Sets the limit of a message to 1000 bytes; a message of 1000 must be received, one "
              "of 1001 must end the connection.") {
    call(t, "options", "{s:i}", "max_message", 1000);
    channel *sub = open_sub(t, "limit", "bin");
    end *e = establish(t);
    uint8_t *bytes = filled(1001);
    package fits = message_bytes(e, sub->slot_in, bytes, 1000);
    send_package(e, &fits);
    expect_received_bytes(sub, bytes, 1000);
    package above = message_bytes(e, sub->slot_in, bytes, 1001);
    send_package(e, &above);
    expect_closed(e);
    expect_no_message(sub);
}

CASE(LIMIT, 3, 1, .roles = ROLE_HOST, .needs = TALK " pending", .takes = 1.5,
     .title = "10000 messages wait at a channel",
     .about = "Sends 10020 messages to a sub channel from which nothing is received; 10000 must be "
              "pending, and the first of them be number 21.") {
    enum { ALL = 10020, KEPT = 10000, SIZE = 56 + 4 };
    channel *sub = open_sub(t, "many", "bin");
    end *e = establish(t);
    uint8_t *stream = malloc((size_t)ALL * SIZE), number[4];
    if (stream == NULL)
        abort();
    for (uint32_t i = 0; i < ALL; i++) {
        for (int k = 0; k < 4; k++)
            number[k] = (uint8_t)((i + 1) >> 8 * k);
        package p = message_bytes(e, sub->slot_in, number, sizeof number);
        uint8_t *bytes;
        size_t size = package_bytes(&p, &bytes);
        memcpy(stream + (size_t)i * SIZE, bytes, size);
    }
    set_patience(t, 10);
    send_bytes(e, stream, (size_t)ALL * SIZE, "10020 messages");
    barrier(t);
    json_t *reply = call(t, "pending", "{s:s}", "channel", sub->name);
    json_t *count = json_object_get(reply, "count");
    check(t, json_integer_value(count) == KEPT, "%lld messages are pending",
          (long long)json_integer_value(count));
    expect_received_bytes(sub, "\x15\0\0\0", 4);
}

CASE(LIMIT, 4, 1, .roles = ROLES_BOTH, .needs = TALK, .takes = 1.9,
     .title = "a send is held while 64 packages wait",
     .about = "Takes nothing and has the peer publish messages of 60 KiB until one send is held; "
              "that must happen, and be over after 1 s.") {
    set_receive_buffer(t, 4096);
    channel *pub = open_pub(t, "held", "bin");
    end *e = establish(t);
    end_hold(e, true);
    const size_t size = 60 * 1024;
    uint8_t *bytes = filled(size);
    for (int i = 0; i < 600; i++) {
        double began = now();
        publish_bytes(pub, bytes, size);
        double took = now() - began;
        check(t, took <= 1.5 + 5 * slack(t), "a send was held for %.1f s", took);
        if (took >= 0.8)
            return;
    }
    fail(t, "600 messages of 60 KiB were taken and no send was held");
}

CASE(LIMIT, 5, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "1024 sources are remembered",
     .about = "Sends number 5 of a source, a package each of 1023 other sources, and number 5 "
              "again; the last must be dropped as a duplicate.") {
    channel *sub = open_sub(t, "remember", "txt");
    end *e = establish(t);
    package p = message(e, sub->slot_in, "only once");
    p.source_seq = 5;
    send_package(e, &p);
    enum { OTHERS = 1023, SIZE = 56 + 1 };
    static uint8_t stream[OTHERS * SIZE];
    for (int i = 0; i < OTHERS; i++) {
        package other = message(e, slot_of("others.txt.pub-sub"), "x");
        other.source_id = random_number(t);
        uint8_t *bytes;
        size_t size = package_bytes(&other, &bytes);
        memcpy(stream + (size_t)i * SIZE, bytes, size);
    }
    send_bytes(e, stream, sizeof stream, "packages of 1023 sources");
    send_package(e, &p);
    expect_received(sub, "only once");
    barrier(t);
    expect_no_message(sub);
}

CASE(LIMIT, 8, 1, .roles = ROLES_BOTH, .needs = "open send txt close host", .takes = 1.9,
     .title = "closing is given up",
     .about = "Has the peer publish a message larger than all buffers and close, and takes nothing "
              "until it reports the connection closed; the stream must then end without the whole "
              "message.") {
    channel *pub = open_pub(t, "flood", "txt");
    end *e = stalled_end(t, pub);
    ask(t, "close", "{s:s}", "connection", e->connection);
    await_event(t, "closed", e->connection, 4 * patience(t));
    end_hold(e, false);
    for (;;) {
        const item *got = next_event(e, patience(t));
        check(t, got != NULL, "the stream did not end");
        check(t, got->kind != ITEM_PACKAGE || got->p.slot != pub->slot_out,
              "the whole message came: nothing was given up");
        if (got->kind == ITEM_END || got->kind == ITEM_RESET)
            return;
    }
}

const struct test_case *const limits_cases[] = {&LIMIT_1_1, &LIMIT_2_1, &LIMIT_2_2, &LIMIT_3_1,
                                                &LIMIT_4_1, &LIMIT_5_1, &LIMIT_8_1, NULL};
