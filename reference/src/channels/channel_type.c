/* SPDX-License-Identifier: BSD-2-Clause */
#include "channels/channel_type.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static yoton_channel_type standard[] = {
    [YOTON_TXT] = {.kind = YOTON_TXT, .name = "txt"},
    [YOTON_BIN] = {.kind = YOTON_BIN, .name = "bin"},
    [YOTON_OBJ] = {.kind = YOTON_OBJ, .name = "obj"},
};
#define STANDARD (sizeof standard / sizeof *standard)

yoton_channel_type *channel_type_standard(yoton_message_type kind) {
    return (size_t)kind < STANDARD ? &standard[kind] : NULL;
}

/* In any case of letters: a slot is lower-cased (SLOT-2), and would be the standard type's. */
static int is_reserved(const char *name) {
    for (size_t i = 0; i < STANDARD; i++)
        if (strcasecmp(name, standard[i].name) == 0)
            return 1;
    return name[0] == '\0';
}

int channel_type_new(const yoton_custom_type *custom, yoton_channel_type **made) {
    *made = NULL;
    if (custom->name == NULL || custom->encode == NULL || custom->decode == NULL ||
        is_reserved(custom->name))
        return YOTON_E_ARGUMENT;
    size_t size = strlen(custom->name) + 1;
    yoton_channel_type *type = malloc(sizeof *type + size);
    if (type == NULL)
        return YOTON_E_NOMEM;
    char *name = (char *)(type + 1);
    memcpy(name, custom->name, size);
    *type = (yoton_channel_type){.kind = YOTON_CUSTOM, .custom = *custom, .name = name};
    type->custom.name = name;
    atomic_init(&type->references, 1);
    *made = type;
    return YOTON_OK;
}

yoton_channel_type *channel_type_ref(yoton_channel_type *type) {
    atomic_fetch_add(&type->references, 1);
    return type;
}

void channel_type_unref(yoton_channel_type *type) {
    if (type != NULL && type->kind == YOTON_CUSTOM && atomic_fetch_sub(&type->references, 1) == 1)
        free(type);
}
