/* SPDX-License-Identifier: BSD-2-Clause */
/* The manual's simple client and server, the client: it has two numbers added, waits for the
 * answer, and prints what the server publishes about it. It uses no events.
 *
 *     simple_server            simple_client
 *     rep "calc"   <---------> req "calc"
 *     pub "log"    ----------> sub "log"
 *
 *     cc -o simple_client simple_client.c -lyoton
 *     ./simple_client localhost:calc 3 4 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yoton/yoton.h>

static int fail(void) {
    fprintf(stderr, "simple_client: %s\n", yoton_error_text());
    return 1;
}

/* What was typed as a number goes out as one, anything else as text, which the server refuses. */
static int append_typed(yoton_value *args, const char *typed) {
    char *end;
    yoton_value value = {.type = YOTON_INT};
    value.as.integer = strtoll(typed, &end, 10);
    if (end == typed || *end != '\0') {
        int error = yoton_value_string(&value, typed, strlen(typed));
        if (error != YOTON_OK)
            return error;
    }
    return yoton_value_append(args, &value);
}

static int add(yoton_channel *req, const char *a, const char *b) {
    yoton_value args = {.type = YOTON_LIST};
    const yoton_value *sum;
    yoton_future *future = NULL;
    int error = append_typed(&args, a);
    if (error == YOTON_OK)
        error = append_typed(&args, b);
    if (error == YOTON_OK)
        error = yoton_call(req, "add", &args, NULL, &future);
    if (error == YOTON_OK)
        error = yoton_future_result(future, 20.0, &sum);
    if (error == YOTON_OK && sum->type == YOTON_INT)
        printf("%s + %s = %" PRId64 "\n", a, b, sum->as.integer);
    yoton_future_unref(future);
    yoton_value_clear(&args);
    return error;
}

int main(int argc, char **argv) {
    yoton_context *context;
    yoton_channel *sub, *req;
    yoton_connection *connection;
    yoton_message message;
    if (argc != 4) {
        fprintf(stderr, "usage: simple_client ADDRESS NUMBER NUMBER\n");
        return 2;
    }
    if (yoton_context_new(NULL, &context) != YOTON_OK ||
        yoton_channel_open(context, YOTON_SUB, "log", strlen("log"), YOTON_TXT, &sub) != YOTON_OK ||
        yoton_channel_open(context, YOTON_REQ, "calc", strlen("calc"), YOTON_OBJ, &req) !=
            YOTON_OK ||
        yoton_context_connect(context, argv[1], 10.0, NULL, &connection) != YOTON_OK ||
        add(req, argv[2], argv[3]) != YOTON_OK || yoton_recv(sub, 20.0, &message) != YOTON_OK)
        return fail();
    printf("log: %.*s\n", (int)message.size, (const char *)message.data);
    yoton_message_clear(&message);
    yoton_connection_unref(connection);
    yoton_channel_free(sub);
    yoton_channel_free(req);
    yoton_context_free(context);
    return 0;
}
