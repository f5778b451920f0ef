/* SPDX-License-Identifier: BSD-2-Clause */
#include "line.h"

#include <stdlib.h>
#include <string.h>

static int is_hex(uint8_t byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
           (byte >= 'A' && byte <= 'F');
}

/* Do these digits fit 20 places and 64 bits? Compared as text, so that nothing can overflow. */
static int fits(const uint8_t *digits, size_t count) {
    static const char largest[] = "18446744073709551615";
    return count < 20 || (count == 20 && memcmp(digits, largest, 20) <= 0);
}

uint64_t line_id(const uint8_t *data) {
    char text[17] = "";
    memcpy(text, data + 6, 16);
    return strtoull(text, NULL, 16);
}

uint64_t line_pid(const uint8_t *data, size_t size) {
    char text[21] = "";
    memcpy(text, data + 23, size - 25);
    return strtoull(text, NULL, 10);
}

int line_can_be(const uint8_t *data, size_t size) {
    if (memcmp(data, "YOTON!", size < 6 ? size : 6) != 0)
        return 0;
    for (size_t i = 6; i < size && i < 22; i++)
        if (!is_hex(data[i]))
            return 0;
    if (size >= 22 && line_id(data) == 0)
        return 0;
    if (size >= 23 && data[22] != '.')
        return 0;
    size_t end = size < 23 ? size : 23;
    while (end < size && data[end] >= '0' && data[end] <= '9')
        end++;
    if (end > 23 && !fits(data + 23, end - 23))
        return 0;
    size_t rest = size - end; /* what stands behind the digits */
    return rest == 0 || (end > 23 && rest <= 2 && memcmp(data + end, "\r\n", rest) == 0);
}
