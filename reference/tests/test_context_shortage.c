/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that runs out in the middle of a conversation: nothing is lost that could be had later,
 * nothing is taken for what it is not, and nobody waits for ever. One allocation after the other is
 * refused in this thread, until one pass needs none of them. */
#include "context_rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "context/internal.h"

static void need_our_malloc(void) {
#ifdef __SANITIZE_THREAD__
    skip();
#endif
}

static void await_pending(yoton_channel *channel, size_t count) {
    double end = now_seconds() + DEADLINE;
    while (yoton_channel_pending(channel) < count && now_seconds() < end)
        uv_sleep(1);
    assert_int_equal(yoton_channel_pending(channel), count);
}

static void send_to(bench *b, yoton_channel *channel, uint64_t dest_seq, const void *payload,
                    size_t size) {
    const yoton_header header = {.slot = yoton_channel_slot_in(channel, NULL, NULL),
                                 .source_id = RAW_ID,
                                 .source_seq = ++b->seq,
                                 .dest_id = yoton_context_id(b->context),
                                 .dest_seq = dest_seq,
                                 .length = size};
    raw_package(b->peer, &header, payload);
}

/* ---- Receiving ---- */

#define COUNT 3
static const uint8_t good[] = {'l', 2, 's', 3, 'o', 'n', 'e', 's', 3, 't', 'w', 'o'};

static void publish_some(bench *b, yoton_channel *sub) {
    for (int i = 0; i < COUNT; i++) {
        send_to(b, sub, 0, good, sizeof good);
        send_to(b, sub, 0, "?", 1); /* not an object */
    }
    await_pending(sub, 2 * COUNT);
}

static void check_good(const yoton_message *message) {
    assert_int_equal(message->value.type, YOTON_LIST);
    assert_int_equal(message->value.as.list.count, 2);
    assert_string_equal(message->value.as.list.items[1].as.string.bytes, "two");
}

static void what_cannot_be_decoded_now_stays_in_the_queue(void **state) {
    bench b;
    int refused = 0;
    (void)state;
    need_our_malloc();
    bench_join(&b, NULL);
    yoton_channel *sub = open_channel(b.context, YOTON_SUB, "x", YOTON_OBJ);
    for (int how = 0; how < 2; how++) {
        int error = YOTON_E_NOMEM;
        publish_some(&b, sub);
        for (size_t fail = 1; error == YOTON_E_NOMEM; fail++) {
            yoton_message *list = NULL;
            yoton_channel *selected = NULL;
            size_t count, malformed;
            assert_int_equal(yoton_select_sub_channel(&sub, 1, &selected), YOTON_OK);
            assert_ptr_equal(selected, sub);
            alloc_start(fail);
            error = how == 0 ? yoton_recv_all(sub, &list, &count, &malformed)
                             : yoton_recv_selected(sub, &list, &count, &malformed);
            alloc_stop();
            if (error == YOTON_E_NOMEM) {
                assert_null(list);
                assert_int_equal(count, 0);
                assert_int_equal(malformed, 0);
                assert_int_equal(yoton_channel_pending(sub), 2 * COUNT);
                refused++;
                continue;
            }
            assert_int_equal(error, YOTON_OK);
            assert_int_equal(count, COUNT);
            assert_int_equal(malformed, COUNT);
            for (size_t i = 0; i < count; i++)
                check_good(&list[i]);
            yoton_messages_free(list, count);
        }
    }
    assert_true(refused >= 2 * (2 + 3 * COUNT));
    yoton_channel_free(sub);
    bench_close(&b);
}

/* What was selected is what comes then, however often memory was short in between. */
static void a_selection_outlasts_a_want_of_memory(void **state) {
    bench b;
    yoton_message *list;
    yoton_channel *selected;
    size_t count;
    (void)state;
    need_our_malloc();
    bench_join(&b, NULL);
    yoton_channel *subs[2] = {open_channel(b.context, YOTON_SUB, "x", YOTON_OBJ),
                              open_channel(b.context, YOTON_SUB, "y", YOTON_OBJ)};
    send_to(&b, subs[0], 0, good, sizeof good);
    send_to(&b, subs[1], 0, good, sizeof good);
    send_to(&b, subs[0], 0, good, sizeof good);
    await_pending(subs[0], 2);
    assert_int_equal(yoton_select_sub_channel(subs, 2, &selected), YOTON_OK);
    assert_ptr_equal(selected, subs[0]);
    for (size_t fail = 1; fail <= 3; fail++) {
        alloc_start(fail);
        assert_int_equal(yoton_recv_selected(selected, &list, &count, NULL), YOTON_E_NOMEM);
        alloc_stop();
    }
    assert_int_equal(yoton_recv_selected(selected, &list, &count, NULL), YOTON_OK);
    assert_int_equal(count, 1); /* what is older than the message of the other channel */
    yoton_messages_free(list, count);
    yoton_channel_free(subs[0]);
    yoton_channel_free(subs[1]);
    bench_close(&b);
}

static void a_single_message_stays_too(void **state) {
    bench b;
    yoton_message message;
    int error = YOTON_E_NOMEM, refused = -1;
    (void)state;
    need_our_malloc();
    bench_join(&b, NULL);
    yoton_channel *sub = open_channel(b.context, YOTON_SUB, "x", YOTON_OBJ);
    send_to(&b, sub, 0, good, sizeof good);
    await_pending(sub, 1);
    for (size_t fail = 1; error == YOTON_E_NOMEM; fail++) {
        assert_int_equal(yoton_channel_pending(sub), 1);
        alloc_start(fail);
        error = yoton_recv(sub, 0, &message);
        alloc_stop();
        refused++;
    }
    assert_int_equal(error, YOTON_OK);
    assert_true(refused >= 3);
    check_good(&message);
    yoton_message_clear(&message);
    yoton_channel_free(sub);
    bench_close(&b);
}

/* ---- State ---- */

/* Nobody is there: what is set waits in the context's own queue, whose room is to be made first. */
static void a_first_state_that_failed_is_no_state(void **state) {
    int error = YOTON_E_NOMEM, refused = -1;
    yoton_message message;
    (void)state;
    need_our_malloc();
    yoton_context *context = context_make(NULL);
    yoton_channel *cell = open_channel(context, YOTON_STATE, "s", YOTON_TXT);
    for (size_t fail = 1; error == YOTON_E_NOMEM; fail++) {
        assert_int_equal(yoton_recv(cell, 0, &message), YOTON_OK);
        assert_int_equal(message.size, 0);
        alloc_start(fail);
        error = yoton_send_text(cell, "first", 5);
        alloc_stop();
        refused++;
    }
    assert_int_equal(error, YOTON_OK);
    assert_true(refused >= 2); /* the package and the room in the queue */
    yoton_channel_free(cell);
    yoton_context_free(context);
}

/* ---- Requests ---- */

static int says_no(yoton_channel *rep, const yoton_value *args, const yoton_value *kwargs,
                   yoton_value *result, void *user) {
    (void)rep, (void)args, (void)kwargs, (void)user;
    return yoton_value_string(result, "no", 2) == YOTON_OK ? 1 : YOTON_E_NOMEM;
}

/* Reads one reply of the replier: a failure, or the result of `echo` when it was called. */
static bool expect_reply(bench *b, uint64_t id, bool fails) {
    uint8_t payload[256];
    yoton_header header;
    yoton_value value;
    assert_int_equal(raw_next(b->peer, &header, payload, sizeof payload), 1);
    assert_int_equal(header.dest_id, RAW_ID);
    assert_int_equal(header.dest_seq, id);
    assert_int_equal(yoton_object_decode(&value, payload, (size_t)header.length, 0, NULL),
                     YOTON_OK);
    assert_int_equal(value.type, YOTON_TUPLE);
    assert_int_equal(value.as.list.count, 2);
    const yoton_value *first = &value.as.list.items[0];
    bool failure = first->type == YOTON_STRING &&
                   strcmp(first->as.string.bytes, "yoton_ERROR_HANDLING_REQUEST") == 0;
    assert_int_equal(value.as.list.items[1].type, YOTON_STRING);
    assert_true(failure || (!fails && first->type == YOTON_INT && first->as.integer == 7));
    yoton_value_clear(&value);
    return failure;
}

/* Whatever allocation fails, the requester gets a reply, and a failure is one. */
static void every_request_is_answered(void **state) {
    static const uint8_t no[] = {'t', 3, 's', 2, 'n', 'o', 't', 0, 'd', 0};
    static const uint8_t echo[] = {'t', 3, 's', 4, 'e', 'c', 'h', 'o', 't', 1, 'i',
                                   7,   0, 0,   0, 0,   0,   0,   0,   'd', 0};
    bench b;
    yoton_events *events;
    (void)state;
    need_our_malloc();
    assert_int_equal(yoton_events_new(&events), YOTON_OK);
    bench_join(&b, &(yoton_options){.events = events});
    yoton_channel *rep = open_channel(b.context, YOTON_REP, "r", YOTON_OBJ);
    assert_int_equal(yoton_rep_set_method(rep, "no", says_no, NULL), YOTON_OK);
    assert_int_equal(yoton_rep_set_mode(rep, YOTON_REP_EVENT), YOTON_OK);
    for (int fails = 0; fails < 2; fails++) {
        size_t most = 0;
        int failures = 0;
        for (size_t fail = 0; fail <= most; fail++) {
            while (yoton_process_events(events, 0) > 0) {
            }
            send_to(&b, rep, fail + 1, fails ? no : echo, fails ? sizeof no : sizeof echo);
            await_pending(rep, 1);
            alloc_start(fail);
            while (yoton_channel_pending(rep) > 0)
                yoton_process_events(events, DEADLINE);
            if (fail == 0)
                most = alloc_calls();
            alloc_stop();
            failures += expect_reply(&b, fail + 1, fails);
        }
        assert_true(most >= 8);
        assert_true(failures > (int)most / 2); /* what is needed for an echo, not its reply */
    }
    yoton_channel_free(rep);
    bench_close(&b);
    yoton_events_free(events);
}

static void a_reply_can_be_asked_for_again(void **state) {
    bench b;
    yoton_future *future;
    const yoton_value *result;
    yoton_header offer, request;
    uint8_t payload[64];
    int error = YOTON_E_NOMEM, refused = -1;
    (void)state;
    need_our_malloc();
    bench_join(&b, NULL);
    yoton_channel *req = open_channel(b.context, YOTON_REQ, "r", YOTON_OBJ);
    assert_int_equal(yoton_call(req, "m", NULL, NULL, &future), YOTON_OK);
    assert_int_equal(raw_next(b.peer, &offer, payload, sizeof payload), 1);
    send_to(&b, req, offer.dest_seq, "req!", 4);
    assert_int_equal(raw_next(b.peer, &request, payload, sizeof payload), 1);
    assert_int_equal(request.dest_id, RAW_ID);
    send_to(&b, req, request.dest_seq, good, sizeof good);
    double end = now_seconds() + DEADLINE;
    while (!yoton_future_done(future) && now_seconds() < end)
        uv_sleep(1);
    for (size_t fail = 1; error == YOTON_E_NOMEM; fail++) {
        alloc_start(fail);
        error = yoton_future_result(future, 0, &result);
        alloc_stop();
        refused++;
    }
    assert_int_equal(error, YOTON_OK);
    assert_true(refused >= 3);
    assert_int_equal(result->type, YOTON_LIST);
    assert_string_equal(result->as.list.items[1].as.string.bytes, "two");
    yoton_future_unref(future);
    yoton_channel_free(req);
    bench_close(&b);
}

static int refuse(void *user, yoton_package *package) {
    (void)user, (void)package;
    return YOTON_E_NOMEM;
}

static void a_request_that_cannot_be_sent_ends(void **state) {
    bench b;
    yoton_future *future;
    yoton_header offer;
    const yoton_value *result;
    uint8_t payload[64];
    (void)state;
    bench_join(&b, NULL);
    yoton_channel *req = open_channel(b.context, YOTON_REQ, "r", YOTON_OBJ);
    assert_int_equal(yoton_call(req, "m", NULL, NULL, &future), YOTON_OK);
    assert_int_equal(raw_next(b.peer, &offer, payload, sizeof payload), 1);
    uv_mutex_lock(&b.context->lock);
    req->machine.as.requester.sink.send = refuse;
    uv_mutex_unlock(&b.context->lock);
    send_to(&b, req, offer.dest_seq, "req!", 4);
    expect_error(yoton_future_result(future, DEADLINE, &result), YOTON_E_NOMEM, "memory");
    assert_int_equal(yoton_future_done(future), 1);
    assert_int_equal(yoton_connection_is_connected(b.connection), 1);
    yoton_future_unref(future);
    yoton_channel_free(req);
    bench_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_decoded_now_stays_in_the_queue),
        cmocka_unit_test(a_selection_outlasts_a_want_of_memory),
        cmocka_unit_test(a_single_message_stays_too),
        cmocka_unit_test(a_first_state_that_failed_is_no_state),
        cmocka_unit_test(every_request_is_answered),
        cmocka_unit_test(a_reply_can_be_asked_for_again),
        cmocka_unit_test(a_request_that_cannot_be_sent_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
