/* SPDX-License-Identifier: BSD-2-Clause */
/* run: from the options to the reports. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/commands.h"
#include "engine/conclude.h"
#include "engine/terminal.h"
#include "engine/util.h"
#include "engine/verdict.h"
#include "report/report.h"

/* What a machine at rest needs: more than that stretches every deadline. */
static const double USUAL_START = 1.0, USUAL_TRIP = 0.05, LARGEST_SCALE = 10;

void find_peer(const struct options *options, struct peer *peer) {
    bool missing = false;
    const char *problem = options->peer_name      ? peer_by_name(peer, options->peer_name, &missing)
                          : options->peer_command ? peer_by_command(peer, options->peer_command)
                                                  : peer_by_address(peer, options->peer_address);
    if (problem == NULL)
        return;
    if (!missing)
        usage_error("%s", problem);
    fprintf(stderr, "yotonspec: error: %s\n", problem);
    exit(EXIT_UNREACHABLE);
}

/* All selected (case, role) pairs of this shard, in the order of the tables. *pairs receives how
 * many there are in all shards. */
static struct job *select_jobs(const struct options *options, const struct peer *peer,
                               size_t *count, size_t *pairs) {
    static const unsigned roles[] = {ROLE_HOST, ROLE_CLIENT};
    struct job *jobs = room(case_count() * 2 * sizeof *jobs);
    unsigned possible = peer->address ? ROLE_HOST : ROLES_BOTH;
    *count = *pairs = 0;
    for (size_t i = 0; case_at(i) != NULL; i++) {
        const struct test_case *test = case_at(i);
        if (!selected(options, test) || (case_is_slow(test) && !options->slow))
            continue;
        for (int n = 0; n < 2; n++) {
            if ((test->roles & options->roles & possible & roles[n]) == 0)
                continue;
            if ((*pairs)++ % (size_t)options->shards == (size_t)options->shard - 1)
                jobs[(*count)++] = (struct job){.test = test, .role = roles[n]};
        }
    }
    return jobs;
}

_Noreturn static void nothing_selected(const struct options *options) {
    bool slow = false;
    for (size_t i = 0; case_at(i) != NULL; i++)
        slow = slow || (selected(options, case_at(i)) && case_is_slow(case_at(i)));
    fprintf(stderr, "yotonspec: error: no case is selected; %s\n",
            slow && !options->slow ? "what is selected takes over 2 s and needs --slow"
                                   : "`yotonspec list` shows all");
    exit(EXIT_NOTHING);
}

/* ---- The peer's first answer ---- */

_Noreturn static void not_reached(const struct peer *peer, const json_t *probe) {
    const char *whom = peer->address ? peer->address : peer->name;
    bool harness = strcmp(json_get_text(probe, "verdict"), "error") == 0;
    const char *why = json_get_text(probe, "why");
    fprintf(stderr, "yotonspec: error: %s cannot be judged: %s%s%s\n", whom, why,
            peer->hint ? "; " : "", peer->hint ? peer->hint : "");
    exit(harness ? EXIT_HARNESS : EXIT_UNREACHABLE);
}

static void measure_scale(struct run_info *info, const json_t *probe) {
    info->start = json_number_value(json_object_get(probe, "start"));
    info->trip = json_number_value(json_object_get(probe, "trip"));
    double slow = fmax(info->start / USUAL_START, info->trip / USUAL_TRIP);
    info->scale = fmin(fmax(slow, 1), LARGEST_SCALE) * info->options->timeout_scale;
}

/* ---- Running ---- */

struct progress {
    const struct run_info *info;
    const struct job *jobs;
    json_t **entries;
};

static void job_done(void *context, const struct job *job) {
    struct progress *progress = context;
    json_t *entry = judge_job(progress->info, job);
    progress->entries[job - progress->jobs] = entry;
    screen_job(entry);
}

static const char *time_text(void) {
    static char text[32];
    time_t seconds = time(NULL);
    struct tm parts;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts));
    return text;
}

/* The cases that an address alone can have. */
static void leave_out_adapter(struct plan *plan, struct progress *progress) {
    size_t kept = 0;
    for (size_t i = 0; i < plan->count; i++) {
        struct job *job = &plan->jobs[i];
        if (job->test->needs == NULL || job->runs > 0)
            kept++;
        else {
            job->runs = 1;
            job->first = json_pack("{s:s, s:s}", "verdict", "skip", "why",
                                   "needs an adapter; an address alone does not do");
            job_done(progress, job);
        }
    }
    if (kept == 0)
        fputs("yotonspec: note: none of these cases can be judged by an address alone\n", stderr);
}

static int run_jobs(struct plan *plan, struct progress *progress) {
    for (size_t i = 0; i < plan->count; i++)
        if (plan->jobs[i].runs > 0) /* its verdict stands */
            job_done(progress, &plan->jobs[i]);
    if (plan->peer->address != NULL)
        leave_out_adapter(plan, progress);
    plan->done = job_done;
    plan->context = progress;
    return run_plan(plan);
}

/* Who waits for this process shall see that a signal ended it. */
_Noreturn static void stopped(int number, size_t done, size_t count) {
    screen_clear();
    fprintf(stderr, "yotonspec: interrupted: the report holds what was done, %zu of %zu cases\n",
            done, count);
    signal(number, SIG_DFL);
    raise(number);
    exit(EXIT_HARNESS);
}

/* The entries of all jobs; of an interrupted run those of which something is known. */
static json_t *all_entries(const struct progress *progress, size_t count) {
    json_t *cases = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *entry = progress->entries[i];
        if (entry == NULL && progress->jobs[i].runs > 0)
            entry = judge_job(progress->info, &progress->jobs[i]);
        if (entry != NULL)
            json_array_append_new(cases, entry);
    }
    return cases;
}

int run_selected(const struct options *options, const struct peer *peer, struct job *jobs,
                 size_t count, size_t pairs) {
    static const char *const behind[] = {
        [COMMAND_ADAPTER_CHECK] = "-adapter", [COMMAND_REPLAY] = "-replay"};
    struct known_list known = read_known(options->known_failures);
    const char *more = options->command == COMMAND_RUN ? "" : behind[options->command];
    const char *folder = options->report_dir
                             ? options->report_dir
                             : text_of("%s/report/%s%s", program_folder(), peer->name, more);
    char *problem = prepare_reports(folder);
    if (problem != NULL)
        usage_error("%s", problem);

    json_t *probe = run_probe(options, peer);
    if (strcmp(json_get_text(probe, "verdict"), "pass") != 0)
        not_reached(peer, probe);
    struct run_info info = {.options = options,
                            .peer = peer,
                            .known = &known,
                            .pairs = pairs,
                            .hello = json_object_get(probe, "hello"),
                            .started = time_text()};
    measure_scale(&info, probe);
    struct plan plan = {
        .options = options, .peer = peer, .scale = info.scale, .jobs = jobs, .count = count};
    struct progress progress = {&info, jobs, room(count * sizeof(json_t *))};
    screen_start(&info, count);
    double begin = now();
    info.interrupted = run_jobs(&plan, &progress);
    info.seconds = now() - begin;
    json_t *cases = all_entries(&progress, count);
    size_t done = json_array_size(cases);
    int code = conclude(make_results(&info, cases), folder);
    if (info.interrupted)
        stopped(info.interrupted, done, count);
    return code;
}

int command_run(const struct options *options) {
    struct peer peer;
    find_peer(options, &peer);
    size_t count, pairs;
    struct job *jobs = select_jobs(options, &peer, &count, &pairs);
    if (count == 0)
        nothing_selected(options);
    return run_selected(options, &peer, jobs, count, pairs);
}
