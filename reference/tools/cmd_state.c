/* SPDX-License-Identifier: BSD-2-Clause */
/* `yoton state`: set, print or watch a state. */
#include <stdlib.h>
#include <string.h>

#include "tool_bell.h"
#include "tool_network.h"
#include "tool_value.h"
#include "tools.h"

static const char help[] =
    "usage: yoton state [OPTION...] ADDRESS CHANNEL [VALUE]\n"
    "\n"
    "Sets the state of a channel, or without VALUE prints it as soon as there is one. A state "
    "lives\n"
    "in those who have the channel open: one that is to outlast this command needs somebody who\n"
    "watches it.\n"
    "  -w, --watch      go on, and print the state at first and whenever it changes; the state is\n"
    "                   kept here for others meanwhile\n"
    "  -t, --type TYPE  txt (the default), bin (hexadecimal digits) or obj (a Python literal)\n"
    "  --json           print {\"source\":ID,\"value\":VALUE}, and take VALUE in that form (or "
    "just\n"
    "                   the inner one)\n" NETWORK_HELP_ONE
    "  The --timeout (default 10) is also the time in which there must be a state to print.\n"
    "\n"
    "example:\n"
    "  $ yoton state --bind --watch localhost:lab temperature 21.5 >log &\n"
    "  $ yoton state localhost:lab temperature\n"
    "  21.5\n";

/* Those who have a state send it to a newcomer. What is set before theirs have come could lose
 * against them at others. */
#define SETTLE 0.2

typedef struct state {
    network net;
    network_options options;
    bool watch;
    uint8_t *shown; /* what was printed last */
    size_t shown_size;
} state;

static bool is_new(const state *s, const yoton_message *message) {
    return message->size != s->shown_size || memcmp(message->data, s->shown, message->size) != 0;
}

static int remember(state *s, const yoton_message *message) {
    uint8_t *grown = realloc(s->shown, message->size);
    if (grown == NULL)
        return tool_fail("state", "%s", yoton_strerror(YOTON_E_NOMEM));
    s->shown = grown;
    memcpy(s->shown, message->data, message->size);
    s->shown_size = message->size;
    return TOOL_OK;
}

/* Prints the state unless it is what was printed last. */
static int show(state *s) {
    yoton_message message;
    if (yoton_recv(s->net.channel, 0, &message) != YOTON_OK) {
        tool_fail("state", "%s", yoton_error_text()); /* malformed: the next one may be good */
        return TOOL_OK;
    }
    int result = TOOL_OK;
    if (message.size > 0 && is_new(s, &message)) {
        result = remember(s, &message);
        if (result == TOOL_OK)
            result = tool_print(&s->net, &message);
        if (result == TOOL_OK)
            result = tool_flush(&s->net);
    }
    yoton_message_clear(&message);
    return result;
}

static int watch(state *s) {
    for (;;) {
        bool over = s->net.end != NETWORK_ON;
        int result = show(s);
        if (result != TOOL_OK)
            return result;
        if (over || s->net.end != NETWORK_ON)
            return network_outcome(&s->net, NULL);
        network_step(&s->net, BELL_NEVER, 0);
    }
}

static int get(state *s, const char *channel) {
    double until = bell_now() + network_patience(&s->net);
    for (;;) {
        bool over = s->net.end != NETWORK_ON;
        int result = show(s);
        if (result != TOOL_OK || s->shown_size > 0)
            return result;
        if (over)
            return network_outcome(&s->net, "no state came");
        if (bell_now() >= until)
            return tool_fail("state", "no state came within %g s; has somebody set \"%s\" there?",
                             network_patience(&s->net), channel);
        network_step(&s->net, until, 0);
    }
}

/* Who connects lets the others speak first. */
static int settle(network *net) {
    double settled = bell_now() + SETTLE;
    while (net->end == NETWORK_ON && bell_now() < settled)
        network_step(net, settled, 0);
    return net->end == NETWORK_ON ? TOOL_OK : network_outcome(net, "the state was not set");
}

static int set(network *net, const char *value) {
    if (value[0] == '\0') /* STATE-7 */
        return tool_fail("state", "an empty state cannot be set; leave VALUE away to get it");
    return tool_send(net, value, strlen(value), "the value");
}

/* Who hosts has its state ready for whoever comes; who connects sets it there. */
static int begin(state *s, const char *address, const char *value) {
    network *net = &s->net;
    bool hosts = s->options.bind;
    int result = TOOL_OK;
    if (value != NULL && hosts)
        result = set(net, value);
    if (result == TOOL_OK)
        result = network_add(net, address, hosts);
    if (result == TOOL_OK && !(hosts && s->watch))
        result = network_join(net);
    if (result != TOOL_OK || value == NULL || hosts)
        return result;
    result = settle(net);
    return result == TOOL_OK ? set(net, value) : result;
}

static int deliver(network *net) {
    if (net->end != NETWORK_ON)
        return network_outcome(net, "the state was not delivered");
    if (yoton_context_flush(net->context, network_patience(net)) != YOTON_OK)
        return tool_fail("state", "%s", yoton_error_text());
    return TOOL_OK;
}

static int run(state *s, const tool_texts *rest) {
    const char *value = rest->count > 2 ? rest->list[2] : NULL;
    s->net.watches_output = s->watch || value == NULL;
    int result = network_open(&s->net);
    if (result == TOOL_OK)
        result = network_open_channel(&s->net, YOTON_STATE, rest->list[1], s->options.type);
    if (result == TOOL_OK)
        result = begin(s, rest->list[0], value);
    if (result != TOOL_OK)
        return result;
    if (s->watch)
        return watch(s);
    return value != NULL ? deliver(&s->net) : get(s, rest->list[1]);
}

int cmd_state(int argc, char **argv) {
    state s = {.net = {.command = "state", .options = &s.options}};
    const tool_option table[] = {
        NETWORK_OPTIONS_ONE(&s.options),
        {"--type", "-t", TOOL_TYPE, &s.options.type},
        {"--watch", "-w", TOOL_FLAG, &s.watch},
    };
    static const char *const names[] = {"ADDRESS", "CHANNEL"};
    const network_arguments wanted = {"state", help, table, sizeof table / sizeof table[0],
                                      names,   2,    3};
    tool_texts rest = {0};
    int result;
    if (network_read(&wanted, &s.options, argc, argv, &rest, &result)) {
        result = run(&s, &rest);
        network_close(&s.net);
        free(s.shown);
    }
    free(rest.list);
    return result;
}
