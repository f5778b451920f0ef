/* SPDX-License-Identifier: BSD-2-Clause */
/* State: one message shared by all state channels of a slot. yoton_send_text and its like set it,
 * yoton_recv gets it; what channels.h says of threads, times and errors holds here too. */
#ifndef YOTON_STATE_H
#define YOTON_STATE_H

#include "yoton/channels.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Purpose: send the current state again; nothing when there is none. Contexts that come into the
 * network cause it by themselves (STATE-5).
 * Returns YOTON_OK, YOTON_E_STATE (not a state channel), YOTON_E_CLOSED or YOTON_E_NOMEM. */
int yoton_state_send_last(yoton_channel *state);

#ifdef __cplusplus
}
#endif
#endif
