/* SPDX-License-Identifier: BSD-2-Clause */
/* The object codec: decoding and encoding of one format, side by side. */
#include "yoton/object.h"

#include <stdlib.h>
#include <string.h>

#include "wire/le.h"
#include "wire/utf8.h"
#include "wire/value.h"

enum { LONG_COUNT = 255 }; /* a count from here on is this byte and eight more */

/* --- decoding --- */

/* A container whose items are still coming. */
typedef struct frame {
    yoton_value *items;
    size_t count;
    uint64_t remaining; /* items still to come; in a dict even before a key */
    yoton_type type;
} frame;

typedef struct decoder {
    const uint8_t *data;
    size_t size, at;
    size_t max_depth;
    yoton_stack stack;
    size_t key_depth; /* number of open containers around the key that is being read, 0 for none */
    size_t blame;     /* offset of what is wrong */
} decoder;

static int refuse(decoder *d, size_t blame, int error) {
    d->blame = blame;
    return error;
}

static int need(decoder *d, uint64_t bytes) {
    return bytes > d->size - d->at ? refuse(d, d->size, YOTON_E_LENGTH) : YOTON_OK;
}

static frame *top(decoder *d) {
    return d->stack.used ? (frame *)d->stack.base + d->stack.used - 1 : NULL;
}

static int read_u64(decoder *d, uint64_t *number) {
    int result = need(d, 8);
    if (result != YOTON_OK)
        return result;
    *number = yoton_le64_get(d->data + d->at);
    d->at += 8;
    return YOTON_OK;
}

/* OBJ-3: the long form is taken for small counts too. */
static int read_count(decoder *d, uint64_t *count) {
    int result = need(d, 1);
    if (result != YOTON_OK)
        return result;
    *count = d->data[d->at++];
    return *count == LONG_COUNT ? read_u64(d, count) : YOTON_OK;
}

static int read_string(decoder *d, yoton_value *value) {
    uint64_t length;
    int result = read_count(d, &length);
    if (result == YOTON_OK)
        result = need(d, length);
    if (result != YOTON_OK)
        return result;
    const char *bytes = (const char *)d->data + d->at;
    result = yoton_value_string(value, bytes, (size_t)length);
    if (result == YOTON_E_UTF8) /* OBJ-7 */
        return refuse(d, d->at + yoton_utf8_check(bytes, (size_t)length), result);
    d->at += (size_t)length;
    return result;
}

static int read_bool(decoder *d, yoton_value *value) {
    int result = need(d, 1);
    if (result != YOTON_OK)
        return result;
    value->type = YOTON_BOOL;
    /* OBJ-5 */
    value->as.boolean = d->data[d->at++] != 0;
    return YOTON_OK;
}

/* An integer and a float are eight bytes each, read as they stand. */
static int read_number(decoder *d, yoton_value *value, yoton_type type) {
    uint64_t bits;
    int result = read_u64(d, &bits);
    if (result != YOTON_OK)
        return result;
    value->type = type;
    if (type == YOTON_INT)
        memcpy(&value->as.integer, &bits, sizeof bits);
    else
        memcpy(&value->as.number, &bits, sizeof bits);
    return YOTON_OK;
}

/* Opens a container; an empty one is a value at once, others go on the stack. */
static int read_container(decoder *d, yoton_value *value, yoton_type type, bool *open) {
    uint64_t count;
    size_t at = d->at - 1;
    if (d->key_depth > 0 && type != YOTON_TUPLE) /* OBJ-9 */
        return refuse(d, at, YOTON_E_KEY);
    if (d->stack.used == d->max_depth) /* OBJ-13 */
        return refuse(d, at, YOTON_E_DEPTH);
    int result = read_count(d, &count);
    if (result != YOTON_OK)
        return result;
    value->type = type;
    if (count == 0)
        return YOTON_OK;
    frame *f = yoton_stack_push(&d->stack, sizeof *f);
    if (f == NULL)
        return refuse(d, at, YOTON_E_NOMEM);
    if (type == YOTON_DICT) /* a count that does not fit cannot be reached either */
        count = count > UINT64_MAX / 2 ? UINT64_MAX - 1 : count * 2;
    *f = (frame){NULL, 0, count, type};
    *open = true;
    return YOTON_OK;
}

/* OBJ-1: reads a scalar or the opening of a container. */
static int read_value(decoder *d, yoton_value *value, bool *open) {
    int result = need(d, 1);
    if (result != YOTON_OK)
        return result;
    const frame *parent = top(d);
    if (d->key_depth == 0 && parent && parent->type == YOTON_DICT && parent->remaining % 2 == 0)
        d->key_depth = d->stack.used;
    switch (d->data[d->at++]) {
    case 'n':
        return YOTON_OK;
    case 'b':
        return read_bool(d, value);
    case 'i':
        return read_number(d, value, YOTON_INT);
    case 'f':
        return read_number(d, value, YOTON_FLOAT);
    case 's':
        return read_string(d, value);
    case 'l':
        return read_container(d, value, YOTON_LIST, open);
    case 't':
        return read_container(d, value, YOTON_TUPLE, open);
    case 'd':
        return read_container(d, value, YOTON_DICT, open);
    default: /* OBJ-12 */
        return refuse(d, d->at - 1, YOTON_E_TYPE);
    }
}

/* Puts a whole value into its container, and that into its own when it is whole with it. */
static int close_value(decoder *d, yoton_value *value) {
    for (frame *f; (f = top(d)) != NULL;) {
        if (d->key_depth == d->stack.used)
            d->key_depth = 0;
        if (yoton_items_push(&f->items, &f->count, value) != YOTON_OK) {
            yoton_value_clear(value);
            return refuse(d, d->at, YOTON_E_NOMEM);
        }
        *value = (yoton_value){0};
        if (--f->remaining > 0)
            return YOTON_OK;
        value->type = f->type;
        value->as.list.items = f->items;
        value->as.list.count = f->count;
        d->stack.used--;
    }
    return YOTON_OK;
}

static int decode(decoder *d, yoton_value *value) {
    do {
        bool open = false;
        *value = (yoton_value){0};
        int result = read_value(d, value, &open);
        if (result == YOTON_OK && !open)
            result = close_value(d, value);
        if (result != YOTON_OK)
            return result;
    } while (d->stack.used > 0);
    return YOTON_OK;
}

static void drop_frames(decoder *d) {
    for (; d->stack.used > 0; d->stack.used--) {
        frame *f = top(d);
        yoton_value value = {.type = YOTON_LIST, .as.list = {f->items, f->count}};
        yoton_value_clear(&value);
    }
}

int yoton_object_decode(yoton_value *value, const uint8_t *data, size_t size, size_t max_depth,
                        size_t *used) {
    frame frames[16];
    decoder d = {.data = data,
                 .size = size,
                 .max_depth = max_depth ? max_depth : YOTON_DEPTH_DEFAULT,
                 .stack = YOTON_STACK(frames)};
    *value = (yoton_value){0};
    int result = size > 0 ? decode(&d, value) : YOTON_OK; /* OBJ-11 */
    if (result != YOTON_OK) {
        drop_frames(&d);
        *value = (yoton_value){0};
    }
    yoton_stack_free(&d.stack);
    if (used != NULL)
        *used = result == YOTON_OK ? d.at : d.blame;
    return result;
}

/* --- encoding --- */

/* Counts all bytes, and writes those that fit. */
typedef struct writer {
    uint8_t *out;
    size_t room, used;
} writer;

static void put(writer *w, const void *bytes, size_t size) {
    if (size > 0 && w->used <= w->room && size <= w->room - w->used)
        memcpy(w->out + w->used, bytes, size);
    w->used += size;
}

static void put_type(writer *w, char type) { put(w, &type, 1); }

static void put_u64(writer *w, uint64_t number) {
    uint8_t bytes[8];
    yoton_le64_put(bytes, number);
    put(w, bytes, sizeof bytes);
}

/* OBJ-2 */
static void put_count(writer *w, size_t count) {
    uint8_t byte = count < LONG_COUNT ? (uint8_t)count : LONG_COUNT;
    put(w, &byte, 1);
    if (count >= LONG_COUNT)
        put_u64(w, count);
}

static int put_string(writer *w, const yoton_value *value) {
    const char *bytes = value->as.string.bytes;
    size_t size = value->as.string.size;
    if (yoton_utf8_check(bytes, size) != size)
        return YOTON_E_UTF8;
    put_type(w, 's');
    put_count(w, size);
    put(w, bytes, size);
    return YOTON_OK;
}

static int put_container(writer *w, const yoton_value *value, bool in_key) {
    size_t count = value->as.list.count;
    if (in_key && value->type != YOTON_TUPLE)
        return YOTON_E_KEY;
    if (value->type == YOTON_DICT) {
        if (count % 2 != 0)
            return YOTON_E_ARGUMENT;
        put_type(w, 'd');
        put_count(w, count / 2);
        return YOTON_OK;
    }
    put_type(w, value->type == YOTON_LIST ? 'l' : 't');
    put_count(w, count);
    return YOTON_OK;
}

/* OBJ-1 */
static int put_value(writer *w, const yoton_value *value, bool in_key) {
    uint64_t bits;
    uint8_t byte;
    switch (value->type) {
    case YOTON_NONE:
        put_type(w, 'n');
        return YOTON_OK;
    case YOTON_BOOL:
        byte = value->as.boolean;
        put_type(w, 'b');
        put(w, &byte, 1);
        return YOTON_OK;
    case YOTON_INT:
        put_type(w, 'i');
        put_u64(w, (uint64_t)value->as.integer);
        return YOTON_OK;
    case YOTON_FLOAT:
        memcpy(&bits, &value->as.number, sizeof bits);
        put_type(w, 'f');
        put_u64(w, bits);
        return YOTON_OK;
    case YOTON_STRING:
        return put_string(w, value);
    case YOTON_LIST:
    case YOTON_TUPLE:
    case YOTON_DICT:
        return put_container(w, value, in_key);
    }
    return YOTON_E_TYPE;
}

static int encode(const yoton_value *value, size_t max_depth, writer *w) {
    yoton_walk walk;
    const yoton_value *v;
    int result = YOTON_OK;
    if (max_depth == 0)
        max_depth = YOTON_DEPTH_DEFAULT;
    yoton_walk_init(&walk, value);
    while (result == YOTON_OK && (v = yoton_walk_next(&walk)) != NULL) {
        result = put_value(w, v, walk.key_depth > 0);
        if (result == YOTON_OK && walk.stack.used > max_depth)
            result = YOTON_E_DEPTH;
    }
    yoton_walk_free(&walk);
    return result != YOTON_OK ? result : walk.error;
}

int yoton_object_size(const yoton_value *value, size_t max_depth, size_t *size) {
    writer w = {0};
    int result = encode(value, max_depth, &w);
    *size = w.used;
    return result;
}

int yoton_object_encode(const yoton_value *value, size_t max_depth, uint8_t *out, size_t *size) {
    writer w = {.out = out, .room = *size};
    int result = encode(value, max_depth, &w);
    *size = w.used;
    return result == YOTON_OK && w.used > w.room ? YOTON_E_SPACE : result;
}
