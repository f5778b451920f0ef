/* SPDX-License-Identifier: BSD-2-Clause */
#include "walker.h"

#include <stdlib.h>

#include "fuzz.h"
#include "yoton/error.h"

/* --- UTF-8: table 3-7 of the Unicode standard, row by row --- */

static const struct {
    uint8_t first_from, first_to, second_from, second_to, length;
} rows[] = {{0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
            {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
            {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

/* The length of the sequence at the beginning, or 0 when it is not well-formed. */
static size_t sequence(const uint8_t *data, size_t size) {
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        if (data[0] < rows[r].first_from || data[0] > rows[r].first_to)
            continue;
        if (rows[r].length > size)
            return 0;
        for (size_t i = 1; i < rows[r].length; i++) {
            uint8_t from = i == 1 ? rows[r].second_from : 0x80;
            uint8_t to = i == 1 ? rows[r].second_to : 0xbf;
            if (data[i] < from || data[i] > to)
                return 0;
        }
        return rows[r].length;
    }
    return 0;
}

size_t walker_utf8(const uint8_t *data, size_t size) {
    size_t at = 0;
    while (at < size) {
        size_t length = sequence(data + at, size - at);
        if (length == 0)
            return at;
        at += length;
    }
    return at;
}

/* --- objects --- */

/* A container: what is left of it, and whether this is a dictionary, whose items are keys and
 * values by turns. A count above what any input can hold is as good as that. */
typedef struct open {
    uint64_t left;
    int is_dict;
    int at_key;
    int in_key; /* it stands inside of a key, or is one */
} open;

typedef struct walk {
    const uint8_t *data;
    size_t size, at;
    open *stack;
    size_t depth;
    int error;
    size_t offset;
} walk;

static void stop(walk *w, int error, size_t offset) {
    if (w->error == YOTON_OK) {
        w->error = error;
        w->offset = offset;
    }
}

/* Goes on by `bytes`, if they are there. */
static int pass(walk *w, uint64_t bytes) {
    if (bytes > w->size - w->at) {
        stop(w, YOTON_E_LENGTH, w->size);
        return 0;
    }
    w->at += (size_t)bytes;
    return 1;
}

static uint64_t read_count(walk *w) {
    uint64_t count = 0;
    if (!pass(w, 1))
        return 0;
    if (w->data[w->at - 1] != 255)
        return w->data[w->at - 1];
    if (!pass(w, 8))
        return 0;
    for (size_t i = 1; i <= 8; i++)
        count = count << 8 | w->data[w->at - i];
    return count;
}

static void walk_string(walk *w) {
    uint64_t length = read_count(w);
    size_t start = w->at;
    if (w->error != YOTON_OK || !pass(w, length))
        return;
    size_t good = walker_utf8(w->data + start, (size_t)length);
    if (good < length)
        stop(w, YOTON_E_UTF8, start + good);
}

static void walk_container(walk *w, uint8_t type, int in_key, size_t max_depth) {
    size_t at = w->at - 1;
    if (in_key && type != 't')
        stop(w, YOTON_E_KEY, at);
    else if (w->depth == max_depth)
        stop(w, YOTON_E_DEPTH, at);
    uint64_t count = read_count(w);
    if (w->error != YOTON_OK || count == 0)
        return;
    if (count > w->size)
        count = w->size + 1;
    w->stack[w->depth++] =
        (open){type == 'd' ? 2 * count : count, type == 'd', type == 'd', in_key};
}

static void walk_value(walk *w, size_t max_depth) {
    open *top = w->depth > 0 ? &w->stack[w->depth - 1] : NULL;
    int in_key = top != NULL && (top->in_key || top->at_key);
    if (top != NULL) {
        top->left--;
        top->at_key = top->is_dict && !top->at_key;
    }
    if (!pass(w, 1))
        return;
    uint8_t type = w->data[w->at - 1];
    if (type == 'b')
        pass(w, 1);
    else if (type == 'i' || type == 'f')
        pass(w, 8);
    else if (type == 's')
        walk_string(w);
    else if (type == 'l' || type == 't' || type == 'd')
        walk_container(w, type, in_key, max_depth);
    else if (type != 'n')
        stop(w, YOTON_E_TYPE, w->at - 1);
}

walker_verdict walker_walk(const uint8_t *data, size_t size, size_t max_depth) {
    walk w = {.data = data, .size = size};
    if (size == 0) /* OBJ-11 */
        return (walker_verdict){YOTON_OK, 0};
    w.stack = calloc(max_depth, sizeof *w.stack);
    CHECK(w.stack != NULL);
    do {
        walk_value(&w, max_depth);
        while (w.depth > 0 && w.stack[w.depth - 1].left == 0)
            w.depth--;
    } while (w.depth > 0 && w.error == YOTON_OK);
    free(w.stack);
    return w.error == YOTON_OK ? (walker_verdict){YOTON_OK, w.at}
                               : (walker_verdict){w.error, w.offset};
}
