/* SPDX-License-Identifier: BSD-2-Clause */
/* Several implementations side by side. */
#ifndef YOTONSPEC_COMPARE_H
#define YOTONSPEC_COMPARE_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

struct compared {
    const json_t *results;
    const char *title; /* of the column */
    const char *page;  /* where its own report is, as a link from the page; NULL: not known */
};

/* Purpose: a page that needs nothing else: a row for each case and role that any of them has, a
 * column for each of them, the verdicts in it, with filters. Errors are the stream's. */
void write_comparison(FILE *file, const struct compared *peers, size_t count);

#endif
