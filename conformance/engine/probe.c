/* SPDX-License-Identifier: BSD-2-Clause */
/* The run before all others: is the peer there, who is it, and how fast does it answer? */
#include "engine/tester.h"

enum { TRIPS = 20 };

/* Whatever the adapter answers, unsupported too, it has answered. */
static double slowest_trip(tester *t) {
    double slowest = 0;
    for (int i = 0; i < TRIPS; i++) {
        double begin = now();
        int request = ask(t, "connections", NULL);
        while (!answered(t, request)) {
            if (now() - begin > 10 * t->scale)
                peer_failed(t, "hung", "the adapter said hello, and did not answer `connections`");
            pump(t, begin + 10 * t->scale);
        }
        double trip = now() - begin;
        slowest = trip > slowest ? trip : slowest;
    }
    return slowest;
}

static void probe(tester *t) {
    if (t->peer->address != NULL) {
        end *e = try_dial(t, t->peer->port);
        if (e == NULL)
            peer_failed(t, "unreachable", "nobody accepts a connection there");
        end_close(e);
        finish(t, "pass", NULL);
    }
    double started = now() - t->start;
    double trip = slowest_trip(t);
    finish(t, "pass",
           json_pack("{s:O, s:f, s:f}", "hello", t->adapter.hello, "start", started, "trip", trip));
}

const struct test_case probe_case = {.id = "probe", .run = probe, .roles = ROLES_BOTH};
