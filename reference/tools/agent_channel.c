/* SPDX-License-Identifier: BSD-2-Clause */
/* Ops about channels. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "json_value.h"

static const char *const type_names[] = {
    [YOTON_TXT] = "txt", [YOTON_BIN] = "bin", [YOTON_OBJ] = "obj"};
static const char *const kind_names[] = {[YOTON_PUB] = "pub",
                                         [YOTON_SUB] = "sub",
                                         [YOTON_REQ] = "req",
                                         [YOTON_REP] = "rep",
                                         [YOTON_STATE] = "state"};
#define KINDS (sizeof kind_names / sizeof *kind_names)
#define TYPES (sizeof type_names / sizeof *type_names)

static void on_received(yoton_channel *channel, void *user) {
    (void)channel;
    agent_event(user, "received", "channel", NULL, NULL);
}

void agent_watch_channel(agent_thing *thing) {
    yoton_channel_on_received(thing->channel, on_received, thing);
}

static agent_thing *channel_of(agent *agent, agent_request *request) {
    return agent_thing_of(request, &agent->channels, "channel");
}

/* The place of a word in a list, or the list's length. */
static size_t place_of(const char *word, const char *const *list, size_t count) {
    size_t place = 0;
    while (place < count && strcmp(list[place], word) != 0)
        place++;
    return place;
}

static json_t *slots_of(const agent_thing *thing) {
    const char *out, *in;
    size_t out_size, in_size;
    char out_hash[24], in_hash[24];
    snprintf(out_hash, sizeof out_hash, "%" PRIu64,
             yoton_channel_slot_out(thing->channel, &out, &out_size));
    snprintf(in_hash, sizeof in_hash, "%" PRIu64,
             yoton_channel_slot_in(thing->channel, &in, &in_size));
    return json_pack("{s:s%, s:s%, s:s, s:s}", "slot_out", out, out_size, "slot_in", in, in_size,
                     "slot_out_hash", out_hash, "slot_in_hash", in_hash);
}

static json_t *keep(agent *agent, agent_request *request, const char *name,
                    const agent_thing *content) {
    request->watch = agent_thing_new(agent, &agent->channels, name, content);
    if (request->watch == NULL) {
        yoton_channel_free(content->channel);
        return agent_fail(request, "failed", "out of memory");
    }
    return slots_of(request->watch);
}

static json_t *op_open(agent *agent, agent_request *request) {
    const char *name = agent_text(request, "channel", NULL);
    const char *kind_name = agent_text(request, "kind", NULL);
    const char *type_name = agent_text(request, "type", "txt");
    const json_t *slot = json_object_get(request->fields, "slot");
    size_t kind = place_of(kind_name, kind_names, KINDS);
    size_t type = place_of(type_name, type_names, TYPES);
    if (agent_failed(request))
        return NULL;
    if (!json_is_string(slot))
        return agent_fail(request, "bad-request", "open: `slot` must be a string");
    if (kind == KINDS)
        return agent_fail(request, "unsupported", "open: no channel of kind `%.20s` here",
                          kind_name);
    if (type == TYPES)
        return agent_fail(request, "unsupported", "open: `type` must be one of txt, bin, obj");
    if (agent_thing_named(agent, &agent->channels, name) != NULL)
        return agent_fail(request, "bad-request", "open: the channel `%.100s` is there already",
                          name);
    if (kind == YOTON_REQ || kind == YOTON_REP)
        type = YOTON_OBJ;
    agent_thing content = {.kind = (yoton_channel_kind)kind, .type = (yoton_message_type)type};
    int error = yoton_channel_open(agent->context, content.kind, json_string_value(slot),
                                   json_string_length(slot), content.type, &content.channel);
    if (error != YOTON_OK)
        return agent_fail_library(request, error == YOTON_E_CLOSED ? "closed" : "failed");
    return keep(agent, request, name, &content);
}

/* ---- send ---- */

/* A value that is well-formed, but of another type than the channel's. */
static int unfit(const json_t *value, const char *text, const char **why) {
    yoton_value unused;
    int error = json_to_value(value, &unused, why);
    yoton_value_clear(&unused);
    if (error == YOTON_E_ARGUMENT)
        return error;
    *why = text;
    return YOTON_E_TYPE;
}

static int send_text(yoton_channel *channel, const json_t *value, const char **why) {
    if (!json_is_string(value))
        return unfit(value, "a channel of type txt sends strings", why);
    return yoton_send_text(channel, json_string_value(value), json_string_length(value));
}

static int send_bytes(yoton_channel *channel, const json_t *value, const char **why) {
    uint8_t *bytes;
    size_t size;
    if (json_object_get(value, "hex") == NULL)
        return unfit(value, "a channel of type bin sends bytes, as {\"hex\":\"00ff\"}", why);
    int error = json_to_bytes(value, &bytes, &size, why);
    if (error != YOTON_OK)
        return error;
    error = yoton_send_bytes(channel, bytes, size);
    free(bytes);
    return error;
}

static int send_object(yoton_channel *channel, const json_t *json, const char **why) {
    yoton_value value;
    int error = json_to_value(json, &value, why);
    if (error != YOTON_OK)
        return error;
    error = yoton_send_object(channel, &value);
    yoton_value_clear(&value);
    return error;
}

static int send_value(const agent_thing *thing, const json_t *value, const char **why) {
    switch (thing->type) {
    case YOTON_TXT:
        return send_text(thing->channel, value, why);
    case YOTON_BIN:
        return send_bytes(thing->channel, value, why);
    case YOTON_OBJ:
    case YOTON_CUSTOM: /* not offered */
        break;
    }
    return send_object(thing->channel, value, why);
}

static json_t *op_send(agent *agent, agent_request *request) {
    const agent_thing *thing = channel_of(agent, request);
    const json_t *value = json_object_get(request->fields, "value");
    const char *why = NULL;
    if (agent_failed(request))
        return NULL;
    if ((thing->kind != YOTON_PUB && thing->kind != YOTON_STATE) || value == NULL)
        return agent_fail(request, "bad-request", "send: %s",
                          value == NULL ? "there is no `value`"
                                        : "only pub and state channels send");
    int error = send_value(thing, value, &why);
    if (error == YOTON_OK)
        return json_object();
    if (why != NULL)
        return agent_fail(request, error == YOTON_E_ARGUMENT ? "bad-request" : "failed", "send: %s",
                          why);
    return agent_fail_library(request, error == YOTON_E_CLOSED ? "closed" : "failed");
}

/* ---- receive ---- */

static json_t *value_of(const agent_thing *thing, const yoton_message *message) {
    switch (thing->type) {
    case YOTON_TXT:
        return json_stringn(message->size > 0 ? (const char *)message->data : "", message->size);
    case YOTON_BIN:
        return json_from_bytes(message->data, message->size);
    case YOTON_OBJ:
    case YOTON_CUSTOM: /* not offered */
        break;
    }
    return json_from_value(&message->value);
}

static bool receives(agent_request *request, const agent_thing *thing, bool state_too) {
    if (thing != NULL && thing->kind != YOTON_SUB && !(state_too && thing->kind == YOTON_STATE))
        agent_fail(request, "bad-request", "only a sub channel%s receives",
                   state_too ? " or state channel" : "");
    return !agent_failed(request);
}

static json_t *op_recv(agent *agent, agent_request *request) {
    const agent_thing *thing = channel_of(agent, request);
    double timeout = agent_wait(request, "timeout", 0);
    yoton_message message;
    if (!receives(request, thing, true))
        return NULL;
    int error = yoton_recv(thing->channel, timeout, &message);
    if (error != YOTON_OK)
        return agent_fail_library(request, error == YOTON_E_TIMEOUT  ? "timeout"
                                           : error == YOTON_E_CLOSED ? "closed"
                                                                     : "failed");
    json_t *answer = json_pack("{s:o}", "value", value_of(thing, &message));
    yoton_message_clear(&message);
    return answer;
}

json_t *agent_messages(agent_request *request, const agent_thing *thing,
                       int (*receive)(yoton_channel *channel, yoton_message **list, size_t *count,
                                      size_t *malformed)) {
    yoton_message *messages;
    size_t count;
    size_t malformed;
    if (receive(thing->channel, &messages, &count, &malformed) != YOTON_OK)
        return agent_fail_library(request, "failed");
    json_t *values = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(values, value_of(thing, &messages[i]));
    yoton_messages_free(messages, count);
    return json_pack("{s:o, s:I}", "values", values, "malformed", (json_int_t)malformed);
}

static json_t *op_recv_all(agent *agent, agent_request *request) {
    const agent_thing *thing = channel_of(agent, request);
    return receives(request, thing, false) ? agent_messages(request, thing, yoton_recv_all) : NULL;
}

static json_t *op_pending(agent *agent, agent_request *request) {
    const agent_thing *thing = channel_of(agent, request);
    if (thing == NULL)
        return NULL;
    return json_pack("{s:I}", "count", (json_int_t)yoton_channel_pending(thing->channel));
}

static json_t *op_close_channel(agent *agent, agent_request *request) {
    const agent_thing *thing = channel_of(agent, request);
    if (thing == NULL)
        return NULL;
    yoton_channel_close(thing->channel);
    return json_object();
}

const agent_entry agent_channel_ops[] = {
    {"open", op_open, AGENT_AT_ONCE},
    {"send", op_send, AGENT_BY_CHANNEL},
    {"recv", op_recv, AGENT_RECEIVING},
    {"recv_all", op_recv_all, AGENT_AT_ONCE},
    {"pending", op_pending, AGENT_AT_ONCE},
    {"close_channel", op_close_channel, AGENT_AT_ONCE},
    {NULL, NULL, AGENT_AT_ONCE},
};
