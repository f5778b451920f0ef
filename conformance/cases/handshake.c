/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 5 of the specification: the line each end says before any package. */
#include "cases/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The peer's own line ---- */

CASE(HS, 1, 1, .roles = ROLE_CLIENT, .title = "the client speaks first",
     .about = "Accepts the peer's connection and says nothing; the peer's line must come.") {
    end *e = meet(t);
    expect_hello(e);
}

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

CASE(HS, 2, 2, .roles = ROLES_BOTH, .needs = "host", .title = "id and process id are true",
     .about = "Reads the peer's line and compares id and process id with what its adapter says.") {
    end *e = establish(t);
    check(t, e->peer_id == peer_id(t), "the line says %016llx, the adapter %016llx",
          (unsigned long long)e->peer_id, (unsigned long long)peer_id(t));
    json_t *status = call(t, "status", "{s:s}", "connection", e->connection);
    json_t *pid = json_object_get(status, "pid1");
    unsigned long long told = json_is_string(pid) ? strtoull(json_string_value(pid), NULL, 10)
                                                  : (unsigned long long)json_integer_value(pid);
    check(t, e->peer_pid == told, "the line says process %llu, the adapter %llu",
          (unsigned long long)e->peer_pid, told);
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

CASE(HS, 3, 2, .roles = ROLES_BOTH, .needs = "open send options context_id",
     .title = "an id that begins with zeros",
     .about =
         "Gives the peer the id 0000000000c0ffee, and has it publish; its line and its packages "
         "must both carry just this id.") {
    call(t, "options", "{s:s}", "context_id", "0000000000c0ffee");
    channel *pub = open_pub(t, "zeros", "txt");
    end *e = meet(t);
    if (e->peer_role == ROLE_HOST)
        send_hello(e);
    const item *line = next_item(e, patience(t));
    check(t, line && line->kind == ITEM_LINE && line->p.size >= 22, "no line came");
    if (memcmp((const char *)line->p.payload + 6, "0000000000c0ffee", 16) != 0)
        fail_at(e, line, 6, "id", "0000000000c0ffee", "another id");
    if (e->peer_role == ROLE_CLIENT)
        send_hello(e);
    receive_packages(e);
    publish(pub, "whose?");
    package want = {.slot = pub->slot_out, .source_id = 0xc0ffee};
    expect_package(e, &want, SLOT | SOURCE_ID);
}

CASE(HS, 4, 1, .roles = ROLES_BOTH, .title = "the id is not 0",
     .about = "Reads the peer's line; its id must not be 0.") {
    end *e = meet(t);
    if (e->peer_role == ROLE_HOST)
        send_hello(e);
    const item *line = next_item(e, patience(t));
    check(t, line && line->kind == ITEM_LINE && line->p.size >= 22, "no line came");
    if (memcmp((const char *)line->p.payload + 6, "0000000000000000", 16) == 0)
        fail_at(e, line, 6, "id", "not 0", "0");
}

/* ---- Good lines of other ends ---- */

/* A handshake in which this end says `id_and_pid` behind YOTON!; it must be accepted. */
static void expect_accepted(tester *t, const char *id_and_pid) {
    end *e = meet(t);
    if (e->peer_role == ROLE_CLIENT)
        expect_hello(e);
    send_text(e, "YOTON!%s\r\n", id_and_pid);
    if (e->peer_role == ROLE_HOST)
        expect_hello(e);
    else
        await_connected(e);
}

CASE(HS, 5, 1, .roles = ROLES_BOTH, .title = "any process id",
     .about = "Makes connections with the process ids 0, 007, one of 20 digits with leading zeros, "
              "and 2^64 - 1; all must be accepted.") {
    expect_accepted(t, "00000000000000a1.0");
    expect_accepted(t, "00000000000000a2.007");
    expect_accepted(t, "00000000000000a3.00000000000000000042");
    expect_accepted(t, "00000000000000a4.18446744073709551615");
}

CASE(HS, 6, 1, .roles = ROLES_BOTH, .title = "upper-case digits in the id",
     .about = "Makes connections with an id in upper-case digits and one in mixed case; both must "
              "be accepted.") {
    expect_accepted(t, "FEDCBA9876543210.1");
    expect_accepted(t, "FeDcBa9876543211.1");
}

CASE(HS, 7, 1, .roles = ROLE_HOST, .title = "the host answers",
     .about = "Sends a good line; the host's line must come.") {
    end *e = meet(t);
    send_hello(e);
    expect_hello(e);
}

CASE(HS, 7, 2, .roles = ROLE_HOST, .title = "the host answers a line in pieces",
     .about = "Sends a good line one byte at a time; the host's line must come.") {
    end *e = meet(t);
    char line[64];
    int size = snprintf(line, sizeof line, "YOTON!%016llx.1\r\n", (unsigned long long)e->id);
    for (int i = 0; i < size; i++)
        send_bytes(e, line + i, 1, "a byte of the line");
    expect_hello(e);
}

CASE(HS, 8, 1, .roles = ROLE_HOST, .timed = true, .title = "the host says nothing first",
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

CASE(HS, 10, 1, .roles = ROLES_BOTH, .needs = "open send",
     .title = "the line comes before the packages",
     .about = "Has the peer publish before there is a connection; what comes first on the "
              "connection must be its line, and behind that the message.") {
    channel *pub = open_pub(t, "queued", "txt");
    publish(pub, "queued");
    end *e = establish(t);
    package want = {.slot = pub->slot_out, .payload = "queued", .size = 6};
    expect_package(e, &want, SLOT | PAYLOAD);
}

CASE(HS, 11, 1, .roles = ROLE_CLIENT, .needs = "open send", .timed = true,
     .title = "the client waits for the answer",
     .about = "Has the peer publish before it connects, and lets it wait for the host's line; no "
              "package should come before that line is sent.") {
    channel *pub = open_pub(t, "queued", "txt");
    publish(pub, "queued");
    end *e = meet(t);
    expect_hello(e);
    check(t, next_item(e, 0.3 + slack(t)) == NULL, "something came before the host's line");
    send_hello(e);
    receive_packages(e);
    package want = {.slot = pub->slot_out, .payload = "queued", .size = 6};
    expect_package(e, &want, SLOT | PAYLOAD);
}

/* ---- Refusal by the host ---- */

#define NOT_YOTON "ERROR: this is Yoton."
#define NO_ID "ERROR: could not parse id."

static void expect_answer(tester *t, const char *line, const char *answer) {
    end *e = meet(t);
    send_text(e, "%s", line);
    expect_line(e, answer);
}

CASE(HS, 12, 1, .roles = ROLE_HOST, .title = "a browser calls",
     .about = "Sends the first line of an HTTP request; the answer must be ERROR: this is Yoton.") {
    expect_answer(t, "GET / HTTP/1.1\r\n", NOT_YOTON);
}

CASE(HS, 12, 2, .roles = ROLE_HOST, .title = "lines that are almost Yoton's",
     .about = "Sends yoton! in lower case, YOTON? and a blank before YOTON!, each on a connection "
              "of its own; the answer must be ERROR: this is Yoton.") {
    expect_answer(t, "yoton!00000000000000a1.1\r\n", NOT_YOTON);
    expect_answer(t, "YOTON?00000000000000a1.1\r\n", NOT_YOTON);
    expect_answer(t, " YOTON!00000000000000a1.1\r\n", NOT_YOTON);
}

CASE(HS, 13, 1, .roles = ROLE_HOST, .title = "a line without an id",
     .about = "Sends YOTON! with nothing behind it, with words, and without the point; the answer "
              "must be ERROR: could not parse id.") {
    expect_answer(t, "YOTON!\r\n", NO_ID);
    expect_answer(t, "YOTON!hello.world\r\n", NO_ID);
    expect_answer(t, "YOTON!00000000000000a1\r\n", NO_ID);
    expect_answer(t, "YOTON!00000000000000a1.\r\n", NO_ID);
}

/* A line with `id_and_pid` behind YOTON! must be refused, in the way of the peer's role. */
static void expect_refusal(tester *t, const char *id_and_pid) {
    end *e = meet(t);
    note(t, "now with %s", id_and_pid);
    if (e->peer_role == ROLE_CLIENT)
        expect_hello(e);
    send_text(e, "YOTON!%s\r\n", id_and_pid);
    if (e->peer_role == ROLE_HOST) {
        expect_line(e, NO_ID);
        return;
    }
    expect_closed(e);
    expect_refused(t, await_reply(t, e->connecting, patience(t)), "a line that is not good");
}

CASE(HS, 14, 1, .roles = ROLES_BOTH, .title = "ids of another form",
     .about = "Says ids of 15 and 17 digits, with 0x, a sign, an underscore, a blank and a letter "
              "in front or between, each on a connection of its own; all must be refused.") {
    expect_refusal(t, "123456789abcdef.1");
    expect_refusal(t, "0123456789abcdef0.1");
    expect_refusal(t, "0x23456789abcdef.1");
    expect_refusal(t, "+123456789abcdef.1");
    expect_refusal(t, "01234567_9abcdef.1");
    expect_refusal(t, " 123456789abcdef.1");
    expect_refusal(t, "0123456789abcdeg.1");
}

CASE(HS, 14, 2, .roles = ROLES_BOTH, .title = "process ids of another form",
     .about = "Says process ids with a sign, a blank, an underscore, a letter, 21 digits and 2^64, "
              "each on a connection of its own; all must be refused.") {
    expect_refusal(t, "00000000000000a1.+1");
    expect_refusal(t, "00000000000000a2.-1");
    expect_refusal(t, "00000000000000a3. 1");
    expect_refusal(t, "00000000000000a4.1 ");
    expect_refusal(t, "00000000000000a5.1_0");
    expect_refusal(t, "00000000000000a6.12f");
    expect_refusal(t, "00000000000000a7.000000000000000000001");
    expect_refusal(t, "00000000000000a8.18446744073709551616");
}

CASE(HS, 14, 3, .roles = ROLES_BOTH, .title = "only CRLF ends the line",
     .about = "Says a line with LF alone inside, and one with CR alone inside; both must be "
              "refused.") {
    expect_refusal(t, "00000000000000a1.1\n");
    expect_refusal(t, "00000000000000a2.1\r");
}

CASE(HS, 15, 1, .roles = ROLES_BOTH, .title = "the id 0",
     .about = "Says the id 0; it must be refused.") {
    expect_refusal(t, "0000000000000000.1");
}

CASE(HS, 16, 1, .roles = ROLE_HOST, .timed = true, .title = "a line without end",
     .about = "Sends 2000 bytes that start like a line and have no CRLF; the error line must come "
              "within 1.5 s, before the time for the handshake is over.") {
    end *e = meet(t);
    char line[2001];
    memset(line, '0', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    memcpy(line, "YOTON!00000000000000a1.", 23);
    double began = now();
    send_text(e, "%s", line);
    expect_line(e, NO_ID);
    check(t, now() - began < 1.5 + slack(t), "the refusal took %.1f s", now() - began);
}

CASE(HS, 17, 1, .roles = ROLE_HOST, .title = "the stream ends in the line",
     .about = "Sends a good line without its CRLF and ends the stream; it must be refused, because "
              "digits of the process id may be missing.") {
    end *e = meet(t);
    send_text(e, "YOTON!00000000000000a1.12");
    end_shutdown(e);
    expect_line(e, NO_ID);
}

CASE(HS, 17, 2, .roles = ROLE_HOST, .takes = 2.2, .title = "a line that is not finished in time",
     .about = "Sends a good line without its CRLF and waits; after 2.0 s the error line must "
              "come.") {
    end *e = meet(t);
    double began = now();
    send_text(e, "YOTON!00000000000000a1.12");
    set_patience(t, 3.5);
    expect_line(e, NO_ID);
    check(t, now() - began > 1.9, "the refusal came after %.2f s", now() - began);
}

CASE(HS, 18, 1, .roles = ROLE_HOST, .title = "a caller that hangs up",
     .about = "Connects and ends the stream without a word; the host must close the socket and "
              "send nothing.") {
    end *e = meet(t);
    end_shutdown(e);
    expect_closed(e);
}

CASE(HS, 18, 2, .roles = ROLE_HOST, .takes = 2.2, .title = "a caller that says nothing",
     .about = "Connects and says nothing; after 2.0 s the host must close the socket, and send "
              "nothing.") {
    end *e = meet(t);
    double began = now();
    set_patience(t, 3.5);
    expect_closed(e);
    check(t, now() - began > 1.9, "the socket was closed after %.2f s", now() - began);
}

static void expect_still_waiting(tester *t, uint16_t port) {
    end *e = dial(t, port);
    send_hello(e);
    expect_hello(e);
}

CASE(HS, 19, 1, .roles = ROLE_HOST, .title = "the host waits on after a refusal",
     .about = "Sends a line that is not Yoton's, and one without an id; after each the host must "
              "still accept a good peer.") {
    end *e = meet(t);
    send_text(e, "HELO example.org\r\n");
    expect_line(e, NOT_YOTON);
    end *f = dial(t, e->port);
    send_text(f, "YOTON!?\r\n");
    expect_line(f, NO_ID);
    expect_still_waiting(t, e->port);
}

CASE(HS, 19, 2, .roles = ROLE_HOST, .title = "the host waits on after a loss",
     .about = "Connects and resets the connection, connects and hangs up; after that the host must "
              "still accept a good peer.") {
    end *e = meet(t);
    send_text(e, "YOTON!0000");
    end_reset(e);
    end *f = dial(t, e->port);
    end_close(f);
    expect_still_waiting(t, e->port);
}

CASE(HS, 20, 1, .roles = ROLE_HOST, .title = "a refused socket is closed",
     .about =
         "Sends a line that is not Yoton's; behind the error line the stream must end, without "
         "another peer having to come.") {
    end *e = meet(t);
    send_text(e, "GET / HTTP/1.1\r\n");
    expect_line(e, NOT_YOTON);
    expect_closed(e);
}

CASE(HS, 20, 2, .roles = ROLE_HOST, .title = "so is one without an id",
     .about = "Sends YOTON! and no id; behind the error line the stream must end.") {
    end *e = meet(t);
    send_text(e, "YOTON!\r\n");
    expect_line(e, NO_ID);
    expect_closed(e);
}

CASE(HS, 21, 1, .roles = ROLE_HOST, .title = "the error line arrives",
     .about = "Sends an HTTP request of a megabyte in one write; the error line and an orderly end "
              "of the stream should come, no reset.") {
    end *e = meet(t);
    static char request[1000000];
    memset(request, 'x', sizeof request);
    memcpy(request, "GET / HTTP/1.1\r\n", 16);
    offer_bytes(e, request, sizeof request, "a long HTTP request", 1.0);
    expect_line(e, NOT_YOTON);
    expect_eof(e);
}

CASE(HS, 22, 1, .roles = ROLE_HOST, .timed = true,
     .title = "a silent candidate does not block another",
     .about = "Connects and says nothing, then connects a second time and says a good line; the "
              "host should answer within 1 s, although the first is still silent.") {
    end *silent = meet(t);
    end *e = dial(t, silent->port);
    double began = now();
    send_hello(e);
    expect_hello(e);
    check(t, now() - began < 1.0 + slack(t), "the answer took %.1f s", now() - began);
}

/* ---- The connecting side ---- */

/* The peer has connected and said its line; it gets `answer` and must give up. */
static void expect_given_up(tester *t, const char *answer) {
    end *e = meet(t);
    expect_hello(e);
    send_text(e, "%s", answer);
    expect_closed(e);
    expect_refused(t, await_reply(t, e->connecting, patience(t)), "a host that is not Yoton");
}

CASE(HS, 23, 1, .roles = ROLE_CLIENT, .title = "the host is something else",
     .about = "Answers the peer's line as a web server and as a mail server would; it must close "
              "the socket without another byte, and report that connecting failed.") {
    expect_given_up(t, "HTTP/1.1 400 Bad Request\r\n\r\n");
    expect_given_up(t, "220 mail.example.org ESMTP\r\n");
}

CASE(HS, 23, 2, .roles = ROLE_CLIENT, .title = "the host refuses",
     .about =
         "Answers the peer's line with the error line of a host; it must close the socket, and "
         "report that connecting failed.") {
    expect_given_up(t, NO_ID "\r\n");
}

CASE(HS, 24, 1, .roles = ROLE_CLIENT, .takes = 2.3, .title = "the host says nothing",
     .about = "Accepts the peer and says nothing; after 2.0 s it must close the socket and report "
              "that connecting failed.") {
    end *e = meet(t);
    expect_hello(e);
    double began = now();
    set_patience(t, 4);
    expect_refused(t, await_reply(t, e->connecting, patience(t)), "a silent host");
    check(t, now() - began < 3.0 + slack(t), "giving up took %.1f s", now() - began);
    expect_closed(e);
}

CASE(HS, 25, 1, .roles = ROLE_CLIENT, .timed = true, .title = "connecting is tried again",
     .about = "Has the peer connect to a port at which nobody listens yet, and listens there a "
              "little later; the peer must come and the connection be made.") {
    uint16_t port = harness_hold(t);
    int request = peer_connect(t, port, 5.0);
    run_for(t, 0.25);
    harness_listen_held(t);
    end *e = expect_accept(t, port);
    expect_hello(e);
    send_hello(e);
    check(t, reply_ok(await_reply(t, request, patience(t))), "connecting failed");
}

CASE(HS, 26, 1, .roles = ROLE_CLIENT, .title = "a connection that ends before any line",
     .about = "Accepts the peer and closes the socket at once, as a host does between two binds; "
              "the peer should come again, and the connection be made.") {
    uint16_t port = harness_listen(t);
    int request = peer_connect(t, port, 5.0);
    end *first = expect_accept(t, port);
    expect_hello(first);
    end_close(first);
    end *e = accept_peer(t, port, patience(t));
    check(t, e != NULL, "the peer did not try again");
    expect_hello(e);
    send_hello(e);
    check(t, reply_ok(await_reply(t, request, patience(t))), "connecting failed");
}

/* ---- Connecting to oneself ---- */

CASE(HS, 27, 1, .roles = ROLE_HOST, .needs = "host", .title = "a client with the host's own id",
     .about = "Sends the host its own id; expects the host's line, the end of the stream, and that "
              "the host still accepts another peer at the same port.") {
    end *self = meet(t);
    self->id = peer_id(t);
    send_hello(self);
    expect_hello(self);
    end *other = dial(t, self->port);
    send_hello(other);
    expect_hello(other);
    expect_closed(self);
}

CASE(HS, 28, 1, .roles = ROLE_CLIENT, .title = "a host with the client's own id",
     .about =
         "Answers the peer's line with its own id; it must close the socket without a package, "
         "and report that connecting failed.") {
    end *e = meet(t);
    expect_hello(e);
    e->id = e->peer_id;
    send_hello(e);
    expect_closed(e);
    expect_refused(t, await_reply(t, e->connecting, patience(t)), "connecting to oneself");
}

/* ---- One bind, one peer ---- */

CASE(HS, 29, 1, .roles = ROLE_HOST, .needs = "open send recv bin",
     .title = "the listening socket is closed",
     .about = "Completes a handshake; after that nobody may be accepted at the port any more.") {
    end *e = establish(t);
    barrier(t); /* whatever the host does after its line, it has done now */
    end *late = try_dial(t, e->port);
    check(t, late == NULL, "a second connection was accepted at the port");
}

CASE(HS, 29, 2, .roles = ROLE_HOST, .needs = "open send recv bin",
     .title = "the port can be bound again",
     .about = "Completes a handshake, binds the port from here, and gives it back.") {
    end *e = establish(t);
    barrier(t);
    check(t, harness_listen_at(t, e->port), "the port cannot be bound after the handshake");
}

CASE(HS, 32, 1, .roles = ROLE_HOST, .title = "who comes second is closed in silence",
     .about =
         "Connects twice, and completes the handshake on the second connection; the first must "
         "see its stream end without a byte.") {
    end *slow = meet(t);
    send_text(slow, "YOTON!0");
    end *e = dial(t, slow->port);
    double began = now();
    send_hello(e);
    expect_hello(e);
    if (now() - began > 1.0)
        skip(t, "the host takes one candidate at a time; HS-22 judges that");
    expect_closed(slow);
}

/* A bind of exactly this port, completed by a handshake. */
static void serve_one_at(tester *t, uint16_t port) {
    uint16_t bound = peer_bind(t, port, NULL);
    if (bound != port)
        skip(t, "it binds another port than the one it is asked for; ADDR-10 judges that");
    end *e = dial(t, port);
    send_hello(e);
    expect_hello(e);
    barrier(t); /* whatever the host does after its line, it has done now */
}

CASE(HS, 31, 1, .roles = ROLE_HOST, .needs = "open send recv bin host",
     .title = "one port, three peers",
     .about = "Has the peer bind the same port three times, a handshake completed after each; all "
              "three connections must work.") {
    uint16_t port = port_before_free(t);
    for (int i = 0; i < 3; i++)
        serve_one_at(t, port);
}

const struct test_case *const handshake_cases[] = {
    &HS_1_1,  &HS_2_1,  &HS_2_2,  &HS_3_1,  &HS_3_2,  &HS_4_1,  &HS_5_1,  &HS_6_1,  &HS_7_1,
    &HS_7_2,  &HS_8_1,  &HS_9_1,  &HS_10_1, &HS_11_1, &HS_12_1, &HS_12_2, &HS_13_1, &HS_14_1,
    &HS_14_2, &HS_14_3, &HS_15_1, &HS_16_1, &HS_17_1, &HS_17_2, &HS_18_1, &HS_18_2, &HS_19_1,
    &HS_19_2, &HS_20_1, &HS_20_2, &HS_21_1, &HS_22_1, &HS_23_1, &HS_23_2, &HS_24_1, &HS_25_1,
    &HS_26_1, &HS_27_1, &HS_28_1, &HS_29_1, &HS_29_2, &HS_31_1, &HS_32_1, NULL};
