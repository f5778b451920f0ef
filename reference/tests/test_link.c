/* SPDX-License-Identifier: BSD-2-Clause */
/* Every state of a link meets every input; the stream cut at every place. */
#include "link_rig.h"

#include <stdio.h>
#include <string.h>

static rig bench;
static bytes input;

/* --- States to start from ------------------------------------------------------------------- */

#define FILLER 5 /* number of a package that waits for output */

static void host_waits(rig *r) {
    yoton_link_config config = rig_config(YOTON_ROLE_HOST);
    rig_open(r, &config);
}

static void client_waits(rig *r) {
    yoton_link_config config = rig_config(YOTON_ROLE_CLIENT);
    rig_open(r, &config);
    rig_drain(r);
    rig_forget(r);
}

static void connected(rig *r) {
    yoton_link_config config = rig_config(YOTON_ROLE_HOST);
    rig_connect(r, &config);
}

/* Told to close with a package queued, nothing taken by the transport yet. */
static void closing(rig *r) {
    connected(r);
    yoton_package *package = package_make(FILLER, 3);
    assert_int_equal(yoton_link_send(r->link, package), 0);
    yoton_package_unref(package);
    yoton_link_close(r->link, r->now, "Enough.");
}

static void refusing(rig *r) {
    host_waits(r);
    rig_feed(r, "G", 1);
}

static void closed(rig *r) {
    connected(r);
    rig_eof(r);
    rig_forget(r);
}

/* --- Inputs ------------------------------------------------------------------------------------
 */

static void feed_text(rig *r, const char *text) { rig_feed(r, text, strlen(text)); }

static void part(rig *r) { feed_text(r, "YOTON!00000000000000b2.7"); }
static void good(rig *r) { feed_text(r, RIG_OTHER_LINE); }
static void own(rig *r) { feed_text(r, RIG_LINE); }
static void stranger(rig *r) { feed_text(r, "GET / HTTP/1.1\r\n\r\n"); }
static void almost(rig *r) { feed_text(r, "YOTON?00000000000000b2.77\r\n"); }
static void bad_id(rig *r) { feed_text(r, "YOTON!0000000000000zb2.77\r\n"); }
static void id_zero(rig *r) { feed_text(r, "YOTON!0000000000000000.77\r\n"); }
static void bad_pid(rig *r) { feed_text(r, "YOTON!00000000000000b2.7 7\r\n"); }
static void bare_lf(rig *r) { feed_text(r, "YOTON!00000000000000b2.77\n"); }

/* What a client may hear from a host that refuses. */
static void refusal(rig *r) { feed_text(r, RIG_REFUSE_YOTON); }
static void refusal_cut(rig *r) {
    feed_text(r, "ERROR: no");
    rig_eof(r);
}
static void refusal_late(rig *r) {
    feed_text(r, "ERROR: no\x1b[1m");
    rig_tick(r, r->now + 2000 * YOTON_MS);
}
static void refusal_endless(rig *r) {
    for (int i = 0; i < 20; i++)
        feed_text(r, "ERROR: ");
}
static void refusal_in_latin(rig *r) { feed_text(r, "ERROR: no\xe9l\x7f\nnow\r\n"); }
static void refusal_hardly(rig *r) {
    feed_text(r, "ERR");
    rig_eof(r);
}
static void refusal_without_words(rig *r) {
    feed_text(r, "ERROR: ");
    rig_eof(r);
}
static void refusal_not(rig *r) { feed_text(r, "ERROR!"); }

static void shake_time(rig *r) { rig_tick(r, r->now + 2000 * YOTON_MS); }
static void part_and_time(rig *r) {
    part(r);
    shake_time(r);
}
static void bit_and_time(rig *r) {
    feed_text(r, "YOT");
    shake_time(r);
}
static void end(rig *r) { rig_eof(r); }
static void part_and_end(rig *r) {
    part(r);
    rig_eof(r);
}

static void second(rig *r) { rig_tick(r, r->now + 1000 * YOTON_MS); }
static void feed_bytes(rig *r) { rig_feed(r, input.data, input.size); }

static void packages_behind(rig *r) {
    input.size = 0;
    bytes_add(&input, RIG_OTHER_LINE, strlen(RIG_OTHER_LINE));
    bytes_package(&input, 1, 2);
    bytes_signal(&input, 0);
    feed_bytes(r);
}
/* All in one segment: the line is answered all the same. */
static void line_and_close(rig *r) {
    input.size = 0;
    bytes_add(&input, RIG_OTHER_LINE, strlen(RIG_OTHER_LINE));
    bytes_signal(&input, 1);
    feed_bytes(r);
}
static void line_and_garbage(rig *r) { feed_text(r, RIG_OTHER_LINE "GET"); }
static void line_and_nobody_reads(rig *r) {
    line_and_close(r);
    rig_take(r, 5);
    r->sent_size = 0;
    second(r);
}
static void package(rig *r) {
    input.size = 0;
    bytes_package(&input, 7, 3);
    feed_bytes(r);
}
static void signal_of(rig *r, uint64_t seq) {
    input.size = 0;
    bytes_signal(&input, seq);
    feed_bytes(r);
}
static void heartbeat(rig *r) { signal_of(r, 0); }
static void close_signal(rig *r) { signal_of(r, 1); }
static void other_signal(rig *r) { signal_of(r, 2); }
static void largest_signal(rig *r) { signal_of(r, UINT64_MAX); }
/* Only source_seq tells what a signal is. */
static void odd_close(rig *r) {
    input.size = 0;
    bytes_header(&input, &(yoton_header){99, RIG_ID, 1, RIG_ID, 5, 0});
    feed_bytes(r);
}
static void close_and_more(rig *r) {
    input.size = 0;
    bytes_signal(&input, 1);
    bytes_package(&input, 8, 3);
    bytes_add(&input, "garbage", 7);
    feed_bytes(r);
}
static void wrong_control(rig *r) { feed_text(r, "YOTON  !"); }
static void wrong_control_behind(rig *r) {
    input.size = 0;
    bytes_package(&input, 7, 3);
    bytes_add(&input, "X", 1);
    feed_bytes(r);
}
static void length_of(rig *r, uint64_t length) {
    input.size = 0;
    bytes_header(&input, &(yoton_header){8, RIG_OTHER_ID, 1, 0, 0, length});
    feed_bytes(r);
}
static void length_limit(rig *r) { length_of(r, UINT64_C(1) << 30); }
static void length_above(rig *r) { length_of(r, (UINT64_C(1) << 30) + 1); }
static void length_sign(rig *r) { length_of(r, UINT64_C(1) << 63); }
static void length_all(rig *r) { length_of(r, UINT64_MAX); }
static void cut_in_header(rig *r) {
    feed_text(r, "YOTON   ");
    rig_eof(r);
}
static void cut_in_payload(rig *r) {
    input.size = 0;
    bytes_package(&input, 7, 100);
    input.size -= 1;
    feed_bytes(r);
    rig_eof(r);
}
static void quarter(rig *r) { rig_tick(r, r->now + 250 * YOTON_MS); }
static void half(rig *r) { rig_tick(r, r->now + 500 * YOTON_MS); }
static void silence_and_byte(rig *r) {
    half(r);
    feed_text(r, "Y");
}
static void drained(rig *r) {
    rig_drain(r);
    rig_tick(r, r->now);
}
/* The time-out was told before; its end is of no interest while closing. */
static void silence_close_and_byte(rig *r) {
    half(r);
    yoton_link_close(r->link, r->now, NULL);
    feed_text(r, "YOTON");
}
static void told(rig *r) {
    yoton_link_close(r->link, r->now, "Goodbye.");
    rig_drain(r);
    rig_tick(r, r->now);
}
static void told_without_reason(rig *r) {
    yoton_link_close(r->link, r->now, NULL);
    rig_drain(r);
    rig_tick(r, r->now);
}
static void told_twice(rig *r) {
    yoton_link_close(r->link, r->now, "One.");
    yoton_link_close(r->link, r->now, "Two.");
    rig_drain(r);
    rig_tick(r, r->now);
}
static void problem(rig *r) {
    yoton_link_drop(r->link, YOTON_E_SYSTEM, "Socket error.");
    yoton_link_drop(r->link, YOTON_E_EOF, "Later.");
    rig_tick(r, r->now);
}
static void problem_without_reason(rig *r) {
    yoton_link_drop(r->link, YOTON_E_SYSTEM, NULL);
    rig_tick(r, r->now);
}
/* The program sends; the log tells what came back. */
static void send(rig *r) {
    yoton_package *p = package_make(6, 4);
    int result = yoton_link_send(r->link, p);
    yoton_package_unref(p);
    snprintf(r->log, sizeof r->log, "send %d, waiting %zu|", result, yoton_link_pending(r->link));
}
static void send_and_drain(rig *r) {
    send(r);
    rig_drain(r);
}

/* --- The table
 * ------------------------------------------------------------------------------------ */

#define LOST "DOWN -4 Lost track of the stream.|"
#define LONG "DOWN -5 Lost track of the stream (length above the limit).|"
#define DROPPED "DOWN -18 Other end dropped the connection.|"
#define THERE "DOWN 0 Closed from other end.|"
#define NOT_YOTON "DOWN -6 Handshake failed (the other end does not speak Yoton).|"
#define NOT_ID "DOWN -7 Handshake failed (could not parse id).|"
#define SELF "DOWN -9 Handshake failed (context cannot connect to self).|"
#define SAYS(what) "DOWN -6 Handshake failed (the other end says: " what ")|"
#define TOO_LATE "DOWN -17 Handshake timed out.|"
#define THIS_IS "ERROR: this is Yoton. "
#define PARSE "ERROR: could not parse id. "
#define OWN "YOTON!00000000000000a1.4242 "
#define PACKAGE7 "PACKAGE 8 b2 7 0 0 [3] d9e0e7|"

typedef struct row {
    void (*state)(rig *);
    void (*input)(rig *);
    const char *log;  /* what the input brings at once */
    const char *next; /* the state after it */
    const char *sent; /* what is written when the transport takes all */
    const char *then; /* the log after that */
} row;

#define SAME NULL /* `then` as `log` */

static const row table[] = {
    /* a host's candidate */
    {host_waits, part, "", "handshake", "", SAME},
    {host_waits, good, "UP b2.77|", "connected", OWN, SAME},
    {host_waits, own, "", "refusing", OWN, SELF},
    {host_waits, stranger, "", "refusing", THIS_IS, NOT_YOTON},
    {host_waits, almost, "", "refusing", THIS_IS, NOT_YOTON},
    {host_waits, bad_id, "", "refusing", PARSE, NOT_ID},
    {host_waits, id_zero, "", "refusing", PARSE, NOT_ID},
    {host_waits, bad_pid, "", "refusing", PARSE, NOT_ID},
    {host_waits, bare_lf, "", "refusing", PARSE, NOT_ID},
    {host_waits, refusal, "", "refusing", THIS_IS, NOT_YOTON},
    {host_waits, shake_time, TOO_LATE, "closed", "", SAME},
    {host_waits, part_and_time, "", "refusing", PARSE, TOO_LATE},
    {host_waits, bit_and_time, "", "refusing", THIS_IS, TOO_LATE},
    {host_waits, end, DROPPED, "closed", "", SAME},
    {host_waits, part_and_end, "", "refusing", PARSE, DROPPED},
    {host_waits, packages_behind, "UP b2.77|PACKAGE 8 b2 1 0 0 [2] 1f26|BEAT|", "connected", OWN,
     SAME},
    {host_waits, line_and_close, "UP b2.77|", "refusing", OWN, "UP b2.77|" THERE},
    {host_waits, line_and_garbage, "UP b2.77|", "refusing", OWN, "UP b2.77|" LOST},
    {host_waits, line_and_nobody_reads, "UP b2.77|" THERE, "closed", "", SAME},
    {host_waits, wrong_control, "", "refusing", THIS_IS, NOT_YOTON},
    {host_waits, quarter, "", "handshake", "", SAME},
    {host_waits, half, "", "handshake", "", SAME},
    {host_waits, send_and_drain, "send 0, waiting 1|", "handshake", "", SAME},
    {host_waits, told, "DOWN 0 Goodbye.|", "closed", "", SAME},
    {host_waits, problem, "DOWN -20 Socket error.|", "closed", "", SAME},

    /* a client that waits for the answer */
    {client_waits, part, "", "handshake", "", SAME},
    {client_waits, good, "UP b2.77|", "connected", "", SAME},
    {client_waits, own, SELF, "closed", "", SAME},
    {client_waits, stranger, NOT_YOTON, "closed", "", SAME},
    {client_waits, almost, NOT_YOTON, "closed", "", SAME},
    {client_waits, bad_id, NOT_ID, "closed", "", SAME},
    {client_waits, id_zero, NOT_ID, "closed", "", SAME},
    {client_waits, bad_pid, NOT_ID, "closed", "", SAME},
    {client_waits, bare_lf, NOT_ID, "closed", "", SAME},
    {client_waits, refusal, SAYS("ERROR: this is Yoton."), "closed", "", SAME},
    {client_waits, refusal_in_latin, SAYS("ERROR: no.l."), "closed", "", SAME},
    {client_waits, refusal_cut, SAYS("ERROR: no"), "closed", "", SAME},
    {client_waits, refusal_without_words, NOT_YOTON, "closed", "", SAME},
    {client_waits, refusal_late, SAYS("ERROR: no.[1m"), "closed", "", SAME},
    {client_waits, refusal_endless,
     SAYS("ERROR: ERROR: ERROR: ERROR: ERROR: ERROR: ERROR: ERROR: ERROR: "), "closed", "", SAME},
    {client_waits, refusal_hardly, NOT_YOTON, "closed", "", SAME},
    {client_waits, refusal_not, NOT_YOTON, "closed", "", SAME},
    {client_waits, shake_time, TOO_LATE, "closed", "", SAME},
    {client_waits, part_and_time, TOO_LATE, "closed", "", SAME},
    {client_waits, end, DROPPED, "closed", "", SAME},
    {client_waits, part_and_end, DROPPED, "closed", "", SAME},
    {client_waits, packages_behind, "UP b2.77|PACKAGE 8 b2 1 0 0 [2] 1f26|BEAT|", "connected", "",
     SAME},
    {client_waits, line_and_close, "UP b2.77|" THERE, "closed", "", SAME},
    {client_waits, line_and_garbage, "UP b2.77|" LOST, "closed", "", SAME},
    {client_waits, quarter, "", "handshake", "", SAME},
    {client_waits, half, "", "handshake", "", SAME},
    {client_waits, send_and_drain, "send 0, waiting 1|", "handshake", "", SAME},
    {client_waits, told, "DOWN 0 Goodbye.|", "closed", "", SAME},
    {client_waits, problem, "DOWN -20 Socket error.|", "closed", "", SAME},

    /* connected */
    {connected, good, LOST, "closed", "", SAME},
    {connected, package, PACKAGE7, "connected", "", SAME},
    {connected, heartbeat, "BEAT|", "connected", "", SAME},
    {connected, close_signal, THERE, "closed", "", SAME},
    {connected, odd_close, THERE, "closed", "", SAME},
    {connected, close_and_more, THERE, "closed", "", SAME},
    {connected, other_signal, "", "connected", "", SAME},
    {connected, largest_signal, "", "connected", "", SAME},
    {connected, wrong_control, LOST, "closed", "", SAME},
    {connected, wrong_control_behind, PACKAGE7 LOST, "closed", "", SAME},
    {connected, length_limit, "", "connected", "", SAME},
    {connected, length_above, LONG, "closed", "", SAME},
    {connected, length_sign, LONG, "closed", "", SAME},
    {connected, length_all, LONG, "closed", "", SAME},
    {connected, end, DROPPED, "closed", "", SAME},
    {connected, cut_in_header, DROPPED, "closed", "", SAME},
    {connected, cut_in_payload, DROPPED, "closed", "", SAME},
    {connected, quarter, "", "connected", "beat ", SAME},
    {connected, half, "TIMED_OUT|", "connected", "beat ", SAME},
    {connected, silence_and_byte, "TIMED_OUT|RESUMED|", "connected", "beat ", SAME},
    {connected, silence_close_and_byte, "TIMED_OUT|", "closing", "beat close ",
     "TIMED_OUT|DOWN 0 Closed on command.|"},
    {connected, send, "send 0, waiting 1|", "connected", "#6[4] ", SAME},
    {connected, told, "DOWN 0 Goodbye.|", "closed", "close ", SAME},
    {connected, told_without_reason, "DOWN 0 Closed on command.|", "closed", "close ", SAME},
    {connected, told_twice, "DOWN 0 One.|", "closed", "close ", SAME},
    {connected, problem, "DOWN -20 Socket error.|", "closed", "", SAME},
    {connected, problem_without_reason, "DOWN -20 Closed on command.|", "closed", "", SAME},

    /* closing */
    {closing, package, "", "closing", "#5[3] close ", "DOWN 0 Enough.|"},
    {closing, heartbeat, "", "closing", "#5[3] close ", "DOWN 0 Enough.|"},
    {closing, close_signal, THERE, "closed", "", SAME},
    {closing, other_signal, "", "closing", "#5[3] close ", "DOWN 0 Enough.|"},
    {closing, wrong_control, LOST, "closed", "", SAME},
    {closing, wrong_control_behind, LOST, "closed", "", SAME},
    {closing, length_above, LONG, "closed", "", SAME},
    {closing, length_all, LONG, "closed", "", SAME},
    {closing, end, DROPPED, "closed", "", SAME},
    {closing, cut_in_header, DROPPED, "closed", "", SAME},
    {closing, cut_in_payload, DROPPED, "closed", "", SAME},
    {closing, quarter, "", "closing", "#5[3] close ", "DOWN 0 Enough.|"},
    {closing, half, "", "closing", "#5[3] close ", "DOWN 0 Enough.|"},
    {closing, silence_and_byte, "", "closing", "#5[3] close ", "DOWN 0 Enough.|"},
    {closing, second, "DOWN -17 Closed on command (the other end did not take what was queued).|",
     "closed", "", SAME},
    {closing, drained, "DOWN 0 Enough.|", "closed", "#5[3] close ", SAME},
    {closing, send, "send -22, waiting 1|", "closing", "#5[3] close ",
     "send -22, waiting 1|DOWN 0 Enough.|"},
    {closing, told, "DOWN 0 Enough.|", "closed", "#5[3] close ", SAME},
    {closing, problem, "DOWN -20 Socket error.|", "closed", "", SAME},

    /* refusing */
    {refusing, good, "", "refusing", THIS_IS, NOT_YOTON},
    {refusing, stranger, "", "refusing", THIS_IS, NOT_YOTON},
    {refusing, close_signal, "", "refusing", THIS_IS, NOT_YOTON},
    {refusing, end, "", "refusing", THIS_IS, NOT_YOTON},
    {refusing, quarter, "", "refusing", THIS_IS, NOT_YOTON},
    {refusing, second, NOT_YOTON, "closed", "", SAME},
    {refusing, send, "send -22, waiting 0|", "refusing", THIS_IS, "send -22, waiting 0|" NOT_YOTON},
    {refusing, told, NOT_YOTON, "closed", THIS_IS, SAME},
    {refusing, problem, "DOWN -20 Socket error.|", "closed", "", SAME},

    /* closed */
    {closed, good, "", "closed", "", SAME},
    {closed, package, "", "closed", "", SAME},
    {closed, close_signal, "", "closed", "", SAME},
    {closed, wrong_control, "", "closed", "", SAME},
    {closed, length_all, "", "closed", "", SAME},
    {closed, end, "", "closed", "", SAME},
    {closed, half, "", "closed", "", SAME},
    {closed, second, "", "closed", "", SAME},
    {closed, send, "send -22, waiting 0|", "closed", "", SAME},
    {closed, told, "", "closed", "", SAME},
    {closed, problem, "", "closed", "", SAME},
};

static void check_row(const row *row, size_t number, size_t most) {
    rig *r = &bench;
    row->state(r);
    r->most = most;
    row->input(r);
    if (strcmp(r->log, row->log) != 0 || strcmp(rig_state(r), row->next) != 0)
        fail_msg("row %zu, pieces of %zu: %s, \"%s\" instead of %s, \"%s\"", number, most,
                 rig_state(r), r->log, row->next, row->log);
    rig_drain(r);
    rig_tick(r, r->now);
    if (strcmp(rig_sent(r), row->sent) != 0)
        fail_msg("row %zu, pieces of %zu: sent \"%s\" instead of \"%s\"", number, most, rig_sent(r),
                 row->sent);
    if (strcmp(r->log, row->then ? row->then : row->log) != 0)
        fail_msg("row %zu, pieces of %zu: at last \"%s\"", number, most, r->log);
    rig_close(r);
}

static void every_state_meets_every_input(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        for (size_t most = 0; most <= 3; most++)
            check_row(&table[i], i, most);
}

/* --- Cuts --------------------------------------------------------------------------------------
 */

static const char conversation_log[] =
    "UP b2.77|PACKAGE 8 b2 1 0 0 [1] 1f|BEAT|PACKAGE 8 b2 2 0 0 [40] ~49fdacf620ee516d|"
    "PACKAGE 8 b2 3 0 0 [2] 5d64|" THERE;

static void make_conversation(void) {
    input.size = 0;
    bytes_add(&input, RIG_OTHER_LINE, strlen(RIG_OTHER_LINE));
    bytes_package(&input, 1, 1);
    bytes_signal(&input, 0);
    bytes_package(&input, 2, 40);
    bytes_signal(&input, 77);
    bytes_package(&input, 3, 2);
    bytes_signal(&input, 1);
    bytes_add(&input, "tail", 4);
}

static void check_cut(void (*start)(rig *), size_t first, size_t second) {
    rig *r = &bench;
    start(r);
    rig_feed(r, input.data, first);
    rig_feed(r, input.data + first, second - first);
    rig_feed(r, input.data + second, input.size - second);
    drained(r);
    if (strcmp(r->log, conversation_log) != 0)
        fail_msg("cut at %zu and %zu: %s", first, second, r->log);
    rig_close(r);
}

static void conversation_cut_at_any_two_places(void **state) {
    (void)state;
    make_conversation();
    for (size_t first = 0; first <= input.size; first++)
        for (size_t second = first; second <= input.size; second++)
            check_cut((first + second) % 2 ? host_waits : client_waits, first, second);
}

static void conversation_in_pieces_of_any_size(void **state) {
    (void)state;
    make_conversation();
    for (size_t most = 1; most <= input.size; most++) {
        host_waits(&bench);
        bench.most = most;
        feed_bytes(&bench);
        drained(&bench);
        assert_string_equal(bench.log, conversation_log);
        rig_close(&bench);
    }
}

/* What stands against the end of readable memory is not read beyond. */
static void input_is_read_to_its_end_and_no_further(void **state) {
    (void)state;
    make_conversation();
    guard g = guard_new(input.size);
    for (size_t cut = 0; cut <= input.size; cut++) {
        host_waits(&bench);
        rig_feed(&bench, guard_place(&g, input.data, cut), cut);
        rig_feed(&bench, guard_place(&g, input.data + cut, input.size - cut), input.size - cut);
        drained(&bench);
        assert_string_equal(bench.log, conversation_log);
        rig_close(&bench);
    }
    guard_free(&g);
}

/* --- The line's limit and configuration ----------------------------------------------------------
 */

static void line_limit_is_that_of_the_configuration(void **state) {
    (void)state;
    static const char zeros[] = "YOTON!00000000000000b2.0000000000";
    yoton_link_config config = rig_config(YOTON_ROLE_HOST);
    config.max_line = 45;
    rig_open(&bench, &config); /* the longest line there is fits exactly */
    feed_text(&bench, "YOTON!ffffffffffffffff.18446744073709551615\r\n");
    assert_string_equal(bench.log, "UP ffffffffffffffff.18446744073709551615|");
    rig_close(&bench);
    rig_open(&bench, &config);
    feed_text(&bench, zeros);
    feed_text(&bench, "0000000000\r\n");
    assert_string_equal(bench.log, "UP b2.0|");
    rig_close(&bench);
    rig_open(&bench, &config);
    feed_text(&bench, zeros);
    feed_text(&bench, "00000000001");
    rig_drain(&bench);
    rig_tick(&bench, 0);
    assert_string_equal(bench.log, NOT_ID);
    assert_string_equal(rig_sent(&bench), PARSE);
    rig_close(&bench);
}

static void configuration_is_checked(void **state) {
    (void)state;
    yoton_link_config config = rig_config(YOTON_ROLE_CLIENT);
    config.id = 0;
    assert_null(yoton_link_new(&config, 0));
    config = rig_config(YOTON_ROLE_CLIENT);
    config.timeout = 500 * YOTON_MS - 1;
    assert_null(yoton_link_new(&config, 0));
    config = rig_config(YOTON_ROLE_CLIENT);
    config.max_line = 44;
    assert_null(yoton_link_new(&config, 0));
    config.max_line = 1025;
    assert_null(yoton_link_new(&config, 0));
    config.max_line = 1024;
    yoton_link *link = yoton_link_new(&config, 0);
    assert_non_null(link);
    yoton_link_free(link);
    yoton_link_free(NULL);
}

static void payload_limit_is_that_of_the_configuration(void **state) {
    (void)state;
    yoton_link_config config = rig_config(YOTON_ROLE_CLIENT);
    config.max_message = 100;
    rig_connect(&bench, &config);
    input.size = 0;
    bytes_package(&input, 1, 100);
    feed_bytes(&bench);
    assert_string_equal(bench.log, "PACKAGE 8 b2 1 0 0 [100] ~e7c5c608ec4fbda1|");
    rig_forget(&bench);
    yoton_package *fits = package_make(2, 100), *large = package_make(3, 101),
                  *empty = package_make(4, 0);
    assert_int_equal(yoton_link_send(bench.link, fits), 0);
    assert_int_equal(yoton_link_send(bench.link, large), YOTON_E_LENGTH);
    assert_int_equal(yoton_link_send(bench.link, empty), YOTON_E_ARGUMENT);
    assert_int_equal(yoton_link_pending(bench.link), 1);
    yoton_package_unref(fits);
    yoton_package_unref(large);
    yoton_package_unref(empty);
    length_of(&bench, 101);
    assert_string_equal(bench.log, LONG);
    assert_int_equal(yoton_link_pending(bench.link), 0);
    rig_close(&bench);
}

static void freed_link_says_nothing_and_leaks_nothing(void **state) {
    (void)state;
    connected(&bench);
    input.size = 0;
    bytes_package(&input, 1, 5000);
    rig_feed(&bench, input.data, 3000); /* a package half come, one half gone, one waiting */
    send(&bench);
    rig_take(&bench, 10);
    send(&bench);
    rig_close(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_meets_every_input),
        cmocka_unit_test(conversation_cut_at_any_two_places),
        cmocka_unit_test(conversation_in_pieces_of_any_size),
        cmocka_unit_test(input_is_read_to_its_end_and_no_further),
        cmocka_unit_test(line_limit_is_that_of_the_configuration),
        cmocka_unit_test(configuration_is_checked),
        cmocka_unit_test(payload_limit_is_that_of_the_configuration),
        cmocka_unit_test(freed_link_says_nothing_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
