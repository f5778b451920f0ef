/* SPDX-License-Identifier: BSD-2-Clause */
/* The four reports of a run. All are written from the same JSON, that of results.json, of which
 * `format` is 1:
 *   complete, harness, spec, peer, seed, shard, role, repeat, selection, started, seconds, exit,
 *   counts, cases; scale and measured: what deadlines were multiplied by, and the seconds that the
 *   adapter took to start and, at most, to answer
 * and of a case:
 *   id, requirement, level, origin, role, verdict, why; title, about, section, text, seconds, runs,
 *   rerun, and where it applies repeated (runs done again because the machine stood still) and left
 *   (what the adapter left behind); of those that did not pass also transcript,
 * stderr, capture (the file of capture.h), and expected, got, field, offset. */
#ifndef YOTONSPEC_REPORT_H
#define YOTONSPEC_REPORT_H

#include <jansson.h>
#include <stdio.h>

extern const char harness_version[];

/* Purpose: write one report. Each returns when all is written to the stream; errors are the
 * stream's. */
void write_json_report(FILE *file, const json_t *results);
void write_junit_report(FILE *file, const json_t *results);
void write_tap_report(FILE *file, const json_t *results);
void write_html_report(FILE *file, const json_t *results);

/* Purpose: make the folder if it is not there, take reports of an earlier run out of it, and see
 * whether files can be made in it. Returns NULL, or one line that the caller frees. */
char *prepare_reports(const char *folder);

/* Purpose: write all four under other names, and give them their own when all are there.
 * Returns NULL, or one line that the caller frees; then none is there. */
char *write_reports(const char *folder, const json_t *results);

/* Purpose: does this verdict count as something gone wrong (fail, error, flaky, xpass)? */
int is_bad(const char *verdict);

/* Purpose: what came out of the run, in words that begin in lower case. Returns a static text. */
const char *outcome_of(const json_t *results);

/* Purpose: write text with the five characters special to XML and HTML escaped, and what XML cannot
 * hold replaced. */
void write_escaped(FILE *file, const char *text);

#endif
