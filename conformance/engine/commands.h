/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of yotonspec. Each returns an exit code. */
#ifndef YOTONSPEC_COMMANDS_H
#define YOTONSPEC_COMMANDS_H

#include "engine/options.h"
#include "engine/runner.h"

int command_list(const struct options *options);
int command_explain(const struct options *options);
int command_run(const struct options *options);
int command_merge(const struct options *options);
int command_report(const struct options *options);
int command_check(const struct options *options);
int command_replay(const struct options *options);

/* Purpose: the peer that the options name. Ends the process when it is not there. */
void find_peer(const struct options *options, struct peer *peer);

/* Purpose: run these jobs, and write the reports; `pairs` is how many there are in all shards. A
 * job that has runs already has its verdict. Returns the exit code. */
int run_selected(const struct options *options, const struct peer *peer, struct job *jobs,
                 size_t count, size_t pairs);

#endif
