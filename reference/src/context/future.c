/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of req channels and their futures. */
#include <stdlib.h>
#include <string.h>

#include "context/internal.h"

typedef struct done {
    struct done *next;
    yoton_done_fn fn;
    void *user;
} done;

typedef enum future_state { OFFERED, RUNNING, CANCELLED, FINISHED } future_state;

struct yoton_future {
    atomic_size_t references;
    yoton_channel *channel; /* counted */
    request request;        /* of the channel's machine, which holds a reference until it is over */
    bool own;               /* made by yoton_future_new: no request belongs to it */
    yoton_time called;
    future_state state;
    yoton_package *reply; /* not decoded yet */
    bool decoding;
    int error;         /* FINISHED: YOTON_OK, YOTON_E_REMOTE, YOTON_E_CLOSED or YOTON_E_NOMEM */
    yoton_value value; /* the result, or the message of the failure as a string */
    done *first_done;
    done *last_done;
    notice notice;
};

static yoton_future *owner_of_notice(notice *told) {
    return (yoton_future *)(void *)((char *)told - offsetof(yoton_future, notice));
}

static yoton_future *owner_of(request *request) {
    return (yoton_future *)(void *)((char *)request - offsetof(yoton_future, request));
}

yoton_future *yoton_future_ref(yoton_future *future) {
    atomic_fetch_add(&future->references, 1);
    return future;
}

void yoton_future_unref(yoton_future *future) {
    if (future == NULL || atomic_fetch_sub(&future->references, 1) != 1)
        return;
    while (future->first_done != NULL) {
        done *next = future->first_done->next;
        free(future->first_done);
        future->first_done = next;
    }
    yoton_value_clear(&future->value);
    yoton_package_unref(future->reply);
    channel_unref(future->channel);
    free(future);
}

static void lock(const yoton_future *future) { uv_mutex_lock(&future->channel->context->lock); }
static void unlock(const yoton_future *future) { uv_mutex_unlock(&future->channel->context->lock); }

static bool is_done(const yoton_future *future) { return future->state >= CANCELLED; }

/* ---- Telling who wants to know ---- */

static done *pop_done(yoton_future *future) {
    lock(future);
    done *first = future->first_done;
    if (first != NULL)
        future->first_done = first->next;
    unlock(future);
    return first;
}

static void notice_tell(notice *told) {
    yoton_future *future = owner_of_notice(told);
    done *first;
    while ((first = pop_done(future)) != NULL) {
        first->fn(future, first->user);
        free(first);
    }
}

/* A context that is freed tells nothing: its callbacks are made by who ends the future. */
static void tell_if_nobody_else(yoton_future *future) {
    lock(future);
    bool due = future->first_done != NULL && is_done(future) &&
               nobody_serves(future->channel->context) && !future->notice.listed;
    unlock(future);
    if (due)
        notice_tell(&future->notice);
}

static void notice_take(notice *told) { yoton_future_ref(owner_of_notice(told)); }
static void notice_drop(notice *told) { yoton_future_unref(owner_of_notice(told)); }

/* [locked] */
static void finish(yoton_future *future, future_state state, int error) {
    future->state = state;
    future->error = error;
    channel_wake(future->channel);
    if (future->first_done != NULL)
        notify(future->channel->context, &future->notice);
}

/* ---- What the machine of the channel tells ---- */

void future_step(request *request, yoton_package *package) {
    yoton_future *future = owner_of(request);
    if (request->state == REQUEST_TAKEN) {
        future->state = RUNNING;
        return;
    }
    if (request->error == YOTON_OK)
        future->reply = yoton_package_ref(package);
    finish(future, FINISHED, request->error);
    yoton_future_unref(future);
}

void future_cancelled(request *request) {
    yoton_future *future = owner_of(request);
    finish(future, CANCELLED, YOTON_OK);
    yoton_future_unref(future);
}

void futures_close(yoton_channel *channel) {
    request *request;
    while ((request = requester_abandon(&channel->machine.as.requester)) != NULL) {
        yoton_future *future = owner_of(request);
        if (future->state == OFFERED)
            finish(future, CANCELLED, YOTON_OK);
        else
            finish(future, FINISHED, YOTON_E_CLOSED);
        yoton_future_unref(future);
    }
}

/* ---- Replies ---- */

static bool is_error_reply(const yoton_value *value) {
    if (value->type != YOTON_TUPLE || value->as.list.count != 2)
        return false;
    const yoton_value *mark = &value->as.list.items[0];
    return mark->type == YOTON_STRING && strcmp(mark->as.string.bytes, REQUEST_ERROR_MARK) == 0 &&
           mark->as.string.size == sizeof REQUEST_ERROR_MARK - 1 &&
           value->as.list.items[1].type == YOTON_STRING;
}

/* Takes the message out of an error reply. */
static int judge(yoton_value *value) {
    if (!is_error_reply(value))
        return YOTON_OK;
    yoton_value message = value->as.list.items[1];
    value->as.list.items[1] = (yoton_value){.type = YOTON_NONE};
    yoton_value_clear(value);
    *value = message;
    return YOTON_E_REMOTE;
}

static int decode(const yoton_future *future, yoton_package *reply, yoton_value *value) {
    int error = yoton_object_decode(value, yoton_package_payload(reply),
                                    (size_t)yoton_package_header(reply)->length,
                                    future->channel->machine.core.max_depth, NULL);
    if (error == YOTON_OK)
        return judge(value);
    if (error == YOTON_E_NOMEM)
        return error;
    const char *why = yoton_strerror(error); /* MSG-6 */
    char text[128] = "malformed reply: ";
    strncat(text, why, sizeof text - strlen(text) - 1);
    return yoton_value_string(value, text, strlen(text)) == YOTON_OK ? YOTON_E_REMOTE
                                                                     : YOTON_E_NOMEM;
}

/* The first who asks decodes, without the lock: a reply may be large. Returns YOTON_OK, or
 * YOTON_E_NOMEM: the reply is still there, and can be asked for again. [locked] */
static int settle(yoton_future *future) {
    while (future->decoding)
        uv_cond_wait(&future->channel->arrived, &future->channel->context->lock);
    yoton_package *reply = future->reply;
    if (reply == NULL)
        return YOTON_OK;
    yoton_value value = {.type = YOTON_NONE};
    future->reply = NULL;
    future->decoding = true;
    unlock(future);
    int error = decode(future, reply, &value);
    lock(future);
    future->decoding = false;
    uv_cond_broadcast(&future->channel->arrived);
    if (error == YOTON_E_NOMEM) {
        future->reply = reply;
        return error;
    }
    yoton_package_unref(reply);
    future->value = value;
    future->error = error;
    return YOTON_OK;
}

/* Waits for the end. Returns YOTON_OK, YOTON_E_TIMEOUT, YOTON_E_CANCELLED or YOTON_E_NOMEM.
 * [locked] */
static int await(yoton_future *future, yoton_time deadline) {
    while (!is_done(future))
        if (!channel_wait(future->channel, deadline))
            return YOTON_E_TIMEOUT;
    if (future->state == CANCELLED)
        return YOTON_E_CANCELLED;
    return settle(future);
}

static yoton_time deadline_of(double timeout) { return timeout > 0 ? moment_in(timeout) : 0; }

static int report_result(const yoton_future *future, int error) {
    const channel_core *core = &future->channel->machine.core;
    if (error != YOTON_E_REMOTE || future->value.type != YOTON_STRING)
        return channel_report(future->channel, "get a result on", error);
    return report_error(error, "the request on %.200s failed: %.250s", core->out.name,
                        future->value.as.string.bytes);
}

/* [locked] */
static int result_of(yoton_future *future, int ended, const yoton_value **result) {
    if (ended != YOTON_OK)
        return ended;
    if (future->error == YOTON_OK)
        *result = &future->value;
    return future->error;
}

/* ---- What the user calls ---- */

static yoton_future *make(yoton_channel *channel) {
    yoton_future *future = calloc(1, sizeof *future);
    if (future == NULL)
        return NULL;
    atomic_init(&future->references, 1);
    future->channel = channel_ref(channel);
    future->notice.tell = notice_tell;
    future->notice.take = notice_take;
    future->notice.drop = notice_drop;
    return future;
}

/* [locked] */
static int offer(yoton_future *future, const uint8_t *coded, size_t size) {
    yoton_channel *channel = future->channel;
    yoton_time now = uv_hrtime();
    channel_turn(channel);
    if (channel->closed)
        return YOTON_E_CLOSED;
    future->called = now;
    int error = requester_call(&channel->machine.as.requester, &future->request, now, coded, size,
                               now + span_of(YOTON_AUTO_CANCEL_DEFAULT));
    if (error != YOTON_OK)
        return error;
    yoton_future_ref(future); /* the machine's */
    channel_schedule(channel);
    return YOTON_OK;
}

static int call_coded(yoton_channel *channel, const uint8_t *coded, size_t size,
                      yoton_future **future) {
    if (!channel_fits(channel, size))
        return YOTON_E_LENGTH;
    yoton_future *made = make(channel);
    if (made == NULL)
        return YOTON_E_NOMEM;
    lock(made);
    int error = offer(made, coded, size);
    unlock(made);
    if (error == YOTON_OK && future != NULL)
        *future = yoton_future_ref(made);
    yoton_future_unref(made);
    return error;
}

/* REQREP-7: the parts are only borrowed by the tuple. */
static int encode_call(const yoton_channel *channel, yoton_value parts[3], uint8_t **coded,
                       size_t *size) {
    const yoton_value request = {.type = YOTON_TUPLE, .as.list = {.items = parts, .count = 3}};
    size_t depth = channel->machine.core.max_depth;
    int error = yoton_object_size(&request, depth, size);
    if (error != YOTON_OK)
        return error;
    *coded = malloc(*size);
    return *coded != NULL ? yoton_object_encode(&request, depth, *coded, size) : YOTON_E_NOMEM;
}

static bool has_text_keys(const yoton_value *kwargs) {
    for (size_t i = 0; i < kwargs->as.list.count; i += 2)
        if (kwargs->as.list.items[i].type != YOTON_STRING)
            return false;
    return true;
}

static int check_call(const yoton_channel *channel, const yoton_value *args,
                      const yoton_value *kwargs) {
    if (channel->machine.core.kind != YOTON_REQ)
        return YOTON_E_STATE;
    if (args != NULL && args->type != YOTON_LIST && args->type != YOTON_TUPLE)
        return YOTON_E_ARGUMENT;
    if (kwargs != NULL && (kwargs->type != YOTON_DICT || !has_text_keys(kwargs)))
        return YOTON_E_ARGUMENT;
    return YOTON_OK;
}

int yoton_call(yoton_channel *channel, const char *method, const yoton_value *args,
               const yoton_value *kwargs, yoton_future **future) {
    uint8_t *coded = NULL;
    size_t size;
    yoton_value parts[3] = {{.type = YOTON_NONE}, {.type = YOTON_TUPLE}, {.type = YOTON_DICT}};
    if (future != NULL)
        *future = NULL;
    int error = check_call(channel, args, kwargs);
    if (error == YOTON_OK)
        error = yoton_value_string(&parts[0], method, strlen(method));
    if (error == YOTON_OK && args != NULL)
        parts[1].as = args->as;
    if (error == YOTON_OK && kwargs != NULL)
        parts[2].as = kwargs->as;
    if (error == YOTON_OK)
        error = encode_call(channel, parts, &coded, &size);
    if (error == YOTON_OK)
        error = call_coded(channel, coded, size, future);
    yoton_value_clear(&parts[0]);
    free(coded);
    return error == YOTON_OK ? error : channel_report(channel, "call on", error);
}

uint64_t yoton_future_id(const yoton_future *future) { return future->request.id; }

int yoton_future_result(yoton_future *future, double timeout, const yoton_value **result) {
    *result = NULL;
    lock(future);
    int error = result_of(future, await(future, deadline_of(timeout)), result);
    unlock(future);
    return error == YOTON_OK ? error : report_result(future, error);
}

/* [locked] */
static bool cancel(yoton_future *future) {
    if (future->state != OFFERED)
        return future->state == CANCELLED;
    if (future->own) {
        finish(future, CANCELLED, YOTON_OK);
    } else {
        requester_cancel(&future->channel->machine.as.requester, &future->request);
        future_cancelled(&future->request);
    }
    return true;
}

int yoton_future_result_or_cancel(yoton_future *future, double timeout,
                                  const yoton_value **result) {
    *result = NULL;
    lock(future);
    int ended = await(future, deadline_of(timeout));
    if (ended == YOTON_E_TIMEOUT && cancel(future))
        ended = YOTON_E_CANCELLED;
    int error = result_of(future, ended, result);
    unlock(future);
    tell_if_nobody_else(future);
    return error == YOTON_OK ? error : report_result(future, error);
}

static const char *failure_of(const yoton_future *future) {
    if (future->error == YOTON_OK)
        return NULL;
    return future->value.type == YOTON_STRING ? future->value.as.string.bytes
                                              : yoton_strerror(future->error);
}

int yoton_future_exception(yoton_future *future, double timeout, const char **message) {
    *message = NULL;
    lock(future);
    int error = await(future, deadline_of(timeout));
    if (error == YOTON_OK)
        *message = failure_of(future);
    unlock(future);
    return error == YOTON_OK ? error : report_result(future, error);
}

int yoton_future_cancel(yoton_future *future) {
    lock(future);
    bool cancelled = cancel(future);
    unlock(future);
    tell_if_nobody_else(future);
    return cancelled;
}

static future_state state_of(yoton_future *future) {
    lock(future);
    future_state state = future->state;
    unlock(future);
    return state;
}

int yoton_future_cancelled(yoton_future *future) { return state_of(future) == CANCELLED; }
int yoton_future_running(yoton_future *future) { return state_of(future) == RUNNING; }
int yoton_future_done(yoton_future *future) { return state_of(future) >= CANCELLED; }

int yoton_future_set_auto_cancel_timeout(yoton_future *future, double seconds) {
    if (!(seconds >= 0))
        return report_error(YOTON_E_ARGUMENT, "cannot set a time of %g s to cancel a request after",
                            seconds);
    yoton_time span = span_of(seconds);
    lock(future);
    if (!future->own && future->state == OFFERED) {
        yoton_time when = span < YOTON_NEVER - future->called ? future->called + span : YOTON_NEVER;
        requester_set_cancel(&future->channel->machine.as.requester, &future->request, when);
        channel_schedule(future->channel);
    }
    unlock(future);
    return YOTON_OK;
}

int yoton_future_add_done_callback(yoton_future *future, yoton_done_fn fn, void *user) {
    if (fn == NULL)
        return report_plain(YOTON_E_ARGUMENT, "add a callback to a future");
    done *added = malloc(sizeof *added);
    if (added == NULL)
        return report_plain(YOTON_E_NOMEM, "add a callback to a future");
    *added = (done){.fn = fn, .user = user};
    lock(future);
    bool at_once = is_done(future);
    if (!at_once) {
        *(future->first_done != NULL ? &future->last_done->next : &future->first_done) = added;
        future->last_done = added;
    }
    unlock(future);
    if (at_once) {
        fn(future, user);
        free(added);
    }
    return YOTON_OK;
}

/* ---- Futures of an executor's own ---- */

int yoton_future_new(yoton_channel *channel, yoton_future **future) {
    *future = NULL;
    if (channel->machine.core.kind != YOTON_REQ)
        return channel_report(channel, "make a future of", YOTON_E_STATE);
    *future = make(channel);
    if (*future == NULL)
        return channel_report(channel, "make a future of", YOTON_E_NOMEM);
    (*future)->own = true;
    return YOTON_OK;
}

static int report_state(const yoton_future *future) {
    return channel_report(future->channel, "bring a future to its end on", YOTON_E_STATE);
}

int yoton_future_set_running_or_notify_cancel(yoton_future *future) {
    int answer = YOTON_E_STATE;
    lock(future);
    if (future->own && future->state == CANCELLED)
        answer = 0;
    if (future->own && future->state == OFFERED) {
        future->state = RUNNING;
        answer = 1;
    }
    unlock(future);
    return answer < 0 ? report_state(future) : answer;
}

/* What *value holds moves into the future. */
static int set_end(yoton_future *future, yoton_value *value, int error) {
    lock(future);
    bool possible = future->own && !is_done(future);
    if (possible) {
        future->value = *value;
        *value = (yoton_value){.type = YOTON_NONE};
        finish(future, FINISHED, error);
    }
    unlock(future);
    tell_if_nobody_else(future);
    return possible ? YOTON_OK : report_state(future);
}

int yoton_future_set_result(yoton_future *future, yoton_value *result) {
    return set_end(future, result, YOTON_OK);
}

int yoton_future_set_exception(yoton_future *future, const char *message) {
    yoton_value value;
    int error = yoton_value_string(&value, message, strlen(message));
    if (error == YOTON_OK)
        error = set_end(future, &value, YOTON_E_REMOTE);
    else
        report_plain(error, "set the failure of a future");
    yoton_value_clear(&value);
    return error;
}
