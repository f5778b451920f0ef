/* SPDX-License-Identifier: BSD-2-Clause */
/* `yoton agent`: the adapter that lets a harness drive this implementation. Requests come as one
 * JSON object per line on standard input; answers and events go to standard output. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "tools.h"

static const char help[] =
    "usage: yoton agent\n"
    "\n"
    "Speaks the adapter protocol: one JSON object per line, requests on standard input, answers "
    "and\n"
    "events on standard output. One process is one context; it ends with its input.\n"
    "\n"
    "example: echo '{\"id\":1,\"op\":\"hello\",\"protocol\":1}' | yoton agent\n";

static const agent_entry *const op_tables[] = {agent_context_ops, agent_connection_ops,
                                               agent_channel_ops, agent_pattern_ops,
                                               agent_exchange_ops};
#define TABLES (sizeof op_tables / sizeof *op_tables)

json_t *agent_op_names(void) {
    json_t *names = json_array();
    for (size_t i = 0; i < TABLES; i++)
        for (const agent_entry *entry = op_tables[i]; entry->name != NULL; entry++)
            json_array_append_new(names, json_string(entry->name));
    return names;
}

static const agent_entry *find_op(const char *name) {
    for (size_t i = 0; i < TABLES; i++)
        for (const agent_entry *entry = op_tables[i]; entry->name != NULL; entry++)
            if (strcmp(entry->name, name) == 0)
                return entry;
    return NULL;
}

/* ---- Lines out ---- */

static void write_all(const char *data, size_t size) {
    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, data, size);
        if (written > 0) {
            data += written;
            size -= (size_t)written;
        } else if (errno != EINTR) {
            _exit(TOOL_FAILED); /* nobody listens any more */
        }
    }
}

void agent_write(agent *agent, json_t *line) {
    char *text = json_dumps(line, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(line);
    size_t size = text != NULL ? strlen(text) : 0;
    if (text == NULL) {
        fputs("yoton agent: out of memory, a line is lost\n", stderr);
        return;
    }
    uv_mutex_lock(&agent->output);
    text[size] = '\n'; /* in place of the NUL */
    write_all(text, size + 1);
    uv_mutex_unlock(&agent->output);
    free(text);
}

void agent_event(const agent_thing *thing, const char *event, const char *kind, const char *key,
                 json_t *value) {
    json_t *line = json_pack("{s:s, s:s, s:f}", "event", event, kind, thing->name, "t",
                             (double)uv_hrtime() / 1e9);
    if (key != NULL)
        json_object_set_new(line, key, value);
    agent_write(thing->agent, line);
}

static void answer(agent_request *request, json_t *result) {
    json_t *id = json_object_get(request->fields, "id");
    json_t *line = json_pack("{s:O?, s:b}", "id", id, "ok", result != NULL);
    if (result != NULL) {
        json_object_update(line, result);
    } else {
        const char *code = request->code != NULL ? request->code : "failed";
        json_object_set_new(line, "code", json_string(code));
        json_object_set_new(line, "error", json_string(request->error));
        if (request->remote != NULL)
            json_object_set_new(line, "remote", request->remote);
    }
    json_decref(result);
    agent_write(request->agent, line);
}

void agent_perform(agent_request *request) {
    agent *agent = request->agent;
    json_t *result = agent_failed(request) ? NULL : request->op(agent, request);
    if (agent_failed(request)) { /* found only behind the making of an answer */
        json_decref(result);
        result = NULL;
    }
    answer(request, result);
    if (request->watch != NULL && request->watch->connection != NULL)
        agent_watch_connection(request->watch);
    else if (request->watch != NULL)
        agent_watch_channel(request->watch);
    json_decref(request->fields);
    free(request);
}

/* ---- Lines in ---- */

static void refuse_line(agent *agent, const char *code, const char *why) {
    agent_write(agent,
                json_pack("{s:n, s:b, s:s, s:s}", "id", "ok", 0, "code", code, "error", why));
}

/* The line as a request's fields, or NULL with the refusal written. */
static json_t *parse(agent *agent, const char *line, size_t size) {
    json_error_t error;
    char why[sizeof error.text + 32];
    json_t *fields = json_loadb(line, size, JSON_ALLOW_NUL, &error);
    if (fields == NULL) {
        snprintf(why, sizeof why, "not a line of JSON: %s", error.text);
        refuse_line(agent, "bad-request", why);
        return NULL;
    }
    if (json_is_object(fields) && json_is_integer(json_object_get(fields, "id")))
        return fields;
    refuse_line(agent, "bad-request", "not a request: it must be an object with an integer `id`");
    json_decref(fields);
    return NULL;
}

static void take_line(agent *agent, const char *line, size_t size) {
    json_t *fields = parse(agent, line, size);
    if (fields == NULL)
        return;
    agent_request *request = calloc(1, sizeof *request);
    if (request == NULL) {
        refuse_line(agent, "failed", "out of memory");
        json_decref(fields);
        return;
    }
    request->agent = agent;
    request->fields = fields;
    request->arrived = uv_hrtime();
    const char *name = json_string_value(json_object_get(fields, "op"));
    const agent_entry *entry = name != NULL ? find_op(name) : NULL;
    if (name == NULL)
        agent_fail(request, "bad-request", "`op` must be a string");
    else if (entry == NULL)
        agent_fail(request, "unsupported", "no op `%.100s` here", name);
    if (entry == NULL) {
        agent_perform(request);
        return;
    }
    request->op = entry->op;
    agent_schedule(request, entry->order);
}

static void take_lines(agent *agent) {
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&line, &room, stdin)) > 0)
        take_line(agent, line, (size_t)size);
    free(line);
}

static void process_events(void *events) { yoton_start_event_loop(events); }

static bool start(agent *agent) {
    uv_thread_t thread;
    if (uv_mutex_init(&agent->lock) != 0 || uv_mutex_init(&agent->output) != 0 ||
        yoton_events_new(&agent->events) != YOTON_OK)
        return false;
    agent->options.events = agent->events;
    return uv_thread_create(&thread, process_events, agent->events) == 0 &&
           yoton_context_new(&agent->options, &agent->context) == YOTON_OK;
}

int cmd_agent(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return tool_finish("agent");
    }
    if (argc > 1)
        return tool_usage("agent", "unknown argument \"%s\"", argv[1]);
    agent agent = {.options = {.verbosity = 1}}; /* standard error goes into the harness's report */
    json_object_seed(0);
    if (!start(&agent))
        return tool_fail("agent", "cannot start: %s", yoton_error_text());
    take_lines(&agent);
    _exit(TOOL_OK); /* at once, whatever other threads wait for */
}
