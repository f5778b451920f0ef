/* SPDX-License-Identifier: BSD-2-Clause */
#include "server_rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- Servers ---- */

yoton_request_server *server_make(const yoton_server_options *options) {
    yoton_request_server *server;
    if (yoton_request_server_new("127.0.0.1:0", options, &server) != YOTON_OK)
        fail_msg("%s", yoton_error_text());
    return server;
}

yoton_request_server *server_start(const yoton_server_options *options) {
    yoton_request_server *server = server_make(options);
    assert_int_equal(yoton_request_server_start(server), YOTON_OK);
    return server;
}

void runner_run(void *argument) {
    runner *r = argument;
    r->result = yoton_request_server_run(r->server);
}

/* ---- Clients ---- */

int ask_raw(yoton_request_server *server, const char *request, size_t size) {
    int fd = raw_connect(yoton_request_server_port(server));
    raw_send(fd, request, size);
    return fd;
}

ssize_t hear_raw(int fd, char *text, size_t room) {
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

void expect_raw(int fd, const char *answer) {
    char text[256];
    ssize_t size = hear_raw(fd, text, sizeof text);
    assert_int_equal(size, strlen(answer));
    assert_memory_equal(text, answer, size);
}

void expect_reset(int fd) {
    char byte[2];
    assert_int_equal(hear_raw(fd, byte, sizeof byte), -1);
}

void expect_refused(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(fd);
}

void expect_asked(yoton_request_server *server, const char *request, const char *answer) {
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

int answer_fixed(yoton_request_server *server, const char *request, size_t request_size,
                 char **answer, size_t *answer_size, void *user) {
    const fixed *it = user;
    (void)server;
    (void)request;
    (void)request_size;
    if (it->text != NULL && (*answer = malloc(it->size + 1)) != NULL)
        memcpy(*answer, it->text, it->size);
    *answer_size = it->size;
    return it->result;
}
