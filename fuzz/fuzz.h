/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fuzz targets share. A target is LLVMFuzzerTestOneInput; it must behave the same for the
 * same input, and abort, through CHECK, when the reference breaks what its header promises. */
#ifndef YOTON_FUZZ_H
#define YOTON_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(holds)                                                                               \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Settings of a target stand behind the input proper, so that a seed is a message and its settings,
 * and a mutation of the one is not one of the other. Takes the last byte off; 0 when there is none.
 */
static inline uint8_t fuzz_setting(const uint8_t *data, size_t *size) {
    return *size > 0 ? data[--*size] : 0;
}

/* Bytes in memory of just their size, so that reading past their end is noticed. Free with free().
 */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

/* Bytes that no UTF-8 has stand for words of a text, so that a fuzzer that knows nothing gets far:
 * C0, C1, F5 to FE for the first, in this order, FF and another byte for one of the rest. Returns
 * the text, which is to be freed, and its size. */
enum { FUZZ_DIRECT = 12 };
static inline uint8_t *fuzz_spell(const uint8_t *data, size_t size, const char *const *words,
                                  size_t count, size_t *spelled) {
    size_t room = 1, at = 0;
    uint8_t *text = NULL;
    for (int writing = 0; writing < 2; writing++) {
        text = writing ? malloc(room) : NULL;
        CHECK(!writing || text != NULL);
        for (size_t i = 0; i < size; i++) {
            uint8_t byte = data[i];
            const char *word = NULL;
            if (byte == 0xFF && i + 1 < size)
                word = words[FUZZ_DIRECT + data[++i] % (count - FUZZ_DIRECT)];
            else if (byte == 0xC0 || byte == 0xC1)
                word = words[byte - 0xC0];
            else if (byte >= 0xF5 && byte < 0xFF)
                word = words[byte - 0xF5 + 2];
            size_t part = word == NULL ? 1 : strlen(word);
            if (writing)
                memcpy(text + at, word == NULL ? data + i : (const uint8_t *)word, part);
            at += writing ? part : 0;
            room += writing ? 0 : part;
        }
    }
    *spelled = at;
    return text;
}

#endif
