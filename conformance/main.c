/* SPDX-License-Identifier: BSD-2-Clause */
/* yotonspec: judges implementations of Yoton by the requirements of spec/wire.md. */
#include <stdio.h>

#include "engine/commands.h"
#include "engine/util.h"

int main(int argc, char **argv) {
    char *problem = check_cases(all_cases);
    problem = problem ? problem : check_cases(adapter_checks);
    if (problem != NULL) {
        fprintf(stderr, "yotonspec: error: %s\n", problem);
        return EXIT_HARNESS;
    }
    struct options options = read_options(argc, argv);
    switch (options.command) {
    case COMMAND_LIST:
        return command_list(&options);
    case COMMAND_EXPLAIN:
        return command_explain(&options);
    case COMMAND_ADAPTER_CHECK:
        choose_cases(adapter_checks);
        return command_run(&options);
    case COMMAND_RUN:
        return command_run(&options);
    case COMMAND_MERGE:
        return command_merge(&options);
    case COMMAND_REPORT:
        return command_report(&options);
    case COMMAND_CHECK:
        return command_check(&options);
    case COMMAND_REPLAY:
        return command_replay(&options);
    }
    return EXIT_HARNESS;
}
