/* SPDX-License-Identifier: BSD-2-Clause */
/* The adapter as a child process: starting, reading, its end. */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "engine/tester.h"

enum {
    TROUBLE_LIMIT = 16384, /* bytes of standard error that are kept, the first and the last half */
    FLOOD_LIMIT = 256 << 20, /* bytes of standard output an adapter may write in one case */
    EVENT_LIMIT = 100000,    /* and events */
    LINE_SHOWN = 200
};

static const double FAREWELL = 0.5; /* for an adapter to end by itself */
static const double START = 10.0;   /* for an adapter to say hello */

/* ---- Starting ---- */

_Noreturn static void become_adapter(char **command, int in, int out, int err, int failure) {
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    signal(SIGPIPE, SIG_DFL);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execvp(command[0], command);
    int error = errno;
    if (write(failure, &error, sizeof error) < 0)
        _exit(126);
    _exit(127);
}

static void make_pipe(tester *t, int ends[2]) {
    if (pipe(ends) != 0)
        harness_failed(t, "pipe: %s", strerror(errno));
    for (int i = 0; i < 2; i++)
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
}

static int nonblocking(int fd) {
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

static void start_process(tester *t) {
    int in[2], out[2], err[2], failure[2];
    make_pipe(t, in);
    make_pipe(t, out);
    make_pipe(t, err);
    make_pipe(t, failure);
    t->adapter.pid = fork();
    if (t->adapter.pid < 0)
        harness_failed(t, "fork: %s", strerror(errno));
    if (t->adapter.pid == 0)
        become_adapter(t->peer->command, in[0], out[1], err[1], failure[1]);
    close(in[0]);
    close(out[1]);
    close(err[1]);
    close(failure[1]);
    t->adapter.in = nonblocking(in[1]);
    t->adapter.out = nonblocking(out[0]);
    t->adapter.err = nonblocking(err[0]);
    int error;
    if (read(failure[0], &error, sizeof error) == sizeof error) {
        waitpid(t->adapter.pid, NULL, 0);
        t->adapter.pid = 0;
        peer_failed(t, "unreachable", "cannot start %s: %s", t->peer->command[0], strerror(error));
    }
    close(failure[0]);
}

void adapter_start(tester *t) {
    struct adapter *a = &t->adapter;
    a->replies = json_object();
    a->events = json_array();
    start_process(t);
    int request = ask(t, "hello", "{s:i}", "protocol", 1);
    double until = now() + START * t->scale;
    while (!answered(t, request)) {
        if (now() > until)
            peer_failed(t, "hung", "the adapter did not answer `hello` within %.0f s",
                        START * t->scale);
        pump(t, until);
    }
    a->hello = await_reply(t, request, 0);
    if (!reply_ok(a->hello))
        fail(t, "the adapter refused `hello`: %s", json_get_text(a->hello, "error"));
    const char *id = json_get_text(a->hello, "context_id");
    char *rest;
    t->peer_id = strtoull(id, &rest, 16);
    if (strlen(id) != 16 || *rest != '\0')
        fail(t, "the adapter's `hello` says context_id \"%s\"; that is not 16 hex digits", id);
}

/* ---- Its end ---- */

static char *fate_of(int status) {
    if (WIFSIGNALED(status))
        return text_of("signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    return text_of("exit status %d", WEXITSTATUS(status));
}

static char *last_line(const struct buffer *trouble) {
    size_t stop = trouble->size;
    while (stop > 0 && (trouble->bytes[stop - 1] == '\n' || trouble->bytes[stop - 1] == ' '))
        stop--;
    size_t start = stop;
    while (start > 0 && trouble->bytes[start - 1] != '\n')
        start--;
    if (stop - start > LINE_SHOWN)
        stop = start + LINE_SHOWN;
    return copy_of(trouble->bytes + start, stop - start);
}

/* Waits a moment for the child that closed its output; true when its status is known. */
static bool reap(tester *t, int *status, double seconds) {
    double until = now() + seconds;
    while (waitpid(t->adapter.pid, status, WNOHANG) != t->adapter.pid) {
        if (now() > until)
            return false;
        poll(NULL, 0, 2);
    }
    t->adapter.status = *status;
    return true;
}

static void read_trouble(struct adapter *a);

_Noreturn static void died(tester *t) {
    struct adapter *a = &t->adapter;
    int status;
    bool known = reap(t, &status, FAREWELL);
    read_trouble(a);
    char *fate = known ? fate_of(status) : text_of("it closed its standard output and stays");
    char *said = last_line(&a->trouble);
    a->pid = 0;
    peer_failed(t, "died", "the peer died: %s%s%s", fate, *said ? "; it said: " : "", said);
}

void adapter_stop(tester *t) {
    struct adapter *a = &t->adapter;
    close(a->in);
    a->in = -1;
    double until = now() + FAREWELL;
    while (!a->ended && now() < until)
        pump(t, until);
    int status;
    if (!a->ended || !reap(t, &status, FAREWELL))
        a->status = 0; /* the runner ends it with the rest of the group */
}

char *adapter_crash(tester *t) {
    int status = t->adapter.status;
    if (!WIFSIGNALED(status))
        return NULL;
    return text_of("the peer died at the end of the case: %s", fate_of(status));
}

/* ---- What it says ---- */

static void take_reply(tester *t, json_t *line, const char *text) {
    json_t *id = json_object_get(line, "id");
    char key[24] = "none";
    if (json_is_integer(id))
        snprintf(key, sizeof key, "%lld", (long long)json_integer_value(id));
    json_t *awaited = json_object_get(t->adapter.replies, key);
    if (awaited == NULL)
        fail(t, "the adapter answered a request that nobody made: %.*s", LINE_SHOWN, text);
    if (!json_is_null(awaited))
        fail(t, "the adapter answered request %s twice: %.*s", key, LINE_SHOWN, text);
    if (!json_is_boolean(json_object_get(line, "ok")))
        fail(t, "the adapter's answer has no `ok`: %.*s", LINE_SHOWN, text);
    json_object_set(t->adapter.replies, key, line);
}

static void take_event(tester *t, json_t *line) {
    json_array_append(t->adapter.events, line);
    if (json_array_size(t->adapter.events) > EVENT_LIMIT)
        peer_failed(t, "hung", "the adapter floods: over %d events in one case", EVENT_LIMIT);
}

static void take_line(tester *t, const uint8_t *bytes, size_t size) {
    char *text = copy_of(bytes, size);
    char *what = size > LINE_SHOWN ? text_of("%.*s…", LINE_SHOWN, text) : text;
    record(t, "adapter", RECEIVED, what, NULL, 0);
    if (t->finishing)
        return;
    json_error_t error;
    json_t *line = json_loadb(text, size, JSON_ALLOW_NUL, &error);
    if (!json_is_object(line))
        fail(t, "the adapter wrote a line that is no JSON object: %s", shown(bytes, size));
    json_object_set_new(line, "read", json_real(now()));
    if (json_object_get(line, "event") != NULL)
        take_event(t, line);
    else
        take_reply(t, line, text);
    json_decref(line);
    free(text);
}

static void take_lines(tester *t) {
    struct adapter *a = &t->adapter;
    size_t start = 0;
    for (; a->scanned < a->from.size; a->scanned++) {
        if (buffer_data(&a->from)[a->scanned] != '\n')
            continue;
        take_line(t, buffer_data(&a->from) + start, a->scanned - start);
        start = a->scanned + 1;
    }
    buffer_take(&a->from, start);
    a->scanned -= start;
}

static void read_lines(tester *t) {
    struct adapter *a = &t->adapter;
    uint8_t bytes[65536];
    for (int round = 0; round < 16; round++) {
        ssize_t size = read(a->out, bytes, sizeof bytes);
        if (size < 0)
            return; /* nothing more now */
        if (size == 0) {
            a->ended = true;
            if (!t->finishing)
                died(t);
            return;
        }
        a->taken += (uint64_t)size;
        if (a->taken > FLOOD_LIMIT && !t->finishing)
            peer_failed(t, "hung", "the adapter floods: over %d MiB of output in one case",
                        FLOOD_LIMIT >> 20);
        if (t->finishing)
            continue;
        buffer_add(&a->from, bytes, (size_t)size);
        take_lines(t);
    }
}

/* Keeps the first and the last half of what comes; the middle goes. */
static void read_trouble(struct adapter *a) {
    uint8_t bytes[4096];
    ssize_t size;
    while (a->err >= 0 && (size = read(a->err, bytes, sizeof bytes)) != -1) {
        if (size == 0) {
            close(a->err);
            a->err = -1;
            return;
        }
        buffer_add(&a->trouble, bytes, (size_t)size);
        if (a->trouble.size > TROUBLE_LIMIT) {
            size_t half = TROUBLE_LIMIT / 2;
            memmove(a->trouble.bytes + half, a->trouble.bytes + a->trouble.size - half, half);
            a->trouble.size = TROUBLE_LIMIT;
        }
    }
}

/* ---- In the loop ---- */

void adapter_write(struct adapter *a) {
    while (a->to.size > 0 && a->in >= 0) {
        ssize_t written = write(a->in, buffer_data(&a->to), a->to.size);
        if (written <= 0)
            return; /* full, or gone: then its output ends, too */
        buffer_take(&a->to, (size_t)written);
    }
}

size_t adapter_poll(tester *t, struct pollfd *list) {
    struct adapter *a = &t->adapter;
    bool lives = a->pid > 0 && !a->ended;
    list[0] = (struct pollfd){.fd = lives ? a->out : -1, .events = POLLIN};
    list[1] = (struct pollfd){.fd = lives ? a->err : -1, .events = POLLIN};
    list[2] = (struct pollfd){.fd = lives && a->to.size > 0 ? a->in : -1, .events = POLLOUT};
    return 3;
}

void adapter_ready(tester *t, const struct pollfd *list, size_t count) {
    struct adapter *a = &t->adapter;
    if (list[1].revents != 0)
        read_trouble(a);
    if (list[0].revents != 0)
        read_lines(t);
    if (list[count - 1].revents != 0)
        adapter_write(a);
}
