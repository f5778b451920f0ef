/* SPDX-License-Identifier: BSD-2-Clause */
/* The request server, asked by bare sockets and by the library's own client. */
#include "context_rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

/* ---- Servers ---- */

static yoton_request_server *make(const yoton_server_options *options) {
    yoton_request_server *server;
    if (yoton_request_server_new("127.0.0.1:0", options, &server) != YOTON_OK)
        fail_msg("%s", yoton_error_text());
    return server;
}

static yoton_request_server *start(const yoton_server_options *options) {
    yoton_request_server *server = make(options);
    assert_int_equal(yoton_request_server_start(server), YOTON_OK);
    return server;
}

/* ---- Clients ---- */

static int ask_raw(yoton_request_server *server, const char *request, size_t size) {
    int fd = raw_connect(yoton_request_server_port(server));
    raw_send(fd, request, size);
    return fd;
}

/* Read up to the end of the stream, and close. Returns the size, or -1 when the connection was
 * reset; nothing may have come before that. */
static ssize_t hear_raw(int fd, char *text, size_t room) {
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    size_t size = 0;
    ssize_t got;
    do {
        assert_true(poll(&readable, 1, (int)(DEADLINE * 1000)) == 1);
        got = recv(fd, text + size, room - size, 0);
        size += got > 0 ? (size_t)got : 0;
        assert_true(size < room);
    } while (got > 0);
    close(fd);
    if (got < 0)
        assert_int_equal(size, 0);
    return got < 0 ? -1 : (ssize_t)size;
}

static void expect_raw(int fd, const char *answer) {
    char text[256];
    ssize_t size = hear_raw(fd, text, sizeof text);
    assert_int_equal(size, strlen(answer));
    assert_memory_equal(text, answer, size);
}

static void expect_reset(int fd) {
    char byte[2];
    assert_int_equal(hear_raw(fd, byte, sizeof byte), -1);
}

/* The server does not serve, or not before something is done. */
static void expect_refused(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(fd);
}

static void expect_asked(yoton_request_server *server, const char *request, const char *answer) {
    char *text;
    size_t size;
    if (yoton_do_request(address_of(yoton_request_server_port(server)), request, strlen(request),
                         DEADLINE, 0, &text, &size) != YOTON_OK)
        fail_msg("%s", yoton_error_text());
    assert_string_equal(text, answer);
    assert_int_equal(size, strlen(answer));
    free(text);
}

/* ---- Handlers ---- */

static char *copy_of(const char *text, size_t size) {
    char *copy = malloc(size + 1);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

/* Answers what `user` points at. */
typedef struct fixed {
    const char *text;
    size_t size;
    int result;
} fixed;

static int answer_fixed(yoton_request_server *server, const char *request, size_t request_size,
                        char **answer, size_t *answer_size, void *user) {
    const fixed *it = user;
    (void)server;
    (void)request;
    (void)request_size;
    if (it->text != NULL)
        *answer = copy_of(it->text, it->size);
    *answer_size = it->size;
    return it->result;
}

/* Counts who is inside, and lets nobody out before the gate is opened. */
typedef struct gate {
    uv_mutex_t lock;
    uv_cond_t changed;
    int inside, most, entered;
    bool open;
} gate;

static void gate_init(gate *g) {
    memset(g, 0, sizeof *g);
    assert_int_equal(uv_mutex_init(&g->lock), 0);
    assert_int_equal(uv_cond_init(&g->changed), 0);
}

static void gate_done(gate *g) {
    uv_cond_destroy(&g->changed);
    uv_mutex_destroy(&g->lock);
}

static int answer_behind_gate(yoton_request_server *server, const char *request,
                              size_t request_size, char **answer, size_t *answer_size, void *user) {
    gate *g = user;
    uv_mutex_lock(&g->lock);
    g->entered++;
    g->inside++;
    g->most = g->inside > g->most ? g->inside : g->most;
    uv_cond_broadcast(&g->changed);
    while (!g->open)
        uv_cond_wait(&g->changed, &g->lock);
    g->inside--;
    uv_mutex_unlock(&g->lock);
    return yoton_handle_request(server, request, request_size, answer, answer_size, NULL);
}

static void gate_wait(gate *g, int entered) {
    double end = now_seconds() + DEADLINE;
    uv_mutex_lock(&g->lock);
    while (g->entered < entered && now_seconds() < end)
        uv_cond_timedwait(&g->changed, &g->lock, UINT64_C(1000000000));
    int reached = g->entered;
    uv_mutex_unlock(&g->lock);
    assert_int_equal(reached, entered);
}

static int gate_open(gate *g) {
    uv_mutex_lock(&g->lock);
    int entered = g->entered;
    g->open = true;
    uv_cond_broadcast(&g->changed);
    uv_mutex_unlock(&g->lock);
    return entered;
}

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
    yoton_request_server *server = start(&(yoton_server_options){.patience = DEADLINE});
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
    yoton_request_server *server = start(NULL);
    (void)state;
    assert_int_equal(hear_raw(ask_raw(server, "a\0b\r\n", 5), text, sizeof text), 16);
    assert_memory_equal(text, "Requested: a\0b\r\n", 16);
    yoton_request_server_free(server);
}

/* CS-2: 1 s by default, with what has come by then, be it nothing. */
static void a_request_without_end_is_answered_after_a_second(void **state) {
    yoton_request_server *server = start(NULL);
    (void)state;
    double began = now_seconds();
    expect_raw(ask_raw(server, "no end", 6), "Requested: no end\r\n");
    double took = now_seconds() - began;
    assert_true(took > 0.99 && took < DEADLINE);
    yoton_request_server_free(server);
    server = start(&(yoton_server_options){.patience = 0.05});
    expect_raw(ask_raw(server, "", 0), "Requested: \r\n");
    yoton_request_server_free(server);
}

/* CS-2: the time is that of the whole request, not that between two bytes. */
static void one_byte_at_a_time_gains_no_time(void **state) {
    yoton_request_server *server = start(&(yoton_server_options){.patience = 0.1});
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
    assert_true(size > 14 && (size_t)size <= 11 + sent + 2);
    assert_memory_equal(text, "Requested: xx", 13);
    assert_memory_equal(text + size - 3, "x\r\n", 3);
    yoton_request_server_free(server);
}

/* CS-3: unread bytes must not have the answer lost in a reset. */
static void what_follows_the_request_harms_nobody(void **state) {
    char *request = malloc(MIB);
    yoton_request_server *server = start(NULL);
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
        yoton_request_server *server = start(
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
        start(&(yoton_server_options){.handle = answer_fixed, .user = &answer});
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
        yoton_request_server *server = start(&options);
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
    yoton_request_server *server = start(&options);
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
    yoton_request_server *server = start(&options);
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
    yoton_request_server *server = start(&(yoton_server_options){.patience = 0.05});
    char line[64];
    (void)state;
    int stays = ask_raw(server, "hi\r\n", 4); /* neither half is ended, ever */
    raw_line(stays, line, sizeof line);
    expect_raw(ask_raw(server, "next\r\n", 6), "Requested: next\r\n");
    close(stays);
    yoton_request_server_free(server);
}

/* No SIGPIPE either: it would end this program. */
static void a_client_that_resets_harms_nobody(void **state) {
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    fixed answer = large_answer(8 * MIB);
    yoton_server_options options = {
        .handle = answer_fixed, .user = &answer, .max_text = 8 * MIB, .patience = 0.1};
    (void)state;
    for (int when = 0; when < 3; when++) {
        yoton_request_server *server = start(&options);
        char byte;
        int fd = ask_raw(server, "", 0);
        if (when >= 1)
            raw_send_text(fd, "\r\n");
        if (when >= 2)
            raw_read(fd, &byte, 1); /* in the middle of the answer */
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(fd);
        fd = ask_raw(server, "\r\n", 2);
        raw_read(fd, &byte, 1);
        close(fd);
        yoton_request_server_free(server);
    }
    free((void *)answer.text);
}

/* CPU time is measured too: a server that asks again and again would eat a processor. */
static void a_server_out_of_descriptors_goes_on_later(void **state) {
    struct rlimit before, tight;
    struct timespec cpu[2];
    yoton_request_server *server = start(NULL);
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

/* ---- One after the other, or all at once ---- */

static void without_threads_one_waits_for_the_other(void **state) {
    gate g;
    gate_init(&g);
    (void)state;
    yoton_request_server *server =
        start(&(yoton_server_options){.handle = answer_behind_gate, .user = &g});
    int first = ask_raw(server, "first\r\n", 7);
    gate_wait(&g, 1);
    int second = ask_raw(server, "second\r\n", 8);
    assert_int_equal(gate_open(&g), 1);
    expect_raw(first, "Requested: first\r\n");
    expect_raw(second, "Requested: second\r\n");
    assert_int_equal(g.most, 1);
    yoton_request_server_free(server);
    gate_done(&g);
}

static void with_threads_all_are_served_at_once(void **state) {
    enum { CLIENTS = 20 };
    gate g;
    int fds[CLIENTS];
    gate_init(&g);
    (void)state;
    yoton_request_server *server = start(&(yoton_server_options){
        .handle = answer_behind_gate, .user = &g, .threads = 1, .patience = DEADLINE});
    int silent = ask_raw(server, "", 0); /* holds up nobody */
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = ask_raw(server, "x\r\n", 3);
    gate_wait(&g, CLIENTS); /* none has left before all had entered */
    gate_open(&g);
    for (int i = 0; i < CLIENTS; i++)
        expect_raw(fds[i], "Requested: x\r\n");
    close(silent);
    yoton_request_server_free(server);
    gate_done(&g);
}

static void no_more_threads_than_allowed(void **state) {
    enum { CLIENTS = 12, THREADS = 3 };
    gate g;
    int fds[CLIENTS];
    gate_init(&g);
    (void)state;
    yoton_request_server *server = start(&(yoton_server_options){
        .handle = answer_behind_gate, .user = &g, .threads = 1, .max_threads = THREADS});
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = ask_raw(server, "x\r\n", 3);
    gate_wait(&g, THREADS);
    gate_open(&g);
    for (int i = 0; i < CLIENTS; i++)
        expect_raw(fds[i], "Requested: x\r\n");
    assert_true(g.most <= THREADS);
    assert_int_equal(g.entered, CLIENTS);
    yoton_request_server_free(server);
    gate_done(&g);
}

/* ---- Starting and stopping ---- */

static void stop_wakes_a_server_that_waits(void **state) {
    int before = open_descriptors();
    (void)state;
    for (int threads = 0; threads <= 1; threads++) {
        yoton_request_server *server = start(&(yoton_server_options){.threads = threads});
        uint16_t port = yoton_request_server_port(server);
        expect_asked(server, "hi", "Requested: hi"); /* it waits for the next now */
        yoton_request_server_stop(server);
        yoton_request_server_stop(server);
        yoton_request_server_free(server); /* returns */
        expect_refused(port);
    }
    yoton_request_server_free(NULL);
    assert_int_equal(open_descriptors(), before);
}

/* CS-7, CS-9 */
static void the_request_stop_stops_it(void **state) {
    (void)state;
    for (int threads = 0; threads <= 1; threads++) {
        yoton_request_server *server = start(&(yoton_server_options){.threads = threads});
        uint16_t port = yoton_request_server_port(server);
        expect_asked(server, "stop it", "Requested: stop it");
        expect_asked(server, "Stop", "Requested: Stop");
        expect_asked(server, "stop", "Requested: stop");
        expect_error(yoton_request_server_run(server), YOTON_E_STATE, "cannot run the server: it");
        yoton_request_server_free(server);
        expect_refused(port);
    }
}

/* CS-7, CS-9 */
static void the_request_wait_takes_a_second(void **state) {
    yoton_request_server *server = start(NULL);
    (void)state;
    double began = now_seconds();
    expect_asked(server, "wait", "Requested: wait");
    double took = now_seconds() - began;
    assert_true(took > 0.99 && took < DEADLINE);
    yoton_request_server_free(server);
}

static void exchanges_under_way_are_finished(void **state) {
    (void)state;
    for (int threads = 0; threads <= 1; threads++) {
        gate g;
        gate_init(&g);
        yoton_request_server *server = start(
            &(yoton_server_options){.handle = answer_behind_gate, .user = &g, .threads = threads});
        int fd = ask_raw(server, "hi\r\n", 4);
        gate_wait(&g, 1);
        yoton_request_server_stop(server); /* does not wait */
        gate_open(&g);
        expect_raw(fd, "Requested: hi\r\n");
        yoton_request_server_free(server);
        gate_done(&g);
    }
}

typedef struct runner {
    yoton_request_server *server;
    int result;
} runner;

static void run_it(void *argument) {
    runner *r = argument;
    r->result = yoton_request_server_run(r->server);
}

/* Who came before it ran is served, and free waits for it. */
static void it_runs_in_the_calling_thread(void **state) {
    (void)state;
    runner r = {.server = make(NULL), .result = 1};
    uint16_t port = yoton_request_server_port(r.server);
    int early = ask_raw(r.server, "early\r\n", 7);
    int stop = ask_raw(r.server, "stop\r\n", 6);
    assert_int_equal(yoton_request_server_run(r.server), YOTON_OK); /* here, in this thread */
    expect_raw(early, "Requested: early\r\n");
    expect_raw(stop, "Requested: stop\r\n");
    expect_refused(port);
    yoton_request_server_free(r.server);
    uv_thread_t thread;
    r.server = make(NULL);
    assert_int_equal(uv_thread_create(&thread, run_it, &r), 0);
    expect_asked(r.server, "hi", "Requested: hi");
    expect_error(yoton_request_server_run(r.server), YOTON_E_STATE, "it runs already");
    expect_error(yoton_request_server_start(r.server), YOTON_E_STATE, "it runs already");
    yoton_request_server_free(r.server);
    uv_thread_join(&thread);
    assert_int_equal(r.result, YOTON_OK);
}

static void what_was_stopped_does_not_start(void **state) {
    int before = open_descriptors();
    yoton_request_server *server = make(NULL);
    uint16_t port = yoton_request_server_port(server);
    (void)state;
    close(ask_raw(server, "hi\r\n", 4)); /* it listens */
    yoton_request_server_stop(server);
    expect_refused(port);
    expect_error(yoton_request_server_run(server), YOTON_E_STATE, "it was stopped");
    expect_error(yoton_request_server_start(server), YOTON_E_STATE, "it was stopped");
    yoton_request_server_free(server);
    yoton_request_server_free(make(NULL)); /* never ran */
    assert_int_equal(open_descriptors(), before);
}

static void a_server_that_cannot_be_is_told(void **state) {
    yoton_request_server *server = make(NULL);
    yoton_request_server *none = server;
    const char *taken = address_of(yoton_request_server_port(server));
    (void)state;
    expect_error(yoton_request_server_new(taken, NULL, &none), YOTON_E_SYSTEM, "cannot bind to");
    assert_null(none);
    expect_error(yoton_request_server_new("127.0.0.1", NULL, &none), YOTON_E_ADDRESS,
                 "cannot serve at 127.0.0.1:");
    expect_error(yoton_request_server_new("192.0.2.7:0", NULL, &none), YOTON_E_SYSTEM,
                 "name an address of this machine");
    const yoton_server_options bad[] = {
        {.patience = -1}, {.answer_patience = -0.5}, {.patience = (double)NAN}};
    for (size_t i = 0; i < 3; i++)
        expect_error(yoton_request_server_new("127.0.0.1:0", &bad[i], &none), YOTON_E_ARGUMENT,
                     "a time to wait is negative");
    yoton_request_server_free(server);
}

/* ---- Signals ---- */

static int answer_mask(yoton_request_server *server, const char *request, size_t request_size,
                       char **answer, size_t *answer_size, void *user) {
    sigset_t mask;
    (void)server;
    (void)request;
    (void)request_size;
    (void)user;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    *answer = copy_of(sigismember(&mask, SIGINT) && sigismember(&mask, SIGUSR1) ? "y" : "n", 1);
    *answer_size = 1;
    return YOTON_OK;
}

static void its_threads_take_no_signals(void **state) {
    (void)state;
    for (int threads = 0; threads <= 1; threads++) {
        yoton_request_server *server =
            start(&(yoton_server_options){.handle = answer_mask, .threads = threads});
        expect_asked(server, "", "y");
        yoton_request_server_free(server);
    }
}

static void on_signal(int number) { (void)number; }

/* In the calling thread they come as they do in the rest of the program, and harm nothing. */
static void signals_interrupt_no_exchange(void **state) {
    const struct sigaction act = {.sa_handler = on_signal}; /* without SA_RESTART: EINTR is met */
    struct sigaction before;
    uv_thread_t thread;
    yoton_server_options options = {.patience = DEADLINE};
    runner r = {.server = make(&options), .result = 1};
    (void)state;
    assert_int_equal(sigaction(SIGUSR1, &act, &before), 0);
    assert_int_equal(uv_thread_create(&thread, run_it, &r), 0);
    for (int i = 0; i < 20; i++) {
        int fd = raw_connect(yoton_request_server_port(r.server));
        raw_send_text(fd, "h");
        for (int k = 0; k < 50; k++)
            pthread_kill(thread, SIGUSR1);
        raw_send_text(fd, "i\r\n");
        pthread_kill(thread, SIGUSR1);
        expect_raw(fd, "Requested: hi\r\n");
    }
    yoton_request_server_stop(r.server);
    uv_thread_join(&thread);
    assert_int_equal(r.result, YOTON_OK);
    yoton_request_server_free(r.server);
    sigaction(SIGUSR1, &before, NULL);
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
        cmocka_unit_test(a_client_that_resets_harms_nobody),
        cmocka_unit_test(a_server_out_of_descriptors_goes_on_later),
        cmocka_unit_test(without_threads_one_waits_for_the_other),
        cmocka_unit_test(with_threads_all_are_served_at_once),
        cmocka_unit_test(no_more_threads_than_allowed),
        cmocka_unit_test(stop_wakes_a_server_that_waits),
        cmocka_unit_test(the_request_stop_stops_it),
        cmocka_unit_test(the_request_wait_takes_a_second),
        cmocka_unit_test(exchanges_under_way_are_finished),
        cmocka_unit_test(it_runs_in_the_calling_thread),
        cmocka_unit_test(what_was_stopped_does_not_start),
        cmocka_unit_test(a_server_that_cannot_be_is_told),
        cmocka_unit_test(its_threads_take_no_signals),
        cmocka_unit_test(signals_interrupt_no_exchange),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
