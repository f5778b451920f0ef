/* SPDX-License-Identifier: BSD-2-Clause */
/* Sync mode: a reader that falls behind says so, and writers hold their sends. */
#ifndef YOTON_SYNC_H
#define YOTON_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "yoton/link.h"

#define SYNC_FULL "full"
#define SYNC_OK "ok"

/* A sub channel's half. A zeroed one is out of sync mode. */
typedef struct sync_reader {
    bool on;
    const char *last; /* SYNC_FULL, SYNC_OK or NULL: nothing said yet */
    yoton_time said;
} sync_reader;

/* Purpose: compare the queue with the thresholds. Returns the word that is to be said now, or
 * NULL. */
const char *sync_reader_look(sync_reader *reader, yoton_time now, size_t waiting);

/* Purpose: switch it on or off. Returns the word that is to be said now, or NULL. */
const char *sync_reader_switch(sync_reader *reader, bool on);

/* A source that said `full`. */
typedef struct sync_source {
    uint64_t id;
    yoton_time until; /* its word counts no longer */
} sync_source;

#define SYNC_SOURCES_MAX 1024 /* LIMIT-12 */

/* A pub channel's half. A zeroed one holds nothing. */
typedef struct sync_writer {
    sync_source *list; /* oldest word first */
    size_t count;
    size_t room;
} sync_writer;

void sync_writer_clear(sync_writer *writer);

/* Purpose: a source has said something. Without memory for it the word is taken as not said. */
void sync_writer_word(sync_writer *writer, yoton_time now, uint64_t source, const void *word,
                      size_t size);

/* Purpose: until when sends are held as far as is known now; 0 when they are not. */
yoton_time sync_writer_held(sync_writer *writer, yoton_time now);

#endif
