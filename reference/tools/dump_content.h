/* SPDX-License-Identifier: BSD-2-Clause */
/* What the payload of a package is: by the name of its slot, or by a guess. */
#ifndef YOTON_TOOLS_DUMP_CONTENT_H
#define YOTON_TOOLS_DUMP_CONTENT_H

#include "dump_slots.h"
#include "dump_stream.h"
#include "yoton/object.h"

typedef struct dump_content {
    const dump_slot *slot; /* NULL when its name is not known */
    dump_type type;        /* unknown: bytes that are neither text nor an object */
    bool named;            /* the type comes from the slot's name */
    int error;             /* not of its type: why … */
    size_t error_at;       /* … and at which byte */
    yoton_value value;     /* of an object without error */
    size_t used;           /* bytes of the payload that are the object */
} dump_content;

/* Purpose: look at the payload of a package, whole or not. Clear value when done.
 * Returns YOTON_OK or YOTON_E_NOMEM. */
int dump_content_read(dump_content *content, dump_slots *slots, const dump_event *event);

/* Purpose: where to cut `size` bytes of UTF-8 to keep at most `limit`: never inside a character. */
size_t dump_content_cut(const uint8_t *data, size_t size, size_t limit);

#endif
