/* SPDX-License-Identifier: BSD-2-Clause */
/* Hosting: one bind takes one peer; several may try at the same time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context/internal.h"

#define BACKLOG 128 /* a burst of strangers must not make a good peer try again a second later */
#define PAUSE_SECONDS 0.1 /* before accepting again when the system is out of something */

static void on_listen(uv_poll_t *poll, int status, int events);

/* A listening socket at exactly this port, or -1 with errno set. */
static int listen_at(const struct sockaddr_storage *at) {
    int one = 1;
    int fd = socket_open(at->ss_family);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)at, endpoint_size(at)) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static const char *advice(int error) {
    switch (error) {
    case EADDRINUSE:
        return "; choose another port or more tries";
    case EACCES:
        return "; choose a port above 1023";
    case EADDRNOTAVAIL:
        return "; name an address of this machine";
    default:
        return "";
    }
}

/* ADDR-10 */
int host_listen(const char *address, endpoints *at, int max_tries, int *error) {
    struct sockaddr_storage *first = &at->list[0];
    unsigned port = endpoint_port(first);
    int fd = -1;
    int tried = 0;
    while (fd < 0 && tried < max_tries && port + (unsigned)tried <= UINT16_MAX) {
        endpoint_set_port(first, (uint16_t)(port + (unsigned)tried));
        fd = listen_at(first);
        tried++;
    }
    if (fd < 0)
        *error = report_error(YOTON_E_SYSTEM, "cannot bind to %s: %s (%d port%s tried)%s", address,
                              strerror(errno), tried, tried == 1 ? "" : "s", advice(errno));
    return fd;
}

static void on_closed(uv_handle_t *handle) {
    host *host = handle->data;
    if (--host->handles > 0)
        return;
    yoton_connection_unref(host->connection);
    free(host);
}

/* One that was refused already has to make room for one that may be good. */
static void make_room(host *host) {
    for (size_t i = 0; i < host->count; i++) {
        if (host->candidates[i]->phase == STREAM_DRAINING) {
            stream_close(host->candidates[i]);
            return;
        }
    }
}

static bool has_room(const host *host) {
    return host->count < host->connection->context->options.max_candidates;
}

/* LIMIT-10: while all places are taken the rest waits in the backlog. */
static void watch(host *host) {
    bool wanted = has_room(host) && !host->paused;
    if (wanted && !host->polling)
        uv_poll_start(&host->poll, UV_READABLE, on_listen);
    else if (!wanted && host->polling)
        uv_poll_stop(&host->poll);
    host->polling = wanted;
}

static void on_pause(uv_timer_t *timer) {
    host *host = timer->data;
    yoton_context *context = host->connection->context;
    loop_enter(context);
    host->paused = false;
    watch(host);
    loop_leave(context);
}

/* Returns false when the connection has no host any more. */
static bool add_candidate(host *host, int fd) {
    yoton_connection *connection = host->connection;
    if (socket_make_nonblocking(fd) != 0) {
        close(fd);
        return true;
    }
    stream *candidate = stream_new(connection, fd);
    if (candidate == NULL)
        return true;
    host->candidates[host->count++] = candidate;
    if (!stream_shake(candidate, YOTON_ROLE_HOST))
        stream_close(candidate);
    else
        stream_pump(candidate);
    return connection->host == host;
}

static void on_listen(uv_poll_t *poll, int status, int events) {
    host *host = poll->data;
    yoton_context *context = host->connection->context;
    (void)events;
    loop_enter(context);
    if (status < 0)
        host->polling = false;
    bool open = true;
    while (open && has_room(host)) {
        int fd = accept(host->fd, NULL, NULL);
        if (fd >= 0) {
            open = add_candidate(host, fd);
            if (open && !has_room(host))
                make_room(host);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            host->paused = true;
            timer_at(&host->pause, on_pause, moment_in(PAUSE_SECONDS));
            break;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            break;
        }
    }
    if (open)
        watch(host);
    loop_leave(context);
}

bool host_start(yoton_connection *connection) {
    yoton_context *context = connection->context;
    size_t room = context->options.max_candidates;
    int fd = connection->listen_fd;
    connection->listen_fd = -1;
    host *host = calloc(1, sizeof *host + room * sizeof host->candidates[0]);
    if (host == NULL || uv_poll_init(&context->loop, &host->poll, fd) != 0) {
        free(host);
        close(fd);
        return false;
    }
    uv_timer_init(&context->loop, &host->pause);
    host->handles = 2;
    host->poll.data = host;
    host->pause.data = host;
    host->fd = fd;
    host->connection = yoton_connection_ref(connection);
    connection->host = host;
    watch(host);
    return true;
}

void host_forget(yoton_connection *connection, const stream *gone) {
    host *host = connection->host;
    if (host == NULL)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < host->count; i++)
        if (host->candidates[i] != gone)
            host->candidates[kept++] = host->candidates[i];
    host->count = kept;
    watch(host);
}

void host_stop(yoton_connection *connection, const stream *winner) {
    host *host = connection->host;
    if (host == NULL)
        return;
    connection->host = NULL;
    uv_close((uv_handle_t *)&host->poll, on_closed); /* from here on it is not watched */
    uv_close((uv_handle_t *)&host->pause, on_closed);
    close(host->fd); /* HS-29 */
    for (size_t i = 0; i < host->count; i++) {
        stream *candidate = host->candidates[i];
        if (candidate != winner && candidate->phase != STREAM_DRAINING)
            stream_close(candidate);
    }
    host->count = 0;
}

/* HS-19: the others, and who comes next, are not concerned. */
void host_candidate_down(stream *candidate, const yoton_link_event *event) {
    const yoton_connection *connection = candidate->connection;
    context_log(connection->context, "refused a peer at %s:%u: %s", connection->host1,
                connection->port1, event->reason);
    stream_drain(candidate); /* HS-20, HS-21 */
}
