/* SPDX-License-Identifier: BSD-2-Clause */
/* From what the cases said to verdicts, results.json and an exit code. */
#ifndef YOTONSPEC_VERDICT_H
#define YOTONSPEC_VERDICT_H

#include "engine/known.h"
#include "engine/options.h"
#include "engine/runner.h"

/* What a run was about, for the report. */
struct run_info {
    const struct options *options;
    const struct peer *peer;
    const struct known_list *known;
    const json_t *hello; /* what the adapter said of itself; NULL without one */
    size_t pairs;        /* (case, role) pairs selected, in all shards together */
    double start, trip;  /* seconds the adapter took to start and, at most, to answer */
    double scale, seconds;
    const char *started;
    int interrupted; /* by this signal; else 0 */
};

/* Purpose: the entry of a finished job in results.json. The caller owns it. */
json_t *judge_job(const struct run_info *info, const struct job *job);

/* Purpose: all of results.json. `cases` is taken over. */
json_t *make_results(const struct run_info *info, json_t *cases);

/* Purpose: give results their cases, which are taken over, and what follows from those. */
void conclude_results(json_t *results, json_t *cases);

/* Purpose: the exit code that the verdicts stand for. */
int exit_code(const json_t *results);

#endif
