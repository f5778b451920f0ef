/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes a link writes, the memory it takes, and what it does when there is none. */
#include "link_rig.h"

#include <string.h>

#include "link/link_private.h"

static rig bench;
static bytes input;
static bytes expected;

static int send_to(rig *r, uint64_t seq, size_t length) {
    yoton_package *package = package_make(seq, length);
    assert_non_null(package);
    int result = yoton_link_send(r->link, package);
    yoton_package_unref(package);
    return result;
}

static void connect_bench(void) {
    yoton_link_config config = rig_config(YOTON_ROLE_HOST);
    rig_connect(&bench, &config);
}

static void expect_sent_as_encoded(void) {
    assert_int_equal(bench.sent_size, expected.size);
    assert_memory_equal(bench.sent, expected.data, expected.size);
}

/* A link that is set up holds no package, whatever its memory held. */
static void nothing_is_incoming_at_first(void **state) {
    (void)state;
    link_incoming in;
    memset(&in, 0xa5, sizeof in);
    yoton_link_incoming_init(&in, 100);
    assert_null(in.package);
}

/* --- Order and pieces
 * ------------------------------------------------------------------------------ */

static size_t some_size(uint64_t *seed) {
    static const size_t special[] = {1,     2,      200,    32767,  32768, 32769,
                                     65536, 262088, 262089, 262144, 100000};
    uint64_t chance = random_next(seed);
    if (chance % 16 == 0)
        return special[(chance >> 8) % (sizeof special / sizeof special[0])];
    return 1 + (chance >> 8) % (chance % 16 < 12 ? 64 : 5000);
}

/* Sends, writes of any size, input and ticks in any order: the bytes are those of the packages one
 * behind the other, and what is offered stays where it is until it is taken. */
static void check_pieces(uint64_t seed) {
    const uint8_t *data, *again;
    uint64_t seq = 0;
    connect_bench();
    expected.size = 0;
    while (expected.size < 700000 || yoton_link_output(bench.link, &data) > 0) {
        uint64_t chance = random_next(&seed);
        for (uint64_t n = chance % 8; n > 0 && expected.size < 700000; n--) {
            size_t size = some_size(&seed);
            bytes_package(&expected, ++seq, size);
            size_t before = yoton_link_output(bench.link, &data);
            assert_int_equal(send_to(&bench, seq, size), 0);
            yoton_link_tick(bench.link, bench.now, &(yoton_link_event){0});
            rig_feed(&bench, "Y", input.size++ == 0 ? 1 : 0);
            if (before > 0) {
                assert_int_equal(yoton_link_output(bench.link, &again), before);
                assert_ptr_equal(again, data);
            }
        }
        size_t most = chance >> 60 ? 1 + (chance >> 8) % 3000 : SIZE_MAX;
        rig_take(&bench, most);
    }
    expect_sent_as_encoded();
    assert_int_equal(yoton_link_pending(bench.link), 0);
    rig_close(&bench);
}

static void pieces_make_the_whole(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        input.size = 0;
        check_pieces(seed);
    }
}

static void one_byte_at_a_time(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 16, 32768, 32769, 3, 33000, 33001, 1};
    connect_bench();
    expected.size = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bytes_package(&expected, i + 1, sizes[i]);
        assert_int_equal(send_to(&bench, i + 1, sizes[i]), 0);
    }
    bytes_signal(&expected, 1);
    yoton_link_close(bench.link, 0, NULL);
    while (rig_take(&bench, 1) > 0) {
    }
    expect_sent_as_encoded();
    rig_close(&bench);
}

static void small_packages_are_offered_together(void **state) {
    (void)state;
    const uint8_t *data;
    connect_bench();
    for (uint64_t seq = 1; seq <= 1000; seq++)
        assert_int_equal(send_to(&bench, seq, 16), 0);
    assert_int_equal(yoton_link_pending(bench.link), 1000);
    assert_int_equal(yoton_link_output(bench.link, &data), 72000);
    assert_int_equal(yoton_link_pending(bench.link), 0); /* the writer has them */
    rig_drain(&bench);
    for (uint64_t seq = 1; seq <= 10000; seq++)
        assert_int_equal(send_to(&bench, seq, 16), 0);
    assert_int_equal(yoton_link_output(bench.link, &data),
                     262144 / 72 * 72); /* 256 KiB at a time */
    assert_int_equal(yoton_link_pending(bench.link), 10000 - 262144 / 72);
    rig_close(&bench);
}

/* Packages that fill the memory they are gathered in to the last byte. */
static void exact_fits_are_offered(void **state) {
    (void)state;
    const uint8_t *data;
    connect_bench();
    send_to(&bench, 1, 1024 - 56);
    assert_int_equal(yoton_link_output(bench.link, &data), 1024);
    rig_drain(&bench);
    for (uint64_t seq = 2; seq <= 9; seq++)
        send_to(&bench, seq, 32768);
    send_to(&bench, 10, 8 * 1024 - 9 * 56);
    send_to(&bench, 11, 1);
    size_t first = yoton_link_output(bench.link, &data);
    assert_int_equal(first, 7 * (56 + 32768)); /* the eighth does not fit */
    rig_drain(&bench);
    for (uint64_t seq = 12; seq <= 19; seq++)
        send_to(&bench, seq, 32768 - 56);
    send_to(&bench, 20, 1);
    assert_int_equal(yoton_link_output(bench.link, &data), 262144);
    rig_close(&bench);
}

static void more_than_offered_cannot_be_written(void **state) {
    (void)state;
    const uint8_t *data;
    connect_bench();
    send_to(&bench, 1, 4);
    assert_int_equal(yoton_link_output(bench.link, &data), 60);
    yoton_link_written(bench.link, 0, 61);
    assert_int_equal(yoton_link_output(bench.link, &data), 60);
    yoton_link_written(bench.link, 0, 0);
    assert_int_equal(yoton_link_output(bench.link, &data), 60);
    rig_close(&bench);
}

static void closed_link_takes_nothing_as_written(void **state) {
    (void)state;
    const uint8_t *data;
    connect_bench();
    yoton_link_close(bench.link, 0, NULL);
    assert_int_equal(yoton_link_output(bench.link, &data), YOTON_HEADER_SIZE);
    yoton_link_drop(bench.link, YOTON_E_SYSTEM, "Socket error.");
    rig_tick(&bench, 0);
    yoton_link_written(bench.link, 0, YOTON_HEADER_SIZE); /* told late; no second end */
    rig_tick(&bench, 0);
    assert_int_equal(yoton_link_output(bench.link, &data), 0);
    assert_string_equal(bench.log, "DOWN -20 Socket error.|");
    assert_string_equal(rig_state(&bench), "closed");
    rig_close(&bench);
}

static void full_queue_discards_as_configured(void **state) {
    (void)state;
    yoton_link_config config = rig_config(YOTON_ROLE_HOST);
    config.queue_packages = 2;
    rig_connect(&bench, &config);
    assert_int_equal(send_to(&bench, 1, 1) + send_to(&bench, 2, 1), 0);
    assert_int_equal(send_to(&bench, 3, 1), 1);
    rig_drain(&bench);
    assert_string_equal(rig_sent(&bench), "#2[1] #3[1] ");
    rig_close(&bench);

    config.discard = YOTON_DISCARD_NEW;
    config.queue_bytes = 10;
    rig_connect(&bench, &config);
    assert_int_equal(send_to(&bench, 1, 6), 0);
    assert_int_equal(send_to(&bench, 2, 5), 1);
    assert_int_equal(send_to(&bench, 3, 4), 0);
    rig_drain(&bench);
    assert_string_equal(rig_sent(&bench), "#1[6] #3[4] ");
    rig_close(&bench);
}

/* --- Memory
 * ---------------------------------------------------------------------------------------- */

static void payload_memory_follows_what_came(void **state) {
    (void)state;
    connect_bench();
    input.size = 0;
    bytes_header(&input, &(yoton_header){8, RIG_OTHER_ID, 1, 0, 0, UINT64_C(1) << 30});
    alloc_start(0);
    rig_feed(&bench, input.data, input.size);
    assert_int_equal(alloc_calls(), 0); /* a claim alone costs nothing */
    rig_feed(&bench, input.data, 1);
    assert_true(alloc_peak() <= 4096 + 256);
    for (size_t came = 1; came < 700000; came += 999) {
        rig_feed(&bench, expected.data, 999);
        assert_true(alloc_live() <= 2 * came + 16384);
        assert_true(alloc_peak() <= 3 * came + 16384); /* old and new while it grows */
    }
    rig_close(&bench);
    alloc_stop();
}

static void payload_gets_no_more_than_its_length(void **state) {
    (void)state;
    connect_bench();
    input.size = 0;
    bytes_package(&input, 1, 5000);
    alloc_start(0);
    rig_feed(&bench, input.data, 56 + 100);
    assert_in_range(alloc_live(), 4096, 4096 + 200);
    rig_feed(&bench, input.data + 156, 4000);
    assert_in_range(alloc_live(), 5000, 5000 + 200);
    rig_close(&bench);
    alloc_stop();
}

static void whole_package_is_taken_in_one_allocation(void **state) {
    (void)state;
    connect_bench();
    input.size = 0;
    bytes_package(&input, 1, 300000);
    alloc_start(0);
    rig_feed(&bench, input.data, input.size);
    assert_int_equal(alloc_calls(), 1);
    assert_int_equal(alloc_live(), 0);
    alloc_stop();
    rig_close(&bench);
}

static void large_package_is_sent_from_its_own_memory(void **state) {
    (void)state;
    const uint8_t *data;
    connect_bench();
    yoton_package *package = package_make(1, 900000);
    yoton_link_send(bench.link, package);
    yoton_package_unref(package);
    alloc_start(0);
    assert_int_equal(yoton_link_output(bench.link, &data), 56);
    rig_drain(&bench);
    assert_int_equal(alloc_calls(), 0);
    alloc_stop();
    expected.size = 0;
    bytes_package(&expected, 1, 900000);
    expect_sent_as_encoded();
    rig_close(&bench);
}

static void idle_link_is_small(void **state) {
    (void)state;
    yoton_link_config config = rig_config(YOTON_ROLE_HOST);
    alloc_start(0);
    rig_connect(&bench, &config);
    size_t idle = alloc_live();
    assert_true(idle <= 2048);
    for (uint64_t seq = 1; seq <= 5000; seq++)
        send_to(&bench, seq, 40);
    rig_drain(&bench);
    assert_true(alloc_live() >= 256 * 1024);
    rig_run(&bench, 250 * YOTON_MS, 1); /* with the first heartbeat it is idle again */
    assert_int_equal(alloc_live(), idle);
    rig_close(&bench);
    assert_int_equal(alloc_live(), 0);
    alloc_stop();
}

static void lost_link_lets_go_of_its_packages(void **state) {
    (void)state;
    connect_bench();
    input.size = 0;
    bytes_package(&input, 1, 5000);
    alloc_start(0);
    rig_feed(&bench, input.data, 1000);
    for (uint64_t seq = 1; seq <= 100; seq++)
        send_to(&bench, seq, 1000);
    assert_true(alloc_live() > 100000);
    rig_eof(&bench);
    assert_true(alloc_live() < 4096);
    alloc_stop();
    rig_close(&bench);
}

/* --- No memory
 * -------------------------------------------------------------------------------------- */

typedef struct outcome {
    int made;
    int sent; /* packages the link took */
    int down; /* the link went down for want of memory */
} outcome;

/* Some packages in, some out, with whichever allocation failing. */
static void converse(void *context, int failing) {
    outcome *o = context;
    yoton_link_config config = rig_config(YOTON_ROLE_HOST);
    *o = (outcome){0};
    rig_forget(&bench);
    bench.downs = 0;
    bench.link = yoton_link_new(&config, 0);
    if (bench.link == NULL)
        return;
    o->made = 1;
    expected.size = 0;
    bytes_add(&expected, RIG_LINE, strlen(RIG_LINE));
    rig_feed(&bench, RIG_OTHER_LINE, strlen(RIG_OTHER_LINE));
    for (uint64_t seq = 1; seq <= 3; seq++) {
        yoton_package *package = package_make(seq, 20000 * seq);
        int result = package ? yoton_link_send(bench.link, package) : YOTON_E_NOMEM;
        yoton_package_unref(package);
        if (result == YOTON_OK)
            bytes_package(&expected, seq, 20000 * seq);
        else
            assert_int_equal(result, YOTON_E_NOMEM);
        o->sent += result == YOTON_OK;
    }
    rig_drain(&bench); /* never fails */
    expect_sent_as_encoded();
    int result = rig_feed(&bench, input.data, 100); /* whole, then in pieces that make it grow */
    for (size_t at = 100; result == YOTON_OK && at < input.size; at += 3000)
        result = rig_feed(&bench, input.data + at, input.size - at < 3000 ? input.size - at : 3000);
    o->down = result != YOTON_OK;
    if (o->down) {
        assert_int_equal(result, YOTON_E_NOMEM);
        assert_true(strstr(bench.log, "DOWN -2 Out of memory.|") != NULL);
        assert_string_equal(rig_state(&bench), "closed");
    } else {
        assert_true(strstr(bench.log, "|PACKAGE 8 b2 2 0 0 [20000] ") != NULL);
    }
    if (!failing)
        assert_int_equal(o->made + o->sent + o->down, 4);
    rig_close(&bench);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    outcome o;
    bench.now = 0;
    bench.most = 0;
    bench.stamped = 0;
    input.size = 0;
    bytes_package(&input, 1, 10);
    bytes_package(&input, 2, 20000);
    size_t calls = alloc_fail_each(converse, &o);
    size_t unmade = 0, unsent = 0, downs = 0, unharmed = 0;
    for (size_t i = 1; i <= calls; i++) {
        alloc_start(i);
        converse(&o, 1);
        unmade += !o.made;
        unsent += (size_t)(o.made && o.sent < 3);
        downs += (size_t)o.down;
        unharmed += (size_t)(o.made && o.sent == 3 && !o.down);
    }
    alloc_stop();
    assert_int_equal(unmade, 2);   /* the link, its queue */
    assert_int_equal(unsent, 4);   /* three packages, the ring of the queue */
    assert_int_equal(unharmed, 1); /* the batch, which packages do without */
    assert_int_equal(downs, 5);    /* a whole package; 4096, 8192, 16384, 20000 of one in pieces */
    assert_int_equal(calls, 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_incoming_at_first),
        cmocka_unit_test(pieces_make_the_whole),
        cmocka_unit_test(one_byte_at_a_time),
        cmocka_unit_test(small_packages_are_offered_together),
        cmocka_unit_test(exact_fits_are_offered),
        cmocka_unit_test(more_than_offered_cannot_be_written),
        cmocka_unit_test(closed_link_takes_nothing_as_written),
        cmocka_unit_test(full_queue_discards_as_configured),
        cmocka_unit_test(payload_memory_follows_what_came),
        cmocka_unit_test(payload_gets_no_more_than_its_length),
        cmocka_unit_test(whole_package_is_taken_in_one_allocation),
        cmocka_unit_test(large_package_is_sent_from_its_own_memory),
        cmocka_unit_test(idle_link_is_small),
        cmocka_unit_test(lost_link_lets_go_of_its_packages),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
