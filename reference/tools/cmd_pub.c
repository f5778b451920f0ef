/* SPDX-License-Identifier: BSD-2-Clause */
/* `yoton pub`: publish messages. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool_bell.h"
#include "tool_lines.h"
#include "tool_network.h"
#include "tool_value.h"
#include "tools.h"

static const char help[] =
    "usage: yoton pub [OPTION...] ADDRESS CHANNEL [MESSAGE...]\n"
    "\n"
    "Publishes each MESSAGE, or each line of standard input when none is given, and ends when the\n"
    "system has taken them all. Empty messages are not sent.\n"
    "  -t, --type TYPE  txt (the default), bin (hexadecimal digits) or obj (a Python literal)\n"
    "  --json           messages are JSON: \"text\", {\"hex\":\"00ff\"}, or an object as yoton "
    "encode\n"
    "                   takes it; what yoton sub --json prints is taken too\n" NETWORK_HELP_ONE "\n"
    "example:\n"
    "  $ yoton sub --bind localhost:chat news &\n"
    "  $ yoton pub localhost:chat news hello\n"
    "  hello\n";

/* Sends one and looks after the connections. */
static int publish(network *net, const char *text, size_t size, const char *what, size_t number) {
    char where[40];
    snprintf(where, sizeof where, "%s %zu", what, number);
    return tool_send(net, text, size, where);
}

static int publish_arguments(network *net, const tool_texts *messages) {
    int result = TOOL_OK;
    for (size_t i = 2; result == TOOL_OK && i < messages->count; i++)
        result = publish(net, messages->list[i], strlen(messages->list[i]), "message", i - 1);
    return result;
}

static int read_input(network *net, lines *input) {
    if (lines_fill(input) != 0)
        return tool_fail(net->command, "cannot read standard input: %s", strerror(errno));
    const char *line;
    size_t size;
    int result = TOOL_OK;
    while (result == TOOL_OK && bell_signal() == 0 && lines_next(input, &line, &size))
        result = publish(net, line, size, "line", input->count);
    return result;
}

static int publish_lines(network *net) {
    lines input = {0};
    char unfinished[80];
    int result = TOOL_OK;
    while (result == TOOL_OK && net->end == NETWORK_ON && !input.ended)
        if (network_step(net, BELL_NEVER, BELL_INPUT) & BELL_INPUT)
            result = read_input(net, &input);
    if (result == TOOL_OK && net->end != NETWORK_ON && !input.ended) {
        snprintf(unfinished, sizeof unfinished, "ended after line %zu", input.count);
        result = network_outcome(net, unfinished);
    }
    lines_free(&input);
    return result;
}

/* What is sent has to be with the system, and the connection to be there until then. */
static int deliver(network *net) {
    if (net->end != NETWORK_ON)
        return TOOL_OK;
    if (yoton_context_flush(net->context, network_patience(net)) != YOTON_OK)
        return tool_fail(net->command, "%s", yoton_error_text());
    network_step(net, 0, 0);
    return net->end == NETWORK_ON ? TOOL_OK : network_outcome(net, NULL);
}

static int run(network *net, const tool_texts *rest) {
    int result = network_start(net, rest->list[0], YOTON_PUB, rest->list[1], net->options->type);
    if (result == TOOL_OK && net->end != NETWORK_ON)
        return network_outcome(net, "nothing was sent");
    if (result == TOOL_OK)
        result = rest->count > 2 ? publish_arguments(net, rest) : publish_lines(net);
    return result == TOOL_OK ? deliver(net) : result;
}

int cmd_pub(int argc, char **argv) {
    network_options options = {0};
    const tool_option table[] = {
        NETWORK_OPTIONS_ONE(&options),
        {"--type", "-t", TOOL_TYPE, &options.type},
    };
    static const char *const names[] = {"ADDRESS", "CHANNEL"};
    const network_arguments wanted = {"pub", help, table, sizeof table / sizeof table[0],
                                      names, 2,    0};
    tool_texts rest = {0};
    int result;
    if (network_read(&wanted, &options, argc, argv, &rest, &result)) {
        network net = {.command = "pub", .options = &options};
        result = run(&net, &rest);
        network_close(&net);
    }
    free(rest.list);
    return result;
}
