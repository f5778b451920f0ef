/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void say(const char *command, const char *format, va_list arguments) {
    fprintf(stderr, "yoton %s: ", command);
    vfprintf(stderr, format, arguments);
}

int tool_usage(const char *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(command, format, arguments);
    va_end(arguments);
    fprintf(stderr, " (see yoton %s --help)\n", command);
    return TOOL_USAGE;
}

int tool_fail(const char *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(command, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return TOOL_FAILED;
}

int tool_read(FILE *stream, char **data, size_t *size) {
    size_t room = 4096, used = 0;
    char *bytes = malloc(room);
    while (bytes != NULL) {
        used += fread(bytes + used, 1, room - used - 1, stream);
        if (used < room - 1)
            break;
        room *= 2;
        char *grown = realloc(bytes, room);
        if (grown == NULL)
            free(bytes);
        bytes = grown;
    }
    if (bytes == NULL)
        return -1;
    if (ferror(stream)) {
        int error = errno;
        free(bytes);
        errno = error;
        return -1;
    }
    bytes[used] = '\0';
    *data = bytes;
    *size = used;
    return 0;
}

int tool_finish(const char *command) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return TOOL_OK;
    return tool_fail(command, "cannot write to standard output: %s", strerror(errno));
}

void tool_put_hex(const uint8_t *bytes, size_t size) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        putchar(digits[bytes[i] >> 4]);
        putchar(digits[bytes[i] & 15]);
    }
    putchar('\n');
}

static int nibble(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int tool_unhex(char *text, size_t *size, size_t *bad) {
    size_t used = 0, at = 0;
    while (at < *size) {
        if (strchr(" \t\r\n", text[at]) != NULL && text[at] != '\0') {
            at++;
            continue;
        }
        int high = nibble(text[at]);
        int low = at + 1 < *size ? nibble(text[at + 1]) : -1;
        if (high < 0 || low < 0) {
            bool lone = high >= 0 && (at + 1 == *size || strchr(" \t\r\n", text[at + 1]) != NULL);
            *bad = high < 0 || lone ? at : at + 1;
            return -1;
        }
        text[used++] = (char)(high << 4 | low);
        at += 2;
    }
    *size = used;
    return 0;
}
