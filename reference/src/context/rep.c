/* SPDX-License-Identifier: BSD-2-Clause */
/* The executor of a rep channel: methods by name, called from an event loop or from a thread. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context/internal.h"

typedef struct method {
    struct method *next;
    yoton_method_fn fn;
    void *user;
    char name[];
} method;

typedef struct rep {
    yoton_channel *channel; /* not counted: it owns this */
    yoton_rep_mode mode;
    method *methods;
    notice notice;   /* in mode event: there is work */
    bool has_thread; /* started at the first switch to mode thread, ends with the channel */
    uv_thread_t thread;
} rep;

/* The channel whose method runs in this thread. */
static _Thread_local const yoton_channel *executing;

/* ---- Methods ---- */

static method **find(rep *rep, const char *name) {
    method **at = &rep->methods;
    while (*at != NULL && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

static int set_method(rep *rep, const char *name, yoton_method_fn fn, void *user) {
    method **at = find(rep, name);
    size_t size = strlen(name) + 1;
    if (fn == NULL || *at != NULL) {
        method *old = *at;
        if (old != NULL && fn != NULL) {
            old->fn = fn;
            old->user = user;
        } else if (old != NULL) {
            *at = old->next;
            free(old);
        }
        return YOTON_OK;
    }
    method *new = malloc(sizeof *new + size);
    if (new == NULL)
        return YOTON_E_NOMEM;
    *new = (method){.fn = fn, .user = user};
    memcpy(new->name, name, size);
    *at = new;
    return YOTON_OK;
}

/* REQREP-25: sleeps for `sleep` seconds, but not longer than the channel is open. */
static void doze(yoton_channel *channel, double seconds) {
    yoton_time deadline = moment_in(seconds);
    uv_mutex_lock(&channel->context->lock);
    while (!channel->closed && channel_wait(channel, deadline)) {
    }
    uv_mutex_unlock(&channel->context->lock);
}

static const yoton_value *argument(const yoton_value *args, const yoton_value *kwargs, size_t place,
                                   const char *name) {
    yoton_value key = {.type = YOTON_STRING};
    if (place < args->as.list.count)
        return &args->as.list.items[place];
    key.as.string.bytes = (char *)(uintptr_t)name; /* only read */
    key.as.string.size = strlen(name);
    return yoton_dict_get(kwargs, &key);
}

static double seconds_of(const yoton_value *value) {
    if (value == NULL)
        return 0;
    if (value->type == YOTON_FLOAT)
        return value->as.number;
    return value->type == YOTON_INT ? (double)value->as.integer : 0;
}

/* A copy by way of its coding. */
static int copy(const yoton_value *value, size_t depth, yoton_value *copied) {
    size_t size;
    int error = yoton_object_size(value, depth, &size);
    if (error != YOTON_OK)
        return error;
    uint8_t *coded = malloc(size);
    if (coded == NULL)
        return YOTON_E_NOMEM;
    error = yoton_object_encode(value, depth, coded, &size);
    if (error == YOTON_OK)
        error = yoton_object_decode(copied, coded, size, depth, NULL);
    free(coded);
    return error;
}

static int fail_with(yoton_value *result, const char *message) {
    yoton_value_string(result, message, strlen(message));
    return YOTON_E_ARGUMENT;
}

static int echo(yoton_channel *channel, const yoton_value *args, const yoton_value *kwargs,
                yoton_value *result, void *user) {
    (void)user;
    char id[24];
    yoton_value first, name;
    const yoton_value *said = argument(args, kwargs, 0, "arg1");
    size_t given = args->as.list.count + kwargs->as.list.count / 2;
    if (said == NULL || given > 2)
        return fail_with(result, "echo takes arg1, and sleep in seconds");
    doze(channel, seconds_of(argument(args, kwargs, 1, "sleep")));
    snprintf(id, sizeof id, "0x%llx", (unsigned long long)channel->context->id);
    int error = copy(said, channel->machine.core.max_depth, &first);
    if (error != YOTON_OK)
        return error;
    *result = (yoton_value){.type = YOTON_TUPLE};
    error = yoton_value_string(&name, id, strlen(id));
    if (error == YOTON_OK)
        error = yoton_value_append(result, &first);
    if (error == YOTON_OK)
        error = yoton_value_append(result, &name);
    yoton_value_clear(&first);
    yoton_value_clear(&name);
    return error;
}

/* ---- Requests ---- */

/* REQREP-7 */
static bool is_request(const yoton_value *value) {
    if (value->type != YOTON_TUPLE || value->as.list.count != 3)
        return false;
    const yoton_value *parts = value->as.list.items;
    if (parts[0].type != YOTON_STRING || parts[1].type != YOTON_TUPLE ||
        parts[2].type != YOTON_DICT)
        return false;
    for (size_t i = 0; i < parts[2].as.list.count; i += 2)
        if (parts[2].as.list.items[i].type != YOTON_STRING)
            return false;
    return true;
}

/* REQREP-21. A name with a NUL in it is no method's. */
static bool look_up(yoton_channel *channel, const yoton_value *name, method *found) {
    uv_mutex_lock(&channel->context->lock);
    const method *known = *find(channel->rep, name->as.string.bytes);
    bool there = known != NULL && strlen(name->as.string.bytes) == name->as.string.size;
    if (there) {
        found->fn = known->fn;
        found->user = known->user;
    }
    uv_mutex_unlock(&channel->context->lock);
    return there;
}

/* *result is the result, or a message, or None. */
static int execute(yoton_channel *channel, const yoton_value *request, yoton_value *result) {
    method called;
    char why[160];
    if (!is_request(request)) /* REQREP-23 */
        return fail_with(result, "not a request: it must be the tuple of a name, a tuple of "
                                 "arguments and a dictionary of named ones");
    const yoton_value *parts = request->as.list.items;
    if (!look_up(channel, &parts[0], &called)) {
        const char *name = parts[0].as.string.bytes;
        snprintf(why, sizeof why, "no method %s is offered here",
                 strlen(name) < sizeof why / 2 ? name : "of this name");
        return fail_with(result, why);
    }
    return called.fn(channel, &parts[1], &parts[2], result, called.user);
}

/* The tuple of REQREP-19 around the message that *value is, or else around the words of the error.
 * Returns YOTON_OK or YOTON_E_NOMEM; then *value is None. */
static int make_error(yoton_value *value, int failure) {
    yoton_value mark, message = *value, tuple = {.type = YOTON_TUPLE};
    *value = (yoton_value){.type = YOTON_NONE};
    int error = yoton_value_string(&mark, REQUEST_ERROR_MARK, sizeof REQUEST_ERROR_MARK - 1);
    if (error == YOTON_OK && message.type != YOTON_STRING) {
        const char *text = yoton_strerror(failure);
        yoton_value_clear(&message);
        error = yoton_value_string(&message, text, strlen(text));
    }
    if (error == YOTON_OK)
        error = yoton_value_append(&tuple, &mark);
    if (error == YOTON_OK)
        error = yoton_value_append(&tuple, &message);
    yoton_value_clear(&mark);
    yoton_value_clear(&message);
    if (error == YOTON_OK)
        *value = tuple;
    else
        yoton_value_clear(&tuple);
    return error;
}

static int encode(const yoton_channel *channel, const yoton_value *value, uint8_t **coded,
                  size_t *size) {
    size_t depth = channel->machine.core.max_depth;
    int error = yoton_object_size(value, depth, size);
    if (error == YOTON_OK && !channel_fits(channel, *size))
        error = YOTON_E_LENGTH;
    if (error != YOTON_OK)
        return error;
    *coded = malloc(*size);
    if (*coded == NULL)
        return YOTON_E_NOMEM;
    error = yoton_object_encode(value, depth, *coded, size);
    if (error != YOTON_OK) {
        free(*coded);
        *coded = NULL;
    }
    return error;
}

/* REQREP-19 */
static int encode_error(const yoton_channel *channel, yoton_value *value, int failure,
                        uint8_t **coded, size_t *size) {
    int error = make_error(value, failure);
    return error == YOTON_OK ? encode(channel, value, coded, size) : error;
}

/* The coded reply to a request, or NULL when there is no memory for any. */
static uint8_t *reply_to(yoton_channel *channel, yoton_package *package, size_t *size) {
    yoton_value request, result = {.type = YOTON_NONE};
    uint8_t *coded = NULL;
    int error = yoton_object_decode(&request, yoton_package_payload(package),
                                    (size_t)yoton_package_header(package)->length,
                                    channel->machine.core.max_depth, NULL);
    if (error == YOTON_OK)
        error = execute(channel, &request, &result);
    yoton_value_clear(&request);
    if (error == YOTON_OK) {
        error = encode(channel, &result, &coded, size);
        if (error != YOTON_OK)
            yoton_value_clear(&result); /* REQREP-22 */
    }
    if (error != YOTON_OK && encode_error(channel, &result, error, &coded, size) != YOTON_OK) {
        yoton_value_clear(&result); /* its own words were too long */
        encode_error(channel, &result, error, &coded, size);
    }
    yoton_value_clear(&result);
    return coded;
}

/* ---- The two executors ---- */

/* Sends the reply. Where there is no memory for it there may be some for saying that, so that
 * nobody waits for it. [locked] */
static void answer(yoton_channel *channel, uint8_t **reply, size_t size) {
    const replier *replier = &channel->machine.as.replier;
    yoton_value failure = {.type = YOTON_NONE};
    if (replier_reply(replier, *reply, size) == YOTON_OK)
        return;
    free(*reply);
    *reply = NULL;
    if (encode_error(channel, &failure, YOTON_E_NOMEM, reply, &size) == YOTON_OK)
        replier_reply(replier, *reply, size);
    yoton_value_clear(&failure);
}

/* [locked] */
static void perform(yoton_channel *channel, yoton_package *package) {
    const yoton_channel *before = executing;
    size_t size = 0;
    uv_mutex_unlock(&channel->context->lock);
    executing = channel;
    uint8_t *reply = reply_to(channel, package, &size);
    executing = before;
    yoton_package_unref(package);
    uv_mutex_lock(&channel->context->lock);
    channel_turn(channel);
    if (!channel->closed && reply != NULL)
        answer(channel, &reply, size);
    replier_done(&channel->machine.as.replier);
    free(reply);
}

/* Performs the next request. Returns false when there is none, or it is another executor's.
 * [locked] */
static bool perform_next(yoton_channel *channel, yoton_rep_mode mode) {
    yoton_package *request = NULL;
    if (!channel->closed && channel->rep->mode == mode)
        request =
            replier_next(&channel->machine.as.replier, channel->machine.core.incoming, uv_hrtime());
    if (request != NULL)
        perform(channel, request);
    if (!channel->closed && channel->rep->mode != mode)
        rep_wake(channel);
    channel_schedule(channel);
    return request != NULL;
}

static void run_thread(void *argument) {
    yoton_channel *channel = argument;
    yoton_context *context = channel->context;
    uv_mutex_lock(&context->lock);
    while (!channel->closed) {
        while (perform_next(channel, YOTON_REP_THREAD)) {
        }
        if (!channel->closed)
            channel_wait(channel, YOTON_NEVER);
    }
    uv_mutex_unlock(&context->lock);
    channel_unref(channel);
}

static yoton_channel *owner_of(notice *told) {
    return ((rep *)(void *)((char *)told - offsetof(rep, notice)))->channel;
}

static void notice_take(notice *told) { channel_ref(owner_of(told)); }
static void notice_drop(notice *told) { channel_unref(owner_of(told)); }

static void notice_tell(notice *told) {
    yoton_channel *channel = owner_of(told);
    uv_mutex_lock(&channel->context->lock);
    if (perform_next(channel, YOTON_REP_EVENT))
        rep_wake(channel); /* one request an event: others have their turn between them */
    uv_mutex_unlock(&channel->context->lock);
}

void rep_wake(yoton_channel *channel) {
    rep *rep = channel->rep;
    if (rep->mode == YOTON_REP_THREAD)
        channel_wake(channel);
    if (rep->mode == YOTON_REP_EVENT)
        notify(channel->context, &rep->notice);
}

/* ---- Life ---- */

rep *rep_new(yoton_channel *channel) {
    rep *made = calloc(1, sizeof *made);
    if (made == NULL)
        return NULL;
    made->channel = channel;
    made->notice.tell = notice_tell;
    made->notice.take = notice_take;
    made->notice.drop = notice_drop;
    if (set_method(made, "echo", echo, NULL) != YOTON_OK) {
        free(made);
        return NULL;
    }
    return made;
}

void rep_free(rep *rep) {
    if (rep == NULL)
        return;
    while (rep->methods != NULL)
        set_method(rep, rep->methods->name, NULL, NULL);
    free(rep);
}

void rep_settle(yoton_channel *channel) {
    rep *rep = channel->rep;
    uv_mutex_lock(&channel->context->lock);
    notice_settle(channel->context, &rep->notice);
    uv_mutex_unlock(&channel->context->lock);
    if (!rep->has_thread)
        return;
    if (executing == channel || on_loop_thread(channel->context))
        pthread_detach(rep->thread); /* its own method, or who serves it: neither may wait for it */
    else
        uv_thread_join(&rep->thread);
}

/* [locked] */
static int start_thread(yoton_channel *channel) {
    sigset_t all, before;
    if (channel->rep->has_thread)
        return YOTON_OK;
    channel_ref(channel);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the program's own business */
    int error = uv_thread_create(&channel->rep->thread, run_thread, channel);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    channel->rep->has_thread = error == 0;
    if (error == 0)
        return YOTON_OK;
    channel_unref(channel);
    return YOTON_E_SYSTEM;
}

/* ---- What the user calls ---- */

int yoton_rep_set_method(yoton_channel *channel, const char *name, yoton_method_fn fn, void *user) {
    if (channel->rep == NULL)
        return channel_report(channel, "offer a method on", YOTON_E_STATE);
    yoton_value checked;
    int error = yoton_value_string(&checked, name, strlen(name));
    yoton_value_clear(&checked);
    if (error == YOTON_OK) {
        uv_mutex_lock(&channel->context->lock);
        error = set_method(channel->rep, name, fn, user);
        uv_mutex_unlock(&channel->context->lock);
    }
    return error == YOTON_OK ? error : channel_report(channel, "offer a method on", error);
}

/* [locked] */
static int set_mode(yoton_channel *channel, yoton_rep_mode mode) {
    if (channel->closed)
        return YOTON_E_CLOSED;
    if (mode == YOTON_REP_EVENT && channel->context->options.events == NULL)
        return YOTON_E_STATE;
    int error = mode == YOTON_REP_THREAD ? start_thread(channel) : YOTON_OK;
    if (error != YOTON_OK)
        return error;
    channel->rep->mode = mode;
    replier_switch(&channel->machine.as.replier, mode != YOTON_REP_OFF);
    rep_wake(channel);
    return YOTON_OK;
}

int yoton_rep_set_mode(yoton_channel *channel, yoton_rep_mode mode) {
    if (channel->rep == NULL)
        return channel_report(channel, "set the mode of", YOTON_E_STATE);
    if ((unsigned)mode > YOTON_REP_THREAD)
        return channel_report(channel, "set the mode of", YOTON_E_ARGUMENT);
    uv_mutex_lock(&channel->context->lock);
    int error = set_mode(channel, mode);
    uv_mutex_unlock(&channel->context->lock);
    if (error == YOTON_E_STATE)
        return report_error(error,
                            "cannot set mode event of %.200s: the context has no event loop; give "
                            "it one in its options, or use mode thread",
                            channel->machine.core.out.name);
    return error == YOTON_OK ? error : channel_report(channel, "set the mode of", error);
}

yoton_rep_mode yoton_rep_get_mode(yoton_channel *channel) {
    if (channel->rep == NULL)
        return YOTON_REP_OFF;
    uv_mutex_lock(&channel->context->lock);
    yoton_rep_mode mode = channel->rep->mode;
    uv_mutex_unlock(&channel->context->lock);
    return mode;
}
