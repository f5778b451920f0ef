/* SPDX-License-Identifier: BSD-2-Clause */
/* The server: one thread accepts; it answers itself, or has each connection answered by a thread.
 */
#define _GNU_SOURCE /* accept4, pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context/request_server.h"

#define PAUSE_SECONDS 0.1 /* before accepting again when the system is out of something */

/* ---- Threads ---- */

/* The threads of a library take no signals: those are the program's own business. */
static bool start_quiet(uv_thread_t *thread, uv_thread_cb run, void *argument) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = uv_thread_create(thread, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error == 0;
}

static void wake(const yoton_request_server *server) {
    ssize_t written;
    do { /* a full pipe wakes as well */
        written = write(server->wake[1], "", 1);
    } while (written < 0 && errno == EINTR);
}

static bool is_stopped(yoton_request_server *server) {
    uv_mutex_lock(&server->lock);
    bool stopped = server->stopped;
    uv_mutex_unlock(&server->lock);
    return stopped;
}

static void run_connection(void *argument) {
    served *served = argument;
    yoton_request_server *server = served->server;
    exchange_serve(server, served->fd);
    uv_mutex_lock(&server->lock);
    served->done = true;
    uv_mutex_unlock(&server->lock);
    wake(server);
}

/* Join the threads that have ended, or all. The list belongs to the thread that accepts. */
static void join_served(yoton_request_server *server, bool all) {
    served **place = &server->served;
    while (*place != NULL) {
        served *served = *place;
        uv_mutex_lock(&server->lock);
        bool done = served->done;
        uv_mutex_unlock(&server->lock);
        if (!done && !all) {
            place = &served->next;
            continue;
        }
        uv_thread_join(&served->thread);
        *place = served->next;
        server->served_count--;
        free(served);
    }
}

static bool serve_in_thread(yoton_request_server *server, int fd) {
    served *made = malloc(sizeof *made);
    if (made == NULL)
        return false;
    *made = (served){.server = server, .fd = fd, .next = server->served};
    if (!start_quiet(&made->thread, run_connection, made)) {
        free(made);
        return false;
    }
    server->served = made;
    server->served_count++;
    return true;
}

/* ---- Accepting ---- */

static void take_connection(yoton_request_server *server, int fd,
                            const struct sockaddr_storage *from) {
    char host[YOTON_ENDPOINT_ROOM];
    if (server->options.verbosity > 0) {
        endpoint_text(from, host);
        exchange_log(server, "a request from %s, port %u", host, endpoint_port(from));
    }
    /* Where no thread can be had the request is answered all the same. */
    if (!server->options.threads || !serve_in_thread(server, fd))
        exchange_serve(server, fd);
}

/* Returns false when the system is out of something. */
static bool accept_one(yoton_request_server *server) {
    struct sockaddr_storage from = {0};
    socklen_t size = sizeof from;
    int fd =
        accept4(server->listener, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        take_connection(server, fd, &from);
    return fd >= 0 || errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
}

static void forget_waking(const yoton_request_server *server) {
    char bytes[64];
    while (read(server->wake[0], bytes, sizeof bytes) == (ssize_t)sizeof bytes)
        ;
}

/* Wait until somebody may be accepted. Returns false when something else is to be looked at. */
static bool wait_for_one(const yoton_request_server *server, bool paused) {
    bool room = !server->options.threads || server->served_count < server->options.max_threads;
    struct pollfd watched[] = {{.fd = server->wake[0], .events = POLLIN},
                               {.fd = server->listener, .events = POLLIN}};
    int count = poll(watched, room && !paused ? 2 : 1, paused ? (int)(PAUSE_SECONDS * 1000) : -1);
    if (count > 0 && watched[0].revents != 0)
        forget_waking(server);
    return count > 0 && watched[0].revents == 0;
}

static void serve(yoton_request_server *server) {
    bool paused = false;
    while (!is_stopped(server)) {
        bool ready = wait_for_one(server, paused);
        paused = ready && !accept_one(server);
        join_served(server, false);
    }
    close(server->listener);
    join_served(server, true);
    uv_mutex_lock(&server->lock);
    server->running = false;
    uv_cond_broadcast(&server->left);
    uv_mutex_unlock(&server->lock);
}

static void run_server(void *argument) { serve(argument); }

/* ---- The interface ---- */

static int begin(yoton_request_server *server, const char *what) {
    uv_mutex_lock(&server->lock);
    bool running = server->running, stopped = server->stopped;
    server->running = running || !stopped;
    uv_mutex_unlock(&server->lock);
    if (running)
        return report_error(YOTON_E_STATE, "cannot %s the server: it runs already", what);
    if (stopped)
        return report_error(YOTON_E_STATE, "cannot %s the server: it was stopped; make a new one",
                            what);
    return YOTON_OK;
}

int yoton_request_server_run(yoton_request_server *server) {
    int error = begin(server, "run");
    if (error == YOTON_OK)
        serve(server);
    return error;
}

int yoton_request_server_start(yoton_request_server *server) {
    int error = begin(server, "start");
    if (error != YOTON_OK)
        return error;
    if (start_quiet(&server->thread, run_server, server)) {
        server->started = true;
        return YOTON_OK;
    }
    uv_mutex_lock(&server->lock);
    server->running = false;
    if (server->stopped)
        close(server->listener);
    uv_mutex_unlock(&server->lock);
    return report_error(YOTON_E_SYSTEM, "cannot start the server: the system gives no thread");
}

void yoton_request_server_stop(yoton_request_server *server) {
    uv_mutex_lock(&server->lock);
    if (!server->stopped && !server->running)
        close(server->listener);
    server->stopped = true;
    uv_mutex_unlock(&server->lock);
    wake(server);
}

void yoton_request_server_free(yoton_request_server *server) {
    if (server == NULL)
        return;
    yoton_request_server_stop(server);
    uv_mutex_lock(&server->lock);
    while (server->running)
        uv_cond_wait(&server->left, &server->lock);
    uv_mutex_unlock(&server->lock);
    if (server->started)
        uv_thread_join(&server->thread);
    close(server->wake[0]);
    close(server->wake[1]);
    uv_cond_destroy(&server->left);
    uv_mutex_destroy(&server->lock);
    free(server);
}

uint16_t yoton_request_server_port(const yoton_request_server *server) { return server->port; }

/* ---- Making one ---- */

static int take_options(yoton_server_options *to, const yoton_server_options *from,
                        const char *address) {
    if (from != NULL)
        *to = *from;
    if (!(to->patience >= 0) || !(to->answer_patience >= 0))
        return report_error(YOTON_E_ARGUMENT,
                            "cannot serve at %s: a time to wait is negative or no number", address);
    if (to->handle == NULL)
        to->handle = yoton_handle_request;
    if (to->max_threads == 0)
        to->max_threads = 64;
    if (to->max_text == 0)
        to->max_text = YOTON_TEXT_MAX_DEFAULT; /* LIMIT-7 */
    if (to->patience == 0)
        to->patience = 1.0; /* CS-2 */
    if (to->answer_patience == 0)
        to->answer_patience = 5.0;
    return YOTON_OK;
}

static bool make_inside(yoton_request_server *server) {
    if (pipe2(server->wake, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    if (uv_mutex_init(&server->lock) == 0) {
        if (uv_cond_init(&server->left) == 0)
            return true;
        uv_mutex_destroy(&server->lock);
    }
    close(server->wake[0]);
    close(server->wake[1]);
    return false;
}

static int listen_at(yoton_request_server *server, const char *address) {
    endpoints at;
    struct sockaddr_storage got = {0};
    socklen_t size = sizeof got;
    int error = resolve("serve at", address, &at);
    if (error != YOTON_OK)
        return error;
    server->listener = host_listen(address, &at, 1, &error);
    if (server->listener < 0)
        return error;
    listen(server->listener,
           SOMAXCONN); /* requests come in bursts: none of them has to come again */
    getsockname(server->listener, (struct sockaddr *)&got, &size);
    server->port = endpoint_port(&got);
    return YOTON_OK;
}

int yoton_request_server_new(const char *address, const yoton_server_options *options,
                             yoton_request_server **server) {
    *server = NULL;
    yoton_request_server *made = calloc(1, sizeof *made);
    if (made == NULL)
        return report_plain(YOTON_E_NOMEM, "make a server");
    int error = take_options(&made->options, options, address);
    if (error == YOTON_OK)
        error = listen_at(made, address);
    if (error == YOTON_OK && !make_inside(made)) {
        error = report_error(YOTON_E_SYSTEM, "cannot serve at %s: %s", address, strerror(errno));
        close(made->listener);
    }
    if (error != YOTON_OK) {
        free(made);
        return error;
    }
    *server = made;
    return YOTON_OK;
}
