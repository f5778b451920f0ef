/* SPDX-License-Identifier: BSD-2-Clause */
/* What time does to a link, to the nanosecond. */
#include "link_rig.h"

#include <string.h>

static rig bench, other;
static bytes input;

static void feed_bytes(rig *r) { rig_feed(r, input.data, input.size); }

static void connect_bench(void) {
    yoton_link_config config = rig_config(YOTON_ROLE_CLIENT);
    rig_connect(&bench, &config);
    bench.stamped = 1;
}

static int send_to(rig *r, uint64_t seq, size_t length) {
    yoton_package *package = package_make(seq, length);
    int result = yoton_link_send(r->link, package);
    yoton_package_unref(package);
    return result;
}

static void beat_comes(void) {
    input.size = 0;
    bytes_signal(&input, 0);
    feed_bytes(&bench);
}

/* --- Heartbeats ---------------------------------------------------------------------------------
 */

static void heartbeats_go_every_quarter_second_of_silence(void **state) {
    (void)state;
    connect_bench();
    for (uint64_t i = 1; i <= 4; i++) {
        beat_comes(); /* so that no time-out disturbs */
        assert_int_equal(yoton_link_deadline(bench.link), i * 250000000);
        rig_tick(&bench, i * 250000000 - 1);
        rig_drain(&bench);
        assert_int_equal(bench.sent_size, 0);
        rig_tick(&bench, i * 250000000);
        rig_drain(&bench);
        assert_string_equal(rig_sent(&bench), "beat ");
        rig_forget(&bench);
    }
    rig_close(&bench);
}

static void every_byte_written_puts_the_heartbeat_off(void **state) {
    (void)state;
    connect_bench();
    bench.now = 100 * YOTON_MS;
    beat_comes();
    assert_int_equal(send_to(&bench, 1, 100), 0);
    assert_int_equal(yoton_link_deadline(bench.link), 600 * YOTON_MS); /* the time-out */
    rig_take(&bench, 1);
    bench.now = 249 * YOTON_MS;
    rig_take(&bench, 1);
    bench.now = 249 * YOTON_MS + 5;
    rig_drain(&bench);
    assert_int_equal(yoton_link_deadline(bench.link), 499 * YOTON_MS + 5);
    rig_run(&bench, 499 * YOTON_MS + 4, 1);
    assert_string_equal(rig_sent(&bench), "#1[100] ");
    rig_run(&bench, 499 * YOTON_MS + 5, 1);
    assert_string_equal(rig_sent(&bench), "#1[100] beat ");
    rig_close(&bench);
}

static void heartbeats_do_not_pile_up(void **state) {
    (void)state;
    connect_bench();
    rig_run(&bench, 60000 * YOTON_MS, 0); /* nobody takes anything for a minute */
    rig_drain(&bench);
    assert_string_equal(rig_sent(&bench), "beat ");
    assert_string_equal(bench.log, "500000000 TIMED_OUT|");
    assert_int_equal(yoton_link_deadline(bench.link), 60250 * YOTON_MS);
    rig_forget(&bench);
    send_to(&bench, 1, 2);
    rig_run(&bench, 120000 * YOTON_MS, 0);
    rig_drain(&bench);
    assert_string_equal(rig_sent(&bench), "#1[2] ");
    rig_close(&bench);
}

static void heartbeat_does_not_part_header_and_payload(void **state) {
    (void)state;
    connect_bench();
    send_to(&bench, 1, 40000);
    rig_take(&bench, 56);
    rig_run(&bench, 400 * YOTON_MS, 0);
    rig_drain(&bench);
    assert_string_equal(rig_sent(&bench), "#1[40000] ");
    rig_close(&bench);
}

static void late_ticks_make_no_burst(void **state) {
    (void)state;
    connect_bench();
    rig_tick(&bench, 5000 * YOTON_MS);
    rig_drain(&bench);
    rig_tick(&bench, 5000 * YOTON_MS);
    rig_drain(&bench);
    assert_string_equal(rig_sent(&bench), "beat ");
    assert_int_equal(yoton_link_deadline(bench.link), 5250 * YOTON_MS);
    rig_close(&bench);
}

static void heartbeat_interval_is_that_of_the_configuration(void **state) {
    (void)state;
    yoton_link_config config = rig_config(YOTON_ROLE_HOST);
    config.heartbeat = 7;
    rig_connect(&bench, &config);
    rig_run(&bench, 21, 1);
    assert_string_equal(rig_sent(&bench), "beat beat beat ");
    assert_int_equal(yoton_link_deadline(bench.link), 28);
    rig_close(&bench);
}

/* --- Time-outs ----------------------------------------------------------------------------------
 */

static void silence_is_told_once_and_its_end_once(void **state) {
    (void)state;
    connect_bench();
    rig_run(&bench, 500 * YOTON_MS - 1, 1);
    assert_string_equal(bench.log, "");
    rig_run(&bench, 3000 * YOTON_MS, 1);
    assert_string_equal(bench.log, "500000000 TIMED_OUT|");
    assert_string_equal(rig_state(&bench), "connected");
    beat_comes();
    beat_comes();
    assert_string_equal(bench.log,
                        "500000000 TIMED_OUT|3000000000 RESUMED|3000000000 BEAT|3000000000 BEAT|");
    rig_run(&bench, 3500 * YOTON_MS, 1);
    assert_string_equal(bench.log, "500000000 TIMED_OUT|3000000000 RESUMED|3000000000 BEAT|"
                                   "3000000000 BEAT|3500000000 TIMED_OUT|");
    rig_close(&bench);
}

/* Byte by byte through a header, a payload, and silences inside both. */
static void stall_inside_a_package_is_silence(void **state) {
    (void)state;
    static const size_t cuts[] = {1, 30, 56, 57, 80};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        connect_bench();
        input.size = 0;
        bytes_package(&input, 1, 40);
        bench.now = 499999999;
        rig_feed(&bench, input.data, cuts[i]);
        rig_run(&bench, 999999998, 1);
        assert_string_equal(bench.log, "");
        rig_run(&bench, 1000000000, 1);
        rig_feed(&bench, input.data + cuts[i], input.size - cuts[i]);
        assert_string_equal(bench.log,
                            "999999999 TIMED_OUT|1000000000 RESUMED|1000000000 PACKAGE 8 "
                            "b2 1 0 0 [40] ~066120474e853c65|");
        rig_close(&bench);
    }
}

static void single_bytes_keep_a_connection_alive(void **state) {
    (void)state;
    connect_bench();
    input.size = 0;
    bytes_package(&input, 1, 40);
    for (size_t i = 0; i < 95; i++) {
        rig_run(&bench, bench.now + 499999999, 1);
        rig_feed(&bench, input.data + i, 1);
    }
    assert_string_equal(bench.log, "");
    rig_close(&bench);
}

static void time_out_can_be_changed(void **state) {
    (void)state;
    connect_bench();
    assert_int_equal(yoton_link_set_timeout(bench.link, 499999999), YOTON_E_ARGUMENT);
    assert_int_equal(yoton_link_set_timeout(bench.link, 0), YOTON_E_ARGUMENT);
    assert_int_equal(yoton_link_set_timeout(bench.link, 700000001), YOTON_OK);
    rig_run(&bench, 700000000, 1);
    assert_string_equal(bench.log, "");
    rig_run(&bench, 700000001, 1);
    assert_string_equal(bench.log, "700000001 TIMED_OUT|");
    beat_comes();
    bench.now += 600 * YOTON_MS;
    assert_int_equal(yoton_link_set_timeout(bench.link, 500 * YOTON_MS), YOTON_OK);
    rig_forget(&bench);
    rig_tick(&bench, bench.now); /* shorter than the silence by now: told at once */
    assert_string_equal(bench.log, "1300000001 TIMED_OUT|");
    rig_close(&bench);

    yoton_link_config config = rig_config(YOTON_ROLE_HOST);
    config.timeout = YOTON_NEVER;
    rig_connect(&bench, &config);
    rig_run(&bench, 1000000 * YOTON_MS, 1);
    assert_string_equal(bench.log, "");
    rig_close(&bench);
}

static void time_out_loses_nothing(void **state) {
    (void)state;
    connect_bench();
    send_to(&bench, 1, 2);
    rig_run(&bench, 10000 * YOTON_MS, 0);
    assert_int_equal(send_to(&bench, 2, 2), 0);
    rig_drain(&bench);
    assert_string_equal(rig_sent(&bench), "#1[2] #2[2] ");
    rig_close(&bench);
}

/* --- The handshake's time, and the close's
 * ---------------------------------------------------------- */

static void candidate_has_two_seconds(void **state) {
    (void)state;
    yoton_link_config config = rig_config(YOTON_ROLE_HOST);
    for (int with_part = 0; with_part <= 1; with_part++) {
        rig_open(&bench, &config);
        bench.stamped = 1;
        bench.now = 1900 * YOTON_MS; /* a slow start wins no time */
        rig_feed(&bench, "YOTON!", with_part ? 6 : 0);
        rig_run(&bench, 1999999999, 1);
        assert_string_equal(bench.log, "");
        rig_run(&bench, 2000000000, 1);
        assert_string_equal(bench.log, "2000000000 DOWN -17 Handshake timed out.|");
        assert_string_equal(rig_sent(&bench), with_part ? "ERROR: could not parse id. " : "");
        rig_close(&bench);
    }
}

static void client_waits_two_seconds_from_its_line(void **state) {
    (void)state;
    yoton_link_config config = rig_config(YOTON_ROLE_CLIENT);
    rig_open(&bench, &config);
    bench.stamped = 1;
    bench.now = 300;
    rig_take(&bench, 5);
    assert_int_equal(yoton_link_deadline(bench.link), 2000000000);
    bench.now = 700;
    rig_drain(&bench);
    rig_run(&bench, 2000000699, 1);
    assert_string_equal(bench.log, "");
    rig_run(&bench, 2000000700, 1);
    assert_string_equal(bench.log, "2000000700 DOWN -17 Handshake timed out.|");
    rig_close(&bench);
}

static void handshake_time_is_that_of_the_configuration(void **state) {
    (void)state;
    yoton_link_config config = rig_config(YOTON_ROLE_HOST);
    config.handshake = 3;
    rig_open(&bench, &config);
    bench.stamped = 1;
    rig_run(&bench, 10, 1);
    assert_string_equal(bench.log, "3 DOWN -17 Handshake timed out.|");
    rig_close(&bench);
}

static void refusal_nobody_reads_is_given_up(void **state) {
    (void)state;
    yoton_link_config config = rig_config(YOTON_ROLE_HOST);
    rig_open(&bench, &config);
    bench.stamped = 1;
    bench.now = 5;
    rig_feed(&bench, "x", 1);
    rig_take(&bench, 3);
    rig_run(&bench, 1000000004, 0);
    assert_string_equal(bench.log, "");
    rig_run(&bench, 1000000005, 0);
    assert_string_equal(
        bench.log, "1000000005 DOWN -6 Handshake failed (the other end does not speak Yoton).|");
    rig_close(&bench);
}

static void close_is_given_up_after_a_second(void **state) {
    (void)state;
    connect_bench();
    send_to(&bench, 1, 100);
    bench.now = 400 * YOTON_MS;
    yoton_link_close(bench.link, bench.now, NULL);
    rig_run(&bench, 900 * YOTON_MS, 0);
    assert_string_equal(bench.log, ""); /* a time-out is of no interest any more */
    rig_take(&bench, 156);              /* the package, but not the close signal */
    rig_run(&bench, 1400 * YOTON_MS - 1, 0);
    assert_string_equal(bench.log, "");
    rig_run(&bench, 1400 * YOTON_MS, 0);
    assert_string_equal(
        bench.log, "1400000000 DOWN -17 Closed on command (the other end did not take what was "
                   "queued).|");
    rig_close(&bench);
}

static void close_time_is_that_of_the_configuration(void **state) {
    (void)state;
    yoton_link_config config = rig_config(YOTON_ROLE_HOST);
    config.close = 30 * YOTON_MS;
    rig_connect(&bench, &config);
    yoton_link_close(bench.link, 0, NULL);
    rig_tick(&bench, 30 * YOTON_MS - 1);
    assert_string_equal(bench.log, "");
    rig_tick(&bench, 30 * YOTON_MS);
    assert_string_equal(rig_state(&bench), "closed");
    rig_close(&bench);
}

static void close_waits_for_the_last_byte_of_its_signal(void **state) {
    (void)state;
    connect_bench();
    yoton_link_close(bench.link, 0, "Done.");
    assert_int_equal(rig_take(&bench, 55), 55);
    rig_tick(&bench, 0);
    assert_string_equal(bench.log, "");
    bench.now = 9;
    assert_int_equal(rig_take(&bench, 100), 1);
    assert_int_equal(yoton_link_deadline(bench.link), 0);
    rig_tick(&bench, 9);
    assert_string_equal(bench.log, "9 DOWN 0 Done.|");
    assert_int_equal(yoton_link_deadline(bench.link), YOTON_NEVER);
    assert_string_equal(rig_sent(&bench), "close ");
    rig_close(&bench);
}

static void time_does_not_run_over(void **state) {
    (void)state;
    yoton_link_config config = rig_config(YOTON_ROLE_CLIENT);
    rig_open(&bench, &config);
    bench.now = YOTON_NEVER - 10;
    rig_drain(&bench);
    rig_feed(&bench, RIG_OTHER_LINE, strlen(RIG_OTHER_LINE));
    assert_int_equal(yoton_link_deadline(bench.link), YOTON_NEVER);
    yoton_link_close(bench.link, bench.now, NULL);
    assert_int_equal(yoton_link_deadline(bench.link), YOTON_NEVER);
    rig_close(&bench);
}

/* --- Two ends
 * ------------------------------------------------------------------------------------- */

/* Hands all that `from` wrote to `to`. */
static size_t carry(rig *from, rig *to) {
    rig_drain(from);
    size_t size = from->sent_size;
    rig_feed(to, from->sent, size);
    from->sent_size = 0;
    return size;
}

static void open_both(void) {
    yoton_link_config config = rig_config(YOTON_ROLE_HOST);
    rig_open(&bench, &config);
    config.role = YOTON_ROLE_CLIENT;
    config.id = RIG_OTHER_ID;
    config.pid = 77;
    rig_open(&other, &config);
}

static void carry_all(void) {
    while (carry(&bench, &other) + carry(&other, &bench) > 0) {
    }
}

/* Both clocks run until nothing is left to do at `until`. */
static void run_both(yoton_time until) {
    for (;;) {
        carry_all();
        yoton_time a = yoton_link_deadline(bench.link), b = yoton_link_deadline(other.link);
        yoton_time due = a < b ? a : b;
        if (due > until)
            break;
        if (due < bench.now)
            due = bench.now;
        rig_tick(&bench, due);
        rig_tick(&other, due);
    }
    bench.now = other.now = until;
}

static size_t count_in_log(const rig *r, const char *word) {
    size_t count = 0;
    for (const char *at = r->log; (at = strstr(at, word)) != NULL; at++)
        count++;
    return count;
}

static void two_idle_ends_hear_each_other(void **state) {
    (void)state;
    open_both();
    run_both(10000 * YOTON_MS);
    assert_int_equal(count_in_log(&bench, "BEAT"), 40);
    assert_int_equal(count_in_log(&other, "BEAT"), 40);
    assert_int_equal(count_in_log(&bench, "TIMED_OUT") + count_in_log(&other, "TIMED_OUT"), 0);
    assert_int_equal(bench.downs + other.downs, 0);
    rig_close(&bench);
    rig_close(&other);
}

static void what_waits_for_the_handshake_goes_first(void **state) {
    (void)state;
    open_both();
    send_to(&bench, 1, 1);
    send_to(&other, 2, 1);
    send_to(&other, 3, 1);
    run_both(0);
    send_to(&other, 4, 1);
    run_both(0);
    assert_string_equal(bench.log, "UP b2.77|PACKAGE 8 b2 2 0 0 [1] 3e|PACKAGE 8 b2 3 0 0 [1] 5d|"
                                   "PACKAGE 8 b2 4 0 0 [1] 7c|");
    assert_string_equal(other.log, "UP a1.4242|PACKAGE 8 b2 1 0 0 [1] 1f|");
    rig_close(&bench);
    rig_close(&other);
}

static void close_comes_behind_all_that_was_queued(void **state) {
    (void)state;
    open_both();
    run_both(0);
    rig_forget(&bench);
    rig_forget(&other);
    bench.stamped = other.stamped = 1;
    send_to(&bench, 1, 1);
    send_to(&bench, 2, 40000); /* one that is not gathered with others */
    send_to(&bench, 3, 1);
    send_to(&other, 9, 1);
    yoton_link_close(bench.link, 0, NULL);
    run_both(5000 * YOTON_MS);
    assert_string_equal(bench.log, "0 DOWN 0 Closed on command.|");
    assert_string_equal(
        other.log, "0 PACKAGE 8 b2 1 0 0 [1] 1f|0 PACKAGE 8 b2 2 0 0 [40000] ~"
                   "5c32772f5680f765|0 PACKAGE 8 b2 3 0 0 [1] 5d|0 DOWN 0 Closed from other end.|");
    assert_int_equal(yoton_link_pending(other.link), 0); /* what was queued there is gone */
    rig_close(&bench);
    rig_close(&other);
}

static void both_may_close_at_once(void **state) {
    (void)state;
    open_both();
    run_both(0);
    rig_forget(&bench);
    rig_forget(&other);
    yoton_link_close(bench.link, 0, "Here.");
    yoton_link_close(other.link, 0, "There.");
    rig_drain(&bench);
    rig_drain(&other);
    rig_tick(&bench, 0);
    rig_tick(&other, 0);
    rig_feed(&bench, other.sent, other.sent_size);
    rig_feed(&other, bench.sent, bench.sent_size);
    assert_string_equal(bench.log, "DOWN 0 Here.|");
    assert_string_equal(other.log, "DOWN 0 There.|");
    rig_close(&bench);
    rig_close(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heartbeats_go_every_quarter_second_of_silence),
        cmocka_unit_test(every_byte_written_puts_the_heartbeat_off),
        cmocka_unit_test(heartbeats_do_not_pile_up),
        cmocka_unit_test(heartbeat_does_not_part_header_and_payload),
        cmocka_unit_test(late_ticks_make_no_burst),
        cmocka_unit_test(heartbeat_interval_is_that_of_the_configuration),
        cmocka_unit_test(silence_is_told_once_and_its_end_once),
        cmocka_unit_test(stall_inside_a_package_is_silence),
        cmocka_unit_test(single_bytes_keep_a_connection_alive),
        cmocka_unit_test(time_out_can_be_changed),
        cmocka_unit_test(time_out_loses_nothing),
        cmocka_unit_test(candidate_has_two_seconds),
        cmocka_unit_test(client_waits_two_seconds_from_its_line),
        cmocka_unit_test(handshake_time_is_that_of_the_configuration),
        cmocka_unit_test(refusal_nobody_reads_is_given_up),
        cmocka_unit_test(close_is_given_up_after_a_second),
        cmocka_unit_test(close_time_is_that_of_the_configuration),
        cmocka_unit_test(close_waits_for_the_last_byte_of_its_signal),
        cmocka_unit_test(time_does_not_run_over),
        cmocka_unit_test(two_idle_ends_hear_each_other),
        cmocka_unit_test(what_waits_for_the_handshake_goes_first),
        cmocka_unit_test(close_comes_behind_all_that_was_queued),
        cmocka_unit_test(both_may_close_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
