/* SPDX-License-Identifier: BSD-2-Clause */
/* The object message type (`obj`): None, bool, int, float, string, list, tuple, dict. */
#ifndef YOTON_OBJECT_H
#define YOTON_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "yoton/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define YOTON_DEPTH_DEFAULT 1000 /* containers inside containers; the outermost one is depth 1 */

typedef enum yoton_type {
    YOTON_NONE,
    YOTON_BOOL,
    YOTON_INT,
    YOTON_FLOAT,
    YOTON_STRING,
    YOTON_LIST,
    YOTON_TUPLE,
    YOTON_DICT
} yoton_type;

/* A value. Strings and containers own what they point at; yoton_value_clear frees it, whatever the
 * depth, without recursion. A zeroed yoton_value is None and needs no clear.
 * A dict holds its pairs in wire order as key, value, key, value …: `count` is the number of values
 * in `items` (twice the pairs). Entries with equal keys are all kept; the last one counts. */
typedef struct yoton_value {
    yoton_type type;
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct {
            char *bytes; /* UTF-8, followed by a NUL that `size` does not count */
            size_t size;
        } string;
        struct {
            struct yoton_value *items;
            size_t count;
        } list; /* LIST, TUPLE and DICT */
    } as;
} yoton_value;

/* Purpose: free all that *value owns and make it None. Safe on None, never fails. */
void yoton_value_clear(yoton_value *value);

/* Purpose: make *value a string with a copy of size bytes of UTF-8. *value is overwritten, not
 * cleared. Returns YOTON_OK, YOTON_E_UTF8 or YOTON_E_NOMEM (*value is then None). */
int yoton_value_string(yoton_value *value, const char *bytes, size_t size);

/* Purpose: append *item to a list, tuple or dict (there alternately key and value). Ownership of
 * what *item holds moves into the container and *item becomes None; on error it stays the caller's.
 * Returns YOTON_OK, YOTON_E_ARGUMENT (not a container) or YOTON_E_NOMEM. */
int yoton_value_append(yoton_value *container, yoton_value *item);

/* Purpose: the value that counts for `key` in a dict: that of the last entry with an equal key.
 * Keys are equal as in Python: 1, 1.0 and True are one key; NaN equals nothing.
 * Takes time in proportion to the dict. Returns a pointer into the dict, valid until it changes, or
 * NULL when there is none (or, with a key of more than 30 tuples inside each other, no memory). */
const yoton_value *yoton_dict_get(const yoton_value *dict, const yoton_value *key);

/* Purpose: compare two values as dictionary keys are (see yoton_dict_get), containers item by item
 * in order. For dicts the entries that count are compared, order ignored.
 * Returns 1 when equal, 0 when not, or YOTON_E_NOMEM, which only dicts and values nested more than
 * 30 deep can give. */
int yoton_value_equal(const yoton_value *a, const yoton_value *b);

/* Purpose: decode one object from the first bytes of data. max_depth 0 asks for the default.
 * An empty input is None. Bytes after the object are ignored; *used (may be NULL) tells where it
 * ended. On error *value is None, nothing is leaked, and *used is the offset of the first byte that
 * makes it wrong: a type byte (TYPE, DEPTH; KEY: that of the list or dict, wherever in the key it
 * is), the start of a malformed sequence (UTF8), the size of an input that ends too early (LENGTH).
 * Nesting costs no C stack. Memory allocated is at most 64 bytes per byte of
 * input at any time, whatever its counts claim.
 * Returns YOTON_OK, YOTON_E_TYPE, YOTON_E_LENGTH (runs past the end), YOTON_E_UTF8, YOTON_E_DEPTH,
 * YOTON_E_KEY or YOTON_E_NOMEM. */
int yoton_object_decode(yoton_value *value, const uint8_t *data, size_t size, size_t max_depth,
                        size_t *used);

/* Purpose: how many bytes yoton_object_encode writes. *size receives it.
 * Returns YOTON_OK, YOTON_E_DEPTH, YOTON_E_KEY, YOTON_E_UTF8, YOTON_E_NOMEM, YOTON_E_ARGUMENT for a
 * dict whose last key has no value, or YOTON_E_TYPE for a value whose type is no yoton_type. */
int yoton_object_size(const yoton_value *value, size_t max_depth, size_t *size);

/* Purpose: encode *value into out. *size holds the room and then the bytes written.
 * Returns what yoton_object_size returns, or YOTON_E_SPACE (nothing useful written). */
int yoton_object_encode(const yoton_value *value, size_t max_depth, uint8_t *out, size_t *size);

/* Purpose: the value as a Python literal on one line, written as Python's repr does (but inf as
 * 1e999 and -inf as -1e999, so that it reads back). Of dict entries with equal keys the first key
 * and the last value are written, as a Python dict keeps them. *text receives a NUL-terminated
 * string the caller frees with free(), *size (may be NULL) its length without the NUL. Returns
 * YOTON_OK, YOTON_E_NOMEM or YOTON_E_TYPE (a type that is no yoton_type); on an error *text is
 * NULL.
 */
int yoton_object_literal(const yoton_value *value, char **text, size_t *size);

#ifdef __cplusplus
}
#endif
#endif
