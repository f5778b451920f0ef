/* SPDX-License-Identifier: BSD-2-Clause */
/* What a state channel holds: the last message that was set or came. */
#ifndef YOTON_CHANNEL_STATE_H
#define YOTON_CHANNEL_STATE_H

#include <stdbool.h>

#include "yoton/package.h"

typedef struct state_cell {
    yoton_package *current; /* NULL before any state; counted */
} state_cell;

void state_cell_clear(state_cell *cell);

/* Purpose: set the state; the cell takes a reference of its own. Returns whether it is another than
 * the current one, and is to be sent. */
bool state_cell_set(state_cell *cell, yoton_package *package);

/* Purpose: a state came; the cell takes a reference of its own. */
void state_cell_arrive(state_cell *cell, yoton_package *package);

/* Purpose: the current state as a package of our own, not yet numbered; the reference is the
 * caller's. *package is NULL when there is no state. Returns YOTON_OK or YOTON_E_NOMEM. */
int state_cell_again(const state_cell *cell, yoton_package **package);

#endif
