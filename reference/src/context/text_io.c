/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "context/exchange.h"

#define ROOM_AT_FIRST ((size_t)8192) /* most requests are short */
#define ROOM_LEFT ((size_t)4096)     /* for one read */

/* Up to the deadline in milliseconds, rounded up, as poll wants it. */
static int left_until(yoton_time deadline) {
    yoton_time now = uv_hrtime();
    if (deadline == YOTON_NEVER)
        return -1;
    if (now >= deadline)
        return 0;
    yoton_time left = (deadline - now - 1) / YOTON_MS + 1;
    return left < INT_MAX ? (int)left : INT_MAX;
}

short wait_ready(int fd, short events, yoton_time deadline) {
    struct pollfd watched = {.fd = fd, .events = events};
    for (;;) {
        int left = left_until(deadline);
        if (poll(&watched, 1, left) > 0)
            return watched.revents;
        if (left == 0)
            return 0;
    }
}

/* Memory grows with what comes, never with what might come. One byte more is kept for the NUL. */
static bool make_room(text_in *in) {
    size_t most = yoton_text_most(&in->scan);
    if (in->room == most || (in->room > 0 && in->room - in->have >= ROOM_LEFT))
        return true;
    size_t room = in->room == 0 ? ROOM_AT_FIRST : 2 * in->room;
    if (room > most)
        room = most;
    char *grown = realloc(in->bytes, room + 1);
    if (grown == NULL)
        return false;
    in->bytes = grown;
    in->room = room;
    return true;
}

int text_in_read(text_in *in, int fd) {
    ssize_t got;
    if (!make_room(in))
        return YOTON_E_NOMEM;
    do {
        got = recv(fd, in->bytes + in->have, in->room - in->have, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? YOTON_E_MORE : YOTON_E_SYSTEM;
    if (got == 0) {
        in->over = true;
        return yoton_text_over(&in->scan);
    }
    in->have += (size_t)got;
    return yoton_text_more(&in->scan, in->bytes, in->have);
}

void text_in_finish(text_in *in) {
    in->scan.size = yoton_text_keep(in->bytes, in->scan.size);
    in->bytes[in->scan.size] = '\0';
}

int text_out_write(text_out *out, int fd) {
    static char end[] = YOTON_TEXT_END;
    size_t end_size = yoton_text_has_end(out->text, out->size) ? 0 : YOTON_TEXT_END_SIZE;
    size_t left = out->sent < out->size ? out->size - out->sent : 0;
    size_t end_left = out->size + end_size - out->sent - left;
    struct iovec parts[] = {
        {.iov_base = (char *)out->text + (out->size - left), .iov_len = left},
        {.iov_base = end + (end_size - end_left), .iov_len = end_left},
    };
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent;
    if (left + end_left == 0)
        return YOTON_OK;
    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? YOTON_E_MORE : YOTON_E_SYSTEM;
    out->sent += (size_t)sent;
    return (size_t)sent == left + end_left ? YOTON_OK : YOTON_E_MORE;
}
