/* SPDX-License-Identifier: BSD-2-Clause */
/* The event system of the manual: a queue of things to do, timers and signals. A program runs it in
 * a thread of its choice, or inside another event loop.
 *
 * Every function may be called from any thread (not from a handler of the system's signals);
 * handlers run in the thread that processes the events, with no lock held, and may call every
 * function here but yoton_events_free. Times are in seconds. After a failure yoton_error_text()
 * tells in one line what failed.
 *
 * What ends something (unbinding, freeing a signal, stopping or freeing a timer) waits until no
 * other thread is inside a handler that it concerns, so that what the handler uses can be freed
 * next. The caller must hold nothing that such a handler waits for. In the thread of the handler it
 * does not wait: a handler may unbind itself, and free its signal or timer. */
#ifndef YOTON_EVENTS_H
#define YOTON_EVENTS_H

#include <stddef.h>

#include "yoton/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An event loop: what one call of the manual's process_events works off. */
typedef struct yoton_events yoton_events;

/* Purpose: make an event loop. The caller owns it and frees it with yoton_events_free.
 * Returns YOTON_OK, YOTON_E_NOMEM or YOTON_E_SYSTEM (no file descriptor to be had). */
int yoton_events_new(yoton_events **events);

/* Purpose: free it with all that waits in it, which is not done any more. Signals and timers of it
 * must be freed before, contexts that use it as well, and no other thread may use it any more.
 * NULL is fine. */
void yoton_events_free(yoton_events *events);

typedef void (*yoton_event_fn)(void *user);

/* Purpose: have fn called once. seconds 0: behind the events that wait already; above 0: after that
 * time; below 0: before all events that wait.
 * Returns YOTON_OK, YOTON_E_ARGUMENT (fn is NULL, seconds is not a number) or YOTON_E_NOMEM. */
int yoton_call_later(yoton_events *events, double seconds, yoton_event_fn fn, void *user);

/* Purpose: do what is due: first what has waited for its time, timers and calls later, in the order
 * of their times; then the events that were there when the call began or were put before all others
 * since. What comes or becomes due meanwhile waits for the next call. block 0: does not wait; above
 * 0: waits that long at most until there is something, YOTON_FOREVER without limit. Only one thread
 * at a time does the work, another one waits for its turn as for something to be due; a handler
 * that calls it gets 0 at once.
 * Returns the number of handlers called: 0 when nobody was to be called in that time. */
int yoton_process_events(yoton_events *events, double block);

/* Purpose: process events until yoton_stop_event_loop is called, from any thread or a handler. The
 * handler that runs then is the last one; what waits behind it is kept. A stop that was asked for
 * while no loop ran is forgotten.
 * Returns YOTON_OK or YOTON_E_STATE (the loop runs already, or called from a handler). */
int yoton_start_event_loop(yoton_events *events);
void yoton_stop_event_loop(yoton_events *events);

/* Purpose: embed it in another loop. The descriptor is readable while yoton_process_events has
 * something to do, a due timer included; do not read from it. It stays open until
 * yoton_events_free. Never fails. */
int yoton_events_fd(yoton_events *events);

/* Purpose: the other way to embed it: `wake` is called, from any thread and with no lock held,
 * whenever something new has to be done or to be waited for (at once when something waits already);
 * it should make the other loop call yoton_process_events soon, without calling it itself. Until
 * that is called it is not told again. Timers that become due do not call it: ask
 * yoton_events_timeout, after yoton_process_events, how long to wait. NULL takes it away; when this
 * returns no other thread is inside a call of the old one. */
typedef void (*yoton_wake_fn)(void *user);
void yoton_embed_event_loop(yoton_events *events, yoton_wake_fn wake, void *user);

/* Purpose: how long until something is due: 0 now, YOTON_FOREVER when nothing waits. Whoever waits
 * in whole milliseconds rounds up. */
double yoton_events_timeout(yoton_events *events);

/* ---- Signals ---- */

/* Something that can happen, and who wants to be told. */
typedef struct yoton_signal yoton_signal;

/* argument is what emit was given; user is what bind was given. */
typedef void (*yoton_signal_fn)(void *argument, void *user);

/* Purpose: make a signal of an event loop, which must outlive it. The caller frees it with
 * yoton_signal_free; what was emitted and not handled yet is dropped then (and released), and no
 * other thread may use it any more.
 * Returns YOTON_OK or YOTON_E_NOMEM. */
int yoton_signal_new(yoton_events *events, yoton_signal **signal);
void yoton_signal_free(yoton_signal *signal); /* NULL is fine */

/* Purpose: bind a handler; the same fn with the same user counts once.
 * Returns YOTON_OK, YOTON_E_ARGUMENT (fn is NULL) or YOTON_E_NOMEM. */
int yoton_signal_bind(yoton_signal *signal, yoton_signal_fn fn, void *user);

/* Purpose: unbind a handler, or all when fn is NULL. What was emitted before and is not handled yet
 * does not reach it any more. */
void yoton_signal_unbind(yoton_signal *signal, yoton_signal_fn fn, void *user);

/* Purpose: the number of handlers bound. */
size_t yoton_signal_handlers(yoton_signal *signal);

/* Purpose: emit: each handler bound now becomes an event of its own, in the order of binding.
 * release (may be NULL) is called once with the argument when no handler needs it any more, on
 * every path, an error included; with no lock held, in the thread that was the last to need it.
 * Returns YOTON_OK or YOTON_E_NOMEM (then nobody is told). */
int yoton_signal_emit(yoton_signal *signal, void *argument, void (*release)(void *argument));

/* Purpose: call all handlers now, in the calling thread and in the order of binding; only in the
 * thread that processes the events. A handler that is bound meanwhile is not called, one that is
 * unbound before its turn neither. The argument stays the caller's. */
void yoton_signal_emit_now(yoton_signal *signal, void *argument);

/* ---- Timers ---- */

typedef struct yoton_timer yoton_timer;

/* Purpose: make a timer that does not run yet. interval is in seconds (the manual's default
 * is 1.0), oneshot 1 fires once for each start, 0 again and again. The caller frees it with
 * yoton_timer_free.
 * Returns YOTON_OK, YOTON_E_ARGUMENT (interval negative or not a number) or YOTON_E_NOMEM. */
int yoton_timer_new(yoton_events *events, double interval, int oneshot, yoton_timer **timer);
void yoton_timer_free(yoton_timer *timer); /* stops it; NULL is fine */

/* Purpose: the signal with which it fires when its time is over: all handlers bound to it are
 * called then, with the timer as argument. It belongs to the timer. */
yoton_signal *yoton_timer_signal(yoton_timer *timer);

/* Purpose: start it, anew if it runs already; stop it: it does not fire any more (it may be started
 * again, by a handler too). A one-shot timer has stopped when it fires. A repeating timer keeps to
 * its rhythm: kept from firing, it fires once and skips what it missed. With interval 0 it fires in
 * each call of yoton_process_events. */
void yoton_timer_start(yoton_timer *timer);
void yoton_timer_stop(yoton_timer *timer);
int yoton_timer_running(yoton_timer *timer);

/* Purpose: read and change the settings; a timer that runs keeps its present end and follows them
 * from its next start or repetition on. set_interval returns YOTON_OK or YOTON_E_ARGUMENT. */
double yoton_timer_interval(yoton_timer *timer);
int yoton_timer_set_interval(yoton_timer *timer, double interval);
int yoton_timer_oneshot(yoton_timer *timer);
void yoton_timer_set_oneshot(yoton_timer *timer, int oneshot);

#ifdef __cplusplus
}
#endif
#endif
