/* SPDX-License-Identifier: BSD-2-Clause */
/* A simple socket: a context with one pub and one sub channel of text at the slot `text`, that
 * sends whole messages between two programs (or more).
 *
 * What context.h says of threads, times and errors holds here too. */
#ifndef YOTON_SOCKET_H
#define YOTON_SOCKET_H

#include <stddef.h>

#include "yoton/channels.h"
#include "yoton/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yoton_socket yoton_socket;

/* Purpose: make a socket; options as for yoton_context_new. The caller frees it with
 * yoton_socket_free, which closes it in the nice way. Returns what yoton_context_new and
 * yoton_channel_open return. */
int yoton_socket_new(const yoton_options *options, yoton_socket **socket);
void yoton_socket_free(yoton_socket *socket); /* NULL is fine */

/* Purpose: the context of the socket, for all that is not here; it belongs to the socket. */
yoton_context *yoton_socket_context(yoton_socket *socket);

/* Purpose: host, or connect, as yoton_context_bind (one try) and yoton_context_connect. */
int yoton_socket_bind(yoton_socket *socket, const char *address);
int yoton_socket_connect(yoton_socket *socket, const char *address, double timeout);

/* Purpose: send a text, as yoton_send_text; receive one, as yoton_recv: free the message with
 * yoton_message_clear. */
int yoton_socket_send(yoton_socket *socket, const char *text, size_t size);
int yoton_socket_recv(yoton_socket *socket, double timeout, yoton_message *message);

#ifdef __cplusplus
}
#endif
#endif
