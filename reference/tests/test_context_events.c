/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: what is called when and by whom, waiting, starting and stopping, posting. */
#include "events_rig.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- The order ---- */

static void what_waits_is_called_in_order(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    assert_int_equal(process_now(&d, ""), 0);
    later(&d, 0, 'c');
    later(&d, -1, 'b');
    later(&d, 0, 'd');
    later(&d, -1e-9, 'a'); /* the last is the first, by whatever negative time */
    assert_int_equal(process_now(&d, "abcd"), 4);
    assert_int_equal(process_now(&d, ""), 0);
    desk_close(&d);
}

static void what_has_waited_for_its_time_comes_first(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    later(&d, 0, 'd');
    later(&d, -1, 'c');
    later(&d, 1e-9, 'a');
    later(&d, 1e-9, 'b');
    assert_int_equal(process_now(&d, "abcd"), 4);
    double start;
    do {
        start = now_seconds();
        later(&d, 0.02, 'b'); /* in the order of their times, not of their making */
        later(&d, 0.02, 'c');
        later(&d, 0.01, 'a');
        later(&d, 1000, 'x');
        later(&d, INFINITY, 'y');
    } while (!expect_notes_of(&d, "abc", start, 0.01));
    desk_close(&d); /* what waits is given back, and not called */
    had_notes(&d, "");
}

static void have_more_called(void *user) {
    desk *d = user;
    write_note(note_of(d, '1'));
    later(d, 0, 'n');    /* behind: the next call */
    later(d, 1e-9, 'm'); /* its time comes after this call began: the next one, too */
    later(d, -1, '2');   /* in front: this call */
}

static void what_comes_meanwhile_waits_for_the_next_call(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    yoton_call_later(d.events, 0, have_more_called, &d);
    later(&d, 0, '3');
    assert_int_equal(process_now(&d, "123"), 3);
    assert_int_equal(process_now(&d, "mn"), 2);
    yoton_call_later(d.events, 0, have_more_called, &d); /* nobody behind it */
    assert_int_equal(process_now(&d, "12"), 2);
    assert_int_equal(process_now(&d, "mn"), 2);
    desk_close(&d);
}

static void what_cannot_be_called_is_refused(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    expect_error(yoton_call_later(d.events, 0, NULL, NULL), YOTON_E_ARGUMENT, "no function");
    expect_error(yoton_call_later(d.events, NAN, write_note, NULL), YOTON_E_ARGUMENT,
                 "not a number");
    assert_true(isinf(yoton_events_timeout(d.events)));
    desk_close(&d);
    yoton_events_free(NULL);
}

/* Many that wait for their times, some of them given up, against a plain search. */
static void the_order_of_times_holds_among_many(void **state) {
    enum { MANY = 300 };
    static timed all[MANY];
    uint64_t seed = 3;
    (void)state;
    for (int round = 0; round < 20; round++) {
        timed *root = NULL;
        size_t armed = 0;
        for (size_t i = 0; i < MANY; i++) {
            all[i] = (timed){.due = random_next(&seed) % 50, .number = i, .armed = true};
            root = timed_insert(root, &all[i]);
            armed++;
            size_t other = random_next(&seed) % MANY;
            if (random_next(&seed) % 3 == 0 && other <= i && all[other].armed) {
                root = timed_remove(root, &all[other]);
                all[other].armed = false;
                armed--;
            }
        }
        for (; armed > 0; armed--) {
            timed *first = NULL;
            for (size_t i = 0; i < MANY; i++)
                if (all[i].armed && (first == NULL || all[i].due < first->due))
                    first = &all[i];
            assert_ptr_equal(root, first);
            root = timed_remove(root, first);
            first->armed = false;
        }
        assert_null(root);
        memset(all, 0, sizeof all);
    }
}

/* ---- Waiting ---- */

static void it_waits_as_long_as_it_is_told(void **state) {
    desk d;
    double start = now_seconds();
    (void)state;
    desk_open(&d);
    assert_int_equal(yoton_process_events(d.events, NAN), 0);
    assert_int_equal(yoton_process_events(d.events, -1), 0);
    assert_int_equal(yoton_process_events(d.events, 0.05), 0);
    double took = now_seconds() - start;
    assert_true(took >= 0.05 - 1e-6 && took < DEADLINE / 2);
    start = now_seconds();
    later(&d, 0.02, 'a');
    later(&d, 1000, 'x');
    assert_int_equal(yoton_process_events(d.events, YOTON_FOREVER), 1);
    took = now_seconds() - start;
    assert_true(took >= 0.02 - 1e-6 && took < DEADLINE / 2);
    had_notes(&d, "a");
    later(&d, 0, 'b'); /* there already: no waiting */
    assert_int_equal(yoton_process_events(d.events, YOTON_FOREVER), 1);
    desk_close(&d);
}

static void timeout_tells_how_long_to_wait(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    assert_true(yoton_events_timeout(d.events) == YOTON_FOREVER);
    later(&d, INFINITY, 'z');
    later(&d, 1e300, 'z');
    assert_true(yoton_events_timeout(d.events) == YOTON_FOREVER);
    later(&d, 1000, 'y');
    later(&d, 2000, 'z');
    double left = yoton_events_timeout(d.events);
    assert_true(left > 900 && left <= 1000);
    later(&d, 1e-9, 'b');
    assert_int_equal(process_now(&d, "b"), 1);
    later(&d, 0, 'a');
    assert_true(yoton_events_timeout(d.events) == 0);
    desk_close(&d);
}

typedef struct helper {
    desk *d;
    double seconds;
    gate begun, go, over;
    int result;
    uv_thread_t thread;
} helper;

static void help(helper *h, desk *d, uv_thread_cb run) {
    h->d = d;
    gate_init(&h->begun);
    gate_init(&h->go);
    gate_init(&h->over);
    assert_int_equal(uv_thread_create(&h->thread, run, h), 0);
}

static void helped(helper *h) {
    uv_thread_join(&h->thread);
    gate_done(&h->begun);
    gate_done(&h->go);
    gate_done(&h->over);
}

static void post_when_waited_for(void *argument) {
    helper *h = argument;
    await_waiting(h->d->events, NULL);
    later(h->d, h->seconds, 'a');
}

static void another_thread_ends_the_waiting(void **state) {
    const double seconds[] = {0, -1, 0.001};
    (void)state;
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        desk d;
        helper h = {.seconds = seconds[i]};
        desk_open(&d);
        if (i > 0) /* also when it waits for a time */
            later(&d, 1000, 'x');
        help(&h, &d, post_when_waited_for);
        double start = now_seconds();
        assert_int_equal(yoton_process_events(d.events, DEADLINE), 1);
        assert_true(now_seconds() - start < DEADLINE / 2);
        had_notes(&d, "a");
        helped(&h);
        desk_close(&d);
    }
}

/* ---- One thread at a time ---- */

static void hold(void *user) {
    helper *h = user;
    assert_int_equal(yoton_process_events(h->d->events, YOTON_FOREVER), 0);
    expect_error(yoton_start_event_loop(h->d->events), YOTON_E_STATE, "one of its handlers");
    gate_open(&h->begun);
    gate_wait(&h->go);
    later(h->d, 0, 'b'); /* for the one who comes next */
}

static void process_once(void *argument) {
    helper *h = argument;
    h->result = yoton_process_events(h->d->events, DEADLINE);
    gate_open(&h->over);
}

static void open_when_waited_for(void *argument) {
    helper *h = argument;
    await_waiting(h->d->events, NULL);
    gate_open(&h->go);
}

static void one_thread_at_a_time_does_the_work(void **state) {
    desk d, other;
    helper holder = {0};
    uv_thread_t opener;
    (void)state;
    desk_open(&d);
    desk_open(&other);
    yoton_call_later(d.events, 0, hold, &holder);
    later(&d, 0, 'a');
    help(&holder, &d, process_once);
    gate_wait(&holder.begun);
    assert_int_equal(yoton_process_events(d.events, 0), 0);
    assert_int_equal(yoton_process_events(d.events, 0.001), 0);
    later(&other, 0, 'o'); /* another loop has a turn of its own */
    assert_int_equal(process_now(&other, "o"), 1);
    assert_int_equal(uv_thread_create(&opener, open_when_waited_for, &holder), 0);
    assert_int_equal(yoton_process_events(d.events, DEADLINE), 1);
    had_notes(&d, "ab");
    uv_thread_join(&opener);
    helped(&holder);
    assert_int_equal(holder.result, 2);
    desk_close(&other);
    desk_close(&d);
}

/* ---- The loop ---- */

static void stop(void *user) {
    desk *d = user;
    write_note(note_of(d, 's'));
    later(d, -1, 'b'); /* not even this one is called before it ends */
    yoton_stop_event_loop(d->events);
}

static void a_handler_stops_the_loop(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    yoton_stop_event_loop(d.events); /* of nothing: forgotten */
    later(&d, 0.001, 'a');
    yoton_call_later(d.events, 0.002, stop, &d);
    assert_int_equal(yoton_start_event_loop(d.events), YOTON_OK);
    had_notes(&d, "as");
    yoton_call_later(d.events, 0, stop, &d);
    assert_int_equal(yoton_start_event_loop(d.events), YOTON_OK);
    had_notes(&d, "bs");
    assert_int_equal(process_now(&d, "b"), 1);
    yoton_call_later(d.events, 0, stop, &d);
    later(&d, 0, 'c');
    assert_int_equal(yoton_start_event_loop(d.events), YOTON_OK);
    had_notes(&d, "s");
    assert_int_equal(process_now(&d, "bc"), 2);
    yoton_call_later(d.events, 0, stop, &d); /* no loop runs: nothing is stopped */
    later(&d, 0, 'c');
    assert_int_equal(process_now(&d, "sbc"), 3);
    desk_close(&d);
}

static void loop(void *argument) {
    helper *h = argument;
    h->result = yoton_start_event_loop(h->d->events);
    gate_open(&h->over);
}

static void another_thread_stops_the_loop(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    later(&d, 1000, 'x');
    for (int i = 0; i < 3; i++) {
        helper h = {.result = 1};
        help(&h, &d, loop);
        await_waiting(d.events, NULL);
        expect_error(yoton_start_event_loop(d.events), YOTON_E_STATE, "runs already");
        assert_false(gate_is_open(&h.over));
        yoton_stop_event_loop(d.events);
        yoton_stop_event_loop(d.events); /* twice is once */
        helped(&h);
        assert_int_equal(h.result, YOTON_OK);
    }
    had_notes(&d, "");
    desk_close(&d);
}

static void a_loop_that_waits_for_its_turn_stops(void **state) {
    desk d;
    helper holder = {0}, looper = {.result = 1};
    (void)state;
    desk_open(&d);
    yoton_call_later(d.events, 0, hold, &holder);
    help(&holder, &d, process_once);
    gate_wait(&holder.begun);
    help(&looper, &d, loop);
    await_waiting(d.events, NULL);
    yoton_stop_event_loop(d.events);
    helped(&looper);
    assert_int_equal(looper.result, YOTON_OK);
    gate_open(&holder.go);
    helped(&holder);
    desk_close(&d);
}

/* ---- Posting ---- */

enum { POSTERS = 8, EACH = 10000 };

typedef struct poster {
    event event; /* posted again and again: counts only whether the last one is seen */
    desk *d;
    atomic_int posted;
    int seen;
    int numbers[EACH];
    int next;
    bool ordered;
    uv_thread_t thread;
} poster;

static poster posters[POSTERS];

static void get_number(void *user) {
    const int *number = user;
    poster *p = &posters[*number / EACH];
    p->ordered = p->ordered && *number % EACH == p->next;
    p->next++;
}

static void get_post(event *event) {
    poster *p = (void *)event;
    p->seen = atomic_load(&p->posted);
}

static void post_all(void *argument) {
    poster *p = argument;
    for (int i = 0; i < EACH; i++) {
        p->numbers[i] = (int)(p - posters) * EACH + i;
        assert_int_equal(yoton_call_later(p->d->events, 0, get_number, &p->numbers[i]), YOTON_OK);
        atomic_store(&p->posted, i + 1);
        events_post(p->d->events, &p->event);
    }
}

static bool all_seen(void) {
    for (int i = 0; i < POSTERS; i++)
        if (posters[i].next < EACH || posters[i].seen < EACH)
            return false;
    return true;
}

static void many_threads_post_and_nothing_is_lost(void **state) {
    desk d;
    double end = now_seconds() + DEADLINE * 5;
    (void)state;
    desk_open(&d);
    for (int i = 0; i < POSTERS; i++) {
        posters[i].d = &d;
        posters[i].ordered = true;
        posters[i].event.run = get_post;
        assert_int_equal(uv_thread_create(&posters[i].thread, post_all, &posters[i]), 0);
    }
    while (!all_seen() && now_seconds() < end)
        yoton_process_events(d.events, end - now_seconds());
    for (int i = 0; i < POSTERS; i++) {
        uv_thread_join(&posters[i].thread);
        assert_int_equal(posters[i].next, EACH);
        assert_int_equal(posters[i].seen, EACH);
        assert_true(posters[i].ordered);
    }
    assert_int_equal(process_now(&d, ""), 0); /* and nothing is there twice */
    desk_close(&d);
}

/* An event of the tests, which notes its letter and then does as it is told. */
typedef struct own {
    event event;
    desk *d;
    char letter;
    bool again, withdraw;
    helper *h;
} own;

static void run_own(event *event) {
    own *own = (void *)event;
    write_note(note_of(own->d, own->letter));
    if (own->h != NULL) {
        gate_open(&own->h->begun);
        await_waiting(own->d->events, &own->h->over); /* the other one withdraws and waits */
        assert_false(gate_is_open(&own->h->over));
    }
    if (own->again)
        events_post(own->d->events, event);
    if (own->withdraw)
        events_withdraw(own->d->events, event);
}

static void an_event_is_queued_once(void **state) {
    desk d;
    own a = {.event.run = run_own, .d = &d, .letter = 'a', .again = true};
    own b = {.event.run = run_own, .d = &d, .letter = 'b'};
    own c = {.event.run = run_own, .d = &d, .letter = 'c', .again = true, .withdraw = true};
    (void)state;
    desk_open(&d);
    events_withdraw(d.events, &a.event); /* not there: nothing */
    events_post(d.events, &a.event);
    events_post(d.events, &b.event);
    events_post(d.events, &c.event);
    events_post(d.events, &a.event);
    assert_true(a.event.queued && b.event.queued && c.event.queued);
    assert_int_equal(process_now(&d, "abc"), 3);
    assert_true(a.event.queued && !b.event.queued && !c.event.queued);
    events_post(d.events, &b.event);
    events_post(d.events, &c.event);
    events_withdraw(d.events, &b.event); /* from the middle */
    assert_int_equal(process_now(&d, "ac"), 2);
    events_post(d.events, &b.event);
    events_withdraw(d.events, &b.event); /* from the end */
    events_post(d.events, &c.event);
    events_withdraw(d.events, &a.event); /* from the front */
    assert_int_equal(process_now(&d, "c"), 1);
    events_post(d.events, &a.event);
    events_withdraw(d.events, &a.event); /* the last one */
    assert_int_equal(process_now(&d, ""), 0);
    desk_close(&d);
}

static void withdrawing_waits_for_the_run(void **state) {
    desk d;
    helper h = {0};
    own a = {.event.run = run_own, .d = &d, .letter = 'a', .again = true, .h = &h};
    own b = {.event.run = run_own, .d = &d, .letter = 'b'};
    (void)state;
    desk_open(&d);
    events_post(d.events, &a.event);
    help(&h, &d, process_once);
    gate_wait(&h.begun);
    events_withdraw(d.events, &b.event); /* of another one: does not wait */
    events_withdraw(d.events, &a.event);
    assert_int_equal(d.notes[0], 'a'); /* which it did before, and posted itself again */
    assert_false(a.event.queued);
    helped(&h);
    had_notes(&d, "a");
    assert_int_equal(process_now(&d, ""), 0);
    desk_close(&d);
}

static void what_is_left_in_the_queue_is_let_go(void **state) {
    desk d;
    own a = {.event.run = run_own, .d = &d, .letter = 'a'};
    (void)state;
    desk_open(&d);
    events_post(d.events, &a.event);
    later(&d, 0, 'b');
    desk_close(&d);
    had_notes(&d, "");
    assert_false(a.event.queued);
}

/* ---- When something is short ---- */

static void check_memory(void *context, int failing) {
    yoton_events *events;
    int error = yoton_events_new(&events);
    (void)context;
    if (error == YOTON_OK) {
        const double seconds[] = {0, 1000, -1};
        for (int i = 0; i < 3 && error == YOTON_OK; i++)
            error = yoton_call_later(events, seconds[i], write_note, NULL);
    } else {
        assert_null(events);
    }
    if (failing)
        expect_error(error, YOTON_E_NOMEM, "cannot");
    else
        assert_int_equal(error, YOTON_OK);
    yoton_events_free(events);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
#ifdef __SANITIZE_THREAD__
    check_memory(NULL, 0); /* malloc is not ours there */
#else
    assert_int_equal(alloc_fail_each(check_memory, NULL), 4);
#endif
}

static void descriptors_may_be_short(void **state) {
    struct rlimit before, few;
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC); /* all below it are taken */
    yoton_events *events;
    (void)state;
    assert_true(lowest >= 0);
    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (int free = 0; free < 3; free++) {
        few = before;
        few.rlim_cur = (rlim_t)(lowest + free);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        int error = yoton_events_new(&events);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        expect_error(error, YOTON_E_SYSTEM, "cannot make an event loop: too many open files");
        assert_null(events);
        int again = open("/dev/null", O_RDONLY | O_CLOEXEC);
        close(again);
        assert_int_equal(again, lowest); /* none was left open */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_called_in_order),
        cmocka_unit_test(what_has_waited_for_its_time_comes_first),
        cmocka_unit_test(what_comes_meanwhile_waits_for_the_next_call),
        cmocka_unit_test(what_cannot_be_called_is_refused),
        cmocka_unit_test(the_order_of_times_holds_among_many),
        cmocka_unit_test(it_waits_as_long_as_it_is_told),
        cmocka_unit_test(timeout_tells_how_long_to_wait),
        cmocka_unit_test(another_thread_ends_the_waiting),
        cmocka_unit_test(one_thread_at_a_time_does_the_work),
        cmocka_unit_test(a_handler_stops_the_loop),
        cmocka_unit_test(another_thread_stops_the_loop),
        cmocka_unit_test(a_loop_that_waits_for_its_turn_stops),
        cmocka_unit_test(many_threads_post_and_nothing_is_lost),
        cmocka_unit_test(an_event_is_queued_once),
        cmocka_unit_test(withdrawing_waits_for_the_run),
        cmocka_unit_test(what_is_left_in_the_queue_is_let_go),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(descriptors_may_be_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
