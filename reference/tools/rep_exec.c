/* SPDX-License-Identifier: BSD-2-Clause */
#include "rep_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 100       /* how often a running command is looked after */
#define PATIENCE_LOOKS 10 /* looks from asking it to end to killing it */

#define NO_MEMORY "out of memory"

extern char **environ;

static atomic_bool stopped;

void exec_stop(void) { atomic_store(&stopped, true); }

/* ---- Arguments and environment ---- */

/* A list of texts that ends with NULL. */
typedef struct texts {
    char **list;
    size_t count;
} texts;

static void texts_free(texts *t) {
    for (size_t i = 0; i < t->count; i++)
        free(t->list[i]);
    free(t->list);
}

/* Takes over the text. */
static const char *add(texts *t, char *text) {
    char **grown = text != NULL ? realloc(t->list, (t->count + 2) * sizeof *grown) : NULL;
    if (grown == NULL) {
        free(text);
        return NO_MEMORY;
    }
    t->list = grown;
    t->list[t->count++] = text;
    t->list[t->count] = NULL;
    return NULL;
}

/* The text form of a value, behind a prefix. */
static const char *add_value(texts *t, const char *prefix, const yoton_value *value) {
    char *literal = NULL;
    const char *form = value->as.string.bytes;
    if (value->type != YOTON_STRING) {
        if (yoton_object_literal(value, &literal, NULL) != YOTON_OK)
            return NO_MEMORY;
        form = literal;
    } else if (strlen(form) != value->as.string.size) {
        return "an argument holds a NUL character, which a command cannot get";
    }
    size_t size = strlen(prefix) + strlen(form) + 1;
    char *text = malloc(size);
    if (text != NULL)
        snprintf(text, size, "%s%s", prefix, form);
    free(literal);
    return add(t, text);
}

static const char *make_arguments(texts *t, const char *command, const char *name,
                                  const yoton_value *args) {
    const char *const first[] = {"sh", "-c", command, name};
    const char *why = NULL;
    for (size_t i = 0; why == NULL && i < sizeof first / sizeof first[0]; i++)
        why = add(t, strdup(first[i]));
    for (size_t i = 0; why == NULL && i < args->as.list.count; i++)
        why = add_value(t, "", &args->as.list.items[i]);
    return why;
}

static bool is_name(const yoton_value *key) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return key->type == YOTON_STRING && key->as.string.size > 0 && key->as.string.size < 200 &&
           strspn(key->as.string.bytes, letters) == key->as.string.size;
}

static const char *make_environment(texts *t, const yoton_value *kwargs) {
    const yoton_value *items = kwargs->as.list.items;
    const char *why = NULL;
    for (char **e = environ; why == NULL && *e != NULL; e++)
        why = add(t, strdup(*e));
    for (size_t i = 0; why == NULL && i + 1 < kwargs->as.list.count; i += 2) {
        char prefix[256];
        if (!is_name(&items[i]))
            return "the name of an argument has other characters than letters, digits and _";
        snprintf(prefix, sizeof prefix, "YOTON_ARG_%s=", items[i].as.string.bytes);
        why = add_value(t, prefix, &items[i + 1]);
    }
    return why;
}

/* ---- The process ---- */

typedef struct process {
    pid_t pid;
    int out, err; /* ends to read from; -1 once they have ended */
} process;

static int make_pipe(int ends[2]) {
    if (pipe(ends) != 0)
        return -1;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return 0;
}

/* It gets a group of its own, so that all of it can be ended, and signals as they usually are. */
static int spawn(process *p, char *const *arguments, char *const *environment, int out, int err) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawn(&p->pid, "/bin/sh", &files, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static const char *start(process *p, char *const *arguments, char *const *environment) {
    int out[2], err[2];
    if (make_pipe(out) != 0)
        return "no pipe to be had for the command";
    if (make_pipe(err) != 0) {
        close(out[0]);
        close(out[1]);
        return "no pipe to be had for the command";
    }
    int error = spawn(p, arguments, environment, out[1], err[1]);
    close(out[1]);
    close(err[1]);
    *p = (process){.pid = p->pid, .out = out[0], .err = err[0]};
    if (error == 0)
        return NULL;
    close(out[0]);
    close(err[0]);
    return error == E2BIG ? "the arguments are too long for a command" : "cannot run /bin/sh";
}

/* Returns false when there was too much, or no memory. */
static bool take(int *fd, exec_text *text) {
    char piece[16384];
    ssize_t got = read(*fd, piece, sizeof piece);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (got <= 0) {
        close(*fd);
        *fd = -1;
        return true;
    }
    char *grown = text->size + (size_t)got <= EXEC_OUTPUT_MAX
                      ? realloc(text->bytes, text->size + (size_t)got + 1)
                      : NULL;
    if (grown == NULL)
        return false;
    memcpy(grown + text->size, piece, (size_t)got);
    text->bytes = grown;
    text->size += (size_t)got;
    text->bytes[text->size] = '\0';
    return true;
}

/* After being asked to end it gets a little time. */
static void end(const process *p, int *looks) {
    if ((*looks)++ == 0)
        kill(-p->pid, SIGTERM);
    else if (*looks > PATIENCE_LOOKS)
        kill(-p->pid, SIGKILL);
}

/* Reads until it has closed both of its ends. */
static const char *collect(process *p, exec_output *output) {
    const char *why = NULL;
    int looks = 0;
    while (p->out >= 0 || p->err >= 0) {
        struct pollfd ends[2] = {{.fd = p->out, .events = POLLIN},
                                 {.fd = p->err, .events = POLLIN}};
        if (why != NULL || atomic_load(&stopped))
            end(p, &looks);
        if (poll(ends, 2, LOOK_MS) <= 0)
            continue;
        if ((ends[0].revents != 0 && !take(&p->out, &output->out)) ||
            (ends[1].revents != 0 && !take(&p->err, &output->err)))
            why = "the command prints too much";
    }
    return why;
}

static int wait_for(pid_t pid) {
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void strip(exec_text *text) {
    if (text->size > 0 && text->bytes[text->size - 1] == '\n')
        text->bytes[--text->size] = '\0';
}

const char *exec_run(const char *command, const char *name, const yoton_value *args,
                     const yoton_value *kwargs, exec_output *output) {
    texts arguments = {0}, environment = {0};
    process p;
    *output = (exec_output){0};
    if (atomic_load(&stopped))
        return "the replier is ending";
    const char *why = make_arguments(&arguments, command, name, args);
    if (why == NULL)
        why = make_environment(&environment, kwargs);
    if (why == NULL)
        why = start(&p, arguments.list, environment.list);
    texts_free(&arguments);
    texts_free(&environment);
    if (why != NULL)
        return why;
    why = collect(&p, output);
    output->status = wait_for(p.pid);
    strip(&output->out);
    strip(&output->err);
    return why;
}

void exec_output_free(exec_output *output) {
    free(output->out.bytes);
    free(output->err.bytes);
}
