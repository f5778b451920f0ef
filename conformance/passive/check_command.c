/* SPDX-License-Identifier: BSD-2-Clause */
/* check: who broke the rules in a capture? */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/commands.h"
#include "engine/conclude.h"
#include "engine/util.h"
#include "engine/verdict.h"
#include "passive/passive.h"
#include "report/report.h"
#include "yoton/error.h"

enum { EVIDENCE_MAX = 50 }; /* breaks of one rule that are told one by one */

/* ---- Names of slots ---- */

void add_slot_names(const struct options *options, dump_slots *slots) {
    for (size_t i = 0; options->names[i] != NULL; i++) {
        int error = dump_slots_add_base(slots, options->names[i]);
        if (error != YOTON_OK)
            usage_error("--name %s: %s", options->names[i], yoton_strerror(error));
    }
    if (options->slots == NULL)
        return;
    FILE *file = fopen(options->slots, "r");
    if (file == NULL)
        usage_error("--slots %s: %s", options->slots, strerror(errno));
    char *line = NULL;
    size_t space = 0, number = 0;
    for (ssize_t size; (size = getline(&line, &space, file)) >= 0;) {
        number++;
        if (size > 0 && line[size - 1] == '\n')
            size--;
        int error = size > 0 ? dump_slots_add(slots, line, (size_t)size) : YOTON_OK;
        if (error != YOTON_OK)
            usage_error("--slots %s, line %zu: %s", options->slots, number, yoton_strerror(error));
    }
    free(line);
    fclose(file);
}

/* ---- Entries ---- */

/* A rule at all ends of one role, in all captures. */
struct total {
    unsigned ends, shown, broken, broken_ends;
    char *first;
    json_t *evidence;
};

static char *who_is(const watched_end *end) {
    char address[CAPTURE_ENDPOINT_TEXT];
    capture_endpoint_text(&end->watch->side[end->side], address);
    if (!end->hello)
        return text_of("%s of stream %lu (%s)", end->side ? "the host" : "the client",
                       end->watch->number, address);
    return text_of("%s of stream %lu (%s, id %016" PRIx64 ")",
                   end->side ? "the host" : "the client", end->watch->number, address,
                   end->said.id);
}

static void add_end(struct total *total, const watched_end *end, rule rule, const char *file) {
    const judged *j = &end->judged[rule];
    if (j->shown == 0)
        return;
    total->ends++;
    total->shown += j->shown;
    if (j->broken == 0)
        return;
    total->broken += j->broken;
    total->broken_ends++;
    char *who = who_is(end);
    char *more = j->broken > 1 ? text_of(" (%u times)", j->broken) : text_of("%s", "");
    char *line = text_of("%s: frame %lu, %.6f s: %s: %s%s", file, j->frame, (double)j->time / 1e6,
                         who, j->why, more);
    if (json_array_size(total->evidence) < EVIDENCE_MAX)
        json_array_append_new(total->evidence,
                              json_pack("{s:f, s:s, s:s, s:o}", "t", (double)j->time / 1e6, "who",
                                        "capture", "direction", "note", "what", json_text(line)));
    if (total->first == NULL)
        total->first = text_of("%s", line);
    free(line);
    free(more);
    free(who);
}

static json_t *entry_of(const struct options *options, rule rule, unsigned role,
                        const struct total *total) {
    const char *id = rule_requirement(rule);
    const struct requirement *r = find_requirement(id, strlen(id));
    const char *verdict = total->broken > 0 ? (strcmp(r->level, "must") == 0 ? "fail" : "warn")
                          : total->ends > 0 ? "pass"
                                            : "skip";
    char *why = total->broken_ends > 1
                    ? text_of("%s; and %u more ends", total->first, total->broken_ends - 1)
                : total->broken > 0 ? text_of("%s", total->first)
                : total->ends > 0   ? text_of("%s", "")
                                    : text_of("not shown in what was captured");
    char *case_id = text_of("%s.0", id), *again = text_of("yotonspec check");
    for (size_t i = 0; options->words[i] != NULL; i++)
        again = text_of("%s %s", again, options->words[i]);
    json_t *entry = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:o, s:s, s:s, s:f, s:i, s:o}", "id", case_id,
        "requirement", r->id, "level", r->level, "origin", r->origin, "role", roles_text(role),
        "verdict", verdict, "why", json_text(why), "title", "as the capture shows it", "about",
        json_sprintf("Seen %u times at %u ends.", total->shown, total->ends), "section", r->section,
        "text", r->text, "seconds", 0.0, "runs", 1, "rerun", json_text(again));
    if (total->broken > 0)
        json_object_set(entry, "transcript", total->evidence);
    free(case_id);
    free(why);
    return entry;
}

/* ---- The command ---- */

typedef struct file_reading {
    const char *name;
    reading reading;
} file_reading;

static json_t *all_entries(const struct options *options, const file_reading *files, size_t count) {
    json_t *cases = json_array();
    for (rule rule = 0; rule < RULES; rule++) {
        for (int side = 1; side >= 0; side--) {
            struct total total = {.evidence = json_array()};
            for (size_t i = 0; i < count; i++)
                for (const watch *w = files[i].reading.watches; w != NULL; w = w->next)
                    add_end(&total, &w->end[side], rule, files[i].name);
            json_array_append_new(cases,
                                  entry_of(options, rule, side ? ROLE_HOST : ROLE_CLIENT, &total));
            json_decref(total.evidence);
            free(total.first);
        }
    }
    return cases;
}

/* In the order of the streams, which the list has backwards. */
static json_t *drawings(const file_reading *files, size_t count) {
    enum { DRAWN = 100 };
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++) {
        size_t first = json_array_size(all);
        for (const watch *w = files[i].reading.watches; w != NULL; w = w->next)
            json_array_insert_new(all, first, drawing_of(w, files[i].name));
    }
    while (json_array_size(all) > DRAWN)
        json_array_remove(all, DRAWN);
    return all;
}

static const char *started(void) {
    static char text[32];
    time_t seconds = time(NULL);
    struct tm parts;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts));
    return text;
}

/* Reads all; ends the process when nothing can be judged. */
static file_reading *read_all(const struct options *options, dump_slots *slots, size_t *count) {
    size_t streams = 0;
    *count = 0;
    while (options->words[*count] != NULL)
        (*count)++;
    file_reading *files = room((*count + 1) * sizeof *files);
    for (size_t i = 0; i < *count; i++) {
        unsigned long tcp;
        files[i].name = options->words[i];
        files[i].reading.slots = slots;
        files[i].reading.only_stream = (unsigned long)options->stream;
        char *problem = read_capture(&files[i].reading, files[i].name, &tcp);
        watch_finish(&files[i].reading);
        if (problem != NULL)
            fprintf(stderr, "yotonspec: %s: %s\n", tcp > 0 ? "warning" : "error", problem);
        for (const watch *w = files[i].reading.watches; w != NULL; w = w->next)
            streams++;
        if (files[i].reading.left_out > 0)
            fprintf(
                stderr,
                "yotonspec: warning: %s: only the first %u connections are judged, %lu are not\n",
                files[i].name, PASSIVE_STREAMS_MAX, files[i].reading.left_out);
        if (problem != NULL && tcp == 0)
            exit(EXIT_UNREACHABLE);
    }
    if (streams == 0) {
        fputs("yotonspec: error: no conversation over TCP in what was captured\n", stderr);
        exit(EXIT_NOTHING);
    }
    return files;
}

int command_check(const struct options *options) {
    dump_slots slots = {0};
    size_t count;
    add_slot_names(options, &slots);
    const char *folder =
        options->report_dir ? options->report_dir : text_of("%s/report/capture", program_folder());
    file_reading *files = read_all(options, &slots, &count);
    char *problem = prepare_reports(folder);
    if (problem != NULL)
        usage_error("%s", problem);
    struct known_list known = read_known(options->known_failures);
    struct peer peer = {.name = count == 1 ? options->words[0] : text_of("%zu captures", count)};
    struct run_info info = {
        .options = options, .peer = &peer, .known = &known, .started = started(), .scale = 1};
    json_t *cases = all_entries(options, files, count);
    info.pairs = json_array_size(cases);
    json_t *results = make_results(&info, cases);
    json_object_set_new(results, "streams", drawings(files, count));
    int code = conclude(results, folder);
    dump_slots_free(&slots);
    return code;
}
