/* SPDX-License-Identifier: BSD-2-Clause */
#include "support.h"

#include "link/node_private.h"
#include "yoton/node.h"

#define OWN UINT64_C(0xa1)
#define BOTH (YOTON_ROUTE_DEPOSIT | YOTON_ROUTE_FORWARD)

static yoton_node *node_of(size_t max_sources) {
    yoton_node *node = yoton_node_new(OWN, max_sources);
    assert_non_null(node);
    return node;
}

static unsigned route_to(yoton_node *node, uint64_t source, uint64_t seq, uint64_t dest,
                         uint64_t *recv_seq) {
    yoton_header header = {
        .slot = 8, .source_id = source, .source_seq = seq, .dest_id = dest, .length = 1};
    return yoton_node_route(node, &header, recv_seq);
}

/* For everybody, the receiving number not looked at. */
static unsigned route(yoton_node *node, uint64_t source, uint64_t seq) {
    uint64_t recv_seq;
    return route_to(node, source, seq, 0, &recv_seq);
}

static void destination_decides(void **state) {
    (void)state;
    static const struct {
        uint64_t dest;
        unsigned route;
        uint64_t recv_seq;
    } rows[] = {
        {0, BOTH, 1},
        {OWN, YOTON_ROUTE_DEPOSIT, 2},
        {0xb2, YOTON_ROUTE_FORWARD, 0}, /* the source itself */
        {0xc3, YOTON_ROUTE_FORWARD, 0},
        {UINT64_MAX, YOTON_ROUTE_FORWARD, 0},
        {OWN, YOTON_ROUTE_DEPOSIT, 3},
        {0, BOTH, 4},
    };
    yoton_node *node = node_of(0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t recv_seq = 99;
        assert_int_equal(route_to(node, 0xb2, i + 1, rows[i].dest, &recv_seq), rows[i].route);
        assert_int_equal(recv_seq, rows[i].recv_seq);
        assert_int_equal(route_to(node, 0xb2, i + 1, rows[i].dest, &recv_seq), YOTON_ROUTE_DROP);
        assert_int_equal(recv_seq, 0);
    }
    yoton_node_free(node);
}

static void numbers_of_a_source_only_rise(void **state) {
    (void)state;
    static const struct {
        uint64_t seq;
        unsigned route;
    } rows[] = {
        {0, YOTON_ROUTE_DROP},
        {3, BOTH},
        {3, YOTON_ROUTE_DROP},
        {2, YOTON_ROUTE_DROP},
        {4, BOTH},
        {1000000, BOTH},
        {5, YOTON_ROUTE_DROP},
        {UINT64_C(1) << 63, BOTH}, /* unsigned */
        {(UINT64_C(1) << 63) - 1, YOTON_ROUTE_DROP},
        {UINT64_MAX, BOTH},
        {UINT64_MAX, YOTON_ROUTE_DROP},
        {0, YOTON_ROUTE_DROP}, /* and never wrap */
        {1, YOTON_ROUTE_DROP},
    };
    yoton_node *node = node_of(0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(route(node, 0xb2, rows[i].seq), rows[i].route);
    assert_int_equal(route(node, 0xc3, 1), BOTH); /* every source for itself */
    yoton_node_free(node);
}

static void directed_packages_count_for_the_source_too(void **state) {
    (void)state;
    uint64_t recv_seq;
    yoton_node *node = node_of(0);
    assert_int_equal(route_to(node, 0xb2, 5, 0xc3, &recv_seq), YOTON_ROUTE_FORWARD);
    assert_int_equal(route_to(node, 0xb2, 5, OWN, &recv_seq), YOTON_ROUTE_DROP);
    assert_int_equal(route_to(node, 0xb2, 4, 0, &recv_seq), YOTON_ROUTE_DROP);
    assert_int_equal(route_to(node, 0xb2, 6, 0, &recv_seq), BOTH);
    yoton_node_free(node);
}

static void what_cannot_be_routed_costs_nothing(void **state) {
    (void)state;
    uint64_t recv_seq;
    yoton_node *node = node_of(0);
    assert_int_equal(route_to(node, OWN, 1, 0, &recv_seq), YOTON_ROUTE_DROP);
    assert_int_equal(route_to(node, OWN, 2, OWN, &recv_seq), YOTON_ROUTE_DROP);
    assert_int_equal(route_to(node, OWN, 3, 0xc3, &recv_seq), YOTON_ROUTE_DROP);
    assert_int_equal(route_to(node, 0, 1, 0, &recv_seq), YOTON_ROUTE_DROP);
    assert_int_equal(route_to(node, 0xb2, 0, OWN, &recv_seq), YOTON_ROUTE_DROP);
    yoton_header signal = {.slot = 8, .source_id = 0xb2, .source_seq = 1};
    assert_int_equal(yoton_node_route(node, &signal, &recv_seq), YOTON_ROUTE_DROP);
    assert_int_equal(yoton_node_sources(node), 0);
    assert_int_equal(route_to(node, 0xb2, 1, 0, &recv_seq), BOTH);
    assert_int_equal(recv_seq, 1);
    assert_int_equal(yoton_node_sources(node), 1);
    yoton_node_free(node);
}

static void own_packages_are_numbered_from_one(void **state) {
    (void)state;
    yoton_node *node = node_of(0);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        yoton_header header = {8, 0xdead, 0xdead, 0xc3, 7, 1};
        yoton_node_stamp(node, &header);
        yoton_header expected = {8, OWN, seq, 0xc3, 7, 1};
        assert_memory_equal(&header, &expected, sizeof header);
        assert_int_equal(route(node, 0xb2, seq), BOTH); /* coming packages do not disturb it */
    }
    yoton_node_free(node);
}

static void id_zero_is_refused(void **state) {
    (void)state;
    assert_null(yoton_node_new(0, 0));
    yoton_node_free(NULL);
}

static void least_recently_used_source_is_forgotten(void **state) {
    (void)state;
    yoton_node *node = node_of(3);
    for (uint64_t source = 1; source <= 3; source++)
        assert_int_equal(route(node, source, 10), BOTH);
    assert_int_equal(route(node, 1, 11), BOTH);
    assert_int_equal(route(node, 2, 10), YOTON_ROUTE_DROP); /* a duplicate is a use as well */
    assert_int_equal(route(node, 4, 10), BOTH);             /* 3 goes */
    assert_int_equal(yoton_node_sources(node), 3);
    assert_int_equal(route(node, 1, 11), YOTON_ROUTE_DROP);
    assert_int_equal(route(node, 2, 10), YOTON_ROUTE_DROP);
    assert_int_equal(route(node, 4, 10), YOTON_ROUTE_DROP);
    assert_int_equal(route(node, 3, 10), BOTH); /* new again; 1 goes */
    assert_int_equal(route(node, 2, 10), YOTON_ROUTE_DROP);
    assert_int_equal(route(node, 1, 1), BOTH);
    assert_int_equal(yoton_node_sources(node), 3);
    yoton_node_free(node);
}

static void one_source_is_the_least_to_remember(void **state) {
    (void)state;
    yoton_node *node = node_of(1);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_int_equal(route(node, i, 1), BOTH);
        assert_int_equal(route(node, i, 1), YOTON_ROUTE_DROP);
        assert_int_equal(yoton_node_sources(node), 1);
    }
    assert_int_equal(route(node, 1, 1), BOTH);
    yoton_node_free(node);
}

/* More than there can be is as good as no limit, whatever its lower half is. */
static void any_number_of_sources_may_be_asked_for(void **state) {
    (void)state;
    yoton_node *node = node_of(SIZE_MAX / 2 + 6);
    for (uint64_t i = 1000; i < 3000; i++)
        assert_int_equal(route(node, i, 1), BOTH);
    for (uint64_t i = 1000; i < 3000; i++)
        assert_int_equal(route(node, i, 1), YOTON_ROUTE_DROP);
    assert_int_equal(yoton_node_sources(node), 2000);
    yoton_node_free(node);
}

/* A plain list in the order of use, to compare with. */
#define MODEL_MAX 50
typedef struct model {
    size_t count;
    uint64_t id[MODEL_MAX], last[MODEL_MAX];
} model;

static unsigned model_route(model *m, uint64_t id, uint64_t seq) {
    size_t at = 0;
    uint64_t last = 0;
    while (at < m->count && m->id[at] != id)
        at++;
    if (at < m->count)
        last = m->last[at];
    else if (m->count < MODEL_MAX)
        m->count++;
    else
        at--;
    for (; at > 0; at--) {
        m->id[at] = m->id[at - 1];
        m->last[at] = m->last[at - 1];
    }
    m->id[0] = id;
    m->last[0] = seq > last ? seq : last;
    return seq > last ? BOTH : YOTON_ROUTE_DROP;
}

static void memory_of_sources_is_that_of_a_plain_list(void **state) {
    (void)state;
    uint64_t seed = 1;
    model m = {0};
    yoton_node *node = node_of(MODEL_MAX);
    for (int i = 0; i < 100000; i++) {
        uint64_t id = 1000 + random_next(&seed) % (i % 1000 < 500 ? 40 : 70);
        uint64_t seq = 1 + random_next(&seed) % 20 + (uint64_t)i / 5000;
        assert_int_equal(route(node, id, seq), model_route(&m, id, seq));
        assert_int_equal(yoton_node_sources(node), m.count);
    }
    yoton_node_free(node);
}

/* The last 1024 sources are known after any number of others, however their ids are made. */
static void check_flood(uint64_t factor, uint64_t count) {
    yoton_node *node = node_of(0);
    for (uint64_t i = 1; i <= count; i++)
        assert_int_equal(route(node, 0x10000 + i * factor, 1), BOTH);
    assert_int_equal(yoton_node_sources(node), 65536);
    for (uint64_t i = count - 1023; i <= count; i++)
        assert_int_equal(route(node, 0x10000 + i * factor, 1), YOTON_ROUTE_DROP);
    assert_int_equal(route(node, 0x10000 + factor, 1), BOTH); /* the first is long forgotten */
    yoton_node_free(node);
}

static void memory_of_sources_is_bounded(void **state) {
    (void)state;
    check_flood(1, 200000);
    check_flood(UINT64_C(1) << 32, 200000);
    check_flood(UINT64_C(1) << 46, 200000);
    check_flood(UINT64_C(0x9E3779B97F4A7C15), 200000);
}

#define CHAIN 32

/* The next id above `from` whose hash has the same low `bits` as `like`, or has not. */
static uint64_t next_id(const yoton_node *node, uint64_t from, uint64_t like, int bits, int same) {
    uint64_t mask = (UINT64_C(1) << bits) - 1;
    do
        from++;
    while (((yoton_node_hash(node, from) ^ like) & mask) == 0 ? !same : same);
    return from;
}

static void ids_made_to_fall_together_push_only_each_other_out(void **state) {
    (void)state;
    uint64_t together[CHAIN + 8], apart[200];
    yoton_node *node = node_of(0);
    uint64_t like = yoton_node_hash(node, 7);
    for (uint64_t i = 0, id = OWN; i < 200; i++) {
        apart[i] = id = next_id(node, id, like, 4, 0); /* never in that chain, at any size */
        assert_int_equal(route(node, id, 1), BOTH);
    }
    for (uint64_t i = 0, id = UINT64_C(1) << 40; i < CHAIN + 8; i++)
        together[i] = id = next_id(node, id, like, 16, 1);
    for (int i = 0; i < CHAIN; i++)
        assert_int_equal(route(node, together[i], 1), BOTH);
    assert_int_equal(yoton_node_sources(node), 200 + CHAIN);
    assert_int_equal(route(node, together[0], 1), YOTON_ROUTE_DROP); /* used: stays */
    for (int i = CHAIN; i < CHAIN + 8; i++)
        assert_int_equal(route(node, together[i], 1), BOTH);
    assert_int_equal(yoton_node_sources(node), 200 + CHAIN);
    for (int i = 0; i < 200; i++)
        assert_int_equal(route(node, apart[i], 1), YOTON_ROUTE_DROP);
    assert_int_equal(route(node, together[0], 1), YOTON_ROUTE_DROP);
    for (int i = 9; i < CHAIN + 8; i++)
        assert_int_equal(route(node, together[i], 1), YOTON_ROUTE_DROP);
    for (int i = 1; i <= 8; i++) /* the longest silent of the chain gave way */
        assert_int_equal(route(node, together[i], 1), BOTH);
    yoton_node_free(node);
}

/* The memory grows while a chain stands; who is forgotten later does not change. */
static void growth_keeps_the_order_of_use(void **state) {
    (void)state;
    uint64_t together[CHAIN + 8], id = UINT64_C(1) << 40;
    yoton_node *node = node_of(0);
    uint64_t like = yoton_node_hash(node, 7);
    for (int i = 0; i < CHAIN + 8; i++)
        together[i] = id = next_id(node, id, like, 16, 1);
    for (int i = 0; i < CHAIN; i++)
        assert_int_equal(route(node, together[i], 1), BOTH);
    for (uint64_t i = 0, other = OWN; i < 300; i++) {
        other = next_id(node, other, like, 4, 0);
        assert_int_equal(route(node, other, 1), BOTH);
    }
    for (int i = CHAIN; i < CHAIN + 8; i++)
        assert_int_equal(route(node, together[i], 1), BOTH);
    for (int i = 8; i < CHAIN + 8; i++)
        assert_int_equal(route(node, together[i], 1), YOTON_ROUTE_DROP);
    for (int i = 0; i < 8; i++)
        assert_int_equal(route(node, together[i], 1), BOTH);
    yoton_node_free(node);
}

static void memory_a_source_costs(void **state) {
    (void)state;
    alloc_start(0);
    yoton_node *node = node_of(0);
    assert_true(alloc_live() <= 1024);
    for (uint64_t i = 1; i <= 65536; i++)
        route(node, i * 977, 1);
    assert_true(alloc_live() <= 65536 * 64);
    for (uint64_t i = 1; i <= 65536; i++)
        route(node, i * 977 + 1, 1);
    assert_true(alloc_live() <= 65536 * 64);
    yoton_node_free(node);
    assert_int_equal(alloc_live(), 0);
    alloc_stop();
}

/* Short of memory a node forgets early, in the order of use, and goes on. */
static void meet_sources(void *context, int failing) {
    uint64_t *fewest = context;
    yoton_node *node = yoton_node_new(OWN, 0);
    if (node == NULL) {
        assert_int_equal(failing, 1);
        return;
    }
    for (uint64_t i = 1; i <= 40; i++) {
        assert_int_equal(route(node, i, 1), BOTH);
        assert_int_equal(route(node, i, 1), YOTON_ROUTE_DROP);
    }
    assert_true(yoton_node_sources(node) >= 16);
    if (yoton_node_sources(node) < *fewest)
        *fewest = yoton_node_sources(node);
    if (!failing)
        assert_int_equal(yoton_node_sources(node), 40);
    for (uint64_t i = 25; i <= 40; i++)
        assert_int_equal(route(node, i, 1), YOTON_ROUTE_DROP);
    yoton_node_free(node);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    uint64_t fewest = UINT64_MAX;
    /* the node, then chains and sources for 16, 32 and 64 */
    assert_int_equal(alloc_fail_each(meet_sources, &fewest), 7);
    assert_true(fewest < 40);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destination_decides),
        cmocka_unit_test(numbers_of_a_source_only_rise),
        cmocka_unit_test(directed_packages_count_for_the_source_too),
        cmocka_unit_test(what_cannot_be_routed_costs_nothing),
        cmocka_unit_test(own_packages_are_numbered_from_one),
        cmocka_unit_test(id_zero_is_refused),
        cmocka_unit_test(least_recently_used_source_is_forgotten),
        cmocka_unit_test(one_source_is_the_least_to_remember),
        cmocka_unit_test(any_number_of_sources_may_be_asked_for),
        cmocka_unit_test(memory_of_sources_is_that_of_a_plain_list),
        cmocka_unit_test(memory_of_sources_is_bounded),
        cmocka_unit_test(ids_made_to_fall_together_push_only_each_other_out),
        cmocka_unit_test(growth_keeps_the_order_of_use),
        cmocka_unit_test(memory_a_source_costs),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
