/* SPDX-License-Identifier: BSD-2-Clause */
/* A request answered by a command of the system's shell. */
#ifndef YOTON_TOOLS_SERVE_EXEC_H
#define YOTON_TOOLS_SERVE_EXEC_H

#include <signal.h>
#include <stddef.h>

#include "yoton/clientserver.h"

typedef struct serve_exec {
    const char *command;
    sigset_t mask; /* the signals that are blocked in the command */
} serve_exec;

/* Purpose: a yoton_handle_request_fn; user is a serve_exec. The command gets the request and a line
 * end; what it prints, without a line end at its end, is the answer. Fails, and says why on
 * standard error, when it ends with another exit code than 0 or prints more than
 * YOTON_TEXT_MAX_DEFAULT. SIGPIPE must be ignored. */
int serve_exec_handle(yoton_request_server *server, const char *request, size_t request_size,
                      char **answer, size_t *answer_size, void *user);

#endif
