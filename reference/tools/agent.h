/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of `yoton agent`: cmd_agent.c (lines in, lines out), agent_request.c (one request),
 * agent_lane.c (who performs it), agent_context.c, agent_connection.c, agent_channel.c,
 * agent_patterns.c and agent_exchange.c (the ops). */
#ifndef YOTON_TOOLS_AGENT_H
#define YOTON_TOOLS_AGENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "yoton/yoton.h"

#define AGENT_PROTOCOL 1
#define AGENT_VERSION "1.0"

typedef struct agent agent;

/* A connection, a channel or a future under the name by which the other side of the protocol calls
 * it. */
typedef struct agent_thing {
    agent *agent;
    char *name;
    yoton_connection *connection;
    yoton_channel *channel;
    yoton_future *future;
    yoton_channel_kind kind;
    yoton_message_type type;
} agent_thing;

/* Names to things. Things are never taken out: what has closed can still be asked about. */
typedef struct agent_register {
    agent_thing **list;
    size_t count;
    size_t room;
} agent_register;

typedef struct agent_lane agent_lane;

struct agent {
    uv_mutex_t lock; /* of the registers */
    agent_register connections;
    agent_register channels;
    agent_register futures;
    agent_lane *lanes;    /* this and `shared` belong to the thread that reads requests */
    bool shared;          /* other threads may use the context: it cannot be replaced any more */
    yoton_events *events; /* processed by a thread of their own */
    yoton_context *context;
    yoton_options options;
    uv_mutex_t output;
};

/* One request. The answer is an object, or a code and a line of text. */
typedef struct agent_request agent_request;
typedef json_t *(*agent_op)(agent *agent, agent_request *request);

struct agent_request {
    agent *agent;
    agent_request *next; /* in its lane */
    agent_op op;
    json_t *fields;
    uint64_t arrived; /* on uv_hrtime's clock */
    const char *code; /* NULL while nothing is wrong */
    char error[512];
    json_t *remote;     /* goes with the error: what the other end reported */
    agent_thing *watch; /* its events are told once the answer is out */
};

/* How an op is performed. */
typedef enum agent_order {
    AGENT_AT_ONCE,    /* never waits */
    AGENT_ALONE,      /* may wait; in any order with others */
    AGENT_BY_CHANNEL, /* may wait; one behind the other for each channel */
    AGENT_RECEIVING   /* as BY_CHANNEL, but at once when its timeout is 0 */
} agent_order;

typedef struct agent_entry {
    const char *name;
    agent_op op;
    agent_order order;
} agent_entry;

extern const agent_entry agent_context_ops[];
extern const agent_entry agent_connection_ops[];
extern const agent_entry agent_channel_ops[];
extern const agent_entry agent_pattern_ops[];
extern const agent_entry agent_exchange_ops[]; /* each ends with a NULL name */

/* ---- cmd_agent.c ---- */

/* Purpose: write one line. Takes the reference. Safe from any thread. */
void agent_write(agent *agent, json_t *line);
/* Purpose: write an event about a thing (`kind` is "connection" or "channel"), with its time.
 * `key` and `value` (taken over) are a further field; both NULL for none. */
void agent_event(const agent_thing *thing, const char *event, const char *kind, const char *key,
                 json_t *value);
/* Purpose: perform a request, answer it and free it. */
void agent_perform(agent_request *request);
/* Purpose: the names of all ops. Returns a new array. */
json_t *agent_op_names(void);

/* ---- agent_request.c ---- */

/* Purpose: note that a request fails. Returns NULL. */
json_t *agent_fail(agent_request *request, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Purpose: the same with the words of the library for its last error. */
json_t *agent_fail_library(agent_request *request, const char *code);

/* Purpose: take a field. Without a standard value (NULL, or `required`) it has to be there; what is
 * missing or of the wrong type fails the request, and the value returned is of no use. */
const char *agent_text(agent_request *request, const char *name, const char *standard);
bool agent_has(const agent_request *request, const char *name); /* there, and not null */
double agent_number(agent_request *request, const char *name, bool required, double standard);
json_int_t agent_integer(agent_request *request, const char *name, bool required,
                         json_int_t standard);
/* Purpose: what is left of a time to wait, which counts from when the request was read; null is for
 * ever. */
double agent_wait(agent_request *request, const char *name, double standard);
bool agent_failed(const agent_request *request);

/* Purpose: put a thing under a name; agent_thing_new makes the name up if it is NULL.
 * Returns NULL when the name is taken or memory is short. */
agent_thing *agent_thing_new(agent *agent, agent_register *in, const char *name,
                             const agent_thing *content);
/* Purpose: the thing of that name, or NULL. */
agent_thing *agent_thing_named(agent *agent, const agent_register *in, const char *name);
/* Purpose: the thing that the field `field` names; fails the request when there is none. */
agent_thing *agent_thing_of(agent_request *request, agent_register *in, const char *field);

/* ---- agent_channel.c ---- */

/* Purpose: the answer with all messages that `receive` gives. */
json_t *agent_messages(agent_request *request, const agent_thing *thing,
                       int (*receive)(yoton_channel *channel, yoton_message **list, size_t *count,
                                      size_t *malformed));

/* ---- agent_lane.c ---- */

/* Purpose: have a request performed. */
void agent_schedule(agent_request *request, agent_order order);

/* ---- watching ---- */

void agent_watch_connection(agent_thing *thing);
void agent_watch_channel(agent_thing *thing);

#endif
