/* SPDX-License-Identifier: BSD-2-Clause */
/* An allocator that counts and fails on demand. It takes effect in programs that the Makefile links
 * with $(WRAP_MALLOC), and sees the calls of this project's code, not those of libraries. */
#ifndef YOTON_TESTS_ALLOC_H
#define YOTON_TESTS_ALLOC_H

#include <stddef.h>

/* Purpose: count from here; the call number `fail_at` (from 1) returns NULL, 0 fails none. */
void alloc_start(size_t fail_at);

/* Purpose: stop counting and failing. */
void alloc_stop(void);

size_t alloc_calls(void); /* allocations asked for since alloc_start */
size_t alloc_live(void);  /* bytes allocated since alloc_start and not freed */
size_t
alloc_peak(void); /* the most that were live at once, old and new block of a realloc counted */

#endif
