/* SPDX-License-Identifier: BSD-2-Clause */
#include "tool_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE 65536

int lines_fill(lines *l) {
    if (l->at > 0)
        memmove(l->bytes, l->bytes + l->at, l->size - l->at);
    l->size -= l->at;
    l->seen -= l->at;
    l->at = 0;
    if (l->room - l->size < PIECE) {
        char *grown = realloc(l->bytes, 2 * l->room + PIECE);
        if (grown == NULL)
            return -1;
        l->bytes = grown;
        l->room = 2 * l->room + PIECE;
    }
    ssize_t got = read(STDIN_FILENO, l->bytes + l->size, PIECE);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    l->ended = got == 0;
    l->size += (size_t)got;
    return 0;
}

bool lines_next(lines *l, const char **line, size_t *size) {
    if (l->at == l->size)
        return false;
    char *start = l->bytes + l->at;
    char *end = memchr(l->bytes + l->seen, '\n', l->size - l->seen);
    if (end == NULL && !l->ended) {
        l->seen = l->size;
        return false;
    }
    *line = start;
    *size = end != NULL ? (size_t)(end - start) : l->size - l->at;
    l->at = end != NULL ? (size_t)(end - l->bytes) + 1 : l->size;
    l->seen = l->at;
    l->count++;
    return true;
}

void lines_free(lines *l) { free(l->bytes); }
