/* SPDX-License-Identifier: BSD-2-Clause */
/* The replier and its list: every row of table C.3, exact packages at exact times. */
#include "machine_rig.h"

#include <string.h>
#include <time.h>

#include "channels/replier.h"

#define ID(n) ((n) + NEGOTIATION)

static bench b;
static replier r;
static yoton_queue *queue;

static int open_with(size_t offers) {
    bench_open(&b);
    queue = yoton_queue_new(0, 0, YOTON_DISCARD_OLD);
    replier_init(&r, &b.sink, BENCH_SLOT, BENCH_ID, offers);
    replier_switch(&r, true);
    return queue == NULL;
}

static int open_bench(void **state) {
    (void)state;
    return open_with(10000);
}

static int close_bench(void **state) {
    (void)state;
    replier_clear(&r);
    yoton_queue_free(queue);
    return 0;
}

static void come(uint64_t source, uint64_t dest, uint64_t seq, const char *payload) {
    yoton_package *package = package_from(source, dest, seq, payload);
    assert_int_equal(yoton_queue_push(queue, package), 0);
    yoton_package_unref(package);
}

static void idle(yoton_time now) { assert_null(replier_next(&r, queue, now)); }

/* What comes is worked off, and nothing is there to execute. */
static void word(uint64_t source, uint64_t id, const char *text) {
    come(source, 0, ID(id), text);
    idle(0);
}

static void executes(uint64_t source, uint64_t id, yoton_time now) {
    yoton_package *package = replier_next(&r, queue, now);
    assert_non_null(package);
    assert_int_equal(yoton_package_header(package)->source_id, source);
    assert_int_equal(yoton_package_header(package)->dest_seq, id);
    yoton_package_unref(package);
    assert_int_equal(r.state, REPLIER_EXECUTING);
    bench_sent(&b, "");
}

static void done(void) {
    assert_int_equal(replier_reply(&r, "reply", 5), YOTON_OK);
    replier_done(&r);
}

/* REQREP-15, REQREP-18, REQREP-20 */
static void an_offer_is_answered_executed_and_replied(void **state) {
    (void)state;
    word(7, 1, "req?");
    bench_sent(&b, "7.+1 req!;");
    assert_int_equal(replier_deadline(&r), SECONDS(10));
    come(7, BENCH_ID, 1, "request");
    come(7, 0, ID(1), "req-");
    executes(7, 1, 0);
    assert_int_equal(replier_deadline(&r), YOTON_NEVER);
    idle(SECONDS(1000)); /* however long it takes: REQREP-17 */
    bench_sent(&b, "");
    done();
    bench_sent(&b, "7.1 reply;");
    idle(SECONDS(1000));
    bench_sent(&b, "");
}

/* REQREP-14, REQREP-16: in order of arrival, by both numbers, a repeated one to the tail. */
static void offers_wait_in_their_order(void **state) {
    (void)state;
    word(1, 1, "req?");
    bench_sent(&b, "1.+1 req!;");
    word(2, 1, "req?");
    word(1, 2, "req?");
    word(2, 2, "req?");
    word(1, 1, "req?"); /* the one awaited, again */
    word(2, 1, "req?"); /* to the tail */
    bench_sent(&b, "");
    come(1, BENCH_ID, 1, "request");
    executes(1, 1, 0);
    come(2, 0, ID(2), "req-"); /* while executing: strikes */
    come(3, 0, ID(1), "req?");
    done();
    bench_sent(&b, "1.1 reply;");
    idle(0);
    bench_sent(&b, "1.+2 req!;");
    come(1, 0, ID(2), "req-");
    idle(0);
    bench_sent(&b, "2.+1 req!;"); /* 1/1 was struck when it came to be executed */
    come(2, 0, ID(1), "req-");
    idle(0);
    bench_sent(&b, "3.+1 req!;");
}

/* REQREP-17 */
static void req_minus_frees_who_waits_for_it_only(void **state) {
    (void)state;
    word(7, 1, "req-"); /* nobody waits, nothing is there to strike */
    word(7, 1, "req?");
    word(8, 1, "req?");
    bench_sent(&b, "7.+1 req!;");
    word(7, 2, "req-");
    word(9, 1, "req-");
    word(8, 2, "req-");
    bench_sent(&b, "");
    assert_int_equal(r.state, REPLIER_WAITING);
    word(7, 1, "req-");
    bench_sent(&b, "8.+1 req!;");
    word(8, 1, "req-");
    assert_int_equal(r.state, REPLIER_FREE);
    bench_sent(&b, "");
}

/* REQREP-17 */
static void who_waits_in_vain_goes_on_after_ten_seconds(void **state) {
    (void)state;
    word(7, 1, "req?");
    word(8, 1, "req?");
    bench_sent(&b, "7.+1 req!;");
    idle(SECONDS(10) - 1);
    bench_sent(&b, "");
    idle(SECONDS(10));
    bench_sent(&b, "8.+1 req!;");
    assert_int_equal(replier_deadline(&r), SECONDS(20));
    idle(SECONDS(20));
    assert_int_equal(r.state, REPLIER_FREE);
    come(7, BENCH_ID, 1, "late"); /* REQREP-20 */
    executes(7, 1, SECONDS(21));
}

/* A request that was not negotiated while another is awaited: free then, whichever it was. */
static void an_uncalled_request_is_executed_too(void **state) {
    (void)state;
    come(9, BENCH_ID, 5, "uncalled");
    executes(9, 5, 0);
    done();
    bench_sent(&b, "9.5 reply;");
    word(7, 1, "req?");
    word(8, 4, "req?");
    bench_sent(&b, "7.+1 req!;");
    come(8, BENCH_ID, 4, "uncalled");
    come(7, BENCH_ID, 1, "called");
    executes(8, 4, 0);
    idle(0);
    done();
    bench_sent(&b, "8.4 reply;");
    executes(7, 1, 0); /* kept until the other was done */
    done();
    bench_sent(&b, "7.1 reply;");
    idle(0);
    bench_sent(&b, "");
}

/* REQREP-27, REQREP-28 */
static void what_does_not_fit_is_ignored(void **state) {
    static const char *words[] = {"req!", "req", "req?x", "REQ?", "req_", "r", "request"};
    (void)state;
    word(7, 1, "req?");
    word(7, 2, "req?");
    bench_sent(&b, "7.+1 req!;");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (uint64_t id = 1; id < 4; id++)
            word(7, id, words[i]);
    come(7, 0, 1, "for everybody");
    come(7, BENCH_ID + 1, 1, "for another");
    idle(0);
    bench_sent(&b, "");
    assert_int_equal(r.state, REPLIER_WAITING);
    assert_int_equal(r.offers.count, 1);
}

/* REQREP-24 */
static void what_comes_while_off_is_kept(void **state) {
    (void)state;
    replier_switch(&r, false);
    replier_switch(&r, false);
    come(7, 0, ID(1), "req?");
    come(7, 0, ID(2), "req?");
    come(7, 0, ID(1), "req-");
    come(9, BENCH_ID, 3, "request");
    idle(0);
    bench_sent(&b, "");
    assert_int_equal(yoton_queue_count(queue), 4);
    replier_switch(&r, true);
    executes(9, 3, 0);
    replier_switch(&r, false); /* off after this one */
    done();
    bench_sent(&b, "9.3 reply;");
    idle(0);
    bench_sent(&b, "");
    replier_switch(&r, true);
    idle(0);
    bench_sent(&b, "7.+2 req!;");
    replier_switch(&r, true); /* ignored */
    assert_int_equal(r.state, REPLIER_WAITING);
    replier_switch(&r, false);
    assert_int_equal(replier_deadline(&r), YOTON_NEVER);
    idle(SECONDS(100));
    come(8, 0, ID(1), "req?");
    replier_switch(&r, true); /* waits for nothing */
    idle(SECONDS(1));
    bench_sent(&b, "8.+1 req!;");
}

static void a_reply_there_is_no_memory_for_can_be_tried_again(void **state) {
    (void)state;
    come(9, BENCH_ID, 3, "request");
    executes(9, 3, 0);
    b.short_of_memory = 1;
    assert_int_equal(replier_reply(&r, "long", 4), YOTON_E_NOMEM);
    assert_int_equal(r.state, REPLIER_EXECUTING);
    b.short_of_memory = 0;
    assert_int_equal(replier_reply(&r, "no", 2), YOTON_OK);
    bench_sent(&b, "9.3 no;");
    replier_done(&r);
    assert_int_equal(r.state, REPLIER_FREE);
}

static void a_closed_channel_does_not_reply(void **state) {
    (void)state;
    come(9, BENCH_ID, 3, "request");
    executes(9, 3, 0);
    replier_done(&r);
    bench_sent(&b, "");
    assert_int_equal(r.state, REPLIER_FREE);
}

/* REQREP-2: the smallest dest_seq of a word is 2^63. */
static void the_request_of_id_zero_is_offered_too(void **state) {
    (void)state;
    word(1, 0, "req?");
    bench_sent(&b, "1.+0 req!;");
    word(1, 0, "req-");
    assert_int_equal(r.state, REPLIER_FREE);
}

static void a_cleared_list_can_be_filled_anew(void **state) {
    offers list = {.limit = 100};
    offer_key key;
    (void)state;
    assert_false(offers_strike(&list, (offer_key){1, 1}));
    for (int round = 0; round < 2; round++) {
        for (uint64_t id = 0; id < 20; id++)
            offers_add(&list, (offer_key){1, id});
        assert_int_equal(list.count, 20);
        assert_true(offers_strike(&list, (offer_key){1, 3}));
        assert_false(offers_strike(&list, (offer_key){1, 3}));
        assert_false(offers_strike(&list, (offer_key){2, 4}));
        assert_true(offers_pop(&list, &key));
        assert_true(key.source == 1 && key.id == 0);
        offers_clear(&list);
        assert_int_equal(list.count, 0);
        assert_false(offers_strike(&list, (offer_key){1, 4}));
        assert_false(offers_pop(&list, &key));
    }
}

/* REQREP-26 */
static void a_full_list_strikes_the_oldest(void **state) {
    (void)state;
    close_bench(NULL);
    open_with(3);
    word(1, 1, "req?");
    bench_sent(&b, "1.+1 req!;");
    for (uint64_t id = 2; id < 7; id++)
        word(1, id, "req?");
    word(1, 4, "req?"); /* known: nothing is struck for it */
    assert_int_equal(r.offers.count, 3);
    for (uint64_t id = 1; id < 4; id++)
        word(1, id, "req-");
    bench_sent(&b, "1.+5 req!;");
    word(1, 5, "req-");
    bench_sent(&b, "1.+6 req!;");
    word(1, 6, "req-");
    bench_sent(&b, "1.+4 req!;");
}

/* LIMIT-9: from invented requesters, all waiting for nobody. */
static void a_million_offers_stay_bounded_and_fast(void **state) {
    struct timespec begin, end;
    (void)state;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    alloc_start(0);
    for (uint64_t i = 0; i < 1000000; i++)
        offers_add(&r.offers, (offer_key){.source = i * 1024, .id = i % 3});
    assert_int_equal(r.offers.count, 10000);
    assert_true(alloc_peak() < 1 << 20);
    alloc_stop();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    assert_true(end.tv_sec - begin.tv_sec < 10); /* 0.5 s; quadratic time would take hours */
    for (uint64_t i = 990000; i < 1000000; i++) {
        offer_key key;
        assert_true(offers_pop(&r.offers, &key));
        assert_int_equal(key.source, i * 1024);
    }
    idle(0);
    bench_sent(&b, "");
}

static void the_end_of_the_clock_is_no_moment_before(void **state) {
    (void)state;
    come(7, 0, ID(1), "req?");
    idle(YOTON_NEVER - 1);
    assert_int_equal(replier_deadline(&r), YOTON_NEVER);
    bench_sent(&b, "7.+1 req!;");
}

static void add_many(void *unused, int failing) {
    offers list;
    offer_key key;
    size_t count = 0;
    (void)unused;
    offers_init(&list, 40, 1);
    for (uint64_t i = 0; i < 40; i++)
        offers_add(&list, (offer_key){.source = 1, .id = i});
    for (uint64_t i = 0; i < 40; i++)
        count += offers_strike(&list, (offer_key){.source = 1, .id = i});
    assert_in_range(count, 23, 40); /* what there is no memory for will be offered again */
    assert_true(failing || count == 40);
    assert_false(offers_pop(&list, &key));
    offers_clear(&list);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    assert_int_equal(alloc_fail_each(add_many, NULL), 43);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_offer_is_answered_executed_and_replied),
        TEST(offers_wait_in_their_order),
        TEST(req_minus_frees_who_waits_for_it_only),
        TEST(who_waits_in_vain_goes_on_after_ten_seconds),
        TEST(an_uncalled_request_is_executed_too),
        TEST(what_does_not_fit_is_ignored),
        TEST(what_comes_while_off_is_kept),
        TEST(a_reply_there_is_no_memory_for_can_be_tried_again),
        TEST(a_closed_channel_does_not_reply),
        TEST(the_request_of_id_zero_is_offered_too),
        TEST(a_cleared_list_can_be_filled_anew),
        TEST(a_full_list_strikes_the_oldest),
        TEST(a_million_offers_stay_bounded_and_fast),
        TEST(the_end_of_the_clock_is_no_moment_before),
        TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
