/* SPDX-License-Identifier: BSD-2-Clause */
#include "yoton/error.h"

#include <stddef.h>

/* One for each code. */
static const char *const texts[] = {
    [-YOTON_OK] = "success",
    [-YOTON_E_MORE] = "more bytes are needed",
    [-YOTON_E_NOMEM] = "out of memory",
    [-YOTON_E_ARGUMENT] = "argument out of range",
    [-YOTON_E_CONTROL] = "wrong control bytes: lost track of the stream",
    [-YOTON_E_LENGTH] = "length above the limit or past the end",
    [-YOTON_E_NOT_YOTON] = "not a Yoton handshake",
    [-YOTON_E_HANDSHAKE] = "malformed handshake line",
    [-YOTON_E_LINE] = "handshake line longer than the limit",
    [-YOTON_E_SELF] = "context cannot connect to self",
    [-YOTON_E_TYPE] = "unknown object type",
    [-YOTON_E_UTF8] = "malformed UTF-8",
    [-YOTON_E_DEPTH] = "object nested too deep",
    [-YOTON_E_KEY] = "list or dict used as a dictionary key",
    [-YOTON_E_SPACE] = "not enough room for the result",
    [-YOTON_E_ADDRESS] = "address does not parse",
    [-YOTON_E_CLOSED] = "closed",
    [-YOTON_E_TIMEOUT] = "timed out",
    [-YOTON_E_EOF] = "the other end dropped the connection",
    [-YOTON_E_SLOT_TAKEN] = "the slot has a channel already",
    [-YOTON_E_SYSTEM] = "system error",
    [-YOTON_E_CONNECT] = "nobody accepted the connection in time",
    [-YOTON_E_STATE] = "not possible in the present state",
    [-YOTON_E_FULL] = "full",
    [-YOTON_E_CANCELLED] = "cancelled",
    [-YOTON_E_REMOTE] = "the replier answered with an error",
};

const char *yoton_strerror(int error) {
    size_t count = sizeof texts / sizeof texts[0];
    if (error > 0 || error <= -(int)count)
        return "unknown error";
    return texts[-error];
}
