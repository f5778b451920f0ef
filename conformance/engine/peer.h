/* SPDX-License-Identifier: BSD-2-Clause */
/* Whom a run judges, and how it is reached. */
#ifndef YOTONSPEC_PEER_H
#define YOTONSPEC_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer {
    const char *name;    /* of the report folder: reference, pyzo, command, address */
    char **command;      /* adapter's argument list, ended by NULL; NULL with an address */
    const char *address; /* as given */
    const char *host;    /* its parts */
    uint16_t port;
    const char *hint; /* what to do when it cannot be started; may be NULL */
};

/* Purpose: the folder this program is in. Never fails: "." in the worst case. */
const char *program_folder(void);

/* Purpose: find a known peer by its name, take a command line apart, or an address. Each returns
 * NULL, or one line that says what is wrong; *missing is set when the peer is known and not there
 * (EXIT_UNREACHABLE), and left alone when the text itself is wrong (EXIT_USAGE). */
const char *peer_by_name(struct peer *peer, const char *name, bool *missing);
const char *peer_by_command(struct peer *peer, const char *command);
const char *peer_by_address(struct peer *peer, const char *address);

#endif
