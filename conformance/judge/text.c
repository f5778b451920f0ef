/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/judge.h"

/* Bytes of the well-formed UTF-8 sequence at the start, 0 for none (Unicode, table 3-7). */
static size_t sequence(const uint8_t *bytes, size_t size) {
    uint8_t lead = bytes[0];
    size_t more = lead < 0x80 ? 0 : lead < 0xC2 ? 9 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    if (more == 9 || lead > 0xF4 || more >= size)
        return 0;
    for (size_t i = 1; i <= more; i++)
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (lead == 0xE0 && bytes[1] < 0xA0) || (lead == 0xF0 && bytes[1] < 0x90);
    bool surrogate = lead == 0xED && bytes[1] > 0x9F;
    bool beyond = lead == 0xF4 && bytes[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : more + 1;
}

bool judge_utf8(const uint8_t *bytes, size_t size) {
    for (size_t at = 0, length = 1; at < size; at += length)
        if ((length = sequence(bytes + at, size - at)) == 0)
            return false;
    return true;
}

bool judge_printable(const uint8_t *bytes, size_t size) {
    for (size_t at = 0; at < size;) {
        size_t length = sequence(bytes + at, size - at);
        bool c1 = length == 2 && bytes[at] == 0xC2 && bytes[at + 1] < 0xA0;
        if (length == 0 || bytes[at] < ' ' || bytes[at] == 0x7F || c1)
            return false;
        at += length;
    }
    return true;
}
