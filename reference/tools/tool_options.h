/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of a sub-command, described by a table. */
#ifndef YOTON_TOOLS_OPTIONS_H
#define YOTON_TOOLS_OPTIONS_H

#include <stddef.h>

typedef enum tool_option_kind {
    TOOL_FLAG,    /* bool */
    TOOL_TEXT,    /* const char * */
    TOOL_TEXTS,   /* tool_texts: may be given several times */
    TOOL_SECONDS, /* double, above 0 */
    TOOL_COUNT,   /* size_t, from 1 on */
    TOOL_TYPE     /* yoton_message_type: txt, bin or obj */
} tool_option_kind;

/* Arguments in the order given; the texts are those of the command line. */
typedef struct tool_texts {
    const char **list;
    size_t count;
} tool_texts;

typedef struct tool_option {
    const char *name;      /* with its dashes */
    const char *also;      /* another name, or NULL */
    tool_option_kind kind; /* what it takes */
    void *target;          /* where that goes */
} tool_option;

/* Purpose: read argv[1] and what follows. An option stands anywhere, its value behind it or after
 * "="; what follows "--" is no option, and neither is what starts with one dash and is not in the
 * table. The other arguments go to *rest. tool_texts are freed by the caller (free of their list),
 * after an error too.
 * Returns TOOL_OK, or says what is wrong and returns TOOL_USAGE, or TOOL_FAILED without memory. */
int tool_options_read(const char *command, const tool_option *options, size_t count, int argc,
                      char **argv, tool_texts *rest);

#endif
