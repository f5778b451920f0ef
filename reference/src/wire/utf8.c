/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/utf8.h"

#include <string.h>
#include <unistr.h>

/* Most text is ASCII: eight bytes at a time are passed over without looking at characters. */
static size_t skip_ascii(const char *bytes, size_t size, size_t at) {
    while (size - at >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, bytes + at, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
        at += sizeof word;
    }
    while (at < size && !(bytes[at] & 0x80))
        at++;
    return at;
}

size_t yoton_utf8_check(const char *bytes, size_t size) {
    size_t at = 0;
    while ((at = skip_ascii(bytes, size, at)) < size) {
        ucs4_t point;
        int length = u8_mbtoucr(&point, (const uint8_t *)bytes + at, size - at);
        if (length < 0)
            return at;
        at += (size_t)length;
    }
    return size;
}

uint32_t yoton_utf8_next(const char *bytes, size_t size, size_t *at) {
    ucs4_t point;
    *at += (size_t)u8_mbtouc_unsafe(&point, (const uint8_t *)bytes + *at, size - *at);
    return point;
}
