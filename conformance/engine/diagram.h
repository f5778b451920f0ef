/* SPDX-License-Identifier: BSD-2-Clause */
/* The conversation of a case as a person reads it in a terminal. */
#ifndef YOTONSPEC_DIAGRAM_H
#define YOTONSPEC_DIAGRAM_H

#include <jansson.h>

/* Purpose: print who sent what when: an arrow for each entry of the transcript that is of a
 * connection, the harness on the left and the peer on the right, and what the case had to say. Of a
 * long one the beginning and the end. Nothing for a transcript without any. */
void show_diagram(const json_t *transcript);

#endif
