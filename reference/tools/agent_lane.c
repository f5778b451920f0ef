/* SPDX-License-Identifier: BSD-2-Clause */
/* Who performs a request: this thread, a thread of its own, or the thread of its channel. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"

struct agent_lane {
    agent_lane *next;
    char *channel;
    uv_thread_t thread;
    uv_mutex_t lock;
    uv_cond_t filled;
    agent_request *first;
    agent_request *last;
};

static agent_request *take(agent_lane *lane) {
    uv_mutex_lock(&lane->lock);
    while (lane->first == NULL)
        uv_cond_wait(&lane->filled, &lane->lock);
    agent_request *request = lane->first;
    lane->first = request->next;
    if (lane->first == NULL)
        lane->last = NULL;
    uv_mutex_unlock(&lane->lock);
    return request;
}

/* Runs until the process ends. */
static void run_lane(void *argument) {
    for (;;)
        agent_perform(take(argument));
}

static void put(agent_lane *lane, agent_request *request) {
    uv_mutex_lock(&lane->lock);
    if (lane->last != NULL)
        lane->last->next = request;
    else
        lane->first = request;
    lane->last = request;
    uv_cond_signal(&lane->filled);
    uv_mutex_unlock(&lane->lock);
}

static agent_lane *open_lane(agent *agent, const char *channel) {
    agent_lane *lane = calloc(1, sizeof *lane);
    if (lane == NULL)
        return NULL;
    lane->channel = strdup(channel);
    if (lane->channel == NULL || uv_mutex_init(&lane->lock) != 0 ||
        uv_cond_init(&lane->filled) != 0 || uv_thread_create(&lane->thread, run_lane, lane) != 0) {
        free(lane->channel);
        free(lane);
        return NULL;
    }
    lane->next = agent->lanes;
    agent->lanes = lane;
    return lane;
}

static agent_lane *lane_of(agent *agent, const char *channel) {
    for (agent_lane *lane = agent->lanes; lane != NULL; lane = lane->next)
        if (strcmp(lane->channel, channel) == 0)
            return lane;
    return open_lane(agent, channel);
}

static void *run_alone(void *argument) {
    agent_perform(argument);
    return NULL;
}

static void perform_alone(agent_request *request) {
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int error = pthread_create(&thread, &attributes, run_alone, request);
    pthread_attr_destroy(&attributes);
    if (error != 0) {
        agent_fail(request, "failed", "no thread could be started: %s", strerror(error));
        agent_perform(request);
    }
}

static bool waits(const agent_request *request) {
    const json_t *timeout = json_object_get(request->fields, "timeout");
    return timeout != NULL && (!json_is_number(timeout) || json_number_value(timeout) > 0);
}

void agent_schedule(agent_request *request, agent_order order) {
    if (order == AGENT_RECEIVING)
        order = waits(request) ? AGENT_BY_CHANNEL : AGENT_AT_ONCE;
    request->agent->shared |= order != AGENT_AT_ONCE;
    if (order == AGENT_AT_ONCE) {
        agent_perform(request);
    } else if (order == AGENT_ALONE) {
        perform_alone(request);
    } else {
        agent_lane *lane = lane_of(request->agent, agent_text(request, "channel", NULL));
        if (lane != NULL && !agent_failed(request)) {
            put(lane, request);
            return;
        }
        agent_fail(request, "failed", "no thread could be started");
        agent_perform(request);
    }
}
