/* SPDX-License-Identifier: BSD-2-Clause */
/* `yoton broker`: a context without channels that connects others. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tool_bell.h"
#include "tool_network.h"
#include "tool_value.h"
#include "tools.h"

static const char help[] =
    "usage: yoton broker [OPTION...] [ADDRESS...]\n"
    "\n"
    "Connects others: hosts at each ADDRESS as many peers as come, and passes on what they say, "
    "until\n"
    "it is interrupted. Prints who comes and goes. A peer that comes while another is being taken\n"
    "finds nobody for a moment, so peers should try for some seconds to connect; more addresses "
    "take\n"
    "more peers at once.\n"
    "  -c, --connect ADDRESS  join another network there, and again when the connection ends. May "
    "be\n"
    "                   given often\n"
    "  --timeout S      try S seconds to connect at first (default 10)\n"
    "  --name NAME      name the connections\n"
    "  --json           print {\"time\":SECONDS,\"event\":…} for each event: waiting, came, "
    "silent, "
    "back,\n"
    "                   went or trouble\n"
    "  -v, --verbose    print too who is silent for a while, and what is refused\n"
    "  -q, --quiet      print nothing\n"
    "\n"
    "example:\n"
    "  $ yoton broker --quiet localhost:chat &\n"
    "  $ yoton state --watch localhost:chat topic weather &\n"
    "  weather\n"
    "  $ yoton state localhost:chat topic\n"
    "  weather\n";

static const char *const names[] = {
    [NETWORK_WAITING] = "waiting", [NETWORK_CAME] = "came", [NETWORK_SILENT] = "silent",
    [NETWORK_BACK] = "back",       [NETWORK_WENT] = "went", [NETWORK_TROUBLE] = "trouble",
};

static void print_json(network *net, network_event event, const yoton_connection_info *info,
                       const char *text) {
    struct timespec now;
    char id[17] = "";
    clock_gettime(CLOCK_REALTIME, &now);
    json_t *json = json_pack("{s:f, s:s}", "time", (double)now.tv_sec + (double)now.tv_nsec / 1e9,
                             "event", names[event]);
    if (json != NULL && info != NULL) {
        bool peer = event != NETWORK_WAITING;
        json_object_set_new(json, "host", json_string(peer ? info->hostname2 : info->hostname1));
        json_object_set_new(json, "port", json_integer(peer ? info->port2 : info->port1));
        if (peer) {
            snprintf(id, sizeof id, "%016" PRIx64, info->id2);
            json_object_set_new(json, "id", json_string(id));
            json_object_set_new(json, "pid", json_integer((json_int_t)info->pid2));
        }
    }
    if (json != NULL && text != NULL)
        json_object_set_new(json, "reason", json_string(text));
    tool_print_json(net, json);
}

/* Green for who comes, red for who goes; only a terminal gets colours, and only if it wants any. */
static const char *colour_of(network_event event) {
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    if ((none != NULL && *none != '\0') || !isatty(STDOUT_FILENO) || term == NULL ||
        strcmp(term, "dumb") == 0)
        return NULL;
    return event == NETWORK_CAME                               ? "\x1b[32m"
           : event == NETWORK_WENT || event == NETWORK_TROUBLE ? "\x1b[31m"
                                                               : NULL;
}

static void print_words(network_event event, const yoton_connection_info *info, const char *text) {
    switch (event) {
    case NETWORK_WAITING:
        printf("waiting at %s:%u", info->hostname1, info->port1);
        break;
    case NETWORK_CAME:
        printf("+ %s:%u has come (id %016" PRIx64 ", process %" PRIu64 ")", info->hostname2,
               info->port2, info->id2, info->pid2);
        break;
    case NETWORK_WENT:
        printf("- %s:%u has gone: %s", info->hostname2, info->port2, text);
        break;
    case NETWORK_SILENT:
        printf("  %s:%u is silent", info->hostname2, info->port2);
        break;
    case NETWORK_BACK:
        printf("  %s:%u is back", info->hostname2, info->port2);
        break;
    case NETWORK_TROUBLE:
        printf("! %s; trying again", text);
        break;
    }
}

static void print_line(network_event event, const yoton_connection_info *info, const char *text) {
    char stamp[32] = "";
    time_t now = time(NULL);
    struct tm local;
    const char *colour = colour_of(event);
    if (localtime_r(&now, &local) != NULL)
        strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &local);
    printf("%s %s", stamp, colour != NULL ? colour : "");
    print_words(event, info, text);
    puts(colour != NULL ? "\x1b[0m" : "");
}

static void told(network *net, network_event event, const yoton_connection_info *info,
                 const char *text) {
    bool detail = event == NETWORK_SILENT || event == NETWORK_BACK;
    if (net->options->quiet || (detail && !net->options->verbose))
        return;
    if (net->options->json)
        print_json(net, event, info, text);
    else
        print_line(event, info, text);
    tool_flush(net);
}

static int run(network *net, const tool_texts *hosted, const tool_texts *joined) {
    int result = network_open(net);
    net->watches_output = !net->options->quiet;
    for (size_t i = 0; result == TOOL_OK && i < hosted->count; i++)
        result = network_add(net, hosted->list[i], true);
    for (size_t i = 0; result == TOOL_OK && i < joined->count; i++)
        result = network_add(net, joined->list[i], false);
    while (result == TOOL_OK && net->end == NETWORK_ON)
        network_step(net, BELL_NEVER, 0);
    return result == TOOL_OK ? network_outcome(net, NULL) : result;
}

int cmd_broker(int argc, char **argv) {
    network_options options = {.keep = true};
    tool_texts rest = {0}, joined = {0};
    const tool_option table[] = {
        NETWORK_OPTIONS(&options),
        {"--connect", "-c", TOOL_TEXTS, &joined},
    };
    const network_arguments wanted = {"broker", help, table, sizeof table / sizeof table[0],
                                      NULL,     0,    0};
    int result;
    if (network_read(&wanted, &options, argc, argv, &rest, &result)) {
        network net = {.command = "broker", .options = &options, .told = told};
        if (rest.count + joined.count > 0)
            result = run(&net, &rest, &joined);
        else
            result = tool_usage("broker", "an ADDRESS or --connect is missing");
        network_close(&net);
    }
    free(rest.list);
    free(joined.list);
    return result;
}
