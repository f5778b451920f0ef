/* SPDX-License-Identifier: BSD-2-Clause */
#define _DEFAULT_SOURCE /* inet_ntop, and the old names of types that pcap.h uses */

#include "capture_packet.h"

#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

enum {
    ETHER_IPV4 = 0x0800,
    ETHER_IPV6 = 0x86dd,
    ETHER_VLAN = 0x8100,
    ETHER_QINQ = 0x88a8,
    ETHER_QINQ_OLD = 0x9100
};

enum {
    NEXT_HOP_BY_HOP = 0,
    NEXT_TCP = 6,
    NEXT_ROUTING = 43,
    NEXT_FRAGMENT = 44,
    NEXT_AUTHENTICATION = 51,
    NEXT_DESTINATION = 60
};

/* What of the packet is still to be read. `wire` is never less than `size`. */
typedef struct view {
    const uint8_t *data;
    size_t size, wire;
} view;

static unsigned be16(const uint8_t *p) { return (unsigned)p[0] << 8 | p[1]; }
static uint32_t be32(const uint8_t *p) { return (uint32_t)be16(p) << 16 | be16(p + 2); }

/* Steps over `bytes` of header that are all there. */
static void step(view *v, size_t bytes) {
    v->data += bytes;
    v->size -= bytes;
    v->wire -= bytes;
}

/* A header that is not all there was cut by the snap length, or never was whole. */
static capture_found too_short(const view *v, size_t bytes) {
    return v->wire >= bytes ? CAPTURE_CUT : CAPTURE_OTHER;
}

/* What lies behind the length that the IP header tells is padding of the link. */
static void limit(view *v, size_t bytes) {
    if (v->wire > bytes)
        v->wire = bytes;
    if (v->size > bytes)
        v->size = bytes;
}

static capture_found parse_tcp(view *v, capture_segment *s) {
    enum { HEADER = 20 };
    if (v->size < HEADER)
        return too_short(v, HEADER);
    const uint8_t *h = v->data;
    size_t header = (size_t)(h[12] >> 4) * 4;
    if (header < HEADER || header > v->wire)
        return CAPTURE_OTHER;
    s->from.port = (uint16_t)be16(h);
    s->to.port = (uint16_t)be16(h + 2);
    s->seq = be32(h + 4);
    s->ack = be32(h + 8);
    s->flags = h[13];
    s->window = (uint16_t)be16(h + 14);
    size_t there = header < v->size ? header : v->size;
    step(v, there);
    s->data = v->data;
    s->size = v->size;
    s->missing = v->wire - v->size - (header - there); /* options that were cut are no payload */
    return CAPTURE_TCP;
}

static capture_found parse_ipv4(view *v, capture_segment *s) {
    enum { HEADER = 20 };
    if (v->size < HEADER)
        return too_short(v, HEADER);
    const uint8_t *h = v->data;
    size_t header = (size_t)(h[0] & 15) * 4, total = be16(h + 2);
    if (header < HEADER || h[9] != NEXT_TCP)
        return CAPTURE_OTHER;
    if ((be16(h + 6) & 0x3fff) != 0) /* more fragments, or an offset */
        return CAPTURE_FRAGMENT;
    if (total == 0) /* segments larger than a packet may be, as offloading cards show them */
        total = v->wire;
    if (total < header)
        return CAPTURE_OTHER;
    limit(v, total);
    if (v->size < header)
        return too_short(v, header);
    s->from.version = s->to.version = 4;
    memcpy(s->from.address, h + 12, 4);
    memcpy(s->to.address, h + 16, 4);
    step(v, header);
    return parse_tcp(v, s);
}

/* Walks over IPv6's extension headers. */
static capture_found parse_ipv6_next(view *v, unsigned next, capture_segment *s) {
    while (next != NEXT_TCP) {
        size_t unit = next == NEXT_AUTHENTICATION ? 4 : 8, more = unit;
        if (next != NEXT_HOP_BY_HOP && next != NEXT_ROUTING && next != NEXT_FRAGMENT &&
            next != NEXT_AUTHENTICATION && next != NEXT_DESTINATION)
            return CAPTURE_OTHER;
        if (v->size < 8)
            return too_short(v, 8);
        if (next == NEXT_FRAGMENT) {
            if ((be16(v->data + 2) & 0xfff9) != 0)
                return v->data[0] == NEXT_TCP ? CAPTURE_FRAGMENT : CAPTURE_OTHER;
            more = 0;
        }
        size_t header = more ? unit * (v->data[1] + (next == NEXT_AUTHENTICATION ? 2U : 1U)) : 8;
        if (v->size < header)
            return too_short(v, header);
        next = v->data[0];
        step(v, header);
    }
    return parse_tcp(v, s);
}

static capture_found parse_ipv6(view *v, capture_segment *s) {
    enum { HEADER = 40 };
    if (v->size < HEADER)
        return too_short(v, HEADER);
    const uint8_t *h = v->data;
    size_t payload = be16(h + 4);
    s->from.version = s->to.version = 6;
    memcpy(s->from.address, h + 8, 16);
    memcpy(s->to.address, h + 24, 16);
    if (payload > 0) /* 0: larger than the field can tell */
        limit(v, HEADER + payload);
    step(v, HEADER);
    return parse_ipv6_next(v, h[6], s);
}

static capture_found parse_ip(view *v, capture_segment *s) {
    if (v->size < 1)
        return too_short(v, 1);
    unsigned version = v->data[0] >> 4;
    return version == 4 ? parse_ipv4(v, s) : version == 6 ? parse_ipv6(v, s) : CAPTURE_OTHER;
}

/* An EtherType has been read; tags of virtual networks may stand before the packet. */
static capture_found parse_ethertype(view *v, unsigned type, capture_segment *s) {
    while (type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD) {
        if (v->size < 4)
            return too_short(v, 4);
        type = be16(v->data + 2);
        step(v, 4);
    }
    return type == ETHER_IPV4 || type == ETHER_IPV6 ? parse_ip(v, s) : CAPTURE_OTHER;
}

/* Link headers: how long each is, and where its EtherType stands (0: IP follows at once). */
static const struct link {
    int number;
    uint8_t header, ethertype;
} links[] = {
    {DLT_EN10MB, 14, 12},    {DLT_NULL, 4, 0},        {DLT_LOOP, 4, 0}, {DLT_RAW, 0, 0},
    {DLT_IPV4, 0, 0},        {DLT_IPV6, 0, 0},        {14, 0, 0}, /* DLT_RAW of other systems */
    {DLT_LINUX_SLL, 16, 14}, {DLT_LINUX_SLL2, 20, 0},
};

static const struct link *find_link(int number) {
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        if (links[i].number == number)
            return &links[i];
    return NULL;
}

bool capture_link_known(int link) { return find_link(link) != NULL; }

capture_found capture_packet_parse(int link, const uint8_t *data, size_t size, size_t wire_size,
                                   capture_segment *segment) {
    const struct link *l = find_link(link);
    view v = {data, size, wire_size > size ? wire_size : size};
    if (l == NULL)
        return CAPTURE_OTHER;
    *segment = (capture_segment){0};
    if (v.size < l->header)
        return too_short(&v, l->header);
    step(&v, l->header);
    if (link == DLT_LINUX_SLL2) /* the only one whose EtherType comes first */
        return parse_ethertype(&v, be16(data), segment);
    if (l->ethertype > 0)
        return parse_ethertype(&v, be16(data + l->ethertype), segment);
    return parse_ip(&v, segment);
}

void capture_endpoint_text(const capture_endpoint *endpoint, char out[CAPTURE_ENDPOINT_TEXT]) {
    char address[INET6_ADDRSTRLEN] = "?";
    int six = endpoint->version == 6;
    inet_ntop(six ? AF_INET6 : AF_INET, endpoint->address, address, sizeof address);
    snprintf(out, CAPTURE_ENDPOINT_TEXT, six ? "[%s]:%u" : "%s:%u", address, endpoint->port);
}
