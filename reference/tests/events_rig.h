/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of events, signals and timers share: handlers that note down that they were
 * called, and threads that wait for each other. */
#ifndef YOTON_TESTS_EVENTS_RIG_H
#define YOTON_TESTS_EVENTS_RIG_H

#include "context_rig.h"

#include "context/events.h"

/* An event loop, and what its handlers have noted, in the order of their calls. */
typedef struct desk {
    yoton_events *events;
    char notes[256];
} desk;

/* One thing for a handler to note. */
typedef struct note {
    desk *desk;
    char letter;
} note;

void desk_open(desk *d);
void desk_close(desk *d);
/* Purpose: the note of a letter, in memory that lasts as long as the program. */
note *note_of(desk *d, char letter);
void write_note(void *user);                        /* a yoton_event_fn; user is a note */
void write_note_signal(void *argument, void *user); /* a yoton_signal_fn: letter and argument */
/* Purpose: have the letter noted later. */
void later(desk *d, double seconds, char letter);
/* Purpose: process until so many letters are there, and compare them; they are gone then. */
void expect_notes(desk *d, const char *notes);
/* Purpose: the same for what must have been made within a time to come in this order: where the
 * machine took longer, they are not compared. Returns whether they were. */
bool expect_notes_of(desk *d, const char *notes, double since, double within);
/* Purpose: compare what is there without processing; it is gone then. */
void had_notes(desk *d, const char *notes);
/* Purpose: process without waiting, and compare the letters. Returns the number of calls. */
int process_now(desk *d, const char *notes);

/* Opens once. Waiting for it fails the test at the deadline. */
typedef struct gate {
    uv_mutex_t lock;
    uv_cond_t changed;
    bool open;
} gate;

void gate_init(gate *g);
void gate_done(gate *g);
void gate_open(gate *g);
void gate_wait(gate *g);
bool gate_is_open(gate *g);

/* Purpose: wait until a thread waits in the event loop, or the gate opens (may be NULL). */
void await_waiting(yoton_events *events, gate *or_gate);

#endif
