/* SPDX-License-Identifier: BSD-2-Clause */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context/internal.h"

#define REASON_CONTEXT "Closed by the context."
#define LINE_MIN 45 /* LIMIT-1 */
#define LINE_MAX_ALLOWED 1024
#define DEPTH_MIN 100    /* LIMIT-6 */
#define SOURCES_MIN 1024 /* LIMIT-5 */
#define SHORTEST_TIMEOUT 0.01
#define CONNECTIONS_DEFAULT 65536
#define CANDIDATES_DEFAULT 16       /* LIMIT-10 */
#define COUNT_MAX ((size_t)1 << 24) /* of connections and candidates */

/* ---- Making and freeing ---- */

static void default_size(size_t *value, size_t standard) {
    if (*value == 0)
        *value = standard;
}

static void default_seconds(double *value, double standard) {
    if (*value == 0)
        *value = standard;
}

static int check_options(const yoton_options *options) {
    const double times[] = {options->send_wait, options->heartbeat, options->handshake,
                            options->close, options->drain};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (!(times[i] >= 0))
            return report_error(YOTON_E_ARGUMENT, "cannot make a context: a time in the options "
                                                  "is negative; 0 asks for the default");
    if (options->max_line != 0 &&
        (options->max_line < LINE_MIN || options->max_line > LINE_MAX_ALLOWED))
        return report_error(YOTON_E_ARGUMENT,
                            "cannot make a context: max_line must be from %d to "
                            "%d bytes",
                            LINE_MIN, LINE_MAX_ALLOWED);
    if (options->max_depth != 0 && options->max_depth < DEPTH_MIN)
        return report_error(YOTON_E_ARGUMENT,
                            "cannot make a context: max_depth must be at least %d", DEPTH_MIN);
    if (options->max_sources != 0 && options->max_sources < SOURCES_MIN)
        return report_error(YOTON_E_ARGUMENT,
                            "cannot make a context: max_sources must be at least %d", SOURCES_MIN);
    if (options->max_connections > COUNT_MAX || options->max_candidates > COUNT_MAX)
        return report_error(YOTON_E_ARGUMENT,
                            "cannot make a context: max_connections and max_candidates must be "
                            "%zu at most",
                            COUNT_MAX);
    return YOTON_OK;
}

static void fill_options(yoton_options *options) {
    default_size(&options->queue_packages, YOTON_QUEUE_DEFAULT);
    if (options->queue_packages > INT_MAX) /* more than any queue holds, and one more must fit */
        options->queue_packages = INT_MAX;
    default_size(&options->max_line, YOTON_LINE_MAX_DEFAULT);
    default_size(&options->max_candidates, CANDIDATES_DEFAULT);
    default_size(&options->max_connections, CONNECTIONS_DEFAULT);
    default_size(&options->send_limit, 64);
    if (options->max_message == 0)
        options->max_message = YOTON_MAX_MESSAGE_DEFAULT;
    if (options->queue_bytes == 0) /* LIMIT-3: any message fits into an empty queue */
        options->queue_bytes = options->max_message;
    if (options->queue_bytes > INT64_MAX)
        options->queue_bytes = INT64_MAX;
    default_seconds(&options->send_wait, 1.0);
    default_seconds(&options->drain, 1.0);
}

/* HS-4 */
static int draw_id(uint64_t *id) {
    int error = 0;
    while (*id == 0 && error == 0)
        error = uv_random(NULL, NULL, id, sizeof *id, 0, NULL);
    return error == 0 ? YOTON_OK : report_system(error, "draw the id of a context");
}

static int make_parts(yoton_context *context) {
    const yoton_options *options = &context->options;
    int error = draw_id(&context->id);
    if (error != YOTON_OK)
        return error;
    context->node = yoton_node_new(context->id, options->max_sources);
    context->startup =
        yoton_queue_new(options->queue_packages, options->queue_bytes, options->discard);
    context->read_buffer = malloc(READ_ROOM);
    if (context->node == NULL || context->startup == NULL || context->read_buffer == NULL)
        return report_plain(YOTON_E_NOMEM, "make a context");
    return YOTON_OK;
}

static void free_parts(yoton_context *context) {
    yoton_node_free(context->node);
    yoton_queue_free(context->startup);
    free(context->read_buffer);
    free(context->channels);
    free(context);
}

static int make_locks(yoton_context *context) {
    int error = uv_mutex_init(&context->lock);
    if (error == 0) {
        error = uv_cond_init(&context->changed);
        if (error == 0)
            return YOTON_OK;
        uv_mutex_destroy(&context->lock);
    }
    return report_system(error, "make the lock of a context");
}

/* Returns YOTON_OK or an error that is reported already. */
static int begin(yoton_context *context) {
    int error = make_parts(context);
    if (error != YOTON_OK)
        return error;
    error = make_locks(context);
    if (error != YOTON_OK)
        return error;
    error = loop_start(context);
    if (error != YOTON_OK) {
        uv_cond_destroy(&context->changed);
        uv_mutex_destroy(&context->lock);
    }
    return error;
}

int yoton_context_new(const yoton_options *options, yoton_context **made) {
    const yoton_options defaults = {0};
    if (options == NULL)
        options = &defaults;
    *made = NULL;
    int error = check_options(options);
    if (error != YOTON_OK)
        return error;
    yoton_context *context = calloc(1, sizeof *context);
    if (context == NULL)
        return report_plain(YOTON_E_NOMEM, "make a context");
    atomic_init(&context->references, 1);
    context->options = *options;
    fill_options(&context->options);
    context->id = options->id;
    context->pid = (uint64_t)uv_os_getpid();
    error = begin(context);
    if (error != YOTON_OK) {
        free_parts(context);
        return error;
    }
    *made = context;
    return YOTON_OK;
}

void context_unref(yoton_context *context) {
    if (atomic_fetch_sub(&context->references, 1) != 1)
        return;
    uv_cond_destroy(&context->changed);
    uv_mutex_destroy(&context->lock);
    free_parts(context);
}

void yoton_context_free(yoton_context *context) {
    if (context == NULL)
        return;
    yoton_context_close(context);
    loop_stop(context);
    context_unref(context);
}

uint64_t yoton_context_id(const yoton_context *context) { return context->id; }

void context_log(const yoton_context *context, const char *format, ...) {
    char line[512];
    va_list arguments;
    if (context->options.verbosity < 1)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "yoton %016llx: %s\n", (unsigned long long)context->id, line);
}

/* ---- Routing ---- */

/* ROUTE-3, ROUTE-13, ROUTE-24: on every connection that is alive, a waiting one too. Returns on how
 * many; *error becomes YOTON_E_NOMEM when one could not queue it. */
static size_t send_on_all(yoton_context *context, const yoton_connection *except,
                          yoton_package *package, int *error) {
    size_t count = 0;
    for (yoton_connection *c = context->oldest; c != NULL; c = c->newer) {
        if (c == except || !connection_alive(c)) /* ROUTE-14 */
            continue;
        if (connection_push(c, package) == YOTON_E_NOMEM)
            *error = YOTON_E_NOMEM;
        count++;
    }
    return count;
}

int context_send(yoton_context *context, yoton_package *package) {
    int error = YOTON_OK;
    yoton_node_stamp(context->node, yoton_package_header(package)); /* ROUTE-1, ROUTE-2 */
    if (send_on_all(context, NULL, package, &error) == 0 &&         /* CTX-7 */
        yoton_queue_push(context->startup, package) == YOTON_E_NOMEM)
        error = YOTON_E_NOMEM;
    return error;
}

void context_empty_startup(yoton_context *context, yoton_connection *first) {
    yoton_package *package;
    while ((package = yoton_queue_pop(context->startup)) != NULL) {
        connection_push(first, package);
        yoton_package_unref(package);
    }
}

/* A context message that is not known is ignored, and CLOSE_CONNECTION closes nothing: CTX-4,
 * CTX-6. */
static void deposit(yoton_context *context, yoton_package *package) {
    uint64_t slot = yoton_package_header(package)->slot;
    if (slot >= YOTON_SLOT_FIRST) /* FRAME-11 */
        channel_deposit(context, package);
    else if (slot == YOTON_SLOT_CONTEXT && package_is_word(package, CONTEXT_NEW_CONNECTION))
        channels_newcomer(context); /* CTX-3 */
}

void context_receive(yoton_context *context, yoton_connection *from, yoton_package *package) {
    uint64_t recv_seq = 0;
    int lost = YOTON_OK; /* without memory it is dropped, as by a full queue */
    unsigned route = yoton_node_route(context->node, yoton_package_header(package), &recv_seq);
    yoton_package_set_recv_seq(package, recv_seq);
    if (route & YOTON_ROUTE_FORWARD)
        send_on_all(context, from, package, &lost);
    if (route & YOTON_ROUTE_DEPOSIT)
        deposit(context, package);
    yoton_package_unref(package);
}

/* ---- Binding and connecting ---- */

static int check_name(const char *what, const char *name) {
    if (name != NULL && strlen(name) >= YOTON_NAME_ROOM)
        return report_error(YOTON_E_ARGUMENT,
                            "cannot %s: the name of the connection has more "
                            "than %d bytes",
                            what, YOTON_NAME_ROOM - 1);
    return YOTON_OK;
}

/* [locked] */
static int check_room(const yoton_context *context, const char *what) {
    if (context->connection_count < context->options.max_connections)
        return YOTON_OK;
    return report_error(YOTON_E_FULL,
                        "cannot %s: the context has %zu connections already; close one first, or "
                        "raise the option max_connections",
                        what, context->connection_count);
}

static void learn_own_endpoint(yoton_connection *connection) {
    struct sockaddr_storage own;
    socklen_t size = sizeof own;
    if (getsockname(connection->listen_fd, (struct sockaddr *)&own, &size) != 0)
        return;
    endpoint_text(&own, connection->host1);
    connection->port1 = endpoint_port(&own);
}

static int begin_hosting(yoton_context *context, yoton_connection *connection) {
    const yoton_options *options = &context->options;
    connection->waiting =
        yoton_queue_new(options->queue_packages, options->queue_bytes, options->discard);
    if (connection->waiting == NULL)
        return report_plain(YOTON_E_NOMEM, "bind");
    learn_own_endpoint(connection);
    uv_mutex_lock(&context->lock);
    int error =
        context->stopping ? report_plain(YOTON_E_CLOSED, "bind") : check_room(context, "bind");
    if (error == YOTON_OK) {
        connection->state = YOTON_WAITING;
        connection_list(connection);
        context_empty_startup(context, connection);
        kick(connection);
    }
    uv_mutex_unlock(&context->lock);
    return error;
}

int yoton_context_bind(yoton_context *context, const char *address, int max_tries, const char *name,
                       yoton_connection **connection) {
    endpoints at;
    *connection = NULL;
    if (max_tries < 1)
        return report_error(YOTON_E_ARGUMENT, "cannot bind to %s: max_tries must be at least 1",
                            address);
    int error = check_name("bind", name);
    if (error == YOTON_OK)
        error = resolve("bind to", address, &at);
    if (error != YOTON_OK)
        return error;
    yoton_connection *made = connection_new(context, name);
    if (made == NULL)
        return report_plain(YOTON_E_NOMEM, "bind");
    made->listen_fd = host_listen(address, &at, max_tries, &error);
    if (made->listen_fd >= 0)
        error = begin_hosting(context, made);
    if (error != YOTON_OK) {
        yoton_connection_unref(made);
        return error;
    }
    *connection = made;
    return YOTON_OK;
}

/* Waits for the outcome, which the loop's own deadlines bring in any case. */
static int dial_and_wait(yoton_context *context, yoton_connection *connection,
                         const char *address) {
    int error;
    uv_mutex_lock(&context->lock);
    if (context->stopping || on_loop_thread(context)) {
        error = context->stopping ? YOTON_E_CLOSED : YOTON_E_STATE;
        uv_mutex_unlock(&context->lock);
        return report_plain(error, "connect");
    }
    error = check_room(context, "connect");
    if (error != YOTON_OK) {
        uv_mutex_unlock(&context->lock);
        return error;
    }
    connection_list(connection);
    kick(connection);
    while (!connection->dial->over)
        wait_change(context, YOTON_NEVER);
    error = connection->dial->error;
    uv_mutex_unlock(&context->lock);
    if (error != YOTON_OK)
        report_error(error, "cannot connect to %s: %s%s", address, connection->dial->why,
                     error == YOTON_E_CONNECT ? "; is the other end there, and the port right?"
                                              : "");
    return error;
}

int yoton_context_connect(yoton_context *context, const char *address, double timeout,
                          const char *name, yoton_connection **connection) {
    *connection = NULL;
    int error = check_name("connect", name);
    if (error != YOTON_OK)
        return error;
    yoton_connection *made = connection_new(context, name);
    if (made != NULL)
        made->dial = calloc(1, sizeof *made->dial);
    if (made == NULL || made->dial == NULL) {
        yoton_connection_unref(made);
        return report_plain(YOTON_E_NOMEM, "connect");
    }
    error = resolve("connect to", address, &made->dial->to);
    if (error == YOTON_OK) {
        made->dial->deadline = moment_in(timeout > SHORTEST_TIMEOUT ? timeout : SHORTEST_TIMEOUT);
        error = dial_and_wait(context, made, address);
    }
    if (error != YOTON_OK) {
        yoton_connection_unref(made);
        return error;
    }
    *connection = made;
    return YOTON_OK;
}

/* ---- Closing and flushing ---- */

static void wait_until_closed(yoton_context *context) {
    yoton_time deadline = moment_in(context->options.drain + 1.0 +
                                    (double)YOTON_CLOSE_DEFAULT / 1e9 + context->options.close);
    while (context->oldest != NULL || context->streams != NULL)
        if (!wait_change(context, deadline))
            break;
}

void yoton_context_close(yoton_context *context) {
    uv_mutex_lock(&context->lock);
    for (yoton_connection *c = context->oldest; c != NULL; c = c->newer)
        if (c->state != YOTON_CLOSING)
            connection_begin_close(c, REASON_CONTEXT, false);
    if (!on_loop_thread(context))
        wait_until_closed(context);
    channels_close(context);
    uv_mutex_unlock(&context->lock);
}

void yoton_context_close_channels(yoton_context *context) {
    uv_mutex_lock(&context->lock);
    channels_close(context);
    uv_mutex_unlock(&context->lock);
}

static bool all_idle(const yoton_context *context) {
    for (const yoton_connection *c = context->oldest; c != NULL; c = c->newer)
        if (connection_connected(c) && !stream_idle(c->stream))
            return false;
    return true;
}

int yoton_context_flush(yoton_context *context, double timeout) {
    yoton_time deadline = moment_in(timeout);
    int error = YOTON_OK;
    uv_mutex_lock(&context->lock);
    if (on_loop_thread(context))
        error = report_error(YOTON_E_STATE, "cannot flush from a callback");
    while (error == YOTON_OK && !all_idle(context))
        if (!wait_change(context, deadline))
            error = report_error(YOTON_E_TIMEOUT,
                                 "cannot flush within %g s: another end does not take it", timeout);
    uv_mutex_unlock(&context->lock);
    return error;
}

/* ---- Looking at connections ---- */

static bool is_of(const yoton_connection *connection, yoton_which which) {
    return which == YOTON_CONNECTIONS ? connection_connected(connection)
                                      : connection_alive(connection);
}

static size_t count_of(const yoton_context *context, yoton_which which) {
    size_t count = 0;
    for (const yoton_connection *c = context->oldest; c != NULL; c = c->newer)
        count += is_of(c, which);
    return count;
}

size_t yoton_context_connection_count(yoton_context *context) {
    uv_mutex_lock(&context->lock);
    size_t count = count_of(context, YOTON_CONNECTIONS);
    uv_mutex_unlock(&context->lock);
    return count;
}

int yoton_context_connections(yoton_context *context, yoton_which which, yoton_connection ***list,
                              size_t *count) {
    int error = YOTON_OK;
    *count = 0;
    uv_mutex_lock(&context->lock);
    size_t room = count_of(context, which);
    *list = calloc(room > 0 ? room : 1, sizeof **list);
    if (*list == NULL)
        error = report_plain(YOTON_E_NOMEM, "list the connections");
    for (yoton_connection *c = context->oldest; *list != NULL && c != NULL; c = c->newer)
        if (is_of(c, which))
            (*list)[(*count)++] = yoton_connection_ref(c);
    uv_mutex_unlock(&context->lock);
    return error;
}

void yoton_connections_free(yoton_connection **list, size_t count) {
    for (size_t i = 0; i < count; i++)
        yoton_connection_unref(list[i]);
    free(list);
}

yoton_connection *yoton_context_connection_at(yoton_context *context, yoton_which which,
                                              size_t index) {
    yoton_connection *found = NULL;
    uv_mutex_lock(&context->lock);
    for (yoton_connection *c = context->oldest; found == NULL && c != NULL; c = c->newer)
        if (is_of(c, which) && index-- == 0)
            found = yoton_connection_ref(c);
    uv_mutex_unlock(&context->lock);
    return found;
}

yoton_connection *yoton_context_connection_named(yoton_context *context, yoton_which which,
                                                 const char *name) {
    yoton_connection *found = NULL;
    uv_mutex_lock(&context->lock);
    for (yoton_connection *c = context->oldest; found == NULL && c != NULL; c = c->newer)
        if (name[0] != '\0' && is_of(c, which) && strcmp(c->name, name) == 0)
            found = yoton_connection_ref(c);
    uv_mutex_unlock(&context->lock);
    return found;
}
