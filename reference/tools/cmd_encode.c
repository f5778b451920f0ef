/* SPDX-License-Identifier: BSD-2-Clause */
/* `yoton encode`: the payload of a message from its JSON form. */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "json_value.h"
#include "tools.h"
#include "yoton/object.h"

static const char help[] =
    "usage: yoton encode [--hex] [--type obj|txt|bin] [JSON]\n"
    "\n"
    "Writes the payload of a message whose value is given as JSON, from standard input if JSON is "
    "not\n"
    "given. Types: txt is a JSON string; bin is {\"hex\":\"00ff\"}; obj (the default) is null, "
    "true,\n"
    "false, a string, an integer or {\"int\":\"-9223372036854775808\"}, {\"float\":\"1.5\"} (also "
    "nan,\n"
    "inf, -inf and hexadecimal floats), an array for a list, {\"tuple\":[...]}, {\"dict\":[[key,\n"
    "value],...]}.\n"
    "  --hex          write hexadecimal text and a line end\n"
    "  --type TYPE    the type of the channel\n"
    "\n"
    "example: yoton encode --hex '{\"tuple\":[3,true]}'      prints 74026903000000000000006201\n";

typedef struct options {
    bool hex, help;
    const char *type;
    const char *json;
} options;

static int complain(int error, const char *why) {
    return tool_fail("encode", "the value cannot be encoded: %s",
                     error == YOTON_E_ARGUMENT && why != NULL ? why : yoton_strerror(error));
}

static int encode_object(const json_t *json, uint8_t **bytes, size_t *size) {
    yoton_value value;
    const char *why = NULL;
    int error = json_to_value(json, &value, &why);
    if (error == YOTON_OK)
        error = yoton_object_size(&value, 0, size);
    if (error == YOTON_OK && (*bytes = malloc(*size)) == NULL)
        error = YOTON_E_NOMEM;
    if (error == YOTON_OK)
        error = yoton_object_encode(&value, 0, *bytes, size);
    yoton_value_clear(&value);
    return error == YOTON_OK ? TOOL_OK : complain(error, why);
}

static int encode_text(const json_t *json, uint8_t **bytes, size_t *size) {
    if (!json_is_string(json))
        return complain(YOTON_E_ARGUMENT, "the type txt wants a JSON string");
    *size = json_string_length(json);
    *bytes = malloc(*size + 1);
    if (*bytes == NULL)
        return complain(YOTON_E_NOMEM, NULL);
    memcpy(*bytes, json_string_value(json), *size);
    return TOOL_OK;
}

static int encode_binary(const json_t *json, uint8_t **bytes, size_t *size) {
    const char *why = NULL;
    int error = json_to_bytes(json, bytes, size, &why);
    return error == YOTON_OK ? TOOL_OK : complain(error, why);
}

static int encode(const options *o, const char *text, size_t text_size) {
    uint8_t *bytes = NULL;
    size_t size;
    int result;
    json_error_t error;
    json_t *json = json_loadb(text, text_size,
                              JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        return tool_fail("encode", "line %d, column %d: not JSON: %s", error.line, error.column,
                         error.text);
    if (strcmp(o->type, "obj") == 0)
        result = encode_object(json, &bytes, &size);
    else if (strcmp(o->type, "txt") == 0)
        result = encode_text(json, &bytes, &size);
    else
        result = encode_binary(json, &bytes, &size);
    if (result == TOOL_OK && o->hex)
        tool_put_hex(bytes, size);
    else if (result == TOOL_OK)
        fwrite(bytes, 1, size, stdout);
    free(bytes);
    json_decref(json);
    return result == TOOL_OK ? tool_finish("encode") : result;
}

static int read_type(options *o, const char *type) {
    if (strcmp(type, "obj") != 0 && strcmp(type, "txt") != 0 && strcmp(type, "bin") != 0)
        return tool_usage("encode", "unknown type \"%s\", only obj, txt or bin", type);
    o->type = type;
    return TOOL_OK;
}

static int read_options(options *o, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        int result = TOOL_OK;
        if (strcmp(argv[i], "--help") == 0)
            o->help = true;
        else if (strcmp(argv[i], "--hex") == 0)
            o->hex = true;
        else if (strcmp(argv[i], "--type") == 0)
            result = i + 1 < argc ? read_type(o, argv[++i])
                                  : tool_usage("encode", "--type wants obj, txt or bin");
        else if (strncmp(argv[i], "--", 2) == 0)
            result = tool_usage("encode", "unknown option %s", argv[i]);
        else if (o->json != NULL)
            result = tool_usage("encode", "more than one value; quote the JSON for the shell");
        else
            o->json = argv[i];
        if (result != TOOL_OK)
            return result;
    }
    return TOOL_OK;
}

int cmd_encode(int argc, char **argv) {
    options o = {.type = "obj"};
    char *text;
    size_t size;
    int result = read_options(&o, argc, argv);
    if (result != TOOL_OK)
        return result;
    if (o.help) {
        fputs(help, stdout);
        return tool_finish("encode");
    }
    if (o.json != NULL)
        return encode(&o, o.json, strlen(o.json));
    if (tool_read(stdin, &text, &size) != 0)
        return tool_fail("encode", "cannot read standard input: %s", strerror(errno));
    result = encode(&o, text, size);
    free(text);
    return result;
}
