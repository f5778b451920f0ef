/* SPDX-License-Identifier: BSD-2-Clause */
/* Running code that ends its process when it is done or in trouble, and leaves memory and files to
 * the system, again and again in one process. The calls that do so are named in within.opt. */
#ifndef YOTON_FUZZ_WITHIN_H
#define YOTON_FUZZ_WITHIN_H

enum { WITHIN_RETURNED = -1 };

/* Purpose: calls what(data). Returns the status with which it wanted to end the process, or
 * WITHIN_RETURNED. What it has taken of memory and has opened by fopen() is kept for a look at it.
 * Not to be called within. */
int within(void (*what)(void *), void *data);

/* Purpose: gives back what the last call of within() took. */
void within_release(void);

#endif
