/* SPDX-License-Identifier: BSD-2-Clause */
/* The addresses of a command and the peers it has there. A bind takes one peer, so hosting several
 * means to bind again after each. */
#ifndef YOTON_TOOLS_SEAT_H
#define YOTON_TOOLS_SEAT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "tool_network.h"

#define SEAT_ADDRESS_ROOM 512
#define SEAT_WHY_ROOM 512

struct seat {
    char address[SEAT_ADDRESS_ROOM]; /* with the port that was found, when 0 was given */
    bool bind, keep;
    bool used;                 /* it has hosted or connected before */
    bool troubled;             /* a failure to do it again was told */
    double due;                /* when to host or connect (again); BELL_NEVER: not */
    yoton_connection *waiting; /* a bind that waits for its peer */
    /* Connecting waits, so it has a thread of its own. */
    pthread_t thread;
    bool dials;
    atomic_bool answered; /* the thread has set what follows and ends */
    int error;
    char why[SEAT_WHY_ROOM];
    yoton_connection *made;
    const network *net;
};

struct peer {
    yoton_connection *connection;
    seat *seat;
    bool silent;
};

/* Purpose: see what became of all connections, and host and connect where it is due. Returns
 * TOOL_OK, or TOOL_FAILED, having said why (a first attempt failed). */
int seats_look(network *net);

/* Purpose: when to look again though nothing rings. */
double seats_due(const network *net);

/* Purpose: whether somebody is there or may still come. */
bool seats_alive(const network *net);

/* Purpose: free them, once all connections are closed. */
void seats_free(network *net);

#endif
