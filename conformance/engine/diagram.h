/* SPDX-License-Identifier: BSD-2-Clause */
/* The conversation of a case as a person reads it in a terminal. */
#ifndef YOTONSPEC_DIAGRAM_H
#define YOTONSPEC_DIAGRAM_H

#include <jansson.h>
#include <stdbool.h>

/* Purpose: does an entry of a transcript belong into a picture of the conversation? Heartbeats do
 * not, unless one is what was wrong, nor what the adapter was asked, unless `adapter`. */
bool in_diagram(const json_t *entry, bool adapter);

/* Purpose: print who sent what when: an arrow for each entry of the transcript that is of a
 * connection, the harness on the left and the peer on the right, and what the case had to say. Of a
 * long one the beginning and the end. Nothing for a transcript without any. What the adapter was
 * asked is in the report; here it is left out unless it is judged itself. */
void show_diagram(const json_t *transcript, bool adapter);

#endif
