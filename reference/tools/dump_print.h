/* SPDX-License-Identifier: BSD-2-Clause */
/* The two forms of a dump: lines of text, and lines of JSON. */
#ifndef YOTON_TOOLS_DUMP_PRINT_H
#define YOTON_TOOLS_DUMP_PRINT_H

#include <stdio.h>

#include "dump_slots.h"
#include "dump_stream.h"

typedef struct dump_printer {
    FILE *out;
    dump_slots *slots;
    const char *file; /* to be named in every JSON line, or NULL */
    size_t shown;     /* bytes of a payload that are shown */
    bool times, colour;
} dump_printer;

/* Names of the kinds, the same in both forms. */
const char *dump_kind_name(dump_kind kind);

/* Purpose: print one event; `user` is a dump_printer. Made to be dump_reader.event.
 * Return 0, or -1 when memory is short. */
int dump_print_text(void *user, const dump_event *event);
int dump_print_json(void *user, const dump_event *event);

#endif
