/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/exchange.h"

#include <stdint.h>
#include <string.h>

#include "wire/utf8.h"
#include "yoton/error.h"

/* Where the first CRLF starts, or size. A CR at the end of an earlier piece is looked at again. */
static size_t find_end(const char *bytes, size_t seen, size_t size) {
    size_t at = seen > 0 ? seen - 1 : 0;
    while (at + 1 < size) {
        const char *cr = memchr(bytes + at, '\r', size - at - 1);
        if (cr == NULL)
            break;
        at = (size_t)(cr - bytes);
        if (bytes[at + 1] == '\n')
            return at;
        at++;
    }
    return size;
}

int yoton_text_more(yoton_text_scan *scan, const char *bytes, size_t have) {
    size_t end = find_end(bytes, scan->seen, have);
    scan->ended = end < have;
    scan->size = end;
    scan->seen = have;
    if (scan->ended)
        return end <= scan->limit ? YOTON_OK : YOTON_E_LENGTH;
    if (have <= scan->limit)
        return YOTON_E_MORE;
    /* One byte above the limit may still be the first half of the end. */
    return have - scan->limit == 1 && bytes[have - 1] == '\r' ? YOTON_E_MORE : YOTON_E_LENGTH;
}

int yoton_text_over(yoton_text_scan *scan) {
    return scan->size <= scan->limit ? YOTON_OK : YOTON_E_LENGTH;
}

size_t yoton_text_most(const yoton_text_scan *scan) {
    return scan->limit < SIZE_MAX - YOTON_TEXT_END_SIZE ? scan->limit + YOTON_TEXT_END_SIZE
                                                        : SIZE_MAX;
}

int yoton_text_has_end(const char *text, size_t size) {
    return size >= YOTON_TEXT_END_SIZE &&
           memcmp(text + size - YOTON_TEXT_END_SIZE, YOTON_TEXT_END, YOTON_TEXT_END_SIZE) == 0;
}

size_t yoton_text_keep(char *text, size_t size) {
    size_t kept = yoton_utf8_check(text, size);
    size_t at = kept;
    while (at < size) {
        at++; /* the byte that is none; those that went with it are none by themselves either */
        size_t good = yoton_utf8_check(text + at, size - at);
        memmove(text + kept, text + at, good);
        kept += good;
        at += good;
    }
    return kept;
}
