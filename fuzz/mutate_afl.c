/* SPDX-License-Identifier: BSD-2-Clause */
/* The mutations of mutate.c as AFL++ wants them: AFL_CUSTOM_MUTATOR_LIBRARY names this library,
 * YOTON_FUZZ_TARGET the target. AFL++ goes on with its own mutations beside. */
#include "fuzz.h"
#include "mutate.h"

/* What AFL++ calls; it declares these nowhere that could be included. */
void *afl_custom_init(void *afl, unsigned seed);
size_t afl_custom_fuzz(void *mutator, uint8_t *data, size_t size, uint8_t **made, uint8_t *other,
                       size_t other_size, size_t room);
void afl_custom_deinit(void *mutator);

typedef struct afl_mutator {
    mutate_find *find;
    uint64_t seed;
    uint8_t *made; /* what was made last, which AFL++ looks at until it asks again */
    size_t room;
} afl_mutator;

void *afl_custom_init(void *afl, unsigned seed) {
    (void)afl;
    const char *target = getenv("YOTON_FUZZ_TARGET");
    mutate_find *find = mutate_in(target != NULL ? target : "");
    if (find == NULL) {
        fprintf(stderr, "mutate_afl: YOTON_FUZZ_TARGET is %s; expected frame or link\n",
                target != NULL ? target : "not set");
        return NULL; /* AFL++ ends then */
    }
    afl_mutator *m = calloc(1, sizeof *m);
    if (m != NULL)
        *m = (afl_mutator){.find = find, .seed = seed};
    return m;
}

size_t afl_custom_fuzz(void *mutator, uint8_t *data, size_t size, uint8_t **made, uint8_t *other,
                       size_t other_size, size_t room) {
    afl_mutator *m = mutator;
    if (room > m->room) {
        uint8_t *more = realloc(m->made, room);
        if (more == NULL)
            return 0; /* AFL++ then does without */
        m->made = more;
        m->room = room;
    }
    size = size < room ? size : room;
    memcpy(m->made, data, size);
    m->seed = m->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    *made = m->made;
    return mutate_packages(m->find, m->made, size, room, m->seed >> 16, other, other_size);
}

void afl_custom_deinit(void *mutator) {
    afl_mutator *m = mutator;
    free(m->made);
    free(m);
}
