/* SPDX-License-Identifier: BSD-2-Clause */
/* The sockets the harness plays: in the loop, and sending. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/tester.h"
#include "yoton/frame.h"
#include "yoton/handshake.h"
#include "yoton/names.h"

static const double KEEP_ALIVE = 0.2;
static const double NEVER = 1e300;
enum {
    READ_ROUND = 64,        /* reads of 64 KiB in one round of the loop */
    FLOOD_LIMIT = 256 << 20 /* bytes a peer may send on all connections of one case */
};

end *end_new(tester *t, int fd, unsigned peer_role, uint16_t port) {
    end *e = room(sizeof *e);
    e->s = room(sizeof *e->s);
    e->s->fd = fd;
    e->t = t;
    e->peer_role = peer_role;
    e->port = port;
    e->id = random_number(t);
    e->pid = random_number(t) % 99999 + 1;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    t->ends = more_room(t->ends, (t->end_count + 1) * sizeof *t->ends);
    t->ends[t->end_count++] = e;
    e->number = (unsigned)t->end_count;
    char *what = text_of("TCP connection, the peer %s, port %u",
                         peer_role == ROLE_HOST ? "listened" : "connected", (unsigned)port);
    record_end(e, now(), NOTE, what, NULL, 0);
    free(what);
    return e;
}

size_t record_end(const end *e, double when, direction direction, const char *what,
                  const void *bytes, size_t size) {
    char who[24];
    snprintf(who, sizeof who, "end %u", e->number);
    return transcript_add(&e->t->transcript, when, who, direction, what, bytes, size);
}

/* ---- In the loop ---- */

size_t end_poll(end *e, struct pollfd *list) {
    const struct socket_state *s = e->s;
    short events = 0;
    if (!s->held && !s->ended && !s->reset)
        events |= POLLIN;
    if (s->to.size > 0)
        events |= POLLOUT;
    list[0] = (struct pollfd){.fd = events ? s->fd : -1, .events = events};
    return 1;
}

static void note_arrival(struct socket_state *s, size_t size) {
    if (s->arrival_count == s->arrival_room) {
        s->arrival_room = s->arrival_room ? s->arrival_room * 2 : 64;
        s->arrivals = more_room(s->arrivals, s->arrival_room * sizeof *s->arrivals);
    }
    s->arrivals[s->arrival_count++] = (arrival){.when = now(), .size = size};
}

static void read_end(end *e) {
    struct socket_state *s = e->s;
    uint8_t bytes[65536];
    for (int round = 0; round < READ_ROUND && !s->held; round++) {
        ssize_t size = recv(s->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (size < 0) {
            s->reset = true;
            return;
        }
        if (size == 0) {
            s->ended = true;
            return;
        }
        e->t->taken += (uint64_t)size;
        if (e->t->taken > FLOOD_LIMIT && !e->t->finishing)
            peer_failed(e->t, "flooded", "end %u: the peer floods: over %d MiB came in one case",
                        e->number, FLOOD_LIMIT >> 20);
        note_arrival(s, (size_t)size);
        buffer_add(&s->from, bytes, (size_t)size);
    }
}

static void write_end(end *e) {
    struct socket_state *s = e->s;
    while (s->to.size > 0) {
        ssize_t size = send(s->fd, buffer_data(&s->to), s->to.size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (size < 0) {
            bool reset =
                errno == ECONNRESET; /* told once only; what came before can still be read */
            s->to.size = 0;
            s->gone = true;
            if (reset && !s->held)
                read_end(e);
            s->reset = s->reset || reset;
            return;
        }
        buffer_take(&s->to, (size_t)size);
    }
}

void end_ready(end *e, short events) {
    if (events & (POLLOUT | POLLERR) && e->s->to.size > 0)
        write_end(e);
    if (events & (POLLIN | POLLHUP | POLLERR) && !e->s->held && !e->s->ended && !e->s->reset)
        read_end(e);
}

double end_wakes(const end *e) {
    return e->s->alive && e->s->fd >= 0 && e->s->packages ? e->s->next_heartbeat : NEVER;
}

void end_tick(end *e) {
    if (now() < end_wakes(e))
        return;
    e->s->next_heartbeat = now() + KEEP_ALIVE;
    if (e->s->to.size > 0 || e->s->shut || e->s->gone)
        return;
    package p = {.slot = YOTON_SLOT_CONNECTION};
    uint8_t *bytes;
    size_t size = package_bytes(&p, &bytes);
    record_end(e, now(), SENT, "heartbeat, to keep alive", bytes, size);
    buffer_add(&e->s->to, bytes, size);
    write_end(e);
    free(bytes);
}

/* ---- Building ---- */

static void header_bytes(const package *p, uint8_t out[YOTON_HEADER_SIZE]) {
    yoton_header h = {.slot = p->slot,
                      .source_id = p->source_id,
                      .source_seq = p->source_seq,
                      .dest_id = p->dest_id,
                      .dest_seq = p->dest_seq,
                      .length = p->length};
    yoton_header_encode(&h, out);
}

size_t package_bytes(const package *p, uint8_t **bytes) {
    *bytes = room(YOTON_HEADER_SIZE + p->size);
    header_bytes(p, *bytes);
    if (p->size > 0)
        memcpy(*bytes + YOTON_HEADER_SIZE, p->payload, p->size);
    return YOTON_HEADER_SIZE + p->size;
}

package message_bytes(end *e, uint64_t slot, const void *payload, size_t size) {
    return (package){.slot = slot,
                     .source_id = e->id,
                     .source_seq = ++e->seq,
                     .length = size,
                     .payload = payload,
                     .size = size};
}

package message(end *e, uint64_t slot, const char *text) {
    return message_bytes(e, slot, text, strlen(text));
}

uint64_t slot_of(const char *full_name) {
    uint64_t slot = 0;
    if (yoton_slot_hash(full_name, strlen(full_name), &slot) != YOTON_OK) {
        fprintf(stderr, "yotonspec: error: slot name %s cannot be hashed\n", full_name);
        _exit(EXIT_HARNESS);
    }
    return slot;
}

/* ---- Sending ---- */

static bool push(end *e, const void *bytes, size_t size, double seconds) {
    struct socket_state *s = e->s;
    if (s->fd < 0 || s->shut)
        harness_failed(e->t, "the case sends on end %u, which it has closed", e->number);
    buffer_add(&s->to, bytes, size);
    write_end(e);
    double until = now() + seconds;
    for (bool late = false; s->to.size > 0 && !late; pump(e->t, until))
        late = now() >= until;
    return s->to.size == 0;
}

static void push_all(end *e, const void *bytes, size_t size) {
    if (!push(e, bytes, size, e->t->patience))
        fail(e->t, "end %u: the peer takes nothing: %zu bytes were not sent within %.1f s",
             e->number, e->s->to.size, e->t->patience);
}

void send_bytes(end *e, const void *bytes, size_t size, const char *what) {
    record_end(e, now(), SENT, what, bytes, size);
    push_all(e, bytes, size);
}

bool offer_bytes(end *e, const void *bytes, size_t size, const char *what, double seconds) {
    record_end(e, now(), SENT, what, bytes, size);
    return push(e, bytes, size, seconds);
}

static char *quoted_line(const char *text) {
    size_t size = strcspn(text, "\r\n");
    const char *behind = strcmp(text + size, "\r\n") == 0 ? " CRLF" : "";
    char *line = shown(text, strlen(text) - (*behind ? 2 : 0));
    char *what = text_of("%s%s", line, behind);
    free(line);
    return what;
}

void send_text(end *e, const char *format, ...) {
    va_list list;
    va_start(list, format);
    char *text = text_of_list(format, list);
    va_end(list);
    char *what = quoted_line(text);
    send_bytes(e, text, strlen(text), what);
    free(what);
    free(text);
}

static size_t hello_text(const end *e, char line[YOTON_LINE_SIZE + 1]) {
    yoton_hello hello = {.id = e->id, .pid = e->pid};
    int size = yoton_handshake_encode(&hello, line, YOTON_LINE_SIZE);
    if (size < 0)
        harness_failed(e->t, "end %u has id 0; write such a line by send_text()", e->number);
    line[size] = '\0';
    return (size_t)size;
}

void send_hello(end *e) {
    char line[YOTON_LINE_SIZE + 1];
    hello_text(e, line);
    send_text(e, "%s", line);
}

static char *describe_package(const package *p) {
    item i = {.kind = p->length > 0        ? ITEM_PACKAGE
                      : p->source_seq == 0 ? ITEM_HEARTBEAT
                      : p->source_seq == 1 ? ITEM_CLOSE
                                           : ITEM_SIGNAL,
              .p = *p};
    return describe(&i);
}

void send_hello_and(end *e, const package *p) {
    char line[YOTON_LINE_SIZE + 1];
    size_t size = hello_text(e, line);
    uint8_t *package;
    size_t more = package_bytes(p, &package);
    struct buffer both = {0};
    buffer_add(&both, line, size);
    buffer_add(&both, package, more);
    char *first = quoted_line(line), *second = describe_package(p);
    char *what = text_of("%s, and in the same write: %s", first, second);
    send_bytes(e, both.bytes, both.size, what);
}

void send_package(end *e, const package *p) { send_package_in_pieces(e, p, SIZE_MAX); }

void send_package_in_pieces(end *e, const package *p, size_t piece) {
    uint8_t *bytes;
    size_t size = package_bytes(p, &bytes);
    char *what = describe_package(p);
    if (piece < size)
        what = text_of("%s, in pieces of %zu bytes", what, piece);
    record_end(e, now(), SENT, what, bytes, size);
    for (size_t at = 0; at < size;) {
        size_t next = size - at < piece ? size - at : piece;
        push_all(e, bytes + at, next);
        at += next;
    }
    free(bytes);
    free(what);
}

void send_header(end *e, const package *p) {
    uint8_t bytes[YOTON_HEADER_SIZE];
    header_bytes(p, bytes);
    char *whole = describe_package(p), *what = text_of("header only: %s", whole);
    send_bytes(e, bytes, sizeof bytes, what);
    free(whole);
    free(what);
}

void send_signal(end *e, uint64_t source_seq) {
    send_package(e, &(package){.slot = YOTON_SLOT_CONNECTION, .source_seq = source_seq});
}

void send_heartbeat(end *e) { send_signal(e, YOTON_SIGNAL_HEARTBEAT); }

void send_close(end *e) { send_signal(e, YOTON_SIGNAL_CLOSE); }

/* ---- Ending and holding ---- */

void end_shutdown(end *e) {
    record_end(e, now(), SENT, "end of stream", NULL, 0);
    shutdown(e->s->fd, SHUT_WR);
    e->s->shut = true;
}

static void close_socket(end *e, const char *what) {
    if (e->s->fd < 0)
        return;
    record_end(e, now(), SENT, what, NULL, 0);
    close(e->s->fd);
    e->s->fd = -1;
    e->s->to.size = 0;
    e->s->ended = true;
}

void end_close(end *e) { close_socket(e, "the socket is closed"); }

void end_reset(end *e) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (e->s->fd >= 0)
        setsockopt(e->s->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close_socket(e, "the connection is reset");
}

void end_hold(end *e, bool on) {
    if (e->s->held == on)
        return;
    record_end(e, now(), NOTE, on ? "takes nothing from now on" : "takes bytes again", NULL, 0);
    e->s->held = on;
}

bool end_begins_to_fill(const end *e) {
    char bytes[512]; /* more than the heartbeats that may have come before */
    return recv(e->s->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT) == (ssize_t)sizeof bytes;
}

void end_keep_alive(end *e, bool on) {
    e->s->alive = on;
    e->s->next_heartbeat = now();
}

const arrival *arrivals(const end *e, size_t *count) {
    *count = e->s->arrival_count;
    return e->s->arrivals;
}
