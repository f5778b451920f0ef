/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/sequence.h"

#include <string.h>

#include "engine/diagram.h"
#include "engine/util.h"
#include "report/report.h"

enum {
    FIRST = 12, /* entries of a long conversation that are drawn */
    LAST = 28,
    STEP = 34, /* pixels */
    TOP = 44,
    LEFT = 150, /* the life line of the harness */
    RIGHT = 650,
    WIDTH = 720,
    LABEL = 74 /* characters that fit between the lines */
};

const char sequence_style[] =
    ".sequence { width: 100%; min-width: 34rem; max-width: 50rem; font-size: 11px; color: "
    "var(--ink) }\n"
    ".sequence text { fill: currentColor; text-anchor: middle } .sequence .sq-who { font-size: "
    "13px;\n"
    "  font-weight: 600 } .sequence .sq-time { text-anchor: start; fill: var(--dim) }\n"
    ".sequence path { stroke: currentColor; fill: none } .sequence .sq-life { stroke: "
    "var(--line);\n"
    "  stroke-width: 2 } .sq-note, .sq-gap, .sq-adapter { color: var(--dim) }\n"
    ".sq-adapter path { stroke-dasharray: 4 3 } .sequence .sq-head { fill: currentColor; stroke: "
    "none } .sq-wrong { color: var(--bad); font-weight: 600 }\n";

/* At most LABEL characters, a whole one at the end. */
static void write_label(FILE *file, const char *text) {
    size_t at = 0, characters = 0;
    while (text[at] != '\0' && characters < LABEL) {
        at++;
        while (((unsigned char)text[at] & 0xC0) == 0x80)
            at++;
        characters++;
    }
    char *part = copy_of(text, at);
    write_escaped(file, part);
    if (text[at] != '\0')
        fputs("…", file);
    free(part);
}

static void write_line(FILE *file, int x, int bottom, const char *who) {
    fprintf(file,
            "<text class=\"sq-who\" x=\"%d\" y=\"18\">%s</text>"
            "<path class=\"sq-life\" d=\"M%d 26V%d\"/>\n",
            x, who, x, bottom);
}

static void write_step(FILE *file, const json_t *entry, int y) {
    const char *direction = json_get_text(entry, "direction"), *who = json_get_text(entry, "who");
    bool sent = strcmp(direction, "sent") == 0, wrong = json_object_get(entry, "wrong") != NULL;
    fprintf(file, "<g class=\"sq-%s%s%s\"><text class=\"sq-time\" x=\"4\" y=\"%d\">%.1f ms</text>",
            direction, wrong ? " sq-wrong" : "", strcmp(who, "adapter") == 0 ? " sq-adapter" : "",
            y, 1000 * json_number_value(json_object_get(entry, "t")));
    fprintf(file, "<text x=\"%d\" y=\"%d\">", (LEFT + RIGHT) / 2, y - 5);
    if (*who != '\0') {
        write_escaped(file, who);
        fputs(": ", file);
    }
    write_label(file, json_get_text(entry, "what"));
    fputs("</text>", file);
    int to = sent ? RIGHT - 2 : LEFT + 2, back = sent ? to - 8 : to + 8;
    if (strcmp(direction, "note") != 0)
        fprintf(file, "<path d=\"M%d %dH%d\"/><path class=\"sq-head\" d=\"M%d %dL%d %dL%d %dz\"/>",
                sent ? LEFT : RIGHT, y, to, back, y - 4, to, y, back, y + 4);
    fputs("</g>\n", file);
}

static void write_gap(FILE *file, size_t left_out, int y) {
    fprintf(file, "<text class=\"sq-gap\" x=\"%d\" y=\"%d\">⋮ %zu more</text>\n",
            (LEFT + RIGHT) / 2, y - 5, left_out);
}

void write_sequence(FILE *file, const json_t *transcript, bool adapter, const char *left,
                    const char *right) {
    size_t i, count = 0, number = 0;
    json_t *entry;
    json_array_foreach(transcript, i, entry) { count += in_diagram(entry, adapter); }
    if (count == 0)
        return;
    bool cut = count > FIRST + LAST;
    int bottom = TOP + STEP * (int)(cut ? FIRST + LAST + 1 : count), y = TOP;
    fprintf(file,
            "<h4>The conversation</h4><div class=\"scroll\"><svg class=\"sequence\" role=\"img\" "
            "aria-label=\"Sequence diagram: who sent what when\" viewBox=\"0 0 %d %d\">\n",
            WIDTH, bottom);
    write_line(file, LEFT, bottom - 8, left);
    write_line(file, RIGHT, bottom - 8, right);
    json_array_foreach(transcript, i, entry) {
        if (!in_diagram(entry, adapter))
            continue;
        bool drawn = !cut || number < FIRST || number >= count - LAST;
        if (drawn || number == FIRST) {
            if (drawn)
                write_step(file, entry, y + STEP / 2);
            else
                write_gap(file, count - FIRST - LAST, y + STEP / 2);
            y += STEP;
        }
        number++;
    }
    fputs("</svg></div>\n", file);
}
