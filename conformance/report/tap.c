/* SPDX-License-Identifier: BSD-2-Clause */
/* results.tap, TAP version 14. */
#include <stdbool.h>
#include <string.h>

#include "engine/util.h"
#include "report/report.h"

/* A description or reason: # and \ are escaped, line ends become blanks. */
static void write_text(FILE *file, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '#' || *text == '\\')
            fputc('\\', file);
        fputc(*text == '\n' || *text == '\r' ? ' ' : *text, file);
    }
}

static void write_yaml(FILE *file, const char *key, const char *text) {
    fprintf(file, "  %s: \"", key);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(file, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            fprintf(file, "\\x%02x", (unsigned)*text);
        else
            fputc(*text, file);
    }
    fputs("\"\n", file);
}

static void write_case(FILE *file, size_t number, const json_t *one) {
    const char *verdict = json_get_text(one, "verdict"), *why = json_get_text(one, "why");
    bool excused = strcmp(verdict, "xfail") == 0 || strcmp(verdict, "warn") == 0;
    bool left = strcmp(verdict, "skip") == 0 || strcmp(verdict, "unsupported") == 0;
    fprintf(file, "%s %zu - %s as %s: ", is_bad(verdict) || excused ? "not ok" : "ok", number,
            json_get_text(one, "id"), json_get_text(one, "role"));
    write_text(file, json_get_text(one, "title"));
    if (excused || left) {
        fprintf(file, " # %s %s: ", left ? "SKIP" : "TODO", verdict);
        write_text(file, why);
    }
    fputc('\n', file);
    if (!is_bad(verdict) && !excused)
        return;
    fputs("  ---\n", file);
    write_yaml(file, "verdict", verdict);
    write_yaml(file, "message", why);
    write_yaml(file, "requirement", json_get_text(one, "text"));
    write_yaml(file, "again", json_get_text(one, "rerun"));
    fputs("  ...\n", file);
}

void write_tap_report(FILE *file, const json_t *results) {
    const json_t *cases = json_object_get(results, "cases");
    fprintf(file, "TAP version 14\n1..%zu\n", json_array_size(cases));
    size_t i;
    json_t *one;
    json_array_foreach(cases, i, one) write_case(file, i + 1, one);
}
