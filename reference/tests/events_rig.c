/* SPDX-License-Identifier: BSD-2-Clause */
#include "events_rig.h"

#include <sched.h>
#include <string.h>

void desk_open(desk *d) {
    memset(d, 0, sizeof *d);
    assert_int_equal(yoton_events_new(&d->events), YOTON_OK);
}

void desk_close(desk *d) { yoton_events_free(d->events); }

/* Notes are made by the thread of the test only. */
note *note_of(desk *d, char letter) {
    static note notes[256];
    note *note = &notes[(unsigned char)letter];
    *note = (struct note){d, letter};
    return note;
}

static void add(desk *d, char letter) {
    size_t length = strlen(d->notes);
    assert_true(length + 1 < sizeof d->notes);
    d->notes[length] = letter;
}

void write_note(void *user) {
    const note *note = user;
    add(note->desk, note->letter);
}

void write_note_signal(void *argument, void *user) {
    const note *note = user;
    add(note->desk, note->letter);
    if (argument != NULL)
        add(note->desk, *(const char *)argument);
}

void later(desk *d, double seconds, char letter) {
    assert_int_equal(yoton_call_later(d->events, seconds, write_note, note_of(d, letter)),
                     YOTON_OK);
}

void had_notes(desk *d, const char *notes) {
    assert_string_equal(d->notes, notes);
    memset(d->notes, 0, sizeof d->notes);
}

static void get_notes(desk *d, size_t count) {
    double end = now_seconds() + DEADLINE;
    while (strlen(d->notes) < count && now_seconds() < end)
        yoton_process_events(d->events, end - now_seconds());
}

void expect_notes(desk *d, const char *notes) {
    get_notes(d, strlen(notes));
    had_notes(d, notes);
}

bool expect_notes_of(desk *d, const char *notes, double since, double within) {
    bool in_time = now_seconds() - since < within;
    get_notes(d, strlen(notes));
    had_notes(d, in_time ? notes : d->notes);
    return in_time;
}

int process_now(desk *d, const char *notes) {
    int called = yoton_process_events(d->events, 0);
    had_notes(d, notes);
    return called;
}

void gate_init(gate *g) {
    g->open = false;
    assert_int_equal(uv_mutex_init(&g->lock), 0);
    assert_int_equal(uv_cond_init(&g->changed), 0);
}

void gate_done(gate *g) {
    uv_cond_destroy(&g->changed);
    uv_mutex_destroy(&g->lock);
}

void gate_open(gate *g) {
    uv_mutex_lock(&g->lock);
    g->open = true;
    uv_cond_broadcast(&g->changed);
    uv_mutex_unlock(&g->lock);
}

bool gate_is_open(gate *g) {
    uv_mutex_lock(&g->lock);
    bool open = g->open;
    uv_mutex_unlock(&g->lock);
    return open;
}

void gate_wait(gate *g) {
    double end = now_seconds() + DEADLINE;
    uv_mutex_lock(&g->lock);
    while (!g->open && now_seconds() < end)
        uv_cond_timedwait(&g->changed, &g->lock, UINT64_C(1000000000));
    bool open = g->open;
    uv_mutex_unlock(&g->lock);
    assert_true(open);
}

static bool somebody_waits(yoton_events *events) {
    uv_mutex_lock(&events->lock);
    bool waits = events->waiting_threads > 0;
    uv_mutex_unlock(&events->lock);
    return waits;
}

void await_waiting(yoton_events *events, gate *or_gate) {
    double end = now_seconds() + DEADLINE;
    while (!somebody_waits(events) && (or_gate == NULL || !gate_is_open(or_gate))) {
        assert_true(now_seconds() < end);
        sched_yield();
    }
}
