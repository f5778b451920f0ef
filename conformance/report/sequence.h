/* SPDX-License-Identifier: BSD-2-Clause */
/* The conversation of a case as a drawn sequence diagram. */
#ifndef YOTONSPEC_SEQUENCE_H
#define YOTONSPEC_SEQUENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* What the page needs for it. */
extern const char sequence_style[];

/* Purpose: write an SVG with the life lines of harness and peer and an arrow for each entry that
 * in_diagram() takes, of a long conversation the beginning and the end. Nothing for one without
 * any. The lines are named by `left` and `right`. It takes its colours from the style sheet of the
 * page (classes sq-…). */
void write_sequence(FILE *file, const json_t *transcript, bool adapter, const char *left,
                    const char *right);

#endif
