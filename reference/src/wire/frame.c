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

/*@ predicate has_control(uint8_t *p) = \forall integer i; 0 <= i < 8 ==> p[i] == control[i];
  @ predicate has_fields(uint8_t *p, yoton_header *h) =
  @     h->slot == le64(p + 8) && h->source_id == le64(p + 16) && h->source_seq == le64(p + 24) &&
  @     h->dest_id == le64(p + 32) && h->dest_seq == le64(p + 40) && h->length == le64(p + 48);
  @*/

/*@ requires \valid_read(header) && \valid(out + (0 .. 55)) && \separated(header, out + (0 .. 55));
  @ assigns out[0 .. 55];
  @ ensures has_control(out); // FRAME-2
  @ ensures le64(out + 8) == header->slot; // FRAME-1, and so on
  @ ensures le64(out + 16) == header->source_id;
  @ ensures le64(out + 24) == header->source_seq;
  @ ensures le64(out + 32) == header->dest_id;
  @ ensures le64(out + 40) == header->dest_seq;
  @ ensures le64(out + 48) == header->length;
  @*/
void yoton_header_encode(const yoton_header *header, uint8_t out[YOTON_HEADER_SIZE]) {
    memcpy(out, control, CONTROL_SIZE);
    yoton_le64_put(out + AT_SLOT, header->slot);
    //@ assert has_control(out);
    yoton_le64_put(out + AT_SOURCE_ID, header->source_id);
    //@ assert has_control(out);
    //@ assert le64(out + 8) == header->slot;
    yoton_le64_put(out + AT_SOURCE_SEQ, header->source_seq);
    //@ assert has_control(out);
    //@ assert le64(out + 8) == header->slot;
    //@ assert le64(out + 16) == header->source_id;
    yoton_le64_put(out + AT_DEST_ID, header->dest_id);
    //@ assert has_control(out);
    //@ assert le64(out + 8) == header->slot;
    //@ assert le64(out + 16) == header->source_id;
    //@ assert le64(out + 24) == header->source_seq;
    yoton_le64_put(out + AT_DEST_SEQ, header->dest_seq);
    //@ assert has_control(out);
    //@ assert le64(out + 8) == header->slot;
    //@ assert le64(out + 16) == header->source_id;
    //@ assert le64(out + 24) == header->source_seq;
    //@ assert le64(out + 32) == header->dest_id;
    yoton_le64_put(out + AT_LENGTH, header->length);
}

/*@ requires \valid(header) && \valid_read(in + (0 .. 55)) && \separated(header, in + (0 .. 55));
  @ assigns *header;
  @ ensures header->slot == le64(in + 8);
  @ ensures header->source_id == le64(in + 16);
  @ ensures header->source_seq == le64(in + 24);
  @ ensures header->dest_id == le64(in + 32);
  @ ensures header->dest_seq == le64(in + 40);
  @ ensures header->length == le64(in + 48);
  @*/
static void decode_fields(yoton_header *header, const uint8_t *in) {
    header->slot = yoton_le64_get(in + AT_SLOT);
    header->source_id = yoton_le64_get(in + AT_SOURCE_ID);
    header->source_seq = yoton_le64_get(in + AT_SOURCE_SEQ);
    header->dest_id = yoton_le64_get(in + AT_DEST_ID);
    header->dest_seq = yoton_le64_get(in + AT_DEST_SEQ);
    header->length = yoton_le64_get(in + AT_LENGTH);
}

/* How far the control bytes of a header, from `from` to `to`, are as they must be. */
/*@ requires from <= to <= 8 && \valid_read(in + (0 .. to - from - 1));
  @ assigns \nothing;
  @ ensures from <= \result <= to;
  @ ensures \forall integer i; from <= i < \result ==> in[i - from] == control[i];
  @ ensures \result < to ==> in[\result - from] != control[\result];
  @*/
static size_t good_control(const uint8_t *in, size_t from, size_t to) {
    size_t i = from;
    /*@ loop invariant from <= i <= to;
      @ loop invariant \forall integer k; from <= k < i ==> in[k - from] == control[k];
      @ loop assigns i;
      @ loop variant to - i;
      @*/
    while (i < to && in[i - from] == control[i])
        i++;
    return i;
}

/*@ requires \valid(header) && \valid_read(in + (0 .. 55)) && \separated(header, in + (0 .. 55));
  @ requires error_offset == \null || (\valid(error_offset) &&
  @     \separated(error_offset, header, in + (0 .. 55)));
  @ behavior good:
  @     assumes has_control(in);
  @     assigns *header;
  @     ensures \result == YOTON_OK && has_fields(in, header);
  @ behavior lost: // FRAME-3: the first wrong byte is told, and nothing else changes
  @     assumes !has_control(in);
  @     assigns *error_offset;
  @     ensures \result == YOTON_E_CONTROL;
  @     ensures error_offset != \null ==> *error_offset < 8 &&
  @         in[*error_offset] != control[*error_offset] &&
  @         (\forall integer i; 0 <= i < *error_offset ==> in[i] == control[i]);
  @ complete behaviors;
  @ disjoint behaviors;
  @*/
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

/*@ predicate sound(yoton_framer *f) = f->have < 56 && (f->remaining > 0 ==> f->have == 0) &&
  @     f->error <= 0 && f->remaining <= f->max_message;
  @ predicate apart(yoton_framer *f, uint8_t *in, integer n, size_t *used, yoton_frame *out) =
  @     \valid(f) && \valid(used) && \valid(out) && \valid_read(in + (0 .. n - 1)) &&
  @     \separated(f, used, out, in + (0 .. n - 1));
  @*/

/*@ requires \valid(framer);
  @ assigns *framer;
  @ ensures sound(framer) && framer->error == YOTON_OK && framer->position == 0;
  @ ensures framer->have == 0 && framer->remaining == 0;
  @ ensures framer->max_message == (max_message ? max_message : YOTON_MAX_MESSAGE_DEFAULT);
  @*/
void yoton_framer_init(yoton_framer *framer, uint64_t max_message) {
    *framer = (yoton_framer){.max_message = max_message ? max_message : YOTON_MAX_MESSAGE_DEFAULT};
}

/*@ requires \valid(framer) && error < 0;
  @ assigns framer->position, framer->error;
  @ ensures \result == error && framer->error == error && framer->position == position;
  @*/
static int fail(yoton_framer *framer, int error, uint64_t position) {
    framer->position = position;
    framer->error = error;
    return error;
}

/* A header whose control bytes are good has ended at framer->position. */
/*@ requires \valid(framer) && \valid(frame) && \valid_read(raw + (0 .. 55));
  @ requires \separated(framer, frame) && \separated(frame, raw + (0 .. 55));
  @ requires sound(framer) && framer->have == 0 && framer->remaining == 0;
  @ assigns *frame, framer->position, framer->error, framer->remaining;
  @ ensures sound(framer) && framer->have == 0;
  @ ensures has_fields(\old(raw), &frame->header) || framer->error != \old(framer->error);
  @ ensures \result == YOTON_OK ==> framer->remaining == frame->header.length &&
  @     frame->header.length <= framer->max_message && framer->error == \old(framer->error) &&
  @     framer->position == \old(framer->position) &&
  @     frame->kind == (frame->header.length ? YOTON_FRAME_HEADER : YOTON_FRAME_SIGNAL);
  @ ensures \result != YOTON_OK ==> \result == YOTON_E_LENGTH && framer->error == YOTON_E_LENGTH;
  @*/
static int finish_header(yoton_framer *framer, const uint8_t *raw, yoton_frame *frame) {
    decode_fields(&frame->header, raw);
    if (frame->header.length > framer->max_message) /* FRAME-7 */
        return fail(framer, YOTON_E_LENGTH, framer->position - YOTON_HEADER_SIZE + AT_LENGTH);
    framer->remaining = frame->header.length;
    /* FRAME-13: a signal whatever the other fields hold */
    frame->kind = frame->header.length ? YOTON_FRAME_HEADER : YOTON_FRAME_SIGNAL;
    return YOTON_OK;
}

/*@ requires apart(framer, data, size, consumed, frame) && sound(framer) && size > 0;
  @ requires framer->error == YOTON_OK && framer->remaining == 0 && *consumed == 0;
  @ assigns *framer, *consumed, *frame;
  @ ensures sound(framer) && framer->max_message == \old(framer->max_message);
  @ ensures *consumed <= size && (\result == YOTON_OK ==> *consumed > 0);
  @ ensures \result == framer->error;
  @*/
/* FRAME-6: gathers a header that comes in pieces. */
static int feed_header(yoton_framer *framer, const uint8_t *data, size_t size, size_t *consumed,
                       yoton_frame *frame) {
    size_t have = framer->have;
    //@ split have; // Eva takes each of the 56 places apart, and so knows that the rest fits
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

/*@ requires apart(framer, data, size, consumed, frame) && sound(framer) && size > 0;
  @ requires framer->error == YOTON_OK && framer->remaining > 0;
  @ assigns framer->remaining, framer->position, *consumed, *frame;
  @ ensures sound(framer) && framer->error == YOTON_OK;
  @ ensures 0 < *consumed <= size && framer->remaining == \old(framer->remaining) - *consumed;
  @ ensures frame->kind == YOTON_FRAME_PAYLOAD && frame->data == data && frame->size == *consumed;
  @ ensures frame->last <==> framer->remaining == 0;
  @*/
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

/*@ requires apart(framer, data, size, consumed, frame) && sound(framer);
  @ assigns *framer, *consumed, *frame;
  @ ensures sound(framer) && framer->max_message == \old(framer->max_message);
  @ ensures *consumed <= size && \result == framer->error;
  @ ensures progress: size > 0 && \result == YOTON_OK ==> *consumed > 0;
  @ ensures sticky: \old(framer->error) != YOTON_OK ==> \result == \old(framer->error) &&
  @     *consumed == 0 && framer->position == \old(framer->position);
  @*/
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
