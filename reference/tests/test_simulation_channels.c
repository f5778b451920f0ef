/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole networks with every kind of channel, under virtual time; what they do follows from a seed
 * (sim_world.c). SEED=N runs and traces one, SEEDS=N that many of them. */
#include "sim.h"

#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

#ifdef SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

/* Sanitizers cost much, and find in a few thousand networks what they find at all. */
#ifdef SANITIZED
#define SEEDS 3000
#else
#define SEEDS 100000
#endif

static void every_network_keeps_its_promises(void **state) {
    (void)state;
    const char *one = getenv("SEED"), *count = getenv("SEEDS");
    S.tracing = one != NULL;
    if (one != NULL) {
        sim_run_world(strtoull(one, NULL, 0));
        return;
    }
    uint64_t seeds = count != NULL ? strtoull(count, NULL, 0) : SEEDS;
    for (uint64_t seed = 1; seed <= seeds; seed++)
        sim_run_world(seed);
    print_message("%" PRIu64 " networks: %" PRIu64 " packages deposited, %" PRIu64
                  " requests executed, %" PRIu64 " words said, %" PRIu64 " sends held\n",
                  seeds, S.deposited, S.executions, S.words, S.holds);
    assert_true(seeds < 1000 ||
                (S.executions > seeds / 2 && S.words > seeds / 100 && S.holds > seeds / 100));
}

/* A crash says too which network it was. */
static int close_test(void **state) {
    (void)state;
    sim_say_replay();
    return 0;
}

static int open_types(void **state) {
    (void)state;
    return sim_open_types() ? 0 : -1;
}

static int close_types(void **state) {
    (void)state;
    sim_close_types();
    return 0;
}

int main(int count, char **arguments) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_network_keeps_its_promises, close_test),
    };
#ifdef SANITIZED
    __sanitizer_set_death_callback(sim_say_replay);
#endif
    S.choices = &S.random;
    S.program = count > 0 ? arguments[0] : "the program";
    return cmocka_run_group_tests(tests, open_types, close_types);
}
