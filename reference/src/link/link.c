/* SPDX-License-Identifier: BSD-2-Clause */
/* The states of a link and what time does to them. */
#include "yoton/link.h"

#include <stdlib.h>

#include "link/link_private.h"

yoton_time yoton_link_after(yoton_time now, yoton_time interval) {
    return now > YOTON_NEVER - interval ? YOTON_NEVER : now + interval;
}

static yoton_link_config with_defaults(const yoton_link_config *given) {
    yoton_link_config config = *given;
    if (!config.max_message)
        config.max_message = YOTON_MAX_MESSAGE_DEFAULT;
    if (!config.max_line)
        config.max_line = YOTON_LINE_MAX_DEFAULT;
    if (!config.heartbeat)
        config.heartbeat = YOTON_HEARTBEAT_DEFAULT;
    if (!config.timeout)
        config.timeout = YOTON_TIMEOUT_DEFAULT;
    if (!config.handshake)
        config.handshake = YOTON_HANDSHAKE_DEFAULT;
    if (!config.close)
        config.close = YOTON_CLOSE_DEFAULT;
    return config;
}

static int is_sound(const yoton_link_config *config) {
    return config->id != 0 &&                      /* HS-4 */
           config->timeout >= YOTON_TIMEOUT_MIN && /* LINK-10 */
           config->max_line >= YOTON_LINE_SIZE && config->max_line <= LINK_LINE_LIMIT;
}

yoton_link *yoton_link_new(const yoton_link_config *given, yoton_time now) {
    yoton_link_config config = with_defaults(given);
    if (!is_sound(&config))
        return NULL;
    yoton_link *link = calloc(1, sizeof *link + config.max_line);
    if (!link)
        return NULL;
    link->queue = yoton_queue_new(config.queue_packages, config.queue_bytes, config.discard);
    if (!link->queue) {
        free(link);
        return NULL;
    }
    link->config = config;
    link->state = YOTON_LINK_HANDSHAKE;
    link->limit = yoton_link_after(now, config.handshake);
    yoton_link_incoming_init(&link->in, config.max_message);
    yoton_link_hello_begin(link);
    return link;
}

void yoton_link_free(yoton_link *link) {
    if (!link)
        return;
    yoton_link_incoming_clear(&link->in);
    yoton_link_output_clear(&link->out);
    yoton_queue_free(link->queue);
    free(link);
}

void yoton_link_down(yoton_link *link, int error, const char *reason) {
    link->state = YOTON_LINK_CLOSED;
    link->down_due = 1;
    link->error = error;
    link->reason = reason;
    while (yoton_queue_count(link->queue))
        yoton_package_unref(yoton_queue_pop(link->queue));
    yoton_link_incoming_clear(&link->in);
}

void yoton_link_up(yoton_link *link, yoton_time now) {
    link->state = YOTON_LINK_CONNECTED;
    link->line_owed = link->config.role == YOTON_ROLE_HOST;
    link->received = link->written = now;
}

/* DOWN, if it is decided and not told yet. */
static void tell_down(yoton_link *link, yoton_link_event *event) {
    if (!link->down_due)
        return;
    link->down_due = 0;
    event->kind = YOTON_LINK_DOWN;
    event->error = link->error;
    event->reason = link->reason;
}

static void shake_hands(yoton_link *link, yoton_time now, const uint8_t *data, size_t size,
                        size_t *consumed, yoton_link_event *event) {
    yoton_hello hello;
    if (!yoton_link_hello_input(link, now, data, size, consumed, &hello))
        return;
    yoton_link_up(link, now);
    event->kind = YOTON_LINK_UP;
    event->hello = hello;
}

static int receive(yoton_link *link, yoton_time now, const uint8_t *data, size_t size,
                   size_t *consumed, yoton_link_event *event) {
    link->received = now; /* LINK-3, LINK-9: any byte, wherever it stands */
    if (link->timed_out && link->state == YOTON_LINK_CONNECTED) {
        link->timed_out = 0;
        event->kind = YOTON_LINK_RESUMED; /* LINK-7 */
        return YOTON_OK;
    }
    return yoton_link_incoming_feed(link, data, size, consumed, event);
}

/* HS-7: a host owes its line even to who is gone again with the same bytes: DOWN waits for it. */
static void pay_line(yoton_link *link, yoton_time now) {
    if (!link->line_owed || !link->down_due)
        return;
    link->down_due = 0;
    link->state = YOTON_LINK_REFUSING;
    link->limit = yoton_link_after(now, link->config.close);
}

int yoton_link_input(yoton_link *link, yoton_time now, const uint8_t *data, size_t size,
                     size_t *consumed, yoton_link_event *event) {
    int result = YOTON_OK;
    event->kind = YOTON_LINK_NOTHING;
    *consumed = 0;
    if (size && link->state == YOTON_LINK_HANDSHAKE)
        shake_hands(link, now, data, size, consumed, event);
    else if (size && (link->state == YOTON_LINK_CONNECTED || link->state == YOTON_LINK_CLOSING))
        result = receive(link, now, data, size, consumed, event);
    if (result == YOTON_OK)
        pay_line(link, now);
    if (link->state == YOTON_LINK_REFUSING || link->state == YOTON_LINK_CLOSED)
        *consumed = size;
    tell_down(link, event);
    return result;
}

void yoton_link_eof(yoton_link *link, yoton_time now, yoton_link_event *event) {
    event->kind = YOTON_LINK_NOTHING;
    if (link->state == YOTON_LINK_HANDSHAKE)
        yoton_link_hello_end(link, now, YOTON_E_EOF, LINK_REASON_EOF);
    else if (link->state == YOTON_LINK_CONNECTED || link->state == YOTON_LINK_CLOSING)
        yoton_link_down(link, YOTON_E_EOF, LINK_REASON_EOF); /* LINK-17, FRAME-8 */
    tell_down(link, event);
}

static yoton_time heartbeat_due(const yoton_link *link) {
    return yoton_link_output_idle(link) ? yoton_link_after(link->written, link->config.heartbeat)
                                        : YOTON_NEVER;
}

static yoton_time timeout_due(const yoton_link *link) {
    return link->timed_out ? YOTON_NEVER : yoton_link_after(link->received, link->config.timeout);
}

static yoton_time earlier(yoton_time a, yoton_time b) { return a < b ? a : b; }

yoton_time yoton_link_deadline(const yoton_link *link) {
    if (link->down_due)
        return 0;
    if (link->state == YOTON_LINK_CLOSED)
        return YOTON_NEVER;
    if (link->state == YOTON_LINK_CONNECTED)
        return earlier(heartbeat_due(link), timeout_due(link));
    return link->limit;
}

static void beat(yoton_link *link, yoton_time now) {
    if (now < heartbeat_due(link))
        return;
    yoton_link_output_rest(&link->out);
    yoton_link_output_signal(&link->out, YOTON_SIGNAL_HEARTBEAT); /* LINK-2, LINK-5 */
}

static void find_silence(yoton_link *link, yoton_time now, yoton_link_event *event) {
    if (now < timeout_due(link))
        return;
    link->timed_out = 1; /* LINK-6 */
    event->kind = YOTON_LINK_TIMED_OUT;
}

/* The time that a state other than CONNECTED may take is over. */
static void give_up(yoton_link *link, yoton_time now) {
    if (link->state == YOTON_LINK_HANDSHAKE)
        yoton_link_hello_end(link, now, YOTON_E_TIMEOUT, LINK_REASON_SHAKE_TIMEOUT);
    else if (link->state == YOTON_LINK_REFUSING)
        yoton_link_down(link, link->error, link->reason);
    else if (link->state == YOTON_LINK_CLOSING) /* LINK-22, LIMIT-8 */
        yoton_link_down(link, YOTON_E_TIMEOUT, LINK_REASON_CLOSE_TIMEOUT);
}

void yoton_link_tick(yoton_link *link, yoton_time now, yoton_link_event *event) {
    event->kind = YOTON_LINK_NOTHING;
    if (link->state == YOTON_LINK_CONNECTED) {
        beat(link, now);
        find_silence(link, now, event);
    } else if (now >= link->limit) {
        give_up(link, now);
    }
    tell_down(link, event);
}

int yoton_link_send(yoton_link *link, yoton_package *package) {
    uint64_t length = yoton_package_header(package)->length;
    if (!length)
        return YOTON_E_ARGUMENT; /* FRAME-15: on the wire it would be a signal */
    if (length > link->config.max_message)
        return YOTON_E_LENGTH; /* LIMIT-2 */
    if (link->state != YOTON_LINK_HANDSHAKE && link->state != YOTON_LINK_CONNECTED)
        return YOTON_E_STATE;
    return yoton_queue_push(link->queue, package);
}

size_t yoton_link_pending(const yoton_link *link) { return yoton_queue_count(link->queue); }

void yoton_link_close(yoton_link *link, yoton_time now, const char *reason) {
    if (!reason)
        reason = LINK_REASON_CLOSED;
    if (link->state == YOTON_LINK_HANDSHAKE) {
        yoton_link_down(link, YOTON_OK, reason);
    } else if (link->state == YOTON_LINK_CONNECTED) {
        link->state = YOTON_LINK_CLOSING;
        link->limit = yoton_link_after(now, link->config.close);
        link->reason = reason;
    }
}

void yoton_link_drop(yoton_link *link, int error, const char *reason) {
    if (link->state != YOTON_LINK_CLOSED) /* LINK-21 */
        yoton_link_down(link, error, reason ? reason : LINK_REASON_CLOSED);
}

yoton_link_state yoton_link_get_state(const yoton_link *link) { return link->state; }

int yoton_link_set_timeout(yoton_link *link, yoton_time timeout) {
    if (timeout < YOTON_TIMEOUT_MIN)
        return YOTON_E_ARGUMENT; /* LINK-10 */
    link->config.timeout = timeout;
    return YOTON_OK;
}
