/* SPDX-License-Identifier: BSD-2-Clause */
#include "tool_options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools.h"
#include "yoton/channels.h"

#define SECONDS_MAX 1e9

static int add_text(const char *command, tool_texts *texts, const char *text) {
    const char **grown = realloc(texts->list, (texts->count + 1) * sizeof *grown);
    if (grown == NULL)
        return tool_fail(command, "%s", yoton_strerror(YOTON_E_NOMEM));
    texts->list = grown;
    texts->list[texts->count++] = text;
    return TOOL_OK;
}

static int read_seconds(const char *command, const tool_option *option, const char *text) {
    char *end;
    double seconds = strtod(text, &end);
    if ((*text < '0' || *text > '9') && *text != '.')
        end = NULL;
    if (end == NULL || *end != '\0' || !(seconds > 0) || seconds > SECONDS_MAX)
        return tool_usage(command, "%s wants seconds above 0, not \"%s\"", option->name, text);
    *(double *)option->target = seconds;
    return TOOL_OK;
}

static int read_count(const char *command, const tool_option *option, const char *text) {
    char *end;
    errno = 0;
    unsigned long count = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || count == 0)
        return tool_usage(command, "%s wants a number from 1 on, not \"%s\"", option->name, text);
    *(size_t *)option->target = count;
    return TOOL_OK;
}

static int read_type(const char *command, const tool_option *option, const char *text) {
    static const char *const names[] = {
        [YOTON_TXT] = "txt", [YOTON_BIN] = "bin", [YOTON_OBJ] = "obj"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *(yoton_message_type *)option->target = (yoton_message_type)i;
            return TOOL_OK;
        }
    }
    return tool_usage(command, "%s wants txt, bin or obj, not \"%s\"", option->name, text);
}

static int set(const char *command, const tool_option *option, const char *text) {
    switch (option->kind) {
    case TOOL_FLAG:
        *(bool *)option->target = true;
        return TOOL_OK;
    case TOOL_TEXT:
        *(const char **)option->target = text;
        return TOOL_OK;
    case TOOL_TEXTS:
        return add_text(command, option->target, text);
    case TOOL_SECONDS:
        return read_seconds(command, option, text);
    case TOOL_COUNT:
        return read_count(command, option, text);
    case TOOL_TYPE:
        return read_type(command, option, text);
    }
    return TOOL_USAGE;
}

static bool is_name(const char *name, const char *text, size_t size) {
    return name != NULL && strlen(name) == size && memcmp(name, text, size) == 0;
}

static const tool_option *find(const tool_option *options, size_t count, const char *text,
                               size_t size) {
    for (size_t i = 0; i < count; i++)
        if (is_name(options[i].name, text, size) || is_name(options[i].also, text, size))
            return &options[i];
    return NULL;
}

/* `next` is the argument behind it, or NULL; *used tells whether that belonged to it. */
static int read_option(const char *command, const tool_option *option, const char *given,
                       const char *equals, const char *next, bool *used) {
    if (option->kind == TOOL_FLAG && equals != NULL)
        return tool_usage(command, "%s takes no value", option->name);
    if (option->kind == TOOL_FLAG || equals != NULL)
        return set(command, option, equals != NULL ? equals + 1 : NULL);
    if (next == NULL)
        return tool_usage(command, "%s wants a value", given);
    *used = true;
    return set(command, option, next);
}

int tool_options_read(const char *command, const tool_option *options, size_t count, int argc,
                      char **argv, tool_texts *rest) {
    bool only_rest = false;
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i];
        const char *equals = strchr(text, '=');
        size_t size = equals != NULL ? (size_t)(equals - text) : strlen(text);
        const tool_option *option =
            only_rest || *text != '-' ? NULL : find(options, count, text, size);
        int result;
        if (!only_rest && strcmp(text, "--") == 0) {
            only_rest = true;
            continue;
        }
        if (option != NULL) {
            bool used = false;
            result = read_option(command, option, text, equals, i + 1 < argc ? argv[i + 1] : NULL,
                                 &used);
            i += used;
        } else if (!only_rest && strncmp(text, "--", 2) == 0) {
            result = tool_usage(command, "unknown option %s", text);
        } else {
            result = add_text(command, rest, text);
        }
        if (result != TOOL_OK)
            return result;
    }
    return TOOL_OK;
}
