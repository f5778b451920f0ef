/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/judge.h"

#include <string.h>

enum { START = 6, ID_DIGITS = 16, POINT = START + ID_DIGITS, PID = POINT + 1, PID_DIGITS = 20 };

/* The value of a hexadecimal digit, 16 for anything else; not by <ctype.h>, which has locales. */
static unsigned digit(uint8_t byte) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10U;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10U;
    return 16;
}

/* Reads the id; returns the offset of its first wrong byte, or that of the point when it is good.
 */
static size_t read_id(const uint8_t *line, size_t size, struct judged_hello *hello) {
    for (size_t i = START; i < POINT; i++) {
        if (i >= size || digit(line[i]) > 15)
            return i;
        hello->as_sent = hello->as_sent && !(line[i] >= 'A' && line[i] <= 'F');
        hello->id = hello->id << 4 | digit(line[i]);
    }
    return hello->id == 0 ? POINT - 1 : POINT; /* HS-15 */
}

/* Reads the process id; returns the offset of its first wrong byte, or `size` when it is good. */
static size_t read_pid(const uint8_t *line, size_t size, struct judged_hello *hello) {
    for (size_t i = PID; i < size; i++) {
        unsigned value = digit(line[i]);
        if (value > 9 || i - PID >= PID_DIGITS)
            return i;
        if (hello->pid > (UINT64_MAX - value) / 10) /* HS-5: below 2^64 */
            return i;
        hello->pid = hello->pid * 10 + value;
    }
    if (size > PID + 1 && line[PID] == '0')
        hello->as_sent = false;
    return size;
}

enum judged_line judge_hello(const uint8_t *line, size_t size, struct judged_hello *hello,
                             size_t *wrong) {
    struct judged_hello found = {.as_sent = true};
    size_t unused;
    if (wrong == NULL)
        wrong = &unused;
    for (*wrong = 0; *wrong < START; ++*wrong)
        if (*wrong >= size || line[*wrong] != (uint8_t) "YOTON!"[*wrong])
            return LINE_NOT_YOTON;
    *wrong = read_id(line, size, &found);
    if (*wrong != POINT || size <= POINT || line[POINT] != '.')
        return LINE_MALFORMED;
    if (size == PID) { /* HS-14: at least one digit */
        *wrong = PID;
        return LINE_MALFORMED;
    }
    *wrong = read_pid(line, size, &found);
    if (*wrong != size)
        return LINE_MALFORMED;
    *hello = found;
    return LINE_GOOD;
}
