/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the request server share: servers, and clients made of bare sockets. */
#ifndef YOTON_TESTS_SERVER_RIG_H
#define YOTON_TESTS_SERVER_RIG_H

#include "context_rig.h"

#include <sys/types.h>

#define MIB ((size_t)1 << 20)

/* ---- Servers ---- */

/* Purpose: one at a free port of 127.0.0.1; server_start starts it too. */
yoton_request_server *server_make(const yoton_server_options *options);
yoton_request_server *server_start(const yoton_server_options *options);

/* One that runs in a thread of this program: runner_run is what that thread runs. */
typedef struct runner {
    yoton_request_server *server;
    int result;
} runner;

void runner_run(void *runner);

/* ---- Clients ---- */

/* Purpose: connect and send. Returns the socket. */
int ask_raw(yoton_request_server *server, const char *request, size_t size);
/* Purpose: read up to the end of the stream, and close. Returns the size, which is below `room`, or
 * -1 when the connection was reset; nothing may have come before that. */
ssize_t hear_raw(int fd, char *text, size_t room);
void expect_raw(int fd, const char *answer);
void expect_reset(int fd);
/* Purpose: nobody listens at that port. */
void expect_refused(uint16_t port);
/* Purpose: ask by the library's own client. */
void expect_asked(yoton_request_server *server, const char *request, const char *answer);

/* ---- A handler: answer_fixed answers what `user` points at ---- */

typedef struct fixed {
    const char *text;
    size_t size;
    int result;
} fixed;

int answer_fixed(yoton_request_server *server, const char *request, size_t request_size,
                 char **answer, size_t *answer_size, void *user);

#endif
