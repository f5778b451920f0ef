/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/value.h"

#include <stdlib.h>
#include <string.h>

#include "wire/utf8.h"

/* The room of an array with `count` items in it, all of it used. */
static bool is_room(size_t count) {
    while (count > 3 && count % 2 == 0)
        count /= 2;
    return count == 2 || count == 3;
}

/* OBJ-14: what is allocated follows what was read, never a count that was claimed. */
int yoton_items_push(yoton_value **items, size_t *count, const yoton_value *item) {
    if (*count == 0 || is_room(*count)) {
        /* 2^k grows by half, 3*2^k by a third: what is in memory is no more than half a size_t */
        size_t room = *count == 0 ? 2 : *count % 3 == 0 ? *count / 3 * 4 : *count + *count / 2;
        yoton_value *grown = realloc(*items, room * sizeof **items);
        if (grown == NULL)
            return YOTON_E_NOMEM;
        *items = grown;
    }
    (*items)[(*count)++] = *item;
    return YOTON_OK;
}

int yoton_value_append(yoton_value *container, yoton_value *item) {
    if (!yoton_is_container(container->type))
        return YOTON_E_ARGUMENT;
    int result = yoton_items_push(&container->as.list.items, &container->as.list.count, item);
    if (result == YOTON_OK)
        *item = (yoton_value){0};
    return result;
}

int yoton_value_string(yoton_value *value, const char *bytes, size_t size) {
    *value = (yoton_value){0};
    if (yoton_utf8_check(bytes, size) != size)
        return YOTON_E_UTF8;
    char *copy = malloc(size + 1);
    if (copy == NULL)
        return YOTON_E_NOMEM;
    if (size > 0)
        memcpy(copy, bytes, size);
    copy[size] = '\0';
    value->type = YOTON_STRING;
    value->as.string.bytes = copy;
    value->as.string.size = size;
    return YOTON_OK;
}

/* Arrays that wait to be freed form a list; the link stands in the place of their first item, which
 * is taken out first. So clearing needs no memory, whatever the depth. */
static yoton_value *put_off(yoton_value *pending, yoton_value value) {
    while (yoton_is_container(value.type) && value.as.list.count > 0) {
        yoton_value *items = value.as.list.items;
        yoton_value first = items[0];
        items[0].as.list.items = pending;
        items[0].as.list.count = value.as.list.count;
        pending = items;
        value = first;
    }
    if (value.type == YOTON_STRING)
        free(value.as.string.bytes);
    return pending;
}

void yoton_value_clear(yoton_value *value) {
    yoton_value *pending = put_off(NULL, *value);
    *value = (yoton_value){0};
    while (pending != NULL) {
        yoton_value *items = pending;
        size_t count = items[0].as.list.count;
        pending = items[0].as.list.items;
        for (size_t i = 1; i < count; i++)
            pending = put_off(pending, items[i]);
        free(items);
    }
}

void *yoton_stack_push(yoton_stack *stack, size_t size) {
    if (stack->used == stack->room) {
        size_t room = stack->room + stack->room / 2; /* cannot overflow, as above */
        bool first = stack->base == stack->start;
        void *grown = realloc(first ? NULL : stack->base, room * size);
        if (grown == NULL)
            return NULL;
        if (first)
            memcpy(grown, stack->start, stack->used * size);
        stack->base = grown;
        stack->room = room;
    }
    return (char *)stack->base + size * stack->used++;
}

void yoton_stack_free(yoton_stack *stack) {
    if (stack->base != stack->start)
        free(stack->base);
}

void yoton_walk_init(yoton_walk *walk, const yoton_value *value) {
    walk->stack = YOTON_STACK(walk->levels);
    walk->root = value;
    walk->key_depth = 0;
    walk->error = YOTON_OK;
}

/* The value that comes next, and the level it belongs to; the root has none. */
static const yoton_value *step(yoton_walk *walk, const yoton_level **from) {
    const yoton_value *root = walk->root;
    *from = NULL;
    if (root != NULL) {
        walk->root = NULL;
        return root;
    }
    while (walk->stack.used > 0) {
        yoton_level *level = (yoton_level *)walk->stack.base + walk->stack.used - 1;
        if (level->next < level->container->as.list.count) {
            *from = level;
            return &level->container->as.list.items[level->next++];
        }
        walk->stack.used--;
    }
    return NULL;
}

const yoton_value *yoton_walk_next(yoton_walk *walk) {
    const yoton_level *from;
    const yoton_value *value = step(walk, &from);
    if (value == NULL)
        return NULL;
    if (walk->stack.used <= walk->key_depth)
        walk->key_depth = 0;
    if (walk->key_depth == 0 && from != NULL && from->container->type == YOTON_DICT &&
        from->next % 2 == 1)
        walk->key_depth = walk->stack.used;
    if (yoton_is_container(value->type)) {
        yoton_level *level = yoton_stack_push(&walk->stack, sizeof *level);
        if (level == NULL) {
            walk->error = YOTON_E_NOMEM;
            return NULL;
        }
        *level = (yoton_level){value, 0};
    }
    return value;
}

void yoton_walk_free(yoton_walk *walk) { yoton_stack_free(&walk->stack); }
