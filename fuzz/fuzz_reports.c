/* SPDX-License-Identifier: BSD-2-Clause */
/* What the harness reads beside the wire: lists of known failures, and results of runs, to merge
 * shards or to put runs side by side. Input: a list, or results with bytes 30 between (bytes that
 * no UTF-8 has are words of them), or choices of which they are made (results_maker.c), then 1
 * byte: which. Oracles: a reader of its own says whether a list is good, and which line is wrong;
 * results are merged only when they are parts of one run, to all their cases in order, counted; the
 * reports of it have a line for each case, and pages that are well-formed and hold nothing but what
 * the harness writes into them; what is refused is so in one line that names the file. */
#define _GNU_SOURCE /* memfd_create */
#include <fnmatch.h>
#include <jansson.h>
#include <limits.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "markup.h"
#include "results_maker.h"
#include "within.h"

#include "engine/commands.h"
#include "engine/known.h"
#include "engine/util.h"

enum { PARTS = 4, LARGEST = 1 << 16 };

/* What such files are made of. */
#define MEMBER(name, text) "\"" name "\":\"" text "\","
#define A_CASE(number, role, verdict)                                                              \
    "{" MEMBER("id", "LINK-" number ".1") MEMBER("requirement", "LINK-" number)                    \
        MEMBER("level", "must") MEMBER("origin", "manual") MEMBER("role", role)                    \
            MEMBER("verdict", verdict) MEMBER("why", "<b>") MEMBER("title", "")                    \
                MEMBER("about", "") MEMBER("section", "") MEMBER("text", "") "\"rerun\":\"\""
#define RESULTS(shard)                                                                             \
    "{" MEMBER("seed", "1") MEMBER("role", "both") MEMBER("started", "2026-01-02T03:04:05Z")       \
        MEMBER("shard", shard) "\"format\":1,\"complete\":true,\"harness\":0,\"spec\":0,"          \
                               "\"peer\":{\"name\":\"x\"},\"repeat\":1,\"selection\":0,"           \
                               "\"selected\":2,\"cases\":["
#define KNOWN(role, more) "{" MEMBER("case", "FRAME-1.1") MEMBER("role", role) more "}\n"
static const char *const words[] = {
    KNOWN("host", "\"reason\":\"x\""),
    KNOWN("client",
          MEMBER("peer_version", "2*") MEMBER("expires", "2031-02-28") "\"reason\":\"x\""),
    MEMBER("role", "both"),
    RESULTS("1/1"),
    RESULTS("1/2"),
    RESULTS("2/2"),
    A_CASE("1", "host", "pass") "}",
    A_CASE("2", "client", "fail") ",\"transcript\":[{\"t\":0.1," MEMBER("who", "end 1")
        MEMBER("what", "<i>") "\"direction\":",
    "\"sent\",\"size\":5,\"wrong\":2," MEMBER("field", "slot") "\"hex\":\"",
    "594f544f4e\"}]}",
    A_CASE("3", "host", "xpass") "},",
    "],\"seconds\":1,\"measured\":{\"start\":1,\"trip\":1}}",
    "]}\x1e",
    "]},",
    "{\"t\":1e300," MEMBER("who", "") MEMBER("what", "&") "\"direction\":\"note\"},",
    "\"streams\":[{\"transcript\":[",
    "\"complete\":false,",
    MEMBER("expires", "2031-02-30"),
    MEMBER("message", "m"),
    KNOWN("client", "\"reason\":\"x\""),
    "# said by hand\n",
    "\xef\xbb\xbf"};

static struct {
    int fds[PARTS];
    char paths[PARTS][64];
    char folder[64];
    const uint8_t *data[PARTS];
    size_t sizes[PARTS];
    size_t count;
    struct known_list known;
    int returned;
    char said[8192], printed[1 << 16]; /* on standard error and output */
} bench;

/* --- files --- */

static void remove_files(void) {
    static const char *const names[] = {"junit.xml", "results.tap", "index.html", "results.json",
                                        "comparison.html"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", bench.folder, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/captures", bench.folder);
    rmdir(path);
}

static void leave_nothing(void) {
    remove_files();
    rmdir(bench.folder);
}

static void prepare(void) {
    if (bench.folder[0] != '\0')
        return;
    int memory = access("/dev/shm", W_OK) == 0;
    snprintf(bench.folder, sizeof bench.folder, "%s/yoton-fuzz-XXXXXX",
             memory ? "/dev/shm" : P_tmpdir);
    CHECK(mkdtemp(bench.folder) != NULL);
    atexit(leave_nothing);
    for (int i = 0; i < PARTS; i++) {
        bench.fds[i] = memfd_create("part", 0);
        CHECK(bench.fds[i] >= 0);
        snprintf(bench.paths[i], sizeof bench.paths[i], "/proc/self/fd/%d", bench.fds[i]);
    }
}

static void fill(int i, const uint8_t *data, size_t size) {
    CHECK(ftruncate(bench.fds[i], 0) == 0);
    CHECK(pwrite(bench.fds[i], data, size, 0) == (ssize_t)size);
    bench.data[i] = data;
    bench.sizes[i] = size;
}

/* Free the text. */
static char *read_file(const char *name, size_t *size) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", bench.folder, name);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    CHECK(fseek(file, 0, SEEK_END) == 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *text = calloc(1, *size + 1);
    CHECK(text != NULL && fread(text, 1, *size, file) == *size);
    fclose(file);
    return text;
}

/* --- a list of known failures, read anew --- */

static int is_word(const json_t *value) {
    return json_is_string(value) && json_string_length(value) > 0;
}

static int days_in(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

static int is_date(const char *text) {
    static const char form[] = "dddd-dd-dd";
    for (size_t i = 0; i < 10; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return 0;
    int year = atoi(text), month = atoi(text + 5), day = atoi(text + 8);
    return text[10] == '\0' && month >= 1 && month <= 12 && day >= 1 && day <= days_in(year, month);
}

static const char *of(const json_t *entry, const char *key, const char *otherwise) {
    const char *text = json_string_value(json_object_get(entry, key));
    return text != NULL ? text : otherwise;
}

static int good_entry(json_t *entry) {
    static const char fields[] = " case role reason peer_version message expires ";
    const char *key;
    json_t *value;
    json_object_foreach(entry, key, value) {
        char word[64];
        if ((size_t)snprintf(word, sizeof word, " %s ", key) >= sizeof word ||
            strchr(key, ' ') != NULL || strstr(fields, word) == NULL || !is_word(value))
            return 0;
    }
    const char *role = of(entry, "role", "");
    const struct test_case *test = find_case(of(entry, "case", ""));
    unsigned bit = strcmp(role, "host") == 0     ? ROLE_HOST
                   : strcmp(role, "client") == 0 ? ROLE_CLIENT
                                                 : 0;
    return json_object_get(entry, "reason") != NULL && test != NULL && (test->roles & bit) != 0 &&
           is_date(of(entry, "expires", "2031-12-31"));
}

static int same_subject(const json_t *a, const json_t *b) {
    return strcmp(of(a, "case", ""), of(b, "case", "")) == 0 &&
           strcmp(of(a, "role", ""), of(b, "role", "")) == 0 &&
           strcmp(of(a, "peer_version", "*"), of(b, "peer_version", "*")) == 0;
}

/* Returns the number of the first line that is wrong, 0 when none is; the entries. */
static size_t read_list(const uint8_t *data, size_t size, json_t *entries) {
    size_t number = 1;
    for (size_t at = 0; at < size; number++) {
        const uint8_t *feed = memchr(data + at, '\n', size - at);
        size_t stop = feed != NULL ? (size_t)(feed - data) : size;
        size_t blanks = at;
        while (blanks < stop && memchr(" \t\r", data[blanks], 3) != NULL)
            blanks++;
        if (blanks < stop && data[at] != '#') {
            json_t *entry =
                json_loadb((const char *)data + at, stop - at, JSON_REJECT_DUPLICATES, NULL);
            json_array_append_new(entries,
                                  json_is_object(entry)
                                      ? json_pack("{s:O, s:i}", "entry", entry, "line", (int)number)
                                      : json_null());
            int good = json_is_object(entry) && good_entry(entry);
            for (size_t i = 0; good && i + 1 < json_array_size(entries); i++)
                good = !same_subject(json_object_get(json_array_get(entries, i), "entry"), entry);
            json_decref(entry);
            if (!good)
                return number;
        }
        at = stop + 1;
    }
    return 0;
}

static void known_failures(void *unused) {
    (void)unused;
    bench.known = read_known(bench.paths[0]);
}

static void check_refusal(int status, const char *names) {
    CHECK(status == EXIT_USAGE);
    CHECK(strncmp(bench.said, "yotonspec: error: ", 18) == 0);
    CHECK(strstr(bench.said, names) != NULL);
    CHECK(strchr(bench.said, '\n') == bench.said + strlen(bench.said) - 1); /* one line */
}

/* The first that fits the case, the role and the version counts; until its day is over. */
static void check_found(const json_t *entries) {
    static const char *const versions[] = {"", "2.2", "*"};
    time_t seconds = time(NULL);
    char today[16];
    strftime(today, sizeof today, "%Y-%m-%d", gmtime(&seconds));
    for (size_t i = 0; i < 3 * bench.known.count; i++) {
        const struct known_failure *asked = &bench.known.entries[i / 3], *got;
        size_t first = 0;
        for (const json_t *entry; first < bench.known.count; first++) {
            entry = json_object_get(json_array_get(entries, first), "entry");
            if (strcmp(of(entry, "case", ""), asked->test) == 0 &&
                strcmp(of(entry, "role", ""), roles_text(asked->role)) == 0 &&
                fnmatch(of(entry, "peer_version", "*"), versions[i % 3], 0) == 0)
                break;
        }
        got = find_known(&bench.known, asked->test, asked->role, versions[i % 3]);
        CHECK(got == (first < bench.known.count ? &bench.known.entries[first] : NULL));
        if (got != NULL && got->expires != NULL)
            CHECK(known_expired(got) == (strcmp(got->expires, today) < 0));
        else if (got != NULL)
            CHECK(!known_expired(got));
    }
}

static void check_known(int status) {
    json_t *entries = json_array();
    size_t wrong = read_list(bench.data[0], bench.sizes[0], entries);
    char where[128];
    snprintf(where, sizeof where, "%s:%zu: ", bench.paths[0], wrong);
    if (wrong != 0) {
        check_refusal(status, where);
    } else {
        CHECK(status == WITHIN_RETURNED && bench.known.count == json_array_size(entries));
        for (size_t i = 0; i < bench.known.count; i++) {
            const struct known_failure *got = &bench.known.entries[i];
            const json_t *one = json_array_get(entries, i), *entry = json_object_get(one, "entry");
            CHECK(strcmp(got->test, of(entry, "case", "")) == 0);
            CHECK(strcmp(got->reason, of(entry, "reason", "")) == 0);
            CHECK(got->role == (of(entry, "role", "")[0] == 'h' ? ROLE_HOST : ROLE_CLIENT));
            CHECK((json_int_t)got->line == json_integer_value(json_object_get(one, "line")));
            CHECK((got->expires == NULL) == (json_object_get(entry, "expires") == NULL));
        }
        check_found(entries);
    }
    json_decref(entries);
}

/* --- results --- */

static int is_one_of(const char *words, const json_t *value) {
    const char *text = json_string_value(value);
    char word[32];
    return text != NULL && strchr(text, ' ') == NULL &&
           (size_t)snprintf(word, sizeof word, " %s ", text) < sizeof word &&
           strlen(text) == json_string_length(value) && strstr(words, word) != NULL;
}

/* As the schema's pattern, without what leads out of a folder or a text of a page. */
static int is_id(const json_t *value, int with_part) {
    const char *text = json_string_value(value);
    size_t size = json_string_length(value), at = 0;
    if (text == NULL || memchr(text, 0, size) != NULL)
        return 0;
    while (at < size && text[at] >= 'A' && text[at] <= 'Z')
        at++;
    if (at == 0 || at == size || text[at++] != '-' || text[at] < '1' || text[at] > '9')
        return 0;
    at += strspn(text + at, "0123456789");
    if (!with_part)
        return at == size;
    if (at == size || text[at++] != '.')
        return 0;
    const char *part = text + at, *number = part;
    if (strcmp(part, "0") == 0)
        return 1;
    for (const char *c = part; *c != '\0'; c++) {
        if (strchr("./<>&\"'\x7f", *c) != NULL || (*c >= 0 && *c <= ' '))
            return 0;
        if (*c == ':')
            number = c + 1;
    }
    return number != part + 1 && *number >= '1' && *number <= '9' &&
           strspn(number, "0123456789") == strlen(number);
}

/* How many bytes entries speak of in all: packets are made of them. */
static uint64_t spoken;

static int good_entry_of_talk(const json_t *entry) {
    const json_t *hex = json_object_get(entry, "hex"), *size = json_object_get(entry, "size");
    size_t digits = json_string_length(hex);
    if (!json_is_string(json_object_get(entry, "who")) ||
        !json_is_string(json_object_get(entry, "what")) ||
        !json_is_number(json_object_get(entry, "t")) ||
        !is_one_of(" sent received note ", json_object_get(entry, "direction")))
        return 0;
    if (hex != NULL && !json_is_string(hex))
        return 0;
    for (size_t i = 0; i < digits; i++)
        if (memchr("0123456789abcdef", json_string_value(hex)[i], 16) == NULL)
            return 0;
    if (size != NULL && !json_is_integer(size))
        return 0;
    json_int_t bytes = size != NULL ? json_integer_value(size) : (json_int_t)digits / 2;
    if (digits % 2 != 0 || bytes < (json_int_t)digits / 2 || bytes > (json_int_t)1 << 31)
        return 0;
    spoken += (uint64_t)bytes;
    return 1;
}

static int good_talk(const json_t *talk) {
    for (size_t i = 0; i < json_array_size(talk); i++)
        if (!good_entry_of_talk(json_array_get(talk, i)))
            return 0;
    return talk == NULL || json_is_array(talk);
}

static int is_whole_text(const json_t *value) {
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

static int good_case(const json_t *one) {
    static const char *const texts[] = {"why", "title", "about", "section", "text", "rerun"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!is_whole_text(json_object_get(one, texts[i])))
            return 0;
    return good_talk(json_object_get(one, "transcript")) && is_id(json_object_get(one, "id"), 1) &&
           is_id(json_object_get(one, "requirement"), 0) &&
           is_one_of(" must should may ", json_object_get(one, "level")) &&
           is_one_of(" manual observed hardening adapter ", json_object_get(one, "origin")) &&
           is_one_of(" host client ", json_object_get(one, "role")) &&
           is_one_of(" pass fail error flaky xfail xpass warn skip unsupported ",
                     json_object_get(one, "verdict"));
}

static int good_results(const json_t *results) {
    size_t i;
    json_t *one;
    const json_t *cases = json_object_get(results, "cases");
    if (!json_is_integer(json_object_get(results, "format")) ||
        json_integer_value(json_object_get(results, "format")) != 1 || !json_is_array(cases))
        return 0;
    json_array_foreach(cases, i, one) if (!good_case(one)) return 0;
    json_array_foreach(json_object_get(results, "streams"), i,
                       one) if (!good_talk(json_object_get(one, "transcript"))) return 0;
    return 1;
}

/* The number of the shard, and how many there are. */
static int shard_of(const json_t *results, long *shards) {
    char again[32];
    long shard = 0;
    const char *text = of(results, "shard", "");
    if (sscanf(text, "%5ld/%5ld", &shard, shards) != 2)
        return 0;
    snprintf(again, sizeof again, "%ld/%ld", shard, *shards);
    return strcmp(again, text) == 0 && shard >= 1 && shard <= *shards ? (int)shard : 0;
}

static int same_run(const json_t *a, const json_t *b) {
    static const char *const fields[] = {"harness", "spec",   "peer",      "seed",
                                         "role",    "repeat", "selection", "selected"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        json_t *one = json_deep_copy(json_object_get(a, fields[i]));
        json_t *two = json_deep_copy(json_object_get(b, fields[i]));
        json_object_del(one, "command");
        json_object_del(two, "command");
        int same = one != NULL && two != NULL && json_equal(one, two);
        json_decref(one);
        json_decref(two);
        if (!same)
            return 0;
    }
    return 1;
}

/* Parts of one run, all of them; then `parts` has them in order. */
static int whole_run(json_t *const *given, json_t **parts) {
    long first = 0, shards = 0;
    json_int_t total = json_integer_value(json_object_get(given[0], "selected"));
    for (size_t i = 0; i < bench.count; i++) {
        int shard = good_results(given[i]) && json_is_true(json_object_get(given[i], "complete"))
                        ? shard_of(given[i], &shards)
                        : 0;
        first = i == 0 ? shards : first;
        if (shard == 0 || shards != first || first != (long)bench.count ||
            parts[shard - 1] != NULL || !same_run(given[0], given[i]))
            return 0;
        parts[shard - 1] = given[i];
    }
    size_t all = 0;
    for (size_t i = 0; i < bench.count; i++)
        all += json_array_size(json_object_get(parts[i], "cases"));
    if (total < 0 || (json_int_t)all != total)
        return 0;
    for (size_t i = 0; i < bench.count; i++)
        if (json_array_size(json_object_get(parts[i], "cases")) !=
            (all + bench.count - 1 - i) / bench.count)
            return 0;
    return 1;
}

/* Nothing of what a file says is for a terminal to do. */
static void check_printed(void) {
    for (const char *c = bench.printed; *c != '\0'; c++) {
        CHECK((unsigned char)*c >= ' ' || *c == '\n');
        CHECK(*c != 0x7f && !(c[0] == '\xC2' && (unsigned char)c[1] < 0xA0));
    }
}

static void check_page(const char *name) {
    size_t size, at;
    char *page = read_file(name, &size);
    const char *wrong = markup_wrong(page, size, &at);
    if (wrong != NULL)
        fprintf(stderr, "%s: %s, at offset %zu: %.80s\n", name, wrong, at,
                page + (at > 40 ? at - 40 : 0));
    CHECK(wrong == NULL);
    free(page);
}

static void check_tap(size_t cases) {
    size_t size, lines = 0;
    char *text = read_file("results.tap", &size), wanted[32];
    snprintf(wanted, sizeof wanted, "1..%zu\n", cases);
    CHECK(strstr(text, wanted) != NULL);
    for (char *line = text; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        size_t number = 0;
        if (sscanf(line, "ok %zu", &number) == 1 || sscanf(line, "not ok %zu", &number) == 1)
            CHECK(number == ++lines);
    }
    CHECK(lines == cases);
    free(text);
}

static void check_merged(json_t *const *parts) {
    size_t size, i = 0, count = bench.count;
    char *text = read_file("results.json", &size);
    json_t *results = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
    const json_t *cases = json_object_get(results, "cases"),
                 *counts = json_object_get(results, "counts");
    CHECK(json_is_array(cases));
    json_t *one, *counted = json_object();
    json_array_foreach(cases, i, one) {
        const json_t *its = json_array_get(json_object_get(parts[i % count], "cases"), i / count);
        const char *verdict = of(one, "verdict", "");
        CHECK(strcmp(of(one, "id", ""), of(its, "id", "")) == 0);
        CHECK(strcmp(verdict, of(its, "verdict", "")) == 0);
        json_object_set_new(
            counted, verdict,
            json_integer(1 + json_integer_value(json_object_get(counted, verdict))));
    }
    const char *verdict;
    json_object_foreach(counted, verdict, one)
        CHECK(json_integer_value(json_object_get(counts, verdict)) == json_integer_value(one));
    check_tap(json_array_size(cases));
    check_page("index.html");
    check_page("junit.xml");
    json_decref(counted);
    json_decref(results);
    free(text);
}

static void merge_or_compare(void *compare) {
    const char *words[PARTS + 1] = {NULL};
    for (size_t i = 0; i < bench.count; i++)
        words[i] = bench.paths[i];
    struct options options = {.report_dir = bench.folder, .words = words};
    bench.returned = compare ? command_report(&options) : command_merge(&options);
}

static void check_results(int status, int compare) {
    json_t *given[PARTS] = {NULL}, *parts[PARTS] = {NULL};
    int good = 1;
    for (size_t i = 0; i < bench.count; i++) {
        given[i] = json_loadb((const char *)bench.data[i], bench.sizes[i], JSON_ALLOW_NUL, NULL);
        good &= good_results(given[i]);
    }
    if (compare ? !good : !whole_run(given, parts)) {
        static const char missing[] = "yotonspec: error: not all shards are there; ";
        if (strncmp(bench.said, missing, sizeof missing - 1) != 0) /* those have no name */
            check_refusal(status, "/proc/self/fd/");
        else
            check_refusal(status, "missing: ");
    } else {
        CHECK(status == WITHIN_RETURNED && bench.returned != EXIT_USAGE);
        check_printed();
        if (compare)
            check_page("comparison.html");
        else
            check_merged(parts);
    }
    for (size_t i = 0; i < bench.count; i++)
        json_decref(given[i]);
}

/* --- */

/* Good as it may be, it takes long. */
static int speaks_of_much(void) {
    spoken = 0;
    for (size_t i = 0; i < bench.count; i++) {
        json_t *results =
            json_loadb((const char *)bench.data[i], bench.sizes[i], JSON_ALLOW_NUL, NULL);
        good_results(results);
        json_decref(results);
    }
    return spoken > 1 << 20;
}

/* What is said goes into memory that is there. */
static FILE *into(char *memory, size_t size) {
    memset(memory, 0, size);
    FILE *file = fmemopen(memory, size - 1, "w");
    CHECK(file != NULL);
    setvbuf(file, NULL, _IONBF, 0);
    return file;
}

static int run(void (*what)(void *), void *data) {
    FILE *was_error = stderr, *was_output = stdout;
    stderr = into(bench.said, sizeof bench.said);
    stdout = into(bench.printed, sizeof bench.printed);
    int status = within(what, data);
    fclose(stderr);
    fclose(stdout);
    stderr = was_error;
    stdout = was_output;
    return status;
}

static void run_one(const uint8_t *data, size_t size, int which) {
    prepare();
    bench.count = 0;
    for (size_t at = 0; bench.count < PARTS && at <= size;) {
        const uint8_t *mark = which != 0 && at < size ? memchr(data + at, 30, size - at) : NULL;
        size_t stop = mark != NULL ? (size_t)(mark - data) : size;
        fill((int)bench.count++, data + at, stop - at);
        at = stop + 1;
    }
    int compare = which == 2;
    if (which != 0 && speaks_of_much())
        return;
    int status =
        which == 0 ? run(known_failures, NULL) : run(merge_or_compare, compare ? &compare : NULL);
    if (which == 0)
        check_known(status);
    else
        check_results(status, compare);
    remove_files();
    within_release();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t setting = fuzz_setting(data, &size), which = setting % 3;
    size_t made;
    void *text = setting % 6 < 3
                     ? fuzz_spell(data, size, words, sizeof words / sizeof *words, &made)
                 : which == 0 ? (uint8_t *)known_make(data, size, &made)
                              : (uint8_t *)results_make(data, size, &made);
    CHECK(text != NULL);
    if (made <= LARGEST)
        run_one(text, made, which);
    free(text);
    return 0;
}
