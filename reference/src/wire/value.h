/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the object codec share about values. Nothing here recurses: depth is kept on
 * explicit stacks, so that it costs no C stack. */
#ifndef YOTON_WIRE_VALUE_H
#define YOTON_WIRE_VALUE_H

#include "yoton/object.h"

static inline bool yoton_is_container(yoton_type type) {
    return type == YOTON_LIST || type == YOTON_TUPLE || type == YOTON_DICT;
}

/* Purpose: append *item to an array of *count values. The room of an array follows from its count
 * alone (2, 3, 4, 6, 8, 12 …), so that nothing but items and count needs to be kept; while it
 * grows, old and new array together hold at most 2.5 times what is used. Returns YOTON_OK or
 * YOTON_E_NOMEM. */
int yoton_items_push(yoton_value **items, size_t *count, const yoton_value *item);

/* A stack that starts in memory of the caller and moves to the heap when that is full. */
typedef struct yoton_stack {
    void *base;
    size_t room, used; /* in elements */
    void *start;       /* the caller's memory; never freed */
} yoton_stack;

#define YOTON_STACK(array) ((yoton_stack){(array), sizeof(array) / sizeof(array)[0], 0, (array)})

/* Purpose: a new element of `size` bytes on top, not initialised; pointers to others become
 * invalid. Returns NULL when out of memory. */
void *yoton_stack_push(yoton_stack *stack, size_t size);

/* Purpose: free what the stack took from the heap. */
void yoton_stack_free(yoton_stack *stack);

typedef struct yoton_level {
    const yoton_value *container;
    size_t next; /* index of the item that comes next */
} yoton_level;

/* A walk over a value and all that is in it, in wire order. */
typedef struct yoton_walk {
    yoton_stack stack;
    yoton_level levels[16];
    const yoton_value *root;
    size_t key_depth; /* depth at which the key stands that the walk is inside of, 0 for none */
    int error;        /* YOTON_E_NOMEM when the walk ended for want of memory */
} yoton_walk;

/* Purpose: start a walk; *value must outlive it. End it with yoton_walk_free. */
void yoton_walk_init(yoton_walk *walk, const yoton_value *value);

/* Purpose: the next value, a container before its items. NULL at the end or on an error.
 * walk->stack.used is then the depth of a container; walk->key_depth is not 0 inside a key. */
const yoton_value *yoton_walk_next(yoton_walk *walk);

void yoton_walk_free(yoton_walk *walk);

/* Purpose: which entries of a dict count. (*entry)[i] belongs to pair i in wire order: the pair
 * whose value counts for it, or SIZE_MAX where an earlier pair had an equal key (the first key and
 * the last value stand, as in Python). *entry is the caller's to free(); it is NULL for an empty
 * dict. Takes time n log n in the bytes of the keys. Returns YOTON_OK or YOTON_E_NOMEM. */
int yoton_dict_entries(const yoton_value *dict, size_t **entry);

#endif
