/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/transcript.h"

#include <stdlib.h>

#include "engine/util.h"

/* In the report: the first HEAD and the last TAIL entries. In memory: no more than LIMIT. */
enum { HEAD = 100, TAIL = 300, LIMIT = 20000, HEX_LIMIT = 192 };

void transcript_start(struct transcript *transcript) {
    transcript->entries = json_array();
    transcript->start = now();
}

static void forget_middle(struct transcript *transcript) {
    json_t *kept = json_array();
    size_t count = json_array_size(transcript->entries);
    for (size_t i = 0; i < count; i++)
        if (i < HEAD || i >= count - LIMIT / 2)
            json_array_append(kept, json_array_get(transcript->entries, i));
    transcript->dropped += count - json_array_size(kept);
    json_decref(transcript->entries);
    transcript->entries = kept;
}

size_t transcript_add(struct transcript *transcript, double when, const char *who,
                      direction direction, const char *what, const void *bytes, size_t size) {
    static const char *const names[] = {"sent", "received", "note"};
    if (json_array_size(transcript->entries) >= LIMIT)
        forget_middle(transcript);
    json_t *entry = json_pack("{s:f, s:s, s:s, s:o}", "t", when - transcript->start, "who", who,
                              "direction", names[direction], "what", json_text(what));
    if (bytes != NULL) {
        char *hex = hex_of(bytes, size, HEX_LIMIT);
        json_object_set_new(entry, "hex", json_string(hex));
        json_object_set_new(entry, "size", json_integer((json_int_t)size));
        free(hex);
    }
    json_array_append_new(transcript->entries, entry);
    return json_array_size(transcript->entries) - 1 + transcript->dropped;
}

void transcript_mark(struct transcript *transcript, size_t entry, size_t offset,
                     const char *field) {
    size_t index = entry < HEAD ? entry : entry - transcript->dropped;
    json_t *found = json_array_get(transcript->entries, index);
    if (found != NULL) {
        json_object_set_new(found, "wrong", field ? json_integer((json_int_t)offset) : json_true());
        json_object_set_new(found, "field", json_text(field ? field : ""));
    }
}

/* What came is recorded when it is looked at; the reader wants it where it came. */
struct place {
    double when;
    size_t index;
    json_t *entry;
};

static int by_time(const void *a, const void *b) {
    const struct place *one = a, *two = b;
    if (one->when != two->when)
        return one->when < two->when ? -1 : 1;
    return one->index < two->index ? -1 : 1;
}

static struct place *in_order(const json_t *entries) {
    size_t i;
    json_t *entry;
    struct place *places = room((json_array_size(entries) + 1) * sizeof *places);
    json_array_foreach(entries, i, entry) {
        places[i] = (struct place){json_number_value(json_object_get(entry, "t")), i, entry};
    }
    qsort(places, json_array_size(entries), sizeof *places, by_time);
    return places;
}

json_t *transcript_report(const struct transcript *transcript) {
    size_t count = json_array_size(transcript->entries);
    struct place *places = in_order(transcript->entries);
    json_t *report = json_array();
    for (size_t i = 0; i < count; i++) {
        if (i < HEAD || count <= HEAD + TAIL || i >= count - TAIL)
            json_array_append(report, places[i].entry);
        if (i == HEAD && count > HEAD + TAIL) {
            char *what =
                text_of("%zu entries are left out here", count - HEAD - TAIL + transcript->dropped);
            json_array_append_new(report, json_pack("{s:f, s:s, s:s, s:s}", "t", places[i].when,
                                                    "who", "", "direction", "note", "what", what));
            free(what);
        }
    }
    free(places);
    return report;
}
