/* SPDX-License-Identifier: BSD-2-Clause */
#include "dump_stream.h"

#include <stdlib.h>
#include <string.h>

#include "dump_half.h"

/* Both directions of a stream. */
typedef struct conversation {
    dump_half half[2];
    bool announced;
} conversation;

static conversation *conversation_of(dump_reader *reader, capture_stream *stream) {
    if (stream->user == NULL) {
        conversation *c = calloc(1, sizeof *c);
        if (c == NULL)
            return NULL;
        for (int side = 0; side < 2; side++)
            c->half[side] = (dump_half){.reader = reader,
                                        .stream = stream,
                                        .side = side,
                                        .other = &c->half[!side],
                                        .announced = &c->announced};
        stream->user = c;
    }
    return stream->user;
}

static int on_data(void *user, capture_stream *stream, int side, const uint8_t *data, size_t size) {
    conversation *c = conversation_of(user, stream);
    return c != NULL ? dump_half_data(&c->half[side], data, size) : -1;
}

static int on_gap(void *user, capture_stream *stream, int side, uint64_t bytes, capture_gap why) {
    conversation *c = conversation_of(user, stream);
    return c != NULL ? dump_half_gap(&c->half[side], bytes, why) : -1;
}

static int on_end(void *user, capture_stream *stream, int side, capture_end why) {
    conversation *c = conversation_of(user, stream);
    return c != NULL ? dump_half_end(&c->half[side], why) : -1;
}

static void on_forget(void *user, capture_stream *stream, bool evicted) {
    conversation *c = stream->user;
    (void)user;
    if (c == NULL)
        return;
    if (evicted)
        dump_half_evicted(&c->half[0]);
    for (int side = 0; side < 2; side++)
        dump_half_free(&c->half[side]);
    free(c);
}

capture_handler dump_stream_handler(dump_reader *reader) {
    return (capture_handler){
        .user = reader, .data = on_data, .gap = on_gap, .end = on_end, .forget = on_forget};
}
