/* SPDX-License-Identifier: BSD-2-Clause */
/* How another loop learns that there is something to do: by a descriptor, or by being told. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "context/events.h"

/* ---- The descriptor: one that watches two ---- */

static bool watch(const yoton_events *events, int fd) {
    struct epoll_event readable = {.events = EPOLLIN};
    return fd >= 0 && epoll_ctl(events->fd, EPOLL_CTL_ADD, fd, &readable) == 0;
}

void embed_close(const yoton_events *events) {
    const int fds[] = {events->timer_fd, events->queue_fd, events->fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

bool embed_open(yoton_events *events) {
    events->timer_end = YOTON_NEVER;
    events->queue_fd = events->timer_fd = -1;
    events->fd = epoll_create1(EPOLL_CLOEXEC);
    if (events->fd >= 0)
        events->queue_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (events->queue_fd >= 0)
        events->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (watch(events, events->queue_fd) && watch(events, events->timer_fd))
        return true;
    int error = errno;
    embed_close(events);
    errno = error;
    return false;
}

/* Brings the descriptor to what is the case. */
static void show(yoton_events *events) {
    bool queued = events->first != NULL;
    yoton_time due = events_first_due(events);
    eventfd_t count;
    if (queued != events->queue_shown) {
        if (queued)
            eventfd_write(events->queue_fd, 1);
        else
            eventfd_read(events->queue_fd, &count);
        events->queue_shown = queued;
    }
    if (due != events->timer_end) {
        struct itimerspec end = {{0, 0}, {0, 0}}; /* at no time */
        if (due != YOTON_NEVER) {
            end.it_value.tv_sec = (time_t)(due / 1000000000);
            end.it_value.tv_nsec = (long)(due % 1000000000);
        }
        timerfd_settime(events->timer_fd, TFD_TIMER_ABSTIME, &end, NULL);
        events->timer_end = due;
    }
}

/* ---- Telling ---- */

/* Tells the other loop, which is told again only after it has processed. */
static void tell_wake(yoton_events *events) {
    yoton_wake_fn wake = events->wake;
    void *user = events->wake_user;
    call call;
    events->news = false;
    if (wake == NULL || events->told)
        return;
    events->told = true;
    events_call_begin(events, &call, &events->wake);
    uv_mutex_unlock(&events->lock);
    wake(user);
    uv_mutex_lock(&events->lock);
    events_call_end(events, &call);
}

void embed_tell(yoton_events *events) {
    if (events->fd_asked)
        show(events);
    if (events->news)
        tell_wake(events);
}

int yoton_events_fd(yoton_events *events) {
    events_lock(events);
    events->fd_asked = true;
    events_unlock(events);
    return events->fd;
}

void yoton_embed_event_loop(yoton_events *events, yoton_wake_fn wake, void *user) {
    events_lock(events);
    events->wake = wake;
    events->wake_user = user;
    events_settle(events, &events->wake);
    events->told = false;
    events->news = events->first != NULL || events->timers != NULL;
    events_unlock(events);
}

double yoton_events_timeout(yoton_events *events) {
    yoton_time now = uv_hrtime();
    events_lock(events);
    yoton_time due = events->first != NULL ? 0 : events_first_due(events);
    events_unlock(events);
    if (due == YOTON_NEVER)
        return YOTON_FOREVER;
    return due > now ? (double)(due - now) / 1e9 : 0.0;
}
