/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects for tests. */
#ifndef YOTON_TESTS_OBJECT_HELP_H
#define YOTON_TESTS_OBJECT_HELP_H

#include "yoton/object.h"

/* Purpose: values; strings own a copy. */
yoton_value make_integer(int64_t n);
yoton_value make_number(double n);
yoton_value make_boolean(bool b);
yoton_value make_string(const char *text);

/* Purpose: the object in hexadecimal text, which must be good. */
yoton_value from_hex(const char *hex);

/* Purpose: append, which must work. */
void append(yoton_value *container, yoton_value item);

/* Purpose: the bytes of `levels` containers inside each other, then None. Their types go through
 * the letters of `shape` (l, t, d) again and again. A dict has the key None. Freed with free(). */
uint8_t *nested(const char *shape, size_t levels, size_t *size);

#endif
