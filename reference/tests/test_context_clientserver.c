/* SPDX-License-Identifier: BSD-2-Clause */
/* The request server: requests, answers, limits, and clients that behave badly. */
#include "server_rig.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- A request ---- */

/* CS-2, CS-3, CS-7: whatever ends it. */
static void a_request_ends_at_crlf_or_end_of_stream(void **state) {
    static const struct {
        const char *request;
        bool end_stream;
        const char *answer;
    } cases[] = {
        {"hi\r\n", false, "Requested: hi\r\n"},
        {"hi\r\n", true, "Requested: hi\r\n"},
        {"hi", true, "Requested: hi\r\n"},
        {"hi\r", true, "Requested: hi\r\r\n"},
        {"hi\n", true, "Requested: hi\n\r\n"},
        {"", true, "Requested: \r\n"},
        {"\r\n", false, "Requested: \r\n"},
        {"one\r\ntwo\r\n", false, "Requested: one\r\n"},
        {"one\r\ntwo", true, "Requested: one\r\n"},
        {"h\xc3\xa9 \xf0\x9f\x98\x80\r\n", false, "Requested: h\xc3\xa9 \xf0\x9f\x98\x80\r\n"},
        {"h\xff\xc3i\r\n", false, "Requested: hi\r\n"}, /* CS-6 */
        {"\r\xff\n\r\n", false, "Requested: \r\n"},     /* has its CRLF now, none is added */
    };
    yoton_request_server *server = server_start(&(yoton_server_options){.patience = DEADLINE});
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd = ask_raw(server, cases[i].request, strlen(cases[i].request));
        if (cases[i].end_stream)
            shutdown(fd, SHUT_WR);
        expect_raw(fd, cases[i].answer);
    }
    yoton_request_server_free(server);
}

static void a_nul_is_a_character_like_others(void **state) {
    char text[32];
    yoton_request_server *server = server_start(NULL);
    (void)state;
    assert_int_equal(hear_raw(ask_raw(server, "a\0b\r\n", 5), text, sizeof text), 16);
    assert_memory_equal(text, "Requested: a\0b\r\n", 16);
    yoton_request_server_free(server);
}

/* CS-2: 1 s by default, with what has come by then, be it nothing. */
static void a_request_without_end_is_answered_after_a_second(void **state) {
    yoton_request_server *server = server_start(NULL);
    (void)state;
    double began = now_seconds();
    expect_raw(ask_raw(server, "no end", 6), "Requested: no end\r\n");
    double took = now_seconds() - began;
    assert_true(took > 0.99 && took < DEADLINE);
    yoton_request_server_free(server);
    server = server_start(&(yoton_server_options){.patience = 0.05});
    expect_raw(ask_raw(server, "", 0), "Requested: \r\n");
    yoton_request_server_free(server);
}

/* CS-2: the time is that of the whole request, not that between two bytes. */
static void one_byte_at_a_time_gains_no_time(void **state) {
    yoton_request_server *server = server_start(&(yoton_server_options){.patience = 0.5});
    struct pollfd answered = {.events = POLLIN};
    char text[4096];
    size_t sent = 0;
    (void)state;
    answered.fd = raw_connect(yoton_request_server_port(server));
    double end = now_seconds() + DEADLINE;
    do {
        assert_true(now_seconds() < end);
        raw_send(answered.fd, "x", 1);
        sent++;
    } while (poll(&answered, 1, 10) == 0);
    raw_send(answered.fd, "x", 1); /* still does not cost the answer */
    ssize_t size = hear_raw(answered.fd, text, sizeof text);
    assert_true(size >= 13 && (size_t)size <= 11 + sent + 2);
    assert_memory_equal(text, "Requested: ", 11);
    assert_memory_equal(text + size - 2, "\r\n", 2);
    yoton_request_server_free(server);
}

/* CS-3: unread bytes must not have the answer lost in a reset. */
static void what_follows_the_request_harms_nobody(void **state) {
    char *request = malloc(MIB);
    yoton_request_server *server = server_start(NULL);
    (void)state;
    assert_non_null(request);
    memset(request, 'x', MIB);
    memcpy(request, "hi\r\n", 4);
    int fd = ask_raw(server, request, MIB);
    raw_send(fd, request, MIB / 4);
    expect_raw(fd, "Requested: hi\r\n");
    free(request);
    yoton_request_server_free(server);
}

/* CS-3, CS-6 */
static void an_answer_is_text_with_one_end(void **state) {
    static const struct {
        fixed answer;
        const char *wire;
    } cases[] = {
        {{"yes", 3, YOTON_OK}, "yes\r\n"},     {{"yes\r\n", 5, YOTON_OK}, "yes\r\n"},
        {{"yes\r", 4, YOTON_OK}, "yes\r\r\n"}, {{"", 0, YOTON_OK}, "\r\n"},
        {{NULL, 7, YOTON_OK}, "\r\n"},         {{"a\r\nb", 4, YOTON_OK}, "a\r\nb\r\n"},
        {{"\xffy\xc3", 3, YOTON_OK}, "y\r\n"}, {{"\r\xff\n", 3, YOTON_OK}, "\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        yoton_request_server *server = server_start(
            &(yoton_server_options){.handle = answer_fixed, .user = (void *)&cases[i].answer});
        expect_raw(ask_raw(server, "\r\n", 2), cases[i].wire);
        yoton_request_server_free(server);
    }
}

/* A client must not take for an empty answer what is none: CS-4. */
static void a_handler_that_fails_answers_nothing(void **state) {
    fixed answer = {"half", 4, YOTON_E_CANCELLED};
    char *text;
    size_t size;
    yoton_request_server *server =
        server_start(&(yoton_server_options){.handle = answer_fixed, .user = &answer});
    const char *address = address_of(yoton_request_server_port(server));
    (void)state;
    expect_reset(ask_raw(server, "\r\n", 2));
    expect_error(yoton_do_request(address, "", 0, DEADLINE, 0, &text, &size), YOTON_E_SYSTEM,
                 "no answer from 127.0.0.1:");
    assert_null(text);
    yoton_request_server_free(server);
}

/* ---- Limits ---- */

/* CS-8, LIMIT-7: at the limit and one above, set and by default. */
static void a_request_above_the_limit_is_refused(void **state) {
    fixed answer = {"ok", 2, YOTON_OK};
    const size_t limits[] = {16, MIB};
    char *request = malloc(MIB + 3);
    (void)state;
    assert_non_null(request);
    for (size_t i = 0; i < 2; i++) {
        size_t limit = limits[i];
        yoton_server_options options = {.handle = answer_fixed,
                                        .user = &answer,
                                        .max_text = limit < MIB ? limit : 0,
                                        .patience = DEADLINE};
        yoton_request_server *server = server_start(&options);
        memset(request, 'x', limit + 1);
        memcpy(request + limit, "\r\n", 2);
        expect_raw(ask_raw(server, request, limit + 2), "ok\r\n");
        memcpy(request + limit, "x\r\n", 3);
        expect_reset(ask_raw(server, request, limit + 3));
        expect_reset(ask_raw(server, request, limit + 1)); /* at once, its end is not waited for */
        expect_raw(ask_raw(server, "\r\n", 2), "ok\r\n");
        yoton_request_server_free(server);
    }
    free(request);
}

/* CS-8 */
static void an_answer_above_the_limit_is_not_sent(void **state) {
    fixed answer = {"12345678\r\n", 8, YOTON_OK};
    yoton_server_options options = {.handle = answer_fixed, .user = &answer, .max_text = 8};
    (void)state;
    yoton_request_server *server = server_start(&options);
    expect_raw(ask_raw(server, "\r\n", 2), "12345678\r\n");
    answer.size = 10; /* its end is not counted */
    expect_raw(ask_raw(server, "\r\n", 2), "12345678\r\n");
    answer.size = 9;
    expect_reset(ask_raw(server, "\r\n", 2));
    yoton_request_server_free(server);
}

/* ---- Clients that behave badly ---- */

static fixed large_answer(size_t size) {
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'a', size);
    return (fixed){text, size, YOTON_OK};
}

static void an_answer_that_nobody_reads_holds_nobody_up_for_long(void **state) {
    enum { SIZE = 64 << 20 };
    fixed answer = large_answer(SIZE);
    yoton_server_options options = {.handle = answer_fixed,
                                    .user = &answer,
                                    .max_text = SIZE,
                                    .answer_patience = 0.2,
                                    .patience = 0.2};
    char *bytes = malloc(SIZE);
    size_t got = 0;
    (void)state;
    assert_non_null(bytes);
    yoton_request_server *server = server_start(&options);
    int deaf = ask_raw(server, "\r\n", 2); /* one after the other: the next waits for it */
    int next = ask_raw(server, "\r\n", 2);
    raw_read(next, bytes, 1);
    struct pollfd readable = {.fd = deaf, .events = POLLIN};
    ssize_t size = 1;
    while (size > 0 && poll(&readable, 1, (int)(DEADLINE * 1000)) == 1) {
        size = recv(deaf, bytes, SIZE, 0);
        got += size > 0 ? (size_t)size : 0;
    }
    assert_int_equal(size, -1); /* half an answer must not look like a whole one */
    assert_true(got < SIZE);
    close(deaf);
    close(next);
    yoton_request_server_free(server);
    free((void *)answer.text);
    free(bytes);
}

static void a_client_that_stays_holds_nobody_up_for_long(void **state) {
    yoton_request_server *server = server_start(&(yoton_server_options){.patience = 0.5});
    char line[64];
    (void)state;
    int stays = ask_raw(server, "hi\r\n", 4); /* neither half is ended, ever */
    raw_line(stays, line, sizeof line);
    expect_raw(ask_raw(server, "next\r\n", 6), "Requested: next\r\n");
    close(stays);
    yoton_request_server_free(server);
}

/* CS-3: the server has closed the connection before its client begins to read. */
static void an_answer_on_its_way_is_not_lost(void **state) {
    enum { SIZE = 64 << 10 };
    fixed answer = large_answer(SIZE);
    char *text = malloc(SIZE + 3);
    char byte;
    int small = 4096; /* most of the answer stays at the server's end */
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)state;
    assert_non_null(text);
    yoton_request_server *server =
        server_start(&(yoton_server_options){.handle = answer_fixed, .user = &answer});
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    raw_connect_by(fd, yoton_request_server_port(server));
    raw_send_text(fd, "\r\n");
    shutdown(fd, SHUT_WR);
    int next = ask_raw(server, "\r\n", 2);
    raw_read(next, &byte, 1); /* its turn comes when the first is done with */
    close(next);
    assert_int_equal(hear_raw(fd, text, SIZE + 3), SIZE + 2);
    assert_memory_equal(text, answer.text, SIZE);
    yoton_request_server_free(server);
    free((void *)answer.text);
    free(text);
}

/* In a thread that takes signals: no SIGPIPE comes, which would end this program. */
static void a_client_that_resets_harms_nobody(void **state) {
    enum { AT_ONCE, ASKED, ANSWERED, ANSWERED_AND_HALF_CLOSED, TIMES };
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    fixed answer = large_answer(8 * MIB);
    yoton_server_options options = {
        .handle = answer_fixed, .user = &answer, .max_text = 8 * MIB, .patience = 0.1};
    uv_thread_t thread;
    (void)state;
    runner r = {.server = server_make(&options), .result = 1};
    assert_int_equal(uv_thread_create(&thread, runner_run, &r), 0);
    for (int when = AT_ONCE; when < TIMES; when++) {
        char byte;
        int fd = ask_raw(r.server, "", 0);
        if (when >= ASKED)
            raw_send_text(fd, "\r\n");
        if (when >= ANSWERED)
            raw_read(fd, &byte, 1); /* in the middle of the answer */
        if (when == ANSWERED_AND_HALF_CLOSED)
            shutdown(fd, SHUT_WR);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(fd);
        fd = ask_raw(r.server, "\r\n", 2);
        raw_read(fd, &byte, 1);
        close(fd);
    }
    yoton_request_server_free(r.server);
    uv_thread_join(&thread);
    assert_int_equal(r.result, YOTON_OK);
    free((void *)answer.text);
}

/* CPU time is measured too: a server that asks again and again would eat a processor. */
static void a_server_out_of_descriptors_goes_on_later(void **state) {
    struct rlimit before, tight;
    struct timespec cpu[2];
    yoton_request_server *server = server_start(NULL);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    tight = before;
    tight.rlim_cur = (rlim_t)fd + 1;
    int filler = dup(fd);
    while (filler >= 0 && filler < fd) /* so that nothing lower is free */
        filler = dup(fd);
    close(filler);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu[0]);
    raw_connect_by(fd, yoton_request_server_port(server));
    raw_send_text(fd, "hi\r\n");
    int came = poll(&readable, 1, 500); /* the time that is measured */
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu[1]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(came, 0);
    double used =
        (double)(cpu[1].tv_sec - cpu[0].tv_sec) + (double)(cpu[1].tv_nsec - cpu[0].tv_nsec) / 1e9;
    assert_true(used < 0.25);
    expect_raw(fd, "Requested: hi\r\n");
    yoton_request_server_free(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_ends_at_crlf_or_end_of_stream),
        cmocka_unit_test(a_nul_is_a_character_like_others),
        cmocka_unit_test(a_request_without_end_is_answered_after_a_second),
        cmocka_unit_test(one_byte_at_a_time_gains_no_time),
        cmocka_unit_test(what_follows_the_request_harms_nobody),
        cmocka_unit_test(an_answer_is_text_with_one_end),
        cmocka_unit_test(a_handler_that_fails_answers_nothing),
        cmocka_unit_test(a_request_above_the_limit_is_refused),
        cmocka_unit_test(an_answer_above_the_limit_is_not_sent),
        cmocka_unit_test(an_answer_that_nobody_reads_holds_nobody_up_for_long),
        cmocka_unit_test(a_client_that_stays_holds_nobody_up_for_long),
        cmocka_unit_test(an_answer_on_its_way_is_not_lost),
        cmocka_unit_test(a_client_that_resets_harms_nobody),
        cmocka_unit_test(a_server_out_of_descriptors_goes_on_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
