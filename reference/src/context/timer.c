/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers: a signal that is emitted when a time is over. */
#include <stdlib.h>

#include "context/events.h"
#include "context/internal.h"

struct yoton_timer {
    timed timed;
    yoton_events *events;
    yoton_signal *signal;
    double interval;
};

/* A handler may free the timer: it is not touched after the call. */
static int fire(timed *timed) {
    yoton_timer *timer = (void *)timed;
    return signal_call(timer->signal, timer);
}

static int check_interval(double interval, const char *what) {
    if (interval >= 0)
        return YOTON_OK;
    return report_error(YOTON_E_ARGUMENT, "cannot %s: an interval is 0 or more seconds, not %g",
                        what, interval);
}

int yoton_timer_new(yoton_events *events, double interval, int oneshot, yoton_timer **made) {
    *made = NULL;
    int error = check_interval(interval, "make a timer");
    if (error != YOTON_OK)
        return error;
    yoton_timer *timer = calloc(1, sizeof *timer);
    if (timer == NULL || yoton_signal_new(events, &timer->signal) != YOTON_OK) {
        free(timer);
        return report_plain(YOTON_E_NOMEM, "make a timer");
    }
    timer->events = events;
    timer->interval = interval;
    timer->timed.fire = fire;
    timer->timed.period = span_of(interval);
    timer->timed.repeats = !oneshot;
    *made = timer;
    return YOTON_OK;
}

void yoton_timer_free(yoton_timer *timer) {
    if (timer == NULL)
        return;
    yoton_timer_stop(timer);
    yoton_signal_free(timer->signal);
    events_lock(timer->events);
    events_forget(timer->events, &timer->timed);
    events_unlock(timer->events);
    free(timer);
}

yoton_signal *yoton_timer_signal(yoton_timer *timer) { return timer->signal; }

void yoton_timer_start(yoton_timer *timer) {
    events_lock(timer->events);
    events_arm(timer->events, &timer->timed);
    events_unlock(timer->events);
}

void yoton_timer_stop(yoton_timer *timer) {
    events_lock(timer->events);
    do
        events_disarm(timer->events, &timer->timed);
    while (events_settle(timer->events, &timer->timed)); /* a handler may have started it */
    events_unlock(timer->events);
}

int yoton_timer_running(yoton_timer *timer) {
    events_lock(timer->events);
    int running = timer->timed.armed;
    events_unlock(timer->events);
    return running;
}

double yoton_timer_interval(yoton_timer *timer) {
    events_lock(timer->events);
    double interval = timer->interval;
    events_unlock(timer->events);
    return interval;
}

int yoton_timer_set_interval(yoton_timer *timer, double interval) {
    int error = check_interval(interval, "set the interval");
    if (error != YOTON_OK)
        return error;
    events_lock(timer->events);
    timer->interval = interval;
    timer->timed.period = span_of(interval);
    events_unlock(timer->events);
    return YOTON_OK;
}

int yoton_timer_oneshot(yoton_timer *timer) {
    events_lock(timer->events);
    int oneshot = !timer->timed.repeats;
    events_unlock(timer->events);
    return oneshot;
}

void yoton_timer_set_oneshot(yoton_timer *timer, int oneshot) {
    events_lock(timer->events);
    timer->timed.repeats = !oneshot;
    events_unlock(timer->events);
}
