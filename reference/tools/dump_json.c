/* SPDX-License-Identifier: BSD-2-Clause */
/* The form for programs: one JSON object per line. 64-bit numbers are decimal strings, ids 16
 * hexadecimal digits, bytes hexadecimal. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "dump_content.h"
#include "dump_print.h"
#include "json_value.h"

/* Every setter ignores a missing value: the memory that was short is noticed at the end, when the
 * object is written. */
typedef struct line {
    json_t *object;
    bool failed;
} line;

static void set(line *l, const char *key, json_t *value) {
    if (json_object_set_new(l->object, key, value) != 0)
        l->failed = true;
}

static void set_number(line *l, const char *key, uint64_t number) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    set(l, key, json_string(text));
}

static void set_id(line *l, const char *key, uint64_t id) {
    char text[24];
    snprintf(text, sizeof text, "%016" PRIx64, id);
    set(l, key, json_string(text));
}

static void set_bytes(line *l, const char *key, const uint8_t *data, size_t size) {
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(size * 2 + 1);
    if (text == NULL) {
        l->failed = true;
        return;
    }
    for (size_t i = 0; i < size; i++) {
        text[i * 2] = digits[data[i] >> 4];
        text[i * 2 + 1] = digits[data[i] & 15];
    }
    set(l, key, json_stringn(text, size * 2));
    free(text);
}

static void set_endpoint(line *l, const char *key, const capture_endpoint *endpoint) {
    char text[CAPTURE_ENDPOINT_TEXT];
    capture_endpoint_text(endpoint, text);
    set(l, key, json_string(text));
}

static void set_header(line *l, const yoton_header *h) {
    set_number(l, "slot", h->slot);
    set_id(l, "source", h->source_id);
    set_number(l, "seq", h->source_seq);
    set_id(l, "dest", h->dest_id);
    set_number(l, "dest_seq", h->dest_seq);
    set_number(l, "length", h->length);
}

static void set_content(line *l, const dump_printer *p, const dump_event *event,
                        const dump_content *c) {
    static const char *const names[] = {"bin", "txt", "bin", "obj"};
    size_t shown = event->size < p->shown ? event->size : p->shown;
    set_bytes(l, "payload", event->data, shown);
    if (event->size == 0)
        return;
    set(l, "type", json_string(names[c->type]));
    if (c->error != YOTON_OK) {
        set(l, "error", json_string(yoton_strerror(c->error)));
        set_number(l, "error_at", c->error_at);
    } else if (c->type == DUMP_TYPE_OBJ) {
        set(l, "value", json_from_value(&c->value));
    } else if (c->type == DUMP_TYPE_TXT) {
        size_t cut = dump_content_cut(event->data, event->size, p->shown);
        set(l, "value", json_stringn((const char *)event->data, cut));
    }
}

static int set_package(line *l, dump_printer *p, const dump_event *event) {
    dump_content content;
    if (dump_content_read(&content, p->slots, event) != YOTON_OK)
        return -1;
    set_header(l, &event->header);
    if (content.slot != NULL)
        set(l, "slot_name", json_string(content.slot->name));
    if (event->missing > 0)
        set_number(l, "missing", event->missing);
    set_content(l, p, event, &content);
    yoton_value_clear(&content.value);
    return 0;
}

static void set_stream(line *l, const capture_stream *stream) {
    set_endpoint(l, "A", &stream->side[0]);
    set_endpoint(l, "B", &stream->side[1]);
    set(l, "roles_known", json_boolean(stream->roles_known));
}

static void set_line(line *l, const dump_event *event) {
    set_bytes(l, "line", event->data, event->size);
    if (event->kind == DUMP_HELLO) {
        set_id(l, "id", event->hello.id);
        set_number(l, "pid", event->hello.pid);
    } else if (event->kind == DUMP_BAD_LINE) {
        const char *why =
            event->error == YOTON_E_MORE ? "does not end" : yoton_strerror(event->error);
        set(l, "error", json_string(why));
        set_number(l, "error_at", event->bytes);
    }
}

static int set_fields(line *l, dump_printer *p, const dump_event *event) {
    switch (event->kind) {
    case DUMP_STREAM:
        set_stream(l, event->stream);
        break;
    case DUMP_HELLO:
    case DUMP_BAD_LINE:
    case DUMP_REFUSAL:
        set_line(l, event);
        break;
    case DUMP_PACKAGE:
        return set_package(l, p, event);
    case DUMP_UNFINISHED:
        set_number(l, "bytes", event->bytes);
        return event->header.length > 0 ? set_package(l, p, event) : 0;
    case DUMP_HEARTBEAT:
    case DUMP_CLOSE:
    case DUMP_SIGNAL:
        set_header(l, &event->header);
        break;
    case DUMP_GAP:
    case DUMP_CUT:
    case DUMP_UNREAD:
    case DUMP_RESUMED:
        set_number(l, "bytes", event->bytes);
        break;
    case DUMP_ERROR:
        set(l, "error", json_string(yoton_strerror(event->error)));
        if (event->error == YOTON_E_LENGTH)
            set_header(l, &event->header);
        break;
    case DUMP_FIN:
    case DUMP_RESET:
    case DUMP_FORGOTTEN:
        break;
    }
    return 0;
}

int dump_print_json(void *user, const dump_event *event) {
    dump_printer *p = user;
    line l = {.object = json_object()};
    if (l.object == NULL)
        return -1;
    if (p->file != NULL)
        set(&l, "file", json_string(p->file));
    if (p->times)
        set(&l, "time", json_real((double)event->time / 1e6));
    set(&l, "stream", json_integer((json_int_t)event->stream->number));
    set(&l, "kind", json_string(dump_kind_name(event->kind)));
    if (event->kind != DUMP_STREAM) {
        set(&l, "from", json_string(event->side == 0 ? "A" : "B"));
        set_number(&l, "offset", event->offset);
    }
    if (event->after_close)
        set(&l, "after_close", json_true());
    int result = set_fields(&l, p, event);
    if (result == 0 && !l.failed)
        result = json_dumpf(l.object, p->out, JSON_COMPACT | JSON_REAL_PRECISION(15));
    fputc('\n', p->out);
    json_decref(l.object);
    return result != 0 || l.failed ? -1 : 0;
}
