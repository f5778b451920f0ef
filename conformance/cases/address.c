/* SPDX-License-Identifier: BSD-2-Clause */
/* Section 4 of the specification, as far as binding and connecting show it. */
#include "cases/cases.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static json_t *try_bind(tester *t, const char *address, int max_tries) {
    return try_call(t, "bind", "{s:s, s:i}", "address", address, "max_tries", max_tries);
}

static uint16_t port_of(const json_t *reply) {
    const json_t *port = json_object_get(reply, "port");
    return (uint16_t)json_integer_value(port);
}

/* The peer is asked to connect to `address`; somebody must come at `port`, where we listen. */
static void expect_connects_to(tester *t, const char *address, uint16_t port) {
    int request = ask(t, "connect", "{s:s, s:f}", "address", address, "timeout", 2.0);
    end *e = accept_peer(t, port, patience(t));
    check(t, e != NULL, "connecting to %s did not lead to port %u", address, port);
    expect_hello(e);
    send_hello(e);
    check(t, reply_ok(await_reply(t, request, patience(t))), "connecting to %s failed", address);
}

CASE(ADDR, 1, 1, .roles = ROLES_BOTH, .needs = "bind connect", .title = "addresses that are none",
     .about = "Asks the peer to bind or connect to a text without colon, without host, without "
              "port, and to nothing; each must be refused with an error.") {
    const char *const bad[] = {"localhost", ":5000", "127.0.0.1:", ""};
    for (int i = 0; i < 4; i++) {
        json_t *reply = role(t) == ROLE_HOST ? try_bind(t, bad[i], 1)
                                             : try_call(t, "connect", "{s:s, s:f}", "address",
                                                        bad[i], "timeout", 0.1);
        expect_refused(t, reply, bad[i]);
    }
}

CASE(ADDR, 3, 1, .roles = ROLE_HOST, .needs = "bind status", .title = "an IPv6 literal",
     .about = "Asks the peer to bind [::1] and a free port; it must be waiting there.") {
    struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int s = socket(AF_INET6, SOCK_STREAM, 0);
    bool has_ipv6 = s >= 0 && bind(s, (struct sockaddr *)&here, sizeof here) == 0;
    if (s >= 0)
        close(s);
    if (!has_ipv6)
        skip(t, "this machine has no IPv6");
    char address[32];
    snprintf(address, sizeof address, "[::1]:%u", port_before_free(t));
    json_t *reply = try_bind(t, address, 1);
    check(t, reply_ok(reply), "binding %s failed: %s", address, reply_code(reply));
    json_t *status = call(t, "status", "{s:O}", "connection", json_object_get(reply, "connection"));
    const char *host = json_string_value(json_object_get(status, "hostname1"));
    check(t, host && strcmp(host, "::1") == 0, "it waits at host %s", host ? host : "(none)");
}

CASE(ADDR, 4, 1, .roles = ROLE_HOST, .needs = "bind", .title = "port numbers out of range",
     .about = "Asks the peer to bind the ports 65536 and 99999999999; both must be refused with an "
              "error.") {
    expect_refused(t, try_bind(t, "127.0.0.1:65536", 1), "port 65536");
    expect_refused(t, try_bind(t, "127.0.0.1:99999999999", 1), "port 99999999999");
}

CASE(ADDR, 4, 2, .roles = ROLE_CLIENT, .needs = "connect", .title = "a port number",
     .about = "Asks the peer to connect to a port number; it must come there.") {
    uint16_t port = harness_listen(t);
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%05u", port);
    expect_connects_to(t, address, port);
}

/* The sum of SLOT-6 modulo 2^14, for short ASCII names whose sum stays below 64 bits. */
static uint16_t hash_of_port(const char *name) {
    uint64_t v = 0, factor = UINT64_C(0xD2D84A61);
    for (const char *c = name; *c; c++)
        v += (v >> 3) + (uint64_t)(unsigned char)*c * factor;
    v += (v >> 3) + strlen(name) * factor;
    return (uint16_t)(49152 + v % 16384);
}

/* Listens at the hash of some name of the form `pattern` (with one %d) plus offset. */
static uint16_t listen_at_name(tester *t, const char *pattern, int offset, char *name,
                               size_t size) {
    for (int i = 0; i < 200; i++) {
        snprintf(name, size, "%s%d", pattern, (int)(random_number(t) % 100000));
        uint32_t port = (uint32_t)hash_of_port(name) + (uint32_t)offset;
        if (port < 65536 && harness_listen_at(t, (uint16_t)port))
            return (uint16_t)port;
    }
    skip(t, "200 names, and the port of none of them was free");
}

CASE(ADDR, 2, 1, .roles = ROLE_CLIENT, .needs = "connect", .title = "split at the first colon",
     .about =
         "Asks the peer to connect to 127.0.0.1:a:b…; the port name must be a:b…, and the peer "
         "come to its port.") {
    char name[32], address[64];
    uint16_t port = listen_at_name(t, "a:b", 0, name, sizeof name);
    snprintf(address, sizeof address, "127.0.0.1:%s", name);
    expect_connects_to(t, address, port);
}

CASE(ADDR, 5, 1, .roles = ROLE_CLIENT, .needs = "connect", .title = "a port name with an offset",
     .about =
         "Asks the peer to connect to a port name and +3; it must come to the port three above "
         "that of the name.") {
    char name[32], address[64];
    uint16_t port = listen_at_name(t, "kernel", 3, name, sizeof name);
    snprintf(address, sizeof address, "127.0.0.1:%s+3", name);
    expect_connects_to(t, address, port);
}

CASE(ADDR, 5, 2, .roles = ROLE_CLIENT, .needs = "connect", .title = "an offset that is no number",
     .about =
         "Listens at the port of a name and asks the peer to connect to that name and +x; that "
         "must be refused with an error, and nobody come.") {
    char name[32], address[64];
    uint16_t port = listen_at_name(t, "offset", 0, name, sizeof name);
    snprintf(address, sizeof address, "127.0.0.1:%s+x", name);
    expect_refused(t, try_call(t, "connect", "{s:s, s:f}", "address", address, "timeout", 0.1),
                   address);
    check(t, accept_peer(t, port, 0) == NULL, "the peer came to port %u all the same", port);
}

CASE(ADDR, 6, 1, .roles = ROLE_CLIENT, .needs = "connect", .title = "a port name",
     .about =
         "Asks the peer to connect to a port name with upper-case letters and a blank; it must "
         "come to the port of the name as it is given.") {
    char name[32], address[64];
    uint16_t port = listen_at_name(t, "My Kernel", 0, name, sizeof name);
    snprintf(address, sizeof address, "127.0.0.1:%s", name);
    expect_connects_to(t, address, port);
}

CASE(ADDR, 7, 1, .roles = ROLE_CLIENT, .needs = "connect", .title = "localhost in any case",
     .about = "Asks the peer to connect to localhost and LocalHost; it must come to 127.0.0.1.") {
    const char *const hosts[] = {"localhost", "LocalHost"};
    for (int i = 0; i < 2; i++) {
        uint16_t port = harness_listen(t);
        char address[32];
        snprintf(address, sizeof address, "%s:%u", hosts[i], port);
        expect_connects_to(t, address, port);
    }
}

CASE(ADDR, 8, 1, .roles = ROLE_HOST, .needs = "bind", .title = "an own address that is not there",
     .about = "Asks the peer to bind publichost99; a machine has not so many addresses, so that "
              "must be refused with an error.") {
    expect_refused(t, try_bind(t, "publichost99:5000", 1), "publichost99");
}

CASE(ADDR, 9, 1, .roles = ROLE_CLIENT, .needs = "connect", .title = "the protocol in front",
     .about =
         "Asks the peer to connect to addresses with tcp:// and TCP:// in front; it must come.") {
    const char *const protocols[] = {"tcp", "TCP"};
    for (int i = 0; i < 2; i++) {
        uint16_t port = harness_listen(t);
        char address[32];
        snprintf(address, sizeof address, "%s://127.0.0.1:%u", protocols[i], port);
        expect_connects_to(t, address, port);
    }
}

CASE(ADDR, 9, 2, .roles = ROLE_HOST, .needs = "bind", .title = "another protocol",
     .about = "Asks the peer to bind udp://127.0.0.1; it should be refused with an error.") {
    char address[32];
    snprintf(address, sizeof address, "udp://127.0.0.1:%u", port_before_free(t));
    expect_refused(t, try_bind(t, address, 1), address);
}

CASE(ADDR, 10, 1, .roles = ROLE_HOST, .needs = "bind", .title = "the port that was asked for",
     .about = "Asks the peer to bind a free port; it must be listening at exactly that port.") {
    char address[32];
    uint16_t port = port_before_free(t);
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    json_t *reply = try_bind(t, address, 1);
    check(t, reply_ok(reply), "binding failed: %s",
          json_string_value(json_object_get(reply, "error")));
    check(t, port_of(reply) == port, "asked for port %u, bound %u", port, port_of(reply));
    end *e = dial(t, port);
    send_hello(e);
    expect_hello(e);
}

CASE(ADDR, 10, 2, .roles = ROLE_HOST, .needs = "bind", .title = "the next free port",
     .about = "Listens at a port and asks the peer to bind it with 30 tries; it must be listening "
              "at one of the ports after it.") {
    char address[32];
    uint16_t port;
    do
        port = harness_listen(t);
    while (port > 65000);
    snprintf(address, sizeof address, "127.0.0.1:%u", port);
    json_t *reply = try_bind(t, address, 30);
    check(t, reply_ok(reply), "binding failed: %s",
          json_string_value(json_object_get(reply, "error")));
    check(t, port_of(reply) > port && port_of(reply) < port + 30, "bound %u, not within %u to %u",
          port_of(reply), port + 1, port + 29);
}

CASE(ADDR, 10, 3, .roles = ROLE_HOST, .needs = "bind", .title = "a port that is taken",
     .about = "Listens at a port and asks the peer to bind it; that must be refused with an "
              "error.") {
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%u", harness_listen_before_free(t));
    expect_refused(t, try_bind(t, address, 1), "a port that is taken");
}

const struct test_case *const address_cases[] = {
    &ADDR_1_1, &ADDR_3_1, &ADDR_4_1, &ADDR_4_2, &ADDR_2_1,  &ADDR_5_1,  &ADDR_5_2,  &ADDR_6_1,
    &ADDR_7_1, &ADDR_8_1, &ADDR_9_1, &ADDR_9_2, &ADDR_10_1, &ADDR_10_2, &ADDR_10_3, NULL};
