/* SPDX-License-Identifier: BSD-2-Clause */
/* A capture file as events for the judge. */
#include "passive/passive.h"

#include <stdlib.h>
#include <string.h>

#include "capture_file.h"
#include "capture_tcp.h"
#include "engine/util.h"

/* The reader of packages stands behind this one, which sees bytes and ends first. */
typedef struct front {
    reading *reading;
    dump_reader reader;
    capture_handler inner;
} front;

/* Streams are numbered from 1; NULL for one too many. */
static watch *watch_of(front *f, const capture_stream *stream) {
    reading *r = f->reading;
    if (stream->number > PASSIVE_STREAMS_MAX) {
        r->left_out = stream->number - PASSIVE_STREAMS_MAX;
        return NULL;
    }
    if (r->by_number == NULL)
        r->by_number = room((PASSIVE_STREAMS_MAX + 1) * sizeof *r->by_number);
    watch *w = r->by_number[stream->number];
    if (w == NULL) {
        w = room(sizeof *w);
        *w = (watch){.reading = r, .stream = stream, .number = stream->number, .began = r->now};
        for (int i = 0; i < 2; i++) {
            w->side[i] = stream->side[i];
            w->end[i] = (watched_end){.watch = w, .other = &w->end[!i], .side = i};
            w->end[i].duty.rule = NO_RULE;
        }
        w->next = r->watches;
        r->watches = r->by_number[stream->number] = w;
    }
    w->whole = stream->roles_known && stream->from_start[0] && stream->from_start[1];
    return w;
}

static bool wanted(front *f, const capture_stream *stream) {
    return (f->reading->only_stream == 0 || f->reading->only_stream == stream->number) &&
           watch_of(f, stream) != NULL;
}

static int on_data(void *user, capture_stream *stream, int side, const uint8_t *data, size_t size) {
    front *f = user;
    if (wanted(f, stream)) {
        watch *w = watch_of(f, stream);
        watch_bytes(&w->end[side], f->reading->now);
        if (f->reading->bytes != NULL)
            f->reading->bytes(f->reading->user, w, side, data, size);
    }
    return f->inner.data(f->inner.user, stream, side, data, size);
}

static int on_gap(void *user, capture_stream *stream, int side, uint64_t bytes, capture_gap why) {
    front *f = user;
    if (wanted(f, stream)) {
        f->reading->request_gap = true;
        watch_of(f, stream)->gap = true;
    }
    return f->inner.gap(f->inner.user, stream, side, bytes, why);
}

static int on_end(void *user, capture_stream *stream, int side, capture_end why) {
    front *f = user;
    int result =
        f->inner.end(f->inner.user, stream, side, why); /* its events come before the end */
    if (wanted(f, stream) && why != CAPTURE_END_FILE)
        watch_end(&watch_of(f, stream)->end[side], why == CAPTURE_END_RST);
    return result;
}

/* What a mirror port shows twice comes at once; TCP waits before it sends again. */
static void on_repeated(void *user, capture_stream *stream, int side) {
    enum { AT_ONCE = 100000 }; /* microseconds */
    front *f = user;
    if (!wanted(f, stream))
        return;
    watched_end *end = &watch_of(f, stream)->end[side];
    if (f->reading->now - end->last > AT_ONCE)
        end->sent_again = f->reading->now;
}

static void on_forget(void *user, capture_stream *stream, bool evicted) {
    front *f = user;
    f->inner.forget(f->inner.user, stream, evicted);
}

static rule broken_by(const watched_end *end, const dump_event *event) {
    bool over = event->kind == DUMP_FIN || event->kind == DUMP_RESET;
    if (over && end->duty.rule != NO_RULE && end->watch->reading->now > end->duty.due)
        return end->duty.rule; /* an end that comes too late is judged behind this event */
    return end->broken > end->told_broken ? end->last_broken : NO_RULE;
}

static int on_event(void *user, const dump_event *event) {
    front *f = user;
    if (!wanted(f, event->stream))
        return 0;
    watch *w = watch_of(f, event->stream);
    watched_end *end = &w->end[event->side];
    watch_event(f->reading, w, event);
    draw_event(w, event);
    if (f->reading->event != NULL)
        f->reading->event(f->reading->user, w, event, broken_by(end, event));
    end->told_broken = end->broken;
    return 0;
}

static bool same(const capture_endpoint *a, const capture_endpoint *b) {
    return a->port == b->port && a->version == b->version &&
           memcmp(a->address, b->address, a->version == 4 ? 4 : 16) == 0;
}

/* A receiver that takes nothing excuses the sender's silence (LINK-1). */
static void note_window(reading *r, const capture_segment *s) {
    if (s->window != 0 || (s->flags & CAPTURE_RST) != 0)
        return;
    for (watch *w = r->watches; w != NULL; w = w->next)
        for (int i = 0; i < 2; i++)
            if (same(&w->side[i], &s->from) && same(&w->side[!i], &s->to)) {
                w->end[i].zero_window = r->now;
                return;
            }
}

char *read_capture(reading *r, const char *name, unsigned long *tcp) {
    char error[CAPTURE_ERROR_SIZE] = "";
    capture_file *file = capture_file_open(name, false, error);
    *tcp = 0;
    if (file == NULL)
        return text_of("%s: %s", name, error);
    front f = {.reading = r,
               .reader = {.event = on_event,
                          .user = &f,
                          .max_message = YOTON_MAX_MESSAGE_DEFAULT,
                          .keep = DUMP_KEEP_DEFAULT}};
    f.inner = dump_stream_handler(&f.reader);
    capture_handler handler = {.user = &f,
                               .data = on_data,
                               .gap = on_gap,
                               .end = on_end,
                               .repeated = on_repeated,
                               .forget = on_forget};
    capture_tcp *streams = capture_tcp_new(&handler);
    capture_segment segment;
    int result = streams != NULL ? 0 : -1;
    while (result == 0 && capture_file_next(file, &segment, &f.reader.now, error) == 1) {
        r->now = f.reader.now;
        r->frame = capture_file_counts(file)->packets;
        note_window(r, &segment);
        result = capture_tcp_add(streams, &segment);
    }
    if (result == 0)
        result = capture_tcp_finish(streams);
    *tcp = capture_file_counts(file)->tcp;
    capture_tcp_free(streams);
    capture_file_close(file);
    if (result != 0)
        return text_of("%s: out of memory", name);
    return error[0] != '\0' ? text_of("%s: %s", name, error) : NULL;
}
