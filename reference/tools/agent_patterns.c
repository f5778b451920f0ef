/* SPDX-License-Identifier: BSD-2-Clause */
/* Ops that belong to one pattern: choosing between sub channels, sync mode, requests and replies.
 */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "json_value.h"

static agent_thing *channel_of(agent *agent, agent_request *request, yoton_channel_kind kind,
                               const char *what) {
    agent_thing *thing = agent_thing_of(request, &agent->channels, "channel");
    if (thing != NULL && thing->kind != kind)
        agent_fail(request, "bad-request", "`%.100s` is not a %s channel", thing->name, what);
    return agent_failed(request) ? NULL : thing;
}

static json_t *done_or_failed(agent_request *request, int error) {
    if (error == YOTON_OK)
        return json_object();
    return agent_fail_library(request, error == YOTON_E_CLOSED ? "closed" : "failed");
}

/* ---- Sub channels ---- */

/* The things that the names in `channels` stand for, or NULL with the request failed. */
static const agent_thing **things_of(agent *agent, agent_request *request, size_t *count) {
    const json_t *names = json_object_get(request->fields, "channels");
    if (!json_is_array(names)) {
        agent_fail(request, "bad-request", "select: `channels` must be an array of names");
        return NULL;
    }
    *count = json_array_size(names);
    const agent_thing **things = calloc(*count + 1, sizeof *things);
    for (size_t i = 0; things != NULL && i < *count; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        things[i] = name != NULL ? agent_thing_named(agent, &agent->channels, name) : NULL;
        if (things[i] == NULL || things[i]->kind != YOTON_SUB)
            agent_fail(request, "bad-request", "select: `%.100s` is not a sub channel",
                       name != NULL ? name : "?");
    }
    return things;
}

static json_t *select_of(agent_request *request, const agent_thing **things, size_t count) {
    yoton_channel **channels = calloc(count + 1, sizeof *channels);
    yoton_channel *chosen = NULL;
    const char *name = NULL;
    if (channels == NULL)
        return agent_fail(request, "failed", "out of memory");
    for (size_t i = 0; i < count; i++)
        channels[i] = things[i]->channel;
    int error = yoton_select_sub_channel(channels, count, &chosen);
    for (size_t i = 0; i < count; i++)
        if (channels[i] == chosen)
            name = things[i]->name;
    free(channels);
    return error == YOTON_OK ? json_pack("{s:s?}", "channel", name)
                             : agent_fail_library(request, "failed");
}

static json_t *op_select(agent *agent, agent_request *request) {
    size_t count = 0;
    const agent_thing **things = things_of(agent, request, &count);
    json_t *answer = agent_failed(request) ? NULL : select_of(request, things, count);
    free(things);
    return answer;
}

static json_t *op_recv_selected(agent *agent, agent_request *request) {
    const agent_thing *thing = channel_of(agent, request, YOTON_SUB, "sub");
    return thing != NULL ? agent_messages(request, thing, yoton_recv_selected) : NULL;
}

static json_t *op_sync_mode(agent *agent, agent_request *request) {
    const agent_thing *thing = channel_of(agent, request, YOTON_SUB, "sub");
    const json_t *on = json_object_get(request->fields, "on");
    if (thing == NULL)
        return NULL;
    if (!json_is_boolean(on))
        return agent_fail(request, "bad-request", "sync_mode: `on` must be true or false");
    return done_or_failed(request, yoton_sub_set_sync_mode(thing->channel, json_is_true(on)));
}

/* ---- Requests and replies ---- */

static json_t *op_rep_mode(agent *agent, agent_request *request) {
    static const char *const modes[] = {"off", "event", "thread"};
    const agent_thing *thing = channel_of(agent, request, YOTON_REP, "rep");
    const char *mode = agent_text(request, "mode", NULL);
    if (thing == NULL || agent_failed(request))
        return NULL;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(mode, modes[i]) == 0)
            return done_or_failed(request, yoton_rep_set_mode(thing->channel, (yoton_rep_mode)i));
    return agent_fail(request, "unsupported", "rep_mode: `mode` must be one of off, event, thread");
}

static int append_json(yoton_value *container, const json_t *json, const char **why) {
    yoton_value item;
    int error = json_to_value(json, &item, why);
    if (error == YOTON_OK)
        error = yoton_value_append(container, &item);
    yoton_value_clear(&item);
    return error;
}

static int take_args(const json_t *json, yoton_value *args, const char **why) {
    int error = YOTON_OK;
    *args = (yoton_value){.type = YOTON_TUPLE};
    for (size_t i = 0; i < json_array_size(json) && error == YOTON_OK; i++)
        error = append_json(args, json_array_get(json, i), why);
    return error;
}

static int take_kwargs(const json_t *json, yoton_value *kwargs, const char **why) {
    const char *name;
    json_t *value;
    int error = YOTON_OK;
    *kwargs = (yoton_value){.type = YOTON_DICT};
    json_object_foreach((json_t *)json, name, value) {
        yoton_value key;
        if (error == YOTON_OK)
            error = yoton_value_string(&key, name, strlen(name));
        if (error == YOTON_OK)
            error = yoton_value_append(kwargs, &key);
        if (error == YOTON_OK)
            error = append_json(kwargs, value, why);
    }
    return error;
}

static yoton_future *call(agent_request *request, const agent_thing *thing, const char *method) {
    yoton_value args, kwargs = {.type = YOTON_NONE};
    yoton_future *future = NULL;
    const char *why = NULL;
    int error = take_args(json_object_get(request->fields, "args"), &args, &why);
    if (error == YOTON_OK)
        error = take_kwargs(json_object_get(request->fields, "kwargs"), &kwargs, &why);
    if (error == YOTON_OK)
        error = yoton_call(thing->channel, method, &args, &kwargs, &future);
    if (error != YOTON_OK && why != NULL)
        agent_fail(request, error == YOTON_E_ARGUMENT ? "bad-request" : "failed", "call: %s", why);
    else if (error != YOTON_OK)
        done_or_failed(request, error);
    yoton_value_clear(&args);
    yoton_value_clear(&kwargs);
    return future;
}

static json_t *op_call(agent *agent, agent_request *request) {
    const agent_thing *thing = channel_of(agent, request, YOTON_REQ, "req");
    const char *method = agent_text(request, "method", NULL);
    double cancel = YOTON_AUTO_CANCEL_DEFAULT;
    if (agent_has(request, "auto_cancel"))
        cancel = agent_number(request, "auto_cancel", true, 0);
    else if (json_object_get(request->fields, "auto_cancel") != NULL)
        cancel = YOTON_FOREVER;
    if (thing == NULL || agent_failed(request))
        return NULL;
    agent_thing content = {.future = call(request, thing, method)};
    if (content.future == NULL)
        return NULL;
    if (yoton_future_set_auto_cancel_timeout(content.future, cancel) != YOTON_OK)
        return agent_fail_library(request, "failed");
    const agent_thing *kept = agent_thing_new(agent, &agent->futures, NULL, &content);
    if (kept == NULL)
        return agent_fail(request, "failed", "out of memory");
    return json_pack("{s:s}", "future", kept->name);
}

/* The replier's own words go with the failure. */
static json_t *fail_remote(agent_request *request, yoton_future *future) {
    const char *message = NULL;
    yoton_future_exception(future, 0, &message);
    request->remote = json_string(message);
    agent_fail(request, "failed", "%.400s", message != NULL ? message : "failed");
    for (char *end; (end = strpbrk(request->error, "\r\n")) != NULL;)
        *end = end[1] != '\0' ? ' ' : '\0'; /* an error is one line */
    return NULL;
}

static json_t *op_result(agent *agent, agent_request *request) {
    const agent_thing *thing = agent_thing_of(request, &agent->futures, "future");
    const yoton_value *value;
    double timeout =
        agent_has(request, "timeout") ? agent_wait(request, "timeout", 0) : YOTON_FOREVER;
    if (agent_failed(request))
        return NULL;
    switch (yoton_future_result(thing->future, timeout, &value)) {
    case YOTON_OK:
        return json_pack("{s:o}", "value", json_from_value(value));
    case YOTON_E_TIMEOUT:
        return agent_fail_library(request, "timeout");
    case YOTON_E_CANCELLED:
        return agent_fail_library(request, "cancelled");
    case YOTON_E_REMOTE:
        return fail_remote(request, thing->future);
    default:
        return agent_fail_library(request, "failed");
    }
}

static json_t *op_cancel(agent *agent, agent_request *request) {
    const agent_thing *thing = agent_thing_of(request, &agent->futures, "future");
    if (thing == NULL)
        return NULL;
    return json_pack("{s:b}", "cancelled", yoton_future_cancel(thing->future));
}

const agent_entry agent_pattern_ops[] = {
    {"select", op_select, AGENT_AT_ONCE},
    {"recv_selected", op_recv_selected, AGENT_AT_ONCE},
    {"sync_mode", op_sync_mode, AGENT_BY_CHANNEL},
    {"rep_mode", op_rep_mode, AGENT_AT_ONCE},
    {"call", op_call, AGENT_BY_CHANNEL},
    {"result", op_result, AGENT_ALONE},
    {"cancel", op_cancel, AGENT_ALONE},
    {NULL, NULL, AGENT_AT_ONCE},
};
