/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs cases, each in a process of its own, several at a time. */
#ifndef YOTONSPEC_RUNNER_H
#define YOTONSPEC_RUNNER_H

#include <jansson.h>

#include "engine/options.h"

/* One case in one role, and what came out of all its runs. */
struct job {
    const struct test_case *test;
    unsigned role;
    long runs, passed; /* runs that count, and how many of them passed */
    json_t *first;     /* the first result that was no pass, else the first; skipped ones last */
    json_t *other;     /* the first result whose verdict differs from that of `first`; or NULL */
    double seconds;    /* the longest run */
    unsigned repeated; /* runs that were done again because the machine stalled */
};

struct plan {
    const struct options *options;
    const struct peer *peer;
    double scale;
    struct job *jobs;
    size_t count;
    void (*done)(void *context, const struct job *job); /* after the last run of a job */
    void *context;
};

/* Purpose: run the probe, and give its result. The caller owns it. */
json_t *run_probe(const struct options *options, const struct peer *peer);

/* Purpose: run all jobs. Returns 0, or the signal that interrupted it; no process is left then. */
int run_plan(struct plan *plan);

#endif
