/* SPDX-License-Identifier: BSD-2-Clause */
/* merge: the results of all shards of a run become those of the whole. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/commands.h"
#include "engine/conclude.h"
#include "engine/results.h"
#include "engine/terminal.h"
#include "engine/util.h"
#include "engine/verdict.h"
#include "report/report.h"

struct part {
    const char *path;
    json_t *results, *cases;
    long shard, shards;
};

static struct part read_part(const char *path) {
    struct part part = {.path = path, .results = read_results(path, "results.json of a shard")};
    if (!json_is_true(json_object_get(part.results, "complete")))
        usage_error("%s: the run was interrupted; run this shard again", path);
    part.cases = json_object_get(part.results, "cases");
    if (!is_shard(json_get_text(part.results, "shard"), &part.shard, &part.shards))
        usage_error("%s: not results of a shard", path);
    return part;
}

/* ---- Do they belong together? ---- */

/* The command may be another on another machine. */
static json_t *field_of(const struct part *part, const char *field) {
    json_t *value = json_deep_copy(json_object_get(part->results, field));
    if (json_is_object(value))
        json_object_del(value, "command");
    return value;
}

static void check_same(const struct part *one, const struct part *other, const char *field) {
    json_t *first = field_of(one, field), *second = field_of(other, field);
    if (second == NULL)
        usage_error("%s: `%s` is missing", other->path, field);
    if (!json_equal(first, second)) {
        char *was = json_dumps(first, JSON_ENCODE_ANY | JSON_COMPACT);
        char *is = json_dumps(second, JSON_ENCODE_ANY | JSON_COMPACT);
        usage_error("%s and %s are not parts of one run: %s is %s, and %s; give all shards the "
                    "same options%s",
                    one->path, other->path, field, was ? was : "missing", is ? is : "missing",
                    strcmp(field, "seed") == 0 ? ", --seed too" : "");
    }
    json_decref(first);
    json_decref(second);
}

/* In the order of their numbers. */
static struct part *all_parts(const char **paths, size_t *count) {
    static const char *const same[] = {"harness", "spec",      "peer",     "seed", "role",
                                       "repeat",  "selection", "selected", NULL};
    struct part first = read_part(paths[0]);
    struct part *parts = room((size_t)first.shards * sizeof *parts);
    for (size_t i = 0; paths[i] != NULL; i++) {
        struct part part = i == 0 ? first : read_part(paths[i]);
        if (part.shards != first.shards)
            usage_error("%s is one of %ld shards, and %s one of %ld", first.path, first.shards,
                        part.path, part.shards);
        struct part *place = &parts[part.shard - 1];
        if (place->path != NULL)
            usage_error("shard %ld/%ld is there twice: %s and %s", part.shard, part.shards,
                        place->path, part.path);
        for (int n = 0; same[n] != NULL; n++)
            check_same(&first, &part, same[n]);
        *place = part;
    }
    char *missing = NULL;
    for (long i = 0; i < first.shards; i++)
        if (parts[i].path == NULL)
            missing = missing ? text_of("%s, %ld/%ld", missing, i + 1, first.shards)
                              : text_of("%ld/%ld", i + 1, first.shards);
    if (missing != NULL)
        usage_error("not all shards are there; missing: %s", missing);
    *count = (size_t)first.shards;
    return parts;
}

/* ---- Together ---- */

/* `run` dealt the cases out one by one, and so they are taken in again. */
static json_t *all_cases_of(const struct part *parts, size_t count) {
    json_t *cases = json_array();
    size_t total = (size_t)json_integer_value(json_object_get(parts[0].results, "selected"));
    for (size_t i = 0; i < count; i++) {
        size_t has = json_array_size(parts[i].cases), due = (total + count - 1 - i) / count;
        if (has != due)
            usage_error("%s has %zu cases; shard %ld/%ld of %zu has %zu", parts[i].path, has,
                        parts[i].shard, parts[i].shards, total, due);
    }
    for (size_t i = 0; i < total; i++)
        json_array_append(cases, json_array_get(parts[i % count].cases, i / count));
    return cases;
}

static double largest(const struct part *parts, size_t count, const char *object,
                      const char *field) {
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *in = parts[i].results;
        if (object != NULL)
            in = json_object_get(in, object);
        most = fmax(most, json_number_value(json_object_get(in, field)));
    }
    return most;
}

/* Shards run beside each other: the longest is how long it took. */
static json_t *merged(const struct part *parts, size_t count) {
    json_t *results = json_copy(parts[0].results);
    json_object_set_new(results, "shard", json_string("1/1"));
    json_object_set_new(results, "scale", json_real(largest(parts, count, NULL, "scale")));
    json_object_set_new(results, "seconds", json_real(largest(parts, count, NULL, "seconds")));
    if (json_object_get(results, "measured") != NULL)
        json_object_set_new(results, "measured",
                            json_pack("{s:f, s:f}", "start",
                                      largest(parts, count, "measured", "start"), "trip",
                                      largest(parts, count, "measured", "trip")));
    for (size_t i = 1; i < count; i++)
        if (strcmp(json_get_text(parts[i].results, "started"), json_get_text(results, "started")) <
            0)
            json_object_set(results, "started", json_object_get(parts[i].results, "started"));
    conclude_results(results, all_cases_of(parts, count));
    return results;
}

int command_merge(const struct options *options) {
    size_t count;
    struct part *parts = all_parts(options->words, &count);
    json_t *results = merged(parts, count);
    char *problem = prepare_reports(options->report_dir);
    if (problem != NULL)
        usage_error("%s", problem);
    screen_setup();
    return conclude(results, options->report_dir);
}
