/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/diagram.h"

#include <stdio.h>
#include <string.h>

#include "engine/util.h"

enum { FIRST = 8, LAST = 14, WIDTH = 92, NAME = 7 };

static bool is_heartbeat(const json_t *entry) {
    return strncmp(json_get_text(entry, "what"), "heartbeat", 9) == 0;
}

bool in_diagram(const json_t *entry, bool adapter) {
    bool wrong = json_object_get(entry, "wrong") != NULL;
    const char *who = json_get_text(entry, "who");
    if (strcmp(who, "capture") == 0) /* what `why` tells already */
        return false;
    return (adapter || strcmp(who, "adapter") != 0) && (wrong || !is_heartbeat(entry));
}

static void show_entry(const json_t *entry) {
    const char *direction = json_get_text(entry, "direction"), *who = json_get_text(entry, "who");
    const char *what = json_get_text(entry, "what");
    bool note = strcmp(direction, "note") == 0, sent = strcmp(direction, "sent") == 0;
    printf("  %8.1f ms  ", 1000 * json_number_value(json_object_get(entry, "t")));
    print_plain(who, WIDTH);
    printf("%*s %s ", (int)(strlen(who) < NAME ? NAME - strlen(who) : 0), "",
           note   ? "  ·    "
           : sent ? "──────▶"
                  : "◀──────");
    print_plain(what, WIDTH);
    printf("%s%s\n", strlen(what) > WIDTH ? "…" : "",
           json_object_get(entry, "wrong") != NULL ? "   ← here" : "");
}

void show_diagram(const json_t *transcript, bool adapter) {
    size_t i, count = 0, number = 0;
    json_t *entry;
    json_array_foreach(transcript, i, entry) { count += in_diagram(entry, adapter); }
    if (count == 0)
        return;
    printf("  the conversation (harness ──▶ peer, heartbeats left out):\n");
    json_array_foreach(transcript, i, entry) {
        if (!in_diagram(entry, adapter))
            continue;
        if (number < FIRST || count <= FIRST + LAST || number >= count - LAST)
            show_entry(entry);
        else if (number == FIRST)
            printf("  %11s  ⋮ %zu more\n", "", count - FIRST - LAST);
        number++;
    }
}
