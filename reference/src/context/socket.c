/* SPDX-License-Identifier: BSD-2-Clause */
#include "yoton/socket.h"

#include <stdlib.h>

#include "context/internal.h"

struct yoton_socket {
    yoton_context *context;
    yoton_channel *pub;
    yoton_channel *sub;
};

static int open_parts(yoton_socket *socket, const yoton_options *options) {
    int error = yoton_context_new(options, &socket->context);
    if (error == YOTON_OK)
        error = yoton_channel_open(socket->context, YOTON_PUB, "text", 4, YOTON_TXT, &socket->pub);
    if (error == YOTON_OK)
        error = yoton_channel_open(socket->context, YOTON_SUB, "text", 4, YOTON_TXT, &socket->sub);
    return error;
}

int yoton_socket_new(const yoton_options *options, yoton_socket **made) {
    *made = NULL;
    yoton_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        return report_plain(YOTON_E_NOMEM, "make a socket");
    int error = open_parts(socket, options);
    if (error != YOTON_OK)
        yoton_socket_free(socket);
    else
        *made = socket;
    return error;
}

void yoton_socket_free(yoton_socket *socket) {
    if (socket == NULL)
        return;
    yoton_context_free(socket->context);
    yoton_channel_free(socket->pub);
    yoton_channel_free(socket->sub);
    free(socket);
}

yoton_context *yoton_socket_context(yoton_socket *socket) { return socket->context; }

int yoton_socket_bind(yoton_socket *socket, const char *address) {
    yoton_connection *connection;
    int error = yoton_context_bind(socket->context, address, 1, NULL, &connection);
    yoton_connection_unref(connection);
    return error;
}

int yoton_socket_connect(yoton_socket *socket, const char *address, double timeout) {
    yoton_connection *connection;
    int error = yoton_context_connect(socket->context, address, timeout, NULL, &connection);
    yoton_connection_unref(connection);
    return error;
}

int yoton_socket_send(yoton_socket *socket, const char *text, size_t size) {
    return yoton_send_text(socket->pub, text, size);
}

int yoton_socket_recv(yoton_socket *socket, double timeout, yoton_message *message) {
    return yoton_recv(socket->sub, timeout, message);
}
