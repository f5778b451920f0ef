/* SPDX-License-Identifier: BSD-2-Clause */
/* Ops about client and server. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "context/exchange.h"

#define SHORTEST_WAIT 1e-9 /* a time that is over is not one without limit */

/* ---- The client ---- */

/* What is left of the time, as yoton_do_request wants it: 0 has no limit. */
static double time_left(agent_request *request) {
    if (!agent_has(request, "timeout") || agent_number(request, "timeout", true, 0) <= 0)
        return 0;
    double left = agent_wait(request, "timeout", 0);
    return left > SHORTEST_WAIT ? left : SHORTEST_WAIT;
}

/* The answer as it came, as the original gives it: with its CRLF, if it had one. */
static json_t *answer_of(agent_request *request, char *text, size_t size, bool ended) {
    char *whole = realloc(text, size + sizeof YOTON_TEXT_END);
    if (whole == NULL) {
        free(text);
        return agent_fail(request, "failed", "out of memory");
    }
    if (ended)
        memcpy(whole + size, YOTON_TEXT_END, YOTON_TEXT_END_SIZE);
    json_t *answer = json_pack("{s:s%}", "text", whole, size + (ended ? YOTON_TEXT_END_SIZE : 0));
    free(whole);
    return answer;
}

static json_t *op_do_request(agent *agent, agent_request *request) {
    const json_t *text = json_object_get(request->fields, "text"); /* may hold U+0000 */
    const char *address = agent_text(request, "address", NULL);
    double timeout = time_left(request);
    char *answer;
    size_t size;
    bool ended;
    (void)agent;
    if (!json_is_string(text))
        agent_fail(request, "bad-request", "do_request: `text` must be a string");
    if (agent_failed(request))
        return NULL;
    int error = request_ask(address, json_string_value(text), json_string_length(text), timeout, 0,
                            &answer, &size, &ended);
    if (error == YOTON_E_TIMEOUT) /* CS-5 */
        return json_pack("{s:n}", "text");
    if (error != YOTON_OK)
        return agent_fail_library(request, "failed");
    return answer_of(request, answer, size, ended);
}

/* ---- Servers ---- */

/* Those that were not stopped by the op, by the ports they had; guarded by the agent's lock. */
typedef struct serving {
    struct serving *next;
    yoton_request_server *server;
    uv_thread_t thread; /* for `none`: to this process it is the calling thread */
    bool in_thread;
} serving;

static serving *servers;

static void run_server(void *argument) {
    serving *it = argument;
    yoton_request_server_run(it->server);
}

static bool begin(serving *it, const char *mode) {
    if (strcmp(mode, "none") != 0)
        return yoton_request_server_start(it->server) == YOTON_OK;
    it->in_thread = uv_thread_create(&it->thread, run_server, it) == 0;
    return it->in_thread;
}

static json_t *begin_and_keep(agent *agent, agent_request *request, serving *it, const char *mode) {
    if (!begin(it, mode)) {
        yoton_request_server_free(it->server);
        free(it);
        return agent_fail(request, "failed", "serve: no thread could be started");
    }
    int port = yoton_request_server_port(it->server);
    uv_mutex_lock(&agent->lock);
    it->next = servers;
    servers = it;
    uv_mutex_unlock(&agent->lock);
    return json_pack("{s:i}", "port", port);
}

static bool known_mode(const char *mode) {
    return strcmp(mode, "none") == 0 || strcmp(mode, "own") == 0 || strcmp(mode, "each") == 0;
}

static json_t *op_serve(agent *agent, agent_request *request) {
    const char *address = agent_text(request, "address", NULL);
    const char *mode = agent_text(request, "thread", "own");
    const yoton_server_options options = {.threads = strcmp(mode, "each") == 0, .verbosity = 1};
    if (!known_mode(mode))
        agent_fail(request, "unsupported", "serve: `thread` must be one of none, own, each");
    if (agent_failed(request))
        return NULL;
    serving *it = calloc(1, sizeof *it);
    if (it == NULL)
        return agent_fail(request, "failed", "out of memory");
    if (yoton_request_server_new(address, &options, &it->server) != YOTON_OK) {
        free(it);
        return agent_fail_library(request, "failed");
    }
    return begin_and_keep(agent, request, it, mode);
}

/* The last one that had the port: an earlier one has ended by itself. */
static serving *take_server(agent *agent, json_int_t port) {
    uv_mutex_lock(&agent->lock);
    serving **place = &servers;
    while (*place != NULL && yoton_request_server_port((*place)->server) != port)
        place = &(*place)->next;
    serving *it = *place;
    if (it != NULL)
        *place = it->next;
    uv_mutex_unlock(&agent->lock);
    return it;
}

static json_t *op_stop_serve(agent *agent, agent_request *request) {
    json_int_t port = agent_integer(request, "port", true, 0);
    serving *it = agent_failed(request) ? NULL : take_server(agent, port);
    if (it == NULL)
        return agent_fail(request, "bad-request", "stop_serve: nothing serves at that port");
    yoton_request_server_stop(it->server);
    if (it->in_thread)
        uv_thread_join(&it->thread);
    yoton_request_server_free(it->server);
    free(it);
    return json_object();
}

const agent_entry agent_exchange_ops[] = {
    {"do_request", op_do_request, AGENT_ALONE},
    {"serve", op_serve, AGENT_ALONE},
    {"stop_serve", op_stop_serve, AGENT_ALONE},
    {NULL, NULL, AGENT_AT_ONCE},
};
