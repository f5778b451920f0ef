/* SPDX-License-Identifier: BSD-2-Clause */
/* What ends while something is under way: contexts, channels, binds and futures freed or closed by
 * callbacks, by methods, and by threads that others wait for. */
#include "events_rig.h"

#include <string.h>
#include <unistd.h>

#include "context/internal.h"

static void await_pending(yoton_channel *channel, size_t count) {
    double end = now_seconds() + DEADLINE;
    while (yoton_channel_pending(channel) < count && now_seconds() < end)
        uv_sleep(1);
    assert_int_equal(yoton_channel_pending(channel), count);
}

static void publish(bench *b, yoton_channel *sub, const char *text) {
    raw_publish(b->peer, RAW_ID, ++b->seq, yoton_channel_slot_in(sub, NULL, NULL), text);
}

/* ---- Freeing a context that owes callbacks ---- */

typedef struct visit {
    yoton_channel *channel;
    int calls;
    uv_thread_t thread;
} visit;

static void free_own_channel(yoton_channel *channel, void *user) {
    visit *v = user;
    v->calls++;
    v->thread = uv_thread_self();
    yoton_channel_on_received(channel, NULL, NULL); /* none of these waits for its own call */
    yoton_channel_free(channel);
}

static void what_a_freed_context_owes_is_told_by_who_frees_it(void **state) {
    desk d;
    bench b;
    visit v = {.calls = 0};
    (void)state;
    desk_open(&d);
    bench_join(&b, &(yoton_options){.events = d.events});
    yoton_channel *sub = open_channel(b.context, YOTON_SUB, "x", YOTON_TXT);
    yoton_channel_on_received(sub, free_own_channel, &v);
    publish(&b, sub, "never processed");
    await_pending(sub, 1);
    close(b.peer);
    b.peer = -1;
    yoton_connection_unref(b.connection);
    yoton_context_free(b.context);
    uv_thread_t self = uv_thread_self();
    assert_int_equal(v.calls, 1);
    assert_true(uv_thread_equal(&v.thread, &self));
    assert_int_equal(yoton_process_events(d.events, 0), 0); /* nothing of it is left there */
    watch_done(&b.w);
    desk_close(&d);
}

/* A thread frees the context and is inside a callback, while a handler of the event loop frees the
 * channel that the callback is of. */
typedef struct crossing {
    desk d;
    bench b;
    yoton_channel *sub;
    gate inside;
    bool freed; /* read and written with the context's lock held */
    bool too_early;
} crossing;

static void stay_until_waited_for(yoton_channel *channel, void *user) {
    crossing *c = user;
    yoton_context *context = channel->context;
    double end = now_seconds() + DEADLINE;
    bool waited = false;
    gate_open(&c->inside);
    while (!waited && now_seconds() < end) {
        uv_mutex_lock(&context->lock);
        waited = context->waiting_threads > 0 || c->freed;
        c->too_early = c->freed;
        uv_mutex_unlock(&context->lock);
        uv_sleep(1);
    }
}

static void free_context(void *user) { yoton_context_free(((crossing *)user)->b.context); }

static void free_channel(void *user) {
    crossing *c = user;
    yoton_context *context = c->sub->context;
    atomic_fetch_add(&context->references, 1); /* it is looked at once more */
    yoton_channel_free(c->sub);
    uv_mutex_lock(&context->lock);
    c->freed = true;
    uv_mutex_unlock(&context->lock);
    context_unref(context);
}

static void a_channel_is_freed_only_after_its_callback_in_another_thread(void **state) {
    crossing c = {.freed = false};
    uv_thread_t thread;
    (void)state;
    desk_open(&c.d);
    gate_init(&c.inside);
    bench_join(&c.b, &(yoton_options){.events = c.d.events});
    c.sub = open_channel(c.b.context, YOTON_SUB, "x", YOTON_TXT);
    yoton_channel_on_received(c.sub, stay_until_waited_for, &c);
    publish(&c.b, c.sub, "never processed");
    await_pending(c.sub, 1);
    close(c.b.peer);
    yoton_connection_unref(c.b.connection);
    assert_int_equal(uv_thread_create(&thread, free_context, &c), 0);
    gate_wait(&c.inside);
    yoton_call_later(c.d.events, 0, free_channel, &c);
    assert_int_equal(yoton_process_events(c.d.events, DEADLINE), 1);
    uv_thread_join(&thread);
    assert_true(c.freed);
    assert_false(c.too_early);
    watch_done(&c.b.w);
    gate_done(&c.inside);
    desk_close(&c.d);
}

/* ---- A bind that is given up at once ---- */

typedef struct keeper {
    gate done;
    yoton_connection *kept;
} keeper;

static void bind_and_keep(yoton_channel *channel, void *user) {
    keeper *k = user;
    uint16_t port;
    k->kept = bind_free(channel->context, &port);
    yoton_connection_close_on_problem(k->kept, NULL); /* before the loop can have looked at it */
    gate_open(&k->done);
}

static void a_bind_given_up_at_once_does_not_listen(void **state) {
    bench b;
    keeper k = {.kept = NULL};
    yoton_connection_info info;
    uint16_t again;
    (void)state;
    gate_init(&k.done);
    bench_join(&b, NULL);
    yoton_channel *one = open_channel(b.context, YOTON_SUB, "one", YOTON_TXT);
    yoton_channel_on_received(one, bind_and_keep, &k);
    publish(&b, one, "bind");
    gate_wait(&k.done);
    yoton_channel_free(one);
    gate_done(&k.done);
    wait_state(k.kept, YOTON_CLOSED);
    yoton_connection_get_info(k.kept, &info);
    int listener = raw_listen(info.port1, &again); /* LINK-19, LINK-21 */
    assert_true(listener >= 0);
    close(listener);
    yoton_connection_unref(k.kept);
    bench_close(&b);
}

/* ---- A rep channel freed by the thread that its method waits for ---- */

typedef struct embrace {
    gate entered, leave, freed;
    yoton_channel *rep;
} embrace;

static int stay(yoton_channel *rep, const yoton_value *args, const yoton_value *kwargs,
                yoton_value *result, void *user) {
    embrace *e = user;
    (void)rep, (void)args, (void)kwargs, (void)result;
    gate_open(&e->entered);
    gate_wait(&e->leave);
    return YOTON_OK;
}

static void free_the_rep(yoton_channel *channel, void *user) {
    embrace *e = user;
    (void)channel;
    yoton_channel_free(e->rep);
    e->rep = NULL;
    gate_open(&e->freed);
}

static void the_contexts_thread_does_not_wait_for_a_method(void **state) {
    static const uint8_t request[] = {'t', 3, 's', 4, 's', 't', 'a', 'y', 't', 0, 'd', 0};
    static embrace e; /* the method's thread may look at its gates until the program ends */
    bench b;
    (void)state;
    gate_init(&e.entered);
    gate_init(&e.leave);
    gate_init(&e.freed);
    bench_join(&b, NULL);
    yoton_channel *sub = open_channel(b.context, YOTON_SUB, "x", YOTON_TXT);
    e.rep = open_channel(b.context, YOTON_REP, "r", YOTON_OBJ);
    assert_int_equal(yoton_rep_set_method(e.rep, "stay", stay, &e), YOTON_OK);
    assert_int_equal(yoton_rep_set_mode(e.rep, YOTON_REP_THREAD), YOTON_OK);
    const yoton_header header = {.slot = yoton_channel_slot_in(e.rep, NULL, NULL),
                                 .source_id = RAW_ID,
                                 .source_seq = ++b.seq,
                                 .dest_id = yoton_context_id(b.context),
                                 .dest_seq = 1,
                                 .length = sizeof request};
    raw_package(b.peer, &header, request);
    gate_wait(&e.entered);
    yoton_channel_on_received(sub, free_the_rep, &e);
    publish(&b, sub, "free it");
    gate_wait(&e.freed); /* a message that is taken before is told to nobody */
    expect_text(sub, "free it");
    yoton_channel_on_received(sub, NULL, NULL);
    assert_null(e.rep);
    publish(&b, sub, "still served");
    expect_text(sub, "still served");
    gate_open(&e.leave);
    yoton_channel_free(sub);
    bench_close(&b);
}

/* ---- One thing told at a time ---- */

typedef struct teller {
    desk *d;
    char letter;
    bool stops; /* the event loop */
    bool again; /* there is more to tell of the same channel */
} teller;

static void tell(yoton_channel *channel, void *user) {
    teller *t = user;
    write_note(note_of(t->d, t->letter));
    if (t->stops)
        yoton_stop_event_loop(t->d->events);
    if (t->again)
        yoton_channel_on_received(channel, tell, t);
}

static void callbacks_are_told_one_at_a_time(void **state) {
    desk d;
    bench b;
    (void)state;
    desk_open(&d);
    bench_join(&b, &(yoton_options){.events = d.events});
    teller tellers[3] = {{&d, 'a', true, false}, {&d, 'b', false, true}, {&d, 'c', false, false}};
    yoton_channel *subs[3];
    while (yoton_process_events(d.events, 0) > 0) {
    }
    for (size_t i = 0; i < 3; i++) {
        const char base[] = {(char)('a' + i), '\0'};
        subs[i] = open_channel(b.context, YOTON_SUB, base, YOTON_TXT);
        publish(&b, subs[i], "x");
        await_pending(subs[i], 1);
    }
    for (size_t i = 0; i < 3; i++)
        yoton_channel_on_received(subs[i], tell, &tellers[i]);
    assert_int_equal(yoton_start_event_loop(d.events), YOTON_OK);
    had_notes(&d, "a"); /* a stop counts at once */
    expect_notes(&d, "bc");
    expect_notes(&d, "b"); /* what it asked for itself comes in the next turn, and ends this one */
    tellers[1].again = false;
    expect_notes(&d, "b");
    for (size_t i = 0; i < 3; i++)
        yoton_channel_free(subs[i]);
    bench_close(&b);
    desk_close(&d);
}

static int count_and_stop(yoton_channel *rep, const yoton_value *args, const yoton_value *kwargs,
                          yoton_value *result, void *user) {
    desk *d = user;
    (void)rep, (void)args, (void)kwargs, (void)result;
    write_note(note_of(d, 'r'));
    yoton_stop_event_loop(d->events);
    return YOTON_OK;
}

static void requests_are_performed_one_at_a_time(void **state) {
    static const uint8_t request[] = {'t', 3, 's', 1, 'c', 't', 0, 'd', 0};
    desk d;
    bench b;
    (void)state;
    desk_open(&d);
    bench_join(&b, &(yoton_options){.events = d.events});
    while (yoton_process_events(d.events, 0) > 0) {
    }
    yoton_channel *rep = open_channel(b.context, YOTON_REP, "r", YOTON_OBJ);
    assert_int_equal(yoton_rep_set_method(rep, "c", count_and_stop, &d), YOTON_OK);
    for (uint64_t id = 1; id <= 3; id++) {
        const yoton_header header = {.slot = yoton_channel_slot_in(rep, NULL, NULL),
                                     .source_id = RAW_ID,
                                     .source_seq = ++b.seq,
                                     .dest_id = yoton_context_id(b.context),
                                     .dest_seq = id,
                                     .length = sizeof request};
        raw_package(b.peer, &header, request);
    }
    await_pending(rep, 3);
    assert_int_equal(yoton_rep_set_mode(rep, YOTON_REP_EVENT), YOTON_OK);
    for (size_t left = 3; left-- > 0;) {
        assert_int_equal(yoton_start_event_loop(d.events), YOTON_OK);
        had_notes(&d, "r");
        assert_int_equal(yoton_channel_pending(rep), left);
    }
    yoton_channel_free(rep);
    bench_close(&b);
    desk_close(&d);
}

/* ---- Futures of a context that is freed ---- */

static void on_done(yoton_future *future, void *user) {
    int *told = user;
    *told += yoton_future_cancelled(future) ? 1 : 100;
}

static void a_freed_context_tells_the_end_of_its_requests(void **state) {
    desk d;
    (void)state;
    desk_open(&d);
    for (int with_events = 0; with_events < 2; with_events++) {
        int told = 0, own_told = 0;
        yoton_future *future, *own;
        yoton_value result = {.type = YOTON_NONE};
        yoton_context *context =
            context_make(&(yoton_options){.events = with_events ? d.events : NULL});
        yoton_channel *req = open_channel(context, YOTON_REQ, "r", YOTON_OBJ);
        assert_int_equal(yoton_call(req, "m", NULL, NULL, &future), YOTON_OK);
        assert_int_equal(yoton_future_new(req, &own), YOTON_OK);
        assert_int_equal(yoton_future_add_done_callback(future, on_done, &told), YOTON_OK);
        assert_int_equal(yoton_future_add_done_callback(own, on_done, &own_told), YOTON_OK);
        yoton_context_free(context);
        assert_int_equal(told, 1);
        assert_int_equal(own_told, 0);
        assert_int_equal(yoton_future_set_result(own, &result), YOTON_OK);
        assert_int_equal(own_told, 100); /* by this thread: there is no other */
        yoton_future_unref(future);
        yoton_future_unref(own);
        yoton_channel_free(req);
    }
    desk_close(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_freed_context_owes_is_told_by_who_frees_it),
        cmocka_unit_test(a_channel_is_freed_only_after_its_callback_in_another_thread),
        cmocka_unit_test(a_bind_given_up_at_once_does_not_listen),
        cmocka_unit_test(the_contexts_thread_does_not_wait_for_a_method),
        cmocka_unit_test(callbacks_are_told_one_at_a_time),
        cmocka_unit_test(requests_are_performed_one_at_a_time),
        cmocka_unit_test(a_freed_context_tells_the_end_of_its_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
