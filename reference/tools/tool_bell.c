/* SPDX-License-Identifier: BSD-2-Clause */
#include "tool_bell.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static int bell[2] = {-1, -1};
static volatile sig_atomic_t signalled;

/* Async-signal-safe. A pipe that is full has rung already. */
void bell_ring(void) {
    int error = errno;
    ssize_t written = write(bell[1], "", 1);
    (void)written;
    errno = error;
}

static void on_signal(int number) {
    if (signalled != 0)
        _exit(128 + number);
    signalled = number;
    bell_ring();
}

/* With one of these closed a pipe or socket would take its number, and output land there. */
static void fill_standard_descriptors(void) {
    int fd;
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

static int make_pipe(void) {
    if (pipe(bell) != 0)
        return -1;
    for (int i = 0; i < 2; i++)
        if (fcntl(bell[i], F_SETFL, O_NONBLOCK) != 0 || fcntl(bell[i], F_SETFD, FD_CLOEXEC) != 0)
            return -1;
    return 0;
}

int bell_open(void) {
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction act = {.sa_handler = on_signal}; /* no SA_RESTART: it ends a blocked write */
    fill_standard_descriptors();
    if (make_pipe() != 0)
        return -1;
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct sigaction before;
        /* Who started this process may want it to live on, as nohup does. */
        if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(ends[i], &act, NULL);
    }
    act.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &act, NULL);
    return 0;
}

int bell_signal(void) { return signalled; }

double bell_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* For poll, rounded up: not to come back before the moment. */
static int milliseconds_until(double moment) {
    double left = (moment - bell_now()) * 1000;
    return left <= 0 ? 0 : left > INT_MAX / 2 ? -1 : (int)left + 1;
}

static void hush(void) {
    char rung[64];
    while (read(bell[0], rung, sizeof rung) > 0)
        continue;
}

int bell_wait(double moment, int what) {
    int happened = 0;
    struct pollfd watched[3] = {
        {.fd = bell[0], .events = POLLIN},
        {.fd = what & BELL_INPUT ? STDIN_FILENO : -1, .events = POLLIN},
        {.fd = what & BELL_OUTPUT_GONE ? STDOUT_FILENO : -1},
    };
    if (poll(watched, 3, milliseconds_until(moment)) < 0)
        return signalled != 0 ? BELL_RANG : 0;
    if (watched[0].revents != 0) {
        hush();
        happened |= BELL_RANG;
    }
    if (watched[1].revents != 0) /* an end or error is found by reading */
        happened |= BELL_INPUT;
    if (watched[2].revents & (POLLERR | POLLHUP))
        happened |= BELL_OUTPUT_GONE;
    return happened;
}
