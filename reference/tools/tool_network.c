/* SPDX-License-Identifier: BSD-2-Clause */
#include "tool_network.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool_bell.h"
#include "tool_seat.h"
#include "tools.h"

/* What the library says of an end that the other side wanted (LINK-14). */
#define REASON_NICE "Closed from other end."

bool network_read(const network_arguments *wanted, const network_options *options, int argc,
                  char **argv, tool_texts *rest, int *result) {
    const char *command = wanted->command;
    *result = tool_options_read(command, wanted->table, wanted->table_size, argc, argv, rest);
    if (*result != TOOL_OK)
        return false;
    if (options->help) {
        fputs(wanted->help, stdout);
        *result = tool_finish(command);
        return false;
    }
    if (rest->count < wanted->names_count)
        *result = tool_usage(command, "%s is missing", wanted->names[rest->count]);
    else if (wanted->most > 0 && rest->count > wanted->most)
        *result = tool_usage(command, "one argument too many: \"%s\"; quote blanks for the shell",
                             rest->list[wanted->most]);
    return *result == TOOL_OK;
}

void network_note(const network *net, const char *format, ...) {
    va_list arguments;
    if (net->options->quiet)
        return;
    va_start(arguments, format);
    fprintf(stderr, "yoton %s: ", net->command);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

double network_patience(const network *net) {
    return net->options->timeout > 0 ? net->options->timeout : NETWORK_TIMEOUT;
}

/* What is noted where the command does not tell of it itself. */
static void note_event(network *net, network_event event, const yoton_connection_info *info,
                       const char *text) {
    if (event == NETWORK_WAITING)
        network_note(net, "waiting at %s:%u", info->hostname1, info->port1);
    else if (event == NETWORK_TROUBLE)
        network_note(net, "%s; trying again", text);
    else if (event == NETWORK_WENT && net->options->keep)
        network_note(net, "%s:%u has gone: %s", info->hostname2, info->port2, text);
}

int network_open(network *net) {
    const yoton_options options = {.verbosity = net->options->verbose};
    if (net->told == NULL)
        net->told = note_event;
    net->join_by = BELL_NEVER;
    if (bell_open() != 0)
        return tool_fail(net->command, "cannot make a pipe: %s", strerror(errno));
    if (yoton_context_new(&options, &net->context) != YOTON_OK)
        return tool_fail(net->command, "%s", yoton_error_text());
    return TOOL_OK;
}

static void on_received(yoton_channel *channel, void *user) {
    (void)channel;
    (void)user;
    bell_ring();
}

int network_open_channel(network *net, yoton_channel_kind kind, const char *base,
                         yoton_message_type type) {
    if (yoton_channel_open(net->context, kind, base, strlen(base), type, &net->channel) != YOTON_OK)
        return tool_fail(net->command, "%s", yoton_error_text());
    if (kind == YOTON_SUB || kind == YOTON_STATE)
        yoton_channel_on_received(net->channel, on_received, NULL);
    return TOOL_OK;
}

int network_add(network *net, const char *address, bool bind) {
    if (strlen(address) + sizeof "65535" > SEAT_ADDRESS_ROOM)
        return tool_fail(net->command, "the address has more than %d bytes",
                         SEAT_ADDRESS_ROOM - (int)sizeof "65535");
    seat *grown = realloc(net->seats, (net->seat_count + 1) * sizeof *grown);
    if (grown == NULL)
        return tool_fail(net->command, "%s", yoton_strerror(YOTON_E_NOMEM));
    net->seats = grown;
    seat *seat = &net->seats[net->seat_count++];
    memset(seat, 0, sizeof *seat);
    strcpy(seat->address, address);
    seat->bind = bind;
    seat->keep = net->options->keep;
    if (net->options->bind && net->options->timeout > 0)
        net->join_by = bell_now() + net->options->timeout;
    return TOOL_OK;
}

/* Nobody has come to where this command hosts. */
static int nobody_came(network *net) {
    return tool_fail(net->command,
                     "nobody connected at %s within %g s; does the other side use that address?",
                     net->seats[0].address, net->options->timeout);
}

static network_end end_of(network *net, int happened) {
    if (bell_signal() != 0)
        return NETWORK_INTERRUPTED;
    if (happened & BELL_OUTPUT_GONE)
        return NETWORK_UNREAD;
    if (!net->joined && bell_now() >= net->join_by) {
        nobody_came(net);
        return NETWORK_FAILED;
    }
    if (seats_alive(net))
        return NETWORK_ON;
    return strcmp(net->reason, REASON_NICE) == 0 ? NETWORK_CLOSED : NETWORK_LOST;
}

static double earlier(double a, double b) { return a < b ? a : b; }

int network_step(network *net, double moment, int what) {
    double due = earlier(moment, seats_due(net));
    if (!net->joined)
        due = earlier(due, net->join_by);
    int happened = bell_wait(due, what | (net->watches_output ? BELL_OUTPUT_GONE : 0));
    if (seats_look(net) != TOOL_OK)
        net->end = NETWORK_FAILED;
    else if (net->end == NETWORK_ON) /* printing may have ended it */
        net->end = end_of(net, happened);
    return happened;
}

int network_join(network *net) {
    while (!net->joined && net->end == NETWORK_ON)
        network_step(net, BELL_NEVER, 0);
    return net->end == NETWORK_FAILED ? TOOL_FAILED : TOOL_OK;
}

int network_start(network *net, const char *address, yoton_channel_kind kind, const char *base,
                  yoton_message_type type) {
    int result = network_open(net);
    if (result == TOOL_OK)
        result = network_open_channel(net, kind, base, type);
    if (result == TOOL_OK)
        result = network_add(net, address, net->options->bind);
    return result == TOOL_OK ? network_join(net) : result;
}

int network_outcome(const network *net, const char *unfinished) {
    const char *why = net->end == NETWORK_INTERRUPTED ? "interrupted"
                      : net->end == NETWORK_UNREAD    ? "nobody reads the output any more"
                                                      : net->reason;
    if (net->end == NETWORK_FAILED)
        return TOOL_FAILED;
    if (unfinished != NULL)
        return tool_fail(net->command, "%s: %s", unfinished, why);
    if (net->end == NETWORK_LOST)
        return tool_fail(net->command, "the connection is lost: %s", why);
    if (net->end == NETWORK_CLOSED)
        network_note(net, "%s", why);
    return TOOL_OK;
}

/* Closing the context ends a connecting that it knows of, and not one that is about to begin. */
static void end_dials(network *net) {
    const struct timespec pause = {.tv_nsec = 10000000};
    for (size_t i = 0; i < net->seat_count; i++) {
        seat *seat = &net->seats[i];
        if (!seat->dials)
            continue;
        while (!atomic_load(&seat->answered)) {
            yoton_context_close(net->context);
            nanosleep(&pause, NULL);
        }
        pthread_join(seat->thread, NULL);
    }
}

void network_close(network *net) {
    if (net->context != NULL) {
        end_dials(net);
        yoton_context_free(net->context);
    }
    yoton_channel_free(net->channel);
    seats_free(net);
}
