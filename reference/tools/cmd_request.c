/* SPDX-License-Identifier: BSD-2-Clause */
/* `yoton request`: ask a server. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools.h"
#include "yoton/clientserver.h"

static const char help[] =
    "usage: yoton request [--timeout S] [--] ADDRESS [TEXT]\n"
    "\n"
    "Asks the server at ADDRESS (host:port) and prints its answer and a line end. Without TEXT "
    "the\n"
    "request is read from standard input; a line end at its end is left out. Exits with 1 when no\n"
    "answer came.\n"
    "  --timeout S    wait for S seconds, connecting included; without it there is no limit\n"
    "  --             what follows is no option\n"
    "\n"
    "example: yoton request --timeout 5 localhost:test hi\n";

typedef struct options {
    bool help;
    double timeout;
    const char *address;
    const char *text;
} options;

static int read_timeout(options *o, const char *text) {
    char *end;
    if (text == NULL)
        return tool_usage("request", "--timeout wants a number of seconds");
    o->timeout = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(o->timeout) || o->timeout <= 0)
        return tool_usage("request", "--timeout wants a number of seconds above 0, not \"%s\"",
                          text);
    return TOOL_OK;
}

static int read_plain(options *o, const char *text) {
    if (o->address == NULL)
        o->address = text;
    else if (o->text == NULL)
        o->text = text;
    else
        return tool_usage("request", "more than one text; quote it for the shell");
    return TOOL_OK;
}

static int read_options(options *o, int argc, char **argv) {
    bool plain = false;
    int result = TOOL_OK;
    for (int i = 1; i < argc && result == TOOL_OK; i++) {
        if (plain || strncmp(argv[i], "--", 2) != 0)
            result = read_plain(o, argv[i]);
        else if (strcmp(argv[i], "--") == 0)
            plain = true;
        else if (strcmp(argv[i], "--help") == 0)
            o->help = true;
        else if (strcmp(argv[i], "--timeout") == 0)
            result = read_timeout(o, i + 1 < argc ? argv[++i] : NULL);
        else
            result = tool_usage("request", "unknown option %s", argv[i]);
    }
    return result;
}

static int ask(const options *o, const char *text, size_t size) {
    char *answer;
    if (yoton_do_request(o->address, text, size, o->timeout, 0, &answer, &size) != YOTON_OK)
        return tool_fail("request", "%s", yoton_error_text());
    fwrite(answer, 1, size, stdout);
    putchar('\n');
    free(answer);
    return tool_finish("request");
}

static int ask_from_input(const options *o) {
    char *text;
    size_t size;
    if (tool_read(stdin, &text, &size) != 0)
        return tool_fail("request", "cannot read standard input: %s", strerror(errno));
    if (size > 0 && text[size - 1] == '\n' && (size == 1 || text[size - 2] != '\r'))
        size--;
    int result = ask(o, text, size);
    free(text);
    return result;
}

int cmd_request(int argc, char **argv) {
    options o = {0};
    int result = read_options(&o, argc, argv);
    if (result != TOOL_OK)
        return result;
    if (o.help) {
        fputs(help, stdout);
        return tool_finish("request");
    }
    if (o.address == NULL)
        return tool_usage("request", "whom to ask is missing: an address, as host:port");
    return o.text != NULL ? ask(&o, o.text, strlen(o.text)) : ask_from_input(&o);
}
