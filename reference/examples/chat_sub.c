/* SPDX-License-Identifier: BSD-2-Clause */
/* The manual's first example, the other end: connect and print what is published, until the other
 * end closes.
 *
 *     cc -o chat_sub chat_sub.c -lyoton
 *     ./chat_sub localhost:chat */
#include <stdio.h>
#include <string.h>

#include <yoton/yoton.h>

static int fail(void) {
    fprintf(stderr, "chat_sub: %s\n", yoton_error_text());
    return 1;
}

/* With the connection gone nothing more will come; closing the channel ends the loop below. */
static void on_closed(yoton_connection *connection, const char *reason, void *user) {
    (void)connection;
    fprintf(stderr, "chat_sub: %s\n", reason);
    yoton_channel_close(user);
}

int main(int argc, char **argv) {
    const char *address = argc > 1 ? argv[1] : "localhost:chat";
    yoton_context *context;
    yoton_channel *sub;
    yoton_connection *connection;
    yoton_message message;
    if (yoton_context_new(NULL, &context) != YOTON_OK ||
        yoton_channel_open(context, YOTON_SUB, "chat", strlen("chat"), YOTON_TXT, &sub) !=
            YOTON_OK ||
        yoton_context_connect(context, address, 10.0, NULL, &connection) != YOTON_OK)
        return fail();
    yoton_connection_on_closed(connection, on_closed, sub);
    int error;
    while ((error = yoton_recv(sub, YOTON_FOREVER, &message)) != YOTON_E_CLOSED) {
        if (error != YOTON_OK) {
            fprintf(stderr, "chat_sub: %s\n", yoton_error_text()); /* not text; the next may be */
            continue;
        }
        printf("%.*s\n", (int)message.size, (const char *)message.data);
        fflush(stdout);
        yoton_message_clear(&message);
    }
    yoton_connection_unref(connection);
    yoton_context_free(context);
    yoton_channel_free(sub);
    return 0;
}
