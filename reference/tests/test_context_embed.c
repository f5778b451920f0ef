/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop inside another loop: by its descriptor, and by being told. */
#include "events_rig.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- The descriptor ---- */

static bool readable(int fd, int milliseconds) {
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    int ready = poll(&wanted, 1, milliseconds);
    assert_int_equal(wanted.revents, ready > 0 ? POLLIN : 0);
    return ready > 0;
}

/* Becomes so in its time. */
static bool gets_readable(int fd) { return readable(fd, (int)(DEADLINE * 1000)); }

static void have_one_more(void *user) {
    desk *d = user;
    later(d, 0, 'm');
}

static void run_nothing(event *event) { (void)event; }

static void the_descriptor_is_readable_while_events_wait(void **state) {
    desk d;
    event own = {.run = run_nothing};
    (void)state;
    desk_open(&d);
    later(&d, 0, 'a'); /* before anybody asked */
    int fd = yoton_events_fd(d.events);
    assert_true(readable(fd, 0));
    assert_true(readable(fd, 0)); /* by looking it does not end */
    assert_int_equal(process_now(&d, "a"), 1);
    assert_false(readable(fd, 0));
    later(&d, -1, 'a');
    later(&d, 0, 'b');
    assert_int_equal(yoton_events_fd(d.events), fd);
    assert_true(readable(fd, 0));
    assert_int_equal(process_now(&d, "ab"), 2);
    assert_false(readable(fd, 0));
    yoton_call_later(d.events, 0, have_one_more, &d);
    assert_int_equal(process_now(&d, ""), 1);
    assert_true(readable(fd, 0));
    assert_int_equal(process_now(&d, "m"), 1);
    assert_false(readable(fd, 0));
    events_post(d.events, &own);
    assert_true(readable(fd, 0));
    events_withdraw(d.events, &own);
    assert_false(readable(fd, 0));
    desk_close(&d);
}

static void the_descriptor_is_readable_when_a_time_is_over(void **state) {
    desk d;
    yoton_timer *timer;
    (void)state;
    desk_open(&d);
    later(&d, 1000, 'x');
    int fd = yoton_events_fd(d.events);
    assert_false(readable(fd, 0));
    double due = now_seconds() + 0.01 - 1e-6;
    later(&d, 0.01, 'a'); /* earlier than what was waited for */
    assert_true(gets_readable(fd));
    assert_true(now_seconds() > due);
    assert_true(readable(fd, 0));
    assert_int_equal(process_now(&d, "a"), 1);
    assert_false(readable(fd, 0));
    assert_int_equal(yoton_timer_new(d.events, 0.001, 1, &timer), YOTON_OK);
    yoton_timer_start(timer);
    assert_true(gets_readable(fd));
    yoton_timer_stop(timer);
    assert_false(readable(fd, 0));
    yoton_timer_start(timer);
    assert_true(gets_readable(fd));
    yoton_timer_set_interval(timer, 1000);
    yoton_timer_start(timer);
    assert_false(readable(fd, 0));
    yoton_timer_free(timer);
    desk_close(&d);
}

enum { POSTERS = 4, EACH = 2000 };

static void count_one(void *user) { ++*(int *)user; }

typedef struct poster {
    yoton_events *events;
    int *count;
    uv_sem_t answered;
    uv_thread_t thread;
} poster;

static void answer(void *user) {
    poster *p = user;
    ++*p->count;
    uv_sem_post(&p->answered);
}

static void post_each(void *argument) {
    poster *p = argument;
    for (int i = 0; i < EACH; i++) {
        bool asks = i % 100 >= 97; /* until it is answered nothing else comes */
        double seconds = i % 10 == 0 ? 0.001 : 0;
        assert_int_equal(yoton_call_later(p->events, seconds, asks ? answer : count_one,
                                          asks ? (void *)p : p->count),
                         YOTON_OK);
        if (asks)
            uv_sem_wait(&p->answered);
    }
}

static void post_by_all(poster posters[POSTERS], desk *d, int *count) {
    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (poster){.events = d->events, .count = count};
        assert_int_equal(uv_sem_init(&posters[i].answered, 0), 0);
        assert_int_equal(uv_thread_create(&posters[i].thread, post_each, &posters[i]), 0);
    }
}

static void join_all(poster posters[POSTERS]) {
    for (int i = 0; i < POSTERS; i++) {
        uv_thread_join(&posters[i].thread);
        uv_sem_destroy(&posters[i].answered);
    }
}

static void a_loop_that_polls_the_descriptor_gets_all(void **state) {
    desk d;
    poster posters[POSTERS];
    int count = 0;
    (void)state;
    desk_open(&d);
    int fd = yoton_events_fd(d.events);
    post_by_all(posters, &d, &count);
    while (count < POSTERS * EACH) {
        assert_true(gets_readable(fd));
        assert_true(yoton_process_events(d.events, 0) > 0); /* it never says so for nothing */
    }
    join_all(posters);
    assert_false(readable(fd, 0));
    desk_close(&d);
}

/* ---- Being told ---- */

typedef struct wakes {
    desk *d;
    atomic_int count;
    int fd;
    gate begun, over;
    bool left;
} wakes;

static void count_wake(void *user) {
    wakes *w = user;
    yoton_events_timeout(w->d->events); /* no lock is held */
    atomic_fetch_add(&w->count, 1);
}

static void it_tells_what_is_new_once(void **state) {
    desk d;
    wakes w = {.d = &d};
    (void)state;
    desk_open(&d);
    yoton_embed_event_loop(d.events, count_wake, &w);
    assert_int_equal(w.count, 0); /* nothing waits */
    later(&d, 0, 'a');
    assert_int_equal(w.count, 1);
    later(&d, 0, 'b');
    later(&d, 1000, 'x');
    assert_int_equal(w.count, 1); /* it knows already */
    assert_int_equal(process_now(&d, "ab"), 2);
    assert_int_equal(w.count, 1);
    later(&d, -1, 'a');
    assert_int_equal(w.count, 2);
    assert_int_equal(process_now(&d, "a"), 1);
    later(&d, 2000, 'y'); /* there is an earlier one, for which it waits */
    assert_int_equal(w.count, 2);
    later(&d, 500, 'z');
    assert_int_equal(w.count, 3);
    assert_int_equal(process_now(&d, ""), 0);
    yoton_call_later(d.events, 0, have_one_more, &d);
    assert_int_equal(w.count, 4);
    assert_int_equal(process_now(&d, ""), 1); /* what came meanwhile wants another call */
    assert_int_equal(w.count, 5);
    yoton_embed_event_loop(d.events, count_wake, &w); /* something waits */
    assert_int_equal(w.count, 6);
    assert_int_equal(process_now(&d, "m"), 1);
    yoton_embed_event_loop(d.events, NULL, NULL);
    later(&d, 0, 'a');
    assert_int_equal(process_now(&d, "a"), 1);
    assert_int_equal(w.count, 6);
    desk_close(&d);
}

static void stop(void *user) {
    desk *d = user;
    yoton_stop_event_loop(d->events);
}

static void it_tells_what_a_stopped_loop_has_left(void **state) {
    desk d;
    wakes w = {.d = &d};
    (void)state;
    desk_open(&d);
    yoton_embed_event_loop(d.events, count_wake, &w);
    yoton_call_later(d.events, 0, stop, &d);
    later(&d, 0, 'a');
    assert_int_equal(w.count, 1);
    assert_int_equal(yoton_start_event_loop(d.events), YOTON_OK);
    assert_int_equal(w.count, 2);
    assert_int_equal(process_now(&d, "a"), 1);
    assert_int_equal(w.count, 2);
    desk_close(&d);
}

static void wake_fd(void *user) {
    wakes *w = user;
    eventfd_write(w->fd, 1);
}

static void a_loop_that_is_told_gets_all(void **state) {
    desk d;
    wakes w = {.d = &d, .fd = eventfd(0, EFD_NONBLOCK)};
    poster posters[POSTERS];
    int count = 0;
    double end = now_seconds() + DEADLINE * 5;
    (void)state;
    assert_true(w.fd >= 0);
    desk_open(&d);
    yoton_embed_event_loop(d.events, wake_fd, &w);
    post_by_all(posters, &d, &count);
    while (count < POSTERS * EACH && now_seconds() < end) {
        double wait = yoton_events_timeout(d.events);
        eventfd_t value;
        if (readable(w.fd, (int)ceil(fmin(wait, DEADLINE) * 1000)))
            eventfd_read(w.fd, &value);
        else
            assert_true(wait < DEADLINE); /* a time was over; else it must be told */
        yoton_process_events(d.events, 0);
    }
    join_all(posters);
    assert_int_equal(count, POSTERS * EACH);
    yoton_embed_event_loop(d.events, NULL, NULL);
    close(w.fd);
    desk_close(&d);
}

static void hold_wake(void *user) {
    wakes *w = user;
    gate_open(&w->begun);
    await_waiting(w->d->events, &w->over);
    w->left = !gate_is_open(&w->over);
}

static void post_one(void *argument) {
    desk *d = argument;
    later(d, 0, 'a');
}

static void taking_it_away_waits_for_the_call(void **state) {
    desk d;
    wakes w = {.d = &d};
    uv_thread_t thread;
    (void)state;
    desk_open(&d);
    gate_init(&w.begun);
    gate_init(&w.over);
    yoton_embed_event_loop(d.events, hold_wake, &w);
    assert_int_equal(uv_thread_create(&thread, post_one, &d), 0);
    gate_wait(&w.begun);
    yoton_embed_event_loop(d.events, NULL, NULL);
    gate_open(&w.over);
    assert_true(w.left);
    uv_thread_join(&thread);
    assert_int_equal(process_now(&d, "a"), 1);
    gate_done(&w.begun);
    gate_done(&w.over);
    desk_close(&d);
}

static void take_away(void *user) {
    wakes *w = user;
    yoton_embed_event_loop(w->d->events, NULL, NULL); /* from there: does not wait */
    atomic_fetch_add(&w->count, 1);
}

static void it_can_be_taken_away_from_its_call(void **state) {
    desk d;
    wakes w = {.d = &d};
    (void)state;
    desk_open(&d);
    yoton_embed_event_loop(d.events, take_away, &w);
    later(&d, 0, 'a');
    assert_int_equal(process_now(&d, "a"), 1);
    later(&d, 0, 'b');
    assert_int_equal(w.count, 1);
    desk_close(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_descriptor_is_readable_while_events_wait),
        cmocka_unit_test(the_descriptor_is_readable_when_a_time_is_over),
        cmocka_unit_test(a_loop_that_polls_the_descriptor_gets_all),
        cmocka_unit_test(it_tells_what_is_new_once),
        cmocka_unit_test(it_tells_what_a_stopped_loop_has_left),
        cmocka_unit_test(a_loop_that_is_told_gets_all),
        cmocka_unit_test(taking_it_away_waits_for_the_call),
        cmocka_unit_test(it_can_be_taken_away_from_its_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
