/* SPDX-License-Identifier: BSD-2-Clause */
/* Standard input line by line, read only when there is something to read. */
#ifndef YOTON_TOOLS_LINES_H
#define YOTON_TOOLS_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* All zero at first; freed with lines_free. */
typedef struct lines {
    char *bytes;
    size_t size, room;
    size_t at;    /* where the next line starts */
    size_t seen;  /* up to here there is no line end behind `at` */
    size_t count; /* lines given so far */
    bool ended;   /* input has no more */
} lines;

/* Purpose: read what is there; waits when nothing is, until a signal. Returns 0, or -1 with errno
 * set. */
int lines_fill(lines *l);

/* Purpose: the next line without its line end, valid until lines_fill; the last one may have none.
 * Returns false when more has to be read, or nothing is left and `ended` is set. */
bool lines_next(lines *l, const char **line, size_t *size);

void lines_free(lines *l);

#endif
