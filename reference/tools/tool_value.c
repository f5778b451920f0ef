/* SPDX-License-Identifier: BSD-2-Clause */
#include "tool_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_value.h"
#include "literal_read.h"
#include "tool_bell.h"
#include "tools.h"

/* ---- Sending ---- */

static int sent(const network *net, int error, const char *where) {
    if (error == YOTON_OK)
        return TOOL_OK;
    return tool_fail(net->command, "%s: %s", where, yoton_error_text());
}

static int send_literal(const network *net, const char *text, size_t size, const char *where) {
    yoton_value value;
    literal_problem problem;
    if (literal_read(text, size, &value, &problem) != YOTON_OK)
        return tool_fail(net->command, "%s, column %zu: %s; text wants quotes, as in \"'text'\"",
                         where, problem.at + 1, problem.why);
    int error = yoton_send_object(net->channel, &value);
    yoton_value_clear(&value);
    return sent(net, error, where);
}

static int send_hex(const network *net, const char *text, size_t size, const char *where) {
    size_t bad;
    char *bytes = malloc(size + 1);
    if (bytes == NULL)
        return tool_fail(net->command, "%s", yoton_strerror(YOTON_E_NOMEM));
    memcpy(bytes, text, size);
    bytes[size] = '\0';
    int result;
    if (tool_unhex(bytes, &size, &bad) != 0)
        result = tool_fail(net->command, "%s, column %zu: not a pair of hexadecimal digits", where,
                           bad + 1);
    else
        result = sent(net, yoton_send_bytes(net->channel, bytes, size), where);
    free(bytes);
    return result;
}

static int send_json_object(const network *net, const json_t *json, const char *where) {
    yoton_value value;
    const char *why = NULL;
    int error = json_to_value(json, &value, &why);
    if (error != YOTON_OK)
        return tool_fail(net->command, "%s: %s", where, why != NULL ? why : yoton_strerror(error));
    error = yoton_send_object(net->channel, &value);
    yoton_value_clear(&value);
    return sent(net, error, where);
}

static int send_json_bytes(const network *net, const json_t *json, const char *where) {
    uint8_t *bytes;
    size_t size;
    const char *why = NULL;
    int error = json_to_bytes(json, &bytes, &size, &why);
    if (error != YOTON_OK)
        return tool_fail(net->command, "%s: %s", where, why != NULL ? why : yoton_strerror(error));
    error = yoton_send_bytes(net->channel, bytes, size);
    free(bytes);
    return sent(net, error, where);
}

static int send_json_value(const network *net, const json_t *json, const char *where) {
    if (net->options->type == YOTON_OBJ)
        return send_json_object(net, json, where);
    if (net->options->type == YOTON_BIN)
        return send_json_bytes(net, json, where);
    if (!json_is_string(json))
        return tool_fail(net->command, "%s: a JSON string is wanted; see --type for others", where);
    return sent(net,
                yoton_send_text(net->channel, json_string_value(json), json_string_length(json)),
                where);
}

static int send_json(const network *net, const char *text, size_t size, const char *where) {
    json_error_t error;
    json_t *json =
        json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        return tool_fail(net->command, "%s, column %d: not JSON: %s", where, error.column,
                         error.text);
    const json_t *inner = json_object_get(json, "value");
    int result = send_json_value(net, inner != NULL ? inner : json, where);
    json_decref(json);
    return result;
}

int tool_send(const network *net, const char *text, size_t size, const char *where) {
    if (net->options->json)
        return send_json(net, text, size, where);
    if (net->options->type == YOTON_OBJ)
        return send_literal(net, text, size, where);
    if (net->options->type == YOTON_BIN)
        return send_hex(net, text, size, where);
    return sent(net, yoton_send_text(net->channel, text, size), where);
}

/* ---- Printing ---- */

static int no_memory(const network *net) {
    return tool_fail(net->command, "%s", yoton_strerror(YOTON_E_NOMEM));
}

/* Right after a write has failed. That the reader has had enough is no error. */
static int output_failed(network *net, int error) {
    if (bell_signal() != 0)
        net->end = NETWORK_INTERRUPTED; /* while the output was blocked */
    else if (error == EPIPE)
        net->end = NETWORK_UNREAD;
    else
        return tool_fail(net->command, "cannot write to standard output: %s", strerror(error));
    return TOOL_OK;
}

static int put(network *net, const void *text, size_t size) {
    if (fwrite(text, 1, size, stdout) == size && putchar('\n') != EOF)
        return TOOL_OK;
    return output_failed(net, errno);
}

int tool_print_json(network *net, json_t *json) {
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    int result = text != NULL ? put(net, text, strlen(text)) : no_memory(net);
    free(text);
    json_decref(json);
    return result;
}

static int print_literal(network *net, const yoton_value *value) {
    char *text;
    size_t size;
    if (yoton_object_literal(value, &text, &size) != YOTON_OK)
        return no_memory(net);
    int result = put(net, text, size);
    free(text);
    return result;
}

static int print_hex(network *net, const uint8_t *data, size_t size) {
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * size + 1);
    if (text == NULL)
        return no_memory(net);
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
    int result = put(net, text, 2 * size);
    free(text);
    return result;
}

static json_t *json_of(const network *net, const yoton_message *message) {
    if (net->options->type == YOTON_OBJ)
        return json_from_value(&message->value);
    if (net->options->type == YOTON_BIN)
        return json_from_bytes(message->data, message->size);
    return json_stringn((const char *)message->data, message->size);
}

static int print_as_json(network *net, const yoton_message *message) {
    char source[17];
    snprintf(source, sizeof source, "%016" PRIx64, message->source_id);
    return tool_print_json(
        net, json_pack("{s:s, s:o}", "source", source, "value", json_of(net, message)));
}

int tool_print(network *net, const yoton_message *message) {
    if (net->options->json)
        return print_as_json(net, message);
    if (net->options->type == YOTON_OBJ)
        return print_literal(net, &message->value);
    if (net->options->type == YOTON_BIN)
        return print_hex(net, message->data, message->size);
    return put(net, message->data, message->size);
}

int tool_print_value(network *net, const yoton_value *value) {
    if (net->options->json)
        return tool_print_json(net, json_pack("{s:o}", "value", json_from_value(value)));
    return print_literal(net, value);
}

int tool_flush(network *net) {
    return net->end == NETWORK_UNREAD || fflush(stdout) == 0 ? TOOL_OK : output_failed(net, errno);
}
