/* SPDX-License-Identifier: BSD-2-Clause */
/* Contexts among themselves: messages, routing, closing, many threads. */
#include "context_rig.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "context/internal.h"

/* Two contexts, a the host and b the client. */
typedef struct pair {
    yoton_context *a;
    yoton_context *b;
    yoton_connection *ca;
    yoton_connection *cb;
} pair;

static void pair_open(pair *p, const yoton_options *options) {
    uint16_t port;
    p->a = context_make(options);
    p->b = context_make(options);
    p->ca = bind_free(p->a, &port);
    p->cb = connect_to(p->b, port);
    wait_state(p->ca, YOTON_HOSTING);
}

static void pair_close(pair *p) {
    yoton_connection_unref(p->ca);
    yoton_connection_unref(p->cb);
    yoton_context_free(p->b);
    yoton_context_free(p->a);
}

/* ---- Two contexts ---- */

static void both_ends_know_each_other(void **state) {
    pair p;
    yoton_connection_info a, b;
    (void)state;
    pair_open(&p, NULL);
    yoton_connection_get_info(p.ca, &a);
    yoton_connection_get_info(p.cb, &b);
    assert_int_equal(a.state, YOTON_HOSTING);
    assert_int_equal(b.state, YOTON_CONNECTED);
    assert_int_equal(a.id1, yoton_context_id(p.a));
    assert_int_equal(a.id2, yoton_context_id(p.b));
    assert_int_equal(b.id1, yoton_context_id(p.b));
    assert_int_equal(b.id2, yoton_context_id(p.a));
    assert_int_equal(a.pid1, getpid());
    assert_int_equal(a.pid2, getpid());
    assert_int_equal(a.port1, b.port2);
    assert_int_equal(a.port2, b.port1);
    assert_string_equal(a.hostname1, "127.0.0.1");
    assert_string_equal(a.hostname2, "127.0.0.1");
    assert_true(a.timeout == 0.5);
    assert_string_equal(a.reason, "");
    assert_true(yoton_connection_is_alive(p.ca) && yoton_connection_is_connected(p.ca));
    assert_false(yoton_connection_is_waiting(p.ca));
    pair_close(&p);
}

static void a_waiting_connection_knows_its_own_end_only(void **state) {
    uint16_t port;
    yoton_connection_info info;
    yoton_context *context = context_make(NULL);
    yoton_connection *connection = bind_free(context, &port);
    (void)state;
    yoton_connection_get_info(connection, &info);
    assert_int_equal(info.state, YOTON_WAITING);
    assert_string_equal(info.hostname1, "127.0.0.1");
    assert_string_equal(info.hostname2, "");
    assert_int_equal(info.port2, 0);
    assert_int_equal(info.id2, 0);
    assert_int_equal(info.pid2, 0);
    assert_true(yoton_connection_is_alive(connection) && yoton_connection_is_waiting(connection));
    assert_false(yoton_connection_is_connected(connection));
    yoton_connection_unref(connection);
    yoton_context_free(context);
}

static void a_close_is_told_at_both_ends_once(void **state) {
    pair p;
    watch a, b;
    yoton_connection_info info;
    (void)state;
    pair_open(&p, NULL);
    watch_init(&a);
    watch_init(&b);
    watch_connection(&a, p.ca);
    watch_connection(&b, p.cb);
    yoton_connection_close(p.cb, "enough");
    yoton_connection_get_info(p.cb, &info);
    assert_int_equal(info.state, YOTON_CLOSED);
    assert_string_equal(info.reason, "enough");
    watch_wait(&b, &b.closed, 1);
    watch_wait(&a, &a.closed, 1);
    assert_string_equal(b.reason, "enough");
    assert_string_equal(a.reason, "Closed from other end.");
    yoton_connection_close(p.cb, "again");
    yoton_connection_close_on_problem(p.ca, "again");
    watch_connection(&a, p.ca); /* asked again, told already */
    pair_close(&p);
    assert_int_equal(a.closed, 1);
    assert_int_equal(b.closed, 1);
    assert_int_equal(a.began + a.ended + b.began + b.ended, 0);
    watch_done(&a);
    watch_done(&b);
}

static void an_end_that_is_past_is_told_to_who_asks_late(void **state) {
    pair p;
    watch w;
    (void)state;
    pair_open(&p, NULL);
    watch_init(&w);
    yoton_connection_close(p.cb, NULL);
    watch_connection(&w, p.cb);
    watch_wait(&w, &w.closed, 1);
    assert_string_equal(w.reason, "Closed on command.");
    pair_close(&p);
    watch_done(&w);
}

static void closing_a_bind_stops_the_listening(void **state) {
    uint16_t port;
    watch w;
    yoton_connection *unused;
    yoton_context *context = context_make(NULL);
    yoton_context *other = context_make(NULL);
    yoton_connection *connection = bind_free(context, &port);
    (void)state;
    watch_init(&w);
    watch_connection(&w, connection);
    yoton_connection_close(connection, "nobody wanted it");
    watch_wait(&w, &w.closed, 1);
    assert_string_equal(w.reason, "nobody wanted it");
    expect_error(yoton_context_connect(other, address_of(port), 0.05, NULL, &unused),
                 YOTON_E_CONNECT, "refused");
    yoton_connection_unref(connection);
    yoton_context_free(other);
    yoton_context_free(context);
    watch_done(&w);
}

/* Closes and sends from within callbacks: nothing may wait for itself. */
typedef struct chain {
    yoton_connection *next;
    yoton_channel *pub;
    watch w;
} chain;

static void close_next(yoton_connection *connection, const char *reason, void *user) {
    chain *c = user;
    (void)connection;
    (void)reason;
    yoton_connection_close(c->next, "one by one");
    (void)yoton_send_text(c->pub, "gone", 4);
}

static void a_callback_may_close_and_send(void **state) {
    pair p, q;
    chain c;
    (void)state;
    pair_open(&p, NULL);
    pair_open(&q, NULL);
    watch_init(&c.w);
    c.next = q.ca;
    c.pub = open_channel(q.a, YOTON_PUB, "x", YOTON_TXT);
    watch_connection(&c.w, q.cb);
    yoton_connection_on_closed(p.ca, close_next, &c);
    yoton_connection_close(p.cb, NULL);
    watch_wait(&c.w, &c.w.closed, 1);
    pair_close(&p);
    yoton_channel_free(c.pub);
    pair_close(&q);
    watch_done(&c.w);
}

static void a_handle_outlives_its_context(void **state) {
    pair p;
    yoton_connection_info info;
    (void)state;
    pair_open(&p, NULL);
    yoton_context_free(p.b);
    yoton_connection_get_info(p.cb, &info);
    assert_int_equal(info.state, YOTON_CLOSED);
    assert_string_equal(info.reason, "Closed by the context.");
    yoton_connection_close(p.cb, NULL);
    yoton_connection_on_closed(p.cb, NULL, NULL);
    assert_int_equal(yoton_connection_flush(p.cb, 0), YOTON_E_STATE);
    yoton_connection_unref(p.cb);
    yoton_context_free(p.a);
    yoton_connection_unref(p.ca);
}

static void a_context_can_be_used_again_after_closing(void **state) {
    pair p;
    uint16_t port;
    (void)state;
    pair_open(&p, NULL);
    yoton_channel *sub = open_channel(p.b, YOTON_SUB, "x", YOTON_TXT);
    yoton_context_close(p.a);
    assert_int_equal(yoton_context_connection_count(p.a), 0);
    yoton_connection_unref(p.ca);
    yoton_connection_unref(p.cb);
    p.ca = bind_free(p.a, &port);
    p.cb = connect_to(p.b, port);
    yoton_channel *pub = open_channel(p.a, YOTON_PUB, "x", YOTON_TXT);
    send_text(pub, "hello again");
    expect_text(sub, "hello again");
    yoton_channel_free(pub);
    yoton_channel_free(sub);
    pair_close(&p);
}

static void a_context_connects_to_an_ipv6_address(void **state) {
    yoton_connection *host, *client;
    yoton_connection_info info;
    char address[64];
    yoton_context *a = context_make(NULL);
    yoton_context *b = context_make(NULL);
    (void)state;
    if (yoton_context_bind(a, "[::1]:0", 1, NULL, &host) != YOTON_OK) {
        print_message("# SKIP no IPv6 here: %s\n", yoton_error_text());
        yoton_context_free(a);
        yoton_context_free(b);
        skip();
    }
    yoton_connection_get_info(host, &info);
    assert_string_equal(info.hostname1, "::1");
    snprintf(address, sizeof address, "tcp://[::1]:%u", info.port1);
    assert_int_equal(yoton_context_connect(b, address, DEADLINE, NULL, &client), YOTON_OK);
    yoton_connection_get_info(client, &info);
    assert_string_equal(info.hostname2, "::1");
    yoton_connection_unref(host);
    yoton_connection_unref(client);
    yoton_context_free(b);
    yoton_context_free(a);
}

static int nodelay_of(const yoton_connection *connection) {
    int value = 0;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(connection->stream->fd, IPPROTO_TCP, TCP_NODELAY, &value, &size),
                     0);
    return value;
}

static void small_messages_do_not_wait_for_more(void **state) {
    pair p;
    (void)state;
    pair_open(&p, NULL);
    assert_true(nodelay_of(p.ca));
    assert_true(nodelay_of(p.cb));
    pair_close(&p);
}

/* A signal for the process goes to a thread that wants it; the context's own does not. */
static void signals_are_left_to_the_program(void **state) {
    const struct timespec patience = {.tv_sec = (time_t)DEADLINE};
    yoton_context *context = context_make(NULL);
    sigset_t one, before;
    (void)state;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    signal(SIGUSR1, SIG_DFL); /* would end the process */
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &one, &before), 0);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    assert_int_equal(sigtimedwait(&one, NULL, &patience), SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    yoton_context_free(context);
}

/* ---- Several connections ---- */

static void connections_are_found_by_place_and_name(void **state) {
    yoton_context *a = context_make(NULL);
    yoton_context *b = context_make(NULL);
    yoton_connection *one, *two, *client, *found, **list;
    yoton_connection_info info;
    size_t count;
    (void)state;
    assert_int_equal(yoton_context_bind(a, "127.0.0.1:0", 1, "one", &one), YOTON_OK);
    assert_int_equal(yoton_context_bind(a, "127.0.0.1:0", 1, "two", &two), YOTON_OK);
    yoton_connection_get_info(two, &info);
    client = connect_to(b, info.port1);
    wait_state(two, YOTON_HOSTING);
    assert_int_equal(yoton_context_connection_count(a), 1);
    assert_int_equal(yoton_context_connections(a, YOTON_CONNECTIONS_ALL, &list, &count), YOTON_OK);
    assert_int_equal(count, 2);
    assert_ptr_equal(list[0], one);
    assert_ptr_equal(list[1], two);
    yoton_connections_free(list, count);
    assert_int_equal(yoton_context_connections(a, YOTON_CONNECTIONS, &list, &count), YOTON_OK);
    assert_int_equal(count, 1);
    yoton_connections_free(list, count);
    found = yoton_context_connection_at(a, YOTON_CONNECTIONS, 0);
    assert_ptr_equal(found, two);
    yoton_connection_unref(found);
    assert_null(yoton_context_connection_at(a, YOTON_CONNECTIONS, 1));
    assert_null(yoton_context_connection_named(a, YOTON_CONNECTIONS, "one"));
    found = yoton_context_connection_named(a, YOTON_CONNECTIONS_ALL, "one");
    assert_ptr_equal(found, one);
    yoton_connection_unref(found);
    assert_int_equal(yoton_connection_set_name(one, "another"), YOTON_OK);
    assert_null(yoton_context_connection_named(a, YOTON_CONNECTIONS_ALL, "one"));
    assert_null(yoton_context_connection_named(b, YOTON_CONNECTIONS_ALL, "")); /* it has no name */
    yoton_connection_close(one, NULL);
    assert_null(yoton_context_connection_at(a, YOTON_CONNECTIONS_ALL, 1));
    yoton_connection_unref(one);
    yoton_connection_unref(two);
    yoton_connection_unref(client);
    yoton_context_free(b);
    yoton_context_free(a);
}

static yoton_connection *join(yoton_context *host, yoton_context *client) {
    uint16_t port;
    yoton_connection *waiting = bind_free(host, &port);
    yoton_connection_unref(connect_to(client, port));
    wait_state(waiting, YOTON_HOSTING);
    return waiting;
}

/* a - b - c - a. Every message comes to each of the others exactly once, in order. */
static void a_loop_delivers_every_message_once(void **state) {
    enum { MESSAGES = 300 };
    yoton_context *node[3];
    yoton_connection *edge[3];
    yoton_channel *pub, *sub[3];
    char text[16];
    (void)state;
    for (int i = 0; i < 3; i++)
        node[i] = context_make(NULL);
    for (int i = 0; i < 3; i++)
        edge[i] = join(node[i], node[(i + 1) % 3]);
    for (int i = 1; i < 3; i++)
        sub[i] = open_channel(node[i], YOTON_SUB, "loop", YOTON_TXT);
    pub = open_channel(node[0], YOTON_PUB, "loop", YOTON_TXT);
    for (int m = 0; m < MESSAGES; m++) {
        snprintf(text, sizeof text, "%d", m);
        send_text(pub, text);
    }
    for (int i = 1; i < 3; i++) {
        uint64_t before = 0;
        for (int m = 0; m < MESSAGES; m++) {
            snprintf(text, sizeof text, "%d", m);
            uint64_t recv_seq = expect_text(sub[i], text);
            assert_true(m == 0 || recv_seq == before + 1); /* nothing came twice in between */
            before = recv_seq;
        }
    }
    for (int i = 0; i < 3; i++)
        yoton_connection_unref(edge[i]);
    for (int i = 1; i < 3; i++)
        yoton_channel_free(sub[i]);
    yoton_channel_free(pub);
    for (int i = 0; i < 3; i++)
        yoton_context_free(node[i]);
}

static void the_end_of_one_connection_leaves_the_others(void **state) {
    yoton_context *hub = context_make(NULL);
    yoton_context *leaf[2] = {context_make(NULL), context_make(NULL)};
    yoton_connection *first = join(hub, leaf[0]);
    yoton_connection *second = join(hub, leaf[1]);
    yoton_channel *pub = open_channel(hub, YOTON_PUB, "x", YOTON_TXT);
    yoton_channel *sub = open_channel(leaf[1], YOTON_SUB, "x", YOTON_TXT);
    (void)state;
    yoton_context_free(leaf[0]);
    wait_state(first, YOTON_CLOSED);
    send_text(pub, "still here");
    expect_text(sub, "still here");
    assert_true(yoton_connection_is_connected(second));
    yoton_channel_free(pub);
    yoton_channel_free(sub);
    yoton_connection_unref(first);
    yoton_connection_unref(second);
    yoton_context_free(leaf[1]);
    yoton_context_free(hub);
}

static void large_messages_arrive_whole(void **state) {
    static const size_t sizes[] = {1, 100 * 1024, 5 * 1024 * 1024, 7};
    pair p;
    (void)state;
    pair_open(&p, NULL);
    yoton_channel *pub = open_channel(p.b, YOTON_PUB, "big", YOTON_BIN);
    yoton_channel *sub = open_channel(p.a, YOTON_SUB, "big", YOTON_BIN);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t seed = i;
        uint8_t *bytes = malloc(sizes[i]);
        yoton_message message;
        assert_non_null(bytes);
        for (size_t j = 0; j < sizes[i]; j++)
            bytes[j] = (uint8_t)random_next(&seed);
        assert_int_equal(yoton_send_bytes(pub, bytes, sizes[i]), YOTON_OK);
        assert_int_equal(yoton_recv(sub, DEADLINE, &message), YOTON_OK);
        assert_int_equal(message.size, sizes[i]);
        assert_memory_equal(message.data, bytes, sizes[i]);
        yoton_message_clear(&message);
        free(bytes);
    }
    yoton_channel_free(pub);
    yoton_channel_free(sub);
    pair_close(&p);
}

static void flush_returns_when_all_is_written(void **state) {
    pair p;
    (void)state;
    pair_open(&p, NULL);
    yoton_channel *pub = open_channel(p.a, YOTON_PUB, "x", YOTON_TXT);
    yoton_channel *sub = open_channel(p.b, YOTON_SUB, "x", YOTON_TXT);
    for (int i = 0; i < 1000; i++)
        send_text(pub, "0123456789");
    assert_int_equal(yoton_connection_flush(p.ca, DEADLINE), YOTON_OK);
    assert_int_equal(yoton_context_flush(p.a, DEADLINE), YOTON_OK);
    for (int i = 0; i < 1000; i++)
        expect_text(sub, "0123456789");
    yoton_connection_close(p.ca, NULL);
    expect_error(yoton_connection_flush(p.ca, 1), YOTON_E_STATE, "closed");
    yoton_channel_free(pub);
    yoton_channel_free(sub);
    pair_close(&p);
}

/* ---- Many threads ---- */

typedef struct worker {
    yoton_context *hub;
    yoton_channel *pub;
    int number;
    int failures;
} worker;

/* Binds, is joined, sends and closes, over and over, beside others that do the same. */
static void work(void *argument) {
    worker *w = argument;
    yoton_context *own;
    if (yoton_context_new(NULL, &own) != YOTON_OK) {
        w->failures++;
        return;
    }
    for (int i = 0; i < 8; i++) {
        yoton_connection *waiting, *client;
        yoton_connection_info info;
        if (yoton_context_bind(w->hub, "127.0.0.1:0", 1, NULL, &waiting) != YOTON_OK) {
            w->failures++;
            continue;
        }
        yoton_connection_get_info(waiting, &info);
        if (yoton_context_connect(own, address_of(info.port1), DEADLINE, "w", &client) ==
            YOTON_OK) {
            for (int m = 0; m < 20; m++)
                w->failures += yoton_send_text(w->pub, "word", 4) != YOTON_OK;
            yoton_connection_close(i % 2 ? client : waiting, NULL);
            yoton_connection_unref(client);
        } else {
            w->failures++;
        }
        yoton_connection_close_on_problem(waiting, NULL);
        yoton_connection_unref(waiting);
    }
    yoton_context_free(own);
}

static void threads_share_a_context(void **state) {
    enum { WORKERS = 4 };
    yoton_context *hub = context_make(NULL);
    yoton_channel *pub = open_channel(hub, YOTON_PUB, "busy", YOTON_TXT);
    worker workers[WORKERS];
    uv_thread_t threads[WORKERS];
    int failures = 0;
    (void)state;
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (worker){.hub = hub, .pub = pub, .number = i};
        assert_int_equal(uv_thread_create(&threads[i], work, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        uv_thread_join(&threads[i]);
        failures += workers[i].failures;
    }
    assert_int_equal(failures, 0);
    assert_int_equal(yoton_context_connection_count(hub), 0);
    yoton_channel_free(pub);
    yoton_context_free(hub);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_know_each_other),
        cmocka_unit_test(a_waiting_connection_knows_its_own_end_only),
        cmocka_unit_test(a_close_is_told_at_both_ends_once),
        cmocka_unit_test(an_end_that_is_past_is_told_to_who_asks_late),
        cmocka_unit_test(closing_a_bind_stops_the_listening),
        cmocka_unit_test(a_callback_may_close_and_send),
        cmocka_unit_test(a_handle_outlives_its_context),
        cmocka_unit_test(a_context_can_be_used_again_after_closing),
        cmocka_unit_test(a_context_connects_to_an_ipv6_address),
        cmocka_unit_test(small_messages_do_not_wait_for_more),
        cmocka_unit_test(signals_are_left_to_the_program),
        cmocka_unit_test(connections_are_found_by_place_and_name),
        cmocka_unit_test(a_loop_delivers_every_message_once),
        cmocka_unit_test(the_end_of_one_connection_leaves_the_others),
        cmocka_unit_test(large_messages_arrive_whole),
        cmocka_unit_test(flush_returns_when_all_is_written),
        cmocka_unit_test(threads_share_a_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
