/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers: when they fire, and when they do not. */
#include "events_rig.h"

/* The argument is the timer. */
static void note_timer(void *argument, void *user) {
    assert_true(yoton_timer_interval(argument) >= 0);
    write_note(user);
}

static void note_running(void *argument, void *user) {
    desk *d = user;
    write_note(note_of(d, yoton_timer_running(argument) ? 'r' : 's'));
}

static yoton_timer *make(desk *d, double interval, int oneshot, char letter) {
    yoton_timer *timer;
    assert_int_equal(yoton_timer_new(d->events, interval, oneshot, &timer), YOTON_OK);
    assert_int_equal(yoton_signal_bind(yoton_timer_signal(timer), note_timer, note_of(d, letter)),
                     YOTON_OK);
    return timer;
}

static void attach(yoton_timer *timer, yoton_signal_fn fn, void *user) {
    assert_int_equal(yoton_signal_bind(yoton_timer_signal(timer), fn, user), YOTON_OK);
}

static bool nothing_waits(desk *d) { return yoton_events_timeout(d->events) == YOTON_FOREVER; }

static bool waits_long(desk *d) {
    double timeout = yoton_events_timeout(d->events);
    return timeout > 900 && timeout <= 1000;
}

/* ---- Firing ---- */

static void a_oneshot_fires_once_for_each_start(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    yoton_timer *timer = make(&d, 0.01, 1, 't');
    attach(timer, note_running, &d);
    assert_false(yoton_timer_running(timer));
    assert_true(nothing_waits(&d));
    for (int i = 0; i < 2; i++) {
        double start = now_seconds();
        yoton_timer_start(timer);
        assert_true(yoton_timer_running(timer));
        assert_int_equal(yoton_process_events(d.events, DEADLINE), 2); /* both handlers */
        had_notes(&d, "ts");
        assert_true(now_seconds() - start >= 0.01 - 1e-6);
        assert_false(yoton_timer_running(timer));
        assert_true(nothing_waits(&d));
    }
    yoton_timer_free(timer);
    yoton_timer_free(NULL);
    desk_close(&d);
}

static void another_one_repeats(void **state) {
    desk d;
    double start = now_seconds();
    (void)state;
    desk_open(&d);
    yoton_timer *timer = make(&d, 0.004, 0, 't');
    attach(timer, note_running, &d);
    yoton_timer_start(timer);
    expect_notes(&d, "trtrtrtr");
    assert_true(now_seconds() - start >= 4 * 0.004 - 1e-6);
    assert_true(yoton_timer_running(timer));
    yoton_timer_stop(timer);
    assert_false(yoton_timer_running(timer));
    assert_true(nothing_waits(&d));
    yoton_timer_start(timer); /* freed while it runs */
    yoton_timer_free(timer);
    assert_true(nothing_waits(&d));
    desk_close(&d);
}

static void it_keeps_its_rhythm_and_skips_what_it_missed(void **state) {
    const yoton_time interval = YOTON_MS;
    desk d, other;
    (void)state;
    desk_open(&d);
    desk_open(&other);
    yoton_timer *timer = make(&d, 0.001, 0, 't');
    yoton_timer_start(timer);
    for (int i = 0; i < 3; i++) {
        yoton_time due = d.events->timers->due;
        assert_int_equal(yoton_process_events(other.events, 0.01), 0); /* ten of them pass */
        assert_int_equal(process_now(&d, "t"), 1);
        yoton_time next = d.events->timers->due;
        assert_true(next > d.events->now && next <= d.events->now + interval);
        assert_int_equal((next - due) % interval, 0);
        assert_true(next - due >= 10 * interval);
    }
    yoton_timer_free(timer);
    desk_close(&other);
    desk_close(&d);
}

static void timers_fire_in_the_order_of_their_times(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    yoton_timer *c = make(&d, 0.03, 1, 'c');
    yoton_timer *b = make(&d, 0.010, 1, 'b');
    yoton_timer *none;
    assert_int_equal(yoton_timer_new(d.events, 0, 1, &none), YOTON_OK);
    double start;
    do {
        start = now_seconds();
        yoton_timer_start(c);
        yoton_timer_start(b);
        later(&d, 0.02, 'x');
        later(&d, 0.005, 'a');
    } while (!expect_notes_of(&d, "abxc", start, 0.005));
    yoton_timer_start(none); /* fires, and nobody is called */
    assert_int_equal(yoton_process_events(d.events, DEADLINE), 0);
    assert_false(yoton_timer_running(none));
    yoton_timer_free(none);
    yoton_timer_free(b);
    yoton_timer_free(c);
    desk_close(&d);
}

static void an_interval_of_zero_fires_in_each_call(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    yoton_timer *timer = make(&d, 0, 0, 't');
    yoton_timer_start(timer);
    later(&d, 0, 'a'); /* is not kept from its turn */
    assert_int_equal(process_now(&d, "ta"), 2);
    assert_int_equal(process_now(&d, "t"), 1);
    assert_int_equal(process_now(&d, "t"), 1);
    yoton_timer_free(timer);
    desk_close(&d);
}

/* ---- Stopping and starting anew ---- */

static void stop_another(void *user) { yoton_timer_stop(user); }

static void what_is_stopped_does_not_fire(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    yoton_timer *timer = make(&d, 1e-9, 1, 't');
    yoton_timer_stop(timer); /* does not run: nothing */
    yoton_timer_start(timer);
    yoton_timer_stop(timer); /* its time was over already */
    assert_int_equal(process_now(&d, ""), 0);
    yoton_call_later(d.events, 1e-9, stop_another, timer); /* due before it in the same call */
    yoton_timer_start(timer);
    assert_int_equal(process_now(&d, ""), 1);
    assert_false(yoton_timer_running(timer));
    yoton_timer_start(timer);
    assert_int_equal(process_now(&d, "t"), 1);
    yoton_timer_free(timer);
    desk_close(&d);
}

static void a_start_is_a_new_beginning(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    yoton_timer *timer = make(&d, 0.001, 1, 't');
    yoton_timer_start(timer);
    assert_int_equal(yoton_timer_set_interval(timer, 1000), YOTON_OK);
    yoton_timer_start(timer);
    assert_true(waits_long(&d));
    assert_int_equal(yoton_process_events(d.events, 0.003), 0);
    assert_int_equal(yoton_timer_set_interval(timer, 0.001), YOTON_OK);
    assert_true(waits_long(&d)); /* it keeps its end */
    yoton_timer_start(timer);
    yoton_timer_start(timer); /* twice is once */
    expect_notes(&d, "t");
    assert_true(nothing_waits(&d));
    yoton_timer_free(timer);
    desk_close(&d);
}

/* ---- Settings ---- */

static void settings_count_from_the_next_repetition(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    yoton_timer *timer = make(&d, 0.001, 0, 't');
    yoton_timer_start(timer);
    yoton_timer_set_interval(timer, 1000);
    expect_notes(&d, "t");
    assert_true(waits_long(&d));
    yoton_timer_set_interval(timer, INFINITY); /* never */
    yoton_timer_start(timer);
    assert_true(yoton_timer_running(timer) && nothing_waits(&d));
    yoton_timer_set_interval(timer, 0.001);
    yoton_timer_start(timer);
    yoton_timer_set_interval(timer, INFINITY);
    expect_notes(&d, "t");
    assert_true(yoton_timer_running(timer) && nothing_waits(&d));
    yoton_timer_set_interval(timer, 0.001);
    yoton_timer_start(timer);
    yoton_timer_set_oneshot(timer, 1);
    expect_notes(&d, "t");
    assert_false(yoton_timer_running(timer));
    yoton_timer_start(timer);
    yoton_timer_set_oneshot(timer, 0);
    expect_notes(&d, "tt");
    assert_true(yoton_timer_running(timer));
    yoton_timer_free(timer);
    desk_close(&d);
}

static void settings_are_read_and_checked(void **state) {
    const double bad[] = {-1, -1e-9, NAN, -INFINITY};
    desk d;
    (void)state;
    desk_open(&d);
    yoton_timer *timer = make(&d, 0.25, 7, 't');
    yoton_timer *none;
    assert_true(yoton_timer_interval(timer) == 0.25);
    assert_int_equal(yoton_timer_oneshot(timer), 1);
    yoton_timer_set_oneshot(timer, 0);
    assert_int_equal(yoton_timer_oneshot(timer), 0);
    assert_int_equal(yoton_timer_set_interval(timer, 0), YOTON_OK);
    assert_true(yoton_timer_interval(timer) == 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_error(yoton_timer_set_interval(timer, bad[i]), YOTON_E_ARGUMENT, "an interval is 0");
        expect_error(yoton_timer_new(d.events, bad[i], 1, &none), YOTON_E_ARGUMENT,
                     "an interval is 0");
        assert_null(none);
    }
    assert_true(yoton_timer_interval(timer) == 0);
    yoton_timer_free(timer);
    desk_close(&d);
}

/* ---- Handlers that change their timer ---- */

static void stop_it(void *argument, void *user) {
    (void)user;
    yoton_timer_stop(argument);
}

static void start_it(void *argument, void *user) {
    (void)user;
    yoton_timer_start(argument);
}

static void free_it(void *argument, void *user) {
    desk *d = user;
    uintptr_t was = (uintptr_t)argument;
    yoton_timer_free(argument);
    for (const call *call = d->events->calls; call != NULL; call = call->next)
        assert_true((uintptr_t)call->what != was); /* what gets its place is not called */
}

static void handlers_change_their_timer(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    yoton_timer *timer = make(&d, 0.001, 0, 't');
    attach(timer, stop_it, NULL);
    attach(timer, note_running, &d); /* the others are still called for this time */
    yoton_timer_start(timer);
    expect_notes(&d, "ts");
    assert_true(nothing_waits(&d));
    yoton_signal_unbind(yoton_timer_signal(timer), stop_it, NULL);
    yoton_timer_set_oneshot(timer, 1);
    yoton_timer_set_interval(timer, 0);
    attach(timer, start_it, NULL);
    yoton_timer_start(timer);
    assert_int_equal(process_now(&d, "ts"), 3); /* anew: in the next call */
    assert_int_equal(process_now(&d, "ts"), 3);
    yoton_signal_unbind(yoton_timer_signal(timer), note_running, &d);
    attach(timer, free_it, &d);
    attach(timer, note_running, &d); /* is not called any more: it would be given what is gone */
    assert_int_equal(process_now(&d, "t"), 3);
    assert_true(nothing_waits(&d));
    desk_close(&d);
}

/* ---- When memory is short ---- */

static void check_memory(void *context, int failing) {
    desk *d = context;
    yoton_timer *timer;
    int error = yoton_timer_new(d->events, 0, 1, &timer);
    if (error == YOTON_OK) {
        error = yoton_signal_bind(yoton_timer_signal(timer), note_timer, note_of(d, 't'));
        yoton_timer_start(timer); /* this and the firing need none */
        process_now(d, error == YOTON_OK ? "t" : "");
    } else {
        assert_null(timer);
    }
    if (failing)
        expect_error(error, YOTON_E_NOMEM, "cannot");
    else
        assert_int_equal(error, YOTON_OK);
    yoton_timer_free(timer);
}

static void every_allocation_may_fail(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
#ifdef __SANITIZE_THREAD__
    check_memory(&d, 0); /* malloc is not ours there */
#else
    assert_int_equal(alloc_fail_each(check_memory, &d), 3);
#endif
    desk_close(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_oneshot_fires_once_for_each_start),
        cmocka_unit_test(another_one_repeats),
        cmocka_unit_test(it_keeps_its_rhythm_and_skips_what_it_missed),
        cmocka_unit_test(timers_fire_in_the_order_of_their_times),
        cmocka_unit_test(an_interval_of_zero_fires_in_each_call),
        cmocka_unit_test(what_is_stopped_does_not_fire),
        cmocka_unit_test(a_start_is_a_new_beginning),
        cmocka_unit_test(settings_count_from_the_next_repetition),
        cmocka_unit_test(settings_are_read_and_checked),
        cmocka_unit_test(handlers_change_their_timer),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
