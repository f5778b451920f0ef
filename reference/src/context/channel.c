/* SPDX-License-Identifier: BSD-2-Clause */
/* Channels of a context: the machines of floor 3 behind the context's lock, with waiting and
 * telling. What messages, requests and repliers need is in message.c, future.c and rep.c. */
#include <stdlib.h>
#include <string.h>

#include "context/internal.h"

static yoton_channel *owner_of(notice *told) {
    return (yoton_channel *)(void *)((char *)told - offsetof(yoton_channel, notice));
}

yoton_channel *channel_ref(yoton_channel *channel) {
    atomic_fetch_add(&channel->references, 1);
    return channel;
}

void channel_unref(yoton_channel *channel) {
    if (atomic_fetch_sub(&channel->references, 1) != 1)
        return;
    rep_free(channel->rep);
    channel_clear(&channel->machine);
    uv_cond_destroy(&channel->arrived);
    context_unref(channel->context);
    free(channel);
}

static void notice_take(notice *told) { channel_ref(owner_of(told)); }
static void notice_drop(notice *told) { channel_unref(owner_of(told)); }

static void notice_tell(notice *told) {
    yoton_channel *channel = owner_of(told);
    uv_mutex_lock(&channel->context->lock);
    yoton_received_fn fn = channel->on_received;
    void *user = channel->received_user;
    bool due = fn != NULL && channel_pending(&channel->machine) > 0;
    uv_mutex_unlock(&channel->context->lock);
    if (due)
        fn(channel, user);
}

bool channel_wait(yoton_channel *channel, yoton_time deadline) {
    yoton_context *context = channel->context;
    yoton_time now = uv_hrtime();
    if (now >= deadline || on_loop_thread(context))
        return false;
    channel->waiting_threads++;
    if (deadline == YOTON_NEVER)
        uv_cond_wait(&channel->arrived, &context->lock);
    else
        uv_cond_timedwait(&channel->arrived, &context->lock, deadline - now);
    channel->waiting_threads--;
    return true;
}

void channel_wake(yoton_channel *channel) {
    if (channel->waiting_threads > 0)
        uv_cond_broadcast(&channel->arrived);
}

int channel_report(const yoton_channel *channel, const char *what, int error) {
    return report_error(error, "cannot %s %.200s: %s", what, channel->machine.core.out.name,
                        yoton_strerror(error));
}

/* ---- The context's table of open channels, sorted by incoming slot ---- */

static uint64_t slot_of(const yoton_channel *channel) { return channel->machine.core.in.number; }

/* Where the slot is, or would be. */
static size_t place_of(const yoton_context *context, uint64_t slot) {
    size_t low = 0;
    size_t high = context->channel_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slot_of(context->channels[middle]) < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static yoton_channel *channel_at(const yoton_context *context, uint64_t slot) {
    size_t place = place_of(context, slot);
    if (place == context->channel_count || slot_of(context->channels[place]) != slot)
        return NULL;
    return context->channels[place];
}

/* SLOT-7. Two channels with one incoming slot have one outgoing slot too, and the other way round:
 * the names of both are made of the same base, type and pattern. */
static bool slot_taken(const yoton_context *context, const channel_core *core) {
    return channel_at(context, core->in.number) != NULL;
}

static int insert(yoton_context *context, yoton_channel *channel) {
    if (context->channel_count == context->channel_room) {
        size_t room = context->channel_room > 0 ? 2 * context->channel_room : 8;
        yoton_channel **grown = realloc(context->channels, room * sizeof *grown);
        if (grown == NULL)
            return YOTON_E_NOMEM;
        context->channels = grown;
        context->channel_room = room;
    }
    size_t place = place_of(context, slot_of(channel));
    memmove(&context->channels[place + 1], &context->channels[place],
            (context->channel_count - place) * sizeof *context->channels);
    context->channels[place] = channel;
    context->channel_count++;
    return YOTON_OK;
}

static int add(yoton_context *context, yoton_channel *channel) {
    if (context->stopping)
        return YOTON_E_CLOSED;
    if (slot_taken(context, &channel->machine.core))
        return YOTON_E_SLOT_TAKEN;
    return insert(context, channel);
}

/* [locked] */
static void close_channel(yoton_channel *channel) {
    yoton_context *context = channel->context;
    if (channel->closed)
        return;
    channel->closed = true;
    size_t place = place_of(context, slot_of(channel));
    context->channel_count--;
    memmove(&context->channels[place], &context->channels[place + 1],
            (context->channel_count - place) * sizeof *context->channels);
    if (channel->machine.core.kind == YOTON_REQ)
        futures_close(channel);
    if (channel->machine.core.kind == YOTON_SUB)
        channel->machine.as.reader = (sync_reader){0}; /* it says nothing any more: table C.4 */
    channel_wake(channel);
    tell_change(context); /* a send may wait for its turn */
}

void channels_close(yoton_context *context) {
    while (context->channel_count > 0)
        close_channel(context->channels[context->channel_count - 1]);
}

/* ---- What comes from the network and from the clock ---- */

void channel_deposit(yoton_context *context, yoton_package *package) {
    request *request;
    yoton_channel *channel = channel_at(context, yoton_package_header(package)->slot);
    if (channel == NULL) /* ROUTE-21 */
        return;
    switch (channel_arrive(&channel->machine, uv_hrtime(), package, &request)) {
    case CHANNEL_RECEIVED:
        if (channel->waiting_threads > 0)
            uv_cond_signal(&channel->arrived);
        if (channel->on_received != NULL)
            notify(context, &channel->notice);
        break;
    case CHANNEL_WORK:
        rep_wake(channel);
        break;
    case CHANNEL_EASED:
        tell_change(context);
        break;
    case CHANNEL_REQUEST:
        future_step(request, package);
        break;
    case CHANNEL_NOTHING:
        break;
    }
}

void channels_newcomer(yoton_context *context) {
    for (size_t i = 0; i < context->channel_count; i++)
        channel_newcomer(&context->channels[i]->machine);
}

void channel_schedule(yoton_channel *channel) {
    yoton_context *context = channel->context;
    yoton_time deadline = channel_deadline(&channel->machine);
    if (deadline >= context->channels_due || channel->closed)
        return;
    context->channels_due = deadline;
    wake_loop(context);
}

static void look_after(yoton_channel *channel, yoton_time now) {
    request *cancelled;
    while ((cancelled = channel_tick(&channel->machine, now)) != NULL)
        future_cancelled(cancelled);
    if (channel->rep != NULL && channel_deadline(&channel->machine) <= now)
        rep_wake(channel); /* who schedules it again when it has looked */
    else
        channel_schedule(channel);
}

void channels_timer(uv_timer_t *timer) {
    yoton_context *context = timer->data;
    loop_enter(context);
    yoton_time now = uv_hrtime(); /* no earlier than what another thread has just offered */
    context->channels_armed = context->channels_due = YOTON_NEVER;
    for (size_t i = 0; i < context->channel_count; i++)
        look_after(context->channels[i], now);
    loop_leave(context);
}

/* ---- Sending ---- */

static bool too_much_waits(const yoton_context *context) {
    for (const yoton_connection *c = context->oldest; c != NULL; c = c->newer)
        if (connection_connected(c) &&
            yoton_link_pending(c->stream->link) >= context->options.send_limit)
            return true;
    return false;
}

void channel_turn(yoton_channel *channel) {
    yoton_context *context = channel->context;
    if (!too_much_waits(context) || on_loop_thread(context))
        return;
    yoton_time deadline = moment_in(context->options.send_wait);
    while (!channel->closed && too_much_waits(context))
        if (!wait_change(context, deadline))
            break;
}

bool channel_fits(const yoton_channel *channel, size_t size) {
    const yoton_options *options = &channel->context->options;
    return size <= options->max_message && size <= options->queue_bytes;
}

static int sink_send(void *user, yoton_package *package) { return context_send(user, package); }

static int sink_heard(void *user) {
    const yoton_context *context = user;
    for (const yoton_connection *c = context->oldest; c != NULL; c = c->newer)
        if (connection_connected(c))
            return 1;
    return 0;
}

/* ---- What the user calls ---- */

static yoton_channel *make(yoton_context *context) {
    yoton_channel *channel = calloc(1, sizeof *channel);
    if (channel == NULL)
        return NULL;
    if (uv_cond_init(&channel->arrived) != 0) {
        free(channel);
        return NULL;
    }
    atomic_init(&channel->references, 1);
    atomic_fetch_add(&context->references, 1);
    channel->context = context;
    channel->notice.tell = notice_tell;
    channel->notice.take = notice_take;
    channel->notice.drop = notice_drop;
    return channel;
}

static int fill(yoton_channel *channel, yoton_channel_kind kind, const char *base, size_t base_size,
                yoton_channel_type *type) {
    yoton_context *context = channel->context;
    const channel_limits limits = {.packages = context->options.queue_packages,
                                   .bytes = context->options.queue_bytes,
                                   .discard = context->options.discard,
                                   .depth = context->options.max_depth,
                                   .offers = context->options.max_offers};
    const channel_sink sink = {.send = sink_send, .heard = sink_heard, .user = context};
    int error =
        channel_init(&channel->machine, kind, base, base_size, type, &limits, &sink, context->id);
    if (error == YOTON_OK && kind == YOTON_REP) {
        channel->rep = rep_new(channel);
        if (channel->rep == NULL)
            error = YOTON_E_NOMEM;
    }
    return error;
}

static int open_made(yoton_channel *channel, yoton_channel_kind kind, const char *base,
                     size_t base_size, yoton_channel_type *type) {
    yoton_context *context = channel->context;
    int error = fill(channel, kind, base, base_size, type);
    if (error != YOTON_OK)
        return report_plain(error, "open a channel");
    uv_mutex_lock(&context->lock);
    error = add(context, channel);
    uv_mutex_unlock(&context->lock);
    if (error == YOTON_E_SLOT_TAKEN)
        return report_error(error,
                            "cannot open a channel at %.200s: the context has one there; "
                            "close it first or choose another name",
                            channel->machine.core.out.name);
    return error == YOTON_OK ? error : report_plain(error, "open a channel");
}

/* The reference to the type is taken over. */
static int open_typed(yoton_context *context, yoton_channel_kind kind, const char *base,
                      size_t base_size, yoton_channel_type *type, yoton_channel **opened) {
    yoton_channel *channel = make(context);
    if (channel == NULL) {
        channel_type_unref(type);
        return report_plain(YOTON_E_NOMEM, "open a channel");
    }
    int error = open_made(channel, kind, base, base_size, type);
    if (error != YOTON_OK)
        channel_unref(channel);
    else
        *opened = channel;
    return error;
}

int yoton_channel_open(yoton_context *context, yoton_channel_kind kind, const char *base,
                       size_t base_size, yoton_message_type type, yoton_channel **opened) {
    if (kind == YOTON_REQ || kind == YOTON_REP)
        type = YOTON_OBJ; /* REQREP-3 */
    *opened = NULL;
    return open_typed(context, kind, base, base_size, channel_type_standard(type), opened);
}

int yoton_channel_open_custom(yoton_context *context, yoton_channel_kind kind, const char *base,
                              size_t base_size, const yoton_custom_type *custom,
                              yoton_channel **opened) {
    yoton_channel_type *type;
    *opened = NULL;
    if (kind == YOTON_REQ || kind == YOTON_REP)
        return report_error(YOTON_E_ARGUMENT, "cannot open a channel: req and rep channels carry "
                                              "objects, not messages of an own type");
    int error = channel_type_new(custom, &type);
    if (error == YOTON_E_ARGUMENT)
        return report_error(error, "cannot open a channel: an own type needs encode, decode and a "
                                   "name other than txt, bin and obj");
    if (error != YOTON_OK)
        return report_plain(error, "open a channel");
    return open_typed(context, kind, base, base_size, type, opened);
}

void yoton_channel_close(yoton_channel *channel) {
    uv_mutex_lock(&channel->context->lock);
    close_channel(channel);
    uv_mutex_unlock(&channel->context->lock);
}

void yoton_channel_free(yoton_channel *channel) {
    if (channel == NULL)
        return;
    yoton_channel_close(channel);
    yoton_channel_on_received(channel, NULL, NULL);
    if (channel->rep != NULL)
        rep_settle(channel);
    channel_unref(channel);
}

int yoton_channel_is_closed(yoton_channel *channel) {
    uv_mutex_lock(&channel->context->lock);
    bool closed = channel->closed;
    uv_mutex_unlock(&channel->context->lock);
    return closed;
}

yoton_channel_kind yoton_channel_get_kind(const yoton_channel *channel) {
    return channel->machine.core.kind;
}

static uint64_t show_slot(const channel_slot *slot, const char **name, size_t *size) {
    if (name != NULL)
        *name = slot->name;
    if (size != NULL)
        *size = slot->size;
    return slot->number;
}

uint64_t yoton_channel_slot_out(const yoton_channel *channel, const char **name, size_t *size) {
    return show_slot(&channel->machine.core.out, name, size);
}

uint64_t yoton_channel_slot_in(const yoton_channel *channel, const char **name, size_t *size) {
    return show_slot(&channel->machine.core.in, name, size);
}

size_t yoton_channel_pending(yoton_channel *channel) {
    uv_mutex_lock(&channel->context->lock);
    size_t count = channel_pending(&channel->machine);
    uv_mutex_unlock(&channel->context->lock);
    return count;
}

void yoton_channel_on_received(yoton_channel *channel, yoton_received_fn fn, void *user) {
    yoton_context *context = channel->context;
    uv_mutex_lock(&context->lock);
    channel->on_received = fn;
    channel->received_user = user;
    if (fn != NULL)
        notify(context, &channel->notice);
    notice_settle(context, &channel->notice);
    uv_mutex_unlock(&context->lock);
}
