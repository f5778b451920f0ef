/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "support.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

guard guard_new(size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (size + page - 1) / page * page + page;
    uint8_t *start =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(start, MAP_FAILED);
    assert_int_equal(mprotect(start + room, page, PROT_NONE), 0);
    return (guard){start, room};
}

uint8_t *guard_place(const guard *g, const void *bytes, size_t size) {
    assert_true(size <= g->room);
    uint8_t *at = g->start + g->room - size;
    if (size > 0)
        memcpy(at, bytes, size);
    return at;
}

uint8_t *guard_room(const guard *g, size_t size) {
    assert_true(size <= g->room);
    return memset(g->start + g->room - size, 0xAA, size);
}

void guard_free(guard *g) {
    munmap(g->start, g->room + (size_t)sysconf(_SC_PAGESIZE));
    *g = (guard){0};
}

size_t alloc_fail_each(void (*check)(void *context, int failing), void *context) {
    alloc_start(0);
    check(context, 0);
    size_t calls = alloc_calls();
    assert_int_equal(alloc_live(), 0);
    for (size_t i = 1; i <= calls; i++) {
        alloc_start(i);
        check(context, 1);
        assert_int_equal(alloc_live(), 0);
    }
    alloc_stop();
    return calls;
}

static int nibble(char c) {
    const char *digits = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c | 0x20) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

uint8_t *unhex(const char *text, size_t *size) {
    uint8_t *bytes = malloc(strlen(text) / 2 + 1);
    assert_non_null(bytes);
    *size = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == ' ')
            continue;
        int high = nibble(c[0]), low = nibble(c[1]);
        if (high < 0 || low < 0)
            fail_msg("not hexadecimal: %s", text);
        bytes[(*size)++] = (uint8_t)(high << 4 | low);
        c++;
    }
    return bytes;
}

uint64_t random_next(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

#ifdef __SANITIZE_THREAD__
/* libuv closes by syscall(SYS_close, fd), which TSan does not see: when another thread's loop is
 * given the same number, the two calls that made it look like a race. So it closes by close(). */
long syscall(long number, ...) {
    long words[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        words[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_close)
        return close((int)words[0]);
    long (*real)(long, ...);
    *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    return real(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
#endif
