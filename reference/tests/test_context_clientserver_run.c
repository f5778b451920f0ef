/* SPDX-License-Identifier: BSD-2-Clause */
/* The request server: one after the other or all at once, starting and stopping, signals. */
#include "server_rig.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* ---- One after the other, or all at once ---- */

static void without_threads_one_waits_for_the_other(void **state) {
    gate g;
    gate_init(&g);
    (void)state;
    yoton_request_server *server =
        server_start(&(yoton_server_options){.handle = answer_behind_gate, .user = &g});
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
    yoton_request_server *server = server_start(&(yoton_server_options){
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
    yoton_request_server *server = server_start(&(yoton_server_options){
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
        yoton_request_server *server = server_start(&(yoton_server_options){.threads = threads});
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
        yoton_request_server *server = server_start(&(yoton_server_options){.threads = threads});
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
    yoton_request_server *server = server_start(NULL);
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
        yoton_request_server *server = server_start(
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

/* Who came before it ran is served, and free waits for it. */
static void it_runs_in_the_calling_thread(void **state) {
    enum { EARLY = 64 };
    (void)state;
    yoton_server_options options = {.patience = 0.01}; /* which is how long each stays connected */
    runner r = {.server = server_make(&options), .result = 1};
    uint16_t port = yoton_request_server_port(r.server);
    int early[EARLY];
    for (int i = 0; i < EARLY; i++)
        early[i] = ask_raw(r.server, "early\r\n", 7);
    int stop = ask_raw(r.server, "stop\r\n", 6);
    assert_int_equal(yoton_request_server_run(r.server), YOTON_OK); /* here, in this thread */
    for (int i = 0; i < EARLY; i++)
        expect_raw(early[i], "Requested: early\r\n");
    expect_raw(stop, "Requested: stop\r\n");
    expect_refused(port);
    yoton_request_server_free(r.server);
    uv_thread_t thread;
    r.server = server_make(NULL);
    assert_int_equal(uv_thread_create(&thread, runner_run, &r), 0);
    expect_asked(r.server, "hi", "Requested: hi");
    expect_error(yoton_request_server_run(r.server), YOTON_E_STATE, "it runs already");
    expect_error(yoton_request_server_start(r.server), YOTON_E_STATE, "it runs already");
    yoton_request_server_free(r.server);
    uv_thread_join(&thread);
    assert_int_equal(r.result, YOTON_OK);
}

static void what_was_stopped_does_not_start(void **state) {
    int before = open_descriptors();
    yoton_request_server *server = server_make(NULL);
    uint16_t port = yoton_request_server_port(server);
    (void)state;
    close(ask_raw(server, "hi\r\n", 4)); /* it listens */
    yoton_request_server_stop(server);
    expect_refused(port);
    expect_error(yoton_request_server_run(server), YOTON_E_STATE, "it was stopped");
    expect_error(yoton_request_server_start(server), YOTON_E_STATE, "it was stopped");
    yoton_request_server_free(server);
    yoton_request_server_free(server_make(NULL)); /* never ran */
    assert_int_equal(open_descriptors(), before);
}

static void a_server_that_cannot_be_is_told(void **state) {
    yoton_request_server *server = server_make(NULL);
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
    *answer = strdup(sigismember(&mask, SIGINT) && sigismember(&mask, SIGUSR1) ? "y" : "n");
    *answer_size = 1;
    return YOTON_OK;
}

static void its_threads_take_no_signals(void **state) {
    (void)state;
    for (int threads = 0; threads <= 1; threads++) {
        yoton_request_server *server =
            server_start(&(yoton_server_options){.handle = answer_mask, .threads = threads});
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
    runner r = {.server = server_make(&options), .result = 1};
    (void)state;
    assert_int_equal(sigaction(SIGUSR1, &act, &before), 0);
    assert_int_equal(uv_thread_create(&thread, runner_run, &r), 0);
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
