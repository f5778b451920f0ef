/* SPDX-License-Identifier: BSD-2-Clause */
/* One request: its fields, checked as they are taken, and the things it names. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"

json_t *agent_fail(agent_request *request, const char *code, const char *format, ...) {
    if (request->code != NULL)
        return NULL; /* the first reason is the one to tell */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(request->error, sizeof request->error, format, arguments);
    va_end(arguments);
    request->code = code;
    return NULL;
}

json_t *agent_fail_library(agent_request *request, const char *code) {
    return agent_fail(request, code, "%s", yoton_error_text());
}

bool agent_failed(const agent_request *request) { return request->code != NULL; }

static json_t *must_be(agent_request *request, const char *name, const char *what) {
    return agent_fail(request, "bad-request", "%s: `%s` must be %s",
                      json_string_value(json_object_get(request->fields, "op")), name, what);
}

bool agent_has(const agent_request *request, const char *name) {
    const json_t *field = json_object_get(request->fields, name);
    return field != NULL && !json_is_null(field);
}

const char *agent_text(agent_request *request, const char *name, const char *standard) {
    const json_t *field = json_object_get(request->fields, name);
    if (field == NULL && standard != NULL)
        return standard;
    if (!json_is_string(field)) {
        must_be(request, name, "a string");
        return "";
    }
    if (strlen(json_string_value(field)) != json_string_length(field))
        agent_fail(request, "failed", "`%s` holds U+0000, which the library cannot take", name);
    return json_string_value(field);
}

double agent_number(agent_request *request, const char *name, bool required, double standard) {
    const json_t *field = json_object_get(request->fields, name);
    if (field == NULL && !required)
        return standard;
    if (!json_is_number(field))
        must_be(request, name, "a number");
    return json_number_value(field);
}

double agent_wait(agent_request *request, const char *name, double standard) {
    if (json_is_null(json_object_get(request->fields, name)))
        return YOTON_FOREVER;
    double passed = (double)(uv_hrtime() - request->arrived) / 1e9;
    double left = agent_number(request, name, false, standard) - passed;
    return left > 0 ? left : 0;
}

json_int_t agent_integer(agent_request *request, const char *name, bool required,
                         json_int_t standard) {
    const json_t *field = json_object_get(request->fields, name);
    if (field == NULL && !required)
        return standard;
    if (!json_is_integer(field))
        must_be(request, name, "an integer");
    return json_integer_value(field);
}

/* ---- Things by name ---- */

static agent_thing *find(const agent_register *in, const char *name) {
    for (size_t i = 0; i < in->count; i++)
        if (strcmp(in->list[i]->name, name) == 0)
            return in->list[i];
    return NULL;
}

static bool make_room(agent_register *in) {
    if (in->count < in->room)
        return true;
    size_t room = in->room > 0 ? 2 * in->room : 8;
    agent_thing **grown = realloc(in->list, room * sizeof *grown);
    if (grown == NULL)
        return false;
    in->list = grown;
    in->room = room;
    return true;
}

static agent_thing *add(agent *agent, agent_register *in, const char *name,
                        const agent_thing *content) {
    char number[24];
    if (name == NULL) {
        snprintf(number, sizeof number, "%zu", in->count + 1);
        name = number;
    }
    if (find(in, name) != NULL || !make_room(in))
        return NULL;
    agent_thing *thing = malloc(sizeof *thing);
    if (thing == NULL)
        return NULL;
    *thing = *content;
    thing->agent = agent;
    thing->name = strdup(name);
    if (thing->name == NULL) {
        free(thing);
        return NULL;
    }
    in->list[in->count++] = thing;
    return thing;
}

agent_thing *agent_thing_new(agent *agent, agent_register *in, const char *name,
                             const agent_thing *content) {
    uv_mutex_lock(&agent->lock);
    agent_thing *thing = add(agent, in, name, content);
    uv_mutex_unlock(&agent->lock);
    return thing;
}

agent_thing *agent_thing_named(agent *agent, const agent_register *in, const char *name) {
    uv_mutex_lock(&agent->lock);
    agent_thing *thing = find(in, name);
    uv_mutex_unlock(&agent->lock);
    return thing;
}

agent_thing *agent_thing_of(agent_request *request, agent_register *in, const char *field) {
    const char *name = agent_text(request, field, NULL);
    agent_thing *thing = agent_thing_named(request->agent, in, name);
    if (thing == NULL)
        agent_fail(request, "bad-request", "%s: no %s `%.100s`",
                   json_string_value(json_object_get(request->fields, "op")), field, name);
    return thing;
}
