/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yoton/error.h"

/* Beyond this a reader that keeps numbers as doubles would lose digits. */
#define EXACT_IN_DOUBLE (INT64_C(1) << 53)

static json_t *tagged(const char *tag, json_t *content) {
    json_t *object = json_object();
    if (object == NULL || json_object_set_new(object, tag, content) != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* The only member of an object such as {"float":"1.5"}; NULL for anything else. */
static json_t *untag(const json_t *json, const char **tag) {
    if (!json_is_object(json) || json_object_size(json) != 1)
        return NULL;
    void *member = json_object_iter((json_t *)json);
    *tag = json_object_iter_key(member);
    return json_object_iter_value(member);
}

static json_t *from_integer(int64_t integer) {
    if (integer > -EXACT_IN_DOUBLE && integer < EXACT_IN_DOUBLE)
        return json_integer(integer);
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, integer);
    return tagged("int", json_string(text));
}

/* The fewest digits that read back as the same number. */
static json_t *from_number(double number) {
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    if (number != number)
        snprintf(text, sizeof text, "nan");
    return tagged("float", json_string(text));
}

static json_t *from_items(const yoton_value *value) {
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < value->as.list.count; i++) {
        if (json_array_append_new(array, json_from_value(&value->as.list.items[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static int append_pair(json_t *array, const yoton_value *key, const yoton_value *value) {
    json_t *pair = json_array();
    if (pair == NULL || json_array_append_new(pair, json_from_value(key)) != 0 ||
        json_array_append_new(pair, json_from_value(value)) != 0) {
        json_decref(pair);
        return -1;
    }
    return json_array_append_new(array, pair);
}

static int key_came_before(const yoton_value *items, size_t at) {
    for (size_t i = 0; i < at; i += 2)
        if (yoton_value_equal(&items[i], &items[at]))
            return 1;
    return 0;
}

static json_t *from_dict(const yoton_value *dict) {
    const yoton_value *items = dict->as.list.items;
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i + 1 < dict->as.list.count; i += 2) {
        if (key_came_before(items, i))
            continue;
        const yoton_value *last = yoton_dict_get(dict, &items[i]);
        /* A NaN as key equals nothing, itself included. */
        if (append_pair(array, &items[i], last != NULL ? last : &items[i + 1]) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return tagged("dict", array);
}

json_t *json_from_value(const yoton_value *value) {
    switch (value->type) {
    case YOTON_NONE:
        return json_null();
    case YOTON_BOOL:
        return json_boolean(value->as.boolean);
    case YOTON_INT:
        return from_integer(value->as.integer);
    case YOTON_FLOAT:
        return from_number(value->as.number);
    case YOTON_STRING:
        return json_stringn(value->as.string.bytes, value->as.string.size);
    case YOTON_LIST:
        return from_items(value);
    case YOTON_TUPLE:
        return tagged("tuple", from_items(value));
    case YOTON_DICT:
        return from_dict(value);
    }
    return NULL;
}

static int fail(const char **why, const char *text) {
    *why = text;
    return YOTON_E_ARGUMENT;
}

static int unfit(const char **why, const char *text) {
    *why = text;
    return YOTON_E_TYPE;
}

static int to_integer(const json_t *json, yoton_value *value, const char **why) {
    const char *text = json_string_value(json);
    const char *digits = text != NULL && *text == '-' ? text + 1 : text;
    if (digits == NULL || *digits == '\0' || strspn(digits, "0123456789") != strlen(digits))
        return fail(why, "\"int\" wants a decimal number in a string");
    errno = 0;
    long long integer = strtoll(text, NULL, 10);
    if (errno != 0)
        return unfit(why, "an object cannot hold an integer outside 64 bits");
    value->type = YOTON_INT;
    value->as.integer = integer;
    return YOTON_OK;
}

static int to_number(const json_t *json, yoton_value *value, const char **why) {
    const char *text = json_string_value(json);
    char *end = NULL;
    double number = text != NULL && *text != ' ' ? strtod(text, &end) : 0;
    if (end == NULL || end == text || *end != '\0')
        return fail(why, "\"float\" wants a number, nan, inf or -inf in a string");
    value->type = YOTON_FLOAT;
    value->as.number = number;
    return YOTON_OK;
}

/* Bytes have a form of their own, and no place in an object. */
static int to_hex(const json_t *json, const char **why) {
    uint8_t *bytes;
    size_t size;
    int error = json_to_bytes(json, &bytes, &size, why);
    if (error != YOTON_OK)
        return error;
    free(bytes);
    return unfit(why, "an object cannot hold bytes");
}

static int to_value(const json_t *json, yoton_value *value, size_t depth, const char **why);

/* Convert every element of an array and append it to the container. */
static int append_all(const json_t *array, yoton_value *container, size_t depth, const char **why) {
    int error = YOTON_OK;
    for (size_t i = 0; error == YOTON_OK && i < json_array_size(array); i++) {
        yoton_value item = {.type = YOTON_NONE};
        error = to_value(json_array_get(array, i), &item, depth, why);
        if (error == YOTON_OK)
            error = yoton_value_append(container, &item);
        yoton_value_clear(&item);
    }
    return error;
}

static int to_dict(const json_t *pairs, yoton_value *value, size_t depth, const char **why) {
    int error = YOTON_OK;
    value->type = YOTON_DICT;
    for (size_t i = 0; error == YOTON_OK && i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        if (!json_is_array(pair) || json_array_size(pair) != 2)
            return fail(why, "\"dict\" wants pairs [key,value]");
        error = append_all(pair, value, depth, why);
    }
    return error;
}

static int to_tagged(const json_t *json, yoton_value *value, size_t depth, const char **why) {
    const char *tag = NULL;
    const json_t *content = untag(json, &tag);
    if (content == NULL)
        return fail(why, "an object wants one member: int, float, hex, tuple or dict");
    if (strcmp(tag, "int") == 0)
        return to_integer(content, value, why);
    if (strcmp(tag, "float") == 0)
        return to_number(content, value, why);
    if (strcmp(tag, "hex") == 0)
        return to_hex(json, why);
    if (!json_is_array(content) || (strcmp(tag, "tuple") != 0 && strcmp(tag, "dict") != 0))
        return fail(why, "an object wants int, float, hex, tuple:[…] or dict:[…]");
    if (strcmp(tag, "dict") == 0)
        return to_dict(content, value, depth + 1, why);
    value->type = YOTON_TUPLE;
    return append_all(content, value, depth + 1, why);
}

/* `depth` counts the containers around this value; the parser of JSON bounds the recursion too. */
static int to_value(const json_t *json, yoton_value *value, size_t depth, const char **why) {
    if (depth > YOTON_DEPTH_DEFAULT)
        return YOTON_E_DEPTH;
    switch (json_typeof(json)) {
    case JSON_NULL:
        return YOTON_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        value->type = YOTON_BOOL;
        value->as.boolean = json_is_true(json);
        return YOTON_OK;
    case JSON_INTEGER:
        value->type = YOTON_INT;
        value->as.integer = json_integer_value(json);
        return YOTON_OK;
    case JSON_STRING:
        return yoton_value_string(value, json_string_value(json), json_string_length(json));
    case JSON_ARRAY:
        value->type = YOTON_LIST;
        return append_all(json, value, depth + 1, why);
    case JSON_OBJECT:
        return to_tagged(json, value, depth, why);
    case JSON_REAL:
        break;
    }
    return fail(why, "write a float as {\"float\":\"1.5\"}");
}

int json_to_value(const json_t *json, yoton_value *value, const char **why) {
    const char *unused;
    *value = (yoton_value){.type = YOTON_NONE};
    int error = to_value(json, value, 0, why != NULL ? why : &unused);
    if (error != YOTON_OK)
        yoton_value_clear(value);
    return error;
}

json_t *json_from_bytes(const void *data, size_t size) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    char *text = malloc(2 * size + 1);
    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    json_t *hex = json_stringn_nocheck(text, 2 * size);
    free(text);
    return tagged("hex", hex);
}

static int nibble(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int json_to_bytes(const json_t *json, uint8_t **data, size_t *size, const char **why) {
    const char *unused;
    const char *tag = NULL;
    const json_t *content = untag(json, &tag);
    if (why == NULL)
        why = &unused;
    if (!json_is_string(content) || strcmp(tag, "hex") != 0 || json_string_length(content) % 2 != 0)
        return fail(why, "bytes want {\"hex\":\"…\"} with two digits a byte");
    const char *text = json_string_value(content);
    size_t count = json_string_length(content) / 2;
    uint8_t *bytes = malloc(count > 0 ? count : 1);
    if (bytes == NULL)
        return YOTON_E_NOMEM;
    for (size_t i = 0; i < count; i++) {
        int high = nibble(text[2 * i]);
        int low = nibble(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            free(bytes);
            return fail(why, "\"hex\" holds something else than hexadecimal digits");
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    *data = bytes;
    *size = count;
    return YOTON_OK;
}
