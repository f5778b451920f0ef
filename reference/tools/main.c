/* SPDX-License-Identifier: BSD-2-Clause */
/* The `yoton` command: a table of sub-commands. */
#include <string.h>

#include "tools.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    {"agent", cmd_agent, "be driven by a conformance harness"},
    {"broker", cmd_broker, "connect others: host as many peers as come"},
    {"decode", cmd_decode, "print object bytes as Python literals"},
    {"dump", cmd_dump, "print what was said in a capture"},
    {"encode", cmd_encode, "write the payload of a message given as JSON"},
    {"hash", cmd_hash, "print the numbers of slot names and port names"},
    {"pub", cmd_pub, "publish messages"},
    {"rep", cmd_rep, "offer methods that run shell commands"},
    {"req", cmd_req, "call a method of a replier"},
    {"request", cmd_request, "ask a server and print its answer"},
    {"serve", cmd_serve, "answer requests, by a command if wanted"},
    {"state", cmd_state, "set, print or watch a state"},
    {"sub", cmd_sub, "print messages as they come"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *stream) {
    fputs("usage: yoton COMMAND [ARGUMENT...]\n\n", stream);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(stream, "  %-8s %s\n", commands[i].name, commands[i].what);
    fputs("\nyoton COMMAND --help tells more.\n", stream);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return TOOL_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0) {
        print_help(stdout);
        return tool_finish("--help");
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "yoton: unknown command \"%s\" (see yoton --help)\n", argv[1]);
    return TOOL_USAGE;
}
