/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection of a capture as steps that a sequence diagram can be drawn of. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dump_print.h"
#include "engine/util.h"
#include "passive/passive.h"

enum { STEPS_MAX = 1000, PAYLOAD = 40 }; /* steps that are kept; bytes of a payload in a label */

/* The slot's name or number, the package's number, and what it says, from a line of `yoton dump`.
 */
static char *package_label(const dump_slot *slot, const dump_event *e, const char *line) {
    const char *length = strstr(line, " length="),
               *content = length ? strchr(length + 1, ' ') : NULL;
    char *number = text_of("slot %llu", (unsigned long long)e->header.slot);
    const char *where = slot ? slot->name : e->header.slot == 2 ? "contexts" : number;
    char *label = text_of("%s #%llu%s", where, (unsigned long long)e->header.source_seq,
                          content ? content : "");
    free(number);
    return label;
}

char *event_label(dump_slots *slots, const dump_event *e) {
    char *line = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);
    if (out == NULL)
        return text_of("%s", dump_kind_name(e->kind));
    dump_printer printer = {.out = out, .slots = slots, .shown = PAYLOAD};
    dump_print_text(&printer, e);
    fclose(out);
    line[strcspn(line, "\n")] = '\0';
    const char *kind = strstr(line, dump_kind_name(e->kind));
    char *label = e->kind == DUMP_PACKAGE
                      ? package_label(dump_slots_find(slots, e->header.slot), e, line)
                      : text_of("%s", kind ? kind : line);
    free(line);
    return label;
}

void draw_event(watch *w, const dump_event *e) {
    if (e->kind == DUMP_STREAM || e->kind == DUMP_HEARTBEAT)
        return;
    if (w->steps == NULL)
        w->steps = json_array();
    if (json_array_size(w->steps) >= STEPS_MAX)
        return;
    char *label = event_label(w->reading->slots, e);
    bool wrong = e->kind == DUMP_ERROR || e->kind == DUMP_BAD_LINE || e->kind == DUMP_UNFINISHED;
    json_t *step =
        json_pack("{s:f, s:s, s:s, s:o}", "t", (double)e->time / 1e6, "who", "", "direction",
                  e->side == 0 ? "sent" : "received", "what", json_text(label));
    if (wrong)
        json_object_set_new(step, "wrong", json_true());
    json_array_append_new(w->steps, step);
    free(label);
}

json_t *drawing_of(const watch *w, const char *file) {
    char client[CAPTURE_ENDPOINT_TEXT], host[CAPTURE_ENDPOINT_TEXT];
    capture_endpoint_text(&w->side[0], client);
    capture_endpoint_text(&w->side[1], host);
    return json_pack("{s:o, s:s, s:s, s:O?}", "title",
                     json_sprintf("%s, stream %lu", file, w->number), "client", client, "host",
                     host, "transcript", w->steps);
}
