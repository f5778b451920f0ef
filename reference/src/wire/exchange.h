/* SPDX-License-Identifier: BSD-2-Clause */
/* The texts of client and server (section 15): where one ends, and what of it is text. */
#ifndef YOTON_WIRE_EXCHANGE_H
#define YOTON_WIRE_EXCHANGE_H

#include <stddef.h>

#define YOTON_TEXT_END "\r\n"
#define YOTON_TEXT_END_SIZE ((size_t)2)

/* A text that comes in pieces into one memory of the caller's. Set limit, zero the rest. */
typedef struct yoton_text_scan {
    size_t limit; /* the most bytes of text, its end not counted (LIMIT-7) */
    size_t seen;  /* bytes looked at so far */
    size_t size;  /* once it is complete: bytes of text, without its end */
    int ended;    /* its end was there */
} yoton_text_scan;

/* Purpose: look at what has come so far, in all `have` bytes from the first one on. What follows
 * the first CRLF is not looked at. Returns YOTON_OK when the text is complete, YOTON_E_MORE, or
 * YOTON_E_LENGTH as soon as it is longer than the limit. CS-2, CS-4, CS-8 */
int yoton_text_more(yoton_text_scan *scan, const char *bytes, size_t have);

/* Purpose: no more is to come, or is waited for: the text is complete as it is. Call it after
 * yoton_text_more has asked for more. Returns YOTON_OK or YOTON_E_LENGTH. */
int yoton_text_over(yoton_text_scan *scan);

/* Purpose: how many bytes it is worth to have in all: one more tells that the text is too long. */
size_t yoton_text_most(const yoton_text_scan *scan);

/* Purpose: 1 when the text ends with CRLF, so that none is added. CS-1, CS-3 */
int yoton_text_has_end(const char *text, size_t size);

/* Purpose: leave out what is not UTF-8, in place, as the original does. Returns the size that is
 * left. CS-6 */
size_t yoton_text_keep(char *text, size_t size);

#endif
