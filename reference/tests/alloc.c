/* SPDX-License-Identifier: BSD-2-Clause */
#include "alloc.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The linker sends calls of malloc to __wrap_malloc where it is told to; __real_malloc is then the
 * true one. In programs linked without it these functions are there, and nobody calls them. */
void *__real_malloc(size_t size) __attribute__((weak));
void *__real_calloc(size_t count, size_t size) __attribute__((weak));
void *__real_realloc(void *old, size_t size) __attribute__((weak));
void __real_free(void *block) __attribute__((weak));
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *block);

static struct {
    int on;
    size_t calls, fail_at, live, peak;
} counted;

void alloc_start(size_t fail_at) {
    if (__real_malloc == NULL) { /* $(WRAP_MALLOC) is missing, and nothing would be counted */
        fputs("alloc: calls of malloc do not come here\n", stderr);
        abort();
    }
    counted.on = 1;
    counted.calls = counted.live = counted.peak = 0;
    counted.fail_at = fail_at;
}

void alloc_stop(void) { counted.on = 0; }

size_t alloc_calls(void) { return counted.calls; }

size_t alloc_live(void) { return counted.live; }

size_t alloc_peak(void) { return counted.peak; }

/* A context has a thread of its own, whose calls are counted too. */
static atomic_flag counting = ATOMIC_FLAG_INIT;

static void lock(void) {
    while (atomic_flag_test_and_set(&counting)) {
    }
}

static void unlock(void) { atomic_flag_clear(&counting); }

static int refused(void) {
    if (!counted.on)
        return 0;
    lock();
    int refuse = ++counted.calls == counted.fail_at;
    unlock();
    return refuse;
}

static void *count_in(void *block) {
    if (counted.on && block != NULL) {
        lock();
        counted.live += malloc_usable_size(block);
        if (counted.live > counted.peak)
            counted.peak = counted.live;
        unlock();
    }
    return block;
}

void *__wrap_malloc(size_t size) { return refused() ? NULL : count_in(__real_malloc(size)); }

void *__wrap_calloc(size_t count, size_t size) {
    return refused() ? NULL : count_in(__real_calloc(count, size));
}

/* Always moves the block, so that old and new are counted together and stale pointers show. */
void *__wrap_realloc(void *old, size_t size) {
    if (!counted.on)
        return __real_realloc(old, size);
    void *block = __wrap_malloc(size);
    if (block != NULL && old != NULL) {
        size_t had = malloc_usable_size(old);
        memcpy(block, old, had < size ? had : size);
        __wrap_free(old);
    }
    return block;
}

void __wrap_free(void *block) {
    if (counted.on && block != NULL) {
        size_t size = malloc_usable_size(block);
        lock();
        counted.live -= size < counted.live ? size : counted.live;
        unlock();
    }
    __real_free(block);
}
