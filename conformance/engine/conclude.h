/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a command that has results. */
#ifndef YOTONSPEC_CONCLUDE_H
#define YOTONSPEC_CONCLUDE_H

#include <jansson.h>

/* Purpose: write the reports into the folder, which is prepared, and say what came out. Takes the
 * results over; returns the exit code. */
int conclude(json_t *results, const char *folder);

#endif
