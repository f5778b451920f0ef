/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a page well-formed, and made of nothing but what the harness writes into its pages? What a
 * text could smuggle in (a tag, an attribute, an entity) is none of that. */
#ifndef YOTON_FUZZ_MARKUP_H
#define YOTON_FUZZ_MARKUP_H

#include <stddef.h>

/* Purpose: NULL, or a static text that says what is wrong; *at is then the offset. HTML and XML. */
const char *markup_wrong(const char *page, size_t size, size_t *at);

#endif
