/* SPDX-License-Identifier: BSD-2-Clause */
/* The context's thread. Others hand it work by kicking a connection; it hands back what is to be
 * told by notices. */
#include <signal.h>
#include <stdlib.h>

#include "context/internal.h"

yoton_time span_of(double seconds) {
    if (!(seconds > 0))
        return 0;
    double nanoseconds = seconds * 1e9;
    return nanoseconds < 9e18 ? (yoton_time)nanoseconds : YOTON_NEVER;
}

yoton_time moment_in(double seconds) {
    yoton_time now = uv_hrtime();
    yoton_time span = span_of(seconds);
    return span < YOTON_NEVER - now ? now + span : YOTON_NEVER;
}

bool wait_change(yoton_context *context, yoton_time deadline) {
    bool in_time = true;
    context->waiting_threads++;
    if (deadline == YOTON_NEVER) {
        uv_cond_wait(&context->changed, &context->lock);
    } else {
        yoton_time now = uv_hrtime();
        in_time = now < deadline;
        if (in_time)
            uv_cond_timedwait(&context->changed, &context->lock, deadline - now);
    }
    context->waiting_threads--;
    return in_time;
}

void tell_change(yoton_context *context) {
    if (context->waiting_threads > 0)
        uv_cond_broadcast(&context->changed);
}

/* The context whose thread this is. */
static _Thread_local const yoton_context *own;

bool on_loop_thread(const yoton_context *context) { return own == context; }

/* Once the thread is about to end, nobody else can have it do anything. */
bool nobody_serves(const yoton_context *context) {
    return context->stopping && !on_loop_thread(context);
}

void wake_loop(yoton_context *context) {
    if (!on_loop_thread(context) && !nobody_serves(context)) /* it looks again before it waits */
        uv_async_send(&context->wake);
}

void kick(yoton_connection *connection) {
    yoton_context *context = connection->context;
    if (connection->kicked || nobody_serves(context))
        return;
    connection->kicked = true;
    connection->next_kicked = NULL;
    yoton_connection_ref(connection);
    if (context->kicked_last != NULL)
        context->kicked_last->next_kicked = connection;
    else
        context->kicked_first = connection;
    context->kicked_last = connection;
    wake_loop(context);
}

void notify(yoton_context *context, notice *notice) {
    if (notice->listed || nobody_serves(context))
        return;
    notice->listed = true;
    notice->next = NULL;
    notice->take(notice);
    if (context->notice_last != NULL)
        context->notice_last->next = notice;
    else
        context->notice_first = notice;
    context->notice_last = notice;
    wake_loop(context);
}

void notice_settle(yoton_context *context, const notice *notice) {
    uv_thread_t self = uv_thread_self();
    while (context->telling == notice && !uv_thread_equal(&context->teller, &self))
        wait_change(context, YOTON_NEVER);
}

void timer_at(uv_timer_t *timer, uv_timer_cb call, yoton_time when) {
    yoton_time now = uv_hrtime();
    yoton_time left = when > now ? when - now : 0;
    uv_update_time(timer->loop);
    uv_timer_start(timer, call, (left + YOTON_MS - 1) / YOTON_MS, 0);
}

static void serve_kicked(yoton_context *context) {
    yoton_connection *connection;
    while ((connection = context->kicked_first) != NULL) {
        context->kicked_first = connection->next_kicked;
        if (context->kicked_first == NULL)
            context->kicked_last = NULL;
        connection->kicked = false;
        connection_service(connection);
        yoton_connection_unref(connection);
    }
}

static void tell_next(yoton_context *context) {
    notice *notice = context->notice_first;
    context->notice_first = notice->next;
    if (context->notice_first == NULL)
        context->notice_last = NULL;
    notice->listed = false;
    context->telling = notice;
    context->teller = uv_thread_self();
    uv_mutex_unlock(&context->lock);
    notice->tell(notice);
    uv_mutex_lock(&context->lock);
    context->telling = NULL;
    tell_change(context);
    uv_mutex_unlock(&context->lock);
    notice->drop(notice); /* may be the last reference */
    uv_mutex_lock(&context->lock);
}

/* One notice an event, so that timers and a stop of the event loop come between them. Those listed
 * by now are told in this turn, those that are added meanwhile in the next. */
static void tell_from_events(event *event) {
    yoton_context *context = (void *)((char *)event - offsetof(yoton_context, told));
    uv_mutex_lock(&context->lock);
    if (context->turn_last == NULL)
        context->turn_last = context->notice_last;
    bool last = context->notice_first == context->turn_last;
    if (last)
        context->turn_last = NULL;
    if (context->notice_first != NULL)
        tell_next(context);
    bool more = context->notice_first != NULL;
    uv_mutex_unlock(&context->lock);
    if (more && last)
        events_post(context->options.events, event);
    else if (more)
        events_post_front(context->options.events, event);
}

static void tell_the_rest(yoton_context *context) {
    uv_mutex_lock(&context->lock);
    while (context->notice_first != NULL)
        tell_next(context);
    uv_mutex_unlock(&context->lock);
}

static void arm_channels(yoton_context *context) {
    if (context->channels_due >= context->channels_armed ||
        uv_is_closing((uv_handle_t *)&context->channels_timer))
        return; /* the timer fires earlier, and then looks again */
    context->channels_armed = context->channels_due;
    timer_at(&context->channels_timer, channels_timer, context->channels_armed);
}

void loop_enter(yoton_context *context) { uv_mutex_lock(&context->lock); }

void loop_leave(yoton_context *context) {
    for (;;) {
        serve_kicked(context);
        if (context->notice_first == NULL || context->options.events != NULL)
            break;
        tell_next(context);
    }
    arm_channels(context);
    bool told_elsewhere = context->notice_first != NULL;
    uv_mutex_unlock(&context->lock);
    if (told_elsewhere)
        events_post(context->options.events, &context->told);
}

static void stop(yoton_context *context) {
    while (context->oldest != NULL) {
        yoton_connection *connection = context->oldest;
        yoton_connection_ref(connection);
        connection_begin_close(connection, "Closed by the context.", true);
        connection_service(connection);
        yoton_connection_unref(connection);
    }
    while (context->streams != NULL)
        stream_close(context->streams);
    uv_close((uv_handle_t *)&context->channels_timer, NULL);
    uv_close((uv_handle_t *)&context->wake, NULL);
}

static void on_wake(uv_async_t *wake) {
    yoton_context *context = wake->data;
    loop_enter(context);
    if (context->stopping && !uv_is_closing((uv_handle_t *)wake))
        stop(context);
    loop_leave(context);
}

static void run(void *argument) {
    yoton_context *context = argument;
    own = context;
    uv_run(&context->loop, UV_RUN_DEFAULT);
}

/* The thread of a library takes no signals: those are the program's own business. */
static int start_thread(yoton_context *context) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = uv_thread_create(&context->thread, run, context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int loop_start(yoton_context *context) {
    int error = uv_loop_init(&context->loop);
    if (error != 0)
        return report_system(error, "make the event loop of a context");
    context->wake.data = context;
    context->channels_timer.data = context;
    context->channels_due = context->channels_armed = YOTON_NEVER;
    context->told.run = tell_from_events;
    error = uv_async_init(&context->loop, &context->wake, on_wake);
    if (error == 0) {
        uv_timer_init(&context->loop, &context->channels_timer);
        error = start_thread(context);
        if (error == 0)
            return YOTON_OK;
        uv_close((uv_handle_t *)&context->channels_timer, NULL);
        uv_close((uv_handle_t *)&context->wake, NULL);
        uv_run(&context->loop, UV_RUN_DEFAULT);
    }
    uv_loop_close(&context->loop);
    return report_system(error, "start the thread of a context");
}

void loop_stop(yoton_context *context) {
    uv_mutex_lock(&context->lock);
    channels_close(context); /* while the ends of its futures can be told */
    context->stopping = true;
    uv_mutex_unlock(&context->lock);
    uv_async_send(&context->wake);
    uv_thread_join(&context->thread);
    uv_loop_close(&context->loop);
    if (context->options.events == NULL)
        return;
    events_withdraw(context->options.events, &context->told);
    tell_the_rest(context); /* what was not told yet is told by whoever frees the context */
}
