/* SPDX-License-Identifier: BSD-2-Clause */
#include "dump_content.h"

#include <string.h>

#include "wire/utf8.h"

enum { GUESS_SIZE = 512, BLOCK = 64 }; /* bytes that are enough to guess by; looked at at once */

size_t dump_content_cut(const uint8_t *data, size_t size, size_t limit) {
    if (size <= limit)
        return size;
    while (limit > 0 && (data[limit] & 0xc0) == 0x80)
        limit--;
    return limit;
}

static bool is_whole(const dump_event *event) {
    return event->missing == 0 && event->size == event->header.length;
}

/* Up to three bytes of a character may be cut off at the end of what is not whole. */
static size_t check_text(const uint8_t *data, size_t size, bool whole) {
    size_t good = yoton_utf8_check((const char *)data, size);
    return !whole && good < size && size - good < 4 ? size : good;
}

/* Without a branch for each byte, so that a compiler can look at many at once. */
static bool has_control(const uint8_t *data, size_t size) {
    uint8_t found = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t b = data[i];
        found |= (uint8_t)((b < 0x20) & (b != '\t') & (b != '\n') & (b != '\r')) | (b == 0x7f);
    }
    return found != 0;
}

static bool looks_like_text(const uint8_t *data, size_t size, bool whole) {
    if (size > GUESS_SIZE) {
        size = GUESS_SIZE;
        whole = false;
    }
    size_t at = 0;
    for (; at + BLOCK <= size; at += BLOCK)
        if (has_control(data + at, BLOCK))
            return false;
    if (has_control(data + at, size - at))
        return false;
    return check_text(data, size, whole) == size;
}

static bool is_word(const dump_event *event) {
    static const char *const words[] = {"req?", "req!", "req-"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (event->size == strlen(words[i]) && memcmp(event->data, words[i], event->size) == 0)
            return true;
    return false;
}

static void read_text(dump_content *c, const dump_event *event) {
    c->error_at = check_text(event->data, event->size, is_whole(event));
    c->error = c->error_at < event->size ? YOTON_E_UTF8 : YOTON_OK;
}

/* An object can be read only when all of it is there. */
static int read_object(dump_content *c, const dump_event *event) {
    c->error = YOTON_E_MORE;
    c->error_at = event->size;
    if (is_whole(event)) {
        c->error = yoton_object_decode(&c->value, event->data, event->size, 0, &c->used);
        c->error_at = c->used;
    }
    return c->error == YOTON_E_NOMEM ? YOTON_E_NOMEM : YOTON_OK;
}

static int guess(dump_content *c, const dump_event *event) {
    if (looks_like_text(event->data, event->size, is_whole(event))) {
        c->type = DUMP_TYPE_TXT;
        return YOTON_OK;
    }
    int result = read_object(c, event);
    if (c->error == YOTON_OK && c->used == event->size)
        c->type = DUMP_TYPE_OBJ;
    else
        yoton_value_clear(&c->value);
    c->error = YOTON_OK;
    return result;
}

int dump_content_read(dump_content *c, dump_slots *slots, const dump_event *event) {
    *c = (dump_content){.slot = dump_slots_find(slots, event->header.slot)};
    if (event->size == 0) /* nothing was kept of it */
        return YOTON_OK;
    if (c->slot != NULL)
        c->type = c->slot->says_words || (c->slot->asks_replies && is_word(event)) ? DUMP_TYPE_TXT
                                                                                   : c->slot->type;
    c->named = c->type != DUMP_TYPE_UNKNOWN;
    if (c->type == DUMP_TYPE_TXT)
        read_text(c, event);
    else if (c->type == DUMP_TYPE_OBJ)
        return read_object(c, event);
    else if (c->type == DUMP_TYPE_UNKNOWN)
        return guess(c, event);
    return YOTON_OK;
}
