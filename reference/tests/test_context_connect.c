/* SPDX-License-Identifier: BSD-2-Clause */
/* Binding and connecting: addresses, ports, names, options, and connecting in vain. */
#include "context_rig.h"

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
    expect_error(yoton_context_new(&(yoton_options){.close = -1}, &context), YOTON_E_ARGUMENT,
                 "negative");
    assert_null(context);
    context = context_make(&(yoton_options){.id = RAW_ID});
    assert_int_equal(yoton_context_id(context), RAW_ID);
    yoton_context_free(context);
}

/* ---- Connecting in vain ---- */

static void nobody_there_is_said_in_time_and_leaves_nothing(void **state) {
    uint16_t port;
    yoton_connection *connection;
    yoton_context *context = context_make(NULL);
    (void)state;
    close(raw_listen(0, &port));
    int before = open_descriptors();
    for (int i = 0; i < 20; i++) {
        double start = now_seconds();
        expect_error(yoton_context_connect(context, address_of(port), 0.03, NULL, &connection),
                     YOTON_E_CONNECT, "Connection refused");
        assert_true(now_seconds() - start >= 0.03);
    }
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

typedef struct attempt {
    yoton_context *context;
    uint16_t port;
    yoton_connection *connection;
    int error;
} attempt;

static void attempt_run(void *argument) {
    attempt *a = argument;
    a->error =
        yoton_context_connect(a->context, address_of(a->port), DEADLINE, NULL, &a->connection);
}

/* HS-25, HS-26: a host that is between two binds hangs up, then refuses, then is there. */
static void connecting_waits_for_the_host(void **state) {
    attempt a = {.context = context_make(NULL)};
    yoton_context *host = context_make(NULL);
    yoton_connection *waiting;
    uv_thread_t thread;
    int listener = raw_listen(0, &a.port);
    (void)state;
    assert_int_equal(uv_thread_create(&thread, attempt_run, &a), 0);
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
    attempt a = {.context = context_make(NULL)};
    uv_thread_t thread;
    int listener = raw_listen(0, &a.port);
    (void)state;
    assert_int_equal(uv_thread_create(&thread, attempt_run, &a), 0);
    int silent = raw_accept(listener);
    yoton_context_close(a.context);
    uv_thread_join(&thread);
    assert_int_equal(a.error, YOTON_E_CLOSED);
    assert_null(a.connection);
    close(silent);
    close(listener);
    yoton_context_free(a.context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(names_have_a_limit),
        cmocka_unit_test(a_port_in_use_is_refused_or_the_next_one_taken),
        cmocka_unit_test(the_given_port_is_the_one_bound),
        cmocka_unit_test(the_public_host_is_this_machine),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(nobody_there_is_said_in_time_and_leaves_nothing),
        cmocka_unit_test(a_context_does_not_connect_to_itself),
        cmocka_unit_test(connecting_waits_for_the_host),
        cmocka_unit_test(closing_the_context_ends_connecting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
