/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of contexts share: waiting for events with a deadline, and a peer made of a bare
 * socket that shows what really goes over the wire. */
#ifndef YOTON_TESTS_CONTEXT_RIG_H
#define YOTON_TESTS_CONTEXT_RIG_H

#include "support.h"

#include <stdbool.h>
#include <uv.h>

#include "yoton/yoton.h"

/* How long anything may take that is to happen; never waited for when it happens. */
#define DEADLINE 20.0

#define RAW_ID UINT64_C(0x00000000c0ffee01)

/* ---- What callbacks tell ---- */

typedef struct watch {
    uv_mutex_t lock;
    uv_cond_t changed;
    int closed;
    char reason[YOTON_REASON_ROOM];
    int began; /* time-outs */
    int ended;
    int received;
} watch;

void watch_init(watch *w);
void watch_done(watch *w);
void watch_connection(watch *w, yoton_connection *connection);
void watch_channel(watch *w, yoton_channel *channel);
/* Purpose: wait until a counter has reached `count`; fails the test at the deadline. */
void watch_wait(watch *w, const int *counter, int count);

/* ---- Contexts ---- */

yoton_context *context_make(const yoton_options *options);
/* Purpose: bind to a free port of 127.0.0.1. */
yoton_connection *bind_free(yoton_context *context, uint16_t *port);
/* Purpose: "127.0.0.1:PORT", in memory that the next call reuses. */
const char *address_of(uint16_t port);
yoton_connection *connect_to(yoton_context *context, uint16_t port);
/* Purpose: wait until the connection is in that state; fails the test at the deadline. */
void wait_state(yoton_connection *connection, yoton_connection_state state);
yoton_channel *open_channel(yoton_context *context, yoton_channel_kind kind, const char *base,
                            yoton_message_type type);
void send_text(yoton_channel *channel, const char *text);
/* Purpose: receive one text and compare it. Returns its recv_seq. */
uint64_t expect_text(yoton_channel *channel, const char *text);
/* Purpose: check an error code, and that the words for it hold `words`. */
void expect_error(int error, int expected, const char *words);
double now_seconds(void);
int open_descriptors(void);

/* ---- A peer made of a bare socket; everything fails the test at the deadline ---- */

int raw_connect(uint16_t port);
void raw_connect_by(int fd, uint16_t port);
/* Purpose: listen at a port (0: any free one). Returns -1 when that is not possible. */
int raw_listen(uint16_t port, uint16_t *got);
int raw_accept(int listener);
void raw_send(int fd, const void *data, size_t size);
void raw_send_text(int fd, const char *text);
/* Purpose: read exactly that much. */
void raw_read(int fd, void *data, size_t size);
/* Purpose: the line up to CRLF, which is left out. */
void raw_line(int fd, char *line, size_t room);
/* Purpose: 1 when the stream ends, 0 when a byte comes first. */
int raw_at_end(int fd);
/* Purpose: shake hands as the client with RAW_ID, or with `id`. Returns the socket. */
int raw_join(uint16_t port);
int raw_join_as(uint16_t port, uint64_t id);
void raw_package(int fd, const yoton_header *header, const void *payload);
/* Purpose: a package for everybody on a slot. */
void raw_publish(int fd, uint64_t source, uint64_t seq, uint64_t slot, const char *text);
void raw_signal(int fd, uint64_t signal);
/* Purpose: the next package that is no heartbeat; a close signal comes as a header of length 0.
 * At most `room` bytes of payload are kept. Returns 1, or 0 at the end of the stream. */
int raw_next(int fd, yoton_header *header, void *payload, size_t room);
/* Purpose: the next package must have this payload. Returns its source_seq. */
uint64_t raw_expect(int fd, const char *payload);
/* Purpose: the slot on which a pub channel of type txt sends. */
uint64_t pub_slot(const char *base);

/* ---- A context that hosts, and a bare socket that has joined it ---- */

typedef struct bench {
    yoton_context *context;
    yoton_connection *connection;
    uint16_t port;
    int peer;
    uint64_t seq; /* of what the peer has published */
    watch w;
} bench;

/* Purpose: host, and wait for a peer / have the peer join, too. */
void bench_wait(bench *b, const yoton_options *options);
void bench_join(bench *b, const yoton_options *options);
void bench_close(bench *b);

#endif
