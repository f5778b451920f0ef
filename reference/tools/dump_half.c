/* SPDX-License-Identifier: BSD-2-Clause */
#include "dump_half.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 1 << 13 };

static const uint8_t control[] = {'Y', 'O', 'T', 'O', 'N', ' ', ' ', ' '};

/* --- events --- */

static dump_event new_event(const dump_half *h, dump_kind kind, uint64_t offset) {
    return (dump_event){.kind = kind,
                        .time = h->reader->now,
                        .stream = h->stream,
                        .side = h->side,
                        .offset = offset,
                        .after_close = h->closed};
}

static int emit(dump_half *h, const dump_event *event) {
    int result = 0;
    if (!*h->announced) {
        dump_event stream = new_event(h, DUMP_STREAM, 0);
        *h->announced = true;
        result = h->reader->event(h->reader->user, &stream);
    }
    return result != 0 ? result : h->reader->event(h->reader->user, event);
}

static int emit_bytes(dump_half *h, dump_kind kind, uint64_t offset, uint64_t bytes) {
    dump_event event = new_event(h, kind, offset);
    event.bytes = bytes;
    return emit(h, &event);
}

/* --- the line --- */

static bool is_refusal(const dump_half *h) {
    static const int errors[] = {YOTON_E_NOT_YOTON, YOTON_E_HANDSHAKE};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        const char *text = yoton_handshake_refusal(errors[i]);
        if (h->line_size == strlen(text) && memcmp(h->line, text, h->line_size) == 0)
            return true;
    }
    return false;
}

static int show_bad_line(dump_half *h) {
    dump_event event = new_event(h, is_refusal(h) ? DUMP_REFUSAL : DUMP_BAD_LINE, h->item_at);
    event.data = h->line;
    event.size = h->line_size;
    event.error = h->line_error;
    event.bytes = h->line_blame;
    bool again = h->line_shown == h->line_size;
    h->line_shown = h->line_size;
    return again ? 0 : emit(h, &event);
}

/* Reports a line that is not good, as far as it came; the rest is unread. */
static int end_bad_line(dump_half *h) {
    h->state = DUMP_REFUSED;
    int result = show_bad_line(h);
    h->item_at += h->line_size;
    return result;
}

/* The limit of a length is looked at here, where the header is known. */
static void start_packages(dump_half *h, uint64_t offset) {
    h->state = DUMP_IN_PACKAGES;
    h->framer_at = h->header_at = offset;
    h->header.length = 0;
    yoton_framer_init(&h->framer, UINT64_MAX);
}

/* A line of which no more will come, or matter. */
static int give_line_up(dump_half *h) {
    bool begun = h->line_size > 0 && (h->state == DUMP_IN_LINE || h->state == DUMP_IN_BAD_LINE);
    return begun ? end_bad_line(h) : 0;
}

/* A bad line is shown up to its line feed, or as far as the limit lets it come. */
static int take_bad_line(dump_half *h) {
    const uint8_t *end = memchr(h->line, '\n', h->line_size);
    if (end != NULL)
        h->line_size = (size_t)(end - h->line) + 1;
    else if (h->line_size < sizeof h->line)
        return 0;
    /* a host that refuses has read all that it wanted of the other side's line */
    int result = h->side == 1 ? give_line_up(h->other) : 0;
    return result != 0 ? result : end_bad_line(h);
}

static int end_good_line(dump_half *h, const yoton_hello *hello) {
    dump_event event = new_event(h, DUMP_HELLO, h->item_at);
    event.hello = *hello;
    event.data = h->line;
    event.size = h->line_size;
    start_packages(h, h->item_at + h->line_size);
    /* a host that answers before the other side's line has ended takes what came for the whole */
    int result = 0;
    if (h->side == 1 && h->other->state == DUMP_IN_LINE && h->other->line_size > 0)
        result = show_bad_line(h->other);
    return result != 0 ? result : emit(h, &event);
}

static size_t add_to_line(dump_half *h, const uint8_t *data, size_t size) {
    size_t room = sizeof h->line - h->line_size;
    if (size > room)
        size = room;
    memcpy(h->line + h->line_size, data, size);
    h->line_size += size;
    return size;
}

/* Sets how many bytes of data belong to the line. */
static int take_line(dump_half *h, const uint8_t *data, size_t size, size_t *used) {
    yoton_hello hello;
    size_t before = h->line_size;
    int result = 0;
    *used = add_to_line(h, data, size);
    if (h->state == DUMP_IN_LINE) {
        h->line_error = yoton_handshake_parse(&hello, h->line, h->line_size, 0, &h->line_blame);
        if (h->line_error == YOTON_OK) {
            h->line_size = h->line_blame;
            result = end_good_line(h, &hello);
        } else if (h->line_error != YOTON_E_MORE) {
            h->state = DUMP_IN_BAD_LINE;
        }
    }
    if (h->state == DUMP_IN_BAD_LINE)
        result = take_bad_line(h);
    if (h->state != DUMP_IN_LINE && h->state != DUMP_IN_BAD_LINE) /* it took less than was there */
        *used = h->line_size > before ? h->line_size - before : 0;
    return result;
}

static void drop_kept(dump_half *h) {
    h->reader->memory -= h->room;
    free(h->kept);
    h->kept = NULL;
    h->kept_size = h->room = 0;
}

/* Bytes from `from` on belong to nothing, until control bytes are found. */
static void seek(dump_half *h, uint64_t from) {
    h->state = DUMP_SEEKING;
    h->item_at = from;
    h->unread = h->at - from;
    h->matched = 0;
    h->header.length = 0;
    drop_kept(h);
}

/* The capture began later: what stands first tells what it is. */
static int take_doubt(dump_half *h, const uint8_t *data, size_t size, size_t *used) {
    static const struct {
        char text[7];
        dump_state state;
    } starts[] = {{"YOTON!", DUMP_IN_LINE}, {"ERROR:", DUMP_IN_LINE}, {"YOTON ", DUMP_IN_PACKAGES}};
    size_t before = h->line_size;
    add_to_line(h, data, size);
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        size_t length = sizeof starts[i].text - 1;
        size_t compared = h->line_size < length ? h->line_size : length;
        if (memcmp(h->line, starts[i].text, compared) != 0)
            continue;
        if (compared < length) { /* not yet told apart */
            *used = size;
            return 0;
        }
        h->state = starts[i].state;
        break;
    }
    /* read again from the start, in the state that is known now */
    uint8_t again[sizeof starts[0].text];
    memcpy(again, h->line, before);
    h->line_size = 0;
    h->at -= before;
    *used = 0;
    if (h->state == DUMP_IN_DOUBT)
        seek(h, h->at);
    if (h->state == DUMP_IN_PACKAGES)
        start_packages(h, h->at);
    return before > 0 ? dump_half_data(h, again, before) : 0;
}

/* --- packages --- */

/* Keeps a piece of payload, as far as the limits allow. */
static int keep(dump_half *h, const uint8_t *data, size_t size) {
    size_t limit = h->reader->keep - h->kept_size;
    if (!h->kept_all)
        return 0;
    if (size > limit) {
        h->kept_all = false;
        size = limit;
    }
    if (size > h->room - h->kept_size) {
        /* a short payload gets its room at once; a long one may be a lie, and grows with what comes
         */
        size_t whole = h->header.length < FIRST_ROOM ? (size_t)h->header.length : FIRST_ROOM;
        size_t room = h->kept_size + size + h->room;
        if (room < whole)
            room = whole;
        if (h->reader->memory - h->room + room > DUMP_MAX_MEMORY) {
            h->kept_all = false;
            return 0;
        }
        uint8_t *grown = realloc(h->kept, room);
        if (grown == NULL)
            return -1;
        h->reader->memory += room - h->room;
        h->kept = grown;
        h->room = room;
    }
    if (size > 0)
        memcpy(h->kept + h->kept_size, data, size);
    h->kept_size += size;
    return 0;
}

static int end_package(dump_half *h, const uint8_t *data, size_t size) {
    dump_event event = new_event(h, DUMP_PACKAGE, h->header_at);
    event.header = h->header;
    event.missing = h->missing;
    event.data = data;
    event.size = size;
    int result = emit(h, &event);
    h->header.length = 0;
    h->header_at = h->at;
    drop_kept(h);
    return result;
}

static int take_payload(dump_half *h, const yoton_frame *frame, bool real) {
    h->got += frame->size;
    if (real && frame->last && frame->size == h->header.length) /* whole: no copy is needed */
        return end_package(h, frame->data,
                           frame->size < h->reader->keep ? frame->size : h->reader->keep);
    if (!real) {
        h->missing += frame->size;
        h->kept_all = false;
    }
    int result = keep(h, frame->data, frame->size);
    if (result != 0 || !frame->last)
        return result;
    return end_package(h, h->kept, h->kept_size);
}

static int take_signal(dump_half *h, const yoton_header *header) {
    uint64_t seq = header->source_seq; /* FRAME-13: it alone tells which signal */
    dump_kind kind = seq == YOTON_SIGNAL_HEARTBEAT ? DUMP_HEARTBEAT
                     : seq == YOTON_SIGNAL_CLOSE   ? DUMP_CLOSE
                                                   : DUMP_SIGNAL;
    dump_event event = new_event(h, kind, h->header_at);
    event.header = *header;
    h->header_at = h->at;
    h->closed |= kind == DUMP_CLOSE;
    return emit(h, &event);
}

static int take_header(dump_half *h, const yoton_header *header) {
    h->header = *header;
    h->got = h->missing = 0;
    h->kept_all = true;
    if (header->length <= h->reader->max_message)
        return 0;
    /* FRAME-7: too long a package is an error in the stream */
    dump_event event = new_event(h, DUMP_ERROR, h->header_at + YOTON_HEADER_SIZE - 8);
    event.error = YOTON_E_LENGTH;
    event.header = *header;
    seek(h, h->header_at);
    return emit(h, &event);
}

/* FRAME-3: a receiver stops here; a reader of captures looks for the next package. */
static int lose_track(dump_half *h, const uint8_t *data, size_t size) {
    uint64_t wrong = h->framer_at + yoton_framer_position(&h->framer);
    dump_event event = new_event(h, DUMP_ERROR, wrong);
    event.error = YOTON_E_CONTROL;
    event.data = data + (wrong - h->at);
    event.size = size - (size_t)(wrong - h->at);
    seek(h, h->header_at);
    return emit(h, &event);
}

/* Takes one frame. `real`: the bytes come from the capture, and do not stand for missing ones. */
static int take_frame(dump_half *h, const uint8_t *data, size_t size, bool real, size_t *used) {
    yoton_frame frame;
    int error = yoton_framer_feed(&h->framer, data, size, used, &frame);
    if (error != YOTON_OK)
        return lose_track(h, data, size);
    h->at += *used;
    switch (frame.kind) {
    case YOTON_FRAME_HEADER:
        return take_header(h, &frame.header);
    case YOTON_FRAME_PAYLOAD:
        return take_payload(h, &frame, real);
    case YOTON_FRAME_SIGNAL:
        return take_signal(h, &frame.header);
    case YOTON_FRAME_NONE:
        break;
    }
    return 0;
}

/* Looks for control bytes. No byte but the first is a `Y`, so that a failed match starts afresh. */
static int take_seeking(dump_half *h, const uint8_t *data, size_t size, size_t *used) {
    size_t at = 0;
    while (at < size && h->matched < sizeof control) {
        if (h->matched == 0) {
            const uint8_t *y = memchr(data + at, control[0], size - at);
            at = y != NULL ? (size_t)(y - data) : size;
            h->matched = y != NULL;
            at += y != NULL;
        } else if (data[at] == control[h->matched]) {
            h->matched++;
            at++;
        } else {
            h->matched = 0;
        }
    }
    *used = at;
    h->at += at;
    h->unread += at;
    if (h->matched < sizeof control)
        return 0;
    start_packages(h, h->at - sizeof control);
    int result = emit_bytes(h, DUMP_RESUMED, h->header_at, h->unread - sizeof control);
    h->unread = 0;
    size_t fed;
    yoton_frame frame;
    yoton_framer_feed(&h->framer, control, sizeof control, &fed, &frame);
    return result;
}

/* --- what comes from below --- */

static int take(dump_half *h, const uint8_t *data, size_t size, size_t *used) {
    int result = 0;
    switch (h->state) {
    case DUMP_AT_START:
        h->state = h->stream->from_start[h->side] ? DUMP_IN_LINE : DUMP_IN_DOUBT;
        *used = 0;
        break;
    case DUMP_IN_DOUBT:
        result = take_doubt(h, data, size, used);
        h->at += *used;
        break;
    case DUMP_IN_LINE:
    case DUMP_IN_BAD_LINE:
        result = take_line(h, data, size, used);
        h->at += *used;
        break;
    case DUMP_IN_PACKAGES:
        result = take_frame(h, data, size, true, used);
        break;
    case DUMP_SEEKING:
        result = take_seeking(h, data, size, used);
        break;
    case DUMP_REFUSED:
        *used = size;
        h->at += size;
        h->unread += size;
        break;
    }
    return result;
}

int dump_half_data(dump_half *h, const uint8_t *data, size_t size) {
    int result = 0;
    while (size > 0 && result == 0) {
        size_t used = 0;
        result = take(h, data, size, &used);
        data += used;
        size -= used;
    }
    return result;
}

/* A package, or the header of one, whose rest will not come. */
static int give_package_up(dump_half *h) {
    if (h->state != DUMP_IN_PACKAGES || h->at == h->header_at)
        return 0;
    dump_event event = new_event(h, DUMP_UNFINISHED, h->header_at);
    event.bytes = h->at - h->header_at;
    if (h->header.length > 0) {
        event.bytes -= h->missing;
        event.header = h->header;
        event.missing = h->missing;
        event.data = h->kept;
        event.size = h->kept_size;
    }
    int result = emit(h, &event);
    seek(h, h->at);
    return result;
}

/* Reads over missing bytes of a payload: its end is known, so that track of the stream is kept. */
static int bridge(dump_half *h, uint64_t bytes) {
    static const uint8_t nothing[4096];
    int result = 0;
    while (bytes > 0 && result == 0) {
        size_t used, size = bytes < sizeof nothing ? (size_t)bytes : sizeof nothing;
        result = take_frame(h, nothing, size, false, &used);
        bytes -= used;
    }
    return result;
}

int dump_half_gap(dump_half *h, uint64_t bytes, capture_gap why) {
    int result = emit_bytes(h, why == CAPTURE_GAP_SNAP ? DUMP_CUT : DUMP_GAP, h->at, bytes);
    bool go_on = h->state == DUMP_SEEKING || h->state == DUMP_REFUSED;
    if (result == 0 && h->state == DUMP_IN_PACKAGES && h->header.length > 0 &&
        bytes <= h->header.length - h->got)
        return bridge(h, bytes);
    if (result == 0)
        result = give_line_up(h);
    if (result == 0)
        result = give_package_up(h);
    if (h->state == DUMP_IN_DOUBT)
        seek(h, h->item_at);
    h->at += bytes;
    h->matched = 0;
    if (!go_on && h->state != DUMP_SEEKING)
        seek(h, h->at);
    return result;
}

int dump_half_end(dump_half *h, capture_end why) {
    int result = give_line_up(h);
    if (result == 0)
        result = give_package_up(h);
    if (h->state == DUMP_IN_DOUBT)
        seek(h, h->item_at);
    if (result == 0 && h->unread > 0)
        result = emit_bytes(h, DUMP_UNREAD, h->item_at, h->unread);
    h->unread = 0;
    if (result != 0 || why == CAPTURE_END_FILE)
        return result;
    return emit_bytes(h, why == CAPTURE_END_FIN ? DUMP_FIN : DUMP_RESET, h->at, 0);
}

void dump_half_evicted(dump_half *h) {
    if (*h->announced)
        emit_bytes(h, DUMP_FORGOTTEN, h->at, 0);
}

void dump_half_free(dump_half *h) { drop_kept(h); }
