/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 5 of the specification: the line each end says before any package. */
#include "cases/cases.h"

CASE(HS, 2, 1, .roles = ROLES_BOTH, .title = "form of the line",
     .about = "Makes a connection and reads the peer's line: YOTON!, 16 lower-case hexadecimal "
              "digits, a point, the process id without leading zeros, and CRLF.") {
    end *e = meet(t);
    if (e->peer_role == ROLE_HOST)
        send_hello(e);
    const item *line = next_item(e, patience(t));
    check(t, line && line->kind == ITEM_LINE, "no line came");
    const char *text = line->p.payload;
    for (size_t i = 6; i < line->p.size; i++)
        if (text[i] >= 'A' && text[i] <= 'F')
            fail_at(e, line, i, "id", "lower-case digits", "an upper-case one");
    check(t, line->p.size > 23, "the line has %zu bytes, too few", line->p.size);
    if (text[23] == '0' && line->p.size > 24)
        fail_at(e, line, 23, "pid", "no leading zero", "0");
    check(t, judge_line(e, line), "the line is not good");
}

CASE(HS, 3, 1, .roles = ROLES_BOTH, .needs = "open send recv bin",
     .title = "the id in the line is the source of the packages",
     .about = "Has the peer publish a message, and compares its source_id with the id that the "
              "peer's line announced.") {
    channel *pub = open_pub(t, "ids", "txt");
    end *e = establish(t);
    publish(pub, "whose?");
    package want = {.slot = pub->slot_out, .source_id = e->peer_id};
    expect_package(e, &want, SLOT | SOURCE_ID);
}

CASE(HS, 8, 1, .roles = ROLE_HOST, .title = "the host says nothing first",
     .about = "Connects and sends the line without its CRLF; nothing may come before the CRLF is "
              "there, and the host's line has to come after it.") {
    end *e = meet(t);
    send_text(e, "YOTON!%016llx.%llu", (unsigned long long)e->id, (unsigned long long)e->pid);
    const item *early = next_item(e, 0.3 + slack(t));
    check(t, early == NULL, "the host sent something before the line was complete");
    send_text(e, "\r\n");
    expect_hello(e);
}

CASE(HS, 9, 1, .roles = ROLES_BOTH, .needs = "open recv",
     .title = "a package in the same segment as the line",
     .about = "Sends its line and a message behind it in one write; the message has to arrive.") {
    channel *sub = open_sub(t, "early", "txt");
    end *e = meet(t);
    if (e->peer_role == ROLE_CLIENT)
        expect_hello(e);
    package p = message(e, sub->slot_in, "right behind");
    send_hello_and(e, &p);
    expect_received(sub, "right behind");
}

CASE(HS, 12, 1, .roles = ROLE_HOST, .title = "a browser calls",
     .about = "Sends the first line of an HTTP request; expects the line ERROR: this is Yoton. and "
              "the end of the stream.") {
    end *e = meet(t);
    send_text(e, "GET / HTTP/1.1\r\n");
    expect_line(e, "ERROR: this is Yoton.");
    expect_closed(e);
}

CASE(HS, 27, 1, .roles = ROLE_HOST, .needs = "host", .title = "a client with the host's own id",
     .about = "Sends the host its own id; expects the host's line, the end of the stream, and that "
              "the host still accepts another peer at the same port.") {
    end *self = meet(t);
    self->id = peer_id(t);
    send_hello(self);
    expect_hello(self);
    expect_closed(self);
    end *other = dial(t, self->port);
    send_hello(other);
    expect_hello(other);
}

const struct test_case *const handshake_cases[] = {&HS_2_1,  &HS_3_1,  &HS_8_1, &HS_9_1,
                                                   &HS_12_1, &HS_27_1, NULL};
