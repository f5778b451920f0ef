/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals: who is bound, and what was emitted to whom.
 *
 * While somebody uses a signal without the lock (calls a handler, waits for one) its `users` is
 * above 0: it and its bindings then stay where they are, even unbound or freed. */
#include <stdlib.h>

#include "context/events.h"
#include "context/internal.h"

typedef struct emission emission;
typedef struct binding binding;

/* One handler that is to be told of one emission. */
typedef struct telling {
    event event;
    emission *emission;
    binding *binding;
    struct telling *next; /* for the same handler, in the order of emission */
} telling;

struct emission {
    emission *next; /* of those that nobody needs any more */
    void *argument;
    void (*release)(void *argument);
    size_t left; /* tellings not over */
    telling tellings[];
};

struct binding {
    binding *next;
    yoton_signal *signal;
    yoton_signal_fn fn;
    void *user;
    bool bound;
    telling *first; /* those in the queue */
    telling *last;
};

struct yoton_signal {
    yoton_events *events;
    binding *first;
    binding *last;
    size_t handlers; /* bound ones */
    size_t users;
    bool stale; /* some bindings are not bound any more */
    bool freed;
};

/* Gives back what unbound handlers, or the whole signal, took. [locked] */
static void sweep(yoton_signal *signal) {
    binding **at = &signal->first;
    signal->last = NULL;
    while (*at != NULL) {
        binding *binding = *at;
        if (binding->bound) {
            signal->last = binding;
            at = &binding->next;
        } else {
            *at = binding->next;
            free(binding);
        }
    }
    signal->stale = false;
}

/* One user less. [locked] */
static void leave(yoton_signal *signal) {
    if (--signal->users > 0)
        return;
    if (signal->stale)
        sweep(signal);
    if (signal->freed)
        free(signal);
}

/* Not [locked]. */
static void end_emissions(emission *emission) {
    while (emission != NULL) {
        struct emission *next = emission->next;
        if (emission->release != NULL)
            emission->release(emission->argument);
        free(emission);
        emission = next;
    }
}

/* ---- Binding ---- */

int yoton_signal_new(yoton_events *events, yoton_signal **signal) {
    *signal = calloc(1, sizeof **signal);
    if (*signal == NULL)
        return report_plain(YOTON_E_NOMEM, "make a signal");
    (*signal)->events = events;
    return YOTON_OK;
}

static bool is_bound(const yoton_signal *signal, yoton_signal_fn fn, const void *user) {
    for (const binding *b = signal->first; b != NULL; b = b->next)
        if (b->bound && b->fn == fn && b->user == user)
            return true;
    return false;
}

int yoton_signal_bind(yoton_signal *signal, yoton_signal_fn fn, void *user) {
    if (fn == NULL)
        return report_error(YOTON_E_ARGUMENT, "cannot bind a handler: no function is given");
    binding *binding = calloc(1, sizeof *binding);
    if (binding == NULL)
        return report_plain(YOTON_E_NOMEM, "bind a handler");
    *binding = (struct binding){.signal = signal, .fn = fn, .user = user, .bound = true};
    events_lock(signal->events);
    if (!is_bound(signal, fn, user)) {
        if (signal->last != NULL)
            signal->last->next = binding;
        else
            signal->first = binding;
        signal->last = binding;
        signal->handlers++;
        binding = NULL;
    }
    events_unlock(signal->events);
    free(binding);
    return YOTON_OK;
}

/* Unbinds one, drops what it has not been told, and waits until it is not being called. [locked] */
static void loosen(binding *binding, emission **over) {
    yoton_signal *signal = binding->signal;
    binding->bound = false;
    signal->stale = true;
    signal->handlers--;
    for (telling *telling = binding->first; telling != NULL; telling = telling->next) {
        emission *emission = telling->emission;
        events_take(signal->events, &telling->event);
        if (--emission->left == 0) {
            emission->next = *over;
            *over = emission;
        }
    }
    binding->first = binding->last = NULL;
    events_settle(signal->events, binding);
}

static void unbind(yoton_signal *signal, yoton_signal_fn fn, const void *user, bool freed) {
    yoton_events *events = signal->events;
    emission *over = NULL;
    events_lock(events);
    signal->users++;
    for (binding *b = signal->first; b != NULL; b = b->next)
        if (b->bound && (fn == NULL || (b->fn == fn && b->user == user)))
            loosen(b, &over);
    signal->freed = freed;
    leave(signal);
    events_unlock(events);
    end_emissions(over);
}

void yoton_signal_unbind(yoton_signal *signal, yoton_signal_fn fn, void *user) {
    unbind(signal, fn, user, false);
}

void yoton_signal_free(yoton_signal *signal) {
    if (signal != NULL)
        unbind(signal, NULL, NULL, true);
}

size_t yoton_signal_handlers(yoton_signal *signal) {
    events_lock(signal->events);
    size_t handlers = signal->handlers;
    events_unlock(signal->events);
    return handlers;
}

/* ---- Emitting ---- */

/* The oldest telling of its handler leaves the queue. [locked] */
static const void *begin_telling(event *event) {
    telling *told = (void *)event;
    binding *binding = told->binding;
    binding->first = told->next;
    if (binding->first == NULL)
        binding->last = NULL;
    binding->signal->users++;
    return binding;
}

static void run_telling(event *event) {
    telling *told = (void *)event;
    binding *binding = told->binding;
    yoton_events *events = binding->signal->events;
    emission *emission = told->emission;
    binding->fn(emission->argument, binding->user);
    events_lock(events);
    bool over = --emission->left == 0;
    leave(binding->signal);
    events_unlock(events);
    if (over)
        end_emissions(emission);
}

/* [locked] */
static void put_telling(telling *telling, emission *emission, binding *binding) {
    *telling = (struct telling){.event = {.run = run_telling, .begin = begin_telling},
                                .emission = emission,
                                .binding = binding};
    if (binding->last != NULL)
        binding->last->next = telling;
    else
        binding->first = telling;
    binding->last = telling;
    events_put(binding->signal->events, &telling->event, false);
}

int yoton_signal_emit(yoton_signal *signal, void *argument, void (*release)(void *argument)) {
    yoton_events *events = signal->events;
    emission *emission = NULL;
    events_lock(events);
    size_t handlers = signal->handlers;
    if (handlers > 0)
        emission = malloc(sizeof *emission + handlers * sizeof *emission->tellings);
    if (emission != NULL) {
        *emission = (struct emission){.argument = argument, .release = release, .left = handlers};
        telling *next = emission->tellings;
        for (binding *b = signal->first; b != NULL; b = b->next)
            if (b->bound)
                put_telling(next++, emission, b);
    }
    events_unlock(events);
    if (emission == NULL && release != NULL)
        release(argument);
    if (handlers > 0 && emission == NULL)
        return report_plain(YOTON_E_NOMEM, "emit a signal");
    return YOTON_OK;
}

/* Those bound when it begins are called, but for those unbound on the way. */
int signal_call(yoton_signal *signal, void *argument) {
    yoton_events *events = signal->events;
    int called = 0;
    events_lock(events);
    signal->users++;
    const binding *last = signal->last;
    for (const binding *b = last != NULL ? signal->first : NULL; b != NULL;
         b = b != last ? b->next : NULL) {
        call call;
        if (!b->bound)
            continue;
        events_call_begin(events, &call, b);
        events_unlock(events);
        b->fn(argument, b->user);
        events_lock(events);
        events_call_end(events, &call);
        called++;
    }
    leave(signal);
    events_unlock(events);
    return called;
}

void yoton_signal_emit_now(yoton_signal *signal, void *argument) { signal_call(signal, argument); }
