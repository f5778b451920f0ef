/* SPDX-License-Identifier: BSD-2-Clause */
/* `yoton sub`: print messages as they come. */
#include <stdio.h>
#include <stdlib.h>

#include "tool_bell.h"
#include "tool_network.h"
#include "tool_value.h"
#include "tools.h"
#include "yoton/pubsub.h"

static const char help[] =
    "usage: yoton sub [OPTION...] ADDRESS CHANNEL\n"
    "\n"
    "Prints the messages of a channel as they come, one on a line, until it is interrupted or the\n"
    "other end closes.\n"
    "  -t, --type TYPE  txt (the default; printed as it is), bin (printed as hexadecimal digits) "
    "or\n"
    "                   obj (printed as a Python literal); it is part of the channel's name\n"
    "  -n, --count N    end after N messages\n"
    "  --sync           sync mode: have publishers slow down when this end cannot keep up\n"
    "  --json           print {\"source\":ID,\"value\":MESSAGE} for each\n" NETWORK_HELP_ONE
    "  The --timeout, when given, is also the longest time without a message.\n"
    "\n"
    "example:\n"
    "  $ yoton sub --bind --type obj localhost:chat news &\n"
    "  $ yoton pub --type obj localhost:chat news \"['a', 1.50]\"\n"
    "  ['a', 1.5]\n";

typedef struct sub {
    network net;
    network_options options;
    bool sync;
    size_t count; /* 0: no end */
    size_t seen;
    double last; /* when something came */
} sub;

static bool is_done(const sub *s) { return s->count > 0 && s->seen == s->count; }

/* Prints what is there. */
static int drain(sub *s) {
    yoton_message message;
    int error, result = TOOL_OK;
    while (result == TOOL_OK && !is_done(s) && s->net.end != NETWORK_UNREAD && bell_signal() == 0 &&
           (error = yoton_recv(s->net.channel, 0, &message)) != YOTON_E_TIMEOUT) {
        s->last = bell_now();
        if (error == YOTON_E_CLOSED)
            break;
        if (error != YOTON_OK) { /* malformed, and the next may be good */
            tool_fail("sub", "%s", yoton_error_text());
            continue;
        }
        s->seen++;
        result = tool_print(&s->net, &message);
        yoton_message_clear(&message);
    }
    return result == TOOL_OK ? tool_flush(&s->net) : result;
}

static int outcome(const sub *s) {
    char unfinished[80];
    snprintf(unfinished, sizeof unfinished, "ended after %zu of %zu messages", s->seen, s->count);
    return network_outcome(&s->net,
                           s->count > 0 && s->net.end != NETWORK_UNREAD ? unfinished : NULL);
}

static int listen(sub *s) {
    double limit = s->options.timeout > 0 ? s->options.timeout : BELL_NEVER;
    s->last = bell_now();
    for (;;) {
        bool over = s->net.end != NETWORK_ON; /* what came before the end is printed still */
        int result = drain(s);
        if (result != TOOL_OK || is_done(s))
            return result;
        if (over || s->net.end != NETWORK_ON)
            return outcome(s);
        if (bell_now() >= s->last + limit)
            return tool_fail("sub", "no message came within %g s", limit);
        network_step(&s->net, s->last + limit, 0);
    }
}

static int run(sub *s, const tool_texts *rest) {
    s->net.watches_output = true;
    int result = network_start(&s->net, rest->list[0], YOTON_SUB, rest->list[1], s->options.type);
    if (result == TOOL_OK && s->sync && yoton_sub_set_sync_mode(s->net.channel, 1) != YOTON_OK)
        result = tool_fail("sub", "%s", yoton_error_text());
    return result == TOOL_OK ? listen(s) : result;
}

int cmd_sub(int argc, char **argv) {
    sub s = {.net = {.command = "sub", .options = &s.options}};
    const tool_option table[] = {
        NETWORK_OPTIONS_ONE(&s.options),
        {"--type", "-t", TOOL_TYPE, &s.options.type},
        {"--count", "-n", TOOL_COUNT, &s.count},
        {"--sync", NULL, TOOL_FLAG, &s.sync},
    };
    static const char *const names[] = {"ADDRESS", "CHANNEL"};
    const network_arguments wanted = {"sub", help, table, sizeof table / sizeof table[0],
                                      names, 2,    2};
    tool_texts rest = {0};
    int result;
    if (network_read(&wanted, &s.options, argc, argv, &rest, &result)) {
        result = run(&s, &rest);
        network_close(&s.net);
    }
    free(rest.list);
    return result;
}
