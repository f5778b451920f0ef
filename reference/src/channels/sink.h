/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the machines of channels put the packages they make. */
#ifndef YOTON_CHANNEL_SINK_H
#define YOTON_CHANNEL_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "yoton/package.h"

/* The words of a negotiation carry the request id plus 2^63: REQREP-2. */
#define NEGOTIATION (UINT64_C(1) << 63)

typedef struct channel_sink {
    /* Takes a package of our own that has no number yet; the reference stays the caller's. Returns
     * YOTON_OK, or YOTON_E_NOMEM when it could not be queued wherever it has to go. */
    int (*send)(void *user, yoton_package *package);
    /* Whether anybody is connected. What nobody hears is not repeated: it would only fill the queue
     * of what waits for the first connection. */
    int (*heard)(void *user);
    void *user;
} channel_sink;

/* Purpose: make a package and put it there. header->length is set from size.
 * Returns YOTON_OK, or YOTON_E_NOMEM: it is not sent, or not to all. */
int channel_sink_send(const channel_sink *sink, yoton_header header, const void *payload,
                      size_t size);

/* Purpose: the same with a word for payload. A word there is no memory for is not said: words are
 * repeated, or run out of time. */
void channel_sink_say(const channel_sink *sink, yoton_header header, const char *word);

/* Purpose: whether the payload is exactly this word. */
int package_is_word(yoton_package *package, const char *word);

#endif
