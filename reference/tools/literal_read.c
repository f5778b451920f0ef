/* SPDX-License-Identifier: BSD-2-Clause */
#include "literal_read.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_NUMBER 400 /* digits of the longest float that is not wasteful */

typedef struct reader {
    const char *text;
    size_t size, at;
    literal_problem *problem;
} reader;

static int read_value(reader *r, yoton_value *value, size_t depth);

static int fail_at(reader *r, size_t at, int error, const char *why) {
    r->problem->at = at;
    r->problem->why = why;
    return error;
}

static int fail(reader *r, const char *why) { return fail_at(r, r->at, YOTON_E_ARGUMENT, why); }

static int no_memory(reader *r) {
    return fail_at(r, r->at, YOTON_E_NOMEM, yoton_strerror(YOTON_E_NOMEM));
}

/* The byte at hand; NUL at the end. */
static char peek(const reader *r) { return r->at < r->size ? r->text[r->at] : '\0'; }

static bool take(reader *r, char c) {
    bool there = r->at < r->size && r->text[r->at] == c;
    r->at += there;
    return there;
}

static void skip_space(reader *r) {
    while (peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\n' || peek(r) == '\r' ||
           peek(r) == '\f')
        r->at++;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static bool take_name(reader *r, const char *name) {
    size_t size = strlen(name);
    if (r->size - r->at < size || memcmp(r->text + r->at, name, size) != 0 ||
        (r->at + size < r->size && is_word(r->text[r->at + size])))
        return false;
    r->at += size;
    return true;
}

/* ---- Numbers ---- */

/* A number as strtod and strtoull read it: without underscores and base. */
typedef struct number {
    char text[LONGEST_NUMBER];
    size_t size;
    bool negative, is_float;
    int base;
} number;

static int digit_of(char c) {
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* One or more digits, with single underscores between them. Returns false when there are none, or
 * an underscore has no digit behind it. */
static bool take_digits(reader *r, number *n) {
    size_t start = n->size;
    bool underscore = false;
    for (;; r->at++) {
        if (peek(r) == '_' && !underscore && n->size > start) {
            underscore = true;
            continue;
        }
        if (digit_of(peek(r)) >= n->base || n->size + 8 > sizeof n->text)
            break;
        n->text[n->size++] = peek(r);
        underscore = false;
    }
    return n->size > start && !underscore;
}

static void keep(reader *r, number *n) { n->text[n->size++] = r->text[r->at++]; }

/* What may follow the digits in front of the point. */
static bool take_fraction(reader *r, number *n, bool whole) {
    if (peek(r) == '.') {
        n->is_float = true;
        keep(r, n);
        bool any = is_digit(peek(r));
        if (any ? !take_digits(r, n) : !whole)
            return false;
    } else if (!whole) {
        return false;
    }
    if ((peek(r) | 0x20) == 'e') {
        n->is_float = true;
        keep(r, n);
        if (peek(r) == '+' || peek(r) == '-')
            keep(r, n);
        return take_digits(r, n);
    }
    return true;
}

static bool take_base(reader *r, number *n) {
    char letter = r->at + 1 < r->size ? (char)(r->text[r->at + 1] | 0x20) : '\0';
    n->base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
    if (peek(r) != '0' || n->base == 10) {
        n->base = 10;
        return false;
    }
    r->at += 2;
    if (peek(r) == '_')
        r->at++;
    return true;
}

static int to_integer(reader *r, const number *n, size_t start, yoton_value *value) {
    errno = 0;
    unsigned long long size = strtoull(n->text, NULL, n->base);
    if (errno != 0 || size > (uint64_t)INT64_MAX + n->negative)
        return fail_at(r, start, YOTON_E_TYPE, "objects hold integers of 64 bits only");
    value->type = YOTON_INT;
    value->as.integer = n->negative ? (int64_t)(0 - size) : (int64_t)size;
    return YOTON_OK;
}

static void to_float(const number *n, yoton_value *value) {
    double size = strtod(n->text, NULL);
    value->type = YOTON_FLOAT;
    value->as.number = n->negative ? -size : size;
}

/* As Python sees it, 00 is a number and 01 is not. */
static bool has_leading_zero(const number *n) {
    return n->base == 10 && !n->is_float && n->text[0] == '0' && strspn(n->text, "0") < n->size;
}

static int read_number(reader *r, yoton_value *value) {
    size_t start = r->at;
    number n = {.base = 10};
    if (peek(r) == '-' || peek(r) == '+')
        n.negative = r->text[r->at++] == '-';
    if (take_name(r, "nan")) {
        value->type = YOTON_FLOAT;
        value->as.number = strtod("nan", NULL);
        return YOTON_OK;
    }
    if (take_base(r, &n)) {
        if (!take_digits(r, &n))
            return fail(r, "a number has no digits");
    } else {
        bool whole = is_digit(peek(r));
        if ((whole && !take_digits(r, &n)) || !take_fraction(r, &n, whole))
            return fail(r, "not a number");
    }
    n.text[n.size] = '\0';
    if (has_leading_zero(&n))
        return fail_at(r, start, YOTON_E_ARGUMENT, "an integer starts with 0");
    if (peek(r) == 'j' || peek(r) == 'J')
        return fail_at(r, start, YOTON_E_TYPE, "objects hold no complex numbers");
    if (is_word(peek(r)))
        return fail(r, "something follows the number");
    if (!n.is_float)
        return to_integer(r, &n, start, value);
    to_float(&n, value);
    return YOTON_OK;
}

/* ---- Strings ---- */

static size_t put_utf8(char *out, uint32_t point) {
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(lead[size] | point);
    return size;
}

/* A character by its number, of exactly `digits` hexadecimal digits. Never longer in UTF-8 than its
 * escape. */
static int take_point(reader *r, int digits, char *out, size_t *used) {
    uint32_t point = 0;
    for (int i = 0; i < digits; i++, r->at++) {
        if (digit_of(peek(r)) >= 16)
            return fail(r, "an escape wants more hexadecimal digits");
        point = point << 4 | (uint32_t)digit_of(peek(r));
    }
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return fail(r, "an escape is no character");
    *used += put_utf8(out + *used, point);
    return YOTON_OK;
}

static int take_escape(reader *r, char *out, size_t *used) {
    static const char letters[] = "abfnrtv0\\'\"", means[] = "\a\b\f\n\r\t\v\0\\'\"";
    char c = peek(r);
    const char *found = c != '\0' ? strchr(letters, c) : NULL;
    if (found != NULL) {
        r->at++;
        if (c == '0' && is_digit(peek(r)))
            return fail(r, "write characters as \\xNN, not in octal");
        out[(*used)++] = means[found - letters];
        return YOTON_OK;
    }
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0)
        return fail(r, "unknown escape; write \\\\ for a backslash");
    r->at++;
    return take_point(r, digits, out, used);
}

/* The size of a string as it is written, which what it means never exceeds. */
static size_t written_size(const reader *r, char quote) {
    size_t end = r->at;
    while (end < r->size && r->text[end] != quote)
        end += r->text[end] == '\\' ? 2 : 1;
    return (end < r->size ? end : r->size) - r->at;
}

static int take_characters(reader *r, char quote, char *out, size_t *used) {
    while (!take(r, quote)) {
        if (r->at >= r->size)
            return fail(r, "the string has no end");
        char c = r->text[r->at++];
        if (c == '\n')
            return fail(r, "a line ends inside a string; write \\n");
        if (c != '\\') {
            out[(*used)++] = c;
            continue;
        }
        int error = take_escape(r, out, used);
        if (error != YOTON_OK)
            return error;
    }
    return YOTON_OK;
}

static int read_string(reader *r, yoton_value *value) {
    size_t start = r->at, used = 0;
    char quote = r->text[r->at++];
    char *out = malloc(written_size(r, quote) + 1);
    if (out == NULL)
        return no_memory(r);
    int error = take_characters(r, quote, out, &used);
    if (error == YOTON_OK && (peek(r) == '\'' || peek(r) == '"'))
        error = fail(r, "a string follows the string");
    if (error == YOTON_OK) {
        error = yoton_value_string(value, out, used);
        if (error != YOTON_OK)
            fail_at(r, start, error, yoton_strerror(error));
    }
    free(out);
    return error;
}

/* ---- Containers ---- */

static int read_item(reader *r, yoton_value *container, size_t depth) {
    yoton_value item = {.type = YOTON_NONE};
    int error = read_value(r, &item, depth);
    if (error == YOTON_OK && yoton_value_append(container, &item) != YOTON_OK)
        error = no_memory(r);
    yoton_value_clear(&item);
    skip_space(r);
    return error;
}

/* Tuples are keys when all they hold are. */
static bool can_be_key(const yoton_value *value) {
    if (value->type != YOTON_TUPLE)
        return value->type != YOTON_LIST && value->type != YOTON_DICT;
    for (size_t i = 0; i < value->as.list.count; i++)
        if (!can_be_key(&value->as.list.items[i]))
            return false;
    return true;
}

static int read_pair(reader *r, yoton_value *dict, size_t depth) {
    size_t start = r->at;
    int error = read_item(r, dict, depth);
    if (error != YOTON_OK)
        return error;
    if (!can_be_key(&dict->as.list.items[dict->as.list.count - 1]))
        return fail_at(r, start, YOTON_E_KEY, yoton_strerror(YOTON_E_KEY));
    if (!take(r, ':')) {
        if (dict->as.list.count == 1 && (peek(r) == ',' || peek(r) == '}'))
            return fail_at(r, start, YOTON_E_TYPE, "objects hold no sets");
        return fail(r, "a key wants : and a value");
    }
    return read_item(r, dict, depth);
}

/* (1) is 1 in brackets, (1,) a tuple. */
static void unpack(yoton_value *tuple) {
    yoton_value only = tuple->as.list.items[0];
    tuple->as.list.items[0] = (yoton_value){.type = YOTON_NONE};
    yoton_value_clear(tuple);
    *tuple = only;
}

static int read_container(reader *r, yoton_value *value, size_t depth) {
    char opened = r->text[r->at];
    char closing = opened == '[' ? ']' : opened == '(' ? ')' : '}';
    bool comma = false;
    if (depth >= YOTON_DEPTH_DEFAULT)
        return fail_at(r, r->at, YOTON_E_DEPTH, yoton_strerror(YOTON_E_DEPTH));
    r->at++;
    value->type = opened == '[' ? YOTON_LIST : opened == '(' ? YOTON_TUPLE : YOTON_DICT;
    for (skip_space(r); !take(r, closing); skip_space(r)) {
        if (value->as.list.count > 0 && !comma)
            return fail(r, "a comma or the end of the brackets is missing");
        int error = value->type == YOTON_DICT ? read_pair(r, value, depth + 1)
                                              : read_item(r, value, depth + 1);
        if (error != YOTON_OK)
            return error;
        comma = take(r, ',');
    }
    if (value->type == YOTON_TUPLE && value->as.list.count == 1 && !comma)
        unpack(value);
    return YOTON_OK;
}

/* ---- Everything ---- */

static int read_name(reader *r, yoton_value *value) {
    char quote = r->at + 1 < r->size ? r->text[r->at + 1] : '\0';
    if (take_name(r, "None"))
        return YOTON_OK;
    bool is_true = take_name(r, "True");
    if (is_true || take_name(r, "False")) {
        value->type = YOTON_BOOL;
        value->as.boolean = is_true;
        return YOTON_OK;
    }
    if (peek(r) == 'n')
        return read_number(r, value);
    if ((peek(r) == 'b' || peek(r) == 'B') && (quote == '\'' || quote == '"'))
        return fail_at(r, r->at, YOTON_E_TYPE, "objects hold no bytes");
    return fail(r, r->at < r->size ? "neither a number, None, True, False, a string in quotes, nor "
                                     "a list, tuple or dict"
                                   : "a value is missing");
}

static int read_value(reader *r, yoton_value *value, size_t depth) {
    skip_space(r);
    char c = peek(r);
    if (c == '[' || c == '(' || c == '{')
        return read_container(r, value, depth);
    if (c == '\'' || c == '"')
        return read_string(r, value);
    if (is_digit(c) || c == '-' || c == '+' || c == '.')
        return read_number(r, value);
    return read_name(r, value);
}

int literal_read(const char *text, size_t size, yoton_value *value, literal_problem *problem) {
    reader r = {.text = text, .size = size, .problem = problem};
    *value = (yoton_value){.type = YOTON_NONE};
    int error = read_value(&r, value, 0);
    skip_space(&r);
    if (error == YOTON_OK && r.at < size)
        error = fail(&r, "something follows the value");
    if (error != YOTON_OK)
        yoton_value_clear(value);
    return error;
}
