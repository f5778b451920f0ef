/* SPDX-License-Identifier: BSD-2-Clause */
/* Binding and connecting: addresses, ports, names, options, and connecting in vain. */
#include "context_rig.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- Addresses, ports, names ---- */

static void what_is_no_address_is_refused(void **state) {
    static const char *const bad[] = {"",           "localhost",  ":80",
                                      "localhost:", "host:70000", "ftp://host:80",
                                      "[::1:5000",  "::1:80",     "publichost99:80"};
    yoton_context *context = context_make(NULL);
    yoton_connection *connection;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_error(yoton_context_bind(context, bad[i], 1, NULL, &connection), YOTON_E_ADDRESS,
                     "cannot bind to");
        assert_null(connection);
        expect_error(yoton_context_connect(context, bad[i], 1, NULL, &connection), YOTON_E_ADDRESS,
                     "cannot connect to");
        assert_null(connection);
    }
    expect_error(yoton_context_bind(context, "127.0.0.1:0", 0, NULL, &connection), YOTON_E_ARGUMENT,
                 "max_tries");
    expect_error(yoton_context_bind(context, "192.0.2.1:0", 1, NULL, &connection), YOTON_E_SYSTEM,
                 "address of this machine");
    yoton_context_free(context);
}

static void names_have_a_limit(void **state) {
    char name[YOTON_NAME_ROOM + 1];
    uint16_t port;
    yoton_connection *connection;
    yoton_context *context = context_make(NULL);
    (void)state;
    memset(name, 'n', sizeof name);
    name[YOTON_NAME_ROOM] = '\0';
    expect_error(yoton_context_bind(context, "127.0.0.1:0", 1, name, &connection), YOTON_E_ARGUMENT,
                 "name");
    expect_error(yoton_context_connect(context, "127.0.0.1:1", 1, name, &connection),
                 YOTON_E_ARGUMENT, "name");
    connection = bind_free(context, &port);
    expect_error(yoton_connection_set_name(connection, name), YOTON_E_ARGUMENT, "name");
    name[YOTON_NAME_ROOM - 1] = '\0';
    assert_int_equal(yoton_connection_set_name(connection, name), YOTON_OK);
    yoton_connection_unref(connection);
    yoton_context_free(context);
}

static void a_port_in_use_is_refused_or_the_next_one_taken(void **state) {
    uint16_t taken;
    yoton_connection *connection;
    yoton_connection_info info;
    yoton_context *context = context_make(NULL);
    int listener = raw_listen(0, &taken);
    (void)state;
    expect_error(yoton_context_bind(context, address_of(taken), 1, NULL, &connection),
                 YOTON_E_SYSTEM, "choose another port");
    assert_int_equal(yoton_context_bind(context, address_of(taken), 200, NULL, &connection),
                     YOTON_OK);
    yoton_connection_get_info(connection, &info);
    assert_true(info.port1 > taken && info.port1 < taken + 200);
    yoton_connection_unref(connection);
    close(listener);
    yoton_context_free(context);
}

static void the_given_port_is_the_one_bound(void **state) {
    uint16_t port;
    yoton_connection *connection;
    yoton_connection_info info;
    yoton_context *context = context_make(NULL);
    (void)state;
    close(raw_listen(0, &port)); /* was free a moment ago */
    assert_int_equal(yoton_context_bind(context, address_of(port), 1, NULL, &connection), YOTON_OK);
    yoton_connection_get_info(connection, &info);
    assert_int_equal(info.port1, port);
    yoton_connection_unref(connection);
    yoton_context_free(context);
}

/* ADDR-8: a name of this machine itself. */
static void the_public_host_is_this_machine(void **state) {
    yoton_context *a = context_make(NULL);
    yoton_context *b = context_make(NULL);
    yoton_connection *host, *client;
    yoton_connection_info info;
    char address[64];
    (void)state;
    if (yoton_context_bind(a, "publichost:0", 1, NULL, &host) != YOTON_OK) {
        print_message("# SKIP this machine's name leads nowhere: %s\n", yoton_error_text());
        yoton_context_free(a);
        yoton_context_free(b);
        skip();
    }
    yoton_connection_get_info(host, &info);
    snprintf(address, sizeof address, "PublicHost0:%u", info.port1);
    assert_int_equal(yoton_context_connect(b, address, DEADLINE, NULL, &client), YOTON_OK);
    wait_state(host, YOTON_HOSTING);
    yoton_connection_unref(host);
    yoton_connection_unref(client);
    yoton_context_free(b);
    yoton_context_free(a);
}

static void options_are_checked(void **state) {
    yoton_context *context;
    (void)state;
    expect_error(yoton_context_new(&(yoton_options){.max_line = 44}, &context), YOTON_E_ARGUMENT,
                 "max_line");
    expect_error(yoton_context_new(&(yoton_options){.max_line = 1025}, &context), YOTON_E_ARGUMENT,
                 "max_line");
    expect_error(yoton_context_new(&(yoton_options){.max_sources = 1023}, &context),
                 YOTON_E_ARGUMENT, "max_sources must be at least 1024"); /* LIMIT-5 */
    assert_int_equal(yoton_context_new(&(yoton_options){.max_sources = 1024}, &context), YOTON_OK);
    yoton_context_free(context);
    expect_error(yoton_context_new(&(yoton_options){.close = -1}, &context), YOTON_E_ARGUMENT,
                 "negative");
    expect_error(yoton_context_new(&(yoton_options){.max_candidates = SIZE_MAX / 8}, &context),
                 YOTON_E_ARGUMENT, "max_candidates");
    expect_error(yoton_context_new(&(yoton_options){.max_connections = SIZE_MAX}, &context),
                 YOTON_E_ARGUMENT, "max_connections");
    assert_null(context);
    context = context_make(&(yoton_options){.id = RAW_ID});
    assert_int_equal(yoton_context_id(context), RAW_ID);
    yoton_context_free(context);
}

/* Binds that wait and connections of both roles count, until they are closed. */
static void connections_have_a_limit(void **state) {
    uint16_t port, other_port;
    yoton_connection *refused;
    yoton_context *full = context_make(&(yoton_options){.max_connections = 3});
    yoton_context *other = context_make(NULL);
    (void)state;
    yoton_connection *host = bind_free(other, &other_port);
    yoton_connection *client = connect_to(full, other_port);
    yoton_connection *guest = bind_free(full, &port);
    yoton_connection *there = connect_to(other, port);
    wait_state(guest, YOTON_HOSTING);
    yoton_connection *waiting = bind_free(full, &port);
    expect_error(yoton_context_bind(full, "127.0.0.1:0", 1, NULL, &refused), YOTON_E_FULL,
                 "max_connections");
    assert_null(refused);
    expect_error(yoton_context_connect(full, address_of(other_port), 1, NULL, &refused),
                 YOTON_E_FULL, "max_connections");
    assert_null(refused);
    assert_true(yoton_connection_is_connected(client) && yoton_connection_is_waiting(waiting));
    yoton_connection_close(guest, NULL);
    yoton_connection *again = bind_free(full, &port);
    expect_error(yoton_context_bind(full, "127.0.0.1:0", 1, NULL, &refused), YOTON_E_FULL,
                 "3 connections");
    yoton_connection_unref(again);
    yoton_connection_unref(waiting);
    yoton_connection_unref(there);
    yoton_connection_unref(guest);
    yoton_connection_unref(client);
    yoton_connection_unref(host);
    yoton_context_free(full);
    yoton_context_free(other);
}

/* ---- Connecting in vain ---- */

static void nobody_there_is_said_in_time_and_leaves_nothing(void **state) {
    uint16_t port;
    yoton_connection *connection;
    yoton_context *context = context_make(NULL);
    (void)state;
    close(raw_listen(0, &port));
    int before = open_descriptors();
    for (int i = 0; i < 20; i++) { /* so short a time may be over before the first answer */
        double start = now_seconds();
        expect_error(yoton_context_connect(context, address_of(port), 0.03, NULL, &connection),
                     YOTON_E_CONNECT, "cannot connect to 127.0.0.1");
        assert_true(now_seconds() - start >= 0.03);
    }
    expect_error(yoton_context_connect(context, address_of(port), 1.0, NULL, &connection),
                 YOTON_E_CONNECT, "Connection refused");
    assert_int_equal(open_descriptors(), before);
    yoton_context_free(context);
}

static void a_context_does_not_connect_to_itself(void **state) {
    uint16_t port;
    yoton_connection *connection;
    yoton_context *context = context_make(NULL);
    yoton_context *other = context_make(NULL);
    yoton_connection *waiting = bind_free(context, &port);
    (void)state;
    expect_error(yoton_context_connect(context, address_of(port), 1, NULL, &connection),
                 YOTON_E_SELF, "self");
    assert_true(yoton_connection_is_waiting(waiting));
    yoton_connection_unref(connect_to(other, port));
    wait_state(waiting, YOTON_HOSTING);
    yoton_connection_unref(waiting);
    yoton_context_free(other);
    yoton_context_free(context);
}

/* Connects in a thread of its own. */
typedef struct caller {
    yoton_context *context;
    uint16_t port;
    double timeout; /* 0: long */
    int error;
    char text[256];
    yoton_connection *connection;
    atomic_int done;
} caller;

static void call(void *argument) {
    caller *c = argument;
    double timeout = c->timeout > 0 ? c->timeout : DEADLINE;
    c->error =
        yoton_context_connect(c->context, address_of(c->port), timeout, NULL, &c->connection);
    snprintf(c->text, sizeof c->text, "%s", yoton_error_text());
    atomic_store(&c->done, 1);
}

/* HS-25, HS-26: a host that is between two binds hangs up, then refuses, then is there. */
static void connecting_waits_for_the_host(void **state) {
    caller a = {.context = context_make(NULL)};
    yoton_context *host = context_make(NULL);
    yoton_connection *waiting;
    uv_thread_t thread;
    int listener = raw_listen(0, &a.port);
    (void)state;
    assert_int_equal(uv_thread_create(&thread, call, &a), 0);
    int hung_up = raw_accept(listener);
    close(listener);
    close(hung_up);
    assert_int_equal(yoton_context_bind(host, address_of(a.port), 1, NULL, &waiting), YOTON_OK);
    uv_thread_join(&thread);
    assert_int_equal(a.error, YOTON_OK);
    wait_state(waiting, YOTON_HOSTING);
    yoton_connection_unref(waiting);
    yoton_connection_unref(a.connection);
    yoton_context_free(a.context);
    yoton_context_free(host);
}

static void closing_the_context_ends_connecting(void **state) {
    caller a = {.context = context_make(NULL)};
    uv_thread_t thread;
    int listener = raw_listen(0, &a.port);
    (void)state;
    assert_int_equal(uv_thread_create(&thread, call, &a), 0);
    int silent = raw_accept(listener);
    yoton_context_close(a.context);
    uv_thread_join(&thread);
    assert_int_equal(a.error, YOTON_E_CLOSED);
    assert_null(a.connection);
    close(silent);
    close(listener);
    yoton_context_free(a.context);
}

/* ---- The handshake as a client ---- */

/* Connects to a listener that answers with `line` (NULL: not at all). Returns its socket. */
static int answer_with(caller *c, const yoton_options *options, const char *line) {
    uv_thread_t thread;
    char theirs[64];
    int listener = raw_listen(0, &c->port);
    c->context = context_make(options);
    assert_int_equal(uv_thread_create(&thread, call, c), 0);
    int peer = raw_accept(listener);
    raw_line(peer, theirs, sizeof theirs);
    assert_memory_equal(theirs, "YOTON!", 6);
    if (line != NULL)
        raw_send_text(peer, line);
    uv_thread_join(&thread);
    close(listener);
    return peer;
}

static void a_bad_answer_fails_connecting(void **state) {
    static const struct {
        const char *line;
        int error;
        const char *words;
    } answers[] = {
        {"HTTP/1.1 400 Bad Request\r\n", YOTON_E_NOT_YOTON, "Yoton"},
        {"ERROR: this is Yoton.\r\n", YOTON_E_NOT_YOTON, "this is Yoton."},
        {"YOTON!1.1\r\n", YOTON_E_HANDSHAKE, "parse"},
        {NULL, YOTON_E_TIMEOUT, "timed out"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        caller c = {.timeout = 0};
        int before = open_descriptors();
        int peer = answer_with(&c, &(yoton_options){.handshake = 0.1}, answers[i].line);
        assert_int_equal(c.error, answers[i].error);
        assert_non_null(strstr(c.text, answers[i].words));
        assert_null(c.connection);
        assert_true(raw_at_end(peer)); /* HS-23: closed, with nothing more sent */
        close(peer);
        yoton_context_free(c.context);
        assert_int_equal(open_descriptors(), before);
    }
}

/* HS-23: half a line is an answer, and a bad one; only without any is it tried again (HS-26). */
static void half_an_answer_fails_connecting(void **state) {
    caller c = {.context = context_make(NULL)};
    char line[64];
    uv_thread_t thread;
    int listener = raw_listen(0, &c.port);
    (void)state;
    assert_int_equal(uv_thread_create(&thread, call, &c), 0);
    int peer = raw_accept(listener);
    raw_line(peer, line, sizeof line);
    raw_send_text(peer, "YOTON!0000");
    close(peer);
    uv_thread_join(&thread);
    assert_int_equal(c.error, YOTON_E_EOF);
    close(listener);
    yoton_context_free(c.context);
}

/* The time to connect is over, the time for the handshake is not. */
static void a_slow_answer_is_waited_for(void **state) {
    caller c = {.context = context_make(NULL), .timeout = 0.02};
    char line[64];
    uv_thread_t thread;
    int listener = raw_listen(0, &c.port);
    (void)state;
    assert_int_equal(uv_thread_create(&thread, call, &c), 0);
    int peer = raw_accept(listener);
    raw_line(peer, line, sizeof line);
    poll(NULL, 0, 100);
    raw_send_text(peer, "YOTON!00000000c0ffee01.77\r\n");
    uv_thread_join(&thread);
    assert_int_equal(c.error, YOTON_OK);
    close(peer);
    close(listener);
    yoton_connection_unref(c.connection);
    yoton_context_free(c.context);
}

static void attempts_are_made_with_pauses(void **state) {
    caller c = {.context = context_make(NULL), .timeout = 0.2};
    uv_thread_t thread;
    int attempts = 0;
    struct pollfd coming = {.fd = raw_listen(0, &c.port), .events = POLLIN};
    (void)state;
    assert_int_equal(uv_thread_create(&thread, call, &c), 0);
    while (!atomic_load(&c.done)) {
        if (poll(&coming, 1, 10) == 1) {
            close(raw_accept(coming.fd)); /* no answer: the attempt is made again */
            attempts++;
        }
    }
    uv_thread_join(&thread);
    assert_int_equal(c.error, YOTON_E_CONNECT);
    assert_true(attempts >= 1 && attempts <= 21); /* 10 ms lie between them */
    close(coming.fd);
    yoton_context_free(c.context);
}

static void tell_the_network_after_what_waited(const yoton_options *options) {
    caller c = {.timeout = 0};
    yoton_header header;
    char text[64];
    uv_thread_t thread;
    int listener = raw_listen(0, &c.port);
    c.context = context_make(options);
    yoton_channel *pub = open_channel(c.context, YOTON_PUB, "x", YOTON_TXT);
    send_text(pub, "lost");
    send_text(pub, "one");
    send_text(pub, "two");
    assert_int_equal(uv_thread_create(&thread, call, &c), 0);
    int peer = raw_accept(listener);
    raw_line(peer, text, sizeof text);
    raw_send_text(peer, "YOTON!00000000c0ffee01.77\r\n");
    uv_thread_join(&thread);
    send_text(pub, "four");
    assert_int_equal(raw_expect(peer, "one"), 2); /* the queue was full, and still is complete: */
    assert_int_equal(raw_expect(peer, "two"), 3); /* what comes next has pushed nothing out */
    assert_int_equal(raw_next(peer, &header, text, sizeof text), 1);
    assert_int_equal(header.slot, YOTON_SLOT_CONTEXT);
    assert_int_equal(header.source_seq, 4);
    assert_int_equal(header.source_id, yoton_context_id(c.context));
    assert_memory_equal(text, "NEW_CONNECTION", 14);
    assert_int_equal(raw_expect(peer, "four"), 5);
    close(peer);
    close(listener);
    yoton_connection_unref(c.connection);
    yoton_channel_free(pub);
    yoton_context_free(c.context);
}

static void a_client_tells_the_network_after_what_waited(void **state) {
    (void)state;
    tell_the_network_after_what_waited(&(yoton_options){.queue_packages = 2});
    tell_the_network_after_what_waited(&(yoton_options){.queue_bytes = 7});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(names_have_a_limit),
        cmocka_unit_test(a_port_in_use_is_refused_or_the_next_one_taken),
        cmocka_unit_test(the_given_port_is_the_one_bound),
        cmocka_unit_test(the_public_host_is_this_machine),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(connections_have_a_limit),
        cmocka_unit_test(nobody_there_is_said_in_time_and_leaves_nothing),
        cmocka_unit_test(a_context_does_not_connect_to_itself),
        cmocka_unit_test(connecting_waits_for_the_host),
        cmocka_unit_test(closing_the_context_ends_connecting),
        cmocka_unit_test(a_bad_answer_fails_connecting),
        cmocka_unit_test(half_an_answer_fails_connecting),
        cmocka_unit_test(a_slow_answer_is_waited_for),
        cmocka_unit_test(attempts_are_made_with_pauses),
        cmocka_unit_test(a_client_tells_the_network_after_what_waited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
