/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of a context, shared by its files: loop.c (the thread), stream.c (one socket with its
 * link), host.c (listening), dial.c (connecting), connection.c, context.c, channel.c, message.c,
 * future.c, rep.c, resolve.c and report.c.
 *
 * One lock guards everything that belongs to a context. Functions are marked: [locked] wants the
 * lock held, [loop] wants it held by the context's own thread. libuv is only touched in [loop]. */
#ifndef YOTON_CONTEXT_INTERNAL_H
#define YOTON_CONTEXT_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include "channels/channel.h"
#include "context/events.h"
#include "yoton/yoton.h"

#define CONTEXT_NEW_CONNECTION "NEW_CONNECTION"           /* CTX-1, CTX-3 */
#define REQUEST_ERROR_MARK "yoton_ERROR_HANDLING_REQUEST" /* REQREP-19 */
#define READ_ROOM ((size_t)256 * 1024)

/* ---- report.c: what went wrong, in words ---- */

/* Purpose: keep one line for yoton_error_text. Returns error. */
int report_error(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Purpose: the usual line for an error that has no more to tell. Returns error. */
int report_plain(int error, const char *what);
/* Purpose: the line for what libuv or the system says, a negated errno. Returns YOTON_E_SYSTEM or
 * YOTON_E_NOMEM. */
int report_system(int system, const char *what);

/* ---- resolve.c: addresses to sockets' addresses ---- */

typedef struct endpoints {
    size_t count;
    struct sockaddr_storage list[8];
} endpoints;

/* Purpose: the addresses that `text` names, resolved. May wait for the system's resolver: call it
 * without the lock. Returns YOTON_OK or an error that is reported already. */
int resolve(const char *what, const char *text, endpoints *found);
socklen_t endpoint_size(const struct sockaddr_storage *endpoint);
void endpoint_set_port(struct sockaddr_storage *endpoint, uint16_t port);
uint16_t endpoint_port(const struct sockaddr_storage *endpoint);
/* Purpose: the numeric form. */
void endpoint_text(const struct sockaddr_storage *endpoint, char host[YOTON_ENDPOINT_ROOM]);
/* Purpose: a TCP socket that never waits. Returns it, or -1 with errno set. */
int socket_open(int family);
int socket_make_nonblocking(int fd);

/* ---- loop.c: the thread and what it owes to others ---- */

/* Something to be told to the user from the context's thread, with no lock held. Embedded in its
 * owner, so that telling never needs memory. While listed it holds a reference to the owner. */
typedef struct notice {
    struct notice *next;
    bool listed;
    void (*tell)(struct notice *notice);
    void (*take)(struct notice *notice);
    void (*drop)(struct notice *notice);
} notice;

struct stream;
struct host;
struct dial;

struct yoton_context {
    atomic_size_t references; /* of the user, connections and channels */
    yoton_options options;    /* without zeros, where zero means a default */
    uint64_t id;
    uint64_t pid;

    uv_mutex_t lock;
    uv_cond_t changed; /* something that a waiting thread may look for */
    size_t waiting_threads;

    yoton_node *node;
    yoton_queue *startup;     /* CTX-7 */
    yoton_connection *oldest; /* connections not closed yet */
    yoton_connection *newest;
    size_t connection_count;
    yoton_channel **channels; /* open ones, by incoming slot */
    size_t channel_count;
    size_t channel_room;

    bool stopping; /* the context is being freed */
    uv_loop_t loop;
    uv_thread_t thread;
    uv_async_t wake;
    yoton_connection *kicked_first; /* have work for the loop */
    yoton_connection *kicked_last;
    notice *notice_first;
    notice *notice_last;
    notice *turn_last; /* the last that the event loop tells in this turn */
    notice *telling;
    uv_thread_t teller;     /* the thread that tells it */
    event told;             /* tells the notices from the event loop, where there is one */
    struct stream *streams; /* all that are open, draining ones too */
    uv_timer_t channels_timer;
    yoton_time channels_due;   /* when channels want to be looked after, or earlier */
    yoton_time channels_armed; /* when the timer fires */
    uint8_t *read_buffer;
};

struct yoton_connection {
    atomic_size_t references;
    yoton_context *context; /* counted */
    yoton_connection *older;
    yoton_connection *newer;
    bool listed; /* in the context's list, which holds a reference */
    yoton_connection *next_kicked;
    bool kicked;

    yoton_connection_state state;
    char name[YOTON_NAME_ROOM];
    char host1[YOTON_ENDPOINT_ROOM];
    char host2[YOTON_ENDPOINT_ROOM];
    uint16_t port1;
    uint16_t port2;
    yoton_hello other; /* zeros before the handshake */
    yoton_time timeout;
    bool timed_out;
    char reason[YOTON_REASON_ROOM];
    bool give_up; /* close without a word */

    yoton_queue *waiting; /* CTX-8: packages before the peer came */
    int listen_fd;        /* to be taken over by `host` */
    struct host *host;
    struct dial *dial;
    struct stream *stream; /* the one that is connected */
    bool closing_begun;

    notice notice;
    yoton_connected_fn on_connected;
    void *connected_user;
    bool was_connected;
    bool told_connected;
    yoton_closed_fn on_closed;
    void *closed_user;
    bool told_closed;
    yoton_timedout_fn on_timedout;
    void *timedout_user;
    bool told_timed_out; /* the last that was told */
};

struct rep;

struct yoton_channel {
    atomic_size_t references;
    yoton_context *context; /* counted */
    channel machine;
    bool closed;
    uv_cond_t arrived; /* messages, the end of a future, work for the thread of a rep channel */
    size_t waiting_threads;
    notice notice;
    yoton_received_fn on_received;
    void *received_user;
    uint64_t selected; /* yoton_recv_selected takes what has a lower recv_seq */
    struct rep *rep;   /* the executor of a rep channel */
};

/* Purpose: start and end the thread; loop_start reports what fails, loop_stop closes the channels
 * and all sockets. Not [locked]. */
int loop_start(yoton_context *context);
void loop_stop(yoton_context *context);
bool on_loop_thread(const yoton_context *context);
/* Purpose: have the loop look at what it is to do. [locked] */
void wake_loop(yoton_context *context);
/* Purpose: whether nobody tells notices any more: the context is freed. [locked] */
bool nobody_serves(const yoton_context *context);
/* Purpose: have connection_service called by the loop. [locked] */
void kick(yoton_connection *connection);
/* Purpose: have the notice told. [locked] */
void notify(yoton_context *context, notice *notice);
/* Purpose: wait until the notice is not being told, unless this is the thread that tells. [locked]
 */
void notice_settle(yoton_context *context, const notice *notice);
/* Purpose: wait for a change. Returns false when the deadline passed first. [locked] */
bool wait_change(yoton_context *context, yoton_time deadline);
void tell_change(yoton_context *context); /* [locked] */
/* Purpose: a moment `seconds` from now; YOTON_NEVER for what lies beyond the clock. */
yoton_time moment_in(double seconds);
yoton_time span_of(double seconds);
/* Purpose: start a libuv timer for a moment on uv_hrtime's clock. [loop] */
void timer_at(uv_timer_t *timer, uv_timer_cb call, yoton_time when);
/* Purpose: take the lock at the start of a libuv callback; serve what came up, tell what is to be
 * told and give the lock back at its end. */
void loop_enter(yoton_context *context);
void loop_leave(yoton_context *context);

/* ---- stream.c: one socket with its link ---- */

typedef enum stream_phase {
    STREAM_DIALING,   /* the system connects */
    STREAM_SHAKING,   /* the link shakes hands */
    STREAM_CONNECTED, /* the stream of its connection */
    STREAM_DRAINING   /* our half is ended; what still comes is discarded */
} stream_phase;

typedef struct stream {
    uv_poll_t poll;
    uv_timer_t timer;
    int handles; /* of libuv, still open */
    int fd;
    yoton_connection *connection; /* counted */
    yoton_link *link;             /* NULL while dialing or draining */
    stream_phase phase;
    int polled;       /* what is being watched for */
    bool blocked;     /* the system takes no more bytes for now */
    bool broken;      /* writing failed: only reading can tell what happened */
    bool ended;       /* the other end will send no more */
    bool heard;       /* a byte came */
    yoton_time armed; /* when the timer fires */
    yoton_time drained;
    struct stream *older; /* in the context's list */
    struct stream *newer;
} stream;

/* Purpose: watch a socket, which is taken over and closed on failure. NULL when memory is short. */
stream *stream_new(yoton_connection *connection, int fd); /* [loop] */
/* Purpose: start the handshake. Returns false when memory is short. [loop] */
bool stream_shake(stream *stream, yoton_role role);
/* Purpose: let time pass, write what is to be written, watch for what comes. [loop] */
void stream_pump(stream *stream);
/* Purpose: close the socket now; the stream must not be used any more. [loop] */
void stream_close(stream *stream);
/* Purpose: end our half, discard what comes, close then. LINK-16, HS-21 [loop] */
void stream_drain(stream *stream);
/* Purpose: 1 when nothing waits to be given to the system. [locked] */
bool stream_idle(const stream *stream);

/* ---- host.c ---- */

typedef struct host {
    uv_poll_t poll;
    uv_timer_t pause;
    int handles;
    int fd;
    yoton_connection *connection; /* counted */
    bool polling;
    bool paused;
    size_t count;
    stream *candidates[]; /* options.max_candidates of room; draining ones too */
} host;

/* Purpose: a listening socket at one of the ports. Returns it, or -1 with the error reported. */
int host_listen(const char *address, endpoints *at, int max_tries, int *error);
bool host_start(yoton_connection *connection); /* [loop] */
/* Purpose: stop listening and close all candidates but `winner` (may be NULL). [loop] */
void host_stop(yoton_connection *connection, const stream *winner);
/* Purpose: a candidate has failed; how the link ended is in the event. [loop] */
void host_candidate_down(stream *candidate, const yoton_link_event *event);
/* Purpose: a stream of this connection is closed; its place is free. [loop] */
void host_forget(yoton_connection *connection, const stream *gone);

/* ---- dial.c ---- */

typedef struct dial {
    uv_timer_t timer; /* the deadline, or the next attempt */
    int handles;      /* 1 once the timer is open */
    endpoints to;
    size_t next;
    yoton_time deadline;
    stream *attempt;
    bool over; /* the outcome is in `error` */
    int error;
    int system; /* errno of the last attempt */
    char why[YOTON_REASON_ROOM];
} dial;

void dial_start(yoton_connection *connection);                  /* [loop] */
void dial_answered(stream *attempt);                            /* the socket is writable [loop] */
void dial_timer(yoton_connection *connection);                  /* [loop] */
void dial_up(yoton_connection *connection);                     /* the handshake is done [loop] */
void dial_down(stream *attempt, const yoton_link_event *event); /* it failed [loop] */
void dial_end(yoton_connection *connection, int error, const char *why); /* [loop] */

/* ---- connection.c ---- */

yoton_connection *connection_new(yoton_context *context, const char *name);
/* Purpose: put it into / take it out of the context's list. [locked] */
void connection_list(yoton_connection *connection);
void connection_unlist(yoton_connection *connection);
bool connection_alive(const yoton_connection *connection);     /* [locked] */
bool connection_connected(const yoton_connection *connection); /* [locked] */
/* Purpose: queue a package on a connection that is alive. Returns 0 or more, or YOTON_E_NOMEM.
 * [locked] */
int connection_push(yoton_connection *connection, yoton_package *package);
/* Purpose: do what is to be done. [loop] */
void connection_service(yoton_connection *connection);
/* Purpose: what a stream of this connection tells. Returns false when the stream is not to be used
 * any more. [loop] */
bool connection_event(stream *stream, yoton_link_event *event);
/* Purpose: begin to close, in the nice way or by giving up. [locked] */
void connection_begin_close(yoton_connection *connection, const char *reason, bool give_up);
/* Purpose: it is over: close what is open and tell. The stream is left to the caller. [loop] */
void connection_end(yoton_connection *connection, const char *reason);

/* ---- context.c ---- */

/* Purpose: give an own package its number and send it on every connection that is alive, or keep it
 * for the first one. Returns YOTON_OK, or YOTON_E_NOMEM when not all could queue it. [locked] */
int context_send(yoton_context *context, yoton_package *package);
/* Purpose: a package arrived on a connection; its reference is taken over. [locked] */
void context_receive(yoton_context *context, yoton_connection *from, yoton_package *package);
/* Purpose: move what waited in the context to its first connection. [locked] */
void context_empty_startup(yoton_context *context, yoton_connection *first);
void context_unref(yoton_context *context);
void context_log(const yoton_context *context, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- channel.c ---- */

/* Purpose: hand a package to the channel that listens at its slot. [locked] */
void channel_deposit(yoton_context *context, yoton_package *package);
/* Purpose: another context has come into the network. [locked] */
void channels_newcomer(yoton_context *context);
void channels_close(yoton_context *context); /* [locked] */
/* Purpose: have the channel looked after at its deadline. [locked] */
void channel_schedule(yoton_channel *channel);
void channels_timer(uv_timer_t *timer); /* [loop] */
yoton_channel *channel_ref(yoton_channel *channel);
void channel_unref(yoton_channel *channel);
/* Purpose: wait on the channel's condition. Returns false when the deadline passed. [locked] */
bool channel_wait(yoton_channel *channel, yoton_time deadline);
/* Purpose: wake all who wait there. [locked] */
void channel_wake(yoton_channel *channel);
/* Purpose: wait while too much waits to be sent; never holds the loop itself up. LIMIT-4 [locked]
 */
void channel_turn(yoton_channel *channel);
/* Purpose: whether a payload of so many bytes may be sent: other ends would drop the connection for
 * one above LIMIT-2, and no queue takes one above LIMIT-3. */
bool channel_fits(const yoton_channel *channel, size_t size);
/* Purpose: the usual line for a failure on this channel. Returns error. */
int channel_report(const yoton_channel *channel, const char *what, int error);

/* ---- future.c ---- */

/* Purpose: the package has taken the request a step further; it is its reply when it is over.
 * [locked] */
void future_step(request *request, yoton_package *package);
/* Purpose: its time is over and it is cancelled. [locked] */
void future_cancelled(request *request);
/* Purpose: the channel is closed: end what has not ended. [locked] */
void futures_close(yoton_channel *channel);

/* ---- rep.c ---- */

/* Purpose: make the executor of a rep channel, with its echo. NULL when memory is short. */
struct rep *rep_new(yoton_channel *channel);
void rep_free(struct rep *rep);
/* Purpose: there is work for the executor. [locked] */
void rep_wake(yoton_channel *channel);
/* Purpose: the channel is closed: wait until no method runs, unless called from one; take
 * everything of it out of the event loop. Not [locked]. */
void rep_settle(yoton_channel *channel);

#endif
