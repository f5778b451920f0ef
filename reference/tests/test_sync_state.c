/* SPDX-License-Identifier: BSD-2-Clause */
/* Sync mode, state, and a whole channel behind one face: tables C.4 to C.6 of the spec. */
#include "machine_rig.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "channels/channel.h"
#include "yoton/names.h"

static bench b;

/* ---- The reader: table C.4 ---- */

#define say(reader, now, waiting, word)                                                            \
    do {                                                                                           \
        const char *said = sync_reader_look(reader, now, waiting), *wanted = word;                 \
        assert_true(wanted != NULL ? said != NULL && strcmp(said, wanted) == 0 : said == NULL);    \
    } while (0)

/* SYNC-1, SYNC-2, SYNC-3 */
static void a_reader_says_its_word_once_and_again(void **state) {
    sync_reader reader = {.on = false};
    (void)state;
    say(&reader, 0, 10000, NULL); /* SYNC-9 */
    assert_null(sync_reader_switch(&reader, false));
    assert_null(sync_reader_switch(&reader, true));
    say(&reader, 0, 0, NULL);
    say(&reader, SECONDS(9), 32, NULL); /* nothing said yet: nothing to say again */
    say(&reader, SECONDS(10), 33, "full");
    say(&reader, SECONDS(10), 34, NULL);
    say(&reader, SECONDS(11), 16, NULL);
    say(&reader, SECONDS(14), 33, NULL);
    say(&reader, SECONDS(14) + 1, 33, "full");
    say(&reader, SECONDS(18) + 2, 16, "full"); /* between the thresholds too */
    say(&reader, SECONDS(22) + 2, 16, NULL);
    say(&reader, SECONDS(22) + 2, 15, "ok");
    say(&reader, SECONDS(22) + 2, 0, NULL);
    say(&reader, SECONDS(26) + 2, 32, NULL);
    say(&reader, SECONDS(26) + 3, 32, "ok");
    assert_null(sync_reader_switch(&reader, true)); /* ignored */
    say(&reader, SECONDS(26) + 3, 33, "full");
    say(&reader, SECONDS(26) + 3, 0, "ok");
    assert_null(sync_reader_switch(&reader, false)); /* its last word was ok */
    say(&reader, SECONDS(99), 33, NULL);
}

/* SYNC-8 */
static void switching_off_takes_full_back(void **state) {
    sync_reader reader = {.on = true};
    (void)state;
    say(&reader, 0, 33, "full");
    assert_string_equal(sync_reader_switch(&reader, false), "ok");
    say(&reader, SECONDS(99), 33, NULL);
    assert_null(sync_reader_switch(&reader, true));
    say(&reader, SECONDS(99), 16, NULL);
    say(&reader, SECONDS(99), 33, "full"); /* as if it had said nothing */
}

/* ---- The writer: table C.5 ---- */

static void hear(sync_writer *writer, yoton_time now, uint64_t source, const char *word) {
    sync_writer_word(writer, now, source, word, strlen(word));
}

/* SYNC-5, SYNC-6, SYNC-7, SYNC-10 */
static void sends_are_held_while_any_source_is_full(void **state) {
    sync_writer writer = {.count = 0};
    (void)state;
    assert_int_equal(sync_writer_held(&writer, 0), 0);
    hear(&writer, 0, 1, "ok");
    hear(&writer, 0, 1, "");
    assert_int_equal(sync_writer_held(&writer, 0), 0);
    hear(&writer, SECONDS(1), 1, "full");
    assert_int_equal(sync_writer_held(&writer, SECONDS(1)), SECONDS(11));
    hear(&writer, SECONDS(2), 2, "full");
    hear(&writer, SECONDS(3), 3, "full");
    hear(&writer, SECONDS(4), 4, "ok"); /* who was not full changes nothing */
    assert_int_equal(sync_writer_held(&writer, SECONDS(4)), SECONDS(13));
    hear(&writer, SECONDS(5), 1, "full");
    assert_int_equal(sync_writer_held(&writer, SECONDS(5)), SECONDS(15));
    hear(&writer, SECONDS(6), 1, "full?"); /* anything else is ok */
    assert_int_equal(sync_writer_held(&writer, SECONDS(6)), SECONDS(13));
    assert_int_equal(sync_writer_held(&writer, SECONDS(12) - 1), SECONDS(13));
    assert_int_equal(writer.count, 2);
    assert_int_equal(sync_writer_held(&writer, SECONDS(12)), SECONDS(13)); /* 2 is forgotten */
    assert_int_equal(writer.count, 1);
    hear(&writer, SECONDS(12), 3, "FULL");
    assert_int_equal(sync_writer_held(&writer, SECONDS(12)), 0);
    hear(&writer, YOTON_NEVER - 1, 3, "full");
    assert_int_equal(sync_writer_held(&writer, YOTON_NEVER - 1), YOTON_NEVER);
    sync_writer_clear(&writer);
    assert_int_equal(sync_writer_held(&writer, 0), 0);
    hear(&writer, 0, 1, "full");
    assert_int_equal(sync_writer_held(&writer, SECONDS(10)), 0); /* SYNC-7, the only one */
    assert_int_equal(writer.count, 0);
    sync_writer_clear(&writer);
}

#define SOURCES UINT64_C(100000)

/* LIMIT-12 */
static void very_many_full_sources_stay_bounded_and_fast(void **state) {
    sync_writer writer = {.count = 0};
    struct timespec begin, end;
    (void)state;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (uint64_t i = 0; i < SOURCES; i++)
        hear(&writer, i, i, "full");
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    assert_true(end.tv_sec - begin.tv_sec < 60); /* about 0.5 s */
    assert_int_equal(writer.count, SYNC_SOURCES_MAX);
    assert_int_equal(writer.list[0].id, SOURCES - SYNC_SOURCES_MAX);
    for (uint64_t i = SOURCES - SYNC_SOURCES_MAX; i < SOURCES; i++)
        hear(&writer, SOURCES, i, "ok");
    assert_int_equal(sync_writer_held(&writer, SOURCES), 0);
    sync_writer_clear(&writer);
}

/* ---- A state cell: table C.6 ---- */

static void a_cell_keeps_what_was_last_set_or_came(void **state) {
    state_cell cell = {.current = NULL};
    yoton_package *again, *one = package_from(0, 0, 0, "one"), *same = package_from(0, 0, 0, "one");
    yoton_package *two = package_from(7, 5, 3, "two"), *longer = package_from(0, 0, 0, "twos");
    (void)state;
    assert_int_equal(state_cell_again(&cell, &again), YOTON_OK);
    assert_null(again);
    assert_true(state_cell_set(&cell, one));   /* STATE-1 */
    assert_false(state_cell_set(&cell, same)); /* STATE-2 */
    assert_false(state_cell_set(&cell, one));
    state_cell_arrive(&cell, two); /* STATE-3; PUB-7 */
    assert_ptr_equal(cell.current, two);
    state_cell_arrive(&cell, two);
    assert_int_equal(state_cell_again(&cell, &again), YOTON_OK);
    const yoton_header *h = yoton_package_header(again);
    assert_true(h->slot == BENCH_SLOT && h->source_id == 0 && h->source_seq == 0 &&
                h->dest_id == 0 && h->dest_seq == 0 && h->length == 3); /* STATE-5 */
    assert_memory_equal(yoton_package_payload(again), "two", 3);
    assert_true(state_cell_set(&cell, one)); /* as long, and other */
    assert_true(state_cell_set(&cell, longer));
    yoton_package_unref(again);
    yoton_package_unref(one);
    yoton_package_unref(same);
    yoton_package_unref(two);
    yoton_package_unref(longer);
    state_cell_clear(&cell);
    assert_int_equal(state_cell_again(&cell, &again), YOTON_OK);
    assert_null(again);
    state_cell_clear(&cell);
}

/* ---- Whole channels ---- */

static const channel_limits limits = {.packages = 50};

static void open_channel(channel *c, yoton_channel_kind kind) {
    bench_open(&b);
    assert_int_equal(
        channel_init(c, kind, "x", 1, channel_type_standard(YOTON_TXT), &limits, &b.sink, BENCH_ID),
        YOTON_OK);
    c->core.out.number = BENCH_SLOT; /* so that the bench need not know the name */
}

static channel_news come(channel *c, yoton_time now, uint64_t source, uint64_t seq,
                         const char *payload, request **stepped) {
    yoton_package *package = package_from(source, seq == 0 ? 0 : BENCH_ID, seq, payload);
    channel_news news = channel_arrive(c, now, package, stepped);
    yoton_package_unref(package);
    return news;
}

static void a_sub_channel_looks_when_something_came_or_is_taken(void **state) {
    channel c;
    request *none = NULL;
    (void)state;
    open_channel(&c, YOTON_SUB);
    channel_set_sync(&c, 1);
    for (int i = 0; i < 34; i++) {
        bench_sent(&b, "");
        assert_int_equal(come(&c, 0, 7, (uint64_t)i % 2, "m", &none), CHANNEL_RECEIVED);
        if (i == 32)
            bench_sent(&b, "0.0 full;"); /* SYNC-1, SYNC-4 */
    }
    bench_sent(&b, "");
    while (channel_pending(&c) > 15)
        yoton_package_unref(yoton_queue_pop(c.core.incoming));
    channel_look(&c, 1);
    bench_sent(&b, "0.0 ok;");
    channel_look(&c, SECONDS(4) + 2);
    bench_sent(&b, "0.0 ok;");
    b.deaf = 1;
    channel_look(&c, SECONDS(9));
    bench_sent(&b, "");
    for (int i = 0; i < 60; i++) /* PUB-4: the oldest go */
        assert_int_equal(come(&c, SECONDS(9), 7, 0, "m", &none), CHANNEL_RECEIVED);
    assert_int_equal(channel_pending(&c), 50);
    b.deaf = 0;
    channel_look(&c, SECONDS(9) + 1);
    bench_sent(&b, "0.0 full;"); /* what nobody heard is owed, and said at the next look */
    b.deaf = 1;
    while (channel_pending(&c) > 0)
        yoton_package_unref(yoton_queue_pop(c.core.incoming));
    channel_look(&c, SECONDS(9) + 2);
    b.deaf = 0;
    channel_look(&c, SECONDS(9) + 3);
    bench_sent(&b, "0.0 ok;");
    for (int i = 0; i < 33; i++)
        assert_int_equal(come(&c, SECONDS(9) + 4, 7, 0, "m", &none), CHANNEL_RECEIVED);
    bench_sent(&b, "0.0 full;");
    channel_set_sync(&c, 0);
    bench_sent(&b, "0.0 ok;"); /* SYNC-8 */
    channel_set_sync(&c, 1);
    channel_look(&c, SECONDS(9) + 5);
    bench_sent(&b, "0.0 full;");
    b.deaf = 1;
    channel_set_sync(&c, 0);
    bench_sent(&b, "");
    b.deaf = 0;
    assert_int_equal(channel_deadline(&c), YOTON_NEVER);
    channel_newcomer(&c);
    assert_null(channel_tick(&c, SECONDS(99)));
    bench_sent(&b, "");
    channel_clear(&c);
}

static void a_pub_channel_is_eased_by_the_last_ok(void **state) {
    channel c;
    request *none = NULL;
    (void)state;
    open_channel(&c, YOTON_PUB);
    assert_int_equal(come(&c, 0, 7, 0, "full", &none), CHANNEL_NOTHING);
    assert_int_equal(come(&c, 0, 8, 0, "full", &none), CHANNEL_NOTHING);
    assert_int_equal(come(&c, 0, 8, 9, "ok", &none), CHANNEL_NOTHING);
    assert_int_equal(come(&c, 0, 7, 0, "\xff", &none), CHANNEL_EASED);
    assert_int_equal(channel_pending(&c), 0);
    channel_clear(&c);
}

static void a_state_channel_says_it_again_to_newcomers(void **state) {
    channel c;
    request *none = NULL;
    (void)state;
    open_channel(&c, YOTON_STATE);
    channel_newcomer(&c); /* no state yet */
    bench_sent(&b, "");
    assert_int_equal(channel_pending(&c), 0);
    assert_int_equal(come(&c, 0, 7, 5, "s", &none), CHANNEL_RECEIVED);
    assert_int_equal(channel_pending(&c), 1);
    bench_sent(&b, "");
    channel_newcomer(&c);
    bench_sent(&b, "0.0 s;");
    channel_clear(&c);
}

static void req_and_rep_channels_have_their_machines(void **state) {
    channel req, rep;
    request q, *stepped = NULL;
    const channel_limits two = {.packages = 1, .offers = 2, .discard = YOTON_DISCARD_NEW};
    (void)state;
    open_channel(&req, YOTON_REQ);
    req.as.requester.slot = BENCH_SLOT;
    assert_int_equal(requester_call(&req.as.requester, &q, 0, "object", 6, SECONDS(0.5)), YOTON_OK);
    assert_int_equal(channel_deadline(&req), SECONDS(0.5));
    assert_int_equal(come(&req, 0, 7, NEGOTIATION + 1, "req?", &stepped), CHANNEL_NOTHING);
    assert_int_equal(come(&req, 0, 7, NEGOTIATION + 1, "req!", &stepped), CHANNEL_REQUEST);
    assert_ptr_equal(stepped, &q);
    assert_null(channel_tick(&req, SECONDS(1)));
    assert_int_equal(channel_pending(&req), 0);
    channel_clear(&req);
    assert_int_equal(channel_init(&rep, YOTON_REP, "x", 1, channel_type_standard(YOTON_OBJ), &two,
                                  &b.sink, BENCH_ID),
                     YOTON_OK);
    assert_int_equal(rep.as.replier.offers.limit, 2);
    assert_int_equal(channel_deadline(&rep), YOTON_NEVER);
    assert_int_equal(come(&rep, 0, 7, NEGOTIATION + 1, "req?", &stepped), CHANNEL_WORK);
    assert_int_equal(come(&rep, 0, 7, NEGOTIATION + 2, "req?", &stepped), CHANNEL_NOTHING);
    replier_switch(&rep.as.replier, true);
    rep.as.replier.state = REPLIER_WAITING;
    rep.as.replier.until = SECONDS(10);
    assert_int_equal(channel_deadline(&rep), SECONDS(10)); /* REQREP-17 */
    channel_clear(&rep);
    open_channel(&rep, YOTON_REP);
    assert_int_equal(rep.as.replier.offers.limit, 10000); /* LIMIT-9 */
    channel_clear(&rep);
}

/* ---- Messages ---- */

static void not_a_channel_is_refused(void **state) {
    channel c;
    char *name = calloc(1, 65536 * 4 + 1);
    const struct {
        yoton_channel_kind kind;
        const char *base;
        size_t size;
        int error;
    } bad[] = {{(yoton_channel_kind)5, "x", 1, YOTON_E_ARGUMENT},
               {YOTON_SUB, "\xff", 1, YOTON_E_UTF8},
               {YOTON_SUB, name, 65536 * 4 + 1, YOTON_E_LENGTH}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(channel_init(&c, bad[i].kind, bad[i].base, bad[i].size,
                                      channel_type_standard(YOTON_TXT), &limits, &b.sink, 1),
                         bad[i].error);
    assert_null(channel_type_standard(YOTON_CUSTOM));
    assert_int_equal(channel_init(&c, YOTON_SUB, "x", 1, NULL, &limits, &b.sink, 1),
                     YOTON_E_ARGUMENT);
    assert_int_equal(
        channel_init(&c, YOTON_SUB, NULL, 0, channel_type_standard(YOTON_TXT), &limits, &b.sink, 1),
        YOTON_OK);
    assert_string_equal(c.core.in.name, ".txt.pub-sub");
    channel_clear(&c);
    free(name);
}

static void what_cannot_be_sent_is_refused(void **state) {
    channel c;
    yoton_package *package;
    (void)state;
    open_channel(&c, YOTON_PUB);
    assert_int_equal(channel_core_pack(&c.core, YOTON_BIN, "m", 1, &package), YOTON_E_TYPE);
    assert_int_equal(channel_core_pack(&c.core, YOTON_TXT, "\xff", 1, &package), YOTON_E_UTF8);
    assert_int_equal(channel_core_pack(&c.core, YOTON_TXT, "", 0, &package), YOTON_OK); /* MSG-2 */
    assert_null(package);
    assert_int_equal(channel_core_pack(&c.core, YOTON_TXT, "m", 1, &package), YOTON_OK);
    const yoton_header *h = yoton_package_header(package);
    assert_true(h->slot == BENCH_SLOT && h->dest_id == 0 && h->dest_seq == 0 && h->length == 1);
    assert_int_equal(channel_core_deposit(&c.core, package), 0); /* nothing is queued at a pub */
    yoton_package_unref(package);
    channel_clear(&c);
    open_channel(&c, YOTON_SUB);
    assert_int_equal(channel_core_pack(&c.core, YOTON_TXT, "m", 1, &package), YOTON_E_STATE);
    channel_clear(&c);
}

static int unpack(yoton_channel_type *type, const char *payload) {
    channel_core core;
    yoton_message message;
    assert_int_equal(channel_core_init(&core, YOTON_SUB, "x", 1, type, &limits), YOTON_OK);
    int error = channel_core_unpack(&core, package_from(7, 0, 0, payload), &message);
    if (error == YOTON_OK) {
        assert_int_equal(message.source_id, 7);
        assert_memory_equal(message.data, payload, message.size);
    } else {
        assert_true(message.data == NULL && message.package == NULL && message.custom == NULL);
    }
    yoton_message_clear(&message);
    channel_core_clear(&core);
    return error;
}

static int encode(const void *message, uint8_t **data, size_t *size, void *user) {
    (void)message, (void)data, (void)size, (void)user;
    return YOTON_OK;
}

/* Malformed unless it starts with 1; user counts what is not released. */
static int decode(const uint8_t *data, size_t size, void **message, void *user) {
    *message = user;
    if (size == 0 || data[0] != '1')
        return YOTON_E_KEY;
    ++*(int *)user;
    return YOTON_OK;
}

static void release(void *message, void *user) {
    assert_ptr_equal(message, user);
    --*(int *)user;
}

static yoton_channel_type *own_type(int *live, int releases) {
    yoton_channel_type *type;
    const yoton_custom_type custom = {.name = "own",
                                      .encode = encode,
                                      .decode = decode,
                                      .release = releases ? release : NULL,
                                      .user = live};
    assert_int_equal(channel_type_new(&custom, &type), YOTON_OK);
    return type;
}

/* MSG-6 */
static void malformed_messages_are_refused(void **state) {
    int live = 0;
    (void)state;
    assert_int_equal(unpack(channel_type_standard(YOTON_TXT), "m\xc3\xa9"), YOTON_OK);
    assert_int_equal(unpack(channel_type_standard(YOTON_TXT), "m\xc3"), YOTON_E_UTF8);
    assert_int_equal(unpack(channel_type_standard(YOTON_BIN), "m\xc3"), YOTON_OK);
    assert_int_equal(unpack(channel_type_standard(YOTON_OBJ), "s\3abc"), YOTON_OK);
    assert_int_not_equal(unpack(channel_type_standard(YOTON_OBJ), "s\4abc"), YOTON_OK);
    assert_int_equal(unpack(own_type(&live, 1), "1"), YOTON_OK);
    assert_int_equal(unpack(own_type(&live, 1), "2"), YOTON_E_KEY);
    assert_int_equal(live, 0);
    assert_int_equal(unpack(own_type(&live, 0), "1"), YOTON_OK);
    assert_int_equal(live, 1);
}

/* MSG-7 */
static void an_own_type_needs_a_name_and_both_ways(void **state) {
    yoton_channel_type *type;
    static const char *reserved[] = {"txt", "bin", "obj", "", NULL};
    yoton_custom_type custom = {.encode = encode, .decode = decode};
    (void)state;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        custom.name = reserved[i];
        assert_int_equal(channel_type_new(&custom, &type), YOTON_E_ARGUMENT);
        assert_null(type);
    }
    char name[] = "own";
    custom.name = name;
    assert_int_equal(channel_type_new(&custom, &type), YOTON_OK);
    name[0] = 'O'; /* the name is kept, not where it stood */
    assert_string_equal(type->name, "own");
    assert_string_equal(type->custom.name, "own");
    channel_type_unref(type);
    custom.name = "own";
    custom.encode = NULL;
    assert_int_equal(channel_type_new(&custom, &type), YOTON_E_ARGUMENT);
    custom.encode = encode;
    custom.decode = NULL;
    assert_int_equal(channel_type_new(&custom, &type), YOTON_E_ARGUMENT);
    channel_type_unref(NULL);
}

/* ---- Memory ---- */

static void deposit_one(void) {
    channel c;
    const yoton_header header = {.length = 1};
    if (channel_init(&c, YOTON_SUB, "x", 1, channel_type_standard(YOTON_TXT), &limits, &b.sink,
                     1) != YOTON_OK)
        return;
    yoton_package *package = yoton_package_new(&header, "1");
    request *none;
    if (package != NULL) {
        channel_news news = channel_arrive(&c, 0, package, &none);
        assert_int_equal(channel_pending(&c), news == CHANNEL_RECEIVED);
    }
    yoton_package_unref(package);
    channel_clear(&c);
}

static void a_full_writer_and_a_state(void *unused, int failing) {
    sync_writer writer = {.count = 0};
    state_cell cell = {.current = NULL};
    yoton_package *again;
    int live = 0;
    const yoton_header header = {.length = 1};
    const yoton_custom_type custom = {
        .name = "own", .encode = encode, .decode = decode, .user = &live};
    yoton_channel_type *type;
    channel c = {.core = {.kind = YOTON_STATE}};
    (void)unused;
    bench_open(&b);
    for (uint64_t i = 0; i < 9; i++) /* without memory a word is taken as not said */
        hear(&writer, 0, i, "full");
    assert_in_range(writer.count, failing ? 4 : 9, 9);
    sync_writer_clear(&writer);
    yoton_package *set = yoton_package_new(&header, "1");
    if (set != NULL) {
        state_cell_arrive(&cell, set);
        assert_true(state_cell_again(&cell, &again) == (again != NULL ? YOTON_OK : YOTON_E_NOMEM));
        yoton_package_unref(again);
        state_cell_arrive(&c.as.state, set);
        c.sink = b.sink;
        channel_newcomer(&c);
        state_cell_clear(&c.as.state);
    }
    yoton_package_unref(set);
    state_cell_clear(&cell);
    deposit_one();
    if (channel_type_new(&custom, &type) == YOTON_OK &&
        channel_init(&c, YOTON_SUB, "x", 1, type, &limits, &b.sink, 1) == YOTON_OK)
        channel_clear(&c);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    assert_in_range(alloc_fail_each(a_full_writer_and_a_state, NULL), 10, 30);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_says_its_word_once_and_again),
        cmocka_unit_test(switching_off_takes_full_back),
        cmocka_unit_test(sends_are_held_while_any_source_is_full),
        cmocka_unit_test(very_many_full_sources_stay_bounded_and_fast),
        cmocka_unit_test(a_cell_keeps_what_was_last_set_or_came),
        cmocka_unit_test(a_sub_channel_looks_when_something_came_or_is_taken),
        cmocka_unit_test(a_pub_channel_is_eased_by_the_last_ok),
        cmocka_unit_test(a_state_channel_says_it_again_to_newcomers),
        cmocka_unit_test(req_and_rep_channels_have_their_machines),
        cmocka_unit_test(not_a_channel_is_refused),
        cmocka_unit_test(what_cannot_be_sent_is_refused),
        cmocka_unit_test(malformed_messages_are_refused),
        cmocka_unit_test(an_own_type_needs_a_name_and_both_ways),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
