/* SPDX-License-Identifier: BSD-2-Clause */
#define _POSIX_C_SOURCE 200809L
#include "engine/util.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "judge/judge.h"

static void *or_end(void *memory) {
    if (memory == NULL) {
        fputs("yotonspec: error: out of memory\n", stderr);
        exit(EXIT_HARNESS);
    }
    return memory;
}

void *room(size_t size) { return or_end(calloc(1, size ? size : 1)); }

void *more_room(void *old, size_t size) { return or_end(realloc(old, size ? size : 1)); }

void *copy_of(const void *bytes, size_t size) {
    char *copy = room(size + 1);
    if (size > 0)
        memcpy(copy, bytes, size);
    return copy;
}

char *text_of_list(const char *format, va_list list) {
    va_list again;
    va_copy(again, list);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = room((size_t)(size < 0 ? 0 : size) + 1);
    vsnprintf(text, (size_t)size + 1, format, list);
    return text;
}

char *text_of(const char *format, ...) {
    va_list list;
    va_start(list, format);
    char *text = text_of_list(format, list);
    va_end(list);
    return text;
}

json_t *json_text_sized(const void *bytes, size_t size) {
    json_t *direct = json_stringn(bytes, size);
    if (direct != NULL)
        return direct;
    const uint8_t *from = bytes;
    char *clean = room(size * 3 + 1), *to = clean;
    for (size_t i = 0; i < size; i++) {
        if (from[i] < 0x80) {
            *to++ = (char)from[i];
        } else { /* which of them is at fault is not worth telling */
            memcpy(to, "\xEF\xBF\xBD", 3);
            to += 3;
        }
    }
    json_t *text = or_end(json_stringn(clean, (size_t)(to - clean)));
    free(clean);
    return text;
}

json_t *json_text(const char *text) { return json_text_sized(text, strlen(text)); }

const char *json_get_text(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

char *hex_of(const void *bytes, size_t size, size_t limit) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = bytes;
    if (size > limit)
        size = limit;
    char *hex = room(size * 2 + 1);
    for (size_t i = 0; i < size; i++) {
        hex[2 * i] = digits[from[i] >> 4];
        hex[2 * i + 1] = digits[from[i] & 15];
    }
    return hex;
}

char *shown(const void *bytes, size_t size) {
    enum { TEXT_LIMIT = 56, HEX_LIMIT = 24 };
    if (size <= TEXT_LIMIT && judge_printable(bytes, size))
        return text_of("\"%.*s\"", (int)size, size ? (const char *)bytes : "");
    char *hex = hex_of(bytes, size, HEX_LIMIT);
    char *text = text_of("%s%s (%zu bytes)", hex, size > HEX_LIMIT ? "…" : "", size);
    free(hex);
    return text;
}

void print_plain(const char *text, size_t most) {
    size_t size = strlen(text);
    if (size > most)
        for (size = most; size > 0 && (text[size] & 0xC0) == 0x80; size--) {
        }
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i], next = (unsigned char)text[i + 1];
        bool second = c == 0xC2 && next >= 0x80 && next < 0xA0; /* of control characters */
        putchar(c < ' ' || c == 0x7F || second ? '?' : c);
        i += second;
    }
}

char *capture_name(const char *file) {
    const char *slash = strrchr(file, '/');
    char *name = text_of("%s", slash ? slash + 1 : file);
    char *point = strrchr(name, '.');
    if (point != NULL && point > name)
        *point = '\0';
    for (char *c = name; *c != '\0'; c++)
        if (*c == '.' || (unsigned char)*c <= ' ')
            *c = '_'; /* an id is cut at its last point */
    return name;
}

double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint64_t hash_text(uint64_t seed, const char *text) {
    for (; *text; text++)
        seed = (seed ^ (uint8_t)*text) * UINT64_C(0x100000001B3);
    return seed;
}
