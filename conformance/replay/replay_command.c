/* SPDX-License-Identifier: BSD-2-Clause */
/* replay: does a live peer answer as the recorded one did? */
#include <stdio.h>
#include <stdlib.h>

#include "engine/commands.h"
#include "engine/util.h"
#include "replay/replay.h"

static struct job job_of(conversation *c, const struct options *options) {
    struct job job = {.test = &c->test, .role = c->test.roles};
    c->recorded_times = options->recorded_times;
    if (c->recorded_times && c->step_count > 0)
        c->test.takes = c->steps[c->step_count - 1].time - c->steps[0].time;
    bool adapter = false;
    for (size_t i = 0; i < c->step_count; i++)
        adapter = adapter || (c->steps[i].theirs && c->steps[i].kind == DUMP_PACKAGE &&
                              c->steps[i].slot > 7 && c->steps[i].source_id == c->id);
    if (adapter)
        c->test.needs = "open";
    if (c->unfit != NULL) {
        job.runs = 1;
        job.first = json_pack("{s:s, s:o}", "verdict", "skip", "why", json_text(c->unfit));
    }
    return job;
}

/* Ends the process when a file cannot be read at all. */
static conversation **read_all(const struct options *options, dump_slots *slots, size_t *count) {
    conversation **list = NULL;
    for (size_t i = 0; options->words[i] != NULL; i++) {
        char *problem;
        size_t found = read_conversations(options->words[i], slots, options->roles,
                                          (unsigned long)options->stream, &list, count, &problem);
        if (problem != NULL)
            fprintf(stderr, "yotonspec: %s: %s\n", found > 0 ? "warning" : "error", problem);
        if (problem != NULL && found == 0)
            exit(EXIT_UNREACHABLE);
        free(problem);
    }
    return list;
}

int command_replay(const struct options *options) {
    dump_slots slots = {0};
    size_t count = 0;
    struct peer peer;
    find_peer(options, &peer);
    add_slot_names(options, &slots);
    conversation **list = read_all(options, &slots, &count);
    if (count == 0) {
        fputs("yotonspec: error: no conversation of that kind in what was captured\n", stderr);
        return EXIT_NOTHING;
    }
    struct job *jobs = room(count * sizeof *jobs);
    size_t fit = 0;
    for (size_t i = 0; i < count; i++) {
        jobs[i] = job_of(list[i], options);
        fit += list[i]->unfit == NULL;
    }
    if (fit == 0) {
        for (size_t i = 0; i < count; i++)
            fprintf(stderr, "yotonspec: error: %s of stream %lu of %s cannot be replayed: %s\n",
                    roles_text(list[i]->test.roles), list[i]->links[0].stream, list[i]->file,
                    list[i]->unfit);
        return EXIT_NOTHING;
    }
    return run_selected(options, &peer, jobs, count, count);
}
