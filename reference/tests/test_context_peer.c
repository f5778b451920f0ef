/* SPDX-License-Identifier: BSD-2-Clause */
/* A context against a peer made of a bare socket: what really goes over the wire, and strangers,
 * silent ones, slow ones and ones that die. */
#include "context_rig.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void expect_line(int fd, const char *expected) {
    char line[128];
    raw_line(fd, line, sizeof line);
    assert_string_equal(line, expected);
}

/* ---- The handshake as a host ---- */

static void a_stranger_reads_the_error_line_and_the_end(void **state) {
    static const struct {
        const char *says;
        const char *hears;
    } strangers[] = {
        {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "ERROR: this is Yoton."},
        {"YOTON!zz.1\r\n", "ERROR: could not parse id."},
        {"YOTON!0000000000000000.1\r\n", "ERROR: could not parse id."},
    };
    bench b;
    (void)state;
    bench_wait(&b, &(yoton_options){.drain = 10 * DEADLINE}); /* the end comes before that */
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        int stranger = raw_connect(b.port);
        raw_send_text(stranger, strangers[i].says);
        expect_line(stranger, strangers[i].hears);
        assert_true(raw_at_end(stranger));
        close(stranger);
    }
    assert_true(yoton_connection_is_waiting(b.connection));
    b.peer = raw_join(b.port); /* and the next one is welcome */
    wait_state(b.connection, YOTON_HOSTING);
    bench_close(&b);
}

/* More than fits into the system's buffers: closing at once would reset the line away. */
static void a_stranger_that_keeps_talking_still_reads_the_line(void **state) {
    enum { MUCH = 4 * 1024 * 1024 };
    bench b;
    char *much = malloc(MUCH);
    (void)state;
    assert_non_null(much);
    memset(much, 'x', MUCH);
    bench_wait(&b, NULL);
    int stranger = raw_connect(b.port);
    raw_send(stranger, much, MUCH);
    expect_line(stranger, "ERROR: this is Yoton.");
    close(stranger);
    free(much);
    bench_close(&b);
}

static void a_silent_candidate_holds_nobody_up(void **state) {
    bench b;
    yoton_connection *found;
    (void)state;
    bench_wait(&b, &(yoton_options){.handshake = DEADLINE});
    int silent = raw_connect(b.port);
    int slow = raw_connect(b.port);
    raw_send_text(slow, "YOTON!0000");
    b.peer = raw_join(b.port);
    wait_state(b.connection, YOTON_HOSTING);
    assert_true(raw_at_end(silent)); /* one bind takes one peer */
    assert_true(raw_at_end(slow));
    found = yoton_context_connection_at(b.context, YOTON_CONNECTIONS, 1);
    assert_null(found);
    close(silent);
    close(slow);
    bench_close(&b);
}

static void a_silent_candidate_is_let_go_after_its_time(void **state) {
    bench b;
    (void)state;
    bench_wait(&b, &(yoton_options){.handshake = 0.1, .max_candidates = 2});
    int silent = raw_connect(b.port);
    int begun = raw_connect(b.port);
    raw_send_text(begun, "YOTON!0000000000000001.1");
    b.peer = raw_join(b.port); /* has to wait in the backlog for a place */
    wait_state(b.connection, YOTON_HOSTING);
    assert_true(raw_at_end(silent));
    expect_line(begun, "ERROR: could not parse id.");
    close(silent);
    close(begun);
    bench_close(&b);
}

static void refused_strangers_do_not_take_the_places(void **state) {
    enum { STRANGERS = 40 };
    bench b;
    int strangers[STRANGERS];
    (void)state;
    bench_wait(&b, &(yoton_options){.drain = DEADLINE, .handshake = DEADLINE});
    for (int i = 0; i < STRANGERS; i++) { /* none of them ever hangs up */
        strangers[i] = raw_connect(b.port);
        raw_send_text(strangers[i], "hello?\r\n");
        expect_line(strangers[i], "ERROR: this is Yoton.");
    }
    b.peer = raw_join(b.port);
    wait_state(b.connection, YOTON_HOSTING);
    for (int i = 0; i < STRANGERS; i++)
        close(strangers[i]);
    bench_close(&b);
}

/* A host that cannot accept for want of descriptors tries again, without running hot meanwhile. */
static void a_host_out_of_descriptors_recovers(void **state) {
    bench b;
    struct rlimit usual, none;
    struct pollfd answer = {.events = POLLIN};
    (void)state;
    bench_wait(&b, NULL);
    b.peer = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    none = usual;
    none.rlim_cur = (rlim_t)b.peer + 1; /* what is open stays so, and nothing can be opened */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    raw_connect_by(b.peer, b.port);
    raw_send_text(b.peer, "YOTON!00000000c0ffee01.77\r\n");
    answer.fd = b.peer;
    int answered = poll(&answer, 1, 50);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_int_equal(answered, 0);
    wait_state(b.connection, YOTON_HOSTING);
    bench_close(&b);
}

/* HS-30: whoever sees the first byte of the host's line can bind the port. */
static void the_port_is_free_once_the_line_is_seen(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        bench b;
        char first;
        bench_wait(&b, NULL);
        b.peer = raw_connect(b.port);
        raw_send_text(b.peer, "YOTON!00000000c0ffee01.77\r\n");
        raw_read(b.peer, &first, 1);
        int listener = raw_listen(b.port, NULL);
        assert_true(listener >= 0);
        close(listener);
        bench_close(&b);
    }
}

static void the_process_id_and_id_are_as_told(void **state) {
    bench b;
    yoton_connection_info info;
    (void)state;
    bench_wait(&b, NULL);
    b.peer = raw_connect(b.port);
    raw_send_text(b.peer, "YOTON!FEDCBA9876543210.18446744073709551615\r\n");
    wait_state(b.connection, YOTON_HOSTING);
    yoton_connection_get_info(b.connection, &info);
    assert_true(info.id2 == UINT64_C(0xfedcba9876543210));
    assert_true(info.pid2 == UINT64_MAX);
    bench_close(&b);
}

static void packages_behind_the_line_are_not_lost(void **state) {
    bench b;
    uint8_t segment[28 + YOTON_HEADER_SIZE + 2] = "YOTON!00000000c0ffee01.1234\r\n";
    size_t line = strlen((char *)segment);
    yoton_header header = {
        .slot = pub_slot("x"), .source_id = RAW_ID, .source_seq = 1, .length = 1};
    (void)state;
    bench_wait(&b, NULL);
    yoton_channel *sub = open_channel(b.context, YOTON_SUB, "x", YOTON_TXT);
    yoton_header_encode(&header, segment + line);
    segment[line + YOTON_HEADER_SIZE] = '!';
    b.peer = raw_connect(b.port);
    raw_send(b.peer, segment, line + YOTON_HEADER_SIZE + 1);
    expect_text(sub, "!");
    yoton_channel_free(sub);
    bench_close(&b);
}

/* ---- What waits, and in which order it goes ---- */

static void what_was_sent_before_goes_first_and_in_order(void **state) {
    bench b;
    (void)state;
    b.context = context_make(NULL);
    yoton_channel *pub = open_channel(b.context, YOTON_PUB, "x", YOTON_TXT);
    send_text(pub, "one");
    send_text(pub, "two");
    b.connection = bind_free(b.context, &b.port);
    watch_init(&b.w);
    send_text(pub, "three");
    b.peer = raw_join(b.port);
    send_text(pub, "four");
    assert_int_equal(raw_expect(b.peer, "one"), 1);
    assert_int_equal(raw_expect(b.peer, "two"), 2);
    assert_int_equal(raw_expect(b.peer, "three"), 3);
    assert_int_equal(raw_expect(b.peer, "four"), 4);
    yoton_channel_free(pub);
    bench_close(&b);
}

static void a_full_start_up_queue_drops_as_it_is_set(void **state) {
    static const struct {
        yoton_discard discard;
        int first;
    } modes[] = {{YOTON_DISCARD_OLD, 4}, {YOTON_DISCARD_NEW, 1}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        bench b;
        char text[16];
        b.context =
            context_make(&(yoton_options){.queue_packages = 3, .discard = modes[i].discard});
        yoton_channel *pub = open_channel(b.context, YOTON_PUB, "x", YOTON_TXT);
        for (int m = 1; m <= 6; m++) {
            snprintf(text, sizeof text, "%d", m);
            send_text(pub, text);
        }
        b.connection = bind_free(b.context, &b.port);
        watch_init(&b.w);
        b.peer = raw_join(b.port);
        for (int m = modes[i].first; m < modes[i].first + 3; m++) {
            snprintf(text, sizeof text, "%d", m);
            assert_int_equal(raw_expect(b.peer, text), m);
        }
        yoton_channel_free(pub);
        bench_close(&b);
    }
}

static void packages_are_forwarded_to_all_others(void **state) {
    const uint64_t slot = pub_slot("x");
    yoton_context *context = context_make(NULL);
    yoton_channel *sub = open_channel(context, YOTON_SUB, "x", YOTON_TXT);
    yoton_connection *connections[4];
    uint16_t ports[4];
    int peers[3];
    yoton_header header;
    char text[64];
    (void)state;
    for (int i = 0; i < 4; i++)
        connections[i] = bind_free(context, &ports[i]);
    for (int i = 0; i < 3; i++)
        peers[i] = raw_join_as(ports[i], RAW_ID + (uint64_t)i);
    for (int i = 0; i < 3; i++)
        wait_state(connections[i], YOTON_HOSTING);
    raw_publish(peers[0], RAW_ID, 5, slot, "everybody");
    raw_publish(peers[0], RAW_ID, 5, slot, "a duplicate");
    header = (yoton_header){
        .slot = slot, .source_id = RAW_ID, .source_seq = 6, .dest_id = 99, .length = 5};
    raw_package(peers[0], &header, "other");
    header.source_seq = 7;
    header.dest_id = yoton_context_id(context);
    raw_package(peers[0], &header, "to me");
    raw_publish(peers[0], yoton_context_id(context), 1, slot, "your own");
    raw_publish(peers[0], RAW_ID, 8, slot, "the last");
    expect_text(sub, "everybody");
    expect_text(sub, "to me");
    expect_text(sub, "the last");
    for (int i = 1; i < 3; i++) {
        assert_int_equal(raw_expect(peers[i], "everybody"), 5);
        assert_int_equal(raw_next(peers[i], &header, text, sizeof text), 1);
        assert_int_equal(header.dest_id, 99);
        assert_int_equal(raw_expect(peers[i], "the last"), 8);
    }
    int late = raw_join_as(ports[3], RAW_ID + 3); /* bound, and so alive, all the time */
    assert_int_equal(raw_expect(late, "everybody"), 5);
    close(late);
    yoton_connection_close(connections[0], NULL);
    assert_int_equal(raw_next(peers[0], &header, text, sizeof text), 1); /* nothing came back */
    assert_int_equal(header.length, 0);
    for (int i = 0; i < 3; i++)
        close(peers[i]);
    for (int i = 0; i < 4; i++)
        yoton_connection_unref(connections[i]);
    yoton_channel_free(sub);
    yoton_context_free(context);
}

/* ---- Closing ---- */

static void a_close_goes_behind_everything(void **state) {
    enum { MESSAGES = 500 };
    bench b;
    yoton_header header;
    char text[64];
    (void)state;
    bench_join(&b, &(yoton_options){.send_limit = 2 * MESSAGES, .drain = 10 * DEADLINE});
    yoton_channel *pub = open_channel(b.context, YOTON_PUB, "x", YOTON_TXT);
    for (int m = 0; m < MESSAGES; m++) {
        snprintf(text, sizeof text, "%d", m);
        send_text(pub, text);
    }
    yoton_connection_close(b.connection, NULL);
    for (int m = 0; m < MESSAGES; m++) {
        snprintf(text, sizeof text, "%d", m);
        raw_expect(b.peer, text);
    }
    assert_int_equal(raw_next(b.peer, &header, text, sizeof text), 1);
    assert_int_equal(header.length, 0);
    assert_int_equal(header.source_seq, YOTON_SIGNAL_CLOSE);
    assert_true(raw_at_end(b.peer));
    yoton_channel_free(pub);
    bench_close(&b);
}

/* What the peer still sends must not reset the close signal away. */
static void a_close_arrives_though_the_peer_is_sending(void **state) {
    bench b;
    yoton_header header;
    char text[64];
    (void)state;
    bench_join(&b, NULL);
    yoton_connection_close(b.connection, NULL);
    for (uint64_t m = 1; m < 2000; m++)
        raw_publish(b.peer, RAW_ID, m, 77, "a word too late");
    assert_int_equal(raw_next(b.peer, &header, text, sizeof text), 1);
    assert_int_equal(header.source_seq, YOTON_SIGNAL_CLOSE);
    assert_true(raw_at_end(b.peer));
    bench_close(&b);
}

static void free_context(void *context) { yoton_context_free(context); }

static void freeing_a_context_closes_in_the_nice_way(void **state) {
    bench b;
    uv_thread_t thread;
    yoton_header header;
    char text[64];
    (void)state;
    bench_join(&b, &(yoton_options){.drain = 10 * DEADLINE});
    yoton_channel *pub = open_channel(b.context, YOTON_PUB, "x", YOTON_TXT);
    send_text(pub, "the last word");
    assert_int_equal(uv_thread_create(&thread, free_context, b.context), 0);
    raw_expect(b.peer, "the last word");
    assert_int_equal(raw_next(b.peer, &header, text, sizeof text), 1);
    assert_int_equal(header.source_seq, YOTON_SIGNAL_CLOSE);
    assert_true(raw_at_end(b.peer));
    close(b.peer); /* which the context has waited for */
    uv_thread_join(&thread);
    assert_int_equal(b.w.closed, 1);
    assert_string_equal(b.w.reason, "Closed by the context.");
    yoton_connection_unref(b.connection);
    yoton_channel_free(pub);
    watch_done(&b.w);
}

static void a_close_received_is_not_answered(void **state) {
    bench b;
    yoton_header header;
    char text[64];
    (void)state;
    bench_join(&b, NULL);
    raw_signal(b.peer, YOTON_SIGNAL_CLOSE);
    raw_publish(b.peer, RAW_ID, 1, 77, "behind it");
    watch_wait(&b.w, &b.w.closed, 1);
    assert_string_equal(b.w.reason, "Closed from other end.");
    assert_int_equal(raw_next(b.peer, &header, text, sizeof text), 0);
    bench_close(&b);
}

static void giving_up_says_nothing(void **state) {
    bench b;
    yoton_header header;
    char text[64];
    (void)state;
    bench_join(&b, NULL);
    yoton_connection_close_on_problem(b.connection, "a problem");
    watch_wait(&b.w, &b.w.closed, 1);
    assert_string_equal(b.w.reason, "a problem");
    assert_int_equal(raw_next(b.peer, &header, text, sizeof text), 0);
    bench_close(&b);
}

static void a_killed_peer_is_noticed(void **state) {
    static const struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        bench b;
        bench_join(&b, NULL);
        raw_send_text(b.peer, "YOTO"); /* in the middle of a header */
        if (reset)
            setsockopt(b.peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(b.peer);
        b.peer = -1;
        watch_wait(&b.w, &b.w.closed, 1);
        assert_string_equal(b.w.reason, "Other end dropped the connection.");
        bench_close(&b);
    }
}

static void a_broken_stream_is_dropped(void **state) {
    bench b;
    yoton_header header;
    char text[64];
    (void)state;
    bench_join(&b, &(yoton_options){.max_message = 1000});
    raw_send_text(b.peer, "NOTON   and so on, for more than a header of fifty-six bytes");
    watch_wait(&b.w, &b.w.closed, 1);
    assert_string_equal(b.w.reason, "Lost track of the stream.");
    assert_int_equal(raw_next(b.peer, &header, text, sizeof text), 0);
    bench_close(&b);
    bench_join(&b, &(yoton_options){.max_message = 1000});
    header = (yoton_header){.slot = 77, .source_id = RAW_ID, .source_seq = 1, .length = 1001};
    uint8_t bytes[YOTON_HEADER_SIZE];
    yoton_header_encode(&header, bytes);
    raw_send(b.peer, bytes, sizeof bytes);
    watch_wait(&b.w, &b.w.closed, 1);
    assert_int_equal(raw_next(b.peer, &header, text, sizeof text), 0);
    bench_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stranger_reads_the_error_line_and_the_end),
        cmocka_unit_test(a_stranger_that_keeps_talking_still_reads_the_line),
        cmocka_unit_test(a_silent_candidate_holds_nobody_up),
        cmocka_unit_test(a_silent_candidate_is_let_go_after_its_time),
        cmocka_unit_test(refused_strangers_do_not_take_the_places),
        cmocka_unit_test(a_host_out_of_descriptors_recovers),
        cmocka_unit_test(the_port_is_free_once_the_line_is_seen),
        cmocka_unit_test(the_process_id_and_id_are_as_told),
        cmocka_unit_test(packages_behind_the_line_are_not_lost),
        cmocka_unit_test(what_was_sent_before_goes_first_and_in_order),
        cmocka_unit_test(a_full_start_up_queue_drops_as_it_is_set),
        cmocka_unit_test(packages_are_forwarded_to_all_others),
        cmocka_unit_test(a_close_goes_behind_everything),
        cmocka_unit_test(a_close_arrives_though_the_peer_is_sending),
        cmocka_unit_test(freeing_a_context_closes_in_the_nice_way),
        cmocka_unit_test(a_close_received_is_not_answered),
        cmocka_unit_test(giving_up_says_nothing),
        cmocka_unit_test(a_killed_peer_is_noticed),
        cmocka_unit_test(a_broken_stream_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
