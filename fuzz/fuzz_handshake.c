/* SPDX-License-Identifier: BSD-2-Clause */
/* The handshake line. Input: what came so far, then one byte that chooses the limit of the line.
 * Oracles: a matcher that only knows what a beginning of a good line looks like gives the same
 * verdict, offset, id and pid; every shorter input needs more, every longer one gives the same
 * error; a good line written anew reads the same. */
#include "fuzz.h"
#include "line.h"
#include "yoton/handshake.h"

enum { LONGEST = 45 };

/* --- the matcher --- */

typedef struct verdict {
    int result;
    size_t offset;
} verdict;

/* A beginning of what can be a line can be one, too: the longest is found by halving. */
static verdict match(const uint8_t *data, size_t size, size_t limit) {
    size_t can = 0, most = size < limit ? size : limit;
    if (most > LONGEST + 1)
        most = LONGEST + 1;
    for (size_t cannot = most + 1; can + 1 < cannot;) {
        size_t middle = can + (cannot - can) / 2;
        *(line_can_be(data, middle) ? &can : &cannot) = middle;
    }
    if (can > 2 && data[can - 1] == '\n')
        return (verdict){YOTON_OK, can};
    if (can < most)
        return (verdict){can < 6 ? YOTON_E_NOT_YOTON : YOTON_E_HANDSHAKE, can};
    return (verdict){can == limit ? YOTON_E_LINE : YOTON_E_MORE, can};
}

/* --- what is checked --- */

static void check_refusal(const uint8_t *data, size_t size, int error) {
    int yoton = size >= 6 && memcmp(data, "YOTON!", 6) == 0;
    const char *line = yoton_handshake_refusal(error);
    if (error == YOTON_E_NOT_YOTON || error == YOTON_E_HANDSHAKE)
        CHECK(strcmp(line,
                     yoton ? "ERROR: could not parse id.\r\n" : "ERROR: this is Yoton.\r\n") == 0);
}

static void check_good(const uint8_t *data, size_t size, const yoton_hello *hello) {
    yoton_hello again = {0};
    size_t offset;
    CHECK(hello->id == line_id(data) && hello->id != 0);
    CHECK(hello->pid == line_pid(data, size));
    char *line = malloc(YOTON_LINE_SIZE);
    CHECK(line != NULL);
    int length = yoton_handshake_encode(hello, line, YOTON_LINE_SIZE);
    CHECK(length > 0 && (size_t)length <= size && length <= LONGEST);
    CHECK(yoton_handshake_parse(&again, (uint8_t *)line, (size_t)length, 0, &offset) == YOTON_OK);
    CHECK(offset == (size_t)length && again.id == hello->id && again.pid == hello->pid);
    for (const char *c = line; c < line + 22; c++)
        CHECK(*c < 'A' || *c > 'F');        /* a sender writes lower case */
    CHECK(length == 26 || line[23] != '0'); /* and no leading zero */
    free(line);
    char *small = malloc((size_t)length - 1);
    CHECK(small != NULL);
    CHECK(yoton_handshake_encode(hello, small, (size_t)length - 1) == YOTON_E_SPACE);
    free(small);
}

/* Reads the first `size` bytes, in memory of just that size. */
static verdict parse(const uint8_t *data, size_t size, size_t limit, yoton_hello *hello) {
    verdict v;
    uint8_t *copy = fuzz_copy(data, size);
    v.result = yoton_handshake_parse(hello, copy, size, limit, &v.offset);
    free(copy);
    return v;
}

/* An error or a whole line shows with its last byte, not before, and stays. */
static void check_prefixes(const uint8_t *data, size_t size, size_t limit, verdict whole,
                           const yoton_hello *hello, size_t drawn) {
    int at_once = whole.result == YOTON_OK || whole.result == YOTON_E_LINE;
    size_t decided = whole.offset + !at_once;
    const size_t sizes[] = {decided - 1, drawn % decided, decided,
                            decided + drawn % (size - decided + 1)};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        yoton_hello part = {0};
        verdict v = {.offset = 0};
        v.result = yoton_handshake_parse(&part, data, sizes[i], limit, &v.offset);
        if (sizes[i] < decided) {
            CHECK(v.result == YOTON_E_MORE);
            continue;
        }
        CHECK(v.result == whole.result && v.offset == whole.offset);
        CHECK(part.id == hello->id && part.pid == hello->pid);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t setting = fuzz_setting(data, &size);
    size_t limit = setting < 128 ? 0 : setting < 250 ? (size_t)setting - 127 : 1024;
    size_t real_limit = limit ? limit : YOTON_LINE_MAX_DEFAULT;
    yoton_hello hello = {0};
    verdict wanted = match(data, size, real_limit);
    verdict got = parse(data, size, limit, &hello);
    CHECK(got.result == wanted.result);
    CHECK(got.result == YOTON_E_MORE || got.offset == wanted.offset);
    check_refusal(data, size, got.result);
    if (got.result == YOTON_OK)
        check_good(data, got.offset, &hello);
    if (got.result != YOTON_E_MORE)
        check_prefixes(data, size, limit, got, &hello, setting);
    return 0;
}
