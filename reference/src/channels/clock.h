/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef YOTON_CHANNEL_CLOCK_H
#define YOTON_CHANNEL_CLOCK_H

#include "yoton/link.h"

/* Purpose: a moment later; YOTON_NEVER for what lies beyond the clock. */
static inline yoton_time clock_after(yoton_time now, yoton_time span) {
    return now > YOTON_NEVER - span ? YOTON_NEVER : now + span;
}

/* Purpose: how long ago it was; 0 for what is still to come, as a clock read earlier sees it. */
static inline yoton_time clock_since(yoton_time now, yoton_time then) {
    return now > then ? now - then : 0;
}

#endif
