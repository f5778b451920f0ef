/* SPDX-License-Identifier: BSD-2-Clause */
/* What the cases of request and reply share: the words of a negotiation, requests and replies. */
#ifndef YOTONSPEC_CASES_NEGOTIATION_H
#define YOTONSPEC_CASES_NEGOTIATION_H

#include "engine/case.h"

#define NEGOTIATION (UINT64_C(1) << 63) /* REQREP-2 */
#define ERROR_MARK "yoton_ERROR_HANDLING_REQUEST"

/* ---- The other side of the peer's channel, on an end of the harness ---- */

/* Purpose: say a word of the negotiation of request `id` on the channel's incoming slot, to context
 * `dest` (0: everybody), as the end's own context or as `source` behind it. */
void say(end *e, const channel *c, uint64_t dest, uint64_t id, const char *word);
void say_as(end *e, const channel *c, uint64_t source, uint64_t seq, uint64_t dest, uint64_t id,
            const char *word);
/* Purpose: send a coded object with the id itself in dest_seq: a request, or a reply. */
void hand(end *e, const channel *c, uint64_t dest, uint64_t id, const void *object, size_t size);

/* Purpose: the next package but repeated offers must be this word / this object on the channel's
 * outgoing slot, from the peer's context. */
void expect_word(end *e, const channel *c, uint64_t dest, uint64_t id, const char *word);
const item *expect_object(end *e, const channel *c, uint64_t dest, uint64_t id, const void *object,
                          size_t size);

/* Purpose: the next package but repeated offers, on the channel's outgoing slot; fails when none
 * comes or something else does. */
const item *next_of(end *e, const channel *c, const char *what);

/* ---- Objects ---- */

typedef struct bytes {
    uint8_t data[512];
    size_t size;
} bytes;

bytes object_none(void);
bytes object_integer(int64_t number);
bytes object_float(double number);
bytes object_text(const char *text);
bytes object_tuple(size_t count, const bytes *items);
/* Purpose: the request of REQREP-7 for `method` with these positional arguments. */
bytes object_request(const char *method, size_t count, const bytes *args);
/* Purpose: the result of the peer's echo of a value: REQREP-25. */
bytes object_echoed(const end *e, const bytes *value);

/* Purpose: have the peer's echo called with an integer, directly, and get its answer; what came
 * before it in the queue of the replier is done then. */
void ask_echo(end *e, const channel *rep, uint64_t id);
void expect_echo(end *e, const channel *rep, uint64_t id);
/* Purpose: the reply to request `id` must be a failure with a message. */
void expect_error_reply(end *e, const channel *rep, uint64_t id);

/* ---- The peer's own requests ---- */

/* Purpose: have the peer call echo(number). Returns the adapter's name of the future. */
const char *call_echo(channel *req, int number);
/* Purpose: wait for the result, which must be this integer. */
void expect_result(tester *t, const char *future, int number);
/* Purpose: what the adapter says of the future within the seconds. */
json_t *result_of(tester *t, const char *future, double seconds);

#endif
