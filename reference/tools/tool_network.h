/* SPDX-License-Identifier: BSD-2-Clause */
/* What the commands that talk to a network share: options, connecting, waiting, the end. */
#ifndef YOTON_TOOLS_NETWORK_H
#define YOTON_TOOLS_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "tool_options.h"
#include "yoton/channels.h"
#include "yoton/connection.h"
#include "yoton/context.h"

/* ---- Options ---- */

typedef struct network_options {
    bool bind, keep, json, verbose, quiet, help;
    double timeout; /* 0: not given */
    const char *name;
    yoton_message_type type;
} network_options;

#define NETWORK_TIMEOUT 10.0 /* seconds, when --timeout is not given */

/* Rows of a table for tool_options_read: what each of these commands takes. */
#define NETWORK_OPTIONS(options)                                                                   \
    {"--timeout", NULL, TOOL_SECONDS, &(options)->timeout},                                        \
        {"--name", NULL, TOOL_TEXT, &(options)->name},                                             \
        {"--json", NULL, TOOL_FLAG, &(options)->json},                                             \
        {"--verbose", "-v", TOOL_FLAG, &(options)->verbose},                                       \
        {"--quiet", "-q", TOOL_FLAG, &(options)->quiet}, {                                         \
        "--help", "-h", TOOL_FLAG, &(options)->help                                                \
    }
/* The same for those that have one address. */
#define NETWORK_OPTIONS_ONE(options)                                                               \
    {"--bind", "-b", TOOL_FLAG, &(options)->bind}, {"--keep", "-k", TOOL_FLAG, &(options)->keep},  \
        NETWORK_OPTIONS(options)

/* The same as lines of a --help. */
#define NETWORK_HELP                                                                               \
    "  --timeout S      try S seconds to connect (default 10)\n"                                   \
    "  --name NAME      name the connection\n"                                                     \
    "  -v, --verbose    tell on standard error what happens to connections\n"                      \
    "  -q, --quiet      tell nothing but errors there\n"
#define NETWORK_HELP_ONE                                                                           \
    "  -b, --bind       host at ADDRESS instead of connecting; waits until somebody comes, or "    \
    "for\n"                                                                                        \
    "                   the --timeout; port 0 takes a free one\n"                                  \
    "  -k, --keep       go on when the other end has gone: connect again; with --bind take as\n"   \
    "                   many peers as come\n" NETWORK_HELP

/* What a command takes from its command line. */
typedef struct network_arguments {
    const char *command, *help;
    const tool_option *table; /* its options */
    size_t table_size;
    const char *const *names; /* of the arguments that must be there */
    size_t names_count;
    size_t most; /* arguments at most; 0: no limit */
} network_arguments;

/* Purpose: read the command line. *rest receives what is no option; its list is freed by the caller
 * in any case. Returns whether to go on; else *result is the exit code (--help, bad usage). */
bool network_read(const network_arguments *wanted, const network_options *options, int argc,
                  char **argv, tool_texts *rest, int *result);

/* ---- A network ---- */

/* Why a command has to end. */
typedef enum network_end {
    NETWORK_ON,          /* it has not */
    NETWORK_INTERRUPTED, /* by a signal */
    NETWORK_UNREAD,      /* nobody reads standard output any more */
    NETWORK_CLOSED,      /* the last peer closed in the nice way, and no other is to come */
    NETWORK_LOST,        /* the last peer was lost */
    NETWORK_FAILED       /* something that was told already on standard error */
} network_end;

typedef enum network_event {
    NETWORK_WAITING, /* hosting begins; what is at the other end is empty */
    NETWORK_CAME,    /* a peer is connected */
    NETWORK_SILENT,  /* nothing came for the time-out */
    NETWORK_BACK,    /* something came again */
    NETWORK_WENT,    /* a peer's connection has ended; text is the reason */
    NETWORK_TROUBLE  /* hosting or connecting again does not work yet; text says why */
} network_event;

typedef struct network network;

/* info is NULL for NETWORK_TROUBLE, text NULL where nothing is said. */
typedef void (*network_told_fn)(network *net, network_event event,
                                const yoton_connection_info *info, const char *text);

typedef struct seat seat; /* an address, with who comes there: tool_seat.h */
typedef struct peer peer; /* a connection */

struct network {
    const char *command;
    const network_options *options;
    network_told_fn told;
    yoton_context *context;
    yoton_channel *channel;
    seat *seats;
    size_t seat_count;
    peer *peers;
    size_t peer_count;
    bool joined;         /* there was a peer */
    bool watches_output; /* end when nobody reads standard output any more */
    double join_by;      /* the moment until which there must be one */
    network_end end;
    char reason[YOTON_REASON_ROOM]; /* the last peer's */
};

/* Purpose: make the context and all that waiting needs; net->command and net->options are set, told
 * is what a broker prints or NULL. After it, also when it fails, network_close is called. Returns
 * TOOL_OK, or TOOL_FAILED, having said why. */
int network_open(network *net);

/* Purpose: open the channel that the command is about; what it receives rings. Returns as
 * network_open does. */
int network_open_channel(network *net, yoton_channel_kind kind, const char *base,
                         yoton_message_type type);

/* Purpose: host or connect at an address from the next step on; the text is borrowed. Returns as
 * network_open does. */
int network_add(network *net, const char *address, bool bind);

/* Purpose: wait until a peer is there. Returns TOOL_OK with a peer there or net->end set;
 * TOOL_FAILED, having said why. */
int network_join(network *net);

/* Purpose: the usual beginning of a command with one address: all of the above. Returns as
 * network_join does. */
int network_start(network *net, const char *address, yoton_channel_kind kind, const char *base,
                  yoton_message_type type);

/* Purpose: wait until something happens or the moment has come (bell_now's clock), and look after
 * the connections. `what` are bits of bell_wait. Returns bits of bell_wait; net->end is set when
 * the command has to end. */
int network_step(network *net, double moment, int what);

/* Purpose: how a command ends with net->end set. unfinished is NULL when it may end like that, else
 * it says what it still had to do ("no reply came"). Returns the exit code, having said what there
 * is to say. */
int network_outcome(const network *net, const char *unfinished);

/* Purpose: close all in the nice way and free it. */
void network_close(network *net);

/* Purpose: the time for what is not connecting: --timeout or its default. */
double network_patience(const network *net);

/* Purpose: a line on standard error that --quiet keeps back. */
void network_note(const network *net, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
