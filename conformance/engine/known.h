/* SPDX-License-Identifier: BSD-2-Clause */
/* Known failures: a file with one JSON object a line. Fields:
 *   case          id of the case; required
 *   role          host or client; required
 *   reason        why it fails; required
 *   peer_version  glob on the version the peer's adapter says; any when left out
 *   message       text that has to be part of the verdict's reason; any when left out
 *   expires       YYYY-MM-DD, the last day on which the entry counts; never when left out
 * Empty lines and lines that start with # are comments. */
#ifndef YOTONSPEC_KNOWN_H
#define YOTONSPEC_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

struct known_failure {
    const char *test, *reason, *peer_version, *message, *expires;
    unsigned role;
    size_t line;
};

struct known_list {
    const char *path; /* NULL when none was given */
    struct known_failure *entries;
    size_t count;
};

/* Purpose: read the file. Ends the process with EXIT_USAGE and file, line and reason when it cannot
 * be read or something in it is wrong. */
struct known_list read_known(const char *path);

/* Purpose: the entry for this case in this role at this version of the peer, or NULL. */
const struct known_failure *find_known(const struct known_list *list, const char *test,
                                       unsigned role, const char *peer_version);

/* Purpose: is its last day over? */
bool known_expired(const struct known_failure *entry);

#endif
