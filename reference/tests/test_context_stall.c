/* SPDX-License-Identifier: BSD-2-Clause */
/* A context and a peer that says nothing or takes nothing. */
#include "context_rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Silence ---- */

static void silence_is_told_and_its_end(void **state) {
    bench b;
    yoton_connection_info info;
    (void)state;
    bench_join(&b, NULL);
    assert_int_equal(yoton_connection_set_timeout(b.connection, 0.49), YOTON_E_ARGUMENT);
    assert_int_equal(yoton_connection_set_timeout(b.connection, 0.6), YOTON_OK);
    watch_wait(&b.w, &b.w.began, 1);
    yoton_connection_get_info(b.connection, &info);
    assert_true(info.timed_out && info.timeout == 0.6 && info.state == YOTON_HOSTING);
    raw_send_text(b.peer, "Y"); /* any byte is a sign of life */
    watch_wait(&b.w, &b.w.ended, 1);
    assert_int_equal(b.w.closed, 0);
    watch_wait(&b.w, &b.w.began, 2);
    assert_true(yoton_connection_is_connected(b.connection));
    bench_close(&b);
}

static void an_idle_end_beats(void **state) {
    bench b;
    uint8_t bytes[YOTON_HEADER_SIZE];
    yoton_header header;
    (void)state;
    bench_join(&b, NULL);
    double last = now_seconds();
    for (int i = 0; i < 3; i++) {
        raw_read(b.peer, bytes, sizeof bytes);
        assert_int_equal(yoton_header_decode(&header, bytes, NULL), YOTON_OK);
        assert_int_equal(header.slot, YOTON_SLOT_CONNECTION);
        assert_int_equal(header.source_seq, YOTON_SIGNAL_HEARTBEAT);
        assert_int_equal(header.length, 0);
    }
    assert_true(now_seconds() - last > 2 * 0.25); /* the first may have been on its way */
    bench_close(&b);
}

/* ---- A peer that takes nothing ---- */

static char block[16 * 1024 + 1];

static void fill(yoton_channel *pub, int messages) {
    memset(block, 'b', sizeof block - 1);
    for (int m = 0; m < messages; m++)
        send_text(pub, block);
}

/* Much more is sent than queue and system hold together; the newest is there, and memory is not. */
static void a_peer_that_reads_nothing_costs_a_bounded_queue(void **state) {
    enum { QUEUE = 50, MESSAGES = 3000 };
    bench b;
    yoton_header header;
    char text[4];
    (void)state;
    bench_join(&b, &(yoton_options){.queue_packages = QUEUE, .send_limit = QUEUE + 1});
    yoton_channel *pub = open_channel(b.context, YOTON_PUB, "x", YOTON_TXT);
    fill(pub, MESSAGES);
    send_text(pub, "end");
    uint64_t last = 0;
    int came = 0;
    do {
        assert_int_equal(raw_next(b.peer, &header, text, sizeof text), 1);
        assert_true(header.source_seq > last);
        last = header.source_seq;
        came++;
    } while (header.length != 3);
    assert_int_equal(last, MESSAGES + 1);
    assert_true(came > QUEUE && came < MESSAGES / 2);
    yoton_channel_free(pub);
    bench_close(&b);
}

/* Nothing else happens on the connection that could set it going again. */
static void a_large_message_goes_on_when_there_is_room(void **state) {
    enum { LARGE = 32 * 1024 * 1024 };
    bench b;
    yoton_header header;
    char text[4];
    char *large = malloc(LARGE);
    (void)state;
    assert_non_null(large);
    memset(large, 'l', LARGE);
    bench_join(&b, NULL);
    yoton_channel *pub = open_channel(b.context, YOTON_PUB, "x", YOTON_TXT);
    assert_int_equal(yoton_send_text(pub, large, LARGE), YOTON_OK);
    watch_wait(&b.w, &b.w.began, 1); /* the last thing that time brings */
    assert_int_equal(raw_next(b.peer, &header, text, sizeof text), 1);
    assert_int_equal(header.length, LARGE);
    free(large);
    yoton_channel_free(pub);
    bench_close(&b);
}

static void a_close_does_not_wait_for_ever(void **state) {
    bench b;
    (void)state;
    bench_join(&b, &(yoton_options){.queue_packages = 2000, .send_limit = 5000, .close = 0.2});
    yoton_channel *pub = open_channel(b.context, YOTON_PUB, "x", YOTON_TXT);
    fill(pub, 2000);
    yoton_connection_close(b.connection, "enough");
    watch_wait(&b.w, &b.w.closed, 1);
    assert_false(yoton_connection_is_alive(b.connection));
    yoton_channel_free(pub);
    bench_close(&b);
}

static void a_stalled_peer_does_not_hold_up_another(void **state) {
    const uint64_t slot = pub_slot("x");
    bench stalled;
    uint16_t port;
    (void)state;
    bench_join(&stalled, NULL);
    yoton_connection *second = bind_free(stalled.context, &port);
    int sender = raw_join_as(port, RAW_ID + 1);
    yoton_connection *third = bind_free(stalled.context, &port);
    int reader = raw_join_as(port, RAW_ID + 2);
    wait_state(third, YOTON_HOSTING);
    memset(block, 'b', sizeof block - 1);
    for (uint64_t m = 1; m <= 500; m++) { /* eight megabytes, which nobody takes from `stalled` */
        yoton_header header;
        char text[4];
        raw_publish(sender, RAW_ID + 1, m, slot, block);
        assert_int_equal(raw_next(reader, &header, text, sizeof text), 1);
        assert_int_equal(header.source_seq, m);
    }
    close(sender);
    close(reader);
    yoton_connection_unref(second);
    yoton_connection_unref(third);
    bench_close(&stalled);
}

/* ---- Sends that are held ---- */

typedef struct sender {
    yoton_channel *pub;
    int messages;
} sender;

static void send_all(void *argument) {
    sender *s = argument;
    for (int m = 0; m < s->messages; m++)
        (void)yoton_send_text(s->pub, block, sizeof block - 1);
}

/* LIMIT-4: held as long as the peer takes nothing, and let go as soon as it does. */
static void a_send_is_held_until_the_peer_reads(void **state) {
    enum { MESSAGES = 1000 };
    bench b;
    uv_thread_t thread;
    yoton_header header;
    char text[4];
    (void)state;
    bench_join(&b, &(yoton_options){.send_wait = 10 * DEADLINE});
    sender s = {.pub = open_channel(b.context, YOTON_PUB, "x", YOTON_TXT), .messages = MESSAGES};
    memset(block, 'b', sizeof block - 1);
    assert_int_equal(uv_thread_create(&thread, send_all, &s), 0);
    for (int m = 1; m <= MESSAGES; m++) { /* and nothing is lost, for nothing had to be dropped */
        assert_int_equal(raw_next(b.peer, &header, text, sizeof text), 1);
        assert_int_equal(header.source_seq, m);
    }
    uv_thread_join(&thread);
    yoton_channel_free(s.pub);
    bench_close(&b);
}

static void a_send_is_held_for_its_time_and_not_longer(void **state) {
    bench b;
    (void)state;
    bench_join(&b, &(yoton_options){.send_limit = 1, .send_wait = 0.05});
    yoton_channel *pub = open_channel(b.context, YOTON_PUB, "x", YOTON_TXT);
    double end = now_seconds() + DEADLINE;
    double took;
    memset(block, 'b', sizeof block - 1);
    do {
        double start = now_seconds();
        assert_true(start < end);
        assert_int_equal(yoton_send_text(pub, block, sizeof block - 1), YOTON_OK);
        took = now_seconds() - start;
    } while (took < 0.05 || yoton_connection_flush(b.connection, 0.01) != YOTON_E_TIMEOUT);
    assert_true(took < DEADLINE / 2);
    yoton_channel_free(pub);
    bench_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_told_and_its_end),
        cmocka_unit_test(an_idle_end_beats),
        cmocka_unit_test(a_peer_that_reads_nothing_costs_a_bounded_queue),
        cmocka_unit_test(a_large_message_goes_on_when_there_is_room),
        cmocka_unit_test(a_close_does_not_wait_for_ever),
        cmocka_unit_test(a_stalled_peer_does_not_hold_up_another),
        cmocka_unit_test(a_send_is_held_until_the_peer_reads),
        cmocka_unit_test(a_send_is_held_for_its_time_and_not_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
