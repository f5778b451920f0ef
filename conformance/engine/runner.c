/* SPDX-License-Identifier: BSD-2-Clause */
#define _DEFAULT_SOURCE
#include "engine/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "engine/family.h"
#include "engine/tester.h"

static const double CASE_TIME = 40; /* seconds until a case gives itself up, scaled */
static const double MERCY = 5;      /* and until the runner ends it */
static const double LOOK = 0.25;    /* between two looks at what adapters use */
static const double STALL = 0.1;    /* lost time that deadlines do not count */
enum { STALL_REPEATS = 3 };

/* A running case. */
struct child {
    pid_t pid;
    int result;
    struct buffer text;
    double deadline;
    struct job *job;
    long number; /* which of the repetitions */
    unsigned repeats;
    bool expired;
    char *excess; /* what its adapter had too much of, and was ended for */
};

/* One run that is still to be done. */
struct todo {
    struct job *job;
    long number;
    unsigned repeats;
};

struct pool {
    const struct plan *plan;
    struct child *children;
    size_t running;
    struct todo *todo;
    size_t next, count;
    double next_look;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number) { interrupted = number; }

/* ---- One process ---- */

static double case_time(const struct plan *plan, const struct test_case *test) {
    return (CASE_TIME + 4 * test->takes) * plan->scale;
}

static void start(struct child *child, const struct plan *plan, const struct test_case *test,
                  unsigned role, long number) {
    int ends[2];
    if (pipe(ends) != 0) {
        fprintf(stderr, "yotonspec: error: pipe: %s\n", strerror(errno));
        exit(EXIT_HARNESS);
    }
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    struct case_run run = {.test = test,
                           .peer = plan->peer,
                           .role = role,
                           .scale = plan->scale,
                           .deadline = case_time(plan, test),
                           .seed = plan->options->seed + (uint64_t)number,
                           .result = ends[1]};
    fflush(NULL);
    child->pid = fork();
    if (child->pid < 0) {
        fprintf(stderr, "yotonspec: error: fork: %s\n", strerror(errno));
        exit(EXIT_HARNESS);
    }
    if (child->pid == 0) {
        setpgid(0, 0);
#ifdef __linux__
        prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        close(ends[0]);
        run_case(&run);
    }
    setpgid(child->pid, child->pid);
    close(ends[1]);
    child->result = ends[0];
    child->deadline = now() + run.deadline + MERCY;
}

static json_t *harness_fault(const char *what) {
    return json_pack("{s:s, s:s}", "verdict", "error", "why", what);
}

/* What the case says of an adapter that was ended for its excess is only how it looked to it. */
static json_t *amend(json_t *result, const struct child *child) {
    if (child->excess == NULL)
        return result;
    json_object_set_new(result, "verdict", json_string("fail"));
    json_object_set_new(result, "why", json_text(child->excess));
    json_object_set_new(result, "died", json_true());
    json_object_del(result, "left");
    return result;
}

/* Ends the process with all its children, and gives its result. */
static json_t *collect(struct child *child) {
    int status = 0;
    if (child->expired)
        end_descendants(child->pid);
    kill(-child->pid, SIGKILL);
    waitpid(child->pid, &status, 0);
    close(child->result);
    json_error_t error;
    json_t *result =
        json_loadb((char *)child->text.bytes, child->text.size, JSON_ALLOW_NUL, &error);
    if (!json_is_object(result)) {
        json_decref(result);
        result = harness_fault(child->expired        ? "the case hung, and was ended"
                               : WIFSIGNALED(status) ? "the process of the case crashed"
                                                     : "the process of the case gave no verdict");
    }
    result = amend(result, child);
    free(child->text.bytes);
    free(child->excess);
    *child = (struct child){0};
    return result;
}

/* True when the result is complete. */
static bool read_result(struct child *child) {
    char bytes[65536];
    ssize_t size;
    while ((size = read(child->result, bytes, sizeof bytes)) > 0)
        buffer_add(&child->text, bytes, (size_t)size);
    return size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
}

/* ---- The pool ---- */

static void push_todo(struct pool *pool, struct todo todo) {
    pool->todo = more_room(pool->todo, (pool->count + 1) * sizeof *pool->todo);
    pool->todo[pool->count++] = todo;
}

static bool is_verdict(const json_t *result, const char *verdict) {
    return strcmp(json_get_text(result, "verdict"), verdict) == 0;
}

/* Keeps the first result that was no pass, and one that differs from it. A run that was skipped
 * says nothing beside one that was not. */
static void keep_result(struct job *job, json_t *result) {
    const char *verdict = json_get_text(result, "verdict");
    if (job->first == NULL || (is_verdict(job->first, "skip") && !is_verdict(result, "skip"))) {
        json_decref(job->first);
        job->first = result;
    } else if (is_verdict(job->first, verdict) || is_verdict(result, "skip") || job->other) {
        json_decref(result);
    } else if (is_verdict(job->first, "pass")) {
        job->other = job->first;
        job->first = result;
    } else {
        job->other = result;
    }
}

static void count_result(struct job *job, json_t *result) {
    job->runs++;
    job->passed += is_verdict(result, "pass");
    job->seconds = fmax(job->seconds, json_number_value(json_object_get(result, "seconds")));
    keep_result(job, result);
}

/* Takes the result of a child that ended. */
static void settle(struct pool *pool, struct child *child) {
    struct job *job = child->job;
    struct todo again = {job, child->number, child->repeats + 1};
    json_t *result = collect(child);
    pool->running--;
    bool stalled = json_number_value(json_object_get(result, "stall")) > 0;
    /* what no clock explains */
    bool clockless = json_object_get(result, "died") != NULL || json_object_get(result, "flooded");
    if (is_verdict(result, "fail") && !clockless && stalled && again.repeats <= STALL_REPEATS) {
        job->repeated++;
        json_decref(result);
        push_todo(pool, again);
        return;
    }
    count_result(job, result);
    if (job->runs == pool->plan->options->repeat && pool->plan->done != NULL)
        pool->plan->done(pool->plan->context, job);
}

static void start_next(struct pool *pool) {
    struct child *child = pool->children;
    while (child->pid != 0)
        child++;
    const struct todo *todo = &pool->todo[pool->next++];
    *child = (struct child){.job = todo->job, .number = todo->number, .repeats = todo->repeats};
    start(child, pool->plan, todo->job->test, todo->job->role, todo->number);
    pool->running++;
}

/* ---- What adapters use ---- */

static void look_at_child(const struct options *options, struct child *child, struct process *list,
                          size_t count) {
    uint64_t memory = 0;
    size_t found = descendants(list, count, child->pid);
    for (size_t i = 0; i < found; i++)
        memory += list[i].memory;
    memory >>= 20;
    if (options->processes > 0 && found > (size_t)options->processes)
        child->excess = text_of("the peer was ended: it had %zu processes, over the %ld of "
                                "--processes",
                                found, options->processes);
    else if (options->memory > 0 && memory > (uint64_t)options->memory)
        child->excess = text_of("the peer was ended: it had %llu MiB of memory, over the %ld of "
                                "--memory",
                                (unsigned long long)memory, options->memory);
    if (child->excess != NULL)
        end_descendants(child->pid);
}

static void look_at_children(struct pool *pool, size_t most) {
    size_t count;
    struct process *list = all_processes(&count);
    for (size_t i = 0; i < most; i++)
        if (pool->children[i].pid != 0 && pool->children[i].excess == NULL)
            look_at_child(pool->plan->options, &pool->children[i], list, count);
    free(list);
    pool->next_look = now() + LOOK;
}

/* ---- Waiting ---- */

/* When this process stood still, so did the cases, most likely: their time goes on from here. */
static void forgive(struct pool *pool, size_t most, double late) {
    for (size_t i = 0; late > STALL && i < most; i++)
        pool->children[i].deadline += late;
}

static void wait_children(struct pool *pool, size_t most) {
    struct pollfd *list = room(most * sizeof *list);
    double before = now(), until = pool->next_look;
    for (size_t i = 0; i < most; i++) {
        const struct child *child = &pool->children[i];
        list[i] = (struct pollfd){.fd = child->pid ? child->result : -1, .events = POLLIN};
        if (child->pid)
            until = fmin(until, child->deadline);
    }
    int milliseconds = until > before ? (int)((until - before) * 1000) + 1 : 0;
    int ready = poll(list, (nfds_t)most, milliseconds);
    forgive(pool, most, now() - before - milliseconds / 1000.0);
    if (now() >= pool->next_look)
        look_at_children(pool, most);
    for (size_t i = 0; i < most; i++) {
        struct child *child = &pool->children[i];
        if (child->pid == 0)
            continue;
        child->expired = now() > child->deadline;
        if ((ready > 0 && list[i].revents != 0 && read_result(child)) || child->expired)
            settle(pool, child);
    }
    free(list);
}

static void watch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

/* The longest first, so that the end of the run is not the wait for one of them. */
static int by_length(const void *a, const void *b) {
    const struct todo *one = a, *two = b;
    double difference = two->job->test->takes - one->job->test->takes;
    if (difference != 0)
        return difference > 0 ? 1 : -1;
    if (one->number != two->number)
        return one->number > two->number ? 1 : -1;
    return one->job > two->job ? 1 : one->job < two->job ? -1 : 0;
}

int run_plan(struct plan *plan) {
    size_t most = plan->peer->address != NULL ? 1 : (size_t)plan->options->jobs;
    struct pool pool = {.plan = plan, .children = room(most * sizeof *pool.children)};
    for (long number = 0; number < plan->options->repeat; number++)
        for (size_t i = 0; i < plan->count; i++)
            if (plan->jobs[i].runs == 0) /* else it has its verdict already */
                push_todo(&pool, (struct todo){&plan->jobs[i], number, 0});
    if (plan->peer->address == NULL)
        qsort(pool.todo, pool.count, sizeof *pool.todo, by_length);
    watch_signals();
    adopt_orphans();
    while ((pool.next < pool.count || pool.running > 0) && !interrupted) {
        while (pool.next < pool.count && pool.running < most)
            start_next(&pool);
        wait_children(&pool, most);
    }
    for (size_t i = 0; i < most; i++) {
        pool.children[i].expired = true;
        if (pool.children[i].pid != 0)
            json_decref(collect(&pool.children[i]));
    }
    end_descendants(getpid());
    free(pool.children);
    free(pool.todo);
    return interrupted;
}

json_t *run_probe(const struct options *options, const struct peer *peer) {
    struct job job = {.test = &probe_case, .role = ROLE_HOST};
    struct options once = *options;
    once.repeat = 1;
    struct plan plan = {
        .options = &once, .peer = peer, .scale = options->timeout_scale, .jobs = &job, .count = 1};
    int signal = run_plan(&plan);
    return signal == 0 ? job.first : harness_fault("interrupted");
}
