/* SPDX-License-Identifier: BSD-2-Clause */
#include "link_rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

yoton_link_config rig_config(yoton_role role) {
    return (yoton_link_config){.role = role, .id = RIG_ID, .pid = 4242};
}

void rig_open(rig *r, const yoton_link_config *config) {
    r->now = 0;
    r->stamped = 0;
    r->downs = 0;
    r->most = 0;
    rig_forget(r);
    r->link = yoton_link_new(config, r->now);
    assert_non_null(r->link);
}

void rig_close(rig *r) {
    yoton_link_free(r->link);
    r->link = NULL;
}

void rig_connect(rig *r, const yoton_link_config *config) {
    rig_open(r, config);
    rig_drain(r);
    rig_feed(r, RIG_OTHER_LINE, strlen(RIG_OTHER_LINE));
    rig_drain(r);
    assert_string_equal(r->log, "UP b2.77|");
    assert_string_equal(rig_sent(r), "YOTON!00000000000000a1.4242 ");
    rig_forget(r);
}

void rig_forget(rig *r) {
    r->log[0] = '\0';
    r->sent_size = 0;
}

/* A few bytes in full, more of them as a sum (FNV-1a). */
static void describe_payload(char *out, size_t room, const uint8_t *data, uint64_t size) {
    if (size <= 8) {
        for (uint64_t i = 0; i < size; i++)
            snprintf(out + 2 * i, room - 2 * i, "%02x", data[i]);
        return;
    }
    uint64_t sum = UINT64_C(0xcbf29ce484222325);
    for (uint64_t i = 0; i < size; i++)
        sum = (sum ^ data[i]) * UINT64_C(0x100000001b3);
    snprintf(out, room, "~%016" PRIx64, sum);
}

void rig_describe(char *out, size_t room, const yoton_header *h, const uint8_t *data) {
    char payload[32];
    describe_payload(payload, sizeof payload, data, h->length);
    snprintf(out, room,
             "PACKAGE %" PRIu64 " %" PRIx64 " %" PRIu64 " %" PRIx64 " %" PRIu64 " [%" PRIu64 "] %s",
             h->slot, h->source_id, h->source_seq, h->dest_id, h->dest_seq, h->length, payload);
}

static void log_event(rig *r, const yoton_link_event *event) {
    char text[256];
    assert_int_equal(r->downs, 0); /* nothing is told after DOWN */
    switch (event->kind) {
    case YOTON_LINK_UP:
        snprintf(text, sizeof text, "UP %" PRIx64 ".%" PRIu64, event->hello.id, event->hello.pid);
        break;
    case YOTON_LINK_PACKAGE:
        rig_describe(text, sizeof text, yoton_package_header(event->package),
                     yoton_package_payload(event->package));
        assert_int_equal(yoton_package_recv_seq(event->package), 0);
        yoton_package_unref(event->package);
        break;
    case YOTON_LINK_HEARTBEAT:
        snprintf(text, sizeof text, "BEAT");
        break;
    case YOTON_LINK_TIMED_OUT:
        snprintf(text, sizeof text, "TIMED_OUT");
        break;
    case YOTON_LINK_RESUMED:
        snprintf(text, sizeof text, "RESUMED");
        break;
    case YOTON_LINK_DOWN:
        snprintf(text, sizeof text, "DOWN %d %s", event->error, event->reason);
        assert_string_equal(rig_state(r), "closed");
        r->downs++;
        break;
    default:
        fail_msg("event %d", (int)event->kind);
    }
    size_t at = strlen(r->log);
    int more = r->stamped ? snprintf(r->log + at, sizeof r->log - at, "%" PRIu64 " %s|",
                                     (uint64_t)r->now, text)
                          : snprintf(r->log + at, sizeof r->log - at, "%s|", text);
    assert_true(at + (size_t)more < sizeof r->log);
}

/* One piece of input. */
static int feed_piece(rig *r, const uint8_t *data, size_t size) {
    int result = YOTON_OK;
    size_t done = 0;
    yoton_link_event event;
    do {
        size_t consumed;
        int error = yoton_link_input(r->link, r->now, data + done, size - done, &consumed, &event);
        result = error != YOTON_OK ? error : result;
        assert_true(consumed <= size - done);
        assert_true(consumed > 0 || event.kind != YOTON_LINK_NOTHING || done == size);
        done += consumed;
        if (event.kind != YOTON_LINK_NOTHING)
            log_event(r, &event);
    } while (event.kind != YOTON_LINK_NOTHING || done < size);
    return result;
}

int rig_feed(rig *r, const void *data, size_t size) {
    const uint8_t *at = data;
    while (r->most && size > r->most) {
        int result = feed_piece(r, at, r->most);
        if (result != YOTON_OK)
            return result;
        at += r->most;
        size -= r->most;
    }
    return feed_piece(r, at, size);
}

void rig_eof(rig *r) {
    yoton_link_event event;
    yoton_link_eof(r->link, r->now, &event);
    if (event.kind != YOTON_LINK_NOTHING)
        log_event(r, &event);
}

void rig_tick(rig *r, yoton_time now) {
    r->now = now;
    for (;;) {
        yoton_link_event event;
        yoton_link_tick(r->link, now, &event);
        if (event.kind == YOTON_LINK_NOTHING)
            break;
        log_event(r, &event);
    }
    assert_true(yoton_link_deadline(r->link) > now);
}

size_t rig_take(rig *r, size_t most) {
    const uint8_t *data;
    size_t size = yoton_link_output(r->link, &data);
    if (size > most)
        size = most;
    assert_true(size <= sizeof r->sent - r->sent_size);
    if (size == 0)
        return 0;
    memcpy(r->sent + r->sent_size, data, size);
    r->sent_size += size;
    yoton_link_written(r->link, r->now, size);
    return size;
}

void rig_drain(rig *r) {
    while (rig_take(r, SIZE_MAX) > 0) {
    }
}

void rig_run(rig *r, yoton_time until, int drain) {
    for (yoton_time due; (due = yoton_link_deadline(r->link)) <= until;) {
        rig_tick(r, due > r->now ? due : r->now);
        if (drain)
            rig_drain(r);
    }
    r->now = until;
}

/* Text up to CRLF at `at`; returns where it ends. */
static size_t describe_line(const rig *r, size_t at, char *out, size_t *used) {
    while (at + 1 < r->sent_size && memcmp(r->sent + at, "\r\n", 2) != 0)
        out[(*used)++] = (char)r->sent[at++];
    assert_true(at + 1 < r->sent_size);
    return at + 2;
}

static size_t describe_frame(const rig *r, size_t at, char *out, size_t *used) {
    yoton_header h;
    assert_true(r->sent_size - at >= YOTON_HEADER_SIZE);
    assert_int_equal(yoton_header_decode(&h, r->sent + at, NULL), YOTON_OK);
    assert_true(h.length <= r->sent_size - at - YOTON_HEADER_SIZE);
    if (h.length > 0) {
        *used += (size_t)sprintf(out + *used, "#%" PRIu64 "[%" PRIu64 "]", h.source_seq, h.length);
    } else {
        assert_int_equal(h.slot, 1);
        assert_int_equal(h.source_id | h.dest_id | h.dest_seq, 0);
        assert_true(h.source_seq <= 1);
        *used += (size_t)sprintf(out + *used, h.source_seq ? "close" : "beat");
    }
    return at + YOTON_HEADER_SIZE + (size_t)h.length;
}

const char *rig_sent(rig *r) {
    static char out[8192];
    size_t used = 0;
    for (size_t at = 0; at < r->sent_size;) {
        assert_true(used < sizeof out - 256);
        if (r->sent_size - at > 6 &&
            (memcmp(r->sent + at, "YOTON!", 6) == 0 || memcmp(r->sent + at, "ERROR:", 6) == 0))
            at = describe_line(r, at, out, &used);
        else
            at = describe_frame(r, at, out, &used);
        out[used++] = ' ';
    }
    out[used] = '\0';
    return out;
}

const char *rig_state(const rig *r) {
    static const char *const names[] = {
        [YOTON_LINK_HANDSHAKE] = "handshake", [YOTON_LINK_CONNECTED] = "connected",
        [YOTON_LINK_CLOSING] = "closing",     [YOTON_LINK_REFUSING] = "refusing",
        [YOTON_LINK_CLOSED] = "closed",
    };
    return names[yoton_link_get_state(r->link)];
}

void bytes_add(bytes *b, const void *data, size_t size) {
    assert_true(size <= sizeof b->data - b->size);
    if (size > 0)
        memcpy(b->data + b->size, data, size);
    b->size += size;
}

void bytes_header(bytes *b, const yoton_header *header) {
    uint8_t raw[YOTON_HEADER_SIZE];
    yoton_header_encode(header, raw);
    bytes_add(b, raw, sizeof raw);
}

static yoton_header header_of(uint64_t seq, size_t length) {
    return (yoton_header){
        .slot = 8, .source_id = RIG_OTHER_ID, .source_seq = seq, .length = length};
}

static uint8_t payload_byte(uint64_t seq, size_t at) {
    return (uint8_t)(seq * 31 + at * 7 + (at >> 8));
}

void bytes_package(bytes *b, uint64_t seq, size_t length) {
    yoton_header header = header_of(seq, length);
    bytes_header(b, &header);
    assert_true(length <= sizeof b->data - b->size);
    for (size_t i = 0; i < length; i++)
        b->data[b->size++] = payload_byte(seq, i);
}

void bytes_signal(bytes *b, uint64_t seq) {
    bytes_header(b, &(yoton_header){.slot = YOTON_SLOT_CONNECTION, .source_seq = seq});
}

yoton_package *package_make(uint64_t seq, size_t length) {
    yoton_header header = header_of(seq, length);
    yoton_package *package = yoton_package_new(&header, NULL);
    if (package != NULL)
        for (size_t i = 0; i < length; i++)
            yoton_package_payload(package)[i] = payload_byte(seq, i);
    return package;
}
