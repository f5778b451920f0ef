/* SPDX-License-Identifier: BSD-2-Clause */
/* What a link must do, told by somebody who reads byte by byte, keeps everything, and computes each
 * answer anew: sections 5, 6 and 7 of the spec as `yoton/link.h` promises them. It shares no code
 * with the reference. */
#ifndef YOTON_FUZZ_LINK_MODEL_H
#define YOTON_FUZZ_LINK_MODEL_H

#include <stdbool.h>

#include "yoton/link.h"

enum { MODEL_EVENTS = 512, MODEL_LINE = 64, MODEL_QUEUE = 128, MODEL_IN = 8192 };

/* An event that is due. */
typedef struct model_event {
    yoton_link_event_kind kind;
    int error;              /* DOWN */
    uint64_t id, pid;       /* UP */
    yoton_header header;    /* PACKAGE */
    const uint8_t *payload; /* PACKAGE: what came, all of it in one place */
} model_event;

/* A package that was given to send. */
typedef struct model_package {
    yoton_header header;
    const uint8_t *payload;
} model_package;

typedef struct model {
    yoton_link_config config; /* as it counts, without zeros */
    yoton_link_state state;
    yoton_time now, limit, received, written;
    bool timed_out, line_owed, down_due, close_said;
    int error;
    size_t in_size; /* bytes that came */
    size_t item_at; /* of the line or package that is read */
    size_t queued;
    size_t told, due; /* events */
    uint8_t *out;     /* all that was decided to be sent; `gone` bytes of it were taken */
    size_t out_size, out_room, gone;
    /* not to be cleared */
    uint8_t in[MODEL_IN];
    model_package queue[MODEL_QUEUE];
    model_event events[MODEL_EVENTS];
} model;

void model_open(model *m, const yoton_link_config *config);
void model_free(model *m);

/* What happens to the link; what must be told of it is in `events`. */
void model_input(model *m, const uint8_t *data, size_t size);
void model_eof(model *m);
void model_tick(model *m);
void model_close(model *m);
void model_drop(model *m, int error);
/* Returns what yoton_link_send must return. */
int model_send(model *m, const model_package *package);
/* The link is asked for output and still holds `pending` packages behind it. */
void model_output(model *m, size_t pending);
void model_written(model *m, size_t size);
yoton_time model_deadline(const model *m);

#endif
