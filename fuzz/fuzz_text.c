/* SPDX-License-Identifier: BSD-2-Clause */
/* The texts of client and server. Input: what comes, then 4 bytes: seed of the places where it is
 * cut (2), the limit, and whether the other end stops sending. Oracles: somebody who has it all at
 * hand finds the same text, or the same want of more, or too much, at whatever places it is cut,
 * and not a byte later; what is kept of it is what a reader of UTF-8 that goes byte by byte keeps.
 */
#include "fuzz.h"

#include <stdbool.h>

#include "wire/exchange.h"
#include "yoton/error.h"

/* --- somebody who has it all at hand --- */

static size_t end_of(const uint8_t *data, size_t size) {
    for (size_t i = 0; i + 1 < size; i++)
        if (data[i] == '\r' && data[i + 1] == '\n')
            return i;
    return size;
}

/* After `have` bytes. */
static int verdict_after(const uint8_t *data, size_t have, size_t limit, size_t *text) {
    size_t end = end_of(data, have);
    *text = end;
    if (end < have)
        return end <= limit ? YOTON_OK : YOTON_E_LENGTH;
    bool half = have > 0 && data[have - 1] == '\r'; /* of its end, perhaps */
    return have - half > limit ? YOTON_E_LENGTH : YOTON_E_MORE;
}

/* --- a reader of UTF-8 by the table of the Unicode standard, 3-7 --- */

static size_t character(const uint8_t *p, size_t size) {
    static const struct {
        uint8_t first, last, low, high; /* of the first byte, of the second */
        size_t length;
    } table[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (p[0] < table[i].first || p[0] > table[i].last)
            continue;
        if (table[i].length > size ||
            (size > 1 && table[i].length > 1 && (p[1] < table[i].low || p[1] > table[i].high)))
            return 0;
        for (size_t j = 2; j < table[i].length; j++)
            if ((p[j] & 0xc0) != 0x80)
                return 0;
        return table[i].length;
    }
    return 0;
}

/* CS-6: bytes that belong to no character are left out. */
static size_t keep(const uint8_t *data, size_t size, uint8_t *out) {
    size_t kept = 0;
    for (size_t at = 0; at < size;) {
        size_t length = character(data + at, size - at);
        memcpy(out + kept, data + at, length);
        kept += length;
        at += length > 0 ? length : 1;
    }
    return kept;
}

/* --- comparing --- */

static void check_kept(const uint8_t *data, size_t size) {
    uint8_t *text = fuzz_copy(data, size), *wanted = fuzz_copy(data, size);
    size_t wanted_size = keep(data, size, wanted), kept = yoton_text_keep((char *)text, size);
    CHECK(kept == wanted_size && memcmp(text, wanted, kept) == 0);
    CHECK(yoton_text_keep((char *)text, kept) == kept); /* and then nothing is left out any more */
    free(text);
    free(wanted);
}

static void check_has_end(const uint8_t *data, size_t size) {
    uint8_t *text = fuzz_copy(data, size);
    bool wanted = size >= 2 && data[size - 2] == '\r' && data[size - 1] == '\n';
    CHECK(yoton_text_has_end((char *)text, size) == wanted);
    free(text);
}

enum { LONGEST = 1000 }; /* each piece is looked at with all before it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > LONGEST)
        return 0;
    bool over = fuzz_setting(data, &size) & 1;
    yoton_text_scan scan = {.limit = fuzz_setting(data, &size)};
    uint32_t seed = fuzz_setting(data, &size);
    seed = seed << 8 | fuzz_setting(data, &size);
    if (scan.limit > 200) /* one that an input does not reach */
        scan.limit = scan.limit > 220 ? SIZE_MAX : 1 << 20;
    CHECK(yoton_text_most(&scan) == (scan.limit == SIZE_MAX ? SIZE_MAX : scan.limit + 2));
    int result = YOTON_E_MORE;
    size_t have = 0, wanted;
    while (result == YOTON_E_MORE && have < size) {
        seed = seed * 1103515245 + 12345;
        size_t piece = seed >> 16 & 1 ? 1 : 1 + (seed >> 17) % 40;
        have = piece < size - have ? have + piece : size;
        uint8_t *bytes = fuzz_copy(data, have); /* in memory of just its size */
        result = yoton_text_more(&scan, (char *)bytes, have);
        free(bytes);
        CHECK(result == verdict_after(data, have, scan.limit, &wanted));
        CHECK(result != YOTON_OK || (scan.size == wanted && scan.ended));
    }
    if (result == YOTON_E_MORE && over && size > 0) { /* CS-4: what came is the text */
        CHECK(yoton_text_over(&scan) == (size <= scan.limit ? YOTON_OK : YOTON_E_LENGTH));
        CHECK(scan.size == size && !scan.ended);
    }
    check_kept(data, size);
    check_has_end(data, size);
    return 0;
}
