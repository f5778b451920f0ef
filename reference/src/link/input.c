/* SPDX-License-Identifier: BSD-2-Clause */
/* Packages coming in: the payload is gathered in memory that grows with what has come. */
#include <string.h>

#include "link/link_private.h"
#include "link/package_private.h"

#define FIRST_ROOM ((size_t)4096) /* bytes; the most a mere claim of length gets */

void yoton_link_incoming_init(link_incoming *in, uint64_t max_message) {
    yoton_framer_init(&in->framer, max_message);
    in->package = NULL;
}

void yoton_link_incoming_clear(link_incoming *in) {
    yoton_package_unref(in->package);
    in->package = NULL;
}

/* FRAME-9: room for `need` bytes at least, twice what there was, never more than is to come. */
static uint64_t next_room(const link_incoming *in, uint64_t need) {
    uint64_t room = in->package ? 2 * (uint64_t)in->room : FIRST_ROOM;
    if (room < need)
        room = need;
    return room < in->header.length ? room : in->header.length;
}

static int reserve(link_incoming *in, size_t more) {
    if (in->package && in->room - in->have >= more)
        return YOTON_OK;
    uint64_t room = next_room(in, (uint64_t)in->have + more);
    yoton_package *package = in->package ? yoton_package_resize(in->package, room)
                                         : yoton_package_start(&in->header, room);
    if (!package)
        return YOTON_E_NOMEM;
    in->package = package;
    in->room = (size_t)room;
    return YOTON_OK;
}

/* What lies whole in the input is taken in one go, its room being its length. */
static int take_payload(link_incoming *in, const yoton_frame *frame) {
    if (reserve(in, frame->size) != YOTON_OK)
        return YOTON_E_NOMEM;
    memcpy(yoton_package_payload(in->package) + in->have, frame->data, frame->size);
    in->have += frame->size;
    return YOTON_OK;
}

static int payload_came(yoton_link *link, const yoton_frame *frame, yoton_link_event *event) {
    link_incoming *in = &link->in;
    if (link->state == YOTON_LINK_CLOSING)
        return YOTON_OK;
    if (take_payload(in, frame) != YOTON_OK) {
        yoton_link_down(link, YOTON_E_NOMEM, LINK_REASON_NOMEM);
        return YOTON_E_NOMEM;
    }
    if (frame->last) {
        event->kind = YOTON_LINK_PACKAGE;
        event->package = in->package;
        in->package = NULL;
    }
    return YOTON_OK;
}

/* FRAME-13: a package without payload speaks to the connection; only its source_seq counts. */
static void signal_came(yoton_link *link, const yoton_frame *frame, yoton_link_event *event) {
    if (frame->header.source_seq == YOTON_SIGNAL_CLOSE)
        yoton_link_down(link, YOTON_OK, LINK_REASON_THERE); /* LINK-14 */
    else if (frame->header.source_seq == YOTON_SIGNAL_HEARTBEAT &&
             link->state == YOTON_LINK_CONNECTED)
        event->kind = YOTON_LINK_HEARTBEAT;
    /* FRAME-14: any other is no more than a sign of life */
}

static int frame_came(yoton_link *link, const yoton_frame *frame, yoton_link_event *event) {
    if (frame->kind == YOTON_FRAME_PAYLOAD)
        return payload_came(link, frame, event);
    if (frame->kind == YOTON_FRAME_HEADER) {
        link->in.header = frame->header;
        link->in.have = 0;
    } else if (frame->kind == YOTON_FRAME_SIGNAL) {
        signal_came(link, frame, event);
    }
    return YOTON_OK;
}

int yoton_link_incoming_feed(yoton_link *link, const uint8_t *data, size_t size, size_t *consumed,
                             yoton_link_event *event) {
    int result = YOTON_OK;
    while (result == YOTON_OK && *consumed < size && !link->down_due &&
           event->kind == YOTON_LINK_NOTHING) {
        yoton_frame frame;
        size_t used;
        int error =
            yoton_framer_feed(&link->in.framer, data + *consumed, size - *consumed, &used, &frame);
        if (error == YOTON_OK) {
            *consumed += used;
            result = frame_came(link, &frame, event);
        } else { /* FRAME-3, FRAME-7 */
            yoton_link_down(link, error,
                            error == YOTON_E_LENGTH ? LINK_REASON_LENGTH : LINK_REASON_LOST);
        }
    }
    return result;
}
