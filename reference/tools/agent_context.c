/* SPDX-License-Identifier: BSD-2-Clause */
/* Ops about the context as a whole. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"

static void hex_of(uint64_t id, char text[17]) { snprintf(text, 17, "%016" PRIx64, id); }

static const char *const abilities[] = {"txt",    "bin",         "obj",         "host",
                                        "client", "port0",       "queue",       "context_id",
                                        "ipv6",   "max_message", "max_sources", "queue_bytes"};

static json_t *capabilities(void) {
    json_t *list = agent_op_names();
    for (size_t i = 0; i < sizeof abilities / sizeof *abilities; i++)
        json_array_append_new(list, json_string(abilities[i]));
    return list;
}

static json_t *op_hello(agent *agent, agent_request *request) {
    char id[17];
    json_int_t protocol = agent_integer(request, "protocol", true, 0);
    if (!agent_failed(request) && protocol != AGENT_PROTOCOL)
        return agent_fail(request, "unsupported", "this adapter speaks protocol %d",
                          AGENT_PROTOCOL);
    hex_of(yoton_context_id(agent->context), id);
    return json_pack("{s:i, s:s, s:s, s:o, s:s, s:I}", "protocol", AGENT_PROTOCOL, "implementation",
                     "reference", "version", AGENT_VERSION, "capabilities", capabilities(),
                     "context_id", id, "pid", (json_int_t)uv_os_getpid());
}

/* ---- options ---- */

static bool take_queue(agent_request *request, yoton_options *options) {
    json_int_t packages;
    const char *discard;
    const json_t *field = json_object_get(request->fields, "queue");
    if (field == NULL)
        return true;
    if (json_unpack((json_t *)field, "[I, s!]", &packages, &discard) != 0)
        return false;
    options->queue_packages = (size_t)packages;
    options->discard = strcmp(discard, "new") == 0 ? YOTON_DISCARD_NEW : YOTON_DISCARD_OLD;
    if (packages < 1 || (strcmp(discard, "new") != 0 && strcmp(discard, "old") != 0))
        agent_fail(request, "failed",
                   "options: a queue of %" JSON_INTEGER_FORMAT
                   " packages that drops the `%.20s` cannot be made",
                   packages, discard);
    return true;
}

static bool take_id(agent_request *request, yoton_options *options) {
    const char *text = agent_text(request, "context_id", "");
    if (*text == '\0')
        return !agent_has(request, "context_id");
    options->id = strtoull(text, NULL, 16);
    return strlen(text) == 16 && strspn(text, "0123456789abcdefABCDEF") == 16 && options->id != 0;
}

static uint64_t take_size(agent_request *request, const char *name) {
    json_int_t size = agent_integer(request, name, false, 0);
    if (size < 0)
        agent_fail(request, "failed", "options: `%s` must not be negative", name);
    return (uint64_t)size;
}

static void take_sizes(agent_request *request, yoton_options *options) {
    options->max_message = take_size(request, "max_message");
    options->max_sources = (size_t)take_size(request, "max_sources");
    options->queue_bytes = take_size(request, "queue_bytes");
}

static bool known_options(agent_request *request) {
    static const char *const known[] = {"id",          "op",          "queue",      "context_id",
                                        "max_message", "max_sources", "queue_bytes"};
    const char *name;
    json_t *value;
    json_object_foreach(request->fields, name, value) {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found |= strcmp(known[i], name) == 0;
        if (!found) {
            agent_fail(request, "unsupported", "options: no option `%.100s` here", name);
            return false;
        }
    }
    return true;
}

/* A context cannot change its options: another one takes its place, with its id. */
static json_t *op_options(agent *agent, agent_request *request) {
    yoton_options options = agent->options;
    char id[17];
    options.id = yoton_context_id(agent->context);
    if (!known_options(request))
        return NULL;
    if (agent->shared || agent->channels.count > 0)
        return agent_fail(request, "bad-request",
                          "options come before the first connection or channel");
    if (!take_queue(request, &options))
        return agent_fail(request, "bad-request",
                          "options: `queue` must be [packages, \"old\" or \"new\"]");
    if (!take_id(request, &options))
        return agent_fail(request, "bad-request",
                          "options: `context_id` must be 16 hex digits, not all 0");
    take_sizes(request, &options);
    if (agent_failed(request))
        return NULL;
    yoton_context *context;
    if (yoton_context_new(&options, &context) != YOTON_OK)
        return agent_fail_library(request, "failed");
    yoton_context_free(agent->context);
    agent->context = context;
    hex_of(options.id, id);
    return json_pack("{s:s}", "context_id", id);
}

static json_t *op_close_context(agent *agent, agent_request *request) {
    (void)request;
    yoton_context_close(agent->context);
    return json_object();
}

const agent_entry agent_context_ops[] = {
    {"hello", op_hello, AGENT_AT_ONCE},
    {"options", op_options, AGENT_AT_ONCE},
    {"close_context", op_close_context, AGENT_ALONE},
    {NULL, NULL, AGENT_AT_ONCE},
};
