/* SPDX-License-Identifier: BSD-2-Clause */
/* One captured packet taken apart, down to its TCP segment. Pure functions over caller memory. */
#ifndef YOTON_TOOLS_CAPTURE_PACKET_H
#define YOTON_TOOLS_CAPTURE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* TCP flags, as on the wire. */
enum { CAPTURE_FIN = 0x01, CAPTURE_SYN = 0x02, CAPTURE_RST = 0x04, CAPTURE_ACK = 0x10 };

typedef struct capture_endpoint {
    uint8_t version; /* 4 or 6 */
    uint8_t address[16];
    uint16_t port;
} capture_endpoint;

typedef struct capture_segment {
    capture_endpoint from, to;
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window;     /* not scaled */
    const uint8_t *data; /* payload, borrowed from the packet */
    size_t size;
    size_t missing; /* payload bytes behind `data` that the snap length cut off */
} capture_segment;

typedef enum capture_found {
    CAPTURE_TCP,      /* *segment is filled */
    CAPTURE_OTHER,    /* not TCP over IP, or malformed */
    CAPTURE_FRAGMENT, /* a part of a fragmented IP packet; they are not put together */
    CAPTURE_CUT       /* the snap length cut the headers */
} capture_found;

/* Purpose: 1 when packets of this link type (libpcap's DLT_ number) can be taken apart. */
bool capture_link_known(int link);

/* Purpose: find the TCP segment in a packet. `size` bytes were captured of `wire_size` sent. */
capture_found capture_packet_parse(int link, const uint8_t *data, size_t size, size_t wire_size,
                                   capture_segment *segment);

enum { CAPTURE_ENDPOINT_TEXT = 64 };

/* Purpose: address:port, an IPv6 address in brackets, NUL-terminated. */
void capture_endpoint_text(const capture_endpoint *endpoint, char out[CAPTURE_ENDPOINT_TEXT]);

#endif
