/* SPDX-License-Identifier: BSD-2-Clause */
/* The manual's abstract example: four contexts in one network. None is a client or a server by
 * itself, the channels make it one; the hub has none and only connects the others.
 *
 *     streamer               server
 *     pub "stream"           rep "data"
 *            \               /
 *             +---- hub ----+
 *            /    nothing
 *     client
 *     sub "stream", req "data"
 *
 *     cc -o network network.c -lyoton
 *     ./network
 *
 * The four live in one program here, but talk over TCP as four programs do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yoton/yoton.h>

static void must(int error) {
    if (error == YOTON_OK)
        return;
    fprintf(stderr, "network: %s\n", yoton_error_text());
    exit(1);
}

static yoton_channel *open_channel(yoton_context *context, yoton_channel_kind kind,
                                   const char *name) {
    yoton_channel *channel;
    must(yoton_channel_open(context, kind, name, strlen(name), YOTON_TXT, &channel));
    return channel;
}

static yoton_context *new_context(void) {
    yoton_context *context;
    must(yoton_context_new(NULL, &context));
    return context;
}

/* The host takes any free port; the guest connects to it. */
static void join(yoton_context *host, yoton_context *guest) {
    yoton_connection *bound, *connected;
    yoton_connection_info info;
    char address[32];
    must(yoton_context_bind(host, "localhost:0", 1, NULL, &bound));
    yoton_connection_get_info(bound, &info);
    snprintf(address, sizeof address, "localhost:%u", (unsigned)info.port1);
    must(yoton_context_connect(guest, address, 10.0, NULL, &connected));
    yoton_connection_unref(bound);
    yoton_connection_unref(connected);
}

/* What the server offers on "data". */
static int capital(yoton_channel *rep, const yoton_value *args, const yoton_value *kwargs,
                   yoton_value *result, void *user) {
    static const char *const known[][2] = {
        {"France", "Paris"}, {"Peru", "Lima"}, {"Kenya", "Nairobi"}};
    (void)rep, (void)kwargs, (void)user;
    if (args->as.list.count != 1 || args->as.list.items[0].type != YOTON_STRING)
        return YOTON_E_ARGUMENT;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(args->as.list.items[0].as.string.bytes, known[i][0]) == 0)
            return yoton_value_string(result, known[i][1], strlen(known[i][1]));
    return YOTON_OK; /* the result is still None */
}

static void ask(yoton_channel *req, const char *country) {
    yoton_value name, args = {.type = YOTON_LIST};
    const yoton_value *answer;
    yoton_future *future;
    char *text;
    must(yoton_value_string(&name, country, strlen(country)));
    must(yoton_value_append(&args, &name));
    must(yoton_call(req, "capital", &args, NULL, &future));
    must(yoton_future_result(future, 20.0, &answer));
    must(yoton_object_literal(answer, &text, NULL));
    printf("data: capital of %s: %s\n", country, text);
    free(text);
    yoton_future_unref(future);
    yoton_value_clear(&args);
}

int main(void) {
    yoton_context *streamer = new_context(), *server = new_context();
    yoton_context *client = new_context(), *hub = new_context();
    yoton_channel *pub = open_channel(streamer, YOTON_PUB, "stream");
    yoton_channel *rep = open_channel(server, YOTON_REP, "data");
    yoton_channel *sub = open_channel(client, YOTON_SUB, "stream");
    yoton_channel *req = open_channel(client, YOTON_REQ, "data");
    must(yoton_rep_set_method(rep, "capital", capital, NULL));
    must(yoton_rep_set_mode(rep, YOTON_REP_THREAD));
    join(hub, client);
    join(hub, server);
    join(hub, streamer);

    for (int i = 1; i <= 3; i++) {
        char text[32];
        int size = snprintf(text, sizeof text, "message %d", i);
        must(yoton_send_text(pub, text, (size_t)size));
    }
    for (int i = 1; i <= 3; i++) {
        yoton_message message;
        must(yoton_recv(sub, 20.0, &message));
        printf("stream: %.*s\n", (int)message.size, (const char *)message.data);
        yoton_message_clear(&message);
    }
    ask(req, "Peru");
    ask(req, "Kenya");
    ask(req, "Atlantis");

    yoton_context *const contexts[] = {client, server, streamer, hub};
    for (size_t i = 0; i < 4; i++)
        yoton_context_free(contexts[i]); /* closes connections and channels */
    yoton_channel *const channels[] = {pub, rep, sub, req};
    for (size_t i = 0; i < 4; i++)
        yoton_channel_free(channels[i]);
    return 0;
}
