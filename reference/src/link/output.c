/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes going out: small packages are gathered into one batch, large ones go from their own memory.
 */
#include <stdlib.h>
#include <string.h>

#include "link/link_private.h"

#define BATCH_MAX ((size_t)256 * 1024)
#define BATCH_MIN ((size_t)1024)
#define COPY_MAX ((size_t)32 * 1024) /* larger payloads are not copied into the batch */

void yoton_link_output_clear(link_output *out) {
    yoton_package_unref(out->large);
    free(out->batch);
}

void yoton_link_output_rest(link_output *out) {
    free(out->batch);
    out->batch = NULL;
    out->room = 0;
}

int yoton_link_output_idle(const yoton_link *link) {
    return !link->out.left && !link->out.large && !yoton_queue_count(link->queue);
}

void yoton_link_output_offer(link_output *out, const void *data, size_t size) {
    out->span = data;
    out->left = size;
}

static void offer_header(link_output *out, const yoton_header *header) {
    yoton_header_encode(header, out->small);
    yoton_link_output_offer(out, out->small, YOTON_HEADER_SIZE);
}

/* FRAME-12 */
void yoton_link_output_signal(link_output *out, uint64_t signal) {
    offer_header(out, &(yoton_header){.slot = YOTON_SLOT_CONNECTION, .source_seq = signal});
}

/* Room for all that waits, as far as one batch may hold it. Returns 0 when memory is short. */
static int reserve_batch(link_output *out, const yoton_queue *queue) {
    uint64_t want = yoton_queue_bytes(queue) + yoton_queue_count(queue) * YOTON_HEADER_SIZE;
    size_t room = BATCH_MIN;
    while (room < want && room < BATCH_MAX)
        room *= 2;
    if (room <= out->room)
        return 1;
    uint8_t *batch = malloc(room);
    if (!batch)
        return 0;
    free(out->batch);
    out->batch = batch;
    out->room = room;
    return 1;
}

static int is_large(yoton_package *package) {
    return yoton_package_header(package)->length > COPY_MAX;
}

/* Encodes from the queue until the batch is full or ends in the header of a large package. */
static void fill_batch(link_output *out, yoton_queue *queue) {
    size_t used = 0;
    yoton_package *package;
    while (!out->large && (package = yoton_queue_head(queue))) {
        const yoton_header *header = yoton_package_header(package);
        int large = is_large(package);
        size_t copied = large ? 0 : (size_t)header->length;
        if (out->room - used < YOTON_HEADER_SIZE + copied)
            break;
        yoton_header_encode(header, out->batch + used);
        used += YOTON_HEADER_SIZE;
        memcpy(out->batch + used, yoton_package_payload(package), copied);
        used += copied;
        yoton_queue_pop(queue);
        if (large)
            out->large = package;
        else
            yoton_package_unref(package);
    }
    yoton_link_output_offer(out, out->batch, used);
}

static void offer_packages(link_output *out, yoton_queue *queue) {
    if (!is_large(yoton_queue_head(queue)) && reserve_batch(out, queue)) {
        fill_batch(out, queue);
    } else { /* without memory for a batch every package goes the way of the large ones */
        out->large = yoton_queue_pop(queue);
        offer_header(out, yoton_package_header(out->large));
    }
}

static void offer_next(yoton_link *link) {
    link_output *out = &link->out;
    if (out->large) {
        out->large_begun = 1;
        yoton_link_output_offer(out, yoton_package_payload(out->large),
                                (size_t)yoton_package_header(out->large)->length);
    } else if (link->state != YOTON_LINK_CONNECTED && link->state != YOTON_LINK_CLOSING) {
        return; /* HS-11, CTX-8: packages wait for the end of the handshake */
    } else if (yoton_queue_count(link->queue)) {
        offer_packages(out, link->queue);
    } else if (link->state == YOTON_LINK_CLOSING) {
        link->close_begun = 1;
        yoton_link_output_signal(out, YOTON_SIGNAL_CLOSE); /* LINK-12: behind all that was queued */
    }
}

size_t yoton_link_output(yoton_link *link, const uint8_t **data) {
    if (link->state == YOTON_LINK_CLOSED)
        return 0;
    if (!link->out.left)
        offer_next(link);
    *data = link->out.span;
    return link->out.left;
}

/* The payload that went from the package itself is gone: let go of the package. */
static void finish_large(link_output *out) {
    yoton_package_unref(out->large);
    out->large = NULL;
    out->large_begun = 0;
}

void yoton_link_written(yoton_link *link, yoton_time now, size_t size) {
    link_output *out = &link->out;
    if (link->state == YOTON_LINK_CLOSED || !size || size > out->left)
        return;
    link->written = now;
    out->span += size;
    out->left -= size;
    if (out->left)
        return;
    link->line_owed = 0;
    if (out->large_begun)
        finish_large(out);
    if (link->state == YOTON_LINK_HANDSHAKE) /* HS-24: a client's time runs from its line on */
        link->limit = yoton_link_after(now, link->config.handshake);
    if (link->state == YOTON_LINK_REFUSING)
        yoton_link_down(link, link->error, link->reason);
    else if (link->close_begun)
        yoton_link_down(link, YOTON_OK, link->reason);
}
