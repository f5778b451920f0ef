/* SPDX-License-Identifier: BSD-2-Clause */
/* Networks of contexts with every kind of channel, under virtual time: the simulation of the tests
 * (reference/tests/sim.h), whose networks, settings and happenings the input chooses, two bytes a
 * choice, the last 8 bytes seed what is left to chance, and all choices behind the input. Oracles
 * are those of the simulation: each package is deposited once at each context it is for, exactly
 * one replier executes a request, nobody stays full or waits for ever, states agree at rest, queues
 * keep their bounds, no connection ends by itself. */
#include "fuzz.h"

#include "sim.h"

static struct {
    const uint8_t *data;
    size_t size;
    uint64_t seed; /* of choices behind the input */
    uint64_t mark; /* its address stands for all this */
} choices;

static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* In place of that of the tests. Low bits are as the input has them: most choices are among few. */
uint64_t random_next(uint64_t *state) {
    if (state != &choices.mark)
        return mix(*state += UINT64_C(0x9e3779b97f4a7c15));
    if (choices.size < 2)
        return mix(choices.seed += UINT64_C(0x9e3779b97f4a7c15));
    uint64_t drawn = choices.data[0] | (uint64_t)choices.data[1] << 8;
    choices.data += 2;
    choices.size -= 2;
    return mix(drawn) << 16 | drawn;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (S.own == NULL)
        CHECK(sim_open_types());
    choices.seed = 0;
    for (int i = 0; i < 8; i++)
        choices.seed = choices.seed << 8 | fuzz_setting(data, &size);
    choices.data = data;
    choices.size = size;
    S.choices = &choices.mark;
    sim_run_world(choices.seed);
    return 0;
}
