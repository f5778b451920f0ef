/* SPDX-License-Identifier: BSD-2-Clause */
/* Channels of a context: the machine of floor 3 behind the context's lock, with waiting and
 * telling. */
#include <stdlib.h>
#include <string.h>

#include "context/internal.h"

static yoton_channel *owner_of(notice *told) {
    return (yoton_channel *)(void *)((char *)told - offsetof(yoton_channel, notice));
}

static void unref(yoton_channel *channel) {
    if (atomic_fetch_sub(&channel->references, 1) != 1)
        return;
    channel_core_clear(&channel->core);
    uv_cond_destroy(&channel->arrived);
    context_unref(channel->context);
    free(channel);
}

static void notice_take(notice *told) { atomic_fetch_add(&owner_of(told)->references, 1); }
static void notice_drop(notice *told) { unref(owner_of(told)); }

static size_t pending(const yoton_channel *channel) {
    return channel->core.incoming != NULL ? yoton_queue_count(channel->core.incoming) : 0;
}

static void notice_tell(notice *told) {
    yoton_channel *channel = owner_of(told);
    uv_mutex_lock(&channel->context->lock);
    yoton_received_fn fn = channel->on_received;
    void *user = channel->received_user;
    bool due = fn != NULL && pending(channel) > 0;
    uv_mutex_unlock(&channel->context->lock);
    if (due)
        fn(channel, user);
}

/* ---- The context's table of open channels, sorted by incoming slot ---- */

/* Where the slot is, or would be. */
static size_t place_of(const yoton_context *context, uint64_t slot) {
    size_t low = 0;
    size_t high = context->channel_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (context->channels[middle]->core.in.number < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static yoton_channel *channel_at(const yoton_context *context, uint64_t slot) {
    size_t place = place_of(context, slot);
    if (place == context->channel_count || context->channels[place]->core.in.number != slot)
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
    size_t place = place_of(context, channel->core.in.number);
    memmove(&context->channels[place + 1], &context->channels[place],
            (context->channel_count - place) * sizeof *context->channels);
    context->channels[place] = channel;
    context->channel_count++;
    return YOTON_OK;
}

static int add(yoton_context *context, yoton_channel *channel) {
    if (context->stopping)
        return YOTON_E_CLOSED;
    if (slot_taken(context, &channel->core))
        return YOTON_E_SLOT_TAKEN;
    return insert(context, channel);
}

/* [locked] */
static void close_channel(yoton_channel *channel) {
    yoton_context *context = channel->context;
    if (channel->closed)
        return;
    channel->closed = true;
    size_t place = place_of(context, channel->core.in.number);
    context->channel_count--;
    memmove(&context->channels[place], &context->channels[place + 1],
            (context->channel_count - place) * sizeof *context->channels);
    uv_cond_broadcast(&channel->arrived);
    tell_change(context); /* a send may wait for its turn */
}

void channels_close(yoton_context *context) {
    while (context->channel_count > 0)
        close_channel(context->channels[context->channel_count - 1]);
}

void channel_deposit(yoton_context *context, yoton_package *package) {
    yoton_channel *channel = channel_at(context, yoton_package_header(package)->slot);
    if (channel == NULL || !channel_core_deposit(&channel->core, package)) /* ROUTE-21 */
        return;
    if (channel->waiting_threads > 0)
        uv_cond_signal(&channel->arrived);
    if (channel->on_received != NULL)
        notify(context, &channel->notice);
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

static int open_made(yoton_channel *channel, yoton_channel_kind kind, const char *base,
                     size_t base_size, yoton_message_type type) {
    yoton_context *context = channel->context;
    const channel_limits limits = {.packages = context->options.queue_packages,
                                   .bytes = context->options.queue_bytes,
                                   .discard = context->options.discard};
    int error = channel_core_init(&channel->core, kind, base, base_size, type, &limits);
    if (error != YOTON_OK)
        return report_plain(error, "open a channel");
    uv_mutex_lock(&context->lock);
    error = add(context, channel);
    uv_mutex_unlock(&context->lock);
    if (error == YOTON_E_SLOT_TAKEN)
        return report_error(error,
                            "cannot open a channel at %.200s: the context has one there; "
                            "close it first or choose another name",
                            channel->core.out.name);
    return error == YOTON_OK ? error : report_plain(error, "open a channel");
}

int yoton_channel_open(yoton_context *context, yoton_channel_kind kind, const char *base,
                       size_t base_size, yoton_message_type type, yoton_channel **opened) {
    yoton_channel *channel = make(context);
    *opened = NULL;
    if (channel == NULL)
        return report_plain(YOTON_E_NOMEM, "open a channel");
    int error = open_made(channel, kind, base, base_size, type);
    if (error != YOTON_OK)
        unref(channel);
    else
        *opened = channel;
    return error;
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
    unref(channel);
}

int yoton_channel_is_closed(yoton_channel *channel) {
    uv_mutex_lock(&channel->context->lock);
    bool closed = channel->closed;
    uv_mutex_unlock(&channel->context->lock);
    return closed;
}

static uint64_t show_slot(const channel_slot *slot, const char **name, size_t *size) {
    if (name != NULL)
        *name = slot->name;
    if (size != NULL)
        *size = slot->size;
    return slot->number;
}

uint64_t yoton_channel_slot_out(const yoton_channel *channel, const char **name, size_t *size) {
    return show_slot(&channel->core.out, name, size);
}

uint64_t yoton_channel_slot_in(const yoton_channel *channel, const char **name, size_t *size) {
    return show_slot(&channel->core.in, name, size);
}

static bool too_much_waits(const yoton_context *context) {
    for (const yoton_connection *c = context->oldest; c != NULL; c = c->newer)
        if (connection_connected(c) &&
            yoton_link_pending(c->stream->link) >= context->options.send_limit)
            return true;
    return false;
}

/* LIMIT-4. Never holds the loop itself up. */
static void wait_for_turn(yoton_channel *channel) {
    yoton_context *context = channel->context;
    if (!too_much_waits(context) || on_loop_thread(context))
        return;
    yoton_time deadline = moment_in(context->options.send_wait);
    while (!channel->closed && too_much_waits(context))
        if (!wait_change(context, deadline))
            break;
}

static int send_package(yoton_channel *channel, yoton_package *package) {
    yoton_context *context = channel->context;
    int error = YOTON_OK;
    uv_mutex_lock(&context->lock);
    if (package != NULL)
        wait_for_turn(channel);
    if (channel->closed)
        error = YOTON_E_CLOSED; /* PUB-5 */
    else if (package != NULL)
        error = context_send(context, package);
    uv_mutex_unlock(&context->lock);
    return error;
}

static int send_message(yoton_channel *channel, yoton_message_type type, const void *data,
                        size_t size) {
    yoton_package *package;
    if (size > channel->context->options.max_message)
        return report_error(YOTON_E_LENGTH,
                            "cannot send on %.200s: %zu bytes are above the limit "
                            "of a message; other ends would drop the connection",
                            channel->core.out.name, size);
    int error = channel_core_pack(&channel->core, type, data, size, &package);
    if (error == YOTON_OK)
        error = send_package(channel, package);
    yoton_package_unref(package);
    if (error != YOTON_OK)
        report_error(error, "cannot send on %.200s: %s", channel->core.out.name,
                     yoton_strerror(error));
    return error;
}

int yoton_send_text(yoton_channel *channel, const char *text, size_t size) {
    return send_message(channel, YOTON_TXT, text, size);
}

int yoton_send_bytes(yoton_channel *channel, const void *bytes, size_t size) {
    return send_message(channel, YOTON_BIN, bytes, size);
}

int yoton_send_object(yoton_channel *channel, const yoton_value *value) {
    size_t size;
    int error = yoton_object_size(value, 0, &size);
    if (error != YOTON_OK)
        return report_error(error, "cannot send on %.200s: %s", channel->core.out.name,
                            yoton_strerror(error));
    uint8_t *coded = malloc(size);
    if (coded == NULL)
        return report_plain(YOTON_E_NOMEM, "send");
    error = yoton_object_encode(value, 0, coded, &size);
    if (error == YOTON_OK)
        error = send_message(channel, YOTON_OBJ, coded, size);
    else
        report_plain(error, "send");
    free(coded);
    return error;
}

/* [locked] Returns false when the deadline passed. */
static bool wait_arrival(yoton_channel *channel, yoton_time deadline) {
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

/* [locked] */
static int take(yoton_channel *channel, yoton_time deadline, yoton_package **package) {
    while ((*package = yoton_queue_pop(channel->core.incoming)) == NULL) {
        if (channel->closed)
            return YOTON_E_CLOSED;
        if (!wait_arrival(channel, deadline))
            return YOTON_E_TIMEOUT;
    }
    return YOTON_OK;
}

static int report_receive(const yoton_channel *channel, int error) {
    return report_error(error, "cannot receive on %.200s: %s", channel->core.in.name,
                        yoton_strerror(error));
}

int yoton_recv(yoton_channel *channel, double timeout, yoton_message *message) {
    yoton_package *package = NULL;
    yoton_time deadline = timeout > 0 ? moment_in(timeout) : 0;
    *message = (yoton_message){.value = {.type = YOTON_NONE}};
    if (channel->core.incoming == NULL)
        return report_receive(channel, YOTON_E_STATE);
    uv_mutex_lock(&channel->context->lock);
    int error = take(channel, deadline, &package);
    uv_mutex_unlock(&channel->context->lock);
    if (error == YOTON_OK)
        error = channel_core_unpack(&channel->core, package, message);
    return error == YOTON_OK ? error : report_receive(channel, error);
}

void yoton_messages_free(yoton_message *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        yoton_message_clear(&list[i]);
    free(list);
}

int yoton_recv_all(yoton_channel *channel, yoton_message **list, size_t *count, size_t *malformed) {
    size_t bad = 0;
    *list = NULL;
    *count = 0;
    if (channel->core.incoming == NULL)
        return report_receive(channel, YOTON_E_STATE);
    size_t room = yoton_channel_pending(channel);
    yoton_message *messages = room > 0 ? calloc(room, sizeof *messages) : NULL;
    if (room > 0 && messages == NULL)
        return report_receive(channel, YOTON_E_NOMEM);
    while (*count + bad < room) {
        int error = yoton_recv(channel, 0, &messages[*count]);
        if (error == YOTON_E_TIMEOUT || error == YOTON_E_CLOSED)
            break; /* another thread was faster */
        if (error == YOTON_OK)
            ++*count;
        else
            bad++;
    }
    *list = messages;
    if (malformed != NULL)
        *malformed = bad;
    return YOTON_OK;
}

size_t yoton_channel_pending(yoton_channel *channel) {
    uv_mutex_lock(&channel->context->lock);
    size_t count = pending(channel);
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
