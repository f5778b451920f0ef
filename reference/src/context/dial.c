/* SPDX-License-Identifier: BSD-2-Clause */
/* Connecting: attempt after attempt until somebody is there or the time is over. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context/exchange.h"
#include "context/internal.h"

#define RETRY_SECONDS 0.01

static void attempt(yoton_connection *connection);

static void on_timer(uv_timer_t *timer) {
    yoton_connection *connection = timer->data;
    yoton_context *context = connection->context;
    loop_enter(context);
    dial_timer(connection);
    loop_leave(context);
}

static void on_closed(uv_handle_t *handle) { yoton_connection_unref(handle->data); }

void dial_end(yoton_connection *connection, int error, const char *why) {
    dial *dial = connection->dial;
    if (dial == NULL || dial->over)
        return;
    dial->over = true;
    dial->error = error;
    snprintf(dial->why, sizeof dial->why, "%s", why);
    if (dial->handles > 0)
        uv_close((uv_handle_t *)&dial->timer, on_closed);
    dial->handles = 0;
    if (error != YOTON_OK) {
        if (dial->attempt != NULL)
            stream_close(dial->attempt);
        connection_unlist(connection);
    }
    dial->attempt = NULL;
    tell_change(connection->context);
}

/* Whether nobody was there, or this end had nothing left to go there with. */
static int error_of(int system) {
    bool ours = system == EMFILE || system == ENFILE || system == ENOBUFS || system == ENOMEM;
    return ours ? YOTON_E_SYSTEM : YOTON_E_CONNECT;
}

/* HS-25: nobody was there this time. */
static void attempt_failed(yoton_connection *connection) {
    dial *dial = connection->dial;
    dial->attempt = NULL;
    dial->next = (dial->next + 1) % dial->to.count;
    if (uv_hrtime() >= dial->deadline)
        dial_end(connection, error_of(dial->system), strerror(dial->system));
    else
        timer_at(&dial->timer, on_timer, dial->next == 0 ? moment_in(RETRY_SECONDS) : 0);
}

static void attempt_closed(stream *attempt, int system) {
    yoton_connection *connection = attempt->connection;
    connection->dial->system = system;
    stream_close(attempt);
    attempt_failed(connection);
}

bool socket_met_itself(int fd) {
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t here_size = sizeof here, there_size = sizeof there;
    return getsockname(fd, (struct sockaddr *)&here, &here_size) == 0 &&
           getpeername(fd, (struct sockaddr *)&there, &there_size) == 0 &&
           here_size == there_size && memcmp(&here, &there, here_size) == 0;
}

void socket_reset_at_close(int fd) {
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void dial_answered(stream *attempt) {
    yoton_connection *connection = attempt->connection;
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error == 0 && socket_met_itself(attempt->fd)) {
        socket_reset_at_close(attempt->fd); /* lets go of the port */
        error = ECONNREFUSED;
    }
    if (error != 0) {
        attempt_closed(attempt, error);
        return;
    }
    uv_timer_stop(&connection->dial->timer); /* the handshake has a time of its own */
    if (stream_shake(attempt, YOTON_ROLE_CLIENT))
        stream_pump(attempt);
    else
        dial_end(connection, YOTON_E_NOMEM, yoton_strerror(YOTON_E_NOMEM));
}

/* An interrupted connect goes on like any other that does not wait. */
static bool goes_on(int error) { return error == EINPROGRESS || error == EINTR; }

static void attempt(yoton_connection *connection) {
    dial *dial = connection->dial;
    const struct sockaddr_storage *to = &dial->to.list[dial->next];
    int fd = socket_open(to->ss_family);
    if (fd < 0) {
        dial->system = errno;
        attempt_failed(connection);
        return;
    }
    if (connect(fd, (const struct sockaddr *)to, endpoint_size(to)) != 0 && !goes_on(errno)) {
        dial->system = errno;
        close(fd);
        attempt_failed(connection);
        return;
    }
    dial->attempt = stream_new(connection, fd);
    if (dial->attempt == NULL) {
        dial_end(connection, YOTON_E_NOMEM, yoton_strerror(YOTON_E_NOMEM));
        return;
    }
    timer_at(&dial->timer, on_timer, dial->deadline);
    stream_pump(dial->attempt);
}

/* A thread that was held up must not give up what has succeeded meanwhile: look once more. */
static bool is_answered(const stream *attempt) {
    struct pollfd socket = {.fd = attempt->fd, .events = POLLOUT};
    int ready;
    do {
        ready = poll(&socket, 1, 0);
    } while (ready < 0 && errno == EINTR);
    return ready == 1;
}

void dial_timer(yoton_connection *connection) {
    dial *dial = connection->dial;
    if (dial->attempt == NULL)
        attempt(connection);
    else if (is_answered(dial->attempt))
        dial_answered(dial->attempt);
    else /* what an earlier attempt met says more than that the last one was cut short */
        attempt_closed(dial->attempt, dial->system != 0 ? dial->system : ETIMEDOUT);
}

void dial_start(yoton_connection *connection) {
    dial *dial = connection->dial;
    uv_timer_init(&connection->context->loop, &dial->timer);
    dial->timer.data = yoton_connection_ref(connection);
    dial->handles = 1;
    attempt(connection);
}

void dial_up(yoton_connection *connection) { dial_end(connection, YOTON_OK, ""); }

void dial_down(stream *attempt, const yoton_link_event *event) {
    yoton_connection *connection = attempt->connection;
    if (event->error == YOTON_E_EOF && !attempt->heard) { /* HS-26 */
        attempt_closed(attempt, ECONNRESET);
        return;
    }
    dial_end(connection, event->error, event->reason); /* HS-23, HS-24, HS-28 */
}
