/* SPDX-License-Identifier: BSD-2-Clause */
/* The manual's IDE and kernel, with a real kernel: that of the Pyzo IDE, a Python program.
 *
 *     ide_kernel (the IDE)                pyzokernel/start.py
 *     state "stat-startup" <------------> state: how to start
 *     pub "ctrl-code"      -------------> sub: code to run
 *     sub "strm-out" ...   <------------- pub: what the code prints, and the prompt
 *     req "reqp-introspect" <-----------> rep: what is known of an object
 *
 *     cc -o ide_kernel ide_kernel.c -lyoton
 *     ./ide_kernel FOLDER [PYTHON]
 *
 * FOLDER holds Pyzo's packages pyzokernel and yoton. The program starts the kernel, has it run code
 * and asks it for a signature. Then it shows how busy differs from lost: on localhost a connection
 * does not break by itself, so silence (the signal timedout) means that the kernel runs extension
 * code and its threads cannot send heartbeats; an end (the signal closed) means that it is gone. */
#define _XOPEN_SOURCE 700
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <yoton/yoton.h>

enum { OUT, ERR, PROMPT, STREAMS };

typedef struct ide {
    yoton_events *events;
    yoton_context *context;
    yoton_channel *startup, *code, *introspect;
    yoton_channel *streams[STREAMS];
    yoton_connection *connection;
    pid_t kernel;
    int within_line; /* the kernel has begun a line */
    int prompts;     /* how often it was ready for more */
    int lost;
} ide;

/* Whatever ends the program ends the kernel, too: see start_kernel. */
static _Noreturn void fail(const char *why) {
    fprintf(stderr, "ide_kernel: %s\n", why);
    exit(1);
}

static void must(int error) {
    if (error != YOTON_OK)
        fail(yoton_error_text());
}

/* ---- What the kernel sends ---- */

static void print_output(ide *self, const yoton_message *message) {
    for (size_t i = 0; i < message->size; i++) {
        if (!self->within_line)
            fputs("    ", stdout);
        putchar(message->data[i]);
        self->within_line = message->data[i] != '\n';
    }
}

/* Prints what has come on all streams in the order in which it came. */
static void on_received(yoton_channel *channel, void *user) {
    ide *self = user;
    yoton_channel *first;
    yoton_message *list;
    size_t count;
    (void)channel;
    for (;;) {
        must(yoton_select_sub_channel(self->streams, STREAMS, &first));
        if (first == NULL)
            return;
        must(yoton_recv_selected(first, &list, &count, NULL));
        for (size_t i = 0; i < count && first != self->streams[PROMPT]; i++)
            print_output(self, &list[i]);
        if (first == self->streams[PROMPT])
            self->prompts += (int)count;
        yoton_messages_free(list, count);
    }
}

static void on_connected(yoton_connection *connection, void *user) {
    yoton_connection_info info;
    (void)user;
    yoton_connection_get_info(connection, &info);
    printf("kernel has connected: process %llu\n", (unsigned long long)info.pid2);
}

static void on_timedout(yoton_connection *connection, int value, void *user) {
    (void)connection, (void)user;
    puts(value ? "kernel is busy" : "kernel is back");
}

static void on_closed(yoton_connection *connection, const char *reason, void *user) {
    (void)connection;
    printf("kernel is lost: %s\n", reason);
    ((ide *)user)->lost = 1;
}

/* Handles events until *value is at least `wanted`, for about a minute at most. */
static void wait_for(ide *self, const int *value, int wanted, const char *what) {
    for (int turns = 0; *value < wanted; turns++) {
        yoton_process_events(self->events, 0.1);
        if (self->kernel != 0 && waitpid(self->kernel, NULL, WNOHANG) == self->kernel)
            self->kernel = 0;
        if (*value >= wanted)
            return;
        if (self->lost || (self->kernel == 0 && yoton_connection_is_waiting(self->connection)))
            fail("the kernel ended; is the folder right, and the python?");
        if (turns == 600)
            fail(what);
    }
}

/* ---- What the kernel gets ---- */

static void put(yoton_value *dict, const char *key, const char *text) {
    yoton_value name, value;
    must(yoton_value_string(&name, key, strlen(key)));
    must(yoton_value_string(&value, text, strlen(text)));
    must(yoton_value_append(dict, &name));
    must(yoton_value_append(dict, &value));
}

/* The kernel waits for this state, and reads from it how to start. */
static void set_startup(ide *self, const char *folder) {
    yoton_value info = {.type = YOTON_DICT};
    put(&info, "gui", "none");
    put(&info, "ipython", "no");
    put(&info, "projectPath", "");
    put(&info, "scriptFile", "");
    put(&info, "startupScript", "");
    put(&info, "startDir", folder);
    put(&info, "argv", "");
    must(yoton_send_object(self->startup, &info));
    yoton_value_clear(&info);
}

static void send_code(ide *self, const char *source) {
    yoton_value key, number = {.type = YOTON_INT}, code = {.type = YOTON_DICT};
    put(&code, "source", source);
    put(&code, "fname", "<ide>");
    must(yoton_value_string(&key, "lineno", strlen("lineno")));
    must(yoton_value_append(&code, &key));
    must(yoton_value_append(&code, &number));
    must(yoton_send_object(self->code, &code));
    yoton_value_clear(&code);
}

static void run(ide *self, const char *source) {
    int before = self->prompts;
    send_code(self, source);
    wait_for(self, &self->prompts, before + 1, "the kernel does not come back with a prompt");
}

static void on_done(yoton_future *future, void *user) {
    (void)future;
    *(int *)user = 1;
}

static void print_signature(ide *self, const char *object) {
    yoton_value name, args = {.type = YOTON_LIST};
    const yoton_value *signature;
    yoton_future *future;
    char *text;
    int done = 0;
    must(yoton_value_string(&name, object, strlen(object)));
    must(yoton_value_append(&args, &name));
    must(yoton_call(self->introspect, "signature", &args, NULL, &future));
    must(yoton_future_add_done_callback(future, on_done, &done));
    wait_for(self, &done, 1, "the kernel does not answer");
    must(yoton_future_result(future, 0, &signature));
    must(yoton_object_literal(signature, &text, NULL));
    printf("signature of %s: %s\n", object, text);
    free(text);
    yoton_future_unref(future);
    yoton_value_clear(&args);
}

/* ---- Start and end ---- */

static yoton_channel *open_channel(ide *self, yoton_channel_kind kind, const char *name,
                                   yoton_message_type type) {
    yoton_channel *channel;
    must(yoton_channel_open(self->context, kind, name, strlen(name), type, &channel));
    return channel;
}

static void open_channels(ide *self) {
    static const char *const names[STREAMS] = {"strm-out", "strm-err", "strm-prompt"};
    self->startup = open_channel(self, YOTON_STATE, "stat-startup", YOTON_OBJ);
    self->code = open_channel(self, YOTON_PUB, "ctrl-code", YOTON_OBJ);
    self->introspect = open_channel(self, YOTON_REQ, "reqp-introspect", YOTON_OBJ);
    for (int i = 0; i < STREAMS; i++)
        self->streams[i] = open_channel(self, YOTON_SUB, names[i], YOTON_TXT);
    for (int i = 0; i < STREAMS; i++)
        yoton_channel_on_received(self->streams[i], on_received, self);
}

static void be_host(ide *self) {
    must(yoton_context_bind(self->context, "localhost:0", 1, "kernel", &self->connection));
    yoton_connection_on_connected(self->connection, on_connected, self);
    yoton_connection_on_timedout(self->connection, on_timedout, self);
    yoton_connection_on_closed(self->connection, on_closed, self);
}

/* In the child: only what is allowed between fork and exec while other threads run. */
static _Noreturn void be_kernel(pid_t parent, const char *folder, char *const argv[]) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* the kernel never outlives this program */
    if (getppid() != parent || chdir(folder) != 0)
        _exit(127);
    dup2(STDERR_FILENO, STDOUT_FILENO); /* what does not come by channels is no result */
    execvp(argv[0], argv);
    _exit(127);
}

static void start_kernel(ide *self, const char *folder, char *python) {
    char script[] = "pyzokernel/start.py", port[8];
    yoton_connection_info info;
    yoton_connection_get_info(self->connection, &info);
    snprintf(port, sizeof port, "%u", (unsigned)info.port1);
    char *const argv[] = {python, script, port, NULL};
    pid_t parent = getpid();
    self->kernel = fork();
    if (self->kernel < 0)
        fail("cannot fork");
    if (self->kernel == 0)
        be_kernel(parent, folder, argv);
}

static void close_all(ide *self) {
    yoton_connection_unref(self->connection);
    yoton_channel *const others[] = {self->startup, self->code, self->introspect};
    for (int i = 0; i < 3; i++)
        yoton_channel_free(others[i]);
    for (int i = 0; i < STREAMS; i++)
        yoton_channel_free(self->streams[i]);
    yoton_context_free(self->context);
    yoton_events_free(self->events);
}

int main(int argc, char **argv) {
    static ide self;
    char python[] = "python3";
    char *folder = argc > 1 ? realpath(argv[1], NULL) : NULL;
    if (folder == NULL || setenv("PYTHONPATH", folder, 1) != 0)
        fail("usage: ide_kernel FOLDER [PYTHON]");
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(yoton_events_new(&self.events));
    must(yoton_context_new(&(yoton_options){.events = self.events}, &self.context));
    open_channels(&self);
    set_startup(&self, folder);
    be_host(&self);
    start_kernel(&self, folder, argc > 2 ? argv[2] : python);
    wait_for(&self, &self.prompts, 1, "the kernel does not show its prompt");

    puts("ide: print(6*7)");
    run(&self, "print(6*7)");
    run(&self, "def area(width, height=2):\n    return width * height");
    print_signature(&self, "area");

    /* PyDLL keeps the lock of the interpreter: no thread of the kernel runs, as in extension code.
     * What is sent meanwhile is done afterwards. */
    puts("ide: two seconds in extension code, then print('done')");
    int before = self.prompts;
    send_code(&self, "import ctypes; ctypes.PyDLL(None).sleep(2)");
    send_code(&self, "print('done')");
    wait_for(&self, &self.prompts, before + 2, "the kernel does not come back");

    puts("ide: kill the kernel");
    if (self.kernel != 0)
        kill(self.kernel, SIGKILL);
    wait_for(&self, &self.lost, 1, "nobody says that the kernel is lost");
    if (self.kernel != 0)
        waitpid(self.kernel, NULL, 0);
    close_all(&self);
    free(folder);
    return 0;
}
