/* SPDX-License-Identifier: BSD-2-Clause */
#include "mutate.h"

#include "fuzz.h"

enum { HEADER = 56, LENGTH_AT = 48, LINE = 64, PIECES = 96, NEW_PAYLOAD = 64 };

/* A part of a stream: a line, a package (its payload may be cut), or bytes that are neither. */
typedef struct piece {
    const uint8_t *data;
    size_t size;
    int package;
} piece;

/* What is being changed. */
typedef struct work {
    piece pieces[PIECES];
    size_t count;
    uint64_t seed;
    uint8_t made[HEADER + 4096]; /* the piece that is not as it was */
} work;

static uint64_t draw(work *w, uint64_t below) {
    w->seed += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = (w->seed ^ w->seed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (z ^ z >> 31) % below;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* --- taking apart --- */

size_t mutate_in_frame(const uint8_t *data, size_t size, size_t *length) {
    (void)data;
    *length = size > 9 ? size - 9 : 0;
    return 0;
}

size_t mutate_in_link(const uint8_t *data, size_t size, size_t *length) {
    size_t rest = size > 2 ? size - 2 : 0;
    size_t at = size > 2 ? least(data[size - 2] % 65u, rest / 4) * 4 : 0;
    *length = rest - at;
    return at;
}

mutate_find *mutate_in(const char *target) {
    return strcmp(target, "frame") == 0  ? mutate_in_frame
           : strcmp(target, "link") == 0 ? mutate_in_link
                                         : NULL;
}

static uint64_t number(const uint8_t *at) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static void put_number(uint8_t *at, uint64_t value) {
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static int begins_package(const uint8_t *data, size_t size) {
    return size >= HEADER && memcmp(data, "YOTON   ", 8) == 0;
}

/* How long the piece is that begins here. */
static size_t piece_size(const uint8_t *data, size_t size, int package) {
    if (package) {
        uint64_t length = number(data + LENGTH_AT);
        return HEADER + (length < size - HEADER ? (size_t)length : size - HEADER);
    }
    int line = size >= 6 && memcmp(data, "YOTON!", 6) == 0;
    for (size_t at = 1; at < size; at++)
        if (begins_package(data + at, size - at) || (line && at > 1 && data[at - 1] == '\n'))
            return at;
    return size;
}

/* What does not fit into the pieces is one piece, the last. */
static size_t take_apart(piece *pieces, size_t room, const uint8_t *data, size_t size) {
    size_t count = 0;
    for (size_t at = 0; at < size; count++) {
        piece *p = &pieces[count];
        p->data = data + at;
        p->package = begins_package(data + at, size - at);
        p->size = count + 1 < room ? piece_size(data + at, size - at, p->package) : size - at;
        at += p->size;
    }
    return count;
}

/* --- mutations --- */

static void insert(work *w, size_t at, piece p) {
    if (w->count == PIECES)
        return;
    memmove(&w->pieces[at + 1], &w->pieces[at], (w->count - at) * sizeof p);
    w->pieces[at] = p;
    w->count++;
}

static void remove_piece(work *w, size_t at) {
    w->count--;
    memmove(&w->pieces[at], &w->pieces[at + 1], (w->count - at) * sizeof(piece));
}

/* A copy of the piece that can be changed; what is too long to be copied stays as it is. */
static uint8_t *changeable(work *w, piece *p) {
    if (p->size > sizeof w->made)
        return NULL;
    memmove(w->made, p->data, p->size);
    p->data = w->made;
    return w->made;
}

/* Values at which something changes, or a field of a package that is there. */
static uint64_t telling_number(work *w) {
    static const uint64_t numbers[] = {0,
                                       1,
                                       2,
                                       3,
                                       8,
                                       55,
                                       56,
                                       64,
                                       65,
                                       0xa1,
                                       0xb2,
                                       UINT64_C(1) << 30,
                                       (UINT64_C(1) << 30) + 1,
                                       UINT64_C(1) << 32,
                                       UINT64_C(1) << 63,
                                       UINT64_MAX};
    const piece *p = &w->pieces[draw(w, w->count)];
    if (p->package && draw(w, 3) == 0)
        return number(p->data + 8 + 8 * draw(w, 5)) + draw(w, 2);
    return numbers[draw(w, sizeof numbers / sizeof *numbers)];
}

/* Mostly; a wrong length is worth trying, too. */
static void repair(work *w, uint8_t *package, size_t size) {
    if (draw(w, 8) != 0)
        put_number(package + LENGTH_AT, size - HEADER);
}

static void make_package(work *w) {
    size_t payload = draw(w, 4) == 0 ? 0 : (size_t)draw(w, NEW_PAYLOAD);
    memcpy(w->made, "YOTON   ", 8);
    for (size_t field = 8; field < HEADER; field += 8)
        put_number(w->made + field, w->count > 0 ? telling_number(w) : draw(w, 4));
    for (size_t i = 0; i < payload; i++)
        w->made[HEADER + i] = (uint8_t)draw(w, 256);
    repair(w, w->made, HEADER + payload);
    piece p = {.data = w->made, .size = HEADER + payload, .package = 1};
    insert(w, (size_t)draw(w, w->count + 1), p);
}

static void change_field(work *w, piece *p) {
    uint8_t *bytes = p->package ? changeable(w, p) : NULL;
    if (bytes != NULL)
        put_number(bytes + 8 * (1 + draw(w, 6)), telling_number(w));
}

static void cut(work *w, piece *p) {
    size_t keep = p->package ? HEADER : 0;
    uint8_t *bytes = changeable(w, p);
    if (bytes == NULL)
        return;
    p->size = keep + (size_t)draw(w, p->size - keep + 1);
    if (p->package)
        repair(w, bytes, p->size);
}

/* A few bytes of it become others, or more of them. */
static void change_payload(work *w, piece *p) {
    uint8_t *bytes = changeable(w, p);
    size_t from = p->package ? HEADER : 0;
    if (bytes == NULL)
        return;
    if (draw(w, 2) == 0 || p->size == from) {
        size_t more = least((size_t)draw(w, 32) + 1, sizeof w->made - p->size);
        for (size_t i = 0; i < more; i++)
            bytes[p->size++] = (uint8_t)draw(w, 256);
    } else {
        for (uint64_t times = draw(w, 4) + 1; times > 0; times--)
            bytes[from + draw(w, p->size - from)] = (uint8_t)draw(w, 256);
    }
    if (p->package)
        repair(w, bytes, p->size);
}

/* A piece of the other input comes in between. */
static void splice(work *w, mutate_find *find, const uint8_t *other, size_t other_size) {
    static piece theirs[PIECES];
    size_t length = 0, at = other != NULL ? find(other, other_size, &length) : 0;
    size_t count = length > 0 ? take_apart(theirs, PIECES, other + at, length) : 0;
    if (count == 0)
        make_package(w);
    else
        insert(w, (size_t)draw(w, w->count + 1), theirs[draw(w, count)]);
}

static void mutate(work *w, int kind, mutate_find *find, const uint8_t *other, size_t other_size) {
    if (w->count == 0 && kind != MUTATE_SPLICE)
        kind = MUTATE_MAKE;
    size_t one = w->count > 0 ? (size_t)draw(w, w->count) : 0;
    piece kept = w->pieces[one];
    switch (kind) {
    case MUTATE_SWAP: {
        size_t two = (size_t)draw(w, w->count);
        w->pieces[one] = w->pieces[two];
        w->pieces[two] = kept;
        return;
    }
    case MUTATE_DOUBLE:
        insert(w, (size_t)draw(w, w->count + 1), kept);
        return;
    case MUTATE_REMOVE:
        remove_piece(w, one);
        return;
    case MUTATE_CUT:
        cut(w, &w->pieces[one]);
        return;
    case MUTATE_SPLICE:
        splice(w, find, other, other_size);
        return;
    case MUTATE_FIELD:
        change_field(w, &w->pieces[one]);
        return;
    case MUTATE_PAYLOAD:
        change_payload(w, &w->pieces[one]);
        return;
    default:
        make_package(w);
    }
}

/* --- putting together --- */

size_t mutate_kind(mutate_find *find, int kind, uint8_t *data, size_t size, size_t room,
                   uint64_t seed, const uint8_t *other, size_t other_size) {
    static work w;
    size_t length, at = find(data, size, &length), rest = size - at - length;
    uint8_t *was = fuzz_copy(data, size);
    w.seed = seed;
    w.count = take_apart(w.pieces, PIECES, was + at, length);
    mutate(&w, kind, find, other, other_size);
    size_t to = at;
    for (size_t i = 0; i < w.count; i++) {
        size_t part = least(w.pieces[i].size, room - rest - to);
        memcpy(data + to, w.pieces[i].data, part);
        to += part;
    }
    memcpy(data + to, was + at + length, rest);
    free(was);
    return to + rest;
}

size_t mutate_packages(mutate_find *find, uint8_t *data, size_t size, size_t room, uint64_t seed,
                       const uint8_t *other, size_t other_size) {
    return mutate_kind(find, (int)(seed / 2 % MUTATE_KINDS), data, size, room, seed, other,
                       other_size);
}
