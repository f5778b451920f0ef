/* SPDX-License-Identifier: BSD-2-Clause */
/* A shell command as the body of a method. */
#ifndef YOTON_TOOLS_REP_EXEC_H
#define YOTON_TOOLS_REP_EXEC_H

#include <stddef.h>

#include "yoton/object.h"

#define EXEC_OUTPUT_MAX ((size_t)64 << 20) /* bytes that a command may print */

/* What a command printed, NUL-terminated, to be freed with exec_output_free. */
typedef struct exec_text {
    char *bytes;
    size_t size;
} exec_text;

typedef struct exec_output {
    exec_text out, err; /* without the last line feed */
    int status;         /* exit code, or 128 and the signal that ended it, as a shell counts */
} exec_output;

/* Purpose: run a command with /bin/sh and wait for its end. $0 is the name of the method, $1 and so
 * on are the arguments: strings as they are, other values as Python literals. Named arguments are
 * the variables YOTON_ARG_name. Standard input is empty. args is a list or tuple, kwargs a
 * dictionary with strings as keys.
 * Returns NULL, or a static text that says why it could not be run. *output is to be freed in any
 * case. */
const char *exec_run(const char *command, const char *name, const yoton_value *args,
                     const yoton_value *kwargs, exec_output *output);

void exec_output_free(exec_output *output);

/* Purpose: end the command that runs, and any that would be run later; from any thread. */
void exec_stop(void);

#endif
