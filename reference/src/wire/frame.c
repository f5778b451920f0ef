/* SPDX-License-Identifier: BSD-2-Clause */
#include "yoton/frame.h"

#include <string.h>

#include "wire/le.h"

/* FRAME-1: where each field of the header starts; the control bytes are at 0. */
enum {
    AT_SLOT = 8,
    AT_SOURCE_ID = 16,
    AT_SOURCE_SEQ = 24,
    AT_DEST_ID = 32,
    AT_DEST_SEQ = 40,
    AT_LENGTH = 48,
    CONTROL_SIZE = 8
};

/* FRAME-2 */
static const uint8_t control[CONTROL_SIZE] = {'Y', 'O', 'T', 'O', 'N', ' ', ' ', ' '};

void yoton_header_encode(const yoton_header *header, uint8_t out[YOTON_HEADER_SIZE]) {
    memcpy(out, control, CONTROL_SIZE);
    yoton_le64_put(out + AT_SLOT, header->slot);
    yoton_le64_put(out + AT_SOURCE_ID, header->source_id);
    yoton_le64_put(out + AT_SOURCE_SEQ, header->source_seq);
    yoton_le64_put(out + AT_DEST_ID, header->dest_id);
    yoton_le64_put(out + AT_DEST_SEQ, header->dest_seq);
    yoton_le64_put(out + AT_LENGTH, header->length);
}

static void decode_fields(yoton_header *header, const uint8_t *in) {
    header->slot = yoton_le64_get(in + AT_SLOT);
    header->source_id = yoton_le64_get(in + AT_SOURCE_ID);
    header->source_seq = yoton_le64_get(in + AT_SOURCE_SEQ);
    header->dest_id = yoton_le64_get(in + AT_DEST_ID);
    header->dest_seq = yoton_le64_get(in + AT_DEST_SEQ);
    header->length = yoton_le64_get(in + AT_LENGTH);
}

/* How far the control bytes of a header, from `from` to `to`, are as they must be. */
static size_t good_control(const uint8_t *in, size_t from, size_t to) {
    size_t i = from;
    while (i < to && in[i - from] == control[i])
        i++;
    return i;
}

int yoton_header_decode(yoton_header *header, const uint8_t in[YOTON_HEADER_SIZE],
                        size_t *error_offset) {
    if (memcmp(in, control, CONTROL_SIZE) != 0) {
        if (error_offset != NULL)
            *error_offset = good_control(in, 0, CONTROL_SIZE);
        return YOTON_E_CONTROL;
    }
    decode_fields(header, in);
    return YOTON_OK;
}

void yoton_framer_init(yoton_framer *framer, uint64_t max_message) {
    *framer = (yoton_framer){.max_message = max_message ? max_message : YOTON_MAX_MESSAGE_DEFAULT};
}

static int fail(yoton_framer *framer, int error, uint64_t position) {
    framer->position = position;
    framer->error = error;
    return error;
}

/* A header whose control bytes are good has ended at framer->position. */
static int finish_header(yoton_framer *framer, const uint8_t *raw, yoton_frame *frame) {
    decode_fields(&frame->header, raw);
    if (frame->header.length > framer->max_message) /* FRAME-7 */
        return fail(framer, YOTON_E_LENGTH, framer->position - YOTON_HEADER_SIZE + AT_LENGTH);
    framer->remaining = frame->header.length;
    /* FRAME-13: a signal whatever the other fields hold */
    frame->kind = frame->header.length ? YOTON_FRAME_HEADER : YOTON_FRAME_SIGNAL;
    return YOTON_OK;
}

/* FRAME-6: gathers a header that comes in pieces. */
static int feed_header(yoton_framer *framer, const uint8_t *data, size_t size, size_t *consumed,
                       yoton_frame *frame) {
    size_t have = framer->have;
    size_t take = YOTON_HEADER_SIZE - have;
    if (take > size)
        take = size;
    if (have < CONTROL_SIZE) {
        size_t end = have + take < CONTROL_SIZE ? have + take : CONTROL_SIZE;
        size_t good = good_control(data, have, end);
        if (good < end) /* FRAME-3 */
            return fail(framer, YOTON_E_CONTROL, framer->position + (good - have));
    }
    memcpy(framer->raw + have, data, take);
    framer->position += take;
    *consumed = take;
    framer->have = (uint8_t)(have + take);
    if (framer->have < YOTON_HEADER_SIZE)
        return YOTON_OK;
    framer->have = 0;
    return finish_header(framer, framer->raw, frame);
}

static void feed_payload(yoton_framer *framer, const uint8_t *data, size_t size, size_t *consumed,
                         yoton_frame *frame) {
    size_t take = framer->remaining < size ? (size_t)framer->remaining : size;
    framer->remaining -= take;
    framer->position += take;
    *consumed = take;
    frame->kind = YOTON_FRAME_PAYLOAD;
    frame->data = data;
    frame->size = take;
    frame->last = framer->remaining == 0;
}

int yoton_framer_feed(yoton_framer *framer, const uint8_t *data, size_t size, size_t *consumed,
                      yoton_frame *frame) {
    *consumed = 0;
    frame->kind = YOTON_FRAME_NONE;
    if (framer->error != YOTON_OK)
        return framer->error;
    if (size == 0)
        return YOTON_OK;
    if (framer->remaining > 0) {
        feed_payload(framer, data, size, consumed, frame);
        return YOTON_OK;
    }
    if (framer->have > 0 || size < YOTON_HEADER_SIZE || memcmp(data, control, CONTROL_SIZE) != 0)
        return feed_header(framer, data, size, consumed, frame);
    /* The common case: a whole good header in the input needs no copy. */
    framer->position += YOTON_HEADER_SIZE;
    *consumed = YOTON_HEADER_SIZE;
    return finish_header(framer, data, frame);
}

uint64_t yoton_framer_position(const yoton_framer *framer) { return framer->position; }

int yoton_framer_at_boundary(const yoton_framer *framer) {
    return framer->error == YOTON_OK && framer->have == 0 && framer->remaining == 0;
}
