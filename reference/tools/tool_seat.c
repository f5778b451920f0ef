/* SPDX-License-Identifier: BSD-2-Clause */
#include "tool_seat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool_bell.h"
#include "tools.h"

#define BIND_PAUSE 0.1    /* seconds before hosting is tried again: the port may be in use */
#define CONNECT_PAUSE 1.0 /* before connecting again */

static void on_connected(yoton_connection *connection, void *user) {
    (void)connection;
    (void)user;
    bell_ring();
}

static void on_closed(yoton_connection *connection, const char *reason, void *user) {
    (void)reason;
    on_connected(connection, user);
}

static void on_timedout(yoton_connection *connection, int value, void *user) {
    (void)value;
    on_connected(connection, user);
}

static void tell(network *net, network_event event, const yoton_connection_info *info,
                 const char *text) {
    if (net->told != NULL)
        net->told(net, event, info, text);
}

/* ---- Peers ---- */

/* Takes over the reference. */
static int add_peer(network *net, seat *seat, yoton_connection *connection,
                    const yoton_connection_info *info) {
    peer *grown = realloc(net->peers, (net->peer_count + 1) * sizeof *grown);
    if (grown == NULL) {
        yoton_connection_unref(connection);
        return tool_fail(net->command, "%s", yoton_strerror(YOTON_E_NOMEM));
    }
    net->peers = grown;
    net->peers[net->peer_count++] = (peer){.connection = connection, .seat = seat};
    net->joined = seat->used = true;
    seat->troubled = false;
    yoton_connection_on_closed(connection, on_closed, NULL);
    yoton_connection_on_timedout(connection, on_timedout, NULL);
    tell(net, NETWORK_CAME, info, NULL);
    return TOOL_OK;
}

static void lose_peer(network *net, peer *peer, const yoton_connection_info *info) {
    snprintf(net->reason, sizeof net->reason, "%s", info->reason);
    tell(net, NETWORK_WENT, info, info->reason);
    if (peer->seat->keep && !peer->seat->bind)
        peer->seat->due = bell_now();
    yoton_connection_unref(peer->connection);
}

/* Returns whether it is still there. */
static bool look_at_peer(network *net, peer *peer) {
    yoton_connection_info info;
    yoton_connection_get_info(peer->connection, &info);
    if (info.state == YOTON_CLOSED) {
        lose_peer(net, peer, &info);
        return false;
    }
    if (peer->silent != (info.timed_out != 0))
        tell(net, peer->silent ? NETWORK_BACK : NETWORK_SILENT, &info, NULL);
    peer->silent = info.timed_out != 0;
    return true;
}

static void look_at_peers(network *net) {
    size_t kept = 0;
    for (size_t i = 0; i < net->peer_count; i++)
        if (look_at_peer(net, &net->peers[i]))
            net->peers[kept++] = net->peers[i];
    net->peer_count = kept;
}

/* ---- Hosting ---- */

/* What failed is an error the first time; later it is told once and tried again. */
static int trouble(network *net, seat *seat, const char *why, double pause) {
    if (!seat->used)
        return tool_fail(net->command, "%s", why);
    if (!seat->troubled)
        tell(net, NETWORK_TROUBLE, NULL, why);
    seat->troubled = true;
    seat->due = bell_now() + pause;
    return TOOL_OK;
}

/* The place of the port in an address; the host may be an IPv6 literal. */
static char *port_of(char *address) {
    char *host = strstr(address, "://");
    host = host != NULL ? host + 3 : address;
    char *end = *host == '[' ? strchr(host, ']') : host;
    char *colon = end != NULL ? strchr(end, ':') : NULL;
    return colon != NULL ? colon + 1 : NULL;
}

/* Peers look for the others where the first one was told to. */
static void stay_at_port(seat *seat, unsigned port) {
    char *at = port_of(seat->address);
    if (at != NULL && *at != '\0' && strspn(at, "0") == strlen(at))
        snprintf(at, sizeof seat->address - (size_t)(at - seat->address), "%u", port);
}

static int host(network *net, seat *seat) {
    yoton_connection_info info;
    int error =
        yoton_context_bind(net->context, seat->address, 1, net->options->name, &seat->waiting);
    if (error != YOTON_OK)
        return trouble(net, seat, yoton_error_text(), BIND_PAUSE);
    seat->due = BELL_NEVER;
    yoton_connection_on_connected(seat->waiting, on_connected, NULL);
    yoton_connection_on_closed(seat->waiting, on_closed, NULL);
    yoton_connection_get_info(seat->waiting, &info);
    stay_at_port(seat, info.port1);
    if (!seat->used)
        tell(net, NETWORK_WAITING, &info, NULL);
    seat->used = true;
    return TOOL_OK;
}

static int look_at_host(network *net, seat *seat) {
    yoton_connection_info info;
    yoton_connection_get_info(seat->waiting, &info);
    if (info.state == YOTON_WAITING)
        return TOOL_OK;
    yoton_connection *connection = seat->waiting;
    seat->waiting = NULL;
    seat->due = seat->keep ? 0 : BELL_NEVER;
    if (info.id2 != 0)
        return add_peer(net, seat, connection, &info);
    yoton_connection_unref(connection);
    return trouble(net, seat, info.reason, BIND_PAUSE);
}

/* ---- Connecting ---- */

static void *dial(void *argument) {
    seat *seat = argument;
    const network_options *options = seat->net->options;
    double timeout = options->timeout > 0 ? options->timeout : NETWORK_TIMEOUT;
    seat->error = yoton_context_connect(seat->net->context, seat->address, timeout, options->name,
                                        &seat->made);
    if (seat->error != YOTON_OK)
        snprintf(seat->why, sizeof seat->why, "%s", yoton_error_text());
    atomic_store(&seat->answered, true);
    bell_ring();
    return NULL;
}

static int start_to_dial(network *net, seat *seat) {
    seat->net = net;
    seat->due = BELL_NEVER;
    atomic_store(&seat->answered, false);
    if (pthread_create(&seat->thread, NULL, dial, seat) != 0)
        return trouble(net, seat, "cannot connect: no thread to be had", CONNECT_PAUSE);
    seat->dials = true;
    return TOOL_OK;
}

static int look_at_dial(network *net, seat *seat) {
    if (!atomic_load(&seat->answered))
        return TOOL_OK;
    pthread_join(seat->thread, NULL);
    seat->dials = false;
    if (seat->error != YOTON_OK)
        return trouble(net, seat, seat->why, CONNECT_PAUSE);
    yoton_connection *connection = seat->made;
    yoton_connection_info info;
    seat->made = NULL;
    yoton_connection_get_info(connection, &info);
    return add_peer(net, seat, connection, &info);
}

/* ---- All ---- */

static int look_at_seat(network *net, seat *seat) {
    int result = TOOL_OK;
    if (seat->waiting != NULL)
        result = look_at_host(net, seat);
    else if (seat->dials)
        result = look_at_dial(net, seat);
    if (result != TOOL_OK || seat->due > bell_now())
        return result;
    return seat->bind ? host(net, seat) : start_to_dial(net, seat);
}

int seats_look(network *net) {
    int result = TOOL_OK;
    for (size_t i = 0; result == TOOL_OK && i < net->seat_count; i++)
        result = look_at_seat(net, &net->seats[i]);
    look_at_peers(net);
    return result;
}

double seats_due(const network *net) {
    double due = BELL_NEVER;
    for (size_t i = 0; i < net->seat_count; i++)
        if (net->seats[i].due < due)
            due = net->seats[i].due;
    return due;
}

bool seats_alive(const network *net) {
    for (size_t i = 0; i < net->seat_count; i++) {
        const seat *seat = &net->seats[i];
        if (seat->waiting != NULL || seat->dials || seat->due < BELL_NEVER)
            return true;
    }
    return net->peer_count > 0;
}

void seats_free(network *net) {
    for (size_t i = 0; i < net->seat_count; i++) {
        yoton_connection_unref(net->seats[i].waiting);
        yoton_connection_unref(net->seats[i].made);
    }
    for (size_t i = 0; i < net->peer_count; i++)
        yoton_connection_unref(net->peers[i].connection);
    free(net->seats);
    free(net->peers);
}
