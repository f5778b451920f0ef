/* SPDX-License-Identifier: BSD-2-Clause */
/* Ops about connections. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"

static void on_closed(yoton_connection *connection, const char *reason, void *user) {
    (void)connection;
    agent_event(user, "closed", "connection", "reason", json_string(reason));
}

static void on_timedout(yoton_connection *connection, int value, void *user) {
    (void)connection;
    agent_event(user, "timedout", "connection", "value", json_boolean(value));
}

void agent_watch_connection(agent_thing *thing) {
    yoton_connection_on_timedout(thing->connection, on_timedout, thing);
    yoton_connection_on_closed(thing->connection, on_closed, thing);
}

static agent_thing *connection_of(agent *agent, agent_request *request) {
    return agent_thing_of(request, &agent->connections, "connection");
}

static json_t *keep(agent *agent, agent_request *request, yoton_connection *connection) {
    const agent_thing content = {.connection = connection};
    request->watch = agent_thing_new(agent, &agent->connections, NULL, &content);
    if (request->watch == NULL) {
        yoton_connection_close(connection, NULL);
        yoton_connection_unref(connection);
        return agent_fail(request, "failed", "out of memory");
    }
    return json_pack("{s:s}", "connection", request->watch->name);
}

static json_t *op_bind(agent *agent, agent_request *request) {
    yoton_connection *connection;
    yoton_connection_info info;
    const char *address = agent_text(request, "address", NULL);
    const char *name = agent_text(request, "name", "");
    json_int_t tries = agent_integer(request, "max_tries", false, 1);
    if (agent_failed(request))
        return NULL;
    int max_tries = tries > INT_MAX ? INT_MAX : tries < 0 ? 0 : (int)tries;
    if (yoton_context_bind(agent->context, address, max_tries, name, &connection) != YOTON_OK)
        return agent_fail_library(request, "failed");
    yoton_connection_get_info(connection, &info);
    json_t *answer = keep(agent, request, connection);
    json_object_set_new(answer, "port", json_integer(info.port1));
    return answer;
}

static json_t *op_connect(agent *agent, agent_request *request) {
    yoton_connection *connection;
    const char *address = agent_text(request, "address", NULL);
    const char *name = agent_text(request, "name", "");
    double timeout = agent_number(request, "timeout", false, 1.0);
    if (agent_failed(request))
        return NULL;
    int error = yoton_context_connect(agent->context, address, timeout, name, &connection);
    if (error != YOTON_OK)
        return agent_fail_library(request, error == YOTON_E_CLOSED ? "closed" : "failed");
    return keep(agent, request, connection);
}

/* A process id may be any 64-bit number; one that JSON's readers may spoil goes as a text. */
static json_t *pid_of(uint64_t pid) {
    char text[24];
    if (pid < UINT64_C(1) << 53)
        return json_integer((json_int_t)pid);
    snprintf(text, sizeof text, "%" PRIu64, pid);
    return json_string(text);
}

static json_t *id_of(uint64_t id) {
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, id);
    return json_string(text);
}

static json_t *op_status(agent *agent, agent_request *request) {
    yoton_connection_info info;
    const agent_thing *thing = connection_of(agent, request);
    if (thing == NULL)
        return NULL;
    yoton_connection_get_info(thing->connection, &info);
    return json_pack("{s:s, s:s, s:i, s:o, s:o, s:s, s:i, s:o, s:o, s:s, s:f, s:b}", "state",
                     yoton_connection_state_text(info.state), "hostname1", info.hostname1, "port1",
                     info.port1, "id1", id_of(info.id1), "pid1", pid_of(info.pid1), "hostname2",
                     info.hostname2, "port2", info.port2, "id2", id_of(info.id2), "pid2",
                     pid_of(info.pid2), "name", info.name, "timeout", info.timeout, "timed_out",
                     info.timed_out);
}

static void list_one(json_t *list, const agent_thing *thing) {
    yoton_connection_info info;
    yoton_connection_get_info(thing->connection, &info);
    if (yoton_connection_is_alive(thing->connection))
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "connection", thing->name, "name",
                                              info.name, "state",
                                              yoton_connection_state_text(info.state)));
}

static json_t *op_connections(agent *agent, agent_request *request) {
    json_t *list = json_array();
    (void)request;
    uv_mutex_lock(&agent->lock);
    for (size_t i = 0; i < agent->connections.count; i++)
        list_one(list, agent->connections.list[i]);
    uv_mutex_unlock(&agent->lock);
    return json_pack("{s:o}", "connections", list);
}

static json_t *op_set_timeout(agent *agent, agent_request *request) {
    const agent_thing *thing = connection_of(agent, request);
    double seconds = agent_number(request, "seconds", true, 0);
    if (agent_failed(request))
        return NULL;
    if (yoton_connection_set_timeout(thing->connection, seconds) != YOTON_OK)
        return agent_fail_library(request, "failed");
    return json_object();
}

static json_t *op_flush(agent *agent, agent_request *request) {
    bool whole = !agent_has(request, "connection");
    const agent_thing *thing = whole ? NULL : connection_of(agent, request);
    double timeout = agent_number(request, "timeout", false, whole ? 5.0 : 3.0);
    if (agent_failed(request))
        return NULL;
    int error = whole ? yoton_context_flush(agent->context, timeout)
                      : yoton_connection_flush(thing->connection, timeout);
    if (error == YOTON_OK)
        return json_object();
    return agent_fail_library(request, error == YOTON_E_TIMEOUT  ? "timeout"
                                       : error == YOTON_E_CLOSED ? "closed"
                                                                 : "failed");
}

typedef void (*closer)(yoton_connection *connection, const char *reason);

static json_t *close_by(agent *agent, agent_request *request, closer closer) {
    const agent_thing *thing = connection_of(agent, request);
    const char *reason = agent_has(request, "reason") ? agent_text(request, "reason", NULL) : NULL;
    if (agent_failed(request))
        return NULL;
    closer(thing->connection, reason);
    return json_object();
}

static json_t *op_close(agent *agent, agent_request *request) {
    return close_by(agent, request, yoton_connection_close);
}

static json_t *op_close_on_problem(agent *agent, agent_request *request) {
    return close_by(agent, request, yoton_connection_close_on_problem);
}

const agent_entry agent_connection_ops[] = {
    {"bind", op_bind, AGENT_ALONE},
    {"connect", op_connect, AGENT_ALONE},
    {"status", op_status, AGENT_AT_ONCE},
    {"connections", op_connections, AGENT_AT_ONCE},
    {"set_timeout", op_set_timeout, AGENT_AT_ONCE},
    {"flush", op_flush, AGENT_ALONE},
    {"close", op_close, AGENT_ALONE},
    {"close_on_problem", op_close_on_problem, AGENT_ALONE},
    {NULL, NULL, AGENT_AT_ONCE},
};
