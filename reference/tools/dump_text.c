/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* fwrite_unlocked: one thread prints */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dump_content.h"
#include "dump_print.h"

static const struct {
    const char *name, *colour;
} kinds[] = {
    [DUMP_STREAM] = {"stream", "1"},
    [DUMP_HELLO] = {"hello", "32"},
    [DUMP_BAD_LINE] = {"bad-line", "31"},
    [DUMP_REFUSAL] = {"refusal", "33"},
    [DUMP_PACKAGE] = {"package", NULL},
    [DUMP_HEARTBEAT] = {"heartbeat", "2"},
    [DUMP_CLOSE] = {"close", "32"},
    [DUMP_SIGNAL] = {"signal", "33"},
    [DUMP_GAP] = {"gap", "33"},
    [DUMP_CUT] = {"cut", "33"},
    [DUMP_ERROR] = {"error", "31"},
    [DUMP_RESUMED] = {"resumed", "33"},
    [DUMP_UNFINISHED] = {"unfinished", "31"},
    [DUMP_UNREAD] = {"unread", "33"},
    [DUMP_FIN] = {"fin", NULL},
    [DUMP_RESET] = {"reset", "31"},
    [DUMP_FORGOTTEN] = {"forgotten", "33"},
};

const char *dump_kind_name(dump_kind kind) { return kinds[kind].name; }

/* --- numbers; a capture has millions of them, and printf reads its format each time --- */

enum { NAMED = 64 }; /* room for a name as " dest_seq=" and a number */

static const char digits[] = "0123456789abcdef";

static char *add_text(char *at, const char *text) {
    while (*text != '\0')
        *at++ = *text++;
    return at;
}

static char *add_decimal(char *at, uint64_t number) {
    char text[20]; /* as many as 2^64 - 1 has */
    size_t first = sizeof text;
    do {
        text[--first] = digits[number % 10];
        number /= 10;
    } while (number > 0);
    memcpy(at, text + first, sizeof text - first);
    return at + (sizeof text - first);
}

static char *add_id(char *at, uint64_t id) {
    if (id == 0)
        return add_text(at, "0");
    for (int shift = 60; shift >= 0; shift -= 4)
        *at++ = digits[id >> shift & 15];
    return at;
}

static void put(FILE *out, const char *text, const char *end) {
    fwrite_unlocked(text, 1, (size_t)(end - text), out);
}

/* --- payloads --- */

static void put_hex(FILE *out, const uint8_t *data, size_t size, size_t shown) {
    size_t cut = size < shown ? size : shown, filled = 0;
    char text[256]; /* written in one go: a capture has millions of these */
    for (size_t i = 0; i < cut; i++) {
        text[filled++] = digits[data[i] >> 4];
        text[filled++] = digits[data[i] & 15];
        if (filled == sizeof text || i + 1 == cut) {
            fwrite_unlocked(text, 1, filled, out);
            filled = 0;
        }
    }
    fputs_unlocked(cut < size ? "..." : "", out);
}

static int put_value(FILE *out, const yoton_value *value, size_t shown) {
    char *text;
    size_t size;
    if (yoton_object_literal(value, &text, &size) != YOTON_OK)
        return -1;
    size_t cut = dump_content_cut((const uint8_t *)text, size, shown);
    fwrite_unlocked(text, 1, cut, out);
    fputs_unlocked(cut < size ? "..." : "", out);
    free(text);
    return 0;
}

/* Text of which the literal is the text itself between quotes. */
static bool is_plain(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (data[i] < ' ' || data[i] > '~' || data[i] == '\'' || data[i] == '\\')
            return false;
    return true;
}

/* Text as a Python literal; hexadecimal when it is not UTF-8. */
static int put_text(FILE *out, const uint8_t *data, size_t size, size_t shown) {
    yoton_value value;
    size_t cut = dump_content_cut(data, size, shown);
    if (is_plain(data, cut)) {
        putc_unlocked('\'', out);
        fwrite_unlocked(data, 1, cut, out);
        fputs_unlocked(cut < size ? "'..." : "'", out);
        return 0;
    }
    int error = yoton_value_string(&value, (const char *)data, cut);
    if (error == YOTON_E_NOMEM)
        return -1;
    if (error != YOTON_OK) {
        put_hex(out, data, size, shown);
        return 0;
    }
    int result = put_value(out, &value, SIZE_MAX);
    fputs_unlocked(cut < size ? "..." : "", out);
    yoton_value_clear(&value);
    return result;
}

static int put_content(dump_printer *p, const dump_event *event, const dump_content *c) {
    static const char *const names[] = {"bin", "txt", "bin", "obj"};
    if (event->size == 0)
        return 0;
    char text[NAMED];
    put(p->out, text, add_text(add_text(add_text(text, " "), names[c->type]), " "));
    if (c->error == YOTON_E_MORE)
        fputs_unlocked("(not whole) ", p->out);
    else if (c->error != YOTON_OK)
        fprintf(p->out, "(byte %zu: %s) ", c->error_at, yoton_strerror(c->error));
    if (c->type == DUMP_TYPE_TXT && c->error == YOTON_OK)
        return put_text(p->out, event->data, event->size, p->shown);
    if (c->type != DUMP_TYPE_OBJ || c->error != YOTON_OK) {
        put_hex(p->out, event->data, event->size, p->shown);
        return 0;
    }
    int result = put_value(p->out, &c->value, p->shown);
    if (c->used < event->size)
        fprintf(p->out, " and %zu bytes behind it", event->size - c->used);
    return result;
}

/* --- headers --- */

static void put_id(FILE *out, const char *name, uint64_t id) {
    char text[NAMED];
    put(out, text, add_id(add_text(text, name), id));
}

/* The slot; a known name, which may be long, is not added but returned. */
static char *add_slot(char *at, uint64_t slot, const dump_slot *known, const char **name) {
    static const char *const fixed[] = {" (none)", " (connection)", " (context)"};
    at = add_decimal(add_text(at, " slot="), slot);
    *name = NULL;
    if (slot < sizeof fixed / sizeof fixed[0])
        return add_text(at, fixed[slot]);
    if (slot < YOTON_SLOT_FIRST)
        return add_text(at, " (reserved)");
    if (known != NULL)
        *name = known->name;
    return at;
}

static int put_package(dump_printer *p, const dump_event *event) {
    const yoton_header *h = &event->header;
    dump_content content;
    if (dump_content_read(&content, p->slots, event) != YOTON_OK)
        return -1;
    const char *name;
    char text[6 * NAMED], *at = add_slot(text, h->slot, content.slot, &name);
    if (name != NULL) {
        put(p->out, text, add_text(at, " ("));
        fputs_unlocked(name, p->out);
        at = add_text(text, ")");
    }
    at = add_id(add_text(at, " source="), h->source_id);
    at = add_decimal(add_text(at, " seq="), h->source_seq);
    at = add_id(add_text(at, " dest="), h->dest_id);
    at = add_decimal(add_text(at, " dest_seq="), h->dest_seq);
    put(p->out, text, add_decimal(add_text(at, " length="), h->length));
    if (event->missing > 0)
        fprintf(p->out, " missing=%" PRIu64, event->missing);
    if (event->kind == DUMP_UNFINISHED)
        fprintf(p->out, " came=%" PRIu64, event->bytes - YOTON_HEADER_SIZE);
    int result = put_content(p, event, &content);
    yoton_value_clear(&content.value);
    return result;
}

/* Only what a sender would have written otherwise (FRAME-12). */
static void put_signal(dump_printer *p, const dump_event *event) {
    const yoton_header *h = &event->header;
    if (event->kind == DUMP_SIGNAL)
        fprintf(p->out, " seq=%" PRIu64, h->source_seq);
    if (h->slot != YOTON_SLOT_CONNECTION) {
        const char *name;
        char text[NAMED];
        put(p->out, text, add_slot(text, h->slot, NULL, &name));
    }
    if (h->source_id != 0)
        put_id(p->out, " source=", h->source_id);
    if (h->dest_id != 0)
        put_id(p->out, " dest=", h->dest_id);
    if (h->dest_seq != 0)
        fprintf(p->out, " dest_seq=%" PRIu64, h->dest_seq);
}

/* --- the rest --- */

static void put_stream(FILE *out, const capture_stream *stream) {
    char a[CAPTURE_ENDPOINT_TEXT], b[CAPTURE_ENDPOINT_TEXT];
    capture_endpoint_text(&stream->side[0], a);
    capture_endpoint_text(&stream->side[1], b);
    fprintf(out, "stream %lu: A %s", stream->number, a);
    if (stream->roles_known)
        fprintf(out, " (client), B %s (host)", b);
    else
        fprintf(out, ", B %s (began before the capture)", b);
}

static int put_hello(dump_printer *p, const dump_event *event) {
    char usual[YOTON_LINE_SIZE];
    int size = yoton_handshake_encode(&event->hello, usual, sizeof usual);
    fprintf(p->out, " id=%016" PRIx64 " pid=%" PRIu64, event->hello.id, event->hello.pid);
    if ((size_t)size == event->size && memcmp(usual, event->data, event->size) == 0)
        return 0;
    fputs_unlocked(" line=", p->out); /* good, but not as a sender should write it (HS-2) */
    return put_text(p->out, event->data, event->size, SIZE_MAX);
}

static int put_bad_line(dump_printer *p, const dump_event *event) {
    fputs_unlocked(" ", p->out);
    int result = put_text(p->out, event->data, event->size, SIZE_MAX);
    if (event->error == YOTON_E_MORE)
        fputs_unlocked(" (does not end)", p->out);
    else
        fprintf(p->out, " (byte %" PRIu64 ": %s)", event->bytes, yoton_strerror(event->error));
    return result;
}

static void put_error(dump_printer *p, const dump_event *event) {
    enum { SHOWN = 16 };
    fprintf(p->out, " offset=%" PRIu64 " ", event->offset);
    if (event->error == YOTON_E_LENGTH) {
        fprintf(p->out, "length %" PRIu64 " is above the limit", event->header.length);
    } else {
        fprintf(p->out, "%s: ", yoton_strerror(event->error));
        put_hex(p->out, event->data, event->size, SHOWN);
    }
}

static int put_fields(dump_printer *p, const dump_event *event) {
    int result = 0;
    switch (event->kind) {
    case DUMP_HELLO:
        result = put_hello(p, event);
        break;
    case DUMP_BAD_LINE:
        result = put_bad_line(p, event);
        break;
    case DUMP_REFUSAL:
        fputs_unlocked(" ", p->out);
        result = put_text(p->out, event->data, event->size, SIZE_MAX);
        break;
    case DUMP_UNFINISHED:
        if (event->header.length == 0) {
            fprintf(p->out, " header came=%" PRIu64 " of %d", event->bytes, YOTON_HEADER_SIZE);
            break;
        }
        result = put_package(p, event);
        break;
    case DUMP_PACKAGE:
        result = put_package(p, event);
        break;
    case DUMP_HEARTBEAT:
    case DUMP_CLOSE:
    case DUMP_SIGNAL:
        put_signal(p, event);
        break;
    case DUMP_GAP:
    case DUMP_CUT:
    case DUMP_UNREAD:
        fprintf(p->out, " offset=%" PRIu64 " bytes=%" PRIu64, event->offset, event->bytes);
        break;
    case DUMP_RESUMED:
        fprintf(p->out, " offset=%" PRIu64 " skipped=%" PRIu64, event->offset, event->bytes);
        break;
    case DUMP_ERROR:
        put_error(p, event);
        break;
    case DUMP_STREAM:
    case DUMP_FIN:
    case DUMP_RESET:
    case DUMP_FORGOTTEN:
        break;
    }
    if (event->after_close && event->kind >= DUMP_PACKAGE && event->kind <= DUMP_SIGNAL)
        fputs_unlocked(" (after close)", p->out);
    return result;
}

/* Seconds with six digits behind the point, in at least eleven characters. */
static char *add_time(char *at, int64_t time) {
    enum { WIDTH = 11 };
    char text[NAMED], *end = text;
    uint64_t size = time < 0 ? 0 - (uint64_t)time : (uint64_t)time;
    if (time < 0)
        *end++ = '-';
    end = add_decimal(end, size / 1000000);
    *end++ = '.';
    for (uint64_t part = size % 1000000, unit = 100000; unit > 0; unit /= 10)
        *end++ = digits[part / unit % 10];
    for (ptrdiff_t length = end - text; length < WIDTH; length++)
        *at++ = ' ';
    memcpy(at, text, (size_t)(end - text));
    at += end - text;
    *at++ = ' ';
    return at;
}

/* What each line begins with. */
static void put_start(dump_printer *p, const dump_event *event) {
    char text[3 * NAMED], *at = text;
    if (p->times)
        at = add_time(at, event->time);
    at = add_decimal(at, event->stream->number);
    at = add_text(at, event->side == 0 ? " A>B " : " B>A ");
    put(p->out, text, add_text(at, kinds[event->kind].name));
}

int dump_print_text(void *user, const dump_event *event) {
    dump_printer *p = user;
    const char *colour = p->colour ? kinds[event->kind].colour : NULL;
    int result = 0;
    if (colour != NULL)
        fprintf(p->out, "\033[%sm", colour);
    if (event->kind == DUMP_STREAM) {
        put_stream(p->out, event->stream);
    } else {
        put_start(p, event);
        result = put_fields(p, event);
    }
    fputs_unlocked(colour != NULL ? "\033[0m\n" : "\n", p->out);
    return result;
}
