/* SPDX-License-Identifier: BSD-2-Clause */
#define _DEFAULT_SOURCE /* the old names of types that pcap.h uses */

#include "capture_file.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture_source.h"

struct capture_file {
    pcap_t *pcap;
    FILE *stream; /* NULL for an interface */
    capture_source *source;
    int link;
    uint64_t first;  /* time of the first packet */
    uint64_t offset; /* where the next packet starts */
    uint64_t
        record; /* of a pcap file, where all are alike: bytes that stand before a packet's own */
    capture_counts counts;
};

/* Where reading failed. libpcap may have read blocks that are no packets behind `offset`. */
static void where(const capture_file *f, char *out, size_t size) {
    if (f->stream != NULL)
        snprintf(out, size, "after byte %llu", (unsigned long long)f->offset);
    else
        snprintf(out, size, "after packet %lu", f->counts.packets);
}

/* libpcap's own words for a file that ends in its first bytes, or starts like no capture. */
static const char *open_trouble(const char *pcap_error) {
    if (strstr(pcap_error, "truncated") != NULL)
        return "byte 0: not a capture, or cut inside the header of the file";
    if (strstr(pcap_error, "unknown file format") != NULL ||
        strstr(pcap_error, "bad dump file") != NULL)
        return "byte 0: not a pcap or pcapng capture (compressed ones must be unpacked first)";
    return pcap_error;
}

static int open_pcap(capture_file *f, char error[CAPTURE_ERROR_SIZE]) {
    char trouble[PCAP_ERRBUF_SIZE] = "";
    f->pcap = pcap_fopen_offline(f->stream, trouble);
    if (f->pcap == NULL) {
        snprintf(error, CAPTURE_ERROR_SIZE, "%s", open_trouble(trouble));
        return -1;
    }
    f->link = pcap_datalink(f->pcap);
    f->offset = capture_source_offset(f->source);
    if (capture_link_known(f->link))
        return 0;
    const char *name = pcap_datalink_val_to_name(f->link);
    snprintf(error, CAPTURE_ERROR_SIZE,
             "header before byte %llu: link type %d (%s) is not one of Ethernet, loopback, raw IP "
             "and Linux cooked",
             (unsigned long long)f->offset, f->link, name != NULL ? name : "unknown");
    return -1;
}

capture_file *capture_file_open(const char *name, bool follow, char error[CAPTURE_ERROR_SIZE]) {
    capture_file *f = calloc(1, sizeof *f);
    if (f == NULL) {
        snprintf(error, CAPTURE_ERROR_SIZE, "out of memory");
        return NULL;
    }
    f->source = capture_source_open(name, follow, &f->stream);
    if (f->source == NULL)
        snprintf(error, CAPTURE_ERROR_SIZE, "cannot open it: %s", strerror(errno));
    else if (open_pcap(f, error) == 0)
        return f;
    capture_file_close(f);
    return NULL;
}

static int fail_live(char error[CAPTURE_ERROR_SIZE], const char *why) {
    snprintf(error, CAPTURE_ERROR_SIZE, "%s", why);
    return -1;
}

static int open_live(capture_file *f, const char *interface, unsigned port,
                     char error[CAPTURE_ERROR_SIZE]) {
    enum { WAKE = 200 }; /* ms, so that a stop is noticed */
    char trouble[PCAP_ERRBUF_SIZE] = "", filter[32] = "tcp";
    struct bpf_program program;
    f->pcap = pcap_create(interface, trouble);
    if (f->pcap == NULL)
        return fail_live(error, trouble);
    pcap_set_immediate_mode(f->pcap, 1);
    pcap_set_timeout(f->pcap, WAKE);
    int result = pcap_activate(f->pcap);
    if (result < 0)
        return fail_live(error, result == PCAP_ERROR_PERM_DENIED
                                    ? "no right to capture; run it as root, or give the program "
                                      "CAP_NET_RAW"
                                    : pcap_statustostr(result));
    f->link = pcap_datalink(f->pcap);
    if (!capture_link_known(f->link))
        return fail_live(error, "its link type is not one of Ethernet, loopback, raw IP and Linux "
                                "cooked");
    if (port != 0)
        snprintf(filter, sizeof filter, "tcp port %u", port);
    if (pcap_compile(f->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
        return fail_live(error, pcap_geterr(f->pcap));
    result = pcap_setfilter(f->pcap, &program);
    pcap_freecode(&program);
    return result == 0 ? 0 : fail_live(error, pcap_geterr(f->pcap));
}

capture_file *capture_live_open(const char *interface, unsigned port,
                                char error[CAPTURE_ERROR_SIZE]) {
    capture_file *f = calloc(1, sizeof *f);
    if (f == NULL) {
        snprintf(error, CAPTURE_ERROR_SIZE, "out of memory");
        return NULL;
    }
    if (open_live(f, interface, port, error) == 0)
        return f;
    capture_file_close(f);
    return NULL;
}

void capture_file_stop(capture_file *f) {
    if (f->source != NULL)
        capture_source_stop(f->source);
    else
        pcap_breakloop(f->pcap);
}

/* To ask for the offset takes longer than to add; but blocks of pcapng differ. */
static void pass(capture_file *f, size_t captured) {
    enum { PCAPNG = 1 }; /* libpcap tells its version; that of pcap is 2 */
    uint64_t before = f->offset;
    if (f->record > 0) {
        f->offset += f->record + captured;
    } else if (f->source != NULL) {
        f->offset = capture_source_offset(f->source);
        if (pcap_major_version(f->pcap) != PCAPNG)
            f->record = f->offset - before - captured;
    }
}

static bool count(capture_file *f, capture_found found) {
    f->counts.packets++;
    f->counts.tcp += found == CAPTURE_TCP;
    f->counts.fragments += found == CAPTURE_FRAGMENT;
    f->counts.cut += found == CAPTURE_CUT;
    return found == CAPTURE_TCP;
}

int capture_file_next(capture_file *f, capture_segment *segment, int64_t *time,
                      char error[CAPTURE_ERROR_SIZE]) {
    struct pcap_pkthdr *header;
    const u_char *data;
    int result;
    while ((result = pcap_next_ex(f->pcap, &header, &data)) >= 0) {
        if (result == 0) /* an interface on which nothing happens */
            continue;
        /* unsigned, because a hostile capture may hold any time */
        uint64_t now = (uint64_t)header->ts.tv_sec * 1000000 + (uint64_t)header->ts.tv_usec;
        if (f->counts.packets == 0)
            f->first = now;
        *time = (int64_t)(now - f->first);
        pass(f, header->caplen);
        if (count(f, capture_packet_parse(f->link, data, header->caplen, header->len, segment)))
            return 1;
    }
    if (result == PCAP_ERROR_BREAK) /* the end of the file */
        return 0;
    char place[64];
    where(f, place, sizeof place);
    snprintf(error, CAPTURE_ERROR_SIZE, "%s: %s", place, pcap_geterr(f->pcap));
    return -1;
}

const capture_counts *capture_file_counts(const capture_file *file) { return &file->counts; }

void capture_file_close(capture_file *f) {
    if (f == NULL)
        return;
    if (f->pcap != NULL) /* closes the stream */
        pcap_close(f->pcap);
    else if (f->stream != NULL)
        fclose(f->stream);
    free(f);
}
