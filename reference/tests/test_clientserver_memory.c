/* SPDX-License-Identifier: BSD-2-Clause */
/* Client and server when memory is short, and how much of it their peers can make them take. The
 * side that is looked at runs in this thread, so that its allocations alone are counted. */
#include "context_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

/* ---- The server: its clients wait in the backlog before it runs ---- */

typedef struct handled {
    int calls;
    bool elsewhere; /* not in the thread that runs the server */
    uv_thread_t thread;
} handled;

static int handle(yoton_request_server *server, const char *request, size_t request_size,
                  char **answer, size_t *answer_size, void *user) {
    handled *h = user;
    uv_thread_t self = uv_thread_self();
    h->calls++;
    h->elsewhere |= !uv_thread_equal(&self, &h->thread);
    return yoton_handle_request(server, request, request_size, answer, answer_size, NULL);
}

static int queue_client(yoton_request_server *server, const char *request) {
    int fd = raw_connect(yoton_request_server_port(server));
    raw_send_text(fd, request);
    shutdown(fd, SHUT_WR);
    return fd;
}

/* Returns 1 when the answer came, 0 when the connection was reset without one. */
static int answered(int fd, const char *answer) {
    char text[64];
    size_t size = 0;
    ssize_t got;
    while ((got = recv(fd, text + size, sizeof text - size, 0)) > 0)
        size += (size_t)got;
    close(fd);
    if (got < 0) {
        assert_int_equal(errno, ECONNRESET);
        assert_int_equal(size, 0);
        return 0;
    }
    assert_int_equal(size, strlen(answer));
    assert_memory_equal(text, answer, size);
    return 1;
}

/* One exchange may fail for want of memory, and then only that. */
static void serve_three(void *context, int failing) {
    yoton_request_server *server;
    handled h = {.thread = uv_thread_self()};
    yoton_server_options options = {.handle = handle, .user = &h};
    (void)context;
    int error = yoton_request_server_new("127.0.0.1:0", &options, &server);
    if (error != YOTON_OK) {
        assert_true(failing && error == YOTON_E_NOMEM);
        assert_null(server);
        return;
    }
    int fds[] = {queue_client(server, "hi\r\n"), queue_client(server, "stop\r\n"),
                 queue_client(server, "stop\r\n")};
    assert_int_equal(yoton_request_server_run(server), YOTON_OK);
    yoton_request_server_free(server);
    assert_true(alloc_peak() <
                MIB / 32); /* memory is taken for what comes, not for what may come */
    int first = answered(fds[0], "Requested: hi\r\n");
    int second = answered(fds[1], "Requested: stop\r\n");
    int third =
        answered(fds[2], "Requested: stop\r\n"); /* not reached when the second stopped it */
    assert_int_equal(first + second + third, failing ? 1 + first : 2);
    assert_true(second != third);
}

static void any_allocation_of_the_server_may_fail(void **state) {
    (void)state;
    assert_int_equal(alloc_fail_each(serve_three, NULL), 1 + 2 * 2);
}

/* A thread that cannot be had costs nobody the answer. */
static void without_memory_for_a_thread_it_is_answered_here(void **state) {
    yoton_request_server *server;
    handled h = {.thread = uv_thread_self()};
    yoton_server_options options = {.handle = handle, .user = &h, .threads = 1};
    (void)state;
    assert_int_equal(yoton_request_server_new("127.0.0.1:0", &options, &server), YOTON_OK);
    int fd = queue_client(server, "stop\r\n");
    alloc_start(1);
    assert_int_equal(yoton_request_server_run(server), YOTON_OK);
    alloc_stop();
    assert_true(answered(fd, "Requested: stop\r\n"));
    assert_int_equal(h.calls, 1);
    assert_false(h.elsewhere);
    yoton_request_server_free(server);
}

/* Returns whether all of it went. */
static bool push(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size < MIB ? size : MIB, MSG_NOSIGNAL);
        if (sent < 0)
            return false;
        size -= (size_t)sent;
    }
    return true;
}

typedef struct flood {
    int fd;
    char *bytes;
    size_t size;
    bool went;
} flood;

static void run_flood(void *argument) {
    flood *f = argument;
    f->went = push(f->fd, f->bytes, f->size);
    shutdown(f->fd, SHUT_WR);
}

/* CS-8: what it takes for a request without end, or with 64 MiB behind its end, is bounded. */
static void a_flood_does_not_fill_the_memory(void **state) {
    char *bytes = malloc(MIB);
    (void)state;
    assert_non_null(bytes);
    for (int ends = 0; ends <= 1; ends++) {
        yoton_request_server *server;
        uv_thread_t thread;
        handled h = {.thread = uv_thread_self()};
        yoton_server_options options = {.handle = handle, .user = &h, .patience = DEADLINE};
        memset(bytes, 'x', MIB);
        memcpy(bytes, ends ? "hi\r\n" : "hi hi", ends ? 4 : 5);
        assert_int_equal(yoton_request_server_new("127.0.0.1:0", &options, &server), YOTON_OK);
        flood f = {raw_connect(yoton_request_server_port(server)), bytes, 64 * MIB, false};
        int stop = queue_client(server, "stop\r\n");
        assert_int_equal(uv_thread_create(&thread, run_flood, &f), 0);
        alloc_start(0);
        assert_int_equal(yoton_request_server_run(server), YOTON_OK);
        size_t peak = alloc_peak();
        assert_int_equal(alloc_live(), 0);
        alloc_stop();
        uv_thread_join(&thread);
        assert_int_equal(h.calls, 1 + ends);
        assert_true(peak <
                    2 * MIB + MIB / 16); /* old and new block of what grows, counted together */
        assert_int_equal(f.went, ends);
        if (ends)
            assert_true(answered(f.fd, "Requested: hi\r\n"));
        else
            close(f.fd);
        assert_true(answered(stop, "Requested: stop\r\n"));
        yoton_request_server_free(server);
    }
    free(bytes);
}

/* ---- The client: a thread that allocates nothing accepts, answers and closes ---- */

typedef struct replier {
    int listener;
    const char *answer;
    uv_thread_t thread;
} replier;

static void run_replier(void *argument) {
    replier *r = argument;
    char bytes[64];
    int fd = accept(r->listener, NULL, NULL);
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        ;
    (void)push(fd, r->answer, strlen(r->answer));
    close(fd);
}

static void ask_once(void *context, int failing) {
    replier r = {.answer = "yes\r\n"};
    uint16_t port;
    char *answer;
    size_t size;
    (void)context;
    r.listener = raw_listen(0, &port);
    assert_int_equal(uv_thread_create(&r.thread, run_replier, &r), 0);
    int error = yoton_do_request(address_of(port), "hi", 2, DEADLINE, 0, &answer, &size);
    uv_thread_join(&r.thread);
    close(r.listener);
    assert_int_equal(error, failing ? YOTON_E_NOMEM : YOTON_OK);
    if (failing)
        assert_null(answer);
    else
        assert_string_equal(answer, "yes");
    free(answer);
}

static void any_allocation_of_the_client_may_fail(void **state) {
    (void)state;
    assert_int_equal(alloc_fail_each(ask_once, NULL), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_of_the_server_may_fail),
        cmocka_unit_test(without_memory_for_a_thread_it_is_answered_here),
        cmocka_unit_test(a_flood_does_not_fill_the_memory),
        cmocka_unit_test(any_allocation_of_the_client_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
