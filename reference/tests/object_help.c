/* SPDX-License-Identifier: BSD-2-Clause */
#include "object_help.h"

#include <stdlib.h>
#include <string.h>

#include "support.h"

yoton_value make_integer(int64_t n) { return (yoton_value){.type = YOTON_INT, .as.integer = n}; }

yoton_value make_number(double n) { return (yoton_value){.type = YOTON_FLOAT, .as.number = n}; }

yoton_value make_boolean(bool b) { return (yoton_value){.type = YOTON_BOOL, .as.boolean = b}; }

yoton_value make_string(const char *text) {
    yoton_value value;
    assert_int_equal(yoton_value_string(&value, text, strlen(text)), YOTON_OK);
    return value;
}

yoton_value from_hex(const char *hex) {
    size_t size;
    yoton_value value;
    uint8_t *bytes = unhex(hex, &size);
    assert_int_equal(yoton_object_decode(&value, bytes, size, 0, NULL), YOTON_OK);
    free(bytes);
    return value;
}

void append(yoton_value *container, yoton_value item) {
    assert_int_equal(yoton_value_append(container, &item), YOTON_OK);
    assert_int_equal(item.type, YOTON_NONE);
}

uint8_t *nested(const char *shape, size_t levels, size_t *size) {
    uint8_t *bytes = malloc(levels * 3 + 1);
    size_t used = 0, period = strlen(shape);
    assert_non_null(bytes);
    for (size_t i = 0; i < levels; i++) {
        char type = shape[i % period];
        bytes[used++] = (uint8_t)type;
        bytes[used++] = 1;
        if (type == 'd')
            bytes[used++] = 'n';
    }
    bytes[used++] = 'n';
    *size = used;
    return bytes;
}
