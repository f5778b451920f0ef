/* SPDX-License-Identifier: BSD-2-Clause */
/* One socket and the link that speaks over it. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "context/internal.h"

#define READS_IN_A_ROW 4
#define WRITE_IN_A_ROW ((size_t)4 * 1024 * 1024)

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_timer(uv_timer_t *timer);

static void list(stream *stream) {
    yoton_context *context = stream->connection->context;
    stream->newer = NULL;
    stream->older = context->streams;
    if (stream->older != NULL)
        stream->older->newer = stream;
    context->streams = stream;
}

static void unlist(stream *stream) {
    yoton_context *context = stream->connection->context;
    if (stream->newer != NULL)
        stream->newer->older = stream->older;
    else
        context->streams = stream->older;
    if (stream->older != NULL)
        stream->older->newer = stream->newer;
}

static void on_closed(uv_handle_t *handle) {
    stream *stream = handle->data;
    if (--stream->handles > 0)
        return;
    yoton_connection_unref(stream->connection);
    free(stream);
}

stream *stream_new(yoton_connection *connection, int fd) {
    uv_loop_t *loop = &connection->context->loop;
    stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL || uv_poll_init(loop, &stream->poll, fd) != 0) {
        free(stream);
        close(fd);
        return NULL;
    }
    uv_timer_init(loop, &stream->timer);
    stream->handles = 2;
    stream->poll.data = stream;
    stream->timer.data = stream;
    stream->fd = fd;
    stream->connection = yoton_connection_ref(connection);
    stream->armed = YOTON_NEVER;
    stream->drained = YOTON_NEVER;
    list(stream);
    return stream;
}

void stream_close(stream *stream) {
    yoton_connection *connection = stream->connection;
    uv_close((uv_handle_t *)&stream->poll, on_closed);
    uv_close((uv_handle_t *)&stream->timer, on_closed);
    close(stream->fd);
    yoton_link_free(stream->link);
    stream->link = NULL;
    unlist(stream);
    host_forget(connection, stream);
    tell_change(connection->context);
}

static void watch(stream *stream) {
    int wanted = 0;
    if (!stream->ended && stream->phase != STREAM_DIALING)
        wanted |= UV_READABLE;
    if (stream->phase == STREAM_DIALING || (stream->blocked && !stream->broken))
        wanted |= UV_WRITABLE;
    if (wanted != stream->polled && wanted != 0)
        uv_poll_start(&stream->poll, wanted, on_poll);
    else if (wanted != stream->polled)
        uv_poll_stop(&stream->poll);
    stream->polled = wanted;
}

static void arm(stream *stream) {
    yoton_time deadline =
        stream->link != NULL ? yoton_link_deadline(stream->link) : stream->drained;
    if (deadline >= stream->armed)
        return; /* the timer fires earlier, and then looks again */
    stream->armed = deadline;
    timer_at(&stream->timer, on_timer, deadline);
}

/* Errors that say nothing about the connection: the same may succeed the next time. */
static bool passes(int error) { return error == EAGAIN || error == ENOBUFS || error == ENOMEM; }

/* Returns how many bytes the system took. */
static size_t write_out(stream *stream) {
    const uint8_t *data;
    size_t total = 0;
    size_t size;
    stream->blocked = false;
    while (!stream->broken && (size = yoton_link_output(stream->link, &data)) > 0) {
        ssize_t sent = total < WRITE_IN_A_ROW ? send(stream->fd, data, size, MSG_NOSIGNAL) : -1;
        if (sent > 0) {
            yoton_link_written(stream->link, uv_hrtime(), (size_t)sent);
            total += (size_t)sent;
        } else if (total >= WRITE_IN_A_ROW || passes(errno)) {
            stream->blocked = true;
            break;
        } else if (errno != EINTR) {
            stream->broken = true;
        }
    }
    if (total > 0)
        tell_change(stream->connection->context);
    return total;
}

bool stream_idle(const stream *stream) {
    const uint8_t *data;
    return yoton_link_pending(stream->link) == 0 && yoton_link_output(stream->link, &data) == 0;
}

void stream_pump(stream *stream) {
    if (stream->link != NULL) {
        yoton_link_event event;
        do {
            for (;;) {
                yoton_link_tick(stream->link, uv_hrtime(), &event);
                if (event.kind == YOTON_LINK_NOTHING)
                    break;
                if (!connection_event(stream, &event))
                    return;
            }
        } while (write_out(stream) > 0);
    }
    watch(stream);
    arm(stream);
}

bool stream_shake(stream *stream, yoton_role role) {
    const yoton_connection *connection = stream->connection;
    const yoton_context *context = connection->context;
    const yoton_options *options = &context->options;
    /* CTX-7: NEW_CONNECTION must not push out the oldest of what waited. */
    const size_t extra = role == YOTON_ROLE_CLIENT ? 1 : 0;
    const uint64_t extra_bytes = role == YOTON_ROLE_CLIENT ? sizeof CONTEXT_NEW_CONNECTION - 1 : 0;
    const yoton_link_config config = {.role = role,
                                      .id = context->id,
                                      .pid = context->pid,
                                      .max_message = options->max_message,
                                      .max_line = options->max_line,
                                      .queue_packages = options->queue_packages + extra,
                                      .queue_bytes = options->queue_bytes + extra_bytes,
                                      .discard = options->discard,
                                      .heartbeat = span_of(options->heartbeat),
                                      .timeout = connection->timeout,
                                      .handshake = span_of(options->handshake),
                                      .close = span_of(options->close)};
    stream->link = yoton_link_new(&config, uv_hrtime());
    stream->phase = STREAM_SHAKING;
    return stream->link != NULL;
}

void stream_drain(stream *stream) {
    yoton_link_free(stream->link);
    stream->link = NULL;
    stream->phase = STREAM_DRAINING;
    if (stream->ended || stream->broken || shutdown(stream->fd, SHUT_WR) != 0) {
        stream_close(stream);
        return;
    }
    stream->blocked = false;
    stream->drained = moment_in(stream->connection->context->options.drain);
    watch(stream);
    arm(stream);
}

/* Returns false when the stream is not to be used any more. */
static bool feed(stream *stream, const uint8_t *data, size_t size) {
    yoton_link_event event;
    stream->heard = true;
    do {
        size_t used = 0;
        yoton_link_input(stream->link, uv_hrtime(), data, size, &used, &event);
        data += used;
        size -= used;
        if (event.kind != YOTON_LINK_NOTHING && !connection_event(stream, &event))
            return false;
    } while (size > 0 || event.kind != YOTON_LINK_NOTHING);
    return true;
}

/* End of stream, or an error of the socket, which ends it as well (LINK-17). */
static bool end_input(stream *stream) {
    yoton_link_event event;
    stream->ended = true;
    if (stream->phase == STREAM_DRAINING) {
        stream_close(stream);
        return false;
    }
    yoton_link_eof(stream->link, uv_hrtime(), &event);
    return event.kind == YOTON_LINK_NOTHING || connection_event(stream, &event);
}

static ssize_t read_some(stream *stream) {
    yoton_context *context = stream->connection->context;
    ssize_t size;
    uv_mutex_unlock(&context->lock); /* only this thread closes sockets */
    do {
        size = recv(stream->fd, context->read_buffer, READ_ROOM, 0);
    } while (size < 0 && errno == EINTR);
    int error = errno;
    uv_mutex_lock(&context->lock);
    errno = error;
    return size;
}

static bool read_in(stream *stream) {
    for (int i = 0; i < READS_IN_A_ROW; i++) {
        ssize_t size = read_some(stream);
        if (size < 0 && passes(errno))
            return true;
        if (size <= 0)
            return end_input(stream);
        if (stream->phase != STREAM_DRAINING &&
            !feed(stream, stream->connection->context->read_buffer, (size_t)size))
            return false;
        if ((size_t)size < READ_ROOM)
            return true;
    }
    return true;
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    stream *stream = poll->data;
    yoton_context *context = stream->connection->context;
    loop_enter(context);
    if (status < 0) {
        /* The socket has an error. What came before it is still to be read; libuv has stopped. */
        stream->polled = 0;
        events = UV_READABLE;
    }
    if (stream->phase == STREAM_DIALING)
        dial_answered(stream);
    else if (!(events & UV_READABLE) || read_in(stream))
        stream_pump(stream);
    loop_leave(context);
}

static void on_timer(uv_timer_t *timer) {
    stream *stream = timer->data;
    yoton_context *context = stream->connection->context;
    loop_enter(context);
    stream->armed = YOTON_NEVER;
    /* A thread that was held up must not take for silence what it has not looked at: read first. */
    bool open = stream->ended || read_in(stream);
    if (open && uv_hrtime() >= stream->drained)
        stream_close(stream);
    else if (open)
        stream_pump(stream);
    loop_leave(context);
}
