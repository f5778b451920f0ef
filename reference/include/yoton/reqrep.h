/* SPDX-License-Identifier: BSD-2-Clause */
/* Request and reply: a req channel has a method called at the first rep channel of the same slot
 * that is free, and gets its result as a future.
 *
 * What channels.h says of threads, times, callbacks and errors holds here too. */
#ifndef YOTON_REQREP_H
#define YOTON_REQREP_H

#include <stddef.h>
#include <stdint.h>

#include "yoton/channels.h"
#include "yoton/object.h"

#ifdef __cplusplus
extern "C" {
#endif

#define YOTON_AUTO_CANCEL_DEFAULT 10.0 /* seconds: REQREP-12 */

/* The future result of a request; a handle counted by references. A request goes on without any. */
typedef struct yoton_future yoton_future;

/* Purpose: have a method called. method is its name, UTF-8 ended by NUL; args (may be NULL: none) a
 * list or tuple, kwargs (may be NULL: none) a dictionary with strings as keys; both are copied.
 * *future (may be NULL when the result is of no interest) receives a reference that the caller
 * owns. Returns YOTON_OK, YOTON_E_STATE (not a req channel), YOTON_E_ARGUMENT (args or kwargs of
 * another type), YOTON_E_UTF8, YOTON_E_CLOSED, YOTON_E_LENGTH (above the limit of packages),
 * YOTON_E_NOMEM, or what yoton_object_size returns. REQREP-1 to REQREP-8. */
int yoton_call(yoton_channel *req, const char *method, const yoton_value *args,
               const yoton_value *kwargs, yoton_future **future);

yoton_future *yoton_future_ref(yoton_future *future);
void yoton_future_unref(yoton_future *future); /* NULL is fine */

/* Purpose: the number of the request (REQREP-1), 0 for one made by yoton_future_new. */
uint64_t yoton_future_id(const yoton_future *future);

/* Purpose: wait for the result, up to `timeout` seconds (YOTON_FOREVER: without limit; on the
 * context's own thread: not at all). *result receives a pointer that is valid while the caller
 * holds its reference. Returns YOTON_OK, YOTON_E_TIMEOUT, YOTON_E_CANCELLED, YOTON_E_REMOTE when
 * the method failed (yoton_future_exception says how) or the reply was malformed, YOTON_E_CLOSED
 * when the channel was closed meanwhile, or YOTON_E_NOMEM: the request could not be sent, or the
 * reply not be decoded now (asking again tries again). */
int yoton_future_result(yoton_future *future, double timeout, const yoton_value **result);

/* Purpose: the same, but when the time passes the request is cancelled.
 * Returns what yoton_future_result returns; YOTON_E_CANCELLED when it was cancelled for that,
 * YOTON_E_TIMEOUT when it runs and could not be. */
int yoton_future_result_or_cancel(yoton_future *future, double timeout, const yoton_value **result);

/* Purpose: wait for the end and get the message of the failure, or NULL when it did not fail. The
 * text (UTF-8) is valid while the caller holds its reference.
 * Returns YOTON_OK, YOTON_E_TIMEOUT, YOTON_E_CANCELLED or YOTON_E_NOMEM. REQREP-19. */
int yoton_future_exception(yoton_future *future, double timeout, const char **message);

/* Purpose: cancel the request unless a replier has it. Returns 1 when it is cancelled now (or was
 * before), 0 when it runs or is done. REQREP-11, REQREP-13. */
int yoton_future_cancel(yoton_future *future);

/* Purpose: 1 when it was cancelled / when a replier has it / when it was cancelled or has its
 * result. Else 0. */
int yoton_future_cancelled(yoton_future *future);
int yoton_future_running(yoton_future *future);
int yoton_future_done(yoton_future *future);

/* Purpose: cancel it by itself when no replier took it within `seconds` from its call on
 * (YOTON_FOREVER: never); 10 s unless set. Returns YOTON_OK or YOTON_E_ARGUMENT (negative or not a
 * number). REQREP-12. */
int yoton_future_set_auto_cancel_timeout(yoton_future *future, double seconds);

/* Purpose: have fn called, once, when the future is done: in the order of adding, from where
 * callbacks run, or at once in this thread when it is done already. The future is kept until then.
 * When its context is freed, it is called from there or by who ends the future.
 * Returns YOTON_OK, YOTON_E_ARGUMENT (fn is NULL) or YOTON_E_NOMEM. */
typedef void (*yoton_done_fn)(yoton_future *future, void *user);
int yoton_future_add_done_callback(yoton_future *future, yoton_done_fn fn, void *user);

/* ---- For executors and tests: a future of their own ---- */

/* Purpose: make a future that no request belongs to; the next three bring it to its end. *future
 * receives a reference that the caller owns.
 * Returns YOTON_OK, YOTON_E_STATE (not a req channel) or YOTON_E_NOMEM. */
int yoton_future_new(yoton_channel *req, yoton_future **future);

/* Purpose: say that the work begins. Returns 1: it runs now; 0: it was cancelled; YOTON_E_STATE: it
 * runs or is done already, or it belongs to a request. */
int yoton_future_set_running_or_notify_cancel(yoton_future *future);

/* Purpose: give it its result (what *result holds moves into it, and *result becomes None) or its
 * failure (the message is copied). Returns YOTON_OK, YOTON_E_STATE (done already, or it belongs to
 * a request) or YOTON_E_NOMEM. */
int yoton_future_set_result(yoton_future *future, yoton_value *result);
int yoton_future_set_exception(yoton_future *future, const char *message);

/* ---- Rep channels ---- */

/* Purpose: a method that requesters may call. args is a list or tuple of the positional arguments,
 * kwargs a dictionary of the named ones (keys are strings). *result (None when called) receives the
 * result, which the library clears. Returns YOTON_OK; any other number is a failure, whose message
 * is *result if that is a string, else yoton_strerror of the number. REQREP-18, REQREP-19. */
typedef int (*yoton_method_fn)(yoton_channel *rep, const yoton_value *args,
                               const yoton_value *kwargs, yoton_value *result, void *user);

/* Purpose: offer a method under a name (UTF-8 ended by NUL), in place of one of that name; fn NULL
 * takes it away. Of itself a rep channel offers `echo` (REQREP-25). Methods of one channel are
 * called one at a time. Returns YOTON_OK, YOTON_E_STATE (not a rep channel), YOTON_E_UTF8 or
 * YOTON_E_NOMEM. REQREP-21. */
int yoton_rep_set_method(yoton_channel *rep, const char *name, yoton_method_fn fn, void *user);

typedef enum yoton_rep_mode {
    YOTON_REP_OFF,   /* answers nothing; what comes is kept, as far as the queue goes */
    YOTON_REP_EVENT, /* methods are called from yoton_process_events of the context's event loop */
    YOTON_REP_THREAD /* methods are called in a thread of the channel */
} yoton_rep_mode;

/* Purpose: set how requests are handled; off until set. A method that runs is finished and
 * answered. Returns YOTON_OK, YOTON_E_STATE (not a rep channel, or mode event without the option
 * `events`), YOTON_E_ARGUMENT, YOTON_E_CLOSED or YOTON_E_SYSTEM (no thread to be had). REQREP-24.
 */
int yoton_rep_set_mode(yoton_channel *rep, yoton_rep_mode mode);
yoton_rep_mode yoton_rep_get_mode(yoton_channel *rep);

#ifdef __cplusplus
}
#endif
#endif
