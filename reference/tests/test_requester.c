/* SPDX-License-Identifier: BSD-2-Clause */
/* The requester: every row of table C.2, exact packages at exact times. */
#include "machine_rig.h"

#include <string.h>

#include "channels/requester.h"

#define ID(n) ((n) + NEGOTIATION)

static bench b;
static requester r;

static int open_bench(void **state) {
    (void)state;
    bench_open(&b);
    requester_init(&r, &b.sink, BENCH_SLOT, BENCH_ID);
    return 0;
}

static int close_bench(void **state) {
    (void)state;
    requester_clear(&r);
    return 0;
}

static void offer(request *q, yoton_time now, yoton_time cancel) {
    assert_int_equal(requester_call(&r, q, now, "object", 6, cancel), YOTON_OK);
}

static request *come(uint64_t source, uint64_t dest, uint64_t seq, const char *payload) {
    yoton_package *package = package_from(source, dest, seq, payload);
    request *stepped = requester_deposit(&r, package);
    yoton_package_unref(package);
    return stepped;
}

static void ticks_quietly(yoton_time now) {
    assert_null(requester_tick(&r, now));
    bench_sent(&b, "");
}

/* REQREP-1 to REQREP-4, REQREP-6, REQREP-8 */
static void a_request_is_offered_taken_and_answered(void **state) {
    static request q;
    (void)state;
    offer(&q, 0, YOTON_NEVER);
    assert_int_equal(q.id, 1);
    bench_sent(&b, "0.+1 req?;");
    assert_ptr_equal(come(7, BENCH_ID, ID(1), "req!"), &q);
    assert_int_equal(q.state, REQUEST_TAKEN);
    assert_null(q.package); /* it is not kept while it is executed */
    bench_sent(&b, "7.1 object;0.+1 req-;");
    assert_int_equal(requester_deadline(&r), YOTON_NEVER);
    ticks_quietly(SECONDS(100)); /* a taken one is neither repeated nor cancelled */
    assert_false(requester_cancel(&r, &q));
    assert_ptr_equal(come(8, BENCH_ID, 1, "from anybody"), &q);
    assert_int_equal(q.state, REQUEST_OVER);
    assert_false(requester_cancel(&r, &q));
    bench_sent(&b, "");
    assert_int_equal(r.count, 0);
}

/* Some of the network may have got it: it is neither offered again nor waited for. */
static void a_request_that_cannot_be_sent_is_over(void **state) {
    static request q, next;
    (void)state;
    offer(&q, 0, YOTON_NEVER);
    offer(&next, 0, YOTON_NEVER);
    bench_sent(&b, "0.+1 req?;0.+2 req?;");
    b.short_of_memory = 1;
    assert_ptr_equal(come(7, BENCH_ID, ID(1), "req!"), &q);
    b.short_of_memory = 0;
    assert_int_equal(q.state, REQUEST_OVER);
    assert_int_equal(q.error, YOTON_E_NOMEM);
    assert_null(q.package);
    assert_null(come(7, BENCH_ID, ID(1), "req!"));
    assert_null(come(7, BENCH_ID, 1, "a reply"));
    assert_ptr_equal(come(7, BENCH_ID, ID(2), "req!"), &next);
    assert_int_equal(next.error, YOTON_OK);
    bench_sent(&b, "7.2 object;0.+2 req-;");
}

/* A clock read before another thread made the offer is no reason to repeat it. */
static void an_earlier_clock_repeats_nothing(void **state) {
    static request q;
    (void)state;
    offer(&q, SECONDS(2), YOTON_NEVER);
    bench_sent(&b, "0.+1 req?;");
    ticks_quietly(SECONDS(1));
    assert_int_equal(requester_deadline(&r), SECONDS(2) + 650 * YOTON_MS);
    requester_cancel(&r, &q);
}

/* REQREP-9, REQREP-10, REQREP-28: what does not fit changes nothing, in any state. */
static void what_does_not_fit_is_ignored(void **state) {
    static const char *words[] = {"req?", "req-", "req", "req!!", "REQ!", "re\0!", "x"};
    static request offered, taken;
    (void)state;
    offer(&taken, 0, YOTON_NEVER);
    come(7, BENCH_ID, ID(1), "req!");
    offer(&offered, 0, YOTON_NEVER);
    bench_sent(&b, "0.+1 req?;7.1 object;0.+1 req-;0.+2 req?;");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (uint64_t id = 0; id < 4; id++)
            assert_null(come(7, BENCH_ID, ID(id), words[i]));
    for (uint64_t dest = 0; dest < 3; dest++) {
        assert_null(come(7, dest, ID(2), "req!"));
        assert_null(come(7, dest, 1, "reply"));
    }
    assert_null(come(9, BENCH_ID, ID(1), "req!")); /* taken */
    assert_null(come(9, BENCH_ID, ID(0), "req!")); /* unknown */
    assert_null(come(9, BENCH_ID, ID(3), "req!"));
    assert_null(come(9, BENCH_ID, UINT64_MAX, "req!"));
    assert_null(come(9, BENCH_ID, 2, "reply")); /* given to nobody */
    assert_null(come(9, BENCH_ID, 3, "reply"));
    bench_sent(&b, "");
    assert_int_equal(offered.state, REQUEST_OFFERED);
    assert_ptr_equal(come(9, BENCH_ID, 1, "reply"), &taken);
    assert_null(come(9, BENCH_ID, 1, "reply")); /* has one */
    assert_null(come(9, BENCH_ID, ID(1), "req!"));
    assert_true(requester_cancel(&r, &offered));
    bench_sent(&b, "0.+2 req-;");
    assert_null(come(9, BENCH_ID, ID(2), "req!")); /* cancelled */
    assert_null(come(9, BENCH_ID, 2, "reply"));
    bench_sent(&b, "");
}

/* REQREP-5 */
static void offers_are_repeated_every_half_second_to_second(void **state) {
    static request first, second, third;
    yoton_time last = 0;
    (void)state;
    offer(&first, 0, YOTON_NEVER);
    offer(&second, SECONDS(0.05), YOTON_NEVER);
    offer(&third, SECONDS(0.2), YOTON_NEVER);
    bench_sent(&b, "0.+1 req?;0.+2 req?;0.+3 req?;");
    assert_int_equal(requester_deadline(&r), SECONDS(0.65));
    ticks_quietly(SECONDS(0.65) - 1);
    assert_null(requester_tick(&r, SECONDS(0.65)));
    bench_sent(&b, "0.+1 req?;0.+2 req?;");
    assert_int_equal(requester_deadline(&r), SECONDS(0.85));
    assert_null(requester_tick(&r, SECONDS(5))); /* who slept catches up once */
    bench_sent(&b, "0.+3 req?;0.+1 req?;0.+2 req?;");
    assert_true(requester_cancel(&r, &first)); /* in the middle */
    assert_true(requester_cancel(&r, &second));
    bench_sent(&b, "0.+1 req-;0.+2 req-;");
    last = SECONDS(5);
    for (int i = 0; i < 20; i++) {
        yoton_time due = requester_deadline(&r);
        assert_in_range(due - last, SECONDS(0.5), SECONDS(1));
        assert_null(requester_tick(&r, due));
        bench_sent(&b, "0.+3 req?;");
        last = due;
    }
}

static void what_is_about_as_old_is_repeated_with_the_oldest(void **state) {
    static request first, at, after;
    (void)state;
    offer(&first, 0, YOTON_NEVER);
    offer(&at, SECONDS(0.1), YOTON_NEVER);
    offer(&after, SECONDS(0.1) + 1, YOTON_NEVER);
    bench_sent(&b, "0.+1 req?;0.+2 req?;0.+3 req?;");
    assert_null(requester_tick(&r, SECONDS(0.65)));
    bench_sent(&b, "0.+1 req?;0.+2 req?;");
}

static void a_cleared_requester_can_begin_anew(void **state) {
    static request one, two;
    (void)state;
    offer(&one, 0, YOTON_NEVER);
    requester_clear(&r);
    assert_int_equal(one.state, REQUEST_OVER);
    bench_sent(&b, "0.+1 req?;");
    offer(&two, 0, YOTON_NEVER);
    bench_sent(&b, "0.+2 req?;");
    assert_ptr_equal(come(7, BENCH_ID, ID(2), "req!"), &two);
    bench_sent(&b, "7.2 object;0.+2 req-;");
}

static void a_time_set_later_counts_from_then_on(void **state) {
    static request q;
    (void)state;
    offer(&q, 0, YOTON_NEVER);
    requester_set_cancel(&r, &q, SECONDS(0.2));
    bench_sent(&b, "0.+1 req?;");
    assert_int_equal(requester_deadline(&r), SECONDS(0.2));
    assert_ptr_equal(requester_tick(&r, SECONDS(0.2)), &q);
    bench_sent(&b, "0.+1 req-;");
}

/* The first one waits for the first connection (CTX-7), a repeated one would only be one more. */
static void what_nobody_hears_is_not_repeated(void **state) {
    static request q;
    (void)state;
    b.deaf = 1;
    offer(&q, 0, YOTON_NEVER);
    bench_sent(&b, "0.+1 req?;");
    ticks_quietly(SECONDS(0.65));
    b.deaf = 0;
    assert_int_equal(requester_deadline(&r), SECONDS(1.3));
    assert_null(requester_tick(&r, SECONDS(1.3)));
    bench_sent(&b, "0.+1 req?;");
}

/* REQREP-11, REQREP-12 */
static void what_is_not_taken_in_time_is_cancelled(void **state) {
    static request q[4];
    (void)state;
    offer(&q[0], 0, SECONDS(10));
    offer(&q[1], 0, SECONDS(0.3));
    offer(&q[2], 0, SECONDS(0.3));
    offer(&q[3], 0, SECONDS(0.4));
    bench_sent(&b, "0.+1 req?;0.+2 req?;0.+3 req?;0.+4 req?;");
    assert_int_equal(requester_deadline(&r), SECONDS(0.3));
    ticks_quietly(SECONDS(0.3) - 1);
    come(7, BENCH_ID, ID(3), "req!");
    bench_sent(&b, "7.3 object;0.+3 req-;");
    assert_ptr_equal(requester_tick(&r, SECONDS(0.3)), &q[1]);
    assert_int_equal(q[1].state, REQUEST_OVER);
    bench_sent(&b, "0.+2 req-;");
    ticks_quietly(SECONDS(0.3));
    assert_int_equal(q[2].state, REQUEST_TAKEN);
    requester_set_cancel(&r, &q[3], SECONDS(9));   /* later, */
    requester_set_cancel(&r, &q[0], SECONDS(0.5)); /* and sooner */
    ticks_quietly(SECONDS(0.4));
    assert_int_equal(requester_deadline(&r), SECONDS(0.5));
    assert_ptr_equal(requester_tick(&r, SECONDS(0.5)), &q[0]);
    bench_sent(&b, "0.+1 req-;");
    ticks_quietly(SECONDS(0.5));
    assert_int_equal(requester_deadline(&r), SECONDS(0.65));
    assert_ptr_equal(requester_tick(&r, SECONDS(9)), &q[3]);
    bench_sent(&b, "0.+4 req-;"); /* and no req? of one that is over */
    ticks_quietly(SECONDS(9));
    assert_int_equal(requester_deadline(&r), YOTON_NEVER);
}

static void the_end_of_the_clock_is_no_moment_before(void **state) {
    static request q;
    (void)state;
    offer(&q, YOTON_NEVER - 5, YOTON_NEVER);
    bench_sent(&b, "0.+1 req?;");
    assert_int_equal(requester_deadline(&r), YOTON_NEVER);
    ticks_quietly(YOTON_NEVER - 1);
}

/* PUB-5: without a word, the newest first. */
static void a_closed_channel_gives_up_silently(void **state) {
    static request q[20];
    (void)state;
    for (size_t i = 0; i < 20; i++)
        offer(&q[i], 0, YOTON_NEVER);
    come(7, BENCH_ID, ID(5), "req!");
    b.log[0] = '\0';
    for (size_t i = 20; i-- > 0;) {
        assert_ptr_equal(requester_abandon(&r), &q[i]);
        assert_int_equal(q[i].state, REQUEST_OVER);
    }
    assert_null(requester_abandon(&r));
    bench_sent(&b, "");
}

static void many_requests_end_in_any_order(void **state) {
    static request q[1000];
    uint64_t random = 1;
    size_t left = 1000;
    (void)state;
    for (size_t i = 0; i < 1000; i++)
        offer(&q[i], i, YOTON_NEVER);
    while (left > 0) {
        request *one = &q[random_next(&random) % 1000];
        if (one->state == REQUEST_OVER)
            continue;
        b.log[0] = '\0';
        if (one->state == REQUEST_TAKEN) {
            assert_ptr_equal(come(3, BENCH_ID, one->id, "reply"), one);
            left--;
        } else if (random_next(&random) % 2) {
            assert_ptr_equal(come(3, BENCH_ID, ID(one->id), "req!"), one);
        } else {
            assert_true(requester_cancel(&r, one));
            left--;
        }
        assert_int_equal(r.count, left);
    }
    assert_null(r.first);
    assert_null(r.last);
    b.log[0] = '\0';
}

static void one_request(void *unused, int failing) {
    request q;
    (void)unused, (void)failing;
    open_bench(NULL);
    yoton_package *taken = NULL, *reply = NULL;
    const yoton_header word = {.source_id = 7, .dest_id = BENCH_ID, .dest_seq = ID(1), .length = 4};
    const yoton_header answer = {.source_id = 7, .dest_id = BENCH_ID, .dest_seq = 1, .length = 1};
    int error = requester_call(&r, &q, 0, "object", 6, YOTON_NEVER);
    if (error == YOTON_OK) { /* the words are sent or not, the request goes its way */
        taken = yoton_package_new(&word, "req!");
        reply = yoton_package_new(&answer, "N");
        if (taken != NULL && reply != NULL) {
            assert_ptr_equal(requester_deposit(&r, taken), &q);
            assert_ptr_equal(requester_deposit(&r, reply), &q);
        }
    } else {
        assert_int_equal(error, YOTON_E_NOMEM);
        assert_int_equal(q.state, REQUEST_OVER);
        assert_int_equal(r.count, 0);
    }
    assert_true(failing || strcmp(b.log, "0.+1 req?;7.1 object;0.+1 req-;") == 0);
    yoton_package_unref(taken);
    yoton_package_unref(reply);
    requester_clear(&r);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    assert_int_equal(alloc_fail_each(one_request, NULL), 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_offered_taken_and_answered),
        TEST(a_request_that_cannot_be_sent_is_over),
        TEST(an_earlier_clock_repeats_nothing),
        TEST(what_does_not_fit_is_ignored),
        TEST(offers_are_repeated_every_half_second_to_second),
        TEST(what_is_about_as_old_is_repeated_with_the_oldest),
        TEST(a_cleared_requester_can_begin_anew),
        TEST(a_time_set_later_counts_from_then_on),
        TEST(what_nobody_hears_is_not_repeated),
        TEST(what_is_not_taken_in_time_is_cancelled),
        TEST(the_end_of_the_clock_is_no_moment_before),
        TEST(a_closed_channel_gives_up_silently),
        TEST(many_requests_end_in_any_order),
        TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
