/* SPDX-License-Identifier: BSD-2-Clause */
#define _POSIX_C_SOURCE 200809L
#include "engine/terminal.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/diagram.h"
#include "engine/util.h"
#include "report/report.h"

enum { SHOWN = 8 }; /* failures that the summary shows in full */

static struct {
    bool progress, colour;
    size_t jobs, done, bad;
} screen;

static const char *paint(const char *verdict) {
    if (!screen.colour)
        return "";
    if (is_bad(verdict))
        return "\033[1;31m";
    if (strcmp(verdict, "warn") == 0 || strcmp(verdict, "xfail") == 0)
        return "\033[33m";
    return strcmp(verdict, "pass") == 0 ? "\033[32m" : "\033[36m";
}

static const char *plain(void) { return screen.colour ? "\033[0m" : ""; }

void screen_setup(void) {
    const char *no_colour = getenv("NO_COLOR");
    screen.progress = isatty(STDERR_FILENO) == 1;
    screen.colour = isatty(STDOUT_FILENO) == 1 && (no_colour == NULL || *no_colour == '\0');
}

void screen_start(const struct run_info *info, size_t jobs) {
    screen_setup();
    screen.jobs = jobs;
    printf("judging %s: %zu case%s", info->peer->name, jobs, jobs == 1 ? "" : "s");
    if (info->hello != NULL)
        printf("; its adapter starts in %.0f ms and answers in %.1f ms, deadlines are times %.3g",
               info->start * 1000, info->trip * 1000, info->scale);
    putchar('\n');
    fflush(stdout);
}

void screen_clear(void) {
    if (screen.progress)
        fputs("\r\033[K", stderr);
}

static void print_line(const char *text) {
    print_plain(text, SIZE_MAX);
    putchar('\n');
}

void screen_job(const json_t *entry) {
    const char *verdict = json_get_text(entry, "verdict"), *id = json_get_text(entry, "id");
    const char *role = json_get_text(entry, "role");
    screen.done++;
    screen.bad += is_bad(verdict) != 0;
    screen_clear();
    bool replay = strncmp(id, "REPLAY-", 7) == 0; /* why not is what one wants to know then */
    if (is_bad(verdict) || (replay && strcmp(verdict, "skip") == 0)) {
        printf("%s%s%s %s as %s: ", paint(verdict), verdict, plain(), id, role);
        print_line(json_get_text(entry, "why"));
        fflush(stdout);
    }
    if (screen.progress)
        fprintf(stderr, "[%zu/%zu] %zu bad, last %s as %s", screen.done, screen.jobs, screen.bad,
                id, role);
}

/* ---- The summary ---- */

static bool of_adapter(const json_t *entry) {
    return strcmp(json_get_text(entry, "origin"), "adapter") == 0;
}

static void show_differences(const json_t *entry) {
    size_t i;
    json_t *d;
    json_array_foreach(json_object_get(entry, "differences"), i, d) {
        printf("  stream %lld, frame %lld, %.6f s: ",
               (long long)json_integer_value(json_object_get(d, "stream")),
               (long long)json_integer_value(json_object_get(d, "frame")),
               json_number_value(json_object_get(d, "time")));
        print_line(json_get_text(d, "what"));
        printf("    recorded  ");
        print_line(json_get_text(d, "recorded"));
        printf("    live      ");
        print_line(json_get_text(d, "live"));
    }
}

static void show_failure(const json_t *entry, const char *folder) {
    const char *verdict = json_get_text(entry, "verdict");
    printf("\n%s%s%s %s as %s: ", paint(verdict), verdict, plain(), json_get_text(entry, "id"),
           json_get_text(entry, "role"));
    print_line(json_get_text(entry, "title"));
    printf("  rule   %s (", json_get_text(entry, "requirement"));
    print_plain(json_get_text(entry, "section"), SIZE_MAX);
    printf("): ");
    print_line(json_get_text(entry, "text"));
    printf("  why    ");
    print_line(json_get_text(entry, "why"));
    show_differences(entry);
    show_diagram(json_object_get(entry, "transcript"), of_adapter(entry));
    if (folder != NULL && json_object_get(entry, "capture") != NULL)
        printf("  see    %s/%s\n", folder, json_get_text(entry, "capture"));
    printf("  again  ");
    print_line(json_get_text(entry, "rerun"));
}

static void show_failures(const json_t *cases, const char *folder) {
    size_t i, shown = 0, bad = 0;
    json_t *entry;
    json_array_foreach(cases, i, entry) {
        if (!is_bad(json_get_text(entry, "verdict")))
            continue;
        bad++;
        if (shown < SHOWN) {
            show_failure(entry, folder);
            shown++;
        }
    }
    if (bad > shown)
        printf("\nand %zu more; the report has them all\n", bad - shown);
}

void screen_summary(const json_t *results, const char *folder) {
    screen_clear();
    show_failures(json_object_get(results, "cases"), folder);
    const char *verdict;
    json_t *count;
    const json_t *peer = json_object_get(results, "peer");
    json_t *counts = json_object_get(results, "counts");
    json_int_t code = json_integer_value(json_object_get(results, "exit"));
    printf("\n%s", paint(code == EXIT_CONFORMS ? "pass" : "fail"));
    print_plain(json_get_text(peer, "name"), SIZE_MAX);
    putchar(' ');
    print_plain(json_get_text(peer, "version"), SIZE_MAX);
    printf(": %s%s\n ", outcome_of(results), plain());
    json_object_foreach(counts, verdict, count) {
        if (json_integer_value(count) > 0)
            printf(" %lld %s", (long long)json_integer_value(count), verdict);
    }
    printf(" in %.1f s\n", json_number_value(json_object_get(results, "seconds")));
    if (folder != NULL)
        printf("  report: %s/index.html\n", folder);
    fflush(stdout);
}
