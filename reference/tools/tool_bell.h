/* SPDX-License-Identifier: BSD-2-Clause */
/* What a command waits for in its main thread: something rang (a callback of the library, a signal
 * of the system), input has come, the reader of the output has gone, or a time is over. One of it
 * in a process. */
#ifndef YOTON_TOOLS_BELL_H
#define YOTON_TOOLS_BELL_H

#include <stdbool.h>

enum { /* bits */
       BELL_RANG = 1,
       BELL_INPUT = 2,      /* standard input can be read */
       BELL_OUTPUT_GONE = 4 /* nobody reads standard output any more */
};

#define BELL_NEVER 1e300 /* a moment that does not come */

/* Purpose: make it, and have SIGINT, SIGTERM and SIGHUP ring it; a second one ends the process at
 * once. SIGPIPE is ignored from then on. Returns 0, or -1 with errno set. */
int bell_open(void);

/* Purpose: ring it, from any thread. */
void bell_ring(void);

/* Purpose: the signal that asked the process to end; 0 for none yet. */
int bell_signal(void);

/* Purpose: now, on the clock that moments are of; in seconds. */
double bell_now(void);

/* Purpose: wait until the moment has come or something happened, of the bits in `what` (BELL_RANG
 * always counts). Returns the bits of what happened; 0 when the moment came first. */
int bell_wait(double moment, int what);

#endif
