/* SPDX-License-Identifier: BSD-2-Clause */
/* What a case asks the adapter, and the events that come unasked. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tester.h"

enum { LINE_SHOWN = 200 };

bool has(const tester *t, const char *capability) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(t->adapter.hello, "capabilities"), i, one) {
        if (json_is_string(one) && strcmp(json_string_value(one), capability) == 0)
            return true;
    }
    return false;
}

/* ---- Requests ---- */

int ask_list(tester *t, const char *op, const char *fields, va_list list) {
    struct adapter *a = &t->adapter;
    if (a->pid == 0)
        harness_failed(t, "the case asks an adapter for `%s` without saying so in .needs", op);
    json_error_t error;
    json_t *request = fields ? json_vpack_ex(&error, 0, fields, list) : json_object();
    if (request == NULL)
        harness_failed(t, "`%s`: fields %s: %s", op, fields, error.text);
    int id = ++a->last_id;
    json_object_set_new(request, "id", json_integer(id));
    json_object_set_new(request, "op", json_string(op));
    char *line = json_dumps(request, JSON_COMPACT);
    size_t size = strlen(line);
    char *what = size > LINE_SHOWN ? text_of("%.*s…", LINE_SHOWN, line) : line;
    record(t, "adapter", SENT, what, NULL, 0);
    char key[24];
    snprintf(key, sizeof key, "%d", id);
    json_object_set_new(a->replies, key, json_null());
    line[size] = '\n'; /* in place of the NUL */
    buffer_add(&a->to, line, size + 1);
    adapter_write(a);
    free(line);
    json_decref(request);
    return id;
}

int ask(tester *t, const char *op, const char *fields, ...) {
    va_list list;
    va_start(list, fields);
    int id = ask_list(t, op, fields, list);
    va_end(list);
    return id;
}

int send_line(tester *t, const char *text) {
    record(t, "adapter", SENT, text, NULL, 0);
    json_object_set_new(t->adapter.replies, "none", json_null());
    buffer_add(&t->adapter.to, text, strlen(text));
    buffer_add(&t->adapter.to, "\n", 1);
    adapter_write(&t->adapter);
    return NO_ID;
}

static json_t *reply_to(tester *t, int request) {
    char key[24] = "none";
    if (request != NO_ID)
        snprintf(key, sizeof key, "%d", request);
    json_t *reply = json_object_get(t->adapter.replies, key);
    return json_is_null(reply) ? NULL : reply;
}

bool answered(tester *t, int request) { return reply_to(t, request) != NULL; }

bool reply_ok(const json_t *reply) { return json_is_true(json_object_get(reply, "ok")); }

const char *reply_code(const json_t *reply) {
    return reply_ok(reply) ? "" : json_get_text(reply, "code");
}

json_t *any_reply(tester *t, int request, double seconds) {
    double until = now() + seconds;
    for (bool late = false; !answered(t, request) && !late; pump(t, until))
        late = now() >= until;
    return reply_to(t, request);
}

static json_t *wait_reply(tester *t, int request, double seconds) {
    json_t *reply = any_reply(t, request, seconds);
    if (reply != NULL && strcmp(reply_code(reply), "unsupported") == 0)
        unsupported(t, "the adapter says: %s", json_get_text(reply, "error"));
    return reply;
}

json_t *await_reply(tester *t, int request, double seconds) {
    json_t *reply = wait_reply(t, request, seconds);
    if (reply == NULL)
        fail(t, "the adapter did not answer request %d within %.1f s", request, seconds);
    return reply;
}

static json_t *try_list(tester *t, const char *op, const char *fields, va_list list) {
    int request = ask_list(t, op, fields, list);
    json_t *reply = wait_reply(t, request, t->patience * 2);
    if (reply == NULL)
        peer_failed(t, "hung", "the peer hangs: no answer to `%s` within %.1f s", op,
                    t->patience * 2);
    return reply;
}

json_t *try_call(tester *t, const char *op, const char *fields, ...) {
    va_list list;
    va_start(list, fields);
    json_t *reply = try_list(t, op, fields, list);
    va_end(list);
    return reply;
}

json_t *call(tester *t, const char *op, const char *fields, ...) {
    va_list list;
    va_start(list, fields);
    json_t *reply = try_list(t, op, fields, list);
    va_end(list);
    if (!reply_ok(reply))
        fail(t, "`%s` failed (%s): %s", op, reply_code(reply), json_get_text(reply, "error"));
    if (strcmp(op, "options") == 0 && *json_get_text(reply, "context_id"))
        t->peer_id = told_id(t, op, reply);
    return reply;
}

void expect_refused(tester *t, const json_t *reply, const char *what) {
    check(t, !reply_ok(reply), "%s was not refused", what);
    bool right =
        strcmp(reply_code(reply), "failed") == 0 || strcmp(reply_code(reply), "closed") == 0;
    check(t, right, "%s was refused as `%s` (%s); that is not the peer's own no", what,
          reply_code(reply), json_get_text(reply, "error"));
}

/* ---- Events ---- */

static bool is_event(const json_t *line, const char *event, const char *connection) {
    return strcmp(json_get_text(line, "event"), event) == 0 &&
           (connection == NULL || strcmp(json_get_text(line, "connection"), connection) == 0);
}

json_t *find_event(tester *t, const char *event, const char *connection) {
    size_t i;
    json_t *line;
    json_array_foreach(t->adapter.events, i, line) {
        if (is_event(line, event, connection) && json_object_get(line, "found") == NULL) {
            json_object_set_new(line, "found", json_true());
            return line;
        }
    }
    return NULL;
}

json_t *await_event(tester *t, const char *event, const char *connection, double seconds) {
    double until = now() + seconds;
    for (bool late = false;; pump(t, until)) {
        json_t *found = find_event(t, event, connection);
        if (found != NULL)
            return found;
        if (late)
            fail(t, "the event `%s`%s%s did not come within %.1f s", event,
                 connection ? " of connection " : "", connection ? connection : "", seconds);
        late = now() >= until;
    }
}

unsigned count_events(tester *t, const char *event, const char *connection) {
    unsigned count = 0;
    size_t i;
    json_t *line;
    json_array_foreach(t->adapter.events, i, line) count += is_event(line, event, connection);
    return count;
}

double event_time(const json_t *event) { return json_real_value(json_object_get(event, "read")); }

const char *state_of(end *e) {
    if (e->connection == NULL)
        harness_failed(e->t, "the state of end %u is asked, and the adapter has no name for it",
                       e->number);
    return json_get_text(call(e->t, "status", "{s:s}", "connection", e->connection), "state");
}
