/* SPDX-License-Identifier: BSD-2-Clause */
#include "adapter_world.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

enum {
    FIRST = WORLD_RESULT + 1, /* of the pipes' descriptors, in the order of their making */
    TO = FIRST + 1,           /* the end of the first that is written to */
    FROM = FIRST + 2,
    TROUBLE = FIRST + 4,
    FAILURE = FIRST + 6,
    LAST = FIRST + 8
};

struct world world;

static struct {
    bool on;
    const uint8_t *data;
    size_t size, at;
    uint8_t way, end;
    int next_pipe;
    double now;
    size_t ready;           /* bytes that can be read now */
    bool full;              /* its pipe, for once */
    bool started, no_input; /* its standard input was closed */
    char line[WORLD_LINE];
    size_t line_size;
    char request[WORLD_LINE];
    size_t request_size;
    int requests;
} play;

static bool ours(int fd) { return play.on && fd >= WORLD_RESULT && fd < LAST; }

void world_begin(const uint8_t *data, size_t size, uint8_t way, uint8_t end) {
    memset(&world, 0, offsetof(struct world, trouble));
    memset(&play, 0, sizeof play);
    play.data = data;
    play.size = size;
    play.way = way;
    play.end = end;
    play.next_pipe = FIRST;
    play.now = 1000;
    play.on = true;
}

void world_over(void) { play.on = false; }

bool world_crashes(void) { return (play.end & 12) == 4; }
size_t world_left(void) { return play.end >> 6 == 3 ? 2 : play.end >> 6; }
static bool ends(void) { return (play.end & 1) != 0; } /* else it stays silent */
static bool stays(void) { return (play.end & 12) == 8; }

static bool process_is_gone(void) {
    return (play.no_input || (world.end_told && play.end & 2)) && !stays();
}

/* --- reading what the adapter writes --- */

/* The number of the request asked last; before the script there is only `hello`. */
static int last_id(void) { return world.t != NULL ? world.t->adapter.last_id : 1; }

const json_t *world_reply_to(int request) {
    char key[16];
    snprintf(key, sizeof key, "%d", request);
    return json_object_get(world.replies, key);
}

const json_t *world_reply(const tester *t) {
    return world_reply_to(t != NULL ? t->adapter.last_id : 1);
}

/* What is to be said of this line, if it is bad. */
static const char *judge_reply(json_t *line) {
    const json_t *id = json_object_get(line, "id");
    char key[16] = "none";
    bool asked = world.stray;
    if (json_is_integer(id)) {
        json_int_t number = json_integer_value(id);
        asked = number >= 1 && number <= last_id();
        snprintf(key, sizeof key, "%d", asked ? (int)number : 0);
    }
    if (!asked)
        return "nobody made";
    if (json_object_get(world.replies, key) != NULL)
        return "twice";
    if (!json_is_boolean(json_object_get(line, "ok")))
        return "has no `ok`";
    json_object_set(world.replies, key, line);
    return NULL;
}

static void take_line(void) {
    if (world.replies == NULL) {
        world.replies = json_object();
        world.events = json_array();
    }
    if (world.bad != NULL)
        return; /* it is not read any more */
    world.lines++;
    json_t *line = json_loadb(play.line, play.line_size, JSON_ALLOW_NUL, NULL);
    if (!json_is_object(line))
        world.bad = "no JSON object";
    else if (json_object_get(line, "event") != NULL)
        json_array_append_new(world.events, json_pack("{s:O}", "line", line));
    else
        world.bad = judge_reply(line);
}

bool world_same(const json_t *harness, const json_t *model) {
    if (harness == NULL || model == NULL)
        return harness == model;
    json_t *one = json_copy((json_t *)(uintptr_t)harness),
           *two = json_copy((json_t *)(uintptr_t)model);
    for (int i = 0; i < 2; i++) { /* what the harness notes in a line */
        json_object_del(one, i ? "read" : "found");
        json_object_del(two, i ? "read" : "found");
    }
    return json_equal(one, two);
}

static bool event_is(const json_t *entry, const char *event, const char *connection) {
    const json_t *line = json_object_get(entry, "line");
    const char *name = json_string_value(json_object_get(line, "event"));
    const char *of = json_string_value(json_object_get(line, "connection"));
    return name != NULL && of != NULL && strcmp(name, event) == 0 && strcmp(of, connection) == 0;
}

unsigned world_count(const char *event, const char *connection) {
    unsigned count = 0;
    for (size_t i = 0; i < json_array_size(world.events); i++)
        count += event_is(json_array_get(world.events, i), event, connection);
    return count;
}

static json_t *due_event(const char *event, const char *connection) {
    for (size_t i = 0; i < json_array_size(world.events); i++) {
        json_t *entry = json_array_get(world.events, i);
        if (event_is(entry, event, connection) && json_object_get(entry, "given") == NULL)
            return entry;
    }
    return NULL;
}

bool world_event_is_due(const char *event, const char *connection) {
    return due_event(event, connection) != NULL;
}

void world_found(const json_t *event) {
    json_t *due = due_event("closed", "1");
    CHECK(world_same(event, json_object_get(due, "line")));
    json_object_set_new(due, "given", json_true());
}

/* --- what is written to it --- */

static void take_request(void) {
    if (strcmp(play.request, "nonsense") == 0)
        return;
    json_t *request = json_loads(play.request, 0, NULL);
    CHECK(json_is_object(request));
    CHECK(json_integer_value(json_object_get(request, "id")) == ++play.requests);
    CHECK(json_is_string(json_object_get(request, "op")));
    json_decref(request);
}

static void take_written(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        CHECK(play.request_size < WORLD_LINE);
        play.request[play.request_size++] = (char)bytes[i];
        if (bytes[i] == '\n') {
            play.request[play.request_size - 1] = '\0';
            take_request();
            play.request_size = 0;
        }
    }
}

static void take_verdict(const uint8_t *bytes, size_t size) {
    CHECK(world.verdict_size + size <= WORLD_VERDICT);
    memcpy(world.verdict + world.verdict_size, bytes, size);
    world.verdict_size += size;
    world.verdicts = 1; /* a second one would not be JSON behind the first */
}

/* --- the system --- */

/* A line behind this byte goes to standard error. */
static bool is_trouble(void) { return play.at < play.size && play.data[play.at] == 3; }

/* How much can be read next: a line, some bytes, or all. */
static size_t next_piece(void) {
    size_t left = play.size - play.at;
    if (is_trouble())
        return 0;
    if (play.way % 4 == 3)
        return left;
    if (play.way % 4 == 2)
        return left < play.way / 4u + 1 ? left : play.way / 4u + 1;
    const uint8_t *feed = left > 0 ? memchr(play.data + play.at, '\n', left) : NULL;
    return feed != NULL ? (size_t)(feed - play.data) - play.at + 1 : left;
}

static ssize_t read_adapter(char *to, size_t room) {
    size_t size = 0;
    if (is_trouble()) {
        errno = EAGAIN;
        return -1;
    }
    if (play.at == play.size && (ends() || play.no_input) && !(play.no_input && stays())) {
        world.end_told |= !play.no_input;
        return 0;
    }
    for (; play.ready > 0 && size + 12 < room; play.ready--) {
        uint8_t byte = play.data[play.at++];
        if (byte != 1)
            to[size++] = (char)byte;
        else
            size += (size_t)snprintf(to + size, 12, "%d", last_id());
    }
    if (size == 0) {
        errno = EAGAIN;
        return -1;
    }
    for (size_t i = 0; i < size && !play.no_input; i++) {
        if (to[i] == '\n') {
            take_line();
            play.line_size = 0;
        } else {
            CHECK(play.line_size < WORLD_LINE);
            play.line[play.line_size++] = to[i];
        }
    }
    return (ssize_t)size;
}

/* What is said there belongs into the report. */
static ssize_t read_trouble(char *to, size_t room) {
    size_t size = 0;
    while (is_trouble() && size == 0) {
        play.at++;
        while (play.at < play.size && play.data[play.at] != 3 && size < room) {
            to[size++] = (char)play.data[play.at++];
            if (to[size - 1] == '\n')
                break;
        }
    }
    if (size == 0) {
        errno = EAGAIN;
        return process_is_gone() ? 0 : -1;
    }
    CHECK(world.trouble_size + size <= WORLD_LINE);
    memcpy(world.trouble + world.trouble_size, to, size);
    world.trouble_size += size;
    return (ssize_t)size;
}

ssize_t __real_read(int fd, void *to, size_t room);
ssize_t __wrap_read(int fd, void *to, size_t room);
ssize_t __wrap_read(int fd, void *to, size_t room) {
    if (!ours(fd))
        return __real_read(fd, to, room);
    if (fd == FROM)
        return read_adapter(to, room);
    CHECK(fd == FAILURE || fd == TROUBLE);
    return fd == FAILURE ? 0 : read_trouble(to, room); /* it could be started */
}

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size) {
    if (!ours(fd))
        return __real_write(fd, bytes, size);
    if (fd == WORLD_RESULT) {
        take_verdict(bytes, size);
        return (ssize_t)size;
    }
    CHECK(fd == TO);
    play.full = play.way & 0x80 && !play.full;
    if (play.full) {
        errno = EAGAIN;
        return -1;
    }
    if (play.way & 0x40 && size > 10) /* a pipe that is nearly full */
        size = 10;
    take_written(bytes, size);
    return (ssize_t)size;
}

int __real_poll(struct pollfd *list, nfds_t count, int milliseconds);
int __wrap_poll(struct pollfd *list, nfds_t count, int milliseconds);
int __wrap_poll(struct pollfd *list, nfds_t count, int milliseconds) {
    if (!play.on)
        return __real_poll(list, count, milliseconds);
    int found = 0;
    for (nfds_t i = 0; i < count; i++) {
        list[i].revents = 0;
        if (list[i].fd == FROM) {
            CHECK(world.bad == NULL || play.no_input); /* it ends the case */
            play.ready = next_piece();
            if (play.ready > 0 || (play.at == play.size && (ends() || (play.no_input && !stays()))))
                list[i].revents = POLLIN;
        } else if (list[i].fd == TROUBLE && is_trouble()) {
            list[i].revents = POLLIN;
        } else if (list[i].fd == TO) {
            list[i].revents = POLLOUT;
        }
        found += list[i].revents != 0;
    }
    /* who waits for nothing but time gets much of it at once */
    play.now += found > 0 ? 0.001 : count == 0 ? 0.1 : milliseconds / 1000.0;
    return found;
}

pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options) {
    if (!play.on || pid != WORLD_PID)
        return __real_waitpid(pid, status, options);
    if (!process_is_gone())
        return 0;
    *status = world_crashes() ? 1 + (play.end >> 4) : (play.end >> 4) << 8;
    return pid;
}

pid_t __real_fork(void);
pid_t __wrap_fork(void);
pid_t __wrap_fork(void) {
    if (!play.on || play.started) /* a sanitizer wants to tell names */
        return __real_fork();
    play.started = true;
    return WORLD_PID;
}

int __real_pipe(int ends[2]);
int __wrap_pipe(int ends[2]);
int __wrap_pipe(int ends[2]) {
    if (!play.on || play.started)
        return __real_pipe(ends);
    CHECK(play.next_pipe < LAST);
    ends[0] = play.next_pipe++;
    ends[1] = play.next_pipe++;
    return 0;
}

int __real_fcntl(int fd, int what, ...);
int __wrap_fcntl(int fd, int what, int more);
int __wrap_fcntl(int fd, int what, int more) { return ours(fd) ? 0 : __real_fcntl(fd, what, more); }

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
    if (!ours(fd))
        return __real_close(fd);
    play.no_input |= fd == TO;
    return 0;
}

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time) {
    if (!play.on)
        return __real_clock_gettime(clock, time);
    double now = clock == CLOCK_PROCESS_CPUTIME_ID ? 1 : play.now;
    time->tv_sec = (time_t)now;
    time->tv_nsec = (long)((now - (double)time->tv_sec) * 1e9);
    return 0;
}

size_t __real_end_descendants(pid_t root);
size_t __wrap_end_descendants(pid_t root);
size_t __wrap_end_descendants(pid_t root) {
    return !play.on ? __real_end_descendants(root) : world_left() + !process_is_gone();
}

void __real_adopt_orphans(void);
void __wrap_adopt_orphans(void);
void __wrap_adopt_orphans(void) {
    if (!play.on)
        __real_adopt_orphans();
}
