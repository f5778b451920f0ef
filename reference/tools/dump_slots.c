/* SPDX-License-Identifier: BSD-2-Clause */
#include "dump_slots.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yoton/names.h"

static const char *const types[] = {"txt", "bin", "obj"};
static const dump_type type_of[] = {DUMP_TYPE_TXT, DUMP_TYPE_BIN, DUMP_TYPE_OBJ};
static const char *const patterns[] = {"pub-sub", "sub-pub", "req-rep", "rep-req", "state"};

enum { TYPES = sizeof types / sizeof types[0], PATTERNS = sizeof patterns / sizeof patterns[0] };

/* What the end of a full name, `.TYPE.PATTERN`, tells. */
static void read_name(dump_slot *slot) {
    const char *pattern = strrchr(slot->name, '.');
    if (pattern == NULL)
        return;
    slot->asks_replies = strcmp(pattern, ".req-rep") == 0 || strcmp(pattern, ".rep-req") == 0;
    slot->says_words = strcmp(pattern, ".sub-pub") == 0;
    for (size_t i = 0; i < TYPES; i++) {
        size_t size = strlen(types[i]);
        if ((size_t)(pattern - slot->name) > size && pattern[-(ptrdiff_t)size - 1] == '.' &&
            memcmp(pattern - size, types[i], size) == 0)
            slot->type = type_of[i];
    }
}

int dump_slots_add(dump_slots *slots, const char *name, size_t size) {
    dump_slot slot = {0};
    size_t name_size;
    if (slots->count == slots->room) {
        size_t room = slots->room * 2 + 16;
        dump_slot *grown = realloc(slots->items, room * sizeof *grown);
        if (grown == NULL)
            return YOTON_E_NOMEM;
        slots->items = grown;
        slots->room = room;
    }
    int error = yoton_slot_hash(name, size, &slot.number);
    if (error == YOTON_OK)
        error = yoton_slot_normalize(name, size, &slot.name, &name_size);
    if (error != YOTON_OK)
        return error;
    read_name(&slot);
    slots->items[slots->count++] = slot;
    slots->sorted = false;
    return YOTON_OK;
}

int dump_slots_add_base(dump_slots *slots, const char *base) {
    size_t room = strlen(base) + 16;
    char *name = malloc(room);
    int error = name != NULL ? YOTON_OK : YOTON_E_NOMEM;
    for (size_t t = 0; t < TYPES; t++)
        for (size_t p = 0; p < PATTERNS && error == YOTON_OK; p++) {
            int size = snprintf(name, room, "%s.%s.%s", base, types[t], patterns[p]);
            error = dump_slots_add(slots, name, (size_t)size);
        }
    free(name);
    return error;
}

static int compare(const void *a, const void *b) {
    uint64_t x = ((const dump_slot *)a)->number, y = ((const dump_slot *)b)->number;
    return (x > y) - (x < y);
}

const dump_slot *dump_slots_find(dump_slots *slots, uint64_t number) {
    dump_slot wanted = {.number = number};
    if (slots->count == 0)
        return NULL;
    if (!slots->sorted)
        qsort(slots->items, slots->count, sizeof wanted, compare);
    slots->sorted = true;
    return bsearch(&wanted, slots->items, slots->count, sizeof wanted, compare);
}

void dump_slots_free(dump_slots *slots) {
    for (size_t i = 0; i < slots->count; i++)
        free(slots->items[i].name);
    free(slots->items);
    *slots = (dump_slots){0};
}
