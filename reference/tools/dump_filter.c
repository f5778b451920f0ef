/* SPDX-License-Identifier: BSD-2-Clause */
#include "dump_filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dump_print.h"
#include "yoton/error.h"
#include "yoton/names.h"

static int add(uint64_t **list, size_t *count, uint64_t number) {
    uint64_t *grown = realloc(*list, (*count + 1) * sizeof **list);
    if (grown == NULL)
        return YOTON_E_NOMEM;
    *list = grown;
    grown[(*count)++] = number;
    return YOTON_OK;
}

/* The whole text as a number of this base. */
static bool number_of(const char *text, int base, uint64_t *number) {
    char *end;
    errno = 0;
    *number = strtoull(text, &end, base);
    return *text != '\0' && *text != '-' && *text != '+' && *text != ' ' && *end == '\0' &&
           errno == 0;
}

int dump_filter_kind(dump_filter *f, const char *name) {
    for (int kind = 0; kind <= DUMP_FORGOTTEN; kind++) {
        if (strcmp(dump_kind_name((dump_kind)kind), name) == 0) {
            f->kinds[kind] = f->some_kinds = true;
            return YOTON_OK;
        }
    }
    return YOTON_E_ARGUMENT;
}

int dump_filter_slot(dump_filter *f, const char *text) {
    uint64_t number;
    int error =
        number_of(text, 10, &number) ? YOTON_OK : yoton_slot_hash(text, strlen(text), &number);
    return error == YOTON_OK ? add(&f->slots, &f->slot_count, number) : error;
}

int dump_filter_source(dump_filter *f, const char *text) {
    uint64_t number;
    if (!number_of(text, 16, &number))
        return YOTON_E_ARGUMENT;
    return add(&f->sources, &f->source_count, number);
}

static bool has(const uint64_t *list, size_t count, uint64_t number) {
    for (size_t i = 0; i < count; i++)
        if (list[i] == number)
            return true;
    return false;
}

bool dump_filter_takes(const dump_filter *f, const dump_event *e) {
    if (f->some_kinds && !f->kinds[e->kind])
        return false;
    if (f->slot_count == 0 && f->source_count == 0)
        return true;
    return e->kind == DUMP_PACKAGE &&
           (f->slot_count == 0 || has(f->slots, f->slot_count, e->header.slot)) &&
           (f->source_count == 0 || has(f->sources, f->source_count, e->header.source_id));
}

void dump_filter_free(dump_filter *f) {
    free(f->slots);
    free(f->sources);
}
