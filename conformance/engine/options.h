/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of yotonspec. */
#ifndef YOTONSPEC_OPTIONS_H
#define YOTONSPEC_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/peer.h"
#include "engine/registry.h"

enum command {
    COMMAND_LIST,
    COMMAND_RUN,
    COMMAND_EXPLAIN,
    COMMAND_MERGE,
    COMMAND_REPORT,
    COMMAND_ADAPTER_CHECK,
    COMMAND_CHECK,
    COMMAND_REPLAY
};
enum { ORIGIN_MANUAL = 1, ORIGIN_OBSERVED = 2, ORIGIN_HARDENING = 4 };

struct options {
    enum command command;
    const char *program; /* as it was called */
    const char *peer_name, *peer_command, *peer_address;
    unsigned roles, origins;
    bool must_only, slow, timed, json, adapter, recorded_times;
    const char **cases, **excludes; /* globs, each list ended by NULL */
    long jobs, repeat, shard, shards;
    long memory, processes; /* what an adapter may have: MiB, and how many; 0: no limit */
    const char *known_failures, *report_dir;
    uint64_t seed;
    double timeout_scale;
    const char **names, *slots; /* of slots in captures: base names, a file of full ones */
    long stream;                /* of a capture; 0: all */
    const char **words;         /* what follows the options, ended by NULL */
};

/* Purpose: read the command line. Ends the process for --help, --version (0) and for a mistake
 * (EXIT_USAGE, one line). */
struct options read_options(int argc, char **argv);

/* Purpose: is this a shard, as in 2/4? Then its number and how many there are. */
bool is_shard(const char *text, long *shard, long *shards);

/* Purpose: end the process with EXIT_USAGE and one line on standard error. */
_Noreturn void usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Purpose: does the selection (case, exclude, level, origin, timed; not role, slow or shard) take
 * it? */
bool selected(const struct options *options, const struct test_case *test);

#endif
