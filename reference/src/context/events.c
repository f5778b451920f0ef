/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of events, and the one thread at a time that works it off. */
#include "context/events.h"

#include <errno.h>
#include <stdlib.h>

#include "context/internal.h"

/* ---- Waiting ---- */

static void changed(yoton_events *events) {
    if (events->waiting_threads > 0)
        uv_cond_broadcast(&events->changed);
}

/* Waits for a change, until that moment at most. [locked] */
static void wait_changed(yoton_events *events, yoton_time until) {
    yoton_time now = uv_hrtime();
    events->waiting_threads++;
    if (until == YOTON_NEVER)
        uv_cond_wait(&events->changed, &events->lock);
    else if (now < until)
        uv_cond_timedwait(&events->changed, &events->lock, until - now);
    events->waiting_threads--;
}

/* ---- Calls under way ---- */

void events_call_begin(yoton_events *events, call *call, const void *what) {
    call->what = what;
    call->thread = uv_thread_self();
    call->next = events->calls;
    events->calls = call;
}

void events_call_end(yoton_events *events, const call *ended) {
    call **at = &events->calls;
    while (*at != ended)
        at = &(*at)->next;
    *at = ended->next;
    changed(events);
}

static bool called_elsewhere(const yoton_events *events, const void *what) {
    uv_thread_t self = uv_thread_self();
    for (const call *call = events->calls; call != NULL; call = call->next)
        if (call->what == what && !uv_thread_equal(&call->thread, &self))
            return true;
    return false;
}

bool events_settle(yoton_events *events, const void *what) {
    bool waited = false;
    for (; called_elsewhere(events, what); waited = true)
        wait_changed(events, YOTON_NEVER);
    return waited;
}

void events_forget(yoton_events *events, const void *what) {
    for (call *call = events->calls; call != NULL; call = call->next)
        if (call->what == what)
            call->what = NULL;
}

/* ---- The lock ---- */

void events_lock(yoton_events *events) { uv_mutex_lock(&events->lock); }

void events_unlock(yoton_events *events) {
    embed_tell(events);
    uv_mutex_unlock(&events->lock);
}

/* ---- The queue ---- */

void events_put(yoton_events *events, event *event, bool front) {
    event->queued = true;
    event->turn = front ? 0 : events->turn; /* the front is always of this turn */
    event->previous = front ? NULL : events->last;
    event->next = front ? events->first : NULL;
    if (event->previous != NULL)
        event->previous->next = event;
    else
        events->first = event;
    if (event->next != NULL)
        event->next->previous = event;
    else
        events->last = event;
    events->news = true;
    changed(events);
}

void events_take(yoton_events *events, event *event) {
    if (!event->queued)
        return;
    event->queued = false;
    if (event->previous != NULL)
        event->previous->next = event->next;
    else
        events->first = event->next;
    if (event->next != NULL)
        event->next->previous = event->previous;
    else
        events->last = event->previous;
}

void events_post(yoton_events *events, event *event) {
    events_lock(events);
    if (!event->queued)
        events_put(events, event, false);
    events_unlock(events);
}

void events_post_front(yoton_events *events, event *event) {
    events_lock(events);
    events_take(events, event);
    events_put(events, event, true);
    events_unlock(events);
}

void events_withdraw(yoton_events *events, event *event) {
    events_lock(events);
    do
        events_take(events, event);
    while (events_settle(events, event)); /* it may have posted itself again */
    events_unlock(events);
}

/* ---- Timers ---- */

yoton_time events_first_due(const yoton_events *events) {
    return events->timers != NULL ? events->timers->due : YOTON_NEVER;
}

static yoton_time later_by(yoton_time moment, yoton_time span) {
    return span < YOTON_NEVER - moment ? moment + span : YOTON_NEVER;
}

/* What is armed while a thread processes is not due for it yet, be its period 0. */
static void arm_at(yoton_events *events, timed *timed, yoton_time due) {
    timed->due = due > events->now ? due : events->now + 1;
    timed->number = events->armed++;
    timed->armed = true;
    events->timers = timed_insert(events->timers, timed);
}

void events_arm(yoton_events *events, timed *timed) {
    events_disarm(events, timed);
    arm_at(events, timed, later_by(uv_hrtime(), timed->period));
    if (events->timers == timed) {
        events->news = true;
        changed(events);
    }
}

void events_disarm(yoton_events *events, timed *timed) {
    if (timed->armed)
        events->timers = timed_remove(events->timers, timed);
    timed->armed = false;
}

/* The next moment of those at equal distances that has not passed. */
static void arm_again(yoton_events *events, timed *timed) {
    yoton_time past = events->now - timed->due;
    yoton_time left = timed->period > 0 ? timed->period - past % timed->period : 0;
    arm_at(events, timed, later_by(events->now, left));
}

/* ---- Processing ---- */

static int fire_timer(yoton_events *events) {
    timed *timed = events->timers;
    call call;
    events_disarm(events, timed);
    if (timed->repeats)
        arm_again(events, timed);
    events_call_begin(events, &call, timed);
    events_unlock(events);
    int called = timed->fire(timed);
    events_lock(events);
    events_call_end(events, &call);
    return called;
}

static int run_event(yoton_events *events) {
    event *event = events->first;
    call call;
    events_take(events, event);
    events_call_begin(events, &call, event->begin != NULL ? event->begin(event) : event);
    events_unlock(events);
    event->run(event);
    events_lock(events);
    events_call_end(events, &call);
    return 1;
}

/* Does what is due, up to what came after the beginning; a stop of the loop ends it earlier. */
static int work(yoton_events *events, bool loop) {
    int called = 0;
    events->working = true;
    events->worker = uv_thread_self();
    events->told = false; /* what came while it waited was told, and is done now */
    events->now = uv_hrtime();
    events->turn++;
    while (!loop || !events->stopping) {
        if (events_first_due(events) <= events->now)
            called += fire_timer(events);
        else if (events->first != NULL && events->first->turn < events->turn)
            called += run_event(events);
        else
            break;
    }
    events->working = false;   /* whoever waits for that was told at the end of the last call */
    if (events->first != NULL) /* a stop may have left it */
        events->news = true;
    return called;
}

/* Waits until there is something to do and this thread may do it, and does it. [locked] */
static int serve(yoton_events *events, yoton_time until, bool loop) {
    events->told = false;
    for (;;) {
        yoton_time now = uv_hrtime();
        yoton_time due = events->first != NULL ? 0 : events_first_due(events);
        if (loop && events->stopping)
            return 0;
        if (!events->working && due <= now)
            return work(events, loop);
        if (now >= until)
            return 0;
        if (events->working || due > until)
            due = until;
        wait_changed(events, due);
    }
}

static bool inside(const yoton_events *events) {
    uv_thread_t self = uv_thread_self();
    return events->working && uv_thread_equal(&events->worker, &self);
}

int yoton_process_events(yoton_events *events, double block) {
    yoton_time until = moment_in(block);
    events_lock(events);
    int called = inside(events) ? 0 : serve(events, until, false);
    events_unlock(events);
    return called;
}

int yoton_start_event_loop(yoton_events *events) {
    events_lock(events);
    const char *why = inside(events)    ? "this is one of its handlers"
                      : events->looping ? "it runs already"
                                        : NULL;
    if (why == NULL) {
        events->looping = true;
        while (!events->stopping)
            serve(events, YOTON_NEVER, true);
        events->looping = events->stopping = false;
    }
    events_unlock(events);
    if (why != NULL)
        return report_error(YOTON_E_STATE, "cannot start the event loop: %s", why);
    return YOTON_OK;
}

void yoton_stop_event_loop(yoton_events *events) {
    events_lock(events);
    events->stopping = events->looping;
    changed(events);
    events_unlock(events);
}

/* ---- To be called later ---- */

typedef struct later {
    event event;
    timed timed;
    yoton_event_fn fn;
    void *user;
} later;

/* The memory goes after the call, so that nothing else has its address during it. */
static void run_later(event *event) {
    later *later = (void *)event;
    later->fn(later->user);
    free(later);
}

static later *later_of(timed *timed) {
    return (later *)(void *)((char *)timed - offsetof(later, timed));
}

static int fire_later(timed *timed) {
    run_later(&later_of(timed)->event);
    return 1;
}

int yoton_call_later(yoton_events *events, double seconds, yoton_event_fn fn, void *user) {
    if (fn == NULL || isnan(seconds))
        return report_error(YOTON_E_ARGUMENT, "cannot call later: %s",
                            fn == NULL ? "no function is given" : "the time is not a number");
    later *later = calloc(1, sizeof *later);
    if (later == NULL)
        return report_plain(YOTON_E_NOMEM, "call later");
    later->fn = fn;
    later->user = user;
    later->event.run = run_later;
    later->timed.fire = fire_later;
    later->timed.period = span_of(seconds);
    events_lock(events);
    if (seconds > 0)
        events_arm(events, &later->timed);
    else
        events_put(events, &later->event, seconds < 0);
    events_unlock(events);
    return YOTON_OK;
}

/* ---- Making and freeing ---- */

/* Returns 0 or what libuv says. */
static int make_lock(yoton_events *events) {
    int error = uv_mutex_init(&events->lock);
    if (error == 0) {
        error = uv_cond_init(&events->changed);
        if (error != 0)
            uv_mutex_destroy(&events->lock);
    }
    return error;
}

int yoton_events_new(yoton_events **made) {
    yoton_events *events = *made = calloc(1, sizeof *events);
    if (events == NULL)
        return report_plain(YOTON_E_NOMEM, "make an event loop");
    int error = embed_open(events) ? 0 : -errno;
    if (error == 0) {
        error = make_lock(events);
        if (error == 0)
            return YOTON_OK;
        embed_close(events);
    }
    free(events);
    *made = NULL;
    return report_error(YOTON_E_SYSTEM, "cannot make an event loop: %s", uv_strerror(error));
}

void yoton_events_free(yoton_events *events) {
    if (events == NULL)
        return;
    while (events->first != NULL) {
        event *event = events->first;
        events_take(events, event);
        if (event->run == run_later)
            free(event);
    }
    while (events->timers != NULL) {
        timed *timed = events->timers;
        events_disarm(events, timed);
        if (timed->fire == fire_later)
            free(later_of(timed));
    }
    uv_cond_destroy(&events->changed);
    uv_mutex_destroy(&events->lock);
    embed_close(events);
    free(events);
}
