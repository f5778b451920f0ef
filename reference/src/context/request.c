/* SPDX-License-Identifier: BSD-2-Clause */
/* The client: one request, one answer. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "context/exchange.h"
#include "wire/utf8.h"

/* Returns 0 or what the system says. */
static int connect_to(int fd, const struct sockaddr_storage *to, yoton_time deadline) {
    int error = 0;
    socklen_t size = sizeof error;
    if (connect(fd, (const struct sockaddr *)to, endpoint_size(to)) != 0) {
        if (errno != EINPROGRESS && errno != EINTR)
            return errno;
        if (wait_ready(fd, POLLOUT, deadline) == 0)
            return ETIMEDOUT;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            return errno;
    }
    if (error == 0 && socket_met_itself(fd)) {
        socket_reset_at_close(fd);
        return ECONNREFUSED;
    }
    return error;
}

/* An address where nothing answers must not take the time of those behind it. */
static yoton_time share_of(yoton_time deadline, size_t takers) {
    yoton_time now = uv_hrtime();
    return deadline == YOTON_NEVER || deadline <= now ? deadline : now + (deadline - now) / takers;
}

/* The socket, or -1 with errno set. */
static int connect_any(const endpoints *to, yoton_time deadline) {
    int error = EDESTADDRREQ;
    for (size_t i = 0; i < to->count; i++) {
        int fd = socket_open(to->list[i].ss_family);
        error = fd < 0 ? errno : connect_to(fd, &to->list[i], share_of(deadline, to->count - i));
        if (error == 0)
            return fd;
        if (fd >= 0)
            close(fd);
    }
    errno = error;
    return -1;
}

typedef struct conversation {
    int fd;
    text_out out;
    text_in in;
    bool writing;
    int broken; /* why no more could be written */
} conversation;

/* When writing fails only reading can tell what happened: the server may have answered without
 * having read all. */
static void write_some(conversation *with) {
    int error = text_out_write(&with->out, with->fd);
    if (error == YOTON_OK)
        shutdown(with->fd, SHUT_WR); /* CS-1 */
    if (error == YOTON_E_SYSTEM)
        with->broken = errno;
    with->writing = error == YOTON_E_MORE;
}

static int read_some(conversation *with) {
    int error = text_in_read(&with->in, with->fd);
    if (error != YOTON_OK || with->broken == 0 || with->in.scan.ended)
        return error;
    errno = with->broken; /* what ended was not an answer */
    return YOTON_E_SYSTEM;
}

/* CS-1, CS-4 */
static int converse(conversation *with, yoton_time deadline) {
    write_some(with);
    for (;;) {
        bool late = uv_hrtime() >= deadline; /* what is there already still counts */
        short ready = wait_ready(with->fd, with->writing ? POLLIN | POLLOUT : POLLIN, deadline);
        if (with->writing && ready & POLLOUT)
            write_some(with);
        if (ready & ~POLLOUT) {
            int error = read_some(with);
            if (error != YOTON_E_MORE)
                return error;
        }
        if (ready == 0 || late)
            return YOTON_E_TIMEOUT;
    }
}

static int too_late(const char *address, double timeout) {
    return report_error(YOTON_E_TIMEOUT,
                        "no answer from %s within %g s; look whether its server is busy, or give "
                        "it more time",
                        address, timeout);
}

static int tell(int error, const char *address, double timeout, size_t limit) {
    switch (error) {
    case YOTON_E_TIMEOUT: /* CS-5 */
        return too_late(address, timeout);
    case YOTON_E_LENGTH: /* CS-8 */
        return report_error(error,
                            "no answer from %s: it is longer than the limit of %zu bytes; raise "
                            "the limit",
                            address, limit);
    case YOTON_E_SYSTEM:
        return report_error(error,
                            "no answer from %s: %s; look at what its server says about the "
                            "request",
                            address, strerror(errno));
    default:
        return report_error(error, "no answer from %s: %s", address, yoton_strerror(error));
    }
}

static int check(const char *address, const char *request, size_t size, double timeout,
                 size_t limit) {
    size_t good = yoton_utf8_check(request, size);
    size_t text = yoton_text_has_end(request, size) ? size - YOTON_TEXT_END_SIZE : size;
    if (timeout != timeout)
        return report_error(YOTON_E_ARGUMENT, "cannot ask %s: the time to wait is no number",
                            address);
    if (good < size)
        return report_error(YOTON_E_UTF8,
                            "cannot ask %s: the request is malformed UTF-8 at byte %zu; write it "
                            "in UTF-8",
                            address, good);
    if (text > limit) /* LIMIT-7 */
        return report_error(YOTON_E_LENGTH,
                            "cannot ask %s: the request has %zu bytes, %zu are allowed; ask for "
                            "less at once",
                            address, text, limit);
    return YOTON_OK;
}

static int connect_or_tell(const char *address, double timeout, yoton_time deadline, int *fd) {
    endpoints to;
    int error = resolve("ask", address, &to);
    if (error != YOTON_OK)
        return error;
    if (endpoint_port(&to.list[0]) == 0) /* ADDR-4 */
        return report_error(YOTON_E_ADDRESS, "cannot ask %s: nobody is at port 0; name the port",
                            address);
    *fd = connect_any(&to, deadline);
    if (*fd >= 0)
        return YOTON_OK;
    if (errno == ETIMEDOUT && uv_hrtime() >= deadline)
        return too_late(address, timeout);
    if (errno == ECONNRESET) /* somebody was there */
        return tell(YOTON_E_SYSTEM, address, timeout, 0);
    return report_error(YOTON_E_CONNECT, "cannot ask %s: %s; look whether a server runs there",
                        address, strerror(errno));
}

int request_ask(const char *address, const char *request, size_t request_size, double timeout,
                size_t max_text, char **answer, size_t *answer_size, bool *ended) {
    size_t limit = max_text != 0 ? max_text : YOTON_TEXT_MAX_DEFAULT;
    yoton_time deadline = timeout > 0 ? moment_in(timeout) : YOTON_NEVER;
    conversation with = {.out = {.text = request, .size = request_size},
                         .in = {.scan = {.limit = limit}}};
    *answer = NULL;
    *answer_size = 0;
    int error = check(address, request, request_size, timeout, limit);
    if (error == YOTON_OK)
        error = connect_or_tell(address, timeout, deadline, &with.fd);
    if (error != YOTON_OK)
        return error;
    error = converse(&with, deadline);
    if (error != YOTON_OK)
        tell(error, address, timeout, limit);
    close(with.fd);
    if (error != YOTON_OK) {
        free(with.in.bytes);
        return error;
    }
    text_in_finish(&with.in);
    *answer = with.in.bytes;
    *answer_size = with.in.scan.size;
    *ended = with.in.scan.ended;
    return YOTON_OK;
}

int yoton_do_request(const char *address, const char *request, size_t request_size, double timeout,
                     size_t max_text, char **answer, size_t *answer_size) {
    bool ended;
    return request_ask(address, request, request_size, timeout, max_text, answer, answer_size,
                       &ended);
}
