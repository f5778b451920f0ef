/* SPDX-License-Identifier: BSD-2-Clause */
/* Python literals as values: what yoton_object_literal writes, and what a person types. */
#ifndef YOTON_TOOLS_LITERAL_READ_H
#define YOTON_TOOLS_LITERAL_READ_H

#include <stddef.h>

#include "yoton/object.h"

/* What is wrong with a literal. */
typedef struct literal_problem {
    size_t at;       /* offset of the byte that is wrong */
    const char *why; /* static text */
} literal_problem;

/* Purpose: the value of a Python literal: None, True, False, an integer (also 0x, 0o, 0b and with
 * underscores), a float (also nan, which has no literal in Python), a string in single or double
 * quotes with its escapes, a list, tuple or dict. White space around it is allowed. *value is
 * overwritten and must be cleared by the caller.
 * Returns YOTON_OK; YOTON_E_ARGUMENT: not a literal; YOTON_E_TYPE: one, but of a kind that objects
 * cannot hold (bytes, a set, a complex number, an integer outside 64 bits); YOTON_E_UTF8,
 * YOTON_E_DEPTH (more than YOTON_DEPTH_DEFAULT), YOTON_E_KEY or YOTON_E_NOMEM. On error *value is
 * None and *problem tells where and why. */
int literal_read(const char *text, size_t size, yoton_value *value, literal_problem *problem);

#endif
