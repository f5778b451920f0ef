/* SPDX-License-Identifier: BSD-2-Clause */
/* The manual's simple client and server, the server: it answers requests and publishes what it was
 * asked, until the client leaves. It is driven by events.
 *
 *     simple_server            simple_client
 *     rep "calc"   <---------> req "calc"
 *     pub "log"    ----------> sub "log"
 *
 *     cc -o simple_server simple_server.c -lyoton
 *     ./simple_server localhost:calc
 *
 * Port 0 is any free one; it says where it serves. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <yoton/yoton.h>

static int fail(void) {
    fprintf(stderr, "simple_server: %s\n", yoton_error_text());
    return 1;
}

/* add(a, b), for integers; `user` is the channel where it tells what it did. */
static int add(yoton_channel *rep, const yoton_value *args, const yoton_value *kwargs,
               yoton_value *result, void *user) {
    char text[80];
    const yoton_value *items = args->as.list.items;
    (void)rep, (void)kwargs;
    if (args->as.list.count != 2 || items[0].type != YOTON_INT || items[1].type != YOTON_INT) {
        yoton_value_string(result, "add takes two integers", strlen("add takes two integers"));
        return YOTON_E_ARGUMENT; /* the requester gets that text as the failure */
    }
    int64_t a = items[0].as.integer, b = items[1].as.integer;
    result->type = YOTON_INT;
    result->as.integer = (int64_t)((uint64_t)a + (uint64_t)b);
    int size = snprintf(text, sizeof text, "added %" PRId64 " and %" PRId64, a, b);
    return yoton_send_text(user, text, (size_t)size);
}

static void on_closed(yoton_connection *connection, const char *reason, void *user) {
    (void)connection;
    printf("the client left: %s\n", reason);
    yoton_stop_event_loop(user);
}

int main(int argc, char **argv) {
    yoton_options options = {0};
    yoton_context *context;
    yoton_channel *pub, *rep;
    yoton_connection *connection;
    yoton_connection_info info;
    if (yoton_events_new(&options.events) != YOTON_OK ||
        yoton_context_new(&options, &context) != YOTON_OK ||
        yoton_channel_open(context, YOTON_PUB, "log", strlen("log"), YOTON_TXT, &pub) != YOTON_OK ||
        yoton_channel_open(context, YOTON_REP, "calc", strlen("calc"), YOTON_OBJ, &rep) !=
            YOTON_OK ||
        yoton_rep_set_method(rep, "add", add, pub) != YOTON_OK ||
        yoton_rep_set_mode(rep, YOTON_REP_EVENT) != YOTON_OK ||
        yoton_context_bind(context, argc > 1 ? argv[1] : "localhost:calc", 1, NULL, &connection) !=
            YOTON_OK)
        return fail();
    yoton_connection_on_closed(connection, on_closed, options.events);
    yoton_connection_get_info(connection, &info);
    printf("serving at %s:%u\n", info.hostname1, (unsigned)info.port1);
    fflush(stdout);
    if (yoton_start_event_loop(options.events) != YOTON_OK)
        return fail();
    yoton_connection_unref(connection);
    yoton_channel_free(pub);
    yoton_channel_free(rep);
    yoton_context_free(context);
    yoton_events_free(options.events);
    return 0;
}
