/* SPDX-License-Identifier: BSD-2-Clause */
/* The harness beside a hostile adapter. Input: one byte for each of at most 16 things that a case
 * asks of its adapter, what the adapter writes (in which byte 1 is the number of the request asked
 * last, and a line behind byte 3 goes to standard error), 3 bytes of settings: how many things; how
 * it writes; how it ends. The case runs as all do, to its verdict. Oracles: what it writes to the
 * adapter are requests, one a line, numbered; there is one verdict, never that the harness failed;
 * a line that ADAPTER.md forbids ends the case with that reason, and nothing else does than what
 * this reader of the lines finds, too. */
#include "adapter_world.h"
#include "fuzz.h"
#include "within.h"

#include "engine/registry.h"

enum { THINGS = 16, SECONDS = 1 << 20 };
static const double SHORT = 0.2; /* seconds to wait for what may not come */

static const char wanted_text[] = "abc";
static const char long_name[] = /* a request that is not shown whole */
    "................................................................................"
    "................................................................................"
    "................................................................................";
static const uint8_t wanted_bytes[] = {0x00, 0xff};

/* What an adapter may say, right and wrong. */
#define ANSWER(more) "{\"id\":\1,\"ok\":" more "}\n"
#define REFUSAL(code) ANSWER("false,\"code\":\"" code "\",\"error\":\"no\"")
#define CLOSED(more) "{\"event\":\"closed\",\"connection\":\"1\"," more "}\n"
#define HELLO_ID "\"context_id\":\"00000000000000a1\","
#define SLOTS "\"slot_out_hash\":\"1\",\"slot_in_hash\":\"18446744073709551615\""
static const char *const words[] = {
    ANSWER("true," HELLO_ID "\"capabilities\":[\"host\",\"bind\"]"), ANSWER("true"),
    ANSWER("true," SLOTS), ANSWER("true,\"value\":\"abc\""),
    ANSWER("true,\"value\":{\"hex\":\"00ff\"}"), REFUSAL("timeout"), REFUSAL("failed"),
    REFUSAL("closed"), REFUSAL("unsupported"), "{\"id\":null,\"ok\":false}\n",
    CLOSED("\"reason\":\"gone\""), CLOSED("\"found\":true"), ANSWER("1"),
    /* wrong in one thing, or at a limit */
    ANSWER("true,\"context_id\":\"0x000000000000a1\",\"capabilities\":[\"host\",\"bind\"]"),
    ANSWER("true,\"slot_out_hash\":\"18446744073709551616\",\"slot_in_hash\":\"1\""),
    ANSWER("true,\"slot_out_hash\":\"+1\",\"slot_in_hash\":\"1\""),
    ANSWER("true,\"value\":{\"hex\":\"0g\"}"), ANSWER("true,\"value\":null"),
    ANSWER("true,\"id\":1"), "{\"id\":null,\"ok\":false,\"error\":\"no\",\"offset\":3}\n",
    "{\"id\":2,\"ok\":true}\n", "[1]\n", "{\"event\":\"closed\"}\n",
    "{\"event\":\"opened\",\"connection\":\"1\"}\n", CLOSED("\"connection\":\"2\""),
    CLOSED("\"ok\":true"), "\3oh\n"};
enum { WORDS = sizeof words / sizeof *words };

static struct {
    const uint8_t *things;
    size_t count;
    channel *sub;
    int late; /* a request whose answer nobody waits for yet; 0 for none */
} script;

/* --- what the case asks, and whether it has reason to go on --- */

typedef enum thing {
    HELLO, /* done by the engine */
    STATUS,
    TRY,
    OPEN,
    PUBLISH,
    TEXT,
    BYTES,
    NO_MESSAGE,
    EVENT,
    STRAY,
    ASK,
    AWAIT,
    REFUSED,
    RUN,
    COUNT,
    OPTIONS,
    KINDS
} thing;

static bool is_text(const json_t *value, const char *text) {
    return json_is_string(value) && json_string_length(value) == strlen(text) &&
           strcmp(json_string_value(value), text) == 0;
}

static bool is_hex_id(const json_t *value) {
    if (json_string_length(value) != 16)
        return false;
    return strspn(json_string_value(value), "0123456789abcdefABCDEF") == 16;
}

/* A number below 2^64, in digits and nothing else. */
static bool is_decimal(const json_t *value) {
    const char *text = json_string_value(value);
    size_t size = json_string_length(value);
    if (text == NULL || size == 0 || strspn(text, "0123456789") != size)
        return false;
    while (size > 1 && *text == '0') {
        text++;
        size--;
    }
    return size < 20 || (size == 20 && strcmp(text, "18446744073709551615") <= 0);
}

static bool is_ok(const json_t *reply) { return json_is_true(json_object_get(reply, "ok")); }

static bool has_code(const json_t *reply, const char *code) {
    return reply != NULL && !is_ok(reply) && is_text(json_object_get(reply, "code"), code);
}

/* May the case go on behind this thing, whose answer is `reply` (NULL: none came)? */
static bool may_go_on(thing kind, const json_t *reply) {
    const json_t *value = json_object_get(reply, "value");
    switch (kind) {
    case HELLO:
        return is_ok(reply) && is_hex_id(json_object_get(reply, "context_id"));
    case TRY:
    case AWAIT:
        return reply != NULL && !has_code(reply, "unsupported");
    case OPEN:
        return is_ok(reply) && is_decimal(json_object_get(reply, "slot_out_hash")) &&
               is_decimal(json_object_get(reply, "slot_in_hash"));
    case STATUS:
    case PUBLISH:
        return is_ok(reply);
    case OPTIONS: /* an id need not be there, where none was asked for */
        value = json_object_get(reply, "context_id");
        return is_ok(reply) && (json_string_length(value) == 0 || is_hex_id(value));
    case TEXT:
        return is_ok(reply) && is_text(value, wanted_text);
    case BYTES:
        return is_ok(reply) && is_text(json_object_get(value, "hex"), "00ff");
    case NO_MESSAGE:
        return has_code(reply, "timeout");
    case REFUSED:
        return has_code(reply, "failed") || has_code(reply, "closed");
    case EVENT:
        return world_event_is_due("closed", "1");
    default:
        return true;
    }
}

static void do_thing(tester *t, thing kind) {
    const json_t *got;
    switch (kind) {
    case STATUS:
        got = call(t, "status", "{s:s}", "connection", "1");
        CHECK(world_same(got, world_reply(t)));
        break;
    case TRY:
        try_call(t, "connections", NULL);
        break;
    case OPEN:
        script.sub = open_sub(t, long_name, "txt");
        break;
    case PUBLISH:
        publish(script.sub, wanted_text);
        break;
    case TEXT:
        expect_received(script.sub, wanted_text);
        break;
    case BYTES:
        expect_received_bytes(script.sub, wanted_bytes, sizeof wanted_bytes);
        break;
    case NO_MESSAGE:
        expect_no_message(script.sub);
        break;
    case EVENT:
        world_found(await_event(t, "closed", "1", SHORT));
        break;
    case STRAY:
        world.stray = true;
        json_object_del(world.replies, "none");
        got = any_reply(t, send_line(t, "nonsense"), SHORT);
        CHECK(world_same(got, json_object_get(world.replies, "none")));
        break;
    case ASK:
        script.late = ask(t, "flush", "{s:f}", "timeout", 1.5);
        break;
    case AWAIT:
        await_reply(t, script.late, SHORT);
        break;
    case REFUSED:
        expect_refused(t, try_call(t, "bind", "{s:s}", "address", "nowhere"), "nowhere");
        break;
    case RUN:
        run_for(t, 0.2);
        break;
    case COUNT:
        CHECK(count_events(t, "closed", "1") == world_count("closed", "1"));
        CHECK(count_events(t, "received", NULL) >= world_count("received", "1"));
        break;
    default:
        call(t, "options", "{s:i}", "max_message", 1);
    }
}

/* Each is there when what it builds on is. */
static bool makes_sense(thing kind) {
    bool channel_needed = kind == PUBLISH || kind == TEXT || kind == BYTES || kind == NO_MESSAGE;
    return (!channel_needed || script.sub != NULL) && (kind != AWAIT || script.late != 0);
}

static const json_t *reply_of(thing kind, tester *t) {
    return kind == AWAIT ? world_reply_to(script.late) : world_reply(t);
}

static void run_script(tester *t) {
    world.t = t;
    CHECK(may_go_on(HELLO, world_reply_to(1)));
    for (size_t i = 0; i < script.count; i++) {
        thing kind = (thing)(1 + script.things[i] % (KINDS - 1));
        if (!makes_sense(kind))
            continue;
        world.doing = (int)kind;
        do_thing(t, kind);
        CHECK(may_go_on(kind == EVENT ? RUN : kind, reply_of(kind, t)));
        world.doing = RUN;
    }
    world.script_done = true;
}

/* --- the verdict --- */

static bool offers(const char *capability) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(world_reply_to(1), "capabilities"), i,
                       one) if (is_text(one, capability)) return true;
    return false;
}

/* Is there a last line, behind blank ones? */
static bool has_words(const char *text, size_t size) {
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\n'))
        size--;
    return size > 0;
}

/* It is kept as it is when it is UTF-8. */
static void check_trouble(const json_t *verdict) {
    const json_t *told = json_object_get(verdict, "stderr");
    json_t *whole = json_stringn(world.trouble, world.trouble_size);
    CHECK((told != NULL) == (world.trouble_size > 0));
    CHECK(told == NULL || whole == NULL || world.trouble_size > 16384 || json_equal(told, whole));
    json_decref(whole);
}

static void check_fail(const json_t *verdict) {
    const char *why = json_string_value(json_object_get(verdict, "why"));
    CHECK(why != NULL && *why != '\0');
    if (world.bad != NULL) {
        CHECK(strstr(why, world.bad) != NULL);
        return;
    }
    bool died = json_is_true(json_object_get(verdict, "died"));
    CHECK(died == (world.end_told || (world.script_done && world_crashes())));
    if (died) {
        bool said = has_words(world.trouble, world.trouble_size) && world.end_told;
        CHECK((strstr(why, "; it said: ") != NULL) == said);
        return;
    }
    thing kind = (thing)world.doing;
    CHECK(!world.script_done && !may_go_on(kind, reply_of(kind, world.t)));
    CHECK(json_is_true(json_object_get(verdict, "hung")) <= (reply_of(kind, world.t) == NULL));
}

/* All that the adapter said is in the report, in front of the reason. */
static void check_transcript(const json_t *verdict) {
    size_t i, lines = 0;
    json_t *entry;
    json_array_foreach(json_object_get(verdict, "transcript"), i, entry) lines +=
        is_text(json_object_get(entry, "who"), "adapter") &&
        is_text(json_object_get(entry, "direction"), "received");
    CHECK(lines == world.lines || world.lines > WORLD_SHOWN);
}

static void check_verdict(void) {
    CHECK(world.verdicts == 1);
    json_t *verdict = json_loadb(world.verdict, world.verdict_size, JSON_ALLOW_NUL, NULL);
    CHECK(json_is_object(verdict));
    const char *left = json_string_value(json_object_get(verdict, "left"));
    CHECK(world_left() == 0 || (left != NULL && strtoul(left, NULL, 10) == world_left()));
    const json_t *word = json_object_get(verdict, "verdict");
    if (is_text(word, "pass")) {
        CHECK(world.bad == NULL && world.script_done && !world_crashes());
    } else if (is_text(word, "unsupported")) {
        CHECK(world.bad == NULL);
        const json_t *said =
            world.t != NULL ? reply_of((thing)world.doing, world.t) : world_reply_to(1);
        bool lacks =
            world.t == NULL && may_go_on(HELLO, said) && (!offers("host") || !offers("bind"));
        CHECK(lacks || has_code(said, "unsupported"));
        check_transcript(verdict);
        check_trouble(verdict);
    } else {
        CHECK(is_text(word, "fail"));
        check_fail(verdict);
        check_transcript(verdict);
        check_trouble(verdict);
    }
    json_decref(verdict);
}

static void whole_case(void *unused) {
    (void)unused;
    static char *command[] = {"adapter", NULL};
    static const struct peer peer = {.name = "fuzzed", .command = command};
    static const struct test_case test = {.id = "FUZZ", .run = run_script, .roles = ROLE_HOST};
    struct case_run run = {.test = &test,
                           .peer = &peer,
                           .role = ROLE_HOST,
                           .scale = 0.1,
                           .deadline = SECONDS,
                           .result = WORLD_RESULT};
    run_case(&run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t end = fuzz_setting(data, &size), way = fuzz_setting(data, &size);
    size_t things = fuzz_setting(data, &size) % (THINGS + 1);
    memset(&script, 0, sizeof script);
    script.count = things < size ? things : size;
    script.things = data;
    bool greets = way % 4 < 2 && (way & 4) != 0; /* says hello, whatever the input says */
    size_t spelled, left = size - script.count;
    uint8_t *said = malloc(left + 1);
    CHECK(said != NULL);
    said[0] = 0xC0;
    if (left > 0)
        memcpy(said + greets, data + script.count, left);
    uint8_t *text = fuzz_spell(said, left + greets, words, WORDS, &spelled);
    free(said);
    if (spelled > WORLD_LINE / 2) {
        free(text);
        return 0;
    }
    world_begin(text, spelled, way, end);
    CHECK(within(whole_case, NULL) == EXIT_CONFORMS);
    world_over();
    check_verdict();
    within_release();
    free(text);
    return 0;
}
