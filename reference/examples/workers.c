/* SPDX-License-Identifier: BSD-2-Clause */
/* The manual's multiple request/reply: two requesters share three repliers. A requester first asks
 * all repliers who is free, and sends the request itself to the first who says so. So every request
 * is answered once, and a replier that is busy gets less to do.
 *
 *     ann ---- slow ---- quick ---- brisk ---- bob
 *     req      rep       rep        rep        req
 *
 *     cc -o workers workers.c -lyoton
 *     ./workers
 *
 * It prints who answered how many requests of whom. To be near is no advantage for `slow`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include <yoton/yoton.h>

enum { REQUESTERS = 2, WORKERS = 3, NODES = REQUESTERS + WORKERS, JOBS = 40 };

static const char *const requesters[REQUESTERS] = {"ann", "bob"};

/* A worker's own thread alone writes to it, until its channel is freed. */
typedef struct worker {
    const char *name;
    int milliseconds; /* what a job takes */
    int done[REQUESTERS][JOBS];
} worker;

static void must(int error) {
    if (error == YOTON_OK)
        return;
    fprintf(stderr, "workers: %s\n", yoton_error_text());
    exit(1);
}

/* Job number `args[1]` of requester `args[0]`: takes its time, and says who did it. */
static int work(yoton_channel *rep, const yoton_value *args, const yoton_value *kwargs,
                yoton_value *result, void *user) {
    worker *self = user;
    const yoton_value *items = args->as.list.items;
    (void)rep, (void)kwargs;
    if (args->as.list.count != 2 || items[0].type != YOTON_INT || items[1].type != YOTON_INT)
        return YOTON_E_ARGUMENT;
    int64_t who = items[0].as.integer, job = items[1].as.integer;
    if (who < 0 || who >= REQUESTERS || job < 0 || job >= JOBS)
        return YOTON_E_ARGUMENT;
    thrd_sleep(&(struct timespec){.tv_nsec = self->milliseconds * 1000000L}, NULL);
    self->done[who][job]++;
    return yoton_value_string(result, self->name, strlen(self->name));
}

static void join(yoton_context *host, yoton_context *guest) {
    yoton_connection *bound, *connected;
    yoton_connection_info info;
    char address[32];
    must(yoton_context_bind(host, "localhost:0", 1, NULL, &bound));
    yoton_connection_get_info(bound, &info);
    snprintf(address, sizeof address, "localhost:%u", (unsigned)info.port1);
    must(yoton_context_connect(guest, address, 10.0, NULL, &connected));
    yoton_connection_unref(bound);
    yoton_connection_unref(connected);
}

static yoton_channel *open_channel(yoton_context *context, yoton_channel_kind kind) {
    yoton_channel *channel;
    must(yoton_channel_open(context, kind, "jobs", strlen("jobs"), YOTON_OBJ, &channel));
    return channel;
}

static yoton_future *post(yoton_channel *req, int who, int job) {
    yoton_value items[2] = {{.type = YOTON_INT, .as.integer = who},
                            {.type = YOTON_INT, .as.integer = job}};
    const yoton_value args = {.type = YOTON_TUPLE, .as.list = {.items = items, .count = 2}};
    yoton_future *future;
    must(yoton_call(req, "work", &args, NULL, &future)); /* does not wait */
    must(yoton_future_set_auto_cancel_timeout(future, 60.0));
    return future;
}

/* All requests are posted before the first answer is waited for. Returns how many were answered. */
static int post_all(yoton_channel *const req[REQUESTERS]) {
    static yoton_future *futures[REQUESTERS][JOBS];
    int answered = 0;
    for (int job = 0; job < JOBS; job++)
        for (int who = 0; who < REQUESTERS; who++)
            futures[who][job] = post(req[who], who, job);
    for (int job = 0; job < JOBS; job++)
        for (int who = 0; who < REQUESTERS; who++) {
            const yoton_value *name;
            must(yoton_future_result(futures[who][job], 60.0, &name));
            answered++;
            yoton_future_unref(futures[who][job]);
        }
    return answered;
}

static int sum_of(const int *numbers) {
    int sum = 0;
    for (int job = 0; job < JOBS; job++)
        sum += numbers[job];
    return sum;
}

static void print_table(const worker workers[WORKERS], int answered) {
    int once = 0;
    printf("%-8s %5s %5s %5s\n", "answered", requesters[0], requesters[1], "all");
    for (int i = 0; i < WORKERS; i++) {
        int a = sum_of(workers[i].done[0]), b = sum_of(workers[i].done[1]);
        printf("%-8s %5d %5d %5d\n", workers[i].name, a, b, a + b);
    }
    for (int who = 0; who < REQUESTERS; who++)
        for (int job = 0; job < JOBS; job++) {
            int times = 0;
            for (int i = 0; i < WORKERS; i++)
                times += workers[i].done[who][job];
            once += times == 1;
        }
    printf("%d requests, %d answered, %d done exactly once\n", REQUESTERS * JOBS, answered, once);
}

int main(void) {
    static worker workers[WORKERS] = {{.name = "slow", .milliseconds = 200},
                                      {.name = "quick", .milliseconds = 4},
                                      {.name = "brisk", .milliseconds = 4}};
    yoton_context *line[NODES];
    yoton_channel *req[REQUESTERS], *rep[WORKERS];
    for (int i = 0; i < NODES; i++)
        must(yoton_context_new(NULL, &line[i]));
    for (int i = 0; i < WORKERS; i++) {
        rep[i] = open_channel(line[1 + i], YOTON_REP);
        must(yoton_rep_set_method(rep[i], "work", work, &workers[i]));
        must(yoton_rep_set_mode(rep[i], YOTON_REP_THREAD));
    }
    req[0] = open_channel(line[0], YOTON_REQ);
    req[1] = open_channel(line[NODES - 1], YOTON_REQ);
    for (int i = 1; i < NODES; i++)
        join(line[i - 1], line[i]);

    int answered = post_all(req);

    for (int i = 0; i < WORKERS; i++)
        yoton_channel_free(rep[i]); /* its thread has ended: the counts stand still */
    for (int i = 0; i < REQUESTERS; i++)
        yoton_channel_free(req[i]);
    for (int i = 0; i < NODES; i++)
        yoton_context_free(line[i]);
    print_table(workers, answered);
    return 0;
}
