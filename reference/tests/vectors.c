/* SPDX-License-Identifier: BSD-2-Clause */
#include "vectors.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *present; /* the vector that is being checked, for messages */

static json_t *member_of(const json_t *vector, const char *member) {
    json_t *value = json_object_get(vector, member);
    if (value == NULL)
        fail_msg("vector %s has no %s", present, member);
    return value;
}

const char *vector_string(const json_t *vector, const char *member) {
    const char *text = json_string_value(member_of(vector, member));
    if (text == NULL)
        fail_msg("vector %s: %s is not a string", present, member);
    return text;
}

void vectors_each(const char *file, const char *having, void (*check)(const json_t *vector)) {
    char path[256];
    json_error_t error;
    size_t checked = 0, i;
    json_t *vector;
    snprintf(path, sizeof path, "spec/vectors/%s.json", file);
    json_t *document = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (document == NULL)
        fail_msg("%s:%d: %s (run this from the top of the tree)", path, error.line, error.text);
    json_array_foreach(json_object_get(document, "vectors"), i, vector) {
        if (having != NULL && json_object_get(vector, having) == NULL)
            continue;
        present = "without name";
        present = vector_string(vector, "name");
        check(vector);
        checked++;
    }
    assert_true(checked > 0);
    json_decref(document);
    present = NULL;
}

int vectors_blame(void **state) {
    (void)state;
    if (present != NULL)
        print_message("# it was the vector %s\n", present);
    present = NULL;
    return 0;
}

/* One part: a string, or {"repeat": string, "times": number}. */
static const json_t *part_of(const json_t *part, size_t *times) {
    *times = 1;
    if (json_is_object(part)) {
        *times = vector_size(part, "times");
        part = member_of(part, "repeat");
    }
    assert_true(json_is_string(part));
    return part;
}

char *vector_text(const json_t *vector, const char *member, size_t *size) {
    const json_t *value = member_of(vector, member);
    bool parts = json_is_array(value);
    size_t count = parts ? json_array_size(value) : 1, times;
    char *text = NULL;
    *size = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *part = part_of(parts ? json_array_get(value, i) : value, &times);
        size_t length = json_string_length(part);
        text = realloc(text, *size + length * times + 1);
        assert_non_null(text);
        for (size_t j = 0; j < times; j++, *size += length)
            memcpy(text + *size, json_string_value(part), length);
    }
    assert_non_null(text);
    text[*size] = '\0';
    return text;
}

uint8_t *vector_bytes(const json_t *vector, const char *member, size_t *size) {
    size_t digits;
    char *text = vector_text(vector, member, &digits);
    uint8_t *bytes = unhex(text, size);
    free(text);
    return bytes;
}

static uint64_t number_in(const char *text, int base) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, base);
    if (*text == '\0' || *end != '\0' || errno != 0)
        fail_msg("vector %s: %s is not a number", present, text);
    return number;
}

uint64_t vector_u64(const json_t *vector, const char *member) {
    return number_in(vector_string(vector, member), 10);
}

uint64_t vector_id(const json_t *vector, const char *member) {
    return number_in(vector_string(vector, member), 16);
}

size_t vector_size(const json_t *vector, const char *member) {
    const json_t *value = member_of(vector, member);
    assert_true(json_is_integer(value) && json_integer_value(value) >= 0);
    return (size_t)json_integer_value(value);
}

size_t vector_size_or(const json_t *vector, const char *member, size_t otherwise) {
    return json_object_get(vector, member) != NULL ? vector_size(vector, member) : otherwise;
}
