/* SPDX-License-Identifier: BSD-2-Clause */
/* The reference beside the original, which runs in a child for as long as the fuzzer does
 * (original.py; YOTON_PATH is the folder that holds its package). Input: an object, a full slot
 * name or a port name, then 1 byte that says which. Oracle: the same verdict, the same number of
 * bytes read, the same value or number. Where both differ on purpose (appendix D of the spec):
 * OBJ-13, an object nested deeper than the limit; LIMIT-11, names above it. OBJ-8 leaves open which
 * of equal keys of a dictionary stands: there the values are compared, not their bytes. */
#define _GNU_SOURCE /* pipe2 */

#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <unistd.h>

#include "yoton/names.h"
#include "yoton/object.h"

extern char **environ;

static struct {
    int to, from; /* 0: not begun */
    bool absent;
} original;

typedef struct answer {
    uint8_t *bytes;
    size_t size;
} answer;

/* --- the child --- */

static bool begin(void) {
    const char *script = getenv("FUZZ_ORIGINAL"), *python = getenv("PYTHON");
    int to[2], from[2];
    pid_t child;
    posix_spawn_file_actions_t actions;
    char *arguments[] = {(char *)(python ? python : "python3"), "-B",
                         (char *)(script ? script : "fuzz/original.py"), NULL};
    CHECK(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    int error = posix_spawnp(&child, arguments[0], &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    original.to = to[1];
    original.from = from[0];
    return error == 0;
}

static void put(const void *data, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t more = write(original.to, (const char *)data + done, size - done);
        CHECK(more > 0 || errno == EINTR);
        done += more > 0 ? (size_t)more : 0;
    }
}

static void get(void *data, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t more = read(original.from, (char *)data + done, size - done);
        CHECK(more > 0 || (more < 0 && errno == EINTR)); /* else the original has ended */
        done += more > 0 ? (size_t)more : 0;
    }
}

/* `-` or `+`, and what follows; freed with free(). */
static answer ask(char what, const uint8_t *data, size_t size) {
    uint8_t head[5] = {(uint8_t)what, (uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16),
                       (uint8_t)(size >> 24)};
    answer a;
    put(head, sizeof head);
    put(data, size);
    get(head, 4);
    a.size = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
    CHECK(a.size > 0);
    a.bytes = malloc(a.size);
    CHECK(a.bytes != NULL);
    get(a.bytes, a.size);
    return a;
}

static bool refuses(const answer *a, const char *why) {
    size_t size = strlen(why);
    return a->size == size + 1 && a->bytes[0] == '-' && memcmp(a->bytes + 1, why, size) == 0;
}

static uint64_t number_of(const uint8_t *bytes, size_t size) {
    uint64_t number = 0;
    while (size > 0)
        number = number << 8 | bytes[--size];
    return number;
}

/* --- comparing --- */

/* The same bytes, or equal values (OBJ-8); with NaN, which equals nothing, a value differs from
 * what is read from the same bytes again. */
static bool is_same(const yoton_value *value, const uint8_t *theirs, size_t size) {
    yoton_value again, their_value;
    size_t ours_size, used;
    CHECK(yoton_object_size(value, 0, &ours_size) == YOTON_OK);
    uint8_t *ours = malloc(ours_size);
    CHECK(ours != NULL);
    CHECK(yoton_object_encode(value, 0, ours, &ours_size) == YOTON_OK);
    bool same = ours_size == size && memcmp(ours, theirs, size) == 0;
    if (!same) {
        CHECK(yoton_object_decode(&again, ours, ours_size, 0, &used) == YOTON_OK);
        CHECK(yoton_object_decode(&their_value, theirs, size, 0, &used) == YOTON_OK);
        same = yoton_value_equal(value, &their_value) || !yoton_value_equal(value, &again);
        yoton_value_clear(&again);
        yoton_value_clear(&their_value);
    }
    free(ours);
    return same;
}

static void compare_objects(const uint8_t *data, size_t size) {
    yoton_value value;
    size_t used;
    int error = yoton_object_decode(&value, data, size, 0, &used);
    answer theirs = ask('o', data, size);
    bool deep = error == YOTON_E_DEPTH || refuses(&theirs, "RecursionError"); /* OBJ-13 */
    if (!deep)
        CHECK((error == YOTON_OK) == (theirs.bytes[0] == '+'));
    if (error == YOTON_OK && !deep) {
        CHECK(theirs.size > 9 && number_of(theirs.bytes + 1, 8) == used);
        CHECK(is_same(&value, theirs.bytes + 9, theirs.size - 9));
    }
    if (error == YOTON_OK)
        yoton_value_clear(&value);
    free(theirs.bytes);
}

/* A slot or port name: what the reference made of it, in `size` bytes of answer. */
static void compare_names(char what, const uint8_t *data, size_t data_size, int error,
                          uint64_t number, size_t size) {
    answer theirs = ask(what, data, data_size);
    if (error != YOTON_E_LENGTH && !refuses(&theirs, "Unassigned")) {
        CHECK((error == YOTON_OK) == (theirs.bytes[0] == '+'));
        CHECK(error != YOTON_OK || number_of(theirs.bytes + 1, size) == number);
    }
    free(theirs.bytes);
}

static void compare_slots(const uint8_t *data, size_t size) {
    uint64_t slot = 0;
    int error = yoton_slot_hash((const char *)data, size, &slot);
    compare_names('s', data, size, error, slot, 8);
}

static void compare_ports(const uint8_t *data, size_t size) {
    uint16_t port = 0;
    int error = yoton_port_hash((const char *)data, size, &port);
    compare_names('p', data, size, error, port, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (original.absent || getenv("YOTON_PATH") == NULL) {
        if (!original.absent)
            fputs("fuzz_original: YOTON_PATH is not set: nothing is compared\n", stderr);
        original.absent = true;
        return 0;
    }
    if (original.to == 0)
        CHECK(begin());
    switch (fuzz_setting(data, &size) % 4) {
    case 0:
        compare_slots(data, size);
        break;
    case 1:
        compare_ports(data, size);
        break;
    default:
        compare_objects(data, size);
    }
    return 0;
}
