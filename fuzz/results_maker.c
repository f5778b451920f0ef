/* SPDX-License-Identifier: BSD-2-Clause */
#include "results_maker.h"

#include <jansson.h>
#include <stdbool.h>

#include "fuzz.h"

enum { SHARDS = 4, CASES = 10, ENTRIES = 4 };

typedef struct choices {
    const uint8_t *data;
    size_t size;
} choices;

/* 0 behind the end of the input: there, what is made has as much as it may. */
static unsigned choose(choices *c, unsigned below) {
    if (c->size == 0)
        return 0;
    c->size--;
    return *c->data++ % below;
}

#define ONE_OF(c, list) list[choose(c, sizeof(list) / sizeof *(list))]

/* --- good ones --- */

static json_t *make_entry(choices *c) {
    static const char *const ways[] = {"sent", "received", "note"};
    static const char *const who[] = {"end 1", "end 2", "adapter", "", "capture"};
    static const char *const what[] = {"package",     "heartbeat", "reset",      "<b>&\"'",
                                       "stream ends", "hello",     "\x1b[31m\n", "\xc2\x9b"};
    static const char *const hex[] = {"", "59", "594f544f4e2020200100000000000000", "00ff0a1b7f"};
    json_t *entry =
        json_pack("{s:f, s:s, s:s, s:s}", "t", choose(c, 9) / 3.0, "who", ONE_OF(c, who),
                  "direction", ONE_OF(c, ways), "what", ONE_OF(c, what));
    if (choose(c, 2) == 0) {
        const char *bytes = ONE_OF(c, hex);
        json_object_set_new(entry, "hex", json_string(bytes));
        json_object_set_new(entry, "size",
                            json_integer((json_int_t)(strlen(bytes) / 2 + choose(c, 90))));
    }
    if (choose(c, 3) == 1) {
        json_object_set_new(entry, "wrong",
                            choose(c, 2) ? json_true() : json_integer(choose(c, 40)));
        json_object_set_new(entry, "field", json_string(choose(c, 2) ? "slot" : "<i>"));
    }
    return entry;
}

static json_t *make_transcript(choices *c) {
    json_t *transcript = json_array();
    for (unsigned left = (choose(c, ENTRIES + 1) + 1) % (ENTRIES + 1); left > 0; left--)
        json_array_append_new(transcript, make_entry(c));
    return transcript;
}

static const char long_text[] = /* is cut where there is little room */
    "one\xc3\xa9two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty twenty-one twenty-two twenty-three";

static json_t *make_case(choices *c, unsigned number) {
    static const char *const verdicts[] = {"pass",  "fail",  "warn",  "skip", "unsupported",
                                           "flaky", "xfail", "xpass", "error"};
    static const char *const levels[] = {"must", "should", "may"};
    static const char *const origins[] = {"manual", "observed", "hardening", "adapter"};
    static const char *const texts[] = {
        "",         "why",    "<script>", "a\nb#c\\d\"\r", "\x1b]0;x\x07", "\xef\xbf\xbf",
        "`a` b `c", long_text};
    static const char *const ids[] = {"LINK-%u.1", "HS-%u.0", "REPLAY-%u.capture:3"};
    char id[40], requirement[16];
    snprintf(id, sizeof id, ONE_OF(c, ids), number);
    snprintf(requirement, sizeof requirement, "LINK-%u", number);
    json_t *one = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:f}", "id", id,
        "requirement", requirement, "level", ONE_OF(c, levels), "origin", ONE_OF(c, origins),
        "role", choose(c, 2) ? "client" : "host", "verdict", ONE_OF(c, verdicts), "why",
        ONE_OF(c, texts), "title", ONE_OF(c, texts), "about", ONE_OF(c, texts), "section",
        ONE_OF(c, texts), "text", ONE_OF(c, texts), "rerun", ONE_OF(c, texts), "seconds", 0.5);
    if (choose(c, 2) == 0)
        json_object_set_new(one, "transcript", make_transcript(c));
    static const char *const more[] = {"stderr", "expected", "got", "left", "field"};
    for (unsigned left = choose(c, 4); left > 0; left--)
        json_object_set_new(one, ONE_OF(c, more), json_string(ONE_OF(c, texts)));
    if (choose(c, 4) == 1)
        json_object_set_new(one, "died", json_true());
    if (choose(c, 4) == 1)
        json_object_set_new(one, "runs", json_integer(choose(c, 5)));
    if (choose(c, 4) == 1)
        json_object_set_new(one, "differences",
                            json_pack("[{s:i, s:f, s:i, s:s, s:s, s:s}]", "frame", 3, "time", 0.5,
                                      "stream", 1, "what", ONE_OF(c, texts), "recorded",
                                      ONE_OF(c, texts), "live", ONE_OF(c, texts)));
    return one;
}

static json_t *make_shard(choices *c, unsigned shard, unsigned shards, unsigned total) {
    static const char *const dates[] = {"2026-01-02T03:04:05Z", "2026-01-02T03:04:04Z", "soon"};
    char place[32];
    snprintf(place, sizeof place, "%u/%u", shard + 1, shards);
    json_t *results = json_pack(
        "{s:i, s:b, s:s, s:s, s:{s:s, s:s, s:s, s:s}, s:s, s:s, s:i, s:i, s:i, s:s, s:s, s:f}",
        "format", 1, "complete", 1, "harness", "h", "spec", "s", "peer", "name", "<x>", "version",
        "2\x1b", "implementation", "x", "command", place, "seed", "7", "role", "both", "repeat", 1,
        "selection", 0, "selected", (int)total, "shard", place, "started", ONE_OF(c, dates),
        "seconds", (double)choose(c, 4));
    if (choose(c, 2))
        json_object_set_new(results, "measured",
                            json_pack("{s:f, s:f}", "start", 0.1, "trip", 0.2));
    if (choose(c, 4) == 1)
        json_object_set_new(results, "streams",
                            json_pack("[{s:s, s:s, s:s, s:o}]", "title", "<t>", "client", "c",
                                      "host", "h", "transcript", make_transcript(c)));
    json_object_set_new(results, "counts", json_pack("{s:i, s:i}", "pass", 1, "<b>", 1));
    json_object_set_new(results, "exit", json_integer(choose(c, 7)));
    json_t *cases = json_array();
    for (unsigned i = shard; i < total; i += shards)
        json_array_append_new(cases, make_case(c, i + 1));
    json_object_set_new(results, "cases", cases);
    return results;
}

/* --- one thing that is wrong --- */

static json_t *odd_value(choices *c) {
    static const char *const texts[] = {"",     "x",    "../../x-1.1", "LINK-.1", "LINK-1.x:0",
                                        "HS-1", "1/+1", "3/2",         "host ",   "MUST",
                                        "0x59", "\x01", "2/2",         "1/1 ",    "LINK-1.a b:1",
                                        "5",    "zz",   "HS-1.1/x:1"};
    switch (choose(c, 7)) {
    case 0:
        return NULL; /* taken away */
    case 1:
        return json_integer((json_int_t)choose(c, 4) - 1);
    case 2:
        return json_integer((json_int_t)1 << 40);
    case 3:
        return json_array();
    case 4:
        return json_null();
    case 5:
        return json_stringn("a\0b", 3);
    default:
        return json_string(ONE_OF(c, texts));
    }
}

/* One of its members becomes odd, or goes. */
static void spoil_member(choices *c, json_t *object, unsigned which) {
    void *at = json_object_iter(object);
    for (; which > 0; which--)
        at = json_object_iter_next(object, at);
    json_t *odd = odd_value(c);
    char *key = strdup(json_object_iter_key(at));
    CHECK(key != NULL);
    if (odd == NULL)
        json_object_del(object, key);
    else
        json_object_set_new(object, key, odd);
    free(key);
}

/* What a reader that is not strict takes, and what is just good enough. */
static const struct oddity {
    enum where { IN_RESULTS, IN_CASE, IN_ENTRY } where;
    const char *key, *value; /* JSON */
} oddities[] = {
    {IN_CASE, "id", "\"../../x-1.1\""},
    {IN_CASE, "id", "\"HS-1.1/x:1\""},
    {IN_CASE, "id", "\"HS-1.a b:1\""},
    {IN_CASE, "id", "\"HS-1.x:01\""},
    {IN_CASE, "id", "\"hs-1.1\""},
    {IN_CASE, "id", "\"HS-1\""},
    {IN_CASE, "id", "\"HS-1.:1\""},
    {IN_CASE, "id", "\"HS-1.a\\u007f:1\""},
    {IN_CASE, "level", "\"a word that is longer than any of them\""},
    {IN_RESULTS, "streams", "[{\"transcript\": {}}]"},
    {IN_RESULTS, "shard", "\"2/9\""},
    {IN_CASE, "requirement", "\"A-01\""},
    {IN_CASE, "requirement", "\"HS-1.1\""},
    {IN_CASE, "level", "\"must \""},
    {IN_CASE, "origin", "\"seen\""},
    {IN_CASE, "role", "\"both\""},
    {IN_CASE, "verdict", "\"<b>\""},
    {IN_CASE, "why", "null"},
    {IN_CASE, "text", "\"a\\u0000b\""},
    {IN_CASE, "transcript", "{}"},
    {IN_ENTRY, "hex", "\"zz\""},
    {IN_ENTRY, "hex", "\"5\""},
    {IN_ENTRY, "hex", "7"},
    {IN_ENTRY, "direction", "\"<b>\""},
    {IN_ENTRY, "who", "null"},
    {IN_ENTRY, "what", "\"<b>\""},
    {IN_ENTRY, "t", "\"0\""},
    {IN_ENTRY, "t", "1e300"},
    {IN_ENTRY, "t", "-1"},
    {IN_ENTRY, "size", "-1"},
    {IN_ENTRY, "size", "2147483649"},
    {IN_ENTRY, "size", "1.5"},
    {IN_RESULTS, "format", "2"},
    {IN_RESULTS, "complete", "false"},
    {IN_RESULTS, "shard", "\"1/+1\""},
    {IN_RESULTS, "shard", "\"0/1\""},
    {IN_RESULTS, "selected", "-1"},
    {IN_RESULTS, "selected", "1"},
    {IN_RESULTS, "seed", "\"8\""},
    {IN_RESULTS, "cases", "{}"},
};

/* One of its members, or of its last case's, or of the last entry that this has. */
static void make_odd(json_t *results, const struct oddity *odd) {
    json_t *cases = json_object_get(results, "cases"), *into = results;
    if (odd->where != IN_RESULTS)
        into = json_array_get(cases, json_array_size(cases) - 1);
    if (odd->where == IN_ENTRY) {
        json_t *transcript = json_object_get(into, "transcript");
        into = json_array_get(transcript, json_array_size(transcript) - 1);
    }
    json_t *value = json_loads(odd->value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    CHECK(value != NULL);
    if (into != NULL)
        json_object_set(into, odd->key, value);
    json_decref(value);
}

/* A member somewhere in it becomes odd. */
static void spoil(choices *c, json_t *value) {
    for (unsigned depth = choose(c, 7);; depth--) {
        bool array = json_is_array(value);
        size_t size = array ? json_array_size(value) : json_object_size(value);
        if (size == 0)
            return;
        unsigned which = choose(c, (unsigned)size);
        void *at = json_object_iter(value);
        for (unsigned i = 0; !array && i < which; i++)
            at = json_object_iter_next(value, at);
        json_t *inner = array ? json_array_get(value, which) : json_object_iter_value(at);
        if (depth > 0 && (json_is_object(inner) || json_is_array(inner))) {
            value = inner;
            continue;
        }
        if (array)
            json_array_set_new(value, which, json_integer(7));
        else
            spoil_member(c, value, which);
        return;
    }
}

/* --- as text --- */

/* Appends what it is in JSON, and one byte. */
static void append(char **text, size_t *size, json_t *value, char behind) {
    char *more = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    CHECK(more != NULL);
    *text = realloc(*text, *size + strlen(more) + 2);
    CHECK(*text != NULL);
    memcpy(*text + *size, more, strlen(more));
    *size += strlen(more);
    (*text)[(*size)++] = behind;
    free(more);
    json_decref(value);
}

enum { ODDITIES = sizeof oddities / sizeof *oddities };

char *results_make(const uint8_t *data, size_t size, size_t *made) {
    choices c = {data, size};
    unsigned how = choose(&c, 3), odd = how == 2 ? choose(&c, ODDITIES) : 0;
    unsigned shards = choose(&c, SHARDS) + 1, total = (choose(&c, CASES + 1) + 1) % (CASES + 1);
    unsigned wrong = how == 1 ? choose(&c, shards) : shards;
    unsigned first = choose(&c, shards), left_out = choose(&c, 4) == 3 ? choose(&c, shards) : 0;
    char *text = NULL;
    *made = 0;
    for (unsigned i = 0; i + left_out < shards; i++) {
        unsigned shard = (first + i) % shards;
        json_t *results = make_shard(&c, shard, shards, total);
        if (shard == wrong)
            spoil(&c, results);
        if (how == 2 && i + left_out + 1 == shards)
            make_odd(results, &oddities[odd]);
        append(&text, made, results, 30);
    }
    --*made; /* nothing behind the last */
    return text;
}

char *known_make(const uint8_t *data, size_t size, size_t *made) {
    static const char *const cases[] = {"FRAME-1.1", "HS-1.1", "LINK-1.1", "LINK-999.1"};
    static const char *const versions[] = {"2*", "2.2", "*", "[", "x"};
    static const char *const days[] = {"2031-02-28", "2031-02-29", "2032-02-29",  "2020-01-01",
                                       "2031-13-01", "2031-1-1",   "2031-12-31 ", ""};
    static const char *const keys[] = {
        "message", "cause", "a b",
        "a name that is longer than the names of all that an entry may have together"};
    choices c = {data, size};
    unsigned count = choose(&c, 5), wrong = choose(&c, 2) ? choose(&c, count + 1) : count;
    char *text = NULL;
    *made = 0;
    for (unsigned i = 0; i < count; i++) {
        json_t *entry = json_pack("{s:s, s:s, s:s}", "case", ONE_OF(&c, cases), "role",
                                  choose(&c, 2) ? "client" : "host", "reason", "x");
        if (choose(&c, 2))
            json_object_set_new(entry, "peer_version", json_string(ONE_OF(&c, versions)));
        if (choose(&c, 2))
            json_object_set_new(entry, "expires", json_string(ONE_OF(&c, days)));
        if (choose(&c, 3) == 1)
            json_object_set_new(entry, ONE_OF(&c, keys), json_string("m"));
        if (i == wrong)
            spoil(&c, entry);
        append(&text, made, entry, choose(&c, 9) == 1 ? ' ' : '\n');
    }
    return text != NULL ? text : calloc(1, 1);
}
