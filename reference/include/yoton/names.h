/* SPDX-License-Identifier: BSD-2-Clause */
/* Names: slot names and their hash, port names, addresses. No I/O: host names are not resolved. */
#ifndef YOTON_NAMES_H
#define YOTON_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "yoton/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define YOTON_NAME_MAX 65536 /* code points of a slot or port name */
#define YOTON_HOST_MAX 255   /* bytes of a host name */

/* Purpose: strip and lower-case a full slot name as the spec says.
 * name is UTF-8 of size bytes. *out receives memory the caller frees with free() (NUL-terminated,
 * *out_size without the NUL). On YOTON_E_UTF8 *out_size is the offset of the first bad byte.
 * Returns YOTON_OK, YOTON_E_UTF8, YOTON_E_LENGTH (over YOTON_NAME_MAX code points, counted before
 * and after) or YOTON_E_NOMEM. */
int yoton_slot_normalize(const char *name, size_t size, char **out, size_t *out_size);

/* Purpose: the slot number of a full slot name: normalise, then hash. *slot receives it, at
 * least 8. Returns what yoton_slot_normalize returns. */
int yoton_slot_hash(const char *name, size_t size, uint64_t *slot);

/* Purpose: the port number of a port name, taken as it is. *port receives 49152 … 65535.
 * Returns YOTON_OK, YOTON_E_UTF8, YOTON_E_LENGTH or YOTON_E_NOMEM. */
int yoton_port_hash(const char *name, size_t size, uint16_t *port);

typedef enum yoton_host_kind {
    YOTON_HOST_NAME,  /* a name or IPv4 literal: `host` */
    YOTON_HOST_IPV6,  /* an IPv6 literal, brackets taken off: `host` */
    YOTON_HOST_PUBLIC /* one of this machine's own addresses: number `index` */
} yoton_host_kind;

typedef struct yoton_address {
    char protocol[16]; /* lower-case; "tcp" when not given */
    yoton_host_kind kind;
    unsigned index;
    char host[YOTON_HOST_MAX + 1]; /* "localhost" has become 127.0.0.1 */
    uint16_t port;
} yoton_address;

/* Purpose: take an address `[protocol://]host:port` apart, port names and `+offset` included. A
 * port of digits only is a number from 0 (any free port) to 65535; every other text is a port name.
 * On error *offset (may be NULL) is the byte of `text` where it went wrong and *why (may be NULL) a
 * static text that says what is wrong.
 * Returns YOTON_OK, YOTON_E_ADDRESS, or YOTON_E_NOMEM. */
int yoton_address_parse(yoton_address *address, const char *text, size_t *offset, const char **why);

#ifdef __cplusplus
}
#endif
#endif
