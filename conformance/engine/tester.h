/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of one run of one case: one process, one poll loop over all ends and the adapter. */
#ifndef YOTONSPEC_TESTER_H
#define YOTONSPEC_TESTER_H

#include <poll.h>
#include <stdarg.h>
#include <sys/types.h>

#include "engine/case.h"
#include "engine/peer.h"
#include "engine/transcript.h"
#include "engine/util.h"

/* Bytes that are added at the back and taken from the front, both cheaply. */
struct buffer {
    uint8_t *bytes;
    size_t head, size, room;
};

uint8_t *buffer_data(const struct buffer *buffer);
void buffer_add(struct buffer *buffer, const void *bytes, size_t size);
void buffer_take(struct buffer *buffer, size_t size); /* drop from the front */

/* The adapter: a child that speaks lines of JSON. */
struct adapter {
    pid_t pid; /* 0 before it is started */
    int in, out, err;
    struct buffer to, from, trouble; /* trouble: its standard error, bounded */
    size_t scanned;                  /* of `from`, where no line feed was found yet */
    uint64_t taken;                  /* bytes read from it in all */
    json_t *replies;                 /* by request id; JSON null while it is awaited */
    json_t *events;                  /* all, in order; "found" marks those given out */
    json_t *hello;
    int last_id, status;
    bool ended; /* its standard output */
    bool gone;  /* the process, with `status` */
};

struct listener {
    int fd;
    uint16_t port;
};

/* The private part of an end. */
struct socket_state {
    int fd; /* -1 when the harness closed it */
    bool held, alive, packages, ended, reset, shut;
    bool gone; /* writing failed */
    bool told; /* the end of the stream was given out */
    double next_heartbeat;
    struct buffer to, from;
    size_t parsed;     /* of `from`, given out as items */
    uint64_t consumed; /* bytes of the stream in front of `from` */
    arrival *arrivals;
    size_t arrival_count, arrival_room;
    size_t arrival_at;    /* the one that holds the byte last asked for */
    uint64_t arrival_sum; /* bytes that came before it */
    item **waiting;       /* what barrier() read and left for the case */
    size_t waiting_count, waiting_at;
    uint64_t marker_source, marker_seq;
};

struct tester {
    const struct test_case *test;
    const struct peer *peer;
    unsigned role;
    double scale, patience, start, deadline;
    double looped, worked; /* when the loop last came round, and the processor time then */
    double stall;   /* the longest time this process was not woken when it should have been */
    double starved; /* what the peer had waited for a processor when the case began */
    double away[2]; /* how far the other clocks were from now() at the last look */
    uint64_t taken, items; /* what came on all ends: bytes; packages and lines */
    uint64_t random;
    int result; /* where the verdict is written */
    struct transcript transcript;
    struct adapter adapter;
    uint64_t peer_id;
    end **ends;
    size_t end_count;
    struct listener *listeners;
    size_t listener_count;
    struct listener held; /* of harness_hold */
    bool accepting;       /* listeners are polled */
    bool finishing;       /* the verdict stands: nothing may fail any more */
    int receive_buffer;
    channel *marker_sub, *marker_pub;
    uint64_t markers;
};

/* One round of the loop: waits until something can be read or written, or `until` has come. */
void pump(tester *t, double until);

/* The parts of pump: what to poll, and what to do about it. poll_… returns how many were added. */
size_t adapter_poll(tester *t, struct pollfd *list);
void adapter_ready(tester *t, const struct pollfd *list, size_t count);
size_t end_poll(end *e, struct pollfd *list);
void end_ready(end *e, short events);
double end_wakes(const end *e); /* when it has to do something by itself; far away for never */
void end_tick(end *e);

/* Starts the adapter and says hello; ends the case when that does not work. */
void adapter_start(tester *t);
void adapter_write(struct adapter *a);

/* The context_id in the reply to `op`; ends the case when it is no id. */
uint64_t told_id(tester *t, const char *op, const json_t *reply);

/* What judges an adapter itself: a line of any kind, whose answer has no id, and answers as they
 * are, NULL when none came within the seconds. */
enum { NO_ID = -1 };
int send_line(tester *t, const char *text); /* returns NO_ID, for any_reply */
json_t *any_reply(tester *t, int request, double seconds);
int ask_list(tester *t, const char *op, const char *fields, va_list list); /* as ask */
void adapter_stop(tester *t);       /* closes its standard input and waits a little */
char *adapter_crash(tester *t);     /* in words, when a signal ended it then; else NULL */
char *adapter_leftovers(tester *t); /* ends what is still there, in words; NULL for nothing */
void adapter_check_life(tester *t); /* ends the case when the process has ended */

/* The next thing on an end without waiting, NULL for none; markers of barrier() too. */
item *parse_item(end *e);
bool is_marker(const end *e, const item *i);
char *describe(const item *i); /* in words */

/* After both lines: waits until the peer's adapter knows that the connection stands. */
void await_joined(end *e);

/* Makes an end of a connected socket. */
end *end_new(tester *t, int fd, unsigned peer_role, uint16_t port);

/* Adds to the transcript, now. */
size_t record(tester *t, const char *who, direction direction, const char *what, const void *bytes,
              size_t size);
size_t record_end(const end *e, double when, direction direction, const char *what,
                  const void *bytes, size_t size);

/* Something came, as a whole, instead of what was expected. */
_Noreturn void fail_instead(end *e, const item *got, const char *expected, const char *was);

/* The end of a case: writes the verdict and leaves the process. */
_Noreturn void harness_failed(tester *t, const char *format, ...) LIKE_PRINTF(2, 3);
_Noreturn void finish(tester *t, const char *verdict, json_t *details);
_Noreturn void peer_failed(tester *t, const char *flag, const char *format, ...)
    LIKE_PRINTF(3, 4); /* flag: "died", "hung", "flooded" or "unreachable" */

/* What the runner asks a case process to do; never returns. */
struct case_run {
    const struct test_case *test;
    const struct peer *peer;
    unsigned role;
    double scale, deadline;
    uint64_t seed;
    int result;
};
_Noreturn void run_case(const struct case_run *run);

/* The case that is run first: starts the adapter and measures how fast it answers. */
extern const struct test_case probe_case;

#endif
