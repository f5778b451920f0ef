/* SPDX-License-Identifier: BSD-2-Clause */
/* Captured packets to streams to events. Input: 4 bytes for each of at most 64 packets, then what
 * the two sides say, then 2 bytes of settings: how many packets, and which of link type, beginning
 * and numbers. A packet is a piece of what a side says, in any order, twice, cut by a snap length,
 * or an acknowledgement, an end, a reset; packets of other connections, which begin anew at times,
 * may come between. Oracles: a packet that is written down is parsed to what
 * was written; bytes are handed out once, in order, and are those that were said; what is given up
 * as a gap had not come by then; what came is handed out or lies in a gap; a side ends once; events
 * go forward. What the sides say is taken for packets of every link type too, which must stay
 * inside of them. */
#include <pcap/dlt.h>

#include "capture_packet.h"
#include "capture_tcp.h"
#include "dump_stream.h"
#include "fuzz.h"

enum { PACKETS = 64, HEADERS = 96, LONGEST = 1 << 16 };

static const int link_types[] = {DLT_EN10MB, DLT_NULL,      DLT_LOOP,       DLT_RAW,
                                 DLT_IPV4,   DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_IPV6};

/* One direction, as the target knows it. */
typedef struct side {
    const uint8_t *said;
    size_t size;
    uint8_t *came, *cut; /* a flag a byte: it was in a packet; it was in the cut part of one */
    size_t base;         /* where the reader's offset 0 is; known from the first packet on */
    int started, ended;
    size_t at;        /* handed out or given up, from `base` on */
    uint64_t event;   /* offset of the last event */
    uint32_t initial; /* TCP number of its first byte */
} side;

typedef struct network {
    side sides[2];
    dump_reader reader;
    capture_handler inner;
    int six, link;
    int turned; /* the reader counts who speaks first as side 0, when nobody was seen to connect */
} network;

/* --- other connections, whose byte at TCP number n is 7n --- */

enum { FIRST_OTHER = 50000, STEP = 7 };

static int is_foreign(const capture_stream *stream) {
    return stream->side[0].port >= FIRST_OTHER || stream->side[1].port >= FIRST_OTHER;
}

static void send_foreign(capture_tcp *tcp, const uint8_t *op) {
    static const unsigned flags[] = {CAPTURE_ACK, CAPTURE_SYN, CAPTURE_SYN | CAPTURE_ACK,
                                     0,           CAPTURE_FIN, CAPTURE_RST,
                                     CAPTURE_SYN, CAPTURE_ACK};
    uint8_t data[8];
    uint32_t seq = op[1];
    unsigned flag = flags[op[0] >> 5];
    int from = op[2] & 1;
    capture_segment s = {.seq = seq, .ack = op[3], .flags = flag, .data = data, .window = 1};
    s.from.version = s.to.version = 4;
    s.from.port = from ? 5000 : (uint16_t)(FIRST_OTHER + (op[2] >> 1 & 3));
    s.to.port = from ? (uint16_t)(FIRST_OTHER + (op[2] >> 1 & 3)) : 5000;
    s.size = flag & (CAPTURE_SYN | CAPTURE_RST) ? 0 : op[3] % (sizeof data + 1);
    for (size_t i = 0; i < s.size; i++)
        data[i] = (uint8_t)((seq + i) * STEP);
    CHECK(capture_tcp_add(tcp, &s) == 0);
}

static void check_foreign(const uint8_t *data, size_t size) {
    for (size_t i = 1; i < size; i++)
        CHECK((uint8_t)(data[i] - data[i - 1]) == STEP);
}

/* --- what comes out --- */

static int on_data(void *user, capture_stream *stream, int from, const uint8_t *data, size_t size) {
    network *n = user;
    side *s = &n->sides[from ^ n->turned];
    if (is_foreign(stream)) {
        check_foreign(data, size);
        return n->inner.data(n->inner.user, stream, from, data, size);
    }
    CHECK(!s->ended && s->started && size > 0);
    CHECK(s->base + s->at + size <= s->size);
    CHECK(memcmp(data, s->said + s->base + s->at, size) == 0);
    for (size_t i = 0; i < size; i++)
        CHECK(s->came[s->base + s->at + i]);
    s->at += size;
    return n->inner.data(n->inner.user, stream, from, data, size);
}

static int on_gap(void *user, capture_stream *stream, int from, uint64_t bytes, capture_gap why) {
    network *n = user;
    side *s = &n->sides[from ^ n->turned];
    if (is_foreign(stream))
        return n->inner.gap(n->inner.user, stream, from, bytes, why);
    CHECK(!s->ended && s->started && bytes > 0);
    for (uint64_t i = 0; i < bytes && s->base + s->at + i < s->size; i++) {
        size_t place = s->base + s->at + (size_t)i;
        CHECK(why == CAPTURE_GAP_SNAP ? s->cut[place] : !s->came[place]);
    }
    s->at += (size_t)bytes;
    return n->inner.gap(n->inner.user, stream, from, bytes, why);
}

static int on_end(void *user, capture_stream *stream, int from, capture_end why) {
    network *n = user;
    side *s = &n->sides[from ^ n->turned];
    CHECK(is_foreign(stream) || !s->ended);
    s->ended |= !is_foreign(stream);
    return n->inner.end(n->inner.user, stream, from, why);
}

/* The stream is over: nothing that came was left behind. */
static void on_forget(void *user, capture_stream *stream, bool evicted) {
    network *n = user;
    CHECK(!evicted);
    n->inner.forget(n->inner.user, stream, evicted);
}

static int on_event(void *user, const dump_event *event) {
    network *n = user;
    side *s = &n->sides[event->side ^ n->turned];
    if (event->kind == DUMP_STREAM || event->stream->side[0].port >= FIRST_OTHER ||
        event->stream->side[1].port >= FIRST_OTHER)
        return 0;
    CHECK(event->offset <= s->at);
    CHECK(event->size <= s->size + YOTON_HEADER_SIZE);
    if (event->kind == DUMP_PACKAGE) {
        CHECK(event->offset >= s->event);
        CHECK(event->offset + YOTON_HEADER_SIZE + event->header.length <= s->at);
        CHECK(event->size + 0 <= event->header.length && event->missing <= event->header.length);
        s->event = event->offset + YOTON_HEADER_SIZE + event->header.length;
    }
    return 0;
}

/* --- a packet, written down --- */

static size_t put16(uint8_t *out, unsigned value) {
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    return 2;
}

static size_t put32(uint8_t *out, uint32_t value) {
    put16(out, value >> 16);
    put16(out + 2, value & 0xffff);
    return 4;
}

static size_t put_link(uint8_t *out, int link, int six) {
    unsigned type = six ? 0x86dd : 0x0800;
    memset(out, 0, 20);
    switch (link) {
    case DLT_EN10MB:
        return 12 + put16(out + 12, type);
    case DLT_NULL:
    case DLT_LOOP:
        return 4;
    case DLT_LINUX_SLL:
        return 14 + put16(out + 14, type);
    case DLT_LINUX_SLL2:
        put16(out, type);
        return 20;
    default:
        return 0;
    }
}

static size_t put_ip(uint8_t *out, int six, int from, size_t payload) {
    memset(out, 0, 40);
    if (!six) {
        out[0] = 0x45;
        put16(out + 2, (unsigned)(20 + payload));
        out[9] = 6;
        out[15] = (uint8_t)(1 + from);
        out[19] = (uint8_t)(2 - from);
        return 20;
    }
    out[0] = 0x60;
    put16(out + 4, (unsigned)payload);
    out[6] = 6;
    out[23] = (uint8_t)(1 + from);
    out[39] = (uint8_t)(2 - from);
    return 40;
}

static size_t put_tcp(uint8_t *out, int from, uint32_t seq, uint32_t ack, unsigned flags) {
    memset(out, 0, 20);
    put16(out, from ? 5000 : 40000);
    put16(out + 2, from ? 40000 : 5000);
    put32(out + 4, seq);
    put32(out + 8, ack);
    out[12] = 0x50;
    out[13] = (uint8_t)flags;
    put16(out + 14, 1000);
    return 20;
}

/* Writes a packet, has it parsed, and gives it to the reader. */
static void send_packet(network *n, capture_tcp *tcp, int from, size_t at, size_t size, size_t cut,
                        unsigned flags, size_t acked) {
    const side *s = &n->sides[from], *other = &n->sides[!from];
    uint32_t seq = s->initial + (uint32_t)at, ack = other->initial + (uint32_t)acked;
    uint8_t *packet = malloc(HEADERS + size);
    CHECK(packet != NULL);
    size_t head = put_link(packet, n->link, n->six);
    head += put_ip(packet + head, n->six, from, 20 + size);
    head += put_tcp(packet + head, from, seq - ((flags & CAPTURE_SYN) != 0), ack, flags);
    if (size > 0)
        memcpy(packet + head, s->said + at, size);
    uint8_t *exact = fuzz_copy(packet, head + size - cut);
    capture_segment segment;
    CHECK(capture_packet_parse(n->link, exact, head + size - cut, head + size, &segment) ==
          CAPTURE_TCP);
    CHECK(segment.seq == seq - ((flags & CAPTURE_SYN) != 0) && segment.ack == ack);
    CHECK(segment.flags == flags && segment.window == 1000);
    CHECK(segment.from.port == (from ? 5000 : 40000) && segment.to.port == (from ? 40000 : 5000));
    CHECK(segment.from.version == (n->six ? 6 : 4));
    CHECK(segment.size == size - cut && segment.missing == cut);
    CHECK(segment.data == exact + head);
    for (size_t i = 0; i < size && !s->ended; i++)
        *(i < size - cut ? &s->came[at + i] : &s->cut[at + i]) = 1;
    CHECK(capture_tcp_add(tcp, &segment) == 0);
    free(exact);
    free(packet);
}

/* Where the reader's offset 0 of a side is: at the first packet of its own, or that tells of it. */
static void start_side(side *s, size_t at) {
    if (!s->started)
        s->base = at;
    s->started = 1;
}

/* --- the packets of an input --- */

static void play_packet(network *n, capture_tcp *tcp, const uint8_t *op) {
    int from = op[0] & 1;
    if (op[0] & 0x10)
        send_foreign(tcp, op);
    side *s = &n->sides[from], *other = &n->sides[!from];
    size_t at = s->size > 0 ? (op[1] | (size_t)op[2] << 8) % s->size : 0;
    size_t size = op[3] < s->size - at ? op[3] : s->size - at, cut = 0;
    size_t acked = other->size > 0 ? (size_t)op[0] * 131 % (other->size + 1) : 0;
    unsigned flags = 0;
    switch (op[0] >> 1 & 7) {
    case 0:
    case 1:
    case 2:
        break;
    case 3:
        flags = CAPTURE_ACK;
        break;
    case 4:
        cut = size / 2;
        break;
    case 5: /* an end, where what it says ends */
        at = s->size;
        size = 0;
        flags = CAPTURE_FIN;
        break;
    case 6:
        size = 0;
        flags = CAPTURE_ACK;
        break;
    default:
        size = 0;
        flags = op[3] == 255 ? CAPTURE_RST : CAPTURE_ACK;
        break;
    }
    start_side(s, at);
    if (flags & CAPTURE_ACK)
        start_side(other, acked);
    send_packet(n, tcp, from, at, size, cut, flags, acked);
}

static void set_up(network *n, capture_tcp *tcp) {
    start_side(&n->sides[0], 0);
    send_packet(n, tcp, 0, 0, 0, 0, CAPTURE_SYN, 0);
    start_side(&n->sides[1], 0);
    send_packet(n, tcp, 1, 0, 0, 0, CAPTURE_SYN | CAPTURE_ACK, 0);
}

static void new_side(side *s, const uint8_t *said, size_t size, uint32_t initial) {
    *s = (side){.said = said, .size = size, .initial = initial};
    s->came = calloc(size + 1, 1);
    s->cut = calloc(size + 1, 1);
    CHECK(s->came != NULL && s->cut != NULL);
}

/* Whether a side that went on to the end of the capture kept something back. */
static void check_side(const side *s) {
    for (size_t i = s->base + s->at; i < s->size && s->at < LONGEST; i++)
        CHECK(!s->came[i] || !s->started);
}

static void parse_anything(const uint8_t *data, size_t size) {
    uint8_t *exact = fuzz_copy(data, size);
    for (size_t i = 0; i < sizeof link_types / sizeof link_types[0]; i++)
        for (size_t more = 0; more < 3; more += 2) {
            capture_segment s;
            if (capture_packet_parse(link_types[i], exact, size, size + more, &s) != CAPTURE_TCP)
                continue;
            CHECK(s.data >= exact && s.size <= size && s.data + s.size <= exact + size);
            CHECK(s.size + s.missing <= size + more);
            CHECK(s.from.version == s.to.version && (s.from.version == 4 || s.from.version == 6));
        }
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > LONGEST)
        return 0;
    uint8_t settings = fuzz_setting(data, &size), count = fuzz_setting(data, &size) % (PACKETS + 1);
    size_t packets = count < size / 4 ? count : size / 4;
    const uint8_t *said = data + 4 * packets;
    size_t left = size - 4 * packets, half = left / 2;
    network n = {.six = settings >> 3 & 1,
                 .link = link_types[settings & 7],
                 .reader = {.event = on_event, .max_message = 1 << 20, .keep = 4096}};
    n.six = n.link == DLT_IPV6 ? 1 : n.link == DLT_IPV4 ? 0 : n.six;
    n.reader.user = &n;
    n.inner = dump_stream_handler(&n.reader);
    capture_handler handler = {
        .user = &n, .data = on_data, .gap = on_gap, .end = on_end, .forget = on_forget};
    uint32_t initial = settings & 0x20 ? UINT32_MAX - 20 : 1000; /* wraps soon */
    new_side(&n.sides[0], said, half, initial);
    new_side(&n.sides[1], said + half, left - half, ~initial);
    capture_tcp *tcp = capture_tcp_new(&handler);
    CHECK(tcp != NULL);
    if (settings & 0x10)
        set_up(&n, tcp);
    n.turned = packets > 0 && !(settings & 0x10) && (data[0] & 1);
    for (size_t i = 0; i < packets; i++)
        play_packet(&n, tcp, data + 4 * i);
    int over[2] = {n.sides[0].ended, n.sides[1].ended};
    CHECK(capture_tcp_finish(tcp) == 0);
    capture_tcp_free(tcp);
    CHECK(n.reader.memory == 0);
    for (int i = 0; i < 2; i++) {
        if (!over[i])
            check_side(&n.sides[i]);
        free(n.sides[i].came);
        free(n.sides[i].cut);
    }
    parse_anything(said, left);
    return 0;
}
