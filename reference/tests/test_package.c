/* SPDX-License-Identifier: BSD-2-Clause */
#include "support.h"

#include <pthread.h>
#include <string.h>

#include "link/package_private.h"
#include "yoton/package.h"

static yoton_package *make(uint64_t seq, size_t length) {
    yoton_header header = {.slot = 8, .source_seq = seq, .length = length};
    return yoton_package_new(&header, NULL);
}

static uint64_t seq_of(yoton_package *package) { return yoton_package_header(package)->source_seq; }

static void package_holds_header_and_a_copy_of_the_payload(void **state) {
    (void)state;
    yoton_header header = {9, 0xa, 11, 0xc, 13, 5};
    char payload[] = "hello";
    yoton_package *package = yoton_package_new(&header, payload);
    assert_non_null(package);
    memset(payload, 0, sizeof payload);
    assert_memory_equal(yoton_package_header(package), &header, sizeof header);
    assert_memory_equal(yoton_package_payload(package), "hello", 5);
    assert_int_equal(yoton_package_recv_seq(package), 0);
    yoton_package_set_recv_seq(package, UINT64_MAX);
    assert_int_equal(yoton_package_recv_seq(package), UINT64_MAX);
    yoton_package_unref(package);
}

static void package_may_be_empty(void **state) {
    (void)state;
    yoton_package *package = yoton_package_new(&(yoton_header){.length = 0}, "");
    assert_non_null(package);
    assert_int_equal(yoton_package_header(package)->length, 0);
    yoton_package_unref(package);
    yoton_package_unref(NULL);
}

static void package_too_large_for_memory_is_refused(void **state) {
    (void)state;
    assert_null(yoton_package_new(&(yoton_header){.length = UINT64_MAX}, NULL));
    assert_null(yoton_package_new(&(yoton_header){.length = PTRDIFF_MAX - 8}, NULL));
    yoton_package *package = make(1, 3);
    assert_null(yoton_package_resize(package, PTRDIFF_MAX - 8));
    assert_int_equal(seq_of(package), 1);
    yoton_package_unref(package);
}

static void last_reference_frees(void **state) {
    (void)state;
    alloc_start(0);
    yoton_package *package = make(1, 100);
    assert_true(alloc_live() >= 100);
    assert_ptr_equal(yoton_package_ref(package), package);
    yoton_package_unref(package);
    assert_true(alloc_live() >= 100);
    yoton_package_unref(package);
    assert_int_equal(alloc_live(), 0);
    alloc_stop();
}

#define ROUNDS 20000

static void *take_and_give_back(void *package) {
    for (int i = 0; i < ROUNDS; i++)
        yoton_package_unref(yoton_package_ref(package));
    yoton_package_unref(package);
    return NULL;
}

static void references_are_counted_between_threads(void **state) {
    (void)state;
    pthread_t threads[3];
    alloc_start(0);
    yoton_package *package = make(1, 10);
    size_t live = alloc_live();
    alloc_stop(); /* the counter itself is for one thread */
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, take_and_give_back, yoton_package_ref(package)), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(live >= 10);
    assert_int_equal(seq_of(package), 1); /* one reference is left, and no more: leaks are found */
    yoton_package_unref(package);
}

/* Pushes a new package and gives the own reference back; returns what push does. */
static int push(yoton_queue *queue, uint64_t seq, size_t length) {
    yoton_package *package = make(seq, length);
    assert_non_null(package);
    int result = yoton_queue_push(queue, package);
    yoton_package_unref(package);
    return result;
}

static void expect_pop(yoton_queue *queue, uint64_t seq) {
    yoton_package *package = yoton_queue_pop(queue);
    assert_non_null(package);
    assert_int_equal(seq_of(package), seq);
    yoton_package_unref(package);
}

static void queue_is_first_in_first_out(void **state) {
    (void)state;
    yoton_queue *queue = yoton_queue_new(0, 0, YOTON_DISCARD_OLD);
    assert_null(yoton_queue_pop(queue));
    assert_null(yoton_queue_head(queue));
    assert_null(yoton_queue_tail(queue));
    uint64_t in = 0, out = 0;
    for (int round = 0; round < 40; round++) { /* the ring turns and grows at every offset */
        for (int i = 0; i < 37; i++)
            assert_int_equal(push(queue, ++in, 2), 0);
        assert_int_equal(seq_of(yoton_queue_tail(queue)), in);
        for (int i = 0; i < 23; i++)
            expect_pop(queue, ++out);
        assert_int_equal(seq_of(yoton_queue_head(queue)), out + 1);
        assert_int_equal(yoton_queue_count(queue), in - out);
        assert_int_equal(yoton_queue_bytes(queue), 2 * (in - out));
    }
    while (out < in)
        expect_pop(queue, ++out);
    assert_int_equal(yoton_queue_count(queue), 0);
    assert_int_equal(yoton_queue_bytes(queue), 0);
    yoton_queue_free(queue);
}

static void full_queue_discards_the_oldest(void **state) {
    (void)state;
    yoton_queue *queue = yoton_queue_new(3, 0, YOTON_DISCARD_OLD);
    for (uint64_t seq = 1; seq <= 3; seq++)
        assert_int_equal(push(queue, seq, 1), 0);
    assert_int_equal(push(queue, 4, 1), 1);
    assert_int_equal(push(queue, 5, 1), 1);
    assert_int_equal(yoton_queue_count(queue), 3);
    for (uint64_t seq = 3; seq <= 5; seq++)
        expect_pop(queue, seq);
    yoton_queue_free(queue);
}

static void full_queue_discards_the_newest(void **state) {
    (void)state;
    yoton_queue *queue = yoton_queue_new(3, 0, YOTON_DISCARD_NEW);
    for (uint64_t seq = 1; seq <= 3; seq++)
        assert_int_equal(push(queue, seq, 1), 0);
    assert_int_equal(push(queue, 4, 1), 1);
    expect_pop(queue, 1);
    assert_int_equal(push(queue, 5, 1), 0);
    expect_pop(queue, 2);
    expect_pop(queue, 3);
    expect_pop(queue, 5);
    yoton_queue_free(queue);
}

static void default_limit_is_ten_thousand(void **state) {
    (void)state;
    yoton_queue *queue = yoton_queue_new(0, 0, YOTON_DISCARD_OLD);
    for (uint64_t seq = 1; seq <= 10000; seq++)
        assert_int_equal(push(queue, seq, 1), 0);
    assert_int_equal(push(queue, 10001, 1), 1);
    assert_int_equal(yoton_queue_count(queue), 10000);
    expect_pop(queue, 2);
    yoton_queue_free(queue);
}

static void any_limit_may_be_asked_for(void **state) {
    (void)state;
    yoton_queue *queue = yoton_queue_new(SIZE_MAX, UINT64_MAX, YOTON_DISCARD_NEW);
    assert_non_null(queue);
    assert_int_equal(push(queue, 1, 1), 0);
    yoton_queue_free(queue);
}

static void bytes_are_limited_too(void **state) {
    (void)state;
    yoton_queue *queue = yoton_queue_new(0, 100, YOTON_DISCARD_OLD);
    assert_int_equal(push(queue, 1, 40), 0);
    assert_int_equal(push(queue, 2, 40), 0);
    assert_int_equal(push(queue, 3, 20), 0); /* exactly full */
    assert_int_equal(push(queue, 4, 1), 1);
    assert_int_equal(yoton_queue_bytes(queue), 61);
    assert_int_equal(push(queue, 5, 100), 3); /* alone it fits */
    assert_int_equal(push(queue, 6, 101), 1); /* never: the others stay */
    assert_int_equal(yoton_queue_bytes(queue), 100);
    expect_pop(queue, 5);
    yoton_queue_free(queue);

    queue = yoton_queue_new(0, 100, YOTON_DISCARD_NEW);
    assert_int_equal(push(queue, 1, 60), 0);
    assert_int_equal(push(queue, 2, 41), 1);
    assert_int_equal(push(queue, 3, 40), 0);
    assert_int_equal(push(queue, 4, 101), 1);
    expect_pop(queue, 1);
    expect_pop(queue, 3);
    yoton_queue_free(queue);
}

static void unpop_goes_to_the_head_above_any_limit(void **state) {
    (void)state;
    yoton_queue *queue = yoton_queue_new(2, 20, YOTON_DISCARD_OLD);
    assert_int_equal(yoton_queue_unpop(queue, make(2, 10)), YOTON_OK);
    assert_int_equal(push(queue, 3, 10), 0);
    assert_int_equal(yoton_queue_unpop(queue, make(1, 15)), YOTON_OK);
    assert_int_equal(yoton_queue_count(queue), 3);
    assert_int_equal(yoton_queue_bytes(queue), 35);
    assert_int_equal(seq_of(yoton_queue_head(queue)), 1);
    assert_int_equal(push(queue, 4, 10), 2); /* back within the limits, oldest first */
    expect_pop(queue, 3);
    expect_pop(queue, 4);
    yoton_queue_free(queue);
}

static void empty_queue_gives_memory_back(void **state) {
    (void)state;
    alloc_start(0);
    yoton_queue *queue = yoton_queue_new(0, 0, YOTON_DISCARD_OLD);
    size_t empty = alloc_live();
    assert_true(empty <= 256);
    for (uint64_t seq = 1; seq <= 5000; seq++)
        push(queue, seq, 1);
    for (uint64_t seq = 1; seq <= 5000; seq++)
        expect_pop(queue, seq);
    assert_int_equal(alloc_live(), empty);
    push(queue, 1, 1);
    yoton_queue_free(queue);
    assert_int_equal(alloc_live(), 0);
    alloc_stop();
}

/* 17 pushes and an unpop: the ring is made and grows; whatever fails changes nothing. */
static void fill(void *context, int failing) {
    (void)context;
    int failed = 0;
    uint64_t expected = 0;
    yoton_package *package = make(1, 4);
    yoton_queue *queue = yoton_queue_new(0, 0, YOTON_DISCARD_OLD);
    failed += !package + !queue;
    for (int i = 0; package && queue && i < 40; i++) {
        int result = i % 2 ? yoton_queue_push(queue, package)
                           : yoton_queue_unpop(queue, yoton_package_ref(package));
        if (result == YOTON_E_NOMEM && i % 2 == 0)
            yoton_package_unref(package);
        failed += result == YOTON_E_NOMEM;
        expected += result == YOTON_OK;
        assert_int_equal(yoton_queue_count(queue), expected);
        assert_int_equal(yoton_queue_bytes(queue), 4 * expected);
    }
    assert_int_equal(failed, failing);
    yoton_queue_free(queue);
    yoton_package_unref(package);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    assert_int_equal(alloc_fail_each(fill, NULL), 5); /* package, queue, rings of 16, 32 and 64 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(package_holds_header_and_a_copy_of_the_payload),
        cmocka_unit_test(package_may_be_empty),
        cmocka_unit_test(package_too_large_for_memory_is_refused),
        cmocka_unit_test(last_reference_frees),
        cmocka_unit_test(references_are_counted_between_threads),
        cmocka_unit_test(queue_is_first_in_first_out),
        cmocka_unit_test(full_queue_discards_the_oldest),
        cmocka_unit_test(full_queue_discards_the_newest),
        cmocka_unit_test(default_limit_is_ten_thousand),
        cmocka_unit_test(any_limit_may_be_asked_for),
        cmocka_unit_test(bytes_are_limited_too),
        cmocka_unit_test(unpop_goes_to_the_head_above_any_limit),
        cmocka_unit_test(empty_queue_gives_memory_back),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
