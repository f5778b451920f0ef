/* SPDX-License-Identifier: BSD-2-Clause */
/* How an end comes about: dialling, listening, shaking hands. */
#define _DEFAULT_SOURCE /* getentropy */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/tester.h"

static const double RETRY = 0.02; /* between two looks at something that gives no event */
static const double AGAIN = 5.0;  /* for a target without adapter to listen again */
static const double SETTLE = 0.1; /* for it to drop who came between two binds */

static int nonblocking(int fd) {
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
}

static void small_buffer(const tester *t, int fd) {
    if (t->receive_buffer > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &t->receive_buffer, sizeof t->receive_buffer);
}

/* ---- Dialling ---- */

/* A connected socket, or -1 with errno. */
static int connect_to(tester *t, const struct addrinfo *to) {
    int fd = nonblocking(socket(to->ai_family, SOCK_STREAM, 0));
    if (fd < 0)
        harness_failed(t, "socket: %s", strerror(errno));
    small_buffer(t, fd);
    int error = connect(fd, to->ai_addr, to->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
        struct pollfd one = {.fd = fd, .events = POLLOUT};
        socklen_t size = sizeof error;
        if (poll(&one, 1, (int)(t->patience * 1000)) != 1)
            error = ETIMEDOUT;
        else
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

static int dial_socket(tester *t, uint16_t port) {
    const char *host = t->peer->host ? t->peer->host : "127.0.0.1";
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    int error = getaddrinfo(host, service, &hints, &found);
    if (error != 0)
        peer_failed(t, "unreachable", "%s: %s", host, gai_strerror(error));
    int fd = -1;
    for (const struct addrinfo *to = found; to != NULL && fd < 0; to = to->ai_next)
        fd = connect_to(t, to);
    error = errno;
    freeaddrinfo(found);
    errno = error;
    return fd;
}

end *try_dial(tester *t, uint16_t port) {
    int fd = dial_socket(t, port);
    return fd < 0 ? NULL : end_new(t, fd, ROLE_HOST, port);
}

end *dial(tester *t, uint16_t port) {
    int fd = dial_socket(t, port);
    check(t, fd >= 0, "nobody accepts a connection at port %u: %s", (unsigned)port,
          strerror(errno));
    return end_new(t, fd, ROLE_HOST, port);
}

/* Whether a host keeps this connection. One that was taken into the backlog of a listening socket
 * just before that was closed, is reset at once (HS-30). */
static bool is_kept(const tester *t, int fd) {
    char byte;
    struct pollfd events = {.fd = fd, .events = POLLIN};
    if (poll(&events, 1, (int)(SETTLE * 1000 * t->scale)) <= 0)
        return true;
    return recv(fd, &byte, 1, MSG_PEEK) > 0;
}

/* A target without adapter binds again after each peer; that may take it a moment. */
static end *dial_target(tester *t) {
    double until = now() + AGAIN * t->scale;
    for (;;) {
        int fd = dial_socket(t, t->peer->port);
        if (fd >= 0 && is_kept(t, fd))
            return end_new(t, fd, ROLE_HOST, t->peer->port);
        if (fd >= 0)
            close(fd);
        if (now() > until)
            skip(t, "nobody listens at %s: %s; a target for --address binds again after each peer",
                 t->peer->address, strerror(errno));
        pump(t, now() + RETRY);
    }
}

/* ---- Having the peer bind ---- */

/* A socket bound to the port, or to a free one; -1 with errno when that is taken. *port receives
 * it.
 */
static int bound_socket(const tester *t, uint16_t *port, int shared) {
    struct sockaddr_in here = {.sin_family = AF_INET,
                               .sin_port = htons(*port),
                               .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof here;
    int fd = nonblocking(socket(AF_INET, SOCK_STREAM, 0));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &shared, sizeof shared);
    small_buffer(t, fd);
    if (bind(fd, (struct sockaddr *)&here, size) == 0 &&
        getsockname(fd, (struct sockaddr *)&here, &size) == 0) {
        *port = ntohs(here.sin_port);
        return fd;
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Ports that the system gives to nobody who asks for any: so none of the connections and listeners
 * of other cases, or of whatever else runs here, comes to have a port that a case relies on. */
static unsigned quiet_ports(unsigned *first) {
    enum { LOWEST = 10000, ENOUGH = 2000, LAST = 65535 };
    unsigned low = 32768, high = 60999;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
    if (file != NULL && fscanf(file, "%u %u", &low, &high) != 2)
        low = high = 0;
    if (file != NULL)
        fclose(file);
    if (low >= LOWEST + ENOUGH) {
        *first = LOWEST;
        return low - LOWEST;
    }
    *first = high + 1;
    return high + ENOUGH <= LAST ? LAST - high : 0;
}

static bool is_free(const tester *t, uint16_t port) {
    int fd = bound_socket(t, &port, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* One that is free, as the ones behind it are; any port where there are no quiet ones. */
static uint16_t free_port(tester *t, unsigned together) {
    enum { TRIES = 1000 };
    unsigned first, count = quiet_ports(&first);
    for (int i = 0; i < TRIES; i++) {
        uint16_t port = 0, chance = 0;
        if (count == 0) {
            int fd = bound_socket(t, &port, 0);
            if (fd >= 0)
                close(fd);
        } else if (getentropy(&chance, sizeof chance) ==
                   0) { /* not by the seed: runs may share it */
            port = (uint16_t)(first + chance % (count - together));
        }
        unsigned good = 0;
        while (port != 0 && good < together && is_free(t, (uint16_t)(port + good)))
            good++;
        if (good == together)
            return port;
    }
    harness_failed(t, "no free port");
}

static json_t *ask_bind(tester *t, uint16_t port) {
    char *address = text_of("127.0.0.1:%u", (unsigned)port);
    json_t *reply = try_call(t, "bind", "{s:s}", "address", address);
    free(address);
    return reply;
}

uint16_t peer_bind(tester *t, uint16_t port, const char **connection) {
    bool choose = port == 0;
    json_t *reply = NULL;
    for (int tries = choose ? 5 : 1; tries > 0 && !reply_ok(reply); tries--)
        reply = ask_bind(t, choose ? free_port(t, 2) : port);
    if (!reply_ok(reply))
        fail(t, "`bind` failed (%s): %s", reply_code(reply), json_get_text(reply, "error"));
    if (connection != NULL)
        *connection = json_get_text(reply, "connection");
    json_int_t bound = json_integer_value(json_object_get(reply, "port"));
    check(t, bound > 0 && bound < 65536, "`bind` answered port %lld", (long long)bound);
    return (uint16_t)bound;
}

/* ---- Having the peer connect ---- */

/* Port 0 means any; returns the port, or 0 with errno. */
/* Takes the socket over. */
static bool start_listening(tester *t, int fd, uint16_t port) {
    if (listen(fd, 16) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return false;
    }
    t->listeners = more_room(t->listeners, (t->listener_count + 1) * sizeof *t->listeners);
    t->listeners[t->listener_count++] = (struct listener){fd, port};
    note(t, "listening at port %u", (unsigned)port);
    return true;
}

static uint16_t listen_at(tester *t, uint16_t port) {
    int fd = bound_socket(t, &port, 1);
    return fd >= 0 && start_listening(t, fd, port) ? port : 0;
}

uint16_t harness_hold(tester *t) {
    uint16_t port = 0;
    int fd = bound_socket(t, &port, 0);
    if (fd < 0)
        harness_failed(t, "no free port: %s", strerror(errno));
    t->held = (struct listener){fd, port};
    note(t, "port %u is held, and does not listen", (unsigned)port);
    return port;
}

void harness_listen_held(tester *t) {
    if (!start_listening(t, t->held.fd, t->held.port))
        harness_failed(t, "cannot listen: %s", strerror(errno));
}

uint16_t harness_listen(tester *t) {
    uint16_t port = listen_at(t, 0);
    if (port == 0)
        harness_failed(t, "cannot listen: %s", strerror(errno));
    return port;
}

bool harness_listen_at(tester *t, uint16_t port) { return listen_at(t, port) != 0; }

static struct listener *find_listener(tester *t, uint16_t port) {
    for (size_t i = 0; i < t->listener_count; i++)
        if (t->listeners[i].port == port && t->listeners[i].fd >= 0)
            return &t->listeners[i];
    harness_failed(t, "the case does not listen at port %u", (unsigned)port);
}

void harness_unlisten(tester *t, uint16_t port) {
    struct listener *listener = find_listener(t, port);
    close(listener->fd);
    listener->fd = -1;
    note(t, "port %u no longer listens", (unsigned)port);
}

uint16_t harness_listen_before_free(tester *t) {
    uint16_t port = 0;
    while (port == 0)
        port = listen_at(t, free_port(t, 2));
    return port;
}

uint16_t port_before_free(tester *t) { return free_port(t, 2); }

int peer_connect(tester *t, uint16_t port, double timeout) {
    char *address = text_of("127.0.0.1:%u", (unsigned)port);
    int request = ask(t, "connect", "{s:s, s:f}", "address", address, "timeout", timeout);
    free(address);
    return request;
}

end *accept_peer(tester *t, uint16_t port, double seconds) {
    const struct listener *listener = find_listener(t, port);
    double until = now() + seconds;
    for (bool late = false;;) {
        int fd = accept(listener->fd, NULL, NULL);
        if (fd >= 0)
            return end_new(t, nonblocking(fd), ROLE_CLIENT, port);
        if (late)
            return NULL;
        late = now() >= until;
        t->accepting = true;
        pump(t, until);
        t->accepting = false;
    }
}

end *expect_accept(tester *t, uint16_t port) {
    end *e = accept_peer(t, port, t->patience);
    check(t, e != NULL, "the peer was told to connect, and did not within %.1f s", t->patience);
    return e;
}

void await_connected(end *e) {
    json_t *reply = await_reply(e->t, e->connecting, e->t->patience);
    if (!reply_ok(reply))
        fail(e->t, "`connect` failed (%s): %s", reply_code(reply), json_get_text(reply, "error"));
    e->connection = json_get_text(reply, "connection");
}

/* ---- All of it ---- */

end *meet_as(tester *t, unsigned peer_role) {
    if (t->peer->address != NULL)
        return dial_target(t);
    end *e;
    if (peer_role == ROLE_HOST) {
        const char *connection;
        e = dial(t, peer_bind(t, 0, &connection));
        e->connection = connection;
    } else {
        uint16_t port = harness_listen(t);
        int request = peer_connect(t, port, t->patience);
        e = expect_accept(t, port);
        e->connecting = request;
        harness_unlisten(t, port);
    }
    return e;
}

end *meet(tester *t) { return meet_as(t, t->role); }

/* The host's line tells that it will be connected, not that it is; only its adapter knows when. */
static void await_hosting(end *e) {
    if (e->connection == NULL || !has(e->t, "status"))
        return;
    double until = now() + e->t->patience;
    const char *state = state_of(e);
    for (; strcmp(state, "waiting") == 0 && now() < until; state = state_of(e))
        pump(e->t, fmin(until, now() + RETRY));
    check(e->t, strcmp(state, "waiting") != 0,
          "end %u: the handshake is over, and `status` still says waiting after %.1f s", e->number,
          e->t->patience);
}

void await_joined(end *e) {
    if (e->peer_role == ROLE_HOST)
        await_hosting(e);
    else if (e->connecting != 0)
        await_connected(e);
}

void shake_hands(end *e) {
    if (e->peer_role == ROLE_HOST) {
        send_hello(e);
        expect_hello(e);
    } else {
        expect_hello(e);
        send_hello(e);
    }
    await_joined(e);
}

end *establish_as(tester *t, unsigned peer_role) {
    end *e = meet_as(t, peer_role);
    shake_hands(e);
    return e;
}

end *establish(tester *t) { return establish_as(t, t->role); }
