/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages over pub, sub and state channels. */
#include <stdlib.h>

#include "context/internal.h"

#define SYNC_WAIT (1000 * YOTON_MS) /* SYNC-5 */

/* ---- Sending ---- */

/* SYNC-5, SYNC-7. [locked] */
static void wait_for_readers(yoton_channel *channel) {
    yoton_context *context = channel->context;
    sync_writer *writer = &channel->machine.as.writer;
    yoton_time now = uv_hrtime();
    yoton_time deadline = now + SYNC_WAIT;
    yoton_time until;
    while (!channel->closed && now < deadline && (until = sync_writer_held(writer, now)) != 0 &&
           !on_loop_thread(context)) {
        wait_change(context, until < deadline ? until : deadline);
        now = uv_hrtime();
    }
}

/* A state that was not sent to all is not the current one: to set it once more sends it. [locked]
 */
static int set_state(yoton_channel *channel, yoton_package *package) {
    state_cell *cell = &channel->machine.as.state;
    yoton_package *before = cell->current;
    if (before != NULL)
        yoton_package_ref(before);
    int error = state_cell_set(cell, package) ? context_send(channel->context, package) : YOTON_OK;
    if (error != YOTON_OK) {
        state_cell_clear(cell);
        cell->current = before;
    } else {
        yoton_package_unref(before);
    }
    return error;
}

/* [locked] */
static int hand_over(yoton_channel *channel, yoton_package *package) {
    channel_turn(channel);
    if (channel->machine.core.kind == YOTON_PUB)
        wait_for_readers(channel);
    if (channel->closed)
        return YOTON_E_CLOSED; /* PUB-5 */
    return channel->machine.core.kind == YOTON_STATE ? set_state(channel, package)
                                                     : context_send(channel->context, package);
}

static int send_package(yoton_channel *channel, yoton_package *package) {
    uv_mutex_lock(&channel->context->lock);
    int error = channel->closed ? YOTON_E_CLOSED : YOTON_OK;
    if (error == YOTON_OK && package != NULL) /* MSG-2, STATE-7 */
        error = hand_over(channel, package);
    uv_mutex_unlock(&channel->context->lock);
    return error;
}

static int send_message(yoton_channel *channel, yoton_message_type type, const void *data,
                        size_t size) {
    yoton_package *package;
    if (!channel_fits(channel, size))
        return report_error(YOTON_E_LENGTH,
                            "cannot send on %.200s: %zu bytes are above the limit of a message "
                            "(option max_message) or of a queue (option queue_bytes)",
                            channel->machine.core.out.name, size);
    int error = channel_core_pack(&channel->machine.core, type, data, size, &package);
    if (error == YOTON_OK)
        error = send_package(channel, package);
    yoton_package_unref(package);
    return error == YOTON_OK ? error : channel_report(channel, "send on", error);
}

int yoton_send_text(yoton_channel *channel, const char *text, size_t size) {
    return send_message(channel, YOTON_TXT, text, size);
}

int yoton_send_bytes(yoton_channel *channel, const void *bytes, size_t size) {
    return send_message(channel, YOTON_BIN, bytes, size);
}

int yoton_send_object(yoton_channel *channel, const yoton_value *value) {
    size_t depth = channel->machine.core.max_depth;
    size_t size;
    int error = yoton_object_size(value, depth, &size);
    if (error != YOTON_OK)
        return channel_report(channel, "send on", error);
    uint8_t *coded = malloc(size);
    if (coded == NULL)
        return channel_report(channel, "send on", YOTON_E_NOMEM);
    error = yoton_object_encode(value, depth, coded, &size);
    if (error == YOTON_OK)
        error = send_message(channel, YOTON_OBJ, coded, size);
    else
        channel_report(channel, "send on", error);
    free(coded);
    return error;
}

int yoton_send_custom(yoton_channel *channel, const void *message) {
    const yoton_channel_type *type = channel->machine.core.type;
    uint8_t *data = NULL;
    size_t size = 0;
    if (type->kind != YOTON_CUSTOM)
        return channel_report(channel, "send on", YOTON_E_TYPE);
    int error = type->custom.encode(message, &data, &size, type->custom.user);
    if (error == YOTON_OK)
        error = send_message(channel, YOTON_CUSTOM, data, size);
    else
        channel_report(channel, "send on", error);
    free(data);
    return error;
}

int yoton_state_send_last(yoton_channel *channel) {
    yoton_package *package = NULL;
    int error = YOTON_OK;
    if (channel->machine.core.kind != YOTON_STATE)
        return channel_report(channel, "send the state again on", YOTON_E_STATE);
    uv_mutex_lock(&channel->context->lock);
    if (!channel->closed)
        channel_turn(channel);
    if (channel->closed)
        error = YOTON_E_CLOSED;
    else
        error = state_cell_again(&channel->machine.as.state, &package);
    if (package != NULL)
        error = context_send(channel->context, package);
    uv_mutex_unlock(&channel->context->lock);
    yoton_package_unref(package);
    return error == YOTON_OK ? error : channel_report(channel, "send the state again on", error);
}

/* ---- Receiving ---- */

static int report_receive(const yoton_channel *channel, int error) {
    return report_error(error, "cannot receive on %.200s: %s", channel->machine.core.in.name,
                        yoton_strerror(error));
}

static bool is_sub(const yoton_channel *channel) { return channel->machine.core.kind == YOTON_SUB; }

/* SYNC-3. Out of sync mode there is nothing to look for, and no clock to be read. [locked] */
static void look(yoton_channel *channel) {
    if (channel->machine.as.reader.on)
        channel_look(&channel->machine, uv_hrtime());
}

/* [locked] */
static int take(yoton_channel *channel, yoton_time deadline, yoton_package **package) {
    look(channel);
    while ((*package = yoton_queue_pop(channel->machine.core.incoming)) == NULL) {
        if (channel->closed)
            return YOTON_E_CLOSED;
        if (!channel_wait(channel, deadline))
            return YOTON_E_TIMEOUT;
    }
    return YOTON_OK;
}

/* STATE-4. [locked] */
static void peek_state(const yoton_channel *channel, yoton_package **package) {
    *package = channel->machine.as.state.current;
    if (*package != NULL)
        yoton_package_ref(*package);
}

/* Back to the head of the queue, for who has memory later. When there is none even for that the
 * message is lost. */
static void put_back(yoton_channel *channel, yoton_package *package) {
    if (yoton_queue_unpop(channel->machine.core.incoming, package) != YOTON_OK)
        yoton_package_unref(package);
}

/* What a message needs memory for may fail; then it stays in the queue. */
static int unpack(yoton_channel *channel, yoton_package *package, yoton_message *message) {
    yoton_package_ref(package);
    int error = channel_core_unpack(&channel->machine.core, package, message);
    if (error != YOTON_E_NOMEM || !is_sub(channel)) {
        yoton_package_unref(package);
        return error;
    }
    uv_mutex_lock(&channel->context->lock);
    put_back(channel, package);
    uv_mutex_unlock(&channel->context->lock);
    return error;
}

int yoton_recv(yoton_channel *channel, double timeout, yoton_message *message) {
    yoton_package *package = NULL;
    yoton_time deadline = timeout > 0 ? moment_in(timeout) : 0;
    int error = YOTON_OK;
    *message = (yoton_message){.value = {.type = YOTON_NONE}};
    uv_mutex_lock(&channel->context->lock);
    if (is_sub(channel))
        error = take(channel, deadline, &package);
    else if (channel->machine.core.kind == YOTON_STATE)
        peek_state(channel, &package);
    else
        error = YOTON_E_STATE;
    uv_mutex_unlock(&channel->context->lock);
    if (error == YOTON_OK && package != NULL)
        error = unpack(channel, package, message);
    return error == YOTON_OK ? error : report_receive(channel, error);
}

int yoton_next(yoton_channel *channel, yoton_message *message) {
    int error;
    if (!is_sub(channel))
        return report_receive(channel, YOTON_E_STATE);
    do {
        error = yoton_recv(channel, 0, message);
    } while (error != YOTON_OK && error != YOTON_E_TIMEOUT && error != YOTON_E_CLOSED &&
             error != YOTON_E_NOMEM);
    if (error == YOTON_E_NOMEM)
        return error;
    return error == YOTON_OK;
}

static void clear_messages(yoton_message *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        yoton_message_clear(&list[i]);
}

void yoton_messages_free(yoton_message *list, size_t count) {
    clear_messages(list, count);
    free(list);
}

/* Takes the packages with a recv_seq below `below` out of the queue, at most `room`. Returns how
 * many. [locked] */
static size_t take_below(yoton_channel *channel, uint64_t below, yoton_package **packages,
                         size_t room) {
    yoton_queue *queue = channel->machine.core.incoming;
    size_t count = 0;
    while (count < room && yoton_queue_count(queue) > 0 &&
           yoton_package_recv_seq(yoton_queue_head(queue)) < below)
        packages[count++] = yoton_queue_pop(queue);
    return count;
}

/* The well-formed ones of the packages, whose references stay the caller's. Returns YOTON_OK, or
 * YOTON_E_NOMEM and no message. */
static int unpack_all(const yoton_channel *channel, yoton_package **packages, size_t count,
                      yoton_message *list, size_t *good) {
    *good = 0;
    for (size_t i = 0; i < count; i++) {
        yoton_package_ref(packages[i]);
        int error = channel_core_unpack(&channel->machine.core, packages[i], &list[*good]);
        if (error == YOTON_E_NOMEM) {
            clear_messages(list, *good);
            *good = 0;
            return error;
        }
        *good += error == YOTON_OK;
    }
    return YOTON_OK;
}

/* Gives them back to the queue as if they had never been taken. */
static void put_all_back(yoton_channel *channel, yoton_package **packages, size_t count,
                         uint64_t selected) {
    uv_mutex_lock(&channel->context->lock);
    while (count > 0)
        put_back(channel, yoton_package_ref(packages[--count]));
    channel->selected = selected;
    uv_mutex_unlock(&channel->context->lock);
}

/* Takes what has a recv_seq below `*below`, which is read with the lock held. */
static int recv_below(yoton_channel *channel, const uint64_t *below, yoton_message **list,
                      size_t *count, size_t *malformed) {
    size_t taken = 0;
    yoton_package **packages = NULL;
    yoton_message *messages = NULL;
    *list = NULL;
    *count = 0;
    if (malformed != NULL)
        *malformed = 0;
    if (!is_sub(channel))
        return report_receive(channel, YOTON_E_STATE);
    uv_mutex_lock(&channel->context->lock);
    look(channel);
    uint64_t selected = channel->selected;
    size_t room = channel_pending(&channel->machine);
    if (room > 0) {
        packages = malloc(room * sizeof *packages);
        messages = malloc(room * sizeof *messages);
    }
    bool failed = room > 0 && (packages == NULL || messages == NULL);
    if (!failed) {
        taken = take_below(channel, *below, packages, room);
        channel->selected = 0;
    }
    uv_mutex_unlock(&channel->context->lock);
    int error = failed ? YOTON_E_NOMEM : unpack_all(channel, packages, taken, messages, count);
    if (error == YOTON_E_NOMEM)
        put_all_back(channel, packages, taken, selected);
    else if (malformed != NULL)
        *malformed = taken - *count;
    while (taken > 0)
        yoton_package_unref(packages[--taken]);
    free(packages);
    if (*count > 0)
        *list = messages;
    else
        free(messages);
    return error == YOTON_OK ? error : report_receive(channel, error);
}

int yoton_recv_all(yoton_channel *channel, yoton_message **list, size_t *count, size_t *malformed) {
    uint64_t all = UINT64_MAX;
    return recv_below(channel, &all, list, count, malformed);
}

int yoton_recv_selected(yoton_channel *channel, yoton_message **list, size_t *count,
                        size_t *malformed) {
    return recv_below(channel, &channel->selected, list, count, malformed);
}

/* ---- Choosing between sub channels ---- */

static uint64_t oldest_of(yoton_channel *channel) {
    yoton_package *head = yoton_queue_head(channel->machine.core.incoming);
    return head != NULL ? yoton_package_recv_seq(head) : UINT64_MAX;
}

/* ROUTE-22. [locked] */
static yoton_channel *select_oldest(yoton_channel *const *channels, size_t count) {
    yoton_channel *first = NULL;
    uint64_t best = UINT64_MAX, next = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        look(channels[i]);
        channels[i]->selected = 0;
        uint64_t oldest = oldest_of(channels[i]);
        if (oldest < best) {
            next = best;
            best = oldest;
            first = channels[i];
        } else if (oldest < next && channels[i] != first) {
            next = oldest;
        }
    }
    if (first != NULL) { /* what comes after this moment is not part of it */
        yoton_package *newest = yoton_queue_tail(first->machine.core.incoming);
        uint64_t end = yoton_package_recv_seq(newest) + 1;
        first->selected = end < next ? end : next;
    }
    return first;
}

int yoton_select_sub_channel(yoton_channel *const *channels, size_t count,
                             yoton_channel **selected) {
    *selected = NULL;
    for (size_t i = 0; i < count; i++)
        if (!is_sub(channels[i]) || channels[i]->context != channels[0]->context)
            return report_error(YOTON_E_ARGUMENT, "cannot select between channels: all must be sub "
                                                  "channels of one context");
    if (count == 0)
        return YOTON_OK;
    uv_mutex_lock(&channels[0]->context->lock);
    *selected = select_oldest(channels, count);
    uv_mutex_unlock(&channels[0]->context->lock);
    return YOTON_OK;
}

int yoton_sub_set_sync_mode(yoton_channel *channel, int on) {
    int error = is_sub(channel) ? YOTON_OK : YOTON_E_STATE;
    uv_mutex_lock(&channel->context->lock);
    if (error == YOTON_OK && channel->closed)
        error = YOTON_E_CLOSED;
    if (error == YOTON_OK) {
        channel_set_sync(&channel->machine, on);
        look(channel);
    }
    uv_mutex_unlock(&channel->context->lock);
    return error == YOTON_OK ? error : channel_report(channel, "set sync mode of", error);
}
