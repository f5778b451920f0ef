/* SPDX-License-Identifier: BSD-2-Clause */
/* What a run says while it goes and when it is over. */
#ifndef YOTONSPEC_TERMINAL_H
#define YOTONSPEC_TERMINAL_H

#include <jansson.h>
#include <stddef.h>

#include "engine/verdict.h"

/* Purpose: set up colour and progress. */
void screen_setup(void);

/* Purpose: say whom the run judges, and how fast that answers, after the set-up. */
void screen_start(const struct run_info *info, size_t jobs);

/* Purpose: one more job has its verdict. */
void screen_job(const json_t *entry);

/* Purpose: the outcome. folder is where the reports are, NULL when there are none. */
void screen_summary(const json_t *results, const char *folder);

/* Purpose: take the progress line away, before anything else is printed. */
void screen_clear(void);

#endif
