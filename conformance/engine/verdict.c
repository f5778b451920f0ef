/* SPDX-License-Identifier: BSD-2-Clause */
#define _POSIX_C_SOURCE 200809L
#include "engine/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "engine/util.h"
#include "report/report.h"

enum {
    SHELL_SIGNAL = 128
}; /* what a shell adds to the number of the signal that ended a command */

static bool is(const json_t *entry, const char *verdict) {
    return strcmp(json_get_text(entry, "verdict"), verdict) == 0;
}

static void set_text(json_t *object, const char *key, const char *text) {
    json_object_set_new(object, key, json_text(text));
}

static void set_verdict(json_t *entry, const char *verdict, char *why) {
    set_text(entry, "verdict", verdict);
    if (why != NULL)
        set_text(entry, "why", why);
    free(why);
}

/* ---- One case ---- */

/* A word as a shell takes it. */
static char *quoted(const char *word) {
    if (*word != '\0' &&
        strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                     "-_./:=+,@%") == strlen(word))
        return text_of("%s", word);
    char *text = text_of("'");
    for (; *word != '\0'; word++)
        text = *word == '\'' ? text_of("%s'\\''", text) : text_of("%s%c", text, *word);
    return text_of("%s'", text);
}

/* "REPLAY-1.state:2" as host: the capture is not in it, so all that were named are. */
static char *rerun_replay(const struct options *o, const struct job *job, const char *option,
                          const char *whom) {
    const char *colon = strrchr(job->test->id, ':');
    char *text = text_of("%s replay", quoted(o->program));
    const char *point = strrchr(job->test->id, '.');
    for (size_t i = 0; o->words[i] != NULL; i++) {
        char *name = capture_name(o->words[i]);
        size_t size = (size_t)(colon - point - 1);
        if (strlen(name) == size && strncmp(name, point + 1, size) == 0)
            text = text_of("%s %s", text, quoted(o->words[i]));
        free(name);
    }
    for (size_t i = 0; o->names[i] != NULL; i++)
        text = text_of("%s --name %s", text, quoted(o->names[i]));
    if (o->slots != NULL)
        text = text_of("%s --slots %s", text, quoted(o->slots));
    return text_of("%s %s %s --role %s --stream %s%s", text, option, quoted(whom),
                   roles_text(job->role), colon + 1, o->recorded_times ? " --recorded-times" : "");
}

static char *rerun(const struct run_info *info, const struct job *job) {
    const struct options *o = info->options;
    const char *option = o->peer_name ? "--peer" : o->peer_command ? "--command" : "--address";
    const char *whom = o->peer_name      ? o->peer_name
                       : o->peer_command ? o->peer_command
                                         : o->peer_address;
    if (o->command == COMMAND_ADAPTER_CHECK)
        return text_of("%s adapter-check %s %s --case %s --seed %llu", quoted(o->program), option,
                       quoted(whom), job->test->id, (unsigned long long)o->seed);
    if (o->command == COMMAND_REPLAY)
        return rerun_replay(o, job, option, whom);
    return text_of("%s run %s %s --role %s --case %s --seed %llu%s", quoted(o->program), option,
                   quoted(whom), roles_text(job->role), job->test->id, (unsigned long long)o->seed,
                   case_is_slow(job->test) ? " --slow" : "");
}

static json_t *describe_job(const struct run_info *info, const struct job *job) {
    const struct requirement *r = requirement_of(job->test);
    char *again = rerun(info, job);
    json_t *entry = json_object();
    set_text(entry, "id", job->test->id);
    set_text(entry, "requirement", r->id);
    set_text(entry, "level", r->level);
    set_text(entry, "origin", r->origin);
    set_text(entry, "role", roles_text(job->role));
    set_text(entry, "verdict", "");
    set_text(entry, "why", "");
    set_text(entry, "title", job->test->title);
    set_text(entry, "about", job->test->about);
    set_text(entry, "section", r->section);
    set_text(entry, "text", r->text);
    json_object_set_new(entry, "seconds", json_real(job->seconds));
    json_object_set_new(entry, "runs", json_integer(job->runs));
    if (job->repeated > 0)
        json_object_set_new(entry, "repeated", json_integer(job->repeated));
    set_text(entry, "rerun", again);
    free(again);
    return entry;
}

static void add_evidence(json_t *entry, const json_t *result) {
    static const char *const keys[] = {"expected", "got",    "field",      "offset",      "died",
                                       "hung",     "stderr", "transcript", "differences", NULL};
    for (int i = 0; keys[i] != NULL; i++)
        if (json_object_get(result, keys[i]) != NULL)
            json_object_set(entry, keys[i], json_object_get(result, keys[i]));
}

static void judge_runs(json_t *entry, const struct job *job) {
    const json_t *first = job->first;
    const char *verdict = json_get_text(first, "verdict"), *why = json_get_text(first, "why");
    double stall = json_number_value(json_object_get(first, "stall"));
    if (job->other != NULL && !is(first, "error"))
        set_verdict(
            entry, "flaky",
            text_of("%ld of %ld runs passed; one did not: %s", job->passed, job->runs, why));
    else if (is(first, "fail") && stall > 0)
        set_verdict(entry, verdict,
                    text_of("%s (the machine stood still for %.2f s, and in the %u runs before)",
                            why, stall, job->repeated));
    else
        set_verdict(entry, verdict, text_of("%s", why));
    if (!is(first, "pass"))
        add_evidence(entry, first);
    if (json_object_get(first, "left") != NULL)
        json_object_set(entry, "left", json_object_get(first, "left"));
}

static void excuse(json_t *entry, const struct run_info *info, const struct job *job) {
    const struct known_failure *known =
        find_known(info->known, job->test->id, job->role, json_get_text(info->hello, "version"));
    bool failed = is(entry, "fail") || is(entry, "warn");
    if (known == NULL || (!failed && !is(entry, "pass")))
        return;
    const char *why = json_get_text(entry, "why");
    char *where = text_of("%s:%zu", info->known->path, known->line);
    set_text(entry, "known", known->reason);
    if (known_expired(known)) {
        json_object_set_new(entry, "expired", json_true());
        set_verdict(entry, failed ? "fail" : "xpass",
                    text_of("%s (known failure expired on %s: %s)", failed ? why : "passes",
                            known->expires, where));
    } else if (!failed) {
        set_verdict(
            entry, "xpass",
            text_of("passes, and is listed as a known failure (%s); take the entry out", where));
    } else if (known->message != NULL && strstr(why, known->message) == NULL) {
        set_verdict(
            entry, "fail",
            text_of("%s (a known failure, but %s expects \"%s\")", why, where, known->message));
    } else {
        set_verdict(entry, "xfail", NULL);
    }
    free(where);
}

json_t *judge_job(const struct run_info *info, const struct job *job) {
    json_t *entry = describe_job(info, job);
    judge_runs(entry, job);
    bool ended = json_object_get(entry, "died") != NULL; /* is no question of levels */
    if (is(entry, "fail") && !ended && strcmp(json_get_text(entry, "level"), "must") != 0)
        set_verdict(entry, "warn", NULL);
    excuse(entry, info, job);
    return entry;
}

/* ---- All of them ---- */

static json_t *peer_of(const struct run_info *info) {
    json_t *peer = json_object();
    set_text(peer, "name", info->peer->name);
    set_text(peer, "implementation", json_get_text(info->hello, "implementation"));
    set_text(peer, "version", json_get_text(info->hello, "version"));
    if (info->options->peer_command != NULL)
        set_text(peer, "command", info->options->peer_command);
    if (info->peer->address != NULL)
        set_text(peer, "address", info->peer->address);
    json_t *capabilities = json_object_get(info->hello, "capabilities");
    if (capabilities != NULL)
        json_object_set(peer, "capabilities", capabilities);
    return peer;
}

static json_t *count_verdicts(const json_t *cases) {
    static const char *const verdicts[] = {"pass",  "fail",  "warn",  "skip",  "unsupported",
                                           "flaky", "xfail", "xpass", "error", NULL};
    json_t *counts = json_object();
    for (int i = 0; verdicts[i] != NULL; i++) {
        size_t n;
        json_t *entry;
        json_int_t count = 0;
        json_array_foreach(cases, n, entry) count += is(entry, verdicts[i]);
        json_object_set_new(counts, verdicts[i], json_integer(count));
    }
    return counts;
}

/* What was asked for: parts of a whole must have been asked for the same. */
static json_t *selection_of(const struct options *o) {
    static const char *const origins[] = {"manual", "observed", "hardening"};
    json_t *cases = json_array(), *excludes = json_array(), *chosen = json_array();
    for (size_t i = 0; o->cases[i] != NULL; i++)
        json_array_append_new(cases, json_text(o->cases[i]));
    for (size_t i = 0; o->excludes[i] != NULL; i++)
        json_array_append_new(excludes, json_text(o->excludes[i]));
    for (unsigned i = 0; i < 3; i++)
        if (o->origins & 1U << i)
            json_array_append_new(chosen, json_string(origins[i]));
    return json_pack("{s:o, s:o, s:s, s:o, s:b, s:b}", "case", cases, "exclude", excludes, "level",
                     o->must_only ? "must" : "should", "origin", chosen, "slow", o->slow, "timed",
                     o->timed);
}

json_t *make_results(const struct run_info *info, json_t *cases) {
    const struct options *o = info->options;
    json_t *results = json_object();
    json_object_set_new(results, "format", json_integer(1));
    json_object_set_new(results, "complete", json_boolean(!info->interrupted));
    json_object_set_new(results, "harness",
                        json_pack("{s:s, s:s}", "name", "yotonspec", "version", harness_version));
    json_object_set_new(results, "spec",
                        json_pack("{s:s, s:I}", "version", spec_version, "requirements",
                                  (json_int_t)requirement_count));
    json_object_set_new(results, "peer", peer_of(info));
    json_object_set_new(results, "seed", json_sprintf("%llu", (unsigned long long)o->seed));
    json_object_set_new(results, "shard", json_sprintf("%ld/%ld", o->shard, o->shards));
    json_object_set_new(results, "selected", json_integer((json_int_t)info->pairs));
    set_text(results, "role", roles_text(o->roles));
    json_object_set_new(results, "repeat", json_integer(o->repeat));
    json_object_set_new(results, "selection", selection_of(o));
    json_object_set_new(results, "scale", json_real(info->scale));
    if (info->hello != NULL)
        json_object_set_new(results, "measured",
                            json_pack("{s:f, s:f}", "start", info->start, "trip", info->trip));
    set_text(results, "started", info->started);
    json_object_set_new(results, "seconds", json_real(info->seconds));
    conclude_results(results, cases);
    if (info->interrupted)
        json_object_set_new(results, "exit", json_integer(SHELL_SIGNAL + info->interrupted));
    return results;
}

void conclude_results(json_t *results, json_t *cases) {
    json_object_set_new(results, "counts", count_verdicts(cases));
    json_object_set_new(results, "cases", cases);
    json_object_set_new(results, "exit", json_integer(exit_code(results)));
}

int exit_code(const json_t *results) {
    bool bad = false, died = false;
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(results, "cases"), i, entry) {
        if (is(entry, "error"))
            return EXIT_HARNESS;
        bad = bad || is_bad(json_get_text(entry, "verdict"));
        bool ended = json_object_get(entry, "died") || json_object_get(entry, "hung");
        died = died || (ended && (is(entry, "fail") || is(entry, "flaky")));
    }
    return died ? EXIT_DIED : bad ? EXIT_DOES_NOT : EXIT_CONFORMS;
}
