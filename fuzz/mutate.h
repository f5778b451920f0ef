/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutations that know what a stream of packages is: they swap, double, remove, cut, splice and make
 * packages, set fields to values at which something changes, and mostly make lengths fit again, so
 * that what follows is read. For libFuzzer (MUTATE_PACKAGES in a target) and AFL++ (mutate_afl.c).
 */
#ifndef YOTON_FUZZ_MUTATE_H
#define YOTON_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* Purpose: finds the stream in an input of a target: the offset is returned, the size is put into
 * *length. What stands before and behind it is left as it is. */
typedef size_t mutate_find(const uint8_t *data, size_t size, size_t *length);

mutate_find mutate_in_frame; /* as fuzz_frame has it: 9 bytes of settings behind */
mutate_find mutate_in_link;  /* as fuzz_link has it: things before, 2 bytes of settings behind */

/* Purpose: the one for a target, by its name without fuzz_; NULL when it has no such streams. */
mutate_find *mutate_in(const char *target);

/* The kinds of mutation; the last number is how many there are. */
enum {
    MUTATE_SWAP,
    MUTATE_DOUBLE,
    MUTATE_REMOVE,
    MUTATE_CUT,
    MUTATE_SPLICE,
    MUTATE_MAKE,
    MUTATE_FIELD,
    MUTATE_PAYLOAD,
    MUTATE_KINDS
};

/* Purpose: one mutation of the stream in `data`, in place; everything drawn comes from `seed`.
 * `other` is an input of the same target to take packages from; it may be NULL. Returns the new
 * size, at most `room` (the bytes that `data` may have, and its size at least). Ends the process
 * when memory is short. */
size_t mutate_packages(mutate_find *find, uint8_t *data, size_t size, size_t room, uint64_t seed,
                       const uint8_t *other, size_t other_size);

/* Purpose: the same, of one kind. */
size_t mutate_kind(mutate_find *find, int kind, uint8_t *data, size_t size, size_t room,
                   uint64_t seed, const uint8_t *other, size_t other_size);

/* libFuzzer's own mutations, which know no format; only there with libFuzzer. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);

/* Every other mutation is one that knows packages. Two inputs are spliced as one takes a package of
 * the other. */
#define MUTATE_PACKAGES(find)                                                                      \
    size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);        \
    size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {       \
        if (seed % 2 == 0 && LLVMFuzzerMutate != NULL)                                             \
            return LLVMFuzzerMutate(data, size, room);                                             \
        return mutate_packages(find, data, size, room, seed, NULL, 0);                             \
    }                                                                                              \
    size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,    \
                                     size_t other_size, uint8_t *made, size_t room,                \
                                     unsigned seed);                                               \
    size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,    \
                                     size_t other_size, uint8_t *made, size_t room,                \
                                     unsigned seed) {                                              \
        size_t size = one_size < room ? one_size : room;                                           \
        memcpy(made, one, size);                                                                   \
        return mutate_kind(find, MUTATE_SPLICE, made, size, room, seed, other, other_size);        \
    }

#endif
