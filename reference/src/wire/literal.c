/* SPDX-License-Identifier: BSD-2-Clause */
/* A value as a Python literal, in the form of Python's own repr. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>

#include "wire/utf8.h"
#include "wire/value.h"

typedef struct text {
    char *bytes;
    size_t size, room;
    int error;
} text;

/* An open container. */
typedef struct level {
    const yoton_value *container;
    size_t next;   /* index of the item that comes next */
    size_t *entry; /* of a dict: see yoton_dict_entries */
    bool any;      /* something was written in it */
} level;

static void put(text *t, const char *bytes, size_t size) {
    if (t->error != YOTON_OK)
        return;
    if (t->room - t->size <= size) { /* one is kept for the NUL */
        size_t room = t->room * 2 + size + 32;
        char *grown = realloc(t->bytes, room);
        if (grown == NULL) {
            t->error = YOTON_E_NOMEM;
            return;
        }
        t->bytes = grown;
        t->room = room;
    }
    memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
    t->bytes[t->size] = '\0';
}

static void put_text(text *t, const char *string) { put(t, string, strlen(string)); }

static void put_integer(text *t, int64_t integer) {
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%" PRId64, integer);
    put(t, digits, (size_t)size);
}

/* The shortest digits that read back as `number` (positive and finite); the number is
 * 0.d1d2d3… times 10 to the power of the result. Digits are picked one by one, because the decimal
 * point that printf writes depends on the locale. */
static int shortest_digits(double number, char digits[DBL_DECIMAL_DIG + 1]) {
    char printed[48];
    /* DBL_DIG digits say all of a short decimal, except of a subnormal number */
    int precision = number < DBL_MIN ? 1 : DBL_DIG;
    do
        snprintf(printed, sizeof printed, "%.*e", precision - 1, number);
    while (precision++ < DBL_DECIMAL_DIG && strtod(printed, NULL) != number);
    size_t count = 0, significant = 0;
    const char *c = printed;
    for (; *c != 'e'; c++) {
        if ((unsigned)(*c - '0') > 9)
            continue;
        digits[count++] = *c;
        if (*c != '0')
            significant = count;
    }
    digits[significant] = '\0';
    return atoi(c + 1) + 1;
}

static void put_zeros(text *t, int count) {
    while (count-- > 0)
        put(t, "0", 1);
}

/* As Python does: an exponent only below 1e-4 and from 1e16 on, and always a mark of a float. */
static void put_digits(text *t, const char *digits, int point) {
    char exponent[16];
    int count = (int)strlen(digits);
    if (point < -3 || point > 16) {
        put(t, digits, 1);
        if (count > 1) {
            put(t, ".", 1);
            put_text(t, digits + 1);
        }
        snprintf(exponent, sizeof exponent, "e%+03d", point - 1);
        put_text(t, exponent);
    } else if (point <= 0) {
        put_text(t, "0.");
        put_zeros(t, -point);
        put_text(t, digits);
    } else if (point >= count) {
        put_text(t, digits);
        put_zeros(t, point - count);
        put_text(t, ".0");
    } else {
        put(t, digits, (size_t)point);
        put(t, ".", 1);
        put_text(t, digits + point);
    }
}

static void put_float(text *t, double number) {
    char digits[DBL_DECIMAL_DIG + 1];
    if (isnan(number)) {
        put_text(t, "nan");
        return;
    }
    if (signbit(number))
        put(t, "-", 1);
    if (isinf(number)) {
        put_text(t, "1e999"); /* there is no literal for it, but too large a number reads as it */
    } else if (number == 0) {
        put_text(t, "0.0");
    } else {
        int point = shortest_digits(fabs(number), digits);
        put_digits(t, digits, point);
    }
}

/* Characters that would disturb a line of output or hide in it are escaped, as in Python. */
static bool is_printable(uint32_t point) {
    enum {
        HIDDEN = UC_CATEGORY_MASK_C | UC_CATEGORY_MASK_Z, /* controls, unassigned, separators */
    };
    if (point < 0x7f)
        return point >= 0x20;
    return !uc_is_general_category_withtable(point, HIDDEN);
}

static void put_escape(text *t, uint32_t point) {
    char escape[16];
    if (point == '\t')
        snprintf(escape, sizeof escape, "\\t");
    else if (point == '\n')
        snprintf(escape, sizeof escape, "\\n");
    else if (point == '\r')
        snprintf(escape, sizeof escape, "\\r");
    else if (point < 0x100)
        snprintf(escape, sizeof escape, "\\x%02" PRIx32, point);
    else if (point < 0x10000)
        snprintf(escape, sizeof escape, "\\u%04" PRIx32, point);
    else
        snprintf(escape, sizeof escape, "\\U%08" PRIx32, point);
    put_text(t, escape);
}

static void put_string(text *t, const char *bytes, size_t size) {
    bool single = memchr(bytes, '\'', size) != NULL, twofold = memchr(bytes, '"', size) != NULL;
    char quote = single && !twofold ? '"' : '\'';
    put(t, &quote, 1);
    for (size_t at = 0; at < size;) {
        size_t start = at;
        uint32_t point = yoton_utf8_next(bytes, size, &at);
        if (point == '\\' || point == (uint32_t)quote)
            put(t, "\\", 1);
        if (is_printable(point))
            put(t, bytes + start, at - start);
        else
            put_escape(t, point);
    }
    put(t, &quote, 1);
}

static void open_container(text *t, yoton_stack *stack, const yoton_value *value) {
    size_t *entry = NULL;
    if (t->error == YOTON_OK && value->type == YOTON_DICT) /* an error stays */
        t->error = yoton_dict_entries(value, &entry);
    level *l = t->error == YOTON_OK ? yoton_stack_push(stack, sizeof *l) : NULL;
    if (l == NULL) {
        t->error = YOTON_E_NOMEM;
        free(entry);
        return;
    }
    *l = (level){value, 0, entry, false};
    put_text(t, value->type == YOTON_LIST ? "[" : value->type == YOTON_TUPLE ? "(" : "{");
}

static void put_value(text *t, yoton_stack *stack, const yoton_value *value) {
    switch (value->type) {
    case YOTON_NONE:
        put_text(t, "None");
        break;
    case YOTON_BOOL:
        put_text(t, value->as.boolean ? "True" : "False");
        break;
    case YOTON_INT:
        put_integer(t, value->as.integer);
        break;
    case YOTON_FLOAT:
        put_float(t, value->as.number);
        break;
    case YOTON_STRING:
        put_string(t, value->as.string.bytes, value->as.string.size);
        break;
    case YOTON_LIST:
    case YOTON_TUPLE:
    case YOTON_DICT:
        open_container(t, stack, value);
        break;
    default: /* no value of this library; only a program's own mistake comes here */
        t->error = YOTON_E_TYPE;
    }
}

/* The next item of a container, NULL at its end; the text between items is written. */
static const yoton_value *next_item(text *t, level *l) {
    const yoton_value *items = l->container->as.list.items;
    size_t count = l->container->as.list.count;
    if (l->entry != NULL && l->next % 2 == 1) {
        put_text(t, ": ");
        return &items[2 * l->entry[l->next++ / 2] + 1];
    }
    while (l->entry != NULL && l->next < count && l->entry[l->next / 2] == SIZE_MAX)
        l->next += 2;
    if (l->next >= count)
        return NULL;
    if (l->any)
        put_text(t, ", ");
    l->any = true;
    return &items[l->next++];
}

static void close_container(text *t, level *l) {
    bool lonely = l->container->type == YOTON_TUPLE && l->container->as.list.count == 1;
    put_text(t, l->container->type == YOTON_LIST   ? "]"
                : l->container->type == YOTON_DICT ? "}"
                : lonely                           ? ",)"
                                                   : ")");
    free(l->entry);
}

int yoton_object_literal(const yoton_value *value, char **out, size_t *size) {
    level levels[16];
    yoton_stack stack = YOTON_STACK(levels);
    text t = {0};
    put_value(&t, &stack, value);
    while (stack.used > 0) {
        level *l = (level *)stack.base + stack.used - 1;
        const yoton_value *item = t.error == YOTON_OK ? next_item(&t, l) : NULL;
        if (item != NULL) {
            put_value(&t, &stack, item);
        } else {
            close_container(&t, l);
            stack.used--;
        }
    }
    yoton_stack_free(&stack);
    if (t.error != YOTON_OK) {
        free(t.bytes);
        t = (text){.error = t.error};
    }
    *out = t.bytes;
    if (size != NULL)
        *size = t.size;
    return t.error;
}
