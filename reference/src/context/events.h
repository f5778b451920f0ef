/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of the event system: events.c (the queue, who processes it), timed.c (what waits for
 * its time), embed.c (how another loop is told), signal.c and timer.c.
 *
 * One lock guards an event loop with its signals and timers; it is never held while anything of
 * somebody else is called. Functions marked [locked] want it held. */
#ifndef YOTON_CONTEXT_EVENTS_H
#define YOTON_CONTEXT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "yoton/events.h"
#include "yoton/link.h"

/* ---- What waits in the queue, and in the order of time ---- */

/* Something to do, embedded in its owner, so that posting never needs memory. The owner sets `run`
 * and leaves the rest zero. `run` may post it again, and may free it. */
typedef struct event {
    struct event *next;
    bool queued;
    void (*run)(struct event *event);
    struct event *previous;
    uint64_t turn; /* when it was put there */
    /* Called as it leaves the queue to be run, if set. Returns what a thread looks for that waits
     * until the run is over: the event itself where this is NULL. [locked] */
    const void *(*begin)(struct event *event);
} event;

/* Something to do at a moment. */
typedef struct timed {
    int (*fire)(struct timed *timed); /* returns how many handlers it has called */
    yoton_time period;                /* from one moment to the next */
    bool repeats;
    bool armed;
    yoton_time due;
    uint64_t number; /* who was armed first is first */
    struct timed *child;
    struct timed *next;
    struct timed *previous; /* the sibling before it, or the parent */
} timed;

/* A call that is under way, on the stack of the thread that makes it. */
typedef struct call {
    struct call *next;
    const void *what;
    uv_thread_t thread;
} call;

struct yoton_events {
    uv_mutex_t lock;
    uv_cond_t changed; /* something that a waiting thread may look for */
    size_t waiting_threads;

    event *first;
    event *last;
    uint64_t turn; /* counts the calls of yoton_process_events that found work */
    timed *timers; /* the one that is due first; the others hang from it */
    uint64_t armed;

    bool working; /* a thread processes */
    uv_thread_t worker;
    yoton_time now; /* when it began: what is due later waits for the next call */
    call *calls;    /* all that are under way */
    bool looping;
    bool stopping;

    yoton_wake_fn wake;
    void *wake_user;
    bool news; /* for `wake`, when the lock is given back */
    bool told; /* it was called since the last processing began */

    int fd;        /* watches the other two */
    int queue_fd;  /* readable while the queue holds something */
    int timer_fd;  /* readable from `timer_end` on */
    bool fd_asked; /* until then the two are left alone */
    bool queue_shown;
    yoton_time timer_end;
};

/* ---- events.c, for contexts. Call these with no lock held: they call `wake`, or wait ---- */

/* Purpose: put the event at the end of the queue; does nothing when it is queued already. */
void events_post(yoton_events *events, event *event);
/* Purpose: put it at the front of the queue, wherever it was: it is of this turn. */
void events_post_front(yoton_events *events, event *event);
/* Purpose: take it out of the queue. When it runs at this moment in another thread, wait until that
 * is over. Afterwards it is not queued and does not run, but where this is called from its run. */
void events_withdraw(yoton_events *events, event *event);

/* ---- events.c, for signals and timers ---- */

void events_lock(yoton_events *events);
/* Purpose: give the lock back; whoever embeds the loop is told what is new. [locked] */
void events_unlock(yoton_events *events);
/* Purpose: put an event, which is not queued, at the end or the front. [locked] */
void events_put(yoton_events *events, event *event, bool front);
/* Purpose: take it out, if it is queued. [locked] */
void events_take(yoton_events *events, event *event);
/* Purpose: have it fire, once or again and again, its period from now / no more. [locked] */
void events_arm(yoton_events *events, timed *timed);
void events_disarm(yoton_events *events, timed *timed);
/* Purpose: the first moment to wait for, or YOTON_NEVER. [locked] */
yoton_time events_first_due(const yoton_events *events);
/* Purpose: begin and end a call of something; it is made without the lock. [locked] */
void events_call_begin(yoton_events *events, call *call, const void *what);
void events_call_end(yoton_events *events, const call *call);
/* Purpose: wait until no other thread calls it. Returns true when it had to wait: much can have
 * changed then. [locked] */
bool events_settle(yoton_events *events, const void *what);
/* Purpose: nobody is to wait any more for a call of it, which this thread makes: its memory is
 * about to be freed and may become something else. [locked] */
void events_forget(yoton_events *events, const void *what);

/* ---- timed.c: a pairing heap; each returns the new root ---- */

timed *timed_insert(timed *root, timed *timed);
timed *timed_remove(timed *root, timed *timed);

/* ---- embed.c ---- */

/* Purpose: open the descriptors. Returns false with errno set. */
bool embed_open(yoton_events *events);
void embed_close(const yoton_events *events);
/* Purpose: bring the descriptor to what is the case, and call `wake` if there are news, without the
 * lock. [locked] */
void embed_tell(yoton_events *events);

/* ---- signal.c ---- */

/* Purpose: call all handlers now. Returns how many were called. Not [locked]. */
int signal_call(yoton_signal *signal, void *argument);

#endif
