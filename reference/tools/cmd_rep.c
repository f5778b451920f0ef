/* SPDX-License-Identifier: BSD-2-Clause */
/* `yoton rep`: offer methods that run shell commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_value.h"
#include "literal_read.h"
#include "rep_exec.h"
#include "tool_bell.h"
#include "tool_network.h"
#include "tool_value.h"
#include "tools.h"
#include "yoton/reqrep.h"

static const char help[] =
    "usage: yoton rep [OPTION...] ADDRESS CHANNEL\n"
    "\n"
    "Offers methods, one at a time being called, until it is interrupted or the other end closes\n"
    "(with --bind: until it is interrupted, for as many peers as come). The method echo is always\n"
    "there.\n"
    "  -e, --exec NAME=COMMAND  offer a method that runs a shell command. It gets the arguments as "
    "$1,\n"
    "                   $2 and so on, strings as they are and other values as Python literals;\n"
    "                   named ones as the variables YOTON_ARG_name. What it prints, without the "
    "last\n"
    "                   line feed, is the reply; when it exits with another code than 0, what it\n"
    "                   prints on standard error is the message of the failure. May be given "
    "often\n"
    "  --literal        replies are Python literals, not text\n"
    "  --json           print {\"method\":…,\"args\":…,\"kwargs\":…} and \"value\" or \"error\" "
    "for "
    "each call\n"
    "                   of such a method\n" NETWORK_HELP_ONE
    "Quote arguments in commands, as in \"$1\": others choose what is in them.\n"
    "\n"
    "example:\n"
    "  $ yoton rep --bind --literal localhost:math calc --exec add='expr \"$1\" + \"$2\"' &\n"
    "  $ yoton req localhost:math calc add 3 4\n"
    "  7\n";

typedef struct method {
    char *name;
    const char *command;
    const network *net;
    bool literal;
} method;

typedef struct rep {
    network net;
    network_options options;
    tool_texts execs;
    bool literal;
    method *methods;
} rep;

/* ---- In the thread of the channel ---- */

static int failed(yoton_value *result, const char *format, const char *detail) {
    char message[256];
    snprintf(message, sizeof message, format, detail);
    if (yoton_value_string(result, message, strlen(message)) != YOTON_OK)
        return YOTON_E_NOMEM;
    return YOTON_E_REMOTE;
}

static int failed_command(const exec_output *output, yoton_value *result) {
    char status[16];
    if (output->err.size > 0 &&
        yoton_value_string(result, output->err.bytes, output->err.size) == YOTON_OK)
        return YOTON_E_REMOTE;
    snprintf(status, sizeof status, "%d", output->status);
    return failed(result, "the command ended with exit code %s", status);
}

static int read_reply(const method *m, const exec_text *text, yoton_value *result) {
    literal_problem problem;
    const char *bytes = text->bytes != NULL ? text->bytes : "";
    if (m->literal && literal_read(bytes, text->size, result, &problem) != YOTON_OK)
        return failed(result, "the command printed no Python literal: %s", problem.why);
    if (!m->literal && yoton_value_string(result, bytes, text->size) != YOTON_OK)
        return failed(result, "the command printed %s", "no UTF-8");
    return YOTON_OK;
}

static int run_method(const method *m, const yoton_value *args, const yoton_value *kwargs,
                      yoton_value *result) {
    exec_output output;
    int error;
    const char *why = exec_run(m->command, m->name, args, kwargs, &output);
    if (why != NULL)
        error = failed(result, "%s", why);
    else if (output.status != 0)
        error = failed_command(&output, result);
    else
        error = read_reply(m, &output.out, result);
    if (why == NULL && output.status == 0 && output.err.size > 0)
        fprintf(stderr, "%s\n", output.err.bytes);
    exec_output_free(&output);
    return error;
}

/* The end of who reads it is noticed by the main thread. */
static void print_call(const method *m, const yoton_value *args, const yoton_value *kwargs,
                       const yoton_value *result, int error) {
    json_t *json = json_pack("{s:s, s:o, s:o, s:o}", "method", m->name, "args",
                             json_from_value(args), "kwargs", json_from_value(kwargs),
                             error == YOTON_OK ? "value" : "error", json_from_value(result));
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    if (text != NULL) {
        puts(text);
        fflush(stdout);
    }
    free(text);
    json_decref(json);
}

static int on_call(yoton_channel *channel, const yoton_value *args, const yoton_value *kwargs,
                   yoton_value *result, void *user) {
    const method *m = user;
    (void)channel;
    int error = run_method(m, args, kwargs, result);
    if (m->net->options->json)
        print_call(m, args, kwargs, result, error);
    else if (m->net->options->verbose)
        network_note(m->net, "%s was called%s", m->name, error == YOTON_OK ? "" : " and failed");
    return error;
}

/* ---- In the main thread ---- */

static int read_exec(rep *r, const char *text, method *m) {
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text || equals[1] == '\0')
        return tool_usage("rep", "--exec wants NAME=COMMAND, not \"%s\"", text);
    *m = (method){.command = equals + 1, .net = &r->net, .literal = r->literal};
    m->name = strndup(text, (size_t)(equals - text));
    return m->name != NULL ? TOOL_OK : tool_fail("rep", "%s", yoton_strerror(YOTON_E_NOMEM));
}

static int read_execs(rep *r) {
    int result = TOOL_OK;
    r->methods = calloc(r->execs.count + 1, sizeof *r->methods);
    if (r->methods == NULL)
        return tool_fail("rep", "%s", yoton_strerror(YOTON_E_NOMEM));
    for (size_t i = 0; result == TOOL_OK && i < r->execs.count; i++)
        result = read_exec(r, r->execs.list[i], &r->methods[i]);
    return result;
}

static int offer(rep *r) {
    int error = YOTON_OK;
    for (size_t i = 0; error == YOTON_OK && i < r->execs.count; i++)
        error = yoton_rep_set_method(r->net.channel, r->methods[i].name, on_call, &r->methods[i]);
    if (error == YOTON_OK)
        error = yoton_rep_set_mode(r->net.channel, YOTON_REP_THREAD);
    return error == YOTON_OK ? TOOL_OK : tool_fail("rep", "%s", yoton_error_text());
}

static int run(rep *r, const tool_texts *rest) {
    r->options.keep |= r->options.bind;
    r->net.watches_output = r->options.json;
    int result = read_execs(r);
    if (result == TOOL_OK)
        result = network_start(&r->net, rest->list[0], YOTON_REP, rest->list[1], YOTON_OBJ);
    if (result == TOOL_OK)
        result = offer(r);
    while (result == TOOL_OK && r->net.end == NETWORK_ON)
        network_step(&r->net, BELL_NEVER, 0);
    exec_stop();
    return result == TOOL_OK ? network_outcome(&r->net, NULL) : result;
}

static void free_methods(rep *r) {
    for (size_t i = 0; r->methods != NULL && i < r->execs.count; i++)
        free(r->methods[i].name);
    free(r->methods);
    free(r->execs.list);
}

int cmd_rep(int argc, char **argv) {
    rep r = {.net = {.command = "rep", .options = &r.options}};
    const tool_option table[] = {
        NETWORK_OPTIONS_ONE(&r.options),
        {"--exec", "-e", TOOL_TEXTS, &r.execs},
        {"--literal", NULL, TOOL_FLAG, &r.literal},
    };
    static const char *const names[] = {"ADDRESS", "CHANNEL"};
    const network_arguments wanted = {"rep", help, table, sizeof table / sizeof table[0],
                                      names, 2,    2};
    tool_texts rest = {0};
    int result;
    if (network_read(&wanted, &r.options, argc, argv, &rest, &result)) {
        result = run(&r, &rest);
        network_close(&r.net);
    }
    free_methods(&r);
    free(rest.list);
    return result;
}
