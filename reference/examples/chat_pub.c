/* SPDX-License-Identifier: BSD-2-Clause */
/* The manual's first example, one end: host a connection and publish what is typed, line by line.
 *
 *     cc -o chat_pub chat_pub.c -lyoton
 *     ./chat_pub localhost:chat
 *
 * Lines typed before anybody has connected wait, and go to the first who does. */
#include <stdio.h>
#include <string.h>

#include <yoton/yoton.h>

static int fail(void) {
    fprintf(stderr, "chat_pub: %s\n", yoton_error_text());
    return 1;
}

int main(int argc, char **argv) {
    const char *address = argc > 1 ? argv[1] : "localhost:chat";
    char line[4096];
    yoton_context *context;
    yoton_channel *pub;
    yoton_connection *connection;
    if (yoton_context_new(NULL, &context) != YOTON_OK ||
        yoton_channel_open(context, YOTON_PUB, "chat", strlen("chat"), YOTON_TXT, &pub) !=
            YOTON_OK ||
        yoton_context_bind(context, address, 1, NULL, &connection) != YOTON_OK)
        return fail();
    while (fgets(line, sizeof line, stdin) != NULL)
        if (yoton_send_text(pub, line, strcspn(line, "\n")) != YOTON_OK)
            return fail();
    yoton_connection_unref(connection);
    yoton_channel_free(pub);
    yoton_context_free(context); /* closes in the nice way: what was sent arrives */
    return 0;
}
