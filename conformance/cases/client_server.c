/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 15 of the specification: client and server. In the role host the peer serves and the
 * harness requests, in the role client the other way round. */
#include "cases/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20 };

/* ---- The peer serves ---- */

static uint16_t serve(tester *t) {
    json_t *reply = call(t, "serve", "{s:s, s:s}", "address", "127.0.0.1:0", "thread", "own");
    json_int_t port = json_integer_value(json_object_get(reply, "port"));
    check(t, port > 0 && port < 65536, "`serve` answered no port");
    return (uint16_t)port;
}

/* The answer, and the end of the connection behind it. */
static void expect_answer(end *e, const char *text) {
    expect_line(e, text);
    expect_closed(e);
    end_close(e); /* a server may wait for that before it takes the next request */
}

static void request(tester *t, uint16_t port, const char *text, const char *answer) {
    end *e = dial(t, port);
    send_bytes(e, text, strlen(text), "a request");
    expect_answer(e, answer);
}

/* The same with a request that only the end of the stream ends. */
static double request_and_end(tester *t, uint16_t port, const char *text, const char *answer) {
    end *e = dial(t, port);
    double asked = now();
    send_bytes(e, text, strlen(text), "a request without CRLF");
    end_shutdown(e);
    expect_answer(e, answer);
    return now() - asked;
}

CASE(CS, 2, 1, .roles = ROLE_HOST, .needs = "serve", .title = "a request ends at the first CRLF",
     .about =
         "Sends a request with CRLF and something behind it, and goes on listening; the answer "
         "must be to what stands before the CRLF.") {
    uint16_t port = serve(t);
    request(t, port, "one\r\n", "Requested: one");
    request(t, port, "one\r\ntwo\r\n", "Requested: one");
    request(t, port, "\r\n", "Requested: ");
    request(t, port, "a\rb\nc\r\n", "Requested: a\rb\nc");
}

CASE(CS, 2, 2, .roles = ROLE_HOST, .needs = "serve",
     .title = "a request ends at the end of the stream",
     .about = "Sends a request without CRLF and ends the sending half; it must be answered, also "
              "when it is empty.") {
    uint16_t port = serve(t);
    request_and_end(t, port, "half", "Requested: half");
    request_and_end(t, port, "half\r", "Requested: half\r");
    end *e = dial(t, port);
    end_shutdown(e);
    expect_answer(e, "Requested: ");
}

CASE(CS, 2, 3, .roles = ROLE_HOST, .needs = "serve", .takes = 1.3,
     .title = "a request ends after 1 s",
     .about = "Sends a request without CRLF and leaves the stream open; after 1 s it must be "
              "answered with what has come.") {
    end *e = dial(t, serve(t));
    double asked = now();
    send_text(e, "slow");
    expect_line(e, "Requested: slow");
    double took = now() - asked;
    expect_closed(e);
    check(t, took >= 0.9 && took <= 1 + 5 * slack(t), "the answer came after %.2f s, not 1 s",
          took);
}

CASE(CS, 2, 4, .roles = ROLE_HOST, .needs = "serve", .timed = true,
     .title = "a request in single bytes",
     .about = "Sends a request byte by byte, the CRLF too; the answer must be to all of it.") {
    static const char text[] = "b\xc3\xa9!\r\n";
    end *e = dial(t, serve(t));
    for (size_t i = 0; i < sizeof text - 1; i++) {
        send_bytes(e, &text[i], 1, "one byte of the request");
        run_for(t, 0.005);
    }
    expect_answer(e, "Requested: b\xc3\xa9!");
}

CASE(CS, 3, 1, .roles = ROLE_HOST, .needs = "serve",
     .title = "an answer ends with CRLF, and the connection with it",
     .about = "Sends three requests, each on a connection of its own that stays open; each answer "
              "must end with CRLF, and the peer close the connection behind it.") {
    uint16_t port = serve(t);
    for (int i = 0; i < 3; i++)
        request(t, port, "again\r\n", "Requested: again");
}

CASE(CS, 6, 1, .roles = ROLE_HOST, .needs = "serve",
     .title = "bytes that are not UTF-8 are left out of a request",
     .about = "Sends requests with stray bytes among letters and accents; the answer must hold all "
              "but those bytes.") {
    uint16_t port = serve(t);
    request(t, port,
            "a\xff"
            "b\r\n",
            "Requested: ab");
    request(t, port, "\xc3\xa9\xc3(\r\n", "Requested: \xc3\xa9(");
    request(t, port, "x\xf0\x9f\x98\r\n", "Requested: x");
}

CASE(CS, 7, 1, .roles = ROLE_HOST, .needs = "serve", .takes = 1.2,
     .title = "the default handler waits for `wait`",
     .about = "Sends `wait`, ended by the end of the stream; the answer must come 1 s later. "
              "Another request must not wait.") {
    uint16_t port = serve(t);
    double took = request_and_end(t, port, "waited", "Requested: waited");
    check(t, took < 0.5 + slack(t), "the answer to `waited` took %.2f s", took);
    took = request_and_end(t, port, "wait", "Requested: wait");
    check(t, took >= 0.9, "the answer to `wait` came after %.2f s", took);
}

/* After its answer to `stop` a server takes no request any more. */
static void expect_stopped(tester *t, uint16_t port) {
    double until = now() + patience(t);
    end *e;
    while ((e = try_dial(t, port)) != NULL && now() < until) {
        end_close(e);
        run_for(t, 0.02);
    }
    check(t, e == NULL, "the server still accepts connections %.1f s after `stop`", patience(t));
}

CASE(CS, 7, 2, .roles = ROLE_HOST, .needs = "serve", .timed = true,
     .title = "the default handler stops at `stop`",
     .about = "Sends `stop`, ended by the end of the stream; it must be answered, and after that "
              "nobody listens any more.") {
    uint16_t port = serve(t);
    request_and_end(t, port, "stops", "Requested: stops");
    request_and_end(t, port, "still there", "Requested: still there");
    request_and_end(t, port, "stop", "Requested: stop");
    expect_stopped(t, port);
}

CASE(CS, 9, 1, .roles = ROLE_HOST, .needs = "serve", .takes = 1.2,
     .title = "`wait` is compared without its CRLF",
     .about = "Sends `wait` and CRLF, as every client does; the answer must come 1 s later.") {
    uint16_t port = serve(t);
    double asked = now();
    request(t, port, "wait\r\n", "Requested: wait");
    check(t, now() - asked >= 0.9, "the answer came after %.2f s", now() - asked);
}

CASE(CS, 9, 2, .roles = ROLE_HOST, .needs = "serve", .timed = true,
     .title = "`stop` is compared without its CRLF",
     .about = "Sends `stop` and CRLF, as every client does; after the answer nobody may listen.") {
    uint16_t port = serve(t);
    request(t, port, "stop\r\n", "Requested: stop");
    expect_stopped(t, port);
}

/* A text of that many bytes and CRLF; freed by the caller. */
static char *long_text(tester *t, size_t size) {
    char *text = malloc(size + 3);
    check(t, text != NULL, "the harness is out of memory");
    memset(text, 'x', size);
    memcpy(text + size, "\r\n", 3);
    return text;
}

CASE(CS, 8, 1, .roles = ROLE_HOST, .needs = "serve",
     .title = "a request above 1 MiB ends without an answer",
     .about = "Sends a request of 1 MiB and 64 KiB; the connection must end without an answer, and "
              "the next request be served.") {
    set_patience(t, 20); /* a server may be slow with a text of this length */
    uint16_t port = serve(t);
    end *e = dial(t, port);
    char *text = long_text(t, MIB + 65536);
    bool taken = offer_bytes(e, text, strlen(text), "a request above the limit", 0.9);
    free(text);
    if (taken)
        end_shutdown(e);
    const item *got = next_item(e, patience(t));
    check(t, got != NULL, "the connection neither ended nor brought an answer");
    check(t, got->kind == ITEM_END || got->kind == ITEM_RESET, "it was answered");
    request(t, port, "next\r\n", "Requested: next");
}

CASE(LIMIT, 7, 1, .roles = ROLE_HOST, .needs = "serve",
     .title = "a request just below 1 MiB is answered",
     .about = "Sends a request of 1 MiB less 64 bytes; it must be answered in full.") {
    set_patience(t, 20); /* a server may be slow with a text of this length */
    uint16_t port = serve(t);
    end *e = dial(t, port);
    char *text = long_text(t, MIB - 64);
    send_bytes(e, text, strlen(text), "a request just below the limit");
    const item *got = next_item(e, patience(t));
    free(text);
    check(t, got != NULL && got->kind == ITEM_LINE, "no answer came");
    check(t, got->p.size == MIB - 64 + strlen("Requested: "), "the answer has %zu bytes, not %zu",
          got->p.size, (size_t)MIB - 64 + strlen("Requested: "));
}

/* ---- The peer requests ---- */

/* Has the peer request `text`, and accepts its connection. */
static end *be_asked(tester *t, const char *text, double timeout, int *asked) {
    uint16_t port = harness_listen(t);
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
    *asked = ask(t, "do_request", "{s:s, s:s, s:f}", "address", address, "text", text, "timeout",
                 timeout);
    end *e = expect_accept(t, port);
    harness_unlisten(t, port);
    return e;
}

/* What the peer made of the answer: with or without the CRLF at its end. */
static void expect_told(tester *t, int asked, const char *text) {
    json_t *reply = await_reply(t, asked, patience(t));
    check(t, reply_ok(reply), "`do_request` failed (%s)", reply_code(reply));
    const char *told = json_string_value(json_object_get(reply, "text"));
    check(t, told != NULL, "the peer took the answer \"%s\" for none", text);
    size_t size = strlen(told);
    if (size >= 2 && strcmp(told + size - 2, "\r\n") == 0)
        size -= 2;
    check(t, size == strlen(text) && memcmp(told, text, size) == 0,
          "the peer took the answer for \"%.*s\", not \"%s\"", (int)size, told, text);
}

CASE(CS, 1, 1, .roles = ROLE_CLIENT, .needs = "do_request", .title = "a request is text, CRLF, end",
     .about = "Has the peer request a text; it must come as UTF-8 with CRLF behind it, and the "
              "sending half must end, before anything is answered.") {
    int asked;
    end *e = be_asked(t, "caf\xc3\xa9?", 5, &asked);
    expect_line(e, "caf\xc3\xa9?");
    expect_eof(e);
    send_text(e, "yes\r\n");
    end_close(e);
    expect_told(t, asked, "yes");
}

CASE(CS, 1, 2, .roles = ROLE_CLIENT, .needs = "do_request",
     .title = "CRLF is added only when missing",
     .about = "Has the peer request a text that ends with CRLF; no second one may come.") {
    int asked;
    end *e = be_asked(t, "ready\r\n", 5, &asked);
    expect_line(e, "ready");
    expect_eof(e);
    send_text(e, "yes\r\n");
    end_close(e);
    expect_told(t, asked, "yes");
}

CASE(CS, 4, 1, .roles = ROLE_CLIENT, .needs = "do_request",
     .title = "an answer ends at the first CRLF",
     .about = "Answers with CRLF and something behind it, and leaves the connection open; the peer "
              "must have its answer.") {
    int asked;
    end *e = be_asked(t, "a?", 5, &asked);
    expect_line(e, "a?");
    send_text(e, "yes\r\nand no\r\n");
    expect_told(t, asked, "yes");
}

CASE(CS, 4, 2, .roles = ROLE_CLIENT, .needs = "do_request", .timed = true,
     .title = "an answer ends at the end of the stream",
     .about = "Answers in pieces, without CRLF, and closes the connection; the peer must have the "
              "whole answer.") {
    int asked;
    end *e = be_asked(t, "a?", 5, &asked);
    expect_line(e, "a?");
    send_text(e, "so ");
    run_for(t, 0.02);
    send_text(e, "be it");
    end_shutdown(e);
    expect_told(t, asked, "so be it");
}

CASE(CS, 5, 1, .roles = ROLE_CLIENT, .needs = "do_request", .timed = true,
     .title = "no answer is not an empty answer",
     .about = "Answers one request with CRLF alone and another not at all; the first must be the "
              "empty text, the second be reported as no answer when its time is over.") {
    int asked;
    end *e = be_asked(t, "empty?", 5, &asked);
    expect_line(e, "empty?");
    send_text(e, "\r\n");
    expect_told(t, asked, "");
    double before = now();
    e = be_asked(t, "none?", 0.3, &asked);
    expect_line(e, "none?");
    json_t *reply = await_reply(t, asked, patience(t));
    double took = now() - before;
    check(t, reply_ok(reply) && json_is_null(json_object_get(reply, "text")),
          "the time was over, and `do_request` says %s",
          reply_ok(reply) ? "that there was an answer" : reply_code(reply));
    check(t, took >= 0.3 && took < 1.3 + slack(t), "a time-out of 0.3 s took %.2f s", took);
}

CASE(CS, 6, 2, .roles = ROLE_CLIENT, .needs = "do_request",
     .title = "bytes that are not UTF-8 are left out of an answer",
     .about = "Answers with stray bytes among the letters; the peer must have the letters.") {
    int asked;
    end *e = be_asked(t, "a?", 5, &asked);
    expect_line(e, "a?");
    send_bytes(e, "o\xff\xc3k\r\n", 6, "an answer with stray bytes");
    expect_told(t, asked, "ok");
}

CASE(CS, 8, 2, .roles = ROLE_CLIENT, .needs = "do_request",
     .title = "an answer above 1 MiB is an error",
     .about = "Answers with 1 MiB and 64 KiB; the peer must report an error, and no text.") {
    set_patience(t, 20);
    int asked;
    end *e = be_asked(t, "a?", 15, &asked);
    expect_line(e, "a?");
    char *text = long_text(t, MIB + 65536);
    if (offer_bytes(e, text, strlen(text), "an answer above the limit", patience(t)))
        end_shutdown(e);
    free(text);
    json_t *reply = await_reply(t, asked, patience(t));
    check(t, !reply_ok(reply) || json_is_null(json_object_get(reply, "text")),
          "the peer took an answer above the limit");
}

const struct test_case *const client_server_cases[] = {
    &CS_1_1, &CS_1_2, &CS_2_1, &CS_2_2, &CS_2_3, &CS_2_4, &CS_3_1, &CS_4_1, &CS_4_2,    &CS_5_1,
    &CS_6_1, &CS_6_2, &CS_7_1, &CS_7_2, &CS_8_1, &CS_8_2, &CS_9_1, &CS_9_2, &LIMIT_7_1, NULL};
