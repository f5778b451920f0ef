/* SPDX-License-Identifier: BSD-2-Clause */
/* What has to come on an end, and what must not. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tester.h"
#include "judge/judge.h"
#include "yoton/frame.h"

/* The next event; a failure when none comes. */
static const item *must_come(end *e, const char *what) {
    const item *got = next_event(e, e->t->patience);
    check(e->t, got != NULL, "end %u: nothing came within %.1f s; expected %s", e->number,
          e->t->patience, what);
    return got;
}

_Noreturn static void other_came(end *e, const item *got, const char *what) {
    fail_instead(e, got, what, describe(got));
}

void expect_line(end *e, const char *text) {
    char *what = text_of("the line \"%s\"", text);
    const item *got = must_come(e, what);
    if (got->kind != ITEM_LINE)
        other_came(e, got, what);
    const char *line = got->p.payload;
    size_t same = 0, size = strlen(text);
    while (same < size && same < got->p.size && line[same] == text[same])
        same++;
    if (same != size || same != got->p.size)
        fail_at(e, got, same, "text", what, shown(line, got->p.size));
}

void expect_hello(end *e) {
    const char *what = "the line YOTON!<id>.<pid>";
    const item *got = must_come(e, what);
    if (got->kind != ITEM_LINE)
        other_came(e, got, what);
    size_t wrong = 0;
    struct judged_hello hello;
    if (judge_hello(got->p.payload, got->p.size, &hello, &wrong) != LINE_GOOD)
        fail_at(e, got, wrong, "handshake line", what, shown(got->p.payload, got->p.size));
    judge_line(e, got);
}

/* ---- Packages ---- */

static char *number_text(uint64_t number, bool id) {
    return id ? text_of("%016" PRIx64, number) : text_of("%" PRIu64, number);
}

/* Fails at the first byte, in the order of the wire, in which two numbers differ. */
static void compare_number(end *e, const item *got, size_t offset, uint64_t was, uint64_t want) {
    if (was == want)
        return;
    size_t byte = 0;
    while (((was ^ want) >> (8 * byte) & 0xFF) == 0)
        byte++;
    bool id = offset == 16 || offset == 32;
    fail_at(e, got, offset + byte, judge_field(offset), number_text(want, id),
            number_text(was, id));
}

static void compare_payload(end *e, const item *got, const package *want) {
    const uint8_t *was = got->p.payload, *right = want->payload;
    size_t same = 0, size = got->p.size < want->size ? got->p.size : want->size;
    while (same < size && was[same] == right[same])
        same++;
    if (same == want->size && same == got->p.size)
        return;
    char *expected = text_of("%s, here %s", shown(right, want->size),
                             same < want->size ? text_of("%02x", right[same]) : "the end");
    char *found = text_of("%s, here %s", shown(was, got->p.size),
                          same < got->p.size ? text_of("%02x", was[same]) : "the end");
    fail_at(e, got, JUDGE_HEADER + same, "payload", expected, found);
}

void compare(end *e, const item *got, const package *want, unsigned fields) {
    const package *p = &got->p;
    const struct {
        unsigned field;
        uint64_t was, want;
    } numbers[] = {{SLOT, p->slot, want->slot},
                   {SOURCE_ID, p->source_id, want->source_id},
                   {SOURCE_SEQ, p->source_seq, want->source_seq},
                   {DEST_ID, p->dest_id, want->dest_id},
                   {DEST_SEQ, p->dest_seq, want->dest_seq},
                   {LENGTH, p->length, want->length}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (fields & numbers[i].field)
            compare_number(e, got, 8 + 8 * i, numbers[i].was, numbers[i].want);
    if (fields & PAYLOAD)
        compare_payload(e, got, want);
}

/* In words, the fields that count alone. */
static char *wanted(const package *want, unsigned fields) {
    if (fields == EVERYTHING)
        return describe(&(item){.kind = ITEM_PACKAGE, .p = *want});
    char text[160];
    int size = snprintf(text, sizeof text, "a package");
    if (fields & SLOT)
        size += snprintf(text + size, sizeof text - (size_t)size, " for slot %" PRIu64, want->slot);
    if (fields & SOURCE_ID)
        size +=
            snprintf(text + size, sizeof text - (size_t)size, " from %016" PRIx64, want->source_id);
    if (fields & SOURCE_SEQ)
        snprintf(text + size, sizeof text - (size_t)size, " number %" PRIu64, want->source_seq);
    return fields & PAYLOAD ? text_of("%s: %s", text, shown(want->payload, want->size))
                            : text_of("%s", text);
}

const item *expect_package(end *e, const package *want, unsigned fields) {
    char *what = wanted(want, fields);
    const item *got = must_come(e, what);
    if (got->kind != ITEM_PACKAGE)
        other_came(e, got, what);
    compare(e, got, want, fields);
    free(what);
    return got;
}

/* ---- Signals and ends ---- */

void expect_close(end *e) {
    const item *got = must_come(e, "the close signal");
    if (got->kind != ITEM_CLOSE)
        other_came(e, got, "the close signal");
}

void expect_eof(end *e) {
    const item *got = must_come(e, "the end of the stream");
    if (got->kind != ITEM_END)
        other_came(e, got, "an orderly end of the stream");
}

void expect_closed(end *e) {
    const item *got = must_come(e, "that the peer closes the connection");
    if (got->kind == ITEM_CUT) /* who drops a connection may be in the middle of a package */
        got = must_come(e, "that the peer closes the connection");
    if (got->kind != ITEM_END && got->kind != ITEM_RESET)
        other_came(e, got, "that the peer closes the connection");
}

void expect_nothing(end *e) {
    const item *got = next_event(e, 0);
    if (got != NULL)
        other_came(e, got, "nothing more");
}

void expect_silence(end *e, double seconds) {
    const item *got = next_event(e, seconds);
    if (got != NULL)
        other_came(e, got, text_of("silence for %.2f s", seconds));
}

void drain(end *e) {
    double until = now() + e->t->patience;
    for (;;) {
        const item *got = next_item(e, until - now() > 0 ? until - now() : 0);
        check(e->t, got != NULL && now() < until, "end %u: the stream did not end within %.1f s",
              e->number, e->t->patience);
        if (got->kind == ITEM_END || got->kind == ITEM_RESET)
            return;
    }
}
