/* SPDX-License-Identifier: BSD-2-Clause */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context/internal.h"

#define REASON_DEFAULT "Closed on command."
#define REASON_PROBLEM "Unspecified problem."
#define REASON_NOMEM "Out of memory."

static yoton_connection *owner_of(notice *told) {
    return (yoton_connection *)(void *)((char *)told - offsetof(yoton_connection, notice));
}

static void notice_take(notice *told) { yoton_connection_ref(owner_of(told)); }
static void notice_drop(notice *told) { yoton_connection_unref(owner_of(told)); }

/* LINK-6, LINK-7 */
static void tell_timed_out(yoton_connection *connection) {
    yoton_context *context = connection->context;
    uv_mutex_lock(&context->lock);
    yoton_timedout_fn fn = connection->on_timedout;
    void *user = connection->timedout_user;
    bool value = connection->timed_out;
    bool due = fn != NULL && value != connection->told_timed_out;
    connection->told_timed_out = fn != NULL && value;
    uv_mutex_unlock(&context->lock);
    if (due)
        fn(connection, value, user);
}

/* LINK-18 */
static void tell_closed(yoton_connection *connection) {
    yoton_context *context = connection->context;
    char reason[YOTON_REASON_ROOM];
    uv_mutex_lock(&context->lock);
    yoton_closed_fn fn = connection->on_closed;
    void *user = connection->closed_user;
    bool due = fn != NULL && connection->state == YOTON_CLOSED && !connection->told_closed;
    connection->told_closed |= due;
    memcpy(reason, connection->reason, sizeof reason);
    uv_mutex_unlock(&context->lock);
    if (due)
        fn(connection, reason, user);
}

static void tell_connected(yoton_connection *connection) {
    yoton_context *context = connection->context;
    uv_mutex_lock(&context->lock);
    yoton_connected_fn fn = connection->on_connected;
    void *user = connection->connected_user;
    bool due = fn != NULL && connection->was_connected && !connection->told_connected;
    connection->told_connected |= due;
    uv_mutex_unlock(&context->lock);
    if (due)
        fn(connection, user);
}

static void notice_tell(notice *told) {
    tell_connected(owner_of(told));
    tell_timed_out(owner_of(told));
    tell_closed(owner_of(told));
}

yoton_connection *connection_new(yoton_context *context, const char *name) {
    yoton_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return NULL;
    atomic_init(&connection->references, 1);
    atomic_fetch_add(&context->references, 1);
    connection->context = context;
    connection->state = YOTON_CLOSED;
    connection->listen_fd = -1;
    connection->timeout = YOTON_TIMEOUT_DEFAULT;
    connection->notice.tell = notice_tell;
    connection->notice.take = notice_take;
    connection->notice.drop = notice_drop;
    snprintf(connection->name, sizeof connection->name, "%s", name != NULL ? name : "");
    return connection;
}

yoton_connection *yoton_connection_ref(yoton_connection *connection) {
    atomic_fetch_add(&connection->references, 1);
    return connection;
}

static void stop_listening(yoton_connection *connection) {
    if (connection->listen_fd >= 0)
        close(connection->listen_fd);
    connection->listen_fd = -1;
}

void yoton_connection_unref(yoton_connection *connection) {
    if (connection == NULL || atomic_fetch_sub(&connection->references, 1) != 1)
        return;
    yoton_queue_free(connection->waiting);
    free(connection->dial);
    stop_listening(connection);
    context_unref(connection->context);
    free(connection);
}

void connection_list(yoton_connection *connection) {
    yoton_context *context = connection->context;
    yoton_connection_ref(connection);
    connection->listed = true;
    context->connection_count++;
    connection->older = context->newest;
    if (context->newest != NULL)
        context->newest->newer = connection;
    else
        context->oldest = connection;
    context->newest = connection;
}

void connection_unlist(yoton_connection *connection) {
    yoton_context *context = connection->context;
    if (!connection->listed)
        return;
    connection->listed = false;
    context->connection_count--;
    if (connection->older != NULL)
        connection->older->newer = connection->newer;
    else
        context->oldest = connection->newer;
    if (connection->newer != NULL)
        connection->newer->older = connection->older;
    else
        context->newest = connection->older;
    connection->older = connection->newer = NULL;
    yoton_connection_unref(connection);
}

bool connection_alive(const yoton_connection *connection) {
    return connection->state >= YOTON_WAITING;
}

bool connection_connected(const yoton_connection *connection) {
    return connection->state >= YOTON_HOSTING;
}

int connection_push(yoton_connection *connection, yoton_package *package) {
    if (connection->state == YOTON_WAITING)
        return yoton_queue_push(connection->waiting, package);
    kick(connection);
    return yoton_link_send(connection->stream->link, package);
}

/* CTX-8: what was sent while nobody was there. */
static void empty_waiting(yoton_connection *connection) {
    yoton_package *package;
    while (connection->waiting != NULL &&
           (package = yoton_queue_pop(connection->waiting)) != NULL) {
        yoton_link_send(connection->stream->link, package);
        yoton_package_unref(package);
    }
}

static void learn_endpoints(yoton_connection *connection) {
    struct sockaddr_storage end;
    socklen_t size = sizeof end;
    if (getsockname(connection->stream->fd, (struct sockaddr *)&end, &size) == 0) {
        endpoint_text(&end, connection->host1);
        connection->port1 = endpoint_port(&end);
    }
    size = sizeof end;
    if (getpeername(connection->stream->fd, (struct sockaddr *)&end, &size) == 0) {
        endpoint_text(&end, connection->host2);
        connection->port2 = endpoint_port(&end);
    }
}

/* CTX-1 */
static void tell_network(yoton_context *context) {
    const yoton_header header = {.slot = YOTON_SLOT_CONTEXT,
                                 .length = sizeof CONTEXT_NEW_CONNECTION - 1};
    yoton_package *package = yoton_package_new(&header, CONTEXT_NEW_CONNECTION);
    if (package == NULL)
        return;
    context_send(context, package);
    yoton_package_unref(package);
}

/* The handshake is done; nothing of ours has been written since the other end's line came. */
static void up(yoton_connection *connection, stream *stream, const yoton_hello *hello) {
    bool hosting = connection->host != NULL;
    host_stop(connection, stream); /* HS-29, HS-30 */
    stream->phase = STREAM_CONNECTED;
    connection->stream = stream;
    connection->other = *hello;
    connection->state = hosting ? YOTON_HOSTING : YOTON_CONNECTED;
    yoton_link_set_timeout(stream->link, connection->timeout);
    learn_endpoints(connection);
    if (hosting) {
        empty_waiting(connection);
    } else {
        dial_up(connection);
        context_empty_startup(connection->context, connection);
        tell_network(connection->context);
    }
    context_log(connection->context, "%s at %s:%u", yoton_connection_state_text(connection->state),
                connection->host1, connection->port1);
    connection->was_connected = true;
    notify(connection->context, &connection->notice);
    tell_change(connection->context);
}

static void set_reason(yoton_connection *connection, const char *reason) {
    snprintf(connection->reason, sizeof connection->reason, "%s", reason);
}

void connection_end(yoton_connection *connection, const char *reason) {
    set_reason(connection, reason);
    connection->state = YOTON_CLOSED;
    connection->stream = NULL;
    host_stop(connection, NULL);
    stop_listening(connection); /* given up before the loop came to host it: LINK-21 */
    yoton_queue_free(connection->waiting);
    connection->waiting = NULL;
    context_log(connection->context, "connection at %s:%u closed: %s", connection->host1,
                connection->port1, reason);
    notify(connection->context, &connection->notice);
    tell_change(connection->context);
    connection_unlist(connection);
}

static void down(stream *stream, const yoton_link_event *event) {
    yoton_connection *connection = stream->connection;
    if (connection->stream == stream) {
        char reason[YOTON_REASON_ROOM];
        snprintf(reason, sizeof reason, "%s", event->reason);
        connection_end(connection, reason);
        if (event->error == YOTON_OK)
            stream_drain(stream); /* LINK-16 */
        else
            stream_close(stream);
    } else if (connection->host != NULL) {
        host_candidate_down(stream, event);
    } else {
        dial_down(stream, event);
    }
}

static void set_timed_out(yoton_connection *connection, bool value) {
    connection->timed_out = value;
    notify(connection->context, &connection->notice);
}

bool connection_event(stream *stream, yoton_link_event *event) {
    yoton_connection *connection = stream->connection;
    switch (event->kind) {
    case YOTON_LINK_UP:
        if (connection->state == YOTON_CLOSING || connection->give_up) {
            connection_service(connection); /* closed at the last moment: LINK-19 */
            return false;
        }
        up(connection, stream, &event->hello);
        break;
    case YOTON_LINK_PACKAGE:
        context_receive(connection->context, connection, event->package);
        break;
    case YOTON_LINK_TIMED_OUT:
        set_timed_out(connection, true);
        break;
    case YOTON_LINK_RESUMED:
        set_timed_out(connection, false);
        break;
    case YOTON_LINK_DOWN:
        down(stream, event);
        return false;
    case YOTON_LINK_HEARTBEAT:
    case YOTON_LINK_NOTHING:
        break;
    }
    return true;
}

/* A closed or given up connection takes its socket with it. */
static void finish(yoton_connection *connection) {
    stream *stream = connection->stream;
    if (connection->dial != NULL && !connection->dial->over) {
        dial_end(connection, YOTON_E_CLOSED, connection->reason);
    } else if (connection->state != YOTON_CLOSED) {
        char reason[YOTON_REASON_ROOM];
        memcpy(reason, connection->reason, sizeof reason);
        connection_end(connection, reason);
        if (stream != NULL)
            stream_close(stream);
    }
}

static void start(yoton_connection *connection) {
    if (connection->listen_fd >= 0 && !host_start(connection))
        connection_begin_close(connection, REASON_NOMEM, true);
    if (connection->dial != NULL && !connection->dial->over && connection->dial->handles == 0)
        dial_start(connection);
}

void connection_service(yoton_connection *connection) {
    if (!connection->give_up)
        start(connection);
    bool unconnected = connection->stream == NULL;
    if (connection->give_up || (connection->state == YOTON_CLOSING && unconnected)) {
        finish(connection);
        return;
    }
    if (unconnected)
        return;
    if (connection->state == YOTON_CLOSING && !connection->closing_begun) {
        connection->closing_begun = true;
        yoton_link_close(connection->stream->link, uv_hrtime(), connection->reason); /* LINK-12 */
    }
    stream_pump(connection->stream);
}

void connection_begin_close(yoton_connection *connection, const char *reason, bool give_up) {
    bool dialing = connection->dial != NULL && !connection->dial->over;
    if (connection->state == YOTON_CLOSED && !dialing)
        return;
    if (connection->state != YOTON_CLOSING)
        set_reason(connection, reason);
    if (connection->state != YOTON_CLOSED)
        connection->state = YOTON_CLOSING;
    connection->give_up |= give_up || dialing;
    kick(connection);
}

/* ---- What the user calls ---- */

static void close_and_wait(yoton_connection *connection, const char *reason, bool give_up) {
    yoton_context *context = connection->context;
    uv_mutex_lock(&context->lock);
    if (connection_alive(connection) || (give_up && connection->state == YOTON_CLOSING))
        connection_begin_close(connection, reason, give_up);
    while (connection->state == YOTON_CLOSING && !on_loop_thread(context))
        wait_change(context, YOTON_NEVER); /* the loop ends it within the option `close` */
    uv_mutex_unlock(&context->lock);
}

void yoton_connection_close(yoton_connection *connection, const char *reason) {
    close_and_wait(connection, reason != NULL ? reason : REASON_DEFAULT, false);
}

void yoton_connection_close_on_problem(yoton_connection *connection, const char *reason) {
    close_and_wait(connection, reason != NULL ? reason : REASON_PROBLEM, true);
}

int yoton_connection_flush(yoton_connection *connection, double timeout) {
    yoton_context *context = connection->context;
    yoton_time deadline = moment_in(timeout);
    int error = YOTON_OK;
    uv_mutex_lock(&context->lock);
    if (!connection_connected(connection) || on_loop_thread(context))
        error = report_error(YOTON_E_STATE,
                             "cannot flush a connection that is %s; flush from "
                             "outside of callbacks, while it is connected",
                             yoton_connection_state_text(connection->state));
    while (error == YOTON_OK &&
           !(connection_connected(connection) && stream_idle(connection->stream))) {
        if (!connection_connected(connection))
            error = report_error(YOTON_E_CLOSED, "cannot flush: the connection has closed: %s",
                                 connection->reason);
        else if (!wait_change(context, deadline))
            error = report_error(YOTON_E_TIMEOUT,
                                 "cannot flush within %g s: the other end at "
                                 "%s:%u does not take it",
                                 timeout, connection->host2, connection->port2);
    }
    uv_mutex_unlock(&context->lock);
    return error;
}

const char *yoton_connection_state_text(yoton_connection_state state) {
    switch (state) {
    case YOTON_CLOSED:
        break;
    case YOTON_CLOSING:
        return "closing";
    case YOTON_WAITING:
        return "waiting";
    case YOTON_HOSTING:
        return "hosting";
    case YOTON_CONNECTED:
        return "connected";
    }
    return "closed";
}

void yoton_connection_get_info(yoton_connection *connection, yoton_connection_info *info) {
    yoton_context *context = connection->context;
    memset(info, 0, sizeof *info);
    uv_mutex_lock(&context->lock);
    info->state = connection->state;
    memcpy(info->hostname1, connection->host1, sizeof info->hostname1);
    memcpy(info->hostname2, connection->host2, sizeof info->hostname2);
    info->port1 = connection->port1;
    info->port2 = connection->port2;
    info->id1 = context->id;
    info->id2 = connection->other.id;
    info->pid1 = context->pid;
    info->pid2 = connection->other.pid;
    info->timed_out = connection->timed_out;
    info->timeout = (double)connection->timeout / 1e9;
    memcpy(info->name, connection->name, sizeof info->name);
    if (connection->state == YOTON_CLOSED)
        memcpy(info->reason, connection->reason, sizeof info->reason);
    uv_mutex_unlock(&context->lock);
}

typedef bool (*condition)(const yoton_connection *connection);

static int ask(yoton_connection *connection, condition condition) {
    uv_mutex_lock(&connection->context->lock);
    bool answer = condition(connection);
    uv_mutex_unlock(&connection->context->lock);
    return answer;
}

static bool connection_waiting(const yoton_connection *connection) {
    return connection->state == YOTON_WAITING;
}

int yoton_connection_is_alive(yoton_connection *connection) {
    return ask(connection, connection_alive);
}

int yoton_connection_is_connected(yoton_connection *connection) {
    return ask(connection, connection_connected);
}

int yoton_connection_is_waiting(yoton_connection *connection) {
    return ask(connection, connection_waiting);
}

int yoton_connection_set_name(yoton_connection *connection, const char *name) {
    if (strlen(name) >= YOTON_NAME_ROOM)
        return report_error(YOTON_E_ARGUMENT,
                            "cannot name a connection: the name has more than "
                            "%d bytes",
                            YOTON_NAME_ROOM - 1);
    uv_mutex_lock(&connection->context->lock);
    snprintf(connection->name, sizeof connection->name, "%s", name);
    uv_mutex_unlock(&connection->context->lock);
    return YOTON_OK;
}

/* LINK-10 */
int yoton_connection_set_timeout(yoton_connection *connection, double seconds) {
    yoton_time timeout = span_of(seconds);
    if (timeout < YOTON_TIMEOUT_MIN)
        return report_error(YOTON_E_ARGUMENT,
                            "cannot set a time-out of %g s: it must be at least "
                            "0.5 s",
                            seconds);
    uv_mutex_lock(&connection->context->lock);
    connection->timeout = timeout;
    if (connection->stream != NULL) {
        yoton_link_set_timeout(connection->stream->link, timeout);
        kick(connection); /* the next moment to look may be another */
    }
    uv_mutex_unlock(&connection->context->lock);
    return YOTON_OK;
}

void yoton_connection_on_connected(yoton_connection *connection, yoton_connected_fn fn,
                                   void *user) {
    yoton_context *context = connection->context;
    uv_mutex_lock(&context->lock);
    connection->on_connected = fn;
    connection->connected_user = user;
    notify(context, &connection->notice);
    notice_settle(context, &connection->notice);
    uv_mutex_unlock(&context->lock);
}

void yoton_connection_on_closed(yoton_connection *connection, yoton_closed_fn fn, void *user) {
    yoton_context *context = connection->context;
    uv_mutex_lock(&context->lock);
    connection->on_closed = fn;
    connection->closed_user = user;
    notify(context, &connection->notice);
    notice_settle(context, &connection->notice);
    uv_mutex_unlock(&context->lock);
}

void yoton_connection_on_timedout(yoton_connection *connection, yoton_timedout_fn fn, void *user) {
    yoton_context *context = connection->context;
    uv_mutex_lock(&context->lock);
    connection->on_timedout = fn;
    connection->timedout_user = user;
    notify(context, &connection->notice);
    notice_settle(context, &connection->notice);
    uv_mutex_unlock(&context->lock);
}
