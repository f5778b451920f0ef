/* SPDX-License-Identifier: BSD-2-Clause */
#include "yoton/handshake.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Offsets in the line: `YOTON!`, the id, a dot, the pid. */
enum { AT_ID = 6, AT_DOT = AT_ID + 16, AT_PID = AT_DOT + 1, PID_DIGITS = 20 };

static const char magic[] = "YOTON!";

int yoton_handshake_encode(const yoton_hello *hello, char *out, size_t size) {
    char line[YOTON_LINE_SIZE + 1];
    if (hello->id == 0) /* HS-4 */
        return YOTON_E_ARGUMENT;
    /* HS-2 */
    int length = snprintf(line, sizeof line, "%s%016" PRIx64 ".%" PRIu64 "\r\n", magic, hello->id,
                          hello->pid);
    if ((size_t)length > size)
        return YOTON_E_SPACE;
    memcpy(out, line, (size_t)length);
    return length;
}

/* HS-6: either case */
static int hex_digit(uint8_t byte) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20; /* lower-case */
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* What the parser knows of a line while it reads it byte by byte. */
typedef struct line {
    yoton_hello hello;
    size_t at; /* offset of the present byte */
    int ended; /* the CR has come */
} line;

static int id_byte(line *l, uint8_t byte) {
    int digit = hex_digit(byte);
    if (digit < 0)
        return YOTON_E_HANDSHAKE;
    l->hello.id = l->hello.id << 4 | (uint64_t)digit;
    if (l->at == AT_DOT - 1 && l->hello.id == 0) /* HS-15 */
        return YOTON_E_HANDSHAKE;
    return YOTON_E_MORE;
}

/* HS-5 */
static int pid_byte(line *l, uint8_t byte) {
    if (byte == '\r' && l->at > AT_PID) {
        l->ended = 1;
        return YOTON_E_MORE;
    }
    if (byte < '0' || byte > '9' || l->at == AT_PID + PID_DIGITS)
        return YOTON_E_HANDSHAKE;
    uint64_t digit = byte - (uint64_t)'0';
    if (l->hello.pid > (UINT64_MAX - digit) / 10)
        return YOTON_E_HANDSHAKE;
    l->hello.pid = l->hello.pid * 10 + digit;
    return YOTON_E_MORE;
}

/* HS-14: the one place that says which byte may stand where. MORE: the line goes on. */
static int line_byte(line *l, uint8_t byte) {
    if (l->at < AT_ID)
        return byte == magic[l->at] ? YOTON_E_MORE : YOTON_E_NOT_YOTON;
    if (l->at < AT_DOT)
        return id_byte(l, byte);
    if (l->at == AT_DOT)
        return byte == '.' ? YOTON_E_MORE : YOTON_E_HANDSHAKE;
    if (!l->ended)
        return pid_byte(l, byte);
    return byte == '\n' ? YOTON_OK : YOTON_E_HANDSHAKE;
}

int yoton_handshake_parse(yoton_hello *hello, const uint8_t *data, size_t size, size_t max_line,
                          size_t *offset) {
    line l = {0};
    int result = YOTON_E_MORE;
    if (max_line == 0)
        max_line = YOTON_LINE_MAX_DEFAULT;
    while (l.at < size && l.at < max_line) {
        result = line_byte(&l, data[l.at]);
        if (result != YOTON_E_MORE)
            break;
        l.at++;
    }
    *offset = l.at;
    if (result == YOTON_OK) {
        *hello = l.hello;
        *offset = l.at + 1;
    } else if (result == YOTON_E_MORE && l.at == max_line) {
        result = YOTON_E_LINE; /* HS-16 */
    }
    return result;
}

/* HS-12, HS-13 */
const char *yoton_handshake_refusal(int error) {
    return error == YOTON_E_NOT_YOTON ? "ERROR: this is Yoton.\r\n"
                                      : "ERROR: could not parse id.\r\n";
}
