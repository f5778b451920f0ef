/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* fopencookie */

#include "capture_source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 1 << 16, LOOK_MS = 50 }; /* read at once; between two looks at a file that grows */

struct capture_source {
    int fd;
    bool follow;
    volatile sig_atomic_t stopped;
    FILE *stream;
    int64_t given; /* bytes that the stream took, with those in its buffer */
};

static ssize_t take(void *cookie, char *out, size_t size) {
    capture_source *s = cookie;
    for (;;) {
        ssize_t taken = read(s->fd, out, size);
        if (taken > 0)
            s->given += taken;
        if (taken > 0 || (taken < 0 && errno != EINTR))
            return taken;
        if (s->stopped || (taken == 0 && !s->follow))
            return 0;
        poll(NULL, 0, LOOK_MS); /* a file cannot be waited for */
    }
}

/* Only tells where it is: so the C library can, too, without asking the system each time. */
static int tell(void *cookie, off64_t *offset, int whence) {
    const capture_source *s = cookie;
    if (whence != SEEK_CUR || *offset != 0)
        return -1;
    *offset = s->given;
    return 0;
}

static int give_back(void *cookie) {
    capture_source *s = cookie;
    if (s->fd != STDIN_FILENO)
        close(s->fd);
    free(s);
    return 0;
}

capture_source *capture_source_open(const char *name, bool follow, FILE **stream) {
    capture_source *s = malloc(sizeof *s);
    if (s == NULL)
        return NULL;
    s->fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    s->follow = follow;
    s->stopped = 0;
    s->given = 0;
    if (s->fd < 0) {
        free(s);
        return NULL;
    }
    *stream = fopencookie(s, "rb",
                          (cookie_io_functions_t){.read = take, .seek = tell, .close = give_back});
    if (*stream == NULL) {
        give_back(s);
        return NULL;
    }
    s->stream = *stream;
    setvbuf(*stream, NULL, _IOFBF, PIECE);
    return s;
}

uint64_t capture_source_offset(const capture_source *source) {
    return (uint64_t)ftello(source->stream);
}

void capture_source_stop(capture_source *source) { source->stopped = 1; }
