/* SPDX-License-Identifier: BSD-2-Clause */
/* What happened in a case, in order, for the report. */
#ifndef YOTONSPEC_TRANSCRIPT_H
#define YOTONSPEC_TRANSCRIPT_H

#include <jansson.h>
#include <stddef.h>

struct transcript {
    json_t *entries;
    size_t dropped; /* entries taken out of the middle of a very long one */
    double start;   /* times are told from here */
};

typedef enum direction { SENT, RECEIVED, NOTE } direction; /* seen from the harness */

void transcript_start(struct transcript *transcript);

/* Adds an entry at time `when` and returns its number. bytes may be NULL. */
size_t transcript_add(struct transcript *transcript, double when, const char *who,
                      direction direction, const char *what, const void *bytes, size_t size);

/* Marks byte `offset` of an entry as the first wrong one; without a field the entry as a whole. */
void transcript_mark(struct transcript *transcript, size_t entry, size_t offset, const char *field);

/* A new reference; a long one is cut in its middle, and says so. */
json_t *transcript_report(const struct transcript *transcript);

#endif
