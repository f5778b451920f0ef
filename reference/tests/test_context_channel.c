/* SPDX-License-Identifier: BSD-2-Clause */
/* Pub and sub channels: slots, message types, queues, waiting, closing. */
#include "context_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context/internal.h"

/* The bare socket publishes what a test wants a sub channel to get. */
static void publish(bench *b, const yoton_channel *sub, const void *payload, size_t size) {
    const yoton_header header = {.slot = yoton_channel_slot_in(sub, NULL, NULL),
                                 .source_id = RAW_ID,
                                 .source_seq = ++b->seq,
                                 .length = size};
    raw_package(b->peer, &header, payload);
}

static void publish_text(bench *b, const yoton_channel *sub, const char *text) {
    publish(b, sub, text, strlen(text));
}

/* Waits until that many messages are there: what was published is now deposited. */
static void wait_pending(yoton_channel *channel, size_t count) {
    watch w;
    double end = now_seconds() + DEADLINE;
    watch_init(&w);
    watch_channel(&w, channel);
    for (int calls = 1; yoton_channel_pending(channel) < count && now_seconds() < end; calls++)
        watch_wait(&w, &w.received, calls);
    yoton_channel_on_received(channel, NULL, NULL);
    watch_done(&w);
    assert_int_equal(yoton_channel_pending(channel), count);
}

/* ---- Slots ---- */

static void slots_have_names_and_numbers(void **state) {
    yoton_context *context = context_make(NULL);
    yoton_channel *pub = open_channel(context, YOTON_PUB, " Foo", YOTON_TXT);
    yoton_channel *sub = open_channel(context, YOTON_SUB, "foo", YOTON_TXT);
    const char *name;
    size_t size;
    (void)state;
    assert_true(yoton_channel_slot_out(pub, &name, &size) == UINT64_C(15285871923228));
    assert_string_equal(name, " Foo.txt.pub-sub");
    assert_int_equal(size, strlen(name));
    assert_true(yoton_channel_slot_in(sub, &name, NULL) == UINT64_C(15285871923228));
    assert_string_equal(name, "foo.txt.pub-sub");
    assert_true(yoton_channel_slot_in(pub, NULL, NULL) == yoton_channel_slot_out(sub, NULL, NULL));
    yoton_channel_free(pub);
    yoton_channel_free(sub);
    yoton_context_free(context);
}

static void a_slot_is_taken_until_its_channel_closes(void **state) {
    static const char *const others[] = {"bar", "baz", "a", "zz", "m"};
    enum { OTHERS = sizeof others / sizeof *others };
    yoton_context *context = context_make(NULL);
    yoton_channel *pub = open_channel(context, YOTON_PUB, "foo", YOTON_TXT);
    yoton_channel *again, *more[OTHERS];
    (void)state;
    for (size_t i = 0; i < OTHERS; i++)
        more[i] = open_channel(context, YOTON_SUB, others[i], YOTON_BIN);
    assert_int_equal(yoton_channel_open(context, YOTON_PUB, "FOO ", 4, YOTON_TXT, &again),
                     YOTON_OK); /* the blank is not at the end of the full name */
    yoton_channel_free(again);
    assert_int_equal(yoton_channel_open(context, YOTON_PUB, " FOO", 4, YOTON_TXT, &again),
                     YOTON_E_SLOT_TAKEN);
    assert_null(again);
    assert_non_null(strstr(yoton_error_text(), "FOO.txt.pub-sub"));
    again = open_channel(context, YOTON_PUB, "foo", YOTON_BIN); /* another type, another slot */
    yoton_channel_free(again);
    yoton_channel_close(pub);
    again = open_channel(context, YOTON_PUB, "foo", YOTON_TXT);
    for (size_t i = 0; i < OTHERS; i++)
        yoton_channel_free(more[i]);
    yoton_channel_free(again);
    yoton_channel_free(pub);
    yoton_context_free(context);
}

static void what_is_no_channel_is_refused(void **state) {
    enum { LONG = 65537 };
    yoton_context *context = context_make(NULL);
    yoton_channel *channel;
    char *name = malloc(LONG);
    (void)state;
    assert_non_null(name);
    memset(name, 'a', LONG);
    assert_int_equal(yoton_channel_open(context, YOTON_PUB, "\xff", 1, YOTON_TXT, &channel),
                     YOTON_E_UTF8);
    assert_int_equal(yoton_channel_open(context, YOTON_PUB, name, LONG, YOTON_TXT, &channel),
                     YOTON_E_LENGTH);
    assert_int_equal(yoton_channel_open(context, YOTON_PUB, name, SIZE_MAX, YOTON_TXT, &channel),
                     YOTON_E_LENGTH);
    assert_int_equal(
        yoton_channel_open(context, (yoton_channel_kind)9, "x", 1, YOTON_TXT, &channel),
        YOTON_E_ARGUMENT);
    assert_int_equal(
        yoton_channel_open(context, YOTON_PUB, "x", 1, (yoton_message_type)9, &channel),
        YOTON_E_ARGUMENT);
    assert_null(channel);
    free(name);
    yoton_context_free(context);
}

/* ---- Messages ---- */

static void each_type_sends_its_own_kind_of_message(void **state) {
    bench b;
    yoton_header header;
    uint8_t payload[64];
    yoton_value value = {.type = YOTON_INT, .as.integer = -2};
    (void)state;
    bench_join(&b, NULL);
    yoton_channel *txt = open_channel(b.context, YOTON_PUB, "x", YOTON_TXT);
    yoton_channel *bin = open_channel(b.context, YOTON_PUB, "x", YOTON_BIN);
    yoton_channel *obj = open_channel(b.context, YOTON_PUB, "x", YOTON_OBJ);
    assert_int_equal(yoton_send_text(bin, "t", 1), YOTON_E_TYPE);
    assert_int_equal(yoton_send_bytes(txt, "t", 1), YOTON_E_TYPE);
    assert_int_equal(yoton_send_bytes(obj, "t", 1), YOTON_E_TYPE);
    assert_int_equal(yoton_send_object(txt, &value), YOTON_E_TYPE);
    assert_int_equal(yoton_send_text(txt, "\xc0\x80", 2), YOTON_E_UTF8);
    assert_int_equal(yoton_send_text(txt, "", 0), YOTON_OK);    /* MSG-2: nothing is sent, */
    assert_int_equal(yoton_send_bytes(bin, NULL, 0), YOTON_OK); /* and no number is used up */
    assert_int_equal(yoton_send_text(txt, "h\xc3\xa9\0", 4), YOTON_OK);
    assert_int_equal(yoton_send_bytes(bin, "\xff\0", 2), YOTON_OK);
    assert_int_equal(yoton_send_object(obj, &value), YOTON_OK);
    assert_int_equal(raw_next(b.peer, &header, payload, sizeof payload), 1);
    assert_int_equal(header.source_seq, 1);
    assert_int_equal(header.dest_id, 0);
    assert_int_equal(header.dest_seq, 0);
    assert_true(header.slot == yoton_channel_slot_out(txt, NULL, NULL));
    assert_int_equal(header.length, 4);
    assert_memory_equal(payload, "h\xc3\xa9\0", 4);
    assert_int_equal(raw_next(b.peer, &header, payload, sizeof payload), 1);
    assert_true(header.slot == yoton_channel_slot_out(bin, NULL, NULL));
    assert_memory_equal(payload, "\xff\0", 2);
    assert_int_equal(raw_next(b.peer, &header, payload, sizeof payload), 1);
    assert_true(header.slot == yoton_channel_slot_out(obj, NULL, NULL));
    assert_int_equal(header.length, 9);
    assert_memory_equal(payload, "i\xfe\xff\xff\xff\xff\xff\xff\xff", 9);
    yoton_channel_free(txt);
    yoton_channel_free(bin);
    yoton_channel_free(obj);
    bench_close(&b);
}

static void a_message_above_the_limit_is_not_sent(void **state) {
    yoton_context *context = context_make(&(yoton_options){.max_message = 10});
    yoton_channel *pub = open_channel(context, YOTON_PUB, "x", YOTON_TXT);
    (void)state;
    assert_int_equal(yoton_send_text(pub, "0123456789", 10), YOTON_OK);
    assert_int_equal(yoton_send_text(pub, "0123456789a", 11), YOTON_E_LENGTH);
    yoton_channel_free(pub);
    yoton_context_free(context);
}

static void a_malformed_message_is_told_and_leaves_the_others(void **state) {
    bench b;
    yoton_message message, *list;
    size_t count, malformed;
    (void)state;
    bench_join(&b, NULL);
    yoton_channel *txt = open_channel(b.context, YOTON_SUB, "x", YOTON_TXT);
    yoton_channel *obj = open_channel(b.context, YOTON_SUB, "x", YOTON_OBJ);
    publish_text(&b, txt, "good");
    publish_text(&b, txt,
                 "b\xff"
                 "d");
    publish_text(&b, txt, "again");
    publish_text(&b, obj,
                 "s\x05"
                 "1234");
    publish_text(&b, obj,
                 "s\x04"
                 "1234 and more");
    expect_text(txt, "good");
    assert_int_equal(yoton_recv(txt, DEADLINE, &message), YOTON_E_UTF8);
    assert_null(message.package);
    expect_text(txt, "again");
    wait_pending(obj, 2);
    assert_int_equal(yoton_recv_all(obj, &list, &count, &malformed), YOTON_OK);
    assert_int_equal(count, 1);
    assert_int_equal(malformed, 1);
    assert_int_equal(list[0].value.type, YOTON_STRING);
    assert_memory_equal(list[0].value.as.string.bytes, "1234", 4);
    assert_true(list[0].source_id == RAW_ID);
    yoton_messages_free(list, count);
    assert_true(yoton_connection_is_connected(b.connection));
    yoton_channel_free(txt);
    yoton_channel_free(obj);
    bench_close(&b);
}

static void messages_are_numbered_over_all_channels(void **state) {
    bench b;
    (void)state;
    bench_join(&b, NULL);
    yoton_channel *one = open_channel(b.context, YOTON_SUB, "one", YOTON_TXT);
    yoton_channel *two = open_channel(b.context, YOTON_SUB, "two", YOTON_TXT);
    publish_text(&b, one, "a");
    publish_text(&b, two, "b");
    publish_text(&b, one, "c");
    assert_int_equal(expect_text(one, "a"), 1);
    assert_int_equal(expect_text(one, "c"), 3);
    assert_int_equal(expect_text(two, "b"), 2);
    yoton_channel_free(one);
    yoton_channel_free(two);
    bench_close(&b);
}

static void a_pub_channel_receives_no_messages(void **state) {
    bench b;
    yoton_message message, *list;
    size_t count;
    (void)state;
    bench_join(&b, NULL);
    yoton_channel *pub = open_channel(b.context, YOTON_PUB, "x", YOTON_TXT);
    yoton_channel *sub = open_channel(b.context, YOTON_SUB, "x", YOTON_TXT);
    publish_text(&b, pub, "ok"); /* what a sub channel in sync mode says */
    publish_text(&b, sub, "a message");
    expect_text(sub, "a message");
    assert_int_equal(yoton_channel_pending(pub), 0);
    assert_int_equal(yoton_recv(pub, 0, &message), YOTON_E_STATE);
    assert_int_equal(yoton_recv_all(pub, &list, &count, NULL), YOTON_E_STATE);
    assert_int_equal(yoton_send_text(sub, "no", 2), YOTON_E_STATE);
    yoton_channel_free(pub);
    yoton_channel_free(sub);
    bench_close(&b);
}

/* ---- Queues ---- */

static void a_full_sub_channel_drops_as_it_is_set(void **state) {
    static const struct {
        yoton_discard discard;
        const char *kept[3];
    } modes[] = {{YOTON_DISCARD_OLD, {"3", "4", "5"}}, {YOTON_DISCARD_NEW, {"1", "2", "3"}}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        bench b;
        bench_join(&b, &(yoton_options){.queue_packages = 3, .discard = modes[i].discard});
        yoton_channel *sub = open_channel(b.context, YOTON_SUB, "x", YOTON_TXT);
        yoton_channel *last = open_channel(b.context, YOTON_SUB, "last", YOTON_TXT);
        for (const char *text = "1\0002\0003\0004\0005\0"; *text != '\0'; text += 2)
            publish_text(&b, sub, text);
        publish_text(&b, last, "all is there");
        expect_text(last, "all is there");
        for (size_t m = 0; m < 3; m++)
            expect_text(sub, modes[i].kept[m]);
        assert_int_equal(yoton_channel_pending(sub), 0);
        yoton_channel_free(sub);
        yoton_channel_free(last);
        bench_close(&b);
    }
}

/* LIMIT-3: unless it is set, a queue holds the bytes of one message of the greatest size. */
static void a_queue_is_limited_in_bytes(void **state) {
    static const struct {
        yoton_options options;
        size_t kept;
    } sets[] = {{{.max_message = 6}, 1}, {{.max_message = 6, .queue_bytes = 12}, 2}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        bench b;
        bench_join(&b, &sets[i].options);
        yoton_channel *sub = open_channel(b.context, YOTON_SUB, "x", YOTON_TXT);
        yoton_channel *last = open_channel(b.context, YOTON_SUB, "last", YOTON_TXT);
        publish_text(&b, sub, "first");
        publish_text(&b, sub, "second");
        publish_text(&b, sub, "third_");
        publish_text(&b, last, "done");
        expect_text(last, "done");
        assert_int_equal(yoton_channel_pending(sub), sets[i].kept);
        if (sets[i].kept == 2)
            expect_text(sub, "second");
        expect_text(sub, "third_");
        yoton_channel_free(sub);
        yoton_channel_free(last);
        bench_close(&b);
    }
}

/* What no queue would take is refused, not lost. */
static void a_message_above_the_limit_of_queues_is_refused(void **state) {
    bench b;
    yoton_value args = {.type = YOTON_LIST}, text;
    (void)state;
    bench_join(&b, &(yoton_options){.queue_bytes = 16});
    yoton_channel *pub = open_channel(b.context, YOTON_PUB, "x", YOTON_TXT);
    yoton_channel *req = open_channel(b.context, YOTON_REQ, "y", YOTON_OBJ);
    expect_error(yoton_send_text(pub, "0123456789abcdefg", 17), YOTON_E_LENGTH, "queue_bytes");
    assert_int_equal(yoton_send_text(pub, "0123456789abcdef", 16), YOTON_OK);
    raw_expect(b.peer, "0123456789abcdef");
    assert_int_equal(yoton_value_string(&text, "0123456", 7), YOTON_OK);
    assert_int_equal(yoton_value_append(&args, &text), YOTON_OK);
    expect_error(yoton_call(req, "m", &args, NULL, NULL), YOTON_E_LENGTH, "call on");
    yoton_value_clear(&args);
    yoton_channel_free(pub);
    yoton_channel_free(req);
    bench_close(&b);
}

static void all_that_is_there_is_taken_at_once(void **state) {
    bench b;
    yoton_message *list;
    size_t count;
    (void)state;
    bench_join(&b, NULL);
    yoton_channel *sub = open_channel(b.context, YOTON_SUB, "x", YOTON_TXT);
    assert_int_equal(yoton_recv_all(sub, &list, &count, NULL), YOTON_OK);
    assert_int_equal(count, 0);
    assert_null(list);
    publish_text(&b, sub, "a");
    publish_text(&b, sub, "b");
    wait_pending(sub, 2);
    assert_int_equal(yoton_recv_all(sub, &list, &count, NULL), YOTON_OK);
    assert_int_equal(count, 2);
    assert_memory_equal(list[0].data, "a", 1);
    assert_memory_equal(list[1].data, "b", 1);
    yoton_messages_free(list, count);
    yoton_channel_free(sub);
    bench_close(&b);
}

/* ---- Waiting and closing ---- */

static void receiving_waits_as_long_as_asked(void **state) {
    yoton_context *context = context_make(NULL);
    yoton_channel *sub = open_channel(context, YOTON_SUB, "x", YOTON_TXT);
    yoton_message message;
    (void)state;
    assert_int_equal(yoton_recv(sub, 0, &message), YOTON_E_TIMEOUT);
    double start = now_seconds();
    assert_int_equal(yoton_recv(sub, 0.05, &message), YOTON_E_TIMEOUT);
    assert_true(now_seconds() - start >= 0.05);
    yoton_channel_free(sub);
    yoton_context_free(context);
}

typedef struct receiver {
    yoton_channel *sub;
    int error;
} receiver;

static void receive_for_ever(void *argument) {
    receiver *r = argument;
    yoton_message message;
    r->error = yoton_recv(r->sub, YOTON_FOREVER, &message);
    yoton_message_clear(&message);
}

/* Looks inside: whether a thread waits can be seen nowhere else. */
static void wait_receiver(yoton_channel *channel) {
    double end = now_seconds() + DEADLINE;
    size_t waiting = 0;
    while (waiting == 0 && now_seconds() < end) {
        uv_mutex_lock(&channel->context->lock);
        waiting = channel->waiting_threads;
        uv_mutex_unlock(&channel->context->lock);
    }
    assert_int_equal(waiting, 1);
}

static void closing_wakes_who_waits(void **state) {
    (void)state;
    for (int by_context = 0; by_context < 2; by_context++) {
        yoton_context *context = context_make(NULL);
        receiver r = {.sub = open_channel(context, YOTON_SUB, "x", YOTON_TXT)};
        uv_thread_t thread;
        assert_int_equal(uv_thread_create(&thread, receive_for_ever, &r), 0);
        wait_receiver(r.sub);
        if (by_context)
            yoton_context_close_channels(context);
        else
            yoton_channel_close(r.sub);
        uv_thread_join(&thread);
        assert_int_equal(r.error, YOTON_E_CLOSED);
        assert_true(yoton_channel_is_closed(r.sub));
        yoton_channel_free(r.sub);
        yoton_context_free(context);
    }
}

static void a_closed_channel_gives_what_it_has_and_takes_nothing(void **state) {
    bench b;
    yoton_message message;
    (void)state;
    bench_join(&b, NULL);
    yoton_channel *pub = open_channel(b.context, YOTON_PUB, "x", YOTON_TXT);
    yoton_channel *sub = open_channel(b.context, YOTON_SUB, "x", YOTON_TXT);
    yoton_channel *last = open_channel(b.context, YOTON_SUB, "last", YOTON_TXT);
    publish_text(&b, sub, "before");
    wait_pending(sub, 1);
    yoton_channel_close(sub);
    yoton_channel_close(sub);
    yoton_channel_close(pub);
    publish_text(&b, sub, "after");
    publish_text(&b, last, "all is there");
    expect_text(last, "all is there");
    expect_text(sub, "before");
    assert_int_equal(yoton_recv(sub, DEADLINE, &message), YOTON_E_CLOSED);
    assert_int_equal(yoton_send_text(pub, "x", 1), YOTON_E_CLOSED);
    assert_non_null(strstr(yoton_error_text(), "x.txt.pub-sub"));
    assert_int_equal(yoton_send_text(pub, "", 0), YOTON_E_CLOSED);
    yoton_channel_free(pub);
    yoton_channel_free(sub);
    yoton_channel_free(last);
    bench_close(&b);
}

static void a_channel_outlives_its_context(void **state) {
    bench b;
    yoton_message message;
    (void)state;
    bench_join(&b, NULL);
    yoton_channel *sub = open_channel(b.context, YOTON_SUB, "x", YOTON_TXT);
    publish_text(&b, sub, "kept");
    wait_pending(sub, 1);
    bench_close(&b);
    expect_text(sub, "kept");
    assert_int_equal(yoton_recv(sub, DEADLINE, &message), YOTON_E_CLOSED);
    yoton_channel_free(sub);
}

static void arrivals_are_told(void **state) {
    bench b;
    watch w;
    (void)state;
    bench_join(&b, NULL);
    yoton_channel *sub = open_channel(b.context, YOTON_SUB, "x", YOTON_TXT);
    publish_text(&b, sub, "before anybody watched");
    wait_pending(sub, 1);
    watch_init(&w);
    watch_channel(&w, sub);
    watch_wait(&w, &w.received, 1);
    expect_text(sub, "before anybody watched");
    int told = w.received;
    publish_text(&b, sub, "now");
    watch_wait(&w, &w.received, told + 1);
    expect_text(sub, "now");
    yoton_channel_free(sub);
    watch_done(&w);
    bench_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_have_names_and_numbers),
        cmocka_unit_test(a_slot_is_taken_until_its_channel_closes),
        cmocka_unit_test(what_is_no_channel_is_refused),
        cmocka_unit_test(each_type_sends_its_own_kind_of_message),
        cmocka_unit_test(a_message_above_the_limit_is_not_sent),
        cmocka_unit_test(a_malformed_message_is_told_and_leaves_the_others),
        cmocka_unit_test(messages_are_numbered_over_all_channels),
        cmocka_unit_test(a_pub_channel_receives_no_messages),
        cmocka_unit_test(a_full_sub_channel_drops_as_it_is_set),
        cmocka_unit_test(a_queue_is_limited_in_bytes),
        cmocka_unit_test(a_message_above_the_limit_of_queues_is_refused),
        cmocka_unit_test(all_that_is_there_is_taken_at_once),
        cmocka_unit_test(receiving_waits_as_long_as_asked),
        cmocka_unit_test(closing_wakes_who_waits),
        cmocka_unit_test(a_closed_channel_gives_what_it_has_and_takes_nothing),
        cmocka_unit_test(a_channel_outlives_its_context),
        cmocka_unit_test(arrivals_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
