/* SPDX-License-Identifier: BSD-2-Clause */
/* Which events of a dump are wanted. */
#ifndef YOTON_TOOLS_DUMP_FILTER_H
#define YOTON_TOOLS_DUMP_FILTER_H

#include "dump_stream.h"

/* A zeroed one lets everything pass. Each list that is not empty must have what fits the event. */
typedef struct dump_filter {
    bool kinds[DUMP_FORGOTTEN + 1], some_kinds;
    uint64_t *slots, *sources;
    size_t slot_count, source_count;
} dump_filter;

/* Purpose: add a kind by its name (dump_kind_name), a slot by its full name or number, a source by
 * its id in hex. Each returns YOTON_OK, YOTON_E_ARGUMENT when there is no such kind or number,
 * YOTON_E_NOMEM, or for names what yoton_slot_hash returns. */
int dump_filter_kind(dump_filter *filter, const char *name);
int dump_filter_slot(dump_filter *filter, const char *text);
int dump_filter_source(dump_filter *filter, const char *text);

/* Purpose: is this event wanted? With slots or sources only packages are. */
bool dump_filter_takes(const dump_filter *filter, const dump_event *event);

void dump_filter_free(dump_filter *filter);

#endif
