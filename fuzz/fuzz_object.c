/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects. Input: a payload, then one byte that chooses the limit of nesting and a check, and
 * whether the payload goes on.
 * Oracles: a walker that builds nothing gives the same verdict and offset; the value is what the
 * bytes say, read one by one; it encodes to the size that was told, in the short form, and decodes
 * and encodes to the same again; a payload cut short ends too early, at its end; memory stays below
 * what the header promises, whatever counts claim; when an allocation fails, whichever it is,
 * nothing is kept; a literal is one line of good UTF-8, and what is read of it has the same. */
#include "alloc.h"
#include "fuzz.h"
#include "literal_read.h"
#include "walker.h"
#include "yoton/object.h"

enum { ALLOWED_PER_BYTE = 64, ALLOWED_BESIDES = 4096 };

/* --- values --- */

static uint64_t number_at(const uint8_t *p) {
    uint64_t number = 0;
    for (int i = 7; i >= 0; i--)
        number = number * 256 + p[i];
    return number;
}

/* A count, in the form that a sender writes (OBJ-2) when `sent`. */
static uint64_t count_at(const uint8_t *data, size_t *at, int sent) {
    uint8_t first = data[(*at)++];
    if (first != 255)
        return first;
    uint64_t count = number_at(data + *at);
    *at += 8;
    CHECK(!sent || count >= 255);
    return count;
}

/* OBJ-6: the bits of what is not NaN are kept. */
static void check_float(double number, uint64_t bits) {
    uint64_t got;
    memcpy(&got, &number, sizeof got);
    int is_nan = (bits & ~(UINT64_C(1) << 63)) > UINT64_C(0x7ff0000000000000);
    CHECK(is_nan ? number != number : got == bits);
}

static void check_string(const yoton_value *value, const uint8_t *data, size_t *at, int sent) {
    uint64_t size = count_at(data, at, sent);
    CHECK(value->as.string.size == size && value->as.string.bytes[size] == '\0');
    CHECK(memcmp(value->as.string.bytes, data + *at, size) == 0);
    *at += size;
}

/* The value is what these bytes say. They are known to be well-formed, and of bounded depth. */
static void check_value(const yoton_value *value, const uint8_t *data, size_t *at, int sent) {
    static const char types[] = "nbifsltd"; /* in the order of yoton_type */
    CHECK(data[*at] == (uint8_t)types[value->type]);
    ++*at;
    switch (value->type) {
    case YOTON_NONE:
        return;
    case YOTON_BOOL: /* OBJ-5 */
        CHECK(value->as.boolean == (data[*at] != 0) && (!sent || data[*at] <= 1));
        ++*at;
        return;
    case YOTON_INT:
        CHECK((uint64_t)value->as.integer == number_at(data + *at));
        *at += 8;
        return;
    case YOTON_FLOAT:
        check_float(value->as.number, number_at(data + *at));
        *at += 8;
        return;
    case YOTON_STRING:
        check_string(value, data, at, sent);
        return;
    case YOTON_LIST:
    case YOTON_TUPLE:
    case YOTON_DICT:
        break;
    }
    uint64_t count = count_at(data, at, sent) * (value->type == YOTON_DICT ? 2 : 1);
    CHECK(value->as.list.count == count);
    for (size_t i = 0; i < count; i++)
        check_value(&value->as.list.items[i], data, at, sent);
}

static void check_whole(const yoton_value *value, const uint8_t *data, size_t size, int sent) {
    size_t at = 0;
    if (size == 0) { /* OBJ-11 */
        CHECK(value->type == YOTON_NONE);
        return;
    }
    check_value(value, data, &at, sent);
    CHECK(at == size);
}

/* Encodes into memory of just the size that was told. */
static uint8_t *encode(const yoton_value *value, size_t depth, size_t *size) {
    size_t told, written;
    CHECK(yoton_object_size(value, depth, &told) == YOTON_OK);
    CHECK(told > 0);
    uint8_t *out = malloc(told);
    CHECK(out != NULL);
    written = told - 1;
    CHECK(yoton_object_encode(value, depth, out, &written) == YOTON_E_SPACE);
    written = told;
    CHECK(yoton_object_encode(value, depth, out, &written) == YOTON_OK);
    CHECK(written == told);
    *size = written;
    return out;
}

static void check_fixed_point(const yoton_value *value, size_t depth, size_t used) {
    yoton_value again;
    size_t size, size_again, used_again;
    uint8_t *first = encode(value, depth, &size);
    CHECK(size <= used || used == 0); /* a sender writes the short form; used 0: nothing is None */
    check_whole(value, first, size, 1);
    CHECK(yoton_object_decode(&again, first, size, depth, &used_again) == YOTON_OK);
    CHECK(used_again == size);
    check_whole(&again, first, size, 1);
    uint8_t *second = encode(&again, depth, &size_again);
    CHECK(size_again == size && memcmp(first, second, size) == 0);
    free(first);
    free(second);
    yoton_value_clear(&again);
}

/* What is read of a literal has the same literal. It may be too deep to be read. */
static void check_read_back(const char *text, size_t size) {
    yoton_value value;
    literal_problem problem;
    char *again;
    size_t size_again;
    int error = literal_read(text, size, &value, &problem);
    if (error == YOTON_E_DEPTH)
        return;
    CHECK(error == YOTON_OK);
    CHECK(yoton_object_literal(&value, &again, &size_again) == YOTON_OK);
    CHECK(size_again == size && memcmp(again, text, size) == 0);
    free(again);
    yoton_value_clear(&value);
}

static void check_literal(const yoton_value *value) {
    char *text;
    size_t size;
    CHECK(yoton_object_literal(value, &text, &size) == YOTON_OK);
    CHECK(size > 0 && text[size] == '\0' && strlen(text) == size);
    CHECK(walker_utf8((const uint8_t *)text, size) == size);
    for (size_t i = 0; i < size; i++)
        CHECK((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
    check_read_back(text, size);
    free(text);
}

/* Decodes from memory of just this size, with the memory it takes bounded. */
static int decode(yoton_value *value, const uint8_t *data, size_t size, size_t depth,
                  size_t *used) {
    uint8_t *copy = fuzz_copy(data, size);
    alloc_start(0);
    int error = yoton_object_decode(value, copy, size, depth, used);
    alloc_stop();
    CHECK(alloc_peak() <= size * ALLOWED_PER_BYTE + ALLOWED_BESIDES);
    CHECK(error == YOTON_OK || alloc_live() == 0);
    CHECK(error == YOTON_OK || value->type == YOTON_NONE);
    free(copy);
    return error;
}

/* One of the `calls` allocations that decoding takes fails, drawn from the bytes. */
static void check_shortage(const uint8_t *data, size_t size, size_t depth, size_t calls) {
    yoton_value value;
    size_t drawn = size, used;
    for (size_t i = 0; i < size; i++)
        drawn = drawn * 31 + data[i];
    alloc_start(1 + drawn % calls);
    int error = yoton_object_decode(&value, data, size, depth, &used);
    alloc_stop();
    CHECK(error == YOTON_E_NOMEM && value.type == YOTON_NONE && alloc_live() == 0);
}

/* A text is made, or nothing is kept. */
static void check_literal_shortage(const yoton_value *value, size_t drawn) {
    char *text = NULL;
    size_t size, calls;
    alloc_start(0);
    CHECK(yoton_object_literal(value, &text, &size) == YOTON_OK);
    calls = alloc_calls();
    free(text);
    alloc_start(1 + drawn % calls);
    CHECK(yoton_object_literal(value, &text, &size) == YOTON_E_NOMEM);
    alloc_stop();
    CHECK(alloc_live() == 0);
}

/* Every beginning of an object ends too early, at its end. */
static void check_cut(const uint8_t *data, size_t used, size_t depth, size_t drawn) {
    yoton_value value;
    size_t size = used > 1 ? 1 + (drawn + data[used / 2]) % (used - 1) : 0, wrong;
    if (size == 0) /* nothing reads as None (OBJ-11) */
        return;
    CHECK(decode(&value, data, size, depth, &wrong) == YOTON_E_LENGTH);
    CHECK(wrong == size);
}

/* What stands behind an object does not matter (OBJ-10). */
static void check_rest(const uint8_t *data, size_t size, size_t depth, size_t used) {
    yoton_value alone;
    size_t used_alone;
    if (used == size)
        return;
    CHECK(decode(&alone, data, used, depth, &used_alone) == YOTON_OK);
    CHECK(used_alone == used);
    check_whole(&alone, data, used, 0);
    yoton_value_clear(&alone);
}

enum { MORE = 256 };

static void run_one(const uint8_t *data, size_t size, uint8_t setting) {
    size_t depth = setting < 128 ? 0 : (size_t)setting - 127, used = 0;
    yoton_value value;
    walker_verdict wanted = walker_walk(data, size, depth ? depth : YOTON_DEPTH_DEFAULT);
    int error = decode(&value, data, size, depth, &used);
    CHECK(error == wanted.error);
    CHECK(used == wanted.offset);
    if (setting % 4 != 0 && alloc_calls() > 0)
        check_shortage(data, size, depth, alloc_calls());
    if (error != YOTON_OK)
        return;
    check_whole(&value, data, used, 0);
    /* one of the slower checks at a time keeps the target fast */
    switch (setting % 4) {
    case 0:
    case 1:
        check_fixed_point(&value, depth, used);
        break;
    case 2:
        check_literal(&value);
        check_literal_shortage(&value, size + data[size / 2]);
        break;
    default:
        check_cut(data, used, depth, setting);
        check_rest(data, size, depth, used);
    }
    yoton_value_clear(&value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t setting = fuzz_setting(data, &size);
    if ((setting & 0x60) != 0x60 || size == 0) {
        run_one(data, size, setting);
        return 0;
    }
    /* The last byte again and again: a short input reaches the counts from which on the long form
     * is sent. */
    uint8_t *longer = malloc(size + MORE);
    CHECK(longer != NULL);
    memcpy(longer, data, size);
    memset(longer + size, data[size - 1], MORE);
    run_one(longer, size + MORE, setting);
    free(longer);
    return 0;
}
