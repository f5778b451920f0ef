/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of yotonspec. Each returns an exit code. */
#ifndef YOTONSPEC_COMMANDS_H
#define YOTONSPEC_COMMANDS_H

#include "engine/options.h"

int command_list(const struct options *options);
int command_explain(const struct options *options);
int command_run(const struct options *options);
int command_merge(const struct options *options);
int command_report(const struct options *options);
int command_check(const struct options *options);

#endif
