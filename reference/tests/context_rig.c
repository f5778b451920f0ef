/* SPDX-License-Identifier: BSD-2-Clause */
#include "context_rig.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "yoton/names.h"

/* ---- What callbacks tell ---- */

void watch_init(watch *w) {
    memset(w, 0, sizeof *w);
    assert_int_equal(uv_mutex_init(&w->lock), 0);
    assert_int_equal(uv_cond_init(&w->changed), 0);
}

void watch_done(watch *w) {
    uv_cond_destroy(&w->changed);
    uv_mutex_destroy(&w->lock);
}

static void count(watch *w, int *counter) {
    ++*counter;
    uv_cond_broadcast(&w->changed);
    uv_mutex_unlock(&w->lock);
}

static void on_closed(yoton_connection *connection, const char *reason, void *user) {
    watch *w = user;
    (void)connection;
    uv_mutex_lock(&w->lock);
    snprintf(w->reason, sizeof w->reason, "%s", reason);
    count(w, &w->closed);
}

static void on_timedout(yoton_connection *connection, int value, void *user) {
    watch *w = user;
    (void)connection;
    uv_mutex_lock(&w->lock);
    count(w, value ? &w->began : &w->ended);
}

static void on_received(yoton_channel *channel, void *user) {
    watch *w = user;
    (void)channel;
    uv_mutex_lock(&w->lock);
    count(w, &w->received);
}

void watch_connection(watch *w, yoton_connection *connection) {
    yoton_connection_on_closed(connection, on_closed, w);
    yoton_connection_on_timedout(connection, on_timedout, w);
}

void watch_channel(watch *w, yoton_channel *channel) {
    yoton_channel_on_received(channel, on_received, w);
}

void watch_wait(watch *w, const int *counter, int wanted) {
    double end = now_seconds() + DEADLINE;
    uv_mutex_lock(&w->lock);
    while (*counter < wanted && now_seconds() < end)
        uv_cond_timedwait(&w->changed, &w->lock, UINT64_C(1000000000));
    int reached = *counter;
    uv_mutex_unlock(&w->lock);
    assert_true(reached >= wanted);
}

/* ---- Contexts ---- */

double now_seconds(void) { return (double)uv_hrtime() / 1e9; }

yoton_context *context_make(const yoton_options *options) {
    yoton_context *context;
    assert_int_equal(yoton_context_new(options, &context), YOTON_OK);
    return context;
}

const char *address_of(uint16_t port) {
    static _Thread_local char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    return address;
}

yoton_connection *bind_free(yoton_context *context, uint16_t *port) {
    yoton_connection *connection;
    yoton_connection_info info;
    assert_int_equal(yoton_context_bind(context, "127.0.0.1:0", 1, NULL, &connection), YOTON_OK);
    yoton_connection_get_info(connection, &info);
    *port = info.port1;
    return connection;
}

yoton_connection *connect_to(yoton_context *context, uint16_t port) {
    yoton_connection *connection;
    int error = yoton_context_connect(context, address_of(port), DEADLINE, NULL, &connection);
    if (error != YOTON_OK)
        fail_msg("%s", yoton_error_text());
    return connection;
}

/* There is no callback for coming to be connected: look again until the deadline. */
void wait_state(yoton_connection *connection, yoton_connection_state state) {
    double end = now_seconds() + DEADLINE;
    yoton_connection_info info;
    do {
        yoton_connection_get_info(connection, &info);
        poll(NULL, 0, info.state == state ? 0 : 1);
    } while (info.state != state && now_seconds() < end);
    assert_string_equal(yoton_connection_state_text(info.state),
                        yoton_connection_state_text(state));
}

yoton_channel *open_channel(yoton_context *context, yoton_channel_kind kind, const char *base,
                            yoton_message_type type) {
    yoton_channel *channel;
    assert_int_equal(yoton_channel_open(context, kind, base, strlen(base), type, &channel),
                     YOTON_OK);
    return channel;
}

void send_text(yoton_channel *channel, const char *text) {
    assert_int_equal(yoton_send_text(channel, text, strlen(text)), YOTON_OK);
}

uint64_t expect_text(yoton_channel *channel, const char *text) {
    yoton_message message;
    assert_int_equal(yoton_recv(channel, DEADLINE, &message), YOTON_OK);
    assert_int_equal(message.size, strlen(text));
    assert_memory_equal(message.data, text, message.size);
    uint64_t recv_seq = message.recv_seq;
    yoton_message_clear(&message);
    return recv_seq;
}

int open_descriptors(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        closedir(folder);
    return count;
}

void expect_error(int error, int expected, const char *words) {
    if (error != expected || strstr(yoton_error_text(), words) == NULL)
        fail_msg("expected %s and \"%s\", got %s: %s", yoton_strerror(expected), words,
                 yoton_strerror(error), yoton_error_text());
}

/* ---- A peer made of a bare socket ---- */

static void wait_for(int fd, short events) {
    struct pollfd wanted = {.fd = fd, .events = events};
    int ready;
    do {
        ready = poll(&wanted, 1, (int)(DEADLINE * 1000));
    } while (ready < 0 && errno == EINTR);
    assert_int_equal(ready, 1);
}

static struct sockaddr_in local(uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

void raw_connect_by(int fd, uint16_t port) {
    struct sockaddr_in to = local(port);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
}

int raw_connect(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    raw_connect_by(fd, port);
    return fd;
}

int raw_listen(uint16_t port, uint16_t *got) {
    struct sockaddr_in at = local(port);
    socklen_t size = sizeof at;
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 8) != 0) {
        close(fd);
        return -1;
    }
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    if (got != NULL)
        *got = ntohs(at.sin_port);
    return fd;
}

int raw_accept(int listener) {
    wait_for(listener, POLLIN);
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    return fd;
}

void raw_send(int fd, const void *data, size_t size) {
    const char *at = data;
    while (size > 0) {
        wait_for(fd, POLLOUT);
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        assert_true(sent > 0 || errno == EAGAIN);
        if (sent > 0) {
            at += sent;
            size -= (size_t)sent;
        }
    }
}

void raw_send_text(int fd, const char *text) { raw_send(fd, text, strlen(text)); }

/* Returns how many bytes came before the end of the stream. */
static size_t read_up_to(int fd, void *data, size_t size) {
    size_t have = 0;
    while (have < size) {
        wait_for(fd, POLLIN);
        ssize_t got = recv(fd, (char *)data + have, size - have, 0);
        if (got <= 0)
            break;
        have += (size_t)got;
    }
    return have;
}

void raw_read(int fd, void *data, size_t size) {
    assert_int_equal(read_up_to(fd, data, size), size);
}

void raw_line(int fd, char *line, size_t room) {
    size_t size = 0;
    do {
        assert_true(size + 1 < room);
        raw_read(fd, line + size, 1);
        size++;
    } while (size < 2 || memcmp(line + size - 2, "\r\n", 2) != 0);
    line[size - 2] = '\0';
}

int raw_at_end(int fd) {
    char byte;
    return read_up_to(fd, &byte, 1) == 0;
}

int raw_join_as(uint16_t port, uint64_t id) {
    char line[64];
    int fd = raw_connect(port);
    snprintf(line, sizeof line, "YOTON!%016" PRIx64 ".77\r\n", id);
    raw_send_text(fd, line);
    raw_line(fd, line, sizeof line);
    assert_memory_equal(line, "YOTON!", 6);
    return fd;
}

int raw_join(uint16_t port) { return raw_join_as(port, RAW_ID); }

void raw_package(int fd, const yoton_header *header, const void *payload) {
    uint8_t bytes[YOTON_HEADER_SIZE];
    yoton_header_encode(header, bytes);
    raw_send(fd, bytes, sizeof bytes);
    raw_send(fd, payload, header->length);
}

void raw_publish(int fd, uint64_t source, uint64_t seq, uint64_t slot, const char *text) {
    const yoton_header header = {
        .slot = slot, .source_id = source, .source_seq = seq, .length = strlen(text)};
    raw_package(fd, &header, text);
}

void raw_signal(int fd, uint64_t signal) {
    const yoton_header header = {.slot = YOTON_SLOT_CONNECTION, .source_seq = signal};
    raw_package(fd, &header, "");
}

static int read_header(int fd, yoton_header *header) {
    uint8_t bytes[YOTON_HEADER_SIZE];
    size_t size = read_up_to(fd, bytes, sizeof bytes);
    if (size == 0)
        return 0;
    assert_int_equal(size, sizeof bytes);
    assert_int_equal(yoton_header_decode(header, bytes, NULL), YOTON_OK);
    return 1;
}

int raw_next(int fd, yoton_header *header, void *payload, size_t room) {
    do {
        if (!read_header(fd, header))
            return 0;
    } while (header->length == 0 && header->source_seq == YOTON_SIGNAL_HEARTBEAT);
    size_t kept = header->length < room ? header->length : room;
    raw_read(fd, payload, kept);
    for (uint64_t left = header->length - kept; left > 0;) {
        char skipped[4096];
        size_t size = left < sizeof skipped ? left : sizeof skipped;
        raw_read(fd, skipped, size);
        left -= size;
    }
    return 1;
}

uint64_t raw_expect(int fd, const char *payload) {
    yoton_header header;
    char text[256];
    assert_int_equal(raw_next(fd, &header, text, sizeof text), 1);
    assert_int_equal(header.length, strlen(payload));
    assert_memory_equal(text, payload, header.length);
    return header.source_seq;
}

uint64_t pub_slot(const char *base) {
    char name[128];
    uint64_t slot;
    snprintf(name, sizeof name, "%s.txt.pub-sub", base);
    assert_int_equal(yoton_slot_hash(name, strlen(name), &slot), YOTON_OK);
    return slot;
}

/* ---- A context that hosts, and a bare socket that has joined it ---- */

void bench_wait(bench *b, const yoton_options *options) {
    b->context = context_make(options);
    b->connection = bind_free(b->context, &b->port);
    watch_init(&b->w);
    watch_connection(&b->w, b->connection);
    b->peer = -1;
    b->seq = 0;
}

void bench_join(bench *b, const yoton_options *options) {
    bench_wait(b, options);
    b->peer = raw_join(b->port);
    wait_state(b->connection, YOTON_HOSTING);
}

void bench_close(bench *b) {
    if (b->peer >= 0)
        close(b->peer);
    yoton_connection_unref(b->connection);
    yoton_context_free(b->context);
    watch_done(&b->w);
}
