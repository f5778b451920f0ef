/* SPDX-License-Identifier: BSD-2-Clause */
/* clang-format off: the example below is laid out by hand */
/* What a case is written with. A case is a function that plays one or more ends of connections
 * around the peer it judges, and returns when the peer did right.
 *
 * Every case runs in a process of its own, with a new adapter and so a new context. Nothing has to
 * be closed, freed or undone: memory and sockets go with the process. The first thing that is wrong
 * ends the case; so each line of a case may rely on the lines before it.
 *
 *     CASE(FRAME, 6, 1, .roles = ROLES_BOTH, .needs = "open recv",
 *          .title = "a package that comes byte by byte",
 *          .about = "Sends one message a byte at a time; the peer's sub channel gets it.") {
 *         channel *sub = open_sub(t, "slow", "txt");
 *         end *e = establish(t);
 *         package p = message(e, sub->slot_in, "hello");
 *         send_package_in_pieces(e, &p, 1);
 *         expect_received(sub, "hello");
 *     }
 *
 *     const struct test_case *const framing_cases[] = {&FRAME_6_1, NULL};
 *
 * The table is named in cases/cases.h. The requirement judged is the id before the last dot; its
 * text, level and origin come from spec/wire.md. Ids must be unique, or yotonspec does not start.
 *
 * Rules: no sleeping. Wait for what should happen (every expect_… waits up to `patience`), and
 * prove with barrier() that something did not happen. Only where the requirement itself speaks of
 * time use next_item() with a time, run_for() and the times in items; allow slack(t) for a busy
 * machine. In the host role the peer binds and the harness dials; in the client role the other way
 * round. */
/* clang-format on */
#ifndef YOTONSPEC_CASE_H
#define YOTONSPEC_CASE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define LIKE_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define LIKE_PRINTF(text, first)
#endif

typedef struct tester tester; /* one run of one case */

/* ---- Registration ---- */

enum { ROLE_HOST = 1, ROLE_CLIENT = 2, ROLES_BOTH = 3 }; /* what the peer does: bind, connect */

struct test_case {
    const char *id;         /* set by CASE */
    void (*run)(tester *t); /* set by CASE */
    unsigned roles;         /* the roles of the peer that make sense; required */
    const char *title;      /* a few words, lower case; required */
    const char *about;      /* one to three sentences: what the case does and expects; required */
    const char *needs; /* adapter ops and capabilities it uses besides bind and connect, by blanks
                          ("open send recv status bin host client"); NULL: no adapter at all, so
                          that the case runs with --address too (it then may only use the wire) */
    double takes;      /* seconds it takes at a good peer, if over 1; over 2 makes it --slow */
    bool timed;        /* it judges times, or waits for them; so does what `takes` over 1 s */
};

/* Defines the case TOPIC-NUMBER.PART; the fields follow as designated initialisers, then the body,
 * in which `t` is the tester. A case that is in no table is a compiler error. */
#define CASE(topic, number, part, ...)                                                             \
    static void run_##topic##_##number##_##part(tester *t);                                        \
    static const struct test_case topic##_##number##_##part = {                                    \
        .id = #topic "-" #number "." #part, .run = run_##topic##_##number##_##part, __VA_ARGS__};  \
    static void run_##topic##_##number##_##part(tester *t)

/* ---- The case and its peer ---- */

unsigned role(const tester *t); /* ROLE_HOST or ROLE_CLIENT, the role judged in this run */
bool has(const tester *t, const char *capability); /* does the adapter say it has this? */
uint64_t peer_id(const tester *t); /* the peer's context id: from the adapter, else from its line */
uint64_t random_number(tester *t); /* never 0; follows from --seed, case and role */

/* ---- Ends: the connections the harness plays ---- */

typedef struct end {
    tester *t;
    unsigned number;    /* 1, 2, … as in the report */
    unsigned peer_role; /* what the peer is on this connection */
    uint64_t id;        /* context id this end announces; a case may set it before shake_hands */
    uint64_t pid;       /* process id it announces */
    uint64_t seq;       /* last source_seq used by message() for `id` */
    uint64_t peer_id;   /* as the peer's line says; 0 before */
    uint64_t peer_pid;
    const char *connection; /* the adapter's name for this connection; NULL before it is known */
    int connecting;         /* the adapter request that connects here, 0 if none */
    uint16_t port;          /* where the listening side listened */
    struct socket_state *s; /* private */
} end;

/* TCP connection and whole handshake, in the role judged or the one given; may be called again and
 * again, then each time with a bind or connect of its own. Waits for the answer to connect. */
end *establish(tester *t);
end *establish_as(tester *t, unsigned peer_role);

/* The TCP connection alone, nothing sent; then the rest of the handshake, with e->id and e->pid. */
end *meet(tester *t);
end *meet_as(tester *t, unsigned peer_role);
void shake_hands(end *e);

/* The steps one by one. peer_bind asks for a free port when port is 0, and returns the port;
 * *connection (may be NULL) receives the adapter's name. dial fails the case when it is refused,
 * try_dial returns NULL then. In the client role: listen, ask the peer to connect (the request is
 * answered when the handshake is over), accept. accept_peer returns NULL when nobody came. */
uint16_t peer_bind(tester *t, uint16_t port, const char **connection);
end *dial(tester *t, uint16_t port);
end *try_dial(tester *t, uint16_t port);
uint16_t harness_listen(tester *t);
bool harness_listen_at(tester *t, uint16_t port); /* false when the port is taken */
void harness_unlisten(tester *t, uint16_t port);
/* A port that nobody gets, and that refuses connections until harness_listen_held. */
uint16_t harness_hold(tester *t);
void harness_listen_held(tester *t);
/* A port with a free one behind it, listened at or just free: a peer that binds behind the port it
 * is asked for shall be seen to do that, whatever else has ports on this machine. */
uint16_t harness_listen_before_free(tester *t);
uint16_t port_before_free(tester *t);
int peer_connect(tester *t, uint16_t port, double timeout);
end *accept_peer(tester *t, uint16_t port, double seconds);
end *expect_accept(tester *t, uint16_t port); /* fails when nobody comes */
void await_connected(end *e);                 /* the adapter says yes to the connect that made e */

/* ---- Packages ---- */

/* For sending and for comparing. `length` goes into the header as it is; `size` bytes follow. */
typedef struct package {
    uint64_t slot, source_id, source_seq, dest_id, dest_seq, length;
    const void *payload;
    size_t size;
} package;

/* A package of this end to everybody: source e->id, the next of e->seq, dest 0. The text is not
 * copied. Change fields as you like before sending. */
package message(end *e, uint64_t slot, const char *text);
package message_bytes(end *e, uint64_t slot, const void *payload, size_t size);
size_t package_bytes(const package *p,
                     uint8_t **bytes);   /* header and payload; memory of the case */
uint64_t slot_of(const char *full_name); /* "chat.txt.pub-sub" */

/* ---- Sending. Each call is one write, without delay. Waits until the system took it, and goes on
 * receiving meanwhile; fails when the peer takes nothing for `patience`. */

void send_text(end *e, const char *format, ...) LIKE_PRINTF(2, 3); /* put \r\n in yourself */
void send_hello(end *e);                       /* the line of e->id and e->pid */
void send_hello_and(end *e, const package *p); /* the line and a package behind it, in one write */
void send_bytes(end *e, const void *bytes, size_t size,
                const char *what); /* what: for the report */
void send_package(end *e, const package *p);
void send_package_in_pieces(end *e, const package *p, size_t piece);
void send_header(end *e, const package *p); /* the 56 bytes only */
void send_heartbeat(end *e);
void send_close(end *e); /* the close signal */
void send_signal(end *e, uint64_t source_seq);
bool offer_bytes(end *e, const void *bytes, size_t size, const char *what, double seconds);
/* as send_bytes, but returns false when not all was taken in time */
void end_shutdown(end *e);             /* end of stream, still receiving */
void end_close(end *e);                /* close the socket; nothing can be received from then on */
void end_reset(end *e);                /* RST */
void end_hold(end *e, bool on);        /* stop taking bytes from the peer; off: go on */
bool end_begins_to_fill(const end *e); /* a held end: a message is on its way into it */
void end_keep_alive(end *e, bool on);  /* a heartbeat every 0.2 s while the harness waits */
void set_receive_buffer(tester *t,
                        int bytes); /* SO_RCVBUF of ends made later, to make end_hold bite */

/* ---- Receiving ---- */

typedef enum item_kind {
    ITEM_LINE,      /* before the handshake is over: text up to CRLF; payload without it */
    ITEM_TEXT,      /* before the handshake is over: bytes without CRLF, then the stream ended */
    ITEM_PACKAGE,   /* header and payload */
    ITEM_HEARTBEAT, /* signals: header only */
    ITEM_CLOSE,
    ITEM_SIGNAL, /* a signal that is neither */
    ITEM_CUT,    /* part of a package, then the stream ended */
    ITEM_END,    /* end of stream */
    ITEM_RESET   /* the connection was reset */
} item_kind;

typedef struct item {
    item_kind kind;
    package p;          /* PACKAGE and signals; payload and size also of LINE, TEXT and CUT */
    const uint8_t *raw; /* the bytes as they came */
    size_t raw_size;
    double first, last; /* now() when its first and its last byte were read */
    size_t entry;       /* its place in the transcript */
} item;

/* The next thing that came on e, or NULL when nothing more came within the seconds. ITEM_END and
 * ITEM_RESET are given again and again. Wrong control bytes fail the case, whatever it judges. */
const item *next_item(end *e, double seconds);
/* The same without heartbeats and without the peer's own NEW_CONNECTION packages. */
const item *next_event(end *e, double seconds);
bool judge_line(end *e, const item *line); /* is it good? then peer_id and peer_pid are set */
void receive_packages(end *e); /* what follows is packages, not lines; shake_hands does this */

/* Each waits up to `patience`, skips heartbeats and NEW_CONNECTION, and fails on anything else. */
void expect_line(end *e, const char *text); /* exactly this, and CRLF */
void expect_hello(end *e);                  /* a good line; fills peer_id and peer_pid */
enum {
    SLOT = 1,
    SOURCE_ID = 2,
    SOURCE_SEQ = 4,
    DEST_ID = 8,
    DEST_SEQ = 16,
    LENGTH = 32,
    PAYLOAD = 64,
    EVERYTHING = 127
};
const item *expect_package(end *e, const package *want,
                           unsigned fields); /* compares these fields */
void expect_close(end *e);                   /* the close signal */
void expect_eof(end *e);                     /* an orderly end of stream; a reset fails */
void expect_closed(end *e);                  /* end of stream or reset */
void expect_nothing(end *e);                 /* after barrier(): nothing (else) came before it */
void expect_silence(end *e, double seconds); /* takes the whole time; heartbeats are silence */
void drain(end *e);                          /* discard everything up to the end of the stream */

/* Compares an item with what it should be, field by field, as expect_package does. */
void compare(end *e, const item *got, const package *want, unsigned fields);

/* Proves that the peer has processed everything sent on every end that is connected, and that all
 * it sent because of it is here: sends a marker on each end, waits until the adapter received them
 * all, has it publish a marker, and reads each end up to that. The markers never show up anywhere;
 * what came before them waits in the ends: take it by expect_package, then expect_nothing.
 * Needs "open send recv bin". Markers come from sources of their own, so that source_seq of the
 * ends' ids is the case's alone. Fails when a connection was closed: leave out such ends by
 * end_close(), or use expect_closed() instead. */
void barrier(tester *t);

/* ---- The adapter ---- */

/* Requests: the fields are in the form of json_pack: "{s:s, s:f}", NULL for none. ask returns the
 * id of the request at once; await_reply waits for its answer, good or bad, and fails when there is
 * none within the seconds. call waits and insists on "ok"; try_call takes refusals too. An answer
 * `unsupported` ends the case as unsupported, everywhere. Replies belong to the case. */
int ask(tester *t, const char *op, const char *fields, ...);
json_t *await_reply(tester *t, int request, double seconds);
bool answered(tester *t, int request); /* without waiting */
json_t *call(tester *t, const char *op, const char *fields, ...);
json_t *try_call(tester *t, const char *op, const char *fields, ...);
bool reply_ok(const json_t *reply);
const char *reply_code(const json_t *reply);                           /* "" when ok */
void expect_refused(tester *t, const json_t *reply, const char *what); /* fails when it is ok */

/* Events. connection may be NULL for any. await_event fails when it does not come within the
 * seconds; events are found in order, each once. count_events counts all that came so far. */
json_t *await_event(tester *t, const char *event, const char *connection, double seconds);
json_t *find_event(tester *t, const char *event, const char *connection); /* NULL if none so far */
unsigned count_events(tester *t, const char *event, const char *connection);
double event_time(const json_t *event); /* when the harness read it, by now() */
const char *state_of(end *e);           /* state of e's connection at the peer, by `status` */

typedef struct channel {
    tester *t;
    const char *name, *type;
    uint64_t slot_out, slot_in; /* hashes, as the adapter says */
} channel;

channel *open_channel(tester *t, const char *kind, const char *slot, const char *type);
channel *open_pub(tester *t, const char *slot, const char *type);
channel *open_sub(tester *t, const char *slot, const char *type);
void publish(channel *c, const char *text);                     /* txt; waits until send returns */
void publish_bytes(channel *c, const void *bytes, size_t size); /* bin */
void expect_received(channel *c, const char *text);             /* txt; the next message */
void expect_received_bytes(channel *c, const void *bytes, size_t size); /* bin */
void expect_no_message(channel *c); /* nothing is there now; prove by barrier() that it could be */

/* ---- Verdicts ---- */

/* All of these end the case, but check and note. A failure at SHOULD or MAY becomes a warning. */
_Noreturn void fail(tester *t, const char *format, ...) LIKE_PRINTF(2, 3);
/* The byte at `offset` of the item's bytes (raw) is the first wrong one, in the field named. */
_Noreturn void fail_at(end *e, const item *got, size_t offset, const char *field,
                       const char *expected, const char *was);
_Noreturn void unsupported(tester *t, const char *format, ...) LIKE_PRINTF(2, 3);
_Noreturn void skip(tester *t, const char *format, ...) LIKE_PRINTF(2, 3);
void check(tester *t, bool good, const char *format, ...) LIKE_PRINTF(3, 4); /* fails unless good */
void note(tester *t, const char *format, ...) LIKE_PRINTF(2, 3); /* a line in the transcript */

/* ---- Time, in seconds ---- */

double now(void);                             /* monotonic */
double patience(const tester *t);             /* how long an expectation waits: 3 s, scaled */
void set_patience(tester *t, double seconds); /* scaled by the engine */
double slack(const tester *t);                /* what a busy machine may be late: 0.1 s, scaled */
void run_for(tester *t, double seconds); /* go on receiving for so long; for requirements on time */

/* When bytes were read from e: every read since the connection stood, in order. */
typedef struct arrival {
    double when;
    size_t size;
} arrival;
const arrival *arrivals(const end *e, size_t *count);

#endif
