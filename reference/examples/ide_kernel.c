/* SPDX-License-Identifier: BSD-2-Clause */
/* The manual's example "IDE / kernel": this program is the IDE, the kernel is a real one of Pyzo.
 *
 *      this program (host)                         pyzokernel/start.py (client)
 *      pub   ctrl-command  ------------------->    what to execute, line by line
 *      sub   strm-out      <-------------------    what it prints
 *      sub   strm-prompt   <-------------------    it is done, and wants more
 *      state stat-startup  <------------------>    how to start: the kernel waits for it
 *      state stat-interpreter <----------------    Ready, Busy, More
 *      req   reqp-introspect ----------------->    questions about the kernel's objects
 *
 * It runs code in the kernel, asks for a signature, and tells a kernel that is busy in extension
 * code from one that is lost: a busy one times out and comes back, a lost one closes the
 * connection.
 *
 *     cc -o ide_kernel ide_kernel.c $(pkg-config --cflags --libs yoton)
 *     ./ide_kernel FOLDER [PYTHON]        FOLDER holds the packages yoton and pyzokernel */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <yoton/yoton.h>

#define PATIENCE 30.0 /* seconds that anything may take; never waited for when it happens */

typedef struct ide {
    yoton_events *events; /* all that is told is told from here, in this thread */
    yoton_context *context;
    yoton_connection *connection;
    yoton_channel *command, *output, *startup, *status, *introspect, *prompt;
    pid_t kernel;
    int silent; /* the kernel has timed out */
    int busy;   /* so often */
    int lost;
} ide;

static void kill_kernel(ide *i) {
    if (i->kernel > 0) {
        kill(i->kernel, SIGKILL);
        waitpid(i->kernel, NULL, 0);
    }
    i->kernel = 0;
}

static void fail(ide *i, const char *what) {
    fprintf(stderr, "ide_kernel: %s\n", what);
    kill_kernel(i);
    exit(1);
}

static void check(ide *i, int error) {
    if (error != YOTON_OK)
        fail(i, yoton_error_text());
}

static void on_timedout(yoton_connection *connection, int value, void *user) {
    ide *i = user;
    (void)connection;
    i->silent = value;
    i->busy += value;
    printf(value ? "the kernel is busy: it says nothing, and the connection stands\n"
                 : "the kernel is back\n");
}

static void on_closed(yoton_connection *connection, const char *reason, void *user) {
    (void)connection;
    ((ide *)user)->lost = 1;
    printf("the kernel is lost: %s\n", reason);
}

/* Works off events until `done` says so. */
static void wait_until(ide *i, int (*done)(ide *i), const char *what) {
    for (int turns = 0; !done(i); turns++) {
        if (turns > PATIENCE / 0.05)
            fail(i, what);
        yoton_process_events(i->events, 0.05);
    }
}

static int is_lost(ide *i) { return i->lost; }
static int was_busy_and_is_back(ide *i) { return i->busy > 0 && !i->silent; }

static int is_ready(ide *i) {
    yoton_message message;
    check(i, yoton_recv(i->status, 0, &message));
    int ready = message.size == 5 && memcmp(message.data, "Ready", 5) == 0;
    yoton_message_clear(&message);
    return ready;
}

/* ---- What the kernel is told at its start ---- */

static void set_entry(ide *i, yoton_value *dict, const char *key, const char *text) {
    yoton_value name, value;
    check(i, yoton_value_string(&name, key, strlen(key)));
    check(i, yoton_value_string(&value, text, strlen(text)));
    check(i, yoton_value_append(dict, &name));
    check(i, yoton_value_append(dict, &value));
}

static void set_startup(ide *i) {
    static const char *const keys[] = {"scriptFile", "projectPath", "startupScript", "gui", "argv"};
    yoton_value startup = {.type = YOTON_DICT};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        set_entry(i, &startup, keys[k], "");
    set_entry(i, &startup, "startDir", ".");
    set_entry(i, &startup, "ipython", "no");
    check(i, yoton_send_object(i->startup, &startup));
    yoton_value_clear(&startup);
}

static void open_channel(ide *i, yoton_channel_kind kind, const char *base, yoton_message_type type,
                         yoton_channel **channel) {
    check(i, yoton_channel_open(i->context, kind, base, strlen(base), type, channel));
}

static void open_all(ide *i) {
    check(i, yoton_events_new(&i->events));
    check(i, yoton_context_new(&(yoton_options){.events = i->events}, &i->context));
    open_channel(i, YOTON_PUB, "ctrl-command", YOTON_TXT, &i->command);
    open_channel(i, YOTON_SUB, "strm-out", YOTON_TXT, &i->output);
    open_channel(i, YOTON_SUB, "strm-prompt", YOTON_TXT, &i->prompt);
    open_channel(i, YOTON_STATE, "stat-startup", YOTON_OBJ, &i->startup);
    open_channel(i, YOTON_STATE, "stat-interpreter", YOTON_TXT, &i->status);
    open_channel(i, YOTON_REQ, "reqp-introspect", YOTON_OBJ, &i->introspect);
    check(i, yoton_context_bind(i->context, "localhost:0", 1, "kernel", &i->connection));
    yoton_connection_on_timedout(i->connection, on_timedout, i);
    yoton_connection_on_closed(i->connection, on_closed, i);
}

static void start_kernel(ide *i, const char *folder, const char *python) {
    yoton_connection_info info;
    char port[8];
    yoton_connection_get_info(i->connection, &info);
    snprintf(port, sizeof port, "%u", info.port1);
    fflush(stdout);
    i->kernel = fork();
    if (i->kernel == 0) {
        setenv("PYTHONPATH", folder, 1);
        if (chdir(folder) == 0)
            execlp(python, python, "-B", "pyzokernel/start.py", port, (char *)NULL);
        _exit(127);
    }
    if (i->kernel < 0)
        fail(i, "cannot start the kernel");
}

/* ---- What the IDE does with it ---- */

/* The kernel sends a prompt when it is done with what it was given. */
static void wait_for_prompt(ide *i) {
    yoton_message message;
    check(i, yoton_recv(i->prompt, PATIENCE, &message));
    yoton_message_clear(&message);
}

static void run(ide *i, const char *code) {
    printf(">>> %s", code);
    check(i, yoton_send_text(i->command, code, strlen(code)));
}

/* Prints what the kernel prints, up to the end of the line that holds `word`. */
static void print_output(ide *i, const char *word) {
    char line[4096] = "";
    size_t size = 0;
    while (strstr(line, word) == NULL || line[size - 1] != '\n') {
        yoton_message message;
        check(i, yoton_recv(i->output, PATIENCE, &message)); /* comes in pieces */
        if (size + message.size >= sizeof line)
            size = 0;
        memcpy(line + size, message.data, message.size);
        size += message.size;
        line[size] = '\0';
        yoton_message_clear(&message);
    }
    const char *from = strstr(line, word);
    while (from > line && from[-1] != '\n')
        from--;
    fputs(from, stdout);
}

static void ask(ide *i, const char *method, const char *argument) {
    yoton_value args = {.type = YOTON_TUPLE}, text;
    yoton_future *future;
    const yoton_value *answer;
    char *literal;
    check(i, yoton_value_string(&text, argument, strlen(argument)));
    check(i, yoton_value_append(&args, &text));
    check(i, yoton_call(i->introspect, method, &args, NULL, &future));
    check(i, yoton_future_result(future, PATIENCE, &answer));
    check(i, yoton_object_literal(answer, &literal, NULL));
    printf("%s(%s): %s\n", method, argument, literal);
    free(literal);
    yoton_future_unref(future);
    yoton_value_clear(&args);
}

static void close_all(ide *i) {
    yoton_connection_unref(i->connection);
    yoton_channel_free(i->command);
    yoton_channel_free(i->output);
    yoton_channel_free(i->startup);
    yoton_channel_free(i->status);
    yoton_channel_free(i->prompt);
    yoton_channel_free(i->introspect);
    yoton_context_free(i->context);
    yoton_events_free(i->events);
}

int main(int argc, char **argv) {
    ide i = {.kernel = 0};
    if (argc < 2) {
        fprintf(stderr, "usage: ide_kernel FOLDER [PYTHON]\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    open_all(&i);
    set_startup(&i);
    start_kernel(&i, argv[1], argc > 2 ? argv[2] : "python3");
    wait_until(&i, is_ready, "the kernel did not become ready");
    wait_for_prompt(&i);
    printf("the kernel is ready\n");
    run(&i, "print(6*7)\n");
    print_output(&i, "42");
    wait_for_prompt(&i);
    run(&i, "square = lambda number, offset=0: number ** 2 + offset\n");
    wait_for_prompt(&i);
    ask(&i, "signature", "square");
    ask(&i, "eval", "square(7)");
    /* PyDLL keeps the lock of the interpreter: no thread of the kernel runs, heartbeats neither. */
    run(&i, "import ctypes; _ = ctypes.PyDLL(None).sleep(2)\n");
    wait_until(&i, was_busy_and_is_back, "the kernel was not seen to be busy and back");
    wait_for_prompt(&i);
    run(&i, "print('still', 'here')\n");
    print_output(&i, "still here");
    kill_kernel(&i);
    wait_until(&i, is_lost, "the kernel's end was not seen");
    close_all(&i);
    return 0;
}
