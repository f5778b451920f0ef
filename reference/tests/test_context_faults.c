/* SPDX-License-Identifier: BSD-2-Clause */
/* A system that fails: calls of the sockets are sent through here by the linker, and are
 * interrupted, put off, cut short or refused as chance will have it. SEED=N repeats one run. */
#include "context_rig.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

ssize_t __real_recv(int fd, void *data, size_t size, int flags);
ssize_t __real_send(int fd, const void *data, size_t size, int flags);
int __real_accept(int fd, struct sockaddr *at, socklen_t *size);
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
int __wrap_accept(int fd, struct sockaddr *at, socklen_t *size);

static atomic_bool failing;   /* faults that pass */
static atomic_int reset_next; /* an error that the next call of this kind meets, once */
static _Atomic uint64_t chance;
static atomic_size_t faults;

/* 0 to limit-1; splitmix64 over a shared counter. */
static uint64_t draw(uint64_t limit) {
    uint64_t x = atomic_fetch_add(&chance, UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (x ^ (x >> 31)) % limit;
}

static int fail_with(int error) {
    atomic_fetch_add(&faults, 1);
    errno = error;
    return -1;
}

static int once(atomic_int *error) { return atomic_exchange(error, 0); }

ssize_t __wrap_recv(int fd, void *data, size_t size, int flags) {
    int error = once(&reset_next);
    if (error != 0)
        return fail_with(error);
    if (!atomic_load(&failing))
        return __real_recv(fd, data, size, flags);
    switch (draw(4)) {
    case 0:
        return fail_with(EINTR);
    case 1:
        return fail_with(draw(2) == 0 ? EAGAIN : ENOMEM);
    case 2:
        return __real_recv(fd, data, size < 7 ? size : 1 + draw(7), flags);
    default:
        return __real_recv(fd, data, size, flags);
    }
}

ssize_t __wrap_send(int fd, const void *data, size_t size, int flags) {
    if (!atomic_load(&failing))
        return __real_send(fd, data, size, flags);
    switch (draw(5)) {
    case 0:
        return fail_with(EINTR);
    case 1:
        return fail_with(EAGAIN);
    case 2:
        return fail_with(ENOBUFS);
    case 3:
        return __real_send(fd, data, size < 3 ? size : 1 + draw(3), flags);
    default:
        return __real_send(fd, data, size, flags);
    }
}

int __wrap_accept(int fd, struct sockaddr *at, socklen_t *size) {
    if (atomic_load(&failing) && draw(2) == 0)
        return fail_with(draw(2) == 0 ? EINTR : ECONNABORTED);
    return __real_accept(fd, at, size);
}

/* ---- A conversation over calls that fail ---- */

enum { MESSAGES = 400, FAULTS = 500 };

static size_t size_of(int number) {
    size_t mixed = (size_t)number * 2654435761u % 1000;
    return mixed < 20 ? 40000 + mixed * 997 : 1 + mixed % 300;
}

static void fill(uint8_t *data, int number) {
    for (size_t i = 0; i < size_of(number); i++)
        data[i] = (uint8_t)((size_t)number * 31 + i * 7);
}

static void publish_all(void *user) {
    yoton_channel *pub = user;
    static _Thread_local uint8_t data[70000];
    for (int number = 0; number < MESSAGES; number++) {
        fill(data, number);
        assert_int_equal(yoton_send_bytes(pub, data, size_of(number)), YOTON_OK);
    }
}

static void receive_all(yoton_channel *sub) {
    uint8_t *expected = malloc(70000);
    assert_non_null(expected);
    for (int number = 0; number < MESSAGES; number++) {
        yoton_message message;
        assert_int_equal(yoton_recv(sub, DEADLINE, &message), YOTON_OK);
        fill(expected, number);
        assert_int_equal(message.size, size_of(number));
        assert_memory_equal(message.data, expected, message.size);
        yoton_message_clear(&message);
    }
    assert_int_equal(yoton_channel_pending(sub), 0);
    free(expected);
}

static void all_arrives_whatever_the_system_puts_off(void **state) {
    const char *seed = getenv("SEED");
    uint64_t start = seed != NULL ? strtoull(seed, NULL, 0) : uv_hrtime();
    uv_thread_t thread;
    uint16_t port;
    watch w;
    (void)state;
    print_message("SEED=%llu\n", (unsigned long long)start);
    atomic_store(&chance, start);
    atomic_store(&faults, 0);
    atomic_store(&failing, true);
    yoton_context *a = context_make(NULL), *b = context_make(NULL);
    yoton_connection *hosting = bind_free(a, &port);
    yoton_connection *connected = connect_to(b, port);
    watch_init(&w);
    watch_connection(&w, hosting);
    yoton_channel *there = open_channel(a, YOTON_PUB, "there", YOTON_BIN);
    yoton_channel *there_sub = open_channel(b, YOTON_SUB, "there", YOTON_BIN);
    yoton_channel *back = open_channel(b, YOTON_PUB, "back", YOTON_BIN);
    yoton_channel *back_sub = open_channel(a, YOTON_SUB, "back", YOTON_BIN);
    /* How many calls it takes depends on how much each one gets. */
    for (int round = 0; round < 100 && atomic_load(&faults) < FAULTS; round++) {
        assert_int_equal(uv_thread_create(&thread, publish_all, there), 0);
        publish_all(back);
        receive_all(there_sub);
        receive_all(back_sub);
        uv_thread_join(&thread);
    }
    yoton_connection_close(connected, NULL);
    watch_wait(&w, &w.closed, 1);
    assert_string_equal(w.reason, "Closed from other end."); /* the close signal came, too */
    atomic_store(&failing, false);
    assert_true(atomic_load(&faults) >= FAULTS);
    yoton_connection_unref(hosting);
    yoton_connection_unref(connected);
    yoton_context_free(a);
    yoton_context_free(b);
    yoton_channel_free(there);
    yoton_channel_free(there_sub);
    yoton_channel_free(back);
    yoton_channel_free(back_sub);
    watch_done(&w);
}

/* ---- Errors that end a connection, and it alone ---- */

static void one_error_ends_one_connection(atomic_int *place, int error) {
    uint16_t ports[2];
    yoton_context *hub = context_make(NULL), *ends[2] = {context_make(NULL), context_make(NULL)};
    yoton_connection *hosting[2], *connected[2];
    yoton_channel *pub = open_channel(hub, YOTON_PUB, "x", YOTON_TXT), *subs[2];
    for (int i = 0; i < 2; i++) {
        hosting[i] = bind_free(hub, &ports[i]);
        connected[i] = connect_to(ends[i], ports[i]);
        wait_state(hosting[i], YOTON_HOSTING);
        subs[i] = open_channel(ends[i], YOTON_SUB, "x", YOTON_TXT);
    }
    atomic_store(place, error);
    double end = now_seconds() + DEADLINE; /* whoever calls next meets it: one of the four ends */
    while (yoton_context_connection_count(hub) != 1 && now_seconds() < end)
        uv_sleep(1);
    assert_int_equal(yoton_context_connection_count(hub), 1); /* LINK-17, LINK-20 */
    int left = yoton_connection_is_connected(hosting[0]) ? 0 : 1;
    wait_state(connected[1 - left], YOTON_CLOSED);
    send_text(pub, "still here");
    expect_text(subs[left], "still here");
    assert_int_equal(yoton_connection_is_connected(connected[left]), 1);
    yoton_channel_free(pub);
    for (int i = 0; i < 2; i++) {
        yoton_channel_free(subs[i]);
        yoton_connection_unref(hosting[i]);
        yoton_connection_unref(connected[i]);
        yoton_context_free(ends[i]);
    }
    yoton_context_free(hub);
}

static void an_error_of_a_socket_ends_its_connection_only(void **state) {
    (void)state;
    one_error_ends_one_connection(&reset_next, ECONNRESET);
    one_error_ends_one_connection(&reset_next, ETIMEDOUT);
}

/* ---- No descriptors left ---- */

static void without_descriptors_what_is_there_goes_on(void **state) {
    struct rlimit usual;
    uint16_t port, waiting_port;
    yoton_connection *refused;
    yoton_context *none;
    (void)state;
    yoton_context *a = context_make(NULL), *b = context_make(NULL), *c = context_make(NULL);
    yoton_connection *hosting = bind_free(a, &port), *connected = connect_to(b, port);
    yoton_connection *waiting = bind_free(a, &waiting_port);
    yoton_channel *pub = open_channel(a, YOTON_PUB, "x", YOTON_TXT);
    yoton_channel *sub = open_channel(b, YOTON_SUB, "x", YOTON_TXT);
    int probe = dup(STDERR_FILENO); /* the lowest that is free: nothing above it will be had */
    assert_true(probe >= 0);
    close(probe);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    const struct rlimit tight = {.rlim_cur = (rlim_t)probe, .rlim_max = usual.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    expect_error(yoton_context_bind(a, "127.0.0.1:0", 1, NULL, &refused), YOTON_E_SYSTEM,
                 "Too many open files");
    expect_error(yoton_context_connect(c, address_of(waiting_port), 0.05, NULL, &refused),
                 YOTON_E_SYSTEM, "Too many open files");
    expect_error(yoton_context_new(NULL, &none), YOTON_E_SYSTEM, "too many open files");
    assert_null(none);
    send_text(pub, "meanwhile"); /* LINK-20 */
    expect_text(sub, "meanwhile");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    yoton_connection *late = connect_to(c, waiting_port);
    wait_state(waiting, YOTON_HOSTING);
    yoton_connection_unref(late);
    yoton_connection_unref(waiting);
    yoton_connection_unref(hosting);
    yoton_connection_unref(connected);
    yoton_channel_free(pub);
    yoton_channel_free(sub);
    yoton_context_free(a);
    yoton_context_free(b);
    yoton_context_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_arrives_whatever_the_system_puts_off),
        cmocka_unit_test(an_error_of_a_socket_ends_its_connection_only),
        cmocka_unit_test(without_descriptors_what_is_there_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
