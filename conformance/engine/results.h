/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading results.json of a run, to merge it with others or to put it beside them. */
#ifndef YOTONSPEC_RESULTS_H
#define YOTONSPEC_RESULTS_H

#include <jansson.h>

/* Purpose: read the file, whose members must be of the kinds that results.schema.json names, as far
 * as reports are made of them: ids become names of files, and words parts of pages. Ends the
 * process with EXIT_USAGE and one line that says what is wrong where; `wanted` is what the user is
 * told to give instead. */
json_t *read_results(const char *path, const char *wanted);

#endif
