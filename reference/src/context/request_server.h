/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a request server: request_server.c (threads and accepting) and exchange.c (one
 * connection). */
#ifndef YOTON_CONTEXT_REQUEST_SERVER_H
#define YOTON_CONTEXT_REQUEST_SERVER_H

#include "context/exchange.h"

/* A connection that a thread of its own serves. */
typedef struct served {
    struct served *next;
    yoton_request_server *server;
    uv_thread_t thread;
    int fd;
    bool done; /* [lock] it only has to be joined */
} served;

struct yoton_request_server {
    yoton_server_options options; /* without zeros, where zero means a default */
    uint16_t port;
    int listener; /* of the thread that accepts once that runs */
    int wake[2];  /* a pipe that has it look around */
    served *served;
    size_t served_count;
    bool started; /* `thread` is to be joined */
    uv_thread_t thread;

    uv_mutex_t lock; /* of what follows */
    uv_cond_t left;  /* it runs no more */
    bool running;
    bool stopped;
};

/* Purpose: hear the request, have it answered, close the socket, which is taken over. */
void exchange_serve(yoton_request_server *server, int fd);
void exchange_log(const yoton_request_server *server, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
