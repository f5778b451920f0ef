/* SPDX-License-Identifier: BSD-2-Clause */
#include "channels/channel_core.h"

#include <stdlib.h>
#include <string.h>

#include "wire/utf8.h"
#include "yoton/names.h"
#include "yoton/object.h"

/* SLOT-2: the pattern a kind of channel sends on and the one it listens at; whether the program
 * sends messages with it, and whether what comes is kept in order. */
static const struct {
    const char *out;
    const char *in;
    int sends;
    int queues;
} kinds[] = {
    [YOTON_PUB] = {.out = "pub-sub", .in = "sub-pub", .sends = 1},
    [YOTON_SUB] = {.out = "sub-pub", .in = "pub-sub", .queues = 1},
    [YOTON_REQ] = {.out = "req-rep", .in = "rep-req"},
    [YOTON_REP] = {.out = "rep-req", .in = "req-rep", .queues = 1},
    [YOTON_STATE] = {.out = "state", .in = "state", .sends = 1},
};
#define KINDS (sizeof kinds / sizeof *kinds)

/* SLOT-1: <base>.<type>.<pattern> */
static int compose(channel_slot *slot, const char *base, size_t base_size, const char *type,
                   const char *pattern) {
    size_t type_size = strlen(type);
    size_t pattern_size = strlen(pattern);
    slot->size = base_size + 1 + type_size + 1 + pattern_size;
    slot->name = malloc(slot->size + 1);
    if (slot->name == NULL)
        return YOTON_E_NOMEM;
    char *at = slot->name;
    if (base_size > 0)
        memcpy(at, base, base_size);
    at += base_size;
    *at++ = '.';
    memcpy(at, type, type_size);
    at += type_size;
    *at++ = '.';
    memcpy(at, pattern, pattern_size + 1);
    return yoton_slot_hash(slot->name, slot->size, &slot->number);
}

static int make_queue(channel_core *core, const channel_limits *limits) {
    if (!kinds[core->kind].queues)
        return YOTON_OK;
    core->incoming = yoton_queue_new(limits->packages, limits->bytes, limits->discard); /* PUB-4 */
    return core->incoming != NULL ? YOTON_OK : YOTON_E_NOMEM;
}

static int make(channel_core *core, const char *base, size_t base_size,
                const channel_limits *limits) {
    if ((size_t)core->kind >= KINDS || core->type == NULL)
        return YOTON_E_ARGUMENT;
    if (base_size > YOTON_NAME_MAX * 4)
        return YOTON_E_LENGTH;
    int error = compose(&core->out, base, base_size, core->type->name, kinds[core->kind].out);
    if (error == YOTON_OK)
        error = compose(&core->in, base, base_size, core->type->name, kinds[core->kind].in);
    return error == YOTON_OK ? make_queue(core, limits) : error;
}

int channel_core_init(channel_core *core, yoton_channel_kind kind, const char *base,
                      size_t base_size, yoton_channel_type *type, const channel_limits *limits) {
    *core = (channel_core){.kind = kind, .type = type, .max_depth = limits->depth};
    int error = make(core, base, base_size, limits);
    if (error != YOTON_OK)
        channel_core_clear(core);
    return error;
}

void channel_core_clear(channel_core *core) {
    free(core->out.name);
    free(core->in.name);
    yoton_queue_free(core->incoming);
    channel_type_unref(core->type);
    *core = (channel_core){.kind = core->kind};
}

int channel_core_pack(const channel_core *core, yoton_message_type type, const void *data,
                      size_t size, yoton_package **package) {
    *package = NULL;
    if (!kinds[core->kind].sends)
        return YOTON_E_STATE;
    if (type != core->type->kind)
        return YOTON_E_TYPE;
    if (type == YOTON_TXT && yoton_utf8_check((const char *)data, size) != size)
        return YOTON_E_UTF8; /* MSG-3 */
    if (size == 0)
        return YOTON_OK; /* MSG-2 */
    const yoton_header header = {
        .slot = core->out.number, .dest_id = 0, .dest_seq = 0, .length = size}; /* PUB-1, PUB-2 */
    *package = yoton_package_new(&header, data);
    return *package != NULL ? YOTON_OK : YOTON_E_NOMEM;
}

int channel_core_deposit(channel_core *core, yoton_package *package) {
    return core->incoming != NULL && yoton_queue_push(core->incoming, package) >= 0 &&
           yoton_queue_tail(core->incoming) == package; /* else it is the one discarded */
}

/* MSG-6 */
static int unpack(const channel_core *core, yoton_message *message) {
    switch (core->type->kind) {
    case YOTON_TXT:
        return yoton_utf8_check((const char *)message->data, message->size) == message->size
                   ? YOTON_OK
                   : YOTON_E_UTF8;
    case YOTON_OBJ:
        return yoton_object_decode(&message->value, message->data, message->size, core->max_depth,
                                   NULL);
    case YOTON_CUSTOM:
        message->type = channel_type_ref(core->type);
        return core->type->custom.decode(message->data, message->size, &message->custom,
                                         core->type->custom.user);
    default: /* bytes are what they are */
        return YOTON_OK;
    }
}

int channel_core_unpack(const channel_core *core, yoton_package *package, yoton_message *message) {
    const yoton_header *header = yoton_package_header(package);
    *message = (yoton_message){.data = yoton_package_payload(package),
                               .size = (size_t)header->length,
                               .source_id = header->source_id,
                               .recv_seq = yoton_package_recv_seq(package),
                               .package = package};
    int error = unpack(core, message);
    if (error != YOTON_OK) {
        message->custom = NULL; /* there is nothing to release */
        yoton_message_clear(message);
    }
    return error;
}

void yoton_message_clear(yoton_message *message) {
    if (message->custom != NULL && message->type->custom.release != NULL)
        message->type->custom.release(message->custom, message->type->custom.user);
    channel_type_unref(message->type);
    yoton_value_clear(&message->value);
    yoton_package_unref(message->package);
    *message = (yoton_message){.value = {.type = YOTON_NONE}};
}
