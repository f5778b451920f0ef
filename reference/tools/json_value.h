/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects as JSON, in the form of the adapter protocol:
 *   null, true, false, "text", an integer or {"int":"-9223372036854775808"}, {"float":"1.5"} (also
 *   "nan", "inf", "-inf" and hexadecimal floats), [list], {"tuple":[…]}, {"dict":[[key,value],…]}.
 * Bytes are {"hex":"00ff"}. */
#ifndef YOTON_TOOLS_JSON_VALUE_H
#define YOTON_TOOLS_JSON_VALUE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "yoton/object.h"

/* Purpose: the JSON form of a value. Integers beyond 2^53 become {"int":…}; of dictionary entries
 * with equal keys one remains, in the first one's place and with the last one's value.
 * Returns a new reference, or NULL when memory is short. */
json_t *json_from_value(const yoton_value *value);

/* Purpose: the value of a JSON form. *value is overwritten and must be cleared by the caller.
 * Returns YOTON_OK, YOTON_E_ARGUMENT (not of that form), YOTON_E_TYPE (well-formed, but bytes or an
 * integer outside 64 bits, which objects cannot hold), YOTON_E_DEPTH (nested deeper than
 * YOTON_DEPTH_DEFAULT) or YOTON_E_NOMEM; on error *value is None. For the first two *why (may be
 * NULL) says in a static text what is wrong. */
int json_to_value(const json_t *json, yoton_value *value, const char **why);

/* Purpose: {"hex":…} of some bytes. Returns a new reference, or NULL when memory is short. */
json_t *json_from_bytes(const void *data, size_t size);

/* Purpose: the bytes of {"hex":…}, in memory the caller frees with free().
 * Returns YOTON_OK, YOTON_E_ARGUMENT (*why says what is wrong, static text) or YOTON_E_NOMEM. */
int json_to_bytes(const json_t *json, uint8_t **data, size_t *size, const char **why);

#endif
