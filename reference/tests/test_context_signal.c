/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: who is told of what, and when what was emitted is let go. */
#include "events_rig.h"

#include <stdatomic.h>

static yoton_signal *make(desk *d) {
    yoton_signal *signal;
    assert_int_equal(yoton_signal_new(d->events, &signal), YOTON_OK);
    return signal;
}

static void attach(yoton_signal *signal, desk *d, char letter) {
    assert_int_equal(yoton_signal_bind(signal, write_note_signal, note_of(d, letter)), YOTON_OK);
}

static void detach(yoton_signal *signal, desk *d, char letter) {
    yoton_signal_unbind(signal, write_note_signal, note_of(d, letter));
}

/* An argument that counts how often it was released. */
typedef struct thing {
    char letter;
    int released;
} thing;

static void release(void *argument) {
    thing *thing = argument;
    thing->released++;
}

static void emit(yoton_signal *signal, thing *thing) {
    assert_int_equal(yoton_signal_emit(signal, thing, release), YOTON_OK);
}

/* ---- Binding and emitting ---- */

static void each_handler_is_told_in_order(void **state) {
    desk d;
    thing x = {.letter = 'x'}, y = {.letter = 'y'};
    (void)state;
    desk_open(&d);
    yoton_signal *signal = make(&d);
    attach(signal, &d, 'a');
    attach(signal, &d, 'b');
    attach(signal, &d, 'a'); /* counts once */
    assert_int_equal(yoton_signal_handlers(signal), 2);
    later(&d, 0, '1');
    emit(signal, &x);
    later(&d, 0, '2');
    emit(signal, &y);
    attach(signal, &d, 'c'); /* was not bound yet */
    had_notes(&d, "");
    assert_int_equal(process_now(&d, "1axbx2ayby"), 6);
    assert_int_equal(x.released, 1);
    assert_int_equal(y.released, 1);
    assert_int_equal(yoton_signal_emit(signal, NULL, NULL), YOTON_OK);
    assert_int_equal(process_now(&d, "abc"), 3);
    expect_error(yoton_signal_bind(signal, NULL, NULL), YOTON_E_ARGUMENT, "no function");
    assert_int_equal(yoton_signal_handlers(signal), 3);
    yoton_signal_free(signal);
    yoton_signal_free(NULL);
    desk_close(&d);
}

static void the_unbound_are_not_told(void **state) {
    desk d;
    thing x = {.letter = 'x'}, y = {.letter = 'y'};
    (void)state;
    desk_open(&d);
    yoton_signal *signal = make(&d);
    attach(signal, &d, 'a');
    attach(signal, &d, 'b');
    attach(signal, &d, 'c');
    emit(signal, &x);
    emit(signal, &y);
    detach(signal, &d, 'z'); /* never bound: nothing */
    yoton_signal_unbind(signal, write_note_signal, NULL);
    assert_int_equal(yoton_signal_handlers(signal), 3);
    detach(signal, &d, 'b'); /* what was emitted already, too */
    assert_int_equal(yoton_signal_handlers(signal), 2);
    assert_int_equal(x.released + y.released, 0);
    attach(signal, &d, 'b'); /* is new then, and the last */
    assert_int_equal(process_now(&d, "axcxaycy"), 4);
    emit(signal, &x);
    assert_int_equal(process_now(&d, "axcxbx"), 3);
    emit(signal, &x);
    detach(signal, &d, 'b'); /* the last of the list */
    attach(signal, &d, 'd');
    emit(signal, &y);
    assert_int_equal(process_now(&d, "axcxaycydy"), 5);
    emit(signal, &x);
    yoton_signal_unbind(signal, NULL, NULL);
    assert_int_equal(yoton_signal_handlers(signal), 0);
    assert_int_equal(x.released, 4); /* at once: nobody needs it any more */
    assert_int_equal(process_now(&d, ""), 0);
    yoton_signal_free(signal);
    desk_close(&d);
}

static void read_released(void *argument, void *user) {
    const thing *thing = argument;
    *(int *)user = thing->released;
}

static void what_is_emitted_is_released_once(void **state) {
    desk d;
    thing x = {.letter = 'x'};
    int seen[2] = {-1, -1};
    (void)state;
    desk_open(&d);
    yoton_signal *signal = make(&d);
    emit(signal, &x); /* to nobody */
    assert_int_equal(x.released, 1);
    yoton_signal_bind(signal, read_released, &seen[0]);
    yoton_signal_bind(signal, read_released, &seen[1]);
    emit(signal, &x);
    assert_int_equal(yoton_process_events(d.events, 0), 2);
    assert_int_equal(seen[0], 1); /* not before the last one has it */
    assert_int_equal(seen[1], 1);
    assert_int_equal(x.released, 2);
    emit(signal, &x);
    yoton_signal_unbind(signal, read_released, &seen[1]);
    assert_int_equal(x.released, 2);
    assert_int_equal(yoton_process_events(d.events, 0), 1);
    assert_int_equal(x.released, 3);
    emit(signal, &x);
    yoton_signal_unbind(signal, read_released, &seen[0]);
    assert_int_equal(x.released, 4);
    attach(signal, &d, 'a');
    attach(signal, &d, 'b');
    emit(signal, &x);
    emit(signal, &x);
    yoton_signal_free(signal);
    assert_int_equal(x.released, 6);
    assert_int_equal(process_now(&d, ""), 0);
    desk_close(&d);
}

/* ---- Handlers that change what calls them ---- */

typedef struct plan {
    desk *d;
    yoton_signal *signal;
    void (*act)(struct plan *plan);
    char letter;
} plan;

static void follow_plan(void *argument, void *user) {
    plan *p = user;
    (void)argument;
    write_note(note_of(p->d, p->letter));
    p->act(p);
}

static void rebind_others(plan *p) {
    detach(p->signal, p->d, 'b');
    attach(p->signal, p->d, 'c');
}

static void unbind_itself(plan *p) { yoton_signal_unbind(p->signal, follow_plan, p); }

static void rebind_itself(plan *p) {
    unbind_itself(p);
    assert_int_equal(yoton_signal_bind(p->signal, follow_plan, p), YOTON_OK);
    p->act = unbind_itself;
}

static void free_signal(plan *p) { yoton_signal_free(p->signal); }

static void emit_again(plan *p) {
    p->act = unbind_itself;
    yoton_signal_emit_now(p->signal, NULL);
}

static yoton_signal *make_plan(plan *p, desk *d, void (*act)(plan *)) {
    *p = (plan){.d = d, .signal = make(d), .act = act, .letter = 'p'};
    assert_int_equal(yoton_signal_bind(p->signal, follow_plan, p), YOTON_OK);
    attach(p->signal, d, 'b');
    attach(p->signal, d, 'd');
    return p->signal;
}

static void emit_now_calls_at_once(void **state) {
    desk d;
    plan p;
    thing x = {.letter = 'x'};
    (void)state;
    desk_open(&d);
    yoton_signal *signal = make_plan(&p, &d, rebind_others);
    yoton_signal_emit_now(signal, NULL);
    had_notes(&d, "pd");
    assert_int_equal(yoton_signal_handlers(signal), 3);
    p.act = unbind_itself;
    yoton_signal_emit_now(signal, &x);
    had_notes(&d, "pdxcx");
    yoton_signal_emit_now(signal, NULL);
    had_notes(&d, "dc");
    assert_int_equal(x.released, 0); /* it stays the caller's */
    yoton_signal_unbind(signal, NULL, NULL);
    yoton_signal_emit_now(signal, &x); /* to nobody */
    yoton_signal_free(signal);
    signal = make_plan(&p, &d, rebind_itself);
    yoton_signal_emit_now(signal, NULL);
    had_notes(&d, "pbd");
    assert_int_equal(yoton_signal_handlers(signal), 3);
    yoton_signal_emit_now(signal, NULL);
    had_notes(&d, "bdp");
    yoton_signal_free(signal);
    signal = make_plan(&p, &d, emit_again);
    yoton_signal_emit_now(signal, NULL);
    had_notes(&d, "ppbdbd");
    assert_int_equal(yoton_signal_handlers(signal), 2);
    yoton_signal_free(signal);
    signal = make_plan(&p, &d, free_signal);
    yoton_signal_emit_now(signal, NULL);
    had_notes(&d, "p"); /* the others do not hear of it */
    desk_close(&d);
}

static void handlers_change_what_was_emitted(void **state) {
    desk d;
    plan p;
    thing x = {.letter = 'x'};
    (void)state;
    desk_open(&d);
    yoton_signal *signal = make_plan(&p, &d, rebind_others);
    emit(signal, &x);
    assert_int_equal(process_now(&d, "pdx"), 2);
    p.act = unbind_itself;
    emit(signal, &x);
    emit(signal, &x);
    assert_int_equal(process_now(&d, "pdxcxdxcx"), 5);
    assert_int_equal(yoton_signal_handlers(signal), 2);
    yoton_signal_free(signal);
    assert_int_equal(x.released, 3);
    make_plan(&p, &d, free_signal);
    emit(p.signal, &x);
    emit(p.signal, &x);
    assert_int_equal(process_now(&d, "p"), 1);
    assert_int_equal(x.released, 5);
    desk_close(&d);
}

/* ---- Threads ---- */

typedef struct helper {
    desk *d;
    gate begun, over;
    yoton_timer *timer;
    bool waited_for;
    uv_thread_t thread;
} helper;

static void process_once(void *argument) {
    helper *h = argument;
    assert_int_equal(yoton_process_events(h->d->events, DEADLINE), 1);
}

/* Returns only when the other thread waits for that, or does not wait for it. */
static void hold(void *argument, void *user) {
    helper *h = user;
    (void)argument;
    gate_open(&h->begun);
    await_waiting(h->d->events, &h->over);
    h->waited_for = !gate_is_open(&h->over);
    if (h->timer != NULL)
        yoton_timer_start(h->timer);
}

static void help(helper *h, desk *d) {
    h->d = d;
    gate_init(&h->begun);
    gate_init(&h->over);
    assert_int_equal(uv_thread_create(&h->thread, process_once, h), 0);
    gate_wait(&h->begun);
}

static void helped(helper *h) {
    gate_open(&h->over);
    assert_true(h->waited_for);
    uv_thread_join(&h->thread);
    gate_done(&h->begun);
    gate_done(&h->over);
}

static void unbinding_waits_for_the_handler(void **state) {
    (void)state;
    for (int all = 0; all < 3; all++) {
        desk d;
        helper h = {0};
        thing x = {.letter = 'x'};
        desk_open(&d);
        yoton_signal *signal = make(&d);
        assert_int_equal(yoton_signal_bind(signal, hold, &h), YOTON_OK);
        emit(signal, &x);
        help(&h, &d);
        attach(signal, &d, 'a');
        emit(signal, &x);        /* for both */
        detach(signal, &d, 'a'); /* does not wait for another one */
        assert_int_equal(x.released, 0);
        if (all < 2)
            yoton_signal_unbind(signal, all ? NULL : hold, all ? NULL : &h);
        else
            yoton_signal_free(signal);
        assert_int_equal(x.released, 2); /* what was being handled, too */
        helped(&h);
        if (all < 2)
            yoton_signal_free(signal);
        assert_int_equal(process_now(&d, ""), 0);
        desk_close(&d);
    }
}

static void stopping_a_timer_waits_for_its_handlers(void **state) {
    (void)state;
    for (int frees = 0; frees < 2; frees++) {
        desk d;
        helper h = {0};
        desk_open(&d);
        assert_int_equal(yoton_timer_new(d.events, 0.001, 1, &h.timer), YOTON_OK);
        yoton_signal_bind(yoton_timer_signal(h.timer), hold, &h);
        yoton_timer_start(h.timer);
        help(&h, &d);
        if (!frees)
            yoton_timer_stop(h.timer); /* also what the handler has started anew */
        else
            yoton_timer_free(h.timer);
        helped(&h);
        assert_true(isinf(yoton_events_timeout(d.events)));
        if (!frees)
            yoton_timer_free(h.timer);
        desk_close(&d);
    }
}

enum { EMITTERS = 4, EACH = 2000 };

typedef struct emitter {
    yoton_signal *signal;
    atomic_int *released;
    uv_thread_t thread;
} emitter;

static void release_atomic(void *argument) {
    const emitter *e = argument;
    atomic_fetch_add(e->released, 1);
}

static void count(void *argument, void *user) {
    (void)argument;
    ++*(int *)user;
}

static void emit_all(void *argument) {
    emitter *e = argument;
    int own = 0;
    for (int i = 0; i < EACH; i++) {
        assert_int_equal(yoton_signal_emit(e->signal, e, release_atomic), YOTON_OK);
        assert_int_equal(yoton_signal_bind(e->signal, count, &own), YOTON_OK);
        yoton_signal_unbind(e->signal, count, &own); /* its memory may go now */
    }
}

static void many_threads_emit_and_nothing_is_lost(void **state) {
    desk d;
    emitter emitters[EMITTERS];
    atomic_int released = 0;
    int counted = 0;
    double end = now_seconds() + DEADLINE * 5;
    (void)state;
    desk_open(&d);
    yoton_signal *signal = make(&d);
    assert_int_equal(yoton_signal_bind(signal, count, &counted), YOTON_OK);
    for (int i = 0; i < EMITTERS; i++) {
        emitters[i] = (emitter){.signal = signal, .released = &released};
        assert_int_equal(uv_thread_create(&emitters[i].thread, emit_all, &emitters[i]), 0);
    }
    while (counted < EMITTERS * EACH && now_seconds() < end)
        yoton_process_events(d.events, end - now_seconds());
    for (int i = 0; i < EMITTERS; i++)
        uv_thread_join(&emitters[i].thread);
    assert_int_equal(counted, EMITTERS * EACH);
    assert_int_equal(yoton_signal_handlers(signal), 1);
    assert_int_equal(process_now(&d, ""), 0);
    assert_int_equal(released, EMITTERS * EACH);
    yoton_signal_free(signal);
    desk_close(&d);
}

/* ---- When memory is short ---- */

static void check_memory(void *context, int failing) {
    desk *d = context;
    thing x = {.letter = 'x'};
    yoton_signal *signal;
    size_t handlers = 0;
    int error = yoton_signal_new(d->events, &signal);
    if (error == YOTON_OK)
        error = yoton_signal_bind(signal, write_note_signal, note_of(d, 'a'));
    if (error == YOTON_OK)
        error = yoton_signal_bind(signal, write_note_signal, note_of(d, 'b'));
    if (error == YOTON_OK) {
        error = yoton_signal_emit(signal, &x, release);
        handlers = yoton_signal_handlers(signal);
        assert_int_equal(x.released, error != YOTON_OK);
        process_now(d, error == YOTON_OK ? "axbx" : "");
        assert_int_equal(x.released, 1);
    }
    if (failing)
        expect_error(error, YOTON_E_NOMEM, "cannot");
    else
        assert_int_equal(error, YOTON_OK);
    assert_true(failing || handlers == 2);
    yoton_signal_free(signal);
}

static void every_allocation_may_fail(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
#ifdef __SANITIZE_THREAD__
    check_memory(&d, 0); /* malloc is not ours there */
#else
    assert_int_equal(alloc_fail_each(check_memory, &d), 4);
#endif
    desk_close(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_handler_is_told_in_order),
        cmocka_unit_test(the_unbound_are_not_told),
        cmocka_unit_test(what_is_emitted_is_released_once),
        cmocka_unit_test(emit_now_calls_at_once),
        cmocka_unit_test(handlers_change_what_was_emitted),
        cmocka_unit_test(unbinding_waits_for_the_handler),
        cmocka_unit_test(stopping_a_timer_waits_for_its_handlers),
        cmocka_unit_test(many_threads_emit_and_nothing_is_lost),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
