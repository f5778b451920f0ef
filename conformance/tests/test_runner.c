/* SPDX-License-Identifier: BSD-2-Clause */
/* The runner against cases that crash, hang, say nothing, or were held up by the machine. */
#include "engine/runner.h"
#include "engine/tester.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* After the engine: it makes macros of fail and skip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void good(tester *t) { (void)t; }

static void crashes(tester *t) {
    (void)t;
    raise(SIGKILL); /* no handler of a sanitizer has a say in it */
}

static void hangs(tester *t) {
    (void)t;
    for (;;)
        pause();
}

static void says_nothing(tester *t) {
    (void)t;
    _exit(0);
}

static void overruns(tester *t) {
    for (;;)
        pump(t, now() + 0.01);
}

static void fails(tester *t) { peer_failed(t, "died", "it is made to"); }

static void was_held_up(tester *t) {
    t->stall = 1;
    peer_failed(t, "hung", "too late");
}

static void floods_meanwhile(tester *t) {
    t->stall = 1;
    peer_failed(t, "flooded", "too much");
}

/* A machine that was suspended: only some clocks went on. */
static time_t asleep;

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time) {
    int error = __real_clock_gettime(clock, time);
    if (clock == CLOCK_BOOTTIME)
        time->tv_sec += asleep;
    return error;
}

static void was_suspended(tester *t) {
    pump(t, now());
    asleep = 5;
    pump(t, now());
    peer_failed(t, "hung", "too late");
}

static void works_long(tester *t) {
    pump(t, now());
    for (clock_t until = clock() + 3 * CLOCKS_PER_SEC / 20; clock() < until;)
        ;
    pump(t, now());
    check(t, t->stall == 0, "work was taken for a standstill");
}

/* Fails when its random number is odd, so that some seeds pass and some do not. */
static void tosses(tester *t) { check(t, random_number(t) % 2 == 0, "odd"); }

/* Runs one case without an adapter `repeat` times; times are short. */
static struct job run_scaled(void (*run)(tester *t), long repeat, double scale) {
    static struct test_case test;
    test = (struct test_case){.id = "FRAME-3.1", .run = run, .roles = ROLE_HOST};
    struct options options = {.jobs = 4, .repeat = repeat, .seed = 1};
    struct peer peer = {.name = "none", .address = "nowhere"};
    struct job job = {.test = &test, .role = ROLE_HOST};
    struct plan plan = {
        .options = &options, .peer = &peer, .scale = scale, .jobs = &job, .count = 1};
    assert_int_equal(run_plan(&plan), 0);
    assert_int_equal(job.runs, repeat);
    return job;
}

static struct job run_one(void (*run)(tester *t), long repeat) {
    return run_scaled(run, repeat, 0.005);
}

static void has_verdict(struct job *job, const char *verdict, const char *why) {
    assert_string_equal(json_get_text(job->first, "verdict"), verdict);
    const char *said = json_get_text(job->first, "why");
    if (strstr(said, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", said, why);
    json_decref(job->first);
    json_decref(job->other);
}

static void passing(void **state) {
    (void)state;
    struct job job = run_one(good, 5);
    assert_int_equal(job.passed, 5);
    assert_null(job.other);
    has_verdict(&job, "pass", "");
}

static void failing(void **state) {
    (void)state;
    struct job job = run_one(fails, 1);
    assert_true(json_is_true(json_object_get(job.first, "died")));
    has_verdict(&job, "fail", "it is made to");
}

static void broken_cases(void **state) {
    (void)state;
    struct job job = run_one(crashes, 1);
    has_verdict(&job, "error", "crashed");
    job = run_one(says_nothing, 1);
    has_verdict(&job, "error", "no verdict");
    job = run_one(overruns, 1);
    has_verdict(&job, "error", "did not come to an end");
    job = run_one(hangs, 1);
    has_verdict(&job, "error", "hung");
}

static void held_up(void **state) {
    (void)state;
    struct job job = run_one(was_held_up, 1);
    assert_int_equal(job.repeated, 3);
    has_verdict(&job, "fail", "too late");
    job = run_one(was_suspended, 1);
    assert_int_equal(job.repeated, 3);
    has_verdict(&job, "fail", "too late");
    job = run_one(floods_meanwhile, 1); /* no clock is to blame for that */
    assert_int_equal(job.repeated, 0);
    assert_true(json_is_true(json_object_get(job.first, "hung")));
    has_verdict(&job, "fail", "too much");
    job = run_scaled(works_long, 1, 0.1); /* it needs time, and may have to wait for it */
    has_verdict(&job, "pass", "");
}

static void differing(void **state) {
    (void)state;
    struct job job = run_one(tosses, 12);
    assert_in_range(job.passed, 1, 11);
    assert_non_null(job.other);
    assert_string_equal(json_get_text(job.other, "verdict"), "pass");
    has_verdict(&job, "fail", "odd");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passing), cmocka_unit_test(failing),   cmocka_unit_test(broken_cases),
        cmocka_unit_test(held_up), cmocka_unit_test(differing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
