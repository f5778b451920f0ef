/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "engine/options.h"

#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/util.h"
#include "report/report.h"

static const char help[] =
    "usage: yotonspec run (--peer NAME | --command CMD | --address HOST:PORT) [option...]\n"
    "       yotonspec adapter-check (--peer NAME | --command CMD) [option...]\n"
    "       yotonspec list [option...]\n"
    "       yotonspec check CAPTURE... [option...]\n"
    "       yotonspec replay CAPTURE... (--peer NAME | --command CMD | --address HOST:PORT)\n"
    "       yotonspec explain CASE|REQUIREMENT...\n"
    "       yotonspec merge RESULTS.JSON... --report-dir DIR\n"
    "       yotonspec report RESULTS.JSON... [--report-dir DIR]\n"
    "\n"
    "Judges an implementation of Yoton by the requirements of spec/wire.md; adapter-check judges\n"
    "the adapter that drives it, by those of conformance/ADAPTER.md, with the options of run;\n"
    "check judges the ends of recorded connections (pcap, pcapng) by what traffic alone can show;\n"
    "replay plays one side of them against a live peer, and compares its answers.\n"
    "\n"
    "whom (run, replay)\n"
    "  --peer NAME             reference, pyzo (the original), or node (a small one)\n"
    "  --command CMD           any adapter; conformance/ADAPTER.md tells how to write one\n"
    "  --address HOST:PORT     a host without adapter; only the cases that need none\n"
    "which cases (run, list)\n"
    "  --case GLOB             by id (FRAME-3.1, 'HS-*') or requirement (FRAME-3); repeatable\n"
    "  --exclude GLOB          not these; repeatable\n"
    "  --role host|client|both what the judged peer does (both)\n"
    "  --level must|should     must: leave out what is only recommended (should: all)\n"
    "  --origin manual|observed|hardening   only requirements of this origin; repeatable\n"
    "  --timed                 only those that judge times, or wait for them\n"
    "how (run, replay)\n"
    "  --slow                  run: also the cases that take over 2 s\n"
    "  --shard I/N             run: only the I-th of N parts of what is selected; merge puts the\n"
    "                          results of all parts together\n"
    "  --jobs N                cases at a time (four for each processor)\n"
    "  --repeat N              run each case N times; verdicts that differ are flaky\n"
    "  --seed N                of the random numbers in cases (from the clock)\n"
    "  --timeout-scale F       wait F times as long (1)\n"
    "  --memory MB             an adapter may have, with its children (2048; 0: no limit)\n"
    "  --processes N           an adapter may have (64; 0: no limit)\n"
    "  --known-failures FILE   expected failures, one JSON object a line\n"
    "  --report-dir DIR        where results.json, junit.xml, results.tap, index.html go\n"
    "                          (report/PEER beside this program)\n"
    "captures (check, replay)\n"
    "  --name BASE             slots of this base name are known, with every type and pattern;\n"
    "                          repeatable\n"
    "  --slots FILE            so are the full slot names in FILE, one a line\n"
    "  --stream N              only the TCP stream with this number, as `yoton dump` counts\n"
    "  --role host|client|both replay: whose place the live peer takes, by its first stream\n"
    "  --recorded-times        replay: as slowly as it was recorded\n"
    "other\n"
    "  --json                  list: as JSON\n"
    "  --adapter               list: the checks of adapter-check\n"
    "  --help, --version\n"
    "\n"
    "exit status: 0 conforms, 1 does not, 2 bad usage, 3 nothing selected, 4 peer unreachable,\n"
    "5 peer died or hung, 6 the harness itself failed\n";

void usage_error(const char *format, ...) {
    va_list list;
    va_start(list, format);
    char *text = text_of_list(format, list);
    va_end(list);
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            *c = '?'; /* what a file says is no end of the line, and nothing for a terminal to do */
    fprintf(stderr, "yotonspec: error: %s\n", text);
    exit(EXIT_USAGE);
}

enum {
    OPT_PEER = 256,
    OPT_COMMAND,
    OPT_ADDRESS,
    OPT_CASE,
    OPT_EXCLUDE,
    OPT_ROLE,
    OPT_LEVEL,
    OPT_ORIGIN,
    OPT_SHARD,
    OPT_SLOW,
    OPT_TIMED,
    OPT_JOBS,
    OPT_REPEAT,
    OPT_SEED,
    OPT_SCALE,
    OPT_MEMORY,
    OPT_PROCESSES,
    OPT_KNOWN,
    OPT_REPORT,
    OPT_JSON,
    OPT_ADAPTER,
    OPT_NAME,
    OPT_SLOTS,
    OPT_STREAM,
    OPT_RECORDED,
    OPT_HELP,
    OPT_VERSION
};

static const struct option long_options[] = {{"peer", required_argument, NULL, OPT_PEER},
                                             {"command", required_argument, NULL, OPT_COMMAND},
                                             {"address", required_argument, NULL, OPT_ADDRESS},
                                             {"case", required_argument, NULL, OPT_CASE},
                                             {"exclude", required_argument, NULL, OPT_EXCLUDE},
                                             {"role", required_argument, NULL, OPT_ROLE},
                                             {"level", required_argument, NULL, OPT_LEVEL},
                                             {"origin", required_argument, NULL, OPT_ORIGIN},
                                             {"shard", required_argument, NULL, OPT_SHARD},
                                             {"slow", no_argument, NULL, OPT_SLOW},
                                             {"timed", no_argument, NULL, OPT_TIMED},
                                             {"jobs", required_argument, NULL, OPT_JOBS},
                                             {"repeat", required_argument, NULL, OPT_REPEAT},
                                             {"seed", required_argument, NULL, OPT_SEED},
                                             {"timeout-scale", required_argument, NULL, OPT_SCALE},
                                             {"memory", required_argument, NULL, OPT_MEMORY},
                                             {"processes", required_argument, NULL, OPT_PROCESSES},
                                             {"known-failures", required_argument, NULL, OPT_KNOWN},
                                             {"report-dir", required_argument, NULL, OPT_REPORT},
                                             {"json", no_argument, NULL, OPT_JSON},
                                             {"adapter", no_argument, NULL, OPT_ADAPTER},
                                             {"name", required_argument, NULL, OPT_NAME},
                                             {"slots", required_argument, NULL, OPT_SLOTS},
                                             {"stream", required_argument, NULL, OPT_STREAM},
                                             {"recorded-times", no_argument, NULL, OPT_RECORDED},
                                             {"help", no_argument, NULL, OPT_HELP},
                                             {"version", no_argument, NULL, OPT_VERSION},
                                             {NULL, 0, NULL, 0}};

/* ---- Values ---- */

static long whole(const char *name, const char *text, long least, long most) {
    char *rest;
    errno = 0;
    long number = strtol(text, &rest, 10);
    if (*text == '\0' || *rest != '\0' || errno != 0 || number < least || number > most)
        usage_error("--%s %s: expected a whole number from %ld to %ld", name, text, least, most);
    return number;
}

static uint64_t seed_of(const char *text) {
    char *rest;
    errno = 0;
    unsigned long long number = strtoull(text, &rest, 10);
    if (*text < '0' || *text > '9' || *rest != '\0' || errno != 0)
        usage_error("--seed %s: expected a whole number below 2^64", text);
    return number;
}

static double scale_of(const char *text) {
    char *rest;
    double number = strtod(text, &rest);
    if (*text == '\0' || *rest != '\0' || !(number >= 0.1 && number <= 100))
        usage_error("--timeout-scale %s: expected a number from 0.1 to 100", text);
    return number;
}

/* The place of text among the words of a list, counted from 1. */
static unsigned choice(const char *name, const char *text, const char *const *words) {
    char *all = text_of("%s", words[0]);
    for (unsigned i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0)
            return i + 1;
        if (i > 0)
            all = text_of("%s, %s", all, words[i]);
    }
    usage_error("--%s %s: expected one of %s", name, text, all);
}

bool is_shard(const char *text, long *shard, long *shards) {
    int used = 0;
    if (sscanf(text, "%5ld/%5ld%n", shard, shards, &used) != 2 || text[used] != '\0' ||
        *shard < 1 || *shard > *shards)
        return false;
    char *same = text_of("%ld/%ld", *shard, *shards); /* no blanks, signs or leading zeros */
    bool plain = strcmp(same, text) == 0;
    free(same);
    return plain;
}

static void read_shard(struct options *options, const char *text) {
    if (!is_shard(text, &options->shard, &options->shards))
        usage_error("--shard %s: expected I/N with I from 1 to N, as in 2/4", text);
}

static void append(const char ***list, const char *text) {
    size_t count = 0;
    while ((*list)[count] != NULL)
        count++;
    *list = more_room(*list, (count + 2) * sizeof **list);
    (*list)[count] = text;
    (*list)[count + 1] = NULL;
}

static void take_option(struct options *options, int option, const char *value) {
    static const char *const roles[] = {"host", "client", "both", NULL};
    static const char *const levels[] = {"must", "should", NULL};
    static const char *const origins[] = {"manual", "observed", "hardening", NULL};
    switch (option) {
    case OPT_PEER:
        options->peer_name = value;
        break;
    case OPT_COMMAND:
        options->peer_command = value;
        break;
    case OPT_ADDRESS:
        options->peer_address = value;
        break;
    case OPT_CASE:
        append(&options->cases, value);
        break;
    case OPT_EXCLUDE:
        append(&options->excludes, value);
        break;
    case OPT_ROLE:
        options->roles = choice("role", value, roles);
        break;
    case OPT_LEVEL:
        options->must_only = choice("level", value, levels) == 1;
        break;
    case OPT_ORIGIN:
        options->origins |= 1U << (choice("origin", value, origins) - 1);
        break;
    case OPT_SHARD:
        read_shard(options, value);
        break;
    case OPT_SLOW:
        options->slow = true;
        break;
    case OPT_TIMED:
        options->timed = true;
        break;
    case OPT_JOBS:
        options->jobs = whole("jobs", value, 1, 256);
        break;
    case OPT_REPEAT:
        options->repeat = whole("repeat", value, 1, 1000000);
        break;
    case OPT_SEED:
        options->seed = seed_of(value);
        break;
    case OPT_SCALE:
        options->timeout_scale = scale_of(value);
        break;
    case OPT_MEMORY:
        options->memory = whole("memory", value, 0, 1 << 30);
        break;
    case OPT_PROCESSES:
        options->processes = whole("processes", value, 0, 1 << 30);
        break;
    case OPT_KNOWN:
        options->known_failures = value;
        break;
    case OPT_REPORT:
        options->report_dir = value;
        break;
    case OPT_JSON:
        options->json = true;
        break;
    case OPT_NAME:
        append(&options->names, value);
        break;
    case OPT_SLOTS:
        options->slots = value;
        break;
    case OPT_STREAM:
        options->stream = whole("stream", value, 1, LONG_MAX);
        break;
    case OPT_RECORDED:
        options->recorded_times = true;
        break;
    case OPT_ADAPTER:
        options->adapter = true;
        break;
    default:
        break;
    }
}

static enum command command_of(const char *word) {
    static const char *const names[] = {"list",   "run",           "explain", "merge",
                                        "report", "adapter-check", "check",   "replay"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (word != NULL && strcmp(word, names[i]) == 0)
            return (enum command)i;
    if (word == NULL)
        usage_error(
            "no command given; expected list, run, adapter-check, check, replay, explain, merge or "
            "report "
            "(--help tells more)");
    usage_error(
        "%s: no such command; expected list, run, adapter-check, check, replay, explain, merge or "
        "report "
        "(--help tells more)",
        word);
}

/* An option that means nothing to the command is a mistake, not something to be ignored. */
static void check_fits(enum command command, int option, const char *name) {
    bool selection = (option >= OPT_CASE && option <= OPT_ORIGIN) || option == OPT_TIMED;
    bool listing = option == OPT_JSON || option == OPT_ADAPTER;
    bool captures = option == OPT_NAME || option == OPT_SLOTS || option == OPT_STREAM;
    bool replay = option == OPT_RECORDED, whole = option == OPT_SHARD || option == OPT_SLOW;
    bool fits = command == COMMAND_REPLAY ? !listing && (!selection || option == OPT_ROLE) && !whole
                : command == COMMAND_RUN  ? !listing && !captures && !replay
                : command == COMMAND_ADAPTER_CHECK
                    ? !listing && !captures && !replay && option != OPT_ROLE
                : command == COMMAND_CHECK ? captures || option == OPT_REPORT || option == OPT_KNOWN
                : command == COMMAND_LIST  ? selection || listing
                : command == COMMAND_MERGE || command == COMMAND_REPORT ? option == OPT_REPORT
                                                                        : false;
    if (!fits)
        usage_error("%s: not an option of this command (--help tells which are)", name);
}

static void check_whole(const struct options *options) {
    int peers = (options->peer_name != NULL) + (options->peer_command != NULL) +
                (options->peer_address != NULL);
    bool replay = options->command == COMMAND_REPLAY;
    if ((options->command == COMMAND_RUN || replay) && peers != 1)
        usage_error("%s: %s; give one of --peer, --command and --address",
                    replay ? "replay" : "run",
                    peers == 0 ? "no peer to judge" : "more than one peer");
    if (replay && options->words[0] == NULL)
        usage_error("replay: name a capture or more");
    if (options->command == COMMAND_ADAPTER_CHECK && (peers != 1 || options->peer_address != NULL))
        usage_error("adapter-check: %s; give one of --peer and --command",
                    peers > 1 ? "more than one adapter" : "no adapter to judge");
    if (options->command == COMMAND_EXPLAIN && options->words[0] == NULL)
        usage_error("explain: what? name a case (FRAME-3.1) or a requirement (FRAME-3)");
    if (options->command == COMMAND_MERGE &&
        (options->words[0] == NULL || options->report_dir == NULL))
        usage_error("merge: name results.json of every shard, and the folder for the whole by "
                    "--report-dir");
    if (options->command == COMMAND_CHECK && options->words[0] == NULL)
        usage_error("check: name a capture or more, - for standard input");
    if (options->command == COMMAND_REPORT && options->words[0] == NULL)
        usage_error("report: of what? name results.json of one run or more");
    bool words = options->command != COMMAND_RUN && options->command != COMMAND_LIST &&
                 options->command != COMMAND_ADAPTER_CHECK;
    if (!words && options->words[0] != NULL)
        usage_error("%s: not expected here; cases are chosen by --case", options->words[0]);
    if (options->peer_address != NULL && options->roles == ROLE_CLIENT)
        usage_error("--role client: an address can only be judged as host; use an adapter");
}

static struct options defaults(const char *program) {
    struct options options = {.program = program,
                              .roles = ROLES_BOTH,
                              .cases = room(sizeof(char *)),
                              .excludes = room(sizeof(char *)),
                              .words = room(sizeof(char *)),
                              .names = room(sizeof(char *)),
                              .repeat = 1,
                              .shard = 1,
                              .shards = 1,
                              .memory = 2048,
                              .processes = 64,
                              .timeout_scale = 1};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    options.jobs = cores > 1 ? 4 * cores : 4; /* cases mostly wait */
    uint64_t state = (uint64_t)time(NULL) ^ (uint64_t)getpid() << 32;
    options.seed = next_random(&state) >> 32; /* short enough to be typed */
    return options;
}

struct options read_options(int argc, char **argv) {
    struct options options = defaults(argv[0]);
    int *seen = room((size_t)argc * sizeof *seen);
    const char **names = room((size_t)argc * sizeof *names);
    int count = 0, option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", long_options, NULL)) != -1) {
        const char *name = argv[optind - 1];
        if (option == OPT_HELP || option == 'h') {
            fputs(help, stdout);
            exit(EXIT_CONFORMS);
        }
        if (option == OPT_VERSION) {
            printf("yotonspec %s, spec/wire.md %s\n", harness_version, spec_version);
            exit(EXIT_CONFORMS);
        }
        if (option == ':')
            usage_error("%s: needs a value (--help tells more)", name);
        if (option == '?')
            usage_error("%s: no such option (--help lists them)", name);
        names[count] = "this option";
        for (const struct option *o = long_options; o->name != NULL; o++)
            if (o->val == option)
                names[count] = text_of("--%s", o->name);
        seen[count++] = option;
        take_option(&options, option, optarg);
    }
    options.command = command_of(argv[optind]);
    for (int i = optind + 1; i < argc; i++)
        append(&options.words, argv[i]);
    for (int i = 0; i < count; i++)
        check_fits(options.command, seen[i], names[i]);
    check_whole(&options);
    if (options.command == COMMAND_ADAPTER_CHECK)
        options.roles = ROLE_HOST; /* of what is listed; a check that connects says so itself */
    free(seen);
    free(names);
    return options;
}

/* ---- Selection ---- */

static bool matches(const char **globs, const struct test_case *test) {
    for (; *globs != NULL; globs++)
        if (fnmatch(*globs, test->id, 0) == 0 || fnmatch(*globs, requirement_of(test)->id, 0) == 0)
            return true;
    return false;
}

bool selected(const struct options *options, const struct test_case *test) {
    static const char *const origins[] = {"manual", "observed", "hardening"};
    const struct requirement *requirement = requirement_of(test);
    if (options->must_only && strcmp(requirement->level, "must") != 0)
        return false;
    if (options->timed && !case_is_timed(test))
        return false;
    bool wanted = options->origins == 0;
    for (unsigned i = 0; i < 3; i++)
        if (options->origins & 1U << i && strcmp(requirement->origin, origins[i]) == 0)
            wanted = true;
    return wanted && (options->cases[0] == NULL || matches(options->cases, test)) &&
           !matches(options->excludes, test);
}
