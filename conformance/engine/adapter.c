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

#include "engine/family.h"
#include "engine/tester.h"

enum {
    TROUBLE_LIMIT = 16384, /* bytes of standard error that are kept, the first and the last half */
    FLOOD_LIMIT = 256 << 20, /* bytes of standard output an adapter may write in one case */
    EVENT_LIMIT = 100000,    /* and events */
    LINE_SHOWN = 200,
    ROUNDS = 16 /* reads before something else has its turn */
};

static const double FAREWELL = 0.5; /* for an adapter to end by itself */
static const double START = 10.0;   /* for an adapter to say hello */

/* ---- Starting ---- */

_Noreturn static void become_adapter(char **command, int in, int out, int err, int failure) {
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    setpgid(0, 0); /* so that a signal to its group is not one to the case */
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

uint64_t told_id(tester *t, const char *op, const json_t *reply) {
    const char *id = json_get_text(reply, "context_id");
    if (strlen(id) != 16 || strspn(id, "0123456789abcdefABCDEF") != 16)
        fail(t, "the adapter's `%s` says context_id \"%s\"; that is not 16 hex digits", op, id);
    return strtoull(id, NULL, 16);
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
    t->peer_id = told_id(t, "hello", a->hello);
}

/* ---- Its end ---- */

static const char *signal_name(int number) {
    static const struct {
        int number;
        const char *name;
    } names[] = {{SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"},
                 {SIGILL, "SIGILL"},   {SIGTRAP, "SIGTRAP"}, {SIGABRT, "SIGABRT"},
                 {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},   {SIGKILL, "SIGKILL"},
                 {SIGUSR1, "SIGUSR1"}, {SIGSEGV, "SIGSEGV"}, {SIGUSR2, "SIGUSR2"},
                 {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"},
                 {SIGXCPU, "SIGXCPU"}, {SIGSYS, "SIGSYS"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == number)
            return names[i].name;
    return strsignal(number);
}

static char *fate_of(int status) {
    if (WIFSIGNALED(status))
        return text_of("signal %d (%s)", WTERMSIG(status), signal_name(WTERMSIG(status)));
    return text_of("exit status %d", WEXITSTATUS(status));
}

static char *last_line(const struct buffer *trouble) {
    size_t stop = trouble->size;
    if (stop == 0)
        return text_of("%s", "");
    while (stop > 0 && (trouble->bytes[stop - 1] == '\n' || trouble->bytes[stop - 1] == ' '))
        stop--;
    size_t start = stop;
    while (start > 0 && trouble->bytes[start - 1] != '\n')
        start--;
    if (stop - start > LINE_SHOWN)
        stop = start + LINE_SHOWN;
    char *line = copy_of(trouble->bytes + start, stop - start);
    for (size_t i = 0; i < stop - start; i++)
        if ((unsigned char)line[i] < ' ')
            line[i] = '?'; /* nothing for a terminal to do, and no end of the text */
    return line;
}

static bool is_gone(struct adapter *a) {
    if (!a->gone && waitpid(a->pid, &a->status, WNOHANG) == a->pid)
        a->gone = true;
    return a->gone;
}

/* Waits a moment for the child that closed its output; true when its status is known. */
static bool reap(struct adapter *a, double seconds) {
    for (double until = now() + seconds; !is_gone(a); poll(NULL, 0, 2))
        if (now() > until)
            return false;
    return true;
}

static void read_trouble(struct adapter *a);
static void read_lines(tester *t);

_Noreturn static void died(tester *t) {
    struct adapter *a = &t->adapter;
    char *fate =
        reap(a, FAREWELL) ? fate_of(a->status) : text_of("it closed its standard output and stays");
    read_trouble(a);
    char *said = last_line(&a->trouble);
    peer_failed(t, "died", "the peer died: %s%s%s", fate, *said ? "; it said: " : "", said);
}

void adapter_stop(tester *t) {
    struct adapter *a = &t->adapter;
    close(a->in);
    a->in = -1;
    double until = now() + FAREWELL;
    while (!a->ended && !is_gone(a) && now() < until)
        pump(t, until);
    reap(a, until - now());
    read_trouble(a);
}

char *adapter_crash(tester *t) {
    struct adapter *a = &t->adapter;
    if (!a->gone || !WIFSIGNALED(a->status))
        return NULL;
    return text_of("the peer died at the end of the case: %s", fate_of(a->status));
}

char *adapter_leftovers(tester *t) {
    struct adapter *a = &t->adapter;
    bool stays = !is_gone(a);
    size_t left = end_descendants(getpid()) - stays;
    if (left > 0)
        return text_of("%zu process%s that the adapter left behind %s ended", left,
                       left == 1 ? "" : "es", left == 1 ? "was" : "were");
    if (stays)
        return text_of("the adapter stayed %.1f s after the end of its input, and was ended",
                       FAREWELL);
    return NULL;
}

void adapter_check_life(tester *t) {
    struct adapter *a = &t->adapter;
    if (a->pid == 0 || t->finishing || !is_gone(a))
        return;
    read_lines(t); /* what it still said; its output stays open when a child of it holds that */
    died(t);
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
        peer_failed(t, "flooded", "the adapter floods: over %d events in one case", EVENT_LIMIT);
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
    json_object_del(line, "found"); /* that is noted here, too */
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
    for (int round = 0; round < ROUNDS; round++) {
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
            peer_failed(t, "flooded", "the adapter floods: over %d MiB of output in one case",
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
    for (int round = 0; round < ROUNDS && a->err >= 0; round++) {
        size = read(a->err, bytes, sizeof bytes);
        if (size < 0)
            return;
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
