/* SPDX-License-Identifier: BSD-2-Clause */
/* `yoton req`: call a method of a replier. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "literal_read.h"
#include "tool_bell.h"
#include "tool_network.h"
#include "tool_value.h"
#include "tools.h"
#include "yoton/reqrep.h"

static const char help[] =
    "usage: yoton req [OPTION...] ADDRESS CHANNEL METHOD [ARGUMENT...]\n"
    "\n"
    "Has METHOD called at the first free replier of the channel and prints its reply as a Python\n"
    "literal. An ARGUMENT is a Python literal (number, None, True, False, string in quotes, list,\n"
    "tuple, dict) when it reads as one, else it is text; NAME=ARGUMENT gives a named argument. "
    "Put\n"
    "-- in front of arguments that start with --. When the method fails its message goes to "
    "standard\n"
    "error, and the exit code is 1.\n"
    "  --json           print {\"value\":REPLY}\n" NETWORK_HELP_ONE
    "  The --timeout (default 10) is also the time for the reply.\n"
    "\n"
    "example:\n"
    "  $ yoton rep --bind localhost:math calc --exec 'greet=echo \"hello $1\"' &\n"
    "  $ yoton req localhost:math calc greet world\n"
    "  'hello world'\n";

/* ---- Arguments ---- */

static int read_argument(const char *text, size_t number, yoton_value *value) {
    literal_problem problem;
    size_t size = strlen(text);
    int error = literal_read(text, size, value, &problem);
    if (error == YOTON_E_ARGUMENT)
        error = yoton_value_string(value, text, size);
    else if (error != YOTON_OK)
        return tool_fail("req", "argument %zu, column %zu: %s", number, problem.at + 1,
                         problem.why);
    if (error != YOTON_OK)
        return tool_fail("req", "argument %zu: %s", number, yoton_strerror(error));
    return TOOL_OK;
}

/* The size of NAME in NAME=ARGUMENT; 0 when it is none. */
static size_t name_size(const char *text) {
    size_t size = 0;
    while (isalnum((unsigned char)text[size]) || text[size] == '_')
        size++;
    return text[size] == '=' && !isdigit((unsigned char)text[0]) ? size : 0;
}

static int add(yoton_value *container, yoton_value *item) {
    int error = yoton_value_append(container, item);
    yoton_value_clear(item);
    return error == YOTON_OK ? TOOL_OK : tool_fail("req", "%s", yoton_strerror(error));
}

static int add_argument(const char *text, size_t number, yoton_value *args, yoton_value *kwargs) {
    yoton_value value = {.type = YOTON_NONE}, key = {.type = YOTON_NONE};
    size_t named = name_size(text);
    int result = read_argument(named > 0 ? text + named + 1 : text, number, &value);
    if (result != TOOL_OK)
        return result;
    if (named == 0)
        return add(args, &value);
    if (yoton_value_string(&key, text, named) != YOTON_OK) {
        yoton_value_clear(&value);
        return tool_fail("req", "%s", yoton_strerror(YOTON_E_NOMEM));
    }
    result = add(kwargs, &key);
    if (result == TOOL_OK)
        return add(kwargs, &value);
    yoton_value_clear(&value);
    return result;
}

/* ---- The request ---- */

static void on_done(yoton_future *future, void *user) {
    (void)future;
    (void)user;
    bell_ring();
}

static int call(network *net, const tool_texts *rest, yoton_future **future) {
    yoton_value args = {.type = YOTON_TUPLE}, kwargs = {.type = YOTON_DICT};
    int result = TOOL_OK;
    for (size_t i = 3; result == TOOL_OK && i < rest->count; i++)
        result = add_argument(rest->list[i], i - 2, &args, &kwargs);
    if (result == TOOL_OK &&
        (yoton_call(net->channel, rest->list[2], &args, &kwargs, future) != YOTON_OK ||
         yoton_future_set_auto_cancel_timeout(*future, YOTON_FOREVER) != YOTON_OK ||
         yoton_future_add_done_callback(*future, on_done, NULL) != YOTON_OK))
        result = tool_fail("req", "%s", yoton_error_text());
    yoton_value_clear(&args);
    yoton_value_clear(&kwargs);
    return result;
}

/* The time is over, or the command has to end. */
static int give_up(network *net, const tool_texts *rest, yoton_future *future) {
    bool taken = !yoton_future_cancel(future);
    char unfinished[80];
    snprintf(unfinished, sizeof unfinished, "no reply came%s",
             taken ? ", though a replier has the request" : "");
    if (net->end != NETWORK_ON)
        return network_outcome(net, unfinished);
    if (taken)
        return tool_fail("req", "%s, within %g s; --timeout gives it longer", unfinished,
                         network_patience(net));
    return tool_fail("req",
                     "nobody took the request within %g s; does a replier offer \"%s\" there, and "
                     "is it free?",
                     network_patience(net), rest->list[1]);
}

static int take_result(network *net, const tool_texts *rest, yoton_future *future) {
    const yoton_value *value;
    const char *message = NULL;
    int error = yoton_future_result(future, 0, &value);
    if (error == YOTON_OK) {
        int result = tool_print_value(net, value);
        return result == TOOL_OK ? tool_flush(net) : result;
    }
    if (error == YOTON_E_REMOTE && yoton_future_exception(future, 0, &message) == YOTON_OK &&
        message != NULL)
        return tool_fail("req", "%s failed: %s", rest->list[2], message);
    return tool_fail("req", "%s", yoton_error_text());
}

static int await(network *net, const tool_texts *rest, yoton_future *future) {
    double until = bell_now() + network_patience(net);
    while (!yoton_future_done(future) && net->end == NETWORK_ON && bell_now() < until)
        network_step(net, until, 0);
    return yoton_future_done(future) ? take_result(net, rest, future) : give_up(net, rest, future);
}

static int run(network *net, const tool_texts *rest) {
    yoton_future *future = NULL;
    int result = network_start(net, rest->list[0], YOTON_REQ, rest->list[1], YOTON_OBJ);
    if (result == TOOL_OK && net->end != NETWORK_ON)
        return network_outcome(net, "nothing was asked");
    if (result == TOOL_OK)
        result = call(net, rest, &future);
    if (result == TOOL_OK)
        result = await(net, rest, future);
    yoton_future_unref(future);
    return result;
}

int cmd_req(int argc, char **argv) {
    network_options options = {0};
    const tool_option table[] = {NETWORK_OPTIONS_ONE(&options)};
    static const char *const names[] = {"ADDRESS", "CHANNEL", "METHOD"};
    const network_arguments wanted = {"req", help, table, sizeof table / sizeof table[0],
                                      names, 3,    0};
    tool_texts rest = {0};
    int result;
    if (network_read(&wanted, &options, argc, argv, &rest, &result)) {
        network net = {.command = "req", .options = &options};
        result = run(&net, &rest);
        network_close(&net);
    }
    free(rest.list);
    return result;
}
