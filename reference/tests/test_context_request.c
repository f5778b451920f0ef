/* SPDX-License-Identifier: BSD-2-Clause */
/* The client, asking bare sockets that answer as no server should. */
#include "context_rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

/* ---- A client in a thread, the server is here ---- */

typedef struct asking {
    int listener;
    uint16_t port;
    const char *request;
    size_t request_size;
    double timeout;
    size_t max_text;
    uv_thread_t thread;
    int result;
    char *answer;
    size_t size;
    char why[512];
} asking;

static void run_asking(void *argument) {
    asking *a = argument;
    a->result = yoton_do_request(address_of(a->port), a->request, a->request_size, a->timeout,
                                 a->max_text, &a->answer, &a->size);
    snprintf(a->why, sizeof a->why, "%s", yoton_error_text());
}

/* Returns the server's end of the connection. */
static int ask(asking *a, const char *request, size_t size, double timeout, size_t max_text) {
    *a = (asking){.request = request, .request_size = size, .timeout = timeout};
    a->max_text = max_text;
    a->listener = raw_listen(0, &a->port);
    assert_true(a->listener >= 0);
    assert_int_equal(uv_thread_create(&a->thread, run_asking, a), 0);
    return raw_accept(a->listener);
}

static void expect_result(asking *a, int result, const char *answer) {
    uv_thread_join(&a->thread);
    close(a->listener);
    if (a->result != result)
        fail_msg("%s, not %s: %s", yoton_strerror(a->result), yoton_strerror(result), a->why);
    if (answer == NULL) {
        assert_null(a->answer);
        assert_int_equal(a->size, 0);
        return;
    }
    assert_int_equal(a->size, strlen(answer));
    assert_string_equal(a->answer, answer);
    free(a->answer);
}

static void expect_answer(const char *bytes, size_t size, bool stays_open, const char *answer) {
    asking a;
    char line[16];
    int fd = ask(&a, "hi", 2, DEADLINE, 0);
    raw_line(fd, line, sizeof line);
    raw_send(fd, bytes, size);
    if (!stays_open)
        shutdown(fd, SHUT_WR);
    expect_result(&a, YOTON_OK, answer);
    close(fd);
}

/* ---- The request ---- */

/* CS-1 */
static void a_request_has_one_end_and_then_the_half_is_ended(void **state) {
    static const char *const cases[][2] = {
        {"hi", "hi\r\n"}, {"hi\r\n", "hi\r\n"},     {"hi\r", "hi\r\r\n"},        {"", "\r\n"},
        {"\r\n", "\r\n"}, {"a\r\nb", "a\r\nb\r\n"}, {"\xc3\xa9", "\xc3\xa9\r\n"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        asking a;
        char got[16];
        int fd = ask(&a, cases[i][0], strlen(cases[i][0]), DEADLINE, 0);
        raw_read(fd, got, strlen(cases[i][1]));
        assert_memory_equal(got, cases[i][1], strlen(cases[i][1]));
        assert_true(raw_at_end(fd)); /* before it was answered */
        raw_send_text(fd, "yes\r\n");
        expect_result(&a, YOTON_OK, "yes");
        close(fd);
    }
}

/* Without limit of time; the buffers of the system are filled many times. */
static void a_large_request_arrives_whole(void **state) {
    char *request = malloc(8 * MIB);
    char *got = malloc(8 * MIB + 2);
    asking a;
    (void)state;
    assert_non_null(request);
    assert_non_null(got);
    for (size_t i = 0; i < 8 * MIB; i++)
        request[i] = (char)('a' + i % 23);
    int fd = ask(&a, request, 8 * MIB, 0, 8 * MIB);
    raw_read(fd, got, 8 * MIB + 2);
    assert_memory_equal(got, request, 8 * MIB);
    assert_memory_equal(got + 8 * MIB, "\r\n", 2);
    assert_true(raw_at_end(fd));
    raw_send_text(fd, "\r\n");
    expect_result(&a, YOTON_OK, "");
    close(fd);
    free(request);
    free(got);
}

/* A server need not read all before it answers: CS-2. */
static void an_answer_may_come_before_the_request_is_written(void **state) {
    char *request = calloc(1, 64 * MIB);
    asking a;
    (void)state;
    assert_non_null(request);
    int fd = ask(&a, request, 64 * MIB, DEADLINE, 64 * MIB);
    raw_send_text(fd, "enough\r\n");
    expect_result(&a, YOTON_OK, "enough");
    close(fd);
    free(request);
}

/* ---- The answer ---- */

/* CS-4, CS-6 */
static void an_answer_ends_at_crlf_or_end_of_stream(void **state) {
    (void)state;
    expect_answer("yes\r\n", 5, true, "yes");
    expect_answer("yes\r\nand more\r\n", 15, true, "yes");
    expect_answer("yes", 3, false, "yes");
    expect_answer("yes\r", 4, false, "yes\r");
    expect_answer("yes\n", 4, false, "yes\n");
    expect_answer("\r\n", 2, true, "");
    expect_answer("", 0, false, "");
    expect_answer("y\xff\xe2\x82z\r\n", 7, true, "yz");
    expect_answer("\xff\xff", 2, false, "");
}

static void an_answer_may_come_byte_by_byte(void **state) {
    asking a;
    (void)state;
    int fd = ask(&a, "hi", 2, DEADLINE, 0);
    for (const char *c = "h\xc3\xa9\rllo\r\n"; *c != '\0'; c++)
        raw_send(fd, c, 1);
    expect_result(&a, YOTON_OK, "h\xc3\xa9\rllo");
    close(fd);
}

/* CS-8, LIMIT-7: at the limit and one above, set and by default. */
static void an_answer_above_the_limit_is_refused(void **state) {
    char *answer = malloc(MIB + 4);
    const size_t limits[] = {8, MIB};
    (void)state;
    assert_non_null(answer);
    for (size_t i = 0; i < 2; i++) {
        size_t limit = limits[i];
        asking a;
        memset(answer, 'x', limit + 1);
        memcpy(answer + limit, "\r\n", 3);
        int fd = ask(&a, "", 0, DEADLINE, limit < MIB ? limit : 0);
        raw_send(fd, answer, limit + 2);
        answer[limit] = '\0';
        expect_result(&a, YOTON_OK, answer);
        close(fd);
        memcpy(answer + limit, "x\r\n", 4);
        fd = ask(&a, "", 0, DEADLINE, limit < MIB ? limit : 0);
        raw_send(fd, answer, limit + 1); /* its end is not waited for */
        expect_result(&a, YOTON_E_LENGTH, NULL);
        assert_non_null(strstr(a.why, "longer than the limit"));
        close(fd);
    }
    free(answer);
}

/* LIMIT-7: it does not even leave. */
static void a_request_above_the_limit_is_refused(void **state) {
    uint16_t port;
    char *text;
    size_t size;
    int listener = raw_listen(0, &port);
    struct pollfd readable = {.fd = listener, .events = POLLIN};
    asking a;
    (void)state;
    expect_error(yoton_do_request(address_of(port), "123456789", 9, DEADLINE, 8, &text, &size),
                 YOTON_E_LENGTH, "has 9 bytes, 8 are allowed");
    char *request = calloc(1, MIB + 1);
    assert_non_null(request);
    expect_error(yoton_do_request(address_of(port), request, MIB + 1, DEADLINE, 0, &text, &size),
                 YOTON_E_LENGTH, "has 1048577 bytes");
    assert_null(text);
    free(request);
    assert_int_equal(poll(&readable, 1, 0), 0); /* a connection would be there by now */
    close(listener);
    int fd = ask(&a, "12345678\r\n", 10, DEADLINE, 8);
    raw_send_text(fd, "\r\n");
    expect_result(&a, YOTON_OK, "");
    close(fd);
}

/* ---- No answer ---- */

/* CS-5: nothing, or half an answer, is none. */
static void no_answer_in_time_is_told_from_an_empty_one(void **state) {
    static const char *const sent[] = {"", "half an ans", "half\r", NULL};
    (void)state;
    for (int i = 0; sent[i] != NULL; i++) {
        asking a;
        int fd = ask(&a, "hi", 2, 0.1, 0);
        raw_send_text(fd, sent[i]);
        expect_result(&a, YOTON_E_TIMEOUT, NULL);
        assert_non_null(strstr(a.why, "within 0.1 s"));
        close(fd);
    }
}

/* The time is that of the whole, not that between two bytes. */
static void a_trickle_gains_no_time(void **state) {
    asking a;
    (void)state;
    double began = now_seconds();
    int fd = ask(&a, "hi", 2, 0.2, 64 * MIB);
    ssize_t sent;
    do { /* until the other end is closed */
        sent = send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        assert_true(now_seconds() - began < DEADLINE);
    } while (sent == 1 || errno == EAGAIN);
    expect_result(&a, YOTON_E_TIMEOUT, NULL);
    close(fd);
}

/* Nobody accepts: the system has connected already. And then it has not even done that. */
static void a_server_that_does_not_accept_is_no_answer(void **state) {
    uint16_t port;
    char *text;
    size_t size;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fillers[8];
    (void)state;
    int listener = raw_listen(0, &port);
    assert_int_equal(listen(listener, 0), 0);
    expect_error(yoton_do_request(address_of(port), "hi", 2, 0.1, 0, &text, &size), YOTON_E_TIMEOUT,
                 "no answer from 127.0.0.1:");
    to.sin_port = htons(port);
    for (int i = 0; i < 8; i++) { /* the backlog is full, and more is not let in */
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&to, sizeof to);
    }
    expect_error(yoton_do_request(address_of(port), "hi", 2, 0.1, 0, &text, &size), YOTON_E_TIMEOUT,
                 "no answer from 127.0.0.1:");
    for (int i = 0; i < 8; i++)
        close(fillers[i]);
    close(listener);
}

static void a_broken_connection_is_no_answer(void **state) {
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    const struct {
        bool heard;
        const char *answer;
        size_t request;
    } cases[] = {{false, "", 2},       {false, "half", 2},      {true, "", 2},
                 {true, "half", 2},    {false, "", 64 * MIB},   {false, "half", 64 * MIB},
                 {true, "", 64 * MIB}, {true, "half", 64 * MIB}};
    char *request = calloc(1, 64 * MIB);
    (void)state;
    assert_non_null(request);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        asking a;
        char byte;
        int fd = ask(&a, request, cases[i].request, DEADLINE, 64 * MIB);
        if (cases[i].heard)
            raw_read(fd, &byte, 1);
        raw_send_text(fd, cases[i].answer);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(fd);
        expect_result(&a, YOTON_E_SYSTEM, NULL);
        assert_non_null(strstr(a.why, "no answer from 127.0.0.1:"));
    }
    free(request);
}

static void what_cannot_be_asked_is_told(void **state) {
    uint16_t port;
    char *text = (char *)state;
    size_t size = 7;
    int listener = raw_listen(0, &port);
    int before = open_descriptors();
    expect_error(yoton_do_request(address_of(port), "a\xff", 2, 1, 0, &text, &size), YOTON_E_UTF8,
                 "malformed UTF-8 at byte 1");
    assert_null(text);
    assert_int_equal(size, 0);
    expect_error(yoton_do_request(address_of(port), "", 0, (double)NAN, 0, &text, &size),
                 YOTON_E_ARGUMENT, "no number");
    expect_error(yoton_do_request("127.0.0.1", "", 0, 1, 0, &text, &size), YOTON_E_ADDRESS,
                 "cannot ask 127.0.0.1:");
    expect_error(yoton_do_request("127.0.0.1:0", "", 0, 1, 0, &text, &size), YOTON_E_ADDRESS,
                 "nobody is at port 0");
    close(listener); /* and now nobody is there */
    expect_error(yoton_do_request(address_of(port), "", 0, 0, 0, &text, &size), YOTON_E_CONNECT,
                 "look whether a server runs there");
    assert_null(text);
    assert_int_equal(open_descriptors(), before - 1);
}

/* ---- Signals ---- */

static void on_signal(int number) { (void)number; }

static void signals_interrupt_no_exchange(void **state) {
    const struct sigaction act = {.sa_handler = on_signal}; /* without SA_RESTART: EINTR is met */
    struct sigaction before;
    (void)state;
    assert_int_equal(sigaction(SIGUSR1, &act, &before), 0);
    for (int i = 0; i < 20; i++) {
        asking a;
        int fd = ask(&a, "hi", 2, DEADLINE, 0);
        raw_send_text(fd, "y");
        for (int k = 0; k < 50; k++)
            pthread_kill(a.thread, SIGUSR1);
        raw_send_text(fd, "es\r\n");
        expect_result(&a, YOTON_OK, "yes");
        close(fd);
    }
    sigaction(SIGUSR1, &before, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_has_one_end_and_then_the_half_is_ended),
        cmocka_unit_test(a_large_request_arrives_whole),
        cmocka_unit_test(an_answer_may_come_before_the_request_is_written),
        cmocka_unit_test(an_answer_ends_at_crlf_or_end_of_stream),
        cmocka_unit_test(an_answer_may_come_byte_by_byte),
        cmocka_unit_test(an_answer_above_the_limit_is_refused),
        cmocka_unit_test(a_request_above_the_limit_is_refused),
        cmocka_unit_test(no_answer_in_time_is_told_from_an_empty_one),
        cmocka_unit_test(a_trickle_gains_no_time),
        cmocka_unit_test(a_server_that_does_not_accept_is_no_answer),
        cmocka_unit_test(a_broken_connection_is_no_answer),
        cmocka_unit_test(what_cannot_be_asked_is_told),
        cmocka_unit_test(signals_interrupt_no_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
