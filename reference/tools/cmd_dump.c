/* SPDX-License-Identifier: BSD-2-Clause */
/* `yoton dump`: the conversations in a capture, one line per handshake line, package and signal. */
#define _POSIX_C_SOURCE 200809L /* isatty, fileno */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture_file.h"
#include "dump_filter.h"
#include "dump_print.h"
#include "tools.h"

static const char help[] =
    "usage: yoton dump [OPTION...] FILE...\n"
    "       yoton dump [OPTION...] --interface NAME\n"
    "\n"
    "Prints what Yoton said in captures (pcap or pcapng; - reads standard input), one line per\n"
    "handshake line, package and signal: seconds since the first packet, stream, direction, what.\n"
    "A is the end that connected, B the one that listened.\n"
    "  --json             one JSON object per line, for programs\n"
    "  --no-time          leave the times out, so that two dumps can be compared\n"
    "  --no-heartbeats    leave the heartbeats out\n"
    "  --name BASE        show slots of this base name by name, with every type and pattern\n"
    "  --slots FILE       the same for the full slot names in FILE, one per line\n"
    "  --payload N|all    show N bytes of a payload (default 64)\n"
    "  --kind KIND        only events of this kind (package, hello, close, ...); repeatable\n"
    "  --slot SLOT        only packages for this slot, a full name or a number; repeatable\n"
    "  --source ID        only packages of this context, its id in hex; repeatable\n"
    "  --interface NAME   watch an interface instead, as lo (needs the right to capture); a\n"
    "                     signal ends it\n"
    "  --follow           wait at the end of the file for what is still written; a signal ends it\n"
    "  --port N           only TCP streams with this port at either end\n"
    "  --stream N         only the stream with this number\n"
    "  --max-message N    a longer payload is an error in the stream (default 2^30 bytes)\n"
    "\n"
    "Bytes that the capture does not hold are shown as a gap, and reading goes on with the next\n"
    "control bytes. Fragments of IP packets are not put together, checksums are not looked at.\n"
    "At most 4096 streams are followed at once; in one direction at most 8 MiB or 4096 segments\n"
    "wait for missing ones, 256 MiB in all. Of a payload 1 MiB is kept (all of it with --payload\n"
    "all), in all streams 256 MiB.\n"
    "Exits 0; 1 when a file could not be read to its end or holds no TCP; 2 for wrong usage.\n"
    "\n"
    "example: tcpdump -i lo -w - port 5000 | yoton dump --name chat -\n";

typedef struct options {
    bool json, no_time, no_heartbeats, follow, help;
    uint64_t payload, port, stream, max_message; /* 0: not given */
    const char *interface;
    dump_filter filter;
    dump_slots slots;
} options;

static const struct option known[] = {{"json", no_argument, NULL, 'j'},
                                      {"no-time", no_argument, NULL, 't'},
                                      {"no-heartbeats", no_argument, NULL, 'b'},
                                      {"name", required_argument, NULL, 'n'},
                                      {"slots", required_argument, NULL, 's'},
                                      {"payload", required_argument, NULL, 'p'},
                                      {"port", required_argument, NULL, 'o'},
                                      {"stream", required_argument, NULL, 'r'},
                                      {"max-message", required_argument, NULL, 'm'},
                                      {"kind", required_argument, NULL, 'k'},
                                      {"slot", required_argument, NULL, 'S'},
                                      {"source", required_argument, NULL, 'c'},
                                      {"interface", required_argument, NULL, 'i'},
                                      {"follow", no_argument, NULL, 'f'},
                                      {"help", no_argument, NULL, 'h'},
                                      {0}};

static int read_number(const char *option, const char *text, uint64_t max, uint64_t *number) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || value == 0 || value > max)
        return tool_usage("dump", "%s wants a number from 1 to %" PRIu64 ", not \"%s\"", option,
                          max, text);
    *number = value;
    return TOOL_OK;
}

static int add_base(options *o, const char *base) {
    int error = dump_slots_add_base(&o->slots, base);
    return error == YOTON_OK ? TOOL_OK
                             : tool_usage("dump", "--name %s: %s", base, yoton_strerror(error));
}

/* One full name per line, as it is; empty lines are passed over. */
static int add_lines(options *o, const char *file, const char *text, size_t size) {
    size_t number = 0;
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - text) - at : size - at;
        int error = length > 0 ? dump_slots_add(&o->slots, text + at, length) : YOTON_OK;
        number++;
        if (error != YOTON_OK)
            return tool_fail("dump", "%s, line %zu: %s", file, number, yoton_strerror(error));
        at += length + 1;
    }
    return TOOL_OK;
}

static int add_file(options *o, const char *file) {
    char *text;
    size_t size;
    FILE *stream = fopen(file, "rb");
    if (stream == NULL || tool_read(stream, &text, &size) != 0) {
        int result = tool_fail("dump", "cannot read slot names from %s: %s", file, strerror(errno));
        if (stream != NULL)
            fclose(stream);
        return result;
    }
    fclose(stream);
    int result = add_lines(o, file, text, size);
    free(text);
    return result;
}

static int filtered(const char *option, const char *text, int error) {
    return error == YOTON_OK ? TOOL_OK
                             : tool_usage("dump", "%s %s: %s", option, text,
                                          error == YOTON_E_ARGUMENT ? "there is no such thing"
                                                                    : yoton_strerror(error));
}

static int read_option(options *o, int option) {
    switch (option) {
    case 'j':
        o->json = true;
        return TOOL_OK;
    case 't':
        o->no_time = true;
        return TOOL_OK;
    case 'b':
        o->no_heartbeats = true;
        return TOOL_OK;
    case 'n':
        return add_base(o, optarg);
    case 's':
        return add_file(o, optarg);
    case 'p':
        if (strcmp(optarg, "all") == 0) {
            o->payload = UINT64_MAX;
            return TOOL_OK;
        }
        return read_number("--payload", optarg, YOTON_MAX_MESSAGE_DEFAULT, &o->payload);
    case 'o':
        return read_number("--port", optarg, 65535, &o->port);
    case 'r':
        return read_number("--stream", optarg, ULONG_MAX, &o->stream);
    case 'k':
        return filtered("--kind", optarg, dump_filter_kind(&o->filter, optarg));
    case 'S':
        return filtered("--slot", optarg, dump_filter_slot(&o->filter, optarg));
    case 'c':
        return filtered("--source", optarg, dump_filter_source(&o->filter, optarg));
    case 'i':
        o->interface = optarg;
        return TOOL_OK;
    case 'f':
        o->follow = true;
        return TOOL_OK;
    case 'm':
        return read_number("--max-message", optarg, UINT64_MAX, &o->max_message);
    default:
        o->help = true;
        return TOOL_OK;
    }
}

static int read_options(options *o, int argc, char **argv) {
    opterr = 0;
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "+:", known, NULL)) != -1;) {
        if (option == '?')
            return tool_usage("dump", "unknown option %s", argv[optind - 1]);
        if (option == ':')
            return tool_usage("dump", "%s wants a value", argv[optind - 1]);
        int result = read_option(o, option);
        if (result != TOOL_OK)
            return result;
    }
    if (!o->help && optind == argc && o->interface == NULL)
        return tool_usage("dump", "name a capture, or - for standard input");
    if (optind < argc && o->interface != NULL)
        return tool_usage("dump", "a capture or an interface, not both");
    if (o->follow && (argc - optind > 1 || o->interface != NULL))
        return tool_usage("dump", "--follow: name one capture");
    return TOOL_OK;
}

static bool is_watching(const options *o) { return o->interface != NULL || o->follow; }

/* What is left out, and the form of the rest. */
typedef struct output {
    const options *options;
    dump_printer printer;
} output;

static int on_event(void *user, const dump_event *event) {
    output *out = user;
    const options *o = out->options;
    if ((o->stream != 0 && event->stream->number != o->stream) ||
        (o->no_heartbeats && event->kind == DUMP_HEARTBEAT) ||
        !dump_filter_takes(&o->filter, event))
        return 0;
    int result = (o->json ? dump_print_json : dump_print_text)(&out->printer, event);
    if (is_watching(o)) /* somebody looks on */
        fflush(out->printer.out);
    return result == 0 && ferror(out->printer.out) ? 1 : result;
}

static bool is_wanted(const options *o, const capture_segment *s) {
    return o->port == 0 || s->from.port == o->port || s->to.port == o->port;
}

/* Reads a file to its end. Returns 0, -1 when memory is short or 1 when the output cannot be
 * written; *error is set when the file goes wrong. */
static int read_file(const options *o, capture_file *file, dump_reader *reader, char *error) {
    capture_handler handler = dump_stream_handler(reader);
    capture_tcp *tcp = capture_tcp_new(&handler);
    capture_segment segment;
    int result = tcp != NULL ? 0 : -1, more = 1;
    while (result == 0 && (more = capture_file_next(file, &segment, &reader->now, error)) == 1)
        if (is_wanted(o, &segment))
            result = capture_tcp_add(tcp, &segment);
    if (result == 0) /* what was read before an error stands */
        result = capture_tcp_finish(tcp);
    capture_tcp_free(tcp);
    return result;
}

static void warn(const char *name, unsigned long count, const char *what) {
    if (count > 0)
        fprintf(stderr, "yoton dump: warning: %s: %lu %s\n", name, count, what);
}

/* ---- What is still going on ---- */

static capture_file *watched;
static volatile sig_atomic_t stopped;

static void on_signal(int number) {
    (void)number;
    stopped = 1;
    capture_file_stop(watched);
}

static void end_by_signal(capture_file *file) {
    struct sigaction action = {.sa_handler = on_signal};
    watched = file;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    fputs("watching\n", stderr); /* nothing is missed from here on */
}

static int dump_file(const options *o, dump_printer *printer, const char *name) {
    char error[CAPTURE_ERROR_SIZE] = "";
    uint64_t payload = o->payload != 0 ? o->payload : 64;
    output out = {o, *printer};
    dump_reader reader = {.event = on_event,
                          .user = &out,
                          .max_message =
                              o->max_message ? o->max_message : YOTON_MAX_MESSAGE_DEFAULT,
                          .keep = payload > DUMP_KEEP_DEFAULT ? payload : DUMP_KEEP_DEFAULT};
    out.printer.shown = payload;
    capture_file *file = o->interface != NULL ? capture_live_open(name, (unsigned)o->port, error)
                                              : capture_file_open(name, o->follow, error);
    if (file == NULL)
        return tool_fail("dump", "%s: %s", name, error);
    if (is_watching(o))
        end_by_signal(file);
    int result = read_file(o, file, &reader, error);
    capture_counts counts = *capture_file_counts(file);
    capture_file_close(file);
    fflush(out.printer.out); /* lines before what is said about them */
    if (result < 0)
        return tool_fail("dump", "%s: %s", name, yoton_strerror(YOTON_E_NOMEM));
    if (result > 0)
        return TOOL_FAILED;
    warn(name, counts.fragments, "fragments of IP packets were passed over");
    warn(name, counts.cut, "packets were passed over, because the snap length cut their headers");
    if (error[0] != '\0' && !(o->follow && stopped)) /* a packet may be half written */
        return tool_fail("dump", "%s: %s", name, error);
    if (counts.tcp == 0 && !is_watching(o))
        return tool_fail("dump", "%s: no TCP in its %lu packets", name, counts.packets);
    return TOOL_OK;
}

static int dump_files(options *o, int count, char **names) {
    int result = TOOL_OK;
    dump_printer printer = {.out = stdout,
                            .slots = &o->slots,
                            .times = !o->no_time,
                            .colour = !o->json && isatty(fileno(stdout)) && !getenv("NO_COLOR")};
    for (int i = 0; i < count && !ferror(stdout); i++) {
        if (count > 1 && !o->json)
            printf("%sfile %s\n", i > 0 ? "\n" : "", names[i]);
        printer.file = count > 1 ? names[i] : NULL;
        if (dump_file(o, &printer, names[i]) != TOOL_OK)
            result = TOOL_FAILED;
    }
    int finished = tool_finish("dump");
    return result != TOOL_OK ? result : finished;
}

int cmd_dump(int argc, char **argv) {
    options o = {0};
    int result = read_options(&o, argc, argv);
    if (result == TOOL_OK && o.help) {
        fputs(help, stdout);
        result = tool_finish("dump");
    } else if (result == TOOL_OK) {
        result = o.interface != NULL ? dump_files(&o, 1, (char *[]){(char *)o.interface})
                                     : dump_files(&o, argc - optind, argv + optind);
    }
    dump_slots_free(&o.slots);
    dump_filter_free(&o.filter);
    return result;
}
