/* SPDX-License-Identifier: BSD-2-Clause */
/* One connection of a request server, from its request to its end. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context/request_server.h"

void exchange_log(const yoton_request_server *server, const char *format, ...) {
    char text[256];
    va_list arguments;
    if (server->options.verbosity <= 0)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "yoton: server at port %u: %s\n", server->port, text);
}

/* CS-2: whatever the client does, it has its time and no more. */
static int hear(text_in *in, int fd, double patience) {
    yoton_time deadline = moment_in(patience);
    for (;;) {
        bool late = uv_hrtime() >= deadline; /* what has come by then still counts */
        int error = text_in_read(in, fd);
        if (error != YOTON_E_MORE)
            return error;
        if (late)
            return yoton_text_over(&in->scan);
        wait_ready(fd, POLLIN, deadline);
    }
}

/* CS-3 */
static int say(text_out *out, int fd, double patience) {
    yoton_time deadline = moment_in(patience);
    for (;;) {
        int error = text_out_write(out, fd);
        if (error != YOTON_E_MORE)
            return error;
        if (uv_hrtime() >= deadline || wait_ready(fd, POLLOUT, deadline) == 0)
            return YOTON_E_TIMEOUT;
    }
}

/* Bytes that nobody has read when a socket is closed reset the connection, and the client might
 * lose the answer with it: they are read as long as they come, for a time. */
static void see_off(int fd, double patience) {
    yoton_time deadline = moment_in(patience);
    char bytes[4096];
    while (uv_hrtime() < deadline && wait_ready(fd, POLLIN, deadline) != 0) {
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
            break;
    }
}

static int answer_with(yoton_request_server *server, int fd, char *text, size_t size) {
    const yoton_server_options *options = &server->options;
    text_out out = {.text = text, .size = yoton_text_keep(text, size)}; /* CS-6 */
    size_t counted = out.size - (yoton_text_has_end(text, out.size) ? YOTON_TEXT_END_SIZE : 0);
    if (counted > options->max_text) /* CS-8 */
        return YOTON_E_LENGTH;
    int error = say(&out, fd, options->answer_patience);
    if (error == YOTON_OK)
        shutdown(fd, SHUT_WR);
    return error;
}

static int exchange(yoton_request_server *server, int fd, text_in *in) {
    const yoton_server_options *options = &server->options;
    char *answer = NULL;
    size_t size = 0;
    int error = hear(in, fd, options->patience);
    if (error != YOTON_OK)
        return error;
    text_in_finish(in);
    error = options->handle(server, in->bytes, in->scan.size, &answer, &size, options->user);
    if (error == YOTON_OK)
        error = answer_with(server, fd, answer, answer != NULL ? size : 0);
    free(answer);
    return error;
}

static void end_at_close(int fd) {
    const struct linger off = {.l_onoff = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off);
}

/* An end of the stream would be an empty answer to the client (CS-4): whatever ends the exchange
 * before its answer, be it the end of this process, resets the connection. CS-8 */
void exchange_serve(yoton_request_server *server, int fd) {
    text_in in = {.scan = {.limit = server->options.max_text}};
    socket_reset_at_close(fd);
    int error = exchange(server, fd, &in);
    free(in.bytes);
    if (error == YOTON_OK) {
        if (!in.over)
            see_off(fd, server->options.patience);
        end_at_close(fd);
    } else {
        exchange_log(server, "no answer: %s", yoton_strerror(error));
    }
    close(fd);
}

/* CS-7, CS-9 */
int yoton_handle_request(yoton_request_server *server, const char *request, size_t request_size,
                         char **answer, size_t *answer_size, void *user) {
    static const char before[] = "Requested: ";
    const size_t before_size = sizeof before - 1;
    (void)user;
    *answer = malloc(before_size + request_size);
    if (*answer == NULL)
        return YOTON_E_NOMEM;
    memcpy(*answer, before, before_size);
    memcpy(*answer + before_size, request, request_size);
    *answer_size = before_size + request_size;
    if (request_size == 4 && memcmp(request, "wait", 4) == 0)
        uv_sleep(1000);
    else if (request_size == 4 && memcmp(request, "stop", 4) == 0)
        yoton_request_server_stop(server); /* which lets this exchange come to its end */
    return YOTON_OK;
}
