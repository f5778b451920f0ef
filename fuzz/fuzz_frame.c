/* SPDX-License-Identifier: BSD-2-Clause */
/* Package framing. Input: a stream of packages, then 9 bytes of settings: 8 seed the places where
 * it is cut, the last one chooses the limit of a payload. Oracles: a reader that has the whole
 * stream at hand finds the same frames, error and offset; so does the framer however the stream is
 * cut; a header that is decoded encodes to the same bytes. */
#include "fuzz.h"
#include "mutate.h"
#include "yoton/frame.h"

/* A package, a signal, or how the stream ends. */
typedef struct item {
    uint64_t at; /* offset of its header */
    yoton_header header;
    uint64_t payload; /* bytes of it that came, right behind the header */
} item;

enum { LONGEST_BYTEWISE = 130 }; /* a feed per byte is slow; two headers show all it can show */

enum { LONGEST_PIECE = 200 };

/* What is in a stream. */
typedef struct reading {
    item *items;
    size_t count, room;
    int error;
    uint64_t position;
    int at_boundary;
} reading;

static const uint64_t limits[] = {0, 0, 1, 7, 56, 64, 200, 4096, UINT64_C(1) << 40, UINT64_MAX};

static item *add_item(reading *r, uint64_t at, const yoton_header *header) {
    CHECK(r->count < r->room);
    r->items[r->count] = (item){.at = at, .header = *header};
    return &r->items[r->count++];
}

static reading new_reading(size_t size) {
    reading r = {.room = size / YOTON_HEADER_SIZE + 1};
    r.items = calloc(r.room, sizeof *r.items);
    CHECK(r.items != NULL);
    return r;
}

/* --- the reader that has all at hand --- */

static uint64_t number_at(const uint8_t *p) {
    uint64_t number = 0;
    for (int i = 7; i >= 0; i--)
        number = number * 256 + p[i];
    return number;
}

/* Bytes at `at` that are as control bytes must be: at most 8. */
static size_t control_at(const uint8_t *data, size_t size, size_t at) {
    size_t good = 0;
    if (at + 8 <= size && memcmp(data + at, "YOTON   ", 8) == 0)
        return 8;
    while (good < 8 && at + good < size && data[at + good] == (uint8_t) "YOTON   "[good])
        good++;
    return good;
}

/* An error or the end of the stream at this place. */
static void end_reading(reading *r, int error, uint64_t position, int at_boundary) {
    r->error = error;
    r->position = position;
    r->at_boundary = at_boundary;
}

static reading read_whole(const uint8_t *data, size_t size, uint64_t limit) {
    reading r = new_reading(size);
    size_t at = 0;
    while (at < size) {
        size_t left = size - at, good = control_at(data, size, at);
        if (good < 8 && good < left) {
            end_reading(&r, YOTON_E_CONTROL, at + good, 0);
            return r;
        }
        if (left < YOTON_HEADER_SIZE) {
            end_reading(&r, YOTON_OK, size, 0);
            return r;
        }
        yoton_header h = {number_at(data + at + 8),  number_at(data + at + 16),
                          number_at(data + at + 24), number_at(data + at + 32),
                          number_at(data + at + 40), number_at(data + at + 48)};
        if (h.length > limit) {
            end_reading(&r, YOTON_E_LENGTH, at + 48, 0);
            return r;
        }
        item *i = add_item(&r, at, &h);
        left -= YOTON_HEADER_SIZE;
        i->payload = h.length < left ? h.length : left;
        at += YOTON_HEADER_SIZE + (size_t)i->payload;
        if (i->payload < h.length) {
            end_reading(&r, YOTON_OK, size, 0);
            return r;
        }
    }
    end_reading(&r, YOTON_OK, size, 1);
    return r;
}

/* --- the framer --- */

static void take_frame(reading *r, const yoton_framer *framer, const yoton_frame *f,
                       const uint8_t *data, size_t used) {
    item *last = r->count > 0 ? &r->items[r->count - 1] : NULL;
    uint64_t left = last ? last->header.length - last->payload : 0;
    switch (f->kind) {
    case YOTON_FRAME_NONE:
        return;
    case YOTON_FRAME_HEADER:
    case YOTON_FRAME_SIGNAL:
        CHECK(left == 0);
        CHECK((f->header.length == 0) == (f->kind == YOTON_FRAME_SIGNAL));
        add_item(r, yoton_framer_position(framer) - YOTON_HEADER_SIZE, &f->header);
        return;
    case YOTON_FRAME_PAYLOAD:
        CHECK(f->data == data && f->size == used && f->size > 0 && f->size <= left);
        last->payload += f->size;
        CHECK(f->last == (f->size == left));
        return;
    }
    CHECK(!"a frame of a kind that is in the header");
}

/* Feeds one piece. Returns 0 once the stream is in error. */
static int feed(reading *r, yoton_framer *framer, const uint8_t *data, size_t size) {
    yoton_frame f;
    size_t used, at = 0;
    do {
        uint64_t before = yoton_framer_position(framer);
        int error = yoton_framer_feed(framer, data + at, size - at, &used, &f);
        if (error != YOTON_OK) {
            uint64_t position = yoton_framer_position(framer);
            end_reading(r, error, position, yoton_framer_at_boundary(framer));
            CHECK(yoton_framer_feed(framer, data, size, &used, &f) == error); /* errors stick */
            CHECK(used == 0 && yoton_framer_position(framer) == position);
            return 0;
        }
        CHECK(used <= size - at && yoton_framer_position(framer) == before + used);
        take_frame(r, framer, &f, data + at, used);
        at += used;
        CHECK(f.kind != YOTON_FRAME_NONE || at == size);
    } while (f.kind != YOTON_FRAME_NONE);
    return 1;
}

/* How long the next piece is: short ones and ones around the size of a header more often. */
static size_t next_piece(uint64_t *seed, size_t left) {
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t drawn = *seed >> 33;
    size_t piece = (size_t)(drawn % 4 == 0   ? drawn / 4 % 9
                            : drawn % 4 == 1 ? 50 + drawn / 4 % 14
                                             : drawn / 4 % (LONGEST_PIECE + 1));
    return piece < left ? piece : left;
}

/* Pieces are copied to where memory ends, so that looking past the end of one is noticed. seed 0:
 * whole, 1: bytewise. */
static reading read_framer(const uint8_t *data, size_t size, uint64_t limit, uint64_t seed) {
    reading r = new_reading(size);
    yoton_framer framer;
    int going = 1;
    uint8_t *room = seed > 1 ? malloc(LONGEST_PIECE) : NULL;
    CHECK(seed <= 1 || room != NULL);
    yoton_framer_init(&framer, limit);
    for (size_t at = 0; going && at < size;) {
        size_t piece = seed == 0 ? size : seed == 1 ? 1 : next_piece(&seed, size - at);
        const uint8_t *from = data + at;
        if (room != NULL)
            from = memcpy(room + LONGEST_PIECE - piece, from, piece);
        going = feed(&r, &framer, from, piece);
        at += piece;
    }
    free(room);
    if (going)
        end_reading(&r, YOTON_OK, yoton_framer_position(&framer),
                    yoton_framer_at_boundary(&framer));
    return r;
}

/* --- comparing --- */

static int same_header(const yoton_header *a, const yoton_header *b) {
    return memcmp(a, b, sizeof *a) == 0;
}

static void compare(const reading *a, const reading *b) {
    CHECK(a->error == b->error);
    CHECK(a->position == b->position);
    CHECK(a->at_boundary == b->at_boundary);
    CHECK(a->count == b->count);
    _Static_assert(sizeof(item) == 8 * sizeof(uint64_t), "items have no holes");
    CHECK(a->count == 0 || memcmp(a->items, b->items, a->count * sizeof(item)) == 0);
}

static void check_headers(const reading *r, const uint8_t *data) {
    for (size_t i = 0; i < r->count; i++) {
        uint8_t bytes[YOTON_HEADER_SIZE];
        yoton_header header;
        const uint8_t *at = data + r->items[i].at;
        yoton_header_encode(&r->items[i].header, bytes);
        CHECK(memcmp(bytes, at, sizeof bytes) == 0);
        CHECK(yoton_header_decode(&header, at, NULL) == YOTON_OK);
        CHECK(same_header(&header, &r->items[i].header));
    }
}

/* A header taken as it is, wherever in the stream it stands. */
static void check_any_header(const uint8_t *data, size_t size, size_t at) {
    static const yoton_header untouched = {1, 2, 3, 4, 5, 6};
    yoton_header header = untouched;
    size_t wrong = SIZE_MAX, good = control_at(data, size, at);
    uint8_t *copy = fuzz_copy(data + at, YOTON_HEADER_SIZE);
    int error = yoton_header_decode(&header, copy, &wrong);
    CHECK(error == (good == 8 ? YOTON_OK : YOTON_E_CONTROL));
    CHECK(good == 8 || (wrong == good && same_header(&header, &untouched)));
    free(copy);
}

MUTATE_PACKAGES(mutate_in_frame)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint64_t limit = limits[fuzz_setting(data, &size) % (sizeof limits / sizeof limits[0])];
    uint64_t seed = 0;
    for (int i = 0; i < 8; i++)
        seed = seed << 8 | fuzz_setting(data, &size);
    reading wanted = read_whole(data, size, limit ? limit : YOTON_MAX_MESSAGE_DEFAULT);
    const uint64_t ways[] = {0, seed > 1 ? seed : 2, 1};
    size_t used_ways = size <= LONGEST_BYTEWISE ? 3 : 2;
    for (size_t i = 0; i < used_ways; i++) {
        reading got = read_framer(data, size, limit, ways[i]);
        compare(&got, &wanted);
        free(got.items);
    }
    check_headers(&wanted, data);
    if (size >= YOTON_HEADER_SIZE)
        check_any_header(data, size, (size_t)(seed % (size - YOTON_HEADER_SIZE + 1)));
    free(wanted.items);
    return 0;
}
