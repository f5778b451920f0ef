/* SPDX-License-Identifier: BSD-2-Clause */
/* The handshake line, `YOTON!<id>.<pid>` CRLF. Pure functions, no allocation. */
#ifndef YOTON_HANDSHAKE_H
#define YOTON_HANDSHAKE_H

#include <stddef.h>
#include <stdint.h>

#include "yoton/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define YOTON_LINE_MAX_DEFAULT 64 /* bytes, CRLF included */
#define YOTON_LINE_SIZE 45        /* the longest line a sender makes: 6 + 16 + 1 + 20 + 2 */
#define YOTON_HANDSHAKE_MS 2000   /* time an end has to complete its line, in milliseconds */

/* What a line says. */
typedef struct yoton_hello {
    uint64_t id;  /* context id, never 0 */
    uint64_t pid; /* process id as the other end tells it */
} yoton_hello;

/* Purpose: write a handshake line, CRLF included and no terminating NUL, into out.
 * Returns the number of bytes written (at most YOTON_LINE_SIZE), YOTON_E_ARGUMENT for id 0, or
 * YOTON_E_SPACE when size is too small. */
int yoton_handshake_encode(const yoton_hello *hello, char *out, size_t size);

/* Purpose: read a line from the first `size` bytes received so far.
 * max_line is the limit in bytes, CRLF included; 0 asks for the default.
 * On YOTON_OK *hello is filled and *offset is the length of the line: what follows it is package
 * data. On YOTON_E_MORE *offset is size. On an error *offset is that of the first byte that no good
 * line could have there (for an id of 0 its last digit): YOTON_E_NOT_YOTON within the first 6
 * bytes, else YOTON_E_HANDSHAKE. YOTON_E_LINE, with max_line as *offset, when that many good bytes
 * are no whole line; a limit of YOTON_LINE_SIZE or more never cuts a good line. Returns YOTON_OK,
 * YOTON_E_MORE, YOTON_E_NOT_YOTON, YOTON_E_HANDSHAKE or YOTON_E_LINE. An error is reported with the
 * byte that causes it, and every continuation gives the same error and offset. *hello is untouched
 * unless YOTON_OK is returned. */
int yoton_handshake_parse(yoton_hello *hello, const uint8_t *data, size_t size, size_t max_line,
                          size_t *offset);

/* Purpose: the line, CRLF included, with which a host refuses after `error` (one of the errors of
 * yoton_handshake_parse). For a line cut short that is YOTON_E_NOT_YOTON when fewer than 6 bytes of
 * it came, else YOTON_E_MORE. Returns a static string. */
const char *yoton_handshake_refusal(int error);

#ifdef __cplusplus
}
#endif
#endif
