/* SPDX-License-Identifier: BSD-2-Clause */
/* What cases about slow readers share: an end that takes nothing while the peer has more to send
 * than the system will buffer for it. */
#ifndef YOTONSPEC_STALLED_H
#define YOTONSPEC_STALLED_H

#include "engine/case.h"

/* Makes a connection, stops taking bytes from it, and has the peer publish one text on `pub` that
 * is larger than what the system buffers. Returns when the peer's send has returned and the text
 * is on its way; fails when that does not happen. end_hold(e, false) lets everything come. */
end *stalled_end(tester *t, channel *pub);

#endif
