/* SPDX-License-Identifier: BSD-2-Clause */
/* Records one TCP port of an interface into a pcap file, and ends by itself when the conversations
 * it waited for are over: it prints `recording` once nothing can be missed any more, so that nobody
 * has to sleep before the first packet or after the last. */
#define _GNU_SOURCE /* the old names of types that pcap.h uses, clock_gettime, sigaction */

#include <errno.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
    "usage: recorder --port N --write FILE [--connections N] [--deadline SECONDS] [--interface "
    "NAME]\n"
    "\n"
    "Records the packets of a TCP port into a pcap file (needs the right to capture, as root "
    "has).\n"
    "  --connections N       end when N connections have ended (default: only a signal ends it)\n"
    "  --deadline SECONDS    give up after this time (default 60)\n"
    "  --interface NAME      default lo\n"
    "  --snap N              keep N bytes of a packet (default 262144)\n"
    "Prints `recording` when it records. SIGTERM and SIGINT end it as if all had been seen.\n"
    "Exits 0, 1 when packets were lost, time was up or capturing failed, 2 for wrong usage.\n";

enum { MAX_CONNECTIONS = 64, SNAPLEN = 262144, BUFFER = 64 << 20 };

/* A connection as far as its end is concerned. Ports tell connections apart: one is the recorded.
 */
typedef struct connection {
    uint16_t port; /* the one that is not recorded */
    bool fin[2];   /* seen from the recorded port, and from the other */
    bool over;
} connection;

typedef struct options {
    unsigned long port, connections, deadline, snap;
    const char *file, *interface;
} options;

typedef struct recorder {
    options options;
    pcap_t *pcap;
    pcap_dumper_t *dumper;
    size_t link_size;
    connection connections[MAX_CONNECTIONS];
    size_t count;
    unsigned long over, packets;
} recorder;

static volatile sig_atomic_t stopped;

static void stop(int number) {
    (void)number;
    stopped = 1;
}

static unsigned be16(const u_char *p) { return (unsigned)p[0] << 8 | p[1]; }

static connection *find(recorder *r, uint16_t port) {
    for (size_t i = 0; i < r->count; i++)
        if (r->connections[i].port == port && !r->connections[i].over)
            return &r->connections[i];
    if (r->count == MAX_CONNECTIONS)
        return NULL;
    r->connections[r->count] = (connection){.port = port};
    return &r->connections[r->count++];
}

/* A connection is over with a reset, or with the packet that follows the second FIN: its
 * acknowledgement. */
static void watch(recorder *r, const u_char *data, size_t size) {
    if (size < r->link_size + 20)
        return;
    const u_char *ip = data + r->link_size;
    const u_char *tcp = ip + (ip[0] >> 4 == 6 ? 40 : (ip[0] & 15) * 4); /* lo has no extensions */
    if (size < (size_t)(tcp - data) + 20)
        return;
    bool outward = be16(tcp) == r->options.port;
    connection *c = find(r, (uint16_t)be16(outward ? tcp + 2 : tcp));
    if (c == NULL)
        return;
    bool fin = (tcp[13] & 1) != 0, reset = (tcp[13] & 4) != 0;
    if (reset || (c->fin[0] && c->fin[1] && !fin)) {
        c->over = true;
        r->over++;
    }
    if (fin)
        c->fin[outward ? 0 : 1] = true;
}

static void record(u_char *user, const struct pcap_pkthdr *header, const u_char *data) {
    recorder *r = (recorder *)user;
    pcap_dump((u_char *)r->dumper, header, data);
    r->packets++;
    watch(r, data, header->caplen);
}

static int fail(const char *what, const char *why) {
    fprintf(stderr, "recorder: %s: %s\n", what, why);
    return 1;
}

static int set_up(recorder *r) {
    char error[PCAP_ERRBUF_SIZE] = "", filter[64];
    struct bpf_program program;
    const options *o = &r->options;
    r->pcap = pcap_create(o->interface, error);
    if (r->pcap == NULL)
        return fail(o->interface, error);
    pcap_set_snaplen(r->pcap, (int)o->snap);
    pcap_set_immediate_mode(r->pcap, 1);
    pcap_set_buffer_size(r->pcap, BUFFER);
    int result = pcap_activate(r->pcap);
    if (result < 0)
        return fail(o->interface, result == PCAP_ERROR_PERM_DENIED
                                      ? "no right to capture; run it as root"
                                      : pcap_geterr(r->pcap));
    if (pcap_datalink(r->pcap) != DLT_EN10MB)
        return fail(o->interface, "its link type is not Ethernet's, as that of lo is");
    r->link_size = 14;
    snprintf(filter, sizeof filter, "tcp port %lu", o->port);
    if (pcap_compile(r->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
        return fail(filter, pcap_geterr(r->pcap));
    result = pcap_setfilter(r->pcap, &program);
    pcap_freecode(&program);
    if (result != 0)
        return fail(filter, pcap_geterr(r->pcap));
    if (pcap_setnonblock(r->pcap, 1, error) != 0)
        return fail(o->interface, error);
    r->dumper = pcap_dump_open(r->pcap, o->file);
    return r->dumper != NULL ? 0 : fail(o->file, pcap_geterr(r->pcap));
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Takes what the buffer holds; it never waits (see set_up). Returns -1 when capturing failed. */
static int take(recorder *r) {
    int result;
    while ((result = pcap_dispatch(r->pcap, -1, record, (u_char *)r)) > 0)
        ;
    return result == PCAP_ERROR ? -1 : 0;
}

static int run(recorder *r) {
    enum { LOOK_MS = 100 }; /* how soon a signal or the deadline is noticed at the latest */
    double deadline = now() + (double)r->options.deadline;
    unsigned long wanted = r->options.connections;
    struct pollfd readable = {.fd = pcap_get_selectable_fd(r->pcap), .events = POLLIN};
    puts("recording");
    fflush(stdout);
    while (!stopped && (wanted == 0 || r->over < wanted)) {
        if (now() >= deadline) {
            fprintf(stderr, "recorder: after %lu s %lu of %lu connections had ended\n",
                    r->options.deadline, r->over, wanted);
            return 1;
        }
        if (poll(&readable, 1, LOOK_MS) > 0 && take(r) != 0)
            return fail(r->options.interface, pcap_geterr(r->pcap));
    }
    return take(r) == 0 ? 0 : fail(r->options.interface, pcap_geterr(r->pcap));
}

static int finish(recorder *r) {
    struct pcap_stat statistics;
    int result = 0;
    if (pcap_dump_flush(r->dumper) != 0)
        result = fail(r->options.file, strerror(errno));
    if (pcap_stats(r->pcap, &statistics) == 0 && statistics.ps_drop > 0) {
        fprintf(stderr, "recorder: %u packets were lost; record again\n", statistics.ps_drop);
        result = 1;
    }
    printf("recorded %lu packets\n", r->packets);
    return result;
}

static int usage(const char *what, const char *argument) {
    fprintf(stderr, "recorder: %s %s (see recorder --help)\n", what, argument);
    return 2;
}

static unsigned long number(const char *text) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    return *text < '0' || *text > '9' || *end != '\0' || errno != 0 ? 0 : value;
}

static int read_options(options *o, int argc, char **argv) {
    *o = (options){.deadline = 60, .interface = "lo", .snap = SNAPLEN};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            return usage("no value for", argv[i]);
        unsigned long value = number(argv[i + 1]), *into = NULL;
        if (strcmp(argv[i], "--write") == 0)
            o->file = argv[i + 1];
        else if (strcmp(argv[i], "--interface") == 0)
            o->interface = argv[i + 1];
        else if (strcmp(argv[i], "--port") == 0)
            into = &o->port;
        else if (strcmp(argv[i], "--connections") == 0)
            into = &o->connections;
        else if (strcmp(argv[i], "--deadline") == 0)
            into = &o->deadline;
        else if (strcmp(argv[i], "--snap") == 0)
            into = &o->snap;
        else
            return usage("unknown option", argv[i]);
        if (into != NULL && (value == 0 || (into == &o->port && value > 65535) ||
                             (into == &o->snap && value > SNAPLEN)))
            return usage("not a number that can be:", argv[i + 1]);
        if (into != NULL)
            *into = value;
    }
    if (o->port == 0 || o->file == NULL)
        return usage("needs", "--port and --write");
    return 0;
}

int main(int argc, char **argv) {
    static recorder r;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    int result = read_options(&r.options, argc, argv);
    if (result != 0)
        return result;
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    result = set_up(&r);
    if (result == 0)
        result = run(&r);
    if (r.dumper != NULL) {
        int finished = finish(&r);
        result = result != 0 ? result : finished;
        pcap_dump_close(r.dumper);
    }
    if (r.pcap != NULL)
        pcap_close(r.pcap);
    return result;
}
