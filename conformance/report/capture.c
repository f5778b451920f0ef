/* SPDX-License-Identifier: BSD-2-Clause */
/* Written by hand: libpcap writes no pcapng, and comments need that. The format:
 * draft-ietf-opsawg-pcapng. */
#define _DEFAULT_SOURCE /* timegm */
#define _XOPEN_SOURCE 700
#include "report/capture.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/util.h"

enum {
    LINKTYPE_RAW = 101, /* the packet begins with the IP header */
    IP_SIZE = 20,
    TCP_SIZE = 20,
    HEADERS = IP_SIZE + TCP_SIZE,
    SEGMENT_MAX = 32768,
    FIN = 1,
    SYN = 2,
    RST = 4,
    PSH = 8,
    ACK = 16,
    OPTION_END = 0,
    OPTION_COMMENT = 1,
    OPTION_TSRESOL = 9,
    NANOSECONDS = 9
};

/* ---- Blocks ---- */

typedef struct block {
    uint8_t *bytes;
    size_t size;
} block;

static void add(block *b, const void *bytes, size_t size) {
    b->bytes = more_room(b->bytes, b->size + size + 1);
    if (size > 0)
        memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
}

static void add_16(block *b, uint16_t number) { add(b, &number, sizeof number); }
static void add_32(block *b, uint32_t number) { add(b, &number, sizeof number); }

static void pad(block *b) {
    static const uint8_t zeros[3];
    add(b, zeros, (4 - b->size % 4) % 4);
}

static void add_option(block *b, uint16_t code, const void *value, size_t size) {
    add_16(b, code);
    add_16(b, (uint16_t)size);
    add(b, value, size);
    pad(b);
}

static void add_comment(block *b, const char *text) {
    if (*text != '\0')
        add_option(b, OPTION_COMMENT, text, strlen(text) < 60000 ? strlen(text) : 60000);
}

/* The body becomes a block of its own in the file, in the byte order of this machine. */
static void write_block(FILE *file, uint32_t type, block *body) {
    uint32_t length = (uint32_t)body->size + 12;
    fwrite(&type, sizeof type, 1, file);
    fwrite(&length, sizeof length, 1, file);
    fwrite(body->bytes, body->size, 1, file);
    fwrite(&length, sizeof length, 1, file);
    free(body->bytes);
    *body = (block){0};
}

static void write_start(FILE *file, const char *comment) {
    block b = {0};
    add_32(&b, 0x1A2B3C4D);
    add_16(&b, 1); /* version 1.0 */
    add_16(&b, 0);
    add_32(&b, UINT32_MAX); /* the length of the section is not told */
    add_32(&b, UINT32_MAX);
    add_comment(&b, comment);
    add_option(&b, OPTION_END, NULL, 0);
    write_block(file, 0x0A0D0D0A, &b);
    const uint8_t resolution = NANOSECONDS;
    add_16(&b, LINKTYPE_RAW);
    add_16(&b, 0);
    add_32(&b, 0); /* packets are of any length */
    add_option(&b, OPTION_TSRESOL, &resolution, 1);
    add_option(&b, OPTION_END, NULL, 0);
    write_block(file, 1, &b);
}

/* ---- Packets ---- */

/* One half of a connection. */
typedef struct half {
    uint16_t port;
    uint32_t sequence; /* of its next byte */
} half;

typedef struct conversation {
    const char *who; /* "end 1"; NULL: none yet */
    half harness, peer;
    bool over;
} conversation;

static void put_16(uint8_t *at, uint32_t number) {
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
}

static void put_32(uint8_t *at, uint32_t number) {
    put_16(at, number >> 16);
    put_16(at + 2, number);
}

static uint32_t sum_up(uint32_t sum, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    return sum;
}

static uint32_t checksum(uint32_t sum) {
    while (sum >> 16 != 0)
        sum = (sum & 0xFFFF) + (sum >> 16);
    return ~sum & 0xFFFF;
}

/* The headers in front of a segment; `have` of its `size` bytes are known, and without all of them
 * there is no right checksum. */
static void make_headers(uint8_t *out, const half *from, const half *to, unsigned flags,
                         const uint8_t *data, size_t have, size_t size) {
    static const uint8_t host[4] = {127, 0, 0, 1};
    uint8_t *tcp = out + IP_SIZE;
    memset(out, 0, HEADERS);
    out[0] = 0x45;
    put_16(out + 2, (uint32_t)(HEADERS + size));
    out[6] = 0x40; /* not to be fragmented */
    out[8] = 64;
    out[9] = 6;
    memcpy(out + 12, host, 4);
    memcpy(out + 16, host, 4);
    put_16(out + 10, checksum(sum_up(0, out, IP_SIZE)));
    put_16(tcp, from->port);
    put_16(tcp + 2, to->port);
    put_32(tcp + 4, from->sequence);
    put_32(tcp + 8, flags & ACK ? to->sequence : 0);
    tcp[12] = TCP_SIZE / 4 << 4;
    tcp[13] = (uint8_t)flags;
    put_16(tcp + 14, 65535);
    uint32_t sum = sum_up(6 + TCP_SIZE + (uint32_t)size, out + 12, 8);
    sum = sum_up(sum_up(sum, tcp, TCP_SIZE), data, have);
    put_16(tcp + 16, checksum(sum));
}

static void write_packet(FILE *file, uint64_t when, half *from, const half *to, unsigned flags,
                         const uint8_t *data, size_t have, size_t size, const char *comment) {
    uint8_t headers[HEADERS];
    block b = {0};
    make_headers(headers, from, to, flags, data, have, size);
    add_32(&b, 0); /* the interface */
    add_32(&b, (uint32_t)(when >> 32));
    add_32(&b, (uint32_t)when);
    add_32(&b, (uint32_t)(HEADERS + have));
    add_32(&b, (uint32_t)(HEADERS + size));
    add(&b, headers, HEADERS);
    add(&b, data, have);
    pad(&b);
    add_comment(&b, comment);
    add_option(&b, OPTION_END, NULL, 0);
    write_block(file, 6, &b);
    from->sequence += (uint32_t)size + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
}

/* ---- From a transcript ---- */

static void open_connection(FILE *file, uint64_t when, conversation *c, size_t number,
                            const char *what) {
    const char *port = strstr(what, "port ");
    bool peer_listens = strstr(what, "the peer listened") != NULL;
    uint16_t listening = port != NULL ? (uint16_t)atoi(port + 5) : 9;
    uint16_t other = (uint16_t)(listening == 40000 + number ? 50000 + number : 40000 + number);
    c->harness = (half){peer_listens ? other : listening, 1000};
    c->peer = (half){peer_listens ? listening : other, 1000};
    half *client = peer_listens ? &c->harness : &c->peer;
    half *server = peer_listens ? &c->peer : &c->harness;
    write_packet(file, when, client, server, SYN, NULL, 0, 0, "");
    write_packet(file, when, server, client, SYN | ACK, NULL, 0, 0, "");
    write_packet(file, when, client, server, ACK, NULL, 0, 0, "");
}

static uint8_t *bytes_of(const char *hex, size_t *have) {
    *have = strlen(hex) / 2;
    uint8_t *bytes = room(*have + 1);
    for (size_t i = 0; i < *have; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return bytes;
}

static char *comment_of(const json_t *entry) {
    const json_t *wrong = json_object_get(entry, "wrong");
    const char *what = json_get_text(entry, "what"), *field = json_get_text(entry, "field");
    if (json_is_integer(wrong))
        return text_of("HERE: wrong %s at offset %lld. %s", field,
                       (long long)json_integer_value(wrong), what);
    return json_is_true(wrong) ? text_of("HERE: %s", what) : text_of("%s", what);
}

static void write_data(FILE *file, uint64_t when, half *from, const half *to, const json_t *entry) {
    size_t have, size = (size_t)json_integer_value(json_object_get(entry, "size"));
    uint8_t *bytes = bytes_of(json_get_text(entry, "hex"), &have);
    char *comment = comment_of(entry);
    for (size_t at = 0; at < size; at += SEGMENT_MAX) {
        size_t part = size - at < SEGMENT_MAX ? size - at : SEGMENT_MAX;
        size_t known = at < have ? have - at : 0;
        write_packet(file, when, from, to, PSH | ACK, bytes + at * (known > 0),
                     known < part ? known : part, part, at == 0 ? comment : "");
    }
    free(bytes);
    free(comment);
}

static void write_entry(FILE *file, uint64_t when, conversation *c, size_t number,
                        const json_t *entry) {
    const char *what = json_get_text(entry, "what"), *direction = json_get_text(entry, "direction");
    bool sent = strcmp(direction, "sent") == 0;
    if (c->who == NULL) {
        c->who = json_get_text(entry, "who");
        open_connection(file, when, c, number, what);
    }
    half *from = sent ? &c->harness : &c->peer, *to = sent ? &c->peer : &c->harness;
    if (strcmp(direction, "note") == 0 || c->over)
        return;
    if (json_object_get(entry, "size") != NULL) {
        write_data(file, when, from, to, entry);
    } else if (strstr(what, "reset") != NULL) {
        write_packet(file, when, from, to, RST | ACK, NULL, 0, 0, what);
        c->over = true;
    } else {
        write_packet(file, when, from, to, FIN | ACK, NULL, 0, 0, what);
    }
}

static conversation *find(conversation *list, size_t room_left, const char *who, size_t *number) {
    for (*number = 0; *number < room_left; ++*number)
        if (list[*number].who == NULL || strcmp(list[*number].who, who) == 0)
            return &list[*number];
    return NULL;
}

static const double LAST_TIME = 1.8e10; /* seconds: 64 bits of nanoseconds hold no more */

static void write_transcript(FILE *file, const json_t *transcript, double start) {
    size_t count = json_array_size(transcript), i, number = 0;
    conversation *list = room((count + 1) * sizeof *list);
    json_t *entry;
    json_array_foreach(transcript, i, entry) {
        const char *who = json_get_text(entry, "who");
        if (strncmp(who, "end ", 4) != 0)
            continue;
        double told = start + json_number_value(json_object_get(entry, "t"));
        double when = fmin(fmax(told, 0), LAST_TIME);
        write_entry(file, (uint64_t)(when * 1e9), find(list, count + 1, who, &number), number,
                    entry);
    }
    free(list);
}

static bool has_traffic(const json_t *transcript) {
    size_t i;
    json_t *entry;
    json_array_foreach(transcript, i, entry) {
        if (strncmp(json_get_text(entry, "who"), "end ", 4) == 0)
            return true;
    }
    return false;
}

static double start_of(const json_t *results) {
    struct tm parts = {0};
    const char *end = strptime(json_get_text(results, "started"), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return end != NULL ? (double)timegm(&parts) : 0;
}

static char *write_one(const char *path, const json_t *results, const json_t *one) {
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return text_of("capture %s: %s", path, strerror(errno));
    char *comment = text_of(
        "yotonspec %s, case %s, the peer as %s: %s. %s\nRequirement %s: %s\nMade from the "
        "transcript of the case: headers of TCP are as they would be, not as they were.",
        json_get_text(json_object_get(results, "peer"), "name"), json_get_text(one, "id"),
        json_get_text(one, "role"), json_get_text(one, "verdict"), json_get_text(one, "why"),
        json_get_text(one, "requirement"), json_get_text(one, "text"));
    write_start(file, comment);
    write_transcript(file, json_object_get(one, "transcript"), start_of(results));
    free(comment);
    int failed = ferror(file);
    if (fclose(file) != 0 || failed)
        return text_of("capture %s: %s", path, strerror(errno));
    return NULL;
}

/* ---- The folder ---- */

static void remove_old(const char *folder) {
    DIR *all = opendir(folder);
    for (struct dirent *one; all != NULL && (one = readdir(all)) != NULL;) {
        const char *end = strrchr(one->d_name, '.');
        char *path = text_of("%s/%s", folder, one->d_name);
        if (end != NULL && strcmp(end, ".pcapng") == 0)
            unlink(path);
        free(path);
    }
    if (all != NULL)
        closedir(all);
}

char *write_captures(const char *folder, json_t *results) {
    char *captures = text_of("%s/captures", folder), *problem = NULL;
    size_t i;
    json_t *one;
    remove_old(captures);
    json_array_foreach(json_object_get(results, "cases"), i, one) {
        if (problem != NULL || !has_traffic(json_object_get(one, "transcript")))
            continue;
        if (mkdir(captures, 0777) != 0 && errno != EEXIST)
            problem = text_of("captures %s: %s", captures, strerror(errno));
        char *name =
            text_of("captures/%s-%s.pcapng", json_get_text(one, "id"), json_get_text(one, "role"));
        char *path = text_of("%s/%s", folder, name);
        if (problem == NULL)
            problem = write_one(path, results, one);
        if (problem == NULL)
            json_object_set_new(one, "capture", json_string(name));
        free(name);
        free(path);
    }
    rmdir(captures); /* only when it is empty */
    free(captures);
    return problem;
}
