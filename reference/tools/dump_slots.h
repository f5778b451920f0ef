/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of slots, so that a dump can show more than their numbers. */
#ifndef YOTON_TOOLS_DUMP_SLOTS_H
#define YOTON_TOOLS_DUMP_SLOTS_H

#include <stddef.h>
#include <stdint.h>

typedef enum dump_type { DUMP_TYPE_UNKNOWN, DUMP_TYPE_TXT, DUMP_TYPE_BIN, DUMP_TYPE_OBJ } dump_type;

typedef struct dump_slot {
    uint64_t number;
    char *name;
    dump_type type;   /* message type that the name tells */
    int asks_replies; /* the pattern is req-rep or rep-req, where some payloads are words (REQREP-3)
                       */
    int says_words;   /* the pattern is sub-pub, where all payloads are words (SYNC-4) */
} dump_slot;

/* A zeroed one is empty. */
typedef struct dump_slots {
    dump_slot *items;
    size_t count, room;
    int sorted;
} dump_slots;

/* Purpose: add a full slot name of `size` bytes of UTF-8.
 * Returns YOTON_OK, YOTON_E_UTF8, YOTON_E_LENGTH or YOTON_E_NOMEM. */
int dump_slots_add(dump_slots *slots, const char *name, size_t size);

/* Purpose: add the names that a base name makes with every message type and pattern. Returns as
 * dump_slots_add. */
int dump_slots_add_base(dump_slots *slots, const char *base);

/* Purpose: the slot with this number, or NULL when its name is not known. */
const dump_slot *dump_slots_find(dump_slots *slots, uint64_t number);

void dump_slots_free(dump_slots *slots);

#endif
