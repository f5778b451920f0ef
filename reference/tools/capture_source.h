/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes of a capture file, read in large pieces, and known by their offset; those of a file
 * that is still being written too. */
#ifndef YOTON_TOOLS_CAPTURE_SOURCE_H
#define YOTON_TOOLS_CAPTURE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct capture_source capture_source;

/* Purpose: open a file, or standard input for "-". With `follow` its end is waited at until
 * capture_source_stop is called. *stream receives the stream to read it with, which owns the source
 * and closes it.
 * Returns the source, or NULL with errno. */
capture_source *capture_source_open(const char *name, bool follow, FILE **stream);

/* Purpose: how many bytes were taken from *stream. */
uint64_t capture_source_offset(const capture_source *source);

/* Purpose: the end of what is there is the end. May be called by a handler of a signal. */
void capture_source_stop(capture_source *source);

#endif
