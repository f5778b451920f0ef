/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* pipe2: what is opened meanwhile in other threads is not inherited */
#include "serve_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools.h"

extern char **environ;

/* One that runs, and what goes to and fro. */
typedef struct child {
    pid_t pid;
    int in, out; /* -1 once it is closed */
    const char *request;
    size_t request_size, written; /* a line end follows the request */
    char *answer;
    size_t size, room;
} child;

static void shut(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Lines of several threads must not mix. Returns YOTON_E_SYSTEM. */
static int complain(const char *why) {
    flockfile(stderr);
    tool_fail("serve", "no answer: %s", why);
    funlockfile(stderr);
    return YOTON_E_SYSTEM;
}

static int spawn(child *child, const serve_exec *how, int in, int out) {
    char *const words[] = {"sh", "-c", (char *)how->command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t usual;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE); /* ignored here, and that would be inherited */
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setsigmask(&attributes, &how->mask);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    int error = posix_spawn(&child->pid, "/bin/sh", &actions, &attributes, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

/* Returns 0 or what the system says. */
static int start(child *child, const serve_exec *how) {
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0)
        return errno;
    if (pipe2(out, O_CLOEXEC) != 0) {
        int error = errno;
        close(in[0]);
        close(in[1]);
        return error;
    }
    int error = spawn(child, how, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    child->in = in[1];
    child->out = out[0];
    fcntl(child->in, F_SETFL, O_NONBLOCK);
    return error;
}

/* A command need not read its input; then it is not told the rest. */
static void write_some(child *child) {
    size_t left = child->request_size - child->written;
    const char *bytes = left > 0 ? child->request + child->written : "\n";
    ssize_t written = write(child->in, bytes, left > 0 ? left : 1);
    if (written > 0)
        child->written += (size_t)written;
    else if (written < 0 && errno != EAGAIN && errno != EINTR)
        shut(&child->in);
    if (child->written > child->request_size)
        shut(&child->in);
}

/* Returns false when there is no memory for more. */
static bool read_some(child *child) {
    if (child->size == child->room) {
        size_t room = child->room > 0 ? 2 * child->room : 4096;
        char *grown = realloc(child->answer, room);
        if (grown == NULL)
            return false;
        child->answer = grown;
        child->room = room;
    }
    ssize_t got = read(child->out, child->answer + child->size, child->room - child->size);
    if (got > 0)
        child->size += (size_t)got;
    else if (got == 0 || errno != EINTR)
        shut(&child->out);
    return true;
}

/* Returns NULL, or why the command is not worth waiting for. */
static const char *talk(child *child) {
    while (child->out >= 0) {
        struct pollfd watched[] = {{.fd = child->out, .events = POLLIN},
                                   {.fd = child->in, .events = POLLOUT}};
        if (poll(watched, 2, -1) < 0)
            continue; /* a signal */
        if (watched[1].revents != 0)
            write_some(child);
        if (watched[0].revents != 0 && !read_some(child))
            return "out of memory";
        if (child->size > YOTON_TEXT_MAX_DEFAULT + 2) /* LIMIT-7, and a line end */
            return "the command prints more than 1 MiB";
    }
    return NULL;
}

/* Returns NULL, or how the command failed, in `room`. */
static const char *wait_for(const child *child, char *room, size_t size) {
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return NULL;
    if (WIFEXITED(status))
        snprintf(room, size, "the command ended with exit code %d", WEXITSTATUS(status));
    else
        snprintf(room, size, "the command was ended by signal %d", WTERMSIG(status));
    return room;
}

int serve_exec_handle(yoton_request_server *server, const char *request, size_t request_size,
                      char **answer, size_t *answer_size, void *user) {
    child child = {.in = -1, .out = -1, .request = request, .request_size = request_size};
    char room[80];
    (void)server;
    int error = start(&child, user);
    const char *why = error != 0 ? strerror(error) : talk(&child);
    shut(&child.in);
    shut(&child.out);
    if (error == 0) {
        if (why != NULL)
            kill(child.pid, SIGKILL);
        const char *failed = wait_for(&child, room, sizeof room);
        why = why != NULL ? why : failed;
    }
    if (why != NULL) {
        free(child.answer);
        return complain(why);
    }
    bool ends = child.size > 0 && child.answer[child.size - 1] == '\n';
    bool whole = child.size > 1 && child.answer[child.size - 2] == '\r'; /* CRLF, as it is sent */
    *answer = child.answer;
    *answer_size = ends && !whole ? child.size - 1 : child.size;
    return YOTON_OK;
}
