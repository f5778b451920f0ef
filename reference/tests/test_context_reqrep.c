/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests, replies and futures over real connections. */
#include "context_rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A requester that hosts, and a replier that has connected to it. */
typedef struct pair {
    yoton_events *events; /* of the replier's context */
    yoton_context *asking;
    yoton_context *answering;
    yoton_connection *hosting;
    yoton_connection *connected;
    yoton_channel *req;
    yoton_channel *rep;
    uv_sem_t entered; /* a method `block` was entered */
    uv_sem_t leave;   /* and may return */
    int calls;
} pair;

static int add(yoton_channel *rep, const yoton_value *args, const yoton_value *kwargs,
               yoton_value *result, void *user) {
    int64_t sum = 0;
    (void)rep;
    ((pair *)user)->calls++;
    for (size_t i = 0; i < args->as.list.count; i++)
        sum += args->as.list.items[i].as.integer;
    for (size_t i = 1; i < kwargs->as.list.count; i += 2)
        sum += 100 * kwargs->as.list.items[i].as.integer;
    *result = (yoton_value){.type = YOTON_INT, .as.integer = sum};
    return YOTON_OK;
}

static int block(yoton_channel *rep, const yoton_value *args, const yoton_value *kwargs,
                 yoton_value *result, void *user) {
    pair *p = user;
    (void)rep, (void)args, (void)kwargs;
    uv_sem_post(&p->entered);
    uv_sem_wait(&p->leave);
    *result = (yoton_value){.type = YOTON_BOOL, .as.boolean = true};
    return YOTON_OK;
}

static int break_down(yoton_channel *rep, const yoton_value *args, const yoton_value *kwargs,
                      yoton_value *result, void *user) {
    (void)rep, (void)args, (void)kwargs, (void)user;
    assert_int_equal(yoton_value_string(result, "it broke", 8), YOTON_OK);
    return 7;
}

/* A key that cannot be encoded: REQREP-22. */
static int bad_result(yoton_channel *rep, const yoton_value *args, const yoton_value *kwargs,
                      yoton_value *result, void *user) {
    yoton_value key = {.type = YOTON_LIST}, value = {.type = YOTON_NONE};
    (void)rep, (void)args, (void)kwargs, (void)user;
    *result = (yoton_value){.type = YOTON_DICT};
    assert_int_equal(yoton_value_append(result, &key), YOTON_OK);
    assert_int_equal(yoton_value_append(result, &value), YOTON_OK);
    return YOTON_OK;
}

static void open_pair(pair *p, yoton_rep_mode mode) {
    uint16_t port;
    memset(p, 0, sizeof *p);
    assert_int_equal(yoton_events_new(&p->events), YOTON_OK);
    p->asking = context_make(NULL);
    p->answering = context_make(&(yoton_options){.events = p->events});
    p->req = open_channel(p->asking, YOTON_REQ, "calc", YOTON_OBJ);
    p->rep = open_channel(p->answering, YOTON_REP, "calc", YOTON_TXT);
    assert_int_equal(uv_sem_init(&p->entered, 0), 0);
    assert_int_equal(uv_sem_init(&p->leave, 0), 0);
    assert_int_equal(yoton_rep_set_method(p->rep, "add", add, p), YOTON_OK);
    assert_int_equal(yoton_rep_set_method(p->rep, "block", block, p), YOTON_OK);
    assert_int_equal(yoton_rep_set_method(p->rep, "break", break_down, p), YOTON_OK);
    assert_int_equal(yoton_rep_set_method(p->rep, "bad", bad_result, p), YOTON_OK);
    p->hosting = bind_free(p->asking, &port);
    p->connected = connect_to(p->answering, port);
    assert_int_equal(yoton_rep_set_mode(p->rep, mode), YOTON_OK);
}

static void close_pair(pair *p) {
    yoton_channel_free(p->req);
    yoton_channel_free(p->rep);
    yoton_connection_unref(p->hosting);
    yoton_connection_unref(p->connected);
    yoton_context_free(p->asking);
    yoton_context_free(p->answering);
    yoton_events_free(p->events);
    uv_sem_destroy(&p->entered);
    uv_sem_destroy(&p->leave);
}

static void append_int(yoton_value *container, int64_t number) {
    yoton_value item = {.type = YOTON_INT, .as.integer = number};
    assert_int_equal(yoton_value_append(container, &item), YOTON_OK);
}

static yoton_future *call(yoton_channel *req, const char *method, int64_t a, int64_t b) {
    yoton_value args = {.type = YOTON_LIST};
    yoton_future *future;
    append_int(&args, a);
    append_int(&args, b);
    int error = yoton_call(req, method, &args, NULL, &future);
    yoton_value_clear(&args);
    assert_int_equal(error, YOTON_OK);
    return future;
}

static int64_t expect_int(yoton_future *future) {
    const yoton_value *result;
    if (yoton_future_result(future, DEADLINE, &result) != YOTON_OK)
        fail_msg("%s", yoton_error_text());
    assert_int_equal(result->type, YOTON_INT);
    return result->as.integer;
}

static void a_request_is_answered_from_a_thread(void **state) {
    pair p;
    const char *failure = "x";
    (void)state;
    open_pair(&p, YOTON_REP_THREAD);
    yoton_future *future = call(p.req, "add", 3, 4);
    assert_int_equal(expect_int(future), 7);
    assert_int_equal(yoton_future_id(future), 1);
    assert_int_equal(yoton_future_done(future), 1);
    assert_int_equal(yoton_future_running(future), 0);
    assert_int_equal(yoton_future_cancelled(future), 0);
    assert_int_equal(yoton_future_cancel(future), 0);
    assert_int_equal(yoton_future_exception(future, 0, &failure), YOTON_OK);
    assert_null(failure);
    yoton_future_unref(future);
    close_pair(&p);
}

static void named_arguments_arrive(void **state) {
    pair p;
    yoton_value kwargs = {.type = YOTON_DICT}, key;
    yoton_future *future;
    (void)state;
    open_pair(&p, YOTON_REP_THREAD);
    assert_int_equal(yoton_value_string(&key, "n", 1), YOTON_OK);
    assert_int_equal(yoton_value_append(&kwargs, &key), YOTON_OK);
    append_int(&kwargs, 5);
    assert_int_equal(yoton_call(p.req, "add", NULL, &kwargs, &future), YOTON_OK);
    assert_int_equal(expect_int(future), 500);
    yoton_future_unref(future);
    yoton_value_clear(&kwargs);
    close_pair(&p);
}

static void the_event_mode_answers_while_events_are_processed(void **state) {
    pair p;
    const yoton_value *result;
    (void)state;
    open_pair(&p, YOTON_REP_EVENT);
    yoton_future *first = call(p.req, "add", 1, 1), *second = call(p.req, "add", 2, 2);
    double end = now_seconds() + DEADLINE;
    assert_int_equal(yoton_future_result(first, 0, &result), YOTON_E_TIMEOUT);
    assert_int_equal(p.calls, 0); /* nobody has processed events yet */
    while (!yoton_future_done(second) && now_seconds() < end)
        yoton_process_events(p.events, 0.05);
    assert_int_equal(expect_int(first), 2);
    assert_int_equal(expect_int(second), 4);
    yoton_future_unref(first);
    yoton_future_unref(second);
    close_pair(&p);
}

static void the_event_mode_needs_an_event_loop(void **state) {
    yoton_context *context = context_make(NULL);
    yoton_channel *rep = open_channel(context, YOTON_REP, "x", YOTON_OBJ);
    (void)state;
    expect_error(yoton_rep_set_mode(rep, YOTON_REP_EVENT), YOTON_E_STATE, "no event loop");
    assert_int_equal(yoton_rep_get_mode(rep), YOTON_REP_OFF);
    expect_error(yoton_rep_set_mode(rep, (yoton_rep_mode)9), YOTON_E_ARGUMENT, "mode");
    yoton_channel_close(rep);
    expect_error(yoton_rep_set_mode(rep, YOTON_REP_THREAD), YOTON_E_CLOSED, "closed");
    yoton_channel_free(rep);
    yoton_context_free(context);
}

static void failures_are_told_in_the_words_of_the_method(void **state) {
    static const struct {
        const char *method;
        const char *words;
    } table[] = {{"break", "it broke"}, {"bad", "dictionary key"}, {"close", "no method close"}};
    pair p;
    const yoton_value *result;
    const char *message;
    (void)state;
    open_pair(&p, YOTON_REP_THREAD);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        yoton_future *future = call(p.req, table[i].method, 1, 1);
        int error = yoton_future_result(future, DEADLINE, &result);
        expect_error(error, YOTON_E_REMOTE, table[i].words);
        assert_null(result);
        assert_int_equal(yoton_future_exception(future, 0, &message), YOTON_OK);
        assert_non_null(strstr(message, table[i].words));
        yoton_future_unref(future);
    }
    close_pair(&p);
}

static void echo_is_there_by_itself(void **state) {
    pair p;
    const yoton_value *result;
    char id[24];
    (void)state;
    open_pair(&p, YOTON_REP_THREAD);
    yoton_future *future = call(p.req, "echo", 9, 0);
    assert_int_equal(yoton_future_result(future, DEADLINE, &result), YOTON_OK);
    assert_int_equal(result->type, YOTON_TUPLE);
    assert_int_equal(result->as.list.count, 2);
    assert_int_equal(result->as.list.items[0].as.integer, 9);
    snprintf(id, sizeof id, "0x%llx", (unsigned long long)yoton_context_id(p.answering));
    assert_string_equal(result->as.list.items[1].as.string.bytes, id);
    yoton_future_unref(future);
    assert_int_equal(yoton_rep_set_method(p.rep, "echo", NULL, NULL), YOTON_OK);
    future = call(p.req, "echo", 9, 0);
    expect_error(yoton_future_result(future, DEADLINE, &result), YOTON_E_REMOTE, "no method");
    yoton_future_unref(future);
    close_pair(&p);
}

/* LIMIT-6: the limit is that of the context, also for what echo copies. */
static void echo_knows_the_depth_of_its_context(void **state) {
    enum { DEEP = 1200 };
    uint16_t port;
    yoton_value args = {.type = YOTON_TUPLE}, value = {.type = YOTON_LIST};
    yoton_future *future;
    const yoton_value *result;
    (void)state;
    for (int i = 1; i < DEEP; i++) {
        yoton_value outer = {.type = YOTON_LIST};
        assert_int_equal(yoton_value_append(&outer, &value), YOTON_OK);
        value = outer;
    }
    assert_int_equal(yoton_value_append(&args, &value), YOTON_OK);
    yoton_context *asking = context_make(&(yoton_options){.max_depth = DEEP + 2});
    yoton_context *answering = context_make(&(yoton_options){.max_depth = DEEP + 2});
    yoton_channel *req = open_channel(asking, YOTON_REQ, "calc", YOTON_OBJ);
    yoton_channel *rep = open_channel(answering, YOTON_REP, "calc", YOTON_OBJ);
    assert_int_equal(yoton_rep_set_mode(rep, YOTON_REP_THREAD), YOTON_OK);
    yoton_connection *hosting = bind_free(asking, &port), *other = connect_to(answering, port);
    assert_int_equal(yoton_call(req, "echo", &args, NULL, &future), YOTON_OK);
    if (yoton_future_result(future, DEADLINE, &result) != YOTON_OK)
        fail_msg("%s", yoton_error_text());
    assert_true(yoton_value_equal(&result->as.list.items[0], &args.as.list.items[0]));
    yoton_future_unref(future);
    yoton_value_clear(&args);
    yoton_channel_free(req);
    yoton_channel_free(rep);
    yoton_connection_unref(hosting);
    yoton_connection_unref(other);
    yoton_context_free(asking);
    yoton_context_free(answering);
}

static void a_request_that_runs_is_not_cancelled(void **state) {
    pair p;
    const yoton_value *result;
    (void)state;
    open_pair(&p, YOTON_REP_THREAD);
    yoton_future *running = call(p.req, "block", 0, 0), *waiting = call(p.req, "add", 1, 2);
    uv_sem_wait(&p.entered);
    assert_int_equal(yoton_future_running(running), 1);
    assert_int_equal(yoton_future_cancel(running), 0);
    assert_int_equal(yoton_future_result_or_cancel(running, 0.01, &result), YOTON_E_TIMEOUT);
    assert_int_equal(yoton_future_result_or_cancel(waiting, 0.01, &result), YOTON_E_CANCELLED);
    assert_int_equal(yoton_future_cancelled(waiting), 1);
    assert_int_equal(yoton_future_cancel(waiting), 1);
    uv_sem_post(&p.leave);
    assert_int_equal(yoton_future_result(running, DEADLINE, &result), YOTON_OK);
    assert_true(result->as.boolean);
    yoton_future *after =
        call(p.req, "add", 2, 2); /* the cancelled one was not executed before it */
    assert_int_equal(expect_int(after), 4);
    assert_int_equal(p.calls, 1);
    yoton_future_unref(running);
    yoton_future_unref(waiting);
    yoton_future_unref(after);
    close_pair(&p);
}

static void what_nobody_takes_is_cancelled_by_itself(void **state) {
    pair p;
    const yoton_value *result;
    (void)state;
    open_pair(&p, YOTON_REP_OFF);
    yoton_future *future = call(p.req, "add", 1, 2);
    expect_error(yoton_future_set_auto_cancel_timeout(future, -1), YOTON_E_ARGUMENT, "-1");
    assert_int_equal(yoton_future_set_auto_cancel_timeout(future, 0.05), YOTON_OK);
    expect_error(yoton_future_result(future, DEADLINE, &result), YOTON_E_CANCELLED, "cancelled");
    yoton_future_unref(future);
    future = call(p.req, "add", 1, 2); /* kept while it is off, done when it is on */
    assert_int_equal(yoton_future_set_auto_cancel_timeout(future, YOTON_FOREVER), YOTON_OK);
    assert_int_equal(yoton_rep_set_mode(p.rep, YOTON_REP_THREAD), YOTON_OK);
    assert_int_equal(expect_int(future), 3);
    assert_int_equal(p.calls, 1);
    yoton_future_unref(future);
    close_pair(&p);
}

static void modes_can_be_switched_to_and_fro(void **state) {
    pair p;
    (void)state;
    open_pair(&p, YOTON_REP_THREAD);
    for (int i = 0; i < 4; i++) {
        yoton_future *future = call(p.req, "add", i, i);
        assert_int_equal(expect_int(future), 2 * i);
        yoton_future_unref(future);
        assert_int_equal(yoton_rep_set_mode(p.rep, YOTON_REP_OFF), YOTON_OK);
        future = call(p.req, "add", 7, i);
        assert_int_equal(yoton_future_done(future), 0);
        assert_int_equal(yoton_rep_set_mode(p.rep, YOTON_REP_THREAD), YOTON_OK);
        assert_int_equal(expect_int(future), 7 + i);
        yoton_future_unref(future);
    }
    close_pair(&p);
}

typedef struct order {
    uv_sem_t told;
    int seen[4];
    int count;
} order;

typedef struct told {
    order *order;
    int number;
} told;

static void on_done(yoton_future *future, void *user) {
    told *t = user;
    const yoton_value *result;
    assert_int_equal(yoton_future_result(future, 0, &result), YOTON_OK);
    t->order->seen[t->order->count++] = t->number;
    uv_sem_post(&t->order->told);
}

static void callbacks_are_called_in_their_order(void **state) {
    pair p;
    order o = {.count = 0};
    told t[3] = {{&o, 1}, {&o, 2}, {&o, 3}};
    (void)state;
    assert_int_equal(uv_sem_init(&o.told, 0), 0);
    open_pair(&p, YOTON_REP_THREAD);
    yoton_future *future = call(p.req, "block", 0, 0);
    assert_int_equal(yoton_future_add_done_callback(future, on_done, &t[0]), YOTON_OK);
    assert_int_equal(yoton_future_add_done_callback(future, on_done, &t[1]), YOTON_OK);
    expect_error(yoton_future_add_done_callback(future, NULL, NULL), YOTON_E_ARGUMENT, "callback");
    uv_sem_post(&p.leave);
    uv_sem_wait(&o.told);
    uv_sem_wait(&o.told);
    assert_int_equal(yoton_future_add_done_callback(future, on_done, &t[2]),
                     YOTON_OK); /* at once */
    assert_int_equal(o.count, 3);
    assert_int_equal(o.seen[0] * 100 + o.seen[1] * 10 + o.seen[2], 123);
    yoton_future_unref(future);
    uv_sem_destroy(&o.told);
    close_pair(&p);
}

static void a_closed_channel_ends_its_futures(void **state) {
    pair p;
    const yoton_value *result;
    const char *message;
    yoton_future *late;
    (void)state;
    open_pair(&p, YOTON_REP_THREAD);
    yoton_future *running = call(p.req, "block", 0, 0), *waiting = call(p.req, "add", 1, 2);
    uv_sem_wait(&p.entered);
    assert_int_equal(yoton_future_running(running), 1);
    yoton_channel_close(p.req);
    expect_error(yoton_future_result(running, DEADLINE, &result), YOTON_E_CLOSED, "closed");
    assert_int_equal(yoton_future_exception(running, 0, &message), YOTON_OK);
    assert_string_equal(message, "closed");
    assert_int_equal(yoton_future_cancelled(waiting), 1);
    expect_error(yoton_call(p.req, "add", NULL, NULL, &late), YOTON_E_CLOSED, "closed"); /* PUB-5 */
    assert_null(late);
    uv_sem_post(&p.leave);
    yoton_future_unref(running);
    yoton_future_unref(waiting);
    close_pair(&p);
}

static void what_is_no_call_is_refused(void **state) {
    pair p;
    yoton_value number = {.type = YOTON_INT}, kwargs = {.type = YOTON_DICT};
    (void)state;
    open_pair(&p, YOTON_REP_OFF);
    expect_error(yoton_call(p.rep, "x", NULL, NULL, NULL), YOTON_E_STATE, "state");
    expect_error(yoton_call(p.req, "x", &number, NULL, NULL), YOTON_E_ARGUMENT, "argument");
    expect_error(yoton_call(p.req, "x", NULL, &number, NULL), YOTON_E_ARGUMENT, "argument");
    append_int(&kwargs, 1);
    append_int(&kwargs, 1);
    expect_error(yoton_call(p.req, "x", NULL, &kwargs, NULL), YOTON_E_ARGUMENT, "argument");
    expect_error(yoton_call(p.req, "\xff", NULL, NULL, NULL), YOTON_E_UTF8, "UTF-8");
    expect_error(yoton_rep_set_method(p.req, "x", add, NULL), YOTON_E_STATE, "state");
    expect_error(yoton_rep_set_method(p.rep, "\xff", add, NULL), YOTON_E_UTF8, "UTF-8");
    expect_error(yoton_send_text(p.req, "x", 1), YOTON_E_STATE, "state");
    yoton_value_clear(&kwargs);
    close_pair(&p);
}

static void an_executor_brings_futures_of_its_own_to_their_end(void **state) {
    pair p;
    yoton_future *a, *b, *c;
    yoton_value value = {.type = YOTON_INT, .as.integer = 5};
    const yoton_value *result;
    const char *message;
    (void)state;
    open_pair(&p, YOTON_REP_OFF);
    expect_error(yoton_future_new(p.rep, &a), YOTON_E_STATE, "state");
    assert_int_equal(yoton_future_new(p.req, &a), YOTON_OK);
    assert_int_equal(yoton_future_new(p.req, &b), YOTON_OK);
    assert_int_equal(yoton_future_new(p.req, &c), YOTON_OK);
    assert_int_equal(yoton_future_id(a), 0);
    assert_int_equal(yoton_future_set_running_or_notify_cancel(a), 1);
    assert_int_equal(yoton_future_running(a), 1);
    expect_error(yoton_future_set_running_or_notify_cancel(a), YOTON_E_STATE, "state");
    assert_int_equal(yoton_future_cancel(a), 0);
    assert_int_equal(yoton_future_set_result(a, &value), YOTON_OK);
    assert_int_equal(expect_int(a), 5);
    expect_error(yoton_future_set_result(a, &value), YOTON_E_STATE, "state");
    assert_int_equal(yoton_future_set_exception(b, "no luck"), YOTON_OK);
    expect_error(yoton_future_result(b, 0, &result), YOTON_E_REMOTE, "no luck");
    assert_int_equal(yoton_future_exception(b, 0, &message), YOTON_OK);
    assert_string_equal(message, "no luck");
    assert_int_equal(yoton_future_cancel(c), 1);
    assert_int_equal(yoton_future_set_running_or_notify_cancel(c), 0);
    assert_int_equal(yoton_future_exception(c, 0, &message), YOTON_E_CANCELLED);
    yoton_future *called = call(p.req, "add", 1, 1);
    expect_error(yoton_future_set_result(called, &value), YOTON_E_STATE, "state");
    yoton_future_unref(called);
    yoton_future_unref(a);
    yoton_future_unref(b);
    yoton_future_unref(c);
    close_pair(&p);
}

static int free_own_channel(yoton_channel *rep, const yoton_value *args, const yoton_value *kwargs,
                            yoton_value *result, void *user) {
    pair *p = user;
    (void)args, (void)kwargs, (void)result;
    assert_ptr_equal(rep, p->rep);
    p->rep = NULL;
    yoton_channel_free(rep);
    uv_sem_post(&p->entered);
    return YOTON_OK;
}

static void a_method_may_free_its_channel(void **state) {
    pair p;
    (void)state;
    open_pair(&p, YOTON_REP_THREAD);
    assert_int_equal(yoton_rep_set_method(p.rep, "add", free_own_channel, &p), YOTON_OK);
    yoton_future *future = call(p.req, "add", 0, 0);
    uv_sem_wait(&p.entered);
    assert_null(p.rep);
    yoton_future_unref(future);
    close_pair(&p);
}

static void many_requests_of_many_threads(void *user) {
    yoton_channel *req = user;
    for (int i = 0; i < 50; i++) {
        yoton_future *future = call(req, "add", i, 1);
        assert_int_equal(expect_int(future), i + 1);
        yoton_future_unref(future);
    }
}

static void threads_may_share_a_channel(void **state) {
    pair p;
    uv_thread_t threads[4];
    (void)state;
    open_pair(&p, YOTON_REP_THREAD);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(uv_thread_create(&threads[i], many_requests_of_many_threads, p.req), 0);
    for (size_t i = 0; i < 4; i++)
        uv_thread_join(&threads[i]);
    assert_int_equal(p.calls, 200); /* each executed once */
    close_pair(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_from_a_thread),
        cmocka_unit_test(named_arguments_arrive),
        cmocka_unit_test(the_event_mode_answers_while_events_are_processed),
        cmocka_unit_test(the_event_mode_needs_an_event_loop),
        cmocka_unit_test(failures_are_told_in_the_words_of_the_method),
        cmocka_unit_test(echo_is_there_by_itself),
        cmocka_unit_test(echo_knows_the_depth_of_its_context),
        cmocka_unit_test(a_request_that_runs_is_not_cancelled),
        cmocka_unit_test(what_nobody_takes_is_cancelled_by_itself),
        cmocka_unit_test(modes_can_be_switched_to_and_fro),
        cmocka_unit_test(callbacks_are_called_in_their_order),
        cmocka_unit_test(a_closed_channel_ends_its_futures),
        cmocka_unit_test(what_is_no_call_is_refused),
        cmocka_unit_test(an_executor_brings_futures_of_its_own_to_their_end),
        cmocka_unit_test(a_method_may_free_its_channel),
        cmocka_unit_test(threads_may_share_a_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
