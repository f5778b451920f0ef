/* SPDX-License-Identifier: BSD-2-Clause */
/* `yoton serve`: answer requests. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "serve_exec.h"
#include "tools.h"
#include "yoton/clientserver.h"

static const char help[] =
    "usage: yoton serve [--exec CMD] [--threads] ADDRESS\n"
    "\n"
    "Answers requests at ADDRESS (host:port, port 0 takes any free one), and says at which port "
    "it\n"
    "listens. It answers \"Requested: \" and the request, after 1 s when the request is \"wait\"; "
    "the\n"
    "request \"stop\" ends it, as SIGINT and SIGTERM do, once all who are being answered have "
    "their\n"
    "answer. A second signal ends it at once.\n"
    "  --exec CMD     answer with what `sh -c CMD` prints. It gets the request and a line end on\n"
    "                 standard input; a line end at the end of the answer is left out. If it ends\n"
    "                 with another exit code than 0, the request is not answered. No request ends\n"
    "                 the server then.\n"
    "  --threads      answer each request in a thread of its own, not one after the other\n"
    "\n"
    "example: yoton serve --exec 'tr a-z A-Z' localhost:test\n";

typedef struct options {
    bool help, threads;
    const char *command;
    const char *address;
} options;

static int read_options(options *o, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            o->help = true;
        else if (strcmp(argv[i], "--threads") == 0)
            o->threads = true;
        else if (strcmp(argv[i], "--exec") == 0 && i + 1 < argc)
            o->command = argv[++i];
        else if (strcmp(argv[i], "--exec") == 0)
            return tool_usage("serve", "--exec wants a command");
        else if (strncmp(argv[i], "--", 2) == 0)
            return tool_usage("serve", "unknown option %s", argv[i]);
        else if (o->address != NULL)
            return tool_usage("serve", "more than one address: %s and %s", o->address, argv[i]);
        else
            o->address = argv[i];
    }
    if (o->address == NULL && !o->help)
        return tool_usage("serve", "where to serve is missing: an address, as host:port");
    return TOOL_OK;
}

/* ---- Signals: a thread takes them, so that nothing is interrupted ---- */

typedef struct watcher {
    yoton_request_server *server;
    sigset_t signals;
    pthread_t thread;
    atomic_bool over;
} watcher;

static void *watch(void *argument) {
    watcher *w = argument;
    int signal;
    sigwait(&w->signals, &signal);
    if (atomic_load(&w->over))
        return NULL;
    yoton_request_server_stop(w->server);
    sigwait(&w->signals, &signal);
    if (!atomic_load(&w->over))
        _exit(TOOL_FAILED);
    return NULL;
}

static void watch_end(watcher *w) {
    atomic_store(&w->over, true);
    pthread_kill(w->thread, SIGTERM); /* it may still wait for a signal, or be about to */
    pthread_join(w->thread, NULL);
}

static int serve(watcher *w) {
    int error = pthread_create(&w->thread, NULL, watch, w);
    if (error != 0)
        return tool_fail("serve", "no thread could be started: %s", strerror(error));
    printf("listening at port %u\n", yoton_request_server_port(w->server));
    int result = tool_finish("serve");
    if (result == TOOL_OK)
        yoton_request_server_run(w->server); /* at most a signal came first and has stopped it */
    watch_end(w);
    return result;
}

int cmd_serve(int argc, char **argv) {
    options o = {0};
    watcher w = {0};
    serve_exec how;
    int result = read_options(&o, argc, argv);
    if (result != TOOL_OK)
        return result;
    if (o.help) {
        fputs(help, stdout);
        return tool_finish("serve");
    }
    sigemptyset(&w.signals);
    sigaddset(&w.signals, SIGINT);
    sigaddset(&w.signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &w.signals, &how.mask);
    signal(SIGPIPE, SIG_IGN);
    how.command = o.command;
    const yoton_server_options options = {
        .handle = o.command != NULL ? serve_exec_handle : NULL, .user = &how, .threads = o.threads};
    if (yoton_request_server_new(o.address, &options, &w.server) != YOTON_OK)
        return tool_fail("serve", "%s", yoton_error_text());
    result = serve(&w);
    yoton_request_server_free(w.server);
    return result;
}
