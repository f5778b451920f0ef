/* SPDX-License-Identifier: BSD-2-Clause */
/* Error codes shared by every floor of the library. */
#ifndef YOTON_ERROR_H
#define YOTON_ERROR_H

#include <math.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Every function that can fail returns one of these; 0 is success and errors are negative.
 * Numbers are stable: new ones are added at the end. */
enum yoton_error {
    YOTON_OK = 0,
    YOTON_E_MORE = -1,        /* not an error yet: the bytes so far are good, more are needed */
    YOTON_E_NOMEM = -2,       /* an allocation failed; nothing was changed */
    YOTON_E_ARGUMENT = -3,    /* an argument is outside what the function documents */
    YOTON_E_CONTROL = -4,     /* control bytes are wrong: track of the stream is lost */
    YOTON_E_LENGTH = -5,      /* a length or count is above the limit, or runs past the end */
    YOTON_E_NOT_YOTON = -6,   /* handshake line does not start with "YOTON!" */
    YOTON_E_HANDSHAKE = -7,   /* handshake line starts well but is malformed */
    YOTON_E_LINE = -8,        /* line longer than the limit */
    YOTON_E_SELF = -9,        /* the other end announced our own id */
    YOTON_E_TYPE = -10,       /* object: unknown type byte */
    YOTON_E_UTF8 = -11,       /* text is not well-formed UTF-8 */
    YOTON_E_DEPTH = -12,      /* object nested deeper than the limit */
    YOTON_E_KEY = -13,        /* object: a list or dict used as a dictionary key */
    YOTON_E_SPACE = -14,      /* the caller's memory is too small */
    YOTON_E_ADDRESS = -15,    /* address does not parse */
    YOTON_E_CLOSED = -16,     /* connection or channel is closed */
    YOTON_E_TIMEOUT = -17,    /* the time given passed first */
    YOTON_E_EOF = -18,        /* the other end dropped the connection */
    YOTON_E_SLOT_TAKEN = -19, /* the context has a channel at that slot already */
    YOTON_E_SYSTEM = -20,     /* the operating system refused; errno says why */
    YOTON_E_CONNECT = -21,    /* nobody accepted the connection in time */
    YOTON_E_STATE = -22,      /* not possible in the present state of the object */
    YOTON_E_FULL = -23,       /* a bounded queue or table is full */
    YOTON_E_CANCELLED = -24,  /* the request was cancelled */
    YOTON_E_REMOTE = -25      /* the replier answered with an error */
};

/* Purpose: one line of English for an error code, for logs and messages.
 * Returns a static string, never NULL; for a number that is no error code, "unknown error". */
const char *yoton_strerror(int error);

#define YOTON_FOREVER ((double)INFINITY) /* as a time to wait in seconds: no limit */

/* Purpose: the last failure of a function of the floors with threads (contexts, channels, events,
 * clients and servers) in the calling thread, in one line: what failed, where, why, what to do.
 * The text is valid until the next failure in this thread. Never NULL. */
const char *yoton_error_text(void);

#ifdef __cplusplus
}
#endif
#endif
