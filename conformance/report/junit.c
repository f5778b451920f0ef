/* SPDX-License-Identifier: BSD-2-Clause */
/* junit.xml, in the form that Jenkins, GitLab and others read (junit-10.xsd). */
#include <string.h>

#include "engine/util.h"
#include "report/report.h"

static void attribute(FILE *file, const char *name, const char *value) {
    fprintf(file, " %s=\"", name);
    write_escaped(file, value);
    fputc('"', file);
}

static long count_of(const json_t *results, const char *verdict) {
    const json_t *counts = json_object_get(results, "counts");
    return (long)json_integer_value(json_object_get(counts, verdict));
}

static void write_totals(FILE *file, const json_t *results) {
    long failures =
        count_of(results, "fail") + count_of(results, "flaky") + count_of(results, "xpass");
    fprintf(file, " tests=\"%zu\" failures=\"%ld\" errors=\"%ld\" time=\"%.3f\"",
            json_array_size(json_object_get(results, "cases")), failures,
            count_of(results, "error"), json_number_value(json_object_get(results, "seconds")));
}

static void write_outcome(FILE *file, const json_t *one) {
    const char *verdict = json_get_text(one, "verdict"), *why = json_get_text(one, "why");
    const char *element = strcmp(verdict, "error") == 0 ? "error"
                          : is_bad(verdict)             ? "failure"
                                                        : NULL;
    if (element != NULL) {
        fprintf(file, "<%s", element);
        attribute(file, "type", verdict);
        attribute(file, "message", why);
        fputc('>', file);
        char *text = text_of("%s (%s): %s\n%s\nagain: %s\n", json_get_text(one, "requirement"),
                             json_get_text(one, "section"), json_get_text(one, "text"), why,
                             json_get_text(one, "rerun"));
        write_escaped(file, text);
        free(text);
        fprintf(file, "</%s>", element);
    } else if (strcmp(verdict, "warn") == 0) {
        fputs("<system-out>warning: ", file);
        write_escaped(file, why);
        fputs("</system-out>", file);
    } else if (strcmp(verdict, "pass") != 0) {
        fputs("<skipped", file);
        char *message = text_of("%s: %s", verdict, why);
        attribute(file, "message", message);
        fputs("/>", file);
        free(message);
    }
}

void write_junit_report(FILE *file, const json_t *results) {
    const json_t *peer = json_object_get(results, "peer");
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"yotonspec\"", file);
    write_totals(file, results);
    fputs(">\n<testsuite", file);
    attribute(file, "name", json_get_text(peer, "name"));
    write_totals(file, results);
    fprintf(file, " skipped=\"%ld\"",
            count_of(results, "skip") + count_of(results, "unsupported") +
                count_of(results, "xfail"));
    char *started = text_of("%.19s", json_get_text(results, "started"));
    attribute(file, "timestamp", started);
    free(started);
    fputs(">\n<properties>", file);
    fputs("<property name=\"seed\"", file);
    attribute(file, "value", json_get_text(results, "seed"));
    fputs("/><property name=\"peer version\"", file);
    attribute(file, "value", json_get_text(peer, "version"));
    fputs("/></properties>\n", file);
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(results, "cases"), i, one) {
        char *name = text_of("%s as %s: %s", json_get_text(one, "id"), json_get_text(one, "role"),
                             json_get_text(one, "title"));
        char *group = text_of("yoton.%s", json_get_text(one, "requirement"));
        fputs("<testcase", file);
        attribute(file, "classname", group);
        attribute(file, "name", name);
        fprintf(file, " time=\"%.3f\">", json_number_value(json_object_get(one, "seconds")));
        write_outcome(file, one);
        fputs("</testcase>\n", file);
        free(name);
        free(group);
    }
    fputs("</testsuite>\n</testsuites>\n", file);
}
