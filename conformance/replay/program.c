/* SPDX-License-Identifier: BSD-2-Clause */
/* The program of the recorded context, as far as what it sent shows it: its channels, and what it
 * told them. */
#include "replay/replay.h"

#include <stdlib.h>
#include <string.h>

#include "engine/util.h"
#include "json_value.h"
#include "yoton/error.h"
#include "yoton/object.h"

static const uint64_t NEGOTIATION = UINT64_C(1) << 63;

typedef struct open_slot {
    uint64_t slot;    /* what the context sends to */
    const char *kind; /* of the channel */
    const char *type; /* of its messages */
    channel *channel;
    const replay_step *said; /* state: what it said last */
    bool full;               /* sub: it said so last */
} open_slot;

/* A request that the context made. */
typedef struct request {
    uint64_t slot, id;
    char *future;
    bool given, withdrawn;
} request;

struct program {
    tester *t;
    const conversation *c;
    open_slot *slots;
    size_t slot_count;
    request *requests;
    size_t request_count;
    int *asked; /* requests to the adapter whose answer nobody waited for */
    size_t asked_count;
};

/* ---- Channels ---- */

static const struct {
    const char *pattern, *kind;
} kinds[] = {{".pub-sub", "pub"},
             {".sub-pub", "sub"},
             {".req-rep", "req"},
             {".rep-req", "rep"},
             {".state", "state"}};

/* "chat.txt.pub-sub" into base name, type and kind; false when it is of no channel. */
static bool take_apart(const char *name, char **base, char **type, const char **kind) {
    char *copy = text_of("%s", name);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t size = strlen(copy), tail = strlen(kinds[i].pattern);
        if (size <= tail || strcmp(copy + size - tail, kinds[i].pattern) != 0)
            continue;
        copy[size - tail] = '\0';
        char *point = strrchr(copy, '.');
        if (point == NULL)
            break;
        *point = '\0';
        *base = copy;
        *type = point + 1;
        *kind = kinds[i].kind;
        return true;
    }
    free(copy);
    return false;
}

static open_slot *find_slot(program *p, uint64_t slot) {
    for (size_t i = 0; i < p->slot_count; i++)
        if (p->slots[i].slot == slot)
            return &p->slots[i];
    return NULL;
}

static void open_for(program *p, const replay_step *step) {
    const dump_slot *known = dump_slots_find(p->c->slots, step->slot);
    char *base, *type;
    const char *kind;
    if (find_slot(p, step->slot) != NULL || known == NULL)
        return;
    if (!take_apart(known->name, &base, &type, &kind))
        skip(p->t, "frame %lu: %s is the slot of no channel", step->frame, known->name);
    if (!has(p->t, "open"))
        unsupported(p->t, "the adapter does not offer `open`");
    p->slots = more_room(p->slots, (p->slot_count + 1) * sizeof *p->slots);
    open_slot *s = &p->slots[p->slot_count++];
    *s = (open_slot){.slot = step->slot, .kind = kind, .type = type};
    s->channel = open_channel(p->t, kind, base, type);
    if (strcmp(kind, "rep") == 0)
        call(p->t, "rep_mode", "{s:s, s:s}", "channel", s->channel->name, "mode", "thread");
    if (strcmp(kind, "sub") == 0)
        call(p->t, "sync_mode", "{s:s, s:b}", "channel", s->channel->name, "on", 1);
}

program *program_start(tester *t, const conversation *c) {
    program *p = room(sizeof *p);
    p->t = t;
    p->c = c;
    for (const replay_step *s = c->steps; s < c->steps + c->step_count; s++)
        if (s->theirs && s->kind == DUMP_PACKAGE && s->source_id == c->id && s->slot > 7)
            open_for(p, s);
    return p;
}

/* ---- What it said ---- */

static void asked(program *p, int request) {
    p->asked = more_room(p->asked, (p->asked_count + 1) * sizeof *p->asked);
    p->asked[p->asked_count++] = request;
}

static json_t *value_of(tester *t, const open_slot *s, const replay_step *step) {
    package q = step_package(step);
    if (strcmp(s->type, "txt") == 0)
        return json_stringn(q.payload, q.size);
    if (strcmp(s->type, "bin") == 0)
        return json_from_bytes(q.payload, q.size);
    yoton_value v;
    size_t used = 0;
    if (yoton_object_decode(&v, q.payload, q.size, 0, &used) != YOTON_OK)
        return NULL;
    json_t *json = json_from_value(&v);
    yoton_value_clear(&v);
    check(t, json != NULL, "frame %lu: the object cannot be said in JSON", step->frame);
    return json;
}

static void send_value(program *p, open_slot *s, const replay_step *step) {
    json_t *value = value_of(p->t, s, step);
    if (value == NULL)
        skip(p->t, "frame %lu: what it sends to %s is no %s, so that no program can have sent it",
             step->frame, dump_slots_find(p->c->slots, step->slot)->name, s->type);
    asked(p, ask(p->t, "send", "{s:s, s:o}", "channel", s->channel->name, "value", value));
}

/* What is said once more was said by itself, because somebody new came (STATE-5). */
static void set_state(program *p, open_slot *s, const replay_step *step) {
    bool again = s->said != NULL && s->said->length == step->length &&
                 memcmp(step_package(s->said).payload, step_package(step).payload,
                        (size_t)step->length) == 0;
    s->said = step;
    if (!again)
        send_value(p, s, step);
}

/* `full` comes by itself, and goes when the program reads. */
static void say_word(program *p, open_slot *s, const replay_step *step) {
    package q = step_package(step);
    bool ok = q.size == 2 && memcmp(q.payload, "ok", 2) == 0;
    for (int i = 0; i < 2 && ok && s->full; i++) /* twice: it may look before it takes (SYNC-3) */
        asked(p, ask(p->t, "recv_all", "{s:s}", "channel", s->channel->name));
    s->full = !ok;
}

/* ---- Requests ---- */

static request *find_request(program *p, uint64_t slot, uint64_t id) {
    for (size_t i = 0; i < p->request_count; i++)
        if (p->requests[i].slot == slot && p->requests[i].id == id)
            return &p->requests[i];
    return NULL;
}

/* What was asked stands in the request itself, which is sent when somebody takes it. */
static bool find_question(program *p, const replay_step *offer, uint64_t id, yoton_value *v) {
    for (const replay_step *s = offer; s < p->c->steps + p->c->step_count; s++) {
        package q = step_package(s);
        size_t used = 0;
        if (s->theirs && s->kind == DUMP_PACKAGE && s->source_id == p->c->id &&
            s->slot == offer->slot && s->dest_seq == id)
            return yoton_object_decode(v, q.payload, q.size, 0, &used) == YOTON_OK &&
                   v->type == YOTON_TUPLE && v->as.list.count == 3 &&
                   v->as.list.items[0].type == YOTON_STRING &&
                   v->as.list.items[1].type == YOTON_TUPLE &&
                   v->as.list.items[2].type == YOTON_DICT;
    }
    return false;
}

static void make_request(program *p, const open_slot *s, const replay_step *offer, uint64_t id) {
    yoton_value v = {.type = YOTON_NONE};
    json_t *args = json_array(), *kwargs = json_object();
    const char *method = "echo";
    if (find_question(p, offer, id, &v)) {
        method = v.as.list.items[0].as.string.bytes;
        const yoton_value *list = &v.as.list.items[1], *named = &v.as.list.items[2];
        for (size_t i = 0; i < list->as.list.count; i++)
            json_array_append_new(args, json_from_value(&list->as.list.items[i]));
        for (size_t i = 0; i + 1 < named->as.list.count; i += 2)
            if (named->as.list.items[i].type == YOTON_STRING)
                json_object_set_new(kwargs, named->as.list.items[i].as.string.bytes,
                                    json_from_value(&named->as.list.items[i + 1]));
    }
    json_t *reply = call(p->t, "call", "{s:s, s:s, s:o, s:o, s:n}", "channel", s->channel->name,
                         "method", method, "args", args, "kwargs", kwargs, "auto_cancel");
    yoton_value_clear(&v);
    p->requests = more_room(p->requests, (p->request_count + 1) * sizeof *p->requests);
    p->requests[p->request_count++] =
        (request){offer->slot, id, text_of("%s", json_get_text(reply, "future")), false, false};
}

static void requester_says(program *p, const open_slot *s, const replay_step *step) {
    package q = step_package(step);
    uint64_t id;
    bool offer = offers_request(p->c, step->slot, step->dest_seq, q.payload, q.size, &id);
    request *r = find_request(p, step->slot, id);
    if (offer && r == NULL) {
        make_request(p, s, step, id);
    } else if (r != NULL && step->dest_seq < NEGOTIATION) {
        r->given = true;
    } else if (r != NULL && !offer && !r->given && !r->withdrawn) {
        r->withdrawn = true;
        asked(p, ask(p->t, "cancel", "{s:s}", "future", r->future));
    }
}

void program_prompt(program *p, const replay_step *step) {
    open_slot *s = find_slot(p, step->slot);
    if (s == NULL)
        return;
    if (strcmp(s->kind, "pub") == 0)
        send_value(p, s, step);
    else if (strcmp(s->kind, "state") == 0)
        set_state(p, s, step);
    else if (strcmp(s->kind, "sub") == 0)
        say_word(p, s, step);
    else if (strcmp(s->kind, "req") == 0)
        requester_says(p, s, step);
}

char *program_trouble(program *p) {
    for (size_t i = 0; i < p->asked_count; i++) {
        if (!answered(p->t, p->asked[i]))
            continue;
        json_t *reply = await_reply(p->t, p->asked[i], 0);
        if (!reply_ok(reply))
            return text_of("the adapter said %s: %s", reply_code(reply),
                           json_get_text(reply, "error"));
    }
    return NULL;
}
