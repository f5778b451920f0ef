/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages as text, the way a person or a script gives and gets them:
 *   txt as it is, bin as hexadecimal digits, obj as a Python literal;
 *   with --json all as JSON in the form of json_value.h. */
#ifndef YOTON_TOOLS_VALUE_H
#define YOTON_TOOLS_VALUE_H

#include <jansson.h>
#include <stddef.h>

#include "tool_network.h"
#include "yoton/object.h"

/* Purpose: send a message given as text on the network's channel. `where` is what it is called in
 * errors ("argument 2"). With --json an object with a member `value`, as this command prints it,
 * stands for that. Returns TOOL_OK, or TOOL_FAILED, having said why. */
int tool_send(const network *net, const char *text, size_t size, const char *where);

/* Purpose: print a message and a line end; with --json also who sent it. Returns TOOL_OK, or
 * TOOL_FAILED, having said why. When the reader of the output has gone, or a signal came while it
 * was blocked, net->end tells so and the result is TOOL_OK. */
int tool_print(network *net, const yoton_message *message);

/* Purpose: print a value as a literal and a line end, or with --json as {"value":…}. Returns as
 * tool_print does, and so do the next two. */
int tool_print_value(network *net, const yoton_value *value);

/* Purpose: print a JSON object on a line. Takes over the reference; NULL means that memory was
 * short. */
int tool_print_json(network *net, json_t *json);

/* Purpose: have all that was printed written. */
int tool_flush(network *net);

#endif
