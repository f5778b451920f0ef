/* SPDX-License-Identifier: BSD-2-Clause */
#include "within.h"

#include <setjmp.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

enum { SLOTS = 1 << 17, FILES = 16 };

/* Memory that was taken within, in a table by address. */
static struct {
    const volatile void *slots[SLOTS];
    uint32_t touched[SLOTS]; /* slots that are not NULL, in order */
    size_t used;
} taken;

/* Only what this thread takes: libFuzzer has one of its own, which looks at the memory in use. */
static _Thread_local bool taking;

static const char given_back; /* stands where memory was */

static FILE *files[FILES];
static size_t file_count;
static jmp_buf out;
static int status;
static bool inside;

static size_t slot_of(const volatile void *memory) {
    return (size_t)((uintptr_t)memory / 16 * UINT64_C(0x9E3779B97F4A7C15) >> 47) % SLOTS;
}

static void on_malloc(const volatile void *memory, size_t size) {
    (void)size;
    if (!taking || memory == NULL)
        return;
    size_t slot = slot_of(memory);
    while (taken.slots[slot] != NULL && taken.slots[slot] != &given_back)
        slot = (slot + 1) % SLOTS;
    if (taken.slots[slot] == NULL)
        taken.touched[taken.used++] = (uint32_t)slot;
    taken.slots[slot] = memory;
    if (taken.used == SLOTS) /* then no search would end */
        abort();
}

static void on_free(const volatile void *memory) {
    if (!taking || memory == NULL)
        return;
    for (size_t slot = slot_of(memory); taken.slots[slot] != NULL; slot = (slot + 1) % SLOTS) {
        if (taken.slots[slot] == memory) {
            taken.slots[slot] = &given_back;
            return;
        }
    }
}

/* The sanitizer tells of all memory, that of the libraries too. */
int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *, size_t),
                                              void (*)(const volatile void *));

/* What the C library takes once and keeps must not be taken within. */
static void begin(void) {
    static bool ready;
    if (ready)
        return;
    ready = true;
    tzset();
    char text[64];
    snprintf(text, sizeof text, "%g", 0.1);
    CHECK(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0);
}

int within(void (*what)(void *), void *data) {
    begin();
    inside = taking = true;
    status = WITHIN_RETURNED;
    if (setjmp(out) == 0)
        what(data);
    inside = taking = false;
    return status;
}

void within_release(void) {
    taking = true; /* what files hold goes with them */
    for (size_t i = 0; i < file_count; i++)
        fclose(files[i]);
    taking = false;
    file_count = 0;
    for (; taken.used > 0; taken.used--) {
        const volatile void **slot = &taken.slots[taken.touched[taken.used - 1]];
        if (*slot != &given_back)
            free((void *)(uintptr_t)*slot);
        *slot = NULL;
    }
}

/* --- what is called instead --- */

_Noreturn static void leave(int with) {
    status = with;
    longjmp(out, 1);
}

_Noreturn void __real_exit(int with);
_Noreturn void __wrap_exit(int with);
void __wrap_exit(int with) {
    if (inside)
        leave(with);
    __real_exit(with);
}

_Noreturn void __real__exit(int with);
_Noreturn void __wrap__exit(int with);
void __wrap__exit(int with) {
    if (inside)
        leave(with);
    __real__exit(with);
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode) {
    FILE *file = __real_fopen(path, mode);
    if (inside && file != NULL) {
        CHECK(file_count < FILES);
        files[file_count++] = file;
    }
    return file;
}

int __real_fclose(FILE *file);
int __wrap_fclose(FILE *file);
int __wrap_fclose(FILE *file) {
    for (size_t i = 0; inside && i < file_count; i++)
        if (files[i] == file)
            files[i] = files[--file_count];
    return __real_fclose(file);
}
