/* SPDX-License-Identifier: BSD-2-Clause */
/* Equality of values as dictionary keys, and which entries of a dict count. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wire/value.h"

/* Keys are written in a form in which equal keys, and only they, have equal bytes; then sorting
 * brings equal ones together without anybody being able to choose slow ones. */
typedef struct text {
    uint8_t *bytes;
    size_t size, room;
} text;

typedef struct key {
    const text *text;
    size_t at, size; /* where in the text */
    size_t pair;     /* which pair of the dict */
} key;

typedef struct keys {
    text text;
    key *sorted;
    size_t count;
} keys;

static int put(text *t, uint8_t tag, const void *bytes, size_t size) {
    if (t->room - t->size <= size) {
        size_t room = t->room * 2 + size + 16;
        uint8_t *grown = realloc(t->bytes, room);
        if (grown == NULL)
            return YOTON_E_NOMEM;
        t->bytes = grown;
        t->room = room;
    }
    t->bytes[t->size++] = tag;
    if (size > 0)
        memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
    return YOTON_OK;
}

static int put_integer(text *t, int64_t integer) { return put(t, 'i', &integer, sizeof integer); }

/* Whether a float is a 64-bit integer, and which. */
static bool as_integer(double number, int64_t *integer) {
    if (!(number >= -0x1p63 && number < 0x1p63))
        return false;
    *integer = (int64_t)number;
    return (double)*integer == number;
}

/* 1, 1.0 and True are one key, so a float that is an integer is written as one. OBJ-8 */
static int put_float(text *t, const yoton_value *value) {
    double number = value->as.number;
    int64_t integer;
    if (isnan(number)) /* equal to nothing: its own address is its form */
        return put(t, 'x', &value, sizeof value);
    if (as_integer(number, &integer))
        return put_integer(t, integer);
    return put(t, 'f', &number, sizeof number);
}

static int put_scalar(text *t, const yoton_value *value) {
    size_t size;
    int result;
    switch (value->type) {
    case YOTON_NONE:
        return put(t, 'n', NULL, 0);
    case YOTON_BOOL:
        return put_integer(t, value->as.boolean);
    case YOTON_INT:
        return put_integer(t, value->as.integer);
    case YOTON_FLOAT:
        return put_float(t, value);
    case YOTON_STRING:
        size = value->as.string.size;
        result = put(t, 's', &size, sizeof size);
        return result == YOTON_OK ? put(t, '"', value->as.string.bytes, size) : result;
    default:
        return put(t, (uint8_t)('a' + value->type), &value->as.list.count, sizeof(size_t));
    }
}

static int put_key(text *t, const yoton_value *value) {
    yoton_walk walk;
    const yoton_value *v;
    int result = YOTON_OK;
    yoton_walk_init(&walk, value);
    while (result == YOTON_OK && (v = yoton_walk_next(&walk)) != NULL)
        result = put_scalar(t, v);
    yoton_walk_free(&walk);
    return result != YOTON_OK ? result : walk.error;
}

static int compare_bytes(const key *a, const key *b) {
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return memcmp(a->text->bytes + a->at, b->text->bytes + b->at, a->size);
}

static int compare(const void *left, const void *right) {
    const key *a = left, *b = right;
    int order = compare_bytes(a, b);
    return order != 0 ? order : (a->pair > b->pair) - (a->pair < b->pair);
}

static void keys_free(keys *k) {
    free(k->text.bytes);
    free(k->sorted);
}

/* The keys of a dict with at least one pair, sorted; equal ones stand together in wire order. */
static int keys_init(keys *k, const yoton_value *dict) {
    int result = YOTON_OK;
    *k = (keys){.count = dict->as.list.count / 2};
    k->sorted = malloc(k->count * sizeof *k->sorted);
    if (k->sorted == NULL)
        return YOTON_E_NOMEM;
    for (size_t i = 0; i < k->count && result == YOTON_OK; i++) {
        size_t at = k->text.size;
        result = put_key(&k->text, &dict->as.list.items[2 * i]);
        k->sorted[i] = (key){&k->text, at, k->text.size - at, i};
    }
    if (result == YOTON_OK)
        qsort(k->sorted, k->count, sizeof *k->sorted, compare);
    else
        keys_free(k);
    return result;
}

/* The index behind the last of the keys that equal the one at `first`. */
static size_t group_end(const keys *k, size_t first) {
    size_t end = first + 1;
    while (end < k->count && compare_bytes(&k->sorted[first], &k->sorted[end]) == 0)
        end++;
    return end;
}

int yoton_dict_entries(const yoton_value *dict, size_t **entry) {
    keys k;
    *entry = NULL;
    if (dict->as.list.count < 2)
        return YOTON_OK;
    int result = keys_init(&k, dict);
    if (result != YOTON_OK)
        return result;
    *entry = malloc(k.count * sizeof **entry);
    if (*entry == NULL)
        result = YOTON_E_NOMEM;
    for (size_t i = 0, end; i < k.count && result == YOTON_OK; i = end) {
        end = group_end(&k, i);
        (*entry)[k.sorted[i].pair] = k.sorted[end - 1].pair;
        for (size_t j = i + 1; j < end; j++)
            (*entry)[k.sorted[j].pair] = SIZE_MAX;
    }
    keys_free(&k);
    return result;
}

/* --- equality --- */

/* Two runs of values that must be equal one by one. */
typedef struct run {
    const yoton_value *a, *b;
    size_t count;
} run;

static int push_run(yoton_stack *stack, const yoton_value *a, const yoton_value *b, size_t count) {
    run *r = yoton_stack_push(stack, sizeof *r);
    if (r == NULL)
        return YOTON_E_NOMEM;
    *r = (run){a, b, count};
    return 1;
}

/* Whether a 64-bit integer and a float are the same number, neither of them rounded. */
static int same_number(int64_t integer, double number) {
    int64_t other;
    return as_integer(number, &other) && other == integer;
}

static bool is_integer(const yoton_value *value) {
    return value->type == YOTON_INT || value->type == YOTON_BOOL;
}

static int64_t integer_of(const yoton_value *value) {
    return value->type == YOTON_BOOL ? value->as.boolean : value->as.integer;
}

static int equal_scalars(const yoton_value *a, const yoton_value *b) {
    if (is_integer(a) && is_integer(b))
        return integer_of(a) == integer_of(b);
    if (is_integer(a) && b->type == YOTON_FLOAT)
        return same_number(integer_of(a), b->as.number);
    if (a->type == YOTON_FLOAT && is_integer(b))
        return same_number(integer_of(b), a->as.number);
    if (a->type != b->type)
        return 0;
    if (a->type == YOTON_FLOAT)
        return a->as.number == b->as.number;
    if (a->type == YOTON_STRING)
        return a->as.string.size == b->as.string.size &&
               memcmp(a->as.string.bytes, b->as.string.bytes, a->as.string.size) == 0;
    return 1; /* both None */
}

/* Compares the keys of two dicts; the values that count go on the stack. */
static int equal_keys(const keys *a, const keys *b, const yoton_value *in_a,
                      const yoton_value *in_b, yoton_stack *stack) {
    size_t i = 0, j = 0;
    int result = 1;
    while (i < a->count && j < b->count && result == 1) {
        if (compare_bytes(&a->sorted[i], &b->sorted[j]) != 0)
            return 0;
        i = group_end(a, i);
        j = group_end(b, j);
        result = push_run(stack, &in_a->as.list.items[2 * a->sorted[i - 1].pair + 1],
                          &in_b->as.list.items[2 * b->sorted[j - 1].pair + 1], 1);
    }
    return result == 1 ? i == a->count && j == b->count : result;
}

static int equal_dicts(const yoton_value *a, const yoton_value *b, yoton_stack *stack) {
    keys ka, kb;
    if (a->as.list.count < 2 || b->as.list.count < 2)
        return a->as.list.count < 2 && b->as.list.count < 2;
    int result = keys_init(&ka, a);
    if (result != YOTON_OK)
        return result;
    result = keys_init(&kb, b);
    if (result == YOTON_OK) {
        result = equal_keys(&ka, &kb, a, b, stack);
        keys_free(&kb);
    }
    keys_free(&ka);
    return result;
}

/* 1, 0 or an error; the insides of containers go on the stack. */
static int equal_outside(const yoton_value *a, const yoton_value *b, yoton_stack *stack) {
    if (!yoton_is_container(a->type) || !yoton_is_container(b->type))
        return equal_scalars(a, b);
    if (a->type != b->type)
        return 0;
    if (a->type == YOTON_DICT)
        return equal_dicts(a, b, stack);
    if (a->as.list.count != b->as.list.count)
        return 0;
    return push_run(stack, a->as.list.items, b->as.list.items, a->as.list.count);
}

int yoton_value_equal(const yoton_value *a, const yoton_value *b) {
    run runs[32];
    yoton_stack stack = YOTON_STACK(runs);
    int result = equal_outside(a, b, &stack);
    while (result == 1 && stack.used > 0) {
        run *r = (run *)stack.base + stack.used - 1;
        if (r->count == 0) {
            stack.used--;
            continue;
        }
        r->count--;
        result = equal_outside(r->a++, r->b++, &stack);
    }
    yoton_stack_free(&stack);
    return result;
}

const yoton_value *yoton_dict_get(const yoton_value *dict, const yoton_value *key) {
    if (dict->type != YOTON_DICT)
        return NULL;
    for (size_t i = dict->as.list.count / 2; i-- > 0;)
        if (yoton_value_equal(&dict->as.list.items[2 * i], key) == 1)
            return &dict->as.list.items[2 * i + 1];
    return NULL;
}
